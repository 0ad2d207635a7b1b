/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a peer may send to an engine, over a real socket: the engine answers by the protocol or ends
 * the connection; it goes on by a generation that somebody has committed, keeps no descriptor, and
 * welcomes the next peer.
 *
 * The input is messages: a byte with the type (low four bits; 0: CAPTURE_END), whether a right head
 * is put before what follows (bit 4 clear), and which descriptor goes along (bits 5 to 7); a byte
 * with the length of what follows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <turnout/protocol_check.h>
#include <unistd.h>

#include "capture_ring.h"
#include "engine_memfd.h"
#include "engine_server.h"
#include "packet_tables.h"

#define NOW   1000
#define TURNS 64 /* after which a peer is answered, but for a release, which takes its time */

enum descriptor { NONE, NEXT, SAME, GARBAGE, UNSEALED, NO_MEMFD, TWO };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	const struct fuzz_site *site;
	const struct to_table *running;
	struct to_state *state;
	struct to_engine_server *server;
	char path[64];
	uint64_t open; /* descriptors before this input: the fuzzer has some as well */
	unsigned looks;
	struct to_capture_ring *ring; /* NULL: nobody captures */
	unsigned stopping;            /* times more that workers are not through yet */
} world;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const struct to_table *running(void *arg)
{
	(void)arg;
	return world.running;
}

/* The running one is the engine's; the first one is the fuzzer's. */
static int commit(void *arg, struct to_table *t, char *err, size_t err_size)
{
	if (world.looks) {
		snprintf(err, err_size, "not live yet");
		return -EBUSY;
	}
	(void)arg;
	if (world.running != world.site->table[0][FUZZ_ALL_UP])
		free((void *)(uintptr_t)world.running);
	world.running = t;
	world.looks = 3;
	return 0;
}

static bool applied(void *arg, uint64_t worker[TO_PROTOCOL_WORKERS])
{
	(void)arg;
	world.looks -= world.looks > 0;
	worker[0] = world.looks ? 0 : world.running->generation;
	return !world.looks;
}

static int walk(void *arg, struct to_flow_cursor *at, uint32_t kinds, uint32_t most, uint32_t now,
		to_state_visit visit, void *visit_arg)
{
	struct to_state_cursor c = {.table = (uint32_t)at->word[0], .cell = at->word[1]};
	int ret = to_state_walk_on(world.state, &c, kinds, most, NOW, visit, visit_arg);

	(void)arg;
	(void)now;
	*at = (struct to_flow_cursor){{c.table, c.cell, 0, 0}};
	return ret;
}

static int release(void *arg, struct to_flow_cursor *at, uint32_t most, uint32_t now,
		   const struct to_release *what, uint64_t *ended)
{
	struct to_state_cursor c = {.table = (uint32_t)at->word[0], .cell = at->word[1]};
	int ret = to_state_release_on(world.state, &c, most, NOW, what, ended);

	(void)arg;
	(void)now;
	*at = (struct to_flow_cursor){{c.table, c.cell, 0, 0}};
	return ret;
}

static int capture_begin(void *arg, const struct to_capture *what)
{
	(void)arg;
	check(!world.ring);
	world.ring = to_capture_ring_new(what, 0);
	world.stopping = 2;
	return world.ring ? 0 : -ENOMEM;
}

/* Packets of all sorts, some of which most filters take. */
static void capture_some(void)
{
	static uint8_t bytes[3000];
	struct to_frame f = {.data = bytes};

	to_capture_ring_burst(world.ring);
	for (unsigned i = 0; i < 40; i++) {
		struct to_packet k = {.src = {.w = {i, i % 3, 0, i}},
				      .family = i % 2 ? TO_IP4 : TO_NO_FAMILY,
				      .flags = (uint16_t)(i * 4),
				      .now = NOW,
				      .out = {.verdict = i % TO_VERDICT_COUNT,
					      .reason = i % TO_REASON_COUNT,
					      .class = i % TO_CLASS_COUNT,
					      .service = i % 7 ? (uint8_t)(i % 5) : TO_NO_INDEX,
					      .edge = i % 5 ? (uint8_t)(i % 3) : TO_NO_INDEX}};

		f.len = i * 75;
		to_capture_ring_take(world.ring, &k, &f, world.running->generation);
	}
}

static bool capture_drain(void *arg, to_capture_visit visit, void *visit_arg)
{
	const struct to_captured *p;
	bool enough = false;

	(void)arg;
	capture_some();
	while (!enough && (p = to_capture_ring_first(world.ring))) {
		enough = visit(visit_arg, p, (const uint8_t *)(p + 1));
		to_capture_ring_let_go(world.ring);
	}
	return enough;
}

static void capture_count(void *arg, struct to_capture_counts *counts)
{
	(void)arg;
	to_capture_ring_count(world.ring, counts);
}

static bool capture_stop(void *arg)
{
	(void)arg;
	world.stopping -= world.stopping > 0;
	return !world.stopping;
}

static void capture_close(void *arg)
{
	(void)arg;
	to_capture_ring_free(world.ring);
	world.ring = NULL;
}

static void fill(void *arg, struct to_region *r)
{
	(void)arg;
	r->events[0]++;
}

static void add_entries(void)
{
	struct to_worker_state *ws = to_state_worker(world.state, 0);

	for (uint32_t i = 0; i < 300; i++) {
		struct to_key6 wide = {.client.w = {i, i, i, i}, .vip = (uint8_t)i};
		struct to_entry e = {.expires = NOW + 50, .edge = i % 3, .service = i % 5};
		struct to_key key = {{i, i << 16, i % 7}};
		enum to_entry_kind kind = i % TO_ENTRY_KIND_COUNT;
		const void *k = kind == TO_PIN6 ? (const void *)&wide : &key;

		to_state_add_proven(ws, kind, k, to_state_hash(ws, kind, k), &e, NOW);
	}
}

/* A bit for each. */
static uint64_t open_descriptors(void)
{
	uint64_t open = 0;

	for (int fd = 0; fd < 64; fd++)
		open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return open;
}

/* The fuzzer has come to its end. */
static void end_world(void)
{
	char lock[sizeof(world.path) + 8];

	snprintf(lock, sizeof(lock), "%s.lock", world.path);
	to_engine_server_close(world.server);
	unlink(lock);
}

static void make_world(void)
{
	static const struct to_engine_ops ops = {.running = running,
						 .commit = commit,
						 .applied = applied,
						 .walk = walk,
						 .release = release,
						 .capture_begin = capture_begin,
						 .capture_drain = capture_drain,
						 .capture_count = capture_count,
						 .capture_stop = capture_stop,
						 .capture_close = capture_close,
						 .fill = fill};
	const struct to_engine engine = {
		.ops = &ops, .kind = TO_ENGINE_DPDK, .workers = 1, .slice = 200, .build = "fuzz"};
	struct to_state_config config = {.workers = 1, .now = NOW, .seed = 1};
	char err[512] = "";

	check(fuzz_sites(&world.site) > 0);
	world.running = world.site->table[0][FUZZ_ALL_UP];
	to_state_sizes(&config, 1, 512);
	check(to_state_open(NULL, &config, &world.state, err, sizeof(err)) == 0);
	add_entries();
	snprintf(world.path, sizeof(world.path), "/tmp/turnout-fuzz-%d.sock", (int)getpid());
	if (to_engine_server_open(&world.server, &engine, world.path, NULL, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	atexit(end_world);
}

static int connect_peer(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, world.path, sizeof(world.path));
	check(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	to_engine_server_turn(world.server);
	return fd;
}

/* One answer, checked; its descriptor is closed. 0: there is none; -1: the end. */
static int read_answer(int peer)
{
	static union to_message m;
	char room[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec io = {&m, sizeof(m)};
	struct msghdr h = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = sizeof(room)};
	ssize_t n = recvmsg(peer, &h, MSG_DONTWAIT);
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&h) : NULL;
	unsigned descriptors = 0;
	int fd;

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	if (c) {
		check(c->cmsg_len == CMSG_LEN(sizeof(fd)));
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		close(fd);
		descriptors = 1;
	}
	check(to_message_check(&m, (size_t)n, descriptors, TO_FROM_ENGINE) > 0);
	return m.head.type;
}

static int memfd_of(const void *bytes, size_t size, int seals)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	check(fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

/* The stages of a site have numbers that grow; the running one is among them, or none is left. */
static const struct to_table *next_table(void)
{
	for (unsigned i = 0; i < world.site->stages; i++) {
		if (world.site->table[i][FUZZ_ALL_UP]->generation > world.running->generation)
			return world.site->table[i][FUZZ_ALL_UP];
	}
	return world.running;
}

static int make_descriptor(enum descriptor which, const uint8_t *body, size_t size)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

	switch (which) {
	case NEXT:
	case TWO:
		return to_memfd_of_table(next_table());
	case SAME:
		return to_memfd_of_table(world.running);
	case GARBAGE:
		return memfd_of(body, size, seals);
	case UNSEALED:
		return memfd_of(world.running, world.running->size, F_SEAL_GROW);
	case NO_MEMFD:
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	default:
		return -1;
	}
}

static void send_bytes(int peer, const void *bytes, size_t size, int fd, unsigned copies)
{
	char room[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec io = {(void *)(uintptr_t)bytes, size};
	struct msghdr h = {.msg_iov = &io, .msg_iovlen = 1};
	int fds[2] = {fd, fd};

	if (fd >= 0) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)room;

		h.msg_control = room;
		h.msg_controllen = CMSG_SPACE(copies * sizeof(int));
		c->cmsg_len = CMSG_LEN(copies * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(c), fds, copies * sizeof(int));
	}
	sendmsg(peer, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What most messages have, so that what is behind it is met. */
static size_t complete(union to_message *m, uint8_t type, const uint8_t *body, size_t size)
{
	memset(m, 0, sizeof(m->head) + sizeof(m->hello));
	m->head = (struct to_message_head){
		.type = type, .size = (uint32_t)(sizeof(m->head) + size), .request = 1};
	if (size)
		memcpy(m->bytes + sizeof(m->head), body, size);
	if (type == TO_MSG_HELLO && !size) {
		m->hello.magic = TO_PROTOCOL_MAGIC;
		m->hello.version = TO_PROTOCOL_VERSION;
		m->head.size = sizeof(m->hello);
	} else if (type == TO_MSG_COMMIT && !size) {
		m->commit.generation = next_table()->generation;
		m->head.size = sizeof(m->commit);
	} else if (type == TO_MSG_CAPTURE && !size) {
		const struct to_msg_capture ask = {.head = m->head,
						   .filter = {.sample = 1, .proto = TO_NO_INDEX},
						   .most = 100,
						   .rate = 1000,
						   .seconds = 1,
						   .snap = 2048};

		m->capture = ask;
		m->head.size = sizeof(m->capture);
	}
	return m->head.size;
}

static void send_one(int peer, uint8_t how, const uint8_t *body, size_t size)
{
	static union to_message m;
	enum descriptor which = (enum descriptor)(how >> 5);
	int fd = make_descriptor(which, body, size);

	uint8_t type = how & 15 ? how & 15 : TO_MSG_CAPTURE_END;

	if (which == GARBAGE)
		size = 0;
	if (how & 16)
		send_bytes(peer, body, size, fd, which == TWO ? 2 : 1);
	else
		send_bytes(peer, &m, complete(&m, type, body, size), fd, which == TWO ? 2 : 1);
	if (fd >= 0)
		close(fd);
}

static void read_all(int peer)
{
	for (unsigned turns = 0; turns < TURNS; turns++) {
		int type = read_answer(peer);

		if (type < 0)
			return;
		if (type == 0)
			to_engine_server_turn(world.server);
	}
}

/* What a peer had sent before it went is done, or fails, a message a turn. */
static void end_peer(int peer)
{
	close(peer);
	for (unsigned turns = 0; turns < TURNS && open_descriptors() != world.open; turns++)
		to_engine_server_turn(world.server);
	check(open_descriptors() == world.open);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int peer;

	if (!world.server)
		make_world();
	world.open = open_descriptors();
	peer = connect_peer();
	while (size >= 2) {
		size_t n = data[1] < size - 2 ? data[1] : size - 2;

		send_one(peer, data[0], data + 2, n);
		data += 2 + n;
		size -= 2 + n;
		to_engine_server_turn(world.server);
		if (size % 2) /* now and then a peer reads in time */
			read_all(peer);
	}
	read_all(peer);
	end_peer(peer);
	peer = connect_peer();
	send_one(peer, TO_MSG_HELLO, NULL, 0);
	to_engine_server_turn(world.server);
	check(read_answer(peer) == TO_MSG_WELCOME);
	end_peer(peer);
	check(to_engine_server_timeout(world.server) <= 1000);
	check(!world.ring);
	return 0;
}
