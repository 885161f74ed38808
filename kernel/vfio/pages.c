// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mediated devices do with a container's memory: pin pages, and read and
 * write it by the CPU.
 *
 * The core pins and counts per mapping. Two things are kept here for each page,
 * because type1's users rely on them: how often it is pinned (unpinning a page
 * that is not is ignored), and whether it is dirty, as long as that is tracked.
 * A page that is neither has no entry.
 */
#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <linux/sched.h>
#include <linux/vfio.h>

#include "container.h"

#define PAGE_STATE_DIRTY	1UL
#define PAGE_STATE_PIN		2UL	/* one of them: the count is above the bit */

static unsigned long page_state(struct ioasid_vfio *c, unsigned long index)
{
	void *entry = xa_load(&c->pages, index);

	return entry ? xa_to_value(entry) : 0;
}

/* Allocates only when there was no state, so taking something away never fails. */
static int page_state_set(struct ioasid_vfio *c, unsigned long index,
			  unsigned long state, gfp_t gfp)
{
	lockdep_assert_held(&c->pages_lock);

	if (!state) {
		xa_erase(&c->pages, index);
		return 0;
	}
	return xa_err(xa_store(&c->pages, index, xa_mk_value(state), gfp));
}

/* Drops one pin of each page that has one, and says in @had which had. */
static void pages_drop(struct ioasid_vfio *c, unsigned long first,
		       unsigned int npages, unsigned long *had)
{
	unsigned int i;

	lockdep_assert_held(&c->pages_lock);

	for (i = 0; i < npages; i++) {
		unsigned long state = page_state(c, first + i);

		if (state < PAGE_STATE_PIN)
			continue;
		page_state_set(c, first + i, state - PAGE_STATE_PIN, GFP_KERNEL);
		__set_bit(i, had);
	}
}

static int pages_pinned(struct ioasid_vfio *c, unsigned long first,
			unsigned int npages)
{
	DECLARE_BITMAP(had, VFIO_PIN_PAGES_MAX_ENTRIES) = {};
	unsigned int i;

	guard(mutex)(&c->pages_lock);
	for (i = 0; i < npages; i++) {
		unsigned long state = page_state(c, first + i);

		state += PAGE_STATE_PIN;
		/* The device may write to it from now on. */
		if (c->tracking)
			state |= PAGE_STATE_DIRTY;
		if (page_state_set(c, first + i, state, GFP_KERNEL_ACCOUNT)) {
			pages_drop(c, first, i, had);
			return -ENOMEM;
		}
	}
	return 0;
}

static void unpin_pages(struct ioasid_vfio *c, unsigned long first,
			unsigned int npages)
{
	DECLARE_BITMAP(had, VFIO_PIN_PAGES_MAX_ENTRIES) = {};
	unsigned int start, end;

	scoped_guard(mutex, &c->pages_lock)
		pages_drop(c, first, npages, had);
	for_each_set_bitrange(start, end, had, npages)
		ioasid_access_unpin_pages(c->access,
					  (u64)(first + start) << PAGE_SHIFT,
					  end - start);
}

static bool range_ok(dma_addr_t iova, int npage)
{
	u64 last;

	return npage > 0 && npage <= VFIO_PIN_PAGES_MAX_ENTRIES &&
	       !check_add_overflow((u64)iova, (u64)npage * PAGE_SIZE - 1, &last);
}

static u32 prot_to_ioasid(int prot)
{
	return (prot & IOMMU_READ ? IOASID_MAP_READ : 0) |
	       (prot & IOMMU_WRITE ? IOASID_MAP_WRITE : 0);
}

static int pin_pages(struct ioasid_vfio *c, u64 iova, int npage, int prot,
		     struct page **pages)
{
	int rc;

	/* A device that cannot be told to unpin may not pin. */
	if (!READ_ONCE(c->nr_devices))
		return -EINVAL;

	rc = ioasid_access_pin_pages(c->access, iova, npage,
				     prot_to_ioasid(prot), pages);
	if (rc)
		return rc == -ENOENT ? -EINVAL : rc;
	rc = pages_pinned(c, iova >> PAGE_SHIFT, npage);
	if (rc) {
		ioasid_access_unpin_pages(c->access, iova, npage);
		return rc;
	}
	return npage;
}

/**
 * ioasid_vfio_pin_pages() - a mediated device pins consecutive pages
 * @handle: the container
 * @group: the device's group
 * @iova: the first page
 * @npage: how many
 * @prot: IOMMU_READ, IOMMU_WRITE
 * @pages: where to put them
 *
 * Returns: @npage, or an error and nothing is pinned.
 */
int ioasid_vfio_pin_pages(void *handle, struct iommu_group *group,
			  dma_addr_t iova, int npage, int prot,
			  struct page **pages)
{
	struct ioasid_vfio *c;
	int rc;

	iova = ALIGN_DOWN(iova, PAGE_SIZE);
	if (!pages || !range_ok(iova, npage))
		return -EINVAL;
	c = ioasid_vfio_get(handle);
	if (!c)
		return -EINVAL;
	rc = c->v2 ? pin_pages(c, iova, npage, prot, pages) : -EACCES;
	ioasid_vfio_put(c);
	return rc;
}

/**
 * ioasid_vfio_unpin_pages() - a mediated device unpins consecutive pages
 * @handle: the container
 * @iova: the first page
 * @npage: how many
 *
 * Pages that are not pinned are passed over.
 */
void ioasid_vfio_unpin_pages(void *handle, dma_addr_t iova, int npage)
{
	struct ioasid_vfio *c;

	if (WARN_ON_ONCE(!range_ok(ALIGN_DOWN(iova, PAGE_SIZE), npage)))
		return;
	c = ioasid_vfio_get(handle);
	if (!c)
		return;
	unpin_pages(c, iova >> PAGE_SHIFT, npage);
	ioasid_vfio_put(c);
}

static void pages_written(struct ioasid_vfio *c, u64 iova, size_t count)
{
	unsigned long index, last = (iova + count - 1) >> PAGE_SHIFT;

	guard(mutex)(&c->pages_lock);
	if (!c->tracking)
		return;
	/* The bytes are there already: this cannot be undone. */
	for (index = iova >> PAGE_SHIFT; index <= last; index++)
		page_state_set(c, index,
			       page_state(c, index) | PAGE_STATE_DIRTY,
			       GFP_KERNEL | __GFP_NOFAIL);
}

static int dma_rw_mapping(struct ioasid_vfio *c, u64 iova, void *data,
			  size_t count, bool write,
			  const struct ioasid_vfio_mapping *m)
{
	int rc;

	/* As in type1, writing takes the right to read as well. */
	if (!(m->prot & IOASID_MAP_READ) ||
	    (write && !(m->prot & IOASID_MAP_WRITE)))
		return -EPERM;
	rc = ioasid_space_rw(c->space, iova, data, count, write);
	if (rc)
		return rc == -ENOENT ? -EINVAL : rc;
	if (write)
		pages_written(c, iova, count);
	return 0;
}

/* One mapping after the other: their rights differ. */
static int dma_rw(struct ioasid_vfio *c, u64 iova, void *data, size_t count,
		  bool write)
{
	struct ioasid_vfio_mapping m;
	size_t n;
	int rc;

	for (; count; iova += n, data += n, count -= n) {
		if (!ioasid_vfio_next_mapping(c, iova, iova, &m))
			return -EINVAL;
		n = min_t(u64, count, m.size - (iova - m.iova));
		rc = dma_rw_mapping(c, iova, data, n, write, &m);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * ioasid_vfio_dma_rw() - read or write a container's memory by the CPU
 * @handle: the container
 * @iova: where
 * @data: the caller's buffer
 * @count: bytes
 * @write: from @data to the container's memory
 *
 * Returns: 0, -EINVAL where nothing is mapped, -EPERM where that is not allowed.
 */
int ioasid_vfio_dma_rw(void *handle, dma_addr_t iova, void *data, size_t count,
		       bool write)
{
	struct ioasid_vfio *c;
	u64 last;
	int rc;

	if (!count)
		return 0;
	if (check_add_overflow((u64)iova, (u64)count - 1, &last))
		return -EINVAL;
	c = ioasid_vfio_get(handle);
	if (!c)
		return -EINVAL;
	rc = dma_rw(c, iova, data, count, write);
	ioasid_vfio_put(c);
	return rc;
}

/* Pinned pages are dirty at any time, all others are clean to begin with. */
static void pages_reset(struct ioasid_vfio *c, unsigned long index,
			unsigned long state)
{
	state &= ~PAGE_STATE_DIRTY;
	if (state && c->tracking)
		state |= PAGE_STATE_DIRTY;
	page_state_set(c, index, state, GFP_KERNEL);
}

/**
 * ioasid_vfio_pages_track() - switch tracking of dirty pages on or off
 * @c: the container
 * @on: what to do
 *
 * Context: maps_lock held for writing.
 */
void ioasid_vfio_pages_track(struct ioasid_vfio *c, bool on)
{
	unsigned long index;
	void *entry;

	lockdep_assert_held_write(&c->maps_lock);
	guard(mutex)(&c->pages_lock);
	c->tracking = on;
	xa_for_each(&c->pages, index, entry)
		pages_reset(c, index, xa_to_value(entry));
}

/**
 * ioasid_vfio_pages_dirty() - read the dirty pages of a range
 * @c: the container
 * @first: number of the first page
 * @npages: how many
 * @shift: log2 of the pages that share a bit
 * @bits: bitmap to set bits in
 * @offset: the bit of @first
 * @clear: a page is clean afterwards unless it is pinned
 *
 * Returns: true when there are any.
 */
bool ioasid_vfio_pages_dirty(struct ioasid_vfio *c, unsigned long first,
			     unsigned long npages, unsigned int shift,
			     unsigned long *bits, unsigned int offset,
			     bool clear)
{
	unsigned long index;
	bool any = false;
	void *entry;

	guard(mutex)(&c->pages_lock);
	xa_for_each_range(&c->pages, index, entry, first, first + npages - 1) {
		unsigned long state = xa_to_value(entry);

		if (!(state & PAGE_STATE_DIRTY))
			continue;
		any = true;
		__set_bit(offset + ((index - first) >> shift), bits);
		if (clear)
			pages_reset(c, index, state);
	}
	return any;
}

/**
 * ioasid_vfio_pages_redirty() - the bits could not be delivered
 * @c: the container
 * @first: as given to ioasid_vfio_pages_dirty()
 * @npages: as well
 * @shift: as well
 * @bits: as that set them
 * @offset: as well
 */
void ioasid_vfio_pages_redirty(struct ioasid_vfio *c, unsigned long first,
			       unsigned long npages, unsigned int shift,
			       const unsigned long *bits, unsigned int offset)
{
	unsigned long i;

	guard(mutex)(&c->pages_lock);
	for (i = 0; i < npages; i++)
		if (test_bit(offset + (i >> shift), bits))
			page_state_set(c, first + i,
				       page_state(c, first + i) |
				       PAGE_STATE_DIRTY,
				       GFP_KERNEL | __GFP_NOFAIL);
}

/**
 * ioasid_vfio_pages_forget() - what was dirty there is mapped no more
 * @c: the container
 * @first: first IOVA
 * @last: last IOVA
 */
void ioasid_vfio_pages_forget(struct ioasid_vfio *c, u64 first, u64 last)
{
	unsigned long index;
	void *entry;

	guard(mutex)(&c->pages_lock);
	xa_for_each_range(&c->pages, index, entry, first >> PAGE_SHIFT,
			  last >> PAGE_SHIFT)
		if (xa_to_value(entry) < PAGE_STATE_PIN)
			xa_erase(&c->pages, index);
}
