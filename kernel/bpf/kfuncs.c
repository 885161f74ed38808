// SPDX-License-Identifier: GPL-2.0-only
/*
 * kfuncs: what BPF programs can ask the driver. docs/bpf.md says which program may
 * call which.
 *
 * Mappings are protected by locks that sleep, so that whoever looks at them must be a
 * program that bpf(2) runs (type syscall): it runs where no lock of anybody is held.
 * Counts of a space can be had anywhere: they are read without a lock.
 *
 * An iterator hands out numbers, and copies that are its own: programs may keep what
 * it gave them and go on. It holds no lock between its steps.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/pid.h>

#include "kfuncs.h"
#include "ops.h"

/* 7.x has no others. */
#ifndef KF_TRUSTED_ARGS
#define KF_TRUSTED_ARGS 0
#endif

/* What the iterators' words are */

struct ctx_iter {
	u32 id;
	u32 done;
};

struct space_iter {
	struct ioasid_ctx *ctx;
	u32 id;
	u32 done;
};

struct mapping_iter {
	struct ioasid_space *space;
	unsigned long next;
	unsigned long last;
	struct ioasid_mapping_info info;
	u64 done;
};

struct device_iter {
	struct ioasid_ctx *ctx;
	u64 next;		/* the least cookie to come */
	struct ioasid_device_desc desc;
	u64 done;
};

static void fill_counts(const struct ioasid_space *space,
			struct ioasid_space_counts *counts)
{
	const struct ioasid_stats *st = &space->stats;

	*counts = (struct ioasid_space_counts) {
		.maps = READ_ONCE(st->maps),
		.map_bytes = READ_ONCE(st->map_bytes),
		.unmaps = READ_ONCE(st->unmaps),
		.mapped = READ_ONCE(st->mapped),
		.pinned = READ_ONCE(st->pinned),
		.faults = atomic64_read(&space->fault_stats.groups),
		.mappings = READ_ONCE(space->nr_maps),
		.faults_pending = atomic_read(&space->fault_stats.pending),
		.kind = READ_ONCE(space->kind),
		.depth = space->depth,
	};
}

static void fill_device(struct ioasid_device *idev,
			struct ioasid_device_desc *desc)
{
	struct ioasid_pasid *pasid;
	unsigned long id;

	*desc = (struct ioasid_device_desc) {
		.cookie = idev->cookie,
		.rid = idev->rid,
		.ioasid = idev->attached ? idev->attached->space->id : 0,
		.faults_pending = atomic_read(&idev->pending_faults),
		.flags = idev->sub ? IOASID_DEVICE_SUBDEVICE : 0,
	};
	xa_for_each(&idev->pasids, id, pasid)
		desc->pasids++;
	strscpy(desc->name, ioasid_device_name(idev));
}

/* Cookies are an order that lasts, whatever comes and goes between two steps. */
static bool device_from(struct ioasid_ctx *ctx, u64 cookie,
			struct ioasid_device_desc *desc)
{
	struct ioasid_device *idev, *found = NULL;

	mutex_lock(&ctx->lock);
	list_for_each_entry(idev, &ctx->devices, entry)
		if (idev->cookie >= cookie &&
		    (!found || idev->cookie < found->cookie))
			found = idev;
	if (found)
		fill_device(found, desc);
	mutex_unlock(&ctx->lock);
	return found;
}

/* Both, or neither: a space does not keep its context. */
static struct ioasid_space *space_get(u32 ctx_id, u32 ioasid)
{
	struct ioasid_ctx *ctx = ioasid_ctx_find(ctx_id);
	struct ioasid_space *space;

	if (IS_ERR(ctx))
		return NULL;
	space = ioasid_space_get(ctx, ioasid);
	if (!space)
		ioasid_ctx_put(ctx);
	return space;
}

static void space_put(struct ioasid_space *space)
{
	struct ioasid_ctx *ctx = space->ctx;

	ioasid_space_put(space);
	ioasid_ctx_put(ctx);
}

__bpf_kfunc_start_defs();

/**
 * ioasid_bpf_space_counts - what a space has and had
 * @ctx: number of the context
 * @ioasid: of the space
 * @counts: to be filled; each is right, though not all at the same moment
 *
 * Context: any.
 * Returns -ENOENT: there is no such space (any more).
 */
__bpf_kfunc int ioasid_bpf_space_counts(u32 ctx, u32 ioasid,
					struct ioasid_space_counts *counts)
{
	struct ioasid_space *space = NULL;
	struct ioasid_ctx *c;

	if (!counts)
		return -EINVAL;
	rcu_read_lock();
	c = ioasid_ctx_find_rcu(ctx);
	if (c)
		space = xa_load(&c->spaces, ioasid);
	if (space)
		fill_counts(space, counts);
	rcu_read_unlock();
	return space ? 0 : -ENOENT;
}

/**
 * ioasid_bpf_ctx_acquire - a context by its number
 * @id: the number
 *
 * Returns a reference for ioasid_bpf_ctx_release(), or NULL.
 */
__bpf_kfunc struct ioasid_ctx *ioasid_bpf_ctx_acquire(u32 id)
{
	struct ioasid_ctx *ctx = ioasid_ctx_find(id);

	return IS_ERR(ctx) ? NULL : ctx;
}

/**
 * ioasid_bpf_ctx_release - end of ioasid_bpf_ctx_acquire()
 * @ctx: what that returned; if its owner has closed it, all of it ends here
 */
__bpf_kfunc void ioasid_bpf_ctx_release(struct ioasid_ctx *ctx)
{
	ioasid_ctx_put(ctx);
}

/**
 * ioasid_bpf_ctx_info - who a context is
 * @ctx: what ioasid_bpf_ctx_acquire() returned
 * @info: to be filled
 */
__bpf_kfunc int ioasid_bpf_ctx_info(struct ioasid_ctx *ctx,
				    struct ioasid_ctx_info *info)
{
	struct ioasid_space *space;
	unsigned long id;
	u32 nr = 0;

	if (!info)
		return -EINVAL;
	xa_for_each(&ctx->spaces, id, space)
		nr++;
	*info = (struct ioasid_ctx_info) {
		.id = ctx->id,
		.door = ctx->door,
		.pid = pid_nr(ctx->pid),
		.spaces = nr,
		.cgroup = ctx->cgroup,
	};
	return 0;
}

/**
 * ioasid_bpf_space_acquire - a space by its number
 * @ctx: number of the context
 * @ioasid: of the space
 *
 * Returns a reference for ioasid_bpf_space_release(), which keeps the context as well;
 * or NULL.
 */
__bpf_kfunc struct ioasid_space *ioasid_bpf_space_acquire(u32 ctx, u32 ioasid)
{
	return space_get(ctx, ioasid);
}

/**
 * ioasid_bpf_space_release - end of ioasid_bpf_space_acquire()
 * @space: what that returned; if it was freed meanwhile, its memory is unpinned here
 */
__bpf_kfunc void ioasid_bpf_space_release(struct ioasid_space *space)
{
	space_put(space);
}

/**
 * ioasid_bpf_lookup - what is mapped at an address
 * @space: what ioasid_bpf_space_acquire() returned
 * @iova: the address
 * @info: to be filled, as by IOASID_GET_MAPPINGS for the administrator
 *
 * Returns -ENOENT: nothing is, or the space was freed.
 */
__bpf_kfunc int ioasid_bpf_lookup(struct ioasid_space *space, u64 iova,
				  struct ioasid_mapping_info *info)
{
	return info ? ioasid_mapping_find(space, iova, iova, info) : -EINVAL;
}

/**
 * bpf_iter_ioasid_ctx_new - all contexts, oldest first
 * @it: the iterator
 */
__bpf_kfunc int bpf_iter_ioasid_ctx_new(struct bpf_iter_ioasid_ctx *it)
{
	BUILD_BUG_ON(sizeof(struct ctx_iter) != sizeof(*it));
	*(struct ctx_iter *)it = (struct ctx_iter) {};
	return 0;
}

/**
 * bpf_iter_ioasid_ctx_next - the number of the next context; NULL: no more
 * @it: the iterator
 */
__bpf_kfunc u32 *bpf_iter_ioasid_ctx_next(struct bpf_iter_ioasid_ctx *it)
{
	struct ctx_iter *iter = (void *)it;

	if (!iter->done)
		iter->done = !ioasid_ctx_after(&iter->id);
	return iter->done ? NULL : &iter->id;
}

__bpf_kfunc void bpf_iter_ioasid_ctx_destroy(struct bpf_iter_ioasid_ctx *it)
{
}

/**
 * bpf_iter_ioasid_space_new - all spaces of a context, by number
 * @it: the iterator; it keeps the context
 * @ctx: number of the context
 *
 * Returns -ENOENT: there is no such context.
 */
__bpf_kfunc int bpf_iter_ioasid_space_new(struct bpf_iter_ioasid_space *it,
					  u32 ctx)
{
	struct space_iter *iter = (void *)it;

	BUILD_BUG_ON(sizeof(*iter) != sizeof(*it));
	*iter = (struct space_iter) { .ctx = ioasid_ctx_find(ctx) };
	if (!IS_ERR(iter->ctx))
		return 0;
	iter->ctx = NULL;
	return -ENOENT;
}

/**
 * bpf_iter_ioasid_space_next - the number of the next space; NULL: no more
 * @it: the iterator
 */
__bpf_kfunc u32 *bpf_iter_ioasid_space_next(struct bpf_iter_ioasid_space *it)
{
	struct space_iter *iter = (void *)it;
	unsigned long id = iter->id;

	if (!iter->ctx || iter->done)
		return NULL;
	if (!xa_find_after(&iter->ctx->spaces, &id, U32_MAX, XA_PRESENT)) {
		iter->done = true;
		return NULL;
	}
	iter->id = id;
	return &iter->id;
}

__bpf_kfunc void bpf_iter_ioasid_space_destroy(struct bpf_iter_ioasid_space *it)
{
	struct space_iter *iter = (void *)it;

	if (iter->ctx)
		ioasid_ctx_put(iter->ctx);
}

/**
 * bpf_iter_ioasid_mapping_new - mappings of a space, by address
 * @it: the iterator; it keeps the space
 * @ctx: number of the context
 * @ioasid: of the space
 * @first: mappings that reach to or beyond this IOVA
 * @last: and begin at or before this one
 *
 * Returns -ENOENT: there is no such space.
 */
__bpf_kfunc int bpf_iter_ioasid_mapping_new(struct bpf_iter_ioasid_mapping *it,
					    u32 ctx, u32 ioasid, u64 first,
					    u64 last)
{
	struct mapping_iter *iter = (void *)it;

	BUILD_BUG_ON(sizeof(*iter) != sizeof(*it));
	*iter = (struct mapping_iter) {
		.next = first,
		.last = last,
		.done = first > last,
		.space = space_get(ctx, ioasid),
	};
	return iter->space ? 0 : -ENOENT;
}

/**
 * bpf_iter_ioasid_mapping_next - the next mapping; NULL: no more
 * @it: the iterator; what it returns is overwritten by the next step
 */
__bpf_kfunc struct ioasid_mapping_info *
bpf_iter_ioasid_mapping_next(struct bpf_iter_ioasid_mapping *it)
{
	struct mapping_iter *iter = (void *)it;

	if (!iter->space || iter->done)
		return NULL;
	if (ioasid_mapping_find(iter->space, iter->next, iter->last,
				&iter->info)) {
		iter->done = true;
		return NULL;
	}
	iter->next = iter->info.iova + iter->info.size;
	iter->done = !iter->next || iter->next > iter->last;
	return &iter->info;
}

__bpf_kfunc void
bpf_iter_ioasid_mapping_destroy(struct bpf_iter_ioasid_mapping *it)
{
	struct mapping_iter *iter = (void *)it;

	if (iter->space)
		space_put(iter->space);
}

/**
 * bpf_iter_ioasid_device_new - all devices of a context, by cookie
 * @it: the iterator; it keeps the context
 * @ctx: number of the context
 *
 * Returns -ENOENT: there is no such context.
 */
__bpf_kfunc int bpf_iter_ioasid_device_new(struct bpf_iter_ioasid_device *it,
					   u32 ctx)
{
	struct device_iter *iter = (void *)it;

	BUILD_BUG_ON(sizeof(*iter) != sizeof(*it));
	*iter = (struct device_iter) { .ctx = ioasid_ctx_find(ctx) };
	if (!IS_ERR(iter->ctx))
		return 0;
	iter->ctx = NULL;
	return -ENOENT;
}

/**
 * bpf_iter_ioasid_device_next - the next device; NULL: no more
 * @it: the iterator; what it returns is overwritten by the next step
 */
__bpf_kfunc struct ioasid_device_desc *
bpf_iter_ioasid_device_next(struct bpf_iter_ioasid_device *it)
{
	struct device_iter *iter = (void *)it;

	if (!iter->ctx || iter->done)
		return NULL;
	if (!device_from(iter->ctx, iter->next, &iter->desc)) {
		iter->done = true;
		return NULL;
	}
	iter->next = iter->desc.cookie + 1;
	iter->done = !iter->next;
	return &iter->desc;
}

__bpf_kfunc void
bpf_iter_ioasid_device_destroy(struct bpf_iter_ioasid_device *it)
{
	struct device_iter *iter = (void *)it;

	if (iter->ctx)
		ioasid_ctx_put(iter->ctx);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(anywhere_ids)
BTF_ID_FLAGS(func, ioasid_bpf_space_counts, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(anywhere_ids)

/* One set for each type of programs: with the one from above */
BTF_KFUNCS_START(syscall_ids)
BTF_ID_FLAGS(func, ioasid_bpf_space_counts, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, ioasid_bpf_ctx_acquire, KF_ACQUIRE | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, ioasid_bpf_ctx_release, KF_RELEASE | KF_SLEEPABLE)
BTF_ID_FLAGS(func, ioasid_bpf_ctx_info, KF_TRUSTED_ARGS | KF_SLEEPABLE)
BTF_ID_FLAGS(func, ioasid_bpf_space_acquire, KF_ACQUIRE | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, ioasid_bpf_space_release, KF_RELEASE | KF_SLEEPABLE)
BTF_ID_FLAGS(func, ioasid_bpf_lookup, KF_TRUSTED_ARGS | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_ctx_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_ctx_next, KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_ctx_destroy, KF_ITER_DESTROY | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_space_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_space_next, KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_space_destroy, KF_ITER_DESTROY | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_mapping_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_mapping_next, KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_mapping_destroy, KF_ITER_DESTROY | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_device_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_device_next, KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_ioasid_device_destroy, KF_ITER_DESTROY | KF_SLEEPABLE)
BTF_KFUNCS_END(syscall_ids)

static const struct btf_kfunc_id_set anywhere_set = {
	.owner = THIS_MODULE,
	.set = &anywhere_ids,
};

static const struct btf_kfunc_id_set syscall_set = {
	.owner = THIS_MODULE,
	.set = &syscall_ids,
};

int ioasid_kfuncs_init(void)
{
	int rc;

	rc = register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &anywhere_set);
	if (!rc)
		rc = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS,
					       &anywhere_set);
	if (!rc)
		rc = register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL,
					       &syscall_set);
	return rc;
}
