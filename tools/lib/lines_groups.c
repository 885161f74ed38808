// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines that are groups of rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "views.h"

static bool in_process(const struct row *row, const struct row *group, const struct snapshot *snap)
{
	const struct value *a = &row->v[METRIC_PID], *b = &group->v[METRIC_PID];

	(void)snap;
	if (a->known != b->known)
		return false;
	return a->known ? a->count == b->count : !strcmp(row->comm, group->comm);
}

static bool in_cgroup(const struct row *row, const struct row *group, const struct snapshot *snap)
{
	char path[4200];

	row__cgroup(row, snap, path, sizeof(path));
	return !strcmp(path, group->attached);
}

/* A group is shown as a whole if one of its rows passes. */
static bool shows(const struct view *view, const struct snapshot *snap, const struct row *group,
		  bool (*is_in)(const struct row *, const struct row *, const struct snapshot *))
{
	if (!view->pid && !*view->filter)
		return true;
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (is_in(&snap->rows[i], group, snap) && view__shows(view, snap, &snap->rows[i]))
			return true;
	return false;
}

/* Devices have the process of their space. */
static bool is_on(const struct row *row, const struct row *device, const struct snapshot *snap)
{
	(void)snap;
	return row__is_on(device, row);
}

static int add_groups(struct lines *lines, const struct view *view, const struct snapshot *snap,
		      bool (*is_in)(const struct row *, const struct row *,
				    const struct snapshot *))
{
	struct groups *groups = &lines->groups;
	struct line *at;

	rows__sort(groups->rows, groups->nr, column__key(&columns[view->sort]), view->ascending);
	lines->total = groups->nr;
	at = calloc(groups->nr ? groups->nr : 1, sizeof(*at));
	if (!at)
		return -ENOMEM;
	free(lines->at);
	lines->at = at;
	for (size_t i = 0; i < groups->nr; i++)
		if (shows(view, snap, &groups->rows[i], is_in))
			at[lines->nr++].row = &groups->rows[i];
	lines->matching = lines->nr;
	return 0;
}

int lines__processes(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	int err = groups__processes(&lines->groups, snap);

	return err ? err : add_groups(lines, view, snap, in_process);
}

int lines__cgroups(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	int err = groups__cgroups(&lines->groups, snap);

	return err ? err : add_groups(lines, view, snap, in_cgroup);
}

/* Of a device's name only that device, of all else all devices of the space. */
static void drop_others(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; *view->filter && i < lines->nr; i++) {
		const struct row *row = lines->at[i].row;
		struct row without = *row;

		without.attached = NULL;
		if (strcasestr(row->attached, view->filter) || view__shows(view, snap, &without))
			lines->at[kept++] = lines->at[i];
	}
	if (*view->filter)
		lines->nr = lines->matching = kept;
}

int lines__devices(struct lines *lines, const struct view *view, const struct snapshot *snap)
{
	int err = groups__devices(&lines->groups, snap);

	if (!err)
		err = add_groups(lines, view, snap, is_on);
	if (!err)
		drop_others(lines, view, snap);
	return err;
}
