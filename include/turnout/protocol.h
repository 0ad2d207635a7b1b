/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine protocol: what a control process and an engine say to one another, over a UNIX socket
 * of type SOCK_SEQPACKET on which the engine listens. One message is one packet: a struct
 * to_message_head and what its type adds. Host byte order; both ends are on one machine.
 *
 * The first message of a connection is HELLO, and nothing else is answered before it was welcomed.
 * After that the control process asks, and each request gets one answer, in order, with the
 * request's number. Only a COMMIT may get several (APPLIED), when there is something to say; what
 * was asked after it is answered meanwhile; and a CAPTURE, after which nothing else is asked. What
 * cannot be done is REFUSED, with a reason for a person; a message that is no message (size, type,
 * reserved bytes, a missing descriptor or one too many: protocol_check.h) ends the connection, and
 * nothing else. So does a peer that does not read.
 *
 * A generation goes over in three steps. PREPARE carries the image in a sealed memfd; when it is
 * PREPARED the engine has checked and copied it, and nothing has changed. COMMIT makes it the one
 * to decide by. APPLIED says which generation each worker decides by; `live` is set when all of
 * them have the new one and nobody can be using the one before. A connection that ends takes its
 * prepared image along, and changes nothing else: a committed generation goes on.
 */
#ifndef TURNOUT_PROTOCOL_H
#define TURNOUT_PROTOCOL_H

#include "capture.h"
#include "entry.h"
#include "limits.h"
#include "lists.h"

#define TO_PROTOCOL_MAGIC     0x50474e4554524f54ULL /* "TORTENGP" as bytes */
#define TO_PROTOCOL_VERSION   1
#define TO_PROTOCOL_MAX_BYTES 16384 /* of a message */
#define TO_PROTOCOL_WORKERS   64    /* as many as an engine may have */
#define TO_PROTOCOL_TEXT      512   /* of a reason, with its NUL */
#define TO_PROTOCOL_FLOWS     200   /* of a page */

enum to_message_type {
	TO_MSG_HELLO = 1, /* control: struct to_msg_hello */
	TO_MSG_WELCOME,   /* engine: struct to_msg_welcome, and the region's descriptor: region.h */
	TO_MSG_REFUSED,   /* engine: struct to_msg_refused */
	TO_MSG_TABLE,     /* control: nothing. engine: nothing, and a sealed memfd of the running
			     image; REFUSED with ENOENT where there is none yet */
	TO_MSG_PREPARE,   /* control: nothing, and a sealed memfd of an image */
	TO_MSG_PREPARED,  /* engine: struct to_msg_prepared */
	TO_MSG_COMMIT,    /* control: struct to_msg_generation, the one that is prepared */
	TO_MSG_APPLIED,   /* engine: struct to_msg_applied */
	TO_MSG_DISCARD,   /* control: nothing: what is prepared is dropped. engine: likewise */
	TO_MSG_CENSUS,    /* control: nothing: count live entries now. engine: nothing: they are in
			     the region, all counted after the request came */
	TO_MSG_FLOWS,     /* control: struct to_msg_flows */
	TO_MSG_FLOW_PAGE, /* engine: struct to_msg_flow_page */
	TO_MSG_RELEASE,   /* control: struct to_msg_release: what an edge has is forgotten */
	TO_MSG_RELEASED,  /* engine: struct to_msg_released */
	TO_MSG_CAPTURE,   /* control: struct to_msg_capture; the connection is for it alone then */
	TO_MSG_CAPTURED,  /* engine: struct to_msg_captured */
	TO_MSG_CAPTURE_END, /* control: nothing: it is to end. engine: struct to_msg_capture_end,
			       and the end of the connection */
	TO_MSG_TYPE_COUNT
};

struct to_message_head {
	uint16_t type; /* enum to_message_type */
	uint16_t reserved;
	uint32_t size;    /* of the whole message, bytes */
	uint64_t request; /* the asker's number, from 1; an answer repeats it */
};
_Static_assert(sizeof(struct to_message_head) == 16, "layout");

struct to_msg_hello {
	struct to_message_head head;
	uint64_t magic;   /* TO_PROTOCOL_MAGIC */
	uint32_t version; /* TO_PROTOCOL_VERSION */
	uint32_t reserved;
};
_Static_assert(sizeof(struct to_msg_hello) == 32, "layout");

enum to_engine_kind { TO_ENGINE_DPDK = 1, TO_ENGINE_XDP = 2 };

struct to_msg_welcome {
	struct to_message_head head;
	uint64_t magic;
	uint32_t version;
	uint32_t engine; /* enum to_engine_kind */
	uint32_t pid;
	uint32_t workers;    /* 1 to TO_PROTOCOL_WORKERS */
	uint64_t generation; /* that decides; 0: none yet, and nothing is steered */
	uint64_t checksum;   /* of its image */
	char stage[TO_MAX_NAME + 1];
	char build[32]; /* the engine's version, as --version */
};
_Static_assert(sizeof(struct to_msg_welcome) == 120, "layout");

/* Nothing has changed. */
struct to_msg_refused {
	struct to_message_head head;
	int32_t error; /* a positive errno: EINVAL a bad image or one that cannot follow the running
			  one, or no such edge; EPERM an image that is not sealed; EBUSY the
			  generation before is not live yet; ESTALE another one is prepared; ENOENT
			  nothing is; EPROTO another version; or what the kernel said */
	uint32_t reserved;
	char reason[TO_PROTOCOL_TEXT];
};
_Static_assert(sizeof(struct to_msg_refused) == 536, "layout");

struct to_msg_prepared {
	struct to_message_head head;
	uint64_t generation;
	uint64_t took_ns;
};
_Static_assert(sizeof(struct to_msg_prepared) == 32, "layout");

struct to_msg_generation {
	struct to_message_head head;
	uint64_t generation;
};
_Static_assert(sizeof(struct to_msg_generation) == 24, "layout");

/* Sent when the generation is live, and before that each second that it is not. */
struct to_msg_applied {
	struct to_message_head head;
	uint64_t generation; /* that was committed */
	uint64_t took_ns;    /* since the commit */
	uint32_t live;       /* 1: every worker decides by it. The last answer to the COMMIT */
	uint32_t workers;
	uint64_t worker[TO_PROTOCOL_WORKERS]; /* the generation that each one has acknowledged */
};
_Static_assert(sizeof(struct to_msg_applied) == 552, "layout");

/* Which entries. A field that is "any" does not choose. */
struct to_flow_filter {
	uint32_t kinds; /* bits 1 << enum to_entry_kind; 0: any */
	uint8_t edge;   /* TO_NO_INDEX: any; likewise below */
	uint8_t service;
	uint8_t proven; /* 0 unproven, 1 proven */
	uint8_t prefix; /* bits of `client`, of 128 (96 more than of IPv4); 0: any. Only pins and
			   affinities have one; an affinity over IPv6 is any client's of its /64 */
	union to_addr client;
};
_Static_assert(sizeof(struct to_flow_filter) == 24, "layout");

/* Where a listing goes on: all zero at its beginning, then as the page before said. Opaque. */
struct to_flow_cursor {
	uint64_t word[4];
};

struct to_msg_flows {
	struct to_message_head head;
	struct to_flow_filter filter;
	struct to_flow_cursor cursor;
	uint32_t limit; /* most entries of the page: 1 to TO_PROTOCOL_FLOWS */
	uint32_t reserved;
};
_Static_assert(sizeof(struct to_msg_flows) == 80, "layout");

/* A live entry. What a kind has not is zero. */
struct to_flow {
	union to_addr client; /* pins; affinity: the IPv4 address or the /64 */
	union to_addr vip;    /* pins, owners */
	uint16_t client_port; /* host order, likewise below */
	uint16_t vip_port;    /* pins, owners */
	uint8_t kind;         /* enum to_entry_kind */
	uint8_t proven;       /* 0, 1 */
	uint8_t proto;        /* pins: enum to_proto */
	uint8_t group;        /* affinity: in the order of the plan's groups; else TO_NO_INDEX */
	uint8_t edge;
	uint8_t service; /* TO_NO_INDEX: none */
	uint8_t flags;   /* enum to_entry_flags */
	uint8_t tcp;     /* TCP pins: enum to_tcp_bits */
	uint32_t left;   /* seconds until it is dead */
	uint8_t key[12]; /* dialogs, transactions, fragments: as they are looked up */
	uint8_t reserved[4];
};
_Static_assert(sizeof(struct to_flow) == 64, "layout");

/* A page may hold fewer than it could, and even none, and not be the last. Entries that come, go or
 * move while a listing runs may be missed or come twice. */
struct to_msg_flow_page {
	struct to_message_head head;
	struct to_flow_cursor cursor;
	uint32_t more; /* 0: that was all */
	uint32_t count;
	struct to_flow flow[]; /* count */
};
_Static_assert(sizeof(struct to_msg_flow_page) == 56, "layout");
_Static_assert(sizeof(struct to_msg_flow_page) + TO_PROTOCOL_FLOWS * sizeof(struct to_flow) <=
		       TO_PROTOCOL_MAX_BYTES,
	       "fits");

struct to_msg_release {
	struct to_message_head head;
	uint8_t edge;
	uint8_t service; /* and the affinities of its group. TO_NO_INDEX: all, and what has none */
	uint8_t reserved[6];
};
_Static_assert(sizeof(struct to_msg_release) == 24, "layout");

struct to_msg_released {
	struct to_message_head head;
	uint64_t entries; /* that ended; one that a packet has renewed meanwhile counts twice */
};
_Static_assert(sizeof(struct to_msg_released) == 24, "layout");

/* Live packets, with what was decided of them. One at a time: EBUSY. Each that is refused ends the
 * connection too, so that whoever is handed one on which it was asked for can ask for nothing. */
struct to_msg_capture {
	struct to_message_head head;
	struct to_capture_filter filter;
	uint32_t most;    /* packets, from 1 */
	uint32_t rate;    /* packets a second, 1 to TO_CAPTURE_RATE */
	uint32_t seconds; /* 1 to TO_CAPTURE_SECONDS */
	uint32_t snap;    /* bytes of a frame, 1 to TO_CAPTURE_SNAP */
};
_Static_assert(sizeof(struct to_msg_capture) == 88, "layout");

/* Packets of one worker are in their order; those of several only nearly. */
struct to_msg_captured {
	struct to_message_head head;
	uint32_t count; /* may be 0: the capture has begun, or goes on */
	uint32_t reserved;
	uint8_t packets[]; /* count times struct to_captured and its bytes */
};
_Static_assert(sizeof(struct to_msg_captured) == 24, "layout");
#define TO_CAPTURED_MOST (sizeof(struct to_captured) + TO_CAPTURE_SNAP)
_Static_assert(sizeof(struct to_msg_captured) + TO_CAPTURED_MOST <= TO_PROTOCOL_MAX_BYTES, "fits");

struct to_msg_capture_end {
	struct to_message_head head;
	uint64_t packets;   /* that were sent */
	uint64_t over_rate; /* not captured: more a second than asked for */
	uint64_t full;      /* likewise: the reader did not keep up */
	uint32_t why;       /* enum to_capture_why */
	uint32_t reserved;
};
_Static_assert(sizeof(struct to_msg_capture_end) == 48, "layout");

#endif
