// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "trail.h"

static void clear_step(struct trail_step *step)
{
	for (int i = 0; i < NR_SPREADS; i++)
		spread__free(&step->spread[i]);
}

void trail__add(struct trail *trail, const struct snapshot *snap)
{
	static const enum metric_id rates[NR_SPREADS] = {
		[SPREAD_MAP] = METRIC_MAP_RATE,	    [SPREAD_UNMAP] = METRIC_UNMAP_RATE,
		[SPREAD_INV] = METRIC_INV_RATE,	    [SPREAD_USER_INV] = METRIC_USER_INV_RATE,
		[SPREAD_FAULT] = METRIC_FAULT_RATE,
	};
	struct trail_step *step = &trail->steps[trail->next];

	clear_step(step);
	step->seq = snap->seq;
	step->ts_ns = snap->ts_ns;
	for (int i = 0; i < NR_SPREADS; i++) {
		step->rates[i] = snap->total.v[rates[i]];
		spread__copy(&step->spread[i], &snap->total.spread[i]);
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

const struct trail_step *trail__before(const struct trail *trail, const struct snapshot *snap,
				       size_t steps)
{
	for (size_t i = 0; trail && i < trail->nr; i++) {
		const struct trail_step *step =
			&trail->steps[(trail->next + TRAIL_LEN - 1 - i) % TRAIL_LEN];

		if (step->seq <= snap->seq)
			return i + steps < trail->nr ?
				       &trail->steps[(trail->next + 2 * TRAIL_LEN - 1 - i - steps) %
						     TRAIL_LEN] :
				       NULL;
	}
	return NULL;
}
