/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The mappings of a space, from the driver's kfuncs: loading and running bpf/mappings.bpf.c. */
#ifndef TOOLS_MAPPINGS_H
#define TOOLS_MAPPINGS_H

#include "snapshot.h"

struct mappings;

/* Before privileges are given up. On failure NULL, and why becomes one sentence. */
struct mappings *mappings__open(char *why, size_t size);
void mappings__close(struct mappings *mappings);

/* Fills what is known of the space, or why nothing is. */
void mappings__read(struct mappings *mappings, __u32 ctx, __u32 ioasid,
		    struct space_mappings *out);

#endif
