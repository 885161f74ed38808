// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mediated devices do with a container's memory: pin pages, and read and
 * write it by the CPU.
 *
 * The core knows what is pinned. What is dirty is known here, as long as that is
 * tracked; pinned pages always are, as the device may write to them at any time.
 */
#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <linux/sched.h>
#include <linux/vfio.h>

#include "container.h"

/* In c->dirty for a moment: the page is pinned, hence dirty again. */
#define MARK_PINNED	XA_MARK_0

static int mark_dirty(struct ioasid_vfio *c, unsigned long first,
		      unsigned long last, gfp_t gfp)
{
	unsigned long index;
	int rc = 0;

	lockdep_assert_held(&c->pages_lock);

	for (index = first; !rc && index <= last; index++)
		rc = xa_err(xa_store(&c->dirty, index, xa_mk_value(0), gfp));
	return rc;
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

/* The device may write to them from now on. */
static int pages_pinned(struct ioasid_vfio *c, unsigned long first,
			unsigned int npages)
{
	guard(mutex)(&c->pages_lock);
	return c->tracking ? mark_dirty(c, first, first + npages - 1,
					GFP_KERNEL_ACCOUNT) : 0;
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

	iova = ALIGN_DOWN(iova, PAGE_SIZE);
	if (WARN_ON_ONCE(!range_ok(iova, npage)))
		return;
	c = ioasid_vfio_get(handle);
	if (!c)
		return;
	ioasid_access_unpin_pages(c->access, iova, npage);
	ioasid_vfio_put(c);
}

static void pages_written(struct ioasid_vfio *c, u64 iova, size_t count)
{
	guard(mutex)(&c->pages_lock);
	/* The bytes are there already: this cannot be undone. */
	if (c->tracking)
		mark_dirty(c, iova >> PAGE_SHIFT,
			   (iova + count - 1) >> PAGE_SHIFT,
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

static int pinned_is_dirty(u64 iova, void *arg)
{
	return mark_dirty(arg, iova >> PAGE_SHIFT, iova >> PAGE_SHIFT,
			  GFP_KERNEL_ACCOUNT);
}

/**
 * ioasid_vfio_pages_track() - begin to track dirty pages
 * @c: the container
 *
 * Pinned pages are dirty, all others are clean to begin with.
 *
 * Context: maps_lock held for writing.
 * Returns: 0 or -ENOMEM
 */
int ioasid_vfio_pages_track(struct ioasid_vfio *c)
{
	int rc;

	lockdep_assert_held_write(&c->maps_lock);
	guard(mutex)(&c->pages_lock);
	rc = ioasid_access_walk(c->access, 0, U64_MAX, pinned_is_dirty, c);
	if (rc)
		xa_destroy(&c->dirty);
	c->tracking = !rc;
	return rc;
}

/**
 * ioasid_vfio_pages_untrack() - end it
 * @c: the container
 *
 * Context: maps_lock held for writing.
 */
void ioasid_vfio_pages_untrack(struct ioasid_vfio *c)
{
	lockdep_assert_held_write(&c->maps_lock);
	guard(mutex)(&c->pages_lock);
	c->tracking = false;
	xa_destroy(&c->dirty);
}

static int mark_pinned(u64 iova, void *arg)
{
	struct ioasid_vfio *c = arg;

	xa_set_mark(&c->dirty, iova >> PAGE_SHIFT, MARK_PINNED);
	return 0;
}

/* A page is clean now, unless it is pinned. */
static void clean(struct ioasid_vfio *c, unsigned long index)
{
	if (xa_get_mark(&c->dirty, index, MARK_PINNED))
		xa_clear_mark(&c->dirty, index, MARK_PINNED);
	else
		xa_erase(&c->dirty, index);
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
	unsigned long index, last = first + npages - 1;
	bool any = false;
	void *entry;

	guard(mutex)(&c->pages_lock);
	if (clear)
		ioasid_access_walk(c->access, (u64)first << PAGE_SHIFT,
				   (u64)last << PAGE_SHIFT, mark_pinned, c);
	xa_for_each_range(&c->dirty, index, entry, first, last) {
		any = true;
		__set_bit(offset + ((index - first) >> shift), bits);
		if (clear)
			clean(c, index);
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
			mark_dirty(c, first + i, first + i,
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
	xa_for_each_range(&c->dirty, index, entry, first >> PAGE_SHIFT,
			  last >> PAGE_SHIFT)
		xa_erase(&c->dirty, index);
}
