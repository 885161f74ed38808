// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Logs of HdrHistogram: against what its C library (0.11.10) writes for the same values,
 * and read back by a decoder of our own, which is written from the format, not from
 * hlog.c.
 */
#include <math.h>
#include <unistd.h>
#include <zlib.h>
#include "harness.h"
#include "hlog.h"
#include "quantile.h"

#define HEADER		40
#define NR_COUNTS	25600	/* 1024 slots below 1024 and in each of 24 octaves */
#define MAX_BYTES	(1 << 20)

/* Without the header of eight bytes; the length, or 0. */
static size_t decode_base64(const char *text, unsigned char *out)
{
	unsigned int bits = 0, nr = 0, digit;
	size_t len = 0;

	for (; *text && *text != '=' && *text != '\n'; text++) {
		if (*text >= 'A' && *text <= 'Z')
			digit = *text - 'A';
		else if (*text >= 'a' && *text <= 'z')
			digit = *text - 'a' + 26;
		else if (*text >= '0' && *text <= '9')
			digit = *text - '0' + 52;
		else
			digit = *text == '+' ? 62 : 63;
		bits = bits << 6 | digit;
		nr += 6;
		if (nr >= 8) {
			nr -= 8;
			out[len++] = bits >> nr;
		}
	}
	return len;
}

static __u64 big_endian(const unsigned char *bytes, int nr)
{
	__u64 value = 0;

	for (int i = 0; i < nr; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* What is compressed in a last field of a line. */
static size_t inflate_field(const char *text, unsigned char *out)
{
	static unsigned char bytes[MAX_BYTES];
	size_t len = decode_base64(text, bytes);
	uLongf room = MAX_BYTES;

	if (len < 8 || big_endian(bytes, 4) != 0x1c849314 || big_endian(bytes + 4, 4) != len - 8)
		return 0;
	return uncompress(out, &room, bytes + 8, len - 8) == Z_OK ? room : 0;
}

/* The highest value of a slot, as the readers of HdrHistogram report it. */
static __u64 highest_of(int slot)
{
	int octave = slot / 1024 - 1;

	if (octave < 1)
		return slot;
	return ((__u64)(slot % 1024 + 1024 + 1) << octave) - 1;
}

/* False: the bytes are no histogram. */
static bool decode(const char *text, __u64 *counts)
{
	static unsigned char bytes[MAX_BYTES];
	size_t len = inflate_field(text, bytes), at = HEADER, slot = 0;
	__u64 word;
	__s64 number;
	int shift;

	if (len < HEADER || big_endian(bytes, 4) != 0x1c849313 ||
	    big_endian(bytes + 4, 4) != len - HEADER || big_endian(bytes + 12, 4) != 3)
		return false;
	memset(counts, 0, NR_COUNTS * sizeof(*counts));
	while (at < len && slot < NR_COUNTS) {
		word = 0;
		for (shift = 0; shift < 56 && bytes[at] & 0x80; shift += 7)
			word |= (__u64)(bytes[at++] & 0x7f) << shift;
		word |= (__u64)bytes[at++] << shift;
		number = (__s64)(word >> 1) ^ -(__s64)(word & 1);
		if (number < 0)
			slot += -number;
		else
			counts[slot++] = number;
	}
	return at == len && slot <= NR_COUNTS;
}

static __u64 quantile_of(const __u64 *counts, double q, __u64 total)
{
	__u64 seen = 0;

	for (int i = 0; i < NR_COUNTS; i++) {
		seen += counts[i];
		if (seen >= ceil(q * total))
			return highest_of(i);
	}
	return 0;
}

TEST(reference, "bytes are those that the C library of HdrHistogram writes")
{
	static const unsigned char expected[] = {
		0x1c, 0x84, 0x93, 0x13, 0x00, 0x00, 0x00, 0x1d, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
		0x00, 0x03, 0xff, 0xff, 0xff, 0xff, 0x3f, 0xf0, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x06, 0x07, 0x02, 0xbd, 0x01, 0x04, 0xf1, 0x31, 0x02, 0xfd, 0x3d, 0xd8,
		0x04, 0xfd, 0xdb, 0x01, 0xe0, 0xc5, 0x08, 0xfd, 0x21, 0x80, 0xf8, 0x82, 0xad,
		0x16, 0xfd, 0x1f, 0x02,
	};
	static const struct {
		__u64 value, count;
	} values[] = {
		{ 0, 3 }, { 5, 1 }, { 100, 2 }, { 5000, 1 }, { 70000, 300 },
		{ 1000000000, 70000 }, { 4200000000, 3000000000 }, { 1ULL << 40, 1 },
	};
	static unsigned char bytes[MAX_BYTES];
	__u64 hist[HIST_SLOTS] = { 0 };
	char *text;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		hist[hist_index(values[i].value)] += values[i].count;
	text = hlog__encode(hist);
	ASSERT_TRUE(text);
	ASSERT_EQ(0, strncmp(text, "HISTFAAA", 8));
	ASSERT_EQ(sizeof(expected), inflate_field(text, bytes));
	ASSERT_EQ(0, memcmp(expected, bytes, sizeof(expected)));
	free(text);
}

static __u64 random_u64(void)
{
	static __u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static int compare_u64(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return (x > y) - (x < y);
}

TEST(read_back, "read back: as many values, percentiles within 3.125 % and 0.1 %")
{
	static const double quantiles[] = { 0.001, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };
	static __u64 hist[HIST_SLOTS], counts[NR_COUNTS], values[100000];
	const int nr = sizeof(values) / sizeof(values[0]);
	__u64 total = 0, got, exact;
	char *text;

	for (int i = 0; i < nr; i++) {
		values[i] = (random_u64() >> 30) >> (random_u64() % 30);
		hist[hist_index(values[i])]++;
	}
	qsort(values, nr, sizeof(values[0]), compare_u64);
	text = hlog__encode(hist);
	ASSERT_TRUE(text);
	ASSERT_TRUE(decode(text, counts));
	for (int i = 0; i < NR_COUNTS; i++)
		total += counts[i];
	ASSERT_EQ(nr, total);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		exact = values[(int)ceil(quantiles[i] * nr) - 1];
		got = quantile_of(counts, quantiles[i], total);
		ASSERT_LE(fabs((double)got - exact), exact * (HIST_ERROR_PERCENT + 0.1) / 100 + 1);
	}
	free(text);
}

TEST(empty_and_full, "an empty histogram and one with all buckets in use are read back")
{
	static __u64 hist[HIST_SLOTS], counts[NR_COUNTS];
	char *text = hlog__encode(hist);
	__u64 total = 0;

	ASSERT_TRUE(text && decode(text, counts));
	ASSERT_EQ(0, quantile_of(counts, 0, 0));
	free(text);
	for (int i = 0; i < HIST_SLOTS; i++)
		hist[i] = 1ULL << i % 60;
	text = hlog__encode(hist);
	ASSERT_TRUE(text && decode(text, counts));
	for (int i = 0; i < HIST_SLOTS; i++)
		hist[0] += i ? hist[i] : 0;
	for (int i = 0; i < NR_COUNTS; i++)
		total += counts[i];
	ASSERT_EQ(hist[0], total);
	free(text);
}

TEST(lines, "a file has the version, the time, and a line with tag, times and histogram")
{
	char path[] = "/tmp/hlog.XXXXXX", line[4096];
	static __u64 hist[HIST_SLOTS], counts[NR_COUNTS];
	bool version = false, start = false, base = false;
	struct hlog *hlog;
	double from, length, max;
	int at = 0, nr, fd = mkstemp(path);
	FILE *file;

	ASSERT_LE(0, fd);
	close(fd);
	hist[hist_index(5000)] = 42;
	ASSERT_EQ(0, hlog__open(&hlog, path, "unit 1"));
	ASSERT_EQ(0, hlog__write(hlog, "map.pin@1:2", 1500000000, 250000000, 5123456, hist));
	ASSERT_EQ(0, hlog__close(hlog));
	file = fopen(path, "r");
	ASSERT_TRUE(file);
	while (fgets(line, sizeof(line), file) && *line != 'T') {
		version |= !strcmp(line, "#[Histogram log format version 1.3]\n");
		start |= !strncmp(line, "#[StartTime: 1", 14) && strstr(line, "since epoch");
		base |= !strncmp(line, "#[BaseTime: 1", 13);
	}
	ASSERT_TRUE(version && start && base);
	nr = sscanf(line, "Tag=map.pin@1:2,%lf,%lf,%lf,%n", &from, &length, &max, &at);
	ASSERT_EQ(3, nr);
	ASSERT_TRUE(from == 1.5 && length == 0.25 && max == 5.123456);
	ASSERT_TRUE(decode(line + at, counts));
	ASSERT_EQ(42, counts[3 * 1024 + 4991 / 4 % 1024]);
	ASSERT_FALSE(fgets(line, sizeof(line), file));
	fclose(file);
	unlink(path);
	ASSERT_EQ(-ENOENT, hlog__open(&hlog, "/nonexistent/x", "unit 1"));
}

HARNESS_MAIN
