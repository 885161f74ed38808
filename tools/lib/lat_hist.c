// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Histograms with bars. */
#include <string.h>
#include "format.h"
#include "lat_text.h"
#include "quantile.h"

#define BODY_LINES  20
#define BOUND_WIDTH	6
#define COUNT_WIDTH	8
#define LINE_LEFT   (2 * BOUND_WIDTH + COUNT_WIDTH + 8)

static __u64 merged(const __u64 *hist, int first, int buckets)
{
	__u64 sum = 0;

	for (int i = first; i < first + buckets; i++)
		sum += hist[i];
	return sum;
}

/*
 * Buckets that are one line, which never cross an octave. Octaves with less than a
 * hundredth of all operations are a line each: they are a tail that may be long, and
 * what is looked for is in the others.
 */
struct lines {
	__u64 total;
	int buckets;
};

static int buckets_at(const struct lines *lines, const __u64 *hist, int octave)
{
	return merged(hist, octave, HIST_SUB) * 100 < lines->total ? HIST_SUB : lines->buckets;
}

static int count_body(const struct lines *lines, const __u64 *hist)
{
	int n = 0;

	for (int i = 0; i < HIST_SLOTS; i += lines->buckets)
		n += buckets_at(lines, hist, i - i % HIST_SUB) == lines->buckets &&
		     merged(hist, i, lines->buckets);
	return n;
}

static __u64 largest(const struct lines *lines, const __u64 *hist)
{
	__u64 max = 0, sum;

	for (int i = 0; i < HIST_SLOTS; i += lines->buckets) {
		sum = merged(hist, i, lines->buckets);
		if (sum > max)
			max = sum;
	}
	return max;
}

/* From the first value to the one after the last. */
static void print_bounds(FILE *out, int first, int buckets)
{
	char lower[BOUND_WIDTH + 1], upper[BOUND_WIDTH + 1] = "";

	format_number(lower, BOUND_WIDTH, hist_lower(first), UNIT_NS);
	if (first + buckets < HIST_SLOTS)
		format_number(upper, BOUND_WIDTH, hist_lower(first + buckets), UNIT_NS);
	fprintf(out, " %*s ..%*s", BOUND_WIDTH, lower, BOUND_WIDTH + 1, upper);
}

static void print_line(FILE *out, int first, int buckets, __u64 count, __u64 max, int width)
{
	int bar = max ? (double)count * width / max + 0.5 : 0;
	char text[COUNT_WIDTH + 1];

	format_number(text, COUNT_WIDTH, count, UNIT_COUNT);
	print_bounds(out, first, buckets);
	fprintf(out, " %*s |", COUNT_WIDTH, text);
	for (int i = 0; i < bar; i++)
		fputc('#', out);
	/* A few among many are there, too. */
	fprintf(out, "%s\n", bar ? "" : ".");
}

static void print_histogram(FILE *out, const __u64 *hist, int width)
{
	struct lines lines = { hist64__total(hist), 1 };
	int last_end = -1, buckets;
	__u64 max, count;

	while (lines.buckets < HIST_SUB && count_body(&lines, hist) > BODY_LINES)
		lines.buckets *= 2;
	max = largest(&lines, hist);
	for (int i = 0; i < HIST_SLOTS; i += buckets) {
		buckets = buckets_at(&lines, hist, i - i % HIST_SUB);
		count = merged(hist, i, buckets);
		if (!count)
			continue;
		if (last_end >= 0 && i > last_end)
			fprintf(out, " %*s\n", BOUND_WIDTH, "...");
		print_line(out, i, buckets, count, max, width);
		last_end = i + buckets;
	}
}

void lat__print_histograms(FILE *out, const struct lat *lat, bool total, int width)
{
	const struct lat_times *times;
	char tag[LAT_TAG_LEN];
	__u64 count;

	width = width > LINE_LEFT + 8 ? width - LINE_LEFT : 8;
	for (size_t i = 0; i < lat->nr; i++) {
		times = lat_row__times(lat->rows[i], total);
		count = lat_times__count(times);
		if (!count)
			continue;
		lat_row__tag(lat, lat->rows[i], tag, sizeof(tag));
		fprintf(out, "\n%s: %llu\n", tag, count);
		print_histogram(out, times->hist, width);
	}
}
