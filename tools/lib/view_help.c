// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The keys: one line, or all of them. */
#include <stdio.h>
#include <string.h>
#include "views.h"

void view__draw_keys(const struct view *view, struct grid *grid)
{
	const struct view_type *type = view__type(view);
	static const char freeze[] = "  space freeze";
	char order[64] = "", text[160];
	int len;

	if (view->prompt) {
		grid__printf(grid, grid->rows - 1, 0, ATTR_BOLD,
			     "filter (name, pid, device, cgroup; Enter, Esc): %s_", view->filter);
		return;
	}
	if (view->jumping) {
		grid__printf(grid, grid->rows - 1, 0, ATTR_BOLD,
			     "go to (seconds or m:ss; Enter, Esc): %s_", view->jump);
		return;
	}
	if (view->space) {
		grid__printf(grid, grid->rows - 1, 0, ATTR_DIM,
			     "q quit  h help  Esc back to %s  up down scroll  space freeze",
			     type->name);
		return;
	}
	if (type->layout != LAYOUT_NONE)
		snprintf(order, sizeof(order), "  Enter  < > sort: %s %s", columns[view->sort].name,
			 view->ascending ? "up" : "down");
	else if (view->id == VIEW_HEAT)
		snprintf(order, sizeof(order), "  o operation");
	len = snprintf(text, sizeof(text), "q quit h help  1-0 Tab: %s  / filter%s", type->name,
		       order);
	if (len + strlen(freeze) <= grid->cols)
		snprintf(text + len, sizeof(text) - len, "%s", freeze);
	grid__text(grid, grid->rows - 1, 0, ATTR_DIM, text);
}

static void draw_views(struct grid *grid, int row, int col)
{
	for (int i = 0; i < NR_VIEWS; i++) {
		const struct view_type *type = &view_types[view__find_key('0' + (i + 1) % 10)];

		grid__printf(grid, row + i, col, ATTR_NORMAL, "  %c %-14s %s", type->key,
			     type->name, type->what);
	}
}

void view__draw_help(struct grid *grid)
{
	static const char *const lines[] = {
		"  q          quit                     < >        sort by another column",
		"  h ? F1     this help, any key ends  r          reverse the order",
		"  space      freeze, go on            /          filter by name, pid, device",
		"  + -        longer, shorter interval Esc        back, no filter",
		"  [ ] { }    back and forward in time, by a reading or a minute; j: to a time",
		"  Tab        the next view            up down PgUp PgDn Home End  move",
		"  Enter      look into the space of the line, or at what a process or cgroup has",
		"",
		"  /s p50 p99 operations per second, percentiles of their latency: n, u, m, s =",
		"             ns, us, ms, s; within 3.125 %    CTX ID  context and address space",
		"  MAPS       live mappings, SIZE bytes they cover, PIN bytes they pin",
		"  err LOST   refused operations; maps and unmaps that BPF missed",
		"  '-' is: not known. Without BPF there are no latencies. Dim rows have vanished.",
	};

	grid__text(grid, 0, 0, ATTR_BOLD,
		   "ioasidtop: who maps memory for devices, how much, how often, how fast");
	draw_views(grid, 1, 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		grid__text(grid, NR_VIEWS + 1 + i, 0, ATTR_NORMAL, lines[i]);
}
