// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Page faults, decided in the kernel: each device may ask so often, in bursts of so
 * many. What is beyond gets the answer "invalid" at once. Within it, the kernel brings
 * the pages of spaces that follow a process; a queue of user space is told only when
 * that is wanted, otherwise the answer is "invalid" as well.
 *
 * The budget of a device is a time: up to when it has used what it may. A group moves
 * it on by an interval; it may not be further ahead of the clock than a burst.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "policy.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set by user space: ns per group, and how many at once. */
const volatile __u64 interval_ns = 1000000;
const volatile __u64 burst = 64;
const volatile __u32 ask_user = 1;

struct bucket_key {
	__u64 cookie;
	__u32 ctx;
	__u32 __reserved;
};

/* Devices that have not asked for long are forgotten: they have a full budget. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct bucket_key);
	__type(value, __u64); /* used up to then */
} buckets SEC(".maps");

static __always_inline __u64 *bucket_of(const struct ioasid_fault_query *query)
{
	struct bucket_key key = { .cookie = query->cookie, .ctx = query->ctx };
	__u64 *used = bpf_map_lookup_elem(&buckets, &key), full = 0;

	if (used)
		return used;
	/* Another CPU may be first: then this fails and the lookup succeeds. */
	bpf_map_update_elem(&buckets, &key, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&buckets, &key);
}

/* Whoever finds that others were faster again and again has asked too often. */
#define TRIES 16

static __always_inline int may_ask(__u64 *used, __u64 now)
{
	for (int i = 0; i < TRIES; i++) {
		__u64 old = *(volatile __u64 *)used;
		__u64 new = (old > now ? old : now) + interval_ns;

		if (new - now > interval_ns * burst)
			return 0;
		if (__sync_val_compare_and_swap(used, old, new) == old)
			return 1;
	}
	return 0;
}

SEC("struct_ops/fault_verdict")
int BPF_PROG(limit_faults, const struct ioasid_fault_query *query)
{
	__u64 *used = bucket_of(query);

	if (!used || !may_ask(used, query->time_ns))
		return IOASID_VERDICT_INVALID;
	if (query->to_kernel)
		return IOASID_VERDICT_RESOLVE;
	return ask_user ? IOASID_VERDICT_DELIVER : IOASID_VERDICT_INVALID;
}

SEC(".struct_ops.link")
struct ioasid_policy fault = {
	.name = "fault",
	.fault_verdict = (void *)limit_faults,
};
