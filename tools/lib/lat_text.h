/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Latencies as text: tables, histograms and heat maps. */
#ifndef TOOLS_LAT_TEXT_H
#define TOOLS_LAT_TEXT_H

#include <stdio.h>
#include "heat.h"
#include "lat.h"

/* Of the interval, or of all the time. */
void lat__print_table(FILE *out, const struct lat *lat, bool total);

/* One for each row that is not empty, as many characters wide at most. */
void lat__print_histograms(FILE *out, const struct lat *lat, bool total, int width);

/*
 * A heat map over time: a line for each row and interval, and in it a cell for each
 * range of latencies. How much of the interval's operations a cell has, is shown by its
 * character, and by its colour if the terminal has so many.
 */
struct heat {
	int label;		/* width of the names */
	int cells;		/* per octave */
	int colors;		/* 0, 8 or 256 */
	unsigned int lines;	/* since the header */
};

void heat__init(struct heat *heat, const struct lat *lat, int width, int colors);
/* To begin with; afterwards it comes by itself now and then. */
void heat__header(struct heat *heat, FILE *out);
void heat__print(struct heat *heat, FILE *out, const struct lat *lat, const char *time);

#endif
