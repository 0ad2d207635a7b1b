/* SPDX-License-Identifier: BSD-3-Clause */
#include "background.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct to_background {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	to_work *work, *done; /* work: guarded by the lock; done, argument: by turns */
	void *argument;
	bool busy; /* the loop's: work was given, and done not yet called */
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
		while (!b->work && !b->end)
			pthread_cond_wait(&b->wake, &b->lock);
		if (b->end)
			break;
		pthread_mutex_unlock(&b->lock);
		b->work(b->argument);
		pthread_mutex_lock(&b->lock);
		b->work = NULL;
		if (write(b->finished, &one, sizeof(one)) < 0)
			abort(); /* an eventfd takes it: nothing else can be the case */
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

static void on_finished(int fd, short what, void *context)
{
	struct to_background *b = context;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	b->busy = false;
	b->done(b->argument);
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
	event_free(b->event);
	close(b->finished);
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

int to_background_run(struct to_background *b, to_work *work, to_work *done, void *argument)
{
	if (b->busy)
		return -EBUSY;
	b->busy = true;
	pthread_mutex_lock(&b->lock);
	b->argument = argument;
	b->done = done;
	b->work = work;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->lock);
	return 0;
}

bool to_background_is_busy(const struct to_background *b)
{
	return b->busy;
}
