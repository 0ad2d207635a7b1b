/* SPDX-License-Identifier: BSD-3-Clause */
/* Silent clients of a resetting edge are sent a SYN: which, what, and how many in a second. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <dataplane/engine_provoke.h>
#include <tests/pipeline/frame.h>
#include <tests/pipeline/tables.h>
#include <turnout/key.h>

#define NS_PER_S 1000000000ull

enum { RATE = 1000, MOST = 2600 };
enum { E1, E2, L2 };

static const char plan_text[] =
	"turnout: 1\nsite: {name: provoke, gateways: [192.0.2.1, '2001:db8::1']}\nsalt: x\n"
	"pools:\n"
	"  old: {role: legacy, edges: {e1: {a: [10.1.0.1, 'fd00::1']}, e2: {a: [10.1.0.2, "
	"'fd00::2']}}}\n"
	"  new: {role: new, mode: l2, edges: {l2: {a: [10.1.0.3, 'fd00::3']}}}\n"
	"services:\n"
	"  tls: {kind: sip-tls, vip: [192.0.2.10, '2001:db8::10'], protocol: tcp, port: 443, "
	"address: a}\n"
	"stages: [{name: all}]\n";

static struct to_plan *plan;
static const struct to_table *table;
static struct to_state_item item[MOST];
static unsigned items;
static uint64_t now = 5000 * NS_PER_S;
static struct to_provoke provoke;

/* What was sent. */
static unsigned sent[2];
static uint8_t last[100];
static uint32_t last_length;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's name */
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
		      socklen_t to_size);
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
		      socklen_t to_size)
{
	(void)flags;
	assert_int_equal(fd, provoke.fd[to->sa_family == AF_INET6]);
	assert_int_equal(to_size, to->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							    : sizeof(struct sockaddr_in));
	sent[to->sa_family == AF_INET6]++;
	last_length = 14 + (uint32_t)size;
	memcpy(last + 14, data, size);
	return (ssize_t)size;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static const struct to_table *running(void *arg)
{
	(void)arg;
	return table;
}

static int walk(void *arg, struct to_flow_cursor *at, uint32_t kinds, uint32_t most, uint32_t clock,
		to_state_visit visit, void *visit_arg)
{
	(void)arg;
	(void)clock;
	assert_int_equal(kinds, 1u << TO_PIN4 | 1u << TO_PIN6);
	for (uint32_t n = 0; at->word[0] < items; n++) {
		if (n == most || visit(visit_arg, &item[at->word[0]++]))
			return at->word[0] < items;
	}
	return 0;
}

static const struct to_engine_ops ops = {.running = running, .walk = walk};
static const struct to_engine engine = {.ops = &ops, .slice = 1000, .build = "test"};

static void set_states(const uint8_t *states)
{
	const struct to_table *before = table;

	table = tables_compile(plan, 0, states, before ? before->generation + 1 : 1, 5000, before);
	tables_free(before);
}

static struct to_state_item *add(bool v4, uint8_t edge)
{
	struct to_state_item *i = &item[items++];
	union to_addr client = frame_addr(v4 ? "198.51.100.7" : "2001:db8:c::7");
	to_be16 port = to_net16((uint16_t)(1024 + items)), vip_port = to_net16(443);

	*i = (struct to_state_item){.kind = v4 ? TO_PIN4 : TO_PIN6, .proven = true};
	if (v4)
		i->key = to_key_pin4(&client, port, 0, vip_port, TO_TCP);
	else
		i->key6 = to_key_pin6(&client, port, 1, vip_port, TO_TCP);
	i->entry = (struct to_entry){
		.expires = 6000, .edge = edge, .flags = TO_ENTRY_PROVEN, .life = 1800};
	return i;
}

/* All that is due now; how many steps that took. */
static unsigned turn(void)
{
	unsigned steps = 0;

	do {
		to_provoke_step(&provoke, &engine, now);
		steps++;
	} while (to_provoke_due_ns(&provoke, now) <= now);
	return steps;
}

static void test_who(void **state)
{
	static const uint8_t states[TO_MAX_EDGES] = {TO_EDGE_RESETTING, TO_EDGE_DRAINING,
						     TO_EDGE_RESETTING};

	(void)state;
	add(true, E1);
	add(false, E1);
	add(true, E1)->entry.tcp = TO_TCP_FIN_CLIENT; /* half-closed: open */
	add(true, E1)->entry.tcp = TO_TCP_RST;
	add(true, E1)->proven = false;
	add(true, E2);
	add(true, L2);
	turn();
	assert_int_equal(sent[0] + sent[1], 0); /* none resets */
	assert_true(to_provoke_due_ns(&provoke, now) == UINT64_MAX);
	set_states(states);
	turn();
	assert_int_equal(sent[0], 2);
	assert_int_equal(sent[1], 1);
}

/* What goes out is a whole SYN, from the VIP to the client. */
static void test_what(void **state)
{
	static const uint8_t states[TO_MAX_EDGES] = {TO_EDGE_RESETTING};
	static struct frame_spec want;
	uint8_t bytes[FRAME_MAX];

	(void)state;
	set_states(states);
	for (int v4 = 0; v4 <= 1; v4++) {
		union to_addr vip = frame_addr(v4 ? "192.0.2.10" : "2001:db8::10");
		union to_addr client = frame_addr(v4 ? "198.51.100.7" : "2001:db8:c::7");

		items = 0;
		add(v4, E1);
		now += 10 * NS_PER_S;
		turn();
		frame_init(&want, &vip, &client, IPPROTO_TCP_, 443, 1025);
		want.tcp_flags = F_SYN;
		want.reset = true; /* numbers and window of 0 */
		assert_int_equal(last_length, frame_build(&want, bytes));
		memcpy(last, bytes, 14);
		assert_null(frame_verify(last, last_length));
		assert_memory_equal(last + 14, bytes + 14, last_length - 14);
	}
}

static void test_pace(void **state)
{
	static const uint8_t one[TO_MAX_EDGES] = {TO_EDGE_RESETTING};
	static const uint8_t two[TO_MAX_EDGES] = {TO_EDGE_RESETTING, TO_EDGE_RESETTING};

	(void)state;
	while (items < MOST - 1)
		add(items % 2, E1);
	add(true, E2);
	set_states(one);
	for (unsigned second = 0; second < 3; second++) {
		unsigned before = sent[0] + sent[1], steps = turn();

		assert_int_equal(sent[0] + sent[1] - before,
				 second < 2 ? RATE : MOST - 1 - 2 * RATE);
		assert_in_range(steps, 5, 20); /* in pieces */
		if (second < 2) {
			assert_int_equal(to_provoke_due_ns(&provoke, now), now + NS_PER_S);
			now += NS_PER_S;
		}
	}
	assert_int_equal(to_provoke_due_ns(&provoke, now), now + 5 * NS_PER_S);
	turn();
	assert_int_equal(sent[0] + sent[1], MOST - 1);
	items = 1; /* another edge does not wait for the next pass */
	item[0] = item[MOST - 1];
	now += NS_PER_S;
	set_states(two);
	turn();
	assert_int_equal(sent[0] + sent[1], MOST);
	now += 5 * NS_PER_S;
	turn();
	assert_int_equal(sent[0] + sent[1], MOST + 1);
	assert_int_equal(provoke.all, MOST + 1);
	set_states(NULL);
	turn();
	assert_true(to_provoke_due_ns(&provoke, now) == UINT64_MAX);
}

static void test_without_a_socket(void **state)
{
	static const uint8_t states[TO_MAX_EDGES] = {TO_EDGE_RESETTING};

	(void)state;
	add(true, E1);
	set_states(states);
	provoke.fd[0] = provoke.fd[1] = -1;
	turn();
	assert_int_equal(sent[0], 0);
	assert_true(provoke.said);
	assert_true(to_provoke_due_ns(&provoke, now) == UINT64_MAX);
	provoke.fd[0] = 1000; /* a host without IPv6 */
	turn();
	assert_int_equal(sent[0], 1);
	assert_int_equal(sent[1], 0);
}

static int set_up(void **state)
{
	(void)state;
	plan = tables_plan(plan_text);
	set_states(NULL);
	provoke = (struct to_provoke){.fd = {1000, 1001}};
	items = sent[0] = sent[1] = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tables_free(table);
	table = NULL;
	tables_plan_free(plan);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who),
		TEST(test_what),
		TEST(test_pace),
		TEST(test_without_a_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
