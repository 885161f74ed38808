/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Snapshots for as long as a daemon runs: the driver may be missing, come, go and be
 * replaced. While BPF programs are attached the driver cannot be unloaded: see
 * gather__let_go().
 */
#ifndef TOOLS_GATHER_H
#define TOOLS_GATHER_H

#include "snapshot.h"

struct gather;

struct gather_options {
	bool no_bpf;
	bool verbose;
	unsigned int memory;	/* MiB */
};

/* NULL without memory. Nothing is attached before the first gather__read(). */
struct gather *gather__new(const struct gather_options *options);
void gather__free(struct gather *gather);

/*
 * To be called once per interval. *snap is NULL the first time, which is the baseline.
 * When BPF programs come or go, what the driver counted is still in exactly one
 * snapshot. 0 or a negative errno.
 */
int gather__read(struct gather *gather, struct snapshot **snap);

/*
 * The next reading detaches the BPF programs, and a later one attaches them again: to
 * the next driver, or, when this one stays, after some seconds.
 */
void gather__let_go(struct gather *gather);

/* Whether the driver was loaded when it was last looked for. */
bool gather__is_up(const struct gather *gather);

/* What is missing, a sentence, or empty. */
const char *gather__notice(const struct gather *gather);

#endif
