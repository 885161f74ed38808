/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One line for all spaces together and one for each that the view shows, in each
 * interval. Columns are those of csv__header(): what identifies, then the metric table.
 * Fields are quoted as in RFC 4180, lines end with a line feed; an empty field is "not
 * known".
 */
#ifndef TOOLS_CSV_H
#define TOOLS_CSV_H

#include <stdio.h>
#include "view.h"

/* 0 or -EIO. */
int csv__header(FILE *out);
int csv__snapshot(FILE *out, const struct snapshot *snap, const struct view *view);

#endif
