// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "format.h"

struct scale {
	double base;
	const char *suffixes;	/* the first may be a blank: none */
};

static const struct scale scales[] = {
	[UNIT_NONE] = { 1000, " kMGTPE" },
	[UNIT_COUNT] = { 1000, " kMGTPE" },
	[UNIT_RATE] = { 1000, " kMGTPE" },
	[UNIT_BYTES] = { 1024, " KMGTPE" },
	[UNIT_NS] = { 1000, "nums" },
};

/* The most decimals that fit; false when not even the integer does. */
static bool fit(char *out, size_t width, double number, char suffix, int decimals)
{
	char text[48];
	int len;

	for (; decimals >= 0; decimals--) {
		len = snprintf(text, sizeof(text), "%.*f", decimals, number);
		if ((size_t)len > width || (size_t)len + 2 > sizeof(text))
			continue;
		if (suffix != ' ')
			len += snprintf(text + len, sizeof(text) - len, "%c", suffix);
		if ((size_t)len <= width) {
			memcpy(out, text, len + 1);
			return true;
		}
	}
	return false;
}

/* Fractions are worth showing only where they are a good part of the number. */
static int rate_decimals(double rate, size_t width)
{
	if (rate <= 0 || rate >= 1000)
		return 0;
	if (rate < 10)
		return 2;
	return rate < 100 || width > 4;
}

/* The first unit in which the number fits, unscaled if it can be. */
void format_number(char *out, size_t width, double number, enum unit unit)
{
	const struct scale *scale = &scales[unit];
	const char *suffix = scale->suffixes;
	bool exact = *suffix == ' ' && unit != UNIT_BYTES;
	int decimals = unit == UNIT_RATE ? rate_decimals(number, width) : 0;

	for (; *suffix; suffix++, number /= scale->base, decimals = 2, exact = false)
		if ((exact || number < scale->base - 0.5 || !suffix[1]) &&
		    fit(out, width, number, *suffix, decimals))
			return;
	snprintf(out, width + 1, "%.*s", (int)width, "########");
}

void format_value(char *out, size_t width, const struct value *value, enum metric_id id)
{
	if (!value->known)
		snprintf(out, width + 1, "-");
	else
		format_number(out, width, value__number(value, id), metrics[id].unit);
}
