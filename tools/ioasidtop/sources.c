// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From BPF and the driver's counters to snapshots. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ioasidtop.h"
#include "ticker.h"
#include "version.h"

#define NS_PER_S 1000000000ULL

/* What is missing is said on the screen and in each record, not on stderr only. */
static void open_faults(struct sources *sources)
{
	int err = faults__open(&sources->faults, collect__fault_bytes(sources->options->memory));

	if (err == -ENOENT)
		snprintf(sources->missing, sizeof(sources->missing),
			 "no times of page faults: this driver does not have their tracepoints");
	else if (err)
		snprintf(sources->missing, sizeof(sources->missing),
			 "no times of page faults: the BPF programs cannot be used (%s): --verbose shows why",
			 strerror(-err));
}

static void open_bpf(struct sources *sources, const struct probe *probe)
{
	const char *obstacle = probe__bpf_obstacle(probe);
	char why[200];

	if (obstacle)
		snprintf(sources->missing, sizeof(sources->missing), "%s", obstacle);
	else if (collect__open(&sources->collect, sources->options->memory,
			       sources->options->verbose, why, sizeof(why)))
		snprintf(sources->missing, sizeof(sources->missing), "no latencies: %s", why);
	else
		open_faults(sources);
}

static void add_missing(struct sources *sources, const char *what)
{
	size_t len = strlen(sources->missing);

	snprintf(sources->missing + len, sizeof(sources->missing) - len, "%s%s", len ? "; " : "",
		 what);
}

static void measure_bpf(struct sources *sources)
{
	int err = self__measure_bpf(&sources->self);
	char text[128];

	snprintf(text, sizeof(text), "the kernel does not measure BPF programs: %s",
		 strerror(-err));
	if (err < 0)
		add_missing(sources, text);
}

/* What only some views need, and nobody could load later. */
static void open_details(struct sources *sources)
{
	const struct options *options = sources->options;

	if (sources->watch != WATCH_IOASID) {
		snprintf(sources->no_stacks, sizeof(sources->no_stacks),
			 "Stacks are counted of the ioasid driver only: see ioasidsnoop --stack.");
		snprintf(sources->no_mappings, sizeof(sources->no_mappings),
			 "Mappings are known of the ioasid driver only.");
		return;
	}
	if (!sources->collect) {
		snprintf(sources->no_stacks, sizeof(sources->no_stacks),
			 "Stacks are not known without BPF.");
		snprintf(sources->no_mappings, sizeof(sources->no_mappings),
			 "Mappings are not known without BPF: ioasidctl mappings lists them.");
		return;
	}
	if (!options->batch || options->view == VIEW_STACKS)
		sources->stacks = map_stacks__open(sources->no_stacks, sizeof(sources->no_stacks));
	if (!options->batch || options->ioasid)
		sources->mappings = mappings__open(sources->no_mappings,
						   sizeof(sources->no_mappings));
}

static void note_counters(struct sources *sources, const struct probe *probe)
{
	const char *obstacle = probe__counters_obstacle(probe);

	if (obstacle)
		add_missing(sources, obstacle);
}

/* Whose the file is does not change when privileges are given up: before that. */
static int open_record(struct sources *sources, const struct probe *probe)
{
	const struct options *options = sources->options;
	struct record_info info = { .interval_ns = options->interval_ns };
	struct timespec ts;
	char *boot_id;
	int err;

	if (!options->record)
		return EXIT_OK;
	snprintf(info.version, sizeof(info.version), "%s", IOASID_TOOLS_VERSION);
	snprintf(info.kernel, sizeof(info.kernel), "%s", probe->kernel);
	snprintf(info.notice, sizeof(info.notice), "%s", sources->missing);
	if (!gethostname(info.host, sizeof(info.host) - 1))
		neutralise(info.host, sizeof(info.host), strdupa(info.host), sizeof(info.host));
	if (!read_text(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &boot_id)) {
		snprintf(info.boot_id, sizeof(info.boot_id), "%.*s", (int)strcspn(boot_id, "\n"),
			 boot_id);
		free(boot_id);
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	info.start_ns = ts.tv_sec * NS_PER_S + ts.tv_nsec;
	err = record__open(&sources->record, options->record, (__u64)options->record_mib << 20,
			   &info);
	if (!err)
		return EXIT_OK;
	fprintf(stderr, "ioasidtop: cannot make the recording %s: %s\n", options->record,
		err == -EEXIST ? "it, or the same with .1 behind it, is there already" :
				 strerror(-err));
	return EXIT_FAILED;
}

static int open_replay(struct sources *sources)
{
	const struct options *options = sources->options;
	int err = replay__open(&sources->replay, options->replay);

	if (err) {
		fprintf(stderr, "ioasidtop: cannot replay %s: %s\n", options->replay,
			err == -EBADMSG		? "it is no recording of ioasidtop" :
			err == -EPROTONOSUPPORT ? "it was made by a later version of ioasidtop" :
						  strerror(-err));
		return EXIT_FAILED;
	}
	if (!replay__nr(sources->replay)) {
		fprintf(stderr, "ioasidtop: there is no snapshot in %s\n", options->replay);
		return EXIT_FAILED;
	}
	add_missing(sources, replay__info(sources->replay)->notice);
	if (replay__state(sources->replay) == REPLAY_CUT)
		add_missing(sources, "the recording ends in the middle of a snapshot");
	if (replay__state(sources->replay) == REPLAY_DAMAGED)
		add_missing(sources, "the recording is damaged: what follows cannot be read");
	snprintf(sources->no_stacks, sizeof(sources->no_stacks), "Stacks are not in recordings.");
	snprintf(sources->no_mappings, sizeof(sources->no_mappings),
		 "Mappings are not in recordings.");
	sources->replay_at = replay__find(sources->replay, options->at);
	return EXIT_OK;
}

size_t replay__find(const struct replay *replay, double seconds)
{
	double start = replay__realtime_ns(replay, 0);
	size_t first = 0, last = replay__nr(replay) - 1;

	while (first < last) {
		size_t middle = (first + last) / 2;

		if (replay__realtime_ns(replay, middle) - start < seconds * NS_PER_S)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

void sources__finish(struct sources *sources, const struct probe *probe)
{
	bool stacks = sources->options->view == VIEW_STACKS;

	if (sources->options->nr_files || sources->replay || sources->remote)
		return;
	open_details(sources);
	/* Names of functions are in the files of processes. */
	caps__drop(sources->watch == WATCH_IOASID && (!probe->debugfs || stacks));
	if (sources->stacks && stacks)
		map_stacks__start(sources->stacks);
}

/* Another source than our driver: BPF or nothing. Returns EXIT_*. */
static int open_watch(struct sources *sources, const struct probe *probe)
{
	const struct options *options = sources->options;
	enum watch watch = sources->watch;
	char why[256];

	if (options->no_bpf)
		snprintf(why, sizeof(why), "--source %s has no counters: it cannot be without BPF",
			 watch__name(watch));
	else if (!watch__obstacle(watch, probe, why, sizeof(why)))
		collect__open_watch(&sources->collect, watch, probe, options->memory,
				    options->verbose, why, sizeof(why));
	if (!sources->collect) {
		fprintf(stderr, "ioasidtop: %s\n", why);
		return EXIT_UNSUPPORTED;
	}
	if (options->watch == WATCH_AUTO && options->batch &&
	    options->format == FORMAT_TABLE)
		fprintf(stderr, "ioasidtop: the ioasid driver is not loaded: watching %s\n",
			watch__describe(watch));
	if (options->bpf_stats)
		measure_bpf(sources);
	return EXIT_OK;
}

/* Returns EXIT_*. */
static int open_driver(struct sources *sources, const struct probe *probe)
{
	if (!probe->driver) {
		fprintf(stderr, "ioasidtop: %s\n", probe__counters_obstacle(probe));
		return EXIT_UNSUPPORTED;
	}
	if (!sources->options->no_bpf)
		open_bpf(sources, probe);
	note_counters(sources, probe);
	if (sources->options->bpf_stats)
		measure_bpf(sources);
	return EXIT_OK;
}

/* Returns EXIT_*, or -1: there is none, or none is needed. */
static int open_remote(struct sources *sources, const struct probe *probe)
{
	const struct options *options = sources->options;
	int status;

	if (options->watch != WATCH_AUTO && options->watch != WATCH_IOASID)
		return -1;
	status = sources__open_remote(sources, probe);
	return status == EXIT_OK ? open_record(sources, probe) : status;
}

int sources__open(struct sources *sources, const struct options *options,
		  const struct probe *probe)
{
	struct snapshot *none;
	int err, status;

	*sources = (struct sources){ .options = options, .model = model__new() };
	/* Processes of a recording are others than those of the same number now. */
	sources->processes = processes__new(options->proc ? options->proc :
					    options->nr_files ? NULL : "/proc");
	if (!sources->model || !sources->processes)
		return EXIT_FAILED;
	sources->pace.percent = options->max_cpu;
	pace__set(&sources->pace, options->interval_ns);
	if (options->replay)
		return open_replay(sources);
	status = open_remote(sources, probe);
	if (status >= 0)
		return status;
	sources->watch = watch__choose(options->watch, probe);
	status = options->nr_files ? EXIT_OK :
		 sources->watch == WATCH_IOASID ? open_driver(sources, probe) :
						  open_watch(sources, probe);
	if (status == EXIT_OK)
		status = open_record(sources, probe);
	if (status != EXIT_OK)
		return status;
	/* What only a few need must not keep the first screen waiting. */
	if (options->batch)
		sources__finish(sources, probe);
	err = sources__read(sources, NULL, &none);
	if (err)
		fprintf(stderr, "ioasidtop: cannot read the counters: %s\n", strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

void sources__close(struct sources *sources)
{
	self__close(&sources->self);
	if (sources->remote)
		viewer__close(&sources->viewer);
	record__close(sources->record);
	replay__close(sources->replay);
	collect__close(sources->collect);
	faults__close(sources->faults);
	model__free(sources->model);
	processes__free(sources->processes);
	map_stacks__close(sources->stacks);
	mappings__close(sources->mappings);
	sample_set__free(&sources->samples);
	fault_set__free(&sources->fault_set);
}

/* Recorded counters are one interval apart, exactly. */
static const char *next_file(struct sources *sources, struct reading *reading)
{
	const struct options *options = sources->options;
	int at = sources->step;

	if (!options->nr_files)
		return NULL;
	reading->ts_ns = (sources->step + 1) * options->interval_ns;
	return options->files[at < options->nr_files ? at : options->nr_files - 1];
}

static void retire_op(const struct ioasid_stat_key *key, const struct ioasid_stat *known, void *arg)
{
	const struct sources *sources = arg;

	collect__retire(sources->collect, key, known);
}

static void retire_device(const struct ioasid_fault_key *key, void *arg)
{
	const struct sources *sources = arg;

	faults__retire(sources->faults, key);
}

static void retire_inflight(const struct ioasid_inflight_key *key, void *arg)
{
	const struct sources *sources = arg;

	faults__answered(sources->faults, key);
}

static const struct retire_ops retire_ops = { retire_op, retire_device, retire_inflight };

static int read_samples(struct sources *sources)
{
	struct lost *lost = &sources->samples.lost;
	int err = 0;

	if (sources->collect)
		err = collect__read(sources->collect, &sources->samples);
	if (err || !sources->faults)
		return err;
	err = faults__read(sources->faults, &sources->fault_set);
	lost->missed += sources->fault_set.missed;
	lost->unattributed += sources->fault_set.lost;
	return err;
}

static __u64 map_bytes(const struct sources *sources)
{
	return sources->collect ? collect__size(sources->options->memory).bytes : 0;
}

/* What it costs, and what is to be remembered of it. Snap is NULL the first time. */
static void account_for(struct sources *sources, struct snapshot *snap)
{
	int err;

	self__fill(&sources->self, snap, map_bytes(sources),
		   sources->samples.bpf_ns + sources->fault_set.bpf_ns,
		   sources->samples.bpf_runs + sources->fault_set.bpf_runs);
	if (!snap)
		return;
	if (sources->options->nr_files)
		snap->self = (struct self){ 0 };
	if (sources->pace.now_ns != sources->pace.wanted_ns)
		snap->self.wanted_ns = sources->pace.wanted_ns;
	if (snap->self.known)
		pace__step(&sources->pace, snap->self.cpu_ns);
	err = sources->record ? record__add(sources->record, snap) : 0;
	if (err)
		sources->record_err = err;
}

/* Stacks are counted from now on, or no longer. */
static void look_at_stacks(struct sources *sources, bool wanted, struct map_stacks *out)
{
	struct map_stack_reader *reader = sources->stacks;

	if (wanted && !reader)
		snprintf(out->why, sizeof(out->why), "%s", sources->no_stacks);
	if (!reader)
		return;
	if (wanted && !map_stacks__is_on(reader)) {
		map_stacks__start(reader);
		out->counted = true;
	} else if (wanted && map_stacks__read(reader, out)) {
		snprintf(out->why, sizeof(out->why), "Stacks cannot be read.");
	} else if (!wanted) {
		map_stacks__stop(reader);
	}
}

static void look_at_mappings(struct sources *sources, const struct view *view,
			     struct space_mappings *out)
{
	free(out->at);
	*out = (struct space_mappings){ 0 };
	if (!view->space)
		return;
	out->ctx = view->ctx;
	out->ioasid = view->ioasid;
	if (sources->mappings)
		mappings__read(sources->mappings, view->ctx, view->ioasid, out);
	else
		snprintf(out->why, sizeof(out->why), "%s", sources->no_mappings);
}

void sources__look(struct sources *sources, const struct view *view, struct snapshot *snap)
{
	bool stacks = view->id == VIEW_STACKS && !view->space;

	/* Of a snapshot that has them, they are those of its interval. */
	if (!snap->stacks.counted || !stacks)
		look_at_stacks(sources, stacks, &snap->stacks);
	look_at_mappings(sources, view, &snap->mappings);
}

/* What is not counted, but looked up. */
static int look(struct sources *sources, const struct view *view, struct snapshot *snap)
{
	int err;

	if (!snap)
		return 0;
	err = processes__fill(sources->processes, snap);
	if (view)
		sources__look(sources, view, snap);
	return err;
}

/* See model__step() for the order. */
static int read_now(struct sources *sources, const struct view *view, struct snapshot **snap)
{
	struct counter_set counters = { 0 };
	struct reading reading = {
		.ts_ns = now_ns(),
		.watch = sources->watch,
		.counters = &counters,
		.samples = sources->collect ? &sources->samples : NULL,
		.faults = sources->faults ? &sources->fault_set : NULL,
	};
	const char *file = next_file(sources, &reading);
	int err = 0;

	if (!sources->step)
		err = read_samples(sources);
	if (!err && sources->watch == WATCH_IOASID)
		err = counters__read(&counters, file, &reading.source);
	if (!err && sources->step)
		err = read_samples(sources);
	if (!err)
		err = model__step(sources->model, &reading, snap);
	if (!err)
		err = look(sources, view, *snap);
	if (!err && sources->collect)
		model__retire(sources->model, &retire_ops, sources);
	counters__clear(&counters);
	sources->step++;
	return err;
}

static int read_replay(struct sources *sources, const struct view *view, struct snapshot **snap)
{
	int err;

	if (sources->replay_at == replay__nr(sources->replay))
		return -ENODATA;
	err = replay__get(sources->replay, sources->replay_at++, snap);
	if (!err && view)
		sources__look(sources, view, *snap);
	return err;
}

static int read_remote(struct sources *sources, const struct view *view, struct snapshot **snap)
{
	int err = sources__read_remote(sources, snap);

	if (!err)
		err = look(sources, view, *snap);
	if (!err && *snap && sources->record)
		sources->record_err = record__add(sources->record, *snap);
	return err;
}

int sources__read(struct sources *sources, const struct view *view, struct snapshot **snap)
{
	int err;

	if (sources->replay)
		return read_replay(sources, view, snap);
	if (sources->remote)
		return read_remote(sources, view, snap);
	err = read_now(sources, view, snap);
	if (!err)
		account_for(sources, *snap);
	return err;
}

static void tell_replay(const struct sources *sources, struct view *view)
{
	const struct record_info *info = replay__info(sources->replay);
	time_t when = replay__realtime_ns(sources->replay,
					  sources->replay_at ? sources->replay_at - 1 : 0) /
		      NS_PER_S;
	struct tm tm;

	view->kernel = info->kernel;
	view->boot_id = info->boot_id;
	if (gmtime_r(&when, &tm))
		strftime(view->clock, sizeof(view->clock), "%Y-%m-%d %H:%M:%SZ", &tm);
}

void sources__tell(struct sources *sources, struct view *view)
{
	char pace[160], record[128] = "";

	pace__text(&sources->pace, pace, sizeof(pace));
	if (sources->record_err)
		snprintf(record, sizeof(record), "the recording has ended: %s",
			 strerror(-sources->record_err));
	snprintf(sources->notice, sizeof(sources->notice), "%s%s%s%s%s", sources->missing,
		 *sources->missing && *pace ? "; " : "", pace,
		 (*sources->missing || *pace) && *record ? "; " : "", record);
	view->notice = *sources->notice ? sources->notice : NULL;
	if (sources->remote)
		view->interval = sources->viewer.hello.interval_ns / 1e9;
	if (sources->replay)
		tell_replay(sources, view);
}

int strict_status(const struct options *options, const struct snapshot *snap)
{
	const struct value *lost = &snap->total.v[METRIC_LOST];

	if (!options->strict)
		return EXIT_OK;
	if ((!snap->complete && snap->watch == WATCH_IOASID) || lost__total(&snap->lost) ||
	    (lost->known && lost->count))
		return EXIT_INCOMPLETE;
	return !snap->bpf && !options->no_bpf ? EXIT_INCOMPLETE : EXIT_OK;
}
