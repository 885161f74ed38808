// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include <linux/ioasid.h>
#include "columns.h"
#include "format.h"

#define NUMBER(n, g, t, id, lo, hi, in_tree) \
	{ .name = n, .group = g, .title = t, .metric = METRIC_##id, .min = lo, .max = hi, \
	  .tree = in_tree }

#define FAULT(n, g, t, id, hi, w) \
	{ .name = n, .group = g, .title = t, .metric = METRIC_##id, .max = hi, .fault = w }

/*
 * The minima make 80 characters together with process numbers of 6 digits, and with
 * spaces that are nested three deep.
 */
const struct column columns[] = {
	NUMBER("pid", NULL, "PID", PID, 3, 7, 0),
	{ .name = "comm", .title = "COMM", .kind = COL_COMM, .min = 7, .max = 16 },
	NUMBER("ctx", NULL, "CTX", CTX, 3, 6, 0),
	NUMBER("ioasid", NULL, "ID", IOASID, 2, 5, 0),
	{ .name = "space", .title = "SPACE", .kind = COL_SPACE, .metric = METRIC_IOASID,
	  .max = 3 * STEM_DEPTH + 5, .tree = 5, .fault = 5 },
	{ .name = "format", .title = "KIND", .kind = COL_KIND, .metric = METRIC_FORMAT,
	  .max = 11, .tree = 11 },
	NUMBER("devices", NULL, "DEV", DEVICES, 3, 3, 0),
	NUMBER("mappings", "mappings", "MAPS", MAPPINGS, 4, 7, 4),
	NUMBER("mapped", "mappings", "SIZE", MAPPED, 4, 6, 4),
	NUMBER("pinned", "mappings", "PIN", PINNED, 4, 6, -4),
	NUMBER("map", "map", "/s", MAP_RATE, 4, 7, 4),
	NUMBER("map-p50", "map", "p50", MAP_P50, 4, 6, -4),
	NUMBER("map-p99", "map", "p99", MAP_P99, 4, 6, -4),
	NUMBER("unmap", "unmap", "/s", UNMAP_RATE, 4, 7, 5),
	NUMBER("unmap-p50", "unmap", "p50", UNMAP_P50, 4, 6, -4),
	NUMBER("unmap-p99", "unmap", "p99", UNMAP_P99, 4, 6, -4),
	NUMBER("user-inv", "user inval", "/s", USER_INV_RATE, 0, 7, 4),
	NUMBER("user-inv-p50", "user inval", "p50", USER_INV_P50, 0, 6, 4),
	NUMBER("user-inv-p99", "user inval", "p99", USER_INV_P99, 0, 6, 4),
	NUMBER("errors", "err", "/s", ERROR_RATE, 4, 6, 4),
	NUMBER("lost", NULL, "LOST", LOST, 4, 6, 0),
	FAULT("faults", "faults", "/s", FAULT_RATE, 7, 4),
	FAULT("fault-pages", "faults", "pg/s", FAULT_PAGE_RATE, 7, 4),
	FAULT("pending", "faults", "PEND", FAULT_PENDING, 6, 4),
	FAULT("oldest", "faults", "OLDEST", FAULT_OLDEST, 6, 6),
	FAULT("fault-ok", "answers", "ok/s", FAULT_SUCCESS_RATE, 7, 4),
	FAULT("fault-invalid", "answers", "no/s", FAULT_INVALID_RATE, 6, 4),
	FAULT("fault-overflows", "dropped", "OVFL", FAULT_OVERFLOWS_SEEN, 6, 4),
	FAULT("fault-timeouts", "dropped", "LATE", FAULT_TIMEOUTS_SEEN, 6, 4),
	FAULT("fault-cancels", "dropped", "CANC", FAULT_CANCELS_SEEN, 6, 4),
	FAULT("fault-fatal", NULL, "FATAL", FAULT_UNRECOVERABLE_SEEN, 6, -5),
	FAULT("service-p50", "service", "p50", FAULT_SERVICE_P50, 6, 4),
	FAULT("service-p99", "service", "p99", FAULT_SERVICE_P99, 6, 4),
	FAULT("service-max", "service", "max", FAULT_SERVICE_MAX, 6, 4),
	FAULT("wait-p50", "wait", "p50", FAULT_WAIT_P50, 6, -4),
	FAULT("wait-p99", "wait", "p99", FAULT_WAIT_P99, 6, -4),
	/* Where there is room. */
	NUMBER("inv", "inval", "/s", INV_RATE, 0, 7, 0),
	NUMBER("inv-p99", "inval", "p99", INV_P99, 0, 6, 0),
	{ .name = "attached", .title = "DEVICES", .kind = COL_ATTACHED, .min = 0, .max = 60,
	  .tree = 7, .fault = 7 },
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

/* Who manages the table: "kernel", "child" on a parent, "user" and the format. */
static void format_kind(const struct row *row, int width, char *out)
{
	static const char *const formats[] = {
		[IOASID_FORMAT_NONE] = "",
		[IOASID_FORMAT_X86_64_4LEVEL] = "x86-4",
		[IOASID_FORMAT_X86_64_5LEVEL] = "x86-5",
		[IOASID_FORMAT_ARM_LPAE_4K] = "arm-4k",
		[IOASID_FORMAT_RISCV_SV39] = "sv39",
		[IOASID_FORMAT_RISCV_SV48] = "sv48",
		[IOASID_FORMAT_AMD_GCR3] = "gcr3",
		[IOASID_FORMAT_ARM_CD] = "arm-cd",
	};
	const struct value *format = &row->v[METRIC_FORMAT];

	if (!format->known)
		snprintf(out, width + 1, "%s", row->v[METRIC_PARENT].known ? "child" :
			 *row->kind ? row->kind : "-");
	else if (format->count < sizeof(formats) / sizeof(formats[0]) && formats[format->count])
		snprintf(out, width + 1, "%s %s", row->kind, formats[format->count]);
	else
		snprintf(out, width + 1, "%s %llu", row->kind, format->count);
}

/* A name that is cut must not pass for another one. */
static void format_attached(const char *text, int width, char *out)
{
	if (snprintf(out, width + 1, "%s", text) > width && width)
		out[width - 1] = '+';
}

void column__format(const struct column *column, const struct line *line, int width, char *out)
{
	const struct row *row = line->row;

	if (row->state == ROW_DEVICE && column->kind == COL_SPACE)
		snprintf(out, width + 1, "%s%s", line->stem, row->attached);
	else if (row->state == ROW_DEVICE && column->kind == COL_ATTACHED)
		*out = '\0';
	else if (column->kind == COL_SPACE && row->state == ROW_OTHER)
		snprintf(out, width + 1, "%s", row->comm);
	else if (column->kind == COL_SPACE)
		snprintf(out, width + 1, "%s%u", line->stem, row->ioasid);
	else if (column->kind == COL_KIND)
		format_kind(row, width, out);
	else if (column->kind == COL_METRIC && is_identity(column) && row->v[column->metric].known)
		snprintf(out, width + 1, "%llu", row->v[column->metric].count);
	else if (column->kind == COL_METRIC)
		format_value(out, width, &row->v[column->metric], column->metric);
	else if (column->kind == COL_ATTACHED)
		format_attached(row->attached && *row->attached ? row->attached : "-", width, out);
	else
		snprintf(out, width + 1, "%s", *row->comm ? row->comm : "-");
}

static int widest(const struct column *column, const struct snapshot *snap, int at_least)
{
	char text[24];
	int len;

	for (size_t i = 0; snap && i < snap->nr_rows; i++) {
		const struct line line = { .row = &snap->rows[i] };

		column__format(column, &line, sizeof(text) - 1, text);
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

/* One character for each in turn, so that all numbers gain precision. */
static int grow_numbers(int *widths, int room)
{
	for (bool more = true; room && more;) {
		more = false;
		for (int i = 0; i < nr_columns && room; i++) {
			if (columns[i].kind != COL_METRIC || is_identity(&columns[i]) ||
			    !widths[i] || widths[i] >= columns[i].max)
				continue;
			widths[i]++;
			room--;
			more = true;
		}
	}
	return room;
}

static bool is_in_list(const struct column *column)
{
	return column->metric == METRIC_FAULT_RATE || column->metric == METRIC_FAULT_PENDING;
}

bool column__is_in(const struct column *column, bool faults)
{
	if (faults)
		return column->fault;
	return !column->fault || column__is_text(column) || is_in_list(column);
}

/* Most have none, and then a list need not say so. */
static bool have_faults(const struct snapshot *snap)
{
	for (size_t i = 0; snap && i < snap->nr_rows; i++)
		if (row__has_faults(&snap->rows[i]))
			return true;
	return false;
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
	for (i = 0; i < nr_columns && have_faults(snap); i++)
		if (columns[i].kind == COL_METRIC && is_in_list(&columns[i]))
			room = add(widths, i, 4, room);
	room = grow(widths, 1, room);
	room = grow_numbers(widths, room);
	longest = longest_attached(snap);
	if (longest > columns[nr_columns - 1].max)
		longest = columns[nr_columns - 1].max;
	if (longest < (int)strlen("DEVICES"))
		longest = strlen("DEVICES");
	room = add(widths, nr_columns - 3, 7, room);
	room = add(widths, nr_columns - 2, 6, room);
	add(widths, nr_columns - 1, longest, room);
}

/* The widest cell of a column of text, at least as wide as it always is. */
static int widest_line(const struct lines *lines, int column, int at_least)
{
	char text[128];
	int len;

	for (size_t i = 0; i < lines->nr; i++) {
		if (lines->at[i].heading)
			continue;
		column__format(&columns[column], &lines->at[i], columns[column].max, text);
		len = strlen(text);
		if (len > at_least)
			at_least = len;
	}
	return at_least;
}

static int width_of(const struct column *column, bool faults)
{
	return faults ? column->fault : column->tree;
}

void columns__layout_tree(const struct lines *lines, bool faults, int cols, int *widths)
{
	const int devices = nr_columns - 1;
	int room = cols + 1, more;

	for (int i = 0; i < nr_columns; i++) {
		widths[i] = width_of(&columns[i], faults);
		if (columns[i].kind == COL_SPACE)
			widths[i] = widest_line(lines, i, widths[i]);
		else if (widths[i] < 0)
			widths[i] = 0;
		room -= widths[i] ? widths[i] + 1 : 0;
	}
	/* Where there are several, each has a line with its name. */
	if (faults && room < 0) {
		room += widths[devices] + 1;
		widths[devices] = 0;
	}
	if (room <= 0)
		return;
	more = 0;
	if (widths[devices])
		more = widest_line(lines, devices, widths[devices]) - widths[devices];
	if (more > room)
		more = room;
	widths[devices] += more;
	room -= more;
	for (int i = 0; i < nr_columns; i++)
		if (width_of(&columns[i], faults) < 0)
			room = add(widths, i, -width_of(&columns[i], faults), room);
	grow_numbers(widths, room);
}
