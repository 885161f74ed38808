// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kind SVA: devices use the addresses of a process. By the process's own page table where
 * the kernel has that, by a domain that follows it elsewhere: nobody can tell the
 * difference but by fdinfo.
 */
#include <pthread.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <libioasid.h>

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "mirror_util.h"
#include "unchanged.h"

#define PAGES	64UL
#define MINE	7U		/* a PASID of the user's choice */

/* How a device is attached. */
enum way { BY_KERNEL, BY_USER, BY_DEFAULT, NR_WAYS };

FIXTURE(sva) {
	int ctl, fd, dev, space;
	uint32_t id, pasid;
	enum way way;
	uint8_t *sram;
	uint8_t *mem;			/* PAGES; nothing is there yet */
	int64_t pins;
	struct state before;
};

static uint8_t *fresh(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	return mem;
}

static int alloc_sva(int fd)
{
	int id = do_alloc_kind(fd, IOASID_KIND_SVA, IOASID_NONE, 0, 0);

	ASSERT_LT(0, id);
	return id;
}

static void attach(struct fixture_sva *self, enum way way)
{
	self->way = way;
	if (way == BY_KERNEL)
		ASSERT_TRUE(!do_attach_any(self->dev, self->space, &self->pasid));
	else if (way == BY_USER)
		ASSERT_TRUE(!do_attach_pasid(self->dev, self->space, self->pasid = MINE));
	else
		test_attach(self->dev, self->space);
}

static void detach(struct fixture_sva *self)
{
	if (self->way == BY_DEFAULT)
		test_detach(self->dev, self->space);
	else
		ASSERT_TRUE(!do_detach_pasid(self->dev, self->space, self->pasid));
}

FIXTURE_SETUP(sva)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	self->pins = machine_pins();
	self->id = sim_create(self->ctl, .nr_devices = 2, .caps = MIRROR_CAPS, .pasid_bits = 20);
	self->fd = test_open();
	self->space = alloc_sva(self->fd);
	self->dev = sim_open(self->id, 0);
	test_bind(self->dev, self->fd, SIM_COOKIE);
	self->sram = sim_sram(self->dev);
	self->mem = fresh(PAGES * PAGE);
}

FIXTURE_TEARDOWN(sva)
{
	EXPECT_EQ(0, sim_stats(self->ctl, self->id).stale);
	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(0, pinned_pages());
	EXPECT_TRUE(machine_pins_become(self->pins));
	close(self->dev);
	close(self->fd);
	close(self->ctl);
}

static uint32_t dma(struct fixture_sva *self, uint32_t op, const void *at)
{
	struct ioasid_sim_request req = {
		.op = op, .flags = ASK, .iova = (uintptr_t)at, .len = PAGE,
	};

	if (self->way != BY_DEFAULT) {
		req.flags |= IOASID_SIM_REQ_PASID;
		req.pasid = self->pasid;
	}
	return sim_request(self->dev, &req);
}

static uint32_t puts_page(struct fixture_sva *self, const void *at, unsigned int seed)
{
	fill(self->sram, PAGE, seed);
	return dma(self, IOASID_SIM_OP_WRITE, at);
}

static bool sees(struct fixture_sva *self, const void *at, unsigned int seed)
{
	uint32_t status;

	memset(self->sram, 0x5a, PAGE);
	status = dma(self, IOASID_SIM_OP_READ, at);
	if (status)
		diag("status %u", status);
	return !status && mismatch(self->sram, PAGE, seed) == PAGE;
}

static bool sees_zeroes(struct fixture_sva *self, const void *at)
{
	static const uint8_t zeroes[PAGE];

	memset(self->sram, 0x5a, PAGE);
	return !dma(self, IOASID_SIM_OP_READ, at) && !memcmp(self->sram, zeroes, PAGE);
}

static bool cpu_sees(const void *mem, unsigned int seed)
{
	return mismatch(mem, PAGE, seed) == PAGE;
}

static bool engine_is(struct fixture_sva *self, const char *engine)
{
	char line[64];
	char *text = fdinfo_text(self->fd);
	bool is;

	snprintf(line, sizeof(line), "ioasid-engine-%u:\t%s\n", self->space, engine);
	is = strstr(text, line);
	if (!is)
		diag("%s", strstr(text, "ioasid-engine") ?: "no engine");
	free(text);
	return is;
}

static bool kernel_has_sva(void)
{
	struct utsname name;

	return !uname(&name) && atoi(name.release) >= 7;
}

/* All that a process does with its memory. */
static void check_memory(struct fixture_sva *self)
{
	uint8_t *mem = self->mem, *other;
	int status;

	EXPECT_TRUE(sees_zeroes(self, mem));
	fill(mem, PAGE, 1);
	EXPECT_TRUE(sees(self, mem, 1));
	EXPECT_EQ(0, puts_page(self, mem, 2));
	EXPECT_TRUE(cpu_sees(mem, 2));
	EXPECT_EQ(0, puts_page(self, mem + 5 * PAGE, 3));
	EXPECT_TRUE(cpu_sees(mem + 5 * PAGE, 3));

	ASSERT_TRUE(!madvise(mem, PAGE, MADV_DONTNEED));
	EXPECT_TRUE(sees_zeroes(self, mem));
	EXPECT_EQ(0, puts_page(self, mem, 4));
	ASSERT_TRUE(!mprotect(mem, PAGE, PROT_READ));
	EXPECT_NE(0, puts_page(self, mem, 5));
	EXPECT_TRUE(sees(self, mem, 4));
	ASSERT_TRUE(!mprotect(mem, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, puts_page(self, mem, 5));

	if (!fork()) {
		sleep(1);
		_exit(!cpu_sees(mem, 5));
	}
	fill(mem, PAGE, 6);
	EXPECT_TRUE(sees(self, mem, 6));
	EXPECT_EQ(0, puts_page(self, mem, 7));
	EXPECT_TRUE(cpu_sees(mem, 7));
	ASSERT_TRUE(wait(&status) > 0);
	EXPECT_EQ(0, status);

	other = fresh(PAGE);
	ASSERT_TRUE(mremap(mem, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other) == other);
	EXPECT_TRUE(sees(self, other, 7));
	EXPECT_NE(0, dma(self, IOASID_SIM_OP_READ, mem));
	ASSERT_TRUE(!munmap(other, PAGE));
	EXPECT_NE(0, dma(self, IOASID_SIM_OP_READ, other));
	/* What the process itself must not see. */
	EXPECT_NE(0, dma(self, IOASID_SIM_OP_READ, (void *)PAGE));
	EXPECT_NE(0, dma(self, IOASID_SIM_OP_READ, (void *)0xffffffff81000000UL));
}

TEST_F(sva, kernel_pasid, "a PASID of the kernel's choice, with the best that the kernel has")
{
	uint32_t again = 0;

	attach(self, BY_KERNEL);
	EXPECT_LT(0, self->pasid);
	EXPECT_TRUE(engine_is(self, kernel_has_sva() ? "cpu" : "mirror"));
	check_memory(self);
	if (kernel_has_sva())
		EXPECT_ERRNO(EBUSY, do_attach_any(self->dev, self->space, &again));
	detach(self);
	EXPECT_TRUE(engine_is(self, "none"));
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, dma(self, IOASID_SIM_OP_READ, self->mem + 5 * PAGE));
	test_free(self->fd, self->space);
}

TEST_F(sva, user_pasid, "a PASID of the user's choice")
{
	attach(self, BY_USER);
	EXPECT_TRUE(engine_is(self, "mirror"));
	check_memory(self);
	detach(self);
	EXPECT_EQ(0, present_bytes(self->fd, self->space));
}

TEST_F(sva, by_default, "DMA without PASID")
{
	attach(self, BY_DEFAULT);
	EXPECT_TRUE(engine_is(self, "mirror"));
	check_memory(self);
}

TEST_F(sva, both, "two devices of one process, by both engines")
{
	struct fixture_sva second = *self;
	uint64_t bytes;

	attach(self, BY_KERNEL);
	second.dev = sim_open(self->id, 1);
	test_bind(second.dev, self->fd, SIM_COOKIE + 1);
	second.sram = sim_sram(second.dev);
	attach(&second, BY_USER);
	EXPECT_TRUE(engine_is(self, kernel_has_sva() ? "cpu mirror" : "mirror"));
	EXPECT_EQ(0, puts_page(self, self->mem, 1));
	EXPECT_TRUE(sees(&second, self->mem, 1));
	EXPECT_EQ(0, puts_page(&second, self->mem, 2));
	EXPECT_TRUE(sees(self, self->mem, 2));
	EXPECT_EQ(0, ioasid_prefetch(self->fd, self->space, (uintptr_t)self->mem, PAGES * PAGE, 0,
				     &bytes));
	EXPECT_EQ(PAGES * PAGE, bytes);
	EXPECT_EQ(-ENOENT, ioasid_prefetch(self->fd, 4000, 0, PAGE, 0, &bytes));
	EXPECT_EQ(0, bytes);
	ASSERT_TRUE(!madvise(self->mem, PAGE, MADV_DONTNEED));
	EXPECT_TRUE(sees_zeroes(&second, self->mem));
	EXPECT_TRUE(sees_zeroes(self, self->mem));
	close(second.dev);
	EXPECT_EQ(0, puts_page(self, self->mem, 3));
	EXPECT_TRUE(cpu_sees(self->mem, 3));
}

TEST_F(sva, refused, "what is refused, and changes nothing")
{
	struct vfio_attach_ioasid arg = { .argsz = sizeof(arg), .ioasid = self->space };
	int fd = self->fd;

	REFUSED(EINVAL, do_alloc_kind(fd, IOASID_KIND_SVA, IOASID_NONE, 0, 48));
	REFUSED(EOPNOTSUPP, do_alloc_kind(fd, IOASID_KIND_SVA, self->space, 0, 0));
	REFUSED(EOPNOTSUPP, do_create_nesting(fd, self->space));
	arg.flags = IOASID_ATTACH_USER_PASID | IOASID_ATTACH_KERNEL_PASID;
	REFUSED(EINVAL, ioctl(self->dev, VFIO_ATTACH_IOASID, &arg));
	arg.flags = IOASID_ATTACH_KERNEL_PASID;
	arg.user_pasid = 1;
	REFUSED(EINVAL, ioctl(self->dev, VFIO_ATTACH_IOASID, &arg));
	arg.user_pasid = 0;
	arg.ioasid = 4000;
	REFUSED(ENOENT, ioctl(self->dev, VFIO_ATTACH_IOASID, &arg));
	test_err_map(EOPNOTSUPP, fd, self->space, self->mem, (uintptr_t)self->mem, PAGE);
	test_err_unmap(EOPNOTSUPP, fd, self->space, (uintptr_t)self->mem, PAGE);
	test_err_prefetch(ENODEV, fd, self->space, (uintptr_t)self->mem, PAGE, 0);
	test_err_prefetch(EINVAL, fd, self->space, 1ULL << 60, PAGE, 0);
	/* The answer cannot be told. */
	arg.ioasid = self->space;
	EXPECT_TRUE(engine_is(self, "none"));
}

/* A process that ends with its space attached; the device is the parent's. */
static void owner_ends(struct fixture_sva *self, enum way way)
{
	int tell[2], status;
	pid_t pid;

	ASSERT_TRUE(!pipe2(tell, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		self->space = alloc_sva(self->fd);
		attach(self, way);
		fill(self->mem, PAGE, 8);
		EXPECT_TRUE(sees(self, self->mem, 8));
		ASSERT_EQ(sizeof(*self), write(tell[1], self, sizeof(*self)));
		_exit(0);
	}
	ASSERT_EQ(sizeof(*self), read(tell[0], self, sizeof(*self)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	fill(self->mem, PAGE, 9);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, dma(self, IOASID_SIM_OP_READ, self->mem));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, puts_page(self, self->mem, 1));
	EXPECT_TRUE(cpu_sees(self->mem, 9));
	detach(self);
	test_free(self->fd, self->space);
}

TEST_F(sva, exits, "a process that is gone has no addresses")
{
	owner_ends(self, BY_KERNEL);
	owner_ends(self, BY_USER);
	owner_ends(self, BY_DEFAULT);
}

TEST_F(sva, closes, "everything may be closed at once, in any order")
{
	for (enum way way = 0; way < NR_WAYS; way++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = MIRROR_CAPS,
						 .pasid_bits = 8);
			struct fixture_sva own = *self;

			own.fd = test_open();
			own.dev = sim_open(id, 0);
			own.space = alloc_sva(own.fd);
			test_bind(own.dev, own.fd, SIM_COOKIE);
			own.sram = sim_sram(own.dev);
			attach(&own, way);
			EXPECT_EQ(0, puts_page(&own, own.mem, 1));
			kill(getpid(), SIGKILL);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
}

HARNESS_MAIN
