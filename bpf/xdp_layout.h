/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the fields of an entry lie, in this build and in the one that has made a map. */
#ifndef TURNOUT_XDP_LAYOUT_H
#define TURNOUT_XDP_LAYOUT_H

#include "xdp_object.h"

#define TO_XDP_MAX_FIELDS 32
#define TO_XDP_FIELD_NAME 96

/* A scalar within a value. */
struct to_xdp_field {
	char name[TO_XDP_FIELD_NAME]; /* "e.expires" */
	uint32_t offset;
	uint32_t size;
};

struct to_xdp_layout {
	struct to_xdp_field field[TO_XDP_MAX_FIELDS];
	uint32_t n;
};

/* Of this build's entries; of a map's values, whichever build's, by its BTF: that takes
 * CAP_SYS_ADMIN. Return 0 or a negative errno. */
int to_xdp_layout_own(const struct to_xdp *x, struct to_xdp_layout *l);
int to_xdp_layout_read(int fd, struct to_xdp_layout *l);

/* A hash of this build's: what lies elsewhere is read by its BTF. Returns 0 or a negative errno. */
int to_xdp_shape(const struct to_xdp *x, uint64_t *shape);

/* Fields by name; what the old value does not have is zero, what is wider is extended so. */
void to_xdp_layout_convert(const struct to_xdp_layout *old, const struct to_xdp_layout *own,
			   const uint8_t *from, struct to_bpf_entry *to);

#endif
