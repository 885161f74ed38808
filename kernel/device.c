// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: bind takes DMA ownership of the group, attach lets the DMA of a
 * complete group into a space (RFC v1 section 2, stages of 2021-06-28).
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Accept devices on platforms without interrupt remapping, whose DMA can forge interrupts");

/* All bound devices of all contexts; under ioasid_contexts_lock. */
static LIST_HEAD(bound_devices);

u32 ioasid_device_rid(struct device *dev)
{
	struct pci_dev *pdev;

	if (!dev || !dev_is_pci(dev))
		return IOASID_TRACE_NO_DEV;
	pdev = to_pci_dev(dev);
	return pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev);
}

/**
 * ioasid_device_find - the device with a label
 * @ctx: the context, locked
 * @cookie: the label
 */
struct ioasid_device *ioasid_device_find(struct ioasid_ctx *ctx, u64 cookie)
{
	struct ioasid_device *idev;

	lockdep_assert_held(&ctx->lock);
	list_for_each_entry(idev, &ctx->devices, entry)
		if (idev->cookie == cookie)
			return idev;
	return NULL;
}

/* Regions that must stay mapped one to one: the firmware still uses the device. */
static bool needs_direct_map(struct iommu_group *group)
{
	struct iommu_resv_region *resv, *next;
	bool direct = false;
	LIST_HEAD(list);

	if (iommu_get_group_resv_regions(group, &list))
		direct = true;
	list_for_each_entry_safe(resv, next, &list, list) {
		if (resv->type == IOMMU_RESV_DIRECT)
			direct = true;
		kfree(resv);
	}
	return direct;
}

static int check_isolation(struct device *dev, struct iommu_group *group)
{
	if (!device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY)) {
		dev_warn(dev, "ioasid: refused, its IOMMU cannot keep DMA coherent with CPU caches\n");
		return -EPERM;
	}
	if (!allow_unsafe_interrupts && !iommu_group_has_isolated_msi(group)) {
		dev_warn(dev, "ioasid: refused, no interrupt remapping; allow_unsafe_interrupts of the ioasid module overrides\n");
		return -EPERM;
	}
	if (needs_direct_map(group)) {
		dev_warn(dev, "ioasid: refused, the firmware reserved memory for its group (RMRR)\n");
		return -EPERM;
	}
	return 0;
}

/* A domain of the device's kind, only to be asked for its properties. */
static int probe_domain(struct ioasid_device *idev)
{
	struct iommu_domain *domain = ioasid_paging_domain_alloc(idev->dev);

	if (IS_ERR(domain))
		return PTR_ERR(domain);
	idev->pgsize_bitmap = domain->pgsize_bitmap;
	idev->aperture_last = domain->geometry.force_aperture ?
			      domain->geometry.aperture_end : U64_MAX;
	iommu_domain_free(domain);
	return 0;
}

/*
 * The group may only be shared within one context. Sub-devices are told apart by
 * the IOMMU and may go to several; the function that they are part of may not be
 * had beside them.
 */
static bool excludes(const struct ioasid_device *other,
		     const struct ioasid_device *idev)
{
	if (other->group != idev->group)
		return false;
	if (other->sub && idev->sub)
		return other->sub == idev->sub;
	return other->sub || idev->sub || other->dev == idev->dev ||
	       other->ctx != idev->ctx;
}

static int claim(struct ioasid_device *idev)
{
	struct ioasid_device *other;

	lockdep_assert_held(&ioasid_contexts_lock);
	list_for_each_entry(other, &bound_devices, bound_entry)
		if (excludes(other, idev))
			return -EBUSY;
	return idev->sub ? ioasid_carrier_join(idev) :
			   iommu_device_claim_dma_owner(idev->dev, idev->ctx);
}

static void disclaim(struct ioasid_device *idev)
{
	if (idev->carrier)
		ioasid_carrier_leave(idev);
	else
		iommu_device_release_dma_owner(idev->dev);
}

static int enlist(struct ioasid_device *idev)
{
	struct ioasid_ctx *ctx = idev->ctx;
	int rc;

	mutex_lock(&ioasid_contexts_lock);
	mutex_lock(&ctx->lock);
	if (ioasid_device_find(ctx, idev->cookie))
		rc = -EEXIST;
	else
		rc = claim(idev);
	if (!rc) {
		list_add_tail(&idev->entry, &ctx->devices);
		list_add_tail(&idev->bound_entry, &bound_devices);
	}
	mutex_unlock(&ctx->lock);
	mutex_unlock(&ioasid_contexts_lock);
	return rc;
}

static void device_free(struct ioasid_device *idev)
{
	xa_destroy(&idev->pasids);
	iommu_group_put(idev->group);
	put_device(idev->sub);
	put_device(idev->dev);
	ioasid_ctx_put(idev->ctx);
	kfree(idev);
}

static int bind(struct ioasid_device *idev)
{
	int rc;

	if (!idev->group)
		return -EPERM;
	rc = idev->sub ? ioasid_device_takes_pasids(idev) : 0;
	if (!rc)
		rc = check_isolation(idev->dev, idev->group);
	if (!rc)
		rc = probe_domain(idev);
	if (!rc)
		rc = enlist(idev);
	return rc;
}

static struct ioasid_device *bind_device(struct ioasid_ctx *ctx,
					 struct device *dev, struct device *sub,
					 u64 cookie, u32 flags)
{
	struct ioasid_device *idev;
	int rc;

	idev = kzalloc(sizeof(*idev), GFP_KERNEL_ACCOUNT);
	if (!idev)
		return ERR_PTR(-ENOMEM);
	kref_get(&ctx->kref);
	idev->ctx = ctx;
	idev->dev = get_device(dev);
	idev->sub = get_device(sub);
	idev->flags = flags;
	idev->group = iommu_group_get(dev);
	idev->cookie = cookie;
	xa_init(&idev->pasids);
	idev->rid = ioasid_device_rid(dev);

	rc = bind(idev);
	ioasid_trace(bind, ctx->id, idev->rid, cookie,
		     idev->group ? iommu_group_id(idev->group) : 0, rc);
	if (rc) {
		device_free(idev);
		return ERR_PTR(rc);
	}
	return idev;
}

/**
 * ioasid_device_bind - give a device to a context
 * @ctx: the context
 * @dev: the device, whose driver has driver_managed_dma
 * @cookie: its label, unique in the context
 *
 * From here on the DMA of the device's whole group is blocked unless it is
 * attached. The context stays for as long as the device is bound.
 */
struct ioasid_device *ioasid_device_bind(struct ioasid_ctx *ctx,
					 struct device *dev, u64 cookie)
{
	return bind_device(ctx, dev, NULL, cookie, 0);
}
EXPORT_SYMBOL_GPL(ioasid_device_bind);

/**
 * ioasid_subdevice_bind - give a part of a device to a context
 * @ctx: the context
 * @dev: the physical device, alone in its group, whose driver has
 *       driver_managed_dma
 * @sub: the part, for its name
 * @cookie: its label, unique in the context
 * @flags: IOASID_SUBDEVICE_*, the same for all of @dev
 *
 * All DMA of the part must carry PASIDs, those that ioasid_device_ppasid() tells.
 * Its driver uses no other PASIDs of @dev, and DMA without is blocked. Parts of
 * one device may be bound to several contexts; @dev itself is refused meanwhile
 * with -EBUSY, as they are while it is bound. -EOPNOTSUPP when @dev has no PASIDs
 * or is not alone in its group.
 *
 * What is returned is a device like others, for attach, detach and unbind.
 */
struct ioasid_device *ioasid_subdevice_bind(struct ioasid_ctx *ctx,
					    struct device *dev,
					    struct device *sub, u64 cookie,
					    u32 flags)
{
	return bind_device(ctx, dev, sub, cookie, flags);
}
EXPORT_SYMBOL_GPL(ioasid_subdevice_bind);

/*
 * One group is one source of DMA to the IOMMU: its devices are in one space, or
 * on their way from that to a child of it.
 */
static bool group_elsewhere(struct ioasid_device *idev,
			    struct ioasid_group *grp,
			    struct ioasid_group *below)
{
	struct ioasid_device *other;

	list_for_each_entry(other, &idev->ctx->devices, entry) {
		if (other->group != idev->group || !other->attached)
			continue;
		if (!(grp && ioasid_group_member(grp, other->dev)) &&
		    !(below && ioasid_group_member(below, other->dev)))
			return true;
	}
	return false;
}

static int one_missing(struct device *dev, void *arg)
{
	return 1;
}

/* The topmost place of a device; back to the one below. */
static void leave_group(struct ioasid_device *idev)
{
	struct ioasid_group *grp = idev->attached;
	struct ioasid_member *member = ioasid_group_member(grp, idev->dev);

	list_del(&member->entry);
	kfree(member);
	idev->attached = grp->below;
	if (list_empty(&grp->members))
		ioasid_group_destroy(grp);
}

/* The last member to come moves the whole group. */
static int join(struct ioasid_device *idev, struct ioasid_group *grp,
		struct ioasid_nested *nested)
{
	struct ioasid_member *member = kzalloc(sizeof(*member),
					       GFP_KERNEL_ACCOUNT);
	int rc = 0;

	if (!member) {
		if (list_empty(&grp->members))
			ioasid_group_destroy(grp);
		return -ENOMEM;
	}
	member->idev = idev;
	list_add_tail(&member->entry, &grp->members);
	idev->attached = grp;
	if (!ioasid_group_missing(grp, one_missing, NULL))
		rc = ioasid_group_install(grp, idev->dev, nested);
	if (rc)
		leave_group(idev);
	return rc;
}

static int attach_default(struct ioasid_device *idev,
			  struct ioasid_space *space,
			  struct ioasid_nested *nested)
{
	struct ioasid_group *grp = ioasid_group_find(space, idev->group);
	struct ioasid_group *below = idev->attached;

	if (below && below->space != space->parent)
		return -EBUSY;
	if (grp && grp->below != below)
		return -EBUSY;
	if (group_elsewhere(idev, grp, below))
		return -EBUSY;
	if (below && !below->domain)
		return -EDEADLK;
	if (!grp) {
		grp = ioasid_group_create(space, idev->group);
		if (IS_ERR(grp))
			return PTR_ERR(grp);
		grp->below = below;
	}
	return join(idev, grp, nested);
}

/* Is the device in a space, by default or by a PASID? */
static bool is_in(struct ioasid_device *idev, struct ioasid_space *space)
{
	struct ioasid_group *grp;
	struct ioasid_pasid *p;

	for (grp = idev->attached; grp; grp = grp->below)
		if (grp->space == space)
			return true;
	list_for_each_entry(p, &space->pasids, entry)
		if (p->idev == idev)
			return true;
	return false;
}

static int attach_locked(struct ioasid_device *idev, struct ioasid_space *space,
			 u32 pasid, struct ioasid_nested *nested)
{
	int rc;

	if (space->dead)
		return -ENOENT;
	/* v1: a child is attached where its parent is already. */
	if (space->two_step && !is_in(idev, space->parent))
		return -EINVAL;
	rc = ioasid_ptable_may_attach(idev, space, pasid);
	if (rc)
		return rc;
	if (pasid != IOASID_NO_PASID || idev->carrier)
		return ioasid_pasid_attach(idev, space, pasid, nested);
	return attach_default(idev, space, nested);
}

/* From the top: the user's own choices, and the kernel's for SVA, begin at the bottom. */
static int choose_pasid(struct ioasid_device *idev, u32 *pasid)
{
	u32 i;

	for (i = idev->dev->iommu->max_pasids; i-- > 1;) {
		if (!xa_load(&idev->pasids, i)) {
			*pasid = i;
			return 0;
		}
	}
	return idev->dev->iommu->max_pasids ? -ENOSPC : -EOPNOTSUPP;
}

static int attach_sva(struct ioasid_device *idev, struct ioasid_space *space,
		      struct iommu_sva *sva, u32 *pasid)
{
	int rc;

	mutex_lock(&idev->ctx->lock);
	mutex_lock(space->lock);
	rc = ioasid_sva_attach(idev, space, sva, pasid);
	mutex_unlock(space->lock);
	mutex_unlock(&idev->ctx->lock);
	if (rc)
		iommu_sva_unbind_device(sva);
	return rc;
}

static int attach(struct ioasid_device *idev, struct ioasid_space *space,
		  u32 pasid, u32 *maps)
{
	struct ioasid_nested *nested;
	struct ioasid_lent lent = {};
	int rc;

	if (ioasid_nested_wanted(space, idev->dev)) {
		rc = ioasid_lend_page(&lent);
		if (rc)
			return rc;
	}
	mutex_lock(&idev->ctx->lock);
	nested = ioasid_nested_prepare(space, idev->dev, &lent);
	rc = PTR_ERR_OR_ZERO(nested);
	if (!rc) {
		mutex_lock(space->lock);
		rc = attach_locked(idev, space, pasid, nested);
		*maps = space->nr_maps;
		if (!rc)
			ioasid_history_device(space, IOASID_HISTORY_ATTACH,
					      idev->rid, pasid);
		ioasid_nested_drop(nested);
		mutex_unlock(space->lock);
	}
	mutex_unlock(&idev->ctx->lock);
	ioasid_return_page(&lent);
	return rc;
}

static void enter_attach(struct ioasid_device *idev, struct ioasid_space *space,
			 u32 pasid)
{
	mutex_lock(space->lock);
	ioasid_history_device(space, IOASID_HISTORY_ATTACH, idev->rid, pasid);
	mutex_unlock(space->lock);
}

/* A PASID of the kernel's choice. */
static int attach_any(struct ioasid_device *idev, struct ioasid_space *space,
		      u32 *pasid, u32 *maps)
{
	struct iommu_sva *sva = ioasid_sva_bind(space, idev);
	int rc;

	if (sva) {
		rc = attach_sva(idev, space, sva, pasid);
		if (!rc)
			enter_attach(idev, space, *pasid);
		return rc;
	}
	/* The door lets nobody else attach the device meanwhile. */
	rc = choose_pasid(idev, pasid);
	return rc ?: attach(idev, space, *pasid, maps);
}

static int attach_either(struct ioasid_device *idev, u32 ioasid, u32 pasid,
			 u32 *any)
{
	bool on = trace_ioasid_attach_enabled();
	u64 start = ioasid_now(on);
	struct ioasid_ctx *ctx = idev->ctx;
	struct ioasid_space *space;
	int rc = -ENOENT;
	u32 maps = 0;

	ioasid_trace(attach_begin, ctx->id, ioasid, idev->rid, pasid);
	space = ioasid_space_get(ctx, ioasid);
	if (space) {
		rc = any ? attach_any(idev, space, any, &maps) :
			   attach(idev, space, pasid, &maps);
		ioasid_space_put(space);
	}
	if (any)
		pasid = *any;
	ioasid_trace(attach, ctx->id, ioasid, idev->rid, pasid, maps, rc,
		     ioasid_now(on) - start, idev->cookie);
	return rc;
}

/**
 * ioasid_device_attach - let a bound device's DMA use a space
 * @idev: the device
 * @ioasid: a space of its context
 * @pasid: which DMA, IOASID_NO_PASID: all that carries none
 *
 * In a group of several devices it takes effect with the last of them; until
 * then the group stays where it was and the space refuses commands.
 */
int ioasid_device_attach(struct ioasid_device *idev, u32 ioasid, u32 pasid)
{
	return attach_either(idev, ioasid, pasid, NULL);
}
EXPORT_SYMBOL_GPL(ioasid_device_attach);

/**
 * ioasid_device_attach_any - the same with a PASID of the kernel's choice
 * @idev: the device, which nobody else attaches at the same time
 * @ioasid: a space of its context
 * @pasid: out: the PASID
 */
int ioasid_device_attach_any(struct ioasid_device *idev, u32 ioasid, u32 *pasid)
{
	*pasid = IOASID_NO_PASID;
	return attach_either(idev, ioasid, IOASID_NO_PASID, pasid);
}
EXPORT_SYMBOL_GPL(ioasid_device_attach_any);

/* From the topmost space only: what is below has no DMA to lose. */
static int detach_default(struct ioasid_device *idev, u32 ioasid)
{
	struct ioasid_group *grp = idev->attached;
	struct ioasid_space *space;

	if (!grp)
		return -ENOENT;
	space = grp->space;
	if (space->id != ioasid) {
		while ((grp = grp->below))
			if (grp->space->id == ioasid)
				return -EBUSY;
		return -ENOENT;
	}
	mutex_lock(space->lock);
	if (grp->domain)
		ioasid_group_uninstall(grp);
	leave_group(idev);
	ioasid_history_device(space, IOASID_HISTORY_DETACH, idev->rid,
			      IOASID_NO_PASID);
	mutex_unlock(space->lock);
	return 0;
}

static int detach_pasid(struct ioasid_device *idev, u32 ioasid, u32 pasid,
			struct iommu_sva **sva)
{
	struct ioasid_pasid *p = xa_load(&idev->pasids, pasid);
	struct ioasid_space *space;

	if (!p)
		return -ENOENT;
	space = p->space;
	if (space->id != ioasid) {
		while ((p = p->below))
			if (p->space->id == ioasid)
				return -EBUSY;
		return -ENOENT;
	}
	mutex_lock(space->lock);
	if (p->sva)
		*sva = ioasid_sva_detach(p);
	else
		ioasid_pasid_detach(p);
	ioasid_history_device(space, IOASID_HISTORY_DETACH, idev->rid, pasid);
	mutex_unlock(space->lock);
	return 0;
}

/* What is in *@sva then, the caller has to unbind without ctx->lock. */
static int detach(struct ioasid_device *idev, u32 ioasid, u32 pasid,
		  struct iommu_sva **sva)
{
	bool on = trace_ioasid_detach_enabled();
	u64 start = ioasid_now(on);
	int rc;

	lockdep_assert_held(&idev->ctx->lock);
	if (pasid != IOASID_NO_PASID || idev->carrier)
		rc = detach_pasid(idev, ioasid, pasid, sva);
	else
		rc = detach_default(idev, ioasid);
	ioasid_trace(detach, idev->ctx->id, ioasid, idev->rid, pasid, rc,
		     ioasid_now(on) - start, idev->cookie);
	return rc;
}

/**
 * ioasid_device_detach - block a device's DMA again
 * @idev: the device
 * @ioasid: the space it is attached to
 * @pasid: which DMA, as at attach
 */
int ioasid_device_detach(struct ioasid_device *idev, u32 ioasid, u32 pasid)
{
	struct iommu_sva *sva = NULL;
	int rc;

	mutex_lock(&idev->ctx->lock);
	rc = detach(idev, ioasid, pasid, &sva);
	mutex_unlock(&idev->ctx->lock);
	if (sva)
		iommu_sva_unbind_device(sva);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_device_detach);

/* Those that cannot be detached under ctx->lock. */
static void detach_svas(struct ioasid_device *idev)
{
	struct iommu_sva *sva;
	struct ioasid_pasid *p;
	unsigned long pasid;

	do {
		sva = NULL;
		mutex_lock(&idev->ctx->lock);
		xa_for_each(&idev->pasids, pasid, p) {
			if (!p->sva)
				continue;
			detach(idev, p->space->id, pasid, &sva);
			break;
		}
		mutex_unlock(&idev->ctx->lock);
		if (sva)
			iommu_sva_unbind_device(sva);
	} while (sva);
}

static void detach_all(struct ioasid_device *idev)
{
	struct ioasid_pasid *p;
	unsigned long pasid;

	/* IOMMU core: no owner may leave PASIDs behind. One may be below another. */
	xa_for_each(&idev->pasids, pasid, p)
		do
			detach(idev, p->space->id, pasid, NULL);
		while ((p = xa_load(&idev->pasids, pasid)));
	while (idev->attached)
		detach(idev, idev->attached->space->id, IOASID_NO_PASID,
		       NULL);
}

/**
 * ioasid_device_unbind - take a device out of its context
 * @idev: the device; it must have stopped its DMA, and nobody attaches it any more
 */
void ioasid_device_unbind(struct ioasid_device *idev)
{
	struct ioasid_ctx *ctx = idev->ctx;

	/* May last: the kernel waits for the process's file systems. */
	detach_svas(idev);
	mutex_lock(&ioasid_contexts_lock);
	mutex_lock(&ctx->lock);
	detach_all(idev);
	list_del(&idev->entry);
	list_del(&idev->bound_entry);
	disclaim(idev);
	mutex_unlock(&ctx->lock);
	mutex_unlock(&ioasid_contexts_lock);
	ioasid_trace(unbind, ctx->id, idev->rid, idev->cookie,
		     iommu_group_id(idev->group), 0);
	device_free(idev);
}
EXPORT_SYMBOL_GPL(ioasid_device_unbind);
