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

/* The device is in the parent, and stays for now. */
static void nested_build(struct fixture_sim *self, struct nested *n, uint32_t format)
{
	n->builder = (struct table_builder) {
		.format = format, .width = width_of(format),
		.alloc = nested_alloc, .at = nested_at, .data = n,
	};
	n->table = memory(TABLE_PAGES * PAGE);
	n->used = 0;
	test_map(self->fd, n->one.space, n->table, TABLE_GPA, TABLE_PAGES * PAGE);
	test_map(self->fd, n->one.space, self->mem, DATA_GPA, SIM_PAGES * PAGE);
	ASSERT_EQ(0, table_start(&n->builder));
	ASSERT_EQ(0, table_map(&n->builder, GIOVA, DATA_GPA, 16 * PAGE, TABLE_R | TABLE_W));
	n->child = do_alloc_user(self->fd, n->one.space, format, n->builder.width,
				 n->builder.root);
	ASSERT_LT(0, n->child);
}

static void nested_start(struct fixture_sim *self, struct nested *n, uint32_t format)
{
	n->one = sim_one(self, .caps = IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_ATS);
	nested_build(self, n, format);
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

/* Tables that the kernel follows, for an IOMMU that cannot */

static void expect_walk_state(struct fixture_sim *self, struct nested *n, uint64_t iova,
			      uint32_t state)
{
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova arg;

	test_walk(self->fd, 0, n->child, iova, steps, &arg);
	EXPECT_EQ(state, arg.state);
}

TEST_F(sim, followed_anew, "a table that changed while nobody followed it is read at attach")
{
	struct nested n = { .one = sim_one(self) };

	nested_build(self, &n, IOASID_FORMAT_X86_64_4LEVEL);
	test_attach(n.one.dev, n.child);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, PAGE, 0));
	EXPECT_EQ(0, memcmp(n.one.sram, self->mem, PAGE));
	test_detach(n.one.dev, n.child);
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-mappings", n.child));
	expect_walk_state(self, &n, GIOVA, 0);

	table_store(leaf_of(&n, GIOVA), table_leaf(n.builder.format, 1, DATA_GPA + 5 * PAGE,
						   TABLE_R | TABLE_W));
	test_invalidate(self->fd, n.child, 0, 0);
	test_attach(n.one.dev, n.child);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, PAGE, 0));
	EXPECT_EQ(0, memcmp(n.one.sram, self->mem + 5 * PAGE, PAGE));
	expect_walk_state(self, &n, GIOVA, IOASID_WALK_STATE_SHADOWED);
}

/* Of 16 pages in a row one is reserved: that one is not followed, the others are. */
static void expect_hole(struct fixture_sim *self, struct nested *n, uint32_t flags, uint32_t pasid)
{
	for (int page = 0; page < 16; page++) {
		EXPECT_EQ(page == 3 ? IOASID_SIM_FAULT_NOT_PRESENT : IOASID_SIM_OK,
			  sim_read(n->one.dev, GIOVA + page * PAGE, 8, 0, .flags = flags,
				   .pasid = pasid));
		expect_walk_state(self, n, GIOVA + page * PAGE, IOASID_WALK_STATE_SHADOWED);
	}
}

TEST_F(sim, followed_reserved, "leaves next to reserved addresses are followed")
{
	struct nested n = {
		.one = sim_one(self, .nr_resv = 1, .resv = { { .start = GIOVA + 3 * PAGE,
							       .last = GIOVA + 4 * PAGE - 1 } }),
	};

	nested_build(self, &n, IOASID_FORMAT_RISCV_SV48);
	test_attach(n.one.dev, n.child);
	expect_hole(self, &n, 0, 0);
	test_invalidate(self->fd, n.child, GIOVA, 8 * PAGE);
	expect_hole(self, &n, 0, 0);
}

TEST_F(sim, followed_narrow, "leaves beyond what an IOMMU can do keep no device out")
{
	struct nested n = { .one = sim_one(self, .addr_width = 33) };

	nested_build(self, &n, IOASID_FORMAT_RISCV_SV39);
	ASSERT_EQ(0, table_map(&n.builder, 1ULL << 33, DATA_GPA, PAGE, TABLE_R | TABLE_W));
	test_attach(n.one.dev, n.child);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(n.one.dev, GIOVA, 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS, sim_read(n.one.dev, 1ULL << 33, 8, 0));
	expect_walk_state(self, &n, 1ULL << 33, IOASID_WALK_STATE_SHADOWED);
	test_detach(n.one.dev, n.child);
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

TEST_F(sim, pasid_reserved, "a PASID's first look into a table heeds reserved addresses")
{
	struct nested n = {
		.one = sim_one(self, .caps = IOASID_SIM_CAP_PASID, .pasid_bits = 8, .nr_resv = 1,
			       .resv = { { .start = GIOVA + 3 * PAGE,
					   .last = GIOVA + 4 * PAGE - 1 } }),
	};

	nested_build(self, &n, IOASID_FORMAT_X86_64_4LEVEL);
	ASSERT_TRUE(!do_attach_pasid(n.one.dev, n.child, 5));
	expect_hole(self, &n, IOASID_SIM_REQ_PASID, 5);
	ASSERT_TRUE(!do_detach_pasid(n.one.dev, n.child, 5));
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
