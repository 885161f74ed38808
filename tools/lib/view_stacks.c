// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which code maps most: a line for each process and stack, and its functions below. */
#include <stdio.h>
#include <string.h>
#include "format.h"
#include "views.h"

#define MAX_FRAMES 12 /* of a stack, on a screen */

/* Those of the driver and the system call are the same for all. */
static int count_frames(const char *frames)
{
	int nr = 0;

	for (; frames && (frames = strchr(frames, '\n')); frames++)
		nr++;
	return nr;
}

/* Returns the rows it took; draws unless grid is NULL. */
static int draw_frames(struct grid *grid, int row, int end, const char *frames, enum attr attr)
{
	int nr = count_frames(frames), at = row;
	size_t len;

	for (int i = 0; i < nr && i < MAX_FRAMES && at < end; i++, at++) {
		len = strcspn(frames, "\n");
		if (grid)
			grid__printf(grid, at, 4, attr, "%.*s", (int)len, frames);
		frames += len + 1;
	}
	if (nr > MAX_FRAMES && at < end) {
		if (grid)
			grid__printf(grid, at, 4, ATTR_DIM, "... %d more", nr - MAX_FRAMES);
		at++;
	}
	return at - row;
}

static int draw_stack(struct grid *grid, int row, int end, const struct map_stack *stack,
		      __u64 interval_ns)
{
	char rate[8] = "-", bytes[8] = "-", total[8];
	int used = 1;

	if (grid && interval_ns) {
		format_number(rate, 6, stack->count * 1e9 / interval_ns, UNIT_RATE);
		format_number(bytes, 6, stack->bytes * 1e9 / interval_ns, UNIT_BYTES);
	}
	format_number(total, 6, stack->total, UNIT_COUNT);
	if (grid)
		grid__printf(grid, row, 0, ATTR_BOLD, "%7s %7s %7s %7u %s", rate, bytes, total,
			     stack->pid, *stack->comm ? stack->comm : "-");
	used += draw_frames(grid, row + used, end, stack->user, ATTR_NORMAL);
	used += draw_frames(grid, row + used, end, stack->kernel, ATTR_DIM);
	return used;
}

static const char *nothing(const struct map_stacks *stacks)
{
	if (*stacks->why)
		return stacks->why;
	return stacks->counted ? "Nothing has been mapped since the view was opened." :
				 "Not recorded: stacks are counted only while somebody looks.";
}

static int draw(struct grid *grid, int row, int end, const struct snapshot *snap, size_t first)
{
	const struct map_stacks *stacks = &snap->stacks;
	int at = row;

	if (grid && stacks->lost)
		grid__printf(grid, at, 0, ATTR_WARN, "%llu maps found no room and are missing",
			     stacks->lost);
	at++;
	if (grid)
		grid__printf(grid, at, 0, ATTR_TITLE, "%7s %7s %7s %7s %-*s", "maps/s", "bytes/s",
			     "maps", "PID", grid->cols, "COMM");
	at++;
	for (size_t i = first; i < stacks->nr && at < end; i++)
		at += draw_stack(grid, at, end, &stacks->at[i], snap->interval_ns);
	if (stacks->nr_more && at < end) {
		if (grid)
			grid__printf(grid, at, 0, ATTR_WARN,
				     "... and %zu others: %llu maps in the interval, %llu in all",
				     stacks->nr_more, stacks->count_more, stacks->total_more);
		at++;
	}
	if (!stacks->nr) {
		if (grid)
			grid__text(grid, at, 0, ATTR_NORMAL, nothing(stacks));
		at++;
	}
	return at - row;
}

void view_stacks__draw(const struct view *view, const struct snapshot *snap, struct grid *grid,
		       int row, int end)
{
	draw(grid, row, end, snap, view->first_row);
}

int view_stacks__rows(const struct view *view, const struct snapshot *snap, int cols)
{
	(void)view;
	(void)cols;
	return draw(NULL, 0, 1 << 20, snap, 0);
}
