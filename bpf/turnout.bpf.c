/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * The XDP engine: parse, decide, rewrite, send. What it does is written in include/turnout/; here
 * are its maps (maps.h), its entries (entries.h), how frames leave (leave.h), and the order of it.
 *
 * Each packet is decided by one table, whole: `control.slot` is read once, into k->slot.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "turnout.h"

#include <turnout/engine.h>

#include "maps.h"

static inline const struct to_table *to_engine_table(to_engine *x, const struct to_packet *k)
{
	__u32 slot = k->slot;

	(void)x;
	return bpf_map_lookup_elem(&tables, &slot);
}

static inline const uint8_t *to_engine_data(to_engine *x, const uint8_t **end)
{
	*end = (const uint8_t *)(long)x->data_end;
	return (const uint8_t *)(long)x->data;
}

/* Bytes of the frame. The compiler must not keep one of the pointers in 32 bits. */
TO_INLINE uint32_t frame_length(to_engine *x)
{
	const uint8_t *data = (const uint8_t *)(long)x->data;
	const uint8_t *end = (const uint8_t *)(long)x->data_end;

	TO_OPAQUE(data);
	TO_OPAQUE(end);
	return end - data;
}

static inline struct to_bytes to_engine_payload(to_engine *x, const struct to_packet *k)
{
	return to_bytes_of(x, frame_length(x), k->payload, k->payload_len);
}

static inline struct to_claims *to_engine_claims(to_engine *x)
{
	__u32 zero = 0;

	(void)x;
	return bpf_map_lookup_elem(&claims, &zero);
}

static inline void to_engine_event(to_engine *x, enum to_event event)
{
	__u32 zero = 0;
	struct to_bpf_tally *n = bpf_map_lookup_elem(&tally, &zero);

	(void)x;
	if (n)
		n->events[event]++;
}

#include "entries.h"
#include "guard.h"

#include <turnout/decide.h>
#include <turnout/parse.h>

#include "leave.h"
#include "losses.h"
#include "reclaim.h"
#include "release.h"

TO_PART int to_parse_packet(to_engine *x, struct to_packet *k)
{
	const uint8_t *data, *end;

	TO_PART_CHECK(k);
	data = to_engine_data(x, &end);
	to_parse(data, end, k);
	return 0;
}

TO_INLINE void parse_packet(to_engine *x, struct to_packet *k)
{
	const uint8_t *end, *data = to_engine_data(x, &end);

	if (!to_parse_plain(data, end, k))
		to_parse_packet(x, k);
}

/* Is the frame addressed to this port, or to a router's shared address (VRRP, RFC 9568, 7.3)? What
 * only came by, in promiscuous mode or by flooding, is not ours to forward. */
TO_INLINE bool is_for_port(struct xdp_md *x, const struct to_bpf_port *port)
{
	const uint8_t *p, *end;

	p = to_engine_data(x, &end);
	if (p + TO_ETH_HEADER > end)
		return 0;
	if (to_raw32(p) == to_raw32(port->own) && to_raw16(p + 4) == to_raw16(port->own + 4))
		return true;
	return !p[0] && !p[1] && p[2] == 0x5e && !p[3] && (p[4] == 1 || p[4] == 2);
}

/* The loader's, in the program's own memory: nanoseconds that the machine has been suspended for,
 * by which CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC. */
__u64 slept_ns;

/* Seconds of CLOCK_BOOTTIME, as of the kernel's last tick: reading the time stamp counter costs
 * more than anything else that is done for a packet. */
TO_INLINE __u32 clock_seconds(void)
{
	return (__u32)((bpf_ktime_get_coarse_ns() + *(volatile __u64 *)&slept_ns) / NS_PER_S);
}

/* What a packet is decided by. False: it is the kernel's, whatever it is. */
TO_INLINE bool begin(struct xdp_md *x, struct to_packet *k)
{
	__u32 zero = 0, ifindex = x->ingress_ifindex;
	struct to_bpf_control *c = bpf_map_lookup_elem(&control, &zero);
	const struct to_table *table;
	struct to_bpf_port *port;

	if (!c)
		return false;
	k->slot = *(volatile __u32 *)&c->slot;
	table = to_engine_table(x, k);
	if (!table || !table->generation) /* there is none yet */
		return false;
	if (replay) {
		k->now = c->now;
		k->zone = c->zone;
		return true;
	}
	port = bpf_map_lookup_elem(&ports, &ifindex);
	if (!port || !is_for_port(x, port))
		return false;
	k->now = clock_seconds();
	k->zone = port->zone;
	return true;
}

TO_INLINE void count_packet(struct to_packet *k, uint32_t bytes)
{
	__u32 zero = 0, pair, cell, row;
	struct to_bpf_tally *n;
	struct to_bpf_row *r;
	__u16 *index;

	pair = to_bpf_pair(k->out.service, k->out.edge);
	cell = k->out.class * TO_REASON_COUNT + k->out.reason;
	index = bpf_map_lookup_elem(&rows, &pair);
	n = bpf_map_lookup_elem(&tally, &zero);
	if (!index || !n)
		return;
	row = *index;
	r = bpf_map_lookup_elem(&counts, &row);
	if (!r || cell >= TO_CLASS_COUNT * TO_REASON_COUNT || k->out.verdict >= TO_VERDICT_COUNT)
		return;
	r->cell[cell].packets++;
	r->cell[cell].bytes += bytes;
	n->verdicts[k->out.verdict]++;
}

/* Replay: tells what has become of the frame. */
TO_INLINE void tell(const struct to_packet *k, int code)
{
	__u32 zero = 0;
	struct to_bpf_result *r = bpf_map_lookup_elem(&result, &zero);

	if (!r)
		return;
	r->decision = k->out;
	r->slot = k->slot;
	if (code == XDP_DROP)
		r->egress = TO_EGRESS_NONE;
	else if (k->out.action != TO_ACT_NONE)
		r->egress = k->out.verdict == TO_VERDICT_STEER ? TO_EGRESS_EDGE : TO_EGRESS_OUT;
	else if (k->out.verdict == TO_VERDICT_KERNEL)
		r->egress = TO_EGRESS_KERNEL;
	else
		r->egress = TO_EGRESS_SENDER;
}

SEC("xdp")
int turnout_xdp(struct xdp_md *x)
{
	__u32 zero = 0, bytes = frame_length(x);
	struct to_packet *k = bpf_map_lookup_elem(&scratch, &zero);
	int code;

	if (!k || !begin(x, k))
		return XDP_PASS;
	parse_packet(x, k);
	to_prepare(x, k);
	to_decide(x, k);
	code = to_leave(x, k);
	count_packet(k, bytes);
	if (replay)
		tell(k, code);
	return code;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
