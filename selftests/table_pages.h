/* SPDX-License-Identifier: GPL-2.0-only */
/* A user's table in pages that a parent maps at TABLE_GPA. Include table_build.h first. */
#ifndef IOASID_SELFTESTS_TABLE_PAGES_H
#define IOASID_SELFTESTS_TABLE_PAGES_H

#define TABLE_GPA	0x100000000ULL
#define TABLE_PAGES	16UL
#define GIOVA		0x123400000ULL	/* what tests translate with it */

struct table_pages {
	struct table_builder builder;
	__u64 *mem;		/* TABLE_PAGES */
	unsigned int used;
};

static inline __u64 table_pages_alloc(struct table_builder *b)
{
	struct table_pages *t = b->data;

	return t->used < TABLE_PAGES ? TABLE_GPA + t->used++ * PAGE : 0;
}

static inline __u64 *table_pages_at(struct table_builder *b, __u64 addr)
{
	return ((struct table_pages *)b->data)->mem + (addr - TABLE_GPA) / 8;
}

static inline void table_pages_start(struct table_pages *t)
{
	*t = (struct table_pages) {
		.builder = {
			.format = IOASID_FORMAT_X86_64_4LEVEL, .width = 48,
			.alloc = table_pages_alloc, .at = table_pages_at, .data = t,
		},
		.mem = memory(TABLE_PAGES * PAGE),
	};
	ASSERT_EQ(0, table_start(&t->builder));
}

#endif /* IOASID_SELFTESTS_TABLE_PAGES_H */
