// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "views.h"

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
	const struct column *c = &columns[column];

	return column__is_text(c) || c->kind == COL_NSPID ||
	       (c->kind == COL_METRIC && metrics[c->metric].unit == UNIT_NONE);
}

const char *view__name(enum view_id id)
{
	return view_types[id].name;
}

int view__find(const char *name)
{
	for (int id = 0; id < NR_VIEWS; id++)
		if (!strcmp(view_types[id].name, name))
			return id;
	return -1;
}

int view__find_key(int key)
{
	for (int id = 0; id < NR_VIEWS; id++)
		if (view_types[id].key == key)
			return id;
	return -1;
}

void view__sort(const struct view *view, struct snapshot *snap)
{
	snapshot__sort(snap, column__key(&columns[view->sort]), view->ascending);
}

/* A tree is the list in another form. */
static enum view_id order_of(enum view_id id)
{
	return id == VIEW_TREE ? VIEW_SPACES : id;
}

static void show(struct view *view, enum view_id id)
{
	struct view_order *order = &view->orders[order_of(id)];

	view->orders[order_of(view->id)] = (struct view_order){ true, view->sort, view->ascending };
	view->id = id;
	view->space = false;
	view->first_row = view->cursor = 0;
	if (!order->chosen) {
		order->sort = view__find_column(view_types[id].sort);
		order->ascending = view__column_ascends(order->sort);
	}
	view->sort = order->sort;
	view->ascending = order->ascending;
}

void view__show(struct view *view, enum view_id id)
{
	view->space = false;
	if (id == view->id)
		return;
	view->previous = view->id;
	show(view, id);
}

void view__toggle(struct view *view, enum view_id id)
{
	if (view->id != id)
		view__show(view, id);
	else
		view__show(view, view->previous == id ? VIEW_SPACES : view->previous);
}

/* 1 is the first key and 0 the last. */
void view__show_next(struct view *view, int step)
{
	int key = (view__type(view)->key - '0' + step + 10) % 10;

	view__show(view, view__find_key('0' + key));
}

void view__sort_by_next(struct view *view, int step)
{
	enum layout layout = view__type(view)->layout;

	if (layout == LAYOUT_NONE)
		return;
	do
		view->sort = (view->sort + step + nr_columns) % nr_columns;
	while (!column__is_in(&columns[view->sort], layout));
	view->ascending = view__column_ascends(view->sort);
}

bool view__shows(const struct view *view, const struct snapshot *snap, const struct row *row)
{
	const struct value *pid = &row->v[METRIC_PID];
	const struct process *process;

	if (view->pid && (!pid->known || pid->count != view->pid))
		return false;
	if (!*view->filter || row__contains(row, view->filter))
		return true;
	process = pid->known ? snapshot__process(snap, pid->count) : NULL;
	return process && ((process->cgroup && strcasestr(process->cgroup, view->filter)) ||
			   strcasestr(process->container, view->filter));
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

size_t view__page_rows(const struct view *view, int rows, int cols)
{
	rows -= view__header_rows(view, cols) + TITLE_ROWS + 1;
	return rows > 0 ? rows : 0;
}

static void enter_space(struct view *view, const struct row *row)
{
	view->space = true;
	view->ctx = row->ctx;
	view->ioasid = row->ioasid;
}

/* A space is looked into; of a process or cgroup the spaces are. */
static bool enter(struct view *view, const struct row *row)
{
	if (row->ioasid) {
		enter_space(view, row);
		return true;
	}
	if (view->id == VIEW_PROCESSES && row->v[METRIC_PID].known) {
		view->pid = row->v[METRIC_PID].count;
		view__show(view, VIEW_SPACES);
		return true;
	}
	if (view->id == VIEW_CGROUPS && strlen(row->attached) < sizeof(view->filter)) {
		strcpy(view->filter, row->attached);
		view__show(view, VIEW_PROCESSES);
		return true;
	}
	return false;
}

bool view__enter(struct view *view, const struct snapshot *snap)
{
	struct lines lines;
	bool entered = false;

	if (view->space || lines__make(&lines, view, snap))
		return false;
	if (view->cursor < lines.nr && !lines.at[view->cursor].heading)
		entered = enter(view, lines.at[view->cursor].row);
	lines__free(&lines);
	return entered;
}

bool view__back(struct view *view)
{
	if (view->space) {
		view->space = false;
		return true;
	}
	if (!*view->filter && !view->pid)
		return false;
	view->filter[0] = '\0';
	view->pid = 0;
	return true;
}

static bool is_table(const struct view *view)
{
	return view__type(view)->lines && !view->space;
}

/* Nothing to show, or not yet, is said by all in the same way. */
static void draw_body(const struct view *view, const struct snapshot *snap,
		      const struct lines *lines, struct grid *grid, size_t first, int end)
{
	int row = view__header_rows(view, grid->cols);

	if (is_table(view))
		view__draw_table(view, snap, lines, grid, first, end);
	else if (!snap || view__has_no_driver(snap))
		grid__text(grid, row + TITLE_ROWS, 0, ATTR_NORMAL, view__empty_reason(view, snap));
	else if (view->space)
		view_space__draw(view, snap, grid, row, end);
	else
		view__type(view)->draw(view, snap, grid, row, end);
}

void view__screen(const struct view *view, const struct snapshot *snap, struct grid *grid)
{
	struct lines lines;

	if (view->help) {
		view__draw_help(grid);
		return;
	}
	if (lines__make(&lines, view, snap)) {
		grid__text(grid, 0, 0, ATTR_WARN, "out of memory");
		return;
	}
	view__draw_header(view, snap, &lines, grid);
	draw_body(view, snap, &lines, grid, view->first_row, grid->rows - 1);
	view__draw_keys(view, grid);
	lines__free(&lines);
}

static int body_rows(const struct view *view, const struct snapshot *snap,
		     const struct lines *lines, int cols)
{
	if (is_table(view))
		return TITLE_ROWS + (lines->nr ? lines->nr : 1);
	if (view__has_no_driver(snap))
		return TITLE_ROWS + 1;
	return view->space ? view_space__rows(view, snap, cols) :
			     view__type(view)->rows(view, snap, cols);
}

int view__page(const struct view *view, const struct snapshot *snap, int cols, struct grid *grid)
{
	struct view printed = *view;
	struct lines lines;
	int err, rows;

	printed.cursor = SIZE_MAX;
	err = lines__make(&lines, &printed, snap);
	if (err)
		return err;
	rows = view__header_rows(view, cols) + body_rows(view, snap, &lines, cols);
	err = grid__init(grid, rows, cols);
	if (!err) {
		view__draw_header(view, snap, &lines, grid);
		draw_body(&printed, snap, &lines, grid, 0, rows);
	}
	lines__free(&lines);
	return err;
}
