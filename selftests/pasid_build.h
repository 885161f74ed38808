/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes PASID tables of every format, for tests, from the specifications and not from
 * kernel/table/. Page tables come from table_build.h, whose builder lends its memory.
 *
 *	struct pasid_builder p = { .format = IOASID_FORMAT_AMD_GCR3, .bits = 9, .b = &b };
 *
 *	if (!pasid_start(&p) && !pasid_set(&p, 5, pasid_entry_of(&p, &page_table)))
 *		table = pasid_table_of(&p);
 */
#ifndef IOASID_SELFTESTS_PASID_BUILD_H
#define IOASID_SELFTESTS_PASID_BUILD_H

#include "table_build.h"

/* An entry as far as anybody looks at it. */
struct pasid_words {
	__u64 word[2];
};

/**
 * struct pasid_builder - a PASID table
 * @format: enum ioasid_format
 * @bits: PASID bits
 * @flags: IOASID_TABLE_*
 * @root: of pasid_start(), or set by who places a linear table himself
 * @b: whose alloc() and at() are used; pages that it gives out one after the other are
 *     neighbours, and @bits of a linear table are so few that two pages do
 */
struct pasid_builder {
	__u32 format;
	__u32 bits;
	__u64 flags;
	__u64 root;
	struct table_builder *b;
};

#define PASID_LINEAR_BITS	7	/* two pages of context descriptors */

static inline __u32 pasid_page_format(const struct pasid_builder *p)
{
	if (p->format == IOASID_FORMAT_ARM_CD)
		return IOASID_FORMAT_ARM_LPAE_4K;
	return p->flags & IOASID_TABLE_5LEVEL ? IOASID_FORMAT_X86_64_5LEVEL :
						IOASID_FORMAT_X86_64_4LEVEL;
}

static inline __u32 pasid_page_width(const struct pasid_builder *p)
{
	return p->flags & IOASID_TABLE_5LEVEL ? 57 : 48;
}

static inline int pasid_start(struct pasid_builder *p)
{
	__u64 next;

	p->root = p->b->alloc(p->b);
	if (p->format == IOASID_FORMAT_AMD_GCR3 || !p->root)
		return p->root ? 0 : -ENOMEM;
	/* The first of two pages at an even place. */
	for (;; p->root = next) {
		next = p->b->alloc(p->b);
		if (!next)
			return -ENOMEM;
		if (!(p->root % 8192) && next == p->root + 4096)
			return 0;
	}
}

static inline struct ioasid_table pasid_table_of(const struct pasid_builder *p)
{
	return (struct ioasid_table) {
		.flags = p->flags, .addr = p->root, .addr_width = p->bits,
	};
}

/* An Arm context descriptor: T0SZ, cacheable, EPD1, V, IPS 48, AA64, HD HA, R A, ASID */
static inline struct pasid_words pasid_cd(__u64 root, __u32 width)
{
	return (struct pasid_words) { {
		(64 - width) | 0x100 | 0x400 | 0x3000 | 1ULL << 30 | 1ULL << 31 | 5ULL << 32 |
		1ULL << 41 | 3ULL << 42 | 3ULL << 45 | 1ULL << 47 | 9ULL << 48,
		root,
	} };
}

static inline struct pasid_words pasid_entry_of(const struct pasid_builder *p,
						const struct table_builder *pages)
{
	if (p->format == IOASID_FORMAT_ARM_CD)
		return pasid_cd(pages->root, pages->width);
	return (struct pasid_words) { { pages->root | 0x1 } };
}

static inline int pasid_levels(const struct pasid_builder *p)
{
	if (p->format == IOASID_FORMAT_ARM_CD)
		return 1;
	return p->bits > 18 ? 3 : p->bits > 9 ? 2 : 1;
}

/* Where the entry of a PASID is; levels that are missing are made, NULL: no memory. */
static inline __u64 *pasid_slot(struct pasid_builder *p, __u32 pasid)
{
	__u64 table = p->root, next;

	if (p->format == IOASID_FORMAT_ARM_CD) {
		__u64 at = p->root + pasid * 64ULL;

		return p->b->at(p->b, at / 4096 * 4096) + at % 4096 / 8;
	}
	for (int level = pasid_levels(p); level > 1; level--) {
		__u64 *slot = p->b->at(p->b, table) + (pasid >> 9 * (level - 1)) % 512;

		if (!*slot) {
			next = p->b->alloc(p->b);
			if (!next)
				return NULL;
			table_store(slot, next | 0x1);
		}
		table = *slot & 0x000ffffffffff000ULL;
	}
	return p->b->at(p->b, table) + pasid % 512;
}

/* What makes it valid comes last. */
static inline int pasid_set(struct pasid_builder *p, __u32 pasid, struct pasid_words entry)
{
	__u64 *slot = pasid_slot(p, pasid);

	if (!slot)
		return -ENOMEM;
	if (p->format == IOASID_FORMAT_ARM_CD)
		table_store(slot + 1, entry.word[1]);
	table_store(slot, entry.word[0]);
	return 0;
}

static inline int pasid_clear(struct pasid_builder *p, __u32 pasid)
{
	__u64 *slot = pasid_slot(p, pasid);

	if (!slot)
		return -ENOMEM;
	table_store(slot, 0);
	return 0;
}

#endif /* IOASID_SELFTESTS_PASID_BUILD_H */
