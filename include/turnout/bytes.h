/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access to a payload for the readers of classify.h, sip.h, stun.h and sdp.h, which are written
 * once for the host and for BPF.
 *
 * The BPF verifier follows every path with every value it knows, so a reader that loops over lines
 * and within them over bytes would cost it millions of steps. Here the inner loops are a handful of
 * primitives that it verifies once each (global functions: TO_GLOBAL); a caller gets back a number
 * of which the verifier knows nothing, so its own paths stay few. They take the XDP context and
 * derive the packet's pointers anew. On the host the same primitives are inline.
 *
 * A BPF program includes <linux/bpf.h> and <bpf/bpf_helpers.h> first.
 */
#ifndef TURNOUT_BYTES_H
#define TURNOUT_BYTES_H

#include "limits.h"
#include "types.h"

#ifdef __bpf__
typedef struct xdp_md *to_base;
/* Weak, so that clang does not specialise them for one caller and objects can be linked. */
#define TO_GLOBAL __attribute__((noinline, weak))
#define TO_APART  TO_GLOBAL
#else
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
typedef const uint8_t *to_base; /* the frame's first byte */
#define TO_GLOBAL TO_INLINE
/* Rare and long: apart, so that what is done for every packet stays small on the host as well. */
#define TO_APART  static __attribute__((noinline, unused))
#endif

/* Frame offsets stay below this: what the verifier believes a packet pointer can be moved by. */
#define TO_MAX_OFFSET 0x7fff

struct to_bytes {
	to_base base;
	uint32_t at;    /* of the first byte, from the frame's first */
	uint32_t len;   /* by the headers */
	uint32_t there; /* how many of those are in memory */
};

/* `frame_len`: the bytes of the frame that are in memory. */
TO_INLINE struct to_bytes to_bytes_of(to_base base, uint32_t frame_len, uint32_t at, uint32_t len)
{
	struct to_bytes b = {.base = base, .at = at, .len = len};
	uint32_t memory = at < frame_len ? frame_len - at : 0;

	if (at > TO_MAX_OFFSET - TO_SIP_MAX_BYTES)
		memory = 0;
	b.there = len < memory ? len : memory;
	return b;
}

/* A part of `b`. */
TO_INLINE struct to_bytes to_bytes_from(const struct to_bytes *b, uint32_t skip, uint32_t len)
{
	struct to_bytes part = {.base = b->base, .at = b->at + skip, .len = len};
	uint32_t memory = b->there > skip ? b->there - skip : 0;

	part.there = len < memory ? len : memory;
	return part;
}

#ifdef __bpf__
/* The compiler must not know what `v` is: else it moves bounds to where the verifier forgets. */
#define TO_OPAQUE(v) __asm__ volatile("" : "+r"(v))

/* Masked where the compiler cannot see that it need not be: the bound that the verifier keeps. */
TO_INLINE const uint8_t *to_at(to_base base, uint32_t off)
{
	uint64_t o = off;

	TO_OPAQUE(o);
	return (const uint8_t *)(long)base->data + (o & TO_MAX_OFFSET);
}

TO_INLINE const uint8_t *to_last(to_base base)
{
	return (const uint8_t *)(long)base->data_end;
}
#else
#define TO_OPAQUE(v) (void)(v)
#endif

/* Eight bytes from `off` on as they lie in memory (the first is the lowest), zero from `end` on. */
TO_INLINE uint64_t to_load8(to_base base, uint32_t off, uint32_t end)
{
	uint64_t v = 0;

	if (off >= end || off > TO_MAX_OFFSET)
		return 0;
#ifdef __bpf__
	const uint8_t *last = to_last(base);
	const uint8_t *p = to_at(base, off);

	if (end - off >= 8 && p + 8 <= last)
		return *(const uint64_t *)p;
	for (uint32_t i = 0; i < 8; i++) {
		if (off + i >= end || p + i + 1 > last)
			break;
		v |= (uint64_t)p[i] << (8 * i);
	}
#else
	if (TO_LIKELY(end - off >= 8)) {
		memcpy(&v, base + off, 8);
		return v;
	}
	if (TO_LIKELY(end >= 8)) { /* the eight that end there, whose last ones are meant */
		memcpy(&v, base + end - 8, 8);
		return v >> (8 * (8 - (end - off)));
	}
	for (uint32_t i = 0; off + i < end; i++)
		v |= (uint64_t)base[off + i] << (8 * i);
#endif
	return v;
}

TO_GLOBAL uint64_t to_get8(to_base base, uint32_t off, uint32_t end)
{
	return to_load8(base, off, end);
}

/* The lowest `n` bytes of a word. */
#define TO_LOW_BYTES(n) ((n) >= 8 ? ~0ULL : (1ULL << (8 * ((n)&7))) - 1)

/* The first `n` characters of the literal, at most 8, as to_get8() would give them. Not copied: gcc
 * would do that on the stack whenever it is asked, and wait for it. */
#define TO_CHARACTER(s, i, n) ((i) < (n) ? (uint64_t)(uint8_t)(s)[i] << (8 * (i)) : 0)

TO_INLINE uint64_t to_word(const char *s, uint32_t n)
{
	/* cppcheck-suppress arrayIndexOutOfBounds ; only where i < n */
	return TO_CHARACTER(s, 0, n) | TO_CHARACTER(s, 1, n) | TO_CHARACTER(s, 2, n) |
	       TO_CHARACTER(s, 3, n) | TO_CHARACTER(s, 4, n) | TO_CHARACTER(s, 5, n) |
	       /* cppcheck-suppress arrayIndexOutOfBounds */
	       TO_CHARACTER(s, 6, n) | TO_CHARACTER(s, 7, n);
}

/* 0x20 for each letter of a lower-case word: what makes the same byte of another lower case. Only
 * letters have 0x40, of what our words are made of. */
TO_INLINE uint64_t to_letters(uint64_t word)
{
	return (word & 0x4040404040404040ULL) >> 1;
}

/* 0x80 in each byte of `v` that is zero (and perhaps in bytes above such a one). */
TO_INLINE uint64_t to_zero_bytes(uint64_t v)
{
	return (v - 0x0101010101010101ULL) & ~v & 0x8080808080808080ULL;
}

#define TO_LF8 0x0a0a0a0a0a0a0a0aULL

/* The lowest byte that to_zero_bytes() marked: 0 to 7. BPF has no instruction for it. */
TO_INLINE uint32_t to_first_mark(uint64_t marks)
{
#ifdef __bpf__
	marks &= -marks;
	return (uint32_t)(((marks >> 7) * 0x0001020304050607ULL) >> 56) & 7;
#else
	return (uint32_t)__builtin_ctzll(marks) / 8;
#endif
}

TO_INLINE uint32_t to_last_mark(uint64_t marks)
{
#ifdef __bpf__
	uint32_t n = 0;

	if (marks >> 32)
		n += 4, marks >>= 32;
	if (marks >> 16)
		n += 2, marks >>= 16;
	return n + (uint32_t)(marks >> 15 & 1);
#else
	return 7 - (uint32_t)__builtin_clzll(marks) / 8;
#endif
}

/* The first LF in [off, end), or `end`. */
TO_GLOBAL uint32_t to_find_lf(to_base base, uint32_t off, uint32_t end)
{
	if (off >= end || off > TO_MAX_OFFSET)
		return end;
#ifdef __bpf__
	const uint8_t *last = to_last(base);
	const uint8_t *p = to_at(base, off);
	uint64_t marks;

	for (uint32_t i = 0; i < TO_SIP_MAX_BYTES + 8; i += 8) {
		if (off + i + 8 > end || p + i + 8 > last) {
			off += i;
			break;
		}
		marks = to_zero_bytes(*(const uint64_t *)(p + i) ^ TO_LF8);
		if (marks)
			return off + i + to_first_mark(marks);
	}
	marks = to_zero_bytes(to_get8(base, off, end) ^ TO_LF8);
	return marks && off < end ? off + to_first_mark(marks) : end;
#else
	const uint8_t *p = memchr(base + off, '\n', end - off);

	return p ? (uint32_t)(p - base) : end;
#endif
}

TO_INLINE bool to_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* A set of bytes: bit n of `lo` is byte n, of `hi` byte 64 + n; bit 63 of `hi` also stands for all
 * bytes from 128 on. */
struct to_set {
	uint64_t lo;
	uint64_t hi;
};

#define TO_BIT(c)       (1ULL << ((c)&63))
#define TO_SET_NOT(set) ((struct to_set){~(set).lo, ~(set).hi})
#define TO_SET_CRLF     ((struct to_set){TO_BIT('\r') | TO_BIT('\n'), 0})
#define TO_SET_BLANK    ((struct to_set){TO_BIT(' ') | TO_BIT('\t'), 0})
#define TO_SET_DIGIT    ((struct to_set){0x03ff000000000000ULL, 0})
#define TO_SET_SPACE    ((struct to_set){TO_SET_BLANK.lo | TO_SET_CRLF.lo, 0})
/* RFC 3261, section 25.1: alphanumeric and - . ! % * _ + ` ' ~ */
#define TO_SET_TOKEN                                                                               \
	((struct to_set){TO_SET_DIGIT.lo | TO_BIT('-') | TO_BIT('.') | TO_BIT('!') | TO_BIT('%') | \
				 TO_BIT('*') | TO_BIT('+') | TO_BIT('\''),                         \
			 0x07fffffe07fffffeULL | TO_BIT('_') | TO_BIT('`') | TO_BIT('~')})

TO_INLINE bool to_in_set(uint8_t c, uint64_t lo, uint64_t hi)
{
	if (TO_UNLIKELY(c >> 7))
		return hi >> 63;
	return (c >> 6 ? hi : lo) >> (c & 63) & 1;
}

/* 0x80 in each byte of `w` that is not in the set. No branches: the verifier would follow both
 * sides of each, and no array: it would have to know the index. */
TO_INLINE uint64_t to_set_marks(uint64_t w, uint64_t lo, uint64_t hi)
{
	uint64_t marks = 0;

	for (uint32_t i = 0; i < 64; i += 8) {
		uint64_t c = w >> i & 0xff;
		uint64_t upper = -((c >> 6 | c >> 7) & 1);
		uint64_t set = lo ^ ((lo ^ hi) & upper);

		TO_OPAQUE(upper);
		c |= -(c >> 7);
		marks |= (~set >> (c & 63) & 1) << (i + 7);
	}
	return marks;
}

/* The first byte in [off, end) that is not in the set, or `end`. */
TO_GLOBAL uint32_t to_skip_set(to_base base, uint32_t off, uint32_t end, uint64_t lo, uint64_t hi)
{
	if (off >= end || off > TO_MAX_OFFSET)
		return end;
#ifdef __bpf__
	for (uint32_t i = 0; i < TO_SIP_MAX_BYTES + 8 && off < end; i += 8) {
		uint64_t marks = to_set_marks(to_get8(base, off, end), lo, hi);

		if (marks) {
			off += to_first_mark(marks);
			return off < end ? off : end;
		}
		off += 8;
	}
	return end;
#else
	while (off < end && to_in_set(base[off], lo, hi))
		off++;
	return off;
#endif
}

TO_INLINE uint32_t to_skip(to_base base, uint32_t off, uint32_t end, struct to_set set)
{
	return to_skip_set(base, off, end, set.lo, set.hi);
}

#if defined(__SSE2__) && !defined(__bpf__)
/* Bit n: the nth of the 16 bytes at `p` is one of the set's, which has bytes below 64 only. */
TO_INLINE uint32_t to_marks16(const uint8_t *p, uint64_t lo)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), hit = _mm_setzero_si128();

	for (uint64_t rest = lo; rest; rest &= rest - 1)
		hit = _mm_or_si128(hit,
				   _mm_cmpeq_epi8(v, _mm_set1_epi8((char)__builtin_ctzll(rest))));
	return (uint32_t)_mm_movemask_epi8(hit);
}

/* Likewise of the `n` (less than 16) bytes that end at `end`, which is at least 16. */
TO_INLINE uint32_t to_marks_tail(to_base base, uint32_t end, uint32_t n, uint64_t lo)
{
	return to_marks16(base + end - 16, lo) >> (16 - n);
}

TO_INLINE uint32_t to_find_few(to_base base, uint32_t off, uint32_t end, uint64_t lo)
{
	uint32_t marks;

	for (; end - off >= 16; off += 16) {
		marks = to_marks16(base + off, lo);
		if (marks)
			return off + (uint32_t)__builtin_ctz(marks);
	}
	marks = to_marks_tail(base, end, end - off, lo);
	return marks ? off + (uint32_t)__builtin_ctz(marks) : end;
}
#endif

/* The first byte in [off, end) that is in the set, or `end`. */
TO_INLINE uint32_t to_find(to_base base, uint32_t off, uint32_t end, struct to_set set)
{
#if defined(__SSE2__) && !defined(__bpf__)
	if (!set.hi && off < end && off <= TO_MAX_OFFSET && end >= 16)
		return to_find_few(base, off, end, set.lo);
#endif
	return to_skip_set(base, off, end, ~set.lo, ~set.hi);
}

/* One LF after the other in [off, end). Where there is nothing to make it fast, each is searched.
 */
struct to_lines {
	uint32_t block;
	uint32_t next; /* the first byte that has not been looked at */
#ifndef __bpf__
	uint64_t marks; /* bit n: an LF at `block` + n, that has not been told yet */
#endif
};

TO_INLINE void to_lines_begin(struct to_lines *l, uint32_t off)
{
	*l = (struct to_lines){.block = off, .next = off};
}

#if defined(__SSE2__) && !defined(__bpf__)
/* The LFs of the 64 bytes from l->next on, or of those up to `end`. */
TO_INLINE void to_lines_look(to_base base, uint32_t end, struct to_lines *l)
{
	const uint64_t lf = TO_BIT('\n');
	uint32_t at = l->next, bits = 0;

	l->block = at;
	for (; bits < 64 && end - at >= 16; bits += 16, at += 16)
		l->marks |= (uint64_t)to_marks16(base + at, lf) << bits;
	if (bits < 64 && end > at) {
		l->marks |= (uint64_t)to_marks_tail(base, end, end - at, lf) << bits;
		at = end;
	}
	l->next = at;
}
#endif

/* The first LF in [off, end), or `end`; `off` is where to_lines_begin() began, or behind the LF
 * that was told last. */
TO_INLINE uint32_t to_lines_next(to_base base, uint32_t off, uint32_t end, struct to_lines *l)
{
#if defined(__SSE2__) && !defined(__bpf__)
	uint32_t lf;

	if (TO_UNLIKELY(end < 16 || off > TO_MAX_OFFSET))
		return to_find_lf(base, off, end);
	while (!l->marks) {
		if (l->next >= end)
			return end;
		to_lines_look(base, end, l);
	}
	lf = l->block + (uint32_t)__builtin_ctzll(l->marks);
	l->marks &= l->marks - 1;
	return lf;
#else
	(void)l;
	return to_find_lf(base, off, end);
#endif
}

#ifdef __bpf__
/* to_trim() for the last eight bytes. */
TO_GLOBAL uint32_t to_trim8(to_base base, uint32_t off, uint32_t end)
{
	uint32_t n = end - off < 8 ? end - off : 8;
	uint64_t w = to_load8(base, end - n, end);
	uint64_t marks = to_set_marks(w, TO_SET_BLANK.lo, TO_SET_BLANK.hi) & TO_LOW_BYTES(n);

	return end - n + (marks ? to_last_mark(marks) + 1 : 0);
}
#endif

/* Where [off, end) ends when the blanks at its end are left out. */
TO_GLOBAL uint32_t to_trim(to_base base, uint32_t off, uint32_t end)
{
	if (end > TO_MAX_OFFSET)
		return off;
#ifdef __bpf__
	for (uint32_t i = 0; i < TO_SIP_MAX_BYTES + 8 && end > off; i += 8) {
		uint32_t cut = to_trim8(base, off, end);

		if (cut + 8 != end)
			return cut;
		end = cut;
	}
#else
	while (end > off && to_is_blank(base[end - 1]))
		end--;
#endif
	return end;
}

/* The byte at `off`, or 0. */
TO_INLINE uint8_t to_get1(to_base base, uint32_t off, uint32_t end)
{
#ifdef __bpf__
	return (uint8_t)to_get8(base, off, end);
#else
	return off < end ? base[off] : 0;
#endif
}

/* Big-endian numbers at `off`; 0 where a byte lies beyond `end`. */
TO_INLINE uint32_t to_get16(to_base base, uint32_t off, uint32_t end)
{
	return __builtin_bswap16((uint16_t)to_get8(base, off, end));
}

TO_INLINE uint32_t to_get32(to_base base, uint32_t off, uint32_t end)
{
	return __builtin_bswap32((uint32_t)to_get8(base, off, end));
}

/* Does `w` (from to_get8) begin with the string literal `s` of at most 8 characters? */
#define TO_STARTS(w, s) (((w)&TO_LOW_BYTES(sizeof(s) - 1)) == to_word(s, sizeof(s) - 1))
/* Likewise, whatever the case; `s` in lower case. */
#define TO_STARTS_NOCASE(w, s)                                                                     \
	((((w) | to_letters(to_word(s, sizeof(s) - 1))) & TO_LOW_BYTES(sizeof(s) - 1)) ==          \
	 to_word(s, sizeof(s) - 1))
#define TO_LOW_BYTES(n) ((n) >= 8 ? ~0ULL : (1ULL << (8 * ((n)&7))) - 1)

#endif
