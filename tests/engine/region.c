/* SPDX-License-Identifier: BSD-3-Clause */
/* The region: who may write it, and that a reader gets one moment, or nothing. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <dataplane/engine_memfd.h>
#include <dataplane/engine_region.h>
#include <turnout/region_read.h>

#define ROUNDS 2000

/* An engine that counts: each number that it shows is that of the round. */
static uint64_t number;

static const struct to_table *running(void *arg)
{
	(void)arg;
	return NULL;
}

static void fill(void *arg, struct to_region *r)
{
	(void)arg;
	for (int i = 0; i < 32; i++)
		r->events[i] = number;
	r->rows = 1 + number % 1000;
	for (uint32_t i = 0; i < r->rows; i++)
		r->row[i] = (struct to_region_row){
			.service = TO_NO_INDEX, .edge = TO_NO_INDEX, .packets = number};
	r->lives = 1 + number % 500;
	for (uint32_t i = 0; i < r->lives; i++)
		r->alive[i] = (struct to_region_live){.count = (uint32_t)number};
}

static const struct to_engine_capture capture; /* none */
static const struct to_engine_ops ops = {.running = running, .fill = fill};
static const struct to_engine engine = {.ops = &ops, .kind = TO_ENGINE_DPDK, .workers = 3};
static struct to_region copy;

static void test_a_reader_cannot_write(void **state)
{
	struct to_engine_region w;
	const struct to_region *r = NULL;
	char name[64];
	int fd;

	(void)state;
	assert_int_equal(to_engine_region_open(&w, &engine, 5), 0);
	assert_int_equal(to_region_open(w.fd, &r), 0);
	assert_int_equal(to_region_read(r, &copy), 0);
	assert_int_equal(copy.workers, 3);
	assert_int_equal(copy.started_ns, 5);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, w.fd, 0), MAP_FAILED);
	assert_int_equal(mprotect((void *)(uintptr_t)r, 4096, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(ftruncate(w.fd, 0), -1);
	/* not even by opening it anew, as its owner */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", w.fd);
	fd = open(name, O_RDWR);
	if (fd >= 0) {
		assert_int_equal(write(fd, "x", 1), -1);
		assert_int_equal(ftruncate(fd, 0), -1);
		assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
				 MAP_FAILED);
		close(fd);
	}
	to_region_close(r);
	to_engine_region_close(&w);
}

static void *write_on(void *arg)
{
	struct to_engine_region *w = arg;

	for (number = 1; number <= ROUNDS; number++)
		to_engine_region_renew(w, &engine, &capture, true, number);
	return NULL;
}

static void check_moment(void)
{
	uint64_t n = copy.renewed_ns;

	if (!n)
		return;
	assert_int_equal(copy.events[0], n);
	assert_int_equal(copy.events[31], n);
	assert_int_equal(copy.rows, 1 + n % 1000);
	assert_int_equal(copy.row[0].packets, n);
	assert_int_equal(copy.row[copy.rows - 1].packets, n);
	assert_int_equal(copy.lives, 1 + n % 500);
	assert_int_equal(copy.alive[copy.lives - 1].count, n);
}

static void test_one_moment(void **state)
{
	struct to_engine_region w;
	const struct to_region *r = NULL;
	unsigned good = 0;
	pthread_t writer;

	(void)state;
	assert_int_equal(to_engine_region_open(&w, &engine, 1), 0);
	assert_int_equal(to_region_open(w.fd, &r), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_on, &w), 0);
	do {
		int ret = to_region_read(r, &copy);

		if (ret == 0) {
			check_moment();
			good++;
		} else {
			assert_int_equal(ret, -EAGAIN);
		}
	} while (copy.renewed_ns < ROUNDS);
	pthread_join(writer, NULL);
	assert_true(good > 0);
	assert_int_equal(copy.sequence, 2 * ROUNDS);
	to_region_close(r);
	to_engine_region_close(&w);
}

/* A writer that means ill, or has died. */
static void test_bounds(void **state)
{
	struct to_region *from = calloc(1, sizeof(*from));

	(void)state;
	assert_non_null(from);
	memset(from, 0xff, sizeof(*from));
	assert_int_equal(to_region_read(from, &copy), -EAGAIN); /* an odd sequence */
	from->sequence = 2;
	assert_int_equal(to_region_read(from, &copy), -EBADMSG); /* classes that there are not */
	memset(from->row, 0, sizeof(from->row));
	memset(from->alive, 0, sizeof(from->alive));
	assert_int_equal(to_region_read(from, &copy), 0);
	assert_int_equal(copy.workers, TO_PROTOCOL_WORKERS);
	assert_int_equal(copy.ports, TO_REGION_PORTS);
	assert_int_equal(copy.named_count, TO_REGION_NAMED);
	assert_int_equal(copy.rows, TO_REGION_ROWS);
	assert_int_equal(copy.lives, TO_REGION_LIVE);
	assert_int_equal(strlen(copy.stage), TO_MAX_NAME);
	assert_int_equal(strlen(copy.port[63].name), 31);
	assert_int_equal(strlen(copy.named[63].name), 31);
	free(from);
}

static void test_what_is_no_region(void **state)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW;
	const struct to_region *r = NULL;
	int fd = memfd_create("none", MFD_ALLOW_SEALING);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(struct to_region)), 0);
	assert_int_equal(to_region_open(fd, &r), -EPROTO); /* it could shrink */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	assert_int_equal(to_region_open(fd, &r), -EPROTO); /* no magic */
	close(fd);
	fd = memfd_create("small", MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	assert_int_equal(to_region_open(fd, &r), -EPROTO);
	close(fd);
	assert_int_equal(to_region_open(-1, &r), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_reader_cannot_write),
		cmocka_unit_test(test_one_moment),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_what_is_no_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
