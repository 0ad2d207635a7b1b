/* SPDX-License-Identifier: BSD-3-Clause */
#include "flows.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <turnout/hash.h>
#include <turnout/parse.h>
#include <turnout/table_read.h>

#include "bench.h"

#define VIP    0x0a020001u /* of plan.yaml, and its ports */
#define PORT   50000
#define PORTS  10000
#define CLIENT 0x64000000u
#define ROUTED 0x0b000000u /* of plans.py's plans, and how many bits a prefix leaves */
#define HOST   10

static void put_frame(uint8_t *p, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
	static const uint8_t head[42] = {2,    0, 0, 0,  0, 1, 2, 0, 0,  0,  0, 2,  8, 0,
					 0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0,  0, 0,
					 0,    0, 0, 0,  0, 0, 0, 0, 0,  0,  0, 26, 0, 0};
	uint64_t sum;

	memcpy(p, head, sizeof(head));
	memcpy(p + 26, &src, 4);
	memcpy(p + 30, &dst, 4);
	memcpy(p + 34, &sport, 2);
	memcpy(p + 36, &dport, 2);
	sum = to_sum32(p + 14) + to_sum32(p + 18) + to_sum32(p + 22) + to_sum32(p + 26) +
	      to_sum32(p + 30);
	sum = (uint16_t)~to_fold16(sum);
	memcpy(p + 24, &sum, 2);
	p[40] = 0x12; /* a checksum that must be kept up */
	p[41] = 0x34;
	p[42] = 0x80; /* RTP */
	p[43] = 0;
}

void bench_flow_put(const struct bench_flows *flows, uint32_t i, bool answer, uint8_t *p)
{
	const struct bench_flow *w = &flows->flow[i];

	if (answer)
		put_frame(p, w->edge, w->client, w->vip_port, w->port);
	else
		put_frame(p, w->client, flows->vip, w->port, w->vip_port);
}

int bench_flows_new(struct bench_flows *flows, uint32_t n)
{
	flows->n = n;
	flows->vip = to_net32(VIP).raw;
	flows->flow = bench_huge(n * sizeof(*flows->flow));
	if (!flows->flow)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t r = to_mix(i);

		flows->flow[i] = (struct bench_flow){
			.client = to_net32(CLIENT | (uint32_t)(r & 0x3fffff)).raw,
			.port = to_net16(1024 + (r >> 32) % 60000).raw,
			.vip_port = to_net16(PORT + (r >> 48) % PORTS).raw,
		};
	}
	return 0;
}

void bench_flows_route(struct bench_flows *flows, uint32_t from, uint32_t to, uint32_t routes,
		       bool upper)
{
	const uint32_t half = 1u << (HOST - 1);

	for (uint32_t i = from; i < to; i++) {
		uint64_t r = to_mix(i + 0x100000000ULL);
		uint32_t host = (uint32_t)(r >> 32) % half + (upper ? half : 0);

		flows->flow[i].client =
			to_net32(ROUTED + ((uint32_t)r % routes << HOST) + host).raw;
	}
}

void bench_flows_free(struct bench_flows *flows)
{
	if (flows->flow)
		munmap(flows->flow, flows->n * sizeof(*flows->flow));
}

bool bench_steer(struct to_worker *worker, uint8_t *data, uint32_t len, uint32_t now,
		 struct to_decision *out)
{
	struct to_frame f = {.data = data, .len = len, .zone = TO_ZONE_BOTH};

	to_pipeline_run(worker, &f, 1, now);
	*out = f.decision;
	return f.egress == TO_EGRESS_EDGE || f.egress == TO_EGRESS_OUT;
}

int bench_flows_open(struct bench_flows *flows, struct to_worker *worker, uint32_t now)
{
	const struct to_table *t = to_worker_table(worker);
	uint8_t room[TO_FRAME_HEADROOM + BENCH_FRAME] = {0}, *p = room + TO_FRAME_HEADROOM;
	struct to_decision d;

	for (uint32_t i = 0; i < flows->n; i++) {
		bench_flow_put(flows, i, false, p);
		if (!bench_steer(worker, p, BENCH_FRAME, now, &d) || d.verdict != TO_VERDICT_STEER)
			return -EPROTO;
		flows->flow[i].edge = to_table_target(t, d.service, d.edge)->v4.raw;
		bench_flow_put(flows, i, true, p);
		if (!bench_steer(worker, p, BENCH_FRAME, now, &d) || d.verdict != TO_VERDICT_REPLY)
			return -EPROTO;
	}
	return 0;
}

uint32_t bench_edge_of(const struct to_table *t, to_be32 client_addr)
{
	union to_addr a = to_addr_v4(client_addr);
	uint64_t client = to_client(&a), best = 0;
	const struct to_service *s = to_table_services(t);
	uint32_t edge = 0;
	bool new_side;

	new_side = to_bucket(t->salt, client) <
		   to_table_routes(t)[to_table_find_route(t, s, 0, (uint32_t)client)].share;
	for (uint32_t e = 0; e < to_table_edge_count(t); e++) {
		const struct to_edge *it = &to_table_edges(t)[e];
		uint64_t score = to_score(client, it->seed);

		if (it->pool == (new_side ? s->new_pool : s->legacy_pool) && score > best) {
			best = score;
			edge = e;
		}
	}
	return edge;
}
