// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* iommufd, with the device from VFIO's character device. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "perf.h"

static const char *iommufd_obstacle(void)
{
	if (access("/dev/iommu", F_OK))
		return "this kernel has no iommufd";
	return device__module_loaded("vfio_pci") ? NULL : "vfio-pci is not loaded";
}

/* /dev/vfio/devices/vfioN, by the name that sysfs has for it. */
static int open_cdev(const char *device)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int fd = -ENOENT;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", device);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.64s", entry->d_name);
		for (int try = 0; try < 1000; try++) {
			fd = open(path, O_RDWR | O_CLOEXEC);
			fd = fd < 0 ? -errno : fd;
			if (fd != -ENOENT)
				break;
			usleep(10000);
		}
		break;
	}
	closedir(dir);
	return fd;
}

static int iommufd_open(struct door *door, const char *device)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int rc = device__give(device, "vfio-pci");

	if (rc)
		return rc;
	door->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (door->fd < 0)
		return -errno;
	door->dev = open_cdev(device);
	if (door->dev < 0)
		return door->dev;
	bind.iommufd = door->fd;
	if (ioctl(door->dev, VFIO_DEVICE_BIND_IOMMUFD, &bind) ||
	    ioctl(door->fd, IOMMU_IOAS_ALLOC, &alloc))
		return -errno;
	door->space = alloc.out_ioas_id;
	attach.pt_id = door->space;
	return ioctl(door->dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) ? -errno : 0;
}

static void iommufd_close(struct door *door)
{
	if (door->dev >= 0)
		close(door->dev);
	if (door->fd >= 0)
		close(door->fd);
	door->dev = -1;
	door->fd = -1;
}

static int iommufd_map(struct door *door, const struct memory *m, uint64_t iova)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = door->space,
		.user_va = (uintptr_t)m->mem,
		.length = m->size,
		.iova = iova,
	};

	return ioctl(door->fd, IOMMU_IOAS_MAP, &arg) ? -errno : 0;
}

static int iommufd_unmap(struct door *door, const struct memory *m, uint64_t iova)
{
	struct iommu_ioas_unmap arg = {
		.size = sizeof(arg), .ioas_id = door->space, .iova = iova, .length = m->size,
	};

	if (ioctl(door->fd, IOMMU_IOAS_UNMAP, &arg))
		return -errno;
	return arg.length == m->size ? 0 : -EIO;
}

const struct door_ops door_iommufd = {
	.name = "iommufd",
	.text = "/dev/iommu, a device at vfio-pci",
	.phases = 1 << PHASE_MAP | 1 << PHASE_UNMAP,
	.obstacle = iommufd_obstacle,
	.open = iommufd_open,
	.close = iommufd_close,
	.map = iommufd_map,
	.unmap = iommufd_unmap,
};
