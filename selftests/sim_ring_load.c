// SPDX-License-Identifier: GPL-2.0-only
/*
 * Submission rings with requests that wait, devices that lose their spaces, and users
 * that go away in the middle.
 */
#include <sys/wait.h>

#include "sim_fixture.h"
#include "ring_util.h"
#include "testiommu_util.h"

#define PRI_CAPS	(IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI)
#define PRI		(IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI)

/* Page 0 is there, all others are asked for. */
static int faultable(struct fixture_sim *self, struct api *api)
{
	int domain = ti_alloc(api, TESTIOMMU_FAULTABLE, 0);

	ti_asking(api);
	ti_ok(api, TESTIOMMU_ATTACH, .domain = domain);
	ti_map(api, domain, self->mem, 0, PAGE);
	return domain;
}

/* A request that waits for its page, at iova */
static struct testiommu_fault stuck(struct api *api, struct ioasid_sim_queue *queue,
				    uint64_t iova, uint64_t user_data)
{
	struct testiommu_fault fault;

	ring_put(queue, .op = IOASID_SIM_OP_READ, .iova = iova, .len = 8, .flags = PRI,
		 .user_data = user_data);
	fault = ti_fault(api);
	EXPECT_EQ(iova, fault.addr[0]);
	return fault;
}

/* Order */

TEST_F(sim, out_of_order, "who waits for a page holds up nobody else")
{
	struct api api = api(self, .caps = PRI_CAPS);
	struct ioasid_sim_queue queue = ring_start(api.dev, 8, 8, 2);
	struct ioasid_sim_completion comp, first;
	struct ioasid_sim_descriptor descs[5];
	struct testiommu_fault fault;
	int domain = faultable(self, &api);

	/* All at once, with one doorbell. */
	for (int i = 0; i < 5; i++)
		descs[i] = (struct ioasid_sim_descriptor) {
			.op = IOASID_SIM_OP_READ, .iova = i ? 0 : PAGE, .len = 8, .flags = PRI,
			.user_data = i + 1,
		};
	ASSERT_EQ(5, ioasid_sim_submit(&queue, descs, 5));
	fault = ti_fault(&api);
	EXPECT_EQ(PAGE, fault.addr[0]);
	first = ring_get(&queue);
	EXPECT_EQ(2, first.user_data);
	for (int i = 3; i < 6; i++) {
		comp = ring_get(&queue);
		EXPECT_EQ(i, comp.user_data);
		EXPECT_EQ(first.worker, comp.worker);	/* the other one waits */
	}
	EXPECT_EQ(1, ring_counter(api.dev, "running"));
	ti_map(&api, domain, self->mem + PAGE, PAGE, PAGE);
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_SUCCESS));
	comp = ring_get(&queue);
	EXPECT_EQ(1, comp.user_data);
	EXPECT_EQ(IOASID_SIM_OK, comp.status);
	EXPECT_NE(first.worker, comp.worker);
	EXPECT_EQ(0, memcmp(api.sram, self->mem + PAGE, 8));
	/* A page that there is none of is a fault like others. */
	fault = stuck(&api, &queue, 5 * PAGE, 6);
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_INVALID));
	comp = ring_get(&queue);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, comp.status);
	EXPECT_EQ(5 * PAGE, comp.result);
	api_end(&api);
}

TEST_F(sim, fence, "a fence waits for what is before it, and what is behind it for the fence")
{
	struct api api = api(self, .caps = PRI_CAPS);
	struct ioasid_sim_queue queue = ring_start(api.dev, 8, 8, 4);
	struct testiommu_fault before, fence;
	int domain = faultable(self, &api);
	struct ioasid_sim_completion comp;

	before = stuck(&api, &queue, PAGE, 1);
	ring_put(&queue, .op = IOASID_SIM_OP_READ, .len = 8, .user_data = 2);
	ring_put(&queue, .op = IOASID_SIM_OP_READ, .iova = 2 * PAGE, .len = 8, .user_data = 3,
		 .flags = PRI | IOASID_SIM_DESC_FENCE);
	ring_put(&queue, .op = IOASID_SIM_OP_READ, .len = 8, .user_data = 4);
	EXPECT_EQ(2, ring_get(&queue).user_data);
	ring_quiet(&queue);
	EXPECT_EQ(1, ring_counter(api.dev, "running"));
	ti_map(&api, domain, self->mem + PAGE, PAGE, PAGE);
	EXPECT_EQ(0, ti_respond(&api, &before, RESP_SUCCESS));
	EXPECT_EQ(1, ring_get(&queue).user_data);
	fence = ti_fault(&api);
	EXPECT_EQ(2 * PAGE, fence.addr[0]);
	ring_quiet(&queue);
	EXPECT_EQ(1, ring_counter(api.dev, "running"));
	ti_map(&api, domain, self->mem + 2 * PAGE, 2 * PAGE, PAGE);
	EXPECT_EQ(0, ti_respond(&api, &fence, RESP_SUCCESS));
	EXPECT_EQ(3, ring_get(&queue).user_data);
	comp = ring_get(&queue);
	EXPECT_EQ(4, comp.user_data);
	EXPECT_EQ(IOASID_SIM_OK, comp.status);
	api_end(&api);
}

TEST_F(sim, fences, "what is fenced off never overlaps", .timeout = 60)
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, 16, 16, 8);
	struct ioasid_sim_completion comps[16];
	uint32_t got = 0, put = 0;

	test_map(self->fd, one.space, self->mem, 0, SIM_PAGES * PAGE);
	/* Each fills four pages in its own way, and looks with a fence what is there. */
	while (got < 1000) {
		struct ioasid_sim_descriptor desc[2] = {
			{ .op = IOASID_SIM_OP_FILL, .len = 4 * PAGE, .arg = put,
			  .flags = IOASID_SIM_DESC_FENCE, .user_data = 0 },
			{ .op = IOASID_SIM_OP_COMPARE, .len = 4 * PAGE, .arg = put % 4 * 4 * PAGE,
			  .flags = put & 4 ? IOASID_SIM_DESC_FENCE : 0, .user_data = 1 },
		};
		int n;

		if (put - got <= 14 && put < 1000) {
			desc[0].arg = put % 8 / 2;
			desc[1].arg = put % 8 / 2 * 4 * PAGE;
			memset(one.sram + desc[1].arg, desc[0].arg, 4 * PAGE);
			ring_submit(&queue, desc, 2);
			put += 2;
			continue;
		}
		ASSERT_EQ(1, ioasid_sim_wait(&queue, RING_WAIT_MS));
		n = ioasid_sim_reap(&queue, comps, ARRAY_SIZE(comps));
		for (int i = 0; i < n; i++) {
			EXPECT_EQ(IOASID_SIM_OK, comps[i].status);
			EXPECT_EQ((got + i) & 1, comps[i].user_data);
			if (comps[i].user_data)
				ASSERT_EQ(4 * PAGE, comps[i].result);
		}
		got += n;
	}
}

/* Ends */

enum ending {
	END_UNBIND,
	END_CLOSE,
	END_DESTROY,
	END_KILL,
	NR_ENDS,
};

/* A device that is somebody else's: bound, with a ring, busy in some way. */
struct victim {
	struct api api;
	struct ioasid_sim_queue queue;
};

/*
 * Requests with PRI wait for answers that are lost, as those of a user that is hung; the
 * core gives them, because there is no handle that a fault could be reported to, which
 * would have to be gone before the device is unbound.
 */
static void hung(struct fixture_sim *self, struct victim *v)
{
	int domain = ti_alloc(&v->api, TESTIOMMU_FAULTABLE, 0);

	ti_asking(&v->api);
	ti_ok(&v->api, TESTIOMMU_ATTACH, .domain = domain, .flags = TESTIOMMU_NO_HANDLE);
	ti_map(&v->api, domain, self->mem, 0, PAGE);
	ASSERT_TRUE(!do_sim_inject(self->ctl, v->api.id, IOASID_SIM_INJECT_LOSE_RESPONSE, 0));
}

static void hang(struct fixture_sim *self, struct victim *v, uint32_t nr)
{
	struct ioasid_sim_stats before = sim_stats(self->ctl, v->api.id);

	for (uint32_t i = 0; i < nr; i++)
		ring_put(&v->queue, .op = IOASID_SIM_OP_READ, .iova = PAGE, .len = 8,
			 .flags = PRI, .user_data = i);
	sim_wait_stat(self->ctl, v->api.id, &before, page_invalid, nr);
}

static void idle(struct fixture_sim *self, struct victim *v)
{
	hung(self, v);
	ASSERT_TRUE(ring_becomes(v->api.dev, "asleep", 3));
}

static void busy(struct fixture_sim *self, struct victim *v)
{
	hung(self, v);
	for (int i = 0; i < 16; i++)
		ring_put(&v->queue, .op = IOASID_SIM_OP_FILL, .len = PAGE / 2, .iova = 8 * i);
}

static void waiting(struct fixture_sim *self, struct victim *v)
{
	hung(self, v);
	hang(self, v, 3);
	/* Behind them, descriptors that never begin. */
	for (int i = 0; i < 5; i++)
		ring_put(&v->queue, .op = IOASID_SIM_OP_FILL, .len = PAGE, .arg = 0xee);
	EXPECT_EQ(3, ring_counter(v->api.dev, "running"));
}

/* A fence behind one that waits */
static void fenced(struct fixture_sim *self, struct victim *v)
{
	hung(self, v);
	hang(self, v, 1);
	ring_put(&v->queue, .op = IOASID_SIM_OP_FILL, .len = PAGE, .arg = 0xee,
		 .flags = IOASID_SIM_DESC_FENCE);
	ASSERT_TRUE(ring_becomes(v->api.dev, "asleep", 2));
}

static void starved(struct fixture_sim *self, struct victim *v)
{
	hung(self, v);
	for (int i = 0; i < 16; i++)
		ring_put(&v->queue, .op = IOASID_SIM_OP_READ, .len = 8);
	ASSERT_TRUE(ring_becomes(v->api.dev, "completed", 8));
	ASSERT_TRUE(ring_becomes(v->api.dev, "asleep", 3));
}

static void (*const states[])(struct fixture_sim *self, struct victim *v) = {
	idle, busy, waiting, fenced, starved,
};

static void victim_start(struct fixture_sim *self, struct victim *v, uint32_t id, int state)
{
	int event = eventfd(0, EFD_CLOEXEC);

	v->api.id = id;
	api_start(self, &v->api);
	ASSERT_EQ(0, ioasid_sim_ring(v->api.dev, 16, 8, 3, event, &v->queue));
	states[state](self, v);
}

/* In a process of its own, which is killed. */
static void kill_victim(struct fixture_sim *self, uint32_t id, int state)
{
	int ready[2], status;
	struct victim v;
	pid_t pid;
	char c;

	ASSERT_TRUE(!pipe(ready));
	pid = fork();
	if (!pid) {
		victim_start(self, &v, id, state);
		ASSERT_EQ(1, write(ready[1], "x", 1));
		for (;;)
			pause();
	}
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &c, 1));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	close(ready[0]);
}

static void end_victim(struct fixture_sim *self, uint32_t id, int state, int ending)
{
	struct victim v;

	victim_start(self, &v, id, state);
	switch (ending) {
	case END_UNBIND:
		test_unbind(v.api.dev);
		break;
	case END_DESTROY:
		ASSERT_TRUE(!do_sim_destroy(self->ctl, id));
		EXPECT_EQ(-ENODEV, ioasid_sim_doorbell(&v.queue));
		break;
	}
	if (ending != END_CLOSE) {
		EXPECT_TRUE(ring_threads_gone(id, 0));
		EXPECT_EQ(-ENODEV, ioasid_sim_wait(&v.queue, 0));
		EXPECT_LE(v.queue.head->cq_tail, v.queue.head->sq_head);
	}
	ioasid_sim_ring_unmap(&v.queue);
	api_end(&v.api);
}

TEST_F(sim, ends, "a ring ends in any state, by any end, and leaves nothing", .timeout = 120)
{
	uint64_t locked = locked_pages();
	int64_t pins = machine_pins();

	for (int state = 0; state < ARRAY_SIZE(states); state++) {
		for (int ending = 0; ending < NR_ENDS; ending++) {
			uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = PRI_CAPS);

			if (ending == END_KILL)
				kill_victim(self, id, state);
			else
				end_victim(self, id, state, ending);
			EXPECT_TRUE(ring_threads_gone(id, 0));
			EXPECT_NE(0xee, self->mem[0]);
			EXPECT_TRUE(machine_pins_become(pins));
			EXPECT_EQ(locked, locked_pages());
			if (ending == END_DESTROY)
				continue;
			/* Another user finds a device without a ring. */
			{
				int dev = sim_open(id, 0);

				test_bind(dev, self->fd, SIM_COOKIE);
				EXPECT_EQ(FDINFO_NONE, ring_counter(dev, "workers"));
				close(dev);
			}
			ASSERT_TRUE(!do_sim_destroy(self->ctl, id));
		}
	}
}

TEST_F(sim, aborted, "what is under way at the end completes, and nothing else")
{
	struct victim v;
	uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = PRI_CAPS);

	victim_start(self, &v, id, 2);
	ASSERT_TRUE(!do_unbind(v.api.dev));
	EXPECT_LE(3, v.queue.head->cq_tail);
	for (uint32_t i = 0; i < v.queue.head->cq_tail; i++)
		EXPECT_EQ(IOASID_SIM_ABORTED, v.queue.comps[i].status);
	ioasid_sim_ring_unmap(&v.queue);
	api_end(&v.api);
}

TEST_F(sim, taken_away, "a domain that goes ends the requests that wait for its pages")
{
	struct api api = api(self, .caps = PRI_CAPS);
	struct ioasid_sim_queue queue = ring_start(api.dev, 8, 8, 2);
	struct ioasid_sim_completion comp;
	struct testiommu_fault fault;

	faultable(self, &api);
	fault = stuck(&api, &queue, 3 * PAGE + 0, 9);
	ti_ok(&api, TESTIOMMU_DETACH);
	comp = ring_get(&queue);
	EXPECT_EQ(9, comp.user_data);
	EXPECT_EQ(IOASID_SIM_ABORTED, comp.status);
	EXPECT_EQ(3 * PAGE, comp.result);
	EXPECT_ERRNO(ENOENT, ti_respond(&api, &fault, RESP_SUCCESS));
	EXPECT_EQ(IOASID_SIM_BLOCKED,
		  ring_do(&queue, .op = IOASID_SIM_OP_READ, .len = 8, .flags = PRI).status);
	api_end(&api);
}

/* Load */

struct feeder {
	struct ioasid_sim_queue *queue;
	uint64_t pages;
	bool stop;
	uint64_t status[16];
	uint64_t put, got;
};

static void feeder_reap(struct feeder *f)
{
	struct ioasid_sim_completion comps[32];
	int n = ioasid_sim_reap(f->queue, comps, ARRAY_SIZE(comps));

	ASSERT_LE(0, n);
	for (int i = 0; i < n; i++)
		f->status[comps[i].status & 15]++;
	f->got += n;
}

/* Adds 1 to the first words of pages, again and again. */
static void *feeder_thread(void *data)
{
	struct feeder *f = data;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		struct ioasid_sim_descriptor descs[8];
		int n;

		for (int i = 0; i < ARRAY_SIZE(descs); i++)
			descs[i] = (struct ioasid_sim_descriptor) {
				.op = IOASID_SIM_OP_ADD, .len = 8, .arg = 1,
				.iova = (f->put + i) % f->pages * PAGE,
			};
		n = ioasid_sim_submit(f->queue, descs, ARRAY_SIZE(descs));
		ASSERT_LE(0, n);
		__atomic_store_n(&f->put, f->put + n, __ATOMIC_RELAXED);
		if (!n)
			ASSERT_EQ(1, ioasid_sim_wait(f->queue, RING_WAIT_MS));
		feeder_reap(f);
	}
	while (f->got < f->put) {
		ASSERT_EQ(1, ioasid_sim_wait(f->queue, RING_WAIT_MS));
		feeder_reap(f);
	}
	return NULL;
}

static uint64_t first_words(const uint8_t *mem, uint64_t pages)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < pages; i++)
		sum += *(uint64_t *)(mem + i * PAGE);
	return sum;
}

static void feeder_more(struct feeder *f, uint64_t n)
{
	uint64_t from = __atomic_load_n(&f->put, __ATOMIC_RELAXED);

	for (int try = 0; __atomic_load_n(&f->put, __ATOMIC_RELAXED) < from + n; try++) {
		ASSERT_GT(RING_WAIT_MS, try);
		usleep(1000);
	}
}

TEST_F(sim, detach, "spaces come, change and go under a busy ring", .timeout = 90)
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, 64, 64, 4);
	struct feeder f = { .queue = &queue, .pages = 16 };
	uint64_t sum;
	pthread_t thread;

	for (int i = 0; i < 16; i++)
		*(uint64_t *)(self->mem + i * PAGE) = 0;
	ASSERT_TRUE(!pthread_create(&thread, NULL, feeder_thread, &f));
	for (int round = 0; round < 30; round++) {
		test_map(self->fd, one.space, self->mem, 0, 16 * PAGE);
		feeder_more(&f, 200);
		if (round & 1)
			test_detach(one.dev, one.space);
		else
			test_unmap(self->fd, one.space, 0, 16 * PAGE);
		/* From here on memory is ours alone. */
		sum = first_words(self->mem, 16);
		feeder_more(&f, 200);
		EXPECT_EQ(sum, first_words(self->mem, 16));
		if (round & 1) {
			test_unmap(self->fd, one.space, 0, 16 * PAGE);
			test_attach(one.dev, one.space);
		}
	}
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	/* Each addition was made once, or said that it was not. */
	EXPECT_EQ(f.put, f.got);
	EXPECT_EQ(f.status[IOASID_SIM_OK], first_words(self->mem, 16));
	EXPECT_EQ(f.got, f.status[IOASID_SIM_OK] + f.status[IOASID_SIM_BLOCKED] +
			 f.status[IOASID_SIM_FAULT_NOT_PRESENT]);
	EXPECT_LT(0, f.status[IOASID_SIM_BLOCKED]);
	EXPECT_LT(0, f.status[IOASID_SIM_FAULT_NOT_PRESENT]);
	diag("%llu requests: %llu done, %llu blocked, %llu not present",
	     (unsigned long long)f.got, (unsigned long long)f.status[IOASID_SIM_OK],
	     (unsigned long long)f.status[IOASID_SIM_BLOCKED],
	     (unsigned long long)f.status[IOASID_SIM_FAULT_NOT_PRESENT]);
	EXPECT_EQ(f.got, ring_counter(one.dev, "completed"));
	EXPECT_EQ(0, sim_stats(self->ctl, one.id).stale);
}

TEST_F(sim, together, "rings, loads and ioctls of one device do not know of each other",
       .timeout = 60)
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_queue queue = ring_start(one.dev, 16, 16, 2);
	struct feeder f = { .queue = &queue, .pages = 4 };
	struct ioasid_sim_request req = { .op = IOASID_SIM_OP_ADD, .len = 8, .arg = 1 };
	struct ioasid_sim_load_result result;
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		*(uint64_t *)(self->mem + i * PAGE) = 0;
	test_map(self->fd, one.space, self->mem, 0, 4 * PAGE);
	ASSERT_TRUE(!pthread_create(&thread, NULL, feeder_thread, &f));
	ASSERT_TRUE(!do_sim_start(one.dev, 2, &req, 1, 0));
	for (int i = 0; i < 200; i++)
		EXPECT_EQ(IOASID_SIM_OK, sim_request(one.dev, &req));
	feeder_more(&f, 500);
	ASSERT_TRUE(!do_sim_stop(one.dev, &result));
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(f.got, f.status[IOASID_SIM_OK]);
	EXPECT_EQ(f.got + result.done + 200, first_words(self->mem, 4));
	EXPECT_EQ(f.got + result.done + 200, sim_stats(self->ctl, one.id).requests);
}

HARNESS_MAIN
