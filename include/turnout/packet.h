/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of one packet: parse.h fills the upper half from its bytes, decide.h the rest.
 * Scalars only, so that BPF's global functions take it. Offsets are from the start of the frame.
 */
#ifndef TURNOUT_PACKET_H
#define TURNOUT_PACKET_H

#include "entry.h"
#include "lists.h"
#include "sip.h"
#include "types.h"

enum to_zone { TO_ZONE_OUTSIDE = 1, TO_ZONE_EDGES = 2, TO_ZONE_BOTH = 3 };

enum to_ethertype {
	TO_ETH_IP4 = 0x0800,
	TO_ETH_IP6 = 0x86dd,
	TO_ETH_VLAN = 0x8100,
	TO_ETH_QINQ = 0x88a8,
	TO_ETH_QINQ_OLD = 0x9100,
};

/* IANA protocol numbers, as in an IP header. */
enum to_ipproto {
	TO_IP_HOPOPTS = 0,
	TO_IP_ICMP = 1,
	TO_IP_IP4 = 4,
	TO_IP_TCP = 6,
	TO_IP_UDP = 17,
	TO_IP_IP6 = 41,
	TO_IP_ROUTING = 43,
	TO_IP_FRAGMENT = 44,
	TO_IP_ICMP6 = 58,
	TO_IP_NONE = 59,
	TO_IP_DSTOPTS = 60,
	TO_IP_MOBILITY = 135,
};

enum to_tcp_flags { TO_TCPF_FIN = 1, TO_TCPF_SYN = 2, TO_TCPF_RST = 4, TO_TCPF_ACK = 16 };

enum to_packet_flags {
	TO_PKT_FIRST = 1, /* first fragment: offset 0, more to come */
	TO_PKT_LATER = 2, /* later fragment: no ports */
	TO_PKT_PORTS = 4, /* TCP or UDP: ports are known */
	TO_PKT_ICMP_ERROR = 8,
	TO_PKT_EMBEDDED = 16, /* ICMP error: the embedded addresses are known */
	TO_PKT_EMBEDDED_PORTS = 32,
	TO_PKT_BEGINS = 64,    /* can begin a flow, as far as the header tells (TCP: SYN alone) */
	TO_PKT_SIP = 128,      /* a SIP message: `sip` is read, and it has a Call-ID */
	TO_PKT_PROVEN = 256,   /* what decided it was proven, or an edge sent it */
	TO_PKT_KEYED = 512,    /* `pin` or `pin6` is the key of its flow */
	TO_PKT_TEACHES = 1024, /* SIP over TCP: its call's edge, its SDP (decide_edge.h) */
};

/* What an address is to us; struct to_address of the table, without the address. */
struct to_identity {
	uint8_t kind; /* enum to_address_kind */
	uint8_t index;
	uint16_t binds;
	uint32_t first_bind;
};

/* How a frame leaves. */
enum to_action {
	TO_ACT_NONE,      /* drop, or the kernel's untouched */
	TO_ACT_FORWARD,   /* unchanged but for TTL and MACs */
	TO_ACT_DNAT,      /* destination becomes the target's address */
	TO_ACT_SNAT,      /* source becomes the VIP's */
	TO_ACT_ENCAP,     /* outer header to the target */
	TO_ACT_ICMP_DNAT, /* ICMP error to an edge: outer destination and embedded source */
	TO_ACT_ICMP_SNAT, /* ICMP error to a client: embedded destination, outer source if an edge's
			   */
	TO_ACT_TUNNEL_ERROR, /* ICMP error about our tunnel: on to the client without the tunnel
				header */
};

/* Where a frame has gone. */
enum to_egress {
	TO_EGRESS_NONE,   /* dropped: the buffer is the caller's to free */
	TO_EGRESS_KERNEL, /* untouched */
	TO_EGRESS_EDGE,   /* to decision.edge */
	TO_EGRESS_OUT,    /* to the client or whoever the edge talks to */
	TO_EGRESS_SENDER, /* the frame was dropped, and its buffer now holds the answer to its
			     sender: the ICMP error about it, or a RST */
};

/* What a counter counts. */
struct to_count {
	uint64_t packets;
	uint64_t bytes; /* of frames as they came in */
};

struct to_decision {
	uint8_t verdict; /* enum to_verdict */
	uint8_t reason;  /* enum to_reason */
	uint8_t class;   /* enum to_class */
	uint8_t action;  /* enum to_action */
	uint8_t service; /* TO_NO_INDEX: none; likewise below */
	uint8_t edge;
	uint8_t vip;
	uint8_t reserved;
};
_Static_assert(sizeof(struct to_decision) == 8, "layout");

/* Packets of our own in this second (own_packet.h). */
struct to_budget {
	uint32_t second;
	uint32_t sent;
};

struct to_packet {
	/* headers; valid unless family is TO_NO_FAMILY */
	union to_addr src;
	union to_addr dst;
	union { /* with TO_PKT_PORTS; both at once, as they lie in the frame */
		struct {
			to_be16 sport;
			to_be16 dport;
		};
		uint32_t ports;
	};
	uint8_t family;  /* enum to_family */
	uint8_t ipproto; /* enum to_ipproto: what follows the last IP header */
	uint8_t proto;   /* enum to_proto, with TO_PKT_PORTS */
	uint8_t tcp_flags;
	uint16_t flags; /* enum to_packet_flags */
	uint16_t l3;
	uint16_t l4; /* TCP, UDP or ICMP header; later fragment: its data */
	uint16_t payload;
	uint16_t l3_len; /* of the IP packet by its own header, without padding; 0 of a jumbogram */
	uint16_t payload_len;
	uint8_t ttl;
	uint8_t malformed; /* enum to_reason; 0 (which no malformed packet has): well-formed */
	uint8_t zone;      /* enum to_zone of the port */
	uint8_t vlans;
	uint32_t now; /* clock seconds */

	/* the decision */
	struct to_decision out;
	uint64_t hash;         /* of the pin's key; the engine's own */
	struct to_key pin;     /* IPv4: key of the flow's pin */
	uint32_t slot;         /* BPF: which table decides this packet */
	struct to_identity to; /* what dst is */
	struct to_identity from;
	/* from an edge, TO_NO_INDEX for none: the service and VIP that its source port answers for,
	 * and those that its destination port goes out by */
	uint8_t answers_service;
	uint8_t answers_vip;
	uint8_t opens_service;
	uint8_t opens_vip;

	/* cold from here on: a burst of hot halves, two cache lines each, stays in the first cache
	 */
	struct to_key6 pin6;
	uint32_t fragment_id; /* host order */
	struct to_key dialog; /* keys of a SIP message */
	struct to_key transaction;
	struct to_sip sip;
	/* ICMP error: the packet that it is about */
	uint16_t embedded_l3;
	uint16_t embedded_l4;
	uint8_t embedded_proto;   /* enum to_proto, with TO_PKT_EMBEDDED_PORTS */
	uint8_t embedded_ipproto; /* enum to_ipproto */
	uint8_t embedded_family;
	uint8_t icmp_type;
	to_be16 embedded_sport;
	to_be16 embedded_dport;
	uint16_t tunnel_l3; /* TO_ACT_TUNNEL_ERROR: of the tunnel's header; embedded_* is what it
			       held */
	union to_addr embedded_src;
	union to_addr embedded_dst;
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct to_packet, pin6) <= 128, "the hot half is two cache lines");
_Static_assert(offsetof(struct to_packet, pin) % 8 == 0, "written and read 8 bytes at a time");

#endif
