/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The histogram of one interval, without the buckets that are empty. */
#ifndef TOOLS_TIMES_H
#define TOOLS_TIMES_H

#include <stdbool.h>
#include <linux/types.h>
#include "../../bpf/hist.h"

/*
 * X(id, name, what is timed). Those of operations are in the order of enum ioasid_op
 * (bpf/stats.h).
 */
#define TIMINGS(X)                                                               \
	X(MAP, "map_latency", "successful map operations")                       \
	X(UNMAP, "unmap_latency", "successful unmap operations")                 \
	X(INV, "inv_latency", "invalidations of IOTLBs")                         \
	X(USER_INV, "user_inv_latency", "requests of INVALIDATE_CACHE")          \
	X(ATTACH, "attach_latency", "attaching devices")                         \
	X(DETACH, "detach_latency", "detaching devices")                         \
	X(REGISTER, "register_latency", "registering memory")                    \
	X(UNREGISTER, "unregister_latency", "unregistering memory")              \
	X(FAULT_QUEUE, "fault_queue", "page faults, from report to handler")     \
	X(FAULT_SERVICE, "fault_service", "page faults, from handler to answer") \
	X(FAULT_WAIT, "fault_wait", "page faults, from report to answer")

enum timing {
#define X(id, name, help) TIMING_##id,
	TIMINGS(X)
#undef X
		NR_TIMINGS,
};

struct timing_name {
	const char *name;
	const char *help;
};

extern const struct timing_name timings[NR_TIMINGS];

struct bucket {
	__u32 slot; /* of bpf/hist.h, ascending */
	__u32 count;
};

struct times {
	__u64 sum_ns;
	__u32 nr;
	struct bucket at[];
};

/* NULL when there is nothing in it, and -ENOMEM without memory. */
int times__pack(struct times **times, const __u32 *hist, __u64 sum_ns);

/* Adds what is in it; times may be NULL. */
void times__add(const struct times *times, __u32 *hist, __u64 *sum_ns);

#endif
