// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spaces with a user-managed PASID table (RFC v1, 5.7; type 4 of v2's PASID policy).
 *
 * Such a space is the whole PASID space of its devices: they are attached without a
 * PASID, and the IOMMU finds the page table of each PASID in the user's table, and all
 * of it in memory of the parent. v1 also recorded each of these page tables in a space
 * of its own. Review found no use for that, and it is not done.
 *
 * Only IOMMUs walk PASID tables. Following one in software would take a shadow for each
 * of up to 2^20 entries; where the IOMMU does not nest, a program attaches a space for
 * each PASID that it uses.
 */
#include <linux/ioasid_table.h>
#include <linux/iommu.h>

#include "compat.h"
#include "ioasid_private.h"

/**
 * ioasid_is_ptable - is the space's table a PASID table?
 * @space: the space; its lock or ctx->lock is held
 */
bool ioasid_is_ptable(const struct ioasid_space *space)
{
	return space->kind == IOASID_KIND_USER &&
	       ioasid_pasid_format(space->format);
}

/* A table of either kind. */
int ioasid_user_table_check(u32 format, const struct ioasid_table *table)
{
	return ioasid_pasid_format(format) ?
		ioasid_pasid_table_check(format, table) :
		ioasid_table_check(format, table);
}

u64 ioasid_user_table_pgsizes(u32 format)
{
	const struct ioasid_pasid_format *pasids = ioasid_pasid_format(format);

	return pasids ? pasids->pgsize_bitmap :
			ioasid_table_format(format)->pgsize_bitmap;
}

/**
 * ioasid_ptable_formats - PASID tables that a device can have
 * @dev: a bound device
 *
 * Returns a bit for each enum ioasid_format. Those that its IOMMU walks, if the
 * device has PASIDs, and a group of its own: whose PASID it is could not be told.
 */
u64 ioasid_ptable_formats(struct device *dev)
{
	const struct ioasid_pasid_format *fmt;
	struct iommu_group *group;
	u64 formats = 0;
	bool shared;

	if (!dev->iommu->max_pasids)
		return 0;
	group = iommu_group_get(dev);
	shared = ioasid_group_shared(group);
	iommu_group_put(group);
	if (shared)
		return 0;
	for (u32 i = 0; (fmt = ioasid_pasid_format_at(i)); i++)
		formats |= BIT_ULL(fmt->id);
	return formats & ioasid_nested_formats(dev);
}

/**
 * ioasid_ptable_fits - can a device use the space's PASID table?
 * @space: any space
 * @dev: the device
 *
 * Context: ctx->lock is held.
 * Returns 0 also for a space that has no such table.
 */
int ioasid_ptable_fits(struct ioasid_space *space, struct device *dev)
{
	if (!ioasid_is_ptable(space))
		return 0;
	return ioasid_ptable_formats(dev) & BIT_ULL(space->format) ? 0 :
								     -EOPNOTSUPP;
}

/* Are the device's PASIDs the user's to hand out? */
static bool is_delegated(const struct ioasid_device *idev)
{
	const struct ioasid_group *grp;

	for (grp = idev->attached; grp; grp = grp->below)
		if (ioasid_is_ptable(grp->space))
			return true;
	return false;
}

/**
 * ioasid_ptable_may_attach - PASIDs come from one side only
 * @idev: the device
 * @space: where it is to be attached
 * @pasid: by which PASID, or IOASID_NO_PASID
 *
 * Context: ctx->lock is held.
 */
int ioasid_ptable_may_attach(struct ioasid_device *idev,
			     struct ioasid_space *space, u32 pasid)
{
	bool ptable = ioasid_is_ptable(space);

	/* A part of a function shares its PASIDs with the others. */
	if (ptable && idev->carrier)
		return -EOPNOTSUPP;
	if (pasid != IOASID_NO_PASID)
		return ptable || is_delegated(idev) ? -EINVAL : 0;
	return ptable && !xa_empty(&idev->pasids) ? -EBUSY : 0;
}

/**
 * ioasid_ptable_may_bind - the same for all that is attached already
 * @space: a child that is to have a PASID table; its lock and ctx->lock are held
 */
int ioasid_ptable_may_bind(struct ioasid_space *space)
{
	struct ioasid_member *member;
	struct ioasid_group *grp;

	if (!list_empty(&space->pasids))
		return -EBUSY;
	list_for_each_entry(grp, &space->groups, entry)
		list_for_each_entry(member, &grp->members, entry)
			if (!xa_empty(&member->idev->pasids))
				return -EBUSY;
	return 0;
}
