/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes that may be a message, from either side: what the check accepts is what it says. The first
 * byte of the input chooses the side and how many descriptors came along. */
#include <stdlib.h>
#include <string.h>

#include <turnout/protocol_check.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Each with its bytes, as whoever writes them down does. */
static void read_packets(const struct to_msg_captured *m, size_t size)
{
	size_t at = sizeof(*m), sum = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		const struct to_captured *p = to_captured_next(m, &at);

		check(p && at <= size && p->captured <= p->length);
		for (uint32_t n = 0; n < p->captured; n++)
			sum += ((const uint8_t *)(p + 1))[n];
	}
	check(at == size && sum <= size * 255);
}

/* Reads every text and index as their readers do: the check vouches for them. */
static void read_as_engine_sends(const union to_message *m, size_t size)
{
	static uint32_t edges[TO_MAX_EDGES];

	switch (m->head.type) {
	case TO_MSG_WELCOME:
		check(strlen(m->welcome.stage) <= TO_MAX_NAME && strlen(m->welcome.build) < 32);
		check(m->welcome.workers - 1 < TO_PROTOCOL_WORKERS);
		break;
	case TO_MSG_REFUSED:
		check(strlen(m->refused.reason) < TO_PROTOCOL_TEXT && m->refused.error > 0);
		break;
	case TO_MSG_FLOW_PAGE:
		check(sizeof(m->page) + m->page.count * sizeof(struct to_flow) == size);
		for (uint32_t i = 0; i < m->page.count; i++)
			edges[m->page.flow[i].edge]++;
		break;
	case TO_MSG_CAPTURED:
		read_packets(&m->captured, size);
		break;
	case TO_MSG_CAPTURE_END:
		check(m->capture_end.why < TO_CAPTURE_END_COUNT);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum to_protocol_side from;
	union to_message *m;
	int type;

	if (size < 1 || size - 1 > sizeof(*m))
		return 0;
	from = data[0] & 1 ? TO_FROM_ENGINE : TO_FROM_CONTROL;
	/* exactly as large as what came, so that nothing behind it is read */
	m = aligned_alloc(8, (size - 1 + 8) / 8 * 8);
	if (!m)
		return 0;
	memcpy(m, data + 1, size - 1);
	type = to_message_check(m, size - 1, data[0] >> 1 & 3, from);
	check(type == -EBADMSG || type == m->head.type);
	if (type > 0) {
		check(m->head.size == size - 1 && m->head.request);
		check(to_message_rule_of(from, m->head.type).descriptors == (data[0] >> 1 & 3));
		if (from == TO_FROM_ENGINE)
			read_as_engine_sends(m, size - 1);
		else if (type == TO_MSG_FLOWS)
			check(m->flows.limit - 1 < TO_PROTOCOL_FLOWS);
		else if (type == TO_MSG_CAPTURE)
			check(m->capture.filter.sample && m->capture.snap - 1 < TO_CAPTURE_SNAP);
	}
	free(m);
	return 0;
}
