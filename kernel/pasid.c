// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of devices, each attached to a space of its own choice (RFC v1, 4).
 *
 * Functions are given their whole PASID space: what the user calls a PASID is
 * what goes over the wire. Of sub-devices it is not, and DMA for which the user
 * gave none has one as well: see subdevice.c. All run under ctx->lock and
 * space->lock.
 */
#include <linux/iommu.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

/**
 * ioasid_device_takes_pasids - can PASIDs of a device be attached?
 * @idev: the device
 *
 * Returns -EOPNOTSUPP when it has none, or shares its group with others: what
 * those do with a PASID cannot be told apart.
 */
int ioasid_device_takes_pasids(struct ioasid_device *idev)
{
	if (!idev->dev->iommu->max_pasids)
		return -EOPNOTSUPP;
	return ioasid_group_shared(idev->group) ? -EOPNOTSUPP : 0;
}

static int check_pasid(struct ioasid_device *idev, u32 pasid)
{
	/* 0 is what IOMMUs take DMA without PASID for. */
	if (!pasid || pasid >= idev->dev->iommu->max_pasids)
		return -EINVAL;
	return xa_load(&idev->pasids, pasid) ? -EBUSY : 0;
}

/* As with groups: where the device is by default, or in a child of that. */
static int check_default(struct ioasid_device *idev, struct ioasid_space *space)
{
	struct ioasid_pasid *below = xa_load(&idev->pasids, IOASID_NO_PASID);

	return below && below->space != space->parent ? -EBUSY : 0;
}

/*
 * From here on it is what the device has under this PASID, though not yet live:
 * where a child takes its parent's place, DMA is blocked for a moment.
 */
static int enter(struct ioasid_pasid *p)
{
	struct xarray *pasids = &p->idev->pasids;

	p->below = xa_load(pasids, p->pasid);
	return xa_err(xa_store(pasids, p->pasid, p, GFP_KERNEL_ACCOUNT));
}

/* Back to what was there before. The slot exists: this cannot fail. */
static void leave(struct ioasid_pasid *p)
{
	xa_store(&p->idev->pasids, p->pasid, p->below, GFP_KERNEL_ACCOUNT);
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
	rc = enter(p);
	if (rc)
		return rc;
	/* What it reserves counts for what a first device finds in a table. */
	list_add_tail(&p->entry, &p->space->pasids);
	d = ioasid_domain_attach(p->space, &source, nested);
	if (IS_ERR(d)) {
		list_del(&p->entry);
		leave(p);
		return PTR_ERR(d);
	}
	p->domain = d;
	WRITE_ONCE(p->live, true);
	return 0;
}

/* Drivers may be looking at it. */
static void pasid_free(struct ioasid_pasid *p)
{
	iommu_put_resv_regions(p->idev->dev, &p->resv);
	kfree_rcu(p, rcu);
}

/**
 * ioasid_pasid_attach - let a PASID of a device use a space
 * @idev: the device
 * @space: the space
 * @pasid: the PASID; of a sub-device also IOASID_NO_PASID
 * @nested: what ioasid_nested_prepare() said for it
 */
int ioasid_pasid_attach(struct ioasid_device *idev, struct ioasid_space *space,
			u32 pasid, struct ioasid_nested *nested)
{
	struct ioasid_pasid *p;
	int rc;

	lockdep_assert_held(&idev->ctx->lock);
	lockdep_assert_held(space->lock);
	rc = ioasid_device_takes_pasids(idev);
	if (!rc)
		rc = pasid == IOASID_NO_PASID ? check_default(idev, space) :
						check_pasid(idev, pasid);
	if (rc)
		return rc;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	INIT_LIST_HEAD(&p->resv);
	p->idev = idev;
	p->space = space;
	p->pasid = pasid;
	INIT_LIST_HEAD(&p->at.pending);
	p->at.space = space;
	p->at.idev = idev;
	p->at.pasid = pasid;
	rc = ioasid_ppasid_get(p);
	if (!rc) {
		rc = install(p, nested);
		if (rc)
			ioasid_ppasid_put(p);
	}
	if (rc)
		pasid_free(p);
	return rc;
}

/**
 * ioasid_pasid_detach - block a PASID again
 * @p: the PASID, the topmost if there is another one below it, which comes back
 *
 * Nobody is told its number on the wire any more, then the IOMMU forgets it, and
 * only then it is given to others.
 */
void ioasid_pasid_detach(struct ioasid_pasid *p)
{
	struct ioasid_source source = { .dev = p->idev->dev, .pasid = p };

	lockdep_assert_held(&p->idev->ctx->lock);
	lockdep_assert_held(p->space->lock);
	WRITE_ONCE(p->live, false);
	ioasid_domain_detach(p->space, p->domain, &source);
	list_del(&p->entry);
	leave(p);
	ioasid_ppasid_put(p);
	pasid_free(p);
}
