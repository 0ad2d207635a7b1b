/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whatever an edge answers to a health check, its readers stay inside it, and only an answer to the
 * question counts as one. The first byte of the input chooses the reader: 0 SIP, 1 STUN, 2 a
 * certificate (DER). Each question is always the same, so that inputs can answer it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool judged(enum to_answer answer)
{
	return answer == TO_ANSWER_ALIVE || answer == TO_ANSWER_FAILING;
}

/* A stream's answer, once it is one, stays what it is however much follows. */
static void check_cut(const struct to_sip_question *question, const uint8_t *data, size_t size,
		      size_t cut)
{
	uint16_t status, again;
	enum to_answer whole = to_sip_options_read(question, data, size, &status);
	enum to_answer part = to_sip_options_read(question, data, cut, &again);

	check(part == TO_ANSWER_MORE || (part == whole && (!judged(part) || status == again)));
}

static void check_sip(const uint8_t *data, size_t size)
{
	struct to_sip_question question;
	static const uint8_t random[20];
	char request[1024];
	uint16_t status;
	enum to_answer answer;

	check(to_sip_options_write(&question, random, "192.0.2.1:5060", "192.0.2.2:5060", "TCP",
				   request, sizeof(request)));
	answer = to_sip_options_read(&question, data, size, &status);
	if (judged(answer)) {
		check(status >= 100 && status <= 699);
		check((answer == TO_ANSWER_FAILING) == (status == 503));
		check(memmem(data, size, question.call_id, strlen(question.call_id)));
	}
	for (size_t cut = 1; cut < size; cut += 1 + cut / 4)
		check_cut(&question, data, size, cut);
}

static void check_stun(const uint8_t *data, size_t size)
{
	static const uint8_t random[12];
	struct to_stun_question question;
	uint8_t request[TO_STUN_HEADER];
	enum to_answer answer;
	uint16_t code;

	to_stun_binding_write(&question, random, request);
	answer = to_stun_binding_read(&question, data, size, &code);
	check(answer != TO_ANSWER_MORE);
	if (!judged(answer))
		return;
	check(size >= TO_STUN_HEADER && !memcmp(data + 4, request + 4, 16));
	check(!code || (code >= 300 && code <= 699));
	check(answer == TO_ANSWER_ALIVE || code);
}

static bool printable(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return length < room;
}

static void check_certificate(const uint8_t *data, size_t size)
{
	struct to_check asked = {.target = {.fqdn = "sip.contoso.com", .port = 443}};
	const unsigned char *at = data;
	X509 *x = d2i_X509(NULL, &at, (long)size);
	const struct to_health_certificate *c;

	if (!x)
		return;
	to_certificate_see(&asked, x, NULL);
	c = asked.certificate;
	check(c && printable(c->subject, sizeof(c->subject)) &&
	      printable(c->names, sizeof(c->names)));
	free(asked.certificate);
	X509_free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *answer;

	if (!size)
		return 0;
	/* its own memory, so that one byte too far is seen */
	answer = malloc(size > 1 ? size - 1 : 1);
	if (!answer)
		return 0;
	memcpy(answer, data + 1, size - 1);
	if (data[0] % 3 == 0)
		check_sip(answer, size - 1);
	else if (data[0] % 3 == 1)
		check_stun(answer, size - 1);
	else
		check_certificate(answer, size - 1);
	free(answer);
	return 0;
}
