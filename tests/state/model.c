/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random operations on every kind of table and on a model that is nothing but an array by key.
 * Time runs on, tables are small enough to be full often, and after every look-up, addition, proof
 * and removal both must say the same.
 */
#include <time.h>

#include "util.h"

#define KEYS     400
#define PROVEN   150
#define UNPROVEN 60
#define LIFE     10 /* of every unproven entry, as in docs/state.md */

#ifdef QUICK
#define OPERATIONS 300000
#else
#define OPERATIONS 8000000
#endif

struct model_entry {
	bool there; /* and perhaps dead */
	uint64_t born;
	struct to_entry value;
};

struct model {
	uint32_t kind;
	bool shared;
	uint32_t now;
	uint64_t births;
	uint64_t displaced;
	struct model_entry entry[2][KEYS];
};

static uint64_t seed;

static uint32_t pick(uint32_t below)
{
	seed += 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(to_mix(seed) % below);
}

static struct model_entry *live(struct model *m, bool proven, uint32_t i)
{
	struct model_entry *e = &m->entry[proven][i];

	return e->there && m->now < e->value.expires ? e : NULL;
}

static uint32_t count_live(struct model *m, bool proven)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < KEYS; i++)
		n += live(m, proven, i) != NULL;
	return n;
}

static void displace_oldest(struct model *m)
{
	struct model_entry *oldest = NULL;

	for (uint32_t i = 0; i < KEYS; i++) {
		struct model_entry *e = live(m, false, i);

		if (e && (!oldest || e->born < oldest->born))
			oldest = e;
	}
	oldest->there = false;
	m->displaced++;
}

static void model_put(struct model *m, bool proven, uint32_t i, struct to_entry v)
{
	v.flags = (uint8_t)(proven ? v.flags | TO_ENTRY_PROVEN : v.flags & ~TO_ENTRY_PROVEN);
	m->entry[proven][i] = (struct model_entry){true, m->births++, v};
}

static void same(const struct to_entry *e, const struct model_entry *want)
{
	assert_int_equal(!!e, !!want);
	if (e)
		assert_memory_equal(e, &want->value, sizeof(*e));
}

static struct to_entry *find(struct to_worker_state *ws, struct model *m, bool proven, uint32_t i)
{
	union test_key k = key_of(m->kind, i);

	return to_state_find(ws, m->kind, proven, &k, m->now);
}

static struct to_entry random_entry(struct model *m, bool proven)
{
	struct to_entry v = entry_of((uint8_t)pick(60), m->now + (proven ? 1 + pick(40) : LIFE));

	v.flags = (uint8_t)pick(128);
	v.aux = (uint16_t)pick(65536);
	v.mark = pick(UINT32_MAX);
	return v;
}

/* A proven addition or proof may fail for want of room only. Dead entries may hold places until
 * they are swept (shared ones for two more seconds): after a whole sweep it fails only if the
 * places are all taken. */
static struct to_entry *with_room(struct to_worker_state *ws, struct model *m,
				  struct to_entry *(*put)(struct to_worker_state *, struct model *,
							  uint32_t, const struct to_entry *),
				  uint32_t i, const struct to_entry *v)
{
	struct to_entry *e = put(ws, m, i, v);

	if (e)
		return e;
	to_state_sweep(ws, m->now, 1 << 16);
	e = put(ws, m, i, v);
	if (e)
		return e;
	/* in a shared table a key may rest in one place and live in another */
	assert_int_equal(m->shared ? ws->cells[m->kind][true]->used : count_live(m, true), PROVEN);
	return NULL;
}

static struct to_entry *put_proven(struct to_worker_state *ws, struct model *m, uint32_t i,
				   const struct to_entry *v)
{
	union test_key k = key_of(m->kind, i);

	return to_state_add_proven(ws, m->kind, &k, to_state_hash(ws, m->kind, &k), v, m->now);
}

static struct to_entry *put_proof(struct to_worker_state *ws, struct model *m, uint32_t i,
				  const struct to_entry *v)
{
	union test_key k = key_of(m->kind, i);
	struct to_entry *u = find(ws, m, false, i);

	(void)v;
	return u ? to_state_prove(ws, m->kind, &k, to_state_hash(ws, m->kind, &k), u, m->now)
		 : NULL;
}

static void add_unproven(struct to_worker_state *ws, struct model *m, uint32_t i)
{
	struct to_entry v = random_entry(m, false);
	union test_key k = key_of(m->kind, i);
	struct to_entry *e =
		to_state_add_unproven(ws, m->kind, &k, to_state_hash(ws, m->kind, &k), &v, m->now);

	if (!ws->cells[m->kind][false]) {
		assert_null(e);
		return;
	}
	if (!live(m, false, i) && count_live(m, false) == UNPROVEN)
		displace_oldest(m);
	model_put(m, false, i, v);
	same(e, live(m, false, i));
	assert_int_equal(ws->count.displaced, m->displaced);
}

static void add_proven(struct to_worker_state *ws, struct model *m, uint32_t i)
{
	struct to_entry v = random_entry(m, true);
	struct to_entry *e = with_room(ws, m, put_proven, i, &v);

	if (!e)
		return;
	if (!(m->shared && live(m, true, i)))
		model_put(m, true, i, v);
	same(e, live(m, true, i));
}

static void prove(struct to_worker_state *ws, struct model *m, uint32_t i)
{
	struct model_entry *u = live(m, false, i);
	struct to_entry *e;

	same(find(ws, m, false, i), u);
	if (!u)
		return;
	e = with_room(ws, m, put_proof, i, NULL);
	if (!e) {
		same(find(ws, m, false, i), u);
		return;
	}
	if (!(m->shared && live(m, true, i)))
		model_put(m, true, i, u->value);
	u->there = false;
	same(e, live(m, true, i));
}

static void remove_one(struct to_worker_state *ws, struct model *m, uint32_t i)
{
	bool proven = pick(2);
	struct to_entry *e = find(ws, m, proven, i);

	same(e, live(m, proven, i));
	if (!e)
		return;
	to_state_remove(ws, m->kind, proven, e, m->now);
	m->entry[proven][i].value.expires = m->now;
	m->entry[proven][i].there = m->shared && proven;
}

/* As each packet does to a proven entry. */
static void renew(struct to_worker_state *ws, struct model *m, uint32_t i)
{
	struct to_entry *e = find(ws, m, true, i);

	same(e, live(m, true, i));
	if (!e)
		return;
	e->expires = m->now + 1 + pick(60);
	e->tcp ^= TO_TCP_FIN_EDGE;
	m->entry[true][i].value.expires = e->expires;
	m->entry[true][i].value.tcp ^= TO_TCP_FIN_EDGE;
}

static int count_item(void *arg, const struct to_state_item *item)
{
	((uint32_t *)arg)[item->proven]++;
	return 0;
}

static void compare_all(struct to_state *st, struct model *m)
{
	struct to_worker_state *ws = to_state_worker(st, 0);
	uint32_t listed[2] = {0, 0};

	for (uint32_t i = 0; i < KEYS * 2; i++)
		same(find(ws, m, i % 2, i / 2), live(m, i % 2, i / 2));
	to_state_walk(st, m->kind, m->now, count_item, listed);
	assert_int_equal(listed[0], count_live(m, false));
	assert_int_equal(listed[1], count_live(m, true));
	check_state(st);
}

static void one(struct to_state *st, struct model *m)
{
	struct to_worker_state *ws = to_state_worker(st, 0);
	uint32_t i = pick(KEYS);

	switch (pick(16)) {
	case 0 ... 4:
		add_unproven(ws, m, i);
		break;
	case 5 ... 6:
		add_proven(ws, m, i);
		break;
	case 7 ... 8:
		prove(ws, m, i);
		break;
	case 9:
		remove_one(ws, m, i);
		break;
	case 10 ... 11:
		renew(ws, m, i);
		break;
	case 12:
		to_state_sweep(ws, m->now, pick(8));
		break;
	case 13:
		m->now += pick(8) == 0;
		break;
	case 14:
		same(find(ws, m, false, i), live(m, false, i));
		break;
	default:
		same(find(ws, m, true, i), live(m, true, i));
	}
}

static void run(uint32_t kind)
{
	struct to_state_config config = {.workers = 1, .now = 1000, .seed = 9, .boot_id = BOOT};
	struct model *m = calloc(1, sizeof(*m));
	struct to_state *st;

	assert_non_null(m);
	m->kind = kind;
	m->shared = to_state_is_shared(kind, true);
	m->now = 1000;
	config.size[kind] = (struct to_state_size){
		PROVEN, kind == TO_AFFINITY || kind == TO_OWNER ? 0 : UNPROVEN};
	st = open_or_fail(NULL, &config);
	for (uint32_t n = 0; n < OPERATIONS / TO_ENTRY_KIND_COUNT; n++) {
		one(st, m);
		if (n % 5000 == 0)
			compare_all(st, m);
	}
	compare_all(st, m);
	assert_true(m->displaced > 0 || !config.size[kind].unproven);
	assert_true(to_state_worker(st, 0)->count.reclaimed > 0);
	free(m);
	to_state_close(st);
}

static void test_every_kind(void **state)
{
	(void)state;
	seed = (uint64_t)time(NULL);
	print_message("seed %llu\n", (unsigned long long)seed);
	for (uint32_t kind = 0; kind < TO_ENTRY_KIND_COUNT; kind++)
		run(kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_kind)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
