/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading the clock, inline: what is measured begins right behind it. */
#ifndef IOASIDPERF_CLOCK_H
#define IOASIDPERF_CLOCK_H

#include <sys/ioctl.h>
#include <time.h>

#include "ioasid_testperf.h"
#include "perf.h"

static inline uint64_t clock__ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

static inline uint64_t clock__ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static inline uint64_t clock__now(const struct clock *clock)
{
	return clock->instructions ? clock__ticks() : clock__ns();
}

/* No timer interrupt until quiet is over; nothing that may sleep in between. */
static inline void clock__quiet(const struct clock *clock, bool on)
{
	if (clock->quiet >= 0)
		ioctl(clock->quiet, TESTPERF_QUIET, (unsigned long)on);
}

/*
 * What functions.so looks for: an instruction that does nothing, with a number. It
 * counts from the first to the second.
 */
static inline void clock__mark_begin(void)
{
#ifdef __x86_64__
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x01, 0xa5, 0x10, 0x10" : : : "memory");
#endif
}

static inline void clock__mark_end(void)
{
#ifdef __x86_64__
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x02, 0xa5, 0x10, 0x10" : : : "memory");
#endif
}

#endif
