// SPDX-License-Identifier: GPL-2.0-only
/*
 * INVALIDATE_CACHE: what users say of their tables reaches the IOMMUs that walk
 * them, and the kernel's copies for those that do not (RFC v1, 1; v2, cache types
 * and scopes).
 */
#include <linux/iommu.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <trace/events/ioasid.h>

#include "ioasid_private.h"

static int check_request(const struct ioasid_space *space,
			 const struct ioasid_invalidate *req)
{
	const u32 flags = IOASID_INVALIDATE_RANGE | IOASID_INVALIDATE_LEAF |
			  IOASID_INVALIDATE_DEVICE | IOASID_INVALIDATE_PASID;
	bool range = req->flags & IOASID_INVALIDATE_RANGE;
	bool ptable = ioasid_is_ptable(space);
	u32 caches = IOASID_CACHE_IOTLB | IOASID_CACHE_DEVTLB |
		     (ptable ? IOASID_CACHE_PASID : 0);

	if (req->flags & ~flags || req->caches & ~caches)
		return -EOPNOTSUPP;
	if (req->__reserved)
		return -EINVAL;
	if (!(req->flags & IOASID_INVALIDATE_DEVICE) && req->cookie)
		return -EINVAL;
	if (!(req->flags & IOASID_INVALIDATE_PASID) && req->pasid)
		return -EINVAL;
	if (range ? !req->size || req->iova + req->size - 1 < req->iova :
		    req->iova || req->size)
		return -EINVAL;
	if (range && req->caches & IOASID_CACHE_PASID)
		return -EINVAL;
	if (ptable && req->pasid >> space->table.addr_width)
		return -EINVAL;
	return 0;
}

static bool wants_device(const struct ioasid_invalidate *req,
			 const struct ioasid_device *idev)
{
	return !(req->flags & IOASID_INVALIDATE_DEVICE) ||
	       idev->cookie == req->cookie;
}

static bool wants_group(const struct ioasid_invalidate *req,
			const struct ioasid_group *grp)
{
	struct ioasid_member *member;

	/* With a PASID table a device has all of them. */
	if (req->flags & IOASID_INVALIDATE_PASID &&
	    !ioasid_is_ptable(grp->space))
		return false;
	list_for_each_entry(member, &grp->members, entry)
		if (wants_device(req, member->idev))
			return true;
	return false;
}

static bool wants_pasid(const struct ioasid_invalidate *req,
			const struct ioasid_pasid *p)
{
	/* That by which the user knows it, and not the default space of a sub-device */
	if (req->flags & IOASID_INVALIDATE_PASID &&
	    (p->pasid != req->pasid || p->pasid == IOASID_NO_PASID))
		return false;
	return wants_device(req, p->idev);
}

/* Marks the domains that a request is about; returns how many uses of them. */
static unsigned int mark_domains(struct ioasid_space *space,
				 const struct ioasid_invalidate *req)
{
	struct ioasid_domain *d;
	struct ioasid_group *grp;
	struct ioasid_pasid *p;
	unsigned int nr = 0;

	list_for_each_entry(d, &space->domains, entry)
		d->wanted = false;
	list_for_each_entry(grp, &space->groups, entry) {
		if (!grp->domain || !wants_group(req, grp))
			continue;
		grp->domain->wanted = true;
		nr++;
	}
	list_for_each_entry(p, &space->pasids, entry) {
		if (!wants_pasid(req, p))
			continue;
		p->domain->wanted = true;
		nr++;
	}
	return nr;
}

/* One request at work. */
struct request {
	struct ioasid_invalidate req;
	u64 first, last;
	u32 domains;			/* concerned */
	u32 flushed;			/* by the IOMMUs that walk the table */
	bool shadow;			/* the kernel follows it for others */
	/* all 0 while nobody listens */
	bool on;
	u64 hw_ns, shadow_ns;
};

static int flush_nested(struct ioasid_space *space, struct request *r,
			const struct ioasid_lent *lent)
{
	bool leaf = r->req.flags & IOASID_INVALIDATE_LEAF;
	u64 start = ioasid_now(r->on);
	struct ioasid_domain *d;
	int rc = 0;

	list_for_each_entry(d, &space->domains, entry) {
		if (!d->wanted)
			continue;
		r->domains++;
		if (!d->parent) {
			r->shadow = true;
			continue;
		}
		rc = ioasid_is_ptable(space) ?
			ioasid_ptable_invalidate(d, &r->req, r->first, r->last,
						 lent) :
			ioasid_nested_invalidate(d, r->first, r->last, leaf,
						 lent);
		if (rc)
			break;
		r->flushed++;
	}
	if (!rc && !r->flushed)
		return 0;
	r->hw_ns = ioasid_now(r->on) - start;
	ioasid_trace(iotlb_inv, space->ctx->id, space->id, r->req.iova,
		     r->req.size, r->flushed, rc, r->hw_ns, 1);
	return rc;
}

static int update_shadow(struct ioasid_space *space, struct request *r)
{
	u64 start = ioasid_now(r->on);
	int rc = ioasid_shadow_update(space, r->first, r->last);

	r->shadow_ns = ioasid_now(r->on) - start;
	return rc;
}

static int carry_out(struct ioasid_space *space, struct request *r,
		     const struct ioasid_lent *lent)
{
	u32 scope = IOASID_INVALIDATE_DEVICE |
		    (ioasid_is_ptable(space) ? 0 : IOASID_INVALIDATE_PASID);
	int rc;

	if (space->kind != IOASID_KIND_USER)
		return -EOPNOTSUPP;
	if (space->nr_partial)
		return -EDEADLK;
	rc = check_request(space, &r->req);
	if (rc)
		return rc;
	/* Somebody was named who is not here. */
	if (!mark_domains(space, &r->req) && r->req.flags & scope)
		return -EINVAL;
	rc = flush_nested(space, r, lent);
	mutex_lock(space->lock);
	space->stats.invalidations += r->flushed;
	if (!rc && r->shadow)
		rc = update_shadow(space, r);
	mutex_unlock(space->lock);
	return rc;
}

static void enter(struct ioasid_space *space, const struct request *r, u64 start)
{
	const struct ioasid_history_what what = {
		.op = IOASID_HISTORY_INVALIDATE,
		.iova = r->req.iova,
		.size = r->req.size,
		.time_ns = start,
		.flush_ns = ktime_get_ns() - start,
	};

	mutex_lock(space->lock);
	ioasid_history_add(space, &what);
	mutex_unlock(space->lock);
}

static int invalidate_one(struct ioasid_space *space, struct request *r,
			  const struct ioasid_lent *lent)
{
	u64 start = ktime_get_ns();
	const struct ioasid_invalidate *req = &r->req;
	int rc;

	r->last = U64_MAX;
	if (req->flags & IOASID_INVALIDATE_RANGE) {
		r->first = req->iova;
		r->last = req->iova + req->size - 1;
	}
	rc = carry_out(space, r, lent);
	if (rc)
		space->stats.user_inval_errors++;
	else
		space->stats.user_invalidations++;
	if (!rc)
		enter(space, r, start);
	ioasid_trace(invalidate, space->ctx->id, space->id,
		     req->flags | req->caches << 16, req->cookie,
		     req->flags & IOASID_INVALIDATE_PASID ?
		     req->pasid : IOASID_TRACE_NO_PASID,
		     req->iova, req->size, r->domains, rc,
		     r->on ? ktime_get_ns() - start : 0, r->hw_ns,
		     r->shadow_ns);
	return rc;
}

/* lock_ns: what of it went by with waiting for others of the context. */
static int invalidate(struct ioasid_space *space,
		      const struct ioasid_invalidate_cache *cmd, u32 *done,
		      bool on, u64 *lock_ns)
{
	const struct ioasid_invalidate __user *ureqs =
		u64_to_user_ptr(cmd->requests);
	struct ioasid_lent lent = {};
	u64 start;
	int rc;

	rc = ioasid_lend_page(&lent);
	if (rc)
		return rc;
	for (*done = 0; *done < cmd->nr; ++*done) {
		struct request r = {
			.on = trace_ioasid_invalidate_enabled() ||
			      trace_ioasid_iotlb_inv_enabled(),
		};

		rc = -EFAULT;
		if (copy_from_user(&r.req, &ureqs[*done], sizeof(r.req)))
			break;
		start = ioasid_now(on);
		mutex_lock(&space->ctx->lock);
		*lock_ns += ioasid_now(on) - start;
		rc = invalidate_one(space, &r, &lent);
		mutex_unlock(&space->ctx->lock);
		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		if (rc)
			break;
	}
	ioasid_return_page(&lent);
	return rc;
}

static int invalidate_cache(struct ioasid_space *space,
			    struct ioasid_ucmd *ucmd)
{
	struct ioasid_invalidate_cache *cmd = ucmd->cmd;
	struct ioasid_invalidate_cache __user *ubuf = ucmd->ubuf;
	bool on = trace_ioasid_invalidate_cache_enabled();
	u64 start = ioasid_now(on), lock_ns = 0;
	u32 done = 0;
	int rc;

	if (space->kind != IOASID_KIND_USER)
		rc = -EOPNOTSUPP;
	else if (!cmd->nr || cmd->nr > IOASID_MAX_INVALIDATIONS)
		rc = -EINVAL;
	else
		rc = invalidate(space, cmd, &done, on, &lock_ns);
	ioasid_trace(invalidate_cache, space->ctx->id, space->id, cmd->nr, done,
		     rc, ioasid_now(on) - start, lock_ns);
	return put_user(done, &ubuf->nr) ? -EFAULT : rc;
}

int ioasid_cmd_invalidate_cache(struct ioasid_ucmd *ucmd)
{
	struct ioasid_invalidate_cache *cmd = ucmd->cmd;

	if (cmd->flags)
		return -EOPNOTSUPP;
	return ioasid_on_space(ucmd, cmd->ioasid, invalidate_cache);
}
