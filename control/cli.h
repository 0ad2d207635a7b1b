/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line's one grammar. A command is a `const struct to_command to_cmd_NAME` in a file of
 * its own, cmd_NAME.c: its words, arguments, options and what runs. Adding one takes that file, a
 * line in TO_COMMANDS below and the file's name in meson.build. Parsing, `--help` and completion
 * all read this table.
 */
#ifndef TURNOUT_CLI_H
#define TURNOUT_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "image.h"
#include "plan.h"

enum to_exit {
	TO_EXIT_DONE = 0,
	TO_EXIT_NO = 1,          /* a check failed, a gate is closed */
	TO_EXIT_USAGE = 2,       /* also: an input cannot be read */
	TO_EXIT_UNREACHABLE = 3, /* no daemon, no engine */
	TO_EXIT_REFUSED = 4,     /* by the engine */
};

struct to_option {
	const char *name;  /* without the dashes */
	const char *value; /* what help calls its value; NULL: it has none */
	const char *help;
};

struct to_args {
	const struct to_command *command;
	const char **positional;
	int count;
	const char **given; /* pairs: option's name, value (NULL for a flag), in the order given */
	int given_count;    /* pairs */
};

struct to_command {
	const char *words;     /* "check", "table show" */
	const char *arguments; /* as help shows them, "PLAN [STAGE]"; each word is one argument */
	const char *summary;
	const struct to_option *options; /* ends with a NULL name */
	enum to_exit (*run)(const struct to_args *args);
};

/* In the order of help. X(name): to_cmd_name */
#define TO_COMMANDS(X)                                                                             \
	X(check)                                                                                   \
	X(classify)                                                                                \
	X(diff)                                                                                    \
	X(explain)                                                                                 \
	X(replay)                                                                                  \
	X(table_show)                                                                              \
	X(table_write)                                                                             \
	X(status)                                                                                  \
	X(stage_list)                                                                              \
	X(stage_next)                                                                              \
	X(stage_back)                                                                              \
	X(stage_to)                                                                                \
	X(edges)                                                                                   \
	X(drain)                                                                                   \
	X(undrain)                                                                                 \
	X(retire)                                                                                  \
	X(readmit)                                                                                 \
	X(down)                                                                                    \
	X(up)                                                                                      \
	X(release)                                                                                 \
	X(flows)                                                                                   \
	X(ack)                                                                                     \
	X(unack)                                                                                   \
	X(history)                                                                                 \
	X(reload)                                                                                  \
	X(counters)                                                                                \
	X(watch)                                                                                   \
	X(doctor)                                                                                  \
	X(capture)                                                                                 \
	X(completion_bash)                                                                         \
	X(completion_words)

#define TO_DECLARE_COMMAND(name) extern const struct to_command to_cmd_##name;
TO_COMMANDS(TO_DECLARE_COMMAND)

#define TO_OPTION_JSON                                                                             \
	{                                                                                          \
		"json", NULL, "print JSON"                                                         \
	}
#define TO_OPTION_END                                                                              \
	{                                                                                          \
		NULL, NULL, NULL                                                                   \
	}

bool to_has(const struct to_args *args, const char *option);
/* The last value given, or NULL. Those that may come several times read `given` themselves. */
const char *to_value(const struct to_args *args, const char *option);

/* turnout: MESSAGE on stderr */
void to_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Loads a plan and prints what is wrong with it. False: *code is the exit code. */
bool to_open_plan(const char *path, struct to_plan **plan, enum to_exit *code);

/* The stage of that name (NULL: the first), or -1, which is complained of. */
int to_open_stage(const struct to_plan *plan, const char *name);

/* Prints and frees. */
enum to_exit to_print_json(json_t *json, enum to_exit code);

/* "12.5", from hundredths of a percent, into a buffer of 8 */
const char *to_share_text(uint16_t share, char *out);

/* "203.0.113.1", into a buffer of INET6_ADDRSTRLEN */
const char *to_address_text(const union to_addr *addr, char *out);

#endif
