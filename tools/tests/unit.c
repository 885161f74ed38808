// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the tools do without a kernel: histograms, counters, intervals, numbers. */
#include "harness.h"
#include "format.h"
#include "lines.h"
#include "model.h"
#include "quantile.h"
#include "view.h"

/* ---- histogram ---- */

/* The definition, not the way it is computed. */
static __u32 slow_index(__u64 v)
{
	__u32 i = 0;

	while (i + 1 < HIST_SLOTS && hist_lower(i + 1) <= v)
		i++;
	return i;
}

static __u64 random_u64(void)
{
	static __u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* All magnitudes are equally likely. */
static __u64 random_ns(void)
{
	__u64 v = random_u64();

	return v >> (random_u64() % 64);
}

TEST(hist_bounds, "buckets are adjoining, ascending and at most 6.25 % wide")
{
	ASSERT_EQ(0, hist_lower(0));
	for (__u32 i = 0; i < HIST_SLOTS; i++) {
		__u64 width = hist_upper(i) - hist_lower(i) + 1;

		ASSERT_LE(hist_lower(i), hist_upper(i));
		ASSERT_EQ(hist_upper(i) + 1, hist_lower(i + 1));
		if (i >= HIST_SUB)
			ASSERT_LE(width * 16, hist_lower(i));
		else
			ASSERT_EQ(1, width);
	}
	ASSERT_EQ(496, HIST_SLOTS);
	ASSERT_EQ(1ULL << 34, hist_upper(HIST_SLOTS - 1) + 1);
}

TEST(hist_edges, "each bound of a bucket falls into it")
{
	for (__u32 i = 0; i < HIST_SLOTS; i++) {
		ASSERT_EQ(i, hist_index(hist_lower(i)));
		ASSERT_EQ(i, hist_index(hist_upper(i)));
	}
	ASSERT_EQ(HIST_SLOTS - 1, hist_index(1ULL << 34));
	ASSERT_EQ(HIST_SLOTS - 1, hist_index(~0ULL));
}

TEST(hist_oracle, "300000 random values fall into the bucket of the definition")
{
	for (int i = 0; i < 300000; i++) {
		__u64 v = random_ns();

		ASSERT_EQ(slow_index(v), hist_index(v));
	}
}

static int compare_u64(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return (x > y) - (x < y);
}

TEST(hist_quantiles, "percentiles are within 3.125 % of the exact ones")
{
	static const double qs[] = { 0, 0.01, 0.5, 0.9, 0.99, 0.999, 1 };

	for (int round = 0; round < 200; round++) {
		__u32 hist[HIST_SLOTS] = { 0 };
		int n = 1 + random_u64() % 3000;
		__u64 values[3000], value;

		for (int i = 0; i < n; i++) {
			values[i] = random_ns() & ((1ULL << 34) - 1);
			hist[hist_index(values[i])]++;
		}
		qsort(values, n, sizeof(values[0]), compare_u64);
		ASSERT_EQ(n, hist__total(hist));
		for (size_t i = 0; i < sizeof(qs) / sizeof(qs[0]); i++) {
			int rank = (int)(qs[i] * n) + (qs[i] * n > (int)(qs[i] * n));
			double exact = values[rank ? rank - 1 : 0], error;

			ASSERT_TRUE(hist__quantile(hist, qs[i], &value));
			error = (double)value - exact;
			if (error < 0)
				error = -error;
			ASSERT_TRUE(error * 100 <= exact * HIST_ERROR_PERCENT + 0.5);
		}
		ASSERT_TRUE(hist__max(hist, values[n - 1], &value));
		ASSERT_EQ(values[n - 1], value);
	}
}

TEST(hist_empty, "an empty histogram has no percentile and no maximum")
{
	__u32 hist[HIST_SLOTS] = { 0 };
	__u64 value;

	ASSERT_FALSE(hist__quantile(hist, 0.5, &value));
	ASSERT_FALSE(hist__max(hist, 5, &value));
}

TEST(hist_interval_max, "the maximum of an interval is not that of an earlier one")
{
	__u32 hist[HIST_SLOTS] = { 0 };
	__u64 value;

	hist[hist_index(1000)] = 1;
	ASSERT_TRUE(hist__max(hist, 1 << 20, &value));
	ASSERT_EQ(hist_upper(hist_index(1000)), value);
	hist[HIST_SLOTS - 1] = 1;
	ASSERT_TRUE(hist__max(hist, 1ULL << 40, &value));
	ASSERT_EQ(1ULL << 40, value);
}

/* ---- counters ---- */

static const char one_ctx[] =
	"ioasid-abi:\t1\nioasid-instance:\t77\nioasid-ctx:\t5\nioasid-door:\tvfio\n"
	"ioasid-pid:\t812\nioasid-comm:\tqemu\\x1b[2J\nioasid-cgroup:\t9\nioasid-devices:\t2\n"
	"ioasid-kind-3:\tkernel\nioasid-attached-3:\t0000:00:10.0 0000:00:11.0\n"
	"ioasid-mapped-3:\t4096 B\nioasid-maps-3:\t10\nioasid-map-errors-3:\t1\n"
	"ioasid-unmaps-3:\t9\nioasid-maps-12:\t2\n";

TEST(counters_parse, "contexts and spaces are read from the driver's text")
{
	struct counter_set set = { 0 };
	char *text;

	ASSERT_TRUE(asprintf(&text, "\n\n%s\nioasid-abi:\t1\nioasid-ctx:\t6\n\n\n", one_ctx) > 0);
	ASSERT_EQ(0, counters__add_text(&set, text));
	ASSERT_EQ(2, set.nr_ctxs);
	ASSERT_EQ(0, set.bad_lines);
	ASSERT_EQ(77, set.ctxs[0].instance);
	ASSERT_EQ(812, set.ctxs[0].pid);
	ASSERT_STREQ("vfio", set.ctxs[0].door);
	ASSERT_EQ(2, set.ctxs[0].nr_spaces);
	ASSERT_EQ(3, set.ctxs[0].spaces[0].ioasid);
	ASSERT_EQ(4096, set.ctxs[0].spaces[0].mapped);
	ASSERT_EQ(10, set.ctxs[0].spaces[0].maps);
	ASSERT_EQ(1, set.ctxs[0].spaces[0].map_errors);
	ASSERT_EQ(12, set.ctxs[0].spaces[1].ioasid);
	ASSERT_EQ(2, set.ctxs[0].spaces[1].maps);
	ASSERT_EQ(6, set.ctxs[1].ctx);
	ASSERT_EQ(0, set.ctxs[1].nr_spaces);
	counters__clear(&set);
}

TEST(counters_duplicates, "a context seen through two descriptors counts once")
{
	struct counter_set set = { 0 };

	ASSERT_EQ(0, counters__add_text(&set, strdup(one_ctx)));
	ASSERT_EQ(0, counters__add_text(&set, strdup(one_ctx)));
	ASSERT_EQ(1, set.nr_ctxs);
	counters__clear(&set);
}

TEST(counters_foreign, "unknown keys are ignored, broken lines are counted")
{
	struct counter_set set = { 0 };

	ASSERT_EQ(0, counters__add_text(&set, strdup("pos:\t0\nflags:\t02\nmnt_id:\t15\n")));
	ASSERT_EQ(0, set.nr_ctxs);
	ASSERT_EQ(0, counters__add_text(&set, strdup("ioasid-abi:\t1\nioasid-ctx:\t-4\nno colon\n"
						     "ioasid-maps-1:\t99999999999999999999\n"
						     "ioasid-new-thing:\tx\n"
						     "ioasid-new-thing-4:\ty\n")));
	ASSERT_EQ(3, set.bad_lines);
	counters__clear(&set);
}

TEST(counters_garbage, "20000 mangled texts neither crash nor hang the parser")
{
	for (int i = 0; i < 20000; i++) {
		struct counter_set set = { 0 };
		char *text = strdup(one_ctx);
		int changes = random_u64() % 8;

		while (changes--)
			text[random_u64() % (sizeof(one_ctx) - 1)] = random_u64();
		ASSERT_EQ(0, counters__add_text(&set, text));
		counters__clear(&set);
	}
}

/* ---- names ---- */

TEST(names, "what a terminal would obey is neutralised")
{
	char out[COMM_LEN], raw[16];

	neutralise(out, sizeof(out), "a\033[31m\n\xc3\xa4z", 16);
	ASSERT_STREQ("a\\x1B[31m\\x0A\\xC3\\xA4z", out);
	memset(raw, 1, sizeof(raw));
	neutralise(out, sizeof(out), raw, sizeof(raw));
	ASSERT_EQ(64, strlen(out));
	neutralise(out, 6, "abcdefgh", 8);
	ASSERT_TRUE(strlen(out) < 6);
}

/* ---- numbers ---- */

static const char *formatted(int width, double number, enum unit unit)
{
	static char out[32];

	format_number(out, width, number, unit);
	return out;
}

TEST(numbers, "numbers are as precise as the column is wide")
{
	ASSERT_STREQ("0", formatted(4, 0, UNIT_COUNT));
	ASSERT_STREQ("9999", formatted(4, 9999, UNIT_COUNT));
	ASSERT_STREQ("10k", formatted(4, 10000, UNIT_COUNT));
	ASSERT_STREQ("1.2M", formatted(4, 1234567, UNIT_COUNT));
	ASSERT_STREQ("1234567", formatted(7, 1234567, UNIT_COUNT));
	ASSERT_STREQ("4.0K", formatted(4, 4096, UNIT_BYTES));
	ASSERT_STREQ("128M", formatted(4, 128 << 20, UNIT_BYTES));
	ASSERT_STREQ("1.0G", formatted(4, (1 << 30) - 1, UNIT_BYTES));
	ASSERT_STREQ("100", formatted(4, 100, UNIT_BYTES));
	ASSERT_STREQ("812n", formatted(4, 812, UNIT_NS));
	ASSERT_STREQ("1.2u", formatted(4, 1234, UNIT_NS));
	ASSERT_STREQ("12u", formatted(4, 12345, UNIT_NS));
	ASSERT_STREQ("1.0s", formatted(4, 999999999, UNIT_NS));
	ASSERT_STREQ("0.50", formatted(4, 0.5, UNIT_RATE));
}

TEST(numbers_fit, "no number is wider than its column")
{
	for (int i = 0; i < 200000; i++) {
		enum unit unit = random_u64() % (UNIT_RATE + 1);
		double number = unit == UNIT_RATE ? random_ns() / 16.0 : random_ns();
		int width = 4 + random_u64() % 4;

		if (unit == UNIT_NS)	/* up to 9 minutes */
			number = random_ns() >> 25;
		if ((int)strlen(formatted(width, number, unit)) > width ||
		    strchr(formatted(width, number, unit), '#'))
			FAIL("%.17g of unit %d in %d characters", number, unit, width);
	}
}

/* ---- intervals ---- */

struct step {
	__u64 ts_ns;
	const char *counters;
	const struct sample_set *samples;
};

static struct snapshot *step(struct model *model, const struct step *in)
{
	struct counter_set set = { .complete = true };
	struct reading reading = {
		.ts_ns = in->ts_ns, .counters = &set, .source = COUNTERS_FILE,
		.samples = in->samples,
	};
	struct snapshot *snap;

	ASSERT_EQ(0, counters__add_text(&set, strdup(in->counters)));
	ASSERT_EQ(0, model__step(model, &reading, &snap));
	counters__clear(&set);
	return snap;
}

#define CTX(instance, rest) \
	"ioasid-abi:\t1\nioasid-instance:\t" instance "\nioasid-ctx:\t1\n" rest

TEST(interval_rates, "rates are differences over the real time that passed")
{
	struct model *model = model__new();
	struct snapshot *snap;

	snap = step(model, &(struct step){ 1000, CTX("7", "ioasid-maps-1:\t100\n"), NULL });
	ASSERT_TRUE(!snap);
	snap = step(model, &(struct step){ 500001000, CTX("7", "ioasid-maps-1:\t150\n"), NULL });
	ASSERT_EQ(1, snap->nr_rows);
	ASSERT_EQ(50, snap->rows[0].v[METRIC_MAP_COUNT].count);
	ASSERT_EQ(100, snap->rows[0].v[METRIC_MAP_RATE].rate);
	ASSERT_EQ(150, snap->rows[0].v[METRIC_MAPS_TOTAL].count);
	ASSERT_FALSE(snap->rows[0].v[METRIC_MAP_P50].known);
	snapshot__free(snap);
	model__free(model);
}

TEST(interval_reload, "a driver loaded anew makes no negative rates")
{
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, CTX("7", "ioasid-maps-1:\t100\n"), NULL });
	snap = step(model, &(struct step){ 1000, CTX("8", "ioasid-maps-1:\t30\n"), NULL });
	ASSERT_EQ(30, snap->rows[0].v[METRIC_MAP_COUNT].count);
	ASSERT_EQ(8, snap->instance);
	snapshot__free(snap);
	snap = step(model, &(struct step){ 2000, "", NULL });
	ASSERT_EQ(0, snap->nr_rows);
	snapshot__free(snap);
	/* The same instance, a space of the same number made anew. */
	snap = step(model, &(struct step){ 3000, CTX("8", "ioasid-maps-1:\t5\n"), NULL });
	ASSERT_EQ(5, snap->rows[0].v[METRIC_MAP_COUNT].count);
	snapshot__free(snap);
	model__free(model);
}

static void sample_op(struct stat_sample *sample, __u32 ioasid, enum ioasid_op op, __u64 count,
		      __u64 ns)
{
	sample->key = (struct ioasid_stat_key){ .ctx = 1, .ioasid = ioasid, .op = op };
	sample->sum.count += count;
	sample->sum.sum_ns += count * ns;
	sample->sum.hist[hist_index(ns)] += count;
	if (ns > sample->sum.max_ns)
		sample->sum.max_ns = ns;
	sample->sum.tgid = 42;
	memcpy(sample->sum.comm, "worker", 7);
}

static void sample(struct stat_sample *one, __u32 ioasid, __u64 count, __u64 ns)
{
	sample_op(one, ioasid, IOASID_OP_MAP, count, ns);
}

TEST(interval_bpf, "a space that came and went in one interval is counted")
{
	struct stat_sample samples[2] = { 0 };
	struct sample_set set = { .samples = samples, .lost.known = true };
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, "", &set });
	sample(&samples[0], 9, 4, 1000);
	set.nr = 1;
	snap = step(model, &(struct step){ 1000, "", &set });
	ASSERT_EQ(1, snap->nr_rows);
	ASSERT_EQ(ROW_GONE, snap->rows[0].state);
	ASSERT_EQ(4, snap->rows[0].v[METRIC_MAP_COUNT].count);
	ASSERT_EQ(42, snap->rows[0].v[METRIC_PID].count);
	ASSERT_STREQ("worker", snap->rows[0].comm);
	ASSERT_TRUE(snap->rows[0].v[METRIC_MAP_P99].known);
	ASSERT_EQ(4, snap->total.v[METRIC_MAP_COUNT].count);
	snapshot__free(snap);
	/* Nothing more happens: it is shown no longer. */
	snap = step(model, &(struct step){ 2000, "", &set });
	ASSERT_EQ(0, snap->nr_rows);
	ASSERT_EQ(0, snap->total.v[METRIC_MAP_COUNT].count);
	snapshot__free(snap);
	model__free(model);
}

TEST(interval_wrap, "buckets that wrap at 2^32 are subtracted exactly")
{
	struct stat_sample one = { 0 };
	struct sample_set set = { .samples = &one, .nr = 1, .lost.known = true };
	struct model *model = model__new();
	struct snapshot *snap;

	sample(&one, 1, 1, 500);
	one.sum.hist[hist_index(500)] = 0xfffffffe;
	step(model, &(struct step){ 0, CTX("7", "ioasid-maps-1:\t1\n"), &set });
	sample(&one, 1, 5, 500);
	snap = step(model, &(struct step){ 1000, CTX("7", "ioasid-maps-1:\t6\n"), &set });
	ASSERT_EQ(5, snap->rows[0].v[METRIC_MAP_SAMPLES].count);
	ASSERT_EQ(5, snap->rows[0].v[METRIC_MAP_COUNT].count);
	ASSERT_EQ(500, snap->rows[0].v[METRIC_MAP_MEAN].count);
	snapshot__free(snap);
	model__free(model);
}

TEST(interval_other, "what BPF cannot attribute is counted once, if the driver has it or not")
{
	struct stat_sample one = { .other = true };
	struct sample_set set = { .samples = &one, .nr = 1, .lost.known = true };
	struct model *model = model__new();
	struct snapshot *snap;
	__u64 sum = 0;

	step(model, &(struct step){ 0, "", &set });
	/* 8 so far, of which 5 had been counted when the driver was asked. */
	sample(&one, 0, 8, 500);
	snap = step(model, &(struct step){ 1000, CTX("7", "ioasid-maps-1:\t5\n"), &set });
	sum += snap->total.v[METRIC_MAP_COUNT].count;
	snapshot__free(snap);
	/* 2 more in a space that was never seen. */
	sample(&one, 0, 2, 500);
	snap = step(model, &(struct step){ 2000, CTX("7", "ioasid-maps-1:\t8\n"), &set });
	sum += snap->total.v[METRIC_MAP_COUNT].count;
	snapshot__free(snap);
	ASSERT_EQ(8, sum);
	for (int i = 3; i < 6; i++) {
		snap = step(model, &(struct step){
			i * 1000, CTX("7", "ioasid-maps-1:\t8\n"), &set });
		sum += snap->total.v[METRIC_MAP_COUNT].count;
		snapshot__free(snap);
		ASSERT_EQ(10, sum);
	}
	model__free(model);
}

TEST(interval_lost, "what the driver counted and BPF missed is reported, once it is certain")
{
	struct stat_sample one = { 0 };
	struct sample_set set = { .samples = &one, .nr = 1, .lost.known = true };
	struct model *model = model__new();
	struct snapshot *snap;

	/* 100 before we came. */
	step(model, &(struct step){ 0, CTX("7", "ioasid-maps-1:\t100\n"), &set });
	sample(&one, 1, 10, 500);
	snap = step(model, &(struct step){ 1000, CTX("7", "ioasid-maps-1:\t113\n"), &set });
	ASSERT_EQ(0, snap->rows[0].v[METRIC_LOST].count);
	snapshot__free(snap);
	/* One of the three was only late. */
	sample(&one, 1, 1, 500);
	snap = step(model, &(struct step){ 2000, CTX("7", "ioasid-maps-1:\t113\n"), &set });
	ASSERT_EQ(0, snap->rows[0].v[METRIC_LOST].count);
	snapshot__free(snap);
	snap = step(model, &(struct step){ 3000, CTX("7", "ioasid-maps-1:\t113\n"), &set });
	ASSERT_EQ(0, snap->rows[0].v[METRIC_LOST].count);
	snapshot__free(snap);
	snap = step(model, &(struct step){ 4000, CTX("7", "ioasid-maps-1:\t113\n"), &set });
	ASSERT_EQ(2, snap->rows[0].v[METRIC_LOST].count);
	snapshot__free(snap);
	/* And another one was very late. */
	sample(&one, 1, 1, 500);
	snap = step(model, &(struct step){ 5000, CTX("7", "ioasid-maps-1:\t113\n"), &set });
	ASSERT_EQ(1, snap->rows[0].v[METRIC_LOST].count);
	snapshot__free(snap);
	model__free(model);
}

/* ---- screen ---- */

static const char *line_of(const struct view *view, const struct snapshot *snap, int rows,
			   int cols, int row)
{
	static char line[256];
	struct grid grid;

	ASSERT_EQ(0, grid__init(&grid, rows, cols));
	view__screen(view, snap, &grid);
	grid__line(&grid, row, line);
	grid__free(&grid);
	return line;
}

static const char qemu_ctx[] = CTX("77",
	"ioasid-comm:\tqemu-system-x86\nioasid-pid:\t123456\n"
	"ioasid-attached-3:\t0000:00:10.0\nioasid-mappings-3:\t7\n"
	"ioasid-mapped-3:\t28672 B\nioasid-pinned-3:\t24576 B\n"
	"ioasid-maps-3:\t2000\n");

TEST(screen_latencies, "a screen of 80 columns has all of them, latencies included")
{
	struct view view = { .interval = 1, .kernel = "6.12.107+deb13-amd64" };
	struct stat_sample one = { 0 };
	struct sample_set set = { .samples = &one, .nr = 1, .lost.known = true };
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, "", &set });
	sample(&one, 3, 1000, 1024);
	snapshot__free(step(model, &(struct step){ 1000000000, one_ctx, &set }));
	sample(&one, 3, 990, 1024);
	sample(&one, 3, 10, 33000);
	snap = step(model, &(struct step){ 2000000000, qemu_ctx, &set });
	ASSERT_STREQ("ioasidtop 0.1.0  6.12.107+deb13-amd64  bpf raw_tp+file  every 1s          lost 0",
		     line_of(&view, snap, 24, 80, 0));
	ASSERT_STREQ("                          -- mappings -- ---- map ----- --- unmap ----  err",
		     line_of(&view, snap, 24, 80, 3));
	ASSERT_STREQ("   PID COMM    CTX ID DEV MAPS SIZE  PIN   /s  p50  p99   /s  p50  p99   /s LOST",
		     line_of(&view, snap, 24, 80, 4));
	ASSERT_STREQ("123456 qemu-sy   1  3   1    7  28K  24K 1000 1.1u 1.1u    0    -    -    0    0",
		     line_of(&view, snap, 24, 80, 5));
	view.frozen = true;
	ASSERT_TRUE(!!strstr(line_of(&view, snap, 24, 80, 0), "  FROZEN  "));
	snapshot__free(snap);
	model__free(model);
}

static const char nested_ctx[] = CTX("77",
	"ioasid-comm:\tqemu-system-x86\nioasid-pid:\t123456\nioasid-door:\tdev\n"
	"ioasid-kind-1:\tkernel\nioasid-attached-1:\t\n"
	"ioasid-kind-2:\tuser\nioasid-parent-2:\t1\nioasid-format-2:\t1\n"
	"ioasid-attached-2:\t0000:00:10.0/5\n"
	"ioasid-user-invalidations-2:\t2000\nioasid-user-invalidation-errors-2:\t7\n");

TEST(screen_tree, "a tree of 80 columns has kind, devices and the latency of invalidations")
{
	struct view view = { .interval = 1, .kernel = "x", .id = VIEW_TREE };
	struct stat_sample one = { 0 };
	struct sample_set set = { .samples = &one, .nr = 1, .lost.known = true };
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, CTX("77", "ioasid-kind-2:\tuser\n"), &set });
	sample_op(&one, 2, IOASID_OP_USER_INV, 1960, 1024);
	sample_op(&one, 2, IOASID_OP_USER_INV, 40, 33000);
	one.sum.errors = 7;
	snap = step(model, &(struct step){ 1000000000, nested_ctx, &set });
	ASSERT_STREQ("SPACE   KIND        MAPS SIZE  PIN   /s    /s   /s  p50  p99   /s DEVICES",
		     line_of(&view, snap, 24, 80, 4));
	ASSERT_STREQ("context 1  dev  qemu-system-x86  pid 123456",
		     line_of(&view, snap, 24, 80, 5));
	ASSERT_STREQ("`- 1    kernel         0    0    0    0     0    0    -    -    0 -",
		     line_of(&view, snap, 24, 80, 6));
	ASSERT_STREQ("   `- 2 user x86-4     0    0    0    0     0 2000 1.1u  33u 7.00 0000:00:10.0/5",
		     line_of(&view, snap, 24, 80, 7));
	ASSERT_EQ(1, snap->rows[1].v[METRIC_PARENT].count);
	ASSERT_FALSE(snap->rows[0].v[METRIC_PARENT].known);
	snapshot__free(snap);
	model__free(model);
}

/* Any parents, as no driver has them: gone ones, circles, deep ones. */
static void random_rows(struct snapshot *snap, size_t nr)
{
	memset(snap->rows, 0, nr * sizeof(*snap->rows));
	snap->nr_rows = nr;
	for (size_t i = 0; i < nr; i++) {
		struct row *row = &snap->rows[(i * 7) % nr];

		row->ctx = 1 + i / 20;
		row->ioasid = 1 + i % 20;
		row->v[METRIC_PARENT].known = random_u64() % 4;
		row->v[METRIC_PARENT].count = random_u64() % 24;
	}
}

TEST(lines_random, "in 3000 random forests each row is there once, below its parent or a heading")
{
	struct view view = { .id = VIEW_TREE };
	struct row rows[60];
	struct snapshot snap = { .rows = rows };

	for (int round = 0; round < 3000; round++) {
		unsigned int seen[60] = { 0 }, headings = 0;
		struct lines lines;

		random_rows(&snap, 1 + random_u64() % 60);
		if (snap.nr_rows % 7 == 0)	/* rows would be put upon each other */
			continue;
		ASSERT_EQ(0, lines__make(&lines, &view, &snap));
		for (size_t i = 0; i < lines.nr; i++) {
			ASSERT_EQ(i == 0 || lines.at[i].row->ctx != lines.at[i - 1].row->ctx,
				  lines.at[i].heading);
			headings += lines.at[i].heading;
			if (!lines.at[i].heading)
				seen[lines.at[i].row - rows]++;
		}
		for (size_t i = 0; i < snap.nr_rows; i++)
			ASSERT_EQ(1, seen[i]);
		ASSERT_EQ(snap.nr_rows, lines.matching);
		ASSERT_EQ(snap.nr_rows + headings, lines.nr);
		lines__free(&lines);
	}
}

TEST(lines_without_space, "in a tree, contexts are headings, and what has none is a line")
{
	struct view view = { .id = VIEW_TREE, .interval = 1, .kernel = "x" };
	struct row rows[] = {
		{ .state = ROW_GONE, .ctx = 4, .comm = "gone" },
		{ .state = ROW_OTHER, .comm = "(other)" },
		{ .state = ROW_CTX, .ctx = 3, .comm = "idle", .door = "dev" },
		{ .state = ROW_GONE, .ctx = 4, .ioasid = 9, .comm = "gone" },
	};
	struct snapshot snap = { .rows = rows, .nr_rows = 4 };

	ASSERT_STREQ("context 4  -  gone", line_of(&view, &snap, 24, 80, 5));
	ASSERT_TRUE(!strncmp(line_of(&view, &snap, 24, 80, 6), "`- 9 ", 5));
	ASSERT_TRUE(!strncmp(line_of(&view, &snap, 24, 80, 7), "(other) ", 8));
	ASSERT_STREQ("context 3  dev  idle", line_of(&view, &snap, 24, 80, 8));
}

TEST(screen_sizes, "screens of all sizes are drawn inside themselves")
{
	struct view view = { .interval = 1, .kernel = "x", .notice = "something is missing here" };

	for (int rows = 1; rows < 30; rows++)
		for (int cols = 1; cols < 200; cols += 7) {
			struct grid grid;

			ASSERT_EQ(0, grid__init(&grid, rows, cols));
			view__screen(&view, NULL, &grid);
			view.help = !view.help;
			view.id = (rows + cols) % NR_VIEWS;
			view__screen(&view, NULL, &grid);
			grid__free(&grid);
		}
}

HARNESS_MAIN
