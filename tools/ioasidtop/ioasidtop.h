/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IOASIDTOP_H
#define IOASIDTOP_H

#include "collect.h"
#include "exit_status.h"
#include "history.h"
#include "map_stacks.h"
#include "mappings.h"
#include "model.h"
#include "probe.h"
#include "record.h"
#include "self.h"
#include "view.h"
#include "viewer.h"

#define MAX_FILES	64

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_OPENMETRICS, FORMAT_PROMETHEUS };

/* How a recording is shown, when nothing else is asked for. */
#define SPEED_MIN	0.1
#define SPEED_MAX	1000

struct options {
	bool batch;
	enum format format;
	bool probe;
	bool no_bpf;
	bool strict;
	enum watch watch;	/* or WATCH_AUTO */
	bool verbose;
	bool bpf_stats;
	const char *collector;	/* its socket */
	const char *record;	/* a file to make */
	unsigned int record_mib;
	const char *replay;	/* a file to show */
	unsigned int max_cpu;	/* %, 0: any */
	bool at_set;
	double at;		/* s from its start */
	double speed;
	unsigned int history_mib;	/* 0: none */
	unsigned int spaces;	/* rows of OpenMetrics; 0: only sums */
	unsigned long count;	/* 0: until stopped */
	double interval;	/* s */
	__u64 interval_ns;
	int sort;		/* -1: as the view is sorted by itself */
	bool reverse;
	enum view_id view;
	__u32 ctx, ioasid;	/* the space to look into; 0: none */
	const char *filter;
	__u64 pid;		/* 0: all */
	unsigned int memory;	/* MiB */
	int width;		/* 0: the terminal's */
	int height;		/* of a printed screen, for tests; 0: no screen */
	const char *files[MAX_FILES];	/* recorded counters, for tests */
	int nr_files;
	const char *proc;	/* instead of /proc, for tests */
};

/* Ends the program with EXIT_USAGE when they are wrong. */
void options__parse(struct options *options, int argc, char **argv);

/* Everything that makes snapshots. */
struct sources {
	const struct options *options;
	enum watch watch;	/* the one that was taken */
	struct model *model;
	struct collect *collect;	/* NULL without BPF */
	struct sample_set samples;
	struct faults *faults;		/* NULL without tracepoints of faults */
	struct fault_set fault_set;
	struct processes *processes;
	struct map_stack_reader *stacks;	/* NULL: see why */
	struct mappings *mappings;		/* the same */
	char no_stacks[128], no_mappings[160];
	int step;
	struct self_watch self;
	struct pace pace;
	struct record *record;
	int record_err;			/* why nothing is recorded any more */
	bool remote;			/* the collector's, instead of all that */
	struct viewer viewer;
	struct replay *replay;		/* instead of all that */
	size_t replay_at;		/* the next one */
	char missing[256];		/* one sentence, for as long as we run */
	char notice[512];		/* what is missing, one sentence */
};

/*
 * Attaches and takes the baseline; for a batch also the second step, which loads what only
 * some views need and gives up privileges: a screen does that as soon as it shows something.
 * Returns EXIT_*.
 */
int sources__open(struct sources *sources, const struct options *options,
		  const struct probe *probe);
void sources__finish(struct sources *sources, const struct probe *probe);
void sources__close(struct sources *sources);

/*
 * *snap is NULL after the first time. What the view needs beyond what all have is added
 * for it: stacks, and mappings of the space. 0 or a negative errno; -ENODATA: a recording
 * ends.
 */
int sources__read(struct sources *sources, const struct view *view, struct snapshot **snap);

/* The same for a snapshot that is shown already, when the view has changed. */
void sources__look(struct sources *sources, const struct view *view, struct snapshot *snap);

/* What a view says about where snapshots come from; after each reading. */
void sources__tell(struct sources *sources, struct view *view);

/*
 * What to poll for the next snapshot: the ticker, which it then takes the tick of, or
 * the collector.
 */
int sources__fd(const struct sources *sources, int ticker);
void sources__take_tick(const struct sources *sources, int ticker);

/* From ioasid-collect. EXIT_*, or -1: there is none, and we were not asked for one. */
int sources__open_remote(struct sources *sources, const struct probe *probe);
int sources__read_remote(struct sources *sources, struct snapshot **snap);

/* Where in the recording the user wants to be: seconds from its start. */
size_t replay__find(const struct replay *replay, double seconds);

/* Each returns EXIT_*. */
int run_batch(const struct options *options, struct sources *sources, struct view *view,
	      struct trail *trail);
int run_screen(const struct options *options, const struct probe *probe, struct sources *sources,
	       struct view *view, struct trail *trail);
int run_probe(const struct options *options, const struct probe *probe);

/* A descriptor that becomes readable at SIGINT, SIGTERM and SIGHUP. */
int stop_fd(void);

/* EXIT_INCOMPLETE when --strict was given and something is missing. */
int strict_status(const struct options *options, const struct snapshot *snap);

#endif
