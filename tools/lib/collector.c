// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "collector.h"
#include "ticker.h"
#include "wire.h"

struct collector {
	const char *name;
	struct gather *gather;
	struct publisher *publisher;
	int ticker, signals;
	bool alone;		/* nobody can connect */
	bool stop;
	char said[NOTICE_LEN];
};

/* In the log once, not each second. */
static void say_notice(struct collector *collector)
{
	const char *notice = gather__notice(collector->gather);

	if (!strcmp(notice, collector->said))
		return;
	snprintf(collector->said, sizeof(collector->said), "%s", notice);
	fprintf(stderr, "%s: %s\n", collector->name, *notice ? notice : "all there again");
}

static int tick(struct collector *collector)
{
	struct wire_status status = { 0 };
	struct snapshot *snap;
	__u64 start = now_ns();
	size_t size;
	void *frame;
	int err;

	err = gather__read(collector->gather, &snap);
	if (err)
		return err;
	say_notice(collector);
	if (!snap)
		return 0;
	status.up = gather__is_up(collector->gather);
	status.read_ns = now_ns() - start;
	snprintf(status.notice, sizeof(status.notice), "%s", gather__notice(collector->gather));
	err = wire__pack(snap, &status, &frame, &size);
	snapshot__free(snap);
	return err ? err : publisher__send(collector->publisher, frame, size);
}

static void take_signal(struct collector *collector)
{
	struct signalfd_siginfo info;

	if (read(collector->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		gather__let_go(collector->gather);
	else
		collector->stop = true;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int wait_and_do(struct collector *collector)
{
	struct pollfd fds[PUBLISH_VIEWERS + 3] = {
		{ .fd = collector->ticker, .events = POLLIN },
		{ .fd = collector->signals, .events = POLLIN },
	};
	int nr = publisher__fds(collector->publisher, fds + 2), err = 0;

	if (poll(fds, nr + 2, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	publisher__run(collector->publisher);
	/* What was asked for by then is seen in this reading. */
	if (fds[1].revents)
		take_signal(collector);
	if (fds[0].revents || fds[1].revents) {
		ticker__take(collector->ticker);
		err = tick(collector);
	}
	if (collector->alone && !publisher__nr(collector->publisher))
		collector->stop = true;
	return err;
}

int collector__run(const char *name, const struct gather_options *options,
		   struct publisher *publisher, __u64 interval_ns, bool alone)
{
	struct collector collector = {
		.name = name,
		.gather = gather__new(options),
		.publisher = publisher,
		.ticker = ticker__open(interval_ns),
		.signals = open_signals(),
		.alone = alone,
	};
	int err = 0;

	if (!collector.gather || collector.ticker < 0 || collector.signals < 0)
		err = -ENOMEM;
	if (!err)
		err = tick(&collector);
	while (!err && !collector.stop)
		err = wait_and_do(&collector);
	gather__free(collector.gather);
	if (collector.ticker >= 0)
		close(collector.ticker);
	if (collector.signals >= 0)
		close(collector.signals);
	return err;
}
