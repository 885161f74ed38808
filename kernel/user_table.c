// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of nested spaces and user-managed tables: CREATE_NESTING, BIND and
 * UNBIND of tables (page tables and PASID tables), INVALIDATE_CACHE.
 */
#include <linux/iommu.h>
#include <linux/ioasid_table.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "ioasid_private.h"

int ioasid_cmd_create_nesting(struct ioasid_ucmd *ucmd)
{
	struct ioasid_create_nesting *cmd = ucmd->cmd;
	struct ioasid_alloc args = {
		.kind = IOASID_KIND_KERNEL,
		.parent = cmd->parent,
	};
	struct ioasid_space *space;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	space = ioasid_space_create(ucmd->ctx, &args, IOASID_MAX_MAPPINGS,
				    true);
	if (IS_ERR(space))
		return PTR_ERR(space);
	rc = space->id;
	ioasid_space_put(space);
	return rc;
}

/* BIND and UNBIND move what is attached from one kind of domain to the other. */

struct move {
	struct ioasid_source source;
	struct ioasid_domain **place;
	struct ioasid_domain *from, *to;
};

static unsigned int list_moves(struct ioasid_space *space, struct move *moves)
{
	struct ioasid_member *member;
	struct ioasid_group *grp;
	struct ioasid_pasid *p;
	unsigned int nr = 0;

	list_for_each_entry(grp, &space->groups, entry) {
		if (moves) {
			member = list_first_entry(&grp->members,
						  struct ioasid_member, entry);
			moves[nr].source.dev = member->idev->dev;
			moves[nr].source.group = grp->group;
			moves[nr].place = &grp->domain;
		}
		nr++;
	}
	list_for_each_entry(p, &space->pasids, entry) {
		if (moves) {
			moves[nr].source.dev = p->idev->dev;
			moves[nr].source.pasid = p;
			moves[nr].place = &p->domain;
		}
		nr++;
	}
	return nr;
}

/* The domain that a source will have; NULL when it can stay where it is. */
static struct ioasid_domain *next_domain(struct ioasid_space *space,
					 struct move *move,
					 const struct ioasid_lent *lent)
{
	struct device *dev = move->source.dev;
	struct ioasid_nested *nested;
	struct ioasid_domain *d;

	if (space->kind == IOASID_KIND_KERNEL)
		return (*move->place)->parent ?
			ioasid_domain_new(dev, ioasid_paging_domain_alloc(dev)) :
			NULL;
	nested = ioasid_nested_prepare(space, dev, lent);
	if (IS_ERR(nested))
		return ERR_CAST(nested);
	d = ioasid_nested_take(nested);
	kfree(nested);
	return d;
}

static void drop_domain(struct ioasid_space *space, struct ioasid_domain *d)
{
	struct ioasid_domain *stage2;

	if (IS_ERR_OR_NULL(d))
		return;
	stage2 = d->parent;
	ioasid_domain_free(d);
	if (stage2)
		ioasid_domain_put(space->parent, stage2);
}

/* Those whose IOMMU does not walk the table stay, and see what it says. */
static int stay(struct ioasid_space *space)
{
	return space->kind == IOASID_KIND_USER ? ioasid_shadow_start(space) : 0;
}

static int do_moves(struct ioasid_space *space, struct move *moves,
		    unsigned int nr)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < nr; i++) {
		if (!moves[i].to) {
			rc = stay(space);
			if (rc)
				break;
			continue;
		}
		moves[i].from = *moves[i].place;
		rc = ioasid_domain_move(space, &moves[i].source, moves[i].from,
					moves[i].to);
		if (rc)
			break;
		*moves[i].place = moves[i].to;
	}
	if (!rc) {
		for (i = 0; i < nr; i++)
			if (moves[i].to)
				ioasid_domain_put(space, moves[i].from);
		return 0;
	}
	drop_domain(space, moves[i].to);
	for (unsigned int j = i + 1; j < nr; j++)
		drop_domain(space, moves[j].to);
	while (i--) {
		if (!moves[i].to)
			continue;
		WARN_ON(ioasid_domain_move_back(space, &moves[i].source,
						moves[i].from, moves[i].to));
		*moves[i].place = moves[i].from;
	}
	return rc;
}

/*
 * After space->kind has changed: ctx->lock keeps everybody where they are. The
 * space's lock is dropped meanwhile; whoever comes then finds it busy.
 */
static int move_all(struct ioasid_space *space, const struct ioasid_lent *lent)
{
	unsigned int i, nr = list_moves(space, NULL);
	struct move *moves;
	int rc = 0;

	if (!nr)
		return 0;
	moves = kvcalloc(nr, sizeof(*moves), GFP_KERNEL_ACCOUNT);
	if (!moves)
		return -ENOMEM;
	list_moves(space, moves);
	/* A new domain of the parent takes the tree's lock itself. */
	space->moving = true;
	mutex_unlock(space->lock);
	for (i = 0; i < nr && !rc; i++) {
		moves[i].to = next_domain(space, &moves[i], lent);
		rc = PTR_ERR_OR_ZERO(moves[i].to);
	}
	mutex_lock(space->lock);
	space->moving = false;
	if (rc) {
		while (i--)
			drop_domain(space, moves[i].to);
	} else {
		rc = do_moves(space, moves, nr);
	}
	kvfree(moves);
	return rc;
}

static void set_table(struct ioasid_space *space, u32 kind, u32 format,
		      const struct ioasid_table *table)
{
	space->kind = kind;
	space->format = format;
	space->table = *table;
}

static const struct ioasid_table no_table;

static void become_kernel_managed(struct ioasid_space *space)
{
	ioasid_shadow_stop(space);
	set_table(space, IOASID_KIND_KERNEL, 0, &no_table);
}

static int may_bind(struct ioasid_space *space, const struct ioasid_table *table,
		    bool pasids)
{
	int rc = ioasid_space_usable(space);

	if (rc)
		return rc;
	if (space->kind == IOASID_KIND_USER || space->nr_maps ||
	    space->nr_children)
		return -EBUSY;
	if (!ioasid_table_in(space->parent, table))
		return -EINVAL;
	return pasids ? ioasid_ptable_may_bind(space) : 0;
}

/* What tracepoints say about a BIND or UNBIND besides its result. */
struct binding {
	u32 format;			/* of an UNBIND */
	struct ioasid_table table;
	u32 domains;			/* whose IOMMUs walk it */
	bool on;
	u64 lock_ns;
};

static void lock_space(struct ioasid_space *space, struct binding *b)
{
	u64 start = ioasid_now(b->on);

	mutex_lock(&space->ctx->lock);
	mutex_lock(space->lock);
	b->lock_ns = ioasid_now(b->on) - start;
}

static int do_bind(struct ioasid_space *space,
		   const struct ioasid_bind_table *cmd, bool pasids,
		   struct binding *b)
{
	struct ioasid_lent lent = {};
	int rc;

	if (!space->parent)
		return -EINVAL;
	if (!space->two_step)
		return -EOPNOTSUPP;
	rc = pasids ? ioasid_pasid_table_check(cmd->format, &cmd->table) :
		      ioasid_table_check(cmd->format, &cmd->table);
	if (rc)
		return rc;
	rc = ioasid_lend_page(&lent);
	if (rc)
		return rc;
	lock_space(space, b);
	rc = may_bind(space, &cmd->table, pasids);
	if (rc)
		goto out_unlock;
	set_table(space, IOASID_KIND_USER, cmd->format, &cmd->table);
	rc = move_all(space, &lent);
	if (rc)
		become_kernel_managed(space);
	b->domains = ioasid_nested_domains(space);
out_unlock:
	mutex_unlock(space->lock);
	mutex_unlock(&space->ctx->lock);
	ioasid_return_page(&lent);
	return rc;
}

static int bind_table(struct ioasid_space *space, struct ioasid_ucmd *ucmd,
		      bool pasids)
{
	struct ioasid_bind_table *cmd = ucmd->cmd;
	struct binding b = { .on = trace_ioasid_bind_table_enabled() };
	u64 start = ioasid_now(b.on);
	int rc = do_bind(space, cmd, pasids, &b);

	ioasid_trace(bind_table, space->ctx->id, space->id,
		     space->parent ? space->parent->id : IOASID_NONE,
		     cmd->format, cmd->table.addr_width, cmd->table.addr,
		     b.domains, rc, ioasid_now(b.on) - start, b.lock_ns);
	return rc;
}

static int do_unbind(struct ioasid_space *space, bool pasids, struct binding *b)
{
	int rc;

	if (!space->parent)
		return -EINVAL;
	if (!space->two_step)
		return -EOPNOTSUPP;
	lock_space(space, b);
	rc = ioasid_space_usable(space);
	if (!rc && (space->kind != IOASID_KIND_USER ||
		    ioasid_is_ptable(space) != pasids))
		rc = -ENOENT;
	if (rc)
		goto out_unlock;
	b->format = space->format;
	b->table = space->table;
	b->domains = ioasid_nested_domains(space);
	set_table(space, IOASID_KIND_KERNEL, 0, &no_table);
	rc = move_all(space, NULL);
	if (rc)
		set_table(space, IOASID_KIND_USER, b->format, &b->table);
	else
		ioasid_shadow_stop(space);
out_unlock:
	mutex_unlock(space->lock);
	mutex_unlock(&space->ctx->lock);
	return rc;
}

static int unbind_table(struct ioasid_space *space, bool pasids)
{
	struct binding b = { .on = trace_ioasid_unbind_table_enabled() };
	u64 start = ioasid_now(b.on);
	int rc = do_unbind(space, pasids, &b);

	ioasid_trace(unbind_table, space->ctx->id, space->id,
		     space->parent ? space->parent->id : IOASID_NONE,
		     b.format, b.table.addr_width, b.table.addr, b.domains, rc,
		     ioasid_now(b.on) - start, b.lock_ns);
	return rc;
}

/* The space that a command names, for as long as fn works on it. */
static int on_space(struct ioasid_ucmd *ucmd, u32 ioasid,
		    int (*fn)(struct ioasid_space *space,
			      struct ioasid_ucmd *ucmd))
{
	struct ioasid_space *space = ioasid_space_get(ucmd->ctx, ioasid);
	int rc;

	if (!space)
		return -ENOENT;
	rc = fn(space, ucmd);
	ioasid_space_put(space);
	return rc;
}

static int bind_pgtable(struct ioasid_space *space, struct ioasid_ucmd *ucmd)
{
	return bind_table(space, ucmd, false);
}

static int bind_pasid_table(struct ioasid_space *space,
			    struct ioasid_ucmd *ucmd)
{
	return bind_table(space, ucmd, true);
}

static int unbind_pgtable(struct ioasid_space *space, struct ioasid_ucmd *ucmd)
{
	return unbind_table(space, false);
}

static int unbind_pasid_table(struct ioasid_space *space,
			      struct ioasid_ucmd *ucmd)
{
	return unbind_table(space, true);
}

static int cmd_bind(struct ioasid_ucmd *ucmd,
		    int (*fn)(struct ioasid_space *space,
			      struct ioasid_ucmd *ucmd))
{
	struct ioasid_bind_table *cmd = ucmd->cmd;

	if (cmd->flags)
		return -EOPNOTSUPP;
	return on_space(ucmd, cmd->ioasid, fn);
}

int ioasid_cmd_bind_pgtable(struct ioasid_ucmd *ucmd)
{
	return cmd_bind(ucmd, bind_pgtable);
}

int ioasid_cmd_bind_pasid_table(struct ioasid_ucmd *ucmd)
{
	return cmd_bind(ucmd, bind_pasid_table);
}

static int cmd_unbind(struct ioasid_ucmd *ucmd,
		      int (*fn)(struct ioasid_space *space,
				struct ioasid_ucmd *ucmd))
{
	struct ioasid_bind_table *cmd = ucmd->cmd;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->format || memchr_inv(&cmd->table, 0, sizeof(cmd->table)))
		return -EINVAL;
	return on_space(ucmd, cmd->ioasid, fn);
}

int ioasid_cmd_unbind_pgtable(struct ioasid_ucmd *ucmd)
{
	return cmd_unbind(ucmd, unbind_pgtable);
}

int ioasid_cmd_unbind_pasid_table(struct ioasid_ucmd *ucmd)
{
	return cmd_unbind(ucmd, unbind_pasid_table);
}

/* INVALIDATE_CACHE */

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

static int invalidate_one(struct ioasid_space *space, struct request *r,
			  const struct ioasid_lent *lent)
{
	u64 start = ioasid_now(r->on);
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
	ioasid_trace(invalidate, space->ctx->id, space->id,
		     req->flags | req->caches << 16, req->cookie,
		     req->flags & IOASID_INVALIDATE_PASID ?
		     req->pasid : IOASID_TRACE_NO_PASID,
		     req->iova, req->size, r->domains, rc,
		     ioasid_now(r->on) - start, r->hw_ns, r->shadow_ns);
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
	return on_space(ucmd, cmd->ioasid, invalidate_cache);
}
