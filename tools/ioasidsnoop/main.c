// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "ioasidsnoop.h"
#include "probe.h"
#include "probe_out.h"
#include "ticker.h"

#define IDLE_MS		1000	/* then losses are looked for */
#define DRAIN_MS	1000	/* programs that still run have been waited for */

struct session {
	const struct options *options;
	struct feed *feed;
	struct event_out out;
	struct symbols *symbols;
	struct stacks stacks;
	struct ioasid_snoop_count *counts;	/* of each CPU, as last read */
	__u64 *lost;			/* of each CPU, as last said */
	int cpus;
	__u64 start_ns;
	__u64 end_ns;			/* 0: none */
	const char *end;		/* why it ended; NULL: it goes on */
	int err;
};

static __s64 wall_offset(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec - (__s64)now_ns();
}

static void say_lost(struct session *session, __u32 cpu, __u64 lost)
{
	if (cpu >= session->cpus || lost <= session->lost[cpu])
		return;
	session->err = event_out__lost(&session->out, cpu, lost - session->lost[cpu]);
	session->lost[cpu] = lost;
}

static const struct stacks *resolve(struct session *session,
				    const struct ioasid_snoop_event *event,
				    const struct ioasid_snoop_stack_event *stacks)
{
	struct process_at process = { .pid = event->pid, .ts_ns = event->ts_ns };

	if (!stacks)
		return NULL;
	memcpy(process.comm, event->comm, sizeof(process.comm));
	session->stacks.kernel = (struct stack){ 0 };
	session->stacks.user = (struct stack){ 0 };
	if (session->options->user_stacks)
		symbols__user(session->symbols, &process, &session->stacks.user, stacks->user,
			      event->user_size);
	if (session->options->kernel_stacks)
		symbols__kernel(session->symbols, &session->stacks.kernel, stacks->kernel,
				event->kernel_size);
	return &session->stacks;
}

static bool handle(void *arg, const struct ioasid_snoop_event *event,
		   const struct ioasid_snoop_stack_event *stacks)
{
	struct session *session = arg;

	if (session->options->count && session->out.seq >= session->options->count)
		session->end = "count";
	if (session->end_ns && event->ts_ns >= session->end_ns)
		session->end = "duration";
	if (session->end && strcmp(session->end, "signal"))
		return false;
	say_lost(session, event->cpu, event->lost);
	if (!session->err)
		session->err = event_out__event(&session->out, event,
						resolve(session, event, stacks));
	return !session->err;
}

/* Losses that no event has brought with it, on all CPUs. */
static void look_for_losses(struct session *session)
{
	if (feed__counts(session->feed, session->counts, session->cpus))
		return;
	for (int cpu = 0; cpu < session->cpus; cpu++)
		say_lost(session, cpu, session->counts[cpu].lost);
}

static void flush(struct session *session)
{
	struct pollfd reader = { .fd = STDOUT_FILENO };

	if (!session->err && fflush(session->out.file))
		session->err = -EIO;
	if (session->err == -EIO && poll(&reader, 1, 0) > 0 && reader.revents & POLLERR)
		session->err = -EPIPE;
}

static int until_end(const struct session *session)
{
	__u64 now = now_ns();

	if (!session->end_ns || session->end_ns > now + IDLE_MS * 1000000ULL)
		return IDLE_MS;
	return session->end_ns > now ? (session->end_ns - now) / 1000000 + 1 : 0;
}

/* A readable signalfd ends it in good order; a second signal at once. */
static void stop(struct session *session, int signals)
{
	struct signalfd_siginfo info;
	sigset_t set;

	if (read(signals, &info, sizeof(info)) < 0)
		return;
	session->end = "signal";
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int signals_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void loop(struct session *session, int signals)
{
	struct pollfd fds[] = {
		{ .fd = feed__fd(session->feed), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO },	/* whoever read it has gone */
	};
	int nr = 0, ready;

	while (!session->end && !session->err) {
		ready = poll(fds, 3, nr > 0 ? 0 : until_end(session));
		if (ready < 0 && errno != EINTR)
			session->err = -errno;
		else if (ready > 0 && fds[1].revents)
			stop(session, signals);
		else if (ready > 0 && fds[2].revents & POLLERR)
			session->err = -EPIPE;
		if (session->end || session->err)
			break;
		session->out.wall_ns = wall_offset();
		nr = feed__take(session->feed);
		if (nr < 0 && !session->end && !session->err)
			session->err = nr;
		if (!ready && !nr)
			look_for_losses(session);
		if (session->options->count && session->out.seq >= session->options->count)
			session->end = "count";
		else if (!session->end && session->end_ns && now_ns() >= session->end_ns)
			session->end = "duration";
		flush(session);
	}
}

static __u64 sum_of(const struct session *session, bool lost)
{
	__u64 sum = 0;

	for (int cpu = 0; cpu < session->cpus; cpu++)
		sum += lost ? session->counts[cpu].lost : session->counts[cpu].matched;
	return sum;
}

/* Everything that had happened before the end, in the ring or still on its way there. */
static void drain(struct session *session)
{
	const char *end = session->end;
	int nr = 0;

	feed__detach(session->feed);
	/* Of a duration, what is older than its end is still wanted. */
	if (!strcmp(end, "duration"))
		session->end = NULL;
	for (int ms = 0; ms < DRAIN_MS && strcmp(end, "count") && !session->err; ms++) {
		do {
			nr = feed__take(session->feed);
			flush(session);
		} while (nr > 0);
		look_for_losses(session);
		if (nr < 0 || session->out.seq + sum_of(session, true) >= sum_of(session, false))
			break;
		usleep(1000);
	}
	session->end = end;
	look_for_losses(session);
}

/* Returns EXIT_*. */
static int finish(struct session *session)
{
	struct event_totals totals = {
		.end = session->end, .seconds = (now_ns() - session->start_ns) / 1e9,
	};

	if (!session->err) {
		drain(session);
		totals.events = session->out.seq;
		totals.lost = sum_of(session, true);
		totals.missed = feed__missed(session->feed);
		totals.left = sum_of(session, false) - totals.lost - totals.events;
	}
	if (!session->err)
		session->err = event_out__end(&session->out, &totals);
	flush(session);
	if (session->err == -EPIPE)	/* as head: nobody wants more */
		return EXIT_OK;
	if (session->err) {
		fprintf(stderr, "ioasidsnoop: cannot %s: %s\n",
			session->err == -EIO ? "write" : "go on", strerror(-session->err));
		return EXIT_FAILED;
	}
	return session->options->strict && (totals.lost || totals.missed) ? EXIT_INCOMPLETE :
									      EXIT_OK;
}

static int run(struct session *session, const char *notice)
{
	const struct snoop_start start = {
		.events = feed__events(session->feed),
		.ring_bytes = feed__ring_bytes(session->feed),
		.notice = notice,
	};
	int signals = signals_fd();

	if (signals < 0)
		return EXIT_FAILED;
	if (notice && !session->options->json)
		fprintf(stderr, "ioasidsnoop: %s\n", notice);
	session->start_ns = now_ns();
	feed__listen(session->feed);
	if (session->options->duration_ns)
		session->end_ns = session->start_ns + session->options->duration_ns;
	session->err = event_out__start(&session->out, &start);
	flush(session);
	if (session->symbols)
		symbols__load(session->symbols);
	loop(session, signals);
	close(signals);
	return finish(session);
}

/* Allocates what depends on the number of CPUs. False: no memory. */
static bool prepare(struct session *session)
{
	session->cpus = feed__cpus(session->feed);
	session->counts = calloc(session->cpus, sizeof(*session->counts));
	session->lost = calloc(session->cpus, sizeof(*session->lost));
	return session->counts && session->lost;
}

/* One sentence: why it cannot work here, or NULL. */
static const char *obstacle(const struct options *options, const struct probe *probe)
{
	static char why[256];

	if (options->watch != WATCH_IOASID)
		return watch__obstacle(options->watch, probe, why, sizeof(why)) ? why : NULL;
	if (!probe->driver)
		return probe__counters_obstacle(probe);
	if (!probe->cap_bpf || !probe->cap_perfmon)
		return "events need CAP_BPF and CAP_PERFMON: run as root, or setcap the tool";
	return NULL;
}

static int open_and_run(struct session *session, const struct probe *probe)
{
	const struct options *options = session->options;
	bool stacks = options->kernel_stacks || options->user_stacks;
	char why[256];
	int err;

	if (stacks)
		session->symbols = symbols__new(options->kernel_stacks);
	err = stacks && !session->symbols ? -ENOMEM : 0;
	if (err)
		snprintf(why, sizeof(why), "out of memory");
	else
		err = feed__open(&session->feed, options, handle, session, why, sizeof(why));
	if (err && err != -ENOMEM && err != -ENOENT && options->watch != WATCH_IOASID)
		watch__explain(options->watch, probe, err, why, sizeof(why));
	if (err) {
		fprintf(stderr, "ioasidsnoop: %s\n", why);
		return EXIT_UNSUPPORTED;
	}
	caps__drop(options->user_stacks);
	return prepare(session) ? run(session, *why ? why : NULL) : EXIT_FAILED;
}

/* Whether BPF works is found out by doing it: nothing stays attached. */
static int run_probe(const struct options *options, const struct probe *probe, const char *why)
{
	struct feed *feed = NULL;
	char text[256];

	if (!why && feed__open(&feed, options, handle, NULL, text, sizeof(text)))
		why = *text ? text : "out of memory";
	feed__close(feed);
	return probe__print(stdout, "ioasidsnoop", probe, why, false, options->json) ?
		       EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16];
	struct options options;
	struct session session = { .options = &options };
	struct probe probe;
	const char *why;
	bool chosen;
	int status;

	options__parse(&options, argc, argv);
	probe__run(&probe);
	chosen = options.watch == WATCH_AUTO;
	options.watch = watch__choose(options.watch, &probe);
	why = obstacle(&options, &probe);
	if (options.probe)
		return run_probe(&options, &probe, why);
	if (why) {
		fprintf(stderr, "ioasidsnoop: %s\n", why);
		return EXIT_UNSUPPORTED;
	}
	signal(SIGPIPE, SIG_IGN);
	/* Flushed whenever there is nothing more to print for the moment. */
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	session.out = (struct event_out){
		.file = stdout, .json = options.json, .clock = options.clock,
	};
	if (options.watch != WATCH_IOASID && chosen && !options.json)
		fprintf(stderr, "ioasidsnoop: the ioasid driver is not loaded: watching %s\n",
			watch__describe(options.watch));
	for (int id = 0; id < NR_SNOOP_EVENTS; id++)
		session.out.unknown[id] = ~watch__known_args(options.watch, id);
	session.out.watch = watch__name(options.watch);
	status = open_and_run(&session, &probe);
	feed__close(session.feed);
	symbols__free(session.symbols);
	free(session.counts);
	free(session.lost);
	return status;
}
