// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "columns.h"
#include "format.h"
#include "version.h"

#define TEXT_ROWS	2	/* of the header, before what is missing */
#define TITLE_ROWS	2
#define MAX_COLUMNS	48

/* Nobody should wait for so long. */
#define OLD_NS		1000000000ULL

int grid__init(struct grid *grid, int rows, int cols)
{
	grid->rows = rows;
	grid->cols = cols;
	grid->cells = malloc(sizeof(*grid->cells) * rows * cols);
	if (!grid->cells)
		return -ENOMEM;
	for (int i = 0; i < rows * cols; i++)
		grid->cells[i] = (struct cell){ ' ', ATTR_NORMAL };
	return 0;
}

void grid__free(struct grid *grid)
{
	free(grid->cells);
	grid->cells = NULL;
}

void grid__text(struct grid *grid, int row, int col, enum attr attr, const char *text)
{
	if (row < 0 || row >= grid->rows)
		return;
	for (; *text && col < grid->cols; text++, col++)
		grid->cells[row * grid->cols + col] = (struct cell){ *text, attr };
}

void grid__line(const struct grid *grid, int row, char *out)
{
	int len = 0;

	for (int col = 0; col < grid->cols; col++) {
		out[col] = grid->cells[row * grid->cols + col].c;
		if (out[col] != ' ')
			len = col + 1;
	}
	out[len] = '\0';
}

const char *view__column_name(int column)
{
	return columns[column].name;
}

int view__find_column(const char *name)
{
	for (int i = 0; i < nr_columns; i++)
		if (!strcmp(columns[i].name, name))
			return i;
	return -1;
}

/* Names and numbers of things go up, amounts go down. */
bool view__column_ascends(int column)
{
	return column__is_text(&columns[column]) ||
	       metrics[columns[column].metric].unit == UNIT_NONE;
}

void view__sort(const struct view *view, struct snapshot *snap)
{
	const struct column *column = &columns[view->sort];

	if (column->kind == COL_ATTACHED)
		snapshot__sort(snap, METRIC_DEVICES, view->ascending);
	else
		snapshot__sort(snap, column->kind == COL_COMM ? NR_METRICS : column->metric,
			       view->ascending);
}

void view__toggle_faults(struct view *view)
{
	int sort = view->sort;
	bool ascending = view->ascending;

	view->faults = !view->faults;
	view->sort = view->other_sort;
	view->ascending = view->other_ascending;
	view->other_sort = sort;
	view->other_ascending = ascending;
}

void view__sort_by_next(struct view *view, int step)
{
	do
		view->sort = (view->sort + step + nr_columns) % nr_columns;
	while (!column__is_in(&columns[view->sort], view->faults));
	view->ascending = view__column_ascends(view->sort);
}

bool view__shows(const struct view *view, const struct row *row)
{
	const struct value *pid = &row->v[METRIC_PID];

	if (view->pid && (!pid->known || pid->count != view->pid))
		return false;
	return !*view->filter || row__contains(row, view->filter);
}

size_t view__count_lines(const struct view *view, const struct snapshot *snap)
{
	struct lines lines;
	size_t nr;

	lines__make(&lines, view, snap);
	nr = lines.nr;
	lines__free(&lines);
	return nr;
}

/* How much of a text goes into a line: whole words if possible. */
static int fold(const char *text, int cols)
{
	int len = strlen(text), cut;

	if (len <= cols)
		return len;
	for (cut = cols; cut > 0 && text[cut] != ' ';)
		cut--;
	return cut ? cut : cols;
}

/* Draws, unless grid is NULL. Returns the number of lines. */
static int draw_folded(struct grid *grid, int row, int cols, const char *text)
{
	char line[512];
	int rows = 0, len;

	for (; *text; rows++) {
		len = fold(text, cols < (int)sizeof(line) ? cols : (int)sizeof(line) - 1);
		snprintf(line, sizeof(line), "%.*s", len, text);
		if (grid)
			grid__text(grid, row + rows, 0, ATTR_WARN, line);
		text += len;
		text += strspn(text, " ");
	}
	return rows;
}

static int header_rows(const struct view *view, int cols)
{
	int rows = TEXT_ROWS + (*view->filter != '\0');

	if (view->notice)
		rows += draw_folded(NULL, 0, cols, view->notice);
	/* Without either a line is left free, so that the table stays in place. */
	return (rows > TEXT_ROWS ? rows : TEXT_ROWS + 1) + TITLE_ROWS;
}

size_t view__page_rows(const struct view *view, int rows, int cols)
{
	rows -= header_rows(view, cols) + 1;
	return rows > 0 ? rows : 0;
}

static void draw_what(const struct view *view, const struct snapshot *snap, struct grid *grid)
{
	char text[256], every[32];

	snprintf(every, sizeof(every), "every %.3gs", view->interval);
	if (snap && snap->watch != WATCH_IOASID)
		snprintf(text, sizeof(text), "ioasidtop %s  %s  bpf: %s  %s", IOASID_TOOLS_VERSION,
			 view->kernel, watch__name(snap->watch), view->frozen ? "FROZEN" : every);
	else
		snprintf(text, sizeof(text), "ioasidtop %s  %s  %s%s  %s", IOASID_TOOLS_VERSION,
			 view->kernel, snap && snap->bpf ? "bpf raw_tp+" : "counters only: ",
			 snap ? counter_source__name(snap->source) : "none",
			 view->frozen ? "FROZEN" : every);
	grid__text(grid, 0, 0, ATTR_BOLD, text);
	if (!snap || !snap->lost.known)
		return;
	snprintf(text, sizeof(text), " lost %llu", lost__total(&snap->lost));
	grid__text(grid, 0, grid->cols - (int)strlen(text),
		   lost__total(&snap->lost) ? ATTR_WARN : ATTR_BOLD, text);
}

static bool is_more(const struct row *row, enum metric_id id, double than)
{
	return row->v[id].known && value__number(&row->v[id], id) > than;
}

struct part {
	const char *before;
	enum metric_id id;
	const char *after;
};

static void draw_parts(const struct snapshot *snap, struct grid *grid, const struct part *parts,
		       size_t nr)
{
	char text[256], number[16];
	int len;

	len = snprintf(text, sizeof(text), "%zu ctx, %zu spaces", snap->nr_ctxs, snap->nr_spaces);
	for (size_t i = 0; i < nr; i++) {
		format_value(number, grid->cols < 100 ? 4 : 6, &snap->total.v[parts[i].id],
			     parts[i].id);
		len += snprintf(text + len, sizeof(text) - len, "%s%s%s", parts[i].before, number,
				parts[i].after);
	}
	grid__text(grid, 1, 0, ATTR_NORMAL, text);
}

static void draw_totals(const struct view *view, const struct snapshot *snap, struct grid *grid)
{
	static const struct part maps[] = {
		{ ", ", METRIC_MAPPED, " mapped" }, { ", ", METRIC_PINNED, " pinned" },
		{ "; per s: ", METRIC_MAP_RATE, " map" }, { ", ", METRIC_UNMAP_RATE, " unmap" },
		{ ", ", METRIC_ERROR_RATE, " err" }, { ", ", METRIC_INV_RATE, " inv" },
	};
	static const struct part faults[] = {
		{ "; ", METRIC_FAULT_RATE, " faults/s" },
		{ ", ", METRIC_FAULT_PENDING, " pending" },
		{ ", oldest ", METRIC_FAULT_OLDEST, "" },
		{ "; service ", METRIC_FAULT_SERVICE_P50, "" },
		{ ", p99 ", METRIC_FAULT_SERVICE_P99, "" },
	};
	static const struct part all[] = {
		{ ", ", METRIC_MAPPED, " mapped" }, { "; per s: ", METRIC_MAP_RATE, " map" },
		{ ", ", METRIC_UNMAP_RATE, " unmap" }, { ", ", METRIC_FAULT_RATE, " fault" },
		{ ", ", METRIC_ERROR_RATE, " err" }, { ", ", METRIC_INV_RATE, " inv" },
		{ ", ", METRIC_PINNED, " pinned" },
	};

	if (view->faults)
		draw_parts(snap, grid, faults, sizeof(faults) / sizeof(faults[0]));
	else if (is_more(&snap->total, METRIC_FAULTS_TOTAL, 0))
		draw_parts(snap, grid, all, sizeof(all) / sizeof(all[0]));
	else
		draw_parts(snap, grid, maps, sizeof(maps) / sizeof(maps[0]));
}

static void draw_status(const struct view *view, const struct snapshot *snap,
			const struct lines *lines, struct grid *grid)
{
	int row = TEXT_ROWS;
	char text[128];

	if (*view->filter) {
		snprintf(text, sizeof(text), "filter '%s': %zu of %zu rows", view->filter,
			 lines->matching, snap ? snap->nr_rows : 0);
		grid__text(grid, row++, 0, ATTR_WARN, text);
	}
	if (view->notice)
		draw_folded(grid, row, grid->cols, view->notice);
}

static int run_width(const int *widths, int first, int *last)
{
	int width = widths[first];

	*last = first;
	while (*last + 1 < nr_columns && widths[*last + 1] &&
	       columns[*last + 1].group == columns[first].group) {
		(*last)++;
		width += widths[*last] + 1;
	}
	return width;
}

/* "--- map ----" above the columns of a group. */
static void draw_group(struct grid *grid, int row, int col, int width, const char *name)
{
	int len = strlen(name), before = (width - len - 2) / 2;

	for (int i = 0; i < width; i++)
		grid__text(grid, row, col + i, ATTR_DIM, len + 4 <= width ? "-" : " ");
	if (len + 4 > width) {
		grid__text(grid, row, col + width - len, ATTR_DIM, name);
		return;
	}
	grid__text(grid, row, col + before, ATTR_DIM, " ");
	grid__text(grid, row, col + before + 1, ATTR_DIM, name);
	grid__text(grid, row, col + before + 1 + len, ATTR_DIM, " ");
}

static void draw_cell(struct grid *grid, int row, int col, int width, enum attr attr, bool left,
		      const char *text)
{
	char padded[128];

	snprintf(padded, sizeof(padded), left ? "%-*.*s" : "%*.*s", width, width, text);
	grid__text(grid, row, col, attr, padded);
}

static void draw_titles(const struct view *view, struct grid *grid, int row, const int *widths)
{
	int col = 0, last;

	for (int i = 0; i < nr_columns; i++) {
		if (!widths[i])
			continue;
		if (columns[i].group && (!i || columns[i - 1].group != columns[i].group))
			draw_group(grid, row, col, run_width(widths, i, &last), columns[i].group);
		draw_cell(grid, row + 1, col, widths[i],
			  i == view->sort ? ATTR_SORTED : ATTR_TITLE, column__is_text(&columns[i]),
			  columns[i].title);
		grid__text(grid, row + 1, col + widths[i], ATTR_TITLE, " ");
		col += widths[i] + 1;
	}
	for (; col < grid->cols; col++)
		grid__text(grid, row + 1, col, ATTR_TITLE, " ");
}

/* What somebody should look into: drops only while there are new ones. */
static bool is_alarming(const struct row *row, enum metric_id id)
{
	switch (id) {
	case METRIC_ERROR_RATE:
	case METRIC_LOST:
		return is_more(row, id, 0);
	case METRIC_FAULT_OLDEST:
		return is_more(row, id, OLD_NS);
	case METRIC_FAULT_OVERFLOWS_SEEN:
		return is_more(row, METRIC_FAULT_OVERFLOWS, 0);
	case METRIC_FAULT_TIMEOUTS_SEEN:
		return is_more(row, METRIC_FAULT_TIMEOUTS, 0);
	default:
		return false;
	}
}

static enum attr cell_attr(const struct column *column, const struct row *row)
{
	if (column->kind == COL_METRIC && is_alarming(row, column->metric))
		return ATTR_WARN;
	return row->state == ROW_GONE ? ATTR_DIM : ATTR_NORMAL;
}

/* What stands above the spaces of a context in a tree. */
static void draw_heading(struct grid *grid, int at, const struct row *row)
{
	const struct value *registered = &row->v[METRIC_REGISTERED];
	char text[256], size[16];
	int len;

	len = snprintf(text, sizeof(text), "context %u  %s  %s", row->ctx,
		       *row->door ? row->door : "-", *row->comm ? row->comm : "-");
	if (row->v[METRIC_PID].known)
		len += snprintf(text + len, sizeof(text) - len, "  pid %llu",
				row->v[METRIC_PID].count);
	if (registered->known && registered->count) {
		format_value(size, 6, registered, METRIC_REGISTERED);
		snprintf(text + len, sizeof(text) - len, "  %s registered", size);
	}
	grid__text(grid, at, 0, ATTR_BOLD, text);
}

static void draw_line(struct grid *grid, int at, const struct line *line, const int *widths)
{
	char text[128];
	int col = 0;

	if (line->heading) {
		draw_heading(grid, at, line->row);
		return;
	}

	for (int i = 0; i < nr_columns; i++) {
		if (!widths[i])
			continue;
		column__format(&columns[i], line, widths[i], text);
		draw_cell(grid, at, col, widths[i], cell_attr(&columns[i], line->row),
			  column__is_text(&columns[i]), text);
		col += widths[i] + 1;
	}
}

static bool knows_faults(const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (snap->rows[i].ioasid && !snap->rows[i].v[METRIC_FAULT_COUNT].known)
			return false;
	return true;
}

static const char *empty_reason(const struct view *view, const struct snapshot *snap)
{
	if (!snap)
		return "The first interval is running ...";
	if (snap->watch != WATCH_IOASID && !snap->nr_rows)
		return "Nobody maps or unmaps: what is older is seen when it does something.";
	if (snap->watch == WATCH_IOASID && snap->source == COUNTERS_NONE)
		return "The ioasid driver is not loaded: waiting for it.";
	if (snap->nr_rows && view->faults && !*view->filter && !view->pid)
		return knows_faults(snap) ? "No device has asked for a page." :
					    "This driver does not count page faults.";
	if (snap->nr_rows)
		return "No row matches the filter.";
	if (!snap->complete)
		return "No context is open that can be seen from here.";
	return "No context is open: nobody uses /dev/ioasid or VFIO on ioasid_vfio.";
}

static void draw_table(const struct view *view, const struct snapshot *snap,
		       const struct lines *lines, struct grid *grid, size_t first, size_t max)
{
	int widths[MAX_COLUMNS], at = header_rows(view, grid->cols);

	if (view->tree || view->faults)
		columns__layout_tree(lines, view->faults, grid->cols, widths);
	else
		columns__layout(snap, grid->cols, widths);
	draw_titles(view, grid, at - TITLE_ROWS, widths);
	for (size_t i = first; i < lines->nr && i < first + max; i++)
		draw_line(grid, at++, &lines->at[i], widths);
	if (!lines->nr)
		grid__text(grid, at, 0, ATTR_NORMAL, empty_reason(view, snap));
}

static void draw_header(const struct view *view, const struct snapshot *snap,
			const struct lines *lines, struct grid *grid)
{
	draw_what(view, snap, grid);
	if (snap)
		draw_totals(view, snap, grid);
	draw_status(view, snap, lines, grid);
}

static void draw_keys(const struct view *view, struct grid *grid)
{
	char text[FILTER_LEN + 64];

	if (view->prompt) {
		snprintf(text, sizeof(text), "filter (name, pid or device; Enter, Esc): %s_",
			 view->filter);
		grid__text(grid, grid->rows - 1, 0, ATTR_BOLD, text);
		return;
	}
	snprintf(text, sizeof(text),
		 "q quit  h help  t %s  f %s  / filter  < > sort: %s %s  space freeze",
		 view->tree && !view->faults ? "list" : "tree", view->faults ? "maps" : "faults",
		 columns[view->sort].name, view->ascending ? "up" : "down");
	grid__text(grid, grid->rows - 1, 0, ATTR_DIM, text);
}

static void draw_help(struct grid *grid)
{
	static const char *const lines[] = {
		"ioasidtop: who maps memory for devices, how much, how often, how fast",
		"",
		"  q          quit                     < >        sort by another column",
		"  h ? F1     this help, any key ends  r          reverse the order",
		"  space      freeze, go on            /          filter by name, pid or device",
		"  + -        longer, shorter interval Esc        no filter",
		"  t          tree of spaces, or list  up down PgUp PgDn Home End  scroll",
		"  f          page faults, or back",
		"",
		"  CTX ID     context and address space; ID '-' is the context itself",
		"  DEV        attached devices",
		"  MAPS       live mappings, SIZE bytes they cover, PIN bytes they pin",
		"  /s         operations per second; p50 p99 of their latency: n, u, m, s =",
		"             ns, us, ms, s; within 3.125 %",
		"  err LOST   refused operations; maps and unmaps that BPF missed",
		"  KIND       in a tree: kernel, child of a space, or user and the table's format",
		"  user inval requests of INVALIDATE_CACHE for such a table",
		"  faults     PEND: not yet answered; ok, no: answers, success or invalid",
		"  dropped    since the start: OVFL a limit, LATE no answer in time, CANC detach",
		"  service    time for an answer; wait: what the device waited in all",
		"  lost       (top right) operations missing or without a row, in all",
		"",
		"  '-' is: not known. Without BPF there are no latencies. Dim rows have vanished.",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		grid__text(grid, i, 0, i ? ATTR_NORMAL : ATTR_BOLD, lines[i]);
}

void view__screen(const struct view *view, const struct snapshot *snap, struct grid *grid)
{
	struct lines lines;

	if (view->help) {
		draw_help(grid);
		return;
	}
	if (lines__make(&lines, view, snap)) {
		grid__text(grid, 0, 0, ATTR_WARN, "out of memory");
		return;
	}
	draw_header(view, snap, &lines, grid);
	draw_table(view, snap, &lines, grid, view->first_row,
		   view__page_rows(view, grid->rows, grid->cols));
	draw_keys(view, grid);
	lines__free(&lines);
}

int view__page(const struct view *view, const struct snapshot *snap, int cols, struct grid *grid)
{
	struct lines lines;
	int err = lines__make(&lines, view, snap);

	if (!err)
		err = grid__init(grid, header_rows(view, cols) + (lines.nr ? lines.nr : 1), cols);
	if (!err) {
		draw_header(view, snap, &lines, grid);
		draw_table(view, snap, &lines, grid, 0, lines.nr);
	}
	lines__free(&lines);
	return err;
}
