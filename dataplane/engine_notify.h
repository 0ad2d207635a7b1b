/* SPDX-License-Identifier: BSD-3-Clause */
/* What an engine tells its service manager (turnout/notify.h). Its main thread's. */
#ifndef TURNOUT_ENGINE_NOTIFY_H
#define TURNOUT_ENGINE_NOTIFY_H

#include <stdint.h>
#include <turnout/table.h>

/* Zero: nothing was told yet. */
struct to_engine_notice {
	uint64_t due_ns; /* CLOCK_MONOTONIC: of the next sign of life; 0: it is not ready yet */
	uint64_t generation;
};

/* Packets are steered by `running`; NULL: there is no generation, and all are the kernel's. */
void to_engine_notify_ready(struct to_engine_notice *n, const struct to_table *running);

/* From each turn of the main loop: once a second that it turns, and the generation when it is
 * another one. */
void to_engine_notify_turn(struct to_engine_notice *n, const struct to_table *running);

void to_engine_notify_end(void);

#endif
