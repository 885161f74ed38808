/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the model remembers about the page faults of one space. */
#ifndef TOOLS_FAULT_TRACK_H
#define TOOLS_FAULT_TRACK_H

#include "faults.h"
#include "snapshot.h"

/* The counters among the members of struct counter_faults, in their order. */
enum {
	F_GROUPS, F_PAGES, F_UNRECOVERABLE, F_SUCCESS, F_INVALID, F_OVERFLOWS, F_TIMEOUTS,
	F_CANCELS, NR_F
};

/* A device that BPF has seen. */
struct fault_device {
	struct ioasid_fault_key key;
	struct ioasid_fault_stat last;	/* cumulative, at the last step */
	struct ioasid_fault_stat delta;	/* of this step; maxima are cumulative */
	__u64 base[NR_F];		/* counted when we came */
	bool seen;			/* in this step */
	bool quiet;			/* nothing happened in it */
	__u64 pending;
	__u64 oldest_ts_ns;
};

/* The counters as in struct track: known is the larger of what the two sources say. */
struct fault_track {
	bool counted;			/* this step's counters have faults */
	__u64 ts_ns;			/* when they were read, or a little before */
	__u64 bpf_ts_ns;		/* when BPF's were */
	__u64 pending;			/* COUNTER_ABSENT: not known; so is oldest */
	__u64 oldest;
	__u64 last[NR_F];
	__u64 driver[NR_F];
	__u64 known[NR_F];
	__u64 delta[NR_F];
	struct fault_device **devices;
	size_t nr;
};

void fault_track__free(struct fault_track *track);

/* Before a step; what was read (-ENOMEM); after all of it. */
void fault_track__begin(struct fault_track *track, __u64 ts_ns);
void fault_track__counters(struct fault_track *track, const struct counter_faults *now,
			   bool baseline);
int fault_track__sample(struct fault_track *track, const struct fault_sample *sample,
			bool baseline);
int fault_track__inflight(struct fault_track *track, const struct inflight_sample *inflight,
			  __u64 ts_ns);
void fault_track__settle(struct fault_track *track, bool baseline);

/*
 * Whether a group must have been answered while BPF did not look: the driver, if it
 * was asked, has none that is so old.
 */
bool fault_track__is_stale(const struct fault_track *track, __u64 ts_ns);

bool fault_track__is_active(const struct fault_track *track);

/* bpf: the tracepoints are there. */
void fault_track__fill(const struct fault_track *track, struct row *row, __u64 interval_ns,
		       bool bpf);

/* A row for each device, for which the snapshot has room. 0 or -ENOMEM. */
int fault_track__add_rows(const struct fault_track *track, struct snapshot *snap,
			  const struct row *space);

int fault_device__add_times(const struct fault_device *device, struct row *row);
void fault_track__add_times(const struct fault_track *track, struct ioasid_fault_stat *sum);
void fill_fault_times(struct value *v, const struct ioasid_fault_stat *delta);
void fill_fault_rates(struct value *v, __u64 interval_ns);

#endif
