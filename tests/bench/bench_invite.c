/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a SIP INVITE of 800 bytes costs that belongs to a dialog, over UDP, against the mixed burst
 * of bench_pipeline at as many pins as there are dialogs, in the same run, sample by sample in
 * turn. Each is a transaction of its own (RFC 3261, 14.1), which is remembered as well. The clock
 * goes on between samples, so that transactions end and their places are used again.
 *
 *   bench_invite PLAN SIP_PLAN DIALOGS
 *
 * PLAN is bench_pipeline's. Prints a JSON line; wrong verdicts are counted and fail the run.
 */
#include <string.h>

#include <turnout/hash.h>
#include <turnout/table_read.h>

#include "packets.h"
#include "pinned.h"

#define VIP      0x0a020001u /* of the plan */
#define CLIENT   0x64400000u
#define SIP      5060
#define SIZE     800
#define MESSAGES 2048 /* a sample, of less than a millisecond */
#define ROUND    8    /* samples between two steps of the clock, */
#define LIFETIME 40   /* which are of so many seconds: a transaction's 32, and some */

struct bench {
	struct bench_subject subject;
	const struct to_table *table;
	uint32_t dialogs;
	uint32_t *edge; /* of each dialog: its address */
	uint32_t now;
	uint64_t sent;
	uint32_t samples;
	struct bench_sip usual, late, answer;
	uint64_t wrong;
};

static uint64_t call_of(uint32_t dialog)
{
	return to_mix(dialog);
}

static uint32_t put(const struct bench *b, const struct bench_sip *m, uint32_t dialog,
		    uint64_t branch, uint8_t *p)
{
	bool answer = m == &b->answer;
	union to_addr client = to_addr_v4(to_net32(CLIENT + dialog));
	union to_addr here = to_addr_v4(to_net32(VIP));
	struct bench_ends ends = {.sport = to_net16(SIP), .dport = to_net16(SIP), .proto = TO_UDP};
	uint32_t at;

	if (answer)
		here.w[3] = b->edge[dialog];
	ends.src = answer ? here : client;
	ends.dst = answer ? client : here;
	at = bench_put_headers(p, &ends, m->len);
	bench_sip_put(m, p + at, call_of(dialog), branch);
	return at + m->len;
}

/* An INVITE and the 200 of its edge. */
static int open_dialog(struct bench *b, uint32_t dialog)
{
	uint8_t *p = bench_place(&b->subject, 0);
	uint64_t branch = to_mix(++b->sent);
	struct to_decision d;

	if (!bench_steer(b->subject.worker, p, put(b, &b->usual, dialog, branch, p), b->now, &d) ||
	    d.verdict != TO_VERDICT_STEER || d.reason != TO_REASON_ROUTE)
		return -1;
	b->edge[dialog] = to_table_target(b->table, d.service, d.edge)->v4.raw;
	if (!bench_steer(b->subject.worker, p, put(b, &b->answer, dialog, branch, p), b->now, &d) ||
	    d.verdict != TO_VERDICT_REPLY)
		return -1;
	return 0;
}

static void check(struct bench *b, const struct to_frame *f, uint32_t dialog)
{
	b->wrong += f->decision.verdict != TO_VERDICT_STEER ||
		    f->decision.reason != TO_REASON_DIALOG || f->decision.class != TO_CLASS_SIP ||
		    memcmp(f->data + bench_destination_at(false), &b->edge[dialog], 4) != 0;
}

/* Nanoseconds a message. */
static double sample(struct bench *b, const struct bench_sip *m)
{
	struct to_frame f[BENCH_BURST];
	uint32_t dialog[BENCH_BURST];
	uint64_t ticks = 0;

	for (uint32_t at = 0; at < MESSAGES; at += BENCH_BURST) {
		for (uint32_t i = 0; i < BENCH_BURST; i++) {
			uint64_t r = to_mix(++b->sent);
			uint8_t *p = bench_place(&b->subject, i);

			dialog[i] = (uint32_t)(r >> 32) % b->dialogs;
			bench_arrive(&f[i], p, put(b, m, dialog[i], r, p));
		}
		ticks += bench_ticks(&b->subject, f, BENCH_BURST, b->now);
		for (uint32_t i = 0; i < BENCH_BURST; i++)
			check(b, &f[i], dialog[i]);
	}
	if (++b->samples % ROUND == 0)
		b->now += LIFETIME;
	return (double)ticks * b->subject.tick / MESSAGES;
}

static int make(struct bench *b)
{
	struct to_state_config config;

	bench_sip_invite(&b->usual, SIZE, false);
	bench_sip_invite(&b->late, SIZE, true);
	bench_sip_answer(&b->answer, SIZE);
	bench_sizes(&config, 2 * b->dialogs, BENCH_NOW);
	config.size[TO_DIALOG].proven = 2 * b->dialogs;
	config.size[TO_TRANSACTION].proven = 2 * (ROUND * MESSAGES + b->dialogs);
	b->edge = calloc(b->dialogs, sizeof(*b->edge));
	if (!b->edge || bench_subject_open(&b->subject, b->table, &config) < 0)
		return -1;
	for (uint32_t i = 0; i < b->dialogs; i++) {
		if (open_dialog(b, i) < 0) {
			fprintf(stderr, "dialog %u is not opened as it should be\n", i);
			return -1;
		}
	}
	b->now += LIFETIME;
	return 0;
}

static void measure(struct bench *b, struct bench_pinned *pinned)
{
	double mixed[BENCH_SAMPLES], usual[BENCH_SAMPLES], late[BENCH_SAMPLES];
	const struct to_counters *c = to_worker_counters(b->subject.worker);

	bench_pinned_sample(pinned, BENCH_VISITS - BENCH_WINDOW, true);
	sample(b, &b->usual);
	for (uint32_t i = 0; i < BENCH_SAMPLES; i++) {
		mixed[i] = bench_pinned_sample(pinned, bench_window(0, i), true);
		usual[i] = sample(b, &b->usual);
		late[i] = sample(b, &b->late);
	}
	b->wrong += c->events[TO_EVENT_ENTRY_LOST] + c->events[TO_EVENT_TABLE_FULL];
	bench_sort(mixed);
	bench_sort(usual);
	bench_sort(late);
	printf("{\"bench\":\"invite\",\"dialogs\":%u,\"bytes\":%u,\"samples\":%d,\"wrong\":%llu",
	       b->dialogs, b->usual.len, BENCH_SAMPLES,
	       (unsigned long long)(b->wrong + pinned->wrong));
	bench_print("mixed", mixed, mixed);
	bench_print("usual", usual, mixed);
	bench_print("late", late, mixed);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct bench_plan plan = {0}, sip_plan = {0};
	struct bench_pinned pinned = {0};
	struct bench b = {.now = BENCH_NOW};
	int rc = 1;

	if (argc != 4) {
		fprintf(stderr, "usage: %s PLAN SIP_PLAN DIALOGS\n", argv[0]);
		return 2;
	}
	b.dialogs = (uint32_t)strtoul(argv[3], NULL, 10);
	if (bench_plan_open(&plan, argv[1], NULL, NULL) < 0 ||
	    bench_plan_open(&sip_plan, argv[2], NULL, NULL) < 0)
		goto out;
	b.table = sip_plan.image[0].data;
	if (bench_pinned_open(&pinned, plan.image[0].data, b.dialogs, 2 * b.dialogs, BENCH_NOW) <
		    0 ||
	    make(&b) < 0)
		goto out;
	bench_pinned_order(&pinned, NULL, b.dialogs);
	measure(&b, &pinned);
	rc = b.wrong || pinned.wrong;
out:
	bench_subject_close(&b.subject);
	free(b.edge);
	bench_pinned_close(&pinned);
	bench_plan_close(&sip_plan);
	bench_plan_close(&plan);
	return rc;
}
