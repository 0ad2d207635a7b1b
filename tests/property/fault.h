/* SPDX-License-Identifier: BSD-3-Clause */
/* What a broken engine might do, done to what a sound one says. */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include "rig.h"

void fault_inject(enum rig_fault fault, const struct to_table *table, struct to_frame *f,
		  uint32_t *dice);
/* An answer goes to the worker of its source, as a NIC without the right key would have it. */
void fault_shard(const struct to_table *table, const uint8_t *data, unsigned *shard);

#endif
