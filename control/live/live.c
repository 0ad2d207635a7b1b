/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan_names.h"

#define MAX_TIMEOUT 3600

/* What turnoutd's `error` means for whoever called us: docs/api.md. */
static const struct {
	const char *error;
	enum to_exit code;
} errors[] = {
	{"gate", TO_EXIT_NO},         {"usage", TO_EXIT_USAGE},
	{"denied", TO_EXIT_USAGE},    {"engine", TO_EXIT_UNREACHABLE},
	{"refused", TO_EXIT_REFUSED}, {"busy", TO_EXIT_REFUSED},
	{"journal", TO_EXIT_REFUSED},
};

static bool read_timeout(struct to_live *l)
{
	const char *text = to_value(l->args, "timeout");
	char *end;
	long s;

	l->look_ms = TO_LIVE_LOOK * 1000;
	l->change_ms = TO_LIVE_CHANGE * 1000;
	if (!text)
		return true;
	errno = 0;
	s = strtol(text, &end, 10);
	if (errno || end == text || *end || s < 1 || s > MAX_TIMEOUT) {
		to_complain("--timeout is 1 to %d seconds, not '%s'", MAX_TIMEOUT, text);
		return false;
	}
	l->look_ms = l->change_ms = (unsigned)s * 1000;
	return true;
}

enum to_exit to_live_open(struct to_live *l, const struct to_args *args)
{
	*l = (struct to_live){
		.args = args, .json = to_has(args, "json"), .client = {.fd = -1, .passed = -1}};
	if (!read_timeout(l))
		return TO_EXIT_USAGE;
	if (to_client_open(&l->client, to_value(args, "socket")) == 0)
		return TO_EXIT_DONE;
	to_complain("%s", l->client.why);
	return TO_EXIT_UNREACHABLE;
}

void to_live_close(struct to_live *l)
{
	to_client_close(&l->client);
}

static enum to_exit code_of(const char *error)
{
	for (size_t i = 0; error && i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].error, error))
			return errors[i].code;
	return TO_EXIT_REFUSED;
}

static enum to_exit refused(struct to_live *l, json_t *answer)
{
	enum to_exit code = code_of(to_json_text(answer, "error"));

	if (l->json)
		to_print_json(json_incref(answer), code);
	to_client_clean(answer, true);
	to_complain("%s", to_json_text(answer, "message") ?: "turnoutd says no, and not why");
	json_decref(answer);
	return code;
}

static enum to_exit ask(struct to_live *l, json_t *request, unsigned ms, json_t **answer)
{
	int err = to_client_ask(&l->client, request, ms, answer);

	if (err) {
		to_complain("%s", l->client.why);
		return err == -EINVAL || err == -EMSGSIZE ? TO_EXIT_USAGE : TO_EXIT_UNREACHABLE;
	}
	if (!to_client_ok(*answer)) {
		enum to_exit code = refused(l, *answer);

		*answer = NULL;
		return code;
	}
	if (!l->json)
		to_client_clean(*answer, false);
	return TO_EXIT_DONE;
}

enum to_exit to_live_ask(struct to_live *l, json_t *request, json_t **answer)
{
	return ask(l, request, l->look_ms, answer);
}

enum to_exit to_live_change(struct to_live *l, json_t *request, json_t **answer)
{
	const char *why = to_value(l->args, "why");

	/* what is not UTF-8 makes no string, and no request */
	if (why && json_object_set_new(request, "why", json_string(why)) < 0) {
		json_decref(request);
		request = NULL;
	}
	return ask(l, request, l->change_ms, answer);
}

enum to_exit to_live_view(const struct to_args *args, json_t *request,
			  enum to_exit (*show)(struct to_live *l, const json_t *answer))
{
	struct to_live l;
	json_t *answer;
	enum to_exit code = to_live_open(&l, args);

	if (code) {
		json_decref(request);
		return code;
	}
	code = to_live_ask(&l, request, &answer);
	if (!code)
		code = l.json ? to_print_json(json_incref(answer), code) : show(&l, answer);
	json_decref(answer);
	to_live_close(&l);
	return code;
}

enum to_exit to_live_print(struct to_grid *g)
{
	struct to_looks looks = to_looks_of(stdout);
	int err = to_grid_print(g, &looks, stdout);

	to_grid_free(g);
	if (!err)
		return TO_EXIT_DONE;
	to_complain("no memory");
	return TO_EXIT_USAGE;
}

FILE *to_live_out(const struct to_live *l)
{
	return l->json ? stderr : stdout;
}

enum to_exit to_live_confirm(const struct to_live *l, const char *format, ...)
{
	char line[16];
	va_list args;

	if (to_has(l->args, "yes"))
		return TO_EXIT_DONE;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		to_complain(
			"this asks for confirmation, and there is no terminal; --yes does without");
		return TO_EXIT_USAGE;
	}
	fflush(stdout);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" [y/N] ", stderr);
	if (fgets(line, sizeof(line), stdin) &&
	    (!strcmp(line, "y\n") || !strcmp(line, "Y\n") || !strcmp(line, "yes\n")))
		return TO_EXIT_DONE;
	to_complain("nothing was changed");
	return TO_EXIT_NO;
}

json_t *to_live_find(const json_t *array, const char *key, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		const char *text = to_json_text(item, key);

		if (text && !strcmp(text, name))
			return item;
	}
	return NULL;
}

enum to_exit to_live_unknown(const char *what, const char *name, const json_t *array)
{
	const char **names = calloc(2 * json_array_size(array) + 1, sizeof(*names));
	const char *near;
	size_t count = 0, i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		const char *text = to_json_text(item, "name"), *pool = to_json_text(item, "pool");

		if (text && names)
			names[count++] = text;
		if (pool && names)
			names[count++] = pool;
	}
	near = count ? to_nearest(name, names, count) : NULL;
	to_complain("there is no %s '%s'%s%s%s", what, name, near ? "; did you mean '" : "",
		    near ? near : "", near ? "'?" : "");
	free(names);
	return TO_EXIT_USAGE;
}
