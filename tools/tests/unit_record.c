// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recordings, good and hostile ones, and what is remembered for scrolling back. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>
#include "harness.h"
#include "format.h"
#include "frame.h"
#include "history.h"
#include "json.h"
#include "record.h"
#include "self.h"
#include "snapshot_util.h"

static __u64 seed = 88172645463325252ULL;

static __u64 random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* All magnitudes are equally likely. */
static __u64 random_number(void)
{
	__u64 v = random_u64();

	return v >> (random_u64() % 64);
}

static void random_values(struct row *row)
{
	for (int id = 0; id < NR_METRICS; id++) {
		if (random_u64() % 2)
			continue;
		row->v[id].known = true;
		if (metrics[id].unit == UNIT_RATE)
			row->v[id].rate = random_number() / 3.0;
		else
			row->v[id].count = random_number();
	}
	for (int t = 0; t < NR_TIMINGS; t++)
		for (int i = random_u64() % 4; i > 0; i--)
			add_timed(row, t, random_number(), random_u64() % 100 + 1);
}

static void random_processes(struct snapshot *snap)
{
	snap->nr_processes = random_u64() % 4;
	snap->processes = calloc(4, sizeof(*snap->processes));
	for (size_t i = 0; i < snap->nr_processes; i++) {
		struct process *process = &snap->processes[i];

		process->pid = 1000 * (i + 1) + random_u64() % 1000;
		process->nspid = random_u64() % 3;
		process->cgroup = random_u64() % 2 ? strdup("/system.slice/a.service") : NULL;
		strcpy(process->container, i % 2 ? "docker:0123456789ab" : "");
	}
}

static struct snapshot *random_snapshot(__u64 seq)
{
	struct snapshot *snap = new_snapshot(random_u64() % 8);

	snap->seq = seq;
	snap->ts_ns = seq * SECOND;
	snap->bpf = random_u64() % 2;
	snap->lost = (struct lost){ true, random_number(), random_number(), random_number() };
	snap->self = (struct self){ true, true, random_number(), 1, 2, 3, 4, 5 };
	snap->nr_ctxs = random_number();
	snap->nr_spaces = random_number();
	snap->total.state = ROW_TOTAL;
	random_values(&snap->total);
	for (size_t i = 0; i < snap->nr_rows; i++) {
		set_space(snap, i, random_u64(), random_u64() % 3);
		random_values(&snap->rows[i]);
		strcpy(snap->rows[i].comm, "qemu");
		strcpy(snap->rows[i].kind, i % 2 ? "kernel" : "");
		snap->rows[i].attached = i % 3 ? strdup("0000:00:01.0 sim0.1/5") : NULL;
	}
	snap->nr_devices = random_u64() % 3;
	snap->devices = calloc(3, sizeof(*snap->devices));
	for (size_t i = 0; i < snap->nr_devices; i++) {
		snap->devices[i].state = ROW_DEVICE;
		snap->devices[i].attached = strdup("");
		snap->devices[i].cookie = random_u64();
		random_values(&snap->devices[i]);
	}
	snap->watch = random_u64() % NR_WATCHES;
	random_processes(snap);
	return snap;
}

static void same_times(const struct times *a, const struct times *b)
{
	ASSERT_EQ(!a, !b);
	if (!a)
		return;
	ASSERT_EQ(a->sum_ns, b->sum_ns);
	ASSERT_EQ(a->nr, b->nr);
	ASSERT_FALSE(memcmp(a->at, b->at, a->nr * sizeof(a->at[0])));
}

static void same_row(const struct row *a, const struct row *b)
{
	ASSERT_EQ(a->state, b->state);
	ASSERT_EQ(a->ctx, b->ctx);
	ASSERT_EQ(a->ioasid, b->ioasid);
	ASSERT_EQ(a->cookie, b->cookie);
	ASSERT_STREQ(a->comm, b->comm);
	ASSERT_STREQ(a->door, b->door);
	ASSERT_STREQ(a->kind, b->kind);
	ASSERT_EQ(!a->attached, !b->attached);
	if (a->attached)
		ASSERT_STREQ(a->attached, b->attached);
	for (int id = 0; id < NR_METRICS; id++) {
		ASSERT_EQ(a->v[id].known, b->v[id].known);
		ASSERT_EQ(a->v[id].count, b->v[id].count);
	}
	for (int t = 0; t < NR_TIMINGS; t++)
		same_times(a->times[t], b->times[t]);
}

static void same(const struct snapshot *a, const struct snapshot *b)
{
	ASSERT_EQ(a->seq, b->seq);
	ASSERT_EQ(a->ts_ns, b->ts_ns);
	ASSERT_EQ(a->interval_ns, b->interval_ns);
	ASSERT_EQ(a->instance, b->instance);
	ASSERT_EQ(a->source, b->source);
	ASSERT_EQ(a->bpf, b->bpf);
	ASSERT_EQ(a->bpf_faults, b->bpf_faults);
	ASSERT_EQ(a->complete, b->complete);
	ASSERT_EQ(a->lost.known, b->lost.known);
	ASSERT_EQ(a->lost.missed, b->lost.missed);
	ASSERT_EQ(a->lost.unattributed, b->lost.unattributed);
	ASSERT_EQ(a->lost.late, b->lost.late);
	ASSERT_EQ(a->self.known, b->self.known);
	ASSERT_EQ(a->self.cpu_ns, b->self.cpu_ns);
	ASSERT_EQ(a->self.wanted_ns, b->self.wanted_ns);
	ASSERT_EQ(a->nr_ctxs, b->nr_ctxs);
	ASSERT_EQ(a->nr_spaces, b->nr_spaces);
	same_row(&a->total, &b->total);
	ASSERT_EQ(a->nr_rows, b->nr_rows);
	for (size_t i = 0; i < a->nr_rows; i++)
		same_row(&a->rows[i], &b->rows[i]);
	ASSERT_EQ(a->nr_devices, b->nr_devices);
	for (size_t i = 0; i < a->nr_devices; i++)
		same_row(&a->devices[i], &b->devices[i]);
	ASSERT_EQ(a->watch, b->watch);
	ASSERT_EQ(a->nr_processes, b->nr_processes);
	for (size_t i = 0; i < a->nr_processes; i++) {
		ASSERT_EQ(a->processes[i].pid, b->processes[i].pid);
		ASSERT_EQ(a->processes[i].nspid, b->processes[i].nspid);
		ASSERT_EQ(!a->processes[i].cgroup, !b->processes[i].cgroup);
		if (a->processes[i].cgroup)
			ASSERT_STREQ(a->processes[i].cgroup, b->processes[i].cgroup);
		ASSERT_STREQ(a->processes[i].container, b->processes[i].container);
	}
}

static struct frame_schema own;

/* How a frame is made again; the sum in front of it, too. */
static int decode(const struct bytes *raw, struct snapshot **snap)
{
	uLongf len = compressBound(raw->len);
	unsigned char *packed = malloc(len);
	int err;

	ASSERT_EQ(Z_OK, compress(packed, &len, raw->data, raw->len));
	err = frame__decode(packed, len, raw->len, &own, snap);
	free(packed);
	return err;
}

static struct bytes raw_frame(const struct snapshot *snap)
{
	struct bytes packed = { 0 }, raw = { 0 };
	uLongf len;
	__u32 raw_len;

	ASSERT_EQ(0, frame__encode(snap, &packed, &raw_len));
	raw.data = malloc(raw_len);
	raw.len = len = raw_len;
	ASSERT_EQ(Z_OK, uncompress(raw.data, &len, packed.data, packed.len));
	ASSERT_EQ(raw_len, len);
	bytes__free(&packed);
	return raw;
}

TEST(numbers, "numbers and texts come back as they were")
{
	struct bytes bytes = { 0 };
	struct cursor in;
	char text[8];

	for (int shift = 0; shift < 64; shift++) {
		put_number(&bytes, (1ULL << shift) - 1);
		put_number(&bytes, 1ULL << shift);
	}
	put_number(&bytes, ~0ULL);
	put_text(&bytes, "1234567");
	put_text(&bytes, NULL);
	in = (struct cursor){ bytes.data, bytes.data + bytes.len, false };
	for (int shift = 0; shift < 64; shift++) {
		ASSERT_EQ((1ULL << shift) - 1, get_number(&in));
		ASSERT_EQ(1ULL << shift, get_number(&in));
	}
	ASSERT_EQ(~0ULL, get_number(&in));
	get_text(&in, text, sizeof(text));
	ASSERT_STREQ("1234567", text);
	ASSERT_FALSE(get_new_text(&in, 8));
	ASSERT_FALSE(in.failed);
	ASSERT_EQ(0, get_u8(&in));
	ASSERT_TRUE(in.failed);
	bytes__free(&bytes);
}

TEST(texts, "a text that is too long or would command a terminal is refused")
{
	static const char *const bad[] = { "12345678", "a\033[2J", "\x80", "a\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bytes bytes = { 0 };
		struct cursor in;
		char text[8];

		put_text(&bytes, bad[i]);
		in = (struct cursor){ bytes.data, bytes.data + bytes.len, false };
		get_text(&in, text, sizeof(text));
		ASSERT_TRUE(in.failed);
		ASSERT_STREQ("", text);
		bytes__free(&bytes);
	}
}

TEST(frames, "random snapshots come back to the bit")
{
	frame_schema__own(&own);
	for (int i = 0; i < 300; i++) {
		struct snapshot *snap = random_snapshot(i), *again;
		struct bytes bytes = { 0 };
		__u32 raw_len;

		ASSERT_EQ(0, frame__encode(snap, &bytes, &raw_len));
		ASSERT_EQ(0, frame__decode(bytes.data, bytes.len, raw_len, &own, &again));
		same(snap, again);
		snapshot__free(snap);
		snapshot__free(again);
		bytes__free(&bytes);
	}
}

/* Whatever is accepted can be shown. */
static void show(struct snapshot *snap)
{
	struct view view = { .kernel = "k", .sort = view__find_column("map"), .interval = 1 };
	FILE *null = fopen("/dev/null", "w");
	struct grid grid;

	ASSERT_TRUE(null);
	for (int i = 0; i < NR_VIEWS; i++) {
		view__show(&view, i);
		view__sort(&view, snap);
		ASSERT_EQ(0, grid__init(&grid, 24, 80));
		view__screen(&view, snap, &grid);
		grid__free(&grid);
		ASSERT_EQ(0, json__snapshot(null, snap, &view));
	}
	fclose(null);
}

TEST(endless_rate, "a number of three hundred digits stays in its column")
{
	struct {
		char text[8], after[8];
	} out = { .after = "intact" };

	format_number(out.text, 7, 1e300, UNIT_RATE);
	ASSERT_LE(strlen(out.text), 7);
	ASSERT_STREQ("intact", out.after);
}

TEST(hostile_frames, "contents with a few wrong bytes are refused or can be shown")
{
	int accepted = 0, refused = 0;

	frame_schema__own(&own);
	for (int i = 0; i < 3000; i++) {
		struct snapshot *snap = random_snapshot(i);
		struct bytes raw = raw_frame(snap);

		for (int j = random_u64() % 4 + 1; j > 0; j--)
			raw.data[random_u64() % raw.len] = random_u64();
		if (random_u64() % 4 == 0)
			raw.len = random_u64() % raw.len + 1;
		snapshot__free(snap);
		if (decode(&raw, &snap)) {
			ASSERT_FALSE(snap);
			refused++;
		} else {
			show(snap);
			snapshot__free(snap);
			accepted++;
		}
		bytes__free(&raw);
	}
	diag("%d accepted, %d refused", accepted, refused);
	ASSERT_LE(100, accepted);
	ASSERT_LE(100, refused);
}

TEST(slots, "a bucket that no histogram has is refused")
{
	struct snapshot *snap = new_snapshot(0), *again;
	struct bytes raw;

	frame_schema__own(&own);
	snap->total.state = ROW_TOTAL;
	add_timed(&snap->total, TIMING_MAP, 1, 1);
	for (__u32 slot = HIST_SLOTS - 2; slot < HIST_SLOTS + 2; slot++) {
		snap->total.times[TIMING_MAP]->at[0].slot = slot;
		raw = raw_frame(snap);
		ASSERT_EQ(slot < HIST_SLOTS ? 0 : -EBADMSG, decode(&raw, &again));
		snapshot__free(again);
		bytes__free(&raw);
	}
	snapshot__free(snap);
}

TEST(many_rows, "rows that cannot be there take no memory")
{
	struct snapshot *snap = new_snapshot(0), *again;
	struct bytes raw, more = { 0 };

	frame_schema__own(&own);
	snap->total.state = ROW_TOTAL;
	raw = raw_frame(snap);
	/* The two zeros at the end are the numbers of rows and devices. */
	put_bytes(&more, raw.data, raw.len - 2);
	put_number(&more, FRAME_MAX_ROWS);
	put_u64(&more, 0);
	ASSERT_EQ(0, decode(&raw, &again));
	snapshot__free(again);
	ASSERT_EQ(-EBADMSG, decode(&more, &again));
	bytes__free(&raw);
	bytes__free(&more);
	snapshot__free(snap);
}

/* ---- files ---- */

FIXTURE(file)
{
	char dir[64], path[96], old[96];
	struct record_info info;
};

FIXTURE_SETUP(file)
{
	strcpy(self->dir, "/tmp/unit_record.XXXXXX");
	ASSERT_TRUE(mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/r", self->dir);
	snprintf(self->old, sizeof(self->old), "%s/r.1", self->dir);
	self->info = (struct record_info){
		.version = "0",
		.kernel = "6.12",
		.host = "here",
		.boot_id = "x",
		.notice = "no latencies",
		.start_ns = 1,
		.interval_ns = SECOND,
	};
}

FIXTURE_TEARDOWN(file)
{
	unlink(self->path);
	unlink(self->old);
	rmdir(self->dir);
}

static void record_some(struct fixture_file *self, int nr, __u64 max)
{
	struct record *record;

	ASSERT_EQ(0, record__open(&record, self->path, max, &self->info));
	for (int i = 0; i < nr; i++) {
		struct snapshot *snap = random_snapshot(i);

		ASSERT_EQ(0, record__add(record, snap));
		snapshot__free(snap);
	}
	record__close(record);
}

static off_t size_of(const char *path)
{
	struct stat stat_buf;

	return stat(path, &stat_buf) ? 0 : stat_buf.st_size;
}

TEST_F(file, whole, "a recording says where it comes from and has all snapshots")
{
	struct replay *replay;

	record_some(self, 20, 1 << 30);
	ASSERT_EQ(0, replay__open(&replay, self->path));
	ASSERT_EQ(REPLAY_WHOLE, replay__state(replay));
	ASSERT_EQ(20, replay__nr(replay));
	ASSERT_FALSE(memcmp(&self->info, replay__info(replay), sizeof(self->info)));
	seed = 88172645463325252ULL;
	for (int i = 0; i < 20; i++) {
		struct snapshot *snap = random_snapshot(i), *again;

		ASSERT_EQ(0, replay__get(replay, i, &again));
		same(snap, again);
		snapshot__free(snap);
		snapshot__free(again);
	}
	replay__close(replay);
}

TEST_F(file, cut, "cut at any byte, a recording has the snapshots before and says so")
{
	struct replay *replay;
	size_t last = 0, nr;
	off_t size;
	int err;

	record_some(self, 3, 1 << 30);
	for (size = size_of(self->path) - 1; size >= 0; size--) {
		ASSERT_EQ(0, truncate(self->path, size));
		err = replay__open(&replay, self->path);
		if (err) {
			ASSERT_EQ(-EBADMSG, err);
			continue;
		}
		nr = replay__nr(replay);
		ASSERT_LE(nr, 2);
		if (replay__state(replay) == REPLAY_WHOLE)
			last |= 1 << nr;
		else
			ASSERT_EQ(REPLAY_CUT, replay__state(replay));
		replay__close(replay);
	}
	/* Between snapshots, and only there, it is whole. */
	ASSERT_EQ(7, last);
}

TEST_F(file, damaged, "a wrong byte anywhere is noticed")
{
	off_t size;
	int fd;

	record_some(self, 2, 1 << 30);
	size = size_of(self->path);
	fd = open(self->path, O_RDWR);
	ASSERT_LE(0, fd);
	for (off_t at = 0; at < size; at++) {
		struct replay *replay;
		unsigned char byte;
		int err;

		ASSERT_EQ(1, pread(fd, &byte, 1, at));
		byte ^= 1 << (at % 8);
		ASSERT_EQ(1, pwrite(fd, &byte, 1, at));
		err = replay__open(&replay, self->path);
		if (!err) {
			if (replay__state(replay) == REPLAY_WHOLE)
				diag("byte %ld", (long)at);
			ASSERT_NE(REPLAY_WHOLE, replay__state(replay));
			ASSERT_LE(replay__nr(replay), 1);
			replay__close(replay);
		} else {
			ASSERT_TRUE(err == -EBADMSG || err == -EPROTONOSUPPORT);
		}
		byte ^= 1 << (at % 8);
		ASSERT_EQ(1, pwrite(fd, &byte, 1, at));
	}
	close(fd);
}

TEST_F(file, bounded, "both files together stay below the bound, and the last is whole")
{
	struct replay *replay;
	struct snapshot *snap;
	__u64 max = 100000, seq;

	record_some(self, 300, max);
	ASSERT_LE(size_of(self->path) + size_of(self->old), max);
	ASSERT_LE(max / 4, size_of(self->old));
	ASSERT_EQ(0, replay__open(&replay, self->old));
	ASSERT_EQ(REPLAY_WHOLE, replay__state(replay));
	ASSERT_EQ(0, replay__get(replay, replay__nr(replay) - 1, &snap));
	seq = snap->seq;
	snapshot__free(snap);
	replay__close(replay);
	ASSERT_EQ(0, replay__open(&replay, self->path));
	ASSERT_EQ(0, replay__get(replay, 0, &snap));
	ASSERT_EQ(seq + 1, snap->seq);
	snapshot__free(snap);
	ASSERT_EQ(0, replay__get(replay, replay__nr(replay) - 1, &snap));
	ASSERT_EQ(299, snap->seq);
	snapshot__free(snap);
	replay__close(replay);
}

TEST_F(file, exists, "nothing that is there is written over")
{
	struct record *record;

	record_some(self, 1, 1 << 30);
	ASSERT_EQ(-EEXIST, record__open(&record, self->path, 1 << 30, &self->info));
	ASSERT_EQ(0, rename(self->path, self->old));
	ASSERT_EQ(-EEXIST, record__open(&record, self->path, 1 << 30, &self->info));
	ASSERT_EQ(0, size_of(self->path));
}

TEST_F(file, full, "on a full disk it ends, whole")
{
	struct rlimit limit = { 3000, 3000 };
	struct replay *replay;
	struct record *record;
	int err = 0, nr;

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	ASSERT_EQ(0, record__open(&record, self->path, 1 << 30, &self->info));
	for (nr = 0; !err; nr++) {
		struct snapshot *snap = new_snapshot(0);

		snap->total.state = ROW_TOTAL;
		random_values(&snap->total);
		err = record__add(record, snap);
		snapshot__free(snap);
	}
	ASSERT_TRUE(err == -ENOSPC || err == -EFBIG);
	record__close(record);
	ASSERT_EQ(0, replay__open(&replay, self->path));
	ASSERT_EQ(REPLAY_WHOLE, replay__state(replay));
	ASSERT_EQ(nr - 1, replay__nr(replay));
	replay__close(replay);
}

TEST_F(file, no_recording, "what is no recording is refused, without waiting")
{
	struct replay *replay;

	ASSERT_EQ(-ENOENT, replay__open(&replay, self->path));
	ASSERT_EQ(-EISDIR, replay__open(&replay, self->dir));
	ASSERT_EQ(-EBADMSG, replay__open(&replay, "/dev/zero"));
	ASSERT_EQ(0, mkfifo(self->path, 0600));
	ASSERT_EQ(-EBADMSG, replay__open(&replay, self->path));
	ASSERT_EQ(-EBADMSG, replay__open(&replay, "/proc/self/exe"));
}

TEST_F(file, later, "metrics of another version are left out, the others are read")
{
	struct bytes says = { 0 }, file = { 0 };
	struct replay *replay;
	int fd;

	for (int i = 0; i < 5; i++)
		put_text(&says, "x");
	put_number(&says, 0);
	put_number(&says, SECOND);
	put_number(&says, HIST_SUB_BITS);
	put_number(&says, HIST_MAX_EXP);
	put_number(&says, 2);
	put_text(&says, "of_tomorrow");
	put_u8(&says, 0);
	put_text(&says, metrics[METRIC_MAPPED].key);
	put_u8(&says, 0);
	put_number(&says, 0);
	put_bytes(&file, RECORD_MAGIC, RECORD_MAGIC_LEN);
	put_u32(&file, RECORD_VERSION);
	put_u32(&file, says.len);
	put_u32(&file, crc32(0, says.data, says.len));
	put_bytes(&file, says.data, says.len);
	fd = open(self->path, O_CREAT | O_RDWR, 0600);
	ASSERT_EQ(file.len, write(fd, file.data, file.len));
	ASSERT_EQ(0, replay__open(&replay, self->path));
	ASSERT_EQ(0, replay__nr(replay));
	replay__close(replay);
	file.data[RECORD_MAGIC_LEN] = RECORD_VERSION + 1;
	ASSERT_EQ(file.len, pwrite(fd, file.data, file.len, 0));
	ASSERT_EQ(-EPROTONOSUPPORT, replay__open(&replay, self->path));
	bytes__free(&says);
	bytes__free(&file);
	close(fd);
}

TEST(history, "memory and time are bounded; numbers stay, what is there comes back")
{
	struct history *history = history__new(50000, 100 * SECOND);
	struct snapshot *snap, *again;

	ASSERT_TRUE(history);
	ASSERT_EQ(history__first(history), history__end(history));
	for (int i = 0; i < 500; i++) {
		snap = random_snapshot(i);
		ASSERT_EQ(0, history__add(history, snap));
		ASSERT_EQ(i + 1, history__end(history));
		ASSERT_LE(history__bytes(history), 50000);
		ASSERT_LE(history__end(history) - history__first(history), 101);
		ASSERT_EQ(0, history__get(history, i, &again));
		same(snap, again);
		snapshot__free(again);
		snapshot__free(snap);
		ASSERT_EQ(0, history__get(history, history__first(history), &again));
		ASSERT_EQ(history__first(history), again->seq);
		ASSERT_EQ(again->ts_ns, history__ts_ns(history, history__first(history)));
		snapshot__free(again);
	}
	ASSERT_LT(2, history__end(history) - history__first(history));
	ASSERT_LT(0, history__first(history));
	history__free(history);
	history = history__new(100, SECOND);
	snap = random_snapshot(1);
	ASSERT_EQ(-E2BIG, history__add(history, snap));
	snapshot__free(snap);
	history__free(history);
}

/* ---- how often one can afford to look ---- */

#define MS 1000000ULL

TEST(pace, "readings that cost too much come less often, and as before when they are cheap")
{
	struct pace pace = { .percent = PACE_PERCENT };
	char text[160];

	pace__set(&pace, SECOND);
	ASSERT_FALSE(pace__step(&pace, 250 * MS));
	pace__text(&pace, text, sizeof(text));
	ASSERT_STREQ("", text);
	ASSERT_FALSE(pace__step(&pace, 260 * MS));
	/* One alone may have been an accident. */
	ASSERT_FALSE(pace__step(&pace, 100 * MS));
	ASSERT_FALSE(pace__step(&pace, 900 * MS));
	ASSERT_TRUE(pace__step(&pace, 900 * MS));
	ASSERT_EQ(4 * SECOND, pace.now_ns);
	pace__text(&pace, text, sizeof(text));
	ASSERT_TRUE(strstr(text, "every 4s, not 1s"));
	ASSERT_FALSE(pace__step(&pace, 300 * MS));
	ASSERT_TRUE(pace__step(&pace, 200 * MS));
	ASSERT_EQ(2 * SECOND, pace.now_ns);
	ASSERT_TRUE(pace__step(&pace, 100 * MS));
	ASSERT_EQ(SECOND, pace.now_ns);
	ASSERT_FALSE(pace__step(&pace, 0));
	ASSERT_EQ(SECOND, pace.now_ns);
	for (int i = 0; i < 100; i++)
		pace__step(&pace, 3600 * SECOND);
	ASSERT_LE(PACE_MAX_NS, pace.now_ns);
	ASSERT_LE(pace.now_ns, 2 * PACE_MAX_NS);
	pace.percent = 0;
	pace__set(&pace, SECOND);
	for (int i = 0; i < 100; i++)
		ASSERT_FALSE(pace__step(&pace, 3600 * SECOND));
}

HARNESS_MAIN
