/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SHARE_H
#define TESTS_SHARE_H

/* Shares by counting clients: how many, and who. 0: all as promised. */
int share_test(void);

#endif
