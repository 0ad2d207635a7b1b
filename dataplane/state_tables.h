/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the state tables: shared by the state*.c files, nobody else's. */
#ifndef TURNOUT_STATE_TABLES_H
#define TURNOUT_STATE_TABLES_H

#include "state.h"

#define TO_STATE_REGION_MAGIC  0x454e494c46544f54ULL /* "TOTFLINE" as bytes */
#define TO_STATE_REGION_LAYOUT 1u
#define TO_STATE_REGION_HEADER 4096
#define TO_BOOT_ID_SIZE        40 /* 36 characters of a UUID, zero padded */

/* The first page of a region. Nothing in it but what entries mean changes after the region has got
 * its name. */
struct to_state_region {
	uint64_t magic;
	uint32_t layout;
	uint32_t clock;    /* clockid_t of every time in it */
	uint64_t checksum; /* of the header up to `meaning`, with this field 0 */
	uint64_t bytes;
	char boot_id[TO_BOOT_ID_SIZE];
	uint32_t workers;
	uint32_t reserved;
	struct to_state_size size[TO_ENTRY_KIND_COUNT];
	struct to_seed seed[TO_ENTRY_KIND_COUNT];
	/* to_table_meaning() of the tables that entries were made by, and of the one whose copy was
	 * kept last, each stored as one; 0: nobody has said. */
	uint64_t meaning;
	uint64_t meaning_kept;
};
_Static_assert(sizeof(struct to_state_region) <= TO_STATE_REGION_HEADER, "layout");

#define TO_NO_CELL UINT32_MAX

/* The ring of unproven entries, oldest first; one link a cell, addressed by the cell's number. */
struct to_link {
	uint32_t older;
	uint32_t newer;
};

/*
 * What a process knows about one table beside the cells. None of it is in the region: recovery
 * finds it out from the cells, so no crash can leave it wrong.
 */
struct to_cells {
	struct to_view view;
	const struct to_seed *seed;
	struct to_link *link; /* unproven tables only */
	uint32_t oldest;
	uint32_t newest;
	uint32_t capacity;
	uint32_t used; /* cells that are not free; shared tables: atomic */
	uint32_t hand; /* where a full table looks for dead entries; shared tables: atomic */
	uint8_t kind;
	bool proven;
	bool wide;
	bool shared;
} __attribute__((aligned(64)));

struct to_state {
	struct to_state_region *region;
	uint64_t bytes;
	int lock; /* file descriptor, -1 for anonymous memory */
	struct to_state_report report;
	struct to_worker_state *worker; /* [region->workers] */
	struct to_cells *cells;         /* [workers][kinds][2]; shared ones: worker 0's */
	union to_bucket none;           /* the bucket of tables that do not exist */
};

TO_INLINE uint64_t to_cells_count(const struct to_cells *t)
{
	return (t->view.mask + 1) * to_cells_per_bucket(t->wide);
}

TO_INLINE union to_bucket *to_bucket_of(const struct to_cells *t, bool wide, uint32_t cell)
{
	return &t->view.bucket[cell / to_cells_per_bucket(wide)];
}

TO_INLINE uint32_t to_slot_of(bool wide, uint32_t cell)
{
	return cell % to_cells_per_bucket(wide);
}

TO_INLINE uint32_t to_cell_of(const struct to_cells *t, const struct to_entry *e)
{
	size_t at = (size_t)((const uint8_t *)e - (const uint8_t *)t->view.bucket);

	return (uint32_t)(at / (sizeof(union to_bucket) / to_cells_per_bucket(t->wide)));
}

/* One instruction, so that a crash leaves the old value or the new one. */
TO_INLINE void to_value_store(struct to_entry *to, const struct to_entry *value)
{
	typedef uint64_t two __attribute__((vector_size(16), may_alias));
	two v;

	__builtin_memcpy(&v, value, sizeof(v));
	*(volatile two *)to = v;
}

/* state_map.c */
uint64_t to_state_region_buckets(uint32_t kind, uint32_t entries);
uint32_t to_state_region_capacity(const struct to_state_region *r, uint32_t kind, bool proven);
/* The process's side of a region: of `fd`, whose header is checked, or new with `header`; of
 * anonymous memory with fd -1. */
int to_state_attach(int fd, uint64_t bytes, const struct to_state_region *header,
		    struct to_state **out);
void to_state_detach(struct to_state *st);

/* state.c: tables that one worker writes. */
struct to_entry *to_own_add(struct to_cells *t, const void *key, uint64_t hash,
			    const struct to_entry *value, uint32_t now,
			    struct to_state_counters *count);
void to_own_free(struct to_cells *t, uint32_t cell);
void to_over_add(const struct to_cells *t, uint64_t home, uint64_t end);
void to_ring_append(struct to_cells *t, uint32_t cell);

/* state_shared.c: tables that all workers write. */
struct to_entry *to_shared_add(struct to_cells *t, const struct to_key *key, uint64_t hash,
			       const struct to_entry *value, uint32_t now,
			       struct to_state_counters *count);
uint32_t to_shared_sweep(struct to_cells *t, uint64_t from, uint64_t end, uint32_t now);

/* state_recover.c */
int to_state_recover(struct to_state *st, uint32_t now);
int to_state_migrate(struct to_state *from, struct to_state *to,
		     const struct to_state_config *config, char *err, size_t err_size);

#endif
