/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_flows.h"

#include <string.h>
#include <turnout/key.h>
#include <turnout/table_read.h>

#define CLIENTS (1u << TO_PIN4 | 1u << TO_PIN6 | 1u << TO_AFFINITY) /* kinds that have one */

static void set_vip(struct to_flow *f, const struct to_table *t, uint32_t vip)
{
	if (t && vip < to_table_vip_count(t))
		f->vip = to_table_vips(t)[vip].addr;
}

static void set_pin4(struct to_flow *f, const struct to_key *key, const struct to_table *t)
{
	f->client = to_addr_v4((to_be32){key->w[0]});
	f->client_port = to_host16((to_be16){(uint16_t)key->w[1]});
	f->vip_port = to_host16((to_be16){(uint16_t)(key->w[1] >> 16)});
	f->proto = to_key_pin4_proto(key);
	set_vip(f, t, key->w[2] & 0xff);
}

static void set_pin6(struct to_flow *f, const struct to_key6 *key, const struct to_table *t)
{
	f->client = key->client;
	f->client_port = to_host16(key->client_port);
	f->vip_port = to_host16(key->vip_port);
	f->proto = key->proto & 1;
	set_vip(f, t, key->vip);
}

/* As to_client() makes a number of an address. */
static void set_affinity(struct to_flow *f, const struct to_key *key)
{
	uint64_t client = key->w[0] | (uint64_t)key->w[1] << 32;

	f->group = (uint8_t)key->w[2];
	if (client >> 32 == 0xffff)
		f->client = to_addr_v4(to_net32((uint32_t)client));
	else
		f->client.d[0] = __builtin_bswap64(client);
}

void to_flow_of(const struct to_state_item *item, const struct to_table *t, uint32_t now,
		struct to_flow *f)
{
	const struct to_entry *e = &item->entry;

	*f = (struct to_flow){.kind = (uint8_t)item->kind,
			      .proven = item->proven,
			      .group = TO_NO_INDEX,
			      .edge = e->edge,
			      .service = e->service,
			      .flags = e->flags,
			      .left = now < e->expires ? e->expires - now : 0};
	switch (item->kind) {
	case TO_PIN4:
		set_pin4(f, &item->key, t);
		break;
	case TO_PIN6:
		set_pin6(f, &item->key6, t);
		break;
	case TO_AFFINITY:
		set_affinity(f, &item->key);
		break;
	case TO_OWNER:
		set_vip(f, t, item->key.w[0]);
		f->vip_port = (uint16_t)item->key.w[1];
		break;
	default:
		memcpy(f->key, &item->key, sizeof(f->key));
		break;
	}
	if ((item->kind == TO_PIN4 || item->kind == TO_PIN6) && f->proto == TO_TCP)
		f->tcp = e->tcp;
}

/* Are the first `bits` the same? */
static bool has_prefix(const union to_addr *a, const union to_addr *prefix, unsigned bits)
{
	unsigned bytes = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

	return memcmp(a->b, prefix->b, bytes) == 0 &&
	       (!(bits % 8) || !((a->b[bytes] ^ prefix->b[bytes]) & mask));
}

/* An affinity over IPv6 is a whole /64's: it is that of any client in it. */
static bool is_client(const struct to_flow_filter *f, const struct to_flow *flow)
{
	unsigned bits = f->prefix;

	if (!bits)
		return true;
	if (!(CLIENTS & 1u << flow->kind))
		return false;
	if (flow->kind == TO_AFFINITY && bits > 64 && !to_addr_is_v4(&flow->client))
		bits = 64;
	return has_prefix(&flow->client, &f->client, bits);
}

bool to_filter_takes(const struct to_flow_filter *f, const struct to_flow *flow)
{
	return (!f->kinds || f->kinds & 1u << flow->kind) &&
	       (f->edge == TO_NO_INDEX || f->edge == flow->edge) &&
	       (f->service == TO_NO_INDEX || f->service == flow->service) &&
	       (f->proven == TO_NO_INDEX || f->proven == flow->proven) && is_client(f, flow);
}

struct listing {
	const struct to_msg_flows *ask;
	const struct to_table *table;
	uint32_t now;
	struct to_msg_flow_page *page;
};

static int add(void *arg, const struct to_state_item *item)
{
	struct listing *l = arg;
	struct to_flow *f = &l->page->flow[l->page->count];

	to_flow_of(item, l->table, l->now, f);
	/* entries that no table could have made are not shown: the protocol has no word for them */
	if (to_flow_is_good(f) && to_filter_takes(&l->ask->filter, f))
		l->page->count++;
	return l->page->count == l->ask->limit;
}

int to_engine_flows(const struct to_engine *e, const struct to_msg_flows *ask, uint32_t now,
		    struct to_msg_flow_page *page)
{
	struct listing l = {.ask = ask, .table = e->ops->running(e->arg), .now = now, .page = page};
	uint32_t kinds = ask->filter.kinds ? ask->filter.kinds : (1u << TO_ENTRY_KIND_COUNT) - 1;
	int ret;

	if (ask->filter.prefix)
		kinds &= CLIENTS;
	page->cursor = ask->cursor;
	page->count = 0;
	ret = e->ops->walk(e->arg, &page->cursor, kinds, e->slice, now, add, &l);
	if (ret < 0)
		return ret;
	page->more = (uint32_t)ret;
	page->head.size = (uint32_t)(sizeof(*page) + page->count * sizeof(page->flow[0]));
	return 0;
}
