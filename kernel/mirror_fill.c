// SPDX-License-Identifier: GPL-2.0-only
/*
 * How pages of a process come to devices that follow it: see mirror.c.
 */
#include <linux/hmm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "mirror.h"

/* Without memory for IOMMU tables, how often some is made before we give up. */
#define MEMORY_ROUNDS	16
/* While a page of the user's changes all the time. */
#define PREFETCH_TRIES	1000
/* Other parts of the process do; or what is touched does not come. */
#define LOOKS		16

/* And how much: all levels of a table, several times. */
#define MEMORY_BYTES	(16 * PAGE_SIZE)

/* Looking */

static bool covers(const struct ioasid_mirror *mirror, unsigned long last)
{
	const struct ioasid_domain *d;

	list_for_each_entry(d, &mirror->domains, mirror_entry)
		if (d->domain->geometry.force_aperture &&
		    last > d->domain->geometry.aperture_end)
			return false;
	return true;
}

static unsigned long common_pgsizes(const struct ioasid_mirror *mirror)
{
	const struct ioasid_domain *d;
	unsigned long pgsizes = ~0UL;

	list_for_each_entry(d, &mirror->domains, mirror_entry)
		pgsizes &= d->domain->pgsize_bitmap;
	return pgsizes;
}

/* Where the process has it. Returns -EFAULT outside of slots. */
static int find_slot(struct ioasid_mirror *mirror, struct mirror_lookup *l,
		     bool asked)
{
	struct interval_tree_node *node;
	struct ioasid_mapping *m;

	if (mirror->identity) {
		l->va = l->iova;
		l->prot = IOASID_MAP_READ | IOASID_MAP_WRITE;
		l->slot_first = 0;
		l->slot_last = ULONG_MAX;
		return 0;
	}
	node = interval_tree_iter_first(&mirror->space->maps, l->iova, l->iova);
	if (!node)
		return -EFAULT;
	m = container_of(node, struct ioasid_mapping, node);
	if (asked && m->no_requests)
		return -EFAULT;
	l->va = m->target.start + (l->iova - m->node.start);
	l->prot = m->prot;
	l->slot_first = m->node.start;
	l->slot_last = m->node.last;
	return 0;
}

/* The lookup ends where its slot and its large page do. */
static void trim(struct mirror_lookup *l)
{
	unsigned long slot = (l->slot_last - l->iova) / PAGE_SIZE + 1;
	unsigned long big = (PMD_SIZE - (l->va & ~PMD_MASK)) / PAGE_SIZE;

	l->npages = min3(l->npages, slot, big);
}

/* How many pages from the first on are there already, good enough. */
static unsigned long present(struct ioasid_mirror *mirror,
			     const struct mirror_lookup *l)
{
	unsigned long index = l->iova >> PAGE_SHIFT, n, head;
	void *block;

	for (n = 0; n < l->npages; n++) {
		block = ioasid_mirror_find(mirror, index + n, &head);
		if (!block || (l->write && !mirror_block_write(block)))
			break;
	}
	return n;
}

/*
 * Enters a lookup. Returns 0; the number of pages that were there already; or an
 * error: -ENODEV without any device, -EFAULT when there is no such slot, or not for
 * this.
 */
static int lookup_begin(struct ioasid_mirror *mirror, struct mirror_lookup *l,
			bool asked)
{
	u32 want = l->write ? IOASID_MAP_WRITE : IOASID_MAP_READ;
	unsigned long n = 0;
	int rc;

	l->stale = false;
	mutex_lock(&mirror->lock);
	if (!mirror->space || list_empty(&mirror->domains))
		rc = -ENODEV;
	else
		rc = find_slot(mirror, l, asked);
	if (!rc) {
		trim(l);
		if (!(l->prot & want) ||
		    !covers(mirror, l->iova + l->npages * PAGE_SIZE - 1))
			rc = -EFAULT;
	}
	if (!rc) {
		l->pgsizes = common_pgsizes(mirror);
		n = present(mirror, l);
		if (!n)
			list_add(&l->entry, &mirror->lookups);
	}
	mutex_unlock(&mirror->lock);
	return rc ?: n;
}

static void lookup_end(struct ioasid_mirror *mirror, struct mirror_lookup *l)
{
	mutex_lock(&mirror->lock);
	list_del(&l->entry);
	mutex_unlock(&mirror->lock);
}

static bool good(unsigned long pfn, bool write)
{
	return (pfn & HMM_PFN_VALID) && (!write || (pfn & HMM_PFN_WRITE));
}

/*
 * What nobody but its process may see stays so: memory that is not in the kernel's
 * map of all memory (memfd_secret), or no memory of this machine's.
 */
static bool shareable(struct page *page)
{
	u8 byte;

	return !is_zone_device_page(page) &&
	       !copy_from_kernel_nofault(&byte, page_address(page), 1);
}

/*
 * The first pages that are as they should be; the first one must be. Returns how
 * many, or an error.
 */
static long count_good(const struct mirror_lookup *l, const unsigned long *pfns)
{
	unsigned long n;

	for (n = 0; n < l->npages && good(pfns[n], l->write); n++)
		if (!shareable(hmm_pfn_to_page(pfns[n])))
			break;
	if (n)
		return n;
	return good(pfns[0], l->write) || (pfns[0] & HMM_PFN_ERROR) ? -EFAULT :
								   -EAGAIN;
}

/*
 * As if the process itself had touched what is not there. User space may take its
 * time for it: mmap_lock is not held meanwhile. Returns whether it was necessary.
 */
static int touch(struct ioasid_mirror *mirror, const struct mirror_lookup *l,
		 const unsigned long *pfns)
{
	unsigned int flags = FAULT_FLAG_REMOTE |
			     (l->write ? FAULT_FLAG_WRITE : 0);
	unsigned long n, va;
	bool touched = false;
	int rc;

	for (n = 0; n < l->npages; n++) {
		bool unlocked = false;

		if (good(pfns[n], l->write))
			continue;
		va = l->va + n * PAGE_SIZE;
		/* A large page comes as a whole. */
		rc = fixup_user_fault(mirror->mm, va, flags, &unlocked);
		if (rc)
			return n ? touched : rc;
		touched = true;
		if (unlocked)
			break;
	}
	return touched;
}

#if IS_ENABLED(CONFIG_HMM_MIRROR)
static int snapshot(struct hmm_range *range)
{
	return hmm_range_fault(range);
}
#else
/*
 * Kernels without users of HMM have none. Page by page the same can be found out, but
 * for the size of what the CPU maps: all is installed in single pages.
 */
static unsigned long snapshot_page(struct mm_struct *mm, unsigned long va)
{
	unsigned long flags = HMM_PFN_VALID | HMM_PFN_WRITE;
	struct vm_area_struct *vma = vma_lookup(mm, va);
	unsigned long pfn;
	struct page *page;

	if (!vma || (vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return HMM_PFN_ERROR;
	if (get_user_pages_remote(mm, va, 1, FOLL_NOFAULT | FOLL_WRITE, &page,
				  NULL) != 1) {
		flags = HMM_PFN_VALID;
		if (get_user_pages_remote(mm, va, 1, FOLL_NOFAULT, &page,
					  NULL) != 1)
			return 0;
	}
	pfn = page_to_pfn(page);
	put_page(page);
	return pfn | flags;
}

static int snapshot(struct hmm_range *range)
{
	unsigned long va;

	for (va = range->start; va < range->end; va += PAGE_SIZE)
		range->hmm_pfns[(va - range->start) / PAGE_SIZE] =
			snapshot_page(range->notifier->mm, va);
	return 0;
}
#endif

/*
 * The process's pages. Returns how many of them from the first on there are, or an
 * error; -EAGAIN: things change.
 */
static long look(struct ioasid_mirror *mirror, const struct mirror_lookup *l,
		 unsigned long *pfns, bool *touched)
{
	struct hmm_range range = {
		.notifier = &mirror->notifier,
		.notifier_seq = mmu_interval_read_begin(&mirror->notifier),
		.start = l->va,
		.end = l->va + l->npages * PAGE_SIZE,
		.hmm_pfns = pfns,
	};
	long rc;

	if (mmap_read_lock_killable(mirror->mm))
		return -EINTR;
	rc = snapshot(&range);
	if (rc == -EBUSY)
		rc = -EAGAIN;
	/* One page that cannot be had is not the end of those before it. */
	if (!rc && !*touched) {
		rc = touch(mirror, l, pfns);
		if (rc > 0) {
			*touched = true;
			rc = -EAGAIN;
		}
	}
	mmap_read_unlock(mirror->mm);
	return rc ?: count_good(l, pfns);
}

/* Installing */

/* The part of a lookup that becomes one entry of the IOMMUs' tables. */
struct block {
	unsigned long index;		/* IOVA page number */
	unsigned long pfn;
	unsigned int order;
	unsigned long next;		/* page of the lookup behind it */
};

static struct block block_at(const struct mirror_lookup *l,
			     const unsigned long *pfns, unsigned long n)
{
	unsigned long index = (l->iova >> PAGE_SHIFT) + n;
	unsigned long pfn = pfns[n] & ~HMM_PFN_FLAGS;
	unsigned long head = ALIGN_DOWN(index, MIRROR_BIG_PAGES);
	unsigned long first = head << PAGE_SHIFT;

	if (hmm_pfn_to_map_order(pfns[n]) < MIRROR_BIG_ORDER ||
	    !(l->pgsizes & PMD_SIZE) ||
	    ((l->iova ^ l->va) & ~PMD_MASK) ||
	    first < l->slot_first || l->slot_last - first < PMD_SIZE - 1)
		return (struct block){ index, pfn, 0, n + 1 };
	return (struct block){
		.index = head,
		.pfn = ALIGN_DOWN(pfn, MIRROR_BIG_PAGES),
		.order = MIRROR_BIG_ORDER,
		.next = n + (head + MIRROR_BIG_PAGES - index),
	};
}

/* So that nothing is allocated for entries under the lock. */
static int reserve(struct ioasid_mirror *mirror, const struct mirror_lookup *l,
		   const unsigned long *pfns)
{
	unsigned long n;
	struct block b;
	int rc;

	for (n = 0; n < l->npages; n = b.next) {
		b = block_at(l, pfns, n);
		rc = xa_reserve(&mirror->installed, b.index, GFP_KERNEL);
		if (rc)
			return rc;
	}
	return 0;
}

static void unreserve(struct ioasid_mirror *mirror,
		      const struct mirror_lookup *l, const unsigned long *pfns)
{
	unsigned long n;
	struct block b;

	for (n = 0; n < l->npages; n = b.next) {
		b = block_at(l, pfns, n);
		xa_release(&mirror->installed, b.index);
	}
}

static int map_block(struct ioasid_mirror *mirror, const struct mirror_lookup *l,
		     const struct block *b)
{
	u32 perm = l->prot & (l->write ? ~0U : ~IOASID_MAP_WRITE);
	size_t size = PAGE_SIZE << b->order;
	struct ioasid_domain *d;
	int rc;

	list_for_each_entry(d, &mirror->domains, mirror_entry) {
		rc = iommu_map(d->domain, b->index << PAGE_SHIFT,
			       PFN_PHYS(b->pfn), size, ioasid_iommu_prot(perm),
			       GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT);
		if (rc)
			goto undo;
	}
	return 0;
undo:
	list_for_each_entry_continue_reverse(d, &mirror->domains, mirror_entry)
		iommu_unmap(d->domain, b->index << PAGE_SHIFT, size);
	return rc;
}

/*
 * The CPU's table does not learn that a device writes. So the page is dirty from
 * here on, until the notifier has taken it away again: it is never dropped as a
 * copy of what is on a disk.
 */
static void mark_dirty(const struct block *b)
{
	folio_mark_dirty(page_folio(pfn_to_page(b->pfn)));
}

static int install_block(struct ioasid_mirror *mirror,
			 const struct mirror_lookup *l, const struct block *b)
{
	unsigned long first = b->index << PAGE_SHIFT;
	unsigned long head;
	void *block;
	int rc;

	block = ioasid_mirror_find(mirror, b->index, &head);
	if (block && (mirror_block_write(block) || !l->write) &&
	    head + mirror_block_pages(block) >= b->index + (1UL << b->order))
		return 0;
	/* Smaller ones, or without permission to write. */
	ioasid_mirror_drop_locked(mirror, first,
				  first + (PAGE_SIZE << b->order) - 1);
	rc = map_block(mirror, l, b);
	if (rc)
		return rc;
	rc = xa_err(xa_store(&mirror->installed, b->index,
			     mirror_block(b->order, l->write),
			     GFP_NOWAIT | __GFP_NOWARN));
	if (rc) {
		const struct ioasid_slice s = { first, 1UL << b->order };
		struct ioasid_domain *d;

		list_for_each_entry(d, &mirror->domains, mirror_entry)
			iommu_unmap(d->domain, s.iova, ioasid_slice_size(&s));
		return rc;
	}
	mirror->nr_pages += 1UL << b->order;
	mirror->installs += 1UL << b->order;
	if (l->write)
		mark_dirty(b);
	return 0;
}

static int install(struct ioasid_mirror *mirror, const struct mirror_lookup *l,
		   const unsigned long *pfns)
{
	unsigned long n;
	struct block b;
	int rc = 0;

	mutex_lock(&mirror->lock);
	if (l->stale)
		rc = -EAGAIN;
	for (n = 0; !rc && n < l->npages; n = b.next) {
		b = block_at(l, pfns, n);
		rc = install_block(mirror, l, &b);
	}
	mutex_unlock(&mirror->lock);
	return rc;
}

/* What could not be had without waiting can be afterwards, usually. */
int ioasid_mirror_make_memory(void)
{
	void *mem = kmalloc(MEMORY_BYTES, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	kfree(mem);
	return mem ? 0 : -ENOMEM;
}

/* Returns how many pages are installed, or an error. */
static long bring_once(struct ioasid_mirror *mirror, struct mirror_lookup *l,
		       unsigned long *pfns, bool asked)
{
	unsigned int looks = 0;
	bool touched = false;
	long n;
	int rc;

	n = lookup_begin(mirror, l, asked);
	if (n)
		return n;
	do {
		n = look(mirror, l, pfns, &touched);
	} while (n == -EAGAIN && !READ_ONCE(l->stale) && touched &&
		 ++looks < LOOKS);
	if (n > 0) {
		l->npages = n;
		rc = reserve(mirror, l, pfns);
		if (!rc)
			rc = install(mirror, l, pfns);
		unreserve(mirror, l, pfns);
		if (rc)
			n = rc;
	}
	lookup_end(mirror, l);
	return n;
}

/**
 * ioasid_mirror_bring - make pages present
 * @mirror: the mirror
 * @iova: first address, page aligned
 * @npages: up to so many
 * @write: for writing
 * @asked: by a device
 * @tries: as often as that while they are changing all the time
 *
 * The caller has the address space (mmget). Returns how many pages there are from
 * @iova on, at least one; -ENODEV without devices, -EFAULT when the CPU could not
 * have served it, -EAGAIN after so many tries, -ENOMEM, -EINTR.
 */
int ioasid_mirror_bring(struct ioasid_mirror *mirror, unsigned long iova,
			unsigned long npages, bool write, bool asked,
			unsigned int tries)
{
	struct mem_cgroup *old = set_active_memcg(mirror->memcg);
	unsigned int try, rounds = 0;
	unsigned long *pfns;
	long rc = -EAGAIN;

	npages = min(npages, MIRROR_BIG_PAGES);
	pfns = kvmalloc_array(npages, sizeof(*pfns), GFP_KERNEL);
	if (!pfns)
		rc = -ENOMEM;
	for (try = 0; rc == -EAGAIN && try < tries; try++) {
		struct mirror_lookup l = {
			.iova = iova,
			.npages = npages,
			.write = write,
		};

		memset(pfns, 0, npages * sizeof(*pfns));
		rc = bring_once(mirror, &l, pfns, asked);
		if (rc == -ENOMEM && rounds++ < MEMORY_ROUNDS)
			rc = ioasid_mirror_make_memory() ?: -EAGAIN;
		if (rc == -EAGAIN && fatal_signal_pending(current))
			rc = -EINTR;
		cond_resched();
	}
	kvfree(pfns);
	set_active_memcg(old);
	return rc;
}

/* PREFETCH */

static int check_prefetch(const struct ioasid_prefetch *cmd)
{
	u64 last;

	if (cmd->flags & ~(IOASID_PREFETCH_WRITE | IOASID_PREFETCH_DROP))
		return -EOPNOTSUPP;
	if (cmd->flags == (IOASID_PREFETCH_WRITE | IOASID_PREFETCH_DROP))
		return -EINVAL;
	if (cmd->__reserved || !cmd->size ||
	    !IS_ALIGNED(cmd->iova | cmd->size, PAGE_SIZE) ||
	    check_add_overflow(cmd->iova, cmd->size - 1, &last))
		return -EINVAL;
	return 0;
}

/* All of it must be in slots. */
static int check_slots(struct ioasid_space *space, unsigned long first,
		       unsigned long last)
{
	struct ioasid_mapping *m;
	unsigned long at = first;

	if (space->mirror->identity)
		return last > space->last_iova ? -EINVAL : 0;
	ioasid_for_each_mapping(m, space, first, last) {
		if (m->node.start > at)
			return -ENOENT;
		if (m->node.last >= last)
			return 0;
		at = m->node.last + 1;
	}
	return -ENOENT;
}

static int prefetch_range(struct ioasid_space *space,
			  const struct ioasid_prefetch *cmd, u64 *bytes)
{
	int n = 0;

	/* Nobody else's memory is faulted in on behalf of a file that one has. */
	if (!ioasid_mirror_is_mine(space->mirror))
		return -EPERM;
	while (*bytes < cmd->size) {
		n = ioasid_mirror_bring(space->mirror, cmd->iova + *bytes,
					(cmd->size - *bytes) / PAGE_SIZE,
					cmd->flags & IOASID_PREFETCH_WRITE,
					false, PREFETCH_TRIES);
		if (n < 0)
			return n;
		*bytes += n * PAGE_SIZE;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static int prefetch_space(struct ioasid_space *space, struct ioasid_ucmd *ucmd)
{
	struct ioasid_prefetch __user *ubuf = ucmd->ubuf;
	const struct ioasid_prefetch *cmd = ucmd->cmd;
	u64 last = cmd->iova + cmd->size - 1, bytes = 0;
	int rc;

	/* Everything is there. */
	if (!space->mirror || ioasid_space_is_pinned(space))
		return -EOPNOTSUPP;
	mutex_lock(space->lock);
	rc = ioasid_space_usable(space) ?: check_slots(space, cmd->iova, last);
	if (!rc && list_empty(&space->domains))
		rc = -ENODEV;
	mutex_unlock(space->lock);
	if (rc)
		return rc;
	if (cmd->flags & IOASID_PREFETCH_DROP)
		bytes = ioasid_mirror_drop(space->mirror, cmd->iova, last) *
			PAGE_SIZE;
	else
		rc = prefetch_range(space, cmd, &bytes);
	return put_user(bytes, &ubuf->bytes) ? -EFAULT : rc;
}

int ioasid_cmd_prefetch(struct ioasid_ucmd *ucmd)
{
	const struct ioasid_prefetch *cmd = ucmd->cmd;
	int rc = check_prefetch(cmd);

	return rc ?: ioasid_on_space(ucmd, cmd->ioasid, prefetch_space);
}
