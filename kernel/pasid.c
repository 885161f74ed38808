// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of devices, each attached to a space of its own choice (RFC v1, 4).
 *
 * Functions are given their whole PASID space: what the user calls a PASID is
 * what goes over the wire. All run under ctx->lock and space->lock.
 */
#include <linux/iommu.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

static int count_device(struct device *dev, void *arg)
{
	++*(unsigned int *)arg;
	return 0;
}

static int check_pasid(struct ioasid_device *idev, u32 pasid)
{
	u32 max = idev->dev->iommu->max_pasids;
	unsigned int devices = 0;

	if (!max)
		return -EOPNOTSUPP;
	/* 0 is what IOMMUs take DMA without PASID for. */
	if (!pasid || pasid >= max)
		return -EINVAL;
	/* What the others of a group do with it cannot be told apart. */
	iommu_group_for_each_dev(idev->group, &devices, count_device);
	if (devices > 1)
		return -EOPNOTSUPP;
	return xa_load(&idev->pasids, pasid) ? -EBUSY : 0;
}

static int install(struct ioasid_pasid *p, struct ioasid_nested *nested)
{
	struct ioasid_source source = { .dev = p->idev->dev, .pasid = p };
	struct ioasid_domain *d;
	int rc;

	iommu_get_resv_regions(p->idev->dev, &p->resv);
	rc = ioasid_resv_check(p->space, &p->resv);
	if (rc)
		return rc;
	rc = xa_insert(&p->idev->pasids, p->pasid, p, GFP_KERNEL_ACCOUNT);
	if (rc)
		return rc;
	/* What it reserves counts for what a first device finds in a table. */
	list_add_tail(&p->entry, &p->space->pasids);
	d = ioasid_domain_attach(p->space, &source, nested);
	if (IS_ERR(d)) {
		list_del(&p->entry);
		xa_erase(&p->idev->pasids, p->pasid);
		return PTR_ERR(d);
	}
	p->domain = d;
	return 0;
}

static void pasid_free(struct ioasid_pasid *p)
{
	iommu_put_resv_regions(p->idev->dev, &p->resv);
	kfree(p);
}

/**
 * ioasid_pasid_attach - let a PASID of a device use a space
 * @idev: the device
 * @space: the space
 * @pasid: the PASID
 * @nested: what ioasid_nested_prepare() said for it
 */
int ioasid_pasid_attach(struct ioasid_device *idev, struct ioasid_space *space,
			u32 pasid, struct ioasid_nested *nested)
{
	struct ioasid_pasid *p;
	int rc;

	lockdep_assert_held(&idev->ctx->lock);
	lockdep_assert_held(space->lock);
	rc = check_pasid(idev, pasid);
	if (rc)
		return rc;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	INIT_LIST_HEAD(&p->resv);
	p->idev = idev;
	p->space = space;
	p->pasid = pasid;
	p->ppasid = pasid;
	rc = install(p, nested);
	if (rc)
		pasid_free(p);
	return rc;
}

/**
 * ioasid_pasid_detach - block a PASID again
 * @p: the PASID
 */
void ioasid_pasid_detach(struct ioasid_pasid *p)
{
	struct ioasid_source source = { .dev = p->idev->dev, .pasid = p };

	lockdep_assert_held(&p->idev->ctx->lock);
	lockdep_assert_held(p->space->lock);
	ioasid_domain_detach(p->space, p->domain, &source);
	list_del(&p->entry);
	xa_erase(&p->idev->pasids, p->pasid);
	pasid_free(p);
}
