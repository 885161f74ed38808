// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking of address spaces: what devices wrote to is reported, once, and
 * nothing else is; on simulated devices, whose every write is known.
 */
#include <pthread.h>

#include "sim_fixture.h"
#include "dirty_util.h"
#include "table_build.h"
#include "table_pages.h"

#define NESTED_CAPS	(IOASID_SIM_CAP_DIRTY | IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_PASID)
#define DIRTY_CAPS	(IOASID_SIM_CAP_DIRTY | IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PASID)
#define BASE		0x40000000ULL	/* self->mem in the space */
#define ON		IOASID_DIRTY_TRACKING_ON
#define KEEP		IOASID_DIRTY_NO_CLEAR

_Static_assert(SIM_PAGES == 64, "a bitmap is one word");

static uint64_t at(unsigned int page)
{
	return BASE + page * PAGE;
}

/* A device of a new instance, bound. */
#define device(self, cookie, ...) ({						\
	int __dev = sim_open(sim_create((self)->ctl, .nr_devices = 1,		\
					##__VA_ARGS__), 0);			\
										\
	test_bind(__dev, (self)->fd, cookie);					\
	__dev;									\
})
#define dirty_device(self, cookie)						\
	device(self, cookie, .caps = DIRTY_CAPS, .pasid_bits = 8)

/* self->mem in a new space with tracking */
static int start(struct fixture_sim *self)
{
	int id = dirty_space(self->fd);

	test_map(self->fd, id, self->mem, BASE, SIM_PAGES * PAGE);
	return id;
}

#define dirty(self, id, ...) ({							\
	uint64_t __bits = 0;							\
										\
	test_get_dirty((self)->fd, id, BASE, SIM_PAGES * PAGE, &__bits, ##__VA_ARGS__); \
	__bits;									\
})

static uint32_t writes(int dev, unsigned int page)
{
	return sim_write(dev, at(page) + 8 * page, 8, 0);
}

/*
 * Who may and who may not
 */
TEST_F(sim, alloc, "tracking is for kernel-managed roots")
{
	const uint32_t flag = IOASID_ALLOC_DIRTY_TRACKING;
	int id = dirty_space(self->fd), plain = test_alloc(self->fd);

	EXPECT_EQ(1, do_extension(self->fd, IOASID_EXT_DIRTY_TRACKING));
	test_err_alloc_kind(EOPNOTSUPP, self->fd, IOASID_KIND_KERNEL, plain, flag, 0);
	test_err_alloc_kind(EOPNOTSUPP, self->fd, IOASID_KIND_USER, plain, flag, 0);
	/* What a child's domain records would be nobody's. */
	test_err_alloc_kind(EOPNOTSUPP, self->fd, IOASID_KIND_KERNEL, id, 0, 0);
	test_err_create_nesting(EOPNOTSUPP, self->fd, id);
	EXPECT_ERRNO(EOPNOTSUPP, do_set_dirty(self->fd, plain, ON));
	EXPECT_ERRNO(EOPNOTSUPP, do_set_dirty(self->fd, plain, 0));
	EXPECT_ERRNO(EOPNOTSUPP, do_get_dirty(self->fd, plain, 0, PAGE, self->mem));
	test_free(self->fd, id);
}

TEST_F(sim, arguments, "arguments of both commands")
{
	int id = start(self);
	uint64_t bits = 0, size = SIM_PAGES * PAGE;
	struct ioasid_set_dirty_tracking set = { .argsz = sizeof(set), .ioasid = id };

	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, BASE, size, &bits));
	EXPECT_ERRNO(ENOENT, do_set_dirty(self->fd, id + 1, ON));
	EXPECT_ERRNO(EOPNOTSUPP, do_set_dirty(self->fd, id, 2));
	set.__reserved = 1;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_SET_DIRTY_TRACKING, &set));
	test_track(self->fd, id, false);
	test_track(self->fd, id, true);
	test_track(self->fd, id, true);
	EXPECT_EQ(0, dirty(self, id));
	EXPECT_ERRNO(ENOENT, do_get_dirty(self->fd, id + 1, BASE, size, &bits));
	EXPECT_ERRNO(EOPNOTSUPP, do_get_dirty(self->fd, id, BASE, size, &bits, .flags = 2));
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, BASE + 1, size, &bits));
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, BASE, size + 1, &bits));
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, BASE, 0, &bits));
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, BASE, size, (char *)&bits + 4));
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, BASE, size, &bits, .page_size = 2048));
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, BASE, 3 * PAGE, &bits,
					  .page_size = 3 * PAGE));
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, at(1), 2 * PAGE, &bits,
					  .page_size = 2 * PAGE));
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, -PAGE, 2 * PAGE, &bits));
	/* More bits than one call may have */
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, 0, (1ULL << 43) + PAGE, &bits));
	test_track(self->fd, id, false);
	EXPECT_ERRNO(EINVAL, do_get_dirty(self->fd, id, BASE, size, &bits));
}

TEST_F(sim, capable, "devices that record no writes are refused, and say so before")
{
	int id = start(self), with = dirty_device(self, 1), without = device(self, 2);
	struct ioasid_device_info info;

	test_device_info(self->fd, 1, &info, sizeof(info));
	EXPECT_TRUE(info.flags & IOASID_DEV_INFO_DIRTY_TRACKING);
	test_device_info(self->fd, 2, &info, sizeof(info));
	EXPECT_EQ(0, info.flags & IOASID_DEV_INFO_DIRTY_TRACKING);
	test_err_attach(EOPNOTSUPP, without, id);
	test_attach(with, id);
	test_err_attach(EOPNOTSUPP, without, id);
	EXPECT_EQ(IOASID_SIM_BLOCKED, writes(without, 0));
	close(with);
	close(without);
}

TEST_F(sim, vtd, "so are functions behind an IOMMU without it")
{
	struct ioasid_device_info info;
	int id = start(self);
	struct edu_device dev;

	edu_device_open(&dev, 0);
	test_bind(dev.fd, self->fd, 1);
	test_device_info(self->fd, 1, &info, sizeof(info));
	EXPECT_EQ(0, info.flags & IOASID_DEV_INFO_DIRTY_TRACKING);
	test_err_attach(EOPNOTSUPP, dev.fd, id);
	edu_device_close(&dev);
}

/*
 * What is reported
 */
TEST_F(sim, once, "what is reported is clean then, unless it shall not be; nothing is cleared")
{
	int id = start(self), dev = dirty_device(self, 1);
	uint64_t bits = 1ULL << 63;

	test_attach(dev, id);
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 1));
	test_track(self->fd, id, true);
	EXPECT_EQ(0, dirty(self, id));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev, at(0), SIM_PAGES * PAGE, 0));
	EXPECT_EQ(0, dirty(self, id));
	/* From the end of page 1 to the beginning of page 3 */
	EXPECT_EQ(IOASID_SIM_OK, sim_write(dev, at(2) - 1, PAGE + 2, 0));
	EXPECT_EQ(0xe, dirty(self, id, .flags = KEEP));
	EXPECT_EQ(0xe, dirty(self, id, .flags = KEEP));
	test_get_dirty(self->fd, id, at(2), PAGE, &bits);
	EXPECT_EQ(1ULL << 63 | 1, bits);
	EXPECT_EQ(0xa, dirty(self, id));
	EXPECT_EQ(0, dirty(self, id));
	/* Through a cached translation */
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 2));
	EXPECT_EQ(4, dirty(self, id));
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 2));
	EXPECT_EQ(IOASID_SIM_OK, sim_write(dev, at(2), 8, 0, .flags = IOASID_SIM_REQ_ATS));
	EXPECT_EQ(4, dirty(self, id));
	EXPECT_EQ(IOASID_SIM_OK, sim_write(dev, at(2), 8, 0, .flags = IOASID_SIM_REQ_ATS));
	EXPECT_EQ(4, dirty(self, id));
	close(dev);
}

TEST_F(sim, off_on, "off, nothing is recorded; on again, nothing is dirty")
{
	int id = start(self), dev = dirty_device(self, 1);
	char key[40];
	char *text;

	test_attach(dev, id);
	snprintf(key, sizeof(key), "ioasid-dirty-tracking-%d", id);
	test_track(self->fd, id, true);
	text = contexts_text();
	EXPECT_EQ(1, text_value(text, key, 2));
	free(text);
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 1));
	/* On already: what is dirty stays so. */
	test_track(self->fd, id, true);
	EXPECT_EQ(2, dirty(self, id, .flags = KEEP));
	test_track(self->fd, id, false);
	text = contexts_text();
	EXPECT_EQ(0, text_value(text, key, 2));
	free(text);
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 2));
	test_track(self->fd, id, true);
	EXPECT_EQ(0, dirty(self, id));
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 1));
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 2));
	EXPECT_EQ(6, dirty(self, id));
	close(dev);
}

TEST_F(sim, page_size, "a bit stands for as much as the user likes")
{
	int id = start(self), dev = dirty_device(self, 1);
	static const uint8_t pages[] = { 0, 3, 17, 18, 63 };
	uint64_t bits = 0, many[2] = { };

	test_attach(dev, id);
	test_track(self->fd, id, true);
	for (int i = 0; i < ARRAY_SIZE(pages); i++)
		EXPECT_EQ(IOASID_SIM_OK, writes(dev, pages[i]));
	EXPECT_EQ(0x80000303, dirty(self, id, .flags = KEEP, .page_size = 2 * PAGE));
	EXPECT_EQ(0xb, dirty(self, id, .flags = KEEP, .page_size = 16 * PAGE));
	EXPECT_EQ(1, dirty(self, id, .flags = KEEP, .page_size = SIM_PAGES * PAGE));
	/* Bits that begin before and end behind what is mapped */
	test_get_dirty(self->fd, id, 0, 1ULL << 40, &bits, .flags = KEEP, .page_size = 1ULL << 30);
	EXPECT_EQ(2, bits);
	test_get_dirty(self->fd, id, BASE - 64 * PAGE, 128 * PAGE, many, .flags = KEEP);
	EXPECT_EQ(0, many[0]);
	EXPECT_EQ(dirty(self, id, .flags = KEEP), many[1]);
	/* Cleared by another size, it is clean for all. */
	EXPECT_EQ(1, dirty(self, id, .page_size = SIM_PAGES * PAGE));
	EXPECT_EQ(0, dirty(self, id));
	close(dev);
}

TEST_F(sim, small, "huge pages are recorded in small ones")
{
	int id = dirty_space(self->fd), dev = dirty_device(self, 1);
	uint64_t bits[8] = { };
	uint8_t *huge;

	if (write_text("/proc/sys/vm/nr_hugepages", "1"))
		SKIP("no huge page: %s", strerror(errno));
	huge = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_TRUE(huge != MAP_FAILED);
	/* Once into a domain that is there, once into a new one */
	test_attach(dev, id);
	test_map(self->fd, id, huge, BASE, 2 * MIB);
	for (int i = 0; i < 2; i++) {
		test_track(self->fd, id, true);
		memset(bits, 0, sizeof(bits));
		EXPECT_EQ(IOASID_SIM_OK, sim_write(dev, BASE + 100 * PAGE, 8, 0));
		test_get_dirty(self->fd, id, BASE, 2 * MIB, bits);
		for (int page = 0; page < 512; page++)
			EXPECT_EQ(page == 100, bit_is_set(bits, page));
		test_track(self->fd, id, false);
		test_detach(dev, id);
		test_attach(dev, id);
	}
	test_unmap(self->fd, id, BASE, 2 * MIB);
	close(dev);
	munmap(huge, 2 * MIB);
	write_text("/proc/sys/vm/nr_hugepages", "0");
}

TEST_F(sim, sparse, "mappings far apart, and a bitmap that is touched there only")
{
	const uint64_t size = 1ULL << 43;
	uint64_t *bitmap = mmap(NULL, size / PAGE / 8, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int id = dirty_space(self->fd), dev = dirty_device(self, 1);

	ASSERT_TRUE(bitmap != MAP_FAILED);
	test_attach(dev, id);
	for (uint64_t i = 0; i < SIM_PAGES; i++)
		test_map(self->fd, id, self->mem + i * PAGE, (i << 36) + i * PAGE, PAGE);
	test_track(self->fd, id, true);
	for (uint64_t i = 0; i < SIM_PAGES; i += 3)
		EXPECT_EQ(IOASID_SIM_OK, sim_write(dev, (i << 36) + i * PAGE, 8, 0));
	test_get_dirty(self->fd, id, 0, size, bitmap);
	for (uint64_t i = 0; i < SIM_PAGES; i++) {
		uint64_t page = (i << 36) / PAGE + i;

		EXPECT_EQ(i % 3 ? 0 : 1ULL << page % 64, bitmap[page / 64]);
	}
	close(dev);
}

/*
 * Spaces change
 */
TEST_F(sim, several, "two IOMMUs, by PASID too; who comes is tracked, who goes has written")
{
	int id = start(self), a = dirty_device(self, 1), b = dirty_device(self, 2);

	test_attach(a, id);
	test_track(self->fd, id, true);
	EXPECT_EQ(IOASID_SIM_OK, writes(a, 0));
	test_attach(b, id);
	EXPECT_EQ(IOASID_SIM_OK, writes(b, 1));
	EXPECT_EQ(3, dirty(self, id));
	ASSERT_EQ(0, do_attach_pasid(b, id, 7));
	EXPECT_EQ(IOASID_SIM_OK, sim_write(b, at(2), 8, 0, by_pasid(7)));
	EXPECT_EQ(IOASID_SIM_OK, writes(a, 3));
	/* The domain goes with its last user. */
	test_detach(b, id);
	EXPECT_EQ(0xc, dirty(self, id, .flags = KEEP));
	ASSERT_EQ(0, do_detach_pasid(b, id, 7));
	EXPECT_EQ(0xc, dirty(self, id, .flags = KEEP));
	test_detach(a, id);
	EXPECT_EQ(0xc, dirty(self, id, .flags = KEEP));
	test_attach(a, id);
	EXPECT_EQ(IOASID_SIM_OK, writes(a, 5));
	EXPECT_EQ(0x2c, dirty(self, id));
	EXPECT_EQ(0, dirty(self, id));
	/* What is left of one is forgotten with tracking. */
	EXPECT_EQ(IOASID_SIM_OK, writes(a, 6));
	close(a);
	test_track(self->fd, id, false);
	test_track(self->fd, id, true);
	EXPECT_EQ(0, dirty(self, id));
	close(b);
}

TEST_F(sim, unmapped, "what is unmapped is forgotten, for all that come after it")
{
	int id = dirty_space(self->fd), dev = dirty_device(self, 1);

	test_attach(dev, id);
	test_track(self->fd, id, true);
	test_map(self->fd, id, self->mem, BASE, SIM_PAGES / 2 * PAGE);
	test_map(self->fd, id, self->mem, at(SIM_PAGES / 2), SIM_PAGES / 2 * PAGE);
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 3));
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 40));
	test_unmap(self->fd, id, BASE, SIM_PAGES / 2 * PAGE);
	EXPECT_EQ(1ULL << 40, dirty(self, id, .flags = KEEP));
	test_map(self->fd, id, self->mem, BASE, SIM_PAGES / 2 * PAGE);
	EXPECT_EQ(1ULL << 40, dirty(self, id));
	EXPECT_EQ(IOASID_SIM_OK, writes(dev, 4));
	/* Kept without a device, forgotten with the mapping */
	test_detach(dev, id);
	EXPECT_EQ(1 << 4, dirty(self, id, .flags = KEEP));
	test_unmap(self->fd, id, BASE, SIM_PAGES / 2 * PAGE);
	test_map(self->fd, id, self->mem, BASE, SIM_PAGES / 2 * PAGE);
	EXPECT_EQ(0, dirty(self, id));
	/* To what may not be written nothing is. */
	test_unmap(self->fd, id, BASE, SIM_PAGES / 2 * PAGE);
	test_map_flags(self->fd, id, self->mem, BASE, SIM_PAGES / 2 * PAGE, IOASID_MAP_READ);
	test_attach(dev, id);
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, writes(dev, 3));
	EXPECT_EQ(0, dirty(self, id));
	close(dev);
}

TEST_F(sim, user_table, "writes through a user's table are the root's, where the IOMMU walks it")
{
	int id = start(self), user, without;
	int dev = device(self, 1, .caps = NESTED_CAPS, .pasid_bits = 8);
	struct table_pages tables;
	struct table_builder *b = &tables.builder;
	uint64_t bits = 0;

	table_pages_start(&tables);
	test_map(self->fd, id, tables.mem, TABLE_GPA, TABLE_PAGES * PAGE);
	ASSERT_EQ(0, table_map(b, GIOVA, at(8), 4 * PAGE, TABLE_R | TABLE_W));
	user = do_alloc_user(self->fd, id, b->format, b->width, b->root);
	ASSERT_LT(0, user);
	EXPECT_ERRNO(EOPNOTSUPP, do_set_dirty(self->fd, user, ON));
	test_attach(dev, id);
	test_track(self->fd, id, true);
	ASSERT_EQ(0, do_attach_pasid(dev, user, 5));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(IOASID_SIM_OK, sim_write(dev, GIOVA + PAGE, 8, 0, by_pasid(5)));
		EXPECT_EQ(IOASID_SIM_OK, writes(dev, 1));
		EXPECT_EQ(1 << 9 | 2, dirty(self, id));
		EXPECT_EQ(0, dirty(self, id));
	}
	/* The parent's domain for it goes. */
	EXPECT_EQ(IOASID_SIM_OK, sim_write(dev, GIOVA + 2 * PAGE, 8, 0, by_pasid(5)));
	ASSERT_EQ(0, do_detach_pasid(dev, user, 5));
	EXPECT_EQ(1 << 10, dirty(self, id));
	/* The IOMMU left its marks in the table. */
	test_get_dirty(self->fd, id, TABLE_GPA, TABLE_PAGES * PAGE, &bits);
	EXPECT_EQ(0, bits & ~((1ULL << tables.used) - 1));
	/* Followed in software, writes would be in a domain of the child's. */
	without = dirty_device(self, 2);
	test_attach(without, id);
	EXPECT_ERRNO(EOPNOTSUPP, do_attach_pasid(without, user, 5));
	test_err_attach(EOPNOTSUPP, without, user);
	EXPECT_EQ(IOASID_SIM_OK, writes(without, 2));
	EXPECT_EQ(4, dirty(self, id));
	close(dev);
	close(without);
}

/*
 * Bitmaps
 */
TEST_F(sim, hostile, "a bitmap that cannot be written loses nothing")
{
	int id = dirty_space(self->fd), dev = dirty_device(self, 1);
	/* Two pages of bits, of which the second is missing */
	uint64_t *bitmap = memory_before_hole(PAGE);
	const uint64_t pages = 2 * PAGE * 8;
	uint64_t rest[PAGE / 8] = { };

	test_attach(dev, id);
	for (int i = 0; i < 4; i++)
		test_map(self->fd, id, self->mem + i * PAGE, BASE + i * pages / 4 * PAGE, PAGE);
	test_track(self->fd, id, true);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(IOASID_SIM_OK, sim_write(dev, BASE + i * pages / 4 * PAGE, 8, 0));
	EXPECT_ERRNO(EFAULT, do_get_dirty(self->fd, id, BASE, pages * PAGE, NULL));
	EXPECT_ERRNO(EFAULT, do_get_dirty(self->fd, id, BASE, pages * PAGE, -(2 * PAGE)));
	EXPECT_ERRNO(EFAULT, do_get_dirty(self->fd, id, BASE, pages * PAGE, 1ULL << 63));
	ASSERT_TRUE(!mprotect(bitmap, PAGE, PROT_READ));
	EXPECT_ERRNO(EFAULT, do_get_dirty(self->fd, id, BASE, pages * PAGE, bitmap));
	ASSERT_TRUE(!mprotect(bitmap, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_ERRNO(EFAULT, do_get_dirty(self->fd, id, BASE, pages * PAGE, bitmap));
	EXPECT_EQ(1, bitmap[0]);
	EXPECT_EQ(1, bitmap[PAGE / 16]);
	/* The rest is where it was, and only that. */
	test_get_dirty(self->fd, id, BASE + pages / 2 * PAGE, pages / 2 * PAGE, rest);
	EXPECT_EQ(1, rest[0]);
	EXPECT_EQ(1, rest[PAGE / 16]);
	memset(bitmap, 0, PAGE);
	test_get_dirty(self->fd, id, BASE, pages / 2 * PAGE, bitmap);
	EXPECT_EQ(0, bitmap[0] | bitmap[PAGE / 16]);
	close(dev);
}

/* Bitmaps that begin anywhere in a page and end in another. */
TEST_F(sim, edges, "words of a bitmap on both sides of a page's end")
{
	int id = start(self), dev = dirty_device(self, 1);
	uint8_t *two = memory(2 * PAGE);

	test_attach(dev, id);
	test_track(self->fd, id, true);
	for (int word = -2; word <= 1; word++) {
		uint64_t *bitmap = (uint64_t *)(two + PAGE) + word;

		memset(two, 0, 2 * PAGE);
		for (unsigned int i = 0; i < SIM_PAGES; i += 5)
			EXPECT_EQ(IOASID_SIM_OK, writes(dev, i));
		/* Begins 63 pages before */
		test_get_dirty(self->fd, id, BASE - 63 * PAGE, 127 * PAGE, bitmap);
		for (unsigned int i = 0; i < 128; i++)
			EXPECT_EQ(i >= 63 && (i - 63) % 5 == 0 && i < 127, bit_is_set(bitmap, i));
		EXPECT_EQ(0, bitmap[-1] | bitmap[2]);
	}
	close(dev);
}

/*
 * At random, against a model
 */
#define NR_DEVS		3
#define REGION		48		/* pages of one of several mappings */
#define NR_REGIONS	6

struct random {
	int fd, id;
	int dev[NR_DEVS];
	uint8_t *mem;
	uint64_t state;
	bool dirty[NR_REGIONS * REGION];
};

static uint32_t draw(struct random *r, uint32_t below)
{
	r->state = r->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (r->state >> 33) % below;
}

/* Regions with holes between them */
static uint64_t region_iova(unsigned int region)
{
	return BASE + region * (REGION + 16) * PAGE;
}

/* An address with so many bytes behind it that are mapped; its page's number. */
static uint64_t draw_iova(struct random *r, uint64_t len, uint64_t align, unsigned int *page)
{
	unsigned int region = draw(r, NR_REGIONS);
	uint64_t offset = draw(r, REGION * PAGE - len + 1) & -align;

	*page = region * REGION + offset / PAGE;
	return region_iova(region) + offset;
}

static void wrote(struct random *r, uint64_t iova, uint64_t len, unsigned int page)
{
	for (uint64_t end = (iova % PAGE + len - 1) / PAGE + 1; end--; page++)
		r->dirty[page] = true;
}

static void random_dma(struct random *r)
{
	struct ioasid_sim_request req = { .op = 1 + draw(r, IOASID_SIM_OP_ADD) };
	unsigned int page, to = 0;

	req.flags = draw(r, 2) ? IOASID_SIM_REQ_ATS : 0;
	if (draw(r, 3) == 0) {
		req.flags |= IOASID_SIM_REQ_PASID;
		req.pasid = 3;
	}
	req.len = req.op == IOASID_SIM_OP_ADD ? 8 : 1 + draw(r, draw(r, 2) ? 100 : 3 * PAGE);
	req.iova = draw_iova(r, req.len, req.op == IOASID_SIM_OP_ADD ? 8 : 1, &page);
	if (req.op == IOASID_SIM_OP_COPY)
		req.arg = draw_iova(r, req.len, 1, &to);
	EXPECT_EQ(IOASID_SIM_OK, sim_request(r->dev[draw(r, NR_DEVS)], &req));
	switch (req.op) {
	case IOASID_SIM_OP_WRITE:
	case IOASID_SIM_OP_FILL:
	case IOASID_SIM_OP_ADD:
		wrote(r, req.iova, req.len, page);
		break;
	case IOASID_SIM_OP_COPY:
		wrote(r, req.arg, req.len, to);
	}
}

/* A range with mappings and holes, in bits of a random size; compared with the model. */
static void random_query(struct random *r)
{
	const uint64_t all = NR_REGIONS * (REGION + 16);
	uint64_t unit = 1ULL << draw(r, 5);	/* pages of a bit */
	uint64_t first = draw(r, all / unit) * unit;
	uint64_t npages = (1 + draw(r, all / unit - first / unit)) * unit;
	uint64_t bits[NR_REGIONS * (REGION + 16) / 64 + 1] = { }, want[ARRAY_SIZE(bits)] = { };
	bool keep = draw(r, 3) == 0;

	test_get_dirty(r->fd, r->id, BASE + first * PAGE, npages * PAGE, bits,
		       .flags = keep ? KEEP : 0, .page_size = unit * PAGE);
	for (uint64_t page = first; page < first + npages; page++) {
		uint64_t region = page / (REGION + 16), in = page % (REGION + 16);
		bool *dirty = &r->dirty[region * REGION + in];
		uint64_t bit = (page - first) / unit;

		if (in >= REGION || !*dirty)
			continue;
		want[bit / 64] |= 1ULL << bit % 64;
		*dirty = keep;
	}
	ASSERT_EQ(0, memcmp(bits, want, sizeof(bits)));
}

static void remap(struct random *r, unsigned int region)
{
	test_unmap(r->fd, r->id, region_iova(region), REGION * PAGE);
	test_map(r->fd, r->id, r->mem + region * REGION * PAGE, region_iova(region),
		 REGION * PAGE);
	memset(&r->dirty[region * REGION], 0, REGION);
}

static void reattach(struct random *r, int dev)
{
	test_detach(dev, r->id);
	ASSERT_EQ(0, do_detach_pasid(dev, r->id, 3));
	test_attach(dev, r->id);
	ASSERT_EQ(0, do_attach_pasid(dev, r->id, 3));
}

TEST_F(sim, model, "at random: devices of two IOMMUs, ranges, sizes, changes", .timeout = 120)
{
	uint32_t sim = sim_create(self->ctl, .nr_devices = 2, .caps = DIRTY_CAPS, .pasid_bits = 4);
	struct random r = {
		.fd = self->fd, .id = dirty_space(self->fd), .state = 20261127,
		.mem = memory(NR_REGIONS * REGION * PAGE),
	};

	for (int i = 0; i < NR_DEVS; i++) {
		r.dev[i] = i < 2 ? sim_open(sim, i) :
			sim_open(sim_create(self->ctl, .nr_devices = 1, .caps = DIRTY_CAPS,
					    .pasid_bits = 4, .iotlb_sets = 2), 0);
		test_bind(r.dev[i], self->fd, i);
		test_attach(r.dev[i], r.id);
		ASSERT_EQ(0, do_attach_pasid(r.dev[i], r.id, 3));
	}
	for (int i = 0; i < NR_REGIONS; i++)
		test_map(self->fd, r.id, r.mem + i * REGION * PAGE, region_iova(i), REGION * PAGE);
	test_track(self->fd, r.id, true);
	for (int round = 0; round < 3000; round++) {
		switch (draw(&r, 40)) {
		case 0:
			remap(&r, draw(&r, NR_REGIONS));
			break;
		case 1:
			reattach(&r, r.dev[draw(&r, NR_DEVS)]);
			break;
		case 2:
			test_track(self->fd, r.id, false);
			test_track(self->fd, r.id, true);
			memset(r.dirty, 0, sizeof(r.dirty));
			break;
		}
		for (int n = draw(&r, 12); n--; )
			random_dma(&r);
		random_query(&r);
	}
	for (int i = 0; i < NR_DEVS; i++)
		close(r.dev[i]);
}

/*
 * Under load. A page whose content differs from what it was after the call before
 * must be reported by this call, or by the next one if the write is later. Pages
 * that no device writes to are never reported.
 */
struct load {
	uint8_t *before, *now;
	uint64_t owed;		/* changed behind the last call */
	uint64_t seen;
	unsigned int rounds;
};

static void check_round(struct fixture_sim *self, int id, struct load *load)
{
	uint64_t bits = dirty(self, id), changed = 0;

	EXPECT_EQ(0, load->owed & ~bits);
	memcpy(load->now, self->mem, SIM_PAGES * PAGE);
	for (unsigned int i = 0; i < SIM_PAGES; i++)
		if (memcmp(load->now + i * PAGE, load->before + i * PAGE, PAGE))
			changed |= 1ULL << i;
	memcpy(load->before, load->now, SIM_PAGES * PAGE);
	load->owed = changed & ~bits;
	load->seen |= bits;
	load->rounds++;
}

TEST_F(sim, load, "no write under load is missed, and no page is made up", .timeout = 120)
{
	struct load load = { .before = memory(SIM_PAGES * PAGE), .now = memory(SIM_PAGES * PAGE) };
	struct ioasid_sim_request reqs[40] = { };
	struct ioasid_sim_load_result result;
	int dev[NR_DEVS], id = start(self);
	uint64_t written = 0, done = 0;

	/* Counters in 40 pages, those beyond are read or copied from */
	for (int i = 0; i < ARRAY_SIZE(reqs); i++) {
		uint64_t page = i * 7 % 40;

		reqs[i] = (struct ioasid_sim_request) {
			.op = i % 4 ? IOASID_SIM_OP_ADD : IOASID_SIM_OP_READ,
			.iova = at(i % 4 ? page : 40 + page / 2), .len = i % 4 ? 8 : PAGE,
			.arg = i % 4 ? 1 : 0, .flags = i % 2 ? IOASID_SIM_REQ_ATS : 0,
		};
		if (i % 4)
			written |= 1ULL << page;
	}
	for (int i = 0; i < NR_DEVS; i++) {
		dev[i] = dirty_device(self, i);
		test_attach(dev[i], id);
	}
	memset(self->mem, 0, SIM_PAGES * PAGE);
	test_track(self->fd, id, true);
	for (int i = 0; i < NR_DEVS; i++)
		ASSERT_TRUE(!do_sim_start(dev[i], 1, reqs, ARRAY_SIZE(reqs), i + 1));
	while (load.rounds < 500 || (load.seen & written) != written)
		check_round(self, id, &load);
	/* One goes in the middle of it. */
	ASSERT_TRUE(!do_sim_stop(dev[0], &result));
	done += result.status[IOASID_SIM_OK];
	test_detach(dev[0], id);
	for (int i = 0; i < 50; i++)
		check_round(self, id, &load);
	for (int i = 1; i < NR_DEVS; i++) {
		ASSERT_TRUE(!do_sim_stop(dev[i], &result));
		EXPECT_EQ(result.done, result.status[IOASID_SIM_OK]);
		done += result.done;
	}
	check_round(self, id, &load);
	EXPECT_EQ(0, load.owed);
	EXPECT_EQ(written, load.seen);
	EXPECT_EQ(0, dirty(self, id));
	diag("%llu requests, %u rounds", (unsigned long long)done, load.rounds);
	for (int i = 0; i < NR_DEVS; i++)
		close(dev[i]);
}

/* Each thread asks, maps and switches; nothing is checked but that all goes well. */
static void *disturb(void *arg)
{
	struct random *r = arg;
	uint64_t bits[4];

	for (int i = 0; i < 400; i++) {
		do_get_dirty(r->fd, r->id, BASE, SIM_PAGES * PAGE, bits,
			     .flags = i % 2 ? KEEP : 0);
		if (i % 8 == 0)
			do_set_dirty(r->fd, r->id, i % 16 ? ON : 0);
		do_map(r->fd, r->id, (uintptr_t)r->mem, BASE + (80 + draw(r, 8)) * PAGE, PAGE, RW);
		do_unmap(r->fd, r->id, BASE + (80 + draw(r, 8)) * PAGE, PAGE);
		if (!do_detach(r->dev[0], r->id))
			do_attach(r->dev[0], r->id);
	}
	return NULL;
}

TEST_F(sim, threads, "threads that ask, switch, map and attach at the same time", .timeout = 120)
{
	int id = start(self), dev = dirty_device(self, 1), other = dirty_device(self, 2);
	struct ioasid_sim_request req = { .op = IOASID_SIM_OP_ADD, .iova = BASE, .len = 8 };
	struct ioasid_sim_load_result result;
	pthread_t threads[4];
	struct random r[4];

	test_attach(dev, id);
	test_attach(other, id);
	ASSERT_TRUE(!do_sim_start(other, 1, &req, 1, 0));
	for (int i = 0; i < 4; i++) {
		r[i] = (struct random) {
			.fd = self->fd, .id = id, .dev = { dev }, .mem = self->mem, .state = i,
		};
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, disturb, &r[i]));
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ASSERT_TRUE(!do_sim_stop(other, &result));
	EXPECT_EQ(result.done, result.status[IOASID_SIM_OK]);
	test_track(self->fd, id, false);
	test_track(self->fd, id, true);
	EXPECT_EQ(0, dirty(self, id));
	EXPECT_EQ(IOASID_SIM_OK, writes(other, 7));
	EXPECT_EQ(1 << 7, dirty(self, id));
	close(dev);
	close(other);
}

HARNESS_MAIN
