/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "number.h"

bool to_number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
	unsigned long long v;
	char *end;

	if (*text < '0' || *text > '9') /* strtoull takes signs and blanks */
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || v < low || v > high)
		return false;
	*out = v;
	return true;
}
