// SPDX-License-Identifier: GPL-2.0-only
/*
 * Behind an IOMMU that cannot enforce snooping (the lab's mode nosnoop) devices
 * may bypass the caches. That is told to whoever asks, and a space that promised
 * otherwise takes no such device (E28); all else works as ever.
 */
#include "harness.h"
#include "vfio_util.h"

#define IOVA	0x100000UL

static void need_nosnoop(void)
{
	if (iommu_enforces_snoop())
		SKIP("this IOMMU can enforce snooping");
}

/* A space without and one with the promise, the same in both; no device yet. */
FIXTURE(snoop) {
	int fd;
	int plain;
	int enforced;
	char *mem;
	struct edu_device dev;
};

FIXTURE_SETUP(snoop)
{
	need_nosnoop();
	self->mem = memory(2 * PAGE);
	self->fd = test_open();
	self->plain = test_alloc(self->fd);
	self->enforced = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, IOASID_NONE,
				       IOASID_ALLOC_ENFORCE_SNOOP, 0);
	ASSERT_LT(0, self->enforced);
	test_map(self->fd, self->plain, self->mem, IOVA, 2 * PAGE);
	test_map(self->fd, self->enforced, self->mem, IOVA, 2 * PAGE);
	edu_device_open(&self->dev, 0);
	test_bind(self->dev.fd, self->fd, 1);
	edu_device_start(&self->dev);
}

FIXTURE_TEARDOWN(snoop)
{
	edu_device_close(&self->dev);
	close(self->fd);
	EXPECT_EQ(0, locked_pages());
}

static void check_dma(struct edu *edu, char *mem, unsigned int seed)
{
	EXPECT_TRUE(edu_load(edu, IOVA, mem, seed));
	EXPECT_TRUE(edu_stores(edu, IOVA + PAGE, mem + PAGE, seed));
}

TEST_F(snoop, plain, "a space without the promise takes the device and promises nothing")
{
	struct ioasid_device_info dev;
	struct ioasid_info info;

	test_device_info(self->fd, 1, &dev, sizeof(dev));
	EXPECT_FALSE(dev.flags & IOASID_DEV_INFO_ENFORCE_SNOOP);
	EXPECT_TRUE(dev.flags & IOASID_DEV_INFO_CACHE_COHERENT);
	test_attach(self->dev.fd, self->plain);
	test_info(self->fd, self->plain, &info, sizeof(info));
	EXPECT_FALSE(info.flags & IOASID_INFO_ENFORCED_SNOOP);
	check_dma(&self->dev.edu, self->mem, 1);
}

TEST_F(snoop, e28, "E28 an enforce-snoop space refuses the device, and nothing changes")
{
	char *contexts = contexts_text();
	uint64_t locked = locked_pages();
	int64_t pins = machine_pins();

	test_err_attach(EINVAL, self->dev.fd, self->enforced);
	EXPECT_STREQ(contexts, contexts_text());
	EXPECT_EQ(pins, machine_pins());
	EXPECT_EQ(locked, locked_pages());
	test_err_detach(ENOENT, self->dev.fd, self->enforced);
	test_err_info(ENODEV, self->fd, self->enforced);
	EXPECT_TRUE(edu_store_is_lost(&self->dev.edu, IOVA, self->mem, 2));

	test_unmap(self->fd, self->enforced, IOVA, 2 * PAGE);
	test_map(self->fd, self->enforced, self->mem, IOVA, PAGE);
	test_attach(self->dev.fd, self->plain);
	check_dma(&self->dev.edu, self->mem, 3);
	test_free(self->fd, self->enforced);
}

/* Nobody in a container asks for the promise: it is only not made. */
static void check_container(bool by_shim)
{
	char *mem = memory(2 * PAGE);
	struct vfio_edu dev;
	int fd;

	need_nosnoop();
	fd = container_with(&dev, 0, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(!by_shim, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR));
	EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU));
	ASSERT_EQ(0, t1_map(fd, mem, IOVA, 2 * PAGE));
	check_dma(&dev.edu, mem, 4);
	ASSERT_EQ(2 * PAGE, t1_unmap(fd, IOVA, 2 * PAGE));
	vfio_edu_close(&dev);
	close(fd);
}

TEST(container, "a container is served by ioasid_vfio and is not coherent")
{
	if (!is_shim())
		SKIP("ioasid_vfio is not loaded");
	check_container(true);
}

/* What the test above expects is what stock type1 says. */
FIXTURE(stock) {
	bool shim;
};

FIXTURE_SETUP(stock)
{
	self->shim = is_shim();
	if (!self->shim)
		return;
	if (!getenv("LAB_MODULES"))
		SKIP("ioasid_vfio could be unloaded but not found again");
	ASSERT_EQ(0, system("rmmod ioasid_vfio"));
}

FIXTURE_TEARDOWN(stock)
{
	if (self->shim && !is_shim())
		EXPECT_EQ(0, system("insmod $LAB_MODULES/ioasid_vfio.ko"));
}

TEST_F(stock, stock_container, "stock type1 gives the same answers")
{
	check_container(false);
}

HARNESS_MAIN
