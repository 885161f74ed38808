/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model.
 *
 *   ioasid_ctx        one open of /dev/ioasid, or one VFIO container
 *    |- ioasid_device   a device bound to it: a function, or a sub-device on an
 *    |                  ioasid_carrier, the function that several share
 *    |- ioasid_region   registered memory: pages pinned and charged once
 *    `- ioasid_space    an I/O address space
 *        |- ioasid_mapping  IOVA range -> slice of an ioasid_pages, or of the
 *        |                  parent space
 *        |- ioasid_group    an IOMMU group attached to it, whole or in part
 *        |- ioasid_pasid    one PASID of one device attached to it
 *        `- ioasid_domain   an IOMMU domain that holds all its mappings; one
 *                           per set of groups whose IOMMUs are compatible
 *
 * Spaces form trees: what a child maps is addresses of its parent. The memory
 * behind a child's mapping is found by asking the parent, so that it is pinned
 * and charged once, and comes in slices: as much as one mapping of each level
 * covers. A slice is in a domain as a whole or not at all.
 *
 * ioasid_pages is a list of physically contiguous runs, in order of the virtual
 * addresses they were pinned from. It owns the pins and the charge. Since the
 * runs are kept, neither unmap nor attach ever asks an IOMMU for an address.
 *
 * "last" is inclusive, a size or a count says how many; an IOVA range may end
 * at the very last address, so there is no "end".
 *
 * Locks, outermost first:
 *   ioasid_contexts_lock  list of contexts, of bound devices and of carriers
 *   ctx->lock             devices, regions, which group is attached where
 *   space->access_lock    list of in-kernel users; held while they are told to
 *                         unpin
 *   space->lock           mappings, domains, groups of the space; one for all
 *                         spaces of a tree, since a change of a parent is one
 *                         of its children
 * mmap_lock is never taken under any of them: memory is pinned before, charged
 * before, unpinned and uncharged after. A mapping whose memory is being pinned
 * sits in the tree as a place-holder (!ready), which other operations do not
 * see except that its range is taken.
 */
#ifndef __IOASID_PRIVATE_H
#define __IOASID_PRIVATE_H

#include <linux/device.h>
#include <linux/idr.h>
#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/ioasid.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "history.h"

#if BITS_PER_LONG != 64
#error ioasid keeps IOVAs in unsigned long: 64-bit kernels only
#endif

/* Bounds of what one context can make the kernel keep. */
#define IOASID_MAX_SPACES	4096
#define IOASID_MAX_REGIONS	4096
#define IOASID_MAX_MAPPINGS	(1U << 20)	/* per space */
#define IOASID_MAX_DEPTH	8		/* of a tree: walks recurse */

struct seq_file;
struct file;
struct ioasid_mirror;
struct ioasid_domain;
struct ioasid_nested;
struct ioasid_queue;
struct ioasid_ucmd;
struct ioasid_walk;

/* Pinned memory */

/**
 * struct ioasid_run - physically contiguous pages
 * @pfn: the first
 * @first: index of that page in the pages object
 * @mmio: device memory: neither pinned nor charged
 *
 * A run ends where the next begins.
 */
struct ioasid_run {
	unsigned long pfn;
	unsigned long first : 63;
	unsigned long mmio : 1;
};

/**
 * struct ioasid_pages - memory of a process, held for devices
 * @mm: who is charged; counted by mmgrab(), so its address space may be gone
 * @npages: pages found so far (all, once pinning succeeded)
 * @npinned: those of them that are pinned, the rest is MMIO
 * @ncharged: pages charged to @mm
 * @writable: pinned for writing, hence dirty when unpinned
 * @nr_runs: runs in use
 * @max_runs: runs that fit into @runs
 * @runs: ascending by @first
 * @small: where @runs points as long as one is enough
 */
struct ioasid_pages {
	struct mm_struct *mm;
	unsigned long npages;
	unsigned long npinned;
	unsigned long ncharged;
	bool writable;
	unsigned int nr_runs;
	unsigned int max_runs;
	struct ioasid_run *runs;
	struct ioasid_run small;
};

void ioasid_pages_init(struct ioasid_pages *pages, struct mm_struct *mm);
int ioasid_pages_pin(struct ioasid_pages *pages, unsigned long vaddr,
		     unsigned long npages, bool write, bool mmio_ok);
void ioasid_pages_reset(struct ioasid_pages *pages);
void ioasid_pages_release(struct ioasid_pages *pages);
unsigned int ioasid_pages_find(const struct ioasid_pages *pages,
			       unsigned long index);

static inline unsigned long ioasid_run_len(const struct ioasid_pages *pages,
					   unsigned int i)
{
	unsigned long end = i + 1 < pages->nr_runs ? pages->runs[i + 1].first :
						     pages->npages;

	return end - pages->runs[i].first;
}

/**
 * struct ioasid_region - registered memory
 * @node: its virtual addresses, in ctx->regions
 * @pages: what is pinned
 * @users: mappings that use it
 * @ready: pinned; a place-holder otherwise
 */
struct ioasid_region {
	struct interval_tree_node node;
	struct ioasid_pages pages;
	unsigned int users;
	bool ready;
};

int ioasid_memory_register(struct ioasid_ctx *ctx, u64 vaddr, u64 size);
int ioasid_memory_unregister(struct ioasid_ctx *ctx, u64 vaddr, u64 size);
void ioasid_memory_release(struct ioasid_ctx *ctx);
struct ioasid_region *ioasid_region_get(struct ioasid_ctx *ctx, u64 vaddr,
					u64 size);
void ioasid_region_put(struct ioasid_ctx *ctx, struct ioasid_region *region);

/* Contexts */

struct ioasid_ctx {
	struct rcu_head rcu;		/* programs look without a lock, bpf/kfuncs.c */
	struct kref kref;		/* the fd or container, and bound devices */
	struct list_head entry;		/* in ioasid_contexts */
	u32 id;
	enum ioasid_door door;
	struct mutex lock;		/* see above */
	struct xarray spaces;		/* counted */
	u32 last_space;			/* number given last, under xa_lock */
	struct list_head devices;
	struct rb_root_cached regions;
	unsigned int nr_regions;
	u64 registered;			/* bytes */
	struct xarray global_pasids;	/* user's PASID -> struct ioasid_global_pasid */
	/* who opened it, for people */
	struct pid *pid;
	char comm[TASK_COMM_LEN];
	u64 cgroup;
};

extern struct mutex ioasid_contexts_lock;
extern struct list_head ioasid_contexts;

struct ioasid_ctx *ioasid_ctx_find(u32 id);
struct ioasid_ctx *ioasid_ctx_find_rcu(u32 id);
bool ioasid_ctx_after(u32 *id);

/* Devices */

struct ioasid_device {
	struct list_head entry;		/* in ctx->devices */
	struct list_head bound_entry;	/* in ioasid_bound_devices */
	struct ioasid_ctx *ctx;		/* counted */
	struct device *dev;		/* counted: what the IOMMU knows */
	struct iommu_group *group;	/* counted */
	struct device *sub;		/* counted: a sub-device of @dev; or NULL */
	struct ioasid_carrier *carrier;	/* and then: what it has of @dev */
	u32 flags;			/* IOASID_SUBDEVICE_* */
	u64 cookie;
	u32 rid;			/* as tracepoints show it */
	u64 pgsize_bitmap;
	u64 aperture_last;
	struct ioasid_group *attached;	/* the topmost, see struct ioasid_group */
	struct xarray pasids;		/* user's PASID -> struct ioasid_pasid */
	atomic_t pending_faults;	/* groups that wait for an answer */
};

/**
 * struct ioasid_member - a device in a group that is attached to a space
 * @entry: in group->members
 * @idev: the device
 */
struct ioasid_member {
	struct list_head entry;
	struct ioasid_device *idev;
};

/* As users know it. */
static inline const char *ioasid_device_name(const struct ioasid_device *idev)
{
	return dev_name(idev->sub ?: idev->dev);
}

u32 ioasid_device_rid(struct device *dev);
struct ioasid_device *ioasid_device_find(struct ioasid_ctx *ctx, u64 cookie);

/* Spaces */

struct ioasid_stats {
	/* under space->lock, read without */
	u64 mapped;
	u64 pinned;
	u64 maps;
	u64 map_bytes;
	u64 unmaps;
	u64 unmap_bytes;
	u64 invalidations;
	u64 shadow_syncs;
	u64 shadow_walks;
	/* refused operations do not always hold the lock */
	atomic64_t map_errors;
	atomic64_t unmap_errors;
	/* requests of INVALIDATE_CACHE, under ctx->lock */
	u64 user_invalidations;
	u64 user_inval_errors;
};

/* Without locks: whoever answers counts. */
struct ioasid_fault_stats {
	atomic64_t groups;
	atomic64_t pages;
	atomic64_t unrecoverable;
	atomic64_t success;
	atomic64_t invalid;
	atomic64_t overflows;
	atomic64_t timeouts;
	atomic64_t cancels;
	atomic_t pending;
};

struct ioasid_space {
	struct rcu_head rcu;		/* as of contexts */
	struct kref kref;		/* ctx->spaces, and commands at work */
	struct ioasid_ctx *ctx;		/* outlives its spaces */
	u32 id;
	u32 kind;
	u32 flags;			/* IOASID_ALLOC_* */
	u32 map_limit;
	u32 addr_width;			/* asked for, 0: any */
	unsigned long last_iova;	/* by that width */
	u32 format;			/* of @table */
	struct ioasid_table table;	/* user-managed */

	struct ioasid_space *parent;	/* counted */
	u32 depth;			/* parents above */
	struct ioasid_queue *queue;	/* counted: where faults go, or NULL */
	bool asks;			/* its devices ask for pages */
	bool two_step;			/* by CREATE_NESTING */
	bool shadowed;			/* @maps follow @table */
	bool moving;			/* between two kinds of table */
	bool tracking;			/* dirty pages; under its lock */
	struct ioasid_mirror *mirror;	/* kinds MIRROR and SVA */

	struct mutex access_lock;	/* see above */
	struct list_head accesses;

	struct mutex *lock;		/* see above: the root's own_lock */
	struct mutex own_lock;
	bool dead;			/* freed: refuses everything */
	struct list_head children;
	u32 nr_children;
	struct list_head sibling;	/* in parent->children */
	struct rb_root_cached maps;
	struct rb_root_cached targets;	/* the same by address in the parent, of
					 * slots in the process
					 */
	u32 nr_maps;
	unsigned long kpins;		/* sum of the mappings' */
	struct list_head domains;
	u32 nr_domains;
	struct list_head groups;
	u32 nr_partial;			/* groups not attached as a whole */
	struct list_head pasids;
	struct ioasid_stats stats;
	struct ioasid_fault_stats fault_stats;
	struct ioasid_history history;
};

static inline bool ioasid_space_attached(const struct ioasid_space *space)
{
	return !list_empty(&space->groups) || !list_empty(&space->pasids);
}

/**
 * struct ioasid_mapping - IOVA range of a space
 * @node: the IOVAs, in space->maps
 * @entry: while it is being unmapped
 * @pages: @own, or those of @region; NULL in a child, and of a slot
 * @first: page of @pages that the range starts with
 * @region: registered memory it lies in, or NULL
 * @prot: IOASID_MAP_*
 * @ready: pinned and in all domains; a place-holder otherwise
 * @no_requests: of a slot: devices cannot ask for its pages
 * @kpins: pages held by in-kernel users
 * @kept: dirty pages of domains that are gone, see dirty.c
 * @kept_all: all are
 * @target: in a child: addresses of the parent, in space->targets; of a slot: of the
 *          process
 */
struct ioasid_mapping {
	struct interval_tree_node node;
	struct list_head entry;
	struct ioasid_pages *pages;
	unsigned long first;
	struct ioasid_region *region;
	u32 prot;
	bool ready;
	bool no_requests;
	unsigned long kpins;
	unsigned long *kept;
	bool kept_all;
	union {
		struct ioasid_pages own;
		struct interval_tree_node target;
	};
};

static inline u64 ioasid_mapping_size(const struct ioasid_mapping *m)
{
	return m->node.last - m->node.start + 1;
}

static inline unsigned long ioasid_mapping_npages(const struct ioasid_mapping *m)
{
	return (m->node.last - m->node.start) / PAGE_SIZE + 1;
}

struct ioasid_mapping *ioasid_mapping_first(struct ioasid_space *space,
					    unsigned long first,
					    unsigned long last);
struct ioasid_mapping *ioasid_mapping_next(struct ioasid_mapping *m,
					   unsigned long first,
					   unsigned long last);
/* Of its own; what comes from a region or a parent is counted there. */
static inline u64 ioasid_mapping_pinned(const struct ioasid_mapping *m)
{
	return m->pages == &m->own ? m->own.npinned * PAGE_SIZE : 0;
}

struct ioasid_mapping *ioasid_mapping_target(u64 iova, u64 target, u64 size,
					     u32 prot);
void ioasid_mapping_insert(struct ioasid_space *space, struct ioasid_mapping *m);
void ioasid_mapping_remove(struct ioasid_space *space, struct ioasid_mapping *m);
void ioasid_mapping_free(struct ioasid_space *space, struct ioasid_mapping *m);

/**
 * struct ioasid_slice - contiguous IOVAs and the memory behind them
 * @iova: first address, in the space that is asked about
 * @npages: length
 * @pages: memory
 * @first: page of @pages
 * @prot: IOASID_MAP_* that all levels allow, never 0
 */
struct ioasid_slice {
	unsigned long iova;
	unsigned long npages;
	const struct ioasid_pages *pages;
	unsigned long first;
	u32 prot;
};

static inline unsigned long ioasid_slice_size(const struct ioasid_slice *s)
{
	return s->npages * PAGE_SIZE;
}

/* Visitors: not 0 ends the visit and is returned. */
typedef int (*ioasid_slice_fn)(struct ioasid_space *space,
			       const struct ioasid_slice *s, void *arg);
int ioasid_visit_slices(struct ioasid_space *space, unsigned long first,
			unsigned long last, ioasid_slice_fn fn, void *arg);
int ioasid_mapping_slices(struct ioasid_space *space, struct ioasid_mapping *m,
			  ioasid_slice_fn fn, void *arg);
int ioasid_visit_shadows(struct ioasid_space *space,
			 const struct ioasid_slice *s, ioasid_slice_fn fn,
			 void *arg);
int ioasid_tree_install(struct ioasid_space *space, struct ioasid_mapping *m);
void ioasid_tree_remove(struct ioasid_space *space, struct ioasid_mapping *m);
void ioasid_tree_sync(struct ioasid_space *space, bool user);
int ioasid_target_check(struct ioasid_space *space, u64 first, u64 last,
			u32 prot);

/* All ready mappings that intersect first..last, in order. */
#define ioasid_for_each_mapping(m, space, first, last)			\
	for (m = ioasid_mapping_first(space, first, last); m;		\
	     m = ioasid_mapping_next(m, first, last))

struct ioasid_space *ioasid_space_create(struct ioasid_ctx *ctx,
					 const struct ioasid_alloc *args,
					 u32 map_limit, bool two_step);
void ioasid_mappings_drop(struct ioasid_space *space);
int ioasid_space_destroy(struct ioasid_ctx *ctx, u32 ioasid);
struct ioasid_space *ioasid_space_get(struct ioasid_ctx *ctx, u32 ioasid);
void ioasid_space_put(struct ioasid_space *space);
int ioasid_on_space(struct ioasid_ucmd *ucmd, u32 ioasid,
		    int (*fn)(struct ioasid_space *space,
			      struct ioasid_ucmd *ucmd));
int ioasid_space_refuse(struct ioasid_ctx *ctx, u32 ioasid, int rc);
int ioasid_space_usable(struct ioasid_space *space);
int ioasid_space_mappable(struct ioasid_space *space);
void ioasid_spaces_release(struct ioasid_ctx *ctx);

/**
 * struct ioasid_access - an in-kernel user of a space's memory
 * @entry: in space->accesses
 * @space: not counted: the door that made it keeps the space
 * @ops: what to call
 * @data: for @ops
 * @pins: IOVA page number -> how often it is pinned; under space->lock
 */
struct ioasid_access {
	struct list_head entry;
	struct ioasid_space *space;
	const struct ioasid_access_ops *ops;
	void *data;
	struct xarray pins;
};

/* Groups and domains */

/**
 * struct ioasid_attachment - DMA that is attached, as the IOMMU core names it
 * @handle: what the core gives back with each fault
 * @space: where; stays while attached
 * @domain: there
 * @idev: whose; NULL: of all members of @group
 * @group: or NULL
 * @pasid: as the user knows it, or IOASID_NO_PASID
 * @entry: in the attachments of a domain that reports faults
 * @pending: its groups without an answer, under the lock of where those wait
 */
struct ioasid_attachment {
	struct iommu_attach_handle handle;
	struct list_head entry;
	struct list_head pending;
	struct ioasid_space *space;
	struct ioasid_domain *domain;
	struct ioasid_device *idev;
	struct ioasid_group *group;
	u32 pasid;
};

/**
 * struct ioasid_group - an IOMMU group on its way into a space
 * @entry: in space->groups
 * @space: the space
 * @group: counted
 * @below: where else it is attached: in the parent of @space, whose place it
 *         takes as long as it is installed; or NULL
 * @members: bound devices attached so far; empty for a @whole group
 * @whole: attached by a door that owns the group (VFIO)
 * @resv: reserved regions of all its devices
 * @domain: where it is attached, NULL as long as members are missing
 * @at: for the IOMMU core
 */
struct ioasid_group {
	struct list_head entry;
	struct ioasid_space *space;
	struct iommu_group *group;
	struct ioasid_group *below;
	struct list_head members;
	bool whole;
	struct list_head resv;
	struct ioasid_domain *domain;
	struct ioasid_attachment at;
};

struct ioasid_group *ioasid_group_create(struct ioasid_space *space,
					 struct iommu_group *group);
void ioasid_group_destroy(struct ioasid_group *grp);
struct ioasid_group *ioasid_group_find(struct ioasid_space *space,
				       struct iommu_group *group);
bool ioasid_group_shared(struct iommu_group *group);
struct ioasid_member *ioasid_group_member(struct ioasid_group *grp,
					  struct device *dev);
int ioasid_group_install(struct ioasid_group *grp, struct device *dev,
			 struct ioasid_nested *nested);
void ioasid_group_uninstall(struct ioasid_group *grp);
/* Calls fn for each device of the group that ought to be attached and is not. */
int ioasid_group_missing(struct ioasid_group *grp,
			 int (*fn)(struct device *dev, void *arg), void *arg);

/**
 * struct ioasid_carrier - a physical device with sub-devices, which share its RID
 * @entry: in the list of carriers
 * @dev: not counted: its sub-devices do
 * @nr_subdevices: that are bound, in any context
 * @flags: IOASID_SUBDEVICE_* of all of them
 * @ppasids: numbers on the wire that are in use; locks itself
 */
struct ioasid_carrier {
	struct list_head entry;
	struct device *dev;
	unsigned int nr_subdevices;
	u32 flags;
	struct ida ppasids;
};

/**
 * struct ioasid_global_pasid - a number of the global pool
 * @ppasid: the number
 * @users: PASIDs attached with it, each on a RID of its own
 */
struct ioasid_global_pasid {
	u32 ppasid;
	unsigned int users;
};

int ioasid_carrier_join(struct ioasid_device *idev);
void ioasid_carrier_leave(struct ioasid_device *idev);

/**
 * struct ioasid_pasid - a PASID of a device, attached to a space
 * @entry: in space->pasids
 * @idev: the device
 * @space: the space
 * @domain: where
 * @pasid: as the user knows it; of a sub-device IOASID_NO_PASID for the default
 * @ppasid: on the wire
 * @global: where that comes from, if it is the global pool
 * @below: what had @pasid before, in the parent of @space, and gets it back; for
 *         defaults only
 * @sva: instead of @domain: it leads to the page table of a process
 * @live: @ppasid may be told
 * @resv: reserved regions of the device
 * @at: for the IOMMU core
 */
struct ioasid_pasid {
	struct list_head entry;
	struct ioasid_device *idev;
	struct ioasid_space *space;
	struct ioasid_domain *domain;
	u32 pasid;
	u32 ppasid;
	struct ioasid_global_pasid *global;
	struct ioasid_pasid *below;
	struct iommu_sva *sva;
	bool live;
	struct list_head resv;
	struct ioasid_attachment at;
	struct rcu_head rcu;
};

int ioasid_device_takes_pasids(struct ioasid_device *idev);
int ioasid_pasid_attach(struct ioasid_device *idev, struct ioasid_space *space,
			u32 pasid, struct ioasid_nested *nested);
void ioasid_pasid_detach(struct ioasid_pasid *p);
int ioasid_ppasid_get(struct ioasid_pasid *p);
void ioasid_ppasid_put(struct ioasid_pasid *p);

/**
 * struct ioasid_domain - an IOMMU domain of a space
 * @entry: in space->domains
 * @domain: the IOMMU driver's
 * @users: groups and PASIDs attached to it, and domains nested on it
 * @enforces: snooping
 * @stage2: allocated as a parent of nested domains behind this IOMMU
 * @parent: what it is nested on: a @stage2 domain of the parent space; or NULL
 * @gather: what was cleared and not flushed yet
 * @cleared: there is something to flush, between @cleared_first and @cleared_last
 * @mirror: it follows a process
 * @mirror_entry: in its list
 * @pinned_from: of a space whose process is pinned: from this address on,
 * @pinned_end: and below this one, it has what is there
 * @space: of a domain that is or was attached: its space
 * @asks: devices in it ask for pages that are not there
 * @queue: counted: where faults of its devices go, or NULL
 * @attachments: to it, if there is a queue
 * @attachments_lock: for them
 * @inval_type: of a nested domain: what its driver calls invalidations
 * @wanted: by the invalidation at work, under ctx->lock
 * @small: is to have the smallest pages only, for exact dirty bits
 */
struct ioasid_domain {
	struct list_head entry;
	struct iommu_domain *domain;
	unsigned int users;
	bool enforces;
	struct iommu_device *stage2;
	struct ioasid_domain *parent;
	struct iommu_iotlb_gather gather;
	bool cleared;
	unsigned long cleared_first;
	unsigned long cleared_last;
	struct ioasid_mirror *mirror;
	struct list_head mirror_entry;
	unsigned long pinned_from;
	unsigned long pinned_end;
	struct ioasid_space *space;
	bool asks;
	struct ioasid_queue *queue;
	spinlock_t attachments_lock;	/* of the next */
	struct list_head attachments;
	u32 inval_type;
	bool wanted;
	bool small;
};

/**
 * struct ioasid_source - DMA that can be attached to a domain
 * @dev: the device, or one of the group's
 * @group: all of this group's DMA without PASID
 * @pasid: or else this PASID of @dev
 */
struct ioasid_source {
	struct device *dev;
	struct ioasid_group *group;
	struct ioasid_pasid *pasid;
};

int ioasid_source_attach(const struct ioasid_source *source,
			 struct ioasid_domain *d);
void ioasid_source_detach(const struct ioasid_source *source,
			  struct ioasid_domain *d);

struct ioasid_domain *ioasid_domain_new(struct device *dev,
					struct iommu_domain *domain);
void ioasid_domain_free(struct ioasid_domain *d);
int ioasid_domain_add(struct ioasid_space *space, struct ioasid_domain *d);
void ioasid_domain_put(struct ioasid_space *space, struct ioasid_domain *d);
struct ioasid_domain *ioasid_domain_attach(struct ioasid_space *space,
					   const struct ioasid_source *source,
					   struct ioasid_nested *nested);
void ioasid_domain_detach(struct ioasid_space *space, struct ioasid_domain *d,
			  const struct ioasid_source *source);
int ioasid_domain_move(struct ioasid_space *space,
		       const struct ioasid_source *source,
		       struct ioasid_domain *from, struct ioasid_domain *to);
int ioasid_domain_move_back(struct ioasid_space *space,
			    const struct ioasid_source *source,
			    struct ioasid_domain *from,
			    struct ioasid_domain *to);
int ioasid_iommu_prot(u32 prot);
int ioasid_domain_map(struct ioasid_domain *d, const struct ioasid_slice *s);
void ioasid_domain_unmap(struct ioasid_domain *d, const struct ioasid_slice *s);
bool ioasid_domain_sync(struct ioasid_domain *d);
u32 ioasid_nested_domains(const struct ioasid_space *space);

/* Dirty tracking, see dirty.c */
static inline bool ioasid_space_has_dirty(const struct ioasid_space *space)
{
	return space->flags & IOASID_ALLOC_DIRTY_TRACKING;
}

bool ioasid_dirty_capable(struct device *dev);
struct iommu_domain *ioasid_dirty_domain(struct ioasid_space *space,
					 struct device *dev, u32 flags);
int ioasid_dirty_may_attach(const struct ioasid_space *space,
			    struct device *dev, bool nested);
void ioasid_dirty_keep(struct ioasid_space *space, struct ioasid_domain *d);
void ioasid_dirty_drop_kept(struct ioasid_space *space);
int ioasid_dirty_may_read(struct ioasid_space *space);
/* Of the IOVAs that are looked at with the lock held: one page of bits. */
#define IOASID_DIRTY_CHUNK_PAGES	(PAGE_SIZE * BITS_PER_BYTE)
int ioasid_dirty_read(struct ioasid_space *space, unsigned long first,
		      unsigned long last, unsigned long flags,
		      unsigned long *bits, unsigned long base);
int ioasid_cmd_set_dirty_tracking(struct ioasid_ucmd *ucmd);
int ioasid_cmd_get_dirty_bitmap(struct ioasid_ucmd *ucmd);

/* Spaces that follow a process, see mirror.c */
int ioasid_mirror_create(struct ioasid_space *space, bool identity);
void ioasid_mirror_quit(struct ioasid_space *space);
void ioasid_mirror_end(struct ioasid_space *space);
void ioasid_mirror_enter(struct ioasid_mirror *mirror, struct ioasid_domain *d);
void ioasid_mirror_leave(struct ioasid_domain *d);
u64 ioasid_mirror_drop(struct ioasid_mirror *mirror, unsigned long first,
		       unsigned long last);
void ioasid_mirror_lock(struct ioasid_space *space);
void ioasid_mirror_unlock(struct ioasid_space *space);
bool ioasid_mirror_is_mine(struct ioasid_mirror *mirror);
u32 ioasid_mirror_perm(struct ioasid_mirror *mirror, unsigned long iova,
		       phys_addr_t *pa);
void ioasid_mirror_show(struct seq_file *s, struct ioasid_space *space);
struct iommu_sva *ioasid_sva_bind(struct ioasid_space *space,
				  struct ioasid_device *idev);
int ioasid_sva_attach(struct ioasid_device *idev, struct ioasid_space *space,
		      struct iommu_sva *sva, u32 *pasid);
struct iommu_sva *ioasid_sva_detach(struct ioasid_pasid *p);
void ioasid_sva_show(struct seq_file *s, struct ioasid_space *space);
int ioasid_cmd_prefetch(struct ioasid_ucmd *ucmd);

/* Kind SVA with all memory pinned, see sva_pinned.c */
static inline bool ioasid_space_is_pinned(const struct ioasid_space *space)
{
	return space->flags & IOASID_ALLOC_SVA_PINNED;
}

int ioasid_pinned_create(struct ioasid_space *space);
int ioasid_pinned_fill_domain(struct ioasid_mirror *mirror,
			      struct ioasid_domain *d);
int ioasid_pinned_map(struct ioasid_space *space, u64 iova, u64 vaddr, u64 size,
		      u32 prot);
int ioasid_pinned_unmap(struct ioasid_space *space, unsigned long first,
			unsigned long last, u32 flags, u64 *unmapped, u32 *nr);
u32 ioasid_pinned_range(struct ioasid_mirror *mirror, unsigned long from,
			unsigned long *first, unsigned long *last);
bool ioasid_pinned_meets(struct ioasid_mirror *mirror, unsigned long first,
			 unsigned long last);
int ioasid_mirror_init(void);
void ioasid_mirror_exit(void);

/* Nested domains of IOMMUs which walk user tables themselves, see nest_hw.c */
struct ioasid_lent {
	unsigned long addr;		/* where the process has it */
	struct page *page;		/* pinned; NULL: none was lent */
};

int ioasid_lend_page(struct ioasid_lent *lent);
void ioasid_return_page(struct ioasid_lent *lent);
u64 ioasid_nested_formats(struct device *dev);
bool ioasid_nested_wanted(struct ioasid_space *space, struct device *dev);
struct ioasid_nested *ioasid_nested_prepare(struct ioasid_space *space,
					    struct device *dev,
					    const struct ioasid_lent *lent);
struct ioasid_domain *ioasid_nested_take(struct ioasid_nested *nested);
void ioasid_nested_drop(struct ioasid_nested *nested);
int ioasid_nested_invalidate(struct ioasid_domain *d, u64 first, u64 last,
			     bool leaf, const struct ioasid_lent *lent);

int ioasid_ptable_invalidate(struct ioasid_domain *d,
			     const struct ioasid_invalidate *req, u64 first,
			     u64 last, const struct ioasid_lent *lent);

/* User-managed PASID tables, see pasid_table.c */
bool ioasid_is_ptable(const struct ioasid_space *space);
int ioasid_user_table_check(u32 format, const struct ioasid_table *table);
u64 ioasid_user_table_pgsizes(u32 format);
u64 ioasid_ptable_formats(struct device *dev);
int ioasid_ptable_fits(struct ioasid_space *space, struct device *dev);
int ioasid_ptable_may_attach(struct ioasid_device *idev,
			     struct ioasid_space *space, u32 pasid);
int ioasid_ptable_may_bind(struct ioasid_space *space);

/* User-managed tables that the kernel follows, see shadow.c */
int ioasid_shadow_start(struct ioasid_space *space);
void ioasid_shadow_stop(struct ioasid_space *space);
bool ioasid_leaf_permitted(struct ioasid_space *space,
			   const struct ioasid_walk *walk);
u32 ioasid_leaf_prot(const struct ioasid_walk *walk);
int ioasid_shadow_update(struct ioasid_space *space, u64 first, u64 last);

/* User-managed tables, see user_table.c */
bool ioasid_table_in(struct ioasid_space *parent,
		     const struct ioasid_table *table);
int ioasid_cmd_create_nesting(struct ioasid_ucmd *ucmd);
int ioasid_cmd_bind_pgtable(struct ioasid_ucmd *ucmd);
int ioasid_cmd_unbind_pgtable(struct ioasid_ucmd *ucmd);
int ioasid_cmd_bind_pasid_table(struct ioasid_ucmd *ucmd);
int ioasid_cmd_unbind_pasid_table(struct ioasid_ucmd *ucmd);
int ioasid_cmd_invalidate_cache(struct ioasid_ucmd *ucmd);

int ioasid_resv_check(struct ioasid_space *space, const struct list_head *resvs);
bool ioasid_resv_blocks(const struct iommu_resv_region *resv);
bool ioasid_iova_permitted(struct ioasid_space *space, unsigned long first,
			   unsigned long last);

/* Faults, see fault.c */
void ioasid_domain_takes_faults(struct ioasid_space *space,
				struct ioasid_domain *d);
bool ioasid_domain_faults_fit(const struct ioasid_space *space,
			      const struct ioasid_domain *d);
void ioasid_domain_enter_source(struct ioasid_domain *d,
				struct ioasid_attachment *at);
void ioasid_domain_leave_source(struct ioasid_domain *d,
				struct ioasid_attachment *at);
bool ioasid_device_may_ask(struct device *dev);
int ioasid_asking_get(const struct ioasid_source *source);
void ioasid_asking_put(const struct ioasid_source *source);
void ioasid_attachment_cancel(struct ioasid_attachment *at);
void ioasid_faults_show(struct seq_file *s, struct ioasid_space *space);

/* Queues of them, see fault_queue.c */
struct ioasid_queue *ioasid_queue_fdget(struct ioasid_ctx *ctx, int fd);
void ioasid_queue_get(struct ioasid_queue *queue);
void ioasid_queue_put(struct ioasid_queue *queue);
int ioasid_cmd_fault_queue_alloc(struct ioasid_ucmd *ucmd);

/* Information */

struct ioasid_ucmd {
	struct ioasid_ctx *ctx;
	void __user *ubuf;
	u32 argsz;			/* as user space gave it */
	void *cmd;
};

int ioasid_cmd_get_info(struct ioasid_ucmd *ucmd);
int ioasid_cmd_device_get_info(struct ioasid_ucmd *ucmd);
int ioasid_cmd_get_mappings(struct ioasid_ucmd *ucmd);
int ioasid_cmd_walk(struct ioasid_ucmd *ucmd);
int ioasid_mapping_find(struct ioasid_space *space, unsigned long first,
			unsigned long last, struct ioasid_mapping_info *info);
int ioasid_look_at(struct ioasid_ucmd *ucmd, u32 ctx, u32 ioasid,
		   int (*fn)(struct ioasid_space *space,
			     struct ioasid_ucmd *ucmd));

void ioasid_ctx_show(struct seq_file *s, struct ioasid_ctx *ctx);
void ioasid_stats_init(void);
void ioasid_stats_exit(void);

/* Nodes of devices */
int ioasid_devnodes_init(void);
void ioasid_devnodes_exit(void);

/*
 * Emits a tracepoint. Newer kernels run its handlers preemptibly, and skip a BPF
 * program on a CPU where the same program was preempted: events would be lost.
 * While nobody listens, nothing but the static key is run.
 */
#define ioasid_trace(event, ...) do {					\
	if (trace_ioasid_##event##_enabled()) {				\
		preempt_disable_notrace();				\
		trace_ioasid_##event(__VA_ARGS__);			\
		preempt_enable_notrace();				\
	}								\
} while (0)

/* A clock that is read only while somebody listens. */
static inline u64 ioasid_now(bool listening)
{
	return listening ? ktime_get_ns() : 0;
}

#endif /* __IOASID_PRIVATE_H */
