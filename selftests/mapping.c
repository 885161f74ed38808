// SPDX-License-Identifier: GPL-2.0-only
/* What MAP, UNMAP, REGISTER and UNREGISTER accept; needs no device. */
#include "space_fixture.h"

/*
 * MAP and UNMAP
 */
TEST_F(space, map_unmap, "MAP before attach works, UNMAP says how much went")
{
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	test_map(self->fd, self->id, self->mem, 0x100000, MEM_SIZE);
	test_map(self->fd, self->id, self->mem + PAGE, TOP_PAGE, PAGE);
	test_unmap(self->fd, self->id, TOP_PAGE, PAGE);
	test_unmap(self->fd, self->id, 0, PAGE);
	test_unmap(self->fd, self->id, 0x100000, MEM_SIZE);
	test_err_unmap(ENOENT, self->fd, self->id, 0, PAGE);
}

TEST_F(space, map_flags, "MAP takes read, write and both, but not neither")
{
	test_map_flags(self->fd, self->id, self->mem, 0, PAGE, IOASID_MAP_READ);
	test_map_flags(self->fd, self->id, self->mem, PAGE, PAGE, IOASID_MAP_WRITE);
	test_map_flags(self->fd, self->id, self->mem, 2 * PAGE, PAGE, RW);
	test_err_map_flags(EINVAL, self->fd, self->id, self->mem, 3 * PAGE, PAGE, 0);
}

TEST_F(space, map_unknown_space, "MAP and UNMAP on what does not exist are ENOENT")
{
	const uint32_t ids[] = { IOASID_NONE, self->id + 1, 0x80000000, UINT32_MAX };

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		test_err_map(ENOENT, self->fd, ids[i], self->mem, 0, PAGE);
		test_err_unmap(ENOENT, self->fd, ids[i], 0, PAGE);
	}
}

TEST_F(space, map_alignment, "MAP refuses what is not whole pages")
{
	const uint64_t odd[] = { 1, 8, 512, PAGE - 1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(odd); i++) {
		test_err_map(EINVAL, self->fd, self->id, self->mem + odd[i], 0, PAGE);
		test_err_map(EINVAL, self->fd, self->id, self->mem, odd[i], PAGE);
		test_err_map(EINVAL, self->fd, self->id, self->mem, 0, odd[i]);
		test_err_map(EINVAL, self->fd, self->id, self->mem, 0, PAGE + odd[i]);
	}
	test_err_map(EINVAL, self->fd, self->id, self->mem, 0, 0);
}

TEST_F(space, map_wrap, "MAP refuses ranges that wrap around")
{
	test_err_map(EINVAL, self->fd, self->id, self->mem, TOP_PAGE, 2 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, TOP_PAGE - PAGE, 3 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, PAGE, TOP_PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, 1ULL << 63, 1ULL << 63 | PAGE);
	test_err_map(EINVAL, self->fd, self->id, TOP_PAGE, 0, 2 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, 0, TOP_PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, 0, UINT64_MAX);
	test_err_map(EINVAL, self->fd, self->id, 1ULL << 63, 0, 1ULL << 63 | PAGE);
}

TEST_F(space, map_kernel_memory, "MAP refuses addresses that are not the process's")
{
	const uint64_t addrs[] = {
		0, PAGE, 1ULL << 47, 1ULL << 56, 1ULL << 63, 0xffff888000000000,
		0xffffffff81000000, 0xffffffffff600000, TOP_PAGE,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(addrs); i++) {
		diag("0x%llx", (unsigned long long)addrs[i]);
		EXPECT_ERRNO(EFAULT, do_map(self->fd, self->id, addrs[i], 0, PAGE,
					    IOASID_MAP_READ));
	}
	/* Nobody has that much; how it fails is not said, that nothing is left is. */
	EXPECT_EQ(-1, do_map(self->fd, self->id, 0, 0, TOP_PAGE, RW));
	EXPECT_EQ(-1, do_map(self->fd, self->id, (uintptr_t)self->mem, 0, 1ULL << 46, RW));
	EXPECT_EQ(0, locked_pages());
	test_map(self->fd, self->id, self->mem, 0, PAGE);
}

TEST_F(space, map_overlap, "MAP over any part of a mapping is EEXIST")
{
	uint64_t at = 0x100000;

	test_map(self->fd, self->id, self->mem, at, 4 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, at, 4 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, at, PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, at + PAGE, PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, at + 3 * PAGE, PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, at - PAGE, 2 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, at + 3 * PAGE, 2 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, at - PAGE, 6 * PAGE);
	test_map(self->fd, self->id, self->mem, at - PAGE, PAGE);
	test_map(self->fd, self->id, self->mem, at + 4 * PAGE, PAGE);
	test_unmap(self->fd, self->id, at - PAGE, 6 * PAGE);
}

TEST_F(space, map_same_memory, "the same memory may be mapped many times")
{
	int other = test_alloc(self->fd);

	for (int i = 0; i < 8; i++) {
		test_map(self->fd, self->id, self->mem, i * MEM_SIZE, MEM_SIZE);
		test_map(self->fd, other, self->mem, i * MEM_SIZE, MEM_SIZE);
	}
	test_unmap_all(8 * MEM_SIZE, self->fd, self->id);
	test_unmap(self->fd, other, 0, 8 * MEM_SIZE);
}

TEST_F(space, unmap_cut, "UNMAP that would cut a mapping is EINVAL and takes nothing")
{
	uint64_t at = 0x100000;

	test_map(self->fd, self->id, self->mem, at, 4 * PAGE);
	test_map(self->fd, self->id, self->mem, at + 4 * PAGE, 4 * PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, at, PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, at, 3 * PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, at + PAGE, PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, at + 3 * PAGE, PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, at + 3 * PAGE, 5 * PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, at, 5 * PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, at - PAGE, 2 * PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, 0, at + PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, at + 7 * PAGE, 16 * PAGE);
	test_unmap(self->fd, self->id, at, 4 * PAGE);
	test_unmap(self->fd, self->id, at + 4 * PAGE, 4 * PAGE);
}

TEST_F(space, unmap_range, "UNMAP takes all mappings of a range with holes")
{
	for (int i = 0; i < 8; i++)
		test_map(self->fd, self->id, self->mem, 2 * i * PAGE, PAGE);
	test_unmap_some(3 * PAGE, self->fd, self->id, PAGE, 6 * PAGE);
	test_err_unmap(ENOENT, self->fd, self->id, PAGE, 6 * PAGE);
	test_unmap_some(5 * PAGE, self->fd, self->id, 0, 1ULL << 40);
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	test_map(self->fd, self->id, self->mem, TOP_PAGE, PAGE);
	test_unmap_some(PAGE, self->fd, self->id, 0, TOP_PAGE);
	test_unmap_some(PAGE, self->fd, self->id, PAGE, TOP_PAGE);
}

TEST_F(space, unmap_hole, "UNMAP of nothing is ENOENT")
{
	test_err_unmap(ENOENT, self->fd, self->id, 0, PAGE);
	test_map(self->fd, self->id, self->mem, PAGE, PAGE);
	test_err_unmap(ENOENT, self->fd, self->id, 0, PAGE);
	test_err_unmap(ENOENT, self->fd, self->id, 2 * PAGE, PAGE);
	test_err_unmap(ENOENT, self->fd, self->id, TOP_PAGE, PAGE);
	test_unmap(self->fd, self->id, PAGE, PAGE);
	test_err_unmap(ENOENT, self->fd, self->id, PAGE, PAGE);
}

TEST_F(space, unmap_arguments, "UNMAP refuses zero size, odd addresses and wrap-around")
{
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, 0, 0);
	test_err_unmap(EINVAL, self->fd, self->id, 1, PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, 0, PAGE - 1);
	test_err_unmap(EINVAL, self->fd, self->id, 0, 1);
	test_err_unmap(EINVAL, self->fd, self->id, 0, UINT64_MAX);
	test_err_unmap(EINVAL, self->fd, self->id, TOP_PAGE, 2 * PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, PAGE, UINT64_MAX - PAGE + 1 + PAGE - 1);
	test_err_unmap(EINVAL, self->fd, self->id, 2 * PAGE, TOP_PAGE);
	test_unmap(self->fd, self->id, 0, PAGE);
}

TEST_F(space, unmap_all, "UNMAP_ALL takes everything and no range")
{
	uint32_t all = IOASID_UNMAP_ALL;

	for (int i = 0; i < 5; i++)
		test_map(self->fd, self->id, self->mem, i * 0x1000000ULL, MEM_SIZE);
	test_map(self->fd, self->id, self->mem, TOP_PAGE, PAGE);
	test_err_unmap_flags(EINVAL, self->fd, self->id, 0, PAGE, all);
	test_err_unmap_flags(EINVAL, self->fd, self->id, PAGE, 0, all);
	test_err_unmap_flags(EINVAL, self->fd, self->id, 0, UINT64_MAX, all);
	test_unmap_all(5 * MEM_SIZE + PAGE, self->fd, self->id);
	test_unmap_all(0, self->fd, self->id);
	test_err_unmap(ENOENT, self->fd, self->id, 0, 1ULL << 40);
	EXPECT_EQ(0, locked_pages());
}

TEST_F(space, map_readonly, "read-only memory is mapped for reading only")
{
	ASSERT_EQ(0, mprotect(self->mem, MEM_SIZE, PROT_READ));
	test_err_map(EFAULT, self->fd, self->id, self->mem, 0, PAGE);
	test_err_map_flags(EFAULT, self->fd, self->id, self->mem, 0, PAGE, IOASID_MAP_WRITE);
	test_map_flags(self->fd, self->id, self->mem, 0, MEM_SIZE, IOASID_MAP_READ);
	test_unmap(self->fd, self->id, 0, MEM_SIZE);
	ASSERT_EQ(0, mprotect(self->mem, MEM_SIZE, PROT_NONE));
	test_err_map_flags(EFAULT, self->fd, self->id, self->mem, 0, PAGE, IOASID_MAP_READ);
	ASSERT_EQ(0, mprotect(self->mem, MEM_SIZE, PROT_READ | PROT_WRITE));
	test_map(self->fd, self->id, self->mem, 0, MEM_SIZE);
}

TEST_F(space, map_readonly_tail, "one read-only page in the middle fails the whole MAP")
{
	int64_t pins = machine_pins();

	ASSERT_EQ(0, mprotect(self->mem + 9 * PAGE, PAGE, PROT_READ));
	test_err_map(EFAULT, self->fd, self->id, self->mem, 0, MEM_SIZE);
	EXPECT_EQ(0, locked_pages());
	EXPECT_TRUE(machine_pins_become(pins));
	test_map_flags(self->fd, self->id, self->mem, 0, MEM_SIZE, IOASID_MAP_READ);
}

TEST_F(space, map_unmapped_memory, "memory that is not there is EFAULT")
{
	test_err_map(EFAULT, self->fd, self->id, self->mem + MEM_SIZE, 0, PAGE);
	test_err_map(EFAULT, self->fd, self->id, self->mem, 0, MEM_SIZE + PAGE);
	ASSERT_EQ(0, munmap(self->mem, PAGE));
	test_err_map(EFAULT, self->fd, self->id, self->mem, 0, PAGE);
	test_err_map(EFAULT, self->fd, self->id, self->mem, 0, MEM_SIZE);
	test_map(self->fd, self->id, self->mem + PAGE, 0, MEM_SIZE - PAGE);
}

TEST_F(space, map_partial, "a large MAP whose second half is missing leaves nothing behind")
{
	size_t size = 32 * MIB;
	char *mem = memory_before_hole(size);
	int64_t pins = machine_pins();

	test_err_map(EFAULT, self->fd, self->id, mem, 0, 2 * size);
	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(0, pinned_pages());
	EXPECT_TRUE(machine_pins_become(pins));
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-mappings", self->id));
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-mapped", self->id));
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-pinned", self->id));
	test_err_unmap(ENOENT, self->fd, self->id, 0, 2 * size);
	test_map(self->fd, self->id, mem, 0, size);
	EXPECT_EQ(size / PAGE, locked_pages());
}

TEST_F(space, map_untouched, "memory that was never touched is brought in")
{
	size_t size = 4 * MIB;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	test_map(self->fd, self->id, mem, 0, size);
	EXPECT_EQ(size / PAGE, locked_pages());
	test_unmap(self->fd, self->id, 0, size);
}

/*
 * Registered memory
 */
TEST_F(space, register_arguments, "REGISTER and UNREGISTER take whole pages of the caller")
{
	for (int un = 0; un < 2; un++) {
		unsigned int cmd = un ? IOASID_UNREGISTER_MEMORY : IOASID_REGISTER_MEMORY;
		uint64_t mem = (uintptr_t)self->mem;

		EXPECT_ERRNO(EINVAL, do_memory(self->fd, cmd, mem, 0));
		EXPECT_ERRNO(EINVAL, do_memory(self->fd, cmd, mem + 1, PAGE));
		EXPECT_ERRNO(EINVAL, do_memory(self->fd, cmd, mem, PAGE - 1));
		EXPECT_ERRNO(EINVAL, do_memory(self->fd, cmd, mem, UINT64_MAX));
		EXPECT_ERRNO(EINVAL, do_memory(self->fd, cmd, mem, TOP_PAGE));
		EXPECT_ERRNO(EINVAL, do_memory(self->fd, cmd, TOP_PAGE, 2 * PAGE));
	}
	test_err_register(EFAULT, self->fd, self->mem + MEM_SIZE, PAGE);
	test_err_register(EFAULT, self->fd, self->mem, MEM_SIZE + PAGE);
	test_err_register(EFAULT, self->fd, 0, PAGE);
	test_err_register(EFAULT, self->fd, 0xffff888000000000, PAGE);
	EXPECT_EQ(0, fdinfo_get(self->fd, "ioasid-regions"));
	EXPECT_EQ(0, locked_pages());
	test_map(self->fd, self->id, self->mem, 0, PAGE);	/* there is no list yet */
}

TEST_F(space, register_overlap, "REGISTER over registered memory is EEXIST")
{
	test_register(self->fd, self->mem + 4 * PAGE, 4 * PAGE);
	test_err_register(EEXIST, self->fd, self->mem + 4 * PAGE, 4 * PAGE);
	test_err_register(EEXIST, self->fd, self->mem + 5 * PAGE, PAGE);
	test_err_register(EEXIST, self->fd, self->mem + 7 * PAGE, 2 * PAGE);
	test_err_register(EEXIST, self->fd, self->mem + 3 * PAGE, 2 * PAGE);
	test_err_register(EEXIST, self->fd, self->mem, MEM_SIZE);
	test_register(self->fd, self->mem + 3 * PAGE, PAGE);
	test_register(self->fd, self->mem + 8 * PAGE, PAGE);
	EXPECT_EQ(6, locked_pages());
}

TEST_F(space, unregister_exact, "UNREGISTER takes exactly what was registered")
{
	test_err_unregister(ENOENT, self->fd, self->mem, PAGE);
	test_register(self->fd, self->mem + 4 * PAGE, 4 * PAGE);
	test_err_unregister(ENOENT, self->fd, self->mem + 4 * PAGE, 3 * PAGE);
	test_err_unregister(ENOENT, self->fd, self->mem + 5 * PAGE, 3 * PAGE);
	test_err_unregister(ENOENT, self->fd, self->mem + 4 * PAGE, 5 * PAGE);
	test_err_unregister(ENOENT, self->fd, self->mem, MEM_SIZE);
	EXPECT_EQ(4, locked_pages());
	test_unregister(self->fd, self->mem + 4 * PAGE, 4 * PAGE);
	EXPECT_EQ(0, locked_pages());
	test_err_unregister(ENOENT, self->fd, self->mem + 4 * PAGE, 4 * PAGE);
}

TEST_F(space, unregister_busy, "UNREGISTER is EBUSY while a mapping uses the memory")
{
	int other = test_alloc(self->fd);

	test_register(self->fd, self->mem, 4 * PAGE);
	test_map(self->fd, self->id, self->mem + PAGE, 0, PAGE);
	test_map(self->fd, other, self->mem, 0, 4 * PAGE);
	test_err_unregister(EBUSY, self->fd, self->mem, 4 * PAGE);
	test_unmap(self->fd, self->id, 0, PAGE);
	test_err_unregister(EBUSY, self->fd, self->mem, 4 * PAGE);
	test_free(self->fd, other);
	test_unregister(self->fd, self->mem, 4 * PAGE);
}

TEST_F(space, registered_only, "once memory is registered, MAP takes nothing else")
{
	test_map(self->fd, self->id, self->mem, 0, PAGE);	/* before: stays */
	test_register(self->fd, self->mem + 4 * PAGE, 4 * PAGE);
	test_register(self->fd, self->mem + 8 * PAGE, 4 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, PAGE, PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem + 3 * PAGE, PAGE, 2 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem + 11 * PAGE, PAGE, 2 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem + 7 * PAGE, PAGE, 2 * PAGE);
	test_map(self->fd, self->id, self->mem + 4 * PAGE, PAGE, 4 * PAGE);
	test_map(self->fd, self->id, self->mem + 11 * PAGE, 5 * PAGE, PAGE);
	test_unmap(self->fd, self->id, 0, 6 * PAGE);
	test_unregister(self->fd, self->mem + 4 * PAGE, 4 * PAGE);
	test_unregister(self->fd, self->mem + 8 * PAGE, 4 * PAGE);
}

TEST_F(space, register_readonly, "read-only memory is registered for reading")
{
	ASSERT_EQ(0, mprotect(self->mem, 4 * PAGE, PROT_READ));
	test_register(self->fd, self->mem, 4 * PAGE);
	test_map_flags(self->fd, self->id, self->mem, 0, PAGE, IOASID_MAP_READ);
	ASSERT_EQ(-1, do_map(self->fd, self->id, (uintptr_t)self->mem, PAGE, PAGE, RW));
	diag("mapping it for writing: %s", strerrorname_np(errno));
	test_unmap(self->fd, self->id, 0, PAGE);
	test_unregister(self->fd, self->mem, 4 * PAGE);
}

TEST_F(space, register_limit, "too many registered ranges are ENOSPC", .timeout = 60)
{
	char *mem = memory(8192 * PAGE);
	int count = 0;

	while (count < 8192 && !do_register(self->fd, mem + count * PAGE, PAGE))
		count++;
	if (count == 8192)
		SKIP("no limit below 8192 ranges");
	ASSERT_EQ(ENOSPC, errno);
	EXPECT_EQ(count, locked_pages());
	test_unregister(self->fd, mem, PAGE);
	test_register(self->fd, mem + count * PAGE, PAGE);
}

#define MAX_MAPPINGS	(1UL << 20)	/* of a space, see docs/design.md */

/* What a refused MAP may change is the error counter. */
static void err_map_full(struct fixture_space *self, int err, uint64_t iova)
{
	uint64_t errors = fdinfo_get_n(self->fd, "ioasid-map-errors", self->id);

	test_err_map(err, self->fd, self->id, self->mem, iova, PAGE);
	EXPECT_EQ(errors + 1, fdinfo_get_n(self->fd, "ioasid-map-errors", self->id));
	EXPECT_EQ(MAX_MAPPINGS, fdinfo_get_n(self->fd, "ioasid-mappings", self->id));
	EXPECT_EQ(MAX_MAPPINGS * PAGE, fdinfo_get_n(self->fd, "ioasid-mapped", self->id));
}

/* One registered page, mapped again and again: nothing is pinned for it. */
TEST_F(space, map_limit, "a space takes 1M mappings, then ENOSPC; other spaces go on",
       .timeout = 90)
{
	int64_t pins;

	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		SKIP("a million mappings take a kernel with kmemleak a quarter of an hour");
	test_register(self->fd, self->mem, PAGE);
	pins = machine_pins();
	for (uint64_t i = 0; i < MAX_MAPPINGS; i++)
		test_map(self->fd, self->id, self->mem, i * PAGE, PAGE);
	err_map_full(self, ENOSPC, MAX_MAPPINGS * PAGE);
	err_map_full(self, EEXIST, 0);
	EXPECT_EQ(1, locked_pages());
	test_map(self->fd, test_alloc(self->fd), self->mem, 0, PAGE);

	test_unmap(self->fd, self->id, 7 * PAGE, PAGE);
	test_map(self->fd, self->id, self->mem, MAX_MAPPINGS * PAGE, PAGE);
	err_map_full(self, ENOSPC, 7 * PAGE);
	EXPECT_EQ(pins, machine_pins());
	test_unmap_all(MAX_MAPPINGS * PAGE, self->fd, self->id);
}

HARNESS_MAIN
