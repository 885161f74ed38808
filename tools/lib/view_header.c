// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What stands above every view. */
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "version.h"
#include "views.h"

#define TEXT_ROWS 2 /* of the header, before what is missing */

int view__header_rows(const struct view *view, int cols)
{
	int rows = TEXT_ROWS + (*view->filter || view->pid);

	if (view->notice)
		rows += grid__folded(NULL, 0, cols, ATTR_WARN, view->notice);
	/* Without either a line is left free, so that the table stays in place. */
	return rows > TEXT_ROWS ? rows : TEXT_ROWS + 1;
}

static void draw_what(const struct view *view, const struct snapshot *snap, struct grid *grid)
{
	char text[256], every[32], from[64];

	snprintf(every, sizeof(every), "every %.3gs", view->interval);
	if (snap && snap->watch != WATCH_IOASID)
		snprintf(from, sizeof(from), "bpf: %s", watch__name(snap->watch));
	else
		snprintf(from, sizeof(from), "%s%s",
			 snap && snap->bpf ? "bpf raw_tp+" : "counters only: ",
			 snap ? counter_source__name(snap->source) : "none");
	/* What moment this is must not be cut off. */
	snprintf(text, sizeof(text), "ioasidtop %s%s%s  %s  %s  %s", IOASID_TOOLS_VERSION,
		 *view->clock ? "  " : "", view->clock, view->kernel, from,
		 *view->clock ? "" : view->frozen ? "FROZEN" : every);
	grid__text(grid, 0, 0, ATTR_BOLD, text);
	if (!snap || !snap->lost.known)
		return;
	snprintf(text, sizeof(text), " lost %llu", lost__total(&snap->lost));
	grid__text(grid, 0, grid->cols - (int)strlen(text),
		   lost__total(&snap->lost) ? ATTR_WARN : ATTR_BOLD, text);
}

struct part {
	const char *before;
	enum metric_id id;
	const char *after;
};

static void draw_parts(const struct snapshot *snap, struct grid *grid, const struct part *parts,
		       size_t nr)
{
	char text[256], number[16];
	int len;

	len = snprintf(text, sizeof(text), "%zu ctx, %zu spaces", snap->nr_ctxs, snap->nr_spaces);
	for (size_t i = 0; i < nr; i++) {
		format_value(number, grid->cols < 100 ? 4 : 6, &snap->total.v[parts[i].id],
			     parts[i].id);
		len += snprintf(text + len, sizeof(text) - len, "%s%s%s", parts[i].before, number,
				parts[i].after);
	}
	grid__text(grid, 1, 0, ATTR_NORMAL, text);
}

static void draw_totals(const struct view *view, const struct snapshot *snap, struct grid *grid)
{
	static const struct part maps[] = {
		{ ", ", METRIC_MAPPED, " mapped" },	  { ", ", METRIC_PINNED, " pinned" },
		{ "; per s: ", METRIC_MAP_RATE, " map" }, { ", ", METRIC_UNMAP_RATE, " unmap" },
		{ ", ", METRIC_ERROR_RATE, " err" },	  { ", ", METRIC_INV_RATE, " inv" },
	};
	static const struct part faults[] = {
		{ "; ", METRIC_FAULT_RATE, " faults/s" },
		{ ", ", METRIC_FAULT_PENDING, " pending" },
		{ ", oldest ", METRIC_FAULT_OLDEST, "" },
		{ "; service ", METRIC_FAULT_SERVICE_P50, "" },
		{ ", p99 ", METRIC_FAULT_SERVICE_P99, "" },
	};
	static const struct part all[] = {
		{ ", ", METRIC_MAPPED, " mapped" },    { "; per s: ", METRIC_MAP_RATE, " map" },
		{ ", ", METRIC_UNMAP_RATE, " unmap" }, { ", ", METRIC_FAULT_RATE, " fault" },
		{ ", ", METRIC_ERROR_RATE, " err" },   { ", ", METRIC_INV_RATE, " inv" },
		{ ", ", METRIC_PINNED, " pinned" },
	};

	if (view->id == VIEW_FAULTS)
		draw_parts(snap, grid, faults, sizeof(faults) / sizeof(faults[0]));
	else if (snap->total.v[METRIC_FAULTS_TOTAL].known &&
		 snap->total.v[METRIC_FAULTS_TOTAL].count)
		draw_parts(snap, grid, all, sizeof(all) / sizeof(all[0]));
	else
		draw_parts(snap, grid, maps, sizeof(maps) / sizeof(maps[0]));
}

static void draw_filter(const struct view *view, const struct lines *lines, struct grid *grid,
			int row)
{
	char text[FILTER_LEN + 64] = "", pid[40] = "";

	if (*view->filter)
		snprintf(text, sizeof(text), "filter '%s'", view->filter);
	if (view->pid)
		snprintf(pid, sizeof(pid), "%sprocess %llu", *text ? ", " : "", view->pid);
	if (view__type(view)->lines && !view->space)
		grid__printf(grid, row, 0, ATTR_WARN, "%s%s: %zu of %zu rows", text, pid,
			     lines->matching, lines->total);
	else
		grid__printf(grid, row, 0, ATTR_WARN, "%s%s: not applied to this view", text, pid);
}

static void draw_status(const struct view *view, const struct lines *lines, struct grid *grid)
{
	int row = TEXT_ROWS;

	if (*view->filter || view->pid)
		draw_filter(view, lines, grid, row++);
	if (view->notice)
		grid__folded(grid, row, grid->cols, ATTR_WARN, view->notice);
}

void view__draw_header(const struct view *view, const struct snapshot *snap,
		       const struct lines *lines, struct grid *grid)
{
	draw_what(view, snap, grid);
	if (snap)
		draw_totals(view, snap, grid);
	draw_status(view, lines, grid);
	if (snap)
		view__draw_self(snap, grid, TEXT_ROWS);
}
