/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Snapshots made by hand, and random ones. To be included after harness.h. */
#ifndef TESTS_SNAPSHOT_UTIL_H
#define TESTS_SNAPSHOT_UTIL_H

#include "snapshot.h"

#define SECOND 1000000000ULL

static inline void set_value(struct row *row, enum metric_id id, __u64 count)
{
	row->v[id].known = true;
	if (metrics[id].unit == UNIT_RATE)
		row->v[id].rate = count;
	else
		row->v[id].count = count;
}

static inline struct snapshot *new_snapshot(size_t rows)
{
	struct snapshot *snap = calloc(1, sizeof(*snap));

	ASSERT_TRUE(snap);
	snap->rows = calloc(rows ? rows : 1, sizeof(*snap->rows));
	ASSERT_TRUE(snap->rows);
	snap->nr_rows = rows;
	snap->seq = 1;
	snap->interval_ns = SECOND;
	snap->instance = 7;
	snap->source = COUNTERS_DEBUGFS;
	snap->complete = true;
	return snap;
}

static inline struct row *set_space(struct snapshot *snap, size_t at, __u32 ctx, __u32 ioasid)
{
	struct row *row = &snap->rows[at];

	row->state = ioasid ? ROW_SPACE : ROW_CTX;
	row->ctx = ctx;
	row->ioasid = ioasid;
	set_value(row, METRIC_CTX, ctx);
	if (ioasid)
		set_value(row, METRIC_IOASID, ioasid);
	return row;
}

/* One more operation in a row's histogram. */
static inline void add_timed(struct row *row, enum timing t, __u64 ns, __u32 count)
{
	__u32 hist[HIST_SLOTS] = { 0 };
	__u64 sum = 0;

	times__add(row->times[t], hist, &sum);
	free(row->times[t]);
	hist[hist_index(ns)] += count;
	ASSERT_EQ(0, times__pack(&row->times[t], hist, sum + ns * count));
}

#endif
