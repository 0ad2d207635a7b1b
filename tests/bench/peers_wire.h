/* SPDX-License-Identifier: BSD-3-Clause */
/* A gateway's two neighbours, as BPF programs that send frames of flows, and judge what comes. */
#ifndef TURNOUT_BENCH_PEERS_WIRE_H
#define TURNOUT_BENCH_PEERS_WIRE_H

#include <stdbool.h>

#include "peers.h"
#include "peers.skel.h"

struct peers_side {
	int netns;
	unsigned ifindex;
	unsigned char to[6]; /* the MAC that frames are sent to */
};

/* From one side to the other. */
struct peers_way {
	struct peers_bpf *bpf;
	const struct peers_side *from, *at;
};

struct peers_wire {
	struct peers_side client, edge;
	struct peers_way requests, answers;
	bool direct;     /* no gateway in between: what is sent is what has to come */
	bool tc;         /* frames that come are judged by tc instead of XDP */
	bool tcp;        /* not UDP */
	unsigned ttl;    /* that frames have to come with */
	unsigned flows;  /* up to PEERS_FLOWS */
	unsigned length; /* of a frame, without its checksum; up to PEERS_MAX_FRAME */
	unsigned char frame[PEERS_MAX_FRAME];
};

/* All of these end the process with a message when something is not there. */
void peers_fail(const char *what, int error);
void peers_side_open(struct peers_side *s, const char *netns, const char *interface,
		     const char *mac);
/* Both sides are open, and what follows them in the struct is set. */
void peers_wire_open(struct peers_wire *w);
/* A frame of TCP; its sequence numbers are those after a SYN of 0 from each side. */
struct peers_segment {
	unsigned flags; /* as in the header: TCP_FLAG_SYN ... */
	unsigned seq, ack;
	unsigned bytes; /* of payload */
};

/* Tries to send `n` frames, `batch` at a time, from the namespace of way->from on. */
void peers_send(struct peers_wire *w, const struct peers_way *way, unsigned n, unsigned batch);
/* Waits until all that was sent has come, or no more comes. */
void peers_settle(const struct peers_way *way);
/* A request and an answer of each flow, UDP. What comes must be right to its last checksum; from
 * then on each flow's frames must begin exactly so. */
void peers_learn(struct peers_wire *w);
/* Each flow's next frame is this segment; answers are by the edge that the last request came to. */
void peers_put_segments(struct peers_wire *w, const struct peers_way *way,
			const struct peers_segment *segment);
struct peers_count peers_counted(const struct peers_way *way);

#endif
