/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's counters against a tally of its verdicts: pairs of service and edge have a row
 * each, as long as there are rows; everybody else has the first one. What is read is the sum of all
 * CPUs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"
#include "rig.h"
#include "tables.h"
#include "xdp_counters.h"

#define SERVICES 64u /* half of them at each VIP */
#define EDGES    24u /* with each of them a pair: more than there are rows */
#define ROWS     900u
#define CLIENTS  40u

static struct rig rig;
static struct rig_cpus two;
static struct to_plan *plan;
static const struct to_table *table;
static struct to_counters *mine, *theirs;

static char *text(void)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	fputs("turnout: 1\nsite: {name: many}\nsalt: many\npools:\n", f);
	for (unsigned e = 0; e < EDGES; e++) {
		if (e % (EDGES / 2) == 0)
			fprintf(f, "  %s, edges: {",
				e ? "fresh: {role: new" : "old: {role: legacy");
		fprintf(f, "e%u: {a0: 10.0.0.%u, a1: 10.0.1.%u}%s", e, e + 1, e + 1,
			e % (EDGES / 2) == EDGES / 2 - 1 ? "}}\n" : ", ");
	}
	fputs("services:\n", f);
	for (unsigned s = 0; s < SERVICES; s++)
		fprintf(f,
			"  s%u: {kind: other, vip: 203.0.113.%u, protocol: tcp, port: \"%u\", "
			"address: a%u, affinity: none}\n",
			s, s % 2 + 1, 1000 + s, s % 2);
	fputs("stages:\n  - name: half\n    routes: {", f);
	for (unsigned s = 0; s < SERVICES; s++)
		fprintf(f, "%ss%u: 50", s ? ", " : "", s);
	fputs("}\n", f);
	fclose(f);
	return out;
}

static void tally(const struct to_decision *d, uint32_t bytes)
{
	bool alone = rig.xdp.rows[to_bpf_pair(d->service, d->edge)];
	struct to_count *c =
		&mine->cell[to_counters_cell(alone ? d->service : TO_NO_INDEX, d->class,
					     alone ? d->edge : TO_NO_INDEX, d->reason)];

	c->packets++;
	c->bytes += bytes;
	mine->verdicts[d->verdict]++;
}

static void push(unsigned client, unsigned port, uint8_t flags, unsigned payload)
{
	union to_addr from = frame_v4(20, 0, 0, (uint8_t)client),
		      vip = frame_v4(203, 0, 113, (uint8_t)(port % 2 + 1));
	struct frame_spec s;
	struct to_decision d;
	struct rig_frame f = {0};
	uint32_t bytes;

	frame_init(&s, &from, &vip, IPPROTO_TCP_, 40000, (uint16_t)port);
	s.tcp_flags = flags;
	frame_fill_payload(&s, payload, client);
	bytes = frame_build(&s, f.data);
	f.len = bytes;
	rig_push(&rig, &f);
	memcpy(&d, (const void *)&rig.xdp.result->decision, sizeof(d));
	tally(&d, bytes);
}

static void push_all(unsigned payload)
{
	for (unsigned client = 0; client < CLIENTS; client++) {
		for (unsigned s = 0; s < SERVICES + 2; s++) /* two ports have no service */
			push(client, 1000 + s, client % 2 ? F_SYN : F_ACK, payload);
	}
}

/* Every cell: what was counted, and nothing else. */
static void assert_same(void)
{
	assert_int_equal(to_xdp_counters_read(&rig.xdp, theirs), 0);
	assert_memory_equal(mine->cell, theirs->cell, sizeof(mine->cell));
	assert_memory_equal(mine->verdicts, theirs->verdicts, sizeof(mine->verdicts));
}

static uint64_t packets_of(uint8_t service, uint8_t edge)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < TO_CLASS_COUNT * TO_REASON_COUNT; i++) {
		uint8_t class = (uint8_t)(i / TO_REASON_COUNT);

		n += theirs->cell[to_counters_cell(service, class, edge,
						   (uint8_t)(i % TO_REASON_COUNT))]
			     .packets;
	}
	return n;
}

static void test_pairs_have_rows_and_others_the_first(void **state)
{
	uint64_t first = 0, last = 0;

	(void)state;
	push_all(10);
	assert_same();
	for (uint8_t edge = 0; edge < EDGES; edge++) {
		first += packets_of(0, edge);
		last += packets_of(SERVICES - 1, edge);
	}
	assert_int_equal(rig.xdp.rows_used, ROWS);
	assert_int_equal(first, CLIENTS);
	assert_int_equal(last, 0);
	/* without rows of their own, and without a service */
	assert_in_range(packets_of(TO_NO_INDEX, TO_NO_INDEX), (2 + 1) * CLIENTS,
			(2 + SERVICES / 2) * CLIENTS);
}

static void test_cpus_are_added_up(void **state)
{
	(void)state;
	push_all(20);
	rig_stay_on(two.cpu[1]);
	push_all(0);
	push_all(30);
	rig_stay_on(two.cpu[0]);
	assert_same();
}

static int begin(void **state)
{
	(void)state;
	to_xdp_counters_free(mine);
	mine = to_xdp_counters_new();
	rig_empty(&rig);
	return mine ? 0 : -1;
}

static void test_clear(void **state)
{
	push_all(10);
	begin(state);
	assert_same();
	for (int event = 0; event < TO_EVENT_COUNT; event++)
		assert_int_equal(theirs->events[event], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pairs_have_rows_and_others_the_first, begin),
		cmocka_unit_test_setup(test_cpus_are_added_up, begin),
		cmocka_unit_test_setup(test_clear, begin),
	};
	struct to_xdp_sizes sizes = rig_sizes(64, 64);
	char *yaml = text();
	int failed;

	sizes.rows = ROWS;
	two = rig_two_cpus();
	rig_stay_on(two.cpu[0]);
	rig_open(&rig, &sizes, true);
	rig_clock(&rig, 1000);
	plan = tables_plan(yaml);
	table = tables_compile(plan, 0, NULL, 1, 0, NULL);
	rig_publish(&rig, table);
	theirs = to_xdp_counters_new();
	failed = cmocka_run_group_tests_name("counters", tests, NULL, NULL);
	to_xdp_counters_free(mine);
	to_xdp_counters_free(theirs);
	tables_free(table);
	tables_plan_free(plan);
	free(yaml);
	rig_close(&rig);
	return failed;
}
