// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What each source can say of an event: see bpf/src_*.h. */
#include "../../bpf/snoop.h"
#include "watch.h"

#define A(n)	(1U << (n))
#define THROUGH(n)	(A((n) + 1) - 1)

/* Bits of arguments, in the order of the tracepoints. */
static const __u16 operations[NR_SNOOP_EVENTS] = {
	[SNOOP_map_begin] = THROUGH(3),
	[SNOOP_map] = THROUGH(6) | A(8),
	[SNOOP_unmap_begin] = THROUGH(3),
	[SNOOP_unmap] = THROUGH(4) | A(6) | A(7),
	[SNOOP_alloc] = THROUGH(1) | A(5),
	[SNOOP_free] = THROUGH(1) | A(3),
};

/* Devices come in groups, whose name is not theirs. */
static const __u16 groups[NR_SNOOP_EVENTS] = {
	[SNOOP_attach] = THROUGH(1) | A(5) | A(6),
	[SNOOP_detach] = THROUGH(1) | A(4) | A(5),
};

static const __u16 tracepoints[NR_SNOOP_EVENTS] = {
	[SNOOP_map] = THROUGH(3) | A(6) | A(7),
	[SNOOP_unmap] = THROUGH(4) | A(6),
	[SNOOP_iotlb_inv] = THROUGH(3),
	[SNOOP_attach] = THROUGH(1) | A(5),
	[SNOOP_fault_report] = THROUGH(1) | A(5) | A(6) | A(9),
};

__u32 watch__known_args(enum watch watch, int event)
{
	switch (watch) {
	case WATCH_VFIO:
		return operations[event] | groups[event];
	case WATCH_IOMMUFD:
		return operations[event];
	case WATCH_IOMMU:
		return tracepoints[event];
	default:
		return THROUGH(SNOOP_MAX_ARGS - 1);
	}
}

__u32 watch__events(enum watch watch)
{
	__u32 events = 0;

	for (int event = 0; event < NR_SNOOP_EVENTS; event++)
		if (watch__known_args(watch, event))
			events |= 1U << event;
	return events;
}
