/* SPDX-License-Identifier: BSD-3-Clause */
/* What turnout-xdp wants: docs/xdp.md. */
#include <stdio.h>
#include <string.h>

#include "doctor.h"

static void look_at_kernel(struct to_doctor *d)
{
	char release[128];
	int major = 0, minor = 0;

	if (!to_doctor_read(d, release, sizeof(release), "/proc/sys/kernel/osrelease") ||
	    sscanf(release, "%4d.%4d", &major, &minor) != 2) /* NOLINT(cert-err34-c) */
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_MISSING, "is /proc mounted?",
			      "the kernel does not say its version");
	else if (major < 6 || (major == 6 && minor < 1))
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_MISSING,
			      "Linux 6.1 or later: Debian 12 has it",
			      "Linux %s is too old for the program", release);
	else
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_OK, NULL, "Linux %s", release);
	if (to_doctor_number(d, "/sys/kernel/realtime") == 1)
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_MISSING, "boot a kernel without PREEMPT_RT",
			      "this is a real-time kernel");
}

static void look_at_bpf(struct to_doctor *d)
{
	if (to_doctor_exists(d, "/sys/kernel/btf/vmlinux"))
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_OK, NULL, "the kernel has its BTF");
	else
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_MISSING,
			      "a kernel with CONFIG_DEBUG_INFO_BTF: Debian's has it",
			      "the kernel has no BTF: there is no /sys/kernel/btf/vmlinux");
	if (to_doctor_number(d, "/proc/sys/net/core/bpf_jit_enable") > 0)
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_OK, NULL, "BPF programs are compiled");
	else
		to_doctor_say(
			d, TO_ABOUT_XDP, TO_FOUND_MISSING,
			"sysctl -w net.core.bpf_jit_enable=1; if there is no such key, a kernel "
			"with CONFIG_BPF_JIT",
			"BPF programs are not compiled, but interpreted");
	if (to_doctor_mounted(d, "bpf"))
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_OK, NULL, "the BPF file system is mounted");
	else
		to_doctor_say(d, TO_ABOUT_XDP, TO_FOUND_MISSING, "mount -t bpf bpf /sys/fs/bpf",
			      "the BPF file system, where steering outlives its process, is not "
			      "mounted");
}

void to_doctor_xdp(struct to_doctor *d)
{
	look_at_kernel(d);
	look_at_bpf(d);
}
