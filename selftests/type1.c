// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VFIO program may expect of a type1 container with PCI devices in it,
 * whoever serves it: stock vfio_iommu_type1, or ioasid_vfio when that is
 * loaded. The results are the same; a place where they differ asks is_shim()
 * and is explained in docs/vfio.md.
 *
 * DMA is in type1_dma.c, dirty pages are in type1_dirty.c, mediated devices in
 * type1_mdev.c.
 */
#include "harness.h"
#include "vfio_util.h"

#define IOVA	0x100000UL
#define MSI	0xfee00000UL		/* VT-d's interrupt window */
#define NPAGES	16UL

FIXTURE(type1) {
	int fd;
	struct vfio_edu dev;
	uint8_t *mem;		/* NPAGES */
};

static void setup(struct fixture_type1 *self, int type)
{
	self->dev.fd = self->dev.group = -1;
	self->fd = container_with(&self->dev, 0, type);
	self->mem = memory(NPAGES * PAGE);
}

FIXTURE_SETUP(type1)
{
	setup(self, VFIO_TYPE1v2_IOMMU);
}

FIXTURE_TEARDOWN(type1)
{
	vfio_edu_close(&self->dev);
}

/* Version 1 of the interface. */
FIXTURE(type1v1) {
	struct fixture_type1 t;
};

FIXTURE_SETUP(type1v1)
{
	setup(&self->t, VFIO_TYPE1_IOMMU);
}

FIXTURE_TEARDOWN(type1v1)
{
	vfio_edu_close(&self->t.dev);
}

TEST(backend, "a container can be opened")
{
	int fd = container_open();

	diag("type1 is served by %s", is_shim() ? "ioasid_vfio" : "vfio_iommu_type1");
	ASSERT_EQ(VFIO_API_VERSION, ioctl(fd, VFIO_GET_API_VERSION));
}

/* VFIO_DMA_CC_IOMMU depends on the IOMMU, VFIO_UPDATE_VADDR on the backend. */
TEST_F(type1, extensions, "CHECK_EXTENSION tells what is there and no more")
{
	int bare = container_open();

	for (int i = 0; i < 2; i++) {
		int fd = i ? self->fd : bare;

		EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU));
		EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU));
		EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_UNMAP_ALL));
		EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_SPAPR_TCE_IOMMU));
		EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_NOIOMMU_IOMMU));
		EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, 0));
		EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, -1L));
	}
	EXPECT_EQ(0, ioctl(bare, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU));
	EXPECT_EQ(0, ioctl(bare, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR));
	diag("coherent DMA is enforced: %d", ioctl(self->fd, VFIO_CHECK_EXTENSION,
						   VFIO_DMA_CC_IOMMU));
	EXPECT_EQ(is_shim() ? 0 : 1, ioctl(self->fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR));
}

TEST(set_iommu, "SET_IOMMU needs a group, a known type, and comes once")
{
	int fd = container_open();
	struct vfio_edu dev;

	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio_edu_group(&dev, 0);
	ASSERT_TRUE(group_add(dev.group, fd));
	EXPECT_ERRNO(ENODEV, ioctl(fd, VFIO_SET_IOMMU, 1234));
	EXPECT_ERRNO(EINVAL, t1_map(fd, memory(PAGE), IOVA, PAGE));
	ASSERT_EQ(0, ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
}

TEST(reuse, "a container that lost its group starts anew")
{
	uint8_t *mem = memory(PAGE);
	struct vfio_edu dev;
	int fd = container_open();

	vfio_edu_group(&dev, 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(group_add(dev.group, fd));
		ASSERT_EQ(0, ioctl(fd, VFIO_SET_IOMMU,
				   i == 1 ? VFIO_TYPE1_IOMMU : VFIO_TYPE1v2_IOMMU));
		ASSERT_EQ(0, t1_map(fd, mem, IOVA, PAGE));
		ASSERT_EQ(0, ioctl(dev.group, VFIO_GROUP_UNSET_CONTAINER));
		EXPECT_ERRNO(EINVAL, t1_unmap(fd, IOVA, PAGE));
	}
	ASSERT_EQ(0, locked_pages());
}

TEST_F(type1, unknown_commands, "unknown commands are ENOTTY")
{
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, _IO(VFIO_TYPE, VFIO_BASE + 40), 0));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, _IO('x', 1), 0));
}

TEST_F(type1, bad_pointers, "arguments that cannot be read are EFAULT")
{
	static const unsigned int cmds[] = {
		VFIO_IOMMU_GET_INFO, VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA,
		VFIO_IOMMU_DIRTY_PAGES,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_ERRNO(EFAULT, ioctl(self->fd, cmds[i], NULL));
		EXPECT_ERRNO(EFAULT, ioctl(self->fd, cmds[i], 0xffff888000000000UL));
	}
}

/* GET_INFO */

TEST_F(type1, info_argsz, "GET_INFO fills what argsz covers and says what it needs")
{
	struct t1_info info, old;
	uint32_t needed;

	EXPECT_ERRNO(EINVAL, t1_info(self->fd, &info, 0));
	EXPECT_ERRNO(EINVAL, t1_info(self->fd, &info, 15));

	ASSERT_EQ(0, t1_info(self->fd, &old, 16));
	EXPECT_EQ(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS, old.info.flags);
	EXPECT_EQ(0xffffffffU, old.info.cap_offset);	/* not ours to write */
	needed = old.info.argsz;
	ASSERT_LT(sizeof(info.info), needed);
	ASSERT_LE(needed, sizeof(info));

	ASSERT_EQ(0, t1_info(self->fd, &info, sizeof(info.info)));
	EXPECT_EQ(needed, info.info.argsz);
	EXPECT_EQ(0, info.info.cap_offset);
	ASSERT_EQ(0, t1_info(self->fd, &info, needed - 1));
	EXPECT_EQ(needed, info.info.argsz);
	EXPECT_EQ(0, info.info.cap_offset);
	EXPECT_EQ((char)0xff, info.caps[0]);
	ASSERT_EQ(0, t1_info(self->fd, &info, needed));
	EXPECT_EQ(needed, info.info.argsz);
	EXPECT_EQ(sizeof(info.info), info.info.cap_offset);
	EXPECT_EQ((char)0xff, info.caps[needed - sizeof(info.info)]);
	EXPECT_EQ(old.info.iova_pgsizes, info.info.iova_pgsizes);
}

TEST_F(type1, info_caps, "GET_INFO's capabilities are well formed")
{
	struct vfio_iommu_type1_info_cap_iova_range *ranges;
	struct vfio_iommu_type1_info_cap_migration *mig;
	struct t1_info info;

	ASSERT_EQ(0, t1_info(self->fd, &info, sizeof(info)));
	diag("page sizes 0x%llx", (unsigned long long)info.info.iova_pgsizes);
	EXPECT_TRUE(info.info.iova_pgsizes & PAGE);
	EXPECT_EQ(0, info.info.iova_pgsizes & (PAGE - 1));
	EXPECT_EQ(65535, t1_avail(self->fd));

	mig = t1_cap(&info, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	ASSERT_TRUE(mig);
	EXPECT_EQ(1, mig->header.version);
	EXPECT_EQ(0, mig->flags);
	EXPECT_EQ(PAGE, mig->pgsize_bitmap);
	EXPECT_EQ(1UL << 28, mig->max_dirty_bitmap_size);

	ranges = t1_cap(&info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	ASSERT_TRUE(ranges);
	EXPECT_EQ(1, ranges->header.version);
	ASSERT_LT(0, ranges->nr_iovas);
	for (unsigned int i = 0; i < ranges->nr_iovas; i++) {
		uint64_t start = ranges->iova_ranges[i].start, end = ranges->iova_ranges[i].end;

		diag("IOVAs 0x%llx-0x%llx", (unsigned long long)start, (unsigned long long)end);
		EXPECT_LT(start, end);
		EXPECT_TRUE(end < MSI || start >= MSI + MIB);
		EXPECT_TRUE(!i || start > ranges->iova_ranges[i - 1].end + 1);
	}
}

/* MAP_DMA */

TEST_F(type1, map_argsz, "MAP takes an argsz that is large enough")
{
	struct vfio_iommu_type1_dma_map arg = {
		.flags = RO, .vaddr = (uintptr_t)self->mem, .iova = IOVA, .size = PAGE,
	};

	arg.argsz = 0;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &arg));
	arg.argsz = sizeof(arg) - 1;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &arg));
	arg.argsz = UINT32_MAX;
	EXPECT_EQ(0, ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &arg));
	EXPECT_EQ((int64_t)PAGE, t1_unmap(self->fd, IOVA, PAGE));
}

TEST_F(type1, map_flags, "MAP takes read, write and both, and nothing else")
{
	for (uint32_t flags = 1; flags <= 3; flags++) {
		EXPECT_EQ(0, t1_map_flags(self->fd, self->mem, IOVA, PAGE, flags));
		EXPECT_EQ((int64_t)PAGE, t1_unmap(self->fd, IOVA, PAGE));
	}
	EXPECT_ERRNO(EINVAL, t1_map_flags(self->fd, self->mem, IOVA, PAGE, 0));
	for (int bit = 3; bit < 32; bit++)
		EXPECT_ERRNO(EINVAL, t1_map_flags(self->fd, self->mem, IOVA, PAGE,
						  RO | 1U << bit));
	EXPECT_ERRNO(EINVAL, t1_map_flags(self->fd, self->mem, IOVA, PAGE,
					  RO | VFIO_DMA_MAP_FLAG_VADDR));
	EXPECT_EQ(0, t1_unmap_all(self->fd));
}

TEST_F(type1, map_arguments, "MAP refuses no size, parts of pages and wrap-around")
{
	uint64_t top = -PAGE;

	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, IOVA, 0));
	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, IOVA, PAGE / 2));
	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, IOVA + 1, PAGE));
	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem + 512, IOVA, PAGE));
	EXPECT_ERRNO(wrap_errno(), t1_map(self->fd, self->mem, top, 2 * PAGE));
	EXPECT_ERRNO(wrap_errno(), t1_map(self->fd, (void *)top, IOVA, 2 * PAGE));
	EXPECT_ERRNO(wrap_errno(), t1_map(self->fd, self->mem, IOVA, top));
	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, top, PAGE));
	EXPECT_EQ(65535, t1_avail(self->fd));
}

TEST_F(type1, map_forbidden, "MAP refuses IOVAs outside the permitted ranges")
{
	struct vfio_iommu_type1_info_cap_iova_range *ranges;
	struct t1_info info;
	uint64_t last;

	ASSERT_EQ(0, t1_info(self->fd, &info, sizeof(info)));
	ranges = t1_cap(&info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	ASSERT_TRUE(ranges);
	last = ranges->iova_ranges[ranges->nr_iovas - 1].end;

	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, MSI, PAGE));
	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, MSI - PAGE, 2 * PAGE));
	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, MSI + MIB - PAGE, 2 * PAGE));
	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, last + 1, PAGE));
	EXPECT_ERRNO(EINVAL, t1_map(self->fd, self->mem, last + 1 - PAGE, 2 * PAGE));
	EXPECT_EQ(0, t1_map(self->fd, self->mem, MSI - PAGE, PAGE));
	EXPECT_EQ(0, t1_map(self->fd, self->mem, MSI + MIB, PAGE));
	EXPECT_EQ(0, t1_map(self->fd, self->mem, last + 1 - PAGE, PAGE));
	EXPECT_EQ(0, t1_map(self->fd, self->mem, 0, PAGE));
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap_all(self->fd));
}

TEST_F(type1, map_bad_memory, "MAP of memory that is not there or not writable is EFAULT")
{
	uint8_t *mem = memory_before_hole(4 * PAGE);
	int64_t pins = machine_pins();

	EXPECT_ERRNO(EFAULT, t1_map(self->fd, mem + 4 * PAGE, IOVA, PAGE));
	EXPECT_ERRNO(EFAULT, t1_map(self->fd, mem, IOVA, 5 * PAGE));
	EXPECT_ERRNO(EFAULT, t1_map(self->fd, (void *)0xffff888000000000UL, IOVA, PAGE));
	ASSERT_EQ(0, mprotect(mem + 3 * PAGE, PAGE, PROT_READ));
	EXPECT_ERRNO(EFAULT, t1_map(self->fd, mem, IOVA, 4 * PAGE));
	EXPECT_EQ(0, t1_map_flags(self->fd, mem, IOVA, 4 * PAGE, RO));
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap(self->fd, IOVA, 4 * PAGE));
	ASSERT_EQ(0, mprotect(mem + 3 * PAGE, PAGE, PROT_NONE));
	EXPECT_ERRNO(EFAULT, t1_map_flags(self->fd, mem, IOVA, 4 * PAGE, RO));

	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(65535, t1_avail(self->fd));
	EXPECT_TRUE(machine_pins_become(pins));
	EXPECT_EQ(0, t1_unmap_all(self->fd));
}

TEST_F(type1, map_overlap, "MAP over any part of a mapping is EEXIST")
{
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA + 2 * PAGE, 4 * PAGE));
	EXPECT_ERRNO(EEXIST, t1_map(self->fd, self->mem, IOVA + 2 * PAGE, 4 * PAGE));
	EXPECT_ERRNO(EEXIST, t1_map(self->fd, self->mem, IOVA + 3 * PAGE, PAGE));
	EXPECT_ERRNO(EEXIST, t1_map(self->fd, self->mem, IOVA, 3 * PAGE));
	EXPECT_ERRNO(EEXIST, t1_map(self->fd, self->mem, IOVA + 5 * PAGE, 3 * PAGE));
	EXPECT_ERRNO(EEXIST, t1_map(self->fd, self->mem, IOVA, 10 * PAGE));
	EXPECT_EQ(0, t1_map(self->fd, self->mem, IOVA, 2 * PAGE));
	EXPECT_EQ(0, t1_map(self->fd, self->mem, IOVA + 6 * PAGE, PAGE));
	EXPECT_EQ(7 * (int64_t)PAGE, t1_unmap_all(self->fd));
}

/* UNMAP_DMA */

TEST_F(type1, unmap_arguments, "UNMAP refuses no size, parts of pages, wrap-around, unknown flags")
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg) - 1, .iova = IOVA, .size = PAGE,
	};

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, PAGE));
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &arg));
	EXPECT_ERRNO(EINVAL, t1_unmap(self->fd, IOVA, 0));
	EXPECT_ERRNO(EINVAL, t1_unmap(self->fd, IOVA, PAGE - 1));
	EXPECT_ERRNO(EINVAL, t1_unmap(self->fd, IOVA + 1, PAGE));
	EXPECT_ERRNO(wrap_errno(), t1_unmap(self->fd, IOVA, -PAGE));
	EXPECT_ERRNO(wrap_errno(), t1_unmap(self->fd, -PAGE, 2 * PAGE));
	for (int bit = 3; bit < 32; bit++)
		EXPECT_ERRNO(EINVAL, t1_unmap_flags(self->fd, IOVA, PAGE, 1U << bit));
	EXPECT_ERRNO(EINVAL, t1_unmap_flags(self->fd, IOVA, 0, VFIO_DMA_UNMAP_FLAG_ALL));
	EXPECT_ERRNO(EINVAL, t1_unmap_flags(self->fd, 0, PAGE, VFIO_DMA_UNMAP_FLAG_ALL));
	EXPECT_EQ((int64_t)PAGE, t1_unmap(self->fd, IOVA, PAGE));
}

TEST_F(type1, unmap_readonly_argument, "UNMAP whose result cannot be written is EFAULT")
{
	struct vfio_iommu_type1_dma_unmap *arg = memory(PAGE);

	*arg = (struct vfio_iommu_type1_dma_unmap) {
		.argsz = sizeof(*arg), .iova = IOVA, .size = PAGE,
	};
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, PAGE));
	ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ));
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, arg));
	EXPECT_EQ(0, t1_unmap_all(self->fd));	/* the unmap itself was done */
}

TEST_F(type1, unmap_cut, "v2: UNMAP that would cut a mapping is EINVAL and takes nothing")
{
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, 4 * PAGE));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA + 4 * PAGE, 4 * PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap(self->fd, IOVA, PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap(self->fd, IOVA + 3 * PAGE, PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap(self->fd, IOVA + PAGE, 2 * PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap(self->fd, IOVA, 7 * PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap(self->fd, IOVA + PAGE, 7 * PAGE));
	EXPECT_EQ(65533, t1_avail(self->fd));
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap(self->fd, IOVA, 4 * PAGE));
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap(self->fd, IOVA + 2 * PAGE, 10 * PAGE));
}

TEST_F(type1, unmap_range, "UNMAP takes all mappings of a range with holes, or none")
{
	EXPECT_EQ(0, t1_unmap(self->fd, IOVA, 100 * PAGE));
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA + 3 * i * PAGE, 2 * PAGE));
	EXPECT_EQ(0, t1_unmap(self->fd, IOVA + 2 * PAGE, PAGE));
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap(self->fd, IOVA + 2 * PAGE, 7 * PAGE));
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap(self->fd, 0, 1UL << 32));
	EXPECT_EQ(65535, t1_avail(self->fd));
}

TEST_F(type1, unmap_all, "UNMAP with the flag ALL takes everything")
{
	EXPECT_EQ(0, t1_unmap_all(self->fd));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, 0, PAGE));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, 4 * PAGE));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, 1UL << 36, 2 * PAGE));
	EXPECT_EQ(7 * (int64_t)PAGE, t1_unmap_all(self->fd));
	EXPECT_EQ(0, t1_unmap_all(self->fd));
	EXPECT_EQ(65535, t1_avail(self->fd));
}

TEST_F(type1v1, v1_unmap_cut, "v1: UNMAP from the start takes the mapping, from the middle nothing")
{
	int fd = self->t.fd;

	ASSERT_EQ(0, t1_map(fd, self->t.mem, IOVA, 4 * PAGE));
	ASSERT_EQ(0, t1_map(fd, self->t.mem, IOVA + 4 * PAGE, 4 * PAGE));
	EXPECT_EQ(0, t1_unmap(fd, IOVA + PAGE, PAGE));
	EXPECT_EQ(0, t1_unmap(fd, IOVA + PAGE, 20 * PAGE));	/* it ends the walk */
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap(fd, IOVA, PAGE));
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap(fd, IOVA, 5 * PAGE));
	EXPECT_EQ(65535, t1_avail(fd));
}

TEST_F(type1v1, v1_rest, "v1: what else differs from v2, and what does not")
{
	int fd = self->t.fd;

	ASSERT_EQ(0, t1_map(fd, self->t.mem, IOVA, PAGE));
	ASSERT_EQ(0, t1_map(fd, self->t.mem, IOVA + 8 * PAGE, PAGE));
	EXPECT_ERRNO(EEXIST, t1_map(fd, self->t.mem, IOVA, PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap(fd, IOVA, PAGE / 2));
	EXPECT_ERRNO(EACCES, t1_dirty_start(fd));
	EXPECT_ERRNO(EACCES, ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, NULL));
	EXPECT_EQ(2 * (int64_t)PAGE, t1_unmap_all(fd));
}

/* Limits */

static char *limit_path(void)
{
	return is_shim() ? "/sys/module/ioasid_vfio/parameters/dma_entry_limit" :
			   "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
}

TEST(entry_limit, "a container takes dma_entry_limit mappings, then ENOSPC")
{
	uint8_t *mem = memory(PAGE);
	struct vfio_edu dev;
	int fd;

	ASSERT_EQ(0, write_text(limit_path(), "8"));
	fd = container_with(&dev, 0, VFIO_TYPE1v2_IOMMU);
	ASSERT_EQ(0, write_text(limit_path(), "65535"));
	for (int i = 0; i < 8; i++) {
		EXPECT_EQ(8 - i, t1_avail(fd));
		ASSERT_EQ(0, t1_map(fd, mem, IOVA + i * PAGE, PAGE));
	}
	EXPECT_EQ(0, t1_avail(fd));
	EXPECT_ERRNO(ENOSPC, t1_map(fd, mem, IOVA + 8 * PAGE, PAGE));
	EXPECT_ERRNO(EEXIST, t1_map(fd, mem, IOVA, PAGE));
	EXPECT_EQ((int64_t)PAGE, t1_unmap(fd, IOVA, PAGE));
	EXPECT_EQ(0, t1_map(fd, mem, IOVA + 8 * PAGE, PAGE));
	EXPECT_ERRNO(ENOSPC, t1_map(fd, mem, IOVA, PAGE));
	EXPECT_EQ(8 * (int64_t)PAGE, t1_unmap_all(fd));
}

TEST_F(type1, memlock, "mapped memory is charged to RLIMIT_MEMLOCK and returned")
{
	uint64_t locked = locked_pages();
	int64_t pins = machine_pins();

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
	EXPECT_EQ(locked + NPAGES, locked_pages());
	EXPECT_TRUE(machine_pins_become(pins + NPAGES));
	/* Each mapping is charged on its own. */
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA + MIB, NPAGES * PAGE));
	EXPECT_EQ(locked + 2 * NPAGES, locked_pages());
	EXPECT_EQ((int64_t)(NPAGES * PAGE), t1_unmap(self->fd, IOVA, NPAGES * PAGE));
	EXPECT_EQ(locked + NPAGES, locked_pages());

	limit_locked(locked + NPAGES + 4);
	EXPECT_ERRNO(ENOMEM, t1_map(self->fd, self->mem, IOVA, 5 * PAGE));
	EXPECT_EQ(locked + NPAGES, locked_pages());
	EXPECT_EQ(0, t1_map(self->fd, self->mem, IOVA, 4 * PAGE));
	EXPECT_ERRNO(ENOMEM, t1_map(self->fd, self->mem, 0, PAGE));
	EXPECT_EQ((int64_t)((NPAGES + 4) * PAGE), t1_unmap_all(self->fd));
	EXPECT_EQ(locked, locked_pages());
	EXPECT_TRUE(machine_pins_become(pins));
}

/* UPDATE_VADDR, which ioasid_vfio does not offer */

TEST_F(type1, update_vaddr, "without VFIO_UPDATE_VADDR its flags are refused")
{
	if (!is_shim())
		SKIP("vfio_iommu_type1 offers it");
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap_flags(self->fd, IOVA, PAGE, VFIO_DMA_UNMAP_FLAG_VADDR));
	EXPECT_ERRNO(EINVAL, t1_unmap_flags(self->fd, 0, 0, VFIO_DMA_UNMAP_FLAG_VADDR |
					    VFIO_DMA_UNMAP_FLAG_ALL));
	EXPECT_ERRNO(EINVAL, t1_map_flags(self->fd, self->mem, IOVA, PAGE,
					  VFIO_DMA_MAP_FLAG_VADDR));
	EXPECT_EQ((int64_t)PAGE, t1_unmap(self->fd, IOVA, PAGE));
}

HARNESS_MAIN
