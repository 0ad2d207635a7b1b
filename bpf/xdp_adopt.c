/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_adopt.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "turnout.skel.h"
#include "xdp_adopt_parts.h"
#include "xdp_counters.h"
#include "xdp_layout.h"
#include "xdp_pin.h"
#include "xdp_table.h"

static int complain(const struct to_xdp_adoption *a, int ret, char *err, size_t err_size)
{
	if (ret == -ENOSPC)
		snprintf(err, err_size, "%s has more entries than --pins allows: %llu too many",
			 a->dir, (unsigned long long)a->lost);
	else if (ret == -EPERM && a->moving && a->about.object != a->shape)
		snprintf(err, err_size,
			 "the entries in %s are another build's; to read them takes CAP_SYS_ADMIN",
			 a->dir);
	else if (ret == -EBADMSG)
		snprintf(err, err_size,
			 "what is pinned in %s is damaged, or no set that this build can read: run "
			 "the build that made it, or detach",
			 a->dir);
	else
		snprintf(err, err_size, "cannot take over what is pinned in %s: %s", a->dir,
			 strerror(-ret));
	return ret;
}

static int fresh(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret;

	a->about = (struct to_bpf_about){
		.magic = TO_BPF_MAGIC, .layout = TO_BPF_LAYOUT, .object = a->shape};
	to_xdp_unpin(a->dir); /* a set that is not whole */
	ret = to_xdp_directory(a->dir, err, err_size);
	if (ret == 0)
		ret = to_xdp_load(x, err, err_size);
	return ret < 0 ? ret : to_xdp_pin(x, a->dir, &a->about, err, err_size);
}

/* Writes down how far a move is. */
static int tell_about(struct to_xdp *x, struct to_xdp_adoption *a)
{
	uint32_t zero = 0;

	return bpf_map__update_elem(x->skel->maps.about, &zero, sizeof(zero), &a->about,
				    sizeof(a->about), BPF_ANY);
}

/* What maps that were made anew begin with. */
static int fill_remade(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	bool rows = to_xdp_is_remade(a, x->skel->maps.rows);
	int ret = to_xdp_rows_read(x);

	if (ret == 0 && rows) /* whose they were nobody knows any more */
		ret = to_xdp_counters_clear(x, bpf_map__max_entries(x->skel->maps.counts));
	if (to_xdp_is_remade(a, x->skel->maps.control)) /* so that either goes with either table */
		__atomic_store_n(&x->control->slot, a->slot, __ATOMIC_RELEASE);
	if (ret == 0 && a->running)
		ret = to_xdp_restore(x, a->running, err, err_size);
	else if (ret == 0 && rows)
		ret = to_xdp_rows_restore(x);
	free(a->running);
	a->running = NULL;
	if (ret == 0 && to_xdp_is_remade(a, x->skel->maps.about)) {
		ret = tell_about(x, a);
		if (ret == 0)
			ret = to_xdp_pin_over(x->skel->maps.about, a->dir);
	}
	return ret;
}

static int load(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = to_xdp_reuse_entries(x, a);

	if (ret == 0)
		ret = to_xdp_reuse_others(x, a, err, err_size);
	if (ret == 0)
		ret = to_xdp_read_running(x, a);
	bpf_program__set_autoload(x->skel->progs.turnout_renew, a->moving);
	return ret == 0 ? to_xdp_load(x, err, err_size) : ret;
}

static int take_over(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = load(x, a, err, err_size);

	if (ret == 0)
		ret = fill_remade(x, a, err, err_size);
	if (ret == 0 && !a->resumed)
		ret = to_xdp_pin_new(x, a);
	if (ret == 0)
		ret = to_xdp_move_entries(x, a, a->resumed, true);
	if (ret < 0 && !a->resumed)
		to_xdp_discard_new(x, a);
	return ret < 0 && !*err ? complain(a, ret, err, err_size) : ret;
}

/* -EPROTO: what is there cannot be read by this build. */
static int check_about(const struct to_xdp_adoption *a, char *err, size_t err_size)
{
	const struct to_bpf_about *about = &a->about;

	if (about->layout != TO_BPF_LAYOUT)
		snprintf(err, err_size,
			 "what is pinned in %s has layout %u, and this build knows %u: run the "
			 "build that made it, or detach",
			 a->dir, about->layout, TO_BPF_LAYOUT);
	else if (a->resumed && about->moving_object != a->shape)
		snprintf(err, err_size,
			 "another build has begun to move the entries in %s: run that one, so that "
			 "it can finish",
			 a->dir);
	else
		return 0;
	return -EPROTO;
}

/* The program with the sizes that it is to have. */
static int open_sized(struct to_xdp *x, struct to_xdp_adoption *a, uint32_t pins, char *err,
		      size_t err_size)
{
	struct to_xdp_sizes sizes = {0};
	bool others;
	int ret;

	to_xdp_sizes_wanted(&sizes, pins);
	ret = to_xdp_open(x, &sizes, false, err, err_size);
	if (ret == 0)
		ret = to_xdp_shape(x, &a->shape);
	if (ret == 0 && a->found)
		ret = check_about(a, err, err_size);
	if (ret < 0 || !a->found)
		return ret;
	if (!pins || a->resumed) {
		others = to_xdp_sizes_pinned(x, a, &sizes);
		a->pins_later = a->resumed && pins && others;
		to_xdp_close(x);
		ret = to_xdp_open(x, &sizes, false, err, err_size);
	}
	return ret == 0 ? to_xdp_keep_rows(x, a) : ret;
}

int to_xdp_adopt(struct to_xdp *x, struct to_xdp_adoption *a, const char *pin, uint32_t pins,
		 char *err, size_t err_size)
{
	int ret;

	*a = (struct to_xdp_adoption){0};
	*err = '\0';
	snprintf(a->dir, sizeof(a->dir), "%s/maps", pin);
	ret = to_xdp_directory(pin, err, err_size);
	if (ret == 0)
		ret = to_xdp_lock(pin, false, err, err_size);
	if (ret < 0)
		return ret;
	a->lock = ret;
	ret = to_xdp_about(a->dir, &a->about);
	if (ret < 0 && ret != -ENOENT)
		return complain(a, ret, err, err_size);
	a->found = ret == 0;
	a->resumed = a->found && a->about.moving_object;
	ret = open_sized(x, a, pins, err, err_size);
	if (ret < 0)
		return ret;
	if (!a->found)
		return fresh(x, a, err, err_size);
	if (!a->resumed)
		to_xdp_discard_new(x, a);
	return take_over(x, a, err, err_size);
}

bool to_xdp_is_taken_over(const struct to_xdp_adoption *a, const struct bpf_map *map)
{
	return a->found && !to_xdp_is_remade(a, map);
}

/* As near to the exchange as can be, and all of it: what was proven since the copy before may be
 * nowhere else. From then on the new maps are what counts. */
static int last_copy(struct to_xdp *x, struct to_xdp_adoption *a)
{
	int ret = to_xdp_move_entries(x, a, false, true);

	if (ret == 0)
		ret = to_xdp_reset_heads(x, a);
	if (ret < 0)
		return ret;
	a->about.moving_object = a->shape;
	ret = tell_about(x, a);
	if (ret < 0)
		a->about.moving_object = 0;
	return ret;
}

int to_xdp_adopt_begin(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret;

	if (!a->moving)
		return 0;
	ret = to_xdp_map_control(x, a);
	if (ret == 0 && !a->resumed)
		ret = last_copy(x, a);
	if (ret < 0)
		return complain(a, ret, err, err_size);
	to_xdp_tell_moving(x, a, true);
	return 0;
}

int to_xdp_adopt_finish(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = 0;

	for (unsigned i = 0; ret == 0 && i < a->remade_count; i++)
		ret = to_xdp_pin_over(a->remade[i], a->dir);
	if (ret == 0 && a->moving)
		ret = to_xdp_await(x); /* the program before may still be within a packet */
	if (ret == 0)
		ret = to_xdp_move_entries(x, a, true, false);
	if (ret == 0) /* nothing is on its way any more that a packet could miss */
		to_xdp_tell_moving(x, a, false);
	if (ret == 0)
		ret = to_xdp_move_entries(x, a, true, true);
	if (ret == 0 && (a->moving || a->resumed)) {
		ret = to_xdp_rename_new(x, a);
		a->about.moving_object = 0;
		a->about.object = a->shape;
		if (ret == 0)
			ret = tell_about(x, a);
	}
	if (ret < 0)
		snprintf(err, err_size, "cannot finish taking over %s: %s", a->dir, strerror(-ret));
	return ret;
}

void to_xdp_adopt_abandon(struct to_xdp *x, struct to_xdp_adoption *a)
{
	if (x->skel && a->found && !a->about.moving_object)
		to_xdp_discard_new(x, a);
}

static int look(struct to_xdp *x, struct to_xdp_adoption *a, char *err, size_t err_size)
{
	int ret = open_sized(x, a, 0, err, err_size);

	if (ret == 0)
		ret = to_xdp_reuse_entries(x, a);
	if (ret == 0)
		ret = to_xdp_reuse_others(x, a, err, err_size);
	if (ret == 0 && ((a->moving && !a->resumed) || a->remade_count))
		ret = -EPROTO;
	if (ret == 0)
		ret = to_xdp_rows_read(x);
	if (ret < 0 && !*err)
		snprintf(err, err_size, "cannot read %s: %s", a->dir,
			 ret == -EPROTO ? "another build has made it" : strerror(-ret));
	return ret < 0 ? ret : to_xdp_map(x, true, err, err_size);
}

int to_xdp_look(struct to_xdp *x, const char *pin, char *err, size_t err_size)
{
	struct to_xdp_adoption a = {.found = true, .looks = true};
	int ret;

	*err = '\0';
	snprintf(a.dir, sizeof(a.dir), "%s/maps", pin);
	ret = to_xdp_about(a.dir, &a.about);
	if (ret < 0) {
		snprintf(err, err_size, "nothing is attached: %s: %s", a.dir, strerror(-ret));
		return ret;
	}
	a.resumed = a.about.moving_object;
	return look(x, &a, err, err_size);
}
