/* SPDX-License-Identifier: BSD-3-Clause */
/* turnoutd: options, signals, the loop. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <turnout/notify.h>

#include "daemon.h"
#include "log.h"
#include "reload.h"
#include "start.h"

static void on_end(evutil_socket_t signal, short what, void *context)
{
	struct to_daemon *d = context;

	(void)what;
	to_log(LOG_NOTICE, "ending on signal %d; the engine goes on", (int)signal);
	event_base_loopbreak(d->base);
}

static void on_hangup(evutil_socket_t signal, short what, void *context)
{
	struct to_daemon *d = context;

	(void)signal;
	(void)what;
	to_reload_wanted(d, "SIGHUP");
}

static int run(struct to_daemon *d)
{
	struct event *events[] = {
		evsignal_new(d->base, SIGTERM, on_end, d),
		evsignal_new(d->base, SIGINT, on_end, d),
		evsignal_new(d->base, SIGHUP, on_hangup, d),
	};
	const size_t count = sizeof(events) / sizeof(events[0]);
	int ret = to_daemon_open(d);

	for (size_t i = 0; i < count; i++)
		if (!events[i] || event_add(events[i], NULL) < 0)
			ret = -1;
	if (!ret) {
		to_notify("READY=1");
		event_base_dispatch(d->base);
		to_notify("STOPPING=1");
	}
	to_daemon_close(d);
	event_base_loop(d->base, EVLOOP_NONBLOCK); /* what was put off to the next turn */
	for (size_t i = 0; i < count; i++)
		if (events[i])
			event_free(events[i]);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct to_daemon d; /* too large for a stack */
	int ret = to_options_read(argc, argv, &d.options);

	if (ret)
		return ret > 0 ? EXIT_SUCCESS : 2;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit of the file system is an error like others */
	d.base = event_base_new();
	if (!d.base) {
		to_log(LOG_ERR, "cannot make an event loop");
		return EXIT_FAILURE;
	}
	ret = run(&d);
	event_base_free(d.base);
	return ret;
}
