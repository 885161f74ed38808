// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands on a container: VFIO_IOMMU_GET_INFO, VFIO_IOMMU_MAP_DMA,
 * VFIO_IOMMU_UNMAP_DMA, and who answers VFIO_CHECK_EXTENSION.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat.h"
#include "container.h"

static int first_mapping(u64 iova, u64 size, u32 prot, void *arg)
{
	struct ioasid_vfio_mapping *m = arg;

	m->iova = iova;
	m->size = size;
	m->prot = prot;
	return 1;
}

/**
 * ioasid_vfio_next_mapping() - find the first mapping of a range
 * @c: the container
 * @first: first IOVA
 * @last: last IOVA
 * @m: the mapping, which may begin before the range and end after it
 *
 * Returns: false when the range holds no mapping.
 */
bool ioasid_vfio_next_mapping(struct ioasid_vfio *c, u64 first, u64 last,
			      struct ioasid_vfio_mapping *m)
{
	return ioasid_space_walk(c->space, first, last, first_mapping, m) == 1;
}

/**
 * ioasid_vfio_pgsizes() - page sizes for mappings
 * @c: the container
 *
 * Returns: sizes that all IOMMUs support, as a bitmap, without what is smaller
 * than the CPU's pages; all sizes when there is no IOMMU.
 */
u64 ioasid_vfio_pgsizes(struct ioasid_vfio *c)
{
	u64 sizes;

	if (!ioasid_vfio_has_iommu(c))
		return PAGE_MASK;
	sizes = ioasid_space_pgsizes(c->space);
	if (sizes & ~PAGE_MASK)
		sizes = (sizes & PAGE_MASK) | PAGE_SIZE;
	return sizes;
}

static u64 min_pgsize(struct ioasid_vfio *c)
{
	u64 sizes = ioasid_vfio_pgsizes(c);

	return sizes & -sizes;
}

static int check_extension(struct ioasid_vfio *c, unsigned long arg)
{
	switch (arg) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		return c && (!ioasid_vfio_has_iommu(c) ||
			     ioasid_space_enforces_coherency(c->space));
	default:
		return 0;
	}
}

static int add_cap_migration(struct ioasid_vfio *c, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_migration cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
		.header.version = 1,
		.pgsize_bitmap = min_pgsize(c),
		.max_dirty_bitmap_size = IOASID_VFIO_BITMAP_MAX,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

static int add_cap_dma_avail(struct ioasid_vfio *c, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_dma_avail cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
		.header.version = 1,
		.avail = ioasid_space_room(c->space),
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

static int add_ranges(struct vfio_info_cap *caps,
		      const struct ioasid_iova_range *ranges, u32 nr)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	struct vfio_info_cap_header *header;
	u32 i;

	header = vfio_info_cap_add(caps, struct_size(cap, iova_ranges, nr),
				   VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1);
	if (IS_ERR(header))
		return PTR_ERR(header);
	cap = container_of(header, typeof(*cap), header);
	cap->nr_iovas = nr;
	for (i = 0; i < nr; i++) {
		cap->iova_ranges[i].start = ranges[i].start;
		cap->iova_ranges[i].end = ranges[i].last;
	}
	return 0;
}

static int add_cap_iova_ranges(struct ioasid_vfio *c,
			       struct vfio_info_cap *caps)
{
	struct ioasid_iova_range *ranges;
	u32 nr;
	int rc;

	/* Without an IOMMU nothing is out of bounds, and there is no list. */
	if (!ioasid_vfio_has_iommu(c))
		return 0;
	rc = ioasid_space_ranges(c->space, &ranges, &nr);
	if (rc)
		return rc;
	if (nr)
		rc = add_ranges(caps, ranges, nr);
	kvfree(ranges);
	return rc;
}

static int add_caps(struct ioasid_vfio *c, struct vfio_info_cap *caps)
{
	return add_cap_migration(c, caps) ?:
	       add_cap_dma_avail(c, caps) ?:
	       add_cap_iova_ranges(c, caps);
}

/* The chain goes after the structure if all of it fits, else its size is told. */
static int put_caps(struct vfio_iommu_type1_info *info, void __user *ubuf,
		    struct vfio_info_cap *caps)
{
	size_t size = sizeof(*info) + caps->size;

	info->flags |= VFIO_IOMMU_INFO_CAPS;
	if (info->argsz < size) {
		info->argsz = size;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	if (copy_to_user(ubuf + sizeof(*info), caps->buf, caps->size))
		return -EFAULT;
	info->cap_offset = sizeof(*info);
	return 0;
}

static int get_info(struct ioasid_vfio *c, void __user *ubuf)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	struct vfio_info_cap caps = {};
	int rc;

	if (copy_from_user(&info, ubuf, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	minsz = min_t(size_t, info.argsz, sizeof(info));
	info.flags = VFIO_IOMMU_INFO_PGSIZES;
	info.iova_pgsizes = ioasid_vfio_pgsizes(c);

	rc = add_caps(c, &caps);
	if (!rc)
		rc = put_caps(&info, ubuf, &caps);
	kfree(caps.buf);
	if (rc)
		return rc;
	return copy_to_user(ubuf, &info, minsz) ? -EFAULT : 0;
}

/* VFIO's flags and ours are the same bits. */
static_assert(VFIO_DMA_MAP_FLAG_READ == IOASID_MAP_READ);
static_assert(VFIO_DMA_MAP_FLAG_WRITE == IOASID_MAP_WRITE);

static int map_dma(struct ioasid_vfio *c, void __user *ubuf)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;
	u64 last;

	if (copy_from_user(&map, ubuf, minsz))
		return -EFAULT;
	if (map.argsz < minsz || !map.flags ||
	    map.flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE))
		return -EINVAL;
	if (!map.size)
		return -EINVAL;
	if (check_add_overflow(map.iova, map.size - 1, &last) ||
	    check_add_overflow(map.vaddr, map.size - 1, &last))
		return -COMPAT_VFIO_EWRAP;
	if ((map.size | map.iova | map.vaddr) & ~PAGE_MASK)
		return -EINVAL;

	guard(rwsem_read)(&c->maps_lock);
	return ioasid_space_map(c->space, map.iova, map.vaddr, map.size,
				map.flags);
}

static int unmap_plain(struct ioasid_vfio *c, u64 iova, u64 size, bool all,
		       u64 *unmapped)
{
	u32 flags = (all ? IOASID_UNMAP_EVERYTHING : 0) |
		    (c->v2 ? 0 : IOASID_UNMAP_TYPE1V1);

	return ioasid_space_unmap(c->space, iova, size, flags, unmapped);
}

static int unmap_locked(struct ioasid_vfio *c, u64 iova, u64 size, bool all,
			u64 *unmapped)
{
	int rc;

	/*
	 * With dirty pages tracked, nothing new may be mapped there before what
	 * was dirty is forgotten.
	 */
	down_read(&c->maps_lock);
	if (!c->tracking) {
		rc = unmap_plain(c, iova, size, all, unmapped);
		up_read(&c->maps_lock);
		return rc;
	}
	up_read(&c->maps_lock);

	guard(rwsem_write)(&c->maps_lock);
	rc = unmap_plain(c, iova, size, all, unmapped);
	if (!rc)
		ioasid_vfio_pages_forget(c, iova, all ? U64_MAX : iova + size - 1);
	return rc;
}

static int check_unmap(const struct vfio_iommu_type1_dma_unmap *unmap,
		       u64 pgsize)
{
	u64 last;

	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL)
		return unmap->iova || unmap->size ? -EINVAL : 0;
	if (!unmap->size || (unmap->iova | unmap->size) & (pgsize - 1))
		return -EINVAL;
	if (check_add_overflow(unmap->iova, unmap->size - 1, &last))
		return -COMPAT_VFIO_EWRAP;
	return 0;
}

static int get_unmap_bitmap(const struct vfio_iommu_type1_dma_unmap *unmap,
			    void __user *ubuf, struct vfio_bitmap *bitmap)
{
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL ||
	    unmap->argsz < sizeof(*unmap) + sizeof(*bitmap))
		return -EINVAL;
	if (copy_from_user(bitmap, ubuf, sizeof(*bitmap)))
		return -EFAULT;
	return ioasid_vfio_check_bitmap(bitmap, unmap->size);
}

static int unmap_dma(struct ioasid_vfio *c, void __user *ubuf)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap;
	u64 unmapped = 0;
	bool dirty;
	int rc;

	if (copy_from_user(&unmap, ubuf, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz ||
	    unmap.flags & ~(VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
			    VFIO_DMA_UNMAP_FLAG_ALL))
		return -EINVAL;
	dirty = unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	if (dirty) {
		rc = get_unmap_bitmap(&unmap, ubuf + minsz, &bitmap);
		if (rc)
			return rc;
	}
	rc = check_unmap(&unmap, min_pgsize(c));
	if (rc)
		return rc;

	if (dirty)
		rc = ioasid_vfio_unmap_dirty(c, unmap.iova, unmap.size, &bitmap,
					     &unmapped);
	else
		rc = unmap_locked(c, unmap.iova, unmap.size,
				  unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL,
				  &unmapped);
	if (rc)
		return rc;
	unmap.size = unmapped;
	return copy_to_user(ubuf, &unmap, minsz) ? -EFAULT : 0;
}

static long container_ioctl(struct ioasid_vfio *c, unsigned int cmd,
			    unsigned long arg)
{
	void __user *ubuf = (void __user *)arg;

	switch (cmd) {
	case VFIO_CHECK_EXTENSION:
		return check_extension(c, arg);
	case VFIO_IOMMU_GET_INFO:
		return get_info(c, ubuf);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(c, ubuf);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(c, ubuf);
	case VFIO_IOMMU_DIRTY_PAGES:
		return ioasid_vfio_dirty_pages(c, ubuf);
	default:
		return -ENOTTY;
	}
}

/**
 * ioasid_vfio_ioctl() - a command on a container
 * @handle: the container; NULL when VFIO looks for a backend
 * @cmd: the command
 * @arg: its argument
 *
 * Returns: what user space gets.
 */
long ioasid_vfio_ioctl(void *handle, unsigned int cmd, unsigned long arg)
{
	struct ioasid_vfio *c;
	long rc;

	if (!handle)
		return cmd == VFIO_CHECK_EXTENSION ? check_extension(NULL, arg) :
						     -EINVAL;
	c = ioasid_vfio_get(handle);
	if (!c)
		return -EINVAL;
	rc = container_ioctl(c, cmd, arg);
	ioasid_vfio_put(c);
	return rc;
}
