/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal: what was done, what was about to be done, and by whom. A file that only grows, a
 * JSON object a line: {"n": number from 1, "time": RFC 3339, "what": ..., ..., "crc": CRC-32 of the
 * line up to the comma before it}. docs/operations.md has its records.
 *
 * A record is on the disk before what it announces is done. What a crash has left half written at
 * the end is recognised, kept aside and cut off; damage before that is refused.
 */
#ifndef TURNOUT_DAEMON_JOURNAL_H
#define TURNOUT_DAEMON_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TO_JOURNAL_NAME   "journal"
#define TO_JOURNAL_RECENT 1000 /* records kept in memory, for `history` */
#define TO_JOURNAL_LATER  64   /* records that wait for a disk that cannot be written */

/* Each record, in order: those that are read at the start, then those that are added. */
typedef void to_journal_seen(void *context, const json_t *record);

struct to_journal {
	int dir;
	int fd;         /* -1: there is none yet, and none could be made */
	uint64_t count; /* records */
	off_t good;     /* bytes of them */
	int failed;     /* negative errno of the last try to write; 0: it can be written */
	to_journal_seen *seen;
	void *context;
	json_t *recent; /* the last TO_JOURNAL_RECENT at least, oldest first */
	json_t *later;
};

/*
 * Opens DIR's journal, makes both if there are none, and reads it. `dir` is locked as long as it is
 * open. 0; *j can be read, and `failed` says whether it can be written. Negative errno with a
 * message: it is damaged, or another turnoutd has it.
 */
int to_journal_open(struct to_journal *j, const char *dir, to_journal_seen *seen, void *context,
		    char *err, size_t err_size);
void to_journal_close(struct to_journal *j);

/* Adds a record, which it takes: {"what": ...} and more, without n, time and crc. 0: it is on the
 * disk. Negative errno: it is not in the file, and `seen` was not called. */
int to_journal_add(struct to_journal *j, json_t *record);

/* Adds a record of what has happened already: seen at once, written as soon as it can be. */
void to_journal_note(struct to_journal *j, json_t *record);

/* Tries again what could not be written. */
int to_journal_retry(struct to_journal *j);

/* journal_read.c: what a file holds. */
struct to_journal_end {
	uint64_t count;    /* good records */
	off_t good;        /* bytes of them */
	off_t size;        /* of the file; more than `good`: the rest was never written whole */
	uint64_t bad_line; /* when it is damaged: where, from 1 */
};

/* 0; -EBADMSG: damaged before its end; or another negative errno. */
int to_journal_read(int fd, to_journal_seen *seen, void *context, struct to_journal_end *end);

/* The line of a record, with its newline; to be freed. NULL: no memory. */
char *to_journal_line(const json_t *record, size_t *size);

#endif
