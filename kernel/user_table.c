// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of nested spaces and user-managed tables: CREATE_NESTING, BIND and
 * UNBIND of tables (page tables and PASID tables).
 */
#include <linux/iommu.h>
#include <linux/ioasid_table.h>
#include <linux/slab.h>

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
			moves[nr].source.group = grp;
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

static struct ioasid_domain *paging_domain(struct ioasid_space *space,
					   struct move *move)
{
	struct ioasid_domain *d = *move->place;
	struct device *dev = move->source.dev;

	if (!d->parent && ioasid_domain_faults_fit(space, d))
		return NULL;
	return ioasid_domain_new(dev, ioasid_paging_domain_alloc(dev));
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
		return paging_domain(space, move);
	nested = ioasid_nested_prepare(space, dev, lent);
	if (IS_ERR(nested))
		return ERR_CAST(nested);
	d = ioasid_nested_take(nested);
	kfree(nested);
	return d ?: paging_domain(space, move);
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

/* What BIND gives to a space. */
struct bound {
	u32 format;
	struct ioasid_table table;
	struct ioasid_queue *queue;	/* counted */
	bool asks;
};

static const struct bound nothing_bound;

static void set_bound(struct ioasid_space *space, const struct bound *bound)
{
	space->kind = bound->format ? IOASID_KIND_USER : IOASID_KIND_KERNEL;
	space->format = bound->format;
	space->table = bound->table;
	space->queue = bound->queue;
	space->asks = bound->asks;
}

static void become_kernel_managed(struct ioasid_space *space)
{
	ioasid_shadow_stop(space);
	set_bound(space, &nothing_bound);
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

static int check_bind(struct ioasid_space *space,
		      const struct ioasid_bind_table *cmd, bool pasids)
{
	if (!space->parent)
		return -EINVAL;
	if (!space->two_step)
		return -EOPNOTSUPP;
	return pasids ? ioasid_pasid_table_check(cmd->format, &cmd->table) :
			ioasid_table_check(cmd->format, &cmd->table);
}

static int bind_locked(struct ioasid_space *space, const struct bound *bound,
		       bool pasids, const struct ioasid_lent *lent)
{
	int rc = may_bind(space, &bound->table, pasids);

	if (rc)
		return rc;
	set_bound(space, bound);
	rc = move_all(space, lent);
	if (rc)
		become_kernel_managed(space);
	return rc;
}

static int do_bind(struct ioasid_space *space, const struct bound *bound,
		   bool pasids, struct binding *b)
{
	struct ioasid_lent lent = {};
	int rc;

	rc = ioasid_lend_page(&lent);
	if (rc)
		return rc;
	lock_space(space, b);
	rc = bind_locked(space, bound, pasids, &lent);
	b->domains = ioasid_nested_domains(space);
	if (!rc)
		ioasid_history_table(space, IOASID_HISTORY_BIND_TABLE,
				     bound->format, bound->table.addr);
	mutex_unlock(space->lock);
	mutex_unlock(&space->ctx->lock);
	ioasid_return_page(&lent);
	return rc;
}

static int bind_with_queue(struct ioasid_space *space,
			   const struct ioasid_bind_table *cmd, bool pasids,
			   struct binding *b)
{
	struct bound bound = {
		.format = cmd->format,
		.table = cmd->table,
		.asks = cmd->flags & IOASID_BIND_PAGE_REQUESTS,
	};
	int rc = check_bind(space, cmd, pasids);

	if (rc)
		return rc;
	if (cmd->flags & IOASID_BIND_FAULT_QUEUE) {
		bound.queue = ioasid_queue_fdget(space->ctx, cmd->fault_queue);
		if (IS_ERR(bound.queue))
			return PTR_ERR(bound.queue);
	}
	rc = do_bind(space, &bound, pasids, b);
	if (rc)
		ioasid_queue_put(bound.queue);
	return rc;
}

static int bind_table(struct ioasid_space *space, struct ioasid_ucmd *ucmd,
		      bool pasids)
{
	struct ioasid_bind_table *cmd = ucmd->cmd;
	struct binding b = { .on = trace_ioasid_bind_table_enabled() };
	u64 start = ioasid_now(b.on);
	int rc = bind_with_queue(space, cmd, pasids, &b);

	ioasid_trace(bind_table, space->ctx->id, space->id,
		     space->parent ? space->parent->id : IOASID_NONE,
		     cmd->format, cmd->table.addr_width, cmd->table.addr,
		     b.domains, rc, ioasid_now(b.on) - start, b.lock_ns);
	return rc;
}

static int do_unbind(struct ioasid_space *space, bool pasids, struct binding *b)
{
	struct bound bound = {};
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
	bound = (struct bound){
		.format = space->format,
		.table = space->table,
		.queue = space->queue,
		.asks = space->asks,
	};
	b->format = bound.format;
	b->table = bound.table;
	b->domains = ioasid_nested_domains(space);
	set_bound(space, &nothing_bound);
	rc = move_all(space, NULL);
	if (rc)
		set_bound(space, &bound);
	else
		ioasid_shadow_stop(space);
	if (!rc)
		ioasid_history_table(space, IOASID_HISTORY_UNBIND_TABLE,
				     bound.format, bound.table.addr);
out_unlock:
	mutex_unlock(space->lock);
	mutex_unlock(&space->ctx->lock);
	if (!rc)
		ioasid_queue_put(bound.queue);
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
	bool queue = cmd->flags & IOASID_BIND_FAULT_QUEUE;

	if (cmd->flags & ~(IOASID_BIND_FAULT_QUEUE | IOASID_BIND_PAGE_REQUESTS))
		return -EOPNOTSUPP;
	if (cmd->__reserved || (!queue && cmd->fault_queue))
		return -EINVAL;
	if (!queue && (cmd->flags & IOASID_BIND_PAGE_REQUESTS))
		return -EINVAL;
	return ioasid_on_space(ucmd, cmd->ioasid, fn);
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
	if (cmd->format || memchr_inv(&cmd->table, 0, sizeof(cmd->table)) ||
	    cmd->fault_queue || cmd->__reserved)
		return -EINVAL;
	return ioasid_on_space(ucmd, cmd->ioasid, fn);
}

int ioasid_cmd_unbind_pgtable(struct ioasid_ucmd *ucmd)
{
	return cmd_unbind(ucmd, unbind_pgtable);
}

int ioasid_cmd_unbind_pasid_table(struct ioasid_ucmd *ucmd)
{
	return cmd_unbind(ucmd, unbind_pasid_table);
}
