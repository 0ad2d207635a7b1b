/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the endpoints say to each other: asks and answers, each a head and a payload that follows
 * from the head, so that a byte that is wrong, missing or another flow's is found. Both ends are
 * this program on one machine: fields are in host order.
 */
#ifndef LIVE_BLOCK_H
#define LIVE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_EDGE_NAME   8
#define LIVE_MAX_PAYLOAD 6000

enum live_way { LIVE_ASK = 1, LIVE_ANSWER };

struct live_head {
	uint64_t check; /* of the fields below */
	uint64_t flow;  /* the client's number for it; the same in all its blocks */
	uint32_t seq;   /* from 0; an answer has its ask's */
	uint32_t mark;  /* likewise; see client.h */
	uint32_t way;
	uint32_t payload;          /* bytes after the head */
	uint32_t want;             /* an ask's: the payload that its answer has */
	uint32_t from;             /* live_address_hash() of the client, as it knows itself */
	char edge[LIVE_EDGE_NAME]; /* an answer's: who answers; padded with zero bytes */
};

struct live_block {
	struct live_head head;
	uint8_t payload[LIVE_MAX_PAYLOAD];
};

uint64_t live_mix(uint64_t x);

/* Completes `b`, whose head is filled in but for `check`; returns its bytes. */
size_t live_block_fill(struct live_block *b);

/* Whether the head is one, so that its `payload` can be believed. */
bool live_head_good(const struct live_head *h, enum live_way way);

/* NULL, or what is wrong with a whole block of `len` bytes. */
const char *live_block_wrong(const struct live_block *b, size_t len, enum live_way way);

#endif
