// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Views that are tables. */
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "views.h"

/* Nobody should wait for so long. */
#define OLD_NS 1000000000ULL

static bool is_more(const struct row *row, enum metric_id id, double than)
{
	return row->v[id].known && value__number(&row->v[id], id) > than;
}

/* How wide a group is, from its first column that is shown. */
static int run_width(const int *widths, int first)
{
	int width = widths[first];

	for (int i = first + 1; i < nr_columns; i++) {
		if (!widths[i])
			continue;
		if (columns[i].group != columns[first].group)
			break;
		width += widths[i] + 1;
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

static void draw_titles(const struct view *view, struct grid *grid, int row, const int *widths)
{
	const char *group = NULL;
	int col = 0;

	for (int i = 0; i < nr_columns; i++) {
		if (!widths[i])
			continue;
		if (columns[i].group && columns[i].group != group)
			draw_group(grid, row, col, run_width(widths, i), columns[i].group);
		group = columns[i].group;
		grid__cell(grid, row + 1, col, widths[i],
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
	case METRIC_LOST: return is_more(row, id, 0);
	case METRIC_FAULT_OLDEST: return is_more(row, id, OLD_NS);
	case METRIC_FAULT_OVERFLOWS_SEEN: return is_more(row, METRIC_FAULT_OVERFLOWS, 0);
	case METRIC_FAULT_TIMEOUTS_SEEN: return is_more(row, METRIC_FAULT_TIMEOUTS, 0);
	default: return false;
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
		grid__cell(grid, at, col, widths[i], cell_attr(&columns[i], line->row),
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

/* Other sources do without. */
bool view__has_no_driver(const struct snapshot *snap)
{
	return snap->watch == WATCH_IOASID && snap->source == COUNTERS_NONE;
}

const char *view__empty_reason(const struct view *view, const struct snapshot *snap)
{
	if (!snap)
		return "The first interval is running ...";
	if (snap->watch != WATCH_IOASID && !snap->nr_rows)
		return "Nobody maps or unmaps; what was there before is seen when it does.";
	if (view__has_no_driver(snap))
		return "The ioasid driver is not loaded: waiting for it.";
	if (snap->nr_rows && view->id == VIEW_FAULTS && !*view->filter && !view->pid)
		return knows_faults(snap) ? "No device has asked for a page." :
					    "This driver does not count page faults.";
	if (snap->nr_rows && view->id == VIEW_DEVICES && !*view->filter && !view->pid)
		return "No device is attached to a space.";
	if (snap->nr_rows)
		return "No row matches the filter.";
	if (!snap->complete)
		return "No context is open that can be seen from here.";
	return "No context is open: nobody uses /dev/ioasid or VFIO on ioasid_vfio.";
}

void view__draw_table(const struct view *view, const struct snapshot *snap,
		      const struct lines *lines, struct grid *grid, size_t first, int end)
{
	enum layout layout = view__type(view)->layout;
	int widths[MAX_COLUMNS], at = view__header_rows(view, grid->cols);

	if (layout == LAYOUT_LIST)
		columns__layout(snap, grid->cols, widths);
	else
		columns__layout_lines(lines, layout, grid->cols, widths);
	draw_titles(view, grid, at, widths);
	at += TITLE_ROWS;
	for (size_t i = first; i < lines->nr && at < end; i++, at++) {
		draw_line(grid, at, &lines->at[i], widths);
		if (i == view->cursor)
			grid__paint(grid, at, ATTR_CURSOR);
	}
	if (!lines->nr)
		grid__text(grid, at, 0, ATTR_NORMAL, view__empty_reason(view, snap));
}
