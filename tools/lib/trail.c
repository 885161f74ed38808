// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "trail.h"

const enum timing operation_timing[NR_OPERATIONS] = {
	[OPERATION_MAP] = TIMING_MAP,
	[OPERATION_UNMAP] = TIMING_UNMAP,
	[OPERATION_INV] = TIMING_INV,
	[OPERATION_USER_INV] = TIMING_USER_INV,
	[OPERATION_FAULT] = TIMING_FAULT_SERVICE,
};

const char *operation__name(enum operation op)
{
	static const char *const names[NR_OPERATIONS] = {
		[OPERATION_MAP] = "map", [OPERATION_UNMAP] = "unmap", [OPERATION_INV] = "inval",
		[OPERATION_USER_INV] = "user inval", [OPERATION_FAULT] = "fault service",
	};

	return names[op];
}

__u64 times__unpack(const struct times *times, __u32 *hist)
{
	__u64 sum_ns = 0, total = 0;

	memset(hist, 0, HIST_SLOTS * sizeof(*hist));
	times__add(times, hist, &sum_ns);
	for (__u32 i = 0; times && i < times->nr; i++)
		total += times->at[i].count;
	return total;
}

static struct times *copy(const struct times *times)
{
	size_t size = times ? sizeof(*times) + times->nr * sizeof(times->at[0]) : 0;
	struct times *new = size ? malloc(size) : NULL;

	return new ? memcpy(new, times, size) : NULL;
}

static void clear_step(struct trail_step *step)
{
	for (int i = 0; i < NR_OPERATIONS; i++) {
		free(step->times[i]);
		step->times[i] = NULL;
	}
}

void trail__add(struct trail *trail, const struct snapshot *snap)
{
	static const enum metric_id rates[NR_OPERATIONS] = {
		[OPERATION_MAP] = METRIC_MAP_RATE,
		[OPERATION_UNMAP] = METRIC_UNMAP_RATE,
		[OPERATION_INV] = METRIC_INV_RATE,
		[OPERATION_USER_INV] = METRIC_USER_INV_RATE,
		[OPERATION_FAULT] = METRIC_FAULT_RATE,
	};
	struct trail_step *step = &trail->steps[trail->next];

	clear_step(step);
	step->seq = snap->seq;
	step->ts_ns = snap->ts_ns;
	for (int i = 0; i < NR_OPERATIONS; i++) {
		step->rates[i] = snap->total.v[rates[i]];
		step->times[i] = copy(snap->total.times[operation_timing[i]]);
	}
	trail->next = (trail->next + 1) % TRAIL_LEN;
	if (trail->nr < TRAIL_LEN)
		trail->nr++;
}

void trail__clear(struct trail *trail)
{
	for (size_t i = 0; i < TRAIL_LEN; i++)
		clear_step(&trail->steps[i]);
	*trail = (struct trail){ 0 };
}

/* So many steps before the last one. */
static const struct trail_step *step_at(const struct trail *trail, size_t age)
{
	return &trail->steps[(trail->next + 2 * TRAIL_LEN - 1 - age) % TRAIL_LEN];
}

const struct trail_step *trail__before(const struct trail *trail, const struct snapshot *snap,
				       size_t steps)
{
	size_t age = 0;

	if (!trail)
		return NULL;
	while (age < trail->nr && step_at(trail, age)->seq > snap->seq)
		age++;
	return age + steps < trail->nr ? step_at(trail, age + steps) : NULL;
}
