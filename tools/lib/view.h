/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a snapshot to a grid of characters. Knows nothing of terminals, so that
 * screens can be compared as text.
 */
#ifndef TOOLS_VIEW_H
#define TOOLS_VIEW_H

#include "snapshot.h"

enum attr { ATTR_NORMAL, ATTR_BOLD, ATTR_DIM, ATTR_TITLE, ATTR_SORTED, ATTR_WARN };

struct cell {
	char c;
	unsigned char attr;
};

struct grid {
	int rows;
	int cols;
	struct cell *cells;
};

int grid__init(struct grid *grid, int rows, int cols);
void grid__free(struct grid *grid);
void grid__text(struct grid *grid, int row, int col, enum attr attr, const char *text);

/* A line without its trailing blanks; out holds cols + 1 characters. */
void grid__line(const struct grid *grid, int row, char *out);

#define FILTER_LEN	64

/* How the user wants to see it. */
struct view {
	int sort;		/* a column */
	bool ascending;
	bool frozen;
	bool help;
	bool prompt;		/* the filter is being typed */
	bool jumping;		/* a time is */
	char jump[16];
	bool tree;		/* spaces below those that they are nested on */
	bool faults;		/* instead: faults, by space and device */
	int other_sort;		/* for when faults is toggled */
	bool other_ascending;
	char filter[FILTER_LEN];
	__u64 pid;		/* only this process's; 0: all */
	size_t first_row;
	double interval;	/* in seconds */
	char clock[80];		/* instead of the interval, or empty */
	const char *kernel;
	const char *boot_id;	/* NULL: that of this machine */
	const char *notice;	/* what is missing, or NULL */
};

/* Columns, by number. */
const char *view__column_name(int column);
int view__find_column(const char *name);	/* -1: none of that name */
bool view__column_ascends(int column);		/* its natural order */

/* To the view of faults and back, each with an order of its own. */
void view__toggle_faults(struct view *view);

/* The next column (or with -1 the one before) that the view can be sorted by. */
void view__sort_by_next(struct view *view, int step);

bool view__shows(const struct view *view, const struct row *row);
void view__sort(const struct view *view, struct snapshot *snap);

/* What looking costs, at the right, in the last of the lines after the first with room. */
void view__draw_self(const struct snapshot *snap, struct grid *grid, int last_row);

/* The whole screen: header, table, keys. snap may be NULL: not yet. */
void view__screen(const struct view *view, const struct snapshot *snap, struct grid *grid);

/* Header and all rows of the table, for print; the grid is made here. */
int view__page(const struct view *view, const struct snapshot *snap, int cols,
	       struct grid *grid);

/* Lines of the table that a screen shows at once, and that there are. */
size_t view__page_rows(const struct view *view, int rows, int cols);
size_t view__count_lines(const struct view *view, const struct snapshot *snap);

#endif
