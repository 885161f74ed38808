// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees of address spaces (RFC v1, 5.3: software nesting).
 *
 * Looking down (towards the root): the memory behind a range of a child, in
 * slices. Looking up: where a slice of a space shows in its descendants. With
 * both, a mapping that comes or goes anywhere in a tree does so in the domains
 * of all spaces concerned.
 *
 * All run under the tree's lock. Recursion is as deep as the tree.
 */
#include <linux/iommu.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

/*
 * A visit of slices as @origin sees them: an address of the space that is being
 * looked at, plus @delta, is one of @origin.
 */
struct look {
	struct ioasid_space *origin;
	unsigned long delta;
	u32 prot;
	ioasid_slice_fn fn;
	void *arg;
};

static int look_range(struct ioasid_space *space, unsigned long first,
		      unsigned long last, struct look look);

static int look_mapping(struct ioasid_space *space, struct ioasid_mapping *m,
			unsigned long first, unsigned long last,
			struct look look)
{
	struct ioasid_slice s;
	unsigned long target;

	first = max(first, m->node.start);
	last = min(last, m->node.last);
	look.prot &= m->prot;
	if (!look.prot)
		return 0;
	if (space->parent) {
		target = m->target.start + (first - m->node.start);
		look.delta += first - target;
		return look_range(space->parent, target,
				  target + (last - first), look);
	}
	s.iova = first + look.delta;
	s.npages = (last - first) / PAGE_SIZE + 1;
	s.pages = m->pages;
	s.first = m->first + (first - m->node.start) / PAGE_SIZE;
	s.prot = look.prot;
	return look.fn(look.origin, &s, look.arg);
}

static int look_range(struct ioasid_space *space, unsigned long first,
		      unsigned long last, struct look look)
{
	struct ioasid_mapping *m;
	int rc;

	ioasid_for_each_mapping(m, space, first, last) {
		rc = look_mapping(space, m, first, last, look);
		if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}

/**
 * ioasid_visit_slices - visit the memory behind a range, in order
 * @space: the space, its lock held
 * @first: first address
 * @last: last address
 * @fn: visitor
 * @arg: for @fn
 */
int ioasid_visit_slices(struct ioasid_space *space, unsigned long first,
			unsigned long last, ioasid_slice_fn fn, void *arg)
{
	struct look look = {
		.origin = space,
		.prot = IOASID_MAP_READ | IOASID_MAP_WRITE,
		.fn = fn,
		.arg = arg,
	};

	lockdep_assert_held(space->lock);
	return look_range(space, first, last, look);
}

/**
 * ioasid_mapping_slices - visit the memory behind a mapping, in order
 * @space: the space it belongs to, its lock held
 * @m: the mapping, whether or not it is in the space's tree
 * @fn: visitor
 * @arg: for @fn
 */
int ioasid_mapping_slices(struct ioasid_space *space, struct ioasid_mapping *m,
			  ioasid_slice_fn fn, void *arg)
{
	struct look look = {
		.origin = space,
		.prot = IOASID_MAP_READ | IOASID_MAP_WRITE,
		.fn = fn,
		.arg = arg,
	};

	lockdep_assert_held(space->lock);
	return look_mapping(space, m, 0, ULONG_MAX, look);
}

/* The part of @s that @m, a mapping of a child, shows. */
static struct ioasid_slice shown(const struct ioasid_slice *s,
				 const struct ioasid_mapping *m)
{
	unsigned long last = s->iova + ioasid_slice_size(s) - 1;
	struct ioasid_slice cut = *s;

	cut.iova = max(s->iova, m->target.start);
	cut.first += (cut.iova - s->iova) / PAGE_SIZE;
	cut.npages = (min(last, m->target.last) - cut.iova) / PAGE_SIZE + 1;
	cut.iova = m->node.start + (cut.iova - m->target.start);
	cut.prot &= m->prot;
	return cut;
}

static int shadows_in(struct ioasid_space *child, const struct ioasid_slice *s,
		      ioasid_slice_fn fn, void *arg)
{
	unsigned long last = s->iova + ioasid_slice_size(s) - 1;
	struct interval_tree_node *node;
	struct ioasid_mapping *m;
	struct ioasid_slice cut;
	int rc;

	for (node = interval_tree_iter_first(&child->targets, s->iova, last);
	     node; node = interval_tree_iter_next(node, s->iova, last)) {
		m = container_of(node, struct ioasid_mapping, target);
		cut = shown(s, m);
		if (!m->ready || !cut.prot)
			continue;
		rc = fn(child, &cut, arg) ?:
		     ioasid_visit_shadows(child, &cut, fn, arg);
		if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}

/**
 * ioasid_visit_shadows - visit where a slice shows in all descendants
 * @space: the space, its lock held
 * @s: a slice of it
 * @fn: visitor, with the descendant and the slice as that sees it
 * @arg: for @fn
 */
int ioasid_visit_shadows(struct ioasid_space *space,
			 const struct ioasid_slice *s, ioasid_slice_fn fn,
			 void *arg)
{
	struct ioasid_space *child;
	int rc;

	lockdep_assert_held(space->lock);
	list_for_each_entry(child, &space->children, sibling) {
		rc = shadows_in(child, s, fn, arg);
		if (rc)
			return rc;
	}
	return 0;
}

/* Slices of a mapping, in its space and in all descendants. */
struct tree_visit {
	ioasid_slice_fn fn;
	unsigned long nr;
};

static int visit_slice(struct ioasid_space *space, const struct ioasid_slice *s,
		       void *arg)
{
	struct tree_visit *visit = arg;

	return visit->fn(space, s, &visit->nr) ?:
	       ioasid_visit_shadows(space, s, visit->fn, &visit->nr);
}

static int install_slice(struct ioasid_space *space,
			 const struct ioasid_slice *s, void *arg)
{
	unsigned long *nr = arg;
	struct ioasid_domain *d;
	int rc;

	list_for_each_entry(d, &space->domains, entry) {
		rc = ioasid_domain_map(d, s);
		if (rc)
			goto undo;
	}
	++*nr;
	return 0;
undo:
	list_for_each_entry_continue_reverse(d, &space->domains, entry)
		ioasid_domain_unmap(d, s);
	return rc;
}

/* Visits are repeatable: the first @nr slices are those that were installed. */
static int remove_slice(struct ioasid_space *space,
			const struct ioasid_slice *s, void *arg)
{
	unsigned long *nr = arg;
	struct ioasid_domain *d;

	if (!*nr)
		return 1;
	--*nr;
	list_for_each_entry(d, &space->domains, entry)
		ioasid_domain_unmap(d, s);
	return 0;
}

/**
 * ioasid_tree_install - enter a mapping into all domains where it shows
 * @space: its space, the lock held
 * @m: the mapping, not ready yet
 *
 * All or nothing.
 */
int ioasid_tree_install(struct ioasid_space *space, struct ioasid_mapping *m)
{
	struct tree_visit visit = { .fn = install_slice };
	int rc;

	if (space->mirror)
		return 0;
	rc = ioasid_mapping_slices(space, m, visit_slice, &visit);
	if (rc) {
		visit.fn = remove_slice;
		ioasid_mapping_slices(space, m, visit_slice, &visit);
		ioasid_tree_sync(space, false);
	}
	return rc;
}

/**
 * ioasid_tree_remove - clear a mapping from all domains where it shows
 * @space: its space, the lock held
 * @m: the mapping, which is in no tree any more
 *
 * Devices may use the memory until ioasid_tree_sync().
 */
void ioasid_tree_remove(struct ioasid_space *space, struct ioasid_mapping *m)
{
	struct tree_visit visit = { .fn = remove_slice, .nr = ULONG_MAX };

	if (space->mirror) {
		ioasid_mirror_drop(space->mirror, m->node.start, m->node.last);
		return;
	}
	ioasid_mapping_slices(space, m, visit_slice, &visit);
}

static void sync_domains(struct ioasid_space *space, bool user)
{
	unsigned long first = ULONG_MAX, last = 0;
	bool on = trace_ioasid_iotlb_inv_enabled();
	u64 start = ioasid_now(on);
	struct ioasid_domain *d;
	u32 nr = 0;

	list_for_each_entry(d, &space->domains, entry) {
		if (!ioasid_domain_sync(d))
			continue;
		first = min(first, d->cleared_first);
		last = max(last, d->cleared_last);
		nr++;
	}
	if (!nr)
		return;
	space->stats.invalidations += nr;
	ioasid_trace(iotlb_inv, space->ctx->id, space->id, first,
		     last - first + 1, nr, 0, ioasid_now(on) - start, user);
}

/**
 * ioasid_tree_sync - wait until no device uses what was removed
 * @space: where something was removed; its lock is held
 * @user: because INVALIDATE_CACHE asked for it
 */
void ioasid_tree_sync(struct ioasid_space *space, bool user)
{
	struct ioasid_space *child;

	lockdep_assert_held(space->lock);
	sync_domains(space, user);
	list_for_each_entry(child, &space->children, sibling)
		ioasid_tree_sync(child, user);
}

struct coverage {
	unsigned long next;
	u32 prot;
	bool refused;
};

static int cover(struct ioasid_space *space, const struct ioasid_slice *s,
		 void *arg)
{
	struct coverage *c = arg;

	if (s->iova != c->next)
		return 1;
	c->refused |= c->prot & ~s->prot;
	c->next += ioasid_slice_size(s);
	return 0;
}

/**
 * ioasid_target_check - may a child map this?
 * @space: the parent, its lock held
 * @first: first address
 * @last: last address
 * @prot: what for
 *
 * Returns -ENOENT when not all of it is mapped, -EFAULT when not for that.
 */
int ioasid_target_check(struct ioasid_space *space, u64 first, u64 last,
			u32 prot)
{
	struct coverage c = { .next = first, .prot = prot };

	if (ioasid_visit_slices(space, first, last, cover, &c) ||
	    c.next != last + 1)
		return -ENOENT;
	return c.refused ? -EFAULT : 0;
}
