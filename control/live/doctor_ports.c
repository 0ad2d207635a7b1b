/* SPDX-License-Identifier: BSD-3-Clause */
/* Each network interface, as a port of turnout-xdp. */
#include <stdio.h>
#include <string.h>

#include "doctor.h"

#define MTU_NATIVE 3498 /* above, a frame takes more than one buffer: docs/xdp.md */
#define MTU_USUAL  1500

/* Drivers that run an XDP program by themselves in Linux 6.1, and send its frames to other ports.
 */
static const char *const native[] = {
	"atlantic", "bnxt_en",   "dpaa2_eth", "ena",       "fsl_dpaa2_eth", "fsl_enetc",
	"gve",      "hv_netvsc", "i40e",      "ice",       "igb",           "igc",
	"ixgbe",    "ixgbevf",   "mana",      "mlx4_core", "mlx4_en",       "mlx5_core",
	"mvneta",   "mvpp2",     "nfp",       "nicvf",     "qede",          "rvu_nicpf",
	"sfc",      "stmmac",    "st_gmac",   "tun",       "veth",          "virtio_net",
};

static bool has_vlan(const struct to_doctor *d, const char *name)
{
	char text[16384], wanted[64];

	snprintf(wanted, sizeof(wanted), "| %s", name);
	if (!to_doctor_read(d, text, sizeof(text), "/proc/net/vlan/config"))
		return false;
	for (const char *at = text; (at = strstr(at, wanted)); at++)
		if (strchr("\n", at[strlen(wanted)]))
			return true;
	return false;
}

static bool is_native(const char *driver)
{
	for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++)
		if (!strcmp(native[i], driver))
			return true;
	return false;
}

static void look_at_offloads(struct to_doctor *d, const char *name, const char *driver)
{
	char todo[128];

	if (to_doctor_feature(d, name, TO_RX_VLAN) && has_vlan(d, name)) {
		snprintf(todo, sizeof(todo), "ethtool -K %s rxvlan off", name);
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_NOTE, todo,
			      "%s: the card takes VLAN tags off, and the program sees none", name);
	}
	if (to_doctor_feature(d, name, TO_LRO)) {
		snprintf(todo, sizeof(todo), "ethtool -K %s lro off", name);
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_NOTE, todo,
			      "%s: the card joins frames (LRO), which a gateway must not forward",
			      name);
	}
	if (!strcmp(driver, "veth") && to_doctor_feature(d, name, TO_TX_CHECKSUM)) {
		snprintf(todo, sizeof(todo), "ethtool -K %s tx off, at the other end too", name);
		to_doctor_say(
			d, TO_ABOUT_XDP, TO_FOUND_NOTE, todo,
			"%s: a veth leaves checksums to a card that it has not; natively such "
			"frames are not understood",
			name);
	}
}

/* Strict reverse path filtering drops what comes in by another way than the answer would take. */
static void look_at_filter(struct to_doctor *d, const char *name)
{
	char path[128], todo[128];
	long all = to_doctor_number(d, "/proc/sys/net/ipv4/conf/all/rp_filter"), own;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%.60s/rp_filter", name);
	own = to_doctor_number(d, path);
	if ((own > all ? own : all) != 1)
		return;
	snprintf(todo, sizeof(todo), "sysctl -w net.ipv4.conf.%.60s.rp_filter=2", name);
	to_doctor_say(
		d, TO_ABOUT_HOST, TO_FOUND_NOTE, todo,
		"%s: rp_filter is strict: where the way back is another one, the kernel drops "
		"what is its own, health checks' answers too",
		name);
}

static void look_at_port(struct to_doctor *d, const char *name)
{
	char driver[64] = "", path[128];
	bool known = to_doctor_driver(d, name, driver, sizeof(driver));
	long mtu;

	snprintf(path, sizeof(path), "/sys/class/net/%.60s/mtu", name);
	mtu = to_doctor_number(d, path);
	if (!known || !is_native(driver))
		to_doctor_say(
			d, TO_ABOUT_XDP, TO_FOUND_NOTE, NULL,
			"%s: driver %s has no XDP that is known here: generic mode, slower, and "
			"then for all ports",
			name, known ? driver : "unknown");
	else if (mtu > MTU_NATIVE)
		to_doctor_say(
			d, TO_ABOUT_XDP, TO_FOUND_NOTE,
			"a smaller MTU, by ip link set, or turnout-xdp run --mode generic",
			"%s: MTU %ld: natively a frame must fit one buffer, about 3,500 bytes",
			name, mtu);
	else
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_OK, NULL, "%s: driver %s, native, MTU %ld",
			      name, driver, mtu);
	if (mtu > 0 && mtu < MTU_USUAL)
		to_doctor_say(d, TO_ABOUT_HOST, TO_FOUND_NOTE, NULL,
			      "%s: MTU %ld: larger packets are answered with ICMP, or dropped",
			      name, mtu);
	look_at_offloads(d, name, driver);
	look_at_filter(d, name);
}

static void one_port(struct to_doctor *d, const char *name, void *context)
{
	unsigned *ports = context;

	/* no VLAN of a port, nor what has no frames of its own; bonding_masters is a file */
	if (!strcmp(name, "lo") || strchr(name, '.') ||
	    !to_doctor_exists(d, "/sys/class/net/%s/mtu", name))
		return;
	++*ports;
	look_at_port(d, name);
}

void to_doctor_ports(struct to_doctor *d, const char *port)
{
	unsigned ports = 0;

	if (port && to_doctor_exists(d, "/sys/class/net/%s/mtu", port)) {
		look_at_port(d, port);
		return;
	}
	if (!port)
		to_doctor_each(d, "/sys/class/net", one_port, &ports);
	if (port)
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_MISSING, "ip link shows which there are",
			      "there is no interface %s", port);
	else if (!ports)
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_MISSING, "ip link shows which there are",
			      "there is no network interface but lo");
}
