// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults while everything that holds them up goes away: spaces, queues, tables and devices
 * come and go under devices that ask without end, while a consumer answers what it can get
 * hold of, twice now and then, and a timeout of milliseconds answers the rest. In the end each
 * group has had one answer, and devices have had those that were counted.
 *
 * IOASID_RACE_SECONDS=N in the environment: for so long (5).
 */
#include <linux/ioasid_fault.h>
#include <poll.h>
#include <pthread.h>

#include "sim_fixture.h"
#include "state_util.h"

#define CAPS	(IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_PASID)
#define WAITS	(IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI)
#define ASKS	(IOASID_ALLOC_FAULT_QUEUE | IOASID_ALLOC_PAGE_REQUESTS)
#define FORMAT	IOASID_FORMAT_X86_64_4LEVEL
#define QUEUE_FDS	512	/* and above */
#define WINDOW	64U		/* pages that are asked for, none of which is there */

static bool stop;
static unsigned int seconds;

/* How DMA comes to a space with a queue, and leaves it. */
enum way { DEFAULT, PASIDS, GROUP, PART, TABLE, NR_WAYS };

static const char *const ways[] = {
	[DEFAULT] = "attach", [PASIDS] = "attach PASIDs", [GROUP] = "attach a group",
	[PART] = "attach a part", [TABLE] = "bind a table",
};

/* A life of a queue and a space, over and over. */
struct actor {
	pthread_t thread, consumer;
	enum way way;
	int fd, dev[2], nr_devs;
	int parent;			/* with an empty table at address 0 */
	int queue;			/* for the consumer */
	unsigned int random, consumer_random;
	/* what the spaces have counted */
	uint64_t lives, faults, success, invalid, overflows, timeouts, cancels;
	uint64_t taken;			/* answers that were */
};

static unsigned int any(unsigned int *random, unsigned int below)
{
	*random = *random * 1103515245 + 12345;
	return (*random >> 12) % below;
}

/* Not fdinfo_get(): many threads at once. */
static uint64_t counter(int fd, const char *key, int id)
{
	char path[64], name[64], text[FDINFO_MAX];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	snprintf(name, sizeof(name), "ioasid-%s-%d", key, id);
	ASSERT_TRUE(read_text(path, text, sizeof(text)) > 0);
	return text_value(text, name, FDINFO_NONE);
}

static int queue_new(struct actor *a)
{
	struct ioasid_fault_queue_alloc args = {
		.argsz = sizeof(args), .entries = 8 << any(&a->random, 4),
		.device_limit = any(&a->random, 3), .timeout_ms = 1 + any(&a->random, 4),
	};
	int fd = ioctl(a->fd, IOASID_FAULT_QUEUE_ALLOC, &args), queue;

	ASSERT_LE(0, fd);
	/* A consumer that is late may meet another queue, but no other file. */
	queue = fcntl(fd, F_DUPFD_CLOEXEC, QUEUE_FDS);
	ASSERT_LE(QUEUE_FDS, queue);
	close(fd);
	/* Its consumer must not wait in it: then it would not be closed. */
	ASSERT_EQ(0, fcntl(queue, F_SETFL, O_NONBLOCK));
	return queue;
}

static int space_new(struct actor *a, int queue)
{
	struct ioasid_alloc args = {
		.argsz = sizeof(args), .kind = IOASID_KIND_KERNEL, .flags = ASKS,
		.fault_queue = queue,
	};
	int id;

	if (a->way == TABLE)
		return test_create_nesting(a->fd, a->parent);
	id = ioctl(a->fd, IOASID_ALLOC, &args);
	ASSERT_LT(0, id);
	return id;
}

static void bind_table(struct actor *a, int id, int queue)
{
	struct ioasid_bind_table args = {
		.argsz = sizeof(args), .ioasid = id, .format = FORMAT,
		.flags = IOASID_BIND_FAULT_QUEUE | IOASID_BIND_PAGE_REQUESTS,
		.table.addr_width = 48, .fault_queue = queue,
	};

	ASSERT_EQ(0, ioctl(a->fd, IOASID_BIND_PGTABLE, &args));
}

static void come(struct actor *a, int id, int queue)
{
	if (a->way == PASIDS || a->way == PART) {
		ASSERT_EQ(0, do_attach_pasid(a->dev[0], id, 5));
		if (a->way == PASIDS)
			ASSERT_EQ(0, do_attach_pasid(a->dev[0], id, 6));
		else
			test_attach(a->dev[0], id);
		return;
	}
	for (int i = 0; i < a->nr_devs; i++)
		test_attach(a->dev[i], id);
	if (a->way == TABLE)
		bind_table(a, id, queue);
}

static void go(struct actor *a, int id)
{
	int first = any(&a->random, a->nr_devs);

	if (a->way == PASIDS || a->way == PART) {
		ASSERT_EQ(0, do_detach_pasid(a->dev[0], id, 5));
		if (a->way == PASIDS)
			ASSERT_EQ(0, do_detach_pasid(a->dev[0], id, 6));
		else
			test_detach(a->dev[0], id);
		return;
	}
	if (a->way == TABLE) {
		ASSERT_EQ(0, do_table(a->fd, IOASID_UNBIND_PGTABLE, id, 0, 0, 0));
		EXPECT_EQ(0, counter(a->fd, "fault-pending", id));
	}
	for (int i = 0; i < a->nr_devs; i++)
		test_detach(a->dev[(first + i) % a->nr_devs], id);
}

static void settle(struct actor *a, int id)
{
	uint64_t faults = counter(a->fd, "faults", id);
	uint64_t success = counter(a->fd, "fault-answers", id);
	uint64_t invalid = counter(a->fd, "fault-invalid", id);
	uint64_t overflows = counter(a->fd, "fault-overflows", id);
	uint64_t timeouts = counter(a->fd, "fault-timeouts", id);
	uint64_t cancels = counter(a->fd, "fault-cancels", id);

	EXPECT_EQ(0, counter(a->fd, "fault-pending", id));
	EXPECT_EQ(faults, success + invalid + overflows + timeouts + cancels);
	a->faults += faults;
	a->success += success;
	a->invalid += invalid;
	a->overflows += overflows;
	a->timeouts += timeouts;
	a->cancels += cancels;
}

static void *actor_thread(void *data)
{
	struct actor *a = data;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		int queue = queue_new(a), id = space_new(a, queue);
		bool early = !any(&a->random, 3);

		__atomic_store_n(&a->queue, queue, __ATOMIC_RELEASE);
		come(a, id, queue);
		usleep(any(&a->random, 4000));
		if (early)
			close(queue);
		if (early && any(&a->random, 2))
			usleep(any(&a->random, 1000));
		go(a, id);
		settle(a, id);
		if (any(&a->random, 2)) {
			test_free(a->fd, id);
			id = 0;
		}
		/* Its consumer may have another's by then. */
		if (!early)
			close(queue);
		if (id)
			test_free(a->fd, id);
		a->lives++;
	}
	return NULL;
}

static void answer(struct actor *a, int queue, const struct ioasid_fault *fault)
{
	struct ioasid_fault_response responses[2];
	struct ioasid_fault_respond args = {
		.argsz = sizeof(args), .nr = 1 + any(&a->consumer_random, 2),
		.responses = (uintptr_t)responses,
	};

	responses[0] = responses[1] = (struct ioasid_fault_response){
		.id = fault->id, .cookie = fault->cookie, .ioasid = fault->ioasid,
		.code = any(&a->consumer_random, 2),
	};
	if (!ioctl(queue, IOASID_FAULT_RESPOND, &args)) {
		EXPECT_EQ(1, args.nr);
		a->taken++;
	} else if (errno == EINVAL) {
		/* It came too late; or it was the second of two. */
		EXPECT_GE(1, args.nr);
		a->taken += args.nr;
	} else {
		EXPECT_EQ(EBADF, errno);
	}
}

/* The descriptor may be closed at any time, and be another's. */
static void *consumer_thread(void *data)
{
	struct ioasid_fault faults[64];
	struct actor *a = data;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		int queue = __atomic_load_n(&a->queue, __ATOMIC_ACQUIRE);
		struct pollfd pfd = { .fd = queue, .events = POLLIN };
		ssize_t len;

		if (queue < 0 || poll(&pfd, 1, 1) != 1 || pfd.revents != POLLIN)
			continue;
		len = read(queue, faults, sizeof(faults));
		for (int i = 0; i < (int)(len / (ssize_t)sizeof(faults[0])); i++)
			if (faults[i].flags & IOASID_FAULT_LAST && any(&a->consumer_random, 8))
				answer(a, queue, &faults[i]);
	}
	return NULL;
}

/* What looks at all of it meanwhile */
static void *reader_thread(void *data)
{
	static char text[1 << 20];
	char path[64];

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		for (int i = 3; i < 64; i++) {
			int fd = i < 40 ? i : QUEUE_FDS + i - 40;

			snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
			read_text(path, text, sizeof(text));
		}
		read_text(IOASID_DEBUGFS, text, sizeof(text));
		usleep(20000);
	}
	return data;
}

/* Instances and actors */

struct race {
	struct fixture_sim *sim;
	int other_fd;			/* a second context */
	uint32_t sims[8];
	struct ioasid_sim_stats stats[8];
	int nr_sims;
	struct actor actors[12];
	int nr_actors;
};

static uint32_t instance(struct race *r, struct ioasid_sim_create args)
{
	int id = do_sim_create(r->sim->ctl, &args);

	ASSERT_LE(0, id);
	r->sims[r->nr_sims] = id;
	r->stats[r->nr_sims++] = sim_stats(r->sim->ctl, id);
	return id;
}

static struct actor *actor(struct race *r, enum way kind, int fd)
{
	struct actor *a = &r->actors[r->nr_actors];

	*a = (struct actor){
		.way = kind, .fd = fd, .queue = -1, .random = r->nr_actors * 77,
		.consumer_random = r->nr_actors * 99,
	};
	r->nr_actors++;
	return a;
}

static void actor_has(struct race *r, struct actor *a, int dev)
{
	test_bind(dev, a->fd, SIM_COOKIE + r->nr_actors * 16 + a->nr_devs);
	a->dev[a->nr_devs++] = dev;
	if (a->parent)
		test_attach(dev, a->parent);
}

static void start_load(struct actor *a, int dev)
{
	struct ioasid_sim_request reqs[32];

	for (unsigned int i = 0; i < ARRAY_SIZE(reqs); i++) {
		uint32_t pasid = a->way == PASIDS ? 5 + i % 2 : a->way == PART ? i % 2 * 5 : 0;

		reqs[i] = (struct ioasid_sim_request){
			.op = IOASID_SIM_OP_READ, .iova = MIB + any(&a->random, WINDOW) * PAGE,
			.len = (1 + any(&a->random, 4)) * PAGE, .pasid = pasid,
			.flags = WAITS | (pasid ? IOASID_SIM_REQ_PASID : 0),
		};
	}
	ASSERT_EQ(0, do_sim_start(dev, 1, reqs, ARRAY_SIZE(reqs), 1 + any(&a->random, 1000)));
}

static void new_simple(struct race *r, enum way way)
{
	uint32_t id = instance(r, (struct ioasid_sim_create){
		.nr_devices = 1, .caps = CAPS, .pasid_bits = 8,
	});

	actor_has(r, actor(r, way, r->sim->fd), sim_open(id, 0));
}

static void new_group(struct race *r)
{
	uint32_t id = instance(r, (struct ioasid_sim_create){
		.nr_devices = 2, .group_size = 2, .caps = CAPS & ~IOASID_SIM_CAP_PASID,
	});
	struct actor *a = actor(r, GROUP, r->sim->fd);

	for (int i = 0; i < 2; i++)
		actor_has(r, a, sim_open(id, i));
}

/* Of one device, for two users */
static void new_parts(struct race *r)
{
	uint32_t id = instance(r, (struct ioasid_sim_create){
		.nr_devices = 1, .nr_subdevices = 2, .caps = CAPS, .pasid_bits = 8,
	});

	for (int i = 0; i < 2; i++)
		actor_has(r, actor(r, PART, i ? r->other_fd : r->sim->fd),
			  sim_open_sub(id, 0, i));
}

/* An empty table, which the IOMMU walks, or the kernel follows */
static void new_table(struct race *r, uint32_t caps)
{
	uint32_t id = instance(r, (struct ioasid_sim_create){
		.nr_devices = 1, .caps = CAPS | caps, .pasid_bits = 8,
	});
	struct actor *a = actor(r, TABLE, r->sim->fd);

	a->parent = test_alloc(a->fd);
	test_map(a->fd, a->parent, memory(PAGE), 0, PAGE);
	actor_has(r, a, sim_open(id, 0));
}

/* Or the test would show less than it should: everything has happened to everybody. */
static bool seen_enough(const struct race *r)
{
	for (int i = 0; i < r->nr_actors; i++) {
		const volatile struct actor *a = &r->actors[i];

		if (a->lives < 3 || !(a->success + a->invalid) || !a->cancels)
			return false;
	}
	return true;
}

static void run(struct race *r)
{
	pthread_t reader;

	for (int i = 0; i < r->nr_actors; i++) {
		struct actor *a = &r->actors[i];

		for (int n = 0; n < a->nr_devs; n++)
			start_load(a, a->dev[n]);
		ASSERT_EQ(0, pthread_create(&a->thread, NULL, actor_thread, a));
		ASSERT_EQ(0, pthread_create(&a->consumer, NULL, consumer_thread, a));
	}
	ASSERT_EQ(0, pthread_create(&reader, NULL, reader_thread, NULL));
	sleep(seconds);
	while (!harness_shared->failed && !seen_enough(r))
		usleep(10000);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < r->nr_actors; i++) {
		ASSERT_EQ(0, pthread_join(r->actors[i].thread, NULL));
		ASSERT_EQ(0, pthread_join(r->actors[i].consumer, NULL));
	}
	ASSERT_EQ(0, pthread_join(reader, NULL));
}

/* What the devices were told is what was counted. */
static void compare(struct race *r)
{
	uint64_t success = 0, invalid = 0, told_success = 0, told_invalid = 0, taken = 0;

	for (int i = 0; i < r->nr_sims; i++) {
		struct ioasid_sim_stats now = sim_since(r->sim->ctl, r->sims[i], &r->stats[i]);

		told_success += now.page_success;
		told_invalid += now.page_invalid;
		EXPECT_EQ(0, now.page_failure);
	}
	for (int i = 0; i < r->nr_actors; i++) {
		struct actor *a = &r->actors[i];

		diag("%-14s %llu times: %llu groups; %llu success, %llu invalid, %llu overflows, "
		     "%llu timeouts, %llu cancelled", ways[a->way], (unsigned long long)a->lives,
		     (unsigned long long)a->faults, (unsigned long long)a->success,
		     (unsigned long long)a->invalid, (unsigned long long)a->overflows,
		     (unsigned long long)a->timeouts, (unsigned long long)a->cancels);
		success += a->success;
		invalid += a->faults - a->success;
		taken += a->taken;
	}
	EXPECT_EQ(told_success, success);
	/* What is asked for before an attach is complete, newer kernels answer themselves. */
	EXPECT_LE(invalid, told_invalid);
	diag("%llu groups were answered before they were reported",
	     (unsigned long long)(told_invalid - invalid));
	/* Descriptors change hands: the sum is what must be right. */
	for (int i = 0; i < r->nr_actors; i++)
		taken -= r->actors[i].success + r->actors[i].invalid;
	EXPECT_EQ(0, taken);
}

TEST_F(sim, race, "queues, spaces, tables and devices go while faults are answered",
       .timeout = 240)
{
	const char *text = getenv("IOASID_RACE_SECONDS");
	struct ioasid_sim_load_result result;
	struct race r = { .sim = self, .other_fd = test_open() };

	seconds = text ? strtoul(text, NULL, 0) : 5;
	new_simple(&r, DEFAULT);
	new_simple(&r, PASIDS);
	new_group(&r);
	new_parts(&r);
	new_table(&r, IOASID_SIM_CAP_NESTING);
	new_table(&r, 0);
	run(&r);
	for (int i = 0; i < r.nr_actors; i++)
		for (int n = 0; n < r.actors[i].nr_devs; n++) {
			ASSERT_EQ(0, do_sim_stop(r.actors[i].dev[n], &result));
			EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
			close(r.actors[i].dev[n]);
		}
	compare(&r);
	close(r.other_fd);
}

/* A device that waits, and is not to be had any more */
TEST_F(sim, gone, "a device disappears while it waits for pages, and others wait on", .timeout = 60)
{
	struct ioasid_fault_queue_alloc qargs = { .argsz = sizeof(qargs), .entries = 64 };
	struct ioasid_alloc args = {
		.argsz = sizeof(args), .kind = IOASID_KIND_KERNEL, .flags = ASKS,
	};
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_READ, .iova = MIB, .len = PAGE, .flags = WAITS,
	};
	struct actor a[2] = {};
	uint32_t sims[2];
	int id;

	args.fault_queue = ioctl(self->fd, IOASID_FAULT_QUEUE_ALLOC, &qargs);
	ASSERT_LE(0, args.fault_queue);
	id = ioctl(self->fd, IOASID_ALLOC, &args);
	ASSERT_LT(0, id);
	for (int i = 0; i < 2; i++) {
		sims[i] = sim_create(self->ctl, .nr_devices = 1, .caps = CAPS, .pasid_bits = 8);
		a[i].dev[0] = sim_open(sims[i], 0);
		test_bind(a[i].dev[0], self->fd, SIM_COOKIE + i);
		test_attach(a[i].dev[0], id);
		ASSERT_EQ(0, do_sim_start(a[i].dev[0], 4, &req, 1, 1));
	}
	while (counter(self->fd, "fault-pending", id) != 8)
		usleep(1000);
	ASSERT_EQ(0, do_sim_destroy(self->ctl, sims[0]));
	EXPECT_EQ(4, counter(self->fd, "fault-pending", id));
	EXPECT_EQ(4, counter(self->fd, "fault-cancels", id));
	EXPECT_EQ(8, counter(self->fd, "faults", id));
	test_detach(a[1].dev[0], id);
	EXPECT_EQ(0, counter(self->fd, "fault-pending", id));
	EXPECT_EQ(8, counter(self->fd, "fault-cancels", id));
	close(a[0].dev[0]);
	close(a[1].dev[0]);
	close(args.fault_queue);
}

HARNESS_MAIN
