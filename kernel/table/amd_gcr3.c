// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GCR3 table of AMD's IOMMU: one to three levels of pages of 512 entries, in
 * guest physical memory, from a PASID to the root of a page table like the CPU's.
 *
 * Source: AMD I/O Virtualization Technology (IOMMU) Specification (48882): 2.2.2.1
 * device table entry (GV, GIOV, GLX, GuestPagingMode, GCR3 table root pointer),
 * "Guest CR3 table" and its base table formats. GLX follows from the number of PASID
 * bits, 9 for each level, GuestPagingMode is IOASID_TABLE_5LEVEL, and GIOV is clear
 * with IOASID_TABLE_BYPASS: DMA without PASID sees only the host's table. There is
 * nothing that refuses such DMA. Reserved bits must be 0.
 */
#include "table.h"

#define GCR3_V		BIT_ULL(0)
#define GCR3_ADDR	GENMASK_ULL(51, 12)

static enum ioasid_walk_reason gcr3_judge(struct pasid_entry *e)
{
	bool five = e->table->flags & IOASID_TABLE_5LEVEL;
	const struct table_format *format = five ? &ioasid_table_x86_64_5level :
						   &ioasid_table_x86_64_4level;
	u64 entry = e->words[0];

	if (!(entry & GCR3_V))
		return IOASID_WALK_NOT_PRESENT;
	if (entry & ~(GCR3_V | GCR3_ADDR))
		return IOASID_WALK_RESERVED_BITS;
	e->addr = entry & GCR3_ADDR;
	if (!e->leaf)
		return IOASID_WALK_OK;
	e->walk->format = format->info.id;
	e->walk->table.addr = e->addr;
	e->walk->table.addr_width = format->info.width_max;
	e->walk->updates = true;
	return IOASID_WALK_OK;
}

const struct pasid_format ioasid_pasid_amd_gcr3 = {
	.info = {
		.name = "AMD GCR3 table",
		.id = IOASID_FORMAT_AMD_GCR3,
		.width_min = 1,
		.width_max = 20,
		.pgsize_bitmap = BIT_ULL(12) | BIT_ULL(21) | BIT_ULL(30),
	},
	.flags = IOASID_TABLE_BYPASS | IOASID_TABLE_5LEVEL,
	.addr_bits = TABLE_ADDR_BITS,
	.entry_lg2 = 3,
	.index_lg2 = 9,
	.words = 1,
	.judge = gcr3_judge,
};
