/* SPDX-License-Identifier: BSD-3-Clause */
#include "classify_pcap.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <turnout/classify.h>
#include <turnout/hash.h>

#include "pcap_packet.h"

#define MAX_STREAMS 262144 /* docs/classification.md, section 7 */
#define SLOTS       (2 * MAX_STREAMS)

/* Of one direction and SSRC: the last candidate's sequence number. Of a flow (both directions,
 * ssrc 0, the lower end first): that it has evidence. */
struct stream {
	union to_addr a;
	union to_addr b;
	uint16_t a_port;
	uint16_t b_port;
	uint32_t ssrc;
	uint16_t sequence;
	uint8_t used;
	uint8_t reserved;
};

/* Open addressing; at most half of the slots are used. */
struct streams {
	struct stream *slot;
	uint32_t used;
};

struct evidence {
	struct streams directions;
	struct streams flows;
};

static uint64_t hash_stream(const struct stream *s)
{
	uint64_t h = to_mix(s->a.d[0] ^ to_mix(s->a.d[1]));

	h = to_mix(h ^ s->b.d[0]);
	h = to_mix(h ^ s->b.d[1]);
	return to_mix(h ^ ((uint64_t)s->a_port << 48 | (uint64_t)s->b_port << 32 | s->ssrc));
}

static bool same_stream(const struct stream *x, const struct stream *y)
{
	return to_addr_equal(&x->a, &y->a) && to_addr_equal(&x->b, &y->b) &&
	       x->a_port == y->a_port && x->b_port == y->b_port && x->ssrc == y->ssrc;
}

/* The stream's slot: the used one or, with `add`, a new one. NULL: there is none. */
static struct stream *find_stream(struct streams *t, const struct stream *key, bool add)
{
	uint64_t i = hash_stream(key) % SLOTS;

	while (t->slot[i].used) {
		if (same_stream(&t->slot[i], key))
			return &t->slot[i];
		i = (i + 1) % SLOTS;
	}
	if (!add || t->used == MAX_STREAMS)
		return NULL;
	t->used++;
	t->slot[i] = *key;
	t->slot[i].used = 1;
	return &t->slot[i];
}

static struct stream flow_of(const struct to_captured *p)
{
	int order = memcmp(&p->src, &p->dst, sizeof(p->src));
	struct stream flow = {.a = p->src, .b = p->dst, .a_port = p->sport, .b_port = p->dport};

	if (order > 0 || (order == 0 && p->sport > p->dport))
		flow = (struct stream){
			.a = p->dst, .b = p->src, .a_port = p->dport, .b_port = p->sport};
	return flow;
}

/* First pass: is this candidate one that follows the last one? */
static void weigh(struct evidence *e, const struct to_captured *p)
{
	const struct to_bytes *b = &p->payload;
	struct stream key = {.a = p->src, .b = p->dst, .a_port = p->sport, .b_port = p->dport};
	struct stream flow = flow_of(p), *s;
	uint16_t sequence, step;
	bool known;

	if (p->proto != TO_UDP || b->there < 12 || !to_rtp_candidate(b))
		return;
	sequence = (uint16_t)to_get16(b->base, b->at + 2, b->at + b->there);
	key.ssrc = to_get32(b->base, b->at + 8, b->at + b->there);
	known = find_stream(&e->directions, &key, false) != NULL;
	s = find_stream(&e->directions, &key, true);
	if (!s)
		return;
	step = (uint16_t)(sequence - s->sequence);
	if (known && step >= 1 && step <= 16)
		find_stream(&e->flows, &flow, true);
	s->sequence = sequence;
}

static enum to_class class_of(struct evidence *e, enum to_found found, const struct to_captured *p)
{
	struct stream flow = flow_of(p);
	bool media;

	if (found == TO_FOUND_NOTHING)
		return TO_CLASS_NONE;
	if (found == TO_FOUND_FRAGMENT)
		return TO_CLASS_UNKNOWN;
	media = p->proto == TO_UDP && find_stream(&e->flows, &flow, false);
	return to_classify(&p->payload, p->proto, media);
}

/* One pass; `report` NULL: the first. */
static int read_capture(const char *path, struct evidence *e, to_classified report, void *arg,
			char *error, size_t size)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *header;
	struct to_captured packet;
	const uint8_t *frame;
	uint64_t number = 0;
	int got, link;
	pcap_t *pcap = pcap_open_offline(path, text);

	if (!pcap) {
		snprintf(error, size, "%s", text);
		return -EINVAL;
	}
	link = pcap_datalink(pcap);
	if (!to_link_known(link)) {
		snprintf(error, size, "its link type %d is not understood", link);
		pcap_close(pcap);
		return -EINVAL;
	}
	while ((got = pcap_next_ex(pcap, &header, &frame)) == 1) {
		enum to_found found =
			to_find_payload(link, frame, header->caplen, header->len, &packet);

		if (report)
			report(arg, ++number, class_of(e, found, &packet));
		else if (found == TO_FOUND_PAYLOAD)
			weigh(e, &packet);
	}
	if (got == PCAP_ERROR)
		snprintf(error, size, "%s", pcap_geterr(pcap));
	pcap_close(pcap);
	return got == PCAP_ERROR ? -EINVAL : 0;
}

int to_classify_pcap(const char *path, to_classified report, void *arg, char *error, size_t size)
{
	struct evidence e = {0};
	int err = -ENOMEM;

	snprintf(error, size, "no memory");
	e.directions.slot = calloc(SLOTS, sizeof(*e.directions.slot));
	e.flows.slot = calloc(SLOTS, sizeof(*e.flows.slot));
	if (e.directions.slot && e.flows.slot) {
		/* what the first pass cannot read, the second comes upon after what it can */
		read_capture(path, &e, NULL, NULL, error, size);
		err = read_capture(path, &e, report, arg, error, size);
	}
	free(e.directions.slot);
	free(e.flows.slot);
	return err;
}
