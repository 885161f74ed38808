// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel users of a space's memory: mediated devices, which have no IOMMU
 * of their own and touch pages with the CPU.
 *
 * Mappings are pinned anyway; an access only keeps them from being unmapped
 * until it was told to let go.
 */
#include <linux/highmem.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

/**
 * ioasid_access_create - become an in-kernel user of a space
 * @space: the space
 * @ops: what to call
 * @data: for @ops
 */
struct ioasid_access *ioasid_access_create(struct ioasid_space *space,
					   const struct ioasid_access_ops *ops,
					   void *data)
{
	struct ioasid_access *access = kzalloc(sizeof(*access),
					       GFP_KERNEL_ACCOUNT);

	if (!access)
		return ERR_PTR(-ENOMEM);
	access->space = space;
	access->ops = ops;
	access->data = data;
	xa_init(&access->pins);
	mutex_lock(&space->access_lock);
	list_add_tail(&access->entry, &space->accesses);
	mutex_unlock(&space->access_lock);
	return access;
}
EXPORT_SYMBOL_GPL(ioasid_access_create);

static struct ioasid_mapping *mapping_at(struct ioasid_space *space, u64 iova)
{
	return ioasid_mapping_first(space, iova, iova);
}

static unsigned long pin_count(struct ioasid_access *access, u64 iova)
{
	void *entry = xa_load(&access->pins, iova >> PAGE_SHIFT);

	return entry ? xa_to_value(entry) : 0;
}

static int set_pin_count(struct ioasid_access *access, u64 iova,
			 unsigned long count)
{
	unsigned long index = iova >> PAGE_SHIFT;

	if (!count) {
		xa_erase(&access->pins, index);
		return 0;
	}
	return xa_err(xa_store(&access->pins, index, xa_mk_value(count),
			       GFP_KERNEL_ACCOUNT));
}

/* The page behind an IOVA, if it is memory and may be used in this way. */
static struct page *page_at(struct ioasid_mapping *m, u64 iova, u32 prot)
{
	unsigned long index;
	struct ioasid_run *run;

	if (prot & ~m->prot)
		return ERR_PTR(-EPERM);
	index = m->first + ((iova - m->node.start) >> PAGE_SHIFT);
	run = &m->pages->runs[ioasid_pages_find(m->pages, index)];
	if (run->mmio)
		return ERR_PTR(-EINVAL);
	return pfn_to_page(run->pfn + index - run->first);
}

static int pin_one(struct ioasid_access *access, u64 iova, u32 prot,
		   struct page **page)
{
	struct ioasid_mapping *m = mapping_at(access->space, iova);
	int rc;

	if (!m)
		return -EINVAL;
	*page = page_at(m, iova, prot);
	if (IS_ERR(*page))
		return PTR_ERR(*page);
	rc = set_pin_count(access, iova, pin_count(access, iova) + 1);
	if (!rc) {
		m->kpins++;
		access->space->kpins++;
	}
	return rc;
}

/* Pins that are not there are ignored, as VFIO does. */
static void unpin_one(struct ioasid_access *access, u64 iova)
{
	unsigned long count = pin_count(access, iova);
	struct ioasid_mapping *m = mapping_at(access->space, iova);

	if (!count || WARN_ON_ONCE(!m))
		return;
	/* Lowering a count or erasing it needs no memory. */
	set_pin_count(access, iova, count - 1);
	m->kpins--;
	access->space->kpins--;
}

/**
 * ioasid_access_pin_pages - hold pages of a space
 * @access: the user
 * @iova: the first page
 * @npages: how many, at consecutive IOVAs
 * @prot: IOASID_MAP_*, not more than the mapping's
 * @pages: out
 */
int ioasid_access_pin_pages(struct ioasid_access *access, u64 iova,
			    unsigned int npages, u32 prot, struct page **pages)
{
	unsigned int i;
	int rc = 0;

	if (!npages || iova > U64_MAX - ((u64)npages << PAGE_SHIFT) + 1)
		return -EINVAL;
	mutex_lock(access->space->lock);
	for (i = 0; i < npages; i++) {
		rc = pin_one(access, iova + ((u64)i << PAGE_SHIFT), prot,
			     &pages[i]);
		if (rc)
			break;
	}
	while (rc && i--)
		unpin_one(access, iova + ((u64)i << PAGE_SHIFT));
	mutex_unlock(access->space->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_access_pin_pages);

/**
 * ioasid_access_unpin_pages - let pages go
 * @access: the user
 * @iova: the first page
 * @npages: how many
 */
void ioasid_access_unpin_pages(struct ioasid_access *access, u64 iova,
			       unsigned int npages)
{
	unsigned int i;

	mutex_lock(access->space->lock);
	for (i = 0; i < npages; i++)
		unpin_one(access, iova + ((u64)i << PAGE_SHIFT));
	mutex_unlock(access->space->lock);
}
EXPORT_SYMBOL_GPL(ioasid_access_unpin_pages);

/**
 * ioasid_access_walk - go through the pages that a user holds
 * @access: the user
 * @first: first IOVA
 * @last: last IOVA
 * @fn: what to call for each; anything but 0 ends the walk
 * @arg: for @fn
 *
 * Returns what @fn returned last.
 */
int ioasid_access_walk(struct ioasid_access *access, u64 first, u64 last,
		       ioasid_pin_fn fn, void *arg)
{
	unsigned long index;
	void *entry;
	int rc = 0;

	mutex_lock(access->space->lock);
	xa_for_each_range(&access->pins, index, entry, first >> PAGE_SHIFT,
			  last >> PAGE_SHIFT) {
		rc = fn((u64)index << PAGE_SHIFT, arg);
		if (rc)
			break;
		cond_resched();
	}
	mutex_unlock(access->space->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_access_walk);

/**
 * ioasid_access_destroy - stop being a user; pins that are left go
 * @access: the user
 */
void ioasid_access_destroy(struct ioasid_access *access)
{
	struct ioasid_space *space = access->space;
	struct ioasid_mapping *m;
	unsigned long index;
	void *entry;

	mutex_lock(&space->access_lock);
	list_del(&access->entry);
	mutex_unlock(&space->access_lock);

	mutex_lock(space->lock);
	xa_for_each(&access->pins, index, entry) {
		m = mapping_at(space, (u64)index << PAGE_SHIFT);
		if (!WARN_ON_ONCE(!m))
			m->kpins -= xa_to_value(entry);
		space->kpins -= xa_to_value(entry);
	}
	mutex_unlock(space->lock);
	xa_destroy(&access->pins);
	kfree(access);
}
EXPORT_SYMBOL_GPL(ioasid_access_destroy);

/**
 * ioasid_space_rw - read or write a space's memory with the CPU
 * @space: the space
 * @iova: where
 * @buf: kernel memory
 * @len: bytes
 * @write: into the space
 *
 * What was copied before an error stays copied.
 */
int ioasid_space_rw(struct ioasid_space *space, u64 iova, void *buf,
		    size_t len, bool write)
{
	u32 prot = write ? IOASID_MAP_WRITE : IOASID_MAP_READ;
	struct ioasid_mapping *m;
	struct page *page;
	int rc = 0;

	if (len && iova > U64_MAX - len + 1)
		return -EINVAL;
	mutex_lock(space->lock);
	while (len) {
		size_t off = offset_in_page(iova);
		size_t n = min(len, PAGE_SIZE - off);

		m = mapping_at(space, iova);
		if (!m) {
			rc = -EINVAL;
			break;
		}
		page = page_at(m, iova, prot);
		if (IS_ERR(page)) {
			rc = PTR_ERR(page);
			break;
		}
		if (write)
			memcpy_to_page(page, off, buf, n);
		else
			memcpy_from_page(buf, page, off, n);
		iova += n;
		buf += n;
		len -= n;
	}
	mutex_unlock(space->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_space_rw);
