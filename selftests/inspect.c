// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_MAPPINGS and WALK: what people and tools are shown of a space is what devices
 * find there, and nobody is shown what is not his.
 */
#include <pthread.h>

#include "harness.h"
#include "space_fixture.h"
#include "table_build.h"

#define GPA	0x100000ULL
#define GIOVA	0x2000ULL
#define X86	IOASID_FORMAT_X86_64_4LEVEL

/* In a child without any capability; its exit status is what fn returns. */
static int unprivileged(int (*fn)(void *arg), void *arg)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};
	int status;
	pid_t pid = fork();

	ASSERT_TRUE(pid >= 0);
	if (!pid) {
		if (syscall(SYS_capset, &header, data))
			_exit(99);
		_exit(fn(arg));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static uint64_t ctx_number(int fd)
{
	return fdinfo_get(fd, "ioasid-ctx");
}

/* Physical address by the kernel's own page tables. */
static uint64_t phys_of(const void *mem)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(8, pread(fd, &entry, 8, (uintptr_t)mem / PAGE * 8));
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE + (uintptr_t)mem % PAGE;
}

/*
 * GET_MAPPINGS
 */
TEST_F(space, empty, "a space without mappings has none to show")
{
	struct ioasid_mapping_info infos[4];
	struct ioasid_get_mappings arg;

	test_mappings(self->fd, 0, self->id, 0, infos, 4, &arg);
	EXPECT_EQ(0, arg.nr);
	EXPECT_EQ(0, arg.more);
	test_map(self->fd, self->id, self->mem, GPA, PAGE);
	test_mappings(self->fd, 0, self->id, GPA + PAGE, infos, 4, &arg);
	EXPECT_EQ(0, arg.nr);
	test_unmap(self->fd, self->id, GPA, PAGE);
	test_mappings(self->fd, 0, self->id, 0, infos, 4, &arg);
	EXPECT_EQ(0, arg.nr);
}

TEST_F(space, values, "mappings are shown as they were made")
{
	struct ioasid_mapping_info infos[4];
	struct ioasid_get_mappings arg;

	test_map_flags(self->fd, self->id, self->mem, GPA, 4 * PAGE, IOASID_MAP_READ);
	test_map_flags(self->fd, self->id, self->mem, 0, PAGE, IOASID_MAP_WRITE);
	test_map(self->fd, self->id, self->mem, TOP_PAGE, PAGE);
	test_mappings(self->fd, 0, self->id, 0, infos, 4, &arg);
	ASSERT_EQ(3, arg.nr);
	EXPECT_EQ(0, arg.more);
	EXPECT_EQ(0, infos[0].iova);
	EXPECT_EQ(PAGE, infos[0].size);
	EXPECT_EQ(IOASID_MAP_WRITE, infos[0].prot);
	EXPECT_EQ(GPA, infos[1].iova);
	EXPECT_EQ(4 * PAGE, infos[1].size);
	EXPECT_EQ(IOASID_MAP_READ, infos[1].prot);
	EXPECT_EQ(TOP_PAGE, infos[2].iova);
	EXPECT_EQ(RW, infos[2].prot);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, infos[i].target);
		EXPECT_EQ(0, infos[i].flags);
	}
	/* From inside a mapping on; and a list that ends with the last address. */
	test_mappings(self->fd, 0, self->id, GPA + PAGE + 17, infos, 1, &arg);
	EXPECT_EQ(1, arg.nr);
	EXPECT_EQ(1, arg.more);
	EXPECT_EQ(GPA, infos[0].iova);
	EXPECT_EQ(TOP_PAGE, arg.iova);
	test_mappings(self->fd, 0, self->id, arg.iova, infos, 1, &arg);
	EXPECT_EQ(1, arg.nr);
	EXPECT_EQ(0, arg.more);
}

TEST(registered, "registered memory is shown with its address, to its process only")
{
	int fd = test_open(), id = test_alloc(fd);
	struct ioasid_mapping_info info;
	struct ioasid_get_mappings arg;
	char *mem = memory(8 * PAGE);

	test_register(fd, mem, 8 * PAGE);
	test_map(fd, id, mem + 3 * PAGE, GPA, 2 * PAGE);
	test_mappings(fd, 0, id, 0, &info, 1, &arg);
	EXPECT_EQ(1, arg.nr);
	EXPECT_EQ(IOASID_MAPPING_REGISTERED | IOASID_MAPPING_VADDR, info.flags);
	EXPECT_EQ((uintptr_t)mem + 3 * PAGE, info.target);
}

struct foreign {
	int fd;
	uint32_t ctx;
	uint32_t id;
};

static int foreign_registered(void *data)
{
	struct foreign *f = data;
	struct ioasid_mapping_info info = {};
	struct ioasid_get_mappings arg;

	if (do_mappings(f->fd, 0, f->id, 0, &info, 1, &arg) || arg.nr != 1)
		return 1;
	return info.flags == IOASID_MAPPING_REGISTERED && !info.target ? 0 : 2;
}

TEST(registered_foreign, "another process with the file does not see the address")
{
	struct foreign f = { .fd = test_open() };
	char *mem = memory(8 * PAGE);

	f.id = test_alloc(f.fd);
	test_register(f.fd, mem, 8 * PAGE);
	test_map(f.fd, f.id, mem, GPA, PAGE);
	EXPECT_EQ(0, unprivileged(foreign_registered, &f));
}

TEST_F(space, children, "a child's mappings name addresses of the parent")
{
	int child = test_create_nesting(self->fd, self->id);
	struct ioasid_mapping_info info;
	struct ioasid_get_mappings arg;

	test_map(self->fd, self->id, self->mem, GPA, 4 * PAGE);
	test_map_flags(self->fd, child, GPA + PAGE, GIOVA, PAGE, IOASID_MAP_READ);
	test_mappings(self->fd, 0, child, 0, &info, 1, &arg);
	EXPECT_EQ(1, arg.nr);
	EXPECT_EQ(GIOVA, info.iova);
	EXPECT_EQ(IOASID_MAPPING_PARENT, info.flags);
	EXPECT_EQ(GPA + PAGE, info.target);
	EXPECT_EQ(IOASID_MAP_READ, info.prot);
}

#define MANY	1000

TEST_F(space, pieces, "more mappings than fit come in pieces, each exactly once")
{
	struct ioasid_mapping_info infos[MANY];
	const uint32_t rooms[] = { 1, 7, 999, 1000, 1001, 4096 };
	struct ioasid_get_mappings arg = {};

	for (int i = 0; i < MANY; i++)
		test_map(self->fd, self->id, self->mem, GPA + 2 * i * PAGE, PAGE);
	for (unsigned int r = 0; r < ARRAY_SIZE(rooms); r++) {
		uint32_t room = rooms[r] < MANY ? rooms[r] : MANY, seen = 0;
		uint64_t from = 0;

		do {
			test_mappings(self->fd, 0, self->id, from, infos, room, &arg);
			ASSERT_LT(0, arg.nr);
			ASSERT_LE(arg.nr, room);
			for (uint32_t i = 0; i < arg.nr; i++, seen++)
				ASSERT_EQ(GPA + 2 * seen * PAGE, infos[i].iova);
			ASSERT_EQ(seen < MANY, arg.more);
			from = arg.iova;
		} while (arg.more);
		EXPECT_EQ(MANY, seen);
	}
}

/*
 * Foreign contexts
 */
static int try_foreign(void *data)
{
	struct foreign *f = data;
	struct ioasid_mapping_info info;
	struct ioasid_get_mappings arg;
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;
	int own = do_open();

	if (own < 0)
		return 10;
	/* One that exists, and those that do not: the same answer. */
	for (uint32_t ctx = f->ctx; ctx < f->ctx + 3; ctx++) {
		if (ctx == ctx_number(own))
			continue;
		if (do_mappings(own, ctx, f->id, 0, &info, 1, &arg) != -1 || errno != EPERM)
			return 11;
		if (do_walk(own, ctx, f->id, GPA, steps, 64, &walk) != -1 || errno != EPERM)
			return 12;
	}
	/* The own one by its number needs no privilege; physical addresses do. */
	if (do_mappings(f->fd, f->ctx, f->id, 0, &info, 1, &arg) || arg.nr != 1)
		return 13;
	if (do_walk(f->fd, f->ctx, f->id, GPA, steps, 64, &walk) || walk.nr != 2)
		return 14;
	if (walk.reason || walk.perm != RW || steps[1].kind != IOASID_STEP_MEMORY)
		return 15;
	return steps[1].output ? 16 : 0;
}

TEST_F(space, foreign, "the context of somebody else needs CAP_SYS_ADMIN")
{
	struct foreign f = { .fd = self->fd, .ctx = ctx_number(self->fd), .id = self->id };
	struct ioasid_mapping_info info;
	struct ioasid_get_mappings arg;
	int other = test_open();

	test_map(self->fd, self->id, self->mem, GPA, PAGE);
	EXPECT_EQ(0, unprivileged(try_foreign, &f));
	test_mappings(other, f.ctx, self->id, 0, &info, 1, &arg);
	EXPECT_EQ(1, arg.nr);
	EXPECT_EQ(GPA, info.iova);
	EXPECT_ERRNO(ENOENT, do_mappings(other, 0, self->id, 0, &info, 1, &arg));
	EXPECT_ERRNO(ENOENT, do_mappings(other, f.ctx, self->id + 1, 0, &info, 1, &arg));
	EXPECT_ERRNO(ENOENT, do_mappings(other, f.ctx + 1000000, 1, 0, &info, 1, &arg));
	close(self->fd);
	EXPECT_ERRNO(ENOENT, do_mappings(other, f.ctx, self->id, 0, &info, 1, &arg));
}

/*
 * WALK
 */
TEST_F(space, walk_memory, "a walk of a root: the mapping, then the page")
{
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;

	test_map_flags(self->fd, self->id, self->mem, GPA, 4 * PAGE, IOASID_MAP_READ);
	test_walk(self->fd, 0, self->id, GPA + 2 * PAGE + 5, steps, &walk);
	ASSERT_EQ(2, walk.nr);
	EXPECT_EQ(IOASID_WALK_OK, walk.reason);
	EXPECT_EQ(IOASID_MAP_READ, walk.perm);
	EXPECT_EQ(0, walk.state);
	EXPECT_EQ(0, walk.format);
	EXPECT_EQ(IOASID_STEP_MAPPING, steps[0].kind);
	EXPECT_EQ(self->id, steps[0].ioasid);
	EXPECT_EQ(GPA, steps[0].addr);
	EXPECT_EQ(4 * PAGE, steps[0].value);
	EXPECT_EQ(IOASID_MAP_READ, steps[0].prot);
	EXPECT_EQ(0, steps[0].output);
	EXPECT_EQ(IOASID_STEP_MEMORY, steps[1].kind);
	EXPECT_EQ(phys_of(self->mem + 2 * PAGE + 5), steps[1].output);

	test_walk(self->fd, 0, self->id, GPA + 4 * PAGE, steps, &walk);
	ASSERT_EQ(1, walk.nr);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[0].reason);
	EXPECT_EQ(0, walk.perm);

	/* No room is no error: the number is what one wants to know. */
	ASSERT_EQ(0, do_walk(self->fd, 0, self->id, GPA, NULL, 0, &walk));
	EXPECT_EQ(2, walk.nr);
	memset(steps, 0xee, sizeof(steps));
	ASSERT_EQ(0, do_walk(self->fd, 0, self->id, GPA, steps, 1, &walk));
	EXPECT_EQ(2, walk.nr);
	EXPECT_EQ(0xeeeeeeeeU, steps[1].kind);
}

TEST_F(space, walk_levels, "a walk passes all spaces of a tree, permissions shrink")
{
	int level[4] = { self->id };
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;

	test_map(self->fd, self->id, self->mem, GPA, 8 * PAGE);
	for (int i = 1; i < 4; i++) {
		level[i] = test_create_nesting(self->fd, level[i - 1]);
		test_map_flags(self->fd, level[i], GPA + PAGE, GPA, (8 - i) * PAGE,
			       i == 2 ? IOASID_MAP_WRITE : RW & ~(i == 3 ? IOASID_MAP_READ : 0));
	}
	test_walk(self->fd, 0, level[3], GPA + 9, steps, &walk);
	ASSERT_EQ(5, walk.nr);
	EXPECT_EQ(IOASID_MAP_WRITE, walk.perm);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(IOASID_STEP_MAPPING, steps[i].kind);
		EXPECT_EQ(level[3 - i], steps[i].ioasid);
		EXPECT_EQ(GPA + i * PAGE + 9, steps[i].iova);
		EXPECT_EQ(i < 3 ? GPA + (i + 1) * PAGE + 9 : 0, steps[i].output);
	}
	EXPECT_EQ(phys_of(self->mem + 3 * PAGE + 9), steps[4].output);
	test_unmap(self->fd, level[1], GPA, 7 * PAGE);
	test_walk(self->fd, 0, level[3], GPA + 9, steps, &walk);
	ASSERT_EQ(3, walk.nr);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	EXPECT_EQ(level[1], steps[2].ioasid);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[2].reason);
	EXPECT_EQ(IOASID_WALK_OK, steps[1].reason);
}

/* Tables in pages 8 to 15 of the fixture's memory, addressed through the parent. */
struct tables {
	struct fixture_space *self;
	unsigned int next;
};

static __u64 table_alloc(struct table_builder *b)
{
	struct tables *t = b->data;

	return t->next < 16 ? GPA + t->next++ * PAGE : 0;
}

static __u64 *table_at(struct table_builder *b, __u64 addr)
{
	struct tables *t = b->data;

	return (__u64 *)(t->self->mem + (addr - GPA));
}

#define TABLES(_b, _self)							\
	struct tables _b##_mem = { .self = _self, .next = 8 };			\
	struct table_builder _b = {						\
		.format = X86, .width = 48, .alloc = table_alloc, .at = table_at, \
		.data = &_b##_mem,						\
	}

/* A user-managed space: GIOVA is page 1, GIOVA + PAGE page 2, read-only. */
static int user_space(struct fixture_space *self, struct table_builder *b)
{
	int id;

	test_map(self->fd, self->id, self->mem, GPA, MEM_SIZE);
	ASSERT_EQ(0, table_start(b));
	ASSERT_EQ(0, table_map(b, GIOVA, GPA + PAGE, PAGE, TABLE_R | TABLE_W));
	ASSERT_EQ(0, table_map(b, GIOVA + PAGE, GPA + 2 * PAGE, PAGE, TABLE_R));
	id = do_alloc_user(self->fd, self->id, X86, 48, b->root);
	ASSERT_LT(0, id);
	return id;
}

TEST_F(space, walk_table, "a walk of a user-managed table shows each entry, and where that lies")
{
	TABLES(b, self);
	int user = user_space(self, &b);
	struct ioasid_step steps[IOASID_MAX_STEPS], *entry;
	struct ioasid_walk_iova walk;

	test_walk(self->fd, 0, user, GIOVA + 0x123, steps, &walk);
	/* Four entries, each with the parent's mapping and page; then the output. */
	ASSERT_EQ(4 * 3 + 2, walk.nr);
	EXPECT_EQ(IOASID_WALK_OK, walk.reason);
	EXPECT_EQ(RW, walk.perm);
	EXPECT_EQ(X86, walk.format);
	for (int i = 0; i < 4; i++) {
		__u64 *at;

		entry = &steps[3 * i];
		EXPECT_EQ(IOASID_STEP_ENTRY, entry->kind);
		EXPECT_EQ(4 - i, entry->level);
		EXPECT_EQ(user, entry->ioasid);
		EXPECT_EQ(i == 3 ? IOASID_STEP_LEAF : 0, entry->flags);
		at = table_at(&b, entry->addr);
		EXPECT_EQ(*at, entry->value);
		EXPECT_EQ(i < 3 ? steps[3 * i + 3].addr & -PAGE : GPA + PAGE + 0x123,
			  entry->output);
		EXPECT_EQ(1, entry[1].depth);
		EXPECT_EQ(entry->addr, entry[1].iova);
		EXPECT_EQ(self->id, entry[1].ioasid);
		EXPECT_EQ(IOASID_STEP_MEMORY, entry[2].kind);
		EXPECT_EQ(phys_of(at), entry[2].output);
	}
	EXPECT_EQ(0, steps[12].depth);
	EXPECT_EQ(GPA + PAGE + 0x123, steps[12].iova);
	EXPECT_EQ(phys_of(self->mem + PAGE + 0x123), steps[13].output);
	/* Nobody's DMA was here. */
	EXPECT_EQ(0, walk.state);
	test_walk(self->fd, 0, user, GIOVA + PAGE, steps, &walk);
	EXPECT_EQ(IOASID_MAP_READ, walk.perm);
}

TEST_F(space, walk_fails, "where and why a walk of a user-managed table ends")
{
	TABLES(b, self);
	int user = user_space(self, &b);
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;
	__u64 *leaf, *top = table_at(&b, b.root);

	test_walk(self->fd, 0, user, GIOVA + 2 * PAGE, steps, &walk);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	ASSERT_EQ(12, walk.nr);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[9].reason);
	EXPECT_EQ(1, steps[9].level);

	/* Not canonical: no entry is read at all. */
	test_walk(self->fd, 0, user, 1ULL << 47, steps, &walk);
	EXPECT_EQ(IOASID_WALK_ADDRESS, walk.reason);
	ASSERT_EQ(1, walk.nr);
	EXPECT_EQ(IOASID_WALK_ADDRESS, steps[0].reason);
	EXPECT_EQ(0, steps[0].level);

	/* A leaf for the privileged only. */
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	leaf = table_at(&b, steps[9].addr);
	*leaf &= ~4ULL;
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_PERMISSION, walk.reason);
	EXPECT_EQ(IOASID_WALK_PERMISSION, steps[9].reason);
	*leaf |= 4;

	/* An output that the parent does not have. */
	*leaf = (*leaf & 0xfff) | (GPA + MEM_SIZE);
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	ASSERT_EQ(13, walk.nr);
	EXPECT_EQ(IOASID_WALK_OK, steps[9].reason);
	EXPECT_EQ(self->id, steps[12].ioasid);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[12].reason);

	/* A table that the parent does not have. */
	*top = (*top & 0xfff) | (GPA + MEM_SIZE);
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
	ASSERT_EQ(5, walk.nr);
	EXPECT_EQ(IOASID_STEP_ENTRY, steps[3].kind);
	EXPECT_EQ(3, steps[3].level);
	EXPECT_EQ(IOASID_WALK_TABLE, steps[3].reason);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[4].reason);
}

TEST_F(space, walk_write_only, "a table in memory that devices may only write is not read")
{
	TABLES(b, self);
	int user = user_space(self, &b);
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;

	ASSERT_LT(0, do_unmap_all(self->fd, self->id));
	test_map_flags(self->fd, self->id, self->mem, GPA, MEM_SIZE, IOASID_MAP_WRITE);
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_TABLE, walk.reason);
	ASSERT_EQ(2, walk.nr);
	EXPECT_EQ(IOASID_WALK_PERMISSION, steps[1].reason);
	EXPECT_EQ(0, steps[0].value);
}

static int walk_foreign_table(void *data)
{
	struct foreign *f = data;
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;

	memset(steps, 0, sizeof(steps));
	if (do_walk(f->fd, 0, f->id, GIOVA, steps, 64, &walk) != -1)
		return 1;
	return errno == EPERM && !steps[0].kind ? 0 : 2;
}

TEST_F(space, foreign_table, "a table in another process's memory is not shown to everybody")
{
	TABLES(b, self);
	struct foreign f = { .fd = self->fd, .id = user_space(self, &b) };

	EXPECT_EQ(0, unprivileged(walk_foreign_table, &f));
}

TEST_F(space, shadow, "a table that changed since the last invalidation is told")
{
	TABLES(b, self);
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_mapping_info infos[4];
	struct ioasid_get_mappings arg;
	struct ioasid_walk_iova walk;
	struct edu_device dev = {};
	int user;

	edu_device_open(&dev, 0);
	user = user_space(self, &b);
	test_bind(dev.fd, self->fd, 1);
	test_attach(dev.fd, self->id);
	test_attach(dev.fd, user);
	test_walk(self->fd, 0, user, GIOVA, steps, &walk);
	if (!(walk.state & IOASID_WALK_STATE_SHADOWED))
		SKIP("this IOMMU walks tables itself");
	EXPECT_EQ(IOASID_WALK_STATE_SHADOWED, walk.state);
	test_mappings(self->fd, 0, user, 0, infos, 4, &arg);
	EXPECT_EQ(2, arg.nr);
	EXPECT_EQ(IOASID_MAPPING_PARENT | IOASID_MAPPING_SHADOW, infos[0].flags);
	EXPECT_EQ(GPA + PAGE, infos[0].target);

	ASSERT_EQ(0, table_unmap(&b, GIOVA, PAGE));
	ASSERT_EQ(0, table_map(&b, GIOVA + 4 * PAGE, GPA, PAGE, TABLE_R));
	for (int i = 0; i < 2; i++) {
		test_walk(self->fd, 0, user, GIOVA + 4 * i * PAGE, steps, &walk);
		EXPECT_EQ(IOASID_WALK_STATE_SHADOWED | IOASID_WALK_STATE_STALE, walk.state);
	}
	test_walk(self->fd, 0, user, GIOVA + PAGE, steps, &walk);
	EXPECT_EQ(IOASID_WALK_STATE_SHADOWED, walk.state);
	test_invalidate(self->fd, user, 0, 0);
	for (int i = 0; i < 2; i++) {
		test_walk(self->fd, 0, user, GIOVA + 4 * i * PAGE, steps, &walk);
		EXPECT_EQ(IOASID_WALK_STATE_SHADOWED, walk.state);
	}
	edu_device_close(&dev);
}

/*
 * Arguments, and others at work
 */
TEST_F(space, arguments, "values that cannot be are refused")
{
	struct ioasid_mapping_info info;
	struct ioasid_get_mappings arg;
	struct ioasid_walk_iova walk;
	struct ioasid_step step;

	test_map(self->fd, self->id, self->mem, GPA, PAGE);
	EXPECT_ERRNO(EINVAL, do_mappings(self->fd, 0, self->id, 0, &info, 0, &arg));
	EXPECT_ERRNO(EINVAL, do_mappings(self->fd, 0, self->id, 0, &info,
					 IOASID_MAX_GET_MAPPINGS + 1, &arg));
	EXPECT_ERRNO(EINVAL, do_mappings(self->fd, 0, self->id, 0, &info, ~0U, &arg));
	EXPECT_ERRNO(ENOENT, do_mappings(self->fd, 0, 0, 0, &info, 1, &arg));
	EXPECT_ERRNO(EFAULT, do_mappings(self->fd, 0, self->id, 0, NULL, 1, &arg));
	EXPECT_ERRNO(EFAULT, do_mappings(self->fd, 0, self->id, 0, self->mem + MEM_SIZE - 8, 1,
					 &arg));
	EXPECT_ERRNO(EINVAL, do_walk(self->fd, 0, self->id, 0, &step, IOASID_MAX_STEPS + 1,
				     &walk));
	EXPECT_ERRNO(ENOENT, do_walk(self->fd, 0, 0, 0, &step, 1, &walk));
	EXPECT_ERRNO(EFAULT, do_walk(self->fd, 0, self->id, GPA, NULL, 1, &walk));
}

struct load {
	struct fixture_space *self;
	bool stop;
	unsigned long rounds;
};

static void *map_and_unmap(void *data)
{
	struct load *load = data;
	struct fixture_space *self = load->self;

	while (!__atomic_load_n(&load->stop, __ATOMIC_RELAXED)) {
		for (int i = 0; i < 64; i++)
			test_map(self->fd, self->id, self->mem, GPA + (2 * i + 1) * PAGE, PAGE);
		for (int i = 0; i < 64; i++)
			test_unmap(self->fd, self->id, GPA + (2 * i + 1) * PAGE, PAGE);
		load->rounds++;
	}
	return NULL;
}

/* What stays is seen exactly once, what comes and goes at most once. */
static void check_list(struct fixture_space *self)
{
	struct ioasid_mapping_info infos[16];
	struct ioasid_get_mappings arg;
	uint64_t from = 0, last = 0;
	int steady = 0;

	do {
		test_mappings(self->fd, 0, self->id, from, infos, ARRAY_SIZE(infos), &arg);
		for (uint32_t i = 0; i < arg.nr; i++) {
			ASSERT_LT(last, infos[i].iova);
			ASSERT_EQ(PAGE, infos[i].size);
			last = infos[i].iova;
			steady += !((last - GPA) / PAGE & 1);
		}
		from = arg.iova;
	} while (arg.more);
	ASSERT_EQ(64, steady);
}

TEST_F(space, concurrent, "lists and walks are right while others map and unmap", .timeout = 60)
{
	struct load load = { .self = self };
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;
	pthread_t thread;

	for (int i = 0; i < 64; i++)
		test_map(self->fd, self->id, self->mem, GPA + 2 * i * PAGE, PAGE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_and_unmap, &load));
	for (int i = 0; i < 1500; i++) {
		check_list(self);
		test_walk(self->fd, 0, self->id, GPA + i % 128 * PAGE, steps, &walk);
		ASSERT_EQ(walk.reason ? 1 : 2, walk.nr);
		if (i % 2 == 0)
			ASSERT_EQ(IOASID_WALK_OK, walk.reason);
	}
	__atomic_store_n(&load.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	diag("%lu rounds meanwhile", load.rounds);
	EXPECT_LT(0, load.rounds);
}

static void *open_and_close(void *data)
{
	struct load *load = data;
	int fd, id;

	while (!__atomic_load_n(&load->stop, __ATOMIC_RELAXED)) {
		fd = test_open();
		id = test_alloc(fd);
		test_map(fd, id, load->self->mem, GPA, PAGE);
		test_free(fd, id);
		test_alloc(fd);
		close(fd);
		load->rounds++;
	}
	return NULL;
}

TEST_F(space, going, "contexts and spaces that go while they are looked at", .timeout = 60)
{
	struct load load = { .self = self };
	uint64_t ctx = ctx_number(self->fd);
	struct ioasid_mapping_info info;
	struct ioasid_get_mappings arg;
	pthread_t thread;
	int seen = 0;

	ASSERT_EQ(0, pthread_create(&thread, NULL, open_and_close, &load));
	for (int i = 0; i < 20000 || (!seen && i < 400000); i++) {
		uint64_t other = ctx + 1 + __atomic_load_n(&load.rounds, __ATOMIC_RELAXED);

		if (do_mappings(self->fd, other, 1, 0, &info, 1, &arg))
			ASSERT_EQ(ENOENT, errno);
		else
			seen++;
	}
	__atomic_store_n(&load.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	diag("%lu contexts, %d times one was there", load.rounds, seen);
	EXPECT_LT(0, seen);
}

HARNESS_MAIN
