/* SPDX-License-Identifier: BSD-3-Clause */
/* What parse.h finds in a frame, and what decide.h says about it. */
#ifndef TURNOUT_PACKET_H
#define TURNOUT_PACKET_H

#include "lists.h"
#include "types.h"

enum to_zone { TO_ZONE_OUTSIDE = 1, TO_ZONE_EDGES = 2, TO_ZONE_BOTH = 3 };

enum to_ethertype {
	TO_ETH_IP4 = 0x0800,
	TO_ETH_IP6 = 0x86dd,
	TO_ETH_VLAN = 0x8100,
	TO_ETH_QINQ = 0x88a8,
	TO_ETH_QINQ_OLD = 0x9100
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
	TO_IP_NONE = 59,
	TO_IP_ICMP6 = 58,
	TO_IP_DSTOPTS = 60,
	TO_IP_MOBILITY = 135
};

enum to_tcp_flags { TO_TCPF_FIN = 1, TO_TCPF_SYN = 2, TO_TCPF_RST = 4, TO_TCPF_ACK = 16 };

enum to_packet_flags {
	TO_PKT_FRAGMENT_FIRST = 1, /* offset 0, more to come */
	TO_PKT_FRAGMENT_LATER = 2, /* offset > 0: no ports */
	TO_PKT_PORTS = 4,          /* TCP or UDP: the ports are known */
	TO_PKT_ICMP_ERROR = 8,
	TO_PKT_EMBEDDED = 16, /* ICMP error: the embedded addresses are known */
	TO_PKT_EMBEDDED_PORTS = 32,
	TO_PKT_TUNNEL_ERROR =
		64, /* ICMP error about an IPIP tunnel: `embedded` is the inner packet */
};

/* Offsets are from the start of the frame. */
struct to_packet {
	union to_addr src;
	union to_addr dst;
	to_be16 sport; /* valid with TO_PKT_PORTS */
	to_be16 dport;
	uint8_t family;  /* enum to_family; TO_NO_FAMILY: not IP, nothing else is valid */
	uint8_t ipproto; /* enum to_ipproto: what follows the last IP header */
	uint8_t proto;   /* enum to_proto, valid with TO_PKT_PORTS */
	uint8_t tcp_flags;
	uint16_t flags; /* enum to_packet_flags */
	uint16_t l3;    /* of the IP header */
	uint16_t l4;    /* of the TCP, UDP or ICMP header (or of the payload of a later fragment) */
	uint16_t payload; /* of what TCP or UDP carry */
	uint32_t l3_len;  /* length of the IP packet by its header, without padding */
	uint32_t payload_len;
	uint32_t fragment_id; /* host order */
	uint8_t ttl;
	uint8_t malformed; /* enum to_reason, or 0 */
	uint8_t vlans;
	uint8_t class; /* enum to_class: of a packet that is ours */
	/* ICMP errors: the embedded packet */
	uint16_t embedded_l3;
	uint16_t embedded_l4;
	union to_addr embedded_src;
	union to_addr embedded_dst;
	to_be16 embedded_sport;
	to_be16 embedded_dport;
	uint8_t embedded_proto; /* enum to_proto */
	uint8_t tunnel_edge;
	uint16_t tunnel_l3;  /* TUNNEL_ERROR: of the embedded outer header */
	uint64_t call_id_h0; /* 0, or the Call-ID's hash for `balance: flow` */
};

/* How a frame leaves. */
enum to_action {
	TO_ACT_NONE,     /* drop, or the kernel's untouched */
	TO_ACT_FORWARD,  /* unchanged but for TTL and MACs */
	TO_ACT_DNAT,     /* destination becomes the target's address */
	TO_ACT_SNAT,     /* source becomes the VIP */
	TO_ACT_ENCAP,    /* outer header to the target */
	TO_ACT_ICMP_IN,  /* ICMP error to an edge: dnat, outer destination and embedded source */
	TO_ACT_ICMP_OUT, /* ICMP error to a client: embedded destination and, if an edge's, source
			  */
	TO_ACT_TUNNEL_ERROR, /* ICMP error about our tunnel, on to the client */
};

struct to_decision {
	uint8_t verdict; /* enum to_verdict */
	uint8_t reason;  /* enum to_reason */
	uint8_t class;   /* enum to_class */
	uint8_t action;  /* enum to_action */
	uint8_t service; /* TO_NO_INDEX: none */
	uint8_t edge;    /* TO_NO_INDEX: none */
	uint8_t vip;     /* TO_NO_INDEX: none */
	uint8_t reserved;
};
_Static_assert(sizeof(struct to_decision) == 8, "layout");

#endif
