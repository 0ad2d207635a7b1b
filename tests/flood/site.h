/* SPDX-License-Identifier: BSD-3-Clause */
/* A site under attack: one worker with the tables that a gateway for 200,000 flows has.
 */
#ifndef TESTS_FLOOD_SITE_H
#define TESTS_FLOOD_SITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dataplane/pipeline.h>
#include <dataplane/state.h>
#include <tests/pipeline/frame.h>
#include <tests/pipeline/tables.h>

enum { EDGES = 8, BEFORE = 0, AFTER = 1 }; /* stages: half of the clients on new; all of them */
enum { TLS_PORT = 443, UDP_PORT = 4000, SIP_PORT = 5060 };

struct site {
	struct to_state *state;
	struct to_worker *worker;
	struct to_plan *plan;
	const struct to_table *table;
	struct to_nexthops nexthops;
	uint32_t now;
	struct to_frame frame[TO_BURST];
	uint8_t room[TO_BURST][TO_FRAME_HEADROOM + FRAME_MAX];
};

struct site *site_open(void);
void site_close(struct site *s);
void site_stage(struct site *s, int stage);

union to_addr site_vip(bool v4);
union to_addr site_edge(int edge, bool v4);

/* Where frame `i` of the next burst is built. */
uint8_t *site_room(struct site *s, unsigned i);
/* Runs the first `n` frames, of s->frame[i].len bytes each. */
void site_run(struct site *s, unsigned n);

struct site_census {
	uint64_t proven[TO_ENTRY_KIND_COUNT]; /* live ones */
	uint64_t unproven;                    /* places taken, of all kinds */
	uint64_t room;                        /* for unproven ones, of all kinds */
};
struct site_census site_count(const struct site *s);
uint64_t site_event(const struct site *s, enum to_event event);

#endif
