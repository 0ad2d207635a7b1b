/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turnout-xdp that stops, or dies, in the middle of what it does: TURNOUT_STUMBLE=kill:STEP:N or
 * stop:STEP:N is about the Nth call of that step, just before it; fail:STEP:N makes it and later
 * ones fail. Linked with --wrap for each.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xdp_adopt_parts.h"
#include "xdp_pin.h"
#include "xdp_table.h"

/* Is it now? True: the step is to fail. */
static bool step(const char *name)
{
	static const char *where;
	static unsigned left;

	if (!where) {
		const char *colon;

		where = getenv("TURNOUT_STUMBLE");
		where = where ? where : "";
		colon = strrchr(where, ':');
		left = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	}
	if (strlen(where) < 5 || strncmp(where + 5, name, strlen(name)) != 0 ||
	    where[5 + strlen(name)] != ':')
		return false;
	if (!strncmp(where, "fail", 4))
		return left <= 1 || !left--;
	if (--left)
		return false;
	fprintf(stderr, "stumbles before %s\n", name);
	raise(strncmp(where, "kill", 4) ? SIGSTOP : SIGKILL);
	return false;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
#define STEP(name, params, args)                                                                   \
	int __real_##name params;                                                                  \
	int __wrap_##name params;                                                                  \
	int __wrap_##name params                                                                   \
	{                                                                                          \
		return step(#name) ? -EIO : __real_##name args;                                    \
	}

STEP(bpf_obj_pin, (int fd, const char *path), (fd, path))
STEP(bpf_link_update, (int link, int program, const void *options), (link, program, options))
STEP(rename, (const char *from, const char *to), (from, to))
STEP(to_xdp_pin_over, (const struct bpf_map *map, const char *dir), (map, dir))
STEP(to_xdp_await, (struct to_xdp * x), (x))
STEP(to_xdp_reset_heads, (struct to_xdp * x, const struct to_xdp_adoption *a), (x, a))
STEP(to_xdp_rename_new, (const struct to_xdp *x, const struct to_xdp_adoption *a), (x, a))
STEP(to_xdp_move_entries, (struct to_xdp * x, struct to_xdp_adoption *a, bool attached, bool all),
     (x, a, attached, all))
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
