/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happened in one interval, ready to be shown. Owns all it points to. */
#ifndef TOOLS_SNAPSHOT_H
#define TOOLS_SNAPSHOT_H

#include <linux/ioasid.h>
#include "counters.h"
#include "metric.h"
#include "process.h"
#include "times.h"
#include "watch.h"

/* Space for 16 bytes, each written as \xHH. */
#define COMM_LEN	(16 * 4 + 1)

enum row_state {
	ROW_SPACE,	/* an address space */
	ROW_CTX,	/* a context: what belongs to none of its spaces */
	ROW_GONE,	/* a space or context that vanished during the interval */
	ROW_OTHER,	/* operations that BPF could not attribute */
	ROW_DEVICE,	/* a device as a source of faults on a space */
	ROW_GROUP,	/* several rows as one, or a part of one: see groups.h */
	ROW_TOTAL,
};

struct row {
	enum row_state state;
	__u32 ctx;
	__u32 ioasid;
	char comm[COMM_LEN];
	char door[8];
	char kind[16];
	char *attached;		/* names separated by blanks, may be NULL */
	__u64 cookie;		/* of a device, whose name is attached */
	struct value v[NR_METRICS];
	struct times *times[NR_TIMINGS];	/* NULL: nothing was timed */
	/* of a group, whose name is attached */
	char *note;		/* container, or PASIDs; may be NULL */
	__u32 nspid;		/* 0: not known */
	__u32 nr_ctxs, nr_spaces, nr_processes;
};

/* What BPF did not see or could not attribute, since the tool started. */
struct lost {
	bool known;
	__u64 missed;		/* programs skipped by the kernel */
	__u64 unattributed;	/* no room for another space */
	__u64 late;		/* arrived after their space had been forgotten */
};

/* What looking costs, in the interval. Filled in by whoever looks: see self.h. */
struct self {
	bool known;
	bool bpf_known;		/* the kernel measures BPF programs */
	__u64 cpu_ns;		/* of this process */
	__u64 rss_bytes;
	__u64 map_bytes;	/* of the BPF maps */
	__u64 bpf_ns;		/* in our BPF programs, whoever ran them */
	__u64 bpf_runs;
	__u64 wanted_ns;	/* the interval that would have been too short, or 0 */
};

/* Code that maps: who called whom. */
struct map_stack {
	__u32 pid;
	char comm[COMM_LEN];
	__u64 count, bytes;	/* of the interval */
	__u64 total;		/* since it is counted */
	/* Functions, the innermost first, each ended by a newline; NULL: not known. */
	char *kernel, *user;
};

/* Counted only while somebody looks. */
struct map_stacks {
	bool counted;
	struct map_stack *at;	/* what mapped most in the interval comes first */
	size_t nr;
	size_t nr_more;		/* stacks beyond that, and how often they mapped */
	__u64 count_more, total_more;
	__u64 lost;		/* maps that found no room, since it is counted */
	char why[128];		/* why there are none, or empty */
};

/* The space that the user looks into. */
#define MAX_SPACE_MAPPINGS	256

struct space_mappings {
	__u32 ctx, ioasid;	/* 0: nobody looked */
	bool known;
	struct ioasid_mapping_info *at;
	size_t nr;
	bool more;
	char why[160];		/* why they are not known */
};

struct snapshot {
	__u64 seq;
	__u64 ts_ns;		/* CLOCK_MONOTONIC */
	__u64 interval_ns;
	__u64 instance;		/* 0: unknown, there is no context */
	enum counter_source source;
	enum watch watch;
	bool bpf;
	bool bpf_faults;
	bool complete;
	struct lost lost;
	struct self self;
	size_t nr_ctxs;
	size_t nr_spaces;
	struct row total;
	struct row *rows;
	size_t nr_rows;
	struct row *devices;	/* that have had faults, of the spaces above */
	size_t nr_devices;
	struct process *processes;	/* of the rows, as far as they are known */
	size_t nr_processes;
	struct map_stacks stacks;
	struct space_mappings mappings;
};

/* Whether its source knows such operations: one that does not cannot say that there were none. */
bool snapshot__has_op(const struct snapshot *snap, int op);

__u64 lost__total(const struct lost *lost);
void snapshot__free(struct snapshot *snap);

/* What rows are sorted by: a metric or one of these; ties by number. */
enum row_key {
	ROW_KEY_COMM = NR_METRICS,
	ROW_KEY_NAME,		/* of a device or group */
	ROW_KEY_NOTE,
	ROW_KEY_NSPID,
	ROW_KEY_CTXS,
	ROW_KEY_SPACES,
	ROW_KEY_PROCESSES,
};

void rows__sort(struct row *rows, size_t nr, int key, bool ascending);
void snapshot__sort(struct snapshot *snap, int key, bool ascending);

/* What a row owns. */
void row__clear(struct row *row);

/* A space with faults, now or ever; context, space and device are the same space. */
bool row__has_faults(const struct row *row);
bool row__is_on(const struct row *device, const struct row *space);

/* A case-insensitive part of name, number of process or device. */
bool row__contains(const struct row *row, const char *text);

/* Everything but printable ASCII becomes \xHH: terminals obey control bytes. */
void neutralise(char *out, size_t size, const char *in, size_t len);

#endif
