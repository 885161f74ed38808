/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is read out of the histograms of bpf/hist.h. */
#ifndef TOOLS_QUANTILE_H
#define TOOLS_QUANTILE_H

#include <stdbool.h>
#include "../../bpf/hist.h"

/* A midpoint is at most this far from any value of its bucket. */
#define HIST_ERROR_PERCENT	3.125

__u64 hist__total(const __u32 *hist);

/*
 * The value at or below which the fraction q of all values lies (nearest rank),
 * as the midpoint of its bucket. False when the histogram is empty.
 */
bool hist__quantile(const __u32 *hist, double q, __u64 *value);

/*
 * The largest value: the upper end of the highest bucket in use, or known_max
 * (a maximum over a longer time) when that is nearer.
 */
bool hist__max(const __u32 *hist, __u64 known_max, __u64 *value);

/* The same of histograms that were added up over a long time. */
__u64 hist64__total(const __u64 *hist);
bool hist64__quantile(const __u64 *hist, double q, __u64 *value);
bool hist64__max(const __u64 *hist, __u64 known_max, __u64 *value);

/* What stands for all values of a bucket. */
__u64 hist__midpoint(__u32 index);

#endif
