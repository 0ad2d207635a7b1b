/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <strings.h>
#include <turnout/hash.h>
#include <turnout/types.h>

#include "replay_reader.h"

struct text {
	const char *p;
	uint32_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool begins(struct text t, const char *with)
{
	return t.len >= strlen(with) && memcmp(t.p, with, strlen(with)) == 0;
}

static struct text trim(struct text t)
{
	while (t.len && (is_blank(*t.p) || *t.p == '\r' || *t.p == '\n')) {
		t.p++;
		t.len--;
	}
	while (t.len &&
	       (is_blank(t.p[t.len - 1]) || t.p[t.len - 1] == '\r' || t.p[t.len - 1] == '\n'))
		t.len--;
	return t;
}

/* Cuts the next line off *rest, with the lines folded into it (RFC 3261, 7.3.1). A line that does
 * not end is none. */
static struct text next_line(struct text *rest, uint32_t *lines)
{
	struct text line = {rest->p, 0};

	while (line.len < rest->len) {
		const char *nl = memchr(rest->p + line.len, '\n', rest->len - line.len);

		++*lines;
		if (!nl)
			break;
		line.len = (uint32_t)(nl - rest->p) + 1;
		if (line.len >= rest->len || !is_blank(rest->p[line.len]))
			break;
	}
	rest->p += line.len;
	rest->len = line.len ? rest->len - line.len : 0;
	return line;
}

/* The value of the header `line` if it is called `name` (or, in short, `compact`). */
static bool header_is(struct text line, const char *name, char compact, struct text *value)
{
	const char *colon = memchr(line.p, ':', line.len);
	struct text n;

	if (!colon)
		return false;
	n = trim((struct text){line.p, (uint32_t)(colon - line.p)});
	if (!(n.len == strlen(name) && strncasecmp(n.p, name, n.len) == 0) &&
	    !(compact && n.len == 1 && (n.p[0] | 0x20) == compact))
		return false;
	*value = trim((struct text){colon + 1, line.len - (uint32_t)(colon + 1 - line.p)});
	return true;
}

static bool is(struct text t, const char *word)
{
	return t.len == strlen(word) && memcmp(t.p, word, t.len) == 0;
}

static enum to_call_method method_of(struct text t)
{
	if (is(t, "INVITE"))
		return TO_CALL_INVITE;
	if (is(t, "SUBSCRIBE"))
		return TO_CALL_SUBSCRIBE;
	return is(t, "BYE") ? TO_CALL_BYE : TO_CALL_OTHER;
}

/* The text up to the first blank, or what follows it. */
static struct text word(struct text t, bool first)
{
	uint32_t n = 0;

	while (n < t.len && !is_blank(t.p[n]))
		n++;
	return first ? (struct text){t.p, n} : trim((struct text){t.p + n, t.len - n});
}

/* The first Call-ID and the first CSeq count. */
static void read_header(struct text line, struct to_call *call, bool *have_id, bool *have_cseq)
{
	struct text v;

	if (!*have_id && header_is(line, "call-id", 'i', &v)) {
		*have_id = true;
		if (!v.len || v.len > TO_SIP_MAX_ID)
			return;
		call->id[0] = to_fnv(v.p, v.len);
		call->id[1] = to_mix(call->id[0] ^ v.len) ^ to_fnv(v.p + 1, v.len - 1);
	} else if (!*have_cseq && header_is(line, "cseq", 0, &v)) {
		*have_cseq = true;
		if (call->status)
			call->method = method_of(word(word(v, false), true));
	}
}

void to_read_call(const uint8_t *payload, uint32_t len, struct to_call *call)
{
	struct text rest = {(const char *)payload, len < TO_SIP_MAX_BYTES ? len : TO_SIP_MAX_BYTES};
	uint32_t lines = 0;
	bool have_id = false, have_cseq = false;
	struct text line;

	*call = (struct to_call){0};
	while (rest.len && (*rest.p == '\r' || *rest.p == '\n')) {
		rest.p++;
		rest.len--;
	}
	line = next_line(&rest, &lines);
	if (begins(line, "SIP/2.0 ") && line.len >= 11)
		call->status = (uint16_t)((line.p[8] - '0') * 100 + (line.p[9] - '0') * 10 +
					  (line.p[10] - '0'));
	else if (memmem(line.p, line.len, " SIP/2.0", 8))
		call->method = method_of(word(line, true));
	else
		return;
	while (rest.len && lines < TO_SIP_MAX_LINES) {
		line = next_line(&rest, &lines);
		if (trim(line).len == 0)
			break;
		read_header(line, call, &have_id, &have_cseq);
	}
}

bool to_read_lifetime(const uint8_t *payload, uint32_t len, uint32_t *seconds)
{
	uint32_t type, end, at = 20;

	if (len < 20)
		return false;
	type = to_load16(payload);
	end = 20u + to_load16(payload + 2);
	if ((type != 0x0103 && type != 0x0104) || to_load32(payload + 4) != 0x2112a442 || end > len)
		return false;
	*seconds = TO_TURN_LIFETIME;
	while (at + 4 <= end) {
		uint32_t size = to_load16(payload + at + 2);

		if (to_load16(payload + at) == 0x000d && size == 4 && at + 8 <= end)
			*seconds = to_load32(payload + at + 4);
		at += 4 + (size + 3) / 4 * 4;
	}
	return true;
}
