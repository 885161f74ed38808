// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include <linux/ioasid.h>
#include "columns.h"
#include "format.h"

#define NUMBER(n, g, t, id, lo, hi, ...) \
	{ .name = n, .group = g, .title = t, .metric = METRIC_##id, .min = lo, .max = hi, \
	  .list = 1, ##__VA_ARGS__ }

#define ELSEWHERE(n, g, t, id, hi, ...) \
	{ .name = n, .group = g, .title = t, .metric = METRIC_##id, .max = hi, ##__VA_ARGS__ }

/*
 * The minima make 80 characters together with process numbers of 6 digits, and with
 * spaces that are nested three deep.
 */
const struct column columns[] = {
	{ .name = "device", .title = "DEVICE", .kind = COL_NAME, .max = 24, .dev = 12 },
	{ .name = "pasid", .title = "PASID", .kind = COL_NOTE, .max = 20, .dev = 5 },
	{ .name = "cgroup", .title = "CGROUP", .kind = COL_PATH, .max = 80, .cgroup = 16 },
	NUMBER("pid", NULL, "PID", PID, 3, 7, .dev = 3, .proc = 3, .inval = 3),
	{ .name = "nspid", .title = "NSPID", .kind = COL_NSPID, .max = 7, .proc = 5 },
	{ .name = "comm", .title = "COMM", .kind = COL_COMM, .min = 7, .max = 16, .list = 1,
	  .dev = 7, .proc = 7, .inval = 7 },
	{ .name = "container", .title = "CONTAINER", .kind = COL_NOTE, .max = CONTAINER_LEN - 1,
	  .proc = 9, .cgroup = 9 },
	NUMBER("ctx", NULL, "CTX", CTX, 3, 6, .dev = 3, .inval = 3),
	NUMBER("ioasid", NULL, "ID", IOASID, 2, 5, .dev = 2, .inval = 2),
	{ .name = "space", .title = "SPACE", .kind = COL_SPACE, .metric = METRIC_IOASID,
	  .max = 3 * STEM_DEPTH + 5, .list = 1, .tree = 5, .fault = 5 },
	{ .name = "format", .title = "KIND", .kind = COL_KIND, .metric = METRIC_FORMAT,
	  .max = 11, .list = 1, .tree = 11, .dev = 10, .inval = -10 },
	{ .name = "processes", .title = "PROC", .kind = COL_PROCESSES, .max = 5, .cgroup = 4 },
	{ .name = "contexts", .title = "CTXS", .kind = COL_CTXS, .max = 5, .proc = 4, .cgroup = 4 },
	{ .name = "spaces", .title = "SPC", .kind = COL_SPACES, .max = 5, .proc = 3, .cgroup = 3 },
	NUMBER("devices", NULL, "DEV", DEVICES, 3, 3, .proc = 3, .cgroup = 3, .inval = 3),
	NUMBER("mappings", "mappings", "MAPS", MAPPINGS, 4, 7, .tree = 4, .proc = -4, .cgroup = -4),
	NUMBER("mapped", "mappings", "SIZE", MAPPED, 4, 6, .tree = 4, .dev = 4, .proc = 4,
	       .cgroup = 4),
	NUMBER("pinned", "mappings", "PIN", PINNED, 4, 6, .tree = -4, .dev = -4, .proc = 4,
	       .cgroup = 4),
	NUMBER("map", "map", "/s", MAP_RATE, 4, 7, .tree = 4, .dev = 4, .proc = 4, .cgroup = 4),
	NUMBER("map-p50", "map", "p50", MAP_P50, 4, 6, .tree = -4, .proc = -4, .cgroup = -4),
	NUMBER("map-p99", "map", "p99", MAP_P99, 4, 6, .tree = -4, .dev = -4, .proc = 4,
	       .cgroup = 4),
	NUMBER("unmap", "unmap", "/s", UNMAP_RATE, 4, 7, .tree = 5, .dev = 5, .proc = 5,
	       .cgroup = 5),
	NUMBER("unmap-p50", "unmap", "p50", UNMAP_P50, 4, 6, .tree = -4, .proc = -4, .cgroup = -4),
	NUMBER("unmap-p99", "unmap", "p99", UNMAP_P99, 4, 6, .tree = -4, .proc = -4, .cgroup = -4),
	NUMBER("user-inv", "user inval", "/s", USER_INV_RATE, 0, 7, .tree = 4, .inval = 4),
	ELSEWHERE("user-inv-errors", "user inval", "bad", USER_INV_ERRORS, 6, .inval = 4),
	NUMBER("user-inv-p50", "user inval", "p50", USER_INV_P50, 0, 6, .tree = 4, .inval = 4),
	NUMBER("user-inv-p99", "user inval", "p99", USER_INV_P99, 0, 6, .tree = 4, .inval = 4),
	ELSEWHERE("user-inv-max", "user inval", "max", USER_INV_MAX, 6, .inval = 4),
	NUMBER("errors", "err", "/s", ERROR_RATE, 4, 6, .tree = 4, .proc = 4, .cgroup = 4),
	NUMBER("lost", NULL, "LOST", LOST, 4, 6, .proc = -4, .cgroup = -4),
	ELSEWHERE("faults", "faults", "/s", FAULT_RATE, 7, .list = 1, .fault = 4, .dev = 6,
		  .proc = -6, .cgroup = -6),
	ELSEWHERE("fault-pages", "faults", "pg/s", FAULT_PAGE_RATE, 7, .fault = 4),
	ELSEWHERE("pending", "faults", "PEND", FAULT_PENDING, 6, .list = 1, .fault = 4, .dev = -4,
		  .proc = -4, .cgroup = -4),
	ELSEWHERE("oldest", "faults", "OLDEST", FAULT_OLDEST, 6, .fault = 6),
	ELSEWHERE("fault-ok", "answers", "ok/s", FAULT_SUCCESS_RATE, 7, .fault = 4),
	ELSEWHERE("fault-invalid", "answers", "no/s", FAULT_INVALID_RATE, 6, .fault = 4),
	ELSEWHERE("fault-overflows", "dropped", "OVFL", FAULT_OVERFLOWS_SEEN, 6, .fault = 4),
	ELSEWHERE("fault-timeouts", "dropped", "LATE", FAULT_TIMEOUTS_SEEN, 6, .fault = 4),
	ELSEWHERE("fault-cancels", "dropped", "CANC", FAULT_CANCELS_SEEN, 6, .fault = 4),
	ELSEWHERE("fault-fatal", NULL, "FATAL", FAULT_UNRECOVERABLE_SEEN, 6, .fault = -5),
	ELSEWHERE("service-p50", "service", "p50", FAULT_SERVICE_P50, 6, .fault = 4),
	ELSEWHERE("service-p99", "service", "p99", FAULT_SERVICE_P99, 6, .fault = 4, .dev = -4),
	ELSEWHERE("service-max", "service", "max", FAULT_SERVICE_MAX, 6, .fault = 4),
	ELSEWHERE("wait-p50", "wait", "p50", FAULT_WAIT_P50, 6, .fault = -4),
	ELSEWHERE("wait-p99", "wait", "p99", FAULT_WAIT_P99, 6, .fault = -4),
	/* Where there is room. */
	NUMBER("inv", "inval", "/s", INV_RATE, 0, 7, .dev = 5, .proc = -5, .cgroup = -5,
	       .inval = 4),
	{ .name = "scope", .group = "inval", .title = "SIZE", .kind = COL_SCOPE, .max = 6,
	  .inval = 4 },
	ELSEWHERE("inv-p50", "inval", "p50", INV_P50, 6, .inval = 4),
	NUMBER("inv-p99", "inval", "p99", INV_P99, 0, 6, .inval = 4),
	ELSEWHERE("inv-max", "inval", "max", INV_MAX, 6, .inval = 4),
	ELSEWHERE("user-inv-total", "since made", "USER", USER_INVS_TOTAL, 9, .inval = -5),
	ELSEWHERE("shadow-syncs", "since made", "FOLLOWED", SHADOW_SYNCS_TOTAL, 9, .inval = -8),
	{ .name = "attached", .title = "DEVICES", .kind = COL_ATTACHED, .min = 0, .max = 60,
	  .list = 1, .tree = 7, .fault = 7 },
};

const int nr_columns = sizeof(columns) / sizeof(columns[0]);

_Static_assert(sizeof(columns) / sizeof(columns[0]) <= MAX_COLUMNS, "arrays of widths");

bool column__is_text(const struct column *column)
{
	switch (column->kind) {
	case COL_METRIC:
	case COL_NSPID:
	case COL_CTXS:
	case COL_SPACES:
	case COL_PROCESSES:
	case COL_SCOPE:
		return false;
	default:
		return true;
	}
}

int column__key(const struct column *column)
{
	switch (column->kind) {
	case COL_COMM:
		return ROW_KEY_COMM;
	case COL_ATTACHED:
		return METRIC_DEVICES;
	case COL_NAME:
	case COL_PATH:
		return ROW_KEY_NAME;
	case COL_NOTE:
		return ROW_KEY_NOTE;
	case COL_NSPID:
		return ROW_KEY_NSPID;
	case COL_CTXS:
		return ROW_KEY_CTXS;
	case COL_SPACES:
		return ROW_KEY_SPACES;
	case COL_PROCESSES:
		return ROW_KEY_PROCESSES;
	case COL_SCOPE:
		return METRIC_INV_BYTES;
	default:
		return column->metric;
	}
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

/* Of a path the end. */
static void format_path(const char *text, int width, char *out)
{
	int len = strlen(text);

	if (len <= width)
		snprintf(out, width + 1, "%s", text);
	else
		snprintf(out, width + 1, "+%s", text + len - width + 1);
}

static void format_count(unsigned int number, int width, char *out)
{
	format_number(out, width, number, UNIT_COUNT);
}

/* How much is invalidated at once, on average. */
static void format_scope(const struct row *row, int width, char *out)
{
	const struct value *bytes = &row->v[METRIC_INV_BYTES], *nr = &row->v[METRIC_INV_SAMPLES];

	if (bytes->known && nr->known && nr->count)
		format_number(out, width, (double)bytes->count / nr->count, UNIT_BYTES);
	else
		snprintf(out, width + 1, "-");
}

static void format_space(const struct line *line, int width, char *out)
{
	const struct row *row = line->row;

	if (row->state == ROW_DEVICE)
		snprintf(out, width + 1, "%s%s", line->stem, row->attached);
	else if (row->state == ROW_OTHER)
		snprintf(out, width + 1, "%s", row->comm);
	else
		snprintf(out, width + 1, "%s%u", line->stem, row->ioasid);
}

static void format_metric(const struct column *column, const struct row *row, int width, char *out)
{
	if (is_identity(column) && row->v[column->metric].known)
		snprintf(out, width + 1, "%llu", row->v[column->metric].count);
	else
		format_value(out, width, &row->v[column->metric], column->metric);
}

static const char *or_none(const char *text)
{
	return text && *text ? text : "-";
}

void column__format(const struct column *column, const struct line *line, int width, char *out)
{
	const struct row *row = line->row;

	switch (column->kind) {
	case COL_METRIC:
		return format_metric(column, row, width, out);
	case COL_COMM:
		snprintf(out, width + 1, "%s", or_none(row->comm));
		return;
	case COL_ATTACHED:
		if (row->state == ROW_DEVICE)
			*out = '\0';
		else
			format_attached(or_none(row->attached), width, out);
		return;
	case COL_SPACE:
		return format_space(line, width, out);
	case COL_KIND:
		return format_kind(row, width, out);
	case COL_NAME:
		return format_attached(or_none(row->attached), width, out);
	case COL_PATH:
		return format_path(or_none(row->attached), width, out);
	case COL_NOTE:
		return format_attached(or_none(row->note), width, out);
	case COL_NSPID:
		snprintf(out, width + 1, row->nspid ? "%u" : "-", row->nspid);
		return;
	case COL_CTXS:
		return format_count(row->nr_ctxs, width, out);
	case COL_SPACES:
		return format_count(row->nr_spaces, width, out);
	case COL_PROCESSES:
		return format_count(row->nr_processes, width, out);
	case COL_SCOPE:
		return format_scope(row, width, out);
	}
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

/* Names give way first, then columns fall off at the right. */
static int shrink(int *widths, int room)
{
	for (int i = 0; i < nr_columns; i++) {
		enum column_kind kind = columns[i].kind;

		if (kind != COL_COMM && kind != COL_PATH)
			continue;
		while (room < 0 && widths[i] > 4) {
			widths[i]--;
			room++;
		}
	}
	return room;
}

static int grow(int *widths, int column, int up_to, int room)
{
	int more = up_to - widths[column];

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
			if ((columns[i].kind != COL_METRIC && columns[i].kind != COL_SCOPE) ||
			    is_identity(&columns[i]) || !widths[i] || widths[i] >= columns[i].max)
				continue;
			widths[i]++;
			room--;
			more = true;
		}
	}
	return room;
}

bool column__is_in(const struct column *column, enum layout layout)
{
	if (layout == LAYOUT_NONE)
		return false;
	return column->in[layout == LAYOUT_TREE ? LAYOUT_LIST : layout];
}

/* Most have none, and then a list need not say so. */
static bool have_faults(const struct snapshot *snap)
{
	for (size_t i = 0; snap && i < snap->nr_rows; i++)
		if (row__has_faults(&snap->rows[i]))
			return true;
	return false;
}

static int add_metric(int *widths, enum metric_id id, int width, int room)
{
	for (int i = 0; i < nr_columns; i++)
		if (columns[i].kind == COL_METRIC && columns[i].metric == id)
			return add(widths, i, width, room);
	return room;
}

void columns__layout(const struct snapshot *snap, int cols, int *widths)
{
	const int devices = nr_columns - 1;
	int room = cols + 1, i, longest;

	for (i = 0; i < nr_columns; i++) {
		widths[i] = columns[i].min;
		if (is_identity(&columns[i]) && columns[i].min)
			widths[i] = widest(&columns[i], snap, columns[i].min);
		room -= widths[i] ? widths[i] + 1 : 0;
	}
	room = shrink(widths, room);
	if (room <= 0)
		return;
	if (have_faults(snap)) {
		room = add_metric(widths, METRIC_FAULT_RATE, 4, room);
		room = add_metric(widths, METRIC_FAULT_PENDING, 4, room);
	}
	for (i = 0; i < nr_columns; i++)
		if (columns[i].kind == COL_COMM)
			room = grow(widths, i, columns[i].max, room);
	room = grow_numbers(widths, room);
	longest = longest_attached(snap);
	if (longest > columns[devices].max)
		longest = columns[devices].max;
	if (longest < (int)strlen("DEVICES"))
		longest = strlen("DEVICES");
	room = add_metric(widths, METRIC_INV_RATE, 7, room);
	room = add_metric(widths, METRIC_INV_P99, 6, room);
	add(widths, devices, longest, room);
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

static bool never_cut(const struct column *column)
{
	return column->kind == COL_SPACE || column->kind == COL_NSPID || is_identity(column);
}

/* Those of text, one after the other, up to what they need; containers come first. */
static int grow_texts(const struct lines *lines, int *widths, int room)
{
	for (int i = 0; i < nr_columns; i++)
		if (widths[i] && columns[i].kind == COL_NOTE)
			room = grow(widths, i, widest_line(lines, i, widths[i]), room);
	for (int i = 0; i < nr_columns; i++)
		if (widths[i] && columns[i].kind != COL_KIND && column__is_text(&columns[i]))
			room = grow(widths, i, widest_line(lines, i, widths[i]), room);
	return room;
}

void columns__layout_lines(const struct lines *lines, enum layout layout, int cols, int *widths)
{
	const int devices = nr_columns - 1;
	int room = cols + 1;

	for (int i = 0; i < nr_columns; i++) {
		widths[i] = columns[i].in[layout];
		if (widths[i] < 0)
			widths[i] = 0;
		else if (widths[i] && never_cut(&columns[i]))
			widths[i] = widest_line(lines, i, widths[i]);
		room -= widths[i] ? widths[i] + 1 : 0;
	}
	/* Where there are several, each has a line with its name. */
	if (layout == LAYOUT_FAULTS && room < 0) {
		room += widths[devices] + 1;
		widths[devices] = 0;
	}
	room = shrink(widths, room);
	if (room <= 0)
		return;
	room = grow_texts(lines, widths, room);
	for (int i = 0; i < nr_columns; i++)
		if (columns[i].in[layout] < 0)
			room = add(widths, i, -columns[i].in[layout], room);
	grow_numbers(widths, room);
}
