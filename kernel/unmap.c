// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP_DMA: clear the I/O page tables, flush the IOTLBs once, and only then
 * let the memory go.
 */
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

/* How often in-kernel users are asked to unpin before we give up. */
#define NOTIFY_ROUNDS	10

struct unmap {
	struct ioasid_space *space;
	unsigned long first, last;
	u32 flags;
	struct list_head maps;		/* taken out of the space */
	u32 nr;
	u64 size;
	/* all 0 while nobody listens */
	bool on;
	u64 start, locked;
	u64 remove_ns, flush_ns, unpin_ns;
};

/* A mapping is unmapped as a whole or not at all (type1v2). */
static bool cuts_mapping(struct unmap *u)
{
	struct ioasid_mapping *m;

	if (u->flags & (IOASID_UNMAP_EVERYTHING | IOASID_UNMAP_TYPE1V1))
		return false;
	m = ioasid_mapping_first(u->space, u->first, u->first);
	if (m && m->node.start < u->first)
		return true;
	m = ioasid_mapping_first(u->space, u->last, u->last);
	return m && m->node.last > u->last;
}

/*
 * Type1 version 1: a mapping that starts before the range is left alone and
 * ends the walk; one that starts in it goes as a whole.
 */
static struct ioasid_mapping *next_mapping(struct unmap *u)
{
	struct ioasid_mapping *m;

	m = ioasid_mapping_first(u->space, u->first, u->last);
	if (m && (u->flags & IOASID_UNMAP_TYPE1V1) && m->node.start < u->first)
		return NULL;
	return m;
}

static struct ioasid_mapping *find_pinned(struct unmap *u)
{
	struct ioasid_mapping *m;

	if (!u->space->kpins)
		return NULL;
	ioasid_for_each_mapping(m, u->space, u->first, u->last)
		if (m->kpins)
			return m;
	return NULL;
}

/* Asks all in-kernel users to let a mapping go; drops the lock meanwhile. */
static void notify_accesses(struct ioasid_space *space,
			    struct ioasid_mapping *m)
{
	u64 iova = m->node.start, size = ioasid_mapping_size(m);
	struct ioasid_access *access;

	mutex_unlock(space->lock);
	mutex_lock(&space->access_lock);
	list_for_each_entry(access, &space->accesses, entry)
		access->ops->unmap(access->data, iova, size);
	mutex_unlock(&space->access_lock);
	mutex_lock(space->lock);
}

/* Whether the range may go as it is now, and who still holds some of it. */
static int check_range(struct unmap *u, struct ioasid_mapping **pinned)
{
	int rc = ioasid_space_mappable(u->space);

	if (rc)
		return rc;
	if (cuts_mapping(u))
		return -EINVAL;
	if ((u->flags & IOASID_UNMAP_NOT_EMPTY) && !next_mapping(u))
		return -ENOENT;
	*pinned = find_pinned(u);
	return 0;
}

static void take_mappings(struct unmap *u)
{
	struct ioasid_space *space = u->space;
	struct ioasid_mapping *m;

	while ((m = next_mapping(u))) {
		ioasid_mapping_remove(space, m);
		list_add_tail(&m->entry, &u->maps);
		u->nr++;
		u->size += ioasid_mapping_size(m);
		space->stats.mapped -= ioasid_mapping_size(m);
		space->stats.pinned -= ioasid_mapping_pinned(m);
		cond_resched();
	}
	if (u->nr) {
		space->stats.unmaps++;
		space->stats.unmap_bytes += u->size;
	}
}

/* Several mappings, one flush: that is what makes unmapping many cheap. */
static void clear_mappings(struct unmap *u)
{
	u64 entered = ioasid_history_unmap(u->space, &u->maps);
	u64 start = ioasid_now(u->on), removed;
	struct ioasid_mapping *m;

	list_for_each_entry(m, &u->maps, entry) {
		ioasid_tree_remove(u->space, m);
		cond_resched();
	}
	removed = ioasid_now(u->on);
	ioasid_tree_sync(u->space, false);
	ioasid_history_flushed(u->space, entered);
	u->flush_ns = ioasid_now(u->on) - removed;
	u->remove_ns = removed - start;
}

static int unmap_locked(struct unmap *u)
{
	struct ioasid_mapping *pinned;
	int rc, round;

	for (round = 0; ; round++) {
		rc = check_range(u, &pinned);
		if (rc)
			return rc;
		if (!pinned)
			break;
		if (round == NOTIFY_ROUNDS)
			return -EBUSY;
		notify_accesses(u->space, pinned);
	}

	take_mappings(u);
	if (u->nr)
		clear_mappings(u);
	return 0;
}

static void free_mappings(struct unmap *u)
{
	struct ioasid_mapping *m, *next;

	list_for_each_entry_safe(m, next, &u->maps, entry) {
		ioasid_mapping_free(u->space, m);
		cond_resched();
	}
}

static int check_unmap(u64 iova, u64 size, u32 flags)
{
	u64 last;

	if (flags & IOASID_UNMAP_EVERYTHING)
		return 0;
	if (!size || !IS_ALIGNED(iova | size, PAGE_SIZE))
		return -EINVAL;
	return check_add_overflow(iova, size - 1, &last) ? -EINVAL : 0;
}

static int run_unmap(struct unmap *u)
{
	u64 start;
	int rc;

	mutex_lock(u->space->lock);
	u->locked = ioasid_now(u->on);
	rc = unmap_locked(u);
	mutex_unlock(u->space->lock);

	start = ioasid_now(u->on);
	free_mappings(u);
	u->unpin_ns = ioasid_now(u->on) - start;
	return rc;
}

/**
 * ioasid_space_unmap - unmap all mappings in a range
 * @space: a kernel-managed space
 * @iova: start of the range
 * @size: its length
 * @flags: IOASID_UNMAP_* of <linux/ioasid.h>
 * @unmapped: how many bytes went
 *
 * When it returns, no device reaches the memory and it is unpinned.
 */
int ioasid_space_unmap(struct ioasid_space *space, u64 iova, u64 size,
		       u32 flags, u64 *unmapped)
{
	struct unmap u = {
		.space = space,
		.first = iova,
		.last = iova + size - 1,
		.flags = flags,
		.on = trace_ioasid_unmap_enabled(),
	};
	int rc;

	u.start = ioasid_now(u.on);
	INIT_LIST_HEAD(&u.maps);
	if (flags & IOASID_UNMAP_EVERYTHING) {
		iova = 0;
		size = 0;
		u.first = 0;
		u.last = ULONG_MAX;
	}
	ioasid_trace(unmap_begin, space->ctx->id, space->id, iova, size);
	rc = check_unmap(iova, size, flags);
	if (!rc && ioasid_space_is_pinned(space))
		rc = ioasid_pinned_unmap(space, u.first, u.last, flags, &u.size,
					 &u.nr);
	else if (!rc)
		rc = run_unmap(&u);
	if (rc)
		atomic64_inc(&space->stats.unmap_errors);
	*unmapped = u.size;
	ioasid_trace(unmap, space->ctx->id, space->id, iova, size, u.size, u.nr,
		     rc, ioasid_now(u.on) - u.start,
		     u.locked ? u.locked - u.start : 0, u.remove_ns, u.flush_ns,
		     u.unpin_ns);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_space_unmap);
