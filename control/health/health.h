/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Health checks: the edges of a plan are asked, on the caller's event loop and never blocking it,
 * whether they serve their services (docs/plan.md, "Health checks"). What becomes of an edge's
 * state is the caller's alone.
 *
 * All functions are called on the event loop's thread. The process ignores SIGPIPE: a peer that
 * goes away while it is written to would end it.
 */
#ifndef TURNOUT_HEALTH_H
#define TURNOUT_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnout/types.h>

struct event_base;
struct to_plan;
struct to_health;

enum to_check_state {
	TO_CHECK_UNKNOWN, /* not asked yet, or not often enough to say */
	TO_CHECK_UP,
	TO_CHECK_DOWN,
};

/* The check of one service at one edge, and what it said last. It is up when each address that is
 * asked for it is, and down when one of them is. The texts are the checks' own, and good until the
 * event loop goes on. */
struct to_health_check {
	uint8_t edge; /* in the plan, likewise the service */
	uint8_t service;
	uint8_t state; /* enum to_check_state, after as many probes as the check wants */
	uint64_t at;   /* seconds since 1970 of the last answer, or of its time-out; 0: none yet */
	const char *kind;    /* "tcp", "tls" ... */
	const char *message; /* for a person: "192.0.2.10:443: Connection refused" */
};

/* `check` is up or down, and was not when it was last told of. Once for each change; never of the
 * message alone. Must not close the checks, nor give them another plan. */
typedef void to_health_changed(void *context, const struct to_health_check *check);

/*
 * Begins to check every edge of the plan. Each check begins as unknown; nothing is called before
 * the loop runs. The plan is not kept. Negative errno: no checks run, *out is NULL.
 */
int to_health_open(struct event_base *base, const struct to_plan *plan, to_health_changed *changed,
		   void *context, struct to_health **out);
void to_health_close(struct to_health *health);

/*
 * Goes on with another plan, by whose indices edges and services are named from now on. What asks
 * the same address the same question for the same edge and service (by name) keeps its state and
 * its place in time; its interval, time-out and counts are the new plan's. Calls `changed` where
 * the verdict of what is left differs from what was told; a service that is not checked any more is
 * not told of. Negative errno: everything stays as it was.
 */
int to_health_plan(struct to_health *health, const struct to_plan *plan);

/* How many checks there are, and each of them (i below the count). NULL has none. */
unsigned to_health_count(const struct to_health *health);
void to_health_get(const struct to_health *health, unsigned i, struct to_health_check *out);

/*
 * The edge as a whole (enum to_check_state): down when one of its checks is, up when all are.
 * `message` gets which are not up, and why; it is empty when none is to be named. An edge without
 * checks is unknown for ever, and the message says so.
 */
uint8_t to_health_edge(const struct to_health *health, unsigned edge, char *message, size_t size);

/* Later probes of its family leave from this address of the host's, not from where routes say. */
void to_health_source(struct to_health *health, const union to_addr *source);

/* At most so many sockets at a time (256 unless told); the others wait for their turn. At least 1.
 */
void to_health_sockets(struct to_health *health, unsigned most);

/* Verifies the chains of later handshakes against the CA certificates of a PEM file. What comes of
 * that is written down and changes no verdict. -EINVAL: it holds none. Blocks while it is read. */
int to_health_trust(struct to_health *health, const char *file);

/* What a peer's certificate said of itself in the last handshake. Nothing of it is trusted. */
struct to_health_certificate {
	uint8_t sha256[32]; /* of the DER */
	char address[56];   /* who presented it: "192.0.2.10:443" */
	char subject[256];  /* RFC 2253; longer ones are cut */
	char names[1024];   /* subjectAltName: "DNS:a.example, IP:192.0.2.1"; likewise */
	int64_t not_before; /* seconds since 1970, UTC */
	int64_t not_after;
	uint64_t at;         /* when it was seen, likewise */
	bool named;          /* it is good for `fqdn` */
	bool trusted;        /* the chain leads to a CA of to_health_trust() */
	char fqdn[256];      /* the pool's name of this address; empty: the plan has none */
	const char *trouble; /* why it is not trusted */
};

/*
 * The certificate of the nth address that is asked by TLS for this service of this edge.
 * -ENOENT: there is no such address. -EAGAIN: none was seen yet. *out is good until the event loop
 * goes on.
 */
int to_health_certificate(const struct to_health *health, unsigned edge, unsigned service,
			  unsigned n, const struct to_health_certificate **out);

#endif
