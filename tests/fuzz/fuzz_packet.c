/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bursts of frames through parser, decision, state and rewriting. Input:
 *
 *   byte 0     the plan, byte 1 the stage; bit 7 of byte 1: some edges are not up
 *   a frame    control byte (enum control and the zone in its low two bits), seconds that the
 *              clock moves on before it, length (two bytes, little-endian), that many bytes
 *
 * State is small, so that tables are soon full.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/pipeline.h"
#include "../../dataplane/state.h"
#include "packet_check.h"
#include "packet_tables.h"

#define MAX_FRAMES 64
#define MAX_FRAME  9216
#define MTU        1500
#define START      1100 /* the clock: after the tables were made */

enum control {
	RAW = 4,         /* checksums stay as they are */
	END_BURST = 8,   /* the frames up to this one are a burst */
	NEXT_STAGE = 16, /* another generation from the next burst on */
	TURN_STATES = 32,
	LONG = 64, /* the clock moves 64 times as far */
	SWEEP = 128,
};

struct run {
	const struct fuzz_site *site;
	const struct to_table *table;
	struct to_worker *worker;
	struct to_nexthops nexthops;
	unsigned stage;
	unsigned states;
	uint32_t now;
	unsigned n; /* frames of the burst */
	unsigned total;
	struct to_frame frame[MAX_FRAMES];
	struct fuzz_original original[MAX_FRAMES];
	uint8_t *room[MAX_FRAMES];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_packet: %s\n", what);
	abort();
}

static struct to_state *open_state(void)
{
	struct to_state_config config = {.workers = 1, .now = START, .seed = 1, .boot_id = "fuzz"};
	struct to_state *state;
	char err[256];

	for (unsigned i = 0; i < TO_ENTRY_KIND_COUNT; i++)
		config.size[i] = (struct to_state_size){.proven = 16, .unproven = 8};
	must(to_state_open(NULL, &config, &state, err, sizeof(err)) == 0, err);
	return state;
}

static void set_table(struct run *r)
{
	r->table = r->site->table[r->stage % r->site->stages][r->states];
	to_worker_set_table(r->worker, r->table);
}

static void check_shard(const struct run *r, const struct to_frame *f, unsigned workers)
{
	unsigned owner = to_frame_shard(r->table, f->data, f->len, workers);

	must(owner < workers, "a frame belongs to a worker that is not there");
	must(owner == to_worker_shard(r->worker, f->data, f->len, workers),
	     "a worker thinks otherwise of whose a frame is");
}

static void run_burst(struct run *r)
{
	for (unsigned i = 0; i < r->n; i++)
		for (unsigned workers = 1; workers < 64; workers = workers * 3 + 1)
			check_shard(r, &r->frame[i], workers);
	to_worker_set_nanoseconds(r->worker, (uint64_t)r->now * 1000000000u);
	to_pipeline_run(r->worker, r->frame, r->n, r->now);
	for (unsigned i = 0; i < r->n; i++) {
		fuzz_check_frame(r->table, &r->nexthops, &r->original[i], &r->frame[i], r->room[i]);
		free(r->room[i]);
	}
	r->n = 0;
}

/* The buffer is as large as it must be and no larger, so that one byte too far is seen. */
static void add_frame(struct run *r, uint8_t control, const uint8_t *data, uint32_t len)
{
	uint8_t *room = malloc(TO_FRAME_HEADROOM + (size_t)len);
	uint8_t *copy = malloc(len ? len : 1);

	must(room && copy, "no memory");
	memcpy(copy, data, len);
	if (!(control & RAW))
		fuzz_mend(copy, len);
	memcpy(room + TO_FRAME_HEADROOM, copy, len);
	r->room[r->n] = room;
	r->original[r->n] = (struct fuzz_original){.data = copy, .len = len};
	r->frame[r->n] = (struct to_frame){.data = room + TO_FRAME_HEADROOM,
					   .len = len,
					   .zone = control & 3 ? control & 3 : TO_ZONE_BOTH};
	r->n++;
	r->total++;
}

/* Between two bursts. */
static void turn(struct run *r, uint8_t control)
{
	if (control & (NEXT_STAGE | TURN_STATES)) {
		r->stage += !!(control & NEXT_STAGE);
		r->states ^= !!(control & TURN_STATES);
		set_table(r);
	}
	if (control & SWEEP)
		to_pipeline_sweep(r->worker, r->now, 8);
}

static void end_burst(struct run *r, uint8_t control)
{
	unsigned n = r->n;

	run_burst(r);
	for (unsigned i = 0; i < n; i++)
		free((void *)(uintptr_t)r->original[i].data);
	turn(r, control);
}

static void run_frames(struct run *r, const uint8_t *data, size_t size)
{
	while (size >= 4 && r->total < MAX_FRAMES) {
		uint8_t control = data[0];
		uint32_t seconds = control & LONG ? data[1] * 64u : data[1];
		size_t len = data[2] | (size_t)data[3] << 8;

		if (len > size - 4)
			len = size - 4;
		/* a burst has one time */
		if (seconds && r->n)
			end_burst(r, 0);
		r->now += seconds;
		add_frame(r, control, data + 4, len < MAX_FRAME ? (uint32_t)len : MAX_FRAME);
		if (control & END_BURST || r->n == TO_BURST)
			end_burst(r, control);
		data += 4 + len;
		size -= 4 + len;
	}
	if (r->n)
		end_burst(r, 0);
}

/* Every frame was counted once. */
static void check_counts(const struct run *r)
{
	const struct to_counters *c = to_worker_counters(r->worker);
	uint64_t frames = 0;

	for (unsigned i = 0; i < TO_VERDICT_COUNT; i++)
		frames += c->verdicts[i];
	must(frames == r->total, "a frame was not counted once");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_site *sites;
	static unsigned count;
	struct to_state *state;
	struct run *r;

	if (!sites)
		count = fuzz_sites(&sites);
	if (size < 6)
		return 0;
	r = calloc(1, sizeof(*r));
	must(r, "no memory");
	r->site = &sites[data[0] % count];
	r->stage = data[1] & 127;
	r->states = data[1] >> 7;
	r->now = START;
	to_nexthops_replay(&r->nexthops, MTU);
	state = open_state();
	r->worker = to_worker_new(state, 0, &r->nexthops);
	must(r->worker, "no worker");
	must(to_worker_set_sip_rate(r->worker, data[0] & 128 ? 1 : 0) == 0, "no guard");
	set_table(r);
	run_frames(r, data + 2, size - 2);
	check_counts(r);
	to_worker_free(r->worker);
	to_state_close(state);
	free(r);
	return 0;
}
