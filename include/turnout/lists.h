/* SPDX-License-Identifier: BSD-3-Clause */
/* Every named thing that a verdict, a counter or a document mentions, once. */
#ifndef TURNOUT_LISTS_H
#define TURNOUT_LISTS_H

/* X(constant, "name") */
#define TO_CLASSES(X)                                                                              \
	X(NONE, "none")                                                                            \
	X(UNKNOWN, "unknown")                                                                      \
	X(SIP, "sip")                                                                              \
	X(TLS, "tls")                                                                              \
	X(PSEUDO_TLS, "pseudo-tls")                                                                \
	X(STUN, "stun")                                                                            \
	X(MS_TURN, "ms-turn")                                                                      \
	X(TURN_CHANNEL, "turn-channel")                                                            \
	X(DTLS, "dtls")                                                                            \
	X(RTP, "rtp")                                                                              \
	X(RTCP, "rtcp")                                                                            \
	X(ZRTP, "zrtp")                                                                            \
	X(QUIC, "quic")                                                                            \
	X(XMPP, "xmpp")                                                                            \
	X(HTTP, "http")                                                                            \
	X(KEEPALIVE, "keepalive")

#define TO_KINDS(X)                                                                                \
	X(SIP, "sip")                                                                              \
	X(SIP_TLS, "sip-tls")                                                                      \
	X(FEDERATION, "federation")                                                                \
	X(TURN, "turn")                                                                            \
	X(MEDIA, "media")                                                                          \
	X(PSOM, "psom")                                                                            \
	X(XMPP, "xmpp")                                                                            \
	X(TAKEOVER, "takeover")                                                                    \
	X(OTHER, "other")

#define TO_VERDICTS(X)                                                                             \
	X(KERNEL, "kernel") /* the kernel's, untouched */                                          \
	X(STEER, "steer")   /* to an edge */                                                       \
	X(REPLY, "reply")   /* an edge's answer, to the client */                                  \
	X(OUT, "out")       /* a flow that an edge opened, outwards */                             \
	X(DROP, "drop")

/* The step of the decision that answered first: docs/state.md. */
#define TO_REASONS(X)                                                                              \
	X(NOT_IP, "not-ip")                                                                        \
	X(GATEWAY, "gateway")                                                                      \
	X(NOT_OURS, "not-ours")                                                                    \
	X(OWNER, "owner")                                                                          \
	X(PIN, "pin")                                                                              \
	X(DIALOG, "dialog")                                                                        \
	X(TRANSACTION, "transaction")                                                              \
	X(LEARNED_OWNER, "learned-owner")                                                          \
	X(MIDFLOW, "midflow")                                                                      \
	X(AFFINITY, "affinity")                                                                    \
	X(ROUTE, "route")                                                                          \
	X(FALLBACK, "fallback")                                                                    \
	X(REPLY, "reply")                                                                          \
	X(EDGE_INITIATED, "edge-initiated")                                                        \
	X(FRAGMENT, "fragment")                                                                    \
	X(ICMP_ERROR, "icmp-error")                                                                \
	X(SPOOF, "spoof")                                                                          \
	X(HAIRPIN, "hairpin")                                                                      \
	X(NO_SERVICE, "no-service")                                                                \
	X(NO_EDGE, "no-edge")                                                                      \
	X(EDGE_RETIRED, "edge-retired")                                                            \
	X(PORT_CONFLICT, "port-conflict")                                                          \
	X(FRAGMENT_EARLY, "fragment-early")                                                        \
	X(ICMP_UNMATCHED, "icmp-unmatched")                                                        \
	X(IP_HEADER, "ip-header")                                                                  \
	X(IP_TRUNCATED, "ip-truncated")                                                            \
	X(IP_CHECKSUM, "ip-checksum")                                                              \
	X(L4_TRUNCATED, "l4-truncated")                                                            \
	X(L4_HEADER, "l4-header")                                                                  \
	X(TTL, "ttl")                                                                              \
	X(TOO_BIG, "too-big")                                                                      \
	X(RESET, "reset")                                                                          \
	X(SIP_RATE, "sip-rate")

/* What happened beside a verdict. Counted per worker. */
#define TO_EVENTS(X)                                                                               \
	X(ENTRY_LOST, "entry-lost")        /* no entry could be had; the verdict stood */          \
	X(DISPLACED, "unproven-displaced") /* the oldest unproven entry made room */               \
	X(PROVEN, "proven")                /* an entry was proven */                               \
	X(TABLE_FULL, "proven-full") /* an entry stayed unproven: the proven table is full */      \
	X(OWNER_CONFLICT, "owner-conflict") /* a claim on another edge's port was refused */       \
	X(RECLAIMED, "reclaimed")           /* a dead entry's place was taken back */              \
	X(ICMP_SENT, "icmp-sent")           /* time-exceeded or too-big, to the sender */          \
	X(ICMP_UNSENT, "icmp-unsent") /* no address to send it from, or not about this packet */   \
	X(NO_NEXTHOP, "no-nexthop")   /* a steered frame that could not leave: no MAC, no link */  \
	X(NO_ROOM, "no-room")         /* XDP: there was none in the frame's buffer for a header */ \
	X(RESET_SENT, "reset-sent")   /* a RST to a client, for an edge that is resetting */       \
	X(RESET_UNSENT, "reset-unsent") /* there were too many of them in this second */

#define TO_EDGE_STATES(X)                                                                          \
	X(UP, "up")                                                                                \
	X(DOWN, "down")                                                                            \
	X(DRAINING, "draining")                                                                    \
	X(RETIRED, "retired")                                                                      \
	X(RESETTING, "resetting") /* draining, and its TCP connections are reset */

#define TO_MODES(X)                                                                                \
	X(DNAT, "dnat")                                                                            \
	X(L2, "l2")                                                                                \
	X(IPIP, "ipip")

#define TO_ENUM_CLASS(c, n)      TO_CLASS_##c,
#define TO_ENUM_KIND(c, n)       TO_KIND_##c,
#define TO_ENUM_VERDICT(c, n)    TO_VERDICT_##c,
#define TO_ENUM_REASON(c, n)     TO_REASON_##c,
#define TO_ENUM_EVENT(c, n)      TO_EVENT_##c,
#define TO_ENUM_EDGE_STATE(c, n) TO_EDGE_##c,
#define TO_ENUM_MODE(c, n)       TO_MODE_##c,

enum to_class { TO_CLASSES(TO_ENUM_CLASS) TO_CLASS_COUNT };
enum to_kind { TO_KINDS(TO_ENUM_KIND) TO_KIND_COUNT };
enum to_verdict { TO_VERDICTS(TO_ENUM_VERDICT) TO_VERDICT_COUNT };
enum to_reason { TO_REASONS(TO_ENUM_REASON) TO_REASON_COUNT };
enum to_event { TO_EVENTS(TO_ENUM_EVENT) TO_EVENT_COUNT };
enum to_edge_state { TO_EDGE_STATES(TO_ENUM_EDGE_STATE) TO_EDGE_STATE_COUNT };
enum to_mode { TO_MODES(TO_ENUM_MODE) TO_MODE_COUNT };

/* Name tables, for whoever prints: static const char *const t[] = {TO_NAMES(TO_CLASSES)}; */
#define TO_NAME(c, n)  n,
#define TO_NAMES(LIST) LIST(TO_NAME)

#endif
