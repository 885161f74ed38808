// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real DMA through real translations, on QEMU's edu devices behind VT-d: the
 * right bytes reach the right pages, and nothing reaches what is not mapped.
 *
 * A transfer takes 100 ms, so all devices work in parallel (two that are alone
 * in their groups, and two that share one if there are), and a page is judged by
 * CHUNK bytes of it, at an offset and with contents of its own.
 */
#include "ioasid_util.h"

#define CHUNK		64
#define SLOTS		(EDU_BUF_SIZE / CHUNK)
#define DEVICES		4
#define BOUNCE		0xff00000ULL	/* a page per device, always mapped */

FIXTURE(dma) {
	int fd;
	int id;
	unsigned int devices;
	struct edu_device dev[DEVICES];
	uint8_t *bounce;
	int kmsg;
};

FIXTURE_SETUP(dma)
{
	self->kmsg = kmsg_open();
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->bounce = memory(DEVICES * PAGE);
	test_map(self->fd, self->id, self->bounce, BOUNCE, DEVICES * PAGE);
	self->devices = edu_name(3) && iommu_passes_bridge() ? 4 : 2;
	for (unsigned int i = 0; i < self->devices; i++) {
		edu_device_open(&self->dev[i], i);
		test_bind(self->dev[i].fd, self->fd, i);
		test_attach(self->dev[i].fd, self->id);
		edu_device_start(&self->dev[i]);
	}
}

FIXTURE_TEARDOWN(dma)
{
	for (unsigned int i = 0; i < self->devices; i++)
		edu_device_close(&self->dev[i]);
	close(self->fd);
	EXPECT_EQ(0, locked_pages());
}

static void start(struct fixture_dma *self, unsigned int nr, uint64_t iova, unsigned int buf,
		  unsigned int len, unsigned int cmd)
{
	ASSERT_EQ(0, edu_start(&self->dev[nr].edu, iova, buf, len, cmd));
}

static void wait_all(struct fixture_dma *self)
{
	for (unsigned int i = 0; i < self->devices; i++)
		ASSERT_EQ(0, edu_wait(&self->dev[i].edu, EDU_TIMEOUT_MS));
}

/* Fills all devices' buffers with what is in the bounce pages, or back. */
static void exchange(struct fixture_dma *self, unsigned int cmd)
{
	for (unsigned int i = 0; i < self->devices; i++)
		start(self, i, BOUNCE + i * PAGE, 0, PAGE, cmd);
	wait_all(self);
}

/*
 * Places to look at: page[i] of a mapping of mem at iova. Place i is served by
 * device i modulo their number and lies in its buffer at slot i / their number.
 */
struct places {
	uint8_t *mem;
	uint64_t iova;
	unsigned int nr;
	unsigned int page[DEVICES * SLOTS];
};

static uint64_t offset_of(const struct places *p, unsigned int i)
{
	return p->page[i] * PAGE + p->page[i] * CHUNK % PAGE;
}

static uint8_t *slot_of(struct fixture_dma *self, unsigned int i)
{
	return self->bounce + i % self->devices * PAGE + i / self->devices * CHUNK;
}

static void transfer(struct fixture_dma *self, const struct places *p, unsigned int cmd)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		unsigned int dev = i % self->devices, slot = i / self->devices;

		start(self, dev, p->iova + offset_of(p, i), slot * CHUNK, CHUNK, cmd);
		if (dev == self->devices - 1)
			wait_all(self);
	}
	wait_all(self);
}

#define MEMORY_SEED(i)	(2 * (i) + 1)
#define DEVICE_SEED(i)	(2 * (i) + 128)

/* The devices read: how many places arrived. */
static unsigned int count_read(struct fixture_dma *self, const struct places *p)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < p->nr; i++)
		fill(p->mem + offset_of(p, i), CHUNK, MEMORY_SEED(i));
	memset(self->bounce, 0xee, DEVICES * PAGE);
	exchange(self, 0);
	transfer(self, p, 0);
	exchange(self, EDU_CMD_TO_RAM);
	for (unsigned int i = 0; i < p->nr; i++)
		count += mismatch(slot_of(self, i), CHUNK, MEMORY_SEED(i)) == CHUNK;
	return count;
}

/* The devices write: how many places arrived; counts others in *strange. */
static unsigned int count_written(struct fixture_dma *self, const struct places *p,
				  unsigned int *strange)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < p->nr; i++) {
		memset(p->mem + p->page[i] * PAGE, 0x11, PAGE);
		fill(slot_of(self, i), CHUNK, DEVICE_SEED(i));
	}
	exchange(self, 0);
	transfer(self, p, EDU_CMD_TO_RAM);
	*strange = 0;
	for (unsigned int i = 0; i < p->nr; i++) {
		uint8_t *page = p->mem + p->page[i] * PAGE, *chunk = p->mem + offset_of(p, i);
		bool written = mismatch(chunk, CHUNK, DEVICE_SEED(i)) == CHUNK;

		count += written;
		for (unsigned int k = 0; k < PAGE; k++)
			if (page[k] != 0x11 && (!written || page + k < chunk ||
						page + k >= chunk + CHUNK)) {
				++*strange;
				break;
			}
	}
	return count;
}

static void check_reached(struct fixture_dma *self, const struct places *p)
{
	unsigned int strange;

	EXPECT_EQ(p->nr, count_read(self, p));
	EXPECT_EQ(p->nr, count_written(self, p, &strange));
	EXPECT_EQ(0, strange);
}

static void check_blocked(struct fixture_dma *self, const struct places *p)
{
	unsigned int strange;

	EXPECT_EQ(0, count_read(self, p));
	EXPECT_EQ(0, count_written(self, p, &strange));
	EXPECT_EQ(0, strange);
}

/* The device writes where it may not, and the kernel says so. */
static void check_logged(struct fixture_dma *self, unsigned int nr, uint64_t iova)
{
	struct edu_device *dev = &self->dev[nr];

	ASSERT_EQ(0, edu_from_device(&dev->edu, iova, 0, CHUNK));
	ASSERT_TRUE(dma_fault_is_logged(self->kmsg, &dev->edu, dev->name, iova, EDU_CMD_TO_RAM));
}

static struct places all_pages(void *mem, uint64_t iova, unsigned int nr)
{
	struct places p = { .mem = mem, .iova = iova, .nr = nr };

	for (unsigned int i = 0; i < nr; i++)
		p.page[i] = i;
	return p;
}

/* First, last, and some on the way. */
static struct places some_pages(void *mem, uint64_t iova, unsigned int pages, unsigned int nr)
{
	struct places p = { .mem = mem, .iova = iova, .nr = nr };

	for (unsigned int i = 0; i < nr; i++)
		p.page[i] = (uint64_t)i * (pages - 1) / (nr - 1);
	return p;
}

/*
 * Kinds of memory. Each test maps, looks, unmaps and looks again: devices have
 * used all translations by then, so stale ones would show.
 */
static void check_mapping(struct fixture_dma *self, struct places p, uint64_t size)
{
	test_map(self->fd, self->id, p.mem, p.iova, size);
	check_reached(self, &p);
	test_unmap(self->fd, self->id, p.iova, size);
	check_blocked(self, &p);
}

/* Each page at another address than its neighbour in memory. */
static char *shuffled(unsigned int pages, unsigned int stride)
{
	char *from = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *to = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(from != MAP_FAILED && to != MAP_FAILED);
	ASSERT_EQ(0, madvise(from, pages * PAGE, MADV_NOHUGEPAGE));
	memset(from, 1, pages * PAGE);
	for (unsigned int i = 0; i < pages; i++)
		ASSERT_TRUE(mremap(from + i * stride % pages * PAGE, PAGE, PAGE,
				   MREMAP_MAYMOVE | MREMAP_FIXED, to + i * PAGE) !=
			    MAP_FAILED);
	return to;
}

TEST_F(dma, pages_4k, "DMA reaches all pages of a 4 KiB-paged mapping, none after unmap",
       .timeout = 60)
{
	char *mem = memory(24 * PAGE);

	check_mapping(self, all_pages(mem, 0x100000, 24), 24 * PAGE);
}

TEST_F(dma, pages_shuffled, "DMA reaches the right pages when physical order is reversed",
       .timeout = 60)
{
	char *mem = shuffled(23, 22);

	check_mapping(self, all_pages(mem, 0x100000, 23), 23 * PAGE);
}

TEST_F(dma, pages_many_runs, "DMA reaches the right pages of a mapping of 600 runs",
       .timeout = 60)
{
	char *mem = shuffled(599, 7);
	struct places p = some_pages(mem, 0x100000, 599, 8);
	const unsigned int edges[] = {
		1, 127, 128, 129, 254, 255, 257, 383, 384, 385, 510, 511, 513, 597,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(edges); i++)
		p.page[p.nr++] = edges[i];
	check_mapping(self, p, 599 * PAGE);
}

TEST_F(dma, runs_of_all_lengths, "DMA reaches the right pages where runs differ in length",
       .timeout = 60)
{
	char *mem = memory(32 * PAGE), *spare = memory(PAGE);
	const unsigned int moved[] = { 1, 3, 4, 8, 15, 16, 30 };

	/* Rotates some pages: runs of 1, 1, 1, 2, 3, 6, ... remain between them. */
	for (unsigned int i = 0; i < ARRAY_SIZE(moved); i++) {
		char *hole = mem + moved[i] * PAGE;
		char *next = mem + moved[(i + 1) % ARRAY_SIZE(moved)] * PAGE;

		if (i == 0)
			ASSERT_TRUE(mremap(hole, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
					   spare) != MAP_FAILED);
		if (i + 1 == ARRAY_SIZE(moved))
			next = spare;
		ASSERT_TRUE(mremap(next, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, hole) !=
			    MAP_FAILED);
	}
	check_mapping(self, all_pages(mem, 0x100000, 32), 32 * PAGE);
}

static char *huge_pages(size_t size, bool advise)
{
	char *mem = mmap(NULL, size + 2 * MIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	mem = (char *)(((uintptr_t)mem + 2 * MIB - 1) & ~(2 * MIB - 1));
	if (advise && madvise(mem, size, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	memset(mem, 1, size);
	return mem;
}

TEST_F(dma, pages_thp, "DMA reaches transparent huge pages, none after unmap", .timeout = 60)
{
	char *mem = huge_pages(6 * MIB, true);

	/* aligned to huge pages, and not */
	check_mapping(self, some_pages(mem, 4 * MIB, 1536, 14), 6 * MIB);
	check_mapping(self, some_pages(mem + 3 * PAGE, 5 * PAGE, 1530, 14), 1530 * PAGE);
}

TEST_F(dma, pages_thp_torn, "DMA reaches the right pages of a huge page with swapped pages",
       .timeout = 60)
{
	char *mem = huge_pages(2 * MIB, true), *spare = memory(PAGE);
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	struct places p = all_pages(mem, 2 * MIB, 12);

	/* The folio stays; the first and the last page stay in place, too. */
	ASSERT_TRUE(mremap(mem + 3 * PAGE, PAGE, PAGE, flags, spare) != MAP_FAILED);
	ASSERT_TRUE(mremap(mem + 7 * PAGE, PAGE, PAGE, flags, mem + 3 * PAGE) != MAP_FAILED);
	ASSERT_TRUE(mremap(spare, PAGE, PAGE, flags, mem + 7 * PAGE) != MAP_FAILED);
	p.page[p.nr++] = 510;
	p.page[p.nr++] = 511;
	check_mapping(self, p, 2 * MIB);
}

static void need_hugetlb(unsigned int pages)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", pages);
	if (write_text("/proc/sys/vm/nr_hugepages", number))
		SKIP("no hugetlb pages: %s", strerror(errno));
}

TEST_F(dma, pages_hugetlb, "DMA reaches hugetlb pages, none after unmap", .timeout = 60)
{
	char *mem;

	need_hugetlb(3);
	mem = mmap(NULL, 6 * MIB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (mem == MAP_FAILED)
		SKIP("hugetlb: %s", strerror(errno));
	check_mapping(self, some_pages(mem, 4 * MIB, 1536, 14), 6 * MIB);
	munmap(mem, 6 * MIB);
	need_hugetlb(0);
}

TEST_F(dma, pages_memfd, "DMA reaches shared memory, seen through another mapping of it",
       .timeout = 60)
{
	int file = memfd_create("dma", MFD_CLOEXEC);
	struct places p;
	char *mem, *view;

	ASSERT_EQ(0, ftruncate(file, 16 * PAGE));
	mem = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	view = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ASSERT_TRUE(mem != MAP_FAILED && view != MAP_FAILED);
	p = all_pages(view, 0x100000, 16);
	test_map(self->fd, self->id, mem, p.iova, 16 * PAGE);
	check_reached(self, &p);
	test_unmap(self->fd, self->id, p.iova, 16 * PAGE);
	check_blocked(self, &p);
}

TEST_F(dma, pages_registered, "DMA reaches the right slices of registered memory",
       .timeout = 90)
{
	char *mem = shuffled(41, 40);
	const struct { unsigned int first, nr; } slices[] = { { 0, 3 }, { 5, 6 }, { 38, 3 } };
	struct places p;
	uint64_t iova = 0x100000;

	test_unmap(self->fd, self->id, BOUNCE, DEVICES * PAGE);
	test_register(self->fd, mem, 41 * PAGE);
	test_register(self->fd, self->bounce, DEVICES * PAGE);
	test_map(self->fd, self->id, self->bounce, BOUNCE, DEVICES * PAGE);
	for (unsigned int i = 0; i < ARRAY_SIZE(slices); i++) {
		p = all_pages(mem + slices[i].first * PAGE, iova, slices[i].nr);
		check_mapping(self, p, p.nr * PAGE);
		iova += p.nr * PAGE;
	}
}

TEST_F(dma, offsets, "transfers at any offset and across pages move exactly their bytes",
       .timeout = 60)
{
	char *mem = shuffled(7, 6);
	const struct { unsigned int at, len; } parts[] = {
		{ 1, 1 }, { 4095, 1 }, { 4095, 2 }, { 7, 4096 }, { 8192 + 2048, 4096 },
		{ 5 * 4096 + 4000, 4000 },
	};

	test_map(self->fd, self->id, mem, 0x100000, 7 * PAGE);
	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		unsigned int at = parts[i].at, len = parts[i].len;

		fill(mem + at, len, i);
		ASSERT_EQ(0, edu_to_device(&self->dev[0].edu, 0x100000 + at, 0, len));
		memset(mem, 0x22, 7 * PAGE);
		ASSERT_EQ(0, edu_from_device(&self->dev[0].edu, 0x100000 + at, 0, len));
		EXPECT_EQ(len, mismatch(mem + at, len, i));
		memset(mem + at, 0x22, len);
		for (unsigned int k = 0; k < 7 * PAGE; k++)
			ASSERT_EQ(0x22, mem[k]);
	}
}

/*
 * What is not mapped
 */
TEST_F(dma, unmapped, "DMA to an unmapped IOVA moves nothing and is logged", .timeout = 60)
{
	uint8_t *mem = memory(3 * PAGE);
	struct places p = { .mem = mem, .iova = 0x200000, .nr = 2, .page = { 0, 2 } };

	test_map(self->fd, self->id, mem + PAGE, 0x201000, PAGE);
	check_blocked(self, &p);
	check_logged(self, 0, 0x200000);
	p = (struct places) { .mem = mem, .iova = 0x200000, .nr = 1, .page = { 1 } };
	check_reached(self, &p);
}

TEST_F(dma, logged_unmap, "DMA after unmap is logged", .timeout = 60)
{
	uint8_t *mem = memory(4 * PAGE);
	struct places p = { .mem = mem, .iova = 0x240000, .nr = 1, .page = { 3 } };

	test_map(self->fd, self->id, mem, 0x240000, 4 * PAGE);
	check_reached(self, &p);
	test_unmap(self->fd, self->id, 0x240000, 4 * PAGE);
	check_blocked(self, &p);
	check_logged(self, 0, 0x243000);
}

TEST_F(dma, readonly, "a device reads a read-only mapping but cannot write it", .timeout = 60)
{
	uint8_t *mem = memory(5 * PAGE);
	struct places p = all_pages(mem, 0x300000, 4);
	unsigned int strange;

	test_map_flags(self->fd, self->id, mem, 0x300000, 5 * PAGE, IOASID_MAP_READ);
	EXPECT_EQ(4, count_read(self, &p));
	EXPECT_EQ(0, count_written(self, &p, &strange));
	EXPECT_EQ(0, strange);
	/* QEMU says nothing about pages that it holds in its IOTLB for reading. */
	check_logged(self, 0, 0x304000);
}

TEST_F(dma, writeonly, "a device writes a mapping for writing only", .timeout = 60)
{
	uint8_t *mem = memory(4 * PAGE);
	struct places p = all_pages(mem, 0x300000, 4);
	unsigned int strange;

	test_map_flags(self->fd, self->id, mem, 0x300000, 4 * PAGE, IOASID_MAP_WRITE);
	EXPECT_EQ(4, count_written(self, &p, &strange));
	EXPECT_EQ(0, strange);
	diag("reading it: %u of 4 pages", count_read(self, &p));
}

TEST_F(dma, foreign, "a device cannot reach what is mapped in another space", .timeout = 60)
{
	int other = test_alloc(self->fd), ctx = test_open(), third = test_alloc(ctx);
	uint8_t *mem = memory(4 * PAGE);
	struct places p = all_pages(mem, 0x400000, 2);
	struct places q = all_pages(mem + 2 * PAGE, 0x500000, 2);

	test_map(self->fd, other, mem, 0x400000, 2 * PAGE);
	test_map(ctx, third, mem + 2 * PAGE, 0x500000, 2 * PAGE);
	check_blocked(self, &p);
	check_logged(self, 0, 0x400000);
	check_blocked(self, &q);
	check_logged(self, 0, 0x500000);
	close(ctx);
}

TEST_F(dma, neighbours, "unmapping one of three neighbours leaves the others", .timeout = 60)
{
	uint8_t *mem = memory(12 * PAGE);
	struct places middle = all_pages(mem + 4 * PAGE, 0x404000, 4);
	struct places edges = { .mem = mem, .iova = 0x400000, .nr = 4, .page = { 0, 3, 8, 11 } };

	for (int i = 0; i < 3; i++)
		test_map(self->fd, self->id, mem + i * 4 * PAGE, 0x400000 + i * 4 * PAGE,
			 4 * PAGE);
	test_unmap(self->fd, self->id, 0x404000, 4 * PAGE);
	check_reached(self, &edges);
	check_blocked(self, &middle);
	test_map(self->fd, self->id, mem + 4 * PAGE, 0x404000, 4 * PAGE);
	check_reached(self, &middle);
}

TEST_F(dma, last_pages, "after UNMAP of a range the last page of each mapping is gone",
       .timeout = 60)
{
	uint8_t *mem = memory(32 * PAGE);
	struct places last = { .mem = mem, .iova = 0x600000 };
	unsigned int page = 0;

	/* 1, 2, ... 7 pages, some touching, some apart */
	for (unsigned int i = 1; i <= 7; i++) {
		test_map(self->fd, self->id, mem + page * PAGE, 0x600000 + page * PAGE, i * PAGE);
		last.page[last.nr++] = page + i - 1;
		page += i + i % 2;
	}
	check_reached(self, &last);
	test_unmap_some(28 * PAGE, self->fd, self->id, 0x600000, 0x100000);
	check_blocked(self, &last);
}

TEST_F(dma, unmap_all, "after UNMAP_ALL nothing is reached", .timeout = 60)
{
	uint8_t *mem = memory(8 * PAGE);
	struct places p = all_pages(mem, 0x700000, 8);
	unsigned int strange;

	test_map(self->fd, self->id, mem, 0x700000, 3 * PAGE);
	test_map(self->fd, self->id, mem + 3 * PAGE, 0x703000, 5 * PAGE);
	check_reached(self, &p);
	test_unmap_all((8 + DEVICES) * PAGE, self->fd, self->id);
	/* The bounce pages are gone as well: only writing can be judged. */
	EXPECT_EQ(0, count_written(self, &p, &strange));
	EXPECT_EQ(0, strange);
}

TEST_F(dma, remap, "the same IOVA leads to the new memory after UNMAP and MAP", .timeout = 60)
{
	uint8_t *mem = memory(8 * PAGE);
	struct places old = all_pages(mem, 0x800000, 4);
	struct places new = all_pages(mem + 4 * PAGE, 0x800000, 4);

	test_map(self->fd, self->id, mem, 0x800000, 4 * PAGE);
	check_reached(self, &old);
	test_unmap(self->fd, self->id, 0x800000, 4 * PAGE);
	test_map(self->fd, self->id, mem + 4 * PAGE, 0x800000, 4 * PAGE);
	check_reached(self, &new);
	check_blocked(self, &old);
}

/*
 * Attach and detach
 */
TEST_F(dma, detach, "a detached device reaches nothing, its neighbour still does",
       .timeout = 60)
{
	uint8_t *mem = memory(2 * PAGE);

	test_map(self->fd, self->id, mem, 0x900000, 2 * PAGE);
	test_detach(self->dev[1].fd, self->id);
	fill(self->bounce, PAGE, 1);
	memset(mem, 0, 2 * PAGE);
	ASSERT_EQ(0, edu_to_device(&self->dev[0].edu, BOUNCE, 0, PAGE));
	ASSERT_EQ(0, edu_from_device(&self->dev[0].edu, 0x900000, 0, PAGE));
	ASSERT_EQ(0, edu_from_device(&self->dev[1].edu, 0x901000, 0, PAGE));
	EXPECT_EQ(PAGE, mismatch(mem, PAGE, 1));
	for (unsigned int i = 0; i < PAGE; i++)
		ASSERT_EQ(0, mem[PAGE + i]);
	check_logged(self, 1, 0x901000);
	test_attach(self->dev[1].fd, self->id);
	ASSERT_EQ(0, edu_to_device(&self->dev[1].edu, BOUNCE, 0, PAGE));
	ASSERT_EQ(0, edu_from_device(&self->dev[1].edu, 0x901000, 0, PAGE));
	EXPECT_EQ(PAGE, mismatch(mem + PAGE, PAGE, 1));
}

TEST_F(dma, replay, "mappings made before the first attach are there after it", .timeout = 60)
{
	uint8_t *mem = (uint8_t *)shuffled(13, 12);
	int id = test_alloc(self->fd);
	struct places p = all_pages(mem, 0xa00000, 13);

	for (unsigned int i = 0; i < 13; i += 4)
		test_map(self->fd, id, mem + i * PAGE, 0xa00000 + i * PAGE,
			 (i + 4 > 13 ? 13 - i : 4) * PAGE);
	test_map(self->fd, id, self->bounce, BOUNCE, DEVICES * PAGE);
	for (unsigned int i = 0; i < self->devices; i++)
		test_detach(self->dev[i].fd, self->id);
	for (unsigned int i = 0; i < self->devices; i++)
		test_attach(self->dev[i].fd, id);
	check_reached(self, &p);
	test_unmap_some(13 * PAGE, self->fd, id, 0xa00000, 13 * PAGE);
	check_blocked(self, &p);
}

TEST_F(dma, all_detached, "what changed while no device was attached is seen at the next attach",
       .timeout = 60)
{
	uint8_t *mem = memory(8 * PAGE);
	struct places gone = all_pages(mem, 0xb00000, 4);
	struct places new = all_pages(mem + 4 * PAGE, 0xc00000, 4);

	test_map(self->fd, self->id, mem, 0xb00000, 4 * PAGE);
	check_reached(self, &gone);
	for (unsigned int i = 0; i < self->devices; i++)
		test_detach(self->dev[i].fd, self->id);
	test_unmap(self->fd, self->id, 0xb00000, 4 * PAGE);
	test_map(self->fd, self->id, mem + 4 * PAGE, 0xc00000, 4 * PAGE);
	for (unsigned int i = 0; i < self->devices; i++)
		test_attach(self->dev[i].fd, self->id);
	check_reached(self, &new);
	check_blocked(self, &gone);
}

/*
 * Pages of a table that are not used any more are freed by the flush, and by
 * nothing else: without it, they are lost when the domain goes.
 */
TEST_F(dma, tables_freed, "pages of I/O page tables come back at the last detach", .timeout = 60)
{
	uint64_t before, size = 8 * MIB;
	uint8_t *mem = aligned_alloc(2 * MIB, size);
	int id = test_alloc(self->fd);

	ASSERT_FALSE(madvise(mem, size, MADV_NOHUGEPAGE));
	for (unsigned int i = 0; i < self->devices; i++)
		test_detach(self->dev[i].fd, self->id);
	/* All there is in the space: between two ranges drivers may flush by themselves. */
	test_map(self->fd, id, mem, 16 * MIB, size);
	test_attach(self->dev[0].fd, id);
	test_detach(self->dev[0].fd, id);
	before = vmstat("nr_iommu_pages");
	ASSERT_LT(0, before);
	for (int i = 0; i < 4; i++) {
		test_attach(self->dev[0].fd, id);
		EXPECT_LT(before, vmstat("nr_iommu_pages"));
		test_detach(self->dev[0].fd, id);
	}
	EXPECT_EQ(before, vmstat("nr_iommu_pages"));
}

TEST_F(dma, fork_copy, "after fork the parent's memory is still what the device sees",
       .timeout = 60)
{
	uint8_t *mem = memory(4 * PAGE);
	struct places p = all_pages(mem, 0xd00000, 4);
	pid_t pid;

	test_map(self->fd, self->id, mem, 0xd00000, 4 * PAGE);
	pid = fork();
	if (!pid) {
		memset(mem, 0x55, 4 * PAGE);
		pause();
	}
	check_reached(self, &p);	/* writes first, which would copy */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(dma, pinned_memory, "mapped memory stays reachable when the process unmaps it",
       .timeout = 60)
{
	int file = memfd_create("dma", MFD_CLOEXEC);
	struct places p;
	char *mem, *view;

	ASSERT_EQ(0, ftruncate(file, 4 * PAGE));
	mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	view = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	test_map(self->fd, self->id, mem, 0xe00000, 4 * PAGE);
	ASSERT_EQ(0, munmap(mem, 4 * PAGE));
	p = all_pages(view, 0xe00000, 4);
	check_reached(self, &p);
}

/*
 * Registers of another device
 */
TEST_F(dma, mmio, "a mapped BAR is reached by another device and not charged", .timeout = 60)
{
	volatile uint8_t *bar = self->dev[1].edu.bar;
	uint32_t *word = (uint32_t *)self->bounce;
	uint64_t before = locked_pages(), iova = 0x4000000;

	test_map(self->fd, self->id, bar, iova, 16 * PAGE);
	EXPECT_EQ(before, locked_pages());
	EXPECT_EQ(before * PAGE, fdinfo_get_n(self->fd, "ioasid-pinned", self->id));
	ASSERT_EQ(0, edu_to_device(&self->dev[0].edu, iova + EDU_REG_ID, 0, 4));
	ASSERT_EQ(0, edu_from_device(&self->dev[0].edu, BOUNCE, 0, 4));
	EXPECT_EQ(edu_read32(&self->dev[1].edu, EDU_REG_ID), word[0]);

	word[0] = 0x12345678;
	ASSERT_EQ(0, edu_to_device(&self->dev[0].edu, BOUNCE, 0, 4));
	ASSERT_EQ(0, edu_from_device(&self->dev[0].edu, iova + EDU_REG_LIVE, 0, 4));
	EXPECT_EQ(~0x12345678U, edu_read32(&self->dev[1].edu, EDU_REG_LIVE));

	test_unmap(self->fd, self->id, iova, 16 * PAGE);
	word[0] = 0x87654321;
	ASSERT_EQ(0, edu_to_device(&self->dev[0].edu, BOUNCE, 0, 4));
	ASSERT_EQ(0, edu_from_device(&self->dev[0].edu, iova + EDU_REG_LIVE, 0, 4));
	EXPECT_EQ(~0x12345678U, edu_read32(&self->dev[1].edu, EDU_REG_LIVE));
}

HARNESS_MAIN
