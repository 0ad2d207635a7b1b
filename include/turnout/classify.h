/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a payload is. The rules, their order and their names are docs/classification.md; this is
 * the same as code that looks at the first byte first: media and most signalling is decided there,
 * only text needs a longer look.
 */
#ifndef TURNOUT_CLASSIFY_H
#define TURNOUT_CLASSIFY_H

#include "bytes.h"
#include "lists.h"

#define TO_STUN_COOKIE 0x2112a442u
#define TO_KEEPALIVE   16    /* bytes at most */
#define TO_TEXT_LEAD   16    /* CR and LF before a start line */
#define TO_TEXT_METHOD 64    /* RFC 4475, 3.1.1.2 has one of 44 characters */
#define TO_TEXT_WINDOW 512   /* of a start line that is looked at */
#define TO_TLS_RECORD  18432 /* RFC 5246, 6.2.3: 2^14 + 2048 */

/* The first eight bytes, in memory order; zero where there are none. */
TO_INLINE uint64_t to_head(const struct to_bytes *b)
{
#ifdef __bpf__
	const uint8_t *p = to_at(b->base, b->at);

	/* no call where it matters: a whole header is there */
	if (b->there >= 8 && p + 8 <= to_last(b->base))
		return *(const uint64_t *)p;
#endif
	return to_get8(b->base, b->at, b->at + b->there);
}

/* The n-th byte, and the n-th and its successor as a number, of such a word. */
TO_INLINE uint8_t to_head1(uint64_t w, uint32_t n)
{
	return (uint8_t)(w >> (8 * n));
}

TO_INLINE uint32_t to_head16(uint64_t w, uint32_t n)
{
	return __builtin_bswap16((uint16_t)(w >> (8 * n)));
}

TO_INLINE uint32_t to_end(const struct to_bytes *b)
{
	return b->at + b->there;
}

/* Is the whole word made of the bytes that a keepalive has? */
TO_INLINE bool to_is_idle_word(uint64_t w)
{
	return to_set_marks(w, TO_SET_SPACE.lo | TO_BIT(0), 0) == 0;
}

TO_INLINE bool to_is_keepalive(const struct to_bytes *b)
{
	uint64_t w = to_head(b), tail;

	if (b->len > TO_KEEPALIVE || b->there < b->len)
		return false;
	if (to_is_idle_word(w)) {
		tail = to_get8(b->base, b->at + 8, to_end(b));
		return to_is_idle_word(tail);
	}
	return (b->len == 5 && w == to_word("hello", 5)) ||
	       (b->len == 7 && w == to_word("hello\r\n", 7));
}

TO_INLINE bool to_is_classic_type(uint32_t type)
{
	switch (type) {
	case 0x0001:
	case 0x0002:
	case 0x0003:
	case 0x0004:
	case 0x0101:
	case 0x0102:
	case 0x0103:
	case 0x0104:
	case 0x0111:
	case 0x0112:
	case 0x0113:
	case 0x0115:
		return true;
	default:
		return false;
	}
}

/* RFC 3489: no cookie, but attributes that fill the message exactly. */
TO_GLOBAL uint32_t to_stun_classic(to_base base, uint32_t at, uint32_t len, uint32_t there)
{
	uint64_t w = to_get8(base, at, at + there);
	uint32_t type = to_head16(w, 0), n = to_head16(w, 2);
	uint32_t off = 20;

	if (!to_is_classic_type(type) || n % 4 || n + 20 != len)
		return TO_CLASS_NONE;
	for (uint32_t i = 0; i < TO_STUN_MAX_ATTRIBUTES && off < len; i++) {
		if (off + 4 > there)
			return TO_CLASS_NONE;
		off += 4 + to_get16(base, at + off + 2, at + there);
	}
	if (off != len)
		return TO_CLASS_NONE;
	return type == 0x0004 || type == 0x0104 || type == 0x0115 ? TO_CLASS_MS_TURN
								  : TO_CLASS_STUN;
}

/* TO_CLASS_NONE: it is not STUN. `whole`: the message must not end beyond the bytes. */
TO_APART uint32_t to_class_stun(to_base base, uint32_t at, uint32_t len, uint32_t there,
				uint32_t whole)
{
	uint32_t end = at + there;
	uint64_t w = to_get8(base, at, end);
	bool fits;

	if (len < 20 || there < 4 || (w & 0xff) > 3)
		return TO_CLASS_NONE;
	fits = to_head16(w, 2) + 20 <= len;
	if (fits && there >= 28 &&
	    to_get8(base, at + 20, end) == to_word("\x00\x0f\x00\x04\x72\xc6\x4b\xc6", 8))
		return TO_CLASS_MS_TURN;
	if (there >= 8 && __builtin_bswap32((uint32_t)(w >> 32)) == TO_STUN_COOKIE)
		return fits || !whole ? TO_CLASS_STUN : TO_CLASS_NONE;
	return to_stun_classic(base, at, len, there);
}

TO_INLINE uint32_t to_stun_of(const struct to_bytes *b, bool whole)
{
	return to_class_stun(b->base, b->at, b->len, b->there, whole);
}

TO_INLINE bool to_is_channel(const struct to_bytes *b, uint64_t w, enum to_proto proto)
{
	uint32_t size = 4 + to_head16(w, 2);

	if (b->there < 4)
		return false;
	if (proto == TO_UDP)
		return size <= b->len && b->len <= size + 3;
	return b->len == ((size + 3) & ~3u);
}

TO_INLINE bool to_is_dtls(const struct to_bytes *b, uint64_t w)
{
	uint32_t version = to_head16(w, 1);

	if (to_head1(w, 0) < 20 || to_head1(w, 0) > 25 || b->len < 13)
		return false;
	if (version != 0xfeff && version != 0xfefd && version != 0x0100)
		return false;
	if (to_head1(w, 0) == 25) /* RFC 9146: a connection id lies before the length */
		return b->there >= 3;
	return b->there >= 13 && 13 + to_get16(b->base, b->at + 11, to_end(b)) <= b->len;
}

TO_INLINE bool to_is_rtcp_type(uint8_t type, bool media)
{
	return media ? type >= 192 && type <= 223 : type >= 200 && type <= 207;
}

/* Both of the following: the caller knows that b0 is 0x80 to 0xbf. */
TO_INLINE bool to_is_rtcp(const struct to_bytes *b, uint64_t w, bool media)
{
	return b->len >= 8 && b->there >= 4 && to_is_rtcp_type(to_head1(w, 1), media) &&
	       4 * (1 + to_head16(w, 2)) <= b->len;
}

TO_INLINE bool to_is_rtp(const struct to_bytes *b, uint64_t w)
{
	uint32_t header = 12 + 4 * (to_head1(w, 0) & 15);

	if (b->there < 2 || b->len < header || (to_head1(w, 1) >= 192 && to_head1(w, 1) <= 223))
		return false;
	if (!(to_head1(w, 0) & 0x10))
		return true;
	return b->there >= header + 4 &&
	       header + 4 + 4 * to_get16(b->base, b->at + header + 2, to_end(b)) <= b->len;
}

TO_INLINE bool to_rtp_candidate(const struct to_bytes *b)
{
	uint64_t w = to_head(b);

	return b->there && to_head1(w, 0) >> 6 == 2 && to_is_rtp(b, w);
}

TO_INLINE enum to_class to_class_media(const struct to_bytes *b, uint64_t w, bool media)
{
	if (to_is_rtcp(b, w, media))
		return TO_CLASS_RTCP;
	return media && to_is_rtp(b, w) ? TO_CLASS_RTP : TO_CLASS_NONE;
}

/* FF 10, length, eight bytes of session, then STUN. */
TO_INLINE bool to_is_multiplex(const struct to_bytes *b, uint64_t w, enum to_proto proto)
{
	uint32_t size = 4 + to_head16(w, 2);
	struct to_bytes inner;

	if (to_head16(w, 0) != 0xff10 || b->len < 32 || b->there < 4 || size < 32)
		return false;
	if (proto == TO_UDP ? size != b->len : size > b->len)
		return false;
	inner = to_bytes_from(b, 12, size - 12);
	return to_stun_of(&inner, true) != TO_CLASS_NONE;
}

/* RFC 9000, 17.2 and the versions that are or were in use, and those that only grease. */
TO_INLINE bool to_is_quic_long(const struct to_bytes *b, uint64_t w)
{
	uint32_t version = __builtin_bswap32((uint32_t)(w >> 8));

	if (b->len < 7 || b->there < 6 || to_head1(w, 5) > 20)
		return false;
	return version <= 1 || version == 0x6b3343cf || version >> 8 == 0xff0000 ||
	       version >> 24 == 'Q' || version >> 24 == 'T' || version >> 8 == 0xfaceb0 ||
	       (version & 0x0f0f0f0f) == 0x0a0a0a0a;
}

/* [MS-TURN]: the two hellos with which its TCP streams pretend to be TLS. */
TO_INLINE bool to_is_pseudo_tls(const struct to_bytes *b, uint64_t w)
{
	uint32_t end = to_end(b);
	uint64_t second = to_get8(b->base, b->at + 8, end);

	if (w == to_word("\x16\x03\x01\x00\x2d\x01\x00\x00", 8))
		return b->there >= 50 && TO_STARTS(second, "\x29\x03\x01") &&
		       TO_STARTS(to_get8(b->base, b->at + 43, end), "\x00\x00\x02\x00\x18\x01\x00");
	if (w == to_word("\x16\x03\x01\x00\x4e\x02\x00\x00", 8))
		return b->there >= 83 && TO_STARTS(second, "\x46\x03\x01") &&
		       to_get1(b->base, b->at + 43, end) == 0x20 &&
		       TO_STARTS(to_get8(b->base, b->at + 76, end), "\x00\x18\x00\x0e\x00\x00\x00");
	return false;
}

TO_INLINE bool to_is_tls(const struct to_bytes *b, uint64_t w)
{
	uint32_t size = to_head16(w, 3);

	return to_head1(w, 1) == 3 && to_head1(w, 2) <= 4 && b->there >= 5 && size >= 1 &&
	       size <= TO_TLS_RECORD;
}

/* What a frame of a stream holds: STUN if it begins there, the rest if it fills the segment. */
TO_INLINE enum to_class to_class_frame(const struct to_bytes *b, uint32_t skip, uint32_t size,
				       bool media)
{
	struct to_bytes inner = to_bytes_from(b, skip, size);
	uint64_t w = to_head(&inner);
	uint32_t class = to_stun_of(&inner, true);

	if (class != TO_CLASS_NONE || skip + size != b->len || !inner.there)
		return (enum to_class) class;
	if (to_is_dtls(&inner, w))
		return TO_CLASS_DTLS;
	return to_head1(w, 0) >> 6 == 2 ? to_class_media(&inner, w, media) : TO_CLASS_NONE;
}

/* STUN on TCP: bare, in pseudo-TLS framing, in RFC 4571 framing. */
TO_APART uint32_t to_class_framed(to_base base, uint32_t at, uint32_t len, uint32_t there,
				  uint32_t media)
{
	struct to_bytes b = {.base = base, .at = at, .len = len, .there = there};
	uint64_t w = to_get8(base, at, at + there);
	uint32_t class = to_stun_of(&b, false);
	uint32_t size = to_head16(w, 2);

	if (class != TO_CLASS_NONE)
		return class;
	if (there >= 4 && (to_head16(w, 0) == 0x0200 || to_head16(w, 0) == 0x0300) && size >= 8 &&
	    4 + size <= len)
		class = to_class_frame(&b, 4, size, media);
	size = to_head16(w, 0);
	if (class == TO_CLASS_NONE && there >= 2 && size >= 8 && 2 + size <= len)
		class = to_class_frame(&b, 2, size, media);
	return class;
}

/* Does the text at `off` begin with the literal of at most 16 characters? */
#define TO_TEXT_IS(w, s)                                                                           \
	(sizeof(s) - 1 <= 8 ? TO_STARTS((w)[0], s)                                                 \
			    : (w)[0] == to_word(s, 8) && to_text_rest((w)[1], s, sizeof(s) - 1))

TO_INLINE bool to_text_rest(uint64_t w, const char *s, uint32_t n)
{
	uint32_t first = n > 8 ? 8 : n, rest = n - first;

	return (w & TO_LOW_BYTES(rest)) == to_word(s + first, rest);
}

TO_INLINE bool to_is_xmpp(const uint64_t w[2])
{
	return TO_TEXT_IS(w, "<?xml ") || TO_TEXT_IS(w, "<stream:") || TO_TEXT_IS(w, "</stream:") ||
	       TO_TEXT_IS(w, "<iq ") || TO_TEXT_IS(w, "<message ") || TO_TEXT_IS(w, "<message>") ||
	       TO_TEXT_IS(w, "<presence ") || TO_TEXT_IS(w, "<presence>") ||
	       TO_TEXT_IS(w, "<presence/") || TO_TEXT_IS(w, "<starttls ") ||
	       TO_TEXT_IS(w, "<proceed ") || TO_TEXT_IS(w, "<auth ") ||
	       TO_TEXT_IS(w, "<success ") || TO_TEXT_IS(w, "<challenge ") ||
	       TO_TEXT_IS(w, "<response ") || TO_TEXT_IS(w, "<db:");
}

TO_INLINE bool to_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* `SIP/2.0 nnn`, and what may follow it. */
TO_INLINE bool to_is_sip_answer(const uint64_t w[2])
{
	uint8_t after = to_head1(w[1], 3);

	return TO_STARTS_NOCASE(w[0], "sip/2.0 ") && to_head1(w[1], 0) >= '1' &&
	       to_head1(w[1], 0) <= '6' && to_is_digit(to_head1(w[1], 1)) &&
	       to_is_digit(to_head1(w[1], 2)) && (after == ' ' || after == '\r' || after == '\n');
}

/* `HTTP/n.n` */
TO_INLINE bool to_is_http_version(uint64_t w)
{
	return TO_STARTS(w, "HTTP/") && to_is_digit(to_head1(w, 5)) && to_head1(w, 6) == '.' &&
	       to_is_digit(to_head1(w, 7));
}

/* A request line too long for the window, or cut. */
TO_INLINE bool to_is_http_begun(uint64_t w)
{
	return TO_STARTS(w, "GET /") || TO_STARTS(w, "GET h") || TO_STARTS(w, "HEAD /") ||
	       TO_STARTS(w, "HEAD h") || TO_STARTS(w, "POST /") || TO_STARTS(w, "POST h") ||
	       TO_STARTS(w, "PUT /") || TO_STARTS(w, "PUT h") || TO_STARTS(w, "DELETE /") ||
	       TO_STARTS(w, "DELETE h") || TO_STARTS(w, "PATCH /") || TO_STARTS(w, "PATCH h");
}

/* `METHOD SP … SP version`: the window is [s, end). */
TO_INLINE enum to_class to_class_request(to_base base, uint32_t s, uint32_t end, uint64_t w)
{
	uint32_t limit = s + TO_TEXT_METHOD + 1;
	uint32_t method = to_skip(base, s, limit < end ? limit : end, TO_SET_TOKEN);
	uint32_t lf, line;

	if (method == s || method >= end || method - s > TO_TEXT_METHOD ||
	    to_get1(base, method, end) != ' ')
		return TO_CLASS_NONE;
	lf = to_find_lf(base, s, end);
	if (lf >= end)
		return to_is_http_begun(w) ? TO_CLASS_HTTP : TO_CLASS_NONE;
	line = lf > s && to_get1(base, lf - 1, lf) == '\r' ? lf - 1 : lf;
	line = to_trim(base, method, line);
	if (line < method + 9)
		return TO_CLASS_NONE;
	if (to_is_blank(to_get1(base, line - 8, line)) &&
	    TO_STARTS_NOCASE(to_get8(base, line - 7, line), "sip/2.0"))
		return TO_CLASS_SIP;
	if (line >= method + 10 && to_is_blank(to_get1(base, line - 9, line)) &&
	    to_is_http_version(to_get8(base, line - 8, line)))
		return TO_CLASS_HTTP;
	return TO_CLASS_NONE;
}

TO_APART uint32_t to_class_text(to_base base, uint32_t at, uint32_t there, uint32_t proto)
{
	uint32_t end = at + there, lead, s;
	uint64_t w[2];

	lead = there > TO_TEXT_LEAD + 1 ? at + TO_TEXT_LEAD + 1 : end;
	s = to_skip(base, at, lead, TO_SET_CRLF);
	if (s - at > TO_TEXT_LEAD || s >= end)
		return TO_CLASS_NONE;
	if (end - s > TO_TEXT_WINDOW)
		end = s + TO_TEXT_WINDOW;
	w[0] = to_get8(base, s, end);
	w[1] = to_get8(base, s + 8, end);
	if (to_is_sip_answer(w))
		return TO_CLASS_SIP;
	if (to_is_http_version(w[0]) && to_head1(w[1], 0) == ' ' && to_is_digit(to_head1(w[1], 1)))
		return TO_CLASS_HTTP;
	if (proto == TO_TCP && to_head1(w[0], 0) == '<')
		return to_is_xmpp(w) ? TO_CLASS_XMPP : TO_CLASS_NONE;
	return to_class_request(base, s, end, w[0]);
}

TO_INLINE enum to_class to_classify_udp(const struct to_bytes *b, uint64_t w, bool media)
{
	switch (to_head1(w, 0)) {
	case 0x00 ... 0x03:
		return (enum to_class)to_stun_of(b, true);
	case 0x10 ... 0x13:
		return b->len >= 12 && w >> 32 == to_word("ZRTP", 4) ? TO_CLASS_ZRTP
								     : TO_CLASS_NONE;
	case 0x14 ... 0x19:
		return to_is_dtls(b, w) ? TO_CLASS_DTLS : TO_CLASS_NONE;
	case 0x40 ... 0x4f:
		return to_is_channel(b, w, TO_UDP) ? TO_CLASS_TURN_CHANNEL : TO_CLASS_NONE;
	case 0x80 ... 0xbf:
		return to_class_media(b, w, media);
	case 0xc0 ... 0xff:
		if (to_is_multiplex(b, w, TO_UDP))
			return TO_CLASS_MS_TURN;
		return to_is_quic_long(b, w) ? TO_CLASS_QUIC : TO_CLASS_NONE;
	default:
		return TO_CLASS_NONE;
	}
}

TO_INLINE enum to_class to_classify_tcp(const struct to_bytes *b, uint64_t w, bool media)
{
	uint8_t b0 = to_head1(w, 0);

	if (b0 >= 0x14 && b0 <= 0x18 && to_is_tls(b, w))
		return to_is_pseudo_tls(b, w) ? TO_CLASS_PSEUDO_TLS : TO_CLASS_TLS;
	if (b0 >= 0x40 && b0 <= 0x4f && to_is_channel(b, w, TO_TCP))
		return TO_CLASS_TURN_CHANNEL;
	if (b0 == 0xff && to_is_multiplex(b, w, TO_TCP))
		return TO_CLASS_MS_TURN;
	return (enum to_class)to_class_framed(b->base, b->at, b->len, b->there, media);
}

/* RFC 7983, RFC 9443: only where media is expected. */
TO_INLINE enum to_class to_class_demux(const struct to_bytes *b, uint8_t b0)
{
	if (b0 >= 32 && b0 <= 63 && !(b0 & 0x10) && b->len >= 18)
		return TO_CLASS_DTLS;
	return b0 >= 80 && b0 <= 127 && b->len >= 21 ? TO_CLASS_QUIC : TO_CLASS_UNKNOWN;
}

/* Can text begin with it? Text is US-ASCII, and a start line's first byte is printable. */
TO_INLINE bool to_is_text(uint8_t b0)
{
	return b0 == '\r' || b0 == '\n' || (b0 > ' ' && b0 < 0x7f);
}

/* `media`: the service is one where media is expected (kind turn or media). */
TO_INLINE enum to_class to_classify(const struct to_bytes *b, enum to_proto proto, bool media)
{
	uint64_t w = to_head(b);
	uint8_t b0 = to_head1(w, 0);
	uint32_t class;

	if (TO_UNLIKELY(!b->there))
		return b->len ? TO_CLASS_UNKNOWN : TO_CLASS_NONE;
	if (TO_UNLIKELY(b->len <= TO_KEEPALIVE) && to_is_keepalive(b))
		return TO_CLASS_KEEPALIVE;
	class = proto == TO_UDP ? to_classify_udp(b, w, media) : to_classify_tcp(b, w, media);
	if (class == TO_CLASS_NONE && to_is_text(b0))
		class = to_class_text(b->base, b->at, b->there, proto);
	if (class != TO_CLASS_NONE)
		return (enum to_class) class;
	return media && proto == TO_UDP ? to_class_demux(b, b0) : TO_CLASS_UNKNOWN;
}

#endif
