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
		free(snap->rows[i].attached);
	for (size_t i = 0; i < snap->nr_devices; i++)
		free(snap->devices[i].attached);
	free(snap->rows);
	free(snap->devices);
	free(snap);
}

struct order {
	enum metric_id id;
	bool ascending;
};

static int compare_number(double a, double b)
{
	return (a > b) - (a < b);
}

/* Rows without a value come last, whatever the direction. */
static int compare_values(const struct row *a, const struct row *b, const struct order *order)
{
	const struct value *va = &a->v[order->id], *vb = &b->v[order->id];
	int result;

	if (va->known != vb->known)
		return va->known ? -1 : 1;
	if (!va->known)
		return 0;
	result = compare_number(value__number(va, order->id), value__number(vb, order->id));
	return order->ascending ? result : -result;
}

static int compare_rows(const void *pa, const void *pb, void *arg)
{
	const struct row *a = pa, *b = pb;
	const struct order *order = arg;
	int result;

	if (order->id == NR_METRICS)
		result = strcmp(a->comm, b->comm) * (order->ascending ? 1 : -1);
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

void snapshot__sort(struct snapshot *snap, enum metric_id id, bool ascending)
{
	struct order order = { .id = id, .ascending = ascending };

	if (snap->nr_rows)
		qsort_r(snap->rows, snap->nr_rows, sizeof(*snap->rows), compare_rows, &order);
	if (snap->nr_devices)
		qsort_r(snap->devices, snap->nr_devices, sizeof(*snap->devices), compare_rows,
			&order);
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
