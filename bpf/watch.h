/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where events come from. What counts, times or sends them (collect.bpf.c, lat.bpf.c,
 * snoop.bpf.c) has a program on each of the driver's tracepoints. Another source
 * (src_vfio.h, src_iommufd.h, src_iommu.h) includes that file with WATCH_SOURCE defined:
 * then these are functions, and the source calls them with the arguments that the
 * driver's tracepoint would have, as far as it knows them.
 */
#ifndef IOASID_BPF_WATCH_H
#define IOASID_BPF_WATCH_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define WATCH_NR_ARGS	12

#ifndef WATCH_SOURCE

#define TRACEPOINT(name)						\
SEC("raw_tp/ioasid_" #name)						\
int on_##name(struct bpf_raw_tracepoint_args *ctx)

#define IGNORE(name)
#define HAS_PHASES	1
#define STACK_OF(ctx)	(ctx)

#else

/* prog: the context that helpers want, which is not that of a raw tracepoint. */
#define TRACEPOINT(name)						\
static __always_inline __attribute__((unused))				\
int handle_##name(void *prog, struct bpf_raw_tracepoint_args *ctx)

#define STACK_OF(ctx)	prog
#define HAS_PHASES	0	/* where the driver's tracepoints tell them apart */
#define IGNORE(name)	TRACEPOINT(name) { return 0; }

#define EMIT(prog, name, ...)						\
do {									\
	__u64 args_[WATCH_NR_ARGS] = { __VA_ARGS__ };			\
									\
	handle_##name(prog, (struct bpf_raw_tracepoint_args *)args_);	\
} while (0)

/* What the kernel did and a program could not read, so that it is in no sum. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} unread SEC(".maps");

static __always_inline void count_unread(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&unread, &zero);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/*
 * Exactness. Where kernels are preemptible, a thread may be preempted in a program, and
 * until it goes on the kernel skips that program for all others on its CPU: for a whole
 * time slice, with hundreds of operations. So each program is there several times; the
 * first of them that is not skipped does the work, the others find it done. To lose
 * something, as many threads must have been preempted on one CPU, each in another of them.
 * They write the same values, but never at a time: they disable preemption meanwhile.
 */
#define OPTIONAL	__ksym __weak

extern OPTIONAL void bpf_preempt_disable(void);
extern OPTIONAL void bpf_preempt_enable(void);

/* Kernels since 6.10 have them; on others there is only the first program. */
#define CAN_GUARD	(bpf_ksym_exists(bpf_preempt_disable) &&		\
			 bpf_ksym_exists(bpf_preempt_enable))

/* Which of them; rare operations make do with one. */
enum { ONLY, FIRST, SECOND, THIRD };

#define WATCH_ONCE(place, name, call, ...)				\
SEC(place) int BPF_PROG(name, ##__VA_ARGS__)				\
{									\
	if (CAN_GUARD) {						\
		bpf_preempt_disable();					\
		call(ONLY);						\
		bpf_preempt_enable();					\
	} else {							\
		call(ONLY);						\
	}								\
	return 0;							\
}

/*
 * All of them at one place, e.g. fexit/FUNCTION: call() is run by each of them with its
 * number and the arguments of the function.
 */
#define WATCH_OFTEN(place, name, call, ...)				\
SEC(place) int BPF_PROG(name, ##__VA_ARGS__)				\
{									\
	if (CAN_GUARD) {						\
		bpf_preempt_disable();					\
		call(FIRST);						\
		bpf_preempt_enable();					\
	} else {							\
		call(FIRST);						\
	}								\
	return 0;							\
}									\
WATCH_AGAIN(place, name##_2, call, SECOND, ##__VA_ARGS__)		\
WATCH_AGAIN(place, name##_3, call, THIRD, ##__VA_ARGS__)

#define WATCH_AGAIN(place, name, call, by, ...)				\
SEC(place) int BPF_PROG(name, ##__VA_ARGS__)				\
{									\
	if (CAN_GUARD) {						\
		bpf_preempt_disable();					\
		call(by);						\
		bpf_preempt_enable();					\
	}								\
	return 0;							\
}

/*
 * How often the other programs did the work, less how often the first found it done: in
 * whichever order the kernel runs them, what it skipped of the first programs less this is
 * what was lost.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __s64);
} rescued SEC(".maps");

static __always_inline void count_rescued(__s64 n)
{
	__u32 zero = 0;
	__s64 *count = bpf_map_lookup_elem(&rescued, &zero);

	if (count)
		*count += n;
}

enum { OP_BEGUN = 1, OP_DONE };

struct watch_op {
	__u64 ts_ns;
	__u64 object;
	__u64 iova;
	__u64 size;
	__u64 vaddr;
	__u32 flags;
	__u32 space;		/* where the object has several */
	__u32 known;		/* whether the four above are */
	__u32 state;
	__u32 by;		/* which of the programs wrote this */
	__u32 __pad;
};

/*
 * The operation that each thread is in, or the one before: what is left of one that has
 * ended is written over by the next one of its thread, or when room is needed.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct watch_op);
} ops SEC(".maps");

/* Numbers of what has none of its own, from 1 on in the order in which we met it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} numbers SEC(".maps");

__u32 last_number;

/* 0: there are too many. */
static __noinline __attribute__((unused)) __u32 number_of(__u64 object)
{
	__u32 *found = bpf_map_lookup_elem(&numbers, &object), fresh;

	if (found)
		return *found;
	fresh = __sync_fetch_and_add(&last_number, 1) + 1;
	/* Another CPU may be first: then its number is the one. */
	bpf_map_update_elem(&numbers, &object, &fresh, BPF_NOEXIST);
	found = bpf_map_lookup_elem(&numbers, &object);
	return found ? *found : 0;
}

static __always_inline __u32 forget_number(__u64 object)
{
	__u32 *found = bpf_map_lookup_elem(&numbers, &object), number = found ? *found : 0;

	if (number)
		bpf_map_delete_elem(&numbers, &object);
	return number;
}

/* Whether another program has done this already. */
static __always_inline bool is_done(const struct watch_op *found, __u64 object, __u32 state,
				    __u32 by)
{
	return found && by != ONLY && found->object == object && found->state == state &&
	       found->by != by;
}

static __always_inline struct watch_op *op_of_thread(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&ops, &thread);
}

static __always_inline bool op_store(struct watch_op *found, const struct watch_op *op)
{
	__u64 thread = bpf_get_current_pid_tgid();

	if (!found)
		return !bpf_map_update_elem(&ops, &thread, op, BPF_ANY);
	*found = *op;
	return true;
}

/* False: another program has begun it. The time is taken by op_start(). */
static __always_inline bool op_is_new(__u64 object, __u32 by)
{
	if (is_done(op_of_thread(), object, OP_BEGUN, by)) {
		if (by == FIRST)
			count_rescued(-1);
		return false;
	}
	if (by > FIRST)
		count_rescued(1);
	return true;
}

static __always_inline void op_start(struct watch_op *op, __u32 by)
{
	op->state = OP_BEGUN;
	op->by = by;
	op->ts_ns = bpf_ktime_get_ns();
	op_store(op_of_thread(), op);
}

/*
 * True: the operation has ended and is ours to report. Nothing is known of it when its
 * beginning was not seen.
 */
static __always_inline bool op_end(struct watch_op *op, __u64 object, __u32 by)
{
	struct watch_op *found = op_of_thread();

	if (is_done(found, object, OP_DONE, by)) {
		if (by == FIRST)
			count_rescued(-1);
		return false;
	}
	if (found && found->object == object && found->state == OP_BEGUN)
		*op = *found;
	else
		*op = (struct watch_op){ .object = object };
	op->state = OP_DONE;
	op->by = by;
	/* Without a record, only the first may report it. */
	if (!op_store(found, op) && by > FIRST)
		return false;
	if (by > FIRST)
		count_rescued(1);
	return true;
}

/* 0 when it is not known; an operation never takes no time at all. */
static __always_inline __u64 op_time(const struct watch_op *op)
{
	__u64 ns;

	if (!op->ts_ns)
		return 0;
	ns = bpf_ktime_get_ns() - op->ts_ns;
	return ns ? ns : 1;
}

#endif /* WATCH_SOURCE */
#endif
