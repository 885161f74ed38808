// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /dev/ioasid, and the floor; those of VFIO and iommufd are in files of their own. */
#include <errno.h>
#include <fcntl.h>
#include <libioasid.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ioasid_testperf.h"
#include "perf.h"

#define COOKIE	1

const struct door_ops *const doors[] = {
	&door_ioasid, &door_shim, &door_type1, &door_iommufd, &door_floor, NULL,
};

const struct door_ops *door__find(const char *name)
{
	for (int i = 0; doors[i]; i++)
		if (!strcmp(doors[i]->name, name))
			return doors[i];
	return NULL;
}

int door__open(struct door *door, const struct door_ops *ops, const char *device)
{
	int rc;

	memset(door, 0, sizeof(*door));
	door->ops = ops;
	door->fd = -1;
	door->group = -1;
	door->dev = -1;
	rc = ops->open(door, device);
	if (rc) {
		fprintf(stderr, "ioasidperf: door %s on %s: %s\n", ops->name, device,
			strerror(-rc));
		ops->close(door);
	}
	return rc;
}

static void close_files(struct door *door)
{
	if (door->dev >= 0)
		close(door->dev);
	if (door->group >= 0)
		close(door->group);
	if (door->fd >= 0)
		close(door->fd);
	door->fd = -1;
	door->group = -1;
	door->dev = -1;
}

void door__close(struct door *door)
{
	door->ops->close(door);
}

static const char *ioasid_obstacle(void)
{
	return access("/dev/ioasid", F_OK) ? "/dev/ioasid is not there" : NULL;
}

/* The node of a device that was just given to ioasid_pci comes in its own time. */
static int open_node(const char *device)
{
	int rc;

	for (int try = 0; try < 1000; try++) {
		rc = ioasid_device_open(device);
		if (rc != -ENOENT)
			return rc;
		usleep(10000);
	}
	return rc;
}

static int ioasid_door_open(struct door *door, const char *device)
{
	int rc = device__give(device, "ioasid_pci");

	if (rc)
		return rc;
	door->fd = ioasid_open();
	if (door->fd < 0)
		return door->fd;
	door->dev = open_node(device);
	if (door->dev < 0)
		return door->dev;
	rc = ioasid_bind(door->dev, door->fd, COOKIE);
	if (rc)
		return rc;
	rc = ioasid_alloc(door->fd, 0, 0);
	if (rc < 0)
		return rc;
	door->space = rc;
	return ioasid_attach(door->dev, door->space);
}

static int ioasid_door_map(struct door *door, const struct memory *m, uint64_t iova)
{
	return ioasid_map(door->fd, door->space, iova, m->mem, m->size,
			  IOASID_MAP_READ | IOASID_MAP_WRITE);
}

static int ioasid_door_unmap(struct door *door, const struct memory *m, uint64_t iova)
{
	int64_t rc = ioasid_unmap(door->fd, door->space, iova, m->size);

	return rc < 0 ? rc : rc == (int64_t)m->size ? 0 : -EIO;
}

static int ioasid_door_enroll(struct door *door, const struct memory *m)
{
	return ioasid_register(door->fd, m->mem, m->size);
}

static int ioasid_door_discharge(struct door *door, const struct memory *m)
{
	return ioasid_unregister(door->fd, m->mem, m->size);
}

const struct door_ops door_ioasid = {
	.name = "ioasid",
	.text = "/dev/ioasid, a device at ioasid_pci",
	.phases = 1 << PHASE_MAP | 1 << PHASE_UNMAP,
	.obstacle = ioasid_obstacle,
	.open = ioasid_door_open,
	.close = close_files,
	.enroll = ioasid_door_enroll,
	.discharge = ioasid_door_discharge,
	.map = ioasid_door_map,
	.unmap = ioasid_door_unmap,
};

static const char *floor_obstacle(void)
{
	return access(TESTPERF_NODE, F_OK) ? "module ioasid_testperf is not loaded" : NULL;
}

static int floor_open(struct door *door, const char *device)
{
	struct testperf_device arg = {};
	int rc = device__give(device, "");

	if (rc)
		return rc;
	snprintf(arg.name, sizeof(arg.name), "%s", device);
	door->fd = open(TESTPERF_NODE, O_RDWR | O_CLOEXEC);
	if (door->fd < 0)
		return -errno;
	return ioctl(door->fd, TESTPERF_DEVICE, &arg) ? -errno : 0;
}

static int floor_round(struct door *door, const struct memory *m, uint64_t iova,
		       struct round *round)
{
	struct testperf_round arg = {
		.vaddr = (uintptr_t)m->mem, .iova = iova, .size = m->size,
	};

	if (ioctl(door->fd, TESTPERF_ROUND, &arg))
		return -errno;
	round->took[PHASE_PIN] = arg.pin;
	round->took[PHASE_MAP] = arg.map;
	round->took[PHASE_UNMAP] = arg.unmap;
	round->took[PHASE_UNPIN] = arg.unpin;
	return 0;
}

const struct door_ops door_floor = {
	.name = "floor",
	.text = "pin_user_pages_fast() and iommu_map() in the kernel, and nothing else",
	.phases = 1 << PHASE_MAP | 1 << PHASE_UNMAP | 1 << PHASE_PIN | 1 << PHASE_UNPIN,
	.obstacle = floor_obstacle,
	.open = floor_open,
	.close = close_files,
	.round = floor_round,
};
