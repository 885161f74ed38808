/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IOASIDTOP_H
#define IOASIDTOP_H

#include "collect.h"
#include "exit_status.h"
#include "map_stacks.h"
#include "mappings.h"
#include "model.h"
#include "probe.h"
#include "view.h"

#define MAX_FILES	64

struct options {
	bool batch;
	bool json;
	bool probe;
	bool no_bpf;
	bool strict;
	bool verbose;
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
	char notice[256];		/* what is missing, one sentence */
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
 * for it: stacks, and mappings of the space. 0 or a negative errno.
 */
int sources__read(struct sources *sources, const struct view *view, struct snapshot **snap);

/* The same for a snapshot that is shown already, when the view has changed. */
void sources__look(struct sources *sources, const struct view *view, struct snapshot *snap);

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
