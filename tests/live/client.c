/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "flow.h"
#include "number.h"

#define EVENTS      64
#define TICK_MS     5
#define KINDS       4
#define VIPS        8
#define MAX_FLOWS   16384
#define SHORT_ASKS  2
#define FRESH_FLOWS 12 /* TCP and UDP, of each VIP, that a mark waits for */
#define LINE        256

/* What is opened: at most so many, at a rate. */
struct kind {
	const char *name;
	int type;
	bool held;
	uint64_t most, rate; /* rate: a second */
	uint64_t opened, over;
	uint64_t asked, answered;
};

struct vip {
	union live_address to[2]; /* TCP, UDP */
	union live_address first; /* the first client's address */
	uint64_t opened;
	uint32_t fresh[2]; /* opened and answered since the mark: TCP, UDP */
};

struct client {
	struct kind kind[KINDS];
	struct vip vip[VIPS];
	unsigned vips;
	uint64_t clients;
	struct live_turn turn;
	uint64_t start;
	uint32_t phase;
	bool ending;
	int epoll;
	uint64_t broken, ids;
	struct live_flow *flow[MAX_FLOWS];
	uint8_t flow_kind[MAX_FLOWS], flow_vip[MAX_FLOWS];
	unsigned flows;
	char command[LINE];
	size_t command_len;
};

static struct client client = {
	.kind = {{.name = "tcp-held", .type = SOCK_STREAM, .held = true},
		 {.name = "tcp-short", .type = SOCK_STREAM},
		 {.name = "udp-held", .type = SOCK_DGRAM, .held = true},
		 {.name = "udp-short", .type = SOCK_DGRAM}},
	.clients = 1000,
	.turn = {.every = 500},
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What a flow has come to, after anything was done with it. */
static void note(struct client *c, unsigned i)
{
	struct live_flow *f = c->flow[i];
	char text[LINE];

	live_flow_print(f, text, sizeof(text));
	if (f->state == LIVE_FLOW_BROKEN) {
		printf("broken %s asked %u answered %u phase %u: %s\n", text, f->asked, f->answered,
		       c->phase, f->why);
		c->broken++;
	}
	if (f->answered && !f->known) {
		f->known = true;
		if (f->begun == c->phase && f->begun == 2 * c->turn.mark)
			c->vip[c->flow_vip[i]].fresh[f->type == SOCK_DGRAM]++;
		printf("flow %s %u %u\n", text, f->begun, c->phase);
	}
}

static void open_flow(struct client *c, unsigned k)
{
	struct kind *kind = &c->kind[k];
	unsigned v = (unsigned)(kind->opened % c->vips), i = c->flows;
	struct vip *vip = &c->vip[v];
	struct live_flow *f = calloc(1, sizeof(*f));
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = f};

	if (!f || i == MAX_FLOWS) {
		printf("broken client: too many flows\n");
		c->broken++;
		free(f);
		return;
	}
	f->type = kind->type;
	f->held = kind->held;
	f->asks = kind->held ? 0 : SHORT_ASKS;
	f->id = ++c->ids;
	f->begun = c->phase;
	f->from = live_address_next(&vip->first, (uint32_t)(vip->opened % c->clients));
	live_flow_open(f, &vip->to[kind->type == SOCK_DGRAM], c->turn.now);
	if (f->state != LIVE_FLOW_BROKEN && epoll_ctl(c->epoll, EPOLL_CTL_ADD, f->fd, &e) < 0)
		live_flow_break(f, strerror(errno));
	c->flow[i] = f;
	c->flow_kind[i] = (uint8_t)k;
	c->flow_vip[i] = (uint8_t)v;
	c->flows++;
	kind->opened++;
	vip->opened++;
}

static void remove_flow(struct client *c, unsigned i)
{
	struct live_flow *f = c->flow[i];
	struct kind *kind = &c->kind[c->flow_kind[i]];

	kind->over += f->state == LIVE_FLOW_OVER;
	kind->asked += f->asked;
	kind->answered += f->answered;
	if (f->fd >= 0)
		close(f->fd);
	free(f);
	c->flows--;
	c->flow[i] = c->flow[c->flows];
	c->flow_kind[i] = c->flow_kind[c->flows];
	c->flow_vip[i] = c->flow_vip[c->flows];
}

static void open_flows(struct client *c)
{
	for (unsigned k = 0; k < KINDS; k++) {
		struct kind *kind = &c->kind[k];
		uint64_t due = (c->turn.now - c->start) * kind->rate / 1000;

		while (kind->opened < due && kind->opened < kind->most)
			open_flow(c, k);
	}
}

/* Whether the mark is done: see client.h. */
static bool all_marked(const struct client *c)
{
	for (unsigned v = 0; v < c->vips; v++) {
		if (c->vip[v].fresh[0] < FRESH_FLOWS || c->vip[v].fresh[1] < FRESH_FLOWS)
			return false;
	}
	for (unsigned i = 0; i < c->flows; i++) {
		const struct live_flow *f = c->flow[i];

		if (f->held && f->begun < 2 * c->turn.mark && f->mark < c->turn.mark)
			return false;
	}
	return true;
}

static void tick(struct client *c)
{
	if (!c->ending)
		open_flows(c);
	for (unsigned i = 0; i < c->flows;) {
		struct live_flow *f = c->flow[i];

		live_flow_tick(f, &c->turn);
		note(c, i);
		if (f->state >= LIVE_FLOW_OVER)
			remove_flow(c, i);
		else
			i++;
	}
	if (c->turn.mark && c->phase == 2 * c->turn.mark && all_marked(c)) {
		c->phase++;
		printf("marked %u\n", c->turn.mark);
	}
	fflush(stdout);
}

static int command(struct client *c, const char *line)
{
	uint64_t n;

	if (strcmp(line, "end") == 0) {
		c->ending = true;
		for (unsigned i = 0; i < c->flows; i++)
			live_flow_end(c->flow[i]);
		return 0;
	}
	if (strncmp(line, "mark ", 5) != 0 || !to_number(line + 5, 1, 1u << 20, &n))
		return -EINVAL;
	c->turn.mark = (uint32_t)n;
	c->phase = 2 * c->turn.mark;
	for (unsigned v = 0; v < c->vips; v++)
		c->vip[v].fresh[0] = c->vip[v].fresh[1] = 0;
	return 0;
}

static int read_commands(struct client *c)
{
	ssize_t n = read(STDIN_FILENO, c->command + c->command_len, LINE - 1 - c->command_len);
	char *end;
	int ret = 0;

	if (n <= 0) /* who started us is gone */
		return n < 0 ? -errno : -EPIPE;
	c->command_len += (size_t)n;
	while (ret == 0 && (end = memchr(c->command, '\n', c->command_len))) {
		size_t used = (size_t)(end + 1 - c->command);

		*end = '\0';
		ret = command(c, c->command);
		c->command_len -= used;
		memmove(c->command, end + 1, c->command_len);
	}
	return ret;
}

static int events(struct client *c)
{
	struct epoll_event e[EVENTS];
	int n = epoll_wait(c->epoll, e, EVENTS, TICK_MS), ret = 0;

	c->turn.now = now_ms();
	for (int i = 0; i < n && ret == 0; i++) {
		if (!e[i].data.ptr)
			ret = read_commands(c);
		else
			live_flow_event(e[i].data.ptr, &c->turn);
	}
	return ret;
}

static int run(struct client *c)
{
	struct epoll_event e = {.events = EPOLLIN};
	uint64_t ticked = 0;
	int ret = 0;

	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll < 0 || epoll_ctl(c->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) < 0)
		return -errno;
	c->start = c->turn.now = now_ms();
	while (ret == 0 && !(c->ending && c->flows == 0)) {
		ret = events(c);
		if (c->turn.now >= ticked + TICK_MS) {
			ticked = c->turn.now;
			tick(c);
		}
	}
	return ret;
}

static void report(const struct client *c)
{
	for (unsigned k = 0; k < KINDS; k++) {
		const struct kind *kind = &c->kind[k];

		printf("did %s opened %llu over %llu asked %llu answered %llu\n", kind->name,
		       (unsigned long long)kind->opened, (unsigned long long)kind->over,
		       (unsigned long long)kind->asked, (unsigned long long)kind->answered);
	}
	printf("done %llu broken\n", (unsigned long long)c->broken);
	fflush(stdout);
}

/* KIND,MOST,RATE */
static bool set_kind(struct client *c, char *text)
{
	char *name = strtok(text, ","), *most = strtok(NULL, ","), *rate = strtok(NULL, ",");

	for (unsigned k = 0; name && most && rate && k < KINDS; k++) {
		if (strcmp(c->kind[k].name, name) == 0)
			return to_number(most, 0, 1u << 20, &c->kind[k].most) &&
			       to_number(rate, 0, 100000, &c->kind[k].rate);
	}
	return false;
}

/* VIP,FIRST */
static bool add_vip(struct client *c, char *text, const uint64_t ports[2])
{
	char *to = strtok(text, ","), *first = strtok(NULL, ",");
	struct vip *v = &c->vip[c->vips];

	if (!first || c->vips == VIPS || !live_address_parse(first, 0, &v->first))
		return false;
	c->vips++;
	return live_address_parse(to, (uint16_t)ports[0], &v->to[0]) &&
	       live_address_parse(to, (uint16_t)ports[1], &v->to[1]);
}

static bool options(struct client *c, int argc, char **argv)
{
	static const struct option known[] = {{"open", required_argument, NULL, 'o'},
					      {"every", required_argument, NULL, 'e'},
					      {"clients", required_argument, NULL, 'c'},
					      {0}};
	uint64_t ports[2], every;
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'o') {
			good = set_kind(c, optarg);
		} else if (option == 'e') {
			good = to_number(optarg, 1, 60000, &every);
			c->turn.every = (uint32_t)every;
		} else {
			good = option == 'c' && to_number(optarg, 1, 60000, &c->clients);
		}
	}
	if (!good || argc - optind < 3 || !to_number(argv[optind], 1, 65535, &ports[0]) ||
	    !to_number(argv[optind + 1], 1, 65535, &ports[1]))
		return false;
	for (int i = optind + 2; good && i < argc; i++)
		good = add_vip(c, argv[i], ports);
	return good;
}

int live_client_main(int argc, char **argv)
{
	struct client *c = &client;
	int ret;

	if (!options(c, argc, argv)) {
		fprintf(stderr, "client: bad arguments; see client.h\n");
		return 2;
	}
	ret = run(c);
	report(c);
	if (ret < 0)
		fprintf(stderr, "client: %s\n", strerror(-ret));
	return ret < 0 || c->broken ? 1 : 0;
}
