// SPDX-License-Identifier: GPL-2.0-only
/*
 * An in-kernel user of the IOMMU API, on command: domains with fault handlers,
 * PASIDs, dirty tracking. For tests of IOMMU drivers only.
 */
#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>
#include <uapi/linux/iommufd.h>

#include "ioasid_testiommu.h"

/* Of drivers/iommu/iommu-priv.h, which modules do not get. */
int iommu_attach_group_handle(struct iommu_domain *domain,
			      struct iommu_group *group,
			      struct iommu_attach_handle *handle);
void iommu_detach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group);
int iommu_replace_group_handle(struct iommu_group *group,
			       struct iommu_domain *new_domain,
			       struct iommu_attach_handle *handle);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
MODULE_IMPORT_NS("IOMMUFD_INTERNAL");

static struct iommu_domain *alloc_paging(struct device *dev, u32 flags)
{
	return iommu_paging_domain_alloc_flags(dev, flags);
}

static struct iommu_domain *alloc_nested(struct device *dev,
					 struct iommu_domain *parent,
					 const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;

	return ops->domain_alloc_nested(dev, parent, 0, data);
}

static struct iommu_domain *alloc_sva(struct device *dev)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static int set_feature(struct device *dev, bool on)
{
	return -EOPNOTSUPP;
}
#else
MODULE_IMPORT_NS(IOMMUFD_INTERNAL);

static struct iommu_domain *alloc_paging(struct device *dev, u32 flags)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;

	return ops->domain_alloc_user(dev, flags, NULL, NULL);
}

static struct iommu_domain *alloc_nested(struct device *dev,
					 struct iommu_domain *parent,
					 const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;

	return ops->domain_alloc_user(dev, 0, parent, data);
}

/* What iommu_sva_bind_device() does, but on this architecture no longer. */
static struct iommu_domain *alloc_sva(struct device *dev)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	struct iommu_domain *domain;

	domain = ops->domain_alloc_sva(dev, current->mm);
	if (!IS_ERR(domain)) {
		mmgrab(current->mm);
		domain->mm = current->mm;
		domain->type = IOMMU_DOMAIN_SVA;
	}
	return domain;
}

static int set_feature(struct device *dev, bool on)
{
	return on ? iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_IOPF) :
		    iommu_dev_disable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}
#endif

/* A MAP and its pages */
struct ti_map {
	struct list_head entry;
	u64 iova;
	unsigned long npages;
	bool write;
	struct page *pages[];
};

struct ti_domain {
	struct iommu_domain *domain;
	struct list_head maps;
	unsigned int users;
};

/* An ATTACH */
struct ti_attach {
	struct iommu_attach_handle handle;
	struct list_head entry;
	struct ti_file *file;
	u32 domain;
	u32 pasid;
	bool no_handle;
};

struct ti_file {
	struct mutex lock;		/* all but faults; never taken by the handler */
	struct device *dev;
	struct iommu_group *group;
	struct ti_domain *domains[TESTIOMMU_DOMAINS];
	struct list_head attaches;
	struct iommu_sva *sva;

	spinlock_t fault_lock;		/* below */
	struct list_head fresh;		/* groups nobody has seen, */
	struct list_head seen;		/* and those that wait for RESPOND */
	u32 cookie;
	u32 mode;
	wait_queue_head_t wait;
};

/* Faults */

static int ti_handle(struct iopf_group *group)
{
	struct ti_attach *at = container_of(group->attach_handle,
					    struct ti_attach, handle);
	struct ti_file *file = at->file;

	wait_event(file->wait, READ_ONCE(file->mode) != TESTIOMMU_HOLD);
	if (READ_ONCE(file->mode) == TESTIOMMU_REFUSE)
		return -EBUSY;
	iopf_group_dequeue(group);
	spin_lock(&file->fault_lock);
	group->cookie = ++file->cookie;
	list_add_tail(&group->node, &file->fresh);
	spin_unlock(&file->fault_lock);
	wake_up_all(&file->wait);
	return 0;
}

static void answer(struct iopf_group *group, u32 code)
{
	iopf_group_response(group, code);
	iopf_free_group(group);
}

static void show_group(const struct iopf_group *group,
		       struct testiommu_fault *fault)
{
	const struct ti_attach *at = container_of(group->attach_handle,
						  struct ti_attach, handle);
	const struct iommu_fault_page_request *prm;
	const struct iopf_fault *page;

	memset(fault, 0, sizeof(*fault));
	fault->domain = at->domain;
	fault->cookie = group->cookie;
	list_for_each_entry(page, &group->faults, list) {
		prm = &page->fault.prm;
		if (!fault->nr)
			fault->perm = prm->perm;
		fault->group = prm->grpid;
		fault->pasid = prm->flags & IOMMU_FAULT_PAGE_REQUEST_PASID_VALID ?
			       prm->pasid : TESTIOMMU_NO_PASID;
		if (fault->nr < TESTIOMMU_PAGES)
			fault->addr[fault->nr++] = prm->addr;
	}
}

static bool next_group(struct ti_file *file, struct testiommu_fault *fault)
{
	struct iopf_group *group;

	spin_lock(&file->fault_lock);
	group = list_first_entry_or_null(&file->fresh, struct iopf_group, node);
	if (group) {
		show_group(group, fault);
		list_move_tail(&group->node, &file->seen);
	}
	spin_unlock(&file->fault_lock);
	return group;
}

static bool group_or_end(struct ti_file *file, struct testiommu_fault *fault)
{
	fault->nr = 0;
	return next_group(file, fault) ||
	       READ_ONCE(file->mode) == TESTIOMMU_END;
}

static long op_fault(struct ti_file *file, struct testiommu_fault __user *ufault)
{
	struct testiommu_fault fault;
	int rc;

	rc = wait_event_interruptible(file->wait, group_or_end(file, &fault));
	if (rc)
		return -EINTR;
	if (!fault.nr)
		return -ENODATA;
	return copy_to_user(ufault, &fault, sizeof(fault)) ? -EFAULT : 0;
}

static long op_respond(struct ti_file *file, const struct testiommu_op *op)
{
	struct iopf_group *group;

	spin_lock(&file->fault_lock);
	list_for_each_entry(group, &file->seen, node) {
		if (group->cookie != op->value)
			continue;
		list_del(&group->node);
		spin_unlock(&file->fault_lock);
		answer(group, op->type);
		return 0;
	}
	spin_unlock(&file->fault_lock);
	return -ENOENT;
}

static long op_mode(struct ti_file *file, const struct testiommu_op *op)
{
	WRITE_ONCE(file->mode, op->value);
	wake_up_all(&file->wait);
	return 0;
}

/* After a detach: nothing refers to the handle when it is gone. */
static void drop_groups(struct ti_file *file, struct ti_attach *at)
{
	struct iopf_group *group, *next;
	LIST_HEAD(groups);

	spin_lock(&file->fault_lock);
	list_for_each_entry_safe(group, next, &file->fresh, node)
		if (group->attach_handle == &at->handle)
			list_move(&group->node, &groups);
	list_for_each_entry_safe(group, next, &file->seen, node)
		if (group->attach_handle == &at->handle)
			list_move(&group->node, &groups);
	spin_unlock(&file->fault_lock);
	list_for_each_entry_safe(group, next, &groups, node)
		answer(group, IOMMU_PAGE_RESP_INVALID);
}

/* Domains */

static struct ti_domain *find_domain(struct ti_file *file, u32 nr)
{
	return nr < TESTIOMMU_DOMAINS ? file->domains[nr] : NULL;
}

static struct iommu_domain *alloc_domain(struct ti_file *file,
					 const struct testiommu_op *op)
{
	struct ti_domain *parent = find_domain(file, op->domain);
	struct iommu_user_data data = {
		.type = op->type,
		.uptr = u64_to_user_ptr(op->addr),
		.len = op->size,
	};

	if (op->flags & TESTIOMMU_SVA)
		return alloc_sva(file->dev);
	if (!(op->flags & TESTIOMMU_NESTED))
		return alloc_paging(file->dev, op->value);
	return parent ? alloc_nested(file->dev, parent->domain, &data) :
			ERR_PTR(-ENOENT);
}

static long op_alloc(struct ti_file *file, const struct testiommu_op *op)
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
	domain->owner = file->dev->iommu->iommu_dev->ops;
	if (op->flags & TESTIOMMU_FAULTABLE)
		domain->iopf_handler = ti_handle;
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d) {
		iommu_domain_free(domain);
		return -ENOMEM;
	}
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

static void drop_domain(struct ti_file *file, u32 nr)
{
	struct ti_domain *d = file->domains[nr];
	struct ti_map *map, *next;

	list_for_each_entry_safe(map, next, &d->maps, entry)
		drop_map(d, map);
	iommu_domain_free(d->domain);
	kfree(d);
	file->domains[nr] = NULL;
}

static long op_free(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = find_domain(file, op->domain);

	if (!d)
		return -ENOENT;
	if (d->users)
		return -EBUSY;
	drop_domain(file, op->domain);
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

static long op_map(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = find_domain(file, op->domain);
	unsigned long npages = op->size >> PAGE_SHIFT;
	struct ti_map *map;
	long rc;

	if (!d)
		return -ENOENT;
	if (!npages || npages > 4096)
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

static long op_unmap(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = find_domain(file, op->domain);
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

static long op_phys(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = find_domain(file, op->domain);
	u64 phys;

	if (!d)
		return -ENOENT;
	phys = iommu_iova_to_phys(d->domain, op->iova);
	return put_user(phys, (u64 __user *)u64_to_user_ptr(op->addr));
}

/* Attaching */

static struct ti_attach *find_attach(struct ti_file *file, u32 pasid)
{
	struct ti_attach *at;

	list_for_each_entry(at, &file->attaches, entry)
		if (at->pasid == pasid)
			return at;
	return NULL;
}

static int do_attach(struct ti_file *file, struct ti_domain *d,
		     struct ti_attach *at)
{
	if (at->pasid != TESTIOMMU_NO_PASID)
		return iommu_attach_device_pasid(d->domain, file->dev,
						 at->pasid, &at->handle);
	if (at->no_handle)
		return iommu_attach_group(d->domain, file->group);
	return iommu_attach_group_handle(d->domain, file->group, &at->handle);
}

/* After a test that failed it may have gone with its PASIDs attached. */
static bool device_is_there(struct ti_file *file)
{
	struct iommu_group *group = iommu_group_get(file->dev);

	iommu_group_put(group);
	return group;
}

static void do_detach(struct ti_file *file, struct ti_attach *at)
{
	struct ti_domain *d = file->domains[at->domain];

	if (at->pasid != TESTIOMMU_NO_PASID) {
		if (device_is_there(file))
			iommu_detach_device_pasid(d->domain, file->dev,
						  at->pasid);
	} else if (at->no_handle) {
		iommu_detach_group(d->domain, file->group);
	} else {
		iommu_detach_group_handle(d->domain, file->group);
	}
}

static void drop_attach(struct ti_file *file, struct ti_attach *at)
{
	drop_groups(file, at);
	list_del(&at->entry);
	file->domains[at->domain]->users--;
	kfree(at);
}

static struct ti_attach *new_attach(struct ti_file *file,
				    const struct testiommu_op *op)
{
	struct ti_attach *at = kzalloc(sizeof(*at), GFP_KERNEL);

	if (!at)
		return NULL;
	at->file = file;
	at->domain = op->domain;
	at->pasid = op->pasid;
	at->no_handle = op->flags & TESTIOMMU_NO_HANDLE;
	return at;
}

static long op_attach(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = find_domain(file, op->domain);
	struct ti_attach *at;
	int rc;

	if (!d)
		return -ENOENT;
	at = new_attach(file, op);
	if (!at)
		return -ENOMEM;
	rc = do_attach(file, d, at);
	if (rc) {
		kfree(at);
		return rc;
	}
	list_add(&at->entry, &file->attaches);
	d->users++;
	return 0;
}

static long op_detach(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_attach *at = find_attach(file, op->pasid);

	if (!at)
		return -ENOENT;
	do_detach(file, at);
	drop_attach(file, at);
	return 0;
}

static long op_replace(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_attach *old = find_attach(file, TESTIOMMU_NO_PASID), *at;
	struct ti_domain *d = find_domain(file, op->domain);
	int rc;

	if (!d || !old)
		return -ENOENT;
	at = new_attach(file, op);
	if (!at)
		return -ENOMEM;
	rc = iommu_replace_group_handle(file->group, d->domain, &at->handle);
	if (rc) {
		kfree(at);
		return rc;
	}
	drop_attach(file, old);
	list_add(&at->entry, &file->attaches);
	d->users++;
	return 0;
}

/* Processes */

static long op_sva_bind(struct ti_file *file)
{
	struct iommu_sva *sva;

	if (file->sva)
		return -EBUSY;
	sva = iommu_sva_bind_device(file->dev, current->mm);
	if (IS_ERR(sva))
		return PTR_ERR(sva);
	file->sva = sva;
	return iommu_sva_get_pasid(sva);
}

static long op_sva_unbind(struct ti_file *file)
{
	if (!file->sva)
		return -ENOENT;
	if (!device_is_there(file))
		return -ENODEV;
	iommu_sva_unbind_device(file->sva);
	file->sva = NULL;
	return 0;
}

/* Dirty tracking */

static long op_track(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = find_domain(file, op->domain);

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

static long op_dirty(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = find_domain(file, op->domain);
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

/* The file */

static long op_device(struct ti_file *file, const struct testiommu_op *op)
{
	char name[32];
	long n;

	if (file->dev)
		return -EBUSY;
	n = strncpy_from_user(name, u64_to_user_ptr(op->addr), sizeof(name));
	if (n < 0 || n == sizeof(name))
		return n < 0 ? n : -ENAMETOOLONG;
	file->dev = bus_find_device_by_name(&platform_bus_type, NULL, name);
	if (!file->dev)
		return -ENODEV;
	file->group = iommu_group_get(file->dev);
	if (file->group)
		return 0;
	put_device(file->dev);
	file->dev = NULL;
	return -ENODEV;
}

static long do_op(struct ti_file *file, unsigned int cmd,
		  const struct testiommu_op *op)
{
	if (cmd == TESTIOMMU_DEVICE)
		return op_device(file, op);
	if (!file->dev)
		return -ENODEV;
	switch (cmd) {
	case TESTIOMMU_ALLOC:
		return op_alloc(file, op);
	case TESTIOMMU_FREE:
		return op_free(file, op);
	case TESTIOMMU_MAP:
		return op_map(file, op);
	case TESTIOMMU_UNMAP:
		return op_unmap(file, op);
	case TESTIOMMU_ATTACH:
		return op_attach(file, op);
	case TESTIOMMU_DETACH:
		return op_detach(file, op);
	case TESTIOMMU_REPLACE:
		return op_replace(file, op);
	case TESTIOMMU_FEATURE:
		return set_feature(file->dev, op->value);
	case TESTIOMMU_TRACK:
		return op_track(file, op);
	case TESTIOMMU_DIRTY:
		return op_dirty(file, op);
	case TESTIOMMU_PHYS:
		return op_phys(file, op);
	case TESTIOMMU_SVA_BIND:
		return op_sva_bind(file);
	case TESTIOMMU_SVA_UNBIND:
		return op_sva_unbind(file);
	default:
		return -ENOTTY;
	}
}

static long ti_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct ti_file *file = filp->private_data;
	void __user *uarg = (void __user *)arg;
	struct testiommu_op op;
	long rc;

	if (cmd == TESTIOMMU_FAULT)
		return op_fault(file, uarg);
	if (copy_from_user(&op, uarg, sizeof(op)))
		return -EFAULT;
	/* While somebody detaches, faults are still answered. */
	if (cmd == TESTIOMMU_RESPOND)
		return op_respond(file, &op);
	if (cmd == TESTIOMMU_MODE)
		return op_mode(file, &op);
	mutex_lock(&file->lock);
	rc = do_op(file, cmd, &op);
	mutex_unlock(&file->lock);
	return rc;
}

static int ti_open(struct inode *inode, struct file *filp)
{
	struct ti_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	INIT_LIST_HEAD(&file->attaches);
	spin_lock_init(&file->fault_lock);
	INIT_LIST_HEAD(&file->fresh);
	INIT_LIST_HEAD(&file->seen);
	init_waitqueue_head(&file->wait);
	filp->private_data = file;
	return 0;
}

static int ti_release(struct inode *inode, struct file *filp)
{
	const struct testiommu_op pass = { .value = TESTIOMMU_PASS };
	struct ti_file *file = filp->private_data;
	struct ti_attach *at, *next;
	int nr;

	op_mode(file, &pass);
	op_sva_unbind(file);
	list_for_each_entry_safe(at, next, &file->attaches, entry) {
		do_detach(file, at);
		drop_attach(file, at);
	}
	/* Parents were there before what is nested on them. */
	for (nr = TESTIOMMU_DOMAINS - 1; nr >= 0; nr--)
		if (file->domains[nr])
			drop_domain(file, nr);
	iommu_group_put(file->group);
	put_device(file->dev);
	mutex_destroy(&file->lock);
	kfree(file);
	return 0;
}

static const struct file_operations ti_fops = {
	.owner = THIS_MODULE,
	.open = ti_open,
	.release = ti_release,
	.unlocked_ioctl = ti_ioctl,
};

static struct miscdevice ti_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ioasid-testiommu",
	.mode = 0600,
	.fops = &ti_fops,
};
module_misc_device(ti_misc);

MODULE_DESCRIPTION("An in-kernel user of the IOMMU API, for tests of ioasid");
MODULE_AUTHOR("The ioasid authors");
MODULE_LICENSE("GPL");
