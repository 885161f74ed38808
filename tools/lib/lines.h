/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which rows a view shows and in which order: one after the other, or as trees of
 * spaces, each below the heading of its context, or those with faults and below them
 * the devices that these come from, or put together to groups.
 */
#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H

#include "groups.h"
#include "view.h"

/* Deeper trees, which the driver does not make, are indented no further. */
#define STEM_DEPTH	16

struct line {
	const struct row *row;
	bool heading;		/* of a context: row is the context's, or any of its spaces */
	char stem[3 * STEM_DEPTH + 1];	/* to the left of a space in a tree */
};

struct lines {
	struct line *at;
	size_t nr;
	size_t matching;	/* rows that pass the filter themselves */
	size_t total;		/* rows that there are */
	struct groups groups;	/* what the lines of a view of groups point to */
};

/*
 * The snapshot is sorted, or NULL; siblings keep its order, contexts come in that of
 * their first row. In a tree, a row that passes the filter keeps those above it. 0 or
 * -ENOMEM. To be ended with lines__free().
 */
int lines__make(struct lines *lines, const struct view *view, const struct snapshot *snap);
void lines__free(struct lines *lines);

/* For each view that is a table. */
int lines__spaces(struct lines *lines, const struct view *view, const struct snapshot *snap);
int lines__tree(struct lines *lines, const struct view *view, const struct snapshot *snap);
int lines__faults(struct lines *lines, const struct view *view, const struct snapshot *snap);
int lines__devices(struct lines *lines, const struct view *view, const struct snapshot *snap);
int lines__processes(struct lines *lines, const struct view *view, const struct snapshot *snap);
int lines__cgroups(struct lines *lines, const struct view *view, const struct snapshot *snap);
int lines__invals(struct lines *lines, const struct view *view, const struct snapshot *snap);

#endif
