/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Completion. The shell's part is a few lines that hand the line on as it stands; what it may go on
 * with is found here, from the commands' own table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "complete.h"

#define TO_LIST_COMMAND(name) &to_cmd_##name,
static const struct to_command *const commands[] = {TO_COMMANDS(TO_LIST_COMMAND)};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

#define MOST_WORDS 64

static const char bash[] =
	"# Completion of turnout for bash: source it, or put it into\n"
	"# /usr/share/bash-completion/completions/turnout\n"
	"_turnout() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT}\n"
	"\tmapfile -t COMPREPLY < <(\"$1\" completion words -- \"$line\" 2>/dev/null)\n"
	"}\n"
	"complete -o default -F _turnout turnout\n";

static bool begins_with(const char *text, const char *beginning)
{
	while (*beginning && *text == *beginning) {
		text++;
		beginning++;
	}
	return !*beginning;
}

/* The line's words; the last one, perhaps empty, is the one to complete. */
struct line {
	char *word[MOST_WORDS + 1];
	int count;
};

static void split(char *text, struct line *l)
{
	char *p = text;

	while (l->count < MOST_WORDS) {
		p += strspn(p, " \t");
		l->word[l->count++] = p;
		p += strcspn(p, " \t");
		if (!*p)
			return;
		*p++ = '\0';
	}
}

/* The command's words that the line has before its last one; 0: not all of them. */
static int match(const struct to_command *c, const struct line *l)
{
	const char *words = c->words;
	int used = 0;

	while (*words) {
		size_t n = strcspn(words, " ");

		if (1 + used >= l->count - 1 || strlen(l->word[1 + used]) != n ||
		    strncmp(words, l->word[1 + used], n) != 0)
			return 0;
		used++;
		words += n + (words[n] == ' ');
	}
	return used;
}

/* Where the command's word number `nth` begins, when those before it are the line's; else NULL. */
static const char *next_word(const struct to_command *c, const struct line *l, int nth)
{
	const char *words = c->words;

	for (int i = 0; i < nth; i++) {
		size_t n = strcspn(words, " ");

		if (strlen(l->word[1 + i]) != n || strncmp(words, l->word[1 + i], n) != 0)
			return NULL;
		words += n + (words[n] == ' ');
	}
	return *words ? words : NULL;
}

static void offer_commands(const struct line *l)
{
	static const char *const own[] = {"--help", "--version"};
	const char *prefix = l->word[l->count - 1], *before = "";
	int nth = l->count - 2;

	for (size_t i = 0; i < COMMANDS; i++) {
		const char *word = next_word(commands[i], l, nth);
		size_t n = word ? strcspn(word, " ") : 0;

		if (!word || !begins_with(word, prefix))
			continue;
		/* "stage list", "stage next" … stand together in the table */
		if (strlen(before) < n || strncmp(before, word, n) != 0 ||
		    (before[n] && before[n] != ' '))
			printf("%.*s\n", (int)n, word);
		before = word;
	}
	for (int i = 0; nth == 0 && *prefix == '-' && i < 2; i++)
		if (begins_with(own[i], prefix))
			puts(own[i]);
}

static const struct to_option *option_of(const struct to_command *c, const char *word)
{
	size_t n = strcspn(word, "=");

	if (strncmp(word, "--", 2) != 0)
		return NULL;
	for (const struct to_option *o = c->options; o->name; o++)
		if (strlen(o->name) == n - 2 && !strncmp(o->name, word + 2, n - 2))
			return o;
	return NULL;
}

static void offer_options(const struct to_command *c, const char *prefix)
{
	for (const struct to_option *o = c->options; o->name; o++)
		if (begins_with(o->name, prefix + 2))
			printf("--%s\n", o->name);
	if (begins_with("--help", prefix))
		puts("--help");
}

/* The `nth` word of the command's arguments, without the brackets of one that may be missing. */
static bool argument_of(const struct to_command *c, int nth, char *out, size_t size)
{
	const char *p = c->arguments;

	for (; nth > 0 && *p; nth--) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	p += *p == '[';
	snprintf(out, size, "%.*s", (int)strcspn(p, " ]"), p);
	return *out;
}

/* What stands before the last word: how many arguments, the first of them, the socket. */
struct before {
	int arguments;
	const char *first;
	const char *socket;
};

static struct before look_back(const struct to_command *c, const struct line *l, int first)
{
	struct before b = {0};

	for (int i = first; i < l->count - 1; i++) {
		const struct to_option *o = option_of(c, l->word[i]);
		const char *equals = strchr(l->word[i], '=');

		if (o && o->value) {
			const char *value = equals ? equals + 1 : l->word[++i];

			if (!strcmp(o->name, "socket") && i < l->count - 1)
				b.socket = value;
		} else if (strncmp(l->word[i], "--", 2) != 0) {
			b.first = b.arguments++ ? b.first : l->word[i];
		}
	}
	return b;
}

static void offer_words(const struct to_command *c, const struct line *l, int used)
{
	const char *word = l->word[l->count - 1], *previous = l->word[l->count - 2];
	const struct to_option *o = option_of(c, word), *value_of = option_of(c, previous);
	struct before b = look_back(c, l, 1 + used);
	/* a command that has a PLAN asks nobody else */
	const char *plan = !strncmp(c->arguments, "PLAN", 4) && b.first ? b.first : NULL;
	char kind[64];

	if (l->count - 1 > 1 + used && value_of && value_of->value && !strchr(previous, '='))
		to_complete_names(value_of->value, word, plan, b.socket);
	else if (o && o->value && strchr(word, '='))
		to_complete_names(o->value, strchr(word, '=') + 1, plan, b.socket);
	else if (!strncmp(word, "--", 2) || !strcmp(word, "-"))
		offer_options(c, !strcmp(word, "-") ? "--" : word);
	else if (argument_of(c, b.arguments, kind, sizeof(kind)))
		to_complete_names(kind, word, plan, b.socket);
}

static enum to_exit run_words(const struct to_args *args)
{
	char *text = strdup(args->positional[0]);
	struct line l = {0};

	if (!text) {
		to_complain("no memory");
		return TO_EXIT_USAGE;
	}
	split(text, &l);
	for (size_t i = 0; l.count > 1; i++) {
		int used = i < COMMANDS ? match(commands[i], &l) : 0;

		if (i == COMMANDS) {
			offer_commands(&l);
			break;
		}
		if (used) {
			offer_words(commands[i], &l, used);
			break;
		}
	}
	free(text);
	return TO_EXIT_DONE;
}

static enum to_exit run_bash(const struct to_args *args)
{
	(void)args;
	fputs(bash, stdout);
	return TO_EXIT_DONE;
}

static const struct to_option options[] = {TO_OPTION_END};

const struct to_command to_cmd_completion_bash = {
	.words = "completion bash",
	.arguments = "",
	.summary = "Prints what bash needs to complete turnout's commands, options and names.",
	.options = options,
	.run = run_bash,
};

const struct to_command to_cmd_completion_words = {
	.words = "completion words",
	.arguments = "LINE",
	.summary = "Prints what the last word of a command line may become; for shells.",
	.options = options,
	.run = run_words,
};
