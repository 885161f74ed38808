// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests (PRI): a device that does not get a translation asks for the page
 * and waits; software makes it present, and answers.
 *
 *	device                    queue                 IOMMU core, fault handler
 *	sim_pages_ask()   ->  ring  ->  prq_work()  ->  iommu_report_device_fault()
 *	sim_pages_await() <-- answer() <--------------  sim_page_response()
 *
 * A device asks for one group of pages at a time and thread. The ring is what the
 * instance was made with. When there is no room in it, what comes is dropped until
 * the ring has been emptied, and the IOMMU itself answers that the request is
 * invalid: the access fails as it does without page requests.
 *
 * Who takes a domain away (detach, replace) waits until the core has been given all
 * that was in the ring by then, and ends the waits for pages of that domain. So a
 * handler must not wait for a lock under which somebody attaches or detaches.
 * Answers that come later find nobody: each group has a stamp of its own, which the
 * core carries as private data of the request.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "sim.h"

/* Pages that one group asks for. */
#define SIM_GROUP_PAGES	8

struct sim_prq_entry {
	struct sim_port *port;
	struct iommu_fault_page_request prm;
};

/* The ring */

/* False: it is empty, and nothing that it lost is left to be tidied up. */
static bool prq_take(struct sim_prq *prq, struct sim_prq_entry *e)
{
	bool some;

	spin_lock(&prq->lock);
	while (prq->put == prq->taken && prq->overflow) {
		spin_unlock(&prq->lock);
		/* Groups whose last page was dropped never become whole. */
		iopf_queue_discard_partial(prq->iopf);
		spin_lock(&prq->lock);
		prq->overflow = false;
	}
	some = prq->put != prq->taken;
	if (some)
		*e = prq->ring[prq->taken++ % prq->size];
	spin_unlock(&prq->lock);
	return some;
}

static void prq_work(struct work_struct *work)
{
	struct sim_prq *prq = container_of(work, struct sim_prq, work);
	struct sim_prq_entry e;

	while (prq_take(prq, &e)) {
		struct iopf_fault fault = {
			.fault.type = IOMMU_FAULT_PAGE_REQ,
			.fault.prm = e.prm,
		};

		/* Answers, if it fails. */
		iommu_report_device_fault(&e.port->pdev->dev, &fault);
		spin_lock(&prq->lock);
		prq->reported++;
		spin_unlock(&prq->lock);
		wake_up_all(&prq->drained);
		cond_resched();
	}
}

static bool prq_reported(struct sim_prq *prq, u64 put)
{
	bool reported;

	spin_lock(&prq->lock);
	reported = prq->reported >= put;
	spin_unlock(&prq->lock);
	return reported;
}

int sim_prq_init(struct sim_instance *sim)
{
	struct sim_prq *prq = &sim->prq;

	if (!(sim->args.caps & IOASID_SIM_CAP_PRI))
		return 0;
	spin_lock_init(&prq->lock);
	init_waitqueue_head(&prq->drained);
	INIT_WORK(&prq->work, prq_work);
	prq->size = sim->args.prq_entries;
	prq->ring = kvcalloc(prq->size, sizeof(*prq->ring), GFP_KERNEL_ACCOUNT);
	if (!prq->ring)
		return -ENOMEM;
	prq->wq = alloc_ordered_workqueue("ioasid-sim%u", 0, sim->id);
	if (!prq->wq)
		return -ENOMEM;
	prq->iopf = iopf_queue_alloc(SIM_DRIVER);
	return prq->iopf ? 0 : -ENOMEM;
}

/* No port is left that could ask. */
void sim_prq_exit(struct sim_instance *sim)
{
	struct sim_prq *prq = &sim->prq;

	if (prq->wq)
		destroy_workqueue(prq->wq);
	if (prq->iopf)
		iopf_queue_free(prq->iopf);
	kvfree(prq->ring);
}

/* Asking */

static bool recoverable(const struct sim_xlate *x, enum ioasid_sim_status status)
{
	return x->domain && x->domain->domain.iopf_handler &&
	       (status == IOASID_SIM_FAULT_NOT_PRESENT ||
		status == IOASID_SIM_FAULT_PERMISSION);
}

/*
 * How many pages in a row, of @len bytes, the device has to ask for. It looks for
 * those that are absent without intent to write, which would leave a trace.
 */
static u32 pages_missing(const struct sim_xlate *x, u64 len)
{
	u64 end = offset_in_page(x->va) + len;
	struct sim_xlate next = *x;
	u32 n;

	next.access &= ~IOASID_PERM_WRITE;
	next.access |= IOASID_PERM_READ;
	for (n = 1; n < SIM_GROUP_PAGES && n * PAGE_SIZE < end; n++) {
		next.va = (x->va & PAGE_MASK) + n * PAGE_SIZE;
		if (!recoverable(&next, sim_translate(&next)))
			break;
	}
	return n;
}

static bool group_get(struct sim_asking *asking, struct sim_page_wait *wait)
{
	u32 group = find_next_zero_bit(asking->groups, SIM_PAGE_GROUPS,
				       asking->next_group);

	if (group == SIM_PAGE_GROUPS)
		group = find_first_zero_bit(asking->groups, SIM_PAGE_GROUPS);
	if (group == SIM_PAGE_GROUPS)
		return false;
	__set_bit(group, asking->groups);
	asking->next_group = (group + 1) % SIM_PAGE_GROUPS;
	wait->group = group;
	return true;
}

static u32 fault_perm(u32 access)
{
	return (access & IOASID_PERM_READ ? IOMMU_FAULT_PERM_READ : 0) |
	       (access & IOASID_PERM_WRITE ? IOMMU_FAULT_PERM_WRITE : 0) |
	       (access & IOASID_PERM_EXEC ? IOMMU_FAULT_PERM_EXEC : 0) |
	       (access & IOASID_PERM_PRIV ? IOMMU_FAULT_PERM_PRIV : 0);
}

static struct iommu_fault_page_request
page_request(const struct sim_xlate *x, const struct sim_page_wait *wait)
{
	struct iommu_fault_page_request prm = {
		.grpid = wait->group,
		.perm = fault_perm(x->access),
		.addr = x->va & PAGE_MASK,
		.private_data = { wait->stamp },
	};

	if (x->pasid != SIM_NO_PASID) {
		prm.flags = IOMMU_FAULT_PAGE_REQUEST_PASID_VALID |
			    IOMMU_FAULT_PAGE_RESPONSE_NEEDS_PASID;
		prm.pasid = x->pasid;
	}
	return prm;
}

/* False: the last of the pages was dropped, thus nobody will answer. */
static bool prq_put(struct sim_port *port, struct iommu_fault_page_request *prm,
		    u32 n)
{
	struct sim_prq *prq = &port->sim->prq;
	u32 i;

	if (port->sim->inject & IOASID_SIM_INJECT_PRQ_OVERFLOW)
		prq->overflow = true;
	for (i = 0; i < n; i++, prm->addr += PAGE_SIZE) {
		if (prq->put - prq->taken == prq->size)
			prq->overflow = true;
		if (prq->overflow)
			break;
		if (i == n - 1)
			prm->flags |= IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE;
		prq->ring[prq->put++ % prq->size] = (struct sim_prq_entry) {
			.port = port,
			.prm = *prm,
		};
	}
	queue_work(prq->wq, &prq->work);
	return i == n;
}

/**
 * sim_pages_ask() - ask for what a translation lacks
 * @x: the translation
 * @len: bytes from its address on that the device is going to access
 * @status: how it failed
 * @wait: for sim_pages_await(), if true is returned
 *
 * False when the device does not ask, or was answered at once that it asks in vain.
 * Context: the same sim->flight as sim_translate(), so that whoever takes the
 * domain away afterwards knows of it.
 */
bool sim_pages_ask(struct sim_xlate *x, u64 len, enum ioasid_sim_status status,
		   struct sim_page_wait *wait)
{
	struct sim_asking *asking = &x->port->asking;
	struct sim_instance *sim = x->port->sim;
	struct iommu_fault_page_request prm;
	bool asked;
	u32 n;

	if (!asking->on || !recoverable(x, status))
		return false;
	n = pages_missing(x, len);
	*wait = (struct sim_page_wait) {
		.domain = x->domain->id,
		.status = status,
	};
	spin_lock(&sim->prq.lock);
	asked = group_get(asking, wait);
	if (asked) {
		wait->stamp = ++sim->prq.stamp;
		prm = page_request(x, wait);
		asked = prq_put(x->port, &prm, n);
		if (asked)
			list_add_tail(&wait->entry, &asking->waits);
		else
			__clear_bit(wait->group, asking->groups);
	}
	spin_unlock(&sim->prq.lock);
	sim_count(sim, SIM_STAT_PAGE_REQUESTS, n);
	if (!asked)
		sim_count(sim, SIM_STAT_PAGE_OVERFLOWS, 1);
	return asked;
}

/* There are ends of a wait that no answer brings. */
static bool gave_up(struct sim_device *dev)
{
	if (!READ_ONCE(dev->live))
		return true;
	if (current->flags & PF_KTHREAD)
		return kthread_should_stop();
	return READ_ONCE(dev->port->asking.hush);
}

/**
 * sim_pages_await() - wait for the answer
 * @dev: the device
 * @wait: what was asked for
 *
 * Return: IOASID_SIM_OK when the access can be tried again; otherwise what becomes
 * of it: the fault that it was, or IOASID_SIM_ABORTED.
 */
enum ioasid_sim_status sim_pages_await(struct sim_device *dev,
				       struct sim_page_wait *wait)
{
	struct sim_asking *asking = &dev->port->asking;
	struct sim_prq *prq = &dev->port->sim->prq;

	/* Killed, it is not done either. */
	(void)wait_event_killable(asking->answered,
				  READ_ONCE(wait->done) || gave_up(dev));
	spin_lock(&prq->lock);
	list_del(&wait->entry);
	__clear_bit(wait->group, asking->groups);
	if (!wait->done)
		wait->status = IOASID_SIM_ABORTED;
	spin_unlock(&prq->lock);
	return wait->status;
}

/* Answers */

/* Ends the wait of a group; false when nobody waits for it. */
static bool answer(struct sim_port *port, u64 stamp, u32 code)
{
	struct sim_page_wait *wait;
	bool found = false;

	lockdep_assert_held(&port->sim->prq.lock);
	list_for_each_entry(wait, &port->asking.waits, entry) {
		if (wait->stamp != stamp || wait->done)
			continue;
		if (code == IOMMU_PAGE_RESP_SUCCESS)
			wait->status = IOASID_SIM_OK;
		WRITE_ONCE(wait->done, true);
		found = true;
		break;
	}
	wake_up_all(&port->asking.answered);
	return found;
}

static enum sim_stat code_stat(u32 code)
{
	switch (code) {
	case IOMMU_PAGE_RESP_SUCCESS:
		return SIM_STAT_PAGE_SUCCESS;
	case IOMMU_PAGE_RESP_INVALID:
		return SIM_STAT_PAGE_INVALID;
	default:
		return SIM_STAT_PAGE_FAILURE;
	}
}

/**
 * sim_page_response() - the answer to a group, for the IOMMU core
 * @dev: the device that asked
 * @evt: the last page it asked for
 * @msg: the answer
 */
void sim_page_response(struct device *dev, struct iopf_fault *evt,
		       struct iommu_page_response *msg)
{
	struct sim_port *port = dev_iommu_priv_get(dev);
	struct sim_instance *sim = port->sim;
	u64 stamp = evt->fault.prm.private_data[0];
	u32 inject = READ_ONCE(sim->inject);
	u32 unexpected = 0;

	/* To pages before the last one there is no answer. */
	if (!(evt->fault.prm.flags & IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE))
		return;
	sim_count(sim, code_stat(msg->code), 1);
	if (inject & IOASID_SIM_INJECT_LOSE_RESPONSE)
		return;
	spin_lock(&sim->prq.lock);
	if (inject & IOASID_SIM_INJECT_REPEAT_RESPONSE) {
		unexpected += port->asking.last &&
			      !answer(port, port->asking.last, msg->code);
		port->asking.last = stamp;
	}
	unexpected += !answer(port, stamp, msg->code);
	spin_unlock(&sim->prq.lock);
	sim_count(sim, SIM_STAT_PAGE_UNEXPECTED, unexpected);
}

/**
 * sim_pages_drain() - a domain is no longer that of a port, or of a PASID of it
 * @port: where
 * @d: the domain; NULL: whatever it was
 *
 * Context: nothing new is asked of the domain: sim->flight has been held for
 * writing since it was taken away, and is not held now.
 */
void sim_pages_drain(struct sim_port *port, struct sim_domain *d)
{
	struct sim_prq *prq = &port->sim->prq;
	struct sim_page_wait *wait;
	u64 put;

	if (!prq->size)
		return;
	spin_lock(&prq->lock);
	put = prq->put;
	spin_unlock(&prq->lock);
	wait_event(prq->drained, prq_reported(prq, put));
	/* The core's own handler, for processes, works there. */
	flush_workqueue(prq->iopf->wq);
	spin_lock(&prq->lock);
	list_for_each_entry(wait, &port->asking.waits, entry) {
		if (wait->done || (d && wait->domain != d->id))
			continue;
		wait->status = IOASID_SIM_ABORTED;
		WRITE_ONCE(wait->done, true);
	}
	spin_unlock(&prq->lock);
	sim_pages_wake(port);
}

/* What a wait ends for besides an answer has changed. */
void sim_pages_wake(struct sim_port *port)
{
	wake_up_all(&port->asking.answered);
}

/**
 * sim_pages_hush() - requests of ioctls are not to wait for pages
 * @port: where
 * @change: 1 from now on, -1 they may again
 */
void sim_pages_hush(struct sim_port *port, int change)
{
	struct sim_prq *prq = &port->sim->prq;

	if (!prq->size)
		return;
	spin_lock(&prq->lock);
	WRITE_ONCE(port->asking.hush, port->asking.hush + change);
	spin_unlock(&prq->lock);
	sim_pages_wake(port);
}

/* Permission to ask */

void sim_asking_init(struct sim_port *port)
{
	struct sim_asking *asking = &port->asking;

	mutex_init(&asking->lock);
	INIT_LIST_HEAD(&asking->waits);
	init_waitqueue_head(&asking->answered);
}

static void set_asking(struct sim_port *port, bool on)
{
	down_write(&port->sim->flight);
	port->asking.on = on;
	up_write(&port->sim->flight);
}

/**
 * sim_asking_get() - a device shall ask for pages
 * @port: where
 */
int sim_asking_get(struct sim_port *port)
{
	struct sim_asking *asking = &port->asking;
	int rc = 0;

	if (!port->sim->prq.size)
		return -ENODEV;
	mutex_lock(&asking->lock);
	if (!asking->users)
		rc = iopf_queue_add_device(port->sim->prq.iopf,
					   &port->pdev->dev);
	if (!rc && !asking->users++)
		set_asking(port, true);
	mutex_unlock(&asking->lock);
	return rc;
}

static void stop_asking(struct sim_port *port)
{
	set_asking(port, false);
	sim_pages_drain(port, NULL);
	iopf_queue_remove_device(port->sim->prq.iopf, &port->pdev->dev);
}

/* Undoes one sim_asking_get(). */
void sim_asking_put(struct sim_port *port)
{
	mutex_lock(&port->asking.lock);
	if (!--port->asking.users)
		stop_asking(port);
	mutex_unlock(&port->asking.lock);
}

/* The device goes away, whatever its users have left. */
void sim_asking_end(struct sim_port *port)
{
	mutex_lock(&port->asking.lock);
	if (port->asking.users)
		stop_asking(port);
	port->asking.users = 0;
	mutex_unlock(&port->asking.lock);
}
