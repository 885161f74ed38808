// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested spaces on real devices, behind an IOMMU that cannot nest: the kernel
 * merges the tables (RFC v1, 5.3). Scenarios S3 and S3b, S4 with a user-managed
 * table that the kernel follows, and what a change of a parent does to children.
 */
#include "pci_fixture.h"
#include "table_build.h"

#define GPA   0x100000ULL /* where the parent maps the memory */
#define GIOVA 0x2000ULL
#define X86   IOASID_FORMAT_X86_64_4LEVEL

static uint64_t gpa(unsigned int page)
{
	return GPA + page * PAGE;
}

/* A parent that maps all memory at GPA; device 0 is in it. */
static int parent_of(struct fixture_pci *self)
{
	int id = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(self->dev[0].fd, id);
	test_map(self->fd, id, self->mem, GPA, TEST_PAGES * PAGE);
	return id;
}

/* The device reads page @page of the memory at @iova, and can write it back. */
static bool reaches(struct fixture_pci *self, int dev, uint64_t iova, unsigned int page)
{
	uint8_t *at = self->mem + page * PAGE;
	uint8_t before[PAGE];

	for (size_t i = 0; i < PAGE; i++)
		at[i] = i * 7 + page + iova / PAGE;
	memcpy(before, at, PAGE);
	if (edu_to_device(&self->dev[dev].edu, iova, 0, PAGE))
		return false;
	memset(at, 0, PAGE);
	return !edu_from_device(&self->dev[dev].edu, iova, 0, PAGE) && !memcmp(at, before, PAGE);
}

static bool reaches_nothing(struct fixture_pci *self, int dev, uint64_t iova)
{
	return dma_write_is_lost(&self->dev[dev], iova, self->mem, TEST_PAGES * PAGE);
}

TEST_F(pci, s3, "S3 software nesting: a child maps addresses of its parent", .timeout = 60)
{
	int parent = parent_of(self), child;
	uint64_t locked = locked_pages(), pinned = pinned_pages();

	bind_start(self, 1);
	test_attach(self->dev[1].fd, parent);
	child = test_create_nesting(self->fd, parent);
	test_attach(self->dev[1].fd, child);
	ASSERT_EQ(0, do_map(self->fd, child, gpa(1), GIOVA, PAGE, RW));

	EXPECT_TRUE(reaches(self, 1, GIOVA, 1));
	EXPECT_TRUE(reaches(self, 0, gpa(1), 1));
	EXPECT_TRUE(reaches_nothing(self, 1, gpa(1)));
	EXPECT_TRUE(reaches_nothing(self, 0, GIOVA));
	EXPECT_EQ(locked, locked_pages());
	EXPECT_EQ(pinned, pinned_pages());

	/* Back on the parent, as before. */
	EXPECT_ERRNO(EBUSY, do_detach(self->dev[1].fd, parent));
	test_detach(self->dev[1].fd, child);
	EXPECT_TRUE(reaches(self, 1, gpa(3), 3));
	EXPECT_TRUE(reaches_nothing(self, 1, GIOVA));
}

TEST_F(pci, s3b, "S3b a root without devices pins and charges for all its children", .timeout = 60)
{
	uint64_t mem = (uintptr_t)self->mem, locked = locked_pages();
	int root = test_alloc(self->fd), child[2];

	test_map(self->fd, root, self->mem, mem, TEST_PAGES * PAGE);
	for (int i = 0; i < 2; i++) {
		child[i] = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, root, 0, 0);
		ASSERT_LT(0, child[i]);
		bind_start(self, i);
		test_attach(self->dev[i].fd, child[i]);
		ASSERT_EQ(0, do_map(self->fd, child[i], mem, GPA, TEST_PAGES * PAGE, RW));
	}
	EXPECT_EQ(locked + TEST_PAGES, locked_pages());
	EXPECT_TRUE(reaches(self, 0, gpa(2), 2));
	EXPECT_TRUE(reaches(self, 1, gpa(15), 15));
	EXPECT_TRUE(reaches_nothing(self, 0, mem & EDU_IOVA_LAST));
	test_unmap(self->fd, child[0], GPA, TEST_PAGES * PAGE);
	EXPECT_EQ(locked + TEST_PAGES, locked_pages());
	EXPECT_TRUE(reaches_nothing(self, 0, gpa(2)));
	EXPECT_TRUE(reaches(self, 1, gpa(2), 2));
	test_unmap(self->fd, root, mem, TEST_PAGES * PAGE);
	EXPECT_EQ(locked, locked_pages());
	EXPECT_TRUE(reaches_nothing(self, 1, gpa(2)));
}

TEST_F(pci, follows, "what a parent maps and unmaps later shows in the child", .timeout = 90)
{
	int parent = test_alloc(self->fd), child = test_create_nesting(self->fd, parent);

	/* Two mappings of the parent, one of the child across both. */
	test_map(self->fd, parent, self->mem, GPA, 8 * PAGE);
	test_map(self->fd, parent, self->mem + 8 * PAGE, gpa(8), 8 * PAGE);
	ASSERT_EQ(0, do_map(self->fd, child, gpa(4), GIOVA, 8 * PAGE, RW));
	bind_start(self, 0);
	EXPECT_ERRNO(EINVAL, do_attach(self->dev[0].fd, child));
	test_attach(self->dev[0].fd, parent);
	test_attach(self->dev[0].fd, child);
	EXPECT_TRUE(reaches(self, 0, GIOVA, 4));
	EXPECT_TRUE(reaches(self, 0, GIOVA + 4 * PAGE, 8));

	test_unmap(self->fd, parent, gpa(8), 8 * PAGE);
	EXPECT_TRUE(reaches(self, 0, GIOVA + 3 * PAGE, 7));
	EXPECT_TRUE(reaches_nothing(self, 0, GIOVA + 4 * PAGE));
	EXPECT_TRUE(reaches_nothing(self, 0, GIOVA + 7 * PAGE));

	/* Other memory at the same address. */
	test_map(self->fd, parent, self->mem, gpa(8), 8 * PAGE);
	EXPECT_TRUE(reaches(self, 0, GIOVA + 4 * PAGE, 0));
	EXPECT_TRUE(reaches(self, 0, GIOVA + 7 * PAGE, 3));
	EXPECT_LT(0, do_unmap_all(self->fd, parent));
	EXPECT_TRUE(reaches_nothing(self, 0, GIOVA));

	/* What was read-only in the child comes back so. */
	test_unmap(self->fd, child, GIOVA, 8 * PAGE);
	test_map(self->fd, parent, self->mem, GPA, PAGE);
	ASSERT_EQ(0, do_map(self->fd, child, GPA, GIOVA, PAGE, IOASID_MAP_READ));
	test_unmap(self->fd, parent, GPA, PAGE);
	test_map(self->fd, parent, self->mem, GPA, PAGE);
	EXPECT_TRUE(reaches_nothing(self, 0, GIOVA));
	EXPECT_EQ(1, fdinfo_get_n(self->fd, "ioasid-mappings", child));
}

TEST_F(pci, three_levels, "spaces nest several levels deep", .timeout = 90)
{
	int level[8], n = 1;

	level[0] = parent_of(self);
	while (n < 8) {
		int id = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, level[n - 1], 0, 0);

		ASSERT_LT(0, id);
		/* Every level moves by a page and shows one less. */
		ASSERT_EQ(0, do_map(self->fd, id, gpa(1), GPA, (TEST_PAGES - n) * PAGE,
				    n == 5 ? IOASID_MAP_READ :
					     IOASID_MAP_READ | (n < 5 ? IOASID_MAP_WRITE : 0)));
		level[n++] = id;
	}
	EXPECT_ERRNO(ENOSPC, do_create_nesting(self->fd, level[7]));
	bind_start(self, 1);
	test_attach(self->dev[1].fd, level[4]);
	EXPECT_TRUE(reaches(self, 1, GPA, 4));
	EXPECT_TRUE(reaches(self, 1, gpa(11), 15));
	test_detach(self->dev[1].fd, level[4]);
	test_attach(self->dev[1].fd, level[7]);
	EXPECT_TRUE(reaches_nothing(self, 1, GPA)); /* read-only since the fifth */
	for (int i = 7; i >= 0; i--)
		EXPECT_ERRNO(EBUSY, do_free(self->fd, level[i]));
	test_unmap(self->fd, level[2], GPA, (TEST_PAGES - 2) * PAGE);
	test_detach(self->dev[1].fd, level[7]);
	for (int i = 7; i > 0; i--)
		test_free(self->fd, level[i]);
}

TEST_F(pci, child_refusals, "a child maps only what its parent does, as far as it may",
       .timeout = 60)
{
	int parent = parent_of(self), child = test_create_nesting(self->fd, parent), grandchild;
	struct ioasid_info info;

	EXPECT_ERRNO(ENOENT, do_map(self->fd, child, GPA - PAGE, 0, 2 * PAGE, RW));
	EXPECT_ERRNO(ENOENT, do_map(self->fd, child, gpa(15), 0, 2 * PAGE, RW));
	EXPECT_ERRNO(ENOENT, do_map(self->fd, child, 0, 0, PAGE, RW));
	EXPECT_ERRNO(EINVAL, do_map(self->fd, child, GPA + 1, 0, PAGE, RW));
	EXPECT_ERRNO(EINVAL, do_map(self->fd, child, -PAGE, 0, 2 * PAGE, RW));
	EXPECT_EQ(0, do_map(self->fd, child, GPA, 0, 2 * PAGE, IOASID_MAP_READ));
	EXPECT_ERRNO(EEXIST, do_map(self->fd, child, GPA, PAGE, PAGE, RW));
	grandchild = test_create_nesting(self->fd, child);
	EXPECT_ERRNO(EFAULT, do_map(self->fd, grandchild, 0, 0, PAGE, RW));
	EXPECT_EQ(0, do_map(self->fd, grandchild, 0, 0, PAGE, IOASID_MAP_READ));
	EXPECT_ERRNO(EBUSY, do_free(self->fd, parent));
	EXPECT_ERRNO(EBUSY, do_free(self->fd, child));
	test_info(self->fd, parent, &info, sizeof(info));
	EXPECT_EQ(1, info.nr_children);
	test_free(self->fd, grandchild);
	test_free(self->fd, child);
	test_info(self->fd, parent, &info, sizeof(info));
	EXPECT_EQ(0, info.nr_children);
	EXPECT_TRUE(reaches(self, 0, gpa(1), 1));
}

/* A user's table in the last pages of the memory, made of GPAs. */
static __u64 table_alloc(struct table_builder *b)
{
	unsigned int *next = (void *)((uint8_t *)b->data + TEST_PAGES * PAGE - 8);

	/* The counter lies where page 15 ends; tables are pages 8 to 14. */
	return *next < 15 ? gpa((*next)++) : 0;
}

static __u64 *table_at(struct table_builder *b, __u64 addr)
{
	return (__u64 *)((uint8_t *)b->data + (addr - GPA));
}

static void table_begin(struct fixture_pci *self, struct table_builder *b)
{
	*b = (struct table_builder){
		.format = X86,
		.width = 48,
		.alloc = table_alloc,
		.at = table_at,
		.data = self->mem,
	};
	memset(self->mem + 8 * PAGE, 0, 8 * PAGE);
	*(unsigned int *)(self->mem + TEST_PAGES * PAGE - 8) = 8;
	ASSERT_EQ(0, table_start(b));
}

TEST_F(pci, user_table, "S4 in software: a user-managed table, followed by INVALIDATE_CACHE",
       .timeout = 90)
{
	int parent = parent_of(self), user;
	struct table_builder b;

	table_begin(self, &b);
	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(1), 2 * PAGE, TABLE_R | TABLE_W));
	user = do_alloc_user(self->fd, parent, X86, 48, b.root);
	ASSERT_LT(0, user);
	bind_start(self, 1);
	test_attach(self->dev[1].fd, user);
	EXPECT_TRUE(reaches(self, 1, GIOVA, 1));
	EXPECT_TRUE(reaches(self, 1, GIOVA + PAGE, 2));
	EXPECT_TRUE(reaches_nothing(self, 1, gpa(1)));

	EXPECT_ERRNO(EOPNOTSUPP, do_map(self->fd, user, GPA, 0, PAGE, RW));
	EXPECT_ERRNO(EOPNOTSUPP, do_unmap(self->fd, user, GIOVA, PAGE));

	/* One page moves, one goes, one comes. */
	ASSERT_EQ(0, table_unmap(&b, GIOVA, 2 * PAGE));
	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(5), PAGE, TABLE_R | TABLE_W));
	ASSERT_EQ(0, table_map(&b, GIOVA + 4 * PAGE, gpa(6), PAGE, TABLE_R));
	test_invalidate(self->fd, user, GIOVA, 8 * PAGE);
	EXPECT_TRUE(reaches(self, 1, GIOVA, 5));
	EXPECT_TRUE(reaches_nothing(self, 1, GIOVA + PAGE));
	EXPECT_TRUE(reaches_nothing(self, 1, GIOVA + 4 * PAGE)); /* read-only */

	/* What the parent takes away is gone whatever the table says. */
	EXPECT_LT(0, do_unmap_all(self->fd, parent));
	EXPECT_TRUE(reaches_nothing(self, 1, GIOVA));
	test_invalidate(self->fd, user, 0, 0);
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-mappings", user));
}

TEST_F(pci, two_step, "v1's spelling: CREATE_NESTING, ATTACH, BIND_PGTABLE, UNBIND_PGTABLE",
       .timeout = 90)
{
	int parent = parent_of(self), child = test_create_nesting(self->fd, parent);
	struct table_builder b;

	table_begin(self, &b);
	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(3), PAGE, TABLE_R | TABLE_W));
	test_attach(self->dev[0].fd, child);
	EXPECT_TRUE(reaches_nothing(self, 0, GIOVA));
	test_err_invalidate(EOPNOTSUPP, self->fd, child, 0, 0);
	EXPECT_ERRNO(ENOENT, do_table(self->fd, IOASID_UNBIND_PGTABLE, child, 0, 0, 0));
	EXPECT_ERRNO(EINVAL, do_table(self->fd, IOASID_BIND_PGTABLE, parent, X86, 48, b.root));
	EXPECT_ERRNO(EINVAL, do_table(self->fd, IOASID_BIND_PGTABLE, child, X86, 48, 0));
	ASSERT_EQ(0, do_table(self->fd, IOASID_BIND_PGTABLE, child, X86, 48, b.root));
	EXPECT_ERRNO(EBUSY, do_table(self->fd, IOASID_BIND_PGTABLE, child, X86, 48, b.root));
	EXPECT_TRUE(reaches(self, 0, GIOVA, 3));
	EXPECT_ERRNO(EOPNOTSUPP, do_map(self->fd, child, GPA, 0, PAGE, RW));
	ASSERT_EQ(0, do_table(self->fd, IOASID_UNBIND_PGTABLE, child, 0, 0, 0));
	EXPECT_TRUE(reaches_nothing(self, 0, GIOVA));
	EXPECT_EQ(0, do_map(self->fd, child, gpa(2), GIOVA, PAGE, RW));
	EXPECT_TRUE(reaches(self, 0, GIOVA, 2));
	EXPECT_ERRNO(EBUSY, do_table(self->fd, IOASID_BIND_PGTABLE, child, X86, 48, b.root));
}

TEST_F(pci, hostile_table, "a table that points to itself costs a bounded number of mappings",
       .timeout = 240)
{
	int parent = parent_of(self), user;
	struct table_builder b;
	__u64 *root;

	table_begin(self, &b);
	root = table_at(&b, b.root);
	for (int i = 0; i < 512; i++)
		root[i] = b.root | 0x67 | (i & 1 ? 0 : 0x2);
	user = do_alloc_user(self->fd, parent, X86, 48, b.root);
	ASSERT_LT(0, user);
	bind_start(self, 1);
	EXPECT_ERRNO(ENOSPC, do_attach(self->dev[1].fd, user));
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-mappings", user));
	EXPECT_TRUE(reaches(self, 0, GPA, 0));
}

HARNESS_MAIN
