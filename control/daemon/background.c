/* SPDX-License-Identifier: BSD-3-Clause */
#include "background.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_JOBS 4 /* a plan that is read, a table that is compiled */

struct job {
	to_work *work, *done, *drop;
	void *argument;
};

struct to_background {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	struct job job[MAX_JOBS]; /* in order; the first `worked` wait for their `done` */
	unsigned count, worked;
	bool end;
	int finished; /* eventfd */
	struct event *event;
};

static void *run(void *argument)
{
	struct to_background *b = argument;
	const uint64_t one = 1;

	pthread_mutex_lock(&b->lock);
	for (;;) {
		struct job job;

		while (b->worked == b->count && !b->end)
			pthread_cond_wait(&b->wake, &b->lock);
		if (b->end)
			break;
		job = b->job[b->worked];
		pthread_mutex_unlock(&b->lock);
		job.work(job.argument);
		pthread_mutex_lock(&b->lock);
		b->worked++;
		if (write(b->finished, &one, sizeof(one)) < 0)
			abort(); /* an eventfd takes it: nothing else can be the case */
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

static bool take(struct to_background *b, struct job *out)
{
	bool some;

	pthread_mutex_lock(&b->lock);
	some = b->worked;
	if (some) {
		*out = b->job[0];
		memmove(&b->job[0], &b->job[1], --b->count * sizeof(b->job[0]));
		b->worked--;
	}
	pthread_mutex_unlock(&b->lock);
	return some;
}

static void on_finished(int fd, short what, void *context)
{
	struct to_background *b = context;
	uint64_t count;
	struct job job;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	while (take(b, &job))
		job.done(job.argument);
}

/* Signals are the loop's. */
static int start(struct to_background *b)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&b->thread, NULL, run, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int to_background_open(struct event_base *base, struct to_background **out)
{
	struct to_background *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wake, NULL);
	b->finished = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->finished < 0) {
		err = -errno;
		goto no_eventfd;
	}
	b->event = event_new(base, b->finished, EV_READ | EV_PERSIST, on_finished, b);
	err = b->event && !event_add(b->event, NULL) ? 0 : -ENOMEM;
	if (!err)
		err = start(b);
	if (!err) {
		*out = b;
		return 0;
	}
	if (b->event)
		event_free(b->event);
	close(b->finished);
no_eventfd:
	free(b);
	return err;
}

void to_background_close(struct to_background *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->end = true;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	for (unsigned i = 0; i < b->count; i++)
		if (b->job[i].drop)
			b->job[i].drop(b->job[i].argument);
	event_free(b->event);
	close(b->finished);
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

int to_background_run(struct to_background *b, to_work *work, to_work *done, to_work *drop,
		      void *argument)
{
	int err = 0;

	pthread_mutex_lock(&b->lock);
	if (b->count == MAX_JOBS)
		err = -EBUSY;
	else
		b->job[b->count++] = (struct job){work, done, drop, argument};
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->lock);
	return err;
}

bool to_background_is_busy(struct to_background *b)
{
	bool busy;

	pthread_mutex_lock(&b->lock);
	busy = b->count;
	pthread_mutex_unlock(&b->lock);
	return busy;
}
