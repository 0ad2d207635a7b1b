/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions: made, taken over, repaired, moved, refused. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "util.h"

#define NOW 1000

static char path[256];

static int setup(void **state)
{
	(void)state;
	region_name(path, sizeof(path), "region");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_region(path);
	return 0;
}

static struct to_state_config config_of(uint32_t workers, uint32_t entries)
{
	struct to_state_config config = {
		.workers = workers, .now = NOW, .seed = 3, .boot_id = BOOT};

	for (uint32_t k = 0; k < TO_ENTRY_KIND_COUNT; k++)
		config.size[k] = (struct to_state_size){
			entries, k == TO_AFFINITY || k == TO_OWNER ? 0 : entries};
	return config;
}

static struct to_entry *put(struct to_worker_state *ws, uint32_t kind, bool proven, uint32_t i,
			    uint8_t edge, uint32_t expires)
{
	union test_key k = key_of(kind, i);
	uint64_t hash = to_state_hash(ws, kind, &k);
	struct to_entry v = entry_of(edge, expires);

	return proven ? to_state_add_proven(ws, kind, &k, hash, &v, NOW)
		      : to_state_add_unproven(ws, kind, &k, hash, &v, NOW);
}

static const struct to_entry *get(struct to_worker_state *ws, uint32_t kind, bool proven,
				  uint32_t i)
{
	union test_key k = key_of(kind, i);

	return to_state_find(ws, kind, proven, &k, NOW);
}

/* Ten proven entries (0 to 9, edge 1) and ten unproven ones (20 to 29, edge 2) of every kind. */
static void fill(struct to_state *st)
{
	for (uint32_t w = 0; w < st->region->workers; w++) {
		for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
			for (uint32_t i = 0; i < 10; i++) {
				put(to_state_worker(st, w), kind, true, i, 1, NOW + 100);
				put(to_state_worker(st, w), kind, false, 20 + i, 2, NOW + 10);
			}
		}
	}
}

static void expect_filled(struct to_state *st, bool unproven)
{
	for (uint32_t w = 0; w < st->region->workers; w++) {
		struct to_worker_state *ws = to_state_worker(st, w);

		for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
			for (uint32_t i = 0; i < 10; i++) {
				assert_non_null(get(ws, kind, true, i));
				assert_int_equal(get(ws, kind, true, i)->edge, 1);
				assert_int_equal(!!get(ws, kind, false, 20 + i),
						 unproven && kind != TO_AFFINITY &&
							 kind != TO_OWNER);
			}
		}
	}
}

static void refused(const struct to_state_config *config, int want, const char *says)
{
	struct to_state *st = NULL;
	char err[512] = "";
	int rc = to_state_open(path, config, &st, err, sizeof(err));

	if (rc != want || !strstr(err, says))
		print_error("got %d \"%s\", want %d \"%s\"\n", rc, err, want, says);
	assert_int_equal(rc, want);
	assert_non_null(strstr(err, says));
	assert_null(st);
}

static void test_a_region_goes_on(void **state)
{
	struct to_state_config config = config_of(2, 100);
	struct to_state *st = open_or_fail(path, &config);

	(void)state;
	assert_int_equal(to_state_report(st)->how, TO_STATE_CREATED);
	fill(st);
	put(to_state_worker(st, 0), TO_PIN4, true, 50, 1, NOW + 5);
	to_state_close(st);
	config.now = NOW + 5;
	config.seed = 0; /* the region keeps its own */
	st = open_or_fail(path, &config);
	assert_int_equal(to_state_report(st)->how, TO_STATE_ADOPTED);
	/* 4 own kinds on each of 2 workers, 3 shared ones; unproven: 5 kinds on each */
	assert_int_equal(to_state_report(st)->proven, 4 * 2 * 10 + 3 * 10);
	assert_int_equal(to_state_report(st)->unproven, 5 * 2 * 10);
	assert_int_equal(to_state_report(st)->dead, 1);
	assert_int_equal(to_state_report(st)->half_written, 0);
	assert_int_equal(to_state_report(st)->duplicates, 0);
	expect_filled(st, true);
	check_state(st);
	to_state_close(st);
}

static void test_one_engine_at_a_time(void **state)
{
	struct to_state_config config = config_of(1, 100);
	struct to_state *st = open_or_fail(path, &config);

	(void)state;
	refused(&config, -EBUSY, "in use by another engine");
	to_state_close(st);
	to_state_close(open_or_fail(path, &config));
}

/* Cells as a kill can leave them. */
static void test_half_written_cells_are_cleared(void **state)
{
	struct to_state_config config = config_of(1, 100);
	struct to_state *st = open_or_fail(path, &config);
	struct to_worker_state *ws = to_state_worker(st, 0);
	struct to_cells *t;

	(void)state;
	fill(st);
	for (uint32_t s = TO_CELL_BUSY; s <= TO_CELL_CLAIM + 1; s++) {
		t = ws->cells[TO_OWNER][true];
		for (uint64_t c = 0;; c++) {
			uint32_t *head = &t->view.bucket[c].cell[1].head;

			if ((*head & TO_CELL_STATE) == TO_CELL_FREE) {
				*head |= s;
				break;
			}
		}
	}
	/* `over` counted for an entry that never came, and not for ones that are there */
	for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		t = ws->cells[kind][true];
		for (uint64_t i = 0; i <= t->view.mask; i++)
			t->view.bucket[i].cell[0].head ^= TO_CELL_OVER_ONE * 5;
	}
	to_state_close(st);
	st = open_or_fail(path, &config);
	assert_int_equal(to_state_report(st)->half_written, 3);
	expect_filled(st, true);
	check_state(st);
	to_state_close(st);
}

static void test_an_entry_being_proved_is_there_once(void **state)
{
	struct to_state_config config = config_of(1, 100);
	struct to_state *st = open_or_fail(path, &config);
	struct to_worker_state *ws = to_state_worker(st, 0);

	(void)state;
	fill(st);
	for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		put(ws, kind, false, 0, 1, NOW + 10); /* being proved */
		put(ws, kind, false, 1, 2, NOW + 10); /* a new connection beside a closing one */
	}
	to_state_close(st);
	st = open_or_fail(path, &config);
	ws = to_state_worker(st, 0);
	assert_int_equal(to_state_report(st)->duplicates, 5);
	assert_null(get(ws, TO_PIN4, false, 0));
	assert_int_equal(get(ws, TO_PIN4, false, 1)->edge, 2);
	expect_filled(st, true);
	check_state(st);
	to_state_close(st);
}

/* The age of unproven entries survives. */
static void test_the_ring_is_rebuilt(void **state)
{
	struct to_state_config config = config_of(1, 8);
	struct to_state *st = open_or_fail(path, &config);
	struct to_worker_state *ws = to_state_worker(st, 0);

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		put(ws, TO_PIN4, false, i, 1, NOW + 10 + (i * 3) % 8);
	to_state_close(st);
	st = open_or_fail(path, &config);
	ws = to_state_worker(st, 0);
	for (uint32_t i = 0; i < 4; i++)
		put(ws, TO_PIN4, false, 100 + i, 1, NOW + 18);
	assert_int_equal(ws->count.displaced, 4);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(!!get(ws, TO_PIN4, false, i), (i * 3) % 8 >= 4);
	check_state(st);
	to_state_close(st);
}

static void test_an_earlier_boot_is_forgotten(void **state)
{
	struct to_state_config config = config_of(1, 100);
	struct to_state *st = open_or_fail(path, &config);

	(void)state;
	fill(st);
	to_state_close(st);
	config.boot_id = "99999999-2222-3333-4444-555555555555";
	st = open_or_fail(path, &config);
	assert_int_equal(to_state_report(st)->how, TO_STATE_REPLACED);
	assert_null(get(to_state_worker(st, 0), TO_PIN4, true, 0));
	to_state_close(st);
	config.boot_id = NULL; /* this boot's */
	to_state_close(open_or_fail(path, &config));
	st = open_or_fail(path, &config);
	assert_int_equal(to_state_report(st)->how, TO_STATE_ADOPTED);
	to_state_close(st);
}

static uint32_t to_one(enum to_entry_kind kind, const void *key, uint32_t workers)
{
	(void)kind;
	(void)key;
	return workers - 1;
}

static void test_another_geometry_takes_everything_along(void **state)
{
	static const uint32_t sizes[] = {1000, 20, 5000, 11};
	struct to_state_config config = config_of(2, 100);
	struct to_state *st = open_or_fail(path, &config);

	(void)state;
	fill(st);
	to_state_close(st);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		config = config_of(2, sizes[i]);
		config.seed = i + 10;
		st = open_or_fail(path, &config);
		assert_int_equal(to_state_report(st)->how, TO_STATE_MIGRATED);
		assert_int_equal(to_state_report(st)->proven, 4 * 2 * 10 + 3 * 10);
		assert_int_equal(to_state_report(st)->displaced, 0);
		expect_filled(st, true);
		check_state(st);
		to_state_close(st);
	}
	config = config_of(3, 100);
	refused(&config, -EINVAL, "cannot be divided");
	config.shard = to_one;
	st = open_or_fail(path, &config);
	assert_int_equal(get(to_state_worker(st, 2), TO_PIN4, true, 3)->edge, 1);
	assert_null(get(to_state_worker(st, 0), TO_PIN4, true, 3));
	check_state(st);
	to_state_close(st);
}

static void test_what_does_not_fit_is_not_dropped(void **state)
{
	struct to_state_config config = config_of(1, 100);
	struct to_state *st = open_or_fail(path, &config);

	(void)state;
	fill(st);
	to_state_close(st);
	config = config_of(1, 100);
	config.size[TO_DIALOG].proven = 9;
	refused(&config, -ENOSPC, "more dialogs than the new sizes have room for");
	config = config_of(1, 100);
	config.size[TO_PIN4].unproven = 4; /* unproven ones may be displaced, and are counted */
	st = open_or_fail(path, &config);
	assert_int_equal(to_state_report(st)->displaced, 6);
	assert_int_equal(to_state_report(st)->unproven, 44);
	check_state(st);
	to_state_close(st);
	config = config_of(1, 100);
	st = open_or_fail(path, &config);
	assert_int_equal(to_state_report(st)->proven, 70);
	assert_int_equal(to_state_report(st)->unproven, 44);
	to_state_close(st);
}

static void write_at(long at, const void *bytes, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void test_what_is_not_ours_is_left_alone(void **state)
{
	struct to_state_config config = config_of(1, 100);
	char now[8192];
	char was[8192];
	int fd;

	(void)state;
	memset(was, 'x', sizeof(was));
	write_at(0, was, sizeof(was));
	refused(&config, -EBADMSG, "is not Turnout's state");
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, now, sizeof(now), 0), sizeof(now));
	close(fd);
	assert_memory_equal(now, was, sizeof(was));
	assert_int_equal(truncate(path, 0), 0);
	refused(&config, -EBADMSG, "is not Turnout's state");
}

static void test_a_damaged_header_is_refused(void **state)
{
	struct to_state_config config = config_of(2, 100);
	struct to_state *st = open_or_fail(path, &config);
	struct to_state_region header = *st->region;
	const uint8_t *bytes = (const uint8_t *)&header;

	(void)state;
	fill(st);
	to_state_close(st);
	for (size_t i = 0; i < offsetof(struct to_state_region, meaning); i++) {
		uint8_t flipped = bytes[i] ^ 0x10;

		write_at((long)i, &flipped, 1);
		if (i >= offsetof(struct to_state_region, layout) &&
		    i < offsetof(struct to_state_region, clock))
			refused(&config, -EPROTO, "this build knows layout 1 only");
		else
			refused(&config, -EBADMSG, "left as it is");
		write_at((long)i, &bytes[i], 1);
	}
	assert_int_equal(truncate(path, (off_t)header.bytes - 4096), 0);
	refused(&config, -EBADMSG, "is truncated");
}

static void test_impossible_sizes(void **state)
{
	struct to_state_config config = config_of(0, 100);

	(void)state;
	refused(&config, -EINVAL, "1 to 64 workers");
	config = config_of(1, UINT32_MAX);
	refused(&config, -EINVAL, "2^28");
}

/* 10 million IPv4 pins fit in 1 GiB; only laid out here, not touched. */
static void test_ten_million_pins_fit(void **state)
{
	struct to_state_config config = {.workers = 1, .now = NOW};
	struct to_state *st;

	(void)state;
	config.size[TO_PIN4].proven = 10000000;
	st = open_or_fail(NULL, &config);
	assert_true(to_state_bytes(st) <= 1ull << 30);
	to_state_close(st);
	to_state_sizes(&config, 4, 1000000);
	assert_int_equal(config.workers, 4);
	to_state_close(open_or_fail(NULL, &config));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_region_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_engine_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_written_cells_are_cleared, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_an_entry_being_proved_is_there_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_the_ring_is_rebuilt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_earlier_boot_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_geometry_takes_everything_along, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_does_not_fit_is_not_dropped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_ours_is_left_alone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_damaged_header_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_impossible_sizes, setup, teardown),
		cmocka_unit_test(test_ten_million_pins_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
