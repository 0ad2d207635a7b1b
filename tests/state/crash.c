/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers serve a million pins and are killed at random moments, at work or while they take
 * the region over. Each time it is taken over again and compared with what the workers had
 * acknowledged, in memory of the parent's, before and after each change:
 *
 *   ack[i] = EDGE                    the pin is there
 *   ack[i] = 0                       it is not
 *   ack[i] = EDGE | PENDING          a change to or from this edge was under way: either is right
 */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include <turnout/key.h>

#include "util.h"

#define WORKERS  2
#define PINS     600000u /* keys of a worker; five of six are there */
#define DIALOGS  4096u   /* shared; each worker makes its own half */
#define KILLS    40
#define PENDING  0x80
#define NOW      1000
#define FOREVER  (NOW + 60000)
#define MOST_MS  200 /* from fork to kill */
#define EDGE_NET 0x0a000000u

struct shared {
	uint8_t ack[WORKERS][PINS];
	uint8_t dialog[DIALOGS];
	uint64_t done[WORKERS];  /* changes acknowledged */
	uint64_t wrong[WORKERS]; /* look-ups in the child that went wrong */
};

static struct shared *sh;
static char path[256];

static struct to_state_config config(void)
{
	struct to_state_config c = {.workers = WORKERS, .now = NOW, .boot_id = BOOT};

	c.size[TO_PIN4] = (struct to_state_size){PINS, 4096};
	c.size[TO_DIALOG] = (struct to_state_size){DIALOGS, 256};
	return c;
}

static uint64_t random_of(uint64_t *seed)
{
	*seed += 0x9e3779b97f4a7c15ULL;
	return to_mix(*seed);
}

/* A client's packet to the VIP: its addresses and ports are the key. */
static struct to_key from_client(uint32_t w, uint32_t i)
{
	union to_addr client = to_addr_v4(to_net32(0xc0000000u + w * PINS + i));

	return to_key_pin4(&client, to_net16((uint16_t)(1024 + i % 60000)), 7, to_net16(443),
			   TO_TCP);
}

/* The edge's answer: the reverse map says from (edge, port) which VIP it came through. */
static struct to_key from_edge(uint32_t w, uint32_t i, uint8_t edge)
{
	struct to_packet answer = {.src = to_addr_v4(to_net32(EDGE_NET + edge)),
				   .dst = to_addr_v4(to_net32(0xc0000000u + w * PINS + i)),
				   .sport = to_net16(443),
				   .dport = to_net16((uint16_t)(1024 + i % 60000))};
	uint8_t vip = to_host32((to_be32){answer.src.w[3]}) >> 24 == EDGE_NET >> 24 ? 7 : 0;

	return to_key_pin4(&answer.dst, answer.dport, vip, answer.sport, TO_TCP);
}

static struct to_entry *add_and_prove(struct to_worker_state *ws, uint32_t kind,
				      const struct to_key *k, uint8_t edge)
{
	struct to_entry v = entry_of(edge, NOW + 10);
	uint64_t hash = to_state_hash(ws, kind, k);
	struct to_entry *e = to_state_add_unproven(ws, kind, k, hash, &v, NOW);

	if (!e)
		return NULL;
	e->expires = FOREVER;
	return to_state_prove(ws, kind, k, hash, e, NOW);
}

static void set(uint8_t *ack, uint8_t value)
{
	__atomic_store_n(ack, value, __ATOMIC_SEQ_CST);
}

/* Opens a pin that is closed, closes one that is open (rarely: most stay for long). */
static void change(struct to_worker_state *ws, uint32_t i, uint8_t edge)
{
	uint8_t *ack = &sh->ack[ws->worker][i];
	struct to_key k = from_client(ws->worker, i);

	if (!*ack) {
		set(ack, edge | PENDING);
		sh->wrong[ws->worker] += !add_and_prove(ws, TO_PIN4, &k, edge);
		set(ack, edge);
	} else {
		struct to_entry *e = to_state_find(ws, TO_PIN4, true, &k, NOW);

		set(ack, *ack | PENDING);
		if (e)
			to_state_remove(ws, TO_PIN4, true, e, NOW);
		sh->wrong[ws->worker] += !e;
		set(ack, 0);
	}
	sh->done[ws->worker]++;
}

static void look(struct to_worker_state *ws, uint32_t i)
{
	uint8_t edge = sh->ack[ws->worker][i];
	struct to_key there = from_client(ws->worker, i);
	struct to_key back = from_edge(ws->worker, i, edge);
	const struct to_entry *a = to_state_find(ws, TO_PIN4, true, &there, NOW);
	const struct to_entry *b = to_state_find(ws, TO_PIN4, true, &back, NOW);

	if (a != b || (edge ? !a || a->edge != edge : !!a))
		sh->wrong[ws->worker]++;
}

static void dialog(struct to_worker_state *ws, uint32_t i, uint8_t edge)
{
	struct to_key k = {{i, (uint32_t)to_mix(i), 5}};

	if (sh->dialog[i])
		return;
	set(&sh->dialog[i], edge | PENDING);
	sh->wrong[ws->worker] += !add_and_prove(ws, TO_DIALOG, &k, edge);
	set(&sh->dialog[i], edge);
}

static void *work(void *arg)
{
	struct to_worker_state *ws = arg;
	uint64_t seed = to_mix((uint64_t)getpid() * 2 + ws->worker);

	for (;;) {
		uint64_t r = random_of(&seed);
		uint32_t i = (uint32_t)(r % PINS);
		uint8_t edge = (uint8_t)(1 + (r >> 40) % 60);

		if (!sh->ack[ws->worker][i] || (r >> 32) % 5 == 0)
			change(ws, i, edge);
		else
			look(ws, i);
		if ((r >> 48) % 64 == 0)
			dialog(ws, (uint32_t)(r >> 20) % (DIALOGS / 2) * 2 + ws->worker, edge);
		if ((r >> 48) % 256 == 1)
			to_state_sweep(ws, NOW, 16);
	}
	return NULL;
}

static void child(void)
{
	struct to_state_config c = config();
	struct to_state *st;
	pthread_t t[WORKERS];
	char err[256];

	if (to_state_open(path, &c, &st, err, sizeof(err)))
		_exit(1);
	for (uint32_t w = 0; w < WORKERS; w++)
		if (pthread_create(&t[w], NULL, work, to_state_worker(st, w)))
			_exit(2);
	for (;;)
		pause();
}

struct tally {
	uint32_t phantoms;
	uint8_t seen[WORKERS][PINS];
	uint8_t dialogs[DIALOGS];
};

/* Nothing is listed that nobody acknowledged or was at, and nothing twice. */
static int tally_pin(void *arg, const struct to_state_item *item)
{
	struct tally *t = arg;
	uint32_t n = to_host32((to_be32){item->key.w[0]}) - 0xc0000000u;
	uint32_t w = n / PINS;
	uint32_t i = n % PINS;
	struct to_key k;

	if (w >= WORKERS || w != item->worker) {
		t->phantoms++;
		return 0;
	}
	k = from_client(w, i);
	t->phantoms += (sh->ack[w][i] & ~PENDING) != item->entry.edge ||
		       memcmp(&k, &item->key, sizeof(k)) || t->seen[w][i];
	t->seen[w][i] = 1;
	return 0;
}

static int tally_dialog(void *arg, const struct to_state_item *item)
{
	struct tally *t = arg;
	uint32_t i = item->key.w[0];

	if (i >= DIALOGS || t->dialogs[i] || (sh->dialog[i] & ~PENDING) != item->entry.edge)
		t->phantoms++;
	else
		t->dialogs[i] = 1;
	return 0;
}

/* Either answer is right for what was under way: from here on it is what was found. */
static void settle(uint8_t *ack, bool there)
{
	if (*ack & PENDING)
		*ack = there ? *ack & ~PENDING : 0;
}

static uint32_t compare_pins(struct to_state *st, uint32_t w)
{
	struct to_worker_state *ws = to_state_worker(st, w);
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < PINS; i++) {
		struct to_key there = from_client(w, i);
		struct to_key back = from_edge(w, i, sh->ack[w][i] & 0x7f);
		const struct to_entry *e = to_state_find(ws, TO_PIN4, true, &there, NOW);
		const struct to_entry *u = to_state_find(ws, TO_PIN4, false, &there, NOW);

		wrong += e != to_state_find(ws, TO_PIN4, true, &back, NOW);
		wrong += u && !(sh->ack[w][i] & PENDING);
		if (u) /* made, not proved: nobody was told */
			to_state_remove(ws, TO_PIN4, false,
					to_state_find(ws, TO_PIN4, false, &there, NOW), NOW);
		settle(&sh->ack[w][i], e);
		wrong += sh->ack[w][i] ? !e || e->edge != sh->ack[w][i] : !!e;
	}
	return wrong;
}

static uint32_t compare_dialogs(struct to_state *st)
{
	struct to_worker_state *ws = to_state_worker(st, 0);
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < DIALOGS; i++) {
		struct to_key k = {{i, (uint32_t)to_mix(i), 5}};
		const struct to_entry *e = to_state_find(ws, TO_DIALOG, true, &k, NOW);

		settle(&sh->dialog[i], e);
		wrong += sh->dialog[i] ? !e || e->edge != sh->dialog[i] : !!e;
	}
	return wrong;
}

static void compare(struct to_state *st)
{
	struct tally *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	check_state(st);
	to_state_walk(st, TO_PIN4, NOW, tally_pin, t);
	to_state_walk(st, TO_DIALOG, NOW, tally_dialog, t);
	assert_int_equal(t->phantoms, 0);
	free(t);
	for (uint32_t w = 0; w < WORKERS; w++)
		assert_int_equal(compare_pins(st, w), 0);
	assert_int_equal(compare_dialogs(st), 0);
	for (uint32_t w = 0; w < WORKERS; w++)
		assert_int_equal(sh->wrong[w], 0);
	check_state(st);
}

static void first_million(void)
{
	struct to_state_config c = config();
	struct to_state *st = open_or_fail(path, &c);

	for (uint32_t w = 0; w < WORKERS; w++) {
		for (uint32_t i = 0; i < PINS; i++) {
			struct to_key k = from_client(w, i);

			if (i % 6 == 5)
				continue;
			sh->ack[w][i] = (uint8_t)(1 + i % 60);
			assert_non_null(
				add_and_prove(to_state_worker(st, w), TO_PIN4, &k, sh->ack[w][i]));
		}
	}
	to_state_close(st);
}

static void test_kill_at_random_moments(void **state)
{
	uint64_t seed = (uint64_t)time(NULL);
	uint32_t at_work = 0;
	uint64_t duplicates = 0;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	first_million();
	for (uint32_t n = 0; n < KILLS; n++) {
		struct to_state_config c = config();
		struct timespec t = {.tv_nsec = (long)(random_of(&seed) % (MOST_MS * 1000000ull))};
		uint64_t before = sh->done[0] + sh->done[1];
		struct to_state *st;
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			child();
		nanosleep(&t, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		at_work += sh->done[0] + sh->done[1] > before;
		st = open_or_fail(path, &c);
		assert_int_equal(to_state_report(st)->how, TO_STATE_ADOPTED);
		duplicates += to_state_report(st)->duplicates;
		compare(st);
		to_state_close(st);
	}
	print_message("%u kills, %u of them at work, %llu changes, %llu entries found twice\n",
		      KILLS, at_work, (unsigned long long)(sh->done[0] + sh->done[1]),
		      (unsigned long long)duplicates);
	assert_true(at_work >= KILLS / 4);
}

static int setup(void **state)
{
	(void)state;
	region_name(path, sizeof(path), "crash");
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return sh == MAP_FAILED;
}

static int teardown(void **state)
{
	(void)state;
	remove_region(path);
	munmap(sh, sizeof(*sh));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill_at_random_moments, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
