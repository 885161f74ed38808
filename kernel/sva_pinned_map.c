// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a space with the pinned memory of a process begins with, and what its user
 * adds and takes away: see sva_pinned.c.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "sva_pinned.h"

/* Claiming */

static struct pinned_part *part_new(unsigned long va)
{
	struct pinned_part *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	p->first = va & PMD_MASK;
	p->pages = kcalloc(PART_PAGES, sizeof(*p->pages), GFP_KERNEL_ACCOUNT);
	if (p->pages)
		return p;
	kfree(p);
	return NULL;
}

/* The part is not the worker's. Returns -EAGAIN if it is again, -EEXIST. */
static int claim_now(struct pinned_fill *f, struct pinned_part **new,
		     unsigned long va, bool write)
{
	struct xarray *parts = &f->mirror->pinned->parts;
	struct pinned_part *p = xa_load(parts, part_index(va));
	unsigned int n = f->end - f->lo;

	if (!p) {
		/* There is room for it, unless another one has just gone there. */
		if (xa_err(xa_store(parts, part_index(va), *new,
				    GFP_NOWAIT | __GFP_NOWARN)))
			return -EAGAIN;
		p = *new;
		*new = NULL;
	}
	if (p->busy)
		return -EAGAIN;
	if (find_next_bit(p->want, f->end, f->lo) < f->end)
		return -EEXIST;
	bitmap_set(p->want, f->lo, n);
	if (write)
		bitmap_set(p->may_write, f->lo, n);
	else
		bitmap_clear(p->may_write, f->lo, n);
	p->busy = true;
	f->p = p;
	ioasid_pinned_count(f->mirror, n, 0);
	return 0;
}

/*
 * @n pages of one part, which are charged, shall be in the space. There is one at a
 * time who does this, besides the worker. Returns -EEXIST when one of them is
 * already, -ENOMEM, -EINTR.
 */
static int claim(struct pinned_fill *f, unsigned long va, unsigned long n,
		 bool write)
{
	struct ioasid_pinned *pinned = f->mirror->pinned;
	unsigned long index = part_index(va);
	struct pinned_part *new;
	int rc;

	f->lo = part_page(va);
	f->end = f->lo + n;
	do {
		if (wait_event_killable(pinned->moved,
					READ_ONCE(pinned->at) != index))
			return -EINTR;
		new = part_new(va);
		rc = new ? xa_reserve(&pinned->parts, index,
				      GFP_KERNEL_ACCOUNT) : -ENOMEM;
		if (!rc) {
			mutex_lock(&f->mirror->lock);
			rc = claim_now(f, &new, va, write);
			mutex_unlock(&f->mirror->lock);
			xa_release(&pinned->parts, index);
		}
		ioasid_part_free(new);
	} while (rc == -EAGAIN);
	return rc;
}

/* Taking pages out */

/* Under the lock: pages that are not wanted any more, what was pinned in @got. */
static unsigned int take(struct pinned_fill *f, struct pinned_part *p,
			 unsigned int lo, unsigned int end, unsigned int *charged)
{
	unsigned int i, nr = 0;
	long pinned = 0;

	if (ioasid_pinned_drop_part(f->mirror, p, lo, end))
		ioasid_mirror_sync(f->mirror);
	for (i = find_next_bit(p->want, end, lo); i < end;
	     i = find_next_bit(p->want, end, i + 1)) {
		__clear_bit(i, p->want);
		nr++;
		/* Who looks at a page has its charge. */
		*charged += !test_bit(i, p->todo);
		if (!p->pages[i])
			continue;
		f->pages[i] = p->pages[i];
		p->pages[i] = NULL;
		__set_bit(i, f->got);
		__assign_bit(i, f->write, test_bit(i, p->write));
		pinned++;
	}
	ioasid_pinned_count(f->mirror, -(long)nr, -pinned);
	ioasid_pinned_retire(f->mirror->pinned, p);
	return nr;
}

/* From part *@index on, the next one. Returns how many pages went, -1 at the end. */
static int remove_next(struct pinned_fill *f, unsigned long first,
		       unsigned long last, unsigned long *index)
{
	struct ioasid_mirror *mirror = f->mirror;
	unsigned int charged = 0;
	struct pinned_part *p;
	int nr = -1;

	mutex_lock(&mirror->lock);
	p = xa_find(&mirror->pinned->parts, index, part_index(last), XA_PRESENT);
	if (p)
		nr = take(f, p, p->first < first ? part_page(first) : 0,
			  p->first + PMD_SIZE - 1 > last ?
				  part_page(last) + 1 : PART_PAGES, &charged);
	mutex_unlock(&mirror->lock);
	ioasid_fill_unpin(f, true);
	if (charged)
		account_locked_vm(mirror->mm, charged, false);
	return nr;
}

/* Adding pages */

/*
 * In one part. On failure of MAP_DMA none of it is there, and nothing is left that
 * the worker could bring; on that of ALLOC some may be.
 */
static int add(struct pinned_fill *f, unsigned long va, unsigned long n,
	       bool write)
{
	unsigned long index = part_index(va);
	int rc = account_locked_vm(f->mirror->mm, n, true);

	if (rc)
		return rc;
	rc = claim(f, va, n, write);
	if (rc) {
		account_locked_vm(f->mirror->mm, n, false);
		return rc;
	}
	rc = ioasid_fill_run(f);
	if (rc && f->mode == FILL_MAP)
		remove_next(f, va, va + n * PAGE_SIZE - 1, &index);
	ioasid_fill_done(f);
	return rc;
}

/* How many pages of va..last are in its part. */
static unsigned long in_part(unsigned long va, unsigned long last)
{
	return (min(last, va | ~PMD_MASK) - va) / PAGE_SIZE + 1;
}

/* ALLOC */

/*
 * The next memory that the process can read, from *@va on. Returns how many pages of
 * it are in one part, 0 at the end.
 */
static long next_memory(struct pinned_fill *f, unsigned long *va,
			unsigned long last)
{
	struct mm_struct *mm = f->mirror->mm;
	struct vm_area_struct *vma;
	long n = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (vma = find_vma(mm, *va); vma; vma = find_vma(mm, vma->vm_end)) {
		cond_resched();
		if (!ioasid_pinned_usable(vma))
			continue;
		*va = max(*va, vma->vm_start);
		if (*va <= last)
			n = in_part(*va, min(last, vma->vm_end - 1));
		if (n)
			break;
		/* Only who asks for addresses like that has them. */
		f->mirror->pinned->left_out += vma_pages(vma);
	}
	mmap_read_unlock(mm);
	return n;
}

static int add_process(struct pinned_fill *f, unsigned long last)
{
	unsigned long va = 0;
	long n;
	int rc = 0;

	while (!rc) {
		n = next_memory(f, &va, last);
		if (n <= 0)
			return n;
		rc = add(f, va, n, true);
		va += n * PAGE_SIZE;
		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		cond_resched();
	}
	return rc;
}

/**
 * ioasid_pinned_create - pin all memory of the process that a space follows
 * @space: the space, nobody else's yet
 *
 * On failure ioasid_mirror_end() returns what is there.
 * Context: takes mmap_lock.
 */
int ioasid_pinned_create(struct ioasid_space *space)
{
	struct ioasid_mirror *mirror = space->mirror;
	struct ioasid_pinned *pinned;
	struct pinned_fill *f;
	int rc;

	pinned = kzalloc(sizeof(*pinned), GFP_KERNEL_ACCOUNT);
	if (!pinned)
		return -ENOMEM;
	pinned->mirror = mirror;
	xa_init_flags(&pinned->parts, XA_FLAGS_ACCOUNT);
	mutex_init(&pinned->map_lock);
	INIT_DELAYED_WORK(&pinned->work, ioasid_pinned_work);
	init_waitqueue_head(&pinned->moved);
	pinned->at = ULONG_MAX;
	mutex_lock(&mirror->lock);
	mirror->pinned = pinned;
	mutex_unlock(&mirror->lock);

	f = ioasid_fill_new(mirror, FILL_ALLOC);
	if (!f)
		return -ENOMEM;
	rc = add_process(f, space->last_iova);
	kvfree(f);
	return rc;
}

/* For fdinfo. */
u64 ioasid_pinned_left_out(const struct ioasid_mirror *mirror)
{
	return mirror->pinned ?
		       READ_ONCE(mirror->pinned->left_out) * PAGE_SIZE : 0;
}

/* UNMAP_DMA */

/* Returns how many pages went; *@parts: of how many parts. */
static u64 remove(struct pinned_fill *f, unsigned long first,
		  unsigned long last, u32 *parts)
{
	unsigned long index = part_index(first);
	u64 pages = 0;
	int nr;

	while ((nr = remove_next(f, first, last, &index)) >= 0) {
		pages += nr;
		*parts += !!nr;
		index++;
		cond_resched();
	}
	/* Neighbours on a large page come back, and the worker has nothing of ours. */
	mod_delayed_work(f->mirror->wq, &f->mirror->pinned->work, 0);
	flush_delayed_work(&f->mirror->pinned->work);
	return pages;
}

static int check_unmap(struct ioasid_space *space, unsigned long first,
		       unsigned long last, u32 flags)
{
	int rc;

	mutex_lock(space->lock);
	rc = ioasid_space_mappable(space);
	mutex_unlock(space->lock);
	if (!rc && (flags & IOASID_UNMAP_NOT_EMPTY) &&
	    !ioasid_pinned_meets(space->mirror, first, last))
		rc = -ENOENT;
	return rc;
}

/**
 * ioasid_pinned_unmap - take memory out of a space
 * @space: the space
 * @first: first address
 * @last: last address; pages are unmapped one by one, however they were mapped
 * @flags: IOASID_UNMAP_*
 * @unmapped: out: how many bytes went
 * @nr: out: of how many parts
 */
int ioasid_pinned_unmap(struct ioasid_space *space, unsigned long first,
			unsigned long last, u32 flags, u64 *unmapped, u32 *nr)
{
	struct pinned_fill *f = ioasid_fill_new(space->mirror, FILL_MAP);
	struct ioasid_history_what what = {
		.op = IOASID_HISTORY_UNMAP,
		.iova = first,
		.size = last - first + 1,
		.info = 1,
		.time_ns = ktime_get_ns(),
	};
	int rc = f ? check_unmap(space, first, last, flags) : -ENOMEM;

	if (!rc)
		*unmapped = remove(f, first, last, nr) * PAGE_SIZE;
	kvfree(f);
	if (rc || !*unmapped)
		return rc;
	mutex_lock(space->lock);
	space->stats.unmaps++;
	space->stats.unmap_bytes += *unmapped;
	what.flush_ns = ktime_get_ns() - what.time_ns;
	ioasid_history_add(space, &what);
	mutex_unlock(space->lock);
	return 0;
}

/* MAP_DMA */

static int check_map(struct ioasid_space *space, unsigned long first,
		     unsigned long last)
{
	int rc;

	mutex_lock(space->lock);
	rc = ioasid_space_mappable(space);
	if (!rc && !ioasid_iova_permitted(space, first, last))
		rc = -EINVAL;
	mutex_unlock(space->lock);
	return rc;
}

/* Who attaches a device that cannot have it sees it, or we see him. */
static int finish_map(struct ioasid_space *space, unsigned long first,
		      unsigned long last, bool write)
{
	const struct ioasid_history_what what = {
		.op = IOASID_HISTORY_MAP,
		.prot = IOASID_MAP_READ | (write ? IOASID_MAP_WRITE : 0),
		.iova = first,
		.size = last - first + 1,
		.time_ns = ktime_get_ns(),
	};
	int rc = check_map(space, first, last);

	if (rc)
		return rc;
	mutex_lock(space->lock);
	space->stats.maps++;
	space->stats.map_bytes += last - first + 1;
	ioasid_history_add(space, &what);
	mutex_unlock(space->lock);
	return 0;
}

static int map_parts(struct pinned_fill *f, unsigned long va,
		     unsigned long last, bool write)
{
	unsigned long first = va, n;
	u32 parts = 0;
	int rc = 0;

	while (!rc && va - first <= last - first) {
		n = in_part(va, last);
		rc = add(f, va, n, write);
		if (!rc)
			va += n * PAGE_SIZE;
		if (!rc && fatal_signal_pending(current))
			rc = -EINTR;
		cond_resched();
	}
	/* Nobody else has mapped anything there meanwhile. */
	if (rc && va != first)
		remove(f, first, va - 1, &parts);
	return rc;
}

/* So that what is over the limit is refused before any of it is there. */
static int limit_allows(struct ioasid_mirror *mirror, unsigned long npages)
{
	int rc = account_locked_vm(mirror->mm, npages, true);

	if (!rc)
		account_locked_vm(mirror->mm, npages, false);
	return rc;
}

static int map_locked(struct ioasid_space *space, struct pinned_fill *f,
		      unsigned long first, unsigned long last, bool write)
{
	u32 parts = 0;
	int rc;

	/* What the process has taken away before is gone. */
	flush_delayed_work(&space->mirror->pinned->work);
	rc = check_map(space, first, last);
	if (!rc && ioasid_pinned_meets(space->mirror, first, last))
		rc = -EEXIST;
	if (!rc)
		rc = limit_allows(space->mirror,
				  ((last - first) >> PAGE_SHIFT) + 1);
	if (!rc)
		rc = map_parts(f, first, last, write);
	if (rc)
		return rc;
	rc = finish_map(space, first, last, write);
	if (rc)
		remove(f, first, last, &parts);
	return rc;
}

/**
 * ioasid_pinned_map - memory that the process has now
 * @space: the space
 * @iova: the address
 * @vaddr: the same
 * @size: bytes
 * @prot: IOASID_MAP_*, checked
 */
int ioasid_pinned_map(struct ioasid_space *space, u64 iova, u64 vaddr, u64 size,
		      u32 prot)
{
	struct ioasid_mirror *mirror = space->mirror;
	struct pinned_fill *f;
	int rc;

	if (iova != vaddr || !(prot & IOASID_MAP_READ))
		return -EINVAL;
	if (!ioasid_mirror_is_mine(mirror))
		return -EPERM;
	f = ioasid_fill_new(mirror, FILL_MAP);
	if (!f)
		return -ENOMEM;
	rc = mutex_lock_killable(&mirror->pinned->map_lock);
	if (!rc) {
		rc = map_locked(space, f, iova, iova + size - 1,
				prot & IOASID_MAP_WRITE);
		mutex_unlock(&mirror->pinned->map_lock);
	}
	kvfree(f);
	return rc;
}
