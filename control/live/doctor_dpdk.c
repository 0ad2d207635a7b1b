/* SPDX-License-Identifier: BSD-3-Clause */
/* What turnout-dp wants: DPDK itself, and for physical ports memory and a driver. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

static void look_for_library(struct to_doctor *d, const char *name, void *found)
{
	(void)d;
	if (!strncmp(name, "librte_eal.so.", 14))
		*(bool *)found = true;
}

static void look_at_library(struct to_doctor *d)
{
	static const char *const places[] = {"/usr/lib/x86_64-linux-gnu", "/usr/local/lib",
					     "/usr/local/lib/x86_64-linux-gnu", "/usr/lib64"};
	bool found = false;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		to_doctor_each(d, places[i], look_for_library, &found);
	if (found)
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_OK, NULL,
			      "DPDK's libraries are installed");
	else
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_MISSING, "apt-get install librte-meta-net",
			      "DPDK's libraries are not installed");
}

struct pages {
	long kilobytes, free_kilobytes;
};

static void count_pages(struct to_doctor *d, const char *name, void *context)
{
	struct pages *p = context;
	char path[160];
	long size, all, unused;

	if (strncmp(name, "hugepages-", 10) != 0)
		return;
	size = strtol(name + 10, NULL, 10);
	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%.60s/nr_hugepages", name);
	all = to_doctor_number(d, path);
	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%.60s/free_hugepages", name);
	unused = to_doctor_number(d, path);
	if (size > 0 && all > 0)
		p->kilobytes += all * size;
	if (size > 0 && unused > 0)
		p->free_kilobytes += unused * size;
}

#define HUGE_ENOUGH (256l * 1024) /* kB: frames under way, and DPDK's own */

static void look_at_memory(struct to_doctor *d)
{
	struct pages p = {0};

	to_doctor_each(d, "/sys/kernel/mm/hugepages", count_pages, &p);
	if (p.kilobytes < HUGE_ENOUGH)
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_NOTE,
			      "sysctl -w vm.nr_hugepages=512, in /etc/sysctl.d to keep it",
			      "%ld MB of huge pages are reserved, 256 MB are wanted; without them "
			      "only --no-huge, for virtual devices",
			      p.kilobytes / 1024);
	else if (p.free_kilobytes < HUGE_ENOUGH)
		to_doctor_say(
			d, TO_ABOUT_DPDK, TO_FOUND_NOTE, "reserve more: vm.nr_hugepages",
			"of %ld MB of huge pages %ld MB are free: does turnout-dp run already?",
			p.kilobytes / 1024, p.free_kilobytes / 1024);
	else
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_OK, NULL, "%ld MB of huge pages are free",
			      p.free_kilobytes / 1024);
	if (!to_doctor_mounted(d, "hugetlbfs"))
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_NOTE,
			      "mount -t hugetlbfs hugetlbfs /dev/hugepages",
			      "no hugetlbfs is mounted: huge pages cannot be used");
}

static void nothing(struct to_doctor *d, const char *name, void *context)
{
	(void)d;
	(void)name;
	(void)context;
}

static void look_at_vfio(struct to_doctor *d)
{
	char unsafe[8] = "";

	if (!to_doctor_exists(d, "/sys/bus/pci/drivers/vfio-pci"))
		to_doctor_say(
			d, TO_ABOUT_DPDK, TO_FOUND_NOTE,
			"modprobe vfio-pci, in /etc/modules-load.d to keep it (not for Mellanox "
			"cards, which keep their kernel driver)",
			"the driver vfio-pci, which hands a card to DPDK, is not loaded");
	else
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_OK, NULL, "vfio-pci is loaded");
	if (to_doctor_each(d, "/sys/kernel/iommu_groups", nothing, NULL)) {
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_OK, NULL, "the IOMMU is on");
		return;
	}
	to_doctor_read(d, unsafe, sizeof(unsafe),
		       "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_NOTE,
		      "boot with intel_iommu=on or amd_iommu=on; a virtual machine without one: "
		      "echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
		      *unsafe == 'Y' ? "there is no IOMMU; vfio works without it, unprotected"
				     : "there is no IOMMU: vfio hands no card over");
}

static void look_at_lock_limit(struct to_doctor *d)
{
	char text[4096];
	const char *line;

	if (!to_doctor_read(d, text, sizeof(text), "/proc/self/limits"))
		return;
	line = strstr(text, "Max locked memory");
	if (line && strncmp(line + 17 + strspn(line + 17, " "), "unlimited", 9) != 0)
		to_doctor_say(
			d, TO_ABOUT_DPDK, TO_FOUND_NOTE,
			"LimitMEMLOCK=infinity in the service, or ulimit -l unlimited",
			"locked memory is limited, which stops vfio for anybody but root; XDP "
			"does not mind since Linux 5.11");
}

void to_doctor_dpdk(struct to_doctor *d)
{
	look_at_library(d);
	look_at_memory(d);
	look_at_vfio(d);
	look_at_lock_limit(d);
}
