/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "replay_capture.h"
#include "replay_observer.h"
#include "replay_output.h"
#include "replay_progress.h"
#include "replay_summary.h"
#include "table_view.h"

#define NS 1000000000u

struct replay {
	const struct to_replay_options *options;
	const struct to_replay_engine *engine;
	struct to_capture *capture;
	struct to_output *output; /* NULL: not asked for */
	struct to_observer *observer;
	struct to_replay_result result;
	unsigned next_event;
	uint64_t clock; /* nanoseconds since 1970: the latest time stamp so far */
	bool refused;
	char err[TO_REPLAY_ERROR];

	/* the run of frames that the next burst will be: same worker, same second */
	unsigned n;
	unsigned worker;
	uint32_t now;
	struct to_frame frames[TO_BURST];
	struct to_capture_frame in[TO_BURST];
	struct to_observed seen[TO_BURST];
};

static int no_memory(struct replay *r)
{
	snprintf(r->err, sizeof(r->err), "out of memory");
	return -ENOMEM;
}

static struct to_replay_generation *add_generation(struct replay *r, const char *path)
{
	struct to_replay_result *s = &r->result;
	struct to_replay_generation *more =
		realloc(s->generations, (s->generation_count + 1) * sizeof(*more));

	if (!more)
		return NULL;
	s->generations = more;
	more += s->generation_count++;
	*more = (struct to_replay_generation){.path = path};
	return more;
}

/* A generation is live: everyone who names things is told. */
static int begin_generation(struct replay *r, struct to_replay_generation *g,
			    const struct to_replay_published *published)
{
	const struct to_table *t = published->table;

	g->number = t->generation;
	g->live_ns = published->nanoseconds;
	snprintf(g->stage, sizeof(g->stage), "%s", to_table_string(t, t->stage_name));
	r->result.table = t;
	if (to_observer_generation(r->observer, t) < 0)
		return no_memory(r);
	if (r->output)
		return to_output_generation(r->output, t, r->err, sizeof(r->err));
	return 0;
}

static struct to_replay_generation *running(struct replay *r)
{
	struct to_replay_generation *g = r->result.generations + r->result.generation_count - 1;

	while (!g->number)
		g--;
	return g;
}

/* One frame of the burst that is done. */
static int account(struct replay *r, unsigned i, const struct to_table *table)
{
	struct to_replay_generation *g = running(r);
	const struct to_capture_frame *in = &r->in[i];

	r->result.frames++;
	r->result.bytes += in->len;
	r->result.truncated += in->wire_len > in->len;
	g->frames++;
	if (!g->first_frame)
		g->first_frame = in->number;
	if (to_observer_after(r->observer, &r->frames[i], &r->seen[i], in->number, r->now) < 0)
		return no_memory(r);
	if (!r->output)
		return 0;
	return to_output_frame(r->output, table, table->generation, in, &r->frames[i], r->err,
			       sizeof(r->err));
}

/* Hands the run over as one burst, and waits for it: so that whatever the number of workers, the
 * frames are decided in the capture's order. */
static int flush(struct replay *r)
{
	const struct to_replay_engine *e = r->engine;
	const struct to_table *table = NULL;
	int ret;

	if (!r->n)
		return 0;
	ret = e->run(e->self, r->worker, r->frames, r->n, r->now, &table);
	if (ret < 0)
		snprintf(r->err, sizeof(r->err), "%s: %s", e->name, strerror(-ret));
	for (unsigned i = 0; ret == 0 && i < r->n; i++)
		ret = account(r, i, table);
	e->unload(e->self, r->frames, r->n);
	r->n = 0;
	return ret;
}

static int publish(struct replay *r, const struct to_replay_event *event)
{
	const struct to_replay_engine *e = r->engine;
	struct to_replay_generation *g = add_generation(r, event->path);
	struct to_replay_published published;
	int ret;

	if (!g)
		return no_memory(r);
	g->at = event->at > r->result.first_ns ? event->at : r->result.first_ns;
	ret = e->publish(e->self, event->path, &published, g->error, sizeof(g->error));
	if (ret == 0)
		return begin_generation(r, g, &published);
	fprintf(stderr, "%s: %s: refused: %s\n", e->program, event->path, g->error);
	r->refused = true;
	return 0;
}

/* What is due at the clock, each between two bursts. */
static int publish_due(struct replay *r, uint64_t until)
{
	const struct to_replay_options *o = r->options;

	while (r->next_event < o->event_count && o->events[r->next_event].at <= until) {
		int ret = flush(r);

		if (ret == 0)
			ret = publish(r, &o->events[r->next_event++]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Adds a frame to the run, or begins the next one with it. */
static int take(struct replay *r, const struct to_capture_frame *in)
{
	const struct to_replay_engine *e = r->engine;
	uint32_t now = (uint32_t)(r->clock / NS);
	unsigned worker = e->shard(e->self, in->data, in->len);
	struct to_frame *f;
	int ret;

	if (r->n == TO_BURST || worker != r->worker || now != r->now) {
		ret = flush(r);
		if (ret < 0)
			return ret;
		r->worker = worker;
		r->now = now;
	}
	f = &r->frames[r->n];
	ret = e->load(e->self, f, in->data, in->len);
	if (ret < 0) {
		snprintf(r->err, sizeof(r->err), "frame %llu: no room for %u bytes: %s",
			 (unsigned long long)in->number, in->len, strerror(-ret));
		return ret;
	}
	f->zone = TO_ZONE_BOTH;
	f->port = 0;
	r->in[r->n] = *in;
	to_observer_before(f, &r->seen[r->n]);
	r->n++;
	return 0;
}

static int feed(struct replay *r)
{
	struct to_progress progress = to_progress_begin(r->options->progress);
	struct to_capture_frame in;
	int ret;

	while ((ret = to_capture_next(r->capture, &in, r->err, sizeof(r->err))) > 0) {
		if (in.ns > r->clock)
			r->clock = in.ns;
		if (!r->result.first_ns)
			r->result.first_ns = r->clock;
		r->result.last_ns = r->clock;
		ret = publish_due(r, r->clock); /* before the first frame that late */
		if (ret == 0)
			ret = take(r, &in);
		if (ret < 0)
			return ret;
		to_progress_step(&progress, r->capture, in.number);
	}
	to_progress_end(&progress);
	/* a capture that ends in the middle of a frame: what was whole counts */
	if (flush(r) < 0)
		return -EIO;
	return ret < 0 ? ret : publish_due(r, UINT64_MAX);
}

static int begin(struct replay *r, const struct to_replay_published *first)
{
	const struct to_replay_options *o = r->options;
	struct to_replay_generation *g;
	int ret = 0;

	r->observer = to_observer_new();
	g = add_generation(r, NULL);
	if (!r->observer || !g)
		return no_memory(r);
	if (o->out)
		ret = to_output_open(o->out, first->table, &r->output, r->err, sizeof(r->err));
	return ret < 0 ? ret : begin_generation(r, g, first);
}

static int finish(struct replay *r)
{
	int ret = 0;

	r->result.observer = r->observer;
	r->result.generations[0].at = r->result.first_ns;
	if (r->output)
		ret = to_output_finish(r->output, r->err, sizeof(r->err));
	if (ret == 0 && r->options->summary)
		ret = to_summary_write(r->options->summary, r->engine, &r->result, r->err,
				       sizeof(r->err));
	return ret;
}

static void say(struct replay *r)
{
	fprintf(stderr, "%s: %s\n", r->engine->program, r->err);
}

enum to_exit to_replay(const struct to_replay_options *options,
		       const struct to_replay_engine *engine,
		       const struct to_replay_published *first)
{
	struct replay *r = calloc(1, sizeof(*r));
	enum to_exit code = TO_EXIT_DONE;

	if (!r) {
		fprintf(stderr, "%s: out of memory\n", engine->program);
		return TO_EXIT_NO;
	}
	r->options = options;
	r->engine = engine;
	if (to_capture_open(options->pcap, &r->capture, r->err, sizeof(r->err)) < 0) {
		say(r);
		code = TO_EXIT_USAGE;
		goto out;
	}
	if (begin(r, first) < 0) {
		say(r);
		code = TO_EXIT_NO;
		goto out;
	}
	if (feed(r) < 0) {
		say(r);
		code = TO_EXIT_NO;
	}
	if (finish(r) < 0) {
		say(r);
		code = TO_EXIT_NO;
	}
	if (r->refused && code == TO_EXIT_DONE)
		code = TO_EXIT_REFUSED;
out:
	to_output_close(r->output);
	to_observer_free(r->observer);
	to_capture_close(r->capture);
	free(r->result.generations);
	free(r);
	return code;
}
