// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "counters.h"
#include "overhead.h"

__u64 own_cpu_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts))
		return 0;
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

__u64 own_rss_bytes(void)
{
	unsigned long all, resident = 0;
	char *text;

	if (read_text(AT_FDCWD, "/proc/self/statm", &text))
		return 0;
	if (sscanf(text, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	free(text);
	return (__u64)resident * sysconf(_SC_PAGESIZE);
}
