// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "format.h"
#include "lat_text.h"
#include "quantile.h"

static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999 };
static const char *const titles[] = { "MEAN", "P50", "P90", "P99", "P99.9", "MAX" };

#define NR_QUANTILES	(sizeof(quantiles) / sizeof(quantiles[0]))
#define NR_TITLES    (sizeof(titles) / sizeof(titles[0]))
#define COUNT_WIDTH  8
#define TIME_WIDTH   6

/* The words on the left. */
struct names {
	unsigned int by;
	const char *title;
	void (*format)(const struct lat_row *row, char *out, size_t size);
};

static void operation(const struct lat_row *row, char *out, size_t size)
{
	const char *phase = lat__phase(row->key.series);

	if (phase)
		snprintf(out, size, "  %s", phase);
	else
		snprintf(out, size, "%s", lat__op(row->key.series));
}

static void result(const struct lat_row *row, char *out, size_t size)
{
	snprintf(out, size, "%s", row->key.failed ? "failed" : "ok");
}

static const struct names names[] = {
	{ LAT_BY_SPACE, "SPACE", lat_row__space },
	{ LAT_BY_DEVICE, "DEVICE", lat_row__device },
	{ LAT_BY_PROCESS, "PROCESS", lat_row__process },
	{ LAT_BY_RESULT, "RESULT", result },
	{ 0, "OPERATION", operation },
};

#define NR_NAMES	(sizeof(names) / sizeof(names[0]))

static bool is_shown(const struct lat *lat, const struct names *column)
{
	return !column->by || lat->by & column->by;
}

static void widths(const struct lat *lat, bool total, int *out)
{
	char text[LAT_NAME_LEN];

	for (size_t i = 0; i < NR_NAMES; i++) {
		out[i] = strlen(names[i].title);
		for (size_t j = 0; j < lat->nr; j++) {
			if (!lat_times__any(lat_row__times(lat->rows[j], total)))
				continue;
			names[i].format(lat->rows[j], text, sizeof(text));
			if ((int)strlen(text) > out[i])
				out[i] = strlen(text);
		}
	}
}

static void print_ns(FILE *out, bool known, double ns)
{
	char text[TIME_WIDTH + 1] = "-";

	if (known)
		format_number(text, TIME_WIDTH, ns, UNIT_NS);
	fprintf(out, " %*s", TIME_WIDTH, text);
}

static void print_numbers(FILE *out, const struct lat_times *times, bool total)
{
	__u64 count = lat_times__count(times), ns = 0;
	char text[COUNT_WIDTH + 1];
	bool known;

	format_number(text, COUNT_WIDTH, count, UNIT_COUNT);
	fprintf(out, "%*s", COUNT_WIDTH, text);
	print_ns(out, count, count ? (double)times->sum_ns / count : 0);
	for (size_t i = 0; i < NR_QUANTILES; i++) {
		known = hist64__quantile(times->hist, quantiles[i], &ns);
		/* The middle of the last bucket may lie beyond the longest one. */
		if (ns > lat_times__max(times, total))
			ns = lat_times__max(times, total);
		print_ns(out, known, ns);
	}
	print_ns(out, count, lat_times__max(times, total));
	fputc('\n', out);
}

static __u64 count_untimed(const struct lat *lat, bool total)
{
	__u64 sum = 0;

	for (size_t i = 0; i < lat->nr; i++)
		sum += lat_row__times(lat->rows[i], total)->untimed;
	return sum;
}

static void print_remarks(FILE *out, const struct lat *lat, bool total, bool any)
{
	__u64 untimed = count_untimed(lat, total), other = lat__unattributed(lat);

	if (!any)
		fprintf(out, "no operations\n");
	if (untimed)
		fprintf(out, "%llu more had begun before anybody measured\n", untimed);
	if (other)
		fprintf(out,
			"%llu are in rows 'other': there was no room for more rows, give more --memory\n",
			other);
	if (lat->missed)
		fprintf(out, "%llu events were not seen: the kernel skipped the BPF programs\n",
			lat->missed);
}

static void print_titles(FILE *out, const struct lat *lat, const int *width)
{
	for (size_t i = 0; i < NR_NAMES; i++)
		if (is_shown(lat, &names[i]))
			fprintf(out, "%-*s ", width[i], names[i].title);
	fprintf(out, "%*s", COUNT_WIDTH, "COUNT");
	for (size_t i = 0; i < NR_TITLES; i++)
		fprintf(out, " %*s", TIME_WIDTH, titles[i]);
	fputc('\n', out);
}

static void print_row(FILE *out, const struct lat *lat, const struct lat_row *row, bool total,
		      const int *width)
{
	char text[LAT_NAME_LEN];

	for (size_t i = 0; i < NR_NAMES; i++) {
		if (!is_shown(lat, &names[i]))
			continue;
		names[i].format(row, text, sizeof(text));
		fprintf(out, "%-*s ", width[i], text);
	}
	print_numbers(out, lat_row__times(row, total), total);
}

void lat__print_table(FILE *out, const struct lat *lat, bool total)
{
	int width[NR_NAMES];
	bool any = false;

	widths(lat, total, width);
	for (size_t i = 0; i < lat->nr; i++) {
		if (!lat_times__any(lat_row__times(lat->rows[i], total)))
			continue;
		if (!any)
			print_titles(out, lat, width);
		any = true;
		print_row(out, lat, lat->rows[i], total, width);
	}
	print_remarks(out, lat, total, any);
}
