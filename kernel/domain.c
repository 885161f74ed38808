// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU domains of a space, and the groups attached to them.
 *
 * Groups whose IOMMUs accept the same domain share one; the others get one of
 * their own, filled with the mappings that are there. All run under
 * space->lock.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

/* A scatterlist entry counts bytes in 32 bits. */
#define SG_PAGES_MAX	(1UL << (31 - PAGE_SHIFT))

/*
 * IOMMU_CACHE always: only devices behind IOMMUs that can be coherent are let
 * in (ioasid_device_bind() and VFIO see to that).
 */
static int iommu_prot(u32 prot)
{
	return IOMMU_CACHE | (prot & IOASID_MAP_READ ? IOMMU_READ : 0) |
	       (prot & IOASID_MAP_WRITE ? IOMMU_WRITE : 0);
}

/* Where a mapping is in its pages while it is being installed. */
struct install {
	struct ioasid_domain *d;
	const struct ioasid_pages *pages;
	unsigned long iova;		/* next address */
	unsigned long index, end;	/* pages still to go */
	unsigned int run;		/* the run @index is in */
	int prot;
};

/* The next contiguous piece of at most @max pages. */
static unsigned long next_piece(struct install *in, unsigned long max,
				unsigned long *pfn, bool *mmio)
{
	const struct ioasid_run *run = &in->pages->runs[in->run];
	unsigned long off = in->index - run->first;
	unsigned long len = ioasid_run_len(in->pages, in->run) - off;

	*pfn = run->pfn + off;
	*mmio = run->mmio;
	if (len <= in->end - in->index && len <= max)
		in->run++;
	else
		len = min3(len, in->end - in->index, max);
	in->index += len;
	return len;
}

static int install_piece(struct install *in)
{
	unsigned long pfn, len;
	bool mmio;
	int rc;

	len = next_piece(in, ULONG_MAX, &pfn, &mmio);
	rc = iommu_map(in->d->domain, in->iova, PFN_PHYS(pfn), len * PAGE_SIZE,
		       in->prot, GFP_KERNEL_ACCOUNT);
	if (!rc)
		in->iova += len * PAGE_SIZE;
	return rc;
}

/*
 * Many pieces in one call: the IOMMU driver is told once that new entries are
 * there. In a virtual machine this costs an exit, whatever the number.
 */
static int install_batch(struct install *in, struct scatterlist *sgl,
			 unsigned int max)
{
	unsigned long pfn, len, total = 0;
	unsigned int n = 0;
	ssize_t mapped;
	bool mmio;

	while (n < max && in->index < in->end &&
	       !in->pages->runs[in->run].mmio) {
		len = next_piece(in, SG_PAGES_MAX, &pfn, &mmio);
		sg_set_page(&sgl[n++], pfn_to_page(pfn), len * PAGE_SIZE, 0);
		total += len * PAGE_SIZE;
	}
	mapped = iommu_map_sg(in->d->domain, in->iova, sgl, n, in->prot,
			      GFP_KERNEL_ACCOUNT);
	if (mapped < 0)
		return mapped;
	in->iova += mapped;
	return mapped == total ? 0 : -EINVAL;
}

static int install_all(struct install *in)
{
	const unsigned int max = PAGE_SIZE / sizeof(struct scatterlist);
	struct scatterlist *sgl = NULL;
	int rc = 0;

	while (!rc && in->index < in->end) {
		unsigned long left = in->end - in->index;
		const struct ioasid_run *run = &in->pages->runs[in->run];
		bool last = ioasid_run_len(in->pages, in->run) -
			    (in->index - run->first) >= left;

		if (last || run->mmio) {
			rc = install_piece(in);
			continue;
		}
		if (!sgl) {
			sgl = kmalloc_array(max, sizeof(*sgl), GFP_KERNEL);
			if (!sgl)
				return -ENOMEM;
			sg_init_table(sgl, max);
		}
		rc = install_batch(in, sgl, max);
		cond_resched();
	}
	kfree(sgl);
	return rc;
}

/**
 * ioasid_domain_map - enter a mapping into a domain's I/O page table
 * @d: the domain
 * @m: the mapping, its pages pinned
 *
 * All or nothing.
 */
int ioasid_domain_map(struct ioasid_domain *d, struct ioasid_mapping *m)
{
	struct install in = {
		.d = d,
		.pages = m->pages,
		.iova = m->node.start,
		.index = m->first,
		.end = m->first + ioasid_mapping_npages(m),
		.run = ioasid_pages_find(m->pages, m->first),
		.prot = iommu_prot(m->prot),
	};
	int rc = install_all(&in);

	if (rc && in.iova != m->node.start)
		iommu_unmap(d->domain, m->node.start, in.iova - m->node.start);
	return rc;
}

/**
 * ioasid_domain_unmap - clear a mapping from a domain's I/O page table
 * @d: the domain
 * @m: the mapping
 * @gather: collects what the IOTLB must forget; devices may use the memory
 *          until iommu_iotlb_sync()
 */
void ioasid_domain_unmap(struct ioasid_domain *d, struct ioasid_mapping *m,
			 struct iommu_iotlb_gather *gather)
{
	size_t size = ioasid_mapping_size(m);

	WARN_ON_ONCE(iommu_unmap_fast(d->domain, m->node.start, size,
				      gather) != size);
}

static void domain_clear(struct ioasid_space *space, struct ioasid_domain *d,
			 struct ioasid_mapping *end)
{
	struct iommu_iotlb_gather gather;
	struct ioasid_mapping *m;

	iommu_iotlb_gather_init(&gather);
	ioasid_for_each_mapping(m, space, 0, ULONG_MAX) {
		if (m == end)
			break;
		ioasid_domain_unmap(d, m, &gather);
		cond_resched();
	}
	iommu_iotlb_sync(d->domain, &gather);
}

static int domain_fill(struct ioasid_space *space, struct ioasid_domain *d)
{
	struct ioasid_mapping *m;
	int rc;

	ioasid_for_each_mapping(m, space, 0, ULONG_MAX) {
		rc = ioasid_domain_map(d, m);
		if (rc) {
			domain_clear(space, d, m);
			return rc;
		}
		cond_resched();
	}
	return 0;
}

static bool domain_covers(const struct iommu_domain *domain,
			  unsigned long first, unsigned long last)
{
	const struct iommu_domain_geometry *geo = &domain->geometry;

	return !geo->force_aperture ||
	       (first >= geo->aperture_start && last <= geo->aperture_end);
}

/* Would all that is mapped, and all that was promised at ALLOC, fit? */
static int domain_check(struct ioasid_space *space,
			const struct iommu_domain *domain)
{
	struct interval_tree_node *node;

	if (space->addr_width &&
	    !domain_covers(domain, domain->geometry.aperture_start,
			   space->last_iova))
		return -EINVAL;

	/* Place-holders count: they will be installed without another look. */
	for (node = interval_tree_iter_first(&space->maps, 0, ULONG_MAX); node;
	     node = interval_tree_iter_next(node, 0, ULONG_MAX))
		if (!domain_covers(domain, node->start, node->last))
			return -EINVAL;
	return 0;
}

static struct ioasid_domain *domain_create(struct ioasid_group *grp,
					   struct device *dev)
{
	struct ioasid_space *space = grp->space;
	struct ioasid_domain *d;
	int rc;

	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->domain = ioasid_paging_domain_alloc(dev);
	if (IS_ERR(d->domain)) {
		rc = PTR_ERR(d->domain);
		goto out_free;
	}

	/*
	 * Cannot be had later: entries without the snoop bit may exist then. Not
	 * to be asked for where the IOMMU cannot: VT-d promises it for a domain
	 * that nothing is attached to, and then refuses every attach.
	 */
	if (device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY) &&
	    d->domain->ops->enforce_cache_coherency)
		d->enforces =
			d->domain->ops->enforce_cache_coherency(d->domain);
	if ((space->flags & IOASID_ALLOC_ENFORCE_SNOOP) && !d->enforces) {
		rc = -EINVAL;
		goto out_domain;
	}

	/* Some drivers know a domain's limits only once it is attached. */
	rc = iommu_attach_group(d->domain, grp->group);
	if (rc)
		goto out_domain;
	rc = domain_check(space, d->domain);
	if (rc)
		goto out_detach;
	rc = domain_fill(space, d);
	if (rc)
		goto out_detach;
	list_add_tail(&d->entry, &space->domains);
	space->nr_domains++;
	return d;

out_detach:
	iommu_detach_group(d->domain, grp->group);
out_domain:
	iommu_domain_free(d->domain);
out_free:
	kfree(d);
	return ERR_PTR(rc);
}

static struct ioasid_domain *domain_share(struct ioasid_group *grp,
					  struct device *dev)
{
	bool enforces = device_iommu_capable(dev,
					     IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
	struct ioasid_domain *d;

	list_for_each_entry(d, &grp->space->domains, entry) {
		if (d->enforces == enforces &&
		    !iommu_attach_group(d->domain, grp->group))
			return d;
	}
	return NULL;
}

static int resv_check(struct ioasid_group *grp)
{
	struct iommu_resv_region *resv;

	list_for_each_entry(resv, &grp->resv, list) {
		if (ioasid_resv_blocks(resv) &&
		    interval_tree_iter_first(&grp->space->maps, resv->start,
					     resv->start + resv->length - 1))
			return -EINVAL;
	}
	return 0;
}

/**
 * ioasid_group_install - let a group's DMA use the space
 * @grp: all of whose members are attached
 * @dev: one of its devices, to ask the IOMMU driver about
 *
 * Context: space->lock is held, the group's DMA is owned and blocked.
 * Returns -EINVAL when the IOMMU does not fit the space or what is mapped in
 * it; then nothing changed, for this group and all others.
 */
int ioasid_group_install(struct ioasid_group *grp, struct device *dev)
{
	struct ioasid_domain *d;
	int rc;

	lockdep_assert_held(&grp->space->lock);
	rc = resv_check(grp);
	if (rc)
		return rc;
	d = domain_share(grp, dev);
	if (!d)
		d = domain_create(grp, dev);
	if (IS_ERR(d))
		return PTR_ERR(d);
	d->users++;
	grp->domain = d;
	grp->space->nr_partial--;
	return 0;
}

/**
 * ioasid_group_uninstall - block a group's DMA again
 * @grp: an installed group
 *
 * Context: space->lock is held.
 */
void ioasid_group_uninstall(struct ioasid_group *grp)
{
	struct ioasid_space *space = grp->space;
	struct ioasid_domain *d = grp->domain;

	lockdep_assert_held(&space->lock);
	iommu_detach_group(d->domain, grp->group);
	grp->domain = NULL;
	space->nr_partial++;
	if (--d->users)
		return;
	list_del(&d->entry);
	space->nr_domains--;
	domain_clear(space, d, NULL);
	iommu_domain_free(d->domain);
	kfree(d);
}

/* The group flavour hands out copies that are simply freed. */
static void free_resv(struct ioasid_group *grp)
{
	struct iommu_resv_region *resv, *next;

	list_for_each_entry_safe(resv, next, &grp->resv, list)
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

	lockdep_assert_held(&space->lock);
	grp = kzalloc(sizeof(*grp), GFP_KERNEL_ACCOUNT);
	if (!grp)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&grp->resv);
	rc = iommu_get_group_resv_regions(group, &grp->resv);
	if (rc) {
		free_resv(grp);
		kfree(grp);
		return ERR_PTR(rc);
	}
	INIT_LIST_HEAD(&grp->members);
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
	lockdep_assert_held(&grp->space->lock);
	list_del(&grp->entry);
	grp->space->nr_partial--;
	free_resv(grp);
	iommu_group_put(grp->group);
	kfree(grp);
}

struct missing {
	struct ioasid_group *grp;
	int (*fn)(struct device *dev, void *arg);
	void *arg;
};

static int check_missing(struct device *dev, void *arg)
{
	struct missing *missing = arg;
	struct ioasid_device *idev;

	/* Bridges forward what their devices do and have no DMA to attach. */
	if (dev_is_pci(dev) && pci_is_bridge(to_pci_dev(dev)))
		return 0;
	list_for_each_entry(idev, &missing->grp->members, member)
		if (idev->dev == dev)
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

/**
 * ioasid_iova_permitted - may a range be mapped, as far as IOMMUs are concerned?
 * @space: its lock held
 * @first: first address
 * @last: last address
 */
bool ioasid_iova_permitted(struct ioasid_space *space, unsigned long first,
			   unsigned long last)
{
	struct iommu_resv_region *resv;
	struct ioasid_domain *d;
	struct ioasid_group *grp;

	lockdep_assert_held(&space->lock);
	if (last > space->last_iova)
		return false;
	list_for_each_entry(d, &space->domains, entry)
		if (!domain_covers(d->domain, first, last))
			return false;
	list_for_each_entry(grp, &space->groups, entry)
		list_for_each_entry(resv, &grp->resv, list)
			if (ioasid_resv_blocks(resv) && first <= resv->start +
			    resv->length - 1 && last >= resv->start)
				return false;
	return true;
}
