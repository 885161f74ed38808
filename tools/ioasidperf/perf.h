/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ioasidperf: what operations cost, here and in what others offer for the same.
 *
 * A workload does something to memory of some kind through a door: /dev/ioasid, a
 * VFIO container, iommufd, or the bare IOMMU API. Each of its operations is
 * measured many times; the samples are kept.
 */
#ifndef IOASIDPERF_PERF_H
#define IOASIDPERF_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "exit_status.h"

#define PERF_SCHEMA	"ioasidperf/1"

#define PAGE		4096UL
#define MIB		(1UL << 20)
#define HUGE		(2 * MIB)

/*
 * What makes memory: real 4 KiB pages that lie together 2 MiB at a time, 4 KiB pages
 * of which no two neighbours do, transparent huge pages, huge pages of a memfd.
 */
enum backing { BACKING_PAGES, BACKING_SCATTERED, BACKING_THP, BACKING_HUGETLB };

struct memory {
	enum backing backing;
	size_t size;
	uint8_t *mem;
	void *area;		/* what was mapped for it */
	size_t area_size;
	int fd;			/* of a memfd, or -1 */
	unsigned long runs;	/* physically contiguous pieces */
};

/* 0, or -errno and what went wrong on stderr. */
int memory__make(struct memory *memory, enum backing backing, size_t size);
void memory__free(struct memory *memory);

/* How long things take: instructions where one is one tick of the processor's counter. */
struct clock {
	bool instructions;
	int quiet;		/* /dev/ioasid_testperf, or -1 */
};

void clock__open(struct clock *clock);
void clock__close(struct clock *clock);
const char *clock__unit(const struct clock *clock);

/* What one round of a door is: a mapping made and undone. */
enum phase { PHASE_MAP, PHASE_UNMAP, PHASE_PIN, PHASE_UNPIN, NR_PHASES };

struct round {
	uint64_t took[NR_PHASES];
};

struct door;

struct door_ops {
	const char *name;
	const char *text;
	unsigned int phases;	/* 1 << PHASE_* */
	/* Why it cannot be used, or NULL. */
	const char *(*obstacle)(void);
	/* All return 0 or -errno. */
	int (*open)(struct door *door, const char *device);
	void (*close)(struct door *door);
	int (*map)(struct door *door, const struct memory *memory, uint64_t iova);
	int (*unmap)(struct door *door, const struct memory *memory, uint64_t iova);
	/* Memory that is registered before it is mapped; NULL: not known here. */
	int (*enroll)(struct door *door, const struct memory *memory);
	int (*discharge)(struct door *door, const struct memory *memory);
	/* Instead of map and unmap, for what measures itself. */
	int (*round)(struct door *door, const struct memory *memory, uint64_t iova,
		     struct round *round);
};

struct door {
	const struct door_ops *ops;
	int fd, group, dev;
	uint32_t space;
};

extern const struct door_ops door_ioasid, door_shim, door_type1, door_iommufd, door_floor;
extern const struct door_ops *const doors[];

const struct door_ops *door__find(const char *name);
/* On the device, which gets the driver that the door needs. Says what fails. */
int door__open(struct door *door, const struct door_ops *ops, const char *device);
void door__close(struct door *door);

/* PCI functions. */
int device__give(const char *name, const char *driver);
int device__group(const char *name);
/* The first one that is alone in its group and meant for such things, or NULL. */
const char *device__default(void);
bool device__module_loaded(const char *name);

struct workload {
	const char *name;
	const char *text;
	enum backing backing;
	size_t size;
	bool enrolled;		/* only where a door knows that */
};

extern const struct workload workloads[];
extern const unsigned int nr_workloads;

const struct workload *workload__find(const char *name, size_t len);

/* How many instructions of one round were a function's own. */
struct function {
	char *name;		/* MODULE:FUNCTION for those of modules */
	uint64_t count;
};

/* What was measured of one phase of a workload through a door. */
struct result {
	char workload[24];
	char door[16];
	char phase[8];
	char unit[16];
	unsigned long runs;
	int window;		/* of functions.so, -1: none */
	unsigned int n;
	double *samples;
	struct function *functions;
	unsigned int nr_functions;
};

struct results {
	struct result *list;
	unsigned int n, room;
	char release[96];
	char machine[32];
	char model[96];
	char utc[32];
	char label[64];
	char srcversion[32];
	unsigned int cpus;
};

struct result *results__add(struct results *results);
void results__free(struct results *results);
const struct result *results__find(const struct results *results, const char *workload,
				   const char *door, const char *phase);
uint64_t result__function(const struct result *result, const char *name);
void results__machine(struct results *results);
/* 0, or -1 and what is wrong on stderr. */
int results__print(const struct results *results, FILE *out);
int results__read(struct results *results, const char *path);
bool results__same_machine(const struct results *a, const struct results *b);

const char *phase__name(enum phase phase);
/* The middle sample; of two the lower: always one that was seen. */
double result__median(const struct result *result);
/*
 * What an operation costs. Of times the median; of instructions the least, which is the
 * same in every run: what does not happen in each round, such as a processor's counter
 * that overflows into a common one, is left out.
 */
double result__cost(const struct result *result);

struct run_options {
	unsigned int samples;	/* 0: as many as the workload wants */
	bool mark;		/* windows for functions.so */
};

/* Through an open door; 0 or -errno. */
int measure__workload(struct door *door, const struct workload *workload,
		      const struct clock *clock, const struct run_options *options,
		      struct results *results);

/*
 * Gives results their functions: what functions.so wrote, and /proc/kallsyms of then.
 * 0, or -1 and what is wrong on stderr.
 */
int functions__attribute(struct results *results, const char *counts, const char *symbols);

int table__print(const struct results *results, FILE *out);

/* Two runs, cell by cell. */
enum verdict { VERDICT_PASS, VERDICT_IMPROVED, VERDICT_REGRESSED, VERDICT_INCONCLUSIVE };

struct compare_options {
	double threshold;	/* what change is of no interest: 0.05 */
	double alpha;
	double confidence;
};

struct cell {
	const struct result *old, *new;
	double *a, *b;		/* their samples, sorted */
	struct {
		double median, low, high;
		bool known;
	} before, after;
	double ratio, low, high;	/* after / before, and its interval */
	double p;			/* adjusted for the number of cells */
	bool exact;			/* instructions: nothing to estimate */
	enum verdict verdict;
	const char *why;
};

struct comparison {
	struct cell *cells;
	unsigned int n;
	unsigned int verdicts[VERDICT_INCONCLUSIVE + 1];
	unsigned int only_old, only_new;	/* what the other does not have */
	const struct results *old, *new;
	const struct compare_options *options;
};

const char *verdict__name(enum verdict verdict);
void comparison__make(struct comparison *c, const struct results *old, const struct results *new,
		      const struct compare_options *options);
void comparison__free(struct comparison *c);
/* All print the same things; 0 or -1. */
int comparison__text(const struct comparison *c, FILE *out);
int comparison__json(const struct comparison *c, FILE *out);
int comparison__junit(const struct comparison *c, FILE *out);
int comparison__html(const struct comparison *c, FILE *out);

/* Subcommands: exit statuses. */
int cmd_list(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_table(int argc, char **argv);
int cmd_attribute(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_history(int argc, char **argv);

#endif
