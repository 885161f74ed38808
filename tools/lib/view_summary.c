// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The machine as a whole. */
#include <stdio.h>
#include "format.h"
#include "views.h"

#define PRINT_ROWS 40
#define FIXED_ROWS (3 + 1 + OPERATION_ROWS + 1)

static const char *number(char *out, const struct value *v, enum metric_id id)
{
	format_value(out, 6, &v[id], id);
	return out;
}

static void draw_memory(const struct snapshot *snap, struct grid *grid, int row)
{
	const struct value *v = snap->total.v;
	char maps[8], size[8], pinned[8], registered[8], devices[8], domains[8];

	grid__printf(grid, row, 0, ATTR_NORMAL,
		     "memory    %s mapped by %s mappings; %s pinned, %s registered",
		     number(size, v, METRIC_MAPPED), number(maps, v, METRIC_MAPPINGS),
		     number(pinned, v, METRIC_PINNED), number(registered, v, METRIC_REGISTERED));
	grid__printf(grid, row + 1, 0, ATTR_NORMAL,
		     "hardware  %s devices attached, %s IOMMU domains, of which %s walk user tables",
		     number(devices, v, METRIC_DEVICES), number(domains, v, METRIC_DOMAINS),
		     number(size, v, METRIC_NESTED));
}

/* How often in the interval, and the longest of them. */
static void draw_rare(const struct snapshot *snap, struct grid *grid, int row)
{
	static const struct {
		const char *name;
		enum metric_id count, max;
	} ops[] = {
		{ "attach", METRIC_ATTACH_COUNT, METRIC_ATTACH_MAX },
		{ "detach", METRIC_DETACH_COUNT, METRIC_DETACH_MAX },
		{ "register", METRIC_REGISTER_COUNT, METRIC_REGISTER_MAX },
		{ "unregister", METRIC_UNREGISTER_COUNT, METRIC_UNREGISTER_MAX },
	};
	char text[160] = "rarely   ", count[8], max[8];
	int len = 9;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		len += snprintf(text + len, sizeof(text) - len, "%s %s %s", i ? "," : "",
				number(count, snap->total.v, ops[i].count), ops[i].name);
		if (snap->total.v[ops[i].max].known)
			len += snprintf(text + len, sizeof(text) - len, " (max %s)",
					number(max, snap->total.v, ops[i].max));
	}
	grid__text(grid, row, 0, ATTR_NORMAL, text);
}

void view_summary__draw(const struct view *view, const struct snapshot *snap, struct grid *grid,
			int row, int end)
{
	if (row + 3 < end) {
		draw_memory(snap, grid, row);
		draw_rare(snap, grid, row + 2);
		row += 4;
	}
	row += view__draw_operations(grid, row, end, &snap->total, snap, view->trail) + 1;
	if (row >= end)
		return;
	if (!view__draw_histograms(grid, row, end - row, &snap->total))
		grid__text(grid, row, 0, ATTR_DIM,
			   snap->bpf ? "No operation in this interval." :
				       "Without BPF there are no latencies.");
}

int view_summary__rows(const struct view *view, const struct snapshot *snap, int cols)
{
	(void)view;
	(void)cols;
	for (int op = 0; op < NR_OPERATIONS; op++)
		if (snap->total.times[operation_timing[op]])
			return PRINT_ROWS;
	return FIXED_ROWS + 1;
}
