// SPDX-License-Identifier: GPL-2.0-only
/*
 * RISC-V Sv39 and Sv48, the first stage of the RISC-V IOMMU.
 *
 * Source: RISC-V Privileged Architecture, supervisor level: "Virtual Address
 * Translation Process" (of Sv32, which the others share), "Sv39" and "Sv48".
 *
 * Neither Svnapot nor Svpbmt: the bits they use are reserved, as are all that the
 * specification keeps for standard use. Privileged accesses may read and write
 * user pages (SUM) but never execute them; execute-only pages cannot be read (no
 * MXR). A and D are set (Svadu) when the walk's owner can write entries, and
 * otherwise must be set already (Svade).
 */
#include "table.h"

#define RISCV_V		BIT_ULL(0)
#define RISCV_R		BIT_ULL(1)
#define RISCV_W		BIT_ULL(2)
#define RISCV_X		BIT_ULL(3)
#define RISCV_U		BIT_ULL(4)
#define RISCV_A		BIT_ULL(6)
#define RISCV_D		BIT_ULL(7)
#define RISCV_PPN	GENMASK_ULL(53, 10)
#define RISCV_PPN_SHIFT	10
/* 60:54, PBMT in 62:61 and N in 63. */
#define RISCV_RESERVED	GENMASK_ULL(63, 54)

static u8 leaf_perms(u64 entry)
{
	u8 perms = 0;

	if (entry & RISCV_R)
		perms |= IOASID_PERM_READ;
	if (entry & RISCV_W)
		perms |= IOASID_PERM_WRITE;
	if (entry & RISCV_X)
		perms |= IOASID_PERM_EXEC;
	return perms;
}

/* Only leaves have permissions. Any of them can be a leaf, terapages included. */
static enum ioasid_walk_reason riscv_judge(struct table_entry *e)
{
	u64 entry = e->entry;

	if (!(entry & RISCV_V))
		return IOASID_WALK_NOT_PRESENT;
	if (entry & RISCV_RESERVED || (entry & (RISCV_R | RISCV_W)) == RISCV_W)
		return IOASID_WALK_RESERVED_BITS;
	e->addr = (entry & RISCV_PPN) >> RISCV_PPN_SHIFT << TABLE_PAGE_LG2;
	e->leaf = entry & (RISCV_R | RISCV_X);
	if (e->leaf) {
		u8 perms = leaf_perms(entry);

		e->perms.user &= entry & RISCV_U ? perms : 0;
		e->perms.priv &= entry & RISCV_U ? perms & ~IOASID_PERM_EXEC : perms;
		return IOASID_WALK_OK;
	}
	/* D, A and U of a pointer are reserved. */
	if (entry & (RISCV_D | RISCV_A | RISCV_U))
		return IOASID_WALK_RESERVED_BITS;
	return IOASID_WALK_OK;
}

static u64 riscv_touch(u64 entry, u32 access, bool leaf)
{
	if (!leaf)
		return entry;
	entry |= RISCV_A;
	if (access & IOASID_PERM_WRITE)
		entry |= RISCV_D;
	return entry;
}

const struct table_format ioasid_table_riscv_sv39 = {
	.info = {
		.name = "RISC-V Sv39",
		.id = IOASID_FORMAT_RISCV_SV39,
		.width_min = 39,
		.width_max = 39,
		.root_align_lg2 = 12,
		.pgsize_bitmap = BIT_ULL(12) | BIT_ULL(21) | BIT_ULL(30),
	},
	.addr_bits = TABLE_ADDR_BITS,
	.sign_extended = true,
	.must_touch = true,
	.judge = riscv_judge,
	.touch = riscv_touch,
};

const struct table_format ioasid_table_riscv_sv48 = {
	.info = {
		.name = "RISC-V Sv48",
		.id = IOASID_FORMAT_RISCV_SV48,
		.width_min = 48,
		.width_max = 48,
		.root_align_lg2 = 12,
		.pgsize_bitmap = BIT_ULL(12) | BIT_ULL(21) | BIT_ULL(30) | BIT_ULL(39),
	},
	.addr_bits = TABLE_ADDR_BITS,
	.sign_extended = true,
	.must_touch = true,
	.judge = riscv_judge,
	.touch = riscv_touch,
};
