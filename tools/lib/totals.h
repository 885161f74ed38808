/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything that snapshots say of their intervals, added up: what counters of
 * OpenMetrics are made of. Each space has sums of its own while it is there and as
 * long as there is room; what is gone and what found no room is in "other". Sums
 * never go from "other" to a space, so that none of them goes down, and all together
 * are what happened since the first snapshot, to the unit.
 */
#ifndef TOOLS_TOTALS_H
#define TOOLS_TOTALS_H

#include "snapshot.h"

/*
 * Upper bounds, exclusive: powers of two from 256 ns, each the end of an octave of
 * bpf/hist.h, and the lower end of the bucket that has no upper end (16.6 s). Longer
 * times are in the last of the parts.
 */
#define TOTALS_FIRST_EXP 8
#define TOTALS_BOUNDS	 (HIST_MAX_EXP - TOTALS_FIRST_EXP + 2)

__u64 totals__bound(int part);

struct sum {
	__u64 count[NR_METRICS]; /* of those that are METRIC_IS_COUNT */
	bool known[NR_METRICS];
	__u64 sum_ns[NR_TIMINGS];
	__u64 parts[NR_TIMINGS][TOTALS_BOUNDS + 1]; /* not cumulative */
	bool timed[NR_TIMINGS]; /* anything at all */
};

struct space_sum {
	__u64 instance;
	__u32 ctx;
	__u32 ioasid; /* 0: the context itself */
	__u64 pid; /* 0: not known yet */
	char comm[COMM_LEN];
	bool seen; /* in the last snapshot */
	struct sum sum;
};

struct totals {
	struct space_sum *spaces; /* no order */
	size_t nr, max;
	struct sum other;
	__u64 cpu_ns, bpf_ns, bpf_runs;	/* of the tool itself */
};

/* NULL without memory. Each of max spaces takes sizeof(struct space_sum). */
struct totals *totals__new(size_t max);
void totals__free(struct totals *totals);

/*
 * To be called for each snapshot once, in order. 0 or -ENOMEM; what happened is counted
 * nevertheless.
 */
int totals__add(struct totals *totals, const struct snapshot *snap);

/* All in one, over all spaces and what is gone. */
void totals__sum(const struct totals *totals, struct sum *sum);

/* The sums of a row of the last snapshot, or NULL when it has none of its own. */
const struct space_sum *totals__find(const struct totals *totals, const struct snapshot *snap,
				     const struct row *row);

#endif
