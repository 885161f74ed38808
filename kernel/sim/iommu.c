// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the IOMMU core asks of an IOMMU driver.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "sim.h"
#include "compat.h"

static struct sim_port *dev_port(struct device *dev)
{
	return dev_iommu_priv_get(dev);
}

/* Domains */

int sim_domain_enlist(struct sim_domain *d)
{
	struct sim_instance *sim = d->sim;
	int rc;

	/* Cyclic: the number of a domain that is gone finds nothing. */
	rc = xa_alloc_cyclic(&sim->domains, &d->id, d,
			     XA_LIMIT(SIM_NO_DOMAIN + 1, U32_MAX),
			     &sim->next_domain, GFP_KERNEL_ACCOUNT);
	if (rc < 0)
		return rc;
	kref_get(&sim->kref);
	/* A domain outlives its devices when somebody keeps it. */
	__module_get(THIS_MODULE);
	return 0;
}

/* Nobody is attached to it, nor to one nested on it. */
void sim_domain_free(struct sim_domain *d)
{
	struct sim_instance *sim = d->sim;

	down_write(&sim->flight);
	xa_erase(&sim->domains, d->id);
	sim_invalidate(d, 0, U64_MAX);
	up_write(&sim->flight);
	if (d->sva)
		sim_sva_free(d);
	else if (!d->parent)
		sim_table_exit(d);
	kfree(d);
	sim_instance_put(sim);
	module_put(THIS_MODULE);
}

static void sim_free(struct iommu_domain *domain)
{
	sim_domain_free(to_sim_domain(domain));
}

/* The only domain operations that need the IOMMU: tables are our own. */

static int sim_map_pages(struct iommu_domain *domain, unsigned long iova,
			 phys_addr_t pa, size_t pgsize, size_t pgcount, int prot,
			 gfp_t gfp, size_t *mapped)
{
	return sim_table_map(to_sim_domain(domain), iova, pa, ilog2(pgsize),
			     pgcount, prot, gfp, mapped);
}

static size_t sim_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			      size_t pgsize, size_t pgcount,
			      struct iommu_iotlb_gather *gather)
{
	size_t done = sim_table_unmap(to_sim_domain(domain), iova,
				      pgsize * pgcount);

	if (done)
		iommu_iotlb_gather_add_range(gather, iova, done);
	return done;
}

static phys_addr_t sim_iova_to_phys(struct iommu_domain *domain,
				    dma_addr_t iova)
{
	struct sim_domain *d = to_sim_domain(domain);
	enum ioasid_sim_status status;
	struct sim_leaf leaf;

	down_read(&d->sim->flight);
	status = sim_table_walk(d, iova, &leaf);
	up_read(&d->sim->flight);
	return status ? 0 : leaf.pa;
}

/*
 * There is no counterpart for new entries, iotlb_sync_map: no cache ever holds
 * that something is not there.
 */
static void flush(struct sim_domain *d, u64 first, u64 last)
{
	down_write(&d->sim->flight);
	sim_invalidate(d, first, last);
	sim_table_settle(d);
	up_write(&d->sim->flight);
}

static void sim_iotlb_sync(struct iommu_domain *domain,
			   struct iommu_iotlb_gather *gather)
{
	flush(to_sim_domain(domain), gather->start, gather->end);
}

static void sim_flush_iotlb_all(struct iommu_domain *domain)
{
	flush(to_sim_domain(domain), 0, U64_MAX);
}

/* Only an empty table: entries without the snoop bit stay without. */
static bool sim_enforce_cache_coherency(struct iommu_domain *domain)
{
	struct sim_domain *d = to_sim_domain(domain);

	if (!(d->sim->args.caps & IOASID_SIM_CAP_ENFORCE_SNOOP))
		return false;
	mutex_lock(&d->lock);
	if (sim_table_empty(d))
		d->snoop = true;
	mutex_unlock(&d->lock);
	return d->snoop;
}

/* Attaching */

/* On newer kernels nobody else says that the device shall ask for pages. */
#define SIM_ASKS	XA_MARK_0

/* Under sim->flight, held for writing. */
static int swap_domain(struct sim_port *port, u32 pasid, struct sim_domain *d,
		       bool asks, struct sim_domain **old, bool *asked)
{
	if (pasid == SIM_NO_PASID) {
		*old = port->domain;
		*asked = port->asks;
		port->domain = d;
		port->asks = asks;
		return 0;
	}
	*asked = xa_get_mark(&port->pasids, pasid, SIM_ASKS);
	/* The slot exists: nothing is allocated here. */
	*old = xa_store(&port->pasids, pasid, d, GFP_NOWAIT);
	if (xa_is_err(*old))
		return xa_err(*old);
	if (asks)
		xa_set_mark(&port->pasids, pasid, SIM_ASKS);
	else
		xa_clear_mark(&port->pasids, pasid, SIM_ASKS);
	return 0;
}

/* A PASID table is the domain of DMA with any PASID, too. */
static void forget(struct sim_port *port, u32 pasid, const struct sim_domain *old,
		   const struct sim_domain *d)
{
	if (pasid == SIM_NO_PASID && ((old && old->ptable) || (d && d->ptable)))
		sim_forget_pasids(port);
	else
		sim_forget_port(port, pasid);
}

/* Gives a device, or a PASID of it, another domain, or with NULL none. */
static int sim_change(struct sim_port *port, u32 pasid, struct sim_domain *d)
{
	bool asks = d && compat_asks_by_domain() && d->domain.iopf_handler;
	struct sim_domain *old;
	bool asked;
	int rc;

	if (d && pasid != SIM_NO_PASID) {
		rc = xa_reserve(&port->pasids, pasid, GFP_KERNEL_ACCOUNT);
		if (rc)
			return rc;
	}
	rc = asks ? sim_asking_get(port) : 0;
	if (rc) {
		xa_release(&port->pasids, pasid);
		return rc;
	}
	down_write(&port->sim->flight);
	rc = swap_domain(port, pasid, d, asks, &old, &asked);
	if (!rc)
		forget(port, pasid, old, d);
	up_write(&port->sim->flight);
	if (rc)
		asked = asks;
	else if (old)
		sim_pages_drain(port, old);
	if (asked)
		sim_asking_put(port);
	return rc;
}

static int sim_attach_dev(struct iommu_domain *domain, struct device *dev)
{
	struct sim_domain *d = to_sim_domain(domain);
	struct sim_port *port = dev_port(dev);

	if (!d->identity && d->sim != port->sim)
		return -EINVAL;
	return sim_change(port, SIM_NO_PASID, d);
}

static int sim_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
			     ioasid_t pasid, struct iommu_domain *old)
{
	struct sim_domain *d = to_sim_domain(domain);
	struct sim_port *port = dev_port(dev);

	/* One PASID cannot lead to a table of PASIDs. */
	if (d->sim != port->sim || d->ptable)
		return -EINVAL;
	return sim_change(port, pasid, d);
}

static int sim_block_dev(struct iommu_domain *domain, struct device *dev)
{
	return sim_change(dev_port(dev), SIM_NO_PASID, NULL);
}

static int sim_block_dev_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid, struct iommu_domain *old)
{
	return sim_change(dev_port(dev), pasid, NULL);
}

static const struct iommu_domain_ops sim_blocked_ops = {
	.attach_dev = compat_sim_block_dev,
	COMPAT_IOMMU_BLOCKED_OPS
};

static struct iommu_domain sim_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &sim_blocked_ops,
};

/*
 * One for all devices of all instances. It is also the default of those whose
 * "firmware" still uses them (IOASID_SIM_RESV_DIRECT): the core does not let such
 * devices be blocked.
 */
static const struct iommu_domain_ops sim_identity_ops = {
	.attach_dev = compat_sim_attach_dev,
};

static struct sim_domain sim_identity = {
	.domain = {
		.type = IOMMU_DOMAIN_IDENTITY,
		.ops = &sim_identity_ops,
		.owner = &sim_iommu_ops,
	},
	.identity = true,
};

static const struct iommu_domain_ops sim_paging_ops = {
	.attach_dev = compat_sim_attach_dev,
	.set_dev_pasid = sim_set_dev_pasid,
	.map_pages = sim_map_pages,
	.unmap_pages = sim_unmap_pages,
	.flush_iotlb_all = sim_flush_iotlb_all,
	.iotlb_sync = sim_iotlb_sync,
	.iova_to_phys = sim_iova_to_phys,
	.enforce_cache_coherency = sim_enforce_cache_coherency,
	.free = sim_free,
};

static const struct iommu_domain_ops sim_nested_ops = {
	.attach_dev = compat_sim_attach_dev,
	.set_dev_pasid = sim_set_dev_pasid,
	.cache_invalidate_user = sim_nested_invalidate,
	.free = sim_free,
};

static const struct iommu_domain_ops sim_sva_ops = {
	.set_dev_pasid = sim_set_dev_pasid,
	.free = sim_free,
};

static int check_paging_flags(struct sim_instance *sim, u32 flags)
{
	const u32 known = IOMMU_HWPT_ALLOC_NEST_PARENT |
			  IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
			  COMPAT_IOMMU_HWPT_ALLOC_PASID;

	if (flags & ~known)
		return -EOPNOTSUPP;
	if ((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) &&
	    !(sim->args.caps & IOASID_SIM_CAP_NESTING))
		return -EOPNOTSUPP;
	if ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) &&
	    !(sim->args.caps & IOASID_SIM_CAP_DIRTY))
		return -EOPNOTSUPP;
	if ((flags & COMPAT_IOMMU_HWPT_ALLOC_PASID) &&
	    !(sim->args.caps & IOASID_SIM_CAP_PASID))
		return -EOPNOTSUPP;
	return 0;
}

static struct iommu_domain *sim_alloc_paging(struct device *dev, u32 flags,
					     const struct iommu_user_data *data)
{
	struct sim_instance *sim = dev_port(dev)->sim;
	struct sim_domain *d;
	int rc;

	rc = data ? -EOPNOTSUPP : check_paging_flags(sim, flags);
	if (rc)
		return ERR_PTR(rc);
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->sim = sim;
	d->parent_ok = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	d->domain.type = IOMMU_DOMAIN_UNMANAGED;
	d->domain.ops = &sim_paging_ops;
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		d->domain.dirty_ops = &sim_dirty_ops;
	d->domain.pgsize_bitmap = sim->args.pgsize_bitmap;
	d->domain.geometry.aperture_end =
		GENMASK_ULL(sim->args.addr_width - 1, 0);
	d->domain.geometry.force_aperture = true;
	rc = sim_table_init(d);
	if (rc)
		goto out_free;
	rc = sim_domain_enlist(d);
	if (rc)
		goto out_table;
	return &d->domain;

out_table:
	sim_table_exit(d);
out_free:
	kfree(d);
	return ERR_PTR(rc);
}

static struct iommu_domain *sim_alloc_plain(struct device *dev)
{
	return sim_alloc_paging(dev, 0, NULL);
}

static struct iommu_domain *
sim_alloc_nested(struct device *dev, struct iommu_domain *parent, u32 flags,
		 const struct iommu_user_data *data)
{
	struct sim_instance *sim = dev_port(dev)->sim;

	if (!(sim->args.caps & IOASID_SIM_CAP_NESTING) ||
	    (flags & (IOMMU_HWPT_ALLOC_NEST_PARENT |
		      IOMMU_HWPT_ALLOC_DIRTY_TRACKING)))
		return ERR_PTR(-EOPNOTSUPP);
	if (check_paging_flags(sim, flags))
		return ERR_PTR(-EOPNOTSUPP);
	if (parent->ops != &sim_paging_ops)
		return ERR_PTR(-EINVAL);
	return sim_nested_alloc(sim, to_sim_domain(parent), data,
				&sim_nested_ops);
}

static struct iommu_domain *sim_alloc_sva(struct device *dev,
					  struct mm_struct *mm)
{
	return sim_sva_alloc(dev_port(dev)->sim, mm, &sim_sva_ops);
}

/* Devices */

static bool sim_capable(struct device *dev, enum iommu_cap cap)
{
	u32 caps = dev_port(dev)->sim->args.caps;

	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return !(caps & IOASID_SIM_CAP_NON_COHERENT);
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return caps & IOASID_SIM_CAP_ENFORCE_SNOOP;
	case IOMMU_CAP_DIRTY_TRACKING:
		return caps & IOASID_SIM_CAP_DIRTY;
	default:
		return false;
	}
}

static void *sim_hw_info(struct device *dev, u32 *length,
			 COMPAT_HW_INFO_TYPE *type)
{
	struct ioasid_hw_info *info = kzalloc(sizeof(*info), GFP_KERNEL);

	if (!info)
		return ERR_PTR(-ENOMEM);
	info->formats = dev_port(dev)->sim->args.formats;
	if (dev_port(dev)->sim->args.caps & IOASID_SIM_CAP_PRI)
		info->flags |= IOASID_HW_PAGE_REQUESTS;
	*length = sizeof(*info);
	*type = IOASID_NESTED_TYPE;
	return info;
}

static struct iommu_device *sim_probe_device(struct device *dev)
{
	struct sim_port *port = sim_dev_port(dev);

	if (!port)
		return ERR_PTR(-ENODEV);
	dev_iommu_priv_set(dev, port);
	return &port->sim->iommu;
}

static void sim_release_device(struct device *dev)
{
	sim_asking_end(dev_port(dev));
}

/* The group of the first of the device's fellows that has one. */
static struct iommu_group *sim_device_group(struct device *dev)
{
	struct sim_port *port = dev_port(dev);
	u32 size = port->sim->args.group_size;
	u32 first = rounddown(port->index, size);
	struct iommu_group *group;
	u32 i;

	for (i = first; i < port->index; i++) {
		group = iommu_group_get(&port->sim->ports[i].pdev->dev);
		if (group)
			return group;
	}
	return iommu_group_alloc();
}

static void sim_get_resv_regions(struct device *dev, struct list_head *list)
{
	static const enum iommu_resv_type types[] = {
		[IOASID_SIM_RESV_RESERVED] = IOMMU_RESV_RESERVED,
		[IOASID_SIM_RESV_MSI] = IOMMU_RESV_MSI,
		[IOASID_SIM_RESV_DIRECT] = IOMMU_RESV_DIRECT,
	};
	const struct ioasid_sim_create *args = &dev_port(dev)->sim->args;
	struct iommu_resv_region *region;
	u32 i;

	for (i = 0; i < args->nr_resv; i++) {
		const struct ioasid_sim_resv *resv = &args->resv[i];

		region = iommu_alloc_resv_region(resv->start,
						 resv->last - resv->start + 1,
						 IOMMU_READ | IOMMU_WRITE,
						 types[resv->type], GFP_KERNEL);
		if (region)
			list_add_tail(&region->list, list);
	}
}

#define SIM_IOMMU_OPS							\
	.capable = sim_capable,						\
	.hw_info = sim_hw_info,						\
	.domain_alloc_paging = sim_alloc_plain,				\
	.domain_alloc_sva = sim_alloc_sva,				\
	.probe_device = sim_probe_device,				\
	.release_device = sim_release_device,				\
	.page_response = sim_page_response,				\
	.device_group = sim_device_group,				\
	.get_resv_regions = sim_get_resv_regions,			\
	.blocked_domain = &sim_blocked_domain,				\
	.identity_domain = &sim_identity.domain,			\
	.release_domain = &sim_blocked_domain,				\
	.user_pasid_table = 1,						\
	.default_domain_ops = &sim_paging_ops,				\
	.owner = THIS_MODULE,						\
	COMPAT_IOMMU_OPS

const struct iommu_ops sim_iommu_ops = {
	SIM_IOMMU_OPS
	.default_domain = &sim_blocked_domain,
};

/* The bitmap of dirty pages, in kernels that have it */
COMPAT_IMPORT_NS(IOMMUFD);

const struct iommu_ops sim_iommu_direct_ops = {
	SIM_IOMMU_OPS
	.default_domain = &sim_identity.domain,
};
