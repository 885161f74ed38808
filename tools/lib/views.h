/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts that views are made of: for view*.c only. */
#ifndef TOOLS_VIEWS_H
#define TOOLS_VIEWS_H

#include "columns.h"

struct view_type {
	const char *name; /* for --view, and on the screen */
	int key;
	const char *what; /* for the help */
	/* A table: */
	enum layout layout;
	const char *sort; /* a column, to begin with */
	int (*lines)(struct lines *lines, const struct view *view, const struct snapshot *snap);
	/* Or what draws itself from a row on; how many rows it needs, to be printed. */
	void (*draw)(const struct view *view, const struct snapshot *snap, struct grid *grid,
		     int row, int end);
	int (*rows)(const struct view *view, const struct snapshot *snap, int cols);
};

/* In the order of enum view_id. */
extern const struct view_type view_types[NR_VIEWS];

static inline const struct view_type *view__type(const struct view *view)
{
	return &view_types[view->id];
}

/* Everything above the table: version, totals, filter, notices. */
#define TITLE_ROWS 2
int view__header_rows(const struct view *view, int cols);
void view__draw_header(const struct view *view, const struct snapshot *snap,
		       const struct lines *lines, struct grid *grid);

/* The bottom line, and the help. */
void view__draw_keys(const struct view *view, struct grid *grid);
void view__draw_help(struct grid *grid);

/* Lines from the first to (not including) the end of the grid's rows. */
void view__draw_table(const struct view *view, const struct snapshot *snap,
		      const struct lines *lines, struct grid *grid, size_t first, int end);

/* Why there is nothing to be seen. */
bool view__has_no_driver(const struct snapshot *snap);
const char *view__empty_reason(const struct view *view, const struct snapshot *snap);

void view_summary__draw(const struct view *view, const struct snapshot *snap, struct grid *grid,
			int row, int end);
int view_summary__rows(const struct view *view, const struct snapshot *snap, int cols);

void view_heat__draw(const struct view *view, const struct snapshot *snap, struct grid *grid,
		     int row, int end);
int view_heat__rows(const struct view *view, const struct snapshot *snap, int cols);

void view_stacks__draw(const struct view *view, const struct snapshot *snap, struct grid *grid,
		       int row, int end);
int view_stacks__rows(const struct view *view, const struct snapshot *snap, int cols);

/* One space: what the user has drilled down to. */
void view_space__draw(const struct view *view, const struct snapshot *snap, struct grid *grid,
		      int row, int end);
int view_space__rows(const struct view *view, const struct snapshot *snap, int cols);

/*
 * What is known of each kind of operation, a line each with a title; with a trail also what
 * the rates were like before the snapshot. Returns the rows it took.
 */
int view__draw_operations(struct grid *grid, int row, int end, const struct row *of,
			  const struct snapshot *snap, const struct trail *trail);
#define OPERATION_ROWS (1 + NR_OPERATIONS)

/* Histograms of all operations that there were, side by side. Returns the rows it took. */
int view__draw_histograms(struct grid *grid, int row, int rows, const struct row *of);

/*
 * A histogram with bars in a box of so many rows and columns: buckets are joined until it
 * fits. Returns the rows it took.
 */
int view__draw_histogram(struct grid *grid, int row, int col, int rows, int cols,
			 const struct times *times, const char *title);

#endif
