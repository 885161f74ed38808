// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kind SVA for devices that cannot wait for a page: all memory of the process is
 * pinned, charged to it, and mapped where the process has it.
 *
 * A pin keeps a page, but not its address: munmap(), MADV_DONTNEED, mremap(), a copy
 * made for a write, and the like give the address another page or none. So the
 * notifier of mirror.c takes such pages from the domains, as in every space that
 * follows a process, and has the worker (sva_pinned_fill.c) return the pins; what it
 * finds at these addresses then takes their place. Between the two, devices have
 * nothing there. Nobody tells of what is mapped where nothing was: the user does,
 * by MAP_DMA.
 *
 * Locking is as in mirror.c. A page of a part is wanted, and charged, from ALLOC or
 * MAP_DMA on until the worker finds nothing at its address, or UNMAP_DMA. Looking at
 * the process takes no lock of ours; the worker or MAP_DMA claims the part meanwhile,
 * and the notifier clears in @flight what must be looked at once more.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "sva_pinned.h"

/* Without memory for IOMMU tables, how often some is made before we give up. */
#define MEMORY_ROUNDS	16

/* For the space's statistics, under the mirror's lock. */
void ioasid_pinned_count(struct ioasid_mirror *mirror, long wanted, long pinned)
{
	if (!mirror->space)
		return;
	mirror->space->stats.mapped += wanted * PAGE_SIZE;
	mirror->space->stats.pinned += pinned * PAGE_SIZE;
}

/* Domains */

/* While a domain is being filled or cleared, it has some of the parts. */
static bool has_part(const struct ioasid_domain *d, const struct pinned_part *p)
{
	return p->first >= d->pinned_from && p->first < d->pinned_end;
}

/* With page sizes between a page and a part, a run could not be cleared in part. */
static bool has_odd_sizes(const struct ioasid_domain *d)
{
	return d->domain->pgsize_bitmap & (PMD_SIZE - 1) & ~(2 * PAGE_SIZE - 1);
}

static int map_run(struct ioasid_domain *d, unsigned long va, struct page *page,
		   unsigned int n, bool write)
{
	int prot = ioasid_iommu_prot(IOASID_MAP_READ |
				     (write ? IOASID_MAP_WRITE : 0));
	unsigned int step = n < PART_PAGES && has_odd_sizes(d) ? 1 : n, done;
	int rc;

	for (done = 0; done < n; done += step) {
		rc = iommu_map(d->domain, va + done * PAGE_SIZE,
			       page_to_phys(page) + done * PAGE_SIZE,
			       step * PAGE_SIZE, prot,
			       GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT);
		if (!rc)
			continue;
		if (done)
			iommu_unmap(d->domain, va, done * PAGE_SIZE);
		return rc;
	}
	return 0;
}

/**
 * ioasid_pinned_map_run - give contiguous pages to all devices
 * @mirror: the mirror, locked
 * @p: the part
 * @i: first page
 * @n: how many
 * @page: the first one's
 * @write: devices may write
 *
 * Waits for no memory: -ENOMEM.
 */
int ioasid_pinned_map_run(struct ioasid_mirror *mirror, struct pinned_part *p,
			  unsigned int i, unsigned int n, struct page *page,
			  bool write)
{
	struct ioasid_domain *d;
	int rc;

	lockdep_assert_held(&mirror->lock);
	list_for_each_entry(d, &mirror->domains, mirror_entry) {
		if (!has_part(d, p))
			continue;
		rc = map_run(d, part_va(p, i), page, n, write);
		if (rc)
			goto undo;
	}
	p->whole |= n == PART_PAGES;
	return 0;
undo:
	list_for_each_entry_continue_reverse(d, &mirror->domains, mirror_entry)
		if (has_part(d, p))
			iommu_unmap(d->domain, part_va(p, i), n * PAGE_SIZE);
	return rc;
}

/**
 * ioasid_pinned_run - how many pages are mapped in one call
 * @pages: of a part
 * @set: those that are to be mapped
 * @write: for writing
 * @i: the first one
 * @end: behind the last one
 */
unsigned int ioasid_pinned_run(struct page *const *pages,
			       const unsigned long *set,
			       const unsigned long *write, unsigned int i,
			       unsigned int end)
{
	unsigned long pfn = page_to_pfn(pages[i]);
	unsigned int n;

	for (n = 1; i + n < end && test_bit(i + n, set); n++)
		if (page_to_pfn(pages[i + n]) != pfn + n ||
		    test_bit(i + n, write) != test_bit(i, write))
			break;
	return n;
}

static void clear_runs(struct ioasid_domain *d, const struct pinned_part *p,
		       unsigned int lo, unsigned int end)
{
	unsigned int from, to;

	for (from = find_next_bit(p->valid, end, lo); from < end;
	     from = find_next_bit(p->valid, end, to)) {
		const struct ioasid_slice s = {
			.iova = part_va(p, from),
			.npages = find_next_zero_bit(p->valid, end, from) - from,
		};

		to = from + s.npages;
		ioasid_domain_unmap(d, &s);
	}
}

/* All of a part, or nothing. */
static int fill_part(struct ioasid_domain *d, struct pinned_part *p)
{
	unsigned int i, n;
	int rc;

	for (i = find_first_bit(p->valid, PART_PAGES); i < PART_PAGES;
	     i = find_next_bit(p->valid, PART_PAGES, i + n)) {
		n = ioasid_pinned_run(p->pages, p->valid, p->write, i,
				      PART_PAGES);
		rc = map_run(d, part_va(p, i), p->pages[i], n,
			     test_bit(i, p->write));
		if (rc) {
			clear_runs(d, p, 0, i);
			ioasid_domain_sync(d);
			return rc;
		}
		p->whole |= n == PART_PAGES;
	}
	return 0;
}

/**
 * ioasid_pinned_fill_domain - give all there is to a new domain
 * @mirror: the mirror
 * @d: the domain, entered into it
 *
 * The others keep what they have. Part by part: what changes in those that @d has
 * already changes in @d, too. If this fails, the domain is to be freed.
 */
int ioasid_pinned_fill_domain(struct ioasid_mirror *mirror,
			      struct ioasid_domain *d)
{
	struct mem_cgroup *old = set_active_memcg(mirror->memcg);
	struct ioasid_pinned *pinned = mirror->pinned;
	unsigned long index = 0;
	struct pinned_part *p;
	unsigned int rounds = 0;
	int rc = 0;

	do {
		mutex_lock(&mirror->lock);
		p = xa_find(&pinned->parts, &index, ULONG_MAX, XA_PRESENT);
		if (p)
			rc = fill_part(d, p);
		if (!rc)
			d->pinned_end = p ? p->first + PMD_SIZE : ULONG_MAX;
		mutex_unlock(&mirror->lock);
		if (!rc)
			index++;
		else if (rc == -ENOMEM && rounds++ < MEMORY_ROUNDS)
			rc = ioasid_mirror_make_memory();
		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		cond_resched();
	} while (p && !rc);
	set_active_memcg(old);
	return rc;
}

/**
 * ioasid_pinned_leave - nothing of a process is in a domain any more
 * @mirror: the mirror
 * @d: the domain, that nothing is attached to any more
 */
void ioasid_pinned_leave(struct ioasid_mirror *mirror, struct ioasid_domain *d)
{
	unsigned long index = 0;
	struct pinned_part *p;

	do {
		mutex_lock(&mirror->lock);
		p = xa_find(&mirror->pinned->parts, &index, ULONG_MAX,
			    XA_PRESENT);
		if (p && has_part(d, p))
			clear_runs(d, p, 0, PART_PAGES);
		if (p)
			d->pinned_from = p->first + PMD_SIZE;
		else
			list_del(&d->mirror_entry);
		mutex_unlock(&mirror->lock);
		index++;
		cond_resched();
	} while (p);
	ioasid_domain_sync(d);
	d->mirror = NULL;
}

/* Taking pages away */

/**
 * ioasid_pinned_drop_part - take pages of a part away from all devices
 * @mirror: the mirror, locked
 * @p: the part
 * @lo: first page
 * @end: behind the last one
 *
 * What is looked up there just now must be looked up again. Devices may use the
 * pages until ioasid_mirror_sync(). Returns how many they lost; the worker is due if
 * any, or in the end of who has claimed the part.
 */
unsigned int ioasid_pinned_drop_part(struct ioasid_mirror *mirror,
				     struct pinned_part *p, unsigned int lo,
				     unsigned int end)
{
	struct ioasid_domain *d;
	unsigned int nr;

	lockdep_assert_held(&mirror->lock);
	bitmap_clear(p->flight, lo, end - lo);
	if (find_next_bit(p->valid, end, lo) >= end)
		return 0;
	if (p->whole) {
		lo = 0;
		end = PART_PAGES;
		p->whole = false;
	}
	list_for_each_entry(d, &mirror->domains, mirror_entry)
		if (has_part(d, p))
			clear_runs(d, p, lo, end);
	nr = bitmap_weight(p->valid, PART_PAGES);
	bitmap_clear(p->valid, lo, end - lo);
	nr -= bitmap_weight(p->valid, PART_PAGES);
	mirror->nr_pages -= nr;
	mirror->drops += nr;
	xa_set_mark(&mirror->pinned->parts, part_index(p->first), PART_LOOK);
	return nr;
}

/**
 * ioasid_pinned_drop - a change in the process
 * @mirror: the mirror, locked
 * @first: first address
 * @last: last address
 */
void ioasid_pinned_drop(struct ioasid_mirror *mirror, unsigned long first,
			unsigned long last)
{
	struct ioasid_pinned *pinned = mirror->pinned;
	struct pinned_part *p;
	unsigned long index;
	u64 dropped = 0;

	xa_for_each_range(&pinned->parts, index, p, part_index(first),
			  part_index(last)) {
		unsigned int lo = p->first < first ? part_page(first) : 0;
		unsigned int end = p->first + PMD_SIZE - 1 > last ?
					   part_page(last) + 1 : PART_PAGES;

		dropped += ioasid_pinned_drop_part(mirror, p, lo, end);
		cond_resched();
	}
	if (!dropped)
		return;
	ioasid_mirror_sync(mirror);
	pinned->delay = 0;
	if (!pinned->closing)
		mod_delayed_work(mirror->wq, &pinned->work, 0);
}

/**
 * ioasid_pinned_ignores - is nothing of this space concerned?
 * @range: what the process changes
 *
 * PROTECTION_PAGE is about who learns of writes: fork() takes write permission away
 * for the sake of copy on write, but pages that are pinned it copies at once, for
 * the child, and leaves to the parent as they are; writeback does, to learn of later
 * writes, with files whose pages cannot be pinned for writing. SOFT_DIRTY is the same
 * for /proc/PID/clear_refs, which leaves out pages that are pinned. None of these
 * puts another page in place.
 */
bool ioasid_pinned_ignores(const struct mmu_notifier_range *range)
{
	return range->event == MMU_NOTIFY_PROTECTION_PAGE ||
	       range->event == MMU_NOTIFY_SOFT_DIRTY;
}

/* Looking */

/**
 * ioasid_pinned_perm - what devices may do with an address now
 * @mirror: the mirror, locked
 * @iova: the address
 * @pa: out: where it leads to, if it does
 */
u32 ioasid_pinned_perm(struct ioasid_mirror *mirror, unsigned long iova,
		       phys_addr_t *pa)
{
	struct pinned_part *p = xa_load(&mirror->pinned->parts,
					part_index(iova));
	unsigned int i = part_page(iova);

	if (!p || !test_bit(i, p->valid) || list_empty(&mirror->domains))
		return 0;
	*pa = page_to_phys(p->pages[i]) + offset_in_page(iova);
	return IOASID_MAP_READ | (test_bit(i, p->write) ? IOASID_MAP_WRITE : 0);
}

static u32 page_prot(const struct pinned_part *p, unsigned int i)
{
	if (!test_bit(i, p->want))
		return 0;
	return IOASID_MAP_READ | (test_bit(i, p->write) ? IOASID_MAP_WRITE : 0);
}

/* Where an address is; the next page of the space from there on. */
static struct pinned_part *find_page(struct ioasid_pinned *pinned,
				     unsigned long va, unsigned int *i)
{
	unsigned long index = part_index(va);
	struct pinned_part *p;

	for (p = xa_find(&pinned->parts, &index, ULONG_MAX, XA_PRESENT); p;
	     p = xa_find_after(&pinned->parts, &index, ULONG_MAX, XA_PRESENT)) {
		*i = find_next_bit(p->want, PART_PAGES,
				   p->first < va ? part_page(va) : 0);
		if (*i < PART_PAGES)
			return p;
	}
	return NULL;
}

/**
 * ioasid_pinned_range - the next range of a space, from an address on
 * @mirror: the mirror
 * @from: the address
 * @first: out
 * @last: out
 *
 * Ends where permissions change, or a GiB; so the notifier does not wait for long.
 * Returns IOASID_MAP_*, 0 when there is no more.
 */
u32 ioasid_pinned_range(struct ioasid_mirror *mirror, unsigned long from,
			unsigned long *first, unsigned long *last)
{
	struct ioasid_pinned *pinned = mirror->pinned;
	struct pinned_part *p;
	unsigned int i;
	u32 prot = 0;

	mutex_lock(&mirror->lock);
	p = find_page(pinned, from, &i);
	if (p) {
		prot = page_prot(p, i);
		*first = part_va(p, i);
		*last = *first - 1;
	}
	while (p && page_prot(p, i) == prot && *last - *first + 1 < SZ_1G) {
		*last += PAGE_SIZE;
		if (++i < PART_PAGES)
			continue;
		i = 0;
		p = xa_load(&pinned->parts, part_index(*last) + 1);
	}
	mutex_unlock(&mirror->lock);
	return prot;
}

/**
 * ioasid_pinned_meets - is any of a range of the space?
 * @mirror: the mirror
 * @first: first address
 * @last: last address
 */
bool ioasid_pinned_meets(struct ioasid_mirror *mirror, unsigned long first,
			 unsigned long last)
{
	struct pinned_part *p;
	unsigned int i;
	bool meets;

	mutex_lock(&mirror->lock);
	p = find_page(mirror->pinned, first, &i);
	meets = p && part_va(p, i) <= last;
	mutex_unlock(&mirror->lock);
	return meets;
}

/* Life */

void ioasid_part_free(struct pinned_part *p)
{
	if (!p)
		return;
	kfree(p->pages);
	kfree(p);
}

/**
 * ioasid_pinned_retire - the end of a part that has no pages any more
 * @pinned: the engine, its mirror locked
 * @p: the part, not claimed
 */
void ioasid_pinned_retire(struct ioasid_pinned *pinned, struct pinned_part *p)
{
	if (p->busy || !bitmap_empty(p->want, PART_PAGES))
		return;
	xa_erase(&pinned->parts, part_index(p->first));
	ioasid_part_free(p);
}

/* Pages in a row that are pinned, all for writing or none, from @i on. */
static unsigned int pinned_in_a_row(const struct pinned_part *p, unsigned int i)
{
	unsigned int n;

	for (n = 0; i + n < PART_PAGES; n++)
		if (!p->pages[i + n] || !test_bit(i + n, p->want) ||
		    test_bit(i + n, p->write) != test_bit(i, p->write))
			break;
	return n;
}

/* Of a part that nobody can find any more. */
static void return_part(struct ioasid_mirror *mirror, struct pinned_part *p)
{
	unsigned int i, n;

	for (i = 0; i < PART_PAGES; i += n ?: 1) {
		n = pinned_in_a_row(p, i);
		/* Large folios are told once. */
		if (n)
			unpin_user_pages_dirty_lock(p->pages + i, n,
						    test_bit(i, p->write));
	}
	account_locked_vm(mirror->mm, bitmap_weight(p->want, PART_PAGES), false);
	ioasid_part_free(p);
}

/**
 * ioasid_pinned_quit - return all memory
 * @mirror: the mirror, without domains; nobody maps or unmaps any more
 *
 * Context: waits for the worker, which waits for nobody; takes mmap_lock.
 */
void ioasid_pinned_quit(struct ioasid_mirror *mirror)
{
	struct ioasid_pinned *pinned = mirror->pinned;
	struct pinned_part *p;
	unsigned long index;
	unsigned int i;

	mutex_lock(&mirror->lock);
	pinned->closing = true;
	mutex_unlock(&mirror->lock);
	cancel_delayed_work_sync(&pinned->work);
	xa_for_each(&pinned->parts, index, p) {
		long nr_pinned = 0;

		mutex_lock(&mirror->lock);
		xa_erase(&pinned->parts, index);
		mirror->nr_pages -= bitmap_weight(p->valid, PART_PAGES);
		for (i = 0; i < PART_PAGES; i++)
			nr_pinned += !!p->pages[i];
		ioasid_pinned_count(mirror,
				    -(long)bitmap_weight(p->want, PART_PAGES),
				    -nr_pinned);
		mutex_unlock(&mirror->lock);
		return_part(mirror, p);
		cond_resched();
	}
}

/**
 * ioasid_pinned_free - the end of the engine
 * @pinned: after ioasid_pinned_quit(); or NULL
 */
void ioasid_pinned_free(struct ioasid_pinned *pinned)
{
	if (!pinned)
		return;
	WARN_ON(!xa_empty(&pinned->parts));
	xa_destroy(&pinned->parts);
	mutex_destroy(&pinned->map_lock);
	kfree(pinned);
}
