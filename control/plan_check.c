/* SPDX-License-Identifier: BSD-3-Clause */
/* How a service's edges are checked. */
#include <string.h>

#include "plan_loader.h"

#define INTERVAL     2000 /* milliseconds */
#define TIMEOUT      1000
#define MIN_INTERVAL 50 /* 20 a second of each edge: enough for a test */
#define MAX_INTERVAL 3600000
#define MIN_TIMEOUT  10
#define MAX_TIMEOUT  60000
#define RISE         2
#define FALL         3
#define MAX_IN_A_ROW 100

const char *const to_probe_names[TO_PROBE_COUNT] = {
	[TO_PROBE_NONE] = "none", [TO_PROBE_TCP] = "tcp",
	[TO_PROBE_TLS] = "tls",   [TO_PROBE_SIP_OPTIONS] = "sip-options",
	[TO_PROBE_STUN] = "stun",
};

static uint8_t default_probe(const struct to_plan_service *service)
{
	switch (service->kind) {
	case TO_KIND_SIP:
		return TO_PROBE_SIP_OPTIONS;
	case TO_KIND_TURN:
		return service->proto == TO_UDP ? TO_PROBE_STUN : TO_PROBE_TCP;
	case TO_KIND_MEDIA: /* its ports belong to calls */
	case TO_NO_INDEX:
		return TO_PROBE_NONE;
	case TO_KIND_SIP_TLS:
	case TO_KIND_FEDERATION:
	case TO_KIND_PSOM:
		return service->proto == TO_TCP ? TO_PROBE_TLS : TO_PROBE_NONE;
	default:
		return service->proto == TO_TCP ? TO_PROBE_TCP : TO_PROBE_NONE;
	}
}

static uint8_t transport_of(const struct to_plan_service *service, uint8_t probe)
{
	if (probe == TO_PROBE_TCP)
		return TO_OVER_TCP;
	if (probe == TO_PROBE_TLS)
		return TO_OVER_TLS;
	if (probe == TO_PROBE_STUN)
		return TO_OVER_UDP;
	if (service->kind == TO_KIND_SIP_TLS || service->kind == TO_KIND_FEDERATION)
		return TO_OVER_TLS;
	return service->proto == TO_UDP ? TO_OVER_UDP : TO_OVER_TCP;
}

void to_default_check(struct to_plan_service *service)
{
	service->check = (struct to_plan_check){
		.probe = default_probe(service),
		.rise = RISE,
		.fall = FALL,
		.interval = INTERVAL,
		.timeout = TIMEOUT,
	};
	service->check.transport = transport_of(service, service->check.probe);
	if (service->check.probe != TO_PROBE_NONE)
		service->check.port = service->port_low;
}

static void read_probe(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_service *service = object;

	if (!to_read_word(l, node, to_probe_names, TO_PROBE_COUNT, &service->check.probe))
		return;
	service->check.transport = transport_of(service, service->check.probe);
	service->check.port = service->check.probe == TO_PROBE_NONE ? 0 : service->port_low;
}

static void read_check_port(struct to_loader *l, const struct to_node *node, void *object)
{
	uint64_t port;

	if (to_read_number(l, node, 1, UINT16_MAX, &port))
		((struct to_plan_service *)object)->check.port = (uint16_t)port;
}

static void read_interval(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_check *check = &((struct to_plan_service *)object)->check;

	if (to_read_milliseconds(l, node, MIN_INTERVAL, MAX_INTERVAL, &check->interval) &&
	    check->timeout > check->interval)
		check->timeout = check->interval;
}

/* After the interval. */
static void read_timeout(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_check *check = &((struct to_plan_service *)object)->check;

	if (to_read_milliseconds(l, node, MIN_TIMEOUT, MAX_TIMEOUT, &check->timeout) &&
	    check->timeout > check->interval)
		to_bad(l, node->at,
		       "'timeout' is longer than the interval of %u ms: one probe is under way at "
		       "a "
		       "time",
		       check->interval);
}

static void read_count(struct to_loader *l, const struct to_node *node, uint8_t *out)
{
	uint64_t count;

	if (to_read_number(l, node, 1, MAX_IN_A_ROW, &count))
		*out = (uint8_t)count;
}

static void read_rise(struct to_loader *l, const struct to_node *node, void *object)
{
	read_count(l, node, &((struct to_plan_service *)object)->check.rise);
}

static void read_fall(struct to_loader *l, const struct to_node *node, void *object)
{
	read_count(l, node, &((struct to_plan_service *)object)->check.fall);
}

/* A service's port says nothing about the port of another transport. */
static void need_port(struct to_loader *l, const struct to_node *node,
		      const struct to_plan_service *service)
{
	const struct to_plan_check *check = &service->check;
	bool udp = check->transport == TO_OVER_UDP;
	const struct to_node *port = node->type == TO_NODE_MAP ? to_node_child(node, "port") : NULL;

	if (check->probe == TO_PROBE_NONE || service->proto == TO_NO_INDEX || port ||
	    udp == (service->proto == TO_UDP))
		return;
	to_bad(l, node->at,
	       "a check '%s' uses %s, but service '%s' is %s: say which 'port' is to be asked",
	       to_probe_names[check->probe], udp ? "UDP" : "TCP", service->name,
	       udp ? "TCP" : "UDP");
}

static void read_check_map(struct to_loader *l, const struct to_node *node,
			   struct to_plan_service *service)
{
	static const struct to_field fields[] = {
		{"kind", false, read_probe},        {"port", false, read_check_port},
		{"interval", false, read_interval}, {"timeout", false, read_timeout},
		{"rise", false, read_rise},         {"fall", false, read_fall},
	};
	const struct to_node *kind = to_node_child(node, "kind");

	to_read_fields(l, node, "'check'", fields, TO_COUNT(fields), service);
	if (service->check.probe != TO_PROBE_NONE || service->kind == TO_NO_INDEX)
		return;
	if (!kind)
		to_bad(l, to_node_place(node),
		       "service '%s' has no check unless 'check' says its 'kind'", service->name);
	else if (node->children > 1 && kind->type == TO_NODE_TEXT && !strcmp(kind->text, "none"))
		to_bad(l, kind->at, "a check of the kind 'none' has nothing else to say");
}

void to_read_check(struct to_loader *l, const struct to_node *node, void *object)
{
	struct to_plan_service *service = object;

	to_default_check(service);
	if (node->type == TO_NODE_MAP)
		read_check_map(l, node, service);
	else
		read_probe(l, node, service);
	need_port(l, node, service);
}
