// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is sharing a process's page table just one giant MAP of the process? What each way to
 * let a device use a buffer of the process costs, one row a way:
 *
 *	set up		until the device may begin: ALLOC, MAP, PREFETCH, attach
 *	pinned		of that, memory the system cannot take back
 *	first, again	the device's first and later accesses to a page that the process has
 *	new		a page that nobody has touched: until the device has written to it
 *	recycled	2 MiB given back (MADV_DONTNEED), touched, accessed by the device again;
 *			for each page
 *	end		detach and FREE
 *
 * Times are of CLOCK_MONOTONIC. In a machine that runs one instruction a nanosecond they
 * are numbers of instructions, those of the simulated device included, and repeat:
 *
 *	selftests/lab/run -k 7.3 --icount -- env IOASID_COST_MIB=64 build/selftests/sva_cost
 *
 * IOASID_COST_MIB is the size of the buffer (16). Nothing about times is tested here, but
 * what is pinned and that the device sees what it should is.
 */
#include <sched.h>
#include <sys/utsname.h>

#include "harness.h"
#include "ioasid_util.h"
#include "state_util.h"
#include "device_util.h"
#include "sim_util.h"
#include "mirror_util.h"

#define SAMPLES		64UL
#define ROUNDS		16UL
#define BIG		(2 * MIB)
#define BIG_PAGES	(BIG / PAGE)

/* What lets the device use the memory. */
enum way { NOTHING, MAPPED, PINNED, MIRROR, PREFETCHED, CPU, NR_WAYS };

static const char *const way_names[NR_WAYS] = {
	"no device", "MAP of the buffer", "SVA_PINNED", "SVA, mirror", "the same, PREFETCH",
	"SVA, CPU's table",
};

FIXTURE(cost) {
	int ctl, fd, dev, space;
	uint32_t id, pasid;
	enum way way;
	size_t size;
	uint8_t *mem;			/* the buffer */
	uint8_t *pool;			/* BIG, to be recycled */
	uint8_t *sram;
	int64_t pins;
};

struct cost {
	uint64_t setup, first, again, fresh, recycled, end;
	uint64_t pinned, charged;	/* bytes */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Aligned to what a PMD maps. */
static uint8_t *area(size_t size, int advice)
{
	uint8_t *mem = mmap(NULL, size + BIG, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before = -(uintptr_t)mem % BIG;

	ASSERT_TRUE(mem != MAP_FAILED);
	if (before)
		ASSERT_TRUE(!munmap(mem, before));
	ASSERT_TRUE(!munmap(mem + before + size, BIG - before));
	ASSERT_TRUE(!madvise(mem + before, size, advice));
	return mem + before;
}

FIXTURE_SETUP(cost)
{
	const char *mib = getenv("IOASID_COST_MIB");

	self->size = (mib ? strtoul(mib, NULL, 0) : 16) * MIB;
	ASSERT_TRUE(self->size >= SAMPLES * PAGE && !(self->size % BIG));
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	self->pins = machine_pins();
	self->id = sim_create(self->ctl, .nr_devices = 1, .caps = MIRROR_CAPS, .pasid_bits = 20,
			      .iotlb_sets = 1024, .iotlb_ways = 8);
	self->fd = test_open();
	self->dev = sim_open(self->id, 0);
	test_bind(self->dev, self->fd, SIM_COOKIE);
	self->sram = sim_sram(self->dev);
}

FIXTURE_TEARDOWN(cost)
{
	EXPECT_EQ(0, sim_stats(self->ctl, self->id).stale);
	EXPECT_EQ(0, locked_pages());
	EXPECT_TRUE(machine_pins_become(self->pins));
	close(self->dev);
	close(self->fd);
	close(self->ctl);
}

static uint32_t device_fills(struct fixture_cost *self, void *at, size_t len, uint8_t byte)
{
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_FILL, .flags = ASK, .iova = (uintptr_t)at, .len = len,
		.arg = byte,
	};

	if (self->way == CPU) {
		req.flags |= IOASID_SIM_REQ_PASID;
		req.pasid = self->pasid;
	}
	return sim_request(self->dev, &req);
}

static int do_map_here(struct fixture_cost *self, void *mem, size_t size)
{
	return do_map(self->fd, self->space, (uintptr_t)mem, (uintptr_t)mem, size, RW);
}

static void map_here(struct fixture_cost *self, void *mem, size_t size)
{
	ASSERT_TRUE(!do_map_here(self, mem, size));
}

static void begin(struct fixture_cost *self)
{
	uint32_t flags = self->way == PINNED ? IOASID_ALLOC_SVA_PINNED : 0;
	uint32_t kind = self->way == MAPPED ? IOASID_KIND_KERNEL : IOASID_KIND_SVA;

	self->space = do_alloc_kind(self->fd, kind, IOASID_NONE, flags, 0);
	ASSERT_LT(0, self->space);
	if (self->way == MAPPED) {
		map_here(self, self->mem, self->size);
		map_here(self, self->pool, BIG);
	}
	if (self->way == CPU)
		ASSERT_TRUE(!do_attach_any(self->dev, self->space, &self->pasid));
	else
		test_attach(self->dev, self->space);
	if (self->way == PREFETCHED)
		test_prefetch(self->fd, self->space, (uintptr_t)self->mem, self->size,
			      IOASID_PREFETCH_WRITE);
}

static void finish(struct fixture_cost *self)
{
	if (self->way == CPU)
		ASSERT_TRUE(!do_detach_pasid(self->dev, self->space, self->pasid));
	else
		test_detach(self->dev, self->space);
	test_free(self->fd, self->space);
}

/* One access to each of SAMPLES pages all over the buffer. */
static void sample(struct fixture_cost *self, uint8_t byte)
{
	for (size_t i = 0; i < SAMPLES; i++)
		ASSERT_EQ(0, device_fills(self, self->mem + i * (self->size / SAMPLES), 64, byte));
}

static void sample_again(struct fixture_cost *self)
{
	for (size_t i = 0; i < ROUNDS; i++)
		sample(self, 2);
}

static void write_new_pages(struct fixture_cost *self, uint8_t *fresh)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		if (self->way == MAPPED || self->way == PINNED)
			map_here(self, fresh + i * PAGE, PAGE);
		ASSERT_EQ(0, device_fills(self, fresh + i * PAGE, 64, 3));
	}
}

static void device_fills_pool(struct fixture_cost *self, uint8_t byte)
{
	for (size_t at = 0; at < BIG; at += IOASID_SIM_SRAM)
		ASSERT_EQ(0, device_fills(self, self->pool + at, IOASID_SIM_SRAM, byte));
}

/* What is pinned is so again some time after the change: not before it is, and the
 * process sees what the device wrote.
 */
static void wait_until_pinned(struct fixture_cost *self)
{
	for (size_t at = 0; at < BIG; at += PAGE)
		while (device_fills(self, self->pool + at, 1, 0))
			sched_yield();
}

static void recycle(struct fixture_cost *self)
{
	if (self->way == MAPPED)
		test_unmap(self->fd, self->space, (uintptr_t)self->pool, BIG);
	ASSERT_TRUE(!madvise(self->pool, BIG, MADV_DONTNEED));
	for (size_t at = 0; at < BIG; at += PAGE)
		self->pool[at] = 1;
	if (self->way == NOTHING)
		return;
	if (self->way == MAPPED)
		map_here(self, self->pool, BIG);
	if (self->way == PINNED)
		wait_until_pinned(self);
	device_fills_pool(self, 5);
}

#define TIMED(what) ({ uint64_t __t = now(); what; now() - __t; })

static void check(struct fixture_cost *self, const struct cost *c)
{
	bool pins = self->way == MAPPED || self->way == PINNED;

	EXPECT_EQ(c->pinned, c->charged);
	if (pins)
		EXPECT_LE(self->size + BIG, c->pinned);
	else
		EXPECT_EQ(0, c->pinned);
	for (size_t i = 0; i < SAMPLES; i++)
		EXPECT_EQ(2, self->mem[i * (self->size / SAMPLES)]);
	for (size_t at = 0; at < BIG; at += PAGE)
		EXPECT_EQ(5, self->pool[at]);
}

static void report(struct fixture_cost *self, const struct cost *c)
{
	char pinned[24] = "";

	if (self->way != NOTHING)
		snprintf(pinned, sizeof(pinned), "%.1f MiB", (double)c->pinned / MIB);
	diag("| %s | %" PRIu64 " | %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
	     " | %" PRIu64 " |", way_names[self->way], c->setup, pinned, c->first / SAMPLES,
	     c->again / SAMPLES / ROUNDS, c->fresh / SAMPLES, c->recycled / BIG_PAGES, c->end);
}

/* The same on hardware as QEMU emulates it, which keeps no records: the ends only. */
static void measure_vtd(struct fixture_cost *self)
{
	struct edu_device edu;
	int sim = self->dev;
	struct cost c = {};

	edu_device_open(&edu, 0);
	if (pci_group_size(edu.name) != 1)
		SKIP("%s shares its IOMMU group", edu.name);
	self->dev = edu.fd;
	test_bind(self->dev, self->fd, SIM_COOKIE + 1);
	c.setup = TIMED(begin(self));
	c.pinned = space_value(self->fd, "pinned", self->space);
	c.end = TIMED(finish(self));
	self->dev = sim;
	edu_device_close(&edu);
	diag("| %s, VT-d | %" PRIu64 " | %.1f MiB | | | | | %" PRIu64 " |",
	     way_names[self->way], c.setup, (double)c.pinned / MIB, c.end);
}

static bool kernel_has_sva(void)
{
	struct utsname name;

	return !uname(&name) && atoi(name.release) >= 7;
}

static void measure(struct fixture_cost *self, enum way way, int advice)
{
	struct cost c = {};
	uint8_t *fresh;

	if (way == CPU && !kernel_has_sva())
		SKIP("this kernel lends no page tables");

	self->way = way;
	self->mem = area(self->size, advice);
	memset(self->mem, 1, self->size);
	self->pool = area(BIG, advice);
	memset(self->pool, 1, BIG);
	fresh = way == PINNED ? NULL : area(BIG, MADV_NOHUGEPAGE);
	if (way == NOTHING) {
		c.recycled = TIMED(recycle(self));
		report(self, &c);
		return;
	}
	if (way == MAPPED || way == PINNED)
		measure_vtd(self);
	c.setup = TIMED(begin(self));
	/* For this way everything that is there is there at once: a new page is a new area. */
	if (!fresh)
		fresh = area(BIG, MADV_NOHUGEPAGE);
	c.pinned = space_value(self->fd, "pinned", self->space);
	c.charged = locked_pages() * PAGE;
	c.first = TIMED(sample(self, 1));
	c.again = TIMED(sample_again(self));
	device_fills_pool(self, 4);
	c.recycled = TIMED(recycle(self));
	check(self, &c);
	c.fresh = TIMED(write_new_pages(self, fresh));
	for (size_t i = 0; i < SAMPLES; i++)
		EXPECT_EQ(3, fresh[i * PAGE]);
	c.end = TIMED(finish(self));
	report(self, &c);
	ASSERT_TRUE(!munmap(self->mem, self->size) && !munmap(self->pool, BIG) &&
		    !munmap(fresh, BIG));
}

static void head(struct fixture_cost *self, const char *pages)
{
	diag("%zu MiB of %s:", self->size / MIB, pages);
	diag("| way | set up | pinned | first | again | new | recycled | end |");
	diag("|---|---|---|---|---|---|---|---|");
}

#define COST(_way, text)								\
	TEST_F(cost, small_##_way, text ", small pages", .timeout = 300)		\
	{									\
		if ((_way) == NOTHING)						\
			head(self, "4 KiB pages");				\
		measure(self, _way, MADV_NOHUGEPAGE);				\
	}									\
	TEST_F(cost, huge_##_way, text ", huge pages", .timeout = 300)		\
	{									\
		if ((_way) == NOTHING)						\
			head(self, "2 MiB pages");				\
		measure(self, _way, MADV_HUGEPAGE);				\
	}

COST(NOTHING, "a process without devices")
COST(MAPPED, "the buffer by MAP_DMA")
COST(PINNED, "the whole process, pinned")
COST(MIRROR, "a domain that follows the process")
COST(PREFETCHED, "the same, all of the buffer brought in before")
COST(CPU, "the process's own page table, where the kernel has that")

HARNESS_MAIN
