// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP_DMA: reserve the IOVAs, pin without a lock, install.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "bpf/hooks.h"
#include "compat.h"
#include "ioasid_private.h"

static struct ioasid_mapping *skip_unready(struct interval_tree_node *node,
					   unsigned long first,
					   unsigned long last)
{
	for (; node; node = interval_tree_iter_next(node, first, last)) {
		struct ioasid_mapping *m =
			container_of(node, struct ioasid_mapping, node);

		if (m->ready)
			return m;
	}
	return NULL;
}

/**
 * ioasid_mapping_first - first mapping that intersects a range
 * @space: its lock held
 * @first: first IOVA
 * @last: last IOVA
 */
struct ioasid_mapping *ioasid_mapping_first(struct ioasid_space *space,
					    unsigned long first,
					    unsigned long last)
{
	lockdep_assert_held(space->lock);
	return skip_unready(interval_tree_iter_first(&space->maps, first, last),
			    first, last);
}

/**
 * ioasid_mapping_next - the one after
 * @m: what ioasid_mapping_first() or this returned
 * @first: first IOVA
 * @last: last IOVA
 */
struct ioasid_mapping *ioasid_mapping_next(struct ioasid_mapping *m,
					   unsigned long first,
					   unsigned long last)
{
	return skip_unready(interval_tree_iter_next(&m->node, first, last),
			    first, last);
}

/**
 * ioasid_mapping_free - let a mapping's memory go
 * @space: where it was; not locked
 * @m: in no tree and no domain any more
 */
void ioasid_mapping_free(struct ioasid_space *space, struct ioasid_mapping *m)
{
	if (m->region)
		ioasid_region_put(space->ctx, m->region);
	else if (m->pages)
		ioasid_pages_release(&m->own);
	kvfree(m->kept);
	kfree(m);
}

/**
 * ioasid_mapping_target - a mapping of addresses of the parent
 * @iova: where
 * @target: in the parent
 * @size: bytes
 * @prot: IOASID_MAP_*
 */
struct ioasid_mapping *ioasid_mapping_target(u64 iova, u64 target, u64 size,
					     u32 prot)
{
	struct ioasid_mapping *m;

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return NULL;
	m->node.start = iova;
	m->node.last = iova + size - 1;
	m->prot = prot;
	m->target.start = target;
	m->target.last = target + size - 1;
	return m;
}

/* With registered memory around, everything must come from it (RFC v1, 5.2). */
static struct ioasid_mapping *mapping_new(struct ioasid_space *space, u64 iova,
					  u64 vaddr, u64 size, u32 prot)
{
	struct ioasid_mapping *m;

	m = ioasid_mapping_target(iova, vaddr, size, prot);
	if (!m)
		return ERR_PTR(-ENOMEM);
	if (space->parent || space->mirror)
		return m;

	m->region = ioasid_region_get(space->ctx, vaddr, size);
	if (IS_ERR(m->region)) {
		int rc = PTR_ERR(m->region);

		kfree(m);
		return ERR_PTR(rc);
	}
	if (m->region) {
		m->pages = &m->region->pages;
		m->first = (vaddr - m->region->node.start) / PAGE_SIZE;
	} else {
		m->pages = &m->own;
		ioasid_pages_init(&m->own, current->mm);
	}
	return m;
}

/**
 * ioasid_mapping_insert - a mapping's place in its space
 * @space: the space, its lock held
 * @m: the mapping
 */
void ioasid_mapping_insert(struct ioasid_space *space, struct ioasid_mapping *m)
{
	ioasid_mirror_lock(space);
	interval_tree_insert(&m->node, &space->maps);
	if (space->parent || space->mirror)
		interval_tree_insert(&m->target, &space->targets);
	ioasid_mirror_unlock(space);
	space->nr_maps++;
}

/**
 * ioasid_mapping_remove - undo ioasid_mapping_insert()
 * @space: the space, its lock held
 * @m: the mapping
 */
void ioasid_mapping_remove(struct ioasid_space *space, struct ioasid_mapping *m)
{
	ioasid_mirror_lock(space);
	interval_tree_remove(&m->node, &space->maps);
	if (space->parent || space->mirror)
		interval_tree_remove(&m->target, &space->targets);
	ioasid_mirror_unlock(space);
	space->nr_maps--;
}

static int reserve(struct ioasid_space *space, struct ioasid_mapping *m)
{
	int rc = ioasid_space_mappable(space);

	if (rc)
		return rc;
	if (!ioasid_iova_permitted(space, m->node.start, m->node.last))
		return -EINVAL;
	if (interval_tree_iter_first(&space->maps, m->node.start, m->node.last))
		return -EEXIST;
	if (space->nr_maps >= space->map_limit)
		return -ENOSPC;
	ioasid_mapping_insert(space, m);
	return 0;
}

static int pin(struct ioasid_mapping *m, u64 vaddr)
{
	bool write = m->prot & IOASID_MAP_WRITE;

	if (m->region)
		return write && !m->region->pages.writable ? -EFAULT : 0;
	return ioasid_pages_pin(&m->own, vaddr, ioasid_mapping_npages(m),
				write, true);
}

static int install(struct ioasid_space *space, struct ioasid_mapping *m)
{
	int rc;

	if (space->dead)
		return -ENOENT;
	rc = ioasid_tree_install(space, m);
	if (rc)
		return rc;
	m->ready = true;
	space->stats.maps++;
	space->stats.map_bytes += ioasid_mapping_size(m);
	space->stats.mapped += ioasid_mapping_size(m);
	space->stats.pinned += ioasid_mapping_pinned(m);
	ioasid_history_map(space, m);
	return 0;
}

/* When the phases of a map began and ended; all 0 while nobody listens. */
struct map_clock {
	bool on;
	u32 runs;
	u64 start, reserved, pinned, locked, installed;
};

static u64 span(u64 from, u64 to)
{
	return from && to ? to - from : 0;
}

static int count_runs_of(struct ioasid_space *space,
			 const struct ioasid_slice *s, void *arg)
{
	*(u32 *)arg += ioasid_pages_find(s->pages, s->first + s->npages - 1) -
		       ioasid_pages_find(s->pages, s->first) + 1;
	return 0;
}

static u32 count_runs(struct ioasid_space *space, struct ioasid_mapping *m)
{
	u32 runs = 0;

	ioasid_mapping_slices(space, m, count_runs_of, &runs);
	return runs;
}

/* What a child maps is mapped by its parent, a slot may be anything. */
static int check_target(struct ioasid_space *space, struct ioasid_mapping *m)
{
	if (space->parent)
		return ioasid_target_check(space->parent, m->target.start,
					   m->target.last, m->prot);
	if (!ioasid_mirror_is_mine(space->mirror))
		return -EPERM;
	return m->target.last < TASK_SIZE_MAX ? 0 : -EINVAL;
}

/* Nothing to pin: the parent did, or nobody does. */
static int map_target(struct ioasid_space *space, struct ioasid_mapping *m,
		      struct map_clock *clock)
{
	int rc;

	mutex_lock(space->lock);
	clock->reserved = ioasid_now(clock->on);
	clock->pinned = clock->reserved;
	clock->locked = clock->reserved;
	rc = ioasid_space_mappable(space);
	if (!rc)
		rc = check_target(space, m);
	if (!rc)
		rc = reserve(space, m);
	if (!rc) {
		rc = install(space, m);
		if (rc)
			ioasid_mapping_remove(space, m);
	}
	if (!rc && clock->on && space->parent)
		clock->runs = count_runs(space, m);
	mutex_unlock(space->lock);
	clock->installed = ioasid_now(clock->on);
	return rc;
}

static int map(struct ioasid_space *space, struct ioasid_mapping *m, u64 vaddr,
	       struct map_clock *clock)
{
	int rc;

	mutex_lock(space->lock);
	clock->reserved = ioasid_now(clock->on);
	rc = reserve(space, m);
	mutex_unlock(space->lock);
	if (rc)
		return rc;

	rc = pin(m, vaddr);
	clock->pinned = ioasid_now(clock->on);

	mutex_lock(space->lock);
	clock->locked = ioasid_now(clock->on);
	if (!rc)
		rc = install(space, m);
	if (rc)
		ioasid_mapping_remove(space, m);
	/* Once unlocked, a mapping that was made may be unmapped again. */
	if (!rc && clock->on)
		clock->runs = count_runs(space, m);
	mutex_unlock(space->lock);
	clock->installed = ioasid_now(clock->on);
	return rc;
}

static int check_map(const struct ioasid_space *space, u64 iova, u64 vaddr,
		     u64 size, u32 prot)
{
	u64 last;

	if (prot & IOASID_MAP_NO_REQUESTS) {
		if (space->kind != IOASID_KIND_MIRROR)
			return -EOPNOTSUPP;
		prot &= ~IOASID_MAP_NO_REQUESTS;
	}
	if (!prot || prot & ~(IOASID_MAP_READ | IOASID_MAP_WRITE))
		return -EINVAL;
	if (!size || !IS_ALIGNED(iova | vaddr | size, PAGE_SIZE))
		return -EINVAL;
	if (check_add_overflow(iova, size - 1, &last) ||
	    check_add_overflow(vaddr, size - 1, &last))
		return -EINVAL;
	return current->mm ? 0 : -EINVAL;
}

/**
 * ioasid_space_map - map memory of the calling process
 * @space: a space of kind KERNEL or MIRROR, or of kind SVA with pinned memory
 * @iova: where devices shall see it
 * @vaddr: where the process sees it
 * @size: bytes
 * @prot: IOASID_MAP_*
 *
 * All or nothing; errors as for IOASID_MAP_DMA.
 */
int ioasid_space_map(struct ioasid_space *space, u64 iova, u64 vaddr, u64 size,
		     u32 prot)
{
	struct map_clock clock = { .on = trace_ioasid_map_enabled() };
	struct ioasid_mapping *m = NULL;
	int rc;

	clock.start = ioasid_now(clock.on);
	ioasid_trace(map_begin, space->ctx->id, space->id, iova, size);
	rc = check_map(space, iova, vaddr, size, prot);
	if (!rc)
		rc = ioasid_hook_map(space, iova, vaddr, size, prot);
	if (!rc && ioasid_space_is_pinned(space)) {
		rc = ioasid_pinned_map(space, iova, vaddr, size, prot);
		goto out_count;
	}
	if (!rc) {
		m = mapping_new(space, iova, vaddr, size,
				prot & ~IOASID_MAP_NO_REQUESTS);
		rc = PTR_ERR_OR_ZERO(m);
	}
	if (!rc) {
		m->no_requests = prot & IOASID_MAP_NO_REQUESTS;
		rc = space->parent || space->mirror ?
			     map_target(space, m, &clock) :
			     map(space, m, vaddr, &clock);
		if (rc)
			ioasid_mapping_free(space, m);
	}
out_count:
	if (rc)
		atomic64_inc(&space->stats.map_errors);
	ioasid_trace(map, space->ctx->id, space->id, iova, size, vaddr, prot,
		     rc, clock.runs, ioasid_now(clock.on) - clock.start,
		     span(clock.start, clock.reserved) + span(clock.pinned, clock.locked),
		     span(clock.reserved, clock.pinned),
		     span(clock.locked, clock.installed));
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_space_map);
