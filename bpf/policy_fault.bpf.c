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

struct bucket {
	struct bpf_spin_lock lock;
	__u64 used_until;
};

/* Devices that have not asked for long are forgotten: they have a full budget. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct bucket_key);
	__type(value, struct bucket);
} buckets SEC(".maps");

static __always_inline struct bucket *bucket_of(const struct ioasid_fault_query *query)
{
	struct bucket_key key = { .cookie = query->cookie, .ctx = query->ctx };
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, &key);
	struct bucket full = {};

	if (bucket)
		return bucket;
	/* Another CPU may be first: then this fails and the lookup succeeds. */
	bpf_map_update_elem(&buckets, &key, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&buckets, &key);
}

static __always_inline int may_ask(struct bucket *bucket, __u64 now)
{
	__u64 until;
	int may;

	bpf_spin_lock(&bucket->lock);
	until = bucket->used_until > now ? bucket->used_until : now;
	until += interval_ns;
	may = until - now <= interval_ns * burst;
	if (may)
		bucket->used_until = until;
	bpf_spin_unlock(&bucket->lock);
	return may;
}

SEC("struct_ops/fault_verdict")
int BPF_PROG(limit_faults, const struct ioasid_fault_query *query)
{
	struct bucket *bucket = bucket_of(query);

	if (!bucket || !may_ask(bucket, query->time_ns))
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
