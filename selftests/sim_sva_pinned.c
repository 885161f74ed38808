// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOASID_ALLOC_SVA_PINNED: devices that cannot ask for pages use the addresses of a
 * process, and never reach what is not there any more.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>

#include "pinned_fixture.h"

static uint8_t data_page[2 * PAGE] __attribute__((aligned(4096)));

static void start(struct fixture_pinned *self, enum way way)
{
	self->space = alloc_pinned(self->fd);
	attach(self, way);
}

static void check_all(struct fixture_pinned *self, enum way way)
{
	uint8_t stack[3 * PAGE], *on_stack = (uint8_t *)(((uintptr_t)stack + PAGE) & -PAGE);
	uint8_t *heap = aligned_alloc(PAGE, 4 * PAGE);
	int memfd = memfd_create("pinned", MFD_CLOEXEC);
	uint8_t *shared, *text = (uint8_t *)((uintptr_t)check_all & -PAGE);
	uint64_t locked;

	ASSERT_EQ(0, ftruncate(memfd, 4 * PAGE));
	shared = map_pages(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);
	fill(stack, sizeof(stack), 1);
	fill(heap, 4 * PAGE, 2);
	locked = locked_pages();
	start(self, way);
	EXPECT_TRUE(engine_is(self, "pinned"));
	EXPECT_EQ((locked_pages() - locked) * PAGE, value(self, "pinned"));
	EXPECT_LT(PAGES * PAGE, value(self, "pinned"));
	EXPECT_EQ(value(self, "pinned"), value(self, "mapped"));
	EXPECT_EQ(value(self, "pinned"), value(self, "present"));

	EXPECT_TRUE(same(self, on_stack));
	EXPECT_TRUE(same(self, heap + 3 * PAGE));
	EXPECT_EQ(0, puts_page(self, heap, 3));
	EXPECT_TRUE(cpu_sees(heap, 3));
	EXPECT_EQ(0, puts_page(self, on_stack, 4));
	EXPECT_TRUE(cpu_sees(on_stack, 4));
	EXPECT_EQ(0, puts_page(self, data_page, 5));
	EXPECT_TRUE(cpu_sees(data_page, 5));
	EXPECT_EQ(0, puts_page(self, shared + PAGE, 6));
	EXPECT_TRUE(cpu_sees(shared + PAGE, 6));
	EXPECT_TRUE(same(self, text));
	EXPECT_NE(0, puts_page(self, text, 7));
	EXPECT_TRUE(same(self, text));
	for (unsigned long i = 0; i < PAGES; i++) {
		EXPECT_EQ(0, puts_page(self, self->mem + i * PAGE, i));
		EXPECT_TRUE(cpu_sees(self->mem + i * PAGE, i));
	}
	EXPECT_NE(0, reads(self, (void *)PAGE));
	EXPECT_NE(0, reads(self, (void *)0xffffffff81000000UL));
	detach(self);
	EXPECT_TRUE(engine_is(self, "none"));
	EXPECT_NE(0, reads(self, heap));
	test_free(self->fd, self->space);
	EXPECT_EQ(locked, locked_pages());
	munmap(shared, 4 * PAGE);
	close(memfd);
	free(heap);
}

TEST_F(pinned, all, "all memory of the process, without a single page request")
{
	for (enum way way = 0; way < NR_WAYS; way++)
		check_all(self, way);
	EXPECT_EQ(0, sim_stats(self->ctl, self->id).page_requests);
}

TEST_F(pinned, loses, "what the process loses, devices lose at once; what comes instead heals")
{
	uint8_t *mem = self->mem, *other;

	fill(mem, PAGES * PAGE, 1);
	start(self, BY_DEFAULT);
	/* Each is a page of its own, and so is its fate. */
	for (int i = 0; i < 50; i++) {
		fill(mem + 3 * PAGE, PAGE, 9);
		ASSERT_TRUE(!madvise(mem + 3 * PAGE, PAGE, MADV_DONTNEED));
		if (!reads(self, mem + 3 * PAGE))
			EXPECT_TRUE(same(self, mem + 3 * PAGE));
		EXPECT_TRUE(COMES(same(self, mem + 3 * PAGE)));
		EXPECT_TRUE(same(self, mem + 4 * PAGE));
	}
	EXPECT_EQ(0, puts_page(self, mem + 3 * PAGE, 2));
	EXPECT_TRUE(cpu_sees(mem + 3 * PAGE, 2));

	ASSERT_TRUE(!mprotect(mem, PAGE, PROT_READ));
	EXPECT_NE(0, puts_page(self, mem, 3));
	EXPECT_TRUE(COMES(same(self, mem)));
	EXPECT_NE(0, puts_page(self, mem, 3));
	ASSERT_TRUE(!mprotect(mem, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_TRUE(COMES(!puts_page(self, mem, 3)));
	EXPECT_TRUE(cpu_sees(mem, 3));

	ASSERT_TRUE(!mprotect(mem + PAGE, PAGE, PROT_NONE));
	EXPECT_NE(0, reads(self, mem + PAGE));
	usleep(50000);
	EXPECT_NE(0, reads(self, mem + PAGE));

	/* Moved away; the new address was never given. */
	other = fresh(2 * PAGE);
	ASSERT_TRUE(mremap(mem, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other) == other);
	EXPECT_NE(0, reads(self, mem));
	EXPECT_NE(0, reads(self, other));
	test_map(self->fd, self->space, other, (uintptr_t)other, PAGE);
	EXPECT_TRUE(sees(self, other, 3));
	ASSERT_TRUE(!munmap(other, PAGE));
	EXPECT_NE(0, reads(self, other));
	EXPECT_TRUE(same(self, mem + 5 * PAGE));
	EXPECT_TRUE(COMES(locked_pages() * PAGE == value(self, "pinned")));
}

TEST_F(pinned, forks, "fork: parent and devices go on with their pages, the child has copies")
{
	uint8_t *mem = self->mem;
	uint64_t drops;
	int status;

	fill(mem, PAGE, 1);
	start(self, BY_USER);
	drops = value(self, "drops");
	if (!fork()) {
		sleep(1);
		_exit(!cpu_sees(mem, 1));
	}
	EXPECT_TRUE(same(self, mem));
	EXPECT_EQ(0, puts_page(self, mem, 2));
	EXPECT_TRUE(cpu_sees(mem, 2));
	fill(mem, PAGE, 3);
	EXPECT_TRUE(sees(self, mem, 3));
	ASSERT_TRUE(wait(&status) > 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, puts_page(self, mem, 4));
	EXPECT_TRUE(cpu_sees(mem, 4));
	diag("%llu pages dropped by fork", (unsigned long long)(value(self, "drops") - drops));
}

TEST_F(pinned, forked, "memory that is shared with a child is copied before it is pinned")
{
	uint8_t *mem = self->mem;
	int status, go[2];
	char c;

	fill(mem, PAGES * PAGE, 1);
	ASSERT_TRUE(!pipe2(go, O_CLOEXEC));
	if (!fork()) {
		close(go[1]);
		_exit(read(go[0], &c, 1) || mismatch(mem, PAGES * PAGE, 1) != PAGES * PAGE);
	}
	start(self, BY_DEFAULT);
	for (unsigned long i = 0; i < PAGES; i++) {
		EXPECT_EQ(0, puts_page(self, mem + i * PAGE, i + 2));
		EXPECT_TRUE(cpu_sees(mem + i * PAGE, i + 2));
	}
	close(go[1]);
	ASSERT_TRUE(wait(&status) > 0);
	EXPECT_EQ(0, status);
}

TEST_F(pinned, huge, "a huge page is one page of the IOMMU, goes as a whole and comes in part",
       .timeout = 60)
{
	uint8_t *mem = fresh(2 * BIG);
	struct ioasid_sim_stats before;
	uint64_t misses;

	mem = (uint8_t *)(((uintptr_t)mem + BIG - 1) & -BIG);
	if (madvise(mem, BIG, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	fill(mem, BIG, 1);
	start(self, BY_DEFAULT);
	before = sim_stats(self->ctl, self->id);
	for (unsigned long i = 0; i < BIG / PAGE; i++)
		EXPECT_EQ(0, sim_read(self->dev, (uintptr_t)mem + i * PAGE, PAGE, 0));
	misses = sim_since(self->ctl, self->id, &before).misses;
	if (misses >= BIG / PAGE)
		SKIP("there was no huge page");
	EXPECT_EQ(1, misses);
	/* A hole. */
	ASSERT_TRUE(!madvise(mem + 7 * PAGE, PAGE, MADV_DONTNEED));
	for (unsigned long i = 0; i < BIG / PAGE; i++)
		EXPECT_TRUE(COMES(same(self, mem + i * PAGE)));
	EXPECT_EQ(0, puts_page(self, mem + 7 * PAGE, 2));
	EXPECT_TRUE(cpu_sees(mem + 7 * PAGE, 2));
	/* By the user. */
	test_unmap(self->fd, self->space, (uintptr_t)mem + 9 * PAGE, PAGE);
	EXPECT_NE(0, reads(self, mem + 9 * PAGE));
	for (unsigned long i = 0; i < BIG / PAGE; i++)
		if (i != 9)
			EXPECT_TRUE(same(self, mem + i * PAGE));
	EXPECT_EQ(locked_pages() * PAGE, value(self, "pinned"));
}

TEST_F(pinned, unmaps_whole, "a page of a huge page that is one of the IOMMU's", .timeout = 60)
{
	uint8_t *mem = fresh(2 * BIG);

	mem = (uint8_t *)(((uintptr_t)mem + BIG - 1) & -BIG);
	if (madvise(mem, BIG, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	fill(mem, BIG, 1);
	start(self, BY_DEFAULT);
	test_unmap(self->fd, self->space, (uintptr_t)mem + 9 * PAGE, PAGE);
	EXPECT_NE(0, reads(self, mem + 9 * PAGE));
	for (unsigned long i = 0; i < BIG / PAGE; i++)
		if (i != 9)
			EXPECT_TRUE(same(self, mem + i * PAGE));
	test_map(self->fd, self->space, mem + 9 * PAGE, (uintptr_t)mem + 9 * PAGE, PAGE);
	EXPECT_TRUE(same(self, mem + 9 * PAGE));
}

TEST_F(pinned, maps, "new memory is given and taken by the user")
{
	uint8_t *none = map_pages(4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint8_t *mem = self->mem, *late;
	int fd = self->fd, id, space;
	uint64_t at;

	fill(mem, PAGES * PAGE, 1);
	self->space = id = alloc_pinned(fd);
	space = id;
	attach(self, BY_DEFAULT);
	late = fresh(8 * PAGE);
	at = (uintptr_t)late;
	fill(late, 8 * PAGE, 2);
	EXPECT_NE(0, reads(self, late));
#define WHEN_MAPPING(err, vaddr, iova, size, flags)                                          \
	REFUSED_KEY(err, do_map(fd, id, (uintptr_t)(vaddr), (uintptr_t)(iova), size, flags), \
		    "ioasid-map-errors-%u", space)
	WHEN_MAPPING(EINVAL, late, late + PAGE, PAGE, RW);
	WHEN_MAPPING(EINVAL, late, late, PAGE, IOASID_MAP_WRITE);
	WHEN_MAPPING(EINVAL, late, late, PAGE + 1, RW);
	WHEN_MAPPING(EINVAL, 1UL << 47, 1UL << 47, PAGE, RW);
	WHEN_MAPPING(EOPNOTSUPP, late, late, PAGE, RW | IOASID_MAP_NO_REQUESTS);
	WHEN_MAPPING(EEXIST, mem + PAGE, mem + PAGE, PAGE, RW);
	WHEN_MAPPING(EFAULT, none, none, PAGE, RW);
	WHEN_MAPPING(EFAULT, none, none, PAGE, IOASID_MAP_READ);
	ASSERT_TRUE(!mprotect(none, 2 * PAGE, PROT_READ));
	WHEN_MAPPING(EFAULT, none, none, PAGE, RW);
	WHEN_MAPPING(EFAULT, none, none, 4 * PAGE, IOASID_MAP_READ);

	test_map(fd, id, late, at, 4 * PAGE);
	EXPECT_TRUE(same(self, late));
	EXPECT_EQ(0, puts_page(self, late + 3 * PAGE, 3));
	EXPECT_TRUE(cpu_sees(late + 3 * PAGE, 3));
	WHEN_MAPPING(EEXIST, late, late, 8 * PAGE, RW);
	EXPECT_NE(0, reads(self, late + 4 * PAGE));
	ASSERT_TRUE(!do_map(fd, id, at + 4 * PAGE, at + 4 * PAGE, 4 * PAGE, IOASID_MAP_READ));
	EXPECT_TRUE(same(self, late + 5 * PAGE));
	EXPECT_NE(0, puts_page(self, late + 5 * PAGE, 4));
	/* What is only given for reading comes back like that. */
	ASSERT_TRUE(!madvise(late + 5 * PAGE, PAGE, MADV_DONTNEED));
	EXPECT_TRUE(COMES(same(self, late + 5 * PAGE)));
	EXPECT_NE(0, puts_page(self, late + 5 * PAGE, 4));
	EXPECT_EQ(locked_pages() * PAGE, value(self, "pinned"));

	test_unmap(fd, id, at + PAGE, 2 * PAGE);
	EXPECT_NE(0, reads(self, late + PAGE));
	EXPECT_TRUE(same(self, late));
	REFUSED_KEY(ENOENT, do_unmap(fd, id, at + PAGE, 2 * PAGE), "ioasid-unmap-errors-%u", space);
	REFUSED_KEY(EINVAL, do_unmap(fd, id, at + 1, PAGE), "ioasid-unmap-errors-%u", space);
	EXPECT_EQ(locked_pages() * PAGE, value(self, "pinned"));
	/* What is unmapped stays so, whatever happens to it. */
	ASSERT_TRUE(!madvise(late, 8 * PAGE, MADV_DONTNEED));
	EXPECT_TRUE(COMES(same(self, late)));
	EXPECT_NE(0, reads(self, late + PAGE));
	/* What is gone can be given again. */
	ASSERT_TRUE(!munmap(late, 8 * PAGE));
	ASSERT_TRUE(mmap(late, 8 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == late);
	fill(late, PAGE, 8);
	if (do_map(fd, id, at, at, 8 * PAGE, RW))
		EXPECT_EQ(EEXIST, errno);
	EXPECT_TRUE(COMES(sees(self, late, 8)));
	ASSERT_LT(0, do_unmap_all(fd, id));
	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(0, value(self, "pinned"));
	EXPECT_NE(0, reads(self, mem));
	test_map(fd, id, mem, (uintptr_t)mem, PAGES * PAGE);
	EXPECT_TRUE(same(self, mem));
}

TEST_F(pinned, refused, "what is refused, and changes nothing")
{
	struct ioasid_info info = {};
	int fd = self->fd;

	REFUSED(EINVAL,
		do_alloc_kind(fd, IOASID_KIND_SVA, IOASID_NONE, IOASID_ALLOC_SVA_PINNED, 48));
	REFUSED(EINVAL, do_alloc_pinned(fd, IOASID_ALLOC_PAGE_REQUESTS));
	REFUSED(EOPNOTSUPP, do_alloc_pinned(fd, IOASID_ALLOC_DIRTY_TRACKING));
	REFUSED(EOPNOTSUPP,
		do_alloc_kind(fd, IOASID_KIND_MIRROR, IOASID_NONE, IOASID_ALLOC_SVA_PINNED, 0));
	REFUSED(EOPNOTSUPP,
		do_alloc_kind(fd, IOASID_KIND_KERNEL, IOASID_NONE, IOASID_ALLOC_SVA_PINNED, 0));
	start(self, BY_DEFAULT);
	REFUSED(EOPNOTSUPP, do_create_nesting(fd, self->space));
	REFUSED(EBUSY, do_free(fd, self->space));
	test_err_prefetch(EOPNOTSUPP, fd, self->space, (uintptr_t)self->mem, PAGE, 0);
	test_info(fd, self->space, &info, sizeof(info));
	EXPECT_EQ(IOASID_KIND_SVA, info.kind);
	EXPECT_TRUE(info.flags & IOASID_INFO_MAP_DMA);
}

TEST_F(pinned, memlock, "over RLIMIT_MEMLOCK it is ENOMEM, and changes nothing")
{
	uint8_t *late = fresh(64 * PAGE);
	int fd = self->fd, id;
	uint64_t need;

	self->space = id = alloc_pinned(fd);
	need = locked_pages();
	test_free(fd, id);
	limit_locked(need - 8);
	REFUSED(ENOMEM, do_alloc_pinned(fd, 0));
	EXPECT_EQ(0, locked_pages());
	ASSERT_TRUE(!munmap(late, 64 * PAGE));
	self->space = id = alloc_pinned(fd);
	attach(self, BY_DEFAULT);
	EXPECT_TRUE(same(self, self->mem));
	/* In two parts of what a PMD maps, the first of which would fit. */
	late = fresh(6 * MIB);
	late += -(uintptr_t)late % (2 * MIB) + 2 * MIB - 4 * PAGE;
	REFUSED_KEY(ENOMEM, do_map(fd, id, (uintptr_t)late, (uintptr_t)late, 128 * PAGE, RW),
		    "ioasid-map-errors-%u", id);
	test_map(fd, id, late, (uintptr_t)late, 16 * PAGE);
	EXPECT_TRUE(same(self, late + 15 * PAGE));
}

TEST_F(pinned, left_out, "what cannot be pinned is left out and counted")
{
	int memfd = memfd_create("short", MFD_CLOEXEC), secret, fd = self->fd;
	uint8_t *mem = map_pages(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);
	uint64_t base;

	self->space = alloc_pinned(fd);
	base = value(self, "left-out");
	test_free(fd, self->space);
	EXPECT_EQ(4 * PAGE, base); /* behind the end of the file */
	ASSERT_EQ(0, ftruncate(memfd, PAGE));
	start(self, BY_DEFAULT);
	EXPECT_EQ(base - PAGE, value(self, "left-out"));
	EXPECT_TRUE(same(self, mem));
	EXPECT_NE(0, reads(self, mem + PAGE));
	/* It is taken away. */
	ASSERT_EQ(0, ftruncate(memfd, 0));
	EXPECT_NE(0, reads(self, mem));
	detach(self);
	test_free(fd, self->space);
	secret = syscall(SYS_memfd_secret, 0);
	if (secret < 0)
		SKIP("no memfd_secret");
	ASSERT_EQ(0, ftruncate(secret, 2 * PAGE));
	mem = map_pages(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, secret);
	mem[0] = 1;
	start(self, BY_DEFAULT);
	EXPECT_EQ(base + 2 * PAGE, value(self, "left-out"));
	EXPECT_NE(0, reads(self, mem));
	EXPECT_TRUE(same(self, self->mem));
	munmap(mem, 2 * PAGE);
}

TEST_F(pinned, two, "who comes later has everything, too, and takes nothing from the others")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = PINNED_CAPS, .pasid_bits = 8,
				 .pgsize_bitmap = PAGE);
	struct fixture_pinned second = *self;
	uint64_t drops;

	fill(self->mem, PAGES * PAGE, 1);
	start(self, BY_DEFAULT);
	drops = value(self, "drops");
	second.space = self->space;
	second.dev = sim_open(id, 0);
	test_bind(second.dev, self->fd, SIM_COOKIE + 1);
	second.sram = sim_sram(second.dev);
	attach(&second, BY_USER);
	EXPECT_EQ(drops, value(self, "drops"));
	EXPECT_EQ(2, value(self, "domains"));
	for (unsigned long i = 0; i < PAGES; i++) {
		EXPECT_TRUE(same(&second, self->mem + i * PAGE));
		EXPECT_TRUE(same(self, self->mem + i * PAGE));
	}
	ASSERT_TRUE(!mprotect(self->mem, PAGE, PROT_NONE));
	EXPECT_NE(0, reads(self, self->mem));
	EXPECT_NE(0, reads(&second, self->mem));
	ASSERT_TRUE(!madvise(self->mem + PAGE, PAGE, MADV_DONTNEED));
	EXPECT_TRUE(COMES(same(&second, self->mem + PAGE) && same(self, self->mem + PAGE)));
	detach(&second);
	EXPECT_EQ(1, value(self, "domains"));
	EXPECT_TRUE(same(self, self->mem + 2 * PAGE));
	detach(self);
	/* And without any. */
	ASSERT_TRUE(!madvise(self->mem + 2 * PAGE, PAGE, MADV_DONTNEED));
	attach(self, BY_DEFAULT);
	EXPECT_TRUE(COMES(same(self, self->mem + 2 * PAGE)));
	EXPECT_TRUE(same(self, self->mem + 3 * PAGE));
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
	munmap(second.sram, IOASID_SIM_SRAM);
	close(second.dev);
}

TEST_F(pinned, no_memory, "when there is no memory for a table at once, there is some later")
{
	fill(self->mem, PAGES * PAGE, 1);
	for (int nth = 1; nth <= 6; nth++) {
		self->space = alloc_pinned(self->fd);
		ASSERT_EQ(0, do_sim_inject(self->ctl, self->id, 0, nth));
		/* The domain itself, its top table: then it is as if nothing had been. */
		if (do_attach(self->dev, self->space)) {
			EXPECT_EQ(ENOMEM, errno);
			diag("number %d of the attach is the user's", nth);
			attach(self, BY_DEFAULT);
		}
		EXPECT_TRUE(same(self, self->mem + 5 * PAGE));
		ASSERT_EQ(0, do_sim_inject(self->ctl, self->id, 0, 1));
		ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_DONTNEED));
		for (unsigned long i = 0; i < PAGES; i++)
			EXPECT_TRUE(COMES(same(self, self->mem + i * PAGE)));
		detach(self);
		test_free(self->fd, self->space);
	}
}

TEST_F(pinned, listed, "GET_MAPPINGS and WALK")
{
	struct ioasid_mapping_info infos[64];
	struct ioasid_get_mappings list = {
		.argsz = sizeof(list),
		.nr = ARRAY_SIZE(infos),
		.mappings = (uintptr_t)infos,
	};
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk = {
		.argsz = sizeof(walk),
		.nr = IOASID_MAX_STEPS,
		.steps = (uintptr_t)steps,
		.iova = (uintptr_t)self->mem + 100,
	};
	uint64_t total = 0;
	bool found = false;

	start(self, BY_DEFAULT);
	list.ioasid = self->space;
	walk.ioasid = self->space;
	ASSERT_TRUE(!ioctl(self->fd, IOASID_GET_MAPPINGS, &list));
	ASSERT_EQ(0, list.more);
	for (unsigned int i = 0; i < list.nr; i++) {
		EXPECT_EQ(IOASID_MAPPING_VADDR, infos[i].flags);
		EXPECT_EQ(infos[i].iova, infos[i].target);
		EXPECT_TRUE(!i || infos[i].iova >= infos[i - 1].iova + infos[i - 1].size);
		total += infos[i].size;
		found |= infos[i].iova <= walk.iova && infos[i].prot == RW &&
			 walk.iova < infos[i].iova + infos[i].size;
	}
	EXPECT_TRUE(found);
	EXPECT_EQ(value(self, "mapped"), total);
	ASSERT_TRUE(!ioctl(self->fd, IOASID_WALK, &walk));
	EXPECT_EQ(IOASID_WALK_OK, walk.reason);
	EXPECT_EQ(RW, walk.perm);
	ASSERT_TRUE(!munmap(self->mem, PAGE));
	walk.nr = IOASID_MAX_STEPS;
	ASSERT_TRUE(!ioctl(self->fd, IOASID_WALK, &walk));
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
}

/* A process that ends, or becomes another, with its space attached. */
static void owner_ends(struct fixture_pinned *self, enum way way, bool execs)
{
	int tell[2], status;
	pid_t pid;

	fill(self->mem, PAGE, 7);
	ASSERT_TRUE(!pipe2(tell, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		start(self, way);
		EXPECT_TRUE(sees(self, self->mem, 7));
		ASSERT_EQ(sizeof(*self), write(tell[1], self, sizeof(*self)));
		if (execs)
			execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(0);
	}
	close(tell[1]);
	ASSERT_EQ(sizeof(*self), read(tell[0], self, sizeof(*self)));
	if (!execs)
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(COMES(reads(self, self->mem) == IOASID_SIM_FAULT_NOT_PRESENT));
	EXPECT_TRUE(COMES(!value(self, "pinned") && !value(self, "mapped")));
	EXPECT_TRUE(machine_pins_become(self->pins));
	test_err_map(EPERM, self->fd, self->space, self->mem, (uintptr_t)self->mem, PAGE);
	if (execs) {
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	EXPECT_TRUE(cpu_sees(self->mem, 7));
	detach(self);
	test_free(self->fd, self->space);
	close(tell[0]);
}

TEST_F(pinned, exits, "a process that is gone has no addresses, and its memory is free")
{
	for (enum way way = 0; way < NR_WAYS; way++)
		owner_ends(self, way, false);
}

TEST_F(pinned, execs, "exec: the address space is a new one, which nobody gave away")
{
	owner_ends(self, BY_USER, true);
}

TEST_F(pinned, killed, "everything comes back when a process is killed")
{
	for (enum way way = 0; way < NR_WAYS; way++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = PINNED_CAPS,
						 .pasid_bits = 8);
			struct fixture_pinned own = *self;

			own.fd = test_open();
			own.dev = sim_open(id, 0);
			test_bind(own.dev, own.fd, SIM_COOKIE);
			own.sram = sim_sram(own.dev);
			start(&own, way);
			EXPECT_EQ(0, puts_page(&own, own.mem, 1));
			kill(getpid(), SIGKILL);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(machine_pins_become(self->pins));
	}
}

/* Missing pages of mem are user space's to provide. */
static int provide(uint8_t *mem, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)mem, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (uffd < 0)
		SKIP("no userfaultfd");
	ASSERT_TRUE(!ioctl(uffd, UFFDIO_API, &api));
	ASSERT_TRUE(!ioctl(uffd, UFFDIO_REGISTER, &reg));
	return uffd;
}

TEST_F(pinned, provided,
       "pages that user space provides are not waited for, and come when provided")
{
	uint8_t *mem = self->mem, *from = fresh(PAGE);
	struct uffdio_copy copy = { .dst = (uintptr_t)mem, .src = (uintptr_t)from, .len = PAGE };
	int uffd;

	fill(mem, PAGES * PAGE, 1);
	fill(from, PAGE, 2);
	uffd = provide(mem, PAGES * PAGE);
	start(self, BY_DEFAULT);
	ASSERT_TRUE(!madvise(mem, 2 * PAGE, MADV_DONTNEED));
	usleep(20000);
	EXPECT_NE(0, reads(self, mem));
	EXPECT_TRUE(same(self, mem + 2 * PAGE));
	ASSERT_TRUE(!ioctl(uffd, UFFDIO_COPY, &copy));
	EXPECT_TRUE(COMES(sees(self, mem, 2)));
	EXPECT_NE(0, reads(self, mem + PAGE));
	/* The other one never comes. */
	ASSERT_TRUE(!munmap(from, PAGE));
	test_unmap(self->fd, self->space, (uintptr_t)mem + 4 * PAGE, PAGE);
	detach(self);
	test_free(self->fd, self->space);
	EXPECT_EQ(0, locked_pages());
	close(uffd);
}

HARNESS_MAIN
