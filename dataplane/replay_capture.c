/* SPDX-License-Identifier: BSD-3-Clause */
#include <byteswap.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <turnout/packet.h>

#include "replay_capture.h"

#define ETH_HEADER         14u
#define PCAP_RECORD_HEADER 16u /* pcapng's is longer: near enough for a progress line */

#define DLT_RAW_OPENBSD 14 /* raw IP on OpenBSD, in files as well */

/* Link types that carry IP, and the bytes of their headers that an Ethernet one replaces. */
static const struct {
	int dlt;
	uint32_t header;
} links[] = {
	{DLT_EN10MB, 0}, {DLT_RAW, 0},  {DLT_RAW_OPENBSD, 0}, {DLT_IPV4, 0},        {DLT_IPV6, 0},
	{DLT_NULL, 4},   {DLT_LOOP, 4}, {DLT_LINUX_SLL, 16},  {DLT_LINUX_SLL2, 20},
};

struct to_capture {
	pcap_t *pcap;
	uint64_t frames;
	uint64_t bytes; /* of the file, read so far */
	uint64_t size;  /* of the file */
	int dlt;
	uint32_t header;
	uint32_t room;   /* of buffer */
	uint8_t *buffer; /* the frame, when it is given an Ethernet header */
};

/* The address family of a BSD loopback header, in host order. */
static uint16_t ethertype_of_family(uint32_t family)
{
	switch (family) {
	case 2:
		return TO_ETH_IP4;
	case 10: /* AF_INET6 on Linux, then NetBSD and OpenBSD, FreeBSD, macOS */
	case 24:
	case 28:
	case 30:
		return TO_ETH_IP6;
	default:
		return 0;
	}
}

static uint16_t ethertype_of_version(const uint8_t *p, uint32_t len)
{
	uint32_t version = len > 0 ? p[0] >> 4 : 0;

	return version == 4 ? TO_ETH_IP4 : version == 6 ? TO_ETH_IP6 : 0;
}

static uint16_t ethertype(const struct to_capture *c, const uint8_t *p, uint32_t len)
{
	if (len < c->header)
		return 0;
	switch (c->dlt) {
	case DLT_NULL: /* in the byte order of whoever captured, which is the file's */
		return ethertype_of_family(pcap_is_swapped(c->pcap) ? to_load32(p)
								    : bswap_32(to_load32(p)));
	case DLT_LOOP:
		return ethertype_of_family(to_load32(p));
	case DLT_IPV4:
		return TO_ETH_IP4;
	case DLT_IPV6:
		return TO_ETH_IP6;
	case DLT_LINUX_SLL:
		return to_load16(p + 14);
	case DLT_LINUX_SLL2:
		return to_load16(p);
	default:
		return ethertype_of_version(p, len);
	}
}

static int find_link(struct to_capture *c, const char *path, char *err, size_t err_size)
{
	const char *name;

	c->dlt = pcap_datalink(c->pcap);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (links[i].dlt == c->dlt) {
			c->header = links[i].header;
			return 0;
		}
	}
	name = pcap_datalink_val_to_name(c->dlt);
	snprintf(err, err_size,
		 "%s: link type %d (%s) is not supported: only Ethernet, raw IP, Linux cooked and "
		 "BSD loopback captures are",
		 path, c->dlt, name ? name : "unnamed");
	return -ENOTSUP;
}

int to_capture_open(const char *path, struct to_capture **capture, char *err, size_t err_size)
{
	char why[PCAP_ERRBUF_SIZE];
	struct to_capture *c = calloc(1, sizeof(*c));
	struct stat st;
	int ret;

	if (!c) {
		snprintf(err, err_size, "out of memory");
		return -ENOMEM;
	}
	c->pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!c->pcap) {
		/* some of libpcap's messages name the file, some do not */
		snprintf(err, err_size, "%s%s%s", strstr(why, path) ? "" : path,
			 strstr(why, path) ? "" : ": ", why);
		ret = -EINVAL;
		goto fail;
	}
	ret = find_link(c, path, err, err_size);
	if (ret < 0)
		goto fail;
	if (fstat(fileno(pcap_file(c->pcap)), &st) == 0)
		c->size = st.st_size;
	*capture = c;
	return 0;

fail:
	to_capture_close(c);
	return ret;
}

void to_capture_close(struct to_capture *c)
{
	if (!c)
		return;
	if (c->pcap)
		pcap_close(c->pcap);
	free(c->buffer);
	free(c);
}

/* Puts an Ethernet header before what lies behind the frame's own. */
static int make_ethernet(struct to_capture *c, struct to_capture_frame *f, char *err,
			 size_t err_size)
{
	/* to 02:00:00:00:00:02 from 02:00:00:00:00:01, as tests/model/pcap.py has it */
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	uint16_t type = ethertype(c, f->data, f->len);
	uint32_t cut = f->len < c->header ? f->len : c->header;

	if (c->room < f->len + ETH_HEADER) {
		uint8_t *bigger = realloc(c->buffer, f->len + ETH_HEADER);

		if (!bigger) {
			snprintf(err, err_size, "out of memory");
			return -ENOMEM;
		}
		c->buffer = bigger;
		c->room = f->len + ETH_HEADER;
	}
	memcpy(c->buffer, macs, sizeof(macs));
	c->buffer[12] = type >> 8;
	c->buffer[13] = type & 0xff;
	memcpy(c->buffer + ETH_HEADER, f->data + cut, f->len - cut);
	f->data = c->buffer;
	f->len = f->len - cut + ETH_HEADER;
	f->wire_len = f->wire_len - cut + ETH_HEADER;
	return 0;
}

int to_capture_next(struct to_capture *c, struct to_capture_frame *f, char *err, size_t err_size)
{
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int ret = pcap_next_ex(c->pcap, &h, &data);

	if (ret == PCAP_ERROR_BREAK)
		return 0;
	if (ret != 1) {
		snprintf(err, err_size, "after frame %llu: %s", (unsigned long long)c->frames,
			 pcap_geterr(c->pcap));
		return -EIO;
	}
	c->bytes += PCAP_RECORD_HEADER + h->caplen;
	*f = (struct to_capture_frame){
		.number = ++c->frames,
		/* asked for nanoseconds: tv_usec holds them */
		.ns = (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec,
		.data = data,
		.len = h->caplen,
		.wire_len = h->len > h->caplen ? h->len : h->caplen,
	};
	if (c->dlt != DLT_EN10MB) {
		ret = make_ethernet(c, f, err, err_size);
		return ret < 0 ? ret : 1;
	}
	return 1;
}

unsigned to_capture_percent(const struct to_capture *c)
{
	uint64_t percent = c->size ? c->bytes * 100 / c->size : 0;

	return percent < 100 ? (unsigned)percent : 100;
}
