/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VFIO container served by ioasid: one context with one kernel-managed space.
 *
 * Locks, outermost first:
 *   maps_lock    read: MAP, UNMAP; write: whatever must see mappings and dirty
 *                pages that belong together
 *   groups_lock  which groups are attached
 *   device_lock  list of mediated devices, held while they are told to unpin
 *   pages_lock   dirty pages
 *   (the lock of the core's space)
 * VFIO calls attach and detach with its own locks held, MAP and UNMAP without.
 * Attach waits for those, as in type1: nobody comes while dirty pages are read.
 * A mediated device that is told to unpin calls back into unpin_pages() or
 * dma_rw(), so these take no lock of ours but pages_lock.
 */
#ifndef __IOASID_VFIO_CONTAINER_H
#define __IOASID_VFIO_CONTAINER_H

#include <linux/completion.h>
#include <linux/ioasid.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/sizes.h>
#include <linux/xarray.h>

#include "backend.h"

struct device;
struct vfio_bitmap;

/**
 * struct ioasid_vfio - a container
 * @ctx: its context
 * @space: its address space
 * @access: pins for all mediated devices of the container
 * @handle: how VFIO knows it, see ioasid_vfio_get()
 * @users: calls that are at work on it, and VFIO
 * @idle: all of @users are gone
 * @v2: VFIO_TYPE1v2_IOMMU, else VFIO_TYPE1_IOMMU
 * @groups_lock: guards @groups, @nr_iommu_groups, @all_dirty and @records
 * @groups: attached groups of both kinds
 * @nr_iommu_groups: those of them behind an IOMMU
 * @all_dirty: a group behind an IOMMU is or was attached while dirty pages were
 *             tracked that may have written anywhere
 * @records: the IOMMUs record which pages devices write to, and the space tells;
 *           since the first group came, changed under maps_lock
 * @device_lock: guards @devices
 * @devices: mediated devices, by vfio_device::iommu_entry
 * @nr_devices: their number, read without the lock
 * @maps_lock: see above
 * @pages_lock: guards @dirty
 * @dirty: numbers of dirty pages while they are tracked, empty otherwise
 * @tracking: dirty pages are tracked; changed under maps_lock and pages_lock
 * @rcu: for freeing
 */
struct ioasid_vfio {
	struct ioasid_ctx *ctx;
	struct ioasid_space *space;
	struct ioasid_access *access;
	u32 handle;
	refcount_t users;
	struct completion idle;
	bool v2;

	struct mutex groups_lock;	/* groups, nr_iommu_groups, all_dirty, records */
	struct list_head groups;
	unsigned int nr_iommu_groups;
	bool all_dirty;
	bool records;

	struct mutex device_lock;	/* devices */
	struct list_head devices;
	unsigned int nr_devices;

	struct rw_semaphore maps_lock;

	struct mutex pages_lock;	/* dirty */
	struct xarray dirty;
	bool tracking;

	struct rcu_head rcu;
};

struct ioasid_vfio *ioasid_vfio_get(void *handle);
void ioasid_vfio_put(struct ioasid_vfio *c);
bool ioasid_vfio_has_iommu(struct ioasid_vfio *c);

/* A mapping, as ioasid_vfio_next_mapping() finds it. */
struct ioasid_vfio_mapping {
	u64 iova;
	u64 size;
	u32 prot;
};

bool ioasid_vfio_next_mapping(struct ioasid_vfio *c, u64 first, u64 last,
			      struct ioasid_vfio_mapping *m);

/* ioctl.c */
long ioasid_vfio_ioctl(void *handle, unsigned int cmd, unsigned long arg);
u64 ioasid_vfio_pgsizes(struct ioasid_vfio *c);

/* dirty.c */

/* What type1 says it can return at once, which keeps shifts below 2^31. */
#define IOASID_VFIO_BITMAP_MAX	SZ_256M

int ioasid_vfio_dirty_pages(struct ioasid_vfio *c, void __user *ubuf);
int ioasid_vfio_check_bitmap(const struct vfio_bitmap *bitmap, u64 size);
int ioasid_vfio_unmap_dirty(struct ioasid_vfio *c, u64 iova, u64 size,
			    const struct vfio_bitmap *bitmap, u64 *unmapped);

/* pages.c */
int ioasid_vfio_pin_pages(void *handle, struct iommu_group *group,
			  dma_addr_t iova, int npage, int prot,
			  struct page **pages);
void ioasid_vfio_unpin_pages(void *handle, dma_addr_t iova, int npage);
int ioasid_vfio_dma_rw(void *handle, dma_addr_t iova, void *data, size_t count,
		       bool write);
int ioasid_vfio_pages_track(struct ioasid_vfio *c);
void ioasid_vfio_pages_untrack(struct ioasid_vfio *c);
bool ioasid_vfio_pages_dirty(struct ioasid_vfio *c, unsigned long first,
			     unsigned long npages, unsigned int shift,
			     unsigned long *bits, unsigned int offset,
			     bool clear);
void ioasid_vfio_pages_redirty(struct ioasid_vfio *c, unsigned long first,
			       unsigned long npages, unsigned int shift,
			       const unsigned long *bits, unsigned int offset);
void ioasid_vfio_pages_forget(struct ioasid_vfio *c, u64 first, u64 last);

#endif /* __IOASID_VFIO_CONTAINER_H */
