// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "ticker.h"

#define NS_PER_S	1000000000ULL

__u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int set(int fd, __u64 first_ns, __u64 interval_ns)
{
	__u64 first = now_ns() + first_ns;
	struct itimerspec spec = {
		.it_value = { first / NS_PER_S, first % NS_PER_S },
		.it_interval = { interval_ns / NS_PER_S, interval_ns % NS_PER_S },
	};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) ? -errno : 0;
}

int ticker__set(int fd, __u64 interval_ns)
{
	return set(fd, interval_ns, interval_ns);
}

int ticker__set_soon(int fd, __u64 first_ns, __u64 interval_ns)
{
	return set(fd, first_ns < interval_ns ? first_ns : interval_ns, interval_ns);
}

int ticker__open(__u64 interval_ns)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	err = ticker__set(fd, interval_ns);
	if (!err)
		return fd;
	close(fd);
	return err;
}

void ticker__take(int fd)
{
	__u64 expirations;

	/* Nothing to read is no error: somebody set the timer anew. */
	if (read(fd, &expirations, sizeof(expirations)) < 0)
		return;
}
