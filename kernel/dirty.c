// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking: which pages did devices write to?
 *
 * IOMMUs set a bit in the leaf that a write goes through. The IOMMU API hands
 * these bits out in a struct iova_bitmap, which kernels without iommufd do not
 * have. What drivers record goes into a struct iommu_iotlb_gather as well, for
 * the flush: of the range that was asked about, the hull of what is dirty. With
 * its first and its last leaf taken out and the rest halved, each question ends at
 * a leaf sooner or later, and only then is a bit cleared: nothing is cleared that
 * was not seen.
 *
 * No write is lost:
 * - Of a chunk of the range first the bits are cleared, then IOTLBs flushed, and
 *   only then is anything reported, space->lock held over both. A write through a
 *   cached permission that came after the clearing leaves no trace; but its page
 *   is in the report, and the user looks at the page after the flush. Every later
 *   write sets the bit again.
 * - The page of the user's bitmap that a chunk belongs to is pinned before, so
 *   that what was cleared can be told. Nothing faults with the lock held.
 * - When a domain goes, its bits are kept with the mappings (keep_bits()).
 *
 * Such spaces are roots. Writes through a child's own domain would be in that one,
 * and lost with what the child unmaps; user-managed tables are for IOMMUs that
 * walk them, whose writes are recorded in the root's domain.
 */
#include <linux/bitmap.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

#define CHUNK_PAGES	IOASID_DIRTY_CHUNK_PAGES
#define CHUNK_SIZE	(CHUNK_PAGES * PAGE_SIZE)

/* Of one call, so that a bit's number is an int. */
#define MAX_BITS	(1ULL << 31)

/**
 * struct reading - of a domain's dirty bits
 * @domain: the domain
 * @flags: IOMMU_DIRTY_NO_CLEAR: bits stay
 * @bits: what was found, a bit for each page
 * @base: what the first one stands for
 * @cleared: what has to be flushed
 * @rc: first error of the driver
 */
struct reading {
	struct iommu_domain *domain;
	unsigned long flags;
	unsigned long *bits;
	unsigned long base;
	struct iommu_iotlb_gather cleared;
	int rc;
};

/* False: nothing is dirty. Otherwise @hull is that of all dirty leaves there. */
static bool find_hull(struct reading *r, unsigned long first,
		      unsigned long last, unsigned long flags,
		      struct iommu_iotlb_gather *hull)
{
	struct iommu_domain *domain = r->domain;
	struct iommu_dirty_bitmap dirty;
	int rc;

	iommu_dirty_bitmap_init(&dirty, NULL, hull);
	rc = domain->dirty_ops->read_and_clear_dirty(domain, first,
						     last - first + 1, flags,
						     &dirty);
	if (rc && !r->rc)
		r->rc = rc;
	return !rc && hull->start < hull->end;
}

/* The leaf at a page which is dirty; the part of it that is in the range. */
static void take_leaf(struct reading *r, unsigned long at, unsigned long *first,
		      unsigned long *last)
{
	struct iommu_iotlb_gather leaf;

	if (!find_hull(r, at, at + PAGE_SIZE - 1, r->flags, &leaf)) {
		*first = at;
		*last = at + PAGE_SIZE - 1;
		return;
	}
	if (!(r->flags & IOMMU_DIRTY_NO_CLEAR))
		iommu_iotlb_gather_add_range(&r->cleared, leaf.start,
					     leaf.end - leaf.start + 1);
	*first = max(*first, leaf.start);
	*last = min(*last, leaf.end);
	bitmap_set(r->bits, (*first - r->base) / PAGE_SIZE,
		   (*last - *first) / PAGE_SIZE + 1);
}

/* Recursion is as deep as the logarithm of CHUNK_PAGES. */
static void read_range(struct reading *r, unsigned long first,
		       unsigned long last)
{
	unsigned long from, to, mid;
	struct iommu_iotlb_gather hull;

	if (!find_hull(r, first, last, IOMMU_DIRTY_NO_CLEAR, &hull))
		return;
	cond_resched();
	first = max(first, hull.start);
	last = min(last, hull.end);
	from = first;
	to = last;
	take_leaf(r, first, &from, &to);
	if (to >= last)
		return;
	first = to + 1;
	from = first;
	to = last;
	take_leaf(r, last - PAGE_SIZE + 1, &from, &to);
	if (from <= first)
		return;
	last = from - 1;
	mid = first + ((last - first + 1) / 2 & PAGE_MASK);
	if (mid > first)
		read_range(r, first, mid - 1);
	read_range(r, mid, last);
}

/* The part of a mapping that is in a range; false: no device may write to it. */
static bool writable_part(const struct ioasid_mapping *m, unsigned long first,
			  unsigned long last, unsigned long *from,
			  unsigned long *to)
{
	*from = max(m->node.start, first);
	*to = min(m->node.last, last);
	return m->prot & IOASID_MAP_WRITE;
}

#define for_each_writable(m, space, _first, _last, from, to)		\
	ioasid_for_each_mapping(m, space, _first, _last)		\
		if (writable_part(m, _first, _last, &(from), &(to)))

/* Returns whether something had to be flushed. */
static bool read_domain(struct ioasid_space *space, struct reading *r,
			unsigned long first, unsigned long last)
{
	struct ioasid_mapping *m;
	unsigned long from, to;

	iommu_iotlb_gather_init(&r->cleared);
	for_each_writable(m, space, first, last, from, to)
		read_range(r, from, to);
	if (r->cleared.start >= r->cleared.end)
		return false;
	iommu_iotlb_sync(r->domain, &r->cleared);
	return true;
}

/* What is left of domains that are gone */

static void drop_kept(struct ioasid_mapping *m)
{
	kvfree(m->kept);
	m->kept = NULL;
	m->kept_all = false;
}

static bool alloc_kept(struct ioasid_mapping *m)
{
	size_t longs = BITS_TO_LONGS(ioasid_mapping_npages(m));

	if (!m->kept)
		m->kept = kvcalloc(longs, sizeof(long), GFP_KERNEL_ACCOUNT);
	return m->kept;
}

/* Without memory for them, all pages of the mapping count as written. */
static int expand_kept(struct ioasid_mapping *m)
{
	if (!m->kept_all)
		return 0;
	if (!alloc_kept(m))
		return -ENOMEM;
	bitmap_fill(m->kept, ioasid_mapping_npages(m));
	m->kept_all = false;
	return 0;
}

static void keep_bits(struct ioasid_mapping *m, struct reading *r)
{
	unsigned long at, npages = ioasid_mapping_npages(m);
	struct iommu_iotlb_gather hull;

	for (at = 0; at < npages && !m->kept_all; at += CHUNK_PAGES) {
		unsigned long n = min(npages - at, CHUNK_PAGES);
		unsigned long first = m->node.start + at * PAGE_SIZE;

		if (find_hull(r, first, first + n * PAGE_SIZE - 1, r->flags,
			      &hull)) {
			m->kept_all = !alloc_kept(m);
			r->bits = m->kept;
			r->base = m->node.start;
			if (!m->kept_all)
				read_range(r, first, first + n * PAGE_SIZE - 1);
		}
		m->kept_all |= !!r->rc;
	}
}

/**
 * ioasid_dirty_keep - a domain goes, what it knows stays
 * @space: its space, the lock held
 * @d: the domain, to which nothing is attached any more
 */
void ioasid_dirty_keep(struct ioasid_space *space, struct ioasid_domain *d)
{
	struct reading r = {
		.domain = d->domain,
		.flags = IOMMU_DIRTY_NO_CLEAR,
	};
	struct ioasid_mapping *m;
	unsigned long from, to;

	lockdep_assert_held(space->lock);
	if (!space->tracking)
		return;
	for_each_writable(m, space, 0, ULONG_MAX, from, to)
		keep_bits(m, &r);
}

static void read_kept(struct ioasid_mapping *m, struct reading *r,
		      unsigned long from, unsigned long to)
{
	unsigned long bit = (from - m->node.start) / PAGE_SIZE;
	unsigned long end = (to - m->node.start) / PAGE_SIZE + 1;
	unsigned long at = (from - r->base) / PAGE_SIZE - bit, i;

	if (!m->kept)
		return;
	for (i = find_next_bit(m->kept, end, bit); i < end;
	     i = find_next_bit(m->kept, end, i + 1))
		__set_bit(at + i, r->bits);
	if (!(r->flags & IOMMU_DIRTY_NO_CLEAR))
		bitmap_clear(m->kept, bit, end - bit);
}

/* Domains */

/* Does the driver do what it promises? Some are built without the other half. */
static bool readable(struct iommu_domain *domain)
{
	struct reading r = { .domain = domain };
	struct iommu_iotlb_gather hull;

	if (!domain->dirty_ops)
		return false;
	find_hull(&r, 0, PAGE_SIZE - 1, IOMMU_DIRTY_NO_CLEAR, &hull);
	return !r.rc;
}

static struct iommu_domain *dirty_alloc(struct device *dev, u32 flags)
{
	struct iommu_domain *domain;

	if (!device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING))
		return ERR_PTR(-EOPNOTSUPP);
	domain = compat_paging_alloc(dev,
				     flags | IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	if (IS_ERR(domain) || readable(domain))
		return domain;
	iommu_domain_free(domain);
	return ERR_PTR(-EOPNOTSUPP);
}

/**
 * ioasid_dirty_capable - can a device be in a space with dirty tracking?
 * @dev: the device
 */
bool ioasid_dirty_capable(struct device *dev)
{
	struct iommu_domain *domain = dirty_alloc(dev, 0);

	if (IS_ERR(domain))
		return false;
	iommu_domain_free(domain);
	return true;
}

/**
 * ioasid_dirty_domain - an empty domain for a space with dirty tracking
 * @space: the space, its lock held
 * @dev: the device it is for
 * @flags: IOMMU_HWPT_ALLOC_*
 *
 * Tracked already if the space is: DMA begins when it is attached.
 */
struct iommu_domain *ioasid_dirty_domain(struct ioasid_space *space,
					 struct device *dev, u32 flags)
{
	struct iommu_domain *domain = dirty_alloc(dev, flags);
	int rc;

	lockdep_assert_held(space->lock);
	if (IS_ERR(domain) || !space->tracking)
		return domain;
	rc = domain->dirty_ops->set_dirty_tracking(domain, true);
	if (!rc)
		return domain;
	iommu_domain_free(domain);
	return ERR_PTR(rc);
}

/**
 * ioasid_dirty_may_attach - as far as dirty tracking is concerned
 * @space: the space
 * @dev: the device
 * @nested: it walks the space's table itself
 */
int ioasid_dirty_may_attach(const struct ioasid_space *space,
			    struct device *dev, bool nested)
{
	if (space->parent ? !ioasid_space_has_dirty(space->parent) :
			    !ioasid_space_has_dirty(space))
		return 0;
	if (space->parent && !nested)
		return -EOPNOTSUPP;
	return device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING) ?
		       0 : -EOPNOTSUPP;
}

/* SET_DIRTY_TRACKING */

static int set_domain(struct ioasid_domain *d, bool on)
{
	return d->domain->dirty_ops->set_dirty_tracking(d->domain, on);
}

/* Nobody asks where. */
static void forget_chunk(struct reading *r, unsigned long first,
			 unsigned long last)
{
	struct iommu_iotlb_gather hull;

	if (find_hull(r, first, last, 0, &hull))
		iommu_iotlb_gather_add_range(&r->cleared, hull.start,
					     hull.end - hull.start + 1);
	cond_resched();
}

/* Bits of an earlier time */
static int forget_bits(struct ioasid_space *space, struct ioasid_domain *d)
{
	struct reading r = { .domain = d->domain };
	struct ioasid_mapping *m;
	unsigned long from, to;

	iommu_iotlb_gather_init(&r.cleared);
	for_each_writable(m, space, 0, ULONG_MAX, from, to) {
		for (; to - from >= CHUNK_SIZE; from += CHUNK_SIZE)
			forget_chunk(&r, from, from + CHUNK_SIZE - 1);
		forget_chunk(&r, from, to);
	}
	if (r.cleared.start < r.cleared.end)
		iommu_iotlb_sync(d->domain, &r.cleared);
	return r.rc;
}

/**
 * ioasid_dirty_drop_kept - what is left of domains that are gone goes as well
 * @space: the space, its lock held
 */
void ioasid_dirty_drop_kept(struct ioasid_space *space)
{
	struct ioasid_mapping *m;

	ioasid_for_each_mapping(m, space, 0, ULONG_MAX)
		drop_kept(m);
}

static int start_tracking(struct ioasid_space *space)
{
	struct ioasid_domain *d;
	int rc;

	list_for_each_entry(d, &space->domains, entry) {
		rc = forget_bits(space, d) ?: set_domain(d, true);
		if (rc)
			goto undo;
	}
	space->tracking = true;
	return 0;
undo:
	list_for_each_entry_continue_reverse(d, &space->domains, entry)
		set_domain(d, false);
	return rc;
}

static int stop_tracking(struct ioasid_space *space)
{
	struct ioasid_domain *d;
	int rc;

	list_for_each_entry(d, &space->domains, entry) {
		rc = set_domain(d, false);
		if (rc)
			goto undo;
	}
	space->tracking = false;
	ioasid_dirty_drop_kept(space);
	return 0;
undo:
	list_for_each_entry_continue_reverse(d, &space->domains, entry)
		WARN_ON(set_domain(d, true));
	return rc;
}

static int usable(struct ioasid_space *space)
{
	int rc = ioasid_space_usable(space);

	if (rc == -ENOENT)
		return rc;
	return ioasid_space_has_dirty(space) ? rc : -EOPNOTSUPP;
}

/**
 * ioasid_space_set_dirty_tracking - begin to record writes, or end it
 * @space: a space with dirty tracking
 * @on: begin; nothing is dirty then, unless it was on already
 */
int ioasid_space_set_dirty_tracking(struct ioasid_space *space, bool on)
{
	bool traced = trace_ioasid_dirty_set_enabled();
	u64 start = ioasid_now(traced);
	int rc;

	mutex_lock(space->lock);
	rc = usable(space);
	if (!rc && on != space->tracking)
		rc = on ? start_tracking(space) : stop_tracking(space);
	mutex_unlock(space->lock);
	ioasid_trace(dirty_set, space->ctx->id, space->id, on, rc,
		     ioasid_now(traced) - start);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_space_set_dirty_tracking);

static int set_tracking(struct ioasid_space *space, struct ioasid_ucmd *ucmd)
{
	struct ioasid_set_dirty_tracking *cmd = ucmd->cmd;

	return ioasid_space_set_dirty_tracking(space, cmd->flags &
						      IOASID_DIRTY_TRACKING_ON);
}

int ioasid_cmd_set_dirty_tracking(struct ioasid_ucmd *ucmd)
{
	struct ioasid_set_dirty_tracking *cmd = ucmd->cmd;

	if (cmd->flags & ~IOASID_DIRTY_TRACKING_ON)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	return ioasid_on_space(ucmd, cmd->ioasid, set_tracking);
}

/* GET_DIRTY_BITMAP */

/**
 * struct query - a user's question
 * @space: the space
 * @flags: IOMMU_DIRTY_NO_CLEAR
 * @iova: what the first bit of the user's bitmap stands for
 * @last: the last address
 * @pgshift: log2 of what a bit stands for
 * @bitmap: where it is
 * @bits: CHUNK_PAGES bits of ours, for pages of the CPU
 * @pages: dirty pages found
 */
struct query {
	struct ioasid_space *space;
	unsigned long flags;
	unsigned long iova, last;
	unsigned int pgshift;
	unsigned long bitmap;
	unsigned long *bits;
	u64 pages;
};

/**
 * ioasid_dirty_may_read - are writes recorded?
 * @space: the space, its lock held
 */
int ioasid_dirty_may_read(struct ioasid_space *space)
{
	return usable(space) ?: space->tracking ? 0 : -EINVAL;
}

/* The next address at or behind @at that is mapped; -ENOENT: there is none. */
static int next_mapped(struct query *q, unsigned long *at)
{
	struct ioasid_mapping *m;
	int rc;

	mutex_lock(q->space->lock);
	rc = ioasid_dirty_may_read(q->space);
	if (!rc) {
		m = ioasid_mapping_first(q->space, *at, q->last);
		if (m)
			*at = max(*at, m->node.start);
		*at = m ? *at : q->last;
		rc = m ? 0 : -ENODATA;
	}
	mutex_unlock(q->space->lock);
	return rc;
}

static void report_flush(struct ioasid_space *space, unsigned long first,
			 unsigned long last, u32 nr, u64 start)
{
	bool on = trace_ioasid_iotlb_inv_enabled();

	if (!nr)
		return;
	space->stats.invalidations += nr;
	ioasid_trace(iotlb_inv, space->ctx->id, space->id, first,
		     last - first + 1, nr, 0, ioasid_now(on && start) - start,
		     true);
}

/**
 * ioasid_dirty_read - which pages are dirty
 * @space: the space, its lock held
 * @first: first IOVA
 * @last: last IOVA; they are CHUNK_SIZE or less apart
 * @flags: IOMMU_DIRTY_NO_CLEAR
 * @bits: where to set bits, one for each page of the CPU
 * @base: what the first bit stands for
 *
 * Also what was found before an error counts: it is clean now.
 */
int ioasid_dirty_read(struct ioasid_space *space, unsigned long first,
		      unsigned long last, unsigned long flags,
		      unsigned long *bits, unsigned long base)
{
	struct reading r = { .flags = flags, .bits = bits, .base = base };
	u64 start = ioasid_now(trace_ioasid_iotlb_inv_enabled());
	struct ioasid_mapping *m;
	struct ioasid_domain *d;
	unsigned long from, to;
	u32 flushed = 0;
	int rc;

	for_each_writable(m, space, first, last, from, to) {
		rc = expand_kept(m);
		if (rc)
			return rc;
	}
	for_each_writable(m, space, first, last, from, to)
		read_kept(m, &r, from, to);
	list_for_each_entry(d, &space->domains, entry) {
		r.domain = d->domain;
		flushed += read_domain(space, &r, first, last);
	}
	report_flush(space, first, last, flushed, start);
	return r.rc;
}

/* Sets the bits of the chunk in the page where the user has them. */
static void put_bits(struct query *q, unsigned long first, unsigned long last,
		     struct page *page)
{
	unsigned long n = (last - first) / PAGE_SIZE + 1, i;
	unsigned long *words = kmap_local_page(page);
	u64 base = (q->bitmap & ~PAGE_MASK) * BITS_PER_BYTE;
	u64 bit;

	for_each_set_bit(i, q->bits, n) {
		/* From the start of the page that the bitmap begins in */
		bit = base + ((first + i * PAGE_SIZE - q->iova) >> q->pgshift);
		/* Another thread may have the same bitmap filled. */
		set_bit(bit % CHUNK_PAGES, words);
		q->pages++;
	}
	kunmap_local(words);
}

/* The last address whose bit is in the same page of the bitmap as that of @at. */
static unsigned long chunk_last(const struct query *q, unsigned long at)
{
	u64 bit = (at - q->iova) >> q->pgshift;
	u64 in_page = (q->bitmap & ~PAGE_MASK) * BITS_PER_BYTE + bit;
	u64 left = CHUNK_PAGES - in_page % CHUNK_PAGES;
	u64 span = ((bit + left) << q->pgshift) - (at - q->iova);

	/* A shift may go over the end of the addresses. */
	if (bit + left > (q->last - q->iova) >> q->pgshift)
		span = U64_MAX;
	span = min3(span, (u64)CHUNK_SIZE, (u64)(q->last - at) + 1);
	return at + span - 1;
}

static int read_chunk(struct query *q, unsigned long first, unsigned long last)
{
	u64 bit = (first - q->iova) >> q->pgshift;
	unsigned long addr = q->bitmap + bit / BITS_PER_LONG * sizeof(long);
	struct page *page;
	int rc;

	rc = pin_user_pages_fast(addr, 1, FOLL_WRITE, &page);
	if (rc != 1)
		return rc == -ENOMEM ? rc : -EFAULT;
	bitmap_zero(q->bits, CHUNK_PAGES);
	mutex_lock(q->space->lock);
	rc = ioasid_dirty_may_read(q->space);
	if (!rc)
		rc = ioasid_dirty_read(q->space, first, last, q->flags,
				       q->bits, first);
	mutex_unlock(q->space->lock);
	put_bits(q, first, last, page);
	unpin_user_pages_dirty_lock(&page, 1, true);
	return rc;
}

static int read_all(struct query *q)
{
	unsigned long at = q->iova, last;
	int rc;

	for (;;) {
		rc = next_mapped(q, &at);
		if (rc)
			return rc == -ENODATA ? 0 : rc;
		last = chunk_last(q, at);
		rc = read_chunk(q, at, last);
		if (rc || last == q->last)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		at = last + 1;
	}
}

static int get_bitmap(struct ioasid_space *space, struct ioasid_ucmd *ucmd)
{
	struct ioasid_get_dirty_bitmap *cmd = ucmd->cmd;
	bool traced = trace_ioasid_dirty_read_enabled();
	u64 start = ioasid_now(traced);
	struct query q = {
		.space = space,
		.flags = cmd->flags & IOASID_DIRTY_NO_CLEAR ?
				 IOMMU_DIRTY_NO_CLEAR : 0,
		.iova = cmd->iova,
		.last = cmd->iova + cmd->size - 1,
		.pgshift = ilog2(cmd->page_size),
		.bitmap = cmd->bitmap,
	};
	int rc = -ENOMEM;

	q.bits = kmalloc(CHUNK_PAGES / BITS_PER_BYTE, GFP_KERNEL_ACCOUNT);
	if (q.bits)
		rc = read_all(&q);
	kfree(q.bits);
	ioasid_trace(dirty_read, space->ctx->id, space->id, cmd->iova,
		     cmd->size, cmd->page_size, cmd->flags, q.pages, rc,
		     ioasid_now(traced) - start);
	return rc;
}

int ioasid_cmd_get_dirty_bitmap(struct ioasid_ucmd *ucmd)
{
	struct ioasid_get_dirty_bitmap *cmd = ucmd->cmd;
	u64 last;

	if (cmd->flags & ~IOASID_DIRTY_NO_CLEAR)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	if (!is_power_of_2(cmd->page_size) || cmd->page_size < SZ_4K ||
	    !cmd->size || !IS_ALIGNED(cmd->iova | cmd->size, cmd->page_size) ||
	    !IS_ALIGNED(cmd->bitmap, sizeof(u64)))
		return -EINVAL;
	if (check_add_overflow(cmd->iova, cmd->size - 1, &last) ||
	    cmd->size >> ilog2(cmd->page_size) > MAX_BITS)
		return -EINVAL;
	return ioasid_on_space(ucmd, cmd->ioasid, get_bitmap);
}
