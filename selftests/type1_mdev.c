// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices in a type1 container (see type1.c): they pin its pages and
 * write to them in the kernel. type1_mdev.sh brings the devices.
 */
#include <pthread.h>

#include "harness.h"
#include "vfio_util.h"
#include "mdev_util.h"

#define IOVA	0x100000UL
#define NPAGES	64UL

/* A container with a mediated device and nothing else, and memory mapped in it. */
FIXTURE(mdev) {
	int fd;
	struct mdev dev;
	uint8_t *mem;		/* NPAGES at IOVA */
	uint8_t *buf;		/* 4 pages */
	uint64_t bits;
};

static void setup(struct fixture_mdev *self, int type)
{
	self->dev.fd = self->dev.group = -1;
	self->fd = container_open();
	mdev_group(&self->dev, 0);
	ASSERT_TRUE(group_add(self->dev.group, self->fd));
	ASSERT_EQ(0, ioctl(self->fd, VFIO_SET_IOMMU, type));
	mdev_start(&self->dev);
	self->mem = memory(NPAGES * PAGE);
	self->buf = memory(4 * PAGE);
	fill(self->mem, NPAGES * PAGE, 1);
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
}

FIXTURE_SETUP(mdev)
{
	setup(self, VFIO_TYPE1v2_IOMMU);
}

FIXTURE_TEARDOWN(mdev)
{
	mdev_close(&self->dev);
}

/* Dirty pages of mem, a bit each. */
static uint64_t dirty(struct fixture_mdev *self)
{
	uint64_t bits = 0;

	ASSERT_EQ(0, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	return bits;
}

TEST_F(mdev, info, "without an IOMMU every page size will do and no IOVA is forbidden")
{
	struct t1_info info;

	ASSERT_EQ(0, t1_info(self->fd, &info, sizeof(info)));
	EXPECT_EQ(-PAGE, info.info.iova_pgsizes);
	EXPECT_FALSE(t1_cap(&info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE));
	EXPECT_TRUE(t1_cap(&info, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION));
	EXPECT_EQ(65534, t1_avail(self->fd));
	EXPECT_EQ(1, ioctl(self->fd, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU));
	EXPECT_EQ(0, ioctl(self->fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR));
	EXPECT_EQ(0, t1_map(self->fd, self->mem, 0xfee00000, PAGE));
	EXPECT_EQ(0, t1_map(self->fd, self->mem, 1UL << 60, PAGE));
}

TEST_F(mdev, pin_bytes, "pinned pages are those of the process, both ways")
{
	ASSERT_EQ(4, pin(&self->dev, IOVA + 8 * PAGE, 4));
	ASSERT_EQ(0, touch_read(&self->dev, IOVA + 8 * PAGE, self->buf, 4 * PAGE));
	EXPECT_EQ(0, memcmp(self->buf, self->mem + 8 * PAGE, 4 * PAGE));
	fill(self->buf, 4 * PAGE, 2);
	ASSERT_EQ(0, touch_write(&self->dev, IOVA + 8 * PAGE, self->buf, 4 * PAGE));
	EXPECT_EQ(4 * PAGE, mismatch(self->mem + 8 * PAGE, 4 * PAGE, 2));
	EXPECT_EQ(pattern(12 * PAGE, 1), self->mem[12 * PAGE]);
	EXPECT_EQ(0, unpin(&self->dev, IOVA + 8 * PAGE, 4));
}

TEST_F(mdev, pin_across, "one pin may reach over several mappings, but not over a hole")
{
	uint64_t end = IOVA + NPAGES * PAGE;

	EXPECT_ERRNO(EINVAL, pin(&self->dev, end - 2 * PAGE, 4));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, end, 2 * PAGE));
	ASSERT_EQ(4, pin(&self->dev, end - 2 * PAGE, 4));
	ASSERT_EQ(0, touch_read(&self->dev, end - 2 * PAGE, self->buf, 4 * PAGE));
	EXPECT_EQ(0, memcmp(self->buf, self->mem + (NPAGES - 2) * PAGE, 2 * PAGE));
	EXPECT_EQ(0, memcmp(self->buf + 2 * PAGE, self->mem, 2 * PAGE));
	/* Nothing of a failed pin is left: the device need not be told. */
	ASSERT_EQ(0, unpin(&self->dev, end - 2 * PAGE, 4));
	EXPECT_EQ((int64_t)((NPAGES + 2) * PAGE), t1_unmap_all(self->fd));
	EXPECT_EQ(0, ioctl(self->dev.fd, TESTDEV_NOTIFIED));
}

TEST_F(mdev, pin_arguments, "pins of nothing, too much or unmapped pages are refused")
{
	EXPECT_ERRNO(EINVAL, pin(&self->dev, IOVA, 0));
	EXPECT_ERRNO(E2BIG, pin(&self->dev, IOVA, 513));
	EXPECT_ERRNO(EINVAL, pin(&self->dev, 0, 1));
	EXPECT_ERRNO(EINVAL, pin(&self->dev, IOVA - PAGE, 2));
	EXPECT_ERRNO(EINVAL, pin(&self->dev, IOVA + NPAGES * PAGE, 1));
}

TEST_F(mdev, pin_rights, "a pin takes no more rights than the mapping has")
{
	ASSERT_EQ(0, t1_map_flags(self->fd, self->mem, 0, PAGE, RO));
	ASSERT_EQ(0, t1_map_flags(self->fd, self->mem, PAGE, PAGE, WO));
	EXPECT_ERRNO(EPERM, pin(&self->dev, 0, 1));
	EXPECT_ERRNO(EPERM, op(&self->dev, TESTDEV_PIN, 0, 1, TESTDEV_WRITE));
	EXPECT_EQ(1, op(&self->dev, TESTDEV_PIN, 0, 1, TESTDEV_READ));
	EXPECT_ERRNO(EPERM, pin(&self->dev, PAGE, 1));
	EXPECT_EQ(1, op(&self->dev, TESTDEV_PIN, PAGE, 1, TESTDEV_WRITE));
	/* dma_rw: writing takes the right to read. */
	EXPECT_EQ(0, rw_read(&self->dev, 0, self->buf, 8));
	EXPECT_ERRNO(EPERM, rw_write(&self->dev, 0, self->buf, 8));
	EXPECT_ERRNO(EPERM, rw_read(&self->dev, PAGE, self->buf, 8));
	EXPECT_ERRNO(EPERM, rw_write(&self->dev, PAGE, self->buf, 8));
}

TEST_F(mdev, unmap_notifies, "UNMAP makes the device let go first, of that mapping only")
{
	int64_t pins;

	ASSERT_EQ(0, t1_map(self->fd, self->mem, 0, 4 * PAGE));
	pins = machine_pins();
	ASSERT_EQ(1, pin(&self->dev, PAGE, 1));
	ASSERT_EQ(2, pin(&self->dev, IOVA, 2));
	ASSERT_EQ(2, pin(&self->dev, IOVA, 2));
	ASSERT_EQ((int64_t)(4 * PAGE), t1_unmap(self->fd, 0, 8 * PAGE));
	EXPECT_EQ(1, ioctl(self->dev.fd, TESTDEV_NOTIFIED));
	EXPECT_ERRNO(ENOENT, touch_read(&self->dev, PAGE, self->buf, 8));
	EXPECT_EQ(0, touch_read(&self->dev, IOVA + PAGE, self->buf, 8));
	EXPECT_EQ(0, unpin(&self->dev, IOVA, 2));
	EXPECT_EQ(0, touch_read(&self->dev, IOVA + PAGE, self->buf, 8));
	ASSERT_EQ((int64_t)(NPAGES * PAGE), t1_unmap_all(self->fd));
	EXPECT_EQ(2, ioctl(self->dev.fd, TESTDEV_NOTIFIED));
	EXPECT_ERRNO(ENOENT, unpin(&self->dev, IOVA, 2));
	EXPECT_LE(machine_pins(), pins);
}

/* type1 would stop the machine (BUG). */
TEST_F(mdev, stubborn, "UNMAP is EBUSY when a device does not let go")
{
	if (!is_shim())
		SKIP("vfio_iommu_type1 trusts the device");
	ASSERT_EQ(1, pin(&self->dev, IOVA, 1));
	ASSERT_EQ(0, ioctl(self->dev.fd, TESTDEV_STUBBORN, 1));
	EXPECT_ERRNO(EBUSY, t1_unmap_all(self->fd));
	EXPECT_EQ(0, touch_read(&self->dev, IOVA, self->buf, 8));
	ASSERT_EQ(0, ioctl(self->dev.fd, TESTDEV_STUBBORN, 0));
	EXPECT_EQ((int64_t)(NPAGES * PAGE), t1_unmap_all(self->fd));
}

TEST_F(mdev, unpin_raw, "unpinning what is not pinned does nothing")
{
	ASSERT_EQ(2, pin(&self->dev, IOVA, 2));
	EXPECT_EQ(0, op(&self->dev, TESTDEV_UNPIN_RAW, IOVA + 4 * PAGE, 8, 0));
	EXPECT_EQ(0, touch_read(&self->dev, IOVA, self->buf, 2 * PAGE));
	EXPECT_EQ(0, unpin(&self->dev, IOVA, 2));
	EXPECT_EQ(0, op(&self->dev, TESTDEV_UNPIN_RAW, IOVA, 2, 0));
	EXPECT_EQ((int64_t)(NPAGES * PAGE), t1_unmap_all(self->fd));
	EXPECT_EQ(0, ioctl(self->dev.fd, TESTDEV_NOTIFIED));
}

TEST_F(mdev, close_unpins, "a device that goes leaves the memory of others alone")
{
	struct mdev dev2;

	mdev_group(&dev2, 1);
	ASSERT_TRUE(group_add(dev2.group, self->fd));
	mdev_start(&dev2);
	ASSERT_EQ(2, pin(&dev2, IOVA, 2));
	ASSERT_EQ(2, pin(&self->dev, IOVA + PAGE, 2));
	mdev_close(&dev2);
	EXPECT_EQ(0, touch_read(&self->dev, IOVA + PAGE, self->buf, 2 * PAGE));
	EXPECT_EQ((int64_t)(NPAGES * PAGE), t1_unmap_all(self->fd));
	EXPECT_EQ(1, ioctl(self->dev.fd, TESTDEV_NOTIFIED));
}

TEST_F(mdev, dma_rw, "dma_rw moves the right bytes over the borders of pages and mappings")
{
	uint64_t end = IOVA + NPAGES * PAGE, at = end - PAGE - 100;
	size_t size = 2 * PAGE;

	EXPECT_ERRNO(EINVAL, rw_read(&self->dev, at, self->buf, size));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, end, 4 * PAGE));
	ASSERT_EQ(0, rw_read(&self->dev, at, self->buf, size));
	EXPECT_EQ(0, memcmp(self->buf, self->mem + (at - IOVA), PAGE + 100));
	EXPECT_EQ(0, memcmp(self->buf + PAGE + 100, self->mem, PAGE - 100));
	fill(self->buf, size, 3);
	ASSERT_EQ(0, rw_write(&self->dev, IOVA + 77, self->buf, size));
	EXPECT_EQ(0, memcmp(self->buf, self->mem + 77, size));
	EXPECT_EQ(pattern(76, 1), self->mem[76]);
	EXPECT_EQ(pattern(77 + size, 1), self->mem[77 + size]);
	EXPECT_ERRNO(EINVAL, rw_read(&self->dev, 0, self->buf, 8));
}

/* Dirty pages */

TEST_F(mdev, dirty_pins, "pages are dirty while they are pinned, and once after")
{
	ASSERT_EQ(1, pin(&self->dev, IOVA + 3 * PAGE, 1));
	ASSERT_EQ(1, pin(&self->dev, IOVA, 1));
	ASSERT_EQ(0, unpin(&self->dev, IOVA, 1));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(1UL << 3, dirty(self));		/* page 0 went before */
	EXPECT_EQ(1UL << 3, dirty(self));
	ASSERT_EQ(2, pin(&self->dev, IOVA + 7 * PAGE, 2));
	EXPECT_EQ(3UL << 7 | 1UL << 3, dirty(self));
	ASSERT_EQ(0, unpin(&self->dev, IOVA + 3 * PAGE, 1));
	EXPECT_EQ(3UL << 7 | 1UL << 3, dirty(self));
	EXPECT_EQ(3UL << 7, dirty(self));
	/* Pinned and unpinned in between. */
	ASSERT_EQ(1, pin(&self->dev, IOVA + 63 * PAGE, 1));
	ASSERT_EQ(0, unpin(&self->dev, IOVA + 63 * PAGE, 1));
	EXPECT_EQ(1UL << 63 | 3UL << 7, dirty(self));
	EXPECT_EQ(3UL << 7, dirty(self));
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(3UL << 7, dirty(self));
}

TEST_F(mdev, dirty_rw, "dma_rw makes the pages it writes dirty, once")
{
	ASSERT_EQ(0, rw_write(&self->dev, IOVA, self->buf, 8));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	ASSERT_EQ(0, rw_read(&self->dev, IOVA, self->buf, 8));
	EXPECT_EQ(0, dirty(self));
	ASSERT_EQ(0, rw_write(&self->dev, IOVA + 5 * PAGE - 4, self->buf, 8));
	ASSERT_EQ(0, rw_write(&self->dev, IOVA + 20 * PAGE, self->buf, PAGE));
	EXPECT_EQ(3UL << 4 | 1UL << 20, dirty(self));
	EXPECT_EQ(0, dirty(self));
}

TEST_F(mdev, dirty_unmap, "UNMAP with a bitmap reports what was pinned until then")
{
	uint64_t bits = 0;

	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(2, pin(&self->dev, IOVA + 9 * PAGE, 2));
	ASSERT_EQ(0, rw_write(&self->dev, IOVA + 30 * PAGE, self->buf, 8));
	ASSERT_EQ((int64_t)(NPAGES * PAGE),
		  t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	EXPECT_EQ(3UL << 9 | 1UL << 30, bits);
	EXPECT_EQ(1, ioctl(self->dev.fd, TESTDEV_NOTIFIED));
	/* What is mapped there next is clean. */
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
	EXPECT_EQ(0, dirty(self));
	ASSERT_EQ(0, rw_write(&self->dev, IOVA, self->buf, 8));
	ASSERT_EQ((int64_t)(NPAGES * PAGE), t1_unmap(self->fd, IOVA, NPAGES * PAGE));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
	EXPECT_EQ(0, dirty(self));
}

TEST_F(mdev, dirty_last_write, "what a device writes when it is told to unpin is reported")
{
	uint64_t bits = 0, *word = (void *)(self->mem + 40 * PAGE);

	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(1, pin(&self->dev, IOVA + 9 * PAGE, 1));
	ASSERT_EQ(0, op(&self->dev, TESTDEV_LAST_WRITE, IOVA + 40 * PAGE, 0, 0));
	ASSERT_EQ((int64_t)(NPAGES * PAGE),
		  t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	EXPECT_EQ(~0UL, *word);
	EXPECT_EQ(1UL << 9 | 1UL << 40, bits);
}

TEST_F(mdev, dirty_fault, "bits that could not be delivered are delivered next time")
{
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(0, rw_write(&self->dev, IOVA + 11 * PAGE, self->buf, 8));
	EXPECT_ERRNO(EFAULT, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, (void *)PAGE, 8));
	EXPECT_EQ(1UL << 11, dirty(self));
	EXPECT_EQ(0, dirty(self));
}

/* With a PCI device in the same container */

TEST_F(mdev, mixed, "a PCI device makes every page dirty, and pinned pages stay when it goes")
{
	struct vfio_edu dev;

	vfio_edu_group(&dev, 0);
	ASSERT_TRUE(group_add(dev.group, self->fd));
	vfio_edu_start(&dev);
	ASSERT_EQ(1, pin(&self->dev, IOVA + PAGE, 1));
	ASSERT_TRUE(edu_load(&dev.edu, IOVA, self->mem, 4));
	ASSERT_TRUE(edu_stores(&dev.edu, IOVA + PAGE, self->mem + PAGE, 4));
	ASSERT_EQ(0, touch_read(&self->dev, IOVA + PAGE, self->buf, PAGE));
	EXPECT_EQ(PAGE, mismatch(self->buf, PAGE, 4));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(~0UL, dirty(self));
	EXPECT_EQ(~0UL, dirty(self));
	vfio_edu_close(&dev);
	EXPECT_EQ(~0UL, dirty(self));	/* it may have written until now */
	if (!is_shim())
		EXPECT_EQ(1UL << 1, dirty(self));	/* we say so until STOP */
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(1UL << 1, dirty(self));
	ASSERT_EQ(0, touch_write(&self->dev, IOVA + PAGE, self->buf + PAGE, PAGE));
	EXPECT_EQ((int64_t)(NPAGES * PAGE), t1_unmap_all(self->fd));
}

TEST_F(mdev, mixed_forbidden, "a PCI device joins only when nothing is mapped where it may not")
{
	struct vfio_edu dev;

	ASSERT_EQ(0, t1_map(self->fd, self->mem, 0xfee00000, PAGE));
	vfio_edu_group(&dev, 0);
	EXPECT_ERRNO(EINVAL, ioctl(dev.group, VFIO_GROUP_SET_CONTAINER, &self->fd));
	ASSERT_EQ((int64_t)PAGE, t1_unmap(self->fd, 0xfee00000, PAGE));
	EXPECT_EQ(0, ioctl(dev.group, VFIO_GROUP_SET_CONTAINER, &self->fd));
	vfio_edu_close(&dev);
}

/* Version 1 of the interface knows no pins. */
FIXTURE(mdev_v1) {
	struct fixture_mdev t;
};

FIXTURE_SETUP(mdev_v1)
{
	setup(&self->t, VFIO_TYPE1_IOMMU);
}

FIXTURE_TEARDOWN(mdev_v1)
{
	mdev_close(&self->t.dev);
}

TEST_F(mdev_v1, v1, "v1: pages cannot be pinned, but read and written")
{
	struct fixture_mdev *t = &self->t;

	EXPECT_ERRNO(EACCES, pin(&t->dev, IOVA, 1));
	ASSERT_EQ(0, rw_read(&t->dev, IOVA, t->buf, PAGE));
	EXPECT_EQ(PAGE, mismatch(t->buf, PAGE, 1));
	EXPECT_EQ(0, rw_write(&t->dev, IOVA + PAGE, t->buf, PAGE));
	EXPECT_EQ(0, memcmp(t->buf, t->mem + PAGE, PAGE));
}

/* Threads */

struct worker {
	struct fixture_mdev *t;
	volatile bool *stop;
};

static void *pin_unpin(void *arg)
{
	struct worker *w = arg;
	uint8_t *buf = memory(PAGE);

	while (!*w->stop) {
		if (pin(&w->t->dev, IOVA, 4) == 4)
			unpin(&w->t->dev, IOVA, 4);
		rw_write(&w->t->dev, IOVA, buf, PAGE);
	}
	return NULL;
}

/* UNMAP gives up (EBUSY) when new pins keep coming while it asks for the old. */
static void unmap_surely(struct fixture_mdev *self, uint64_t *bits)
{
	int64_t gone;

	do
		gone = bits ? t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, bits, 8) :
			      t1_unmap(self->fd, IOVA, NPAGES * PAGE);
	while (gone < 0 && errno == EBUSY);
	ASSERT_EQ((int64_t)(NPAGES * PAGE), gone);
}

TEST_F(mdev, race, "pins and dma_rw meet UNMAP and dirty pages without harm", .timeout = 60)
{
	volatile bool stop = false;
	struct worker w = { self, &stop };
	pthread_t threads[2];

	if (!is_shim())
		SKIP("vfio_iommu_type1 may stop the machine (BUG)");
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, pin_unpin, &w));
	for (int i = 0; i < 300; i++) {
		uint64_t bits = 0;

		unmap_surely(self, i & 1 ? NULL : &bits);
		ASSERT_EQ(0, bits & ~0xfUL);
		ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
		ASSERT_EQ(0, dirty(self) & ~0xfUL);
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ((int64_t)(NPAGES * PAGE), t1_unmap_all(self->fd));
}

HARNESS_MAIN
