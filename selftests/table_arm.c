// SPDX-License-Identifier: GPL-2.0-only
/* The rules of VMSAv8-64 stage 1, one by one: Arm ARM (DDI 0487) D8.2 to D8.5. */
#include "table_rule.h"

#define FORMAT		IOASID_FORMAT_ARM_LPAE_4K
#define TYPE_TABLE	0x2ULL	/* or page; else block */
#define AP		0xc0ULL
#define AP_RO		0x80ULL
#define AF		0x400ULL
#define DBM		(1ULL << 51)
#define PXN		(1ULL << 53)
#define UXN		(1ULL << 54)

static const int widths[] = { 25, 30, 31, 39, 40, 48 };

static int levels_of(int width)
{
	return width > 39 ? 4 : width > 30 ? 3 : 2;
}

/* Every entry on the way to every size of leaf. */
#define for_each_entry(w, leaf, level)						\
	for (int w = 0; w < 6; w++)						\
		for (int leaf = 1; leaf <= 3 && leaf <= levels_of(widths[w]); leaf++) \
			for (int level = leaf; level <= levels_of(widths[w]); level++)

TEST(valid, "an entry whose bit 0 is clear ends the walk, whatever else it says")
{
	for_each_entry(w, leaf, level) {
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT,
			  rule_reason(FORMAT, widths[w], leaf, level, 0, 1));
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT,
			  rule_reason(FORMAT, widths[w], leaf, level, ~1ULL, 1));
	}
}

TEST(type, "blocks exist at Arm's levels 1 and 2 only")
{
	for (int leaf = 1; leaf <= 3; leaf++)
		EXPECT_EQ(IOASID_WALK_RESERVED_BITS,
			  rule_reason(FORMAT, 48, leaf, 4, 0, TYPE_TABLE));
	/* Not because it is misaligned: address 0 is not. */
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS,
		  rule_reason(FORMAT, 48, 1, 4, 1 | AF | AP, ~(1 | AF | AP)));
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS, rule_reason(FORMAT, 48, 1, 1, 0, TYPE_TABLE));
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS, rule_reason(FORMAT, 25, 1, 1, 0, TYPE_TABLE));
	EXPECT_EQ(IOASID_WALK_OK, rule_reason(FORMAT, 48, 2, 2, 0, TYPE_TABLE));
	EXPECT_EQ(IOASID_WALK_OK, rule_reason(FORMAT, 48, 3, 3, 0, TYPE_TABLE));
}

TEST(reserved, "RES0 bits of tables, pages and blocks, and SH 01")
{
	for_each_entry(w, leaf, level) {
		rule_bits(FORMAT, widths[w], leaf, level, 48, level == leaf ? 49 : 50,
			  IOASID_WALK_RESERVED_BITS);
		if (level == leaf)
			EXPECT_EQ(IOASID_WALK_RESERVED_BITS,
				  rule_reason(FORMAT, widths[w], leaf, level, 0x100, 0x200));
	}
	for (int leaf = 2; leaf <= 3; leaf++)
		rule_bits(FORMAT, 48, leaf, leaf, 12, leaf == 2 ? 20 : 29,
			  IOASID_WALK_RESERVED_BITS);
}

TEST(ignored, "attributes, hints and the software's bits change nothing")
{
	for_each_entry(w, leaf, level) {
		if (level == leaf) {
			EXPECT_EQ(IOASID_WALK_OK,
				  rule_reason(FORMAT, widths[w], leaf, level, 0, 0x300));
			EXPECT_EQ(IOASID_WALK_OK,
				  rule_reason(FORMAT, widths[w], leaf, level, 0, 0x100));
			rule_bits(FORMAT, widths[w], leaf, level, 2, 5, IOASID_WALK_OK);
			rule_bits(FORMAT, widths[w], leaf, level, 8, 9, IOASID_WALK_OK);
			rule_bits(FORMAT, widths[w], leaf, level, 11, 11, IOASID_WALK_OK);
			rule_bits(FORMAT, widths[w], leaf, level, 50, 52, IOASID_WALK_OK);
			rule_bits(FORMAT, widths[w], leaf, level, 55, 63, IOASID_WALK_OK);
		} else {
			rule_bits(FORMAT, widths[w], leaf, level, 2, 11, IOASID_WALK_OK);
			rule_bits(FORMAT, widths[w], leaf, level, 51, 58, IOASID_WALK_OK);
			rule_bits(FORMAT, widths[w], leaf, level, 63, 63, IOASID_WALK_OK);
		}
	}
}

/* D8.4: EL1&0, WXN 0. By AP[2:1]; EXEC is added for UXN and PXN 0. */
static const struct { __u8 user, priv; bool priv_never_executes; } ap_table[] = {
	{ 0, TABLE_R | TABLE_W, false },
	{ TABLE_R | TABLE_W, TABLE_R | TABLE_W, true },
	{ 0, TABLE_R, false },
	{ TABLE_R, TABLE_R, false },
};

TEST(permissions, "AP[2:1], UXN and PXN")
{
	for (int leaf = 1; leaf <= 3; leaf++) {
		struct chain c = chain_new(FORMAT, 48, leaf, TABLE_RWX);
		__u64 *entry = chain_entry(&c, leaf);

		for (int i = 0; i < 16; i++) {
			__u8 user = ap_table[i & 3].user, priv = ap_table[i & 3].priv;
			char what[96];

			*entry &= ~(AP | UXN | PXN | DBM);
			*entry |= (i & 3) * 0x40ULL | (i & 4 ? UXN : 0) | (i & 8 ? PXN : 0);
			if (!(i & 4))
				user |= TABLE_X;
			if (!(i & 8) && !ap_table[i & 3].priv_never_executes)
				priv |= TABLE_X;
			snprintf(what, sizeof(what), "leaf at %d, %d", leaf, i);
			rule_perms(&c, user, priv, true, what);
			rule_perms(&c, user, priv, false, what);
		}
		chain_free(&c);
	}
}

/* APTable, UXNTable, PXNTable (4 bits a level) above a page with @leaf's AP. */
static void check_hierarchy(struct chain *c, unsigned int n, int ap)
{
	__u8 user, priv;
	char what[96];
	bool ro = ap & 2, el0 = ap & 1, uxn = false, pxn = false;

	*chain_entry(c, 1) &= ~(AP | UXN | PXN | DBM);
	*chain_entry(c, 1) |= ap * 0x40ULL;
	for (int level = 2; level <= 4; level++) {
		__u64 bits = n >> 4 * (level - 2) & 0xf;

		*chain_entry(c, level) &= ~(0xfULL << 59);
		*chain_entry(c, level) |= bits << 59;
		pxn = pxn || bits & 1;
		uxn = uxn || bits & 2;
		el0 = el0 && !(bits & 4);
		ro = ro || bits & 8;
	}
	user = (el0 ? TABLE_R : 0) | (el0 && !ro ? TABLE_W : 0) | (uxn ? 0 : TABLE_X);
	priv = TABLE_R | (ro ? 0 : TABLE_W) | (pxn || user & TABLE_W ? 0 : TABLE_X);
	snprintf(what, sizeof(what), "tables 0x%x, AP %d", n, ap);
	rule_perms(c, user, priv, true, what);
}

TEST(hierarchy, "all combinations of what tables forbid at three levels", .timeout = 60)
{
	struct chain c = chain_new(FORMAT, 48, 1, TABLE_RWX);

	for (unsigned int n = 0; n < 1 << 12; n++) {
		for (int ap = 0; ap < 4; ap++)
			check_hierarchy(&c, n, ap);
	}
	chain_free(&c);
}

TEST(dirty, "read-only with DBM is writable, and a write makes it dirty")
{
	struct chain c = chain_new(FORMAT, 48, 2, TABLE_R | TABLE_W);
	__u64 *entry = chain_entry(&c, 2), clean = *entry | AP_RO | DBM;

	*entry = clean;
	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_R, true).reason);
	EXPECT_EQ(clean, *entry);
	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_W, true).reason);
	EXPECT_EQ(clean & ~AP_RO, *entry);
	EXPECT_EQ(1, c.mem->updates);
	chain_walk(&c, TABLE_W, true);
	EXPECT_EQ(0, c.mem->updates);

	*entry = clean;
	EXPECT_EQ(IOASID_WALK_PERMISSION, chain_walk(&c, TABLE_W, false).reason);
	EXPECT_EQ(TABLE_R, chain_walk(&c, TABLE_R, false).perm);
	chain_free(&c);
}

TEST(dirty_hierarchy, "what a table makes read-only does not become dirty")
{
	struct chain c = chain_new(FORMAT, 48, 1, TABLE_R | TABLE_W);
	__u64 *entry = chain_entry(&c, 1);

	*entry |= AP_RO;
	*chain_entry(&c, 3) |= 1ULL << 62;
	EXPECT_EQ(IOASID_WALK_PERMISSION, chain_walk(&c, TABLE_W, true).reason);
	EXPECT_EQ(AP_RO, *entry & AP_RO);
	EXPECT_EQ(0, c.mem->updates);
	chain_free(&c);
}

TEST(access_flag, "AF is set by an access, and missing where nobody sets it")
{
	for (int leaf = 1; leaf <= 3; leaf++) {
		struct chain c = chain_new(FORMAT, 48, leaf, TABLE_R | TABLE_COLD);
		__u64 *entry = chain_entry(&c, leaf), cold = *entry;
		struct ioasid_walk walk;

		EXPECT_EQ(IOASID_WALK_ACCESS_FLAG, chain_walk(&c, TABLE_R, false).reason);
		/* Its fault comes before that of a permission. */
		walk = chain_walk(&c, TABLE_W, false);
		EXPECT_EQ(IOASID_WALK_ACCESS_FLAG, walk.reason);
		EXPECT_EQ(TABLE_R, walk.perm);
		EXPECT_EQ(RULE_ADDR + c.iova % table_span(leaf), walk.addr);
		EXPECT_EQ(IOASID_WALK_PERMISSION, chain_walk(&c, TABLE_W, true).reason);
		EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, 0, false).reason);
		EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, 0, true).reason);
		EXPECT_EQ(cold, *entry);
		EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_R, true).reason);
		EXPECT_EQ(cold | AF, *entry);
		EXPECT_EQ(1, c.mem->updates);
		EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_R, false).reason);
		chain_free(&c);
	}
}

TEST(access_flag_last, "of an entry that is wrong anyway AF does not matter")
{
	struct chain c = chain_new(FORMAT, 48, 2, TABLE_R | TABLE_COLD);

	*chain_entry(&c, 2) |= 1ULL << 16;
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS, chain_walk(&c, TABLE_R, false).reason);
	chain_free(&c);
}

HARNESS_MAIN
