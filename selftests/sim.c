// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software IOMMU: instances, their devices, and the RFC's scenarios on them
 * with real bytes.
 */
#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"

#define S_VADDR		0x40000000UL
#define S_SIZE		(8 * MIB)

FIXTURE(sim) {
	int ctl;
	int fd;
};

FIXTURE_SETUP(sim)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	self->fd = test_open();
}

FIXTURE_TEARDOWN(sim)
{
	close(self->fd);
	close(self->ctl);
}

/* The scenario's memory at its addresses; pages of interest have patterns. */
static uint8_t *scenario_memory(void)
{
	void *mem = mmap((void *)S_VADDR, S_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ASSERT_EQ((void *)S_VADDR, mem);
	fill(mem, 4 * PAGE, 1);
	fill((uint8_t *)mem + S_SIZE - PAGE, PAGE, 9);
	return mem;
}

TEST_F(sim, scenario_1, "S1: one space, two devices, the second sees what was mapped before")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 2);
	int dev1 = sim_open(id, 0), dev2 = sim_open(id, 1);
	uint8_t *mem = scenario_memory();
	int gpa = test_alloc(self->fd);

	test_err_attach(EINVAL, dev1, gpa);
	test_bind(dev1, self->fd, SIM_COOKIE);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(dev1, 0, 8, 0));
	test_attach(dev1, gpa);
	test_map(self->fd, gpa, mem, 0, S_SIZE);
	EXPECT_EQ(IOASID_SIM_OK, sim_copy(dev1, S_SIZE - PAGE, 5 * PAGE, PAGE));
	EXPECT_EQ(PAGE, mismatch(mem + 5 * PAGE, PAGE, 9));

	test_bind(dev2, self->fd, SIM_COOKIE + 1);
	test_attach(dev2, gpa);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev2, 0, 4 * PAGE, 0));
	EXPECT_EQ(4 * PAGE, mismatch(sim_sram(dev2), 4 * PAGE, 1));
	EXPECT_EQ(IOASID_SIM_OK, sim_write(dev2, 6 * PAGE, 2 * PAGE, 0));
	EXPECT_EQ(2 * PAGE, mismatch(mem + 6 * PAGE, 2 * PAGE, 1));

	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(dev1, S_SIZE, 8, 0));
	test_err_unmap(EINVAL, self->fd, gpa, 0, S_SIZE / 2);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev1, 0, 8, 0));
	test_unmap(self->fd, gpa, 0, S_SIZE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(dev1, 0, 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(dev2, 0, 8, 0));
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
}

HARNESS_MAIN
