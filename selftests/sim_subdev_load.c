// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sub-devices that are busy: PASIDs, parts, processes and IOMMUs go away while DMA is
 * under way. A number that was one part's on the wire is another's the next moment.
 */
#include "subdev_fixture.h"

#define V0	5		/* PASIDs of the parts, as their users call them */
#define V1	9
#define MARK	0xee		/* what the busy part writes */

/* A part fills its spaces, without end: the default one, and that of a PASID. */
static void make_busy(int dev, uint32_t pasid)
{
	struct ioasid_sim_request reqs[2];

	for (int i = 0; i < 2; i++)
		reqs[i] = (struct ioasid_sim_request){
			.op = IOASID_SIM_OP_FILL, .len = PAGES * PAGE, .arg = MARK,
			.flags = i ? IOASID_SIM_REQ_PASID | ATS : 0, .pasid = i ? pasid : 0,
		};
	ASSERT_EQ(0, do_sim_start(dev, 2, reqs, 2, 0));
}

static bool marked(const uint8_t *mem)
{
	for (size_t i = 0; i < PAGES * PAGE; i++)
		if (mem[i] == MARK)
			return true;
	return false;
}

/* So many requests more have been carried out; the test's time ends the wait. */
static void wait_for_requests(struct fixture_sub *self, uint64_t nr)
{
	uint64_t target = sim_stats(self->ctl, self->sim).requests + nr;

	while (sim_stats(self->ctl, self->sim).requests < target)
		usleep(1000);
}

static void wait_for_mark(const uint8_t *mem)
{
	while (!marked(mem))
		usleep(1000);
}

TEST_F(sub, detach, "a busy PASID is detached and is another part's: no byte goes astray",
       .timeout = 120)
{
	uint8_t *mine = self->mem[0], *others = self->mem[1];
	struct ioasid_sim_load_result result;
	uint32_t p, again = 0;

	make_busy(self->dev[0], V0);
	memset(others, 0, PAGES * PAGE);
	for (int i = 0; i < 25; i++) {
		p = attached(self, 0, do_attach_pasid(self->dev[0], self->space[0], V0));
		memset(mine, 0, PAGES * PAGE);
		wait_for_mark(mine);
		ASSERT_EQ(0, do_detach_pasid(self->dev[0], self->space[0], V0));
		memset(mine, 0, PAGES * PAGE);
		again += p == attached(self, 0,
				       do_attach_pasid(self->dev[1], self->space[1], V1));
		EXPECT_EQ(IOASID_SIM_OK, sim_read(self->dev[1], 0, PAGE, 0, by_pasid(V1)));
		wait_for_requests(self, 20);
		EXPECT_FALSE(marked(mine));
		EXPECT_FALSE(marked(others));
		ASSERT_EQ(0, do_detach_pasid(self->dev[1], self->space[1], V1));
	}
	ASSERT_EQ(0, do_sim_stop(self->dev[0], &result));
	/* Or else the test would show less than it should. */
	EXPECT_EQ(25, again);
	EXPECT_LT(0, result.status[IOASID_SIM_OK]);
	EXPECT_LT(0, result.status[IOASID_SIM_FAULT_PASID]);
	EXPECT_LT(0, result.status[IOASID_SIM_BLOCKED]);
	EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
}

TEST_F(sub, move, "a child comes and goes over a busy part's default space", .timeout = 120)
{
	int child = test_create_nesting(self->fd, self->space[0]);
	struct ioasid_sim_load_result result;

	/* The child shows the second half of the parent, at 0. */
	ASSERT_EQ(0, do_map(self->fd, child, PAGES / 2 * PAGE, 0, PAGES / 2 * PAGE, RW));
	test_attach(self->dev[0], self->space[0]);
	make_busy(self->dev[0], V0);
	for (int i = 0; i < 25; i++) {
		wait_for_mark(self->mem[0]);
		test_attach(self->dev[0], child);
		/* The first half is the parent's only. */
		memset(self->mem[0], 0, PAGES * PAGE);
		wait_for_requests(self, 20);
		EXPECT_EQ(0, self->mem[0][0]);
		EXPECT_EQ(MARK, self->mem[0][PAGES / 2 * PAGE]);
		test_detach(self->dev[0], child);
		memset(self->mem[0], 0, PAGES * PAGE);
	}
	ASSERT_EQ(0, do_sim_stop(self->dev[0], &result));
	EXPECT_LT(0, result.status[IOASID_SIM_OK]);
	EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
}

/* What the IOMMU's PASID cache would do if a detach did not empty it. */
TEST_F(sub, lost, "a PASID that is given to another part before it is forgotten leads to the first")
{
	test_attach(self->dev[0], self->space[0]);	/* keeps the domain */
	ASSERT_EQ(0, do_attach_pasid(self->dev[0], self->space[0], V0));
	EXPECT_EQ(0, reads(self, 0, by_pasid(V0)));
	ASSERT_EQ(0, do_detach_pasid(self->dev[0], self->space[0], V0));
	ASSERT_EQ(0, do_attach_pasid(self->dev[1], self->space[1], V1));
	EXPECT_EQ(1, reads(self, 1, by_pasid(V1)));
	ASSERT_EQ(0, do_detach_pasid(self->dev[1], self->space[1], V1));

	ASSERT_EQ(0, do_attach_pasid(self->dev[0], self->space[0], V0));
	EXPECT_EQ(0, reads(self, 0, by_pasid(V0)));
	ASSERT_EQ(0, do_sim_inject(self->ctl, self->sim, IOASID_SIM_INJECT_LOSE_PASID, 0));
	ASSERT_EQ(0, do_detach_pasid(self->dev[0], self->space[0], V0));
	ASSERT_EQ(0, do_attach_pasid(self->dev[1], self->space[1], V1));
	EXPECT_EQ(0, reads(self, 1, by_pasid(V1)));
	ASSERT_EQ(0, do_sim_inject(self->ctl, self->sim, 0, 0));
}

/* Both parts busy, with all the attachments that they can have. */
static void make_all_busy(struct fixture_sub *self)
{
	for (int i = 0; i < SUBS; i++) {
		test_attach(self->dev[i], self->space[i]);
		ASSERT_EQ(0, do_attach_pasid(self->dev[i], self->space[!i], V0 + i));
		make_busy(self->dev[i], V0 + i);
	}
	EXPECT_EQ(4, wire_of(self, 0).nr);
	for (int i = 0; i < SUBS; i++)
		wait_for_mark(self->mem[i]);
}

TEST_F(sub, leave, "unbind and close of a busy part leave nothing, and the other part alone")
{
	int whole = sim_open(self->sim, 0);
	struct ioasid_sim_load_result result;

	make_all_busy(self);
	test_unbind(self->dev[0]);
	EXPECT_EQ(2, wire_of(self, 0).nr);
	EXPECT_ERRNO(EINVAL, do_sim_stop(self->dev[0], &result));
	EXPECT_EQ(1, fdinfo_get(self->fd, "ioasid-devices"));
	REFUSED(EBUSY, do_bind(whole, self->fd, 7));
	for (int i = 0; i < SUBS; i++) {
		memset(self->mem[i], 0, PAGES * PAGE);
		wait_for_mark(self->mem[i]);
	}
	munmap(self->sram[1], IOASID_SIM_SRAM);	/* it holds the file */
	close(self->dev[1]);
	EXPECT_EQ(0, wire_of(self, 0).nr);
	EXPECT_EQ(0, fdinfo_get(self->fd, "ioasid-devices"));
	for (int i = 0; i < SUBS; i++) {
		memset(self->mem[i], 0, PAGES * PAGE);
		test_free(self->fd, self->space[i]);
		EXPECT_FALSE(marked(self->mem[i]));
	}
	test_bind(whole, self->fd, 7);
	EXPECT_EQ(0, sim_stats(self->ctl, self->sim).stale);
}

/* Killed as it is: nobody tidies up but the kernel. */
static void busy_process(int ready, uint32_t flags)
{
	struct fixture_sub f = { }, *self = &f;

	start(self, 8, flags | IOASID_SIM_PERSIST);
	make_all_busy(self);
	if (write(ready, &self->sim, sizeof(self->sim)) != sizeof(self->sim))
		_exit(1);
	for (;;)
		pause();
}

static void kill_busy(uint32_t flags)
{
	struct fixture_sub f = { .ctl = open_ctl() }, *self = &f;
	int64_t pins = machine_pins();
	int ready[2], status;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		busy_process(ready[1], flags);
	close(ready[1]);
	ASSERT_EQ(sizeof(self->sim), read(ready[0], &self->sim, sizeof(self->sim)));
	EXPECT_EQ(4, wire_of(self, 0).nr);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(machine_pins_become(pins));
	EXPECT_EQ(0, wire_of(self, 0).nr);
	EXPECT_EQ(0, sim_stats(self->ctl, self->sim).stale);
	/* All numbers can be had again. */
	self->fd = test_open();
	self->space[0] = test_alloc(self->fd);
	self->dev[0] = bound(self, self->sim, 0, 0, 1);
	for (uint32_t v = 1; v < 256; v++)
		ASSERT_EQ(0, do_attach_pasid(self->dev[0], self->space[0], v));
	EXPECT_ERRNO(ENOSPC, do_attach(self->dev[0], self->space[0]));
	close(self->dev[0]);
	ASSERT_EQ(0, do_sim_destroy(self->ctl, self->sim));
}

TEST(killed, "the process of busy parts is killed: nothing is left", .timeout = 120)
{
	kill_busy(0);
}

TEST(killed_global, "the same with numbers of the global pool", .timeout = 120)
{
	kill_busy(IOASID_SIM_GLOBAL_PASIDS);
}

TEST_F(sub, destroyed, "the IOMMU vanishes under busy parts", .timeout = 120)
{
	make_all_busy(self);
	ASSERT_EQ(0, do_sim_destroy(self->ctl, self->sim));
	for (int i = 0; i < SUBS; i++) {
		memset(self->mem[i], 0, PAGES * PAGE);
		EXPECT_ERRNO(ENODEV, do_bind(self->dev[i], self->fd, 7));
		EXPECT_ERRNO(ENODEV, do_attach(self->dev[i], self->space[i]));
		EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-domains", self->space[i]));
		test_free(self->fd, self->space[i]);
		EXPECT_FALSE(marked(self->mem[i]));
		close(self->dev[i]);
	}
	EXPECT_EQ(0, fdinfo_get(self->fd, "ioasid-devices"));
	/* For the fixture's teardown. */
	start(self, 8, 0);
}

HARNESS_MAIN
