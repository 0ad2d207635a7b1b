/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan that was accepted, kept in the state directory: the file that an operator edits may be
 * broken, half written or gone at the next start. A new plan is written aside as plan.next.yaml
 * before its first generation is announced, and takes plan.yaml's place when that is live; the
 * journal's SHA-256 says which of the two a crash has left in force.
 */
#ifndef TURNOUT_DAEMON_PLAN_KEEP_H
#define TURNOUT_DAEMON_PLAN_KEEP_H

#include "past.h"
#include "plan.h"

/* A plan and the bytes that it was read from. */
struct to_plan_file {
	struct to_plan *plan;
	char *bytes;
	size_t size;
	char sha256[TO_SHA256_TEXT];
};

/* Reads and checks the file. Negative errno: *out is NULL, and `messages`, one for each line, say
 * why; to be freed. Warnings are in it after a 0, too. */
int to_plan_file_read(const char *path, struct to_plan_file **out, char **messages);
/* The file of that name in the directory `dir`, where SHA-256 is this one (NULL: any). */
int to_plan_file_kept(int dir, const char *name, const char *sha256, struct to_plan_file **out);
void to_plan_file_free(struct to_plan_file *file);

#define TO_PLAN_NAME "plan.yaml"
#define TO_PLAN_NEXT "plan.next.yaml"

/* Written and on the disk, as plan.next.yaml. */
int to_plan_keep_aside(int dir, const struct to_plan_file *file);
/* plan.next.yaml is plan.yaml from now on. */
int to_plan_keep(int dir);

/* May `next` take the place of `running`, whichever stages are live? `err` says why not. */
int to_plan_can_follow(const struct to_plan *running, const struct to_plan *next, char *err,
		       size_t err_size);

#endif
