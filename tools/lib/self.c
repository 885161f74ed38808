// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "self.h"

#define NS_PER_S 1000000000ULL

int self__measure_bpf(struct self_watch *watch)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (fd < 0)
		return fd;
	watch->stats_fd = fd;
	return 0;
}

void self__close(struct self_watch *watch)
{
	if (watch->stats_fd > 0)
		close(watch->stats_fd);
}

static bool is_measured(const struct self_watch *watch)
{
	bool on = watch->stats_fd > 0;
	char *text;

	if (!on && !read_text(AT_FDCWD, "/proc/sys/kernel/bpf_stats_enabled", &text)) {
		on = *text == '1';
		free(text);
	}
	return on;
}

static __u64 cpu_ns(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static __u64 rss_bytes(void)
{
	unsigned long size, resident = 0;
	char *text;

	if (read_text(AT_FDCWD, "/proc/self/statm", &text))
		return 0;
	if (sscanf(text, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	free(text);
	return (__u64)resident * sysconf(_SC_PAGESIZE);
}

void self__fill(struct self_watch *watch, struct snapshot *snap, __u64 map_bytes, __u64 bpf_ns,
		__u64 bpf_runs)
{
	__u64 cpu = cpu_ns();

	if (snap && watch->started) {
		snap->self.known = true;
		snap->self.cpu_ns = cpu - watch->cpu_ns;
		snap->self.rss_bytes = rss_bytes();
		snap->self.map_bytes = map_bytes;
		snap->self.bpf_known = map_bytes && is_measured(watch);
		snap->self.bpf_ns = bpf_ns - watch->bpf_ns;
		snap->self.bpf_runs = bpf_runs - watch->bpf_runs;
	}
	watch->started = true;
	watch->cpu_ns = cpu;
	watch->bpf_ns = bpf_ns;
	watch->bpf_runs = bpf_runs;
}

void pace__set(struct pace *pace, __u64 wanted_ns)
{
	pace->wanted_ns = wanted_ns;
	pace->now_ns = wanted_ns;
	pace->over = 0;
}

static bool is_affordable(const struct pace *pace, __u64 cost_ns, __u64 interval_ns)
{
	return !pace->percent || cost_ns / pace->percent <= interval_ns / 100;
}

bool pace__step(struct pace *pace, __u64 cost_ns)
{
	__u64 before = pace->now_ns, half = pace->now_ns / 2;

	if (!is_affordable(pace, cost_ns, pace->now_ns)) {
		if (++pace->over < 2)
			return false;
		while (!is_affordable(pace, cost_ns, pace->now_ns) && pace->now_ns < PACE_MAX_NS)
			pace->now_ns *= 2;
	} else if (pace->now_ns > pace->wanted_ns && is_affordable(pace, 2 * cost_ns, half)) {
		pace->now_ns = half > pace->wanted_ns ? half : pace->wanted_ns;
	}
	pace->over = 0;
	return pace->now_ns != before;
}

void pace__text(const struct pace *pace, char *text, size_t size)
{
	*text = '\0';
	if (pace->now_ns != pace->wanted_ns)
		snprintf(text, size,
			 "every %.3gs, not %.3gs: a reading takes more than %d %% of one processor otherwise",
			(double)pace->now_ns / NS_PER_S, (double)pace->wanted_ns / NS_PER_S,
			PACE_PERCENT);
}
