/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What bpf/snoop.bpf.c and ioasidsnoop share: filters, and events as they are sent. */
#ifndef IOASID_BPF_SNOOP_H
#define IOASID_BPF_SNOOP_H

#include <linux/types.h>

#define SNOOP_MAX_ARGS	12
#define SNOOP_DEPTH	64	/* frames of a stack */

/* One for each tracepoint ioasid_NAME. */
#define SNOOP_EVENTS(X)							\
	X(map_begin) X(map) X(unmap_begin) X(unmap) X(iotlb_inv)	\
	X(invalidate_cache) X(invalidate) X(shadow) X(alloc) X(free)	\
	X(bind_table) X(unbind_table) X(register) X(unregister)		\
	X(bind) X(unbind) X(attach_begin) X(attach) X(detach)		\
	X(fault_report) X(fault_deliver) X(fault_respond)		\
	X(dirty_set) X(dirty_read)

#define SNOOP_ID(name)	SNOOP_##name,
enum ioasid_snoop_id { SNOOP_EVENTS(SNOOP_ID) NR_SNOOP_EVENTS };
#undef SNOOP_ID

/* What an event must be like. One that has no such thing does not match. */
enum ioasid_snoop_condition {
	SNOOP_IF_PID		= 1 << 0,
	SNOOP_IF_CTX		= 1 << 1,
	SNOOP_IF_IOASID		= 1 << 2,
	SNOOP_IF_DEV		= 1 << 3,
	SNOOP_IF_COOKIE		= 1 << 4,
	SNOOP_IF_RANGE		= 1 << 5,
	SNOOP_IF_SLOWER		= 1 << 6,
	SNOOP_IF_ERROR		= 1 << 7,
};

struct ioasid_snoop_filter {
	__u32 conditions;
	__u32 pid;
	__u32 ctx;
	__u32 ioasid;
	__u32 dev;
	__u32 __pad;
	__u64 cookie;
	__u64 first, last;	/* addresses */
	__u64 min_ns;
};

/* Of one CPU, cumulative. */
struct ioasid_snoop_count {
	__u64 matched;		/* events that passed the filter */
	__u64 lost;		/* of those: the ring was full */
};

struct ioasid_snoop_event {
	__u64 ts_ns;		/* CLOCK_MONOTONIC, when it was reported */
	__u64 lost;		/* on its CPU, before it */
	__u32 id;
	__u32 cpu;
	__u32 pid;		/* 0: no process did it */
	__u32 tid;
	char comm[16];
	__s32 kernel_size;	/* of the stacks, in bytes; negative: an errno */
	__s32 user_size;
	__u64 args[SNOOP_MAX_ARGS];	/* of the tracepoint */
};

/* Sent when stacks were asked for. */
struct ioasid_snoop_stack_event {
	struct ioasid_snoop_event event;
	__u64 kernel[SNOOP_DEPTH];
	__u64 user[SNOOP_DEPTH];
};

#endif
