/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said of next hops in VLANs, which not every kernel can have (test_ports.py has others).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "xdp_hints.h"

#define EDGE      3
#define INSIDE    7
#define OUTSIDE   8
#define MENTIONED "next hop to e3 is in VLAN"

static struct to_xdp_nexthops hops;
static struct to_hop inside = {.state = TO_HOP_GOOD, .ifindex = INSIDE},
		     outside = {.state = TO_HOP_GOOD, .ifindex = OUTSIDE};
static struct to_link in, out;

/* Instead of the kernel's. */
const struct to_hop *to_xdp_nexthop_of(const struct to_xdp_nexthops *n, uint32_t slot)
{
	(void)n;
	if (slot == EDGE && inside.state == TO_HOP_GOOD)
		return &inside;
	return slot == TO_BPF_HOP_OUTSIDE4 ? &outside : NULL;
}

const struct to_link *to_hops_link(const struct to_hops *h, uint32_t ifindex)
{
	(void)h;
	return ifindex == INSIDE ? &in : &out;
}

const struct to_hop *to_hops_get(const struct to_hops *h, uint32_t id)
{
	(void)h;
	(void)id;
	return NULL;
}

int to_hops_watch(struct to_hops *h, uint32_t id, const struct to_hop_wanted *wanted)
{
	(void)h;
	(void)id;
	(void)wanted;
	return 0;
}

int to_hops_unwatch(struct to_hops *h, uint32_t id)
{
	(void)h;
	(void)id;
	return 0;
}

/* What is said when they are in these VLANs; to be freed. */
static char *said(uint16_t of_edge, uint16_t of_outside)
{
	FILE *before = stderr;
	static char *text; /* the stream keeps these two until it is closed */
	static size_t size;

	in.vlan = of_edge;
	out.vlan = of_outside;
	stderr = open_memstream(&text, &size);
	to_xdp_hints_check(&hops);
	fclose(stderr);
	stderr = before;
	return text;
}

static void assert_said(uint16_t of_edge, uint16_t of_outside, const char *what)
{
	char *text = said(of_edge, of_outside);

	if (what)
		assert_non_null(strstr(text, what));
	else
		assert_string_equal(text, "");
	free(text);
}

static void test_vlans(void **state)
{
	(void)state;
	strcpy(hops.names[EDGE], "e3");
	assert_said(5, 0, NULL); /* not yet */
	hops.begun = true;
	assert_said(0, 0, NULL);
	assert_said(5, 0, MENTIONED " 5, and that to outside in VLAN 0");
	assert_said(5, 0, NULL); /* once */
	assert_said(5, 5, NULL);
	assert_said(5, 6, MENTIONED " 5, and that to outside in VLAN 6");
	inside.state = TO_HOP_LINK_DOWN;
	assert_said(5, 6, NULL);
	inside.state = TO_HOP_GOOD;
	assert_said(5, 6, NULL); /* it is known */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vlans)};

	return cmocka_run_group_tests_name("hints", tests, NULL, NULL);
}
