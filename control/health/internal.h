/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the health checks know of each other. */
#ifndef TURNOUT_HEALTH_INTERNAL_H
#define TURNOUT_HEALTH_INTERNAL_H

#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "health.h"
#include "plan.h"
#include "sip_options.h"
#include "stun_binding.h"

#define TO_HEALTH_SOCKETS 256
#define TO_NO_PAIR        UINT16_MAX

struct bufferevent;

/* One question to one address. */
struct to_target {
	to_plan_name edge;
	to_plan_name service;
	char fqdn[TO_PLAN_MAX_FQDN + 1]; /* for SNI; empty: none */
	union to_addr addr;
	uint32_t mark;
	uint16_t port;
	uint8_t probe;     /* enum to_probe */
	uint8_t transport; /* enum to_transport */
	bool not_the_vip;  /* of an l2 or ipip edge its own address is asked */
};

/* A probe under way. */
struct to_attempt {
	int fd; /* -1: none, or the bufferevent's */
	struct event *io;
	struct bufferevent *stream;
	struct to_sip_question sip;
	struct to_stun_question stun;
	unsigned others;        /* datagrams that were no answer */
	bool presented;         /* the peer has shown a certificate */
	bool wants_certificate; /* the peer has asked for ours */
};

struct to_check {
	struct to_health *health;
	const struct to_check_set *owner;
	struct to_target target;
	struct to_plan_check times;
	uint16_t pair;    /* in the owner's */
	uint8_t state;    /* enum to_check_state */
	uint8_t in_a_row; /* how many probes have ended like the last one */
	bool good;        /* it did well */
	bool fresh;       /* belongs to a set that is not in use yet */
	bool waiting;     /* for a slot */
	bool slot;        /* has one */
	bool under_way;
	uint64_t began; /* milliseconds, monotonic */
	uint64_t at;    /* to_health_check */
	char message[256];
	struct event *timer; /* the next probe, or the end of this one */
	struct to_attempt attempt;
	struct to_health_certificate *certificate; /* NULL: none seen */
	TAILQ_ENTRY(to_check) queue;
};

/* The checks of one service at one edge: a run of the set's. */
struct to_pair {
	uint8_t edge;
	uint8_t service;
	uint8_t told; /* enum to_check_state */
	uint32_t first;
	uint32_t count;
};

/* Everything that one plan wants checked. */
struct to_check_set {
	uint32_t edges, services, pairs, checks;
	to_plan_name edge[TO_MAX_EDGES];
	to_plan_name service[TO_MAX_SERVICES];
	uint16_t pair_at[TO_MAX_EDGES][TO_MAX_SERVICES]; /* or TO_NO_PAIR */
	struct to_pair *pair;
	struct to_check **check;
};

struct to_health {
	struct event_base *base;
	to_health_changed *changed;
	void *context;
	SSL_CTX *tls;
	bool verifies;
	bool has_source[2];
	union to_addr source[2];
	unsigned most;  /* slots */
	unsigned taken; /* of them */
	TAILQ_HEAD(, to_check) waiting;
	struct to_check_set *set;
};

/* How a probe ended. */
enum to_outcome {
	TO_GOOD,
	TO_BAD,
	TO_NOT_ASKED, /* our own fault: it says nothing about the edge */
};

/* targets.c: what is asked for a service at an edge; how many of `out` are filled. */
unsigned to_targets(const struct to_plan *plan, uint32_t edge, uint32_t service,
		    struct to_target out[TO_MAX_VIPS]);

/* set.c */
int to_set_make(struct to_health *health, const struct to_plan *plan, struct to_check_set **out);
void to_set_use(struct to_health *health, struct to_check_set *set, const struct to_plan *plan);
void to_set_free(struct to_check_set *set);

/* check.c: when a check asks, and what comes of it. */
struct to_check *to_check_make(struct to_health *health, const struct to_target *target);
void to_check_free(struct to_check *check);
/* Anywhere within the next interval. */
void to_check_spread(struct to_check *check);
/* Ends the probe; the check must not be touched by the caller after that. */
void to_check_done(struct to_check *check, enum to_outcome outcome, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
uint8_t to_pair_state(const struct to_check_set *set, const struct to_pair *pair);
void to_pair_get(const struct to_check_set *set, const struct to_pair *pair,
		 struct to_health_check *out);
void to_pair_tell(struct to_health *health, struct to_pair *pair);

/* probe.c: from a socket to a connection. May end in to_check_done(). */
void to_probe_begin(struct to_check *check);
/* Ends it by the errno of a system call: the edge's fault, or our own. */
void to_probe_failed(struct to_check *check, int err);
/* Gives back what the probe has; to_check_done() does so. */
void to_probe_end(struct to_check *check);

/* probe_datagram.c, probe_stream.c: from there to an answer, likewise. */
void to_probe_datagram(struct to_check *check);
void to_probe_stream(struct to_check *check);
SSL_CTX *to_probe_tls(struct to_health *health);

/* address.c: "192.0.2.1:443", "[2001:db8::1]:443". */
#define TO_ENDPOINT 56
void to_endpoint_text(const union to_addr *addr, uint16_t port, char out[TO_ENDPOINT]);
socklen_t to_endpoint_socket(const union to_addr *addr, uint16_t port,
			     struct sockaddr_storage *out);
/* The socket's own end; false: it has none. */
bool to_endpoint_local(int fd, char out[TO_ENDPOINT]);

/* certificate.c */
void to_certificate_see(struct to_check *check, X509 *x, const char *trouble);

#endif
