/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "terminal.h"
#include "watch.h"

#define EVENTS   20
#define LOOK_MS  1000 /* a turnoutd that hangs must not keep the keys waiting */
#define MOST_SEC 60

struct show {
	struct to_client client;
	const char *path;
	struct to_watch watch;
	struct to_looks looks;
	struct to_screen screen;
	struct timespec asked;
	bool answered;
};

static double since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* One answer in the place of the one before. */
static bool renew(struct show *s, json_t **place, json_t *request)
{
	json_t *answer;

	if (to_client_ask(&s->client, request, LOOK_MS, &answer) < 0) {
		snprintf(s->watch.why, sizeof(s->watch.why), "%s", s->client.why);
		return false;
	}
	to_client_clean(answer, false);
	if (!to_client_ok(answer)) {
		snprintf(s->watch.why, sizeof(s->watch.why), "%s", to_word(answer, "message"));
		json_decref(answer);
		return false;
	}
	json_decref(*place);
	*place = answer;
	return true;
}

/* What is known stays when turnoutd does not answer, and `why` says so. */
static bool look(struct show *s)
{
	struct to_watch *w = &s->watch;

	w->now = time(NULL);
	if (!w->began)
		w->began = w->now;
	if (s->client.fd < 0 && to_client_open(&s->client, s->path) < 0) {
		snprintf(w->why, sizeof(w->why), "%s", s->client.why);
		return false;
	}
	json_decref(w->before);
	w->before = json_incref(w->status);
	if (!renew(s, &w->status, json_pack("{s:s}", "do", "status")))
		return false;
	w->between = s->answered ? since(&s->asked) : 0;
	clock_gettime(CLOCK_MONOTONIC, &s->asked);
	s->answered = true;
	to_watch_remember(w);
	if (!renew(s, &w->stages, json_pack("{s:s}", "do", "stages")) ||
	    !renew(s, &w->history, json_pack("{s:s, s:i}", "do", "history", "limit", EVENTS)))
		return false;
	*w->why = '\0';
	return true;
}

/* Draws aside and writes what has changed, in one piece. */
static bool draw(struct show *s, bool all)
{
	struct to_screen next;
	unsigned rows, columns;
	char *text = NULL;
	size_t size;
	FILE *out;

	to_terminal_size(&rows, &columns);
	if (to_screen_make(&next, rows, columns, s->looks.utf8) < 0)
		return false;
	out = open_memstream(&text, &size);
	if (!out) {
		to_screen_free(&next);
		return false;
	}
	to_watch_draw(&s->watch, &next);
	to_screen_write(all ? NULL : &s->screen, &next, &s->looks, out);
	to_screen_free(&s->screen);
	s->screen = next;
	fclose(out);
	fwrite(text, 1, size, stdout);
	free(text);
	return fflush(stdout) == 0;
}

static int left_ms(const struct timespec *began, int interval)
{
	double left = interval - since(began) * 1000;

	return left < 0 ? 0 : (int)left;
}

static enum to_exit watch(struct show *s, int interval)
{
	struct timespec began;

	for (;;) {
		enum to_terminal_event event;
		bool all = false;
		char key = 0;

		clock_gettime(CLOCK_MONOTONIC, &began);
		look(s);
		do {
			if (!draw(s, all))
				return TO_EXIT_USAGE;
			event = to_terminal_wait(left_ms(&began, interval), &key);
			if (event == TO_TERMINAL_END ||
			    (event == TO_TERMINAL_KEY && (key == 'q' || key == 'Q')))
				return TO_EXIT_DONE;
			all = event == TO_TERMINAL_RESIZED ||
			      (event == TO_TERMINAL_KEY && key == 'L' - '@');
		} while (event != TO_TERMINAL_TIME);
	}
}

/* One frame, as text: as large as the terminal, or 80 by 24. */
static enum to_exit once(struct show *s)
{
	unsigned rows, columns;

	if (!look(s)) {
		to_complain("%s", s->watch.why);
		return TO_EXIT_UNREACHABLE;
	}
	to_terminal_size(&rows, &columns);
	if (to_screen_make(&s->screen, rows, columns, s->looks.utf8) < 0) {
		to_complain("no memory");
		return TO_EXIT_USAGE;
	}
	to_watch_draw(&s->watch, &s->screen);
	to_screen_print(&s->screen, &s->looks, stdout);
	return TO_EXIT_DONE;
}

static enum to_exit full_screen(struct show *s, int interval)
{
	enum to_exit code;
	int err = to_terminal_take();

	if (err) {
		to_complain(err == -ENOTTY
				    ? "this wants a terminal; --once prints one frame anywhere"
				    : "cannot take the terminal");
		return TO_EXIT_USAGE;
	}
	code = watch(s, interval);
	to_terminal_give_back();
	return code;
}

static bool read_interval(const struct to_args *args, int *ms)
{
	const char *text = to_value(args, "interval");
	char *end;
	double s;

	*ms = 1000;
	if (!text)
		return true;
	s = strtod(text, &end);
	if (end == text || *end || !(s >= 0.1 && s <= MOST_SEC)) {
		to_complain("--interval is 0.1 to %d seconds, not '%s'", MOST_SEC, text);
		return false;
	}
	*ms = (int)(s * 1000);
	return true;
}

static enum to_exit run(const struct to_args *args)
{
	struct show s = {.client = {.fd = -1, .passed = -1}, .path = to_value(args, "socket")};
	enum to_exit code = TO_EXIT_USAGE;
	int interval;

	if (!read_interval(args, &interval))
		return code;
	s.looks = to_looks_of(stdout);
	code = to_has(args, "once") ? once(&s) : full_screen(&s, interval);
	to_client_close(&s.client);
	to_screen_free(&s.screen);
	json_decref(s.watch.status);
	json_decref(s.watch.before);
	json_decref(s.watch.stages);
	json_decref(s.watch.history);
	return code;
}

static const struct to_option options[] = {
	{"interval", "SECONDS", "how often turnoutd is asked (default: 1)"},
	{"once", NULL, "print one frame, and end"},
	TO_OPTION_SOCKET,
	TO_OPTION_END};

const struct to_command to_cmd_watch = {
	.words = "watch",
	.arguments = "",
	.summary = "Shows the gateway on the whole terminal, as it is now; q ends it.",
	.options = options,
	.run = run,
};
