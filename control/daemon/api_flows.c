/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to `flows`: as many of the engine's pages as it takes. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_prefix.h"
#include "daemon.h"

#define MOST  1000 /* flows of an answer */
#define PAGES 64   /* of the engine, of an answer */

struct listing {
	struct to_call *call;
	struct to_msg_flows ask;
	int pool; /* -1: any. The engine does not know of it */
	uint32_t limit;
	unsigned pages;
	json_t *flows;
};

static const char *const kind_names[TO_ENTRY_KIND_COUNT] = {
	[TO_PIN4] = "pin4",         [TO_PIN6] = "pin6",
	[TO_DIALOG] = "dialog",     [TO_TRANSACTION] = "transaction",
	[TO_AFFINITY] = "affinity", [TO_OWNER] = "owner",
	[TO_FRAGMENT] = "fragment",
};

static const char *state_of(const struct to_flow *f)
{
	bool pin = f->kind == TO_PIN4 || f->kind == TO_PIN6;

	if (pin && f->proto == TO_TCP) {
		if (f->tcp & (TO_TCP_FIN_CLIENT | TO_TCP_FIN_EDGE | TO_TCP_RST))
			return "closing";
		return f->tcp & TO_TCP_OPENING ? "opening" : "open";
	}
	if (f->kind == TO_DIALOG) {
		if (f->flags & TO_ENTRY_ENDED)
			return "ended";
		return f->flags & TO_ENTRY_ESTABLISHED ? "established" : "early";
	}
	return NULL;
}

static json_t *address_json(const union to_addr *addr)
{
	static const union to_addr none;
	char text[INET6_ADDRSTRLEN];

	if (to_addr_equal(addr, &none))
		return json_null();
	if (to_addr_is_v4(addr))
		inet_ntop(AF_INET, &addr->b[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, addr->b, text, sizeof(text));
	return json_string(text);
}

static json_t *flow_json(const struct to_plan *plan, const struct to_flow *f)
{
	const struct to_plan_edge *edge = &plan->edge[f->edge];
	bool pin = f->kind == TO_PIN4 || f->kind == TO_PIN6;
	const char *proto = !pin ? NULL : f->proto == TO_TCP ? "tcp" : "udp";

	return json_pack("{s:s, s:b, s:o, s:i, s:o, s:i, s:s?, s:s?, s:s, s:s, s:s?, s:I}", "kind",
			 kind_names[f->kind], "proven", f->proven, "client",
			 address_json(&f->client), "client_port", f->client_port, "vip",
			 address_json(&f->vip), "vip_port", f->vip_port, "proto", proto, "service",
			 f->service < plan->services ? plan->service[f->service].name : NULL,
			 "edge", edge->name, "pool", plan->pool[edge->pool].name, "state",
			 state_of(f), "left", (json_int_t)f->left);
}

static void finish(struct listing *l, bool more)
{
	struct to_call *call = l->call;
	const uint64_t *w = l->ask.cursor.word;
	char after[65];

	snprintf(after, sizeof(after), "%016llx%016llx%016llx%016llx", (unsigned long long)w[0],
		 (unsigned long long)w[1], (unsigned long long)w[2], (unsigned long long)w[3]);
	to_call_answer(call,
		       json_pack("{s:o, s:s?}", "flows", l->flows, "after", more ? after : NULL));
	free(l);
}

static void give_up(struct listing *l, const char *error, const char *why)
{
	struct to_call *call = l->call;

	json_decref(l->flows);
	free(l);
	to_call_refuse(call, error, "%s", why);
}

static void take_page(struct listing *l, const struct to_msg_flow_page *page)
{
	const struct to_plan *plan = l->call->d->plan->plan;

	for (uint32_t i = 0; i < page->count && json_array_size(l->flows) < l->limit; i++) {
		const struct to_flow *f = &page->flow[i];

		if (f->edge < plan->edges && (l->pool < 0 || plan->edge[f->edge].pool == l->pool))
			json_array_append_new(l->flows, flow_json(plan, f));
	}
	l->ask.cursor = page->cursor;
}

static void ask_on(struct listing *l);

static void on_page(void *context, const union to_message *m, int fd)
{
	struct listing *l = context;

	(void)fd;
	if (!m) {
		give_up(l, "engine", "the engine went away");
	} else if (m->head.type == TO_MSG_REFUSED) {
		give_up(l, "refused", m->refused.reason);
	} else {
		take_page(l, &m->page);
		if (!m->page.more || json_array_size(l->flows) >= l->limit || ++l->pages == PAGES)
			finish(l, m->page.more);
		else
			ask_on(l);
	}
}

static void ask_on(struct listing *l)
{
	uint32_t left = l->limit - (uint32_t)json_array_size(l->flows);
	int err;

	l->ask.limit = left < TO_PROTOCOL_FLOWS ? left : TO_PROTOCOL_FLOWS;
	err = to_link_ask(l->call->d->link, &l->ask, -1, on_page, l);
	if (err)
		give_up(l, err == -EBUSY ? "busy" : "engine",
			err == -EBUSY ? "the engine has been asked much: again"
				      : "no engine is connected");
}

static bool read_kind(const char *text, struct to_flow_filter *f)
{
	for (int i = 0; i < TO_ENTRY_KIND_COUNT; i++)
		if (!strcmp(text, kind_names[i]))
			f->kinds |= 1u << i;
	return f->kinds;
}

static bool read_cursor(const char *text, struct to_flow_cursor *out)
{
	if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
		return false;
	for (int i = 0; i < 4; i++) {
		char word[17];

		memcpy(word, text + (size_t)i * 16, 16);
		word[16] = '\0';
		out->word[i] = strtoull(word, NULL, 16);
	}
	return true;
}

/* What is wrong with them, or NULL. */
static const char *read_texts(const struct to_request *r, struct listing *l)
{
	const char *client = to_request_text(r, "client"), *kind = to_request_text(r, "kind");
	const char *after = to_request_text(r, "after");
	json_int_t limit = to_request_number(r, "limit", 100);

	if (client && !to_prefix_read(client, &l->ask.filter.client, &l->ask.filter.prefix))
		return "client is neither an address nor a prefix";
	if (kind && !read_kind(kind, &l->ask.filter))
		return "kind is pin4, pin6, dialog, transaction, affinity, owner or fragment";
	if (after && !read_cursor(after, &l->ask.cursor))
		return "after is not of an answer before";
	if (limit < 1 || limit > MOST)
		return "limit is 1 to 1000";
	l->limit = (uint32_t)limit;
	if (json_object_get(r->json, "proven"))
		l->ask.filter.proven = to_request_flag(r, "proven");
	return NULL;
}

/* False: the call is refused. */
static bool read_names(struct to_call *call, struct listing *l)
{
	const char *edge = to_request_text(&call->request, "edge");
	const char *service = to_request_text(&call->request, "service");
	const char *pool = to_request_text(&call->request, "pool");
	int i = 0;

	if (edge) {
		i = to_call_edge(call, edge);
		l->ask.filter.edge = (uint8_t)i;
	}
	if (i >= 0 && service) {
		i = to_call_service(call, service);
		l->ask.filter.service = (uint8_t)i;
	}
	if (i >= 0 && pool)
		i = l->pool = to_call_pool(call, pool);
	return i >= 0;
}

void to_api_flows(struct to_daemon *d, struct to_call *call)
{
	struct listing *l = calloc(1, sizeof(*l));
	const char *wrong;

	(void)d;
	if (!l) {
		to_call_refuse(call, "busy", "no memory");
		return;
	}
	*l = (struct listing){
		.call = call,
		.pool = -1,
		.ask.head.type = TO_MSG_FLOWS,
		.ask.filter = {.edge = TO_NO_INDEX, .service = TO_NO_INDEX, .proven = TO_NO_INDEX},
	};
	wrong = read_texts(&call->request, l);
	if (wrong) {
		free(l);
		to_call_refuse(call, "usage", "flows: %s", wrong);
		return;
	}
	if (!read_names(call, l)) {
		free(l);
		return;
	}
	l->flows = json_array();
	ask_on(l);
}
