// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "views.h"

#define NONE (-1)

/*
 * The rows of a snapshot as a forest. All arrays are as long as the snapshot, and
 * speak of rows by their place in it.
 */
struct forest {
	const struct snapshot *snap;
	int *by_number; /* rows in the order of context and space */
	int *parent; /* NONE: a root */
	int *first, *next; /* child, sibling */
	int *roots; /* of the context whose first row by number this is */
	bool *shown;
	struct lines *lines;
};

static int compare_numbers(const void *pa, const void *pb, void *arg)
{
	const struct row *rows = arg, *a = &rows[*(const int *)pa], *b = &rows[*(const int *)pb];

	if (a->ctx != b->ctx)
		return a->ctx > b->ctx ? 1 : -1;
	return (a->ioasid > b->ioasid) - (a->ioasid < b->ioasid);
}

/* The first row by number that is not before this one, or NONE. */
static int find_row(const struct forest *f, __u32 ctx, __u32 ioasid)
{
	size_t first = 0, last = f->snap->nr_rows;

	while (first < last) {
		size_t middle = (first + last) / 2;
		const struct row *row = &f->snap->rows[f->by_number[middle]];

		if (row->ctx < ctx || (row->ctx == ctx && row->ioasid < ioasid))
			first = middle + 1;
		else
			last = middle;
	}
	return first < f->snap->nr_rows ? f->by_number[first] : NONE;
}

/* Numbers may be read from a file that somebody wrote: no row is its own ancestor. */
static int find_parent(const struct forest *f, int child)
{
	const struct row *rows = f->snap->rows;
	const struct value *number = &rows[child].v[METRIC_PARENT];
	int parent;

	if (!number->known)
		return NONE;
	parent = find_row(f, rows[child].ctx, number->count);
	if (parent == NONE || rows[parent].ctx != rows[child].ctx ||
	    rows[parent].ioasid != number->count)
		return NONE;
	for (int above = parent; above != NONE; above = f->parent[above])
		if (above == child)
			return NONE;
	return parent;
}

static bool is_space(const struct row *row)
{
	return row->ioasid != 0;
}

/* Backwards, so that each list has the order of the snapshot. */
static void link_rows(struct forest *f)
{
	const struct row *rows = f->snap->rows;

	for (int i = f->snap->nr_rows; i-- > 0;)
		f->parent[i] = f->first[i] = f->next[i] = f->roots[i] = NONE;
	for (int i = f->snap->nr_rows; i-- > 0;)
		f->parent[i] = find_parent(f, i);
	for (int i = f->snap->nr_rows; i-- > 0;) {
		int *list;

		if (!is_space(&rows[i]))
			continue;
		list = f->parent[i] == NONE ? &f->roots[find_row(f, rows[i].ctx, 0)] :
					      &f->first[f->parent[i]];
		f->next[i] = *list;
		*list = i;
	}
}

static void mark_shown(struct forest *f, const struct view *view)
{
	for (int i = 0; i < (int)f->snap->nr_rows; i++) {
		f->shown[i] = f->shown[i] || view__shows(view, f->snap, &f->snap->rows[i]);
		f->lines->matching += view__shows(view, f->snap, &f->snap->rows[i]);
		if (f->shown[i])
			for (int above = f->parent[i]; above != NONE; above = f->parent[above])
				f->shown[above] = true;
	}
}

static struct line *add_line(struct lines *lines, const struct row *row)
{
	struct line *line = &lines->at[lines->nr++];

	line->row = row;
	line->heading = false;
	line->stem[0] = '\0';
	return line;
}

static int next_shown(const struct forest *f, int i)
{
	while (i != NONE && !f->shown[i])
		i = f->next[i];
	return i;
}

static void add_branch(struct forest *f, int first, const char *stem)
{
	size_t len = strlen(stem);
	char below[3 * STEM_DEPTH + 1];

	for (int i = next_shown(f, first), next; i != NONE; i = next) {
		struct line *line = add_line(f->lines, &f->snap->rows[i]);

		next = next_shown(f, f->next[i]);
		memcpy(line->stem, stem, len + 1);
		memcpy(below, stem, len + 1);
		if (len + 3 < sizeof(below)) {
			strcpy(line->stem + len, next == NONE ? "`- " : "|- ");
			strcpy(below + len, next == NONE ? "   " : "|  ");
		}
		add_branch(f, f->first[i], below);
	}
}

/* At the first of its rows, in the order of the snapshot. */
static void add_context(struct forest *f, int i, bool *done)
{
	int first = find_row(f, f->snap->rows[i].ctx, 0);
	const struct row *row = &f->snap->rows[first];

	if (done[first])
		return;
	done[first] = true;
	add_line(f->lines, row)->heading = true;
	add_branch(f, f->roots[first], "");
}

static void add_all(struct forest *f, bool *done)
{
	for (int i = 0; i < (int)f->snap->nr_rows; i++) {
		if (!f->shown[i])
			continue;
		if (f->snap->rows[i].state == ROW_OTHER)
			add_line(f->lines, &f->snap->rows[i]);
		else
			add_context(f, i, done);
	}
}

static int add_trees(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	size_t nr = snap->nr_rows;
	int *numbers = malloc(5 * nr * sizeof(*numbers));
	bool *flags = calloc(2 * nr, sizeof(*flags));
	struct forest f = {
		.snap = snap,
		.by_number = numbers,
		.parent = numbers + nr,
		.first = numbers + 2 * nr,
		.next = numbers + 3 * nr,
		.roots = numbers + 4 * nr,
		.shown = flags,
		.lines = lines,
	};

	if (numbers && flags) {
		for (size_t i = 0; i < nr; i++)
			f.by_number[i] = i;
		qsort_r(f.by_number, nr, sizeof(*f.by_number), compare_numbers, snap->rows);
		link_rows(&f);
		mark_shown(&f, view);
		add_all(&f, flags + nr);
	}
	free(numbers);
	free(flags);
	return numbers && flags ? 0 : -ENOMEM;
}

/* The only device has its name in the line of the space. */
static bool name_is_enough(const struct row *space, size_t nr_devices)
{
	return nr_devices == 1 && space->attached && *space->attached &&
	       !strchr(space->attached, ' ');
}

/* With a filter, all devices of a space that passes it, or those that do. */
static void add_space_with_faults(struct lines *lines, const struct view *view,
				  const struct snapshot *snap, const struct row *space)
{
	bool all = view__shows(view, snap, space);
	size_t nr = 0, first = lines->nr + 1;

	for (size_t i = 0; i < snap->nr_devices; i++)
		nr += row__is_on(&snap->devices[i], space) &&
		      (all || view__shows(view, snap, &snap->devices[i]));
	if (!all && !nr)
		return;
	lines->matching++;
	add_line(lines, space);
	if (name_is_enough(space, nr))
		return;
	for (size_t i = 0; i < snap->nr_devices; i++)
		if (row__is_on(&snap->devices[i], space) &&
		    (all || view__shows(view, snap, &snap->devices[i])))
			strcpy(add_line(lines, &snap->devices[i])->stem, "|- ");
	if (lines->nr > first)
		strcpy(lines->at[lines->nr - 1].stem, "`- ");
}

/* Contexts in the order of their first space; each has a heading, if it has lines. */
static void add_context_with_faults(struct lines *lines, const struct view *view,
				    const struct snapshot *snap, size_t first)
{
	const struct row *rows = snap->rows;
	size_t heading = lines->nr;

	for (size_t i = 0; i < first; i++)
		if (rows[i].ctx == rows[first].ctx && row__has_faults(&rows[i]))
			return;
	add_line(lines, &rows[first])->heading = true;
	for (size_t i = first; i < snap->nr_rows; i++)
		if (rows[i].ctx == rows[first].ctx && row__has_faults(&rows[i]))
			add_space_with_faults(lines, view, snap, &rows[i]);
	if (lines->nr == heading + 1)
		lines->nr--;
}

int lines__faults(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (row__has_faults(&snap->rows[i]))
			add_context_with_faults(lines, view, snap, i);
	return 0;
}

int lines__tree(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	return add_trees(lines, view, snap);
}

int lines__spaces(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (view__shows(view, snap, &snap->rows[i]))
			add_line(lines, &snap->rows[i]);
	lines->matching = lines->nr;
	return 0;
}

/* Of spaces with any invalidations, now or ever. */
int lines__invals(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nr_rows; i++) {
		const struct row *row = &snap->rows[i];

		if (row->state != ROW_CTX && view__shows(view, snap, row))
			add_line(lines, row);
	}
	lines->matching = lines->nr;
	return 0;
}

int lines__make(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	const struct view_type *type = view__type(view);
	int err;

	*lines = (struct lines){ 0 };
	if (!snap || !snap->nr_rows || !type->lines)
		return 0;
	lines->total = snap->nr_rows;
	/* Each row, and a heading for it. */
	lines->at = malloc((2 * snap->nr_rows + snap->nr_devices) * sizeof(*lines->at));
	if (!lines->at)
		return -ENOMEM;
	err = type->lines(lines, view, snap);
	if (err)
		lines__free(lines);
	return err;
}

void lines__free(struct lines *lines)
{
	groups__free(&lines->groups);
	free(lines->at);
	*lines = (struct lines){ 0 };
}
