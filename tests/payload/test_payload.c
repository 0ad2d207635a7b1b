/* SPDX-License-Identifier: BSD-3-Clause */
/* The payload readers on the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "messages.h"

#define OPTIONS_LINE "OPTIONS sip:a@example.com SIP/2.0\r\n"

/* Exactly as long as the payload, so that the sanitizers see a byte too many. */
static uint8_t *exact(const struct message *m, size_t len, struct to_bytes *b)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, m->bytes, len);
	*b = to_bytes_of(copy, (uint32_t)len, 0, (uint32_t)m->len);
	return copy;
}

/* h0 as docs/state.md, section 6 writes it. */
static uint64_t reference_h0(const char *s, uint64_t salt)
{
	size_t len = strlen(s);
	uint64_t h = salt;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = 0;

		for (size_t k = 0; k < 8 && i + k < len; k++)
			word += (uint64_t)(uint8_t)s[i + k] << (8 * k);
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return to_mix(h ^ len);
}

static void assert_id(const char *name, const char *expected, bool has, const uint64_t h[2])
{
	if (has != (expected != NULL))
		fail_msg("%s: id %s", name, has ? "read" : "not read");
	if (!expected)
		return;
	if (h[0] != reference_h0(expected, MESSAGE_SALT))
		fail_msg("%s: the id is not '%s'", name, expected);
	assert_int_not_equal(h[1], 0);
}

static void test_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];
		struct to_bytes b;
		uint8_t *p = exact(m, m->len, &b);
		enum to_class class = to_classify(&b, m->proto, m->media);

		if (class != m->class)
			fail_msg("%s: class %d, not %d", m->name, class, m->class);
		free(p);
	}
}

static void test_sip(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];
		const char *body = m->body;
		struct to_sip sip, brief;
		struct to_bytes b;
		uint8_t *p;

		if (m->class != TO_CLASS_SIP)
			continue;
		p = exact(m, m->len, &b);
		if (!to_sip_read(&b, MESSAGE_SALT, &sip))
			fail_msg("%s: not read", m->name);
		if (sip.flags != m->flags || sip.method != m->method || sip.status != m->status)
			fail_msg("%s: flags %d method %d status %d", m->name, sip.flags, sip.method,
				 sip.status);
		assert_id(m->name, m->call_id, sip.flags & TO_SIP_CALL_ID, sip.call_id);
		assert_id(m->name, m->branch, sip.flags & TO_SIP_BRANCH, sip.branch);
		if (!body != !sip.body ||
		    (body && strncmp(m->bytes + sip.body, body, strlen(body))))
			fail_msg("%s: body at %d", m->name, sip.body);
		to_sip_read_brief(&b, MESSAGE_SALT, &brief);
		sip.body = brief.body;
		assert_memory_equal(&brief, &sip, sizeof(sip));
		free(p);
	}
}

static void test_stun(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];
		struct to_stun stun;
		struct to_bytes b;
		char text[64] = "";
		uint8_t *p;

		if (!m->type)
			continue;
		p = exact(m, m->len, &b);
		assert_true(to_stun_read(&b, &stun));
		if (stun.type != m->type || stun.ms != m->ms ||
		    stun.has_lifetime != (m->lifetime != 0) || stun.lifetime != m->lifetime)
			fail_msg("%s: type %x ms %d lifetime %u", m->name, stun.type, stun.ms,
				 stun.lifetime);
		if (stun.has_relayed != (m->relayed != NULL))
			fail_msg("%s: relayed %d", m->name, stun.has_relayed);
		if (m->relayed) {
			if (to_addr_is_v4(&stun.relayed))
				inet_ntop(AF_INET, &stun.relayed.w[3], text, sizeof(text));
			else
				inet_ntop(AF_INET6, &stun.relayed, text, sizeof(text));
			assert_string_equal(text, m->relayed);
			assert_int_equal(stun.relayed_port, m->relayed_port);
		}
		if (to_stun_begins_flow(&b) != m->begins)
			fail_msg("%s: begins a flow: %d", m->name, !m->begins);
		free(p);
	}
}

static void test_dtls(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];
		struct to_bytes b;
		uint8_t *p;

		if (m->class != TO_CLASS_DTLS)
			continue;
		p = exact(m, m->len, &b);
		if (to_dtls_is_client_hello(&b) != m->begins)
			fail_msg("%s: is a ClientHello: %d", m->name, !m->begins);
		free(p);
	}
}

static void print_claims(const struct to_claims *claims, char *out, size_t size)
{
	char text[64];
	size_t n = 0;

	out[0] = 0;
	for (uint32_t i = 0; i < claims->n; i++) {
		const union to_addr *a = &claims->c[i].addr;

		if (to_addr_is_v4(a))
			inet_ntop(AF_INET, &a->w[3], text, sizeof(text));
		else
			inet_ntop(AF_INET6, a, text, sizeof(text));
		n += (size_t)snprintf(out + n, size - n, "%s%s %u", i ? "," : "", text,
				      claims->c[i].port);
	}
}

static void test_sdp(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];
		struct to_claims claims;
		struct to_sip sip;
		struct to_bytes b;
		char text[1024];
		uint8_t *p;

		if (m->class != TO_CLASS_SIP)
			continue;
		p = exact(m, m->len, &b);
		assert_true(to_sip_read(&b, MESSAGE_SALT, &sip));
		to_sdp_read(&b, sip.body, &claims);
		print_claims(&claims, text, sizeof(text));
		if (strcmp(text, m->claims ? m->claims : ""))
			fail_msg("%s: claims %s", m->name, text);
		free(p);
	}
}

/* A capture may cut a packet anywhere: nothing behind the cut is read, and nothing is made up. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];

		for (size_t len = 0; len < m->len; len++) {
			struct to_claims claims;
			struct to_stun stun;
			struct to_sip sip;
			struct to_bytes b;
			uint8_t *p = exact(m, len, &b);
			enum to_class class = to_classify(&b, m->proto, m->media);

			if (len == 0)
				assert_int_equal(class, TO_CLASS_UNKNOWN);
			if (class == TO_CLASS_SIP && m->class != TO_CLASS_SIP)
				fail_msg("%s: SIP when cut to %zu", m->name, len);
			to_sip_read(&b, MESSAGE_SALT, &sip);
			to_sdp_read(&b, sip.body, &claims);
			to_stun_read(&b, &stun);
			to_dtls_is_client_hello(&b);
			free(p);
		}
	}
}

/* The same id through every form it can have, and another salt. */
static void test_same_id(void **state)
{
	static const char *const forms[] = {
		OPTIONS_LINE "Call-ID: one@example.com\r\n\r\n",
		OPTIONS_LINE "i:one@example.com\r\n\r\n",
		OPTIONS_LINE "CALL-ID\t:\r\n\tone@example.com\r\n \r\n\r\n",
		OPTIONS_LINE "call-id: one@example.com\nX: y\n\n",
	};
	struct to_sip sip, first = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint32_t len = (uint32_t)strlen(forms[i]);
		struct to_bytes b = to_bytes_of((const uint8_t *)forms[i], len, 0, len);

		assert_true(to_sip_read(&b, 1, &sip));
		assert_true(sip.flags & TO_SIP_CALL_ID);
		if (i == 0)
			first = sip;
		assert_memory_equal(sip.call_id, first.call_id, sizeof(sip.call_id));
		assert_true(to_sip_read(&b, 2, &sip));
		assert_int_not_equal(sip.call_id[0], first.call_id[0]);
		assert_int_not_equal(sip.call_id[1], first.call_id[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class),   cmocka_unit_test(test_sip),
		cmocka_unit_test(test_stun),    cmocka_unit_test(test_dtls),
		cmocka_unit_test(test_sdp),     cmocka_unit_test(test_cut),
		cmocka_unit_test(test_same_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
