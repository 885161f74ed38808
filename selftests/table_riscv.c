// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of Sv39 and Sv48, one by one: RISC-V Privileged Architecture,
 * "Virtual Address Translation Process", "Sv39", "Sv48".
 */
#include "table_rule.h"

#define V	0x1ULL
#define R	0x2ULL
#define W	0x4ULL
#define X	0x8ULL
#define U	0x10ULL
#define A	0x40ULL
#define D	0x80ULL

static const struct { __u32 format, width; int levels; } sv[] = {
	{ IOASID_FORMAT_RISCV_SV39, 39, 3 },
	{ IOASID_FORMAT_RISCV_SV48, 48, 4 },
};

/* Every entry on the way to every size of leaf: one for each level. */
#define for_each_entry(f, leaf, level)						\
	for (int f = 0; f < 2; f++)						\
		for (int leaf = 1; leaf <= sv[f].levels; leaf++)		\
			for (int level = leaf; level <= sv[f].levels; level++)

TEST(valid, "an entry without V ends the walk, whatever else it says")
{
	for_each_entry(f, leaf, level) {
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT,
			  rule_reason(sv[f].format, sv[f].width, leaf, level, 0, V));
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT,
			  rule_reason(sv[f].format, sv[f].width, leaf, level, ~V, V));
	}
}

TEST(reserved, "bits 60:54, PBMT and N must be 0 everywhere")
{
	for_each_entry(f, leaf, level)
		rule_bits(sv[f].format, sv[f].width, leaf, level, 54, 63,
			  IOASID_WALK_RESERVED_BITS);
}

TEST(wide, "addresses of more than 52 bits are refused")
{
	for_each_entry(f, leaf, level) {
		rule_bits(sv[f].format, sv[f].width, leaf, level, 50, 53,
			  IOASID_WALK_RESERVED_BITS);
		if (level == leaf) {
			struct chain c = chain_new(sv[f].format, sv[f].width, leaf, TABLE_R);

			*chain_entry(&c, leaf) |= 1ULL << 49;
			EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_R, true).reason);
			EXPECT_EQ(1, chain_walk(&c, TABLE_R, true).addr >> 51);
			chain_free(&c);
		}
	}
}

TEST(pointers, "D, A and U of a pointer are reserved, G is not")
{
	for_each_entry(f, leaf, level) {
		if (level == leaf)
			continue;
		rule_bits(sv[f].format, sv[f].width, leaf, level, 4, 4, IOASID_WALK_RESERVED_BITS);
		rule_bits(sv[f].format, sv[f].width, leaf, level, 6, 7, IOASID_WALK_RESERVED_BITS);
		rule_bits(sv[f].format, sv[f].width, leaf, level, 5, 5, IOASID_WALK_OK);
		rule_bits(sv[f].format, sv[f].width, leaf, level, 8, 9, IOASID_WALK_OK);
	}
}

TEST(last_level, "a pointer where only pages may be is refused")
{
	for (int f = 0; f < 2; f++)
		EXPECT_EQ(IOASID_WALK_RESERVED_BITS,
			  rule_reason(sv[f].format, sv[f].width, 1, 1, 0, R | W | X | U | A | D));
}

TEST(misaligned, "each PPN bit below a superpage's size makes it misaligned")
{
	for (int f = 0; f < 2; f++) {
		for (int leaf = 2; leaf <= sv[f].levels; leaf++)
			rule_bits(sv[f].format, sv[f].width, leaf, leaf, 10, 9 * leaf,
				  IOASID_WALK_RESERVED_BITS);
	}
}

TEST(ignored, "G and RSW of a leaf change nothing")
{
	for (int f = 0; f < 2; f++) {
		for (int leaf = 1; leaf <= sv[f].levels; leaf++) {
			rule_bits(sv[f].format, sv[f].width, leaf, leaf, 5, 5, IOASID_WALK_OK);
			rule_bits(sv[f].format, sv[f].width, leaf, leaf, 8, 9, IOASID_WALK_OK);
		}
	}
}

/* The table "Encoding of PTE R/W/X fields", by X W R. */
enum { POINTER = -1, RESERVED = -2 };
static const int encoding[8] = {
	POINTER, TABLE_R, RESERVED, TABLE_R | TABLE_W,
	TABLE_X, TABLE_R | TABLE_X, RESERVED, TABLE_RWX,
};

static void check_encoding(struct chain *c, int i, bool user)
{
	__u64 *entry = chain_entry(c, c->leaf);
	char what[96];
	int perm = encoding[i];

	*entry &= ~(R | W | X | U);
	*entry |= i * R | (user ? U : 0);
	if (perm < 0) {
		/* As a pointer it has A and D, which pointers do not have. */
		EXPECT_EQ(IOASID_WALK_RESERVED_BITS, chain_walk(c, TABLE_R, true).reason);
		EXPECT_EQ(IOASID_WALK_RESERVED_BITS, chain_walk(c, 0, true).reason);
		return;
	}
	snprintf(what, sizeof(what), "leaf at %d, encoding %d%s", c->leaf, i, user ? ", U" : "");
	if (!user) {
		rule_perms(c, 0, perm, true, what);
		return;
	}
	/* A page that the privileged cannot use at all is not "theirs". */
	rule_perms(c, perm, perm & ~TABLE_X, true, what);
}

TEST(permissions, "R, W, X and U; others' pages are not executed by the privileged")
{
	for (int f = 0; f < 2; f++) {
		for (int leaf = 1; leaf <= sv[f].levels; leaf++) {
			struct chain c = chain_new(sv[f].format, sv[f].width, leaf, TABLE_RWX);

			for (int i = 0; i < 16; i++)
				check_encoding(&c, i & 7, i & 8);
			chain_free(&c);
		}
	}
}

TEST(accessed, "A is set by an access, D by a write, at the leaf only")
{
	for (int f = 0; f < 2; f++) {
		for (int leaf = 1; leaf <= sv[f].levels; leaf++) {
			struct chain c = chain_new(sv[f].format, sv[f].width, leaf,
						   TABLE_RWX | TABLE_COLD);
			__u64 *entry = chain_entry(&c, leaf), cold = *entry;

			chain_walk(&c, 0, true);
			EXPECT_EQ(cold, *entry);
			chain_walk(&c, TABLE_X, true);
			EXPECT_EQ(cold | A, *entry);
			EXPECT_EQ(1, c.mem->updates);
			chain_walk(&c, TABLE_R, true);
			EXPECT_EQ(0, c.mem->updates);
			chain_walk(&c, TABLE_R | TABLE_W, true);
			EXPECT_EQ(cold | A | D, *entry);
			EXPECT_EQ(1, c.mem->updates);
			chain_free(&c);
		}
	}
}

TEST(accessed_refused, "a refused write sets neither")
{
	struct chain c = chain_new(sv[0].format, 39, 1, TABLE_R | TABLE_COLD);
	__u64 cold = *chain_entry(&c, 1);

	EXPECT_EQ(IOASID_WALK_PERMISSION, chain_walk(&c, TABLE_W, true).reason);
	EXPECT_EQ(IOASID_WALK_PERMISSION, chain_walk(&c, TABLE_W, false).reason);
	EXPECT_EQ(cold, *chain_entry(&c, 1));
	chain_free(&c);
}

TEST(access_flag, "where nobody sets A and D they must be set already")
{
	struct chain c = chain_new(sv[1].format, 48, 2, TABLE_RWX | TABLE_COLD);
	__u64 *entry = chain_entry(&c, 2), cold = *entry;

	EXPECT_EQ(IOASID_WALK_ACCESS_FLAG, chain_walk(&c, TABLE_R, false).reason);
	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, 0, false).reason);
	*entry = cold | D;
	EXPECT_EQ(IOASID_WALK_ACCESS_FLAG, chain_walk(&c, TABLE_W, false).reason);
	*entry = cold | A;
	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_R | TABLE_X, false).reason);
	EXPECT_EQ(IOASID_WALK_ACCESS_FLAG, chain_walk(&c, TABLE_W, false).reason);
	*entry = cold | A | D;
	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_W, false).reason);
	chain_free(&c);
}

HARNESS_MAIN
