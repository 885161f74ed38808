// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_MAPPINGS, and who may see what: what people and tools are shown of a space is what
 * was mapped there, and nobody is shown what is not his.
 */
#include <pthread.h>

#include "inspect_util.h"

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
