/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the engine's server: shared by engine_server.c and engine_requests.c, nobody else's. */
#ifndef TURNOUT_ENGINE_CONNECTION_H
#define TURNOUT_ENGINE_CONNECTION_H

#include "engine_capture.h"
#include "engine_census.h"
#include "engine_provoke.h"
#include "engine_region.h"
#include "engine_server.h"
#include "engine_socket.h"

#define TO_CONNECTIONS 8

/* What is under way and will be answered later. A request of 0: nothing. */
struct to_commit_wait {
	uint64_t request;
	uint64_t generation;
	uint64_t began_ns;
	uint64_t told_ns;
};
struct to_census_wait {
	uint64_t request;
	uint64_t serial; /* the first census that began after it */
};
struct to_release_wait {
	uint64_t request;
	struct to_release what;
	struct to_flow_cursor at;
	uint64_t ended; /* in all walks */
	uint64_t found; /* in this walk */
	unsigned walks;
	uint64_t next_ns; /* not before */
};

struct to_connection {
	int fd; /* -1: free */
	bool welcome;
	bool lost;     /* to be closed at the end of the turn */
	bool captures; /* it has asked for a capture, and may ask for nothing else */
	bool paused;   /* nothing is read until what is under way was answered */
	uint64_t since_ns;
	struct to_table *prepared;
	struct to_commit_wait commit;
	struct to_census_wait census;
	struct to_release_wait release;
};

struct to_engine_server {
	struct to_engine engine;
	struct to_engine_socket socket;
	struct to_engine_region region;
	struct to_census *census;
	struct to_engine_capture capture;
	struct to_provoke provoke;
	struct to_connection connection[TO_CONNECTIONS];
	int epoll;
	uint64_t renew_ns;    /* when the region is due */
	union to_message *in; /* the two of them, in one piece */
	union to_message *out;
};

uint64_t to_engine_now_ns(void); /* CLOCK_BOOTTIME */

/* Does what a welcome peer, or one that is not yet, has asked for. `fd` came along, or -1; it is
 * the caller's. */
void to_engine_request(struct to_engine_server *s, struct to_connection *c, int type, int fd);

/* Goes on with what is under way for the connection. */
void to_engine_go_on(struct to_engine_server *s, struct to_connection *c, uint64_t now_ns);
/* When it wants to, CLOCK_BOOTTIME; UINT64_MAX: never. */
uint64_t to_engine_go_on_ns(const struct to_connection *c, uint64_t now_ns);

/* A census has ended: whoever waits for it is told. `error`: 0 or a negative errno. */
void to_engine_census_done(struct to_engine_server *s, int error);

void to_engine_renew(struct to_engine_server *s);

#endif
