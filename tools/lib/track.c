// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "quantile.h"
#include "track.h"
#include "values.h"

void track__free(struct track *track)
{
	for (int op = 0; op < IOASID_NR_OPS; op++)
		free(track->ops[op]);
	fault_track__free(&track->faults);
	free(track);
}

void track__begin(struct track *track, __u64 ts_ns)
{
	fault_track__begin(&track->faults, ts_ns);
	track->was_live = track->live;
	track->live = false;
	memset(track->delta, 0, sizeof(track->delta));
	for (int op = 0; op < IOASID_NR_OPS; op++) {
		if (!track->ops[op])
			continue;
		if (!track->ops[op]->quiet)
			memset(&track->ops[op]->delta, 0, sizeof(track->ops[op]->delta));
		track->ops[op]->seen = false;
	}
}

/* A counter that went down belongs to a new space of the same number. */
void track__counters(struct track *track, const struct counter_space *space, bool baseline)
{
	const __u64 now[NR_C] = {
		space->maps, space->map_errors, space->map_bytes, space->unmaps,
		space->unmap_errors, space->unmap_bytes, space->invalidations,
		space->user_invs, space->user_inv_errors,
	};

	track->live = true;
	fault_track__counters(&track->faults, &space->faults, baseline);
	for (int i = 0; i < NR_C; i++) {
		bool anew = now[i] < track->last[i];

		if (!baseline)
			track->driver[i] += anew ? now[i] : now[i] - track->last[i];
		if (anew)
			track->ahead_base = 0;
		track->last[i] = now[i];
	}
}

static void subtract(struct ioasid_stat *delta, const struct ioasid_stat *now,
		     const struct ioasid_stat *last)
{
	delta->count = now->count - last->count;
	delta->errors = now->errors - last->errors;
	delta->bytes = now->bytes - last->bytes;
	delta->sum_ns = now->sum_ns - last->sum_ns;
	delta->max_ns = now->max_ns;
	for (int i = 0; i < HIST_SLOTS; i++)
		delta->hist[i] = now->hist[i] - last->hist[i];
}

int track__sample(struct track *track, const struct stat_sample *sample)
{
	struct track_op **op = &track->ops[sample->key.op];

	if (!*op) {
		*op = calloc(1, sizeof(**op));
		if (!*op)
			return -ENOMEM;
	}
	(*op)->seen = true;
	/* Most spaces are quiet most of the time: their 496 buckets can wait. */
	(*op)->quiet = sample->sum.count == (*op)->last.count &&
		       sample->sum.errors == (*op)->last.errors;
	if ((*op)->quiet) {
		(*op)->last.flags = sample->sum.flags;
		return 0;
	}
	subtract(&(*op)->delta, &sample->sum, &(*op)->last);
	(*op)->last = sample->sum;
	if (!track->pid && sample->sum.tgid) {
		track->pid = sample->sum.tgid;
		neutralise(track->comm, sizeof(track->comm), sample->sum.comm,
			   sizeof(sample->sum.comm));
	}
	return 0;
}

bool track__is_active(const struct track *track)
{
	for (int op = 0; op < IOASID_NR_OPS; op++)
		if (track->ops[op] && track->ops[op]->seen && !track->ops[op]->quiet)
			return true;
	return fault_track__is_active(&track->faults);
}

bool track__is_quiet(const struct track *track)
{
	for (int i = 0; i < NR_C; i++)
		if (track->delta[i])
			return false;
	return !track__is_active(track);
}

static const enum ioasid_op op_of_counter[NR_C] = {
	IOASID_OP_MAP, IOASID_OP_MAP, IOASID_OP_MAP, IOASID_OP_UNMAP, IOASID_OP_UNMAP,
	IOASID_OP_UNMAP, IOASID_OP_INV, IOASID_OP_USER_INV, IOASID_OP_USER_INV,
};

static __u64 counter_of(const struct ioasid_stat *stat, int counter)
{
	switch (counter) {
	case C_MAP_ERRORS:
	case C_UNMAP_ERRORS:
	case C_USER_INV_ERRORS:
		return stat->errors;
	case C_MAP_BYTES:
	case C_UNMAP_BYTES:
		return stat->bytes;
	}
	return stat->count;
}

static __u64 bpf_count(const struct track *track, int counter)
{
	const struct track_op *op = track->ops[op_of_counter[counter]];

	return op ? counter_of(&op->last, counter) : 0;
}

__u64 track__bpf_delta(const struct track *track, int counter)
{
	const struct track_op *op = track->ops[op_of_counter[counter]];

	return op && op->seen ? counter_of(&op->delta, counter) : 0;
}

static void join_sources(struct track *track, bool baseline)
{
	for (int i = 0; i < NR_C; i++) {
		__u64 bpf = bpf_count(track, i), known = track->driver[i];

		if (baseline)
			track->bpf_base[i] = bpf;
		if (bpf - track->bpf_base[i] > known)
			known = bpf - track->bpf_base[i];
		if (known < track->known[i])
			known = track->known[i];
		track->delta[i] = known - track->known[i];
		track->known[i] = known;
	}
}

/* A machine with much to do may let a whole interval pass in the middle of an operation. */
#define QUIET_STEPS 2

/*
 * The driver counts an operation shortly before BPF does, so that under load
 * some are always on their way. They are lost when they are still missing after
 * some intervals in which nothing happened; and were not when they come even then.
 */
static void settle_lost(struct track *track, __s64 ahead)
{
	if (ahead < (__s64)track->lost)
		track->lost = ahead > 0 ? ahead : 0;
	if (!track__is_quiet(track))
		track->quiet_steps = 0;
	else if (track->quiet_steps < QUIET_STEPS)
		track->quiet_steps++;
	if (track->quiet_steps == QUIET_STEPS && ahead > 0)
		track->lost = ahead;
}

void track__settle(struct track *track, bool baseline)
{
	__s64 ahead;

	join_sources(track, baseline);
	fault_track__settle(&track->faults, baseline);
	if (!track->live)
		return;
	ahead = (__s64)(track->last[C_MAPS] + track->last[C_UNMAPS] -
			bpf_count(track, C_MAPS) - bpf_count(track, C_UNMAPS));
	if (baseline)
		track->ahead_base = ahead;
	ahead -= track->ahead_base;
	settle_lost(track, ahead);
}

/* Where an operation's metrics start; the X-macro keeps them in one order. */
static const enum metric_id first_metric[IOASID_NR_OPS] = {
	[IOASID_OP_MAP] = METRIC_MAP_COUNT,
	[IOASID_OP_UNMAP] = METRIC_UNMAP_COUNT,
	[IOASID_OP_INV] = METRIC_INV_COUNT,
	[IOASID_OP_USER_INV] = METRIC_USER_INV_COUNT,
	[IOASID_OP_ATTACH] = METRIC_ATTACH_COUNT,
	[IOASID_OP_DETACH] = METRIC_DETACH_COUNT,
	[IOASID_OP_REGISTER] = METRIC_REGISTER_COUNT,
	[IOASID_OP_UNREGISTER] = METRIC_UNREGISTER_COUNT,
};

#define OP(id)	(METRIC_MAP_##id - METRIC_MAP_COUNT)

_Static_assert(METRIC_UNMAP_MAX - METRIC_UNMAP_COUNT == OP(MAX), "same order for all");
_Static_assert(METRIC_INV_MAX - METRIC_INV_COUNT == OP(MAX), "same order for all");
_Static_assert(METRIC_USER_INV_MAX - METRIC_USER_INV_COUNT == OP(MAX), "same order for all");

static void fill_rare_op(struct value *v, const struct ioasid_stat *delta)
{
	set_count(&v[0], delta->count);
	set_count(&v[1], delta->errors);
	if (delta->count)
		fill_max(&v[2], delta->hist, delta->max_ns);
}

void fill_op(struct value *v, enum ioasid_op op, const struct ioasid_stat *delta)
{
	__u64 samples = delta->count ? hist__total(delta->hist) : 0;

	v += first_metric[op];
	if (op > IOASID_OP_USER_INV) {
		fill_rare_op(v, delta);
		return;
	}
	set_count(&v[OP(COUNT)], delta->count);
	set_count(&v[OP(ERRORS)], delta->errors);
	set_count(&v[OP(BYTES)], delta->bytes);
	set_count(&v[OP(SAMPLES)], samples);
	if (!samples)
		return;
	set_count(&v[OP(MEAN)], delta->sum_ns / samples);
	fill_quantile(&v[OP(P50)], delta->hist, delta->max_ns, 0.5);
	fill_quantile(&v[OP(P90)], delta->hist, delta->max_ns, 0.9);
	fill_quantile(&v[OP(P99)], delta->hist, delta->max_ns, 0.99);
	fill_quantile(&v[OP(P999)], delta->hist, delta->max_ns, 0.999);
	fill_max(&v[OP(MAX)], delta->hist, delta->max_ns);
}

void fill_op_of(const struct snapshot *snap, struct value *v, enum ioasid_op op,
		const struct ioasid_stat *delta)
{
	fill_op(v, op, delta);
	if (op <= IOASID_OP_USER_INV && !watch__has_times(snap->watch))
		v[first_metric[op] + OP(SAMPLES)].known = false;
}

void fill_rates(struct value *v, __u64 interval_ns)
{
	static const enum metric_id errors[] = {
		METRIC_MAP_ERRORS, METRIC_UNMAP_ERRORS, METRIC_USER_INV_ERRORS,
		METRIC_ATTACH_ERRORS, METRIC_DETACH_ERRORS, METRIC_REGISTER_ERRORS,
		METRIC_UNREGISTER_ERRORS,
	};
	__u64 sum = 0;

	for (enum ioasid_op op = IOASID_OP_MAP; op <= IOASID_OP_USER_INV; op++) {
		struct value *count = &v[first_metric[op] + OP(COUNT)];

		if (count->known)
			fill_rate(&v[first_metric[op] + OP(RATE)], count->count, interval_ns);
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (v[errors[i]].known)
			sum += v[errors[i]].count;
	fill_rate(&v[METRIC_ERROR_RATE], sum, interval_ns);
}

/* Counts as they are best known; those of rare operations only BPF has. */
static void fill_counters(const struct track *track, struct value *v)
{
	set_count(&v[METRIC_MAP_COUNT], track->delta[C_MAPS]);
	set_count(&v[METRIC_MAP_ERRORS], track->delta[C_MAP_ERRORS]);
	set_count(&v[METRIC_MAP_BYTES], track->delta[C_MAP_BYTES]);
	set_count(&v[METRIC_UNMAP_COUNT], track->delta[C_UNMAPS]);
	set_count(&v[METRIC_UNMAP_ERRORS], track->delta[C_UNMAP_ERRORS]);
	set_count(&v[METRIC_UNMAP_BYTES], track->delta[C_UNMAP_BYTES]);
	set_count(&v[METRIC_INV_COUNT], track->delta[C_INVS]);
	set_count(&v[METRIC_USER_INV_COUNT], track->delta[C_USER_INVS]);
	set_count(&v[METRIC_USER_INV_ERRORS], track->delta[C_USER_INV_ERRORS]);
}

void track__fill(const struct track *track, struct row *row, const struct snapshot *snap)
{
	static const struct ioasid_stat nothing;

	for (int op = 0; snap->bpf && op < IOASID_NR_OPS; op++)
		if (snapshot__has_op(snap, op))
			fill_op_of(snap, row->v, op,
				   track->ops[op] ? &track->ops[op]->delta : &nothing);
	if (snap->watch == WATCH_IOASID && (track->ioasid || track->other))
		fill_counters(track, row->v);
	fill_rates(row->v, snap->interval_ns);
	if (track->ioasid)
		fault_track__fill(&track->faults, row, snap->interval_ns, snap->bpf_faults);
	if (track->live && track->ioasid) {
		set_count(&row->v[METRIC_MAPS_TOTAL], track->last[C_MAPS]);
		set_count(&row->v[METRIC_UNMAPS_TOTAL], track->last[C_UNMAPS]);
		set_count(&row->v[METRIC_MAP_ERRORS_TOTAL], track->last[C_MAP_ERRORS]);
		set_count(&row->v[METRIC_UNMAP_ERRORS_TOTAL], track->last[C_UNMAP_ERRORS]);
		set_count(&row->v[METRIC_USER_INVS_TOTAL], track->last[C_USER_INVS]);
		set_count(&row->v[METRIC_USER_INV_ERRORS_TOTAL], track->last[C_USER_INV_ERRORS]);
		if (snap->bpf)
			set_count(&row->v[METRIC_LOST], track->lost);
	}
}
