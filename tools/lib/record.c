// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include "frame.h"
#include "record.h"

#define NS_PER_S 1000000000ULL

struct record {
	char *path, *old_path;
	struct bytes header;
	__u64 max_bytes; /* of one file */
	__u64 len;
	int fd;
	int err; /* the first */
};

static void put_header(struct bytes *out, const struct record_info *info)
{
	struct bytes says = { 0 };

	put_text(&says, info->version);
	put_text(&says, info->kernel);
	put_text(&says, info->host);
	put_text(&says, info->boot_id);
	put_text(&says, info->notice);
	put_number(&says, info->start_ns);
	put_number(&says, info->interval_ns);
	put_number(&says, HIST_SUB_BITS);
	put_number(&says, HIST_MAX_EXP);
	put_number(&says, NR_METRICS);
	for (int id = 0; id < NR_METRICS; id++) {
		put_text(&says, metrics[id].key);
		put_u8(&says, metrics[id].unit == UNIT_RATE);
	}
	put_number(&says, NR_TIMINGS);
	for (int t = 0; t < NR_TIMINGS; t++)
		put_text(&says, timings[t].name);
	put_bytes(out, RECORD_MAGIC, RECORD_MAGIC_LEN);
	put_u32(out, RECORD_VERSION);
	put_u32(out, says.len);
	put_u32(out, crc32(0, says.data, says.len));
	put_bytes(out, says.data, says.len);
	out->failed |= says.failed;
	bytes__free(&says);
}

/* All of it or nothing: what was written in part is taken back. */
static int append(struct record *record, const struct bytes *bytes)
{
	ssize_t n;

	do
		n = write(record->fd, bytes->data, bytes->len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)bytes->len) {
		record->len += n;
		return 0;
	}
	n = n < 0 ? -errno : -ENOSPC;
	return ftruncate(record->fd, record->len) ? -errno : n;
}

static int begin(struct record *record)
{
	record->fd = open(record->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (record->fd < 0)
		return -errno;
	record->len = 0;
	return append(record, &record->header);
}

static int begin_anew(struct record *record)
{
	close(record->fd);
	record->fd = -1;
	if (rename(record->path, record->old_path))
		return -errno;
	return begin(record);
}

int record__open(struct record **out, const char *path, __u64 max_bytes,
		 const struct record_info *info)
{
	struct record *record = calloc(1, sizeof(*record));
	int err = -ENOMEM;

	if (!record)
		return -ENOMEM;
	record->fd = -1;
	record->max_bytes = max_bytes / 2;
	record->path = strdup(path);
	if (record->path && asprintf(&record->old_path, "%s.1", path) >= 0) {
		put_header(&record->header, info);
		err = record->header.failed	      ? -ENOMEM :
		      !access(record->old_path, F_OK) ? -EEXIST :
							begin(record);
	}
	if (err)
		record__close(record);
	else
		*out = record;
	return err;
}

void record__close(struct record *record)
{
	if (!record)
		return;
	if (record->fd >= 0)
		close(record->fd);
	bytes__free(&record->header);
	free(record->old_path);
	free(record->path);
	free(record);
}

static __u64 now_realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* What is in front of a frame, and the frame. */
static int make_frame(const struct snapshot *snap, __u64 realtime_ns, struct bytes *out)
{
	struct bytes frame = { 0 }, covered = { 0 };
	__u32 raw_len;
	int err = frame__encode(snap, &frame, &raw_len);

	if (!err) {
		put_u32(&covered, raw_len);
		put_u64(&covered, realtime_ns);
		put_bytes(&covered, frame.data, frame.len);
		put_u32(out, RECORD_FRAME_MAGIC);
		put_u32(out, frame.len);
		put_u32(out, crc32(0, covered.data, covered.len));
		put_bytes(out, covered.data, covered.len);
		err = covered.failed || out->failed ? -ENOMEM : 0;
	}
	bytes__free(&frame);
	bytes__free(&covered);
	return err;
}

static int add(struct record *record, const struct snapshot *snap, __u64 realtime_ns)
{
	struct bytes frame = { 0 };
	int err = make_frame(snap, realtime_ns, &frame);

	if (!err && record->header.len + frame.len > record->max_bytes)
		err = -EFBIG;
	else if (!err && record->len + frame.len > record->max_bytes)
		err = begin_anew(record);
	if (!err)
		err = append(record, &frame);
	bytes__free(&frame);
	return err;
}

int record__add_at(struct record *record, const struct snapshot *snap, __u64 realtime_ns)
{
	if (!record->err)
		record->err = add(record, snap, realtime_ns);
	return record->err;
}

int record__add(struct record *record, const struct snapshot *snap)
{
	return record__add_at(record, snap, now_realtime_ns());
}
