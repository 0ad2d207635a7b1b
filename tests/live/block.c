/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "block.h"

uint64_t live_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint64_t check_of(const struct live_head *h)
{
	uint64_t x = 0, word;

	for (size_t at = sizeof(h->check); at < sizeof(*h); at += sizeof(word)) {
		memcpy(&word, (const uint8_t *)h + at, sizeof(word));
		x = live_mix(x + word + 1);
	}
	return x;
}

/* Bytes 8 * i to 8 * i + 7 of the payload; the head's check says whose and which it is. */
static uint64_t pattern(const struct live_head *h, size_t i)
{
	return live_mix(h->check + i);
}

size_t live_block_fill(struct live_block *b)
{
	b->head.check = check_of(&b->head);
	for (size_t at = 0; at < b->head.payload; at += 8) {
		uint64_t word = pattern(&b->head, at / 8);
		size_t n = b->head.payload - at;

		memcpy(b->payload + at, &word, n < 8 ? n : 8);
	}
	return sizeof(b->head) + b->head.payload;
}

bool live_head_good(const struct live_head *h, enum live_way way)
{
	return h->check == check_of(h) && h->way == way && h->payload <= LIVE_MAX_PAYLOAD &&
	       h->want <= LIVE_MAX_PAYLOAD;
}

const char *live_block_wrong(const struct live_block *b, size_t len, enum live_way way)
{
	if (len < sizeof(b->head) || !live_head_good(&b->head, way))
		return "not a block's head";
	if (len != sizeof(b->head) + b->head.payload)
		return "of another length than its head says";
	for (size_t at = 0; at < b->head.payload; at += 8) {
		uint64_t word = pattern(&b->head, at / 8);
		size_t n = b->head.payload - at;

		if (memcmp(b->payload + at, &word, n < 8 ? n : 8) != 0)
			return "wrong bytes";
	}
	return NULL;
}
