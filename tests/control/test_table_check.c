/* SPDX-License-Identifier: BSD-3-Clause */
/* Damaged images: each kind of damage is refused by its own name, and nothing is read outside. */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <turnout/table_check.h>

/* Which element of a section: by index, or the first address slot of a kind. */
#define SLOT(kind) (1000 + (kind))
#define HEADER     (-1)

struct damage {
	const char *why;
	int section;
	int element;
	size_t offset;
	size_t size;
	uint64_t value;
};

#define FIELD(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)

/* Of dual-stack.yaml, stage probe. Services: trunk, trunk-tcp, relay, ports, web. Edges: e1, e2, n1
 * (dnat), d1 (l2), d2 (ipip), w1. Pools: old, fresh, direct, before. VIPs: IPv4, IPv6, IPv4, IPv6,
 * IPv4. Gateways: IPv4, IPv6. */
static const struct damage damages[] = {
	{"not a table image: wrong magic", HEADER, 0, FIELD(to_table, magic), 1},
	{"table layout of another version", HEADER, 0, FIELD(to_table, layout), 99},
	{"size in the header is not the image's", HEADER, 0, FIELD(to_table, size), 64},
	{"section does not begin where it should", HEADER, 0,
	 offsetof(struct to_table, section[TO_SECTION_POOLS].offset), 4, 192},
	{"section reaches beyond the image", HEADER, 0,
	 offsetof(struct to_table, section[TO_SECTION_ADDRESSES].count), 4, UINT32_MAX},
	{"generation is 0", HEADER, 0, FIELD(to_table, generation), 0},
	{"stage name is not a string", HEADER, 0, FIELD(to_table, stage_name), 0},
	{"site name is not a string", HEADER, 0, FIELD(to_table, site_name), UINT32_MAX},
	{"grace is too long", HEADER, 0, FIELD(to_table, grace), 65536},
	{"address mask does not fit the slots", HEADER, 0, FIELD(to_table, address_mask), 7},
	{"reserved bytes of the header are not zero", HEADER, 0, FIELD(to_table, reserved[31]), 1},
	{"address is where no search finds it, or there twice", HEADER, 0,
	 FIELD(to_table, address_seed), 12345},

	{"strings do not begin with the empty one", TO_SECTION_STRINGS, 0, 0, 1, 'x'},
	{"a name has an unprintable byte", TO_SECTION_STRINGS, 1, 0, 1, 7},
	{"a name is empty", TO_SECTION_STRINGS, 1, 0, 1, 0},

	{"pool has no such role", TO_SECTION_POOLS, 0, FIELD(to_pool, role), 2},
	{"pool has no edges", TO_SECTION_POOLS, 0, FIELD(to_pool, edges), 0},
	{"pool's edges do not follow the pool before", TO_SECTION_POOLS, 1,
	 FIELD(to_pool, first_edge), 1},
	{"pool has edges beyond the last", TO_SECTION_POOLS, 3, FIELD(to_pool, edges), 2},
	{"reserved byte of a pool is not zero", TO_SECTION_POOLS, 0, FIELD(to_pool, reserved), 1},
	{"pool name is not a string", TO_SECTION_POOLS, 0, FIELD(to_pool, name), 2},

	{"edge is of another pool", TO_SECTION_EDGES, 1, FIELD(to_edge, pool), 1},
	{"edge has no such state", TO_SECTION_EDGES, 0, FIELD(to_edge, state), TO_EDGE_STATE_COUNT},
	{"edge has no such mode", TO_SECTION_EDGES, 0, FIELD(to_edge, mode), 3},
	{"reserved byte of an edge is not zero", TO_SECTION_EDGES, 0, FIELD(to_edge, reserved), 1},
	{"edge name is not a string", TO_SECTION_EDGES, 0, FIELD(to_edge, name), 99999},

	{"VIP's family is not its address's", TO_SECTION_VIPS, 0, FIELD(to_vip, family), TO_IP6},
	{"reserved bytes of a VIP are not zero", TO_SECTION_VIPS, 0, FIELD(to_vip, reserved2), 1},
	{"address is not that of its VIP", TO_SECTION_VIPS, 1, FIELD(to_vip, addr.b[15]), 0x77},
	{"address is not that of its gateway", TO_SECTION_GATEWAYS, 1,
	 FIELD(to_gateway, addr.b[15]), 0x77},

	{"service has no such kind", TO_SECTION_SERVICES, 0, FIELD(to_service, kind), 9},
	{"service has no such protocol", TO_SECTION_SERVICES, 0, FIELD(to_service, proto), 2},
	{"service has an unknown flag", TO_SECTION_SERVICES, 0, FIELD(to_service, flags), 0x80},
	{"service has two mid-flow rules", TO_SECTION_SERVICES, 1, FIELD(to_service, flags), 24},
	{"service balances flows and has an affinity group", TO_SECTION_SERVICES, 1,
	 FIELD(to_service, flags), TO_SERVICE_BALANCE_FLOW},
	{"service of this kind cannot learn", TO_SECTION_SERVICES, 4, FIELD(to_service, flags),
	 TO_SERVICE_LEARN},
	{"service of this kind cannot have owned ports", TO_SECTION_SERVICES, 1,
	 FIELD(to_service, flags), TO_SERVICE_OWNED},
	{"service has no such affinity group", TO_SECTION_SERVICES, 1, FIELD(to_service, group),
	 64},
	{"service's legacy pool is none", TO_SECTION_SERVICES, 0, FIELD(to_service, legacy_pool),
	 1},
	{"service's new pool is none", TO_SECTION_SERVICES, 0, FIELD(to_service, new_pool), 16},
	{"service's IPv4 VIP is none", TO_SECTION_SERVICES, 0, FIELD(to_service, vip4), 1},
	{"service's IPv6 VIP is none", TO_SECTION_SERVICES, 0, FIELD(to_service, vip6), 5},
	{"service has no VIP", TO_SECTION_SERVICES, 4, FIELD(to_service, vip4), TO_NO_INDEX},
	{"service has port 0", TO_SECTION_SERVICES, 0, FIELD(to_service, port_low), 0},
	{"service's ports run backwards", TO_SECTION_SERVICES, 0, FIELD(to_service, port_low),
	 5061},
	{"service's idle time-out is 0", TO_SECTION_SERVICES, 0, FIELD(to_service, idle), 0},
	{"service name is not a string", TO_SECTION_SERVICES, 0, FIELD(to_service, name), 0},
	{"reserved bytes of a service are not zero", TO_SECTION_SERVICES, 0,
	 FIELD(to_service, reserved2[6]), 1},
	{"service's intervals do not follow those before", TO_SECTION_SERVICES, 1,
	 FIELD(to_service, first_interval[0]), 0},
	{"service has no interval for a family", TO_SECTION_SERVICES, 0,
	 FIELD(to_service, intervals[1]), 0},
	{"service has intervals beyond the last", TO_SECTION_SERVICES, 4,
	 FIELD(to_service, intervals[1]), UINT32_MAX},

	{"first interval does not begin at 0", TO_SECTION_INTERVALS, 0, FIELD(to_interval, first),
	 1},
	{"intervals are not in order", TO_SECTION_INTERVALS, 2, FIELD(to_interval, first), 1},
	{"interval begins beyond the last client", TO_SECTION_INTERVALS, 1,
	 FIELD(to_interval, first), 1ULL << 32},
	{"interval's route is none", TO_SECTION_INTERVALS, 1, FIELD(to_interval, route), 9999},
	{"reserved bytes of an interval are not zero", TO_SECTION_INTERVALS, 1,
	 FIELD(to_interval, reserved), 1},

	{"route's share is above 100 percent", TO_SECTION_ROUTES, 0, FIELD(to_route, share), 10001},
	{"reserved bytes of a route are not zero", TO_SECTION_ROUTES, 0, FIELD(to_route, reserved),
	 1},
	{"route's partner is not a string", TO_SECTION_ROUTES, 0, FIELD(to_route, partner), 3},
	{"route's new pool has a share, and a time since when it has none", TO_SECTION_ROUTES, 1,
	 FIELD(to_route, new_zero_since), 5},
	{"route's legacy pool has a share, and a time since when it has none", TO_SECTION_ROUTES, 0,
	 FIELD(to_route, legacy_zero_since), 5},

	/* targets: service * 6 + edge */
	{"target's has4 or has6 is neither 0 nor 1", TO_SECTION_TARGETS, 0, FIELD(to_target, has4),
	 2},
	{"target's mode is not its edge's", TO_SECTION_TARGETS, 0, FIELD(to_target, mode), 1},
	{"target has an IPv4 address that it denies", TO_SECTION_TARGETS, 0, FIELD(to_target, has4),
	 0},
	{"target has an IPv6 address that it denies", TO_SECTION_TARGETS, 0, FIELD(to_target, has6),
	 0},
	{"target is an edge of none of the service's pools", TO_SECTION_TARGETS, 3,
	 FIELD(to_target, has4), 1},
	{"target's IPv4 address is not its edge's", TO_SECTION_TARGETS, 0, FIELD(to_target, v4),
	 0x01020304},
	{"target's IPv6 address is not its edge's", TO_SECTION_TARGETS, 0,
	 FIELD(to_target, v6.b[15]), 0x11},
	{"target's IPv4 tunnel gateway is wrong", TO_SECTION_TARGETS, 28,
	 FIELD(to_target, gateway4), 1},
	{"target's IPv6 tunnel gateway is wrong", TO_SECTION_TARGETS, 28,
	 FIELD(to_target, gateway6), 1},
	{"reserved bytes of a target are not zero", TO_SECTION_TARGETS, 28,
	 FIELD(to_target, reserved[6]), 1},

	{"address has no such kind", TO_SECTION_ADDRESSES, SLOT(TO_ADDRESS_EDGE),
	 FIELD(to_address, kind), 4},
	{"free address slot is not zero", TO_SECTION_ADDRESSES, SLOT(TO_ADDRESS_FREE),
	 FIELD(to_address, first_bind), 1},
	{"address's index is none", TO_SECTION_ADDRESSES, SLOT(TO_ADDRESS_EDGE),
	 FIELD(to_address, index), 64},
	{"gateway address has binds", TO_SECTION_ADDRESSES, SLOT(TO_ADDRESS_GATEWAY),
	 FIELD(to_address, binds), 1},
	{"VIP has no binds", TO_SECTION_ADDRESSES, SLOT(TO_ADDRESS_VIP), FIELD(to_address, binds),
	 0},
	{"address has too many binds", TO_SECTION_ADDRESSES, SLOT(TO_ADDRESS_VIP),
	 FIELD(to_address, binds), 33},
	{"address has binds beyond the last", TO_SECTION_ADDRESSES, SLOT(TO_ADDRESS_VIP),
	 FIELD(to_address, first_bind), UINT32_MAX},
	{"reserved bytes of an address are not zero", TO_SECTION_ADDRESSES, SLOT(TO_ADDRESS_VIP),
	 FIELD(to_address, reserved[1]), 1},

	{"bind's service is none", TO_SECTION_BINDS, 0, FIELD(to_bind, service), 5},
	{"bind's protocol is not its service's", TO_SECTION_BINDS, 0, FIELD(to_bind, proto), 0},
	{"bind's ports are not its service's", TO_SECTION_BINDS, 0, FIELD(to_bind, port_high),
	 5061},
	{"bind's VIP is wrong", TO_SECTION_BINDS, 0, FIELD(to_bind, vip), 1},
	{"reserved byte of a bind is not zero", TO_SECTION_BINDS, 0, FIELD(to_bind, reserved), 1},
};

static struct to_image good;

static int make_image(void **state)
{
	struct to_plan *plan = load_example("dual-stack.yaml");

	(void)state;
	good = compile_stage(plan, (struct to_compile_input){.stage = 1});
	to_plan_free(plan);
	return 0;
}

static int free_image(void **state)
{
	(void)state;
	to_image_free(&good);
	return 0;
}

/* A copy in memory that ends where the image does, so that a sanitizer sees a byte too far. */
static struct to_table *copy_of(size_t size)
{
	struct to_table *t = malloc(size ? size : 1);

	assert_non_null(t);
	memcpy(t, good.data, size < good.size ? size : good.size);
	return t;
}

static void seal(struct to_table *t, size_t size)
{
	t->checksum = to_table_checksum(t, size);
}

static uint8_t *place_of(struct to_table *t, const struct damage *d)
{
	uint8_t *at = (uint8_t *)t;
	int element = d->element;

	if (d->section == HEADER)
		return at + d->offset;
	if (element >= 1000)
		for (element = 0; to_table_addresses(t)[element].kind != d->element - 1000;)
			element++;
	return at + t->section[d->section].offset + (size_t)element * to_section_size[d->section] +
	       d->offset;
}

static void expect(const struct to_table *t, size_t size, int err, const char *why)
{
	const char *said;

	assert_int_equal(to_table_check(t, size, &said), err);
	assert_string_equal(said, why);
}

static void a_good_image_passes(void **state)
{
	const char *why;

	(void)state;
	assert_int_equal(to_table_check(good.data, good.size, &why), 0);
	assert_null(why);
}

static void each_damage_has_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct to_table *t = copy_of(good.size);
		uint8_t *at = place_of(t, &damages[i]);

		assert_true(memcmp(at, &damages[i].value, damages[i].size) != 0);
		memcpy(at, &damages[i].value, damages[i].size);
		seal(t, good.size);
		expect(t, good.size, -EINVAL, damages[i].why);
		free(t);
	}
}

static void there_are_enough_names(void **state)
{
	size_t distinct = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		size_t k = 0;

		while (k < i && strcmp(damages[k].why, damages[i].why))
			k++;
		distinct += k == i;
	}
	assert_true(distinct >= 80);
}

static void any_flipped_bit_is_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < good.size * 8; i++) {
		struct to_table *t = good.data;
		const char *why;
		int err;

		((uint8_t *)t)[i / 8] ^= (uint8_t)(1 << i % 8);
		err = to_table_check(t, good.size, &why);
		((uint8_t *)t)[i / 8] ^= (uint8_t)(1 << i % 8);
		/* magic, layout and size are looked at before the checksum is */
		assert_int_equal(err, i < 16 * 8 ? -EINVAL : -EBADMSG);
	}
}

/* Whoever can write an image can write its checksum: then the checks are all there is. What they
 * let through must still be safe to read. */
static void sealed_damage_is_refused_or_harmless(void **state)
{
	static const uint8_t masks[] = {0x01, 0x80, 0xff};
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < good.size * 3; i++) {
		struct to_table *t = copy_of(good.size);
		const char *why;

		((uint8_t *)t)[i / 3] ^= masks[i % 3];
		seal(t, good.size);
		if (to_table_check(t, good.size, &why))
			refused++;
		else
			for (uint32_t s = 0; s < to_table_service_count(t); s++)
				for (int f = 0; f < 2; f++)
					assert_in_range(
						to_table_find_route(t, &to_table_services(t)[s], f,
								    0xc6336401),
						0, to_table_route_count(t) - 1);
		free(t);
	}
	assert_true(refused > good.size * 2);
}

static void truncations(void **state)
{
	const struct to_table *whole = good.data;

	(void)state;
	for (int i = 0; i < TO_SECTION_COUNT; i++) {
		for (int off = -1; off <= 1; off++) {
			size_t size = (size_t)((int64_t)whole->section[i].offset + off);
			struct to_table *t = copy_of(size);

			expect(t, size, -EINVAL,
			       size < sizeof(*t) ? "shorter than a table's header"
						 : "size in the header is not the image's");
			if (size >= sizeof(*t)) {
				t->size = (uint32_t)size;
				seal(t, size & ~(size_t)7);
				expect(t, size, -EINVAL,
				       off ? "size is not a multiple of the alignment"
					   : "section reaches beyond the image");
			}
			free(t);
		}
	}
	expect(good.data, 0, -EINVAL, "shorter than a table's header");
}

/* Counts alone: the sections are all zero bytes, which is looked at later. */
static void counts_are_within_their_limits(void **state)
{
	static const struct {
		const char *why;
		int section;
		uint32_t count;
	} rows[] = {
		{"no services", TO_SECTION_SERVICES, 0},
		{"too many services", TO_SECTION_SERVICES, 65},
		{"fewer than two pools", TO_SECTION_POOLS, 1},
		{"too many pools", TO_SECTION_POOLS, 17},
		{"no edges", TO_SECTION_EDGES, 0},
		{"too many edges", TO_SECTION_EDGES, 65},
		{"no VIPs", TO_SECTION_VIPS, 0},
		{"too many VIPs", TO_SECTION_VIPS, 65},
		{"too many gateways", TO_SECTION_GATEWAYS, 65},
		{"no routes", TO_SECTION_ROUTES, 0},
		{"too many routes", TO_SECTION_ROUTES, TO_MAX_ROUTES + 1},
		{"too many intervals", TO_SECTION_INTERVALS, TO_MAX_INTERVALS + 1},
		{"targets are not one for each service and edge", TO_SECTION_TARGETS, 2},
		{"address slots are not a power of two", TO_SECTION_ADDRESSES, 12},
		{"strings do not begin with the empty one", TO_SECTION_STRINGS, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t counts[TO_SECTION_COUNT] = {16, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1};
		struct to_table *t = calloc(1, 32u << 20);
		size_t size = sizeof(*t);

		assert_non_null(t);
		counts[rows[i].section] = rows[i].count;
		for (int k = 0; k < TO_SECTION_COUNT; k++) {
			t->section[k] = (struct to_section_ref){(uint32_t)size, counts[k]};
			size += (size_t)counts[k] * to_section_size[k];
			size = (size + TO_TABLE_ALIGN - 1) & ~(size_t)(TO_TABLE_ALIGN - 1);
		}
		t->magic = TO_TABLE_MAGIC;
		t->layout = TO_TABLE_LAYOUT;
		t->size = (uint32_t)size;
		t->address_mask = 15;
		seal(t, size);
		expect(t, size, -EINVAL, rows[i].why);
		free(t);
	}
}

static void bytes_after_the_end(void **state)
{
	size_t size = good.size + TO_TABLE_ALIGN;
	struct to_table *t = copy_of(size);

	(void)state;
	memset((uint8_t *)t + good.size, 0, TO_TABLE_ALIGN);
	t->size = (uint32_t)size;
	seal(t, size);
	expect(t, size, -EINVAL, "bytes after the last section");
	free(t);
}

static void padding_is_zero(void **state)
{
	struct to_table *t = copy_of(good.size);
	const struct to_section_ref *s = &t->section[TO_SECTION_STRINGS];

	(void)state;
	assert_true((s->offset + s->count) % TO_TABLE_ALIGN != 0);
	((uint8_t *)t)[good.size - 1] = 1;
	seal(t, good.size);
	expect(t, good.size, -EINVAL, "padding after a section is not zero");
	free(t);
}

static void an_image_must_be_aligned(void **state)
{
	uint8_t *raw = malloc(good.size + 1);

	(void)state;
	memcpy(raw + 1, good.data, good.size);
	expect((const struct to_table *)(const void *)(raw + 1), good.size, -EINVAL,
	       "image is not aligned in memory");
	free(raw);
}

/* An address that stands twice: the search finds the first only. */
static void an_address_stands_once(void **state)
{
	struct to_table *t = copy_of(good.size);
	struct damage first = {.section = TO_SECTION_ADDRESSES, .element = SLOT(TO_ADDRESS_EDGE)};
	struct damage free_slot = {.section = TO_SECTION_ADDRESSES,
				   .element = SLOT(TO_ADDRESS_FREE)};

	(void)state;
	memcpy(place_of(t, &free_slot), place_of(t, &first), sizeof(struct to_address));
	seal(t, good.size);
	expect(t, good.size, -EINVAL, "address is where no search finds it, or there twice");
	free(t);
}

/* A slot that no other address needs on its way. */
static void no_gateway_is_left_out(void **state)
{
	struct to_table *t = copy_of(good.size);
	struct damage slot = {.section = TO_SECTION_ADDRESSES, .element = SLOT(TO_ADDRESS_GATEWAY)};

	(void)state;
	memset(place_of(t, &slot), 0, sizeof(struct to_address));
	seal(t, good.size);
	expect(t, good.size, -EINVAL, "gateway is not among the addresses");
	free(t);
}

/* Two services of one VIP with the same port. */
static void binds_must_not_overlap(void **state)
{
	struct to_table *t = copy_of(good.size);
	struct to_service *s = (struct to_service *)(uintptr_t)to_table_services(t);
	struct to_bind *b = (struct to_bind *)(uintptr_t)to_table_binds(t);

	(void)state;
	s[2].port_low = 50000;
	s[2].port_high = 50000;
	for (uint32_t i = 0; i < to_table_bind_count(t); i++)
		if (b[i].service == 2)
			b[i].port_low = b[i].port_high = 50000;
	seal(t, good.size);
	expect(t, good.size, -EINVAL, "binds of an address overlap");
	free(t);
}

static void the_checksum_knows_order_and_length(void **state)
{
	uint8_t image[256] = {0}, other[256] = {0};

	(void)state;
	image[64] = 1;
	other[72] = 1;
	assert_true(to_table_checksum(image, 256) != to_table_checksum(other, 256));
	assert_true(to_table_checksum(other, 256) != to_table_checksum(other, 248));
	memset(image + 16, 0xff, 8); /* the checksum itself */
	other[72] = 0;
	other[64] = 1;
	assert_true(to_table_checksum(image, 256) == to_table_checksum(other, 256));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_image_passes),
		cmocka_unit_test(each_damage_has_its_name),
		cmocka_unit_test(there_are_enough_names),
		cmocka_unit_test(any_flipped_bit_is_seen),
		cmocka_unit_test(sealed_damage_is_refused_or_harmless),
		cmocka_unit_test(truncations),
		cmocka_unit_test(counts_are_within_their_limits),
		cmocka_unit_test(bytes_after_the_end),
		cmocka_unit_test(padding_is_zero),
		cmocka_unit_test(an_image_must_be_aligned),
		cmocka_unit_test(an_address_stands_once),
		cmocka_unit_test(no_gateway_is_left_out),
		cmocka_unit_test(binds_must_not_overlap),
		cmocka_unit_test(the_checksum_knows_order_and_length),
	};

	return cmocka_run_group_tests(tests, make_image, free_image);
}
