/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_ports.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "turnout.skel.h"
#include "xdp_tell.h"

#define PATH_ROOM 192
#define LINKS     "links"

void to_xdp_ports_init(struct to_xdp_ports *p, const struct to_xdp_run_options *o)
{
	*p = (struct to_xdp_ports){
		.n = o->ports, .mode = o->mode, .chosen = o->mode == TO_XDP_AUTO};
	for (unsigned i = 0; i < o->ports; i++)
		p->port[i].option = o->port[i];
	snprintf(p->dir, sizeof(p->dir), "%s/" LINKS, o->pin);
}

struct to_xdp_port *to_xdp_port_of(struct to_xdp_ports *p, uint32_t ifindex, uint32_t lower)
{
	for (unsigned i = 0; i < p->n; i++) {
		uint32_t own = p->port[i].ifindex;

		if (own && (own == ifindex || own == lower))
			return &p->port[i];
	}
	return NULL;
}

/* The BPF file system takes no dots, and no interface has a colon in its name. */
static void exchange_letter(char *name, char from, char to)
{
	for (; *name; name++) {
		if (*name == from)
			*name = to;
	}
}

void to_xdp_link_file(char *file, const char *interface)
{
	snprintf(file, IFNAMSIZ, "%s", interface);
	exchange_letter(file, '.', ':');
}

void to_xdp_link_interface(char *interface, const char *file)
{
	snprintf(interface, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, file);
	exchange_letter(interface, ':', '.');
}

static void link_path(char *path, const struct to_xdp_ports *p, const struct to_xdp_port *port)
{
	char file[IFNAMSIZ];

	to_xdp_link_file(file, port->option.name);
	snprintf(path, PATH_ROOM, "%s/%s", p->dir, file);
}

static struct to_xdp_port *named(struct to_xdp_ports *p, const char *name)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (!strcmp(p->port[i].option.name, name))
			return &p->port[i];
	}
	return NULL;
}

/* What a frame that comes by the port is decided by: until it is told, the kernel has them. */
static void tell_program(struct to_xdp *x, struct to_xdp_port *port)
{
	struct to_bpf_port v = {.zone = port->option.zone}, known;
	const struct bpf_map *ports = x->skel->maps.ports;
	int ret;

	memcpy(v.own, port->mac, sizeof(v.own));
	/* an element that is replaced is used again for another port, under a packet's eyes */
	if (bpf_map__lookup_elem(ports, &port->ifindex, sizeof(port->ifindex), &known,
				 sizeof(known), 0) == 0 &&
	    !memcmp(&known, &v, sizeof(v)))
		return;
	ret = bpf_map__update_elem(ports, &port->ifindex, sizeof(port->ifindex), &v, sizeof(v),
				   BPF_ANY);
	to_xdp_tell(&port->untold, ret,
		    "cannot tell the program of %s, whose frames the kernel has",
		    port->option.name);
}

/* The interface that a pinned link is attached to: 0 when that is gone. */
static uint32_t link_ifindex(int fd)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ? 0 : info.xdp.ifindex;
}

/* Returns 1 or 0, or a negative errno where the kernel does not say. */
static int is_native(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	int ret = bpf_xdp_query((int)ifindex, 0, &q);

	return ret < 0 ? ret : q.attach_mode == XDP_ATTACHED_DRV;
}

bool to_xdp_is_native(uint32_t ifindex)
{
	return is_native(ifindex) == 1;
}

static uint32_t pinned_ifindex(const char *path)
{
	int fd = bpf_obj_get(path);
	uint32_t ifindex;

	if (fd < 0)
		return 0;
	ifindex = link_ifindex(fd);
	close(fd);
	return ifindex;
}

/* An interface that was given another name while no process ran has its link under the old one. */
static void find_link(const char *dir, const char *path, uint32_t ifindex)
{
	bool found = pinned_ifindex(path) == ifindex;
	char other[PATH_ROOM];
	struct dirent *e;
	DIR *d = found ? NULL : opendir(dir);

	while (d && !found && (e = readdir(d))) {
		if (*e->d_name == '.' ||
		    snprintf(other, sizeof(other), "%s/%s", dir, e->d_name) >= (int)sizeof(other))
			continue;
		found = pinned_ifindex(other) == ifindex;
		/* it may have the name of one that has its own now */
		if (found && renameat2(AT_FDCWD, other, AT_FDCWD, path, RENAME_EXCHANGE) < 0)
			rename(other, path);
	}
	if (d)
		closedir(d);
}

/* Puts the program into the link that is there. -ENOENT: there is none for this interface and
 * mode. */
static int exchange(struct to_xdp *x, const char *path, uint32_t ifindex, enum to_xdp_mode mode)
{
	int fd = bpf_obj_get(path), ret = -ENOENT, native;

	if (fd < 0)
		return fd;
	native = mode == TO_XDP_AUTO ? 1 : is_native(ifindex);
	if (native < 0) /* what is attached is not taken off for that */
		ret = native;
	else if (link_ifindex(fd) == ifindex && native == (mode != TO_XDP_GENERIC))
		ret = bpf_link_update(fd, x->xdp_fd, NULL);
	else { /* another interface of that name, or another mode is wanted */
		/* at once: the last reference is let go of later, and until then it is attached */
		bpf_link_detach(fd);
		unlink(path);
	}
	close(fd);
	return ret;
}

/* In the driver of a bond or a team the program would see its members' indexes, not its own. */
static bool is_aggregate(const char *interface)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (void *)&info};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool asked;

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	asked = ioctl(fd, SIOCETHTOOL, &request) == 0;
	close(fd);
	return asked && (!strcmp(info.driver, "bonding") || !strcmp(info.driver, "team"));
}

static int attach_by(struct to_xdp *x, uint32_t ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = flags);

	return bpf_link_create(x->xdp_fd, (int)ifindex, BPF_XDP, &o);
}

static int attach(struct to_xdp *x, const char *path, uint32_t ifindex, enum to_xdp_mode mode)
{
	int fd = attach_by(x, ifindex,
			   mode == TO_XDP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int ret;

	if (fd < 0)
		return fd;
	ret = bpf_obj_pin(fd, path);
	close(fd);
	return ret;
}

static const char *why_not(int ret, enum to_xdp_mode mode)
{
	if (ret == -EBUSY || ret == -EEXIST)
		return "another XDP program is attached: see `ip link`";
	if (ret == -EOPNOTSUPP && mode != TO_XDP_GENERIC)
		return "its driver has no native XDP";
	if ((ret == -EINVAL || ret == -ERANGE) && mode != TO_XDP_GENERIC)
		return "its driver refuses: its MTU may be too large for native XDP";
	return strerror(-ret);
}

bool to_xdp_port_strips_vlan(const struct to_xdp_port *port)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (void *)&flags};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool asked;

	if (fd < 0)
		return false;
	memcpy(request.ifr_name, port->option.name, sizeof(request.ifr_name));
	asked = ioctl(fd, SIOCETHTOOL, &request) == 0;
	close(fd);
	return asked && flags.data & ETH_FLAG_RXVLAN;
}

struct to_xdp_port *to_xdp_port_found(struct to_xdp *x, struct to_xdp_ports *p,
				      const struct to_link *link)
{
	struct to_xdp_port *port = named(p, link->name);

	if (!port ||
	    (port->ifindex == link->ifindex && !memcmp(port->mac, link->mac, sizeof(port->mac))))
		return NULL;
	if (port->ifindex != link->ifindex) {
		struct to_xdp_port *before = to_xdp_port_of(p, link->ifindex, 0);

		if (before) { /* it had that port's name until now */
			before->ifindex = 0;
			before->attached = false;
		}
		port->attached = false;
	}
	port->ifindex = link->ifindex;
	memcpy(port->mac, link->mac, sizeof(port->mac));
	if (!p->held)
		tell_program(x, port);
	return port;
}

int to_xdp_port_attach(struct to_xdp *x, struct to_xdp_ports *p, struct to_xdp_port *port)
{
	char path[PATH_ROOM];
	int ret = -EOPNOTSUPP;

	link_path(path, p, port);
	if (p->mode == TO_XDP_GENERIC || !is_aggregate(port->option.name)) {
		find_link(p->dir, path, port->ifindex);
		ret = exchange(x, path, port->ifindex, p->mode);
	}
	port->ours = ret == -ENOENT;
	if (ret == -ENOENT)
		ret = attach(x, path, port->ifindex, p->mode);
	port->refused = ret;
	if (ret < 0)
		return ret;
	port->told = 0;
	port->attached = true;
	port->native = to_xdp_is_native(port->ifindex);
	return 0;
}

void to_xdp_port_tell(const struct to_xdp_ports *p, struct to_xdp_port *port)
{
	if (port->refused != port->told && port->refused < 0)
		fprintf(stderr, "turnout-xdp: cannot attach to %s: %s\n", port->option.name,
			why_not(port->refused, p->mode));
	port->told = port->refused;
}

void to_xdp_ports_release(struct to_xdp *x, struct to_xdp_ports *p)
{
	p->held = false;
	for (unsigned i = 0; i < p->n; i++) {
		if (p->port[i].ifindex)
			tell_program(x, &p->port[i]);
	}
}

void to_xdp_ports_retry(struct to_xdp *x, struct to_xdp_ports *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->port[i].ifindex && p->port[i].untold)
			tell_program(x, &p->port[i]);
	}
	if (p->unforgotten)
		to_xdp_ports_forget(x, p);
}

/* One that an earlier process had to attach in generic mode. */
static bool any_generic(const struct to_xdp_ports *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->port[i].attached && !p->port[i].native)
			return true;
	}
	return false;
}

/* What drivers say that have no native XDP, or not with their MTU or features as they are. */
static bool is_drivers(int ret)
{
	return ret == -EOPNOTSUPP || ret == -EINVAL || ret == -ERANGE;
}

/* The port that speaks for all: one whose driver refuses; if none of them could be attached,
 * another. */
static const struct to_xdp_port *find_refused(const struct to_xdp_ports *p)
{
	const struct to_xdp_port *first = NULL;
	bool any = false;

	for (unsigned i = 0; i < p->n; i++) {
		const struct to_xdp_port *port = &p->port[i];

		if (port->ifindex && !port->attached && is_drivers(port->refused))
			return port;
		if (port->ifindex && !port->attached && !first)
			first = port;
		any |= port->attached;
	}
	return any ? NULL : first;
}

/* All of them, also after a failure: they must have one program. */
static int attach_present(struct to_xdp *x, struct to_xdp_ports *p, char *err, size_t err_size)
{
	const struct to_xdp_port *refused;

	for (unsigned i = 0; i < p->n; i++) {
		p->port[i].attached = false;
		if (p->port[i].ifindex)
			to_xdp_port_attach(x, p, &p->port[i]);
	}
	refused = find_refused(p);
	if (!refused)
		return 0;
	snprintf(err, err_size, "cannot attach to %s: %s", refused->option.name,
		 why_not(refused->refused, p->mode));
	return refused->refused;
}

static bool any_attached(const struct to_xdp_ports *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->port[i].attached)
			return true;
	}
	return false;
}

static int attach_all(struct to_xdp *x, struct to_xdp_ports *p, char *err, size_t err_size)
{
	int ret = attach_present(x, p, err, err_size);

	if (p->mode != TO_XDP_AUTO || (ret < 0 && !is_drivers(ret)))
		return ret;
	if (ret == 0 && !any_generic(p)) {
		p->mode = any_attached(p) ? TO_XDP_NATIVE : TO_XDP_AUTO;
		return 0;
	}
	fprintf(stderr, "turnout-xdp: %s: generic mode on every port: slower, after the driver\n",
		ret < 0 ? err : "an earlier run found a port without native XDP");
	p->mode = TO_XDP_GENERIC;
	return attach_present(x, p, err, err_size);
}

int to_xdp_port_attach_late(struct to_xdp *x, struct to_xdp_ports *p, struct to_xdp_port *port)
{
	int ret = to_xdp_port_attach(x, p, port);
	char err[256];

	if (ret >= 0 || !is_drivers(ret) || !p->chosen || p->mode == TO_XDP_GENERIC)
		return ret;
	fprintf(stderr,
		"turnout-xdp: cannot attach to %s: %s: generic mode on every port: slower, after "
		"the driver\n",
		port->option.name, why_not(ret, p->mode));
	p->mode = TO_XDP_GENERIC;
	ret = attach_present(x, p, err, sizeof(err));
	return port->attached ? 0 : port->refused < 0 ? port->refused : ret;
}

int to_xdp_ports_attach(struct to_xdp *x, struct to_xdp_ports *p, char *err, size_t err_size)
{
	int ret = attach_all(x, p, err, err_size);

	for (unsigned i = 0; ret == 0 && i < p->n; i++) {
		if (p->port[i].ifindex)
			to_xdp_port_tell(p, &p->port[i]);
	}
	return ret;
}

void to_xdp_ports_undo(struct to_xdp_ports *p)
{
	char path[PATH_ROOM];

	for (unsigned i = 0; i < p->n; i++) {
		if (!p->port[i].attached || !p->port[i].ours)
			continue;
		link_path(path, p, &p->port[i]);
		unlink(path);
		p->port[i].attached = false;
	}
}

int to_xdp_ports_forget(struct to_xdp *x, struct to_xdp_ports *p)
{
	const struct bpf_map *ports = x->skel->maps.ports;
	uint32_t all[TO_BPF_PORTS], n = 0, key;
	int ret = bpf_map__get_next_key(ports, NULL, &key, sizeof(key));

	while (ret == 0 && n < TO_BPF_PORTS) {
		all[n++] = key;
		ret = bpf_map__get_next_key(ports, &key, &key, sizeof(key));
	}
	for (uint32_t i = 0; (ret == 0 || ret == -ENOENT) && i < n; i++) {
		if (to_xdp_port_of(p, all[i], 0))
			continue;
		ret = bpf_map__delete_elem(ports, &all[i], sizeof(all[i]), 0);
	}
	return to_xdp_tell(&p->unforgotten, ret == -ENOENT ? 0 : ret,
			   "cannot have the program forget an interface");
}

void to_xdp_port_gone(struct to_xdp *x, struct to_xdp_ports *p, const struct to_link *link)
{
	struct to_xdp_port *port = to_xdp_port_of(p, link->ifindex, 0);

	if (!port)
		return;
	port->ifindex = 0;
	port->attached = false;
	port->refused = 0;
	port->told = 0;
	port->untold = 0;
	if (!p->held)
		to_xdp_ports_forget(x, p);
}

int to_xdp_ports_prune(const char *dir, const struct to_xdp_ports *p, FILE *out)
{
	char path[PATH_ROOM];
	struct dirent *e;
	DIR *d = opendir(dir);
	int ret = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (ret == 0 && (e = readdir(d))) {
		char name[IFNAMSIZ];

		to_xdp_link_interface(name, e->d_name);
		if (*e->d_name == '.' || (p && named((struct to_xdp_ports *)(uintptr_t)p, name)))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			ret = -ENAMETOOLONG;
		else if (unlink(path) < 0)
			ret = -errno;
		else
			fprintf(out, "turnout-xdp: detached from %s\n", name);
	}
	closedir(d);
	return ret;
}
