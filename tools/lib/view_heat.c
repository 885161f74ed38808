// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Latencies over time: one panel for each operation, time goes down. */
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "heat.h"
#include "views.h"

#define TIME_WIDTH  7
#define COUNT_WIDTH 5
#define PANEL_LEFT  (COUNT_WIDTH + 2)
#define MAX_PRINTED 20 /* lines of a print */

struct panels {
	int ids[NR_OPERATIONS];
	int nr;
	int cells; /* per octave */
};

static bool was_there(const struct view *view, const struct snapshot *snap, enum operation op)
{
	const struct trail_step *step;

	for (size_t i = 0; (step = trail__before(view->trail, snap, i)); i++)
		if (step->times[op])
			return true;
	return false;
}

static int panel_width(int cells)
{
	return PANEL_LEFT + cells * HEAT_OCTAVES + 1;
}

/* As many as fit, in as many cells as there is room for. */
static void choose(struct panels *panels, const struct view *view, const struct snapshot *snap,
		   int cols)
{
	int room = cols - TIME_WIDTH;

	*panels = (struct panels){ .cells = HEAT_MAX_CELLS };
	for (int id = 0; id < NR_OPERATIONS; id++)
		if (view->heat ? id == view->heat - 1 : was_there(view, snap, id))
			panels->ids[panels->nr++] = id;
	while (panels->nr > 1 && panels->nr * panel_width(1) > room)
		panels->nr--;
	while (panels->cells > 1 && panels->nr * panel_width(panels->cells) > room)
		panels->cells /= 2;
}

static void draw_cells(struct grid *grid, int row, int col, int cells, const struct times *times,
		       __u64 total)
{
	__u64 counts[HEAT_MAX_CELLS * HEAT_OCTAVES] = { 0 };
	int level;

	for (__u32 i = 0; times && i < times->nr; i++)
		counts[heat__cell(cells, times->at[i].slot)] += times->at[i].count;
	for (int i = 0; i < cells * HEAT_OCTAVES; i++) {
		level = heat__level(counts[i], total);
		grid__text(grid, row, col + i, level ? ATTR_HEAT + level : ATTR_NORMAL,
			   (char[]){ heat__shade(level), '\0' });
	}
}

static void draw_step(struct grid *grid, int row, const struct panels *panels,
		      const struct snapshot *snap, const struct trail_step *step)
{
	double age = (snap->ts_ns - step->ts_ns) / 1e9;
	char count[COUNT_WIDTH + 1];

	if (age > 0)
		grid__printf(grid, row, 0, ATTR_NORMAL, "-%.*fs", age < 10 ? 1 : 0, age);
	else
		grid__text(grid, row, 0, ATTR_NORMAL, "now");
	for (int i = 0; i < panels->nr; i++) {
		const struct times *times = step->times[panels->ids[i]];
		int col = TIME_WIDTH + i * panel_width(panels->cells);
		__u32 hist[HIST_SLOTS];
		__u64 total = times__unpack(times, hist);

		format_number(count, COUNT_WIDTH, total, UNIT_COUNT);
		grid__cell(grid, row, col, COUNT_WIDTH, ATTR_NORMAL, false, count);
		grid__text(grid, row, col + COUNT_WIDTH, ATTR_DIM, " |");
		draw_cells(grid, row, col + PANEL_LEFT, panels->cells, times, total);
	}
}

static void draw_titles(struct grid *grid, int row, const struct panels *panels)
{
	char axis[HEAT_MAX_CELLS * HEAT_OCTAVES + 1];

	heat__axis(axis, panels->cells);
	grid__text(grid, row + 1, 0, ATTR_BOLD, "TIME");
	for (int i = 0; i < panels->nr; i++) {
		int col = TIME_WIDTH + i * panel_width(panels->cells);

		grid__text(grid, row, col + PANEL_LEFT, ATTR_BOLD, operation__name(panels->ids[i]));
		grid__cell(grid, row + 1, col, COUNT_WIDTH, ATTR_BOLD, false, "OPS");
		grid__text(grid, row + 1, col + PANEL_LEFT, ATTR_DIM, axis);
	}
}

void view_heat__draw(const struct view *view, const struct snapshot *snap, struct grid *grid,
		     int row, int end)
{
	const struct trail_step *step;
	struct panels panels;

	choose(&panels, view, snap, grid->cols);
	if (!panels.nr) {
		grid__text(grid, row + TITLE_ROWS, 0, ATTR_NORMAL,
			   snap->bpf ? "No operation yet." : "Without BPF there are no latencies.");
		return;
	}
	draw_titles(grid, row, &panels);
	row += TITLE_ROWS;
	for (size_t i = 0; row < end && (step = trail__before(view->trail, snap, i)); i++, row++)
		draw_step(grid, row, &panels, snap, step);
}

int view_heat__rows(const struct view *view, const struct snapshot *snap, int cols)
{
	struct panels panels;
	int rows = 0;

	choose(&panels, view, snap, cols);
	if (!panels.nr)
		return TITLE_ROWS + 1;
	while (rows < MAX_PRINTED && trail__before(view->trail, snap, rows))
		rows++;
	return TITLE_ROWS + rows;
}
