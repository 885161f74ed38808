// SPDX-License-Identifier: GPL-2.0-only
/*
 * How memory of a process is pinned for devices that use its addresses, at first and
 * again: see sva_pinned.c.
 *
 * Who fills a part has claimed it. What it has lost is returned, then the process is
 * looked at and what is there pinned, without a lock of ours; then, under the lock,
 * those pages are entered about which nothing has changed meanwhile. The others are
 * looked at again. Copies that are made in order to pin (of pages shared by fork(),
 * of private files, of memory that may be unplugged) change something, too.
 */
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "sva_pinned.h"

/* While pages change all the time; then it is left to the worker, for later. */
#define FILL_TRIES	100
#define HEAL_TRIES	4

/* Without memory for IOMMU tables, how often some is made before we give up. */
#define MEMORY_ROUNDS	16

/* The worker waits so long at most before it looks again, in jiffies. */
#define DELAY_MAX	HZ

struct pinned_fill *ioasid_fill_new(struct ioasid_mirror *mirror,
				    enum fill_mode mode)
{
	struct pinned_fill *f = kvzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (f) {
		f->mirror = mirror;
		f->mode = mode;
	}
	return f;
}

/**
 * ioasid_fill_unpin - return the pins in @got
 * @f: no lock of ours is held
 * @dirty: devices may have written
 */
void ioasid_fill_unpin(struct pinned_fill *f, bool dirty)
{
	unsigned int i;

	for_each_set_bit(i, f->got, PART_PAGES)
		unpin_user_pages_dirty_lock(&f->pages[i], 1,
					    dirty && test_bit(i, f->write));
	bitmap_zero(f->got, PART_PAGES);
	bitmap_zero(f->write, PART_PAGES);
	cond_resched();
}

/* Looking */

/* Memory that the process can read, and that is memory. mmap_lock is held. */
bool ioasid_pinned_usable(struct vm_area_struct *vma)
{
	return (vma->vm_flags & VM_READ) &&
	       (is_vm_hugetlb_page(vma) || !(vma->vm_flags & VM_SPECIAL));
}

/* What is at an address, and for how many of @n pages on. mmap_lock is held. */
static unsigned int look_at(struct mm_struct *mm, unsigned long va,
			    unsigned int n, struct vm_area_struct **at)
{
	struct vm_area_struct *vma = find_vma(mm, va);
	unsigned long end;

	*at = vma && vma->vm_start <= va ? vma : NULL;
	if (!vma)
		return n;
	end = *at ? vma->vm_end : vma->vm_start;
	return min(n, (end - va) >> PAGE_SHIFT);
}

/* Nothing that may be pinned, from page @i on. Returns the next page to look at. */
static unsigned int lose(struct pinned_fill *f, unsigned int i, unsigned int n,
			 bool cannot)
{
	/* What is healing may be lost in one place only. */
	if (cannot && f->mode == FILL_HEAL)
		n = 1;
	bitmap_set(f->lost, i, n);
	if (cannot)
		bitmap_set(f->cannot, i, n);
	return i + n;
}

static bool out_of_luck(long rc)
{
	return rc == -ENOMEM || rc == -EINTR || rc == -ERESTARTSYS;
}

/*
 * Pins up to @n pages from page @i on. Returns the next page to look at, or an
 * error. mmap_lock is held; *@locked: still.
 */
static long pin_some(struct pinned_fill *f, unsigned int i, unsigned int n,
		     int *locked)
{
	unsigned int gup = FOLL_LONGTERM, limit;
	struct mm_struct *mm = f->mirror->mm;
	const unsigned long *may_write = f->p->may_write;
	bool wait = f->mode != FILL_HEAL, may = test_bit(i, may_write), write;
	struct vm_area_struct *vma;
	long got;

	n = look_at(mm, part_va(f->p, i), n, &vma);
	if (!vma || !ioasid_pinned_usable(vma))
		return lose(f, i, n, false);
	write = may && (vma->vm_flags & VM_WRITE);
	if (may && !write && f->mode == FILL_MAP)
		return lose(f, i, n, false);
	limit = may ? find_next_zero_bit(may_write, i + n, i) :
		      find_next_bit(may_write, i + n, i);
	n = limit - i;
	/* Without waiting: not for user space either, which may take for ever. */
	gup |= (write ? FOLL_WRITE : 0) | (wait ? 0 : FOLL_NOWAIT);
	got = pin_user_pages_remote(mm, part_va(f->p, i), n, gup, f->pages + i,
				    wait ? locked : NULL);
	if (got > 0) {
		bitmap_set(f->got, i, got);
		if (write)
			bitmap_set(f->write, i, got);
		return i + got;
	}
	if (out_of_luck(got))
		return got == -ENOMEM ? -ENOMEM : -EINTR;
	if (got && got != -EAGAIN && got != -EBUSY)
		return lose(f, i, n, true);
	f->again = true;
	return i + 1;
}

/* Pins what the process has at the pages of @todo. */
static int look(struct pinned_fill *f)
{
	const unsigned long *todo = f->p->todo;
	struct mm_struct *mm = f->mirror->mm;
	unsigned int i, end;
	long next;
	int locked;

	/* What is changing now has changed before. */
	mmu_interval_read_begin(&f->mirror->notifier);
	for (i = find_next_bit(todo, f->end, f->lo); i < f->end;
	     i = find_next_bit(todo, f->end, next)) {
		end = find_next_zero_bit(todo, f->end, i);
		if (mmap_read_lock_killable(mm))
			return -EINTR;
		locked = 1;
		next = pin_some(f, i, end - i, &locked);
		if (locked)
			mmap_read_unlock(mm);
		if (next < 0)
			return next;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Entering */

static int enter_run(struct pinned_fill *f, unsigned int i, unsigned int n)
{
	bool write = test_bit(i, f->write);
	struct pinned_part *p = f->p;
	int rc;

	rc = ioasid_pinned_map_run(f->mirror, p, i, n, f->pages[i], write);
	if (rc)
		return rc;
	memcpy(p->pages + i, f->pages + i, n * sizeof(*p->pages));
	bitmap_set(p->valid, i, n);
	if (write)
		bitmap_set(p->write, i, n);
	else
		bitmap_clear(p->write, i, n);
	bitmap_clear(f->got, i, n);
	f->mirror->nr_pages += n;
	f->mirror->installs += n;
	ioasid_pinned_count(f->mirror, 0, n);
	return 0;
}

static int enter_once(struct pinned_fill *f)
{
	DECLARE_BITMAP(good, PART_PAGES);
	unsigned int i, n;
	int rc = 0;

	mutex_lock(&f->mirror->lock);
	bitmap_and(good, f->got, f->p->flight, PART_PAGES);
	for (i = find_first_bit(good, PART_PAGES); !rc && i < PART_PAGES;
	     i = find_next_bit(good, PART_PAGES, i + n)) {
		n = ioasid_pinned_run(f->pages, good, f->write, i, PART_PAGES);
		rc = enter_run(f, i, n);
	}
	mutex_unlock(&f->mirror->lock);
	return rc;
}

static int enter(struct pinned_fill *f)
{
	struct mem_cgroup *old = set_active_memcg(f->mirror->memcg);
	unsigned int rounds = 0;
	int rc;

	do {
		rc = enter_once(f);
	} while (rc == -ENOMEM && rounds++ < MEMORY_ROUNDS &&
		 !ioasid_mirror_make_memory());
	set_active_memcg(old);
	return rc;
}

/* Filling */

/* What is to be looked at; what was there before is in @got. */
static bool begin(struct pinned_fill *f)
{
	struct pinned_part *p = f->p;
	long old = 0;
	unsigned int i;

	f->again = false;
	bitmap_zero(f->lost, PART_PAGES);
	bitmap_zero(f->cannot, PART_PAGES);
	mutex_lock(&f->mirror->lock);
	for (i = f->lo; i < f->end; i++) {
		if (!test_bit(i, p->want) || test_bit(i, p->valid))
			continue;
		__set_bit(i, p->todo);
		__set_bit(i, p->flight);
		if (!p->pages[i])
			continue;
		f->pages[i] = p->pages[i];
		p->pages[i] = NULL;
		__set_bit(i, f->got);
		__assign_bit(i, f->write, test_bit(i, p->write));
		old++;
	}
	ioasid_pinned_count(f->mirror, 0, -old);
	mutex_unlock(&f->mirror->lock);
	return !bitmap_empty(p->todo, PART_PAGES);
}

/* Forgets what is not there; returns how many pages are not wanted any more. */
static unsigned int end(struct pinned_fill *f, bool forget)
{
	struct pinned_part *p = f->p;
	unsigned int i, nr = 0, forgotten = 0;

	mutex_lock(&f->mirror->lock);
	for_each_set_bit(i, p->todo, PART_PAGES) {
		if (forget && test_bit(i, f->lost) && test_bit(i, p->flight) &&
		    test_bit(i, p->want)) {
			__clear_bit(i, p->want);
			forgotten++;
			if (f->mode == FILL_ALLOC && test_bit(i, f->cannot))
				f->mirror->pinned->left_out++;
		}
		nr += !test_bit(i, p->want);
	}
	bitmap_zero(p->todo, PART_PAGES);
	bitmap_zero(p->flight, PART_PAGES);
	ioasid_pinned_count(f->mirror, -(long)forgotten, 0);
	mutex_unlock(&f->mirror->lock);
	return nr;
}

/* The very same pages may be there twice, so the charge is what was wanted. */
static void uncharge(struct pinned_fill *f, unsigned int nr)
{
	if (nr)
		account_locked_vm(f->mirror->mm, nr, false);
}

static int fill_once(struct pinned_fill *f, bool alive)
{
	bool strict = f->mode == FILL_MAP;
	int rc = 0;

	ioasid_fill_unpin(f, true);
	if (alive)
		rc = look(f);
	else
		bitmap_copy(f->lost, f->p->todo, PART_PAGES);
	if (!rc && strict && !bitmap_empty(f->lost, PART_PAGES))
		rc = -EFAULT;
	if (!rc)
		rc = enter(f);
	uncharge(f, end(f, !rc));
	ioasid_fill_unpin(f, false);
	return rc;
}

/* Until all there is has been entered, or has to be waited for. */
static int fill(struct pinned_fill *f, bool alive)
{
	unsigned int tries = f->mode == FILL_HEAL ? HEAL_TRIES : FILL_TRIES;
	int rc = 0;

	while (!rc && tries-- && begin(f)) {
		rc = fill_once(f, alive);
		if (f->again)
			break;
		cond_resched();
	}
	return rc;
}

/**
 * ioasid_fill_run - pin the pages of a part that was claimed, and enter them
 * @f: the pages
 *
 * Returns -EFAULT when something is not there that must be; -ENOMEM, -EINTR.
 */
int ioasid_fill_run(struct pinned_fill *f)
{
	return fill(f, true);
}

/**
 * ioasid_fill_done - let a part go that was claimed
 * @f: its pages; those that are not there yet are left to the worker
 */
void ioasid_fill_done(struct pinned_fill *f)
{
	struct ioasid_pinned *pinned = f->mirror->pinned;
	struct pinned_part *p = f->p;
	bool more;

	mutex_lock(&f->mirror->lock);
	p->busy = false;
	more = !bitmap_equal(p->want, p->valid, PART_PAGES);
	if (more) {
		xa_set_mark(&pinned->parts, part_index(p->first), PART_LOOK);
		if (f->mode != FILL_HEAL)
			mod_delayed_work(f->mirror->wq, &pinned->work, 1);
		else
			f->again = true;
	}
	ioasid_pinned_retire(pinned, p);
	mutex_unlock(&f->mirror->lock);
	f->p = NULL;
}

/* The worker */

/* Claims the next part from *@index on that has to be looked at. */
static bool claim_next(struct pinned_fill *f, unsigned long *index)
{
	struct ioasid_pinned *pinned = f->mirror->pinned;
	struct pinned_part *p;

	mutex_lock(&f->mirror->lock);
	p = pinned->closing ? NULL :
			      xa_find(&pinned->parts, index, ULONG_MAX, PART_LOOK);
	/* Who has it looks himself. */
	while (p && p->busy)
		p = xa_find_after(&pinned->parts, index, ULONG_MAX, PART_LOOK);
	if (p) {
		xa_clear_mark(&pinned->parts, *index, PART_LOOK);
		p->busy = true;
		WRITE_ONCE(pinned->at, *index);
	}
	mutex_unlock(&f->mirror->lock);
	f->p = p;
	f->lo = 0;
	f->end = PART_PAGES;
	return p;
}

/* Returns whether something is left for later. */
static bool heal_all(struct pinned_fill *f)
{
	struct ioasid_mirror *mirror = f->mirror;
	unsigned long index = 0;
	bool later = false;

	while (claim_next(f, &index)) {
		/* Not for longer: the process may want to end. */
		bool alive = mmget_not_zero(mirror->mm);

		fill(f, alive);
		ioasid_fill_done(f);
		later |= f->again;
		WRITE_ONCE(mirror->pinned->at, ULONG_MAX);
		wake_up_all(&mirror->pinned->moved);
		if (alive)
			mmput(mirror->mm);
		index++;
		cond_resched();
	}
	return later;
}

void ioasid_pinned_work(struct work_struct *work)
{
	struct ioasid_pinned *pinned = container_of(to_delayed_work(work),
						    struct ioasid_pinned, work);
	struct pinned_fill *f = ioasid_fill_new(pinned->mirror, FILL_HEAL);
	bool later = !f || heal_all(f);

	kvfree(f);
	mutex_lock(&pinned->mirror->lock);
	if (later && !pinned->closing) {
		pinned->delay = clamp(pinned->delay * 2, 1UL,
				      (unsigned long)DELAY_MAX);
		queue_delayed_work(pinned->mirror->wq, &pinned->work,
				   pinned->delay);
	}
	mutex_unlock(&pinned->mirror->lock);
}
