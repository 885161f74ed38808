// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Heat maps: time goes down, latency goes to the right. */
#include <math.h>
#include <string.h>
#include "format.h"
#include "lat_text.h"

#define MAX_CELLS   8 /* per octave */
#define FIRST_EXP   8 /* what is shorter than 256 ns is in the first cell */
#define OCTAVES	    (HIST_MAX_EXP + 1 - FIRST_EXP)
#define TIME_WIDTH  8
#define COUNT_WIDTH	4
#define LEFT	    (TIME_WIDTH + COUNT_WIDTH + 4)
#define PAGE	    20 /* lines between two headers */

static const char shades[HEAT_LEVELS + 2] = " .:-=+*%#@";

int heat__level(__u64 count, __u64 total)
{
	if (!count)
		return 0;
	if (count >= total)
		return HEAT_LEVELS;
	return 1 + (int)((HEAT_LEVELS - 1) * log(count) / log(total));
}

/* As wide as the names may become: the header is there before them. */
static int label_width(unsigned int by)
{
	int width = strlen("unbind-table");

	if (by & LAT_BY_SPACE)
		width += strlen("@999:99");
	if (by & LAT_BY_DEVICE)
		width += strlen("/0000:00:00.0");
	if (by & LAT_BY_PROCESS)
		width += strlen("/qemu-system-x86[99999]");
	if (by & LAT_BY_RESULT)
		width += strlen("/failed");
	return width;
}

void heat__init(struct heat *heat, const struct lat *lat, int width, int colors)
{
	int room;

	*heat = (struct heat){ .label = label_width(lat->by), .cells = MAX_CELLS };
	heat->colors = colors >= 256 ? 256 : colors >= 8 ? 8 : 0;
	while (heat->cells > 1 && LEFT + heat->label + heat->cells * OCTAVES > width)
		heat->cells /= 2;
	/* Rather a shorter name than a longer line. */
	room = width - LEFT - heat->cells * OCTAVES;
	if (heat->label > room)
		heat->label = room > 8 ? room : 8;
}

static int cell_of(const struct heat *heat, __u32 index)
{
	int first = hist_index(1ULL << FIRST_EXP);

	return (int)index <= first ? 0 : ((int)index - first) * heat->cells / HIST_SUB;
}

/* A bar where each power of ten begins, with its name if there is room. */
void heat__header(struct heat *heat, FILE *out)
{
	static const char *const names[] = {
		"1u", "10u", "100u", "1m", "10m", "100m", "1s", "10s",
	};
	char axis[MAX_CELLS * OCTAVES + 1];
	int end = heat->cells * OCTAVES, cell;
	__u64 ns = 1000;
	size_t len;

	memset(axis, ' ', end);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++, ns *= 10) {
		cell = cell_of(heat, hist_index(ns));
		len = strlen(names[i]);
		axis[cell] = '|';
		/* A power of ten is 3.3 octaves. */
		if (cell + 1 + len <= end && (heat->cells > 1 || len < 3))
			memcpy(axis + cell + 1, names[i], len);
	}
	while (end && axis[end - 1] == ' ')
		end--;
	axis[end] = '\0';
	fprintf(out, "%-*s %-*.*s %*s |%s\n", TIME_WIDTH, "TIME", heat->label, heat->label,
		"OPERATION", COUNT_WIDTH, "OPS", axis);
	heat->lines = 0;
}

/* From cold to hot; black on what is bright, white on what is dark. */
static void set_color(const struct heat *heat, FILE *out, int level)
{
	static const unsigned char ramp[] = { 0, 17, 18, 19, 55, 91, 127, 197, 208, 226 };
	static const unsigned char eight[] = { 0, 4, 4, 6, 6, 2, 2, 3, 3, 1 };

	if (!level)
		fputs("\033[0m", out);
	else if (heat->colors == 256)
		fprintf(out, "\033[38;5;%d;48;5;%dm", level >= 8 ? 16 : 231, ramp[level]);
	else
		fprintf(out, "\033[3%d;4%dm", eight[level] == 4 || eight[level] == 1 ? 7 : 0,
			eight[level]);
}

static void print_cells(const struct heat *heat, FILE *out, const __u64 *hist, __u64 total)
{
	__u64 counts[MAX_CELLS * OCTAVES] = { 0 };
	int level, last = 0, end = 0;

	for (int i = 0; i < HIST_SLOTS; i++) {
		counts[cell_of(heat, i)] += hist[i];
		if (hist[i])
			end = cell_of(heat, i) + 1;
	}
	for (int i = 0; i < end; i++) {
		level = heat__level(counts[i], total);
		if (heat->colors && level != last)
			set_color(heat, out, level);
		fputc(shades[level], out);
		last = level;
	}
	if (heat->colors && last)
		set_color(heat, out, 0);
	fputc('\n', out);
}

/* Phases are indented below their operation. */
static void label_of(const struct lat *lat, const struct lat_row *row, char *out, size_t size)
{
	char tag[LAT_TAG_LEN];

	lat_row__tag(lat, row, tag, sizeof(tag));
	if (lat__phase(row->key.series))
		snprintf(out, size, "  %s", tag + strlen(lat__op(row->key.series)) + 1);
	else
		snprintf(out, size, "%s", tag);
}

static void print_row(struct heat *heat, FILE *out, const struct lat *lat,
		      const struct lat_row *row, const char *time)
{
	__u64 count = lat_times__count(&row->now);
	char label[LAT_TAG_LEN + 2], number[COUNT_WIDTH + 1];

	if (heat->lines++ == PAGE)
		heat__header(heat, out);
	label_of(lat, row, label, sizeof(label));
	format_number(number, COUNT_WIDTH, count, UNIT_COUNT);
	fprintf(out, "%-*s %-*.*s %*s |", TIME_WIDTH, time, heat->label, heat->label, label,
		COUNT_WIDTH, number);
	print_cells(heat, out, row->now.hist, count);
}

/* A row that has been busy once is shown when it is not, so that time goes on. */
void heat__print(struct heat *heat, FILE *out, const struct lat *lat, const char *time)
{
	bool any = false;

	for (size_t i = 0; i < lat->nr; i++) {
		if (!lat_times__any(&lat->rows[i]->total))
			continue;
		print_row(heat, out, lat, lat->rows[i], any ? "" : time);
		any = true;
	}
	if (!any)
		fprintf(out, "%-*s nothing yet\n", TIME_WIDTH, time);
}
