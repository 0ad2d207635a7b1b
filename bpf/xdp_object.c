/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "turnout.skel.h"

/* libbpf's warnings, of which the last one says most. */
static char last_warning[256];

static int remember(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !*last_warning)
		vsnprintf(last_warning, sizeof(last_warning), format, args);
	return 0;
}

static int complain(int ret, const char *what, char *err, size_t err_size)
{
	last_warning[strcspn(last_warning, "\n")] = '\0';
	if (ret == -EPERM)
		snprintf(err, err_size,
			 "%s: %s: it takes root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN", what,
			 strerror(-ret));
	else
		snprintf(err, err_size, "%s: %s%s%s", what, strerror(-ret),
			 *last_warning ? ": " : "", last_warning);
	return ret;
}

struct bpf_map *to_xdp_entries(const struct to_xdp *x, enum to_entry_kind kind, bool proven)
{
	struct bpf_map *const maps[TO_ENTRY_KIND_COUNT][2] = {
		[TO_PIN4] = {x->skel->maps.new_pins4, x->skel->maps.pins4},
		[TO_PIN6] = {x->skel->maps.new_pins6, x->skel->maps.pins6},
		[TO_DIALOG] = {x->skel->maps.new_dialogs, x->skel->maps.dialogs},
		[TO_TRANSACTION] = {x->skel->maps.new_transactions, x->skel->maps.transactions},
		[TO_AFFINITY] = {NULL, x->skel->maps.affinities},
		[TO_OWNER] = {NULL, x->skel->maps.owners},
		[TO_FRAGMENT] = {x->skel->maps.new_fragments, x->skel->maps.fragments},
	};

	return maps[kind][proven];
}

struct bpf_map *to_xdp_ring(const struct to_xdp *x, enum to_entry_kind kind)
{
	switch (kind) {
	case TO_PIN4:
		return x->skel->maps.ring_pins4;
	case TO_PIN6:
		return x->skel->maps.ring_pins6;
	case TO_DIALOG:
		return x->skel->maps.ring_dialogs;
	case TO_TRANSACTION:
		return x->skel->maps.ring_transactions;
	case TO_FRAGMENT:
		return x->skel->maps.ring_fragments;
	default:
		return NULL;
	}
}

uint32_t to_xdp_key_size(enum to_entry_kind kind)
{
	return kind == TO_PIN6 ? sizeof(struct to_key6) : sizeof(struct to_key);
}

uint64_t to_xdp_hash(uint64_t h, const void *data, size_t size)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

uint64_t to_xdp_object_hash(const struct to_xdp_sizes *sizes)
{
	size_t size;
	const void *elf = turnout_bpf__elf_bytes(&size);

	return to_xdp_hash(to_xdp_hash(TO_XDP_HASH, elf, size), sizes, sizeof(*sizes));
}

static uint32_t at_least(uint32_t n, uint32_t least)
{
	return n > least ? n : least;
}

#define RING_MORE  4096u      /* entries of a kind, beside its share: a trunk's calls */
#define RINGS_MORE (1u << 18) /* of all CPUs: some 30 MB a kind */
#define ROWS_LEAST 64u
#define ROWS_BYTES (64u << 20) /* of all CPUs */

static uint32_t at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

void to_xdp_sizes_of(struct to_xdp_sizes *sizes, uint32_t pins, uint32_t cpus)
{
	uint32_t more = at_most(RING_MORE, RINGS_MORE / cpus);
	struct to_state_config config = {0};

	to_state_sizes(&config, 1, pins);
	for (int kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++) {
		struct to_state_size *s = &config.size[kind];

		s->unproven = at_most(s->unproven, s->unproven / cpus + more) * cpus;
		sizes->of[kind] = *s;
	}
	sizes->cpus = cpus;
	sizes->rows = at_least(ROWS_BYTES / cpus / sizeof(struct to_bpf_row), ROWS_LEAST);
	sizes->rows = at_most(sizes->rows, TO_BPF_ROWS);
}

/* A CPU may add an entry while another one is taking its oldest out, so a few more fit. */
static int set_sizes(struct to_xdp *x, const struct to_xdp_sizes *sizes)
{
	int ret = 0;

	for (int kind = 0; ret == 0 && kind < TO_ENTRY_KIND_COUNT; kind++) {
		const struct to_state_size *s = &sizes->of[kind];
		uint32_t each = at_least(s->unproven / sizes->cpus, 1);
		struct bpf_map *ring = to_xdp_ring(x, kind);

		ret = bpf_map__set_max_entries(to_xdp_entries(x, kind, true),
					       at_least(s->proven, 1));
		if (ret < 0 || !ring)
			continue;
		x->skel->rodata->ring_size[kind] = each;
		ret = bpf_map__set_max_entries(ring, each * sizes->cpus);
		if (ret == 0)
			ret = bpf_map__set_max_entries(to_xdp_entries(x, kind, false),
						       (each + 1) * sizes->cpus);
	}
	return ret;
}

/* 0 where it cannot be told: then losses are not counted. */
static uint32_t own_network(void)
{
	struct stat s;

	return stat("/proc/self/ns/net", &s) == 0 ? (uint32_t)s.st_ino : 0;
}

/* The kernel says. Where it says anything else than that it is too large, so will it of the map. */
static uint32_t largest_table(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(uint32_t),
				TO_BPF_TABLE_MOST + TO_BPF_TABLE_SLACK, 1, &o);

	if (fd >= 0)
		close(fd);
	return fd == -E2BIG ? TO_BPF_TABLE_BYTES : TO_BPF_TABLE_MOST;
}

static int set_table_size(struct to_xdp *x)
{
	x->table_bytes = largest_table();
	x->skel->rodata->table_mask = x->table_bytes - 1;
	return bpf_map__set_value_size(x->skel->maps.tables, to_xdp_table_room(x));
}

int to_xdp_open(struct to_xdp *x, const struct to_xdp_sizes *sizes, bool replay, char *err,
		size_t err_size)
{
	int ret;

	*x = (struct to_xdp){.rows_used = 1};
	*last_warning = '\0';
	libbpf_set_print(remember);
	x->cpus = libbpf_num_possible_cpus();
	x->skel = turnout_bpf__open();
	if (!x->skel)
		return complain(-errno, "cannot open the program", err, err_size);
	x->skel->rodata->replay = replay;
	/* nothing is sent in a replay */
	bpf_program__set_autoload(x->skel->progs.turnout_refused, !replay);
	bpf_program__set_autoload(x->skel->progs.turnout_unsent, !replay);
	bpf_program__set_autoload(x->skel->progs.turnout_unreturned, !replay);
	bpf_program__set_autoload(x->skel->progs.turnout_unreturned_many, !replay);
	x->skel->rodata->network = own_network();
	x->skel->rodata->ring_cpus = sizes->cpus;
	ret = set_sizes(x, sizes);
	if (ret == 0)
		ret = set_table_size(x);
	if (ret == 0 && sizes->rows)
		ret = bpf_map__set_max_entries(x->skel->maps.counts, sizes->rows);
	return ret < 0 ? complain(ret, "cannot size the maps", err, err_size) : 0;
}

static void *map_memory(const struct bpf_map *map, size_t size, int protection)
{
	void *p = mmap(NULL, size, protection, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The kernel maps nothing that was opened for reading only. */
static void *copy_memory(const struct bpf_map *map, size_t size)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret = p == MAP_FAILED ? -errno : 0;
	uint32_t n = bpf_map__max_entries(map);

	for (uint32_t i = 0; ret == 0 && i < n; i++)
		ret = bpf_map_lookup_elem(bpf_map__fd(map), &i, p + i * (size / n));
	if (ret < 0 && p != MAP_FAILED)
		munmap(p, size);
	errno = -ret;
	return ret < 0 ? NULL : p;
}

static void *memory_of(const struct bpf_map *map, size_t size, bool looks, int protection)
{
	return looks ? copy_memory(map, size) : map_memory(map, size, protection);
}

/* Elements of an array follow each other, each rounded up to 8 bytes. */
_Static_assert((TO_BPF_TABLE_BYTES + TO_BPF_TABLE_SLACK) % 8 == 0, "the second follows the first");

int to_xdp_map(struct to_xdp *x, bool looks, char *err, size_t err_size)
{
	x->control = memory_of(x->skel->maps.control, sizeof(*x->control), looks,
			       PROT_READ | PROT_WRITE);
	x->tables = memory_of(x->skel->maps.tables, TO_BPF_TABLE_SLOTS * to_xdp_table_room(x),
			      looks, PROT_READ | PROT_WRITE);
	x->result = memory_of(x->skel->maps.result, sizeof(*x->result), looks, PROT_READ);
	if (!x->control || !x->tables || !x->result)
		return complain(-errno, "cannot map the tables", err, err_size);
	return 0;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#define SUSPENSION_NS 1000000 /* at least */

/* The least of a few differences: other work may run between the two clocks. What differs by less
 * than a suspension takes is that, and would let the program's second go back for a moment. */
void to_xdp_set_clock(struct to_xdp *x)
{
	uint64_t least = UINT64_MAX, known = x->skel->bss->slept_ns;

	for (int i = 0; i < 3; i++) {
		uint64_t monotonic = clock_ns(CLOCK_MONOTONIC);
		uint64_t slept = clock_ns(CLOCK_BOOTTIME) - monotonic;

		least = slept < least ? slept : least;
	}
	if ((least > known ? least - known : known - least) > SUSPENSION_NS)
		__atomic_store_n(&x->skel->bss->slept_ns, least, __ATOMIC_RELAXED);
}

int to_xdp_load(struct to_xdp *x, char *err, size_t err_size)
{
	int ret = turnout_bpf__load(x->skel);

	if (ret < 0)
		return complain(ret, "the kernel does not load the program", err, err_size);
	to_xdp_set_clock(x);
	x->xdp_fd = bpf_program__fd(x->skel->progs.turnout_xdp);
	x->reclaim_fd = bpf_program__fd(x->skel->progs.turnout_reclaim);
	return to_xdp_map(x, false, err, err_size);
}

static void unmap(const volatile void *p, size_t size)
{
	if (p)
		munmap((void *)(uintptr_t)p, size);
}

void to_xdp_close(struct to_xdp *x)
{
	unmap(x->control, sizeof(*x->control));
	unmap(x->tables, TO_BPF_TABLE_SLOTS * to_xdp_table_room(x));
	unmap(x->result, sizeof(*x->result));
	if (x->skel)
		turnout_bpf__destroy(x->skel);
	*x = (struct to_xdp){0};
}
