/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The terminal: shows grids, reads keys. The only user of curses. */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include "grid.h"

enum key {
	KEYS_NONE = 0,
	/* 1..255: a character */
	KEYS_UP = 256,
	KEYS_DOWN,
	KEYS_PAGE_UP,
	KEYS_PAGE_DOWN,
	KEYS_HOME,
	KEYS_END,
	KEYS_LEFT,
	KEYS_RIGHT,
	KEYS_HELP,
	KEYS_ERASE,
	KEYS_RESIZE,
	KEYS_BACK_TAB,
	KEYS_OTHER,
};

/* How many colours printed lines may have: 0 for files and with NO_COLOR. */
int term__colors(void);

/* Fails with -ENOTTY, or -EINVAL when the type of the terminal is not known. */
int term__open(void);
void term__close(void);
void term__size(int *rows, int *cols);
void term__show(const struct grid *grid);

/* The next key that was pressed, KEYS_NONE when there is none. */
int term__key(void);

#endif
