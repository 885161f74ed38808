/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O page tables that user space writes: walking them in software, as an IOMMU
 * would. One description of a format serves the simulator's walker, software
 * nesting and tools.
 *
 * A table is hostile: the walk reads every entry exactly once through a callback,
 * takes nothing for granted that an entry says, and ends after as many steps as
 * the format has levels.
 */
#ifndef _LINUX_IOASID_TABLE_H
#define _LINUX_IOASID_TABLE_H

#include <linux/types.h>
#include <uapi/linux/ioasid.h>

#define IOASID_TABLE_LEVELS	5
/* Updates that a walk may lose to other writers before it gives up. */
#define IOASID_TABLE_RETRIES	8
#define IOASID_NR_FORMATS	IOASID_FORMAT_RISCV_SV48	/* page tables */

/*
 * What IOMMU drivers that take struct ioasid_table call a format: this, plus enum
 * ioasid_format, is the type of struct iommu_user_data and of the array of struct
 * iommu_hwpt_vtd_s1_invalidate that goes with it. Their hw_info() has this type.
 */
#define IOASID_NESTED_TYPE	0x10000

/*
 * Of PASID tables it is struct ioasid_pasid_invalidate instead, since the other has
 * no room for a PASID.
 */
struct ioasid_hw_info {
	u32	formats;		/* a bit for each enum ioasid_format */
	u32	flags;
#define IOASID_HW_PAGE_REQUESTS	(1 << 0)	/* devices may ask for pages */
};

#define IOASID_PERM_READ	(1 << 0)
#define IOASID_PERM_WRITE	(1 << 1)
#define IOASID_PERM_EXEC	(1 << 2)
#define IOASID_PERM_PRIV	(1 << 3)	/* asked for by privileged code; of a
						 * result: only that may
						 */

/**
 * struct ioasid_walk_ops - the memory a table lives in
 * @read: reads the little-endian 64-bit entry at @addr, which is a multiple of 8
 *        and at most 52 bits wide, once; not 0: the address is no memory
 * @update: replaces the entry @old by @new (accessed and dirty bits); -EAGAIN when
 *          it is not @old any more, other errors as for @read. NULL: nothing is
 *          written, and what the format needs it for is done without
 */
struct ioasid_walk_ops {
	int (*read)(void *data, u64 addr, u64 *entry);
	int (*update)(void *data, u64 addr, u64 old, u64 new);
};

struct ioasid_walk_step {
	u64	addr;			/* of the entry */
	u64	entry;
	u8	level;			/* 1: smallest pages */
};

/**
 * struct ioasid_walk - one walk and what came of it
 * @iova: in: address to translate
 * @access: in: IOASID_PERM_* wanted; without READ, WRITE and EXEC a look, which
 *          needs no permission and sets no accessed bit
 * @addr: out: what @iova translates to (in the parent's space)
 * @size_lg2: out: log2 of the leaf's size
 * @perm: out: IOASID_PERM_* that the leaf allows to such an access, all levels
 *        considered; to the privileged, and with PRIV, when nobody else may anything
 * @reason: out: enum ioasid_walk_reason; IOASID_WALK_TABLE: read() or update()
 *          refused an entry's address, IOASID_WALK_RETRY: update() lost against
 *          another writer too often
 * @error: out: what read() or update() said
 * @nr_steps: out: entries of @steps
 * @steps: out: entries used, from the top, with the accessed and dirty bits that
 *         this walk has set
 *
 * @addr, @size_lg2 and @perm are there when a leaf was found, allowed or not, and
 * else 0. When read() fails, @steps ends before the entry that it refused.
 */
struct ioasid_walk {
	u64	iova;
	u32	access;
	u64	addr;
	u8	size_lg2;
	u8	perm;
	u8	reason;
	int	error;
	u8	nr_steps;
	struct ioasid_walk_step steps[IOASID_TABLE_LEVELS];
};

/* What one may know of a format without walking. */
struct ioasid_table_format {
	const char *name;		/* such as "x86-64 4-level" */
	u32	id;			/* enum ioasid_format */
	u8	width_min, width_max;	/* IOVA bits that a table may be given for */
	u8	root_align_lg2;		/* of the table's address at width_max; less,
					 * on Arm, for a narrower one
					 */
	u64	pgsize_bitmap;
};

const struct ioasid_table_format *ioasid_table_format(u32 format);

/*
 * Is this a table that can be walked? -EOPNOTSUPP: unknown format or flag, -EINVAL:
 * reserved field, width, alignment or address (beyond 52 bits; 48 on Arm).
 */
int ioasid_table_check(u32 format, const struct ioasid_table *table);

/* Returns walk->reason. The table has passed ioasid_table_check(). */
int ioasid_table_walk(u32 format, const struct ioasid_table *table,
		      const struct ioasid_walk_ops *ops, void *data,
		      struct ioasid_walk *walk);

/*
 * PASID tables: entries lead to page tables of the formats above. The same rules hold:
 * each word is read once, through a callback, and the number of steps is bounded.
 */

#define IOASID_PASID_LEVELS	3
/* Pseudo PASID: the request has none. */
#define IOASID_WITHOUT_PASID	(~0U)

/**
 * struct ioasid_pasid_walk - looking a PASID up, and what came of it
 * @pasid: in: the PASID, or IOASID_WITHOUT_PASID
 * @reason: out: enum ioasid_walk_reason; IOASID_WALK_RESERVED_BITS: the entry cannot
 *          be used
 * @error: out: what read() said
 * @format: out: enum ioasid_format of @table; IOASID_FORMAT_NONE: the request's
 *          addresses are the parent's
 * @table: out: the page table, which has passed ioasid_table_check()
 * @updates: out: accessed and dirty bits are maintained in it
 * @nr_steps: out: entries of @steps
 * @steps: out: entries used, from the top, by their first words. When read() fails,
 *         @steps ends before the entry that it refused
 */
struct ioasid_pasid_walk {
	u32	pasid;
	u8	reason;
	int	error;
	u32	format;
	struct ioasid_table table;
	bool	updates;
	u8	nr_steps;
	struct ioasid_walk_step steps[IOASID_PASID_LEVELS];
};

struct ioasid_pasid_format {
	const char *name;
	u32	id;			/* enum ioasid_format */
	u8	width_min, width_max;	/* PASID bits */
	u64	pgsize_bitmap;		/* of the page tables */
};

const struct ioasid_pasid_format *ioasid_pasid_format(u32 format);
/* All of them in turn, NULL behind the last. */
const struct ioasid_pasid_format *ioasid_pasid_format_at(unsigned int index);
int ioasid_pasid_table_check(u32 format, const struct ioasid_table *table);
bool ioasid_pasid_is_default(const struct ioasid_table *table, u32 pasid);
int ioasid_pasid_table_walk(u32 format, const struct ioasid_table *table,
			    const struct ioasid_walk_ops *ops, void *data,
			    struct ioasid_pasid_walk *walk);

/**
 * struct ioasid_pasid_invalidate - to IOMMU drivers, of PASID tables
 * @addr: first address, page aligned
 * @npages: how many pages; U64_MAX with @addr 0: everything
 * @caches: IOASID_CACHE_*; with IOASID_CACHE_PASID everything
 * @flags: IOASID_INVALIDATE_LEAF, IOASID_INVALIDATE_PASID
 * @pasid: with that flag the only one concerned, else 0
 * @__reserved: 0
 */
struct ioasid_pasid_invalidate {
	__u64	addr;
	__u64	npages;
	__u32	caches;
	__u32	flags;
	__u32	pasid;
	__u32	__reserved;
};

#endif /* _LINUX_IOASID_TABLE_H */
