/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/futex.h>
#include <rte_pause.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dp_turn.h"

#define SPINS 500 /* pauses: 5 to 20 microseconds, about what a wake-up costs */

void dp_turn_give(struct dp_turn *t)
{
	/* Sequentially consistent, as is the waiter's pair: one of the two sees the other's. */
	__atomic_add_fetch(&t->count, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&t->sleeping, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &t->count, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool is_over(const struct dp_turn *t, uint32_t seen)
{
	return __atomic_load_n(&t->count, __ATOMIC_SEQ_CST) != seen;
}

void dp_turn_wait(struct dp_turn *t, uint32_t seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (is_over(t, seen))
			return;
		rte_pause();
	}
	__atomic_store_n(&t->sleeping, 1, __ATOMIC_SEQ_CST);
	while (!is_over(t, seen))
		syscall(SYS_futex, &t->count, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
	__atomic_store_n(&t->sleeping, 0, __ATOMIC_SEQ_CST);
}
