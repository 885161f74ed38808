// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "groups.h"
#include "quantile.h"
#include "values.h"

#define MAX_PATH 4200 /* all bytes of a long one neutralised */

/* A row and what it is grouped by. */
struct member {
	const struct row *row;
	const char *text; /* borrowed, or own */
	char *own;
};

static int compare(const void *pa, const void *pb)
{
	const struct member *a = pa, *b = pb;
	int result = strcmp(a->text, b->text);

	if (result)
		return result;
	return (a->row->ctx > b->row->ctx) - (a->row->ctx < b->row->ctx);
}

static bool is_sum(enum metric_id id, const struct row *row)
{
	if (!row->v[id].known || metrics[id].unit == UNIT_NS || metrics[id].unit == UNIT_NONE)
		return false;
	return id != METRIC_DEVICES || row->state == ROW_SPACE;
}

static void add_values(struct value *sum, const struct row *row)
{
	for (int id = METRIC_DEVICES; id < NR_METRICS; id++) {
		if (!is_sum(id, row))
			continue;
		if (metrics[id].unit == UNIT_RATE)
			sum[id].rate += row->v[id].rate;
		else
			sum[id].count += row->v[id].count;
		sum[id].known = true;
	}
	if (row->v[METRIC_FAULT_OLDEST].known &&
	    (!sum[METRIC_FAULT_OLDEST].known ||
	     row->v[METRIC_FAULT_OLDEST].count > sum[METRIC_FAULT_OLDEST].count))
		sum[METRIC_FAULT_OLDEST] = row->v[METRIC_FAULT_OLDEST];
}

/* ---- percentiles ---- */

/* Where those of an operation are; the X-macro keeps them in one order. */
enum { SAMPLES, MEAN, P50, P90, P99, P999, MAX };

static const struct { enum timing timing; enum metric_id first; } timed[] = {
	{ TIMING_MAP, METRIC_MAP_SAMPLES }, { TIMING_UNMAP, METRIC_UNMAP_SAMPLES },
	{ TIMING_INV, METRIC_INV_SAMPLES }, { TIMING_USER_INV, METRIC_USER_INV_SAMPLES },
	{ TIMING_FAULT_QUEUE, METRIC_FAULT_QUEUE_SAMPLES },
	{ TIMING_FAULT_SERVICE, METRIC_FAULT_SERVICE_SAMPLES },
	{ TIMING_FAULT_WAIT, METRIC_FAULT_WAIT_SAMPLES },
};

_Static_assert(METRIC_MAP_MAX - METRIC_MAP_SAMPLES == MAX, "as above");
_Static_assert(METRIC_FAULT_SERVICE_MAX - METRIC_FAULT_SERVICE_SAMPLES == MAX, "as above");

/* Percentiles come from all histograms added up; the longest is the longest of any. */
static void fill_times(struct row *group, enum timing timing, enum metric_id first,
		       const struct member *members, size_t nr)
{
	__u64 sum_ns = 0, max = 0, samples;
	struct value *v = &group->v[first];
	__u32 hist[HIST_SLOTS] = { 0 };

	for (size_t i = 0; i < nr; i++) {
		const struct value *longest = &members[i].row->v[first + MAX];

		times__add(members[i].row->times[timing], hist, &sum_ns);
		if (longest->known && longest->count > max)
			max = longest->count;
	}
	samples = hist__total(hist);
	if (!samples)
		return;
	set_count(&v[MEAN], sum_ns / samples);
	set_count(&v[MAX], max);
	fill_quantile(&v[P50], hist, max, 0.5);
	fill_quantile(&v[P90], hist, max, 0.9);
	fill_quantile(&v[P99], hist, max, 0.99);
	fill_quantile(&v[P999], hist, max, 0.999);
}

/* ---- groups ---- */

static void fill_group(struct row *group, const struct member *members, size_t nr)
{
	group->state = ROW_GROUP;
	for (size_t i = 0; i < nr; i++) {
		const struct row *row = members[i].row;

		add_values(group->v, row);
		group->nr_spaces += row->state == ROW_SPACE;
		if (row->state != ROW_OTHER && (!i || row->ctx != members[i - 1].row->ctx))
			group->nr_ctxs++;
	}
	for (size_t i = 0; i < sizeof(timed) / sizeof(timed[0]); i++)
		fill_times(group, timed[i].timing, timed[i].first, members, nr);
}

static void free_members(struct member *members, size_t nr)
{
	for (size_t i = 0; members && i < nr; i++)
		free(members[i].own);
	free(members);
}

/* finish: what only this kind of group has. */
typedef int (*finish_fn)(struct row *group, const struct snapshot *snap,
			 const struct member *members, size_t nr);

static int make_groups(struct groups *groups, const struct snapshot *snap, struct member *members,
		       finish_fn finish)
{
	size_t nr = snap->nr_rows, next;
	int err = 0;

	groups->rows = calloc(nr ? nr : 1, sizeof(*groups->rows));
	if (!groups->rows)
		return -ENOMEM;
	qsort(members, nr, sizeof(*members), compare);
	for (size_t i = 0; !err && i < nr; i = next) {
		struct row *group = &groups->rows[groups->nr++];

		for (next = i + 1; next < nr && !strcmp(members[next].text, members[i].text);)
			next++;
		fill_group(group, members + i, next - i);
		err = finish(group, snap, members + i, next - i);
	}
	return err;
}

static int set_note(struct row *group, const char *text)
{
	if (!*text)
		return 0;
	group->note = strdup(text);
	return group->note ? 0 : -ENOMEM;
}

static int finish_process(struct row *group, const struct snapshot *snap,
			  const struct member *members, size_t nr)
{
	const struct row *row = members[0].row;
	const struct process *process;

	(void)nr;
	memcpy(group->comm, row->comm, sizeof(group->comm));
	group->v[METRIC_PID] = row->v[METRIC_PID];
	group->v[METRIC_CGROUP] = row->v[METRIC_CGROUP];
	group->nr_processes = 1;
	group->attached = strdup(members[0].text);
	process = row->v[METRIC_PID].known ? snapshot__process(snap, row->v[METRIC_PID].count) :
					     NULL;
	if (!group->attached)
		return -ENOMEM;
	if (!process)
		return 0;
	/* The same number everywhere says nothing. */
	group->nspid = process->nspid == process->pid ? 0 : process->nspid;
	return set_note(group, process->container);
}

/* Of processes that nobody knows the number of, the names count. */
static char *process_text(const struct row *row, const struct snapshot *snap)
{
	char *text;
	int n;

	(void)snap;
	if (row->v[METRIC_PID].known)
		n = asprintf(&text, "%llu", row->v[METRIC_PID].count);
	else
		n = asprintf(&text, "-%s", row->comm);
	return n < 0 ? NULL : text;
}

void row__cgroup(const struct row *row, const struct snapshot *snap, char *out, size_t size)
{
	const struct process *process;

	process = row->v[METRIC_PID].known ? snapshot__process(snap, row->v[METRIC_PID].count) :
					     NULL;
	if (process && process->cgroup)
		snprintf(out, size, "%s", process->cgroup);
	else if (row->v[METRIC_CGROUP].known && row->v[METRIC_CGROUP].count)
		snprintf(out, size, "id %llu", row->v[METRIC_CGROUP].count);
	else
		snprintf(out, size, "-");
}

static char *cgroup_text(const struct row *row, const struct snapshot *snap)
{
	char path[MAX_PATH];

	row__cgroup(row, snap, path, sizeof(path));
	return strdup(path);
}

static int finish_cgroup(struct row *group, const struct snapshot *snap,
			 const struct member *members, size_t nr)
{
	char container[CONTAINER_LEN];

	(void)snap;
	group->attached = strdup(members[0].text);
	if (!group->attached)
		return -ENOMEM;
	/* One process has several contexts next to each other only if nobody came between. */
	for (size_t i = 0; i < nr; i++) {
		const struct value *pid = &members[i].row->v[METRIC_PID];
		bool seen = !pid->known;

		for (size_t j = 0; !seen && j < i; j++)
			seen = members[j].row->v[METRIC_PID].known &&
			       members[j].row->v[METRIC_PID].count == pid->count;
		group->nr_processes += !seen;
	}
	container__name(group->attached, container, sizeof(container));
	return set_note(group, container);
}

static int group_by(struct groups *groups, const struct snapshot *snap,
		    char *(*text_of)(const struct row *, const struct snapshot *), finish_fn finish)
{
	struct member *members;
	int err = 0;

	*groups = (struct groups){ 0 };
	members = calloc(snap->nr_rows ? snap->nr_rows : 1, sizeof(*members));
	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < snap->nr_rows; i++) {
		members[i].row = &snap->rows[i];
		members[i].text = members[i].own = text_of(&snap->rows[i], snap);
		if (!members[i].own)
			err = -ENOMEM;
	}
	if (!err)
		err = make_groups(groups, snap, members, finish);
	free_members(members, snap->nr_rows);
	if (err)
		groups__free(groups);
	return err;
}

int groups__processes(struct groups *groups, const struct snapshot *snap)
{
	return group_by(groups, snap, process_text, finish_process);
}

int groups__cgroups(struct groups *groups, const struct snapshot *snap)
{
	return group_by(groups, snap, cgroup_text, finish_cgroup);
}

void groups__free(struct groups *groups)
{
	for (size_t i = 0; i < groups->nr; i++)
		row__clear(&groups->rows[i]);
	free(groups->rows);
	*groups = (struct groups){ 0 };
}

/* ---- devices ---- */

/* The next "NAME" or "NAME/PASID" of a list; false: no more. */
static bool next_word(const char **text, const char **name, size_t *len, const char **pasid,
		      size_t *pasid_len)
{
	size_t all;

	*text += strspn(*text, " ");
	all = strcspn(*text, " ");
	*name = *text;
	*len = strcspn(*text, " /");
	*pasid = *len < all ? *text + *len + 1 : NULL;
	*pasid_len = *pasid ? all - *len - 1 : 0;
	*text += all;
	return all;
}

static size_t count_words(const struct snapshot *snap)
{
	size_t nr = 0, len, pasid_len;
	const char *text, *name, *pasid;

	for (size_t i = 0; i < snap->nr_rows; i++)
		for (text = snap->rows[i].attached;
		     text && next_word(&text, &name, &len, &pasid, &pasid_len);)
			nr++;
	return nr;
}

/* What is known of the device's own faults on the space, instead of all of the space's. */
static void fill_faults(struct row *device, const struct row *space, const struct snapshot *snap)
{
	bool any = false;

	for (size_t i = 0; i < snap->nr_devices; i++) {
		const struct row *from = &snap->devices[i];

		if (!row__is_on(from, space) || strcmp(from->attached, device->attached))
			continue;
		if (!any)
			memset(&device->v[METRIC_FAULT_COUNT], 0,
			       (NR_METRICS - METRIC_FAULT_COUNT) * sizeof(device->v[0]));
		any = true;
		add_values(device->v, from);
		for (int id = METRIC_FAULT_COUNT; id < METRIC_FAULTS_TOTAL; id++)
			if (metrics[id].unit == UNIT_NS && from->v[id].known)
				device->v[id] = from->v[id];
	}
	if (any || !snap->bpf_faults)
		return;
	/* BPF saw it ask for nothing. */
	for (int id = METRIC_FAULT_COUNT; id < NR_METRICS; id++)
		device->v[id] = (struct value){
			.known = id < METRIC_FAULTS_TOTAL && metrics[id].unit != UNIT_NS,
		};
}

static struct row *find_device(struct groups *groups, size_t first, const char *name, size_t len)
{
	for (size_t i = first; i < groups->nr; i++)
		if (!strncmp(groups->rows[i].attached, name, len) && !groups->rows[i].attached[len])
			return &groups->rows[i];
	return NULL;
}

static struct row *new_device(struct groups *groups, const struct row *space, const char *name,
			      size_t len)
{
	struct row *row = &groups->rows[groups->nr];

	memcpy(row->v, space->v, sizeof(row->v));
	memcpy(row->comm, space->comm, sizeof(row->comm));
	memcpy(row->kind, space->kind, sizeof(row->kind));
	row->state = ROW_GROUP;
	row->ctx = space->ctx;
	row->ioasid = space->ioasid;
	row->nr_spaces = row->nr_ctxs = row->nr_processes = 1;
	row->attached = strndup(name, len);
	if (!row->attached)
		return NULL;
	groups->nr++;
	return row;
}

/* "-" is no PASID: what the device does by itself. */
static int add_pasid(struct row *row, const char *pasid, size_t len)
{
	char *note;
	int n;

	n = asprintf(&note, "%s%s%.*s", row->note ? row->note : "", row->note ? "," : "",
		     pasid ? (int)len : 1, pasid ? pasid : "-");
	if (n < 0)
		return -ENOMEM;
	free(row->note);
	row->note = note;
	return 0;
}

static int add_devices(struct groups *groups, const struct row *space)
{
	const char *text = space->attached, *name, *pasid;
	size_t first = groups->nr, len, pasid_len;
	struct row *row;

	while (text && next_word(&text, &name, &len, &pasid, &pasid_len)) {
		row = find_device(groups, first, name, len);
		if (!row)
			row = new_device(groups, space, name, len);
		if (!row || add_pasid(row, pasid, pasid_len))
			return -ENOMEM;
	}
	return 0;
}

int groups__devices(struct groups *groups, const struct snapshot *snap)
{
	size_t nr = count_words(snap), first;
	int err = 0;

	*groups = (struct groups){ .rows = calloc(nr ? nr : 1, sizeof(*groups->rows)) };
	if (!groups->rows)
		return -ENOMEM;
	for (size_t i = 0; !err && i < snap->nr_rows; i++) {
		first = groups->nr;
		err = add_devices(groups, &snap->rows[i]);
		/* A device alone has the space's faults to itself. */
		for (size_t j = first; groups->nr - first > 1 && j < groups->nr; j++)
			fill_faults(&groups->rows[j], &snap->rows[i], snap);
	}
	if (err)
		groups__free(groups);
	return err;
}
