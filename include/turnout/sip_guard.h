/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much SIP may be read: docs/state.md, 5.5. A long message costs what dozens of media packets
 * do, so what is read of strangers has a rate, and so has each source that an edge has answered.
 *
 * A bucket is one number: the time until which what was read is paid for. It fills as time goes by,
 * without anybody's doing. Sources that are known lie in sets of four; no live one makes room. CPUs
 * of the XDP engine share them without a lock: what two of them do to a place at once costs one of
 * them its say, once.
 */
#ifndef TURNOUT_SIP_GUARD_H
#define TURNOUT_SIP_GUARD_H

#include "limits.h"
#include "types.h"

struct to_sip_buckets {
	uint64_t strangers; /* nanoseconds */
	uint64_t known;     /* all of them together */
};

struct to_known {
	uint64_t word;  /* until when (the lower half, clock seconds), and its tag */
	uint64_t spent; /* its own bucket */
};

struct to_known_set {
	struct to_known way[4];
};
_Static_assert(sizeof(struct to_known_set) == 64, "a cache line");

/* Is there room in the bucket? Then `cost` nanoseconds of it are taken. One that is idle takes any
 * message, however small its rate. */
TO_INLINE bool to_sip_spend(uint64_t *bucket, uint64_t now, uint64_t cost)
{
	uint64_t until = *bucket;

	if (until > now + TO_SIP_BURST)
		return false;
	*bucket = (until > now ? until : now) + cost;
	return true;
}

/* Nanoseconds of a rate (not 0) that a message of so many bytes takes. */
TO_INLINE uint64_t to_sip_cost(uint32_t bytes, uint32_t rate)
{
	if (bytes > TO_SIP_MAX_BYTES)
		bytes = TO_SIP_MAX_BYTES;
	return (uint64_t)(bytes + TO_SIP_COST) * 1000000u / rate;
}

TO_INLINE uint64_t to_known_word(uint32_t tag, uint32_t expires)
{
	return (uint64_t)tag << 32 | expires;
}

TO_INLINE uint64_t to_known_read(const struct to_known *s)
{
	return *(const volatile uint64_t *)&s->word;
}

/* The live source of that tag, or NULL. */
TO_INLINE struct to_known *to_known_find(struct to_known_set *set, uint32_t tag, uint32_t now)
{
	for (uint32_t i = 0; i < 4; i++) {
		uint64_t word = to_known_read(&set->way[i]);

		if (word >> 32 == tag && now < (uint32_t)word)
			return &set->way[i];
	}
	return NULL;
}

/* A place that is nobody's any more, or NULL. */
TO_INLINE struct to_known *to_known_free(struct to_known_set *set, uint32_t now)
{
	for (uint32_t i = 0; i < 4; i++) {
		if ((uint32_t)to_known_read(&set->way[i]) <= now)
			return &set->way[i];
	}
	return NULL;
}

/* Known from now on, and for how long. NULL: there is no place for it. */
TO_INLINE struct to_known *to_known_renew(struct to_known_set *set, uint32_t tag, uint32_t now)
{
	uint64_t word = to_known_word(tag, now + TO_KNOWN_LIFE);
	struct to_known *s = to_known_find(set, tag, now);

	if (!s) {
		s = to_known_free(set, now);
		if (!s)
			return NULL;
		s->spent = 0;
	}
	if (s->word != word) /* once a second */
		*(volatile uint64_t *)&s->word = word;
	return s;
}

#endif
