// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caches of the software IOMMU, what invalidations are for, and whether they
 * hold while devices are busy.
 */
#include <pthread.h>

#include "sim_fixture.h"

TEST_F(sim, hits, "the IOTLB has what was used before, and nothing after an unmap")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_stats before, moved;

	test_map(self->fd, one.space, self->mem, 0, PAGE);
	test_map(self->fd, one.space, self->mem + PAGE, PAGE, PAGE);
	before = sim_stats(self->ctl, one.id);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 0, 2 * PAGE, 0));
	moved = sim_since(self->ctl, one.id, &before);
	EXPECT_EQ(2, moved.misses);
	EXPECT_EQ(2, moved.walks);
	EXPECT_EQ(8, moved.reads);
	EXPECT_EQ(0, moved.hits);
	EXPECT_EQ(2 * PAGE, moved.bytes);
	EXPECT_EQ(1, moved.requests);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 8, PAGE, 0));
	moved = sim_since(self->ctl, one.id, &before);
	EXPECT_EQ(2, moved.hits);
	EXPECT_EQ(0, moved.reads);
	test_unmap(self->fd, one.space, PAGE, PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(one.dev, PAGE, 8, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 0, 8, 0));
	moved = sim_since(self->ctl, one.id, &before);
	EXPECT_LE(1, moved.invalidations);
	EXPECT_EQ(1, moved.faults);
	EXPECT_EQ(1, moved.hits);
	EXPECT_EQ(0, before.stale);
}

TEST_F(sim, evictions, "a full set lets entries go, the same ones for the same seed")
{
	uint64_t hits[3];

	for (int run = 0; run < 3; run++) {
		struct sim_one one = sim_one(self, .iotlb_sets = 2, .iotlb_ways = 2,
					     .seed = run < 2 ? 11 : 13);
		struct ioasid_sim_stats after;

		for (int i = 0; i < 16; i++)
			test_map(self->fd, one.space, self->mem + i * PAGE, i * PAGE, PAGE);
		for (int i = 0; i < 4; i++)
			EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, i * PAGE, 8, 0));
		after = sim_stats(self->ctl, one.id);
		EXPECT_EQ(0, after.evictions);
		for (int i = 0; i < 64; i++)
			EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, (i * i + i / 3) % 16 * PAGE,
							  8, 0));
		after = sim_stats(self->ctl, one.id);
		EXPECT_LT(0, after.evictions);
		EXPECT_EQ(after.misses, after.evictions + 4);
		hits[run] = after.hits;
		munmap(one.sram, IOASID_SIM_SRAM);
		close(one.dev);
	}
	EXPECT_EQ(hits[0], hits[1]);
	diag("%d and %d hits with other seeds", (int)hits[0], (int)hits[2]);
}

/* Unmaps a page that the device has just used; the status of its next access. */
static uint32_t use_after_unmap(struct fixture_sim *self, struct sim_one *one, uint32_t flags)
{
	test_map(self->fd, one->space, self->mem, 0, PAGE);
	ASSERT_EQ(IOASID_SIM_OK, sim_write(one->dev, 0, 8, 0, .flags = flags));
	test_unmap(self->fd, one->space, 0, PAGE);
	memset(self->mem, 0x33, PAGE);
	return sim_write(one->dev, 0, 8, 0, .flags = flags);
}

TEST_F(sim, lost_iotlb, "a lost invalidation is seen: stale DMA, which harms nobody")
{
	struct sim_one one = sim_one(self);

	memset(one.sram, 0x44, PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, use_after_unmap(self, &one, 0));
	EXPECT_EQ(0, sim_stats(self->ctl, one.id).stale);
	ASSERT_TRUE(!do_sim_inject(self->ctl, one.id, IOASID_SIM_INJECT_LOSE_IOTLB, 0));
	EXPECT_EQ(IOASID_SIM_STALE, use_after_unmap(self, &one, 0));
	EXPECT_EQ(1, sim_stats(self->ctl, one.id).stale);
	EXPECT_EQ(0x33, self->mem[0]);
	/* The old page is mapped elsewhere: there the stale access arrives. */
	test_map(self->fd, one.space, self->mem, 16 * PAGE, PAGE);
	test_map(self->fd, one.space, self->mem + PAGE, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_write(one.dev, 0, 8, 0));
	EXPECT_EQ(0x44, self->mem[0]);
	EXPECT_EQ(0, mismatch(self->mem, PAGE, 1));
	ASSERT_TRUE(!do_sim_inject(self->ctl, one.id, 0, 0));
	test_unmap(self->fd, one.space, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(one.dev, 0, 8, 0));
	EXPECT_EQ(1, sim_stats(self->ctl, one.id).stale);
}

TEST_F(sim, lost_devtlb, "a device's own TLB: used, invalidated, and stale when that is lost")
{
	struct sim_one one = sim_one(self, .caps = IOASID_SIM_CAP_ATS);
	struct ioasid_sim_stats before, moved;
	uint32_t ats = IOASID_SIM_REQ_ATS;

	test_map(self->fd, one.space, self->mem + PAGE, PAGE, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, PAGE, 8, 0, .flags = ats));
	before = sim_stats(self->ctl, one.id);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, PAGE, 8, 0, .flags = ats));
	moved = sim_since(self->ctl, one.id, &before);
	EXPECT_EQ(1, moved.dev_hits);
	EXPECT_EQ(0, moved.hits + moved.misses);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, use_after_unmap(self, &one, ats));
	ASSERT_TRUE(!do_sim_inject(self->ctl, one.id, IOASID_SIM_INJECT_LOSE_DEVTLB, 0));
	EXPECT_EQ(IOASID_SIM_STALE, use_after_unmap(self, &one, ats));
	EXPECT_EQ(0x33, self->mem[0]);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(one.dev, 0, 8, 0));
	/* Detached: what the device remembers must not help it either. */
	test_detach(one.dev, one.space);
	EXPECT_EQ(IOASID_SIM_STALE, sim_read(one.dev, PAGE, 8, 0, .flags = ats));
	ASSERT_TRUE(!do_sim_inject(self->ctl, one.id, 0, 0));
	test_attach(one.dev, one.space);
	test_detach(one.dev, one.space);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(one.dev, PAGE, 8, 0, .flags = ats));
}

TEST_F(sim, fail_nth, "a map that fails half way leaves nothing behind", .timeout = 120)
{
	struct sim_one one = sim_one(self);
	uint64_t locked = locked_pages();
	int64_t pins = machine_pins();
	int nth, failed = 0;

	/* Over the border of tables of all levels. */
	for (nth = 1; nth < 20; nth++) {
		uint64_t iova = (1ULL << 39) - 32 * PAGE;

		ASSERT_TRUE(!do_sim_inject(self->ctl, one.id, 0, nth));
		if (!do_map(self->fd, one.space, (uintptr_t)self->mem, iova, SIM_PAGES * PAGE, RW))
			break;
		EXPECT_EQ(ENOMEM, errno);
		failed++;
		EXPECT_EQ(locked, locked_pages());
		EXPECT_TRUE(machine_pins_become(pins));
		for (int i = 0; i < SIM_PAGES; i += 21)
			EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT,
				  sim_read(one.dev, iova + i * PAGE, 8, 0));
	}
	/* Two halves of a 48-bit table: three levels below the top, twice. */
	EXPECT_EQ(6, failed);
	test_unmap_all(SIM_PAGES * PAGE, self->fd, one.space);
	EXPECT_EQ(0, sim_stats(self->ctl, one.id).stale);
}

/* Load */

struct mapper {
	struct fixture_sim *self;
	int space;
	uint64_t iova;
	uint8_t *mem;
	unsigned int rounds;
};

/* Maps and unmaps; memory that is unmapped must not change. */
static void *map_unmap(void *data)
{
	struct mapper *m = data;

	for (unsigned int i = 0; i < m->rounds; i++) {
		test_map(m->self->fd, m->space, m->mem, m->iova, 4 * PAGE);
		if (i % 3 == 0)
			usleep(500);
		test_unmap(m->self->fd, m->space, m->iova, 4 * PAGE);
		fill(m->mem, 4 * PAGE, i);
		sched_yield();
		ASSERT_EQ(4 * PAGE, mismatch(m->mem, 4 * PAGE, i));
	}
	return NULL;
}

TEST_F(sim, load_races, "busy devices never write to what has been unmapped", .timeout = 180)
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 2, .iotlb_sets = 4,
				 .caps = IOASID_SIM_CAP_ATS);
	struct ioasid_sim_request reqs[32];
	struct ioasid_sim_load_result result;
	struct mapper mappers[3];
	pthread_t threads[3];
	int dev[2], space = test_alloc(self->fd);

	for (int i = 0; i < ARRAY_SIZE(reqs); i++)
		reqs[i] = (struct ioasid_sim_request) {
			.op = i % 2 ? IOASID_SIM_OP_FILL : IOASID_SIM_OP_WRITE,
			.iova = i % 12 * PAGE + i, .len = PAGE,
			.flags = i % 3 ? 0 : IOASID_SIM_REQ_ATS,
		};
	for (int i = 0; i < 2; i++) {
		dev[i] = sim_open(id, i);
		test_bind(dev[i], self->fd, SIM_COOKIE + i);
		test_attach(dev[i], space);
		ASSERT_TRUE(!do_sim_start(dev[i], 2, reqs, ARRAY_SIZE(reqs), i));
		EXPECT_ERRNO(EBUSY, do_sim_start(dev[i], 1, reqs, 1, 0));
	}
	for (int i = 0; i < 3; i++) {
		mappers[i] = (struct mapper) {
			.self = self, .space = space, .iova = i * 4 * PAGE,
			.mem = self->mem + i * 4 * PAGE, .rounds = 120,
		};
		ASSERT_TRUE(!pthread_create(&threads[i], NULL, map_unmap, &mappers[i]));
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(!do_sim_stop(dev[i], &result));
		EXPECT_LT(0, result.status[IOASID_SIM_OK]);
		EXPECT_LT(0, result.status[IOASID_SIM_FAULT_NOT_PRESENT]);
		EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
		EXPECT_EQ(result.done, result.status[IOASID_SIM_OK] +
				       result.status[IOASID_SIM_FAULT_NOT_PRESENT]);
		EXPECT_ERRNO(EINVAL, do_sim_stop(dev[i], &result));
	}
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
}

/*
 * The first IOMMU has the mapping when the second one fails, and a busy device
 * behind it may have used it by then.
 */
TEST_F(sim, undo_races, "what a map that fails half way has shown to a device is forgotten",
       .timeout = 120)
{
	struct ioasid_sim_request req = { .op = IOASID_SIM_OP_READ, .len = 2 * PAGE };
	uint32_t id[2], space = test_alloc(self->fd);
	struct ioasid_sim_load_result result;
	int dev[2];

	for (int i = 0; i < 2; i++) {
		id[i] = sim_create(self->ctl, .nr_devices = 1);
		dev[i] = sim_open(id[i], 0);
		test_bind(dev[i], self->fd, SIM_COOKIE + i);
		test_attach(dev[i], space);
	}
	sim_sram(dev[0]);
	ASSERT_TRUE(!do_sim_start(dev[0], 2, &req, 1, 0));
	for (int i = 0; i < 300; i++) {
		ASSERT_TRUE(!do_sim_inject(self->ctl, id[1], 0, 1));
		test_err_map(ENOMEM, self->fd, space, self->mem, 0, SIM_PAGES * PAGE);
		if (i % 4 == 0)
			sched_yield();
	}
	ASSERT_TRUE(!do_sim_stop(dev[0], &result));
	EXPECT_LT(0, result.status[IOASID_SIM_FAULT_NOT_PRESENT]);
	EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(dev[0], 0, 2 * PAGE, 0));
	EXPECT_EQ(0, sim_stats(self->ctl, id[0]).stale);
}

/* A child with an instance and a busy device, all of it its own. */
static pid_t busy_child(bool persist, int ready)
{
	pid_t pid = fork();

	if (!pid) {
		struct ioasid_sim_request req = {
			.op = IOASID_SIM_OP_FILL, .len = 8 * PAGE, .arg = 0x55,
		};
		int ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC), fd = test_open();
		uint32_t id = sim_create(ctl, .nr_devices = 1,
					 .flags = persist ? IOASID_SIM_PERSIST : 0);
		int dev = sim_open(id, 0), space = test_alloc(fd);

		test_bind(dev, fd, SIM_COOKIE);
		test_attach(dev, space);
		test_map(fd, space, memory(8 * PAGE), 0, 8 * PAGE);
		sim_sram(dev);
		ASSERT_TRUE(!do_sim_start(dev, 4, &req, 1, 0));
		ASSERT_EQ(sizeof(id), write(ready, &id, sizeof(id)));
		pause();
	}
	return pid;
}

TEST_F(sim, killed, "SIGKILL takes an instance, its busy device and all pins along",
       .timeout = 90)
{
	int64_t pins = machine_pins();
	int ready[2], status;
	uint32_t id;
	pid_t pid;

	ASSERT_TRUE(!pipe(ready));
	for (int persist = 0; persist < 2; persist++) {
		pid = busy_child(persist, ready[1]);
		ASSERT_EQ(sizeof(id), read(ready[0], &id, sizeof(id)));
		EXPECT_NE(pins, machine_pins());
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(machine_pins_become(pins));
		if (!persist) {
			EXPECT_ERRNO(ENOENT, do_sim_destroy(self->ctl, id));
			continue;
		}
		/* The device is as new. */
		test_bind(sim_open(id, 0), self->fd, SIM_COOKIE);
		EXPECT_TRUE(!do_sim_destroy(self->ctl, id));
	}
}

TEST_F(sim, destroyed, "an instance is destroyed under its users, who are busy", .timeout = 90)
{
	struct ioasid_sim_request req = { .op = IOASID_SIM_OP_FILL, .len = SIM_PAGES * PAGE };
	int64_t pins = machine_pins();

	for (int i = 0; i < 8; i++) {
		uint32_t id = sim_create(self->ctl, .nr_devices = 2, .group_size = 1 + i % 2);
		int space = test_alloc(self->fd), dev[2];

		for (int d = 0; d < 2; d++) {
			dev[d] = sim_open(id, d);
			test_bind(dev[d], self->fd, SIM_COOKIE + d);
			test_attach(dev[d], space);
		}
		test_map(self->fd, space, self->mem, 0, SIM_PAGES * PAGE);
		for (int d = 0; d < 2; d++)
			ASSERT_TRUE(!do_sim_start(dev[d], 3, &req, 1, 0));
		usleep(i * 3000);
		ASSERT_TRUE(!do_sim_destroy(self->ctl, id));
		fill(self->mem, SIM_PAGES * PAGE, i);
		EXPECT_ERRNO(ENODEV, do_sim_dma(dev[0], &req, 1));
		EXPECT_EQ(SIM_PAGES * PAGE, mismatch(self->mem, SIM_PAGES * PAGE, i));
		test_unmap_all(SIM_PAGES * PAGE, self->fd, space);
		test_free(self->fd, space);
		close(dev[0]);
		close(dev[1]);
	}
	EXPECT_TRUE(machine_pins_become(pins));
}

HARNESS_MAIN
