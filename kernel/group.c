// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU groups on their way into a space. A group is one source of DMA: it is
 * attached when the last of its devices is, and then as a whole (RFC v1, 1).
 * All run under space->lock.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

/**
 * ioasid_resv_check - do reserved regions meet nothing that is mapped?
 * @space: the space, its lock held
 * @resvs: the regions
 */
int ioasid_resv_check(struct ioasid_space *space, const struct list_head *resvs)
{
	struct iommu_resv_region *resv;
	unsigned long last;

	lockdep_assert_held(space->lock);
	list_for_each_entry(resv, resvs, list) {
		if (!ioasid_resv_blocks(resv))
			continue;
		last = resv->start + resv->length - 1;
		if (interval_tree_iter_first(&space->maps, resv->start, last))
			return -EINVAL;
		if (ioasid_space_is_pinned(space) &&
		    ioasid_pinned_meets(space->mirror, resv->start, last))
			return -EINVAL;
	}
	return 0;
}

/*
 * A child takes the place of its parent. There is no way to change a group's
 * domain that all kernels export, so its DMA is blocked for a moment.
 */
static void cover(struct ioasid_group *below)
{
	struct ioasid_source source = { .group = below };

	if (below)
		ioasid_source_detach(&source, below->domain);
}

static void uncover(struct ioasid_group *below)
{
	struct ioasid_source source = { .group = below };

	/* It stays blocked if this fails, for want of memory. */
	if (below && below->domain)
		WARN_ON(ioasid_source_attach(&source, below->domain));
}

/**
 * ioasid_group_install - let a group's DMA use the space
 * @grp: all of whose members are attached
 * @dev: one of its devices, to ask the IOMMU driver about
 * @nested: what ioasid_nested_prepare() said for it
 *
 * Context: space->lock is held, the group's DMA is owned and blocked.
 * Returns -EINVAL when the IOMMU does not fit the space or what is mapped in
 * it; then nothing changed, for this group and all others.
 */
int ioasid_group_install(struct ioasid_group *grp, struct device *dev,
			 struct ioasid_nested *nested)
{
	struct ioasid_source source = { .dev = dev, .group = grp };
	struct ioasid_domain *d;
	int rc;

	rc = ioasid_resv_check(grp->space, &grp->resv);
	if (rc)
		return rc;
	cover(grp->below);
	d = ioasid_domain_attach(grp->space, &source, nested);
	if (IS_ERR(d)) {
		uncover(grp->below);
		return PTR_ERR(d);
	}
	grp->domain = d;
	grp->space->nr_partial--;
	return 0;
}

/**
 * ioasid_group_uninstall - block a group's DMA again, or return it to the parent
 * @grp: an installed group
 *
 * Context: space->lock is held.
 */
void ioasid_group_uninstall(struct ioasid_group *grp)
{
	struct ioasid_source source = { .group = grp };
	struct ioasid_domain *d = grp->domain;

	grp->domain = NULL;
	grp->space->nr_partial++;
	ioasid_domain_detach(grp->space, d, &source);
	uncover(grp->below);
}

/* The group flavour hands out copies that are simply freed. */
static void free_resv(struct list_head *resvs)
{
	struct iommu_resv_region *resv, *next;

	list_for_each_entry_safe(resv, next, resvs, list)
		kfree(resv);
}

/**
 * ioasid_group_create - bring a group into a space, not installed yet
 * @space: the space, its lock held
 * @group: the IOMMU group
 */
struct ioasid_group *ioasid_group_create(struct ioasid_space *space,
					 struct iommu_group *group)
{
	struct ioasid_group *grp;
	int rc;

	lockdep_assert_held(space->lock);
	grp = kzalloc(sizeof(*grp), GFP_KERNEL_ACCOUNT);
	if (!grp)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&grp->resv);
	rc = iommu_get_group_resv_regions(group, &grp->resv);
	if (rc) {
		free_resv(&grp->resv);
		kfree(grp);
		return ERR_PTR(rc);
	}
	INIT_LIST_HEAD(&grp->members);
	INIT_LIST_HEAD(&grp->at.pending);
	grp->at.space = space;
	grp->at.group = grp;
	grp->at.pasid = IOASID_NO_PASID;
	grp->space = space;
	grp->group = iommu_group_ref_get(group);
	list_add_tail(&grp->entry, &space->groups);
	space->nr_partial++;
	return grp;
}

/**
 * ioasid_group_destroy - take a group out of its space
 * @grp: a group that is not installed; its space's lock is held
 */
void ioasid_group_destroy(struct ioasid_group *grp)
{
	lockdep_assert_held(grp->space->lock);
	list_del(&grp->entry);
	grp->space->nr_partial--;
	free_resv(&grp->resv);
	iommu_group_put(grp->group);
	kfree(grp);
}

/**
 * ioasid_group_member - a device's membership
 * @grp: the group
 * @dev: the device
 *
 * Returns NULL when the device is not attached to the group's space.
 */
struct ioasid_member *ioasid_group_member(struct ioasid_group *grp,
					  struct device *dev)
{
	struct ioasid_member *member;

	list_for_each_entry(member, &grp->members, entry)
		if (member->idev->dev == dev)
			return member;
	return NULL;
}

/**
 * ioasid_group_find - a group's way into a space
 * @space: the space
 * @group: the IOMMU group
 */
struct ioasid_group *ioasid_group_find(struct ioasid_space *space,
				       struct iommu_group *group)
{
	struct ioasid_group *grp;

	list_for_each_entry(grp, &space->groups, entry)
		if (grp->group == group)
			return grp;
	return NULL;
}

static int count_device(struct device *dev, void *arg)
{
	++*(unsigned int *)arg;
	return 0;
}

/**
 * ioasid_group_shared - are there several devices in a group?
 * @group: the IOMMU group
 *
 * Then nobody can tell whose PASID a request carries.
 */
bool ioasid_group_shared(struct iommu_group *group)
{
	unsigned int devices = 0;

	iommu_group_for_each_dev(group, &devices, count_device);
	return devices > 1;
}

struct missing {
	struct ioasid_group *grp;
	int (*fn)(struct device *dev, void *arg);
	void *arg;
};

static int check_missing(struct device *dev, void *arg)
{
	struct missing *missing = arg;

	/* Bridges forward what their devices do and have no DMA to attach. */
	if (dev_is_pci(dev) && pci_is_bridge(to_pci_dev(dev)))
		return 0;
	if (ioasid_group_member(missing->grp, dev))
		return 0;
	return missing->fn(dev, missing->arg);
}

int ioasid_group_missing(struct ioasid_group *grp,
			 int (*fn)(struct device *dev, void *arg), void *arg)
{
	struct missing missing = { .grp = grp, .fn = fn, .arg = arg };

	if (grp->whole)
		return 0;
	return iommu_group_for_each_dev(grp->group, &missing, check_missing);
}

/**
 * ioasid_resv_blocks - may a reserved region not be mapped?
 * @resv: what the IOMMU or bus driver reserved
 *
 * Relaxable direct regions are only needed by the firmware's own use of the
 * device, which is over.
 */
bool ioasid_resv_blocks(const struct iommu_resv_region *resv)
{
	return resv->type != IOMMU_RESV_DIRECT_RELAXABLE && resv->length;
}
