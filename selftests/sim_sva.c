// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA of the software IOMMU to a process's own addresses (SVA): a device sees what
 * the CPU sees. Pages that are not there are asked for, and the kernel brings them.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sim_fixture.h"
#include "testiommu_util.h"

#define SVA_CAPS	(IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_PASID)
#define PASID		IOASID_SIM_REQ_PASID
#define PRI		(PASID | IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI)

#define OWN_PASID	77

struct sva {
	struct api api;
	uint32_t pasid;
	bool by_hand;
	pthread_t pager;
};

/* What the kernel's own handler does. */
static void *pager_thread(void *data)
{
	struct api *api = data;
	struct testiommu_fault fault;

	while (!ioctl(api->fd, TESTIOMMU_FAULT, &fault)) {
		int how = fault.perm & TESTIOMMU_PERM_WRITE ? MADV_POPULATE_WRITE :
							      MADV_POPULATE_READ;
		int rc = 0;

		for (uint32_t i = 0; i < fault.nr && !rc; i++)
			rc = madvise((void *)(uintptr_t)fault.addr[i], PAGE, how);
		ti_respond(api, &fault, rc ? RESP_INVALID : RESP_SUCCESS);
	}
	return NULL;
}

/* Faults are answered by whoever calls this, if not by the kernel. */
static void sva_serve(struct sva *s)
{
	if (s->by_hand)
		ASSERT_TRUE(!pthread_create(&s->pager, NULL, pager_thread, &s->api));
}

/*
 * Kernels may refuse it to every driver on this architecture, because of what it
 * means for the kernel's own mappings. Then the driver is asked without them.
 */
static void sva_bind(struct sva *s)
{
	int pasid = ti_call(&s->api, TESTIOMMU_SVA_BIND), domain;

	if (pasid >= 0) {
		ASSERT_LT(0, pasid);
		s->pasid = pasid;
		return;
	}
	ASSERT_EQ(EOPNOTSUPP, errno);
	s->by_hand = true;
	s->pasid = OWN_PASID;
	ti_asking(&s->api);
	domain = ti_alloc(&s->api, TESTIOMMU_SVA | TESTIOMMU_FAULTABLE, 0);
	ti_ok(&s->api, TESTIOMMU_ATTACH, .domain = domain, .pasid = s->pasid);
}

static void sva_start(struct fixture_sim *self, struct sva *s)
{
	*s = (struct sva) { .api = api(self, .caps = SVA_CAPS, .pasid_bits = 20) };
	sva_bind(s);
	sva_serve(s);
}

static void sva_end(struct sva *s)
{
	if (s->by_hand) {
		ti_ok(&s->api, TESTIOMMU_MODE, .value = TESTIOMMU_END);
		pthread_join(s->pager, NULL);
		ti_ok(&s->api, TESTIOMMU_DETACH, .pasid = s->pasid);
	} else {
		ti_ok(&s->api, TESTIOMMU_SVA_UNBIND);
	}
	EXPECT_EQ(IOASID_SIM_FAULT_PASID,
		  sim_read(s->api.dev, 0, 8, 0, .flags = PRI, .pasid = s->pasid));
	api_end(&s->api);
}

#define sva_read(s, addr, _len, ...)						\
	sim_read((s)->api.dev, (uintptr_t)(addr), _len, 0, .pasid = (s)->pasid, __VA_ARGS__)
#define sva_fill(s, addr, _len, byte, ...)					\
	sim_do((s)->api.dev, .op = IOASID_SIM_OP_FILL, .iova = (uintptr_t)(addr), .len = _len, \
	       .arg = byte, .pasid = (s)->pasid, __VA_ARGS__)

static bool all(const uint8_t *mem, size_t size, uint8_t byte)
{
	while (size && *mem == byte) {
		mem++;
		size--;
	}
	return !size;
}

static uint8_t *fresh(size_t pages)
{
	uint8_t *mem = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	return mem;
}

TEST_F(sim, without, "devices without PASIDs get no process")
{
	struct api api = api(self, .caps = 0);

	EXPECT_EQ(-1, ti_call(&api, TESTIOMMU_SVA_BIND));
	api_end(&api);
}

TEST_F(sim, reads_and_writes, "a device uses the addresses of the program")
{
	struct sva s;
	struct ioasid_sim_stats stats;
	uint8_t *mem = fresh(4);

	sva_start(self, &s);
	EXPECT_EQ(IOASID_SIM_OK, sva_read(&s, self->mem + 5, 3 * PAGE, .flags = PASID));
	EXPECT_EQ(0, memcmp(s.api.sram, self->mem + 5, 3 * PAGE));
	EXPECT_EQ(IOASID_SIM_OK, sva_fill(&s, self->mem + 7, PAGE, 0xa5, .flags = PASID));
	EXPECT_TRUE(all(self->mem + 7, PAGE, 0xa5));
	EXPECT_EQ(7, mismatch(self->mem, 7, 1));
	/* What nobody has touched is not there, unless one may ask for it. */
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sva_read(&s, mem, 8, .flags = PASID));
	EXPECT_EQ(IOASID_SIM_OK, sva_fill(&s, mem, 3 * PAGE + 1, 0x5a, .flags = PRI));
	EXPECT_TRUE(all(mem, 3 * PAGE + 1, 0x5a));
	EXPECT_TRUE(all(mem + 3 * PAGE + 1, PAGE - 1, 0));
	stats = sim_stats(self->ctl, s.api.id);
	EXPECT_EQ(1, stats.page_success);
	EXPECT_EQ(4, stats.page_requests);
	/* Zeroes that are everybody's become the program's own by a write. */
	mem = fresh(1);
	EXPECT_EQ(IOASID_SIM_OK, sva_read(&s, mem, PAGE, .flags = PRI));
	EXPECT_TRUE(all(s.api.sram, PAGE, 0));
	EXPECT_EQ(IOASID_SIM_OK, sva_fill(&s, mem, 1, 9, .flags = PRI));
	EXPECT_EQ(9, mem[0]);
	EXPECT_TRUE(all(fresh(1), PAGE, 0));
	sva_end(&s);
}

TEST_F(sim, forbidden, "what the program may not do, its device may not either")
{
	struct sva s;
	uint8_t *mem = fresh(2);
	int secret = syscall(SYS_memfd_secret, 0);

	sva_start(self, &s);
	memset(mem, 1, 2 * PAGE);
	ASSERT_TRUE(!mprotect(mem, PAGE, PROT_READ));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sva_fill(&s, mem, 1, 2, .flags = PRI));
	EXPECT_EQ(IOASID_SIM_OK, sva_fill(&s, mem + PAGE, 1, 2, .flags = PRI));
	EXPECT_EQ(IOASID_SIM_OK, sva_read(&s, mem, PAGE, .flags = PRI));
	EXPECT_TRUE(all(s.api.sram, PAGE, 1));
	ASSERT_TRUE(!mprotect(mem, PAGE, PROT_NONE));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sva_read(&s, mem, PAGE, .flags = PRI));
	ASSERT_TRUE(!munmap(mem, 2 * PAGE));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sva_read(&s, mem + PAGE, 1, .flags = PRI));
	/* The kernel's half, whoever asks */
	EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS, sva_read(&s, -2 * PAGE, 8, .flags = PRI));
	EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS, sva_read(&s, 0xffff888000001000ULL, 8,
						     .flags = PRI | IOASID_SIM_REQ_PRIV));
	if (secret >= 0) {
		ASSERT_TRUE(!ftruncate(secret, PAGE));
		mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, secret, 0);
		ASSERT_TRUE(mem != MAP_FAILED);
		mem[0] = 1;
		EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS, sva_read(&s, mem, 8, .flags = PRI));
	}
	sva_end(&s);
}

TEST_F(sim, shared, "files and large pages, by way of the CPU's table")
{
	struct sva s;
	int file = memfd_create("sva", MFD_CLOEXEC);
	uint8_t *huge = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *mine, *theirs;

	sva_start(self, &s);
	ASSERT_TRUE(!ftruncate(file, 4 * PAGE));
	mine = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ASSERT_TRUE(mine != MAP_FAILED && huge != MAP_FAILED);
	EXPECT_EQ(IOASID_SIM_OK, sva_fill(&s, mine + PAGE, 2 * PAGE, 3, .flags = PRI));
	theirs = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ASSERT_TRUE(theirs != MAP_FAILED);
	EXPECT_TRUE(all(theirs, PAGE, 0));
	EXPECT_TRUE(all(theirs + PAGE, 2 * PAGE, 3));
	madvise(huge, 4 * MIB, MADV_HUGEPAGE);
	fill(huge, 4 * MIB, 5);
	for (size_t at = PAGE / 2; at < 4 * MIB; at += 200 * PAGE) {
		EXPECT_EQ(IOASID_SIM_OK, sva_read(&s, huge + at, PAGE, .flags = PRI));
		EXPECT_EQ(0, memcmp(s.api.sram, huge + at, PAGE));
	}
	/* Moved, they are at the other place only. */
	theirs = mremap(mine, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, fresh(4));
	ASSERT_TRUE(theirs != MAP_FAILED);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sva_read(&s, mine, 8, .flags = PRI));
	EXPECT_EQ(IOASID_SIM_OK, sva_read(&s, theirs + PAGE, PAGE, .flags = PRI));
	EXPECT_TRUE(all(s.api.sram, PAGE, 3));
	sva_end(&s);
}

/* A device that adds to words of pages, all the time. */
static void busy(struct sva *s, uint8_t *mem, int pages)
{
	struct ioasid_sim_request reqs[16];

	for (int i = 0; i < pages; i++)
		reqs[i] = (struct ioasid_sim_request) {
			.op = IOASID_SIM_OP_ADD, .iova = (uintptr_t)mem + i * PAGE, .len = 8,
			.arg = 1, .flags = i % 2 ? PRI : PASID, .pasid = s->pasid,
		};
	ASSERT_TRUE(!do_sim_start(s->api.dev, 2, reqs, pages, 3));
}

/* Nobody writes to memory from now on. */
static void expect_still(uint8_t *mem, size_t size)
{
	uint8_t *copy = malloc(size);

	memcpy(copy, mem, size);
	for (int i = 0; i < 20; i++)
		sched_yield();
	EXPECT_EQ(0, memcmp(copy, mem, size));
	free(copy);
}

TEST_F(sim, forks, "a child has what was there at the fork, its parent's device goes on",
       .timeout = 90)
{
	struct sva s;
	struct ioasid_sim_load_result result;
	uint64_t sum = 0;
	int status;

	sva_start(self, &s);
	memset(self->mem, 0, 16 * PAGE);
	busy(&s, self->mem, 16);
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (!pid) {
			expect_still(self->mem, 16 * PAGE);
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	ASSERT_TRUE(!do_sim_stop(s.api.dev, &result));
	for (int i = 0; i < 16; i++)
		sum += *(uint64_t *)(self->mem + i * PAGE);
	EXPECT_EQ(result.status[IOASID_SIM_OK], sum);
	EXPECT_LT(0, sum);
	sva_end(&s);
}

TEST_F(sim, changes, "no write comes after mprotect, none after munmap", .timeout = 90)
{
	struct sva s;
	struct ioasid_sim_load_result result;

	sva_start(self, &s);
	for (int i = 0; i < 40; i++) {
		uint8_t *mem = fresh(8), *other;

		memset(mem, 0, 8 * PAGE);
		busy(&s, mem, 8);
		for (int n = 0; n < 5; n++) {
			usleep(100);
			ASSERT_TRUE(!mprotect(mem, 8 * PAGE, PROT_READ));
			expect_still(mem, 8 * PAGE);
			ASSERT_TRUE(!mprotect(mem, 8 * PAGE, PROT_READ | PROT_WRITE));
		}
		ASSERT_TRUE(!munmap(mem, 8 * PAGE));
		/* Some of the memory may be what was given back just now. */
		other = mmap(mem + 64 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_TRUE(other != MAP_FAILED);
		if (other >= mem + 8 * PAGE || other + 8 * PAGE <= mem) {
			fill(other, 8 * PAGE, i);
			expect_still(other, 8 * PAGE);
			EXPECT_EQ(8 * PAGE, mismatch(other, 8 * PAGE, i));
		}
		ASSERT_TRUE(!do_sim_stop(s.api.dev, &result));
		munmap(other, 8 * PAGE);
	}
	sva_end(&s);
}

TEST_F(sim, owner_gone, "a process that has ended is nobody's memory")
{
	struct sva s = { .api = api(self, .caps = SVA_CAPS, .pasid_bits = 20) };
	int pipes[2], status;
	pid_t pid;

	ASSERT_TRUE(!pipe(pipes));
	pid = fork();
	if (!pid) {
		self->mem[0] = 0;	/* the child's own, thus writable */
		sva_bind(&s);
		ASSERT_EQ(IOASID_SIM_OK, sva_fill(&s, self->mem, 1, 1, .flags = PASID));
		ASSERT_EQ(1, *self->mem);
		ASSERT_EQ(sizeof(s), write(pipes[1], &s, sizeof(s)));
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(sizeof(s), read(pipes[0], &s, sizeof(s)));
	sva_serve(&s);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sva_read(&s, self->mem, 8, .flags = PASID));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sva_read(&s, self->mem, 8, .flags = PRI));
	/* Nothing of it was ours. */
	EXPECT_EQ(SIM_PAGES * PAGE, mismatch(self->mem, SIM_PAGES * PAGE, 1));
	sva_end(&s);
}

HARNESS_MAIN
