// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of /dev/ioasid that need no device: arguments of all commands and
 * the life cycle of address spaces.
 */
#include "space_fixture.h"

/* All commands with an argument, and an argument that is valid in itself. */
union argument {
	struct {
		uint32_t argsz;
		uint32_t flags;
	};
	struct ioasid_memory memory;
	struct ioasid_alloc alloc;
	struct ioasid_free free;
	struct ioasid_info info;
	struct ioasid_map_dma map;
	struct ioasid_unmap_dma unmap;
	struct ioasid_create_nesting nesting;
	struct ioasid_bind_table table;
	struct ioasid_invalidate_cache inv;
	struct ioasid_device_info device;
	struct ioasid_get_mappings mappings;
	struct ioasid_walk_iova walk;
	struct ioasid_set_dirty_tracking set_dirty;
	struct ioasid_get_dirty_bitmap get_dirty;
	uint8_t bytes[2 * 4096];
};

struct command {
	const char *name;
	unsigned int cmd;
	uint32_t size;
	bool info;		/* argsz is the size of a buffer */
	uint32_t reserved;	/* offset of a reserved field, 0: none */
};

#define COMMAND(_name, _type, ...)						\
	{ .name = #_name, .cmd = _name, .size = sizeof(struct _type), __VA_ARGS__ }
#define TABLE_RESERVED	.reserved = offsetof(struct ioasid_bind_table, table.__reserved)
#define RESERVED(_type)	.reserved = offsetof(struct _type, __reserved)

static const struct command commands[] = {
	COMMAND(IOASID_REGISTER_MEMORY, ioasid_memory),
	COMMAND(IOASID_UNREGISTER_MEMORY, ioasid_memory),
	COMMAND(IOASID_ALLOC, ioasid_alloc),
	COMMAND(IOASID_FREE, ioasid_free, RESERVED(ioasid_free)),
	COMMAND(IOASID_GET_INFO, ioasid_info, .info = true),
	COMMAND(IOASID_MAP_DMA, ioasid_map_dma, RESERVED(ioasid_map_dma)),
	COMMAND(IOASID_UNMAP_DMA, ioasid_unmap_dma, RESERVED(ioasid_unmap_dma)),
	COMMAND(IOASID_CREATE_NESTING, ioasid_create_nesting, RESERVED(ioasid_create_nesting)),
	COMMAND(IOASID_BIND_PGTABLE, ioasid_bind_table, TABLE_RESERVED),
	COMMAND(IOASID_UNBIND_PGTABLE, ioasid_bind_table, TABLE_RESERVED),
	COMMAND(IOASID_BIND_PASID_TABLE, ioasid_bind_table, TABLE_RESERVED),
	COMMAND(IOASID_UNBIND_PASID_TABLE, ioasid_bind_table, TABLE_RESERVED),
	COMMAND(IOASID_INVALIDATE_CACHE, ioasid_invalidate_cache),
	COMMAND(IOASID_DEVICE_GET_INFO, ioasid_device_info, .info = true),
	COMMAND(IOASID_GET_MAPPINGS, ioasid_get_mappings),
	COMMAND(IOASID_WALK, ioasid_walk_iova,
		.reserved = offsetof(struct ioasid_walk_iova, pasid)),
	COMMAND(IOASID_SET_DIRTY_TRACKING, ioasid_set_dirty_tracking,
		RESERVED(ioasid_set_dirty_tracking)),
	COMMAND(IOASID_GET_DIRTY_BITMAP, ioasid_get_dirty_bitmap,
		RESERVED(ioasid_get_dirty_bitmap)),
	COMMAND(IOASID_PREFETCH, ioasid_prefetch, RESERVED(ioasid_prefetch)),
	COMMAND(IOASID_GET_HISTORY, ioasid_get_history),
	COMMAND(IOASID_GET_HISTORY_STACK, ioasid_get_history_stack,
		RESERVED(ioasid_get_history_stack)),
};

/* An argument of the command that names what the fixture has. */
static void valid_argument(const struct command *c, struct fixture_space *self,
			   union argument *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->argsz = c->size;
	switch (c->cmd) {
	case IOASID_REGISTER_MEMORY:
	case IOASID_UNREGISTER_MEMORY:
		arg->memory.vaddr = (uintptr_t)self->mem;
		arg->memory.size = PAGE;
		break;
	case IOASID_ALLOC:
		arg->alloc.kind = IOASID_KIND_KERNEL;
		break;
	case IOASID_MAP_DMA:
		arg->map.flags = RW;
		arg->map.ioasid = self->id;
		arg->map.vaddr = (uintptr_t)self->mem;
		arg->map.size = PAGE;
		break;
	case IOASID_UNMAP_DMA:
		arg->unmap.ioasid = self->id;
		arg->unmap.size = PAGE;
		break;
	case IOASID_DEVICE_GET_INFO:
		break;
	default:	/* the space's number is the third word everywhere else */
		memcpy(arg->bytes + 8, &self->id, sizeof(uint32_t));
	}
}

/*
 * Arguments in general
 */
TEST(node, "/dev/ioasid opens, many times, for reading and writing")
{
	int fd[16];

	for (unsigned int i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = test_open();
	for (unsigned int i = 0; i < ARRAY_SIZE(fd); i++)
		EXPECT_EQ(0, close(fd[i]));
}

TEST_F(space, no_file_io, "read, write and mmap of /dev/ioasid are refused")
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->fd, &byte, 1));
	EXPECT_EQ(-1, write(self->fd, &byte, 1));
	EXPECT_TRUE(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->fd, 0) == MAP_FAILED);
}

TEST_F(space, unknown_commands, "unknown commands are ENOTTY")
{
	union argument arg = { .argsz = sizeof(arg) };

	for (unsigned int nr = 0; nr < 256; nr++) {
		bool known = nr >= IOASID_BASE &&
			     (nr <= IOASID_BASE + 14 ||
			      (nr >= IOASID_BASE + 16 && nr <= IOASID_BASE + 23));

		if (!known)
			EXPECT_ERRNO(ENOTTY, ioctl(self->fd, _IO(IOASID_TYPE, nr), &arg));
	}
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, _IO('x', IOASID_BASE + 3), &arg));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, _IOR(IOASID_TYPE, IOASID_BASE + 3, int), &arg));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, VFIO_BIND_IOASID_FD, &arg));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, VFIO_ATTACH_IOASID, &arg));
}

TEST_F(space, argsz_small, "argsz smaller than the structure is EINVAL")
{
	const uint32_t sizes[] = { 0, 1, 4, 8, 12 };
	union argument arg;

	for (const struct command *c = commands; c < commands + ARRAY_SIZE(commands); c++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
			valid_argument(c, self, &arg);
			arg.argsz = sizes[i];
			diag("%s argsz %u", c->name, sizes[i]);
			EXPECT_ERRNO(EINVAL, ioctl(self->fd, c->cmd, &arg));
		}
		valid_argument(c, self, &arg);
		arg.argsz = c->size - 1;
		EXPECT_ERRNO(EINVAL, ioctl(self->fd, c->cmd, &arg));
	}
}

TEST_F(space, argsz_tail, "a larger argsz with a non-zero tail is E2BIG")
{
	union argument arg;

	for (const struct command *c = commands; c < commands + ARRAY_SIZE(commands); c++) {
		if (c->info)
			continue;
		diag("%s", c->name);
		valid_argument(c, self, &arg);
		arg.argsz = c->size + 8;
		arg.bytes[c->size + 7] = 1;
		EXPECT_ERRNO(E2BIG, ioctl(self->fd, c->cmd, &arg));
		valid_argument(c, self, &arg);
		arg.argsz = PAGE;
		arg.bytes[PAGE - 1] = 1;
		EXPECT_ERRNO(E2BIG, ioctl(self->fd, c->cmd, &arg));
	}
}

TEST_F(space, argsz_large, "a larger argsz with a zero tail works")
{
	union argument arg = {
		.alloc = { .argsz = sizeof(struct ioasid_alloc) + 64, .kind = IOASID_KIND_KERNEL },
	};
	int id = ioctl(self->fd, IOASID_ALLOC, &arg);

	ASSERT_LT(0, id);
	arg = (union argument) { .map = {
		.argsz = PAGE, .flags = RW, .ioasid = id, .vaddr = (uintptr_t)self->mem,
		.size = PAGE,
	} };
	ASSERT_EQ(0, ioctl(self->fd, IOASID_MAP_DMA, &arg));
	arg = (union argument) { .unmap = {
		.argsz = sizeof(struct ioasid_unmap_dma) + 1, .ioasid = id, .size = PAGE,
	} };
	ASSERT_EQ(0, ioctl(self->fd, IOASID_UNMAP_DMA, &arg));
	ASSERT_EQ(PAGE, arg.unmap.size);
	arg = (union argument) { .free = {
		.argsz = sizeof(struct ioasid_free) + 8, .ioasid = id,
	} };
	ASSERT_EQ(0, ioctl(self->fd, IOASID_FREE, &arg));
	arg = (union argument) { .memory = {
		.argsz = sizeof(struct ioasid_memory) + 8, .vaddr = (uintptr_t)self->mem,
		.size = PAGE,
	} };
	ASSERT_EQ(0, ioctl(self->fd, IOASID_REGISTER_MEMORY, &arg));
	ASSERT_EQ(0, ioctl(self->fd, IOASID_UNREGISTER_MEMORY, &arg));
}

TEST_F(space, unknown_flags, "each unknown flag is refused")
{
	union argument arg;

	for (const struct command *c = commands; c < commands + ARRAY_SIZE(commands); c++) {
		for (unsigned int bit = 2; bit < 32; bit++) {
			valid_argument(c, self, &arg);
			arg.flags |= 1U << bit;
			if (c->info)	/* an output */
				continue;
			if (c->cmd == IOASID_ALLOC && 1U << bit == IOASID_ALLOC_DIRTY_TRACKING)
				continue;
			if (ioctl(self->fd, c->cmd, &arg) == -1 &&
			    (errno == EINVAL || errno == EOPNOTSUPP))
				continue;
			diag("%s flag %u: errno %d", c->name, bit, errno);
			EXPECT_TRUE(false);
		}
	}
}

TEST_F(space, reserved, "a reserved field that is not zero is EINVAL")
{
	union argument arg;

	for (const struct command *c = commands; c < commands + ARRAY_SIZE(commands); c++) {
		if (!c->reserved)
			continue;
		diag("%s", c->name);
		valid_argument(c, self, &arg);
		arg.bytes[c->reserved + 3] = 0x80;
		EXPECT_ERRNO(EINVAL, ioctl(self->fd, c->cmd, &arg));
	}
}

TEST_F(space, bad_pointers, "arguments that cannot be read are EFAULT")
{
	uint32_t *edge = (uint32_t *)(self->mem + MEM_SIZE - 8);

	for (const struct command *c = commands; c < commands + ARRAY_SIZE(commands); c++) {
		diag("%s", c->name);
		EXPECT_ERRNO(EFAULT, ioctl(self->fd, c->cmd, NULL));
		EXPECT_ERRNO(EFAULT, ioctl(self->fd, c->cmd, -1UL << 12));
		edge[0] = c->size;	/* continues in the hole */
		edge[1] = 0;
		EXPECT_ERRNO(EFAULT, ioctl(self->fd, c->cmd, edge));
	}
}

TEST_F(space, readonly_argument, "UNMAP_DMA whose result cannot be written is EFAULT")
{
	struct ioasid_unmap_dma *arg = memory(PAGE);

	test_map(self->fd, self->id, self->mem, 0, PAGE);
	arg->argsz = sizeof(*arg);
	arg->ioasid = self->id;
	arg->size = PAGE;
	ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ));
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, IOASID_UNMAP_DMA, arg));
	test_unmap(self->fd, self->id, 0, PAGE);
}

TEST(extensions, "CHECK_EXTENSION tells what is there and no more")
{
	int fd = test_open();

	EXPECT_EQ(IOASID_API_VERSION, do_extension(fd, IOASID_EXT_API_VERSION));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_MAP_TYPE1V2));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_REGISTER_MEMORY));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_UNMAP_ALL));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_MULTIDEV_GROUP));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_ENFORCE_SNOOP));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_NESTING));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_USER_PAGE_TABLE));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_USER_PASID_TABLE));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_FAULT_QUEUE));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_DIRTY_TRACKING));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_SVA));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_MIRROR));
	EXPECT_EQ(1, do_extension(fd, IOASID_EXT_HISTORY));
	EXPECT_EQ(0, do_extension(fd, IOASID_EXT_HISTORY + 1));
	EXPECT_EQ(0, do_extension(fd, UINT32_MAX));
	EXPECT_EQ(0, do_extension(fd, UINT64_MAX));
	EXPECT_EQ(0, do_extension(fd, (1UL << 32) + IOASID_EXT_MAP_TYPE1V2));
}

/*
 * Life cycle
 */
TEST(alloc_free, "spaces have small positive numbers of their own and can be freed")
{
	int fd = test_open(), other = test_open();
	int a = test_alloc(fd), b = test_alloc(fd), c = test_alloc(other);

	EXPECT_NE(a, b);
	EXPECT_EQ(a, c);	/* numbers are local to the context */
	test_free(fd, a);
	test_err_free(ENOENT, fd, a);
	test_free(fd, b);
	test_free(other, c);
}

TEST_F(space, free_unknown, "FREE of what does not exist is ENOENT")
{
	test_err_free(ENOENT, self->fd, IOASID_NONE);
	test_err_free(ENOENT, self->fd, self->id + 1);
	test_err_free(ENOENT, self->fd, 0x7fffffff);
	test_err_free(ENOENT, self->fd, 0x80000000);
	test_err_free(ENOENT, self->fd, UINT32_MAX);
}

TEST_F(space, free_mapped, "FREE takes the mappings with it")
{
	uint64_t before = locked_pages();

	test_map(self->fd, self->id, self->mem, 0, MEM_SIZE);
	EXPECT_EQ(before + 16, locked_pages());
	test_free(self->fd, self->id);
	EXPECT_EQ(before, locked_pages());
	test_err_map(ENOENT, self->fd, self->id, self->mem, 0, PAGE);
	test_err_unmap(ENOENT, self->fd, self->id, 0, PAGE);
	test_err_info(ENOENT, self->fd, self->id);
}

TEST(space_limit, "a context that is full says ENOSPC and works on", .timeout = 60)
{
	int fd = test_open(), count = 0, id, last = 0;

	while ((id = do_alloc(fd)) > 0) {
		last = id;
		ASSERT_GT(100000, ++count);
	}
	ASSERT_EQ(ENOSPC, errno);
	diag("%d spaces", count);
	EXPECT_LE(256, count);
	test_free(fd, last);
	test_alloc(fd);
	test_err_alloc_kind(ENOSPC, fd, IOASID_KIND_KERNEL, IOASID_NONE, 0, 0);
}

TEST_F(space, kinds, "kinds that this version lacks are refused")
{
	test_err_alloc_kind(EOPNOTSUPP, self->fd, IOASID_KIND_MIRROR, IOASID_NONE,
			    IOASID_ALLOC_SVA_PINNED, 0);
	for (int kind = IOASID_KIND_USER + 1; kind < 300; kind += 17)
		EXPECT_EQ(-1, do_alloc_kind(self->fd, kind, IOASID_NONE, 0, 0));
	EXPECT_EQ(-1, do_alloc_kind(self->fd, 0, IOASID_NONE, 0, 0));
}

TEST_F(space, alloc_arguments, "ALLOC refuses tables, formats and widths that cannot be")
{
	struct ioasid_alloc arg = { .argsz = sizeof(arg), .kind = IOASID_KIND_KERNEL };

	arg.table.addr = PAGE;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_ALLOC, &arg));
	arg.table.addr = 0;
	arg.format = 1;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_ALLOC, &arg));
	arg.format = 0;
	arg.addr_width = 65;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_ALLOC, &arg));
	arg.addr_width = 11;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_ALLOC, &arg));
	arg.addr_width = UINT32_MAX;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_ALLOC, &arg));
	arg.addr_width = 64;
	EXPECT_LT(0, ioctl(self->fd, IOASID_ALLOC, &arg));
}

TEST_F(space, addr_width, "mappings beyond the address width asked for are EINVAL")
{
	int id = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, IOASID_NONE, 0, 32);

	ASSERT_LT(0, id);
	test_err_map(EINVAL, self->fd, id, self->mem, 1ULL << 32, PAGE);
	test_err_map(EINVAL, self->fd, id, self->mem, (1ULL << 32) - PAGE, 2 * PAGE);
	test_err_map(EINVAL, self->fd, id, self->mem, TOP_PAGE, PAGE);
	test_map(self->fd, id, self->mem, (1ULL << 32) - PAGE, PAGE);
	test_unmap(self->fd, id, (1ULL << 32) - PAGE, PAGE);
}

TEST_F(space, user_tables, "commands for user-managed tables refuse kernel-managed spaces")
{
	const unsigned int cmds[] = {
		IOASID_BIND_PGTABLE, IOASID_UNBIND_PGTABLE,
		IOASID_BIND_PASID_TABLE, IOASID_UNBIND_PASID_TABLE,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
		test_err_table(EINVAL, self->fd, cmds[i], self->id);
		test_err_table(ENOENT, self->fd, cmds[i], self->id + 1);
		test_err_table(ENOENT, self->fd, cmds[i], IOASID_NONE);
	}
	test_err_create_nesting(ENOENT, self->fd, self->id + 1);
	test_err_invalidate(EOPNOTSUPP, self->fd, self->id, 0, 0);
	test_err_invalidate(EOPNOTSUPP, self->fd, self->id, PAGE, PAGE);
	test_err_invalidate(ENOENT, self->fd, self->id + 1, 0, 0);
}

TEST_F(space, info_before_attach, "GET_INFO needs a device, DEVICE_GET_INFO its cookie")
{
	test_err_info(ENODEV, self->fd, self->id);
	test_err_info(ENOENT, self->fd, self->id + 1);
	test_err_info(ENOENT, self->fd, IOASID_NONE);
	test_err_device_info(ENOENT, self->fd, 0);
	test_err_device_info(ENOENT, self->fd, UINT64_MAX);
}

HARNESS_MAIN
