// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sums over snapshots, and what is written of them for Prometheus. */
#include "harness.h"
#include "openmetrics.h"
#include "snapshot_util.h"

/* The caller frees it. */
static char *text_of(const struct snapshot *snap, const struct openmetrics_options *options)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ASSERT_TRUE(out);
	ASSERT_EQ(0, openmetrics__write(out, snap, options));
	fclose(out);
	return text;
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (!strncmp(text, line, len) && text[len] == '\n')
			return true;
	return false;
}

#define ASSERT_LINE(text, line)                    \
	do {                                       \
		if (!has_line(text, line))         \
			diag("%s", text);          \
		ASSERT_TRUE(has_line(text, line)); \
	} while (0)

static int count_lines(const char *text, const char *start)
{
	int n = 0;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		n += !strncmp(text, start, strlen(start));
	return n;
}

/* One space with three maps, of which two are timed, and a context. */
static struct snapshot *simple(void)
{
	struct snapshot *snap = new_snapshot(2);
	struct row *row = set_space(snap, 0, 3, 1);

	snap->nr_ctxs = 1;
	snap->nr_spaces = 1;
	snap->bpf = true;
	snap->lost = (struct lost){ .known = true, .missed = 5 };
	set_value(row, METRIC_PID, 42);
	strcpy(row->comm, "a\\x0A\"b");
	set_value(row, METRIC_MAPPED, 8192);
	set_value(row, METRIC_MAP_COUNT, 3);
	set_value(row, METRIC_MAP_BYTES, 12288);
	set_value(row, METRIC_MAP_RATE, 3);
	add_timed(row, TIMING_MAP, 255, 1);
	add_timed(row, TIMING_MAP, 256, 1);
	set_space(snap, 1, 3, 0);
	set_value(&snap->total, METRIC_MAPPED, 8192);
	return snap;
}

static const char golden_head[] =
	"# TYPE ioasid_tool info\n"
	"# HELP ioasid_tool what these numbers come from\n"
	"ioasid_tool_info{version=\"0.1.0\",kernel=\"6.12\\\"\",mode=\"raw_tp\",source=\"debugfs\"} 1\n"
	"# TYPE ioasid_contexts gauge\n"
	"# HELP ioasid_contexts open contexts\n"
	"ioasid_contexts 1\n"
	"# TYPE ioasid_spaces gauge\n"
	"# HELP ioasid_spaces address spaces in them\n"
	"ioasid_spaces 1\n"
	"# TYPE ioasid_complete gauge\n"
	"# HELP ioasid_complete 1 when the counters of all contexts could be read\n"
	"ioasid_complete 1\n"
	"# TYPE ioasid_readings counter\n"
	"# HELP ioasid_readings intervals that were read\n"
	"ioasid_readings_total 1\n"
	"# TYPE ioasid_lost_operations counter\n"
	"# HELP ioasid_lost_operations operations without a record: skipped by the kernel, without room for their space, or late\n"
	"ioasid_lost_operations_total{reason=\"missed\"} 5\n"
	"ioasid_lost_operations_total{reason=\"unattributed\"} 0\n"
	"ioasid_lost_operations_total{reason=\"late\"} 0\n"
	"# TYPE ioasid_mapped_bytes gauge\n"
	"# UNIT ioasid_mapped_bytes bytes\n"
	"# HELP ioasid_mapped_bytes bytes covered by live mappings\n"
	"ioasid_mapped_bytes 8192\n"
	"# TYPE ioasid_maps counter\n"
	"# HELP ioasid_maps successful map operations\n"
	"ioasid_maps_total 3\n"
	"# TYPE ioasid_map_bytes counter\n"
	"# UNIT ioasid_map_bytes bytes\n"
	"# HELP ioasid_map_bytes bytes covered by map operations\n"
	"ioasid_map_bytes_total 12288\n"
	"# TYPE ioasid_map_latency_seconds histogram\n"
	"# UNIT ioasid_map_latency_seconds seconds\n"
	"# HELP ioasid_map_latency_seconds successful map operations\n"
	"ioasid_map_latency_seconds_bucket{le=\"2.56e-07\"} 1\n"
	"ioasid_map_latency_seconds_bucket{le=\"5.12e-07\"} 2\n"
	"ioasid_map_latency_seconds_bucket{le=\"1.024e-06\"} 2\n";

static const char golden_tail[] = "ioasid_map_latency_seconds_bucket{le=\"8.589934592\"} 2\n"
				  "ioasid_map_latency_seconds_bucket{le=\"16.642998272\"} 2\n"
				  "ioasid_map_latency_seconds_bucket{le=\"+Inf\"} 2\n"
				  "ioasid_map_latency_seconds_sum 0.000000511\n"
				  "ioasid_map_latency_seconds_count 2\n"
				  "# EOF\n";

TEST(text, "the whole text of one space, to the letter")
{
	struct totals *totals = totals__new(10);
	struct openmetrics_options options = { .totals = totals, .kernel = "6.12\"" };
	struct snapshot *snap = simple();
	char *text;

	ASSERT_EQ(0, totals__add(totals, snap));
	text = text_of(snap, &options);
	if (strncmp(text, golden_head, strlen(golden_head)))
		diag("%s", text);
	ASSERT_FALSE(strncmp(text, golden_head, strlen(golden_head)));
	ASSERT_LE(strlen(golden_tail), strlen(text));
	ASSERT_STREQ(golden_tail, text + strlen(text) - strlen(golden_tail));
	ASSERT_EQ(28, count_lines(text, "ioasid_map_latency_seconds_bucket{"));
	free(text);
	snapshot__free(snap);
	totals__free(totals);
}

TEST(old_text, "in 0.0.4 a counter is called as its sample, and there is no unit")
{
	struct totals *totals = totals__new(10);
	struct openmetrics_options options = { .totals = totals, .prometheus = true };
	struct snapshot *snap = simple();
	char *text;

	ASSERT_EQ(0, totals__add(totals, snap));
	text = text_of(snap, &options);
	ASSERT_LINE(text, "# TYPE ioasid_maps_total counter");
	ASSERT_LINE(text, "# TYPE ioasid_map_bytes_total counter");
	ASSERT_LINE(text, "# HELP ioasid_maps_total successful map operations");
	ASSERT_LINE(text, "# TYPE ioasid_tool_info gauge");
	ASSERT_LINE(text, "ioasid_maps_total 3");
	ASSERT_EQ(0, count_lines(text, "# UNIT"));
	ASSERT_EQ(0, count_lines(text, "# EOF"));
	free(text);
	snapshot__free(snap);
	totals__free(totals);
}

#define LABELS "{ctx=\"3\",ioasid=\"1\",pid=\"42\",comm=\"a\\\\x0A\\\"b\"}"

TEST(spaces, "by space there are labels, escaped, and a row for the rest")
{
	struct totals *totals = totals__new(1);
	struct openmetrics_options options = { .totals = totals, .spaces = true };
	struct snapshot *snap = simple();
	char *text;

	set_value(&snap->rows[1], METRIC_MAPPED, 5);
	set_value(&snap->rows[1], METRIC_MAP_COUNT, 4);
	ASSERT_EQ(0, totals__add(totals, snap));
	text = text_of(snap, &options);
	ASSERT_LINE(text, "ioasid_maps_total" LABELS " 3");
	ASSERT_LINE(text, "ioasid_maps_total{ctx=\"other\"} 4");
	ASSERT_LINE(text, "ioasid_mapped_bytes" LABELS " 8192");
	ASSERT_LINE(text, "ioasid_mapped_bytes{ctx=\"other\"} 5");
	ASSERT_LINE(text, "ioasid_map_latency_seconds_count 2");
	free(text);
	options.space_histograms = true;
	text = text_of(snap, &options);
	ASSERT_EQ(0, count_lines(text, "ioasid_map_latency_seconds_count "));
	ASSERT_LINE(text, "ioasid_map_latency_seconds_count" LABELS " 2");
	ASSERT_EQ(28, count_lines(text, "ioasid_map_latency_seconds_bucket{ctx=\"3\""));
	free(text);
	snapshot__free(snap);
	totals__free(totals);
}

TEST(unknown, "what is not known has no sample; without BPF there are no times")
{
	struct totals *totals = totals__new(1);
	struct openmetrics_options options = { .totals = totals };
	struct snapshot *snap = new_snapshot(1);
	char *text;

	set_space(snap, 0, 1, 1);
	ASSERT_EQ(0, totals__add(totals, snap));
	text = text_of(snap, &options);
	ASSERT_EQ(0, count_lines(text, "ioasid_maps"));
	ASSERT_EQ(0, count_lines(text, "ioasid_mapped"));
	ASSERT_EQ(0, count_lines(text, "ioasid_lost"));
	ASSERT_EQ(0, count_lines(text, "ioasid_map_latency"));
	free(text);
	snapshot__free(snap);
	totals__free(totals);
}

TEST(write_error, "a stream that takes nothing is an error")
{
	struct totals *totals = totals__new(1);
	struct openmetrics_options options = { .totals = totals };
	struct snapshot *snap = simple();
	FILE *full = fopen("/dev/full", "w");

	ASSERT_TRUE(full);
	ASSERT_EQ(0, totals__add(totals, snap));
	ASSERT_EQ(-EIO, openmetrics__write(full, snap, &options));
	fclose(full);
	snapshot__free(snap);
	totals__free(totals);
}

TEST(parts, "bounds are ends of buckets: every value is on the right side of each")
{
	for (int part = 0; part < TOTALS_BOUNDS; part++) {
		__u64 bound = totals__bound(part);

		ASSERT_EQ(bound, hist_lower(hist_index(bound)));
		ASSERT_EQ(bound - 1, hist_upper(hist_index(bound - 1)));
		if (part)
			ASSERT_LT(totals__bound(part - 1), bound);
	}
	ASSERT_EQ(256, totals__bound(0));
	ASSERT_EQ(HIST_SLOTS - 1, hist_index(totals__bound(TOTALS_BOUNDS - 1)));
}

static __u64 seed = 88172645463325252ULL;

static __u64 random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

#define MANY 12

/* Spaces come and go, at most MANY of them with a row for each. */
static struct snapshot *random_snapshot(__u64 *maps, __u64 *timed)
{
	struct snapshot *snap = new_snapshot(MANY);
	size_t nr = 0;

	if (random_u64() % 50 == 0)
		snap->instance = random_u64() % 3 + 1;
	for (__u32 i = 0; i < MANY; i++) {
		__u64 n = random_u64() % 100, ns = random_u64() >> (random_u64() % 64);
		struct row *row;

		if (random_u64() % 4 == 0)
			continue;
		row = set_space(snap, nr++, i / 4 + 1, i % 4);
		if (random_u64() % 8 == 0)
			row->state = i % 2 ? ROW_GONE : ROW_OTHER;
		set_value(row, METRIC_MAP_COUNT, n);
		add_timed(row, TIMING_MAP, ns, n);
		*maps += n;
		*timed += n;
	}
	snap->nr_rows = nr;
	return snap;
}

static __u64 count_parts(const struct sum *sum)
{
	__u64 n = 0;

	for (int part = 0; part <= TOTALS_BOUNDS; part++)
		n += sum->parts[TIMING_MAP][part];
	return n;
}

/* What the sums of a space were before, or 0. */
static __u64 before(const struct space_sum *old, size_t nr, const struct space_sum *space)
{
	for (size_t i = 0; i < nr; i++)
		if (old[i].instance == space->instance && old[i].ctx == space->ctx &&
		    old[i].ioasid == space->ioasid)
			return old[i].sum.count[METRIC_MAP_COUNT];
	return 0;
}

TEST(exact, "sums never go down, and are all that happened, whoever comes and goes")
{
	struct totals *totals = totals__new(MANY / 2);
	struct space_sum *old = calloc(MANY, sizeof(*old));
	__u64 maps = 0, timed = 0, other = 0;
	size_t nr_old = 0;
	struct sum all;

	for (int i = 0; i < 5000; i++) {
		struct snapshot *snap = random_snapshot(&maps, &timed);

		ASSERT_EQ(0, totals__add(totals, snap));
		ASSERT_LE(totals->nr, MANY / 2);
		totals__sum(totals, &all);
		ASSERT_EQ(maps, all.count[METRIC_MAP_COUNT]);
		ASSERT_EQ(timed, count_parts(&all));
		ASSERT_LE(other, totals->other.count[METRIC_MAP_COUNT]);
		other = totals->other.count[METRIC_MAP_COUNT];
		for (size_t j = 0; j < totals->nr; j++)
			ASSERT_LE(before(old, nr_old, &totals->spaces[j]),
				  totals->spaces[j].sum.count[METRIC_MAP_COUNT]);
		nr_old = totals->nr;
		memcpy(old, totals->spaces, nr_old * sizeof(*old));
		snapshot__free(snap);
	}
	free(old);
	totals__free(totals);
}

TEST(context, "a context without a row keeps its sums as long as it has a space")
{
	struct totals *totals = totals__new(10);
	struct snapshot *both = new_snapshot(2), *space = new_snapshot(1), *none = new_snapshot(0);

	set_space(both, 0, 1, 0);
	set_value(&both->rows[0], METRIC_REGISTER_COUNT, 5);
	set_space(both, 1, 1, 1);
	set_space(space, 0, 1, 1);
	ASSERT_EQ(0, totals__add(totals, both));
	ASSERT_EQ(0, totals__add(totals, space));
	ASSERT_EQ(2, totals->nr);
	ASSERT_EQ(0, totals__add(totals, both));
	ASSERT_EQ(10, totals__find(totals, both, &both->rows[0])->sum.count[METRIC_REGISTER_COUNT]);
	ASSERT_EQ(0, totals__add(totals, none));
	ASSERT_EQ(0, totals->nr);
	ASSERT_EQ(10, totals->other.count[METRIC_REGISTER_COUNT]);
	snapshot__free(both);
	snapshot__free(space);
	snapshot__free(none);
	totals__free(totals);
}

HARNESS_MAIN
