/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The columns of the table and how wide they get. */
#ifndef TOOLS_COLUMNS_H
#define TOOLS_COLUMNS_H

#include "lines.h"

enum column_kind { COL_METRIC, COL_COMM, COL_ATTACHED, COL_SPACE, COL_KIND };

struct column {
	const char *name;	/* for -s */
	const char *group;	/* heading above, joined with equal neighbours */
	const char *title;
	enum column_kind kind;
	enum metric_id metric;
	int min, max;		/* width */
	int tree;		/* in a tree instead of min; negative: where there is room */
	int fault;		/* the same among faults */
};

extern const struct column columns[];
extern const int nr_columns;

/*
 * Widths for a table of the given number of characters; 0: not shown. Numbers
 * that identify (process, context, space) are never shortened.
 */
void columns__layout(const struct snapshot *snap, int cols, int *widths);

/* The same for trees and faults, of the lines that are shown. */
void columns__layout_tree(const struct lines *lines, bool faults, int cols, int *widths);

/* Whether a view can show it: others are not offered to sort by. */
bool column__is_in(const struct column *column, bool faults);

/* The text of a cell, at most width characters. */
void column__format(const struct column *column, const struct line *line, int width, char *out);
bool column__is_text(const struct column *column);

#endif
