// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains that are a process's address space (SVA): the table is the CPU's, read
 * and marked (accessed, dirty) in place, as an IOMMU does it which shares it.
 *
 * Nothing of it is cached: what the CPU's table says at the moment of the access is
 * all that counts. So invalidations have only one thing to do, to wait for accesses
 * that began before. They come under spinlocks; hence sim->sva_lock, under which
 * translation and access of a page are one step, as they are under sim->flight.
 *
 * Only what user space may touch itself can be reached, also by privileged requests.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "sim.h"

/* Tables are ordinary memory: the kernel allocates them in its direct map. */
static u64 *table_entry(u64 addr)
{
	return pfn_valid(PHYS_PFN(addr)) ? phys_to_virt(addr) : NULL;
}

static int read_entry(void *data, u64 addr, u64 *entry)
{
	u64 *mem = table_entry(addr);

	if (!mem)
		return -EFAULT;
	*entry = READ_ONCE(*mem);
	++*(u32 *)data;
	return 0;
}

static int update_entry(void *data, u64 addr, u64 old, u64 new)
{
	u64 *mem = table_entry(addr);

	if (!mem)
		return -EFAULT;
	return try_cmpxchg(mem, &old, new) ? 0 : -EAGAIN;
}

static const struct ioasid_walk_ops sva_walk_ops = {
	.read = read_entry,
	.update = update_entry,
};

/* As gup does it: tables that go away wait for interrupts to be possible. */
static void walk_cpu_table(struct mm_struct *mm, struct ioasid_walk *walk,
			   u32 *reads)
{
	bool five = pgtable_l5_enabled();
	struct ioasid_table table = {
		.addr = __pa(mm->pgd),
		.addr_width = five ? 57 : 48,
	};
	unsigned long flags;

	local_irq_save(flags);
	ioasid_table_walk(five ? IOASID_FORMAT_X86_64_5LEVEL :
				 IOASID_FORMAT_X86_64_4LEVEL,
			  &table, &sva_walk_ops, reads, walk);
	local_irq_restore(flags);
}

/* Memory that the kernel itself has lost sight of (memfd_secret) stays a secret. */
bool sim_touchable(u64 pa)
{
	u8 byte;

	if (!page_is_ram(PHYS_PFN(pa)))
		return false;
	__get_kernel_nofault(&byte, page_address(pfn_to_page(PHYS_PFN(pa))), u8,
			     fault);
	return true;
fault:
	return false;
}

static enum ioasid_sim_status status_of(const struct ioasid_walk *walk)
{
	switch (walk->reason) {
	case IOASID_WALK_OK:
		return IOASID_SIM_OK;
	case IOASID_WALK_PERMISSION:
		return IOASID_SIM_FAULT_PERMISSION;
	case IOASID_WALK_RESERVED_BITS:
		return IOASID_SIM_FAULT_RESERVED_BITS;
	default:
		return IOASID_SIM_FAULT_NOT_PRESENT;
	}
}

/**
 * sim_sva_translate() - where the process would get to
 * @d: a domain that is one
 * @x: the access
 *
 * Context: sim->sva_lock is held for reading; what @x->pa says is true until it is
 * dropped.
 */
enum ioasid_sim_status sim_sva_translate(struct sim_domain *d,
					 struct sim_xlate *x)
{
	struct ioasid_walk walk = {
		.iova = x->va,
		.access = x->access & ~IOASID_PERM_PRIV,
	};
	enum ioasid_sim_status status;
	u32 reads = 0;

	if (x->va >= TASK_SIZE_MAX)
		return IOASID_SIM_FAULT_ADDRESS;
	if (d->sva_gone)
		return IOASID_SIM_FAULT_NOT_PRESENT;
	walk_cpu_table(d->domain.mm, &walk, &reads);
	sim_count(d->sim, SIM_STAT_WALKS, 1);
	sim_count(d->sim, SIM_STAT_READS, reads);
	status = status_of(&walk);
	x->pa = walk.addr;
	if (!status && !sim_touchable(x->pa))
		status = IOASID_SIM_FAULT_ADDRESS;
	return status;
}

/* The process's table has changed, or ends. */

static void sva_invalidate(struct mmu_notifier *mn, struct mm_struct *mm,
			   unsigned long start, unsigned long end)
{
	struct sim_domain *d = container_of(mn, struct sim_domain, notifier);

	write_lock(&d->sim->sva_lock);
	write_unlock(&d->sim->sva_lock);
	sim_count(d->sim, SIM_STAT_INVALIDATIONS, 1);
}

static void sva_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct sim_domain *d = container_of(mn, struct sim_domain, notifier);

	write_lock(&d->sim->sva_lock);
	d->sva_gone = true;
	write_unlock(&d->sim->sva_lock);
}

static const struct mmu_notifier_ops sva_notifier_ops = {
	.arch_invalidate_secondary_tlbs = sva_invalidate,
	.release = sva_release,
};

/**
 * sim_sva_alloc() - a domain for a process
 * @sim: the instance
 * @mm: the process, which the IOMMU core keeps for the domain
 * @ops: operations; those that are not about SVA are the caller's
 */
struct iommu_domain *sim_sva_alloc(struct sim_instance *sim,
				   struct mm_struct *mm,
				   const struct iommu_domain_ops *ops)
{
	struct sim_domain *d;
	int rc;

	if (!(sim->args.caps & IOASID_SIM_CAP_PASID))
		return ERR_PTR(-EOPNOTSUPP);
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->sim = sim;
	d->sva = true;
	d->domain.type = IOMMU_DOMAIN_SVA;
	d->domain.ops = ops;
	d->notifier.ops = &sva_notifier_ops;
	rc = mmu_notifier_register(&d->notifier, mm);
	if (rc)
		goto out_free;
	rc = sim_domain_enlist(d);
	if (rc)
		goto out_unregister;
	return &d->domain;

out_unregister:
	mmu_notifier_unregister(&d->notifier, mm);
out_free:
	kfree(d);
	return ERR_PTR(rc);
}

/* Nobody is attached to it. */
void sim_sva_free(struct sim_domain *d)
{
	mmu_notifier_unregister(&d->notifier, d->domain.mm);
}
