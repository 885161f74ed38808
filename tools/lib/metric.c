// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "metric.h"

const struct metric metrics[NR_METRICS] = {
#define X(id, k, u, h)	{ .key = k, .unit = u, .help = h },
	METRICS(X)
#undef X
};

double value__number(const struct value *value, enum metric_id id)
{
	return metrics[id].unit == UNIT_RATE ? value->rate : (double)value->count;
}
