/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ticks at multiples of an interval, however long the work between them takes. */
#ifndef TOOLS_TICKER_H
#define TOOLS_TICKER_H

#include <linux/types.h>

__u64 now_ns(void);

/* Both return a file descriptor or 0, or a negative errno. */
int ticker__open(__u64 interval_ns);
int ticker__set(int fd, __u64 interval_ns);

/* The same, but the first interval ends after first_ns if that is earlier. */
int ticker__set_soon(int fd, __u64 first_ns, __u64 interval_ns);

/* Takes the expirations of a readable ticker: ticks that were missed count as one. */
void ticker__take(int fd);

#endif
