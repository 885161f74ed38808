// SPDX-License-Identifier: GPL-2.0-only
/*
 * The linear table of context descriptors of Arm's SMMUv3: 64 bytes for each
 * substream, which is PCI's PASID.
 *
 * Source: Arm System Memory Management Unit Architecture Specification, version 3
 * (IHI 0070): 5.2 stream table entry (S1Fmt 0b00, S1ContextPtr, S1CDMax, S1DSS), 5.4
 * context descriptor. What is walked is what arm_lpae.c knows: an SMMU with 48-bit
 * addresses, 4 KiB granule, little-endian VMSAv8-64 tables and TTB0 only. Fields that
 * ask for anything else make a descriptor as useless as an ILLEGAL one: the upper
 * half (EPD1 0), stalls (S), WXN, PAN, TBI0, HAD0, E0PD0, AFFD without HA. So does
 * accessed state without dirty state (HA without HD): the walker maintains both or
 * none. Cacheability, attributes and the ASID are ignored, since caches here are tagged
 * by PASID. IPS bounds TTB0; what the table's entries may point to is the parent's.
 */
#include "table.h"

/* Word 0 */
#define CD_T0SZ		GENMASK_ULL(5, 0)
#define CD_TG0		GENMASK_ULL(7, 6)	/* 0: 4 KiB */
#define CD_EPD0		BIT_ULL(14)
#define CD_ENDI		BIT_ULL(15)
#define CD_EPD1		BIT_ULL(30)
#define CD_V		BIT_ULL(31)
#define CD_IPS		GENMASK_ULL(34, 32)
#define CD_IPS_SHIFT	32
#define CD_AFFD		BIT_ULL(35)
#define CD_WXN		BIT_ULL(36)
#define CD_TBI0		BIT_ULL(38)
#define CD_PAN		BIT_ULL(40)
#define CD_AA64		BIT_ULL(41)
#define CD_HD		BIT_ULL(42)
#define CD_HA		BIT_ULL(43)
#define CD_S		BIT_ULL(44)
#define CD_FOREIGN	(CD_TG0 | CD_ENDI | CD_WXN | CD_TBI0 | CD_PAN | CD_S)
#define CD_NEEDED	(CD_EPD1 | CD_AA64)

/* Word 1 */
#define CD_HAD0		BIT_ULL(1)
#define CD_E0PD0	BIT_ULL(2)
#define CD_HAFT		BIT_ULL(3)
#define CD_TTB0		GENMASK_ULL(51, 4)
#define CD_TTB0_RES0	GENMASK_ULL(55, 52)
#define CD_FOREIGN_1	(CD_HAD0 | CD_E0PD0 | CD_HAFT | CD_TTB0_RES0)

/* Values that are reserved, or more than there is, behave as 48 bits. */
static unsigned int ips_bits(u64 word)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

	return bits[(word & CD_IPS) >> CD_IPS_SHIFT];
}

static bool is_foreign(u64 word0, u64 word1)
{
	u64 httu = word0 & (CD_HA | CD_HD);

	if (word0 & CD_FOREIGN || (word0 & CD_NEEDED) != CD_NEEDED || word1 & CD_FOREIGN_1)
		return true;
	/* HD alone is reserved; with HA, AFFD is ignored. */
	return httu ? httu != (CD_HA | CD_HD) : word0 & CD_AFFD;
}

static enum ioasid_walk_reason cd_judge(struct pasid_entry *e)
{
	struct ioasid_pasid_walk *walk = e->walk;
	unsigned int width = 64 - (e->words[0] & CD_T0SZ);
	u64 addr = e->words[1] & CD_TTB0;

	/* Without a walk nothing is ever found: as if there were no descriptor. */
	if (!(e->words[0] & CD_V) || e->words[0] & CD_EPD0)
		return IOASID_WALK_NOT_PRESENT;
	if (is_foreign(e->words[0], e->words[1]) || addr >> ips_bits(e->words[0]))
		return IOASID_WALK_RESERVED_BITS;
	walk->format = IOASID_FORMAT_ARM_LPAE_4K;
	walk->table.addr_width = width;
	walk->table.addr = addr;
	/* The SMMU aligns what it is given. A bad width is the caller's to see. */
	if (width >= ioasid_table_arm_lpae_4k.info.width_min)
		walk->table.addr &= ~(BIT_ULL(table_root_lg2(width)) - 1);
	walk->updates = e->words[0] & CD_HA;
	return IOASID_WALK_OK;
}

const struct pasid_format ioasid_pasid_arm_cd = {
	.info = {
		.name = "Arm context descriptors",
		.id = IOASID_FORMAT_ARM_CD,
		.width_min = 1,
		.width_max = 20,
		.pgsize_bitmap = BIT_ULL(12) | BIT_ULL(21) | BIT_ULL(30),
	},
	.flags = IOASID_TABLE_BYPASS | IOASID_TABLE_BLOCK,
	.addr_bits = 48,
	.entry_lg2 = 6,
	.words = 2,
	.hides_default = true,
	.judge = cd_judge,
};
