// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "snapshot.h"

bool snapshot__has_op(const struct snapshot *snap, int op)
{
	return watch__ops(snap->watch) >> op & 1;
}

__u64 lost__total(const struct lost *lost)
{
	return lost->missed + lost->unattributed + lost->late;
}

void snapshot__free(struct snapshot *snap)
{
	if (!snap)
		return;
	for (size_t i = 0; i < snap->nr_rows; i++)
		row__clear(&snap->rows[i]);
	for (size_t i = 0; i < snap->nr_devices; i++)
		row__clear(&snap->devices[i]);
	for (size_t i = 0; i < snap->nr_processes; i++)
		free(snap->processes[i].cgroup);
	for (size_t i = 0; i < snap->stacks.nr; i++) {
		free(snap->stacks.at[i].kernel);
		free(snap->stacks.at[i].user);
	}
	row__clear(&snap->total);
	free(snap->stacks.at);
	free(snap->mappings.at);
	free(snap->rows);
	free(snap->devices);
	free(snap->processes);
	free(snap);
}

void row__clear(struct row *row)
{
	for (int t = 0; t < NR_TIMINGS; t++) {
		free(row->times[t]);
		row->times[t] = NULL;
	}
	free(row->attached);
	free(row->note);
	row->attached = row->note = NULL;
}

struct order {
	int key;
	bool ascending;
};

static int compare_number(double a, double b)
{
	return (a > b) - (a < b);
}

/* Whether the row has it. */
static bool number_of(const struct row *row, int key, double *number)
{
	switch (key) {
	case ROW_KEY_NSPID:
		*number = row->nspid;
		return row->nspid;
	case ROW_KEY_CTXS:
		*number = row->nr_ctxs;
		return true;
	case ROW_KEY_SPACES:
		*number = row->nr_spaces;
		return true;
	case ROW_KEY_PROCESSES:
		*number = row->nr_processes;
		return true;
	}
	*number = value__number(&row->v[key], key);
	return row->v[key].known;
}

/* NULL: the key is a number. */
static const char *text_of(const struct row *row, int key)
{
	switch (key) {
	case ROW_KEY_COMM:
		return row->comm;
	case ROW_KEY_NAME:
		return row->attached ? row->attached : "";
	case ROW_KEY_NOTE:
		return row->note ? row->note : "";
	}
	return NULL;
}

/* Rows without a value come last, whatever the direction. */
static int compare_values(const struct row *a, const struct row *b, const struct order *order)
{
	double x, y;
	bool has_x = number_of(a, order->key, &x), has_y = number_of(b, order->key, &y);
	int result;

	if (has_x != has_y)
		return has_x ? -1 : 1;
	if (!has_x)
		return 0;
	result = compare_number(x, y);
	return order->ascending ? result : -result;
}

static int compare_rows(const void *pa, const void *pb, void *arg)
{
	const struct row *a = pa, *b = pb;
	const struct order *order = arg;
	const char *text = text_of(a, order->key);
	int result;

	if (text)
		result = strcmp(text, text_of(b, order->key)) * (order->ascending ? 1 : -1);
	else
		result = compare_values(a, b, order);
	if (result)
		return result;
	if (a->ctx != b->ctx)
		return a->ctx > b->ctx ? 1 : -1;
	if (a->ioasid != b->ioasid)
		return a->ioasid > b->ioasid ? 1 : -1;
	return (a->cookie > b->cookie) - (a->cookie < b->cookie);
}

void rows__sort(struct row *rows, size_t nr, int key, bool ascending)
{
	struct order order = { .key = key, .ascending = ascending };

	if (nr)
		qsort_r(rows, nr, sizeof(*rows), compare_rows, &order);
}

void snapshot__sort(struct snapshot *snap, int key, bool ascending)
{
	rows__sort(snap->rows, snap->nr_rows, key, ascending);
	rows__sort(snap->devices, snap->nr_devices, key, ascending);
}

bool row__has_faults(const struct row *row)
{
	static const enum metric_id counts[] = {
		METRIC_FAULTS_TOTAL, METRIC_FAULT_COUNT, METRIC_FAULT_PENDING,
		METRIC_FAULT_UNRECOVERABLE_SEEN, METRIC_FAULT_TIMEOUTS_SEEN,
		METRIC_FAULT_CANCELS_SEEN,
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (row->v[counts[i]].known && row->v[counts[i]].count)
			return true;
	return false;
}

bool row__is_on(const struct row *device, const struct row *space)
{
	return device->ctx == space->ctx && device->ioasid == space->ioasid;
}

bool row__contains(const struct row *row, const char *text)
{
	char pid[24] = "";

	if (row->v[METRIC_PID].known)
		snprintf(pid, sizeof(pid), "%llu", row->v[METRIC_PID].count);
	return strcasestr(row->comm, text) || strstr(pid, text) ||
	       (row->attached && strcasestr(row->attached, text));
}

void neutralise(char *out, size_t size, const char *in, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && in[i] && n + 5 <= size; i++) {
		if (in[i] >= ' ' && in[i] <= '~')
			out[n++] = in[i];
		else
			n += snprintf(out + n, size - n, "\\x%02X", (unsigned char)in[i]);
	}
	out[n] = '\0';
}
