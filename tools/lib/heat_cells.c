// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <math.h>
#include <string.h>
#include "heat.h"

int heat__level(__u64 count, __u64 total)
{
	if (!count)
		return 0;
	if (count >= total)
		return HEAT_LEVELS;
	return 1 + (int)((HEAT_LEVELS - 1) * log(count) / log(total));
}

char heat__shade(int level)
{
	static const char shades[HEAT_LEVELS + 2] = " .:-=+*%#@";

	return shades[level];
}

/* From cold to hot; black on what is bright, white on what is dark. */
int heat__color(int level, bool many)
{
	static const unsigned char ramp[] = { 0, 17, 18, 19, 55, 91, 127, 197, 208, 226 };
	static const unsigned char eight[] = { 0, 4, 4, 6, 6, 2, 2, 3, 3, 1 };

	return many ? ramp[level] : eight[level];
}

int heat__text_color(int level, bool many)
{
	int color = heat__color(level, many);

	if (many)
		return level >= 8 ? 16 : 231;
	return color == 4 || color == 1 ? 7 : 0;
}

int heat__cell(int cells, __u32 index)
{
	int first = hist_index(1ULL << HEAT_FIRST_EXP);

	return (int)index <= first ? 0 : ((int)index - first) * cells / HIST_SUB;
}

void heat__axis(char *axis, int cells)
{
	static const char *const names[] = {
		"1u", "10u", "100u", "1m", "10m", "100m", "1s", "10s",
	};
	int end = cells * HEAT_OCTAVES, cell;
	__u64 ns = 1000;
	size_t len;

	memset(axis, ' ', end);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++, ns *= 10) {
		cell = heat__cell(cells, hist_index(ns));
		len = strlen(names[i]);
		axis[cell] = '|';
		/* A power of ten is 3.3 octaves. */
		if (cell + 1 + (int)len <= end && (cells > 1 || len < 3))
			memcpy(axis + cell + 1, names[i], len);
	}
	while (end && axis[end - 1] == ' ')
		end--;
	axis[end] = '\0';
}
