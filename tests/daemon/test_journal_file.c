/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal's file: cut off at every byte, damaged at every byte, and records missing. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal.h"

#define RECORDS 5

static char dir[] = "/tmp/turnout-journal-XXXXXX";
static char path[64];
static char *whole; /* a good journal of RECORDS records */
static size_t whole_size;
static size_t last_line; /* where the last one begins */

static void count(void *context, const json_t *record)
{
	assert_true(json_is_object(record));
	++*(unsigned *)context;
}

static void put(const char *data, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static int open_one(struct to_journal *j, unsigned *seen, char *err)
{
	*seen = 0;
	return to_journal_open(j, dir, count, seen, err, 300);
}

static void add(struct to_journal *j, const char *text)
{
	assert_int_equal(to_journal_add(j, json_pack("{s:s, s:s}", "what", "test", "text", text)),
			 0);
}

static int make(void **state)
{
	struct to_journal j;
	unsigned seen;
	char err[300];
	FILE *f;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/journal", dir);
	assert_int_equal(open_one(&j, &seen, err), 0);
	for (int i = 0; i < RECORDS; i++)
		add(&j, "a \"text\" with \\ and \xc3\xa4 in it");
	whole_size = (size_t)j.good;
	to_journal_close(&j);
	whole = malloc(whole_size);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(whole, 1, whole_size, f), whole_size);
	fclose(f);
	last_line = whole_size - 1;
	while (whole[last_line - 1] != '\n')
		last_line--;
	return 0;
}

/* How many there are of what was torn off; with `forget` they go. */
static size_t kept_aside(bool forget)
{
	char pattern[80];
	size_t count = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/journal.torn-*", dir);
	if (glob(pattern, 0, NULL, &found) == 0) {
		count = found.gl_pathc;
		for (size_t i = 0; i < count && forget; i++)
			assert_int_equal(unlink(found.gl_pathv[i]), 0);
		globfree(&found);
	}
	return count;
}

static int clean(void **state)
{
	(void)state;
	free(whole);
	kept_aside(true);
	unlink(path);
	return rmdir(dir);
}

/* Opens what was put there, and goes on with it: `good` records are left, and then one more. */
static void goes_on(unsigned good)
{
	struct to_journal j;
	unsigned seen;
	char err[300];

	assert_int_equal(open_one(&j, &seen, err), 0);
	assert_int_equal(seen, good);
	assert_int_equal(j.count, good);
	assert_int_equal(j.failed, 0);
	add(&j, "behind it");
	to_journal_close(&j);
	assert_int_equal(open_one(&j, &seen, err), 0);
	assert_int_equal(seen, good + 1);
	to_journal_close(&j);
}

static void test_cut_off_at_every_byte(void **state)
{
	(void)state;
	for (size_t size = last_line; size < whole_size; size++) {
		put(whole, size);
		kept_aside(true);
		goes_on(RECORDS - 1);
		assert_int_equal(kept_aside(false), size > last_line);
	}
}

static void test_the_last_record_damaged_at_every_byte(void **state)
{
	(void)state;
	kept_aside(true);
	for (size_t at = last_line; at < whole_size; at++) {
		whole[at] ^= 4;
		put(whole, whole_size);
		whole[at] ^= 4;
		goes_on(RECORDS - 1);
	}
	assert_true(kept_aside(false));
}

static void is_refused(const char *data, size_t size, const char *line)
{
	struct to_journal j;
	unsigned seen;
	struct stat st;
	char err[300];

	put(data, size);
	assert_int_equal(open_one(&j, &seen, err), -EBADMSG);
	assert_non_null(strstr(err, line));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, size); /* left as it was */
}

static void test_an_earlier_record_damaged_at_every_byte(void **state)
{
	(void)state;
	for (size_t at = 0; at < last_line; at++) {
		whole[at] ^= 4;
		is_refused(whole, whole_size, "damaged at line ");
		whole[at] ^= 4;
	}
}

static void test_a_record_is_missing(void **state)
{
	size_t first = (size_t)((char *)memchr(whole, '\n', whole_size) - whole) + 1;
	size_t second = (size_t)((char *)memchr(whole + first, '\n', whole_size) - whole) + 1;
	char *copy = malloc(whole_size);

	(void)state;
	is_refused(whole + first, whole_size - first, "line 1");
	memcpy(copy, whole, first);
	memcpy(copy + first, whole + second, whole_size - second);
	is_refused(copy, whole_size - (second - first), "line 2");
	memcpy(copy, whole + first, second - first); /* two in each other's place */
	memcpy(copy + (second - first), whole, first);
	memcpy(copy + second, whole + second, whole_size - second);
	is_refused(copy, whole_size, "line 1");
	free(copy);
}

static void test_zeros_behind_the_end(void **state)
{
	char *longer = calloc(1, whole_size + 4096);

	(void)state;
	memcpy(longer, whole, whole_size);
	put(longer, whole_size + 4096);
	goes_on(RECORDS);
	free(longer);
}

/* As a full disk: the file may grow by so many bytes. */
static void limit(const struct to_journal *j, rlim_t more)
{
	struct rlimit l = {(rlim_t)j->good + more, RLIM_INFINITY};

	if (more == RLIM_INFINITY)
		l.rlim_cur = more;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static json_t *record(const char *text)
{
	return json_pack("{s:s, s:s}", "what", "test", "text", text);
}

static void test_a_full_disk(void **state)
{
	struct to_journal j;
	unsigned seen;
	char err[300];

	(void)state;
	put(whole, whole_size);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(open_one(&j, &seen, err), 0);
	for (rlim_t more = 0; more < 60; more += 7) {
		limit(&j, more);
		assert_int_equal(to_journal_add(&j, record("does not fit")), -EFBIG);
		assert_int_equal(seen, RECORDS);
		assert_int_equal(j.failed, -EFBIG);
		assert_int_equal(json_array_size(j.recent), RECORDS);
	}
	to_journal_note(&j, record("happened"));
	to_journal_note(&j, record("happened as well"));
	assert_int_equal(seen, RECORDS + 2);
	assert_int_equal(j.count, RECORDS);
	assert_true(to_journal_retry(&j) < 0);
	limit(&j, RLIM_INFINITY);
	assert_int_equal(to_journal_retry(&j), 0);
	assert_int_equal(j.failed, 0);
	add(&j, "fits");
	to_journal_close(&j);
	assert_int_equal(open_one(&j, &seen, err), 0);
	assert_int_equal(seen, RECORDS + 3);
	to_journal_close(&j);
}

static void test_two_have_it(void **state)
{
	struct to_journal one, two;
	unsigned seen;
	char err[300];

	(void)state;
	put(whole, whole_size);
	assert_int_equal(open_one(&one, &seen, err), 0);
	assert_true(open_one(&two, &seen, err) < 0);
	assert_non_null(strstr(err, "another turnoutd"));
	to_journal_close(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_off_at_every_byte),
		cmocka_unit_test(test_the_last_record_damaged_at_every_byte),
		cmocka_unit_test(test_an_earlier_record_damaged_at_every_byte),
		cmocka_unit_test(test_a_record_is_missing),
		cmocka_unit_test(test_zeros_behind_the_end),
		cmocka_unit_test(test_a_full_disk),
		cmocka_unit_test(test_two_have_it),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
