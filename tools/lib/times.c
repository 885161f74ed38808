// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "times.h"

const struct timing_name timings[NR_TIMINGS] = {
#define X(id, n, h) { .name = n, .help = h },
	TIMINGS(X)
#undef X
};

int times__pack(struct times **times, const __u32 *hist, __u64 sum_ns)
{
	struct times *new;
	__u32 nr = 0;

	*times = NULL;
	for (int i = 0; i < HIST_SLOTS; i++)
		nr += hist[i] != 0;
	if (!nr)
		return 0;
	new = malloc(sizeof(*new) + nr * sizeof(new->at[0]));
	if (!new)
		return -ENOMEM;
	new->sum_ns = sum_ns;
	new->nr = 0;
	for (int i = 0; i < HIST_SLOTS; i++)
		if (hist[i])
			new->at[new->nr++] = (struct bucket){ .slot = i, .count = hist[i] };
	*times = new;
	return 0;
}

void times__add(const struct times *times, __u32 *hist, __u64 *sum_ns)
{
	if (!times)
		return;
	for (__u32 i = 0; i < times->nr; i++)
		hist[times->at[i].slot] += times->at[i].count;
	*sum_ns += times->sum_ns;
}
