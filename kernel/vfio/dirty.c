// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages: VFIO_IOMMU_DIRTY_PAGES, and VFIO_IOMMU_UNMAP_DMA with
 * VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP.
 *
 * As in type1, a device behind an IOMMU may have written to any page it can
 * reach, so with one in the container everything mapped is dirty; unless the
 * IOMMU records writes, and the container was made to ask it (the parameter
 * dirty_tracking). Without such a device, those pages are that mediated devices
 * pinned or wrote.
 *
 * What an IOMMU recorded goes with the translation, and no IOMMU driver takes
 * both away in one step. So UNMAP does not ask: until then a device may have
 * written to all that it could write to.
 *
 * The bitmap has a bit for each page of the range that was asked for. Only the
 * words that cover mappings are written. A mapping that starts within a word
 * adds its bits to what user space has there, since the rest may belong to the
 * mapping before; all other words are overwritten.
 */
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat.h"
#include "container.h"

#define CHUNK_WORDS	(PAGE_SIZE / sizeof(u64))
#define CHUNK_BITS	(CHUNK_WORDS * BITS_PER_TYPE(u64))

/**
 * struct dirty_query - where bits go
 * @c: the container
 * @data: user space's bitmap
 * @iova: what its first bit stands for
 * @pgshift: log2 of what one bit stands for
 * @all: every mapped page is dirty
 * @writable: so is every page that devices may write to
 * @clear: what was reported is clean afterwards
 * @chunk: CHUNK_WORDS of the bitmap
 */
struct dirty_query {
	struct ioasid_vfio *c;
	u64 __user *data;
	u64 iova;
	unsigned int pgshift;
	bool all;
	bool writable;
	bool clear;
	unsigned long *chunk;
};

/**
 * ioasid_vfio_check_bitmap() - is a bitmap of user space usable
 * @bitmap: as user space describes it
 * @size: of the range in bytes
 *
 * Returns: 0 or -EINVAL
 */
int ioasid_vfio_check_bitmap(const struct vfio_bitmap *bitmap, u64 size)
{
	u64 npages;

	if (!is_power_of_2(bitmap->pgsize) ||
	    bitmap->size > IOASID_VFIO_BITMAP_MAX ||
	    !access_ok(bitmap->data, bitmap->size))
		return -EINVAL;
	npages = size >> __ffs64(bitmap->pgsize);
	if (!npages || bitmap->size < BITS_TO_U64(npages) * sizeof(u64))
		return -EINVAL;
	return 0;
}

static int query_init(struct dirty_query *q, struct ioasid_vfio *c, u64 iova,
		      const struct vfio_bitmap *bitmap)
{
	u64 sizes = ioasid_vfio_pgsizes(c);

	lockdep_assert_held_write(&c->maps_lock);
	/* Only the smallest page size, and only while tracking. */
	if (!c->tracking || bitmap->pgsize != (sizes & -sizes))
		return -EINVAL;
	q->c = c;
	q->data = bitmap->data;
	q->iova = iova;
	q->pgshift = __ffs64(bitmap->pgsize);
	/* What is recorded is by pages of the CPU, the only ones that fit there. */
	scoped_guard(mutex, &c->groups_lock)
		q->all = c->all_dirty ||
			 (c->records && q->pgshift != PAGE_SHIFT);
	q->chunk = kmalloc(PAGE_SIZE, GFP_KERNEL);
	return q->chunk ? 0 : -ENOMEM;
}

/* What is clean now is in the chunk, also after an error. */
static int read_pages(struct dirty_query *q, unsigned long page,
		      unsigned long npages, unsigned int offset)
{
	unsigned int shift = q->pgshift - PAGE_SHIFT;

	ioasid_vfio_pages_dirty(q->c, page, npages, shift, q->chunk, offset,
				q->clear);
	if (!q->c->records)
		return 0;
	return ioasid_space_read_dirty(q->c->space, (u64)page << PAGE_SHIFT,
				       (u64)npages << PAGE_SHIFT,
				       q->clear ? 0 : IOASID_DIRTY_NO_CLEAR,
				       q->chunk, offset);
}

/* Bits first..first + nbits of the whole bitmap lie in one chunk. */
static int put_chunk(struct dirty_query *q, u64 first, unsigned long nbits,
		     bool all)
{
	unsigned int shift = q->pgshift - PAGE_SHIFT;
	unsigned int offset = first % BITS_PER_TYPE(u64);
	u64 __user *data = q->data + first / BITS_PER_TYPE(u64);
	size_t size = BITS_TO_U64(offset + nbits) * sizeof(u64);
	unsigned long page = (q->iova >> PAGE_SHIFT) + (first << shift);
	unsigned long npages = nbits << shift;
	int rc = 0;

	memset(q->chunk, 0, size);
	if (offset && copy_from_user(q->chunk, data, sizeof(u64)))
		return -EFAULT;
	if (all)
		bitmap_set(q->chunk, offset, nbits);
	else
		rc = read_pages(q, page, npages, offset);
	if (!rc && copy_to_user(data, q->chunk, size))
		rc = -EFAULT;
	if (rc && !all && q->clear)
		ioasid_vfio_pages_redirty(q->c, page, npages, shift, q->chunk,
					  offset);
	return rc;
}

static int put_mapping(struct dirty_query *q,
		       const struct ioasid_vfio_mapping *m)
{
	u64 bit = (m->iova - q->iova) >> q->pgshift;
	u64 nbits = m->size >> q->pgshift;
	bool all = q->all || (q->writable && m->prot & IOASID_MAP_WRITE);

	while (nbits) {
		u64 n = min_t(u64, nbits,
			      CHUNK_BITS - bit % BITS_PER_TYPE(u64));
		int rc = put_chunk(q, bit, n, all);

		if (rc)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		bit += n;
		nbits -= n;
	}
	return 0;
}

/* No mapping may be in the range in part. */
static int check_whole(struct ioasid_vfio *c, u64 first, u64 last)
{
	struct ioasid_vfio_mapping m;

	if (ioasid_vfio_next_mapping(c, first, first, &m) && m.iova != first)
		return -EINVAL;
	if (ioasid_vfio_next_mapping(c, last, last, &m) &&
	    m.iova + (m.size - 1) != last)
		return -EINVAL;
	return 0;
}

static int put_mappings(struct dirty_query *q, u64 last)
{
	struct ioasid_vfio_mapping m;
	u64 iova = q->iova;
	int rc;

	while (ioasid_vfio_next_mapping(q->c, iova, last, &m)) {
		rc = put_mapping(q, &m);
		if (rc)
			return rc;
		if (m.iova + (m.size - 1) == last)
			break;
		iova = m.iova + m.size;
	}
	return 0;
}

/* Adds what became dirty since; the range is not mapped any more. */
static int add_late_pages(struct dirty_query *q, u64 size)
{
	unsigned int shift = q->pgshift - PAGE_SHIFT;
	u64 bit, n, nbits = size >> q->pgshift;

	for (bit = 0; bit < nbits; bit += n) {
		u64 __user *data = q->data + bit / BITS_PER_TYPE(u64);
		size_t len;

		n = min_t(u64, nbits - bit, CHUNK_BITS);
		len = BITS_TO_U64(n) * sizeof(u64);
		if (copy_from_user(q->chunk, data, len))
			return -EFAULT;
		if (ioasid_vfio_pages_dirty(q->c,
					    (q->iova >> PAGE_SHIFT) + (bit << shift),
					    n << shift, shift, q->chunk, 0, false) &&
		    copy_to_user(data, q->chunk, len))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

/**
 * ioasid_vfio_unmap_dirty() - unmap a range and say what was dirty in it
 * @c: the container
 * @iova: start of the range
 * @size: its length
 * @bitmap: checked by ioasid_vfio_check_bitmap()
 * @unmapped: bytes that were unmapped
 *
 * Returns: 0, or an error and nothing is unmapped, except that -EFAULT may come
 * late if user space takes its bitmap away meanwhile.
 */
int ioasid_vfio_unmap_dirty(struct ioasid_vfio *c, u64 iova, u64 size,
			    const struct vfio_bitmap *bitmap, u64 *unmapped)
{
	u64 last = iova + size - 1;
	struct dirty_query q = {};
	int rc;

	guard(rwsem_write)(&c->maps_lock);
	q.writable = c->records;
	rc = query_init(&q, c, iova, bitmap) ?:
	     check_whole(c, iova, last) ?:
	     put_mappings(&q, last) ?:
	     ioasid_space_unmap(c->space, iova, size, 0, unmapped);
	if (rc)
		goto out;
	/* Until it was told to unpin, a mediated device could write. */
	if (!q.all)
		rc = add_late_pages(&q, size);
	ioasid_vfio_pages_forget(c, iova, last);
out:
	kfree(q.chunk);
	return rc;
}

static int dirty_start(struct ioasid_vfio *c)
{
	int rc;

	guard(rwsem_write)(&c->maps_lock);
	if (c->tracking)
		return 0;
	scoped_guard(mutex, &c->groups_lock)
		c->all_dirty = c->nr_iommu_groups && !c->records;
	rc = c->records ? ioasid_space_set_dirty_tracking(c->space, true) : 0;
	if (rc)
		return rc;
	rc = ioasid_vfio_pages_track(c);
	if (rc && c->records)
		ioasid_space_set_dirty_tracking(c->space, false);
	return rc;
}

static int dirty_stop(struct ioasid_vfio *c)
{
	int rc = 0;

	guard(rwsem_write)(&c->maps_lock);
	if (!c->tracking)
		return 0;
	if (c->records)
		rc = ioasid_space_set_dirty_tracking(c->space, false);
	if (!rc)
		ioasid_vfio_pages_untrack(c);
	return rc;
}

static int dirty_get(struct ioasid_vfio *c, void __user *ubuf, size_t size)
{
	struct vfio_iommu_type1_dirty_bitmap_get range;
	struct dirty_query q = { .clear = true };
	u64 last;
	int rc;

	if (size < sizeof(range))
		return -EINVAL;
	if (copy_from_user(&range, ubuf, sizeof(range)))
		return -EFAULT;
	if (!range.size)
		return -EINVAL;
	if (check_add_overflow(range.iova, range.size - 1, &last))
		return -COMPAT_VFIO_EWRAP;
	rc = ioasid_vfio_check_bitmap(&range.bitmap, range.size);
	if (rc)
		return rc;
	if ((range.iova | range.size) & (range.bitmap.pgsize - 1))
		return -EINVAL;

	guard(rwsem_write)(&c->maps_lock);
	rc = query_init(&q, c, range.iova, &range.bitmap) ?:
	     check_whole(c, range.iova, last) ?:
	     put_mappings(&q, last);
	kfree(q.chunk);
	return rc;
}

/**
 * ioasid_vfio_dirty_pages() - VFIO_IOMMU_DIRTY_PAGES
 * @c: the container
 * @ubuf: struct vfio_iommu_type1_dirty_bitmap
 *
 * Returns: 0 or an error
 */
int ioasid_vfio_dirty_pages(struct ioasid_vfio *c, void __user *ubuf)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags);
	struct vfio_iommu_type1_dirty_bitmap dirty;

	if (!c->v2)
		return -EACCES;
	if (copy_from_user(&dirty, ubuf, minsz))
		return -EFAULT;
	if (dirty.argsz < minsz)
		return -EINVAL;

	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		return dirty_start(c);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		return dirty_stop(c);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return dirty_get(c, ubuf + minsz, dirty.argsz - minsz);
	default:
		return -EINVAL;
	}
}
