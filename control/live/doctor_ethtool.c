/* SPDX-License-Identifier: BSD-3-Clause */
/* What the driver of an interface says of itself. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"

static const char *const features[] = {
	[TO_RX_VLAN] = "rx-vlan-offload: on",
	[TO_LRO] = "large-receive-offload: on",
	[TO_TX_CHECKSUM] = "tx-checksumming: on",
};

static bool ask(const char *interface, void *command)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	request.ifr_data = command;
	ret = ioctl(fd, SIOCETHTOOL, &request);
	close(fd);
	return ret == 0;
}

bool to_doctor_driver(const struct to_doctor *d, const char *interface, char *out, size_t size)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	char text[8192], *line;

	if (to_doctor_link(d, out, size, "/sys/class/net/%s/device/driver", interface))
		return true;
	if (!*d->root) {
		if (!ask(interface, &info))
			return false;
		snprintf(out, size, "%s", info.driver);
		return *out;
	}
	if (!to_doctor_read(d, text, sizeof(text), "/ethtool/%s", interface))
		return false;
	line = strstr(text, "driver: ");
	if (!line)
		return false;
	snprintf(out, size, "%.*s", (int)strcspn(line + 8, "\n"), line + 8);
	return true;
}

bool to_doctor_feature(const struct to_doctor *d, const char *interface, enum to_feature feature)
{
	struct ethtool_value v = {.cmd = feature == TO_TX_CHECKSUM ? ETHTOOL_GTXCSUM
								   : ETHTOOL_GFLAGS};
	char text[8192];

	if (*d->root)
		return to_doctor_read(d, text, sizeof(text), "/ethtool/%s", interface) &&
		       strstr(text, features[feature]);
	if (!ask(interface, &v))
		return false;
	return feature == TO_TX_CHECKSUM ? v.data
	       : feature == TO_LRO       ? v.data & ETH_FLAG_LRO
					 : v.data & ETH_FLAG_RXVLAN;
}
