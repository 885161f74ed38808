/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Latencies by operation, phase and whatever else they are kept apart by. */
#ifndef TOOLS_LAT_H
#define TOOLS_LAT_H

#include <stdbool.h>
#include <stddef.h>
#include "../../bpf/lat.h"
#include "snapshot.h"

const char *lat__op(unsigned int series);
const char *lat__phase(unsigned int series);	/* NULL: the whole operation */

/* The series of a whole operation, -1: there is none of that name. */
int lat__find_op(const char *name, size_t len);

/* All durations of one series in some time. */
struct lat_times {
	__u64 untimed;	/* operations whose duration is not known */
	__u64 sum_ns;
	__u64 max_ns;	/* since the start */
	__u64 hist[HIST_SLOTS];
};

struct lat_row {
	struct lat_key key;
	bool other;		/* of keys that found no room */
	char comm[COMM_LEN];
	struct lat_stat last;	/* cumulative, at the last reading */
	struct lat_times now;	/* of the interval */
	struct lat_times total;
};

struct lat {
	unsigned int by;	/* LAT_BY_* */
	struct lat_row **rows;	/* in the order in which they are shown */
	size_t nr, room;
	size_t sorted;		/* those before the last reading */
	__u64 seq;		/* number of the interval */
	__u64 start_ns;		/* CLOCK_MONOTONIC */
	__u64 ts_ns;		/* when it was read */
	__u64 interval_ns;
	__u64 missed;		/* programs skipped by the kernel, since the start */
};

void lat__free(struct lat *lat);

/* Begins a reading; then all that was read, summed over CPUs (0 or -ENOMEM); then its end. */
void lat__begin(struct lat *lat, __u64 ts_ns);
int lat__sample(struct lat *lat, const struct lat_key *key, bool other,
		const struct lat_stat *stat);
void lat__settle(struct lat *lat);

/* Operations without a row of their own, since the start. */
__u64 lat__unattributed(const struct lat *lat);

static inline const struct lat_times *lat_row__times(const struct lat_row *row, bool total)
{
	return total ? &row->total : &row->now;
}

/* Those whose duration is known; whether there are any at all. */
__u64 lat_times__count(const struct lat_times *times);
bool lat_times__any(const struct lat_times *times);

/* The longest one: of a total exactly, of an interval the upper end of its bucket. */
__u64 lat_times__max(const struct lat_times *times, bool total);

#define LAT_NAME_LEN	(COMM_LEN + 32)

/* "CTX:ID", or CTX alone for what belongs to no space. */
void lat_row__space(const struct lat_row *row, char *out, size_t size);
/* The name of a PCI function or the user's label; "-": there is none. */
void lat_row__device(const struct lat_row *row, char *out, size_t size);
void lat_row__process(const struct lat_row *row, char *out, size_t size);

/* All of it as one word without commas, for the tag of a log: map.pin@3:1 */
#define LAT_TAG_LEN	256
void lat_row__tag(const struct lat *lat, const struct lat_row *row, char *out, size_t size);

#endif
