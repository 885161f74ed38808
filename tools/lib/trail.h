/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the last intervals were like, for what is shown over time. */
#ifndef TOOLS_TRAIL_H
#define TOOLS_TRAIL_H

#include "snapshot.h"

#define TRAIL_LEN 256

struct trail_step {
	__u64 seq;
	__u64 ts_ns;
	struct value rates[NR_SPREADS];
	struct spread spread[NR_SPREADS];
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
