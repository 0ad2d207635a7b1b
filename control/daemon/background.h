/* SPDX-License-Identifier: BSD-3-Clause */
/* One thread for what takes long: reading a plan, compiling a table. The event loop goes on. */
#ifndef TURNOUT_DAEMON_BACKGROUND_H
#define TURNOUT_DAEMON_BACKGROUND_H

#include <stdbool.h>

struct event_base;
struct to_background;

/* `work` runs on the thread and must touch nothing but its argument; then `done` on the loop's. */
typedef void to_work(void *argument);

int to_background_open(struct event_base *base, struct to_background **out);
/* Waits for the work in hand. No `done` is called any more; `drop` is, of what had one coming. */
void to_background_close(struct to_background *b);

/* One after the other, in order. `drop` (may be NULL): to_background_close(). -EBUSY: too many wait
 * already. */
int to_background_run(struct to_background *b, to_work *work, to_work *done, to_work *drop,
		      void *argument);
bool to_background_is_busy(struct to_background *b);

#endif
