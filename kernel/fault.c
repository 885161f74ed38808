// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include "compat.h"
#include "ioasid_private.h"
#include "fault.h"
int ioasid_fault_handler(struct iopf_group *group)
{
	struct ioasid_attachment *at = container_of(group->attach_handle, struct ioasid_attachment, handle);

	iopf_group_dequeue(group);
	return ioasid_mirror_fault(at, group);
}
void ioasid_faults_init(struct ioasid_faults *f, u32 limit)
{
	mutex_init(&f->lock);
	spin_lock_init(&f->list_lock);
	INIT_LIST_HEAD(&f->pending);
	f->limit = limit;
}
struct ioasid_pending *ioasid_fault_take(struct ioasid_faults *f, struct ioasid_attachment *at, struct iopf_group *group)
{
	struct ioasid_pending *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (p) {
		p->at = at;
		p->group = group;
		spin_lock(&f->list_lock);
		if (f->nr < f->limit) {
			f->nr++;
			p->id = ++f->next_id;
			list_add_tail(&p->entry, &f->pending);
			spin_unlock(&f->list_lock);
			return p;
		}
		spin_unlock(&f->list_lock);
		kfree(p);
	}
	iopf_group_response(group, IOMMU_PAGE_RESP_INVALID);
	iopf_free_group(group);
	return NULL;
}
void ioasid_fault_answer(struct ioasid_faults *f, struct ioasid_pending *p, enum iommu_page_response_code code, enum why why)
{
	spin_lock(&f->list_lock);
	list_del(&p->entry);
	f->nr--;
	spin_unlock(&f->list_lock);
	iopf_group_response(p->group, code);
	iopf_free_group(p->group);
	kfree(p);
}
struct ioasid_pending *ioasid_fault_find(struct ioasid_faults *f, u64 id)
{
	struct ioasid_pending *p, *found = NULL;

	spin_lock(&f->list_lock);
	list_for_each_entry(p, &f->pending, entry)
		if (p->id == id)
			found = p;
	spin_unlock(&f->list_lock);
	return found;
}
static struct ioasid_pending *next(struct ioasid_faults *f, struct ioasid_attachment *at)
{
	struct ioasid_pending *p, *found = NULL;

	spin_lock(&f->list_lock);
	list_for_each_entry(p, &f->pending, entry)
		if (!at || p->at == at)
			found = p;
	spin_unlock(&f->list_lock);
	return found;
}
void ioasid_faults_cancel(struct ioasid_faults *f, struct ioasid_attachment *at, enum why why)
{
	struct ioasid_pending *p;

	mutex_lock(&f->lock);
	while ((p = next(f, at)))
		ioasid_fault_answer(f, p, IOMMU_PAGE_RESP_INVALID, why);
	mutex_unlock(&f->lock);
}
