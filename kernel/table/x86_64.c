// SPDX-License-Identifier: GPL-2.0-only
/*
 * 4- and 5-level paging of x86-64, which is also the first stage of VT-d and the
 * "v2" (guest) table of AMD's IOMMU.
 *
 * Sources: Intel SDM volume 3A chapter 4 (4.5 structures, 4.6 access rights, 4.8
 * accessed and dirty flags); Intel VT-d specification 3.6 (first-stage
 * translation) and 9.7 (first-stage paging entries); AMD I/O Virtualization
 * Technology specification, "Guest CR3 and guest page tables".
 *
 * Where these leave a choice to a register: XD is in use (NXE), the privileged
 * respect RW (WPE, CR0.WP) and may execute what others may (no SMEP), there is no
 * extended accessed flag (EAFE), physical addresses have 52 bits.
 */
#include "table.h"

#define X86_P		BIT_ULL(0)
#define X86_RW		BIT_ULL(1)
#define X86_US		BIT_ULL(2)
#define X86_A		BIT_ULL(5)
#define X86_D		BIT_ULL(6)
#define X86_PS		BIT_ULL(7)	/* PAT in an entry of the last level */
#define X86_PAT_LARGE	BIT_ULL(12)
#define X86_ADDR	GENMASK_ULL(51, 12)
#define X86_XD		BIT_ULL(63)

/* The highest level of leaves: page-directory pointers, 1 GiB. */
#define X86_LEAF_MAX	3

/*
 * Permissions are those that all levels agree on (SDM 4.6.1, VT-d 3.6): RW and US
 * must be set everywhere, XD nowhere. What is present can be read.
 */
static void judge_perms(struct table_entry *e)
{
	u8 mask = IOASID_PERM_READ;

	if (e->entry & X86_RW)
		mask |= IOASID_PERM_WRITE;
	if (!(e->entry & X86_XD))
		mask |= IOASID_PERM_EXEC;
	e->perms.priv &= mask;
	e->perms.user &= e->entry & X86_US ? mask : 0;
}

static enum ioasid_walk_reason x86_judge(struct table_entry *e)
{
	if (!(e->entry & X86_P))
		return IOASID_WALK_NOT_PRESENT;
	e->leaf = e->level == 1;
	e->addr = e->entry & X86_ADDR;
	if (e->level > 1 && e->entry & X86_PS) {
		/* Reserved in PML4 and PML5 entries (SDM tables 4-14 and 4-15). */
		if (e->level > X86_LEAF_MAX)
			return IOASID_WALK_RESERVED_BITS;
		/*
		 * The other address bits below the leaf's size are reserved: the
		 * walker finds the leaf misaligned.
		 */
		e->leaf = true;
		e->addr &= ~X86_PAT_LARGE;
	}
	judge_perms(e);
	return IOASID_WALK_OK;
}

/* A in every entry that was used, D where a write went (SDM 4.8, VT-d 3.6). */
static u64 x86_touch(u64 entry, u32 access, bool leaf)
{
	entry |= X86_A;
	if (leaf && access & IOASID_PERM_WRITE)
		entry |= X86_D;
	return entry;
}

/* The width follows from the number of levels: CR4.LA57, VT-d's FSPM. */
const struct table_format ioasid_table_x86_64_4level = {
	.info = {
		.name = "x86-64 4-level",
		.id = IOASID_FORMAT_X86_64_4LEVEL,
		.width_min = 48,
		.width_max = 48,
		.root_align_lg2 = 12,
		.pgsize_bitmap = BIT_ULL(12) | BIT_ULL(21) | BIT_ULL(30),
	},
	.addr_bits = TABLE_ADDR_BITS,
	.sign_extended = true,
	.judge = x86_judge,
	.touch = x86_touch,
};

const struct table_format ioasid_table_x86_64_5level = {
	.info = {
		.name = "x86-64 5-level",
		.id = IOASID_FORMAT_X86_64_5LEVEL,
		.width_min = 57,
		.width_max = 57,
		.root_align_lg2 = 12,
		.pgsize_bitmap = BIT_ULL(12) | BIT_ULL(21) | BIT_ULL(30),
	},
	.addr_bits = TABLE_ADDR_BITS,
	.sign_extended = true,
	.judge = x86_judge,
	.touch = x86_touch,
};
