// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gather.h"
#include "model.h"
#include "probe.h"
#include "self.h"
#include "ticker.h"

/* How long a driver that is not unloaded after all goes without BPF. */
#define LET_GO_NS	10000000000ULL

struct bpf {
	struct collect *collect;	/* NULL: there is no BPF */
	struct faults *faults;		/* NULL: no tracepoints of faults */
	struct sample_set samples;
	struct fault_set fault_set;
};

struct gather {
	struct gather_options options;
	struct model *model;
	struct bpf bpf;
	struct self_watch self;
	struct lost lost;	/* of earlier BPF programs */
	__u64 seq;
	bool let_go;		/* asked to */
	__u64 without_ns;	/* until then there is no BPF */
	bool up;
	bool refused;		/* this driver has been tried */
	char notice[256];
};

struct gather *gather__new(const struct gather_options *options)
{
	struct gather *gather = calloc(1, sizeof(*gather));

	if (gather)
		gather->options = *options;
	return gather;
}

static void bpf_close(struct bpf *bpf)
{
	collect__close(bpf->collect);
	faults__close(bpf->faults);
	sample_set__free(&bpf->samples);
	fault_set__free(&bpf->fault_set);
	*bpf = (struct bpf){ 0 };
}

void gather__free(struct gather *gather)
{
	if (!gather)
		return;
	bpf_close(&gather->bpf);
	self__close(&gather->self);
	model__free(gather->model);
	free(gather);
}

static int bpf_read(struct bpf *bpf)
{
	struct lost *lost = &bpf->samples.lost;
	int err = 0;

	if (bpf->collect)
		err = collect__read(bpf->collect, &bpf->samples);
	if (err || !bpf->faults)
		return err;
	err = faults__read(bpf->faults, &bpf->fault_set);
	lost->missed += bpf->fault_set.missed;
	lost->unattributed += bpf->fault_set.lost;
	return err;
}

/* A module that is still being loaded is not there yet. */
static bool driver_is_live(void)
{
	char *text;
	bool live;

	if (read_text(AT_FDCWD, "/sys/module/ioasid/initstate", &text))
		return false;
	live = !strncmp(text, "live", 4);
	free(text);
	return live;
}

/* False: there is nothing to go on with, and the notice says why. */
static bool bpf_open(struct gather *gather, struct bpf *bpf)
{
	const struct gather_options *options = &gather->options;
	const char *obstacle;
	struct probe probe;
	char why[200];
	int err;

	probe__run(&probe);
	obstacle = probe__bpf_obstacle(&probe);
	if (obstacle) {
		snprintf(gather->notice, sizeof(gather->notice), "%s", obstacle);
		return false;
	}
	if (collect__open(&bpf->collect, options->memory, options->verbose, why, sizeof(why))) {
		bpf->collect = NULL;
		snprintf(gather->notice, sizeof(gather->notice), "no latencies: %s", why);
		return false;
	}
	*gather->notice = '\0';
	err = faults__open(&bpf->faults, collect__fault_bytes(options->memory));
	if (err) {
		bpf->faults = NULL;
		snprintf(gather->notice, sizeof(gather->notice), "no times of page faults: %s",
			 err == -ENOENT ? "this driver does not have their tracepoints" :
					  "the BPF programs cannot be used");
	}
	return true;
}

static struct reading reading_of(const struct bpf *bpf, const struct counter_set *counters,
				 enum counter_source source)
{
	return (struct reading){
		.ts_ns = now_ns(),
		.counters = counters,
		.source = source,
		.samples = bpf->collect ? &bpf->samples : NULL,
		.faults = bpf->faults ? &bpf->fault_set : NULL,
	};
}

/* What is lost never becomes less. */
static int step(struct gather *gather, struct model *model, const struct reading *reading,
		struct snapshot **snap)
{
	int err = model__step(model, reading, snap);
	struct lost *lost;

	if (err || !*snap)
		return err;
	(*snap)->seq = ++gather->seq;
	lost = &(*snap)->lost;
	lost->known |= lost__total(&gather->lost) != 0;
	lost->missed += gather->lost.missed;
	lost->unattributed += gather->lost.unattributed;
	lost->late += gather->lost.late;
	return 0;
}

/*
 * From one set of BPF programs, or none, to the next. The counters are what the old model
 * ends with and what the new one begins with, and nothing is between them as long as BPF
 * has not seen more than they say: what ends is read before them, what begins after them,
 * unless it is the first. Operations between the two are then known to the driver only.
 */
static int change(struct gather *gather, struct bpf *next, struct snapshot **snap)
{
	struct model *model = model__new();
	struct counter_set counters = { 0 };
	struct snapshot *none;
	struct reading reading;
	enum counter_source source;
	int err;

	*snap = NULL;
	if (!model) {
		bpf_close(next);
		return -ENOMEM;
	}
	err = bpf_read(gather->model ? &gather->bpf : next);
	if (!err)
		err = counters__read(&counters, NULL, &source);
	if (!err && gather->model)
		err = bpf_read(next);
	if (!err && gather->model) {
		reading = reading_of(&gather->bpf, &counters, source);
		err = step(gather, gather->model, &reading, snap);
	}
	if (!err) {
		reading = reading_of(next, &counters, source);
		err = model__step(model, &reading, &none);
	}
	counters__clear(&counters);
	if (err) {
		bpf_close(next);
		model__free(model);
		snapshot__free(*snap);
		*snap = NULL;
		return err;
	}
	gather->lost.missed += gather->bpf.samples.lost.missed;
	gather->lost.unattributed += gather->bpf.samples.lost.unattributed;
	gather->lost.late += gather->bpf.samples.lost.late;
	bpf_close(&gather->bpf);
	model__free(gather->model);
	gather->bpf = *next;
	gather->model = model;
	if (gather->let_go)	/* detaching has taken its time */
		gather->without_ns = now_ns() + LET_GO_NS;
	gather->let_go = false;
	return 0;
}

static void retire_op(const struct ioasid_stat_key *key, const struct ioasid_stat *known,
		      void *arg)
{
	const struct gather *gather = arg;

	collect__retire(gather->bpf.collect, key, known);
}

static void retire_device(const struct ioasid_fault_key *key, void *arg)
{
	const struct gather *gather = arg;

	faults__retire(gather->bpf.faults, key);
}

static void retire_inflight(const struct ioasid_inflight_key *key, void *arg)
{
	const struct gather *gather = arg;

	faults__answered(gather->bpf.faults, key);
}

static const struct retire_ops retire_ops = { retire_op, retire_device, retire_inflight };

/* See model__step() for the order. */
static int go_on(struct gather *gather, struct snapshot **snap)
{
	struct counter_set counters = { 0 };
	enum counter_source source;
	struct reading reading;
	int err;

	*snap = NULL;
	err = counters__read(&counters, NULL, &source);
	if (!err)
		err = bpf_read(&gather->bpf);
	if (!err) {
		reading = reading_of(&gather->bpf, &counters, source);
		err = step(gather, gather->model, &reading, snap);
	}
	if (!err && gather->bpf.collect)
		model__retire(gather->model, &retire_ops, gather);
	counters__clear(&counters);
	return err;
}

/* Whether the programs should be exchanged for next, which may be none. */
static bool wants_change(struct gather *gather, struct bpf *next)
{
	if (!gather->up) {
		gather->refused = false;
		gather->let_go = false;
		gather->without_ns = 0;
		snprintf(gather->notice, sizeof(gather->notice), "the ioasid driver is not loaded");
		return !gather->model;
	}
	if (gather->bpf.collect)
		return gather->let_go;
	if (gather->options.no_bpf || gather->refused || gather->without_ns > now_ns()) {
		if (gather->options.no_bpf)
			*gather->notice = '\0';
		return !gather->model;
	}
	gather->refused = !bpf_open(gather, next);
	return !gather->refused || !gather->model;
}

int gather__read(struct gather *gather, struct snapshot **snap)
{
	struct bpf next = { 0 }, *bpf = &gather->bpf;
	int err;

	gather->up = driver_is_live();
	if (wants_change(gather, &next))
		err = change(gather, &next, snap);
	else
		err = go_on(gather, snap);
	if (!err)
		self__fill(&gather->self, *snap,
			   bpf->collect ? collect__size(gather->options.memory).bytes : 0,
			   bpf->samples.bpf_ns + bpf->fault_set.bpf_ns,
			   bpf->samples.bpf_runs + bpf->fault_set.bpf_runs);
	return err;
}

void gather__let_go(struct gather *gather)
{
	if (!gather->bpf.collect)
		return;
	gather->let_go = true;
	snprintf(gather->notice, sizeof(gather->notice),
		 "the driver may be unloaded now: latencies come back after that, or in %llu s",
		 LET_GO_NS / 1000000000);
}

bool gather__is_up(const struct gather *gather)
{
	return gather->up;
}

const char *gather__notice(const struct gather *gather)
{
	return gather->notice;
}
