/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Page faults from BPF: loading, attaching and reading bpf/faults.bpf.c. */
#ifndef TOOLS_FAULTS_H
#define TOOLS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include "../../bpf/faults.h"

struct faults;

/* Cumulative values of one device on one space, summed over CPUs. */
struct fault_sample {
	struct ioasid_fault_key key;
	struct ioasid_fault_stat sum;
};

struct inflight_sample {
	struct ioasid_inflight_key key;
	__u64 ts_ns;		/* when it was reported */
};

struct fault_set {
	struct fault_sample *samples;
	size_t nr, room;
	struct inflight_sample *inflight;
	size_t nr_inflight;
	__u64 ts_ns;		/* when these were read */
	__u64 lost;		/* faults without a record, since the start */
	__u64 missed;		/* programs skipped by the kernel */
	__u64 bpf_ns, bpf_runs;	/* of the programs, while the kernel measures them */
};

/* How many devices on spaces the map holds in this many bytes on this machine. */
unsigned int faults__entries(__u64 bytes);

/*
 * 0 or a negative errno: -ENOENT when the driver does not have the tracepoints. To be
 * called after collect__open(), which sets where messages of the loader go.
 */
int faults__open(struct faults **faults, __u64 bytes);
void faults__close(struct faults *faults);

/* Fills the set, whose memory is used again. 0 or a negative errno. */
int faults__read(struct faults *faults, struct fault_set *set);
void fault_set__free(struct fault_set *set);

/* Forgets a device on a space that is gone, a group that was answered unseen. */
void faults__retire(struct faults *faults, const struct ioasid_fault_key *key);
void faults__answered(struct faults *faults, const struct ioasid_inflight_key *key);

/* now += cpu; delta = now - last, but for the maximum, which is that of all time. */
void fault_stat__add(struct ioasid_fault_stat *now, const struct ioasid_fault_stat *cpu);
void fault_stat__subtract(struct ioasid_fault_stat *delta, const struct ioasid_fault_stat *now,
			  const struct ioasid_fault_stat *last);

/* Nothing was counted from one to the other. */
bool fault_stat__same(const struct ioasid_fault_stat *a, const struct ioasid_fault_stat *b);

#endif
