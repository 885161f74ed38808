// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The wire between collector and viewers, with both ends in one process. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"
#include "publish.h"
#include "snapshot_util.h"
#include "viewer.h"

#define SPACES	40

static struct snapshot *numbered(__u64 seq)
{
	struct snapshot *snap = new_snapshot(SPACES);

	snap->seq = seq;
	snap->total.state = ROW_TOTAL;
	for (int i = 0; i < SPACES; i++) {
		struct row *row = set_space(snap, i, i + 1, 1);

		snprintf(row->comm, sizeof(row->comm), "process %d", i);
		set_value(row, METRIC_MAP_COUNT, seq * 1000 + i);
		add_timed(row, TIMING_MAP, 1000 * (i + 1), seq);
	}
	return snap;
}

static void publish(struct publisher *publisher, __u64 seq)
{
	struct wire_status status = { .up = 1, .notice = "a notice" };
	struct snapshot *snap = numbered(seq);
	size_t size;
	void *data;

	ASSERT_EQ(0, wire__pack(snap, &status, &data, &size));
	ASSERT_EQ(0, publisher__send(publisher, data, size));
	snapshot__free(snap);
}

/* A viewer with a small buffer: what does not fit has to wait. */
static void join(struct publisher *publisher, struct viewer *viewer)
{
	int fds[2], small = 4096;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	ASSERT_EQ(0, setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	ASSERT_EQ(0, publisher__add(publisher, fds[0]));
	viewer__attach(viewer, fds[1]);
}

static void check(const struct snapshot *snap, __u64 seq)
{
	ASSERT_TRUE(snap);
	ASSERT_EQ(seq, snap->seq);
	ASSERT_EQ(SPACES, snap->nr_rows);
	for (int i = 0; i < SPACES; i++) {
		ASSERT_EQ(seq * 1000 + i, snap->rows[i].v[METRIC_MAP_COUNT].count);
		ASSERT_EQ(1, snap->rows[i].times[TIMING_MAP]->nr);
		ASSERT_EQ(seq, snap->rows[i].times[TIMING_MAP]->at[0].count);
	}
}

TEST(wire, "each viewer has each snapshot once, in order, however slowly it reads")
{
	struct publisher *publisher = publisher__new(-1, SECOND);
	struct viewer fast, slow;
	__u64 seen_fast = 0, seen_slow = 0;
	struct snapshot *snap;
	char why[256];

	ASSERT_TRUE(publisher);
	join(publisher, &fast);
	join(publisher, &slow);
	for (__u64 seq = 1; seq <= 500; seq++) {
		publish(publisher, seq);
		/* The fast one takes all there is, the slow one sometimes some. */
		for (;;) {
			publisher__run(publisher);
			ASSERT_EQ(0, viewer__read(&fast, &snap, why, sizeof(why)));
			if (!snap && seen_fast == seq)
				break;
			if (!snap)
				continue;
			check(snap, ++seen_fast);
			snapshot__free(snap);
		}
		for (int i = 0; seq % 50 == 0 && i < 1000 && seen_slow < seq; i++) {
			publisher__run(publisher);
			ASSERT_EQ(0, viewer__read(&slow, &snap, why, sizeof(why)));
			if (!snap)
				continue;
			check(snap, ++seen_slow);
			snapshot__free(snap);
		}
	}
	ASSERT_EQ(500, seen_fast);
	ASSERT_EQ(500, seen_slow);
	ASSERT_EQ(SECOND, slow.hello.interval_ns);
	ASSERT_EQ(0, strcmp(slow.status.notice, "a notice"));
	viewer__close(&fast);
	publisher__run(publisher);
	ASSERT_EQ(1, publisher__nr(publisher));
	viewer__close(&slow);
	publisher__free(publisher);
}

TEST(cut, "who does not read at all is cut off, and what it got until then is whole")
{
	struct publisher *publisher = publisher__new(-1, SECOND);
	struct viewer good, bad;
	struct snapshot *snap;
	__u64 seen = 0, at = 0;
	char why[256];
	int err = 0;

	join(publisher, &good);
	join(publisher, &bad);
	while (publisher__nr(publisher) == 2) {
		ASSERT_LT(at, PUBLISH_FRAMES + 10);
		publish(publisher, ++at);
		for (snap = NULL; !snap;) {
			publisher__run(publisher);
			ASSERT_EQ(0, viewer__read(&good, &snap, why, sizeof(why)));
		}
		check(snap, at);
		snapshot__free(snap);
	}
	ASSERT_LE(PUBLISH_FRAMES, at);
	for (;;) {
		err = viewer__read(&bad, &snap, why, sizeof(why));
		if (err)
			break;
		ASSERT_TRUE(snap);
		check(snap, ++seen);
		snapshot__free(snap);
	}
	ASSERT_EQ(-EPIPE, err);
	ASSERT_EQ(0, strcmp(why, "the collector has ended"));
	ASSERT_LT(seen, at);
	viewer__close(&good);
	viewer__close(&bad);
	publisher__free(publisher);
}

/* What a collector that was broken, or is none, might send. */
static int feed(const void *data, size_t size, size_t cut)
{
	struct snapshot *snap;
	struct viewer viewer;
	char why[256];
	int fds[2], err;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	ASSERT_EQ(0, fcntl(fds[0], F_SETFL, O_NONBLOCK));
	viewer__attach(&viewer, fds[1]);
	ASSERT_EQ(cut, send(fds[0], data, cut < size ? cut : size, MSG_NOSIGNAL));
	close(fds[0]);
	do {
		err = viewer__read(&viewer, &snap, why, sizeof(why));
		if (!err)
			snapshot__free(snap);
	} while (!err && snap);
	viewer__close(&viewer);
	return err;
}

TEST(hostile, "bytes that are changed or missing are an error or another snapshot, never more")
{
	struct wire_status status = { .up = 1 };
	struct snapshot *snap = numbered(1);
	struct wire_hello hello;
	char text[32768];
	size_t size, all;
	void *data;

	wire__hello(&hello, SECOND);
	ASSERT_EQ(0, wire__pack(snap, &status, &data, &size));
	snapshot__free(snap);
	all = sizeof(hello) + size;
	ASSERT_LE(all, sizeof(text));
	memcpy(text, &hello, sizeof(hello));
	memcpy(text + sizeof(hello), data, size);
	free(data);
	ASSERT_EQ(-EPIPE, feed(text, all, all));
	for (size_t cut = 0; cut < all; cut += 7)
		ASSERT_EQ(-EPIPE, feed(text, all, cut));
	for (size_t at = 0; at < all; at++) {
		int err;

		text[at] ^= 0xff;
		err = feed(text, all, all);
		ASSERT_TRUE(err == -EPIPE || err == -EPROTO || err == -EBADMSG);
		if (at < 16)
			ASSERT_EQ(-EPROTO, err);
		text[at] ^= 0xff;
	}
}

HARNESS_MAIN
