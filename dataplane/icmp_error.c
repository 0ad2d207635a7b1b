/* SPDX-License-Identifier: BSD-3-Clause */
/* A frame that may not leave becomes the ICMP error about it, in the same buffer. */
#include <string.h>

#include <turnout/icmp_error.h>

#include "engine.h"

void to_answer_macs(const struct to_worker *w, const struct to_frame *f, uint8_t *data)
{
	memmove(data, f->data + 6, 6);
	memcpy(data + 6, w->nexthops->own[f->port & (TO_MAX_PORTS - 1)], 6);
}

bool to_icmp_error_build(struct to_worker *w, struct to_frame *f, const struct to_packet *k,
			 uint32_t mtu)
{
	const union to_addr *from = to_icmp_error_from(w->table, k);
	uint32_t header = to_icmp_error_header(k), quote = to_icmp_error_quote(k);
	uint8_t *data = f->data - header;
	uint64_t sum;

	if (!from || !to_icmp_error_due(k, &w->icmp))
		return false;
	sum = to_sum_bytes(f->data + k->l3, quote);
	memmove(data, f->data, k->l3); /* Ethernet and VLAN tags; then back to where it came from */
	to_answer_macs(w, f, data);
	f->data = data;
	f->len = k->l3 + header + quote;
	if (k->family == TO_IP4)
		to_put_icmp_error4(data + k->l3, k, from, quote, sum, mtu);
	else
		to_put_icmp_error6(data + k->l3, k, from, quote, sum, mtu);
	return true;
}
