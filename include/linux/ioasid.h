/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-kernel interface of ioasid, for drivers that offer a door to it: device
 * drivers with a file descriptor per device (the RFC's model), and frameworks
 * that own whole groups (VFIO containers).
 *
 * Who owns what:
 *  - a door holds a reference on the context for as long as it uses it;
 *  - a bound device holds one on its context, so that closing /dev/ioasid
 *    before the device leaves everything in place;
 *  - a space belongs to its context and dies with it or by ioasid_space_free().
 *
 * All functions may sleep. None may be called with mmap_lock held.
 */
#ifndef _LINUX_IOASID_H
#define _LINUX_IOASID_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <uapi/linux/ioasid.h>

struct device;
struct iommu_domain;
struct iommu_group;
struct page;
struct ioasid_ctx;
struct ioasid_device;
struct ioasid_space;
struct ioasid_access;

/* How a context came to be; shown by fdinfo and tools. */
enum ioasid_door {
	IOASID_DOOR_DEV,	/* open of /dev/ioasid */
	IOASID_DOOR_VFIO,	/* VFIO container */
};

/* Contexts */
struct ioasid_ctx *ioasid_ctx_fdget(int fd);
struct ioasid_ctx *ioasid_ctx_alloc(enum ioasid_door door);
void ioasid_ctx_put(struct ioasid_ctx *ctx);

/* Devices: bind claims DMA ownership, unbind detaches and releases it. */
struct ioasid_device *ioasid_device_bind(struct ioasid_ctx *ctx,
					 struct device *dev, u64 cookie);
void ioasid_device_unbind(struct ioasid_device *idev);
#define IOASID_NO_PASID	(~0U)
int ioasid_device_attach(struct ioasid_device *idev, u32 ioasid, u32 pasid);
int ioasid_device_attach_any(struct ioasid_device *idev, u32 ioasid, u32 *pasid);
int ioasid_device_detach(struct ioasid_device *idev, u32 ioasid, u32 pasid);

/*
 * Sub-devices: parts of a device that share its RID and are told apart by PASIDs
 * of the kernel's choice, see kernel/subdevice.c. Bound like this they are devices
 * as others. What their driver puts on the wire for a user's PASID, and for DMA
 * of the user that carries none, it has to ask for.
 */
#define IOASID_SUBDEVICE_GLOBAL_PASIDS	(1 << 0)	/* one number for a user's PASID,
							 * on all devices of a context
							 */
struct ioasid_device *ioasid_subdevice_bind(struct ioasid_ctx *ctx,
					    struct device *dev,
					    struct device *sub, u64 cookie,
					    u32 flags);
int ioasid_device_ppasid(struct ioasid_device *idev, u32 pasid, u32 *ppasid);

/*
 * Spaces, for doors that have a space of their own. The caller of
 * ioasid_space_attach_group() owns the group's DMA and says which device of it
 * is asked for IOMMU properties (any member).
 */
struct ioasid_space *ioasid_space_alloc(struct ioasid_ctx *ctx, u32 flags,
					u32 map_limit);
void ioasid_space_free(struct ioasid_space *space);
int ioasid_space_attach_group(struct ioasid_space *space,
			      struct iommu_group *group);
/* Of a space that nothing is attached to, whether dirty pages can be tracked */
#define IOASID_FIRST_DIRTY	(1 << 0)	/* they can, from now on; else they cannot */
#define IOASID_FIRST_TRACKED	(1 << 1)	/* and are */
int ioasid_space_attach_first(struct ioasid_space *space,
			      struct iommu_group *group, u32 flags);
void ioasid_space_detach_group(struct ioasid_space *space,
			       struct iommu_group *group);
struct iommu_domain *ioasid_space_group_domain(struct ioasid_space *space,
					       struct iommu_group *group);

/* prot: IOASID_MAP_* */
int ioasid_space_map(struct ioasid_space *space, u64 iova, u64 vaddr, u64 size,
		     u32 prot);

/*
 * @unmapped and the result are separate: a range without any mapping is
 * success with *unmapped == 0.
 */
#define IOASID_UNMAP_EVERYTHING	(1 << 0)	/* iova and size are ignored */
#define IOASID_UNMAP_TYPE1V1	(1 << 1)	/* VFIO_TYPE1_IOMMU: a mapping whose start is
						 * in the range goes as a whole, one that
						 * starts before is left and ends the walk
						 */
#define IOASID_UNMAP_NOT_EMPTY	(1 << 2)	/* no mapping in the range: -ENOENT */
int ioasid_space_unmap(struct ioasid_space *space, u64 iova, u64 size,
		       u32 flags, u64 *unmapped);

/* fn is called for each mapping that intersects the range, in order. */
typedef int (*ioasid_walk_fn)(u64 iova, u64 size, u32 prot, void *arg);
int ioasid_space_walk(struct ioasid_space *space, u64 first, u64 last,
		      ioasid_walk_fn fn, void *arg);

/*
 * Dirty pages, see kernel/dirty.c: what devices wrote. What the CPU writes for
 * in-kernel users is theirs to know.
 */
bool ioasid_group_dirty_capable(struct iommu_group *group);
int ioasid_space_set_dirty_tracking(struct ioasid_space *space, bool on);
/*
 * Adds bits to a bitmap with one for each page, whose bit number @offset stands for
 * @iova. Those that were added before an error count.
 */
int ioasid_space_read_dirty(struct ioasid_space *space, u64 iova, u64 size,
			    u32 flags, unsigned long *bits,
			    unsigned int offset);	/* IOASID_DIRTY_NO_CLEAR */

u64 ioasid_space_pgsizes(struct ioasid_space *space);
u32 ioasid_space_room(struct ioasid_space *space);	/* mappings that still fit */
bool ioasid_space_enforces_coherency(struct ioasid_space *space);
/* Permitted ranges, ascending; the caller frees *ranges with kvfree(). */
int ioasid_space_ranges(struct ioasid_space *space,
			struct ioasid_iova_range **ranges, u32 *nr);

/*
 * In-kernel users of a space's memory (mediated devices). @unmap is called
 * without locks before a mapping with pins of any access goes, for every
 * access; the owner must then unpin what it holds in the range.
 */
struct ioasid_access_ops {
	void (*unmap)(void *data, u64 iova, u64 size);
};

struct ioasid_access *ioasid_access_create(struct ioasid_space *space,
					   const struct ioasid_access_ops *ops,
					   void *data);
void ioasid_access_destroy(struct ioasid_access *access);
/* Pins npages consecutive pages from iova on: all (0) or none (-errno). */
int ioasid_access_pin_pages(struct ioasid_access *access, u64 iova,
			    unsigned int npages, u32 prot, struct page **pages);
/* Pages that are not pinned are passed over. */
void ioasid_access_unpin_pages(struct ioasid_access *access, u64 iova,
			       unsigned int npages);
/* fn is called for each pinned page of the range, in order; it may not call us. */
typedef int (*ioasid_pin_fn)(u64 iova, void *arg);
int ioasid_access_walk(struct ioasid_access *access, u64 first, u64 last,
		       ioasid_pin_fn fn, void *arg);
int ioasid_space_rw(struct ioasid_space *space, u64 iova, void *buf,
		    size_t len, bool write);

/*
 * Files of devices, see kernel/devfd.c. The door owns the file operations; it
 * passes open, release and ioctl on, and brackets every other use of the device
 * with ioasid_devfd_enter() and ioasid_devfd_exit(). All members are private.
 */
struct ioasid_devfd;
struct ioasid_devfd_ops {
	/* The DMA is owned, and blocked: make the device usable. */
	int (*enable)(struct ioasid_devfd *devfd);
	/* No more DMA, interrupts or mappings of the device after this. */
	void (*disable)(struct ioasid_devfd *devfd);
};

struct ioasid_devfd {
	struct device *dev;
	struct device *sub;		/* of @dev, or NULL */
	u32 sub_flags;			/* IOASID_SUBDEVICE_* */
	const struct ioasid_devfd_ops *ops;
	struct rw_semaphore lock;
	struct ioasid_device *idev;	/* while bound */
	bool open;
	bool gone;
};

void ioasid_devfd_init(struct ioasid_devfd *devfd, struct device *dev,
		       const struct ioasid_devfd_ops *ops);
void ioasid_devfd_init_sub(struct ioasid_devfd *devfd, struct device *dev,
			   struct device *sub, u32 flags,
			   const struct ioasid_devfd_ops *ops);
int ioasid_devfd_open(struct ioasid_devfd *devfd);
void ioasid_devfd_release(struct ioasid_devfd *devfd);
void ioasid_devfd_revoke(struct ioasid_devfd *devfd);
int ioasid_devfd_enter(struct ioasid_devfd *devfd);
void ioasid_devfd_exit(struct ioasid_devfd *devfd);
long ioasid_devfd_ioctl(struct ioasid_devfd *devfd, unsigned int cmd,
			unsigned long arg);

/* Nodes of devices, see kernel/devnode.c. */
struct ioasid_devnode {
	struct device dev;
	struct cdev cdev;		/* holds @dev */
	void (*release)(struct ioasid_devnode *node);
};

void ioasid_devnode_init(struct ioasid_devnode *node, struct device *parent,
			 void (*release)(struct ioasid_devnode *node));
int ioasid_devnode_add(struct ioasid_devnode *node, const char *name,
		       const struct file_operations *fops);
void ioasid_devnode_del(struct ioasid_devnode *node);

int ioasid_copy_args(void *args, size_t size, const void __user *uargs);

#endif /* _LINUX_IOASID_H */
