// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "columns.h"
#include "format.h"

#define NUMBER(n, g, t, id, lo, hi) \
	{ .name = n, .group = g, .title = t, .metric = METRIC_##id, .min = lo, .max = hi }

/* The minima make 80 characters together with process numbers of 6 digits. */
const struct column columns[] = {
	NUMBER("pid", NULL, "PID", PID, 3, 7),
	{ .name = "comm", .title = "COMM", .kind = COL_COMM, .min = 7, .max = 16 },
	NUMBER("ctx", NULL, "CTX", CTX, 3, 6),
	NUMBER("ioasid", NULL, "ID", IOASID, 2, 5),
	NUMBER("devices", NULL, "DEV", DEVICES, 3, 3),
	NUMBER("mappings", "mappings", "MAPS", MAPPINGS, 4, 7),
	NUMBER("mapped", "mappings", "SIZE", MAPPED, 4, 6),
	NUMBER("pinned", "mappings", "PIN", PINNED, 4, 6),
	NUMBER("map", "map", "/s", MAP_RATE, 4, 7),
	NUMBER("map-p50", "map", "p50", MAP_P50, 4, 6),
	NUMBER("map-p99", "map", "p99", MAP_P99, 4, 6),
	NUMBER("unmap", "unmap", "/s", UNMAP_RATE, 4, 7),
	NUMBER("unmap-p50", "unmap", "p50", UNMAP_P50, 4, 6),
	NUMBER("unmap-p99", "unmap", "p99", UNMAP_P99, 4, 6),
	NUMBER("errors", "err", "/s", ERROR_RATE, 4, 6),
	NUMBER("lost", NULL, "LOST", LOST, 4, 6),
	/* Where there is room. */
	NUMBER("inv", "inval", "/s", INV_RATE, 0, 7),
	NUMBER("inv-p99", "inval", "p99", INV_P99, 0, 6),
	{ .name = "attached", .title = "DEVICES", .kind = COL_ATTACHED, .min = 0, .max = 60 },
};

const int nr_columns = sizeof(columns) / sizeof(columns[0]);

bool column__is_text(const struct column *column)
{
	return column->kind != COL_METRIC;
}

static bool is_identity(const struct column *column)
{
	return column->kind == COL_METRIC && metrics[column->metric].unit == UNIT_NONE;
}

void column__format(const struct column *column, const struct row *row, int width, char *out)
{
	const char *text = column->kind == COL_COMM ? row->comm : row->attached;

	if (column->kind == COL_METRIC && is_identity(column) && row->v[column->metric].known)
		snprintf(out, width + 1, "%llu", row->v[column->metric].count);
	else if (column->kind == COL_METRIC)
		format_value(out, width, &row->v[column->metric], column->metric);
	else
		snprintf(out, width + 1, "%s", text && *text ? text : "-");
}

static int widest(const struct column *column, const struct snapshot *snap, int at_least)
{
	char text[24];
	int len;

	for (size_t i = 0; snap && i < snap->nr_rows; i++) {
		column__format(column, &snap->rows[i], sizeof(text) - 1, text);
		len = strlen(text);
		if (len > at_least)
			at_least = len;
	}
	return at_least;
}

static int longest_attached(const struct snapshot *snap)
{
	int longest = 0, len;

	for (size_t i = 0; snap && i < snap->nr_rows; i++) {
		len = snap->rows[i].attached ? strlen(snap->rows[i].attached) : 0;
		if (len > longest)
			longest = len;
	}
	return longest;
}

/* The name of the process gives way first, then columns fall off at the right. */
static int shrink(int *widths, int room)
{
	while (room < 0 && widths[1] > 4) {
		widths[1]--;
		room++;
	}
	return room;
}

static int grow(int *widths, int column, int room)
{
	int more = columns[column].max - widths[column];

	if (more > room)
		more = room;
	if (more <= 0)
		return room;
	widths[column] += more;
	return room - more;
}

/* A column that was not shown, with the blank before it. */
static int add(int *widths, int column, int width, int room)
{
	if (room < width + 1)
		return room;
	widths[column] = width;
	return room - width - 1;
}

void columns__layout(const struct snapshot *snap, int cols, int *widths)
{
	int room = cols + 1, i, longest;

	for (i = 0; i < nr_columns; i++) {
		widths[i] = columns[i].min;
		if (is_identity(&columns[i]))
			widths[i] = widest(&columns[i], snap, columns[i].min);
		room -= widths[i] ? widths[i] + 1 : 0;
	}
	room = shrink(widths, room);
	if (room <= 0)
		return;
	room = grow(widths, 1, room);
	/* One character for each in turn, so that all numbers gain precision. */
	for (bool more = true; room && more;) {
		more = false;
		for (i = 2; i < nr_columns && room; i++) {
			if (!widths[i] || is_identity(&columns[i]) || widths[i] >= columns[i].max)
				continue;
			widths[i]++;
			room--;
			more = true;
		}
	}
	longest = longest_attached(snap);
	if (longest > columns[nr_columns - 1].max)
		longest = columns[nr_columns - 1].max;
	if (longest < (int)strlen("DEVICES"))
		longest = strlen("DEVICES");
	room = add(widths, nr_columns - 3, 7, room);
	room = add(widths, nr_columns - 2, 6, room);
	add(widths, nr_columns - 1, longest, room);
}
