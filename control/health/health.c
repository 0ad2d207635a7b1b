/* SPDX-License-Identifier: BSD-3-Clause */
#include "health.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "internal.h"

int to_health_open(struct event_base *base, const struct to_plan *plan, to_health_changed *changed,
		   void *context, struct to_health **out)
{
	struct to_health *health = calloc(1, sizeof(*health));
	int err;

	*out = NULL;
	if (!health)
		return -ENOMEM;
	health->base = base;
	health->changed = changed;
	health->context = context;
	health->most = TO_HEALTH_SOCKETS;
	TAILQ_INIT(&health->waiting);
	health->tls = to_probe_tls(health);
	err = health->tls ? to_health_plan(health, plan) : -ENOMEM;
	if (err)
		to_health_close(health);
	else
		*out = health;
	return err;
}

void to_health_close(struct to_health *health)
{
	if (!health)
		return;
	to_set_free(health->set);
	SSL_CTX_free(health->tls);
	free(health);
}

int to_health_plan(struct to_health *health, const struct to_plan *plan)
{
	struct to_check_set *set;
	int err = to_set_make(health, plan, &set);

	if (!err)
		to_set_use(health, set, plan);
	return err;
}

void to_health_source(struct to_health *health, const union to_addr *source)
{
	int f = to_addr_is_v4(source) ? 0 : 1;

	health->has_source[f] = true;
	health->source[f] = *source;
}

void to_health_sockets(struct to_health *health, unsigned most)
{
	health->most = most ? most : 1;
}

int to_health_trust(struct to_health *health, const char *file)
{
	ERR_clear_error();
	if (!SSL_CTX_load_verify_file(health->tls, file)) {
		ERR_clear_error();
		return -EINVAL;
	}
	health->verifies = true;
	return 0;
}

unsigned to_health_count(const struct to_health *health)
{
	return health ? health->set->pairs : 0;
}

void to_health_get(const struct to_health *health, unsigned i, struct to_health_check *out)
{
	to_pair_get(health->set, &health->set->pair[i], out);
}

/* The worst of its checks. */
static struct to_check *speaker(const struct to_check_set *set, const struct to_pair *pair)
{
	struct to_check *worst = set->check[pair->first];

	for (uint32_t i = 1; i < pair->count; i++) {
		struct to_check *check = set->check[pair->first + i];

		if (check->state == TO_CHECK_DOWN && worst->state != TO_CHECK_DOWN)
			worst = check;
		if (check->state == TO_CHECK_UNKNOWN && worst->state == TO_CHECK_UP)
			worst = check;
	}
	return worst;
}

uint8_t to_pair_state(const struct to_check_set *set, const struct to_pair *pair)
{
	return speaker(set, pair)->state;
}

void to_pair_get(const struct to_check_set *set, const struct to_pair *pair,
		 struct to_health_check *out)
{
	const struct to_check *check = speaker(set, pair);

	*out = (struct to_health_check){
		.edge = pair->edge,
		.service = pair->service,
		.state = check->state,
		.at = check->at,
		.kind = to_probe_names[check->target.probe],
		.message = check->message,
	};
}

void to_pair_tell(struct to_health *health, struct to_pair *pair)
{
	struct to_health_check check;

	to_pair_get(health->set, pair, &check);
	if (check.state == TO_CHECK_UNKNOWN || check.state == pair->told)
		return;
	pair->told = check.state;
	health->changed(health->context, &check);
}

/* One of an edge's checks that is not up. */
static size_t mention(const struct to_check_set *set, const struct to_pair *pair, char *message,
		      size_t used, size_t size)
{
	int n;

	if (used >= size)
		return used;
	n = snprintf(message + used, size - used, "%s%s: %s", used ? "; " : "",
		     set->service[pair->service], speaker(set, pair)->message);
	return n < 0 ? used : used + (size_t)n;
}

uint8_t to_health_edge(const struct to_health *health, unsigned edge, char *message, size_t size)
{
	const struct to_check_set *set = health->set;
	bool down = false, unknown = false, any = false;
	size_t used = 0;

	snprintf(message, size, "%s", "");
	for (uint32_t s = 0; edge < set->edges && s < set->services; s++) {
		const struct to_pair *pair;
		uint8_t state;

		if (set->pair_at[edge][s] == TO_NO_PAIR)
			continue;
		pair = &set->pair[set->pair_at[edge][s]];
		state = to_pair_state(set, pair);
		any = true;
		down |= state == TO_CHECK_DOWN;
		unknown |= state == TO_CHECK_UNKNOWN;
		if (state != TO_CHECK_UP)
			used = mention(set, pair, message, used, size);
	}
	if (!any)
		snprintf(message, size, "nothing of it is checked");
	if (down)
		return TO_CHECK_DOWN;
	return unknown || !any ? TO_CHECK_UNKNOWN : TO_CHECK_UP;
}

int to_health_certificate(const struct to_health *health, unsigned edge, unsigned service,
			  unsigned n, const struct to_health_certificate **out)
{
	const struct to_check_set *set = health->set;
	const struct to_pair *pair;
	const struct to_check *check;

	*out = NULL;
	if (edge >= set->edges || service >= set->services ||
	    set->pair_at[edge][service] == TO_NO_PAIR)
		return -ENOENT;
	pair = &set->pair[set->pair_at[edge][service]];
	if (n >= pair->count)
		return -ENOENT;
	check = set->check[pair->first + n];
	if (check->target.transport != TO_OVER_TLS)
		return -ENOENT;
	*out = check->certificate;
	return *out ? 0 : -EAGAIN;
}
