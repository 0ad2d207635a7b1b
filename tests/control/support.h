/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the control side share. Include after <cmocka.h>'s own needs. */
#ifndef TEST_CONTROL_SUPPORT_H
#define TEST_CONTROL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compile.h"

/* A plan that must be good. */
struct to_plan *load_example(const char *name);
struct to_plan *load_text(const char *text);

/* An image that must come about. */
struct to_image compile_stage(const struct to_plan *plan, struct to_compile_input input);

/* Numbers that are the same in every run: splitmix64. */
uint64_t next_random(uint64_t *state);

#endif
