// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_INFO and DEVICE_GET_INFO: fixed part plus a chain of capabilities.
 *
 * A reply is built in kernel memory as a whole; user space gets what fits into
 * its buffer: everything, or the fixed part and the size of everything.
 */
#include <linux/ioasid_table.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "ioasid_private.h"

/* Permitted ranges */

static int cmp_start(const void *a, const void *b)
{
	const struct ioasid_iova_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/*
 * What is left of @first..@last without @holes, which this sorts. @out has room
 * for one more than there are holes.
 */
static u32 cut_holes(u64 first, u64 last, struct ioasid_iova_range *holes,
		     u32 nr, struct ioasid_iova_range *out)
{
	u32 i, n = 0;

	sort(holes, nr, sizeof(*holes), cmp_start, NULL);
	for (i = 0; i < nr && first <= last; i++) {
		if (holes[i].last < first)
			continue;
		if (holes[i].start > last)
			break;
		if (holes[i].start > first) {
			out[n].start = first;
			out[n++].last = holes[i].start - 1;
		}
		if (holes[i].last >= last)
			return n;
		first = holes[i].last + 1;
	}
	if (first <= last) {
		out[n].start = first;
		out[n++].last = last;
	}
	return n;
}

static u32 add_holes(const struct list_head *resvs,
		     struct ioasid_iova_range *holes, u32 nr)
{
	struct iommu_resv_region *resv;

	list_for_each_entry(resv, resvs, list) {
		if (!ioasid_resv_blocks(resv))
			continue;
		if (holes) {
			holes[nr].start = resv->start;
			holes[nr].last = resv->start + resv->length - 1;
		}
		nr++;
	}
	return nr;
}

/* Of everything that is attached. */
static u32 space_holes(struct ioasid_space *space,
		       struct ioasid_iova_range *holes)
{
	struct ioasid_group *grp;
	struct ioasid_pasid *p;
	u32 nr = 0;

	list_for_each_entry(grp, &space->groups, entry)
		nr = add_holes(&grp->resv, holes, nr);
	list_for_each_entry(p, &space->pasids, entry)
		nr = add_holes(&p->resv, holes, nr);
	return nr;
}

/* Room for the holes and, behind them, for the ranges between them. */
static struct ioasid_iova_range *alloc_ranges(u32 holes)
{
	return kvcalloc(2 * (size_t)holes + 1, sizeof(struct ioasid_iova_range),
			GFP_KERNEL_ACCOUNT);
}

static int space_ranges(struct ioasid_space *space,
			struct ioasid_iova_range **ranges, u32 *nr)
{
	u64 first = 0, last = space->last_iova;
	struct ioasid_iova_range *holes;
	struct ioasid_domain *d;
	u32 n;

	lockdep_assert_held(space->lock);
	list_for_each_entry(d, &space->domains, entry) {
		if (!d->domain->geometry.force_aperture)
			continue;
		first = max_t(u64, first, d->domain->geometry.aperture_start);
		last = min_t(u64, last, d->domain->geometry.aperture_end);
	}
	holes = alloc_ranges(space_holes(space, NULL));
	if (!holes)
		return -ENOMEM;
	n = space_holes(space, holes);
	*nr = cut_holes(first, last, holes, n, holes + n);
	memmove(holes, holes + n, *nr * sizeof(*holes));
	*ranges = holes;
	return 0;
}

/**
 * ioasid_space_ranges - the IOVAs that may be mapped
 * @space: the space
 * @ranges: out: ascending; the caller frees it with kvfree()
 * @nr: out: how many
 */
int ioasid_space_ranges(struct ioasid_space *space,
			struct ioasid_iova_range **ranges, u32 *nr)
{
	int rc;

	mutex_lock(space->lock);
	rc = space_ranges(space, ranges, nr);
	mutex_unlock(space->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_space_ranges);

/* Nothing is mapped in smaller units than the CPU's pages. */
static u64 cpu_pgsizes(u64 bitmap)
{
	if (bitmap & (PAGE_SIZE - 1))
		bitmap = (bitmap & PAGE_MASK) | PAGE_SIZE;
	return bitmap;
}

static u64 space_pgsizes(struct ioasid_space *space)
{
	u64 bitmap = ~0ULL;
	struct ioasid_domain *d;

	if (space->kind == IOASID_KIND_USER)
		return ioasid_user_table_pgsizes(space->format);
	list_for_each_entry(d, &space->domains, entry)
		bitmap &= d->domain->pgsize_bitmap;
	return cpu_pgsizes(bitmap);
}

/**
 * ioasid_space_pgsizes - page sizes that all IOMMUs of a space support
 * @space: the space
 */
u64 ioasid_space_pgsizes(struct ioasid_space *space)
{
	u64 bitmap;

	mutex_lock(space->lock);
	bitmap = space_pgsizes(space);
	mutex_unlock(space->lock);
	return bitmap;
}
EXPORT_SYMBOL_GPL(ioasid_space_pgsizes);

/**
 * ioasid_space_room - how many more mappings the space takes
 * @space: the space
 */
u32 ioasid_space_room(struct ioasid_space *space)
{
	return space->map_limit - READ_ONCE(space->nr_maps);
}
EXPORT_SYMBOL_GPL(ioasid_space_room);

static bool enforces_coherency(struct ioasid_space *space)
{
	struct ioasid_domain *d;

	list_for_each_entry(d, &space->domains, entry)
		if (!d->enforces)
			return false;
	return !list_empty(&space->domains);
}

/**
 * ioasid_space_enforces_coherency - can no device's DMA bypass the caches?
 * @space: the space
 */
bool ioasid_space_enforces_coherency(struct ioasid_space *space)
{
	bool enforces;

	mutex_lock(space->lock);
	enforces = enforces_coherency(space);
	mutex_unlock(space->lock);
	return enforces;
}
EXPORT_SYMBOL_GPL(ioasid_space_enforces_coherency);

/**
 * ioasid_space_walk - visit the mappings in a range, in order
 * @space: the space
 * @first: first IOVA
 * @last: last IOVA
 * @fn: called with the space's lock held; not 0 ends the walk
 * @arg: for @fn
 */
int ioasid_space_walk(struct ioasid_space *space, u64 first, u64 last,
		      ioasid_walk_fn fn, void *arg)
{
	struct ioasid_mapping *m;
	int rc = 0;

	mutex_lock(space->lock);
	ioasid_for_each_mapping(m, space, first, last) {
		rc = fn(m->node.start, ioasid_mapping_size(m), m->prot, arg);
		if (rc)
			break;
	}
	mutex_unlock(space->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_space_walk);

/* Replies */

/* Capabilities as they are built: @buf starts where the fixed part ends. */
struct chain {
	u32 base;		/* size of the fixed part */
	u32 size;		/* of the chain so far */
	u32 last;		/* offset in @buf of the last header */
	void *buf;
};

static void *chain_add(struct chain *chain, u16 id, size_t size)
{
	struct ioasid_cap_header *header;
	u32 offset = chain->size;
	void *buf;

	size = ALIGN(size, 8);
	buf = kvzalloc(offset + size, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return NULL;
	if (offset) {
		memcpy(buf, chain->buf, offset);
		header = buf + chain->last;
		header->next = chain->base + offset;
	}
	kvfree(chain->buf);
	chain->buf = buf;
	chain->last = offset;
	chain->size += size;
	header = buf + offset;
	header->id = id;
	header->version = 1;
	return header;
}

static int add_ranges(struct chain *chain, const struct ioasid_iova_range *r,
		      u32 nr)
{
	struct ioasid_cap_iova_ranges *cap;

	cap = chain_add(chain, IOASID_CAP_IOVA_RANGES,
			struct_size(cap, ranges, nr));
	if (!cap)
		return -ENOMEM;
	cap->nr_ranges = nr;
	memcpy(cap->ranges, r, nr * sizeof(*r));
	return 0;
}

struct missing_list {
	struct ioasid_missing_device *devices;
	u32 group, nr, max;
};

static int note_missing(struct device *dev, void *arg)
{
	struct missing_list *list = arg;

	if (list->nr < list->max) {
		struct ioasid_missing_device *m = &list->devices[list->nr];

		m->group = list->group;
		strscpy(m->name, dev_name(dev), sizeof(m->name));
	}
	list->nr++;
	return 0;
}

static void collect_missing(struct ioasid_space *space,
			    struct missing_list *list)
{
	struct ioasid_group *grp;

	list->nr = 0;
	list_for_each_entry(grp, &space->groups, entry) {
		if (grp->domain)
			continue;
		list->group = iommu_group_id(grp->group);
		ioasid_group_missing(grp, note_missing, list);
	}
}

static int add_missing(struct chain *chain, struct ioasid_space *space)
{
	struct ioasid_cap_missing_devices *cap;
	struct missing_list list = {};

	collect_missing(space, &list);
	cap = chain_add(chain, IOASID_CAP_MISSING_DEVICES,
			struct_size(cap, devices, list.nr));
	if (!cap)
		return -ENOMEM;
	list.devices = cap->devices;
	list.max = list.nr;
	/* Devices may come and go with the bus: never write more than fits. */
	collect_missing(space, &list);
	cap->nr_devices = min(list.nr, list.max);
	return 0;
}

/* Tells the size of everything; the chain only where it fits. */
static int reply(struct ioasid_ucmd *ucmd, void *fixed, u32 *argsz,
		 u32 *cap_offset, struct chain *chain)
{
	bool fits = ucmd->argsz >= chain->base + chain->size;

	*argsz = chain->base + chain->size;
	*cap_offset = fits && chain->size ? chain->base : 0;
	if (fits && copy_to_user(ucmd->ubuf + chain->base, chain->buf,
				 chain->size))
		return -EFAULT;
	if (copy_to_user(ucmd->ubuf, fixed, min(ucmd->argsz, chain->base)))
		return -EFAULT;
	return 0;
}

static u32 count_devices(struct ioasid_space *space)
{
	struct ioasid_group *grp;
	u32 nr = 0;

	list_for_each_entry(grp, &space->groups, entry)
		nr += list_count_nodes(&grp->members);
	return nr + list_count_nodes(&space->pasids);
}

static int fill_info(struct ioasid_space *space, struct ioasid_info *info,
		     struct chain *chain)
{
	struct ioasid_iova_range *ranges;
	u32 nr;
	int rc;

	if (space->dead)
		return -ENOENT;
	if (!ioasid_space_attached(space))
		return -ENODEV;
	if (space->kind == IOASID_KIND_KERNEL ||
	    space->kind == IOASID_KIND_MIRROR || ioasid_space_is_pinned(space))
		info->flags = IOASID_INFO_MAP_DMA;
	if (ioasid_is_ptable(space))
		info->flags = IOASID_INFO_PASID_TABLE;
	info->kind = space->kind;
	info->nr_devices = count_devices(space);
	info->nr_children = space->nr_children;
	if (space->nr_partial) {
		info->flags |= IOASID_INFO_PARTIAL;
		rc = add_missing(chain, space);
		if (rc)
			return rc;
	}
	/* Without a domain nobody knows. */
	if (list_empty(&space->domains))
		return 0;
	if (enforces_coherency(space))
		info->flags |= IOASID_INFO_ENFORCED_SNOOP;
	info->pgsize_bitmap = space_pgsizes(space);
	if (space->kind == IOASID_KIND_USER) {
		info->addr_width = space->table.addr_width;
		return 0;
	}
	rc = space_ranges(space, &ranges, &nr);
	if (rc)
		return rc;
	info->addr_width = nr ? fls64(ranges[nr - 1].last) : 0;
	rc = add_ranges(chain, ranges, nr);
	kvfree(ranges);
	return rc;
}

int ioasid_cmd_get_info(struct ioasid_ucmd *ucmd)
{
	struct ioasid_info *cmd = ucmd->cmd;
	struct ioasid_info info = { .ioasid = cmd->ioasid };
	struct chain chain = { .base = sizeof(info) };
	struct ioasid_space *space;
	int rc;

	space = ioasid_space_get(ucmd->ctx, cmd->ioasid);
	if (!space)
		return -ENOENT;
	/* Membership of groups is under the context's lock. */
	mutex_lock(&ucmd->ctx->lock);
	mutex_lock(space->lock);
	rc = fill_info(space, &info, &chain);
	mutex_unlock(space->lock);
	mutex_unlock(&ucmd->ctx->lock);
	ioasid_space_put(space);
	if (!rc)
		rc = reply(ucmd, &info, &info.argsz, &info.cap_offset, &chain);
	kvfree(chain.buf);
	return rc;
}

static int device_ranges(struct ioasid_device *idev, struct chain *chain)
{
	struct ioasid_iova_range *holes;
	LIST_HEAD(resvs);
	u32 nr = 0, n;
	int rc;

	iommu_get_resv_regions(idev->dev, &resvs);
	holes = alloc_ranges(add_holes(&resvs, NULL, 0));
	if (holes)
		nr = add_holes(&resvs, holes, 0);
	iommu_put_resv_regions(idev->dev, &resvs);
	if (!holes)
		return -ENOMEM;
	n = cut_holes(0, idev->aperture_last, holes, nr, holes + nr);
	rc = add_ranges(chain, holes + nr, n);
	kvfree(holes);
	return rc;
}

/* Those that the IOMMU walks; nobody else follows them. */
static void fill_pasid_formats(u64 formats, struct ioasid_format_info *info)
{
	const struct ioasid_pasid_format *fmt;
	u32 i;

	for (i = 0; (fmt = ioasid_pasid_format_at(i)); i++) {
		if (!(formats & BIT_ULL(fmt->id)))
			continue;
		*info++ = (struct ioasid_format_info) {
			.format = fmt->id,
			.flags = IOASID_FORMAT_HW | IOASID_FORMAT_PASIDS,
			.pgsize_bitmap = fmt->pgsize_bitmap,
			.width_min = fmt->width_min,
			.width_max = fmt->width_max,
		};
	}
}

/* All page tables can be followed in software, some are walked by the IOMMU. */
static int add_formats(const struct ioasid_device *idev, struct chain *chain)
{
	u64 hw = ioasid_nested_formats(idev->dev);
	/* The PASIDs of a function are not for one of its parts to hand out. */
	u64 pasids = idev->carrier ? 0 : ioasid_ptable_formats(idev->dev);
	u32 nr = IOASID_NR_FORMATS + hweight64(pasids);
	struct ioasid_cap_formats *cap;
	u32 i;

	cap = chain_add(chain, IOASID_CAP_FORMATS,
			struct_size(cap, formats, nr));
	if (!cap)
		return -ENOMEM;
	cap->nr_formats = nr;
	fill_pasid_formats(pasids, cap->formats + IOASID_NR_FORMATS);
	for (i = 0; i < IOASID_NR_FORMATS; i++) {
		const struct ioasid_table_format *fmt =
			ioasid_table_format(i + 1);
		struct ioasid_format_info *info = &cap->formats[i];

		info->format = fmt->id;
		info->flags = IOASID_FORMAT_SW;
		if (hw & BIT_ULL(fmt->id))
			info->flags |= IOASID_FORMAT_HW;
		info->pgsize_bitmap = fmt->pgsize_bitmap;
		info->width_min = fmt->width_min;
		info->width_max = fmt->width_max;
	}
	return 0;
}

static int fill_device_info(struct ioasid_device *idev,
			    struct ioasid_device_info *info,
			    struct chain *chain)
{
	struct device *dev = idev->dev;

	if (device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		info->flags |= IOASID_DEV_INFO_ENFORCE_SNOOP;
	if (device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		info->flags |= IOASID_DEV_INFO_CACHE_COHERENT;
	info->pgsize_bitmap = cpu_pgsizes(idev->pgsize_bitmap);
	info->addr_width = fls64(idev->aperture_last);
	info->group = iommu_group_id(idev->group);
	info->max_pasids = dev->iommu->max_pasids;
	if (info->max_pasids)
		info->flags |= IOASID_DEV_INFO_PASID;
	if (ioasid_device_may_ask(dev))
		info->flags |= IOASID_DEV_INFO_PAGE_REQUESTS;
	if (idev->carrier)
		info->flags |= IOASID_DEV_INFO_PASID_VIRT;
	if (idev->flags & IOASID_SUBDEVICE_GLOBAL_PASIDS)
		info->flags |= IOASID_DEV_INFO_PASID_GLOBAL;
	if (ioasid_dirty_capable(dev))
		info->flags |= IOASID_DEV_INFO_DIRTY_TRACKING;
	return device_ranges(idev, chain) ?: add_formats(idev, chain);
}

int ioasid_cmd_device_get_info(struct ioasid_ucmd *ucmd)
{
	struct ioasid_device_info *cmd = ucmd->cmd;
	struct ioasid_device_info info = { .cookie = cmd->cookie };
	struct chain chain = { .base = sizeof(info) };
	struct ioasid_device *idev;
	int rc = -ENOENT;

	mutex_lock(&ucmd->ctx->lock);
	idev = ioasid_device_find(ucmd->ctx, cmd->cookie);
	if (idev)
		rc = fill_device_info(idev, &info, &chain);
	mutex_unlock(&ucmd->ctx->lock);
	if (!rc)
		rc = reply(ucmd, &info, &info.argsz, &info.cap_offset, &chain);
	kvfree(chain.buf);
	return rc;
}
