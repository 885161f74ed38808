// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "grid.h"

#define MAX_TEXT 512

int grid__init(struct grid *grid, int rows, int cols)
{
	grid->rows = rows;
	grid->cols = cols;
	grid->cells = malloc(sizeof(*grid->cells) * rows * cols);
	if (!grid->cells)
		return -ENOMEM;
	for (int i = 0; i < rows * cols; i++)
		grid->cells[i] = (struct cell){ ' ', ATTR_NORMAL };
	return 0;
}

void grid__free(struct grid *grid)
{
	free(grid->cells);
	grid->cells = NULL;
}

void grid__text(struct grid *grid, int row, int col, enum attr attr, const char *text)
{
	if (row < 0 || row >= grid->rows)
		return;
	for (; *text && col < grid->cols; text++, col++)
		if (col >= 0)
			grid->cells[row * grid->cols + col] = (struct cell){ *text, attr };
}

void grid__printf(struct grid *grid, int row, int col, enum attr attr, const char *format, ...)
{
	char text[MAX_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	grid__text(grid, row, col, attr, text);
}

void grid__cell(struct grid *grid, int row, int col, int width, enum attr attr, bool left,
		const char *text)
{
	char padded[MAX_TEXT];

	snprintf(padded, sizeof(padded), left ? "%-*.*s" : "%*.*s", width, width, text);
	grid__text(grid, row, col, attr, padded);
}

void grid__paint(struct grid *grid, int row, enum attr attr)
{
	if (row < 0 || row >= grid->rows)
		return;
	/* What is alarming stays so. */
	for (int col = 0; col < grid->cols; col++)
		if (grid->cells[row * grid->cols + col].attr != ATTR_WARN)
			grid->cells[row * grid->cols + col].attr = attr;
}

/* How much of a text goes into a line: whole words if possible. */
static int fold(const char *text, int cols)
{
	int len = strlen(text), cut;

	if (len <= cols)
		return len;
	for (cut = cols; cut > 0 && text[cut] != ' ';)
		cut--;
	return cut ? cut : cols;
}

int grid__folded(struct grid *grid, int row, int cols, enum attr attr, const char *text)
{
	char line[MAX_TEXT];
	int rows = 0, len;

	for (; *text; rows++) {
		len = fold(text, cols < (int)sizeof(line) ? cols : (int)sizeof(line) - 1);
		snprintf(line, sizeof(line), "%.*s", len, text);
		if (grid)
			grid__text(grid, row + rows, 0, attr, line);
		text += len;
		text += strspn(text, " ");
	}
	return rows;
}

void grid__line(const struct grid *grid, int row, char *out)
{
	int len = 0;

	for (int col = 0; col < grid->cols; col++) {
		out[col] = grid->cells[row * grid->cols + col].c;
		if (out[col] != ' ')
			len = col + 1;
	}
	out[len] = '\0';
}
