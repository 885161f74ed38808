// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lat.h"
#include "quantile.h"

static const struct {
	const char *op;
	const char *phase;
} names[] = {
#define X(series, op, phase) { op, phase },
	LAT_SERIES(X)
#undef X
};

const char *lat__op(unsigned int series)
{
	return names[series].op;
}

const char *lat__phase(unsigned int series)
{
	return names[series].phase;
}

int lat__find_op(const char *name, size_t len)
{
	for (int i = 0; i < NR_LAT_SERIES; i++)
		if (!names[i].phase && strlen(names[i].op) == len &&
		    !strncmp(names[i].op, name, len))
			return i;
	return -1;
}

void lat__free(struct lat *lat)
{
	for (size_t i = 0; i < lat->nr; i++)
		free(lat->rows[i]);
	free(lat->rows);
	*lat = (struct lat){ 0 };
}

static int compare_u64(__u64 a, __u64 b)
{
	return (a > b) - (a < b);
}

/* Phases stay below their operation, what has no room comes last. */
static int compare_rows(const void *x, const void *y)
{
	const struct lat_row *a = *(struct lat_row *const *)x;
	const struct lat_row *b = *(struct lat_row *const *)y;
	int order = a->other - b->other;

	if (!order)
		order = compare_u64(a->key.ctx, b->key.ctx);
	if (!order)
		order = compare_u64(a->key.ioasid, b->key.ioasid);
	if (!order)
		order = compare_u64(a->key.dev, b->key.dev);
	if (!order)
		order = compare_u64(a->key.cookie, b->key.cookie);
	if (!order)
		order = compare_u64(a->key.tgid, b->key.tgid);
	/* Failed ones follow those that did not, operation by operation. */
	if (!order && strcmp(names[a->key.series].op, names[b->key.series].op))
		return compare_u64(a->key.series, b->key.series);
	if (!order)
		order = compare_u64(a->key.failed, b->key.failed);
	return order ? order : compare_u64(a->key.series, b->key.series);
}

/* Those from before this reading are in order. */
static struct lat_row *find(const struct lat *lat, const struct lat_key *key, bool other)
{
	struct lat_row wanted = { .key = *key, .other = other }, *row = &wanted, **found;

	found = lat->sorted ? bsearch(&row, lat->rows, lat->sorted, sizeof(*lat->rows),
				      compare_rows) : NULL;
	if (found)
		return *found;
	for (size_t i = lat->sorted; i < lat->nr; i++)
		if (!compare_rows(&row, &lat->rows[i]))
			return lat->rows[i];
	return NULL;
}

static struct lat_row *add_row(struct lat *lat, const struct lat_key *key, bool other)
{
	struct lat_row **rows, *row;
	size_t room;

	if (lat->nr == lat->room) {
		room = lat->room ? 2 * lat->room : 16;
		rows = reallocarray(lat->rows, room, sizeof(*rows));
		if (!rows)
			return NULL;
		lat->rows = rows;
		lat->room = room;
	}
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->key = *key;
	row->other = other;
	lat->rows[lat->nr++] = row;
	return row;
}

void lat__begin(struct lat *lat, __u64 ts_ns)
{
	lat->interval_ns = ts_ns - (lat->ts_ns ? lat->ts_ns : lat->start_ns);
	lat->ts_ns = ts_ns;
	lat->seq++;
	for (size_t i = 0; i < lat->nr; i++) {
		memset(lat->rows[i]->now.hist, 0, sizeof(lat->rows[i]->now.hist));
		lat->rows[i]->now.untimed = 0;
		lat->rows[i]->now.sum_ns = 0;
	}
}

int lat__sample(struct lat *lat, const struct lat_key *key, bool other, const struct lat_stat *stat)
{
	struct lat_row *row = find(lat, key, other);
	__u32 more;

	if (!row)
		row = add_row(lat, key, other);
	if (!row)
		return -ENOMEM;
	if (*stat->comm && !*row->comm)
		neutralise(row->comm, sizeof(row->comm), stat->comm,
			   strnlen(stat->comm, sizeof(stat->comm)));
	row->now.untimed = stat->untimed - row->last.untimed;
	row->now.sum_ns = stat->sum_ns - row->last.sum_ns;
	row->now.max_ns = stat->max_ns;
	row->total.untimed = stat->untimed;
	row->total.sum_ns = stat->sum_ns;
	row->total.max_ns = stat->max_ns;
	for (int i = 0; i < HIST_SLOTS; i++) {
		more = stat->hist[i] - row->last.hist[i];
		row->now.hist[i] = more;
		row->total.hist[i] += more;
	}
	row->last = *stat;
	return 0;
}

void lat__settle(struct lat *lat)
{
	if (lat->nr)
		qsort(lat->rows, lat->nr, sizeof(*lat->rows), compare_rows);
	lat->sorted = lat->nr;
}

__u64 lat__unattributed(const struct lat *lat)
{
	__u64 sum = 0;

	for (size_t i = 0; i < lat->nr; i++)
		if (lat->rows[i]->other && !lat__phase(lat->rows[i]->key.series))
			sum += lat_times__count(&lat->rows[i]->total) + lat->rows[i]->total.untimed;
	return sum;
}

__u64 lat_times__count(const struct lat_times *times)
{
	return hist64__total(times->hist);
}

bool lat_times__any(const struct lat_times *times)
{
	return times->untimed || lat_times__count(times);
}

__u64 lat_times__max(const struct lat_times *times, bool total)
{
	__u64 max;

	if (total)
		return times->max_ns;
	return hist64__max(times->hist, times->max_ns, &max) ? max : 0;
}

void lat_row__space(const struct lat_row *row, char *out, size_t size)
{
	if (row->other)
		snprintf(out, size, "other");
	else if (row->key.ioasid)
		snprintf(out, size, "%u:%u", row->key.ctx, row->key.ioasid);
	else
		snprintf(out, size, "%u", row->key.ctx);
}

void lat_row__device(const struct lat_row *row, char *out, size_t size)
{
	__u32 dev = row->key.dev;

	if (row->other)
		snprintf(out, size, "other");
	else if (dev != LAT_NO_DEV)
		snprintf(out, size, "%04x:%02x:%02x.%x", dev >> 16, dev >> 8 & 0xff,
			 dev >> 3 & 0x1f, dev & 7);
	else if (row->key.cookie)
		snprintf(out, size, "0x%llx", row->key.cookie);
	else
		snprintf(out, size, "-");
}

void lat_row__process(const struct lat_row *row, char *out, size_t size)
{
	if (row->other)
		snprintf(out, size, "other");
	else if (row->key.tgid)
		snprintf(out, size, "%s[%u]", row->comm, row->key.tgid);
	else
		snprintf(out, size, "-");
}

static void append(char *out, size_t size, char separator, const char *text)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%c%s", separator, text);
	/* What the log separates words with; names are printable already. */
	for (out += len; *out; out++)
		if (*out == ',' || *out == ' ' || *out == '"')
			*out = '_';
}

void lat_row__tag(const struct lat *lat, const struct lat_row *row, char *out, size_t size)
{
	const char *phase = lat__phase(row->key.series);
	char name[LAT_NAME_LEN];

	snprintf(out, size, "%s", lat__op(row->key.series));
	if (phase)
		append(out, size, '.', phase);
	if (lat->by & LAT_BY_SPACE) {
		lat_row__space(row, name, sizeof(name));
		append(out, size, '@', name);
	}
	if (lat->by & LAT_BY_DEVICE) {
		lat_row__device(row, name, sizeof(name));
		append(out, size, '/', name);
	}
	if (lat->by & LAT_BY_PROCESS) {
		lat_row__process(row, name, sizeof(name));
		append(out, size, '/', name);
	}
	if (lat->by & LAT_BY_RESULT)
		append(out, size, '/', row->key.failed ? "failed" : "ok");
}
