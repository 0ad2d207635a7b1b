/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole terminal, for as long as a program shows something on it; given back on any exit. */
#ifndef TURNOUT_TERMINAL_H
#define TURNOUT_TERMINAL_H

enum to_terminal_event { TO_TERMINAL_TIME, TO_TERMINAL_KEY, TO_TERMINAL_RESIZED, TO_TERMINAL_END };

/*
 * Takes the terminal that stdin and stdout are: another screen, no cursor, keys at once. From then
 * on the signals that would end or stop the process come as events. Returns 0 or a negative errno.
 */
int to_terminal_take(void);
/* Idempotent; also called by exit(). */
void to_terminal_give_back(void);

/* Waits at most `ms` for what comes first; a key is put into *key. Ctrl-Z is dealt with inside, and
 * is then a resize: everything must be drawn again. TO_TERMINAL_END: the process shall end. */
enum to_terminal_event to_terminal_wait(int ms, char *key);

void to_terminal_size(unsigned *rows, unsigned *columns);

#endif
