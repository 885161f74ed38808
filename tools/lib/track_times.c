// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The histograms of an interval, from what the model remembers to the rows. */
#include <string.h>
#include "track.h"

static int pack_faults(const struct ioasid_fault_stat *delta, struct times **times)
{
	int err = times__pack(&times[TIMING_FAULT_QUEUE], delta->queue.hist, delta->queue.sum_ns);

	if (!err)
		err = times__pack(&times[TIMING_FAULT_SERVICE], delta->service.hist,
				  delta->service.sum_ns);
	if (!err)
		err = times__pack(&times[TIMING_FAULT_WAIT], delta->total.hist,
				  delta->total.sum_ns);
	return err;
}

int fault_device__add_times(const struct fault_device *device, struct row *row)
{
	return device->quiet ? 0 : pack_faults(&device->delta, row->times);
}

int track__add_times(const struct track *track, struct row *row)
{
	struct ioasid_fault_stat faults = { 0 };
	int err = 0;

	_Static_assert((int)TIMING_UNREGISTER == (int)IOASID_OP_UNREGISTER, "the same order");
	for (int op = 0; !err && op < IOASID_NR_OPS; op++) {
		const struct track_op *of = track->ops[op];

		if (of && of->seen && !of->quiet)
			err = times__pack(&row->times[op], of->delta.hist, of->delta.sum_ns);
	}
	if (err || !track->ioasid || !fault_track__is_active(&track->faults))
		return err;
	fault_track__add_times(&track->faults, &faults);
	return pack_faults(&faults, row->times);
}

int snapshot__sum_times(struct snapshot *snap)
{
	__u32 hist[HIST_SLOTS];
	__u64 sum_ns;
	int err = 0;

	for (int t = 0; !err && t < NR_TIMINGS; t++) {
		memset(hist, 0, sizeof(hist));
		sum_ns = 0;
		for (size_t i = 0; i < snap->nr_rows; i++)
			times__add(snap->rows[i].times[t], hist, &sum_ns);
		err = times__pack(&snap->total.times[t], hist, sum_ns);
	}
	return err;
}
