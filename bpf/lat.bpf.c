// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Histograms of how long ioasid's operations and their phases take, in the kernel.
 *
 * Raw tracepoints with scalar arguments, as collect.bpf.c, with which it shares the
 * reasons why nothing is lost: values are per CPU, a series is written by one program
 * only, and the kernel does not run a program inside itself but counts that.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "lat.h"
#include "watch.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct lat_config config = { .dev = LAT_NO_DEV };

/* User space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, struct lat_key);
	__type(value, struct lat_stat);
} stats SEC(".maps");

/* What found no room there: twice, for failed operations as well. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * NR_LAT_SERIES);
	__type(key, __u32);
	__type(value, struct lat_stat);
} other SEC(".maps");

static const struct lat_stat no_stat;

/* An argument of type int arrives zero-extended. */
#define ARG_INT(ctx, n)	((int)(__u32)(ctx)->args[n])

/* Which operation it was; cookie and dev only where there is a device. */
struct event {
	__u64 cookie;
	__u64 total_ns;
	__u32 ctx;
	__u32 ioasid;
	__u32 dev;
	int result;
	__u32 no_process;	/* what runs now has nothing to do with it */
};

static __always_inline __u32 current_tgid(void)
{
	struct bpf_pidns_info info = { 0 };

	if (!bpf_get_ns_current_pid_tgid(config.pidns_dev, config.pidns_ino, &info,
					 sizeof(info)))
		return info.tgid;
	/* Not in our namespace: that of the host numbers it, nobody else's number fits. */
	return config.tgid ? 0 : bpf_get_current_pid_tgid() >> 32;
}

static __always_inline bool is_wanted(const struct event *e, __u32 tgid)
{
	if (!(config.results & (e->result < 0 ? LAT_FAILED : LAT_OK)))
		return false;
	if (!config.any_ctx && config.ctx != e->ctx)
		return false;
	if (!config.any_ioasid && config.ioasid != e->ioasid)
		return false;
	if (config.dev != LAT_NO_DEV && config.dev != e->dev)
		return false;
	if (config.cookie && config.cookie != e->cookie)
		return false;
	if (config.tgid && config.tgid != tgid)
		return false;
	/* How long it took is not known of some, which is said, not hidden. */
	return !e->total_ns || e->total_ns >= config.min_ns;
}

/*
 * Functions that are not static are verified once, not for each call: it is those that
 * make loading fast. They have to expect NULL. With preemption disabled, kernels before
 * 6.15 do not let them be called.
 */
#ifdef WATCH_SOURCE
#define FUNCTION	static __noinline
#else
#define FUNCTION	__noinline
#endif

/* 0: it does not count. */
static __always_inline int key_of(struct lat_key *key, const struct event *e)
{
	__u32 by = config.by, tgid = 0;

	if (!e->no_process && (config.tgid || by & LAT_BY_PROCESS))
		tgid = current_tgid();
	if (!is_wanted(e, tgid))
		return 0;
	key->dev = LAT_NO_DEV;
	if (by & LAT_BY_SPACE) {
		key->ctx = e->ctx;
		/* Users can invent numbers of spaces: those must not fill the map. */
		key->ioasid = e->result == -2 /* ENOENT */ ? 0 : e->ioasid;
	}
	if (by & LAT_BY_DEVICE) {
		key->dev = e->dev;
		key->cookie = e->cookie;
	}
	if (by & LAT_BY_PROCESS)
		key->tgid = tgid;
	if (by & LAT_BY_RESULT)
		key->failed = (__u32)e->result >> 31;
	return 1;
}

static __always_inline struct lat_stat *stat_of(const struct lat_key *key)
{
	struct lat_stat *stat = bpf_map_lookup_elem(&stats, key);
	__u32 i = 2 * key->series + key->failed;

	if (stat)
		return stat;
	/* Another CPU may be first: then this fails and the lookup succeeds. */
	bpf_map_update_elem(&stats, key, &no_stat, BPF_NOEXIST);
	stat = bpf_map_lookup_elem(&stats, key);
	if (!stat)
		return bpf_map_lookup_elem(&other, &i);
	if (key->tgid && !stat->comm[0])
		bpf_get_current_comm(stat->comm, sizeof(stat->comm));
	return stat;
}

/* phase: one of no duration counts as that; of operations it means that it is not known. */
FUNCTION int add(struct lat_key *key, __u32 series, __u64 ns, bool phase)
{
	struct lat_stat *stat;

	if (!key)
		return 0;
	key->series = series;
	stat = stat_of(key);
	if (!stat)
		return 0;
	if (!ns && !phase) {
		stat->untimed++;
		return 0;
	}
	stat->sum_ns += ns;
	if (ns > stat->max_ns)
		stat->max_ns = ns;
	hist_add(stat->hist, ns);
	return 0;
}

/* The whole operation; true when its phases are wanted, too. */
static __always_inline bool begin(struct lat_key *key, const struct event *e, __u32 series)
{
	if (!(config.ops >> series & 1) || !key_of(key, e))
		return false;
	add(key, series, e->total_ns, false);
	return HAS_PHASES && e->total_ns && config.by & LAT_BY_PHASE;
}

/* ctx, ioasid, iova, size, vaddr, flags, result, runs, lat_ns, lock_ns, pin_ns, install_ns */
TRACEPOINT(map)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 6), .total_ns = ctx->args[8],
	};
	struct lat_key key = { 0 };

	if (!begin(&key, &e, LAT_MAP))
		return 0;
	add(&key, LAT_MAP_LOCK, ctx->args[9], true);
	add(&key, LAT_MAP_PIN, ctx->args[10], true);
	add(&key, LAT_MAP_INSTALL, ctx->args[11], true);
	return 0;
}

/*
 * ctx, ioasid, iova, size, unmapped, maps, result, lat_ns, lock_ns, remove_ns, flush_ns,
 * unpin_ns
 */
TRACEPOINT(unmap)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 6), .total_ns = ctx->args[7],
	};
	struct lat_key key = { 0 };

	/* As in the driver's counters, finding nothing is not an unmap. */
	if (!e.result && !ctx->args[4])
		return 0;
	if (!begin(&key, &e, LAT_UNMAP))
		return 0;
	add(&key, LAT_UNMAP_LOCK, ctx->args[8], true);
	add(&key, LAT_UNMAP_REMOVE, ctx->args[9], true);
	add(&key, LAT_UNMAP_FLUSH, ctx->args[10], true);
	add(&key, LAT_UNMAP_UNPIN, ctx->args[11], true);
	return 0;
}

/* ctx, ioasid, iova, size, domains, result, lat_ns, ... */
TRACEPOINT(iotlb_inv)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 5), .total_ns = ctx->args[6],
	};
	struct lat_key key = { 0 };

	begin(&key, &e, LAT_INV);
	return 0;
}

/* ctx, ioasid, scope, cookie, pasid, iova, size, domains, result, lat_ns, hw_ns, shadow_ns */
TRACEPOINT(invalidate)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 8), .total_ns = ctx->args[9],
	};
	struct lat_key key = { 0 };

	if (!begin(&key, &e, LAT_USER_INV))
		return 0;
	add(&key, LAT_USER_INV_HW, ctx->args[10], true);
	add(&key, LAT_USER_INV_SHADOW, ctx->args[11], true);
	return 0;
}

/* ctx, ioasid, nr, done, result, lat_ns, lock_ns */
TRACEPOINT(invalidate_cache)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 4), .total_ns = ctx->args[5],
	};
	struct lat_key key = { 0 };

	if (begin(&key, &e, LAT_INV_CMD))
		add(&key, LAT_INV_CMD_LOCK, ctx->args[6], true);
	return 0;
}

/* ctx, ioasid, iova, size, walks, removed, added, result, lat_ns, remove_ns, walk_ns */
TRACEPOINT(shadow)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 7), .total_ns = ctx->args[8],
	};
	struct lat_key key = { 0 };

	if (!begin(&key, &e, LAT_SHADOW))
		return 0;
	add(&key, LAT_SHADOW_REMOVE, ctx->args[9], true);
	add(&key, LAT_SHADOW_WALK, ctx->args[10], true);
	return 0;
}

/*
 * ctx, ioasid, dev, pasid, addr, group, code, why, service_ns, respond_ns, total_ns,
 * cookie
 *
 * A group that went to nobody has neither waited in a queue nor been served. Of the
 * others, what is neither service nor response is the queue.
 */
#ifndef WATCH_SOURCE
SEC("raw_tp/ioasid_fault_respond")
int on_fault(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = ctx->args[2],
		.result = (__u32)ctx->args[6] ? -1 : 0, .total_ns = ctx->args[10],
		.cookie = ctx->args[11], .no_process = true,
	};
	__u64 service = ctx->args[8], respond = ctx->args[9];
	struct lat_key key = { 0 };

	if (!begin(&key, &e, LAT_FAULT))
		return 0;
	if (service) {
		add(&key, LAT_FAULT_QUEUE, e.total_ns - service - respond, true);
		add(&key, LAT_FAULT_SERVICE, service, true);
	}
	add(&key, LAT_FAULT_RESPOND, respond, true);
	return 0;
}
#endif

/* ctx, ioasid, dev, pasid, maps, result, lat_ns, cookie */
TRACEPOINT(attach)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = ctx->args[2],
		.result = ARG_INT(ctx, 5), .total_ns = ctx->args[6], .cookie = ctx->args[7],
	};
	struct lat_key key = { 0 };

	begin(&key, &e, LAT_ATTACH);
	return 0;
}

/* ctx, ioasid, dev, pasid, result, lat_ns, cookie */
TRACEPOINT(detach)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = ctx->args[2],
		.result = ARG_INT(ctx, 4), .total_ns = ctx->args[5], .cookie = ctx->args[6],
	};
	struct lat_key key = { 0 };

	begin(&key, &e, LAT_DETACH);
	return 0;
}

/* ctx, ioasid, parent, format, addr_width, table, domains, result, lat_ns, lock_ns */
static __always_inline int table(struct bpf_raw_tracepoint_args *ctx, __u32 series,
				 __u32 lock_series)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 7), .total_ns = ctx->args[8],
	};
	struct lat_key key = { 0 };

	if (begin(&key, &e, series))
		add(&key, lock_series, ctx->args[9], true);
	return 0;
}

TRACEPOINT(bind_table)
{
	return table(ctx, LAT_BIND_TABLE, LAT_BIND_TABLE_LOCK);
}

TRACEPOINT(unbind_table)
{
	return table(ctx, LAT_UNBIND_TABLE, LAT_UNBIND_TABLE_LOCK);
}

/* ctx, vaddr, size, result, lat_ns */
static __always_inline int memory(struct bpf_raw_tracepoint_args *ctx, __u32 series)
{
	struct event e = {
		.ctx = ctx->args[0], .dev = LAT_NO_DEV, .result = ARG_INT(ctx, 3),
		.total_ns = ctx->args[4],
	};
	struct lat_key key = { 0 };

	begin(&key, &e, series);
	return 0;
}

TRACEPOINT(register)
{
	return memory(ctx, LAT_REGISTER);
}

TRACEPOINT(unregister)
{
	return memory(ctx, LAT_UNREGISTER);
}

/* ctx, ioasid, on, result, lat_ns */
TRACEPOINT(dirty_set)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 3), .total_ns = ctx->args[4],
	};
	struct lat_key key = { 0 };

	begin(&key, &e, LAT_DIRTY_SET);
	return 0;
}

/* ctx, ioasid, iova, size, page_size, flags, pages, result, lat_ns */
TRACEPOINT(dirty_read)
{
	struct event e = {
		.ctx = ctx->args[0], .ioasid = ctx->args[1], .dev = LAT_NO_DEV,
		.result = ARG_INT(ctx, 7), .total_ns = ctx->args[8],
	};
	struct lat_key key = { 0 };

	begin(&key, &e, LAT_DIRTY_READ);
	return 0;
}

IGNORE(map_begin)
IGNORE(unmap_begin)
IGNORE(alloc)
IGNORE(free)
