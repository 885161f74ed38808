// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of devices in spaces that follow a process: see mirror.c.
 *
 * The handler writes down what a group asks for; a worker brings it, and looks then
 * whether the group still waits. It may have been answered and freed at any time, so
 * the worker knows it by number only.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "fault.h"
#include "mirror.h"

/* While a page changes all the time; then the device may ask again. */
#define FAULT_TRIES	64

/* Groups that wait for pages, of one space. */
#define MIRROR_GROUPS	4096

struct wanted {
	unsigned long iova;
	bool write;
};

/**
 * struct mirror_job - a group that has been asked for
 * @work: in mirror->wq
 * @mirror: counted
 * @id: of the group
 * @nr: pages
 * @pages: which
 */
struct mirror_job {
	struct work_struct work;
	struct ioasid_mirror *mirror;
	u64 id;
	size_t nr;
	struct wanted pages[] __counted_by(nr);
};

/* Pages in a row that are wanted for the same, from the first of @w on. */
static unsigned long in_a_row(const struct wanted *w, size_t nr)
{
	unsigned long n;

	for (n = 1; n < nr; n++)
		if (w[n].iova != w->iova + n * PAGE_SIZE ||
		    w[n].write != w->write)
			break;
	return n;
}

static int bring_all(struct mirror_job *job)
{
	size_t i = 0;
	int n;

	while (i < job->nr) {
		const struct wanted *w = &job->pages[i];

		n = ioasid_mirror_bring(job->mirror, w->iova,
					in_a_row(w, job->nr - i), w->write,
					true, FAULT_TRIES);
		if (n < 0)
			return n;
		i += n;
	}
	return 0;
}

static void answer(struct mirror_job *job, int rc)
{
	struct ioasid_faults *faults = &job->mirror->faults;
	struct ioasid_pending *p;

	mutex_lock(&faults->lock);
	p = ioasid_fault_find(faults, job->id);
	if (p)
		ioasid_fault_answer(faults, p,
				    rc && rc != -EAGAIN ?
					    IOMMU_PAGE_RESP_INVALID :
					    IOMMU_PAGE_RESP_SUCCESS,
				    IOASID_FAULT_WHY_KERNEL);
	mutex_unlock(&faults->lock);
}

/* The worker begins. */
static void deliver(struct mirror_job *job)
{
	struct ioasid_faults *faults = &job->mirror->faults;
	struct ioasid_space *space;
	struct ioasid_pending *p;

	if (!trace_ioasid_fault_deliver_enabled() &&
	    !trace_ioasid_fault_respond_enabled())
		return;
	mutex_lock(&faults->lock);
	p = ioasid_fault_find(faults, job->id);
	if (p) {
		space = p->at->space;
		p->delivered_ns = ktime_get_ns();
		ioasid_trace(fault_deliver, space->ctx->id, space->id,
			     ioasid_device_rid(p->group->fault_param->dev),
			     p->pasid, p->addr,
			     p->group->last_fault.fault.prm.grpid, p->npages,
			     IOASID_FAULT_TO_KERNEL, 0,
			     atomic_read(&space->fault_stats.pending),
			     p->delivered_ns - p->reported_ns, p->idev->cookie);
	}
	mutex_unlock(&faults->lock);
}

static void mirror_work(struct work_struct *work)
{
	struct mirror_job *job = container_of(work, struct mirror_job, work);
	struct ioasid_mirror *mirror = job->mirror;
	int rc = -ESRCH;

	deliver(job);
	if (mmget_not_zero(mirror->mm)) {
		rc = bring_all(job);
		answer(job, rc);
		/* The process may have ended in the meantime. */
		mmput(mirror->mm);
	} else {
		answer(job, rc);
	}
	kfree(job);
	ioasid_mirror_put_work(mirror);
}

static struct mirror_job *job_create(struct ioasid_mirror *mirror,
				     struct iopf_group *group)
{
	size_t nr = list_count_nodes(&group->faults);
	struct mirror_job *job;
	struct iopf_fault *fault;
	size_t i = 0;

	job = kzalloc(struct_size(job, pages, nr), GFP_KERNEL_ACCOUNT);
	if (!job)
		return NULL;
	job->nr = nr;
	job->mirror = mirror;
	INIT_WORK(&job->work, mirror_work);
	list_for_each_entry(fault, &group->faults, list) {
		const struct iommu_fault_page_request *prm = &fault->fault.prm;

		job->pages[i].iova = prm->addr & PAGE_MASK;
		job->pages[i++].write = prm->perm & IOMMU_FAULT_PERM_WRITE;
	}
	return job;
}

/**
 * ioasid_mirror_fault - a device asks for pages
 * @at: where
 * @group: which
 */
void ioasid_mirror_fault(struct ioasid_attachment *at, struct iopf_group *group)
{
	struct ioasid_mirror *mirror = at->space->mirror;
	/* Before the group may be gone. */
	struct mirror_job *job = job_create(mirror, group);
	u64 id = ioasid_fault_take(&mirror->faults, at, group);

	if (!id) {
		kfree(job);
		return;
	}
	if (!job) {
		struct mirror_job none = { .mirror = mirror, .id = id };

		answer(&none, -ENOMEM);
		return;
	}
	job->id = id;
	ioasid_mirror_get(mirror);
	queue_work(mirror->wq, &job->work);
}

/* Where the groups of a space wait. */
struct ioasid_faults *ioasid_mirror_faults(struct ioasid_space *space)
{
	return &space->mirror->faults;
}

void ioasid_mirror_faults_init(struct ioasid_mirror *mirror)
{
	ioasid_faults_init(&mirror->faults);
	mirror->faults.limit = MIRROR_GROUPS;
	mirror->faults.space_limit = MIRROR_GROUPS;
	mirror->faults.device_limit = MIRROR_GROUPS;
}
