// SPDX-License-Identifier: GPL-2.0-only
/* PASID tables on the host: kernel/table/pasid.c and the formats, bit by bit. */
#include "table_mem.h"
#include "pasid_build.h"

#define GCR3	IOASID_FORMAT_AMD_GCR3
#define CD	IOASID_FORMAT_ARM_CD

static const __u32 formats[] = { GCR3, CD };

#define for_each_format(f)							\
	for (const __u32 *(f) = formats; (f) < formats + 2; (f)++)

static int check(__u32 format, __u64 addr, __u32 bits, __u64 flags, __u32 reserved)
{
	struct ioasid_table table = {
		.flags = flags, .addr = addr, .addr_width = bits, .__reserved = reserved,
	};

	return ioasid_pasid_table_check(format, &table);
}

/* A table with a page table for one PASID. */
struct one {
	struct table_mem *mem;
	struct pasid_builder p;
	struct table_builder pages;
	__u32 pasid;
	__u64 *slot;
};

static struct one one_new(__u32 format, __u32 bits, __u64 flags, __u32 pasid)
{
	struct one one = { .mem = table_mem_new(IOASID_FORMAT_X86_64_4LEVEL, 48) };

	one.pasid = pasid;
	one.p = (struct pasid_builder) {
		.format = format, .bits = bits, .flags = flags, .b = &one.mem->b,
	};
	one.pages = one.mem->b;
	one.pages.format = pasid_page_format(&one.p);
	one.pages.width = pasid_page_width(&one.p);
	ASSERT_EQ(0, table_start(&one.pages));
	ASSERT_EQ(0, pasid_start(&one.p));
	ASSERT_EQ(0, pasid_set(&one.p, pasid, pasid_entry_of(&one.p, &one.pages)));
	one.slot = pasid_slot(&one.p, pasid);
	return one;
}

static struct ioasid_pasid_walk look_up(struct one *one, __u32 pasid)
{
	struct ioasid_table table = pasid_table_of(&one->p);
	struct ioasid_pasid_walk walk;
	int reason;

	memset(&walk, 0xa5, sizeof(walk));
	walk.pasid = pasid;
	one->mem->reads = 0;
	one->mem->updates = 0;
	reason = ioasid_pasid_table_walk(one->p.format, &table, &table_mem_ops, one->mem, &walk);
	ASSERT_EQ(reason, walk.reason);
	EXPECT_EQ(0, one->mem->updates);
	EXPECT_LE(one->mem->reads, IOASID_PASID_LEVELS + 1);
	if (reason)
		EXPECT_EQ(IOASID_FORMAT_NONE, walk.format);
	return walk;
}

static int reason_of(struct one *one, __u32 pasid)
{
	return look_up(one, pasid).reason;
}

static bool leads_to_pages(struct one *one, __u32 pasid)
{
	struct ioasid_pasid_walk walk = look_up(one, pasid);

	return !walk.reason && walk.format == one->pages.format &&
	       walk.table.addr == one->pages.root &&
	       walk.table.addr_width == one->pages.width && !walk.table.flags;
}

static void one_free(struct one *one)
{
	table_mem_free(one->mem);
}

TEST(names, "PASID tables are formats of their own, beside page tables")
{
	const struct ioasid_pasid_format *f;
	unsigned int nr = 0;

	for (; (f = ioasid_pasid_format_at(nr)); nr++) {
		EXPECT_EQ(f, ioasid_pasid_format(f->id));
		EXPECT_LE(16, f->id);
		EXPECT_LT(0, strlen(f->name));
		EXPECT_FALSE(ioasid_table_format(f->id));
	}
	EXPECT_EQ(2, nr);
	for (__u32 id = 0; id < 16; id++) {
		EXPECT_FALSE(ioasid_pasid_format(id));
		EXPECT_EQ(-EOPNOTSUPP, check(id, 0x1000, 9, 0, 0));
	}
	EXPECT_EQ(-EOPNOTSUPP, check(-1, 0x1000, 9, 0, 0));
}

TEST(fields, "flags, reserved fields, widths and addresses of PASID tables")
{
	const __u64 bypass = IOASID_TABLE_BYPASS, block = IOASID_TABLE_BLOCK;

	for_each_format(f) {
		__u64 end = 1ULL << (*f == CD ? 48 : 52);

		for (__u32 bits = 0; bits < 300; bits++)
			EXPECT_EQ(bits >= 1 && bits <= 20 ? 0 : -EINVAL,
				  check(*f, 1ULL << 30, bits, 0, 0));
		EXPECT_EQ(-EINVAL, check(*f, 1ULL << 30, -1, 0, 0));
		EXPECT_EQ(0, check(*f, end - 4096, 6, 0, 0));
		EXPECT_EQ(-EINVAL, check(*f, end, 6, 0, 0));
		EXPECT_EQ(-EINVAL, check(*f, 0x1000, 6, 0, 1));
		for (int bit = 3; bit < 64; bit++)
			EXPECT_EQ(-EOPNOTSUPP, check(*f, 0x1000, 6, 1ULL << bit, 0));
		EXPECT_EQ(0, check(*f, 0x1000, 6, bypass, 0));
	}
	EXPECT_EQ(0, check(CD, 0x1000, 6, block, 0));
	EXPECT_EQ(-EINVAL, check(CD, 0x1000, 6, block | bypass, 0));
	EXPECT_EQ(-EOPNOTSUPP, check(GCR3, 0x1000, 6, block, 0));
	EXPECT_EQ(-EOPNOTSUPP, check(CD, 0x1000, 6, IOASID_TABLE_5LEVEL, 0));
	EXPECT_EQ(0, check(GCR3, 0x1000, 6, IOASID_TABLE_5LEVEL, 0));
	/* A page, or the table's size. */
	EXPECT_EQ(-EINVAL, check(GCR3, 0x800, 1, 0, 0));
	for (__u32 bits = 1; bits <= 20; bits++) {
		EXPECT_EQ(0, check(CD, 64ULL << bits, bits, 0, 0));
		EXPECT_EQ(-EINVAL, check(CD, 32ULL << bits, bits, 0, 0));
	}
}

TEST(levels, "as many levels as the PASID bits need, each PASID in its place")
{
	static const struct { __u32 format, bits, pasid, levels; } cases[] = {
		{ GCR3, 1, 1, 1 }, { GCR3, 9, 511, 1 }, { GCR3, 10, 512, 2 },
		{ GCR3, 18, 0x3ffff, 2 }, { GCR3, 19, 0x40000, 3 }, { GCR3, 20, 0xfffff, 3 },
		{ GCR3, 20, 0, 3 }, { CD, 1, 1, 1 }, { CD, PASID_LINEAR_BITS, 127, 1 },
		{ CD, PASID_LINEAR_BITS, 64, 1 },
	};

	for (int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct one one = one_new(cases[i].format, cases[i].bits, IOASID_TABLE_BYPASS,
					 cases[i].pasid);
		struct ioasid_pasid_walk walk = look_up(&one, one.pasid);
		__u64 size = one.p.format == CD ? 8192 : 4096;

		EXPECT_TRUE(leads_to_pages(&one, one.pasid));
		EXPECT_EQ(cases[i].levels, walk.nr_steps);
		EXPECT_LE(one.p.root, walk.steps[0].addr);
		EXPECT_LT(walk.steps[0].addr, one.p.root + size);
		EXPECT_EQ(*one.slot, walk.steps[walk.nr_steps - 1].entry);
		/* Its neighbours are not there, nor is anything beyond the table. */
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT, reason_of(&one, one.pasid ^ 1));
		EXPECT_EQ(IOASID_WALK_NO_PASID, reason_of(&one, 1U << one.p.bits));
		EXPECT_EQ(IOASID_WALK_NO_PASID, reason_of(&one, one.pasid | 1U << 31));
		EXPECT_EQ(0, one.mem->reads);
		one_free(&one);
	}
}

TEST(defaults, "requests without PASID: entry 0, the parent's addresses, or nothing")
{
	for_each_format(f) {
		struct one one = one_new(*f, 6, 0, 0);
		struct ioasid_pasid_walk walk;

		EXPECT_TRUE(leads_to_pages(&one, IOASID_WITHOUT_PASID));
		/* Arm: substream 0 is then for nobody else (S1DSS 0b10). */
		EXPECT_EQ(*f == CD ? IOASID_WALK_NO_PASID : IOASID_WALK_OK, reason_of(&one, 0));
		one.p.flags = IOASID_TABLE_BYPASS;
		walk = look_up(&one, IOASID_WITHOUT_PASID);
		EXPECT_EQ(IOASID_WALK_OK, walk.reason);
		EXPECT_EQ(IOASID_FORMAT_NONE, walk.format);
		EXPECT_EQ(0, one.mem->reads);
		EXPECT_TRUE(leads_to_pages(&one, 0));
		if (*f == CD) {
			one.p.flags = IOASID_TABLE_BLOCK;
			EXPECT_EQ(IOASID_WALK_NO_PASID, reason_of(&one, IOASID_WITHOUT_PASID));
			EXPECT_EQ(0, one.mem->reads);
			EXPECT_TRUE(leads_to_pages(&one, 0));
		}
		one_free(&one);
	}
}

static int with_bits(struct one *one, int word, __u64 set, __u64 clear)
{
	__u64 saved = one->slot[word];
	int reason;

	one->slot[word] = (saved & ~clear) | set;
	reason = reason_of(one, one->pasid);
	one->slot[word] = saved;
	return reason;
}

TEST(gcr3_bits, "AMD: V, address, and nothing else")
{
	struct one one = one_new(GCR3, 18, 0, 77);
	__u64 *upper = table_mem_builder_at(&one.mem->b, one.p.root);

	for (int bit = 0; bit < 64; bit++) {
		__u64 mask = 1ULL << bit, saved = *upper;
		bool reserved = (bit > 0 && bit < 12) || bit > 51;

		if (reserved)
			EXPECT_EQ(IOASID_WALK_RESERVED_BITS, with_bits(&one, 0, mask, 0));
		*upper |= mask;
		if (reserved)
			EXPECT_EQ(IOASID_WALK_RESERVED_BITS, reason_of(&one, one.pasid));
		*upper = saved;
	}
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, with_bits(&one, 0, 0, 1));
	*upper &= ~1ULL;
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, reason_of(&one, one.pasid));
	EXPECT_EQ(1, one.mem->reads);
	one_free(&one);

	one = one_new(GCR3, 9, IOASID_TABLE_5LEVEL, 77);
	EXPECT_EQ(IOASID_FORMAT_X86_64_5LEVEL, look_up(&one, 77).format);
	EXPECT_TRUE(leads_to_pages(&one, 77));
	EXPECT_TRUE(look_up(&one, 77).updates);
	one_free(&one);
}

TEST(cd_bits, "Arm: what a context descriptor may say, and what makes it useless")
{
	/* ENDI, WXN, TBI0, PAN, S; HAD0, E0PD0, HAFT, TTB0 beyond 48 bits */
	static const struct { int word, low, high; } illegal[] = {
		{ 0, 6, 6 }, { 0, 7, 7 }, { 0, 15, 15 }, { 0, 36, 36 }, { 0, 38, 38 },
		{ 0, 40, 40 }, { 0, 44, 44 }, { 1, 1, 3 }, { 1, 48, 55 },
	};
	/* Cacheability, TTB1's fields, UWXN, TBI1, R, A, ASET, ASID; NSCFG0, above TTB0 */
	static const struct { int word, low, high; } ignored[] = {
		{ 0, 8, 13 }, { 0, 16, 29 }, { 0, 35, 35 }, { 0, 37, 37 }, { 0, 39, 39 },
		{ 0, 45, 63 }, { 1, 0, 0 }, { 1, 56, 63 },
	};
	struct one one = one_new(CD, 6, 0, 5);

	for (int i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++)
		for (int bit = illegal[i].low; bit <= illegal[i].high; bit++)
			EXPECT_EQ(IOASID_WALK_RESERVED_BITS,
				  with_bits(&one, illegal[i].word, 1ULL << bit, 0));
	for (int i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		for (int bit = ignored[i].low; bit <= ignored[i].high; bit++) {
			EXPECT_EQ(IOASID_WALK_OK, with_bits(&one, ignored[i].word, 1ULL << bit, 0));
			EXPECT_EQ(IOASID_WALK_OK, with_bits(&one, ignored[i].word, 0, 1ULL << bit));
		}
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, with_bits(&one, 0, 0, 1ULL << 31));
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, with_bits(&one, 0, 1ULL << 14, 0));
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS, with_bits(&one, 0, 0, 1ULL << 30));	/* EPD1 */
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS, with_bits(&one, 0, 0, 1ULL << 41));	/* AA64 */
	/* HD and HA: both or none, and then no AFFD. */
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS, with_bits(&one, 0, 0, 1ULL << 42));
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS, with_bits(&one, 0, 0, 1ULL << 43));
	EXPECT_EQ(IOASID_WALK_OK, with_bits(&one, 0, 0, 3ULL << 42));
	EXPECT_EQ(IOASID_WALK_RESERVED_BITS, with_bits(&one, 0, 1ULL << 35, 3ULL << 42));
	EXPECT_TRUE(look_up(&one, 5).updates);
	*one.slot &= ~(3ULL << 42);
	EXPECT_FALSE(look_up(&one, 5).updates);
	one_free(&one);
}

TEST(cd_sizes, "Arm: T0SZ is the width, IPS bounds TTB0, which is aligned")
{
	static const struct { __u64 ips, bits; } sizes[] = {
		{ 0, 32 }, { 1, 36 }, { 2, 40 }, { 3, 42 }, { 4, 44 }, { 5, 48 },
	};
	struct one one = one_new(CD, 6, 0, 5);
	struct ioasid_pasid_walk walk;

	for (__u64 t0sz = 0; t0sz < 64; t0sz++) {
		one.slot[0] = (one.slot[0] & ~63ULL) | t0sz;
		walk = look_up(&one, 5);
		EXPECT_EQ(t0sz >= 16 && t0sz <= 39 ? IOASID_WALK_OK : IOASID_WALK_RESERVED_BITS,
			  walk.reason);
		if (!walk.reason)
			EXPECT_EQ(64 - t0sz, walk.table.addr_width);
	}
	one.slot[0] = (one.slot[0] & ~63ULL) | 16;
	for (int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		one.slot[0] = (one.slot[0] & ~(7ULL << 32)) | sizes[i].ips << 32;
		one.slot[1] = (1ULL << sizes[i].bits) - 4096;
		EXPECT_EQ(IOASID_WALK_OK, reason_of(&one, 5));
		one.slot[1] = 1ULL << sizes[i].bits;
		EXPECT_EQ(IOASID_WALK_RESERVED_BITS, reason_of(&one, 5));
	}
	/* 48 bits: a page; 25 bits: 16 entries. */
	one.slot[1] = one.pages.root | 0xff0;
	walk = look_up(&one, 5);
	EXPECT_EQ(one.pages.root, walk.table.addr);
	one.slot[0] = (one.slot[0] & ~63ULL) | 39;
	walk = look_up(&one, 5);
	EXPECT_EQ(one.pages.root | 0xf80, walk.table.addr);
	one_free(&one);
}

TEST(unreadable, "an entry that cannot be read ends it, at its level")
{
	struct one one = one_new(GCR3, 18, 0, 0x12345);
	struct ioasid_pasid_walk walk;
	__u64 *upper = table_mem_builder_at(&one.mem->b, one.p.root) + (0x12345 >> 9);

	*upper = 0x000123456789a001ULL;
	walk = look_up(&one, 0x12345);
	EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
	EXPECT_EQ(-EFAULT, walk.error);
	EXPECT_EQ(1, walk.nr_steps);
	one.mem->refuse = one.p.root + 8 * (0x12345 >> 9);
	one.mem->refuse_error = -EIO;
	walk = look_up(&one, 0x12345);
	EXPECT_EQ(-EIO, walk.error);
	EXPECT_EQ(0, walk.nr_steps);
	one_free(&one);

	/* The second word of a descriptor counts as well. */
	one = one_new(CD, 6, 0, 5);
	one.mem->refuse = one.p.root + 5 * 64 + 8;
	one.mem->refuse_error = -EIO;
	EXPECT_EQ(IOASID_WALK_TABLE, reason_of(&one, 5));
	EXPECT_EQ(2, one.mem->reads);
	/* A table that would not pass the check is not walked. */
	one.p.bits = 21;
	EXPECT_EQ(-EINVAL, look_up(&one, 5).error);
	EXPECT_EQ(0, one.mem->reads);
	one_free(&one);
}

TEST(anything, "whatever is in a table, a lookup ends, with a page table that can be walked")
{
	__u64 state = table_seed();

	for_each_format(f) {
		struct one one = one_new(*f, *f == CD ? PASID_LINEAR_BITS : 20, 0, 1);

		for (int i = 0; i < 200000; i++) {
			__u32 pasid = table_random(&state) >> 44;
			struct ioasid_pasid_walk walk;
			__u64 *page = table_mem_builder_at(&one.mem->b, one.p.root);

			page[table_random(&state) % 512] = one.mem->base +
				table_random(&state) % 4 * 4096 + 1;
			page[table_random(&state) % 512] ^= 1ULL << table_random(&state) % 64;
			walk = look_up(&one, pasid);
			if (!walk.reason)
				EXPECT_EQ(0, ioasid_table_check(walk.format, &walk.table));
		}
		one_free(&one);
	}
}

HARNESS_MAIN
