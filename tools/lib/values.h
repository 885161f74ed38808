/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How what was counted and timed becomes values of metrics. */
#ifndef TOOLS_VALUES_H
#define TOOLS_VALUES_H

#include "metric.h"

void set_count(struct value *value, __u64 count);
void fill_rate(struct value *rate, __u64 count, __u64 interval_ns);

/* Of a histogram of bpf/hist.h; not known when it is empty. max_ns: of all time. */
void fill_max(struct value *value, const __u32 *hist, __u64 max_ns);
void fill_quantile(struct value *value, const __u32 *hist, __u64 max_ns, double q);

#endif
