// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arm VMSAv8-64, stage 1, 4 KiB granule, addresses of 48 bits, TTBR0: what an
 * SMMUv3 walks for a context descriptor.
 *
 * Source: Arm Architecture Reference Manual for A-profile (DDI 0487): D8.2
 * translation process, D8.3 descriptor formats, D8.4 memory access control, D8.5
 * hardware updates; the EL1&0 regime. "Level" counts down to 1 here; Arm's levels
 * 0 to 3 are ours 4 to 1.
 *
 * Where it leaves a choice: hierarchical permissions are in use (HPD 0), writable
 * memory can be executed (WXN 0), and privileged code may touch what others may
 * (PAN 0). Accessed and dirty state are managed by hardware (HA, HD) exactly when
 * the walk's owner can write entries. Bits that the manual calls RES0 must be 0:
 * no extension that uses them is there.
 */
#include "table.h"

#define ARM_VALID	BIT_ULL(0)
#define ARM_TABLE_PAGE	BIT_ULL(1)	/* else a block */
#define ARM_AP_EL0	BIT_ULL(6)	/* AP[1] */
#define ARM_AP_RO	BIT_ULL(7)	/* AP[2] */
#define ARM_SH		GENMASK_ULL(9, 8)
#define ARM_SH_RESERVED	BIT_ULL(8)	/* SH 01 */
#define ARM_AF		BIT_ULL(10)
#define ARM_ADDR	GENMASK_ULL(47, 12)
#define ARM_LEAF_RES0	GENMASK_ULL(49, 48)
#define ARM_DBM		BIT_ULL(51)
/* Contiguous, 52, is a hint for TLBs: an entry is right by itself. */
#define ARM_PXN		BIT_ULL(53)
#define ARM_UXN		BIT_ULL(54)

#define ARM_TABLE_RES0	GENMASK_ULL(50, 48)
#define ARM_TABLE_PXN	BIT_ULL(59)
#define ARM_TABLE_UXN	BIT_ULL(60)
#define ARM_TABLE_NOEL0	BIT_ULL(61)	/* APTable[0] */
#define ARM_TABLE_RO	BIT_ULL(62)	/* APTable[1] */

/* Blocks are at Arm's levels 1 and 2: 1 GiB and 2 MiB. */
#define ARM_BLOCK_MAX	3

static void forbid(struct table_perms *perms, u8 user, u8 priv)
{
	perms->user &= ~user;
	perms->priv &= ~priv;
}

/*
 * What a table descriptor takes away holds for all below (D8.4, "Hierarchical
 * control of data access permissions" and "... instruction execution permissions").
 * APTable[0] is about data: EL0 keeps EXEC.
 */
static enum ioasid_walk_reason judge_table(struct table_entry *e)
{
	if (e->entry & ARM_TABLE_RES0)
		return IOASID_WALK_RESERVED_BITS;
	if (e->entry & ARM_TABLE_RO)
		forbid(&e->perms, IOASID_PERM_WRITE, IOASID_PERM_WRITE);
	if (e->entry & ARM_TABLE_NOEL0)
		forbid(&e->perms, IOASID_PERM_READ | IOASID_PERM_WRITE, 0);
	if (e->entry & ARM_TABLE_PXN)
		forbid(&e->perms, 0, IOASID_PERM_EXEC);
	if (e->entry & ARM_TABLE_UXN)
		forbid(&e->perms, IOASID_PERM_EXEC, 0);
	return IOASID_WALK_OK;
}

/*
 * AP[2:1], UXN, PXN (D8.4). With hardware management of dirty state, read-only
 * and DBM together mean "writable, clean" (D8.5). EL0 needs no AP[1] to execute;
 * EL1 does not execute what EL0 may write.
 */
static void judge_leaf_perms(struct table_entry *e)
{
	u64 entry = e->entry;

	if (entry & ARM_AP_RO && !(entry & ARM_DBM && e->updates))
		forbid(&e->perms, IOASID_PERM_WRITE, IOASID_PERM_WRITE);
	if (!(entry & ARM_AP_EL0))
		forbid(&e->perms, IOASID_PERM_READ | IOASID_PERM_WRITE, 0);
	if (entry & ARM_UXN)
		forbid(&e->perms, IOASID_PERM_EXEC, 0);
	if (entry & ARM_PXN || e->perms.user & IOASID_PERM_WRITE)
		forbid(&e->perms, 0, IOASID_PERM_EXEC);
}

static enum ioasid_walk_reason judge_leaf(struct table_entry *e)
{
	e->leaf = true;
	if (e->entry & ARM_LEAF_RES0 || (e->entry & ARM_SH) == ARM_SH_RESERVED)
		return IOASID_WALK_RESERVED_BITS;
	judge_leaf_perms(e);
	/* Comes before permissions (D8.2, priority of faults), so not left to touch. */
	if (!(e->entry & ARM_AF) && !e->updates && e->access & TABLE_PERM_ALL)
		return IOASID_WALK_ACCESS_FLAG;
	return IOASID_WALK_OK;
}

static enum ioasid_walk_reason arm_judge(struct table_entry *e)
{
	bool block = !(e->entry & ARM_TABLE_PAGE);

	if (!(e->entry & ARM_VALID))
		return IOASID_WALK_NOT_PRESENT;
	/* Reserved encodings: a block at Arm's levels 0 and 3 (D8.3). */
	if (block && (e->level == 1 || e->level > ARM_BLOCK_MAX))
		return IOASID_WALK_RESERVED_BITS;
	/* Of a block, nT (16) and what is RES0 below its size make it misaligned. */
	e->addr = e->entry & ARM_ADDR;
	return block || e->level == 1 ? judge_leaf(e) : judge_table(e);
}

/* D8.5: AF when it is used; a write makes "writable, clean" dirty: AP[2] 0. */
static u64 arm_touch(u64 entry, u32 access, bool leaf)
{
	if (!leaf)
		return entry;
	entry |= ARM_AF;
	if (access & IOASID_PERM_WRITE && entry & ARM_DBM)
		entry &= ~ARM_AP_RO;
	return entry;
}

const struct table_format ioasid_table_arm_lpae_4k = {
	.info = {
		.name = "Arm LPAE 4K",
		.id = IOASID_FORMAT_ARM_LPAE_4K,
		.width_min = 25,	/* T0SZ 39 */
		.width_max = 48,	/* T0SZ 16 */
		.root_align_lg2 = 12,
		.pgsize_bitmap = BIT_ULL(12) | BIT_ULL(21) | BIT_ULL(30),
	},
	.addr_bits = 48,
	.must_touch = true,
	.judge = arm_judge,
	.touch = arm_touch,
};
