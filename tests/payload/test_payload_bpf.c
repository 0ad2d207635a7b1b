/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The readers as a BPF program in the running kernel: its verifier accepts them, and they answer
 * like those on the host, for every message whole and cut at every place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "messages.h"
#include "payload_result.h"

#include "payload.skel.h" /* uses the types above */

#define EXIT_SKIP       77
#define VERIFIER_BUDGET 300000 /* of the kernel's 1,000,000: the rest is the decision's */
#define FRAME_MAX       (PAYLOAD_AT + 2048)

static struct payload_bpf *skel;

static bool bpf_permitted(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	long fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd < 0)
		return errno != EPERM && errno != ENOSYS;
	close((int)fd);
	return true;
}

static uint32_t verified(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size), 0);
	return info.verified_insns;
}

static void test_verifier_budget(void **state)
{
	struct bpf_program *prog;
	uint32_t sum = 0;

	(void)state;
	bpf_object__for_each_program(prog, skel->obj)
	{
		uint32_t n = verified(prog);

		print_message("%s: %u instructions verified\n", bpf_program__name(prog), n);
		assert_in_range(n, 1, VERIFIER_BUDGET);
		sum += n;
	}
	assert_in_range(sum, 1, VERIFIER_BUDGET);
}

static void run(const struct bpf_program *prog, const uint8_t *frame, uint32_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size, .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), 0);
	assert_int_equal(opts.retval, XDP_PASS);
}

static void answer_host(const uint8_t *frame, uint32_t size, const struct payload_question *q,
			struct payload_result *r)
{
	struct to_bytes b = to_bytes_of(frame, size, PAYLOAD_AT, q->len);

	memset(r, 0, sizeof(*r));
	r->class = to_classify(&b, q->tcp ? TO_TCP : TO_UDP, q->media);
	r->begins = to_stun_begins_flow(&b);
	r->client_hello = to_dtls_is_client_hello(&b);
	to_sip_read(&b, q->salt, &r->sip);
	to_sdp_read(&b, r->sip.body, &r->claims);
	to_stun_read(&b, &r->stun);
}

/* `len` bytes of a payload that the headers say has `m->len`. */
static void compare(const struct message *m, uint32_t len)
{
	uint8_t frame[FRAME_MAX] = {[12] = 0x08, [14] = 0x45, [23] = 17};
	struct payload_question q = {.salt = MESSAGE_SALT,
				     .len = (uint32_t)m->len,
				     .tcp = m->proto == TO_TCP,
				     .media = m->media};
	struct payload_result host;
	uint32_t size = PAYLOAD_AT + len;

	memcpy(frame + PAYLOAD_AT, m->bytes, len);
	answer_host(frame, size, &q, &host);
	skel->bss->question = q;
	memset(&skel->bss->result, 0xee, sizeof(skel->bss->result));
	skel->bss->result.reserved = 0;
	run(skel->progs.read_class, frame, size);
	run(skel->progs.read_sip, frame, size);
	run(skel->progs.read_stun, frame, size);
	if (memcmp(&host, &skel->bss->result, sizeof(host)))
		fail_msg("%s, %u bytes: class %u and %u in the kernel, sip flags %u and %u",
			 m->name, len, host.class, skel->bss->result.class, host.sip.flags,
			 skel->bss->result.sip.flags);
}

static void test_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++)
		compare(&messages[i], (uint32_t)messages[i].len);
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++)
		for (uint32_t len = 0; len < messages[i].len; len++)
			compare(&messages[i], len);
}

/* Bytes at random, and messages with a few bytes changed: the same answers. */
static void test_random(void **state)
{
	static char bytes[2000];
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		const struct message *base = &messages[round % message_count];
		struct message m = *base;

		memcpy(bytes, base->bytes, base->len);
		for (size_t i = 0; i < 1 + base->len / 64 && base->len; i++) {
			seed = to_mix(seed + 0x9e3779b97f4a7c15ULL);
			/* a separator, or any byte at all */
			bytes[seed % base->len] = ";, \r\n:=\t"[seed >> 32 & 7];
			if (seed >> 40 & 1)
				bytes[seed % base->len] = (char)(seed >> 32);
		}
		m.bytes = bytes;
		compare(&m, (uint32_t)m.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verifier_budget),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_random),
	};
	int rc;

	if (!bpf_permitted()) {
		fprintf(stderr, "skipped: bpf() is not permitted\n");
		return EXIT_SKIP;
	}
	skel = payload_bpf__open_and_load();
	if (!skel) {
		fprintf(stderr, "the kernel refused the program: %s\n", strerror(errno));
		return 1;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	payload_bpf__destroy(skel);
	return rc;
}
