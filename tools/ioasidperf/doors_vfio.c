// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A VFIO container: stock vfio_iommu_type1, or ours behind the same ioctls. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "perf.h"

static const char *container_obstacle(void)
{
	return access("/dev/vfio/vfio", F_OK) ? "/dev/vfio/vfio is not there" : NULL;
}

/* Whoever is registered last is asked first: with ours there, stock is never. */
static const char *type1_obstacle(void)
{
	if (device__module_loaded("ioasid_vfio"))
		return "ioasid_vfio is loaded and serves the containers";
	if (!device__module_loaded("vfio_iommu_type1"))
		return "vfio_iommu_type1 is not loaded";
	return container_obstacle();
}

static const char *shim_obstacle(void)
{
	if (!device__module_loaded("ioasid_vfio"))
		return "ioasid_vfio is not loaded";
	return container_obstacle();
}

static int open_group(int nr)
{
	char path[PATH_MAX];
	int fd = -1;

	snprintf(path, sizeof(path), "/dev/vfio/%d", nr);
	for (int try = 0; try < 1000; try++) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			break;
		usleep(10000);
	}
	return fd < 0 ? -errno : fd;
}

static int vfio_open(struct door *door, const char *device)
{
	int rc = device__give(device, "vfio-pci");

	if (rc)
		return rc;
	door->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (door->fd < 0)
		return -errno;
	door->group = open_group(device__group(device));
	if (door->group < 0)
		return door->group;
	if (ioctl(door->group, VFIO_GROUP_SET_CONTAINER, &door->fd) ||
	    ioctl(door->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	door->dev = ioctl(door->group, VFIO_GROUP_GET_DEVICE_FD, device);
	return door->dev < 0 ? -errno : 0;
}

static void vfio_close(struct door *door)
{
	int fds[] = { door->dev, door->group, door->fd };

	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	door->dev = -1;
	door->group = -1;
	door->fd = -1;
}

static int vfio_map(struct door *door, const struct memory *m, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)m->mem,
		.iova = iova,
		.size = m->size,
	};

	return ioctl(door->fd, VFIO_IOMMU_MAP_DMA, &arg) ? -errno : 0;
}

static int vfio_unmap(struct door *door, const struct memory *m, uint64_t iova)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg), .iova = iova, .size = m->size,
	};

	if (ioctl(door->fd, VFIO_IOMMU_UNMAP_DMA, &arg))
		return -errno;
	return arg.size == m->size ? 0 : -EIO;
}

const struct door_ops door_type1 = {
	.name = "type1",
	.text = "a VFIO container served by the kernel's vfio_iommu_type1",
	.phases = 1 << PHASE_MAP | 1 << PHASE_UNMAP,
	.obstacle = type1_obstacle,
	.open = vfio_open,
	.close = vfio_close,
	.map = vfio_map,
	.unmap = vfio_unmap,
};

const struct door_ops door_shim = {
	.name = "shim",
	.text = "a VFIO container served by ioasid_vfio",
	.phases = 1 << PHASE_MAP | 1 << PHASE_UNMAP,
	.obstacle = shim_obstacle,
	.open = vfio_open,
	.close = vfio_close,
	.map = vfio_map,
	.unmap = vfio_unmap,
};
