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

struct operation {
	enum metric_id rate, bytes, errors, p50; /* NR_METRICS: there is none */
};

#define OPERATION(X) \
	{ METRIC_##X##_RATE, METRIC_##X##_BYTES, METRIC_##X##_ERRORS, METRIC_##X##_P50 }

static const struct operation operations[NR_SPREADS] = {
	[SPREAD_MAP] = OPERATION(MAP),
	[SPREAD_UNMAP] = OPERATION(UNMAP),
	[SPREAD_INV] = OPERATION(INV),
	[SPREAD_USER_INV] = OPERATION(USER_INV),
	[SPREAD_FAULT] = { METRIC_FAULT_RATE, NR_METRICS, METRIC_FAULT_INVALID,
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
		       const struct trail *trail, enum spread_id id)
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
			   enum spread_id id)
{
	const struct operation *op = &operations[id];
	const struct value *v = of->v;
	int col = NAME_WIDTH;
	bool failed = v[op->errors].known && v[op->errors].count;

	grid__text(grid, row, 0, ATTR_NORMAL, spread__name(id));
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
	for (int id = 0; id < NR_SPREADS && row + 1 + id < end; id++)
		draw_operation(grid, row + 1 + id, of, snap, trail, id);
	return rows;
}

/* ---- histograms ---- */

/* How many buckets are one line, so that all fit: a power of two, from one on. */
static int join(const struct spread *spread, int rows)
{
	__u32 first, last;

	for (int buckets = 1;; buckets *= 2) {
		first = spread->first / buckets;
		last = (spread->first + spread->nr - 1) / buckets;
		if ((int)(last - first) < rows || buckets >= HIST_SLOTS)
			return buckets;
	}
}

static __u64 joined(const struct spread *spread, __u32 line, int buckets)
{
	__u64 sum = 0;

	for (int i = 0; i < buckets; i++) {
		__u32 bucket = line * buckets + i;

		if (bucket >= spread->first && bucket - spread->first < spread->nr)
			sum += spread->counts[bucket - spread->first];
	}
	return sum;
}

static void draw_bar(struct grid *grid, int row, int col, int width, double part)
{
	int len = part * width + 0.5;

	/* A few among many are there, too. */
	if (!len && part > 0)
		grid__text(grid, row, col, ATTR_NORMAL, ".");
	for (int i = 0; i < len; i++)
		grid__text(grid, row, col + i, ATTR_NORMAL, "#");
}

int view__draw_histogram(struct grid *grid, int row, int col, int rows, int cols,
			 const struct spread *spread, const char *title)
{
	int buckets = join(spread, rows - 1), used = 1, width = cols - 15;
	__u32 first = spread->first / buckets, last = (spread->first + spread->nr - 1) / buckets;
	char lower[8], count[8];
	__u64 max = 1;

	for (__u32 line = first; line <= last; line++)
		if (joined(spread, line, buckets) > max)
			max = joined(spread, line, buckets);
	grid__printf(grid, row, col, ATTR_BOLD, "%s: %llu", title, spread__total(spread));
	for (__u32 line = first; line <= last && used < rows; line++, used++) {
		__u64 n = joined(spread, line, buckets);

		format_number(lower, 5, hist_lower(line * buckets), UNIT_NS);
		format_number(count, 5, n, UNIT_COUNT);
		grid__printf(grid, row + used, col, ATTR_NORMAL, "%5s.. %5s ", lower, count);
		draw_bar(grid, row + used, col + 13, width > 1 ? width : 1, (double)n / max);
	}
	return used;
}

int view__draw_histograms(struct grid *grid, int row, int rows, const struct row *of)
{
	int shown[NR_SPREADS], nr = 0, across, down, height, used = 0;

	for (int id = 0; id < NR_SPREADS; id++)
		if (of->spread[id].nr)
			shown[nr++] = id;
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
						height - (down > 1), width, &of->spread[shown[i]],
						spread__name(shown[i]));

		if (top + took - row > used)
			used = top + took - row;
	}
	return used;
}
