/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers for people: exactly as wide as the column, as precise as fits. */
#ifndef TOOLS_FORMAT_H
#define TOOLS_FORMAT_H

#include <stddef.h>
#include "metric.h"

/*
 * Writes at most width characters (4 is enough for any number): counts and
 * rates with decimal suffixes, bytes with binary ones, ns as n, u, m, s.
 * An unknown value is "-".
 */
void format_value(char *out, size_t width, const struct value *value, enum metric_id id);
void format_number(char *out, size_t width, double number, enum unit unit);

#endif
