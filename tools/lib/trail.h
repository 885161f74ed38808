/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the last intervals were like, for what is shown over time. */
#ifndef TOOLS_TRAIL_H
#define TOOLS_TRAIL_H

#include "snapshot.h"

#define TRAIL_LEN 256

/* What is shown in most detail. */
enum operation {
	OPERATION_MAP,
	OPERATION_UNMAP,
	OPERATION_INV,
	OPERATION_USER_INV,
	OPERATION_FAULT,	/* service: from delivery to the answer */
	NR_OPERATIONS,
};

const char *operation__name(enum operation op);

/* Which of the histograms of a row it has. */
extern const enum timing operation_timing[NR_OPERATIONS];

/* The buckets of bpf/hist.h; returns how many values are in them. times may be NULL. */
__u64 times__unpack(const struct times *times, __u32 *hist);

struct trail_step {
	__u64 seq;
	__u64 ts_ns;
	struct value rates[NR_OPERATIONS];
	struct times *times[NR_OPERATIONS];	/* NULL: there were none */
};

/* A ring. */
struct trail {
	struct trail_step steps[TRAIL_LEN];
	size_t next, nr;
};

/* Once for each snapshot, in their order; without memory the histograms are missing. */
void trail__add(struct trail *trail, const struct snapshot *snap);
void trail__clear(struct trail *trail);

/*
 * What was so many intervals before a snapshot, 0: in its own; NULL: not known. One that
 * is looked at again later has the same past.
 */
const struct trail_step *trail__before(const struct trail *trail, const struct snapshot *snap,
				       size_t steps);

#endif
