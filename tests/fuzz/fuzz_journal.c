/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whatever is in a journal, it is read, or refused; and whatever its good records say, they add up
 * to something. The first byte: 0, the rest is the file; else its lines are records without their
 * number, time and checksum, which are added.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "journal.h"
#include "past.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_record(FILE *f, const char *text, size_t size, unsigned number)
{
	json_t *record = json_loadb(text, size, 0, NULL);
	size_t length;
	char *line;

	if (json_is_object(record)) {
		json_object_set_new(record, "n", json_integer(number));
		json_object_set_new(record, "time", json_string("2026-01-01T00:00:00Z"));
		line = to_journal_line(record, &length);
		if (!line)
			abort();
		fwrite(line, 1, length, f);
		free(line);
	}
	json_decref(record);
}

static void write_records(FILE *f, const char *text, size_t size)
{
	for (unsigned number = 1; size; number++) {
		const char *end = memchr(text, '\n', size);
		size_t n = end ? (size_t)(end - text) : size;

		write_record(f, text, n, number);
		n += end ? 1 : 0;
		text += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct to_journal_end end;
	struct to_past past;
	int fd = memfd_create("journal", MFD_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "w+") : NULL;

	if (!f || to_past_init(&past) < 0)
		abort();
	if (size && data[0])
		write_records(f, (const char *)data + 1, size - 1);
	else if (size)
		fwrite(data + 1, 1, size - 1, f);
	fflush(f);
	if (to_journal_read(fd, to_past_fold, &past, &end) == 0 && end.good > end.size)
		abort();
	to_past_knows(&past, past.highest, 0);
	to_past_free(&past);
	fclose(f);
	return 0;
}
