/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A screen or page as characters, which knows nothing of terminals. */
#ifndef TOOLS_GRID_H
#define TOOLS_GRID_H

#include <stdbool.h>

enum attr {
	ATTR_NORMAL,
	ATTR_BOLD,
	ATTR_DIM,
	ATTR_TITLE,
	ATTR_SORTED,
	ATTR_WARN,
	ATTR_CURSOR,
	ATTR_HEAT, /* and as many levels as heat__level() has above it */
};

struct cell {
	char c;
	unsigned char attr;
};

struct grid {
	int rows;
	int cols;
	struct cell *cells;
};

int grid__init(struct grid *grid, int rows, int cols);
void grid__free(struct grid *grid);

/* What lies outside is not drawn. */
void grid__text(struct grid *grid, int row, int col, enum attr attr, const char *text);
void grid__printf(struct grid *grid, int row, int col, enum attr attr, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Exactly width characters: cut, or with blanks at the left or the right. */
void grid__cell(struct grid *grid, int row, int col, int width, enum attr attr, bool left,
		const char *text);

/* Gives a whole line another look. */
void grid__paint(struct grid *grid, int row, enum attr attr);

/*
 * As many lines of so many columns as the text needs, broken between words. Draws, unless
 * grid is NULL. Returns the number of lines.
 */
int grid__folded(struct grid *grid, int row, int cols, enum attr attr, const char *text);

/* A line without its trailing blanks; out holds cols + 1 characters. */
void grid__line(const struct grid *grid, int row, char *out);

#endif
