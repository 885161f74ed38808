// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walker of user-managed tables, kernel/table/walk.c: which tables and IOVAs
 * it takes, what it reports, how it copes with memory that refuses and with
 * entries that change. table_x86.c, table_arm.c, table_riscv.c go through the
 * rules of the formats, table_random.c and table_hostile.c through the rest.
 */
#include "table_rule.h"

static int check(__u32 format, __u64 addr, __u32 width, __u64 flags, __u32 reserved)
{
	struct ioasid_table table = {
		.flags = flags, .addr = addr, .addr_width = width, .__reserved = reserved,
	};

	return ioasid_table_check(format, &table);
}

TEST(formats, "formats are found by number")
{
	for_each_table_case(c) {
		const struct ioasid_table_format *format = ioasid_table_format(c->format);

		ASSERT_TRUE(format);
		EXPECT_EQ(c->format, format->id);
		EXPECT_LE(format->width_min, c->width);
		EXPECT_LE(c->width, format->width_max);
		EXPECT_EQ(12, format->root_align_lg2);
		EXPECT_EQ(0x40201000ULL | (c->format == IOASID_FORMAT_RISCV_SV48 ? 1ULL << 39 : 0),
			  format->pgsize_bitmap);
		EXPECT_LT(0, strlen(format->name));
	}
	EXPECT_FALSE(ioasid_table_format(IOASID_FORMAT_NONE));
	EXPECT_FALSE(ioasid_table_format(IOASID_FORMAT_RISCV_SV48 + 1));
	EXPECT_FALSE(ioasid_table_format(-1));
	EXPECT_EQ(-EOPNOTSUPP, check(IOASID_FORMAT_NONE, 0x1000, 48, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, check(-1, 0x1000, 48, 0, 0));
}

TEST(fields, "flags, reserved fields and addresses of tables")
{
	for_each_table_case(c) {
		int bits = table_family(c->format) == TABLE_ARM ? 48 : 52;
		__u64 highest = (1ULL << bits) - 4096;

		EXPECT_EQ(0, check(c->format, 0x1000, c->width, 0, 0));
		EXPECT_EQ(0, check(c->format, 0, c->width, 0, 0));
		EXPECT_EQ(0, check(c->format, highest, c->width, 0, 0));
		EXPECT_EQ(-EINVAL, check(c->format, highest + 4096, c->width, 0, 0));
		EXPECT_EQ(-EINVAL, check(c->format, 1ULL << 63, c->width, 0, 0));
		EXPECT_EQ(-EINVAL, check(c->format, 0x1000, c->width, 0, 1));
		for (int bit = 0; bit < 64; bit++)
			EXPECT_EQ(-EOPNOTSUPP, check(c->format, 0x1000, c->width, 1ULL << bit, 0));
		EXPECT_EQ(-EINVAL, check(c->format, 0x1008, c->width, 0, 0));
	}
}

TEST(widths, "each format has its widths and no other")
{
	for (__u32 format = 1; format <= IOASID_FORMAT_RISCV_SV48; format++) {
		const struct ioasid_table_format *f = ioasid_table_format(format);

		for (__u32 width = 0; width < 300; width++)
			EXPECT_EQ(width >= f->width_min && width <= f->width_max ? 0 : -EINVAL,
				  check(format, 0x1000, width, 0, 0));
		EXPECT_EQ(-EINVAL, check(format, 0x1000, -1, 0, 0));
		EXPECT_EQ(-EINVAL, check(format, 0x1000, f->width_max | 256, 0, 0));
	}
	EXPECT_EQ(-EINVAL, check(IOASID_FORMAT_X86_64_4LEVEL, 0x1000, 39, 0, 0));
	EXPECT_EQ(-EINVAL, check(IOASID_FORMAT_ARM_LPAE_4K, 0x1000, 24, 0, 0));
	EXPECT_EQ(-EINVAL, check(IOASID_FORMAT_ARM_LPAE_4K, 0x1000, 49, 0, 0));
}

TEST(alignment, "a table is aligned to its size; a narrow one on Arm is small")
{
	static const struct { __u32 width, align; } arm[] = {
		{ 25, 128 }, { 26, 256 }, { 29, 2048 }, { 30, 4096 }, { 31, 64 }, { 33, 64 },
		{ 34, 128 }, { 39, 4096 }, { 40, 64 }, { 42, 64 }, { 43, 128 }, { 48, 4096 },
	};

	for (int i = 0; i < sizeof(arm) / sizeof(arm[0]); i++) {
		EXPECT_EQ(0, check(IOASID_FORMAT_ARM_LPAE_4K, arm[i].align, arm[i].width, 0, 0));
		EXPECT_EQ(-EINVAL, check(IOASID_FORMAT_ARM_LPAE_4K, arm[i].align / 2,
					 arm[i].width, 0, 0));
	}
	for_each_table_case(c) {
		if (table_family(c->format) != TABLE_ARM)
			EXPECT_EQ(-EINVAL, check(c->format, 0x800, c->width, 0, 0));
	}
}

TEST(small_root, "a small top level is read where it is, and nothing outside of it")
{
	struct chain c = chain_new(IOASID_FORMAT_ARM_LPAE_4K, 25, 1, TABLE_R);
	__u64 *page = table_mem_at(c.mem, c.mem->b.root);

	memcpy(page + 16, page, 128);
	memset(page, 0xff, 128);
	c.mem->b.root += 128;
	EXPECT_EQ(IOASID_WALK_OK, chain_walk(&c, TABLE_R, true).reason);
	c.iova = (1 << 25) - 1;
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, chain_walk(&c, TABLE_R, true).reason);
	EXPECT_EQ(c.mem->b.root + 120, chain_walk(&c, TABLE_R, true).steps[0].addr);
	chain_free(&c);
}

TEST(refused_table, "a table that would not pass the check is not walked")
{
	struct table_mem *mem = table_mem_new(IOASID_FORMAT_X86_64_4LEVEL, 48);
	struct ioasid_walk walk;

	mem->b.width = 47;
	walk = table_mem_walk(mem, 0, TABLE_R, true);
	EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
	EXPECT_EQ(-EINVAL, walk.error);
	EXPECT_EQ(0, walk.nr_steps);
	EXPECT_EQ(0, mem->reads);
	mem->b.width = 48;
	mem->b.format = 99;
	walk = table_mem_walk(mem, 0, TABLE_R, true);
	EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
	EXPECT_EQ(-EOPNOTSUPP, walk.error);
	EXPECT_EQ(0, mem->reads);
	table_mem_free(mem);
}

/* Half of a sign-extended space is at its end. */
static bool belongs(const struct table_case *c, __u64 iova)
{
	__u64 half = 1ULL << (c->width - 1);

	if (!c->sign_extended)
		return iova < 2 * half;
	return iova < half || iova >= -half;
}

static void check_belongs(const struct table_case *c, struct table_mem *mem, __u64 iova)
{
	struct ioasid_walk walk = table_mem_walk(mem, iova, TABLE_R, true);
	bool in = belongs(c, iova);

	EXPECT_EQ(in ? IOASID_WALK_NOT_PRESENT : IOASID_WALK_ADDRESS, walk.reason);
	EXPECT_EQ(in, mem->reads);
	EXPECT_EQ(in, walk.nr_steps);
}

TEST(canonical, "IOVAs at and around every power of two")
{
	for_each_table_case(c) {
		struct table_mem *mem = table_mem_new(c->format, c->width);

		for (int bit = 0; bit < 64; bit++) {
			check_belongs(c, mem, 1ULL << bit);
			check_belongs(c, mem, (1ULL << bit) - 1);
			check_belongs(c, mem, -(1ULL << bit));
			check_belongs(c, mem, -(1ULL << bit) - 1);
			check_belongs(c, mem, ~(1ULL << bit));
		}
		table_mem_free(mem);
	}
}

TEST(steps, "a walk reports each entry, its address and level, from the top")
{
	for_each_table_case(c) {
		struct chain chain = chain_new(c->format, c->width, 1, TABLE_RWX | TABLE_COLD);
		struct ioasid_walk walk = chain_walk(&chain, TABLE_W, true);
		int levels = table_levels(&chain.mem->b);

		EXPECT_EQ(IOASID_WALK_OK, walk.reason);
		EXPECT_EQ(levels, walk.nr_steps);
		EXPECT_EQ(levels, chain.mem->reads);
		EXPECT_EQ(RULE_ADDR + (chain.iova & 4095), walk.addr);
		EXPECT_EQ(12, walk.size_lg2);
		EXPECT_EQ(0, walk.error);
		for (int i = 0; i < levels; i++) {
			__u64 *slot = chain_entry(&chain, levels - i);

			EXPECT_EQ(levels - i, walk.steps[i].level);
			EXPECT_EQ(slot, table_mem_at(chain.mem, walk.steps[i].addr));
			/* With the bits that the walk has just set. */
			EXPECT_EQ(*slot, walk.steps[i].entry);
		}
		chain_free(&chain);
	}
}

TEST(refused_read, "memory that cannot be read ends the walk at that level")
{
	for_each_table_case(c) {
		struct chain chain = chain_new(c->format, c->width, 1, TABLE_R);
		struct ioasid_walk good = chain_walk(&chain, TABLE_R, false);

		for (int i = 0; i < good.nr_steps; i++) {
			struct ioasid_walk walk;

			chain.mem->refuse = good.steps[i].addr;
			chain.mem->refuse_error = -EPERM - i;
			walk = chain_walk(&chain, TABLE_R, true);
			EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
			EXPECT_EQ(-EPERM - i, walk.error);
			EXPECT_EQ(i, walk.nr_steps);
			EXPECT_EQ(i + 1, chain.mem->reads);
			EXPECT_EQ(0, walk.addr);
			EXPECT_EQ(0, walk.perm);
		}
		chain_free(&chain);
	}
}

TEST(no_memory, "a pointer to where no memory is ends the walk")
{
	for_each_table_case(c) {
		struct chain chain = chain_new(c->format, c->width, 1, TABLE_R);
		struct ioasid_walk walk;

		*chain_entry(&chain, 2) = table_pointer(c->format, 0x1000);
		walk = chain_walk(&chain, TABLE_R, true);
		EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
		EXPECT_EQ(-EFAULT, walk.error);
		EXPECT_EQ(table_levels(&chain.mem->b) - 1, walk.nr_steps);
		chain_free(&chain);
	}
}

TEST(self_reference, "tables that point to themselves or back up end after all levels")
{
	for_each_table_case(c) {
		struct chain chain = chain_new(c->format, c->width, 1, TABLE_R);
		int levels = table_levels(&chain.mem->b);
		__u64 *root = table_mem_at(chain.mem, chain.mem->b.root);
		struct ioasid_walk walk;

		for (int i = 0; i < 512; i++)
			root[i] = table_pointer(c->format, chain.mem->b.root);
		walk = chain_walk(&chain, TABLE_R, true);
		EXPECT_EQ(levels, chain.mem->reads);
		EXPECT_EQ(levels, walk.nr_steps);
		/* The last one is taken for a page, where its format allows that. */
		if (table_family(c->format) == TABLE_RISCV)
			EXPECT_EQ(IOASID_WALK_RESERVED_BITS, walk.reason);
		else if (table_family(c->format) == TABLE_X86)
			EXPECT_EQ(IOASID_WALK_OK, walk.reason);
		chain_free(&chain);
	}
}

/* ---- updates that fail ---- */

TEST(update_error, "memory that cannot be written is refused like one that cannot be read")
{
	for_each_table_case(c) {
		struct chain chain = chain_new(c->format, c->width, 1, TABLE_RWX | TABLE_COLD);
		struct ioasid_walk walk;

		chain.mem->update_error = -EROFS;
		walk = chain_walk(&chain, TABLE_R, true);
		EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
		EXPECT_EQ(-EROFS, walk.error);
		EXPECT_EQ(1, chain.mem->updates);
		chain_free(&chain);
	}
}

TEST(lost, "an update is tried again, but not for ever")
{
	for_each_table_case(c) {
		for (int lose = 0; lose <= IOASID_TABLE_RETRIES + 2; lose++) {
			struct chain chain = chain_new(c->format, c->width, 1,
						       TABLE_RWX | TABLE_COLD);
			bool enough = lose <= IOASID_TABLE_RETRIES;
			struct ioasid_walk walk;

			chain.mem->lose = lose;
			walk = chain_walk(&chain, TABLE_W, true);
			EXPECT_EQ(enough ? IOASID_WALK_OK : IOASID_WALK_RETRY, walk.reason);
			EXPECT_EQ(enough ? 0 : -EAGAIN, walk.error);
			EXPECT_LE(chain.mem->reads,
				  table_levels(&chain.mem->b) * (1 + IOASID_TABLE_RETRIES));
			if (!enough)
				EXPECT_EQ(1 + IOASID_TABLE_RETRIES, chain.mem->updates);
			chain_free(&chain);
		}
	}
}

static void take_away(struct table_mem *mem, __u64 *entry)
{
	(void)mem;
	*entry = 0;
}

TEST(lost_mapping, "what has gone when an update is lost is not used")
{
	for_each_table_case(c) {
		struct chain chain = chain_new(c->format, c->width, 1, TABLE_RWX | TABLE_COLD);
		struct ioasid_walk walk;

		chain.mem->lose = 1;
		chain.mem->loses = take_away;
		walk = chain_walk(&chain, TABLE_R, true);
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
		EXPECT_EQ(0, walk.addr);
		EXPECT_EQ(0, walk.size_lg2);
		EXPECT_EQ(0, walk.perm);
		chain_free(&chain);
	}
}

/* The same page for reading only, as a copy-on-write would make it. */
static void forbid_writes(struct table_mem *mem, __u64 *entry)
{
	*entry = table_leaf(mem->b.format, 1, RULE_ADDR, TABLE_R | TABLE_COLD);
}

TEST(lost_permission, "a permission that has gone when an update is lost is not used")
{
	for_each_table_case(c) {
		struct chain chain = chain_new(c->format, c->width, 1, TABLE_RWX | TABLE_COLD);
		struct ioasid_walk walk;

		/* On x86 the upper levels have been accessed already. */
		chain_walk(&chain, TABLE_R, true);
		*chain_entry(&chain, 1) = table_leaf(c->format, 1, RULE_ADDR,
						     TABLE_RWX | TABLE_COLD);
		chain.mem->lose = 1;
		chain.mem->loses = forbid_writes;
		walk = chain_walk(&chain, TABLE_W, true);
		EXPECT_EQ(IOASID_WALK_PERMISSION, walk.reason);
		EXPECT_EQ(TABLE_R, walk.perm);
		EXPECT_EQ(1, chain.mem->updates);
		EXPECT_EQ(table_levels(&chain.mem->b) + 1, chain.mem->reads);
		EXPECT_EQ(table_leaf(c->format, 1, RULE_ADDR, TABLE_R | TABLE_COLD),
			  *chain_entry(&chain, 1));
		chain_free(&chain);
	}
}

static __u64 other_table;

static void redirect(struct table_mem *mem, __u64 *entry)
{
	*entry = table_pointer(mem->b.format, other_table) & ~0x2ULL;	/* no RW */
}

TEST(lost_pointer, "below an entry that has changed everything is read again")
{
	struct chain c = chain_new(IOASID_FORMAT_X86_64_4LEVEL, 48, 1, TABLE_RWX | TABLE_COLD);
	struct ioasid_walk walk;

	/* Its level 3 loses; what it points to afterwards is a page directory. */
	other_table = table_mem_alloc(&c.mem->b);
	*chain_entry(&c, 4) |= 0x20;
	table_mem_at(c.mem, other_table)[table_index(&c.mem->b, 2, c.iova)] =
		table_leaf(c.mem->b.format, 2, 2 * RULE_ADDR, TABLE_RWX);
	c.mem->lose = 1;
	c.mem->loses = redirect;
	walk = chain_walk(&c, TABLE_R, true);
	EXPECT_EQ(IOASID_WALK_OK, walk.reason);
	EXPECT_EQ(2 * RULE_ADDR + c.iova % (2 << 20), walk.addr);
	EXPECT_EQ(21, walk.size_lg2);
	EXPECT_EQ(TABLE_R | TABLE_X, walk.perm);
	EXPECT_EQ(3, walk.nr_steps);
	EXPECT_EQ(4 + 2, c.mem->reads);
	chain_free(&c);
}

HARNESS_MAIN
