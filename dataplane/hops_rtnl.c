/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions to rtnetlink. It answers within sendto(), and goes on with a dump within recvfrom(): an
 * answer is in the socket's queue before we look for it. So the socket need not block, nor wait for
 * its turn in an event loop; should a kernel ever do otherwise, that shows as -EAGAIN.
 *
 * The socket gets nothing but answers, so what others do to the tables cannot overrun it.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "hops_rtnl.h"

#define ASK_SIZE 256 /* bytes of the longest question, with room to spare */

struct exchange {
	mnl_cb_t each; /* of the answer's messages */
	void *arg;
	int refusal; /* the kernel's errno */
};

int to_rtnl_open(struct to_rtnl *r)
{
	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!r->socket)
		return -errno;
	if (mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int ret = -errno;

		to_rtnl_close(r);
		return ret;
	}
	return 0;
}

void to_rtnl_close(struct to_rtnl *r)
{
	if (r->socket)
		mnl_socket_close(r->socket);
	r->socket = NULL;
}

static int on_message(const struct nlmsghdr *m, void *arg)
{
	struct exchange *x = arg;

	return x->each ? x->each(m, x->arg) : MNL_CB_OK;
}

static int on_error(const struct nlmsghdr *m, void *arg)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
	struct exchange *x = arg;

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*e)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	x->refusal = -e->error;
	return MNL_CB_STOP;
}

/* Until the answer's end. An answer that was given up before is skipped. */
static int receive(struct to_rtnl *r, struct exchange *x)
{
	static const mnl_cb_t control[NLMSG_ERROR + 1] = {[NLMSG_ERROR] = on_error};
	const struct nlmsghdr *first = (const struct nlmsghdr *)r->buffer;
	unsigned port = mnl_socket_get_portid(r->socket);

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(r->socket, r->buffer, sizeof(r->buffer));
		int ret;

		if (n < 0)
			return -errno;
		if (!mnl_nlmsg_ok(first, (int)n) || first->nlmsg_seq != r->seq)
			continue;
		ret = mnl_cb_run2(r->buffer, (size_t)n, r->seq, port, on_message, x,
				  (mnl_cb_t *)control, MNL_ARRAY_SIZE(control));
		if (ret <= MNL_CB_STOP)
			return ret < 0 ? -errno : 0;
	}
}

/* The kernel keeps a dump that nobody reads to its end, and then refuses the next one. */
static void drain(struct to_rtnl *r)
{
	while (mnl_socket_recvfrom(r->socket, r->buffer, sizeof(r->buffer)) >= 0 ||
	       errno == ENOSPC || errno == ENOBUFS)
		;
}

/* Returns 0, the kernel's errno where it refuses, or a negative errno. */
static int ask(struct to_rtnl *r, struct nlmsghdr *q, mnl_cb_t each, void *arg)
{
	struct exchange x = {each, arg, 0};
	int ret;

	q->nlmsg_seq = ++r->seq;
	q->nlmsg_flags |= NLM_F_REQUEST;
	if ((q->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		q->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(r->socket, q, q->nlmsg_len) < 0)
		return -errno;
	ret = receive(r, &x);
	if (ret < 0) {
		drain(r);
		return ret;
	}
	/* Not an answer about what was asked for, but that it could not be given now. */
	if (x.refusal == ENOMEM || x.refusal == ENOBUFS || x.refusal == EBUSY)
		return -x.refusal;
	return x.refusal;
}

static int family_of(const union to_addr *a)
{
	return to_addr_is_v4(a) ? AF_INET : AF_INET6;
}

static void put_address(struct nlmsghdr *q, uint16_t type, const union to_addr *a)
{
	if (to_addr_is_v4(a))
		mnl_attr_put(q, type, sizeof(a->w[3]), &a->w[3]);
	else
		mnl_attr_put(q, type, sizeof(*a), a);
}

/* What a reader makes of a message, for libmnl. */
static int outcome(int ret)
{
	if (ret == 0)
		return MNL_CB_OK;
	errno = -ret;
	return MNL_CB_ERROR;
}

static int on_route(const struct nlmsghdr *m, void *arg)
{
	return m->nlmsg_type == RTM_NEWROUTE ? outcome(to_rtnl_read_route(m, arg)) : MNL_CB_OK;
}

int to_rtnl_route(struct to_rtnl *r, const union to_addr *to, uint32_t ifindex, bool rule,
		  struct to_route *out)
{
	_Alignas(8) uint8_t room[ASK_SIZE] = {0};
	struct nlmsghdr *q = mnl_nlmsg_put_header(room);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(q, sizeof(*header));
	int ret;

	memset(out, 0, sizeof(*out));
	out->type = RTN_UNREACHABLE;
	q->nlmsg_type = RTM_GETROUTE;
	header->rtm_family = (unsigned char)family_of(to);
	header->rtm_dst_len = to_addr_is_v4(to) ? 32 : 128;
	header->rtm_flags = rule ? RTM_F_FIB_MATCH : 0;
	put_address(q, RTA_DST, to);
	if (ifindex)
		mnl_attr_put_u32(q, RTA_OIF, ifindex);
	ret = ask(r, q, on_route, out);
	return ret < 0 ? ret : 0;
}

static struct nlmsghdr *put_neighbour(void *room, uint16_t type, uint32_t ifindex,
				      const union to_addr *address, uint8_t flags)
{
	struct nlmsghdr *q = mnl_nlmsg_put_header(room);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(q, sizeof(*header));

	q->nlmsg_type = type;
	header->ndm_family = (uint8_t)family_of(address);
	header->ndm_ifindex = (int32_t)ifindex;
	header->ndm_flags = flags;
	put_address(q, NDA_DST, address);
	return q;
}

static int on_neighbour(const struct nlmsghdr *m, void *arg)
{
	return m->nlmsg_type == RTM_NEWNEIGH ? outcome(to_rtnl_read_neighbour(m, arg)) : MNL_CB_OK;
}

int to_rtnl_neighbour(struct to_rtnl *r, uint32_t ifindex, const union to_addr *address,
		      struct to_neighbour *out)
{
	_Alignas(8) uint8_t room[ASK_SIZE] = {0};
	int ret;

	memset(out, 0, sizeof(*out));
	ret = ask(r, put_neighbour(room, RTM_GETNEIGH, ifindex, address, 0), on_neighbour, out);
	return ret < 0 ? ret : 0;
}

/*
 * NTF_USE is what a packet of the host's own would do: the kernel resolves an entry that has
 * nothing, and begins to confirm a stale one. NTF_EXT_MANAGED would have it do so by itself, but
 * leaves the entry so for ever when we are killed, or when the neighbour is no longer of interest.
 *
 * The kernel does more than it is asked to, though: NTF_USE makes a permanent entry an ordinary one
 * without a MAC, and takes NTF_EXT_LEARNED and the flags of NDA_FLAGS_EXT off entries that others
 * keep so (Linux 6.1 and 6.18). So a new one is made by NLM_F_EXCL, which fails if there is one by
 * now, and for one that is there the caller has just seen that it is neither. Somebody may make it
 * permanent between these two calls, some microseconds; rtnetlink has nothing that would close
 * this.
 */
int to_rtnl_solicit(struct to_rtnl *r, uint32_t ifindex, const union to_addr *address, bool there)
{
	_Alignas(8) uint8_t room[ASK_SIZE] = {0};
	struct nlmsghdr *q = put_neighbour(room, RTM_NEWNEIGH, ifindex, address, NTF_USE);
	int ret;

	if (!there)
		q->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	ret = ask(r, q, NULL, NULL);
	/* It has come or gone meanwhile, or its interface has; a notification is on its way. */
	if (ret == EEXIST || ret == ENOENT || ret == ENODEV)
		return 0;
	return ret > 0 ? -ret : ret;
}

static struct nlmsghdr *put_link(void *room, uint32_t ifindex)
{
	struct nlmsghdr *q = mnl_nlmsg_put_header(room);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(q, sizeof(*header));

	q->nlmsg_type = RTM_GETLINK;
	header->ifi_family = AF_UNSPEC;
	header->ifi_index = (int)ifindex;
	mnl_attr_put_u32(q, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return q;
}

static int on_link(const struct nlmsghdr *m, void *arg)
{
	return m->nlmsg_type == RTM_NEWLINK ? outcome(to_rtnl_read_link(m, arg)) : MNL_CB_OK;
}

int to_rtnl_link(struct to_rtnl *r, uint32_t ifindex, struct to_link *out)
{
	_Alignas(8) uint8_t room[ASK_SIZE] = {0};
	int ret;

	memset(out, 0, sizeof(*out));
	ret = ask(r, put_link(room, ifindex), on_link, out);
	if (ret < 0)
		return ret;
	return ret || !out->ifindex ? -ENODEV : 0;
}

struct each_link {
	void (*each)(void *arg, const struct to_link *link);
	void *arg;
};

static int on_links(const struct nlmsghdr *m, void *arg)
{
	struct each_link *e = arg;
	struct to_link link;
	int ret;

	if (m->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	ret = to_rtnl_read_link(m, &link);
	if (ret == 0)
		e->each(e->arg, &link);
	return outcome(ret);
}

int to_rtnl_links(struct to_rtnl *r, void (*each)(void *arg, const struct to_link *link), void *arg)
{
	_Alignas(8) uint8_t room[ASK_SIZE] = {0};
	struct nlmsghdr *q = put_link(room, 0);
	struct each_link e = {each, arg};
	int ret;

	q->nlmsg_flags |= NLM_F_DUMP;
	ret = ask(r, q, on_links, &e);
	return ret > 0 ? -ret : ret;
}
