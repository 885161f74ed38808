/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rows of a snapshot put together by what they have in common, or taken apart. Counts and
 * rates of a group are sums; its percentiles are those of all its operations, from the
 * rows' histograms.
 */
#ifndef TOOLS_GROUPS_H
#define TOOLS_GROUPS_H

#include "snapshot.h"

struct groups {
	struct row *rows; /* ROW_GROUP, the name in attached */
	size_t nr;
};

/* Each fails with -ENOMEM. To be ended with groups__free(). */
int groups__processes(struct groups *groups, const struct snapshot *snap);
int groups__cgroups(struct groups *groups, const struct snapshot *snap);

/*
 * A row for each device on each space: the numbers are the space's, but for page faults,
 * which are the device's own. Notes are the PASIDs that it is attached by.
 */
int groups__devices(struct groups *groups, const struct snapshot *snap);
void groups__free(struct groups *groups);

/* What stands for the cgroup of a row: its path, or a number, or "-". */
void row__cgroup(const struct row *row, const struct snapshot *snap, char *out, size_t size);

#endif
