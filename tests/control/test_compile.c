/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled tables against the plan itself, read the slow and obvious way. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <turnout/table_read.h>

/* The longest prefix that holds the client, by looking at every one. */
static uint16_t slow_share(const struct to_plan *plan, const struct to_plan_route *route, int f,
			   uint64_t client, const char **partner)
{
	uint16_t share = route->share;
	int best = -1;

	*partner = "";
	for (uint32_t i = 0; i < route->exceptions; i++) {
		const struct to_plan_partner *p = &plan->partner[route->exception[i].partner];

		for (uint32_t k = 0; k < p->prefixes; k++) {
			const struct to_plan_prefix *x = &p->prefix[k];
			int bits = x->family == TO_IP6 ? 64 : 32;

			if (x->family != (f ? TO_IP6 : TO_IP4) || x->length <= best)
				continue;
			if (x->length && (x->first ^ client) >> (bits - x->length))
				continue;
			best = x->length;
			share = route->exception[i].share;
			*partner = p->name;
		}
	}
	return share;
}

static void compare_client(const struct to_plan *plan, const struct to_table *t, uint32_t service,
			   int f, uint64_t client)
{
	const struct to_service *s = &to_table_services(t)[service];
	const struct to_route *r = &to_table_routes(t)[to_table_find_route(t, s, f, client)];
	const char *partner;
	uint16_t share =
		slow_share(plan, &plan->stage[t->stage].route[service], f, client, &partner);

	assert_int_equal(r->share, share);
	assert_string_equal(to_table_string(t, r->partner), partner);
}

/* Around every edge of every prefix, and at the ends. */
static void compare_family(const struct to_plan *plan, const struct to_table *t, uint32_t service,
			   int f)
{
	uint64_t most = f ? UINT64_MAX : UINT32_MAX;

	compare_client(plan, t, service, f, 0);
	compare_client(plan, t, service, f, most);
	for (uint32_t i = 0; i < plan->partners; i++) {
		for (uint32_t k = 0; k < plan->partner[i].prefixes; k++) {
			const struct to_plan_prefix *x = &plan->partner[i].prefix[k];
			int bits = x->family == TO_IP6 ? 64 : 32;
			uint64_t size = x->length ? 1ULL << (bits - x->length) : 0;

			if (x->family != (f ? TO_IP6 : TO_IP4))
				continue;
			compare_client(plan, t, service, f, x->first & most);
			compare_client(plan, t, service, f, (x->first - 1) & most);
			compare_client(plan, t, service, f, (x->first + size - 1) & most);
			compare_client(plan, t, service, f, (x->first + size) & most);
		}
	}
}

static void compare_stage(const struct to_plan *plan, uint32_t stage)
{
	struct to_image image = compile_stage(plan, (struct to_compile_input){.stage = stage});

	for (uint32_t s = 0; s < plan->services; s++)
		for (int f = 0; f < 2; f++)
			compare_family(plan, image.data, s, f);
	to_image_free(&image);
}

static void examples_route_as_they_say(void **state)
{
	static const char *const names[] = {"contoso.yaml", "dual-stack.yaml"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct to_plan *plan = load_example(names[i]);

		for (uint32_t s = 0; s < plan->stages; s++)
			compare_stage(plan, s);
		to_plan_free(plan);
	}
}

static const char head[] =
	"turnout: 1\nsite: {name: t}\nsalt: t\npools:\n"
	"  old: {role: legacy, edges: {e: {a: [10.0.0.1, '2001:db8::1']}}}\n"
	"  new: {role: new, edges: {n: {a: [10.0.0.2, '2001:db8::2']}}}\n"
	"services:\n"
	"  s: {kind: other, vip: [10.0.0.9, '2001:db8::9'], protocol: tcp, port: 1, address: a}\n";

/* Prefixes that nest and touch: few bits, so that many of them meet. A prefix that comes up twice
 * is left out. */
static void write_random(char *out, size_t size, uint64_t *state)
{
	uint32_t seen[64] = {0};
	size_t used = (size_t)snprintf(out, size, "%spartners:\n", head);
	unsigned count = 0;

	for (unsigned i = 0; i < 24; i++) {
		uint64_t r = next_random(state);
		unsigned length = (unsigned)(r % 9), bits = 0;
		bool again = false;

		if (length)
			bits = (unsigned)(r >> 32 & 0xff) >> (8 - length) << (8 - length);
		for (unsigned k = 0; k < count; k++)
			again |= seen[k] == (length << 8 | bits);
		if (again)
			continue;
		seen[count] = length << 8 | bits;
		/* the same shape at the top of IPv4 and at the top of IPv6 */
		used += (size_t)snprintf(out + used, size - used,
					 "  p%u: [%u.0.0.0/%u, '%x::/%u']\n", count, bits, length,
					 bits << 8, length);
		count++;
	}
	used += (size_t)snprintf(out + used, size - used,
				 "stages:\n  - name: a\n    routes: {s: {default: 7, partners: {");
	for (unsigned k = 0; k < count; k++)
		used += (size_t)snprintf(out + used, size - used, "%sp%u: %u", k ? ", " : "", k,
					 (unsigned)(next_random(state) % 4) * 25);
	snprintf(out + used, size - used, "}}}\n");
}

static void random_nests_route_as_they_say(void **state)
{
	uint64_t seed = 1;
	char text[8192];

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct to_plan *plan;

		write_random(text, sizeof(text), &seed);
		plan = load_text(text);
		compare_stage(plan, 0);
		to_plan_free(plan);
	}
}

static const struct to_route *route_at(const struct to_image *image, uint64_t client)
{
	const struct to_table *t = image->data;

	return &to_table_routes(t)[to_table_find_route(t, to_table_services(t), 0, client)];
}

#define CLIENT_P 0x0b000001 /* 11.0.0.1, of partner p */
#define CLIENT_X 0x0c000001 /* 12.0.0.1, of nobody */

static struct to_plan *zero_plan(void)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "%spartners: {p: 11.0.0.0/8}\nstages:\n  - name: off\n"
		 "  - {name: some, routes: {s: {default: 50, partners: {p: 100}}}}\n"
		 "  - {name: part, routes: {s: {default: 0, partners: {p: 100}}}}\n"
		 "  - {name: all, routes: {s: 100}}\n",
		 head);
	return load_text(text);
}

static void zero_since_follows_the_clients(void **state)
{
	struct to_plan *plan = zero_plan();
	struct to_image some =
		compile_stage(plan, (struct to_compile_input){.stage = 1, .now = 1000});
	struct to_image part = compile_stage(
		plan, (struct to_compile_input){.stage = 2, .now = 1010, .previous = some.data});
	struct to_image off = compile_stage(
		plan, (struct to_compile_input){.stage = 0, .now = 1020, .previous = part.data});
	struct to_image all = compile_stage(
		plan, (struct to_compile_input){.stage = 3, .now = 1030, .previous = off.data});

	(void)state;
	assert_int_equal(route_at(&some, CLIENT_X)->new_zero_since, 0); /* nothing before it */
	assert_int_equal(route_at(&part, CLIENT_X)->new_zero_since, 1010);
	assert_int_equal(route_at(&part, CLIENT_P)->new_zero_since, 0);
	assert_int_equal(route_at(&part, CLIENT_P)->legacy_zero_since, 0);
	/* one route of the plan, but its clients lost the new pool at different times */
	assert_int_equal(route_at(&off, CLIENT_X)->new_zero_since, 1010);
	assert_int_equal(route_at(&off, CLIENT_P)->new_zero_since, 1020);
	assert_int_equal(route_at(&all, CLIENT_X)->legacy_zero_since, 1030);
	assert_int_equal(route_at(&all, CLIENT_X)->new_zero_since, 0);
	to_image_free(&some);
	to_image_free(&part);
	to_image_free(&off);
	to_image_free(&all);
	to_plan_free(plan);
}

static void zero_since_is_kept_through_other_generations_and_forgotten(void **state)
{
	struct to_plan *plan = zero_plan();
	struct to_image some =
		compile_stage(plan, (struct to_compile_input){.stage = 1, .now = 1000});
	struct to_image off = compile_stage(
		plan, (struct to_compile_input){.stage = 0, .now = 1010, .previous = some.data});
	struct to_image again = compile_stage(
		plan, (struct to_compile_input){.stage = 0, .now = 1039, .previous = off.data});
	struct to_image later = compile_stage(
		plan, (struct to_compile_input){.stage = 0, .now = 1040, .previous = again.data});

	(void)state;
	assert_int_equal(route_at(&off, CLIENT_P)->new_zero_since, 1010);
	assert_int_equal(route_at(&again, CLIENT_P)->new_zero_since, 1010);
	/* grace is over: 0, long ago */
	assert_int_equal(route_at(&later, CLIENT_P)->new_zero_since, 0);
	to_image_free(&some);
	to_image_free(&off);
	to_image_free(&again);
	to_image_free(&later);
	to_plan_free(plan);
}

static const struct to_bind *bind_of(const struct to_table *t, const char *address, uint32_t index)
{
	unsigned a, b, c, d;
	union to_addr addr;
	const struct to_address *entry;

	assert_int_equal(sscanf(address, "%u.%u.%u.%u", &a, &b, &c, &d), 4);
	addr = to_addr_v4(to_net32(a << 24 | b << 16 | c << 8 | d));
	entry = to_table_find_address(t, &addr);
	assert_non_null(entry);
	assert_in_range(index, 0, entry->binds - 1u);
	return &to_table_binds(t)[entry->first_bind + index];
}

static void binds_of_vips_and_edges(void **state)
{
	struct to_plan *plan = load_example("dual-stack.yaml");
	struct to_image image = compile_stage(plan, (struct to_compile_input){.stage = 1});
	const struct to_table *t = image.data;

	(void)state;
	assert_int_equal(bind_of(t, "192.0.2.101", 1)->port_high, 59999);
	assert_int_equal(bind_of(t, "192.0.2.101", 1)->vip, plan->service[3].vip[0]);
	/* a dnat edge answers as the VIP, a DSR one does not */
	assert_int_equal(bind_of(t, "192.0.2.10", 0)->service, 0);
	assert_int_equal(bind_of(t, "192.0.2.10", 1)->service, 1);
	assert_int_equal(bind_of(t, "192.0.2.10", 0)->vip, plan->service[0].first_vip[0]);
	assert_int_equal(bind_of(t, "192.0.2.40", 0)->vip, TO_NO_INDEX);
	assert_int_equal(bind_of(t, "198.18.0.41", 0)->vip, TO_NO_INDEX);
	to_image_free(&image);
	to_plan_free(plan);
}

static void flags_targets_and_states(void **state)
{
	static const uint8_t states[] = {TO_EDGE_UP,       TO_EDGE_DOWN, TO_EDGE_RETIRED,
					 TO_EDGE_DRAINING, TO_EDGE_UP,   TO_EDGE_UP};
	struct to_plan *plan = load_example("dual-stack.yaml");
	struct to_image image = compile_stage(
		plan, (struct to_compile_input){.stage = 1, .edge_states = states, .now = 5});
	const struct to_table *t = image.data;
	const struct to_service *s = to_table_services(t);
	int d2 = to_plan_find_edge(plan, "d2");

	(void)state;
	assert_int_equal(s[0].flags, TO_SERVICE_BALANCE_FLOW | TO_SERVICE_FALLBACK_OTHER |
					     TO_SERVICE_EDGE_INITIATED_VIP | TO_SERVICE_LEARN);
	assert_int_equal(s[1].flags,
			 TO_SERVICE_EDGE_INITIATED_VIP | TO_SERVICE_MIDFLOW_NEW | TO_SERVICE_LEARN);
	assert_int_equal(s[2].flags, TO_SERVICE_LEARN | TO_SERVICE_OWNED);
	assert_int_equal(s[3].flags, TO_SERVICE_OWNED);
	assert_int_equal(s[4].flags, TO_SERVICE_MIDFLOW_DROP); /* the stage's */
	for (uint32_t i = 0; i < plan->edges; i++)
		assert_int_equal(to_table_edges(t)[i].state, states[i]);
	assert_true(to_table_target(t, 4, (uint32_t)d2)->has4);
	assert_false(to_table_target(t, 4, (uint32_t)d2)->has6);
	assert_int_equal(to_table_target(t, 4, (uint32_t)d2)->gateway4, 0);
	assert_false(to_table_target(t, 0, (uint32_t)d2)->has4);
	assert_int_equal(t->committed, 5);
	assert_int_equal(t->grace, 45);
	to_image_free(&image);
	to_plan_free(plan);
}

static void impossible_inputs_are_refused(void **state)
{
	static const uint8_t states[] = {0, 0, 0, TO_EDGE_STATE_COUNT};
	struct to_plan *plan = load_example("contoso.yaml");
	struct to_image image;

	(void)state;
	assert_int_equal(
		to_compile(plan, &(struct to_compile_input){.stage = 9, .generation = 1}, &image),
		-EINVAL);
	assert_int_equal(to_compile(plan, &(struct to_compile_input){.generation = 0}, &image),
			 -EINVAL);
	assert_int_equal(
		to_compile(plan, &(struct to_compile_input){.generation = 1, .edge_states = states},
			   &image),
		-EINVAL);
	assert_null(image.data);
	to_plan_free(plan);
}

static void a_memfd_is_sealed_and_whole(void **state)
{
	const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct to_plan *plan = load_example("contoso.yaml");
	struct to_image image = compile_stage(plan, (struct to_compile_input){.stage = 3});
	int fd = to_image_memfd(&image);
	struct stat st;
	void *map;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS), all);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, image.size);
	map = mmap(NULL, image.size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_memory_equal(map, image.data, image.size);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	munmap(map, image.size);
	close(fd);
	to_image_free(&image);
	to_plan_free(plan);
}

/* As many addresses as a table can have: each is found where the engine looks. */
static void a_full_site_hashes(void **state)
{
	static char text[65536];
	size_t used = (size_t)snprintf(text, sizeof(text),
				       "turnout: 1\nsite:\n  name: t\n"
				       "  gateways: [");
	struct to_plan *plan;
	struct to_image image;

	(void)state;
	for (int i = 0; i < 64; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s10.0.0.%d",
					 i ? ", " : "", i + 1);
	used += (size_t)snprintf(text + used, sizeof(text) - used,
				 "]\nsalt: t\npools:\n  o: {role: legacy, edges: {e0: {a: "
				 "10.1.0.1}}}\n  n:\n    role: new\n    edges:\n");
	for (int i = 1; i < 64; i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"      e%d: {a: [10.1.0.%d, '2001:db8::1:%x'], b: 10.1.1.%d}\n", i, i + 1,
			i, i + 1);
	used += (size_t)snprintf(text + used, sizeof(text) - used, "services:\n");
	for (int i = 0; i < 32; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "  s%d: {kind: other, vip: 10.2.0.%d, protocol: tcp, "
					 "port: %d, address: a}\n",
					 i, i + 1, i + 1);
	snprintf(text + used, sizeof(text) - used, "stages:\n  - name: one\n");
	plan = load_text(text);
	image = compile_stage(plan, (struct to_compile_input){.stage = 0});
	/* to_compile() has checked that every address is found */
	assert_int_equal(((const struct to_table *)image.data)->address_mask & 511, 511);
	to_image_free(&image);
	to_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_route_as_they_say),
		cmocka_unit_test(random_nests_route_as_they_say),
		cmocka_unit_test(zero_since_follows_the_clients),
		cmocka_unit_test(zero_since_is_kept_through_other_generations_and_forgotten),
		cmocka_unit_test(binds_of_vips_and_edges),
		cmocka_unit_test(flags_targets_and_states),
		cmocka_unit_test(impossible_inputs_are_refused),
		cmocka_unit_test(a_memfd_is_sealed_and_whole),
		cmocka_unit_test(a_full_site_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
