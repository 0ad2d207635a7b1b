/* SPDX-License-Identifier: BSD-3-Clause */
/* What both engines want: processor, clock, and what the kernel does with the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "doctor.h"

#define CPUINFO 262144 /* bytes: hundreds of processors, of which the first is looked at */

static unsigned processors(const struct to_doctor *d, char *flags, size_t size)
{
	char *text = malloc(CPUINFO), *rest = text, *line;
	unsigned count = 0;

	*flags = '\0';
	if (!text || !to_doctor_read(d, text, CPUINFO, "/proc/cpuinfo")) {
		free(text);
		return 0;
	}
	while ((line = strsep(&rest, "\n"))) {
		count += !strncmp(line, "processor\t", 10);
		if (!strncmp(line, "flags\t", 6) && !*flags)
			snprintf(flags, size, "%s ", line);
	}
	free(text);
	return count;
}

static void look_at_processors(struct to_doctor *d)
{
	char flags[8192];
	unsigned count = processors(d, flags, sizeof(flags));

	if (!strstr(flags, " sse4_2 "))
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_MISSING,
			      "another processor, or give the virtual machine the host's model",
			      "the processor has no SSE 4.2, which Debian's DPDK is built for");
	if (count == 1)
		to_doctor_say(d, TO_ABOUT_DPDK, TO_FOUND_NOTE,
			      "at least two: one for the worker, which never sleeps",
			      "there is one processor");
	else
		to_doctor_say(d, TO_ABOUT_HOST, TO_FOUND_OK, NULL, "%u processors", count);
}

static void look_at_clocksource(struct to_doctor *d)
{
	char source[64];

	if (!to_doctor_read(d, source, sizeof(source),
			    "/sys/devices/system/clocksource/clocksource0/current_clocksource"))
		return;
	if (!strcmp(source, "hpet") || !strcmp(source, "acpi_pm") || !strcmp(source, "jiffies"))
		to_doctor_say(d, TO_ABOUT_HOST, TO_FOUND_NOTE,
			      "find out with dmesg why the kernel does not trust the TSC",
			      "the clock is %s, which takes long to read: once a packet under XDP",
			      source);
	else
		to_doctor_say(d, TO_ABOUT_HOST, TO_FOUND_OK, NULL, "the clock is %s", source);
}

/* Whether the time is right: journals and credentials hang on it. */
static void look_at_time(struct to_doctor *d)
{
	struct timex t = {0};
	bool right;

	right = *d->root ? to_doctor_exists(d, "/run/systemd/timesync/synchronized")
			 : adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
	if (right)
		to_doctor_say(d, TO_ABOUT_HOST, TO_FOUND_OK, NULL, "the time is synchronized");
	else
		to_doctor_say(
			d, TO_ABOUT_HOST, TO_FOUND_NOTE,
			"run chrony or systemd-timesyncd, here and on every edge",
			"the time is not synchronized; credentials of A/V edges depend on it");
}

/* Turnout forwards what is its own by itself; the kernel forwards the rest, where it may. */
static void look_at_forwarding(struct to_doctor *d)
{
	static const char *const paths[] = {"/proc/sys/net/ipv4/ip_forward",
					    "/proc/sys/net/ipv6/conf/all/forwarding"};

	for (int i = 0; i < 2; i++) {
		long on = to_doctor_number(d, paths[i]);
		int version = i ? 6 : 4;

		if (on > 0)
			to_doctor_say(d, TO_ABOUT_HOST, TO_FOUND_OK, NULL,
				      "the kernel forwards IPv%d that is not Turnout's", version);
		else if (on == 0)
			to_doctor_say(
				d, TO_ABOUT_HOST, TO_FOUND_NOTE,
				i ? "sysctl -w net.ipv6.conf.all.forwarding=1, if other hosts "
				    "have their route through this one"
				  : "sysctl -w net.ipv4.ip_forward=1, if other hosts have "
				    "their route through this one",
				"the kernel does not forward IPv%d that is not Turnout's", version);
	}
}

void to_doctor_host(struct to_doctor *d)
{
	look_at_processors(d);
	look_at_clocksource(d);
	look_at_time(d);
	look_at_forwarding(d);
}
