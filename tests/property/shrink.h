/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes a failing schedule short enough to be read. */
#ifndef TESTS_SHRINK_H
#define TESTS_SHRINK_H

#include "game.h"

/* Leaves out flows and events as long as it still fails. */
void shrink(struct game *g, struct schedule *s, enum rig_fault fault);

#endif
