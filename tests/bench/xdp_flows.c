/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_flows.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <turnout/packet.h>

#include "tests/pipeline/frame.h"

#define CLIENT_PORT 40000
#define INVITE      800 /* bytes of the message */
#define OWN_MAC     0x10

static union to_addr client_of(const struct xdp_row *row, uint32_t i)
{
	uint32_t a = row->client + i;

	return frame_v4((uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a);
}

static void put(struct rig_frame *f, struct frame_spec *s)
{
	static const uint8_t own[6] = {2, 0, 0, 0, 0, OWN_MAC};

	memcpy(s->mac_dst, own, sizeof(own));
	f->len = frame_build(s, f->data);
}

/* An INVITE of INVITE bytes, or its answer. */
static void put_sip(struct frame_spec *s, const char *start, const char *tag)
{
	char message[INVITE + 1];
	int n;

	memset(message, 'x', sizeof(message));
	n = snprintf(message, sizeof(message),
		     "%s\r\n"
		     "Via: SIP/2.0/UDP client.example.org;branch=z9hG4bK74bf9\r\n"
		     "Max-Forwards: 70\r\n"
		     "From: Alice <sip:alice@example.org>;tag=9fxced76sl\r\n"
		     "To: Bob <sip:bob@example.com>%s\r\n"
		     "Call-ID: 3848276298220188511@client.example.org\r\n"
		     "CSeq: 2 INVITE\r\n"
		     "Contact: <sip:alice@client.example.org;transport=udp>\r\n"
		     "Content-Type: application/sdp\r\n",
		     start, tag);
	n += snprintf(message + n, sizeof(message) - (size_t)n, "Content-Length: %d\r\n\r\n",
		      INVITE - n - 23);
	message[n] = 'v'; /* the body, which nobody reads on the way to an edge */
	frame_set_payload(s, message, INVITE);
}

static void fill(const struct xdp_row *row, struct frame_spec *s)
{
	static const uint8_t rtp[18] = {0x80};

	s->tcp_flags = F_ACK;
	if (row->sort == ROW_CALL)
		put_sip(s, "INVITE sip:bob@example.com SIP/2.0", ";tag=314159");
	else
		frame_set_payload(s, rtp, sizeof(rtp));
}

static void from_client(const struct xdp_row *row, uint32_t i, struct frame_spec *s)
{
	union to_addr client = client_of(row, i), to = frame_addr(row->to);

	frame_init(s, &client, &to, row->tcp ? IPPROTO_TCP_ : IPPROTO_UDP_, CLIENT_PORT, row->port);
	fill(row, s);
}

void xdp_row_frame(const struct xdp_row *row, uint32_t i, struct rig_frame *f)
{
	struct frame_spec s;

	from_client(row, i, &s);
	put(f, &s);
}

/* What the edge at `address` (as it lies in a frame) answers. */
static void answer(const struct xdp_row *row, uint32_t i, uint32_t address, struct rig_frame *f)
{
	union to_addr client = client_of(row, i), edge = to_addr_v4((to_be32){address});
	struct frame_spec s;

	frame_init(&s, &edge, &client, row->tcp ? IPPROTO_TCP_ : IPPROTO_UDP_, row->port,
		   CLIENT_PORT);
	fill(row, &s);
	s.tcp_flags = F_SYN | F_ACK;
	if (row->sort == ROW_CALL)
		put_sip(&s, "SIP/2.0 200 OK", ";tag=314159");
	put(f, &s);
}

static void push(const struct rig *r, const struct xdp_row *row, struct rig_frame *f)
{
	const char *why;

	rig_push(r, f);
	if (f->code != XDP_TX)
		rig_fail("%s: verdict %d", row->name, f->code);
	why = frame_verify(f->data, f->len);
	if (why)
		rig_fail("%s: %s", row->name, why);
}

static uint8_t place_of(uint32_t address, uint32_t *edge)
{
	uint8_t i = 1;

	while (i < TIME_EDGES - 1 && edge[i] && edge[i] != address)
		i++;
	edge[i] = address;
	return i;
}

static uint8_t open_flow(struct rig *r, const struct xdp_row *row, uint32_t i, uint32_t *edge)
{
	struct frame_spec s;
	struct rig_frame f;
	uint32_t address;

	from_client(row, i, &s);
	s.tcp_flags = F_SYN;
	put(&f, &s);
	push(r, row, &f);
	memcpy(&address, f.data + TIME_DST, sizeof(address));
	if (row->sort == ROW_PINNED || row->sort == ROW_CALL)
		answer(row, i, address, &f);
	else
		xdp_row_frame(row, i, &f);
	if (row->sort != ROW_NEW)
		push(r, row, &f);
	return place_of(address, edge);
}

void xdp_row_open(struct rig *r, const struct xdp_row *row, uint8_t *edge_of, uint32_t *edge)
{
	union to_addr to = frame_addr(row->to);

	memset(edge, 0, TIME_EDGES * sizeof(*edge));
	edge[0] = to.w[3];
	for (uint32_t i = 0; i < row->flows; i++)
		edge_of[i] = row->sort == ROW_STRANGER ? 0 : open_flow(r, row, i, edge);
}
