// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <unistd.h>

#include "clock.h"

/* Two instructions a turn, and a constant number around them. */
static uint64_t turns(uint64_t n)
{
	uint64_t start = clock__ticks();

#ifdef __x86_64__
	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(n) : : "cc");
#endif
	return clock__ticks() - start;
}

/*
 * Does the counter count instructions, to the last one? An interrupt may come into
 * one try, not into all.
 */
static bool counts_instructions(void)
{
	unsigned int right = 0;

	for (int try = 0; try < 8; try++) {
		uint64_t some = turns(1000), more = turns(3000);

		right += more - some == 4000;
	}
	return right >= 6;
}

void clock__open(struct clock *clock)
{
	clock->instructions = counts_instructions();
	clock->quiet = -1;
	if (!clock->instructions)
		return;
	clock->quiet = open(TESTPERF_NODE, O_RDWR | O_CLOEXEC);
	if (clock->quiet >= 0 && ioctl(clock->quiet, TESTPERF_QUIET, 0UL)) {
		close(clock->quiet);
		clock->quiet = -1;
	}
}

void clock__close(struct clock *clock)
{
	if (clock->quiet >= 0)
		close(clock->quiet);
	clock->quiet = -1;
}

const char *clock__unit(const struct clock *clock)
{
	return clock->instructions ? "instructions" : "ns";
}
