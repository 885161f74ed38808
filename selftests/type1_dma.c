// SPDX-License-Identifier: GPL-2.0-only
/*
 * Type1 containers (see type1.c) and what their devices do: bytes move where
 * memory is mapped and nowhere else, for one device and several, one process
 * and several.
 */
#include <linux/memfd.h>
#include <pthread.h>

#include "harness.h"
#include "vfio_util.h"

#define IOVA	0x100000UL		/* edu reaches the first 256 MiB */
#define SPARE	0x8000000UL		/* where a page for load() is mapped */
#define NPAGES	16UL

FIXTURE(type1) {
	int fd;
	struct vfio_edu dev;
	uint8_t *mem;		/* NPAGES */
};

FIXTURE_SETUP(type1)
{
	self->dev.fd = self->dev.group = -1;
	self->fd = container_with(&self->dev, 0, VFIO_TYPE1v2_IOMMU);
	self->mem = memory(NPAGES * PAGE);
}

FIXTURE_TEARDOWN(type1)
{
	vfio_edu_close(&self->dev);
}

/* Pattern seed goes into the device's buffer. */
static void load(int fd, struct vfio_edu *dev, unsigned int seed)
{
	uint8_t *spare = memory(PAGE);

	ASSERT_EQ(0, t1_map(fd, spare, SPARE, PAGE));
	ASSERT_TRUE(edu_load(&dev->edu, SPARE, spare, seed));
	ASSERT_EQ((int64_t)PAGE, t1_unmap(fd, SPARE, PAGE));
	munmap(spare, PAGE);
}

TEST_F(type1, dma_both_ways, "DMA to mapped memory moves the right bytes both ways")
{
	uint8_t *in = self->mem + 3 * PAGE, *out = self->mem + 9 * PAGE;

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
	fill(self->mem, NPAGES * PAGE, 1);
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA + 3 * PAGE, in, 2));
	ASSERT_TRUE(edu_stores(&self->dev.edu, IOVA + 9 * PAGE, out, 2));
	/* and nothing beside it */
	EXPECT_EQ(pattern(9 * PAGE - 1, 1), out[-1]);
	EXPECT_EQ(pattern(10 * PAGE, 1), out[PAGE]);
	EXPECT_EQ(PAGE, mismatch(in, PAGE, 2));
}

TEST_F(type1, dma_part, "DMA across the border of two mappings reaches both")
{
	ASSERT_EQ(0, t1_map(self->fd, self->mem + 4 * PAGE, IOVA, PAGE));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA + PAGE, PAGE));
	load(self->fd, &self->dev, 3);
	memset(self->mem, 0, NPAGES * PAGE);
	ASSERT_EQ(0, edu_from_device(&self->dev.edu, IOVA + PAGE / 2, 0, PAGE));
	for (size_t i = 0; i < PAGE / 2; i++) {
		ASSERT_EQ(pattern(i, 3), self->mem[4 * PAGE + PAGE / 2 + i]);
		ASSERT_EQ(pattern(PAGE / 2 + i, 3), self->mem[i]);
	}
	EXPECT_EQ(0, self->mem[4 * PAGE + PAGE / 2 - 1]);
	EXPECT_EQ(0, self->mem[PAGE / 2]);
}

TEST_F(type1, dma_unmapped, "DMA to what is not mapped moves nothing and is logged")
{
	int kmsg = kmsg_open();

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, PAGE));
	load(self->fd, &self->dev, 4);
	/* The page after the mapping, though its memory follows in the process. */
	EXPECT_TRUE(edu_store_is_lost(&self->dev.edu, IOVA + PAGE, self->mem + PAGE, 5));
	EXPECT_TRUE(dma_fault_is_logged(kmsg, &self->dev.edu, self->dev.name, IOVA + PAGE,
					EDU_CMD_TO_RAM));
	/* Nor does the device read it. */
	fill(self->mem + PAGE, PAGE, 6);
	ASSERT_EQ(0, edu_to_device(&self->dev.edu, IOVA + PAGE, 0, PAGE));
	memset(self->mem, 0, PAGE);
	ASSERT_EQ(0, edu_from_device(&self->dev.edu, IOVA, 0, PAGE));
	EXPECT_NE(PAGE, mismatch(self->mem, PAGE, 6));
}

TEST_F(type1, dma_readonly, "what is mapped for reading cannot be written")
{
	int kmsg = kmsg_open();

	load(self->fd, &self->dev, 7);
	ASSERT_EQ(0, t1_map_flags(self->fd, self->mem, IOVA, PAGE, RO));
	EXPECT_TRUE(edu_store_is_lost(&self->dev.edu, IOVA, self->mem, 8));
	EXPECT_TRUE(dma_fault_is_logged(kmsg, &self->dev.edu, self->dev.name, IOVA,
					EDU_CMD_TO_RAM));
	/* But read. */
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA, self->mem, 6));
	ASSERT_EQ(0, t1_map(self->fd, self->mem + PAGE, IOVA + PAGE, PAGE));
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA + PAGE, self->mem + PAGE, 6));
}

TEST_F(type1, dma_writeonly, "what is mapped for writing can be written")
{
	load(self->fd, &self->dev, 9);
	ASSERT_EQ(0, t1_map_flags(self->fd, self->mem, IOVA, PAGE, WO));
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA, self->mem, 9));
	/* It is up to the IOMMU whether it can forbid reading alone. */
	fill(self->mem, PAGE, 10);
	ASSERT_EQ(0, edu_to_device(&self->dev.edu, IOVA, 0, PAGE));
	memset(self->mem, 0, PAGE);
	ASSERT_EQ(0, edu_from_device(&self->dev.edu, IOVA, 0, PAGE));
	diag("reading is %s", mismatch(self->mem, PAGE, 10) == PAGE ? "possible" : "refused");
}

TEST_F(type1, dma_after_unmap, "after UNMAP nothing arrives, in no page of the range")
{
	static const unsigned int pages[] = { 0, 7, NPAGES - 1 };

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA, self->mem, 11));
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++)
		ASSERT_TRUE(edu_stores(&self->dev.edu, IOVA + pages[i] * PAGE,
				       self->mem + pages[i] * PAGE, 11));
	ASSERT_EQ((int64_t)(NPAGES * PAGE), t1_unmap(self->fd, IOVA, NPAGES * PAGE));
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++)
		EXPECT_TRUE(edu_store_is_lost(&self->dev.edu, IOVA + pages[i] * PAGE,
					      self->mem + pages[i] * PAGE, 12));
}

TEST_F(type1, dma_remap, "an IOVA that is mapped again leads to the new memory only")
{
	uint8_t *old = self->mem, *new = self->mem + 5 * PAGE;

	ASSERT_EQ(0, t1_map(self->fd, old, IOVA, PAGE));
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA, old, 13));
	ASSERT_TRUE(edu_stores(&self->dev.edu, IOVA, old, 13));
	ASSERT_EQ((int64_t)PAGE, t1_unmap(self->fd, IOVA, PAGE));
	ASSERT_EQ(0, t1_map(self->fd, new, IOVA, PAGE));
	fill(old, PAGE, 14);
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA, new, 13));
	EXPECT_EQ(PAGE, mismatch(old, PAGE, 14));
}

TEST_F(type1, dma_large, "a large mapping leads to its memory from end to end", .timeout = 60)
{
	const size_t size = 16 * MIB;
	uint8_t *mem = aligned_alloc(2 * MIB, size);
	static const size_t at[] = { 0, 2 * MIB - PAGE, 2 * MIB, 9 * MIB + 5 * PAGE,
				     16 * MIB - PAGE };

	madvise(mem, 8 * MIB, MADV_HUGEPAGE);
	memset(mem, 0, size);
	ASSERT_EQ(0, t1_map(self->fd, mem, 2 * MIB, size));
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		ASSERT_TRUE(edu_load(&self->dev.edu, 2 * MIB, mem, 20 + i));
		ASSERT_TRUE(edu_stores(&self->dev.edu, 2 * MIB + at[i], mem + at[i], 20 + i));
	}
	ASSERT_EQ((int64_t)size, t1_unmap(self->fd, 0, 64 * MIB));
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++)
		EXPECT_TRUE(edu_store_is_lost(&self->dev.edu, 2 * MIB + at[i], mem + at[i], 30));
}

/* Device memory: the other edu's register that reads as its inverse. */
TEST_F(type1, map_bar, "a device's BAR can be mapped and is not charged")
{
	uint64_t locked = locked_pages();
	uint32_t *word = (void *)self->mem;
	struct vfio_edu other;
	int fd2 = container_with(&other, 1, VFIO_TYPE1v2_IOMMU);

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, PAGE));
	ASSERT_EQ(0, t1_map(self->fd, (void *)other.edu.bar, IOVA + MIB, EDU_BAR_SIZE));
	EXPECT_EQ(locked + 1, locked_pages());
	edu_write32(&other.edu, EDU_REG_LIVE, 1);
	*word = 0x12345678;
	ASSERT_EQ(0, edu_to_device(&self->dev.edu, IOVA, 0, 4));
	ASSERT_EQ(0, edu_from_device(&self->dev.edu, IOVA + MIB + EDU_REG_LIVE, 0, 4));
	EXPECT_EQ(~0x12345678U, edu_read32(&other.edu, EDU_REG_LIVE));
	EXPECT_EQ((int64_t)EDU_BAR_SIZE, t1_unmap(self->fd, IOVA + MIB, EDU_BAR_SIZE));
	edu_write32(&other.edu, EDU_REG_LIVE, 1);
	ASSERT_EQ(0, edu_from_device(&self->dev.edu, IOVA + MIB + EDU_REG_LIVE, 0, 4));
	EXPECT_EQ(~1U, edu_read32(&other.edu, EDU_REG_LIVE));
	EXPECT_EQ(locked + 1, locked_pages());
	vfio_edu_close(&other);
	close(fd2);
}

/* Groups */

TEST_F(type1, two_groups, "a second group sees what is mapped, and the first stays when it goes")
{
	struct vfio_edu dev2;

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA, self->mem, 40));
	vfio_edu_group(&dev2, 1);
	ASSERT_TRUE(group_add(dev2.group, self->fd));
	vfio_edu_start(&dev2);
	ASSERT_TRUE(edu_load(&dev2.edu, IOVA, self->mem, 41));
	EXPECT_TRUE(edu_stores(&dev2.edu, IOVA + PAGE, self->mem + PAGE, 41));
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA + 2 * PAGE, self->mem + 2 * PAGE, 40));

	/* What is mapped and unmapped from now on counts for both. */
	ASSERT_EQ((int64_t)(NPAGES * PAGE), t1_unmap_all(self->fd));
	EXPECT_TRUE(edu_store_is_lost(&dev2.edu, IOVA, self->mem, 42));
	EXPECT_TRUE(edu_store_is_lost(&self->dev.edu, IOVA, self->mem, 42));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, PAGE));
	EXPECT_TRUE(edu_stores(&dev2.edu, IOVA, self->mem, 41));
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA, self->mem, 40));

	edu_close(&dev2.edu);
	close(dev2.fd);
	ASSERT_EQ(0, ioctl(dev2.group, VFIO_GROUP_UNSET_CONTAINER));
	fill(self->mem, PAGE, 43);
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA, self->mem, 40));
	EXPECT_EQ((int64_t)PAGE, t1_unmap_all(self->fd));
	close(dev2.group);
}

TEST_F(type1, group_rules, "a group is in one container, of one process")
{
	int other = container_open();
	struct vfio_edu dev2;

	EXPECT_ERRNO(EINVAL, ioctl(self->dev.group, VFIO_GROUP_SET_CONTAINER, &other));
	EXPECT_ERRNO(EBUSY, ioctl(self->dev.group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_ERRNO(EBUSY, group_open_nr(self->dev.group_nr));
	vfio_edu_group(&dev2, 1);
	ASSERT_TRUE(group_add(dev2.group, other));
	EXPECT_ERRNO(EINVAL, ioctl(dev2.group, VFIO_GROUP_SET_CONTAINER, &self->fd));
	vfio_edu_close(&dev2);
}

/* A group is viable once all its devices are in VFIO's hands. */
TEST(shared_group, "two devices of one group share a container", .timeout = 60)
{
	const char *second = edu_name(3);
	uint8_t *mem = memory(NPAGES * PAGE);
	struct vfio_edu dev, dev2;
	int fd = container_open();

	if (!second)
		SKIP("no two edu devices in one group");
	ASSERT_EQ(0, pci_rebind(second, "vfio-pci"));
	vfio_edu_group(&dev, 2);
	if (pci_group(second) != dev.group_nr)
		SKIP("no two edu devices in one group");
	ASSERT_TRUE(group_add(dev.group, fd));
	ASSERT_EQ(0, ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio_edu_start(&dev);
	dev2 = dev;
	strcpy(dev2.name, edu_name(3));
	vfio_edu_start(&dev2);

	ASSERT_EQ(0, t1_map(fd, mem, IOVA, 2 * PAGE));
	ASSERT_TRUE(edu_load(&dev.edu, IOVA, mem, 44));
	ASSERT_TRUE(edu_load(&dev2.edu, IOVA, mem, 45));
	if (!iommu_passes_bridge())
		XFAIL("Linux does not set up VT-d for the bridge's address in scalable mode");
	EXPECT_TRUE(edu_stores(&dev.edu, IOVA + PAGE, mem + PAGE, 44));
	EXPECT_TRUE(edu_stores(&dev2.edu, IOVA + PAGE, mem + PAGE, 45));
	ASSERT_EQ(2 * (int64_t)PAGE, t1_unmap(fd, IOVA, 2 * PAGE));
	EXPECT_TRUE(edu_store_is_lost(&dev.edu, IOVA, mem, 46));
	EXPECT_TRUE(edu_store_is_lost(&dev2.edu, IOVA, mem, 46));
}

/* Processes */

TEST_F(type1, fork_maps, "a child maps its memory, is charged, and the mapping outlives it")
{
	int memfd = memfd_create("type1", MFD_CLOEXEC);
	uint64_t locked = locked_pages();
	int status;
	uint8_t *mem;

	ASSERT_EQ(0, ftruncate(memfd, 4 * PAGE));
	if (!fork()) {
		mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
		ASSERT_TRUE(mem != MAP_FAILED);
		ASSERT_EQ(0, t1_map(self->fd, mem, IOVA, 4 * PAGE));
		ASSERT_EQ(4, locked_pages());
		_exit(0);
	}
	ASSERT_TRUE(wait(&status) > 0 && !status);
	EXPECT_EQ(locked, locked_pages());
	mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA, mem, 50));
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA + 3 * PAGE, mem + 3 * PAGE, 50));
	EXPECT_EQ(4 * (int64_t)PAGE, t1_unmap(self->fd, IOVA, 4 * PAGE));
	EXPECT_EQ(locked, locked_pages());
}

TEST_F(type1, fork_unmaps, "what a child unmaps is returned to the parent who mapped it")
{
	uint64_t locked = locked_pages();
	int status;

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
	ASSERT_EQ(locked + NPAGES, locked_pages());
	if (!fork()) {
		ASSERT_EQ(0, locked_pages());
		ASSERT_EQ((int64_t)(NPAGES * PAGE), t1_unmap_all(self->fd));
		_exit(0);
	}
	ASSERT_TRUE(wait(&status) > 0 && !status);
	EXPECT_EQ(locked, locked_pages());
	EXPECT_EQ(0, t1_unmap_all(self->fd));
}

TEST_F(type1, parent_writes_after_fork, "the device sees what the parent writes after fork")
{
	int status;

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, 2 * PAGE));
	if (!fork())
		_exit(self->mem[0]);
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA, self->mem, 51));
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA + PAGE, self->mem + PAGE, 51));
	ASSERT_TRUE(wait(&status) > 0 && !status);
}

static void neighbour(unsigned int seed)
{
	uint8_t *mem = memory(2 * PAGE);
	struct vfio_edu dev;
	int fd = container_with(&dev, 1, VFIO_TYPE1v2_IOMMU);

	ASSERT_EQ(0, t1_map(fd, mem, IOVA, 2 * PAGE));
	ASSERT_TRUE(edu_load(&dev.edu, IOVA, mem, seed));
	for (int i = 0; i < 5; i++)
		ASSERT_TRUE(edu_stores(&dev.edu, IOVA + PAGE, mem + PAGE, seed));
	ASSERT_EQ(PAGE, mismatch(mem, PAGE, seed));
	_exit(0);
}

TEST_F(type1, two_processes, "two processes use the same IOVAs for memory of their own")
{
	int status;

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, 2 * PAGE));
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA, self->mem, 52));
	if (!fork())
		neighbour(53);
	for (int i = 0; i < 5; i++)
		ASSERT_TRUE(edu_stores(&self->dev.edu, IOVA + PAGE, self->mem + PAGE, 52));
	ASSERT_TRUE(wait(&status) > 0 && !status);
	EXPECT_EQ(PAGE, mismatch(self->mem, PAGE, 52));
}

TEST(killed, "a killed process leaves nothing behind", .timeout = 60)
{
	int64_t pins = machine_pins();
	int pipes[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid) {
		uint8_t *mem = memory(32 * MIB);
		struct vfio_edu dev;
		int fd = container_with(&dev, 0, VFIO_TYPE1v2_IOMMU);

		ASSERT_EQ(0, t1_map(fd, mem, 0, 32 * MIB));
		ASSERT_EQ(1, write(pipes[1], "", 1));
		for (;;) {
			t1_map(fd, mem, 64 * MIB, 32 * MIB);
			t1_unmap(fd, 64 * MIB, 32 * MIB);
		}
	}
	close(pipes[1]);
	ASSERT_EQ(1, read(pipes[0], &byte, 1));
	usleep(50000);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(machine_pins_become(pins));
	if (!fork()) {
		struct vfio_edu dev;

		container_with(&dev, 0, VFIO_TYPE1v2_IOMMU);
		_exit(0);
	}
	ASSERT_TRUE(wait(&status) > 0 && !status);
}

TEST_F(type1, close_container_first, "mappings last as long as the group, not the container's fd")
{
	int64_t pins = machine_pins();

	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
	close(self->fd);
	ASSERT_TRUE(edu_load(&self->dev.edu, IOVA, self->mem, 54));
	EXPECT_TRUE(edu_stores(&self->dev.edu, IOVA + PAGE, self->mem + PAGE, 54));
	EXPECT_TRUE(machine_pins_become(pins + NPAGES));
	vfio_edu_close(&self->dev);
	EXPECT_TRUE(machine_pins_become(pins));
	EXPECT_EQ(0, locked_pages());
}

/* Threads */

struct mapper {
	int fd;
	uint8_t *mem;
	uint64_t iova;
	volatile bool *stop;
};

static void *map_unmap(void *arg)
{
	struct mapper *m = arg;

	while (!*m->stop) {
		ASSERT_EQ(0, t1_map(m->fd, m->mem, m->iova, 4 * PAGE));
		ASSERT_EQ(4 * (int64_t)PAGE, t1_unmap(m->fd, m->iova, 4 * PAGE));
	}
	return NULL;
}

TEST_F(type1, threads, "threads map and unmap side by side while the device works")
{
	volatile bool stop = false;
	struct mapper mappers[4];
	pthread_t threads[4];

	ASSERT_EQ(0, t1_map(self->fd, self->mem, 0, PAGE));
	for (int i = 0; i < 4; i++) {
		mappers[i] = (struct mapper){ self->fd, self->mem, IOVA + i * MIB, &stop };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, map_unmap, &mappers[i]));
	}
	ASSERT_TRUE(edu_load(&self->dev.edu, 0, self->mem, 55));
	for (int i = 0; i < 5; i++)
		EXPECT_TRUE(edu_stores(&self->dev.edu, 0, self->mem, 55));
	stop = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ((int64_t)PAGE, t1_unmap_all(self->fd));
	EXPECT_EQ(65535, t1_avail(self->fd));
}

static void *map_whatever(void *arg)
{
	struct mapper *m = arg;

	while (!*m->stop) {
		t1_map(m->fd, m->mem, m->iova, 4 * PAGE);
		t1_unmap_all(m->fd);
		t1_dirty_start(m->fd);
	}
	return NULL;
}

/*
 * VFIO looks up the backend without a lock; type1 frees the container under
 * a command that is at work on it, so this is not for type1.
 */
TEST(group_goes, "commands and the end of the container meet without harm", .timeout = 60)
{
	volatile bool stop = false;
	struct mapper m = { .mem = memory(4 * PAGE), .iova = IOVA, .stop = &stop };
	int64_t pins = machine_pins();
	struct vfio_edu dev;
	pthread_t threads[2];

	if (!is_shim())
		SKIP("vfio_iommu_type1 may crash");
	m.fd = container_open();
	vfio_edu_group(&dev, 0);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, map_whatever, &m));
	for (int i = 0; i < 200; i++) {
		ASSERT_TRUE(group_add(dev.group, m.fd));
		ASSERT_EQ(0, ioctl(m.fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
		ASSERT_EQ(0, ioctl(dev.group, VFIO_GROUP_UNSET_CONTAINER));
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_TRUE(machine_pins_become(pins));
	EXPECT_EQ(0, locked_pages());
}

HARNESS_MAIN
