/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int to_xdp_tell(int *told, int ret, const char *what, ...)
{
	int now = ret < 0 ? ret : 0;
	va_list args;

	if (now == *told)
		return ret;
	*told = now;
	fputs("turnout-xdp: ", stderr);
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fprintf(stderr, ": %s\n", now ? strerror(-now) : "no more");
	return ret;
}
