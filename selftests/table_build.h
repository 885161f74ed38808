/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes I/O page tables of every format that user space may own: a small IOMMU
 * driver for tests, made from the specifications and not from kernel/table/.
 *
 *	struct table_builder b = {
 *		.format = IOASID_FORMAT_X86_64_4LEVEL, .width = 48,
 *		.alloc = my_alloc, .at = my_at,
 *	};
 *	struct ioasid_table table;
 *
 *	if (!table_start(&b) && !table_map(&b, iova, addr, size, TABLE_R | TABLE_W))
 *		table = table_of(&b);
 *
 * Entries are stored with single atomic stores, since somebody may be walking.
 * Nothing is invalidated: that is the caller's business.
 */
#ifndef IOASID_SELFTESTS_TABLE_BUILD_H
#define IOASID_SELFTESTS_TABLE_BUILD_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/ioasid.h>
#include <linux/types.h>

/* What a mapping allows; the values of IOASID_PERM_* in the kernel's header. */
#define TABLE_R		(1 << 0)
#define TABLE_W		(1 << 1)
#define TABLE_X		(1 << 2)
#define TABLE_PRIV	(1 << 3)	/* for privileged accesses only */
#define TABLE_COLD	(1 << 4)	/* neither accessed nor dirty yet */

/**
 * struct table_builder - a table and where it gets its memory
 * @format: enum ioasid_format
 * @width: IOVA bits: 48, 57, 39, or on Arm 25 to 48
 * @root: of table_start(): address of the top level
 * @alloc: a zeroed page, aligned to its size; returns its address in the parent's
 *         space, 0: there is none
 * @at: where this program sees the table at an address that @alloc gave out
 * @release: takes a table back that has become empty; may be NULL. Nobody may have
 *           it in a cache any more when it is used for something else
 * @data: for them
 */
struct table_builder {
	__u32 format;
	__u32 width;
	__u64 root;
	__u64 (*alloc)(struct table_builder *b);
	__u64 *(*at)(struct table_builder *b, __u64 addr);
	void (*release)(struct table_builder *b, __u64 addr);
	void *data;
};

enum table_family { TABLE_X86, TABLE_ARM, TABLE_RISCV };

static inline enum table_family table_family(__u32 format)
{
	switch (format) {
	case IOASID_FORMAT_ARM_LPAE_4K:
		return TABLE_ARM;
	case IOASID_FORMAT_RISCV_SV39:
	case IOASID_FORMAT_RISCV_SV48:
		return TABLE_RISCV;
	default:
		return TABLE_X86;
	}
}

static inline int table_levels(const struct table_builder *b)
{
	switch (b->format) {
	case IOASID_FORMAT_X86_64_5LEVEL:
		return 5;
	case IOASID_FORMAT_RISCV_SV39:
		return 3;
	case IOASID_FORMAT_ARM_LPAE_4K:
		return b->width > 39 ? 4 : b->width > 30 ? 3 : 2;
	default:
		return 4;
	}
}

/* Bytes that one entry of a level translates. */
static inline __u64 table_span(int level)
{
	static const __u64 span[] = { 0, 1ULL << 12, 1ULL << 21, 1ULL << 30,
				      1ULL << 39, 1ULL << 48 };

	return span[level];
}

/* Where in its table the entry of @level for @iova is; narrow tables included. */
static inline unsigned int table_index(const struct table_builder *b, int level, __u64 iova)
{
	if (b->width < 64)
		iova &= (1ULL << b->width) - 1;
	return iova / table_span(level) % 512;
}

static inline __u64 table_leaf(__u32 format, int level, __u64 addr, __u32 perm)
{
	bool w = perm & TABLE_W, x = perm & TABLE_X, user = !(perm & TABLE_PRIV);
	bool cold = perm & TABLE_COLD;

	switch (table_family(format)) {
	case TABLE_X86:		/* P RW US A D PS XD */
		return addr | 0x1 | (w ? 0x2 : 0) | (user ? 0x4 : 0) | (cold ? 0 : 0x20) |
		       (w && !cold ? 0x40 : 0) | (level > 1 ? 0x80 : 0) | (x ? 0 : 1ULL << 63);
	case TABLE_ARM:		/* block or page, AttrIndx 1, AP, inner SH, AF, nG, DBM, XN */
		return addr | (level > 1 ? 0x1 : 0x3) | 0x4 | (user ? 0x40 : 0) |
		       (w && !cold ? 0 : 0x80) | 0x300 | (cold ? 0 : 0x400) | 0x800 |
		       (w ? 1ULL << 51 : 0) | (x && !user ? 0 : 1ULL << 53) |
		       (x && user ? 0 : 1ULL << 54);
	default:		/* V R W X U A D */
		return addr >> 2 | 0x1 | (perm & TABLE_R ? 0x2 : 0) | (w ? 0x4 : 0) |
		       (x ? 0x8 : 0) | (user ? 0x10 : 0) | (cold ? 0 : 0x40) |
		       (w && !cold ? 0x80 : 0);
	}
}

static inline __u64 table_pointer(__u32 format, __u64 addr)
{
	switch (table_family(format)) {
	case TABLE_X86:
		return addr | 0x7;
	case TABLE_ARM:
		return addr | 0x3;
	default:
		return addr >> 2 | 0x1;
	}
}

static inline bool table_is_leaf(__u32 format, int level, __u64 entry)
{
	switch (table_family(format)) {
	case TABLE_X86:
		return level == 1 || entry & 0x80;
	case TABLE_ARM:
		return level == 1 || !(entry & 0x2);
	default:
		return entry & 0xe;
	}
}

/* Where a pointer points to. */
static inline __u64 table_entry_addr(__u32 format, __u64 entry)
{
	switch (table_family(format)) {
	case TABLE_X86:
		return entry & 0x000ffffffffff000ULL;
	case TABLE_ARM:
		return entry & 0x0000fffffffff000ULL;
	default:
		return (entry >> 10 & 0xfffffffffffULL) << 12;
	}
}

static inline void table_store(__u64 *slot, __u64 entry)
{
	__atomic_store_n(slot, entry, __ATOMIC_RELEASE);
}

/* The entry of @level for @iova, NULL if the tables do not reach down to it. */
static inline __u64 *table_slot(struct table_builder *b, __u64 iova, int level)
{
	__u64 table = b->root, *slot;
	int at = table_levels(b);

	for (;; at--) {
		slot = b->at(b, table) + table_index(b, at, iova);
		if (at == level)
			return slot;
		if (!*slot || table_is_leaf(b->format, at, *slot))
			return NULL;
		table = table_entry_addr(b->format, *slot);
	}
}

static inline int table_start(struct table_builder *b)
{
	b->root = b->alloc(b);
	return b->root ? 0 : -ENOMEM;
}

static inline struct ioasid_table table_of(const struct table_builder *b)
{
	return (struct ioasid_table) { .addr = b->root, .addr_width = b->width };
}

/* Sizes of leaves: up to 1 GiB, and with Sv48 512 GiB. */
static inline bool table_may_be_leaf(const struct table_builder *b, int level,
				     __u64 iova, __u64 addr, __u64 size)
{
	int max = b->format == IOASID_FORMAT_RISCV_SV48 ? 4 : 3;

	return level <= max && size == table_span(level) && !((iova | addr) % size);
}

/*
 * How much of iova..last one entry of @level covers. Ends are inclusive: the last
 * page of 64 bits would end at 0 otherwise.
 */
static inline __u64 table_part(int level, __u64 iova, __u64 last)
{
	__u64 size = table_span(level) - iova % table_span(level);

	return size - 1 > last - iova ? last - iova + 1 : size;
}

/* The table that *@slot points to, made if there is none; 0: no memory. */
static inline __u64 table_below(struct table_builder *b, __u64 *slot)
{
	__u64 table;

	if (*slot)
		return table_entry_addr(b->format, *slot);
	table = b->alloc(b);
	if (table)
		table_store(slot, table_pointer(b->format, table));
	return table;
}

static inline int table_map_level(struct table_builder *b, __u64 table, int level,
				  __u64 iova, __u64 last, __u64 addr, __u32 perm)
{
	__u64 *slot, child, size;
	int err;

	for (;; iova += size, addr += size) {
		size = table_part(level, iova, last);
		slot = b->at(b, table) + table_index(b, level, iova);
		if (*slot && table_is_leaf(b->format, level, *slot))
			return -EEXIST;
		if (!*slot && table_may_be_leaf(b, level, iova, addr, size)) {
			table_store(slot, table_leaf(b->format, level, addr, perm));
		} else {
			child = table_below(b, slot);
			if (!child)
				return -ENOMEM;
			err = table_map_level(b, child, level - 1, iova, iova + size - 1, addr,
					      perm);
			if (err)
				return err;
		}
		if (size - 1 == last - iova)
			return 0;
	}
}

/*
 * Maps with the largest leaves that fit. -EEXIST: something is mapped there
 * already; this and -ENOMEM leave behind what had been mapped by then.
 */
static inline int table_map(struct table_builder *b, __u64 iova, __u64 addr, __u64 size,
			    __u32 perm)
{
	if (!size || (iova | addr | size) % 4096)
		return -EINVAL;
	return table_map_level(b, b->root, table_levels(b), iova, iova + size - 1, addr, perm);
}

/* Replaces a leaf by a table that says the same. */
static inline int table_split(struct table_builder *b, __u64 *slot, int level)
{
	__u64 table = b->alloc(b), entry = *slot, *to;
	__u64 step = table_span(level - 1);

	if (!table)
		return -ENOMEM;
	to = b->at(b, table);
	if (table_family(b->format) == TABLE_RISCV)
		step >>= 2;
	if (level == 2 && table_family(b->format) == TABLE_X86)
		entry &= ~0x80ULL;
	if (level == 2 && table_family(b->format) == TABLE_ARM)
		entry |= 0x2;
	for (int i = 0; i < 512; i++)
		to[i] = entry + i * step;
	table_store(slot, table_pointer(b->format, table));
	return 0;
}

static inline bool table_is_empty(struct table_builder *b, __u64 table)
{
	const __u64 *entries = b->at(b, table);

	for (int i = 0; i < 512; i++) {
		if (entries[i])
			return false;
	}
	return true;
}

static inline int table_unmap_level(struct table_builder *b, __u64 table, int level,
				    __u64 iova, __u64 last);

/* Of what *@slot covers, iova..last goes. */
static inline int table_unmap_entry(struct table_builder *b, __u64 *slot, int level,
				    __u64 iova, __u64 last)
{
	__u64 child;
	int err;

	if (!*slot)
		return 0;
	if (table_is_leaf(b->format, level, *slot)) {
		if (last - iova == table_span(level) - 1) {
			table_store(slot, 0);
			return 0;
		}
		err = table_split(b, slot, level);
		if (err)
			return err;
	}
	child = table_entry_addr(b->format, *slot);
	err = table_unmap_level(b, child, level - 1, iova, last);
	if (!err && b->release && table_is_empty(b, child)) {
		table_store(slot, 0);
		b->release(b, child);
	}
	return err;
}

static inline int table_unmap_level(struct table_builder *b, __u64 table, int level,
				    __u64 iova, __u64 last)
{
	__u64 *slot, size;
	int err;

	for (;; iova += size) {
		size = table_part(level, iova, last);
		slot = b->at(b, table) + table_index(b, level, iova);
		err = table_unmap_entry(b, slot, level, iova, iova + size - 1);
		if (err || size - 1 == last - iova)
			return err;
	}
}

/* Holes are passed over; leaves that are only partly inside are split (-ENOMEM). */
static inline int table_unmap(struct table_builder *b, __u64 iova, __u64 size)
{
	if (!size || (iova | size) % 4096)
		return -EINVAL;
	return table_unmap_level(b, b->root, table_levels(b), iova, iova + size - 1);
}

#endif /* IOASID_SELFTESTS_TABLE_BUILD_H */
