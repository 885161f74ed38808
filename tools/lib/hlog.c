// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include "hlog.h"
#include "quantile.h"

#define NS_PER_S  1000000000ULL
#define NS_PER_MS	1e6

/*
 * With three digits 2 * 10^3 values have a slot each, rounded up to 2048. Every octave
 * above is cut into half as many.
 */
#define SUB_BITS  11
#define SUB_HALF  (1 << (SUB_BITS - 1))
#define HIGHEST	  ((1ULL << (HIST_MAX_EXP + 1)) - 1)
#define NR_COUNTS	((HIST_MAX_EXP + 1 - SUB_BITS + 2) * SUB_HALF)

#define COOKIE	      0x1c849313 /* version 2, words of nine bytes at most */
#define COOKIE_ZIPPED	0x1c849314

/* Big-endian, as all of it. */
struct header {
	__be32 cookie;
	__be32 length;	/* of what follows the header */
	__be32 offset;
	__be32 digits;
	__be64 lowest;
	__be64 highest;
	__be64 ratio;	/* a double */
} __attribute__((packed));

struct zipped_header {
	__be32 cookie;
	__be32 length;
} __attribute__((packed));

#define MAX_WORD  9
#define MAX_BYTES	(sizeof(struct header) + (size_t)NR_COUNTS * MAX_WORD)

struct hlog {
	FILE *file;
	int err;
};

static __u32 hdr_index(__u64 value)
{
	int octave = 64 - __builtin_clzll(value | (2 * SUB_HALF - 1)) - SUB_BITS;

	return octave * SUB_HALF + (value >> octave);
}

/* Seven bits a byte, lowest first, the ninth byte has eight; the sign is the lowest bit. */
static unsigned char *put(unsigned char *out, __s64 number)
{
	__u64 word = ((__u64)number << 1) ^ (__u64)(number >> 63);

	for (int i = 1; i < MAX_WORD && word >> 7; i++, word >>= 7)
		*out++ = 0x80 | (word & 0x7f);
	*out++ = word;
	return out;
}

static unsigned char *put_counts(unsigned char *out, const __u64 *counts)
{
	__u32 end = NR_COUNTS, zeros;

	while (end && !counts[end - 1])
		end--;
	for (__u32 i = 0; i < end; i++) {
		for (zeros = 0; !counts[i + zeros]; zeros++)
			;
		/* Several empty slots are one negative number. */
		out = put(out, zeros > 1 ? -(__s64)zeros : (__s64)counts[i]);
		i += zeros > 1 ? zeros - 1 : 0;
	}
	return out;
}

static size_t fill(unsigned char *bytes, __u64 *counts, const __u64 *hist)
{
	double ratio = 1;
	struct header header = {
		.cookie = htobe32(COOKIE),
		.digits = htobe32(HLOG_DIGITS),
		.lowest = htobe64(1),
		.highest = htobe64(HIGHEST),
	};
	unsigned char *end;
	__u64 bits;

	for (int i = 0; i < HIST_SLOTS; i++)
		if (hist[i])
			counts[hdr_index(hist__midpoint(i))] += hist[i];
	end = put_counts(bytes + sizeof(header), counts);
	memcpy(&bits, &ratio, sizeof(bits));
	header.ratio = htobe64(bits);
	header.length = htobe32(end - bytes - sizeof(header));
	memcpy(bytes, &header, sizeof(header));
	return end - bytes;
}

static char *base64(const unsigned char *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc((len + 2) / 3 * 4 + 1), *out = text;
	__u32 three;

	for (size_t i = 0; text && i < len; i += 3) {
		three = bytes[i] << 16 | (i + 1 < len ? bytes[i + 1] << 8 : 0) |
			(i + 2 < len ? bytes[i + 2] : 0);
		*out++ = digits[three >> 18];
		*out++ = digits[three >> 12 & 0x3f];
		*out++ = i + 1 < len ? digits[three >> 6 & 0x3f] : '=';
		*out++ = i + 2 < len ? digits[three & 0x3f] : '=';
	}
	if (text)
		*out = '\0';
	return text;
}

static char *zip(const unsigned char *bytes, size_t len)
{
	struct zipped_header header = { .cookie = htobe32(COOKIE_ZIPPED) };
	uLongf room = compressBound(len);
	unsigned char *out = malloc(sizeof(header) + room);
	char *text = NULL;

	if (out && compress(out + sizeof(header), &room, bytes, len) == Z_OK) {
		header.length = htobe32(room);
		memcpy(out, &header, sizeof(header));
		text = base64(out, sizeof(header) + room);
	}
	free(out);
	return text;
}

char *hlog__encode(const __u64 *hist)
{
	__u64 *counts = calloc(NR_COUNTS, sizeof(*counts));
	unsigned char *bytes = malloc(MAX_BYTES);
	char *text = NULL;

	if (counts && bytes)
		text = zip(bytes, fill(bytes, counts, hist));
	free(counts);
	free(bytes);
	return text;
}

static void put_header(struct hlog *hlog, const char *program)
{
	struct timespec now;
	struct tm tm;
	char date[64] = "";
	double seconds;

	clock_gettime(CLOCK_REALTIME, &now);
	seconds = now.tv_sec + now.tv_nsec / (double)NS_PER_S;
	if (localtime_r(&now.tv_sec, &tm))
		strftime(date, sizeof(date), "%a %b %d %H:%M:%S %Z %Y", &tm);
	fprintf(hlog->file, "#[Logged with %s: ns, midpoints of buckets, within %g %%]\n", program,
		HIST_ERROR_PERCENT);
	fprintf(hlog->file, "#[Histogram log format version 1.3]\n");
	fprintf(hlog->file, "#[StartTime: %.3f (seconds since epoch), %s]\n", seconds, date);
	fprintf(hlog->file, "#[BaseTime: %.3f (seconds since epoch)]\n", seconds);
	fprintf(hlog->file,
		"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
}

int hlog__open(struct hlog **out, const char *path, const char *program)
{
	struct hlog *hlog = calloc(1, sizeof(*hlog));
	int err;

	if (!hlog)
		return -ENOMEM;
	hlog->file = fopen(path, "we");
	if (!hlog->file) {
		err = -errno;
		free(hlog);
		return err;
	}
	put_header(hlog, program);
	*out = hlog;
	return 0;
}

int hlog__write(struct hlog *hlog, const char *tag, __u64 start_ns, __u64 length_ns, __u64 max_ns,
		const __u64 *hist)
{
	char *text = hlog__encode(hist);

	if (!text)
		return -ENOMEM;
	/* The maximum is in ms, as the writers of HdrHistogram have it by default. */
	fprintf(hlog->file, "Tag=%s,%.3f,%.3f,%.6f,%s\n", tag, start_ns / (double)NS_PER_S,
		length_ns / (double)NS_PER_S, max_ns / NS_PER_MS, text);
	free(text);
	return fflush(hlog->file) || ferror(hlog->file) ? -EIO : 0;
}

int hlog__close(struct hlog *hlog)
{
	int err = 0;

	if (hlog && fclose(hlog->file))
		err = -EIO;
	free(hlog);
	return err;
}
