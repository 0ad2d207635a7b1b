/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <dataplane/state.h>
#include <stdio.h>
#include <string.h>
#include <tests/pipeline/tables.h>
#include <unistd.h>

#include "fault.h"

#define BOOT   "6b1f0c52-0000-4000-8000-000000000001" /* a restart is not a reboot */
#define PROVEN 1024u
#define MTU    1500

static char message[256];

static void configure(const struct rig *rig, unsigned workers, uint32_t now,
		      struct to_state_config *config)
{
	*config = (struct to_state_config){
		.workers = workers, .now = now, .seed = rig->options.seed | 1, .boot_id = BOOT};
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		config->size[kind] = (struct to_state_size){PROVEN, rig->options.room};
	config->size[TO_AFFINITY].unproven = config->size[TO_OWNER].unproven = 0;
}

static const char *open_side(struct rig *rig, struct rig_side *side, uint32_t now)
{
	struct to_state_config config;
	char err[160] = "";
	int rc;

	configure(rig, side->workers, now, &config);
	rc = to_state_open(*side->path ? side->path : NULL, &config, &side->state, err,
			   sizeof(err));
	if (rc) {
		snprintf(message, sizeof(message), "state: %s (%d)", err, rc);
		return message;
	}
	for (unsigned i = 0; i < side->workers; i++) {
		side->worker[i] = to_worker_new(side->state, i, &rig->nexthops);
		if (!side->worker[i])
			return "no memory for a worker";
		if (rig->table)
			to_worker_set_table(side->worker[i], rig->table);
	}
	return NULL;
}

static void close_side(struct rig_side *side)
{
	for (unsigned i = 0; i < side->workers; i++) {
		to_worker_free(side->worker[i]);
		side->worker[i] = NULL;
	}
	if (side->state)
		to_state_close(side->state);
	side->state = NULL;
}

const char *rig_open(struct rig *rig, const struct rig_options *options, const struct to_plan *plan)
{
	const char *why = NULL;

	memset(rig, 0, sizeof(*rig));
	rig->options = *options;
	rig->plan = plan;
	to_nexthops_replay(&rig->nexthops, MTU);
	for (unsigned i = 0; i < (options->twin ? 2u : 1u) && !why; i++) {
		struct rig_side *side = &rig->side[i];

		side->workers = i + 1;
		if (options->file) {
			snprintf(side->path, sizeof(side->path), "/dev/shm/turnout-property-%d-%u",
				 (int)getpid(), i);
			unlink(side->path);
		}
		why = open_side(rig, side, options->now);
	}
	return why;
}

void rig_close(struct rig *rig)
{
	for (int i = 0; i < 2; i++) {
		close_side(&rig->side[i]);
		if (*rig->side[i].path)
			unlink(rig->side[i].path);
	}
	tables_free(rig->table);
	rig->table = NULL;
}

const char *rig_restart(struct rig *rig, uint32_t now)
{
	const char *why = NULL;

	for (int i = 0; i < (rig->options.twin ? 2 : 1) && !why; i++) {
		close_side(&rig->side[i]);
		if (rig->options.fault == RIG_FAULT_FORGET)
			unlink(rig->side[i].path);
		why = open_side(rig, &rig->side[i], now);
	}
	return why;
}

void rig_set_table(struct rig *rig, int stage, const uint8_t *states, uint32_t now)
{
	const struct to_table *before = rig->table;
	bool stuck = rig->options.fault == RIG_FAULT_STUCK_STAGE;

	if (stuck && before && (uint32_t)stage < before->stage)
		stage = (int)before->stage;
	rig->table = tables_compile(rig->plan, (uint32_t)stage,
				    rig->options.fault == RIG_FAULT_DOWN_EDGE ? NULL : states,
				    ++rig->generation, now, before);
	for (int i = 0; i < 2; i++)
		for (unsigned k = 0; k < rig->side[i].workers; k++)
			to_worker_set_table(rig->side[i].worker[k], rig->table);
	tables_free(before);
}

uint8_t *rig_frame_data(struct rig_frame *f)
{
	return f->room + TO_FRAME_HEADROOM;
}

/* Runs of frames of one worker, so that both workers see them in the order that one would. */
static void run_twin(struct rig *rig, struct rig_frame *frames, unsigned n, uint32_t now)
{
	struct rig_side *side = &rig->side[1];
	struct to_frame burst[TO_BURST];
	unsigned shard[TO_BURST], from = 0;

	for (unsigned i = 0; i < n; i++) {
		burst[i] = (struct to_frame){.data = rig_frame_data(&frames[i]),
					     .len = frames[i].len,
					     .zone = TO_ZONE_BOTH};
		shard[i] = to_frame_shard(rig->table, burst[i].data, burst[i].len, 2);
		if (rig->options.fault == RIG_FAULT_SHARD)
			fault_shard(rig->table, burst[i].data, &shard[i]);
	}
	for (unsigned i = 1; i <= n; i++) {
		if (i < n && shard[i] == shard[from])
			continue;
		to_pipeline_run(side->worker[shard[from]], burst + from, i - from, now);
		from = i;
	}
	for (unsigned i = 0; i < n; i++)
		frames[i].out = burst[i];
}

static const char *compare(const struct rig_frame *one, const struct rig_frame *two)
{
	const struct to_decision *a = &one->out.decision, *b = &two->out.decision;

	if (memcmp(a, b, sizeof(*a)) != 0)
		snprintf(message, sizeof(message),
			 "two workers: verdict %d/%d reason %d/%d edge %d/%d service %d/%d",
			 a->verdict, b->verdict, a->reason, b->reason, a->edge, b->edge, a->service,
			 b->service);
	else if (one->out.egress != two->out.egress || one->out.len != two->out.len ||
		 memcmp(one->out.data, two->out.data, one->out.len) != 0)
		snprintf(message, sizeof(message), "two workers: the frames that leave differ");
	else
		return NULL;
	return message;
}

const char *rig_run(struct rig *rig, struct rig_frame *frames, unsigned n, uint32_t now)
{
	static struct rig_frame twin[TO_BURST];
	struct to_frame burst[TO_BURST];
	const char *why = NULL;

	for (unsigned i = 0; i < n; i++) {
		if (rig->options.twin) {
			twin[i].len = frames[i].len;
			memcpy(rig_frame_data(&twin[i]), rig_frame_data(&frames[i]), frames[i].len);
		}
		burst[i] = (struct to_frame){.data = rig_frame_data(&frames[i]),
					     .len = frames[i].len,
					     .zone = TO_ZONE_BOTH};
	}
	to_pipeline_run(rig->side[0].worker[0], burst, n, now);
	for (unsigned i = 0; i < n; i++)
		frames[i].out = burst[i];
	if (rig->options.twin) {
		run_twin(rig, twin, n, now);
		for (unsigned i = 0; i < n && !why; i++)
			why = compare(&frames[i], &twin[i]);
	}
	for (unsigned i = 0; i < n; i++)
		fault_inject(rig->options.fault, rig->table, &frames[i].out, &rig->dice);
	return why;
}

void rig_sweep(struct rig *rig, uint32_t now)
{
	for (int i = 0; i < 2; i++)
		for (unsigned k = 0; k < rig->side[i].workers; k++)
			to_pipeline_sweep(rig->side[i].worker[k], now, 64);
}
