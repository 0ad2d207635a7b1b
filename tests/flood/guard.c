/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard of SIP messages: its buckets and its sources by themselves; and a second of long junk
 * at the SIP port, which takes nothing from media and from whom an edge has answered.
 */
#include <stdio.h>
#include <string.h>
#include <turnout/sip_guard.h>

#include "site.h"

enum { RATE = 20000, JUNK = 1472, EACH_MS = 200, PARTNERS = 8, MEDIA_PORT = 20000 };
#define MS 1000000ull

static struct site *s;
static uint64_t ns;

static void test_bucket(void **unused)
{
	uint64_t bucket = 0, cost = to_sip_cost(1400, 1000), now = 1000 * MS;
	unsigned taken = 0;

	(void)unused;
	assert_int_equal(cost, 1500000);
	assert_int_equal(to_sip_cost(9000, 1000), 1600000); /* no more than is read */
	assert_int_equal(to_sip_cost(0, TO_SIP_RATE_MAX), 10);
	while (to_sip_spend(&bucket, now, cost))
		taken++;
	assert_int_equal(taken, 14); /* 0, 1.5, … 19.5 ms ahead */
	assert_false(to_sip_spend(&bucket, now + 999999, cost));
	assert_true(to_sip_spend(&bucket, now + 1000000, cost));
	now += 3600 * 1000 * MS; /* an hour is not saved up */
	for (taken = 0; to_sip_spend(&bucket, now, cost); taken++)
		;
	assert_int_equal(taken, 14);
	now -= MS; /* a clock that is put right */
	assert_false(to_sip_spend(&bucket, now, cost));
}

/* What is longer than the burst is admitted when the one before is paid for. */
static void test_small_rate(void **unused)
{
	uint64_t bucket = 0, cost = to_sip_cost(900, 1);

	(void)unused;
	assert_true(to_sip_spend(&bucket, 5000 * MS, cost));
	assert_false(to_sip_spend(&bucket, 5979 * MS, cost));
	assert_true(to_sip_spend(&bucket, 5980 * MS, cost));
}

static void test_sources(void **unused)
{
	struct to_known_set set = {0};
	struct to_known *first;

	(void)unused;
	assert_null(to_known_find(&set, 0, 0)); /* what is empty is nobody's */
	first = to_known_renew(&set, 1, 1000);
	assert_ptr_equal(to_known_find(&set, 1, 1000), first);
	first->spent = 77;
	for (uint32_t tag = 2; tag <= 4; tag++)
		assert_non_null(to_known_renew(&set, tag, 1001));
	assert_null(to_known_renew(&set, 5, 1002)); /* nobody makes room */
	assert_ptr_equal(to_known_renew(&set, 1, 1002), first);
	assert_int_equal(first->spent, 77);
	assert_non_null(to_known_find(&set, 1, 1001 + TO_KNOWN_LIFE));
	assert_null(to_known_find(&set, 2, 1001 + TO_KNOWN_LIFE));
	assert_null(to_known_find(&set, 1, 1002 + TO_KNOWN_LIFE));
	assert_ptr_equal(to_known_renew(&set, 5, 1002 + TO_KNOWN_LIFE), first);
	assert_int_equal(first->spent, 0);
}

static union to_addr stranger(unsigned n)
{
	return frame_v4(1, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
}

static union to_addr partner(unsigned n)
{
	return frame_v4(198, 51, 100, (uint8_t)n);
}

static const struct to_decision *run(const struct frame_spec *f)
{
	to_worker_set_nanoseconds(s->worker, ns);
	s->now = (uint32_t)(ns / (1000 * MS));
	s->frame[0].len = frame_build(f, site_room(s, 0));
	site_run(s, 1);
	return &s->frame[0].decision;
}

static void put_message(struct frame_spec *f, const char *start, unsigned call, unsigned branch)
{
	char text[900];
	int n = snprintf(text, sizeof(text),
			 "%s\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK%u.%u\r\nCall-ID: call-%u@p\r\n"
			 "CSeq: 1 INVITE\r\nX-Long: %0700d\r\n\r\n",
			 start, call, branch, call, 0);

	frame_set_payload(f, text, (uint32_t)n);
}

static const struct to_decision *invite(unsigned from, unsigned call, unsigned branch)
{
	union to_addr client = partner(from), vip = site_vip(true);
	static struct frame_spec f;

	frame_init(&f, &client, &vip, IPPROTO_UDP_, 5060, SIP_PORT);
	put_message(&f, "INVITE sip:a@b SIP/2.0", call, branch);
	return run(&f);
}

static void answer(unsigned to, unsigned call, int edge)
{
	union to_addr client = partner(to), from = site_edge(edge, true);
	static struct frame_spec f;

	frame_init(&f, &from, &client, IPPROTO_UDP_, SIP_PORT, 5060);
	put_message(&f, "SIP/2.0 200 OK", call, 1);
	assert_int_equal(run(&f)->verdict, TO_VERDICT_REPLY);
}

static const struct to_decision *media(unsigned from, bool back, int edge)
{
	union to_addr client = partner(from), vip = site_vip(true), own = site_edge(edge, true);
	static struct frame_spec f;

	if (back)
		frame_init(&f, &own, &client, IPPROTO_UDP_, UDP_PORT, MEDIA_PORT);
	else
		frame_init(&f, &client, &vip, IPPROTO_UDP_, MEDIA_PORT, UDP_PORT);
	frame_fill_payload(&f, 160, from);
	return run(&f);
}

/* Long, without a Call-ID, each from somebody else. */
static bool junk(unsigned n)
{
	static char text[JUNK] = "INVITE sip:a@b SIP/2.0\r\nVia: ";
	union to_addr client = stranger(n), vip = site_vip(true);
	static struct frame_spec f;

	frame_init(&f, &client, &vip, IPPROTO_UDP_, 5060, SIP_PORT);
	memset(text + 30, 'x', sizeof(text) - 30);
	frame_set_payload(&f, text, sizeof(text));
	if (run(&f)->verdict == TO_VERDICT_STEER)
		return true;
	assert_int_equal(s->frame[0].decision.verdict, TO_VERDICT_DROP);
	assert_int_equal(s->frame[0].decision.reason, TO_REASON_SIP_RATE);
	assert_int_equal(s->frame[0].egress, TO_EGRESS_NONE);
	return false;
}

static uint64_t refused(void)
{
	uint8_t sip = 2; /* the third service of the plan */

	return to_worker_counters(s->worker)
		->cell[to_counters_cell(sip, TO_CLASS_SIP, TO_NO_INDEX, TO_REASON_SIP_RATE)]
		.packets;
}

static void begin(uint32_t rate, uint8_t call_edge[PARTNERS], uint8_t media_edge[PARTNERS])
{
	s = site_open();
	ns = s->now * 1000 * MS;
	assert_int_equal(to_worker_set_sip_rate(s->worker, rate), 0);
	for (unsigned p = 0; p < PARTNERS; p++, ns += 10 * MS) {
		call_edge[p] = invite(p, p, 1)->edge;
		answer(p, p, call_edge[p]);
		media_edge[p] = media(p, false, 0)->edge;
		assert_int_equal(media(p, true, media_edge[p])->verdict, TO_VERDICT_REPLY);
	}
	site_stage(s, AFTER);
}

/* A second: what of the junk was read, in the worst tenth of it. */
static unsigned second(const uint8_t call_edge[PARTNERS], const uint8_t media_edge[PARTNERS],
		       unsigned *read)
{
	unsigned most = 0, tenth = 0;

	*read = 0;
	for (unsigned ms = 0; ms < 1000; ms++, ns += MS) {
		unsigned p = ms % PARTNERS;
		const struct to_decision *d;

		for (unsigned i = 0; i < EACH_MS; i++)
			tenth += junk(ms * EACH_MS + i);
		d = media(p, false, 0);
		assert_int_equal(d->reason, TO_REASON_PIN);
		assert_int_equal(d->edge, media_edge[p]);
		d = invite(p, p, 2 + ms); /* its call, another transaction */
		assert_int_equal(d->reason, TO_REASON_DIALOG);
		assert_int_equal(d->edge, call_edge[p]);
		assert_int_equal(invite(p, 1000 + ms, 1)->verdict, TO_VERDICT_STEER);
		if (ms % 100 < 99)
			continue;
		*read += tenth;
		most = tenth > most ? tenth : most;
		tenth = 0;
	}
	return most;
}

static void test_flood(void **unused)
{
	const unsigned a_second = RATE * 1000 / (JUNK + TO_SIP_COST), burst = a_second / 50 + 1;
	uint8_t call_edge[PARTNERS], media_edge[PARTNERS];
	unsigned read, most;

	(void)unused;
	begin(RATE, call_edge, media_edge);
	most = second(call_edge, media_edge, &read);
	assert_true(read <= a_second + burst + 1 && read >= a_second - 1);
	assert_true(most <= a_second / 10 + burst + 1); /* evenly */
	assert_int_equal(refused(), 1000 * EACH_MS - read);
	while (junk(0))
		;
	assert_int_equal(invite(100, 5000, 1)->reason, TO_REASON_SIP_RATE); /* whoever asks */
	assert_int_equal(media(100, false, 0)->reason, TO_REASON_ROUTE);
	site_close(s);
}

static void test_no_guard(void **unused)
{
	uint8_t call_edge[PARTNERS], media_edge[PARTNERS];
	unsigned read;

	(void)unused;
	begin(0, call_edge, media_edge);
	second(call_edge, media_edge, &read);
	assert_int_equal(read, 1000 * EACH_MS);
	assert_int_equal(refused(), 0);
	site_close(s);
}

/* One partner that floods has its own rate, and takes none of the others'. */
static void test_known_flooder(void **unused)
{
	const unsigned a_second = RATE * 1000 / (700 + TO_SIP_COST);
	uint8_t call_edge[PARTNERS], media_edge[PARTNERS];
	unsigned read = 0;

	(void)unused;
	begin(RATE, call_edge, media_edge);
	for (unsigned ms = 0; ms < 1000; ms++, ns += MS) {
		for (unsigned i = 0; i < EACH_MS; i++)
			read += invite(0, 0, i)->verdict == TO_VERDICT_STEER;
		assert_int_equal(invite(1, 1, ms)->reason, TO_REASON_DIALOG);
		assert_int_equal(invite(2, 2, ms)->edge, call_edge[2]);
	}
	assert_true(read < a_second + a_second / 50);
	assert_true(read > a_second / 2);
	assert_int_equal(refused(), 1000 * EACH_MS - read);
	site_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),        cmocka_unit_test(test_small_rate),
		cmocka_unit_test(test_sources),       cmocka_unit_test(test_flood),
		cmocka_unit_test(test_known_flooder), cmocka_unit_test(test_no_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
