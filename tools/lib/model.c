// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "track.h"
#include "values.h"

/* Of one step; there are more steps. */
#define MAX_STALE	1024

struct model {
	struct track **tracks;	/* ordered by context and space */
	size_t nr, room;
	struct track *other;	/* what BPF found no room for */
	/* Sums over all spaces since the start: see settle_other(). */
	__u64 known[NR_C];
	__u64 bpf[NR_C];
	__u64 unseen[NR_C];
	__u64 instance;
	__u64 ts_ns;
	__u64 seq;
	bool started;
	bool complete;
	struct ioasid_inflight_key stale[MAX_STALE];	/* of this step */
	size_t nr_stale;
};

struct model *model__new(void)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->other = calloc(1, sizeof(*model->other));
	if (!model->other) {
		free(model);
		return NULL;
	}
	model->other->other = true;
	return model;
}

static void forget_tracks(struct model *model)
{
	for (size_t i = 0; i < model->nr; i++)
		track__free(model->tracks[i]);
	model->nr = 0;
}

void model__free(struct model *model)
{
	if (!model)
		return;
	forget_tracks(model);
	track__free(model->other);
	free(model->tracks);
	free(model);
}

static size_t lower_bound(const struct model *model, __u32 ctx, __u32 ioasid)
{
	__u64 key = (__u64)ctx << 32 | ioasid;
	size_t first = 0, last = model->nr;

	while (first < last) {
		size_t middle = (first + last) / 2;
		const struct track *track = model->tracks[middle];

		if (((__u64)track->ctx << 32 | track->ioasid) < key)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

static bool make_room(struct model *model)
{
	size_t room = model->room ? 2 * model->room : 16;
	struct track **tracks;

	if (model->nr < model->room)
		return true;
	tracks = reallocarray(model->tracks, room, sizeof(*tracks));
	if (!tracks)
		return false;
	model->tracks = tracks;
	model->room = room;
	return true;
}

static struct track *get_track(struct model *model, __u32 ctx, __u32 ioasid)
{
	size_t at = lower_bound(model, ctx, ioasid);
	struct track *track;

	if (at < model->nr && model->tracks[at]->ctx == ctx && model->tracks[at]->ioasid == ioasid)
		return model->tracks[at];
	track = make_room(model) ? calloc(1, sizeof(*track)) : NULL;
	if (!track)
		return NULL;
	track->ctx = ctx;
	track->ioasid = ioasid;
	memmove(&model->tracks[at + 1], &model->tracks[at],
		(model->nr - at) * sizeof(*model->tracks));
	model->tracks[at] = track;
	model->nr++;
	return track;
}

/* All contexts have the instance of the module that is loaded. */
static void check_instance(struct model *model, const struct counter_set *set)
{
	if (!set->nr_ctxs)
		return;
	if (model->instance && model->instance != set->ctxs[0].instance)
		forget_tracks(model);
	model->instance = set->ctxs[0].instance;
}

static int feed_ctx(struct model *model, const struct counter_ctx *ctx)
{
	struct track *track = get_track(model, ctx->ctx, 0);

	if (!track)
		return -ENOMEM;
	track->live = true;
	for (size_t i = 0; i < ctx->nr_spaces; i++) {
		track = get_track(model, ctx->ctx, ctx->spaces[i].ioasid);
		if (!track)
			return -ENOMEM;
		track__counters(track, &ctx->spaces[i], !model->started);
	}
	return 0;
}

/* Whether no driver can have what BPF takes for unanswered. */
static bool is_stale(const struct model *model, const struct track *track,
		     const struct inflight_sample *inflight)
{
	static const struct fault_track none;
	struct fault_track gone = none;

	if (track->live)
		return fault_track__is_stale(&track->faults, inflight->ts_ns);
	if (!model->complete)
		return false;
	gone.ts_ns = track->faults.ts_ns;
	return fault_track__is_stale(&gone, inflight->ts_ns);
}

static int feed_inflight(struct model *model, const struct inflight_sample *inflight, __u64 ts_ns)
{
	const struct ioasid_fault_key *from = &inflight->key.from;
	struct track *track = get_track(model, from->ctx, from->ioasid);

	if (!track)
		return -ENOMEM;
	if (!is_stale(model, track, inflight))
		return fault_track__inflight(&track->faults, inflight, ts_ns);
	if (model->nr_stale < MAX_STALE)
		model->stale[model->nr_stale++] = inflight->key;
	return 0;
}

static int feed_faults(struct model *model, const struct fault_set *set)
{
	int err = 0;

	for (size_t i = 0; !err && i < set->nr; i++) {
		const struct fault_sample *sample = &set->samples[i];
		struct track *track = get_track(model, sample->key.ctx, sample->key.ioasid);

		err = track ? fault_track__sample(&track->faults, sample, !model->started) :
			      -ENOMEM;
	}
	model->nr_stale = 0;
	for (size_t i = 0; !err && i < set->nr_inflight; i++)
		err = feed_inflight(model, &set->inflight[i], set->ts_ns);
	return err;
}

static int feed(struct model *model, const struct reading *reading)
{
	const struct sample_set *samples = reading->samples;
	struct track *track;
	int err = 0;

	for (size_t i = 0; !err && i < reading->counters->nr_ctxs; i++)
		err = feed_ctx(model, &reading->counters->ctxs[i]);
	for (size_t i = 0; !err && samples && i < samples->nr; i++) {
		const struct stat_sample *sample = &samples->samples[i];

		track = sample->other ? model->other :
			get_track(model, sample->key.ctx, sample->key.ioasid);
		err = track ? track__sample(track, sample) : -ENOMEM;
	}
	if (!err && reading->faults)
		err = feed_faults(model, reading->faults);
	return err;
}

static bool is_freed(const struct track *track)
{
	for (int op = 0; op < IOASID_NR_OPS; op++)
		if (track->ops[op] && track->ops[op]->last.flags & IOASID_STAT_FREED)
			return true;
	return false;
}

/* A space we cannot read the counters of need not be gone. */
static bool is_gone(const struct model *model, const struct track *track)
{
	return !track->live && !track->other && (model->complete || is_freed(track));
}

static struct row *new_row(struct snapshot *snap, const struct track *track, enum row_state state)
{
	struct row *row = &snap->rows[snap->nr_rows++];

	row->state = state;
	row->ctx = track->ctx;
	row->ioasid = track->ioasid;
	if (track->other)
		return row;
	set_count(&row->v[METRIC_CTX], track->ctx);
	if (track->ioasid)
		set_count(&row->v[METRIC_IOASID], track->ioasid);
	return row;
}

static void fill_ctx(struct row *row, const struct counter_ctx *ctx)
{
	if (ctx->pid)
		set_count(&row->v[METRIC_PID], ctx->pid);
	set_count(&row->v[METRIC_CGROUP], ctx->cgroup);
	/* The driver has escaped it; a file given by hand may not be the driver's. */
	neutralise(row->comm, sizeof(row->comm), ctx->comm, strlen(ctx->comm));
	neutralise(row->door, sizeof(row->door), ctx->door, strlen(ctx->door));
}

static __u64 count_words(const char *text)
{
	__u64 n = 0;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		text += strcspn(text, " ");
		n++;
	}
	return n;
}

static int fill_space(struct row *row, const struct counter_space *space)
{
	size_t len = strlen(space->attached);

	row->attached = malloc(4 * len + 1);
	if (!row->attached)
		return -ENOMEM;
	neutralise(row->attached, 4 * len + 1, space->attached, len);
	neutralise(row->kind, sizeof(row->kind), space->kind, strlen(space->kind));
	if (space->parent)
		set_count(&row->v[METRIC_PARENT], space->parent);
	if (space->format)
		set_count(&row->v[METRIC_FORMAT], space->format);
	set_count(&row->v[METRIC_DEVICES], count_words(space->attached));
	set_count(&row->v[METRIC_DOMAINS], space->domains);
	set_count(&row->v[METRIC_NESTED], space->nested);
	set_count(&row->v[METRIC_SHADOW_SYNCS_TOTAL], space->shadow_syncs);
	set_count(&row->v[METRIC_MAPPINGS], space->mappings);
	set_count(&row->v[METRIC_MAPPED], space->mapped);
	set_count(&row->v[METRIC_PINNED], space->pinned);
	return 0;
}

static void add_ctx_row(struct model *model, struct snapshot *snap, const struct counter_ctx *ctx)
{
	struct track *track = get_track(model, ctx->ctx, 0);
	struct row *row;

	if (ctx->nr_spaces && !ctx->registered && !track__is_active(track))
		return;
	row = new_row(snap, track, ROW_CTX);
	fill_ctx(row, ctx);
	set_count(&row->v[METRIC_DEVICES], ctx->devices);
	set_count(&row->v[METRIC_REGISTERED], ctx->registered);
	set_count(&row->v[METRIC_PINNED], ctx->registered);
	track__fill(track, row, snap);
}

static int add_live_rows(struct model *model, struct snapshot *snap, const struct counter_set *set)
{
	int err = 0;

	for (size_t i = 0; i < set->nr_ctxs; i++) {
		const struct counter_ctx *ctx = &set->ctxs[i];

		add_ctx_row(model, snap, ctx);
		for (size_t j = 0; !err && j < ctx->nr_spaces; j++) {
			struct track *track = get_track(model, ctx->ctx, ctx->spaces[j].ioasid);
			struct row *row = new_row(snap, track, ROW_SPACE);

			fill_ctx(row, ctx);
			err = fill_space(row, &ctx->spaces[j]);
			track__fill(track, row, snap);
			track->pid = ctx->pid;
			memcpy(track->comm, row->comm, sizeof(track->comm));
		}
	}
	return err;
}

/* Known to BPF alone: gone since, or not ours to see, or without a name. */
static void add_bpf_row(struct model *model, struct snapshot *snap, const struct track *track)
{
	bool gone = is_gone(model, track);
	struct row *row;

	if (track->live || ((gone || track->other) && track__is_quiet(track)))
		return;
	row = new_row(snap, track, track->other ? ROW_OTHER : gone ? ROW_GONE :
				   track->ioasid ? ROW_SPACE : ROW_CTX);
	if (track->pid)
		set_count(&row->v[METRIC_PID], track->pid);
	if (snap->watch != WATCH_IOASID)
		snprintf(row->door, sizeof(row->door), "%s", watch__name(snap->watch));
	memcpy(row->comm, track->other ? "(other)" : track->comm,
	       track->other ? sizeof("(other)") : sizeof(row->comm));
	track__fill(track, row, snap);
}

/* Means and percentiles do not add up; what a context has is no sum of devices. */
static bool is_sum(enum metric_id id, const struct row *row)
{
	if (!row->v[id].known || metrics[id].unit == UNIT_NS || metrics[id].unit == UNIT_RATE)
		return false;
	return id != METRIC_DEVICES || row->state == ROW_SPACE;
}

static void sum_rows(struct snapshot *snap)
{
	bool seen[NR_METRICS] = { false };

	for (size_t i = 0; i < snap->nr_rows; i++) {
		const struct row *row = &snap->rows[i];

		snap->nr_spaces += row->state == ROW_SPACE;
		for (int id = METRIC_DEVICES; id < NR_METRICS; id++) {
			if (!is_sum(id, row))
				continue;
			if (!seen[id])
				set_count(&snap->total.v[id], 0);
			seen[id] = true;
			snap->total.v[id].count += row->v[id].count;
		}
	}
}

static void add_stat(struct ioasid_stat *sum, const struct track *track, enum ioasid_op op)
{
	const struct ioasid_stat *delta;

	if (!track->ops[op] || !track->ops[op]->seen || track->ops[op]->quiet)
		return;
	delta = &track->ops[op]->delta;
	sum->count += delta->count;
	sum->errors += delta->errors;
	sum->bytes += delta->bytes;
	sum->sum_ns += delta->sum_ns;
	if (delta->max_ns > sum->max_ns)
		sum->max_ns = delta->max_ns;
	for (int i = 0; i < HIST_SLOTS; i++)
		sum->hist[i] += delta->hist[i];
}

/* What is not a sum of rows. */
static void fill_fault_total(const struct model *model, struct snapshot *snap)
{
	struct value *oldest = &snap->total.v[METRIC_FAULT_OLDEST];
	struct ioasid_fault_stat sum = { 0 };

	for (size_t i = 0; i < snap->nr_rows; i++) {
		const struct value *v = &snap->rows[i].v[METRIC_FAULT_OLDEST];

		if (v->known && (!oldest->known || v->count > oldest->count))
			*oldest = *v;
	}
	if (!snap->bpf_faults)
		return;
	for (size_t i = 0; i < model->nr; i++)
		fault_track__add_times(&model->tracks[i]->faults, &sum);
	fill_fault_times(snap->total.v, &sum);
}

static void fill_total(const struct model *model, struct snapshot *snap)
{
	static const enum metric_id counted[] = {
		METRIC_DEVICES, METRIC_DOMAINS, METRIC_MAPPINGS, METRIC_MAPPED, METRIC_PINNED,
		METRIC_REGISTERED, METRIC_MAP_COUNT, METRIC_UNMAP_COUNT, METRIC_INV_COUNT,
		METRIC_USER_INV_COUNT,
	};

	snap->total.state = ROW_TOTAL;
	/* Nobody there is nothing, not unknown; without the driver it is unknown. */
	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		if (snap->source != COUNTERS_NONE)
			set_count(&snap->total.v[counted[i]], 0);
	for (enum ioasid_op op = 0; snap->bpf && op < IOASID_NR_OPS; op++) {
		struct ioasid_stat sum = { 0 };

		if (!snapshot__has_op(snap, op))
			continue;

		for (size_t i = 0; i < model->nr; i++)
			add_stat(&sum, model->tracks[i], op);
		add_stat(&sum, model->other, op);
		fill_op_of(snap, snap->total.v, op, &sum);
	}
	fill_fault_total(model, snap);
	sum_rows(snap);
	fill_rates(snap->total.v, snap->interval_ns);
	fill_fault_rates(snap->total.v, snap->interval_ns);
}

/* The devices of all rows, which are in the order of context and space. */
static int add_devices(struct model *model, struct snapshot *snap)
{
	size_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < model->nr; i++)
		nr += model->tracks[i]->faults.nr;
	if (!nr)
		return 0;
	snap->devices = calloc(nr, sizeof(*snap->devices));
	if (!snap->devices)
		return -ENOMEM;
	for (size_t i = 0; i < snap->nr_rows; i++) {
		const struct row *row = &snap->rows[i];
		const struct track *track;

		if (!row->ioasid)
			continue;
		track = get_track(model, row->ctx, row->ioasid);
		if (track && !err)
			err = fault_track__add_rows(&track->faults, snap, row);
	}
	return err;
}

/* Without BPF there are none. */
static int add_times(struct model *model, struct snapshot *snap)
{
	int err = 0;

	for (size_t i = 0; snap->bpf && !err && i < snap->nr_rows; i++) {
		struct row *row = &snap->rows[i];
		const struct track *track = row->state == ROW_OTHER ?
			model->other : get_track(model, row->ctx, row->ioasid);

		err = track ? track__add_times(track, row) : -ENOMEM;
	}
	return err ? err : snapshot__sum_times(snap);
}

static int make_snapshot(struct model *model, const struct reading *reading,
			 struct snapshot **out)
{
	struct snapshot *snap = calloc(1, sizeof(*snap));
	int err;

	if (!snap)
		return -ENOMEM;
	/* Each track makes one row at most, and there is "other". */
	snap->rows = calloc(model->nr + 1, sizeof(*snap->rows));
	if (!snap->rows) {
		free(snap);
		return -ENOMEM;
	}
	snap->seq = ++model->seq;
	snap->ts_ns = reading->ts_ns;
	snap->interval_ns = reading->ts_ns - model->ts_ns;
	snap->instance = model->instance;
	snap->source = reading->source;
	snap->watch = reading->watch;
	snap->bpf = reading->samples;
	snap->bpf_faults = reading->faults;
	snap->complete = model->complete;
	snap->nr_ctxs = reading->counters->nr_ctxs;
	if (reading->samples)
		snap->lost = reading->samples->lost;
	err = add_live_rows(model, snap, reading->counters);
	for (size_t i = 0; i < model->nr; i++)
		add_bpf_row(model, snap, model->tracks[i]);
	add_bpf_row(model, snap, model->other);
	if (!err)
		err = add_devices(model, snap);
	if (!err)
		err = add_times(model, snap);
	fill_total(model, snap);
	if (err)
		snapshot__free(snap);
	else
		*out = snap;
	return err;
}

/*
 * Operations that BPF could not attribute may be those of a space that we know
 * from the driver, or of one that we never see. What BPF had seen at the last
 * step, and still is in no space that we know, is of the second kind.
 */
static void settle_other(struct model *model)
{
	for (int c = 0; c < NR_C; c++) {
		__u64 bpf = model->bpf[c], *unseen = &model->unseen[c];

		for (size_t i = 0; i < model->nr; i++) {
			model->known[c] += model->tracks[i]->delta[c];
			model->bpf[c] += track__bpf_delta(model->tracks[i], c);
		}
		model->bpf[c] += track__bpf_delta(model->other, c);
		model->other->delta[c] = 0;
		if (bpf > model->known[c] + *unseen) {
			model->other->delta[c] = bpf - model->known[c] - *unseen;
			*unseen += model->other->delta[c];
		}
	}
}

static bool is_known_to_bpf(const struct track *track)
{
	for (int op = 0; op < IOASID_NR_OPS; op++)
		if (track->ops[op] && track->ops[op]->seen)
			return true;
	for (size_t i = 0; i < track->faults.nr; i++)
		if (track->faults.devices[i]->seen || track->faults.devices[i]->pending)
			return true;
	return false;
}

static void prune(struct model *model)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->nr; i++) {
		struct track *track = model->tracks[i];

		if (track->live || is_known_to_bpf(track))
			model->tracks[kept++] = track;
		else
			track__free(track);
	}
	model->nr = kept;
}

int model__step(struct model *model, const struct reading *reading, struct snapshot **snap)
{
	int err;

	*snap = NULL;
	check_instance(model, reading->counters);
	model->complete = reading->counters->complete;
	for (size_t i = 0; i < model->nr; i++)
		track__begin(model->tracks[i], reading->ts_ns);
	track__begin(model->other, reading->ts_ns);
	err = feed(model, reading);
	if (err)
		return err;
	for (size_t i = 0; i < model->nr; i++)
		track__settle(model->tracks[i], !model->started);
	if (model->started)
		settle_other(model);
	if (model->started)
		err = make_snapshot(model, reading, snap);
	model->started = true;
	model->ts_ns = reading->ts_ns;
	prune(model);
	return err;
}

static void retire_track(const struct track *track, const struct retire_ops *ops, void *arg)
{
	for (int op = 0; op < IOASID_NR_OPS; op++) {
		struct ioasid_stat_key key = {
			.ctx = track->ctx, .ioasid = track->ioasid, .op = op,
		};

		if (track->ops[op] && track->ops[op]->seen)
			ops->op(&key, &track->ops[op]->last, arg);
	}
	for (size_t i = 0; i < track->faults.nr; i++)
		if (track->faults.devices[i]->seen)
			ops->device(&track->faults.devices[i]->key, arg);
}

void model__retire(struct model *model, const struct retire_ops *ops, void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->nr_stale; i++)
		ops->inflight(&model->stale[i], arg);
	model->nr_stale = 0;
	for (size_t i = 0; i < model->nr; i++) {
		struct track *track = model->tracks[i];

		if (track->was_live || !is_gone(model, track) || track__is_active(track)) {
			model->tracks[kept++] = track;
			continue;
		}
		retire_track(track, ops, arg);
		track__free(track);
	}
	model->nr = kept;
}
