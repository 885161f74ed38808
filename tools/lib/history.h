/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last snapshots, compressed, in bounded memory. */
#ifndef TOOLS_HISTORY_H
#define TOOLS_HISTORY_H

#include "snapshot.h"

#define HISTORY_NS	(600 * 1000000000ULL)
#define HISTORY_MIB	16
#define HISTORY_MIB_MAX 1024

struct history;

/* What is older than max_ns, or does not fit, is forgotten. NULL without memory. */
struct history *history__new(size_t max_bytes, __u64 max_ns);
void history__free(struct history *history);

/* 0, -ENOMEM, or -E2BIG when it does not fit alone. */
int history__add(struct history *history, const struct snapshot *snap);

/*
 * Snapshots have numbers that stay: from the first that is remembered up to, but not
 * including, the end. Both are the same when there is none.
 */
size_t history__first(const struct history *history);
size_t history__end(const struct history *history);

__u64 history__ts_ns(const struct history *history, size_t at);
int history__get(const struct history *history, size_t at, struct snapshot **snap);
size_t history__bytes(const struct history *history);

#endif
