/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything of one client falls to one worker: what it sends, what it is answered, and the errors
 * about either. */
#include <turnout/hash.h>

#include "line.h"

enum { WORKERS = 3, MANY = 3000 };

static struct frame_spec s, about;

static union to_addr some_client(uint32_t i, bool v4)
{
	uint64_t x = to_mix(i + 1);
	union to_addr a = frame_addr("2a00::1");

	if (v4)
		return frame_v4((uint8_t)(20 + x % 100), (uint8_t)(x >> 8), (uint8_t)(x >> 16),
				(uint8_t)(x >> 24));
	for (int k = 2; k < 16; k++)
		a.b[k] = (uint8_t)(to_mix(x + (uint64_t)k));
	return a;
}

static unsigned shard(const struct frame_spec *f)
{
	uint8_t data[FRAME_MAX];
	uint32_t len = frame_build(f, data);
	unsigned owner = to_frame_shard(line_table(), data, len, WORKERS);

	assert_int_equal(to_worker_shard(line_worker(), data, len, WORKERS), owner);
	return owner;
}

static void to_vip(struct frame_spec *f, const union to_addr *client, bool v4)
{
	line_to_vip(f, UDP, v4);
	f->src = *client;
	frame_fill_payload(f, 40, 1);
}

static void from_edge(struct frame_spec *f, const union to_addr *client, bool v4)
{
	line_from_edge(f, UDP, v4);
	f->dst = *client;
	frame_fill_payload(f, 40, 1);
}

/* The error that `src` sends to `dst` about the packet in `about`. */
static unsigned shard_error(const union to_addr *src, const union to_addr *dst)
{
	line_icmp_error(&s, src, dst, true, &about, 0);
	return shard(&s);
}

static void check_client(uint32_t i, bool v4, unsigned *found)
{
	union to_addr client = some_client(i, v4), vip = line_vip(UDP, v4);
	union to_addr edge = line_edge(DNAT_EDGE, v4), gateway = line_gateway(v4);
	union to_addr router = v4 ? frame_v4(203, 0, 113, 9) : frame_addr("2001:db8:f::9");
	union to_addr tunnel_vip = line_vip(TUN4, v4);
	unsigned worker;

	to_vip(&s, &client, v4);
	worker = shard(&s);
	assert_true(worker < WORKERS);
	found[worker]++;
	from_edge(&s, &client, v4);
	assert_int_equal(shard(&s), worker);

	from_edge(&about, &client, v4); /* as it went on, from the VIP */
	about.src = vip;
	assert_int_equal(shard_error(&router, &vip), worker);
	assert_int_equal(shard_error(&client, &vip), worker);

	to_vip(&about, &client, v4); /* as it went on, to the edge */
	about.dst = edge;
	assert_int_equal(shard_error(&edge, &client), worker);
	assert_int_equal(shard_error(&router, &client), worker);

	line_to_vip(&s, TUN4, v4); /* as it went on, in a tunnel */
	s.src = client;
	s.dst = tunnel_vip;
	about.len = (uint16_t)frame_build_ip(&s, about.payload);
	about.src = gateway;
	about.dst = line_edge(v4 ? TUN4_EDGE : TUN6_EDGE, v4);
	about.proto = v4 ? 4 : 41;
	assert_int_equal(shard_error(&router, &gateway), worker);
}

static void test_one_worker_a_client(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		unsigned found[WORKERS] = {0};

		for (uint32_t i = 0; i < MANY; i++)
			check_client(i, v4, found);
		for (unsigned w = 0; w < WORKERS; w++) /* each about a third: 9 deviations */
			assert_in_range(found[w], MANY / WORKERS - 232, MANY / WORKERS + 232);
	}
}

static void test_fragments(void **unused)
{
	(void)unused;
	for (int v4 = 0; v4 <= 1; v4++) {
		union to_addr client = some_client(77, v4);
		unsigned worker;

		to_vip(&s, &client, v4);
		worker = shard(&s);
		for (int edges = 0; edges <= 1; edges++) {
			if (edges)
				from_edge(&s, &client, v4);
			else
				to_vip(&s, &client, v4);
			frame_fill_payload(&s, 800, 1);
			s.more = true;
			s.fragment_len = 400;
			assert_int_equal(shard(&s), worker);
			s.more = false;
			s.fragment_at = 400;
			s.fragment_len = 408;
			assert_int_equal(shard(&s), worker);
		}
	}
}

/* Neighbours in an IPv6 /64 are one client. */
static void test_neighbours(void **unused)
{
	union to_addr one = some_client(5, false), other = one;

	(void)unused;
	for (int i = 0; i < 64; i++) {
		unsigned worker;

		to_vip(&s, &one, false);
		worker = shard(&s);
		other.b[15] = (uint8_t)i;
		other.b[8] = (uint8_t)(i * 3);
		to_vip(&s, &other, false);
		assert_int_equal(shard(&s), worker);
	}
}

static void test_anything(void **unused)
{
	static const uint8_t arp[60] = {[12] = 0x08, [13] = 0x06};

	(void)unused;
	assert_true(to_frame_shard(line_table(), arp, sizeof(arp), WORKERS) < WORKERS);
	assert_true(to_frame_shard(line_table(), arp, 5, WORKERS) < WORKERS);
	line_to_vip(&s, TLS, true);
	frame_build(&s, s.payload);
	assert_int_equal(to_frame_shard(line_table(), s.payload, 54, 1), 0);
	for (uint32_t len = 0; len < 54; len++) /* cut anywhere */
		assert_true(to_frame_shard(line_table(), s.payload, len, WORKERS) < WORKERS);
}

static int set_up(void **unused)
{
	(void)unused;
	line_open(true);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	line_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_worker_a_client),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_anything),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
