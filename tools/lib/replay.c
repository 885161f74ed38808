// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recordings are read as if somebody had made them up: all sizes are checked. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "frame.h"
#include "record.h"

/* 24 bytes each are remembered. */
#define MAX_FRAMES (8 << 20)

struct place {
	__u64 offset;
	__u64 realtime_ns;
	__u32 len; /* of the frame */
	__u32 raw_len;
};

struct replay {
	int fd;
	__u64 size;
	__u64 offset; /* up to which it has been read */
	struct record_info info;
	struct frame_schema schema;
	enum replay_state state;
	struct place *places;
	size_t nr, room;
};

/* -ENODATA: the file is shorter. */
static int read_at(const struct replay *replay, __u64 offset, void *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(replay->fd, (char *)data + done, len - done, offset + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		done += n;
	}
	return 0;
}

/* NULL with *err when there is less, or no memory. */
static void *read_new(const struct replay *replay, __u64 offset, size_t len, int *err)
{
	void *data = malloc(len);

	*err = data ? read_at(replay, offset, data, len) : -ENOMEM;
	if (!*err)
		return data;
	free(data);
	return NULL;
}

static int find_metric(const char *key, bool rate)
{
	for (int id = 0; id < NR_METRICS; id++)
		if (!strcmp(metrics[id].key, key))
			return rate == (metrics[id].unit == UNIT_RATE) ? id : -1;
	return -1;
}

static int find_timing(const char *name)
{
	for (int t = 0; t < NR_TIMINGS; t++)
		if (!strcmp(timings[t].name, name))
			return t;
	return -1;
}

static void get_schema(struct cursor *in, struct frame_schema *schema)
{
	char name[RECORD_TEXT];

	schema->nr_metrics = get_bounded(in, FRAME_MAX_METRICS);
	for (int i = 0; i < schema->nr_metrics; i++) {
		get_text(in, name, sizeof(name));
		schema->metrics[i].rate = get_u8(in);
		schema->metrics[i].id = find_metric(name, schema->metrics[i].rate);
	}
	schema->nr_timings = get_bounded(in, FRAME_MAX_TIMINGS);
	for (int i = 0; i < schema->nr_timings; i++) {
		get_text(in, name, sizeof(name));
		schema->timings[i] = find_timing(name);
	}
}

/* Histograms of another shape cannot be shown. */
static int get_header(struct replay *replay, const void *data, size_t len)
{
	struct cursor in = { .at = data, .end = (const unsigned char *)data + len };
	struct record_info *info = &replay->info;
	__u64 sub_bits, max_exp;

	get_text(&in, info->version, sizeof(info->version));
	get_text(&in, info->kernel, sizeof(info->kernel));
	get_text(&in, info->host, sizeof(info->host));
	get_text(&in, info->boot_id, sizeof(info->boot_id));
	get_text(&in, info->notice, sizeof(info->notice));
	info->start_ns = get_number(&in);
	info->interval_ns = get_number(&in);
	sub_bits = get_number(&in);
	max_exp = get_number(&in);
	get_schema(&in, &replay->schema);
	if (in.failed)
		return -EBADMSG;
	return sub_bits == HIST_SUB_BITS && max_exp == HIST_MAX_EXP ? 0 : -EPROTONOSUPPORT;
}

static int read_header(struct replay *replay)
{
	unsigned char fixed[RECORD_HEADER_LEN];
	struct cursor in = { .at = fixed + RECORD_MAGIC_LEN, .end = fixed + sizeof(fixed) };
	__u32 version, len, crc;
	void *data;
	int err = read_at(replay, 0, fixed, sizeof(fixed));

	if (err)
		return err == -ENODATA ? -EBADMSG : err;
	if (memcmp(fixed, RECORD_MAGIC, RECORD_MAGIC_LEN))
		return -EBADMSG;
	version = get_u32(&in);
	len = get_u32(&in);
	crc = get_u32(&in);
	if (version != RECORD_VERSION)
		return -EPROTONOSUPPORT;
	if (!len || len > RECORD_HEADER_MAX)
		return -EBADMSG;
	data = read_new(replay, sizeof(fixed), len, &err);
	if (!data)
		return err == -ENODATA ? -EBADMSG : err;
	err = crc32(0, data, len) == crc ? get_header(replay, data, len) : -EBADMSG;
	free(data);
	replay->offset = sizeof(fixed) + len;
	return err;
}

static int add_place(struct replay *replay, const struct place *place)
{
	size_t room = replay->room ? 2 * replay->room : 256;
	struct place *places;

	if (replay->nr == MAX_FRAMES)
		return -EFBIG;
	if (replay->nr == replay->room) {
		places = reallocarray(replay->places, room, sizeof(*places));
		if (!places)
			return -ENOMEM;
		replay->places = places;
		replay->room = room;
	}
	replay->places[replay->nr] = *place;
	/* The clock may have been set; steps are never backwards. */
	if (replay->nr && place->realtime_ns < replay->places[replay->nr - 1].realtime_ns)
		replay->places[replay->nr].realtime_ns = replay->places[replay->nr - 1].realtime_ns;
	replay->nr++;
	return 0;
}

/* The sum covers what follows it: the length of the contents, the time, the frame. */
static int check_frame(const struct replay *replay, const struct place *place, __u32 crc)
{
	int err;
	void *data = read_new(replay, place->offset - 12, place->len + 12, &err);

	if (!data)
		return err;
	err = crc32(0, data, place->len + 12) == crc ? 0 : -EBADMSG;
	free(data);
	return err;
}

/* -EBADMSG: no frame; -ENODATA: not all of one. */
static int read_frame(struct replay *replay)
{
	unsigned char fixed[RECORD_FRAME_LEN];
	struct cursor in = { .at = fixed, .end = fixed + sizeof(fixed) };
	struct place place = { .offset = replay->offset + sizeof(fixed) };
	__u32 magic, crc;
	int err;

	if (replay->size - replay->offset < sizeof(fixed))
		return -ENODATA;
	err = read_at(replay, replay->offset, fixed, sizeof(fixed));
	if (err)
		return err;
	magic = get_u32(&in);
	place.len = get_u32(&in);
	crc = get_u32(&in);
	place.raw_len = get_u32(&in);
	place.realtime_ns = get_u64(&in);
	if (magic != RECORD_FRAME_MAGIC || !place.len || place.len > FRAME_MAX_BYTES ||
	    !place.raw_len || place.raw_len > FRAME_MAX_BYTES)
		return -EBADMSG;
	if (replay->size - place.offset < place.len)
		return -ENODATA;
	err = check_frame(replay, &place, crc);
	if (!err)
		err = add_place(replay, &place);
	replay->offset = place.offset + place.len;
	return err;
}

static int read_frames(struct replay *replay)
{
	int err = 0;

	while (!err && replay->offset < replay->size)
		err = read_frame(replay);
	if (err == -ENODATA)
		replay->state = REPLAY_CUT;
	else if (err == -EBADMSG)
		replay->state = REPLAY_DAMAGED;
	else
		return err;
	return 0;
}

int replay__open(struct replay **out, const char *path)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	struct stat stat;
	int err;

	if (!replay)
		return -ENOMEM;
	/* Not to wait for whoever writes into a pipe. */
	replay->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	err = replay->fd < 0 || fstat(replay->fd, &stat) ? -errno : 0;
	if (!err && !S_ISREG(stat.st_mode))
		err = S_ISDIR(stat.st_mode) ? -EISDIR : -EBADMSG;
	if (!err) {
		replay->size = stat.st_size;
		err = read_header(replay);
	}
	if (!err)
		err = read_frames(replay);
	if (err)
		replay__close(replay);
	else
		*out = replay;
	return err;
}

void replay__close(struct replay *replay)
{
	if (!replay)
		return;
	if (replay->fd >= 0)
		close(replay->fd);
	free(replay->places);
	free(replay);
}

const struct record_info *replay__info(const struct replay *replay)
{
	return &replay->info;
}

enum replay_state replay__state(const struct replay *replay)
{
	return replay->state;
}

size_t replay__nr(const struct replay *replay)
{
	return replay->nr;
}

__u64 replay__realtime_ns(const struct replay *replay, size_t at)
{
	return replay->places[at].realtime_ns;
}

/* The file may have changed since. */
int replay__get(const struct replay *replay, size_t at, struct snapshot **snap)
{
	const struct place *place = &replay->places[at];
	int err;
	void *data = read_new(replay, place->offset, place->len, &err);

	*snap = NULL;
	if (!data)
		return err == -ENODATA ? -EBADMSG : err;
	err = frame__decode(data, place->len, place->raw_len, &replay->schema, snap);
	free(data);
	return err;
}
