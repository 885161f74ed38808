/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO containers, groups and edu devices, as an ordinary program uses them
 * (nothing here knows ioasid). Include harness.h first.
 */
#ifndef IOASID_SELFTESTS_VFIO_UTIL_H
#define IOASID_SELFTESTS_VFIO_UTIL_H

#include <sys/utsname.h>

#include "ioasid_util.h"

#define RO	VFIO_DMA_MAP_FLAG_READ
#define WO	VFIO_DMA_MAP_FLAG_WRITE

/* Which backend serves type1 is printed, and matters where tests say so. */
static inline bool is_shim(void)
{
	return !access("/sys/module/ioasid_vfio", F_OK);
}

/* Ranges that wrap around: EOVERFLOW since 6.18, EINVAL before. */
static inline int wrap_errno(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	ASSERT_EQ(0, uname(&name));
	if (sscanf(name.release, "%u.%u", &major, &minor) != 2)
		FAIL("release %s", name.release);
	return major > 6 || (major == 6 && minor >= 18) ? EOVERFLOW : EINVAL;
}

static inline int container_open(void)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		SKIP("/dev/vfio/vfio: %s", strerror(errno));
	return fd;
}

static inline int group_open_nr(int nr)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", nr);
	for (int try = 0; try < 1000; try++) {	/* devtmpfs makes nodes in its own time */
		int fd = open(path, O_RDWR | O_CLOEXEC);

		if (fd >= 0 || errno != ENOENT)
			return fd;
		usleep(10000);
	}
	return -1;
}

static inline bool group_add(int group, int container)
{
	return !ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

/* An edu device in VFIO's hands. */
struct vfio_edu {
	char name[PCI_NAME_LEN];
	int group_nr;
	int group;
	int fd;
	struct edu edu;
};

/* Binds edu nr (see edu_name()) to vfio-pci and opens its group. */
static inline void vfio_edu_group(struct vfio_edu *dev, unsigned int nr)
{
	const char *name = edu_name(nr);

	dev->fd = dev->group = -1;
	if (!name)
		SKIP("no edu device %u behind an IOMMU", nr);
	strcpy(dev->name, name);
	dev->group_nr = pci_group(name);
	if (pci_rebind(name, "vfio-pci"))
		SKIP("%s cannot be bound to vfio-pci", name);
	dev->group = group_open_nr(dev->group_nr);
	if (dev->group < 0)
		FAIL("/dev/vfio/%d: %s", dev->group_nr, strerror(errno));
}

/* With the IOMMU set: gets the device and lets it do DMA. */
static inline void vfio_edu_start(struct vfio_edu *dev)
{
	off_t bar0;

	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->name);
	ASSERT_TRUE(dev->fd >= 0);
	bar0 = device_bar0(dev->fd);
	ASSERT_TRUE(bar0 >= 0);
	ASSERT_TRUE(!device_set_master(dev->fd));
	ASSERT_TRUE(!edu_open(&dev->edu, dev->fd, bar0));
}

static inline void vfio_edu_close(struct vfio_edu *dev)
{
	edu_close(&dev->edu);
	if (dev->fd >= 0)
		close(dev->fd);
	if (dev->group >= 0)
		close(dev->group);
	dev->fd = dev->group = -1;
}

/* A container of this type with edu nr in it, ready for DMA. */
static inline int container_with(struct vfio_edu *dev, unsigned int nr, int type)
{
	int fd = container_open();

	vfio_edu_group(dev, nr);
	ASSERT_TRUE(group_add(dev->group, fd));
	ASSERT_EQ(0, ioctl(fd, VFIO_SET_IOMMU, type));
	vfio_edu_start(dev);
	return fd;
}

/*
 * Commands
 */
static inline int t1_map_flags(int fd, const void *vaddr, uint64_t iova, uint64_t size,
			       uint32_t flags)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return ioctl(fd, VFIO_IOMMU_MAP_DMA, &arg);
}

static inline int t1_map(int fd, const void *vaddr, uint64_t iova, uint64_t size)
{
	return t1_map_flags(fd, vaddr, iova, size, RO | WO);
}

/* Bytes that were unmapped, or -1. */
static inline int64_t t1_unmap_flags(int fd, uint64_t iova, uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	return ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &arg) ? -1 : (int64_t)arg.size;
}

static inline int64_t t1_unmap(int fd, uint64_t iova, uint64_t size)
{
	return t1_unmap_flags(fd, iova, size, 0);
}

static inline int64_t t1_unmap_all(int fd)
{
	return t1_unmap_flags(fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
}

struct t1_info {
	struct vfio_iommu_type1_info info;
	char caps[4096];
};

static inline int t1_info(int fd, struct t1_info *info, uint32_t argsz)
{
	memset(info, 0xff, sizeof(*info));
	info->info.argsz = argsz;
	return ioctl(fd, VFIO_IOMMU_GET_INFO, info);
}

static inline void *t1_cap(struct t1_info *info, uint16_t id)
{
	return find_cap(info, info->info.cap_offset, id);
}

/* How many mappings still fit. */
static inline unsigned int t1_avail(int fd)
{
	struct vfio_iommu_type1_info_dma_avail *cap;
	struct t1_info info;

	ASSERT_EQ(0, t1_info(fd, &info, sizeof(info)));
	cap = t1_cap(&info, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	ASSERT_TRUE(cap);
	return cap->avail;
}

static inline int t1_dirty(int fd, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap arg = { .argsz = sizeof(arg), .flags = flags };

	return ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

#define t1_dirty_start(fd)	t1_dirty(fd, VFIO_IOMMU_DIRTY_PAGES_FLAG_START)
#define t1_dirty_stop(fd)	t1_dirty(fd, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP)

static inline int t1_dirty_get_pgsize(int fd, uint64_t iova, uint64_t size, uint64_t pgsize,
				      uint64_t *data, uint64_t bytes)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get range;
	} arg = {
		.head.argsz = sizeof(arg),
		.head.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.range.iova = iova,
		.range.size = size,
		.range.bitmap.pgsize = pgsize,
		.range.bitmap.size = bytes,
		.range.bitmap.data = (void *)data,
	};

	return ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static inline int t1_dirty_get(int fd, uint64_t iova, uint64_t size, uint64_t *data,
			       uint64_t bytes)
{
	return t1_dirty_get_pgsize(fd, iova, size, PAGE, data, bytes);
}

/* Bytes that were unmapped, or -1. */
static inline int64_t t1_unmap_dirty_flags(int fd, uint64_t iova, uint64_t size, uint64_t *data,
					   uint64_t bytes, uint32_t flags)
{
	struct {
		struct vfio_iommu_type1_dma_unmap head;
		struct vfio_bitmap bitmap;
	} arg = {
		.head.argsz = sizeof(arg),
		.head.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | flags,
		.head.iova = iova,
		.head.size = size,
		.bitmap.pgsize = PAGE,
		.bitmap.size = bytes,
		.bitmap.data = (void *)data,
	};

	return ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &arg) ? -1 : (int64_t)arg.head.size;
}

static inline int64_t t1_unmap_dirty(int fd, uint64_t iova, uint64_t size, uint64_t *data,
				     uint64_t bytes)
{
	return t1_unmap_dirty_flags(fd, iova, size, data, bytes, 0);
}

/*
 * DMA of one page. mem is where iova leads, or is thought to.
 */

/* The device's buffer takes this pattern through a mapping of its own. */
static inline bool edu_load(struct edu *edu, uint64_t iova, void *mem, unsigned int seed)
{
	fill(mem, PAGE, seed);
	return !edu_to_device(edu, iova, 0, PAGE);
}

/* What the device writes arrives: mem holds the pattern of seed then. */
static inline bool edu_stores(struct edu *edu, uint64_t iova, const void *mem, unsigned int seed)
{
	return !edu_from_device(edu, iova, 0, PAGE) && mismatch(mem, PAGE, seed) == PAGE;
}

/* What the device writes does not arrive: mem keeps the pattern of seed. */
static inline bool edu_store_is_lost(struct edu *edu, uint64_t iova, void *mem, unsigned int seed)
{
	fill(mem, PAGE, seed);
	return edu_stores(edu, iova, mem, seed);
}

#endif /* IOASID_SELFTESTS_VFIO_UTIL_H */
