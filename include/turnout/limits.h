/* SPDX-License-Identifier: BSD-3-Clause */
/* Every bound and every time, in one place, each with its reason. */
#ifndef TURNOUT_LIMITS_H
#define TURNOUT_LIMITS_H

/* Bounds of one table. Indices fit a byte, so that an entry of the pin table fits 32 bytes;
 * an Edge pool has at most 12 edges, and a site rarely more than four pools. */
#define TO_MAX_EDGES     64
#define TO_MAX_POOLS     16
#define TO_MAX_SERVICES  64
#define TO_MAX_VIPS      64
#define TO_MAX_GATEWAYS  64
#define TO_MAX_ROUTES    262144 /* routes of all services of a stage */
#define TO_MAX_INTERVALS 524288 /* a route splits at most two intervals */
#define TO_MAX_NAME      31     /* characters of a name */
#define TO_NO_INDEX      0xff   /* "none", for any index above */

/* Shares are in hundredths of a percent. */
#define TO_SHARE_ALL 10000

/* Seconds: docs/state.md, section 2. */
#define TO_UNPROVEN_LIFE    10
#define TO_CLOSING_LIFE     60
#define TO_OPENING_LIFE     60  /* a TCP flow that an edge opened, until the client answers */
#define TO_TURN_LIFETIME    600 /* RFC 8656, 3.2: default LIFETIME */
#define TO_TURN_GRACE       60
#define TO_DIALOG_LIFE      32  /* RFC 3261: 64 * T1 */
#define TO_RINGING_LIFE     300 /* above Timer C (180 s), RFC 3261, 16.6 */
#define TO_FRAGMENT_LIFE    30
#define TO_AFFINITY_RENEWAL 16
#define TO_GRACE            30

/* How much of a packet is read. */
#define TO_MAX_VLANS           2
#define TO_MAX_IP6_HEADERS     8
#define TO_MAX_HEAD            512 /* headers in front of a tunnel's that an ICMP error quotes */
#define TO_SIP_MAX_BYTES       1500
#define TO_SIP_MAX_LINES       64
#define TO_SIP_MAX_ID          255 /* a longer Call-ID or branch is as if it were not there */
#define TO_STUN_MAX_ATTRIBUTES 16

/* How much SIP is read of whom nobody knows (sip_guard.h). */
#define TO_SIP_RATE     20000u    /* kB a second, by default: docs/xdp.md has what they cost */
#define TO_SIP_RATE_MAX 10000000u /* more than any CPU reads */
#define TO_SIP_COST     100u      /* bytes that a message counts beside its own: its look-ups */
#define TO_SIP_BURST    20000000u /* nanoseconds ahead of the rate: media waits for no longer */
#define TO_KNOWN_SHARE  4u        /* rates that all known sources have together */
#define TO_KNOWN_LIFE   3700u     /* above RFC 3261, 10.2: a registration's hour */
#define TO_KNOWN_SETS   16384u    /* of four sources: 1 MiB; a power of two */

#endif
