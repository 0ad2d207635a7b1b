/* SPDX-License-Identifier: BSD-3-Clause */
/* What is a message and what is none: each field of each type, by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <turnout/protocol_check.h>

static union to_message m;

static void begin(uint16_t type, size_t size)
{
	memset(&m, 0, sizeof(m));
	m.head = (struct to_message_head){.type = type, .size = (uint32_t)size, .request = 1};
}

/* A good one of that type, as that side sends it. */
static void make(enum to_protocol_side from, uint16_t type)
{
	begin(type, to_message_rule_of(from, type).size);
	if (type == TO_MSG_HELLO)
		m.hello.magic = TO_PROTOCOL_MAGIC;
	if (type == TO_MSG_WELCOME) {
		m.welcome.magic = TO_PROTOCOL_MAGIC;
		m.welcome.engine = TO_ENGINE_XDP;
		m.welcome.workers = 1;
	}
	if (type == TO_MSG_REFUSED)
		m.refused.error = EBUSY;
	if (type == TO_MSG_PREPARED || type == TO_MSG_COMMIT || type == TO_MSG_APPLIED)
		m.commit.generation = 1; /* in the same place in all three */
	if (type == TO_MSG_APPLIED)
		m.applied.workers = 2;
	if (type == TO_MSG_FLOWS) {
		m.flows.filter.edge = m.flows.filter.service = m.flows.filter.proven = TO_NO_INDEX;
		m.flows.limit = 1;
	}
	if (type == TO_MSG_RELEASE)
		m.release.service = TO_NO_INDEX;
	if (type == TO_MSG_CAPTURE) {
		m.capture.filter.sample = m.capture.most = m.capture.rate = 1;
		m.capture.seconds = m.capture.snap = 1;
	}
}

static int check(enum to_protocol_side from)
{
	return to_message_check(&m, m.head.size, to_message_rule_of(from, m.head.type).descriptors,
				from);
}

#define GOOD(from) assert_int_equal(check(from), m.head.type)
#define BAD(from)  assert_int_equal(check(from), -EBADMSG)

static void test_every_type_from_every_side(void **state)
{
	unsigned good = 0;

	(void)state;
	for (int from = TO_FROM_CONTROL; from <= TO_FROM_ENGINE; from++) {
		for (uint32_t t = 0; t < TO_MSG_TYPE_COUNT + 2; t++) {
			uint16_t type = (uint16_t)t;
			struct to_message_rule rule = to_message_rule_of(from, type);

			make(from, type);
			if (!rule.size) { /* whatever size it says */
				m.head.size = sizeof(m.head);
				BAD(from);
				continue;
			}
			good++;
			GOOD(from);
			for (unsigned n = 0; n < 4; n++)
				assert_int_equal(to_message_check(&m, m.head.size, n, from),
						 n == rule.descriptors ? type : -EBADMSG);
		}
	}
	assert_int_equal(good, 10 + 11);
}

static void test_heads(void **state)
{
	(void)state;
	make(TO_FROM_CONTROL, TO_MSG_CENSUS);
	for (size_t size = 0; size < sizeof(m.head); size++)
		assert_int_equal(to_message_check(&m, size, 0, TO_FROM_CONTROL), -EBADMSG);
	assert_int_equal(to_message_check(&m, sizeof(m.head) + 8, 0, TO_FROM_CONTROL), -EBADMSG);
	m.head.size += 8;
	BAD(TO_FROM_CONTROL);
	assert_int_equal(to_message_check(&m, sizeof(m.head), 0, TO_FROM_CONTROL), -EBADMSG);
	make(TO_FROM_CONTROL, TO_MSG_CENSUS);
	m.head.reserved = 1;
	BAD(TO_FROM_CONTROL);
	make(TO_FROM_CONTROL, TO_MSG_CENSUS);
	m.head.request = 0;
	BAD(TO_FROM_CONTROL);
}

/* Sets a field of a good message to what it cannot be. */
#define WRONG(from, type, field, value)                                                            \
	do {                                                                                       \
		make(from, type);                                                                  \
		GOOD(from);                                                                        \
		(field) = (value);                                                                 \
		BAD(from);                                                                         \
	} while (0)

static void test_fields_from_control(void **state)
{
	const enum to_protocol_side from = TO_FROM_CONTROL;

	(void)state;
	WRONG(from, TO_MSG_HELLO, m.hello.magic, 1);
	WRONG(from, TO_MSG_HELLO, m.hello.reserved, 1);
	WRONG(from, TO_MSG_COMMIT, m.commit.generation, 0);
	WRONG(from, TO_MSG_FLOWS, m.flows.filter.kinds, 1u << TO_ENTRY_KIND_COUNT);
	WRONG(from, TO_MSG_FLOWS, m.flows.filter.edge, TO_MAX_EDGES);
	WRONG(from, TO_MSG_FLOWS, m.flows.filter.service, TO_MAX_SERVICES);
	WRONG(from, TO_MSG_FLOWS, m.flows.filter.proven, 2);
	WRONG(from, TO_MSG_FLOWS, m.flows.filter.prefix, 129);
	WRONG(from, TO_MSG_FLOWS, m.flows.limit, 0);
	WRONG(from, TO_MSG_FLOWS, m.flows.limit, TO_PROTOCOL_FLOWS + 1);
	WRONG(from, TO_MSG_FLOWS, m.flows.reserved, 1);
	WRONG(from, TO_MSG_RELEASE, m.release.edge, TO_NO_INDEX);
	WRONG(from, TO_MSG_RELEASE, m.release.service, TO_MAX_SERVICES);
	WRONG(from, TO_MSG_RELEASE, m.release.reserved[5], 1);
	WRONG(from, TO_MSG_CAPTURE, m.capture.filter.reasons, 1ull << TO_REASON_COUNT);
	WRONG(from, TO_MSG_CAPTURE, m.capture.filter.verdicts, 1u << TO_VERDICT_COUNT);
	WRONG(from, TO_MSG_CAPTURE, m.capture.filter.sample, 0);
	WRONG(from, TO_MSG_CAPTURE, m.capture.filter.prefix, 129);
	WRONG(from, TO_MSG_CAPTURE, m.capture.filter.proto, 2);
	WRONG(from, TO_MSG_CAPTURE, m.capture.filter.reserved[3], 1);
	WRONG(from, TO_MSG_CAPTURE, m.capture.most, 0);
	WRONG(from, TO_MSG_CAPTURE, m.capture.rate, 0);
	WRONG(from, TO_MSG_CAPTURE, m.capture.rate, TO_CAPTURE_RATE + 1);
	WRONG(from, TO_MSG_CAPTURE, m.capture.seconds, 0);
	WRONG(from, TO_MSG_CAPTURE, m.capture.seconds, TO_CAPTURE_SECONDS + 1);
	WRONG(from, TO_MSG_CAPTURE, m.capture.snap, 0);
	WRONG(from, TO_MSG_CAPTURE, m.capture.snap, TO_CAPTURE_SNAP + 1);
	make(from, TO_MSG_HELLO); /* another version is refused, not dropped */
	m.hello.version = 77;
	GOOD(from);
}

static void test_fields_from_engine(void **state)
{
	const enum to_protocol_side from = TO_FROM_ENGINE;

	(void)state;
	WRONG(from, TO_MSG_WELCOME, m.welcome.magic, 1);
	WRONG(from, TO_MSG_WELCOME, m.welcome.engine, 0);
	WRONG(from, TO_MSG_WELCOME, m.welcome.engine, 3);
	WRONG(from, TO_MSG_WELCOME, m.welcome.workers, 0);
	WRONG(from, TO_MSG_WELCOME, m.welcome.workers, TO_PROTOCOL_WORKERS + 1);
	WRONG(from, TO_MSG_REFUSED, m.refused.error, 0);
	WRONG(from, TO_MSG_REFUSED, m.refused.error, -1);
	WRONG(from, TO_MSG_REFUSED, m.refused.reserved, 1);
	WRONG(from, TO_MSG_PREPARED, m.prepared.generation, 0);
	WRONG(from, TO_MSG_APPLIED, m.applied.generation, 0);
	WRONG(from, TO_MSG_APPLIED, m.applied.live, 2);
	WRONG(from, TO_MSG_APPLIED, m.applied.workers, 0);
	WRONG(from, TO_MSG_APPLIED, m.applied.workers, TO_PROTOCOL_WORKERS + 1);
	WRONG(from, TO_MSG_APPLIED, m.applied.worker[2], 1);
	WRONG(from, TO_MSG_CAPTURED, m.captured.reserved, 1);
	WRONG(from, TO_MSG_CAPTURED, m.captured.count, 1);
	WRONG(from, TO_MSG_CAPTURE_END, m.capture_end.why, TO_CAPTURE_END_COUNT);
	WRONG(from, TO_MSG_CAPTURE_END, m.capture_end.reserved, 1);
	make(from, TO_MSG_WELCOME);
	memset(m.welcome.stage, 'x', sizeof(m.welcome.stage));
	BAD(from);
	make(from, TO_MSG_WELCOME);
	memset(m.welcome.build, 'x', sizeof(m.welcome.build));
	BAD(from);
	make(from, TO_MSG_REFUSED);
	memset(m.refused.reason, 'x', sizeof(m.refused.reason));
	BAD(from);
}

static void make_page(uint32_t count)
{
	make(TO_FROM_ENGINE, TO_MSG_FLOW_PAGE);
	m.page.count = count;
	m.head.size += (uint32_t)(count * sizeof(struct to_flow));
}

static void test_pages(void **state)
{
	const enum to_protocol_side from = TO_FROM_ENGINE;
	struct to_flow *last = &m.page.flow[2];

	(void)state;
	for (uint32_t n = 0; n <= TO_PROTOCOL_FLOWS; n++) {
		make_page(n);
		GOOD(from);
		m.page.count++;
		BAD(from);
	}
#define WRONG_FLOW(field, value)                                                                   \
	do {                                                                                       \
		make_page(3);                                                                      \
		GOOD(from);                                                                        \
		(field) = (value);                                                                 \
		BAD(from);                                                                         \
	} while (0)
	WRONG_FLOW(m.page.more, 2);
	WRONG_FLOW(m.page.count, UINT32_MAX);
	WRONG_FLOW(m.page.count, 2);
	WRONG_FLOW(last->kind, TO_ENTRY_KIND_COUNT);
	WRONG_FLOW(last->proven, 2);
	WRONG_FLOW(last->proto, 2);
	WRONG_FLOW(last->edge, TO_MAX_EDGES);
	WRONG_FLOW(last->service, TO_MAX_SERVICES);
	WRONG_FLOW(last->reserved[3], 1);
	make_page(3);
	last->service = last->group = TO_NO_INDEX;
	GOOD(from);
}

/* Packets of these many bytes. Returns the last one. */
static struct to_captured *make_captured(const uint16_t *bytes, uint32_t count)
{
	struct to_captured *p = NULL;

	make(TO_FROM_ENGINE, TO_MSG_CAPTURED);
	m.captured.count = count;
	for (uint32_t i = 0; i < count; i++) {
		p = (struct to_captured *)(m.bytes + m.head.size);
		*p = (struct to_captured){.length = bytes[i], .captured = bytes[i]};
		m.head.size += (uint32_t)to_captured_size(p);
	}
	return p;
}

static void test_captured(void **state)
{
	static const uint16_t bytes[] = {1, 0, 8, 2048, 60},
			      large[7] = {2048, 2048, 2048, 2048, 2048, 2048, 2048};
	const enum to_protocol_side from = TO_FROM_ENGINE;
	size_t at = sizeof(m.captured);
	struct to_captured *p;

	(void)state;
	make_captured(bytes, 5);
	GOOD(from);
	for (int i = 0; i < 5; i++)
		assert_int_equal(to_captured_next(&m.captured, &at)->captured, bytes[i]);
	assert_null(to_captured_next(&m.captured, &at));
	make_captured(large, 7); /* as many of the largest as there is room for */
	GOOD(from);
	assert_true(m.head.size + TO_CAPTURED_MOST > sizeof(m));
#define WRONG_PACKET(field, value)                                                                 \
	do {                                                                                       \
		p = make_captured(bytes, 5);                                                       \
		GOOD(from);                                                                        \
		(field) = (value);                                                                 \
		BAD(from);                                                                         \
	} while (0)
	WRONG_PACKET(m.captured.count, 4);
	WRONG_PACKET(m.captured.count, 6);
	WRONG_PACKET(m.captured.count, UINT32_MAX);
	WRONG_PACKET(m.head.size, m.head.size - 8);
	WRONG_PACKET(m.head.size, m.head.size + 8);
	WRONG_PACKET(m.head.size, m.head.size - 1);
	WRONG_PACKET(p->captured, 61); /* more than there was */
	WRONG_PACKET(p->captured, 50); /* others would follow */
	WRONG_PACKET(p->verdict, TO_VERDICT_COUNT);
	WRONG_PACKET(p->reason, TO_REASON_COUNT);
	WRONG_PACKET(p->class, TO_CLASS_COUNT);
	WRONG_PACKET(p->service, TO_MAX_SERVICES);
	WRONG_PACKET(p->edge, TO_MAX_EDGES);
	WRONG_PACKET(p->reserved[6], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_from_every_side),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_fields_from_control),
		cmocka_unit_test(test_fields_from_engine),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
