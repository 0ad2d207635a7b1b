/* SPDX-License-Identifier: BSD-3-Clause */
/* turnout: finds the command, reads its options, runs it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "plan_names.h"

#define TO_LIST_COMMAND(name) &to_cmd_##name,
static const struct to_command *const commands[] = {TO_COMMANDS(TO_LIST_COMMAND)};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char exit_codes[] =
	"Exit codes: 0 done; 1 the answer is no; 2 usage, or an input cannot be read;\n"
	"3 the daemon or an engine cannot be reached; 4 the engine refused.\n";

static void print_usage(const struct to_command *c, FILE *out)
{
	fprintf(out, "turnout %s", c->words);
	if (*c->arguments)
		fprintf(out, " %s", c->arguments);
	for (const struct to_option *o = c->options; o->name; o++)
		fprintf(out, " [--%s%s%s]", o->name, o->value ? " " : "", o->value ? o->value : "");
	fputc('\n', out);
}

static enum to_exit help_all(void)
{
	puts("turnout: plan and run the cutover of RTC Edge pools\n\nusage:");
	for (size_t i = 0; i < COMMANDS; i++) {
		fputs("  ", stdout);
		print_usage(commands[i], stdout);
		printf("      %s\n", commands[i]->summary);
	}
	printf("\nturnout COMMAND --help says more; turnout --version.\n%s", exit_codes);
	return TO_EXIT_DONE;
}

static enum to_exit help_one(const struct to_command *c)
{
	fputs("usage: ", stdout);
	print_usage(c, stdout);
	printf("\n%s\n\n", c->summary);
	for (const struct to_option *o = c->options; o->name; o++) {
		char text[40];

		snprintf(text, sizeof(text), "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		printf("  %-20s %s\n", text, o->help);
	}
	printf("\n%s", exit_codes);
	return TO_EXIT_DONE;
}

/* How many arguments the command's words take; 0: they are not this command's. */
static int match(const struct to_command *c, int argc, char **argv)
{
	const char *words = c->words;
	int used = 0;

	while (*words) {
		size_t n = strcspn(words, " ");

		if (used == argc || strlen(argv[used]) != n || strncmp(words, argv[used], n))
			return 0;
		used++;
		words += n + (words[n] == ' ');
	}
	return used;
}

static const struct to_command *find(int argc, char **argv, int *used)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		*used = match(commands[i], argc, argv);
		if (*used)
			return commands[i];
	}
	return NULL;
}

static enum to_exit unknown(int argc, char **argv)
{
	const char *names[COMMANDS];
	char wanted[128];
	const char *near;

	for (size_t i = 0; i < COMMANDS; i++) {
		size_t n = strlen(argv[0]);

		names[i] = commands[i]->words;
		if (!strncmp(names[i], argv[0], n) && names[i][n] == ' ' && argc == 1) {
			to_complain("'%s' needs another word, as in 'turnout %s'", argv[0],
				    names[i]);
			return TO_EXIT_USAGE;
		}
	}
	snprintf(wanted, sizeof(wanted), "%s", argv[0]);
	near = to_nearest(wanted, names, COMMANDS);
	if (!near && argc > 1) {
		snprintf(wanted, sizeof(wanted), "%s %s", argv[0], argv[1]);
		near = to_nearest(wanted, names, COMMANDS);
	}
	to_complain("no command '%s'%s%s%s", wanted, near ? "; did you mean '" : "; see --help",
		    near ? near : "", near ? "'?" : "");
	return TO_EXIT_USAGE;
}

static const struct to_option *find_option(const struct to_command *c, const char *text)
{
	size_t n = strcspn(text, "=");

	for (const struct to_option *o = c->options; o->name; o++)
		if (strlen(o->name) == n && !strncmp(o->name, text, n))
			return o;
	return NULL;
}

/* One option at argv[0]; how many arguments it took, 0 when it was wrong. */
static int take_option(struct to_args *args, int argc, char **argv)
{
	const struct to_option *o = find_option(args->command, argv[0] + 2);
	const char *equals = strchr(argv[0], '=');

	if (!o) {
		to_complain("'%s' has no option '%s'", args->command->words, argv[0]);
		return 0;
	}
	if (!o->value && equals) {
		to_complain("option '--%s' takes no value", o->name);
		return 0;
	}
	if (o->value && !equals && argc < 2) {
		to_complain("option '--%s' needs a value: %s", o->name, o->value);
		return 0;
	}
	args->given[2 * args->given_count] = o->name;
	args->given[2 * args->given_count + 1] = !o->value ? NULL : equals ? equals + 1 : argv[1];
	args->given_count++;
	return o->value && !equals ? 2 : 1;
}

static int take_arguments(struct to_args *args, int argc, char **argv)
{
	bool options = true;

	for (int i = 0; i < argc;) {
		int used = 1;

		if (options && !strcmp(argv[i], "--"))
			options = false;
		else if (options && !strncmp(argv[i], "--", 2))
			used = take_option(args, argc - i, argv + i);
		else
			args->positional[args->count++] = argv[i];
		if (!used)
			return -EINVAL;
		i += used;
	}
	return 0;
}

static bool right_count(const struct to_args *args)
{
	const char *words = args->command->arguments;
	int most = 0, least = 0;

	while (*words) {
		most++;
		least += *words != '[';
		words += strcspn(words, " ");
		words += strspn(words, " ");
	}
	if (args->count >= least && args->count <= most)
		return true;
	fputs("usage: ", stderr);
	print_usage(args->command, stderr);
	return false;
}

static enum to_exit run(const struct to_command *command, int argc, char **argv)
{
	struct to_args args = {.command = command};
	enum to_exit code = TO_EXIT_USAGE;

	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help"))
			return help_one(command);
	args.positional = calloc((size_t)argc + 1, sizeof(*args.positional));
	args.given = calloc((size_t)argc + 1, 2 * sizeof(*args.given));
	if (!args.positional || !args.given)
		to_complain("no memory");
	else if (!take_arguments(&args, argc, argv) && right_count(&args))
		code = command->run(&args);
	free(args.positional);
	free(args.given);
	if (fflush(stdout) || ferror(stdout)) {
		to_complain("cannot write the output: %s", strerror(errno));
		return TO_EXIT_USAGE;
	}
	return code;
}

int main(int argc, char **argv)
{
	const struct to_command *command;
	int used = 0;

	if (argc < 2) {
		to_complain("no command; see --help");
		return TO_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help_all();
	if (!strcmp(argv[1], "--version")) {
		puts("turnout " TURNOUT_VERSION);
		return TO_EXIT_DONE;
	}
	command = find(argc - 1, argv + 1, &used);
	if (!command)
		return unknown(argc - 1, argv + 1);
	return run(command, argc - 1 - used, argv + 1 + used);
}
