/* SPDX-License-Identifier: BSD-3-Clause */
#include "sip_options.h"

#include <stdio.h>
#include <string.h>

#include <turnout/sip.h>

#define MAX_LINES 256

static void hex(const uint8_t *bytes, size_t count, char *out)
{
	for (size_t i = 0; i < count; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static const char *uri_transport(const char *transport)
{
	if (!strcmp(transport, "TLS"))
		return ";transport=tls";
	return strcmp(transport, "TCP") ? "" : ";transport=tcp";
}

/* An endpoint's address without its port. */
static int host_length(const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':');

	return colon ? (int)(colon - endpoint) : (int)strlen(endpoint);
}

size_t to_sip_options_write(struct to_sip_question *question, const uint8_t random[20],
			    const char *local, const char *remote, const char *transport, char *out,
			    size_t size)
{
	const char *uri = uri_transport(transport);
	char branch[17], tag[9];
	int n;

	hex(random, 8, question->call_id);
	question->call_id[16] = '\0';
	hex(random + 8, 4, tag);
	hex(random + 8, 8, branch);
	memcpy(&question->cseq, random + 16, sizeof(question->cseq));
	question->cseq = (question->cseq & 0x7ffffffe) + 1; /* RFC 3261, 8.1.1.5: below 2^31 */
	n = snprintf(out, size,
		     "OPTIONS sip:%s%s SIP/2.0\r\n"
		     "Via: SIP/2.0/%s %s;branch=z9hG4bK%s;rport\r\n"
		     "Max-Forwards: 70\r\n"
		     "From: <sip:turnout@%.*s>;tag=%s\r\n"
		     "To: <sip:%s%s>\r\n"
		     "Call-ID: %s\r\n"
		     "CSeq: %u OPTIONS\r\n"
		     "Contact: <sip:turnout@%s%s>\r\n"
		     "Accept: application/sdp\r\n"
		     "User-Agent: turnout\r\n"
		     "Content-Length: 0\r\n\r\n",
		     remote, uri, transport, local, branch, host_length(local), local, tag, remote,
		     uri, question->call_id, question->cseq, local, uri);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

/* Where the header's value begins and ends, without the blanks around it. */
static uint32_t value(const uint8_t *data, const struct to_sip_part *part, uint32_t *end)
{
	uint32_t from = to_skip(data, part->from, part->to, TO_SET_BLANK);

	*end = to_trim(data, from, part->to);
	return from;
}

static bool is_call_id(const struct to_sip_question *question, const uint8_t *data,
		       const struct to_sip_part *part)
{
	size_t length = strlen(question->call_id);
	uint32_t end, from = value(data, part, &end);

	return end - from == length && !memcmp(data + from, question->call_id, length);
}

static bool is_cseq(const struct to_sip_question *question, const uint8_t *data,
		    const struct to_sip_part *part)
{
	uint32_t end, from = value(data, part, &end), digits;
	char number[12];
	size_t length;

	length = (size_t)snprintf(number, sizeof(number), "%u", question->cseq);
	digits = to_skip(data, from, end, TO_SET_DIGIT) - from;
	if (digits != length || memcmp(data + from, number, length) != 0)
		return false;
	from = to_skip(data, from + digits, end, TO_SET_BLANK);
	return end - from == 7 && !memcmp(data + from, "OPTIONS", 7);
}

/* Three digits, 100 to 699; 0: no status. */
static uint16_t status_at(const uint8_t *data, uint32_t off, uint32_t end)
{
	if (to_skip(data, off, end, TO_SET_DIGIT) != off + 3 || data[off] < '1' || data[off] > '6')
		return 0;
	return (uint16_t)((data[off] - '0') * 100 + (data[off + 1] - '0') * 10 +
			  (data[off + 2] - '0'));
}

enum to_answer to_sip_options_read(const struct to_sip_question *question, const uint8_t *data,
				   size_t size, uint16_t *status)
{
	struct to_sip_walk w = {.end = size < TO_SIP_OPTIONS_MAX ? size : TO_SIP_OPTIONS_MAX,
				.wanted = UINT16_MAX}; /* to the body */
	uint32_t first = to_skip(data, 0, w.end, TO_SET_CRLF);
	struct to_sip sip = {0};

	if (w.end - first >= 8 && !TO_STARTS_NOCASE(to_get8(data, first, w.end), "sip/2.0 "))
		return TO_ANSWER_OTHER;
	if (!to_sip_start(data, &w, &sip))
		return TO_ANSWER_MORE;
	*status = status_at(data, first + 8, w.end);
	if (!(sip.flags & TO_SIP_RESPONSE) || !*status)
		return TO_ANSWER_OTHER;
	for (uint32_t i = 0; i < MAX_LINES && !to_sip_line(data, &w); i++)
		;
	if (!w.body)
		return TO_ANSWER_MORE;
	if (!is_call_id(question, data, &w.part[TO_SIP_H_CALL_ID]) ||
	    !is_cseq(question, data, &w.part[TO_SIP_H_CSEQ]))
		return TO_ANSWER_OTHER;
	return *status == 503 ? TO_ANSWER_FAILING : TO_ANSWER_ALIVE;
}
