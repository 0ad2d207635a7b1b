/* SPDX-License-Identifier: BSD-3-Clause */
/* An image that the check accepts can be read whole, whatever is in it, and compiled after. The
 * checksum is set right first: it guards against accidents, the checks against everything else. */
#include <stdlib.h>
#include <string.h>

#include <turnout/table_check.h>

#include "compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its services are called as those of the seeds are. */
static const char plan_text[] =
	"turnout: 1\nsite: {name: contoso-hq}\nsalt: s\npools:\n"
	"  legacy: {role: legacy, edges: {e1: {a: [10.0.0.1, '2001:db8::1']}}}\n"
	"  new: {role: new, edges: {n1: {a: [10.0.0.2, '2001:db8::2']}}}\n"
	"services:\n"
	"  access: {kind: sip-tls, vip: 10.0.0.9, protocol: tcp, port: 443, address: a}\n"
	"  trunk: {kind: sip, vip: [10.0.0.9, '2001:db8::9'], protocol: tcp, port: 5060, address: "
	"a}\n"
	"partners: {fabrikam: [198.51.100.0/28, '2001:db8:5::/48']}\n"
	"stages:\n  - name: one\n    routes: {access: {partners: {fabrikam: 50}}, trunk: 100}\n";

static const struct to_plan *one_plan(void)
{
	static struct to_report report;
	static struct to_plan *plan;

	if (!plan && to_plan_parse(plan_text, sizeof(plan_text) - 1, &report, &plan))
		abort();
	return plan;
}

static uint64_t read_names(const struct to_table *t)
{
	uint64_t sum = strlen(to_table_string(t, t->site_name)) +
		       strlen(to_table_string(t, t->stage_name));

	for (uint32_t i = 0; i < to_table_pool_count(t); i++)
		sum += strlen(to_table_string(t, to_table_pools(t)[i].name));
	for (uint32_t i = 0; i < to_table_edge_count(t); i++)
		sum += strlen(to_table_string(t, to_table_edges(t)[i].name));
	for (uint32_t i = 0; i < to_table_route_count(t); i++)
		sum += strlen(to_table_string(t, to_table_routes(t)[i].partner));
	return sum;
}

static uint64_t read_services(const struct to_table *t)
{
	static const uint64_t clients[] = {0,         1, 0xc6336401, UINT32_MAX, 0x20010db800000000,
					   UINT64_MAX};
	uint64_t sum = 0;

	for (uint32_t i = 0; i < to_table_service_count(t); i++) {
		const struct to_service *s = &to_table_services(t)[i];

		sum += strlen(to_table_string(t, s->name));
		for (size_t k = 0; k < sizeof(clients) / sizeof(clients[0]); k++)
			for (int f = 0; f < 2; f++)
				sum += to_table_routes(t)[to_table_find_route(t, s, f, clients[k])]
					       .share;
		for (uint32_t e = 0; e < to_table_edge_count(t); e++)
			sum += to_table_target(t, i, e)->has4;
	}
	return sum;
}

static uint64_t read_addresses(const struct to_table *t)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < to_table_address_count(t); i++) {
		const struct to_address *a = &to_table_addresses(t)[i];

		if (a->kind && to_table_find_address(t, &a->addr) != a)
			abort();
		for (uint32_t k = 0; k < a->binds; k++)
			sum += to_table_services(t)[to_table_binds(t)[a->first_bind + k].service]
				       .kind;
	}
	return sum;
}

static void compile_after(const struct to_table *t)
{
	const struct to_compile_input input = {.generation = 2, .now = 1000, .previous = t};
	struct to_image image;

	if (to_compile(one_plan(), &input, &image))
		abort();
	to_image_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct to_table *t = NULL;
	const char *why;

	if (posix_memalign((void **)&t, TO_TABLE_ALIGN, size ? size : 1))
		return 0;
	memcpy(t, data, size);
	if (size >= sizeof(*t) && size % 8 == 0) {
		t->size = (uint32_t)size;
		t->checksum = to_table_checksum(t, size);
	}
	if (to_table_check(t, size, &why) == 0) {
		/* what was read must not be optimised away */
		volatile uint64_t sum = read_names(t) + read_services(t) + read_addresses(t);

		(void)sum;
		compile_after(t);
	} else if (!why) {
		abort(); /* refused without a word */
	}
	free(t);
	return 0;
}
