// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "csv.h"
#include "ioasidtop.h"
#include "json.h"
#include "openmetrics.h"
#include "ticker.h"

static int print_grid(const struct grid *grid)
{
	char *line = malloc(grid->cols + 1);

	if (!line)
		return -ENOMEM;
	for (int row = 0; row < grid->rows; row++) {
		grid__line(grid, row, line);
		puts(line);
	}
	free(line);
	return fflush(stdout) ? -EIO : 0;
}

static int print_table(const struct options *options, const struct view *view,
		       const struct snapshot *snap)
{
	static bool again;
	struct grid grid;
	int err;

	if (again)
		putchar('\n');
	again = true;
	if (options->height) {
		err = grid__init(&grid, options->height, options->width);
		if (!err)
			view__screen(view, snap, &grid);
	} else {
		err = view__page(view, snap, options->width, &grid);
	}
	if (err)
		return err;
	err = print_grid(&grid);
	grid__free(&grid);
	return err;
}

static int print_openmetrics(const struct options *options, const struct view *view,
			     struct totals *totals, const struct snapshot *snap)
{
	const struct openmetrics_options how = {
		.totals = totals,
		.kernel = view->kernel,
		.spaces = options->spaces,
		.space_histograms = options->spaces,
		.prometheus = options->format == FORMAT_PROMETHEUS,
	};
	int err = totals__add(totals, snap);

	return err ? err : openmetrics__write(stdout, snap, &how);
}

static int print(const struct options *options, const struct view *view, struct totals *totals,
		 const struct snapshot *snap)
{
	switch (options->format) {
	case FORMAT_JSON:
		return json__snapshot(stdout, snap, view);
	case FORMAT_CSV:
		return csv__snapshot(stdout, snap, view);
	case FORMAT_OPENMETRICS:
	case FORMAT_PROMETHEUS:
		return print_openmetrics(options, view, totals, snap);
	default:
		return print_table(options, view, snap);
	}
}

/* One interval. True: go on. */
static bool step(const struct options *options, struct sources *sources, struct view *view,
		 struct totals *totals, struct trail *trail, int *status)
{
	struct snapshot *snap;
	int err = sources__read(sources, view, &snap), strict;

	if (err == -ENODATA)
		return false;
	if (!err) {
		sources__tell(sources, view);
		trail__add(trail, snap);
		view__sort(view, snap);
		err = print(options, view, totals, snap);
		strict = strict_status(options, snap);
		if (strict)
			*status = strict;
		snapshot__free(snap);
	}
	if (!err)
		return true;
	if (err == -EPIPE && sources->remote)
		fprintf(stderr, "ioasidtop: %s\n", sources->missing);
	else
		fprintf(stderr, "ioasidtop: cannot %s: %s\n", err == -EIO ? "write" : "read",
			strerror(-err));
	*status = EXIT_FAILED;
	return false;
}

/* False: we were told to stop. */
static bool wait_for_tick(const struct sources *sources, int ticker, int stop)
{
	struct pollfd fds[] = {
		{ .fd = sources__fd(sources, ticker), .events = POLLIN },
		{ .fd = stop, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	sources__take_tick(sources, ticker);
	return !fds[1].revents;
}

static int run(const struct options *options, struct sources *sources, struct view *view,
	       struct totals *totals, struct trail *trail)
{
	int ticker = ticker__open(options->interval_ns), stop = stop_fd(), status = EXIT_OK;
	bool recorded = options->nr_files || options->replay;
	__u64 interval_ns = sources->pace.now_ns;
	unsigned long n = 0;

	if (ticker < 0 || stop < 0)
		return EXIT_FAILED;
	while (!options->count || n++ < options->count) {
		if (!recorded && !wait_for_tick(sources, ticker, stop))
			break;
		if (!step(options, sources, view, totals, trail, &status))
			break;
		if (sources->pace.now_ns != interval_ns &&
		    ticker__set(ticker, sources->pace.now_ns))
			break;
		interval_ns = sources->pace.now_ns;
	}
	close(ticker);
	close(stop);
	return status;
}

int run_batch(const struct options *options, struct sources *sources, struct view *view,
	      struct trail *trail)
{
	struct totals *totals = totals__new(options->spaces);
	int status = EXIT_FAILED;

	if (totals && (options->format != FORMAT_CSV || !csv__header(stdout)))
		status = run(options, sources, view, totals, trail);
	totals__free(totals);
	return status;
}
