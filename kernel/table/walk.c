// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks a user-managed table: the mechanism that all formats share.
 *
 * Who wrote the table may do anything to it, at any moment. Therefore each entry
 * is read once into a local copy and only the copy is judged, the number of
 * levels comes from the table's width and not from its entries, and addresses are
 * masked before anybody is asked to read there.
 *
 * An access is judged on the way down and leaves its traces (accessed, dirty)
 * only afterwards, from the top again: a refused access must not write. An entry
 * that has changed in between is read again together with what is below it; the
 * levels above stay as they were used, as in hardware.
 */
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/ioasid_table.h>
#include <linux/types.h>

#include "table.h"

static const struct table_format *const formats[] = {
	&ioasid_table_x86_64_4level,
	&ioasid_table_x86_64_5level,
	&ioasid_table_arm_lpae_4k,
	&ioasid_table_riscv_sv39,
	&ioasid_table_riscv_sv48,
};

/* The walk at work: what its caller need not see. */
struct table_walk {
	const struct table_format *format;
	const struct ioasid_walk_ops *ops;
	void *data;
	struct ioasid_walk *walk;
	unsigned int levels;
	unsigned int retries;
	/* What the levels above each step allow. */
	struct table_perms above[IOASID_TABLE_LEVELS + 1];
};

/* A search, not an index: nothing to speculate with, and there are few. */
static const struct table_format *find_format(u32 id)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		if (formats[i]->info.id == id)
			return formats[i];
	}
	return NULL;
}

/**
 * ioasid_table_format - what one may know of a format without walking
 * @format: enum ioasid_format
 *
 * NULL when it is unknown.
 */
const struct ioasid_table_format *ioasid_table_format(u32 format)
{
	const struct table_format *found = find_format(format);

	return found ? &found->info : NULL;
}
EXPORT_SYMBOL_GPL(ioasid_table_format);

static int check_table(const struct table_format *format, const struct ioasid_table *table)
{
	u32 width = table->addr_width;

	if (table->flags)
		return -EOPNOTSUPP;
	if (table->__reserved)
		return -EINVAL;
	if (width < format->info.width_min || width > format->info.width_max)
		return -EINVAL;
	if (table->addr >> format->addr_bits)
		return -EINVAL;
	if (table->addr & (BIT_ULL(table_root_lg2(width)) - 1))
		return -EINVAL;
	return 0;
}

/**
 * ioasid_table_check - is this a table that can be walked?
 * @format: enum ioasid_format
 * @table: where the table is; its content is not looked at
 *
 * -EOPNOTSUPP for an unknown format or flag, -EINVAL for a reserved field, a width
 * that the format does not have, an address that is not aligned as the top level
 * must be or is wider than the format's entries could point to.
 */
int ioasid_table_check(u32 format, const struct ioasid_table *table)
{
	const struct table_format *found = find_format(format);

	return found ? check_table(found, table) : -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(ioasid_table_check);

static bool valid_iova(const struct table_format *format, u64 iova, unsigned int width)
{
	u64 above = iova >> width;

	if (format->sign_extended && iova & BIT_ULL(width - 1))
		return above == ~0ULL >> width;
	return !above;
}

/* A leaf's place in the result, whatever becomes of the access. */
static void found_leaf(struct ioasid_walk *walk, const struct table_entry *e)
{
	const struct table_perms *perms = &e->perms;

	walk->size_lg2 = table_shift(e->level);
	walk->addr = e->addr | (walk->iova & (BIT_ULL(walk->size_lg2) - 1));
	if (!perms->user)
		walk->perm = perms->priv | IOASID_PERM_PRIV;
	else if (walk->access & IOASID_PERM_PRIV)
		walk->perm = perms->priv;
	else
		walk->perm = perms->user;
}

/* Reads step @i, whose address is known, and lets the format judge it. */
static int read_step(struct table_walk *w, unsigned int i, struct table_entry *e)
{
	struct ioasid_walk *walk = w->walk;
	struct ioasid_walk_step *step = &walk->steps[i];
	int reason;

	walk->error = w->ops->read(w->data, step->addr, &step->entry);
	if (walk->error)
		return IOASID_WALK_TABLE;
	walk->nr_steps = i + 1;
	*e = (struct table_entry) {
		.entry = step->entry,
		.access = walk->access,
		.level = step->level,
		.updates = w->ops->update,
		.perms = w->above[i],
	};
	reason = w->format->judge(e);
	if (reason && reason != IOASID_WALK_ACCESS_FLAG)
		return reason;
	if (e->addr >> TABLE_ADDR_BITS)
		return IOASID_WALK_RESERVED_BITS;
	if (e->leaf && e->addr & (BIT_ULL(table_shift(e->level)) - 1))
		return IOASID_WALK_RESERVED_BITS;
	return reason;
}

/* Step @i will be the entry for the IOVA in the table at @table. */
static void set_step(struct table_walk *w, unsigned int i, u64 table,
		     const struct table_perms *above)
{
	struct ioasid_walk_step *step = &w->walk->steps[i];
	u64 iova = w->walk->iova;
	unsigned int shift;

	step->level = w->levels - i;
	shift = table_shift(step->level);
	/* Bits above the width have been checked and are not part of the index. */
	step->addr = table + ((iova >> shift) & (BIT_ULL(TABLE_INDEX_LG2) - 1)) * 8;
	step->entry = 0;
	w->above[i] = *above;
}

/* From step @i down to a leaf that allows the access. */
static int descend(struct table_walk *w, unsigned int i)
{
	struct ioasid_walk *walk = w->walk;
	u32 access = walk->access & TABLE_PERM_ALL;
	struct table_entry e;
	u8 allowed;
	int reason;

	walk->nr_steps = i;
	walk->addr = 0;
	walk->size_lg2 = 0;
	walk->perm = 0;
	for (;; i++) {
		reason = read_step(w, i, &e);
		if (reason && reason != IOASID_WALK_ACCESS_FLAG)
			return reason;
		if (e.leaf)
			break;
		if (i + 1 == w->levels)
			return IOASID_WALK_RESERVED_BITS;
		set_step(w, i + 1, e.addr, &e.perms);
	}
	found_leaf(walk, &e);
	if (reason)
		return reason;
	allowed = walk->access & IOASID_PERM_PRIV ? e.perms.priv : e.perms.user;
	return access & ~allowed ? IOASID_WALK_PERMISSION : IOASID_WALK_OK;
}

/*
 * Sets the accessed and dirty bits of step *@i and all below. IOASID_WALK_RETRY:
 * that of *@i was lost to another writer.
 */
static int touch(struct table_walk *w, unsigned int *i)
{
	struct ioasid_walk *walk = w->walk;
	struct ioasid_walk_step *step;
	u64 new;

	for (; *i < walk->nr_steps; (*i)++) {
		step = &walk->steps[*i];
		new = w->format->touch(step->entry, walk->access, *i + 1 == walk->nr_steps);
		if (new == step->entry)
			continue;
		if (!w->ops->update) {
			if (w->format->must_touch)
				return IOASID_WALK_ACCESS_FLAG;
			continue;
		}
		walk->error = w->ops->update(w->data, step->addr, step->entry, new);
		if (walk->error)
			return walk->error == -EAGAIN ? IOASID_WALK_RETRY : IOASID_WALK_TABLE;
		step->entry = new;
	}
	return IOASID_WALK_OK;
}

static int walk_table(struct table_walk *w)
{
	unsigned int i = 0;
	int reason;

	for (;;) {
		reason = descend(w, i);
		/* One who only looks leaves nothing behind. */
		if (reason || !(w->walk->access & TABLE_PERM_ALL))
			return reason;
		reason = touch(w, &i);
		if (reason != IOASID_WALK_RETRY || w->retries++ == IOASID_TABLE_RETRIES)
			return reason;
	}
}

/**
 * ioasid_table_walk - translates one address, as an IOMMU would
 * @format: enum ioasid_format
 * @table: the table; one that ioasid_table_check() refuses is not walked
 * @ops: the memory that it lives in
 * @data: for @ops
 * @walk: the address and the access; receives all that is learnt
 *
 * Without READ, WRITE and EXEC the access is a look: permissions are reported,
 * but neither needed nor followed by accessed bits.
 *
 * Calls read() at most @levels * (1 + IOASID_TABLE_RETRIES) times and has no
 * other bound than that: it may sleep where @ops may.
 *
 * Returns walk->reason.
 */
int ioasid_table_walk(u32 format, const struct ioasid_table *table,
		      const struct ioasid_walk_ops *ops, void *data,
		      struct ioasid_walk *walk)
{
	static const struct table_perms all = { TABLE_PERM_ALL, TABLE_PERM_ALL };
	struct table_walk w = {
		.format = find_format(format),
		.ops = ops,
		.data = data,
		.walk = walk,
	};

	walk->addr = 0;
	walk->size_lg2 = 0;
	walk->perm = 0;
	walk->nr_steps = 0;
	walk->error = w.format ? check_table(w.format, table) : -EOPNOTSUPP;
	if (walk->error) {
		walk->reason = IOASID_WALK_TABLE;
	} else if (!valid_iova(w.format, walk->iova, table->addr_width)) {
		walk->reason = IOASID_WALK_ADDRESS;
	} else {
		w.levels = table_levels(table->addr_width);
		set_step(&w, 0, table->addr, &all);
		walk->reason = walk_table(&w);
	}
	return walk->reason;
}
EXPORT_SYMBOL_GPL(ioasid_table_walk);
