// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From BPF and the driver's counters to snapshots. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "ioasidtop.h"
#include "ticker.h"

/* What is missing is said on the screen and in each record, not on stderr only. */
static void open_faults(struct sources *sources)
{
	int err = faults__open(&sources->faults, collect__fault_bytes(sources->options->memory));

	if (err == -ENOENT)
		snprintf(sources->notice, sizeof(sources->notice),
			 "no times of page faults: this driver does not have their tracepoints");
	else if (err)
		snprintf(sources->notice, sizeof(sources->notice),
			 "no times of page faults: the BPF programs cannot be used (%s): --verbose shows why",
			 strerror(-err));
}

static void open_bpf(struct sources *sources, const struct probe *probe)
{
	const char *obstacle = probe__bpf_obstacle(probe);
	char why[200];

	if (obstacle)
		snprintf(sources->notice, sizeof(sources->notice), "%s", obstacle);
	else if (collect__open(&sources->collect, sources->options->memory,
			       sources->options->verbose, why, sizeof(why)))
		snprintf(sources->notice, sizeof(sources->notice), "no latencies: %s", why);
	else
		open_faults(sources);
}

static void note_counters(struct sources *sources, const struct probe *probe)
{
	const char *obstacle = probe__counters_obstacle(probe);
	size_t len = strlen(sources->notice);

	if (obstacle)
		snprintf(sources->notice + len, sizeof(sources->notice) - len, "%s%s",
			 len ? "; " : "", obstacle);
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
	if (options->watch == WATCH_AUTO && options->batch && !options->json)
		fprintf(stderr, "ioasidtop: the ioasid driver is not loaded: watching %s\n",
			watch__describe(watch));
	caps__drop(false);
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
	caps__drop(!probe->debugfs);
	return EXIT_OK;
}

int sources__open(struct sources *sources, const struct options *options,
		  const struct probe *probe)
{
	struct snapshot *none;
	int err = EXIT_OK;

	*sources = (struct sources){ .options = options, .model = model__new() };
	if (!sources->model)
		return EXIT_FAILED;
	sources->watch = watch__choose(options->watch, probe);
	if (!options->nr_files)
		err = sources->watch == WATCH_IOASID ? open_driver(sources, probe) :
						       open_watch(sources, probe);
	if (err != EXIT_OK)
		return err;
	err = sources__read(sources, &none);
	if (err)
		fprintf(stderr, "ioasidtop: cannot read the counters: %s\n", strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

void sources__close(struct sources *sources)
{
	collect__close(sources->collect);
	faults__close(sources->faults);
	model__free(sources->model);
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

static void retire_op(const struct ioasid_stat_key *key, const struct ioasid_stat *known,
		      void *arg)
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

/* See model__step() for the order. */
int sources__read(struct sources *sources, struct snapshot **snap)
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
	if (!err && sources->collect)
		model__retire(sources->model, &retire_ops, sources);
	counters__clear(&counters);
	sources->step++;
	return err;
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
