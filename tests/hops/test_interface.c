/* SPDX-License-Identifier: BSD-3-Clause */
/* What hops.h promises that needs neither privilege nor a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <dataplane/hops.h>

static const struct to_hop_wanted to_loopback = {
	.kind = TO_HOP_ROUTED, .address = {.b = {[10] = 0xff, 0xff, 127, 0, 0, 1}}};

struct seen {
	struct to_hops *hops;
	int links;
	int hops_reported;
	bool loopback;
	struct to_hop last;
	int from_callback[4]; /* what the calls that may not be made return */
};

static void on_hop(void *arg, uint32_t id, const struct to_hop *hop)
{
	struct seen *s = arg;

	s->hops_reported++;
	s->last = *hop;
	s->from_callback[0] = to_hops_watch(s->hops, id + 1, &to_loopback);
	s->from_callback[1] = to_hops_unwatch(s->hops, id);
	s->from_callback[2] = to_hops_process(s->hops);
	s->from_callback[3] = to_hops_tick(s->hops);
}

static void on_link(void *arg, const struct to_link *link)
{
	struct seen *s = arg;

	s->links++;
	if (strcmp(link->name, "lo") == 0)
		s->loopback = !link->ethernet && !link->gone && link->ifindex;
}

static void open_or_fail(struct seen *s)
{
	static const struct to_hops_callbacks callbacks = {.hop = on_hop, .link = on_link};
	char err[256] = "";

	memset(s, 0, sizeof(*s));
	if (to_hops_open(&s->hops, &callbacks, s, err, sizeof(err)) < 0)
		fail_msg("%s", err);
}

static void test_links_are_reported_first(void **state)
{
	struct seen s;

	(void)state;
	open_or_fail(&s);
	assert_true(s.loopback);
	assert_true(s.links >= 1);
	assert_int_equal(s.hops_reported, 0);
	to_hops_close(s.hops);
}

static void test_without_a_callback_for_links(void **state)
{
	static const struct to_hops_callbacks callbacks = {.hop = on_hop};
	struct seen s = {0};
	char err[256];

	(void)state;
	assert_int_equal(to_hops_open(&s.hops, &callbacks, &s, err, sizeof(err)), 0);
	assert_int_equal(to_hops_watch(s.hops, 1, &to_loopback), 0);
	assert_int_equal(s.hops_reported, 1);
	to_hops_close(s.hops);
	to_hops_close(NULL);
}

static void test_callbacks_may_only_look(void **state)
{
	struct seen s;

	(void)state;
	open_or_fail(&s);
	assert_int_equal(to_hops_watch(s.hops, 1, &to_loopback), 0);
	assert_int_equal(s.hops_reported, 1);
	assert_int_equal(s.last.state, TO_HOP_LOCAL);
	for (int i = 0; i < 4; i++)
		assert_int_equal(s.from_callback[i], -EBUSY);
	assert_memory_equal(to_hops_get(s.hops, 1), &s.last, sizeof(s.last));
	assert_null(to_hops_get(s.hops, 2));
	assert_int_equal(to_hops_unwatch(s.hops, 1), 0);
	assert_int_equal(to_hops_unwatch(s.hops, 1), -ENOENT);
	assert_null(to_hops_get(s.hops, 1));
	to_hops_close(s.hops);
}

static void test_wishes_that_make_no_sense(void **state)
{
	static const struct to_hop_wanted bad[] = {
		{.kind = TO_HOP_ROUTED}, /* :: */
		{.kind = TO_HOP_ROUTED, .address = {.b = {[10] = 0xff, 0xff}}},
		{.kind = TO_HOP_ROUTED, .address = {.b = {[10] = 0xff, 0xff, 224, 0, 0, 1}}},
		{.kind = TO_HOP_NEIGHBOUR, .address = {.b = {0xff, 2, [15] = 1}}},
		{.kind = TO_HOP_NEIGHBOUR, .address = {.b = {0xfe, 0x80, [15] = 1}}}, /* where? */
		{.kind = TO_HOP_FIXED, .mac = {2, 0, 0, 0, 0, 1}},                    /* where? */
		{.kind = TO_HOP_FIXED, .interface = "eth0"},
		{.kind = TO_HOP_FIXED, .interface = "eth0", .mac = {1, 0, 0, 0, 0, 1}},
		{.kind = TO_HOP_DEFAULT},
		{.kind = (enum to_hop_kind)9},
	};
	struct to_hop_wanted unending = {.kind = TO_HOP_DEFAULT, .family = TO_IP4};
	struct seen s;

	(void)state;
	open_or_fail(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(to_hops_watch(s.hops, 1, &bad[i]), -EINVAL);
	memset(unending.interface, 'x', sizeof(unending.interface));
	assert_int_equal(to_hops_watch(s.hops, 1, &unending), -EINVAL);
	assert_int_equal(s.hops_reported, 0);
	to_hops_close(s.hops);
}

static void test_an_interface_that_is_not_there(void **state)
{
	static const struct to_hop_wanted wanted = {
		.kind = TO_HOP_FIXED, .mac = {2, 0, 0, 0, 0, 1}, .interface = "to-not-there"};
	struct seen s;

	(void)state;
	open_or_fail(&s);
	assert_int_equal(to_hops_watch(s.hops, 1, &wanted), 0);
	assert_int_equal(s.last.state, TO_HOP_NO_INTERFACE);
	to_hops_close(s.hops);
}

static void test_so_many_and_no_more(void **state)
{
	struct seen s;

	(void)state;
	open_or_fail(&s);
	for (uint32_t id = 0; id < TO_HOPS_MAX; id++)
		assert_int_equal(to_hops_watch(s.hops, id * 7, &to_loopback), 0);
	assert_int_equal(to_hops_watch(s.hops, 1, &to_loopback), -ENOSPC);
	assert_int_equal(to_hops_watch(s.hops, 7, &to_loopback), 0); /* one that is there */
	assert_int_equal(to_hops_unwatch(s.hops, 7), 0);
	assert_int_equal(to_hops_watch(s.hops, 1, &to_loopback), 0);
	assert_non_null(to_hops_get(s.hops, 1));
	assert_non_null(to_hops_get(s.hops, (TO_HOPS_MAX - 1) * 7));
	to_hops_close(s.hops);
}

static void test_the_descriptor_does_not_block_and_is_not_inherited(void **state)
{
	struct seen s;
	int fd;

	(void)state;
	open_or_fail(&s);
	fd = to_hops_fd(s.hops);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(to_hops_process(s.hops), 0);
	to_hops_close(s.hops);
}

static void test_every_state_has_its_words(void **state)
{
	(void)state;
	for (int i = TO_HOP_GOOD; i <= TO_HOP_UNRESOLVED; i++) {
		const char *text = to_hop_state_text((enum to_hop_state)i);

		assert_true(strlen(text) > 0 && strcmp(text, "unknown") != 0);
	}
	assert_string_equal(to_hop_state_text((enum to_hop_state)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links_are_reported_first),
		cmocka_unit_test(test_without_a_callback_for_links),
		cmocka_unit_test(test_callbacks_may_only_look),
		cmocka_unit_test(test_wishes_that_make_no_sense),
		cmocka_unit_test(test_an_interface_that_is_not_there),
		cmocka_unit_test(test_so_many_and_no_more),
		cmocka_unit_test(test_the_descriptor_does_not_block_and_is_not_inherited),
		cmocka_unit_test(test_every_state_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
