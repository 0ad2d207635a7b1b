/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_table.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <turnout/table_check.h>

#include "dataplane/table_view.h"
#include "turnout.skel.h"

static uint32_t idle_slot(const struct to_xdp *x)
{
	return (x->control->slot + 1) % TO_BPF_TABLE_SLOTS;
}

/* A row of counters for a pair, if there is one left: row 0 is everybody else's. */
static int add_row(struct to_xdp *x, uint8_t service, uint8_t edge)
{
	uint32_t pair = to_bpf_pair(service, edge);

	if (x->rows[pair] || x->rows_used >= bpf_map__max_entries(x->skel->maps.counts))
		return 0;
	x->rows[pair] = (uint16_t)x->rows_used++;
	return bpf_map__update_elem(x->skel->maps.rows, &pair, sizeof(pair), &x->rows[pair],
				    sizeof(x->rows[pair]), BPF_ANY);
}

/* An edge is counted with each service of a pool that it is in, and with none. */
static int add_rows(struct to_xdp *x, const struct to_table *t)
{
	int ret = add_row(x, TO_NO_INDEX, TO_NO_INDEX);

	for (uint32_t e = 0; ret == 0 && e < to_table_edge_count(t); e++)
		ret = add_row(x, TO_NO_INDEX, (uint8_t)e);
	for (uint32_t s = 0; ret == 0 && s < to_table_service_count(t); s++) {
		const struct to_service *v = &to_table_services(t)[s];

		ret = add_row(x, (uint8_t)s, TO_NO_INDEX);
		for (uint32_t e = 0; ret == 0 && e < to_table_edge_count(t); e++) {
			uint8_t pool = to_table_edges(t)[e].pool;

			if (pool == v->legacy_pool || pool == v->new_pool)
				ret = add_row(x, (uint8_t)s, (uint8_t)e);
		}
	}
	return ret;
}

static uint8_t *slot_at(const struct to_xdp *x, uint32_t slot)
{
	return x->tables + (size_t)(slot % TO_BPF_TABLE_SLOTS) * to_xdp_table_room(x);
}

int to_xdp_holds(const struct to_xdp *x, const struct to_table *t, char *err, size_t err_size)
{
	if (t->size > x->table_bytes)
		snprintf(err, err_size, "it has %u bytes, and the program holds %u on this kernel",
			 t->size, x->table_bytes);
	else if (t->section[TO_SECTION_INTERVALS].offset > TO_BPF_TABLE_BYTES)
		snprintf(err, err_size, "its routes begin at byte %u, after %u",
			 t->section[TO_SECTION_INTERVALS].offset, TO_BPF_TABLE_BYTES);
	else
		return 0;
	return -EFBIG;
}

static int put(struct to_xdp *x, const struct to_table *t, uint32_t slot, char *err,
	       size_t err_size)
{
	int ret = to_xdp_holds(x, t, err, err_size);

	if (ret < 0)
		return ret;
	ret = add_rows(x, t);
	if (ret < 0) {
		snprintf(err, err_size, "cannot set the counters up: %s", strerror(-ret));
		return ret;
	}
	memcpy(slot_at(x, slot), t, t->size);
	return 0;
}

int to_xdp_prepare(struct to_xdp *x, const struct to_table *t, char *err, size_t err_size)
{
	return put(x, t, idle_slot(x), err, err_size);
}

int to_xdp_restore(struct to_xdp *x, const struct to_table *t, char *err, size_t err_size)
{
	return put(x, t, x->control->slot, err, err_size);
}

int to_xdp_rows_restore(struct to_xdp *x)
{
	const struct to_table *t = to_xdp_running(x);

	return t ? add_rows(x, t) : 0;
}

void to_xdp_commit(struct to_xdp *x)
{
	__atomic_store_n(&x->control->slot, idle_slot(x), __ATOMIC_RELEASE);
}

int to_xdp_await(struct to_xdp *x)
{
	int fd = bpf_map__fd(x->skel->maps.grace_period);
	uint32_t zero = 0;

	return bpf_map__update_elem(x->skel->maps.grace, &zero, sizeof(zero), &fd, sizeof(fd),
				    BPF_ANY);
}

const struct to_table *to_xdp_running(const struct to_xdp *x)
{
	const uint8_t *bytes = slot_at(x, x->control->slot);
	const struct to_table *t = (const struct to_table *)bytes;
	const char *why;

	if (t->magic != TO_TABLE_MAGIC || t->size > x->table_bytes ||
	    to_table_check(bytes, t->size, &why) < 0)
		return NULL;
	return t;
}
