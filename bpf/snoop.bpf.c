// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends ioasid's events to user space, those that pass a filter.
 *
 * As in collect.bpf.c: raw tracepoints with scalar arguments, no BTF, CAP_BPF and
 * CAP_PERFMON are enough. The filter is constant before the programs are loaded, so
 * that conditions that nobody gave cost nothing.
 *
 * Exactness: what passes the filter is counted first, and then either sent or counted
 * as lost. Programs may interrupt each other where tracepoints are preemptible (7.x),
 * hence atomic additions; one that would have to interrupt itself is skipped by the
 * kernel, which counts that (recursion_misses).
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "snoop.h"
#include "watch.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct ioasid_snoop_filter filter;
const volatile bool kernel_stacks;
const volatile bool user_stacks;
const volatile __u32 events = ~0U;	/* bits of enum ioasid_snoop_id */

/* Set when all are attached, so that all see the same time. */
bool listening;

/* User space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ioasid_snoop_count);
} counts SEC(".maps");

/* As in the trace header. */
enum { TYPE_UNRECOVERABLE = 2 };
enum { WHY_USER = 1, WHY_KERNEL, WHY_OVERFLOW, WHY_TIMEOUT, WHY_DETACH, WHY_CLOSE };

/*
 * Where the filter finds what in the arguments of an event; NONE: it does not have it.
 * The first one is the context's number in all.
 */
struct where {
	int nr;			/* arguments, as many as this program may read */
	int ioasid, dev, cookie, iova, size, result, time;
};

#define NONE	0

#define ARG(ctx, n)	((ctx)->args[n])

static __always_inline bool in_range(__u64 iova, __u64 size)
{
	__u64 last = size ? iova + size - 1 : ~0ULL;

	if (last < iova)	/* refused as such */
		last = ~0ULL;
	return (!size || iova <= filter.last) && last >= filter.first;
}

#define IF(condition)	(filter.conditions & SNOOP_IF_##condition)

/* The filter's view of an event. A macro: arguments are read at constant offsets only. */
#define REJECTED(ctx, w)	(						\
	(IF(CTX) && (__u32)ARG(ctx, 0) != filter.ctx) ||			\
	(IF(IOASID) && ((w).ioasid == NONE ||					\
			(__u32)ARG(ctx, (w).ioasid) != filter.ioasid)) ||	\
	(IF(DEV) && ((w).dev == NONE || (__u32)ARG(ctx, (w).dev) != filter.dev)) || \
	(IF(COOKIE) && ((w).cookie == NONE || ARG(ctx, (w).cookie) != filter.cookie)) || \
	(IF(RANGE) && ((w).iova == NONE ||					\
		       !in_range(ARG(ctx, (w).iova),				\
				 (w).size == NONE ? 1 : ARG(ctx, (w).size)))) ||	\
	(IF(SLOWER) && ((w).time == NONE || ARG(ctx, (w).time) < filter.min_ns)))

/* The process an event is of. */
static __always_inline bool process(__u32 *pid, __u32 *tid, bool has_process)
{
	__u64 both = has_process ? bpf_get_current_pid_tgid() : 0;

	*pid = both >> 32;
	*tid = both;
	return !IF(PID) || *pid == filter.pid;
}

static __always_inline void add_stacks(void *ctx, struct ioasid_snoop_stack_event *event)
{
	event->event.kernel_size = 0;
	event->event.user_size = 0;
	if (kernel_stacks)
		event->event.kernel_size = bpf_get_stack(ctx, event->kernel,
							 sizeof(event->kernel), 0);
	if (user_stacks && event->event.pid)
		event->event.user_size = bpf_get_stack(ctx, event->user, sizeof(event->user),
						       BPF_F_USER_STACK);
}

/* Room for an event that has passed the filter, with everything but its arguments. */
static __always_inline struct ioasid_snoop_event *start(__u32 id, __u32 pid, __u32 tid)
{
	struct ioasid_snoop_event *event;
	struct ioasid_snoop_count *count;
	__u32 zero = 0;

	count = bpf_map_lookup_elem(&counts, &zero);
	if (!count)
		return NULL;
	__sync_fetch_and_add(&count->matched, 1);
	if (kernel_stacks || user_stacks)
		event = bpf_ringbuf_reserve(&ring, sizeof(struct ioasid_snoop_stack_event), 0);
	else
		event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&count->lost, 1);
		return NULL;
	}
	event->ts_ns = bpf_ktime_get_ns();
	event->lost = count->lost;
	event->id = id;
	event->cpu = bpf_get_smp_processor_id();
	event->pid = pid;
	event->tid = tid;
	if (pid)
		bpf_get_current_comm(event->comm, sizeof(event->comm));
	else
		__builtin_memset(event->comm, 0, sizeof(event->comm));
	return event;
}

/*
 * wrong: whether it is an error; of_process: whether a process did it. Constant
 * positions make the compiler leave out what an event does not have.
 */
#define SNOOP(name, wrong, of_process, ...)					\
TRACEPOINT(name)								\
{										\
	const struct where w = { __VA_ARGS__ };					\
	struct ioasid_snoop_event *event;						\
	__u32 pid, tid;								\
										\
	if (!listening || !(events >> SNOOP_##name & 1) || REJECTED(ctx, w) ||	\
	    (IF(ERROR) && !(wrong)) ||						\
	    !process(&pid, &tid, of_process))					\
		return 0;							\
	event = start(SNOOP_##name, pid, tid);					\
	if (!event)								\
		return 0;							\
	_Pragma("unroll")							\
	for (int i = 0; i < SNOOP_MAX_ARGS; i++)				\
		event->args[i] = i < w.nr ? ARG(ctx, i) : 0;			\
	if (kernel_stacks || user_stacks)					\
		add_stacks(STACK_OF(ctx), (struct ioasid_snoop_stack_event *)event);		\
	else									\
		event->kernel_size = event->user_size = 0;			\
	bpf_ringbuf_submit(event, 0);						\
	return 0;								\
}

/* An argument of type int arrives zero-extended. */
#define FAILED	((int)(__u32)ARG(ctx, w.result) < 0)
#define RANGE(first)	.iova = (first), .size = (first) + 1

SNOOP(map_begin, false, true, .nr = 4, .ioasid = 1, RANGE(2))
SNOOP(unmap_begin, false, true, .nr = 4, .ioasid = 1, RANGE(2))
SNOOP(map, FAILED, true, .nr = 12, .ioasid = 1, RANGE(2), .result = 6, .time = 8)
SNOOP(unmap, FAILED, true, .nr = 12, .ioasid = 1, RANGE(2), .result = 6, .time = 7)
SNOOP(iotlb_inv, FAILED, true, .nr = 8, .ioasid = 1, RANGE(2), .result = 5, .time = 6)
SNOOP(invalidate_cache, FAILED, true, .nr = 7, .ioasid = 1, .result = 4, .time = 5)
SNOOP(invalidate, FAILED, true, .nr = 12, .ioasid = 1, RANGE(5), .result = 8, .time = 9)
SNOOP(shadow, FAILED, true, .nr = 11, .ioasid = 1, RANGE(2), .result = 7, .time = 8)
SNOOP(alloc, FAILED, true, .nr = 11, .ioasid = 1, .result = 5)
SNOOP(free, FAILED, true, .nr = 4, .ioasid = 1, .result = 3)
SNOOP(bind_table, FAILED, true, .nr = 10, .ioasid = 1, .result = 7, .time = 8)
SNOOP(unbind_table, FAILED, true, .nr = 10, .ioasid = 1, .result = 7, .time = 8)
SNOOP(register, FAILED, true, .nr = 5, .result = 3, .time = 4)
SNOOP(unregister, FAILED, true, .nr = 5, .result = 3, .time = 4)
SNOOP(bind, FAILED, true, .nr = 5, .dev = 1, .cookie = 2, .result = 4)
SNOOP(unbind, FAILED, true, .nr = 5, .dev = 1, .cookie = 2, .result = 4)
SNOOP(attach_begin, false, true, .nr = 4, .ioasid = 1, .dev = 2)
SNOOP(attach, FAILED, true, .nr = 8, .ioasid = 1, .dev = 2, .cookie = 7, .result = 5, .time = 6)
SNOOP(detach, FAILED, true, .nr = 7, .ioasid = 1, .dev = 2, .cookie = 6, .result = 4, .time = 5)
SNOOP(dirty_set, FAILED, true, .nr = 5, .ioasid = 1, .result = 3, .time = 4)
SNOOP(dirty_read, FAILED, true, .nr = 9, .ioasid = 1, RANGE(2), .result = 7, .time = 8)

/* Faults come from the IOMMU: whatever process is current has nothing to do with it. */
SNOOP(fault_report, (__u32)ARG(ctx, 9) == TYPE_UNRECOVERABLE, false, .nr = 10, .ioasid = 1,
      .dev = 2, .cookie = 4, .iova = 5)
SNOOP(fault_deliver, FAILED, false, .nr = 12, .ioasid = 1, .dev = 2, .cookie = 11, .iova = 4,
      .result = 8, .time = 10)

static __always_inline bool by_process(__u32 why)
{
	return why == WHY_USER || why == WHY_DETACH || why == WHY_CLOSE;
}

/* A refusal, or no answer from whoever was to give it. */
SNOOP(fault_respond, (__u32)ARG(ctx, 6) || (__u32)ARG(ctx, 7) > WHY_KERNEL,
      by_process(ARG(ctx, 7)), .nr = 12, .ioasid = 1, .dev = 2, .cookie = 11, .iova = 4,
      .time = 10)
