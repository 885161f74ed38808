/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the walker, which reads, counts and writes, and the formats, which say
 * what the bits of one entry mean.
 *
 * A format never sees memory, only a copy of an entry, and cannot make a walk
 * longer: it says "leaf" or "go on", and walk.c counts the levels. To add one:
 * a file here, a declaration below, its line in walk.c and in Kbuild, its number
 * in uapi/linux/ioasid.h.
 *
 * This directory is compiled in user space as well (selftests/table*.c): no more
 * of the kernel's headers than walk.c includes.
 */
#ifndef IOASID_TABLE_PRIVATE_H
#define IOASID_TABLE_PRIVATE_H

#include <linux/bits.h>
#include <linux/ioasid_table.h>

/* All formats have 4 KiB pages, and tables of that size that fill a page. */
#define TABLE_PAGE_LG2		12
#define TABLE_INDEX_LG2		9
/* No address, in or out of an entry, is wider: IOMMUs have at most 52 bits. */
#define TABLE_ADDR_BITS		52

#define TABLE_PERM_ALL		(IOASID_PERM_READ | IOASID_PERM_WRITE | IOASID_PERM_EXEC)

/*
 * READ, WRITE, EXEC of either kind of access. Not a set and a flag: Arm and RISC-V
 * have pages that the privileged may not execute and others may.
 */
struct table_perms {
	u8 user;
	u8 priv;
};

/**
 * struct table_entry - one entry, for a format to judge
 * @entry: in: its content
 * @access: in: IOASID_PERM_* wanted; none of READ, WRITE, EXEC: only looking
 * @level: in: 1 is that of the smallest pages
 * @updates: in: accessed and dirty bits are maintained
 * @leaf: out: it maps @addr, instead of pointing to the next table there
 * @addr: out: aligned, if the entry is right, to what it maps or points to
 * @perms: in: what the levels above allow; out: and this one too
 */
struct table_entry {
	u64 entry;
	u32 access;
	u8 level;
	bool updates;
	bool leaf;
	u64 addr;
	struct table_perms perms;
};

/**
 * struct table_format - a format as the walker needs it
 * @info: what everybody may know
 * @addr_bits: of the addresses in entries
 * @sign_extended: IOVA bits above the width repeat the highest one below, instead
 *                 of being 0
 * @must_touch: an access is refused while its accessed or dirty bit is clear and
 *              nobody sets it
 * @judge: IOASID_WALK_OK, or why the walk ends here; ACCESS_FLAG only of a leaf that
 *         is right otherwise. Misaligned leaves, pointers at the last level and
 *         addresses beyond 52 bits are left to the walker
 * @touch: the entry as a permitted @access leaves it behind
 */
struct table_format {
	struct ioasid_table_format info;
	u8 addr_bits;
	bool sign_extended;
	bool must_touch;
	enum ioasid_walk_reason (*judge)(struct table_entry *e);
	u64 (*touch)(u64 entry, u32 access, bool leaf);
};

/* log2 of the bytes that an entry of @level translates */
static inline unsigned int table_shift(unsigned int level)
{
	return TABLE_PAGE_LG2 + TABLE_INDEX_LG2 * (level - 1);
}

/*
 * The top level of a narrow table has as many entries as its width needs, and it
 * is aligned to their size, but to 64 bytes at least (Arm ARM D8.2, TTBR0_ELx).
 */
static inline unsigned int table_levels(unsigned int width)
{
	return (width - TABLE_PAGE_LG2 + TABLE_INDEX_LG2 - 1) / TABLE_INDEX_LG2;
}

static inline unsigned int table_root_lg2(unsigned int width)
{
	unsigned int lg2 = width - table_shift(table_levels(width)) + 3;

	return lg2 < 6 ? 6 : lg2;
}

/* PASID tables: what pasid.c needs of a format; a file for each family, too. */

#define PASID_WORDS	2

/**
 * struct pasid_entry - one entry, for a format to judge
 * @table: in: what the user said of the whole table
 * @words: in: its content, as far as the format wants to see it
 * @leaf: in: it leads to a page table, else to the next level
 * @addr: out: of the next level
 * @walk: out, of a leaf: @format, @table and @updates
 */
struct pasid_entry {
	const struct ioasid_table *table;
	u64 words[PASID_WORDS];
	bool leaf;
	u64 addr;
	struct ioasid_pasid_walk *walk;
};

/**
 * struct pasid_format - a format of PASID tables
 * @info: what everybody may know
 * @flags: IOASID_TABLE_* that a table may have
 * @addr_bits: of the table's own address
 * @entry_lg2: log2 of the bytes of an entry
 * @index_lg2: log2 of the entries of each level; 0: there is only one level
 * @words: of an entry that are judged
 * @hides_default: DMA with PASID 0 has no entry while DMA without PASID uses that
 * @judge: IOASID_WALK_OK, or why the walk ends here. Whether the page table of a leaf
 *         can be walked is left to the caller
 */
struct pasid_format {
	struct ioasid_pasid_format info;
	u64 flags;
	u8 addr_bits;
	u8 entry_lg2;
	u8 index_lg2;
	u8 words;
	bool hides_default;
	enum ioasid_walk_reason (*judge)(struct pasid_entry *e);
};

extern const struct pasid_format ioasid_pasid_amd_gcr3;
extern const struct pasid_format ioasid_pasid_arm_cd;

extern const struct table_format ioasid_table_x86_64_4level;
extern const struct table_format ioasid_table_x86_64_5level;
extern const struct table_format ioasid_table_arm_lpae_4k;
extern const struct table_format ioasid_table_riscv_sv39;
extern const struct table_format ioasid_table_riscv_sv48;

#endif /* IOASID_TABLE_PRIVATE_H */
