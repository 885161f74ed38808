/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kind SVA with IOASID_ALLOC_SVA_PINNED: what sva_pinned.c and sva_pinned_fill.c
 * share.
 */
#ifndef __IOASID_SVA_PINNED_H
#define __IOASID_SVA_PINNED_H

#include <linux/bitmap.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "mirror.h"

/* The unit of bookkeeping: what a PMD maps, so that large pages come whole. */
#define PART_PAGES	MIRROR_BIG_PAGES

/* Parts that the worker has to look at. */
#define PART_LOOK	XA_MARK_0

/**
 * struct pinned_part - aligned addresses of the process, as much as a PMD maps
 * @first: the first address
 * @want: pages of the space; each is charged
 * @may_write: devices may write, as long as the process may
 * @write: pinned for writing
 * @valid: what the process has there now, and in all domains; the other pages of
 *         @pages wait for the worker
 * @todo: who has claimed the part looks at them; he uncharges those that have left
 *        @want meanwhile
 * @flight: of @todo, where nothing has changed since he began
 * @busy: it is claimed
 * @whole: may be one entry of an IOMMU: goes as a whole
 * @pages: pinned, or NULL
 */
struct pinned_part {
	unsigned long first;
	DECLARE_BITMAP(want, PART_PAGES);
	DECLARE_BITMAP(may_write, PART_PAGES);
	DECLARE_BITMAP(write, PART_PAGES);
	DECLARE_BITMAP(valid, PART_PAGES);
	DECLARE_BITMAP(todo, PART_PAGES);
	DECLARE_BITMAP(flight, PART_PAGES);
	bool busy;
	bool whole;
	struct page **pages;
};

/**
 * struct ioasid_pinned - the engine
 * @mirror: whose
 * @parts: address >> PMD_SHIFT -> struct pinned_part, changed under mirror->lock
 * @map_lock: one MAP_DMA at a time; outermost
 * @work: returns what the process has lost, and looks what it has instead
 * @delay: of @work, when it has to wait for something
 * @at: index of the part that @work has claimed, or ULONG_MAX
 * @moved: @at has changed
 * @closing: there will be no more work
 * @left_out: pages that could not be pinned at ALLOC
 */
struct ioasid_pinned {
	struct ioasid_mirror *mirror;
	struct xarray parts;
	struct mutex map_lock;		/* see above */
	struct delayed_work work;
	unsigned long delay;
	unsigned long at;
	wait_queue_head_t moved;
	bool closing;
	u64 left_out;
};

/* What is to be done with pages that are not there. */
enum fill_mode {
	FILL_ALLOC,		/* they are left out */
	FILL_MAP,		/* they are an error */
	FILL_HEAL,		/* the process took them away; nobody is waited for */
};

/**
 * struct pinned_fill - pages on their way from a process to devices
 * @mirror: whose
 * @p: the part, claimed
 * @lo: first page of it
 * @end: behind the last one
 * @mode: who asks
 * @again: something has to be waited for
 * @got: pages that are pinned and not in @p
 * @write: those pinned for writing
 * @lost: nothing that may be pinned is there
 * @cannot: of these, those that the process itself can use
 * @pages: of @got
 */
struct pinned_fill {
	struct ioasid_mirror *mirror;
	struct pinned_part *p;
	unsigned int lo, end;
	enum fill_mode mode;
	bool again;
	DECLARE_BITMAP(got, PART_PAGES);
	DECLARE_BITMAP(write, PART_PAGES);
	DECLARE_BITMAP(lost, PART_PAGES);
	DECLARE_BITMAP(cannot, PART_PAGES);
	struct page *pages[PART_PAGES];
};

static inline unsigned long part_index(unsigned long va)
{
	return va >> PMD_SHIFT;
}

static inline unsigned int part_page(unsigned long va)
{
	return (va & ~PMD_MASK) >> PAGE_SHIFT;
}

static inline unsigned long part_va(const struct pinned_part *p, unsigned int i)
{
	return p->first + i * PAGE_SIZE;
}

unsigned int ioasid_pinned_drop_part(struct ioasid_mirror *mirror,
				     struct pinned_part *p, unsigned int lo,
				     unsigned int end);
int ioasid_pinned_map_run(struct ioasid_mirror *mirror, struct pinned_part *p,
			  unsigned int i, unsigned int n, struct page *page,
			  bool write);
unsigned int ioasid_pinned_run(struct page *const *pages,
			       const unsigned long *set,
			       const unsigned long *write, unsigned int i,
			       unsigned int end);
void ioasid_pinned_retire(struct ioasid_pinned *pinned, struct pinned_part *p);
void ioasid_part_free(struct pinned_part *p);
bool ioasid_pinned_usable(struct vm_area_struct *vma);
void ioasid_pinned_work(struct work_struct *work);
void ioasid_pinned_count(struct ioasid_mirror *mirror, long wanted, long pinned);
struct pinned_fill *ioasid_fill_new(struct ioasid_mirror *mirror,
				    enum fill_mode mode);
void ioasid_fill_unpin(struct pinned_fill *f, bool dirty);
int ioasid_fill_run(struct pinned_fill *f);
void ioasid_fill_done(struct pinned_fill *f);

#endif /* __IOASID_SVA_PINNED_H */
