// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks a PASID up in a user-managed PASID table: the mechanism that all formats
 * share. As in walk.c the table is hostile: each word is read once into a local copy,
 * the number of levels comes from the table's width, and addresses are masked before
 * anybody is asked to read there.
 */
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/ioasid_table.h>
#include <linux/types.h>

#include "table.h"

static const struct pasid_format *const formats[] = {
	&ioasid_pasid_amd_gcr3,
	&ioasid_pasid_arm_cd,
};

static const struct pasid_format *find_format(u32 id)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		if (formats[i]->info.id == id)
			return formats[i];
	}
	return NULL;
}

/**
 * ioasid_pasid_format - what one may know of a format without walking
 * @format: enum ioasid_format
 *
 * NULL when it is unknown, or no PASID table.
 */
const struct ioasid_pasid_format *ioasid_pasid_format(u32 format)
{
	const struct pasid_format *found = find_format(format);

	return found ? &found->info : NULL;
}
EXPORT_SYMBOL_GPL(ioasid_pasid_format);

const struct ioasid_pasid_format *ioasid_pasid_format_at(unsigned int index)
{
	return index < ARRAY_SIZE(formats) ? &formats[index]->info : NULL;
}
EXPORT_SYMBOL_GPL(ioasid_pasid_format_at);

static unsigned int levels_of(const struct pasid_format *format, unsigned int width)
{
	return format->index_lg2 ? (width + format->index_lg2 - 1) / format->index_lg2 : 1;
}

/* Levels are pages; a table of one level without that is aligned to its size. */
static unsigned int align_lg2(const struct pasid_format *format, unsigned int width)
{
	return format->entry_lg2 + (format->index_lg2 ?: width);
}

static int check_table(const struct pasid_format *format, const struct ioasid_table *table)
{
	const u64 both = IOASID_TABLE_BYPASS | IOASID_TABLE_BLOCK;
	u32 width = table->addr_width;

	if (table->flags & ~format->flags)
		return -EOPNOTSUPP;
	if (table->__reserved || (table->flags & both) == both)
		return -EINVAL;
	if (width < format->info.width_min || width > format->info.width_max)
		return -EINVAL;
	if (table->addr >> format->addr_bits)
		return -EINVAL;
	if (table->addr & (BIT_ULL(align_lg2(format, width)) - 1))
		return -EINVAL;
	return 0;
}

/**
 * ioasid_pasid_table_check - is this a PASID table that can be walked?
 * @format: enum ioasid_format
 * @table: where the table is; its content is not looked at
 *
 * -EOPNOTSUPP for a format that is no PASID table's and for a flag that the format
 * does not have, -EINVAL for a reserved field, flags that exclude each other, a
 * width, an alignment or an address that the format does not have.
 */
int ioasid_pasid_table_check(u32 format, const struct ioasid_table *table)
{
	const struct pasid_format *found = find_format(format);

	return found ? check_table(found, table) : -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(ioasid_pasid_table_check);

static bool has_default_entry(const struct ioasid_table *table)
{
	return !(table->flags & (IOASID_TABLE_BYPASS | IOASID_TABLE_BLOCK));
}

/**
 * ioasid_pasid_is_default - does DMA without PASID use this PASID's entry?
 * @table: the PASID table
 * @pasid: the PASID
 */
bool ioasid_pasid_is_default(const struct ioasid_table *table, u32 pasid)
{
	return !pasid && has_default_entry(table);
}
EXPORT_SYMBOL_GPL(ioasid_pasid_is_default);

/* The words of the entry at @addr, the one that says whether it is valid first. */
static int read_entry(const struct pasid_format *format, const struct ioasid_walk_ops *ops,
		      void *data, u64 addr, struct pasid_entry *e)
{
	unsigned int words = e->leaf ? format->words : 1;
	int rc = 0;

	for (unsigned int i = 0; i < words && !rc; i++)
		rc = ops->read(data, addr + 8 * i, &e->words[i]);
	return rc;
}

static enum ioasid_walk_reason judge_entry(const struct pasid_format *format,
					   struct pasid_entry *e)
{
	struct ioasid_pasid_walk *walk = e->walk;
	enum ioasid_walk_reason reason = format->judge(e);

	if (!reason && e->leaf && ioasid_table_check(walk->format, &walk->table))
		return IOASID_WALK_RESERVED_BITS;
	return reason;
}

static int walk_levels(const struct pasid_format *format, const struct ioasid_table *table,
		       const struct ioasid_walk_ops *ops, void *data, u32 index,
		       struct ioasid_pasid_walk *walk)
{
	struct pasid_entry e = { .table = table, .addr = table->addr, .walk = walk };
	unsigned int level = levels_of(format, table->addr_width);
	struct ioasid_walk_step *step;
	unsigned int shift;
	u64 at;
	int reason;

	for (; level; level--) {
		shift = (level - 1) * format->index_lg2;
		at = index >> shift;
		if (format->index_lg2)
			at &= BIT_ULL(format->index_lg2) - 1;
		at = e.addr + (at << format->entry_lg2);
		e.leaf = level == 1;
		step = &walk->steps[walk->nr_steps];
		step->addr = at;
		step->level = level;
		walk->error = read_entry(format, ops, data, at, &e);
		if (walk->error)
			return IOASID_WALK_TABLE;
		step->entry = e.words[0];
		walk->nr_steps++;
		reason = judge_entry(format, &e);
		if (reason)
			return reason;
	}
	return IOASID_WALK_OK;
}

static int look_up(const struct pasid_format *format, const struct ioasid_table *table,
		   const struct ioasid_walk_ops *ops, void *data,
		   struct ioasid_pasid_walk *walk)
{
	u32 index = walk->pasid;

	if (walk->pasid == IOASID_WITHOUT_PASID) {
		if (table->flags & IOASID_TABLE_BLOCK)
			return IOASID_WALK_NO_PASID;
		if (table->flags & IOASID_TABLE_BYPASS)
			return IOASID_WALK_OK;
		index = 0;
	} else if (index >> table->addr_width ||
		   (!index && format->hides_default && has_default_entry(table))) {
		return IOASID_WALK_NO_PASID;
	}
	return walk_levels(format, table, ops, data, index, walk);
}

/**
 * ioasid_pasid_table_walk - finds the page table of a PASID, as an IOMMU would
 * @format: enum ioasid_format
 * @table: the PASID table; one that ioasid_pasid_table_check() refuses is not walked
 * @ops: the memory that it lives in; only read() is called, IOASID_PASID_LEVELS + 1
 *       times at most
 * @data: for @ops
 * @walk: the PASID; receives all that is learnt
 *
 * Returns walk->reason.
 */
int ioasid_pasid_table_walk(u32 format, const struct ioasid_table *table,
			    const struct ioasid_walk_ops *ops, void *data,
			    struct ioasid_pasid_walk *walk)
{
	const struct pasid_format *found = find_format(format);

	*walk = (struct ioasid_pasid_walk) { .pasid = walk->pasid };
	walk->error = found ? check_table(found, table) : -EOPNOTSUPP;
	walk->reason = walk->error ? IOASID_WALK_TABLE :
				     look_up(found, table, ops, data, walk);
	if (walk->reason)
		walk->format = IOASID_FORMAT_NONE;
	return walk->reason;
}
EXPORT_SYMBOL_GPL(ioasid_pasid_table_walk);
