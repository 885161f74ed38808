// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces: their numbers, their life, and what doors ask of them. */
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

static int check_alloc(const struct ioasid_alloc *args)
{
	if (args->flags & ~IOASID_ALLOC_ENFORCE_SNOOP)
		return -EOPNOTSUPP;
	switch (args->kind) {
	case IOASID_KIND_KERNEL:
		break;
	case IOASID_KIND_USER:
		/* Only a parent keeps an untrusted table confined (RFC v1, 1). */
		return args->parent ? -EOPNOTSUPP : -EINVAL;
	case IOASID_KIND_SVA:
	case IOASID_KIND_MIRROR:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
	if (args->format ||
	    memchr_inv(&args->table, 0, sizeof(args->table)))
		return -EINVAL;
	if (args->addr_width &&
	    (args->addr_width <= PAGE_SHIFT || args->addr_width > 64))
		return -EINVAL;
	return 0;
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
	space->map_limit = map_limit;
	space->addr_width = args->addr_width;
	space->last_iova = args->addr_width ?
			   GENMASK_ULL(args->addr_width - 1, 0) : ULONG_MAX;
	mutex_init(&space->access_lock);
	INIT_LIST_HEAD(&space->accesses);
	mutex_init(&space->lock);
	space->maps = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&space->domains);
	INIT_LIST_HEAD(&space->groups);
	return space;
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

/**
 * ioasid_space_create - ALLOC
 * @ctx: the context
 * @args: what user space asked for
 * @map_limit: how many mappings it may have
 *
 * Returns a reference besides the context's: another thread may guess the number
 * and free the space at once.
 */
struct ioasid_space *ioasid_space_create(struct ioasid_ctx *ctx,
					 const struct ioasid_alloc *args,
					 u32 map_limit)
{
	struct ioasid_space *space;
	int rc;

	rc = check_alloc(args);
	if (rc == -EINVAL)
		return ERR_PTR(rc);
	/* Kernel-managed spaces cannot nest, and there are no others yet. */
	if (args->parent)
		rc = ioasid_space_refuse(ctx, args->parent, -EOPNOTSUPP);
	if (rc)
		return ERR_PTR(rc);
	space = space_new(ctx, args, map_limit);
	if (!space)
		return ERR_PTR(-ENOMEM);
	kref_get(&space->kref);
	/* Cyclic: people and tools shall not take a new space for the old one. */
	rc = xa_alloc_cyclic(&ctx->spaces, &space->id, space,
			     XA_LIMIT(1, IOASID_MAX_SPACES), &ctx->last_space,
			     GFP_KERNEL_ACCOUNT);
	if (rc < 0) {
		kfree(space);
		return ERR_PTR(rc == -EBUSY ? -ENOSPC : rc);
	}
	return space;
}

static void space_release(struct kref *kref)
{
	struct ioasid_space *space = container_of(kref, struct ioasid_space,
						  kref);
	struct interval_tree_node *node;

	WARN_ON(!list_empty(&space->groups));
	WARN_ON(!list_empty(&space->accesses));
	ioasid_trace(free, space->ctx->id, space->id, space->nr_maps, 0);
	while ((node = interval_tree_iter_first(&space->maps, 0, ULONG_MAX))) {
		interval_tree_remove(node, &space->maps);
		ioasid_mapping_free(space, container_of(node,
							struct ioasid_mapping,
							node));
		cond_resched();
	}
	mutex_destroy(&space->lock);
	mutex_destroy(&space->access_lock);
	kfree(space);
}

void ioasid_space_put(struct ioasid_space *space)
{
	kref_put(&space->kref, space_release);
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
	mutex_lock(&space->lock);
	if (space->dead)
		rc = -ENOENT;
	else if (!list_empty(&space->groups))
		rc = -EBUSY;
	else
		space->dead = true;
	maps = space->nr_maps;
	mutex_unlock(&space->lock);
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
	lockdep_assert_held(&space->lock);
	if (space->dead)
		return -ENOENT;
	return space->nr_partial ? -EDEADLK : 0;
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
	struct ioasid_space *space = ioasid_space_create(ctx, &args, map_limit);

	ioasid_trace(alloc, ctx->id, IS_ERR(space) ? 0 : space->id, args.kind,
		     0, flags, PTR_ERR_OR_ZERO(space));
	return space;
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

static struct ioasid_group *find_group(struct ioasid_space *space,
				       struct iommu_group *group)
{
	struct ioasid_group *grp;

	list_for_each_entry(grp, &space->groups, entry)
		if (grp->group == group)
			return grp;
	return NULL;
}

static int attach_whole(struct ioasid_space *space, struct iommu_group *group,
			struct device *dev)
{
	struct ioasid_group *grp;
	int rc;

	if (find_group(space, group))
		return -EINVAL;
	grp = ioasid_group_create(space, group);
	if (IS_ERR(grp))
		return PTR_ERR(grp);
	grp->whole = true;
	rc = ioasid_group_install(grp, dev);
	if (rc)
		ioasid_group_destroy(grp);
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
	mutex_lock(&space->lock);
	rc = attach_whole(space, group, dev);
	maps = space->nr_maps;
	mutex_unlock(&space->lock);
	mutex_unlock(&space->ctx->lock);
	ioasid_trace(attach, space->ctx->id, space->id, rid,
		     IOASID_TRACE_NO_PASID, maps, rc, ioasid_now(on) - start);
	put_device(dev);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_space_attach_group);

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
	mutex_lock(&space->lock);
	grp = find_group(space, group);
	if (!WARN_ON(!grp)) {
		ioasid_group_uninstall(grp);
		ioasid_group_destroy(grp);
	}
	mutex_unlock(&space->lock);
	mutex_unlock(&space->ctx->lock);
	ioasid_trace(detach, space->ctx->id, space->id, ioasid_device_rid(dev),
		     IOASID_TRACE_NO_PASID, 0, ioasid_now(on) - start);
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

	mutex_lock(&space->lock);
	grp = find_group(space, group);
	if (grp && grp->domain)
		domain = grp->domain->domain;
	mutex_unlock(&space->lock);
	return domain;
}
EXPORT_SYMBOL_GPL(ioasid_space_group_domain);
