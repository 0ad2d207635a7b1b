/* SPDX-License-Identifier: BSD-3-Clause */
#include "nexthop_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "table_view.h"

/* Ids of what is watched: edges by their index, then the outside by family and port. */
#define OUTSIDE4 TO_MAX_EDGES
#define OUTSIDE6 (TO_MAX_EDGES + TO_MAX_PORTS)

/* Places in told[] after the edges'. */
#define TOLD_OUTSIDE4 TO_MAX_EDGES
#define TOLD_OUTSIDE6 (TO_MAX_EDGES + 1)

/* A next hop that is a MAC behind a port that the kernel has no interface of. */
#define IS_STATIC(o, p) ((o) && (o)->is_mac && !(p)->ifindex)

static void hop_changed(void *arg, uint32_t id, const struct to_hop *hop)
{
	struct to_nexthop_watch *w = arg;

	(void)id;
	(void)hop;
	w->changed = true;
}

static void link_changed(void *arg, const struct to_link *link)
{
	(void)link;
	((struct to_nexthop_watch *)arg)->changed = true;
}

static const struct to_nexthop_option *option_of(const struct to_nexthop_watch *w, const char *name,
						 enum to_family family)
{
	return to_nexthop_option_of(&(struct to_nexthop_options){w->option, w->options}, name,
				    family);
}

static const struct to_nexthop_option *option_of_edge(const struct to_nexthop_watch *w,
						      const char *name)
{
	return to_nexthop_option_of_edge(&(struct to_nexthop_options){w->option, w->options}, name);
}

/* The first port that leads there. */
static unsigned port_to(const struct to_nexthop_watch *w, enum to_zone zone)
{
	unsigned i = 0;

	while (i < w->ports && !(w->port[i].zone & zone))
		i++;
	return i;
}

/* Returns 0 or a negative errno. */
static int watch(struct to_nexthop_watch *w, uint32_t id, struct to_hop_wanted *want,
		 const struct to_nexthop_option *o, const struct to_watched_port *port)
{
	if (to_nexthop_wish(want, o)) {
		if (!port->ifindex)
			return 0;
		snprintf(want->interface, sizeof(want->interface), "%s", port->name);
	}
	return w->hops ? to_hops_watch(w->hops, id, want) : 0;
}

/* By each port that leads there: the first one by which it can be reached is taken. */
static int watch_outside(struct to_nexthop_watch *w, uint32_t id, enum to_family family)
{
	const struct to_nexthop_option *o = option_of(w, "outside", family);

	for (unsigned i = 0; i < w->ports; i++) {
		struct to_hop_wanted want = {.kind = TO_HOP_DEFAULT, .family = family};
		int ret;

		if (!(w->port[i].zone & TO_ZONE_OUTSIDE))
			continue;
		ret = watch(w, id + i, &want, o, &w->port[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int watch_edge(struct to_nexthop_watch *w, const struct to_table *t, uint32_t e)
{
	struct to_hop_wanted want;

	if (!to_nexthop_wish_edge(t, e, &want))
		return 0; /* no frame goes there */
	return watch(w, e, &want, option_of_edge(w, w->names[e]),
		     &w->port[port_to(w, TO_ZONE_EDGES)]);
}

/* Is there anything that can become a next hop? */
static bool is_hopeless(const struct to_nexthop_watch *w, const struct to_nexthop_option *o)
{
	return !w->hops && (!o || !o->is_mac);
}

int to_nexthop_watch_admits(const struct to_nexthop_watch *w, const struct to_table *t, char *err,
			    size_t err_size)
{
	for (uint32_t e = 0; e < to_table_edge_count(t); e++) {
		const char *name = to_view_edge_name(t, (uint8_t)e);

		if (!is_hopeless(w, option_of_edge(w, name)))
			continue;
		snprintf(err, err_size,
			 "no next hop to edge %s: --nexthop %s=MAC, for the kernel sees no port",
			 name, name);
		return -EINVAL;
	}
	return 0;
}

int to_nexthop_watch_table(struct to_nexthop_watch *w, const struct to_table *t, char *err,
			   size_t err_size)
{
	int ret = to_nexthop_watch_admits(w, t, err, err_size);

	if (ret < 0)
		return ret;
	for (uint32_t e = 0; e < to_table_edge_count(t); e++) {
		snprintf(w->names[e], sizeof(w->names[e]), "%s", to_view_edge_name(t, (uint8_t)e));
		ret = watch_edge(w, t, e);
		if (ret < 0) {
			snprintf(err, err_size, "cannot watch the next hop to %s: %s", w->names[e],
				 strerror(-ret));
			return ret;
		}
	}
	for (uint32_t v = 0; v < to_table_vip_count(t); v++) {
		w->has4 |= to_table_vips(t)[v].family == TO_IP4;
		w->has6 |= to_table_vips(t)[v].family == TO_IP6;
	}
	w->changed = true;
	return 0;
}

void to_nexthop_watch_undo(struct to_nexthop_watch *w, const struct to_table *running)
{
	uint32_t edges = running ? to_table_edge_count(running) : 0;
	char err[256];

	for (uint32_t e = edges; e < TO_MAX_EDGES; e++) {
		if (w->hops && *w->names[e])
			to_hops_unwatch(w->hops, e);
		*w->names[e] = '\0';
	}
	w->changed = true;
	if (running && to_nexthop_watch_table(w, running, err, sizeof(err)) < 0)
		fprintf(stderr, "%s: %s\n", w->program, err);
}

/* The port of that interface, or of the one that it is a VLAN on. */
static uint8_t port_by(const struct to_nexthop_watch *w, uint32_t ifindex)
{
	const struct to_link *link = to_hops_link(w->hops, ifindex);

	for (uint8_t i = 0; ifindex && i < w->ports; i++) {
		if (w->port[i].ifindex == ifindex ||
		    (link && link->lower && w->port[i].ifindex == link->lower))
			return i;
	}
	return TO_NO_PORT;
}

/* Returns what there is to tell of it. */
static int fill(const struct to_nexthop_watch *w, uint32_t id, struct to_nexthop *out)
{
	const struct to_hop *hop = w->hops ? to_hops_get(w->hops, id) : NULL;
	uint8_t port;

	if (!hop)
		return TO_HOP_NO_ROUTE;
	if (hop->state != TO_HOP_GOOD)
		return (int)hop->state;
	port = port_by(w, hop->ifindex);
	if (port == TO_NO_PORT)
		return TO_HOP_NO_PORT;
	memcpy(out->mac, hop->mac, sizeof(out->mac));
	memcpy(out->own, hop->own, sizeof(out->own));
	out->mtu = hop->mtu < w->port[port].mtu ? (uint16_t)hop->mtu : w->port[port].mtu;
	out->port = port;
	return TO_HOP_GOOD;
}

static int fill_static(const struct to_nexthop_watch *w, const struct to_nexthop_option *o,
		       unsigned port, struct to_nexthop *out)
{
	memcpy(out->mac, o->mac, sizeof(out->mac));
	memcpy(out->own, w->port[port].mac, sizeof(out->own));
	out->mtu = w->port[port].mtu;
	out->port = (uint8_t)port;
	return TO_HOP_GOOD;
}

/* Tells what has become of a hop, once it is other than what was told last. */
static void tell(struct to_nexthop_watch *w, unsigned which, int state, const char *name)
{
	w->state[which] = state;
	if (!w->settled || state == w->told[which])
		return;
	w->told[which] = state;
	fprintf(stderr, "%s: next hop to %s: %s\n", w->program, name,
		state == TO_HOP_NO_PORT ? "the kernel's route leaves by no --port"
					: to_hop_state_text((enum to_hop_state)state));
}

static void update_outside(struct to_nexthop_watch *w, struct to_nexthop *out,
			   enum to_family family)
{
	const struct to_nexthop_option *o = option_of(w, "outside", family);
	uint32_t id = family == TO_IP4 ? OUTSIDE4 : OUTSIDE6;
	int state = TO_HOP_NO_INTERFACE, first = -1;

	for (unsigned i = 0; i < w->ports && state != TO_HOP_GOOD; i++) {
		const struct to_watched_port *p = &w->port[i];

		if (!(p->zone & TO_ZONE_OUTSIDE))
			continue;
		state = IS_STATIC(o, p) ? fill_static(w, o, i, out) : fill(w, id + i, out);
		if (first < 0)
			first = state;
	}
	if (family == TO_IP4 ? w->has4 : w->has6)
		tell(w, family == TO_IP4 ? TOLD_OUTSIDE4 : TOLD_OUTSIDE6,
		     state == TO_HOP_GOOD ? state : first,
		     family == TO_IP4 ? "outside, IPv4" : "outside, IPv6");
}

static void update_edge(struct to_nexthop_watch *w, uint32_t e, struct to_nexthop *out)
{
	const struct to_nexthop_option *o = option_of_edge(w, w->names[e]);
	unsigned port = port_to(w, TO_ZONE_EDGES);

	if (IS_STATIC(o, &w->port[port]))
		fill_static(w, o, port, out);
	else if (w->hops && to_hops_get(w->hops, e)) /* else no frame goes there */
		tell(w, e, fill(w, e, out), w->names[e]);
}

static void update_ports(const struct to_nexthop_watch *w, struct to_nexthops *next)
{
	for (unsigned i = 0; i < w->ports; i++) {
		const struct to_link *link =
			w->port[i].ifindex ? to_hops_link(w->hops, w->port[i].ifindex) : NULL;

		memcpy(next->own[i], link ? link->mac : w->port[i].mac, sizeof(next->own[i]));
	}
}

bool to_nexthop_watch_update(struct to_nexthop_watch *w)
{
	struct to_nexthops next = {0};
	bool differs;

	if (!w->changed)
		return false;
	w->changed = false;
	for (uint32_t e = 0; e < TO_MAX_EDGES; e++) {
		next.edge[e].port = TO_NO_PORT;
		if (*w->names[e])
			update_edge(w, e, &next.edge[e]);
	}
	next.outside4.port = next.outside6.port = TO_NO_PORT;
	update_outside(w, &next.outside4, TO_IP4);
	update_outside(w, &next.outside6, TO_IP6);
	update_ports(w, &next);
	differs = memcmp(&next, &w->now, sizeof(next)) != 0;
	w->now = next;
	return differs;
}

bool to_nexthop_watch_waits(const struct to_nexthop_watch *w)
{
	for (unsigned i = 0; i < TO_MAX_EDGES + 2; i++) {
		if (w->state[i] == TO_HOP_UNRESOLVED)
			return true;
	}
	return false;
}

void to_nexthop_watch_settle(struct to_nexthop_watch *w)
{
	w->settled = w->changed = true;
}

void to_nexthop_watch_look(struct to_nexthop_watch *w, bool tick)
{
	if (!w->hops)
		return;
	if (tick) /* what could not be asked is asked again */
		to_hops_tick(w->hops);
	else
		to_hops_process(w->hops);
}

int to_nexthop_watch_open(struct to_nexthop_watch *w, char *err, size_t err_size)
{
	static const struct to_hops_callbacks callbacks = {hop_changed, link_changed};
	bool seen = false;
	int ret = 0;

	for (unsigned i = 0; i < w->ports; i++)
		seen |= w->port[i].ifindex != 0;
	if (seen)
		ret = to_hops_open(&w->hops, &callbacks, w, err, err_size);
	if (ret < 0)
		return ret;
	if (is_hopeless(w, option_of(w, "outside", TO_NO_FAMILY))) {
		snprintf(err, err_size,
			 "no next hop towards clients: --nexthop outside=MAC, for the kernel sees "
			 "no port");
		return -EINVAL;
	}
	ret = watch_outside(w, OUTSIDE4, TO_IP4);
	if (ret == 0)
		ret = watch_outside(w, OUTSIDE6, TO_IP6);
	if (ret < 0)
		snprintf(err, err_size, "cannot watch the next hop to outside: %s", strerror(-ret));
	return ret;
}

void to_nexthop_watch_close(struct to_nexthop_watch *w)
{
	to_hops_close(w->hops);
	w->hops = NULL;
}
