// SPDX-License-Identifier: GPL-2.0-only
/* WALK: each step from a space to memory, and where and why it ends. */
#include "inspect_util.h"
#include "table_build.h"

#define X86	IOASID_FORMAT_X86_64_4LEVEL

TEST_F(space, walk_memory, "a walk of a root: the mapping, then the page")
{
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;

	test_map_flags(self->fd, self->id, self->mem, GPA, 4 * PAGE, IOASID_MAP_READ);
	test_walk(self->fd, 0, self->id, GPA + 2 * PAGE + 5, steps, &walk);
	ASSERT_EQ(2, walk.nr);
	EXPECT_EQ(IOASID_WALK_OK, walk.reason);
	EXPECT_EQ(IOASID_MAP_READ, walk.perm);
	EXPECT_EQ(0, walk.state);
	EXPECT_EQ(0, walk.format);
	EXPECT_EQ(IOASID_STEP_MAPPING, steps[0].kind);
	EXPECT_EQ(self->id, steps[0].ioasid);
	EXPECT_EQ(GPA, steps[0].addr);
	EXPECT_EQ(4 * PAGE, steps[0].value);
	EXPECT_EQ(IOASID_MAP_READ, steps[0].prot);
	EXPECT_EQ(0, steps[0].output);
	EXPECT_EQ(IOASID_STEP_MEMORY, steps[1].kind);
	EXPECT_EQ(phys_of(self->mem + 2 * PAGE + 5), steps[1].output);

	test_walk(self->fd, 0, self->id, GPA + 4 * PAGE, steps, &walk);
	ASSERT_EQ(1, walk.nr);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[0].reason);
	EXPECT_EQ(0, walk.perm);

	/* No room is no error: the number is what one wants to know. */
	ASSERT_EQ(0, do_walk(self->fd, 0, self->id, GPA, NULL, 0, &walk));
	EXPECT_EQ(2, walk.nr);
	memset(steps, 0xee, sizeof(steps));
	ASSERT_EQ(0, do_walk(self->fd, 0, self->id, GPA, steps, 1, &walk));
	EXPECT_EQ(2, walk.nr);
	EXPECT_EQ(0xeeeeeeeeU, steps[1].kind);
}

TEST_F(space, walk_levels, "a walk passes all spaces of a tree, permissions shrink")
{
	int level[4] = { self->id };
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;

	test_map(self->fd, self->id, self->mem, GPA, 8 * PAGE);
	for (int i = 1; i < 4; i++) {
		level[i] = test_create_nesting(self->fd, level[i - 1]);
		test_map_flags(self->fd, level[i], GPA + PAGE, GPA, (8 - i) * PAGE,
			       i == 2 ? IOASID_MAP_WRITE : RW & ~(i == 3 ? IOASID_MAP_READ : 0));
	}
	test_walk(self->fd, 0, level[3], GPA + 9, steps, &walk);
	ASSERT_EQ(5, walk.nr);
	EXPECT_EQ(IOASID_MAP_WRITE, walk.perm);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(IOASID_STEP_MAPPING, steps[i].kind);
		EXPECT_EQ(level[3 - i], steps[i].ioasid);
		EXPECT_EQ(GPA + i * PAGE + 9, steps[i].iova);
		EXPECT_EQ(i < 3 ? GPA + (i + 1) * PAGE + 9 : 0, steps[i].output);
	}
	EXPECT_EQ(phys_of(self->mem + 3 * PAGE + 9), steps[4].output);
	test_unmap(self->fd, level[1], GPA, 7 * PAGE);
	test_walk(self->fd, 0, level[3], GPA + 9, steps, &walk);
	ASSERT_EQ(3, walk.nr);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	EXPECT_EQ(level[1], steps[2].ioasid);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[2].reason);
	EXPECT_EQ(IOASID_WALK_OK, steps[1].reason);
}

/* Tables in pages 8 to 15 of the fixture's memory, addressed through the parent. */
struct tables {
	struct fixture_space *self;
	unsigned int next;
};

static __u64 table_alloc(struct table_builder *b)
{
	struct tables *t = b->data;

	return t->next < 16 ? GPA + t->next++ * PAGE : 0;
}

static __u64 *table_at(struct table_builder *b, __u64 addr)
{
	struct tables *t = b->data;

	return (__u64 *)(t->self->mem + (addr - GPA));
}

#define TABLES(_b, _self)							\
	struct tables _b##_mem = { .self = _self, .next = 8 };			\
	struct table_builder _b = {						\
		.format = X86, .width = 48, .alloc = table_alloc, .at = table_at, \
		.data = &_b##_mem,						\
	}

/* A user-managed space: GIOVA is page 1, GIOVA + PAGE page 2, read-only. */
static int user_space(struct fixture_space *self, struct table_builder *b)
{
	int id;

	test_map(self->fd, self->id, self->mem, GPA, MEM_SIZE);
	ASSERT_EQ(0, table_start(b));
	ASSERT_EQ(0, table_map(b, GIOVA, GPA + PAGE, PAGE, TABLE_R | TABLE_W));
	ASSERT_EQ(0, table_map(b, GIOVA + PAGE, GPA + 2 * PAGE, PAGE, TABLE_R));
	id = do_alloc_user(self->fd, self->id, X86, 48, b->root);
	ASSERT_LT(0, id);
	return id;
}

TEST_F(space, walk_table, "a walk of a user-managed table shows each entry, and where that lies")
{
	TABLES(b, self);
	int user = user_space(self, &b);
	struct ioasid_step steps[IOASID_MAX_STEPS], *entry;
	struct ioasid_walk_iova walk;

	test_walk(self->fd, 0, user, GIOVA + 0x123, steps, &walk);
	/* Four entries, each with the parent's mapping and page; then the output. */
	ASSERT_EQ(4 * 3 + 2, walk.nr);
	EXPECT_EQ(IOASID_WALK_OK, walk.reason);
	EXPECT_EQ(RW, walk.perm);
	EXPECT_EQ(X86, walk.format);
	for (int i = 0; i < 4; i++) {
		__u64 *at;

		entry = &steps[3 * i];
		EXPECT_EQ(IOASID_STEP_ENTRY, entry->kind);
		EXPECT_EQ(4 - i, entry->level);
		EXPECT_EQ(user, entry->ioasid);
		EXPECT_EQ(i == 3 ? IOASID_STEP_LEAF : 0, entry->flags);
		at = table_at(&b, entry->addr);
		EXPECT_EQ(*at, entry->value);
		EXPECT_EQ(i < 3 ? steps[3 * i + 3].addr & -PAGE : GPA + PAGE + 0x123,
			  entry->output);
		EXPECT_EQ(1, entry[1].depth);
		EXPECT_EQ(entry->addr, entry[1].iova);
		EXPECT_EQ(self->id, entry[1].ioasid);
		EXPECT_EQ(IOASID_STEP_MEMORY, entry[2].kind);
		EXPECT_EQ(phys_of(at), entry[2].output);
	}
	EXPECT_EQ(0, steps[12].depth);
	EXPECT_EQ(GPA + PAGE + 0x123, steps[12].iova);
	EXPECT_EQ(phys_of(self->mem + PAGE + 0x123), steps[13].output);
	/* Nobody's DMA was here. */
	EXPECT_EQ(0, walk.state);
	test_walk(self->fd, 0, user, GIOVA + PAGE, steps, &walk);
	EXPECT_EQ(IOASID_MAP_READ, walk.perm);
}

TEST_F(space, walk_fails, "where and why a walk of a user-managed table ends")
{
	TABLES(b, self);
	int user = user_space(self, &b);
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;
	__u64 *leaf, *top = table_at(&b, b.root);

	test_walk(self->fd, 0, user, GIOVA + 2 * PAGE, steps, &walk);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	ASSERT_EQ(12, walk.nr);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[9].reason);
	EXPECT_EQ(1, steps[9].level);

	/* Not canonical: no entry is read at all. */
	test_walk(self->fd, 0, user, 1ULL << 47, steps, &walk);
	EXPECT_EQ(IOASID_WALK_ADDRESS, walk.reason);
	ASSERT_EQ(1, walk.nr);
	EXPECT_EQ(IOASID_WALK_ADDRESS, steps[0].reason);
	EXPECT_EQ(0, steps[0].level);

	/* A leaf for the privileged only. */
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	leaf = table_at(&b, steps[9].addr);
	*leaf &= ~4ULL;
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_PERMISSION, walk.reason);
	EXPECT_EQ(IOASID_WALK_PERMISSION, steps[9].reason);
	*leaf |= 4;

	/* An output that the parent does not have. */
	*leaf = (*leaf & 0xfff) | (GPA + MEM_SIZE);
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	ASSERT_EQ(13, walk.nr);
	EXPECT_EQ(IOASID_WALK_OK, steps[9].reason);
	EXPECT_EQ(self->id, steps[12].ioasid);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[12].reason);

	/* A table that the parent does not have. */
	*top = (*top & 0xfff) | (GPA + MEM_SIZE);
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
	ASSERT_EQ(5, walk.nr);
	EXPECT_EQ(IOASID_STEP_ENTRY, steps[3].kind);
	EXPECT_EQ(3, steps[3].level);
	EXPECT_EQ(IOASID_WALK_TABLE, steps[3].reason);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[4].reason);
}

TEST_F(space, walk_write_only, "a table in memory that devices may only write is not read")
{
	TABLES(b, self);
	int user = user_space(self, &b);
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;

	ASSERT_LT(0, do_unmap_all(self->fd, self->id));
	test_map_flags(self->fd, self->id, self->mem, GPA, MEM_SIZE, IOASID_MAP_WRITE);
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
	ASSERT_EQ(2, walk.nr);
	EXPECT_EQ(IOASID_WALK_PERMISSION, steps[1].reason);
	EXPECT_EQ(0, steps[0].value);
}

static int walk_foreign_table(void *data)
{
	struct foreign *f = data;
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;

	memset(steps, 0, sizeof(steps));
	if (do_walk(f->fd, 0, f->id, GIOVA, steps, 64, &walk) != -1)
		return 1;
	return errno == EPERM && !steps[0].kind ? 0 : 2;
}

TEST_F(space, foreign_table, "a table in another process's memory is not shown to everybody")
{
	TABLES(b, self);
	struct foreign f = { .fd = self->fd, .id = user_space(self, &b) };

	EXPECT_EQ(0, unprivileged(walk_foreign_table, &f));
}

TEST_F(space, shadow, "a table that changed since the last invalidation is told")
{
	TABLES(b, self);
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_mapping_info infos[4];
	struct ioasid_get_mappings arg;
	struct ioasid_walk_iova walk;
	struct edu_device dev = {};
	int user;

	edu_device_open(&dev, 0);
	user = user_space(self, &b);
	test_bind(dev.fd, self->fd, 1);
	test_attach(dev.fd, self->id);
	test_attach(dev.fd, user);
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	if (!(walk.state & IOASID_WALK_STATE_SHADOWED))
		SKIP("this IOMMU walks tables itself");
	EXPECT_EQ(IOASID_WALK_STATE_SHADOWED, walk.state);
	test_mappings(self->fd, 0, user, 0, infos, 4, &arg);
	EXPECT_EQ(2, arg.nr);
	EXPECT_EQ(IOASID_MAPPING_PARENT | IOASID_MAPPING_SHADOW, infos[0].flags);
	EXPECT_EQ(GPA + PAGE, infos[0].target);

	ASSERT_EQ(0, table_unmap(&b, GIOVA, PAGE));
	ASSERT_EQ(0, table_map(&b, GIOVA + 4 * PAGE, GPA, PAGE, TABLE_R));
	for (int i = 0; i < 2; i++) {
		test_walk(self->fd, 0, user, GIOVA + 4 * i * PAGE, steps, &walk);
		EXPECT_EQ(IOASID_WALK_STATE_SHADOWED | IOASID_WALK_STATE_STALE, walk.state);
	}
	test_walk(self->fd, 0, user, GIOVA + PAGE, steps, &walk);
	EXPECT_EQ(IOASID_WALK_STATE_SHADOWED, walk.state);
	test_invalidate(self->fd, user, 0, 0);
	for (int i = 0; i < 2; i++) {
		test_walk(self->fd, 0, user, GIOVA + 4 * i * PAGE, steps, &walk);
		EXPECT_EQ(IOASID_WALK_STATE_SHADOWED, walk.state);
	}
	edu_device_close(&dev);
}

HARNESS_MAIN
