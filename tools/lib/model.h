/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes snapshots out of readings: remembers the cumulative values of the last
 * step per address space and subtracts.
 *
 * What happened in an interval is known from two sources: the driver counts
 * everything, but a space that came and went between two readings was never
 * seen; BPF sees that too, but the kernel may skip a program. Neither counts
 * what did not happen, so that the larger sum is right, and the intervals of all
 * snapshots add up exactly as long as one of the two is complete. Latencies come
 * from BPF, what is true now from the driver.
 */
#ifndef TOOLS_MODEL_H
#define TOOLS_MODEL_H

#include "collect.h"
#include "faults.h"

struct model;

/* One reading of all sources; samples and faults are NULL without BPF. */
struct reading {
	__u64 ts_ns;
	const struct counter_set *counters;
	enum counter_source source;
	enum watch watch;	/* whose samples these are */
	const struct sample_set *samples;
	const struct fault_set *faults;
};

struct model *model__new(void);
void model__free(struct model *model);

/*
 * The first reading only sets the baseline (*snap becomes NULL); in it, the
 * samples must have been read before the counters, in all others after them:
 * then the driver never seems to have counted more than BPF saw because of the
 * time in between. 0 or -ENOMEM.
 */
int model__step(struct model *model, const struct reading *reading, struct snapshot **snap);

/*
 * What BPF may forget: operations and faults on spaces that are gone, and unanswered
 * faults that have been answered, as the driver knows better.
 */
struct retire_ops {
	void (*op)(const struct ioasid_stat_key *key, const struct ioasid_stat *known, void *arg);
	void (*device)(const struct ioasid_fault_key *key, void *arg);
	void (*inflight)(const struct ioasid_inflight_key *key, void *arg);
};

void model__retire(struct model *model, const struct retire_ops *ops, void *arg);

#endif
