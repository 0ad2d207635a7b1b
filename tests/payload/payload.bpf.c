// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/* The payload readers as the kernel runs them: test_payload_bpf.c feeds it frames of Ethernet, IPv4
 * and UDP headers without options and compares what comes back with the host's answers. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <turnout/classify.h>
#include <turnout/sdp.h>
#include <turnout/sip.h>
#include <turnout/stun.h>

#include "payload_result.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct payload_question question;
struct payload_result result;

static __always_inline struct to_bytes payload_of(struct xdp_md *ctx)
{
	return to_bytes_of(ctx, ctx->data_end - ctx->data, PAYLOAD_AT, question.len);
}

SEC("xdp")
int read_class(struct xdp_md *ctx)
{
	struct to_bytes b = payload_of(ctx);

	result.class = to_classify(&b, question.tcp ? TO_TCP : TO_UDP, question.media);
	result.begins = to_stun_begins_flow(&b);
	result.client_hello = to_dtls_is_client_hello(&b);
	return XDP_PASS;
}

SEC("xdp")
int read_sip(struct xdp_md *ctx)
{
	struct to_bytes b = payload_of(ctx);

	to_sip_read(&b, question.salt, &result.sip);
	to_sdp_read(&b, result.sip.body, &result.claims);
	return XDP_PASS;
}

SEC("xdp")
int read_stun(struct xdp_md *ctx)
{
	struct to_bytes b = payload_of(ctx);

	to_stun_read(&b, &result.stun);
	return XDP_PASS;
}
