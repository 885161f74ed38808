// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Heat maps: time goes down, latency goes to the right. */
#include <string.h>
#include "format.h"
#include "heat.h"
#include "lat_text.h"

#define TIME_WIDTH  8
#define COUNT_WIDTH 4
#define LEFT	    (TIME_WIDTH + COUNT_WIDTH + 4)
#define PAGE	    20 /* lines between two headers */

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

	*heat = (struct heat){ .label = label_width(lat->by), .cells = HEAT_MAX_CELLS };
	heat->colors = colors >= 256 ? 256 : colors >= 8 ? 8 : 0;
	while (heat->cells > 1 && LEFT + heat->label + heat->cells * HEAT_OCTAVES > width)
		heat->cells /= 2;
	/* Rather a shorter name than a longer line. */
	room = width - LEFT - heat->cells * HEAT_OCTAVES;
	if (heat->label > room)
		heat->label = room > 8 ? room : 8;
}

void heat__header(struct heat *heat, FILE *out)
{
	char axis[HEAT_MAX_CELLS * HEAT_OCTAVES + 1];

	heat__axis(axis, heat->cells);
	fprintf(out, "%-*s %-*.*s %*s |%s\n", TIME_WIDTH, "TIME", heat->label, heat->label,
		"OPERATION", COUNT_WIDTH, "OPS", axis);
	heat->lines = 0;
}

static void set_color(const struct heat *heat, FILE *out, int level)
{
	bool many = heat->colors == 256;

	if (!level)
		fputs("\033[0m", out);
	else
		fprintf(out, many ? "\033[38;5;%d;48;5;%dm" : "\033[3%d;4%dm",
			heat__text_color(level, many), heat__color(level, many));
}

static void print_cells(const struct heat *heat, FILE *out, const __u64 *hist, __u64 total)
{
	__u64 counts[HEAT_MAX_CELLS * HEAT_OCTAVES] = { 0 };
	int level, last = 0, end = 0;

	for (int i = 0; i < HIST_SLOTS; i++) {
		counts[heat__cell(heat->cells, i)] += hist[i];
		if (hist[i])
			end = heat__cell(heat->cells, i) + 1;
	}
	for (int i = 0; i < end; i++) {
		level = heat__level(counts[i], total);
		if (heat->colors && level != last)
			set_color(heat, out, level);
		fputc(heat__shade(level), out);
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
