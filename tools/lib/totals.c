// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "totals.h"

__u64 totals__bound(int part)
{
	int exp = TOTALS_FIRST_EXP + part;

	return exp <= HIST_MAX_EXP ? 1ULL << exp : hist_lower(HIST_SLOTS - 1);
}

/* The first part whose bound lies above all values of the bucket. */
static int part_of(__u32 slot)
{
	__u64 lower = hist_lower(slot);
	int part = 0;

	while (part < TOTALS_BOUNDS && lower >= totals__bound(part))
		part++;
	return part;
}

struct totals *totals__new(size_t max)
{
	struct totals *totals = calloc(1, sizeof(*totals));

	if (totals)
		totals->max = max;
	return totals;
}

void totals__free(struct totals *totals)
{
	if (!totals)
		return;
	free(totals->spaces);
	free(totals);
}

static void add_sum(struct sum *sum, const struct sum *more)
{
	for (int id = 0; id < NR_METRICS; id++) {
		sum->count[id] += more->count[id];
		sum->known[id] |= more->known[id];
	}
	for (int t = 0; t < NR_TIMINGS; t++) {
		sum->sum_ns[t] += more->sum_ns[t];
		sum->timed[t] |= more->timed[t];
		for (int part = 0; part <= TOTALS_BOUNDS; part++)
			sum->parts[t][part] += more->parts[t][part];
	}
}

static void add_times(struct sum *sum, enum timing t, const struct times *times)
{
	if (!times)
		return;
	sum->timed[t] = true;
	sum->sum_ns[t] += times->sum_ns;
	for (__u32 i = 0; i < times->nr; i++)
		sum->parts[t][part_of(times->at[i].slot)] += times->at[i].count;
}

static void add_row(struct sum *sum, const struct row *row)
{
	for (int id = 0; id < NR_METRICS; id++) {
		if (!row->v[id].known || metric__kind(id) != METRIC_IS_COUNT)
			continue;
		sum->known[id] = true;
		sum->count[id] += row->v[id].count;
	}
	for (int t = 0; t < NR_TIMINGS; t++)
		add_times(sum, t, row->times[t]);
}

static struct space_sum *find(const struct totals *totals, __u64 instance, __u32 ctx, __u32 ioasid)
{
	for (size_t i = 0; i < totals->nr; i++) {
		struct space_sum *space = &totals->spaces[i];

		if (space->instance == instance && space->ctx == ctx && space->ioasid == ioasid)
			return space;
	}
	return NULL;
}

/* *space is NULL when there is no room. */
static int add_space(struct totals *totals, __u64 instance, const struct row *row,
		     struct space_sum **space)
{
	struct space_sum *spaces;

	*space = NULL;
	if (totals->nr == totals->max)
		return 0;
	spaces = reallocarray(totals->spaces, totals->nr + 1, sizeof(*spaces));
	if (!spaces)
		return -ENOMEM;
	totals->spaces = spaces;
	*space = &spaces[totals->nr++];
	**space = (struct space_sum){
		.instance = instance,
		.ctx = row->ctx,
		.ioasid = row->ioasid,
		.seen = true,
	};
	return 0;
}

/* A context has a row only when there is something to say: it goes with its spaces. */
static bool is_there(const struct snapshot *snap, const struct space_sum *space)
{
	if (space->seen)
		return true;
	if (space->ioasid || space->instance != snap->instance)
		return false;
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (snap->rows[i].state != ROW_OTHER && snap->rows[i].ctx == space->ctx)
			return true;
	return false;
}

/* Before the new ones come, so that these find the room. */
static void fold_vanished(struct totals *totals, const struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; i < totals->nr; i++) {
		if (is_there(snap, &totals->spaces[i]))
			totals->spaces[kept++] = totals->spaces[i];
		else
			add_sum(&totals->other, &totals->spaces[i].sum);
	}
	totals->nr = kept;
}

static void mark_seen(struct totals *totals, const struct snapshot *snap)
{
	struct space_sum *space;

	for (size_t i = 0; i < totals->nr; i++)
		totals->spaces[i].seen = false;
	for (size_t i = 0; i < snap->nr_rows; i++) {
		if (snap->rows[i].state == ROW_OTHER)
			continue;
		space = find(totals, snap->instance, snap->rows[i].ctx, snap->rows[i].ioasid);
		if (space)
			space->seen = true;
	}
}

/* Once known, a name stays: another would be another series. */
static void name_space(struct space_sum *space, const struct row *row)
{
	if (!space->pid && row->v[METRIC_PID].known)
		space->pid = row->v[METRIC_PID].count;
	if (!*space->comm)
		memcpy(space->comm, row->comm, sizeof(space->comm));
}

static int add(struct totals *totals, const struct snapshot *snap, const struct row *row)
{
	struct space_sum *space = NULL;
	int err = 0;

	if (row->state != ROW_OTHER)
		space = find(totals, snap->instance, row->ctx, row->ioasid);
	/* What has vanished already would be a row for one reading. */
	if (!space && (row->state == ROW_SPACE || row->state == ROW_CTX))
		err = add_space(totals, snap->instance, row, &space);
	if (space)
		name_space(space, row);
	add_row(space ? &space->sum : &totals->other, row);
	return err;
}

int totals__add(struct totals *totals, const struct snapshot *snap)
{
	int err = 0, failed;

	totals->cpu_ns += snap->self.cpu_ns;
	totals->bpf_ns += snap->self.bpf_ns;
	totals->bpf_runs += snap->self.bpf_runs;
	mark_seen(totals, snap);
	fold_vanished(totals, snap);
	/* Without memory, all of it is counted nevertheless. */
	for (size_t i = 0; i < snap->nr_rows; i++) {
		failed = add(totals, snap, &snap->rows[i]);
		if (failed)
			err = failed;
	}
	return err;
}

void totals__sum(const struct totals *totals, struct sum *sum)
{
	*sum = totals->other;
	for (size_t i = 0; i < totals->nr; i++)
		add_sum(sum, &totals->spaces[i].sum);
}

const struct space_sum *totals__find(const struct totals *totals, const struct snapshot *snap,
				     const struct row *row)
{
	return row->state == ROW_OTHER ? NULL : find(totals, snap->instance, row->ctx, row->ioasid);
}
