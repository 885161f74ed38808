/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IOASIDCTL_H
#define IOASIDCTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <yyjson.h>
#include "counters.h"
#include "exit_status.h"
#include "libioasid.h"
#include "numbers.h"

struct options {
	bool json;
	bool verbose;
	bool check;		/* run: only read the script */
	const char *counters;	/* recorded counters, for tests */
};

/*
 * A subcommand. args: those behind its name, in number between min and max; what is
 * wrong with them is said by usage_error(). Returns EXIT_*.
 */
struct subcommand {
	const char *name;
	const char *args;	/* for people */
	const char *help;
	int min, max;		/* -1: any number */
	int (*run)(const struct options *options, int argc, char **argv);
};

int cmd_contexts(const struct options *options, int argc, char **argv);
int cmd_spaces(const struct options *options, int argc, char **argv);
int cmd_tree(const struct options *options, int argc, char **argv);
int cmd_devices(const struct options *options, int argc, char **argv);
int cmd_mappings(const struct options *options, int argc, char **argv);
int cmd_history(const struct options *options, int argc, char **argv);
int cmd_walk(const struct options *options, int argc, char **argv);
int cmd_sim(const struct options *options, int argc, char **argv);
int cmd_run(const struct options *options, int argc, char **argv);

/* What went wrong, as one line behind the program's name. Both return EXIT_*. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A command failed: ioasid_strerror() says how. */
int command_error(unsigned int cmd, int err, const char *object);

/* A format by its name; 0: there is none of this name. */
uint32_t find_format(const char *name);
void format_names(char *buf, size_t size);

/* rw, r-, -w */
const char *prot_text(uint32_t prot);

/* 4096 as 4K: exact, in the largest unit that divides it. */
const char *size_text(uint64_t size, char buf[24]);

/* ---- contexts ---- */

struct contexts {
	struct counter_set set;
	enum counter_source source;
};

/*
 * Reads them, says what is missing on stderr, and returns EXIT_OK; or says why that
 * was not possible and returns something else. To be ended with contexts__close().
 */
int contexts__open(struct contexts *contexts, const struct options *options);
void contexts__close(struct contexts *contexts);

/* All (text NULL) or the one that text names; complains and returns false without one. */
struct selection {
	const struct counter_ctx *first;
	size_t nr;
	bool all;
};

bool contexts__select(const struct contexts *contexts, const char *text,
		      struct selection *selection);
const struct counter_space *ctx__space(const struct counter_ctx *ctx, uint32_t ioasid);

/* Reads the contexts and calls fn with those that text names. EXIT_*. */
typedef int (*show_fn)(const struct options *options, const struct contexts *contexts,
		       const struct selection *chosen);
int contexts__show(const struct options *options, const char *text, show_fn fn);

/* CTX and IOASID as given on the command line; complains when there are none such. */
bool contexts__find_space(const struct options *options, const char *ctx, const char *ioasid,
			  uint32_t *ctx_id, uint32_t *id);

/* ---- output ---- */

bool colours(void);
const char *bold(void);
const char *alarm_colour(void);
const char *plain(void);

/* Cells are text of any width, numbers are aligned to the right. */
#define TABLE_MAX_COLUMNS	16

struct table {
	int nr_columns;
	bool right[TABLE_MAX_COLUMNS];
	char **cells;
	size_t nr_cells, room;
};

/* Titles; one that starts with '>' is of a column of numbers. NULL ends them. */
void table__start(struct table *table, const char *const *titles);
void table__add(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void table__end(struct table *table);

/* A document with "schema": "ioasidctl-NAME/1"; printed as one line, freed. EXIT_*. */
yyjson_mut_doc *json_start(const char *name);
int json_end(yyjson_mut_doc *doc);

int print_tree(const struct selection *chosen);
/* What the driver counts of page faults; what it does not is null. */
void json_faults(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct counter_faults *faults);
void json_tree(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct selection *chosen);

/* The steps of a walk, as text or into a JSON object. */
void print_walk(FILE *out, uint64_t iova, const struct ioasid_walk_steps *walk, bool verbose);
void json_walk(yyjson_mut_doc *doc, yyjson_mut_val *root, uint64_t iova,
	       const struct ioasid_walk_steps *walk);

/* The bits of a table's entry as words, such as "present write user". */
void decode_entry(uint32_t format, uint64_t entry, bool leaf, uint32_t level, char *buf,
		  size_t size);

#endif
