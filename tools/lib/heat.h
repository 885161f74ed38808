/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What heat maps are made of: latency goes to the right, in cells of an octave or a part
 * of one. How much of an interval's operations a cell has, is its level.
 */
#ifndef TOOLS_HEAT_H
#define TOOLS_HEAT_H

#include <stdbool.h>
#include "../../bpf/hist.h"

#define HEAT_FIRST_EXP 8 /* what is shorter than 256 ns is in the first cell */
#define HEAT_OCTAVES   (HIST_MAX_EXP + 1 - HEAT_FIRST_EXP)
#define HEAT_MAX_CELLS 8 /* per octave */

/* From 0 (nothing) to HEAT_LEVELS (all): logarithmic, so that a single one is seen. */
#define HEAT_LEVELS 9
int heat__level(__u64 count, __u64 total);
char heat__shade(int level);

/* Of 256 colours, and of 8. */
int heat__color(int level, bool many);
int heat__text_color(int level, bool many);

/* Where a bucket is, with so many cells per octave. */
int heat__cell(int cells, __u32 index);

/*
 * A bar where each power of ten begins, with its name if there is room. axis has room for
 * cells * HEAT_OCTAVES characters and a zero.
 */
void heat__axis(char *axis, int cells);

#endif
