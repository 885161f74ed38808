// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a process: charged, pinned, kept as physically contiguous runs.
 *
 * The charge comes before the pins, batch by batch, so that no moment exists in
 * which a process holds more than its limit; both end together in
 * ioasid_pages_release().
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "ioasid_private.h"

/*
 * Page pointers per call of pin_user_pages_fast(): 8 KiB, 4 MiB of memory. Most
 * kernels clear what they allocate: more would cost more than the calls it saves.
 */
#define PIN_BATCH_MAX	1024
/* Pages unpinned, or followed in a VMA, between two chances to reschedule. */
#define RESCHED_PAGES	4096

/**
 * ioasid_pages_init - an empty object charged to @mm
 * @pages: the object
 * @mm: whose memory it will be
 *
 * To be ended by ioasid_pages_release().
 */
void ioasid_pages_init(struct ioasid_pages *pages, struct mm_struct *mm)
{
	memset(pages, 0, sizeof(*pages));
	mmgrab(mm);
	pages->mm = mm;
	pages->runs = &pages->small;
	pages->max_runs = 1;
}

static int grow_runs(struct ioasid_pages *pages)
{
	unsigned int max = max(16U, pages->max_runs * 2);
	struct ioasid_run *runs;

	if (max <= pages->max_runs)
		return -ENOMEM;
	runs = kvmalloc_array(max, sizeof(*runs),
			      GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!runs)
		return -ENOMEM;
	memcpy(runs, pages->runs, pages->nr_runs * sizeof(*runs));
	if (pages->runs != &pages->small)
		kvfree(pages->runs);
	pages->runs = runs;
	pages->max_runs = max;
	return 0;
}

/* Appends @n contiguous pages, to the last run if they follow it. */
static int add_run(struct ioasid_pages *pages, unsigned long pfn,
		   unsigned long n, bool mmio)
{
	struct ioasid_run *run;
	int rc;

	if (pages->nr_runs) {
		run = &pages->runs[pages->nr_runs - 1];
		if (run->mmio == mmio &&
		    run->pfn + (pages->npages - run->first) == pfn)
			goto added;
	}
	if (pages->nr_runs == pages->max_runs) {
		rc = grow_runs(pages);
		if (rc)
			return rc;
	}
	run = &pages->runs[pages->nr_runs++];
	run->pfn = pfn;
	run->first = pages->npages;
	run->mmio = mmio;
added:
	pages->npages += n;
	if (!mmio)
		pages->npinned += n;
	return 0;
}

/*
 * Every pointer is looked at: that first and last page of a folio are in place
 * says nothing about those between, since user space can move single pages of a
 * folio about with mremap().
 */
static unsigned long contiguous(struct page **list, unsigned long n)
{
	struct page *first = list[0];
	unsigned long i = 1;

	if (n < 2 || list[1] != first + 1)
		return 1;
	/* Half the instructions a page; most of a huge page's cost is here. */
	for (; i + 4 <= n; i += 4)
		if (list[i] != first + i || list[i + 1] != first + i + 1 ||
		    list[i + 2] != first + i + 2 ||
		    list[i + 3] != first + i + 3)
			break;
	for (; i < n && list[i] == first + i; i++)
		;
	return i;
}

static int add_pinned(struct ioasid_pages *pages, struct page **list,
		      unsigned long n)
{
	unsigned long i, len;
	int rc;

	for (i = 0; i < n; i += len) {
		len = contiguous(list + i, n - i);
		rc = add_run(pages, page_to_pfn(list[i]), len, false);
		if (rc) {
			unpin_user_pages(list + i, n - i);
			return rc;
		}
	}
	return 0;
}

/*
 * The address of one page of device memory. Returns 0, -EAGAIN when mmap_lock
 * was dropped to fault it in, or another errno.
 */
static int follow_one(struct mm_struct *mm, unsigned long vaddr, bool write,
		      unsigned long *pfn)
{
	struct follow_pfnmap_args args = { .address = vaddr };
	bool unlocked = false;
	int rc;

	args.vma = vma_lookup(mm, vaddr);
	if (!args.vma || !(args.vma->vm_flags & VM_PFNMAP))
		return -EFAULT;

	rc = follow_pfnmap_start(&args);
	if (rc) {
		rc = fixup_user_fault(mm, vaddr, FAULT_FLAG_REMOTE |
				      (write ? FAULT_FLAG_WRITE : 0),
				      &unlocked);
		if (unlocked)
			return -EAGAIN;
		if (rc)
			return rc;
		rc = follow_pfnmap_start(&args);
		if (rc)
			return rc;
	}
	if (write && !args.writable)
		rc = -EFAULT;
	else
		*pfn = args.pfn;
	follow_pfnmap_end(&args);

	/* Ordinary memory behind a PFN map has no owner whom we could ask. */
	if (!rc && pfn_valid(*pfn) && !PageReserved(pfn_to_page(*pfn)))
		rc = -EFAULT;
	return rc;
}

/* Adds what is device memory from @vaddr on, at least one page. */
static int add_mmio(struct ioasid_pages *pages, unsigned long vaddr,
		    unsigned long npages, bool write)
{
	unsigned long i, pfn;
	int rc = 0;

	npages = min(npages, RESCHED_PAGES);
	mmap_read_lock(pages->mm);
	for (i = 0; i < npages; i++) {
		rc = follow_one(pages->mm, vaddr + i * PAGE_SIZE, write, &pfn);
		if (!rc)
			rc = add_run(pages, pfn, 1, true);
		if (rc)
			break;
	}
	mmap_read_unlock(pages->mm);

	/* Memory behind the device memory is the caller's next step. */
	if (i || rc == -EAGAIN)
		return 0;
	return rc;
}

static int charge(struct ioasid_pages *pages, unsigned long npages)
{
	int rc = account_locked_vm(pages->mm, npages, true);

	if (!rc)
		pages->ncharged += npages;
	return rc;
}

static void uncharge(struct ioasid_pages *pages, unsigned long npages)
{
	if (!npages)
		return;
	account_locked_vm(pages->mm, npages, false);
	pages->ncharged -= npages;
}

/* Charges and pins up to @want pages, at least one. */
static int add_user_pages(struct ioasid_pages *pages, unsigned long vaddr,
			  unsigned long want, struct page **list)
{
	unsigned int gup = FOLL_LONGTERM | (pages->writable ? FOLL_WRITE : 0);
	int rc, n;

	rc = charge(pages, want);
	if (rc)
		return rc;
	n = pin_user_pages_fast(vaddr, want, gup, list);
	uncharge(pages, want - max(n, 0));
	if (n <= 0)	/* the very last page of all overflows: not the user's */
		return n && n != -EOVERFLOW ? n : -EFAULT;
	return add_pinned(pages, list, n);
}

static int pin_all(struct ioasid_pages *pages, unsigned long vaddr,
		   unsigned long npages, bool mmio_ok, struct page **list,
		   unsigned long batch)
{
	unsigned long va, left;
	int rc, mmio;

	while (pages->npages < npages) {
		va = vaddr + pages->npages * PAGE_SIZE;
		left = npages - pages->npages;
		rc = add_user_pages(pages, va, min(left, batch), list);
		/* Device memory cannot be pinned, and no limit applies to it. */
		if ((rc == -EFAULT || rc == -ENOMEM) && mmio_ok) {
			va = vaddr + pages->npages * PAGE_SIZE;
			left = npages - pages->npages;
			mmio = add_mmio(pages, va, left, pages->writable);
			if (mmio != -EFAULT)
				rc = mmio;
		}
		if (rc)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Not inlined: kernels that clear stacks would clear the list for one page, too. */
static noinline int pin_many(struct ioasid_pages *pages, unsigned long vaddr,
			     unsigned long npages, bool mmio_ok)
{
	struct page *small[16], **list = small;
	unsigned long batch = ARRAY_SIZE(small);
	int rc;

	if (npages > batch) {
		batch = min(npages, PIN_BATCH_MAX);
		list = kvmalloc_array(batch, sizeof(*list), GFP_KERNEL);
		if (!list)
			return -ENOMEM;
	}
	rc = pin_all(pages, vaddr, npages, mmio_ok, list, batch);
	if (list != small)
		kvfree(list);
	return rc;
}

/**
 * ioasid_pages_pin - charge and pin memory of the calling process
 * @pages: from ioasid_pages_init(), for current->mm
 * @vaddr: page aligned
 * @npages: how many; vaddr + npages * PAGE_SIZE does not wrap
 * @write: devices will write
 * @mmio_ok: mapped device memory is welcome, too
 *
 * On failure @pages may hold a part; ioasid_pages_release() is due either way.
 */
int ioasid_pages_pin(struct ioasid_pages *pages, unsigned long vaddr,
		     unsigned long npages, bool write, bool mmio_ok)
{
	struct page *page;

	pages->writable = write;
	if (npages == 1)
		return pin_all(pages, vaddr, 1, mmio_ok, &page, 1);
	return pin_many(pages, vaddr, npages, mmio_ok);
}

static void unpin_run(unsigned long pfn, unsigned long len, bool dirty)
{
	while (len) {
		unsigned long n = min(len, RESCHED_PAGES);

		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), n, dirty);
		pfn += n;
		len -= n;
		cond_resched();
	}
}

/**
 * ioasid_pages_reset - unpin and uncharge, as if never pinned
 * @pages: from ioasid_pages_init(), pinned or not
 */
void ioasid_pages_reset(struct ioasid_pages *pages)
{
	unsigned int i;

	for (i = 0; i < pages->nr_runs; i++)
		if (!pages->runs[i].mmio)
			unpin_run(pages->runs[i].pfn, ioasid_run_len(pages, i),
				  pages->writable);
	uncharge(pages, pages->ncharged);
	pages->nr_runs = 0;
	pages->npages = 0;
	pages->npinned = 0;
}

/**
 * ioasid_pages_release - the end of ioasid_pages_init()
 * @pages: pinned or not
 */
void ioasid_pages_release(struct ioasid_pages *pages)
{
	ioasid_pages_reset(pages);
	if (pages->runs != &pages->small)
		kvfree(pages->runs);
	mmdrop(pages->mm);
}

/**
 * ioasid_pages_find - the run that holds a page
 * @pages: the object
 * @index: a page below @pages->npages
 */
unsigned int ioasid_pages_find(const struct ioasid_pages *pages,
			       unsigned long index)
{
	unsigned int lo = 0, hi = pages->nr_runs - 1;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo + 1) / 2;

		if (pages->runs[mid].first <= index)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}
