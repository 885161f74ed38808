// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees of kernel-managed spaces on simulated devices (RFC v1, 5.3): S3 and S3b,
 * and that a change of a parent empties the IOTLBs which its children fill. The
 * same on real devices is in nest.c.
 */
#include "sim_fixture.h"

#define GPA   0x100000ULL /* where parents map all of self->mem */
#define GIOVA 0x2000ULL

static uint64_t gpa(unsigned int page)
{
	return GPA + page * PAGE;
}

static int device(struct fixture_sim *self, uint32_t id, unsigned int nr)
{
	int dev = sim_open(id, nr);

	test_bind(dev, self->fd, SIM_COOKIE + id * 16 + nr);
	return dev;
}

static int parent_with(struct fixture_sim *self, int dev)
{
	int parent = test_alloc(self->fd);

	test_attach(dev, parent);
	test_map(self->fd, parent, self->mem, GPA, SIM_PAGES * PAGE);
	return parent;
}

/* The device reads page @page of the memory at @iova, and writes it. */
static bool reaches(struct fixture_sim *self, int dev, uint64_t iova, unsigned int page)
{
	uint8_t *at = self->mem + page * PAGE, *sram = sim_sram(dev);
	bool ok;

	fill(at, PAGE, page + 2);
	ok = sim_read(dev, iova, PAGE, 0) == IOASID_SIM_OK &&
	     mismatch(sram, PAGE, page + 2) == PAGE;
	fill(sram, PAGE, page + 3);
	ok = ok && sim_write(dev, iova, PAGE, 0) == IOASID_SIM_OK &&
	     mismatch(at, PAGE, page + 3) == PAGE;
	munmap(sram, IOASID_SIM_SRAM);
	return ok;
}

static bool reaches_nothing(int dev, uint64_t iova)
{
	return sim_read(dev, iova, 8, 0) == IOASID_SIM_FAULT_NOT_PRESENT &&
	       sim_do(dev, .op = IOASID_SIM_OP_FILL, .iova = iova, .len = 8) ==
		       IOASID_SIM_FAULT_NOT_PRESENT;
}

TEST_F(sim, scenario_3, "S3: a child maps addresses of its parent, on a device of two")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 2);
	int dev1 = device(self, id, 0), dev2 = device(self, id, 1);
	int parent = parent_with(self, dev1), child;
	uint64_t locked = locked_pages();
	int64_t pins = machine_pins();

	child = test_create_nesting(self->fd, parent);
	test_err_attach(EINVAL, dev2, child);
	test_attach(dev2, parent);
	test_attach(dev2, child);
	test_map(self->fd, child, gpa(1), GIOVA, PAGE);
	EXPECT_TRUE(reaches(self, dev2, GIOVA, 1));
	EXPECT_TRUE(reaches(self, dev1, gpa(1), 1));
	EXPECT_TRUE(reaches_nothing(dev2, gpa(1)));
	EXPECT_TRUE(reaches_nothing(dev1, GIOVA));
	EXPECT_EQ(locked, locked_pages());
	EXPECT_EQ(pins, machine_pins());

	test_detach(dev2, child);
	EXPECT_TRUE(reaches(self, dev2, gpa(3), 3));
	EXPECT_TRUE(reaches_nothing(dev2, GIOVA));
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
}

/* Two children, because the IOMMUs of their devices differ. */
TEST_F(sim, scenario_3b, "S3b: a root without devices pins and charges for all its children")
{
	uint64_t mem = (uintptr_t)self->mem, locked = locked_pages();
	uint32_t id[2] = {
		sim_create(self->ctl, .nr_devices = 1, .caps = IOASID_SIM_CAP_ENFORCE_SNOOP),
		sim_create(self->ctl, .nr_devices = 1),
	};
	int dev[2] = { device(self, id[0], 0), device(self, id[1], 0) };
	int root = test_alloc(self->fd), child[2];
	int64_t pins = machine_pins();

	test_map(self->fd, root, self->mem, mem, SIM_PAGES * PAGE);
	for (int i = 0; i < 2; i++) {
		child[i] = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, root,
					 i ? 0 : IOASID_ALLOC_ENFORCE_SNOOP, 0);
		ASSERT_LT(0, child[i]);
		test_attach(dev[i], child[i]);
		test_map(self->fd, child[i], mem, GPA, SIM_PAGES * PAGE);
	}
	EXPECT_EQ(locked + SIM_PAGES, locked_pages());
	EXPECT_EQ(pins + (int64_t)SIM_PAGES, machine_pins());
	EXPECT_TRUE(reaches(self, dev[0], gpa(2), 2));
	EXPECT_TRUE(reaches(self, dev[1], gpa(15), 15));
	EXPECT_TRUE(reaches_nothing(dev[0], mem));

	test_unmap(self->fd, child[0], GPA, SIM_PAGES * PAGE);
	EXPECT_EQ(locked + SIM_PAGES, locked_pages());
	EXPECT_TRUE(reaches_nothing(dev[0], gpa(2)));
	EXPECT_TRUE(reaches(self, dev[1], gpa(2), 2));
	test_unmap(self->fd, root, mem, SIM_PAGES * PAGE);
	EXPECT_EQ(locked, locked_pages());
	EXPECT_EQ(pins, machine_pins());
	EXPECT_TRUE(reaches_nothing(dev[1], gpa(2)));
	EXPECT_EQ(0, sim_stats(self->ctl, id[0]).stale + sim_stats(self->ctl, id[1]).stale);
}

TEST_F(sim, follows, "an IOTLB forgets what a parent, or its parent, unmaps below a child")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 2);
	int dev1 = device(self, id, 0), dev2 = device(self, id, 1);
	int root = test_alloc(self->fd), parent, child;

	test_map(self->fd, root, self->mem, 0, SIM_PAGES * PAGE);
	parent = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, root, 0, 0);
	child = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, parent, 0, 0);
	ASSERT_TRUE(parent > 0 && child > 0);
	test_map(self->fd, parent, 0, GPA, SIM_PAGES * PAGE);
	test_map(self->fd, child, gpa(4), GIOVA, 8 * PAGE);
	test_attach(dev1, parent);
	test_attach(dev2, child);
	for (unsigned int round = 0; round < 2; round++) {
		EXPECT_TRUE(reaches(self, dev1, gpa(4), 4));
		EXPECT_TRUE(reaches(self, dev2, GIOVA, 4));
		EXPECT_TRUE(reaches(self, dev2, GIOVA + 7 * PAGE, 11));
		if (round)
			test_unmap(self->fd, root, 0, SIM_PAGES * PAGE);
		else
			test_unmap(self->fd, parent, GPA, SIM_PAGES * PAGE);
		EXPECT_TRUE(reaches_nothing(dev1, gpa(4)));
		EXPECT_TRUE(reaches_nothing(dev2, GIOVA));
		EXPECT_TRUE(reaches_nothing(dev2, GIOVA + 7 * PAGE));
		/* What comes back below is seen again, with other memory behind it. */
		if (round)
			test_map(self->fd, root, self->mem + PAGE, 0, (SIM_PAGES - 1) * PAGE);
		else
			test_map(self->fd, parent, 0, GPA, SIM_PAGES * PAGE);
	}
	EXPECT_TRUE(reaches(self, dev2, GIOVA, 5));
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
}

/* Two mappings of the parent, so two parts, each with tables of its own in the child. */
TEST_F(sim, undo_parts, "a child's MAP that fails in its second part leaves nothing of the first")
{
	const uint64_t border = 64 * MIB, at = border - 2 * PAGE;
	uint32_t id = sim_create(self->ctl, .nr_devices = 1);
	int dev = device(self, id, 0), failed = 0;
	int parent = test_alloc(self->fd), child;

	test_map(self->fd, parent, self->mem, GPA, 2 * PAGE);
	test_map(self->fd, parent, self->mem + 8 * PAGE, gpa(2), 2 * PAGE);
	child = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, parent, 0, 0);
	ASSERT_LT(0, child);
	test_attach(dev, child);
	for (int nth = 1; nth < 20; nth++, failed++) {
		ASSERT_TRUE(!do_sim_inject(self->ctl, id, 0, nth));
		if (!do_map(self->fd, child, GPA, at, 4 * PAGE, RW))
			break;
		EXPECT_EQ(ENOMEM, errno);
		for (int i = 0; i < 4; i++)
			EXPECT_TRUE(reaches_nothing(dev, at + i * PAGE));
	}
	/* Three levels below the top for the first part, one for the second. */
	EXPECT_EQ(4, failed);
	EXPECT_TRUE(reaches(self, dev, at + PAGE, 1));
	EXPECT_TRUE(reaches(self, dev, border, 8));
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
}

HARNESS_MAIN
