/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>

#include "classify_pcap.h"
#include "cli.h"

static const char *const class_names[] = {TO_NAMES(TO_CLASSES)};

static void print_line(void *arg, uint64_t frame, enum to_class class)
{
	(void)arg;
	printf("%" PRIu64 " %s\n", frame, class_names[class]);
}

/* Names of classes need no escaping; one object a line, as verdicts.jsonl. */
static void print_object(void *arg, uint64_t frame, enum to_class class)
{
	(void)arg;
	printf("{\"frame\":%" PRIu64 ",\"class\":\"%s\"}\n", frame, class_names[class]);
}

static enum to_exit run(const struct to_args *args)
{
	const char *path = args->positional[0];
	char error[256];

	if (to_classify_pcap(path, to_has(args, "json") ? print_object : print_line, NULL, error,
			     sizeof(error))) {
		to_complain("cannot read %s: %s", path, error);
		return TO_EXIT_USAGE;
	}
	return TO_EXIT_DONE;
}

static const struct to_option options[] = {
	{"json", NULL, "print one JSON object a line"},
	TO_OPTION_END,
};

const struct to_command to_cmd_classify = {
	.words = "classify",
	.arguments = "PCAP",
	.summary = "Says of each packet of a capture what it carries.",
	.options = options,
	.run = run,
};
