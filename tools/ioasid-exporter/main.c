// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "collector.h"
#include "confine.h"
#include "exporter.h"
#include "ticker.h"

#define RETRY_NS	1000000000ULL

struct exporter {
	const struct options *options;
	struct state state;
	struct viewer viewer;
	struct http *http;
	pid_t collector;	/* 0: not ours */
	int signals;
	__u64 retry_ns;
	char said[256];
	bool stop;
	int status;
};

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int listen_at(const struct options *options)
{
	socklen_t len = options->listen.ss_family == AF_INET ? sizeof(struct sockaddr_in) :
							       sizeof(struct sockaddr_in6);
	int fd, one = 1;

	fd = socket(options->listen.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (const struct sockaddr *)&options->listen, len) || listen(fd, 64)) {
		fprintf(stderr, "ioasid-exporter: cannot listen at %s: %s\n",
			options->listen_text, strerror(errno));
		return -1;
	}
	if (!is_loopback(&options->listen))
		fprintf(stderr, "ioasid-exporter: %s is no loopback address: whoever reaches it can read names of processes and devices\n",
			options->listen_text);
	return fd;
}

static void say(struct exporter *exporter, const char *what)
{
	if (!strcmp(exporter->said, what))
		return;
	snprintf(exporter->said, sizeof(exporter->said), "%s", what);
	if (*what)
		fprintf(stderr, "ioasid-exporter: %s\n", what);
}

/* The child: never comes back. */
static void collect(const struct options *options, int fd)
{
	struct publisher *publisher = publisher__new(-1, options->interval * 1e9);
	char why[200];
	int err;

	err = confine(options->user, true, why, sizeof(why));
	if (err) {
		fprintf(stderr, "ioasid-exporter: %s\n", why);
		_exit(EXIT_FAILED);
	}
	err = publisher ? publisher__add(publisher, fd) : -ENOMEM;
	if (!err)
		err = collector__run("ioasid-exporter", &options->gather, publisher,
				     options->interval * 1e9, true);
	if (err)
		fprintf(stderr, "ioasid-exporter: the collector ends: %s\n", strerror(-err));
	_exit(err ? EXIT_FAILED : EXIT_OK);
}

/* Before anything is open that a collector should not have. */
static int start_collector(struct exporter *exporter)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	exporter->collector = fork();
	if (exporter->collector < 0)
		return -errno;
	if (!exporter->collector) {
		close(fds[0]);
		collect(exporter->options, fds[1]);
	}
	close(fds[1]);
	viewer__attach(&exporter->viewer, fds[0]);
	exporter->state.connected = true;
	return 0;
}

static void connect_collector(struct exporter *exporter)
{
	char why[256];

	if (now_ns() < exporter->retry_ns)
		return;
	exporter->retry_ns = now_ns() + RETRY_NS;
	if (viewer__connect(&exporter->viewer, exporter->options->socket, why, sizeof(why))) {
		say(exporter, why);
		return;
	}
	exporter->state.connected = true;
}

/* The collector is gone. Without one of our own there may be another. */
static void lose_collector(struct exporter *exporter, const char *why)
{
	viewer__close(&exporter->viewer);
	exporter->state.connected = false;
	exporter->retry_ns = now_ns() + RETRY_NS;
	say(exporter, why);
	if (!exporter->collector || exporter->stop)
		return;
	exporter->stop = true;
	exporter->status = EXIT_FAILED;
}

static void read_collector(struct exporter *exporter)
{
	struct snapshot *snap;
	char why[256];

	for (;;) {
		if (viewer__read(&exporter->viewer, &snap, why, sizeof(why))) {
			lose_collector(exporter, why);
			return;
		}
		if (!snap)
			return;
		say(exporter, "");
		if (state__add(&exporter->state, snap, &exporter->viewer.status))
			say(exporter, "out of memory: not all spaces have samples of their own");
	}
}

static void take_signal(struct exporter *exporter)
{
	struct signalfd_siginfo info;

	while (read(exporter->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP && exporter->collector)
			kill(exporter->collector, SIGHUP);
		else if (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM)
			exporter->stop = true;
	}
}

static int open_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve(struct exporter *exporter)
{
	while (!exporter->stop) {
		struct pollfd fds[] = {
			{ .fd = http__fd(exporter->http), .events = POLLIN },
			{ .fd = exporter->signals, .events = POLLIN },
			{ .fd = exporter->viewer.fd, .events = POLLIN },	/* -1: not asked */
		};

		poll(fds, 3, http__timeout_ms(exporter->http));
		if (exporter->viewer.fd < 0)
			connect_collector(exporter);
		else if (fds[2].revents)
			read_collector(exporter);
		http__run(exporter->http);
		take_signal(exporter);
	}
}

static int run(struct exporter *exporter, int listener)
{
	char why[256];
	int err;

	err = confine(exporter->options->user, false, why, sizeof(why));
	if (err) {
		fprintf(stderr, "ioasid-exporter: %s\n", why);
		return EXIT_FAILED;
	}
	exporter->signals = open_signals();
	exporter->state.options = exporter->options;
	exporter->state.totals = totals__new(exporter->options->max_spaces);
	if (exporter->signals < 0 || !exporter->state.totals) {
		fprintf(stderr, "ioasid-exporter: out of memory\n");
		return EXIT_FAILED;
	}
	err = http__open(&exporter->http, &exporter->state, listener);
	if (err) {
		fprintf(stderr, "ioasid-exporter: cannot serve: %s\n", strerror(-err));
		return EXIT_FAILED;
	}
	serve(exporter);
	http__close(exporter->http);
	return exporter->status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct exporter exporter = { .options = &options, .viewer.fd = -1 };
	int listener, status, err;

	options__parse(&options, argc, argv);
	if (!options.socket) {
		err = start_collector(&exporter);
		if (err) {
			fprintf(stderr, "ioasid-exporter: cannot start the collector: %s\n",
				strerror(-err));
			return EXIT_FAILED;
		}
	}
	listener = listen_at(&options);
	status = listener < 0 ? EXIT_FAILED : run(&exporter, listener);
	viewer__close(&exporter.viewer);
	if (exporter.collector > 0)
		waitpid(exporter.collector, NULL, 0);
	totals__free(exporter.state.totals);
	snapshot__free(exporter.state.snap);
	return status;
}
