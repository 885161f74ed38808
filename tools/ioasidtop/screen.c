// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "ioasidtop.h"
#include "term.h"
#include "ticker.h"
#include "timeline.h"

#define INTERVAL_MIN	0.1
#define FIRST_NS	100000000ULL	/* nobody wants to wait for the first screen */
#define INTERVAL_MAX	60

struct screen {
	const struct options *options;
	struct sources *sources;
	struct view *view;
	struct snapshot *snap;		/* what is shown */
	struct timeline timeline;
	int ticker;
	bool quit;
	bool resized;
	int err;
	unsigned long shown;
	__u64 interval_ns;		/* of the ticker */
};

static void draw(struct screen *screen)
{
	struct grid grid;
	int rows, cols;

	term__size(&rows, &cols);
	screen->err = grid__init(&grid, rows, cols);
	if (screen->err)
		return;
	timeline__tell(&screen->timeline, screen->snap);
	view__screen(screen->view, screen->snap, &grid);
	term__show(&grid);
	grid__free(&grid);
}

/* Nothing else is shown when there is none. */
static void show(struct screen *screen, struct snapshot *snap)
{
	if (!snap)
		return;
	/* What is not in a recording is said, too. */
	if (screen->options->replay)
		sources__look(screen->sources, screen->view, snap);
	view__sort(screen->view, snap);
	snapshot__free(screen->snap);
	screen->snap = snap;
}

static void set_ticker(struct screen *screen)
{
	__u64 interval_ns = timeline__interval_ns(&screen->timeline);

	if (interval_ns == screen->interval_ns)
		return;
	screen->interval_ns = interval_ns;
	screen->err = ticker__set(screen->ticker, interval_ns);
}

/* Collecting goes on while frozen, so that nothing is missing afterwards. */
static void tick(struct screen *screen)
{
	struct snapshot *snap;

	screen->err = timeline__tick(&screen->timeline, &snap);
	if (screen->err)
		return;
	show(screen, snap);
	set_ticker(screen);
	screen->shown += !!snap;
	screen->quit |= snap && screen->shown == screen->options->count;
}

static void resort(struct screen *screen)
{
	if (screen->snap)
		view__sort(screen->view, screen->snap);
}

static void sort_by_next(struct screen *screen, int step)
{
	view__sort_by_next(screen->view, step);
	resort(screen);
}

static void set_interval(struct screen *screen, double factor)
{
	double interval = screen->view->interval * factor;

	if (interval < INTERVAL_MIN)
		interval = INTERVAL_MIN;
	if (interval > INTERVAL_MAX)
		interval = INTERVAL_MAX;
	pace__set(&screen->sources->pace, interval * 1e9);
	sources__tell(screen->sources, screen->view);
	set_ticker(screen);
}

static long page_rows(const struct screen *screen)
{
	int rows, cols;

	term__size(&rows, &cols);
	return view__page_rows(screen->view, rows, cols);
}

static long clamp(long value, long max)
{
	if (value > max)
		value = max;
	return value > 0 ? value : 0;
}

/* The line with the cursor is always among those that are shown. */
static void move_to(struct screen *screen, long cursor)
{
	struct view *view = screen->view;
	long page = page_rows(screen), rows = view__count_lines(view, screen->snap);
	long first = view->first_row;

	cursor = clamp(cursor, rows - 1);
	if (first > cursor)
		first = cursor;
	if (first < cursor - page + 1)
		first = cursor - page + 1;
	view->cursor = cursor;
	view->first_row = clamp(first, rows - page);
}

/* Views without lines are scrolled by what is first. */
static void scroll_to(struct screen *screen, long first)
{
	struct view *view = screen->view;
	long rows;

	if (view__count_lines(view, screen->snap) && !view->space) {
		move_to(screen, first);
		return;
	}
	rows = screen->snap ? view->space ? screen->snap->mappings.nr : screen->snap->stacks.nr : 0;
	view->first_row = clamp(first, rows - 1);
}

/* Whatever is shown now, is there at once. */
static void changed(struct screen *screen)
{
	resort(screen);
	if (screen->snap && !screen->view->frozen)
		sources__look(screen->sources, screen->view, screen->snap);
	scroll_to(screen, 0);
}

static void enter(struct screen *screen)
{
	if (!screen->snap || !view__enter(screen->view, screen->snap))
		return;
	screen->view->first_row = 0;
	changed(screen);
}

static void back(struct screen *screen)
{
	if (!view__back(screen->view))
		return;
	screen->view->first_row = 0;
	scroll_to(screen, screen->view->cursor);
}

static void edit_filter(struct screen *screen, int key)
{
	struct view *view = screen->view;
	size_t len = strlen(view->filter);

	if (key == '\r' || key == '\n' || key == 27)
		view->prompt = false;
	if (key == 27)
		view->filter[0] = '\0';
	else if (key == KEYS_ERASE && len)
		view->filter[len - 1] = '\0';
	else if (key >= ' ' && key <= '~' && len + 1 < sizeof(view->filter))
		memcpy(view->filter + len, (char[]){ key, '\0' }, 2);
	scroll_to(screen, 0);
}

static void scroll_key(struct screen *screen, int key)
{
	const struct view *view = screen->view;
	bool lines = view__count_lines(view, screen->snap) && !view->space;
	long first = lines ? view->cursor : view->first_row, page = page_rows(screen);

	switch (key) {
	case KEYS_UP:
		scroll_to(screen, first - 1);
		break;
	case KEYS_DOWN:
		scroll_to(screen, first + 1);
		break;
	case KEYS_PAGE_UP:
		scroll_to(screen, first - page);
		break;
	case KEYS_PAGE_DOWN:
		scroll_to(screen, first + page);
		break;
	case KEYS_HOME:
		scroll_to(screen, 0);
		break;
	case KEYS_END:
		scroll_to(screen, LONG_MAX);
		break;
	}
}

/* Keys that lead to another view; false: it is none of them. */
static bool view_key(struct screen *screen, int key)
{
	struct view *view = screen->view;

	switch (key) {
	case '\t':
		view__show_next(view, 1);
		break;
	case KEYS_BACK_TAB:
		view__show_next(view, -1);
		break;
	case 't':
		view__show(view, view->id == VIEW_TREE ? VIEW_SPACES : VIEW_TREE);
		break;
	case 'f':
	case 'F':
		view__toggle(view, VIEW_FAULTS);
		break;
	case 'o':
		view->heat = (view->heat + 1) % (NR_OPERATIONS + 1);
		break;
	default:
		if (view__find_key(key) < 0)
			return false;
		view__show(view, view__find_key(key));
	}
	changed(screen);
	return true;
}

static void command(struct screen *screen, int key)
{
	struct view *view = screen->view;

	switch (key) {
	case 'q':
		screen->quit = true;
		break;
	case 'h':
	case '?':
	case KEYS_HELP:
		view->help = true;
		break;
	case '/':
		view->prompt = true;
		break;
	case '\r':
	case '\n':
		enter(screen);
		break;
	case 27:
	case KEYS_ERASE:
		back(screen);
		break;
	case '<':
	case KEYS_LEFT:
		sort_by_next(screen, -1);
		break;
	case '>':
	case 's':
	case KEYS_RIGHT:
		sort_by_next(screen, 1);
		break;
	case 'r':
	case 'S':
		view->ascending = !view->ascending;
		resort(screen);
		break;
	case '+':
		set_interval(screen, 2);
		break;
	case '-':
		set_interval(screen, 0.5);
		break;
	default:
		if (!view_key(screen, key))
			scroll_key(screen, key);
	}
}

static bool time_key(struct screen *screen, int key)
{
	struct snapshot *snap;

	if (!timeline__key(&screen->timeline, key, &snap, &screen->err))
		return false;
	if (screen->err)
		return true;
	show(screen, snap);
	set_ticker(screen);
	scroll_to(screen, screen->view->first_row);
	return true;
}

static void handle_keys(struct screen *screen)
{
	int key;

	while (!screen->quit && (key = term__key()) != KEYS_NONE) {
		if (key == KEYS_RESIZE)
			scroll_to(screen, screen->view->cursor);
		else if (screen->view->help)
			screen->view->help = false;
		else if (screen->view->prompt)
			edit_filter(screen, key);
		else if (!time_key(screen, key))
			command(screen, key);
	}
}

static void loop(struct screen *screen, int stop)
{
	struct pollfd fds[] = {
		{ .fd = sources__fd(screen->sources, screen->ticker), .events = POLLIN },
		{ .fd = stop, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	while (!screen->quit && !screen->err) {
		draw(screen);
		/* A change of the size interrupts us; curses then has a key for it. */
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			screen->err = -errno;
		if (fds[1].revents || fds[2].revents & (POLLHUP | POLLERR))
			break;
		if (fds[0].revents) {
			sources__take_tick(screen->sources, screen->ticker);
			tick(screen);
		}
		handle_keys(screen);
	}
}

static void start(struct screen *screen, struct snapshot *first)
{
	show(screen, first);
	screen->interval_ns = screen->options->interval_ns;
	if (!screen->options->replay)
		screen->err = ticker__set_soon(screen->ticker, FIRST_NS, screen->interval_ns);
	else
		set_ticker(screen);
}

int run_screen(const struct options *options, const struct probe *probe, struct sources *sources,
	       struct view *view, struct trail *trail)
{
	struct screen screen = {
		.options = options, .sources = sources, .view = view,
		.ticker = ticker__open(options->interval_ns),
	};
	struct snapshot *first = NULL;
	int stop = stop_fd(), err;

	if (screen.ticker < 0 || stop < 0)
		return EXIT_FAILED;
	err = term__open();
	if (err) {
		fprintf(stderr, "ioasidtop: %s\n", err == -ENOTTY ?
			"there is no terminal: use -b for tables or --json" :
			"the type of the terminal is not known: set TERM, or use -b");
		return err == -ENOTTY ? EXIT_USAGE : EXIT_UNSUPPORTED;
	}
	screen.err = timeline__open(&screen.timeline, options, sources, view, trail, &first);
	if (!screen.err) {
		start(&screen, first);
		draw(&screen);
		sources__finish(sources, probe);
	}
	loop(&screen, stop);
	term__close();
	timeline__close(&screen.timeline);
	if (screen.err)
		fprintf(stderr, "ioasidtop: %s\n", strerror(-screen.err));
	else
		screen.err = screen.snap ? strict_status(options, screen.snap) : 0;
	snapshot__free(screen.snap);
	close(screen.ticker);
	close(stop);
	return screen.err < 0 ? EXIT_FAILED : screen.err;
}
