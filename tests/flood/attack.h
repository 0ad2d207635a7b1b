/* SPDX-License-Identifier: BSD-3-Clause */
/* Two million of each, every one from another address and port. */
#ifndef TESTS_FLOOD_ATTACK_H
#define TESTS_FLOOD_ATTACK_H

#include "site.h"

enum attack { SYNS, DATAGRAMS, INVITES, BARE_ACKS, ATTACKS };

/* `count` packets from number `first` on; the clock goes on by `seconds` meanwhile. Returns how
 * many of them a new decision steered: that many pins, or dialogs with a transaction each, were
 * made. */
uint64_t attack(struct site *s, enum attack kind, uint32_t first, uint32_t count, uint32_t seconds);

#endif
