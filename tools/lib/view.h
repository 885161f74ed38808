/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a snapshot to a grid of characters. Knows nothing of terminals, so that
 * screens can be compared as text. What a view shows is in the snapshot, and for those
 * that show time also in the trail.
 */
#ifndef TOOLS_VIEW_H
#define TOOLS_VIEW_H

#include "grid.h"
#include "snapshot.h"
#include "trail.h"

#define FILTER_LEN	64

enum view_id {
	VIEW_SPACES,
	VIEW_TREE,
	VIEW_FAULTS,
	VIEW_SUMMARY,
	VIEW_DEVICES,
	VIEW_PROCESSES,
	VIEW_CGROUPS,
	VIEW_INVALS,
	VIEW_STACKS,
	VIEW_HEAT,
	NR_VIEWS,
};

/* How the rows of a view are sorted. */
struct view_order {
	bool chosen;
	int sort;		/* a column */
	bool ascending;
};

/* How the user wants to see it. */
struct view {
	enum view_id id;
	enum view_id previous;
	int sort;		/* a column */
	bool ascending;
	struct view_order orders[NR_VIEWS];	/* of the others */
	bool frozen;
	bool help;
	bool prompt;		/* the filter is being typed */
	bool jumping;		/* a time is */
	char jump[16];
	char filter[FILTER_LEN];
	__u64 pid;		/* only this process's; 0: all */
	size_t first_row;
	size_t cursor;		/* a line */
	bool space;		/* drilled down to this space */
	__u32 ctx, ioasid;
	int heat;		/* what the heat map shows: 0 all, else 1 + enum operation */
	double interval;	/* in seconds */
	char clock[80];		/* instead of the interval, or empty */
	const char *kernel;
	const char *boot_id;	/* NULL: that of this machine */
	const char *notice;	/* what is missing, or NULL */
	const struct trail *trail;	/* may be NULL */
};

/* Columns, by number. */
const char *view__column_name(int column);
int view__find_column(const char *name);	/* -1: none of that name */
bool view__column_ascends(int column);		/* its natural order */

/* Views, by name or key; -1: none. */
const char *view__name(enum view_id id);
int view__find(const char *name);
int view__find_key(int key);

/* To a view, each with an order of its own; the next one by key, or with -1 the one before. */
void view__show(struct view *view, enum view_id id);
void view__show_next(struct view *view, int step);

/* To a view, or from it to where the user came from. */
void view__toggle(struct view *view, enum view_id id);

/* The next column (or with -1 the one before) that the view can be sorted by. */
void view__sort_by_next(struct view *view, int step);

/* What the line with the cursor leads to; false: nothing. And back; false: not there. */
bool view__enter(struct view *view, const struct snapshot *snap);
bool view__back(struct view *view);

bool view__shows(const struct view *view, const struct snapshot *snap, const struct row *row);
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
