// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nesting and PASIDs on simulated devices: scenarios S4, S5 and S9 of the RFC, hardware
 * nesting with every table format, invalidation that matters, and the rows of the
 * error matrix that need such an IOMMU. Bytes are compared on both sides.
 */
#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "table_build.h"

#define PAGES		64UL
#define TABLES		32UL		/* the memory's second half holds tables */
#define GPA		0x40000000ULL
#define GIOVA		0x2000ULL
#define X86		IOASID_FORMAT_X86_64_4LEVEL
#define GUEST_RW	(TABLE_R | TABLE_W)

FIXTURE(nest) {
	int ctl, sim, fd, parent;
	int dev[2];
	uint8_t *sram[2];
	uint8_t *mem;			/* PAGES, mapped at GPA */
	unsigned int next_table;
};

static uint64_t gpa(unsigned int page)
{
	return GPA + page * PAGE;
}

/* Two devices, the first attached to the parent; caches of any size. */
static void start(struct fixture_nest *self, uint32_t caps)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	ASSERT_TRUE(self->ctl >= 0);
	self->sim = sim_create(self->ctl, .caps = caps, .nr_devices = 2,
			       .pasid_bits = caps & IOASID_SIM_CAP_PASID ? 8 : 0);
	self->fd = test_open();
	self->parent = test_alloc(self->fd);
	self->mem = memory(PAGES * PAGE);
	self->next_table = TABLES;
	test_map(self->fd, self->parent, self->mem, GPA, PAGES * PAGE);
	for (int i = 0; i < 2; i++) {
		self->dev[i] = sim_open(self->sim, i);
		test_bind(self->dev[i], self->fd, SIM_COOKIE + i);
		test_attach(self->dev[i], self->parent);
		self->sram[i] = sim_sram(self->dev[i]);
	}
}

FIXTURE_SETUP(nest)
{
	start(self, IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_ATS);
}

static void stop(struct fixture_nest *self)
{
	for (int i = 0; i < 2; i++)
		close(self->dev[i]);
	close(self->fd);
	close(self->ctl);
	EXPECT_EQ(0, locked_pages());
}

FIXTURE_TEARDOWN(nest)
{
	EXPECT_EQ(0, sim_stats(self->ctl, self->sim).stale);
	stop(self);
}

static __u64 alloc_table(struct table_builder *b)
{
	struct fixture_nest *self = b->data;

	return self->next_table < PAGES ? gpa(self->next_table++) : 0;
}

static __u64 *at_table(struct table_builder *b, __u64 addr)
{
	struct fixture_nest *self = b->data;

	return (__u64 *)(self->mem + (addr - GPA));
}

static struct table_builder builder(struct fixture_nest *self, uint32_t format, uint32_t width)
{
	struct table_builder b = {
		.format = format, .width = width, .alloc = alloc_table, .at = at_table,
		.data = self,
	};

	ASSERT_EQ(0, table_start(&b));
	return b;
}

static int user_space(struct fixture_nest *self, const struct table_builder *b)
{
	int id = do_alloc_user(self->fd, self->parent, b->format, b->width, b->root);

	ASSERT_LT(0, id);
	return id;
}

/* Which page of the memory the device reads at an IOVA; a status beyond PAGES. */
#define reads_page(self, i, iova, ...) ({					\
	uint32_t __status;							\
										\
	mark(self);								\
	__status = sim_read((self)->dev[i], iova, PAGE, 0, __VA_ARGS__);	\
	__status ? PAGES + __status : page_in((self)->sram[i]);			\
})
#define STATUS(status)	(PAGES + IOASID_SIM_##status)

/* Each page of the first half has a content of its own. */
static void mark(struct fixture_nest *self)
{
	for (unsigned int i = 0; i < TABLES; i++)
		fill(self->mem + i * PAGE, PAGE, 100 + i);
}

static unsigned long page_in(const uint8_t *sram)
{
	for (unsigned int i = 0; i < TABLES; i++)
		if (mismatch(sram, PAGE, 100 + i) == PAGE)
			return i;
	return ~0UL;
}

/* The device writes a page at an IOVA: it arrives in page @page and nowhere else. */
#define writes_page(self, i, iova, page, ...) ({				\
	mark(self);								\
	fill((self)->sram[i], PAGE, 7);						\
	!sim_write((self)->dev[i], iova, PAGE, 0, __VA_ARGS__) &&		\
	only_page_is(self, page, 7);						\
})

static bool only_page_is(struct fixture_nest *self, unsigned int page, unsigned int seed)
{
	for (unsigned int i = 0; i < TABLES; i++)
		if (mismatch(self->mem + i * PAGE, PAGE, i == page ? seed : 100 + i) != PAGE)
			return false;
	return true;
}

TEST_F(nest, s4, "S4 hardware nesting: a guest's table on a parent")
{
	struct table_builder b = builder(self, X86, 48);
	int user;

	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(3), PAGE, GUEST_RW));
	user = user_space(self, &b);
	test_attach(self->dev[1], user);
	EXPECT_EQ(3, reads_page(self, 1, GIOVA));
	EXPECT_TRUE(writes_page(self, 1, GIOVA, 3));
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_page(self, 1, gpa(3)));
	EXPECT_EQ(3, reads_page(self, 0, gpa(3)));

	/* What the guest adds works without a call, what it removes stays cached. */
	ASSERT_EQ(0, table_map(&b, GIOVA + PAGE, gpa(4), PAGE, TABLE_R));
	EXPECT_EQ(4, reads_page(self, 1, GIOVA + PAGE));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_write(self->dev[1], GIOVA + PAGE, PAGE, 0));
	ASSERT_EQ(0, table_unmap(&b, GIOVA, PAGE));
	EXPECT_EQ(3, reads_page(self, 1, GIOVA));
	test_invalidate(self->fd, user, GIOVA, PAGE);
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_page(self, 1, GIOVA));
	EXPECT_EQ(4, reads_page(self, 1, GIOVA + PAGE));

	test_err_map(EOPNOTSUPP, self->fd, user, self->mem, 0, PAGE);
	test_err_unmap(EOPNOTSUPP, self->fd, user, 0, PAGE);
	EXPECT_ERRNO(EBUSY, do_free(self->fd, self->parent));
	test_detach(self->dev[1], user);
	EXPECT_EQ(5, reads_page(self, 1, gpa(5)));
}

TEST_F(nest, outside, "a guest's table reaches nothing outside its parent")
{
	struct table_builder b = builder(self, X86, 48);
	int user;

	ASSERT_EQ(0, table_map(&b, GIOVA, GPA - PAGE, PAGE, GUEST_RW));
	ASSERT_EQ(0, table_map(&b, GIOVA + PAGE, gpa(PAGES), PAGE, GUEST_RW));
	ASSERT_EQ(0, table_map(&b, GIOVA + 2 * PAGE, 0, PAGE, GUEST_RW));
	/* A table that is not in the parent: the entry above points there. */
	ASSERT_EQ(0, table_map(&b, 1ULL << 39, gpa(1), PAGE, GUEST_RW));
	at_table(&b, b.root)[1] = 0x1000 | 0x7;
	user = user_space(self, &b);
	test_attach(self->dev[1], user);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(STATUS(FAULT_STAGE2), reads_page(self, 1, GIOVA + i * PAGE));
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads_page(self, 1, 1ULL << 39));

	/* The parent takes a page away: gone at once, whatever the guest says. */
	ASSERT_EQ(0, table_map(&b, GIOVA + 8 * PAGE, gpa(2), PAGE, GUEST_RW));
	EXPECT_EQ(2, reads_page(self, 1, GIOVA + 8 * PAGE));
	test_unmap(self->fd, self->parent, GPA, PAGES * PAGE);
	EXPECT_LT(PAGES, reads_page(self, 1, GIOVA + 8 * PAGE));
	test_map(self->fd, self->parent, self->mem, GPA, PAGES * PAGE);
	EXPECT_EQ(2, reads_page(self, 1, GIOVA + 8 * PAGE));
}

TEST_F(nest, formats, "every table format, in hardware, both directions and permissions")
{
	static const struct { uint32_t format, width; } formats[] = {
		{ IOASID_FORMAT_X86_64_4LEVEL, 48 }, { IOASID_FORMAT_X86_64_5LEVEL, 57 },
		{ IOASID_FORMAT_ARM_LPAE_4K, 48 }, { IOASID_FORMAT_ARM_LPAE_4K, 39 },
		{ IOASID_FORMAT_RISCV_SV39, 39 }, { IOASID_FORMAT_RISCV_SV48, 48 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		struct table_builder b;
		int user;

		memset(self->mem + TABLES * PAGE, 0, (PAGES - TABLES) * PAGE);
		self->next_table = TABLES;
		b = builder(self, formats[i].format, formats[i].width);
		ASSERT_EQ(0, table_map(&b, GIOVA, gpa(6), PAGE, GUEST_RW));
		ASSERT_EQ(0, table_map(&b, 1ULL << 30, gpa(7), PAGE, TABLE_R));
		user = user_space(self, &b);
		test_attach(self->dev[1], user);
		diag("format %u, %u bits", formats[i].format, formats[i].width);
		EXPECT_EQ(6, reads_page(self, 1, GIOVA));
		EXPECT_TRUE(writes_page(self, 1, GIOVA, 6));
		EXPECT_EQ(7, reads_page(self, 1, 1ULL << 30));
		EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION,
			  sim_write(self->dev[1], 1ULL << 30, PAGE, 0));
		EXPECT_LT(PAGES, reads_page(self, 1, GIOVA + PAGE));
		test_detach(self->dev[1], user);
		test_free(self->fd, user);
	}
}

TEST_F(nest, s5, "S5 guest SVA: each PASID of a device has a space of its own")
{
	struct table_builder a = builder(self, X86, 48), b = builder(self, X86, 48);
	int user[2];

	ASSERT_EQ(0, table_map(&a, GIOVA, gpa(8), PAGE, GUEST_RW));
	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(9), PAGE, GUEST_RW));
	user[0] = user_space(self, &a);
	user[1] = user_space(self, &b);
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], user[0], 5));
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], user[1], 6));
	ASSERT_EQ(0, do_attach_pasid(self->dev[1], user[1], 5));
	EXPECT_EQ(8, reads_page(self, 0, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 5));
	EXPECT_EQ(9, reads_page(self, 0, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 6));
	EXPECT_EQ(9, reads_page(self, 1, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 5));
	EXPECT_TRUE(writes_page(self, 0, GIOVA, 9, .flags = IOASID_SIM_REQ_PASID, .pasid = 6));
	/* Without PASID it is the parent still. */
	EXPECT_EQ(1, reads_page(self, 0, gpa(1)));
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_page(self, 0, GIOVA));
	EXPECT_EQ(STATUS(FAULT_PASID),
		  reads_page(self, 0, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 7));
	/* Detached, a PASID reaches nothing, and the others go on. */
	ASSERT_EQ(0, do_detach_pasid(self->dev[0], user[1], 6));
	EXPECT_EQ(STATUS(FAULT_PASID),
		  reads_page(self, 0, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 6));
	EXPECT_EQ(8, reads_page(self, 0, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 5));
	EXPECT_EQ(9, reads_page(self, 1, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 5));
}

TEST_F(nest, pasid_kernel, "PASIDs of kernel-managed spaces, roots and children")
{
	int other = test_alloc(self->fd), child = test_create_nesting(self->fd, self->parent);
	struct ioasid_map_dma map = {
		.argsz = sizeof(map), .flags = RW, .ioasid = child, .vaddr = gpa(2), .iova = 0,
		.size = PAGE,
	};

	test_map(self->fd, other, self->mem + 10 * PAGE, GIOVA, PAGE);
	ASSERT_EQ(0, ioctl(self->fd, IOASID_MAP_DMA, &map));
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], other, 1));
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], child, 2));
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], self->parent, 3));
	EXPECT_EQ(10, reads_page(self, 0, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 1));
	EXPECT_EQ(2, reads_page(self, 0, 0, .flags = IOASID_SIM_REQ_PASID, .pasid = 2));
	EXPECT_EQ(12, reads_page(self, 0, gpa(12), .flags = IOASID_SIM_REQ_PASID, .pasid = 3));
	test_unmap(self->fd, other, GIOVA, PAGE);
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT),
		  reads_page(self, 0, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 1));
	EXPECT_ERRNO(EBUSY, do_free(self->fd, other));
	ASSERT_EQ(0, ioctl(self->dev[0], VFIO_UNBIND_IOASID_FD));	/* takes its PASIDs along */
	test_free(self->fd, other);
	test_free(self->fd, child);
}

TEST_F(nest, e23, "E23 a PASID is attached once, and only what is can be detached")
{
	int other = test_alloc(self->fd);

	ASSERT_EQ(0, do_attach_pasid(self->dev[0], other, 5));
	EXPECT_ERRNO(EBUSY, do_attach_pasid(self->dev[0], other, 5));
	EXPECT_ERRNO(EBUSY, do_attach_pasid(self->dev[0], self->parent, 5));
	EXPECT_ERRNO(ENOENT, do_detach_pasid(self->dev[0], self->parent, 5));
	EXPECT_ERRNO(ENOENT, do_detach_pasid(self->dev[0], other, 6));
	EXPECT_ERRNO(ENOENT, do_detach_pasid(self->dev[1], other, 5));
	EXPECT_ERRNO(ENOENT, do_attach_pasid(self->dev[0], 4000, 6));
	EXPECT_ERRNO(EINVAL, do_attach_pasid(self->dev[0], other, 0));
	EXPECT_ERRNO(EINVAL, do_attach_pasid(self->dev[0], other, 256));
	EXPECT_ERRNO(EINVAL, do_attach_pasid(self->dev[0], other, ~0U));
	EXPECT_EQ(0, do_attach_pasid(self->dev[0], other, 255));
	EXPECT_EQ(0, do_detach_pasid(self->dev[0], other, 5));
	EXPECT_EQ(0, do_attach_pasid(self->dev[0], self->parent, 5));
}

TEST_F(nest, e7, "E7 a child of CREATE_NESTING is attached where its parent is")
{
	int root = test_alloc(self->fd), child = test_create_nesting(self->fd, root);

	EXPECT_ERRNO(EINVAL, do_attach_pasid(self->dev[0], child, 5));
	test_err_attach(EINVAL, self->dev[0], child);
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], root, 4));
	EXPECT_EQ(0, do_attach_pasid(self->dev[0], child, 5));
	/* By default the device is elsewhere. */
	test_err_attach(EBUSY, self->dev[0], child);
}

/*
 * Invalidation
 */
TEST_F(nest, scopes, "INVALIDATE_CACHE: range, device, PASID, arrays")
{
	const uint32_t pasid = IOASID_SIM_REQ_PASID;
	struct table_builder b = builder(self, X86, 48);
	struct ioasid_invalidate req[3] = { };
	int user;
	uint32_t nr = 1;

	ASSERT_EQ(0, table_map(&b, 0, GPA, 16 * PAGE, GUEST_RW));
	user = user_space(self, &b);
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], user, 5));
	test_attach(self->dev[1], user);
	for (int i = 0; i < 16; i++) {
		EXPECT_EQ(i, reads_page(self, 0, i * PAGE, .flags = pasid, .pasid = 5));
		EXPECT_EQ(i, reads_page(self, 1, i * PAGE));
	}
	ASSERT_EQ(0, table_unmap(&b, 0, 16 * PAGE));

	/* The middle of a range; nothing else. */
	req[0].flags = IOASID_INVALIDATE_RANGE;
	req[0].iova = 4 * PAGE + 8;
	req[0].size = PAGE;
	EXPECT_EQ(0, do_invalidations(self->fd, user, req, &nr));
	EXPECT_EQ(1, nr);
	EXPECT_EQ(3, reads_page(self, 1, 3 * PAGE));
	EXPECT_LT(PAGES, reads_page(self, 1, 4 * PAGE));
	EXPECT_LT(PAGES, reads_page(self, 1, 5 * PAGE));
	EXPECT_EQ(6, reads_page(self, 1, 6 * PAGE));

	/* An array whose last request names a PASID that the space does not have. */
	memset(req, 0, sizeof(req));
	for (int i = 0; i < 2; i++) {
		req[i].flags = IOASID_INVALIDATE_RANGE;
		req[i].iova = (8 + i) * PAGE;
		req[i].size = PAGE;
	}
	req[2].flags = IOASID_INVALIDATE_PASID;
	req[2].pasid = 9;
	nr = 3;
	EXPECT_ERRNO(EINVAL, do_invalidations(self->fd, user, req, &nr));
	EXPECT_EQ(2, nr);
	EXPECT_LT(PAGES, reads_page(self, 1, 8 * PAGE));
	EXPECT_LT(PAGES, reads_page(self, 1, 9 * PAGE));
	EXPECT_EQ(10, reads_page(self, 1, 10 * PAGE));

	/* All of what one device, then one PASID uses. */
	memset(req, 0, sizeof(req));
	req[0].flags = IOASID_INVALIDATE_DEVICE;
	req[0].cookie = SIM_COOKIE + 1;
	nr = 1;
	EXPECT_EQ(0, do_invalidations(self->fd, user, req, &nr));
	EXPECT_LT(PAGES, reads_page(self, 1, 10 * PAGE));
	req[0].flags = IOASID_INVALIDATE_PASID;
	req[0].cookie = 0;
	req[0].pasid = 5;
	nr = 1;
	EXPECT_EQ(0, do_invalidations(self->fd, user, req, &nr));
	EXPECT_LT(PAGES, reads_page(self, 0, 12 * PAGE, .flags = pasid, .pasid = 5));
	req[0].flags = IOASID_INVALIDATE_DEVICE;
	req[0].pasid = 0;
	req[0].cookie = 77;
	nr = 1;
	EXPECT_ERRNO(EINVAL, do_invalidations(self->fd, user, req, &nr));
	EXPECT_EQ(0, nr);
}

TEST_F(nest, invalidate_arguments, "INVALIDATE_CACHE refuses what cannot be")
{
	struct table_builder b = builder(self, X86, 48);
	int user = user_space(self, &b);
	struct ioasid_invalidate req = { .size = PAGE };
	uint32_t nr = 1;

	EXPECT_ERRNO(EINVAL, do_invalidations(self->fd, user, &req, &nr));
	req.flags = IOASID_INVALIDATE_RANGE;
	req.iova = UINT64_MAX - PAGE + 2;
	nr = 1;
	EXPECT_ERRNO(EINVAL, do_invalidations(self->fd, user, &req, &nr));
	req.size = 0;
	nr = 1;
	EXPECT_ERRNO(EINVAL, do_invalidations(self->fd, user, &req, &nr));
	req = (struct ioasid_invalidate){ .flags = 1U << 31 };
	nr = 1;
	EXPECT_ERRNO(EOPNOTSUPP, do_invalidations(self->fd, user, &req, &nr));
	req = (struct ioasid_invalidate){ .caches = IOASID_CACHE_PASID };
	nr = 1;
	EXPECT_ERRNO(EOPNOTSUPP, do_invalidations(self->fd, user, &req, &nr));
	req = (struct ioasid_invalidate){ .pasid = 1 };
	nr = 1;
	EXPECT_ERRNO(EINVAL, do_invalidations(self->fd, user, &req, &nr));
	nr = 0;
	EXPECT_ERRNO(EINVAL, do_invalidations(self->fd, user, &req, &nr));
	nr = IOASID_MAX_INVALIDATIONS + 1;
	EXPECT_ERRNO(EINVAL, do_invalidations(self->fd, user, &req, &nr));
	nr = 1;
	EXPECT_ERRNO(EFAULT, do_invalidations(self->fd, user, (void *)8, &nr));
	test_invalidate(self->fd, user, 0, 0);
}

TEST_F(nest, two_step, "v1's spelling in hardware: CREATE_NESTING, ATTACH, BIND, UNBIND")
{
	struct table_builder b = builder(self, X86, 48);
	int child = test_create_nesting(self->fd, self->parent);

	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(3), PAGE, GUEST_RW));
	test_attach(self->dev[0], child);
	ASSERT_EQ(0, do_attach_pasid(self->dev[1], child, 9));
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_page(self, 0, GIOVA));
	ASSERT_EQ(0, do_table(self->fd, IOASID_BIND_PGTABLE, child, X86, 48, b.root));
	EXPECT_EQ(3, reads_page(self, 0, GIOVA));
	EXPECT_EQ(3, reads_page(self, 1, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 9));
	/* In hardware: the guest's next entry needs no call. */
	ASSERT_EQ(0, table_map(&b, GIOVA + PAGE, gpa(4), PAGE, GUEST_RW));
	EXPECT_EQ(4, reads_page(self, 0, GIOVA + PAGE));
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-mappings", child));
	ASSERT_EQ(0, do_table(self->fd, IOASID_UNBIND_PGTABLE, child, 0, 0, 0));
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_page(self, 0, GIOVA));
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT),
		  reads_page(self, 1, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 9));
}

TEST_F(nest, s9, "S9 formats, nesting and PASIDs are told before any space exists")
{
	struct {
		struct ioasid_device_info info;
		uint8_t room[4096];
	} reply = { };
	struct ioasid_cap_formats *cap;

	ASSERT_TRUE(!do_device_info(self->fd, SIM_COOKIE, &reply.info, sizeof(reply)));
	EXPECT_EQ(256, reply.info.max_pasids);
	EXPECT_TRUE(reply.info.flags & IOASID_DEV_INFO_PASID);
	cap = find_cap(&reply, reply.info.cap_offset, IOASID_CAP_FORMATS);
	ASSERT_TRUE(cap);
	EXPECT_EQ(5, cap->nr_formats);
	for (unsigned int i = 0; i < cap->nr_formats; i++)
		EXPECT_EQ(IOASID_FORMAT_HW | IOASID_FORMAT_SW, cap->formats[i].flags);
}

/* Without nesting in hardware the same works in software. */
TEST(software, "the same table is followed in software where the IOMMU cannot nest")
{
	struct fixture_nest f = { }, *self = &f;
	struct table_builder b;
	int user;

	start(self, IOASID_SIM_CAP_PASID);
	b = builder(self, IOASID_FORMAT_RISCV_SV39, 39);
	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(3), 4 * PAGE, GUEST_RW));
	user = user_space(self, &b);
	ASSERT_EQ(0, do_attach_pasid(self->dev[1], user, 17));
	EXPECT_EQ(3, reads_page(self, 1, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 17));
	EXPECT_EQ(1, fdinfo_get_n(self->fd, "ioasid-mappings", user));
	ASSERT_EQ(0, table_unmap(&b, GIOVA, 2 * PAGE));
	EXPECT_EQ(3, reads_page(self, 1, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 17));
	test_invalidate(self->fd, user, GIOVA, PAGE);
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT),
		  reads_page(self, 1, GIOVA, .flags = IOASID_SIM_REQ_PASID, .pasid = 17));
	EXPECT_EQ(5, reads_page(self, 1, GIOVA + 2 * PAGE, .flags = IOASID_SIM_REQ_PASID,
				.pasid = 17));
	stop(self);
}

/* The level below the top lies where devices may only write. */
TEST(unreadable, "a table that the parent does not let read is not followed")
{
	struct fixture_nest f = { }, *self = &f;
	struct ioasid_map_dma map = {
		.argsz = sizeof(map), .flags = IOASID_MAP_WRITE, .size = PAGE,
	};
	struct table_builder b;
	int user;

	start(self, 0);
	b = builder(self, X86, 48);
	ASSERT_EQ(0, table_map(&b, GIOVA, gpa(3), PAGE, GUEST_RW));
	test_unmap(self->fd, self->parent, GPA, PAGES * PAGE);
	test_map(self->fd, self->parent, self->mem, GPA, (TABLES + 1) * PAGE);
	map.ioasid = self->parent;
	for (unsigned int i = TABLES + 1; i < PAGES; i++) {
		map.vaddr = (uintptr_t)self->mem + i * PAGE;
		map.iova = gpa(i);
		ASSERT_EQ(0, ioctl(self->fd, IOASID_MAP_DMA, &map));
	}
	user = user_space(self, &b);
	test_attach(self->dev[1], user);
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-mappings", user));
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_page(self, 1, GIOVA));
	stop(self);
}

TEST(no_pasid, "a PASID of a device without is EOPNOTSUPP")
{
	struct fixture_nest f = { }, *self = &f;

	start(self, IOASID_SIM_CAP_NESTING);
	EXPECT_ERRNO(EOPNOTSUPP, do_attach_pasid(self->dev[0], self->parent, 5));
	stop(self);
}

HARNESS_MAIN
