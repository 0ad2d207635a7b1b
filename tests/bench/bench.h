/* SPDX-License-Identifier: BSD-3-Clause */
/* What every benchmark here needs: bursts, samples, windows of visits, memory, figures. */
#ifndef TURNOUT_BENCH_BENCH_H
#define TURNOUT_BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define BENCH_BURST   64
#define BENCH_SAMPLES 301

/*
 * Visits are drawn once and gone through in windows, one a sample, short enough to be left alone by
 * other work. No window is visited twice, or the last-level cache would hold entries of large
 * tables only because the sample before had been there.
 */
#define BENCH_WINDOW  (1u << 14)
#define BENCH_WINDOWS 1024u
#define BENCH_VISITS  (BENCH_WINDOW * BENCH_WINDOWS)
/* Not timed at the beginning of a window: the sample before, another's, has left its own in the
 * caches. */
#define BENCH_WARM  (1u << 13)
#define BENCH_TIMED (BENCH_WINDOW - BENCH_WARM)

/* The window of the `i`th sample of the benchmark's first, second or third subject (0 to 2). */
static inline uint32_t bench_window(uint32_t subject, uint32_t i)
{
	_Static_assert(BENCH_SAMPLES < BENCH_WINDOWS / 3, "windows");
	return (subject * (BENCH_WINDOWS / 3) + i) * BENCH_WINDOW;
}

static inline double bench_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Zeroed memory on huge pages, where the kernel has them. */
static inline void *bench_huge(size_t bytes)
{
	uint8_t *p = mmap(NULL, bytes + (2 << 20), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p = (uint8_t *)(((uintptr_t)p + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static inline void bench_free(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

static inline int bench_compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorts `n` samples: [0] is the minimum, [n / 2] the median. */
static inline void bench_sort_of(double *samples, uint32_t n)
{
	qsort(samples, n, sizeof(*samples), bench_compare);
}

static inline void bench_sort(double *samples)
{
	bench_sort_of(samples, BENCH_SAMPLES);
}

/* One figure, and what part of the yardstick's it is. Both sorted. */
static inline void bench_print_of(const char *name, const double *ns, uint32_t n,
				  const double *bare, uint32_t bare_n)
{
	printf(",\"%s\":{\"ns_min\":%.1f,\"ns_median\":%.1f,\"ns_max\":%.1f,\"ratio_min\":%.2f,"
	       "\"ratio_median\":%.2f}",
	       name, ns[0], ns[n / 2], ns[n - 1], ns[0] / bare[0], ns[n / 2] / bare[bare_n / 2]);
}

static inline void bench_print(const char *name, const double *ns, const double *bare)
{
	bench_print_of(name, ns, BENCH_SAMPLES, bare, BENCH_SAMPLES);
}

#endif
