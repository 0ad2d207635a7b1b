/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking over what an earlier process has pinned. Maps of the same shape are used as they are;
 * others begin anew, but for the running generation, which is copied. Entries whose maps have
 * another size now, or another layout, move: into maps that are pinned beside the old ones as
 * NAME_new. They are copied before the program is exchanged, and what has changed meanwhile after;
 * only then do those maps take the old names.
 *
 * `about` says how far that is, so that a process may die on the way: until the first exchange the
 * old maps have everything, and what is new is thrown away; from then on the next process goes on
 * with the new ones.
 */
#ifndef TURNOUT_XDP_ADOPT_H
#define TURNOUT_XDP_ADOPT_H

#include <turnout/table.h>

#include "xdp_object.h"

#define TO_XDP_REMADE 32

struct to_xdp_adoption {
	char dir[160];                         /* of the pinned maps */
	int lock;                              /* a descriptor, for the life of the process */
	bool looks;                            /* nothing is changed: maps are only read */
	bool found;                            /* there was something to take over */
	bool resumed;                          /* a move that was interrupted goes on */
	bool pins_later;                       /* therefore --pins does not count this time */
	bool moves[TO_ENTRY_KIND_COUNT][2];    /* [proven]: these entries move */
	bool moving;                           /* any of them */
	struct bpf_map *remade[TO_XDP_REMADE]; /* others that have another shape now */
	unsigned remade_count;
	uint32_t slot;            /* of the running generation, where `control` is one of them */
	struct to_table *running; /* that generation, where `tables` is one of them */
	struct to_bpf_control *before; /* what the program before reads, if that is another one */
	uint32_t since;                /* a second before the last walk through what moves began */
	uint64_t shape;                /* of this build's entries */
	struct to_bpf_about about;     /* as it is pinned */
	uint64_t moved;                /* how many have */
	uint64_t lost;                 /* and for how many there was no room, in the last walk */
	uint64_t late; /* how many changed too often to be brought up to date, likewise */
};

/*
 * Opens and loads the program with the maps in `pin`/maps, or with new ones. `pins`: sizes asked
 * for, as --pins; 0: as they are pinned, or the default. Returns 0 or a negative errno with a
 * message, and what is pinned is as good as before: -EPROTO: this build cannot read it; -ENOSPC:
 * there are more entries than the sizes allow.
 */
int to_xdp_adopt(struct to_xdp *x, struct to_xdp_adoption *a, const char *pin, uint32_t pins,
		 char *err, size_t err_size);

/* Is it a map of an earlier process, which the running program reads? */
bool to_xdp_is_taken_over(const struct to_xdp_adoption *a, const struct bpf_map *map);

/* Just before the program is exchanged in the first place. As to_xdp_adopt(). */
int to_xdp_adopt_begin(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size);

/* After it was exchanged everywhere: what has changed meanwhile moves too, and the new maps take
 * the old ones' names. */
int to_xdp_adopt_finish(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size);

/* The process gives up before the first exchange: what was made for it goes. Else does nothing. */
void to_xdp_adopt_abandon(struct to_xdp *x, struct to_xdp_adoption *a);

/* Only looks: opens what is pinned, for reading, and loads nothing. */
int to_xdp_look(struct to_xdp *x, const char *pin, char *err, size_t err_size);

#endif
