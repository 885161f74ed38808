// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include "format.h"
#include "view.h"

static bool is_free(const struct grid *grid, int row, int len)
{
	if (row >= grid->rows || len > grid->cols)
		return false;
	for (int col = grid->cols - len; col < grid->cols; col++)
		if (grid->cells[row * grid->cols + col].c != ' ')
			return false;
	return true;
}

void view__draw_self(const struct snapshot *snap, struct grid *grid, int last_row)
{
	const struct self *self = &snap->self;
	char text[128], size[16], each[16] = "-";
	double interval = snap->interval_ns;
	int len;

	if (!self->known || !snap->interval_ns)
		return;
	format_number(size, 4, self->rss_bytes, UNIT_BYTES);
	len = snprintf(text, sizeof(text), "this tool: cpu %.2g%%", 100 * self->cpu_ns / interval);
	if (self->bpf_known && self->bpf_runs)
		format_number(each, 4, (double)self->bpf_ns / self->bpf_runs, UNIT_NS);
	if (self->bpf_known)
		len += snprintf(text + len, sizeof(text) - len, ", bpf %.2g%% (%s each)",
				100 * self->bpf_ns / interval, each);
	len += snprintf(text + len, sizeof(text) - len, ", %s", size);
	for (int row = last_row; row > 0; row--) {
		if (!is_free(grid, row, len + 2))
			continue;
		grid__text(grid, row, grid->cols - len, ATTR_DIM, text);
		break;
	}
}
