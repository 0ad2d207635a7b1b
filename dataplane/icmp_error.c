/* SPDX-License-Identifier: BSD-3-Clause */
/* The ICMP errors that we send: time exceeded, fragmentation needed, packet too big. */
#include <string.h>

#include <turnout/rewrite.h>

#include "engine.h"

/* RFC 1812, 4.3.2.3: as much of the packet as fits 576 bytes. RFC 4443, 2.4 (c): 1280. */
#define QUOTE4 (576 - TO_IP4_HEADER - TO_ICMP_HEADER)
#define QUOTE6 (1280 - TO_IP6_HEADER - TO_ICMP_HEADER)
/* RFC 1812, 4.3.2.8, and RFC 4443, 2.4 (f), want a limit: one that path MTU discovery of thousands
 * of clients stays below, and a flood of TTL 1 does not. Errors a second and worker. */
#define ICMP_RATE 1000

enum { TIME_EXCEEDED4 = 11, UNREACHABLE4 = 3, FRAGMENTATION_NEEDED = 4 };
enum { TIME_EXCEEDED6 = 3, TOO_BIG6 = 2 };

/* The address that errors come from: a gateway's, else the flow's VIP. */
static const union to_addr *from_address(const struct to_table *t, const struct to_packet *k)
{
	const struct to_gateway *g;

	for (uint32_t i = 0; i < t->section[TO_SECTION_GATEWAYS].count; i++) {
		g = to_element(t, TO_SECTION_GATEWAYS, i, sizeof(*g));
		if (to_addr_is_v4(&g->addr) == (k->family == TO_IP4))
			return &g->addr;
	}
	return k->out.vip == TO_NO_INDEX ? NULL : &to_vip_of(t, k->out.vip)->addr;
}

static bool is_unicast(const struct to_packet *k)
{
	uint8_t first = k->family == TO_IP4 ? k->src.b[12] : k->src.b[0];

	return k->family == TO_IP4 ? first > 0 && first < 224 : first != 0xff;
}

static bool may_send(struct to_worker *w, const struct to_packet *k)
{
	if (k->flags & (TO_PKT_ICMP_ERROR | TO_PKT_LATER) || !is_unicast(k))
		return false;
	if (w->icmp_second != k->now) {
		w->icmp_second = k->now;
		w->icmp_sent = 0;
	}
	return w->icmp_sent++ < ICMP_RATE;
}

static void put_ip4(uint8_t *p, const struct to_packet *k, const union to_addr *from, uint32_t len)
{
	to_be16 total = to_net16(TO_IP4_HEADER + len);

	memset(p, 0, TO_IP4_HEADER);
	p[0] = 0x45;
	memcpy(p + 2, &total, 2);
	p[8] = TO_TUNNEL_TTL;
	p[9] = TO_IP_ICMP;
	memcpy(p + 12, from->b + 12, 4);
	memcpy(p + 16, k->src.b + 12, 4);
	to_put_raw16(p + TO_IP4_CHECKSUM, ~to_fold16(to_sum_bytes(p, TO_IP4_HEADER)));
}

static void put_ip6(uint8_t *p, const struct to_packet *k, const union to_addr *from, uint32_t len)
{
	to_be16 length = to_net16(len);

	memset(p, 0, TO_IP6_HEADER);
	p[0] = 0x60;
	memcpy(p + 4, &length, 2);
	p[6] = TO_IP_ICMP6;
	p[7] = TO_TUNNEL_TTL;
	memcpy(p + 8, from->b, 16);
	memcpy(p + 24, k->src.b, 16);
}

/* ICMP header at p and its checksum over `len` bytes from p; IPv6: with the addresses before p. */
static void put_icmp(uint8_t *p, const struct to_packet *k, uint32_t len, uint32_t mtu)
{
	bool ttl = k->out.reason == TO_REASON_TTL;
	to_be32 value = to_net32(ttl ? 0 : mtu);
	uint64_t sum = 0;

	memset(p, 0, 4);
	if (k->family == TO_IP4) {
		p[0] = ttl ? TIME_EXCEEDED4 : UNREACHABLE4;
		p[1] = ttl ? 0 : FRAGMENTATION_NEEDED;
	} else {
		p[0] = ttl ? TIME_EXCEEDED6 : TOO_BIG6;
		sum = to_sum_bytes(p - 32, 32) + to_net16(len).raw + to_net16(TO_IP_ICMP6).raw;
	}
	memcpy(p + 4, &value, 4); /* IPv4: the MTU is the last two bytes, RFC 1191 */
	to_put_raw16(p + TO_ICMP_CHECKSUM, ~to_fold16(sum + to_sum_bytes(p, len)));
}

bool to_icmp_error_build(struct to_worker *w, struct to_frame *f, const struct to_packet *k,
			 uint32_t mtu)
{
	uint32_t ip = k->family == TO_IP4 ? TO_IP4_HEADER : TO_IP6_HEADER;
	uint32_t quote = k->family == TO_IP4 ? QUOTE4 : QUOTE6;
	const union to_addr *from = from_address(w->table, k);
	uint8_t *data = f->data - ip - TO_ICMP_HEADER;

	if (!from || !may_send(w, k))
		return false;
	if (quote > k->l3_len)
		quote = k->l3_len;
	memmove(data, f->data, k->l3); /* Ethernet and VLAN tags; then back to where it came from */
	memcpy(data, f->data + 6, 6);
	memcpy(data + 6, w->nexthops->own, 6);
	f->data = data;
	f->len = k->l3 + ip + TO_ICMP_HEADER + quote;
	if (k->family == TO_IP4)
		put_ip4(data + k->l3, k, from, TO_ICMP_HEADER + quote);
	else
		put_ip6(data + k->l3, k, from, TO_ICMP_HEADER + quote);
	put_icmp(data + k->l3 + ip, k, TO_ICMP_HEADER + quote, mtu);
	return true;
}
