/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The addresses and ports that an SDP body (RFC 8866) says its sender takes media at:
 * docs/state.md, 5.3. Which of them are VIPs is the caller's question.
 *
 * Only lines whose end is among the bytes that are read count: what a segment cuts may be half a
 * number. The boundary lines and headers of a multipart body look like no line of SDP.
 */
#ifndef TURNOUT_SDP_H
#define TURNOUT_SDP_H

#include "bytes.h"

/* Different ones, of one body, whatever the address: an ICE offer names its private candidates
 * before the relayed one. */
#define TO_MAX_CLAIMS 32

struct to_claim {
	union to_addr addr;
	uint16_t port; /* host order, not 0 */
	uint8_t reserved[6];
};

struct to_claims {
	struct to_claim c[TO_MAX_CLAIMS];
	uint32_t n;
	uint32_t reserved;
};
_Static_assert(sizeof(struct to_claims) == 8 + 24 * TO_MAX_CLAIMS, "layout");

/* An address in text, a character at a time. */
struct to_addr_text {
	uint8_t b[16];   /* what has been read, network order */
	uint32_t n;      /* bytes of it */
	uint32_t value;  /* of the group that is being read; IPv6: its hexadecimal digits */
	uint32_t digits; /* of that group */
	uint32_t dots;
	uint32_t colons; /* in a row, just before */
	uint32_t gap;    /* 1 + where `::` stands in b; 0: nowhere */
	uint32_t v6;
};

/* One more decimal digit. False: above 255, or a leading zero (which some read as octal). */
TO_INLINE bool to_addr_decimal(struct to_addr_text *t, uint32_t digit)
{
	if (digit > 9 || (t->digits && t->value == 0))
		return false;
	t->value = t->value * 10 + digit;
	t->digits++;
	return t->value <= 255;
}

TO_INLINE bool to_addr_octet(struct to_addr_text *t)
{
	if (!t->digits || t->n >= 16 || t->dots > 3)
		return false;
	t->b[t->n & 15] = (uint8_t)t->value;
	t->n++;
	t->value = 0;
	t->digits = 0;
	return true;
}

TO_INLINE bool to_addr_group(struct to_addr_text *t)
{
	if (t->n >= 15)
		return false;
	t->b[t->n & 15] = (uint8_t)(t->value >> 8);
	t->b[(t->n + 1) & 15] = (uint8_t)t->value;
	t->n += 2;
	t->value = 0;
	t->digits = 0;
	return true;
}

/* `1:2:3.`: what was read as hexadecimal is the first octet of an embedded IPv4 address. */
TO_INLINE bool to_addr_embedded(struct to_addr_text *t)
{
	uint32_t hex = t->value, digits = t->digits;

	t->value = 0;
	t->digits = 0;
	for (uint32_t i = 4; i-- > 0;)
		if (i < digits && !to_addr_decimal(t, hex >> (4 * i) & 15))
			return false;
	return t->n <= 12 && !t->colons;
}

TO_INLINE bool to_addr_colon(struct to_addr_text *t)
{
	if (t->dots)
		return false;
	if (t->digits) {
		t->colons = 1;
		return to_addr_group(t);
	}
	if (t->colons == 0 && t->n == 0) { /* the first of all: another one has to follow */
		t->colons = 1;
		return true;
	}
	if (t->colons != 1 || t->gap)
		return false;
	t->colons = 2;
	t->gap = 1 + t->n;
	return true;
}

TO_INLINE uint32_t to_hex_digit(uint8_t c)
{
	uint8_t lower = c | 0x20;

	if (c >= '0' && c <= '9')
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10u : 16;
}

/* Returns 1 when no address has this character here. */
TO_GLOBAL uint32_t to_addr_step(struct to_addr_text *t, uint32_t c)
{
	uint32_t digit = to_hex_digit((uint8_t)c);

	if (!t)
		return 1;
	if (c == '.') {
		if (t->v6 && !t->dots && !to_addr_embedded(t))
			return 1;
		if (!to_addr_octet(t))
			return 1;
		t->dots++;
		return 0;
	}
	if (c == ':')
		return !t->v6 || !to_addr_colon(t);
	if (!t->v6 || t->dots)
		return !to_addr_decimal(t, digit);
	if (digit > 15 || t->digits >= 4 || (t->colons == 1 && t->n == 0))
		return 1;
	t->value = t->value << 4 | digit;
	t->digits++;
	t->colons = 0;
	return 0;
}

/* The last group; then the address, or zero: it is none. */
TO_GLOBAL uint32_t to_addr_finish(struct to_addr_text *t, union to_addr *a)
{
	uint32_t gap, tail;

	if (!t || !a)
		return 0;
	if (t->dots || !t->v6) {
		if (t->dots != 3 || !to_addr_octet(t))
			return 0;
	} else if (t->digits ? !to_addr_group(t) : t->colons != 2) {
		return 0;
	}
	if (!t->v6) {
		a->d[0] = 0;
		a->w[2] = __builtin_bswap32(0x0000ffff);
		__builtin_memcpy(&a->w[3], t->b, 4);
		return t->n == 4;
	}
	if (t->gap ? t->n > 14 : t->n != 16)
		return 0;
	gap = t->gap ? t->gap - 1 : 16;
	tail = 16 - t->n;
	for (uint32_t i = 0; i < 16; i++) {
		if (i < gap)
			a->b[i] = t->b[i];
		else
			a->b[i] = i < gap + tail ? 0 : t->b[(i - tail) & 15];
	}
	return 1;
}

#define TO_MAX_ADDR_TEXT 45

/* The address that is [off, end) as a whole. False, and all zero: there is none. */
TO_GLOBAL uint32_t to_addr_read(to_base base, uint32_t off, uint32_t end, uint32_t v6,
				union to_addr *a)
{
	struct to_addr_text t = {.v6 = v6};

	if (!a)
		return 0;
	a->d[0] = 0;
	a->d[1] = 0;
	if (end - off > TO_MAX_ADDR_TEXT)
		return 0;
	for (uint32_t i = 0; i < TO_MAX_ADDR_TEXT && off + i < end; i++)
		if (to_addr_step(&t, to_get1(base, off + i, end)))
			return 0;
	if (to_addr_finish(&t, a))
		return 1;
	a->d[0] = 0;
	a->d[1] = 0;
	return 0;
}

/* The port number at `off`, up to a blank, a slash or the end; 0: there is none. */
TO_GLOBAL uint32_t to_port_read(to_base base, uint32_t off, uint32_t end)
{
	uint64_t w = to_get8(base, off, end);
	uint32_t port = 0;

	for (uint32_t i = 0; i < 8; i++) {
		uint32_t digit = (uint32_t)(w >> (8 * i) & 0xff) - '0';

		if (digit > 9)
			break;
		port = port * 10 + digit;
		off++;
	}
	if (off < end && !to_is_blank(to_get1(base, off, end)) && to_get1(base, off, end) != '/')
		return 0;
	return port <= 65535 ? port : 0;
}

/* The state of the walk from line to line. All zero is no address. */
struct to_sdp_walk {
	union to_addr session; /* c= before the first m= */
	union to_addr media;   /* that of this media section */
	union to_addr rtcp;    /* of a=rtcp, when it names one */
	uint16_t off;          /* of the next line */
	uint16_t end;
	uint16_t port;      /* of this m=; 0: none, or not one that claims */
	uint16_t rtcp_port; /* of its a=rtcp */
	uint16_t in_media;
	uint16_t reserved[3];
};

TO_GLOBAL uint32_t to_claims_add(struct to_claims *claims, const union to_addr *a, uint32_t port)
{
	uint32_t n;

	if (!claims || !a || !port || (a->d[0] == 0 && a->d[1] == 0))
		return 0;
	n = claims->n;
	for (uint32_t i = 0; i < TO_MAX_CLAIMS && i < n; i++)
		if (claims->c[i].port == port && to_addr_equal(&claims->c[i].addr, a))
			return 0;
	if (n >= TO_MAX_CLAIMS)
		return 0;
	claims->c[n & (TO_MAX_CLAIMS - 1)].addr = *a;
	claims->c[n & (TO_MAX_CLAIMS - 1)].port = (uint16_t)port;
	claims->n = n + 1;
	return 1;
}

/* A media section has ended: its c= may have come after its m= and its a=rtcp. */
TO_GLOBAL uint32_t to_sdp_flush(struct to_sdp_walk *w, struct to_claims *claims)
{
	if (!w || !claims)
		return 0;
	if (w->media.d[0] == 0 && w->media.d[1] == 0)
		w->media = w->session;
	if (w->rtcp.d[0] == 0 && w->rtcp.d[1] == 0)
		w->rtcp = w->media;
	to_claims_add(claims, &w->media, w->port);
	to_claims_add(claims, &w->rtcp, w->rtcp_port);
	w->port = 0;
	w->rtcp_port = 0;
	w->rtcp.d[0] = 0;
	w->rtcp.d[1] = 0;
	w->media.d[0] = 0;
	w->media.d[1] = 0;
	return 0;
}

/* `IN IP4 address` or `IN IP6 address`; what follows a slash (a multicast TTL) is left out. */
TO_INLINE uint32_t to_sdp_address(to_base base, uint32_t off, uint32_t end, union to_addr *a)
{
	uint64_t w = to_get8(base, off, end);

	if (!a)
		return 0;
	if (!TO_STARTS(w, "IN IP4 ") && !TO_STARTS(w, "IN IP6 ")) {
		a->d[0] = 0;
		a->d[1] = 0;
		return 0;
	}
	off += 7;
	end = to_find(base, off, end,
		      (struct to_set){TO_SET_BLANK.lo | TO_BIT('/'), TO_SET_BLANK.hi});
	return to_addr_read(base, off, end, (uint8_t)(w >> 40) == '6', a);
}

/* The first c= that can be read counts. */
TO_INLINE void to_sdp_connection(to_base base, union to_addr *a, uint32_t off, uint32_t end)
{
	if (a->d[0] == 0 && a->d[1] == 0)
		to_sdp_address(base, off, end, a);
}

/* `m=audio 49170 …` and the other media that have ports of their own. */
TO_INLINE void to_sdp_media(to_base base, struct to_sdp_walk *w, uint32_t off, uint32_t end)
{
	uint64_t kind = to_get8(base, off, end);
	bool claims =
		TO_STARTS(kind, "audio ") || TO_STARTS(kind, "video ") ||
		TO_STARTS(kind, "image ") ||
		(kind == to_word("applicat", 8) && TO_STARTS(to_get8(base, off + 8, end), "ion "));

	off = to_find(base, off, end, TO_SET_BLANK);
	w->in_media = 1;
	w->port = claims ? to_port_read(base, off + 1, end) : 0;
}

TO_INLINE uint32_t to_sdp_field(to_base base, uint32_t off, uint32_t end)
{
	off = to_find(base, off, end, TO_SET_BLANK);
	return to_skip(base, off, end, TO_SET_BLANK);
}

/* RFC 8839, 5.1: foundation component transport priority address port `typ` type … */
TO_INLINE uint32_t to_sdp_candidate(to_base base, uint32_t off, uint32_t end,
				    struct to_claims *claims)
{
	uint32_t addr, addr_end, port;
	union to_addr a;
	uint64_t w;

	off = to_sdp_field(base, off, end);
	off = to_sdp_field(base, off, end);
	if (!TO_STARTS_NOCASE(to_get8(base, off, end), "udp "))
		return 0;
	off = to_sdp_field(base, off, end);
	addr = to_sdp_field(base, off, end);
	addr_end = to_find(base, addr, end, TO_SET_BLANK);
	port = to_skip(base, addr_end, end, TO_SET_BLANK);
	off = to_sdp_field(base, port, end);
	if (!TO_STARTS(to_get8(base, off, end), "typ "))
		return 0;
	off = to_sdp_field(base, off, end);
	w = to_get8(base, off, to_find(base, off, end, TO_SET_BLANK));
	if (w != to_word("relay", 5) && w != to_word("host", 4))
		return 0;
	w = to_get8(base, addr, addr_end);
	off = to_find(base, addr, addr_end, (struct to_set){TO_BIT(':'), 0});
	if (to_addr_read(base, addr, addr_end, off < addr_end, &a))
		to_claims_add(claims, &a, to_port_read(base, port, end));
	return 0;
}

TO_INLINE void to_sdp_attribute(to_base base, struct to_sdp_walk *w, uint32_t off, uint32_t end,
				struct to_claims *claims)
{
	uint64_t name = to_get8(base, off, end);

	if (TO_STARTS(name, "rtcp:")) {
		w->rtcp_port = to_port_read(base, off + 5, end);
		to_sdp_address(base, to_sdp_field(base, off + 5, end), end, &w->rtcp);
	} else if (name == to_word("candidat", 8) && TO_STARTS(to_get8(base, off + 8, end), "e:")) {
		to_sdp_candidate(base, off + 10, end, claims);
	}
}

/* One line. Returns 0 when there is another one. */
TO_GLOBAL uint32_t to_sdp_line(to_base base, struct to_sdp_walk *w, struct to_claims *claims)
{
	uint32_t lf, off, end;
	uint64_t head;

	if (!w || !claims)
		return 1;
	off = w->off;
	lf = to_find_lf(base, off, w->end);
	if (lf >= w->end)
		return 1;
	w->off = lf + 1;
	end = to_get1(base, lf - 1, lf) == '\r' ? lf - 1 : lf;
	head = to_get8(base, off, end);
	if (TO_STARTS(head, "v=")) {
		to_sdp_flush(w, claims);
		w->session.d[0] = 0;
		w->session.d[1] = 0;
		w->in_media = 0;
	} else if (TO_STARTS(head, "c=")) {
		to_sdp_connection(base, w->in_media ? &w->media : &w->session, off + 2, end);
	} else if (TO_STARTS(head, "m=")) {
		to_sdp_flush(w, claims);
		to_sdp_media(base, w, off + 2, end);
	} else if (TO_STARTS(head, "a=")) {
		to_sdp_attribute(base, w, off + 2, end, claims);
	}
	return 0;
}

TO_GLOBAL uint32_t to_sdp_body(to_base base, uint32_t off, uint32_t end, struct to_claims *claims)
{
	struct to_sdp_walk w = {.off = off, .end = end};

	if (!claims)
		return 0;
	for (uint32_t i = 0; i < TO_SIP_MAX_LINES; i++)
		if (to_sdp_line(base, &w, claims))
			break;
	return to_sdp_flush(&w, claims);
}

/* `body`: where the body begins in the payload (struct to_sip); 0: there is none. */
TO_INLINE void to_sdp_read(const struct to_bytes *b, uint32_t body, struct to_claims *claims)
{
	uint32_t there = b->there < TO_SIP_MAX_BYTES ? b->there : TO_SIP_MAX_BYTES;

	__builtin_memset(claims, 0, sizeof(*claims));
	if (body && body < there)
		to_sdp_body(b->base, b->at + body, b->at + there, claims);
}

#endif
