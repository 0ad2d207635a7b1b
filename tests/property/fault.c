/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault.h"

#include <turnout/table_read.h>

enum { ETH = 14, EVERY = 16 };

/* The IP header, behind the tags; or NULL when the frame does not leave. */
static uint8_t *ip_of(struct to_frame *f)
{
	uint32_t at = 12;

	if (f->egress != TO_EGRESS_EDGE && f->egress != TO_EGRESS_OUT)
		return NULL;
	while (f->data[at] == 0x81 || f->data[at] == 0x88)
		at += 4;
	return f->data + at + 2;
}

static void swap_edge(const struct to_table *table, struct to_frame *f)
{
	uint32_t edges = to_table_edge_count(table);

	if (f->decision.verdict == TO_VERDICT_STEER && f->decision.reason == TO_REASON_PIN)
		f->decision.edge = (uint8_t)((f->decision.edge + 1) % edges);
}

static void lose_reply(struct to_frame *f)
{
	if (f->decision.verdict != TO_VERDICT_REPLY)
		return;
	f->decision.verdict = TO_VERDICT_OUT;
	f->decision.reason = TO_REASON_EDGE_INITIATED;
}

/* Two words of an address: no checksum notices. */
static void swap_words(uint8_t *p)
{
	uint8_t word[2] = {p[0], p[1]};

	p[0] = p[2];
	p[1] = p[3];
	p[2] = word[0];
	p[3] = word[1];
}

void fault_inject(enum rig_fault fault, const struct to_table *table, struct to_frame *f,
		  uint32_t *dice)
{
	uint8_t *ip = ip_of(f);

	if (fault == RIG_FAULT_NONE || !ip || ++*dice % EVERY)
		return;
	switch (fault) {
	case RIG_FAULT_SWAP_EDGE:
		swap_edge(table, f);
		break;
	case RIG_FAULT_LOSE_REPLY:
		lose_reply(f);
		break;
	case RIG_FAULT_SOURCE:
		swap_words(ip + (ip[0] >> 4 == 4 ? 12 : 8));
		break;
	case RIG_FAULT_CHECKSUM:
		f->data[f->len - 1] ^= 1;
		break;
	case RIG_FAULT_TTL:
		ip[ip[0] >> 4 == 4 ? 8 : 7]++;
		break;
	default:
		break;
	}
}

void fault_shard(const struct to_table *table, const uint8_t *data, unsigned *shard)
{
	union to_addr src = {.b = {[10] = 0xff, [11] = 0xff}};
	const struct to_address *a;

	if (data[12] != 0x08)
		return;
	for (int i = 0; i < 4; i++)
		src.b[12 + i] = data[ETH + 12 + i];
	a = to_table_find_address(table, &src);
	if (a && a->kind == TO_ADDRESS_EDGE)
		*shard = 0;
}
