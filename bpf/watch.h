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

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define WATCH_NR_ARGS	12

#ifndef WATCH_SOURCE

#define TRACEPOINT(name)						\
SEC("raw_tp/ioasid_" #name)						\
int on_##name(struct bpf_raw_tracepoint_args *ctx)

#define IGNORE(name)

#else

/* prog: the context that helpers want, which is not that of a raw tracepoint. */
#define TRACEPOINT(name)						\
static __always_inline __attribute__((unused))				\
int handle_##name(void *prog, struct bpf_raw_tracepoint_args *ctx)

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
 * Operations that have begun, by thread. Of threads that end in the middle of one
 * nothing is left: they end after it.
 */
struct watch_begun {
	__u64 ts_ns;
	__u64 object;
	__u64 iova;
	__u64 size;
	__u64 vaddr;
	__u32 flags;
	__u32 known;		/* whether the four above are */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct watch_begun);
} begun SEC(".maps");

/* Numbers of what has none of its own, from 1 on in the order in which we met it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} numbers SEC(".maps");

__u32 last_number;

/* 0: there are too many. */
static __noinline __u32 number_of(__u64 object)
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

static __always_inline void op_begin(const struct watch_begun *op)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&begun, &thread, op, BPF_ANY);
}

/* Zeros when the beginning was not seen. */
static __always_inline void op_end(struct watch_begun *op, __u64 object)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct watch_begun *found = bpf_map_lookup_elem(&begun, &thread);

	if (found && found->object == object)
		*op = *found;
	else
		*op = (struct watch_begun){ 0 };
	if (found)
		bpf_map_delete_elem(&begun, &thread);
}

/* 0 when it is not known; an operation never takes no time at all. */
static __always_inline __u64 op_time(const struct watch_begun *op)
{
	__u64 ns;

	if (!op->ts_ns)
		return 0;
	ns = bpf_ktime_get_ns() - op->ts_ns;
	return ns ? ns : 1;
}

#endif /* WATCH_SOURCE */
#endif
