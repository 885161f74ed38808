// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at spaces: GET_MAPPINGS and WALK.
 *
 * What is found is copied to kernel memory under the tree's lock and to the user
 * without any: user memory may take for ever to be written.
 */
#include <linux/capability.h>
#include <linux/highmem.h>
#include <linux/ioasid_table.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "ioasid_private.h"

/* May the caller be told what a context's owner need not know? */
static bool is_admin(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

/* A reference, to be dropped with ioasid_ctx_put(). */
static struct ioasid_ctx *get_ctx(struct ioasid_ucmd *ucmd, u32 id)
{
	if (!id || id == ucmd->ctx->id) {
		kref_get(&ucmd->ctx->kref);
		return ucmd->ctx;
	}
	/* Before the search: nobody may find out which there are. */
	return capable(CAP_SYS_ADMIN) ? ioasid_ctx_find(id) : ERR_PTR(-EPERM);
}

static struct ioasid_space *get_space(struct ioasid_ctx *ctx, u32 ioasid)
{
	return ioasid_space_get(ctx, ioasid) ?: ERR_PTR(-ENOENT);
}

/**
 * ioasid_look_at - call a function with a space of any context
 * @ucmd: the command
 * @ctx: number of the context, 0: the caller's; others are for the administrator
 * @ioasid: of the space
 * @fn: the function
 */
int ioasid_look_at(struct ioasid_ucmd *ucmd, u32 ctx, u32 ioasid,
		   int (*fn)(struct ioasid_space *space,
			     struct ioasid_ucmd *ucmd))
{
	struct ioasid_ctx *c = get_ctx(ucmd, ctx);
	struct ioasid_space *space;
	int rc;

	if (IS_ERR(c))
		return PTR_ERR(c);
	space = get_space(c, ioasid);
	rc = IS_ERR(space) ? PTR_ERR(space) : fn(space, ucmd);
	if (!IS_ERR(space))
		ioasid_space_put(space);
	ioasid_ctx_put(c);
	return rc;
}

/* Whose memory it is, of those who may be told. */
static bool may_see(const struct ioasid_pages *pages, bool admin)
{
	return admin || pages->mm == current->mm;
}

/* GET_MAPPINGS */

struct listing {
	struct ioasid_mapping_info *infos;
	u32 room, nr;
	u64 next;
	bool more;
	bool admin;
};

static void describe_memory(const struct ioasid_mapping *m, bool admin,
			    struct ioasid_mapping_info *info)
{
	if (m->pages->npinned != m->pages->npages)
		info->flags |= IOASID_MAPPING_MMIO;
	if (!m->region)
		return;
	info->flags |= IOASID_MAPPING_REGISTERED;
	if (!may_see(m->pages, admin))
		return;
	info->flags |= IOASID_MAPPING_VADDR;
	info->target = m->region->node.start + m->first * PAGE_SIZE;
}

static void describe_slot(const struct ioasid_space *space,
			  const struct ioasid_mapping *m, bool admin,
			  struct ioasid_mapping_info *info)
{
	info->flags = IOASID_MAPPING_ONDEMAND |
		      (m->no_requests ? IOASID_MAPPING_NO_REQUESTS : 0);
	if (!admin && !ioasid_mirror_is_mine(space->mirror))
		return;
	info->flags |= IOASID_MAPPING_VADDR;
	info->target = m->target.start;
}

static struct ioasid_mapping_info describe(const struct ioasid_space *space,
					   const struct ioasid_mapping *m,
					   bool admin)
{
	struct ioasid_mapping_info info = {
		.iova = m->node.start,
		.size = ioasid_mapping_size(m),
		.prot = m->prot,
	};

	if (space->parent) {
		info.flags = IOASID_MAPPING_PARENT;
		info.target = m->target.start;
	} else if (space->mirror) {
		describe_slot(space, m, admin, &info);
	} else {
		describe_memory(m, admin, &info);
	}
	if (space->shadowed)
		info.flags |= IOASID_MAPPING_SHADOW;
	return info;
}

static void list_mappings(struct ioasid_space *space, struct listing *list)
{
	struct ioasid_mapping *m;
	u64 first = list->next;

	lockdep_assert_held(space->lock);
	ioasid_for_each_mapping(m, space, first, ULONG_MAX) {
		if (list->nr == list->room) {
			list->more = true;
			list->next = m->node.start;
			return;
		}
		list->infos[list->nr++] = describe(space, m, list->admin);
		list->next = m->node.last + 1;
	}
}

/*
 * The first range of what is pinned at or behind @from; what was mapped at once may be
 * several, and the other way round.
 */
static bool describe_pinned(struct ioasid_space *space, bool admin,
			    unsigned long from,
			    struct ioasid_mapping_info *info)
{
	bool mine = admin || ioasid_mirror_is_mine(space->mirror);
	unsigned long first, last;
	u32 prot;

	prot = ioasid_pinned_range(space->mirror, from, &first, &last);
	if (!prot)
		return false;
	*info = (struct ioasid_mapping_info) {
		.iova = first,
		.size = last - first + 1,
		.prot = prot,
		.flags = mine ? IOASID_MAPPING_VADDR : 0,
		.target = mine ? first : 0,
	};
	return true;
}

static void list_pinned(struct ioasid_space *space, struct listing *list)
{
	struct ioasid_mapping_info info;

	while (describe_pinned(space, list->admin, list->next, &info)) {
		if (list->nr == list->room) {
			list->more = true;
			list->next = info.iova;
			return;
		}
		list->infos[list->nr++] = info;
		list->next = info.iova + info.size;
	}
}

/**
 * ioasid_mapping_find - the first mapping in a range, as the administrator sees it
 * @space: not locked
 * @first: first IOVA
 * @last: last IOVA
 * @info: to be filled
 *
 * Returns -ENOENT: there is none, or the space is gone.
 */
int ioasid_mapping_find(struct ioasid_space *space, unsigned long first,
			unsigned long last, struct ioasid_mapping_info *info)
{
	struct ioasid_mapping *m;
	bool found = false;

	mutex_lock(space->lock);
	if (!space->dead && ioasid_space_is_pinned(space)) {
		found = describe_pinned(space, true, first, info) &&
			info->iova <= last;
	} else if (!space->dead) {
		m = ioasid_mapping_first(space, first, last);
		found = m;
		if (m)
			*info = describe(space, m, true);
	}
	mutex_unlock(space->lock);
	return found ? 0 : -ENOENT;
}

static int list_space(struct ioasid_space *space, struct listing *list)
{
	int rc = 0;

	mutex_lock(space->lock);
	if (space->dead)
		rc = -ENOENT;
	else if (ioasid_space_is_pinned(space))
		list_pinned(space, list);
	else
		list_mappings(space, list);
	mutex_unlock(space->lock);
	return rc;
}

static int list_ctx(struct ioasid_ctx *ctx, u32 ioasid, struct listing *list)
{
	struct ioasid_space *space = get_space(ctx, ioasid);
	int rc;

	if (IS_ERR(space))
		return PTR_ERR(space);
	rc = list_space(space, list);
	ioasid_space_put(space);
	return rc;
}

static int reply_mappings(struct ioasid_ucmd *ucmd, const struct listing *list)
{
	struct ioasid_get_mappings *cmd = ucmd->cmd;

	if (copy_to_user(u64_to_user_ptr(cmd->mappings), list->infos,
			 list->nr * sizeof(*list->infos)))
		return -EFAULT;
	cmd->iova = list->next;
	cmd->nr = list->nr;
	cmd->more = list->more;
	return copy_to_user(ucmd->ubuf, cmd, sizeof(*cmd)) ? -EFAULT : 0;
}

int ioasid_cmd_get_mappings(struct ioasid_ucmd *ucmd)
{
	struct ioasid_get_mappings *cmd = ucmd->cmd;
	struct listing list = { .room = cmd->nr, .next = cmd->iova };
	struct ioasid_ctx *ctx;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (!cmd->nr || cmd->nr > IOASID_MAX_GET_MAPPINGS)
		return -EINVAL;
	ctx = get_ctx(ucmd, cmd->ctx);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	list.admin = is_admin();
	list.infos = kvcalloc(list.room, sizeof(*list.infos),
			      GFP_KERNEL_ACCOUNT);
	rc = list.infos ? list_ctx(ctx, cmd->ioasid, &list) : -ENOMEM;
	if (!rc)
		rc = reply_mappings(ucmd, &list);
	kvfree(list.infos);
	ioasid_ctx_put(ctx);
	return rc;
}

/* WALK */

/**
 * struct record - a walk as it is written down
 * @steps: IOASID_MAX_STEPS
 * @nr: of them in use
 * @admin: the caller may see everything
 * @denied: something on the way is not the caller's
 */
struct record {
	struct ioasid_step *steps;
	u32 nr;
	bool admin;
	bool denied;
};

/* Where a translation ended. */
struct spot {
	u32 perm;
	const struct ioasid_pages *pages;
	unsigned long pfn;
	bool mmio;
};

/* A table and a PASID table have 8 entries at most, a tree 8 levels: all of it fits. */
static struct ioasid_step *add_step(struct record *rec, u32 kind,
				    const struct ioasid_space *space, u64 iova,
				    u32 depth)
{
	struct ioasid_step *step;

	if (WARN_ON_ONCE(rec->nr == IOASID_MAX_STEPS))
		rec->nr--;
	step = &rec->steps[rec->nr++];
	*step = (struct ioasid_step) {
		.kind = kind,
		.ioasid = space->id,
		.depth = depth,
		.iova = iova,
	};
	return step;
}

static void add_memory_step(struct record *rec, struct ioasid_space *root,
			    const struct ioasid_mapping *m, u64 iova,
			    u32 depth, struct spot *spot)
{
	struct ioasid_step *step = add_step(rec, IOASID_STEP_MEMORY, root, iova,
					    depth);
	unsigned long index = m->first + (iova - m->node.start) / PAGE_SIZE;
	const struct ioasid_run *run =
		&m->pages->runs[ioasid_pages_find(m->pages, index)];

	spot->pages = m->pages;
	spot->pfn = run->pfn + index - run->first;
	spot->mmio = run->mmio;
	if (run->mmio)
		step->flags = IOASID_STEP_MMIO;
	if (rec->admin)
		step->output = (u64)PFN_PHYS(spot->pfn) + offset_in_page(iova);
}

/* Through kernel-managed spaces to memory. Returns why it ended. */
static int go_down(struct record *rec, struct ioasid_space *space, u64 iova,
		   u32 depth, struct spot *spot)
{
	struct ioasid_mapping *m;
	struct ioasid_step *step;

	for (;; space = space->parent) {
		step = add_step(rec, IOASID_STEP_MAPPING, space, iova, depth);
		m = ioasid_mapping_first(space, iova, iova);
		if (!m)
			return step->reason = IOASID_WALK_NOT_PRESENT;
		step->addr = m->node.start;
		step->value = ioasid_mapping_size(m);
		step->prot = m->prot;
		spot->perm &= m->prot;
		if (!spot->perm)
			return step->reason = IOASID_WALK_PERMISSION;
		if (!space->parent)
			break;
		iova = m->target.start + (iova - m->node.start);
		step->output = iova;
	}
	add_memory_step(rec, space, m, iova, depth, spot);
	return IOASID_WALK_OK;
}

/* A user-managed table on its way. @entries: steps that are its entries */
struct table_record {
	struct record *rec;
	struct ioasid_space *space;
	struct ioasid_walk walk;
	u32 nr;
	u32 entries[IOASID_TABLE_LEVELS];
};

static u64 entry_at(const struct spot *spot, u64 addr)
{
	void *vaddr = kmap_local_page(pfn_to_page(spot->pfn));
	u64 entry = le64_to_cpu(READ_ONCE(*(__le64 *)(vaddr +
						      offset_in_page(addr))));

	kunmap_local(vaddr);
	return entry;
}

/* The walker gives an aligned address. */
static int read_word(struct record *rec, struct ioasid_space *parent, u64 addr,
		     u64 *entry)
{
	struct spot spot = { .perm = IOASID_MAP_READ };

	if (go_down(rec, parent, addr, 1, &spot) || spot.mmio)
		return -EFAULT;
	if (!may_see(spot.pages, rec->admin)) {
		rec->denied = true;
		return -EPERM;
	}
	*entry = entry_at(&spot, addr);
	return 0;
}

static int read_entry(void *data, u64 addr, u64 *entry)
{
	struct table_record *table = data;
	struct record *rec = table->rec;
	struct ioasid_step *step;

	if (WARN_ON_ONCE(table->nr == IOASID_TABLE_LEVELS))
		return -EIO;
	step = add_step(rec, IOASID_STEP_ENTRY, table->space, table->walk.iova,
			0);
	step->level = table->walk.steps[table->nr].level;
	step->addr = addr;
	table->entries[table->nr++] = step - rec->steps;
	return read_word(rec, table->space->parent, addr, entry);
}

static const struct ioasid_walk_ops walk_ops = { .read = read_entry };

/* What is known only when the walker has judged all entries. */
static void finish_table(struct table_record *table)
{
	const struct ioasid_walk *walk = &table->walk;
	struct record *rec = table->rec;
	struct ioasid_step *step;

	/* Not even the first entry: there is a step to tell why. */
	if (!table->nr)
		table->entries[table->nr++] =
			add_step(rec, IOASID_STEP_ENTRY, table->space,
				 walk->iova, 0) - rec->steps;
	for (u32 i = 0; i < walk->nr_steps; i++) {
		step = &rec->steps[table->entries[i]];
		step->value = walk->steps[i].entry;
		if (i + 1 < table->nr)
			step->output = walk->steps[i + 1].addr & PAGE_MASK;
	}
	step = &rec->steps[table->entries[table->nr - 1]];
	step->reason = walk->reason;
	if (walk->size_lg2) {
		step->output = walk->addr;
		step->flags = IOASID_STEP_LEAF;
	}
}

/* Is what the table says now what the kernel copied from it? */
static bool is_stale(struct ioasid_space *space, const struct ioasid_walk *walk)
{
	struct ioasid_mapping *m = ioasid_mapping_first(space, walk->iova,
							walk->iova);
	u32 prot = walk->reason ? 0 : ioasid_leaf_prot(walk);

	if (!m)
		return prot && ioasid_leaf_permitted(space, walk);
	return m->prot != prot ||
	       m->target.start + (walk->iova - m->node.start) != walk->addr;
}

static int walk_table(struct record *rec, struct ioasid_space *space,
		      u32 format, const struct ioasid_table *pages,
		      struct ioasid_walk_iova *cmd, struct spot *spot)
{
	struct table_record table = {
		.rec = rec,
		.space = space,
		.walk = { .iova = cmd->iova },
	};
	const struct ioasid_walk *walk = &table.walk;

	ioasid_table_walk(format, pages, &walk_ops, &table, &table.walk);
	finish_table(&table);
	cmd->format = format;
	if (space->shadowed) {
		cmd->state = IOASID_WALK_STATE_SHADOWED;
		if (is_stale(space, walk))
			cmd->state |= IOASID_WALK_STATE_STALE;
	}
	if (walk->reason)
		return walk->reason;
	spot->perm = ioasid_leaf_prot(walk);
	if (!spot->perm) {
		rec->steps[table.entries[table.nr - 1]].reason =
			IOASID_WALK_PERMISSION;
		return IOASID_WALK_PERMISSION;
	}
	return go_down(rec, space->parent, walk->addr, 0, spot);
}

/* A slot leads to the process; to memory where devices have that at the moment. */
static int walk_mirror(struct record *rec, struct ioasid_space *space, u64 iova,
		       struct spot *spot)
{
	struct ioasid_mapping *m = ioasid_mapping_first(space, iova, iova);
	struct ioasid_step *step;
	phys_addr_t pa;

	if (space->kind == IOASID_KIND_MIRROR) {
		step = add_step(rec, IOASID_STEP_MAPPING, space, iova, 0);
		if (!m)
			return step->reason = IOASID_WALK_NOT_PRESENT;
		step->addr = m->node.start;
		step->value = ioasid_mapping_size(m);
		step->prot = m->prot;
		spot->perm &= m->prot;
	}
	step = add_step(rec, IOASID_STEP_MEMORY, space, iova, 0);
	spot->perm &= ioasid_mirror_perm(space->mirror, iova, &pa);
	if (!spot->perm)
		return step->reason = IOASID_WALK_NOT_PRESENT;
	if (rec->admin)
		step->output = pa;
	return IOASID_WALK_OK;
}

/* A PASID table on its way. @entries: steps that are its entries */
struct pasid_record {
	struct record *rec;
	struct ioasid_space *space;
	u64 iova;
	struct ioasid_pasid_walk walk;
	u32 nr;
	u32 entries[IOASID_PASID_LEVELS];
};

static struct ioasid_step *add_pasid_step(struct pasid_record *p)
{
	struct ioasid_step *step = add_step(p->rec, IOASID_STEP_ENTRY, p->space,
					    p->iova, 0);

	step->flags = IOASID_STEP_PASID;
	p->entries[p->nr++] = step - p->rec->steps;
	return step;
}

static int read_pasid_entry(void *data, u64 addr, u64 *entry)
{
	struct pasid_record *p = data;
	struct ioasid_step *step;
	u32 nr = p->rec->nr;
	int rc;

	if (p->nr == p->walk.nr_steps) {
		step = add_pasid_step(p);
		step->level = p->walk.steps[p->walk.nr_steps].level;
		step->addr = addr;
		return read_word(p->rec, p->space->parent, addr, entry);
	}
	/* More of the same entry: it lies where its first word does. */
	rc = read_word(p->rec, p->space->parent, addr, entry);
	if (!rc)
		p->rec->nr = nr;
	return rc;
}

static const struct ioasid_walk_ops pasid_walk_ops = { .read = read_pasid_entry };

static void finish_pasids(struct pasid_record *p)
{
	const struct ioasid_pasid_walk *walk = &p->walk;
	struct ioasid_step *step;

	if (!p->nr && walk->reason)
		add_pasid_step(p);
	for (u32 i = 0; i < walk->nr_steps; i++) {
		step = &p->rec->steps[p->entries[i]];
		step->value = walk->steps[i].entry;
		step->output = i + 1 < p->nr ? walk->steps[i + 1].addr & PAGE_MASK :
					       walk->table.addr;
	}
	if (p->nr)
		p->rec->steps[p->entries[p->nr - 1]].reason = walk->reason;
}

static int walk_pasids(struct record *rec, struct ioasid_space *space,
		       struct ioasid_walk_iova *cmd, struct spot *spot)
{
	struct pasid_record p = { .rec = rec, .space = space, .iova = cmd->iova };

	p.walk.pasid = cmd->flags & IOASID_WALK_PASID ? cmd->pasid :
							IOASID_WITHOUT_PASID;
	ioasid_pasid_table_walk(space->format, &space->table, &pasid_walk_ops,
				&p, &p.walk);
	finish_pasids(&p);
	cmd->format = space->format;
	if (p.walk.reason)
		return p.walk.reason;
	if (p.walk.format == IOASID_FORMAT_NONE)
		return go_down(rec, space->parent, cmd->iova, 0, spot);
	return walk_table(rec, space, p.walk.format, &p.walk.table, cmd, spot);
}

static int walk_space(struct ioasid_space *space, struct ioasid_walk_iova *cmd,
		      struct record *rec)
{
	struct spot spot = { .perm = IOASID_MAP_READ | IOASID_MAP_WRITE };
	int rc = 0;

	mutex_lock(space->lock);
	if (space->dead)
		rc = -ENOENT;
	else if (ioasid_is_ptable(space))
		cmd->reason = walk_pasids(rec, space, cmd, &spot);
	else if (cmd->flags & IOASID_WALK_PASID)
		rc = -EOPNOTSUPP;
	else if (space->kind == IOASID_KIND_USER)
		cmd->reason = walk_table(rec, space, space->format,
					 &space->table, cmd, &spot);
	else if (space->mirror)
		cmd->reason = walk_mirror(rec, space, cmd->iova, &spot);
	else
		cmd->reason = go_down(rec, space, cmd->iova, 0, &spot);
	mutex_unlock(space->lock);
	cmd->perm = cmd->reason ? 0 : spot.perm;
	return rec->denied ? -EPERM : rc;
}

static int walk_ctx(struct ioasid_ctx *ctx, struct ioasid_walk_iova *cmd,
		    struct record *rec)
{
	struct ioasid_space *space = get_space(ctx, cmd->ioasid);
	int rc;

	if (IS_ERR(space))
		return PTR_ERR(space);
	rc = walk_space(space, cmd, rec);
	ioasid_space_put(space);
	return rc;
}

static int reply_walk(struct ioasid_ucmd *ucmd, const struct record *rec)
{
	struct ioasid_walk_iova *cmd = ucmd->cmd;

	if (copy_to_user(u64_to_user_ptr(cmd->steps), rec->steps,
			 min(rec->nr, cmd->nr) * sizeof(*rec->steps)))
		return -EFAULT;
	cmd->nr = rec->nr;
	return copy_to_user(ucmd->ubuf, cmd, sizeof(*cmd)) ? -EFAULT : 0;
}

int ioasid_cmd_walk(struct ioasid_ucmd *ucmd)
{
	struct ioasid_walk_iova *cmd = ucmd->cmd;
	struct record rec = { .admin = is_admin() };
	struct ioasid_ctx *ctx;
	int rc;

	if (cmd->flags & ~IOASID_WALK_PASID)
		return -EOPNOTSUPP;
	if (!(cmd->flags & IOASID_WALK_PASID) && cmd->pasid)
		return -EINVAL;
	if (cmd->nr > IOASID_MAX_STEPS)
		return -EINVAL;
	cmd->format = 0;
	cmd->state = 0;
	ctx = get_ctx(ucmd, cmd->ctx);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	rec.steps = kvcalloc(IOASID_MAX_STEPS, sizeof(*rec.steps),
			     GFP_KERNEL_ACCOUNT);
	rc = rec.steps ? walk_ctx(ctx, cmd, &rec) : -ENOMEM;
	if (!rc)
		rc = reply_walk(ucmd, &rec);
	kvfree(rec.steps);
	ioasid_ctx_put(ctx);
	return rc;
}
