/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The region: a file (on hugetlbfs, /dev/shm or anywhere) or anonymous memory. A region gets its
 * name only when it is whole, so whatever lies under the name is one, or is not ours. The lock is
 * a file beside it, because the region itself may be exchanged under its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <turnout/hash.h>

#include "state_tables.h"

#define HUGETLBFS    0x958458f6 /* statfs(2) */
#define MOST_ENTRIES (1u << 28) /* of one table; a cell's number fits 32 bits */
#define MOST_BYTES   (1ull << 42)

static int fail(int rc, char *err, size_t size, const char *path, const char *what)
{
	snprintf(err, size, "%s: %s", path ? path : "state", what);
	return rc;
}

static uint64_t header_sum(const struct to_state_region *r)
{
	struct to_state_region copy = *r;

	copy.checksum = 0;
	return to_mix(to_fnv((const char *)&copy, offsetof(struct to_state_region, meaning)));
}

static uint64_t region_bytes(const struct to_state_region *r)
{
	uint64_t bytes = TO_STATE_REGION_HEADER;

	for (uint32_t w = 0; w < r->workers; w++) {
		for (uint32_t i = 0; i < TO_ENTRY_KIND_COUNT * 2; i++) {
			uint32_t entries = to_state_region_capacity(r, i / 2, i % 2);

			if (entries && !(w && to_state_is_shared(i / 2, i % 2)))
				bytes += to_state_region_buckets(i / 2, entries) *
					 sizeof(union to_bucket);
		}
	}
	return bytes;
}

static int read_boot_id(char id[TO_BOOT_ID_SIZE])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	int rc = 0;

	memset(id, 0, TO_BOOT_ID_SIZE);
	if (!f)
		return -errno;
	if (!fgets(id, TO_BOOT_ID_SIZE, f))
		rc = -EIO;
	fclose(f);
	id[strcspn(id, "\n")] = 0;
	/* so that what follows the end is the same whoever reads it */
	memset(id + strlen(id), 0, TO_BOOT_ID_SIZE - strlen(id));
	return rc;
}

static int draw_seeds(struct to_state_region *r, uint64_t seed)
{
	uint64_t *word = &r->seed[0].w[0];

	if (!seed)
		return getrandom(r->seed, sizeof(r->seed), 0) == sizeof(r->seed) ? 0 : -EIO;
	for (size_t i = 0; i < TO_ENTRY_KIND_COUNT * 4; i++)
		word[i] = to_mix(seed + i);
	return 0;
}

static int check_config(const struct to_state_config *config, char *err, size_t size)
{
	if (!config->workers || config->workers > TO_STATE_MAX_WORKERS)
		return fail(-EINVAL, err, size, NULL, "1 to 64 workers are possible");
	for (uint32_t k = 0; k < TO_ENTRY_KIND_COUNT; k++)
		if (config->size[k].proven > MOST_ENTRIES ||
		    config->size[k].unproven > MOST_ENTRIES)
			return fail(-EINVAL, err, size, NULL,
				    "a table of more than 2^28 entries is not possible");
	return 0;
}

/* The header that a new region would have. */
static int make_header(const struct to_state_config *config, struct to_state_region *r)
{
	int rc = 0;

	memset(r, 0, sizeof(*r));
	r->magic = TO_STATE_REGION_MAGIC;
	r->layout = TO_STATE_REGION_LAYOUT;
	r->clock = CLOCK_BOOTTIME;
	r->workers = config->workers;
	memcpy(r->size, config->size, sizeof(r->size));
	r->bytes = region_bytes(r);
	if (config->boot_id)
		strncpy(r->boot_id, config->boot_id, TO_BOOT_ID_SIZE - 1);
	else
		rc = read_boot_id(r->boot_id);
	if (!rc)
		rc = draw_seeds(r, config->seed);
	r->checksum = header_sum(r);
	return rc;
}

static int check_header(const struct to_state_region *r, uint64_t file_bytes, const char *path,
			char *err, size_t size)
{
	if (file_bytes < TO_STATE_REGION_HEADER || r->magic != TO_STATE_REGION_MAGIC)
		return fail(-EBADMSG, err, size, path, "is not Turnout's state; left as it is");
	if (r->layout != TO_STATE_REGION_LAYOUT) {
		snprintf(err, size, "%s: state of layout %u; this build knows layout %u only", path,
			 r->layout, TO_STATE_REGION_LAYOUT);
		return -EPROTO;
	}
	if (r->checksum != header_sum(r))
		return fail(-EBADMSG, err, size, path,
			    "the header is damaged (wrong checksum); left as it is");
	if (!r->workers || r->workers > TO_STATE_MAX_WORKERS || r->bytes > MOST_BYTES ||
	    r->bytes != region_bytes(r))
		return fail(-EBADMSG, err, size, path,
			    "the header contradicts itself; left as it is");
	if (file_bytes < r->bytes)
		return fail(-EBADMSG, err, size, path, "is truncated; left as it is");
	return 0;
}

static uint64_t round_up(uint64_t bytes, uint64_t page)
{
	return (bytes + page - 1) / page * page;
}

/* The size that the file must have: whole pages of its file system. */
static int file_size(int fd, uint64_t bytes, uint64_t *size)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return -errno;
	*size = round_up(bytes, fs.f_type == HUGETLBFS ? (uint64_t)fs.f_bsize : 4096);
	return 0;
}

/* A new, empty region under the name `aside`. */
static int create(const char *aside, const struct to_state_region *header, struct to_state **st,
		  char *err, size_t err_size)
{
	uint64_t bytes = 0;
	int fd;
	int rc;

	if (unlink(aside) && errno != ENOENT)
		return fail(-errno, err, err_size, aside, strerror(errno));
	fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(-errno, err, err_size, aside, strerror(errno));
	rc = file_size(fd, header->bytes, &bytes);
	if (!rc && ftruncate(fd, (off_t)bytes))
		rc = -errno;
	if (!rc)
		rc = to_state_attach(fd, bytes, header, st);
	close(fd);
	if (rc) {
		unlink(aside);
		snprintf(err, err_size, "%s: no room for a region of %llu MiB: %s", aside,
			 (unsigned long long)(header->bytes >> 20), strerror(-rc));
	}
	return rc;
}

static int create_anonymous(const struct to_state_region *header, struct to_state **st, char *err,
			    size_t err_size)
{
	int rc = to_state_attach(-1, round_up(header->bytes, 4096), header, st);

	if (rc)
		snprintf(err, err_size, "no memory for a region of %llu MiB: %s",
			 (unsigned long long)(header->bytes >> 20), strerror(-rc));
	return rc;
}

/* Maps and recovers what lies under `path`, whose header is checked. */
static int adopt(int fd, const struct to_state_region *old, const char *path, uint32_t now,
		 struct to_state **st, char *err, size_t err_size)
{
	uint64_t bytes = 0;
	int rc = file_size(fd, old->bytes, &bytes);

	if (!rc)
		rc = to_state_attach(fd, bytes, NULL, st);
	if (rc)
		return fail(rc, err, err_size, path, strerror(-rc));
	(*st)->report.how = TO_STATE_ADOPTED;
	rc = to_state_recover(*st, now);
	if (rc) {
		to_state_detach(*st);
		return fail(rc, err, err_size, path, strerror(-rc));
	}
	return 0;
}

/* Puts a new region under the name, with the entries of `old` in it when that is given. */
static int replace(const char *path, const struct to_state_region *header, struct to_state *old,
		   const struct to_state_config *config, struct to_state **st, char *err,
		   size_t err_size)
{
	char aside[PATH_MAX];
	int rc;

	snprintf(aside, sizeof(aside), "%s.new", path);
	rc = create(aside, header, st, err, err_size);
	if (rc)
		return rc;
	if (old) {
		(*st)->region->meaning = old->region->meaning;
		(*st)->region->meaning_kept = old->region->meaning_kept;
		rc = to_state_migrate(old, *st, config, err, err_size);
	}
	if (!rc && rename(aside, path))
		rc = fail(-errno, err, err_size, path, strerror(errno));
	if (rc) {
		to_state_detach(*st);
		unlink(aside);
	}
	return rc;
}

static bool same_geometry(const struct to_state_region *a, const struct to_state_region *b)
{
	return a->workers == b->workers && !memcmp(a->size, b->size, sizeof(a->size));
}

/* There is a file under the name. */
static int take_over(int fd, const char *path, const struct to_state_region *header,
		     const struct to_state_config *config, struct to_state **st, char *err,
		     size_t err_size)
{
	struct to_state_region old = {0};
	struct to_state *from;
	struct stat s;
	int rc;

	if (fstat(fd, &s) || pread(fd, &old, sizeof(old), 0) < 0)
		return fail(-errno, err, err_size, path, strerror(errno));
	rc = check_header(&old, (uint64_t)s.st_size, path, err, err_size);
	if (rc)
		return rc;
	if (memcmp(old.boot_id, header->boot_id, TO_BOOT_ID_SIZE)) {
		rc = replace(path, header, NULL, config, st, err, err_size);
		if (!rc)
			(*st)->report.how = TO_STATE_REPLACED;
		return rc;
	}
	rc = adopt(fd, &old, path, config->now, &from, err, err_size);
	if (rc)
		return rc;
	if (same_geometry(&old, header)) {
		*st = from;
		return 0;
	}
	rc = replace(path, header, from, config, st, err, err_size);
	to_state_detach(from);
	return rc;
}

static int lock(const char *path, char *err, size_t err_size)
{
	char name[PATH_MAX];
	int fd;

	if (strlen(path) + sizeof(".lock") > sizeof(name))
		return fail(-ENAMETOOLONG, err, err_size, path, strerror(ENAMETOOLONG));
	snprintf(name, sizeof(name), "%s.lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(-errno, err, err_size, name, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;

		close(fd);
		return fail(rc, err, err_size, path,
			    rc == -EBUSY ? "in use by another engine" : strerror(-rc));
	}
	return fd;
}

int to_state_open(const char *path, const struct to_state_config *config, struct to_state **state,
		  char *err, size_t err_size)
{
	struct to_state_region header;
	int held;
	int fd;
	int rc = check_config(config, err, err_size);

	*state = NULL;
	if (rc)
		return rc;
	rc = make_header(config, &header);
	if (rc)
		return fail(rc, err, err_size, path, strerror(-rc));
	if (!path)
		return create_anonymous(&header, state, err, err_size);
	held = lock(path, err, err_size);
	if (held < 0)
		return held;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		rc = take_over(fd, path, &header, config, state, err, err_size);
		close(fd);
	} else if (errno == ENOENT) {
		rc = replace(path, &header, NULL, config, state, err, err_size);
	} else {
		rc = fail(-errno, err, err_size, path, strerror(errno));
	}
	if (rc) {
		*state = NULL;
		close(held);
	} else {
		(*state)->lock = held;
	}
	return rc;
}

void to_state_close(struct to_state *state)
{
	int held = state->lock;

	to_state_detach(state);
	if (held >= 0)
		close(held);
}

/* Dialogs and owners are fewer than pins. Unproven entries live 10 seconds: an eighth of the pins
 * is more than a site opens in that time, and a flood gets no more than that. With several workers
 * each has a quarter more than its share, as clients do not fall evenly. */
void to_state_sizes(struct to_state_config *config, uint32_t workers, uint32_t pins)
{
	uint32_t each = pins / workers + (workers > 1 ? pins / workers / 4 : 0) + 1;

	config->workers = workers;
	config->size[TO_PIN4] = (struct to_state_size){each, each / 8 + 4096};
	config->size[TO_PIN6] = (struct to_state_size){each / 4 + 4096, each / 32 + 4096};
	config->size[TO_DIALOG] = (struct to_state_size){pins / 8 + 4096, each / 32 + 4096};
	config->size[TO_TRANSACTION] = (struct to_state_size){pins / 8 + 4096, each / 32 + 4096};
	config->size[TO_AFFINITY] = (struct to_state_size){each / 4 + 4096, 0};
	config->size[TO_OWNER] = (struct to_state_size){pins / 8 + 4096, 0};
	config->size[TO_FRAGMENT] = (struct to_state_size){each / 64 + 4096, each / 64 + 4096};
}
