// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * usage: show_view VIEW COLS ROWS [full|empty|CTX:ID|help]
 *
 * Prints a view of ioasidtop as a screen of this size: of a machine with something to see
 * in each, or of one where nobody is, or one space, or the help.
 */
#include "views_fixture.h"

static void print(const struct view *view, const struct snapshot *snap, int cols, int rows)
{
	char *line = malloc(cols + 1);
	struct grid grid;

	fixture__check(line && !grid__init(&grid, rows, cols), "memory");
	view__screen(view, snap, &grid);
	for (int row = 0; row < rows; row++) {
		grid__line(&grid, row, line);
		puts(line);
	}
	grid__free(&grid);
	free(line);
}

/* Nobody has opened anything, for two intervals. */
static struct snapshot *make_empty(void)
{
	struct counter_set counters = { .complete = true };
	struct sample_set samples = { .lost.known = true };
	struct fault_set faults = { 0 };
	struct reading reading = {
		.ts_ns = FIXTURE_SECOND, .counters = &counters, .source = COUNTERS_FILE,
		.samples = &samples, .faults = &faults,
	};
	struct model *model = model__new();
	struct snapshot *snap;

	fixture__check(model && !model__step(model, &reading, &snap), "step");
	reading.ts_ns += FIXTURE_SECOND;
	fixture__check(!model__step(model, &reading, &snap), "step");
	model__free(model);
	return snap;
}

int main(int argc, char **argv)
{
	const char *what = argc > 4 ? argv[4] : "full";
	struct view view = {
		.sort = view__find_column("map"), .interval = 1, .kernel = "6.12.107",
	};
	struct snapshot *snap;
	static struct fixture f;
	int id = argc > 3 ? view__find(argv[1]) : -1;

	if (id < 0) {
		fprintf(stderr, "usage: show_view VIEW COLS ROWS [full|empty|CTX:ID|help]\n");
		return 2;
	}
	snap = fixture__make(&f);
	view.trail = &f.trail;
	view__show(&view, id);
	view.help = !strcmp(what, "help");
	view.space = sscanf(what, "%u:%u", &view.ctx, &view.ioasid) == 2;
	if (!strcmp(what, "empty")) {
		snapshot__free(snap);
		snap = make_empty();
		trail__clear(&f.trail);
	}
	view__sort(&view, snap);
	print(&view, snap, atoi(argv[2]), atoi(argv[3]));
	fixture__end(&f, snap);
	return 0;
}
