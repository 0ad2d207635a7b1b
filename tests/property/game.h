/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One schedule as it is played: the site, the engine, what the test knows of every flow, and what
 * it therefore expects of the next packet.
 */
#ifndef TESTS_GAME_H
#define TESTS_GAME_H

#include "hold.h"
#include "rig.h"
#include "schedule.h"
#include "world.h"

struct flow;
struct game;

/* What the engine did with a frame. */
struct outcome {
	const struct frame_spec *in;
	const struct to_frame *out;
	uint32_t in_len;
};

/* A kind of flow: writes its next packet, if it has one now; then judges what became of it. */
struct flow_kind {
	const char *name;
	bool (*step)(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s);
	void (*done)(struct game *g, struct flow *f, const struct outcome *o);
};

/* The bits of 5.2, by side: 0 the client's, 1 the edge's. */
struct tcp_book {
	bool fin[2];
	bool rst;
	bool seen[2];
	bool opening; /* opened by an edge, and not answered yet */
};

struct flow {
	const struct game *game;
	const struct flow_kind *kind;
	int index;
	int service;
	int client;
	int family;
	uint16_t client_port;
	uint16_t vip_port;
	union to_addr vip;
	bool off;     /* nothing is expected of it any more: no further packets */
	bool decided; /* by steps 8 to 11: counts in affinity */
	struct hold hold;
	struct tcp_book tcp;      /* of the proven pin */
	struct tcp_book tcp_next; /* of the unproven one */
	uint32_t epoch;           /* of the affinity that it joined */
	uint32_t mark;            /* when it last renewed its client's affinity */
	int act;                  /* what the packet on its way is; the kind's own */
	int act_edge;             /* who sends it */
	uint32_t packets;

	/* SIP: `hold` is the dialog */
	struct hold transaction;
	uint32_t calls;     /* Call-IDs so far */
	uint32_t branches;  /* likewise */
	uint32_t strangers; /* the last call that somebody else has meddled with */
	bool established, ended, other_id;
	uint8_t method, edge_method;
	uint32_t edge_branches;
	uint16_t status;
	int from; /* the client who sends */

	/* TURN */
	struct hold owner;
	uint32_t lifetime;
	bool remembers; /* the pin knows its relayed port */

	/* fragments */
	uint32_t next; /* of the datagram: where the next one begins; 0: none is on its way */
	uint32_t datagram;
	uint16_t datagram_len;
	uint8_t first_verdict;
	int first_edge;
	uint32_t first_until;

	/* relayed: the TURN flow */
	struct flow *relay;
};

struct affinity_book {
	uint32_t edges; /* a bit for each that ever answered the client in this group */
	bool tainted;   /* one of them was retired meanwhile */
	uint32_t sure;  /* until then it lives for certain */
	uint32_t epoch; /* counts the times that it may have been begun anew */
};

/* What a probe of a client has shown. */
struct probe_book {
	int legacy_at; /* 1 + the highest share at which the client still went to legacy; or 0 */
	int new_at;    /* 1 + the lowest one at which it went to new; or 0 */
	uint32_t last;
	uint32_t count;
	int edge[MAX_STAGES][16]; /* 1 + edge, by stage and which edges are up; a few of them */
	uint32_t up[MAX_STAGES][16];
};

struct game {
	const struct schedule *schedule;
	struct world *w;
	struct rig rig;
	struct to_plan *plan;
	uint32_t now;
	int stage;
	uint8_t state[MAX_EDGES];
	bool roomy; /* no unproven entry is ever displaced */
	struct flow flow[MAX_FLOWS];
	struct affinity_book affinity[MAX_CLIENTS][MAX_GROUPS];
	uint32_t zero_since[MAX_CLIENTS + MAX_PROBES][MAX_SERVICES][2];
	struct probe_book probe[MAX_PROBES][MAX_SERVICES];
	uint32_t datagram; /* identification of the next */
	FILE *trace;
	bool failed;
	uint32_t event;
	char why[400];
};

/* The first failure counts. */
void game_fail(struct game *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* check.c: whole expectations; each fails the game when the engine did otherwise. */
bool check_steer(struct game *g, const struct outcome *o, int service, int edge, int reason);
/* A new decision for a packet to a VIP. Returns the edge, or NONE when it was rightly dropped. */
int check_new(struct game *g, const struct outcome *o, int service, int client, bool midflow);
bool check_reply(struct game *g, const struct outcome *o, int edge, const union to_addr *vip);
/* A later fragment of what an edge sends; `vip` NULL: unchanged. */
bool check_reply_fragment(struct game *g, const struct outcome *o, int verdict, int edge,
			  const union to_addr *vip);
/* It leaves with the VIP as its source, as a flow that the edge opens. */
bool check_opened(struct game *g, const struct outcome *o, int edge, const union to_addr *vip);
bool check_unchanged(struct game *g, const struct outcome *o, int edge);
bool check_dropped(struct game *g, const struct outcome *o, int reason);
/* The segment was not steered, and what left is the RST that answers it: 5.4. */
bool check_reset(struct game *g, const struct outcome *o, int edge);
bool check_owner(struct game *g, const struct outcome *o, int edge);
const char *reason_name(int reason);

/* affinity.c */
void affinity_proved(struct game *g, struct flow *f);
void affinity_packet(struct game *g, struct flow *f);
void affinity_closed(struct game *g, struct flow *f);
void affinity_retired(struct game *g, int edge);
/* It may be that this edge has answered the client: nothing more is certain. */
void affinity_doubt(struct game *g, int client, int service, int edge);
/* The edge that affinity must name for the client, NONE: none for certain. */
int affinity_must(const struct game *g, int service, int client);
/* May it name this one? */
bool affinity_may(const struct game *g, int service, int client, int edge);

/* pin.c: flows that have a pin. */
void pin_client_packet(struct game *g, struct flow *f, const struct outcome *o, bool begins);
/* Returns whether it was an answer. */
bool pin_edge_packet(struct game *g, struct flow *f, const struct outcome *o);
/* A random edge that has nothing to do with the flow, or NONE. */
int pin_stranger(struct game *g, const struct flow *f, uint32_t dice);
bool tcp_closing(const struct tcp_book *t);

/* Frames from and to the ends of a flow. */
void flow_from_client(const struct game *g, const struct flow *f, struct frame_spec *s);
void flow_from_edge(const struct game *g, const struct flow *f, int edge, struct frame_spec *s);
bool flow_is_dnat(const struct game *g, int edge);

/* The relayed port of a TURN flow; 0: its VIP has no service that media could reach. */
uint16_t turn_relayed_port(const struct game *g, const struct flow *f);

/* Gives each flow of the schedule its kind, its ends and its ports. */
void flows_generate(struct game *g, struct random *r);
extern const struct flow_kind flow_tcp, flow_udp, flow_sip, flow_turn, flow_peer, flow_fragments,
	flow_opened;

/* trace.c: for people. */
void trace_event(struct game *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace_packet(struct game *g, const char *who, const struct outcome *o);

/* probe.c */
bool probe_step(struct game *g, uint32_t dice, struct frame_spec *s);
void probe_done(struct game *g, uint32_t dice, const struct outcome *o);

/* Plays the schedule's events; true when everything was as expected. */
bool game_play(struct game *g, const struct schedule *schedule, enum rig_fault fault, FILE *trace);

#endif
