// SPDX-License-Identifier: GPL-2.0-only
/*
 * Submission rings of the simulator's devices: what they carry out, with real bytes,
 * and what user space cannot do with the memory it shares with the driver.
 */
#include "sim_fixture.h"
#include "ring_util.h"

TEST_F(sim, arguments, "a ring that cannot be is refused, and nothing of it is left")
{
	const struct ioasid_sim_ring good = {
		.argsz = sizeof(good), .sq_entries = 8, .cq_entries = 16, .workers = 2,
	};
	uint32_t id = sim_create(self->ctl, .nr_devices = 1);
	struct ioasid_sim_ring bad = good;
	struct pollfd pfd;
	int dev;

	dev = sim_open(id, 0);
	EXPECT_ERRNO(EINVAL, ioctl(dev, IOASID_SIM_RING, &bad));
	EXPECT_ERRNO(EINVAL, ioctl(dev, IOASID_SIM_DOORBELL));
	test_bind(dev, self->fd, SIM_COOKIE);
#define BAD(_err, _member, _value) do {						\
	bad = good;								\
	bad._member = _value;							\
	EXPECT_ERRNO(_err, ioctl(dev, IOASID_SIM_RING, &bad));			\
} while (0)
	BAD(EINVAL, argsz, sizeof(good) - 1);
	BAD(E2BIG, argsz, 2 * PAGE);
	BAD(EOPNOTSUPP, flags, 2);
	BAD(EINVAL, sq_entries, 0);
	BAD(EINVAL, sq_entries, 3);
	BAD(EINVAL, sq_entries, 2 * IOASID_SIM_RING_MAX_SQ);
	BAD(EINVAL, cq_entries, 0);
	BAD(EINVAL, cq_entries, 12);
	BAD(EINVAL, cq_entries, 2 * IOASID_SIM_RING_MAX_CQ);
	BAD(EINVAL, cq_entries, 1U << 31);
	BAD(EINVAL, workers, 0);
	BAD(EINVAL, workers, IOASID_SIM_RING_MAX_WORKERS + 1);
	BAD(EINVAL, eventfd, 1);
	bad = good;
	bad.flags = IOASID_SIM_RING_EVENTFD;
	bad.eventfd = -1;
	EXPECT_ERRNO(EBADF, ioctl(dev, IOASID_SIM_RING, &bad));
	bad.eventfd = dev;
	EXPECT_ERRNO(EINVAL, ioctl(dev, IOASID_SIM_RING, &bad));
	EXPECT_ERRNO(EFAULT, ioctl(dev, IOASID_SIM_RING, NULL));
	EXPECT_ERRNO(EINVAL, ioctl(dev, IOASID_SIM_DOORBELL));
	EXPECT_EQ(FDINFO_NONE, ring_counter(dev, "workers"));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, 16 * MIB));
	pfd = (struct pollfd){ .fd = dev, .events = POLLIN | POLLOUT };
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLHUP, pfd.revents);
	EXPECT_TRUE(ring_threads_gone(id, 0));
	/* An answer that cannot be given is a refusal as well. */
	bad = good;
	{
		struct ioasid_sim_ring *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
						    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		*page = good;
		ASSERT_TRUE(!mprotect(page, PAGE, PROT_READ));
		EXPECT_ERRNO(EFAULT, ioctl(dev, IOASID_SIM_RING, page));
	}
	EXPECT_TRUE(ring_threads_gone(id, 0));

	ASSERT_TRUE(!ioctl(dev, IOASID_SIM_RING, &bad));
	EXPECT_ERRNO(EBUSY, ioctl(dev, IOASID_SIM_RING, &bad));
	EXPECT_EQ(2, ring_threads(id, 0));
	EXPECT_EQ(2, ring_counter(dev, "workers"));
	/* Whole, in part, but shared and not beyond. */
	EXPECT_NE(MAP_FAILED, mmap(NULL, bad.size, PROT_READ, MAP_SHARED, dev, bad.offset));
	EXPECT_NE(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, bad.offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dev, bad.offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, bad.size + PAGE, PROT_READ, MAP_SHARED, dev,
				   bad.offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev,
				   bad.offset + bad.size));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, 1L << 62));
#undef BAD
}

TEST_F(sim, operations, "every operation moves the bytes it should")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, 8, 8, 2);
	uint64_t *word = (uint64_t *)(self->mem + 5 * PAGE);
	struct ioasid_sim_stats before = sim_stats(self->ctl, one.id), moved;
	struct ioasid_sim_completion comp;

	test_map(self->fd, one.space, self->mem, 0x1000, SIM_PAGES * PAGE);
	/* Over a page boundary, at odd addresses. */
	comp = ring_do(&queue, .op = IOASID_SIM_OP_READ, .iova = 0x1000 + 4090, .len = 4100,
		       .arg = 7);
	EXPECT_EQ(IOASID_SIM_OK, comp.status);
	EXPECT_EQ(4100, comp.bytes);
	EXPECT_LT(0, comp.ns);
	EXPECT_EQ(0, memcmp(one.sram + 7, self->mem + 4090, 4100));
	fill(one.sram, 3 * PAGE, 5);
	comp = ring_do(&queue, .op = IOASID_SIM_OP_WRITE, .iova = 0x1000, .len = 3 * PAGE);
	EXPECT_EQ(IOASID_SIM_OK, comp.status);
	EXPECT_EQ(3 * PAGE, mismatch(self->mem, 3 * PAGE, 5));
	comp = ring_do(&queue, .op = IOASID_SIM_OP_COMPARE, .iova = 0x1000, .len = 3 * PAGE);
	EXPECT_EQ(IOASID_SIM_OK, comp.status);
	EXPECT_EQ(3 * PAGE, comp.result);
	self->mem[2 * PAGE + 17] ^= 1;
	comp = ring_do(&queue, .op = IOASID_SIM_OP_COMPARE, .iova = 0x1000, .len = 3 * PAGE);
	EXPECT_EQ(2 * PAGE + 17, comp.result);
	comp = ring_do(&queue, .op = IOASID_SIM_OP_COPY, .iova = 0x1000 + 3,
		       .arg = 0x1000 + 9 * PAGE - 5, .len = PAGE);
	EXPECT_EQ(IOASID_SIM_OK, comp.status);
	EXPECT_EQ(PAGE, comp.bytes);
	EXPECT_EQ(0, memcmp(self->mem + 3, self->mem + 9 * PAGE - 5, PAGE));
	comp = ring_do(&queue, .op = IOASID_SIM_OP_FILL, .arg = 0x1a5, .iova = 0x1000 + 100,
		       .len = PAGE);
	EXPECT_EQ(IOASID_SIM_OK, comp.status);
	for (size_t i = 0; i < PAGE; i++)
		ASSERT_EQ(0xa5, self->mem[100 + i]);
	EXPECT_NE(0xa5, self->mem[99]);
	EXPECT_NE(0xa5, self->mem[100 + PAGE]);
	*word = 40;
	comp = ring_do(&queue, .op = IOASID_SIM_OP_ADD, .iova = 0x1000 + 5 * PAGE, .len = 8,
		       .arg = 2);
	EXPECT_EQ(40, comp.result);
	comp = ring_do(&queue, .op = IOASID_SIM_OP_CAS, .iova = 0x1000 + 5 * PAGE, .len = 8,
		       .arg = 41, .arg2 = 7);
	EXPECT_EQ(42, comp.result);
	comp = ring_do(&queue, .op = IOASID_SIM_OP_CAS, .iova = 0x1000 + 5 * PAGE, .len = 8,
		       .arg = 42, .arg2 = 7);
	EXPECT_EQ(42, comp.result);
	EXPECT_EQ(7, *word);
	moved = sim_since(self->ctl, one.id, &before);
	EXPECT_EQ(9, moved.requests);
	EXPECT_EQ(9, ring_counter(one.dev, "taken"));
	EXPECT_EQ(9, ring_counter(one.dev, "completed"));
	EXPECT_EQ(0, ring_counter(one.dev, "failed"));
	EXPECT_EQ(0, ring_counter(one.dev, "running"));
}

TEST_F(sim, bad_descriptors, "descriptors that make no sense complete as such")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, 4, 4, 1);

	test_map(self->fd, one.space, self->mem, 0, SIM_PAGES * PAGE);
#define BAD(...) EXPECT_EQ(IOASID_SIM_BAD_REQUEST, ring_do(&queue, __VA_ARGS__).status)
	BAD(.op = 0, .len = 8);
	BAD(.op = 8, .len = 8);
	BAD(.op = IOASID_SIM_OP_READ);
	BAD(.op = IOASID_SIM_OP_FILL, .len = IOASID_SIM_SRAM + 1);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .arg = IOASID_SIM_SRAM - 7);
	BAD(.op = IOASID_SIM_OP_WRITE, .len = 8, .arg = UINT64_MAX);
	BAD(.op = IOASID_SIM_OP_ADD, .len = 8, .iova = 4);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .flags = 1 << 30);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .flags = IOASID_SIM_REQ_PASID);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .pasid = 1);
	BAD(.op = IOASID_SIM_OP_FILL, .len = 8, .__reserved = 1);
	BAD(.op = IOASID_SIM_OP_FILL, .len = 8, .__reserved2 = 1);
#undef BAD
	EXPECT_EQ(SIM_PAGES * PAGE, mismatch(self->mem, SIM_PAGES * PAGE, 1));
	EXPECT_EQ(12, ring_counter(one.dev, "failed"));
}

TEST_F(sim, faults, "faults are completions: status, address, and what came before")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, 4, 4, 1);
	struct ioasid_sim_completion comp;

	test_map_flags(self->fd, one.space, self->mem, 0, 2 * PAGE, IOASID_MAP_READ);
	test_map(self->fd, one.space, self->mem + 4 * PAGE, 4 * PAGE, 2 * PAGE);
	comp = ring_do(&queue, .op = IOASID_SIM_OP_WRITE, .iova = PAGE, .len = 8);
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, comp.status);
	EXPECT_EQ(PAGE, comp.result);
	EXPECT_EQ(0, comp.bytes);
	comp = ring_do(&queue, .op = IOASID_SIM_OP_READ, .iova = 100, .len = 3 * PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, comp.status);
	EXPECT_EQ(2 * PAGE, comp.result);
	EXPECT_EQ(2 * PAGE - 100, comp.bytes);
	EXPECT_EQ(0, memcmp(one.sram, self->mem + 100, 2 * PAGE - 100));
	comp = ring_do(&queue, .op = IOASID_SIM_OP_COPY, .iova = 0, .arg = 5 * PAGE,
		       .len = 2 * PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, comp.status);
	EXPECT_EQ(6 * PAGE, comp.result);
	EXPECT_EQ(PAGE, comp.bytes);
	EXPECT_EQ(0, memcmp(self->mem, self->mem + 5 * PAGE, PAGE));
	comp = ring_do(&queue, .op = IOASID_SIM_OP_READ, .iova = 1ULL << 50, .len = 8);
	EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS, comp.status);
	test_detach(one.dev, one.space);
	comp = ring_do(&queue, .op = IOASID_SIM_OP_READ, .iova = 0, .len = 8);
	EXPECT_EQ(IOASID_SIM_BLOCKED, comp.status);
	test_attach(one.dev, one.space);
	comp = ring_do(&queue, .op = IOASID_SIM_OP_READ, .iova = 0, .len = 8);
	EXPECT_EQ(IOASID_SIM_OK, comp.status);
	EXPECT_EQ(5, ring_counter(one.dev, "failed"));
}

TEST_F(sim, pasids, "each descriptor has a PASID of its own, also of parts of a device")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = IOASID_SIM_CAP_PASID,
				 .pasid_bits = 8, .nr_subdevices = 2);

	/* The device, and then its second part, whose PASIDs on the wire are others. */
	for (int part = 0; part < 2; part++) {
		int dev = sim_open_sub(id, 0, part ? 1 : SIM_WHOLE), space[4];
		struct ioasid_sim_queue queue;
		uint8_t *sram;

		test_bind(dev, self->fd, SIM_COOKIE);
		sram = sim_sram(dev);
		for (int i = 0; i < 4; i++) {
			space[i] = test_alloc(self->fd);
			if (i)
				ASSERT_TRUE(!do_attach_pasid(dev, space[i], i));
			else
				test_attach(dev, space[i]);
			test_map(self->fd, space[i], self->mem + i * PAGE, 0, PAGE);
		}
		queue = ring_start(dev, 16, 16, 4);
		for (int i = 0; i < 5; i++)
			ring_put(&queue, .op = IOASID_SIM_OP_READ, .len = PAGE, .arg = i * PAGE,
				 .pasid = i, .flags = i ? IOASID_SIM_REQ_PASID : 0,
				 .user_data = i);
		for (int i = 0; i < 5; i++) {
			struct ioasid_sim_completion comp = ring_get(&queue);

			EXPECT_EQ(comp.user_data == 4 ? IOASID_SIM_FAULT_PASID : IOASID_SIM_OK,
				  comp.status);
		}
		EXPECT_EQ(0, memcmp(sram, self->mem, 4 * PAGE));
		munmap(sram, IOASID_SIM_SRAM);
		ioasid_sim_ring_unmap(&queue);
		close(dev);
	}
}

/* Rings */

TEST_F(sim, around, "small rings go round and round, with one worker and many", .timeout = 90)
{
	struct sim_one one = sim_one(self);
	uint64_t *words = (uint64_t *)self->mem;
	const uint32_t nr = 3000;
	uint8_t *seen = calloc(nr, 1);

	test_map(self->fd, one.space, self->mem, 0, SIM_PAGES * PAGE);
	for (uint32_t workers = 1; workers <= IOASID_SIM_RING_MAX_WORKERS; workers += 5) {
		struct ioasid_sim_queue queue = ring_start(one.dev, 4, 2, workers);
		struct ioasid_sim_completion comps[4];
		uint32_t put = 0, got = 0;

		memset(seen, 0, nr);
		memset(self->mem, 0, SIM_PAGES * PAGE);
		while (got < nr) {
			struct ioasid_sim_descriptor desc = {
				.op = IOASID_SIM_OP_ADD, .iova = put % 512 * 8, .len = 8,
				.arg = put, .user_data = put,
			};
			int n;

			if (put < nr)
				put += ioasid_sim_submit(&queue, &desc, 1);
			if (put - got > 3 || put == nr)
				ASSERT_EQ(1, ioasid_sim_wait(&queue, RING_WAIT_MS));
			n = ioasid_sim_reap(&queue, comps, ARRAY_SIZE(comps));
			ASSERT_LE(0, n);
			for (int i = 0; i < n; i++) {
				EXPECT_EQ(IOASID_SIM_OK, comps[i].status);
				EXPECT_GT(workers, comps[i].worker);
				ASSERT_GT(nr, comps[i].user_data);
				EXPECT_EQ(0, seen[comps[i].user_data]++);
			}
			got += n;
		}
		for (uint32_t i = 0; i < 512; i++) {
			uint64_t sum = 0;

			for (uint32_t k = i; k < nr; k += 512)
				sum += k;
			EXPECT_EQ(sum, words[i]);
		}
		EXPECT_EQ(0, ioasid_sim_wait(&queue, 0));
		EXPECT_EQ(nr, ring_counter(one.dev, "completed"));
		ioasid_sim_ring_unmap(&queue);
		test_unbind(one.dev);
		EXPECT_TRUE(ring_threads_gone(one.id, 0));
		test_bind(one.dev, self->fd, SIM_COOKIE);
		test_attach(one.dev, one.space);
	}
}

TEST_F(sim, largest, "the largest rings take and give back all they have room for")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, IOASID_SIM_RING_MAX_SQ,
						   IOASID_SIM_RING_MAX_CQ, 3);
	struct ioasid_sim_completion comp;
	uint64_t *word = (uint64_t *)self->mem;

	test_map(self->fd, one.space, self->mem, 0, PAGE);
	*word = 0;
	for (uint32_t i = 0; i < IOASID_SIM_RING_MAX_CQ; i++)
		ring_put(&queue, .op = IOASID_SIM_OP_ADD, .len = 8, .arg = 1, .user_data = i);
	ASSERT_TRUE(ring_becomes(one.dev, "completed", IOASID_SIM_RING_MAX_CQ));
	EXPECT_EQ(IOASID_SIM_RING_MAX_CQ, *word);
	for (uint64_t i = 0; i < IOASID_SIM_RING_MAX_CQ; i++) {
		ASSERT_EQ(1, ioasid_sim_reap(&queue, &comp, 1));
		*word += comp.user_data;
	}
	EXPECT_EQ(IOASID_SIM_RING_MAX_CQ * (IOASID_SIM_RING_MAX_CQ + 1ULL) / 2, *word);
	EXPECT_EQ(0, ioasid_sim_reap(&queue, &comp, 1));
}

TEST_F(sim, full, "without room for completions nothing begins, and none is lost")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, 16, 4, 3);
	struct pollfd pfd = { .fd = one.dev, .events = POLLIN | POLLOUT };
	uint64_t *word = (uint64_t *)self->mem;
	bool seen[17] = {};

	test_map(self->fd, one.space, self->mem, 0, PAGE);
	*word = 0;
	ASSERT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLOUT, pfd.revents);
	for (int i = 0; i < 17; i++)
		ring_put(&queue, .op = IOASID_SIM_OP_ADD, .len = 8, .arg = 1, .user_data = i);
	ASSERT_TRUE(ring_becomes(one.dev, "completed", 4));
	ASSERT_TRUE(ring_becomes(one.dev, "asleep", 3));
	EXPECT_EQ(1, ring_counter(one.dev, "stalls"));
	EXPECT_EQ(0, ring_counter(one.dev, "running"));
	EXPECT_EQ(4, ring_counter(one.dev, "unread"));
	EXPECT_EQ(4, __atomic_load_n(word, __ATOMIC_RELAXED));
	/* One waits in the driver and 12 in the ring: there is room for four more. */
	ASSERT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, pfd.revents);
	for (int i = 17; i < 21; i++)
		ring_put(&queue, .op = IOASID_SIM_OP_ADD, .len = 8, .arg = 1, .user_data = 16);
	{
		struct ioasid_sim_descriptor more = { .op = IOASID_SIM_OP_ADD };

		EXPECT_EQ(0, ioasid_sim_submit(&queue, &more, 1));
	}
	ASSERT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN, pfd.revents);
	ASSERT_EQ(0, ioasid_sim_doorbell(&queue));
	usleep(RING_QUIET_MS * 1000);
	EXPECT_EQ(4, ring_counter(one.dev, "completed"));
	for (int i = 0; i < 21; i++) {
		struct ioasid_sim_completion comp = ring_get(&queue);

		EXPECT_EQ(IOASID_SIM_OK, comp.status);
		ASSERT_GT(17, comp.user_data);
		seen[comp.user_data] = true;
	}
	for (int i = 0; i < 17; i++)
		EXPECT_TRUE(seen[i]);
	EXPECT_EQ(21, *word);
	ring_quiet(&queue);
}

TEST_F(sim, events, "an eventfd counts completions")
{
	struct sim_one one = sim_one(self);
	int event = eventfd(0, EFD_NONBLOCK);
	struct ioasid_sim_queue queue;
	uint64_t count, sum = 0;

	ASSERT_EQ(0, ioasid_sim_ring(one.dev, 8, 8, 2, event, &queue));
	for (int i = 0; i < 8; i++)
		ring_put(&queue, .op = IOASID_SIM_OP_READ, .len = 8);
	ASSERT_TRUE(ring_becomes(one.dev, "completed", 8));
	for (int try = 0; sum < 8 && try < 2000; try++) {
		if (read(event, &count, sizeof(count)) == sizeof(count))
			sum += count;
		else
			usleep(10000);
	}
	EXPECT_EQ(8, sum);
	EXPECT_EQ(8, ring_counter(one.dev, "failed"));	/* nothing is mapped */
	/* Unbind lets go of it, and tells those who wait. */
	close(event);
	test_unbind(one.dev);
	EXPECT_EQ(-ENODEV, ioasid_sim_wait(&queue, 0));
	EXPECT_EQ(-EINVAL, ioasid_sim_doorbell(&queue));
	/* What is mapped stays memory. */
	EXPECT_EQ(8, queue.head->cq_tail);
}

/* Hostile users */

TEST_F(sim, indices, "indices that cannot be stop the ring until they can")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, 4, 4, 2);
	volatile struct ioasid_sim_ring_head *head = queue.head;
	static const uint32_t off[] = { 5, 6, 1U << 31, ~0U };
	uint64_t *word = (uint64_t *)self->mem;

	test_map(self->fd, one.space, self->mem, 0, PAGE);
	*word = 0;
	for (int i = 0; i < ARRAY_SIZE(off); i++) {
		uint32_t tail = head->sq_tail;

		head->sq_tail = tail + off[i];
		ASSERT_EQ(0, ioasid_sim_doorbell(&queue));
		ASSERT_TRUE(ring_becomes(one.dev, "bad-tails", i + 1));
		ring_quiet(&queue);
		EXPECT_EQ(tail, head->sq_head);
		head->sq_tail = tail;
		EXPECT_EQ(IOASID_SIM_OK,
			  ring_do(&queue, .op = IOASID_SIM_OP_ADD, .len = 8, .arg = 1).status);
	}
	EXPECT_EQ(4, *word);
	for (int i = 0; i < ARRAY_SIZE(off); i++) {
		uint32_t at = head->cq_head;

		/* Ahead of the tail, or so far behind it that nothing is free. */
		head->cq_head = at + off[i];
		ring_put(&queue, .op = IOASID_SIM_OP_ADD, .len = 8, .arg = 1, .user_data = 77);
		if (off[i] == ~0U) {	/* one less is room enough */
			ASSERT_TRUE(ring_becomes(one.dev, "completed", 5 + i));
		} else {
			ASSERT_TRUE(ring_becomes(one.dev, "stalls", i + 1));
			usleep(RING_QUIET_MS * 1000);
			EXPECT_EQ(4 + i, *word);
		}
		head->cq_head = at;
		ASSERT_EQ(0, ioasid_sim_doorbell(&queue));
		EXPECT_EQ(77, ring_get(&queue).user_data);
		EXPECT_EQ(5 + i, *word);
	}
	/* What is the driver's is only ever written by it. */
	head->sq_head = 0x12345;
	head->cq_tail = 0x54321;
	head->sq_tail++;
	queue.descs[(head->sq_tail - 1) & 3] = (struct ioasid_sim_descriptor) {
		.op = IOASID_SIM_OP_ADD, .len = 8, .arg = 1,
	};
	ASSERT_EQ(0, ioasid_sim_doorbell(&queue));
	ASSERT_TRUE(ring_becomes(one.dev, "completed", 9));
	EXPECT_EQ(9, head->sq_head);
	EXPECT_EQ(9, head->cq_tail);
}

struct scribbler {
	struct ioasid_sim_queue *queue;
	uint8_t *sram;
	bool stop;
};

static void *scribble(void *data)
{
	struct scribbler *s = data;
	struct ioasid_sim_ring_head *head = s->queue->head;
	const uint32_t first = sizeof(*head) / 4;
	uint32_t *word = (uint32_t *)head;
	uint32_t seed = 1;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		uint32_t at = (seed = seed * 1664525 + 1013904223) >> 8;

		/* Half of it small numbers, that are operations, flags, PASIDs. */
		word[first + at % (s->queue->size / 4 - first)] = seed & 1 ? seed >> 29 : seed;
		if (at % 64 == 0)
			*(at & 64 ? &head->sq_tail : &head->cq_head) = seed;
		if (at % 16 == 1)
			head->sq_tail = head->sq_head + 16;
		if (at % 16 == 2)
			head->cq_head = head->cq_tail;
	}
	return NULL;
}

TEST_F(sim, scribbled, "rings full of rubbish that changes all the time do no harm",
       .timeout = 60)
{
	struct sim_one one = sim_one(self, .caps = IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_ATS,
				     .pasid_bits = 4);
	struct ioasid_sim_queue queue = ring_start(one.dev, 16, 16, 4);
	struct scribbler s = { .queue = &queue, .sram = one.sram };
	struct ioasid_sim_stats stats;
	pthread_t thread;

	/* Its own page may become anything, what is around it stays. */
	test_map(self->fd, one.space, self->mem + 8 * PAGE, 0, PAGE);
	ASSERT_TRUE(!pthread_create(&thread, NULL, scribble, &s));
	for (int i = 0; i < 400; i++) {
		ASSERT_EQ(0, ioasid_sim_doorbell(&queue));
		usleep(5000);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	diag("%llu requests, %llu bad tails, %llu stalls",
	     (unsigned long long)ring_counter(one.dev, "completed"),
	     (unsigned long long)ring_counter(one.dev, "bad-tails"),
	     (unsigned long long)ring_counter(one.dev, "stalls"));
	EXPECT_LT(100, ring_counter(one.dev, "completed"));
	EXPECT_EQ(8 * PAGE, mismatch(self->mem, 8 * PAGE, 1));
	for (size_t i = 9 * PAGE; i < SIM_PAGES * PAGE; i++)
		ASSERT_EQ(pattern(i, 1), self->mem[i]);
	stats = sim_stats(self->ctl, one.id);
	EXPECT_EQ(0, stats.stale);
	/* It is as good as new when its user is. */
	test_unbind(one.dev);
	EXPECT_TRUE(ring_threads_gone(one.id, 0));
	test_bind(one.dev, self->fd, SIM_COOKIE);
	test_attach(one.dev, one.space);
	ioasid_sim_ring_unmap(&queue);
	queue = ring_start(one.dev, 4, 4, 1);
	EXPECT_EQ(IOASID_SIM_OK, ring_do(&queue, .op = IOASID_SIM_OP_FILL, .len = PAGE).status);
	EXPECT_EQ(0, self->mem[8 * PAGE]);
}

HARNESS_MAIN
