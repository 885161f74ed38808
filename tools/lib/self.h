/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What looking costs, and how often one can afford to look. */
#ifndef TOOLS_SELF_H
#define TOOLS_SELF_H

#include "snapshot.h"

/* Remembers what was measured last. */
struct self_watch {
	bool started;
	int stats_fd; /* the kernel measures as long as it is open; 0 none */
	__u64 cpu_ns, bpf_ns, bpf_runs;
};

/*
 * Has the kernel measure all BPF programs of the machine, which costs each run of each
 * of them some ten nanoseconds. 0 or a negative errno.
 */
int self__measure_bpf(struct self_watch *watch);
void self__close(struct self_watch *watch);

/*
 * Fills snap->self, or only remembers when snap is NULL. bpf_ns and bpf_runs are
 * cumulative, map_bytes is 0 without BPF.
 */
void self__fill(struct self_watch *watch, struct snapshot *snap, __u64 map_bytes, __u64 bpf_ns,
		__u64 bpf_runs);

/*
 * A reading, and showing it, may take this share of one processor in the long run. When
 * two in a row take more the interval is doubled, as often as needed, and made shorter
 * again, but not than was asked for, when it would take less than half of that.
 */
#define PACE_PERCENT	25
#define PACE_MAX_NS	60000000000ULL

struct pace {
	int percent;		/* 0: any */
	__u64 wanted_ns;
	__u64 now_ns;
	int over;		/* readings in a row that took too much */
};

void pace__set(struct pace *pace, __u64 wanted_ns);

/* After a reading and what it has cost. True: now_ns is another. */
bool pace__step(struct pace *pace, __u64 cost_ns);

/* What to say about it, or an empty text. */
void pace__text(const struct pace *pace, char *text, size_t size);

#endif
