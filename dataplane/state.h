/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the DPDK engine remembers, in shared memory that outlives it: docs/state-tables.md.
 *
 * Each worker has its own tables, which it alone writes; proven dialogs, proven transactions and
 * owners are one table each for all workers (TO_STATE_SHARED). Every look-up returns live entries
 * only (now < expires).
 *
 * How long an entry's pointer is good: until the same worker next calls add, prove, remove or
 * sweep, save that proven entries which were live at the caller's `now` stay where they are until
 * they are removed. (An unproven one may be displaced by any to_state_add_unproven.) So hash and
 * prefetch a burst ahead, but look up packet by packet: the packet before may have made the entry.
 *
 * Through the pointer a caller may change any field by plain aligned stores, in shared tables as
 * well; edge and service of a shared entry never change.
 */
#ifndef TURNOUT_STATE_H
#define TURNOUT_STATE_H

#include "cells.h"

#define TO_STATE_MAX_WORKERS 64
#define TO_STATE_GRACE       2 /* seconds a shared entry is dead before its place is reused */

struct to_state_size {
	uint32_t proven; /* most entries; 0: no such table, nothing is ever found or added */
	uint32_t unproven;
};

struct to_state_config {
	uint32_t workers; /* 1 to TO_STATE_MAX_WORKERS */
	/* A worker's tables; the proven tables of shared kinds: the whole region's. */
	struct to_state_size size[TO_ENTRY_KIND_COUNT];
	uint32_t now;        /* the clock as it is: what is dead by it is not taken over */
	uint64_t seed;       /* 0: random; else all hash seeds follow from it (replays, tests) */
	const char *boot_id; /* NULL: the running kernel's */
	/* Which worker owns this key? Needed when a region with another number of workers is
	 * found. Asked for the kinds that are local to a worker. */
	uint32_t (*shard)(enum to_entry_kind kind, const void *key, uint32_t workers);
};

enum to_state_how {
	TO_STATE_CREATED,  /* there was nothing */
	TO_STATE_ADOPTED,  /* the region of a former process goes on */
	TO_STATE_MIGRATED, /* likewise, moved into a region of another geometry */
	TO_STATE_REPLACED, /* the region was of an earlier boot: nothing in it is true any more */
};

/* What to_state_open found. */
struct to_state_report {
	enum to_state_how how;
	uint64_t proven;   /* live entries taken over */
	uint64_t unproven; /* likewise */
	uint64_t dead;
	uint64_t half_written; /* cells whose writer was killed in the middle */
	uint64_t duplicates;   /* killed between "insert proven" and "remove unproven" */
	uint64_t displaced;    /* migration: unproven entries that found no place */
};

struct to_state_counters {
	uint64_t displaced; /* live unproven entries that made room for newer ones */
	uint64_t reclaimed; /* dead entries whose places were taken back */
	uint64_t full;      /* entries that found no place */
};

struct to_cells; /* state_tables.h */
struct to_state;

struct to_worker_state {
	struct to_view view[TO_ENTRY_KIND_COUNT][2]; /* [proven] */
	struct to_seed seed[TO_ENTRY_KIND_COUNT];
	struct to_cells *cells[TO_ENTRY_KIND_COUNT][2];
	struct to_state_counters count; /* written by the worker only */
	struct to_state *state;
	uint32_t worker;
	uint32_t sweep_kind; /* where the next sweep goes on */
	uint64_t sweep_bucket;
} __attribute__((aligned(64)));

/* Sizes for `workers` workers and at most `pins` IPv4 pins in all. Give twice what is expected: a
 * half full table answers a third faster than a full one. */
void to_state_sizes(struct to_state_config *config, uint32_t workers, uint32_t pins);

/*
 * Creates the region, or takes over the one at `path` after whatever end of its last process.
 * NULL: anonymous memory. Returns 0 or a negative errno, with a message for a person in `err`
 * and *state NULL:
 * -EBUSY another process has it; -EBADMSG not a region, or a damaged one (left alone);
 * -EPROTO a layout this build does not know; -ENOSPC no memory, or live proven entries of the old
 * region do not fit the new sizes (the old region is left as it was).
 */
int to_state_open(const char *path, const struct to_state_config *config, struct to_state **state,
		  char *err, size_t err_size);
/* The region stays where it is. */
void to_state_close(struct to_state *state);

const struct to_state_report *to_state_report(const struct to_state *state);
struct to_worker_state *to_state_worker(struct to_state *state, uint32_t worker);
uint64_t to_state_bytes(const struct to_state *state);
/* Places taken, dead entries included, and the most there may be. Racy from other threads. */
void to_state_usage(const struct to_worker_state *ws, enum to_entry_kind kind, bool proven,
		    uint32_t *used, uint32_t *capacity);

/* One live entry of a listing: copies, whole even while a worker writes. */
struct to_state_item {
	enum to_entry_kind kind;
	bool proven;
	uint32_t worker; /* 0 for shared tables */
	union {
		struct to_key key;
		struct to_key6 key6;
	};
	struct to_entry entry;
};
typedef int (*to_state_visit)(void *arg, const struct to_state_item *item);
/* Every live entry of the kind, from any thread. What the visitor returns, if not 0, ends it. */
int to_state_walk(struct to_state *state, enum to_entry_kind kind, uint32_t now,
		  to_state_visit visit, void *arg);

/* Where a walk through all tables stands. All zero: at its beginning. Any bytes do: what cannot be
 * is at most the end. */
struct to_state_cursor {
	uint32_t table; /* (kind * workers + worker) * 2, proven ones first */
	uint32_t reserved;
	uint64_t cell;
};

/*
 * Goes on through live entries of `kinds` (bits 1 << enum to_entry_kind), looking at `cells` cells
 * at most, from any thread. Returns 1: there is more, from `at` on; 0: that was all; or what the
 * visitor returned, if it is negative. If that is positive, the walk stops behind this entry.
 */
int to_state_walk_on(struct to_state *state, struct to_state_cursor *at, uint32_t kinds,
		     uint32_t cells, uint32_t now, to_state_visit visit, void *arg);

/* Which entries a release ends. */
struct to_release {
	uint8_t edge;
	uint8_t service; /* TO_NO_INDEX: all, and what has none */
	uint8_t group;   /* of that service: its affinities end too. TO_NO_INDEX: it has none */
	uint8_t reserved;
};
bool to_release_takes(const struct to_release *r, const struct to_state_item *item);

/*
 * Likewise, and ends the entries that `what` takes, at a time before `now` so that a worker whose
 * clock is late finds them dead as well. A cell that becomes another's meanwhile is left alone: its
 * time, edge and service are exchanged as one. A worker that is just using an entry may renew it
 * afterwards: look again. Adds how many were ended to `*ended`.
 */
int to_state_release_on(struct to_state *state, struct to_state_cursor *at, uint32_t cells,
			uint32_t now, const struct to_release *what, uint64_t *ended);

struct to_table;

/*
 * Entries name edges, services and VIPs by numbers. Do they mean the same in `t` as in the tables
 * that they were made by? Without live entries any table will do. 0, or -EINVAL with a message.
 */
int to_state_check_meaning(struct to_state *state, const struct to_table *t, uint32_t now,
			   char *err, size_t err_size);
/* Before `t`, which was checked, makes entries: outlives the process as they do. */
void to_state_set_meaning(struct to_state *state, const struct to_table *t);
/* A copy of `t`, which is running, has been kept: it is taken again, whatever followed it since. */
void to_state_kept(struct to_state *state, const struct to_table *t);

/* Kinds whose proven table all workers share. */
TO_INLINE bool to_state_is_shared(enum to_entry_kind kind, bool proven)
{
	return proven && (kind == TO_DIALOG || kind == TO_TRANSACTION || kind == TO_OWNER);
}

/* One hash serves the proven and the unproven table of a kind. */
TO_INLINE uint64_t to_state_hash(const struct to_worker_state *ws, enum to_entry_kind kind,
				 const void *key)
{
	return to_cells_hash(kind == TO_PIN6, key, &ws->seed[kind]);
}

TO_INLINE void to_state_prefetch(const struct to_worker_state *ws, enum to_entry_kind kind,
				 bool proven, uint64_t hash)
{
	const struct to_view *v = &ws->view[kind][proven];

	__builtin_prefetch(&v->bucket[hash & v->mask]);
}

/* What an unproven entry of this hash will write beside its bucket: its place in the order of age.
 */
void to_state_prefetch_age(const struct to_worker_state *ws, enum to_entry_kind kind,
			   uint64_t hash);

/* Some time after to_state_prefetch of the whole burst: fetches the next bucket too where an entry
 * may lie there (at most every fourth look-up), without a branch, so that the misses overlap. Worth
 * it for tables beyond the cache; docs/state-tables.md has the figures. */
TO_INLINE void to_state_prefetch_more(const struct to_worker_state *ws, enum to_entry_kind kind,
				      bool proven, uint64_t hash)
{
	const struct to_view *v = &ws->view[kind][proven];
	const union to_bucket *b = &v->bucket[hash & v->mask];

	__builtin_prefetch(&v->bucket[(hash + !to_bucket_ends(b)) & v->mask]);
}

/* Of a shared table; use to_state_find. */
struct to_entry *to_shared_find(const struct to_view *v, const void *key, uint64_t hash,
				uint32_t now);

/* `key` is a struct to_key, for TO_PIN6 a struct to_key6. Give `kind` and `proven` as constants.
 */
TO_INLINE struct to_entry *to_state_find_hashed(const struct to_worker_state *ws,
						enum to_entry_kind kind, bool proven,
						const void *key, uint64_t hash, uint32_t now)
{
	const struct to_view *v = &ws->view[kind][proven];

	if (to_state_is_shared(kind, proven))
		return to_shared_find(v, key, hash, now);
	return to_cells_find(v, kind == TO_PIN6, key, hash, now);
}

TO_INLINE struct to_entry *to_state_find(const struct to_worker_state *ws, enum to_entry_kind kind,
					 bool proven, const void *key, uint32_t now)
{
	return to_state_find_hashed(ws, kind, proven, key, to_state_hash(ws, kind, key), now);
}

/*
 * Adds an entry with `value` (its TO_ENTRY_PROVEN flag is set or cleared here). An unproven entry
 * displaces the oldest unproven one of its kind when the table is full. NULL when there is no
 * place (counted in count.full), or no such table.
 * A worker's own table: an entry of the same key is replaced, whole or not at all.
 * A shared table: when another live entry has the key, that one is returned, unchanged: the first
 * live claim wins. The caller compares edges.
 */
struct to_entry *to_state_add_unproven(struct to_worker_state *ws, enum to_entry_kind kind,
				       const void *key, uint64_t hash, const struct to_entry *value,
				       uint32_t now);
struct to_entry *to_state_add_proven(struct to_worker_state *ws, enum to_entry_kind kind,
				     const void *key, uint64_t hash, const struct to_entry *value,
				     uint32_t now);

/*
 * Moves an unproven entry to the proven table, under `key` (usually its own), as
 * to_state_add_proven would add it, and then removes it; so a crash leaves it there twice at
 * worst, never nowhere. NULL when the proven table is full: the entry stays.
 */
struct to_entry *to_state_prove(struct to_worker_state *ws, enum to_entry_kind kind,
				const void *key, uint64_t hash, struct to_entry *unproven,
				uint32_t now);

/* Gone for every later look-up. In a shared table only its time ends (at `now`). */
void to_state_remove(struct to_worker_state *ws, enum to_entry_kind kind, bool proven,
		     struct to_entry *entry, uint32_t now);

/* Takes places of dead entries back, in at most `buckets` buckets of the proven tables and as many
 * unproven entries, going on where the last call ended. Returns how many. */
uint32_t to_state_sweep(struct to_worker_state *ws, uint32_t now, uint32_t buckets);

#endif
