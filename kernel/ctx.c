// SPDX-License-Identifier: GPL-2.0-only
/* Contexts: who opened them, and what keeps them alive. */
#include <linux/cgroup.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

/* The list of contexts, and that of bound devices in device.c */
DEFINE_MUTEX(ioasid_contexts_lock);
LIST_HEAD(ioasid_contexts);
static u32 last_ctx_id;

static u64 current_cgroup(void)
{
	u64 id;

	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
	return id;
}

/**
 * ioasid_ctx_alloc - a context opened by the calling process
 * @door: how
 *
 * Returns a reference, to be dropped with ioasid_ctx_put().
 */
struct ioasid_ctx *ioasid_ctx_alloc(enum ioasid_door door)
{
	struct ioasid_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	kref_init(&ctx->kref);
	ctx->door = door;
	mutex_init(&ctx->lock);
	xa_init_flags(&ctx->spaces, XA_FLAGS_ALLOC1);
	xa_init(&ctx->global_pasids);
	INIT_LIST_HEAD(&ctx->devices);
	ctx->regions = RB_ROOT_CACHED;
	ctx->pid = get_pid(task_tgid(current));
	get_task_comm(ctx->comm, current);
	ctx->cgroup = current_cgroup();

	mutex_lock(&ioasid_contexts_lock);
	ctx->id = ++last_ctx_id;
	list_add_tail_rcu(&ctx->entry, &ioasid_contexts);
	mutex_unlock(&ioasid_contexts_lock);
	return ctx;
}
EXPORT_SYMBOL_GPL(ioasid_ctx_alloc);

static void ctx_release(struct kref *kref)
{
	struct ioasid_ctx *ctx = container_of(kref, struct ioasid_ctx, kref);

	mutex_lock(&ioasid_contexts_lock);
	list_del_rcu(&ctx->entry);
	mutex_unlock(&ioasid_contexts_lock);

	WARN_ON(!list_empty(&ctx->devices) || !xa_empty(&ctx->global_pasids));
	ioasid_spaces_release(ctx);
	ioasid_memory_release(ctx);
	put_pid(ctx->pid);
	mutex_destroy(&ctx->lock);
	kfree_rcu(ctx, rcu);
}

/**
 * ioasid_ctx_find - the context with a number
 * @id: the number
 *
 * One that is going away is gone. Returns a reference, to be dropped with
 * ioasid_ctx_put(), or -ENOENT.
 */
struct ioasid_ctx *ioasid_ctx_find(u32 id)
{
	struct ioasid_ctx *ctx, *found = ERR_PTR(-ENOENT);

	mutex_lock(&ioasid_contexts_lock);
	list_for_each_entry(ctx, &ioasid_contexts, entry) {
		if (ctx->id == id && kref_get_unless_zero(&ctx->kref)) {
			found = ctx;
			break;
		}
	}
	mutex_unlock(&ioasid_contexts_lock);
	return found;
}

/**
 * ioasid_ctx_find_rcu - the context with a number, to look at
 * @id: the number
 *
 * Context: any, in an RCU section: it may be going away, its memory stays that long,
 * and that of its spaces.
 */
struct ioasid_ctx *ioasid_ctx_find_rcu(u32 id)
{
	struct ioasid_ctx *ctx;

	list_for_each_entry_rcu(ctx, &ioasid_contexts, entry)
		if (ctx->id == id)
			return ctx;
	return NULL;
}

/**
 * ioasid_ctx_after - the next number of a context
 * @id: in: a number, or 0; out: the next one that there is
 *
 * False: there is none. Numbers are given in ascending order.
 */
bool ioasid_ctx_after(u32 *id)
{
	struct ioasid_ctx *ctx;
	bool found = false;

	mutex_lock(&ioasid_contexts_lock);
	list_for_each_entry(ctx, &ioasid_contexts, entry) {
		if (ctx->id > *id) {
			*id = ctx->id;
			found = true;
			break;
		}
	}
	mutex_unlock(&ioasid_contexts_lock);
	return found;
}

/**
 * ioasid_ctx_put - drop a reference; the last one frees all that is left
 * @ctx: the context
 */
void ioasid_ctx_put(struct ioasid_ctx *ctx)
{
	kref_put(&ctx->kref, ctx_release);
}
EXPORT_SYMBOL_GPL(ioasid_ctx_put);
