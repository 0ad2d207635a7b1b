/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a message at the SIP port costs the program, read and refused by the guard, and what a media
 * packet beside it does, in turn; as JSON, nanoseconds a packet by the kernel's test run. No next
 * hop can be used, so that a frame stays as it is from one run to the next.
 *
 *   guard_cost [SAMPLES]
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "site.h"
#include "tables.h"
#include "turnout.skel.h"
#include "xdp_counters.h"
#include "xdp_guard.h"

#define REPEAT       1000u /* packets of a sample: some milliseconds at most */
#define SAMPLES      101u
#define SAMPLES_MOST 10000u
#define LONGEST      1472u /* bytes of a message in a frame of 1,514 */
#define SERVICE      3     /* of the site's, the last one: sip */
#define FAR_AWAY     (1ull << 62)

enum message { INVITE, JUNK, WORST, MESSAGES };
enum { READ, REFUSED, MODES };

static const char *const names[MESSAGES] = {"invite", "junk", "worst"};

struct measured {
	uint32_t *ns; /* [samples] */
	uint32_t len; /* of the frame */
	uint8_t frame[1600];
};

static struct rig rig;
static struct site site;
static struct measured media, messages[MESSAGES][MODES];
static uint64_t wrong;

static void append(char *text, const char *more)
{
	strncat(text, more, LONGEST - strlen(text));
}

/* As in RFC 3261, 24.2, with a body behind it. */
static void make_invite(char *text)
{
	append(text, "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\n"
		     "Max-Forwards: 70\r\n"
		     "From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
		     "To: Bob <sip:bob@biloxi.example.com>\r\n"
		     "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
		     "CSeq: 1 INVITE\r\n"
		     "Contact: <sip:alice@client.atlanta.example.com>\r\n"
		     "Content-Type: application/sdp\r\nContent-Length: 400\r\n\r\n");
	while (strlen(text) < 800)
		append(text, "a=x\r\n");
	text[800] = '\0';
}

/* Ordinary lines, and no Call-ID. */
static void make_junk(char *text)
{
	append(text, "INVITE sip:bob@example.com SIP/2.0\r\n");
	while (strlen(text) < LONGEST)
		append(text, "X-Junk: 0123456789012345678901234567890123456789\r\n");
}

/* The slowest found: a Call-ID of one letter a line, each behind blanks. */
static void make_worst(char *text)
{
	append(text, "INVITE sip:b SIP/2.0\r\nCall-ID:");
	while (strlen(text) < LONGEST - 1)
		append(text, "                     a\n");
	text[LONGEST - 1] = '\n';
}

static void make_message(enum message kind, struct measured *m)
{
	static void (*const make[MESSAGES])(char *) = {make_invite, make_junk, make_worst};
	union to_addr client = frame_addr("20.9.0.1"), vip = frame_addr("203.0.113.1");
	static struct frame_spec s;
	char text[LONGEST + 1] = "";

	make[kind](text);
	frame_init(&s, &client, &vip, IPPROTO_UDP_, 5060, 5060);
	frame_set_payload(&s, text, (uint32_t)strlen(text));
	m->len = frame_build(&s, m->frame);
}

static void make_media(void)
{
	struct rig_frame f;

	site_establish(&rig, SITE_UDP4, 1);
	site_more(&f, SITE_UDP4, 1);
	memcpy(media.frame, f.data, f.len);
	media.len = f.len;
}

static void take_hops_away(void)
{
	struct to_bpf_hop none = {0};

	for (uint32_t i = 0; i < TO_BPF_HOPS; i++) {
		if (bpf_map__update_elem(rig.xdp.skel->maps.hops, &i, sizeof(i), &none,
					 sizeof(none), BPF_ANY) < 0)
			rig_fail("cannot take the next hops away");
	}
}

/* With it nothing is read; without it everything. */
static void set_guard(bool on)
{
	struct to_sip_buckets *b = calloc((size_t)rig.xdp.cpus, sizeof(*b));
	uint32_t zero = 0;

	if (!b)
		rig_fail("no memory");
	for (int i = 0; i < rig.xdp.cpus; i++)
		b[i].strangers = FAR_AWAY;
	if (bpf_map__update_elem(rig.xdp.skel->maps.sip_buckets, &zero, sizeof(zero), b,
				 (size_t)rig.xdp.cpus * sizeof(*b), BPF_ANY) < 0)
		rig_fail("cannot fill the bucket");
	free(b);
	to_xdp_guard_rate(&rig.xdp, on ? TO_SIP_RATE : 0);
}

/* Packets of the SIP service that were refused, and those that lack a next hop only. */
static void read_counts(struct to_counters *c, uint64_t *refused, uint64_t *unsent)
{
	if (to_xdp_counters_read(&rig.xdp, c) < 0)
		rig_fail("cannot read counters");
	*refused = c->cell[to_counters_cell(SERVICE, TO_CLASS_SIP, TO_NO_INDEX, TO_REASON_SIP_RATE)]
			   .packets;
	*unsent = c->events[TO_EVENT_NO_NEXTHOP];
}

static void sample(struct measured *m, unsigned i)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = m->frame, .data_size_in = m->len,
		    .repeat = REPEAT);
	int ret;

	do
		ret = bpf_prog_test_run_opts(rig.xdp.xdp_fd, &o);
	while (ret == -EINTR);
	if (ret < 0)
		rig_fail("cannot run the program: %s", strerror(-ret));
	m->ns[i] = o.duration;
}

static void sample_all(unsigned samples)
{
	struct to_counters *c = to_xdp_counters_new();
	uint64_t refused[2], unsent[2];

	if (!c)
		rig_fail("no memory");
	read_counts(c, &refused[0], &unsent[0]);
	for (unsigned i = 0; i < samples; i++) {
		sample(&media, i);
		for (int mode = 0; mode < MODES; mode++) {
			set_guard(mode == REFUSED);
			for (int kind = 0; kind < MESSAGES; kind++)
				sample(&messages[kind][mode], i);
		}
	}
	read_counts(c, &refused[1], &unsent[1]);
	to_xdp_counters_free(c);
	wrong = llabs((long long)(refused[1] - refused[0]) -
		      (long long)samples * REPEAT * MESSAGES) +
		llabs((long long)(unsent[1] - unsent[0]) -
		      (long long)samples * REPEAT * (MESSAGES + 1));
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *name, struct measured *m, unsigned samples)
{
	qsort(m->ns, samples, sizeof(*m->ns), compare);
	printf(" \"%s\": {\"bytes\": %u, \"ns_min\": %u, \"ns_median\": %u, \"ns_max\": %u},\n",
	       name, m->len, m->ns[0], m->ns[samples / 2], m->ns[samples - 1]);
}

static void set_up(unsigned samples)
{
	struct to_xdp_sizes sizes = rig_sizes(4096, 4096);

	rig_stay_on(sched_getcpu());
	site_make(&site);
	rig_open(&rig, &sizes, false);
	rig_publish(&rig, site.legacy);
	make_media();
	take_hops_away();
	media.ns = calloc(samples, sizeof(*media.ns));
	for (int kind = 0; kind < MESSAGES; kind++) {
		for (int mode = 0; mode < MODES; mode++) {
			make_message(kind, &messages[kind][mode]);
			messages[kind][mode].ns = calloc(samples, sizeof(*media.ns));
		}
	}
}

static void tear_down(void)
{
	for (int kind = 0; kind < MESSAGES; kind++) {
		for (int mode = 0; mode < MODES; mode++)
			free(messages[kind][mode].ns);
	}
	free(media.ns);
	rig_close(&rig);
	site_free(&site);
}

int main(int argc, char **argv)
{
	unsigned long samples = argc > 1 ? strtoul(argv[1], NULL, 10) : SAMPLES;

	if (!samples || samples > SAMPLES_MOST || argc > 2) {
		fprintf(stderr, "usage: guard_cost [SAMPLES], 1 to %u\n", SAMPLES_MOST);
		return 2;
	}
	set_up((unsigned)samples);
	sample_all((unsigned)samples);
	printf("{\n");
	print("media", &media, (unsigned)samples);
	for (int kind = 0; kind < MESSAGES; kind++) {
		char name[32];

		snprintf(name, sizeof(name), "%s_read", names[kind]);
		print(name, &messages[kind][READ], (unsigned)samples);
		snprintf(name, sizeof(name), "%s_refused", names[kind]);
		print(name, &messages[kind][REFUSED], (unsigned)samples);
	}
	printf(" \"samples\": %lu, \"wrong\": %llu\n}\n", samples, (unsigned long long)wrong);
	tear_down();
	return wrong != 0;
}
