/* SPDX-License-Identifier: BSD-3-Clause */
/* What the maps of a live engine hold, on hosts of any number of CPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "xdp_object.h"

#define PINS (1u << 18)
#define MIB  (1ull << 20)

static const uint32_t hosts[] = {1, 2, 4, 16, 64, 240, 1024};

#define EACH_HOST(i) (size_t i = 0; (i) < sizeof(hosts) / sizeof(hosts[0]); (i)++)

/* One CPU may have all calls of a trunk: 256 at least, and on most hosts thousands. */
static void test_a_ring_is_no_mere_share(void **state)
{
	(void)state;
	for
		EACH_HOST(i)
		{
			uint32_t least = hosts[i] <= 64 ? 4096 : hosts[i] <= 240 ? 1024 : 256;
			struct to_xdp_sizes s;

			to_xdp_sizes_of(&s, PINS, hosts[i]);
			assert_int_equal(s.cpus, hosts[i]);
			for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
				if (kind == TO_AFFINITY || kind == TO_OWNER)
					assert_int_equal(s.of[kind].unproven, 0);
				else
					assert_true(s.of[kind].unproven / s.cpus >= least);
			}
		}
}

/* What is asked for counts, also where it changes little; and no more than 2^18 are added. */
static void test_all_rings_together(void **state)
{
	(void)state;
	for
		EACH_HOST(i)
		{
			struct to_state_config wanted = {0};
			struct to_xdp_sizes s;

			to_state_sizes(&wanted, 1, PINS);
			to_xdp_sizes_of(&s, PINS, hosts[i]);
			for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
				assert_int_equal(s.of[kind].proven, wanted.size[kind].proven);
				assert_true(s.of[kind].unproven + s.cpus >
					    wanted.size[kind].unproven);
				assert_true(s.of[kind].unproven <=
					    wanted.size[kind].unproven + (1u << 18));
				assert_true(s.of[kind].unproven <=
					    wanted.size[kind].unproven * s.cpus);
			}
		}
}

static void test_counters(void **state)
{
	(void)state;
	for
		EACH_HOST(i)
		{
			struct to_xdp_sizes s;

			to_xdp_sizes_of(&s, PINS, hosts[i]);
			assert_in_range(s.rows, 64, TO_BPF_ROWS);
			assert_true(s.rows == 64 ||
				    (uint64_t)s.rows * sizeof(struct to_bpf_row) * hosts[i] <=
					    64 * MIB);
			assert_true(s.rows == TO_BPF_ROWS || hosts[i] > 4);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_ring_is_no_mere_share),
		cmocka_unit_test(test_all_rings_together),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests_name("sizes", tests, NULL, NULL);
}
