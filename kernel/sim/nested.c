// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested domains: tables that user space wrote, in memory that the parent maps.
 * Every address that comes out of them, of the next table as well as of the page
 * at the end, is translated by the parent before it is used.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "sim.h"

/* Host memory behind an address of a table, NULL when it has none. */
static u64 *map_entry(struct sim_nested_walk *w, u64 addr, u32 access)
{
	struct sim_leaf leaf;
	enum ioasid_sim_status status;

	status = sim_table_access(w->parent, addr, access, &leaf);
	w->reads += leaf.reads;
	if (status || (leaf.perm & access) != access ||
	    !sim_pfns_has(w->parent, PHYS_PFN(leaf.pa)))
		return NULL;
	return kmap_local_page(pfn_to_page(PHYS_PFN(leaf.pa))) +
	       offset_in_page(leaf.pa);
}

static int read_entry(void *data, u64 addr, u64 *entry)
{
	struct sim_nested_walk *w = data;
	u64 *mem = map_entry(w, addr, IOASID_PERM_READ);

	if (!mem)
		return -EFAULT;
	/* Who makes a PASID's entry valid has written the rest of it before. */
	*entry = le64_to_cpu((__force __le64)smp_load_acquire(mem));
	w->reads++;
	kunmap_local(mem);
	return 0;
}

/* What the IOMMU notes in a table is a write, which the parent must permit. */
static int update_entry(void *data, u64 addr, u64 old, u64 new)
{
	u64 *mem = map_entry(data, addr, IOASID_PERM_READ | IOASID_PERM_WRITE);
	u64 raw_old = (__force u64)cpu_to_le64(old);
	u64 raw_new = (__force u64)cpu_to_le64(new);
	u64 seen;

	if (!mem)
		return -EFAULT;
	seen = cmpxchg(mem, raw_old, raw_new);
	kunmap_local(mem);
	return seen == raw_old ? 0 : -EAGAIN;
}

const struct ioasid_walk_ops sim_walk_ops = {
	.read = read_entry,
	.update = update_entry,
};

static const struct ioasid_walk_ops sim_read_ops = {
	.read = read_entry,
};

static enum ioasid_sim_status status_of(const struct ioasid_walk *walk)
{
	switch (walk->reason) {
	case IOASID_WALK_OK:
		return IOASID_SIM_OK;
	case IOASID_WALK_ADDRESS:
		return IOASID_SIM_FAULT_ADDRESS;
	case IOASID_WALK_PERMISSION:
		return IOASID_SIM_FAULT_PERMISSION;
	case IOASID_WALK_RESERVED_BITS:
		return IOASID_SIM_FAULT_RESERVED_BITS;
	case IOASID_WALK_TABLE:
		return IOASID_SIM_FAULT_STAGE2_WALK;
	default:
		/* Also when somebody would not let the walk note its traces. */
		return IOASID_SIM_FAULT_NOT_PRESENT;
	}
}

/* Leaves of the caches have three sizes, those of formats have more. */
static u8 cached_lg2(u8 stage1, u8 stage2)
{
	u8 lg2 = min(stage1, stage2);

	return lg2 >= SIM_LG2_1G ? SIM_LG2_1G :
	       lg2 >= SIM_LG2_2M ? SIM_LG2_2M : SIM_LG2_4K;
}

/**
 * sim_nested_walk() - translate through both stages
 * @d: a nested domain
 * @stage1: its page table, or that of a PASID
 * @va: address
 * @access: IOASID_PERM_* wanted
 * @leaf: what was found, if IOASID_SIM_OK is returned; @leaf->reads always
 *
 * Permissions have been judged. Those of @leaf are what later accesses need no
 * walk for: the first write must find its way to the dirty bit.
 * Context: sim->flight is held.
 */
enum ioasid_sim_status sim_nested_walk(struct sim_domain *d,
				       const struct sim_stage1 *stage1, u64 va,
				       u32 access, struct sim_leaf *leaf)
{
	struct sim_nested_walk w = { .parent = xa_load(&d->sim->domains, d->parent) };
	struct ioasid_walk walk = { .iova = va, .access = access };
	u32 want = access & ~IOASID_PERM_PRIV;
	enum ioasid_sim_status status;

	leaf->reads = 0;
	if (!w.parent)
		return IOASID_SIM_FAULT_STAGE2_WALK;
	ioasid_table_walk(stage1->format, &stage1->table,
			  stage1->updates ? &sim_walk_ops : &sim_read_ops, &w,
			  &walk);
	status = status_of(&walk);
	if (!status && (sim_table_access(w.parent, walk.addr, access, leaf) ||
			(leaf->perm & want) != want))
		status = IOASID_SIM_FAULT_STAGE2;
	if (status) {
		leaf->reads = w.reads;
		return status;
	}
	leaf->reads += w.reads;
	leaf->size_lg2 = cached_lg2(walk.size_lg2, leaf->size_lg2);
	leaf->gpa = walk.addr;
	leaf->perm &= walk.perm;
	if (!(access & IOASID_PERM_WRITE))
		leaf->perm &= ~IOASID_PERM_WRITE;
	return IOASID_SIM_OK;
}

/* Domain operations */

/* As many pages as a request says, or with U64_MAX everything. */
int sim_page_range(u64 addr, u64 npages, u64 *last)
{
	*last = U64_MAX;
	if (!IS_ALIGNED(addr, SZ_4K) || !npages)
		return -EINVAL;
	if (npages == U64_MAX)
		return addr ? -EINVAL : 0;
	if (npages - 1 > (U64_MAX - addr) >> SIM_LG2_4K)
		return -EINVAL;
	*last = addr + (npages << SIM_LG2_4K) - 1;
	return 0;
}

static int invalidate_one(struct sim_domain *d,
			  const struct iommu_hwpt_vtd_s1_invalidate *inv)
{
	u64 last;
	int rc;

	if (inv->flags & ~IOMMU_VTD_INV_FLAGS_LEAF)
		return -EOPNOTSUPP;
	if (inv->__reserved)
		return -EINVAL;
	rc = sim_page_range(inv->addr, inv->npages, &last);
	if (rc)
		return rc;
	down_write(&d->sim->flight);
	sim_invalidate(d, inv->addr, last);
	up_write(&d->sim->flight);
	return 0;
}

static int page_table_request(struct sim_domain *d,
			      const struct iommu_user_data_array *array, u32 i)
{
	struct iommu_hwpt_vtd_s1_invalidate inv;
	int rc = iommu_copy_struct_from_user_array(&inv, array,
						   IOASID_NESTED_TYPE +
						   d->stage1.format, i,
						   __reserved);

	return rc ?: invalidate_one(d, &inv);
}

/**
 * sim_nested_invalidate() - requests of the user who changed the table
 * @domain: a nested domain
 * @array: struct iommu_hwpt_vtd_s1_invalidate, whatever the format, or of a PASID
 *         table struct ioasid_pasid_invalidate; @entry_num says afterwards how many
 *         were carried out
 */
int sim_nested_invalidate(struct iommu_domain *domain,
			  struct iommu_user_data_array *array)
{
	struct sim_domain *d = to_sim_domain(domain);
	u32 done;
	int rc = 0;

	for (done = 0; done < array->entry_num; done++) {
		rc = d->ptable ? sim_ptable_invalidate(d, array, done) :
				 page_table_request(d, array, done);
		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		if (rc)
			break;
		cond_resched();
	}
	array->entry_num = done;
	return rc;
}

static int get_table(struct sim_domain *d, const struct iommu_user_data *data)
{
	struct sim_stage1 *s = &d->stage1;
	int rc;

	if (data->type < IOASID_NESTED_TYPE)
		return -EOPNOTSUPP;
	s->format = data->type - IOASID_NESTED_TYPE;
	if (s->format >= BITS_PER_TYPE(d->sim->args.formats) ||
	    !(d->sim->args.formats & BIT(s->format)))
		return -EOPNOTSUPP;
	s->updates = true;
	d->ptable = ioasid_pasid_format(s->format);
	rc = iommu_copy_struct_from_user(&s->table, data, data->type,
					 __reserved);
	if (rc)
		return rc;
	return d->ptable ? ioasid_pasid_table_check(s->format, &s->table) :
			   ioasid_table_check(s->format, &s->table);
}

/**
 * sim_nested_alloc() - a domain for a user's table
 * @sim: the instance
 * @parent: a domain that was allocated to be one
 * @data: where the table is: struct ioasid_table
 * @ops: operations; those that are not about nesting are the caller's
 */
struct iommu_domain *sim_nested_alloc(struct sim_instance *sim,
				      struct sim_domain *parent,
				      const struct iommu_user_data *data,
				      const struct iommu_domain_ops *ops)
{
	struct sim_domain *d;
	int rc;

	if (parent->sim != sim || !parent->parent_ok || !data)
		return ERR_PTR(-EINVAL);
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->sim = sim;
	d->parent = parent->id;
	d->domain.type = IOMMU_DOMAIN_NESTED;
	d->domain.ops = ops;
	rc = get_table(d, data);
	if (!rc)
		rc = sim_domain_enlist(d);
	if (rc) {
		kfree(d);
		return ERR_PTR(rc);
	}
	return &d->domain;
}
