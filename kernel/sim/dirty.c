// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking of kernel-managed tables, which is where the trace of a write is:
 * bit 9 of the leaf, as in VT-d's second stage.
 *
 * While a domain is tracked, no cache permits a write through a leaf without the
 * bit, so the first one finds its way to the table. Whoever clears bits flushes
 * before he relies on it: iommu_iotlb_sync() of what was gathered. Then each write
 * that began later is in the table, and each that began earlier is over.
 */
#include "sim.h"

static int set_dirty_tracking(struct iommu_domain *domain, bool enabled)
{
	struct sim_domain *d = to_sim_domain(domain);

	down_write(&d->sim->flight);
	d->tracking = enabled;
	/* Of the permissions in caches nobody has left a trace. */
	if (enabled)
		sim_invalidate(d, 0, U64_MAX);
	up_write(&d->sim->flight);
	return 0;
}

/*
 * What is recorded goes into the gather as well as into the bitmap. Kernels that
 * are built without the latter drop it, and the gather is what is left: the hull
 * of all dirty leaves in the range, whole leaves always, also where the range
 * begins or ends inside of one.
 */
static int read_and_clear_dirty(struct iommu_domain *domain, unsigned long iova,
				size_t size, unsigned long flags,
				struct iommu_dirty_bitmap *dirty)
{
	struct sim_domain *d = to_sim_domain(domain);
	bool clear = !(flags & IOMMU_DIRTY_NO_CLEAR);
	u64 at = iova, last = (u64)iova + size - 1, start, len;

	if (!size || last < iova)
		return -EINVAL;
	if (dirty->bitmap && !READ_ONCE(d->tracking))
		return -EINVAL;
	mutex_lock(&d->lock);
	while (at <= last &&
	       sim_table_next_dirty(d, at, last, clear, &start, &len)) {
		iommu_dirty_bitmap_record(dirty, start, len);
		at = start + len;	/* tables end before the last bit does */
	}
	mutex_unlock(&d->lock);
	return 0;
}

const struct iommu_dirty_ops sim_dirty_ops = {
	.set_dirty_tracking = set_dirty_tracking,
	.read_and_clear_dirty = read_and_clear_dirty,
};
