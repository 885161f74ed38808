/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF side: loading, attaching and reading bpf/collect.bpf.c. */
#ifndef TOOLS_COLLECT_H
#define TOOLS_COLLECT_H

#include "../../bpf/stats.h"
#include "snapshot.h"
#include "watch.h"

struct collect;

/* Cumulative values of one operation on one space, summed over CPUs. */
struct stat_sample {
	struct ioasid_stat_key key;
	bool other;		/* of spaces that found no room */
	struct ioasid_stat sum;
};

struct sample_set {
	struct stat_sample *samples;
	size_t nr;
	size_t room;
	struct lost lost;
	__u64 bpf_ns, bpf_runs;	/* of the programs, while the kernel measures them */
};

/* Memory of the maps: bounds and default, in MiB. */
#define COLLECT_MEMORY_MIN	1
#define COLLECT_MEMORY_MAX	4096
#define COLLECT_MEMORY_DEFAULT	64

struct collect_size {
	unsigned int cpus;
	unsigned int entries;		/* operations times spaces */
	__u64 bytes;
};

/* The part of it that is for page faults: see faults__open(). */
__u64 collect__fault_bytes(unsigned int memory_mib);

/* How much the maps hold in a given amount of memory on this machine. */
struct collect_size collect__size(unsigned int memory_mib);

/*
 * Loads and attaches all programs. On failure a negative errno, and why becomes
 * one sentence.
 */
int collect__open(struct collect **collect, unsigned int memory_mib, bool verbose, char *why,
		  size_t size);

/* The same of another source; the probe says what is in the way when it fails. */
int collect__open_watch(struct collect **collect, enum watch watch, const struct probe *probe,
			unsigned int memory_mib, bool verbose, char *why, size_t size);
void collect__close(struct collect *collect);

/* Fills the set, whose memory is used again. 0 or a negative errno. */
int collect__read(struct collect *collect, struct sample_set *set);
void sample_set__free(struct sample_set *set);

/* Forgets an operation on a space that is gone; known: as it was last read. */
void collect__retire(struct collect *collect, const struct ioasid_stat_key *key,
		     const struct ioasid_stat *known);

#endif
