// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../../bpf/hist.h"
#include "spread.h"

const char *spread__name(enum spread_id id)
{
	static const char *const names[NR_SPREADS] = {
		[SPREAD_MAP] = "map",
		[SPREAD_UNMAP] = "unmap",
		[SPREAD_INV] = "inval",
		[SPREAD_USER_INV] = "user inval",
		[SPREAD_FAULT] = "fault service",
	};

	return names[id];
}

static int fill(struct spread *spread, const __u32 *counts)
{
	spread->counts = malloc(spread->nr * sizeof(*counts));
	if (!spread->counts) {
		spread->nr = 0;
		return -ENOMEM;
	}
	memcpy(spread->counts, counts, spread->nr * sizeof(*counts));
	return 0;
}

int spread__make(struct spread *spread, const __u32 *hist)
{
	int first = 0, end = HIST_SLOTS;

	*spread = (struct spread){ 0 };
	while (end && !hist[end - 1])
		end--;
	while (first < end && !hist[first])
		first++;
	if (first == end)
		return 0;
	spread->first = first;
	spread->nr = end - first;
	return fill(spread, hist + first);
}

int spread__copy(struct spread *spread, const struct spread *from)
{
	*spread = *from;
	spread->counts = NULL;
	return from->nr ? fill(spread, from->counts) : 0;
}

void spread__free(struct spread *spread)
{
	free(spread->counts);
	*spread = (struct spread){ 0 };
}

void spread__add(const struct spread *spread, __u64 *hist)
{
	for (__u32 i = 0; i < spread->nr && spread->first + i < HIST_SLOTS; i++)
		hist[spread->first + i] += spread->counts[i];
}

__u64 spread__total(const struct spread *spread)
{
	__u64 total = 0;

	for (__u32 i = 0; i < spread->nr; i++)
		total += spread->counts[i];
	return total;
}
