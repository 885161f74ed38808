// SPDX-License-Identifier: GPL-2.0-only
/* The rules of x86-64 paging, one by one: Intel SDM 4.5-4.8, VT-d 3.6 and 9.7. */
#include "table_rule.h"

#define P	0x1ULL
#define RW	0x2ULL
#define US	0x4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define XD	(1ULL << 63)

static const struct { __u32 format, width; int levels; } x86[] = {
	{ IOASID_FORMAT_X86_64_4LEVEL, 48, 4 },
	{ IOASID_FORMAT_X86_64_5LEVEL, 57, 5 },
};

/* Every entry on the way to every size of leaf. */
#define for_each_entry(f, leaf, level)						\
	for (int f = 0; f < 2; f++)						\
		for (int leaf = 1; leaf <= 3; leaf++)				\
			for (int level = leaf; level <= x86[f].levels; level++)

TEST(present, "an entry without P ends the walk, whatever else it says")
{
	for_each_entry(f, leaf, level) {
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT,
			  rule_reason(x86[f].format, x86[f].width, leaf, level, 0, P));
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT,
			  rule_reason(x86[f].format, x86[f].width, leaf, level, ~P, P));
	}
}

TEST(page_size, "PS is reserved in the entries of PML4 and PML5, PAT in those of pages")
{
	for (int f = 0; f < 2; f++) {
		for (int leaf = 1; leaf <= 3; leaf++) {
			rule_bits(x86[f].format, x86[f].width, leaf, 4, 7, 7,
				  IOASID_WALK_RESERVED_BITS);
			if (f)
				rule_bits(x86[f].format, x86[f].width, leaf, 5, 7, 7,
					  IOASID_WALK_RESERVED_BITS);
		}
		/* Not because such leaves are misaligned: address 0 is not. */
		for (int level = 4; level <= x86[f].levels; level++)
			EXPECT_EQ(IOASID_WALK_RESERVED_BITS,
				  rule_reason(x86[f].format, x86[f].width, 1, level,
					      P | US | PS, ~(P | US | PS)));
		rule_bits(x86[f].format, x86[f].width, 1, 1, 7, 7, IOASID_WALK_OK);
	}
}

TEST(large_reserved, "address bits below a large page are reserved, but for PAT")
{
	for (int f = 0; f < 2; f++) {
		for (int leaf = 2; leaf <= 3; leaf++) {
			rule_bits(x86[f].format, x86[f].width, leaf, leaf, 12, 12, IOASID_WALK_OK);
			rule_bits(x86[f].format, x86[f].width, leaf, leaf, 13,
				  leaf == 2 ? 20 : 29, IOASID_WALK_RESERVED_BITS);
		}
	}
}

TEST(ignored, "PWT, PCD, G, the software's bits and 62:52 change nothing")
{
	for_each_entry(f, leaf, level) {
		rule_bits(x86[f].format, x86[f].width, leaf, level, 3, 4, IOASID_WALK_OK);
		rule_bits(x86[f].format, x86[f].width, leaf, level, 8, 11, IOASID_WALK_OK);
		rule_bits(x86[f].format, x86[f].width, leaf, level, 52, 62, IOASID_WALK_OK);
	}
}

TEST(address_bits, "a leaf may be anywhere in 52 bits")
{
	for (int leaf = 1; leaf <= 3; leaf++) {
		struct chain c = chain_new(x86[0].format, 48, leaf, TABLE_R);
		__u64 all = 0x000fffffffffffffULL & -table_span(leaf);
		struct ioasid_walk walk;

		*chain_entry(&c, leaf) |= all;
		walk = chain_walk(&c, TABLE_R, false);
		EXPECT_EQ(IOASID_WALK_OK, walk.reason);
		EXPECT_EQ(all + c.iova % table_span(leaf), walk.addr);
		chain_free(&c);
	}
}

/* RW, US and XD of the levels from the leaf up: 3 bits of @n each. */
static void check_combination(struct chain *c, int levels, unsigned int n)
{
	bool rw = true, us = true, xd = false;
	__u8 perm = TABLE_R;
	char what[96];

	for (int level = c->leaf, bits = n; level <= levels; level++, bits >>= 3) {
		__u64 *entry = chain_entry(c, level);

		*entry &= ~(RW | US | XD);
		*entry |= (bits & 1 ? RW : 0) | (bits & 2 ? US : 0) | (bits & 4 ? XD : 0);
		rw = rw && bits & 1;
		us = us && bits & 2;
		xd = xd || bits & 4;
	}
	perm |= (rw ? TABLE_W : 0) | (xd ? 0 : TABLE_X);
	snprintf(what, sizeof(what), "%d levels, leaf at %d, combination 0%o", levels, c->leaf, n);
	rule_perms(c, us ? perm : 0, perm, true, what);
	rule_perms(c, us ? perm : 0, perm, false, what);
}

TEST(permissions, "all combinations of RW, US and XD at all levels", .timeout = 120)
{
	for (int f = 0; f < 2; f++) {
		for (int leaf = 1; leaf <= 3; leaf++) {
			struct chain c = chain_new(x86[f].format, x86[f].width, leaf, TABLE_RWX);
			int n = 1 << 3 * (x86[f].levels - leaf + 1);

			for (int i = 0; i < n; i++)
				check_combination(&c, x86[f].levels, i);
			chain_free(&c);
		}
	}
}

static void check_flags(struct chain *c, int levels, __u64 leaf_flags)
{
	for (int level = c->leaf; level <= levels; level++) {
		__u64 dirty = level == 1 || level == c->leaf ? A | D : A;

		EXPECT_EQ(level == c->leaf ? leaf_flags : leaf_flags & A,
			  *chain_entry(c, level) & dirty);
	}
}

TEST(accessed, "a read sets A at every level, a write D at the leaf besides, once")
{
	for (int f = 0; f < 2; f++) {
		for (int leaf = 1; leaf <= 3; leaf++) {
			struct chain c = chain_new(x86[f].format, x86[f].width, leaf,
						   TABLE_RWX | TABLE_COLD);
			int levels = x86[f].levels;

			check_flags(&c, levels, 0);
			chain_walk(&c, TABLE_R, true);
			EXPECT_EQ(levels - leaf + 1, c.mem->updates);
			check_flags(&c, levels, A);
			chain_walk(&c, TABLE_X, true);
			EXPECT_EQ(0, c.mem->updates);
			chain_walk(&c, TABLE_R | TABLE_W, true);
			EXPECT_EQ(1, c.mem->updates);
			check_flags(&c, levels, A | D);
			chain_walk(&c, TABLE_W, true);
			EXPECT_EQ(0, c.mem->updates);
			chain_free(&c);
		}
	}
}

TEST(accessed_at_once, "the first write sets A and D of the leaf in one update")
{
	struct chain c = chain_new(x86[0].format, 48, 1, TABLE_RWX | TABLE_COLD);

	chain_walk(&c, TABLE_W, true);
	EXPECT_EQ(4, c.mem->updates);
	check_flags(&c, 4, A | D);
	chain_free(&c);
}

TEST(accessed_optional, "without update() nothing is written and nothing refused")
{
	struct chain c = chain_new(x86[0].format, 48, 1, TABLE_RWX | TABLE_COLD);

	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_RWX, false).reason);
	EXPECT_EQ(0, c.mem->updates);
	check_flags(&c, 4, 0);
	chain_free(&c);
}

TEST(accessed_refused, "neither a refused write nor a look leaves a trace")
{
	struct chain c = chain_new(x86[0].format, 48, 1, TABLE_R | TABLE_COLD);

	EXPECT_EQ(IOASID_WALK_PERMISSION, chain_walk(&c, TABLE_W, true).reason);
	check_flags(&c, 4, 0);
	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, 0, true).reason);
	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_PRIV, true).reason);
	check_flags(&c, 4, 0);
	chain_free(&c);
}

HARNESS_MAIN
