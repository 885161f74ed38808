// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages of type1 containers whose IOMMU records them: what devices wrote is
 * reported, once, and nothing else is. Simulated devices, whose every write is known,
 * come as VFIO devices; type1_dirty_hw.sh brings the modules for that. See
 * type1_dirty.c for containers without such an IOMMU.
 */
#include "type1_dirty_fixture.h"

/*
 * Which containers
 */
TEST_F(hw, off, "without the parameter all that is mapped is dirty, as in type1")
{
	ASSERT_EQ(0, write_text(PARAMETER, "N"));
	begin(self, RECORDS);
	/* Of the container's first group, whatever is said later */
	ASSERT_EQ(0, write_text(PARAMETER, "Y"));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(~0ULL, dirty(self));
	EXPECT_EQ(~0ULL, dirty(self));
	create(self, 1, 0);
	join(self, 1);
	EXPECT_WRITES(self, 1, 3);
	create(self, 2, RECORDS);
	join(self, 2);
	EXPECT_WRITES(self, 2, 4);
	EXPECT_EQ(~0ULL, dirty(self));
}

TEST_F(hw, incapable, "so it is with a first group whose IOMMU records nothing")
{
	begin(self, IOASID_SIM_CAP_ATS);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(~0ULL, dirty(self));
	create(self, 1, RECORDS);
	join(self, 1);
	EXPECT_EQ(~0ULL, dirty(self));
	EXPECT_EQ(~0ULL, dirty(self));
}

TEST_F(hw, refused, "where writes are recorded, others are refused, and nothing changes")
{
	struct t1_info before, after;
	int other;

	begin(self, RECORDS);
	create(self, 1, IOASID_SIM_CAP_ATS);
	ASSERT_EQ(0, t1_info(self->fd, &before, sizeof(before)));
	for (int tracked = 0; tracked < 2; tracked++) {
		if (tracked)
			ASSERT_EQ(0, t1_dirty_start(self->fd));
		EXPECT_WRITES(self, 0, 5);
		EXPECT_FALSE(group_add(self->dev[1].group, self->fd));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(1 << 5, dirty(self));
	EXPECT_EQ(0, dirty(self));
	ASSERT_EQ(0, t1_info(self->fd, &after, sizeof(after)));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_WRITES(self, 0, 6);
	EXPECT_EQ(1 << 6, dirty(self));
	/* As QEMU does then */
	other = container_open();
	ASSERT_TRUE(group_add(self->dev[1].group, other));
	ASSERT_EQ(0, ioctl(other, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, t1_map(other, self->mem, IOVA, NPAGES * PAGE));
	start(self, 1);
	EXPECT_WRITES(self, 1, 7);
	EXPECT_EQ(0, dirty(self));
	/* It is one of the other kind. */
	create(self, 2, RECORDS);
	EXPECT_TRUE(group_add(self->dev[2].group, other));
	leave(self, 1);
	leave(self, 2);
	close(other);
}

/*
 * What is reported
 */
TEST_F(hw, once, "what was written is reported, and clean then; nothing else is")
{
	uint64_t many[3] = { 0, 0, ~0ULL };

	begin(self, RECORDS);
	ASSERT_EQ(0, t1_map_flags(self->fd, self->mem, at(NPAGES + 3), 4 * PAGE, RO));
	EXPECT_WRITES(self, 0, 1);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 1);
	/* From the end of page 62 to the beginning of the last */
	EXPECT_EQ(IOASID_SIM_OK, dma(&self->dev[0], IOASID_SIM_OP_FILL, at(63) - 1, 2, 1));
	EXPECT_EQ(IOASID_SIM_OK, dma(&self->dev[0], IOASID_SIM_OP_READ, IOVA, NPAGES * PAGE, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, writes(self, 0, NPAGES + 4));
	ASSERT_EQ(0, t1_dirty_get(self->fd, at(0) - 3 * PAGE, 128 * PAGE, many, 16));
	EXPECT_EQ(1 << 4, many[0]);
	EXPECT_EQ(3 << 1, many[1]);
	EXPECT_EQ(~0ULL, many[2]);
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 1);
	EXPECT_WRITES(self, 0, 1);
	EXPECT_EQ(1 << 1, dirty(self));
	EXPECT_EQ(0, dirty(self));
}

TEST_F(hw, restart, "stopped, nothing is recorded; started again, nothing is dirty")
{
	begin(self, RECORDS);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 1);
	/* Started already: what is dirty stays so. */
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	EXPECT_WRITES(self, 0, 2);
	EXPECT_ERRNO(EINVAL, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, (void *)self->mem, 8));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 2);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(1 << 2, dirty(self));
}

TEST_F(hw, no_bitmap, "what could not be told is told the next time")
{
	uint64_t *bits = memory(2 * PAGE);
	const size_t npages = PAGE * 8 + 64; /* a page of bits and a word */
	uint8_t *mem = mmap(NULL, npages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	begin(self, RECORDS);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 9);
	EXPECT_ERRNO(EFAULT, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, (void *)PAGE, 8));
	ASSERT_EQ(0, mprotect(bits, PAGE, PROT_READ));
	EXPECT_ERRNO(EFAULT, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, bits, 8));
	EXPECT_EQ(1 << 9, dirty(self));
	ASSERT_EQ(NPAGES * PAGE, t1_unmap(self->fd, IOVA, NPAGES * PAGE));
	ASSERT_EQ(0, mprotect(bits, PAGE, PROT_READ | PROT_WRITE));

	/* The first half of a bitmap is there, the other is not. */
	ASSERT_EQ(0, t1_map(self->fd, mem, IOVA, npages * PAGE));
	for (int round = 0; round < 2; round++) {
		EXPECT_WRITES(self, 0, 1);
		EXPECT_WRITES(self, 0, npages - 1);
		ASSERT_EQ(0, mprotect(&bits[PAGE / 8], PAGE, PROT_NONE));
		EXPECT_ERRNO(EFAULT, t1_dirty_get(self->fd, IOVA, npages * PAGE, bits, 2 * PAGE));
		ASSERT_EQ(0, mprotect(&bits[PAGE / 8], PAGE, PROT_READ | PROT_WRITE));
		EXPECT_EQ(1 << 1, bits[0]);
		ASSERT_EQ(0, t1_dirty_get(self->fd, IOVA, npages * PAGE, bits, 2 * PAGE));
		EXPECT_EQ(0, bits[0]);
		EXPECT_EQ(1ULL << 63, bits[PAGE / 8]);
		bits[PAGE / 8] = 0;
	}
	munmap(mem, npages * PAGE);
}

/*
 * Groups come and go
 */
TEST_F(hw, several, "who comes while pages are tracked is recorded, who goes has written")
{
	begin(self, RECORDS);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 0);
	create(self, 1, RECORDS);
	join(self, 1);
	EXPECT_WRITES(self, 1, 1);
	EXPECT_EQ(3, dirty(self));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 2);
	EXPECT_WRITES(self, 1, 3);
	leave(self, 1);
	EXPECT_EQ(0xc, dirty(self));
	EXPECT_EQ(0, dirty(self));
	open_group(self, 1);
	join(self, 1);
	EXPECT_WRITES(self, 1, 4);
	EXPECT_EQ(1 << 4, dirty(self));
}

TEST_F(hw, mediated_first, "mapped and tracked before the first device that is recorded")
{
	uint64_t word = 1;

	begin_mediated(self);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, rw_write(&self->mdev, at(1), &word, 8));
	create(self, 0, RECORDS);
	join(self, 0);
	EXPECT_WRITES(self, 0, 2);
	EXPECT_EQ(6, dirty(self));
	EXPECT_EQ(0, dirty(self));
	/* What the kernel writes is added, and pinned pages are dirty always. */
	EXPECT_WRITES(self, 0, 4);
	EXPECT_EQ(0, rw_write(&self->mdev, at(3), &word, 8));
	ASSERT_EQ(1, pin(&self->mdev, at(5), 1));
	EXPECT_EQ(0x38, dirty(self));
	EXPECT_EQ(0x20, dirty(self));
	ASSERT_EQ(0, unpin(&self->mdev, at(5), 1));
	EXPECT_EQ(0x20, dirty(self));
	EXPECT_EQ(0, dirty(self));
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 2);
	EXPECT_EQ(4, dirty(self));
}

TEST_F(hw, last_leaves, "when all have left, the next group decides again")
{
	begin_mediated(self);
	create(self, 0, RECORDS);
	create(self, 1, IOASID_SIM_CAP_ATS);
	join(self, 0);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 1);
	leave(self, 0);
	/* Without a device, and with it again, nothing is lost. */
	EXPECT_EQ(2, dirty(self));
	EXPECT_EQ(0, dirty(self));
	open_group(self, 0);
	join(self, 0);
	EXPECT_WRITES(self, 0, 2);
	leave(self, 0);
	open_group(self, 0);
	join(self, 0);
	EXPECT_EQ(4, dirty(self));
	leave(self, 0);
	/* One that is not recorded may have written anywhere. */
	join(self, 1);
	EXPECT_WRITES(self, 1, 3);
	EXPECT_EQ(~0ULL, dirty(self));
	EXPECT_EQ(~0ULL, dirty(self));
	leave(self, 1);
	open_group(self, 0);
	join(self, 0);
	EXPECT_EQ(~0ULL, dirty(self));
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 4);
	EXPECT_EQ(1 << 4, dirty(self));
}

TEST_F(hw, first_fails, "a first group that does not fit changes nothing")
{
	begin_mediated(self);
	create(self, 0, RECORDS);
	join(self, 0);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 1);
	leave(self, 0);
	/* Beyond what the next one can address */
	ASSERT_EQ(0, t1_map(self->fd, self->mem, 1ULL << 40, PAGE));
	for (int records = 1; records >= 0; records--) {
		int id = sim_create(self->ctl, .nr_devices = 1, .addr_width = 39,
				    .caps = records ? RECORDS : 0, .flags = IOASID_SIM_PERSIST);

		snprintf(self->dev[1].name, sizeof(self->dev[1].name), "sim%d.0", id);
		open_group(self, 1);
		EXPECT_FALSE(group_add(self->dev[1].group, self->fd));
		EXPECT_EQ(EINVAL, errno);
		leave(self, 1);
	}
	EXPECT_EQ(2, dirty(self));
	open_group(self, 0);
	join(self, 0);
	EXPECT_WRITES(self, 0, 3);
	EXPECT_EQ(8, dirty(self));
}

/*
 * UNMAP with a bitmap
 */
TEST_F(hw, unmap, "UNMAP reports what could be written until then, and forgets it")
{
	uint64_t bits = 0;

	begin(self, RECORDS);
	ASSERT_EQ(0, t1_map_flags(self->fd, self->mem, at(NPAGES), 32 * PAGE, RO));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, at(NPAGES + 32), 32 * PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 1);
	EXPECT_ERRNO(EFAULT, t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, (void *)PAGE, 8));
	EXPECT_EQ(2, dirty(self));
	EXPECT_WRITES(self, 0, 2);
	/* Read-only memory is clean. */
	EXPECT_EQ(64 * (int64_t)PAGE, t1_unmap_dirty(self->fd, at(NPAGES), 64 * PAGE, &bits, 8));
	EXPECT_EQ(0xffffffff00000000ULL, bits);
	EXPECT_EQ(4, dirty(self));
	EXPECT_WRITES(self, 0, 3);
	bits = 0;
	EXPECT_EQ(64 * (int64_t)PAGE, t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	EXPECT_EQ(~0ULL, bits);
	map_mem(self);
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 4);
	ASSERT_EQ(NPAGES * PAGE, t1_unmap(self->fd, IOVA, NPAGES * PAGE));
	map_mem(self);
	EXPECT_EQ(0, dirty(self));
}

HARNESS_MAIN
