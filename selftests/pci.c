// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI functions through ioasid_pci: the RFC's scenarios S1 and S2 with real DMA
 * through the IOMMU, groups, and the rows of the error matrix about attaching.
 * What concerns the device's file is in pci_fd.c.
 */
#include "pci_fixture.h"

/* The numbers of the RFC, with less memory. */
#define S_VADDR		0x40000000UL
#define S_SIZE		(32 * MIB)

static uint8_t *scenario_memory(void)
{
	void *mem = mmap((void *)S_VADDR, S_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ASSERT_EQ((void *)S_VADDR, mem);
	for (size_t at = 0; at < S_SIZE; at += S_SIZE / 4)
		fill((uint8_t *)mem + at, PAGE, at / PAGE);
	fill((uint8_t *)mem + PAGE, PAGE, 7);
	fill((uint8_t *)mem + S_SIZE - PAGE, PAGE, 9);
	return mem;
}

TEST_F(pci, scenario_1, "S1: one space, two devices, the second sees what was mapped before")
{
	struct edu_device *dev1 = &self->dev[0], *dev2 = &self->dev[1];
	uint8_t *mem = scenario_memory();
	int gpa = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(dev1->fd, gpa);
	test_map(self->fd, gpa, mem, 0, S_SIZE);
	EXPECT_TRUE(dma_copies(dev1, 0, 2 * PAGE, mem + 2 * PAGE, mem));
	EXPECT_TRUE(dma_copies(dev1, S_SIZE - PAGE, S_SIZE / 2, mem + S_SIZE / 2,
			       mem + S_SIZE - PAGE));
	EXPECT_EQ(PAGE, mismatch(mem + S_SIZE / 2, PAGE, 9));

	bind_start(self, 1);
	test_attach(dev2->fd, gpa);
	EXPECT_TRUE(dma_copies(dev2, PAGE, 3 * PAGE, mem + 3 * PAGE, mem + PAGE));
	EXPECT_EQ(PAGE, mismatch(mem + 3 * PAGE, PAGE, 7));

	/* Anything else is blocked, for both. */
	EXPECT_TRUE(dma_write_is_lost(dev1, S_SIZE, mem, 4 * PAGE));
	EXPECT_TRUE(fault_is_logged(self, dev1, S_SIZE, EDU_CMD_TO_RAM));
	EXPECT_TRUE(dma_write_is_lost(dev2, S_SIZE + PAGE, mem, 4 * PAGE));
	EXPECT_TRUE(fault_is_logged(self, dev2, S_SIZE + PAGE, EDU_CMD_TO_RAM));

	/* No part of it can be unmapped. */
	test_err_unmap(EINVAL, self->fd, gpa, 0, S_SIZE / 2);
	EXPECT_TRUE(dma_copies(dev2, PAGE, 3 * PAGE, mem + 3 * PAGE, mem + PAGE));
	test_unmap(self->fd, gpa, 0, S_SIZE);
	EXPECT_TRUE(dma_write_is_lost(dev1, PAGE, mem, 4 * PAGE));
	EXPECT_TRUE(dma_write_is_lost(dev2, PAGE, mem, 4 * PAGE));
}

TEST_F(pci, scenario_1_step_3_first, "S1: attaching before binding is refused (E3)")
{
	int gpa = test_alloc(self->fd);

	test_err_attach(EINVAL, self->dev[0].fd, gpa);
	test_err_detach(EINVAL, self->dev[0].fd, gpa);
}

TEST_F(pci, scenario_2, "S2: two spaces over registered memory, charged once")
{
	struct edu_device *dev1 = &self->dev[0], *dev2 = &self->dev[1];
	uint64_t locked = locked_pages();
	uint8_t *mem = scenario_memory();
	int64_t pins = machine_pins();
	int gpa, giova;

	bind_start(self, 0);
	bind_start(self, 1);
	test_register(self->fd, mem, S_SIZE);
	EXPECT_EQ(locked + S_SIZE / PAGE, locked_pages());
	gpa = test_alloc(self->fd);
	test_attach(dev1->fd, gpa);
	test_attach(dev2->fd, gpa);
	test_map(self->fd, gpa, mem, 0, S_SIZE);
	EXPECT_TRUE(dma_copies(dev2, PAGE, 3 * PAGE, mem + 3 * PAGE, mem + PAGE));

	giova = test_alloc(self->fd);
	test_detach(dev2->fd, gpa);
	/* Between two spaces a device reaches nothing. */
	EXPECT_TRUE(dma_write_is_lost(dev2, PAGE, mem, 4 * PAGE));
	test_attach(dev2->fd, giova);
	test_map(self->fd, giova, mem + PAGE, 2 * PAGE, PAGE);
	EXPECT_EQ(locked + S_SIZE / PAGE, locked_pages());

	/* dev2's 0x2000 is dev1's 0x1000, and its 0x1000 is nothing. */
	ASSERT_TRUE(!edu_to_device(&dev1->edu, 0, 0, PAGE));
	ASSERT_TRUE(!edu_from_device(&dev1->edu, PAGE, 0, PAGE));
	EXPECT_TRUE(!memcmp(mem, mem + PAGE, PAGE));
	fill(mem + PAGE, PAGE, 33);
	ASSERT_TRUE(!edu_to_device(&dev2->edu, 2 * PAGE, 0, PAGE));
	fill(mem + PAGE, PAGE, 34);
	ASSERT_TRUE(!edu_from_device(&dev2->edu, 2 * PAGE, 0, PAGE));
	EXPECT_EQ(PAGE, mismatch(mem + PAGE, PAGE, 33));
	EXPECT_TRUE(dma_write_is_lost(dev2, PAGE, mem, 4 * PAGE));
	EXPECT_TRUE(fault_is_logged(self, dev2, PAGE, EDU_CMD_TO_RAM));

	/* Only registered memory from now on (E13). */
	test_err_map(EINVAL, self->fd, giova, self->mem, 16 * PAGE, PAGE);

	test_err_unregister(EBUSY, self->fd, mem, S_SIZE);
	test_unmap_all(S_SIZE, self->fd, gpa);
	test_unmap_all(PAGE, self->fd, giova);
	test_unregister(self->fd, mem, S_SIZE);
	EXPECT_EQ(locked, locked_pages());
	EXPECT_TRUE(machine_pins_become(pins));
}

TEST_F(pci, permissions, "DMA against the permissions of a mapping moves nothing")
{
	struct edu_device *dev = &self->dev[0];
	uint8_t *mem = self->mem, *secret = mem + PAGE, *probe = mem + 2 * PAGE;
	int id = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(dev->fd, id);
	test_map_flags(self->fd, id, mem, 0, PAGE, IOASID_MAP_READ);
	test_map_flags(self->fd, id, secret, 16 * PAGE, PAGE, IOASID_MAP_WRITE);
	test_map(self->fd, id, probe, 32 * PAGE, PAGE);

	/* Before any read: QEMU does not report what its IOTLB refuses. */
	EXPECT_TRUE(dma_write_is_lost(dev, 0, mem, PAGE));
	EXPECT_TRUE(fault_is_logged(self, dev, 0, EDU_CMD_TO_RAM));
	EXPECT_TRUE(dma_copies(dev, 0, 32 * PAGE, probe, mem));
	fill(mem, PAGE, 2);
	EXPECT_TRUE(dma_write_is_lost(dev, 0, mem, PAGE));

	/*
	 * Writing works. Whether reading is refused depends on the format of
	 * the table: VT-d's second stage can do that, its first stage cannot.
	 */
	ASSERT_TRUE(!edu_from_device(&dev->edu, 16 * PAGE, 0, PAGE));
	EXPECT_EQ(0, memcmp(secret, probe, PAGE));
}

TEST_F(pci, unmapped_read, "of a page that is not mapped a device reads no byte")
{
	struct edu_device *dev = &self->dev[0];
	uint8_t *probe = self->mem + PAGE;
	int id = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(dev->fd, id);
	test_map(self->fd, id, self->mem, 0, PAGE);
	test_map(self->fd, id, probe, 16 * PAGE, PAGE);
	EXPECT_TRUE(dma_copies(dev, 0, 16 * PAGE, probe, self->mem));
	test_unmap(self->fd, id, 0, PAGE);
	fill(self->mem, PAGE, 5);
	ASSERT_TRUE(!edu_to_device(&dev->edu, 0, 0, PAGE));
	EXPECT_TRUE(fault_is_logged(self, dev, 0, 0));
	ASSERT_TRUE(!edu_from_device(&dev->edu, 16 * PAGE, 0, PAGE));
	for (size_t at = 0; at + 8 <= PAGE; at += 8)
		ASSERT_NE(0, memcmp(probe + at, self->mem + at, 8));
}

TEST_F(pci, foreign_iova, "what one space maps another does not reach")
{
	uint8_t *mem = self->mem;
	int id[2];

	for (int i = 0; i < 2; i++) {
		id[i] = test_alloc(self->fd);
		bind_start(self, i);
		test_attach(self->dev[i].fd, id[i]);
		test_map(self->fd, id[i], mem + i * PAGE, 16 * PAGE * (i + 1), PAGE);
	}
	EXPECT_TRUE(dma_write_is_lost(&self->dev[0], 32 * PAGE, mem, 2 * PAGE));
	EXPECT_TRUE(dma_write_is_lost(&self->dev[1], 16 * PAGE, mem, 2 * PAGE));
	EXPECT_TRUE(fault_is_logged(self, &self->dev[0], 32 * PAGE, EDU_CMD_TO_RAM));
	ASSERT_TRUE(!edu_from_device(&self->dev[0].edu, 16 * PAGE, 0, PAGE));
	EXPECT_NE(PAGE, mismatch(mem, PAGE, 1));
	fill(mem, TEST_PAGES * PAGE, 1);
	EXPECT_EQ(PAGE, mismatch(mem, PAGE, 1));
}

TEST_F(pci, last_page, "unmap takes the last page as well as the first")
{
	struct edu_device *dev = &self->dev[0];
	size_t size = TEST_PAGES * PAGE;
	int id = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(dev->fd, id);
	test_map(self->fd, id, self->mem, 16 * MIB, size);
	EXPECT_TRUE(dma_copies(dev, 16 * MIB + size - PAGE, 16 * MIB, self->mem,
			       self->mem + size - PAGE));
	test_unmap(self->fd, id, 16 * MIB, size);
	EXPECT_TRUE(dma_write_is_lost(dev, 16 * MIB, self->mem, size));
	EXPECT_TRUE(dma_write_is_lost(dev, 16 * MIB + size - PAGE, self->mem, size));
	EXPECT_TRUE(fault_is_logged(self, dev, 16 * MIB + size - PAGE, EDU_CMD_TO_RAM));
}

TEST_F(pci, detached, "a device that was detached, or never attached, reaches nothing")
{
	struct edu_device *dev = &self->dev[0];
	int id = test_alloc(self->fd);

	test_map(self->fd, id, self->mem, PAGE, PAGE);
	bind_start(self, 0);
	EXPECT_TRUE(dma_write_is_lost(dev, PAGE, self->mem, PAGE));
	EXPECT_TRUE(fault_is_logged(self, dev, PAGE, EDU_CMD_TO_RAM));
	test_attach(dev->fd, id);
	ASSERT_TRUE(!edu_from_device(&dev->edu, PAGE, 0, PAGE));
	EXPECT_NE(PAGE, mismatch(self->mem, PAGE, 1));
	fill(self->mem, PAGE, 1);
	test_detach(dev->fd, id);
	EXPECT_TRUE(dma_write_is_lost(dev, PAGE, self->mem, PAGE));
	test_attach(dev->fd, id);
	fill(self->mem, PAGE, 1);
	ASSERT_TRUE(!edu_from_device(&dev->edu, PAGE, 0, PAGE));
	EXPECT_NE(PAGE, mismatch(self->mem, PAGE, 1));
}

TEST_F(pci, other_space, "attach: a space of another file is not found (E5), one at a time")
{
	int other = test_open();
	int id, foreign;

	test_alloc(other);
	foreign = test_alloc(other);
	id = test_alloc(self->fd);
	ASSERT_NE(id, foreign);
	test_bind(self->dev[0].fd, self->fd, COOKIE);
	test_err_attach(ENOENT, self->dev[0].fd, foreign);
	test_err_attach(ENOENT, self->dev[0].fd, IOASID_NONE);
	test_err_attach(ENOENT, self->dev[0].fd, UINT32_MAX);
	test_err_detach(ENOENT, self->dev[0].fd, id);

	test_attach(self->dev[0].fd, id);
	test_err_attach(EBUSY, self->dev[0].fd, id);
	test_err_attach(EBUSY, self->dev[0].fd, test_alloc(self->fd));
	test_err_detach(ENOENT, self->dev[0].fd, foreign);
	test_err_free(EBUSY, self->fd, id);
	test_detach(self->dev[0].fd, id);
	test_err_detach(ENOENT, self->dev[0].fd, id);
	test_free(self->fd, id);
	test_err_attach(ENOENT, self->dev[0].fd, id);
}

TEST_F(pci, context_first, "closing /dev/ioasid leaves bound devices at work (E33)")
{
	struct edu_device *dev = &self->dev[0];
	int id = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(dev->fd, id);
	test_map(self->fd, id, self->mem, 0, 2 * PAGE);
	close(self->fd);
	EXPECT_TRUE(dma_copies(dev, 0, PAGE, self->mem + PAGE, self->mem));
	test_detach(dev->fd, id);
	test_attach(dev->fd, id);
	EXPECT_TRUE(dma_copies(dev, 0, PAGE, self->mem + PAGE, self->mem));
}

TEST_F(pci, leaves_nothing, "closing everything returns pins and charge (E37)")
{
	uint64_t locked = locked_pages();
	int64_t pins = machine_pins();
	int id = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(self->dev[0].fd, id);
	test_map(self->fd, id, self->mem, 0, TEST_PAGES * PAGE);
	EXPECT_EQ(locked + TEST_PAGES, locked_pages());
	EXPECT_FALSE(machine_pins() == pins);
	close(self->fd);
	EXPECT_EQ(locked + TEST_PAGES, locked_pages());
	edu_device_close(&self->dev[0]);
	EXPECT_EQ(locked, locked_pages());
	EXPECT_TRUE(machine_pins_become(pins));
}

/*
 * Groups: two functions behind a bridge that cannot tell them apart
 */
FIXTURE(group) {
	int fd;
	struct edu_device dev[2];
	uint8_t *mem;
};

FIXTURE_SETUP(group)
{
	self->dev[0].fd = self->dev[1].fd = -1;
	self->fd = test_open();
	for (int i = 0; i < 2; i++)
		edu_device_open(&self->dev[i], 2 + i);
	if (pci_group(self->dev[0].name) != pci_group(self->dev[1].name))
		SKIP("no two edu devices in one IOMMU group");
	self->mem = memory(4 * PAGE);
	fill(self->mem, 4 * PAGE, 1);
}

FIXTURE_TEARDOWN(group)
{
	for (int i = 0; i < 2; i++)
		edu_device_close(&self->dev[i]);
}

/*
 * In scalable mode (bit 43 of the extended capabilities) nothing passes the
 * bridge of the lab: the kernel has no context entry for its alias, and stock
 * VFIO fails in the same way.
 */
static bool bridge_passes_dma(void)
{
	char text[32];

	if (read_text("/sys/class/iommu/dmar0/intel-iommu/ecap", text, sizeof(text)) < 0)
		return true;
	return !(strtoull(text, NULL, 16) >> 43 & 1);
}

/* Both members copy the first page to the second. */
static void both_copy(struct fixture_group *self)
{
	if (!bridge_passes_dma())
		return;
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(dma_copies(&self->dev[i], 0, PAGE, self->mem + PAGE, self->mem));
}

/* One GET_INFO with room for what this test expects. */
static struct ioasid_info *space_info(int fd, int id)
{
	struct ioasid_info *info = malloc(PAGE);

	ASSERT_TRUE(info);
	test_info(fd, id, info, PAGE);
	return info;
}

TEST_F(group, partial, "a group attached in part: EDEADLK, and GET_INFO names who is missing (E8)")
{
	struct ioasid_cap_missing_devices *cap;
	int id = test_alloc(self->fd);
	struct ioasid_info *info;

	for (int i = 0; i < 2; i++) {
		test_bind(self->dev[i].fd, self->fd, COOKIE + i);
		edu_device_start(&self->dev[i]);
	}
	test_attach(self->dev[0].fd, id);
	test_err_map(EDEADLK, self->fd, id, self->mem, 0, PAGE);
	test_err_unmap(EDEADLK, self->fd, id, 0, PAGE);
	test_err_unmap_flags(EDEADLK, self->fd, id, 0, 0, IOASID_UNMAP_ALL);
	info = space_info(self->fd, id);
	EXPECT_TRUE(info->flags & IOASID_INFO_PARTIAL);
	EXPECT_EQ(1, info->nr_devices);
	cap = find_cap(info, info->cap_offset, IOASID_CAP_MISSING_DEVICES);
	ASSERT_TRUE(cap);
	ASSERT_EQ(1, cap->nr_devices);
	EXPECT_STREQ(self->dev[1].name, cap->devices[0].name);
	EXPECT_EQ(pci_group(self->dev[1].name), cap->devices[0].group);

	test_attach(self->dev[1].fd, id);
	info = space_info(self->fd, id);
	EXPECT_FALSE(info->flags & IOASID_INFO_PARTIAL);
	EXPECT_EQ(2, info->nr_devices);
	EXPECT_FALSE(find_cap(info, info->cap_offset, IOASID_CAP_MISSING_DEVICES));
	test_map(self->fd, id, self->mem, 0, 2 * PAGE);
	both_copy(self);

	/* When one leaves, neither reaches anything. */
	test_detach(self->dev[1].fd, id);
	test_err_map(EDEADLK, self->fd, id, self->mem, 16 * PAGE, PAGE);
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(dma_write_is_lost(&self->dev[i], 0, self->mem, 2 * PAGE));
	test_detach(self->dev[0].fd, id);
	test_unmap_all(2 * PAGE, self->fd, id);
}

TEST_F(group, mapped_before, "mappings made before a group is complete reach both members")
{
	int id = test_alloc(self->fd);

	if (!bridge_passes_dma())
		SKIP("nothing passes this bridge in scalable mode, with stock VFIO neither");
	test_map(self->fd, id, self->mem, 0, 2 * PAGE);
	for (int i = 0; i < 2; i++) {
		test_bind(self->dev[i].fd, self->fd, COOKIE + i);
		edu_device_start(&self->dev[i]);
		test_attach(self->dev[i].fd, id);
		if (!i)
			EXPECT_TRUE(dma_write_is_lost(&self->dev[0], 0, self->mem, 2 * PAGE));
	}
	both_copy(self);
}

TEST_F(group, not_bound, "a group whose other member is not bound is incomplete too")
{
	struct ioasid_cap_missing_devices *cap;
	int id = test_alloc(self->fd);
	struct ioasid_info *info;

	test_bind(self->dev[1].fd, self->fd, COOKIE);
	test_attach(self->dev[1].fd, id);
	test_err_map(EDEADLK, self->fd, id, self->mem, 0, PAGE);
	info = space_info(self->fd, id);
	cap = find_cap(info, info->cap_offset, IOASID_CAP_MISSING_DEVICES);
	ASSERT_TRUE(cap);
	ASSERT_EQ(1, cap->nr_devices);
	EXPECT_STREQ(self->dev[0].name, cap->devices[0].name);
}

TEST_F(group, split, "a group is not split over two files or two spaces (E10)")
{
	int other = test_open();
	int id = test_alloc(self->fd), id2 = test_alloc(self->fd);

	test_bind(self->dev[0].fd, self->fd, COOKIE);
	test_err_bind(EBUSY, self->dev[1].fd, other, COOKIE);
	test_bind(self->dev[1].fd, self->fd, COOKIE + 1);
	test_attach(self->dev[0].fd, id);
	test_err_attach(EBUSY, self->dev[1].fd, id2);
	test_attach(self->dev[1].fd, id);

	/* The whole group may go elsewhere. */
	for (int i = 0; i < 2; i++)
		test_unbind(self->dev[i].fd);
	for (int i = 0; i < 2; i++)
		test_bind(self->dev[i].fd, other, COOKIE + i);
}

TEST_F(group, member_leaves, "unbinding a member detaches it, the other one stays bound")
{
	int id = test_alloc(self->fd);

	for (int i = 0; i < 2; i++) {
		test_bind(self->dev[i].fd, self->fd, COOKIE + i);
		edu_device_start(&self->dev[i]);
		test_attach(self->dev[i].fd, id);
	}
	test_map(self->fd, id, self->mem, 0, 2 * PAGE);
	edu_device_close(&self->dev[1]);
	test_err_map(EDEADLK, self->fd, id, self->mem, 16 * PAGE, PAGE);
	EXPECT_TRUE(dma_write_is_lost(&self->dev[0], 0, self->mem, 2 * PAGE));
	edu_device_open(&self->dev[1], 3);
	test_bind(self->dev[1].fd, self->fd, COOKIE + 1);
	test_attach(self->dev[1].fd, id);
	edu_device_start(&self->dev[1]);
	both_copy(self);
}

TEST_F(group, foreign_driver, "a group with a member at another driver is not viable (E9)")
{
	bool foreign;

	if (system("modprobe -q uio_pci_generic"))
		SKIP("no driver that could take the other member");
	edu_device_close(&self->dev[1]);
	foreign = !pci_rebind(self->dev[1].name, "uio_pci_generic");
	if (foreign)
		EXPECT_ERRNO(EPERM, do_bind(self->dev[0].fd, self->fd, COOKIE));
	EXPECT_TRUE(!pci_rebind(self->dev[1].name, IOASID_PCI_DRIVER));
	if (!foreign)
		SKIP("%s does not take the other member", "uio_pci_generic");
	test_bind(self->dev[0].fd, self->fd, COOKIE);

	/* And a driver that does DMA does not get it now. */
	EXPECT_FALSE(!pci_rebind(self->dev[1].name, "uio_pci_generic"));
	EXPECT_TRUE(!pci_rebind(self->dev[1].name, IOASID_PCI_DRIVER));
}

HARNESS_MAIN
