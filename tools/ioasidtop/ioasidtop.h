/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IOASIDTOP_H
#define IOASIDTOP_H

#include "collect.h"
#include "exit_status.h"
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
	enum watch watch;	/* or WATCH_AUTO */
	bool verbose;
	unsigned long count;	/* 0: until stopped */
	double interval;	/* s */
	__u64 interval_ns;
	int sort;		/* -1: as the view is sorted by itself */
	bool reverse;
	bool tree;
	bool faults;
	const char *filter;
	__u64 pid;		/* 0: all */
	unsigned int memory;	/* MiB */
	int width;		/* 0: the terminal's */
	int height;		/* of a printed screen, for tests; 0: no screen */
	const char *files[MAX_FILES];	/* recorded counters, for tests */
	int nr_files;
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
	int step;
	char notice[256];		/* what is missing, one sentence */
};

/* Attaches, gives up privileges and takes the baseline. Returns EXIT_*. */
int sources__open(struct sources *sources, const struct options *options,
		  const struct probe *probe);
void sources__close(struct sources *sources);

/* *snap is NULL after the first time. 0 or a negative errno. */
int sources__read(struct sources *sources, struct snapshot **snap);

/* Each returns EXIT_*. */
int run_batch(const struct options *options, struct sources *sources, struct view *view);
int run_screen(const struct options *options, struct sources *sources, struct view *view);
int run_probe(const struct options *options, const struct probe *probe);

/* A descriptor that becomes readable at SIGINT, SIGTERM and SIGHUP. */
int stop_fd(void);

/* EXIT_INCOMPLETE when --strict was given and something is missing. */
int strict_status(const struct options *options, const struct snapshot *snap);

#endif
