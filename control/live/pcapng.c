/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcapng.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM 65536 /* a block is much less */

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET = 6 };
enum { COMMENT = 1, NAME = 2, OS = 3, APPLICATION = 4, RESOLUTION = 9 };

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define ETHERNET         1 /* LINKTYPE_ETHERNET */

struct block {
	uint8_t bytes[8192];
	size_t size;
};

static void put(struct block *b, const void *bytes, size_t size)
{
	static const uint8_t zeros[4];

	memcpy(b->bytes + b->size, bytes, size);
	b->size += size;
	memcpy(b->bytes + b->size, zeros, -size & 3);
	b->size += -size & 3;
}

static void put32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

static void put16_twice(struct block *b, uint16_t first, uint16_t second)
{
	const uint16_t both[] = {first, second};

	put(b, both, sizeof(both));
}

/* Texts are ours, or names: none comes near to what a block has room for. */
static void put_option(struct block *b, uint16_t code, const void *value, size_t size)
{
	put16_twice(b, code, (uint16_t)size);
	put(b, value, size);
}

static void put_text(struct block *b, uint16_t code, const char *text)
{
	size_t size = strlen(text);

	put_option(b, code, text, size < 1024 ? size : 1024);
}

static void begin(struct block *b, uint32_t type)
{
	b->size = 0;
	put32(b, type);
	put32(b, 0); /* its size, once it is known */
}

static int add(struct to_pcapng *p, struct block *b)
{
	uint32_t size;
	int err;

	put32(b, 0); /* the end of the options */
	size = (uint32_t)b->size + 4;
	put32(b, size);
	memcpy(b->bytes + 4, &size, sizeof(size));
	if (p->written + size > p->most)
		return -EFBIG;
	if (p->count + size > ROOM) {
		err = to_pcapng_flush(p);
		if (err)
			return err;
	}
	memcpy(p->waiting + p->count, b->bytes, size);
	p->count += size;
	p->written += size;
	return 0;
}

int to_pcapng_begin(struct to_pcapng *p, const char *application, const char *host)
{
	const int64_t unknown = -1; /* the section's size */
	struct block b;

	p->written = p->count = 0;
	p->waiting = malloc(ROOM);
	if (!p->waiting)
		return -ENOMEM;
	begin(&b, SECTION);
	put32(&b, BYTE_ORDER_MAGIC);
	put16_twice(&b, 1, 0);
	put(&b, &unknown, sizeof(unknown));
	put_text(&b, OS, host);
	put_text(&b, APPLICATION, application);
	return add(p, &b);
}

void to_pcapng_end(struct to_pcapng *p)
{
	free(p->waiting);
	p->waiting = NULL;
}

int to_pcapng_interface(struct to_pcapng *p, const char *name)
{
	const uint8_t nanoseconds = 9;
	struct block b;

	begin(&b, INTERFACE);
	put16_twice(&b, ETHERNET, 0);
	put32(&b, 0); /* no limit that holds for all */
	put_text(&b, NAME, name);
	put_option(&b, RESOLUTION, &nanoseconds, sizeof(nanoseconds));
	return add(p, &b);
}

int to_pcapng_packet(struct to_pcapng *p, const struct to_pcapng_packet *packet)
{
	struct block b;

	if (packet->captured > 4096)
		return -EMSGSIZE;
	begin(&b, PACKET);
	put32(&b, packet->interface);
	put32(&b, (uint32_t)(packet->time_ns >> 32));
	put32(&b, (uint32_t)packet->time_ns);
	put32(&b, packet->captured);
	put32(&b, packet->length);
	put(&b, packet->bytes, packet->captured);
	put_text(&b, COMMENT, packet->comment);
	return add(p, &b);
}

int to_pcapng_flush(struct to_pcapng *p)
{
	size_t done = 0;

	while (done < p->count) {
		ssize_t n = write(p->fd, p->waiting + done, p->count - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && (errno != EINTR || *p->hurry > 1))
			return -errno;
	}
	p->count = 0;
	return 0;
}
