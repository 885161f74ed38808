/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Histograms of bpf/hist.h as snapshots keep them: without the empty buckets at both
 * ends, because there are many snapshots and most operations take similarly long.
 */
#ifndef TOOLS_SPREAD_H
#define TOOLS_SPREAD_H

#include <linux/types.h>

/* Operations that have one. */
enum spread_id {
	SPREAD_MAP,
	SPREAD_UNMAP,
	SPREAD_INV,
	SPREAD_USER_INV,
	SPREAD_FAULT, /* service: from delivery to the answer */
	NR_SPREADS,
};

struct spread {
	__u32 first;
	__u32 nr; /* 0: empty */
	__u32 *counts;
};

const char *spread__name(enum spread_id id);

/* Without memory it is empty, as -ENOMEM says. */
int spread__make(struct spread *spread, const __u32 *hist);
int spread__copy(struct spread *spread, const struct spread *from);
void spread__free(struct spread *spread);

/* Adds it to a whole histogram. */
void spread__add(const struct spread *spread, __u64 *hist);
__u64 spread__total(const struct spread *spread);

#endif
