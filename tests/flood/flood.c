/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * I4: nothing unproven displaces anything proven. Eight million packets that begin something, or
 * pretend to, between two halves of established traffic, which notices nothing.
 */
#include <stdio.h>

#include "attack.h"
#include "established.h"

#define EACH 2000000u

static struct established established;

/* In parts, for even honest flows are unproven until they are answered, and there is little room.
 */
static void establish(struct site *s)
{
	enum { PART = 1000 };

	for (unsigned from = 0; from < FLOWS; from += PART) {
		established_step(s, &established, OPEN, from, from + PART);
		established_step(s, &established, ANSWER, from, from + PART);
	}
	s->now++;
	established_step(s, &established, TALK, 0, FLOWS);
	established_step(s, &established, TALK_BACK, 0, FLOWS);
}

static void go_on(struct site *s)
{
	established_step(s, &established, TALK, 0, FLOWS);
	established_step(s, &established, TALK_BACK, 0, FLOWS);
}

static void assert_same_proven(const struct site_census *before, const struct site_census *after)
{
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		assert_int_equal(before->proven[kind], after->proven[kind]);
}

static void test_established(void **unused)
{
	static const char *const names[ATTACKS] = {"SYN", "UDP", "INVITE", "ACK"};
	struct site *s = site_open();
	struct site_census before, after;
	uint64_t entries = 0, bytes, displaced;

	(void)unused;
	establish(s);
	before = site_count(s);
	bytes = to_state_bytes(s->state);
	assert_int_equal(before.proven[TO_PIN4], TCP4 + UDP4);
	assert_int_equal(before.proven[TO_PIN6], TCP6);
	assert_int_equal(before.proven[TO_DIALOG], CALLS);
	site_stage(s, AFTER);
	for (uint32_t kind = 0; kind < ATTACKS; kind++) {
		/* within the ten seconds that an unproven entry lives: none is reclaimed */
		uint64_t made = attack(s, kind, kind * EACH, EACH, 2);

		assert_int_equal(made, EACH);
		entries += kind == INVITES ? 2 * made : made;
		printf("%llu new by %s\n", (unsigned long long)made, names[kind]);
	}
	after = site_count(s);
	assert_same_proven(&before, &after);
	assert_int_equal(to_state_bytes(s->state), bytes);
	assert_int_equal(after.room, before.room);
	displaced = site_event(s, TO_EVENT_DISPLACED);
	printf("%llu entries, %llu displaced, %llu there\n", (unsigned long long)entries,
	       (unsigned long long)displaced, (unsigned long long)after.unproven);
	assert_int_equal(before.unproven + entries, displaced + after.unproven);
	assert_true(after.unproven <= after.room);
	assert_int_equal(site_event(s, TO_EVENT_ENTRY_LOST), 0);
	assert_int_equal(site_event(s, TO_EVENT_TABLE_FULL), 0);
	go_on(s);
	after = site_count(s);
	assert_same_proven(&before, &after);
	site_close(s);
}

/* Three minutes of ringing under a flood of calls; then somebody answers. */
static void test_ringing(void **unused)
{
	const unsigned from = FIRST_CALL, to = FIRST_CALL + CALLS;
	struct site *s = site_open();

	(void)unused;
	established_step(s, &established, OPEN, from, to);
	s->now++;
	established_step(s, &established, RING, from, to);
	site_stage(s, AFTER);
	for (uint32_t part = 0; part < 3; part++)
		attack(s, INVITES, part * 200000, 200000, 60);
	established_step(s, &established, ANSWER, from, to);
	established_step(s, &established, TALK, from, to);
	s->now += 3600; /* and a long talk, without a word of signalling */
	established_step(s, &established, TALK, from, to);
	established_step(s, &established, TALK_BACK, from, to);
	site_close(s);
}

/* The test itself can fail: what nobody has answered is gone after as much of a flood. */
static void test_unproven_is_displaced(void **unused)
{
	struct site *s = site_open();
	struct site_census census;

	(void)unused;
	established_step(s, &established, OPEN, 0, TCP4);
	attack(s, SYNS, 0, 200000, 1);
	census = site_count(s);
	assert_int_equal(census.proven[TO_PIN4], 0);
	for (unsigned i = 0; i < TCP4; i++) {
		/* would be a reply, if the pin were there */
		static struct frame_spec f;
		union to_addr client = frame_v4(198, 19, (uint8_t)(i >> 8), (uint8_t)i);
		union to_addr edge = site_edge(established.edge[i], true);

		frame_init(&f, &edge, &client, IPPROTO_TCP_, TLS_PORT,
			   (uint16_t)(1024 + i % 60000));
		f.tcp_flags = F_SYN | F_ACK;
		s->frame[0].len = frame_build(&f, site_room(s, 0));
		site_run(s, 1);
		assert_int_equal(s->frame[0].decision.verdict, TO_VERDICT_OUT);
	}
	site_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_established),
		cmocka_unit_test(test_ringing),
		cmocka_unit_test(test_unproven_is_displaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
