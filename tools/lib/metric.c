// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "metric.h"

const struct metric metrics[NR_METRICS] = {
#define X(id, k, u, h)	{ .key = k, .unit = u, .help = h },
	METRICS(X)
#undef X
};

enum metric_kind metric__kind(enum metric_id id)
{
	switch (id) {
	case METRIC_DEVICES:
	case METRIC_DOMAINS:
	case METRIC_NESTED:
	case METRIC_MAPPINGS:
	case METRIC_MAPPED:
	case METRIC_PINNED:
	case METRIC_REGISTERED:
	case METRIC_LOST:	/* less when what was late comes after all */
	case METRIC_FAULT_PENDING:
	case METRIC_FAULT_OLDEST:
		return METRIC_IS_GAUGE;
	case METRIC_MAPS_TOTAL ... METRIC_SHADOW_SYNCS_TOTAL:
	case METRIC_FAULT_OVERFLOWS_SEEN ... METRIC_FAULT_UNRECOVERABLE_SEEN:
	case METRIC_FAULTS_TOTAL ... METRIC_FAULT_CANCELS_TOTAL:
		return METRIC_IS_SINCE;
	case METRIC_MAP_SAMPLES:
	case METRIC_UNMAP_SAMPLES:
	case METRIC_INV_SAMPLES:
	case METRIC_USER_INV_SAMPLES:
	case METRIC_FAULT_QUEUE_SAMPLES:
	case METRIC_FAULT_SERVICE_SAMPLES:
	case METRIC_FAULT_WAIT_SAMPLES:
		return METRIC_IS_DERIVED;
	default:
		break;
	}
	switch (metrics[id].unit) {
	case UNIT_NONE:
		return METRIC_IS_NAME;
	case UNIT_COUNT:
	case UNIT_BYTES:
		return METRIC_IS_COUNT;
	default:
		return METRIC_IS_DERIVED;
	}
}

double value__number(const struct value *value, enum metric_id id)
{
	return metrics[id].unit == UNIT_RATE ? value->rate : (double)value->count;
}
