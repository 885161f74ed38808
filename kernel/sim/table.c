// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of paging domains, in the format of VT-d's second stage: 512 entries
 * of 64 bits in a page, in ordinary memory, nowhere else. The walk reads what the
 * writer wrote, entry by entry, as hardware would.
 *
 * A page of a table is unlinked as soon as its last entry goes, and freed by
 * sim_table_settle(), when no walk can be in it any more. There are no caches of
 * upper levels, hence nothing else can lead to it.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "sim.h"

#define SIM_PTE_READ	BIT_ULL(0)
#define SIM_PTE_WRITE	BIT_ULL(1)
#define SIM_PTE_LEAF	BIT_ULL(7)	/* above level 1 */
#define SIM_PTE_DIRTY	BIT_ULL(9)
#define SIM_PTE_SNOOP	BIT_ULL(11)
#define SIM_PTE_ADDR	GENMASK_ULL(51, 12)
#define SIM_PTES	512

static unsigned int level_lg2(unsigned int level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

static u64 *pte_of(u64 *table, u64 iova, unsigned int level)
{
	return &table[(iova >> level_lg2(level)) % SIM_PTES];
}

static bool pte_is_leaf(u64 pte, unsigned int level)
{
	return level == 1 || (pte & SIM_PTE_LEAF);
}

static u64 *pte_table(u64 pte)
{
	return phys_to_virt(pte & SIM_PTE_ADDR);
}

/* Entries in use. */
static void table_used(u64 *table, int change)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, page_private(page) + change);
}

static u64 *table_alloc(struct sim_domain *d, gfp_t gfp)
{
	if (atomic_read(&d->sim->fail_nth) &&
	    atomic_dec_and_test(&d->sim->fail_nth))
		return NULL;
	return (u64 *)get_zeroed_page(gfp);
}

static void table_free(u64 *table)
{
	set_page_private(virt_to_page(table), 0);
	free_page((unsigned long)table);
}

/*
 * Pages for tables, got before d->lock is taken: who waits for that lock may be
 * reclaim, which wants a page of a process back that devices see.
 */
struct spares {
	unsigned int nr;
	u64 *tables[SIM_LEVELS];
};

static int spares_get(struct sim_domain *d, struct spares *spares,
		      unsigned int want, gfp_t gfp)
{
	u64 *table;

	while (spares->nr < want) {
		table = table_alloc(d, gfp);
		if (!table)
			return -ENOMEM;
		spares->tables[spares->nr++] = table;
	}
	return 0;
}

static void spares_free(struct spares *spares)
{
	while (spares->nr)
		table_free(spares->tables[--spares->nr]);
}

/* How many pages are to be made before there is one at @level. */
static unsigned int tables_missing(struct sim_domain *d, u64 iova,
				   unsigned int level)
{
	u64 *table = d->top;
	unsigned int l;

	for (l = d->levels; l > level; l--) {
		u64 pte = *pte_of(table, iova, l);

		if (!pte)
			return l - level;
		if (pte_is_leaf(pte, l))
			return 0;
		table = pte_table(pte);
	}
	return 0;
}

/* Takes d->lock, with as many spare pages as table_at() will need. */
static int lock_table(struct sim_domain *d, u64 iova, unsigned int level,
		      struct spares *spares, gfp_t gfp)
{
	unsigned int missing;
	int rc;

	for (;;) {
		mutex_lock(&d->lock);
		missing = tables_missing(d, iova, level);
		if (missing <= spares->nr)
			return 0;
		mutex_unlock(&d->lock);
		rc = spares_get(d, spares, missing, gfp);
		if (rc)
			return rc;
	}
}

/* The page at @level that covers an address; what is missing is linked. */
static u64 *table_at(struct sim_domain *d, u64 iova, unsigned int level,
		     struct spares *spares)
{
	u64 *table = d->top;
	unsigned int l;

	for (l = d->levels; l > level; l--) {
		u64 *pte = pte_of(table, iova, l);
		u64 *next;

		if (*pte && pte_is_leaf(*pte, l))
			return ERR_PTR(-EEXIST);
		if (*pte) {
			table = pte_table(*pte);
			continue;
		}
		next = spares->tables[--spares->nr];
		/* Walks must not see what was in the page before. */
		smp_store_release(pte, virt_to_phys(next) | SIM_PTE_READ |
				  SIM_PTE_WRITE);
		table_used(table, 1);
		table = next;
	}
	return table;
}

static void unlink(struct sim_domain *d, u64 *table)
{
	xa_lock(&d->pfns);
	list_add(&virt_to_page(table)->lru, &d->unlinked);
	xa_unlock(&d->pfns);
}

/* Takes pages without entries out of the path to an address. */
static void prune(struct sim_domain *d, u64 iova)
{
	u64 *path[SIM_LEVELS + 1] = {};
	unsigned int l = d->levels;

	for (path[l] = d->top; l > 1; l--) {
		u64 pte = *pte_of(path[l], iova, l);

		if (!pte || pte_is_leaf(pte, l))
			break;
		path[l - 1] = pte_table(pte);
	}
	for (; l < d->levels && !page_private(virt_to_page(path[l])); l++) {
		WRITE_ONCE(*pte_of(path[l + 1], iova, l + 1), 0);
		table_used(path[l + 1], -1);
		unlink(d, path[l]);
	}
}

static u64 leaf_flags(struct sim_domain *d, unsigned int level, int prot)
{
	return (prot & IOMMU_READ ? SIM_PTE_READ : 0) |
	       (prot & IOMMU_WRITE ? SIM_PTE_WRITE : 0) |
	       (level > 1 ? SIM_PTE_LEAF : 0) | (d->snoop ? SIM_PTE_SNOOP : 0);
}

/* As many leaves as one page of the table takes. Returns how many, or an error. */
static ssize_t enter_some(struct sim_domain *d, u64 iova, u64 pa,
			  unsigned int level, size_t n, u64 flags,
			  struct spares *spares)
{
	unsigned int lg2 = level_lg2(level);
	u64 *table, *pte;
	size_t i;

	lockdep_assert_held(&d->lock);
	table = table_at(d, iova, level, spares);
	if (IS_ERR(table))
		return PTR_ERR(table);
	pte = pte_of(table, iova, level);
	for (i = 0; i < n && !pte[i]; i++)
		WRITE_ONCE(pte[i], (pa + ((u64)i << lg2)) | flags);
	table_used(table, i);
	if (i < n)
		prune(d, iova + ((u64)i << lg2));
	return i ?: -EEXIST;
}

/* The same, with all that belongs to it. Context: no lock is held, see sim.h. */
static ssize_t map_some(struct sim_domain *d, u64 iova, u64 pa,
			unsigned int level, size_t count, u64 flags, gfp_t gfp)
{
	unsigned int lg2 = level_lg2(level);
	struct spares spares = {};
	size_t n, done;
	ssize_t rc;

	n = min(count, SIM_PTES - ((iova >> lg2) % SIM_PTES));
	rc = sim_pfns_add(d, PHYS_PFN(pa), n << (lg2 - PAGE_SHIFT), gfp);
	if (rc)
		return rc;
	rc = lock_table(d, iova, level, &spares, gfp);
	if (!rc) {
		rc = enter_some(d, iova, pa, level, n, flags, &spares);
		mutex_unlock(&d->lock);
	}
	spares_free(&spares);
	done = max(rc, 0);
	if (done < n)
		sim_pfns_remove(d, PHYS_PFN(pa + ((u64)done << lg2)),
				(n - done) << (lg2 - PAGE_SHIFT));
	return rc;
}

/**
 * sim_table_map() - enter a range
 * @d: the domain
 * @iova: where
 * @pa: what
 * @size_lg2: of the pages, one of SIM_LG2_*
 * @count: how many
 * @prot: IOMMU_READ, IOMMU_WRITE
 * @gfp: for tables
 * @mapped: how many bytes were entered, also after an error
 */
int sim_table_map(struct sim_domain *d, u64 iova, u64 pa, unsigned int size_lg2,
		  size_t count, int prot, gfp_t gfp, size_t *mapped)
{
	unsigned int level = (size_lg2 - PAGE_SHIFT) / 9 + 1;
	u64 flags = leaf_flags(d, level, prot);
	size_t done = 0;
	ssize_t n = 0;

	if (!(flags & (SIM_PTE_READ | SIM_PTE_WRITE)))
		return -EINVAL;
	while (done < count) {
		n = map_some(d, iova + (done << size_lg2),
			     pa + (done << size_lg2), level, count - done,
			     flags, gfp);
		if (n < 0)
			break;
		done += n;
		cond_resched();
	}
	*mapped = done << size_lg2;
	return n < 0 ? n : 0;
}

/* Leaves from @iova on that are in the same page of the table. */
static size_t unmap_some(struct sim_domain *d, u64 iova, size_t size)
{
	unsigned int level = d->levels, lg2;
	u64 *table = d->top, *pte;
	size_t n, i, done;
	u64 pa;

	for (;; level--) {
		pte = pte_of(table, iova, level);
		if (!*pte)
			return 0;
		if (pte_is_leaf(*pte, level))
			break;
		table = pte_table(*pte);
	}
	lg2 = level_lg2(level);
	n = min_t(size_t, DIV_ROUND_UP(size, 1ULL << lg2),
		  &table[SIM_PTES] - pte);
	for (i = 0; i < n && pte[i] && pte_is_leaf(pte[i], level); i++) {
		pa = pte[i] & SIM_PTE_ADDR;
		WRITE_ONCE(pte[i], 0);
		sim_pfns_retire(d, PHYS_PFN(pa), 1UL << (lg2 - PAGE_SHIFT));
	}
	table_used(table, -(int)i);
	prune(d, iova);
	done = (u64)i << lg2;
	/* Where it began inside of a large page, that went as a whole. */
	return done - (iova & ((1ULL << lg2) - 1));
}

/**
 * sim_table_unmap() - clear a range
 * @d: the domain
 * @iova: where
 * @size: how much
 *
 * Return: how much of it was mapped, up to the first hole; more than @size when
 * the last page is larger.
 */
size_t sim_table_unmap(struct sim_domain *d, u64 iova, size_t size)
{
	size_t done = 0, n;

	mutex_lock(&d->lock);
	while (done < size) {
		n = unmap_some(d, iova + done, size - done);
		if (!n)
			break;
		done += n;
		cond_resched();
	}
	mutex_unlock(&d->lock);
	return done;
}

/**
 * sim_table_settle() - what was unmapped is out of reach
 * @d: the domain
 *
 * Context: sim->flight is held for writing. Caches have been told to forget it
 * (whether they did or not).
 */
void sim_table_settle(struct sim_domain *d)
{
	struct page *page, *next;
	LIST_HEAD(unlinked);

	sim_pfns_settle(d);
	xa_lock(&d->pfns);
	list_splice_init(&d->unlinked, &unlinked);
	xa_unlock(&d->pfns);
	list_for_each_entry_safe(page, next, &unlinked, lru) {
		list_del(&page->lru);
		table_free(page_address(page));
	}
}

bool sim_table_empty(struct sim_domain *d)
{
	lockdep_assert_held(&d->lock);
	return !page_private(virt_to_page(d->top));
}

/**
 * sim_table_walk() - translate
 * @d: the domain
 * @iova: address
 * @leaf: what was found, if IOASID_SIM_OK is returned; @leaf->reads always
 *
 * Permissions are not judged here. Context: sim->flight is held.
 */
enum ioasid_sim_status sim_table_walk(struct sim_domain *d, u64 iova,
				      struct sim_leaf *leaf)
{
	unsigned int level = d->levels, lg2;
	u64 *table = d->top;
	u64 pte;

	lockdep_assert_held(&d->sim->flight);
	leaf->reads = 0;
	if (iova >> d->sim->args.addr_width)
		return IOASID_SIM_FAULT_ADDRESS;
	for (;; level--) {
		leaf->entry = pte_of(table, iova, level);
		pte = READ_ONCE(*leaf->entry);
		leaf->reads++;
		if (!(pte & (SIM_PTE_READ | SIM_PTE_WRITE)))
			return IOASID_SIM_FAULT_NOT_PRESENT;
		if (pte_is_leaf(pte, level))
			break;
		table = pte_table(pte);
	}
	lg2 = level_lg2(level);
	leaf->pa = (pte & SIM_PTE_ADDR) | (iova & ((1ULL << lg2) - 1));
	leaf->gpa = iova;
	leaf->value = pte;
	leaf->size_lg2 = lg2;
	leaf->perm = (pte & SIM_PTE_READ ?
		      IOASID_PERM_READ | IOASID_PERM_EXEC : 0) |
		     (pte & SIM_PTE_WRITE ? IOASID_PERM_WRITE : 0);
	return IOASID_SIM_OK;
}

/* Marks the leaf of a write; false when it has changed meanwhile. */
static bool trace_access(const struct sim_domain *d, struct sim_leaf *leaf,
			 u32 access)
{
	u32 want = access & ~IOASID_PERM_PRIV;
	u64 value = leaf->value;

	if (!d->tracking || (value & SIM_PTE_DIRTY))
		return true;
	if ((want & IOASID_PERM_WRITE) && (leaf->perm & want) == want)
		return try_cmpxchg(leaf->entry, &value, value | SIM_PTE_DIRTY);
	leaf->perm &= ~IOASID_PERM_WRITE;
	return true;
}

/**
 * sim_table_access() - translate for an access
 * @d: the domain
 * @iova: address
 * @access: IOASID_PERM_* wanted
 * @leaf: as from sim_table_walk(); @leaf->perm is what needs no other look at the
 *        table
 *
 * A tracked domain remembers writes, those that it permits. Context: sim->flight is
 * held.
 */
enum ioasid_sim_status sim_table_access(struct sim_domain *d, u64 iova,
					u32 access, struct sim_leaf *leaf)
{
	enum ioasid_sim_status status;
	u32 reads = 0;

	do {
		status = sim_table_walk(d, iova, leaf);
		reads += leaf->reads;
	} while (!status && !trace_access(d, leaf, access));
	leaf->reads = reads;
	return status;
}

/**
 * sim_table_next_dirty() - look for a leaf that was written to
 * @d: the domain
 * @iova: where to begin
 * @last: where to end
 * @clear: make the leaf forget it
 * @found: the leaf's address
 * @size: its size
 *
 * Context: d->lock is held: no leaf comes or goes. Return: whether there is one.
 */
bool sim_table_next_dirty(struct sim_domain *d, u64 iova, u64 last, bool clear,
			  u64 *found, u64 *size)
{
	unsigned int level;
	u64 *table, *pte;

	lockdep_assert_held(&d->lock);
	last = min(last, GENMASK_ULL(d->sim->args.addr_width - 1, 0));
	for (; iova <= last; iova = ALIGN_DOWN(iova, *size) + *size) {
		table = d->top;
		for (level = d->levels;; level--) {
			pte = pte_of(table, iova, level);
			if (!*pte || pte_is_leaf(*pte, level))
				break;
			table = pte_table(*pte);
		}
		*size = 1ULL << level_lg2(level);
		*found = ALIGN_DOWN(iova, *size);
		if (READ_ONCE(*pte) & SIM_PTE_DIRTY) {
			/* DMA changes no other bit, and this one only to 1. */
			if (clear)
				WRITE_ONCE(*pte, *pte & ~SIM_PTE_DIRTY);
			return true;
		}
		cond_resched();
	}
	return false;
}

int sim_table_init(struct sim_domain *d)
{
	mutex_init(&d->lock);
	xa_init(&d->pfns);
	INIT_LIST_HEAD(&d->unlinked);
	d->levels = DIV_ROUND_UP(d->sim->args.addr_width - PAGE_SHIFT, 9);
	d->top = table_alloc(d, GFP_KERNEL_ACCOUNT);
	return d->top ? 0 : -ENOMEM;
}

static void free_level(u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < SIM_PTES && level > 1; i++)
		if (table[i] && !pte_is_leaf(table[i], level))
			free_level(pte_table(table[i]), level - 1);
	table_free(table);
}

/* No cache, port or walk has the domain any more. */
void sim_table_exit(struct sim_domain *d)
{
	sim_table_settle(d);
	free_level(d->top, d->levels);
	xa_destroy(&d->pfns);
	mutex_destroy(&d->lock);
}
