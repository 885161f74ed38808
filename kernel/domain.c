// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU domains of a space: what they hold, and the DMA attached to them.
 *
 * Devices whose IOMMUs accept the same domain share one; the others get one of
 * their own, filled with the mappings that are there. All run under
 * space->lock.
 */
#include <linux/iommu.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

/* A scatterlist entry counts bytes in 32 bits. */
#define SG_PAGES_MAX	(1UL << (31 - PAGE_SHIFT))
/* Pieces that need no allocation: half a KiB of stack. */
#define SMALL_SG	16

/*
 * IOMMU_CACHE always: only devices behind IOMMUs that can be coherent are let
 * in (ioasid_device_bind() and VFIO see to that).
 */
int ioasid_iommu_prot(u32 prot)
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

	len = next_piece(in, in->d->small ? 1 : ULONG_MAX, &pfn, &mmio);
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

/* Room for all that is still to go, or for a page of it. */
static struct scatterlist *new_scatterlist(const struct install *in,
					   struct scatterlist *small,
					   unsigned int *max)
{
	struct scatterlist *sgl = small;

	*max = min_t(unsigned long, in->pages->nr_runs - in->run,
		     PAGE_SIZE / sizeof(*sgl));
	if (*max <= SMALL_SG)
		*max = SMALL_SG;
	else
		sgl = kmalloc_array(*max, sizeof(*sgl), GFP_KERNEL);
	if (sgl)
		sg_init_table(sgl, *max);
	return sgl;
}

/* Scatterlists are merged again where they are contiguous: not for one piece. */
static bool goes_alone(const struct install *in)
{
	const struct ioasid_run *run = &in->pages->runs[in->run];
	unsigned long left = in->end - in->index;

	return in->d->small || run->mmio ||
	       ioasid_run_len(in->pages, in->run) -
	       (in->index - run->first) >= left;
}

/* Not inlined: kernels that clear stacks would clear the list for every page. */
static noinline int install_pieces(struct install *in)
{
	struct scatterlist small[SMALL_SG], *sgl = NULL;
	unsigned int max = 0;
	int rc = 0;

	while (!rc && in->index < in->end) {
		if (goes_alone(in)) {
			rc = install_piece(in);
			if (in->d->small)
				cond_resched();
			continue;
		}
		if (!sgl) {
			sgl = new_scatterlist(in, small, &max);
			if (!sgl)
				return -ENOMEM;
		}
		rc = install_batch(in, sgl, max);
		cond_resched();
	}
	if (sgl != small)
		kfree(sgl);
	return rc;
}

static int install_all(struct install *in)
{
	int rc = 0;

	if (goes_alone(in))
		rc = install_piece(in);
	return rc || in->index == in->end ? rc : install_pieces(in);
}

/**
 * ioasid_domain_map - enter a slice into a domain's I/O page table
 * @d: the domain
 * @s: the slice, its pages pinned
 *
 * All or nothing. A nested domain has no table of the kernel's.
 */
int ioasid_domain_map(struct ioasid_domain *d, const struct ioasid_slice *s)
{
	struct install in = {
		.d = d,
		.pages = s->pages,
		.iova = s->iova,
		.index = s->first,
		.end = s->first + s->npages,
		.prot = ioasid_iommu_prot(s->prot),
	};
	int rc;

	if (d->parent)
		return 0;
	in.run = ioasid_pages_find(s->pages, s->first);
	rc = install_all(&in);
	if (rc && in.iova != s->iova)
		iommu_unmap(d->domain, s->iova, in.iova - s->iova);
	return rc;
}

/**
 * ioasid_domain_unmap - clear a slice from a domain's I/O page table
 * @d: the domain
 * @s: the slice
 *
 * Devices may use the memory until ioasid_domain_sync().
 */
void ioasid_domain_unmap(struct ioasid_domain *d, const struct ioasid_slice *s)
{
	size_t size = ioasid_slice_size(s);

	if (d->parent)
		return;
	WARN_ON_ONCE(iommu_unmap_fast(d->domain, s->iova, size,
				      &d->gather) != size);
	if (!d->cleared) {
		d->cleared_first = s->iova;
		d->cleared_last = s->iova;
	}
	d->cleared_first = min(d->cleared_first, s->iova);
	d->cleared_last = max(d->cleared_last, s->iova + size - 1);
	d->cleared = true;
}

/**
 * ioasid_nested_domains - domains whose IOMMU walks a user-managed table itself
 * @space: the space, its lock or that of the context held
 */
u32 ioasid_nested_domains(const struct ioasid_space *space)
{
	const struct ioasid_domain *d;
	u32 nr = 0;

	list_for_each_entry(d, &space->domains, entry)
		nr += !!d->parent;
	return nr;
}

/**
 * ioasid_domain_sync - make IOTLBs forget what was cleared
 * @d: the domain
 *
 * Returns whether there was anything.
 */
bool ioasid_domain_sync(struct ioasid_domain *d)
{
	if (!d->cleared)
		return false;
	iommu_iotlb_sync(d->domain, &d->gather);
	d->cleared = false;
	return true;
}

struct fill {
	struct ioasid_domain *d;
	unsigned long end;	/* where it stopped */
};

static int fill_slice(struct ioasid_space *space, const struct ioasid_slice *s,
		      void *arg)
{
	struct fill *fill = arg;

	fill->end = s->iova;
	return ioasid_domain_map(fill->d, s);
}

static int clear_slice(struct ioasid_space *space, const struct ioasid_slice *s,
		       void *arg)
{
	ioasid_domain_unmap(arg, s);
	return 0;
}

static void domain_clear(struct ioasid_space *space, struct ioasid_domain *d,
			 unsigned long last)
{
	/* What follows a process is cleared when the domain is freed. */
	if (d->mirror)
		return;
	ioasid_visit_slices(space, 0, last, clear_slice, d);
	ioasid_domain_sync(d);
}

static int domain_fill(struct ioasid_space *space, struct ioasid_domain *d)
{
	struct fill fill = { .d = d };
	int rc;

	if (d->mirror)
		return ioasid_space_is_pinned(space) ?
			       ioasid_pinned_fill_domain(d->mirror, d) : 0;
	rc = ioasid_visit_slices(space, 0, ULONG_MAX, fill_slice, &fill);
	if (rc && fill.end)
		domain_clear(space, d, fill.end - 1);
	return rc;
}

static bool domain_covers(const struct iommu_domain *domain,
			  unsigned long first, unsigned long last)
{
	const struct iommu_domain_geometry *geo = &domain->geometry;

	return !geo->force_aperture ||
	       (first >= geo->aperture_start && last <= geo->aperture_end);
}

/* Would all that was promised at ALLOC fit? */
static bool keeps_promise(const struct ioasid_space *space,
			  const struct iommu_domain *domain)
{
	return !space->addr_width ||
	       domain_covers(domain, domain->geometry.aperture_start,
			     space->last_iova);
}

/* Would all that is mapped? */
static int domain_check(struct ioasid_space *space,
			const struct iommu_domain *domain)
{
	struct interval_tree_node *node;

	/* Place-holders count: they will be installed without another look. */
	for (node = interval_tree_iter_first(&space->maps, 0, ULONG_MAX); node;
	     node = interval_tree_iter_next(node, 0, ULONG_MAX))
		if (!domain_covers(domain, node->start, node->last))
			return -EINVAL;
	return 0;
}

static struct ioasid_attachment *source_at(const struct ioasid_source *source)
{
	return source->group ? &source->group->at : &source->pasid->at;
}

static int attach(const struct ioasid_source *source, struct ioasid_domain *d)
{
	struct ioasid_group *grp = source->group;

	if (!grp)
		return iommu_attach_device_pasid(d->domain, source->dev,
						 source->pasid->ppasid,
						 &source->pasid->at.handle);
	if (!d->asks)
		return iommu_attach_group(d->domain, grp->group);
	return iommu_attach_group_handle(d->domain, grp->group,
					 &grp->at.handle);
}

/**
 * ioasid_source_attach - let DMA into a domain
 * @source: the DMA
 * @d: the domain
 *
 * Returns -EOPNOTSUPP when the domain is for devices that ask for pages, and this
 * one does not.
 */
int ioasid_source_attach(const struct ioasid_source *source,
			 struct ioasid_domain *d)
{
	int rc = d->asks ? ioasid_asking_get(source) : 0;

	if (rc)
		return rc;
	source_at(source)->domain = d;
	rc = attach(source, d);
	if (!rc)
		ioasid_domain_enter_source(d, source_at(source));
	else if (d->asks)
		ioasid_asking_put(source);
	return rc == -ENODEV && d->asks ? -EOPNOTSUPP : rc;
}

/**
 * ioasid_source_detach - undo ioasid_source_attach()
 * @source: the DMA; pages it has asked for are answered
 * @d: the domain
 */
void ioasid_source_detach(const struct ioasid_source *source,
			  struct ioasid_domain *d)
{
	struct ioasid_group *grp = source->group;

	if (!grp)
		iommu_detach_device_pasid(d->domain, source->dev,
					  source->pasid->ppasid);
	else if (d->asks)
		iommu_detach_group_handle(d->domain, grp->group);
	else
		iommu_detach_group(d->domain, grp->group);
	ioasid_domain_leave_source(d, source_at(source));
	if (!d->asks)
		return;
	ioasid_attachment_cancel(source_at(source));
	ioasid_asking_put(source);
}

/**
 * ioasid_domain_new - a domain that is in no space yet
 * @dev: for which it was made
 * @domain: the IOMMU driver's, from now on ours
 */
struct ioasid_domain *ioasid_domain_new(struct device *dev,
					struct iommu_domain *domain)
{
	struct ioasid_domain *d;

	if (IS_ERR(domain))
		return ERR_CAST(domain);
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d) {
		iommu_domain_free(domain);
		return ERR_PTR(-ENOMEM);
	}
	d->domain = domain;
	spin_lock_init(&d->attachments_lock);
	INIT_LIST_HEAD(&d->attachments);
	iommu_iotlb_gather_init(&d->gather);
	/*
	 * Cannot be had later: entries without the snoop bit may exist then. Not
	 * to be asked for where the IOMMU cannot: VT-d promises it for a domain
	 * that nothing is attached to, and then refuses every attach.
	 */
	if (device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY) &&
	    domain->ops->enforce_cache_coherency)
		d->enforces = domain->ops->enforce_cache_coherency(domain);
	return d;
}

/**
 * ioasid_domain_free - undo ioasid_domain_new()
 * @d: a domain that is in no space
 */
void ioasid_domain_free(struct ioasid_domain *d)
{
	if (d->mirror)
		ioasid_mirror_leave(d);
	iommu_domain_free(d->domain);
	ioasid_queue_put(d->queue);
	kfree(d);
}

static void domain_enter(struct ioasid_space *space, struct ioasid_domain *d)
{
	list_add_tail(&d->entry, &space->domains);
	space->nr_domains++;
}

static void domain_leave(struct ioasid_space *space, struct ioasid_domain *d)
{
	list_del(&d->entry);
	space->nr_domains--;
}

/* The first one for which the kernel follows a table: limits and fills what it does. */
static int domain_follow(struct ioasid_space *space, struct ioasid_domain *d)
{
	int rc;

	domain_enter(space, d);
	rc = ioasid_shadow_start(space);
	if (rc)
		domain_leave(space, d);
	return rc;
}

/**
 * ioasid_domain_add - fill a domain with what a space maps and keep it so
 * @space: the space
 * @d: a new domain
 */
int ioasid_domain_add(struct ioasid_space *space, struct ioasid_domain *d)
{
	int rc = 0;

	lockdep_assert_held(space->lock);
	if ((space->flags & IOASID_ALLOC_ENFORCE_SNOOP) && !d->enforces)
		return -EINVAL;
	if (!d->parent && !keeps_promise(space, d->domain))
		return -EINVAL;
	d->small = ioasid_space_has_dirty(space);
	if (!d->parent && space->kind == IOASID_KIND_USER && !space->shadowed)
		return domain_follow(space, d);
	if (!d->parent)
		rc = domain_check(space, d->domain) ?: domain_fill(space, d);
	if (!rc)
		domain_enter(space, d);
	return rc;
}

/* Nobody tells what changes in a table when nobody is there to be told. */
static void stop_following(struct ioasid_space *space)
{
	struct ioasid_domain *d;

	list_for_each_entry(d, &space->domains, entry)
		if (!d->parent)
			return;
	ioasid_shadow_stop(space);
}

/**
 * ioasid_domain_put - one user of a space's domain less
 * @space: the space, its lock held
 * @d: the domain, to which the user is not attached any more
 */
void ioasid_domain_put(struct ioasid_space *space, struct ioasid_domain *d)
{
	struct ioasid_domain *parent = d->parent;

	lockdep_assert_held(space->lock);
	if (--d->users)
		return;
	domain_leave(space, d);
	if (!parent) {
		ioasid_dirty_keep(space, d);
		domain_clear(space, d, ULONG_MAX);
	}
	ioasid_domain_free(d);
	if (parent)
		ioasid_domain_put(space->parent, parent);
	else
		stop_following(space);
}

static struct ioasid_domain *domain_share(struct ioasid_space *space,
					  const struct ioasid_source *source)
{
	bool enforces = device_iommu_capable(source->dev,
					     IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
	struct ioasid_domain *d;

	list_for_each_entry(d, &space->domains, entry) {
		if (d->enforces == enforces &&
		    ioasid_domain_faults_fit(space, d) &&
		    !ioasid_source_attach(source, d))
			return d;
	}
	return NULL;
}

static struct ioasid_domain *domain_create(struct ioasid_space *space,
					   const struct ioasid_source *source,
					   struct ioasid_nested *nested)
{
	struct ioasid_domain *d;
	int rc;

	d = ioasid_nested_take(nested);
	if (!d)
		d = ioasid_domain_new(source->dev, ioasid_space_has_dirty(space) ?
				      ioasid_dirty_domain(space, source->dev, 0) :
				      ioasid_paging_domain_alloc(source->dev));
	if (IS_ERR(d))
		return d;
	/* Before a device can ask for a page. */
	if (space->mirror)
		ioasid_mirror_enter(space->mirror, d);
	ioasid_domain_takes_faults(space, d);
	/* Some drivers know a domain's limits only once it is attached. */
	rc = ioasid_source_attach(source, d);
	if (!rc) {
		rc = ioasid_domain_add(space, d);
		if (rc)
			ioasid_source_detach(source, d);
	}
	if (!rc)
		return d;
	if (d->parent)
		ioasid_domain_put(space->parent, d->parent);
	ioasid_domain_free(d);
	return ERR_PTR(rc);
}

/**
 * ioasid_domain_attach - let DMA use a space
 * @space: the space, its lock held
 * @source: the DMA, which is owned and blocked
 * @nested: what ioasid_nested_prepare() said for it
 *
 * Returns -EINVAL when the IOMMU does not fit the space or what is mapped in
 * it; then nothing changed.
 */
struct ioasid_domain *ioasid_domain_attach(struct ioasid_space *space,
					   const struct ioasid_source *source,
					   struct ioasid_nested *nested)
{
	struct ioasid_domain *d;
	int rc;

	lockdep_assert_held(space->lock);
	rc = ioasid_dirty_may_attach(space, source->dev, nested);
	if (rc)
		return ERR_PTR(rc);
	d = domain_share(space, source);
	if (!d)
		d = domain_create(space, source, nested);
	if (!IS_ERR(d))
		d->users++;
	return d;
}

/**
 * ioasid_domain_detach - block DMA again
 * @space: the space, its lock held
 * @d: what ioasid_domain_attach() returned
 * @source: for this
 */
void ioasid_domain_detach(struct ioasid_space *space, struct ioasid_domain *d,
			  const struct ioasid_source *source)
{
	ioasid_source_detach(source, d);
	ioasid_domain_put(space, d);
}

/**
 * ioasid_domain_move - attach DMA elsewhere in the same space
 * @space: the space, its lock held
 * @source: the DMA
 * @from: where it is; stays, for ioasid_domain_put() or the way back
 * @to: a new domain
 */
int ioasid_domain_move(struct ioasid_space *space,
		       const struct ioasid_source *source,
		       struct ioasid_domain *from, struct ioasid_domain *to)
{
	int rc;

	ioasid_domain_takes_faults(space, to);
	rc = ioasid_domain_add(space, to);
	if (rc)
		return rc;
	ioasid_source_detach(source, from);
	rc = ioasid_source_attach(source, to);
	if (rc) {
		WARN_ON(ioasid_source_attach(source, from));
		domain_leave(space, to);
		if (!to->parent)
			domain_clear(space, to, ULONG_MAX);
		return rc;
	}
	to->users = 1;
	return 0;
}

/**
 * ioasid_domain_move_back - undo ioasid_domain_move()
 * @space: the space, its lock held
 * @source: the DMA
 * @from: where it was
 * @to: where it is; goes
 */
int ioasid_domain_move_back(struct ioasid_space *space,
			    const struct ioasid_source *source,
			    struct ioasid_domain *from,
			    struct ioasid_domain *to)
{
	int rc;

	ioasid_source_detach(source, to);
	rc = ioasid_source_attach(source, from);
	ioasid_domain_put(space, to);
	return rc;
}

static bool resv_hit(const struct list_head *resvs, unsigned long first,
		     unsigned long last)
{
	struct iommu_resv_region *resv;

	list_for_each_entry(resv, resvs, list)
		if (ioasid_resv_blocks(resv) && last >= resv->start &&
		    first <= resv->start + resv->length - 1)
			return true;
	return false;
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
	struct ioasid_domain *d;
	struct ioasid_group *grp;
	struct ioasid_pasid *p;

	lockdep_assert_held(space->lock);
	if (last > space->last_iova)
		return false;
	list_for_each_entry(d, &space->domains, entry)
		if (!domain_covers(d->domain, first, last))
			return false;
	list_for_each_entry(grp, &space->groups, entry)
		if (resv_hit(&grp->resv, first, last))
			return false;
	list_for_each_entry(p, &space->pasids, entry)
		if (resv_hit(&p->resv, first, last))
			return false;
	return true;
}
