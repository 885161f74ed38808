// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "quantile.h"
#include "values.h"

void set_count(struct value *value, __u64 count)
{
	value->known = true;
	value->count = count;
}

void fill_rate(struct value *rate, __u64 count, __u64 interval_ns)
{
	if (!interval_ns)
		return;
	rate->known = true;
	rate->rate = (double)count * 1e9 / (double)interval_ns;
}

void fill_max(struct value *value, const __u32 *hist, __u64 max_ns)
{
	__u64 result;

	if (hist__max(hist, max_ns, &result))
		set_count(value, result);
}

/* The maximum is known better than its bucket's middle: nothing exceeds it. */
void fill_quantile(struct value *value, const __u32 *hist, __u64 max_ns, double q)
{
	__u64 result, max;

	if (!hist__quantile(hist, q, &result))
		return;
	if (hist__max(hist, max_ns, &max) && result > max)
		result = max;
	set_count(value, result);
}
