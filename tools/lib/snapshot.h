/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happened in one interval, ready to be shown. Owns all it points to. */
#ifndef TOOLS_SNAPSHOT_H
#define TOOLS_SNAPSHOT_H

#include "counters.h"
#include "metric.h"
#include "watch.h"

/* Space for 16 bytes, each written as \xHH. */
#define COMM_LEN	(16 * 4 + 1)

enum row_state {
	ROW_SPACE,	/* an address space */
	ROW_CTX,	/* a context: what belongs to none of its spaces */
	ROW_GONE,	/* a space or context that vanished during the interval */
	ROW_OTHER,	/* operations that BPF could not attribute */
	ROW_DEVICE,	/* a device as a source of faults on a space */
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
};

/* What BPF did not see or could not attribute, since the tool started. */
struct lost {
	bool known;
	__u64 missed;		/* programs skipped by the kernel */
	__u64 unattributed;	/* no room for another space */
	__u64 late;		/* arrived after their space had been forgotten */
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
	size_t nr_ctxs;
	size_t nr_spaces;
	struct row total;
	struct row *rows;
	size_t nr_rows;
	struct row *devices;	/* that have had faults, of the spaces above */
	size_t nr_devices;
};

/* Whether its source knows such operations: one that does not cannot say that there were none. */
bool snapshot__has_op(const struct snapshot *snap, int op);

__u64 lost__total(const struct lost *lost);
void snapshot__free(struct snapshot *snap);

/* Order of rows: by a metric or, with NR_METRICS, by name; ties by number. */
void snapshot__sort(struct snapshot *snap, enum metric_id id, bool ascending);

/* A space with faults, now or ever; context, space and device are the same space. */
bool row__has_faults(const struct row *row);
bool row__is_on(const struct row *device, const struct row *space);

/* A case-insensitive part of name, number of process or device. */
bool row__contains(const struct row *row, const char *text);

/* Everything but printable ASCII becomes \xHH: terminals obey control bytes. */
void neutralise(char *out, size_t size, const char *in, size_t len);

#endif
