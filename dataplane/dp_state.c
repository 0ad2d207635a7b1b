/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <turnout/hash.h>

#include "dp_clock.h"
#include "dp_state.h"

/* As to_frame_shard() has it: the worker of a client. */
static uint32_t shard_of_client(uint64_t client, uint32_t workers)
{
	return (uint32_t)(((to_mix(client) >> 32) * workers) >> 32);
}

/* What has no client in its key is unproven or short-lived: a fragment, an early dialog. Wherever
 * it goes, it costs a new decision at worst. */
static uint32_t shard(enum to_entry_kind kind, const void *key, uint32_t workers)
{
	const struct to_key *k = key;

	switch (kind) {
	case TO_PIN4:
		return shard_of_client(0x0000ffff00000000ULL | __builtin_bswap32(k->w[0]), workers);
	case TO_PIN6:
		return shard_of_client(to_client(&((const struct to_key6 *)key)->client), workers);
	case TO_AFFINITY:
		return shard_of_client(k->w[0] | (uint64_t)k->w[1] << 32, workers);
	default:
		return 0;
	}
}

int dp_state_open(const char *path, unsigned workers, uint32_t pins, struct to_state **state,
		  char *err, size_t err_size)
{
	static const char *const how[] = {
		[TO_STATE_CREATED] = "new",
		[TO_STATE_ADOPTED] = "taken over",
		[TO_STATE_MIGRATED] = "taken over into another size",
		[TO_STATE_REPLACED] = "of an earlier boot, begun anew",
	};
	struct to_state_config config = {.now = dp_boottime(), .shard = shard};
	const struct to_state_report *report;
	int ret;

	to_state_sizes(&config, workers, pins);
	ret = to_state_open(path, &config, state, err, err_size);
	if (ret < 0)
		return ret;
	report = to_state_report(*state);
	if (path)
		fprintf(stderr, "turnout-dp: state %s: %s, %llu proven and %llu unproven entries\n",
			path, how[report->how], (unsigned long long)report->proven,
			(unsigned long long)report->unproven);
	return 0;
}
