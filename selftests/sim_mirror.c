// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kind MIRROR: devices see the memory of a process as the process does, without a pin
 * on any of it, whatever the process or the kernel does with its pages.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/wait.h>

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "mirror_util.h"
#include "unchanged.h"

#define PAGES	64UL
#define BIG	(2 * MIB)

FIXTURE(mirror) {
	int ctl, fd, dev, space;
	uint32_t id;
	uint8_t *sram;
	uint8_t *mem;			/* PAGES, in a slot at GPA; nothing is there yet */
	int64_t pins;
	bool stop;
};

static void *fresh(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	return mem;
}

static void *fresh_at(void *at, size_t size)
{
	void *mem = mmap(at, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	ASSERT_TRUE(mem == at);
	return mem;
}

static int alloc_mirror(int fd)
{
	int id = do_alloc_kind(fd, IOASID_KIND_MIRROR, IOASID_NONE, 0, 0);

	ASSERT_LT(0, id);
	return id;
}

FIXTURE_SETUP(mirror)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	self->pins = machine_pins();
	self->id = sim_create(self->ctl, .nr_devices = 2, .caps = MIRROR_CAPS, .pasid_bits = 8);
	self->fd = test_open();
	self->space = alloc_mirror(self->fd);
	self->dev = sim_open(self->id, 0);
	test_bind(self->dev, self->fd, SIM_COOKIE);
	test_attach(self->dev, self->space);
	self->sram = sim_sram(self->dev);
	self->mem = fresh(PAGES * PAGE);
	test_map(self->fd, self->space, self->mem, GPA, PAGES * PAGE);
}

FIXTURE_TEARDOWN(mirror)
{
	EXPECT_EQ(0, sim_stats(self->ctl, self->id).stale);
	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(0, pinned_pages());
	EXPECT_TRUE(machine_pins_become(self->pins));
	close(self->dev);
	close(self->fd);
	close(self->ctl);
}

#define asks_read(dev, iova, len)	sim_read(dev, iova, len, 0, .flags = ASK)
#define asks_write(dev, iova, len)	sim_write(dev, iova, len, 0, .flags = ASK)
#define slot_at(page)			(GPA + (page) * PAGE)

/* The device asks for a page and finds the pattern there. */
static bool device_sees(struct fixture_mirror *self, uint64_t iova, unsigned int seed)
{
	uint32_t status;

	memset(self->sram, 0x5a, PAGE);
	status = asks_read(self->dev, iova, PAGE);
	if (status)
		diag("status %u at 0x%llx", status, (unsigned long long)iova);
	return !status && mismatch(self->sram, PAGE, seed) == PAGE;
}

static bool device_sees_zeroes(struct fixture_mirror *self, uint64_t iova)
{
	memset(self->sram, 0x5a, PAGE);
	if (asks_read(self->dev, iova, PAGE))
		return false;
	for (size_t i = 0; i < PAGE; i++)
		if (self->sram[i])
			return false;
	return true;
}

/* The device writes the pattern to a page. */
static uint32_t device_puts(struct fixture_mirror *self, uint64_t iova, unsigned int seed)
{
	fill(self->sram, PAGE, seed);
	return asks_write(self->dev, iova, PAGE);
}

static bool cpu_sees(const void *mem, unsigned int seed)
{
	return mismatch(mem, PAGE, seed) == PAGE;
}

TEST_F(mirror, prefetch, "pages that were fetched are there, as they were asked for, until dropped")
{
	uint64_t bytes;

	fill(self->mem, PAGE, 1);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->dev, GPA, PAGE, 0));
	test_prefetch(self->fd, self->space, GPA, PAGES * PAGE, 0);
	EXPECT_EQ(PAGES * PAGE, present_bytes(self->fd, self->space));
	EXPECT_EQ(0, sim_read(self->dev, GPA, PAGE, 0));
	EXPECT_TRUE(cpu_sees(self->sram, 1));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_write(self->dev, GPA, PAGE, 0));
	test_prefetch(self->fd, self->space, GPA, 4 * PAGE, IOASID_PREFETCH_WRITE);
	fill(self->sram, PAGE, 2);
	EXPECT_EQ(0, sim_write(self->dev, GPA, PAGE, 0));
	EXPECT_TRUE(cpu_sees(self->mem, 2));
	EXPECT_EQ(PAGES * PAGE, present_bytes(self->fd, self->space));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_write(self->dev, slot_at(4), PAGE, 0));

	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(0, pinned_pages());
	EXPECT_EQ(self->pins, machine_pins());

	ASSERT_EQ(0, do_prefetch(self->fd, self->space, slot_at(2), 2 * PAGE,
				 IOASID_PREFETCH_DROP, &bytes));
	EXPECT_EQ(2 * PAGE, bytes);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->dev, slot_at(2), PAGE, 0));
	EXPECT_EQ(0, sim_read(self->dev, slot_at(4), PAGE, 0));
	ASSERT_EQ(0, do_prefetch(self->fd, self->space, GPA, PAGES * PAGE,
				 IOASID_PREFETCH_DROP, &bytes));
	EXPECT_EQ((PAGES - 2) * PAGE, bytes);
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
	EXPECT_TRUE(cpu_sees(self->mem, 2));
}

static void child_may_not(struct fixture_mirror *self)
{
	test_err_prefetch(EPERM, self->fd, self->space, GPA, PAGE, 0);
	test_err_map(EPERM, self->fd, self->space, self->mem, GPA + BIG, PAGE);
}

TEST_F(mirror, refused, "what is refused, and changes nothing")
{
	int lone = alloc_mirror(self->fd), kernel = test_alloc(self->fd);
	int fd = self->fd, id = self->space, status;
	struct state before = {};
	uint64_t bytes;

	test_map(fd, lone, self->mem, GPA, PAGE);
	remember(&before);
	test_err_prefetch(ENODEV, fd, lone, GPA, PAGE, 0);
	test_err_prefetch(EOPNOTSUPP, fd, kernel, GPA, PAGE, 0);
	test_err_prefetch(ENOENT, fd, 4000, GPA, PAGE, 0);
	test_err_prefetch(ENOENT, fd, id, GPA - PAGE, PAGE, 0);
	test_err_prefetch(ENOENT, fd, id, GPA - PAGE, 2 * PAGE, 0);
	test_err_prefetch(ENOENT, fd, id, slot_at(PAGES - 1), 2 * PAGE, 0);
	test_err_prefetch(EINVAL, fd, id, GPA, 0, 0);
	test_err_prefetch(EINVAL, fd, id, GPA + 1, PAGE, 0);
	test_err_prefetch(EINVAL, fd, id, GPA, PAGE - 1, 0);
	test_err_prefetch(EINVAL, fd, id, UINT64_MAX - PAGE + 1, 2 * PAGE, 0);
	test_err_prefetch(EINVAL, fd, id, GPA, PAGE,
			  IOASID_PREFETCH_WRITE | IOASID_PREFETCH_DROP);
	test_err_prefetch(EOPNOTSUPP, fd, id, GPA, PAGE, 1 << 2);
	test_err_alloc_kind(EOPNOTSUPP, fd, IOASID_KIND_MIRROR, kernel, 0, 0);
	test_err_alloc_kind(EOPNOTSUPP, fd, IOASID_KIND_KERNEL, id, 0, 0);
	test_err_create_nesting(EOPNOTSUPP, fd, id);
	EXPECT_TRUE(unchanged(&before, ""));
	test_err_map(EEXIST, fd, id, self->mem, GPA, PAGE);
	test_err_map(EINVAL, fd, id, 1ULL << 63, GPA + BIG, PAGE);
	test_err_map_flags(EOPNOTSUPP, fd, kernel, self->mem, GPA, PAGE,
			   RW | IOASID_MAP_NO_REQUESTS);
	test_err_map_flags(EINVAL, fd, id, self->mem, GPA + BIG, PAGE, IOASID_MAP_NO_REQUESTS);
	test_err_unmap(EINVAL, fd, id, GPA, PAGE);
	/* As far as it goes. */
	ASSERT_TRUE(!munmap(self->mem + 3 * PAGE, PAGE));
	ASSERT_ERRNO(EFAULT, do_prefetch(fd, id, GPA, PAGES * PAGE, 0, &bytes));
	EXPECT_EQ(3 * PAGE, bytes);
	if (!fork()) {
		child_may_not(self);
		_exit(0);
	}
	ASSERT_TRUE(wait(&status) > 0);
}

TEST_F(mirror, demand, "what a device asks for comes, and is the process's")
{
	EXPECT_TRUE(device_sees_zeroes(self, GPA));
	fill(self->mem, PAGE, 1);
	EXPECT_TRUE(device_sees(self, GPA, 1));
	EXPECT_EQ(0, device_puts(self, GPA, 2));
	EXPECT_TRUE(cpu_sees(self->mem, 2));
	/* Nobody touched this one before. */
	EXPECT_EQ(0, device_puts(self, slot_at(9), 3));
	EXPECT_TRUE(cpu_sees(self->mem + 9 * PAGE, 3));
	EXPECT_TRUE(device_sees(self, slot_at(9), 3));
	/* Across several pages, beginning in the middle of one. */
	fill(self->mem + 20 * PAGE, 10 * PAGE, 4);
	ASSERT_EQ(0, asks_read(self->dev, slot_at(20) + 100, 9 * PAGE));
	EXPECT_EQ(0, memcmp(self->sram, self->mem + 20 * PAGE + 100, 9 * PAGE));
	/* Outside of slots nothing comes. */
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA - PAGE, PAGE));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, slot_at(PAGES), PAGE));
	/* A slot that goes takes its pages along. */
	test_unmap(self->fd, self->space, GPA, PAGES * PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA, PAGE));
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
}

TEST_F(mirror, permissions, "a slot's permissions hold, and those of the process")
{
	uint8_t *mem = fresh(4 * PAGE);

	test_map_flags(self->fd, self->space, mem, GPA + BIG, 4 * PAGE, IOASID_MAP_READ);
	fill(mem, PAGE, 1);
	EXPECT_TRUE(device_sees(self, GPA + BIG, 1));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, device_puts(self, GPA + BIG, 2));
	EXPECT_TRUE(cpu_sees(mem, 1));

	fill(self->mem, PAGE, 3);
	EXPECT_EQ(0, device_puts(self, GPA, 4));
	ASSERT_TRUE(!mprotect(self->mem, PAGE, PROT_READ));
	EXPECT_TRUE(device_sees(self, GPA, 4));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, device_puts(self, GPA, 5));
	EXPECT_TRUE(cpu_sees(self->mem, 4));
	ASSERT_TRUE(!mprotect(self->mem, PAGE, PROT_NONE));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA, PAGE));
	ASSERT_TRUE(!mprotect(self->mem, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, device_puts(self, GPA, 6));
	EXPECT_TRUE(cpu_sees(self->mem, 6));
}

TEST_F(mirror, no_requests, "in a slot without requests only what was fetched is there")
{
	uint8_t *mem = fresh(4 * PAGE);

	test_map_flags(self->fd, self->space, mem, GPA + BIG, 4 * PAGE,
		       RW | IOASID_MAP_NO_REQUESTS);
	fill(mem, 4 * PAGE, 1);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA + BIG, PAGE));
	test_prefetch(self->fd, self->space, GPA + BIG, PAGE, 0);
	EXPECT_TRUE(device_sees(self, GPA + BIG, 1));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, device_puts(self, GPA + BIG, 2));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA + BIG + PAGE, PAGE));
}

TEST_F(mirror, ballooning, "what the process gives back is gone for devices as well")
{
	EXPECT_EQ(0, device_puts(self, GPA, 1));
	ASSERT_TRUE(!madvise(self->mem, PAGE, MADV_DONTNEED));
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
	EXPECT_TRUE(device_sees_zeroes(self, GPA));
	EXPECT_EQ(0, device_puts(self, GPA, 2));
	EXPECT_TRUE(cpu_sees(self->mem, 2));
}

TEST_F(mirror, moving, "mremap, munmap and mmap: an address is what it is now")
{
	uint8_t *other = fresh(PAGES * PAGE);

	EXPECT_EQ(0, device_puts(self, GPA, 1));
	ASSERT_TRUE(mremap(self->mem, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other) == other);
	EXPECT_TRUE(cpu_sees(other, 1));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA, PAGE));
	fresh_at(self->mem, PAGE);
	EXPECT_TRUE(device_sees_zeroes(self, GPA));
	fill(self->mem, PAGE, 2);
	EXPECT_TRUE(device_sees(self, GPA, 2));
	EXPECT_TRUE(cpu_sees(other, 1));
	/* The other way: what moves into a slot. */
	ASSERT_TRUE(mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, self->mem) ==
		    self->mem);
	EXPECT_TRUE(device_sees(self, GPA, 1));
	ASSERT_TRUE(!munmap(self->mem, PAGES * PAGE));
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA, PAGE));
	fresh_at(self->mem, PAGES * PAGE);
	EXPECT_EQ(0, device_puts(self, slot_at(3), 7));
	EXPECT_TRUE(cpu_sees(self->mem + 3 * PAGE, 7));
}

TEST_F(mirror, forked, "fork: devices stay with the parent")
{
	int go[2], back[2];
	char byte = 0;

	ASSERT_TRUE(!pipe(go) && !pipe(back));
	EXPECT_EQ(0, device_puts(self, GPA, 1));
	EXPECT_EQ(0, device_puts(self, slot_at(1), 1));
	if (!fork()) {
		ASSERT_EQ(1, read(go[0], &byte, 1));
		EXPECT_TRUE(cpu_sees(self->mem, 1));
		EXPECT_TRUE(cpu_sees(self->mem + PAGE, 1));
		fill(self->mem, PAGE, 9);
		ASSERT_EQ(1, write(back[1], &byte, 1));
		pause();
	}
	/* Both write, after the fork: the child has the pages that were there. */
	fill(self->mem, PAGE, 2);
	EXPECT_TRUE(device_sees(self, GPA, 2));
	EXPECT_EQ(0, device_puts(self, slot_at(1), 3));
	EXPECT_TRUE(cpu_sees(self->mem + PAGE, 3));
	ASSERT_EQ(1, write(go[1], &byte, 1));
	ASSERT_EQ(1, read(back[0], &byte, 1));
	EXPECT_TRUE(device_sees(self, GPA, 2));
	EXPECT_EQ(0, device_puts(self, GPA, 4));
	EXPECT_TRUE(cpu_sees(self->mem, 4));
}

/* A process makes a space with a slot, and ends; the device is somebody else's. */
static void owner(struct fixture_mirror *self, int say, int hear, bool exec)
{
	int id = alloc_mirror(self->fd);
	char byte;

	test_map(self->fd, id, self->mem, GPA, PAGES * PAGE);
	fill(self->mem, PAGE, 8);
	ASSERT_EQ(sizeof(id), write(say, &id, sizeof(id)));
	ASSERT_EQ(1, read(hear, &byte, 1));
	if (exec)
		execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(0);
}

/*
 * Until all pages are gone. Who has answered the last fault holds the address space until
 * after the answer, which may be longer than its process lives.
 */
static bool pages_go(int fd, int id)
{
	for (int try = 0; try < 2000 && present_bytes(fd, id); try++)
		usleep(10000);
	return !present_bytes(fd, id);
}

static void owner_ends(struct fixture_mirror *self, bool exec)
{
	int tell[2], go[2], id, status;
	pid_t pid;

	ASSERT_TRUE(!pipe2(tell, O_CLOEXEC) && !pipe2(go, O_CLOEXEC));
	pid = fork();
	if (!pid)
		owner(self, tell[1], go[0], exec);
	close(tell[1]);
	ASSERT_EQ(sizeof(id), read(tell[0], &id, sizeof(id)));
	test_detach(self->dev, self->space);
	test_attach(self->dev, id);
	EXPECT_TRUE(device_sees(self, GPA, 8));
	test_err_prefetch(EPERM, self->fd, id, GPA, PAGE, 0);
	ASSERT_EQ(1, write(go[1], "", 1));
	if (exec)	/* the pipe is closed when exec has succeeded */
		ASSERT_EQ(0, read(tell[0], &status, 1));
	else
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(pages_go(self->fd, id));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA, PAGE));
	EXPECT_EQ(0, present_bytes(self->fd, id));
	if (exec)
		kill(pid, SIGKILL);
	test_detach(self->dev, id);
	test_free(self->fd, id);
	test_attach(self->dev, self->space);
	EXPECT_TRUE(device_sees_zeroes(self, GPA));
}

TEST_F(mirror, exits, "a process that is gone has no pages")
{
	owner_ends(self, false);
}

TEST_F(mirror, execs, "exec: the address space is a new one, which nobody gave away")
{
	owner_ends(self, true);
}

static uint8_t *big_memory(int flags)
{
	uint8_t *mem = mmap(NULL, 4 * BIG, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	return (uint8_t *)(((uintptr_t)mem + BIG - 1) & -BIG);
}

TEST_F(mirror, thp, "transparent huge pages come and go as a whole", .timeout = 60)
{
	uint8_t *mem = big_memory(0);
	uint64_t iova = GPA + 8 * BIG;

	if (madvise(mem, 2 * BIG, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	memset(mem, 1, 2 * BIG);
	test_map(self->fd, self->space, mem, iova, 2 * BIG);
	fill(mem + 5 * PAGE, PAGE, 3);
	EXPECT_TRUE(device_sees(self, iova + 5 * PAGE, 3));
	if (present_bytes(self->fd, self->space) != BIG)
		SKIP("there was no huge page");
	EXPECT_EQ(0, device_puts(self, iova + 7 * PAGE, 4));
	EXPECT_EQ(BIG, present_bytes(self->fd, self->space));
	EXPECT_TRUE(cpu_sees(mem + 7 * PAGE, 4));
	/* A hole in it: one page is new, the others are as they were. */
	ASSERT_TRUE(!madvise(mem + 7 * PAGE, PAGE, MADV_DONTNEED));
	EXPECT_TRUE(device_sees_zeroes(self, iova + 7 * PAGE));
	EXPECT_TRUE(device_sees(self, iova + 5 * PAGE, 3));
	EXPECT_LE(present_bytes(self->fd, self->space), 16 * PAGE);
	/* At an IOVA that does not fit the large page. */
	test_map(self->fd, self->space, mem + BIG, GPA + 32 * BIG + PAGE, BIG);
	fill(mem + BIG, PAGE, 6);
	EXPECT_TRUE(device_sees(self, GPA + 32 * BIG + PAGE, 6));
	test_prefetch(self->fd, self->space, iova, 2 * BIG, IOASID_PREFETCH_WRITE);
	EXPECT_EQ(0, device_puts(self, iova + 100 * PAGE, 7));
	EXPECT_TRUE(cpu_sees(mem + 100 * PAGE, 7));
}

TEST_F(mirror, hugetlb, "pages of hugetlbfs", .timeout = 60)
{
	uint8_t *mem;

	if (system("grep -qw hmm_range_fault /proc/kallsyms"))
		SKIP("a kernel without HMM: single pages only");
	if (write_text("/proc/sys/vm/nr_hugepages", "8"))
		SKIP("no hugetlbfs");
	mem = mmap(NULL, 2 * BIG, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (mem == MAP_FAILED)
		SKIP("no huge pages: %s", strerror(errno));
	test_map(self->fd, self->space, mem, GPA + 8 * BIG, 2 * BIG);
	EXPECT_EQ(0, device_puts(self, GPA + 8 * BIG + 3 * PAGE, 1));
	EXPECT_TRUE(cpu_sees(mem + 3 * PAGE, 1));
	EXPECT_EQ(BIG, present_bytes(self->fd, self->space));
	ASSERT_TRUE(!madvise(mem, BIG, MADV_DONTNEED));
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
	EXPECT_TRUE(device_sees_zeroes(self, GPA + 8 * BIG + 3 * PAGE));
	ASSERT_TRUE(!munmap(mem, 2 * BIG));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA + 8 * BIG, PAGE));
	EXPECT_EQ(0, write_text("/proc/sys/vm/nr_hugepages", "0"));
}

TEST_F(mirror, files, "shared memory by two names, and holes punched into it")
{
	int fd = memfd_create("mirror", MFD_CLOEXEC);
	uint8_t *a, *b;

	ASSERT_TRUE(fd >= 0 && !ftruncate(fd, 16 * PAGE));
	a = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(a != MAP_FAILED && b != MAP_FAILED);
	test_map(self->fd, self->space, a, GPA + BIG, 16 * PAGE);
	test_map(self->fd, self->space, a, GPA + 2 * BIG, 16 * PAGE);
	test_map(self->fd, self->space, b, GPA + 3 * BIG, 16 * PAGE);
	EXPECT_EQ(0, device_puts(self, GPA + BIG, 1));
	EXPECT_TRUE(device_sees(self, GPA + 2 * BIG, 1));
	EXPECT_TRUE(device_sees(self, GPA + 3 * BIG, 1));
	EXPECT_TRUE(cpu_sees(b, 1));
	EXPECT_EQ(3 * PAGE, present_bytes(self->fd, self->space));
	ASSERT_TRUE(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
	for (int i = 1; i <= 3; i++)
		EXPECT_TRUE(device_sees_zeroes(self, GPA + i * BIG));
	EXPECT_EQ(0, device_puts(self, GPA + 3 * BIG, 2));
	EXPECT_TRUE(device_sees(self, GPA + BIG, 2));
	/* Behind its end there is nothing. */
	ASSERT_TRUE(!ftruncate(fd, 0));
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA + BIG, PAGE));
	close(fd);
}

TEST_F(mirror, secret, "memory that not even the kernel sees")
{
	int fd = syscall(SYS_memfd_secret, 0);
	uint8_t *mem;

	if (fd < 0)
		SKIP("no secret memory: %s", strerror(errno));
	ASSERT_TRUE(!ftruncate(fd, PAGE));
	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(mem != MAP_FAILED);
	mem[0] = 1;
	test_map(self->fd, self->space, mem, GPA + BIG, PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, asks_read(self->dev, GPA + BIG, PAGE));
	test_err_prefetch(EFAULT, self->fd, self->space, GPA + BIG, PAGE, 0);
	close(fd);
}

TEST_F(mirror, ksm, "pages that the kernel merges, and parts again", .timeout = 60)
{
	char text[32] = "0";

	if (write_text("/sys/kernel/mm/ksm/run", "1"))
		SKIP("no KSM");
	write_text("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	write_text("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_NOHUGEPAGE));
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, device_puts(self, slot_at(i), 1));
	ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_MERGEABLE));
	for (int try = 0; try < 1000 && atoi(text) < 1; try++) {
		usleep(10000);
		ASSERT_TRUE(read_text("/sys/kernel/mm/ksm/pages_sharing", text, sizeof(text)) > 0);
	}
	EXPECT_LT(0, atoi(text));
	EXPECT_TRUE(device_sees(self, GPA, 1));
	EXPECT_TRUE(device_sees(self, slot_at(1), 1));
	EXPECT_EQ(0, device_puts(self, slot_at(1), 2));
	EXPECT_TRUE(device_sees(self, GPA, 1));
	EXPECT_TRUE(cpu_sees(self->mem, 1));
	EXPECT_TRUE(cpu_sees(self->mem + PAGE, 2));
	write_text("/sys/kernel/mm/ksm/run", "2");
}

/* Swap in compressed memory. */
static bool swap_on(void)
{
	static const char magic[] = "SWAPSPACE2";
	uint8_t head[4096] = {};
	uint32_t version = 1, last = 16 * MIB / PAGE - 1;
	int fd;

	if (system("modprobe -q zram num_devices=1") ||
	    write_text("/sys/block/zram0/disksize", "16777216"))
		return false;
	memcpy(head + 1024, &version, 4);
	memcpy(head + 1028, &last, 4);
	memcpy(head + PAGE - 10, magic, 10);
	fd = open("/dev/zram0", O_RDWR | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, head, PAGE, 0) != PAGE)
		return false;
	close(fd);
	return !swapon("/dev/zram0", 0);
}

static void swap_off(void)
{
	EXPECT_EQ(0, swapoff("/dev/zram0"));
	EXPECT_EQ(0, write_text("/sys/block/zram0/reset", "1"));
	EXPECT_EQ(0, system("modprobe -qr zram"));
}

TEST_F(mirror, swap, "what a device wrote survives on swap, more than once", .timeout = 60)
{
	uint64_t out = vmstat("pswpout");

	if (!swap_on())
		SKIP("no swap");
	ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_NOHUGEPAGE));
	for (int i = 0; i < PAGES; i++)
		EXPECT_EQ(0, device_puts(self, slot_at(i), i));
	for (int round = 0; round < 3; round++) {
		ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_PAGEOUT));
		EXPECT_GT(PAGES / 2 * PAGE, present_bytes(self->fd, self->space));
		/* Comes back as a copy of swap; then only the device changes it. */
		for (int i = 0; i < PAGES; i++) {
			EXPECT_TRUE(device_sees(self, slot_at(i), i + round));
			EXPECT_EQ(0, device_puts(self, slot_at(i), i + round + 1));
		}
	}
	ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_PAGEOUT));
	for (int i = 0; i < PAGES; i++)
		EXPECT_TRUE(cpu_sees(self->mem + i * PAGE, i + 3));
	EXPECT_LT(out + PAGES, vmstat("pswpout"));
	swap_off();
}

/* The process's table has such a page writable and clean, and learns of no device. */
TEST_F(mirror, given_back, "what a device wrote survives where the process had given memory back")
{
	ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_NOHUGEPAGE));
	fill(self->mem, PAGES * PAGE, 1);
	ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_FREE));
	for (int i = 0; i < PAGES; i += 2)
		EXPECT_EQ(0, device_puts(self, slot_at(i), i + 5));
	ASSERT_TRUE(!madvise(self->mem, PAGES * PAGE, MADV_PAGEOUT));
	for (int i = 0; i < PAGES; i += 2)
		EXPECT_TRUE(cpu_sees(self->mem + i * PAGE, i + 5));
	/* The others went: something was paged out at all. */
	EXPECT_EQ(0, self->mem[PAGE]);
}

TEST_F(mirror, two, "two IOMMUs follow one process; who comes later begins with nothing")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = MIRROR_CAPS, .pasid_bits = 8,
				 .pgsize_bitmap = PAGE);
	int dev = sim_open(id, 0);

	EXPECT_EQ(0, device_puts(self, GPA, 1));
	test_bind(dev, self->fd, SIM_COOKIE + 1);
	test_attach(dev, self->space);
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(dev, GPA, PAGE, 0));
	EXPECT_EQ(0, asks_read(dev, GPA, PAGE));
	EXPECT_EQ(0, sim_read(self->dev, GPA, PAGE, 0));
	EXPECT_TRUE(cpu_sees(self->sram, 1));
	ASSERT_TRUE(!madvise(self->mem, PAGE, MADV_DONTNEED));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(dev, GPA, PAGE, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(self->dev, GPA, PAGE, 0));
	EXPECT_EQ(0, asks_write(dev, GPA, PAGE));
	EXPECT_TRUE(cpu_sees(self->mem, 1));	/* what it had read */
	test_detach(dev, self->space);
	EXPECT_TRUE(device_sees(self, GPA, 1));
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
	close(dev);
}

TEST_F(mirror, no_memory, "when there is no memory for a table at once, there is some later")
{
	fill(self->mem, PAGES * PAGE, 1);
	for (int nth = 1; nth <= 4; nth++) {
		uint64_t bytes;

		ASSERT_EQ(0, do_sim_inject(self->ctl, self->id, 0, nth));
		EXPECT_EQ(0, asks_read(self->dev, GPA, PAGES * PAGE));
		EXPECT_EQ(PAGES * PAGE, mismatch(self->sram, PAGES * PAGE, 1));
		ASSERT_EQ(0, do_prefetch(self->fd, self->space, GPA, PAGES * PAGE,
					 IOASID_PREFETCH_DROP, &bytes));
		ASSERT_EQ(0, do_sim_inject(self->ctl, self->id, 0, nth));
		test_prefetch(self->fd, self->space, GPA, PAGES * PAGE, IOASID_PREFETCH_WRITE);
		ASSERT_EQ(0, do_prefetch(self->fd, self->space, GPA, PAGES * PAGE,
					 IOASID_PREFETCH_DROP, &bytes));
		ASSERT_EQ(PAGES * PAGE, bytes);
	}
}

TEST_F(mirror, seen, "slots and pages, as GET_MAPPINGS and WALK tell")
{
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_get_mappings list;
	struct ioasid_mapping_info info[4];
	struct ioasid_walk_iova walk;

	test_map_flags(self->fd, self->space, self->mem, GPA + BIG, PAGE,
		       IOASID_MAP_READ | IOASID_MAP_NO_REQUESTS);
	test_mappings(self->fd, 0, self->space, 0, info, 4, &list);
	ASSERT_EQ(2, list.nr);
	EXPECT_EQ(GPA, info[0].iova);
	EXPECT_EQ(PAGES * PAGE, info[0].size);
	EXPECT_EQ((uintptr_t)self->mem, info[0].target);
	EXPECT_EQ(IOASID_MAPPING_ONDEMAND | IOASID_MAPPING_VADDR, info[0].flags);
	EXPECT_EQ(IOASID_MAPPING_ONDEMAND | IOASID_MAPPING_VADDR | IOASID_MAPPING_NO_REQUESTS,
		  info[1].flags);
	EXPECT_EQ(IOASID_MAP_READ, info[1].prot);
	test_walk(self->fd, 0, self->space, GPA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
	EXPECT_EQ(0, asks_read(self->dev, GPA, PAGE));
	test_walk(self->fd, 0, self->space, GPA, steps, &walk);
	EXPECT_EQ(IOASID_WALK_OK, walk.reason);
	EXPECT_EQ(IOASID_MAP_READ, walk.perm);
	ASSERT_EQ(2, walk.nr);
	EXPECT_EQ(IOASID_STEP_MEMORY, steps[1].kind);
	EXPECT_NE(0, steps[1].output);
	EXPECT_EQ(0, asks_write(self->dev, GPA, PAGE));
	test_walk(self->fd, 0, self->space, GPA, steps, &walk);
	EXPECT_EQ(RW, walk.perm);
}

/*
 * Pages that go while they are looked at
 */
static void *fetch(void *data)
{
	struct fixture_mirror *self = data;
	uint64_t bytes;

	while (!__atomic_load_n(&self->stop, __ATOMIC_RELAXED)) {
		do_prefetch(self->fd, self->space, GPA + 8 * BIG, BIG, IOASID_PREFETCH_DROP,
			    &bytes);
		do_prefetch(self->fd, self->space, GPA + 8 * BIG, BIG, 0, &bytes);
	}
	return NULL;
}

TEST_F(mirror, late, "what was seen and is gone before it is installed is not installed",
       .timeout = 60)
{
	uint8_t *mem = big_memory(0);
	time_t start = time(NULL);
	unsigned int there = 0;
	pthread_t thread;

	ASSERT_TRUE(!madvise(mem, BIG, MADV_NOHUGEPAGE));
	memset(mem, 1, BIG);
	test_map(self->fd, self->space, mem, GPA + 8 * BIG, BIG);
	ASSERT_TRUE(!pthread_create(&thread, NULL, fetch, self));
	/* As long as it takes to have found something. */
	for (unsigned int i = 0; time(NULL) < start + (there ? 4 : 40);
	     i = (i + 7) % (BIG / PAGE)) {
		mem[i * PAGE] = 0xaa;
		ASSERT_TRUE(!madvise(mem + i * PAGE, PAGE, MADV_DONTNEED));
		/* Not there yet, or what is there now. */
		for (int look = 0; look < 3; look++) {
			if (sim_read(self->dev, GPA + 8 * BIG + i * PAGE, 8, 0))
				continue;
			there++;
			ASSERT_EQ(0, self->sram[0]);
		}
	}
	__atomic_store_n(&self->stop, true, __ATOMIC_RELAXED);
	ASSERT_TRUE(!pthread_join(thread, NULL));
	diag("found %u times", there);
	EXPECT_LT(0, there);
}

/*
 * Pages that user space keeps back
 */
static int keep_back(void *mem, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)mem, size }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		SKIP("no userfaultfd: %s", strerror(errno));
	ASSERT_TRUE(!ioctl(fd, UFFDIO_API, &api));
	ASSERT_TRUE(!ioctl(fd, UFFDIO_REGISTER, &reg));
	return fd;
}

/* Somebody waits for a page. */
static void await_fault(int uffd)
{
	struct pollfd fds = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	ASSERT_EQ(1, poll(&fds, 1, 10000));
	ASSERT_EQ(sizeof(msg), read(uffd, &msg, sizeof(msg)));
}

struct asking {
	pthread_t thread;
	int dev;
	uint64_t iova;
	uint32_t status;
};

static void *ask(void *data)
{
	struct asking *a = data;

	a->status = asks_read(a->dev, a->iova, PAGE);
	return NULL;
}

static void start_asking(struct asking *a)
{
	ASSERT_TRUE(!pthread_create(&a->thread, NULL, ask, a));
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

TEST_F(mirror, stuck, "a page that user space keeps back holds nobody else up", .timeout = 60)
{
	struct asking a = { .dev = self->dev, .iova = slot_at(1) };
	int uffd = keep_back(self->mem + PAGE, PAGE), dev = sim_open(self->id, 1);
	struct uffdio_zeropage zero = { .range = { (uintptr_t)self->mem + PAGE, PAGE } };
	time_t start;

	/* In the end it comes. */
	start_asking(&a);
	await_fault(uffd);
	ASSERT_TRUE(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
	ASSERT_TRUE(!pthread_join(a.thread, NULL));
	EXPECT_EQ(0, a.status);

	ASSERT_TRUE(!madvise(self->mem + PAGE, PAGE, MADV_DONTNEED));
	start_asking(&a);
	await_fault(uffd);
	test_bind(dev, self->fd, SIM_COOKIE + 1);
	test_attach(dev, self->space);
	EXPECT_EQ(0, asks_write(dev, slot_at(2), PAGE));
	ASSERT_TRUE(!madvise(self->mem + 2 * PAGE, PAGE, MADV_DONTNEED));
	EXPECT_EQ(0, asks_read(dev, slot_at(2), PAGE));
	start = seconds();
	test_unmap(self->fd, self->space, GPA, PAGES * PAGE);
	test_detach(dev, self->space);
	test_detach(self->dev, self->space);
	ASSERT_TRUE(!pthread_join(a.thread, NULL));
	EXPECT_NE(0, a.status);
	test_free(self->fd, self->space);
	EXPECT_GT(5, seconds() - start);
	/* The slot, the space and the devices are gone when the page comes. */
	self->space = alloc_mirror(self->fd);
	test_attach(self->dev, self->space);
	test_map(self->fd, self->space, self->mem, GPA, PAGES * PAGE);
	ASSERT_TRUE(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
	EXPECT_EQ(0, asks_read(self->dev, slot_at(1), PAGE));
	close(dev);
	close(uffd);
}

/* Waits for a page that nobody will give it, with a device or by a call. */
static void wait_in_vain(struct fixture_mirror *self, int say, bool call)
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = MIRROR_CAPS, .pasid_bits = 8);
	struct asking a = { .dev = sim_open(id, 0), .iova = GPA };
	uint8_t *mem = fresh(PAGE);
	int uffd = keep_back(mem, PAGE), fd = test_open(), space = alloc_mirror(fd);
	uint64_t bytes;

	test_bind(a.dev, fd, SIM_COOKIE);
	test_attach(a.dev, space);
	test_map(fd, space, mem, GPA, PAGE);
	ASSERT_EQ(sizeof(uffd), write(say, &uffd, sizeof(uffd)));
	if (call)
		do_prefetch(fd, space, GPA, PAGE, 0, &bytes);
	else
		ask(&a);
	pause();
}

static void killed(struct fixture_mirror *self, bool call, bool ours)
{
	int tell[2], pidfd, there, uffd, status;
	time_t start;
	pid_t pid;

	ASSERT_TRUE(!pipe(tell));
	pid = fork();
	if (!pid)
		wait_in_vain(self, tell[1], call);
	ASSERT_EQ(sizeof(there), read(tell[0], &there, sizeof(there)));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	uffd = syscall(SYS_pidfd_getfd, pidfd, there, 0);
	ASSERT_LE(0, uffd);
	await_fault(uffd);
	/* If it is not ours, closing it ends the wait with the process. */
	if (!ours)
		close(uffd);
	start = seconds();
	ASSERT_TRUE(!kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_GT(5, seconds() - start);
	if (ours)
		close(uffd);
	close(pidfd);
	close(tell[0]);
	close(tell[1]);
}

TEST_F(mirror, kills, "a process is killed that waits for a page", .timeout = 60)
{
	for (int i = 0; i < 4; i++)
		killed(self, i & 1, i & 2);
}

HARNESS_MAIN
