// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages of type1 containers (see type1.c) with PCI devices: such a device
 * may have written anywhere, so every mapped page is dirty at any time. What is
 * worth testing is therefore where the bits go.
 */
#include "harness.h"
#include "vfio_util.h"

#define IOVA	0x100000UL
#define NPAGES	512UL
#define WORDS	(NPAGES / 64 + 2)
#define JUNK	0xa5a5a5a5a5a5a5a5UL

FIXTURE(type1) {
	int fd;
	struct vfio_edu dev;
	uint8_t *mem;		/* NPAGES */
	uint64_t bits[WORDS];	/* JUNK */
};

FIXTURE_SETUP(type1)
{
	self->dev.fd = self->dev.group = -1;
	self->fd = container_with(&self->dev, 0, VFIO_TYPE1v2_IOMMU);
	self->mem = memory(NPAGES * PAGE);
	for (unsigned int i = 0; i < WORDS; i++)
		self->bits[i] = JUNK;
}

FIXTURE_TEARDOWN(type1)
{
	vfio_edu_close(&self->dev);
}

static void map(struct fixture_type1 *self, unsigned long first, unsigned long npages)
{
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA + first * PAGE, npages * PAGE));
}

static int get(struct fixture_type1 *self, unsigned long first, unsigned long npages)
{
	return t1_dirty_get(self->fd, IOVA + first * PAGE, npages * PAGE, self->bits,
			    (npages + 63) / 64 * 8);
}

TEST_F(type1, dirty_arguments, "DIRTY_PAGES takes one known flag and an argsz that covers it")
{
	struct vfio_iommu_type1_dirty_bitmap arg = { .argsz = sizeof(arg) - 1 };

	EXPECT_ERRNO(EINVAL, t1_dirty(self->fd, VFIO_IOMMU_DIRTY_PAGES_FLAG_START |
				      VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP));
	EXPECT_ERRNO(EINVAL, t1_dirty(self->fd, 7));
	for (int bit = 3; bit < 32; bit++)
		EXPECT_ERRNO(EINVAL, t1_dirty(self->fd, 1U << bit));
	arg.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, VFIO_IOMMU_DIRTY_PAGES, &arg));
	EXPECT_ERRNO(EINVAL, t1_dirty(self->fd, VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP));
}

TEST_F(type1, dirty_start_stop, "START and STOP may be repeated, GET works only in between")
{
	map(self, 0, 64);
	EXPECT_ERRNO(EINVAL, get(self, 0, 64));
	EXPECT_EQ(0, t1_dirty_stop(self->fd));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, t1_dirty_start(self->fd));
		EXPECT_EQ(0, t1_dirty_start(self->fd));
		EXPECT_EQ(0, get(self, 0, 64));
		EXPECT_EQ(0, t1_dirty_stop(self->fd));
		EXPECT_ERRNO(EINVAL, get(self, 0, 64));
	}
	EXPECT_EQ(~0UL, self->bits[0]);
	EXPECT_EQ(JUNK, self->bits[1]);
}

TEST_F(type1, dirty_get_arguments, "GET takes whole pages and a bitmap that fits")
{
	uint64_t *bits = self->bits;
	int fd = self->fd;

	map(self, 0, 128);
	ASSERT_EQ(0, t1_dirty_start(fd));
	EXPECT_ERRNO(EINVAL, t1_dirty_get(fd, IOVA, 0, bits, 16));
	EXPECT_ERRNO(EINVAL, t1_dirty_get(fd, IOVA + 1, 128 * PAGE, bits, 24));
	EXPECT_ERRNO(EINVAL, t1_dirty_get(fd, IOVA, 128 * PAGE - 1, bits, 16));
	EXPECT_ERRNO(EINVAL, t1_dirty_get(fd, IOVA, 128 * PAGE, bits, 0));
	EXPECT_ERRNO(EINVAL, t1_dirty_get(fd, IOVA, 128 * PAGE, bits, 15));
	EXPECT_ERRNO(EINVAL, t1_dirty_get(fd, IOVA, 128 * PAGE, bits, (1UL << 28) + 8));
	EXPECT_ERRNO(EINVAL, t1_dirty_get_pgsize(fd, IOVA, 128 * PAGE, 2 * PAGE, bits, 16));
	EXPECT_ERRNO(EINVAL, t1_dirty_get_pgsize(fd, IOVA, 128 * PAGE, 2048, bits, 1024));
	EXPECT_ERRNO(EINVAL, t1_dirty_get(fd, IOVA, 128 * PAGE, (void *)(1UL << 63), 16));
	EXPECT_ERRNO(EFAULT, t1_dirty_get(fd, IOVA, 128 * PAGE, (void *)PAGE, 16));
	EXPECT_ERRNO(wrap_errno(), t1_dirty_get(fd, -64 * PAGE, 128 * PAGE, bits, 16));
	EXPECT_EQ(JUNK, bits[0]);
	EXPECT_EQ(0, t1_dirty_get(fd, IOVA, 128 * PAGE, bits, 1UL << 28));
	EXPECT_EQ(~0UL, bits[1]);
	EXPECT_EQ(JUNK, bits[2]);
}

TEST_F(type1, dirty_always, "every mapped page is dirty, each time, written or not")
{
	map(self, 0, NPAGES);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	for (int round = 0; round < 3; round++) {
		memset(self->bits, 0, sizeof(self->bits));
		ASSERT_EQ(0, get(self, 0, NPAGES));
		for (unsigned int i = 0; i < NPAGES / 64; i++)
			EXPECT_EQ(~0UL, self->bits[i]);
		EXPECT_EQ(0, self->bits[NPAGES / 64]);
	}
}

TEST_F(type1, dirty_map_later, "what is mapped while dirty pages are tracked is dirty as well")
{
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, get(self, 0, 64));
	EXPECT_EQ(JUNK, self->bits[0]);
	map(self, 0, 64);
	EXPECT_EQ(0, get(self, 0, 64));
	EXPECT_EQ(~0UL, self->bits[0]);
}

TEST_F(type1, dirty_cut, "GET that would cut a mapping is EINVAL")
{
	map(self, 4, 8);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_ERRNO(EINVAL, get(self, 0, 8));
	EXPECT_ERRNO(EINVAL, get(self, 5, 64));
	EXPECT_ERRNO(EINVAL, get(self, 5, 2));
	EXPECT_EQ(JUNK, self->bits[0]);
	EXPECT_EQ(0, get(self, 4, 8));
	EXPECT_EQ(0xffUL, self->bits[0]);
}

/*
 * Only words with mappings are written. A mapping that starts within a word adds
 * its bits to those that are there; other words are overwritten.
 */
TEST_F(type1, dirty_holes, "bits are where their pages are, holes are left alone")
{
	map(self, 4, 8);
	map(self, 12, 4);
	map(self, 60, 8);
	map(self, 201, 1);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(0, get(self, 0, 256));
	EXPECT_EQ(0xf00000000000fff0UL | JUNK, self->bits[0]);
	EXPECT_EQ(0xfUL, self->bits[1]);
	EXPECT_EQ(JUNK, self->bits[2]);
	EXPECT_EQ(0x200UL | JUNK, self->bits[3]);
	EXPECT_EQ(JUNK, self->bits[4]);
}

TEST_F(type1, dirty_odd_start, "bits count from the start of the range")
{
	map(self, 33, 100);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(0, get(self, 33, 100));
	EXPECT_EQ(~0UL, self->bits[0]);
	EXPECT_EQ((1UL << 36) - 1, self->bits[1]);
	EXPECT_EQ(JUNK, self->bits[2]);
}

/* More bits than one page of bitmap holds. */
TEST_F(type1, dirty_large, "a large mapping fills its bitmap to the last bit", .timeout = 60)
{
	const size_t npages = 40000;
	uint8_t *bits = memory(2 * PAGE);
	uint8_t *mem = memory(npages * PAGE);

	memset(bits, 0xa5, 2 * PAGE);
	ASSERT_EQ(0, t1_map(self->fd, mem, IOVA + 3 * PAGE, npages * PAGE));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(0, t1_dirty_get(self->fd, IOVA, (npages + 3) * PAGE, (void *)bits, 2 * PAGE));
	EXPECT_EQ(0xfd, bits[0]);
	for (size_t i = 1; i < (npages + 3) / 8; i++)
		ASSERT_EQ(0xff, bits[i]);
	EXPECT_EQ(0x07, bits[(npages + 3) / 8]);
	EXPECT_EQ(0xa5, bits[5008]);
}

/* UNMAP with GET_DIRTY_BITMAP */

TEST_F(type1, unmap_dirty, "UNMAP reports the dirty pages of what it takes")
{
	map(self, 2, 8);
	map(self, 20, 4);
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty(self->fd, IOVA, 64 * PAGE, self->bits, 8));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(12 * (int64_t)PAGE,
		  t1_unmap_dirty(self->fd, IOVA, 64 * PAGE, self->bits, 8));
	EXPECT_EQ(0xf003fcUL | JUNK, self->bits[0]);
	EXPECT_EQ(JUNK, self->bits[1]);
	self->bits[0] = JUNK;
	EXPECT_EQ(0, t1_unmap_dirty(self->fd, IOVA, 64 * PAGE, self->bits, 8));
	EXPECT_EQ(JUNK, self->bits[0]);
	EXPECT_EQ(0, t1_unmap_all(self->fd));
}

TEST_F(type1, unmap_dirty_arguments, "UNMAP keeps mappings when it refuses the bitmap")
{
	int fd = self->fd;

	map(self, 0, 128);
	ASSERT_EQ(0, t1_dirty_start(fd));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty(fd, IOVA, 128 * PAGE, self->bits, 8));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty(fd, IOVA, 128 * PAGE, self->bits, (1UL << 28) + 8));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty(fd, IOVA, 64 * PAGE, self->bits, 16));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty(fd, IOVA + 64 * PAGE, 64 * PAGE, self->bits, 16));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty(fd, IOVA, 0, self->bits, 16));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty_flags(fd, 0, 0, self->bits, 16,
						  VFIO_DMA_UNMAP_FLAG_ALL));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty_flags(fd, IOVA, 128 * PAGE, self->bits, 16,
						  VFIO_DMA_UNMAP_FLAG_VADDR));
	EXPECT_ERRNO(EINVAL, t1_unmap_flags(fd, IOVA, 128 * PAGE,
					    VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP));
	EXPECT_ERRNO(EFAULT, t1_unmap_dirty(fd, IOVA, 128 * PAGE, (void *)PAGE, 16));
	EXPECT_EQ(JUNK, self->bits[0]);
	EXPECT_EQ(128 * (int64_t)PAGE, t1_unmap_dirty(fd, IOVA, 128 * PAGE, self->bits, 16));
	EXPECT_EQ(~0UL, self->bits[1]);
}

TEST_F(type1, dirty_unmap_plain, "UNMAP without a bitmap works while dirty pages are tracked")
{
	map(self, 0, 64);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(64 * (int64_t)PAGE, t1_unmap(self->fd, IOVA, 64 * PAGE));
	EXPECT_EQ(0, get(self, 0, 64));
	EXPECT_EQ(JUNK, self->bits[0]);
	map(self, 0, 64);
	EXPECT_EQ(64 * (int64_t)PAGE, t1_unmap_all(self->fd));
	EXPECT_EQ(0, get(self, 0, 64));
	EXPECT_EQ(JUNK, self->bits[0]);
}

TEST_F(type1, dirty_nothing_twice, "flags of 0 and page sizes of 0 are refused")
{
	if (!is_shim())
		SKIP("vfio_iommu_type1 computes with undefined values");
	map(self, 0, 64);
	EXPECT_ERRNO(EINVAL, t1_dirty(self->fd, 0));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_ERRNO(EINVAL, t1_dirty_get_pgsize(self->fd, IOVA, 64 * PAGE, 0, self->bits, 8));
	EXPECT_ERRNO(EINVAL, t1_dirty_get_pgsize(self->fd, IOVA, 64 * PAGE, PAGE + 1,
						 self->bits, 8));
}

HARNESS_MAIN
