// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kind SVA: IOVAs are addresses of the process that allocated the space.
 *
 * There are two engines, and with IOASID_ALLOC_SVA_PINNED a third (sva_pinned.c).
 * Where the kernel lends a process's own page table to an
 * IOMMU (iommu_sva_bind_device()), a PASID that it chooses leads there; the kernel's
 * fault handler answers, and nothing of ours is involved. Everywhere else, and for
 * every other way to attach, an IOMMU domain follows the process (mirror.c).
 *
 * The kernel takes mmap_lock when it binds, and a lock that somebody may hold who
 * waits for that one when it unbinds. So both are done without ctx->lock and
 * space->lock; what serializes them is the device's own lock, which its door holds.
 */
#include <linux/iommu.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "mirror.h"

/**
 * ioasid_sva_bind - a device's use of a process's own page table
 * @space: the space
 * @idev: the device
 *
 * Context: no locks but the device's.
 * Returns NULL where that is not to be had; then a domain has to do.
 */
struct iommu_sva *ioasid_sva_bind(struct ioasid_space *space,
				  struct ioasid_device *idev)
{
	struct iommu_sva *sva;
	struct mm_struct *mm;

	/* Numbers of sub-devices are not the kernel's to choose here. */
	if (space->kind != IOASID_KIND_SVA || idev->carrier ||
	    (space->flags & (IOASID_ALLOC_ENFORCE_SNOOP |
			     IOASID_ALLOC_SVA_PINNED)) ||
	    ioasid_device_takes_pasids(idev))
		return NULL;
	mm = space->mirror->mm;
	if (!mmget_not_zero(mm))
		return NULL;
	sva = iommu_sva_bind_device(idev->dev, mm);
	mmput(mm);
	return IS_ERR(sva) ? NULL : sva;
}

/**
 * ioasid_sva_attach - enter what ioasid_sva_bind() made into the space
 * @idev: the device
 * @space: the space
 * @sva: what was made; the caller unbinds it if this fails
 * @pasid: out: the PASID
 */
int ioasid_sva_attach(struct ioasid_device *idev, struct ioasid_space *space,
		      struct iommu_sva *sva, u32 *pasid)
{
	struct ioasid_pasid *p;
	int rc;

	lockdep_assert_held(&idev->ctx->lock);
	lockdep_assert_held(space->lock);
	*pasid = iommu_sva_get_pasid(sva);
	if (space->dead)
		return -ENOENT;
	rc = ioasid_ptable_may_attach(idev, space, *pasid);
	if (rc)
		return rc;
	/* The process is bound to the device already, in another space. */
	if (xa_load(&idev->pasids, *pasid))
		return -EBUSY;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	INIT_LIST_HEAD(&p->resv);
	p->idev = idev;
	p->space = space;
	p->pasid = *pasid;
	p->ppasid = *pasid;
	p->sva = sva;
	rc = xa_err(xa_store(&idev->pasids, *pasid, p, GFP_KERNEL_ACCOUNT));
	if (rc) {
		kfree(p);
		return rc;
	}
	list_add_tail(&p->entry, &space->pasids);
	WRITE_ONCE(p->live, true);
	return 0;
}

/**
 * ioasid_sva_detach - take a PASID of ioasid_sva_attach() out of its space
 * @p: the PASID
 *
 * Returns what the caller has to unbind once it has dropped ctx->lock; the device's
 * DMA is blocked then.
 */
struct iommu_sva *ioasid_sva_detach(struct ioasid_pasid *p)
{
	struct iommu_sva *sva = p->sva;

	lockdep_assert_held(&p->idev->ctx->lock);
	lockdep_assert_held(p->space->lock);
	WRITE_ONCE(p->live, false);
	list_del(&p->entry);
	xa_erase(&p->idev->pasids, p->pasid);
	kfree_rcu(p, rcu);
	return sva;
}

/**
 * ioasid_sva_show - which engines a space uses now
 * @s: where
 * @space: the space; its context is locked
 */
void ioasid_sva_show(struct seq_file *s, struct ioasid_space *space)
{
	bool sva = space->kind == IOASID_KIND_SVA;
	bool mirror = sva && !list_empty(&space->groups), cpu = false;
	bool pinned = ioasid_space_is_pinned(space);
	struct ioasid_pasid *p;

	list_for_each_entry(p, &space->pasids, entry) {
		cpu |= !!p->sva;
		mirror |= sva && !p->sva;
	}
	seq_printf(s, "ioasid-engine-%u:\t%s%s%s\n", space->id,
		   cpu ? "cpu" : "", cpu && mirror ? " " : "",
		   mirror ? pinned ? "pinned" : "mirror" : cpu ? "" : "none");
}
