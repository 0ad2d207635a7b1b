/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small site, and flows through it by their numbers: what a client sends, what an edge answers,
 * and under which key the program must have it.
 */
#ifndef TESTS_XDP_SITE_H
#define TESTS_XDP_SITE_H

#include <turnout/entry.h>

#include "rig.h"

#define SITE_EDGES 4 /* 0 and 1 legacy, 2 and 3 new */
#define SITE_IDLE  600
#define SITE_SHORT 60 /* of flows over TCP whose number is odd */

struct site {
	struct to_plan *plan;
	const struct to_table *legacy; /* every new flow to the legacy pool; generation 1 */
	const struct to_table *fresh;  /* to the new one; generation 2 */
};

void site_make(struct site *s);
void site_free(struct site *s);

enum site_sort {
	SITE_TCP4,
	SITE_TCP6,
	SITE_UDP4,
	SITE_UDP6,
	SITE_CALL,     /* SIP over UDP: a dialog and a transaction */
	SITE_FRAGMENT, /* first fragments of datagrams */
	SITE_SORTS
};
const char *site_sort_name(enum site_sort sort);

/* What opens the flow; `more` of it, from its client: not for fragments; a client's TCP RST. */
void site_open(struct rig_frame *f, enum site_sort sort, unsigned n);
void site_more(struct rig_frame *f, enum site_sort sort, unsigned n);
void site_reset(struct rig_frame *f, enum site_sort sort, unsigned n);
/* The edge's first answer; what it says later. */
void site_answer(struct rig_frame *f, enum site_sort sort, unsigned n, unsigned edge);
void site_talk(struct rig_frame *f, enum site_sort sort, unsigned n, unsigned edge);
/* Is it the VIP that this frame comes from? */
bool site_is_from_vip(const struct rig_frame *f);

/* Its entry in the kernel; false: there is none. */
bool site_entry(const struct rig *r, enum site_sort sort, unsigned n, bool proven,
		struct to_bpf_entry *e);
enum to_entry_kind site_kind(enum site_sort sort);

/* Opened, and answered by the edge that it went to, which is returned. */
int site_establish(struct rig *r, enum site_sort sort, unsigned n);

#endif
