// SPDX-License-Identifier: GPL-2.0-only
/*
 * The error matrix of the RFC for nesting, user-managed tables and PASIDs, on
 * simulated devices: E5-E7, E11, E12, E14-E28 as far as they are about these (E24 is in
 * sim_ptable_bad.c). After
 * each refusal everything is as it was: the counters of all contexts, pins and
 * charges, and what each device reaches by default and by PASID, byte by byte.
 * matrix.c has the rows for kernel-managed spaces on real devices.
 */
#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "table_build.h"
#include "unchanged.h"

#define PAGES		64UL
#define GPA		0x40000000ULL	/* where the root maps self->mem */
#define TABLES		32U		/* the page of it where tables begin */
#define GIOVA		0x2000ULL	/* where children map 4 pages of it */
#define CHILD_PAGE	4
#define USER_PAGE	8
#define PASID		5
#define X86		IOASID_FORMAT_X86_64_4LEVEL

FIXTURE(matrix) {
	int ctl, fd;
	int a[2];		/* devices behind an IOMMU that nests and has PASIDs */
	int b;			/* behind one that has nothing, and is narrow */
	uint8_t *mem;		/* PAGES, the second half for tables */
	unsigned int next_table;
	int root;		/* a[0] and a[1] are on it */
	int child;		/* by CREATE_NESTING: a[1] */
	int user;		/* a table: a[0] with PASID */
	uint64_t table;
	struct state before;
};

static uint64_t gpa(unsigned int page)
{
	return GPA + page * PAGE;
}

static __u64 alloc_table(struct table_builder *b)
{
	struct fixture_matrix *self = b->data;

	return self->next_table < PAGES ? gpa(self->next_table++) : 0;
}

static __u64 *at_table(struct table_builder *b, __u64 addr)
{
	struct fixture_matrix *self = b->data;

	return (__u64 *)(self->mem + (addr - GPA));
}

static void make_table(struct fixture_matrix *self)
{
	struct table_builder b = {
		.format = X86, .width = 48, .alloc = alloc_table, .at = at_table, .data = self,
	};

	ASSERT_EQ(0, table_start(&b));
	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(USER_PAGE), 4 * PAGE, TABLE_R | TABLE_W));
	self->table = b.root;
}

static void make_devices(struct fixture_matrix *self)
{
	uint32_t id;

	id = sim_create(self->ctl, .nr_devices = 2, .pasid_bits = 8,
			.caps = IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_ATS,
			.formats = 1 << X86 | 1 << IOASID_FORMAT_RISCV_SV39);
	for (int i = 0; i < 2; i++) {
		self->a[i] = sim_open(id, i);
		test_bind(self->a[i], self->fd, SIM_COOKIE + i);
		test_attach(self->a[i], self->root);
	}
	id = sim_create(self->ctl, .nr_devices = 1, .addr_width = 39);
	self->b = sim_open(id, 0);
	test_bind(self->b, self->fd, SIM_COOKIE + 2);
}

FIXTURE_SETUP(matrix)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	ASSERT_TRUE(self->ctl >= 0);
	self->fd = test_open();
	self->mem = memory(PAGES * PAGE);
	self->next_table = TABLES;
	self->root = test_alloc(self->fd);
	test_map(self->fd, self->root, self->mem, GPA, PAGES * PAGE);
	make_devices(self);
	self->child = test_create_nesting(self->fd, self->root);
	test_attach(self->a[1], self->child);
	test_map(self->fd, self->child, gpa(CHILD_PAGE), GIOVA, 4 * PAGE);
	make_table(self);
	self->user = do_alloc_user(self->fd, self->root, X86, 48, self->table);
	ASSERT_LT(0, self->user);
	ASSERT_EQ(0, do_attach_pasid(self->a[0], self->user, PASID));
}

FIXTURE_TEARDOWN(matrix)
{
	free(self->before.contexts);
	for (int i = 0; i < 2; i++)
		close(self->a[i]);
	close(self->b);
	close(self->fd);
	close(self->ctl);
	EXPECT_EQ(0, locked_pages());
}

/* The device moves page @page of the memory at @iova, both ways. */
#define moves(self, dev, iova, page, ...) ({					\
	uint8_t *__at = (self)->mem + (page) * PAGE, *__sram = sim_sram(dev);	\
	bool __ok;								\
										\
	fill(__at, PAGE, (page) + 2);						\
	__ok = !sim_read(dev, iova, PAGE, 0, __VA_ARGS__) &&			\
	       mismatch(__sram, PAGE, (page) + 2) == PAGE;			\
	fill(__sram, PAGE, (page) + 3);						\
	__ok = __ok && !sim_write(dev, iova, PAGE, 0, __VA_ARGS__) &&		\
	       mismatch(__at, PAGE, (page) + 3) == PAGE;			\
	munmap(__sram, IOASID_SIM_SRAM);					\
	__ok;									\
})

/* What the devices reach in the world of these tests, and what not. */
static void check_dma(struct fixture_matrix *self)
{
	EXPECT_TRUE(moves(self, self->a[0], gpa(1), 1));
	EXPECT_TRUE(moves(self, self->a[0], GIOVA, USER_PAGE, .flags = IOASID_SIM_REQ_PASID,
			  .pasid = PASID));
	EXPECT_TRUE(moves(self, self->a[0], GIOVA + 3 * PAGE, USER_PAGE + 3, .pasid = PASID,
			  .flags = IOASID_SIM_REQ_PASID | IOASID_SIM_REQ_ATS));
	EXPECT_TRUE(moves(self, self->a[1], GIOVA, CHILD_PAGE));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->a[0], GIOVA, 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->a[1], gpa(1), 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, sim_read(self->a[0], GIOVA, 8, 0, .pasid = PASID + 1,
						   .flags = IOASID_SIM_REQ_PASID));
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(self->b, gpa(1), 8, 0));
}

/* As everywhere, and the devices reach what they reached. */
#undef REFUSED
#define REFUSED_DMA(err, call, ...) do {					\
	REFUSED_KEY(err, call, __VA_ARGS__);					\
	check_dma(self);							\
} while (0)
#define REFUSED(err, call)	REFUSED_DMA(err, call, "%s", "")
#define MAP_REFUSED(err, id, ...)						\
	REFUSED_DMA(err, do_map(self->fd, id, __VA_ARGS__), "ioasid-map-errors-%u", id)
#define UNMAP_REFUSED(err, id, ...)						\
	REFUSED_DMA(err, do_unmap_flags(self->fd, id, __VA_ARGS__, 0),		\
		    "ioasid-unmap-errors-%u", id)

TEST_F(matrix, e5, "E5 E27 ATTACH names a space of another context: ENOENT")
{
	int other = test_open(), id;

	do
		id = test_alloc(other);
	while (id <= self->user);
	REFUSED(ENOENT, do_attach(self->b, id));
	REFUSED(ENOENT, do_attach_pasid(self->a[0], id, PASID + 1));
	REFUSED(ENOENT, do_detach(self->a[0], id));
	REFUSED(ENOENT, do_invalidate(self->fd, id, 0, 0));
	close(other);
}

TEST_F(matrix, e6, "E6 E20 an IOMMU or a table that does not fit the space: EINVAL, EOPNOTSUPP")
{
	int high = test_alloc(self->fd), soft;

	test_map(self->fd, high, self->mem, 1ULL << 40, PAGE);
	REFUSED(EINVAL, do_attach(self->b, high));
	test_free(self->fd, high);
	/* A width or a format that nobody has, a table that the parent has not. */
	REFUSED(EINVAL, do_alloc_user(self->fd, self->root, X86, 39, self->table));
	REFUSED(EOPNOTSUPP, do_alloc_user(self->fd, self->root, 77, 48, self->table));
	REFUSED(EINVAL, do_alloc_user(self->fd, self->root, X86, 48, GPA - PAGE));
	REFUSED(EINVAL, do_alloc_user(self->fd, self->root, X86, 48, self->table + 8));
	/* What one IOMMU does not walk, the kernel follows, as wide as that IOMMU is. */
	soft = do_alloc_user(self->fd, self->root, X86, 48, self->table);
	ASSERT_LT(0, soft);
	test_attach(self->b, self->root);
	test_attach(self->b, soft);
	EXPECT_TRUE(moves(self, self->b, GIOVA, USER_PAGE));
	test_detach(self->b, soft);
	test_detach(self->b, self->root);
	test_free(self->fd, soft);
	check_dma(self);
}

TEST_F(matrix, e7, "E7 a child of CREATE_NESTING, its device is not on the parent: EINVAL")
{
	REFUSED(EINVAL, do_attach(self->b, self->child));
	test_attach(self->b, self->root);
	test_attach(self->b, self->child);
	EXPECT_TRUE(moves(self, self->b, GIOVA, CHILD_PAGE));
	test_detach(self->b, self->child);
	test_detach(self->b, self->root);
	check_dma(self);
}

TEST_F(matrix, e11, "E11 E12 E14 MAP and UNMAP of a child: taken, misaligned, not there, cut")
{
	MAP_REFUSED(EEXIST, self->child, gpa(20), GIOVA + PAGE, PAGE, RW);
	MAP_REFUSED(EINVAL, self->child, gpa(20), 0x100, PAGE, RW);
	MAP_REFUSED(EINVAL, self->child, gpa(20) + 8, 0, PAGE, RW);
	MAP_REFUSED(EINVAL, self->child, gpa(20), 1ULL << 50, PAGE, RW);
	MAP_REFUSED(ENOENT, self->child, gpa(PAGES - 1), 0x100000, 2 * PAGE, RW);
	MAP_REFUSED(ENOENT, self->child, 0, 0x100000, PAGE, RW);
	UNMAP_REFUSED(EINVAL, self->child, GIOVA, PAGE);
	UNMAP_REFUSED(ENOENT, self->child, 0x100000, PAGE);
}

TEST_F(matrix, e15, "E15 E16 each kind of space has its own commands: EOPNOTSUPP")
{
	MAP_REFUSED(EOPNOTSUPP, self->user, gpa(20), 0x100000, PAGE, RW);
	UNMAP_REFUSED(EOPNOTSUPP, self->user, GIOVA, PAGE);
	REFUSED(EOPNOTSUPP, do_invalidate(self->fd, self->root, 0, 0));
	REFUSED(EOPNOTSUPP, do_invalidate(self->fd, self->child, GIOVA, PAGE));
}

TEST_F(matrix, e17, "E17 tables only on a child of CREATE_NESTING that maps nothing")
{
	REFUSED(EINVAL, do_alloc_user(self->fd, IOASID_NONE, X86, 48, self->table));
	REFUSED(EINVAL, do_table(self->fd, IOASID_BIND_PGTABLE, self->root, X86, 48, self->table));
	REFUSED(EBUSY, do_table(self->fd, IOASID_BIND_PGTABLE, self->child, X86, 48, self->table));
	REFUSED(EOPNOTSUPP, do_table(self->fd, IOASID_BIND_PGTABLE, self->user, X86, 48,
				     self->table));
	REFUSED(EOPNOTSUPP, do_table(self->fd, IOASID_UNBIND_PGTABLE, self->user, 0, 0, 0));
	REFUSED(ENOENT, do_table(self->fd, IOASID_UNBIND_PGTABLE, self->child, 0, 0, 0));
}

TEST_F(matrix, e18, "E18 E19 parents that cannot be: EOPNOTSUPP, ENOENT")
{
	REFUSED(EOPNOTSUPP, do_create_nesting(self->fd, self->user));
	REFUSED(EOPNOTSUPP, do_alloc_user(self->fd, self->user, X86, 48, self->table));
	REFUSED(ENOENT, do_create_nesting(self->fd, 4000));
	REFUSED(ENOENT, do_alloc_user(self->fd, 4000, X86, 48, self->table));
}

TEST_F(matrix, e21, "E21 E22 FREE with devices, PASIDs or children: EBUSY")
{
	REFUSED(EBUSY, do_free(self->fd, self->root));
	REFUSED(EBUSY, do_free(self->fd, self->child));
	REFUSED(EBUSY, do_free(self->fd, self->user));
	/* The parent stays while a child takes its place. */
	REFUSED(EBUSY, do_detach(self->a[1], self->root));
}

TEST_F(matrix, e23, "E23 a device, or a PASID of it, twice: EBUSY; what is not attached: ENOENT")
{
	int space = test_alloc(self->fd);

	REFUSED(EBUSY, do_attach_pasid(self->a[0], self->user, PASID));
	REFUSED(EBUSY, do_attach_pasid(self->a[0], space, PASID));
	REFUSED(EBUSY, do_attach(self->a[0], self->root));
	REFUSED(EBUSY, do_attach(self->a[1], self->child));
	REFUSED(ENOENT, do_detach(self->a[0], self->user));
	REFUSED(ENOENT, do_detach_pasid(self->a[0], self->user, PASID + 1));
	REFUSED(ENOENT, do_detach_pasid(self->a[1], self->child, PASID));
}

TEST_F(matrix, e25, "E25 a second space without a PASID: EBUSY; PASIDs that cannot be: EINVAL")
{
	int space = test_alloc(self->fd);

	REFUSED(EBUSY, do_attach(self->a[0], space));
	REFUSED(EINVAL, do_attach_pasid(self->a[0], space, 0));
	REFUSED(EINVAL, do_attach_pasid(self->a[0], space, 256));
	REFUSED(EOPNOTSUPP, do_attach_pasid(self->b, space, 1));
}

/* Nothing refuses it; the flags say for which devices a CPU would have to translate. */
TEST_F(matrix, e26, "E26 flags of a device tell whose PASIDs others are on the wire than users say")
{
	const uint32_t virtual = IOASID_DEV_INFO_PASID_VIRT, global = IOASID_DEV_INFO_PASID_GLOBAL;
	const uint32_t all = IOASID_DEV_INFO_PASID | virtual | global;
	const uint32_t pools[] = { 0, IOASID_SIM_GLOBAL_PASIDS };
	struct ioasid_device_info info;
	int part;

	test_device_info(self->fd, SIM_COOKIE, &info, sizeof(info));
	EXPECT_EQ(IOASID_DEV_INFO_PASID, info.flags & all);
	EXPECT_EQ(256, info.max_pasids);
	test_device_info(self->fd, SIM_COOKIE + 2, &info, sizeof(info));
	EXPECT_EQ(0, info.flags & all);
	EXPECT_EQ(0, info.max_pasids);
	for (int i = 0; i < 2; i++) {
		part = sim_open_sub(sim_create(self->ctl, .nr_devices = 1, .nr_subdevices = 1,
					       .caps = IOASID_SIM_CAP_PASID, .pasid_bits = 8,
					       .flags = pools[i]), 0, 0);
		test_bind(part, self->fd, SIM_COOKIE + 3 + i);
		test_device_info(self->fd, SIM_COOKIE + 3 + i, &info, sizeof(info));
		EXPECT_EQ(IOASID_DEV_INFO_PASID | virtual | (i ? global : 0), info.flags & all);
		close(part);
	}
	check_dma(self);
}

TEST_F(matrix, e28, "E28 a space that enforces snooping, an IOMMU that cannot: EINVAL")
{
	int space = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, self->root,
				  IOASID_ALLOC_ENFORCE_SNOOP, 0);

	ASSERT_LT(0, space);
	REFUSED(EINVAL, do_attach(self->b, space));
	REFUSED(EINVAL, do_attach_pasid(self->a[0], space, PASID + 1));
}

HARNESS_MAIN
