// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which memory a paging domain maps, as a net below its table: DMA touches only
 * pages that are here, whatever a cache says.
 *
 * A page that was unmapped stays here, retired, until the invalidation that
 * follows is over: up to then devices may rightly use what they have cached.
 * Memory that is no RAM is never here.
 */
#include <linux/ioport.h>
#include <linux/mm.h>

#include "sim.h"

#define SIM_RETIRED	XA_MARK_0

/* At a time, so that the lock is not held for long. */
#define SIM_PFNS_BATCH	512

/* An entry: how often it is mapped, and how many of these have been retired. */
#define SIM_PFN_BITS	31
#define SIM_PFN_MAX	((1UL << SIM_PFN_BITS) - 1)

static unsigned long pfn_count(void *entry)
{
	return entry ? xa_to_value(entry) & SIM_PFN_MAX : 0;
}

static unsigned long pfn_retired(void *entry)
{
	return entry ? xa_to_value(entry) >> SIM_PFN_BITS : 0;
}

static void *pfn_entry(unsigned long count, unsigned long retired)
{
	return count ? xa_mk_value(count | retired << SIM_PFN_BITS) : NULL;
}

static bool is_ram(unsigned long pfn, unsigned long n)
{
	return region_intersects(PFN_PHYS(pfn), n << PAGE_SHIFT,
				 IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
	       REGION_INTERSECTS;
}

static int add_batch(struct sim_domain *d, unsigned long pfn, unsigned long n,
		     unsigned long *done, gfp_t gfp)
{
	XA_STATE(xas, &d->pfns, pfn);
	void *entry;

	do {
		xas_lock(&xas);
		for (; *done < n; ++*done) {
			xas_set(&xas, pfn + *done);
			entry = xas_load(&xas);
			if (pfn_count(entry) == SIM_PFN_MAX)
				xas_set_err(&xas, -ENOSPC);
			else
				xas_store(&xas, pfn_entry(pfn_count(entry) + 1,
							  pfn_retired(entry)));
			if (xas_error(&xas))
				break;
		}
		xas_unlock(&xas);
	} while (xas_nomem(&xas, gfp));
	return xas_error(&xas);
}

/**
 * sim_pfns_add() - pages are going to be mapped
 * @d: the domain
 * @pfn: the first
 * @n: how many
 * @gfp: how to get memory
 *
 * All or nothing.
 */
int sim_pfns_add(struct sim_domain *d, unsigned long pfn, unsigned long n,
		 gfp_t gfp)
{
	unsigned long i, batch, done;
	int rc;

	if (!is_ram(pfn, n))
		return 0;
	for (i = 0; i < n; i += batch) {
		batch = min(n - i, SIM_PFNS_BATCH);
		done = 0;
		rc = add_batch(d, pfn + i, batch, &done, gfp);
		if (rc) {
			sim_pfns_remove(d, pfn, i + done);
			return rc;
		}
		cond_resched();
	}
	return 0;
}

static void change(struct sim_domain *d, unsigned long pfn, unsigned long n,
		   int count, int retired)
{
	XA_STATE(xas, &d->pfns, pfn);
	unsigned long i;
	void *entry;

	for (i = 0; i < n; i++) {
		if (i % SIM_PFNS_BATCH == 0)
			xas_lock(&xas);
		xas_set(&xas, pfn + i);
		entry = xas_load(&xas);
		if (entry) {
			xas_store(&xas, pfn_entry(pfn_count(entry) + count,
						  pfn_retired(entry) + retired));
			if (retired)
				xas_set_mark(&xas, SIM_RETIRED);
		}
		if (i % SIM_PFNS_BATCH == SIM_PFNS_BATCH - 1 || i == n - 1) {
			xas_unlock(&xas);
			cond_resched();
		}
	}
}

/**
 * sim_pfns_remove() - pages were not mapped after all
 * @d: the domain
 * @pfn: the first
 * @n: how many
 */
void sim_pfns_remove(struct sim_domain *d, unsigned long pfn, unsigned long n)
{
	change(d, pfn, n, -1, 0);
}

/**
 * sim_pfns_retire() - pages are mapped no more, but may be in a cache
 * @d: the domain
 * @pfn: the first
 * @n: how many
 */
void sim_pfns_retire(struct sim_domain *d, unsigned long pfn, unsigned long n)
{
	change(d, pfn, n, 0, 1);
}

/**
 * sim_pfns_settle() - no cache should have retired pages any more
 * @d: the domain
 *
 * Retired pages of an unmap that has yet to invalidate go as well when two are
 * at work on one domain: DMA that hits those in the cache then counts as stale.
 */
void sim_pfns_settle(struct sim_domain *d)
{
	XA_STATE(xas, &d->pfns, 0);
	unsigned int n = 0;
	void *entry;

	xas_lock(&xas);
	xas_for_each_marked(&xas, entry, ULONG_MAX, SIM_RETIRED) {
		xas_clear_mark(&xas, SIM_RETIRED);
		xas_store(&xas, pfn_entry(pfn_count(entry) - pfn_retired(entry),
					  0));
		if (++n % SIM_PFNS_BATCH)
			continue;
		xas_pause(&xas);
		xas_unlock(&xas);
		cond_resched();
		xas_lock(&xas);
	}
	xas_unlock(&xas);
}

/**
 * sim_pfns_has() - may DMA touch it?
 * @d: the domain
 * @pfn: the page
 *
 * Context: sim->flight is held, and the answer holds until it is dropped.
 */
bool sim_pfns_has(struct sim_domain *d, unsigned long pfn)
{
	lockdep_assert_held(&d->sim->flight);
	return xa_load(&d->pfns, pfn);
}
