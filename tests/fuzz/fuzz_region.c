/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whatever a region holds, its reader gets counts, texts and indexes within their bounds, or is
 * told. The input is pieces of the region: where (4 bytes), how long (1 byte), and what.
 */
#include <stdlib.h>
#include <string.h>

#include <turnout/region_read.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void put_pieces(uint8_t *to, const uint8_t *data, size_t size)
{
	while (size > 5) {
		uint32_t at;
		size_t n = data[4];

		memcpy(&at, data, sizeof(at));
		data += 5;
		size -= 5;
		n = n < size ? n : size;
		at %= sizeof(struct to_region);
		n = n < sizeof(struct to_region) - at ? n : sizeof(struct to_region) - at;
		memcpy(to + at, data, n);
		data += n;
		size -= n;
	}
}

static void check_copy(const struct to_region *r)
{
	static uint64_t sum[TO_NO_INDEX + 1];

	check(r->workers <= TO_PROTOCOL_WORKERS && r->ports <= TO_REGION_PORTS);
	check(r->named_count <= TO_REGION_NAMED && strlen(r->stage) <= TO_MAX_NAME);
	for (uint32_t i = 0; i < r->ports; i++)
		check(strlen(r->port[i].name) < sizeof(r->port[i].name));
	for (uint32_t i = 0; i < r->named_count; i++)
		check(strlen(r->named[i].name) < sizeof(r->named[i].name));
	for (uint32_t i = 0; i < r->rows; i++) {
		check(r->row[i].class < TO_CLASS_COUNT && r->row[i].reason < TO_REASON_COUNT);
		check(r->row[i].edge < TO_MAX_EDGES || r->row[i].edge == TO_NO_INDEX);
		sum[r->row[i].service] += r->row[i].packets;
	}
	for (uint32_t i = 0; i < r->lives; i++)
		check(r->alive[i].edge < TO_MAX_EDGES && r->alive[i].kind < TO_ENTRY_KIND_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct to_region *from = calloc(1, sizeof(*from)), *copy = malloc(sizeof(*copy));
	int ret;

	if (from && copy) {
		put_pieces((uint8_t *)from, data, size);
		ret = to_region_read(from, copy);
		check(ret == 0 || ret == -EBADMSG || (ret == -EAGAIN && from->sequence & 1));
		if (ret == 0)
			check_copy(copy);
	}
	free(from);
	free(copy);
	return 0;
}
