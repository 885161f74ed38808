// SPDX-License-Identifier: GPL-2.0-only
/* Dirty tracking for doors with a space of their own. */
#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <linux/overflow.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

struct capable {
	struct device *first;
	bool all;
};

static int capable_device(struct device *dev, void *arg)
{
	struct capable *capable = arg;

	if (!capable->first)
		capable->first = get_device(dev);
	capable->all &= device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING);
	return 0;
}

/**
 * ioasid_group_dirty_capable - can a group be in a space with dirty tracking?
 * @group: the group
 *
 * Returns: true when its IOMMU records the writes of all its devices.
 */
bool ioasid_group_dirty_capable(struct iommu_group *group)
{
	struct capable capable = { .all = true };
	bool rc;

	iommu_group_for_each_dev(group, &capable, capable_device);
	if (!capable.first)
		return false;
	/* A domain is not made with the group's lock held, as it is above. */
	rc = capable.all && ioasid_dirty_capable(capable.first);
	put_device(capable.first);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_group_dirty_capable);

static int read_all(struct ioasid_space *space, unsigned long iova,
		    unsigned long npages, unsigned long flags,
		    unsigned long *bits, unsigned int offset)
{
	unsigned long base = iova - offset * PAGE_SIZE;
	unsigned long at, n;
	int rc = 0;

	for (at = 0; !rc && at < npages; at += n) {
		unsigned long first = iova + at * PAGE_SIZE;

		n = min(npages - at, IOASID_DIRTY_CHUNK_PAGES);
		mutex_lock(space->lock);
		rc = ioasid_dirty_may_read(space);
		if (!rc)
			rc = ioasid_dirty_read(space, first,
					       first + (n * PAGE_SIZE - 1),
					       flags, bits, base);
		mutex_unlock(space->lock);
		cond_resched();
	}
	return rc;
}

/**
 * ioasid_space_read_dirty - which pages have devices written to?
 * @space: a space that is tracked
 * @iova: the first page
 * @size: bytes
 * @flags: IOASID_DIRTY_NO_CLEAR: they stay dirty
 * @bits: bits are added here, one for each page
 * @offset: number of the first page's bit
 *
 * What is mapped may be anything, and in the range as a whole or in part.
 *
 * Returns an error, or 0. What was found before an error is in @bits, and clean.
 */
int ioasid_space_read_dirty(struct ioasid_space *space, u64 iova, u64 size,
			    u32 flags, unsigned long *bits, unsigned int offset)
{
	bool traced = trace_ioasid_dirty_read_enabled();
	unsigned long npages = size / PAGE_SIZE;
	u64 start = ioasid_now(traced), last, before = 0, pages = 0;
	int rc;

	if (flags & ~IOASID_DIRTY_NO_CLEAR)
		return -EOPNOTSUPP;
	if (!size || !PAGE_ALIGNED(iova | size) ||
	    check_add_overflow(iova, size - 1, &last))
		return -EINVAL;
	if (traced)
		before = bitmap_weight(bits, offset + npages);
	rc = read_all(space, iova, npages,
		      flags & IOASID_DIRTY_NO_CLEAR ? IOMMU_DIRTY_NO_CLEAR : 0,
		      bits, offset);
	if (traced)
		pages = bitmap_weight(bits, offset + npages) - before;
	ioasid_trace(dirty_read, space->ctx->id, space->id, iova, size,
		     PAGE_SIZE, flags, pages, rc, ioasid_now(traced) - start);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_space_read_dirty);
