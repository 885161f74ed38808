// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From BPF and the driver's counters to snapshots. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

/* What only some views need, and nobody could load later. */
static void open_details(struct sources *sources)
{
	const struct options *options = sources->options;

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
	size_t len = strlen(sources->notice);

	if (obstacle)
		snprintf(sources->notice + len, sizeof(sources->notice) - len, "%s%s",
			 len ? "; " : "", obstacle);
}

void sources__finish(struct sources *sources, const struct probe *probe)
{
	bool stacks = sources->options->view == VIEW_STACKS;

	if (sources->options->nr_files)
		return;
	open_details(sources);
	/* Names of functions are in the files of processes. */
	caps__drop(!probe->debugfs || stacks);
	if (sources->stacks && stacks)
		map_stacks__start(sources->stacks);
}

int sources__open(struct sources *sources, const struct options *options,
		  const struct probe *probe)
{
	struct snapshot *none;
	int err;

	*sources = (struct sources){ .options = options, .model = model__new() };
	/* Processes of a recording are others than those of the same number now. */
	sources->processes = processes__new(options->proc ? options->proc :
					    options->nr_files ? NULL : "/proc");
	if (!sources->model || !sources->processes)
		return EXIT_FAILED;
	if (!options->nr_files) {
		if (!probe->driver) {
			fprintf(stderr, "ioasidtop: %s\n", probe__counters_obstacle(probe));
			return EXIT_UNSUPPORTED;
		}
		if (!options->no_bpf)
			open_bpf(sources, probe);
		note_counters(sources, probe);
		/* What only a few need must not keep the first screen waiting. */
		if (options->batch)
			sources__finish(sources, probe);
	}
	err = sources__read(sources, NULL, &none);
	if (err)
		fprintf(stderr, "ioasidtop: cannot read the counters: %s\n", strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

void sources__close(struct sources *sources)
{
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
int sources__read(struct sources *sources, const struct view *view, struct snapshot **snap)
{
	struct counter_set counters = { 0 };
	struct reading reading = {
		.ts_ns = now_ns(),
		.counters = &counters,
		.samples = sources->collect ? &sources->samples : NULL,
		.faults = sources->faults ? &sources->fault_set : NULL,
	};
	const char *file = next_file(sources, &reading);
	int err = 0;

	if (!sources->step)
		err = read_samples(sources);
	if (!err)
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

int strict_status(const struct options *options, const struct snapshot *snap)
{
	const struct value *lost = &snap->total.v[METRIC_LOST];

	if (!options->strict)
		return EXIT_OK;
	if (!snap->complete || lost__total(&snap->lost) || (lost->known && lost->count))
		return EXIT_INCOMPLETE;
	return !snap->bpf && !options->no_bpf ? EXIT_INCOMPLETE : EXIT_OK;
}
