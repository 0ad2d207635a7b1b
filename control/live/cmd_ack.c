/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps that a person has done: the `ack` gates of a plan; and the plan's file again. */
#include "live.h"

static enum to_exit change(const struct to_args *args, json_t *request, const char *done,
			   const char *what)
{
	struct to_live l;
	json_t *answer;
	enum to_exit code = to_live_open(&l, args);

	if (code) {
		json_decref(request);
		return code;
	}
	code = to_live_change(&l, request, &answer);
	to_live_close(&l);
	if (code)
		return code;
	if (l.json)
		return to_print_json(answer, code);
	json_decref(answer);
	printf("%s%s\n", what, done);
	return TO_EXIT_DONE;
}

static enum to_exit run_ack(const struct to_args *args)
{
	const char *name = args->positional[0];

	return change(args, json_pack("{s:s, s:s}", "do", "ack", "name", name), " is acknowledged",
		      name);
}

static enum to_exit run_unack(const struct to_args *args)
{
	const char *name = args->positional[0];

	return change(args, json_pack("{s:s, s:s}", "do", "unack", "name", name),
		      " is not acknowledged any more", name);
}

static enum to_exit run_reload(const struct to_args *args)
{
	return change(args, json_pack("{s:s}", "do", "reload"), " is read again, and live",
		      "the plan");
}

static const struct to_option options[] = {TO_OPTION_WHY, TO_OPTION_JSON, TO_OPTION_SOCKET,
					   TO_OPTION_TIMEOUT, TO_OPTION_END};

const struct to_command to_cmd_ack = {
	.words = "ack",
	.arguments = "ACK",
	.summary = "Acknowledges a step that a person has done, for the gate that waits for it.",
	.options = options,
	.run = run_ack,
};

const struct to_command to_cmd_unack = {
	.words = "unack",
	.arguments = "ACK",
	.summary = "Takes an acknowledgement back.",
	.options = options,
	.run = run_unack,
};

const struct to_command to_cmd_reload = {
	.words = "reload",
	.arguments = "",
	.summary = "Lets turnoutd read its plan again: live as a whole, or refused as a whole.",
	.options = options,
	.run = run_reload,
};
