// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What ioasidlat does without a kernel: intervals, percentiles, logs, heat maps. */
#include <math.h>
#include <unistd.h>
#include "harness.h"
#include "hlog.h"
#include "lat.h"
#include "lat_text.h"
#include "quantile.h"

#define NR_VALUES	200000

/* Many around some microseconds, a long tail, and all magnitudes a little. */
static __u64 random_ns(void)
{
	static __u64 state = 88172645463325252ULL;
	int kind;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	kind = state >> 32 & 0xff;
	if (kind < 250)
		return 2000 + (state & 0x3ff) + (state >> 20 & 0x1ff);
	if (kind < 254)
		return 1000000 + (state & 0xfffff);
	return (state & 0x1ffffffff) >> (state >> 40 & 31);
}

static int compare_u64(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return (x > y) - (x < y);
}

static __u64 *sorted_values(__u64 *hist)
{
	__u64 *values = calloc(NR_VALUES, sizeof(*values));

	for (int i = 0; i < NR_VALUES; i++) {
		values[i] = random_ns();
		hist[hist_index(values[i])]++;
	}
	qsort(values, NR_VALUES, sizeof(*values), compare_u64);
	return values;
}

TEST(quantiles, "percentiles of 200000 values are within the stated error of the exact ones")
{
	static const double quantiles[] = { 0.001, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };
	static __u64 hist[HIST_SLOTS];
	__u64 *values = sorted_values(hist), got, exact;

	ASSERT_EQ(NR_VALUES, hist64__total(hist));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		exact = values[(int)ceil(quantiles[i] * NR_VALUES) - 1];
		ASSERT_TRUE(hist64__quantile(hist, quantiles[i], &got));
		ASSERT_LE(llabs((long long)(got - exact)), exact * HIST_ERROR_PERCENT / 100 + 1);
	}
	free(values);
}

static struct lat_stat stat_of(const __u64 *values, size_t nr)
{
	struct lat_stat stat = { 0 };

	for (size_t i = 0; i < nr; i++) {
		stat.hist[hist_index(values[i])]++;
		stat.sum_ns += values[i];
		if (values[i] > stat.max_ns)
			stat.max_ns = values[i];
	}
	return stat;
}

TEST(intervals, "intervals add up to the whole, also when a bucket overflows")
{
	static const __u64 values[] = { 5, 100, 100, 5000, 70000 };
	struct lat_key key = { .dev = LAT_NO_DEV, .series = LAT_MAP };
	struct lat lat = { .start_ns = 1000 };
	struct lat_stat stat = stat_of(values, 5);
	__u64 sum = 0, before = 0xfffffff0U;

	/* As if there had been so many. */
	stat.hist[hist_index(100)] = before;
	for (int i = 0; i < 3; i++) {
		lat__begin(&lat, 2000 + 1000 * i);
		ASSERT_EQ(0, lat__sample(&lat, &key, false, &stat));
		lat__settle(&lat);
		ASSERT_EQ(1000, lat.interval_ns);
		sum += lat_times__count(&lat.rows[0]->now);
		stat.hist[hist_index(100)] += 10;
		stat.untimed++;
	}
	ASSERT_EQ(1, lat.nr);
	ASSERT_EQ(before + 20 + 3, sum);
	ASSERT_EQ(sum, lat_times__count(&lat.rows[0]->total));
	ASSERT_EQ(10, lat_times__count(&lat.rows[0]->now));
	ASSERT_EQ(1, lat.rows[0]->now.untimed);
	ASSERT_EQ(2, lat.rows[0]->total.untimed);
	ASSERT_EQ(70000, lat_times__max(&lat.rows[0]->total, true));
	/* Of the interval: its only bucket ends there. */
	ASSERT_EQ(hist_upper(hist_index(100)), lat_times__max(&lat.rows[0]->now, false));
	/* Nothing happens any more. */
	lat__begin(&lat, 9000);
	ASSERT_FALSE(lat_times__any(&lat.rows[0]->now));
	ASSERT_EQ(sum, lat_times__count(&lat.rows[0]->total));
	lat__free(&lat);
}

TEST(order, "phases stand below their operation, in each space, and rows without a key last")
{
	static const struct lat_key keys[] = {
		{ .ctx = 2, .ioasid = 1, .series = LAT_MAP },
		{ .ctx = 1, .ioasid = 2, .series = LAT_UNMAP },
		{ .ctx = 1, .ioasid = 2, .series = LAT_MAP_PIN, .failed = 1 },
		{ .ctx = 1, .ioasid = 2, .series = LAT_MAP_PIN },
		{ .ctx = 1, .ioasid = 2, .series = LAT_MAP, .failed = 1 },
		{ .ctx = 1, .ioasid = 2, .series = LAT_MAP },
	};
	static const int expected[] = { 0, 5, 3, 4, 2, 1 };
	struct lat lat = { .by = LAT_BY_SPACE | LAT_BY_RESULT };
	__u64 value = 7;
	struct lat_stat stat = stat_of(&value, 1);

	/* Some are new in the second reading, and none in the third. */
	for (int reading = 1; reading <= 3; reading++) {
		lat__begin(&lat, reading);
		for (int i = 0; i < (reading == 1 ? 4 : 6); i++)
			ASSERT_EQ(0, lat__sample(&lat, &keys[i], i == 0, &stat));
		lat__settle(&lat);
	}
	ASSERT_EQ(6, lat.nr);
	for (int i = 1; i < 6; i++)
		ASSERT_EQ(0, memcmp(&lat.rows[i - 1]->key, &keys[expected[i]], sizeof(keys[0])));
	ASSERT_TRUE(lat.rows[5]->other);
	ASSERT_EQ(1, lat__unattributed(&lat));
	lat__free(&lat);
}

TEST(tags, "a tag names all that a row is, and has no comma and no blank")
{
	struct lat lat = {
		.by = LAT_BY_SPACE | LAT_BY_DEVICE | LAT_BY_PROCESS | LAT_BY_RESULT,
	};
	struct lat_row row = {
		.key = { .series = LAT_MAP_PIN, .ctx = 3, .ioasid = 1, .dev = 0x00010285,
			 .tgid = 7 },
		.comm = "a, b",
	};
	char tag[LAT_TAG_LEN];

	lat_row__tag(&lat, &row, tag, sizeof(tag));
	ASSERT_STREQ("map.pin@3:1/0001:02:10.5/a__b[7]/ok", tag);
	row.key.dev = LAT_NO_DEV;
	row.key.cookie = 0xa3;
	row.key.ioasid = 0;
	row.key.failed = 1;
	lat_row__tag(&lat, &row, tag, sizeof(tag));
	ASSERT_STREQ("map.pin@3/0xa3/a__b[7]/failed", tag);
	for (int i = 0; i < NR_LAT_SERIES; i++)
		ASSERT_TRUE(lat__find_op(lat__op(i), strlen(lat__op(i))) <= i);
	ASSERT_EQ(-1, lat__find_op("lock", 4));
	ASSERT_EQ(-1, lat__find_op("", 0));
}

/* ---- text ---- */

/* Room for a text, and a stream into it. */
static char text[8192];

static FILE *to_text(void)
{
	memset(text, 0, sizeof(text));
	return fmemopen(text, sizeof(text), "w");
}

static struct lat one_row(struct lat_key key, const __u64 *values, size_t nr)
{
	struct lat lat = { 0 };
	struct lat_stat stat = stat_of(values, nr);

	lat__begin(&lat, 1000000000);
	lat__sample(&lat, &key, false, &stat);
	lat__settle(&lat);
	return lat;
}

TEST(table, "a table: count, mean, percentiles, maximum with units")
{
	__u64 values[1000];
	struct lat_key key = { .series = LAT_UNMAP_FLUSH };
	struct lat lat;
	FILE *out;

	for (int i = 0; i < 1000; i++)
		values[i] = i < 500 ? 10 : i < 990 ? 2000 : 3000000;
	lat = one_row(key, values, 1000);
	out = to_text();
	lat__print_table(out, &lat, true);
	fclose(out);
	ASSERT_STREQ("OPERATION    COUNT   MEAN    P50    P90    P99  P99.9    MAX\n"
		     "  flush       1000 30.98u    10n  2.02u  2.02u  2.95m  3.00m\n",
		     text);
	lat__begin(&lat, 2000000000);
	lat.missed = 3;
	out = to_text();
	lat__print_table(out, &lat, false);
	fclose(out);
	ASSERT_STREQ("no operations\n"
		     "3 events were not seen: the kernel skipped the BPF programs\n", text);
	lat__free(&lat);
}

TEST(bars, "a histogram: many lines where many are, a line for an octave of the tail")
{
	__u64 values[1000];
	struct lat_key key = { .series = LAT_MAP };
	struct lat lat;
	FILE *out;

	for (int i = 0; i < 1000; i++)
		values[i] = i < 400 ? 1030 : i < 997 ? 1100 : i < 999 ? 70000 : 90000;
	lat = one_row(key, values, 1000);
	out = to_text();
	lat__print_histograms(out, &lat, true, 60);
	fclose(out);
	ASSERT_STREQ("\nmap: 1000\n"
		     "  1.02u ..  1.09u      400 |#####################\n"
		     "  1.09u ..  1.15u      597 |################################\n"
		     "    ...\n"
		     " 65.54u .. 131.1u        3 |.\n",
		     text);
	lat__free(&lat);
}

TEST(levels, "levels of a heat map ascend, one among many is seen, all is the highest")
{
	ASSERT_EQ(0, heat__level(0, 100));
	ASSERT_EQ(1, heat__level(1, 1000000));
	ASSERT_EQ(HEAT_LEVELS, heat__level(1, 1));
	ASSERT_EQ(HEAT_LEVELS, heat__level(1000000, 1000000));
	for (__u64 i = 1; i < 1000; i++)
		ASSERT_LE(heat__level(i, 1000), heat__level(i + 1, 1000));
	ASSERT_EQ(5, heat__level(1000, 1000000));
}

static size_t longest_line(void)
{
	size_t longest = 0, len;

	for (const char *at = text; *at; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		if (len > longest)
			longest = len;
	}
	return longest;
}

/* The column in which an axis has a bar with this name. */
static int axis_column(const char *name)
{
	const char *at = strstr(text, name);

	return at ? at - text : -1;
}

TEST(heat, "a heat map has 80 columns, and its cells stand below their latency")
{
	static const struct {
		const char *name;
		__u64 ns;
	} marks[] = { { "|1u", 1000 }, { "|10u", 10000 }, { "|1m", 1000000 },
		  { "|1s", 1000000000 } };
	struct lat_key key = { .series = LAT_UNBIND_TABLE };
	const char *line;
	struct heat heat;
	struct lat lat;
	FILE *out;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		lat = one_row(key, &marks[i].ns, 1);
		heat__init(&heat, &lat, 80, 0);
		ASSERT_EQ(2, heat.cells);
		out = to_text();
		heat__header(&heat, out);
		heat__print(&heat, out, &lat, "12:34:56");
		fclose(out);
		ASSERT_LE(longest_line(), 80);
		line = strchr(text, '\n') + 1;
		ASSERT_EQ(0, strncmp(line, "12:34:56 unbind-table    1 |", 28));
		ASSERT_EQ(axis_column(marks[i].name), strchr(line, '@') - line);
		ASSERT_EQ(0, strcmp(strchr(line, '@'), "@\n"));
		lat__free(&lat);
	}
}

TEST(heat_extremes, "what is shorter or longer than the map is in its first and last cell")
{
	static const __u64 values[] = { 0, 255, ~0ULL };
	struct lat_key key = { .series = LAT_MAP };
	struct lat lat = one_row(key, values, 3);
	struct heat heat;
	const char *line;
	FILE *out = to_text();

	heat__init(&heat, &lat, 80, 0);
	heat__header(&heat, out);
	heat__print(&heat, out, &lat, "12:34:56");
	fclose(out);
	line = strchr(text, '\n') + 1;
	ASSERT_EQ(80, strlen(line) - 1);
	ASSERT_TRUE(line[28] != ' ' && line[79] == '.');
	ASSERT_EQ(50, strspn(line + 29, " "));
	lat__free(&lat);
}

TEST(heat_colors, "colours change with levels, end with the line, and are none without any")
{
	static const __u64 values[] = { 2000, 2000, 2000, 500000 };
	struct lat_key key = { .series = LAT_MAP };
	struct lat lat = one_row(key, values, 4);
	struct heat heat;
	FILE *out;

	for (int colors = 0; colors <= 256; colors = colors ? colors * 32 : 8) {
		heat__init(&heat, &lat, 80, colors);
		out = to_text();
		heat__header(&heat, out);
		heat__print(&heat, out, &lat, "12:34:56");
		fclose(out);
		ASSERT_EQ(!colors, !strchr(text, '\033'));
		ASSERT_EQ(colors == 256, !!strstr(text, "48;5;"));
		ASSERT_EQ(colors > 0, !!strstr(text, "\033[0m\n"));
	}
	lat__free(&lat);
}

TEST(heat_narrow, "with more in the names there are fewer cells, in 80 columns still")
{
	struct lat_key key = { .series = LAT_MAP, .ctx = 17, .ioasid = 3, .tgid = 4711 };
	__u64 value = 5000;
	struct lat lat = one_row(key, &value, 1);
	struct heat heat;
	FILE *out;

	lat.by = LAT_BY_SPACE | LAT_BY_PROCESS | LAT_BY_DEVICE | LAT_BY_PHASE | LAT_BY_RESULT;
	strcpy(lat.rows[0]->comm, "qemu-system-x86");
	for (int width = 40; width <= 200; width += 40) {
		heat__init(&heat, &lat, width, 0);
		out = to_text();
		heat__header(&heat, out);
		heat__print(&heat, out, &lat, "12:34:56");
		fclose(out);
		ASSERT_LE(longest_line(), width < 80 ? 53 : width);
	}
	lat__free(&lat);
}

HARNESS_MAIN
