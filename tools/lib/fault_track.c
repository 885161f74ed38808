// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fault_track.h"
#include "quantile.h"
#include "values.h"

/* Between the tracepoint and the driver's list of what is pending. */
#define SLACK_NS	100000000

/* In a tracepoint: not a PCI device. */
#define NO_DEV		0xffffffffU

void fault_track__free(struct fault_track *track)
{
	for (size_t i = 0; i < track->nr; i++)
		free(track->devices[i]);
	free(track->devices);
}

void fault_track__begin(struct fault_track *track, __u64 ts_ns)
{
	track->counted = false;
	track->ts_ns = ts_ns;
	track->pending = COUNTER_ABSENT;
	track->oldest = COUNTER_ABSENT;
	memset(track->delta, 0, sizeof(track->delta));
	for (size_t i = 0; i < track->nr; i++) {
		struct fault_device *device = track->devices[i];

		if (!device->quiet)
			memset(&device->delta, 0, sizeof(device->delta));
		device->quiet = true;
		device->seen = false;
		device->pending = 0;
	}
}

/* A counter that went down belongs to a new space of the same number. */
void fault_track__counters(struct fault_track *track, const struct counter_faults *now,
			   bool baseline)
{
	const __u64 values[NR_F] = {
		now->groups, now->pages, now->unrecoverable, now->answers, now->invalid,
		now->overflows, now->timeouts, now->cancels,
	};

	track->counted = now->groups != COUNTER_ABSENT;
	track->pending = now->pending;
	track->oldest = now->oldest;
	for (int i = 0; i < NR_F; i++) {
		__u64 value = values[i] == COUNTER_ABSENT ? 0 : values[i];

		if (!baseline)
			track->driver[i] += value < track->last[i] ? value :
								     value - track->last[i];
		track->last[i] = value;
	}
}

static struct fault_device *get_device(struct fault_track *track,
				       const struct ioasid_fault_key *key)
{
	struct fault_device **devices, *device;

	for (size_t i = 0; i < track->nr; i++)
		if (track->devices[i]->key.cookie == key->cookie &&
		    track->devices[i]->key.dev == key->dev)
			return track->devices[i];
	devices = reallocarray(track->devices, track->nr + 1, sizeof(*devices));
	if (!devices)
		return NULL;
	track->devices = devices;
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	device->key = *key;
	device->quiet = true;
	devices[track->nr++] = device;
	return device;
}

static void counts_of(const struct ioasid_fault_stat *stat, __u64 *counts)
{
	counts[F_GROUPS] = stat->groups;
	counts[F_PAGES] = stat->pages;
	counts[F_UNRECOVERABLE] = stat->unrecoverable;
	counts[F_SUCCESS] = stat->answers[IOASID_OUTCOME_SUCCESS];
	counts[F_INVALID] = stat->answers[IOASID_OUTCOME_INVALID];
	counts[F_OVERFLOWS] = stat->answers[IOASID_OUTCOME_OVERFLOW];
	counts[F_TIMEOUTS] = stat->answers[IOASID_OUTCOME_TIMEOUT];
	counts[F_CANCELS] = stat->answers[IOASID_OUTCOME_CANCEL];
}

int fault_track__sample(struct fault_track *track, const struct fault_sample *sample,
			bool baseline)
{
	struct fault_device *device = get_device(track, &sample->key);

	if (!device)
		return -ENOMEM;
	device->seen = true;
	device->quiet = fault_stat__same(&sample->sum, &device->last);
	if (!device->quiet) {
		fault_stat__subtract(&device->delta, &sample->sum, &device->last);
		device->last = sample->sum;
	}
	if (baseline)
		counts_of(&sample->sum, device->base);
	return 0;
}

int fault_track__inflight(struct fault_track *track, const struct inflight_sample *inflight,
			  __u64 ts_ns)
{
	struct fault_device *device = get_device(track, &inflight->key.from);

	if (!device)
		return -ENOMEM;
	if (!device->pending || inflight->ts_ns < device->oldest_ts_ns)
		device->oldest_ts_ns = inflight->ts_ns;
	device->pending++;
	track->bpf_ts_ns = ts_ns;
	return 0;
}

bool fault_track__is_stale(const struct fault_track *track, __u64 ts_ns)
{
	__u64 age = track->ts_ns > ts_ns ? track->ts_ns - ts_ns : 0;

	if (track->pending == COUNTER_ABSENT || track->oldest == COUNTER_ABSENT)
		return false;
	return age > (track->pending ? track->oldest : 0) + SLACK_NS;
}

/* What BPF counted since we came. */
static void bpf_counts(const struct fault_track *track, __u64 *counts)
{
	__u64 now[NR_F];

	memset(counts, 0, sizeof(now));
	for (size_t i = 0; i < track->nr; i++) {
		counts_of(&track->devices[i]->last, now);
		for (int c = 0; c < NR_F; c++)
			counts[c] += now[c] - track->devices[i]->base[c];
	}
}

/* Neither source counts what did not happen, so that the larger is right. */
void fault_track__settle(struct fault_track *track, bool baseline)
{
	__u64 bpf[NR_F], known;

	bpf_counts(track, bpf);
	for (int c = 0; c < NR_F; c++) {
		known = track->driver[c] > bpf[c] ? track->driver[c] : bpf[c];
		if (known < track->known[c])
			known = track->known[c];
		if (!baseline)
			track->delta[c] = known - track->known[c];
		track->known[c] = known;
	}
}

bool fault_track__is_active(const struct fault_track *track)
{
	for (size_t i = 0; i < track->nr; i++)
		if (track->devices[i]->pending || !track->devices[i]->quiet)
			return true;
	return false;
}

static void fill_times(struct value *v, const struct ioasid_fault_times *times)
{
	enum { SAMPLES, MEAN, P50, P90, P99, P999, MAX };
	__u64 samples = times->sum_ns ? hist__total(times->hist) : 0;

	set_count(&v[SAMPLES], samples);
	if (!samples)
		return;
	set_count(&v[MEAN], times->sum_ns / samples);
	fill_quantile(&v[P50], times->hist, times->max_ns, 0.5);
	fill_quantile(&v[P90], times->hist, times->max_ns, 0.9);
	fill_quantile(&v[P99], times->hist, times->max_ns, 0.99);
	fill_quantile(&v[P999], times->hist, times->max_ns, 0.999);
	fill_max(&v[MAX], times->hist, times->max_ns);
}

_Static_assert(METRIC_FAULT_SERVICE_MAX - METRIC_FAULT_SERVICE_SAMPLES == 6, "as above");

void fill_fault_times(struct value *v, const struct ioasid_fault_stat *delta)
{
	fill_times(&v[METRIC_FAULT_QUEUE_SAMPLES], &delta->queue);
	fill_times(&v[METRIC_FAULT_SERVICE_SAMPLES], &delta->service);
	fill_times(&v[METRIC_FAULT_WAIT_SAMPLES], &delta->total);
}

void fill_fault_rates(struct value *v, __u64 interval_ns)
{
	static const struct { enum metric_id count, rate; } pairs[] = {
		{ METRIC_FAULT_COUNT, METRIC_FAULT_RATE },
		{ METRIC_FAULT_PAGES, METRIC_FAULT_PAGE_RATE },
		{ METRIC_FAULT_SUCCESS, METRIC_FAULT_SUCCESS_RATE },
		{ METRIC_FAULT_INVALID, METRIC_FAULT_INVALID_RATE },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (v[pairs[i].count].known)
			fill_rate(&v[pairs[i].rate], v[pairs[i].count].count, interval_ns);
}

static void fill_counts(struct value *v, const __u64 *interval, const __u64 *seen)
{
	static const enum metric_id of[NR_F] = {
		METRIC_FAULT_COUNT, METRIC_FAULT_PAGES, METRIC_FAULT_UNRECOVERABLE,
		METRIC_FAULT_SUCCESS, METRIC_FAULT_INVALID, METRIC_FAULT_OVERFLOWS,
		METRIC_FAULT_TIMEOUTS, METRIC_FAULT_CANCELS,
	};

	for (int c = 0; c < NR_F; c++)
		set_count(&v[of[c]], interval[c]);
	set_count(&v[METRIC_FAULT_UNRECOVERABLE_SEEN], seen[F_UNRECOVERABLE]);
	set_count(&v[METRIC_FAULT_OVERFLOWS_SEEN], seen[F_OVERFLOWS]);
	set_count(&v[METRIC_FAULT_TIMEOUTS_SEEN], seen[F_TIMEOUTS]);
	set_count(&v[METRIC_FAULT_CANCELS_SEEN], seen[F_CANCELS]);
}

static void fill_pending(struct value *v, __u64 pending, __u64 oldest)
{
	set_count(&v[METRIC_FAULT_PENDING], pending);
	if (pending)
		set_count(&v[METRIC_FAULT_OLDEST], oldest);
}

static __u64 age(__u64 since, __u64 now)
{
	return now > since ? now - since : 0;
}

static void fill_pending_of_devices(const struct fault_track *track, struct value *v)
{
	__u64 pending = 0, oldest = 0;

	for (size_t i = 0; i < track->nr; i++) {
		const struct fault_device *device = track->devices[i];

		pending += device->pending;
		if (device->pending && age(device->oldest_ts_ns, track->bpf_ts_ns) > oldest)
			oldest = age(device->oldest_ts_ns, track->bpf_ts_ns);
	}
	fill_pending(v, pending, oldest);
}

void fault_track__add_times(const struct fault_track *track, struct ioasid_fault_stat *sum)
{
	for (size_t i = 0; i < track->nr; i++)
		if (!track->devices[i]->quiet)
			fault_stat__add(sum, &track->devices[i]->delta);
}

void fault_track__fill(const struct fault_track *track, struct row *row, __u64 interval_ns,
		       bool bpf)
{
	struct ioasid_fault_stat sum = { 0 };

	if (!track->counted && !bpf)
		return;
	fill_counts(row->v, track->delta, track->known);
	fill_fault_rates(row->v, interval_ns);
	if (track->pending != COUNTER_ABSENT)
		fill_pending(row->v, track->pending,
			     track->oldest == COUNTER_ABSENT ? 0 : track->oldest);
	else if (bpf)
		fill_pending_of_devices(track, row->v);
	if (track->counted) {
		set_count(&row->v[METRIC_FAULTS_TOTAL], track->last[F_GROUPS]);
		set_count(&row->v[METRIC_FAULT_OVERFLOWS_TOTAL], track->last[F_OVERFLOWS]);
		set_count(&row->v[METRIC_FAULT_TIMEOUTS_TOTAL], track->last[F_TIMEOUTS]);
		set_count(&row->v[METRIC_FAULT_CANCELS_TOTAL], track->last[F_CANCELS]);
	}
	if (!bpf)
		return;
	fault_track__add_times(track, &sum);
	fill_fault_times(row->v, &sum);
}

static void fill_device(const struct fault_device *device, struct row *row, __u64 ts_ns,
			__u64 interval_ns)
{
	static const struct ioasid_fault_stat nothing;
	const struct ioasid_fault_stat *delta = device->quiet ? &nothing : &device->delta;
	__u64 interval[NR_F], seen[NR_F];

	counts_of(delta, interval);
	counts_of(&device->last, seen);
	for (int c = 0; c < NR_F; c++)
		seen[c] -= device->base[c];
	fill_counts(row->v, interval, seen);
	fill_fault_rates(row->v, interval_ns);
	fill_pending(row->v, device->pending, age(device->oldest_ts_ns, ts_ns));
	fill_fault_times(row->v, delta);
}

/* A name that the space's devices have in common, or none. */
static const char *only_name(const char *attached, size_t *len)
{
	const char *name = NULL;
	size_t n;

	for (attached += strspn(attached, " "); *attached; attached += strspn(attached, " ")) {
		n = strcspn(attached, " /");
		if (name && (n != *len || strncmp(name, attached, n)))
			return NULL;
		name = attached;
		*len = n;
		attached += strcspn(attached, " ");
	}
	return name;
}

/* What the tracepoints call it, else what the driver does, else its label. */
static char *device_name(const struct ioasid_fault_key *key, const struct row *space)
{
	const char *only;
	char *name;
	size_t len;
	int n;

	only = space->attached ? only_name(space->attached, &len) : NULL;
	if (key->dev != NO_DEV)
		n = asprintf(&name, "%04x:%02x:%02x.%x", key->dev >> 16, key->dev >> 8 & 0xff,
			     key->dev >> 3 & 0x1f, key->dev & 7);
	else if (only)
		n = asprintf(&name, "%.*s", (int)len, only);
	else
		n = asprintf(&name, "0x%llx", key->cookie);
	return n < 0 ? NULL : name;
}

static int add_row(const struct fault_track *track, const struct fault_device *device,
		   struct snapshot *snap, const struct row *space)
{
	struct row *row = &snap->devices[snap->nr_devices];

	row->attached = device_name(&device->key, space);
	if (!row->attached)
		return -ENOMEM;
	snap->nr_devices++;
	row->state = ROW_DEVICE;
	row->ctx = space->ctx;
	row->ioasid = space->ioasid;
	row->cookie = device->key.cookie;
	row->v[METRIC_CTX] = space->v[METRIC_CTX];
	row->v[METRIC_IOASID] = space->v[METRIC_IOASID];
	row->v[METRIC_PID] = space->v[METRIC_PID];
	memcpy(row->comm, space->comm, sizeof(row->comm));
	fill_device(device, row, track->bpf_ts_ns, snap->interval_ns);
	return fault_device__add_times(device, row);
}

int fault_track__add_rows(const struct fault_track *track, struct snapshot *snap,
			  const struct row *space)
{
	int err = 0;

	for (size_t i = 0; !err && i < track->nr; i++)
		err = add_row(track, track->devices[i], snap, space);
	return err;
}
