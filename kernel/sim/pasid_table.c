// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested domains with a PASID table of the user's: it lies in memory that the parent
 * maps, and so do the page tables that its entries lead to. What an entry said is
 * kept in the PASID cache until that is invalidated.
 */
#include <uapi/linux/iommufd.h>

#include "sim.h"

static_assert(SIM_NO_PASID == IOASID_WITHOUT_PASID);

static enum ioasid_sim_status status_of(const struct ioasid_pasid_walk *walk)
{
	if (!walk->reason)
		return IOASID_SIM_OK;
	return walk->reason == IOASID_WALK_TABLE ? IOASID_SIM_FAULT_STAGE2_WALK :
						   IOASID_SIM_FAULT_PASID;
}

/**
 * sim_ptable_find() - where a device's PASID leads to
 * @port: the device
 * @d: the domain of its PASID table
 * @pasid: or SIM_NO_PASID
 * @stage1: out: the page table; IOASID_FORMAT_NONE: the parent's
 *
 * Context: sim->flight is held.
 */
enum ioasid_sim_status sim_ptable_find(struct sim_port *port,
				       struct sim_domain *d, u32 pasid,
				       struct sim_stage1 *stage1)
{
	struct sim_nested_walk w = {
		.parent = xa_load(&d->sim->domains, d->parent),
	};
	struct ioasid_pasid_walk walk = { .pasid = pasid };

	if (!w.parent)
		return IOASID_SIM_FAULT_STAGE2_WALK;
	ioasid_pasid_table_walk(d->stage1.format, &d->stage1.table,
				&sim_walk_ops, &w, &walk);
	sim_count(d->sim, SIM_STAT_READS, w.reads);
	*stage1 = (struct sim_stage1) {
		.format = walk.format,
		.updates = walk.updates,
		.table = walk.table,
	};
	if (walk.format != IOASID_FORMAT_NONE)
		sim_pasid_insert(port, pasid, d->id, stage1);
	return status_of(&walk);
}

static int check_request(struct sim_domain *d,
			 const struct ioasid_pasid_invalidate *inv)
{
	const u32 caches = IOASID_CACHE_IOTLB | IOASID_CACHE_DEVTLB |
			   IOASID_CACHE_PASID;

	if (inv->flags & ~(IOASID_INVALIDATE_LEAF | IOASID_INVALIDATE_PASID) ||
	    inv->caches & ~caches)
		return -EOPNOTSUPP;
	if (inv->__reserved || !inv->caches)
		return -EINVAL;
	if (!(inv->flags & IOASID_INVALIDATE_PASID))
		return inv->pasid ? -EINVAL : 0;
	return inv->pasid >> d->stage1.table.addr_width ? -EINVAL : 0;
}

/**
 * sim_ptable_invalidate() - one request of the user who changed a table
 * @d: a domain with a PASID table
 * @array: struct ioasid_pasid_invalidate
 * @i: which of them
 */
int sim_ptable_invalidate(struct sim_domain *d,
			  const struct iommu_user_data_array *array, u32 i)
{
	struct sim_scope scope = { .domain = d->id };
	struct ioasid_pasid_invalidate inv;
	int rc;

	rc = iommu_copy_struct_from_user_array(&inv, array,
					       IOASID_NESTED_TYPE +
					       d->stage1.format, i, __reserved);
	if (!rc)
		rc = check_request(d, &inv);
	if (!rc)
		rc = sim_page_range(inv.addr, inv.npages, &scope.last);
	if (rc)
		return rc;
	scope.first = inv.addr;
	scope.caches = inv.caches;
	scope.pasid = inv.pasid;
	scope.by_pasid = inv.flags & IOASID_INVALIDATE_PASID;
	scope.with_default = ioasid_pasid_is_default(&d->stage1.table,
						     inv.pasid);
	down_write(&d->sim->flight);
	sim_invalidate_scope(d->sim, &scope);
	up_write(&d->sim->flight);
	return 0;
}
