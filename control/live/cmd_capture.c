/* SPDX-License-Identifier: BSD-3-Clause */
/* Live packets with their verdicts: what is asked for, and where they go. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"

#define MAX_SIZE "100M"
#define SECONDS  60 /* turnoutd's default */

static const char *const texts[] = {"verdict", "reason", "edge",  "pool",
				    "service", "client", "proto", NULL};
static const char *const numbers[] = {"port", "sample", "count", "seconds", "rate", "snap", NULL};

/* What they may be is turnoutd's to say. */
static json_t *request_of(const struct to_args *args)
{
	json_t *request = json_pack("{s:s}", "do", "capture");

	for (int i = 0; texts[i]; i++) {
		const char *text = to_value(args, texts[i]);

		if (text && json_object_set_new(request, texts[i], json_string(text)) < 0)
			goto no;
	}
	for (int i = 0; numbers[i]; i++) {
		const char *text = to_value(args, numbers[i]);
		char *end;

		if (!text)
			continue;
		errno = 0;
		json_object_set_new(request, numbers[i], json_integer(strtoll(text, &end, 10)));
		if (!errno && end != text && !*end)
			continue;
		to_complain("--%s is a number, not '%s'", numbers[i], text);
		goto no;
	}
	return request;
no:
	json_decref(request);
	return NULL;
}

/* "100M", "64k", "5000" */
static bool read_size(const char *text, uint64_t *out)
{
	static const char units[] = "kMG";
	const char *unit;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit && *out < UINT64_MAX >> 30)
		*out <<= 10 * (unit - units + 1);
	if (errno || *text < '0' || *text > '9' || (*end && (!unit || end[1])) || *out < 4096) {
		to_complain("--max-size is 4096 or more bytes, as 64k, 100M, 2G, not '%s'", text);
		return false;
	}
	return true;
}

/* Nothing that was there is lost before there is something to put in its place. */
static bool open_output(struct to_capture_run *r, bool json)
{
	if (strcmp(r->path, "-") != 0) {
		r->out.fd = open(r->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
		if (r->out.fd < 0)
			to_complain("%s: %s", r->path, strerror(errno));
		return r->out.fd >= 0;
	}
	r->out.fd = STDOUT_FILENO;
	if (isatty(STDOUT_FILENO))
		to_complain("this would go to the terminal: --write FILE, or | wireshark -k -i -");
	else if (json)
		to_complain("--json needs --write FILE: the capture is the output");
	else
		return true;
	return false;
}

static enum to_exit capture(struct to_live *l, struct to_capture_run *r, json_t *request)
{
	json_t *answer;
	enum to_exit code = to_live_change(l, request, &answer);

	if (code)
		return code;
	r->answer = answer;
	r->fd = to_client_passed(&l->client);
	if (r->fd < 0) {
		to_complain("turnoutd has passed no connection to the engine");
		code = TO_EXIT_UNREACHABLE;
	} else {
		code = to_capture_receive(r);
		close(r->fd);
	}
	if (r->began && l->json)
		to_print_json(to_capture_json(r), code);
	else if (r->began)
		to_capture_say(r);
	json_decref(answer);
	return code;
}

static enum to_exit run(const struct to_args *args)
{
	const char *path = to_value(args, "write"), *size = to_value(args, "max-size");
	struct to_capture_run r = {.fd = -1, .path = path ? path : "-", .out.fd = -1};
	json_t *request = request_of(args);
	enum to_exit code = TO_EXIT_USAGE;
	struct to_live l;

	if (!request || !read_size(size ? size : MAX_SIZE, &r.out.most) ||
	    !open_output(&r, to_has(args, "json"))) {
		json_decref(request);
		return code;
	}
	code = to_live_open(&l, args);
	if (!code) {
		r.patience_ms = l.look_ms;
		r.seconds = (unsigned)json_integer_value(json_object_get(request, "seconds"));
		r.seconds = r.seconds ? r.seconds : SECONDS;
		r.progress = isatty(STDERR_FILENO);
		code = capture(&l, &r, request);
		to_live_close(&l);
	} else {
		json_decref(request);
	}
	if (r.out.fd > STDERR_FILENO && close(r.out.fd) < 0 && !code) {
		to_complain("%s: %s", r.path, strerror(errno));
		code = TO_EXIT_USAGE;
	}
	return code;
}

static const struct to_option options[] = {
	{"write", "FILE", "where the pcapng goes (default: -, the output)"},
	{"verdict", "steer|reply|out|drop|kernel", "what became of it; several with commas"},
	{"reason", "REASON", "as counters call it (pin, route, no-edge); several with commas"},
	{"edge", "EDGE", "to or from this edge"},
	{"pool", "POOL", "to or from edges of this pool"},
	{"service", "SERVICE", "of this service"},
	{"client", "PREFIX", "an address or a prefix, source or destination"},
	{"port", "PORT", "source or destination"},
	{"proto", "tcp|udp", "one of the two"},
	{"sample", "N", "one in N of those (default: 1, all)"},
	{"count", "N", "end after N packets (default: 1000)"},
	{"seconds", "SECONDS", "end after this time, at most 3600 (default: 60)"},
	{"rate", "N", "most packets a second, at most 100000 (default: 1000)"},
	{"snap", "BYTES", "of each packet, at most 2048 (default: 2048)"},
	{"max-size", "BYTES", "end before the file is larger; k, M, G (default: " MAX_SIZE ")"},
	TO_OPTION_WHY,
	TO_OPTION_JSON,
	TO_OPTION_SOCKET,
	TO_OPTION_TIMEOUT,
	TO_OPTION_END};

const struct to_command to_cmd_capture = {
	.words = "capture",
	.arguments = "",
	.summary = "Writes live packets with what was decided of them, as pcapng.",
	.options = options,
	.run = run,
};
