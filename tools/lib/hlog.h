/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Histograms in the log format of HdrHistogram (version 1.3, compressed V2), which its
 * own tools and those of others read.
 *
 * The histogram there has a resolution of three digits. A bucket of ours goes into it
 * as its midpoint: percentiles read from the log are within 3.125 % of the exact ones
 * for our buckets and another 0.1 % for those of HdrHistogram.
 */
#ifndef TOOLS_HLOG_H
#define TOOLS_HLOG_H

#include <linux/types.h>

#define HLOG_DIGITS	3

struct hlog;

/* Creates or truncates the file. All return 0 or a negative errno. */
int hlog__open(struct hlog **hlog, const char *path, const char *program);

/* One line: when the interval began, from the start of the log, and how long it was. */
int hlog__write(struct hlog *hlog, const char *tag, __u64 start_ns, __u64 length_ns, __u64 max_ns,
		const __u64 *hist);
int hlog__close(struct hlog *hlog);

/* What a line has as its last field, for the caller to free; NULL: no memory. */
char *hlog__encode(const __u64 *hist);

#endif
