/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_losses.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "turnout.skel.h"

#define PATH_ROOM 192

static const char *const losses[] = {"losses_refused", "losses_unsent", "losses_unreturned",
				     "losses_unreturned_many"};

static void losses_paths(const char *pin, const char *name, char *path, char *aside)
{
	snprintf(path, PATH_ROOM, "%s/%s", pin, name);
	snprintf(aside, PATH_ROOM, "%s/%s_new", pin, name);
}

void to_xdp_losses_detach(const char *pin)
{
	char path[PATH_ROOM], aside[PATH_ROOM];

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		losses_paths(pin, losses[i], path, aside);
		unlink(path);
		unlink(aside);
	}
}

/* The one of an earlier process counts until this one does; for an instant both do. */
static int losses_exchange(const char *pin, const char *name, int program)
{
	char path[PATH_ROOM], aside[PATH_ROOM];
	int fd = bpf_raw_tracepoint_open(NULL, program), ret;

	if (fd < 0)
		return fd;
	losses_paths(pin, name, path, aside);
	unlink(aside); /* of one that was killed here */
	ret = bpf_obj_pin(fd, aside);
	if (ret == 0 && rename(aside, path) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int to_xdp_losses_attach(struct to_xdp *x, const char *pin)
{
	const struct bpf_program *programs[] = {
		x->skel->progs.turnout_refused, x->skel->progs.turnout_unsent,
		x->skel->progs.turnout_unreturned, x->skel->progs.turnout_unreturned_many};
	_Static_assert(sizeof(programs) / sizeof(programs[0]) == sizeof(losses) / sizeof(losses[0]),
		       "one each");
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(losses) / sizeof(losses[0]); i++)
		ret = losses_exchange(pin, losses[i], bpf_program__fd(programs[i]));
	return ret;
}
