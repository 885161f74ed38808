// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA engine: requests, page by page. Translation and access of a page are
 * one step towards everything that invalidates.
 */
#include <linux/atomic.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "sim.h"

/* A piece of a request within one page, and what to do with it. */
struct sim_piece {
	struct sim_device *dev;
	struct ioasid_sim_request *req;
	u64 va;
	size_t len;
	u64 rest;			/* of the request, from @va on */
	u32 access;
	void (*move)(void *mem, struct sim_piece *piece);
	void *local;			/* device memory, or the other end of a copy */
	bool done;			/* by @move: no need to go on */
	u64 moved;			/* bytes of the request so far */
	bool kernel;			/* not of the device's user, who may not be there */
};

static void move_in(void *mem, struct sim_piece *p)
{
	memcpy(p->local, mem, p->len);
}

static void move_out(void *mem, struct sim_piece *p)
{
	memcpy(mem, p->local, p->len);
}

static void move_fill(void *mem, struct sim_piece *p)
{
	memset(mem, p->req->arg, p->len);
}

static void move_compare(void *mem, struct sim_piece *p)
{
	const u8 *ours = p->local, *theirs = mem;
	size_t i;

	for (i = 0; i < p->len && ours[i] == theirs[i]; i++)
		;
	p->req->result = p->va - p->req->iova + i;
	p->done = i < p->len;
}

static void move_add(void *mem, struct sim_piece *p)
{
	p->req->result = atomic64_fetch_add(p->req->arg, mem);
}

static void move_cas(void *mem, struct sim_piece *p)
{
	p->req->result = atomic64_cmpxchg(mem, p->req->arg, p->req->arg2);
}

static u32 request_access(const struct ioasid_sim_request *req, u32 access)
{
	if (req->flags & IOASID_SIM_REQ_PRIV)
		access |= IOASID_PERM_PRIV;
	if (req->flags & IOASID_SIM_REQ_EXEC)
		access |= IOASID_PERM_EXEC;
	return access;
}

/*
 * The fault is the IOMMU's to report, unless the device asked it first whether there
 * is a translation (ATS): then it is the device that knows. A process's address space
 * has no place for a handler.
 */
static void report_fault(const struct sim_xlate *x)
{
	if (!x->ats && x->domain && !x->domain->sva)
		report_iommu_fault(&x->domain->domain, &x->port->pdev->dev,
				   x->va, x->access & IOASID_PERM_WRITE ?
				   IOMMU_FAULT_WRITE : IOMMU_FAULT_READ);
}

/* One try. With @wait the device may ask for what it lacks: then @asked says so. */
static enum ioasid_sim_status try_piece(struct sim_piece *p,
					struct sim_xlate *x,
					struct sim_page_wait *wait, bool *asked)
{
	struct sim_port *port = p->dev->port;
	enum ioasid_sim_status status;
	void *page;

	*asked = false;
	/* That of an earlier try may be gone, and this one not come so far. */
	x->domain = NULL;
	x->pasid = p->req->flags & IOASID_SIM_REQ_PASID ? p->req->pasid :
							  SIM_NO_PASID;
	down_read(&port->sim->flight);
	status = p->kernel || READ_ONCE(p->dev->live) ?
		 sim_wire_pasid(p->dev, x) : IOASID_SIM_ABORTED;
	read_lock(&port->sim->sva_lock);
	if (!status)
		status = sim_translate(x);
	if (!status) {
		page = kmap_local_page(pfn_to_page(PHYS_PFN(x->pa)));
		p->move(page + offset_in_page(x->pa), p);
		kunmap_local(page);
	} else if (wait) {
		*asked = sim_pages_ask(x, p->rest, status, wait);
	} else {
		report_fault(x);
	}
	read_unlock(&port->sim->sva_lock);
	up_read(&port->sim->flight);
	return status;
}

/* Of a page that is gone again each time. */
#define SIM_PAGE_TRIES	16

static enum ioasid_sim_status do_piece(struct sim_piece *p)
{
	struct sim_port *port = p->dev->port;
	const struct ioasid_sim_request *req = p->req;
	struct sim_xlate x = {
		.port = port,
		.kernel = p->kernel,
		.ats = req->flags & IOASID_SIM_REQ_ATS,
		.va = p->va,
		.access = request_access(req, p->access),
	};
	u32 tries = req->flags & IOASID_SIM_REQ_PRI ? SIM_PAGE_TRIES : 0;
	enum ioasid_sim_status status;
	struct sim_page_wait wait;
	bool asked;

	for (;; tries--) {
		status = try_piece(p, &x, tries ? &wait : NULL, &asked);
		if (asked)
			status = sim_pages_await(p->dev, &wait);
		if (!asked || status)
			break;
		sim_count(port->sim, SIM_STAT_PAGE_RETRIES, 1);
	}
	if (!status)
		sim_count(port->sim, SIM_STAT_BYTES, p->len);
	else
		p->req->result = p->va;
	return status;
}

static size_t page_rest(u64 va, size_t len)
{
	return min_t(size_t, len, PAGE_SIZE - offset_in_page(va));
}

/* Between addresses of the device and its memory, or in place. */
static enum ioasid_sim_status do_range(struct sim_piece *p)
{
	const struct ioasid_sim_request *req = p->req;
	enum ioasid_sim_status status;
	size_t off;

	for (off = 0; off < req->len; off += p->len) {
		p->va = req->iova + off;
		p->rest = req->len - off;
		p->len = page_rest(p->va, p->rest);
		status = do_piece(p);
		if (status)
			return status;
		p->moved += p->len;
		if (p->done)
			break;
		if (p->local)
			p->local += p->len;
		cond_resched();
	}
	return IOASID_SIM_OK;
}

/* Each end is translated for itself, as two requests on the bus would be. */
static enum ioasid_sim_status do_copy(struct sim_piece *p, void *bounce)
{
	const struct ioasid_sim_request *req = p->req;
	enum ioasid_sim_status status;
	size_t off;

	p->local = bounce;
	for (off = 0; off < req->len; off += p->len) {
		p->rest = req->len - off;
		p->len = page_rest(req->iova + off, p->rest);
		p->len = page_rest(req->arg + off, p->len);
		p->va = req->iova + off;
		p->access = IOASID_PERM_READ;
		p->move = move_in;
		status = do_piece(p);
		if (status)
			return status;
		p->va = req->arg + off;
		p->access = IOASID_PERM_WRITE;
		p->move = move_out;
		status = do_piece(p);
		if (status)
			return status;
		p->moved += p->len;
		cond_resched();
	}
	return IOASID_SIM_OK;
}

static bool in_sram(const struct ioasid_sim_request *req)
{
	return req->arg <= IOASID_SIM_SRAM &&
	       req->len <= IOASID_SIM_SRAM - req->arg;
}

static bool is_atomic(const struct ioasid_sim_request *req)
{
	return req->op == IOASID_SIM_OP_ADD || req->op == IOASID_SIM_OP_CAS;
}

static bool flags_fit(struct sim_device *dev,
		      const struct ioasid_sim_request *req)
{
	const u32 known = IOASID_SIM_REQ_PASID | IOASID_SIM_REQ_ATS |
			  IOASID_SIM_REQ_PRIV | IOASID_SIM_REQ_EXEC |
			  IOASID_SIM_REQ_PRI;
	u32 caps = dev->port->sim->args.caps;

	if (req->flags & ~known)
		return false;
	if (req->flags & IOASID_SIM_REQ_PASID ?
	    !(caps & IOASID_SIM_CAP_PASID) || req->pasid == SIM_NO_PASID :
	    req->pasid)
		return false;
	if ((req->flags & IOASID_SIM_REQ_ATS) && !(caps & IOASID_SIM_CAP_ATS))
		return false;
	if ((req->flags & IOASID_SIM_REQ_PRI) &&
	    (!(caps & IOASID_SIM_CAP_PRI) ||
	     !(req->flags & IOASID_SIM_REQ_ATS)))
		return false;
	return !(req->flags & IOASID_SIM_REQ_EXEC) ||
	       req->op == IOASID_SIM_OP_READ;
}

static bool request_fits(struct sim_device *dev,
			 const struct ioasid_sim_request *req)
{
	if (!flags_fit(dev, req) || !req->len || req->len > IOASID_SIM_SRAM)
		return false;
	if (is_atomic(req))
		return req->len == sizeof(u64) &&
		       IS_ALIGNED(req->iova, sizeof(u64));
	switch (req->op) {
	case IOASID_SIM_OP_READ:
	case IOASID_SIM_OP_WRITE:
	case IOASID_SIM_OP_COMPARE:
		return in_sram(req);
	case IOASID_SIM_OP_COPY:
	case IOASID_SIM_OP_FILL:
		return true;
	default:
		return false;
	}
}

static bool wraps(u64 addr, u64 len)
{
	return addr + len - 1 < addr;
}

static enum ioasid_sim_status execute(struct sim_piece *p, void *bounce)
{
	struct ioasid_sim_request *req = p->req;
	struct sim_device *dev = p->dev;

	req->result = 0;
	if (!request_fits(dev, req))
		return IOASID_SIM_BAD_REQUEST;
	if (wraps(req->iova, req->len) ||
	    (req->op == IOASID_SIM_OP_COPY && wraps(req->arg, req->len))) {
		req->result = req->iova;
		return IOASID_SIM_FAULT_ADDRESS;
	}
	p->access = IOASID_PERM_READ;
	switch (req->op) {
	case IOASID_SIM_OP_READ:
		p->move = move_in;
		p->local = dev->sram + req->arg;
		break;
	case IOASID_SIM_OP_WRITE:
		p->move = move_out;
		p->local = dev->sram + req->arg;
		p->access = IOASID_PERM_WRITE;
		break;
	case IOASID_SIM_OP_COPY:
		return do_copy(p, bounce);
	case IOASID_SIM_OP_FILL:
		p->move = move_fill;
		p->access = IOASID_PERM_WRITE;
		break;
	case IOASID_SIM_OP_COMPARE:
		p->move = move_compare;
		p->local = dev->sram + req->arg;
		break;
	case IOASID_SIM_OP_ADD:
		p->move = move_add;
		p->access |= IOASID_PERM_WRITE;
		break;
	case IOASID_SIM_OP_CAS:
		p->move = move_cas;
		p->access |= IOASID_PERM_WRITE;
		break;
	}
	return do_range(p);
}

/**
 * sim_execute() - carry a request out
 * @dev: the device, which stays what it is: bound, or its load or ring is running
 * @req: the request; @status and @result are filled in
 * @bounce: a page, for copies
 *
 * Return: how many bytes of it were carried out, in whole pieces.
 */
u64 sim_execute(struct sim_device *dev, struct ioasid_sim_request *req,
		void *bounce)
{
	struct sim_piece p = { .dev = dev, .req = req };

	req->status = execute(&p, bounce);
	sim_count(dev->port->sim, SIM_STAT_REQUESTS, 1);
	return p.moved;
}

/**
 * sim_execute_kernel() - carry a request of the kernel out
 * @dev: the device, which has no user, and will not get one meanwhile
 * @req: the request; @status and @result are filled in
 * @bounce: a page, for copies
 */
void sim_execute_kernel(struct sim_device *dev, struct ioasid_sim_request *req,
			void *bounce)
{
	struct sim_piece p = { .dev = dev, .req = req, .kernel = true };

	req->status = execute(&p, bounce);
	sim_count(dev->port->sim, SIM_STAT_REQUESTS, 1);
}

#define SIM_MAX_REQUESTS	1024

/* A copy of the user's requests, to be freed with kvfree(). */
struct ioasid_sim_request *sim_get_requests(u64 uaddr, u32 nr)
{
	if (!nr || nr > SIM_MAX_REQUESTS)
		return ERR_PTR(-EINVAL);
	return vmemdup_array_user(u64_to_user_ptr(uaddr), nr,
				  sizeof(struct ioasid_sim_request));
}

/* Only what is an output: the rest of the array is the user's. */
static int put_outcome(u64 uaddr, u32 i, const struct ioasid_sim_request *req)
{
	struct ioasid_sim_request __user *ureq = u64_to_user_ptr(uaddr);

	return put_user(req->status, &ureq[i].status) ?:
	       put_user(req->result, &ureq[i].result);
}

int sim_cmd_dma(struct sim_device *dev, void __user *uargs)
{
	struct ioasid_sim_dma __user *udma = uargs;
	struct ioasid_sim_request *reqs;
	struct ioasid_sim_dma dma;
	void *bounce;
	u32 i;
	int rc;

	rc = ioasid_copy_args(&dma, sizeof(dma), uargs);
	if (rc)
		return rc;
	if (dma.flags)
		return -EOPNOTSUPP;
	if (dma.__reserved)
		return -EINVAL;
	reqs = sim_get_requests(dma.requests, dma.nr);
	if (IS_ERR(reqs))
		return PTR_ERR(reqs);
	bounce = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!bounce)
		rc = -ENOMEM;
	for (i = 0; !rc && i < dma.nr && !fatal_signal_pending(current); i++) {
		sim_execute(dev, &reqs[i], bounce);
		rc = put_outcome(dma.requests, i, &reqs[i]);
	}
	free_page((unsigned long)bounce);
	kvfree(reqs);
	return rc ?: put_user(i, &udma->nr);
}
