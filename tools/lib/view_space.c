// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One space: what it is, its operations, and its mappings. */
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "views.h"

#define HISTOGRAM_ROWS 10 /* of a print */
#define HEAD_ROWS      4

static const struct row *find(const struct view *view, const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (snap->rows[i].ctx == view->ctx && snap->rows[i].ioasid == view->ioasid)
			return &snap->rows[i];
	return NULL;
}

/* A line that is cut must not pass for a whole one. */
static void draw_list(struct grid *grid, int at, const char *name, const char *text)
{
	const char *shown = text && *text ? text : "-";

	grid__printf(grid, at, 0, ATTR_NORMAL, "%-9s %s", name, shown);
	if ((int)strlen(shown) + 10 > grid->cols)
		grid__text(grid, at, grid->cols - 1, ATTR_NORMAL, "+");
}

static void draw_who(const struct row *row, const struct snapshot *snap, struct grid *grid, int at)
{
	static const struct column kind = { .kind = COL_KIND };
	const struct process *process = NULL;
	struct line line = { .row = row };
	char text[32], parent[32] = "", inside[32] = "", pid[24] = "-";

	column__format(&kind, &line, sizeof(text) - 1, text);
	if (row->v[METRIC_PARENT].known)
		snprintf(parent, sizeof(parent), " on %llu", row->v[METRIC_PARENT].count);
	if (row->v[METRIC_PID].known) {
		snprintf(pid, sizeof(pid), "%llu", row->v[METRIC_PID].count);
		process = snapshot__process(snap, row->v[METRIC_PID].count);
	}
	if (process && process->nspid && process->nspid != process->pid)
		snprintf(inside, sizeof(inside), " (%u inside)", process->nspid);
	grid__printf(grid, at, 0, ATTR_BOLD, "space %u:%u  %s%s  %s  %s  pid %s%s  %s",
		     row->ctx, row->ioasid, text, parent, *row->door ? row->door : "-",
		     *row->comm ? row->comm : "-", pid, inside,
		     process && *process->container ? process->container : "");
	draw_list(grid, at + 1, "cgroup", process ? process->cgroup : NULL);
}

static const char *number(char *out, const struct row *row, enum metric_id id)
{
	format_value(out, 6, &row->v[id], id);
	return out;
}

static void draw_what(const struct row *row, struct grid *grid, int at)
{
	char maps[8], size[8], pinned[8], made[8], unmade[8], faults[8];

	draw_list(grid, at, "devices", row->attached);
	grid__printf(grid, at + 1, 0, ATTR_NORMAL,
		     "memory    %s mappings, %s, %s pinned; so far %s maps, %s unmaps, %s faults",
		     number(maps, row, METRIC_MAPPINGS), number(size, row, METRIC_MAPPED),
		     number(pinned, row, METRIC_PINNED), number(made, row, METRIC_MAPS_TOTAL),
		     number(unmade, row, METRIC_UNMAPS_TOTAL),
		     number(faults, row, METRIC_FAULTS_TOTAL));
}

/* ---- mappings ---- */

static const char *notes(const struct ioasid_mapping_info *m)
{
	if (m->flags & IOASID_MAPPING_SHADOW)
		return "from the table";
	if (m->flags & IOASID_MAPPING_MMIO)
		return "device memory";
	return m->flags & IOASID_MAPPING_REGISTERED ? "registered" : "";
}

static void draw_mapping(struct grid *grid, int at, const struct ioasid_mapping_info *m)
{
	char size[8], target[40] = "memory";

	format_number(size, 6, m->size, UNIT_BYTES);
	if (m->flags & (IOASID_MAPPING_PARENT | IOASID_MAPPING_VADDR))
		snprintf(target, sizeof(target), "%s 0x%llx",
			 m->flags & IOASID_MAPPING_PARENT ? "parent" : "vaddr", m->target);
	grid__printf(grid, at, 0, ATTR_NORMAL, "%18llx %18llx %6s %c%c   %-22s %s", m->iova,
		     m->iova + m->size - 1, size, m->prot & IOASID_MAP_READ ? 'r' : '-',
		     m->prot & IOASID_MAP_WRITE ? 'w' : '-', target, notes(m));
}

static const char *why_no_mappings(const struct space_mappings *mappings, const struct view *view)
{
	if (mappings->ctx != view->ctx || mappings->ioasid != view->ioasid)
		return "Mappings: not recorded.";
	return mappings->why;
}

static bool knows(const struct space_mappings *mappings, const struct view *view)
{
	return mappings->known && mappings->ctx == view->ctx && mappings->ioasid == view->ioasid;
}

static void draw_mappings(const struct view *view, const struct space_mappings *mappings,
			  struct grid *grid, int at, int end)
{
	if (at < end && !knows(mappings, view))
		grid__folded(grid, at, grid->cols, ATTR_NORMAL, why_no_mappings(mappings, view));
	if (at >= end || !knows(mappings, view))
		return;
	grid__printf(grid, at++, 0, ATTR_TITLE, "%18s %18s %6s %s  %-22s %-*s", "FIRST", "LAST",
		     "SIZE", "PROT", "TARGET", grid->cols, "");
	for (size_t i = view->first_row; i < mappings->nr && at < end; i++)
		draw_mapping(grid, at++, &mappings->at[i]);
	if (mappings->more && at < end)
		grid__printf(grid, at++, 0, ATTR_WARN, "... more than these %zu", mappings->nr);
	if (!mappings->nr && at < end)
		grid__text(grid, at, 0, ATTR_NORMAL, "Nothing is mapped.");
}

void view_space__draw(const struct view *view, const struct snapshot *snap, struct grid *grid,
		      int row, int end)
{
	const struct row *space = find(view, snap);
	int room, took;

	if (!space) {
		grid__printf(grid, row, 0, ATTR_WARN, "Space %u of context %u is not there.",
			     view->ioasid, view->ctx);
		return;
	}
	draw_who(space, snap, grid, row);
	draw_what(space, grid, row + 2);
	row += HEAD_ROWS;
	row += view__draw_operations(grid, row, end, space, snap, NULL);
	/* Half of what is left for each. */
	room = (end - row) / 2;
	took = view__draw_histograms(grid, row, room > HISTOGRAM_ROWS ? HISTOGRAM_ROWS : room,
				     space);
	draw_mappings(view, &snap->mappings, grid, row + took, end);
}

int view_space__rows(const struct view *view, const struct snapshot *snap, int cols)
{
	const struct space_mappings *mappings = &snap->mappings;

	(void)cols;
	if (!find(view, snap))
		return 1;
	return HEAD_ROWS + OPERATION_ROWS + 2 * HISTOGRAM_ROWS +
	       (knows(mappings, view) ? (int)mappings->nr : 3);
}
