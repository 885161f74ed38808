// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers and histograms for each kind of operation. */
#include <stdio.h>
#include "format.h"
#include "heat.h"
#include "quantile.h"
#include "views.h"

#define NAME_WIDTH   13
#define NUMBER_WIDTH 6
#define TIME_WIDTH   5
#define BOX_WIDTH    38 /* at least, for a histogram */

struct operation_metrics {
	enum metric_id rate, bytes, errors, p50; /* NR_METRICS: there is none */
};

#define METRICS_OF(X) \
	{ METRIC_##X##_RATE, METRIC_##X##_BYTES, METRIC_##X##_ERRORS, METRIC_##X##_P50 }

static const struct operation_metrics operations[NR_OPERATIONS] = {
	[OPERATION_MAP] = METRICS_OF(MAP),
	[OPERATION_UNMAP] = METRICS_OF(UNMAP),
	[OPERATION_INV] = METRICS_OF(INV),
	[OPERATION_USER_INV] = METRICS_OF(USER_INV),
	[OPERATION_FAULT] = { METRIC_FAULT_RATE, NR_METRICS, METRIC_FAULT_INVALID,
			   METRIC_FAULT_SERVICE_P50 },
};

static int draw_number(struct grid *grid, int row, int col, int width, enum attr attr,
		       const struct value *v, enum metric_id id)
{
	char text[16] = "-";

	if (id < NR_METRICS)
		format_value(text, width - 1, &v[id], id);
	grid__cell(grid, row, col, width, attr, false, text);
	return col + width;
}

/* Bytes of the interval, per second. */
static int draw_bytes(struct grid *grid, int row, int col, const struct value *v, enum metric_id id,
		      __u64 interval_ns)
{
	char text[16] = "-";

	if (id < NR_METRICS && v[id].known && interval_ns)
		format_number(text, NUMBER_WIDTH, v[id].count * 1e9 / interval_ns, UNIT_BYTES);
	grid__cell(grid, row, col, NUMBER_WIDTH + 2, ATTR_NORMAL, false, text);
	return col + NUMBER_WIDTH + 2;
}

/* The rates of the last intervals, the latest at the right, the highest a '#'. */
static void draw_trail(struct grid *grid, int row, int col, const struct snapshot *snap,
		       const struct trail *trail, enum operation id)
{
	static const char levels[] = " .:-=+*#";
	int room = grid->cols - col;
	double max = 0;

	for (int i = 0; i < room; i++) {
		const struct trail_step *step = trail__before(trail, snap, i);

		if (step && step->rates[id].known && step->rates[id].rate > max)
			max = step->rates[id].rate;
	}
	for (int i = 0; i < room && max > 0; i++) {
		const struct trail_step *step = trail__before(trail, snap, i);
		double rate = step && step->rates[id].known ? step->rates[id].rate : 0;
		int level = rate > 0 ? 1 + (int)(6 * rate / max) : 0;

		grid__text(grid, row, grid->cols - 1 - i, ATTR_NORMAL,
			   (char[]){ levels[level], '\0' });
	}
}

static void draw_operation(struct grid *grid, int row, const struct row *of,
			   const struct snapshot *snap, const struct trail *trail,
			   enum operation id)
{
	const struct operation_metrics *op = &operations[id];
	const struct value *v = of->v;
	int col = NAME_WIDTH;
	bool failed = v[op->errors].known && v[op->errors].count;

	grid__text(grid, row, 0, ATTR_NORMAL, operation__name(id));
	col = draw_number(grid, row, col, NUMBER_WIDTH + 1, ATTR_NORMAL, v, op->rate);
	col = draw_bytes(grid, row, col, v, op->bytes, snap->interval_ns);
	col = draw_number(grid, row, col, TIME_WIDTH, failed ? ATTR_WARN : ATTR_NORMAL, v,
			  op->errors);
	for (int i = 0; i < 5; i++)
		col = draw_number(grid, row, col, TIME_WIDTH, ATTR_NORMAL, v, op->p50 + i);
	if (trail)
		draw_trail(grid, row, col + 2, snap, trail, id);
}

int view__draw_operations(struct grid *grid, int row, int end, const struct row *of,
			  const struct snapshot *snap, const struct trail *trail)
{
	int rows = OPERATION_ROWS;

	if (row < end)
		grid__printf(grid, row, 0, ATTR_TITLE,
			     "%-13s     /s bytes/s  bad  p50  p90  p99 p999  max  %-*s",
			     "OPERATION", grid->cols, trail ? "BEFORE .. NOW" : "");
	for (int id = 0; id < NR_OPERATIONS && row + 1 + id < end; id++)
		draw_operation(grid, row + 1 + id, of, snap, trail, id);
	return rows;
}

/* ---- histograms ---- */

/*
 * Buckets that are one line. Octaves with less than a hundredth of all operations are a
 * line each, if need be all that follow each other: they are a tail that may be long, and
 * what is looked for is in the others.
 */
struct lines_of {
	const __u32 *hist;
	__u64 total;
	int body;		/* buckets of a line */
	bool join_tail;
};

static __u64 joined(const __u32 *hist, int first, int buckets)
{
	__u64 sum = 0;

	for (int i = first; i < first + buckets && i < HIST_SLOTS; i++)
		sum += hist[i];
	return sum;
}

static bool is_tail(const struct lines_of *lines, int octave)
{
	return joined(lines->hist, octave, HIST_SUB) * 100 < lines->total;
}

/* Octaves of the tail up to the last one that is not empty. */
static int tail_at(const struct lines_of *lines, int first)
{
	int end = first + HIST_SUB;

	if (!lines->join_tail || !joined(lines->hist, first, HIST_SUB))
		return HIST_SUB;
	for (int i = end; i < HIST_SLOTS && is_tail(lines, i); i += HIST_SUB)
		if (joined(lines->hist, i, HIST_SUB))
			end = i + HIST_SUB;
	return end - first;
}

/* Of the line that begins there. */
static int buckets_at(const struct lines_of *lines, int first)
{
	if (lines->body <= HIST_SUB && is_tail(lines, first - first % HIST_SUB))
		return tail_at(lines, first);
	return lines->body;
}

static int count_lines(const struct lines_of *lines, __u64 *max)
{
	int nr = 0;

	*max = 1;
	for (int i = 0, buckets; i < HIST_SLOTS; i += buckets) {
		__u64 n;

		buckets = buckets_at(lines, i);
		n = joined(lines->hist, i, buckets);
		nr += n != 0;
		if (n > *max)
			*max = n;
	}
	return nr;
}

/* As fine as there is room for. */
static void choose_lines(struct lines_of *lines, int rows, __u64 *max)
{
	while (count_lines(lines, max) > rows && lines->body < 2 * HIST_SLOTS) {
		if (lines->body < HIST_SUB / 4 || lines->join_tail)
			lines->body *= 2;
		else
			lines->join_tail = true;
	}
}

static void draw_bar(struct grid *grid, int row, int col, int width, double part)
{
	int len = part * width + 0.5;

	/* A few among many are there, too. */
	if (!len)
		grid__text(grid, row, col, ATTR_NORMAL, ".");
	for (int i = 0; i < len; i++)
		grid__text(grid, row, col + i, ATTR_NORMAL, "#");
}

/* From the first value to the one after the last. */
static void draw_range(struct grid *grid, int row, int col, int first, int buckets, __u64 count)
{
	char lower[8], upper[8] = "", number[8];

	format_number(lower, 5, hist_lower(first), UNIT_NS);
	if (first + buckets < HIST_SLOTS)
		format_number(upper, 5, hist_lower(first + buckets), UNIT_NS);
	format_number(number, 5, count, UNIT_COUNT);
	grid__printf(grid, row, col, ATTR_NORMAL, "%5s ..%6s %6s ", lower, upper, number);
}

#define RANGE_WIDTH	22

int view__draw_histogram(struct grid *grid, int row, int col, int rows, int cols,
			 const struct times *times, const char *title)
{
	int used = 1, width = cols - RANGE_WIDTH > 1 ? cols - RANGE_WIDTH : 1, buckets;
	struct lines_of lines = { .body = 1 };
	__u32 hist[HIST_SLOTS];
	__u64 max, n;

	lines.total = times__unpack(times, hist);
	lines.hist = hist;
	choose_lines(&lines, rows - 1, &max);
	grid__printf(grid, row, col, ATTR_BOLD, "%s: %llu", title, lines.total);
	for (int i = 0; i < HIST_SLOTS && used < rows; i += buckets) {
		buckets = buckets_at(&lines, i);
		n = joined(hist, i, buckets);
		if (!n)
			continue;
		draw_range(grid, row + used, col, i, buckets, n);
		draw_bar(grid, row + used++, col + RANGE_WIDTH, width, (double)n / max);
	}
	return used;
}

int view__draw_histograms(struct grid *grid, int row, int rows, const struct row *of)
{
	int shown[NR_OPERATIONS], nr = 0, across, down, height, used = 0;

	for (int op = 0; op < NR_OPERATIONS; op++)
		if (of->times[operation_timing[op]])
			shown[nr++] = op;
	if (!nr || rows < 3)
		return 0;
	across = grid->cols / BOX_WIDTH > 0 ? grid->cols / BOX_WIDTH : 1;
	if (across > nr)
		across = nr;
	down = (nr + across - 1) / across;
	while (down > 1 && rows / down < 5)
		down--;
	height = rows / down;
	for (int i = 0; i < nr && i < across * down; i++) {
		int width = grid->cols / across - 2, top = row + i / across * height;
		int took = view__draw_histogram(grid, top, i % across * (grid->cols / across),
						height - (down > 1), width,
						of->times[operation_timing[shown[i]]],
						operation__name(shown[i]));

		if (top + took - row > used)
			used = top + took - row;
	}
	return used;
}
