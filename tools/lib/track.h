/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the model remembers about one space (or context: ioasid 0). */
#ifndef TOOLS_TRACK_H
#define TOOLS_TRACK_H

#include "fault_track.h"
#include "model.h"

/* The driver's counters of a space, in the order of struct counter_space. */
enum {
	C_MAPS, C_MAP_ERRORS, C_MAP_BYTES, C_UNMAPS, C_UNMAP_ERRORS, C_UNMAP_BYTES, C_INVS,
	C_USER_INVS, C_USER_INV_ERRORS, NR_C
};

struct track_op {
	struct ioasid_stat last;	/* cumulative, at the last step */
	struct ioasid_stat delta;	/* of this step; max_ns is cumulative */
	bool seen;			/* in this step */
	bool quiet;			/* nothing happened in it */
};

struct track {
	__u32 ctx;
	__u32 ioasid;
	bool other;
	bool live;			/* in this step's counters */
	bool was_live;
	__u64 last[NR_C];		/* the driver's counters as they were read */
	/*
	 * What happened since the start: as the driver counted (less what came
	 * and went unseen), as BPF counted (less what it missed), and the best
	 * that is known, which is the larger: neither counts what did not happen.
	 */
	__u64 driver[NR_C];
	__u64 bpf_base[NR_C];
	__u64 known[NR_C];
	__u64 delta[NR_C];		/* of known, in this step */
	__s64 ahead_base;		/* how far the driver was ahead of BPF at the start */
	__u64 lost;
	unsigned int quiet_steps;	/* in a row, up to as many as matter */
	__u64 pid;
	char comm[COMM_LEN];
	struct track_op *ops[IOASID_NR_OPS];
	struct fault_track faults;
};

void track__free(struct track *track);

/* Before a step, of which this is the time. */
void track__begin(struct track *track, __u64 ts_ns);

/* What was read; track__sample() fails with -ENOMEM. */
void track__counters(struct track *track, const struct counter_space *space, bool baseline);
int track__sample(struct track *track, const struct stat_sample *sample);

/* After all of it: brings the two sources together. */
void track__settle(struct track *track, bool baseline);

/* What BPF saw in this step, of one of the driver's counters. */
__u64 track__bpf_delta(const struct track *track, int counter);

/* Whether BPF saw anything in this step; whether nobody did. */
bool track__is_active(const struct track *track);
bool track__is_quiet(const struct track *track);

/* Metrics of the interval: rates and percentiles of an operation. */
void track__fill(const struct track *track, struct row *row, const struct snapshot *snap);

/* Histograms of the interval: of a space, and of all rows. 0 or -ENOMEM. */
int track__add_times(const struct track *track, struct row *row);
int snapshot__sum_times(struct snapshot *snap);

void fill_op(struct value *v, enum ioasid_op op, const struct ioasid_stat *delta);
/* The same for a snapshot, of whose source times may be unknown. */
void fill_op_of(const struct snapshot *snap, struct value *v, enum ioasid_op op,
		const struct ioasid_stat *delta);
void fill_rates(struct value *v, __u64 interval_ns);

#endif
