// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ioasidtop.h"
#include "json.h"
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
	struct grid grid;
	int err;

	if (snap->seq > 1)
		putchar('\n');
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

/* One interval. True: go on. */
static bool step(const struct options *options, struct sources *sources, struct view *view,
		 struct trail *trail, int *status)
{
	struct snapshot *snap;
	int err = sources__read(sources, view, &snap), strict;

	if (!err) {
		trail__add(trail, snap);
		view__sort(view, snap);
		err = options->json ? json__snapshot(stdout, snap, view) :
				      print_table(options, view, snap);
		strict = strict_status(options, snap);
		if (strict)
			*status = strict;
		snapshot__free(snap);
	}
	if (!err)
		return true;
	fprintf(stderr, "ioasidtop: cannot %s: %s\n", err == -EIO ? "write" : "read",
		strerror(-err));
	*status = EXIT_FAILED;
	return false;
}

/* False: we were told to stop. */
static bool wait_for_tick(int ticker, int stop)
{
	struct pollfd fds[] = {
		{ .fd = ticker, .events = POLLIN },
		{ .fd = stop, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	ticker__take(ticker);
	return !fds[1].revents;
}

int run_batch(const struct options *options, struct sources *sources, struct view *view,
	      struct trail *trail)
{
	int ticker = ticker__open(options->interval_ns), stop = stop_fd(), status = EXIT_OK;
	unsigned long n = 0;

	if (ticker < 0 || stop < 0)
		return EXIT_FAILED;
	while (!options->count || n++ < options->count) {
		if (!options->nr_files && !wait_for_tick(ticker, stop))
			break;
		if (!step(options, sources, view, trail, &status))
			break;
	}
	close(ticker);
	close(stop);
	return status;
}
