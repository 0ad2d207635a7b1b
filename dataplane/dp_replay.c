/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK engine behind struct to_replay_engine. */
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "dp_eal.h"
#include "dp_lane.h"
#include "dp_replay.h"
#include "replay_options.h"
#include "state.h"

#define MBUFS     (TO_BURST * 4 - 1) /* one burst is under way at a time */
#define MBUF_ROOM (RTE_PKTMBUF_HEADROOM + 2048)

/* Nothing here is secret, and every run shall be the same. */
#define STATE_SEED 0x7475726e6f757431ULL

_Static_assert(TO_REPLAY_MAX_WORKERS <= TO_STATE_MAX_WORKERS, "each worker has a state");
_Static_assert(RTE_PKTMBUF_HEADROOM >= TO_FRAME_HEADROOM, "room for an outer header");

struct dp_replay {
	unsigned workers;
	struct rte_mempool *pool;
	struct dp_generations generations;
	struct to_state *state;
	struct to_nexthops nexthops; /* workers keep pointers to it */
	struct to_worker *pipelines[TO_REPLAY_MAX_WORKERS];
	struct dp_lane lanes[TO_REPLAY_MAX_WORKERS];
};

static int load(void *self, struct to_frame *f, const uint8_t *data, uint32_t len)
{
	struct dp_replay *d = self;
	struct rte_mbuf *m = rte_pktmbuf_alloc(d->pool);
	struct dp_carried *c;

	if (!m)
		return -ENOBUFS;
	c = dp_carried(m);
	*c = (struct dp_carried){.frame = {.len = len, .cookie = m}};
	if (len <= rte_pktmbuf_tailroom(m)) {
		c->frame.data = rte_pktmbuf_mtod(m, uint8_t *);
	} else {
		c->big = malloc(TO_FRAME_HEADROOM + len);
		if (!c->big) {
			rte_pktmbuf_free(m);
			return -ENOMEM;
		}
		c->frame.data = c->big + TO_FRAME_HEADROOM;
	}
	memcpy(c->frame.data, data, len);
	*f = c->frame;
	return 0;
}

static void unload(void *self, struct to_frame *frames, unsigned n)
{
	(void)self;
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = frames[i].cookie;

		free(dp_carried(m)->big);
		rte_pktmbuf_free(m);
	}
}

static unsigned shard(void *self, const uint8_t *data, uint32_t len)
{
	struct dp_replay *d = self;

	return to_frame_shard(d->generations.running, data, len, d->workers);
}

static int run(void *self, unsigned worker, struct to_frame *frames, unsigned n, uint32_t now,
	       const struct to_table **table)
{
	struct dp_replay *d = self;
	struct rte_mbuf *mbufs[TO_BURST];

	for (unsigned i = 0; i < n; i++) {
		mbufs[i] = frames[i].cookie;
		dp_carried(mbufs[i])->frame = frames[i];
	}
	dp_lane_run(&d->lanes[worker], mbufs, n, now);
	for (unsigned i = 0; i < n; i++)
		frames[i] = dp_carried(mbufs[i])->frame;
	*table = to_worker_table(d->pipelines[worker]);
	return 0;
}

/* Every worker gets a turn with nothing to do, so that it finds the new table. */
static int publish_table(struct dp_replay *d, struct to_table *t, uint64_t *took_ns)
{
	int ret = dp_generation_publish(&d->generations, t);

	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < d->workers; i++)
		dp_lane_run(&d->lanes[i], NULL, 0, d->lanes[i].now);
	if (!dp_generation_is_live(&d->generations))
		return -ETIMEDOUT;
	*took_ns = dp_generation_age_ns(&d->generations);
	/* the grace period ends with the turn after the one that took the table over */
	for (unsigned i = 0; i < d->workers; i++)
		dp_lane_run(&d->lanes[i], NULL, 0, d->lanes[i].now);
	return dp_generation_reclaim(&d->generations) ? 0 : -ETIMEDOUT;
}

static int publish(void *self, const char *path, struct to_replay_published *published, char *err,
		   size_t err_size)
{
	struct dp_replay *d = self;
	struct to_table *t;
	int ret = dp_generation_prepare(&d->generations, path, &t, err, err_size);

	if (ret < 0)
		return ret;
	ret = publish_table(d, t, &published->nanoseconds);
	if (ret < 0) {
		snprintf(err, err_size, "not acknowledged: %s", strerror(-ret));
		return ret;
	}
	published->table = t;
	return 0;
}

static const struct to_counters *counters(void *self, unsigned worker)
{
	struct dp_replay *d = self;

	return to_worker_counters(d->pipelines[worker]);
}

static int open_state(struct dp_replay *d, const struct to_replay_setup *o, char *err,
		      size_t err_size)
{
	struct to_state_config config = {.workers = d->workers, .seed = STATE_SEED};

	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		config.size[kind] = (struct to_state_size){o->proven, o->unproven};
	return to_state_open(NULL, &config, &d->state, err, err_size);
}

static int open_workers(struct dp_replay *d, const struct to_replay_setup *o)
{
	int ret = dp_generations_open(&d->generations, d->workers);

	if (ret < 0)
		return ret;
	d->pool = rte_pktmbuf_pool_create("replay", MBUFS, 0,
					  RTE_ALIGN(sizeof(struct dp_carried), RTE_MBUF_PRIV_ALIGN),
					  MBUF_ROOM, SOCKET_ID_ANY);
	if (!d->pool)
		return -rte_errno;
	to_nexthops_replay(&d->nexthops, o->mtu);
	for (unsigned i = 0; i < d->workers; i++) {
		d->pipelines[i] = to_worker_new(d->state, i, &d->nexthops);
		if (!d->pipelines[i] || to_worker_set_sip_rate(d->pipelines[i], o->sip_rate) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Also after only a part of it was opened. */
static void close_all(struct dp_replay *d)
{
	for (unsigned i = 0; i < d->workers; i++)
		dp_lane_stop(&d->lanes[i]);
	for (unsigned i = 0; i < d->workers; i++) {
		if (d->pipelines[i])
			to_worker_free(d->pipelines[i]);
	}
	if (d->state)
		to_state_close(d->state);
	rte_mempool_free(d->pool);
	dp_generations_close(&d->generations);
	rte_eal_cleanup();
}

/* A lane has its first turn when the first generation is published: none is ever without one. */
static int start(struct dp_replay *d, const struct to_replay_setup *o,
		 struct to_replay_published *first)
{
	char err[512] = "";
	struct to_table *t;
	int ret = open_state(d, o, err, sizeof(err));

	if (ret == 0)
		ret = open_workers(d, o);
	if (ret < 0) {
		fprintf(stderr, "turnout-dp: cannot start: %s\n", *err ? err : strerror(-ret));
		return TO_EXIT_UNREACHABLE;
	}
	if (dp_generation_prepare(&d->generations, o->table, &t, err, sizeof(err)) < 0) {
		fprintf(stderr, "turnout-dp: %s: refused: %s\n", o->table, err);
		return TO_EXIT_REFUSED;
	}
	for (unsigned i = 0; ret == 0 && i < d->workers; i++)
		ret = dp_lane_start(&d->lanes[i], i, &d->generations, d->pipelines[i]);
	if (ret == 0)
		ret = publish_table(d, t, &first->nanoseconds);
	if (ret < 0) {
		fprintf(stderr, "turnout-dp: cannot start: %s\n", strerror(-ret));
		return TO_EXIT_UNREACHABLE;
	}
	first->table = t;
	return TO_EXIT_DONE;
}

int dp_replay_main(int argc, char **argv)
{
	static struct dp_replay d;
	struct to_replay_setup o;
	struct to_replay_published first;
	static const struct to_replay_program program = {
		.name = "turnout-dp",
		.engine = "DPDK",
		.needs = "Needs\nno hugepages, no device and no privilege.",
		.entries = 1u << 20,
		.workers = true,
	};
	struct to_replay_engine engine = {
		.name = "dpdk",
		.program = "turnout-dp",
		.self = &d,
		.load = load,
		.unload = unload,
		.shard = shard,
		.run = run,
		.publish = publish,
		.counters = counters,
	};
	int code = to_replay_setup(argc, argv, &program, &o);
	int ret;

	if (code >= 0)
		return code;
	/* The tables are large and a capture touches little of them, here and there: 2 MB at a time
	 * would cost more to clear than all the rest takes. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	ret = dp_eal_bare(o.workers);
	if (ret < 0) {
		fprintf(stderr, "turnout-dp: DPDK does not start: %s\n", strerror(-ret));
		to_replay_setup_free(&o);
		return TO_EXIT_UNREACHABLE;
	}
	d.workers = engine.workers = o.workers;
	code = start(&d, &o, &first);
	if (code == TO_EXIT_DONE)
		code = to_replay(&o.replay, &engine, &first);
	close_all(&d);
	to_replay_setup_free(&o);
	return code;
}
