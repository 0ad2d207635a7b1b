/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls of libbpf that fail when a test wants it so: turnout-xdp linked with this has them instead
 * of the library's, as long as the file that TURNOUT_FAULTS names has a line "update MAP",
 * "delete MAP" or "batch MAP".
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_wanted(const char *call, const char *map)
{
	const char *path = getenv("TURNOUT_FAULTS");
	FILE *f = path ? fopen(path, "r") : NULL;
	char line[64], fault[64];
	bool wanted = false;

	if (!f)
		return false;
	snprintf(fault, sizeof(fault), "%s %s\n", call, map);
	while (!wanted && fgets(line, sizeof(line), f))
		wanted = !strcmp(line, fault);
	fclose(f);
	return wanted;
}

static void *next(const char *name)
{
	void *call = dlsym(RTLD_NEXT, name);

	if (!call)
		abort();
	return call;
}

int bpf_map__update_elem(const struct bpf_map *map, const void *key, size_t key_size,
			 const void *value, size_t value_size, __u64 flags)
{
	int (*call)(const struct bpf_map *, const void *, size_t, const void *, size_t, __u64);

	if (is_wanted("update", bpf_map__name(map)))
		return -ENOMEM;
	*(void **)&call = next(__func__);
	return call(map, key, key_size, value, value_size, flags);
}

int bpf_map__delete_elem(const struct bpf_map *map, const void *key, size_t key_size, __u64 flags)
{
	int (*call)(const struct bpf_map *, const void *, size_t, __u64);

	if (is_wanted("delete", bpf_map__name(map)))
		return -EBUSY;
	*(void **)&call = next(__func__);
	return call(map, key, key_size, flags);
}

int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values,
			 __u32 *count, const struct bpf_map_batch_opts *opts)
{
	int (*call)(int, void *, void *, void *, void *, __u32 *,
		    const struct bpf_map_batch_opts *);
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && is_wanted("batch", info.name))
		return -ENOSPC;
	*(void **)&call = next(__func__);
	return call(fd, in_batch, out_batch, keys, values, count, opts);
}
