// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of nesting, user-managed tables, PASIDs and invalidations, on a
 * simulated device: behind an IOMMU that walks the table itself, and behind one for
 * which the kernel follows it.
 */
#include "trace_util.h"
#include "user_nest.h"

#define PAGES_MAPPED	4U

FIXTURE(nest) {
	struct user_nest n;
	uint32_t ctx;
};

static void start(struct fixture_nest *self, uint32_t caps)
{
	trace_start();
	user_nest_start(&self->n, caps);
	for (unsigned int i = 0; i < PAGES_MAPPED; i++)
		user_nest_set(&self->n, i, 0x40000 + i * 2 * PAGE);
	self->ctx = fdinfo_get(self->n.fd, "ioasid-ctx");
	trace_enable("", true);
}

static void stop(struct fixture_nest *self)
{
	trace_stop();
	user_nest_stop(&self->n);
}

FIXTURE_SETUP(nest)
{
	start(self, IOASID_SIM_CAP_NESTING);
}

FIXTURE_TEARDOWN(nest)
{
	stop(self);
}

static void check_space(struct fixture_nest *self, const char *e, int id, int result)
{
	FIELD(self->ctx, "ctx");
	FIELD(id, "ioasid");
	FIELD(result, "result");
}

static void check_alloc(struct fixture_nest *self, int id, int parent, unsigned int depth,
			bool two_step, int result)
{
	const char *e = EVENT("ioasid_alloc");

	check_space(self, e, id, result);
	FIELD(parent, "parent");
	FIELD(depth, "depth");
	FIELD(two_step, "two_step");
}

TEST_F(nest, alloc, "ioasid_alloc: parent, depth, format, and which command it was")
{
	int fd = self->n.fd, child, grandchild, user;
	const char *e;

	child = do_alloc_kind(fd, IOASID_KIND_KERNEL, self->n.parent, 0, 0);
	check_alloc(self, child, self->n.parent, 1, false, 0);
	grandchild = test_create_nesting(fd, child);
	check_alloc(self, grandchild, child, 2, true, 0);
	e = EVENT("ioasid_alloc");
	FIELD(IOASID_KIND_KERNEL, "kind");
	FIELD(0, "format");
	FIELD(0, "table");
	test_err_create_nesting(ENOENT, fd, 0);
	check_alloc(self, 0, 0, 0, true, -ENOENT);
	test_err_create_nesting(ENOENT, fd, 999);
	check_alloc(self, 0, 999, 0, true, -ENOENT);

	user = user_nest_alloc(&self->n);
	check_alloc(self, user, self->n.parent, 1, false, 0);
	e = EVENT("ioasid_alloc");
	FIELD(IOASID_KIND_USER, "kind");
	FIELD(USER_FORMAT, "format");
	FIELD(USER_WIDTH, "addr_width");
	FIELD(USER_TABLE, "table");
	ASSERT_ERRNO(EINVAL, do_alloc_user(fd, self->n.parent, USER_FORMAT, USER_WIDTH,
					   4 * USER_MEMORY));
	check_alloc(self, 0, self->n.parent, 0, false, -EINVAL);
	e = EVENT("ioasid_alloc");
	FIELD(4 * USER_MEMORY, "table");
	test_err_create_nesting(EOPNOTSUPP, fd, user);
	check_alloc(self, 0, user, 0, true, -EOPNOTSUPP);
	EXPECT_EQ(7, count_events("ioasid_alloc"));
}

static void check_table(struct fixture_nest *self, const char *e, int id, uint64_t table,
			unsigned int domains, int result)
{
	check_space(self, e, id, result);
	FIELD(self->n.parent, "parent");
	FIELD(table ? USER_FORMAT : 0, "format");
	FIELD(table ? USER_WIDTH : 0, "addr_width");
	FIELD(table, "table");
	FIELD(domains, "domains");
	EXPECT_LT(0, field(e, "lat_ns"));
	EXPECT_GE(field(e, "lat_ns"), field(e, "lock_ns"));
}

static int bind_table(struct fixture_nest *self, int id, uint64_t table)
{
	return do_table(self->n.fd, IOASID_BIND_PGTABLE, id, USER_FORMAT, USER_WIDTH, table);
}

static int unbind_table(struct fixture_nest *self, int id)
{
	return do_table(self->n.fd, IOASID_UNBIND_PGTABLE, id, 0, 0, 0);
}

TEST_F(nest, tables, "ioasid_bind_table and ioasid_unbind_table")
{
	int child = test_create_nesting(self->n.fd, self->n.parent);

	ASSERT_EQ(0, bind_table(self, child, USER_TABLE));
	check_table(self, EVENT("ioasid_bind_table"), child, USER_TABLE, 0, 0);
	ASSERT_ERRNO(EBUSY, bind_table(self, child, USER_TABLE + PAGE));
	check_table(self, EVENT("ioasid_bind_table"), child, USER_TABLE + PAGE, 0, -EBUSY);
	ASSERT_EQ(0, unbind_table(self, child));
	check_table(self, EVENT("ioasid_unbind_table"), child, USER_TABLE, 0, 0);
	ASSERT_ERRNO(ENOENT, unbind_table(self, child));
	check_table(self, EVENT("ioasid_unbind_table"), child, 0, 0, -ENOENT);

	test_attach(self->n.dev, child);
	ASSERT_EQ(0, bind_table(self, child, USER_TABLE));
	check_table(self, EVENT("ioasid_bind_table"), child, USER_TABLE, 1, 0);
	ASSERT_EQ(0, unbind_table(self, child));
	check_table(self, EVENT("ioasid_unbind_table"), child, USER_TABLE, 1, 0);
	EXPECT_EQ(0, count_events("ioasid_shadow"));
}

static void check_pasid(struct fixture_nest *self, const char *e, int id, uint32_t pasid,
			int result)
{
	check_space(self, e, id, result);
	FIELD(0xffffffff, "dev");	/* it is not on the PCI bus */
	FIELD(SIM_COOKIE, "cookie");
	FIELD(pasid, "pasid");
	EXPECT_LT(0, field(e, "lat_ns"));
}

TEST_F(nest, pasids, "ioasid_attach and ioasid_detach: the user's PASID and the device's label")
{
	int other = test_alloc(self->n.fd), dev = self->n.dev;

	ASSERT_EQ(0, do_attach_pasid(dev, other, 5));
	check_pasid(self, EVENT("ioasid_attach"), other, 5, 0);
	ASSERT_ERRNO(EBUSY, do_attach_pasid(dev, self->n.parent, 5));
	check_pasid(self, EVENT("ioasid_attach"), self->n.parent, 5, -EBUSY);
	ASSERT_EQ(0, do_detach_pasid(dev, other, 5));
	check_pasid(self, EVENT("ioasid_detach"), other, 5, 0);
	ASSERT_ERRNO(ENOENT, do_detach_pasid(dev, other, 5));
	check_pasid(self, EVENT("ioasid_detach"), other, 5, -ENOENT);
	test_detach(dev, self->n.parent);
	check_pasid(self, EVENT("ioasid_detach"), self->n.parent, 0xffffffff, 0);
	ASSERT_EQ(0, do_attach_pasid(dev, other, 6));
	test_unbind(dev);
	check_pasid(self, EVENT("ioasid_detach"), other, 6, 0);
}

static void check_inval(struct fixture_nest *self, const char *e, int id, uint64_t iova,
			uint64_t size, int result)
{
	check_space(self, e, id, result);
	FIELD(iova, "iova");
	FIELD(size, "size");
	EXPECT_LT(0, field(e, "lat_ns"));
}

/* A request by its phases: which of the two ways it went. */
static void check_phases(const char *e, bool hw, bool shadow)
{
	EXPECT_EQ(hw, field(e, "hw_ns") > 0);
	EXPECT_EQ(shadow, field(e, "shadow_ns") > 0);
	EXPECT_GE(field(e, "lat_ns"), field(e, "hw_ns") + field(e, "shadow_ns"));
}

static void check_command(struct fixture_nest *self, int id, unsigned int nr, unsigned int done,
			  int result)
{
	const char *e = EVENT("ioasid_invalidate_cache");

	check_space(self, e, id, result);
	FIELD(nr, "nr");
	FIELD(done, "done");
	EXPECT_LT(0, field(e, "lat_ns"));
	EXPECT_GE(field(e, "lat_ns"), field(e, "lock_ns"));
}

TEST_F(nest, invalidate, "ioasid_invalidate: scope, range, result; ioasid_iotlb_inv is the user's")
{
	struct ioasid_invalidate req[3] = { };
	int user = user_nest_alloc(&self->n);
	uint32_t nr = 3;
	const char *e;

	test_attach(self->n.dev, user);
	test_invalidate(self->n.fd, user, PAGE + 8, 100);
	e = EVENT("ioasid_invalidate");
	check_inval(self, e, user, PAGE + 8, 100, 0);
	check_phases(e, true, false);
	FIELD(IOASID_INVALIDATE_RANGE, "scope");
	FIELD(0, "cookie");
	FIELD(0xffffffff, "pasid");
	FIELD(1, "domains");
	check_command(self, user, 1, 1, 0);
	e = EVENT("ioasid_iotlb_inv");
	check_inval(self, e, user, PAGE + 8, 100, 0);
	FIELD(1, "domains");
	FIELD(1, "user");

	/* Carried out, refused, not reached. */
	req[0].caches = IOASID_CACHE_IOTLB;
	req[0].flags = IOASID_INVALIDATE_DEVICE;
	req[0].cookie = SIM_COOKIE;
	req[1].flags = IOASID_INVALIDATE_PASID | IOASID_INVALIDATE_LEAF;
	req[1].pasid = 7;
	ASSERT_ERRNO(EINVAL, do_invalidations(self->n.fd, user, req, &nr));
	check_command(self, user, 3, 1, -EINVAL);
	EXPECT_EQ(3, count_events("ioasid_invalidate"));
	e = EVENT("ioasid_invalidate");
	check_inval(self, e, user, 0, 0, -EINVAL);
	check_phases(e, false, false);
	FIELD(req[1].flags, "scope");
	FIELD(7, "pasid");
	FIELD(0, "domains");
	EXPECT_EQ(2, count_events("ioasid_iotlb_inv"));

	ASSERT_EQ(0, do_attach_pasid(self->n.dev, user, 7));
	req[1].caches = IOASID_CACHE_DEVTLB;
	nr = 1;
	ASSERT_EQ(0, do_invalidations(self->n.fd, user, &req[1], &nr));
	e = EVENT("ioasid_invalidate");
	check_inval(self, e, user, 0, 0, 0);
	FIELD(req[1].flags | IOASID_CACHE_DEVTLB << 16, "scope");

	test_err_invalidate(EOPNOTSUPP, self->n.fd, self->n.parent, 0, PAGE);
	check_command(self, self->n.parent, 1, 0, -EOPNOTSUPP);
	EXPECT_EQ(4, count_events("ioasid_invalidate"));
	EXPECT_EQ(0, count_events("ioasid_shadow"));
}

TEST_F(nest, own, "ioasid_iotlb_inv of an UNMAP in a parent: one for each space, in its addresses")
{
	int fd = self->n.fd, child = do_alloc_kind(fd, IOASID_KIND_KERNEL, self->n.parent, 0, 0);
	const char *e;

	test_map(fd, self->n.parent, self->n.mem, 16 * MIB, 8 * PAGE);
	test_map(fd, child, 16 * MIB + 2 * PAGE, 3 * MIB, 4 * PAGE);
	ASSERT_EQ(0, do_attach_pasid(self->n.dev, child, 5));
	test_unmap(fd, self->n.parent, 16 * MIB, 8 * PAGE);
	EXPECT_EQ(2, count_events("ioasid_iotlb_inv"));
	e = EVENT("ioasid_iotlb_inv");
	check_inval(self, e, child, 3 * MIB, 4 * PAGE, 0);
	FIELD(1, "domains");
	FIELD(0, "user");
	EXPECT_EQ(1, fdinfo_get_n(fd, "ioasid-invalidations", child));
	EXPECT_EQ(1, fdinfo_get_n(fd, "ioasid-invalidations", self->n.parent));
	EXPECT_EQ(0, count_events("ioasid_invalidate"));
}

static void check_shadow(struct fixture_nest *self, int id, uint64_t iova, uint64_t size,
			 unsigned int removed, unsigned int added)
{
	const char *e = EVENT("ioasid_shadow");

	check_inval(self, e, id, iova, size, 0);
	FIELD(removed, "removed");
	FIELD(added, "added");
	EXPECT_LT(0, field(e, "walks"));
	EXPECT_LT(0, field(e, "walk_ns"));
	EXPECT_GE(field(e, "lat_ns"), field(e, "remove_ns") + field(e, "walk_ns"));
}

/* The same commands behind an IOMMU that cannot nest. */
TEST(shadow, "ioasid_shadow: what the kernel follows, at attach and when it is told to")
{
	struct fixture_nest f = { }, *self = &f;
	const char *e;
	int user, child;

	start(self, 0);
	user = user_nest_alloc(&self->n);
	ASSERT_EQ(0, do_attach_pasid(self->n.dev, user, 5));
	check_shadow(self, user, 0, 0, 0, PAGES_MAPPED);
	EXPECT_EQ(0, count_events("ioasid_iotlb_inv"));

	user_nest_set(&self->n, 1, 0);
	user_nest_set(&self->n, 2, 0x80000);
	test_invalidate(self->n.fd, user, PAGE + 8, PAGE);
	check_shadow(self, user, PAGE, 2 * PAGE, 2, 1);
	e = EVENT("ioasid_invalidate");
	check_inval(self, e, user, PAGE + 8, PAGE, 0);
	check_phases(e, false, true);
	FIELD(1, "domains");
	e = EVENT("ioasid_iotlb_inv");
	check_inval(self, e, user, PAGE, 2 * PAGE, 0);
	FIELD(1, "user");
	EXPECT_EQ(1, count_events("ioasid_iotlb_inv"));

	child = test_create_nesting(self->n.fd, self->n.parent);
	test_attach(self->n.dev, child);
	ASSERT_EQ(0, bind_table(self, child, USER_TABLE));
	check_table(self, EVENT("ioasid_bind_table"), child, USER_TABLE, 0, 0);
	check_shadow(self, child, 0, 0, 0, PAGES_MAPPED - 1);
	/* What was followed goes: nobody asked for that invalidation. */
	ASSERT_EQ(0, unbind_table(self, child));
	e = EVENT("ioasid_iotlb_inv");
	check_inval(self, e, child, 0, PAGES_MAPPED * PAGE, 0);
	FIELD(0, "user");
	stop(self);
}

HARNESS_MAIN
