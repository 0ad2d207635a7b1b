/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 20,000 clients at every one of many shares, up and down again. How many go to the new pool is
 * within what a binomial distribution leaves at 99.9 %; who goes there stays there when the share
 * rises; at a share that was before, everybody has the edge that they had.
 */
#include "share.h"

#include <dataplane/state.h>
#include <stdio.h>
#include <stdlib.h>
#include <tests/pipeline/tables.h>

#include "random.h"
#include "rig.h"

enum { CLIENTS = 20000, STAGES = 12, EDGES = 5, LEGACY_EDGES = 2 };
#define ACROSS 3.2905 /* standard deviations that 99.9 % of a normal distribution lie within */

static const int shares[STAGES] = {0, 1, 37, 100, 500, 1000, 2500, 5000, 7500, 9321, 9999, 10000};
static struct rig_frame frames[TO_BURST];
static uint8_t edge_at[STAGES][CLIENTS];

static char *plan_text(void)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	fprintf(out, "turnout: 1\nsite: {name: shares, gateways: 192.0.2.1}\nsalt: shares\n"
		     "pools:\n"
		     "  old: {role: legacy, edges: {l1: {a: [10.1.0.1, 'fd00::1']}, "
		     "l2: {a: [10.1.0.2, 'fd00::2']}}}\n"
		     "  young: {role: new, edges: {n1: {a: [10.2.0.1, 'fd00::3']}, "
		     "n2: {a: [10.2.0.2, 'fd00::4']}, n3: {a: [10.2.0.3, 'fd00::5']}}}\n"
		     "services:\n  s: {kind: other, vip: [192.0.2.10, '2001:db8::10'], protocol: "
		     "tcp, port: 443, address: a}\nstages:\n");
	for (int i = 0; i < STAGES; i++)
		fprintf(out, "  - {name: stage%d, routes: {s: %d.%02d}}\n", i, shares[i] / 100,
			shares[i] % 100);
	fclose(out);
	return text;
}

/* Half of them IPv4, half IPv6, all different: 20,000 numbers on a bijection. */
static union to_addr client(uint32_t i)
{
	uint64_t x = to_mix(i + 1);
	union to_addr a = frame_v4((uint8_t)(11 + (x >> 40) % 80), (uint8_t)(i >> 8), (uint8_t)i,
				   (uint8_t)(1 + x % 200));

	if (i % 2) {
		a = frame_addr("2600::");
		for (int k = 2; k < 8; k++)
			a.b[k] = (uint8_t)(x >> k * 8);
		a.b[15] = 1;
	}
	return a;
}

/* A SYN of each client; its port says which pass, so that no entry of a pass before is met. */
static const char *ask(struct rig *rig, uint16_t port, uint32_t now, uint8_t *edges)
{
	static struct frame_spec s;

	for (uint32_t i = 0; i < CLIENTS; i += TO_BURST) {
		unsigned n = CLIENTS - i < TO_BURST ? CLIENTS - i : TO_BURST;
		const char *why;

		for (unsigned k = 0; k < n; k++) {
			union to_addr from = client(i + k);
			union to_addr vip =
				frame_addr(frame_is_v4(&from) ? "192.0.2.10" : "2001:db8::10");

			frame_init(&s, &from, &vip, IPPROTO_TCP_, port, 443);
			s.tcp_flags = F_SYN;
			frames[k].len = frame_build(&s, rig_frame_data(&frames[k]));
		}
		why = rig_run(rig, frames, n, now);
		if (why)
			return why;
		for (unsigned k = 0; k < n; k++) {
			if (frames[k].out.decision.reason != TO_REASON_ROUTE)
				return "a new client is not decided by its route";
			edges[i + k] = frames[k].out.decision.edge;
		}
	}
	return NULL;
}

static bool within(int stage)
{
	double p = shares[stage] / 10000.0, n = CLIENTS, found = 0, off;

	for (uint32_t i = 0; i < CLIENTS; i++)
		found += edge_at[stage][i] >= LEGACY_EDGES;
	off = found - n * p;
	printf("share %3d.%02d %%: %5.0f of %d clients\n", shares[stage] / 100, shares[stage] % 100,
	       found, CLIENTS);
	/* squared, with the correction for a discrete distribution: no square root needed */
	off = off < 0 ? -off : off;
	off = off > 0.5 ? off - 0.5 : 0;
	if (off * off <= ACROSS * ACROSS * n * p * (1 - p))
		return true;
	printf("FAILED: that is outside of the 99.9 %% interval\n");
	return false;
}

/* Only from legacy to new, and within a pool nobody moves at all. */
static bool only_added(int before, int after)
{
	for (uint32_t i = 0; i < CLIENTS; i++) {
		bool was = edge_at[before][i] >= LEGACY_EDGES,
		     is = edge_at[after][i] >= LEGACY_EDGES;

		if ((was && !is) || (was == is && edge_at[before][i] != edge_at[after][i])) {
			printf("FAILED: client %u moves from edge %u to %u when the share rises\n",
			       i, edge_at[before][i], edge_at[after][i]);
			return false;
		}
	}
	return true;
}

static bool restored(int stage, const uint8_t *again)
{
	for (uint32_t i = 0; i < CLIENTS; i++)
		if (edge_at[stage][i] != again[i]) {
			printf("FAILED: after the rollback to %d client %u is at edge %u, was at "
			       "%u\n",
			       shares[stage], i, again[i], edge_at[stage][i]);
			return false;
		}
	return true;
}

static const char *pass(struct rig *rig, int stage, uint16_t port, uint8_t *edges)
{
	static const uint8_t up[EDGES];

	rig_set_table(rig, stage, up, 1000);
	return ask(rig, port, 1000, edges);
}

int share_test(void)
{
	static uint8_t again[CLIENTS];
	struct rig_options options = {.room = 4096, .seed = 7, .now = 1000};
	char *text = plan_text();
	struct to_plan *plan = tables_plan(text);
	struct rig rig;
	const char *why = rig_open(&rig, &options, plan);
	bool fine = true;

	for (int i = 0; i < STAGES && !why; i++) {
		why = pass(&rig, i, (uint16_t)(1000 + i), edge_at[i]);
		fine &= within(i) && (!i || only_added(i - 1, i));
	}
	for (int i = STAGES - 1; i >= 0 && !why; i--) {
		why = pass(&rig, i, (uint16_t)(2000 + i), again);
		fine &= restored(i, again);
	}
	if (why)
		printf("FAILED: %s\n", why);
	rig_close(&rig);
	tables_plan_free(plan);
	free(text);
	return !fine || why;
}
