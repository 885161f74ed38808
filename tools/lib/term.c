// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <termcap.h>
#include <unistd.h>
#include "heat.h"
#include "term.h"

enum { PAIR_WARN = 1, PAIR_HEAT };	/* and the levels above it */

static chtype attributes(int attr)
{
	if (attr >= ATTR_HEAT)
		return has_colors() ? COLOR_PAIR(PAIR_HEAT + attr - ATTR_HEAT) : A_NORMAL;
	switch (attr) {
	case ATTR_BOLD:
		return A_BOLD;
	case ATTR_DIM:
		return A_DIM;
	case ATTR_TITLE:
		return A_REVERSE;
	case ATTR_SORTED:
		return A_BOLD | A_UNDERLINE;
	case ATTR_WARN:
		return A_BOLD | (has_colors() ? COLOR_PAIR(PAIR_WARN) : 0);
	case ATTR_CURSOR:
		return A_REVERSE;
	}
	return A_NORMAL;
}

/* See no-color.org: any value but an empty one. */
static bool no_color(void)
{
	const char *value = getenv("NO_COLOR");

	return value && *value;
}

int term__colors(void)
{
	const char *type = getenv("TERM");
	int colors;

	if (no_color() || !type || !isatty(STDOUT_FILENO) || tgetent(NULL, type) != 1)
		return 0;
	colors = tgetnum("Co");
	return colors > 0 ? colors : 0;
}

static void open_colors(void)
{
	if (no_color() || !has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(PAIR_WARN, COLOR_RED, -1);
	for (int level = 1; level <= HEAT_LEVELS; level++)
		init_pair(PAIR_HEAT + level, heat__text_color(level, COLORS >= 256),
			  heat__color(level, COLORS >= 256));
}

int term__open(void)
{
	SCREEN *screen;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return -EINVAL;
	set_term(screen);
	open_colors();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	return 0;
}

void term__close(void)
{
	endwin();
}

void term__size(int *rows, int *cols)
{
	getmaxyx(stdscr, *rows, *cols);
}

void term__show(const struct grid *grid)
{
	for (int row = 0; row < grid->rows; row++) {
		for (int col = 0; col < grid->cols; col++) {
			const struct cell *cell = &grid->cells[row * grid->cols + col];

			mvaddch(row, col, (unsigned char)cell->c | attributes(cell->attr));
		}
	}
	refresh();
}

int term__key(void)
{
	static const struct { int curses, key; } keys[] = {
		{ ERR, KEYS_NONE }, { KEY_UP, KEYS_UP }, { KEY_DOWN, KEYS_DOWN },
		{ KEY_PPAGE, KEYS_PAGE_UP }, { KEY_NPAGE, KEYS_PAGE_DOWN },
		{ KEY_HOME, KEYS_HOME }, { KEY_END, KEYS_END }, { KEY_LEFT, KEYS_LEFT },
		{ KEY_RIGHT, KEYS_RIGHT }, { KEY_F(1), KEYS_HELP },
		{ KEY_BACKSPACE, KEYS_ERASE }, { 127, KEYS_ERASE }, { '\b', KEYS_ERASE },
		{ KEY_RESIZE, KEYS_RESIZE }, { KEY_BTAB, KEYS_BACK_TAB },
	};
	int c = getch();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == c)
			return keys[i].key;
	return c > 0 && c < 256 ? c : KEYS_OTHER;
}
