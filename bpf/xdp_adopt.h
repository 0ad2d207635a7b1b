/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking over what an earlier process has pinned. Maps of the same shape are used as they are;
 * others begin anew, but for the running generation, which is copied.
 * Entries whose maps have another size now, or another layout, move: into maps that are pinned
 * beside the old ones as NAME_new, once before the program is exchanged and once after, and only
 * then do those take the old names. A process that dies on the way leaves what the next one needs
 * to go on: it finds NAME_new and does the rest.
 */
#ifndef TURNOUT_XDP_ADOPT_H
#define TURNOUT_XDP_ADOPT_H

#include <turnout/table.h>

#include "xdp_object.h"

#define TO_XDP_REMADE 32

struct to_xdp_adoption {
	char dir[160];                         /* of the pinned maps */
	int lock;                              /* a descriptor, for the life of the process */
	bool found;                            /* there was something to take over */
	bool moves[TO_ENTRY_KIND_COUNT][2];    /* [proven]: these entries move */
	uint32_t place[TO_ENTRY_KIND_COUNT];   /* of the next unproven entry in its ring */
	struct bpf_map *remade[TO_XDP_REMADE]; /* others that have another shape now */
	unsigned remade_count;
	struct to_table *running; /* the generation, where its map is one of them */
	uint32_t moved_until;     /* the second in which the last round began */
	uint64_t moved;           /* how many have */
};

/*
 * Opens and loads the program with the maps in `pin`/maps, or with new ones. `pins`: sizes asked
 * for, as --pins; 0: as they are pinned, or the default. Returns 0 or a negative errno with a
 * message: -EPROTO: entries there have meanings that this build does not know.
 */
int to_xdp_adopt(struct to_xdp *x, struct to_xdp_adoption *a, const char *pin, uint32_t pins,
		 char *err, size_t err_size);

/* After the program was exchanged everywhere: what has changed meanwhile moves too, and the new
 * maps take the old ones' names. */
int to_xdp_adopt_finish(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size);

/* Only looks: opens what is pinned, loads nothing. */
int to_xdp_look(struct to_xdp *x, const char *pin, char *err, size_t err_size);

#endif
