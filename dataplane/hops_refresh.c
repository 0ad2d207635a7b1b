/* SPDX-License-Identifier: BSD-3-Clause */
/* Asks the kernel for what is in doubt, and reports what has changed. */
#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>

#include "hops_state.h"

#define NUD_AT_WORK (NUD_INCOMPLETE | NUD_DELAY | NUD_PROBE) /* the kernel is asking */

void to_hops_doubt_paths(struct to_hops *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		to_doubt(&h->destination[i], PATH_IN_DOUBT);
}

void to_hops_doubt_everything(struct to_hops *h)
{
	h->links_in_doubt = true;
	to_hops_doubt_paths(h);
}

static void report_link(struct to_hops *h, const struct to_link *link)
{
	/* IPv4 routes go with their link, and next hops of several come back: both unreported. */
	to_hops_doubt_paths(h);
	if (!h->callbacks.link)
		return;
	h->busy = true;
	h->callbacks.link(h->arg, link);
	h->busy = false;
}

static void put_link(void *arg, const struct to_link *link)
{
	struct to_hops *h = arg;
	int ret = to_links_put(&h->links, link);

	if (ret < 0)
		h->links_in_doubt = true;
	else if (ret)
		report_link(h, link);
}

void to_hops_take_link(struct to_hops *h, uint32_t ifindex)
{
	struct to_link gone;

	if (to_links_take(&h->links, ifindex, &gone))
		report_link(h, &gone);
}

void to_hops_refresh_link(struct to_hops *h, uint32_t ifindex)
{
	struct to_link link;
	int ret = to_rtnl_link(&h->rtnl, ifindex, &link);

	if (ret == 0)
		put_link(h, &link);
	else if (ret == -ENODEV)
		to_hops_take_link(h, ifindex);
	else
		h->links_in_doubt = true;
}

int to_hops_refresh_links(struct to_hops *h)
{
	struct to_link gone;
	int ret;

	h->links_in_doubt = false;
	h->links.round++;
	ret = to_rtnl_links(&h->rtnl, put_link, h);
	if (ret < 0) {
		h->links_in_doubt = true;
		return ret;
	}
	while (to_links_take_unseen(&h->links, &gone))
		report_link(h, &gone);
	return h->links_in_doubt ? -ENOMEM : 0;
}

static struct to_hop hop_of(const struct to_hops *h, const struct to_destination *d)
{
	const struct to_link *link = to_links_find(&h->links, d->path.ifindex);
	struct to_hop hop;

	memset(&hop, 0, sizeof(hop)); /* compared byte by byte */
	hop.state = d->path.state;
	hop.next = d->path.next;
	if (!link) {
		if (hop.state == TO_HOP_GOOD)
			hop.state = TO_HOP_NO_INTERFACE;
		return hop;
	}
	hop.ifindex = link->ifindex;
	hop.mtu = d->path.mtu && d->path.mtu < link->mtu ? d->path.mtu : link->mtu;
	memcpy(hop.own, link->mac, sizeof(hop.own));
	if (hop.state != TO_HOP_GOOD)
		return hop;
	if (!link->ethernet)
		hop.state = TO_HOP_NOT_ETHERNET;
	else if (!link->up)
		hop.state = TO_HOP_LINK_DOWN;
	else if (d->wanted.kind == TO_HOP_FIXED)
		memcpy(hop.mac, d->wanted.mac, sizeof(hop.mac));
	else if (d->neighbour.has_mac) /* the kernel tells that of an entry that is valid only */
		memcpy(hop.mac, d->neighbour.mac, sizeof(hop.mac));
	else
		hop.state = TO_HOP_UNRESOLVED;
	return hop;
}
_Static_assert(sizeof(struct to_hop) == 40, "no padding, which would be compared");
_Static_assert(sizeof(struct to_link) == 4 * 3 + 2 + 6 + TO_IF_NAME + 4, "likewise");

static void report(struct to_hops *h, struct to_destination *d)
{
	struct to_hop hop = hop_of(h, d);

	if (d->reported && memcmp(&hop, &d->hop, sizeof(hop)) == 0)
		return;
	d->hop = hop;
	d->reported = true;
	h->busy = true;
	h->callbacks.hop(h->arg, d->id, &d->hop);
	h->busy = false;
}

/* Is there a next hop that the kernel can resolve? */
static bool can_be_solicited(const struct to_hops *h, const struct to_destination *d)
{
	const struct to_link *link = to_links_find(&h->links, d->path.ifindex);

	return d->path.state == TO_HOP_GOOD && d->wanted.kind != TO_HOP_FIXED && link &&
	       link->ethernet && link->up;
}

/* At most once between two ticks, so that a neighbour that fails at once keeps nobody busy. */
static int solicit(struct to_hops *h, struct to_destination *d)
{
	const struct to_neighbour *n = &d->neighbour;

	if (d->solicited || (n->there && (n->foreign || (n->nud & (NUD_SETTLED | NUD_AT_WORK)))))
		return 0;
	d->solicited = true;
	h->count.solicited++;
	return to_rtnl_solicit(&h->rtnl, d->path.ifindex, &d->path.next, n->there);
}

/* How things stand is reported, whether or not the neighbour could be solicited. */
static int refresh_neighbour(struct to_hops *h, struct to_destination *d)
{
	int ret;

	if (!can_be_solicited(h, d)) {
		memset(&d->neighbour, 0, sizeof(d->neighbour));
		d->doubt = SURE;
		report(h, d);
		return 0;
	}
	ret = to_rtnl_neighbour(&h->rtnl, d->path.ifindex, &d->path.next, &d->neighbour);
	if (ret < 0)
		return ret;
	d->doubt = SURE;
	if (d->neighbour.nud & NUD_SETTLED)
		d->solicited = false; /* should it vanish, it is worth asking for at once */
	ret = solicit(h, d);
	report(h, d);
	return ret;
}

int to_hops_refresh(struct to_hops *h, struct to_destination *d)
{
	if (d->doubt == PATH_IN_DOUBT) {
		struct to_path old = d->path;
		int ret;

		ret = to_path_find(&h->rtnl, &h->links, &d->wanted, &h->count.lookups, &d->path);
		if (ret < 0)
			return ret;
		if (d->path.ifindex != old.ifindex || !to_addr_equal(&d->path.next, &old.next))
			d->solicited = false;
		/* It may have come a moment ago, its notification not yet read. */
		if (d->path.ifindex && !to_links_find(&h->links, d->path.ifindex))
			to_hops_refresh_link(h, d->path.ifindex);
		d->doubt = NEIGHBOUR_IN_DOUBT;
	}
	return d->doubt == NEIGHBOUR_IN_DOUBT ? refresh_neighbour(h, d) : 0;
}

int to_hops_refresh_all(struct to_hops *h)
{
	int first = h->links_in_doubt ? to_hops_refresh_links(h) : 0;

	for (uint32_t i = 0; i < h->n; i++) {
		int ret = to_hops_refresh(h, &h->destination[i]);

		if (ret < 0 && first == 0)
			first = ret;
	}
	return first;
}
