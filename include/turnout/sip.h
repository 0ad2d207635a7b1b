/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the decision needs of a SIP message: docs/state.md, section 4. One pass over the header
 * lines; of a body only where it begins. Nothing is copied: a Call-ID is two 64-bit hashes.
 *
 * Only lines whose end is among the bytes that are read count. A value is its lines without blanks
 * around each, those that are not empty joined by one space.
 */
#ifndef TURNOUT_SIP_H
#define TURNOUT_SIP_H

#include "bytes.h"
#include "hash.h"

enum to_sip_flags {
	TO_SIP_REQUEST = 1,
	TO_SIP_RESPONSE = 2,
	TO_SIP_CALL_ID = 4,
	TO_SIP_BRANCH = 8, /* one that begins with z9hG4bK */
};

/* RFC 3261, 7.1: methods are case-sensitive. */
enum to_sip_method {
	TO_SIP_OTHER,
	TO_SIP_INVITE,
	TO_SIP_ACK,
	TO_SIP_BYE,
	TO_SIP_CANCEL,
	TO_SIP_SUBSCRIBE,
};

struct to_sip {
	uint8_t flags;   /* enum to_sip_flags */
	uint8_t method;  /* enum to_sip_method: of the start line, of a response by CSeq */
	uint16_t status; /* of a response */
	uint16_t body;   /* offset of the body from the payload's start; 0: none was read */
	uint16_t brief;  /* in: not 0 where it may end before the body, with the last header that is
			    needed; out: 0 */
	uint64_t call_id[2]; /* [0] h0 of docs/state.md, section 6; [1] a keyed SipHash */
	uint64_t branch[2];
};
_Static_assert(sizeof(struct to_sip) == 40, "layout");

/* Both hashes of one string, fed in pieces. */
struct to_id_hash {
	uint64_t h0;
	uint64_t v[4];
	uint64_t word; /* bytes that are not hashed yet: `fill` of them */
	uint32_t fill;
	uint32_t len;
};

/* A string to be hashed: `salt` and `folded` are given, the others come back. */
struct to_id {
	uint64_t salt;
	uint64_t h[2];
	uint32_t folded;
	uint32_t len; /* 0: empty or too long */
};

#define TO_ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

/*
 * SipHash-1-3 (Aumasson, Bernstein 2012): who does not know the salt cannot make two Call-IDs of
 * one hash. h0 alone does not stop that: a flipped top bit passes its multiplication unchanged.
 */
TO_INLINE void to_sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = TO_ROTL(v[1], 13) ^ v[0];
	v[0] = TO_ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = TO_ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = TO_ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = TO_ROTL(v[1], 17) ^ v[2];
	v[2] = TO_ROTL(v[2], 32);
}

TO_INLINE void to_id_word(struct to_id_hash *s, uint64_t w)
{
	s->v[3] ^= w;
	to_sip_round(s->v);
	s->v[0] ^= w;
}

TO_INLINE void to_id_begin(struct to_id_hash *s, uint64_t salt)
{
	uint64_t k0 = to_mix(salt), k1 = to_mix(salt + 0x9e3779b97f4a7c15ULL);

	*s = (struct to_id_hash){
		.h0 = salt,
		.v = {k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
		      k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL},
	};
}

TO_INLINE void to_id_h0(struct to_id_hash *s, uint64_t w)
{
	s->h0 = (s->h0 ^ w) * 0x9e3779b97f4a7c15ULL;
	s->h0 ^= s->h0 >> 32;
}

/* The next `n` (1 to 8) bytes; those of `w` above them are zero. */
TO_INLINE void to_id_put(struct to_id_hash *s, uint64_t w, uint32_t n)
{
	uint32_t fill = s->fill & 7;

	s->len += n;
	s->word |= w << (8 * fill);
	if (fill + n < 8) {
		s->fill = fill + n;
		return;
	}
	to_id_h0(s, s->word);
	to_id_word(s, s->word);
	s->word = fill ? w >> (64 - 8 * fill) : 0;
	s->fill = fill + n - 8;
}

TO_INLINE void to_id_end(struct to_id_hash *s, uint64_t h[2])
{
	if (s->fill)
		to_id_h0(s, s->word);
	h[0] = to_mix(s->h0 ^ s->len);
	to_id_word(s, s->word | (uint64_t)s->len << 56);
	s->v[2] ^= 0xff;
	to_sip_round(s->v);
	to_sip_round(s->v);
	to_sip_round(s->v);
	h[1] = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

/* The bytes in [off, end), as long as there are no more than TO_SIP_MAX_ID in all. */
TO_GLOBAL uint32_t to_id_add(to_base base, uint32_t off, uint32_t end, struct to_id_hash *s)
{
	if (!s || end <= off)
		return 0;
	if (s->len && s->len < TO_SIP_MAX_ID)
		to_id_put(s, ' ', 1);
	if (end - off > TO_SIP_MAX_ID || s->len + (end - off) > TO_SIP_MAX_ID) {
		s->len = TO_SIP_MAX_ID + 1;
		return 0;
	}
	for (uint32_t i = 0; i < (TO_SIP_MAX_ID + 8) / 8 && off < end; i++) {
		uint32_t n = end - off < 8 ? end - off : 8;

		to_id_put(s, to_get8(base, off, end), n);
		off += n;
	}
	return 0;
}

/* The line [off, lf) without its CR. */
TO_INLINE uint32_t to_line_end(to_base base, uint32_t off, uint32_t lf)
{
	return lf > off && to_get1(base, lf - 1, lf) == '\r' ? lf - 1 : lf;
}

/* One line of a value, without blanks around it. */
TO_INLINE void to_id_piece(to_base base, uint32_t off, uint32_t end, struct to_id_hash *s)
{
	off = to_skip(base, off, end, TO_SET_BLANK);
	end = to_trim(base, off, end);
	if (off >= end)
		return;
	to_id_add(base, off, end, s);
}

/* The value in [from, to), a line or, where it is folded, several. Returns its length: 0 when it
 * has none or is too long. */
TO_GLOBAL uint32_t to_id_read(to_base base, uint32_t from, uint32_t to, struct to_id *id)
{
	struct to_id_hash s;

	if (!id)
		return 0;
	to_id_begin(&s, id->salt);
	for (uint32_t i = 0; i <= TO_SIP_MAX_LINES && from < to; i++) {
		uint32_t lf = id->folded ? to_find_lf(base, from, to) : to;

		to_id_piece(base, from, lf < to ? to_line_end(base, from, lf) : to, &s);
		from = lf + 1;
	}
	id->len = s.len <= TO_SIP_MAX_ID ? s.len : 0;
	to_id_end(&s, id->h);
	return id->len;
}

/* The headers that are read. */
enum to_sip_header { TO_SIP_H_OTHER, TO_SIP_H_CALL_ID, TO_SIP_H_VIA, TO_SIP_H_CSEQ };

/* Where the value of the first header of a kind lies. */
struct to_sip_part {
	uint16_t from;
	uint16_t to;
	uint16_t seen;
	uint16_t folded; /* it goes over more than one line */
};

/* The state of the walk from line to line. */
struct to_sip_walk {
	struct to_sip_part part[4]; /* by enum to_sip_header */
	uint16_t off;               /* of the next line */
	uint16_t end;
	uint16_t body;
	uint16_t header; /* which of the parts the last line belongs to */
	uint16_t wanted; /* bits 1 << enum to_sip_header: what it does not end before */
	uint16_t reserved;
	struct to_lines lines;
};

TO_GLOBAL uint32_t to_sip_method(to_base base, uint32_t off, uint32_t end)
{
	uint64_t w;

	end = to_skip(base, off, end, TO_SET_TOKEN);
	w = to_get8(base, off, end);
	if (w == to_word("INVITE", 6))
		return TO_SIP_INVITE;
	if (w == to_word("ACK", 3))
		return TO_SIP_ACK;
	if (w == to_word("BYE", 3))
		return TO_SIP_BYE;
	if (w == to_word("CANCEL", 6))
		return TO_SIP_CANCEL;
	if (w == to_word("SUBSCRIB", 8) && to_get8(base, off + 8, end) == 'E')
		return TO_SIP_SUBSCRIBE;
	return TO_SIP_OTHER;
}

/* CSeq: a number and a method. */
TO_INLINE uint8_t to_sip_cseq(to_base base, uint32_t off, uint32_t end)
{
	off = to_skip(base, off, end, TO_SET_SPACE);
	off = to_skip(base, off, end, TO_SET_DIGIT);
	off = to_skip(base, off, end, TO_SET_SPACE);
	return (uint8_t)to_sip_method(base, off, end);
}

#define TO_SIP_MAX_PARAMS 32 /* of the first Via value: RFC 3261 knows six */

/* Where the value of the first Via value's branch parameter begins, or `to`. CR and LF within the
 * header are its folds, so they count as blanks. */
TO_GLOBAL uint32_t to_sip_branch(to_base base, uint32_t from, uint32_t to)
{
	const struct to_set next = {TO_BIT(';') | TO_BIT(','), 0};

	for (uint32_t i = 0; i < TO_SIP_MAX_PARAMS; i++) {
		uint32_t off = to_find(base, from, to, next);

		if (to_get1(base, off, to) != ';')
			return to;
		from = to_skip(base, off + 1, to, TO_SET_SPACE);
		if (!TO_STARTS_NOCASE(to_get8(base, from, to), "branch"))
			continue;
		off = to_skip(base, from + 6, to, TO_SET_SPACE);
		if (to_get1(base, off, to) == '=')
			return to_skip(base, off + 1, to, TO_SET_SPACE);
	}
	return to;
}

TO_INLINE void to_sip_via(to_base base, const struct to_sip_part *via, uint64_t salt,
			  struct to_sip *sip)
{
	const struct to_set stop = {TO_SET_SPACE.lo | TO_BIT(';') | TO_BIT(','), 0};
	uint32_t from = to_sip_branch(base, via->from, via->to);
	uint32_t to = to_find(base, from, via->to, stop);
	struct to_id id = {.salt = salt};

	if (!TO_STARTS(to_get8(base, from, to), "z9hG4bK") || !to_id_read(base, from, to, &id))
		return;
	sip->flags |= TO_SIP_BRANCH;
	sip->branch[0] = id.h[0];
	sip->branch[1] = id.h[1];
}

TO_INLINE void to_sip_call_id(to_base base, const struct to_sip_part *call_id, uint64_t salt,
			      struct to_sip *sip)
{
	struct to_id id = {.salt = salt, .folded = call_id->folded};

	if (!to_id_read(base, call_id->from, call_id->to, &id))
		return;
	sip->flags |= TO_SIP_CALL_ID;
	sip->call_id[0] = id.h[0];
	sip->call_id[1] = id.h[1];
}

/* Which header a line begins, by its first eight bytes, and the length of that name. */
TO_INLINE uint32_t to_sip_name(uint64_t head, uint32_t *len)
{
	uint8_t first = (uint8_t)head | 0x20;

	if (first == 'c') {
		*len = 7;
		if (TO_STARTS_NOCASE(head, "call-id"))
			return TO_SIP_H_CALL_ID;
		*len = 4;
		return TO_STARTS_NOCASE(head, "cseq") ? TO_SIP_H_CSEQ : TO_SIP_H_OTHER;
	}
	if (first == 'v') {
		*len = TO_STARTS_NOCASE(head, "via") ? 3 : 1;
		return TO_SIP_H_VIA;
	}
	*len = 1;
	return first == 'i' ? TO_SIP_H_CALL_ID : TO_SIP_H_OTHER;
}

/* A line that is no continuation. Only the first header of a name counts. */
TO_INLINE void to_sip_begin(to_base base, struct to_sip_walk *w, uint64_t head, uint32_t end)
{
	uint32_t len = 0, header = to_sip_name(head, &len) & 3, colon;
	struct to_sip_part *part = &w->part[header];

	w->header = TO_SIP_H_OTHER;
	if (TO_LIKELY(header == TO_SIP_H_OTHER) || part->seen)
		return;
	colon = to_skip(base, w->off + len, end, TO_SET_BLANK);
	if (to_get1(base, colon, end) != ':')
		return;
	part->seen = 1;
	w->wanted &= (uint16_t) ~(1u << header);
	part->from = colon + 1;
	part->to = end;
	w->header = header;
}

/* One line. Returns 0 when there is another one. */
TO_GLOBAL uint32_t to_sip_line(to_base base, struct to_sip_walk *w)
{
	uint32_t lf, end;
	uint64_t head;

	if (!w || w->off >= w->end)
		return 1;
	lf = to_lines_next(base, w->off, w->end, &w->lines);
	head = to_get8(base, w->off, w->end);
	if (lf >= w->end)
		return 1;
	end = to_line_end(base, w->off, lf);
	if (end == w->off) {
		w->body = lf + 1;
		return 1;
	}
	if (to_is_blank((uint8_t)head)) {
		w->part[w->header & 3].folded = 1;
		w->part[w->header & 3].to = end;
	} else if (!w->wanted) {
		return 1;
	} else {
		to_sip_begin(base, w, head, end);
	}
	w->off = lf + 1;
	return 0;
}

/* The start line; false: there is none, or its end is not there. */
TO_INLINE bool to_sip_start(to_base base, struct to_sip_walk *w, struct to_sip *sip)
{
	uint32_t s = to_skip(base, w->off, w->end, TO_SET_CRLF);
	uint64_t status;
	uint32_t lf;

	to_lines_begin(&w->lines, s);
	lf = to_lines_next(base, s, w->end, &w->lines);
	if (lf >= w->end)
		return false;
	if (TO_STARTS_NOCASE(to_get8(base, s, lf), "sip/2.0 ")) {
		status = to_get8(base, s + 8, lf);
		sip->flags = TO_SIP_RESPONSE;
		sip->status = (uint16_t)(((status & 15) * 10 + (status >> 8 & 15)) * 10 +
					 (status >> 16 & 15));
	} else {
		sip->flags = TO_SIP_REQUEST;
		sip->method = (uint8_t)to_sip_method(base, s, lf);
	}
	w->off = lf + 1;
	return true;
}

TO_GLOBAL uint32_t to_sip_message(to_base base, uint32_t at, uint32_t there, uint64_t salt,
				  struct to_sip *sip)
{
	struct to_sip_walk w = {.off = at};

	if (!sip)
		return 0;
	w.wanted = sip->brief ? 1u << TO_SIP_H_CALL_ID | 1u << TO_SIP_H_VIA : UINT16_MAX;
	__builtin_memset(sip, 0, sizeof(*sip));
	w.end = at + (there < TO_SIP_MAX_BYTES ? there : TO_SIP_MAX_BYTES);
	if (!to_sip_start(base, &w, sip))
		return 0;
	if (sip->flags & TO_SIP_RESPONSE)
		w.wanted |= 1u << TO_SIP_H_CSEQ;
	for (uint32_t i = 0; i < TO_SIP_MAX_LINES; i++)
		if (to_sip_line(base, &w))
			break;
	to_sip_call_id(base, &w.part[TO_SIP_H_CALL_ID], salt, sip);
	to_sip_via(base, &w.part[TO_SIP_H_VIA], salt, sip);
	if (sip->flags & TO_SIP_RESPONSE)
		sip->method =
			to_sip_cseq(base, w.part[TO_SIP_H_CSEQ].from, w.part[TO_SIP_H_CSEQ].to);
	if (w.body > at && w.body < w.end)
		sip->body = (uint16_t)(w.body - at);
	return 1;
}

/* Reads a payload of class `sip`. False, and all zero: its start line is not there whole. */
TO_INLINE bool to_sip_read(const struct to_bytes *b, uint64_t salt, struct to_sip *sip)
{
	sip->brief = 0;
	return to_sip_message(b->base, b->at, b->there, salt, sip);
}

/* Likewise, but for the body, which is not looked for. */
TO_INLINE bool to_sip_read_brief(const struct to_bytes *b, uint64_t salt, struct to_sip *sip)
{
	sip->brief = 1;
	return to_sip_message(b->base, b->at, b->there, salt, sip);
}

#endif
