// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts and times page faults per address space and device, in the kernel.
 *
 * An object of its own: drivers without these tracepoints are served without it.
 * Otherwise as collect.bpf.c. A value is written by three programs, which may
 * interrupt each other, but none of its fields is.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "faults.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* User space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, struct ioasid_fault_key);
	__type(value, struct ioasid_fault_stat);
} faults SEC(".maps");

/* Groups that have not been answered. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, IOASID_MAX_INFLIGHT);
	__type(key, struct ioasid_inflight_key);
	__type(value, struct ioasid_inflight);
} inflight SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IOASID_NR_FAULT_LOST);
	__type(key, __u32);
	__type(value, __u64);
} fault_lost SEC(".maps");

static const struct ioasid_fault_stat no_stat;

/* As in the trace header. */
enum { TYPE_PAGE_REQUEST = 1, TYPE_UNRECOVERABLE };
enum { WHY_USER = 1, WHY_KERNEL, WHY_OVERFLOW, WHY_TIMEOUT, WHY_DETACH, WHY_CLOSE, WHY_POLICY };

static __noinline int count_lost(__u32 what)
{
	__u64 *lost = bpf_map_lookup_elem(&fault_lost, &what);

	if (lost)
		(*lost)++;
	return 0;
}

static __always_inline struct ioasid_fault_stat *stat_of(struct ioasid_fault_key *key)
{
	struct ioasid_fault_stat *stat = bpf_map_lookup_elem(&faults, key);

	if (stat)
		return stat;
	/* Another CPU may be first: then this fails and the lookup succeeds. */
	bpf_map_update_elem(&faults, key, &no_stat, BPF_NOEXIST);
	return bpf_map_lookup_elem(&faults, key);
}

/* 0: the event was switched on in the meantime. */
static __always_inline void add_time(struct ioasid_fault_times *times, __u64 ns)
{
	if (!ns)
		return;
	times->sum_ns += ns;
	if (ns > times->max_ns)
		times->max_ns = ns;
	hist_add(times->hist, ns);
}

/* ctx, ioasid, dev, pasid, cookie, addr, perm, group, pages, type, ... */
SEC("raw_tp/ioasid_fault_report")
int on_report(struct bpf_raw_tracepoint_args *ctx)
{
	struct ioasid_inflight_key key = {
		.from = {
			.cookie = ctx->args[4], .ctx = ctx->args[0], .ioasid = ctx->args[1],
			.dev = ctx->args[2],
		},
		.pasid = ctx->args[3], .group = ctx->args[7],
	};
	__u32 type = ctx->args[9], pages = ctx->args[8];
	struct ioasid_fault_stat *stat = stat_of(&key.from);
	struct ioasid_inflight group = { .ts_ns = bpf_ktime_get_ns(), .addr = ctx->args[5] };

	if (!stat)
		count_lost(IOASID_LOST_DEVICE);
	else if (type == TYPE_UNRECOVERABLE)
		stat->unrecoverable++;
	if (type != TYPE_PAGE_REQUEST)
		return 0;
	if (bpf_map_update_elem(&inflight, &key, &group, BPF_ANY))
		count_lost(IOASID_LOST_INFLIGHT);
	if (!stat)
		return 0;
	stat->pages += pages;
	barrier();	/* readers trust the rest when the count has not changed */
	stat->groups++;
	return 0;
}

/* ctx, ioasid, dev, pasid, addr, group, pages, to, result, depth, queue_ns, cookie */
SEC("raw_tp/ioasid_fault_deliver")
int on_deliver(struct bpf_raw_tracepoint_args *ctx)
{
	struct ioasid_fault_key key = {
		.cookie = ctx->args[11], .ctx = ctx->args[0], .ioasid = ctx->args[1],
		.dev = ctx->args[2],
	};
	struct ioasid_fault_stat *stat = stat_of(&key);

	if (!stat || (__u32)ctx->args[8])
		return 0;
	add_time(&stat->queue, ctx->args[10]);
	barrier();
	stat->delivered++;
	return 0;
}

static __always_inline __u32 outcome(__u32 why, __u32 code)
{
	switch (why) {
	case WHY_USER:
	case WHY_KERNEL:
	case WHY_POLICY:
		return code ? IOASID_OUTCOME_INVALID : IOASID_OUTCOME_SUCCESS;
	case WHY_OVERFLOW:
		return IOASID_OUTCOME_OVERFLOW;
	case WHY_TIMEOUT:
		return IOASID_OUTCOME_TIMEOUT;
	}
	return IOASID_OUTCOME_CANCEL;
}

/*
 * The device is told first and the tracepoint comes second: in between it may have
 * asked again under the same number, and that is not answered. What was, had been
 * reported before it was delivered, service_ns before the IOMMU was told; what was
 * not, came after that.
 */
static __always_inline void not_inflight(const struct ioasid_inflight_key *key, __u64 addr,
					 __u64 service_ns, __u64 respond_ns)
{
	__u64 told = bpf_ktime_get_ns() - respond_ns;	/* at the latest */
	struct ioasid_inflight *group = bpf_map_lookup_elem(&inflight, key);

	if (!group || group->addr != addr || group->ts_ns > told - service_ns / 2)
		return;
	bpf_map_delete_elem(&inflight, key);
}

/*
 * ctx, ioasid, dev, pasid, addr, group, code, why, service_ns, respond_ns, total_ns,
 * cookie
 */
SEC("raw_tp/ioasid_fault_respond")
int on_respond(struct bpf_raw_tracepoint_args *ctx)
{
	struct ioasid_inflight_key key = {
		.from = {
			.cookie = ctx->args[11], .ctx = ctx->args[0], .ioasid = ctx->args[1],
			.dev = ctx->args[2],
		},
		.pasid = ctx->args[3], .group = ctx->args[5],
	};
	__u32 result = outcome(ctx->args[7], ctx->args[6]);
	struct ioasid_fault_stat *stat;

	not_inflight(&key, ctx->args[4], ctx->args[8], ctx->args[9]);
	stat = stat_of(&key.from);
	if (!stat)
		return 0;
	if (result <= IOASID_OUTCOME_INVALID)
		add_time(&stat->service, ctx->args[8]);
	add_time(&stat->total, ctx->args[10]);
	barrier();
	barrier_var(result);
	if (result < IOASID_NR_OUTCOMES)
		stat->answers[result]++;
	return 0;
}
