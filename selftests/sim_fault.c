// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues of faults: what they refuse, their bounds, read(2) and poll(2), consumers that
 * write to the ring, faults that nobody can repair, and who is named in a record.
 * Scenarios are in sim_s6, masses in sim_fault_storm.
 */
#include <linux/ioasid_fault.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "sim_fixture.h"
#include "sim_async.h"
#include "state_util.h"

#define ASKS_CAPS	(IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_PASID)
#define WAITS		(IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI)
#define QUEUE		IOASID_ALLOC_FAULT_QUEUE
#define ASKS		(QUEUE | IOASID_ALLOC_PAGE_REQUESTS)
#define AT		0x100000UL

static int do_queue(int fd, struct ioasid_fault_queue_alloc args)
{
	args.argsz = sizeof(args);
	return ioctl(fd, IOASID_FAULT_QUEUE_ALLOC, &args);
}

/* queue_of(fd, entries, .timeout_ms = ..., ...) */
#define queue_of(fd, _entries, ...) ({						\
	int __q = do_queue(fd, (struct ioasid_fault_queue_alloc){		\
				.entries = _entries, ##__VA_ARGS__ });		\
										\
	ASSERT_LE(0, __q);							\
	__q;									\
})
#define queue_fd(fd, ...)	queue_of(fd, 64, ##__VA_ARGS__)
#define test_err_queue(err, fd, ...)						\
	EXPECT_ERRNO(err, do_queue(fd, (struct ioasid_fault_queue_alloc){ __VA_ARGS__ }))

static int do_space(int fd, uint32_t flags, int queue)
{
	struct ioasid_alloc args = {
		.argsz = sizeof(args), .kind = IOASID_KIND_KERNEL, .flags = flags,
		.fault_queue = queue,
	};

	return ioctl(fd, IOASID_ALLOC, &args);
}

static int space_with(int fd, uint32_t flags, int queue)
{
	int id = do_space(fd, flags, queue);

	ASSERT_LT(0, id);
	return id;
}

static struct ioasid_fault_ring *map_ring(int queue, uint32_t entries)
{
	size_t size = PAGE + entries * sizeof(struct ioasid_fault);
	void *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, queue, 0);

	ASSERT_TRUE(ring != MAP_FAILED);
	return ring;
}

static struct ioasid_fault *record(struct ioasid_fault_ring *ring, uint32_t n)
{
	return (void *)ring + ring->record_offset + n % ring->entries * ring->record_size;
}

static bool readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1 && pfd.revents == POLLIN;
}

/* Waits for one group; its records, and how many. */
static int read_group(int queue, struct ioasid_fault *faults, int max)
{
	ssize_t len;

	ASSERT_TRUE(readable(queue, 20000));
	len = read(queue, faults, max * sizeof(*faults));
	ASSERT_LE(0, len);
	ASSERT_EQ(0, len % sizeof(*faults));
	return len / sizeof(*faults);
}

static int do_answer(int queue, struct ioasid_fault_response *responses, uint32_t *nr)
{
	struct ioasid_fault_respond args = {
		.argsz = sizeof(args), .nr = *nr, .responses = (uintptr_t)responses,
	};
	int rc = ioctl(queue, IOASID_FAULT_RESPOND, &args);

	*nr = args.nr;
	return rc;
}

static int answer(int queue, const struct ioasid_fault *fault, uint32_t code)
{
	struct ioasid_fault_response response = {
		.id = fault->id, .cookie = fault->cookie, .ioasid = fault->ioasid, .code = code,
	};
	uint32_t nr = 1;

	return do_answer(queue, &response, &nr);
}

#define counter(self, key, id)	fdinfo_get_n((self)->fd, "ioasid-" key, id)

/* A device that asks, in a space with a queue. */
struct asker {
	uint32_t sim;
	int dev, queue, id;
	uint8_t *sram;
};

static struct asker asker_in(struct fixture_sim *self, int queue, uint64_t cookie)
{
	struct asker a = {
		.sim = sim_create(self->ctl, .nr_devices = 1, .caps = ASKS_CAPS, .pasid_bits = 8),
		.queue = queue,
	};

	a.dev = sim_open(a.sim, 0);
	test_bind(a.dev, self->fd, cookie);
	a.sram = sim_sram(a.dev);
	a.id = space_with(self->fd, ASKS, queue);
	test_attach(a.dev, a.id);
	return a;
}

#define asker_of(self, ...)	asker_in(self, queue_of((self)->fd, ##__VA_ARGS__), SIM_COOKIE)
#define asker(self, ...)	asker_of(self, 64, ##__VA_ARGS__)

static void asks(struct async *async, const struct asker *a, uint64_t iova, uint64_t len)
{
	async_start(async, a->dev, .op = IOASID_SIM_OP_READ, .iova = iova, .len = len,
		    .flags = WAITS);
}

/* The group was refused at once. */
static void asks_in_vain(const struct asker *a, uint64_t iova, uint64_t len)
{
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(a->dev, iova, len, 0, .flags = WAITS));
}

static void asker_end(struct asker *a)
{
	close(a->dev);
	close(a->queue);
}

TEST_F(sim, alloc_refused, "FAULT_QUEUE_ALLOC refuses what it cannot do", .timeout = 60)
{
	int fd = self->fd, null = open("/dev/null", O_RDWR);

	test_err_queue(EINVAL, fd, .entries = 0);
	test_err_queue(EINVAL, fd, .entries = 4);
	test_err_queue(EINVAL, fd, .entries = 63);
	test_err_queue(EINVAL, fd, .entries = 131072);
	test_err_queue(EINVAL, fd, .entries = 64, .queue_limit = 65537);
	test_err_queue(EINVAL, fd, .entries = 64, .space_limit = 65537);
	test_err_queue(EINVAL, fd, .entries = 64, .device_limit = 65537);
	test_err_queue(EINVAL, fd, .entries = 64, .timeout_ms = 600001);
	test_err_queue(EINVAL, fd, .entries = 64, .eventfd = null);
	test_err_queue(EOPNOTSUPP, fd, .entries = 64, .flags = 2);
	test_err_queue(EINVAL, fd, .entries = 64, .flags = IOASID_FAULT_QUEUE_EVENTFD,
		       .eventfd = null);
	test_err_queue(EBADF, fd, .entries = 64, .flags = IOASID_FAULT_QUEUE_EVENTFD,
		       .eventfd = -1);
	close(null);
}

TEST_F(sim, space_refused, "spaces take queues of their context, and page requests with one only")
{
	int queue = queue_fd(self->fd), other = test_open(), foreign = queue_fd(other);
	struct ioasid_alloc args = {
		.argsz = sizeof(args), .kind = IOASID_KIND_KERNEL, .flags = QUEUE,
		.fault_queue = queue, .__reserved = 1,
	};
	struct ioasid_bind_table bind = { .argsz = sizeof(bind), .ioasid = 1 };

	EXPECT_ERRNO(EINVAL, do_space(self->fd, IOASID_ALLOC_PAGE_REQUESTS, 0));
	EXPECT_ERRNO(EINVAL, do_space(self->fd, 0, queue));
	EXPECT_ERRNO(EBADF, do_space(self->fd, QUEUE, -1));
	EXPECT_ERRNO(EINVAL, do_space(self->fd, QUEUE, self->fd));
	EXPECT_ERRNO(EINVAL, do_space(self->fd, QUEUE, foreign));
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_ALLOC, &args));
	bind.flags = IOASID_BIND_PAGE_REQUESTS;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_BIND_PGTABLE, &bind));
	bind.flags = 0;
	bind.fault_queue = queue;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_BIND_PGTABLE, &bind));
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_UNBIND_PGTABLE, &bind));
	EXPECT_ERRNO(ENOTTY, ioctl(queue, IOASID_ALLOC, &args));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, IOASID_FAULT_RESPOND, &args));
	space_with(self->fd, QUEUE, queue);
	close(foreign);
	close(other);
	close(queue);
	/* A space keeps what is left of its queue. */
	EXPECT_ERRNO(EBADF, do_space(self->fd, QUEUE, queue));
}

TEST_F(sim, device_refused, "who cannot ask for pages is not let in where it has to")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 1, .caps = IOASID_SIM_CAP_ATS);
	int dev = sim_open(id, 0), queue = queue_fd(self->fd);
	int strict = space_with(self->fd, ASKS, queue);
	int lax = space_with(self->fd, QUEUE, queue);
	struct ioasid_device_info info = { .argsz = sizeof(info), .cookie = SIM_COOKIE };
	struct asker a = asker_in(self, queue, SIM_COOKIE + 1);

	test_bind(dev, self->fd, SIM_COOKIE);
	EXPECT_ERRNO(EOPNOTSUPP, do_attach(dev, strict));
	test_attach(dev, lax);
	ASSERT_EQ(0, ioctl(self->fd, IOASID_DEVICE_GET_INFO, &info));
	EXPECT_FALSE(info.flags & IOASID_DEV_INFO_PAGE_REQUESTS);
	info.argsz = sizeof(info);
	info.cookie = SIM_COOKIE + 1;
	ASSERT_EQ(0, ioctl(self->fd, IOASID_DEVICE_GET_INFO, &info));
	EXPECT_TRUE(info.flags & IOASID_DEV_INFO_PAGE_REQUESTS);
	EXPECT_ERRNO(EBUSY, do_free(self->fd, a.id));
	close(dev);
	asker_end(&a);
}

TEST_F(sim, read_groups, "E32: read gives whole groups, or nothing", .timeout = 60)
{
	struct ioasid_fault faults[8] = {};
	struct asker a = asker(self);
	struct async async;

	ASSERT_EQ(0, fcntl(a.queue, F_SETFL, O_NONBLOCK));
	EXPECT_FALSE(readable(a.queue, 0));
	EXPECT_ERRNO(EAGAIN, read(a.queue, faults, sizeof(faults)));
	EXPECT_ERRNO(ESPIPE, read(a.queue, faults, sizeof(faults[0]) + 1));
	asks(&async, &a, AT, 3 * PAGE);
	ASSERT_TRUE(readable(a.queue, 20000));
	EXPECT_ERRNO(ESPIPE, read(a.queue, faults, 3 * sizeof(faults[0]) - 1));
	EXPECT_EQ(0, read(a.queue, faults, 0));
	EXPECT_EQ(0, read(a.queue, faults, 2 * sizeof(faults[0])));
	EXPECT_ERRNO(EFAULT, read(a.queue, (void *)PAGE, 8 * sizeof(faults[0])));
	ASSERT_EQ(3, read_group(a.queue, faults, 3));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(AT + i * PAGE, faults[i].addr);
	EXPECT_EQ(IOASID_FAULT_LAST, faults[2].flags);
	EXPECT_EQ(0, faults[1].flags);
	EXPECT_FALSE(readable(a.queue, 0));
	test_map(self->fd, a.id, self->mem, AT, 3 * PAGE);
	EXPECT_EQ(0, answer(a.queue, &faults[0], IOASID_FAULT_SUCCESS));
	EXPECT_EQ(IOASID_SIM_OK, async_end(&async));
	EXPECT_EQ(0, memcmp(a.sram, self->mem, 3 * PAGE));
	asker_end(&a);
}

TEST_F(sim, answers, "arrays of answers end at the first one that is wrong", .timeout = 60)
{
	struct ioasid_fault_response r[4] = {};
	struct ioasid_fault_respond args = { .argsz = sizeof(args), .responses = (uintptr_t)r };
	struct ioasid_fault fault;
	struct asker a = asker(self);
	struct async async[3];
	uint32_t nr;

	for (int i = 0; i < 3; i++) {
		asks(&async[i], &a, AT + i * PAGE, 8);
		ASSERT_EQ(1, read_group(a.queue, &fault, 1));
		r[i] = (struct ioasid_fault_response){ fault.id, fault.cookie, fault.ioasid, 1 };
	}
	r[3] = r[2];
	r[2].code = 2;
	EXPECT_ERRNO(EINVAL, ioctl(a.queue, IOASID_FAULT_RESPOND, &args));
	args.nr = IOASID_MAX_FAULT_RESPONSES + 1;
	EXPECT_ERRNO(EINVAL, ioctl(a.queue, IOASID_FAULT_RESPOND, &args));
	args.nr = 1;
	args.flags = 1;
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(a.queue, IOASID_FAULT_RESPOND, &args));
	args.flags = 0;
	args.responses = PAGE;
	EXPECT_ERRNO(EFAULT, ioctl(a.queue, IOASID_FAULT_RESPOND, &args));
	EXPECT_EQ(0, args.nr);
	EXPECT_EQ(3, counter(self, "fault-pending", a.id));
	nr = 4;
	EXPECT_ERRNO(EINVAL, do_answer(a.queue, r, &nr));
	EXPECT_EQ(2, nr);
	nr = 1;
	EXPECT_EQ(0, do_answer(a.queue, &r[3], &nr));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&async[i]));
	EXPECT_EQ(3, counter(self, "fault-invalid", a.id));
	asker_end(&a);
}

TEST_F(sim, limits, "beyond the limits of queue, space and device is no waiting", .timeout = 60)
{
	int queue = queue_fd(self->fd, .queue_limit = 3, .space_limit = 2, .device_limit = 1);
	struct asker a[4];
	struct async async[4];
	struct ioasid_fault faults[4];

	for (int i = 0; i < 4; i++)
		a[i] = asker_in(self, queue, SIM_COOKIE + i);
	/* Of the device, in any space */
	asks(&async[0], &a[0], AT, 8);
	ASSERT_EQ(1, read_group(queue, &faults[0], 1));
	asks_in_vain(&a[0], AT, 8);
	EXPECT_EQ(1, counter(self, "fault-overflows", a[0].id));
	/* Of the space */
	for (int i = 1; i < 3; i++) {
		test_detach(a[i].dev, a[i].id);
		test_attach(a[i].dev, a[0].id);
	}
	asks(&async[1], &a[1], AT, 8);
	ASSERT_EQ(1, read_group(queue, &faults[1], 1));
	asks_in_vain(&a[2], AT, 8);
	EXPECT_EQ(2, counter(self, "fault-overflows", a[0].id));
	EXPECT_EQ(2, counter(self, "fault-pending", a[0].id));
	/* Of the queue */
	test_detach(a[2].dev, a[0].id);
	test_attach(a[2].dev, a[2].id);
	asks(&async[2], &a[2], AT, 8);
	ASSERT_EQ(1, read_group(queue, &faults[2], 1));
	asks_in_vain(&a[3], AT, 8);
	EXPECT_EQ(1, counter(self, "fault-overflows", a[3].id));
	/* What is answered makes room. */
	EXPECT_EQ(0, answer(queue, &faults[0], IOASID_FAULT_INVALID));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&async[0]));
	asks(&async[3], &a[3], AT, 8);
	ASSERT_EQ(1, read_group(queue, &faults[3], 1));
	for (int i = 1; i < 4; i++) {
		EXPECT_EQ(0, answer(queue, &faults[i], IOASID_FAULT_INVALID));
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&async[i]));
	}
	for (int i = 0; i < 4; i++)
		close(a[i].dev);
	close(queue);
}

TEST_F(sim, overflow, "a ring without room refuses whole groups, and goes on afterwards",
       .timeout = 60)
{
	struct asker a = asker_of(self, 8);
	struct ioasid_fault_ring *ring = map_ring(a.queue, 8);
	struct async async[2];
	struct ioasid_fault first;

	EXPECT_EQ(8, ring->entries);
	EXPECT_EQ(sizeof(struct ioasid_fault), ring->record_size);
	asks(&async[0], &a, AT, 6 * PAGE);
	ASSERT_TRUE(readable(a.queue, 20000));
	first = *record(ring, 0);
	asks_in_vain(&a, AT + 16 * PAGE, 3 * PAGE);
	EXPECT_EQ(6, ring->head);
	EXPECT_EQ(3, ring->dropped);
	EXPECT_EQ(1, counter(self, "fault-overflows", a.id));
	/* Room for two, and it takes them. */
	asks(&async[1], &a, AT + 32 * PAGE, 2 * PAGE);
	while (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) != 8)
		usleep(1000);
	EXPECT_EQ(9, record(ring, 6)->seq);
	EXPECT_EQ(0, answer(a.queue, record(ring, 7), IOASID_FAULT_INVALID));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&async[1]));
	__atomic_store_n(&ring->tail, 8, __ATOMIC_RELEASE);
	test_map(self->fd, a.id, self->mem, AT, 6 * PAGE);
	EXPECT_EQ(0, answer(a.queue, &first, IOASID_FAULT_SUCCESS));
	EXPECT_EQ(IOASID_SIM_OK, async_end(&async[0]));
	EXPECT_EQ(0, memcmp(a.sram, self->mem, 6 * PAGE));
	asker_end(&a);
}

TEST_F(sim, hostile, "who writes nonsense to the ring harms his own records", .timeout = 60)
{
	struct asker a = asker_of(self, 8), good;
	struct ioasid_fault_ring *ring = map_ring(a.queue, 8);
	struct ioasid_fault fault;
	struct async async;
	uint32_t nonsense[] = { 1, 0x80000000, 0xffffffff - 8 };

	good = asker_in(self, queue_fd(self->fd), SIM_COOKIE + 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(nonsense); i++) {
		ring->tail = nonsense[i];
		asks_in_vain(&a, AT, 8);
		EXPECT_ERRNO(EIO, read(a.queue, &fault, sizeof(fault)));
		EXPECT_EQ(i + 1, counter(self, "fault-overflows", a.id));
	}
	/* All of it, header and records */
	memset(ring, 0xa5, PAGE + 8 * sizeof(fault));
	asks_in_vain(&a, AT, 8);
	ring->tail = 0;
	asks(&async, &a, AT, 8);
	while (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) != 1)
		usleep(1000);
	fault = *(struct ioasid_fault *)((void *)ring + PAGE);
	EXPECT_EQ(AT, fault.addr);
	memset(ring, 0x5a, PAGE + 8 * sizeof(fault));
	test_map(self->fd, a.id, self->mem, AT, PAGE);
	EXPECT_EQ(0, answer(a.queue, &fault, IOASID_FAULT_SUCCESS));
	EXPECT_EQ(IOASID_SIM_OK, async_end(&async));
	/* And another queue has not noticed. */
	asks(&async, &good, AT, 8);
	ASSERT_EQ(1, read_group(good.queue, &fault, 1));
	EXPECT_ERRNO(EINVAL, answer(a.queue, &fault, IOASID_FAULT_INVALID));
	EXPECT_EQ(0, answer(good.queue, &fault, IOASID_FAULT_INVALID));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&async));
	asker_end(&good);
	asker_end(&a);
}

TEST_F(sim, mapping, "the ring is mapped shared, from its start, and not executable")
{
	int queue = queue_of(self->fd, 8);
	size_t size = 2 * PAGE;
	void *ring;

	EXPECT_TRUE(mmap(NULL, size, PROT_READ, MAP_PRIVATE, queue, 0) == MAP_FAILED);
	EXPECT_TRUE(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, queue, PAGE) == MAP_FAILED);
	EXPECT_TRUE(mmap(NULL, size + PAGE, PROT_READ, MAP_SHARED, queue, 0) == MAP_FAILED);
	EXPECT_TRUE(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, queue, 0) == MAP_FAILED);
	ring = map_ring(queue, 8);
	EXPECT_EQ(-1, mprotect(ring, size, PROT_READ | PROT_EXEC));
	close(queue);
	/* The memory stays for as long as somebody has it mapped. */
	EXPECT_EQ(8, ((struct ioasid_fault_ring *)ring)->entries);
	memset(ring, 1, size);
	EXPECT_EQ(0, munmap(ring, size));
}

TEST_F(sim, event, "an eventfd is raised with each group, and a child may answer", .timeout = 60)
{
	int event = eventfd(0, EFD_NONBLOCK), status;
	struct asker a = asker(self, .flags = IOASID_FAULT_QUEUE_EVENTFD, .eventfd = event);
	struct ioasid_fault fault;
	struct async async;
	uint64_t count;
	pid_t child;

	EXPECT_ERRNO(EAGAIN, read(event, &count, sizeof(count)));
	asks(&async, &a, AT, 8);
	ASSERT_TRUE(readable(event, 20000));
	ASSERT_EQ(sizeof(count), read(event, &count, sizeof(count)));
	EXPECT_EQ(1, count);
	ASSERT_EQ(1, read_group(a.queue, &fault, 1));
	test_map(self->fd, a.id, self->mem, AT, PAGE);
	child = fork();
	if (!child)
		_exit(answer(a.queue, &fault, IOASID_FAULT_SUCCESS) ? 1 : 0);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&async));
	asker_end(&a);
	close(event);
}

/* One record of a fault that nobody can repair */
static struct ioasid_fault lost_access(int queue, int dev, uint32_t op, uint64_t iova,
				       uint32_t pasid, uint32_t status)
{
	struct ioasid_fault fault = {};

	EXPECT_EQ(status, sim_do(dev, .op = op, .iova = iova, .len = 8, .pasid = pasid,
				 .flags = pasid ? IOASID_SIM_REQ_PASID : 0));
	ASSERT_EQ(1, read_group(queue, &fault, 1));
	EXPECT_EQ(IOASID_FAULT_UNRECOVERABLE, fault.type);
	EXPECT_EQ(0, fault.id);
	EXPECT_EQ(iova, fault.addr);
	EXPECT_EQ(op == IOASID_SIM_OP_WRITE ? IOASID_FAULT_PERM_WRITE : IOASID_FAULT_PERM_READ,
		  fault.perm);
	return fault;
}

TEST_F(sim, unrecoverable, "accesses that failed are reported, as far as the IOMMU tells")
{
	int queue = queue_fd(self->fd), other;
	struct asker a = asker_in(self, queue, SIM_COOKIE);
	struct ioasid_fault fault;

	/* A page that is only readable, one that is not there, both without ATS */
	test_map_flags(self->fd, a.id, self->mem, AT, PAGE, IOASID_MAP_READ);
	fault = lost_access(queue, a.dev, IOASID_SIM_OP_WRITE, AT + 8, 0,
			    IOASID_SIM_FAULT_PERMISSION);
	EXPECT_EQ(0, fault.flags);
	EXPECT_EQ(SIM_COOKIE, fault.cookie);
	EXPECT_EQ((uint32_t)a.id, fault.ioasid);
	EXPECT_EQ(0, fault.seq);
	fault = lost_access(queue, a.dev, IOASID_SIM_OP_READ, AT + PAGE, 0,
			    IOASID_SIM_FAULT_NOT_PRESENT);
	EXPECT_EQ(1, fault.seq);
	EXPECT_EQ(2, counter(self, "faults-unrecoverable", a.id));
	EXPECT_EQ(0, counter(self, "faults", a.id));
	/* What the device asked for with ATS is its own to know. */
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION,
		  sim_write(a.dev, AT, 8, 0, .flags = IOASID_SIM_REQ_ATS));
	EXPECT_FALSE(readable(queue, 0));
	/* The only PASID in a space is known, one of several is not. */
	other = space_with(self->fd, QUEUE, queue);
	ASSERT_EQ(0, do_attach_pasid(a.dev, other, 5));
	fault = lost_access(queue, a.dev, IOASID_SIM_OP_READ, AT, 5, IOASID_SIM_FAULT_NOT_PRESENT);
	EXPECT_EQ(IOASID_FAULT_PASID, fault.flags);
	EXPECT_EQ(5, fault.pasid);
	EXPECT_EQ((uint32_t)other, fault.ioasid);
	ASSERT_EQ(0, do_attach_pasid(a.dev, other, 6));
	fault = lost_access(queue, a.dev, IOASID_SIM_OP_READ, AT, 5, IOASID_SIM_FAULT_NOT_PRESENT);
	EXPECT_EQ(0, fault.flags);
	EXPECT_EQ(SIM_COOKIE, fault.cookie);
	asker_end(&a);
}

/* Parts of one device: the wire has PASIDs of the kernel's choice. */
TEST_F(sim, parts, "parts of a device are named, with the PASID of their user", .timeout = 60)
{
	uint32_t sim = sim_create(self->ctl, .nr_devices = 1, .nr_subdevices = 2,
				  .caps = ASKS_CAPS, .pasid_bits = 8);
	int queue = queue_fd(self->fd), id = space_with(self->fd, ASKS, queue), dev[2];
	struct ioasid_fault fault;
	struct async async;

	for (int i = 0; i < 2; i++) {
		dev[i] = sim_open_sub(sim, 0, i);
		test_bind(dev[i], self->fd, SIM_COOKIE + i);
		test_attach(dev[i], id);
		ASSERT_EQ(0, do_attach_pasid(dev[i], id, 77));
	}
	for (int i = 0; i < 4; i++) {
		uint32_t pasid = i & 2 ? 77 : 0;

		async_start(&async, dev[i & 1], .op = IOASID_SIM_OP_READ, .iova = AT + i * PAGE,
			    .len = 8, .pasid = pasid,
			    .flags = WAITS | (pasid ? IOASID_SIM_REQ_PASID : 0));
		ASSERT_EQ(1, read_group(queue, &fault, 1));
		EXPECT_EQ(SIM_COOKIE + (i & 1), fault.cookie);
		EXPECT_EQ(pasid, fault.pasid);
		EXPECT_EQ(IOASID_FAULT_LAST | (pasid ? IOASID_FAULT_PASID : 0), fault.flags);
		test_map(self->fd, id, self->mem + i * PAGE, AT + i * PAGE, PAGE);
		EXPECT_EQ(0, answer(queue, &fault, IOASID_FAULT_SUCCESS));
		EXPECT_EQ(IOASID_SIM_OK, async_end(&async));
	}
	/* Without page requests nobody can tell the two apart. */
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(dev[1], 0, 8, 0));
	ASSERT_EQ(1, read_group(queue, &fault, 1));
	EXPECT_EQ(IOASID_FAULT_NO_DEVICE, fault.flags);
	EXPECT_EQ(0, fault.cookie);
	close(dev[0]);
	close(dev[1]);
	close(queue);
}

TEST_F(sim, group, "of a group of devices the one that asked is named", .timeout = 60)
{
	uint32_t sim = sim_create(self->ctl, .nr_devices = 2, .group_size = 2,
				  .caps = IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI);
	int queue = queue_fd(self->fd), id = space_with(self->fd, ASKS, queue), dev[2];
	struct ioasid_fault fault;
	struct async async;

	for (int i = 0; i < 2; i++) {
		dev[i] = sim_open(sim, i);
		test_bind(dev[i], self->fd, SIM_COOKIE + i);
		test_attach(dev[i], id);
	}
	for (int i = 1; i >= 0; i--) {
		async_start(&async, dev[i], .op = IOASID_SIM_OP_READ, .iova = AT + i * PAGE,
			    .len = 8, .flags = WAITS);
		ASSERT_EQ(1, read_group(queue, &fault, 1));
		EXPECT_EQ(SIM_COOKIE + i, fault.cookie);
		test_map(self->fd, id, self->mem, AT + i * PAGE, PAGE);
		EXPECT_EQ(0, answer(queue, &fault, IOASID_FAULT_SUCCESS));
		EXPECT_EQ(IOASID_SIM_OK, async_end(&async));
	}
	/* One leaves: all are blocked, what was asked for is answered. */
	async_start(&async, dev[0], .op = IOASID_SIM_OP_READ, .iova = AT + 9 * PAGE, .len = 8,
		    .flags = WAITS);
	ASSERT_EQ(1, read_group(queue, &fault, 1));
	test_detach(dev[1], id);
	EXPECT_EQ(IOASID_SIM_ABORTED, async_end(&async));
	EXPECT_ERRNO(EINVAL, answer(queue, &fault, IOASID_FAULT_SUCCESS));
	EXPECT_EQ(1, counter(self, "fault-cancels", id));
	close(dev[0]);
	close(dev[1]);
	close(queue);
}

HARNESS_MAIN
