// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces: their numbers, their life, and what doors ask of them. */
#include <linux/ioasid_table.h>
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "bpf/hooks.h"
#include "compat.h"
#include "ioasid_private.h"

static int check_user(const struct ioasid_alloc *args)
{
	/* Only a parent keeps an untrusted table confined (RFC v1, 1). */
	if (!args->parent || args->addr_width)
		return -EINVAL;
	return ioasid_user_table_check(args->format, &args->table);
}

static int check_kernel(const struct ioasid_alloc *args)
{
	if (args->format ||
	    memchr_inv(&args->table, 0, sizeof(args->table)))
		return -EINVAL;
	if (args->addr_width &&
	    (args->addr_width <= PAGE_SHIFT || args->addr_width > 64))
		return -EINVAL;
	return 0;
}

/* Page requests need somebody to answer them. */
static int check_faults(const struct ioasid_alloc *args)
{
	bool queue = args->flags & IOASID_ALLOC_FAULT_QUEUE;

	if (args->__reserved || (!queue && args->fault_queue))
		return -EINVAL;
	/* Nobody has to ask. */
	if (args->flags & IOASID_ALLOC_SVA_PINNED)
		return args->flags & IOASID_ALLOC_PAGE_REQUESTS ? -EINVAL : 0;
	if (args->kind == IOASID_KIND_MIRROR || args->kind == IOASID_KIND_SVA)
		return 0;
	return !queue && (args->flags & IOASID_ALLOC_PAGE_REQUESTS) ? -EINVAL : 0;
}

static int check_alloc(const struct ioasid_alloc *args)
{
	int rc;

	if (args->flags & ~(IOASID_ALLOC_ENFORCE_SNOOP |
			    IOASID_ALLOC_FAULT_QUEUE |
			    IOASID_ALLOC_PAGE_REQUESTS |
			    IOASID_ALLOC_DIRTY_TRACKING |
			    IOASID_ALLOC_SVA_PINNED))
		return -EOPNOTSUPP;
	if ((args->flags & IOASID_ALLOC_SVA_PINNED) &&
	    args->kind != IOASID_KIND_SVA)
		return -EOPNOTSUPP;
	/* See dirty.c for why not. */
	if ((args->flags & IOASID_ALLOC_DIRTY_TRACKING) &&
	    (args->kind != IOASID_KIND_KERNEL || args->parent))
		return -EOPNOTSUPP;
	rc = check_faults(args);
	if (rc)
		return rc;
	switch (args->kind) {
	case IOASID_KIND_KERNEL:
		return check_kernel(args);
	case IOASID_KIND_USER:
		return check_user(args);
	case IOASID_KIND_MIRROR:
		return args->parent ? -EOPNOTSUPP : check_kernel(args);
	case IOASID_KIND_SVA:
		if (args->addr_width)
			return -EINVAL;
		return args->parent ? -EOPNOTSUPP : check_kernel(args);
	default:
		return -EINVAL;
	}
}

/**
 * ioasid_space_refuse - the answer to a command that a space does not take
 * @ctx: the context
 * @ioasid: its number
 * @rc: why not
 *
 * Returns @rc, or -ENOENT when there is no such space.
 */
int ioasid_space_refuse(struct ioasid_ctx *ctx, u32 ioasid, int rc)
{
	struct ioasid_space *space = ioasid_space_get(ctx, ioasid);

	if (!space)
		return -ENOENT;
	ioasid_space_put(space);
	return rc;
}

/* The lock of the tree, which is there for as long as its root is. */
static void init_locks(struct ioasid_space *space)
{
	mutex_init(&space->access_lock);
	mutex_init(&space->own_lock);
	space->lock = space->parent ? space->parent->lock : &space->own_lock;
}

static struct ioasid_space *space_new(struct ioasid_ctx *ctx,
				      const struct ioasid_alloc *args,
				      u32 map_limit)
{
	struct ioasid_space *space = kzalloc(sizeof(*space),
					     GFP_KERNEL_ACCOUNT);

	if (!space)
		return NULL;
	kref_init(&space->kref);
	space->ctx = ctx;
	space->kind = args->kind;
	space->flags = args->flags;
	space->format = args->format;
	space->table = args->table;
	space->map_limit = map_limit;
	space->addr_width = args->addr_width;
	space->last_iova = args->addr_width ?
			   GENMASK_ULL(args->addr_width - 1, 0) : ULONG_MAX;
	INIT_LIST_HEAD(&space->accesses);
	INIT_LIST_HEAD(&space->children);
	INIT_LIST_HEAD(&space->sibling);
	space->maps = RB_ROOT_CACHED;
	space->targets = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&space->domains);
	INIT_LIST_HEAD(&space->groups);
	INIT_LIST_HEAD(&space->pasids);
	ioasid_history_init(&space->history);
	return space;
}

static int adopt(struct ioasid_space *parent, struct ioasid_space *space)
{
	lockdep_assert_held(parent->lock);
	if (parent->dead)
		return -ENOENT;
	if (parent->moving)
		return -EBUSY;
	/* Whose output would be user-managed: no IOMMU has three stages. */
	if (parent->kind != IOASID_KIND_KERNEL)
		return -EOPNOTSUPP;
	if (ioasid_space_has_dirty(parent) && space->kind != IOASID_KIND_USER)
		return -EOPNOTSUPP;
	if (parent->depth + 1 >= IOASID_MAX_DEPTH)
		return -ENOSPC;
	if (space->kind == IOASID_KIND_USER &&
	    !ioasid_table_in(parent, &space->table))
		return -EINVAL;
	space->depth = parent->depth + 1;
	/* Its devices reach the parent's memory, whose devices all snoop. */
	space->flags |= parent->flags & IOASID_ALLOC_ENFORCE_SNOOP;
	list_add_tail(&space->sibling, &parent->children);
	parent->nr_children++;
	return 0;
}

static void leave_parent(struct ioasid_space *space)
{
	lockdep_assert_held(space->lock);
	if (list_empty(&space->sibling))
		return;
	list_del_init(&space->sibling);
	space->parent->nr_children--;
}

static void space_unmake(struct ioasid_space *space)
{
	if (space->parent) {
		mutex_lock(space->lock);
		leave_parent(space);
		mutex_unlock(space->lock);
		ioasid_space_put(space->parent);
	}
	if (space->mirror)
		ioasid_mirror_end(space);
	ioasid_queue_put(space->queue);
	ioasid_history_free(&space->history);
	mutex_destroy(&space->own_lock);
	mutex_destroy(&space->access_lock);
	kfree_rcu(space, rcu);
}

static int join_parent(struct ioasid_space *space, u32 parent)
{
	int rc = 0;

	if (parent || space->two_step) {
		space->parent = ioasid_space_get(space->ctx, parent);
		if (!space->parent)
			rc = -ENOENT;
	}
	init_locks(space);
	if (!space->parent)
		return rc;
	mutex_lock(space->lock);
	rc = adopt(space->parent, space);
	mutex_unlock(space->lock);
	return rc;
}

static int take_queue(struct ioasid_space *space, const struct ioasid_alloc *args)
{
	struct ioasid_queue *queue;

	if (!(args->flags & IOASID_ALLOC_FAULT_QUEUE))
		return 0;
	queue = ioasid_queue_fdget(space->ctx, args->fault_queue);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	space->queue = queue;
	space->asks = args->flags & IOASID_ALLOC_PAGE_REQUESTS;
	return 0;
}

/* Nobody maps the addresses of a process later: all of them are asked about now. */
static int ask_about_process(struct ioasid_space *space)
{
	if (space->kind != IOASID_KIND_SVA)
		return 0;
	return ioasid_hook_map(space, 0, 0, 1ULL << fls64(TASK_SIZE_MAX - 1),
			       IOASID_MAP_READ | IOASID_MAP_WRITE);
}

/* Its pages come when devices ask for them, or all at once. */
static int follow_process(struct ioasid_space *space)
{
	bool pinned = ioasid_space_is_pinned(space);
	int rc;

	if (space->kind != IOASID_KIND_MIRROR && space->kind != IOASID_KIND_SVA)
		return 0;
	rc = ask_about_process(space);
	if (rc)
		return rc;
	space->asks = !pinned;
	rc = ioasid_mirror_create(space, space->kind == IOASID_KIND_SVA);
	return rc || !pinned ? rc : ioasid_pinned_create(space);
}

static struct ioasid_space *create(struct ioasid_ctx *ctx,
				   const struct ioasid_alloc *args,
				   u32 map_limit, bool two_step)
{
	struct ioasid_space *space;
	int rc;

	rc = check_alloc(args);
	if (rc)
		return ERR_PTR(rc);
	space = space_new(ctx, args, map_limit);
	if (!space)
		return ERR_PTR(-ENOMEM);
	space->two_step = two_step;
	rc = join_parent(space, args->parent) ?: take_queue(space, args) ?:
	     follow_process(space);
	if (rc)
		goto out_unmake;
	kref_get(&space->kref);
	/* Cyclic: people and tools shall not take a new space for the old one. */
	rc = xa_alloc_cyclic(&ctx->spaces, &space->id, space,
			     XA_LIMIT(1, IOASID_MAX_SPACES), &ctx->last_space,
			     GFP_KERNEL_ACCOUNT);
	if (rc >= 0)
		return space;
	if (rc == -EBUSY)
		rc = -ENOSPC;
out_unmake:
	space_unmake(space);
	return ERR_PTR(rc);
}

/**
 * ioasid_space_create - ALLOC and CREATE_NESTING
 * @ctx: the context
 * @args: what user space asked for
 * @map_limit: how many mappings it may have
 * @two_step: by CREATE_NESTING
 *
 * Returns a reference besides the context's: another thread may guess the number
 * and free the space at once.
 */
struct ioasid_space *ioasid_space_create(struct ioasid_ctx *ctx,
					 const struct ioasid_alloc *args,
					 u32 map_limit, bool two_step)
{
	struct ioasid_space *space = create(ctx, args, map_limit, two_step);
	bool ok = !IS_ERR(space);

	ioasid_trace(alloc, ctx->id, ok ? space->id : 0, args->kind,
		     args->parent, args->flags, PTR_ERR_OR_ZERO(space),
		     ok ? space->depth : 0, args->format,
		     args->addr_width ?: args->table.addr_width,
		     args->table.addr, two_step);
	return space;
}

/**
 * ioasid_mappings_drop - free all mappings of a space
 * @space: without domains, and in no other thread's hands
 */
void ioasid_mappings_drop(struct ioasid_space *space)
{
	struct interval_tree_node *node;

	/* Whoever still brings pages of a process in looks for slots. */
	if (space->mirror)
		ioasid_mirror_quit(space);
	while ((node = interval_tree_iter_first(&space->maps, 0, ULONG_MAX))) {
		interval_tree_remove(node, &space->maps);
		ioasid_mapping_free(space, container_of(node,
							struct ioasid_mapping,
							node));
		cond_resched();
	}
	space->targets = RB_ROOT_CACHED;
	space->nr_maps = 0;
}

static void space_release(struct kref *kref)
{
	struct ioasid_space *space = container_of(kref, struct ioasid_space,
						  kref);

	WARN_ON(ioasid_space_attached(space));
	WARN_ON(!list_empty(&space->accesses));
	WARN_ON(space->nr_children);
	ioasid_trace(free, space->ctx->id, space->id, space->nr_maps, 0);
	/* The parent's changes look for this one's mappings. */
	if (space->parent) {
		mutex_lock(space->lock);
		leave_parent(space);
		mutex_unlock(space->lock);
	}
	ioasid_mappings_drop(space);
	space_unmake(space);
}

void ioasid_space_put(struct ioasid_space *space)
{
	kref_put(&space->kref, space_release);
}

/**
 * ioasid_on_space - carry out a command that names a space
 * @ucmd: the command
 * @ioasid: the space, which is kept for as long as @fn works on it
 * @fn: does it
 */
int ioasid_on_space(struct ioasid_ucmd *ucmd, u32 ioasid,
		    int (*fn)(struct ioasid_space *space,
			      struct ioasid_ucmd *ucmd))
{
	struct ioasid_space *space = ioasid_space_get(ucmd->ctx, ioasid);
	int rc;

	if (!space)
		return -ENOENT;
	rc = fn(space, ucmd);
	ioasid_space_put(space);
	return rc;
}

/**
 * ioasid_space_get - look a space up
 * @ctx: the context
 * @ioasid: its number
 *
 * Returns a reference, or NULL.
 */
struct ioasid_space *ioasid_space_get(struct ioasid_ctx *ctx, u32 ioasid)
{
	struct ioasid_space *space;

	xa_lock(&ctx->spaces);
	space = xa_load(&ctx->spaces, ioasid);
	if (space)
		kref_get(&space->kref);
	xa_unlock(&ctx->spaces);
	return space;
}

/**
 * ioasid_space_destroy - FREE
 * @ctx: the context
 * @ioasid: its number
 *
 * Commands that are at work in other threads finish first; the last one lets
 * the memory go. A space is in the context for as long as ctx->lock is held.
 */
int ioasid_space_destroy(struct ioasid_ctx *ctx, u32 ioasid)
{
	struct ioasid_space *space = ioasid_space_get(ctx, ioasid);
	u32 maps;
	int rc = 0;

	if (!space)
		return -ENOENT;
	mutex_lock(&ctx->lock);
	mutex_lock(space->lock);
	if (space->dead)
		rc = -ENOENT;
	else if (ioasid_space_attached(space) || space->nr_children)
		rc = -EBUSY;
	else
		space->dead = true;
	if (!rc)
		leave_parent(space);
	maps = space->nr_maps;
	mutex_unlock(space->lock);
	if (!rc)
		xa_erase(&ctx->spaces, ioasid);
	mutex_unlock(&ctx->lock);

	if (rc)
		ioasid_trace(free, ctx->id, ioasid, maps, rc);
	else
		ioasid_space_put(space);
	ioasid_space_put(space);
	return rc;
}

/* The context goes, and with it all that was left in it. */
void ioasid_spaces_release(struct ioasid_ctx *ctx)
{
	struct ioasid_space *space;
	unsigned long id;

	xa_for_each(&ctx->spaces, id, space)
		ioasid_space_put(space);
	xa_destroy(&ctx->spaces);
}

/**
 * ioasid_space_usable - does the space take commands now?
 * @space: its lock held
 */
int ioasid_space_usable(struct ioasid_space *space)
{
	lockdep_assert_held(space->lock);
	if (space->dead)
		return -ENOENT;
	if (space->moving)
		return -EBUSY;
	return space->nr_partial ? -EDEADLK : 0;
}

/**
 * ioasid_space_mappable - does the space take MAP and UNMAP now?
 * @space: its lock held
 */
int ioasid_space_mappable(struct ioasid_space *space)
{
	if (!space->dead && space->kind != IOASID_KIND_KERNEL &&
	    space->kind != IOASID_KIND_MIRROR && !ioasid_space_is_pinned(space))
		return -EOPNOTSUPP;
	return ioasid_space_usable(space);
}

/* For doors with a space of their own */

/**
 * ioasid_space_alloc - a kernel-managed space for a door
 * @ctx: the door's context
 * @flags: IOASID_ALLOC_*
 * @map_limit: how many mappings it may have
 *
 * To be ended with ioasid_space_free().
 */
struct ioasid_space *ioasid_space_alloc(struct ioasid_ctx *ctx, u32 flags,
					u32 map_limit)
{
	struct ioasid_alloc args = {
		.flags = flags,
		.kind = IOASID_KIND_KERNEL,
	};

	return ioasid_space_create(ctx, &args, map_limit, false);
}
EXPORT_SYMBOL_GPL(ioasid_space_alloc);

/**
 * ioasid_space_free - end a space of ioasid_space_alloc()
 * @space: without groups and accesses
 */
void ioasid_space_free(struct ioasid_space *space)
{
	WARN_ON(ioasid_space_destroy(space->ctx, space->id));
	ioasid_space_put(space);
}
EXPORT_SYMBOL_GPL(ioasid_space_free);

static int first_device(struct device *dev, void *arg)
{
	*(struct device **)arg = get_device(dev);
	return 1;
}

static int attach_whole(struct ioasid_space *space, struct iommu_group *group,
			struct device *dev, u32 flags)
{
	struct ioasid_group *grp;
	int rc;

	if (ioasid_group_find(space, group))
		return -EINVAL;
	grp = ioasid_group_create(space, group);
	if (IS_ERR(grp))
		return PTR_ERR(grp);
	grp->whole = true;
	rc = ioasid_group_install(grp, dev, NULL);
	if (rc)
		ioasid_group_destroy(grp);
	return rc;
}

static int attach_traced(struct ioasid_space *space, struct iommu_group *group,
			 int (*fn)(struct ioasid_space *space,
				   struct iommu_group *group,
				   struct device *dev, u32 flags),
			 u32 flags)
{
	bool on = trace_ioasid_attach_enabled();
	u64 start = ioasid_now(on);
	struct device *dev = NULL;
	u32 rid, maps;
	int rc;

	iommu_group_for_each_dev(group, &dev, first_device);
	if (!dev)
		return -ENODEV;
	rid = ioasid_device_rid(dev);
	ioasid_trace(attach_begin, space->ctx->id, space->id, rid,
		     IOASID_TRACE_NO_PASID);
	mutex_lock(&space->ctx->lock);
	mutex_lock(space->lock);
	rc = fn(space, group, dev, flags);
	maps = space->nr_maps;
	if (!rc)
		ioasid_history_device(space, IOASID_HISTORY_ATTACH, rid,
				      IOASID_NO_PASID);
	mutex_unlock(space->lock);
	mutex_unlock(&space->ctx->lock);
	ioasid_trace(attach, space->ctx->id, space->id, rid,
		     IOASID_TRACE_NO_PASID, maps, rc, ioasid_now(on) - start, 0);
	put_device(dev);
	return rc;
}

/**
 * ioasid_space_attach_group - let a group's DMA use the space
 * @space: the space
 * @group: a group whose DMA the caller owns
 */
int ioasid_space_attach_group(struct ioasid_space *space,
			      struct iommu_group *group)
{
	return attach_traced(space, group, attach_whole, 0);
}
EXPORT_SYMBOL_GPL(ioasid_space_attach_group);

/* What a space's domains are made for can change as long as it has none. */
static int attach_first(struct ioasid_space *space, struct iommu_group *group,
			struct device *dev, u32 flags)
{
	u32 kept_flags = space->flags;
	bool tracking = space->tracking;
	int rc;

	if (ioasid_space_attached(space) || space->nr_children)
		return -EBUSY;
	space->flags &= ~IOASID_ALLOC_DIRTY_TRACKING;
	if (flags & IOASID_FIRST_DIRTY)
		space->flags |= IOASID_ALLOC_DIRTY_TRACKING;
	space->tracking = flags & IOASID_FIRST_TRACKED;
	rc = attach_whole(space, group, dev, 0);
	if (rc) {
		space->flags = kept_flags;
		space->tracking = tracking;
	} else if (!space->tracking) {
		ioasid_dirty_drop_kept(space);
	}
	return rc;
}

/**
 * ioasid_space_attach_first - the same, and decide about dirty tracking
 * @space: a root that nothing is attached to, whatever is mapped
 * @group: a group whose DMA the caller owns
 * @flags: IOASID_FIRST_*
 *
 * What earlier groups wrote stays dirty if the space is tracked before and
 * after, and is forgotten otherwise.
 *
 * Returns -EOPNOTSUPP for a group that cannot be in a space with dirty tracking.
 */
int ioasid_space_attach_first(struct ioasid_space *space,
			      struct iommu_group *group, u32 flags)
{
	return attach_traced(space, group, attach_first, flags);
}
EXPORT_SYMBOL_GPL(ioasid_space_attach_first);

/**
 * ioasid_space_detach_group - undo ioasid_space_attach_group()
 * @space: the space
 * @group: a group attached to it
 */
void ioasid_space_detach_group(struct ioasid_space *space,
			       struct iommu_group *group)
{
	bool on = trace_ioasid_detach_enabled();
	u64 start = ioasid_now(on);
	struct ioasid_group *grp;
	struct device *dev = NULL;

	iommu_group_for_each_dev(group, &dev, first_device);
	mutex_lock(&space->ctx->lock);
	mutex_lock(space->lock);
	grp = ioasid_group_find(space, group);
	if (!WARN_ON(!grp)) {
		ioasid_group_uninstall(grp);
		ioasid_group_destroy(grp);
		ioasid_history_device(space, IOASID_HISTORY_DETACH,
				      ioasid_device_rid(dev), IOASID_NO_PASID);
	}
	mutex_unlock(space->lock);
	mutex_unlock(&space->ctx->lock);
	ioasid_trace(detach, space->ctx->id, space->id, ioasid_device_rid(dev),
		     IOASID_TRACE_NO_PASID, 0, ioasid_now(on) - start, 0);
	put_device(dev);
}
EXPORT_SYMBOL_GPL(ioasid_space_detach_group);

/**
 * ioasid_space_group_domain - the domain a group is attached to
 * @space: the space
 * @group: a group attached to it
 *
 * Valid for as long as the caller keeps the group attached.
 */
struct iommu_domain *ioasid_space_group_domain(struct ioasid_space *space,
					       struct iommu_group *group)
{
	struct iommu_domain *domain = NULL;
	struct ioasid_group *grp;

	mutex_lock(space->lock);
	grp = ioasid_group_find(space, group);
	if (grp && grp->domain)
		domain = grp->domain->domain;
	mutex_unlock(space->lock);
	return domain;
}
EXPORT_SYMBOL_GPL(ioasid_space_group_domain);
