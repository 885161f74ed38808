// SPDX-License-Identifier: GPL-2.0-only
/* ioasid_testiommu: domains, what they map, dirty tracking. */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "testiommu.h"
#include "testiommu_compat.h"

/* A MAP and its pages */
struct ti_map {
	struct list_head entry;
	u64 iova;
	unsigned long npages;
	bool write;
	struct page *pages[];
};

struct ti_domain *ti_find_domain(struct ti_file *file, u32 nr)
{
	return nr < TESTIOMMU_DOMAINS ? file->domains[nr] : NULL;
}

static struct iommu_domain *alloc_domain(struct ti_file *file,
					 const struct testiommu_op *op)
{
	struct ti_domain *parent = ti_find_domain(file, op->domain);
	struct iommu_user_data data = {
		.type = op->type,
		.uptr = u64_to_user_ptr(op->addr),
		.len = op->size,
	};

	if (op->flags == TESTIOMMU_IDENTITY)
		return file->dev->iommu->iommu_dev->ops->identity_domain ?:
		       ERR_PTR(-EOPNOTSUPP);
	if (op->flags & TESTIOMMU_IDENTITY)
		return ERR_PTR(-EINVAL);
	if (op->flags & TESTIOMMU_SVA)
		return ti_alloc_sva(file->dev);
	if (!(op->flags & TESTIOMMU_NESTED))
		return ti_alloc_paging(file->dev, op->value);
	return parent ? ti_alloc_nested(file->dev, parent->domain, &data) :
			ERR_PTR(-ENOENT);
}

/* That of the driver is there for ever. */
static void free_domain(struct iommu_domain *domain)
{
	if (domain->type != IOMMU_DOMAIN_IDENTITY)
		iommu_domain_free(domain);
}

long ti_op_alloc(struct ti_file *file, const struct testiommu_op *op)
{
	struct iommu_domain *domain;
	struct ti_domain *d;
	u32 nr;

	for (nr = 0; nr < TESTIOMMU_DOMAINS && file->domains[nr]; nr++)
		;
	if (nr == TESTIOMMU_DOMAINS)
		return -ENOSPC;
	domain = alloc_domain(file, op);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d) {
		free_domain(domain);
		return -ENOMEM;
	}
	if (domain->type != IOMMU_DOMAIN_IDENTITY)
		domain->owner = file->dev->iommu->iommu_dev->ops;
	if (op->flags & TESTIOMMU_FAULTABLE)
		domain->iopf_handler = ti_handle;
	d->domain = domain;
	INIT_LIST_HEAD(&d->maps);
	file->domains[nr] = d;
	return nr;
}

static void put_pages(struct ti_map *map)
{
	unpin_user_pages_dirty_lock(map->pages, map->npages, map->write);
	kvfree(map);
}

static void drop_map(struct ti_domain *d, struct ti_map *map)
{
	iommu_unmap(d->domain, map->iova, map->npages << PAGE_SHIFT);
	list_del(&map->entry);
	put_pages(map);
}

void ti_drop_domain(struct ti_file *file, u32 nr)
{
	struct ti_domain *d = file->domains[nr];
	struct ti_map *map, *next;

	list_for_each_entry_safe(map, next, &d->maps, entry)
		drop_map(d, map);
	free_domain(d->domain);
	kfree(d);
	file->domains[nr] = NULL;
}

long ti_op_free(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = ti_find_domain(file, op->domain);

	if (!d)
		return -ENOENT;
	if (d->users)
		return -EBUSY;
	ti_drop_domain(file, op->domain);
	return 0;
}

/* Pages that follow each other in memory become one call. */
static int map_pages(struct ti_domain *d, struct ti_map *map)
{
	int prot = IOMMU_READ | (map->write ? IOMMU_WRITE : 0);
	unsigned long i, n;
	int rc;

	for (i = 0; i < map->npages; i += n) {
		for (n = 1; i + n < map->npages; n++)
			if (page_to_pfn(map->pages[i + n]) !=
			    page_to_pfn(map->pages[i]) + n)
				break;
		rc = iommu_map(d->domain, map->iova + (i << PAGE_SHIFT),
			       page_to_phys(map->pages[i]), n << PAGE_SHIFT,
			       prot, GFP_KERNEL);
		if (rc) {
			iommu_unmap(d->domain, map->iova, i << PAGE_SHIFT);
			return rc;
		}
	}
	return 0;
}

long ti_op_map(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = ti_find_domain(file, op->domain);
	unsigned long npages = op->size >> PAGE_SHIFT;
	struct ti_map *map;
	long rc;

	if (!d)
		return -ENOENT;
	if (!npages || npages > 4096 || d->domain->type == IOMMU_DOMAIN_IDENTITY)
		return -EINVAL;
	map = kvzalloc(struct_size(map, pages, npages), GFP_KERNEL);
	if (!map)
		return -ENOMEM;
	map->iova = op->iova;
	map->write = op->flags & TESTIOMMU_WRITE;
	rc = pin_user_pages_fast(op->addr, npages, FOLL_LONGTERM |
				 (map->write ? FOLL_WRITE : 0), map->pages);
	map->npages = max(rc, 0L);
	if (rc >= 0)
		rc = rc == npages ? map_pages(d, map) : -EFAULT;
	if (rc)
		put_pages(map);
	else
		list_add(&map->entry, &d->maps);
	return rc;
}

long ti_op_unmap(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = ti_find_domain(file, op->domain);
	struct ti_map *map;

	if (!d)
		return -ENOENT;
	list_for_each_entry(map, &d->maps, entry) {
		if (map->iova == op->iova) {
			drop_map(d, map);
			return 0;
		}
	}
	return -ENOENT;
}

long ti_op_phys(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = ti_find_domain(file, op->domain);
	u64 phys;

	if (!d)
		return -ENOENT;
	phys = iommu_iova_to_phys(d->domain, op->iova);
	return put_user(phys, (u64 __user *)u64_to_user_ptr(op->addr));
}

/* Dirty tracking */

long ti_op_track(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = ti_find_domain(file, op->domain);

	if (!d)
		return -ENOENT;
	if (!d->domain->dirty_ops)
		return -EOPNOTSUPP;
	return d->domain->dirty_ops->set_dirty_tracking(d->domain, op->value);
}

/* False: nothing is dirty. Otherwise the hull of what is, in whole leaves. */
static bool dirty_hull(struct iommu_domain *domain, u64 first, u64 last,
		       unsigned long flags, struct iommu_iotlb_gather *hull)
{
	struct iommu_dirty_bitmap dirty;

	iommu_dirty_bitmap_init(&dirty, NULL, hull);
	return !domain->dirty_ops->read_and_clear_dirty(domain, first,
							last - first + 1, flags,
							&dirty) && hull->end;
}

/*
 * The hull of a range begins with its first dirty leaf, and that leaf's own hull is
 * the leaf. Only the second question clears, so nothing is cleared that is not
 * seen; one flush at the end makes later writes visible again.
 */
static void read_dirty(struct iommu_domain *domain, u64 first, u64 last,
		       unsigned long flags, unsigned long *bits)
{
	struct iommu_iotlb_gather hull, all;
	u64 at = first, from, to;

	iommu_iotlb_gather_init(&all);
	while (at <= last &&
	       dirty_hull(domain, at, last, IOMMU_DIRTY_NO_CLEAR, &hull)) {
		at = hull.start;
		if (!dirty_hull(domain, at, at, flags, &hull))
			break;
		from = max_t(u64, hull.start, first);
		to = min_t(u64, hull.end, last);
		bitmap_set(bits, (from - first) >> PAGE_SHIFT,
			   ((to - from) >> PAGE_SHIFT) + 1);
		iommu_iotlb_gather_add_range(&all, hull.start,
					     hull.end - hull.start + 1);
		at = hull.end + 1;
		cond_resched();
	}
	if (all.end && !(flags & IOMMU_DIRTY_NO_CLEAR))
		iommu_iotlb_sync(domain, &all);
}

long ti_op_dirty(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = ti_find_domain(file, op->domain);
	unsigned long npages = op->size >> PAGE_SHIFT, *bits;
	long n;

	if (!d)
		return -ENOENT;
	if (!d->domain->dirty_ops)
		return -EOPNOTSUPP;
	if (!npages || npages > 1 << 20)
		return -EINVAL;
	bits = kvcalloc(BITS_TO_LONGS(npages), sizeof(long), GFP_KERNEL);
	if (!bits)
		return -ENOMEM;
	read_dirty(d->domain, op->iova,
		   op->iova + ((u64)npages << PAGE_SHIFT) - 1,
		   op->flags & TESTIOMMU_KEEP ? IOMMU_DIRTY_NO_CLEAR : 0, bits);
	n = bitmap_weight(bits, npages);
	if (copy_to_user(u64_to_user_ptr(op->addr), bits,
			 BITS_TO_LONGS(npages) * sizeof(long)))
		n = -EFAULT;
	kvfree(bits);
	return n;
}
