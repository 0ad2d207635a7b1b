/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_nexthops.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/nexthop_wish.h"
#include "dataplane/table_view.h"
#include "turnout.skel.h"
#include "xdp_hints.h"
#include "xdp_tell.h"

#define NO_PORT (-1) /* beside enum to_hop_state */

static const char *name_of(const struct to_xdp_nexthops *n, uint32_t id)
{
	if (id == TO_BPF_HOP_OUTSIDE4)
		return "outside, IPv4";
	return id == TO_BPF_HOP_OUTSIDE6 ? "outside, IPv6" : n->names[id];
}

/* Nothing goes out by a family that no VIP has. */
static bool is_needed(const struct to_xdp_nexthops *n, uint32_t id)
{
	if (id == TO_BPF_HOP_OUTSIDE4)
		return n->has4;
	return id != TO_BPF_HOP_OUTSIDE6 || n->has6;
}

/* Tells what has become of a hop, once it is other than what was told last. */
static void tell(struct to_xdp_nexthops *n, uint32_t id, int state, const char *interface)
{
	if (!n->begun || !is_needed(n, id) || state == n->told[id])
		return;
	n->told[id] = state;
	if (state == NO_PORT)
		fprintf(stderr, "turnout-xdp: next hop to %s: %s is no --port\n", name_of(n, id),
			interface);
	else
		fprintf(stderr, "turnout-xdp: next hop to %s: %s\n", name_of(n, id),
			to_hop_state_text((enum to_hop_state)state));
}

static const struct to_xdp_port *port_of(const struct to_xdp_nexthops *n, const struct to_hop *hop)
{
	const struct to_link *link = to_hops_link(n->hops, hop->ifindex);

	return to_xdp_port_of(n->ports, hop->ifindex, link ? link->lower : 0);
}

static bool is_usable(const struct to_xdp_nexthops *n, const struct to_hop *hop)
{
	return hop->state == TO_HOP_GOOD && port_of(n, hop);
}

/* Has an earlier process left a next hop by this port, of which the kernel knows no more yet? */
static bool is_left_over(const struct to_xdp_nexthops *n, uint32_t slot, const struct to_hop *hop)
{
	const struct to_xdp_port *port = port_of(n, hop);
	struct to_bpf_hop old;

	return !n->settled && hop->state == TO_HOP_UNRESOLVED && port &&
	       bpf_map__lookup_elem(n->xdp->skel->maps.hops, &slot, sizeof(slot), &old, sizeof(old),
				    0) == 0 &&
	       old.ifindex == port->ifindex;
}

/* One write, that each packet reads whole or torn for one frame at worst. */
static void write_hop(struct to_xdp_nexthops *n, uint32_t slot, const struct to_hop *hop)
{
	struct to_bpf_hop v = {0};

	if (is_usable(n, hop)) {
		v.ifindex = port_of(n, hop)->ifindex;
		v.mtu = hop->mtu < UINT16_MAX ? (uint16_t)hop->mtu : UINT16_MAX;
		memcpy(v.mac, hop->mac, sizeof(v.mac));
		memcpy(v.own, hop->own, sizeof(v.own));
	}
	to_xdp_tell(&n->unwritten,
		    bpf_map__update_elem(n->xdp->skel->maps.hops, &slot, sizeof(slot), &v,
					 sizeof(v), BPF_ANY),
		    "cannot tell the program its next hops");
}

static void take_hop(struct to_xdp_nexthops *n, uint32_t slot, const struct to_hop *hop)
{
	const struct to_link *link = to_hops_link(n->hops, hop->ifindex);

	if (!n->held && !is_left_over(n, slot, hop))
		write_hop(n, slot, hop);
	/* a route by an interface that is no port of ours leads nowhere */
	if (hop->state == TO_HOP_GOOD && !is_usable(n, hop))
		tell(n, slot, NO_PORT, link ? link->name : "its interface");
	else
		tell(n, slot, (int)hop->state, "");
}

static uint32_t outside_id(unsigned port, uint32_t slot)
{
	return TO_XDP_WATCH_OUTSIDE + port * 2 + (slot - TO_BPF_HOP_OUTSIDE4);
}

/* Of what leads outside by one port or another: the first that can be used, else the first. NULL:
 * of one of them nothing is known yet. */
static const struct to_hop *choose_outside(const struct to_xdp_nexthops *n, uint32_t slot)
{
	const struct to_hop *first = NULL, *usable = NULL;

	for (unsigned i = 0; i < TO_XDP_MAX_PORTS; i++) {
		uint32_t id = outside_id(i, slot);
		const struct to_hop *hop;

		if (!n->watched[id])
			continue;
		hop = to_hops_get(n->hops, id);
		if (!hop)
			return NULL;
		if (!first)
			first = hop;
		if (!usable && (is_usable(n, hop) || is_left_over(n, slot, hop)))
			usable = hop;
	}
	return usable ? usable : first;
}

const struct to_hop *to_xdp_nexthop_of(const struct to_xdp_nexthops *n, uint32_t slot)
{
	const struct to_hop *hop = NULL;

	if (slot >= TO_BPF_HOP_OUTSIDE4)
		hop = choose_outside(n, slot);
	else if (n->watched[slot])
		hop = to_hops_get(n->hops, slot);
	return hop && is_usable(n, hop) ? hop : NULL;
}

static void outside_changed(struct to_xdp_nexthops *n, uint32_t slot)
{
	uint32_t *by = &n->outside_by[slot - TO_BPF_HOP_OUTSIDE4];
	const struct to_hop *hop = choose_outside(n, slot);

	if (!hop)
		return;
	take_hop(n, slot, hop);
	if (!is_usable(n, hop) || !n->begun || *by == hop->ifindex)
		return;
	if (*by)
		fprintf(stderr, "turnout-xdp: next hop to %s: by %s now\n", name_of(n, slot),
			port_of(n, hop)->option.name);
	*by = hop->ifindex;
}

static void hop_changed(void *arg, uint32_t id, const struct to_hop *hop)
{
	struct to_xdp_nexthops *n = arg;

	if (id < TO_XDP_WATCH_OUTSIDE)
		take_hop(n, id, hop);
	else if (id < TO_XDP_WATCH_OTHERS)
		outside_changed(n, TO_BPF_HOP_OUTSIDE4 + (id - TO_XDP_WATCH_OUTSIDE) % 2);
	to_xdp_hints_check(n);
}

/* Hops by an interface that has just come, or whose port has another index, are told anew. */
static void tell_again(struct to_xdp_nexthops *n)
{
	for (uint32_t id = 0; id < TO_MAX_EDGES; id++) {
		const struct to_hop *hop = n->watched[id] ? to_hops_get(n->hops, id) : NULL;

		if (hop)
			take_hop(n, id, hop);
	}
	outside_changed(n, TO_BPF_HOP_OUTSIDE4);
	outside_changed(n, TO_BPF_HOP_OUTSIDE6);
	to_xdp_hints_check(n);
}

static void link_gone(struct to_xdp_nexthops *n, const struct to_link *link)
{
	if (!to_xdp_port_of(n->ports, link->ifindex, 0))
		return;
	fprintf(stderr, "turnout-xdp: %s is gone\n", link->name);
	to_xdp_port_gone(n->xdp, n->ports, link);
}

/* A VLAN on a port of ours: its tags are to be in the frames. */
static void check_vlan(const struct to_xdp_nexthops *n, const struct to_link *link)
{
	const struct to_xdp_port *port =
		link->lower ? to_xdp_port_of(n->ports, link->lower, 0) : NULL;

	if (port && to_xdp_port_strips_vlan(port))
		fprintf(stderr,
			"turnout-xdp: %s takes VLAN tags off before the program sees them: ethtool "
			"-K %s rxvlan off\n",
			port->option.name, port->option.name);
}

static void attach_late(struct to_xdp_nexthops *n, struct to_xdp_port *port)
{
	if (to_xdp_port_attach_late(n->xdp, n->ports, port) < 0) {
		to_xdp_port_tell(n->ports, port);
		return;
	}
	fprintf(stderr, "turnout-xdp: attached to %s (%s)\n", port->option.name,
		port->native ? "native" : "generic");
}

static void link_changed(void *arg, const struct to_link *link)
{
	struct to_xdp_nexthops *n = arg;
	struct to_xdp_port *port;

	if (link->gone) {
		link_gone(n, link);
		return;
	}
	check_vlan(n, link);
	port = to_xdp_port_found(n->xdp, n->ports, link);
	if (!port || !n->begun || port->attached)
		return;
	attach_late(n, port);
	tell_again(n);
}

void to_xdp_nexthops_tick(struct to_xdp_nexthops *n)
{
	to_xdp_ports_retry(n->xdp, n->ports);
	for (unsigned i = 0; i < n->ports->n; i++) {
		struct to_xdp_port *port = &n->ports->port[i];

		if (port->ifindex && !port->attached)
			attach_late(n, port);
	}
	if (n->unwritten)
		tell_again(n);
}

static bool is_edge(const struct to_xdp_nexthops *n, const char *name)
{
	for (uint32_t e = 0; e < TO_MAX_EDGES; e++) {
		if (!strcmp(n->names[e], name))
			return true;
	}
	return false;
}

/* A later generation may have it, so that it is no error. */
static void tell_unknown(const struct to_xdp_nexthops *n)
{
	for (unsigned i = 0; i < n->options->nexthops; i++) {
		const char *name = n->options->nexthop[i].name;

		if (strcmp(name, "outside") != 0 && strcmp(name, "edges") != 0 && !is_edge(n, name))
			fprintf(stderr, "turnout-xdp: --nexthop %s: the table has no such edge\n",
				name);
	}
}

int to_xdp_nexthops_begin(struct to_xdp_nexthops *n, char *err, size_t err_size)
{
	int ret = to_xdp_ports_attach(n->xdp, n->ports, err, err_size);

	for (unsigned i = 0; i < n->ports->n; i++) {
		if (!n->ports->port[i].ifindex)
			fprintf(stderr, "turnout-xdp: there is no interface %s yet\n",
				n->ports->port[i].option.name);
	}
	tell_unknown(n);
	if (ret < 0)
		return ret;
	to_xdp_ports_release(n->xdp, n->ports);
	n->held = false;
	n->begun = true;
	tell_again(n);
	return 0;
}

/* The first port that leads there. */
static const char *port_to(const struct to_xdp_ports *p, enum to_zone zone)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->port[i].option.zone & zone)
			return p->port[i].option.name;
	}
	return "";
}

static int watch(struct to_xdp_nexthops *n, uint32_t id, struct to_hop_wanted *w,
		 const struct to_nexthop_option *o, const char *interface)
{
	if (to_nexthop_wish(w, o))
		snprintf(w->interface, sizeof(w->interface), "%s", interface);
	n->watched[id] = true;
	return to_hops_watch(n->hops, id, w);
}

/* By each port that leads there: they are each other's reserve, in their order. */
static int watch_outside(struct to_xdp_nexthops *n, uint32_t slot, enum to_family family)
{
	const struct to_nexthop_options all = {n->options->nexthop, n->options->nexthops};
	const struct to_nexthop_option *o = to_nexthop_option_of(&all, "outside", family);
	const struct to_xdp_ports *p = n->ports;
	int ret = 0;

	for (unsigned i = 0; i < p->n; i++) /* all, before the first one is reported */
		n->watched[outside_id(i, slot)] = p->port[i].option.zone & TO_ZONE_OUTSIDE;
	for (unsigned i = 0; ret == 0 && i < p->n; i++) {
		struct to_hop_wanted w = {.kind = TO_HOP_DEFAULT, .family = family};

		if (n->watched[outside_id(i, slot)])
			ret = watch(n, outside_id(i, slot), &w, o, p->port[i].option.name);
	}
	return ret;
}

static int watch_edge(struct to_xdp_nexthops *n, const struct to_table *t, uint32_t e)
{
	const struct to_nexthop_options all = {n->options->nexthop, n->options->nexthops};
	const struct to_nexthop_option *o;
	struct to_hop_wanted w;

	snprintf(n->names[e], sizeof(n->names[e]), "%s", to_view_edge_name(t, (uint8_t)e));
	o = to_nexthop_option_of_edge(&all, n->names[e]);
	n->follows_table[e] = !o;
	if (!to_nexthop_wish_edge(t, e, &w))
		return 0; /* no frame goes there */
	return watch(n, e, &w, o, port_to(n->ports, TO_ZONE_EDGES));
}

int to_xdp_nexthops_table(struct to_xdp_nexthops *n, const struct to_table *t, char *err,
			  size_t err_size)
{
	for (uint32_t v = 0; v < to_table_vip_count(t); v++) {
		n->has4 |= to_table_vips(t)[v].family == TO_IP4;
		n->has6 |= to_table_vips(t)[v].family == TO_IP6;
	}
	for (uint32_t e = 0; e < to_table_edge_count(t); e++) {
		int ret = watch_edge(n, t, e);

		if (ret < 0) {
			snprintf(err, err_size, "cannot watch the next hop to %s: %s", n->names[e],
				 strerror(-ret));
			return ret;
		}
	}
	to_xdp_hints_table(n, t);
	tell_again(n); /* a family may be needed that was not */
	return 0;
}

int to_xdp_nexthops_open(struct to_xdp_nexthops *n, struct to_xdp *x, struct to_xdp_ports *ports,
			 const struct to_xdp_run_options *options, char *err, size_t err_size)
{
	static const struct to_hops_callbacks callbacks = {hop_changed, link_changed};
	int ret;

	*n = (struct to_xdp_nexthops){
		.xdp = x, .ports = ports, .options = options, .held = n->held};
	ret = to_hops_open(&n->hops, &callbacks, n, err, err_size);
	if (ret < 0)
		return ret;
	ret = watch_outside(n, TO_BPF_HOP_OUTSIDE4, TO_IP4);
	if (ret == 0)
		ret = watch_outside(n, TO_BPF_HOP_OUTSIDE6, TO_IP6);
	if (ret < 0)
		snprintf(err, err_size, "cannot watch the next hop to outside: %s", strerror(-ret));
	return ret;
}

void to_xdp_nexthops_settle(struct to_xdp_nexthops *n)
{
	if (n->settled)
		return;
	n->settled = true;
	tell_again(n);
}

void to_xdp_nexthops_close(struct to_xdp_nexthops *n)
{
	to_hops_close(n->hops);
	n->hops = NULL;
}
