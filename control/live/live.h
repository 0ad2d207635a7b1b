/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands of a live gateway have in common: asking turnoutd, and saying what it said. */
#ifndef TURNOUT_LIVE_H
#define TURNOUT_LIVE_H

#include <stdio.h>

#include "cli.h"
#include "client.h"
#include "grid.h"
#include "summary.h"
#include "words.h"

/* Seconds that an answer may take. A change is answered when it is live. */
#define TO_LIVE_LOOK   5u
#define TO_LIVE_CHANGE 60u

#define TO_OPTION_SOCKET                                                                           \
	{                                                                                          \
		"socket", "PATH",                                                                  \
			"turnoutd's socket (default: $TURNOUT_SOCKET, or " TO_CLIENT_SOCKET ")"    \
	}
#define TO_OPTION_TIMEOUT                                                                          \
	{                                                                                          \
		"timeout", "SECONDS", "how long an answer may take (default: 5; a change 60)"      \
	}
#define TO_OPTION_WHY                                                                              \
	{                                                                                          \
		"why", "TEXT", "the reason, for the journal"                                       \
	}
#define TO_OPTION_YES                                                                              \
	{                                                                                          \
		"yes", NULL, "do not ask for confirmation"                                         \
	}

struct to_live {
	struct to_client client;
	const struct to_args *args;
	bool json;
	unsigned look_ms, change_ms;
};

/* Connects. What is wrong is complained of; any code but TO_EXIT_DONE: there is nothing to close.
 */
enum to_exit to_live_open(struct to_live *l, const struct to_args *args);
void to_live_close(struct to_live *l);

/*
 * Asks; `request` is taken. TO_EXIT_DONE: *answer is the caller's, and says yes; its strings are
 * clean unless --json is to show it as it is. Else it was complained of (with --json, an answer
 * that says no is printed too) and *answer is NULL.
 */
enum to_exit to_live_ask(struct to_live *l, json_t *request, json_t **answer);
/* Likewise, for what changes something: adds --why, and waits longer. */
enum to_exit to_live_change(struct to_live *l, json_t *request, json_t **answer);

/* A whole command that looks: connect, ask, show (or --json). Takes `request`. */
enum to_exit to_live_view(const struct to_args *args, json_t *request,
			  enum to_exit (*show)(struct to_live *l, const json_t *answer));

/* Prints a grid to stdout and frees it. */
enum to_exit to_live_print(struct to_grid *g);

/*
 * Whether to go on with a change: --yes, or a person at a terminal who says so when asked the
 * question. TO_EXIT_DONE: go on. TO_EXIT_NO: the person says no. TO_EXIT_USAGE: nobody to ask.
 */
enum to_exit to_live_confirm(const struct to_live *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Where what a person reads before a change goes: not among the JSON. */
FILE *to_live_out(const struct to_live *l);

/* The member of the array whose `key` is `name`, or NULL. */
json_t *to_live_find(const json_t *array, const char *key, const char *name);

/* Complains that there is no such `what`, with what may have been meant. Returns TO_EXIT_USAGE. */
enum to_exit to_live_unknown(const char *what, const char *name, const json_t *array);

#endif
