/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gateway's two neighbours: sends frames of UDP flows into it by the one side's interface, and
 * counts and judges them at the other's. bench_peers prints its arguments; the MACs are those that
 * frames are sent to, xdp|tc is what judges frames that come, LENGTH is that of a frame without its
 * checksum, TTL what it must come with (64: no gateway is in between).
 *
 * Reads commands, a line each, and answers each with a line of JSON:
 *
 *   learn                              a request and an answer of each flow
 *   send requests|answers FRAMES TRIES AHEAD WINDOW   by TRIES a time, each of which is a frame
 *                                      when no more than AHEAD are on their way (PEERS_NONE: none
 *                                      ever is); of each WINDOW tries {"windows": [[ns, tried,
 *                                      sent, arrived], ...]}
 *   port N                             of the client, from now on
 *   segment requests|answers FLAGS SEQ ACK BYTES   what is sent next, of TCP; FLAGS: of SARP
 *   echo N TRIES                       N requests that come back as answers, one after the other,
 * by TRIES a time: {"ns": of each} settle requests|answers            when they have come: {"sent",
 * "arrived", "wrong"} since the last time
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers_wire.h"

#define ARGUMENTS  12
#define MOST_BYTES 512
#define MOST_TIMES 50

/* Of what came before the last `settle`. */
struct told {
	struct peers_count count;
	unsigned long long sent;
};

struct measure {
	unsigned frames, tries, ahead, window;
};

static const struct peers_way *way_of(const struct peers_wire *w, const char *what)
{
	return *what == 'r' ? &w->requests : &w->answers;
}

static void tell_windows(const struct peers_bpf__bss *s)
{
	printf("{\"windows\": [");
	for (unsigned i = 1; i < s->marked; i++) {
		const struct peers_mark *m = &s->marks[i - 1];

		printf("%s[%llu, %llu, %llu, %llu]", i > 1 ? ", " : "", m[1].ns - m->ns,
		       m[1].tried - m->tried, m[1].sent - m->sent, m[1].arrived - m->arrived);
	}
	puts("]}");
}

static void measure(struct peers_wire *w, const struct peers_way *way, const struct measure *m)
{
	struct peers_bpf__bss *s = way->bpf->bss;
	unsigned long long end = s->sent + m->frames;

	way->bpf->data->ahead = m->ahead;
	way->bpf->data->window = m->window;
	s->tried = s->marked = 0;
	for (int i = 0; i < MOST_TIMES; i++) {
		peers_send(w, way, m->tries, PEERS_BATCH);
		if (s->sent >= end || m->ahead == PEERS_NONE)
			break;
	}
	tell_windows(s);
}

static void echo(struct peers_wire *w, unsigned n, unsigned tries)
{
	struct peers_bpf__bss *out = w->requests.bpf->bss, *back = w->answers.bpf->bss;
	unsigned long long begun = out->sent, end = begun + n;
	unsigned zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(w->requests.bpf->maps.home), &zero, &begun, BPF_ANY))
		peers_fail("the count of answers", errno);
	w->requests.bpf->data->ahead = 0;
	out->last = end;
	out->echo = back->echo = 1;
	for (int i = 0; i < MOST_TIMES && out->sent < end; i++)
		peers_send(w, &w->requests, tries, 1);
	peers_settle(&w->requests);
	back->sent += out->sent - begun;
	peers_settle(&w->answers);
	out->echo = back->echo = 0;
	printf("{\"ns\": [");
	for (unsigned long long i = begun; i < out->sent && i < end; i++)
		printf("%s%llu", i > begun ? ", " : "",
		       back->stamps[i % PEERS_STAMPS] - out->stamps[i % PEERS_STAMPS]);
	puts("]}");
}

static unsigned flags_of(const char *letters)
{
	return (strchr(letters, 'S') ? TCP_FLAG_SYN : 0) |
	       (strchr(letters, 'A') ? TCP_FLAG_ACK : 0) |
	       (strchr(letters, 'R') ? TCP_FLAG_RST : 0) |
	       (strchr(letters, 'P') ? TCP_FLAG_PSH : 0);
}

static void settle(const struct peers_way *way, struct told *before)
{
	struct peers_count now;

	peers_settle(way);
	now = peers_counted(way);
	printf("{\"sent\": %llu, \"arrived\": %llu, \"wrong\": %llu}\n",
	       way->bpf->bss->sent - before->sent, now.arrived - before->count.arrived,
	       now.wrong - before->count.wrong);
	*before = (struct told){now, way->bpf->bss->sent};
}

static bool obey_segment(struct peers_wire *w, const char *line)
{
	struct peers_segment s;
	char what[10], flags[5];

	if (!w->tcp ||
	    sscanf(line, "segment %9s %4s %u %u %u", what, flags, &s.seq, &s.ack, &s.bytes) != 5 ||
	    s.bytes > MOST_BYTES)
		return false;
	s.flags = flags_of(flags);
	peers_put_segments(w, way_of(w, what), &s);
	puts("{}");
	return true;
}

static int obey(struct peers_wire *w, const char *line)
{
	static struct told told[2];
	struct measure m;
	char what[10];
	unsigned n;

	if (!strcmp(line, "learn\n")) {
		peers_learn(w);
		puts("{}");
	} else if (sscanf(line, "send %9s %u %u %u %u", what, &m.frames, &m.tries, &m.ahead,
			  &m.window) == 5 &&
		   m.window) {
		measure(w, way_of(w, what), &m);
	} else if (sscanf(line, "settle %9s", what) == 1) {
		settle(way_of(w, what), &told[*what == 'r']);
	} else if (sscanf(line, "port %u", &n) == 1) {
		w->requests.bpf->data->client_port = w->answers.bpf->data->client_port = n;
		puts("{}");
	} else if (sscanf(line, "echo %u %u", &n, &m.tries) == 2 && n <= PEERS_STAMPS) {
		echo(w, n, m.tries);
	} else if (!obey_segment(w, line)) {
		fprintf(stderr, "bench_peers: what is '%s'?\n", line);
		return -EINVAL;
	}
	fflush(stdout);
	return 0;
}

static unsigned number(const char *text, unsigned least, unsigned most)
{
	unsigned long n = strtoul(text, NULL, 10);

	if (n < least || n > most)
		peers_fail(text, ERANGE);
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	static struct peers_wire w;
	char line[128];

	if (argc != ARGUMENTS) {
		fprintf(stderr, "usage: bench_peers CLIENT_NETNS INTERFACE MAC EDGE_NETNS "
				"INTERFACE MAC xdp|tc udp|tcp FLOWS LENGTH TTL\n");
		return 2;
	}
	peers_side_open(&w.client, argv[1], argv[2], argv[3]);
	peers_side_open(&w.edge, argv[4], argv[5], argv[6]);
	w.tc = !strcmp(argv[7], "tc");
	w.tcp = !strcmp(argv[8], "tcp");
	w.flows = number(argv[9], 1, PEERS_FLOWS);
	w.length = number(argv[10], PEERS_HEAD, PEERS_MAX_FRAME);
	w.ttl = number(argv[11], 1, 64);
	peers_wire_open(&w);
	puts("{}");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (obey(&w, line))
			return 2;
	}
	return 0;
}
