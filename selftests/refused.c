// SPDX-License-Identifier: GPL-2.0-only
/*
 * "A command that fails changed nothing": every reason for which a command of
 * /dev/ioasid or of a device is refused, and after each the same world as
 * before: the counters of all contexts, pinned pages of the machine, what the
 * process is charged, and at the end of each test the mappings themselves and
 * the DMA through them.
 *
 * What is wrong with the argument itself (size, flags, reserved fields) or names
 * no space is nobody's error. Otherwise the error counter of the space grows, by
 * one: MAP_REFUSED and UNMAP_REFUSED.
 */
#include <linux/ioasid_fault.h>

#include "ioasid_util.h"
#include "unchanged.h"
#include "dirty_util.h"

#define TOP_PAGE	(UINT64_MAX - PAGE + 1)
#define MEM_PAGES	64
#define MSI		0xfee00000ULL	/* reserved on x86 */

/* What is mapped in the space of the world. */
static const struct {
	uint64_t iova;
	unsigned int page, pages;
} maps[] = {
	{ 0x100000, 0, 4 },
	{ 0x104000, 8, 4 },	/* follows the first */
	{ 0x200000, 16, 8 },
};

FIXTURE(world) {
	int fd;			/* a context: */
	int id;			/* with mappings, edu 0 attached */
	int bare;		/* without a device */
	int part;		/* half of a group attached, if there is one */
	int reg;		/* another one with registered memory: */
	int reg_id;
	bool devices;
	struct edu_device dev[3];
	char *mem;		/* MEM_PAGES, and a hole behind */
	char *readonly;		/* one page */

	struct state before;	/* to compare with */
};

#define MAP_REFUSED(err, id, ...)						\
	REFUSED_KEY(err, do_map(self->fd, id, __VA_ARGS__), "ioasid-map-errors-%u", id)
#define UNMAP_REFUSED(err, id, ...)						\
	REFUSED_KEY(err, do_unmap_flags(self->fd, id, __VA_ARGS__),		\
		    "ioasid-unmap-errors-%u", id)

/* Half of a group of two: its space refuses commands with EDEADLK. */
static void attach_half(struct fixture_world *self)
{
	const char *name = edu_name(2);

	if (!name || pci_group_size(name) < 2)
		return;
	edu_device_open(&self->dev[2], 2);
	self->part = test_alloc(self->fd);
	test_bind(self->dev[2].fd, self->fd, 3);
	test_attach(self->dev[2].fd, self->part);
}

static void attach_devices(struct fixture_world *self)
{
	edu_device_open(&self->dev[0], 0);
	test_bind(self->dev[0].fd, self->fd, 1);
	edu_device_start(&self->dev[0]);
	test_attach(self->dev[0].fd, self->id);
	edu_device_open(&self->dev[1], 1);
	attach_half(self);
	self->devices = true;
}

FIXTURE_SETUP(world)
{
	self->mem = memory_before_hole(MEM_PAGES * PAGE);
	fill(self->mem, MEM_PAGES * PAGE, 1);
	self->readonly = memory(PAGE);
	ASSERT_EQ(0, mprotect(self->readonly, PAGE, PROT_READ));
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->bare = test_alloc(self->fd);
	self->reg = test_open();
	self->reg_id = test_alloc(self->reg);
	test_register(self->reg, self->mem + 32 * PAGE, 8 * PAGE);
	test_register(self->reg, self->readonly, PAGE);
	test_map(self->reg, self->reg_id, self->mem + 32 * PAGE, 0, PAGE);
	if (edu_name(1))
		attach_devices(self);
	for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++)
		test_map(self->fd, self->id, self->mem + maps[i].page * PAGE, maps[i].iova,
			 maps[i].pages * PAGE);
}

/* The last page of each mapping still takes what the device writes. */
static void check_dma(struct fixture_world *self)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++) {
		unsigned int last = maps[i].pages - 1;
		uint64_t iova = maps[i].iova + last * PAGE;
		char *page = self->mem + (maps[i].page + last) * PAGE;

		fill(page, PAGE, 100 + i);
		EXPECT_EQ(0, edu_to_device(&self->dev[0].edu, iova, 0, PAGE));
		memset(page, 0, PAGE);
		EXPECT_EQ(0, edu_from_device(&self->dev[0].edu, iova, 0, PAGE));
		EXPECT_EQ(PAGE, mismatch(page, PAGE, 100 + i));
	}
}

FIXTURE_TEARDOWN(world)
{
	if (self->devices)
		check_dma(self);
	for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++) {
		test_err_map(EEXIST, self->fd, self->id, self->mem,
			     maps[i].iova + (maps[i].pages - 1) * PAGE, PAGE);
		test_unmap(self->fd, self->id, maps[i].iova, maps[i].pages * PAGE);
	}
	test_err_unmap(ENOENT, self->fd, self->id, 0, TOP_PAGE);
	test_err_unmap(ENOENT, self->fd, self->bare, 0, TOP_PAGE);
	test_unmap(self->reg, self->reg_id, 0, PAGE);
	test_unregister(self->reg, self->mem + 32 * PAGE, 8 * PAGE);
	test_unregister(self->reg, self->readonly, PAGE);
	EXPECT_EQ(0, locked_pages());
}

/*
 * What every command refuses in its argument. size: of the structure; reserved:
 * offset of a field that must be 0, or 0; info: argsz is that of a buffer.
 */
struct shape {
	uint32_t size, reserved;
	bool info;
};

static void refuse_arguments(struct fixture_world *self, int fd, unsigned int cmd,
			     const void *valid, struct shape shape)
{
	const uint32_t small[] = { 0, 4, 8, shape.size - 1 };
	uint8_t *arg = memory_before_hole(2 * PAGE);
	uint32_t *words = (uint32_t *)arg;
	uint8_t *edge = arg + 2 * PAGE - shape.size + 4;

	for (unsigned int i = 0; i < ARRAY_SIZE(small); i++) {
		memcpy(arg, valid, shape.size);
		words[0] = small[i];
		REFUSED(EINVAL, ioctl(fd, cmd, arg));
	}
	REFUSED(EFAULT, ioctl(fd, cmd, NULL));
	memcpy(edge, valid, shape.size - 4);
	REFUSED(EFAULT, ioctl(fd, cmd, edge));
	memcpy(arg, valid, shape.size);
	if (shape.reserved) {
		arg[shape.reserved] = 1;
		REFUSED(EINVAL, ioctl(fd, cmd, arg));
		memcpy(arg, valid, shape.size);
	}
	if (shape.info)
		return;
	words[0] = shape.size + 16;
	arg[shape.size + 15] = 1;
	REFUSED(E2BIG, ioctl(fd, cmd, arg));
	arg[shape.size + 15] = 0;
}

#define SHAPE(_type)		{ .size = sizeof(struct _type) }
#define SHAPE_INFO(_type)	{ .size = sizeof(struct _type), .info = true }
#define SHAPE_RESERVED(_type)							\
	{ .size = sizeof(struct _type), .reserved = offsetof(struct _type, __reserved) }

/* An unknown flag, on an otherwise valid argument. */
#define REFUSE_FLAG(_fd, _cmd, _arg, ...) do {					\
	remember(&self->before);								\
	(_arg)->flags |= 1U << 30;						\
	EXPECT_EQ(-1, ioctl(_fd, _cmd, _arg));					\
	EXPECT_EQ(EOPNOTSUPP, errno);						\
	(_arg)->flags &= ~(1U << 30);						\
	check_unchanged(&self->before, __LINE__, #_cmd " with an unknown flag", __VA_ARGS__); \
} while (0)

TEST_F(world, refused_unknown, "refused unknown commands change nothing", .timeout = 90)
{
	REFUSED(ENOTTY, ioctl(self->fd, _IO(IOASID_TYPE, IOASID_BASE - 1), self->mem));
	REFUSED(ENOTTY, ioctl(self->fd, _IO(IOASID_TYPE, IOASID_BASE + 15), self->mem));
	REFUSED(ENOTTY, ioctl(self->fd, _IO(IOASID_TYPE, IOASID_BASE + 24), self->mem));
	REFUSED(ENOTTY, ioctl(self->fd, _IO('x', IOASID_BASE), self->mem));
}

TEST_F(world, refused_alloc, "refused ALLOC changes nothing", .timeout = 90)
{
	struct ioasid_alloc arg = { .argsz = sizeof(arg), .kind = IOASID_KIND_KERNEL };

	refuse_arguments(self, self->fd, IOASID_ALLOC, &arg,
			 (struct shape)SHAPE(ioasid_alloc));
	REFUSE_FLAG(self->fd, IOASID_ALLOC, &arg, "%s", "");
	REFUSED(EINVAL, do_alloc_kind(self->fd, 0, 0, 0, 0));
	REFUSED(EINVAL, do_alloc_kind(self->fd, 5, 0, 0, 0));
	REFUSED(EOPNOTSUPP, do_alloc_kind(self->fd, IOASID_KIND_KERNEL, 0, IOASID_ALLOC_SVA_PINNED,
					  0));
	REFUSED(EINVAL, do_alloc_kind(self->fd, IOASID_KIND_SVA, 0,
				      IOASID_ALLOC_SVA_PINNED | IOASID_ALLOC_PAGE_REQUESTS, 0));
	REFUSED(EOPNOTSUPP, do_alloc_kind(self->fd, IOASID_KIND_SVA, self->id, 0, 0));
	REFUSED(EINVAL, do_alloc_kind(self->fd, IOASID_KIND_SVA, 0, 0, 40));
	REFUSED(EOPNOTSUPP, do_alloc_kind(self->fd, IOASID_KIND_MIRROR, self->id, 0, 0));
	REFUSED(EINVAL, do_alloc_kind(self->fd, IOASID_KIND_MIRROR, 0, 0, 65));
	REFUSED(EINVAL, do_alloc_kind(self->fd, IOASID_KIND_USER, 0, 0, 0));
	REFUSED(EOPNOTSUPP, do_alloc_user(self->fd, self->id, 0, 48, maps[0].iova));
	REFUSED(EOPNOTSUPP, do_alloc_user(self->fd, self->id, 99, 48, maps[0].iova));
	REFUSED(EINVAL, do_alloc_user(self->fd, self->id, IOASID_FORMAT_X86_64_4LEVEL, 49,
				      maps[0].iova));
	REFUSED(EINVAL, do_alloc_user(self->fd, self->id, IOASID_FORMAT_X86_64_4LEVEL, 48,
				      maps[0].iova + 8));
	REFUSED(EINVAL, do_alloc_user(self->fd, self->id, IOASID_FORMAT_X86_64_4LEVEL, 48,
				      1ULL << 45));
	REFUSED(EINVAL, do_alloc_user(self->fd, 0, IOASID_FORMAT_X86_64_4LEVEL, 48,
				      maps[0].iova));
	REFUSED(ENOENT, do_alloc_kind(self->fd, IOASID_KIND_KERNEL, 4000, 0, 0));
	REFUSED(EINVAL, do_alloc_kind(self->fd, IOASID_KIND_KERNEL, 0, 0, 1));
	REFUSED(EINVAL, do_alloc_kind(self->fd, IOASID_KIND_KERNEL, 0, 0, 65));
	arg.table.addr = PAGE;
	REFUSED(EINVAL, ioctl(self->fd, IOASID_ALLOC, &arg));
	arg.table.addr = 0;
	arg.format = 1;
	REFUSED(EINVAL, ioctl(self->fd, IOASID_ALLOC, &arg));
}

TEST_F(world, refused_queue, "refused FAULT_QUEUE_ALLOC changes nothing", .timeout = 90)
{
	struct ioasid_fault_queue_alloc arg = { .argsz = sizeof(arg), .entries = 8 };

	refuse_arguments(self, self->fd, IOASID_FAULT_QUEUE_ALLOC, &arg,
			 (struct shape)SHAPE(ioasid_fault_queue_alloc));
	REFUSE_FLAG(self->fd, IOASID_FAULT_QUEUE_ALLOC, &arg, "%s", "");
	arg.entries = 9;
	REFUSED(EINVAL, ioctl(self->fd, IOASID_FAULT_QUEUE_ALLOC, &arg));
}

TEST_F(world, refused_alloc_full, "ALLOC refused by a full context changes nothing",
       .timeout = 90)
{
	while (do_alloc(self->reg) > 0)
		;
	/* The list of contexts is too long to compare now: the charge is enough. */
	self->before.pins = machine_pins();
	self->before.locked = locked_pages();
	EXPECT_ERRNO(ENOSPC, do_alloc(self->reg));
	EXPECT_EQ(self->before.pins, machine_pins());
	EXPECT_EQ(self->before.locked, locked_pages());
}

TEST_F(world, refused_free, "refused FREE changes nothing", .timeout = 90)
{
	struct ioasid_free arg = { .argsz = sizeof(arg), .ioasid = self->bare };

	refuse_arguments(self, self->fd, IOASID_FREE, &arg,
			 (struct shape)SHAPE_RESERVED(ioasid_free));
	REFUSE_FLAG(self->fd, IOASID_FREE, &arg, "%s", "");
	REFUSED(ENOENT, do_free(self->fd, 0));
	REFUSED(ENOENT, do_free(self->fd, 4000));
	REFUSED(ENOENT, do_free(self->fd, UINT32_MAX));
	if (self->devices)
		REFUSED(EBUSY, do_free(self->fd, self->id));
	if (self->part)
		REFUSED(EBUSY, do_free(self->fd, self->part));
}

TEST_F(world, refused_dirty, "refused SET_DIRTY_TRACKING and GET_DIRTY_BITMAP change nothing",
       .timeout = 90)
{
	struct ioasid_set_dirty_tracking set = { .argsz = sizeof(set), .flags = 1 };
	struct ioasid_get_dirty_bitmap get = {
		.argsz = sizeof(get), .size = PAGE, .page_size = PAGE,
		.bitmap = (uintptr_t)self->mem,
	};
	int id = dirty_space(self->fd);

	set.ioasid = id;
	get.ioasid = id;
	refuse_arguments(self, self->fd, IOASID_SET_DIRTY_TRACKING, &set,
			 (struct shape)SHAPE_RESERVED(ioasid_set_dirty_tracking));
	REFUSE_FLAG(self->fd, IOASID_SET_DIRTY_TRACKING, &set, "%s", "");
	REFUSED(EOPNOTSUPP, do_set_dirty(self->fd, self->id, 1));
	REFUSED(ENOENT, do_set_dirty(self->fd, 4000, 1));
	REFUSED(EINVAL, ioctl(self->fd, IOASID_GET_DIRTY_BITMAP, &get));
	REFUSED(EOPNOTSUPP, do_create_nesting(self->fd, id));
	test_track(self->fd, id, true);
	refuse_arguments(self, self->fd, IOASID_GET_DIRTY_BITMAP, &get,
			 (struct shape)SHAPE_RESERVED(ioasid_get_dirty_bitmap));
	REFUSE_FLAG(self->fd, IOASID_GET_DIRTY_BITMAP, &get, "%s", "");
	REFUSED(EOPNOTSUPP, do_get_dirty(self->fd, self->id, 0, PAGE, self->mem));
	REFUSED(ENOENT, do_get_dirty(self->fd, 4000, 0, PAGE, self->mem));
	REFUSED(EINVAL, do_get_dirty(self->fd, id, 8, PAGE, self->mem));
	REFUSED(EINVAL, do_get_dirty(self->fd, id, 0, PAGE, self->mem + 4));
	test_map(self->fd, id, self->mem, 0, PAGE);
	REFUSED(EFAULT, do_get_dirty(self->fd, id, 0, PAGE, NULL));
	REFUSED(EFAULT, do_get_dirty(self->fd, id, 0, PAGE, self->readonly));
	test_free(self->fd, id);
}

TEST_F(world, refused_info, "refused GET_INFO and DEVICE_GET_INFO change nothing",
       .timeout = 90)
{
	struct ioasid_info arg = { .argsz = sizeof(arg), .ioasid = self->id };
	struct ioasid_device_info dev = { .argsz = sizeof(dev), .cookie = 1 };
	struct ioasid_info *readonly = memory(PAGE);

	refuse_arguments(self, self->fd, IOASID_GET_INFO, &arg,
			 (struct shape)SHAPE_INFO(ioasid_info));
	REFUSED(ENOENT, do_info(self->fd, 0, &arg, sizeof(arg)));
	REFUSED(ENOENT, do_info(self->fd, 4000, &arg, sizeof(arg)));
	REFUSED(ENODEV, do_info(self->fd, self->bare, &arg, sizeof(arg)));
	refuse_arguments(self, self->fd, IOASID_DEVICE_GET_INFO, &dev,
			 (struct shape)SHAPE_INFO(ioasid_device_info));
	REFUSED(ENOENT, do_device_info(self->fd, 99, &dev, sizeof(dev)));
	REFUSED(ENOENT, do_device_info(self->reg, 1, &dev, sizeof(dev)));
	if (!self->devices)
		return;
	*readonly = (struct ioasid_info) { .argsz = sizeof(arg), .ioasid = self->id };
	ASSERT_EQ(0, mprotect(readonly, PAGE, PROT_READ));
	REFUSED(EFAULT, ioctl(self->fd, IOASID_GET_INFO, readonly));
}

TEST_F(world, refused_map, "refused MAP_DMA changes nothing", .timeout = 90)
{
	uint64_t mem = (uintptr_t)self->mem + 48 * PAGE, hole = mem + 16 * PAGE;
	struct ioasid_map_dma arg = {
		.argsz = sizeof(arg), .flags = RW, .ioasid = self->id, .vaddr = mem,
		.iova = 0x500000, .size = PAGE,
	};

	refuse_arguments(self, self->fd, IOASID_MAP_DMA, &arg,
			 (struct shape)SHAPE_RESERVED(ioasid_map_dma));
	REFUSED(ENOENT, do_map(self->fd, 0, mem, 0, PAGE, RW));
	REFUSED(ENOENT, do_map(self->fd, 4000, mem, 0, PAGE, RW));
	MAP_REFUSED(EINVAL, self->id, mem, 0, PAGE, 0);
	MAP_REFUSED(EINVAL, self->id, mem, 0, 0, RW);
	MAP_REFUSED(EINVAL, self->id, mem + 1, 0, PAGE, RW);
	MAP_REFUSED(EINVAL, self->id, mem, 1, PAGE, RW);
	MAP_REFUSED(EINVAL, self->id, mem, 0, 1, RW);
	MAP_REFUSED(EINVAL, self->id, mem, TOP_PAGE, 2 * PAGE, RW);
	MAP_REFUSED(EINVAL, self->id, mem, 0, TOP_PAGE, RW);
	MAP_REFUSED(EINVAL, self->id, TOP_PAGE, 0, 2 * PAGE, RW);
	for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++) {
		MAP_REFUSED(EEXIST, self->id, mem, maps[i].iova, PAGE, RW);
		MAP_REFUSED(EEXIST, self->id, mem, maps[i].iova + (maps[i].pages - 1) * PAGE,
			    2 * PAGE, RW);
	}
	MAP_REFUSED(EEXIST, self->id, mem, 0xff000, 2 * PAGE, RW);
	MAP_REFUSED(EFAULT, self->id, hole, 0, PAGE, RW);
	MAP_REFUSED(EFAULT, self->id, mem, 0, 17 * PAGE, RW);
	MAP_REFUSED(EFAULT, self->id, (uintptr_t)self->readonly, 0, PAGE, RW);
	MAP_REFUSED(EFAULT, self->id, 0xffff888000000000, 0, PAGE, RW);
	MAP_REFUSED(EFAULT, self->bare, mem, 0, 17 * PAGE, RW);
	if (self->devices) {
		MAP_REFUSED(EINVAL, self->id, mem, MSI, PAGE, RW);
		MAP_REFUSED(EINVAL, self->id, mem, MSI - PAGE, 2 * PAGE, RW);
		MAP_REFUSED(EINVAL, self->id, mem, 1ULL << 60, PAGE, RW);
		MAP_REFUSED(EINVAL, self->id, mem, TOP_PAGE, PAGE, RW);
	}
	if (self->part)
		MAP_REFUSED(EDEADLK, self->part, mem, 0, PAGE, RW);
}

TEST_F(world, refused_map_flag, "MAP_DMA refused for an unknown flag changes nothing")
{
	struct ioasid_map_dma arg = {
		.argsz = sizeof(arg), .flags = RW, .ioasid = self->id,
		.vaddr = (uintptr_t)self->mem, .iova = 0x500000, .size = PAGE,
	};

	REFUSE_FLAG(self->fd, IOASID_MAP_DMA, &arg, "%s", "");
}

TEST_F(world, refused_map_registered, "MAP_DMA refused by registered memory changes nothing",
       .timeout = 90)
{
	uint64_t mem = (uintptr_t)self->mem;

#define REG_REFUSED(err, ...)							\
	REFUSED_KEY(err, do_map(self->reg, self->reg_id, __VA_ARGS__),		\
		    "ioasid-map-errors-%u", self->reg_id)
	REG_REFUSED(EINVAL, mem, PAGE, PAGE, RW);
	REG_REFUSED(EINVAL, mem + 31 * PAGE, PAGE, 2 * PAGE, RW);
	REG_REFUSED(EINVAL, mem + 39 * PAGE, PAGE, 2 * PAGE, RW);
	REG_REFUSED(EEXIST, mem + 32 * PAGE, 0, PAGE, RW);
	REG_REFUSED(EFAULT, (uintptr_t)self->readonly, PAGE, PAGE, RW);
}

TEST_F(world, refused_map_limit, "MAP_DMA and REGISTER refused by RLIMIT_MEMLOCK change nothing",
       .timeout = 90)
{
	uint64_t mem = (uintptr_t)self->mem + 40 * PAGE;

	limit_locked(locked_pages() + 8);
	MAP_REFUSED(ENOMEM, self->id, mem, 0, 9 * PAGE, RW);
	MAP_REFUSED(ENOMEM, self->bare, mem, 0, 9 * PAGE, RW);
	REFUSED(ENOMEM, do_register(self->reg, mem, 9 * PAGE));
	test_map(self->fd, self->id, mem, 0, 8 * PAGE);
	MAP_REFUSED(ENOMEM, self->id, mem, 8 * PAGE, PAGE, RW);
	test_unmap(self->fd, self->id, 0, 8 * PAGE);
}

TEST_F(world, refused_unmap, "refused UNMAP_DMA changes nothing", .timeout = 90)
{
	struct ioasid_unmap_dma arg = {
		.argsz = sizeof(arg), .ioasid = self->id, .iova = maps[0].iova,
		.size = maps[0].pages * PAGE,
	};
	struct ioasid_unmap_dma *readonly = memory(PAGE);
	const uint32_t all = IOASID_UNMAP_ALL;

	refuse_arguments(self, self->fd, IOASID_UNMAP_DMA, &arg,
			 (struct shape)SHAPE_RESERVED(ioasid_unmap_dma));
	REFUSED(ENOENT, do_unmap(self->fd, 0, maps[0].iova, PAGE));
	REFUSED(ENOENT, do_unmap(self->fd, 4000, maps[0].iova, PAGE));
	UNMAP_REFUSED(EINVAL, self->id, maps[0].iova, 0, 0);
	UNMAP_REFUSED(EINVAL, self->id, maps[0].iova + 1, PAGE, 0);
	UNMAP_REFUSED(EINVAL, self->id, maps[0].iova, PAGE + 1, 0);
	UNMAP_REFUSED(EINVAL, self->id, maps[0].iova, UINT64_MAX, 0);
	UNMAP_REFUSED(EINVAL, self->id, TOP_PAGE, 2 * PAGE, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++) {
		uint64_t iova = maps[i].iova, size = maps[i].pages * PAGE;

		UNMAP_REFUSED(EINVAL, self->id, iova, PAGE, 0);
		UNMAP_REFUSED(EINVAL, self->id, iova + size - PAGE, PAGE, 0);
		UNMAP_REFUSED(EINVAL, self->id, iova + PAGE, size, 0);
		UNMAP_REFUSED(EINVAL, self->id, iova - PAGE, size, 0);
	}
	UNMAP_REFUSED(EINVAL, self->id, maps[0].iova, 5 * PAGE, 0);
	UNMAP_REFUSED(EINVAL, self->id, maps[0].iova + 3 * PAGE, 5 * PAGE, 0);
	UNMAP_REFUSED(ENOENT, self->id, 0, PAGE, 0);
	UNMAP_REFUSED(ENOENT, self->id, 0x108000, PAGE, 0);
	UNMAP_REFUSED(ENOENT, self->bare, 0, 1ULL << 40, 0);
	if (self->part)
		UNMAP_REFUSED(EDEADLK, self->part, 0, PAGE, 0);
	if (self->part)
		UNMAP_REFUSED(EDEADLK, self->part, 0, 0, all);
	REFUSE_FLAG(self->fd, IOASID_UNMAP_DMA, &arg, "%s", "");
	REFUSED(EINVAL, do_unmap_flags(self->fd, self->id, 0, PAGE, all));
	REFUSED(EINVAL, do_unmap_flags(self->fd, self->id, PAGE, 0, all));
	*readonly = arg;
	ASSERT_EQ(0, mprotect(readonly, PAGE, PROT_READ));
	REFUSED(EFAULT, ioctl(self->fd, IOASID_UNMAP_DMA, readonly));
}

TEST_F(world, refused_tables, "refused commands for user-managed tables change nothing",
       .timeout = 120)
{
	const unsigned int cmds[] = {
		IOASID_BIND_PGTABLE, IOASID_UNBIND_PGTABLE,
		IOASID_BIND_PASID_TABLE, IOASID_UNBIND_PASID_TABLE,
	};
	struct ioasid_create_nesting nest = { .argsz = sizeof(nest), .parent = self->id };
	struct ioasid_invalidate_cache inv = { .argsz = sizeof(inv), .ioasid = self->id };
	struct ioasid_bind_table table = { .argsz = sizeof(table), .ioasid = self->id };

	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
		refuse_arguments(self, self->fd, cmds[i], &table,
				 (struct shape)SHAPE(ioasid_bind_table));
		REFUSE_FLAG(self->fd, cmds[i], &table, "%s", "");
		REFUSED(EINVAL, do_table(self->fd, cmds[i], self->id, 0, 0, 0));
		REFUSED(EINVAL, do_table(self->fd, cmds[i], self->id, 1, 48, PAGE));
		REFUSED(ENOENT, do_table(self->fd, cmds[i], 4000, 0, 0, 0));
	}
	refuse_arguments(self, self->fd, IOASID_CREATE_NESTING, &nest,
			 (struct shape)SHAPE_RESERVED(ioasid_create_nesting));
	REFUSE_FLAG(self->fd, IOASID_CREATE_NESTING, &nest, "%s", "");
	REFUSED(ENOENT, do_create_nesting(self->fd, 4000));
	refuse_arguments(self, self->fd, IOASID_INVALIDATE_CACHE, &inv,
			 (struct shape)SHAPE(ioasid_invalidate_cache));
	REFUSE_FLAG(self->fd, IOASID_INVALIDATE_CACHE, &inv, "%s", "");
	REFUSED(EOPNOTSUPP, do_invalidate(self->fd, self->id, 0, 0));
	REFUSED(EOPNOTSUPP, do_invalidate(self->fd, self->id, maps[0].iova, PAGE));
	REFUSED(ENOENT, do_invalidate(self->fd, 4000, 0, 0));
}

TEST_F(world, refused_inspect, "refused GET_MAPPINGS and WALK change nothing", .timeout = 90)
{
	struct ioasid_mapping_info info;
	struct ioasid_get_mappings arg = {
		.argsz = sizeof(arg), .ioasid = self->id, .nr = 1, .mappings = (uintptr_t)&info,
	};
	struct ioasid_walk_iova walk = { .argsz = sizeof(walk), .ioasid = self->id };

	refuse_arguments(self, self->fd, IOASID_GET_MAPPINGS, &arg,
			 (struct shape)SHAPE(ioasid_get_mappings));
	REFUSE_FLAG(self->fd, IOASID_GET_MAPPINGS, &arg, "%s", "");
	REFUSED(EINVAL, do_mappings(self->fd, 0, self->id, 0, &info, 0, &arg));
	REFUSED(ENOENT, do_mappings(self->fd, 0, 4000, 0, &info, 1, &arg));
	REFUSED(ENOENT, do_mappings(self->fd, 1 << 30, self->id, 0, &info, 1, &arg));
	REFUSED(EFAULT, do_mappings(self->fd, 0, self->id, 0, NULL, 1, &arg));
	refuse_arguments(self, self->fd, IOASID_WALK, &walk,
			 (struct shape){ .size = sizeof(walk),
					 .reserved = offsetof(struct ioasid_walk_iova, pasid) });
	REFUSE_FLAG(self->fd, IOASID_WALK, &walk, "%s", "");
	REFUSED(EINVAL, do_walk(self->fd, 0, self->id, 0, NULL, IOASID_MAX_STEPS + 1, &walk));
	REFUSED(ENOENT, do_walk(self->fd, 0, 4000, 0, NULL, 0, &walk));
	walk = (struct ioasid_walk_iova) {
		.argsz = sizeof(walk), .flags = IOASID_WALK_PASID, .ioasid = self->id,
	};
	REFUSED(EOPNOTSUPP, ioctl(self->fd, IOASID_WALK, &walk));
	REFUSED(EFAULT, do_walk(self->fd, 0, self->id, 0, NULL, 1, &walk));
}

TEST_F(world, refused_history, "refused GET_HISTORY and GET_HISTORY_STACK change nothing",
       .timeout = 90)
{
	struct ioasid_history_stack out;
	struct ioasid_history_entry entry;
	struct ioasid_get_history arg = {
		.argsz = sizeof(arg), .ioasid = self->id, .nr = 1, .entries = (uintptr_t)&entry,
	};
	struct ioasid_get_history_stack stack = {
		.argsz = sizeof(stack), .ioasid = self->id, .id = 1, .stack = (uintptr_t)&out,
	};

	refuse_arguments(self, self->fd, IOASID_GET_HISTORY, &arg,
			 (struct shape)SHAPE(ioasid_get_history));
	REFUSE_FLAG(self->fd, IOASID_GET_HISTORY, &arg, "%s", "");
	arg.nr = 0;
	REFUSED(EINVAL, ioctl(self->fd, IOASID_GET_HISTORY, &arg));
	arg.nr = 1;
	arg.ctx = 1 << 30;
	REFUSED(ENOENT, ioctl(self->fd, IOASID_GET_HISTORY, &arg));
	refuse_arguments(self, self->fd, IOASID_GET_HISTORY_STACK, &stack,
			 (struct shape){ .size = sizeof(stack),
					 .reserved = offsetof(struct ioasid_get_history_stack,
							      __reserved) });
	REFUSE_FLAG(self->fd, IOASID_GET_HISTORY_STACK, &stack, "%s", "");
	stack.id = 1 << 30;
	REFUSED(ENOENT, ioctl(self->fd, IOASID_GET_HISTORY_STACK, &stack));
}

TEST_F(world, refused_register, "refused REGISTER and UNREGISTER change nothing",
       .timeout = 120)
{
	char *mem = self->mem, *reg = mem + 32 * PAGE;
	struct ioasid_memory arg = {
		.argsz = sizeof(arg), .vaddr = (uintptr_t)mem, .size = PAGE,
	};

	refuse_arguments(self, self->reg, IOASID_REGISTER_MEMORY, &arg,
			 (struct shape)SHAPE(ioasid_memory));
	REFUSE_FLAG(self->reg, IOASID_REGISTER_MEMORY, &arg, "%s", "");
	REFUSED(EINVAL, do_register(self->reg, mem, 0));
	REFUSED(EINVAL, do_register(self->reg, mem + 1, PAGE));
	REFUSED(EINVAL, do_register(self->reg, mem, 1));
	REFUSED(EINVAL, do_register(self->reg, mem, TOP_PAGE));
	REFUSED(EFAULT, do_register(self->reg, mem + MEM_PAGES * PAGE, PAGE));
	REFUSED(EFAULT, do_register(self->reg, mem + 60 * PAGE, 5 * PAGE));
	REFUSED(EEXIST, do_register(self->reg, reg, 8 * PAGE));
	REFUSED(EEXIST, do_register(self->reg, reg - PAGE, 2 * PAGE));
	REFUSED(EEXIST, do_register(self->reg, reg + 7 * PAGE, 2 * PAGE));

	arg.vaddr = (uintptr_t)reg;
	arg.size = 8 * PAGE;
	refuse_arguments(self, self->reg, IOASID_UNREGISTER_MEMORY, &arg,
			 (struct shape)SHAPE(ioasid_memory));
	REFUSE_FLAG(self->reg, IOASID_UNREGISTER_MEMORY, &arg, "%s", "");
	REFUSED(EBUSY, do_unregister(self->reg, reg, 8 * PAGE));
	REFUSED(ENOENT, do_unregister(self->reg, reg, 7 * PAGE));
	REFUSED(ENOENT, do_unregister(self->reg, reg + PAGE, 7 * PAGE));
	REFUSED(ENOENT, do_unregister(self->reg, mem, PAGE));
	REFUSED(ENOENT, do_unregister(self->fd, reg, 8 * PAGE));
	REFUSED(EINVAL, do_unregister(self->reg, reg, 0));
}

TEST_F(world, refused_bind, "refused BIND and UNBIND change nothing", .timeout = 120)
{
	struct vfio_bind_ioasid_fd arg = {
		.argsz = sizeof(arg), .ioasid_fd = self->fd, .cookie = 2,
	};
	int dev = self->dev[1].fd, null = open("/dev/null", O_RDWR);

	if (!self->devices)
		SKIP("no two edu devices");
	refuse_arguments(self, dev, VFIO_BIND_IOASID_FD, &arg,
			 (struct shape)SHAPE_RESERVED(vfio_bind_ioasid_fd));
	REFUSE_FLAG(dev, VFIO_BIND_IOASID_FD, &arg, "%s", "");
	REFUSED(EBADF, do_bind(dev, -1, 2));
	REFUSED(EBADF, do_bind(dev, 9999, 2));
	REFUSED(EINVAL, do_bind(dev, null, 2));
	REFUSED(EINVAL, do_bind(dev, dev, 2));
	REFUSED(EEXIST, do_bind(dev, self->fd, 1));
	REFUSED(EBUSY, do_bind(self->dev[0].fd, self->fd, 7));
	REFUSED(EBUSY, do_bind(self->dev[0].fd, self->reg, 7));
	REFUSED(EINVAL, do_unbind(dev));
}

TEST_F(world, refused_attach, "refused ATTACH and DETACH change nothing", .timeout = 120)
{
	struct vfio_attach_ioasid arg = { .argsz = sizeof(arg), .ioasid = self->bare };
	int dev = self->dev[1].fd, odd, wide;

	if (!self->devices)
		SKIP("no two edu devices");
	REFUSED(EINVAL, do_attach(dev, self->id));
	REFUSED(EINVAL, do_detach(dev, self->id));
	test_bind(dev, self->fd, 2);
	refuse_arguments(self, dev, VFIO_ATTACH_IOASID, &arg,
			 (struct shape)SHAPE(vfio_attach_ioasid));
	REFUSE_FLAG(dev, VFIO_ATTACH_IOASID, &arg, "%s", "");
	arg.user_pasid = 5;
	REFUSED(EINVAL, ioctl(dev, VFIO_ATTACH_IOASID, &arg));
	arg.user_pasid = 0;
	REFUSED(ENOENT, do_attach(dev, 0));
	REFUSED(ENOENT, do_attach(dev, 4000));
	REFUSED(EBUSY, do_attach(self->dev[0].fd, self->id));
	REFUSED(EBUSY, do_attach(self->dev[0].fd, self->bare));
	refuse_arguments(self, self->dev[0].fd, VFIO_DETACH_IOASID, &arg,
			 (struct shape)SHAPE(vfio_attach_ioasid));
	REFUSE_FLAG(self->dev[0].fd, VFIO_DETACH_IOASID, &arg, "%s", "");
	REFUSED(ENOENT, do_detach(self->dev[0].fd, self->bare));
	REFUSED(ENOENT, do_detach(self->dev[0].fd, 0));
	REFUSED(ENOENT, do_detach(self->dev[0].fd, 4000));
	REFUSED(ENOENT, do_detach(dev, self->id));

	/* Spaces with mappings, or a promise, that no IOMMU here can keep. */
	odd = test_alloc(self->fd);
	test_map(self->fd, odd, self->mem, 0, PAGE);
	test_map(self->fd, odd, self->mem, MSI, PAGE);
	REFUSED(EINVAL, do_attach(dev, odd));
	test_unmap(self->fd, odd, MSI, PAGE);
	test_map(self->fd, odd, self->mem, TOP_PAGE, PAGE);
	REFUSED(EINVAL, do_attach(dev, odd));
	test_unmap(self->fd, odd, TOP_PAGE, PAGE);
	for (unsigned int width = 63; width <= 64; width++) {
		wide = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, 0, 0, width);
		ASSERT_LT(0, wide);
		REFUSED(EINVAL, do_attach(dev, wide));
		test_free(self->fd, wide);
	}
	test_attach(dev, odd);
	test_detach(dev, odd);
	test_free(self->fd, odd);
}

TEST_F(world, refused_device, "commands a device does not know change nothing", .timeout = 90)
{
	if (!self->devices)
		SKIP("no two edu devices");
	for (int i = 0; i < 2; i++) {
		REFUSED(i ? EINVAL : ENOTTY, ioctl(self->dev[i].fd, _IO(';', 100 + 21), NULL));
		REFUSED(i ? EINVAL : ENOTTY, ioctl(self->dev[i].fd, _IO('x', 100), NULL));
		REFUSED(i ? EINVAL : ENOTTY, ioctl(self->dev[i].fd, IOASID_ALLOC, NULL));
	}
}

HARNESS_MAIN
