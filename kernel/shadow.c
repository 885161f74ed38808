// SPDX-License-Identifier: GPL-2.0-only
/*
 * Software nesting of user-managed tables: what the table says becomes mappings
 * of the space, as if its owner had used MAP_DMA; the rest is that of any
 * child. The table is read when the space is first attached where no IOMMU walks
 * it, and again at each IOASID_INVALIDATE_CACHE: so new entries, too, need one.
 *
 * Tables are hostile: a few pages that point to themselves describe a full address
 * space. The limit of mappings and the number of walks bound what a scan costs.
 */
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/ioasid_table.h>
#include <linux/sched/signal.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

#define MAX_WALKS	(4UL * IOASID_MAX_MAPPINGS)

/* As an IOMMU, which would not read what its parent does not let it read. */
static int first_page(struct ioasid_space *space, const struct ioasid_slice *s,
		      void *arg)
{
	const struct ioasid_run *run =
		&s->pages->runs[ioasid_pages_find(s->pages, s->first)];

	if (!run->mmio && s->prot & IOASID_MAP_READ)
		*(struct page **)arg = pfn_to_page(run->pfn + s->first -
						   run->first);
	return 1;
}

/* An entry of a table: the walker gives an aligned address. */
static int read_entry(void *data, u64 addr, u64 *entry)
{
	struct ioasid_space *parent = data;
	unsigned long first = addr & PAGE_MASK;
	struct page *page = NULL;
	void *vaddr;

	ioasid_visit_slices(parent, first, first + PAGE_SIZE - 1, first_page,
			    &page);
	if (!page)
		return -EFAULT;
	vaddr = kmap_local_page(page);
	*entry = le64_to_cpu(READ_ONCE(*(__le64 *)(vaddr +
						   offset_in_page(addr))));
	kunmap_local(vaddr);
	return 0;
}

static const struct ioasid_walk_ops shadow_walk_ops = { .read = read_entry };

/* A run of leaves that can be one mapping. */
struct run {
	u64 iova, target, size;
	u32 prot;
};

struct scan {
	struct ioasid_space *space;
	u64 next, last;
	unsigned long walks;
	u32 added;			/* mappings */
	struct run run;
};

static int enter_run(struct scan *scan)
{
	struct ioasid_space *space = scan->space;
	struct run *run = &scan->run;
	struct ioasid_mapping *m;
	int rc;

	if (!run->size)
		return 0;
	if (space->nr_maps >= space->map_limit)
		return -ENOSPC;
	m = ioasid_mapping_target(run->iova, run->target, run->size,
				  run->prot);
	if (!m)
		return -ENOMEM;
	ioasid_mapping_insert(space, m);
	rc = ioasid_tree_install(space, m);
	if (rc) {
		ioasid_mapping_remove(space, m);
		ioasid_mapping_free(space, m);
		return rc;
	}
	m->ready = true;
	space->stats.mapped += run->size;
	scan->added++;
	return 0;
}

/**
 * ioasid_leaf_prot - IOASID_MAP_* that a table allows to DMA
 * @walk: which found a leaf
 */
u32 ioasid_leaf_prot(const struct ioasid_walk *walk)
{
	/* DMA is never privileged. */
	if (walk->perm & IOASID_PERM_PRIV)
		return 0;
	return (walk->perm & IOASID_PERM_READ ? IOASID_MAP_READ : 0) |
	       (walk->perm & IOASID_PERM_WRITE ? IOASID_MAP_WRITE : 0);
}

/**
 * ioasid_leaf_permitted - may a leaf be followed, as far as IOMMUs are concerned?
 * @space: its lock held
 * @walk: which found the leaf
 *
 * As a whole or not at all, whatever part of it is being looked at.
 */
bool ioasid_leaf_permitted(struct ioasid_space *space,
			   const struct ioasid_walk *walk)
{
	u64 offset = BIT_ULL(walk->size_lg2) - 1;

	return ioasid_iova_permitted(space, walk->iova & ~offset,
				     walk->iova | offset);
}

/* What is left of a leaf from where the scan is, as far as it goes. */
static struct run leaf_run(const struct scan *scan,
			   const struct ioasid_walk *walk)
{
	u64 size = BIT_ULL(walk->size_lg2);
	u64 left = size - (scan->next & (size - 1));

	return (struct run) {
		.iova = scan->next,
		.target = walk->addr,
		.size = min(left - 1, scan->last - scan->next) + 1,
		.prot = ioasid_leaf_prot(walk),
	};
}

static int add_leaf(struct scan *scan, const struct ioasid_walk *walk)
{
	struct run leaf = leaf_run(scan, walk), *run = &scan->run;
	int rc;

	/* Refused ones end a run: its other pages are none the worse for them. */
	if (!leaf.prot || !ioasid_leaf_permitted(scan->space, walk))
		leaf = (struct run) {};

	if (run->size && leaf.size && leaf.prot == run->prot &&
	    leaf.iova == run->iova + run->size &&
	    leaf.target == run->target + run->size) {
		run->size += leaf.size;
		return 0;
	}
	rc = enter_run(scan);
	*run = leaf;
	return rc;
}

/* Past what the last entry that was read covers. */
static bool skip(struct scan *scan, unsigned int lg2)
{
	u64 last = scan->next | GENMASK_ULL(lg2 - 1, 0);

	scan->next = last + 1;
	return last < scan->last;
}

static unsigned int step_lg2(const struct ioasid_walk *walk)
{
	unsigned int level = walk->nr_steps ?
			     walk->steps[walk->nr_steps - 1].level :
			     IOASID_TABLE_LEVELS;

	return PAGE_SHIFT + 9 * (level - 1);
}

static int scan_one(struct scan *scan, bool *more)
{
	struct ioasid_space *space = scan->space;
	struct ioasid_walk walk = { .iova = scan->next };
	int rc = 0;

	if (scan->walks++ >= MAX_WALKS)
		return -ENOSPC;
	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	switch (ioasid_table_walk(space->format, &space->table,
				  &shadow_walk_ops, space->parent, &walk)) {
	case IOASID_WALK_OK:
		rc = add_leaf(scan, &walk);
		*more = skip(scan, walk.size_lg2);
		break;
	case IOASID_WALK_ADDRESS:
		/* Behind the last address; an upper half cannot be shadowed. */
		*more = false;
		break;
	default:
		*more = skip(scan, step_lg2(&walk));
	}
	return rc;
}

static int scan_range(struct scan *scan)
{
	struct ioasid_stats *stats = &scan->space->stats;
	bool more = true;
	int rc = 0;

	while (!rc && more)
		rc = scan_one(scan, &more);
	if (!rc)
		rc = enter_run(scan);
	stats->shadow_syncs++;
	stats->shadow_walks += scan->walks;
	return rc;
}

/* Takes mappings out; widens the range to all that went. How many those are. */
static u32 forget_range(struct ioasid_space *space, u64 *first, u64 *last,
			bool user)
{
	struct ioasid_mapping *m, *next;
	LIST_HEAD(gone);
	u32 nr = 0;

	while ((m = ioasid_mapping_first(space, *first, *last))) {
		*first = min_t(u64, *first, m->node.start);
		*last = max_t(u64, *last, m->node.last);
		ioasid_mapping_remove(space, m);
		list_add_tail(&m->entry, &gone);
		ioasid_tree_remove(space, m);
		space->stats.mapped -= ioasid_mapping_size(m);
		nr++;
		cond_resched();
	}
	ioasid_tree_sync(space, user);
	list_for_each_entry_safe(m, next, &gone, entry)
		ioasid_mapping_free(space, m);
	return nr;
}

/**
 * ioasid_shadow_update - follow the user's table
 * @space: a space with such a table, its lock held
 * @first: first IOVA that changed
 * @last: last IOVA
 *
 * On return no device uses what the table said before. After an error there are
 * fewer mappings than the table has, and DMA to the others faults.
 */
int ioasid_shadow_update(struct ioasid_space *space, u64 first, u64 last)
{
	bool on = trace_ioasid_shadow_enabled();
	u64 start = ioasid_now(on), removed, done;
	struct scan scan = { .space = space };
	u32 gone;
	int rc;

	lockdep_assert_held(space->lock);
	if (!space->shadowed)
		return 0;
	first &= PAGE_MASK;
	last |= ~PAGE_MASK;
	gone = forget_range(space, &first, &last, true);
	removed = ioasid_now(on);
	scan.next = first;
	scan.last = last;
	rc = scan_range(&scan);
	done = ioasid_now(on);
	ioasid_trace(shadow, space->ctx->id, space->id, first, last - first + 1,
		     scan.walks, gone, scan.added, rc, done - start,
		     removed - start, done - removed);
	return rc;
}

/**
 * ioasid_shadow_start - from now on follow the user's table
 * @space: a space with such a table, its lock held
 */
int ioasid_shadow_start(struct ioasid_space *space)
{
	int rc;

	if (space->shadowed)
		return 0;
	space->shadowed = true;
	rc = ioasid_shadow_update(space, 0, U64_MAX);
	if (rc)
		ioasid_shadow_stop(space);
	return rc;
}

/**
 * ioasid_shadow_stop - no more; what was followed goes
 * @space: the space, its lock held
 */
void ioasid_shadow_stop(struct ioasid_space *space)
{
	u64 first = 0, last = U64_MAX;

	lockdep_assert_held(space->lock);
	if (!space->shadowed)
		return;
	forget_range(space, &first, &last, false);
	space->shadowed = false;
}

/**
 * ioasid_table_in - is the table's top level in the parent?
 * @parent: the parent space, its lock held
 * @table: the table
 */
bool ioasid_table_in(struct ioasid_space *parent,
		     const struct ioasid_table *table)
{
	u64 first = table->addr & PAGE_MASK;

	return !ioasid_target_check(parent, first, first + PAGE_SIZE - 1,
				    IOASID_MAP_READ);
}
