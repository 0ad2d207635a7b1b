/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library behind a pipe, for test_hops.py: commands come in by lines, and what is reported goes
 * out as a line of JSON each. An answer to a command follows what the command itself has reported.
 *
 *   hops_watch [MILLISECONDS BETWEEN TICKS]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <dataplane/hops.h>

#define WORDS 6

struct session {
	struct to_hops *hops;
	bool held; /* notifications are left where they are */
	int tick_ms;
	struct timespec next_tick;
};

static const char *mac_text(const uint8_t m[6], char out[18])
{
	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	return out;
}

static const char *address_text(const union to_addr *a, char out[INET6_ADDRSTRLEN])
{
	if (to_addr_is_v4(a))
		inet_ntop(AF_INET, &a->w[3], out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a, out, INET6_ADDRSTRLEN);
	return out;
}

static const char *state_name(enum to_hop_state state)
{
	static const char *const names[] = {
#define NAME(name, text) #name,
		TO_HOP_STATES(NAME)
#undef NAME
	};

	return names[state];
}

static void on_hop(void *arg, uint32_t id, const struct to_hop *hop)
{
	char own[18], mac[18], next[INET6_ADDRSTRLEN];

	(void)arg;
	printf("{\"hop\": %u, \"state\": \"%s\", \"next\": \"%s\", \"ifindex\": %u, \"mtu\": %u, "
	       "\"own\": \"%s\", \"mac\": \"%s\"}\n",
	       id, state_name(hop->state), address_text(&hop->next, next), hop->ifindex, hop->mtu,
	       mac_text(hop->own, own), mac_text(hop->mac, mac));
}

static void on_link(void *arg, const struct to_link *l)
{
	char mac[18];

	(void)arg;
	printf("{\"link\": \"%s\", \"ifindex\": %u, \"mtu\": %u, \"mac\": \"%s\", \"up\": %s, "
	       "\"gone\": %s, \"ethernet\": %s, \"vlan\": %u, \"lower\": %u}\n",
	       l->name, l->ifindex, l->mtu, mac_text(l->mac, mac), l->up ? "true" : "false",
	       l->gone ? "true" : "false", l->ethernet ? "true" : "false", l->vlan, l->lower);
}

static void read_address(const char *text, union to_addr *out)
{
	to_be32 v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		*out = to_addr_v4(v4);
	else if (inet_pton(AF_INET6, text, out) != 1)
		exit(2);
}

static void read_mac(const char *text, uint8_t out[6])
{
	for (int i = 0; i < 6; i++)
		out[i] = (uint8_t)strtoul(text + 3 * (size_t)i, NULL, 16);
}

/* watch ID routed|neighbour|fixed|default ADDRESS|MAC|4|6 [INTERFACE] */
static int watch(struct to_hops *h, char *const word[WORDS])
{
	struct to_hop_wanted w = {0};

	if (!word[1] || !word[2] || !word[3])
		return -EINVAL;
	if (strcmp(word[2], "fixed") == 0) {
		w.kind = TO_HOP_FIXED;
		read_mac(word[3], w.mac);
	} else if (strcmp(word[2], "default") == 0) {
		w.kind = TO_HOP_DEFAULT;
		w.family = *word[3] == '4' ? TO_IP4 : TO_IP6;
	} else {
		w.kind = *word[2] == 'n' ? TO_HOP_NEIGHBOUR : TO_HOP_ROUTED;
		read_address(word[3], &w.address);
	}
	if (word[4])
		strncpy(w.interface, word[4], sizeof(w.interface) - 1);
	return to_hops_watch(h, (uint32_t)strtoul(word[1], NULL, 10), &w);
}

static int resize(struct to_hops *h, const char *bytes)
{
	int size = (int)strtol(bytes, NULL, 10);

	return setsockopt(to_hops_fd(h), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0
		       ? -errno
		       : 0;
}

static int command(struct session *s, char *const word[WORDS])
{
	if (strcmp(word[0], "watch") == 0)
		return watch(s->hops, word);
	if (word[1] && strcmp(word[0], "unwatch") == 0)
		return to_hops_unwatch(s->hops, (uint32_t)strtoul(word[1], NULL, 10));
	if (word[1] && strcmp(word[0], "buffer") == 0)
		return resize(s->hops, word[1]);
	if (strcmp(word[0], "process") == 0)
		return to_hops_process(s->hops);
	if (strcmp(word[0], "tick") == 0)
		return to_hops_tick(s->hops);
	s->held = strcmp(word[0], "hold") == 0;
	return 0;
}

static bool run_line(struct session *s)
{
	struct to_hops_counters count;
	char line[256], *word[WORDS] = {0};
	int ret;

	if (!fgets(line, sizeof(line), stdin))
		return false;
	word[0] = strtok(line, " \n");
	for (int i = 1; i < WORDS && word[i - 1]; i++)
		word[i] = strtok(NULL, " \n");
	if (!word[0])
		return true;
	ret = command(s, word);
	count = to_hops_count(s->hops);
	printf("{\"done\": \"%s\", \"ret\": %d, \"events\": %llu, \"overruns\": %llu, "
	       "\"lookups\": %llu, \"solicited\": %llu, \"malformed\": %llu}\n",
	       word[0], ret, (unsigned long long)count.events, (unsigned long long)count.overruns,
	       (unsigned long long)count.lookups, (unsigned long long)count.solicited,
	       (unsigned long long)count.malformed);
	return true;
}

/* Milliseconds until the next tick, at least 0; -1: there is none. */
static int until_tick(const struct session *s)
{
	struct timespec now;
	int64_t ms;

	if (!s->tick_ms)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (int64_t)(s->next_tick.tv_sec - now.tv_sec) * 1000 +
	     (s->next_tick.tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

static void tick(struct session *s)
{
	clock_gettime(CLOCK_MONOTONIC, &s->next_tick);
	s->next_tick.tv_nsec += s->tick_ms * 1000000L;
	s->next_tick.tv_sec += s->next_tick.tv_nsec / 1000000000L;
	s->next_tick.tv_nsec %= 1000000000L;
	to_hops_tick(s->hops);
}

int main(int argc, char **argv)
{
	static const struct to_hops_callbacks callbacks = {.hop = on_hop, .link = on_link};
	struct session s = {.tick_ms = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0};
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	char err[256];

	/* A line at a time both ways: poll() does not see what stdio has read ahead. */
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (to_hops_open(&s.hops, &callbacks, NULL, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &s.next_tick);
	for (;;) {
		fds[1].fd = s.held ? -1 : to_hops_fd(s.hops);
		if (poll(fds, 2, until_tick(&s)) < 0)
			break;
		if (fds[1].revents)
			to_hops_process(s.hops);
		if (fds[0].revents && !run_line(&s))
			break;
		if (until_tick(&s) == 0)
			tick(&s);
	}
	to_hops_close(s.hops);
	return 0;
}
