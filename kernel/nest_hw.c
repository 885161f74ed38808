// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware nesting (RFC v1, 5.4): IOMMUs that walk a user-managed table and pass
 * what comes out of it through the parent's.
 *
 * The parent gets a domain of its own for it, made when it is first needed and
 * kept like any other: some IOMMUs restrict what such a domain may hold, which
 * shall not hurt those who do not nest.
 *
 * IOMMU drivers read the description of a user's table from user memory
 * themselves. Theirs is what a page shows that is lent to the process for the
 * time of the call, and pinned, so that we can write to it. Another thread may
 * write, too; drivers judge what they read. It may also put something else there
 * that takes its time to be read (a file of FUSE): nobody shall wait for that
 * with our locks held, so the page is lent without any, and drivers get EFAULT
 * when it is not there any more.
 */
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/ioasid_table.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "ioasid_private.h"

struct ioasid_nested {
	struct ioasid_space *space;
	struct ioasid_domain *d;
};

/**
 * ioasid_lend_page - a page for IOMMU drivers to read
 * @lent: out
 *
 * Context: no locks, user space can make this last.
 */
int ioasid_lend_page(struct ioasid_lent *lent)
{
	unsigned long addr = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	int rc;

	if (IS_ERR_VALUE(addr))
		return addr;
	rc = pin_user_pages_fast(addr, 1, FOLL_WRITE, &lent->page);
	if (rc != 1) {
		vm_munmap(addr, PAGE_SIZE);
		return rc < 0 ? rc : -EFAULT;
	}
	lent->addr = addr;
	return 0;
}

/**
 * ioasid_return_page - undo ioasid_lend_page()
 * @lent: what it filled, or zeroes
 *
 * Context: no locks
 */
void ioasid_return_page(struct ioasid_lent *lent)
{
	if (!lent->page)
		return;
	unpin_user_page(lent->page);
	vm_munmap(lent->addr, PAGE_SIZE);
}

static bool is_x86(u32 format)
{
	return format == IOASID_FORMAT_X86_64_4LEVEL ||
	       format == IOASID_FORMAT_X86_64_5LEVEL;
}

static bool is_vtd(struct device *dev)
{
	u32 type;

	kfree(compat_hw_info(dev, &type));
	return type == IOMMU_HW_INFO_TYPE_INTEL_VTD;
}

/* VT-d specification 10.4: capability registers */
#define VTD_CAP_FL5LP	BIT_ULL(60)
#define VTD_ECAP_NEST	BIT_ULL(26)
#define VTD_ECAP_FLTS	BIT_ULL(47)

static u64 vtd_formats(const struct iommu_hw_info_vtd *info)
{
	if (!(info->ecap_reg & VTD_ECAP_NEST) ||
	    !(info->ecap_reg & VTD_ECAP_FLTS))
		return 0;
	return BIT_ULL(IOASID_FORMAT_X86_64_4LEVEL) |
	       (info->cap_reg & VTD_CAP_FL5LP ?
		BIT_ULL(IOASID_FORMAT_X86_64_5LEVEL) : 0);
}

/**
 * ioasid_nested_formats - what an IOMMU can walk
 * @dev: a device behind it
 *
 * Returns a bit for each enum ioasid_format.
 */
u64 ioasid_nested_formats(struct device *dev)
{
	u64 formats = 0;
	u32 type;
	void *info = compat_hw_info(dev, &type);

	if (info && type == IOMMU_HW_INFO_TYPE_INTEL_VTD)
		formats = vtd_formats(info);
	else if (info && type == IOASID_NESTED_TYPE)
		formats = ((struct ioasid_hw_info *)info)->formats;
	kfree(info);
	return formats;
}

/* What the driver calls this format; it refuses what it does not know. */
static u32 table_type(struct device *dev, u32 format)
{
	if (is_vtd(dev))
		return is_x86(format) ? IOMMU_HWPT_DATA_VTD_S1 : U32_MAX;
	return IOASID_NESTED_TYPE + format;
}

static u32 inval_type(struct device *dev, u32 format)
{
	return is_vtd(dev) ? IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 :
				       IOASID_NESTED_TYPE + format;
}

static struct iommu_domain *nested_alloc(struct ioasid_space *space,
					 struct device *dev,
					 struct ioasid_domain *stage2,
					 const struct ioasid_lent *lent)
{
	struct iommu_user_data data = {
		.type = table_type(dev, space->format),
		.uptr = (void __user *)lent->addr,
		.len = sizeof(space->table),
	};
	struct iommu_domain *domain;

	memcpy_to_page(lent->page, 0, (const char *)&space->table,
		       sizeof(space->table));
	pagefault_disable();
	domain = compat_nested_alloc(dev, stage2->domain, &data);
	pagefault_enable();
	return domain;
}

static struct ioasid_domain *find_stage2(struct ioasid_space *parent,
					 struct device *dev)
{
	struct ioasid_domain *d;

	list_for_each_entry(d, &parent->domains, entry)
		if (d->stage2 == dev->iommu->iommu_dev)
			return d;
	return NULL;
}

static struct ioasid_domain *make_stage2(struct ioasid_space *parent,
					 struct device *dev)
{
	const u32 flags = IOMMU_HWPT_ALLOC_NEST_PARENT;
	struct ioasid_domain *d;
	int rc;

	d = ioasid_domain_new(dev, ioasid_space_has_dirty(parent) ?
			      ioasid_dirty_domain(parent, dev, flags) :
			      compat_paging_alloc(dev, flags));
	if (IS_ERR(d))
		return d;
	d->stage2 = dev->iommu->iommu_dev;
	rc = ioasid_domain_add(parent, d);
	if (rc) {
		ioasid_domain_free(d);
		return ERR_PTR(rc);
	}
	return d;
}

static struct ioasid_domain *get_stage2(struct ioasid_space *parent,
					struct device *dev)
{
	struct ioasid_domain *d;

	mutex_lock(parent->lock);
	d = find_stage2(parent, dev) ?: make_stage2(parent, dev);
	if (!IS_ERR(d))
		d->users++;
	mutex_unlock(parent->lock);
	return d;
}

static void put_stage2(struct ioasid_space *parent, struct ioasid_domain *d)
{
	mutex_lock(parent->lock);
	ioasid_domain_put(parent, d);
	mutex_unlock(parent->lock);
}

static struct ioasid_domain *make_nested(struct ioasid_space *space,
					 struct device *dev,
					 const struct ioasid_lent *lent)
{
	struct ioasid_domain *stage2, *d;

	stage2 = get_stage2(space->parent, dev);
	if (IS_ERR(stage2))
		return stage2;
	d = ioasid_domain_new(dev, nested_alloc(space, dev, stage2, lent));
	if (IS_ERR(d)) {
		put_stage2(space->parent, stage2);
		return d;
	}
	d->parent = stage2;
	d->enforces = stage2->enforces;
	/* Others may share the domain and outlive this device. */
	d->inval_type = inval_type(dev, space->format);
	return d;
}

/**
 * ioasid_nested_wanted - does the device walk the space's table itself?
 * @space: the space
 * @dev: the device
 *
 * Without ctx->lock this is a guess, good enough for lending a page.
 */
bool ioasid_nested_wanted(struct ioasid_space *space, struct device *dev)
{
	return READ_ONCE(space->kind) == IOASID_KIND_USER &&
	       ioasid_nested_formats(dev) & BIT_ULL(READ_ONCE(space->format));
}

/**
 * ioasid_nested_prepare - a domain for a device that walks the user's table
 * @space: where the device will be attached
 * @dev: the device
 * @lent: for the device's IOMMU driver
 *
 * Context: ctx->lock is held, and not the space's.
 * Returns NULL when the space has no such table or the IOMMU cannot walk it,
 * which is then done in software; else something for ioasid_nested_drop().
 */
struct ioasid_nested *ioasid_nested_prepare(struct ioasid_space *space,
					    struct device *dev,
					    const struct ioasid_lent *lent)
{
	struct ioasid_nested *nested;
	struct ioasid_domain *d;
	int rc;

	lockdep_assert_held(&space->ctx->lock);
	rc = ioasid_ptable_fits(space, dev);
	if (rc)
		return ERR_PTR(rc);
	if (!ioasid_nested_wanted(space, dev))
		return NULL;
	/* The space got its table after we had looked. */
	if (!lent->page)
		return ERR_PTR(-EBUSY);
	nested = kzalloc(sizeof(*nested), GFP_KERNEL_ACCOUNT);
	if (!nested)
		return ERR_PTR(-ENOMEM);
	d = make_nested(space, dev, lent);
	if (IS_ERR(d)) {
		kfree(nested);
		return ERR_CAST(d);
	}
	nested->space = space;
	nested->d = d;
	return nested;
}

/**
 * ioasid_nested_take - take the domain, and with it the parent's
 * @nested: what ioasid_nested_prepare() returned
 */
struct ioasid_domain *ioasid_nested_take(struct ioasid_nested *nested)
{
	struct ioasid_domain *d = NULL;

	if (nested)
		swap(d, nested->d);
	return d;
}

/**
 * ioasid_nested_drop - the end of what ioasid_nested_prepare() began
 * @nested: what it returned; the space's lock is held
 */
void ioasid_nested_drop(struct ioasid_nested *nested)
{
	struct ioasid_domain *stage2;

	if (!nested)
		return;
	if (nested->d) {
		stage2 = nested->d->parent;
		ioasid_domain_free(nested->d);
		ioasid_domain_put(nested->space->parent, stage2);
	}
	kfree(nested);
}

static u64 count_pages(u64 first, u64 last)
{
	if (!first && last == U64_MAX)
		return U64_MAX;
	return (last >> PAGE_SHIFT) - (first >> PAGE_SHIFT) + 1;
}

/* A request of whichever kind the domain's driver expects. */
static int nested_request(struct ioasid_domain *d, const void *req, size_t size,
			  const struct ioasid_lent *lent)
{
	struct iommu_user_data_array array = {
		.type = d->inval_type,
		.uptr = (void __user *)lent->addr,
		.entry_len = size,
		.entry_num = 1,
	};
	int rc;

	if (!d->domain->ops->cache_invalidate_user)
		return -EOPNOTSUPP;
	memcpy_to_page(lent->page, 0, req, size);
	pagefault_disable();
	rc = d->domain->ops->cache_invalidate_user(d->domain, &array);
	pagefault_enable();
	return rc;
}

/**
 * ioasid_nested_invalidate - make an IOMMU forget what a user's table said
 * @d: a nested domain
 * @first: first IOVA
 * @last: last IOVA; 0 and U64_MAX: everything
 * @leaf: only last-level entries changed
 * @lent: for the IOMMU driver
 *
 * Context: ctx->lock is held, so that the domain stays.
 */
int ioasid_nested_invalidate(struct ioasid_domain *d, u64 first, u64 last,
			     bool leaf, const struct ioasid_lent *lent)
{
	struct iommu_hwpt_vtd_s1_invalidate inv = {
		.addr = first & PAGE_MASK,
		.npages = count_pages(first, last),
		.flags = leaf ? IOMMU_VTD_INV_FLAGS_LEAF : 0,
	};

	return nested_request(d, &inv, sizeof(inv), lent);
}

/**
 * ioasid_ptable_invalidate - the same of a user's PASID table
 * @d: a nested domain with one
 * @req: the user's request, checked
 * @first: first IOVA
 * @last: last IOVA; 0 and U64_MAX: everything
 * @lent: for the IOMMU driver
 *
 * Context: as above.
 */
int ioasid_ptable_invalidate(struct ioasid_domain *d,
			     const struct ioasid_invalidate *req, u64 first,
			     u64 last, const struct ioasid_lent *lent)
{
	struct ioasid_pasid_invalidate inv = {
		.addr = first & PAGE_MASK,
		.npages = count_pages(first, last),
		.caches = req->caches ?: IOASID_CACHE_IOTLB | IOASID_CACHE_DEVTLB,
		.flags = req->flags & (IOASID_INVALIDATE_LEAF |
				       IOASID_INVALIDATE_PASID),
		.pasid = req->pasid,
	};

	return nested_request(d, &inv, sizeof(inv), lent);
}
