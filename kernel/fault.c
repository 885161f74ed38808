// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O page faults: from the IOMMU core to whoever answers, and back; see fault.h.
 */
#include <linux/ioasid_table.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <trace/events/ioasid.h>

#include "bpf/hooks.h"
#include "compat.h"
#include "fault.h"

/* Permission to ask */

/**
 * ioasid_device_may_ask - does a device have page requests?
 * @dev: the device
 *
 * Whether its IOMMU takes them shows when it is attached. A function that shares those
 * of its physical function (SR-IOV) has none: an error of one would end them for all.
 */
bool ioasid_device_may_ask(struct device *dev)
{
	struct ioasid_hw_info *info;
	bool may = false;
	u32 type;

	if (dev_is_pci(dev))
		return !to_pci_dev(dev)->is_virtfn &&
		       pci_pri_supported(to_pci_dev(dev));
	info = compat_hw_info(dev, &type);
	if (info && type == IOASID_NESTED_TYPE)
		may = info->flags & IOASID_HW_PAGE_REQUESTS;
	kfree(info);
	return may;
}

/*
 * Devices that ask for pages -> how many of their attachments do, for kernels that
 * have to be told once.
 */
static DEFINE_XARRAY(asking);
static DEFINE_MUTEX(asking_lock);

static int device_get(struct device *dev)
{
	unsigned long key = (unsigned long)dev;
	void *entry;
	int rc;

	if (!ioasid_device_may_ask(dev))
		return -EOPNOTSUPP;
	mutex_lock(&asking_lock);
	entry = xa_load(&asking, key);
	if (!entry) {
		rc = xa_reserve(&asking, key, GFP_KERNEL);
		if (!rc) {
			rc = compat_iopf_enable(dev);
			/* None of its own, or none of its IOMMU's. */
			rc = rc == -ENODEV ? -EOPNOTSUPP : rc;
		}
		if (rc) {
			xa_release(&asking, key);
			goto out_unlock;
		}
		entry = xa_mk_value(0);
	}
	rc = xa_err(xa_store(&asking, key, xa_mk_value(xa_to_value(entry) + 1),
			     GFP_KERNEL));
out_unlock:
	mutex_unlock(&asking_lock);
	return rc;
}

static void device_put(struct device *dev)
{
	unsigned long key = (unsigned long)dev, users;

	mutex_lock(&asking_lock);
	users = xa_to_value(xa_load(&asking, key)) - 1;
	if (users) {
		xa_store(&asking, key, xa_mk_value(users), GFP_KERNEL);
	} else {
		xa_erase(&asking, key);
		compat_iopf_disable(dev);
	}
	mutex_unlock(&asking_lock);
}

/**
 * ioasid_asking_get - the devices of a source shall ask for pages
 * @source: about to be attached to a domain with a handler
 *
 * Context: ctx->lock is held: members of the group stay.
 * Returns -EOPNOTSUPP when one of them cannot.
 */
int ioasid_asking_get(const struct ioasid_source *source)
{
	struct ioasid_member *m;
	int rc = 0;

	if (!source->group)
		return device_get(source->dev);
	list_for_each_entry(m, &source->group->members, entry) {
		rc = device_get(m->idev->dev);
		if (rc)
			break;
	}
	if (rc)
		list_for_each_entry_continue_reverse(m, &source->group->members,
						     entry)
			device_put(m->idev->dev);
	return rc;
}

/**
 * ioasid_asking_put - undo ioasid_asking_get()
 * @source: detached
 */
void ioasid_asking_put(const struct ioasid_source *source)
{
	struct ioasid_member *m;

	if (!source->group) {
		device_put(source->dev);
		return;
	}
	list_for_each_entry(m, &source->group->members, entry)
		device_put(m->idev->dev);
}

/* Groups that wait for an answer */

/**
 * ioasid_faults_init - nobody waits yet
 * @f: limits are set by the caller
 */
void ioasid_faults_init(struct ioasid_faults *f)
{
	mutex_init(&f->lock);
	spin_lock_init(&f->list_lock);
	INIT_LIST_HEAD(&f->pending);
	hash_init(f->ids);
}

void ioasid_faults_exit(struct ioasid_faults *f)
{
	WARN_ON(f->nr);
	mutex_destroy(&f->lock);
}

/* Members stay for as long as the group is attached. */
static struct ioasid_device *who_asks(struct ioasid_attachment *at,
				      struct device *dev)
{
	struct ioasid_member *member;

	if (at->idev)
		return at->idev;
	member = ioasid_group_member(at->group, dev);
	return member ? member->idev : NULL;
}

/* With a PASID table the request's PASID is the user's; else it says nothing new. */
static u32 user_pasid(const struct ioasid_attachment *at,
		      const struct iommu_fault_page_request *prm)
{
	if (at->pasid != IOASID_NO_PASID || !ioasid_is_ptable(at->space) ||
	    !(prm->flags & IOMMU_FAULT_PAGE_REQUEST_PASID_VALID))
		return at->pasid;
	return prm->pasid;
}

static int has_room(const struct ioasid_faults *f, const struct ioasid_pending *p)
{
	if (f->closed)
		return -EPIPE;
	if (f->nr >= f->limit ||
	    atomic_read(&p->at->space->fault_stats.pending) >= f->space_limit ||
	    atomic_read(&p->idev->pending_faults) >= f->device_limit)
		return -ENOSPC;
	return 0;
}

/**
 * ioasid_fault_enter - let a group wait
 * @f: where
 * @p: the group; gets its number
 *
 * Context: f->list_lock is held.
 * Returns -EPIPE when there will be no answers, -ENOSPC beyond a limit.
 */
int ioasid_fault_enter(struct ioasid_faults *f, struct ioasid_pending *p)
{
	int rc = has_room(f, p);

	lockdep_assert_held(&f->list_lock);
	if (rc)
		return rc;
	p->id = ++f->last_id;
	list_add_tail(&p->entry, &f->pending);
	list_add_tail(&p->at_entry, &p->at->pending);
	hash_add(f->ids, &p->hash, p->id);
	f->nr++;
	atomic_inc(&p->at->space->fault_stats.pending);
	atomic_inc(&p->idev->pending_faults);
	return 0;
}

/* Tells the IOMMU. Nobody else knows of the group any more. */
static void respond(struct ioasid_pending *p, enum iommu_page_response_code code,
		    u32 why)
{
	struct ioasid_space *space = p->at->space;
	struct iopf_group *group = p->group;
	bool on = trace_ioasid_fault_respond_enabled();
	u32 rid = ioasid_device_rid(group->fault_param->dev);
	u32 grpid = group->last_fault.fault.prm.grpid;
	u64 cookie = p->idev->cookie;
	u64 start = ioasid_now(on), end;

	iopf_group_response(group, code);
	iopf_free_group(group);
	end = ioasid_now(on);
	ioasid_trace(fault_respond, space->ctx->id, space->id, rid, p->pasid,
		     p->addr, grpid, code, why,
		     on && p->delivered_ns ? start - p->delivered_ns : 0,
		     end - start, on ? end - p->reported_ns : 0, cookie);
	kfree(p);
}

static void count_answer(struct ioasid_fault_stats *st,
			 enum iommu_page_response_code code, u32 why)
{
	switch (why) {
	case IOASID_FAULT_WHY_OVERFLOW:
		atomic64_inc(&st->overflows);
		break;
	case IOASID_FAULT_WHY_TIMEOUT:
		atomic64_inc(&st->timeouts);
		break;
	case IOASID_FAULT_WHY_DETACH:
	case IOASID_FAULT_WHY_CLOSE:
		atomic64_inc(&st->cancels);
		break;
	default:
		if (code == IOMMU_PAGE_RESP_SUCCESS)
			atomic64_inc(&st->success);
		else
			atomic64_inc(&st->invalid);
	}
}

/* Whom the group is for, and what it asks. False: a member that is not bound asks. */
static bool pending_fill(struct ioasid_pending *p, struct ioasid_attachment *at,
			 struct iopf_group *group)
{
	struct iopf_fault *fault;

	p->at = at;
	p->group = group;
	p->reported_ns = ktime_get_ns();
	p->idev = who_asks(at, group->fault_param->dev);
	p->pasid = user_pasid(at, &group->last_fault.fault.prm);
	p->addr = U64_MAX;
	list_for_each_entry(fault, &group->faults, list) {
		p->npages++;
		p->addr = min(p->addr, fault->fault.prm.addr);
	}
	/* Not possible: a member that is not bound has no DMA. */
	return !WARN_ON_ONCE(!p->idev);
}

static void trace_report(const struct ioasid_pending *p)
{
	const struct iommu_fault_page_request *prm =
		&p->group->last_fault.fault.prm;
	struct ioasid_space *space = p->at->space;

	ioasid_trace(fault_report, space->ctx->id, space->id,
		     ioasid_device_rid(p->group->fault_param->dev), p->pasid,
		     p->idev->cookie, p->addr, prm->perm, prm->grpid, p->npages,
		     IOASID_FAULT_PAGE_REQUEST);
}

static void refuse(struct iopf_group *group)
{
	iopf_group_response(group, IOMMU_PAGE_RESP_INVALID);
	iopf_free_group(group);
}

/* Without anybody to be told */
static void decided(struct ioasid_pending *p, enum ioasid_verdict verdict)
{
	enum iommu_page_response_code code =
		verdict == IOASID_VERDICT_SUCCESS ? IOMMU_PAGE_RESP_SUCCESS :
						    IOMMU_PAGE_RESP_INVALID;

	count_answer(&p->at->space->fault_stats, code, IOASID_FAULT_WHY_POLICY);
	if (verdict == IOASID_VERDICT_DROP) {
		refuse(p->group);
		kfree(p);
	} else {
		respond(p, code, IOASID_FAULT_WHY_POLICY);
	}
}

/**
 * ioasid_pending_new - a group came in
 * @at: what its handle leads to
 * @group: ours: iopf_group_dequeue() has been called
 *
 * Returns NULL when it was answered: there is no memory, or a policy did.
 */
struct ioasid_pending *ioasid_pending_new(struct ioasid_attachment *at,
					  struct iopf_group *group)
{
	struct ioasid_pending *p = kzalloc(sizeof(*p), GFP_KERNEL);
	struct ioasid_fault_stats *st = &at->space->fault_stats;
	enum ioasid_verdict verdict;

	atomic64_inc(&st->groups);
	if (!p) {
		atomic64_inc(&st->overflows);
		refuse(group);
		return NULL;
	}
	if (!pending_fill(p, at, group)) {
		kfree(p);
		refuse(group);
		return NULL;
	}
	atomic64_add(p->npages, &st->pages);
	verdict = ioasid_hook_fault(p);
	if (verdict != IOASID_VERDICT_DROP)
		trace_report(p);
	if (verdict < IOASID_VERDICT_SUCCESS)
		return p;
	decided(p, verdict);
	return NULL;
}

/**
 * ioasid_fault_refuse - answer a group that nobody was told of
 * @p: the group, not entered; gone afterwards
 * @to: IOASID_FAULT_TO_*: who should have been
 * @result: why not, of ioasid_fault_enter()
 */
void ioasid_fault_refuse(struct ioasid_pending *p, u32 to, int result)
{
	struct ioasid_space *space = p->at->space;
	u32 why = result == -EPIPE ? IOASID_FAULT_WHY_CLOSE :
				     IOASID_FAULT_WHY_OVERFLOW;

	ioasid_trace(fault_deliver, space->ctx->id, space->id,
		     ioasid_device_rid(p->group->fault_param->dev), p->pasid,
		     p->addr, p->group->last_fault.fault.prm.grpid, p->npages,
		     to, result, atomic_read(&space->fault_stats.pending), 0,
		     p->idev->cookie);
	count_answer(&space->fault_stats, IOMMU_PAGE_RESP_INVALID, why);
	respond(p, IOMMU_PAGE_RESP_INVALID, why);
}

/**
 * ioasid_fault_take - a group for the kernel itself to answer
 * @f: where it waits
 * @at: what its handle leads to
 * @group: ours: iopf_group_dequeue() has been called
 *
 * Returns its number, for ioasid_fault_find(); 0 when it was answered at once, beyond
 * a limit.
 */
u64 ioasid_fault_take(struct ioasid_faults *f, struct ioasid_attachment *at,
		      struct iopf_group *group)
{
	struct ioasid_pending *p = ioasid_pending_new(at, group);
	unsigned long flags;
	u64 id = 0;
	int rc;

	if (!p)
		return 0;
	spin_lock_irqsave(&f->list_lock, flags);
	rc = ioasid_fault_enter(f, p);
	if (!rc)
		id = p->id;
	spin_unlock_irqrestore(&f->list_lock, flags);
	if (rc)
		ioasid_fault_refuse(p, IOASID_FAULT_TO_KERNEL, rc);
	return id;
}

/**
 * ioasid_fault_find - the group with a number
 * @f: where it waits; f->lock is held, so that it goes on waiting
 * @id: its number
 *
 * Returns NULL when it was answered.
 */
struct ioasid_pending *ioasid_fault_find(struct ioasid_faults *f, u64 id)
{
	struct ioasid_pending *p, *found = NULL;
	unsigned long flags;

	lockdep_assert_held(&f->lock);
	spin_lock_irqsave(&f->list_lock, flags);
	hash_for_each_possible(f->ids, p, hash, id) {
		if (p->id == id) {
			found = p;
			break;
		}
	}
	spin_unlock_irqrestore(&f->list_lock, flags);
	return found;
}

/**
 * ioasid_fault_answer - answer a group
 * @f: where it waits; f->lock is held
 * @p: the group; gone afterwards
 * @code: the answer
 * @why: IOASID_FAULT_WHY_*: whose it is
 */
void ioasid_fault_answer(struct ioasid_faults *f, struct ioasid_pending *p,
			 enum iommu_page_response_code code, u32 why)
{
	struct ioasid_fault_stats *st = &p->at->space->fault_stats;
	unsigned long flags;

	lockdep_assert_held(&f->lock);
	spin_lock_irqsave(&f->list_lock, flags);
	list_del(&p->entry);
	list_del(&p->at_entry);
	hash_del(&p->hash);
	f->nr--;
	atomic_dec(&st->pending);
	atomic_dec(&p->idev->pending_faults);
	spin_unlock_irqrestore(&f->list_lock, flags);
	count_answer(st, code, why);
	respond(p, code, why);
}

static struct ioasid_pending *first_of(struct ioasid_faults *f,
				       struct ioasid_attachment *at)
{
	struct ioasid_pending *p;
	unsigned long flags;

	spin_lock_irqsave(&f->list_lock, flags);
	if (at)
		p = list_first_entry_or_null(&at->pending,
					     struct ioasid_pending, at_entry);
	else
		p = list_first_entry_or_null(&f->pending,
					     struct ioasid_pending, entry);
	spin_unlock_irqrestore(&f->list_lock, flags);
	return p;
}

/**
 * ioasid_faults_cancel - nobody will answer
 * @f: where groups wait
 * @at: those of this attachment, which has ended; NULL: all
 * @why: IOASID_FAULT_WHY_*
 */
void ioasid_faults_cancel(struct ioasid_faults *f, struct ioasid_attachment *at,
			  u32 why)
{
	struct ioasid_pending *p;

	mutex_lock(&f->lock);
	while ((p = first_of(f, at)))
		ioasid_fault_answer(f, p, IOMMU_PAGE_RESP_INVALID, why);
	mutex_unlock(&f->lock);
}

/* ns since the oldest unanswered group of a space came in */
static u64 oldest(struct ioasid_faults *f, const struct ioasid_space *space)
{
	struct ioasid_pending *p;
	unsigned long flags;
	u64 since = 0;

	spin_lock_irqsave(&f->list_lock, flags);
	list_for_each_entry(p, &f->pending, entry) {
		if (p->at->space == space) {
			since = p->reported_ns;
			break;
		}
	}
	spin_unlock_irqrestore(&f->list_lock, flags);
	return since ? ktime_get_ns() - since : 0;
}

/* Attachments and domains */

static struct ioasid_faults *faults_of(struct ioasid_space *space,
				       struct ioasid_queue *queue)
{
	if (ioasid_space_faults_to_kernel(space))
		return ioasid_mirror_faults(space);
	return queue ? ioasid_queue_faults(queue) : NULL;
}

/**
 * ioasid_attachment_cancel - answer what a source asked for
 * @at: its attachment, which has ended
 */
void ioasid_attachment_cancel(struct ioasid_attachment *at)
{
	struct ioasid_faults *f = faults_of(at->space, at->domain->queue);

	if (f)
		ioasid_faults_cancel(f, at, IOASID_FAULT_WHY_DETACH);
}

/**
 * ioasid_fault_handler - a device waits for pages
 * @group: of requests
 *
 * Called by the IOMMU core in the IOMMU's own thread.
 */
int ioasid_fault_handler(struct iopf_group *group)
{
	struct ioasid_attachment *at = container_of(group->attach_handle,
						    struct ioasid_attachment,
						    handle);

	iopf_group_dequeue(group);
	if (ioasid_space_faults_to_kernel(at->space))
		ioasid_mirror_fault(at, group);
	else
		ioasid_queue_fault(at, group);
	return 0;
}

/* Whose access it was, as far as can be told: the IOMMU does not say the PASID. */
static void name_device(struct ioasid_domain *d, struct device *dev,
			struct ioasid_fault *record)
{
	struct ioasid_device *idev = NULL, *other;
	struct ioasid_attachment *at;
	u32 pasid = IOASID_NO_PASID;
	unsigned int nr = 0;
	unsigned long flags;
	bool many = false;

	spin_lock_irqsave(&d->attachments_lock, flags);
	list_for_each_entry(at, &d->attachments, entry) {
		if (at->idev && at->idev->dev != dev)
			continue;
		other = who_asks(at, dev);
		if (!other)
			continue;
		many |= idev && idev != other;
		idev = other;
		pasid = at->pasid;
		nr++;
	}
	record->flags = idev && !many ? 0 : IOASID_FAULT_NO_DEVICE;
	record->cookie = idev && !many ? idev->cookie : 0;
	spin_unlock_irqrestore(&d->attachments_lock, flags);
	if (nr == 1 && pasid != IOASID_NO_PASID) {
		record->flags |= IOASID_FAULT_PASID;
		record->pasid = pasid;
	}
}

static int unrecoverable(struct iommu_domain *domain, struct device *dev,
			 unsigned long iova, int flags, void *token)
{
	struct ioasid_domain *d = token;
	struct ioasid_space *space = d->space;
	struct ioasid_fault record = {
		.time_ns = ktime_get_ns(),
		.addr = iova,
		.ioasid = space->id,
		.type = IOASID_FAULT_UNRECOVERABLE,
		.perm = flags & IOMMU_FAULT_WRITE ? IOASID_FAULT_PERM_WRITE :
						    IOASID_FAULT_PERM_READ,
	};

	name_device(d, dev, &record);
	atomic64_inc(&space->fault_stats.unrecoverable);
	ioasid_trace(fault_report, space->ctx->id, space->id,
		     ioasid_device_rid(dev),
		     record.flags & IOASID_FAULT_PASID ? record.pasid :
							 IOASID_TRACE_NO_PASID,
		     record.cookie, iova, record.perm, 0, 0,
		     IOASID_FAULT_UNRECOVERABLE);
	ioasid_queue_unrecoverable(d->queue, &record);
	/* The IOMMU driver may say it in the log as well. */
	return -EIO;
}

/**
 * ioasid_domain_takes_faults - prepare a domain that is not attached yet
 * @space: its space
 * @d: the domain
 */
void ioasid_domain_takes_faults(struct ioasid_space *space,
				struct ioasid_domain *d)
{
	d->space = space;
	d->asks = space->asks;
	d->queue = space->queue;
	if (d->asks)
		d->domain->iopf_handler = ioasid_fault_handler;
	if (d->queue) {
		ioasid_queue_get(d->queue);
		iommu_set_fault_handler(d->domain, unrecoverable, d);
	}
}

/**
 * ioasid_domain_faults_fit - would faults of a domain go where they should?
 * @space: its space
 * @d: the domain
 */
bool ioasid_domain_faults_fit(const struct ioasid_space *space,
			      const struct ioasid_domain *d)
{
	return d->asks == space->asks && d->queue == space->queue;
}

void ioasid_domain_enter_source(struct ioasid_domain *d,
				struct ioasid_attachment *at)
{
	unsigned long flags;

	if (!d->queue)
		return;
	spin_lock_irqsave(&d->attachments_lock, flags);
	list_add_tail(&at->entry, &d->attachments);
	spin_unlock_irqrestore(&d->attachments_lock, flags);
}

void ioasid_domain_leave_source(struct ioasid_domain *d,
				struct ioasid_attachment *at)
{
	unsigned long flags;

	if (!d->queue)
		return;
	spin_lock_irqsave(&d->attachments_lock, flags);
	list_del(&at->entry);
	spin_unlock_irqrestore(&d->attachments_lock, flags);
}

/**
 * ioasid_faults_show - for fdinfo
 * @s: where
 * @space: one of a context whose lock is held
 */
void ioasid_faults_show(struct seq_file *s, struct ioasid_space *space)
{
	const struct ioasid_fault_stats *st = &space->fault_stats;
	struct ioasid_faults *f;
	u32 id = space->id;

	seq_printf(s, "ioasid-faults-%u:\t%lld\n", id,
		   atomic64_read(&st->groups));
	seq_printf(s, "ioasid-fault-pages-%u:\t%lld\n", id,
		   atomic64_read(&st->pages));
	seq_printf(s, "ioasid-faults-unrecoverable-%u:\t%lld\n", id,
		   atomic64_read(&st->unrecoverable));
	seq_printf(s, "ioasid-fault-answers-%u:\t%lld\n", id,
		   atomic64_read(&st->success));
	seq_printf(s, "ioasid-fault-invalid-%u:\t%lld\n", id,
		   atomic64_read(&st->invalid));
	seq_printf(s, "ioasid-fault-overflows-%u:\t%lld\n", id,
		   atomic64_read(&st->overflows));
	seq_printf(s, "ioasid-fault-timeouts-%u:\t%lld\n", id,
		   atomic64_read(&st->timeouts));
	seq_printf(s, "ioasid-fault-cancels-%u:\t%lld\n", id,
		   atomic64_read(&st->cancels));
	seq_printf(s, "ioasid-fault-pending-%u:\t%d\n", id,
		   atomic_read(&st->pending));
	f = faults_of(space, space->queue);
	seq_printf(s, "ioasid-fault-oldest-%u:\t%llu\n", id,
		   f ? oldest(f, space) : 0);
}
