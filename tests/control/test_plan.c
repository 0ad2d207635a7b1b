/* SPDX-License-Identifier: BSD-3-Clause */
/* What the loader makes of a good plan, and of memory and files that fail it. */
#include "support.h"

#include <errno.h>
#include <string.h>

#include "plan_names.h"

static void contoso_is_whole(void **state)
{
	struct to_plan *p = load_example("contoso.yaml");
	const struct to_plan_stage *canary = &p->stage[to_plan_find_stage(p, "canary")];
	const struct to_plan_service *turn = &p->service[to_plan_find_service(p, "av-turn")];

	(void)state;
	assert_string_equal(p->site, "contoso-hq");
	assert_true(p->relay_key_shared);
	assert_int_equal(p->grace, 30);
	assert_int_equal(p->vips, 3);
	assert_int_equal(p->edge[2].pool, 1);
	assert_string_equal(p->edge[3].name, "n2");
	assert_int_equal(turn->idle, 660);
	assert_int_equal(turn->kind, TO_KIND_TURN);
	assert_int_equal(turn->proto, TO_UDP);
	assert_string_equal(p->group[turn->group], "av");
	assert_int_equal(canary->route[1].exceptions, 1);
	assert_int_equal(canary->route[1].exception[0].share, TO_SHARE_ALL);
	assert_int_equal(canary->route[1].share, 0);
	assert_int_equal(canary->gates, 3);
	to_plan_free(p);
}

static void gates_are_kept(void **state)
{
	struct to_plan *p = load_example("dual-stack.yaml");
	const struct to_plan_stage *probe = &p->stage[1], *after = &p->stage[2];

	(void)state;
	assert_int_equal(probe->gate[0].kind, TO_GATE_SOAK);
	assert_int_equal(probe->gate[0].seconds, 5400);
	assert_int_equal(probe->gate[1].kind, TO_GATE_FAILURES);
	assert_int_equal(probe->gate[1].stage, 0);
	assert_int_equal(probe->gate[2].kind, TO_GATE_PARTNERS_SEEN);
	assert_false(probe->gate[2].all);
	assert_int_equal(probe->gate[2].item[0], 2);
	assert_int_equal(probe->gate[3].number, 5);
	assert_int_equal(probe->gate[3].pool, 1);
	assert_int_equal(after->gate[0].number, 3);
	assert_int_equal(after->gate[1].kind, TO_GATE_DRAINED);
	assert_int_equal(after->gate[1].edge, 0);
	assert_int_equal(after->gate[1].pool, TO_NO_INDEX);
	assert_int_equal(after->gate[1].seconds, 86400);
	assert_int_equal(after->gate[1].items, 2);
	assert_int_equal(after->gate[1].item[0], 4);
	assert_int_equal(after->gate[2].item[1], TO_PREFLIGHT_ALL_EDGES);
	assert_true(probe->has_window);
	assert_int_equal(probe->window_from, 22 * 60);
	assert_int_equal(probe->window_to, 4 * 60 + 30);
	assert_int_equal(probe->route[4].share, 50);
	assert_int_equal(probe->route[0].exception[1].share, 1225);
	to_plan_free(p);
}

static void prefixes_are_clients(void **state)
{
	struct to_plan *p = load_example("dual-stack.yaml");
	const struct to_plan_partner *tester = &p->partner[2];

	(void)state;
	assert_int_equal(tester->prefix[0].family, TO_IP6);
	assert_int_equal(tester->prefix[0].length, 64);
	assert_int_equal(tester->prefix[0].first, 0x20010db8ffff0000ULL);
	assert_int_equal(tester->prefix[1].length, 32);
	assert_int_equal(tester->prefix[1].first, 0xcb00714d);
	to_plan_free(p);
}

static const struct to_plan_check *check_of(const struct to_plan *p, const char *service)
{
	return &p->service[to_plan_find_service(p, service)].check;
}

static void checks_by_kind_and_protocol(void **state)
{
	static const struct {
		const char *name;
		uint8_t probe, transport;
		uint16_t port;
	} wanted[] = {
		{"access", TO_PROBE_TLS, TO_OVER_TLS, 443},
		{"federation", TO_PROBE_TLS, TO_OVER_TLS, 5061},
		{"xmpp", TO_PROBE_TCP, TO_OVER_TCP, 5269},
		{"webconf", TO_PROBE_TLS, TO_OVER_TLS, 443},
		{"av-turn", TO_PROBE_STUN, TO_OVER_UDP, 3478},
		{"av-tcp", TO_PROBE_TCP, TO_OVER_TCP, 443},
	};
	struct to_plan *p = load_example("contoso.yaml");

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		const struct to_plan_check *check = check_of(p, wanted[i].name);

		assert_int_equal(check->probe, wanted[i].probe);
		assert_int_equal(check->transport, wanted[i].transport);
		assert_int_equal(check->port, wanted[i].port);
		assert_int_equal(check->interval, 2000);
		assert_int_equal(check->timeout, 1000);
		assert_int_equal(check->rise, 2);
		assert_int_equal(check->fall, 3);
	}
	to_plan_free(p);
}

static void checks_as_the_plan_has_them(void **state)
{
	struct to_plan *p = load_example("dual-stack.yaml");

	(void)state;
	assert_int_equal(check_of(p, "trunk")->probe, TO_PROBE_SIP_OPTIONS);
	assert_int_equal(check_of(p, "trunk")->transport, TO_OVER_UDP);
	assert_int_equal(check_of(p, "trunk")->interval, 5000);
	assert_int_equal(check_of(p, "trunk")->timeout, 2500);
	assert_int_equal(check_of(p, "trunk")->rise, 2);
	assert_int_equal(check_of(p, "trunk")->fall, 2);
	assert_int_equal(check_of(p, "trunk-tcp")->transport, TO_OVER_TCP);
	assert_int_equal(check_of(p, "ports")->probe, TO_PROBE_NONE);
	assert_int_equal(check_of(p, "ports")->port, 0);
	assert_int_equal(check_of(p, "web")->probe, TO_PROBE_TLS);
	assert_int_equal(check_of(p, "web")->port, 8443);
	assert_int_equal(p->edge[to_plan_find_edge(p, "d1")].check_mark, 41);
	assert_int_equal(p->edge[to_plan_find_edge(p, "d2")].check_mark, 0);
	to_plan_free(p);
}

static void modes_and_defaults(void **state)
{
	struct to_plan *p = load_example("dual-stack.yaml");

	(void)state;
	assert_int_equal(p->edge[to_plan_find_edge(p, "d1")].mode, TO_MODE_L2);
	assert_int_equal(p->edge[to_plan_find_edge(p, "d2")].mode, TO_MODE_IPIP);
	assert_int_equal(p->service[0].group, TO_NO_INDEX);
	assert_int_equal(p->service[0].idle, 14400);
	assert_int_equal(p->service[1].idle, 1800);
	assert_string_equal(p->group[p->service[1].group], "trunk-tcp");
	assert_int_equal(p->service[3].idle, 300);
	assert_int_equal(p->service[3].group, p->service[2].group);
	assert_string_equal(p->service[4].address, "web");
	assert_int_equal(p->service[4].pool[TO_NEW], 2);
	to_plan_free(p);
}

static void unreadable_is_an_errno(void **state)
{
	struct to_report report = {0};
	struct to_plan *plan;

	(void)state;
	assert_int_equal(to_plan_load("/nonexistent", &report, &plan), -ENOENT);
	assert_null(plan);
	assert_int_equal(to_plan_load("/", &report, &plan), -EISDIR);
	assert_int_equal(report.count, 0);
	to_report_free(&report);
}

static void messages_are_sorted_by_place(void **state)
{
	static const char text[] = "stages: 1\nturnout: 2\nsalt: ''\nx: 1\nsite: []\npools: a\n";
	struct to_report report = {0};
	struct to_plan *plan;

	(void)state;
	assert_int_equal(to_plan_parse(text, strlen(text), &report, &plan), -EINVAL);
	assert_null(plan);
	assert_int_equal(report.count, 7); /* and there are no services */
	for (size_t i = 1; i < report.count; i++)
		assert_true(report.messages[i].at.line >= report.messages[i - 1].at.line);
	to_report_free(&report);
}

static void every_prefix_of_a_plan_is_survived(void **state)
{
	char text[16384];
	struct to_plan *plan;
	size_t size;
	FILE *file = fopen(EXAMPLES "/contoso.yaml", "r");

	(void)state;
	assert_non_null(file);
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	for (size_t i = 0; i < size; i += 7) {
		struct to_report report = {0};
		int err = to_plan_parse(text, i, &report, &plan);

		assert_true(err == 0 || report.errors > 0);
		to_report_free(&report);
		to_plan_free(plan);
	}
}

static void slips_are_understood(void **state)
{
	static const char *const names[] = {"legacy", "new", "access", "av"};

	(void)state;
	assert_string_equal(to_nearest("nwe", names, 4), "new");
	assert_string_equal(to_nearest("acess", names, 4), "access");
	assert_string_equal(to_nearest("legcay", names, 4), "legacy");
	assert_null(to_nearest("webconf", names, 4));
	assert_null(to_nearest("", names, 4));
	assert_null(to_nearest("x", names, 4));
}

static void names_keep_their_numbers(void **state)
{
	struct to_names names = {0};
	static char text[1000][8];

	(void)state;
	assert_int_equal(to_names_find(&names, "0"), TO_NO_NAME);
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(text[i], sizeof(text[i]), "%u", i);
		assert_int_equal(to_names_add(&names, text[i]), i);
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(to_names_find(&names, text[i]), i);
	assert_int_equal(to_names_add(&names, "77"), 77);
	assert_int_equal(names.count, 1000);
	assert_int_equal(to_names_find(&names, "1000"), TO_NO_NAME);
	to_names_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contoso_is_whole),
		cmocka_unit_test(gates_are_kept),
		cmocka_unit_test(prefixes_are_clients),
		cmocka_unit_test(modes_and_defaults),
		cmocka_unit_test(checks_by_kind_and_protocol),
		cmocka_unit_test(checks_as_the_plan_has_them),
		cmocka_unit_test(unreadable_is_an_errno),
		cmocka_unit_test(messages_are_sorted_by_place),
		cmocka_unit_test(every_prefix_of_a_plan_is_survived),
		cmocka_unit_test(slips_are_understood),
		cmocka_unit_test(names_keep_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
