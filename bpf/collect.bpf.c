// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts and times ioasid's operations per address space, in the kernel.
 *
 * Raw tracepoints with scalar arguments: nothing here needs BTF of the kernel
 * or of the module, so that CAP_BPF and CAP_PERFMON are enough and one object
 * serves all kernels. The arguments are those of TP_PROTO in
 * include/trace/events/ioasid.h, which only ever grow at the end.
 *
 * Exactness: the values are per CPU, and each is written by one program only
 * (the operation is part of the key). The kernel does not let a program run
 * inside itself on the same CPU, it skips it and counts that
 * (recursion_misses, which the tools report as lost); so plain additions lose
 * nothing.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "stats.h"
#include "watch.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * All memory is allocated when the map is made, so that the first operation on
 * a new space cannot fail for lack of it. User space sets the size.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, struct ioasid_stat_key);
	__type(value, struct ioasid_stat);
} stats SEC(".maps");

/* Operations on spaces that found no room in stats: sums stay exact. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IOASID_NR_OPS);
	__type(key, __u32);
	__type(value, struct ioasid_stat);
} other SEC(".maps");

/* How many operations of each kind that were. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IOASID_NR_OPS);
	__type(key, __u32);
	__type(value, __u64);
} unattributed SEC(".maps");

static const struct ioasid_stat no_stat;

/* An argument of type int arrives zero-extended. */
#define ARG_INT(ctx, n)	((int)(__u32)(ctx)->args[n])

static __noinline struct ioasid_stat *stat_lost(__u32 op)
{
	__u64 *lost = bpf_map_lookup_elem(&unattributed, &op);

	if (lost)
		(*lost)++;
	return bpf_map_lookup_elem(&other, &op);
}

static struct ioasid_stat *stat_new(struct ioasid_stat_key *key)
{
	struct ioasid_stat *stat;

	/* Another CPU may be first: then this fails and the lookup succeeds. */
	bpf_map_update_elem(&stats, key, &no_stat, BPF_NOEXIST);
	stat = bpf_map_lookup_elem(&stats, key);
	if (!stat)
		return stat_lost(key->op);
	if (!stat->tgid) {
		stat->tgid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(stat->comm, sizeof(stat->comm));
	}
	return stat;
}

static __always_inline void add_latency(struct ioasid_stat *stat, __u64 lat_ns)
{
	stat->sum_ns += lat_ns;
	if (lat_ns > stat->max_ns)
		stat->max_ns = lat_ns;
	hist_add(stat->hist, lat_ns);
}

/* n: how often the driver counts this operation. */
static __always_inline void account(__u32 ctx, __u32 ioasid, __u32 op, int result, __u32 n,
				    __u64 bytes, __u64 lat_ns)
{
	struct ioasid_stat_key key = { .ctx = ctx, .ioasid = ioasid, .op = op };
	struct ioasid_stat *stat;

	stat = bpf_map_lookup_elem(&stats, &key);
	if (!stat) {
		/* Users can invent numbers of spaces: those must not fill the map. */
		if (result == -2 /* ENOENT */)
			key.ioasid = 0;
		stat = stat_new(&key);
		if (!stat)
			return;
	}
	if (result < 0) {
		stat->errors++;
		return;
	}
	stat->bytes += bytes;
	if (lat_ns)		/* 0: the event was switched on during the operation */
		add_latency(stat, lat_ns);
	/*
	 * Last, while readers copy it first: a value with the same count as
	 * before is the same value, and need not be looked at.
	 */
	barrier();
	stat->count += n;
}

/* ctx, ioasid, iova, size, vaddr, flags, result, runs, lat_ns, ... */
TRACEPOINT(map)
{
	account(ctx->args[0], ctx->args[1], IOASID_OP_MAP, ARG_INT(ctx, 6), 1,
		ctx->args[3], ctx->args[8]);
	return 0;
}

/* ctx, ioasid, iova, size, unmapped, maps, result, lat_ns, ... */
TRACEPOINT(unmap)
{
	/* As in the driver's counters, finding nothing is not an unmap. */
	if (!ARG_INT(ctx, 6) && !ctx->args[4])
		return 0;
	account(ctx->args[0], ctx->args[1], IOASID_OP_UNMAP, ARG_INT(ctx, 6), 1,
		ctx->args[4], ctx->args[7]);
	return 0;
}

/* ctx, ioasid, iova, size, domains, result, lat_ns, ... */
TRACEPOINT(iotlb_inv)
{
	account(ctx->args[0], ctx->args[1], IOASID_OP_INV, ARG_INT(ctx, 5), ctx->args[4],
		ctx->args[3], ctx->args[6]);
	return 0;
}

/* ctx, ioasid, scope, cookie, pasid, iova, size, domains, result, lat_ns, ... */
TRACEPOINT(invalidate)
{
	account(ctx->args[0], ctx->args[1], IOASID_OP_USER_INV, ARG_INT(ctx, 8), 1,
		ctx->args[6], ctx->args[9]);
	return 0;
}

/* ctx, ioasid, dev, pasid, maps, result, lat_ns, ... */
TRACEPOINT(attach)
{
	account(ctx->args[0], ctx->args[1], IOASID_OP_ATTACH, ARG_INT(ctx, 5), 1, 0,
		ctx->args[6]);
	return 0;
}

/* ctx, ioasid, dev, pasid, result, lat_ns, ... */
TRACEPOINT(detach)
{
	account(ctx->args[0], ctx->args[1], IOASID_OP_DETACH, ARG_INT(ctx, 4), 1, 0,
		ctx->args[5]);
	return 0;
}

/* ctx, vaddr, size, result, lat_ns */
TRACEPOINT(register)
{
	account(ctx->args[0], 0, IOASID_OP_REGISTER, ARG_INT(ctx, 3), 1, ctx->args[2],
		ctx->args[4]);
	return 0;
}

/* ctx, vaddr, size, result, lat_ns */
TRACEPOINT(unregister)
{
	account(ctx->args[0], 0, IOASID_OP_UNREGISTER, ARG_INT(ctx, 3), 1, ctx->args[2],
		ctx->args[4]);
	return 0;
}

/* ctx, ioasid, maps, result: the slots of the space may be taken back. */
TRACEPOINT(free)
{
	struct ioasid_stat_key key = { .ctx = ctx->args[0], .ioasid = ctx->args[1] };
	struct ioasid_stat *stat;

	if (ARG_INT(ctx, 3))
		return 0;
	for (__u32 op = 0; op < IOASID_NR_OPS; op++) {
		key.op = op;
		stat = bpf_map_lookup_elem(&stats, &key);
		if (stat)
			stat->flags |= IOASID_STAT_FREED;
	}
	return 0;
}

IGNORE(map_begin)
IGNORE(unmap_begin)
IGNORE(alloc)
IGNORE(fault_report)
