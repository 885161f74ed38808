// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spaces that follow the page table of a process. Nothing is pinned: what the CPU
 * does with a page is done to the devices first, in the notifier.
 *
 * A kind MIRROR space has slots, which are its mappings (struct ioasid_mapping
 * without pages): a range of IOVAs and where the process has it. A kind SVA space
 * has none; its IOVAs are addresses of the process. Pages are installed when a
 * device asks for them or the user does (mirror_fill.c), in blocks of one page, or of
 * a PMD where CPU and all IOMMUs map as much at a time.
 *
 * mirror->lock protects the domains, what is installed in them, the lookups, and,
 * together with space->lock, the slots: one of them is enough to look at those,
 * both are needed for a change. Order: space->lock, mirror->lock, what the IOMMU
 * driver takes to map and unmap.
 *
 * The notifier takes it, that is under memory reclaim, too. So:
 *  - nobody allocates memory under it in a way that may wait for reclaim: what is
 *    needed is got before, IOMMU page tables without waiting, and if that fails the
 *    lock is dropped for another try;
 *  - IOMMU drivers have to keep the same rule for what they take to unmap;
 *  - mmap_lock is never taken under it; nor is it under space->lock or ctx->lock.
 *
 * The protocol: a lookup is entered into the list, then the process's table is looked
 * at (after what was changing at that time has changed), then, under the lock, the
 * result is installed unless the lookup has become stale meanwhile. A change marks
 * lookups that it is about and drops what is installed, in one step. This is
 * mmu_interval_read_begin() and _retry(), but that changes elsewhere in the process
 * make no retries.
 *
 * Who brings pages in may be kept by user space for as long as that likes (page
 * faults of userfaultfd). He has references on the mirror and the address space,
 * and none on the space, its context, or a device: all of these can go meanwhile.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "mirror.h"

/* Of one space, at work or kept by user space. */
#define MIRROR_WORKERS	64

/* Ends mirrors whose last user is one of their own workers. */
static struct workqueue_struct *release_wq;

/* Taking pages away */

static void sync_domains(struct ioasid_mirror *mirror)
{
	unsigned long first = ULONG_MAX, last = 0;
	bool on = trace_ioasid_iotlb_inv_enabled();
	struct ioasid_space *space = mirror->space;
	u64 start = ioasid_now(on);
	struct ioasid_domain *d;
	u32 nr = 0;

	list_for_each_entry(d, &mirror->domains, mirror_entry) {
		if (!ioasid_domain_sync(d))
			continue;
		first = min(first, d->cleared_first);
		last = max(last, d->cleared_last);
		nr++;
	}
	if (!nr)
		return;
	/* There are domains, so there is a space. */
	space->stats.invalidations += nr;
	ioasid_trace(iotlb_inv, space->ctx->id, space->id, first,
		     last - first + 1, nr, 0, ioasid_now(on) - start, false);
}

/* Contiguous blocks, to be cleared in one call. */
struct run {
	unsigned long first;
	unsigned long npages;
};

static void clear_run(struct ioasid_mirror *mirror, const struct run *run)
{
	const struct ioasid_slice s = {
		.iova = run->first << PAGE_SHIFT,
		.npages = run->npages,
	};
	struct ioasid_domain *d;

	if (!run->npages)
		return;
	list_for_each_entry(d, &mirror->domains, mirror_entry)
		ioasid_domain_unmap(d, &s);
}

/**
 * ioasid_mirror_drop_locked - take pages away from all devices
 * @mirror: the mirror, locked
 * @first: first IOVA
 * @last: last IOVA; blocks that are only in part in the range go as a whole
 *
 * Returns how many pages went.
 */
u64 ioasid_mirror_drop_locked(struct ioasid_mirror *mirror,
			      unsigned long first, unsigned long last)
{
	unsigned long index = first >> PAGE_SHIFT;
	unsigned long start = ALIGN_DOWN(index, MIRROR_BIG_PAGES);
	struct run run = {};
	unsigned long at, n;
	u64 dropped = 0;
	void *block;

	lockdep_assert_held(&mirror->lock);
	xa_for_each_range(&mirror->installed, at, block, start,
			  last >> PAGE_SHIFT) {
		n = mirror_block_pages(block);
		if (at + n <= index)
			continue;
		if (run.first + run.npages != at) {
			clear_run(mirror, &run);
			run = (struct run){ .first = at };
		}
		run.npages += n;
		dropped += n;
		xa_erase(&mirror->installed, at);
		cond_resched();
	}
	clear_run(mirror, &run);
	if (!dropped)
		return 0;
	sync_domains(mirror);
	mirror->nr_pages -= dropped;
	mirror->drops += dropped;
	return dropped;
}

static bool overlaps(unsigned long a_first, unsigned long a_last,
		     unsigned long b_first, unsigned long b_last)
{
	return a_first <= b_last && b_first <= a_last;
}

/* A change of IOVAs: slots and domains. */
static u64 drop_iova(struct ioasid_mirror *mirror, unsigned long first,
		     unsigned long last)
{
	struct mirror_lookup *l;

	list_for_each_entry(l, &mirror->lookups, entry)
		if (overlaps(first, last, ALIGN_DOWN(l->iova, PMD_SIZE),
			     (l->iova + PMD_SIZE - 1) | ~PMD_MASK))
			l->stale = true;
	return ioasid_mirror_drop_locked(mirror, first, last);
}

/* Where the process's addresses show. */
static void drop_slots(struct ioasid_mirror *mirror, unsigned long first,
		       unsigned long last)
{
	struct interval_tree_node *node;
	struct ioasid_mapping *m;
	unsigned long from, to;

	for (node = interval_tree_iter_first(&mirror->space->targets, first, last);
	     node; node = interval_tree_iter_next(node, first, last)) {
		m = container_of(node, struct ioasid_mapping, target);
		from = max(first, m->target.start) - m->target.start;
		to = min(last, m->target.last) - m->target.start;
		ioasid_mirror_drop_locked(mirror, m->node.start + from,
					  m->node.start + to);
	}
}

/* A change in the process. */
static void drop_va(struct ioasid_mirror *mirror, unsigned long first,
		    unsigned long last)
{
	struct mirror_lookup *l;
	unsigned long base;

	list_for_each_entry(l, &mirror->lookups, entry) {
		base = ALIGN_DOWN(l->va, PMD_SIZE);
		if (overlaps(first, last, base, base + PMD_SIZE - 1))
			l->stale = true;
	}
	if (mirror->identity)
		ioasid_mirror_drop_locked(mirror, first, last);
	else if (mirror->space)
		drop_slots(mirror, first, last);
}

static bool mirror_invalidate(struct mmu_interval_notifier *notifier,
			      const struct mmu_notifier_range *range,
			      unsigned long seq)
{
	struct ioasid_mirror *mirror = container_of(notifier,
						    struct ioasid_mirror,
						    notifier);

	if (mmu_notifier_range_blockable(range)) {
		mutex_lock(&mirror->lock);
	} else if (!mutex_trylock(&mirror->lock)) {
		return false;
	} else if (mirror->nr_pages) {
		/* What IOMMU drivers do may sleep. */
		mutex_unlock(&mirror->lock);
		return false;
	}
	mmu_interval_set_seq(notifier, seq);
	drop_va(mirror, range->start, range->end - 1);
	mutex_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_notifier_ops = {
	.invalidate = mirror_invalidate,
};

/* What it is part of */

/**
 * ioasid_mirror_enter - a new domain of a space
 * @mirror: the mirror
 * @d: the domain, that nothing is attached to yet
 *
 * All of them have the same pages: they start again with none.
 */
void ioasid_mirror_enter(struct ioasid_mirror *mirror, struct ioasid_domain *d)
{
	mutex_lock(&mirror->lock);
	drop_iova(mirror, 0, ULONG_MAX);
	list_add_tail(&d->mirror_entry, &mirror->domains);
	d->mirror = mirror;
	mutex_unlock(&mirror->lock);
}

/**
 * ioasid_mirror_leave - undo ioasid_mirror_enter()
 * @d: the domain, that nothing is attached to any more
 */
void ioasid_mirror_leave(struct ioasid_domain *d)
{
	struct ioasid_mirror *mirror = d->mirror;

	mutex_lock(&mirror->lock);
	drop_iova(mirror, 0, ULONG_MAX);
	list_del(&d->mirror_entry);
	d->mirror = NULL;
	mutex_unlock(&mirror->lock);
}

/**
 * ioasid_mirror_drop - devices shall not have a range for now
 * @mirror: the mirror
 * @first: first IOVA
 * @last: last IOVA
 *
 * Returns how many pages went.
 */
u64 ioasid_mirror_drop(struct ioasid_mirror *mirror, unsigned long first,
		       unsigned long last)
{
	u64 dropped;

	mutex_lock(&mirror->lock);
	dropped = drop_iova(mirror, first, last);
	mutex_unlock(&mirror->lock);
	return dropped;
}

/**
 * ioasid_mirror_find - the block that a page is in
 * @mirror: the mirror, locked
 * @index: IOVA page number
 * @head: out: that of the block
 */
void *ioasid_mirror_find(struct ioasid_mirror *mirror, unsigned long index,
			 unsigned long *head)
{
	void *block;

	lockdep_assert_held(&mirror->lock);
	*head = ALIGN_DOWN(index, MIRROR_BIG_PAGES);
	block = xa_load(&mirror->installed, *head);
	if (block && *head + mirror_block_pages(block) > index)
		return block;
	*head = index;
	return xa_load(&mirror->installed, index);
}

/**
 * ioasid_mirror_perm - what devices may do with an address now
 * @mirror: the mirror
 * @iova: the address
 * @pa: out: where it leads to, if it does
 *
 * Returns IOASID_MAP_*, 0 when the page is not there.
 */
u32 ioasid_mirror_perm(struct ioasid_mirror *mirror, unsigned long iova,
		       phys_addr_t *pa)
{
	struct ioasid_domain *d;
	unsigned long head;
	u32 perm = 0;
	void *block;

	mutex_lock(&mirror->lock);
	block = ioasid_mirror_find(mirror, iova >> PAGE_SHIFT, &head);
	d = list_first_entry_or_null(&mirror->domains, struct ioasid_domain,
				     mirror_entry);
	if (block && d) {
		perm = IOASID_MAP_READ |
		       (mirror_block_write(block) ? IOASID_MAP_WRITE : 0);
		*pa = iommu_iova_to_phys(d->domain, iova);
	}
	mutex_unlock(&mirror->lock);
	return perm;
}

/* Life */

static void mirror_free(struct ioasid_mirror *mirror)
{
	WARN_ON(mirror->nr_pages || !list_empty(&mirror->domains) ||
		!list_empty(&mirror->lookups));
	destroy_workqueue(mirror->wq);
	mmu_interval_notifier_remove(&mirror->notifier);
	xa_destroy(&mirror->installed);
	ioasid_faults_exit(&mirror->faults);
	mutex_destroy(&mirror->lock);
	mem_cgroup_put(mirror->memcg);
	mmdrop(mirror->mm);
	kfree(mirror);
	module_put(THIS_MODULE);
}

static void release_work(struct work_struct *work)
{
	mirror_free(container_of(work, struct ioasid_mirror, release));
}

static void release_now(struct kref *kref)
{
	mirror_free(container_of(kref, struct ioasid_mirror, kref));
}

static void release_later(struct kref *kref)
{
	struct ioasid_mirror *mirror = container_of(kref, struct ioasid_mirror,
						    kref);

	queue_work(release_wq, &mirror->release);
}

void ioasid_mirror_get(struct ioasid_mirror *mirror)
{
	kref_get(&mirror->kref);
}

/* For workers of the mirror, and for those who have a lock. */
void ioasid_mirror_put_work(struct ioasid_mirror *mirror)
{
	kref_put(&mirror->kref, release_later);
}

/**
 * ioasid_mirror_create - let a space follow the calling process
 * @space: the space
 * @identity: it has no slots, but all of the address space
 *
 * Context: takes mmap_lock.
 */
int ioasid_mirror_create(struct ioasid_space *space, bool identity)
{
	struct ioasid_mirror *mirror;
	int rc = -ENOMEM;

	if (!current->mm)
		return -EINVAL;
	mirror = kzalloc(sizeof(*mirror), GFP_KERNEL_ACCOUNT);
	if (!mirror)
		return -ENOMEM;
	mirror->wq = alloc_workqueue("ioasid-mirror", WQ_UNBOUND,
				     MIRROR_WORKERS);
	if (!mirror->wq)
		goto out_free;
	kref_init(&mirror->kref);
	mirror->space = space;
	mirror->mm = current->mm;
	mirror->identity = identity;
	mutex_init(&mirror->lock);
	INIT_LIST_HEAD(&mirror->domains);
	INIT_LIST_HEAD(&mirror->lookups);
	INIT_WORK(&mirror->release, release_work);
	ioasid_mirror_faults_init(mirror);
	xa_init_flags(&mirror->installed, XA_FLAGS_ACCOUNT);
	rc = mmu_interval_notifier_insert(&mirror->notifier, mirror->mm, 0,
					  ULONG_MAX, &mirror_notifier_ops);
	if (rc)
		goto out_wq;
	mmgrab(mirror->mm);
	mirror->memcg = get_mem_cgroup_from_mm(mirror->mm);
	/* Who is kept by user space may come back when all files are closed. */
	__module_get(THIS_MODULE);
	space->mirror = mirror;
	/* What mmap() gives without being asked for more. */
	if (identity) {
		space->addr_width = fls64(DEFAULT_MAP_WINDOW - 1);
		space->last_iova = GENMASK_ULL(space->addr_width - 1, 0);
	}
	return 0;
out_wq:
	ioasid_faults_exit(&mirror->faults);
	mutex_destroy(&mirror->lock);
	destroy_workqueue(mirror->wq);
out_free:
	kfree(mirror);
	return rc;
}

/**
 * ioasid_mirror_quit - a space will not be looked at any more
 * @space: the space, without domains
 */
void ioasid_mirror_quit(struct ioasid_space *space)
{
	struct ioasid_mirror *mirror = space->mirror;

	mutex_lock(&mirror->lock);
	drop_iova(mirror, 0, ULONG_MAX);
	mirror->space = NULL;
	mutex_unlock(&mirror->lock);
}

/**
 * ioasid_mirror_end - undo ioasid_mirror_create()
 * @space: the space, without domains and slots
 */
void ioasid_mirror_end(struct ioasid_space *space)
{
	ioasid_mirror_quit(space);
	kref_put(&space->mirror->kref, release_now);
}

/* For changes of slots; space->lock is held. */
void ioasid_mirror_lock(struct ioasid_space *space)
{
	lockdep_assert_held(space->lock);
	if (space->mirror)
		mutex_lock(&space->mirror->lock);
}

void ioasid_mirror_unlock(struct ioasid_space *space)
{
	if (space->mirror)
		mutex_unlock(&space->mirror->lock);
}

/* Is it the calling process that is followed? */
bool ioasid_mirror_is_mine(struct ioasid_mirror *mirror)
{
	return mirror->mm == current->mm;
}

/* For fdinfo; each value is right, two may be of different moments. */
void ioasid_mirror_show(struct seq_file *s, struct ioasid_space *space)
{
	const struct ioasid_mirror *mirror = space->mirror;

	ioasid_sva_show(s, space);
	seq_printf(s, "ioasid-present-%u:\t%llu B\n", space->id,
		   mirror ? READ_ONCE(mirror->nr_pages) * PAGE_SIZE : 0);
	seq_printf(s, "ioasid-installs-%u:\t%llu\n", space->id,
		   mirror ? READ_ONCE(mirror->installs) : 0);
	seq_printf(s, "ioasid-drops-%u:\t%llu\n", space->id,
		   mirror ? READ_ONCE(mirror->drops) : 0);
}

int __init ioasid_mirror_init(void)
{
	release_wq = alloc_workqueue("ioasid-release", WQ_UNBOUND, 0);
	return release_wq ? 0 : -ENOMEM;
}

void ioasid_mirror_exit(void)
{
	destroy_workqueue(release_wq);
}
