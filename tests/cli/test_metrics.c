/* SPDX-License-Identifier: BSD-3-Clause */
/* The metrics page: what it says, that Prometheus can read it, and how it is served. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/metrics.h"
#include "daemon/metrics_text.h"

static const char status_text[] =
	"{'ok': true, 'site': 'contoso-hq', 'stage': 'access-25', 'generation': 14, 'live': true,"
	" 'switching': null, 'uptime': 3600, 'journal': {'path': '/j', 'records': 5, 'ok': true},"
	" 'engine': {'kind': 'dpdk', 'build': '0.1.0',"
	"   'ports': [{'name': 'eth0', 'zone': 'outside', 'up': true},"
	"             {'name': 'eth1', 'zone': 'edges', 'up': false}]},"
	" 'pools': [{'name': 'legacy', 'edges': 2, 'up': 1}],"
	" 'services': [{'name': 'access', 'kind': 'sip-tls',"
	"   'share': {'default': 25, 'exceptions': [{'partner': 'fabrikam', 'share': 100}]},"
	"   'new_flows': {'legacy': 9000, 'new': 1234}, 'entries': {'legacy': 412, 'new': 78}}],"
	" 'edges': [{'name': 'e1', 'pool': 'legacy', 'state': 'draining', 'health': 'down',"
	"   'next_hop': true, 'safe_to_stop': false, 'total': 412,"
	"   'checks': [{'service': 'access', 'kind': 'tls', 'state': 'down'},"
	"              {'service': 'xmpp', 'kind': 'tcp', 'state': 'unknown'}],"
	"   'entries': {'access': {'proven': 411, 'unproven': 1}}}],"
	" 'alarms': [{'name': 'a \\\"b\\\" \\\\ c\\nd', 'message': 'x'}]}";
static const char counters_text[] =
	"{'ok': true, 'rows': [{'service': 'access', 'pool': 'legacy', 'edge': 'e1',"
	" 'class': 'tls', 'reason': 'pin', 'packets': 12878, 'bytes': 9007199254740993},"
	" {'service': null, 'pool': null, 'edge': null, 'class': 'none', 'reason': 'not-ours',"
	" 'packets': 7, 'bytes': 420}]}";

/* JSON with the quotes that are easier to read in C. */
static json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(json);
	return json;
}

static struct to_region *region(void)
{
	static struct to_region r;

	r = (struct to_region){.workers = 2, .renewed_ns = 5000000000u, .named_count = 1};
	r.worker[1] = (struct to_region_worker){14, 99, 1500000000u, 77};
	r.entries[TO_PIN4][1] = (struct to_region_entries){412, 1048576};
	r.verdicts[TO_VERDICT_STEER] = 12878;
	r.events[TO_EVENT_PROVEN] = 512;
	memset(r.named[0].name, 'n', sizeof(r.named[0].name)); /* no NUL at its end */
	r.named[0].value = 3;
	return &r;
}

static char *page_of(const char *status, const char *counters, const struct to_region *r)
{
	struct to_metrics_moment m = {.version = "0.1.0", .region = r, .now_ns = 7000000000u};
	json_t *s = status ? json_of(status) : NULL, *c = counters ? json_of(counters) : NULL;
	char *page;
	size_t size;

	m.status = s;
	m.counters = c;
	to_metrics_took_add(&m.live, 412);
	to_metrics_took_add(&m.live, 60000000);
	page = to_metrics_text(&m, &size);
	assert_non_null(page);
	assert_int_equal(size, strlen(page));
	json_decref(s);
	json_decref(c);
	return page;
}

/* A whole line of the page. */
static void has(const char *page, const char *line)
{
	char wanted[256];

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (!strstr(page, wanted))
		fail_msg("no line '%s' in:\n%s", line, page);
}

static void says_what_turnoutd_knows(void **state)
{
	char *page = page_of(status_text, counters_text, region());

	(void)state;
	has(page, "turnout_build_info{version=\"0.1.0\"} 1");
	has(page, "turnout_stage{site=\"contoso-hq\",stage=\"access-25\"} 1");
	has(page, "turnout_generation 14");
	has(page, "turnout_live 1");
	has(page, "turnout_engine_connected 1");
	has(page, "turnout_port_up{port=\"eth1\",zone=\"edges\"} 0");
	has(page, "turnout_pool_edges_up{pool=\"legacy\"} 1");
	has(page, "turnout_new_share_ratio{service=\"access\",partner=\"\"} 0.25");
	has(page, "turnout_new_share_ratio{service=\"access\",partner=\"fabrikam\"} 1");
	has(page, "turnout_new_flows_total{service=\"access\",role=\"new\"} 1234");
	has(page, "turnout_edge_state{edge=\"e1\",pool=\"legacy\",state=\"draining\"} 1");
	has(page, "turnout_edge_state{edge=\"e1\",pool=\"legacy\",state=\"up\"} 0");
	has(page, "turnout_edge_health{edge=\"e1\",pool=\"legacy\",health=\"down\"} 1");
	has(page, "turnout_live_entries{edge=\"e1\",pool=\"legacy\",service=\"access\","
		  "proven=\"no\"} 1");
	has(page, "turnout_check_up{edge=\"e1\",service=\"access\",check=\"tls\"} 0");
	assert_null(strstr(page, "service=\"xmpp\"")); /* unknown is neither */
	has(page, "turnout_alarms 1");
	free(page);
}

static void says_what_the_engine_counts(void **state)
{
	char *page = page_of(status_text, counters_text, region());

	(void)state;
	has(page, "turnout_packets_total{service=\"access\",pool=\"legacy\",edge=\"e1\","
		  "class=\"tls\",reason=\"pin\"} 12878");
	has(page, "turnout_packets_total{service=\"\",pool=\"\",edge=\"\",class=\"none\","
		  "reason=\"not-ours\"} 7");
	has(page, "turnout_worker_silence_seconds{worker=\"1\"} 1.5");
	has(page, "turnout_worker_packets_total{worker=\"1\"} 77");
	has(page, "turnout_entries{kind=\"pins-ipv4\",proven=\"yes\"} 412");
	has(page, "turnout_entries_capacity{kind=\"pins-ipv4\",proven=\"yes\"} 1048576");
	has(page, "turnout_verdicts_total{verdict=\"steer\"} 12878");
	has(page, "turnout_events_total{event=\"proven\"} 512");
	has(page, "turnout_engine_events_total{event=\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\"} 3");
	has(page, "turnout_engine_silence_seconds 2");
	has(page, "turnout_switch_live_seconds_bucket{le=\"0.001\"} 1");
	has(page, "turnout_switch_live_seconds_bucket{le=\"30\"} 1");
	has(page, "turnout_switch_live_seconds_bucket{le=\"+Inf\"} 2");
	has(page, "turnout_switch_live_seconds_count 2");
	free(page);
}

static void escapes_labels(void **state)
{
	char *page = page_of(status_text, NULL, NULL);

	(void)state;
	has(page, "turnout_alarm{alarm=\"a \\\"b\\\" \\\\ c\\nd\"} 1");
	free(page);
}

/* Whatever is missing or of another type is left out, and the page stays one. */
static void takes_what_is_missing(void **state)
{
	const char *odd[] = {"{}", "[]", "null", "{'stage': 7, 'edges': 3, 'services': {}}",
			     "{'edges': [1, null, {}], 'services': [[]], 'engine': []}"};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		char *text = strdup(odd[i]);
		json_t *json;
		struct to_metrics_moment m = {.version = "0.1.0"};
		size_t size;
		char *page;

		for (char *p = text; *p; p++)
			if (*p == '\'')
				*p = '"';
		json = json_loads(text, JSON_DECODE_ANY, NULL);
		m.status = m.counters = json;
		page = to_metrics_text(&m, &size);
		assert_non_null(page);
		assert_null(strstr(page, "turnout_stage{"));
		free(page);
		json_decref(json);
		free(text);
	}
}

static void promtool_has_no_complaint(void **state)
{
	const char *command = "promtool check metrics 2>&1 | tee /dev/stderr | (! grep .)";
	const char *statuses[] = {status_text, "{'ok': true, 'engine': null, 'stage': null}"};

	(void)state;
	/* NOLINTNEXTLINE(cert-env33-c): a word of ours */
	if (system("command -v promtool >/dev/null"))
		skip();
	for (size_t i = 0; i < 2; i++) {
		char *page = page_of(statuses[i], i ? NULL : counters_text, i ? NULL : region());
		FILE *promtool = popen(command, "w"); /* NOLINT(cert-env33-c) */
		int code;

		assert_non_null(promtool);
		fputs(page, promtool);
		code = pclose(promtool);
		assert_int_equal(code, 0);
		free(page);
	}
}

/* ---- served ---- */

struct served {
	struct event_base *base;
	struct to_metrics *metrics;
	char address[32];
	uint16_t port;
	bool none; /* turnoutd has no memory */
};

static json_t *ask(void *context, const char *what)
{
	const struct served *s = context;

	if (s->none)
		return NULL;
	return json_of(!strcmp(what, "status") ? status_text : counters_text);
}

static const struct to_region *the_region(void *context)
{
	(void)context;
	return region();
}

static uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static int serve(void **state)
{
	static struct served s;
	struct to_metrics_source source = {&s, ask, the_region};
	char err[256];

	s = (struct served){.base = event_base_new()};
	/* somebody else may take the port in between */
	for (int i = 0; i < 20 && !s.metrics; i++) {
		s.port = free_port();
		snprintf(s.address, sizeof(s.address), "127.0.0.1:%u", s.port);
		to_metrics_open(s.base, s.address, &source, &s.metrics, err, sizeof(err));
	}
	*state = &s;
	return s.metrics ? 0 : -1;
}

static int unserve(void **state)
{
	struct served *s = *state;

	to_metrics_close(s->metrics);
	event_base_free(s->base);
	return 0;
}

struct answer {
	struct event_base *base;
	int code;
	char type[64];
	char body[65536];
};

static void answered(struct evhttp_request *request, void *context)
{
	struct answer *a = context;

	a->code = request ? evhttp_request_get_response_code(request) : -1;
	if (request) {
		struct evbuffer *body = evhttp_request_get_input_buffer(request);
		const char *type = evhttp_find_header(evhttp_request_get_input_headers(request),
						      "Content-Type");
		ssize_t n = evbuffer_copyout(body, a->body, sizeof(a->body) - 1);

		a->body[n > 0 ? n : 0] = '\0';
		snprintf(a->type, sizeof(a->type), "%s", type ? type : "");
	}
	event_base_loopbreak(a->base);
}

static void get(struct served *s, const char *path, enum evhttp_cmd_type method, struct answer *a)
{
	struct evhttp_connection *c =
		evhttp_connection_base_new(s->base, NULL, "127.0.0.1", s->port);
	struct evhttp_request *request = evhttp_request_new(answered, a);

	*a = (struct answer){.base = s->base};
	evhttp_connection_set_timeout(c, 10);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Host", "x");
	assert_int_equal(evhttp_make_request(c, request, method, path), 0);
	event_base_dispatch(s->base);
	evhttp_connection_free(c);
}

static void serves_the_page(void **state)
{
	struct served *s = *state;
	static struct answer a;

	to_metrics_switched(s->metrics, 20153, 412);
	to_metrics_switched(NULL, 1, 1);
	get(s, "/metrics", EVHTTP_REQ_GET, &a);
	assert_int_equal(a.code, 200);
	assert_string_equal(a.type, "text/plain; version=0.0.4; charset=utf-8");
	has(a.body, "turnout_stage{site=\"contoso-hq\",stage=\"access-25\"} 1");
	has(a.body, "turnout_switch_prepare_seconds_sum 0.020153");
	has(a.body, "turnout_verdicts_total{verdict=\"steer\"} 12878");
}

static void serves_nothing_else(void **state)
{
	static const struct {
		const char *path;
		enum evhttp_cmd_type method;
		int code;
	} wrong[] = {
		{"/", EVHTTP_REQ_GET, 404},
		{"/metrics/x", EVHTTP_REQ_GET, 404},
		{"/metrics", EVHTTP_REQ_DELETE, 501},
	};
	struct served *s = *state;
	static struct answer a;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		get(s, wrong[i].path, wrong[i].method, &a);
		assert_int_equal(a.code, wrong[i].code);
		assert_null(strstr(a.body, "turnout_"));
	}
	s->none = true;
	get(s, "/metrics", EVHTTP_REQ_GET, &a);
	assert_int_equal(a.code, 500);
}

/* Those who connect and say nothing, half of it, or too much, do not keep it from the others. */
static void others_do_not_matter(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static const char *const said[] = {"", "GET /met", "\r\n\r\n", "\xff\xfe\x01\r\n\r\n",
					   NULL};
	struct served *s = *state;
	static struct answer a;
	int fd[5];

	at.sin_port = htons(s->port);
	for (size_t i = 0; i < 5; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fd[i], (struct sockaddr *)&at, sizeof(at)), 0);
		if (said[i]) {
			assert_int_equal(write(fd[i], said[i], strlen(said[i])), strlen(said[i]));
		} else { /* headers without end */
			static char long_line[65536] = "GET /metrics HTTP/1.1\r\nX: ";

			memset(long_line + 26, 'x', sizeof(long_line) - 26);
			assert_true(write(fd[i], long_line, sizeof(long_line)) > 0);
		}
	}
	for (int i = 0; i < 3; i++) {
		get(s, "/metrics", EVHTTP_REQ_GET, &a);
		assert_int_equal(a.code, 200);
	}
	for (size_t i = 0; i < 5; i++)
		close(fd[i]);
	get(s, "/metrics", EVHTTP_REQ_GET, &a);
	assert_int_equal(a.code, 200);
}

static void refuses_an_address(void **state)
{
	static const char *const bad[] = {"",          "9180",          "localhost:9180",
					  "127.0.0.1", "127.0.0.1:0",   "127.0.0.1:99999",
					  "[::1]",     "127.0.0.1:80x", "1.2.3.4.5:80"};
	struct served *s = *state;
	struct to_metrics_source source = {s, ask, the_region};
	struct to_metrics *m;
	char err[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(to_metrics_open(s->base, bad[i], &source, &m, err, sizeof(err)),
				 -EINVAL);
		assert_non_null(strstr(err, "as in 127.0.0.1:9180"));
		assert_null(m);
	}
	assert_int_equal(to_metrics_open(s->base, s->address, &source, &m, err, sizeof(err)),
			 -EADDRINUSE);
	assert_non_null(strstr(err, "cannot listen on 127.0.0.1:"));
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, serve, unserve)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_turnoutd_knows),
		cmocka_unit_test(says_what_the_engine_counts),
		cmocka_unit_test(escapes_labels),
		cmocka_unit_test(takes_what_is_missing),
		cmocka_unit_test(promtool_has_no_complaint),
		SERVED(serves_the_page),
		SERVED(serves_nothing_else),
		SERVED(others_do_not_matter),
		SERVED(refuses_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
