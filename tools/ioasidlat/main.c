// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "hlog.h"
#include "ioasidlat.h"
#include "lat_reader.h"
#include "lat_text.h"
#include "probe.h"
#include "probe_out.h"
#include "term.h"
#include "ticker.h"
#include "version.h"

struct session {
	struct options *options;
	struct lat_reader *reader;
	struct lat lat;
	struct hlog *hlog;
	struct heat heat;
	char notice[256];
	int stop;	/* readable at SIGINT, SIGTERM, SIGHUP */
};

static int stop_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "ioasidlat: %s: %s\n", what, strerror(-err));
	return EXIT_FAILED;
}

static void default_width(struct options *options)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;

	if (options->width)
		return;
	options->width = text ? atoi(text) : 0;
	if (!options->width && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		options->width = size.ws_col;
	if (options->width < 40 || options->width > 1000)
		options->width = 80;
}

/* Whether BPF works is found out by doing it: nothing stays attached. */
static int run_probe(struct options *options)
{
	struct lat_reader *reader = NULL;
	__u64 ops = options->ops;
	const char *obstacle;
	struct probe probe;
	char why[200] = "";
	int err;

	probe__run(&probe);
	obstacle = probe__bpf_obstacle(&probe);
	if (!obstacle && lat_reader__open(&reader, WATCH_IOASID, &options->config, &ops,
					  options->memory, options->verbose, why, sizeof(why)))
		obstacle = *why ? why : "out of memory";
	lat_reader__close(reader);
	err = probe__print(stdout, "ioasidlat", &probe, obstacle, true, options->json);
	return err ? fail("cannot write", err) : EXIT_OK;
}

/* Most of it needs privileges, which are given up here. */
static int open_session(struct session *session)
{
	struct options *options = session->options;
	__u64 ops = options->ops;
	struct probe probe;
	bool chosen;
	char why[256] = "";
	int err;

	probe__run(&probe);
	chosen = options->watch == WATCH_AUTO;
	options->watch = watch__choose(options->watch, &probe);
	if (!watch__has_times(options->watch)) {
		fprintf(stderr, "ioasidlat: the kernel's tracepoints of IOMMUs have no times: load ioasid, vfio_iommu_type1 or iommufd\n");
		return EXIT_UNSUPPORTED;
	}
	if (watch__obstacle(options->watch, &probe, why, sizeof(why))) {
		fprintf(stderr, "ioasidlat: %s\n", why);
		return EXIT_UNSUPPORTED;
	}
	if (options->hlog) {
		err = hlog__open(&session->hlog, options->hlog, "ioasidlat " IOASID_TOOLS_VERSION);
		if (err)
			return fail(options->hlog, err);
	}
	err = lat_reader__open(&session->reader, options->watch, &options->config, &ops,
			       options->memory, options->verbose, why, sizeof(why));
	if (err && *why && err != -ENOMEM && err != -ENOENT && options->watch != WATCH_IOASID)
		watch__explain(options->watch, &probe, err, why, sizeof(why));
	if (!err && ops != options->ops && !options->all_ops)
		err = -ENOENT;
	if (err) {
		fprintf(stderr, "ioasidlat: %s\n", *why ? why : strerror(-err));
		return EXIT_UNSUPPORTED;
	}
	if (chosen && options->watch != WATCH_IOASID)
		snprintf(session->notice, sizeof(session->notice),
			 "the ioasid driver is not loaded: watching %s",
			 watch__describe(options->watch));
	else if (ops != options->ops && options->watch == WATCH_IOASID)
		snprintf(session->notice, sizeof(session->notice), "%s", why);
	options->ops = ops;
	caps__drop(false);
	session->lat = (struct lat){ .by = options->config.by, .start_ns = now_ns() };
	return EXIT_OK;
}

static void print_time(const struct lat *lat, bool total)
{
	__u64 ns = total ? lat->ts_ns - lat->start_ns : lat->interval_ns;
	time_t now = time(NULL);
	char text[16];
	struct tm tm;

	if (!localtime_r(&now, &tm))
		tm = (struct tm){ 0 };
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s  %s %.2f s\n", text, total ? "in all, of" : "interval of", ns / 1e9);
}

static void print_tables(const struct session *session, bool total)
{
	static bool before;

	if (before)
		putchar('\n');
	before = true;
	print_time(&session->lat, total);
	lat__print_table(stdout, &session->lat, total);
	if (session->options->histogram)
		lat__print_histograms(stdout, &session->lat, total, session->options->width);
}

static void print_heat(struct session *session)
{
	time_t now = time(NULL);
	char text[16];
	struct tm tm;

	if (!localtime_r(&now, &tm))
		tm = (struct tm){ 0 };
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	heat__print(&session->heat, stdout, &session->lat, text);
}

/* What was just read, or all of it. */
static int show(struct session *session, bool total)
{
	const struct options *options = session->options;
	const char *notice = *session->notice ? session->notice : NULL;

	if (options->json)
		return json__latencies(&session->lat, options, total, notice);
	if (options->heatmap && !total)
		print_heat(session);
	else
		print_tables(session, total);
	return fflush(stdout) ? -EIO : 0;
}

static int write_log(struct session *session, bool total)
{
	const struct lat *lat = &session->lat;
	__u64 length = total ? lat->ts_ns - lat->start_ns : lat->interval_ns;
	const struct lat_times *times;
	char tag[LAT_TAG_LEN];
	int err = 0;

	for (size_t i = 0; !err && i < lat->nr; i++) {
		times = lat_row__times(lat->rows[i], total);
		if (!lat_times__count(times))
			continue;
		lat_row__tag(lat, lat->rows[i], tag, sizeof(tag));
		err = hlog__write(session->hlog, tag, lat->ts_ns - length - lat->start_ns, length,
				  lat_times__max(times, total), times->hist);
	}
	return err;
}

/* The log has either intervals or the whole: who adds up its lines gets what there was. */
static int step(struct session *session)
{
	int err = show(session, false);

	if (!err && session->hlog)
		err = write_log(session, false);
	return err;
}

/* False: it is time to end. */
static bool wait_for_tick(struct session *session, int ticker, int deadline)
{
	struct pollfd fds[] = {
		{ .fd = session->stop, .events = POLLIN },
		{ .fd = deadline, .events = POLLIN },
		{ .fd = ticker, .events = POLLIN },
	};

	while (poll(fds, 3, -1) < 0 && errno == EINTR)
		;
	if (fds[2].revents)
		ticker__take(ticker);
	return !fds[0].revents && !fds[1].revents;
}

/* The timers are not one: rather a last interval that is a little longer than none. */
static bool is_over(const struct session *session)
{
	const struct options *options = session->options;

	return options->duration_ns &&
	       now_ns() - session->lat.start_ns + options->interval_ns / 10 >= options->duration_ns;
}

/* All intervals but the last, which ends when the programs are detached. */
static int measure(struct session *session, int ticker, int deadline)
{
	const struct options *options = session->options;
	unsigned long n = 0;
	int err = 0;

	while (!err && wait_for_tick(session, ticker, deadline)) {
		if (++n == options->count || is_over(session))
			break;
		err = lat_reader__read(session->reader, &session->lat);
		if (!err)
			err = step(session);
	}
	return err;
}

static int finish(struct session *session)
{
	bool intervals = session->options->interval_ns;
	int err;

	lat_reader__stop(session->reader);
	err = lat_reader__read(session->reader, &session->lat);
	if (!err && intervals)
		err = step(session);
	if (!err)
		err = show(session, true);
	if (!err && session->hlog && !intervals)
		err = write_log(session, true);
	return err;
}

static int run(struct session *session)
{
	const struct options *options = session->options;
	int ticker = -1, deadline = -1, err;

	if (options->interval_ns)
		ticker = ticker__open(options->interval_ns);
	if (options->duration_ns)
		deadline = ticker__open(options->duration_ns);
	session->stop = stop_fd();
	if (session->stop < 0 || (options->interval_ns && ticker < 0) ||
	    (options->duration_ns && deadline < 0))
		return fail("cannot wait", -errno);
	if (isatty(STDERR_FILENO) && !options->duration_ns && !options->count)
		fprintf(stderr, "ioasidlat: measuring, ^C ends it\n");
	if (options->heatmap) {
		heat__header(&session->heat, stdout);
		fflush(stdout);
	}
	err = measure(session, ticker, deadline);
	if (!err)
		err = finish(session);
	if (!err && session->hlog) {
		err = hlog__close(session->hlog);
		session->hlog = NULL;
	}
	if (err)
		return fail("cannot go on", err);
	if (options->strict && (session->lat.missed || lat__unattributed(&session->lat)))
		return EXIT_INCOMPLETE;
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	struct options options;
	struct session session = { .options = &options };
	int status;

	options__parse(&options, argc, argv);
	if (options.probe)
		return run_probe(&options);
	default_width(&options);
	status = open_session(&session);
	if (status == EXIT_OK && *session.notice && !options.json)
		fprintf(stderr, "ioasidlat: %s\n", session.notice);
	heat__init(&session.heat, &session.lat, options.width, term__colors());
	if (status == EXIT_OK)
		status = run(&session);
	lat_reader__close(session.reader);
	hlog__close(session.hlog);
	lat__free(&session.lat);
	return status;
}
