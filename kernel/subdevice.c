// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sub-devices: parts of a physical device that its driver hands out one by one
 * (mediated devices). They share its RID and are told apart by PASIDs, which are
 * therefore the kernel's: what the user calls a PASID is a label of his, and
 * even DMA without one carries one over the wire (RFC v1, 4: v != p).
 *
 * Numbers come from one of two pools: the device's own, or the kernel's global
 * one, for devices whose PASIDs come from a CPU register. Of these a user's PASID
 * is the same number on all devices of a context.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

#define FIRST_PPASID	1	/* 0 is what IOMMUs take DMA without PASID for */

/* All that have sub-devices which are bound; under ioasid_contexts_lock. */
static LIST_HEAD(carriers);

/* Carriers */

static struct ioasid_carrier *carrier_find(struct device *dev)
{
	struct ioasid_carrier *carrier;

	list_for_each_entry(carrier, &carriers, entry)
		if (carrier->dev == dev)
			return carrier;
	return NULL;
}

static struct ioasid_carrier *carrier_create(const struct ioasid_device *idev)
{
	struct ioasid_carrier *carrier;

	carrier = kzalloc(sizeof(*carrier), GFP_KERNEL_ACCOUNT);
	if (!carrier)
		return NULL;
	carrier->dev = idev->dev;
	carrier->flags = idev->flags;
	ida_init(&carrier->ppasids);
	list_add_tail(&carrier->entry, &carriers);
	return carrier;
}

static void carrier_settle(struct ioasid_carrier *carrier)
{
	if (carrier->nr_subdevices)
		return;
	WARN_ON(!ida_is_empty(&carrier->ppasids));
	list_del(&carrier->entry);
	ida_destroy(&carrier->ppasids);
	kfree(carrier);
}

/**
 * ioasid_carrier_join - a sub-device's share in its physical device
 * @idev: the sub-device, not bound yet
 *
 * The group's DMA belongs to all sub-devices together, whatever their contexts:
 * to the IOMMU core the carrier is the owner. So DMA without PASID is blocked,
 * and nobody else can have the group, although the core would attach PASIDs
 * without asking whose it is.
 */
int ioasid_carrier_join(struct ioasid_device *idev)
{
	struct ioasid_carrier *carrier;
	int rc;

	lockdep_assert_held(&ioasid_contexts_lock);
	carrier = carrier_find(idev->dev) ?: carrier_create(idev);
	if (!carrier)
		return -ENOMEM;
	/* Of two pools each would give out what the other has. */
	rc = carrier->flags == idev->flags ?
	     iommu_device_claim_dma_owner(idev->dev, carrier) : -EINVAL;
	if (rc) {
		carrier_settle(carrier);
		return rc;
	}
	carrier->nr_subdevices++;
	idev->carrier = carrier;
	return 0;
}

/**
 * ioasid_carrier_leave - undo ioasid_carrier_join()
 * @idev: the sub-device, detached from everything
 */
void ioasid_carrier_leave(struct ioasid_device *idev)
{
	struct ioasid_carrier *carrier = idev->carrier;

	lockdep_assert_held(&ioasid_contexts_lock);
	iommu_device_release_dma_owner(idev->dev);
	carrier->nr_subdevices--;
	carrier_settle(carrier);
}

/* PASIDs on the wire */

static u32 last_ppasid(struct ioasid_device *idev)
{
	return idev->dev->iommu->max_pasids - 1;
}

static struct ioasid_global_pasid *global_create(struct ioasid_pasid *p)
{
	struct ioasid_ctx *ctx = p->idev->ctx;
	struct ioasid_global_pasid *global;
	int rc = -ENOSPC;

	global = kzalloc(sizeof(*global), GFP_KERNEL_ACCOUNT);
	if (!global)
		return ERR_PTR(-ENOMEM);
	global->ppasid = iommu_alloc_global_pasid(p->idev->dev);
	if (global->ppasid == IOMMU_PASID_INVALID)
		goto out_free;
	rc = 0;
	if (p->pasid != IOASID_NO_PASID)
		rc = xa_insert(&ctx->global_pasids, p->pasid, global,
			       GFP_KERNEL_ACCOUNT);
	if (!rc)
		return global;
	iommu_free_global_pasid(global->ppasid);
out_free:
	kfree(global);
	return ERR_PTR(rc);
}

static void global_put(struct ioasid_pasid *p)
{
	struct ioasid_global_pasid *global = p->global;

	if (--global->users)
		return;
	if (p->pasid != IOASID_NO_PASID)
		xa_erase(&p->idev->ctx->global_pasids, p->pasid);
	iommu_free_global_pasid(global->ppasid);
	kfree(global);
}

/*
 * A default space is that of one sub-device; what the user has a number for is
 * the same for all of his.
 */
static int global_get(struct ioasid_pasid *p)
{
	struct ioasid_global_pasid *global = NULL;

	if (p->pasid != IOASID_NO_PASID)
		global = xa_load(&p->idev->ctx->global_pasids, p->pasid);
	if (!global)
		global = global_create(p);
	if (IS_ERR(global))
		return PTR_ERR(global);
	global->users++;
	p->global = global;
	return 0;
}

static int get_from_global(struct ioasid_pasid *p)
{
	struct ioasid_carrier *carrier = p->idev->carrier;
	int id, rc = global_get(p);

	if (rc)
		return rc;
	/* Given out for a device with more of them. */
	if (p->global->ppasid > last_ppasid(p->idev)) {
		global_put(p);
		return -ENOSPC;
	}
	id = ida_alloc_range(&carrier->ppasids, p->global->ppasid,
			     p->global->ppasid, GFP_KERNEL);
	if (id < 0) {
		global_put(p);
		/* A sibling of the context has it: one RID, one PASID. */
		return id == -ENOSPC ? -EBUSY : id;
	}
	p->ppasid = id;
	return 0;
}

static int get_from_carrier(struct ioasid_pasid *p)
{
	int id = ida_alloc_range(&p->idev->carrier->ppasids, FIRST_PPASID,
				 last_ppasid(p->idev), GFP_KERNEL);

	if (id < 0)
		return id;
	p->ppasid = id;
	return 0;
}

/**
 * ioasid_ppasid_get - what a PASID is on the wire
 * @p: a PASID that is about to be attached; @p->ppasid is filled in
 *
 * Context: ctx->lock is held.
 * Returns -ENOSPC when there are no more, -EBUSY when the RID has it already.
 */
int ioasid_ppasid_get(struct ioasid_pasid *p)
{
	struct ioasid_carrier *carrier = p->idev->carrier;

	lockdep_assert_held(&p->idev->ctx->lock);
	if (!carrier) {
		p->ppasid = p->pasid;
		return 0;
	}
	if (carrier->flags & IOASID_SUBDEVICE_GLOBAL_PASIDS)
		return get_from_global(p);
	return get_from_carrier(p);
}

/**
 * ioasid_ppasid_put - undo ioasid_ppasid_get()
 * @p: a PASID that is not attached: nothing of it is cached anywhere, so that
 *     the number may be given to others
 */
void ioasid_ppasid_put(struct ioasid_pasid *p)
{
	struct ioasid_carrier *carrier = p->idev->carrier;

	lockdep_assert_held(&p->idev->ctx->lock);
	if (!carrier)
		return;
	ida_free(&carrier->ppasids, p->ppasid);
	if (p->global)
		global_put(p);
}

/**
 * ioasid_device_ppasid() - what the driver puts on the wire for a user's PASID
 * @idev: a device that is bound
 * @pasid: the PASID as the user knows it, IOASID_NO_PASID for DMA without
 * @ppasid: out: the PASID for the wire; IOASID_NO_PASID: none
 *
 * It stays the device's until the PASID is detached (or a child is attached on
 * top of it), which may happen at any time. From then on the number may be
 * another user's. So the driver either asks again for every piece of DMA, within
 * a section that the detach of its IOMMU's driver waits for, or ends the DMA
 * that uses the number before it lets the user detach.
 *
 * Context: any.
 * Return: 0; -ENOENT when the device is not attached with that PASID.
 */
int ioasid_device_ppasid(struct ioasid_device *idev, u32 pasid, u32 *ppasid)
{
	struct ioasid_pasid *p;
	int rc = -ENOENT;

	if (!idev->carrier && pasid == IOASID_NO_PASID) {
		*ppasid = pasid;
		return 0;
	}
	rcu_read_lock();
	p = xa_load(&idev->pasids, pasid);
	if (p && READ_ONCE(p->live)) {
		*ppasid = p->ppasid;
		rc = 0;
	}
	rcu_read_unlock();
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_device_ppasid);
