/* SPDX-License-Identifier: GPL-2.0-only */
/* Simulated devices as VFIO devices, in a container that tracks dirty pages. */
#ifndef IOASID_SELFTESTS_TYPE1_DIRTY_FIXTURE_H
#define IOASID_SELFTESTS_TYPE1_DIRTY_FIXTURE_H

#include "harness.h"
#include "modules/ioasid_testvfio.h"
#include "vfio_util.h"
#include "mdev_util.h"
#include "sim_util.h"

#define PARAMETER   "/sys/module/ioasid_vfio/parameters/dirty_tracking"
#define IOVA	    0x40000000UL
#define NPAGES	    64UL
#define RECORDS	    (IOASID_SIM_CAP_DIRTY | IOASID_SIM_CAP_ATS)
#define MAX_DEVICES 4

/* A simulated device in VFIO's hands; group is -1: none */
struct vfio_sim {
	char name[32];
	int group;
	int fd;
};

FIXTURE(hw)
{
	int ctl;
	int fd; /* the container, with nothing in it yet */
	struct vfio_sim dev[MAX_DEVICES];
	struct mdev mdev;
	uint8_t *mem; /* NPAGES */
};

/* Instances are persistent: VFIO's files would keep one that goes with its file. */
static inline void destroy_instances(int ctl)
{
	for (int id = 0; id < 64; id++)
		do_sim_destroy(ctl, id);
}

FIXTURE_SETUP(hw)
{
	for (int i = 0; i < MAX_DEVICES; i++)
		self->dev[i].group = self->dev[i].fd = -1;
	self->mdev.group = self->mdev.fd = -1;
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	if (access("/sys/module/ioasid_testvfio", F_OK))
		SKIP("ioasid_testvfio is not loaded");
	if (write_text(PARAMETER, "Y"))
		SKIP("ioasid_vfio is not loaded");
	destroy_instances(self->ctl);
	self->fd = container_open();
	self->mem = memory(NPAGES * PAGE);
}

/* Takes the device out of its container. */
static inline void leave(struct fixture_hw *self, int nr)
{
	struct vfio_sim *dev = &self->dev[nr];

	if (dev->fd >= 0)
		close(dev->fd);
	if (dev->group >= 0)
		close(dev->group);
	dev->fd = dev->group = -1;
}

FIXTURE_TEARDOWN(hw)
{
	for (int i = 0; i < MAX_DEVICES; i++)
		leave(self, i);
	mdev_close(&self->mdev);
	close(self->fd);
	destroy_instances(self->ctl);
	write_text(PARAMETER, "N");
}

/* Device nr's group, open */
static inline void open_group(struct fixture_hw *self, int nr)
{
	struct vfio_sim *dev = &self->dev[nr];
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/devices/platform/%s/iommu_group", dev->name);
	len = readlink(path, link, sizeof(link) - 1);
	ASSERT_LT(0, len);
	link[len] = 0;
	dev->group = group_open_nr(atoi(strrchr(link, '/') + 1));
	ASSERT_LE(0, dev->group);
}

/* A new device behind an IOMMU of its own, in no container */
static inline void create(struct fixture_hw *self, int nr, uint32_t caps)
{
	struct vfio_sim *dev = &self->dev[nr];
	int id = sim_create(self->ctl, .nr_devices = 1, .caps = caps, .flags = IOASID_SIM_PERSIST);

	snprintf(dev->name, sizeof(dev->name), "sim%d.0", id);
	open_group(self, nr);
}

static inline void start(struct fixture_hw *self, int nr)
{
	struct vfio_sim *dev = &self->dev[nr];

	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->name);
	ASSERT_LE(0, dev->fd);
}

/* Into the container, as its first group or as another */
static inline void join(struct fixture_hw *self, int nr)
{
	ASSERT_TRUE(group_add(self->dev[nr].group, self->fd));
	if (ioctl(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		ASSERT_EQ(EINVAL, errno); /* it has one already */
	start(self, nr);
}

static inline void map_mem(struct fixture_hw *self)
{
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
}

/* A container with a device behind an IOMMU with these capabilities, and mem */
static inline void begin(struct fixture_hw *self, uint32_t caps)
{
	create(self, 0, caps);
	join(self, 0);
	map_mem(self);
}

static inline uint64_t at(unsigned int page)
{
	return IOVA + page * PAGE;
}

static inline uint32_t dma(const struct vfio_sim *dev, uint32_t op, uint64_t iova, uint64_t len,
			   uint64_t arg)
{
	struct ioasid_sim_request req = {
		.op = op,
		.iova = iova,
		.len = len,
		.arg = arg,
		.status = ~0U,
	};

	ASSERT_EQ(0, ioctl(dev->fd, TESTVFIO_DMA, &req));
	return req.status;
}

static inline uint32_t writes(struct fixture_hw *self, int nr, unsigned int page)
{
	return dma(&self->dev[nr], IOASID_SIM_OP_FILL, at(page) + 8 * (page % NPAGES), 8, page);
}

static inline uint64_t dirty(struct fixture_hw *self)
{
	uint64_t bits = 0;

	ASSERT_EQ(0, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	return bits;
}

#define EXPECT_WRITES(self, nr, page) EXPECT_EQ(IOASID_SIM_OK, writes(self, nr, page))

/* A container with a mediated device that all groups may leave */
static inline void begin_mediated(struct fixture_hw *self)
{
	mdev_group(&self->mdev, 0);
	ASSERT_TRUE(group_add(self->mdev.group, self->fd));
	ASSERT_EQ(0, ioctl(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	mdev_start(&self->mdev);
	map_mem(self);
}

#endif /* IOASID_SELFTESTS_TYPE1_DIRTY_FIXTURE_H */
