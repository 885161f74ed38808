// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software IOMMU with user-managed tables, which it walks itself, and with
 * PASIDs.
 */
#include <pthread.h>

#include "sim_fixture.h"
#include "table_build.h"

#define TABLE_GPA	0x100000000ULL	/* where the parent maps what tables lie in */
#define TABLE_PAGES	32UL
#define DATA_GPA	0x40000000ULL	/* and SIM_PAGES of data */
#define GIOVA		0x123400000ULL	/* 2 MiB aligned, within 39 bits */

/* A device on a nested space whose table maps GIOVA to DATA_GPA. */
struct nested {
	struct sim_one one;
	struct table_builder builder;
	__u64 *table;
	unsigned int used;
	int child;
};

static __u64 nested_alloc(struct table_builder *b)
{
	struct nested *n = b->data;

	return n->used < TABLE_PAGES ? TABLE_GPA + n->used++ * PAGE : 0;
}

static __u64 *nested_at(struct table_builder *b, __u64 addr)
{
	struct nested *n = b->data;

	return n->table + (addr - TABLE_GPA) / 8;
}

static uint32_t width_of(uint32_t format)
{
	switch (format) {
	case IOASID_FORMAT_X86_64_5LEVEL:
		return 57;
	case IOASID_FORMAT_RISCV_SV39:
		return 39;
	default:
		return 48;
	}
}

/* Frees what do_nested() of another format had. */
static void nested_end(struct nested *n)
{
	munmap(n->one.sram, IOASID_SIM_SRAM);
	close(n->one.dev);
}

static void nested_start(struct fixture_sim *self, struct nested *n, uint32_t format)
{
	n->builder = (struct table_builder) {
		.format = format, .width = width_of(format),
		.alloc = nested_alloc, .at = nested_at, .data = n,
	};
	n->table = memory(TABLE_PAGES * PAGE);
	n->used = 0;
	n->one = sim_one(self, .caps = IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_ATS);
	test_map(self->fd, n->one.space, n->table, TABLE_GPA, TABLE_PAGES * PAGE);
	test_map(self->fd, n->one.space, self->mem, DATA_GPA, SIM_PAGES * PAGE);
	ASSERT_EQ(0, table_start(&n->builder));
	ASSERT_EQ(0, table_map(&n->builder, GIOVA, DATA_GPA, 16 * PAGE, TABLE_R | TABLE_W));
	n->child = do_alloc_user(self->fd, n->one.space, format, n->builder.width,
				 n->builder.root);
	ASSERT_LT(0, n->child);
	test_attach(n->one.dev, n->child);
}

static __u64 *leaf_of(struct nested *n, uint64_t iova)
{
	__u64 *slot = table_slot(&n->builder, iova, 1);

	ASSERT_TRUE(slot);
	return slot;
}

TEST_F(sim, formats, "tables of every format are walked, stage by stage", .timeout = 120)
{
	for (uint32_t format = IOASID_FORMAT_X86_64_4LEVEL; format <= IOASID_FORMAT_RISCV_SV48;
	     format++) {
		struct ioasid_sim_stats before, after;
		struct nested n;

		nested_start(self, &n, format);
		before = sim_stats(self->ctl, n.one.id);
		EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA + PAGE, PAGE, 0));
		after = sim_stats(self->ctl, n.one.id);
		EXPECT_EQ(0, memcmp(n.one.sram, self->mem + PAGE, PAGE));
		EXPECT_EQ(1, after.walks - before.walks);
		/*
		 * Each level costs a walk of the other stage, its accessed bit
		 * another one, and so does the page.
		 */
		EXPECT_LE(3 + 3 * 3 + 3, after.reads - before.reads);
		EXPECT_GE(5 + 2 * 5 * 4 + 4, after.reads - before.reads);
		EXPECT_EQ(IOASID_SIM_OK, sim_copy(n.one.dev, GIOVA, GIOVA + 20, 8));
		/* The parent's addresses mean nothing to the device now. */
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(n.one.dev, DATA_GPA, 8, 0));
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT,
			  sim_read(n.one.dev, GIOVA + 16 * PAGE, 8, 0));
		EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS,
			  sim_read(n.one.dev, 1ULL << 62, 8, 0));
		test_detach(n.one.dev, n.child);
		EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, DATA_GPA, 8, 0));
		nested_end(&n);
	}
}

TEST_F(sim, stale_until_told, "a changed table counts once the IOMMU is told, not before")
{
	struct nested n;
	__u64 *leaf;

	nested_start(self, &n, IOASID_FORMAT_X86_64_4LEVEL);
	leaf = leaf_of(&n, GIOVA);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, PAGE, 0));
	table_store(leaf, table_leaf(n.builder.format, 1, DATA_GPA + 5 * PAGE, TABLE_R | TABLE_W));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, PAGE, 0));
	EXPECT_EQ(0, memcmp(n.one.sram, self->mem, PAGE));
	test_invalidate(self->fd, n.child, GIOVA + PAGE, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, PAGE, 0));
	EXPECT_EQ(0, memcmp(n.one.sram, self->mem, PAGE));
	test_invalidate(self->fd, n.child, GIOVA, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, PAGE, 0));
	EXPECT_EQ(0, memcmp(n.one.sram, self->mem + 5 * PAGE, PAGE));
	table_store(leaf, 0);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, PAGE, 0));
	test_invalidate(self->fd, n.child, 0, 0);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(n.one.dev, GIOVA, PAGE, 0));
	/* What becomes present needs no invalidation. */
	table_store(leaf, table_leaf(n.builder.format, 1, DATA_GPA, TABLE_R | TABLE_W));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, PAGE, 0));
}

TEST_F(sim, bits, "accessed and dirty bits appear when they should, permissions count")
{
	const uint64_t accessed = 1 << 5, dirty = 1 << 6;
	struct nested n;
	__u64 *leaf;

	nested_start(self, &n, IOASID_FORMAT_X86_64_4LEVEL);
	leaf = leaf_of(&n, GIOVA);
	*leaf &= ~(accessed | dirty);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, 8, 0));
	EXPECT_EQ(accessed, *leaf & (accessed | dirty));
	EXPECT_EQ(IOASID_SIM_OK, sim_write(n.one.dev, GIOVA, 8, 0));
	EXPECT_EQ(accessed | dirty, *leaf & (accessed | dirty));
	/* Read-only for the guest, present but reserved, not for users. */
	*leaf_of(&n, GIOVA + PAGE) &= ~2ULL;
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_write(n.one.dev, GIOVA + PAGE, 8, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA + PAGE, 8, 0));
	*table_slot(&n.builder, GIOVA + 2 * PAGE, 4) |= 1 << 7;
	EXPECT_EQ(IOASID_SIM_FAULT_RESERVED_BITS, sim_read(n.one.dev, GIOVA + 2 * PAGE, 8, 0));
	*table_slot(&n.builder, GIOVA + 2 * PAGE, 4) &= ~(1ULL << 7);
	*leaf_of(&n, GIOVA + 3 * PAGE) &= ~4ULL;
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_read(n.one.dev, GIOVA + 3 * PAGE, 8, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA + 3 * PAGE, 8, 0,
					  .flags = IOASID_SIM_REQ_PRIV));
	/* What the privileged may is not cached for the others. */
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_read(n.one.dev, GIOVA + 3 * PAGE, 8, 0));
	*leaf_of(&n, GIOVA + 4 * PAGE) |= 1ULL << 63;
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_read(n.one.dev, GIOVA + 4 * PAGE, 8, 0,
							.flags = IOASID_SIM_REQ_EXEC));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA + 4 * PAGE, 8, 0));
}

TEST_F(sim, stage2, "the parent has the last word, for pages and for tables")
{
	struct nested n;

	nested_start(self, &n, IOASID_FORMAT_X86_64_4LEVEL);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, 8, 0));
	/* A page that the parent does not have, one that it has read-only. */
	table_store(leaf_of(&n, GIOVA + PAGE),
		    table_leaf(n.builder.format, 1, DATA_GPA + SIM_PAGES * PAGE,
			       TABLE_R | TABLE_W));
	EXPECT_EQ(IOASID_SIM_FAULT_STAGE2, sim_read(n.one.dev, GIOVA + PAGE, 8, 0));
	test_map_flags(self->fd, n.one.space, self->mem, 0x1000, PAGE, IOASID_MAP_READ);
	table_store(leaf_of(&n, GIOVA + 2 * PAGE),
		    table_leaf(n.builder.format, 1, 0x1000, TABLE_R | TABLE_W));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA + 2 * PAGE, 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_STAGE2, sim_write(n.one.dev, GIOVA + 2 * PAGE, 8, 0));
	/* A table that the parent does not have. */
	table_store(table_slot(&n.builder, GIOVA + (1ULL << 21), 2),
		    table_pointer(n.builder.format, TABLE_GPA + TABLE_PAGES * PAGE));
	EXPECT_EQ(IOASID_SIM_FAULT_STAGE2_WALK, sim_read(n.one.dev, GIOVA + (1ULL << 21), 8, 0));
	/* Unmapped in the parent: cached translations of the child go, too. */
	test_unmap(self->fd, n.one.space, DATA_GPA, SIM_PAGES * PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_STAGE2, sim_read(n.one.dev, GIOVA, 8, 0));
	test_unmap(self->fd, n.one.space, TABLE_GPA, TABLE_PAGES * PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_STAGE2_WALK, sim_read(n.one.dev, GIOVA, 8, 0));
	EXPECT_EQ(0, sim_stats(self->ctl, n.one.id).stale);
}

TEST_F(sim, stage2_lost, "an unmap of the parent that the child's cache misses is stale DMA")
{
	uint32_t ats = IOASID_SIM_REQ_ATS;
	struct nested n;

	nested_start(self, &n, IOASID_FORMAT_RISCV_SV48);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, 8, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, 8, 0, .flags = ats));
	ASSERT_TRUE(!do_sim_inject(self->ctl, n.one.id, IOASID_SIM_INJECT_LOSE_IOTLB |
				   IOASID_SIM_INJECT_LOSE_DEVTLB, 0));
	test_unmap(self->fd, n.one.space, DATA_GPA, SIM_PAGES * PAGE);
	EXPECT_EQ(IOASID_SIM_STALE, sim_read(n.one.dev, GIOVA, 8, 0));
	EXPECT_EQ(IOASID_SIM_STALE, sim_read(n.one.dev, GIOVA, 8, 0, .flags = ats));
	EXPECT_EQ(2, sim_stats(self->ctl, n.one.id).stale);
}

TEST_F(sim, only_formats, "an IOMMU walks the formats it has")
{
	struct sim_one one = sim_one(self, .caps = IOASID_SIM_CAP_NESTING,
				     .formats = 1 << IOASID_FORMAT_RISCV_SV39);
	struct ioasid_sim_stats before, after;
	int child;

	test_map(self->fd, one.space, self->mem, TABLE_GPA, SIM_PAGES * PAGE);
	memset(self->mem, 0, PAGE);
	child = do_alloc_user(self->fd, one.space, IOASID_FORMAT_RISCV_SV39, 39, TABLE_GPA);
	ASSERT_LT(0, child);
	test_attach(one.dev, child);
	before = sim_stats(self->ctl, one.id);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(one.dev, GIOVA, 8, 0));
	after = sim_stats(self->ctl, one.id);
	/* One entry of the table, and a walk to where it is. */
	EXPECT_LT(2, after.reads - before.reads);
}

/* Rewrites the table while the device uses it. */
static void *scribble(void *data)
{
	struct nested *n = data;
	unsigned int random = 1;

	for (int i = 0; i < 200000; i++) {
		__u64 *entry = n->table + random % (n->used * 512);

		random = random * 1103515245 + 12345;
		if (*entry || !(random >> 16 & 63))
			table_store(entry, *entry ^ 1ULL << (random >> 8 & 63));
	}
	return NULL;
}

TEST_F(sim, hostile, "a table that changes all the time harms nobody", .timeout = 120)
{
	struct ioasid_sim_request reqs[16];
	struct ioasid_sim_load_result result;
	uint8_t *bystander = memory(SIM_PAGES * PAGE);
	pthread_t thread;
	struct nested n;

	fill(bystander, SIM_PAGES * PAGE, 8);
	nested_start(self, &n, IOASID_FORMAT_X86_64_4LEVEL);
	for (int i = 0; i < ARRAY_SIZE(reqs); i++)
		reqs[i] = (struct ioasid_sim_request) {
			.op = i % 2 ? IOASID_SIM_OP_FILL : IOASID_SIM_OP_READ,
			.iova = GIOVA + i * PAGE, .len = 2 * PAGE,
		};
	ASSERT_TRUE(!do_sim_start(n.one.dev, 2, reqs, ARRAY_SIZE(reqs), 1));
	ASSERT_TRUE(!pthread_create(&thread, NULL, scribble, &n));
	for (int i = 0; i < 100; i++) {
		test_invalidate(self->fd, n.child, 0, 0);
		usleep(1000);
	}
	pthread_join(thread, NULL);
	ASSERT_TRUE(!do_sim_stop(n.one.dev, &result));
	EXPECT_LT(0, result.done);
	EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
	EXPECT_EQ(SIM_PAGES * PAGE, mismatch(bystander, SIM_PAGES * PAGE, 8));
	diag("%llu requests, %llu of them fine", (unsigned long long)result.done,
	     (unsigned long long)result.status[IOASID_SIM_OK]);
}

/* PASIDs */

TEST_F(sim, pasids, "each PASID has a space of its own")
{
	struct sim_one one = sim_one(self, .caps = IOASID_SIM_CAP_PASID, .pasid_bits = 8);
	int space = test_alloc(self->fd);

	test_map(self->fd, one.space, self->mem, 0, PAGE);
	test_map(self->fd, space, self->mem + PAGE, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, sim_read(one.dev, 0, 8, 0, by_pasid(5)));
	ASSERT_TRUE(!do_attach_pasid(one.dev, space, 5));
	EXPECT_ERRNO(EBUSY, do_attach_pasid(one.dev, space, 5));
	EXPECT_ERRNO(EINVAL, do_attach_pasid(one.dev, space, 256));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 0, PAGE, 0, by_pasid(5)));
	EXPECT_EQ(0, memcmp(one.sram, self->mem + PAGE, PAGE));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 0, PAGE, 0));
	EXPECT_EQ(0, memcmp(one.sram, self->mem, PAGE));
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, sim_read(one.dev, 0, 8, 0, by_pasid(6)));
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, sim_read(one.dev, 0, 8, 0, by_pasid(256)));
	test_unmap(self->fd, space, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(one.dev, 0, 8, 0, by_pasid(5)));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 0, 8, 0));
	ASSERT_TRUE(!do_detach_pasid(one.dev, space, 5));
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, sim_read(one.dev, 0, 8, 0, by_pasid(5)));
	EXPECT_EQ(0, sim_stats(self->ctl, one.id).stale);
}

TEST_F(sim, lost_pasid, "a PASID cache that is not told keeps a space alive too long")
{
	struct sim_one one = sim_one(self, .caps = IOASID_SIM_CAP_PASID, .pasid_bits = 8);
	int space = test_alloc(self->fd);

	ASSERT_TRUE(!do_attach_pasid(one.dev, space, 5));
	test_map(self->fd, space, self->mem + PAGE, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 0, 8, 0, by_pasid(5)));
	ASSERT_TRUE(!do_sim_inject(self->ctl, one.id, IOASID_SIM_INJECT_LOSE_PASID, 0));
	ASSERT_TRUE(!do_detach_pasid(one.dev, space, 5));
	/* The domain is gone by now, and what the cache says leads nowhere. */
	EXPECT_EQ(IOASID_SIM_STALE, sim_read(one.dev, 0, 8, 0, by_pasid(5)));
	EXPECT_EQ(1, sim_stats(self->ctl, one.id).stale);
}

HARNESS_MAIN
