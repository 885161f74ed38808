/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices of ioasid_testdev. Include vfio_util.h first. */
#ifndef IOASID_SELFTESTS_MDEV_UTIL_H
#define IOASID_SELFTESTS_MDEV_UTIL_H

#include "modules/ioasid_testdev.h"

struct mdev {
	char name[32];
	int group;
	int fd;
};

static inline void mdev_group(struct mdev *dev, int nr)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;

	dev->fd = dev->group = -1;
	snprintf(dev->name, sizeof(dev->name), "ioasid_testdev.%d", nr);
	snprintf(path, sizeof(path), "/sys/devices/platform/%s/iommu_group", dev->name);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		SKIP("the module ioasid_testdev is not loaded");
	link[len] = 0;
	dev->group = group_open_nr(atoi(strrchr(link, '/') + 1));
	ASSERT_TRUE(dev->group >= 0);
}

static inline void mdev_start(struct mdev *dev)
{
	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->name);
	ASSERT_TRUE(dev->fd >= 0);
}

static inline void mdev_close(struct mdev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	if (dev->group >= 0)
		close(dev->group);
	dev->fd = dev->group = -1;
}

static inline int op(struct mdev *dev, unsigned int cmd, uint64_t iova, uint32_t npages,
		     uint32_t prot)
{
	struct testdev_op arg = { .iova = iova, .npages = npages, .prot = prot };

	return ioctl(dev->fd, cmd, &arg);
}

#define pin(dev, iova, npages)	 op(dev, TESTDEV_PIN, iova, npages, TESTDEV_READ | TESTDEV_WRITE)
#define unpin(dev, iova, npages) op(dev, TESTDEV_UNPIN, iova, npages, 0)

static inline int copy(struct mdev *dev, unsigned int cmd, uint64_t iova, void *data, uint32_t size,
		       uint32_t prot)
{
	struct testdev_op arg = {
		.iova = iova,
		.data = (uintptr_t)data,
		.size = size,
		.prot = prot,
	};

	return ioctl(dev->fd, cmd, &arg);
}

#define touch_write(dev, iova, data, n) copy(dev, TESTDEV_TOUCH, iova, data, n, TESTDEV_WRITE)
#define touch_read(dev, iova, data, n)	copy(dev, TESTDEV_TOUCH, iova, data, n, TESTDEV_READ)
#define rw_write(dev, iova, data, n)	copy(dev, TESTDEV_DMA_RW, iova, data, n, TESTDEV_WRITE)
#define rw_read(dev, iova, data, n)	copy(dev, TESTDEV_DMA_RW, iova, data, n, TESTDEV_READ)

#endif /* IOASID_SELFTESTS_MDEV_UTIL_H */
