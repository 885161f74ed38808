/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What bpf/faults.bpf.c and the tools share: page faults of devices, counted and
 * timed per address space and device. As in stats.h everything is cumulative, and
 * buckets have 32 bits.
 */
#ifndef IOASID_BPF_FAULTS_H
#define IOASID_BPF_FAULTS_H

#include <linux/types.h>
#include "hist.h"

struct ioasid_fault_key {
	__u64 cookie;		/* the user's label of the device */
	__u32 ctx;
	__u32 ioasid;
	__u32 dev;		/* as in the tracepoints */
	__u32 __pad;
};

enum ioasid_fault_outcome {
	IOASID_OUTCOME_SUCCESS,
	IOASID_OUTCOME_INVALID,		/* by whoever handles it, user or kernel */
	IOASID_OUTCOME_OVERFLOW,	/* nobody was asked */
	IOASID_OUTCOME_TIMEOUT,
	IOASID_OUTCOME_CANCEL,		/* detached, or nobody is there any more */
	IOASID_NR_OUTCOMES,
};

struct ioasid_fault_times {
	__u64 sum_ns;
	__u64 max_ns;
	__u32 hist[HIST_SLOTS];
};

/* As seen by one CPU. Each field is written by one program only. */
struct ioasid_fault_stat {
	/* report */
	__u64 groups;
	__u64 pages;
	__u64 unrecoverable;
	/* deliver */
	__u64 delivered;
	struct ioasid_fault_times queue;	/* from report to whoever handles it */
	/* respond */
	__u64 answers[IOASID_NR_OUTCOMES];
	struct ioasid_fault_times service;	/* from there to the answer, where one was given */
	struct ioasid_fault_times total;	/* what the device waited, whatever came of it */
};

_Static_assert(sizeof(struct ioasid_fault_stat) == 6072, "memory of the maps is documented");

/* A group that has not been answered. */
struct ioasid_inflight_key {
	struct ioasid_fault_key from;
	__u32 pasid;
	__u32 group;
};

struct ioasid_inflight {
	__u64 ts_ns;		/* when it was reported, CLOCK_MONOTONIC */
	__u64 addr;		/* of its first page */
};

/* How many of those are known at a time, in all. */
#define IOASID_MAX_INFLIGHT	16384

/* Faults of which there is no record, because a map is full. */
enum ioasid_fault_lost {
	IOASID_LOST_DEVICE,	/* no room for another device */
	IOASID_LOST_INFLIGHT,	/* counted, but not among the unanswered */
	IOASID_NR_FAULT_LOST,
};

#endif
