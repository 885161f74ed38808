/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page, mapped with everything allowed, of which one entry is then changed:
 * for tests that go through the rules of a format bit by bit.
 */
#ifndef IOASID_SELFTESTS_TABLE_RULE_H
#define IOASID_SELFTESTS_TABLE_RULE_H

#include "table_mem.h"

/* Aligned to the largest leaf; where it is mapped differs at every level. */
#define RULE_ADDR	0x5a8000000000ULL
#define RULE_IOVA	0x0056abcdef123765ULL

struct chain {
	struct table_mem *mem;
	__u64 iova;
	int leaf;		/* level */
};

static inline struct chain chain_new(__u32 format, __u32 width, int leaf, __u32 perm)
{
	struct chain c = {
		.mem = table_mem_new(format, width),
		.iova = RULE_IOVA & ((1ULL << (width - 1)) - 1),
		.leaf = leaf,
	};

	ASSERT_EQ(0, table_map(&c.mem->b, c.iova & -table_span(leaf), RULE_ADDR,
			       table_span(leaf), perm));
	return c;
}

static inline void chain_free(struct chain *c)
{
	table_mem_free(c->mem);
}

static inline __u64 *chain_entry(struct chain *c, int level)
{
	return table_slot(&c->mem->b, c->iova, level);
}

static inline struct ioasid_walk chain_walk(struct chain *c, __u32 access, bool updates)
{
	return table_mem_walk(c->mem, c->iova, access, updates);
}

/* Nothing was written by a walk that failed, and an allowed one got there. */
static inline void chain_check(const struct chain *c, const struct ioasid_walk *walk)
{
	if (walk->reason) {
		EXPECT_EQ(0, c->mem->updates);
		return;
	}
	EXPECT_EQ(RULE_ADDR + c->iova % table_span(c->leaf), walk->addr);
	EXPECT_EQ(table_span(c->leaf), 1ULL << walk->size_lg2);
	EXPECT_EQ(table_levels(&c->mem->b) - c->leaf + 1, walk->nr_steps);
	EXPECT_EQ(0, walk->error);
}

/* The walk's result when bits of the entry of @level are @set and @clear. */
static inline int rule_reason(__u32 format, __u32 width, int leaf, int level,
			      __u64 set, __u64 clear)
{
	struct chain c = chain_new(format, width, leaf, TABLE_RWX);
	__u64 *entry = chain_entry(&c, level);
	struct ioasid_walk walk;

	ASSERT_TRUE(entry);
	*entry = (*entry | set) & ~clear;
	walk = chain_walk(&c, TABLE_R, true);
	chain_check(&c, &walk);
	chain_free(&c);
	return walk.reason;
}

/* Every bit from @low to @high, set alone, leads to @reason. */
static inline void rule_bits(__u32 format, __u32 width, int leaf, int level, int low, int high,
			     int reason)
{
	for (int bit = low; bit <= high; bit++) {
		int seen = rule_reason(format, width, leaf, level, 1ULL << bit, 0);

		if (seen != reason)
			FAIL("format %u, leaf at level %d, bit %d at level %d: reason %d instead of %d",
			     format, leaf, bit, level, seen, reason);
	}
}

/*
 * Each access, of either privilege, is allowed exactly if @user or @priv have it;
 * the walk reports the same.
 */
static inline void rule_perms(struct chain *c, __u8 user, __u8 priv, bool updates,
			      const char *what)
{
	for (__u32 access = 0; access < 16; access++) {
		__u8 allowed = access & TABLE_PRIV ? priv : user;
		bool refused = access & TABLE_RWX & ~allowed;
		int reason = refused ? IOASID_WALK_PERMISSION : IOASID_WALK_OK;
		__u8 perm = user ? allowed : priv | TABLE_PRIV;
		struct ioasid_walk walk = chain_walk(c, access, updates);

		if (walk.reason != reason || walk.perm != perm)
			FAIL("%s, access %x: reason %u and %x instead of %u and %x", what, access,
			     walk.reason, walk.perm, reason, perm);
		if (reason && c->mem->updates)
			FAIL("%s, access %x: refused, but has left traces", what, access);
	}
}

#endif /* IOASID_SELFTESTS_TABLE_RULE_H */
