// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sub-devices: parts of a simulated device that share its RID and are told apart by
 * PASIDs of the kernel's choice (RFC v1, 4: v != p). Bytes are compared on both sides,
 * and what is in the IOMMU's PASID table with what it should be.
 */
#include "subdev_fixture.h"
#include "table_build.h"

TEST_F(sub, apart, "two parts of one RID: each reaches its own space and nothing else")
{
	char attached_to[64], *text;
	uint32_t p[SUBS];

	for (int i = 0; i < SUBS; i++)
		EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(self->dev[i], 0, 8, 0));
	for (int i = 0; i < SUBS; i++)
		p[i] = attached(self, 0, do_attach(self->dev[i], self->space[i]));
	EXPECT_NE(p[0], p[1]);
	for (int i = 0; i < SUBS; i++) {
		EXPECT_NE(0, p[i]);
		EXPECT_EQ(i, reads(self, i));
		EXPECT_EQ(i, reads(self, i, .flags = ATS));
		EXPECT_TRUE(writes(self, i, i));
		EXPECT_TRUE(writes(self, i, i, .flags = ATS));
		EXPECT_EQ(i, reads(self, i));
	}
	/* What only the other's space has. */
	test_map(self->fd, self->space[1], self->mem[1], MIB, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(self->dev[1], MIB, PAGE, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->dev[0], MIB, PAGE, 0));
	/* Shown by their own names. */
	text = fdinfo_text(self->fd);
	for (int i = 0; i < SUBS; i++) {
		snprintf(attached_to, sizeof(attached_to), "ioasid-attached-%d:\tsim%d.0.%d\n",
			 self->space[i], self->sim, i);
		EXPECT_TRUE(strstr(text, attached_to));
	}
	EXPECT_EQ(2, text_value(text, "ioasid-devices", 0));
	free(text);

	test_detach(self->dev[0], self->space[0]);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(self->dev[0], 0, 8, 0));
	EXPECT_EQ(1, reads(self, 1));
	EXPECT_EQ(1, wire_of(self, 0).nr);
}

TEST_F(sub, same_pasid, "the same PASID of two parts: other spaces, other numbers on the wire")
{
	const uint32_t v = 200;
	struct wire wire;

	for (int i = 0; i < SUBS; i++) {
		ASSERT_EQ(0, do_attach_pasid(self->dev[i], self->space[i], v));
		ASSERT_EQ(0, do_attach(self->dev[i], self->space[!i]));
	}
	wire = wire_of(self, 0);
	EXPECT_EQ(4, wire.nr);
	EXPECT_FALSE(on_wire(&wire, v));
	for (int i = 0; i < SUBS; i++) {
		EXPECT_EQ(i, reads(self, i, by_pasid(v)));
		EXPECT_TRUE(writes(self, i, i, by_pasid(v)));
		EXPECT_EQ(!i, reads(self, i));
		EXPECT_EQ(i, reads(self, i, .flags = IOASID_SIM_REQ_PASID | ATS, .pasid = v));
		/* Nor is there a PASID that means none. */
		EXPECT_EQ(IOASID_SIM_BAD_REQUEST, sim_read(self->dev[i], 0, 8, 0, by_pasid(~0U)));
		/* Whatever number a user gives, it is not one on the wire. */
		for (uint32_t w = 0; w < wire.nr; w++)
			EXPECT_EQ(IOASID_SIM_FAULT_PASID,
				  sim_read(self->dev[i], 0, 8, 0, by_pasid(wire.pasids[w])));
	}
	ASSERT_EQ(0, do_detach_pasid(self->dev[0], self->space[0], v));
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, sim_read(self->dev[0], 0, 8, 0, by_pasid(v)));
	EXPECT_EQ(1, reads(self, 0));
	EXPECT_EQ(1, reads(self, 1, by_pasid(v)));
}

TEST_F(sub, info, "what is told about a part, and to root of the wire")
{
	struct ioasid_device_info part, whole;
	int dev = sim_open(self->sim, 1);
	uint32_t nr = 0, one;

	test_bind(dev, self->fd, SIM_COOKIE + 9);
	test_device_info(self->fd, SIM_COOKIE + 9, &whole, sizeof(whole));
	test_device_info(self->fd, SIM_COOKIE, &part, sizeof(part));
	EXPECT_EQ(IOASID_DEV_INFO_PASID, whole.flags & IOASID_DEV_INFO_PASID);
	EXPECT_EQ(whole.flags | IOASID_DEV_INFO_PASID_VIRT, part.flags);
	EXPECT_EQ(256, part.max_pasids);
	EXPECT_EQ(whole.pgsize_bitmap, part.pgsize_bitmap);

	test_attach(self->dev[0], self->space[0]);
	test_attach(self->dev[1], self->space[0]);
	EXPECT_EQ(0, do_get_pasids(self->ctl, self->sim, 0, NULL, &nr));
	EXPECT_EQ(2, nr);
	nr = 1;
	EXPECT_EQ(0, do_get_pasids(self->ctl, self->sim, 0, &one, &nr));
	EXPECT_EQ(2, nr);
	EXPECT_EQ(wire_of(self, 0).pasids[0], one);
	EXPECT_ERRNO(EFAULT, do_get_pasids(self->ctl, self->sim, 0, NULL, &nr));
	EXPECT_ERRNO(ENOENT, do_get_pasids(self->ctl, self->sim, 2, &one, &nr));
	EXPECT_ERRNO(ENOENT, do_get_pasids(self->ctl, 63, 0, &one, &nr));
	nr = IOASID_SIM_MAX_PASIDS + 1;
	EXPECT_ERRNO(EINVAL, do_get_pasids(self->ctl, self->sim, 0, &one, &nr));
}

TEST_F(sub, e23, "E23 each PASID once; refusals change nothing")
{
	int wide = test_alloc(self->fd);

	/* Beyond what the IOMMU translates. */
	test_map(self->fd, wide, self->mem[0], 1ULL << 50, PAGE);
	test_attach(self->dev[0], self->space[0]);
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], self->space[0], 5));
	EXPECT_EQ(2, wire_of(self, 0).nr);
	REFUSED(EBUSY, do_attach(self->dev[0], self->space[0]));
	REFUSED(EBUSY, do_attach(self->dev[0], self->space[1]));
	REFUSED(EBUSY, do_attach_pasid(self->dev[0], self->space[0], 5));
	REFUSED(EBUSY, do_attach_pasid(self->dev[0], self->space[1], 5));
	REFUSED(EINVAL, do_attach_pasid(self->dev[0], self->space[1], 0));
	REFUSED(EINVAL, do_attach_pasid(self->dev[0], self->space[1], 256));
	REFUSED(EINVAL, do_attach_pasid(self->dev[0], self->space[1], ~0U));
	REFUSED(ENOENT, do_attach_pasid(self->dev[0], 4000, 6));
	REFUSED(ENOENT, do_attach(self->dev[1], 4000));
	REFUSED(EINVAL, do_attach(self->dev[1], wide));
	REFUSED(EINVAL, do_attach_pasid(self->dev[1], wide, 6));
	REFUSED(ENOENT, do_detach(self->dev[0], self->space[1]));
	REFUSED(ENOENT, do_detach(self->dev[1], self->space[0]));
	REFUSED(ENOENT, do_detach_pasid(self->dev[0], self->space[1], 5));
	REFUSED(ENOENT, do_detach_pasid(self->dev[1], self->space[0], 5));
	REFUSED(ENOENT, do_detach_pasid(self->dev[0], self->space[0], 6));
	REFUSED(EBUSY, do_free(self->fd, self->space[0]));
	/* Memory runs out when the table is filled. */
	ASSERT_EQ(0, do_sim_inject(self->ctl, self->sim, 0, 1));
	REFUSED(ENOMEM, do_attach_pasid(self->dev[1], self->space[1], 5));
	EXPECT_EQ(0, do_attach_pasid(self->dev[1], self->space[1], 5));
	EXPECT_EQ(0, reads(self, 0, by_pasid(5)));
	EXPECT_EQ(1, reads(self, 1, by_pasid(5)));
}

TEST_F(sub, shared, "one space for several parts and PASIDs; unmap concerns them all")
{
	for (int i = 0; i < SUBS; i++) {
		test_attach(self->dev[i], self->space[0]);
		ASSERT_EQ(0, do_attach_pasid(self->dev[i], self->space[0], 3 + i));
		EXPECT_EQ(0, reads(self, i));
		EXPECT_EQ(0, reads(self, i, by_pasid(3 + i)));
	}
	EXPECT_EQ(1, fdinfo_get_n(self->fd, "ioasid-domains", self->space[0]));
	test_unmap(self->fd, self->space[0], 0, PAGES * PAGE);
	for (int i = 0; i < SUBS; i++) {
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->dev[i], 0, 8, 0));
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT,
			  sim_read(self->dev[i], 0, 8, 0, by_pasid(3 + i)));
	}
}

TEST(limit, "PASIDs of the RID run out for all parts, and come back")
{
	struct fixture_sub f = { }, *self = &f;

	start(self, 2, 0);	/* 1, 2, 3 */
	test_attach(self->dev[0], self->space[0]);
	test_attach(self->dev[1], self->space[1]);
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, do_attach_pasid(self->dev[0], self->space[0], 1));
		REFUSED(ENOSPC, do_attach_pasid(self->dev[1], self->space[1], 1));
		REFUSED(ENOSPC, do_attach_pasid(self->dev[0], self->space[1], 3));
		REFUSED(EINVAL, do_attach_pasid(self->dev[0], self->space[1], 4));
		EXPECT_EQ(0, reads(self, 0, by_pasid(1)));
		ASSERT_EQ(0, do_detach_pasid(self->dev[0], self->space[0], 1));
		ASSERT_EQ(0, do_attach_pasid(self->dev[1], self->space[1], 1));
		EXPECT_EQ(1, reads(self, 1, by_pasid(1)));
		ASSERT_EQ(0, do_detach_pasid(self->dev[1], self->space[1], 1));
	}
	EXPECT_EQ(2, wire_of(self, 0).nr);
	stop(self);
}

TEST(global, "global pool: a PASID of one context is one number on all its RIDs")
{
	struct fixture_sub f = { }, *self = &f;
	int dev, other_dev, other_fd, other_space, narrow, narrow_dev;
	uint32_t p, q, d[2];
	struct ioasid_device_info info;

	start(self, 8, IOASID_SIM_GLOBAL_PASIDS);
	dev = bound(self, self->sim, 1, 0, SIM_COOKIE + 2);
	test_device_info(self->fd, SIM_COOKIE + 2, &info, sizeof(info));
	EXPECT_TRUE(info.flags & IOASID_DEV_INFO_PASID_GLOBAL);
	EXPECT_TRUE(info.flags & IOASID_DEV_INFO_PASID_VIRT);
	/* Defaults are each one's own. */
	d[0] = attached(self, 0, do_attach(self->dev[0], self->space[0]));
	d[1] = attached(self, 1, do_attach(dev, self->space[0]));
	EXPECT_NE(d[0], d[1]);
	p = attached(self, 0, do_attach_pasid(self->dev[0], self->space[0], 200));
	EXPECT_NE(200, p);
	EXPECT_EQ(p, attached(self, 1, do_attach_pasid(dev, self->space[1], 200)));
	q = attached(self, 0, do_attach_pasid(self->dev[0], self->space[1], 201));
	EXPECT_NE(p, q);
	EXPECT_EQ(0, reads(self, 0, by_pasid(200)));
	EXPECT_EQ(1, reads(self, 0, by_pasid(201)));
	/* A sibling would have the same number on the same RID. */
	REFUSED(EBUSY, do_attach_pasid(self->dev[1], self->space[1], 200));
	EXPECT_EQ(0, do_attach_pasid(self->dev[1], self->space[1], 202));

	/* Another context is another guest. */
	other_fd = test_open();
	other_space = test_alloc(other_fd);
	other_dev = sim_open_sub(self->sim, 1, 1);
	test_bind(other_dev, other_fd, SIM_COOKIE);
	EXPECT_NE(p, attached(self, 1, do_attach_pasid(other_dev, other_space, 200)));

	/* The number stays as long as one of the context's devices has it. */
	ASSERT_EQ(0, do_detach_pasid(self->dev[0], self->space[0], 200));
	EXPECT_EQ(p, attached(self, 0, do_attach_pasid(self->dev[1], self->space[1], 200)));
	EXPECT_EQ(1, reads(self, 1, by_pasid(200)));
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, sim_read(self->dev[0], 0, 8, 0, by_pasid(200)));

	/* An IOMMU with one PASID: the second number that was given out is too wide. */
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], self->space[0], 1));
	narrow = sim_create(self->ctl, .caps = IOASID_SIM_CAP_PASID, .pasid_bits = 1,
			    .nr_devices = 1, .nr_subdevices = 1,
			    .flags = IOASID_SIM_GLOBAL_PASIDS);
	narrow_dev = bound(self, narrow, 0, 0, SIM_COOKIE + 3);
	REFUSED(ENOSPC, do_attach_pasid(narrow_dev, self->space[0], 1));
	close(narrow_dev);
	close(other_dev);
	close(other_fd);
	close(dev);
	EXPECT_EQ(0, wire_of(self, 1).nr);
	stop(self);
}

TEST_F(sub, exclusion, "a device or its parts, never both; parts go to several users")
{
	int whole = sim_open(self->sim, 0), fd = test_open(), space = test_alloc(fd), dev;

	REFUSED(EBUSY, do_bind(whole, self->fd, 7));
	REFUSED(EBUSY, do_bind(whole, fd, 7));
	EXPECT_ERRNO(EBUSY, do_sim_open_sub(self->sim, 0, 0));
	REFUSED(EBUSY, do_bind(self->dev[0], self->fd, 7));
	test_unbind(self->dev[0]);
	REFUSED(EEXIST, do_bind(self->dev[0], self->fd, SIM_COOKIE + 1));
	REFUSED(EBUSY, do_bind(whole, self->fd, 7));

	/* The other user's part has the same RID and the same PASID. */
	test_bind(self->dev[0], fd, SIM_COOKIE + 1);
	test_map(fd, space, self->mem[0], 0, PAGES * PAGE);
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], space, 5));
	ASSERT_EQ(0, do_attach_pasid(self->dev[1], self->space[1], 5));
	EXPECT_EQ(0, reads(self, 0, by_pasid(5)));
	EXPECT_EQ(1, reads(self, 1, by_pasid(5)));
	test_unbind(self->dev[0]);
	EXPECT_EQ(1, wire_of(self, 0).nr);
	EXPECT_EQ(1, reads(self, 1, by_pasid(5)));

	test_unbind(self->dev[1]);
	EXPECT_EQ(0, wire_of(self, 0).nr);
	test_bind(whole, self->fd, 7);
	for (int i = 0; i < SUBS; i++) {
		REFUSED(EBUSY, do_bind(self->dev[i], self->fd, 8));
		REFUSED(EBUSY, do_bind(self->dev[i], fd, 8));
	}
	/* The other device is another RID. */
	dev = bound(self, self->sim, 1, 0, 9);
	close(dev);
	test_attach(whole, self->space[1]);
	test_unbind(whole);
	test_bind(self->dev[0], self->fd, 8);
	close(fd);
}

TEST_F(sub, unfit, "parts of devices that cannot have any")
{
	static const struct { uint32_t caps, group; int err; } cases[] = {
		{ CAPS, 2, EOPNOTSUPP },
		{ CAPS | IOASID_SIM_CAP_NON_COHERENT, 1, EPERM },
		{ CAPS | IOASID_SIM_CAP_NO_MSI_REMAP, 1, EPERM },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		int sim = sim_create(self->ctl, .caps = cases[i].caps, .pasid_bits = 8,
				     .nr_devices = 2, .group_size = cases[i].group,
				     .nr_subdevices = 1);
		int dev = sim_open_sub(sim, 1, 0);

		REFUSED(cases[i].err, do_bind(dev, self->fd, 7));
		close(dev);
		ASSERT_EQ(0, do_sim_destroy(self->ctl, sim));
	}
	test_err_sim_create(EINVAL, self->ctl, .nr_devices = 1, .caps = IOASID_SIM_CAP_PASID,
			    .pasid_bits = 4, .nr_subdevices = IOASID_SIM_MAX_SUBDEVICES + 1);
}

TEST_F(sub, child, "a child takes its parent's place in a part's default, and gives it back")
{
	int root = self->space[0], child = test_create_nesting(self->fd, root);
	int grandchild = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, child, 0, 0);

	ASSERT_LT(0, grandchild);
	ASSERT_EQ(0, do_map(self->fd, child, 3 * PAGE, 0, PAGE, RW));
	ASSERT_EQ(0, do_map(self->fd, grandchild, 0, 5 * PAGE, PAGE, RW));
	REFUSED(EINVAL, do_attach(self->dev[0], child));	/* E7 */
	test_attach(self->dev[0], root);
	REFUSED(EBUSY, do_attach(self->dev[0], grandchild));
	test_attach(self->dev[0], child);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(self->dev[0], 0, PAGE, 0));
	EXPECT_EQ(0, memcmp(self->sram[0], self->mem[0] + 3 * PAGE, PAGE));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->dev[0], PAGE, PAGE, 0));
	REFUSED(EBUSY, do_attach(self->dev[0], self->space[1]));
	REFUSED(EBUSY, do_detach(self->dev[0], root));
	REFUSED(EBUSY, do_free(self->fd, root));
	test_attach(self->dev[0], grandchild);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(self->dev[0], 5 * PAGE, PAGE, 0));
	EXPECT_EQ(0, memcmp(self->sram[0], self->mem[0] + 3 * PAGE, PAGE));
	EXPECT_EQ(3, wire_of(self, 0).nr);
	/* A PASID of the child, as the parent is there by default. */
	EXPECT_EQ(0, do_attach_pasid(self->dev[0], child, 5));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(self->dev[0], 0, PAGE, 0, by_pasid(5)));
	test_detach(self->dev[0], grandchild);
	test_detach(self->dev[0], child);
	EXPECT_EQ(0, reads(self, 0));
	EXPECT_EQ(2, wire_of(self, 0).nr);
	test_attach(self->dev[0], child);
	test_unbind(self->dev[0]);	/* takes all of them along */
	EXPECT_EQ(0, wire_of(self, 0).nr);
	test_free(self->fd, grandchild);
	test_free(self->fd, child);
}

/* User-managed tables */

#define GPA		0x40000000ULL	/* mem[0] in the parent, tables in its second half */
#define GIOVA		0x2000ULL
#define DATA_PAGES	(PAGES / 2)

struct guest {
	struct fixture_sub *f;
	unsigned int next;
	struct table_builder b;
	int parent, user;
};

static __u64 guest_alloc(struct table_builder *b)
{
	struct guest *g = b->data;

	return g->next < PAGES ? GPA + g->next++ * PAGE : 0;
}

static __u64 *guest_at(struct table_builder *b, __u64 addr)
{
	struct guest *g = b->data;

	return (__u64 *)(g->f->mem[0] + (addr - GPA));
}

/* A space whose table maps GIOVA to page 0 of the data. */
static void guest_start(struct fixture_sub *self, struct guest *g)
{
	memset(self->mem[0] + DATA_PAGES * PAGE, 0, (PAGES - DATA_PAGES) * PAGE);
	g->f = self;
	g->next = DATA_PAGES;
	g->b = (struct table_builder){
		.format = IOASID_FORMAT_X86_64_4LEVEL, .width = 48, .alloc = guest_alloc,
		.at = guest_at, .data = g,
	};
	ASSERT_EQ(0, table_start(&g->b));
	ASSERT_EQ(0, table_map(&g->b, GIOVA, GPA, PAGE, TABLE_R | TABLE_W));
	g->parent = test_alloc(self->fd);
	test_map(self->fd, g->parent, self->mem[0], GPA, PAGES * PAGE);
	g->user = do_alloc_user(self->fd, g->parent, g->b.format, 48, g->b.root);
	ASSERT_LT(0, g->user);
}

/* Now to another page, which no cache knows. */
static void guest_remap(struct guest *g, unsigned int page)
{
	ASSERT_EQ(0, table_unmap(&g->b, GIOVA, PAGE));
	ASSERT_EQ(0, table_map(&g->b, GIOVA, GPA + page * PAGE, PAGE, TABLE_R | TABLE_W));
}

/* Which page of the data the device reads at GIOVA. */
#define guest_page(self, dev, sram, ...) ({					\
	ASSERT_EQ(IOASID_SIM_OK, sim_read(dev, GIOVA, PAGE, 0, __VA_ARGS__));	\
	page_of(self, sram);							\
})

static int page_of(struct fixture_sub *self, const uint8_t *sram)
{
	for (unsigned int i = 0; i < DATA_PAGES; i++)
		if (!memcmp(sram, self->mem[0] + i * PAGE, PAGE))
			return i;
	return -1;
}

static int invalidate_pasid(int fd, int user, uint32_t pasid)
{
	struct ioasid_invalidate req = { .flags = IOASID_INVALIDATE_PASID, .pasid = pasid };
	uint32_t nr = 1;

	return do_invalidations(fd, user, &req, &nr);
}

static int invalidate_device(int fd, int user, uint64_t cookie)
{
	struct ioasid_invalidate req = { .flags = IOASID_INVALIDATE_DEVICE, .cookie = cookie };
	uint32_t nr = 1;

	return do_invalidations(fd, user, &req, &nr);
}

/*
 * One space behind two IOMMUs, so that it has two domains. On the wire each PASID is
 * what the other is for the user: who mixes the two up invalidates the wrong one.
 */
TEST_F(sub, invalidate, "INVALIDATE_CACHE names PASIDs as the user knows them")
{
	const uint32_t v[2] = { 5, 6 };
	int sim = sim_create(self->ctl, .caps = CAPS, .pasid_bits = 8, .nr_devices = 1,
			     .nr_subdevices = 1);
	int dev[2] = { self->dev[0], bound(self, sim, 0, 0, SIM_COOKIE + 2) };
	uint8_t *sram[2] = { self->sram[0], sim_sram(dev[1]) };
	struct guest g;
	uint32_t nr;

	guest_start(self, &g);
	for (int i = 0; i < 2; i++) {
		uint32_t pasids[MAX_PASIDS], others = v[!i] - 1;

		for (uint32_t n = 0; n < others; n++)
			ASSERT_EQ(0, do_attach_pasid(dev[i], g.parent, 100 + n));
		ASSERT_EQ(0, do_attach_pasid(dev[i], g.user, v[i]));
		nr = MAX_PASIDS;
		ASSERT_EQ(0, do_get_pasids(self->ctl, i ? sim : self->sim, 0, pasids, &nr));
		ASSERT_EQ(others + 1, nr);
		ASSERT_EQ(v[!i], pasids[nr - 1]);
		EXPECT_EQ(0, guest_page(self, dev[i], sram[i], by_pasid(v[i])));
	}
	EXPECT_EQ(2, fdinfo_get_n(self->fd, "ioasid-domains", g.user));
	guest_remap(&g, 3);
	ASSERT_EQ(0, invalidate_pasid(self->fd, g.user, v[1]));
	EXPECT_EQ(3, guest_page(self, dev[1], sram[1], by_pasid(v[1])));
	EXPECT_EQ(0, guest_page(self, dev[0], sram[0], by_pasid(v[0])));
	ASSERT_EQ(0, invalidate_pasid(self->fd, g.user, v[0]));
	EXPECT_EQ(3, guest_page(self, dev[0], sram[0], by_pasid(v[0])));

	/* What the space does not have, by whatever number. */
	EXPECT_ERRNO(EINVAL, invalidate_pasid(self->fd, g.user, 1));
	EXPECT_ERRNO(EINVAL, invalidate_pasid(self->fd, g.user, 100));
	EXPECT_ERRNO(EINVAL, invalidate_pasid(self->fd, g.user, ~0U));
	EXPECT_ERRNO(EINVAL, invalidate_device(self->fd, g.user, SIM_COOKIE + 1));

	/* By the label of the part; the default space has no PASID that can be named. */
	ASSERT_EQ(0, do_detach_pasid(dev[0], g.user, v[0]));
	test_attach(dev[0], g.user);
	EXPECT_EQ(3, guest_page(self, dev[0], sram[0]));
	guest_remap(&g, 4);
	EXPECT_ERRNO(EINVAL, invalidate_pasid(self->fd, g.user, ~0U));
	EXPECT_ERRNO(EINVAL, invalidate_pasid(self->fd, g.user, v[0]));
	ASSERT_EQ(0, invalidate_device(self->fd, g.user, SIM_COOKIE + 2));
	EXPECT_EQ(4, guest_page(self, dev[1], sram[1], by_pasid(v[1])));
	EXPECT_EQ(3, guest_page(self, dev[0], sram[0]));
	ASSERT_EQ(0, invalidate_device(self->fd, g.user, SIM_COOKIE));
	EXPECT_EQ(4, guest_page(self, dev[0], sram[0]));
	close(dev[1]);
}

TEST_F(sub, two_step, "CREATE_NESTING and BIND_PGTABLE on parts")
{
	struct guest g;
	int child;

	guest_start(self, &g);
	child = test_create_nesting(self->fd, g.parent);
	test_attach(self->dev[0], g.parent);
	test_attach(self->dev[0], child);
	test_attach(self->dev[1], g.parent);
	ASSERT_EQ(0, do_attach_pasid(self->dev[1], child, 9));
	ASSERT_EQ(0, do_table(self->fd, IOASID_BIND_PGTABLE, child, g.b.format, 48, g.b.root));
	EXPECT_EQ(0, guest_page(self, self->dev[0], self->sram[0]));
	EXPECT_EQ(0, guest_page(self, self->dev[1], self->sram[1], by_pasid(9)));
	guest_remap(&g, 2);
	ASSERT_EQ(0, do_invalidate(self->fd, child, 0, 0));
	EXPECT_EQ(2, guest_page(self, self->dev[0], self->sram[0]));
	EXPECT_EQ(2, guest_page(self, self->dev[1], self->sram[1], by_pasid(9)));
	ASSERT_EQ(0, do_table(self->fd, IOASID_UNBIND_PGTABLE, child, 0, 0, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->dev[0], GIOVA, 8, 0));
	test_detach(self->dev[0], child);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(self->dev[0], GPA, PAGE, 0));
	EXPECT_EQ(0, page_of(self, self->sram[0]));
}

HARNESS_MAIN
