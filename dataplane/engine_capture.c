/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine_region.h"
#include "engine_socket.h"

#define NS_PER_S  1000000000ull
#define LOOK_NS   5000000u       /* how often workers' packets are fetched: room is for longer */
#define LINGER_NS (5 * NS_PER_S) /* that the last messages may be left unread */
#define MESSAGES  64             /* of a turn: about a megabyte */

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void begin_message(struct to_engine_capture *x)
{
	x->out->captured = (struct to_msg_captured){
		.head = {.type = TO_MSG_CAPTURED, .request = x->request},
	};
	x->filled = sizeof(x->out->captured);
}

/* False: the reader does not keep up, and it waits. Who has gone has read everything. */
static bool send_message(struct to_engine_capture *x)
{
	x->out->head.size = (uint32_t)x->filled;
	if (x->fd >= 0 && to_engine_send(x->fd, x->out, -1) == -EAGAIN)
		return false;
	x->filled = 0;
	return true;
}

/* A worker's clock goes by seconds since the start, so that its last one is as good as whole. */
static struct to_capture of_message(const struct to_msg_capture *ask, uint32_t serial, uint64_t now)
{
	return (struct to_capture){
		.filter = ask->filter,
		.mask = to_capture_mask(ask->filter.prefix),
		.serial = serial,
		.until = (uint32_t)(now / NS_PER_S) + ask->seconds + 1,
		.rate = ask->rate,
		.snap = ask->snap,
	};
}

/* What an earlier process has left in pinned maps must not look like this one's. */
static uint32_t next_serial(const struct to_engine_capture *x, uint64_t now)
{
	uint32_t serial = x->serial ? x->serial + 1 : (uint32_t)(now / 1000);

	return serial ? serial : 1;
}

int to_engine_capture_begin(struct to_engine_capture *x, const struct to_engine *e,
			    const struct to_msg_capture *ask, int fd, char *err, size_t err_size)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	uint32_t serial = next_serial(x, now);
	struct to_capture what = of_message(ask, serial, now);
	int ret = x->step == TO_CAPTURE_IDLE ? 0 : -EBUSY;

	if (!x->out)
		x->out = calloc(1, sizeof(*x->out));
	if (!x->out)
		ret = -ENOMEM;
	if (ret == 0)
		ret = e->ops->capture_begin(e->arg, &what);
	if (ret < 0) {
		snprintf(err, err_size, "%s",
			 ret == -EBUSY ? "another capture is under way" : strerror(-ret));
		return ret;
	}
	x->step = TO_CAPTURE_RUNS;
	x->fd = fd;
	x->request = ask->head.request;
	x->most = ask->most;
	x->rate = ask->rate;
	x->serial = serial;
	x->end_ns = now + ask->seconds * NS_PER_S;
	x->packets = x->over_rate = x->second = x->in_second = 0;
	begin_message(x); /* an empty one: it has begun */
	send_message(x);
	return 0;
}

static void stop(struct to_engine_capture *x, enum to_capture_why why, uint64_t now_ns)
{
	if (x->step != TO_CAPTURE_RUNS)
		return;
	x->step = TO_CAPTURE_STOPS;
	x->why = why;
	x->end_ns = now_ns + LINGER_NS;
}

void to_engine_capture_ask_end(struct to_engine_capture *x)
{
	stop(x, TO_CAPTURE_ASKED, clock_ns(CLOCK_BOOTTIME));
}

void to_engine_capture_gone(struct to_engine_capture *x)
{
	x->fd = -1;
	x->filled = 0;
	to_engine_capture_ask_end(x);
}

/* The budget of a second is the capture's; each worker has kept to it by itself. */
static bool is_within_rate(struct to_engine_capture *x, uint64_t time_ns)
{
	uint64_t second = time_ns / NS_PER_S;

	if (second > x->second) {
		x->second = second;
		x->in_second = 0;
	}
	if (x->in_second < x->rate) {
		x->in_second++;
		return true;
	}
	x->over_rate++;
	return false;
}

static bool add_packet(void *arg, const struct to_captured *packet, const uint8_t *bytes)
{
	struct to_engine_capture *x = arg;
	size_t size = to_captured_size(packet), used = sizeof(*packet) + packet->captured;
	uint8_t *at = x->out->bytes + x->filled;

	if (x->packets == x->most || !is_within_rate(x, packet->time_ns))
		return x->packets == x->most;
	memcpy(at, packet, sizeof(*packet));
	((struct to_captured *)at)->time_ns += x->to_real_ns;
	memcpy(at + sizeof(*packet), bytes, packet->captured);
	memset(at + used, 0, size - used);
	x->filled += size;
	x->out->captured.count++;
	return ++x->packets == x->most || x->filled + TO_CAPTURED_MOST > sizeof(*x->out);
}

/* What workers have taken, on its way. True: all of it is. */
static bool pump(struct to_engine_capture *x, const struct to_engine *e)
{
	bool more = true;

	if (x->filled && !send_message(x))
		return false;
	x->to_real_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	for (int i = 0; more && i < MESSAGES && x->packets < x->most; i++) {
		begin_message(x);
		more = e->ops->capture_drain(e->arg, add_packet, x);
		if (!x->out->captured.count)
			x->filled = 0;
		else if (!send_message(x))
			return false;
	}
	return !more || x->packets == x->most;
}

static void tell_end(struct to_engine_capture *x, const struct to_capture_counts *counts)
{
	x->out->capture_end = (struct to_msg_capture_end){
		.head = {.type = TO_MSG_CAPTURE_END, .request = x->request},
		.packets = x->packets,
		.over_rate = counts->over_rate,
		.full = counts->full,
		.why = x->why,
	};
	x->filled = sizeof(x->out->capture_end);
	send_message(x);
	x->filled = 0;
}

static struct to_capture_counts counts_of(const struct to_engine_capture *x,
					  const struct to_engine *e)
{
	struct to_capture_counts counts = {0};

	if (x->step == TO_CAPTURE_IDLE)
		return counts;
	e->ops->capture_count(e->arg, &counts);
	counts.over_rate += x->over_rate;
	return counts;
}

static void finish(struct to_engine_capture *x, const struct to_engine *e)
{
	struct to_capture_counts counts = counts_of(x, e);

	tell_end(x, &counts);
	e->ops->capture_close(e->arg);
	x->all.taken += counts.taken;
	x->all.over_rate += counts.over_rate;
	x->all.full += counts.full;
	x->step = TO_CAPTURE_IDLE;
}

bool to_engine_capture_turn(struct to_engine_capture *x, const struct to_engine *e, uint64_t now_ns)
{
	bool stopped, all;

	if (x->step == TO_CAPTURE_IDLE)
		return false;
	stopped = x->step == TO_CAPTURE_STOPS && e->ops->capture_stop(e->arg);
	all = pump(x, e);
	if (x->packets == x->most)
		stop(x, TO_CAPTURE_COUNT, now_ns);
	else if (x->step == TO_CAPTURE_RUNS && now_ns >= x->end_ns)
		stop(x, TO_CAPTURE_TIME, now_ns);
	if (!stopped || (!all && now_ns < x->end_ns))
		return false;
	finish(x, e);
	return true;
}

uint64_t to_engine_capture_next_ns(const struct to_engine_capture *x, uint64_t now_ns)
{
	return x->step == TO_CAPTURE_IDLE ? UINT64_MAX : now_ns + LOOK_NS;
}

void to_engine_capture_close(struct to_engine_capture *x, const struct to_engine *e)
{
	if (x->step != TO_CAPTURE_IDLE) {
		e->ops->capture_stop(e->arg);
		e->ops->capture_close(e->arg);
	}
	free(x->out);
	*x = (struct to_engine_capture){.fd = -1};
}

void to_engine_capture_fill(const struct to_engine_capture *x, const struct to_engine *e,
			    struct to_region *r)
{
	struct to_capture_counts now = counts_of(x, e);

	to_region_name(r, "capture-taken", x->all.taken + now.taken);
	to_region_name(r, "capture-over-rate", x->all.over_rate + now.over_rate);
	to_region_name(r, "capture-full", x->all.full + now.full);
}
