/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spaces that follow the page table of a process (kinds MIRROR and SVA): what
 * mirror.c and its companions share.
 */
#ifndef __IOASID_MIRROR_H
#define __IOASID_MIRROR_H

#include <linux/mmu_notifier.h>
#include <linux/workqueue.h>

#include "fault.h"
#include "ioasid_private.h"

struct ioasid_pinned;

/* Blocks that are installed: one page, or what a PMD of the CPU maps. */
#define MIRROR_BIG_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define MIRROR_BIG_PAGES	(1UL << MIRROR_BIG_ORDER)

/**
 * struct ioasid_mirror - the part of a space that follows a process
 * @kref: held by the space, and by who brings pages in
 * @space: whose, NULL once that is gone; under @lock
 * @mm: the process that allocated the space; counted by mmgrab()
 * @memcg: who pays for page tables
 * @identity: no slots: IOVAs are addresses of the process
 * @notifier: hears of every change of @mm
 * @wq: brings in what devices ask for
 * @lock: see mirror.c
 * @domains: of the space; what is installed is in all of them
 * @installed: IOVA page number of a block -> its order and permission
 * @lookups: struct mirror_lookup
 * @nr_pages: that are installed
 * @installs: pages that ever were
 * @drops: those of them that were taken away again
 * @release: ends it, from where nothing of it runs
 * @faults: groups of page requests that wait
 * @pinned: the engine that has all pages pinned, instead of @installed, @lookups and
 *          @faults; or NULL
 */
struct ioasid_mirror {
	struct kref kref;
	struct ioasid_space *space;
	struct mm_struct *mm;
	struct mem_cgroup *memcg;
	bool identity;
	struct mmu_interval_notifier notifier;
	struct workqueue_struct *wq;
	struct mutex lock;		/* see mirror.c */
	struct list_head domains;
	struct xarray installed;
	struct list_head lookups;
	u64 nr_pages;
	u64 installs;
	u64 drops;
	struct work_struct release;
	struct ioasid_faults faults;
	struct ioasid_pinned *pinned;
};

/**
 * struct mirror_lookup - pages on their way from the process to the devices
 * @entry: in mirror->lookups
 * @iova: first address that was asked for
 * @va: where the process has it
 * @npages: how many
 * @write: to be written to
 * @prot: IOASID_MAP_* that the slot permits
 * @pgsizes: that all IOMMUs have
 * @slot_first: first IOVA of the slot
 * @slot_last: its last
 * @stale: what was seen in the process's table may be wrong
 *
 * A lookup stays within MIRROR_BIG_PAGES aligned addresses of the process.
 * Whatever changes anywhere in there makes it stale.
 */
struct mirror_lookup {
	struct list_head entry;
	unsigned long iova;
	unsigned long va;
	unsigned long npages;
	bool write;
	u32 prot;
	unsigned long pgsizes;
	unsigned long slot_first;
	unsigned long slot_last;
	bool stale;
};

/* What xarray entries mean. */
static inline void *mirror_block(unsigned int order, bool write)
{
	return xa_mk_value(order << 1 | write);
}

static inline unsigned long mirror_block_pages(void *block)
{
	return 1UL << (xa_to_value(block) >> 1);
}

static inline bool mirror_block_write(void *block)
{
	return xa_to_value(block) & 1;
}

u64 ioasid_mirror_drop_locked(struct ioasid_mirror *mirror,
			      unsigned long first, unsigned long last);
void *ioasid_mirror_find(struct ioasid_mirror *mirror, unsigned long index,
			 unsigned long *head);
int ioasid_mirror_bring(struct ioasid_mirror *mirror, unsigned long iova,
			unsigned long npages, bool write, bool asked,
			unsigned int tries);
void ioasid_mirror_faults_init(struct ioasid_mirror *mirror);
void ioasid_mirror_get(struct ioasid_mirror *mirror);
void ioasid_mirror_put_work(struct ioasid_mirror *mirror);
void ioasid_mirror_sync(struct ioasid_mirror *mirror);
int ioasid_mirror_make_memory(void);

/* The pinned engine, see sva_pinned.c */
bool ioasid_pinned_ignores(const struct mmu_notifier_range *range);
void ioasid_pinned_drop(struct ioasid_mirror *mirror, unsigned long first,
			unsigned long last);
void ioasid_pinned_leave(struct ioasid_mirror *mirror, struct ioasid_domain *d);
u32 ioasid_pinned_perm(struct ioasid_mirror *mirror, unsigned long iova,
		       phys_addr_t *pa);
u64 ioasid_pinned_left_out(const struct ioasid_mirror *mirror);
void ioasid_pinned_quit(struct ioasid_mirror *mirror);
void ioasid_pinned_free(struct ioasid_pinned *pinned);

#endif /* __IOASID_MIRROR_H */
