// SPDX-License-Identifier: GPL-2.0-only
/* ioasid_testiommu: page requests, which user space answers. */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "testiommu.h"

int ti_handle(struct iopf_group *group)
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

long ti_op_fault(struct ti_file *file, struct testiommu_fault __user *ufault)
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

long ti_op_respond(struct ti_file *file, const struct testiommu_op *op)
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

long ti_op_mode(struct ti_file *file, const struct testiommu_op *op)
{
	WRITE_ONCE(file->mode, op->value);
	wake_up_all(&file->wait);
	return 0;
}

/* After a detach: nothing refers to the handle when it is gone. */
void ti_drop_groups(struct ti_file *file, struct ti_attach *at)
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
