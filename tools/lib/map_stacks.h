/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps by the code that asks for them: loading, attaching and reading bpf/stacks.bpf.c.
 * Who uses this is linked with libdw.
 */
#ifndef TOOLS_MAP_STACKS_H
#define TOOLS_MAP_STACKS_H

#include "snapshot.h"

/* In a snapshot; what is beyond is only counted. */
#define MAX_SHOWN_STACKS	64

struct map_stack_reader;

/* Before privileges are given up. On failure NULL, and why becomes one sentence. */
struct map_stack_reader *map_stacks__open(char *why, size_t size);
void map_stacks__close(struct map_stack_reader *reader);

/* Nothing is counted but between these; what was counted before is forgotten. */
void map_stacks__start(struct map_stack_reader *reader);
void map_stacks__stop(struct map_stack_reader *reader);
bool map_stacks__is_on(const struct map_stack_reader *reader);

/* What there was since the last time. 0 or a negative errno. */
int map_stacks__read(struct map_stack_reader *reader, struct map_stacks *out);

#endif
