/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model.
 *
 *   sim_instance      an IOMMU: a struct iommu_device, an IOTLB, a PASID cache
 *    |- sim_port        where a device is connected: what the IOMMU knows of it
 *    |                  (its domain, its PASID table) and what the device itself
 *    |                  caches (device TLB)
 *    `- sim_domain      a struct iommu_domain: a page table of ours (paging) or
 *                       of user space, whose addresses its parent translates
 *                       (nested)
 *   sim_device        a DMA engine with memory and a file, behind a port: the
 *                     whole device, or a sub-device beside others of that port
 *
 * What the model caches, it uses: a hit is believed even when the table has
 * changed. Only invalidations remove entries, so that one which is missing in the
 * kernel shows as DMA to the wrong place. Such DMA must not hit anybody: each
 * paging domain keeps the PFNs it maps in @pfns, and memory whose PFN is not there
 * at the moment of the access is not touched.
 *
 * Locks, outermost first:
 *   sim_instances_lock  which instances there are
 *   dev->load_lock      the load of a device
 *   dev->ring_lock      which ring a device has; under mmap_lock
 *   ring->lock          a spinlock that nothing is nested in
 *   sim->flight         held for reading by DMA, for one page at a time: lookup of
 *                       the domain, translation, filling of caches and access are
 *                       one step; held for writing by what must not return before
 *                       such a step that began earlier is over: invalidations,
 *                       attach and detach
 *   domain->lock        writers of a paging domain's table; never under
 *                       sim->flight
 *                       Neither this lock nor sim->flight is held while memory is
 *                       allocated: reclaim takes both, when it wants a page back
 *                       that devices see
 *   sim->sva_lock       the same as sim->flight, under it, towards the CPU's tables
 *   tlb->lock, sim->pasid_lock, xa_lock of domain->pfns, prq->lock: spinlocks
 *
 * A device asks for a page under sim->flight, so that who changes its domain knows
 * the request, and waits for the answer without any of these locks (see prq.c).
 */
#ifndef __IOASID_SIM_H
#define __IOASID_SIM_H

#include <linux/iommu.h>
#include <linux/ioasid.h>
#include <linux/ioasid_table.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/ioasid_sim.h>

#define SIM_DRIVER		"ioasid_sim"
#define SIM_MAX_INSTANCES	64
#define SIM_NO_PASID		U32_MAX
#define SIM_LEVELS		5	/* of tables, at most */
#define SIM_NO_DOMAIN		0	/* numbers of domains start at 1 */

/* Leaf sizes of the model, also those of its caches. */
#define SIM_LG2_4K		12
#define SIM_LG2_2M		21
#define SIM_LG2_1G		30
#define SIM_PGSIZES		(SZ_4K | SZ_2M | SZ_1G)

struct platform_device;
struct poll_table_struct;
struct seq_file;
struct task_struct;
struct vm_area_struct;

/* Caches */

/**
 * struct sim_tlb_entry - a translation
 * @va: input, aligned to the size
 * @pa: output, aligned likewise: host memory
 * @gpa: the same in the paging domain's IOVAs; @va itself unless nested
 * @domain: number of the domain that translates
 * @paging: number of the paging domain that owns the memory; @domain unless nested
 * @pasid: or SIM_NO_PASID
 * @size_lg2: one of SIM_LG2_*
 * @perm: IOASID_PERM_* that need no other look at the table
 * @priv: found out for privileged code: formats may tell it apart
 * @valid: the rest means something
 */
struct sim_tlb_entry {
	u64 va;
	u64 pa;
	u64 gpa;
	u32 domain;
	u32 paging;
	u32 pasid;
	u8 size_lg2;
	u8 perm;
	bool priv;
	bool valid;
};

struct sim_tlb {
	spinlock_t lock;		/* everything below */
	u32 sets;
	u32 ways;
	u32 random;
	struct sim_tlb_entry *entries;	/* sets * ways */
};

#define SIM_PASID_SLOTS		64

/**
 * struct sim_stage1 - a page table of user space
 * @format: enum ioasid_format
 * @updates: accessed and dirty bits are maintained in it
 * @table: where it is, in the parent
 */
struct sim_stage1 {
	u32 format;
	bool updates;
	struct ioasid_table table;
};

/* What a device's PASID leads to; a number, because domains come and go. */
struct sim_pasid_entry {
	u32 port;
	u32 pasid;			/* or SIM_NO_PASID: entry 0 of a user's table */
	u32 domain;			/* SIM_NO_DOMAIN: slot is free */
	struct sim_stage1 stage1;	/* of a user's PASID table */
};

/* Instances */

enum sim_stat {
	SIM_STAT_HITS,
	SIM_STAT_MISSES,
	SIM_STAT_WALKS,
	SIM_STAT_READS,
	SIM_STAT_DEV_HITS,
	SIM_STAT_INVALIDATIONS,
	SIM_STAT_EVICTIONS,
	SIM_STAT_FAULTS,
	SIM_STAT_STALE,
	SIM_STAT_REQUESTS,
	SIM_STAT_BYTES,
	SIM_STAT_PAGE_REQUESTS,
	SIM_STAT_PAGE_OVERFLOWS,
	SIM_STAT_PAGE_SUCCESS,
	SIM_STAT_PAGE_INVALID,
	SIM_STAT_PAGE_FAILURE,
	SIM_STAT_PAGE_UNEXPECTED,
	SIM_STAT_PAGE_RETRIES,
	SIM_NR_STATS,
};

#define SIM_PAGE_GROUPS		512	/* that a device can have at a time */

/**
 * struct sim_asking - what a port needs to ask for pages; under prq->lock
 * @lock: @users
 * @users: why page requests are on; what is on is for everybody
 * @on: the device may ask; under sim->flight
 * @hush: commands that cannot wait for requests which wait for pages
 * @waits: struct sim_page_wait
 * @groups: numbers in use
 * @next_group: where to look for a free one
 * @last: group that was answered last, for IOASID_SIM_INJECT_REPEAT_RESPONSE
 * @answered: those who wait look at what they wait for
 */
struct sim_asking {
	struct mutex lock;		/* see above */
	u32 users;
	bool on;
	u32 hush;
	struct list_head waits;
	DECLARE_BITMAP(groups, SIM_PAGE_GROUPS);
	u32 next_group;
	u64 last;
	wait_queue_head_t answered;
};

/**
 * struct sim_prq - the page request queue of an instance
 * @lock: everything here, and of all ports
 * @size: entries of @ring; 0: no page requests
 * @ring: entries @taken to @put, modulo @size
 * @put: how many were ever put into the ring
 * @taken: how many of them were taken out
 * @reported: how many of these the IOMMU core has dealt with
 * @overflow: nothing is put into the ring until it has been emptied
 * @stamp: of the group asked for last
 * @drained: @reported has moved
 * @work: takes them out
 * @wq: only for @work, which calls whoever handles faults
 * @iopf: what the IOMMU core needs
 */
struct sim_prq {
	spinlock_t lock;		/* see above */
	u32 size;
	struct sim_prq_entry *ring;
	u64 put;
	u64 taken;
	u64 reported;
	bool overflow;
	u64 stamp;
	wait_queue_head_t drained;
	struct work_struct work;
	struct workqueue_struct *wq;
	struct iopf_queue *iopf;
};

/**
 * struct sim_port - a device as the IOMMU sees it
 * @sim: the instance
 * @index: its place in it
 * @pdev: the device
 * @added: it is on its bus
 * @domain: of DMA without PASID; NULL: blocked. Under sim->flight
 * @asks: because of it; under sim->flight
 * @pasids: PASID -> struct sim_domain; under sim->flight
 * @tlb: the device's own, for requests that translate first (ATS)
 * @asking: for pages (PRI)
 */
struct sim_port {
	struct sim_instance *sim;
	u32 index;
	struct platform_device *pdev;
	bool added;
	struct sim_domain *domain;
	bool asks;
	struct xarray pasids;
	struct sim_tlb tlb;
	struct sim_asking asking;
};

/**
 * struct sim_instance - an IOMMU with its devices
 * @kref: held by the list of instances, its devices and its domains
 * @id: number
 * @owner: file that it dies with, or NULL
 * @args: how it was created, defaults filled in
 * @iommu: for the IOMMU core
 * @fwnode: its name towards the devices
 * @msi: interrupt domain of the devices, which says that it isolates them
 * @flight: see above
 * @sva_lock: see above
 * @domains: number -> struct sim_domain, under @flight
 * @next_domain: for @domains, never the same again
 * @tlb: the IOTLB
 * @pasid_lock: @pasid_cache
 * @prq: page request queue
 * @inject: IOASID_SIM_INJECT_*
 * @fail_nth: allocations of table pages until one fails
 * @stats: see struct ioasid_sim_stats
 * @nr_ports: entries of @ports
 * @ports: devices
 */
struct sim_instance {
	struct kref kref;
	u32 id;
	const struct file *owner;
	struct ioasid_sim_create args;
	struct iommu_device iommu;
	struct fwnode_handle *fwnode;
	struct irq_domain *msi;
	bool has_sysfs;
	bool registered;

	struct rw_semaphore flight;	/* see above */
	rwlock_t sva_lock;		/* see above */
	struct xarray domains;
	u32 next_domain;
	struct sim_tlb tlb;
	spinlock_t pasid_lock;		/* see above */
	struct sim_pasid_entry pasid_cache[SIM_PASID_SLOTS];
	struct sim_prq prq;

	u32 inject;
	atomic_t fail_nth;
	atomic64_t stats[SIM_NR_STATS];
	u32 nr_ports;
	struct sim_port *ports;
};

static inline void sim_count(struct sim_instance *sim, enum sim_stat stat, u64 n)
{
	atomic64_add(n, &sim->stats[stat]);
}

struct sim_instance *sim_instance_create(const struct ioasid_sim_create *args,
					 const struct file *owner, u32 id);
void sim_instance_destroy(struct sim_instance *sim);
void sim_instance_put(struct sim_instance *sim);
struct sim_port *sim_dev_port(struct device *dev);

/* Domains */

/**
 * struct sim_domain - what an IOMMU domain is here
 * @domain: for the IOMMU core
 * @sim: the only instance it can be used on
 * @id: tag in the caches
 * @parent_ok: others can be nested on it
 * @snoop: entries force DMA to be coherent
 * @tracking: writes leave a trace in the table; under sim->flight
 * @lock: writers of the table
 * @levels: of the table
 * @top: its top level
 * @pfns: PFN -> how often the table maps it, and how many of these are gone but
 *        may still be cached
 * @unlinked: pages of the table that walks may still be in; under @pfns' lock
 * @parent: number of the parent of a nested domain, which has nothing from @lock
 *          to here, or SIM_NO_DOMAIN; a parent that is gone translates nothing
 * @stage1: the user's page table
 * @ptable: it is a PASID table instead
 * @identity: there is no table: addresses are those of memory. Belongs to no
 *            instance, and nothing from @lock on is there
 * @sva: the table is that of a process; nothing from @lock on is there
 * @notifier: hears of changes of it
 * @sva_gone: the process is; under sim->sva_lock
 *
 * Pages of a table: struct page's private is the number of entries in use.
 */
struct sim_domain {
	struct iommu_domain domain;
	struct sim_instance *sim;
	u32 id;
	bool parent_ok;
	bool snoop;
	bool tracking;
	struct mutex lock;		/* see above */
	u8 levels;
	u64 *top;
	struct xarray pfns;
	struct list_head unlinked;
	u32 parent;
	struct sim_stage1 stage1;
	bool ptable;
	bool identity;
	bool sva;
	struct mmu_notifier notifier;
	bool sva_gone;
};

static inline struct sim_domain *to_sim_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct sim_domain, domain);
}

extern const struct iommu_ops sim_iommu_ops, sim_iommu_direct_ops;

int sim_domain_enlist(struct sim_domain *d);
void sim_domain_free(struct sim_domain *d);

/* Tables of paging domains */

int sim_table_init(struct sim_domain *d);
void sim_table_exit(struct sim_domain *d);
int sim_table_map(struct sim_domain *d, u64 iova, u64 pa, unsigned int size_lg2,
		  size_t count, int prot, gfp_t gfp, size_t *mapped);
size_t sim_table_unmap(struct sim_domain *d, u64 iova, size_t size);
void sim_table_settle(struct sim_domain *d);
bool sim_table_empty(struct sim_domain *d);

/* What a walk found */
struct sim_leaf {
	u64 pa;				/* of the address itself: in host memory */
	u64 gpa;			/* and in the paging domain */
	u8 size_lg2;
	u8 perm;			/* IOASID_PERM_* */
	u32 reads;			/* of entries, also when nothing was found */
	u64 *entry;			/* of the kernel-managed table */
	u64 value;			/* which was seen in it */
};

enum ioasid_sim_status sim_table_walk(struct sim_domain *d, u64 iova,
				      struct sim_leaf *leaf);
enum ioasid_sim_status sim_table_access(struct sim_domain *d, u64 iova,
					u32 access, struct sim_leaf *leaf);
bool sim_table_next_dirty(struct sim_domain *d, u64 iova, u64 last, bool clear,
			  u64 *found, u64 *size);

/* Dirty tracking */

extern const struct iommu_dirty_ops sim_dirty_ops;

int sim_pfns_add(struct sim_domain *d, unsigned long pfn, unsigned long n,
		 gfp_t gfp);
void sim_pfns_remove(struct sim_domain *d, unsigned long pfn, unsigned long n);
void sim_pfns_retire(struct sim_domain *d, unsigned long pfn, unsigned long n);
void sim_pfns_settle(struct sim_domain *d);
bool sim_pfns_has(struct sim_domain *d, unsigned long pfn);

/* Nested domains */

struct iommu_domain *sim_nested_alloc(struct sim_instance *sim,
				      struct sim_domain *parent,
				      const struct iommu_user_data *data,
				      const struct iommu_domain_ops *ops);
int sim_nested_invalidate(struct iommu_domain *domain,
			  struct iommu_user_data_array *array);
enum ioasid_sim_status sim_nested_walk(struct sim_domain *d,
				       const struct sim_stage1 *stage1, u64 va,
				       u32 access, struct sim_leaf *leaf);

/* A walk of a user's table, of either kind: @data of @sim_walk_ops' read() */
struct sim_nested_walk {
	struct sim_domain *parent;
	u32 reads;
};

extern const struct ioasid_walk_ops sim_walk_ops;

/* Which pages an invalidation names, as drivers are told */
int sim_page_range(u64 addr, u64 npages, u64 *last);

/* Nested domains with a PASID table */

enum ioasid_sim_status sim_ptable_find(struct sim_port *port,
				       struct sim_domain *d, u32 pasid,
				       struct sim_stage1 *stage1);
int sim_ptable_invalidate(struct sim_domain *d,
			  const struct iommu_user_data_array *array, u32 i);

/* Caches */

/* What is looked up. */
struct sim_key {
	u64 va;
	u32 domain;			/* SIM_NO_DOMAIN: any */
	u32 pasid;
	u32 access;			/* IOASID_PERM_* wanted */
};

int sim_tlb_init(struct sim_tlb *tlb, u32 sets, u32 ways, u32 seed);
void sim_tlb_exit(struct sim_tlb *tlb);
bool sim_tlb_find(struct sim_tlb *tlb, const struct sim_key *key,
		  struct sim_tlb_entry *found);
bool sim_tlb_insert(struct sim_tlb *tlb, const struct sim_tlb_entry *entry);

u32 sim_pasid_find(struct sim_port *port, u32 pasid, struct sim_stage1 *stage1);
void sim_pasid_insert(struct sim_port *port, u32 pasid, u32 domain,
		      const struct sim_stage1 *stage1);

/* What an invalidation is about. */
struct sim_scope {
	u32 domain;
	bool by_pasid;			/* only @pasid */
	bool with_default;		/* and DMA without PASID */
	u32 pasid;
	u64 first, last;
	u32 caches;			/* IOASID_CACHE_* */
};

void sim_invalidate_scope(struct sim_instance *sim, const struct sim_scope *scope);
void sim_invalidate(struct sim_domain *d, u64 first, u64 last);
void sim_forget_port(struct sim_port *port, u32 pasid);
void sim_forget_pasids(struct sim_port *port);

/* DMA */

/**
 * struct sim_xlate - a translation and the access it is for
 * @port: who
 * @pasid: or SIM_NO_PASID
 * @kernel: a request of the kernel's own, see identity.c
 * @ats: through the device's own TLB
 * @va: where
 * @access: IOASID_PERM_* wanted
 * @stage1: the user's page table, where there is one
 * @domain: out: who translates; NULL: nobody was asked
 * @entry: out: the translation
 * @pa: out: host memory that may be accessed until sim->flight is dropped
 */
struct sim_xlate {
	struct sim_port *port;
	u32 pasid;
	bool kernel;
	bool ats;
	u64 va;
	u32 access;
	struct sim_stage1 stage1;
	struct sim_domain *domain;
	struct sim_tlb_entry entry;
	u64 pa;
};

enum ioasid_sim_status sim_translate(struct sim_xlate *x);

struct sim_load;
struct sim_ring;
struct sim_device;

/* Processes */

struct iommu_domain *sim_sva_alloc(struct sim_instance *sim,
				   struct mm_struct *mm,
				   const struct iommu_domain_ops *ops);
void sim_sva_free(struct sim_domain *d);
enum ioasid_sim_status sim_sva_translate(struct sim_domain *d,
					 struct sim_xlate *x);
bool sim_touchable(u64 pa);

/* No translation */

enum ioasid_sim_status sim_identity_translate(struct sim_xlate *x);

/* Page requests */

/**
 * struct sim_page_wait - pages that a device has asked for
 * @entry: in port->asking.waits
 * @stamp: tells the group from all others there ever were
 * @group: number, its own as long as it waits
 * @domain: number of the domain that has not got them
 * @status: what becomes of the request, once it is @done
 * @done: there is an answer, or there will be none
 */
struct sim_page_wait {
	struct list_head entry;
	u64 stamp;
	u32 group;
	u32 domain;
	enum ioasid_sim_status status;
	bool done;
};

int sim_prq_init(struct sim_instance *sim);
void sim_prq_exit(struct sim_instance *sim);
void sim_asking_init(struct sim_port *port);
int sim_asking_get(struct sim_port *port);
void sim_asking_put(struct sim_port *port);
void sim_asking_end(struct sim_port *port);
void sim_pages_drain(struct sim_port *port, struct sim_domain *d);
void sim_pages_wake(struct sim_port *port);
void sim_pages_hush(struct sim_port *port, int change);
bool sim_pages_ask(struct sim_xlate *x, u64 len, enum ioasid_sim_status status,
		   struct sim_page_wait *wait);
enum ioasid_sim_status sim_pages_await(struct sim_device *dev,
				       struct sim_page_wait *wait);
void sim_page_response(struct device *dev, struct iopf_fault *evt,
		       struct iommu_page_response *msg);

/**
 * struct sim_device - a DMA engine behind a port
 * @node: in /dev/ioasid-devices; holds this
 * @devfd: state of the file
 * @port: where it is connected; holds the instance
 * @sub: a sub-device: all its DMA carries PASIDs that are not the user's
 * @sram: its memory, for the user to map
 * @live: bound, may do DMA
 * @load_lock: @load
 * @load: what START started
 * @ring_lock: @ring
 * @ring: submission ring, see ring.c
 * @ring_events: those who poll() wait for completions
 */
struct sim_device {
	struct ioasid_devnode node;
	struct ioasid_devfd devfd;
	struct sim_port *port;
	bool sub;
	void *sram;
	bool live;
	struct mutex load_lock;		/* see above */
	struct sim_load *load;
	struct mutex ring_lock;		/* see above */
	struct sim_ring *ring;
	wait_queue_head_t ring_events;
};

enum ioasid_sim_status sim_wire_pasid(struct sim_device *dev,
				      struct sim_xlate *x);
u32 sim_port_pasids(struct sim_port *port, u32 *pasids, u32 max);

u64 sim_execute(struct sim_device *dev, struct ioasid_sim_request *req,
		void *bounce);
void sim_execute_kernel(struct sim_device *dev, struct ioasid_sim_request *req,
			void *bounce);
struct ioasid_sim_request *sim_get_requests(u64 uaddr, u32 nr);
int sim_cmd_dma(struct sim_device *dev, void __user *uargs);
int sim_cmd_start(struct sim_device *dev, void __user *uargs);
int sim_cmd_stop(struct sim_device *dev, void __user *uargs);
void sim_load_stop(struct sim_device *dev);

/* The submission ring; in mappings of the file it is behind the memory */
#define SIM_RING_OFFSET		SZ_16M
int sim_cmd_ring(struct sim_device *dev, void __user *uargs);
int sim_cmd_doorbell(struct sim_device *dev);
int sim_ring_mmap(struct sim_device *dev, struct vm_area_struct *vma);
__poll_t sim_ring_poll(struct sim_device *dev, struct file *file,
		       struct poll_table_struct *wait);
void sim_ring_show(struct sim_device *dev, struct seq_file *m);
void sim_ring_stop(struct sim_device *dev);

struct sim_device *sim_whole_device(struct device *parent);
int sim_driver_register(void);
void sim_driver_unregister(void);

#endif /* __IOASID_SIM_H */
