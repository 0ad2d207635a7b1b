/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the TCP or UDP payload of a captured frame lies. */
#ifndef TURNOUT_PCAP_PACKET_H
#define TURNOUT_PCAP_PACKET_H

#include <turnout/bytes.h>
#include <turnout/packet.h>

enum to_found {
	TO_FOUND_NOTHING,  /* not IP, neither TCP nor UDP, or headers that are not there whole */
	TO_FOUND_FRAGMENT, /* a later one */
	TO_FOUND_PAYLOAD,
};

struct to_captured {
	struct to_bytes payload;
	union to_addr src;
	union to_addr dst;
	uint16_t sport;
	uint16_t dport;
	enum to_proto proto;
};

/* `link`: the capture's DLT_ value. False: frames of this type are not understood. */
bool to_link_known(int link);

/* `size`: what the capture holds of the frame, `len`: how long it was. */
enum to_found to_find_payload(int link, const uint8_t *frame, uint32_t size, uint32_t len,
			      struct to_captured *found);

#endif
