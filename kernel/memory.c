// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered memory (RFC v1): pinned and charged once, mapped many times.
 *
 * Regions are kept by virtual address; those of different processes may
 * overlap in the tree, those of one do not.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

/* The first region of @mm that intersects the range, place-holders included. */
static struct ioasid_region *find_region(struct ioasid_ctx *ctx,
					 struct mm_struct *mm,
					 unsigned long first,
					 unsigned long last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&ctx->lock);
	for (node = interval_tree_iter_first(&ctx->regions, first, last); node;
	     node = interval_tree_iter_next(node, first, last)) {
		struct ioasid_region *region =
			container_of(node, struct ioasid_region, node);

		if (region->pages.mm == mm)
			return region;
	}
	return NULL;
}

static int reserve(struct ioasid_ctx *ctx, struct ioasid_region *region)
{
	int rc = 0;

	mutex_lock(&ctx->lock);
	if (find_region(ctx, region->pages.mm, region->node.start,
			region->node.last)) {
		rc = -EEXIST;
	} else if (ctx->nr_regions >= IOASID_MAX_REGIONS) {
		rc = -ENOSPC;
	} else {
		interval_tree_insert(&region->node, &ctx->regions);
		ctx->nr_regions++;
	}
	mutex_unlock(&ctx->lock);
	return rc;
}

/* Context: ctx->lock is held */
static void unlink_region(struct ioasid_ctx *ctx, struct ioasid_region *region)
{
	interval_tree_remove(&region->node, &ctx->regions);
	ctx->nr_regions--;
	if (region->ready)
		ctx->registered -= region->node.last - region->node.start + 1;
}

static void free_region(struct ioasid_region *region)
{
	ioasid_pages_release(&region->pages);
	kfree(region);
}

static int pin(struct ioasid_region *region)
{
	unsigned long vaddr = region->node.start;
	unsigned long npages = (region->node.last - vaddr) / PAGE_SIZE + 1;
	int rc;

	rc = ioasid_pages_pin(&region->pages, vaddr, npages, true, false);
	if (rc != -EFAULT)
		return rc;
	/* Not writable as a whole: then nothing of it is. */
	ioasid_pages_reset(&region->pages);
	return ioasid_pages_pin(&region->pages, vaddr, npages, false, false);
}

static int check_range(u64 vaddr, u64 size)
{
	u64 last;

	if (!size || !IS_ALIGNED(vaddr | size, PAGE_SIZE) ||
	    check_add_overflow(vaddr, size - 1, &last))
		return -EINVAL;
	return 0;
}

static int register_range(struct ioasid_ctx *ctx, u64 vaddr, u64 size)
{
	struct ioasid_region *region;
	int rc;

	rc = check_range(vaddr, size);
	if (rc)
		return rc;
	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return -ENOMEM;
	region->node.start = vaddr;
	region->node.last = vaddr + size - 1;
	ioasid_pages_init(&region->pages, current->mm);

	rc = reserve(ctx, region);
	if (rc)
		goto out_free;
	rc = pin(region);
	mutex_lock(&ctx->lock);
	if (rc) {
		unlink_region(ctx, region);
	} else {
		region->ready = true;
		ctx->registered += size;
	}
	mutex_unlock(&ctx->lock);
	if (!rc)
		return 0;
out_free:
	free_region(region);
	return rc;
}

/**
 * ioasid_memory_register - REGISTER_MEMORY
 * @ctx: the context
 * @vaddr: memory of the calling process
 * @size: its length
 */
int ioasid_memory_register(struct ioasid_ctx *ctx, u64 vaddr, u64 size)
{
	bool on = trace_ioasid_register_enabled();
	u64 start = ioasid_now(on);
	int rc = register_range(ctx, vaddr, size);

	ioasid_trace(register, ctx->id, vaddr, size, rc,
		     ioasid_now(on) - start);
	return rc;
}

static int unregister_range(struct ioasid_ctx *ctx, u64 vaddr, u64 size)
{
	struct ioasid_region *region;
	int rc;

	rc = check_range(vaddr, size);
	if (rc)
		return rc;
	mutex_lock(&ctx->lock);
	region = find_region(ctx, current->mm, vaddr, vaddr);
	if (!region || !region->ready || region->node.start != vaddr ||
	    region->node.last != vaddr + size - 1)
		rc = -ENOENT;
	else if (region->users)
		rc = -EBUSY;
	else
		unlink_region(ctx, region);
	mutex_unlock(&ctx->lock);
	if (!rc)
		free_region(region);
	return rc;
}

/**
 * ioasid_memory_unregister - UNREGISTER_MEMORY
 * @ctx: the context
 * @vaddr: as at registration
 * @size: as at registration
 */
int ioasid_memory_unregister(struct ioasid_ctx *ctx, u64 vaddr, u64 size)
{
	bool on = trace_ioasid_unregister_enabled();
	u64 start = ioasid_now(on);
	int rc = unregister_range(ctx, vaddr, size);

	ioasid_trace(unregister, ctx->id, vaddr, size, rc,
		     ioasid_now(on) - start);
	return rc;
}

/* The context goes; its spaces, hence all users, are gone already. */
void ioasid_memory_release(struct ioasid_ctx *ctx)
{
	struct interval_tree_node *node;

	while ((node = interval_tree_iter_first(&ctx->regions, 0, ULONG_MAX))) {
		struct ioasid_region *region =
			container_of(node, struct ioasid_region, node);

		WARN_ON(region->users);
		unlink_region(ctx, region);
		free_region(region);
	}
}

/**
 * ioasid_region_get - the registered memory that a mapping lies in
 * @ctx: the context
 * @vaddr: memory of the calling process
 * @size: its length
 *
 * Returns a reference; NULL when the context has no registered memory at all;
 * -EINVAL when it has, but this is not in one of its ranges.
 */
struct ioasid_region *ioasid_region_get(struct ioasid_ctx *ctx, u64 vaddr,
					u64 size)
{
	struct ioasid_region *region;

	if (!READ_ONCE(ctx->nr_regions))
		return NULL;
	mutex_lock(&ctx->lock);
	if (!ctx->nr_regions) {
		region = NULL;
		goto out;
	}
	region = find_region(ctx, current->mm, vaddr, vaddr);
	if (region && region->ready && vaddr + size - 1 <= region->node.last)
		region->users++;
	else
		region = ERR_PTR(-EINVAL);
out:
	mutex_unlock(&ctx->lock);
	return region;
}

void ioasid_region_put(struct ioasid_ctx *ctx, struct ioasid_region *region)
{
	mutex_lock(&ctx->lock);
	region->users--;
	mutex_unlock(&ctx->lock);
}
