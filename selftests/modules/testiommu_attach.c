// SPDX-License-Identifier: GPL-2.0-only
/* ioasid_testiommu: where domains are attached, and processes. */
#include <linux/slab.h>

#include "testiommu.h"
#include "testiommu_compat.h"

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
	ti_drop_groups(file, at);
	list_del(&at->entry);
	file->domains[at->domain]->users--;
	kfree(at);
}

/* The file is closed. */
void ti_detach_all(struct ti_file *file)
{
	struct ti_attach *at, *next;

	list_for_each_entry_safe(at, next, &file->attaches, entry) {
		do_detach(file, at);
		drop_attach(file, at);
	}
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

long ti_op_attach(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_domain *d = ti_find_domain(file, op->domain);
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

long ti_op_detach(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_attach *at = find_attach(file, op->pasid);

	if (!at)
		return -ENOENT;
	do_detach(file, at);
	drop_attach(file, at);
	return 0;
}

long ti_op_replace(struct ti_file *file, const struct testiommu_op *op)
{
	struct ti_attach *old = find_attach(file, TESTIOMMU_NO_PASID), *at;
	struct ti_domain *d = ti_find_domain(file, op->domain);
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

long ti_op_sva_bind(struct ti_file *file)
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

long ti_op_sva_unbind(struct ti_file *file)
{
	if (!file->sva)
		return -ENOENT;
	if (!device_is_there(file))
		return -ENODEV;
	iommu_sva_unbind_device(file->sva);
	file->sva = NULL;
	return 0;
}
