/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The columns of tables and how wide they get. */
#ifndef TOOLS_COLUMNS_H
#define TOOLS_COLUMNS_H

#include "lines.h"

enum column_kind {
	COL_METRIC,
	COL_COMM,
	COL_ATTACHED,
	COL_SPACE,
	COL_KIND,
	COL_NAME,	/* of a group */
	COL_PATH,	/* the same, of which the end matters */
	COL_NOTE,
	COL_NSPID,
	COL_CTXS,
	COL_SPACES,
	COL_PROCESSES,
	COL_SCOPE,	/* bytes per invalidation */
};

/* Which columns a view has. */
enum layout {
	LAYOUT_LIST,
	LAYOUT_TREE,
	LAYOUT_FAULTS,
	LAYOUT_DEVICES,
	LAYOUT_PROCESSES,
	LAYOUT_CGROUPS,
	LAYOUT_INVALS,
	NR_LAYOUTS,
	LAYOUT_NONE = NR_LAYOUTS,	/* no table */
};

struct column {
	const char *name;	/* for -s */
	const char *group;	/* heading above, joined with equal neighbours */
	const char *title;
	enum column_kind kind;
	enum metric_id metric;
	int min, max;		/* width, in a list */
	/* In a list: whether it can be; in others the width, negative: where there is room. */
	union {
		struct {
			signed char list, tree, fault, dev, proc, cgroup, inval;
		};
		signed char in[NR_LAYOUTS];
	};
};

extern const struct column columns[];
extern const int nr_columns;

#define MAX_COLUMNS	64

/*
 * Widths for a list of the given number of characters; 0: not shown. Numbers
 * that identify (process, context, space) are never shortened.
 */
void columns__layout(const struct snapshot *snap, int cols, int *widths);

/* The same for all others, of the lines that are shown. */
void columns__layout_lines(const struct lines *lines, enum layout layout, int cols, int *widths);

/* Whether a view can show it: others are not offered to sort by. */
bool column__is_in(const struct column *column, enum layout layout);

/* What rows are sorted by for it: a metric or an enum row_key. */
int column__key(const struct column *column);

/* The text of a cell, at most width characters. */
void column__format(const struct column *column, const struct line *line, int width, char *out);
bool column__is_text(const struct column *column);

#endif
