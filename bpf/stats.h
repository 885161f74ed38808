/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the collecting BPF programs and the tools share: keys and values of the
 * maps. All counters are cumulative and are never reset; an interval is the
 * difference of two readings.
 */
#ifndef IOASID_BPF_STATS_H
#define IOASID_BPF_STATS_H

#include <linux/types.h>
#include "hist.h"

enum ioasid_op {
	IOASID_OP_MAP,
	IOASID_OP_UNMAP,
	IOASID_OP_INV,		/* of IOTLBs, whoever asked for it */
	IOASID_OP_USER_INV,	/* requests of INVALIDATE_CACHE */
	IOASID_OP_ATTACH,
	IOASID_OP_DETACH,
	IOASID_OP_REGISTER,
	IOASID_OP_UNREGISTER,
	IOASID_NR_OPS,
};

/* Only one program writes the values of an operation: see collect.bpf.c. */
struct ioasid_stat_key {
	__u32 ctx;
	__u32 ioasid;
	__u32 op;
};

#define IOASID_STAT_FREED	(1 << 0)	/* the space is gone: nothing follows */

/*
 * One operation on one space, as seen by one CPU. Buckets have 32 bits to halve
 * the memory: readers subtract modulo 2^32, which is exact for up to four
 * billion operations in an interval.
 */
struct ioasid_stat {
	__u64 count;		/* successful operations; written last, read first */
	__u64 errors;
	__u64 bytes;		/* of successful operations */
	__u64 sum_ns;		/* of successful operations whose time is known */
	__u64 max_ns;
	__u32 flags;
	__u32 tgid;		/* who did the first, set on one CPU only */
	char comm[16];
	__u32 hist[HIST_SLOTS];
};

_Static_assert(sizeof(struct ioasid_stat) == 2048, "memory of the maps is documented");

#endif
