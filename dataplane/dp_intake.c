/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_intake.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <turnout/intake.h>
#include <turnout/table_read.h>

#include "dp_port.h"

#define MAPS_MOST 8 /* of a program that may be ours */

struct entry {
	union to_addr addr;
	uint8_t kind; /* enum to_address_kind */
};

/* What the maps are to hold. */
struct wanted {
	struct entry *entry;
	size_t n;
};

/* The interface's program, as an fd, if it is ours; its maps' ids. Or a negative errno. */
static int program_of(uint32_t ifindex, struct bpf_prog_info *info, uint32_t *maps)
{
	uint32_t id = 0, size = sizeof(*info);
	int fd, ret = bpf_xdp_query_id((int)ifindex, 0, &id);

	if (ret < 0)
		return ret;
	if (!id)
		return -ENOENT;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	*info = (struct bpf_prog_info){.nr_map_ids = MAPS_MOST, .map_ids = (uint64_t)maps};
	if (bpf_obj_get_info_by_fd(fd, info, &size) == 0 && !strcmp(info->name, TO_INTAKE_PROGRAM))
		return fd;
	close(fd);
	return -ENOENT;
}

int dp_intake_clear(uint32_t ifindex)
{
	struct bpf_prog_info info;
	uint32_t maps[MAPS_MOST];
	int fd = program_of(ifindex, &info, maps), ret;
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = fd);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = bpf_xdp_detach((int)ifindex, XDP_FLAGS_REPLACE, &opts);
	close(fd);
	return ret;
}

int dp_intake_clear_all(void)
{
	struct if_nameindex *all = if_nameindex();
	int ret = all ? 0 : -errno;

	for (size_t i = 0; all && all[i].if_index; i++) {
		int one = dp_intake_clear(all[i].if_index);

		if (one < 0 && one != -ENODEV)
			ret = one;
	}
	if_freenameindex(all);
	return ret;
}

int dp_intake_is_on(uint32_t ifindex)
{
	struct bpf_prog_info info;
	uint32_t maps[MAPS_MOST];
	int fd = program_of(ifindex, &info, maps);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	close(fd);
	return 1;
}

/* An fd or a negative errno. */
static int map_of(uint32_t ifindex)
{
	struct bpf_prog_info program = {0};
	uint32_t maps[MAPS_MOST];
	int found = -ENOENT, fd = program_of(ifindex, &program, maps);

	if (fd < 0)
		return fd;
	close(fd);
	for (uint32_t i = 0; i < program.nr_map_ids && i < MAPS_MOST; i++) {
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info);
		int map = bpf_map_get_fd_by_id(maps[i]);

		if (map < 0)
			continue;
		if (bpf_obj_get_info_by_fd(map, &info, &size) == 0 &&
		    !strcmp(info.name, TO_INTAKE_MAP) && info.key_size == sizeof(union to_addr) &&
		    info.value_size == 1)
			return map;
		close(map);
	}
	return found;
}

/* Not more often than something has changed: the kernel's lock for it is everybody's. */
static int look_up_own(struct dp_intake *x)
{
	struct ifaddrs *own = NULL;

	if (getifaddrs(&own) < 0)
		return -errno;
	freeifaddrs(x->own);
	x->own = own;
	return 0;
}

/* Addresses have come or gone since it was asked last. */
static bool is_told(struct dp_intake *x)
{
	char buffer[8192];
	bool told = false;

	while (mnl_socket_recvfrom(x->netlink, buffer, sizeof(buffer)) > 0 || errno == ENOBUFS ||
	       errno == ENOSPC)
		told = true;
	return told;
}

static int follow_own(struct dp_intake *x, char *err, size_t err_size)
{
	int ret = 0;

	x->netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!x->netlink || mnl_socket_bind(x->netlink, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
					   MNL_SOCKET_AUTOPID) < 0)
		ret = -errno;
	if (ret == 0)
		ret = look_up_own(x);
	if (ret < 0)
		snprintf(err, err_size, "cannot ask the kernel for its addresses: %s",
			 strerror(-ret));
	return ret;
}

int dp_intake_open(struct dp_intake *x, const struct dp_port *port, unsigned ports, char *err,
		   size_t err_size)
{
	for (unsigned i = 0; i < ports; i++) {
		int map;

		if (!port[i].split)
			continue;
		map = map_of(port[i].wire);
		if (map < 0) {
			snprintf(err, err_size, "port %s: its XDP program has no map %s: %s",
				 port[i].name, TO_INTAKE_MAP, strerror(-map));
			return map;
		}
		x->map[x->maps++] = map;
	}
	return x->maps ? follow_own(x, err, err_size) : 0;
}

void dp_intake_close(struct dp_intake *x)
{
	if (x->netlink)
		mnl_socket_close(x->netlink);
	freeifaddrs(x->own);
	while (x->maps)
		close(x->map[--x->maps]);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(union to_addr));
}

static void add(struct wanted *w, const union to_addr *addr, uint8_t kind)
{
	w->entry[w->n++] = (struct entry){*addr, kind};
}

static void add_table(struct wanted *w, const struct to_table *t)
{
	const struct to_address *a = t ? to_table_addresses(t) : NULL;

	for (uint32_t i = 0; t && i < to_table_address_count(t); i++) {
		if (a[i].kind == TO_ADDRESS_VIP || a[i].kind == TO_ADDRESS_EDGE)
			add(w, &a[i].addr, a[i].kind);
	}
}

/* What is the table's as well is not the host's alone. */
static void add_own(struct wanted *w, const struct ifaddrs *own)
{
	size_t n = w->n;

	if (n)
		qsort(w->entry, n, sizeof(*w->entry), compare);
	for (; own; own = own->ifa_next) {
		union to_addr addr;

		if (own->ifa_addr && own->ifa_addr->sa_family == AF_INET)
			addr = to_addr_v4((to_be32){
				((const struct sockaddr_in *)own->ifa_addr)->sin_addr.s_addr});
		else if (own->ifa_addr && own->ifa_addr->sa_family == AF_INET6)
			memcpy(&addr, &((const struct sockaddr_in6 *)own->ifa_addr)->sin6_addr,
			       sizeof(addr));
		else
			continue;
		if (!n || !bsearch(&addr, w->entry, n, sizeof(*w->entry), compare))
			add(w, &addr, TO_ADDRESS_GATEWAY);
	}
	if (w->n)
		qsort(w->entry, w->n, sizeof(*w->entry), compare);
}

/* Returns 0 or a negative errno; w->entry is to be freed. */
static int collect(struct wanted *w, const struct to_table *t, const struct to_table *also,
		   const struct ifaddrs *own)
{
	size_t most =
		(t ? to_table_address_count(t) : 0) + (also ? to_table_address_count(also) : 0);

	for (const struct ifaddrs *i = own; i; i = i->ifa_next)
		most++;
	w->entry = calloc(most + 1, sizeof(*w->entry));
	if (!w->entry)
		return -ENOMEM;
	add_table(w, t);
	add_table(w, also);
	add_own(w, own);
	return 0;
}

/* Makes the map hold what is wanted; what is not goes last. */
static int fill(int map, const struct wanted *w)
{
	union to_addr key, next;
	bool more;

	for (size_t i = 0; i < w->n; i++) {
		if (bpf_map_update_elem(map, &w->entry[i].addr, &w->entry[i].kind, BPF_ANY) < 0)
			return -errno;
	}
	more = bpf_map_get_next_key(map, NULL, &next) == 0;
	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (!w->n || !bsearch(&key, w->entry, w->n, sizeof(*w->entry), compare))
			bpf_map_delete_elem(map, &key);
	}
	return 0;
}

static int set(struct dp_intake *x, const struct to_table *t, const struct to_table *also,
	       char *err, size_t err_size)
{
	struct wanted w = {0};
	int ret = collect(&w, t, also, x->own);

	for (unsigned i = 0; ret == 0 && i < x->maps; i++)
		ret = fill(x->map[i], &w);
	free(w.entry);
	if (ret < 0)
		snprintf(err, err_size, "cannot tell the XDP program what is the engine's: %s",
			 strerror(-ret));
	return ret;
}

int dp_intake_widen(struct dp_intake *x, const struct to_table *running,
		    const struct to_table *next, char *err, size_t err_size)
{
	if (!x->maps)
		return 0;
	x->wide = running != NULL;
	return set(x, next, running, err, err_size);
}

void dp_intake_forget(struct dp_intake *x)
{
	char err[256];

	if (x->maps && set(x, NULL, NULL, err, sizeof(err)) < 0)
		fprintf(stderr, "turnout-dp: %s\n", err);
}

/* The host's addresses have changed, or could not be had when they had. */
static bool has_changed(struct dp_intake *x, char *err, size_t err_size)
{
	int ret;

	x->unread |= is_told(x);
	if (!x->unread || !dp_again_is_due(&x->again))
		return false;
	ret = look_up_own(x);
	x->unread = ret < 0;
	if (ret < 0) {
		snprintf(err, err_size, "cannot ask the kernel for its addresses: %s",
			 strerror(-ret));
		dp_again_failed(&x->again, err);
	}
	return ret == 0;
}

void dp_intake_look(struct dp_intake *x, const struct to_table *running, bool live)
{
	char err[256];

	if (!x->maps)
		return;
	x->late |= has_changed(x, err, sizeof(err));
	if (!running || !live || !(x->wide || x->late) || !dp_again_is_due(&x->again))
		return;
	x->late = set(x, running, NULL, err, sizeof(err)) < 0;
	x->wide = false;
	if (x->late)
		dp_again_failed(&x->again, err);
	else if (!x->unread)
		x->again = (struct dp_again){0};
}
