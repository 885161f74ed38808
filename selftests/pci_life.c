// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a PCI function, and what happens when somebody goes: mappings of BARs,
 * other processes, VFIO as the other owner, SIGKILL, unbinding and removing the
 * device under its user, and everything at once.
 */
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <pthread.h>

#include "pci_fixture.h"

/* A read of the BAR, true when it ends in SIGBUS. */
static sigjmp_buf bus_error;

static void on_sigbus(int sig __attribute__((unused)))
{
	siglongjmp(bus_error, 1);
}

static bool bar_is_gone(struct edu *edu)
{
	struct sigaction action = { .sa_handler = on_sigbus }, old;
	volatile bool gone = true;

	sigaction(SIGBUS, &action, &old);
	if (!sigsetjmp(bus_error, 1)) {
		edu_read32(edu, EDU_REG_ID);
		gone = false;
	}
	sigaction(SIGBUS, &old, NULL);
	return gone;
}

TEST_F(pci, bar_unbind, "unbind takes mappings of BARs away, bind gives them back")
{
	struct edu_device *dev = &self->dev[0];

	bind_start(self, 0);
	EXPECT_FALSE(bar_is_gone(&dev->edu));
	test_unbind(dev->fd);
	EXPECT_TRUE(bar_is_gone(&dev->edu));
	test_bind(dev->fd, self->fd, COOKIE);
	EXPECT_FALSE(bar_is_gone(&dev->edu));
}

TEST_F(pci, bar_holds_file, "a mapping of a BAR keeps the file, and with it the device")
{
	struct edu_device *dev = &self->dev[0];
	int id = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(dev->fd, id);
	test_map(self->fd, id, self->mem, 0, 2 * PAGE);
	close(dev->fd);
	dev->fd = -1;
	EXPECT_ERRNO(EBUSY, device_node(dev->name));
	test_err_free(EBUSY, self->fd, id);
	EXPECT_TRUE(dma_copies(dev, 0, PAGE, self->mem + PAGE, self->mem));
	edu_close(&dev->edu);
	edu_device_open(dev, 0);
	test_free(self->fd, id);
}

/*
 * Other processes
 */
static void send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	ASSERT_EQ(1, sendmsg(socket, &msg, 0));
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	ASSERT_EQ(1, recvmsg(socket, &msg, 0));
	ASSERT_TRUE(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static bool child_ok(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

TEST_F(pci, scm_rights, "a device is passed to another process and works there")
{
	struct edu_device *dev = &self->dev[0];
	int id = test_alloc(self->fd);
	int sockets[2];
	pid_t pid;

	ASSERT_TRUE(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid = fork();
	ASSERT_TRUE(pid >= 0);
	if (!pid) {
		/* Nothing of what was inherited is used. */
		for (int i = 0; i < 2; i++)
			close(self->dev[i].fd);
		close(self->fd);
		self->fd = receive_fd(sockets[1]);
		dev->fd = receive_fd(sockets[1]);
		edu_device_start(dev);
		test_map(self->fd, id, self->mem, 16 * PAGE, 2 * PAGE);
		ASSERT_TRUE(dma_copies(dev, 16 * PAGE, 17 * PAGE, self->mem + PAGE, self->mem));
		_exit(0);
	}
	test_bind(dev->fd, self->fd, COOKIE);
	test_attach(dev->fd, id);
	send_fd(sockets[0], self->fd);
	send_fd(sockets[0], dev->fd);
	close(dev->fd);
	dev->fd = -1;
	EXPECT_TRUE(child_ok(pid));
	edu_device_open(dev, 0);
	test_bind(dev->fd, self->fd, COOKIE);
	EXPECT_EQ(2 * PAGE, (unsigned long)do_unmap_all(self->fd, id));
}

TEST_F(pci, fork_uses, "after fork parent and child use one device")
{
	struct edu_device *dev = &self->dev[0];
	int id = test_alloc(self->fd);
	pid_t pid;

	bind_start(self, 0);
	pid = fork();
	ASSERT_TRUE(pid >= 0);
	if (!pid) {
		test_attach(dev->fd, id);
		test_map(self->fd, id, self->mem, 0, 2 * PAGE);
		ASSERT_TRUE(dma_copies(dev, 0, PAGE, self->mem + PAGE, self->mem));
		_exit(0);
	}
	EXPECT_TRUE(child_ok(pid));
	test_err_attach(EBUSY, dev->fd, id);
	/* The child's memory is what is mapped, not its copy here. */
	ASSERT_TRUE(!edu_to_device(&dev->edu, 0, 0, PAGE));
	test_map(self->fd, id, self->mem, 16 * PAGE, 2 * PAGE);
	EXPECT_TRUE(dma_copies(dev, 16 * PAGE, 17 * PAGE, self->mem + PAGE, self->mem));
}

static void killed_child(struct fixture_pci *self, int sync)
{
	int id = test_alloc(self->fd);
	char byte = 0;

	for (int i = 0; i < 2; i++) {
		bind_start(self, i);
		test_attach(self->dev[i].fd, id);
	}
	test_map(self->fd, id, self->mem, 0, TEST_PAGES * PAGE);
	ASSERT_EQ(1, write(sync, &byte, 1));
	for (unsigned int n = 0;; n++) {
		edu_start(&self->dev[0].edu, 0, 0, PAGE, EDU_CMD_TO_RAM);
		test_map(self->fd, id, self->mem, 16 * MIB, TEST_PAGES * PAGE);
		test_unmap(self->fd, id, 16 * MIB, TEST_PAGES * PAGE);
		test_detach(self->dev[1].fd, id);
		test_attach(self->dev[1].fd, id);
		if (n % 8 == 7) {
			test_unbind(self->dev[1].fd);
			test_bind(self->dev[1].fd, self->fd, COOKIE + 1);
			test_attach(self->dev[1].fd, id);
		}
	}
}

TEST_F(pci, sigkill, "SIGKILL in the middle leaves nothing behind (E37)", .timeout = 120)
{
	int64_t pins = machine_pins();
	uint8_t byte;
	int sync[2];
	pid_t pid;

	ASSERT_TRUE(!pipe(sync));
	for (int i = 0; i < 2; i++)
		edu_device_close(&self->dev[i]);
	close(self->fd);
	for (unsigned int round = 0; round < 8; round++) {
		pid = fork();
		ASSERT_TRUE(pid >= 0);
		if (!pid) {
			self->fd = test_open();
			for (int i = 0; i < 2; i++)
				edu_device_open(&self->dev[i], i);
			killed_child(self, sync[1]);
		}
		ASSERT_EQ(1, read(sync[0], &byte, 1));
		usleep(round * 7919);
		ASSERT_TRUE(!kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		ASSERT_TRUE(machine_pins_become(pins));
	}
	/* All of it can be had again. */
	self->fd = test_open();
	for (int i = 0; i < 2; i++) {
		edu_device_open(&self->dev[i], i);
		bind_start(self, i);
	}
}

/*
 * The other owner
 */
static int vfio_group(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", pci_group(name));
	return open(path, O_RDWR | O_CLOEXEC);
}

TEST_F(pci, vfio_excluded, "VFIO and ioasid_pci exclude each other, both ways")
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	int group = vfio_group(self->dev[0].name);

	if (container < 0 || group < 0)
		SKIP("no VFIO groups");
	test_bind(self->dev[0].fd, self->fd, COOKIE);
	EXPECT_ERRNO(EPERM, ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	test_unbind(self->dev[0].fd);

	ASSERT_TRUE(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	test_err_bind(EPERM, self->dev[0].fd, self->fd, COOKIE);
	/* VFIO owns the group and still does not get the function. */
	ASSERT_TRUE(!ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_ERRNO(ENODEV, ioctl(group, VFIO_GROUP_GET_DEVICE_FD, self->dev[0].name));
	ASSERT_TRUE(!ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	test_bind(self->dev[0].fd, self->fd, COOKIE);
}

/*
 * The device goes
 */
static void test_is_gone(struct edu_device *dev, int fd, int id)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	uint32_t value = 0;

	EXPECT_ERRNO(ENODEV, ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_ERRNO(ENODEV, pread(dev->fd, &value, 4, 0));
	EXPECT_ERRNO(ENODEV, pwrite(dev->fd, &value, 4, 0));
	EXPECT_TRUE(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev->fd, 0) == MAP_FAILED);
	EXPECT_ERRNO(ENODEV, do_unbind(dev->fd));
	EXPECT_ERRNO(ENODEV, do_bind(dev->fd, fd, COOKIE));
	EXPECT_ERRNO(ENODEV, do_attach(dev->fd, id));
	EXPECT_ERRNO(ENODEV, do_detach(dev->fd, id));
	if (dev->edu.bar)
		EXPECT_TRUE(bar_is_gone(&dev->edu));
	test_err_device_info(ENOENT, fd, COOKIE);
	test_free(fd, id);
}

TEST_F(pci, driver_unbind, "the driver is unbound while the file is open")
{
	struct edu_device *dev = &self->dev[0], again;
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} irq = {
		.set = {
			.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_REQ_IRQ_INDEX,
			.count = 1,
		},
		.fd = eventfd(0, EFD_NONBLOCK),
	};
	int id = test_alloc(self->fd);
	int64_t pins = machine_pins();
	uint64_t count;

	bind_start(self, 0);
	test_attach(dev->fd, id);
	test_map(self->fd, id, self->mem, 0, PAGE);
	ASSERT_TRUE(!ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &irq));

	ASSERT_TRUE(!pci_rebind(dev->name, ""));
	EXPECT_ERRNO(ENOENT, device_node(dev->name));
	/* Who asked was told. */
	EXPECT_EQ(8, read(irq.fd, &count, sizeof(count)));
	test_is_gone(dev, self->fd, id);
	EXPECT_TRUE(machine_pins_become(pins));

	/* The module stays as long as the file. */
	EXPECT_ERRNO(EWOULDBLOCK, syscall(SYS_delete_module, IOASID_PCI_DRIVER, O_NONBLOCK));

	/* The function's next life has nothing to do with the old file. */
	again = (struct edu_device){ .fd = -1 };
	edu_device_open(&again, 0);
	test_bind(again.fd, self->fd, COOKIE);
	edu_device_start(&again);
	EXPECT_ERRNO(ENODEV, do_bind(dev->fd, self->fd, COOKIE + 1));
	EXPECT_TRUE(bar_is_gone(&dev->edu));
	edu_device_close(dev);
	EXPECT_FALSE(bar_is_gone(&again.edu));
	edu_device_close(&again);
}

TEST_F(pci, driver_unbind_idle, "the driver is unbound while the file is open and not bound")
{
	struct edu_device *dev = &self->dev[0];

	ASSERT_TRUE(!pci_rebind(dev->name, ""));
	test_is_gone(dev, self->fd, test_alloc(self->fd));
}

TEST_F(pci, removed, "the function is removed from the bus under its user")
{
	struct edu_device *dev = &self->dev[1];
	int id = test_alloc(self->fd);
	char path[PATH_MAX];

	bind_start(self, 1);
	test_attach(dev->fd, id);
	test_map(self->fd, id, self->mem, 0, PAGE);
	edu_start(&dev->edu, 0, 0, PAGE, EDU_CMD_TO_RAM);
	pci_path(path, dev->name, "remove");
	ASSERT_TRUE(!write_text(path, "1"));
	test_is_gone(dev, self->fd, id);
	edu_device_close(dev);
	ASSERT_TRUE(!write_text("/sys/bus/pci/rescan", "1"));
	edu_device_open(dev, 1);
	bind_start(self, 1);
}

/*
 * Everything at once
 */
struct crowd {
	struct fixture_pci *self;
	int id;
	bool stop;
	unsigned long done[8];
};

static void crowd_step(struct crowd *c, int what)
{
	struct edu_device *dev = &c->self->dev[0];
	struct vfio_device_info info = { .argsz = sizeof(info) };
	uint32_t value;
	void *bar;

	switch (what) {
	case 0:
		if (do_bind(dev->fd, c->self->fd, COOKIE) && errno != EBUSY && errno != EAGAIN)
			FAIL("bind: %s", strerror(errno));
		break;
	case 1:
		if (do_unbind(dev->fd) && errno != EINVAL)
			FAIL("unbind: %s", strerror(errno));
		break;
	case 2:
		if (do_attach(dev->fd, c->id) && errno != EINVAL && errno != EBUSY)
			FAIL("attach: %s", strerror(errno));
		break;
	case 3:
		if (do_detach(dev->fd, c->id) && errno != EINVAL && errno != ENOENT)
			FAIL("detach: %s", strerror(errno));
		break;
	case 4:
		if (ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info) && errno != EINVAL)
			FAIL("GET_INFO: %s", strerror(errno));
		break;
	case 5:
		if (pread(dev->fd, &value, 4, 0) != 4 && errno != EINVAL && errno != EIO)
			FAIL("pread: %s", strerror(errno));
		break;
	case 6:
		bar = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, dev->fd, 0);
		if (bar != MAP_FAILED)
			munmap(bar, PAGE);
		else if (errno != EINVAL)
			FAIL("mmap: %s", strerror(errno));
		break;
	case 7:	/* a buffer in the device's own BAR: faults below a command */
		bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd, 0);
		if (bar == MAP_FAILED)
			break;
		if (pwrite(dev->fd, bar, 4, EDU_REG_LIVE) != 4 && errno != EINVAL &&
		    errno != EFAULT && errno != EIO)
			FAIL("pwrite: %s", strerror(errno));
		munmap(bar, PAGE);
		break;
	}
}

struct member {
	struct crowd *crowd;
	int what;
};

static void *crowd_thread(void *arg)
{
	struct member *member = arg;
	struct crowd *c = member->crowd;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		crowd_step(c, member->what);
		c->done[member->what]++;
		/*
		 * Not too often: each bind and unbind makes QEMU rebuild its
		 * memory map, and once in thousands of times an emulated CPU
		 * loses its timer over that and sleeps for ever.
		 */
		usleep(member->what < 2 ? 20000 : 100);
	}
	return NULL;
}

TEST_F(pci, race, "all commands of a device at once", .timeout = 120)
{
	struct crowd crowd = { .self = self, .id = test_alloc(self->fd) };
	struct member members[8];
	pthread_t threads[8];
	int64_t pins;

	test_map(self->fd, crowd.id, self->mem, 0, TEST_PAGES * PAGE);
	pins = machine_pins();
	for (int i = 0; i < 8; i++) {
		members[i] = (struct member){ .crowd = &crowd, .what = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, crowd_thread, &members[i]));
	}
	sleep(3);
	/* The driver's unbind joins in. */
	edu_device_close(&self->dev[1]);
	ASSERT_TRUE(!pci_rebind(self->dev[1].name, ""));
	__atomic_store_n(&crowd.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_NE(0, crowd.done[i]);
	}
	EXPECT_EQ(pins, machine_pins());
	do_unbind(self->dev[0].fd);
	bind_start(self, 0);
	test_attach(self->dev[0].fd, crowd.id);
	EXPECT_TRUE(dma_copies(&self->dev[0], 0, PAGE, self->mem + PAGE, self->mem));
}

/* The same, and the device goes. */
static void *gone_thread(void *arg)
{
	struct member *member = arg;
	struct crowd *c = member->crowd;
	struct edu_device *dev = &c->self->dev[0];
	uint32_t value;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		if (member->what == 0)
			do_bind(dev->fd, c->self->fd, COOKIE);
		else if (member->what == 1)
			do_attach(dev->fd, c->id);
		else if (member->what == 2)
			pread(dev->fd, &value, 4, 0);
		else
			do_unbind(dev->fd);
		usleep(5000);	/* as above */
	}
	return NULL;
}

TEST_F(pci, race_removal, "the driver is unbound while threads bind and unbind", .timeout = 120)
{
	struct crowd crowd = { .self = self, .id = test_alloc(self->fd) };
	struct member members[4];
	pthread_t threads[4];

	for (int round = 0; round < 6; round++) {
		crowd.stop = false;
		for (int i = 0; i < 4; i++) {
			members[i] = (struct member){ .crowd = &crowd, .what = i };
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, gone_thread, &members[i]));
		}
		usleep(50000 + round * 13007);
		EXPECT_TRUE(!pci_rebind(self->dev[0].name, ""));
		EXPECT_ERRNO(ENODEV, do_unbind(self->dev[0].fd));
		__atomic_store_n(&crowd.stop, true, __ATOMIC_RELAXED);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		edu_device_close(&self->dev[0]);
		edu_device_open(&self->dev[0], 0);
	}
	test_bind(self->dev[0].fd, self->fd, COOKIE);
}

HARNESS_MAIN
