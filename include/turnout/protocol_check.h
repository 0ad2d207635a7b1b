/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is what was received a message? Asked by both sides before anything else is done with it: sizes,
 * types, reserved bytes, enumerations, indexes, the ends of texts, how many descriptors came along.
 * What a message means (is there such an edge? is this generation prepared?) is its reader's to
 * ask.
 */
#ifndef TURNOUT_PROTOCOL_CHECK_H
#define TURNOUT_PROTOCOL_CHECK_H

#include <errno.h>

#include "protocol.h"

/* Room for any message, aligned for all of them. A page has no fixed end: not a member of a struct,
 * but by itself, or behind a pointer. */
union to_message {
	struct to_message_head head;
	struct to_msg_hello hello;
	struct to_msg_welcome welcome;
	struct to_msg_refused refused;
	struct to_msg_prepared prepared;
	struct to_msg_generation commit;
	struct to_msg_applied applied;
	struct to_msg_flows flows;
	struct to_msg_flow_page page;
	struct to_msg_release release;
	struct to_msg_released released;
	struct to_msg_capture capture;
	struct to_msg_captured captured;
	struct to_msg_capture_end capture_end;
	uint8_t bytes[TO_PROTOCOL_MAX_BYTES];
};

enum to_protocol_side { TO_FROM_CONTROL, TO_FROM_ENGINE };

/* What a side may send: bytes (0: not this side), descriptors. */
struct to_message_rule {
	uint16_t size;
	uint8_t descriptors;
};

static inline struct to_message_rule to_message_rule_of(enum to_protocol_side from, uint16_t type)
{
	static const struct to_message_rule rules[TO_MSG_TYPE_COUNT][2] = {
		[TO_MSG_HELLO] = {{sizeof(struct to_msg_hello), 0}, {0, 0}},
		[TO_MSG_WELCOME] = {{0, 0}, {sizeof(struct to_msg_welcome), 1}},
		[TO_MSG_REFUSED] = {{0, 0}, {sizeof(struct to_msg_refused), 0}},
		[TO_MSG_TABLE] = {{sizeof(struct to_message_head), 0},
				  {sizeof(struct to_message_head), 1}},
		[TO_MSG_PREPARE] = {{sizeof(struct to_message_head), 1}, {0, 0}},
		[TO_MSG_PREPARED] = {{0, 0}, {sizeof(struct to_msg_prepared), 0}},
		[TO_MSG_COMMIT] = {{sizeof(struct to_msg_generation), 0}, {0, 0}},
		[TO_MSG_APPLIED] = {{0, 0}, {sizeof(struct to_msg_applied), 0}},
		[TO_MSG_DISCARD] = {{sizeof(struct to_message_head), 0},
				    {sizeof(struct to_message_head), 0}},
		[TO_MSG_CENSUS] = {{sizeof(struct to_message_head), 0},
				   {sizeof(struct to_message_head), 0}},
		[TO_MSG_FLOWS] = {{sizeof(struct to_msg_flows), 0}, {0, 0}},
		[TO_MSG_FLOW_PAGE] = {{0, 0}, {sizeof(struct to_msg_flow_page), 0}},
		[TO_MSG_RELEASE] = {{sizeof(struct to_msg_release), 0}, {0, 0}},
		[TO_MSG_RELEASED] = {{0, 0}, {sizeof(struct to_msg_released), 0}},
		[TO_MSG_CAPTURE] = {{sizeof(struct to_msg_capture), 0}, {0, 0}},
		[TO_MSG_CAPTURED] = {{0, 0}, {sizeof(struct to_msg_captured), 0}},
		[TO_MSG_CAPTURE_END] = {{sizeof(struct to_message_head), 0},
					{sizeof(struct to_msg_capture_end), 0}},
	};

	return type < TO_MSG_TYPE_COUNT ? rules[type][from] : (struct to_message_rule){0, 0};
}

static inline bool to_bytes_are_zero(const void *bytes, size_t size)
{
	const uint8_t *p = (const uint8_t *)bytes;
	uint8_t any = 0;

	for (size_t i = 0; i < size; i++)
		any |= p[i];
	return !any;
}

/* A text that ends within its room. What is behind its end does not count. */
static inline bool to_text_ends(const char *text, size_t room)
{
	return __builtin_memchr(text, 0, room) != NULL;
}

static inline bool to_index_is_good(uint8_t index, uint32_t most)
{
	return index < most || index == TO_NO_INDEX;
}

static inline bool to_welcome_is_good(const struct to_msg_welcome *m)
{
	return m->magic == TO_PROTOCOL_MAGIC &&
	       (m->engine == TO_ENGINE_DPDK || m->engine == TO_ENGINE_XDP) && m->workers &&
	       m->workers <= TO_PROTOCOL_WORKERS && to_text_ends(m->stage, sizeof(m->stage)) &&
	       to_text_ends(m->build, sizeof(m->build));
}

static inline bool to_applied_is_good(const struct to_msg_applied *m)
{
	return m->generation && m->live <= 1 && m->workers && m->workers <= TO_PROTOCOL_WORKERS &&
	       to_bytes_are_zero(m->worker + m->workers,
				 (TO_PROTOCOL_WORKERS - m->workers) * sizeof(m->worker[0]));
}

static inline bool to_filter_is_good(const struct to_flow_filter *f)
{
	return f->kinds < 1u << TO_ENTRY_KIND_COUNT && to_index_is_good(f->edge, TO_MAX_EDGES) &&
	       to_index_is_good(f->service, TO_MAX_SERVICES) && to_index_is_good(f->proven, 2) &&
	       f->prefix <= 128;
}

static inline bool to_flow_is_good(const struct to_flow *f)
{
	return f->kind < TO_ENTRY_KIND_COUNT && f->proven <= 1 && f->proto <= TO_UDP &&
	       f->edge < TO_MAX_EDGES && to_index_is_good(f->service, TO_MAX_SERVICES) &&
	       to_bytes_are_zero(f->reserved, sizeof(f->reserved));
}

static inline bool to_flow_page_is_good(const struct to_msg_flow_page *m)
{
	if (m->more > 1 || m->count > TO_PROTOCOL_FLOWS ||
	    m->head.size != sizeof(*m) + m->count * sizeof(m->flow[0]))
		return false;
	for (uint32_t i = 0; i < m->count; i++) {
		if (!to_flow_is_good(&m->flow[i]))
			return false;
	}
	return true;
}

static inline bool to_capture_is_good(const struct to_msg_capture *m)
{
	const struct to_capture_filter *f = &m->filter;

	return f->reasons < 1ull << TO_REASON_COUNT && f->verdicts < 1u << TO_VERDICT_COUNT &&
	       f->sample && f->prefix <= 128 && to_index_is_good(f->proto, TO_UDP + 1) &&
	       to_bytes_are_zero(f->reserved, sizeof(f->reserved)) && m->most && m->rate &&
	       m->rate <= TO_CAPTURE_RATE && m->seconds && m->seconds <= TO_CAPTURE_SECONDS &&
	       m->snap && m->snap <= TO_CAPTURE_SNAP;
}

static inline bool to_captured_is_good(const struct to_captured *p)
{
	return p->captured <= p->length && p->captured <= TO_CAPTURE_SNAP &&
	       p->verdict < TO_VERDICT_COUNT && p->reason < TO_REASON_COUNT &&
	       p->class < TO_CLASS_COUNT && to_index_is_good(p->service, TO_MAX_SERVICES) &&
	       to_index_is_good(p->edge, TO_MAX_EDGES) &&
	       to_bytes_are_zero(p->reserved, sizeof(p->reserved));
}

/* Bytes that a packet takes up in its message. */
static inline size_t to_captured_size(const struct to_captured *p)
{
	return sizeof(*p) + ((size_t)p->captured + 7) / 8 * 8;
}

/* The packet at byte `at` of a message, which is moved behind it; NULL: there is none, or it is not
 * all there, and then `at` is not the message's size. */
static inline const struct to_captured *to_captured_next(const struct to_msg_captured *m,
							 size_t *at)
{
	const struct to_captured *p = (const struct to_captured *)((const uint8_t *)m + *at);
	size_t left = m->head.size - *at;

	if (left < sizeof(*p) || !to_captured_is_good(p) || left < to_captured_size(p))
		return NULL;
	*at += to_captured_size(p);
	return p;
}

static inline bool to_captured_are_good(const struct to_msg_captured *m)
{
	size_t at = sizeof(*m);
	uint32_t n = 0;

	while (n < m->count && to_captured_next(m, &at))
		n++;
	return n == m->count && at == m->head.size && !m->reserved;
}

static inline bool to_capture_end_is_good(const struct to_msg_capture_end *m)
{
	return m->why < TO_CAPTURE_END_COUNT && !m->reserved;
}

/* What is in it, its size being right. */
static inline bool to_message_is_good(const union to_message *m)
{
	switch (m->head.type) {
	case TO_MSG_HELLO: /* another version is refused, with a reason */
		return m->hello.magic == TO_PROTOCOL_MAGIC && !m->hello.reserved;
	case TO_MSG_WELCOME:
		return to_welcome_is_good(&m->welcome);
	case TO_MSG_REFUSED:
		return m->refused.error > 0 && !m->refused.reserved &&
		       to_text_ends(m->refused.reason, sizeof(m->refused.reason));
	case TO_MSG_PREPARED:
		return m->prepared.generation;
	case TO_MSG_COMMIT:
		return m->commit.generation;
	case TO_MSG_APPLIED:
		return to_applied_is_good(&m->applied);
	case TO_MSG_FLOWS:
		return to_filter_is_good(&m->flows.filter) && m->flows.limit &&
		       m->flows.limit <= TO_PROTOCOL_FLOWS && !m->flows.reserved;
	case TO_MSG_FLOW_PAGE:
		return to_flow_page_is_good(&m->page);
	case TO_MSG_RELEASE:
		return m->release.edge < TO_MAX_EDGES &&
		       to_index_is_good(m->release.service, TO_MAX_SERVICES) &&
		       to_bytes_are_zero(m->release.reserved, sizeof(m->release.reserved));
	case TO_MSG_CAPTURE:
		return to_capture_is_good(&m->capture);
	case TO_MSG_CAPTURED:
		return to_captured_are_good(&m->captured);
	case TO_MSG_CAPTURE_END: /* the control process's is a head */
		return m->head.size == sizeof(m->head) || to_capture_end_is_good(&m->capture_end);
	default: /* a head is all of it */
		return true;
	}
}

/*
 * A message of `size` bytes that came with `descriptors` descriptors. Returns its type (enum
 * to_message_type), or -EBADMSG: it is none, and the connection ends. Reads `size` bytes of `m` at
 * most. Between processes, not between machines: `m` must not change meanwhile, as what recvmsg()
 * has copied does not.
 */
static inline int to_message_check(const union to_message *m, size_t size, unsigned descriptors,
				   enum to_protocol_side from)
{
	struct to_message_rule rule;

	if (size < sizeof(m->head) || size > sizeof(*m) || m->head.size != size ||
	    m->head.reserved || !m->head.request)
		return -EBADMSG;
	rule = to_message_rule_of(from, m->head.type);
	if (!rule.size || size < rule.size || descriptors != rule.descriptors ||
	    (size > rule.size && m->head.type != TO_MSG_FLOW_PAGE &&
	     m->head.type != TO_MSG_CAPTURED))
		return -EBADMSG;
	return to_message_is_good(m) ? m->head.type : -EBADMSG;
}

#endif
