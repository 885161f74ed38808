// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a PCI function (/dev/ioasid-devices/NAME): its arguments and
 * states, VFIO's ioctls behind it, ownership against VFIO, and what happens when
 * the process, the file or the device goes away in the middle.
 */
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <linux/pci_regs.h>
#include <pthread.h>

#include "pci_fixture.h"

#define NVME_VENDOR	0x1b36
#define NVME_DEVICE	0x0010
#define NVME_CC		0x14
#define NVME_CC_IOSQES	(6 << 16)	/* only a value to recognise */

static off_t config_offset(int dev)
{
	struct vfio_region_info region = {
		.argsz = sizeof(region),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};

	ASSERT_TRUE(!ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &region));
	return region.offset;
}

/*
 * Arguments and states
 */
TEST_F(pci, node, "the node has mode 0600 and one user at a time")
{
	struct stat st;
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), IOASID_DEVICE_DIR "/%s", self->dev[0].name);
	ASSERT_TRUE(!stat(path, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_ERRNO(EBUSY, open(path, O_RDWR));
	fd = dup(self->dev[0].fd);
	close(self->dev[0].fd);
	EXPECT_ERRNO(EBUSY, open(path, O_RDWR));
	close(fd);
	self->dev[0].fd = open(path, O_RDWR);
	EXPECT_TRUE(self->dev[0].fd >= 0);
}

TEST_F(pci, not_by_itself, "the driver takes a function only by driver_override")
{
	char driver[PATH_MAX];

	edu_device_close(&self->dev[0]);
	ASSERT_TRUE(!pci_rebind(self->dev[0].name, ""));
	write_text("/sys/bus/pci/drivers_probe", self->dev[0].name);
	EXPECT_STREQ("", pci_driver(self->dev[0].name, driver));
	EXPECT_ERRNO(ENOENT, device_node(self->dev[0].name));
}

TEST_F(pci, before_bind, "before bind every access is refused (E34, E3)")
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int dev = self->dev[0].fd;
	int id = test_alloc(self->fd);
	uint32_t value = 0;

	for (int round = 0; round < 2; round++) {
		EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_DEVICE_GET_INFO, &info));
		EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_DEVICE_RESET));
		EXPECT_ERRNO(EINVAL, ioctl(dev, _IO(';', 0), 0));
		EXPECT_ERRNO(EINVAL, pread(dev, &value, 4, 0));
		EXPECT_ERRNO(EINVAL, pwrite(dev, &value, 4, 0));
		EXPECT_TRUE(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, 0) == MAP_FAILED &&
			    errno == EINVAL);
		EXPECT_ERRNO(EINVAL, do_attach(dev, id));
		EXPECT_ERRNO(EINVAL, do_detach(dev, id));
		EXPECT_ERRNO(EINVAL, do_unbind(dev));

		/* The second round: after unbind nothing is left of it. */
		test_bind(dev, self->fd, COOKIE);
		ASSERT_TRUE(!ioctl(dev, VFIO_DEVICE_GET_INFO, &info));
		test_attach(dev, id);
		test_unbind(dev);
	}
}

TEST_F(pci, bind_arguments, "bind: bad arguments leave the device unbound")
{
	struct {
		struct vfio_bind_ioasid_fd arg;
		uint64_t tail[2];
	} cmd = { .arg = { .argsz = sizeof(cmd), .ioasid_fd = self->fd, .cookie = COOKIE } };
	const struct vfio_bind_ioasid_fd good = {
		.argsz = sizeof(good), .ioasid_fd = self->fd, .cookie = COOKIE,
	};
	struct vfio_bind_ioasid_fd bad = good;
	int dev = self->dev[0].fd;
	int null = open("/dev/null", O_RDWR);

	EXPECT_ERRNO(EFAULT, ioctl(dev, VFIO_BIND_IOASID_FD, NULL));
	bad.argsz = sizeof(bad) - 1;
	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_BIND_IOASID_FD, &bad));
	bad.argsz = 0;
	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_BIND_IOASID_FD, &bad));
	bad.argsz = UINT32_MAX;
	EXPECT_ERRNO(E2BIG, ioctl(dev, VFIO_BIND_IOASID_FD, &bad));
	bad = good;
	bad.flags = 1;
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(dev, VFIO_BIND_IOASID_FD, &bad));
	bad = good;
	bad.__reserved = 1;
	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_BIND_IOASID_FD, &bad));
	EXPECT_ERRNO(EBADF, do_bind(dev, -1, COOKIE));
	EXPECT_ERRNO(EBADF, do_bind(dev, 999, COOKIE));
	EXPECT_ERRNO(EINVAL, do_bind(dev, null, COOKIE));
	EXPECT_ERRNO(EINVAL, do_bind(dev, dev, COOKIE));
	cmd.tail[1] = 1;
	EXPECT_ERRNO(E2BIG, ioctl(dev, VFIO_BIND_IOASID_FD, &cmd));
	test_err_device_info(ENOENT, self->fd, COOKIE);
	test_err_unbind(EINVAL, dev);

	cmd.tail[1] = 0;
	EXPECT_TRUE(!ioctl(dev, VFIO_BIND_IOASID_FD, &cmd));
	test_unbind(dev);
}

TEST_F(pci, attach_arguments, "attach and detach: bad arguments change nothing")
{
	const unsigned int cmds[] = { VFIO_ATTACH_IOASID, VFIO_DETACH_IOASID };
	struct {
		struct vfio_attach_ioasid arg;
		uint64_t tail;
	} cmd = { .arg.argsz = sizeof(cmd), .tail = 1ULL << 63 };
	int id = test_alloc(self->fd);
	int dev = self->dev[0].fd;
	struct vfio_attach_ioasid bad;

	cmd.arg.ioasid = id;
	test_bind(dev, self->fd, COOKIE);
	for (int i = 0; i < 2; i++) {
		EXPECT_ERRNO(EFAULT, ioctl(dev, cmds[i], NULL));
		EXPECT_ERRNO(E2BIG, ioctl(dev, cmds[i], &cmd));
		bad = (struct vfio_attach_ioasid){ .argsz = sizeof(bad) - 1, .ioasid = id };
		EXPECT_ERRNO(EINVAL, ioctl(dev, cmds[i], &bad));
		bad = (struct vfio_attach_ioasid){ .argsz = sizeof(bad), .ioasid = id, .flags = 4 };
		EXPECT_ERRNO(EOPNOTSUPP, ioctl(dev, cmds[i], &bad));
		bad = (struct vfio_attach_ioasid){ .argsz = sizeof(bad), .ioasid = id,
						   .user_pasid = 1 };
		EXPECT_ERRNO(EINVAL, ioctl(dev, cmds[i], &bad));
		if (i)	/* still attached */
			test_err_attach(EBUSY, dev, id);
		else
			test_attach(dev, id);
	}
	cmd.tail = 0;
	EXPECT_TRUE(!ioctl(dev, VFIO_DETACH_IOASID, &cmd));
}

TEST_F(pci, bind_twice, "bind: once only (E4), and no cookie twice")
{
	int other = test_open();
	struct ioasid_device_info info;

	test_bind(self->dev[0].fd, self->fd, COOKIE);
	test_err_bind(EBUSY, self->dev[0].fd, self->fd, COOKIE + 1);
	test_err_bind(EBUSY, self->dev[0].fd, other, COOKIE + 1);
	test_err_device_info(ENOENT, other, COOKIE + 1);
	test_err_bind(EEXIST, self->dev[1].fd, self->fd, COOKIE);
	test_err_unbind(EINVAL, self->dev[1].fd);
	test_bind(self->dev[1].fd, other, COOKIE);
	test_device_info(other, COOKIE, &info, sizeof(info));
	EXPECT_EQ(pci_group(self->dev[1].name), (int)info.group);

	test_unbind(self->dev[0].fd);
	test_err_device_info(ENOENT, self->fd, COOKIE);
	test_bind(self->dev[0].fd, other, COOKIE + 1);
	test_device_info(other, COOKIE + 1, &info, sizeof(info));
}

/*
 * VFIO's ioctls
 */
TEST_F(pci, config_space, "config space and BARs by read and write")
{
	int dev = self->dev[0].fd;
	off_t config, bar0;
	uint32_t value = 0;
	uint16_t command;
	void *volatile bad_buffer = NULL;

	test_bind(dev, self->fd, COOKIE);
	config = config_offset(dev);
	bar0 = device_bar0(dev);
	ASSERT_EQ(4, pread(dev, &value, 4, config + PCI_VENDOR_ID));
	EXPECT_EQ(EDU_VENDOR | EDU_DEVICE << 16, value);
	ASSERT_EQ(2, pread(dev, &command, 2, config + PCI_COMMAND));
	EXPECT_EQ(0, command & PCI_COMMAND_MASTER);
	ASSERT_TRUE(!device_set_master(dev));
	ASSERT_EQ(2, pread(dev, &command, 2, config + PCI_COMMAND));
	EXPECT_NE(0, command & PCI_COMMAND_MASTER);

	value = 0x12345678;
	ASSERT_EQ(4, pwrite(dev, &value, 4, bar0 + EDU_REG_LIVE));
	ASSERT_EQ(4, pread(dev, &value, 4, bar0 + EDU_REG_LIVE));
	EXPECT_EQ(~0x12345678u, value);
	ASSERT_TRUE(!edu_open(&self->dev[0].edu, dev, bar0));
	EXPECT_EQ(~0x12345678u, edu_read32(&self->dev[0].edu, EDU_REG_LIVE));
	EXPECT_ERRNO(EFAULT, pread(dev, bad_buffer, 4, config));
	EXPECT_ERRNO(EINVAL, pread(dev, &value, 4, (off_t)VFIO_PCI_NUM_REGIONS << 40));

	/* A new owner finds the function as the first one did. */
	test_unbind(dev);
	test_bind(dev, self->fd, COOKIE);
	ASSERT_EQ(2, pread(dev, &command, 2, config + PCI_COMMAND));
	EXPECT_EQ(0, command & PCI_COMMAND_MASTER);
}

TEST_F(pci, vfio_info, "GET_INFO, GET_REGION_INFO and GET_IRQ_INFO tell what VFIO tells")
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_region_info region = { .argsz = sizeof(region) };
	struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = VFIO_PCI_MSI_IRQ_INDEX };
	int dev = self->dev[0].fd;

	test_bind(dev, self->fd, COOKIE);
	ASSERT_TRUE(!ioctl(dev, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_TRUE(info.flags & VFIO_DEVICE_FLAGS_PCI);
	EXPECT_EQ(VFIO_PCI_NUM_REGIONS, info.num_regions);
	EXPECT_EQ(VFIO_PCI_NUM_IRQS, info.num_irqs);
	ASSERT_TRUE(!ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &region));
	EXPECT_EQ(EDU_BAR_SIZE, region.size);
	EXPECT_TRUE(region.flags & VFIO_REGION_INFO_FLAG_MMAP);
	region.index = VFIO_PCI_NUM_REGIONS;
	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &region));
	region.argsz = 8;
	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &region));
	EXPECT_ERRNO(EFAULT, ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, NULL));
	ASSERT_TRUE(!ioctl(dev, VFIO_DEVICE_GET_IRQ_INFO, &irq));
	EXPECT_EQ(1, irq.count);
	EXPECT_TRUE(irq.flags & VFIO_IRQ_INFO_EVENTFD);
	EXPECT_ERRNO(ENOTTY, ioctl(dev, _IO(';', 250), 0));
}

static int set_irq_eventfd(int dev, unsigned int index, int eventfd)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} arg = {
		.set = {
			.argsz = sizeof(arg),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = index,
			.count = 1,
		},
		.fd = eventfd,
	};

	return ioctl(dev, VFIO_DEVICE_SET_IRQS, &arg);
}

static bool fires(int efd, unsigned int timeout_ms)
{
	struct pollfd pfd = { .fd = efd, .events = POLLIN };
	uint64_t count;

	return poll(&pfd, 1, timeout_ms) == 1 && read(efd, &count, sizeof(count)) == sizeof(count);
}

TEST_F(pci, msi, "an MSI reaches its eventfd, by register and by DMA")
{
	struct edu_device *dev = &self->dev[0];
	int efd = eventfd(0, EFD_CLOEXEC);
	int id = test_alloc(self->fd);

	bind_start(self, 0);
	test_attach(dev->fd, id);
	test_map(self->fd, id, self->mem, 0, PAGE);
	ASSERT_TRUE(!set_irq_eventfd(dev->fd, VFIO_PCI_MSI_IRQ_INDEX, efd));
	EXPECT_FALSE(fires(efd, 50));
	edu_write32(&dev->edu, 0x60, 1);
	EXPECT_TRUE(fires(efd, 5000));
	edu_write32(&dev->edu, 0x64, 1);
	ASSERT_TRUE(!edu_start(&dev->edu, 0, 0, PAGE, EDU_CMD_IRQ));
	EXPECT_TRUE(fires(efd, 5000));
	EXPECT_EQ(0x100, (int)edu_read32(&dev->edu, 0x24));
	edu_write32(&dev->edu, 0x64, 0x100);

	/* Nothing arrives through an unbound device. */
	edu_write32(&dev->edu, 0x60, 1);
	EXPECT_TRUE(fires(efd, 5000));
	test_unbind(dev->fd);
	test_bind(dev->fd, self->fd, COOKIE);
	ASSERT_TRUE(!device_set_master(dev->fd));
	edu_write32(&dev->edu, 0x60, 2);
	EXPECT_FALSE(fires(efd, 200));
}

TEST_F(pci, hot_reset, "what would need group files is refused")
{
	struct vfio_pci_hot_reset reset = { .argsz = sizeof(reset) };
	struct vfio_pci_hot_reset_info info = { .argsz = sizeof(info) };
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
			 VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
	};
	int dev = self->dev[0].fd;

	test_bind(dev, self->fd, COOKIE);
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(dev, VFIO_DEVICE_PCI_HOT_RESET, &reset));
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(dev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info));
	EXPECT_ERRNO(ENOTTY, ioctl(dev, VFIO_DEVICE_FEATURE, &feature));
	feature.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
			VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY;
	EXPECT_TRUE(!ioctl(dev, VFIO_DEVICE_FEATURE, &feature));
	feature.flags |= 1 << 30;
	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_DEVICE_FEATURE, &feature));
	feature.argsz = 4;
	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_DEVICE_FEATURE, &feature));
}

/*
 * The lab's NVMe disk can be reset alone, edu cannot
 */
FIXTURE(nvme) {
	char name[PCI_NAME_LEN];
	char driver[PATH_MAX];
	int fd;
	int dev;
	volatile uint32_t *bar;
};

static void nvme_bind(struct fixture_nvme *self)
{
	test_bind(self->dev, self->fd, COOKIE);
	ASSERT_TRUE(!device_set_master(self->dev));
}

static uint32_t *nvme_bar(int dev)
{
	void *bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dev, device_bar0(dev));

	ASSERT_TRUE(bar != MAP_FAILED);
	return bar;
}

FIXTURE_SETUP(nvme)
{
	self->dev = -1;
	self->fd = test_open();
	if (!pci_find(NVME_VENDOR, NVME_DEVICE, &self->name, 1))
		SKIP("no NVMe disk");
	pci_driver(self->name, self->driver);
	ASSERT_TRUE(!pci_rebind(self->name, IOASID_PCI_DRIVER));
	for (int try = 0; self->dev < 0 && try < 1000; try++) {
		self->dev = device_node(self->name);
		if (self->dev < 0)
			usleep(10000);
	}
	ASSERT_TRUE(self->dev >= 0);
}

FIXTURE_TEARDOWN(nvme)
{
	if (self->bar)
		munmap((void *)self->bar, PAGE);
	if (self->dev >= 0)
		close(self->dev);
	if (*self->driver && strcmp(self->driver, IOASID_PCI_DRIVER))
		pci_rebind(self->name, self->driver);
}

TEST_F(nvme, reset, "VFIO_DEVICE_RESET resets the function")
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	nvme_bind(self);
	self->bar = nvme_bar(self->dev);
	ASSERT_TRUE(!ioctl(self->dev, VFIO_DEVICE_GET_INFO, &info));
	ASSERT_TRUE(info.flags & VFIO_DEVICE_FLAGS_RESET);
	self->bar[NVME_CC / 4] = NVME_CC_IOSQES;
	ASSERT_EQ(NVME_CC_IOSQES, self->bar[NVME_CC / 4]);
	ASSERT_TRUE(!ioctl(self->dev, VFIO_DEVICE_RESET));
	EXPECT_EQ(0, self->bar[NVME_CC / 4]);
}

/* Through sysfs, hence without ioasid_pci, and before the next bind resets. */
static uint32_t nvme_cc(const char *name)
{
	char path[PATH_MAX];
	volatile uint32_t *bar;
	uint32_t value;
	int fd;

	pci_path(path, name, "resource0");
	fd = open(path, O_RDWR | O_SYNC);
	ASSERT_TRUE(fd >= 0);
	bar = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_TRUE(bar != MAP_FAILED);
	value = bar[NVME_CC / 4];
	munmap((void *)bar, PAGE);
	close(fd);
	return value;
}

static void nvme_dirty(struct fixture_nvme *self)
{
	char path[PATH_MAX];

	nvme_bind(self);
	/* Awake after close, too; kernels without runtime PM have no such file. */
	pci_path(path, self->name, "power/control");
	ASSERT_TRUE(!write_text(path, "on") || errno == ENOENT);
	self->bar = nvme_bar(self->dev);
	self->bar[NVME_CC / 4] = NVME_CC_IOSQES;
	ASSERT_EQ(NVME_CC_IOSQES, self->bar[NVME_CC / 4]);
	munmap((void *)self->bar, PAGE);
	self->bar = NULL;
}

TEST_F(nvme, reset_by_unbind, "unbind and close leave a function that was reset")
{
	nvme_dirty(self);
	test_unbind(self->dev);
	EXPECT_EQ(0, nvme_cc(self->name));
	nvme_dirty(self);
	close(self->dev);
	self->dev = -1;
	EXPECT_EQ(0, nvme_cc(self->name));
}

TEST_F(nvme, reset_by_revoke, "the driver's unbind, too, leaves a function that was reset")
{
	char path[PATH_MAX];

	nvme_dirty(self);
	pci_path(path, self->name, "driver_override");
	ASSERT_TRUE(!write_text(path, "\n"));
	pci_path(path, self->name, "driver/unbind");
	ASSERT_TRUE(!write_text(path, self->name));
	EXPECT_EQ(0, nvme_cc(self->name));
}

TEST_F(nvme, low_power, "a function that sleeps wakes up for its owner, and for unbind")
{
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
	};
	struct vfio_device_info info = { .argsz = sizeof(info) };
	uint32_t value;

	nvme_bind(self);
	for (int round = 0; round < 2; round++) {
		feature.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY;
		ASSERT_TRUE(!ioctl(self->dev, VFIO_DEVICE_FEATURE, &feature));
		usleep(100000);
		EXPECT_TRUE(!ioctl(self->dev, VFIO_DEVICE_GET_INFO, &info));
		if (round)
			break;
		feature.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT;
		ASSERT_TRUE(!ioctl(self->dev, VFIO_DEVICE_FEATURE, &feature));
		ASSERT_EQ(4, pread(self->dev, &value, 4, device_bar0(self->dev)));
		EXPECT_NE(UINT32_MAX, value);
	}
	test_unbind(self->dev);
	nvme_bind(self);
	ASSERT_EQ(4, pread(self->dev, &value, 4, device_bar0(self->dev)));
	EXPECT_NE(UINT32_MAX, value);
}

HARNESS_MAIN
