// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an IOMMU does with an address: which domain, what the caches say, what the
 * tables say; and, below all that, whether the memory may be touched.
 */
#include <linux/mm.h>

#include "sim.h"

/* The domain with the user's PASID table has been found. */
static enum ioasid_sim_status use_ptable(struct sim_xlate *x,
					 struct sim_domain **d)
{
	enum ioasid_sim_status status;

	status = sim_ptable_find(x->port, *d, x->pasid, &x->stage1);
	if (!status && x->stage1.format == IOASID_FORMAT_NONE)
		*d = xa_load(&x->port->sim->domains, (*d)->parent);
	return *d ? status : IOASID_SIM_FAULT_STAGE2;
}

/* Through the PASID cache, to a domain that may be gone by now. */
static enum ioasid_sim_status find_pasid(struct sim_xlate *x,
					 struct sim_domain **d)
{
	struct sim_instance *sim = x->port->sim;
	u32 id = sim_pasid_find(x->port, x->pasid, &x->stage1);

	if (id != SIM_NO_DOMAIN) {
		*d = xa_load(&sim->domains, id);
		if (*d)
			return IOASID_SIM_OK;
		sim_count(sim, SIM_STAT_STALE, 1);
		return IOASID_SIM_STALE;
	}
	*d = x->port->domain;
	if (*d && (*d)->ptable)
		return use_ptable(x, d);
	*d = xa_load(&x->port->pasids, x->pasid);
	if (!*d)
		return IOASID_SIM_FAULT_PASID;
	x->stage1 = (*d)->stage1;
	sim_pasid_insert(x->port, x->pasid, (*d)->id, &x->stage1);
	return IOASID_SIM_OK;
}

static enum ioasid_sim_status find_domain(struct sim_xlate *x,
					  struct sim_domain **d)
{
	*d = x->port->domain;
	if (x->pasid != SIM_NO_PASID || (*d && (*d)->ptable))
		return find_pasid(x, d);
	if (!*d)
		return IOASID_SIM_BLOCKED;
	x->stage1 = (*d)->stage1;
	return IOASID_SIM_OK;
}

static bool permits(u32 perm, u32 access)
{
	u32 want = access & ~IOASID_PERM_PRIV;

	return (perm & want) == want;
}

static enum ioasid_sim_status walk(struct sim_xlate *x, struct sim_domain *d)
{
	struct sim_tlb_entry *e = &x->entry;
	enum ioasid_sim_status status;
	struct sim_leaf leaf;
	u64 offset;

	if (d->parent)
		status = sim_nested_walk(d, &x->stage1, x->va, x->access, &leaf);
	else
		status = sim_table_access(d, x->va, x->access, &leaf);
	sim_count(d->sim, SIM_STAT_WALKS, 1);
	sim_count(d->sim, SIM_STAT_READS, leaf.reads);
	if (status)
		return status;
	if (!permits(leaf.perm, x->access))
		return IOASID_SIM_FAULT_PERMISSION;
	offset = x->va & ((1ULL << leaf.size_lg2) - 1);
	*e = (struct sim_tlb_entry) {
		.va = x->va - offset,
		.gpa = leaf.gpa - offset,
		.pa = leaf.pa - offset,
		.domain = d->id,
		.paging = d->parent ?: d->id,
		.pasid = x->pasid,
		.size_lg2 = leaf.size_lg2,
		.perm = leaf.perm,
		.priv = x->access & IOASID_PERM_PRIV,
	};
	return IOASID_SIM_OK;
}

/* What the IOMMU answers, to the device or to itself. */
static enum ioasid_sim_status ask_iommu(struct sim_xlate *x)
{
	struct sim_instance *sim = x->port->sim;
	enum ioasid_sim_status status;
	struct sim_key key = {
		.va = x->va,
		.pasid = x->pasid,
		.access = x->access,
	};
	struct sim_domain *d;

	status = find_domain(x, &d);
	if (status)
		return status;
	x->domain = d;
	if (d->identity)
		return sim_identity_translate(x);
	if (d->sva)
		return sim_sva_translate(d, x);
	key.domain = d->id;
	if (sim_tlb_find(&sim->tlb, &key, &x->entry)) {
		sim_count(sim, SIM_STAT_HITS, 1);
		return IOASID_SIM_OK;
	}
	sim_count(sim, SIM_STAT_MISSES, 1);
	status = walk(x, d);
	if (!status && sim_tlb_insert(&sim->tlb, &x->entry))
		sim_count(sim, SIM_STAT_EVICTIONS, 1);
	return status;
}

/* What it says is looked for each time, and is true then. */
static bool is_uncached(const struct sim_domain *d)
{
	return d->sva || d->identity;
}

static enum ioasid_sim_status ask_device(struct sim_xlate *x)
{
	enum ioasid_sim_status status;
	struct sim_key key = {
		.va = x->va,
		.domain = SIM_NO_DOMAIN,
		.pasid = x->pasid,
		.access = x->access,
	};

	if (sim_tlb_find(&x->port->tlb, &key, &x->entry)) {
		sim_count(x->port->sim, SIM_STAT_DEV_HITS, 1);
		return IOASID_SIM_OK;
	}
	status = ask_iommu(x);
	if (!status && !is_uncached(x->domain))
		sim_tlb_insert(&x->port->tlb, &x->entry);
	return status;
}

/*
 * The last word: is the memory behind the translation, wherever that came from,
 * mapped by its domain now? Memory of other devices never is (see pfns.c); the
 * model has no peer-to-peer DMA and answers as a bus without such an address does.
 */
static enum ioasid_sim_status check_memory(struct sim_xlate *x)
{
	struct sim_instance *sim = x->port->sim;
	struct sim_tlb_entry *e = &x->entry;
	struct sim_domain *paging;

	if (x->domain && is_uncached(x->domain))
		return IOASID_SIM_OK;
	paging = xa_load(&sim->domains, e->paging);
	x->pa = e->pa + (x->va - e->va);
	if (paging && sim_pfns_has(paging, PHYS_PFN(x->pa)))
		return IOASID_SIM_OK;
	if (!page_is_ram(PHYS_PFN(x->pa)))
		return IOASID_SIM_FAULT_ADDRESS;
	sim_count(sim, SIM_STAT_STALE, 1);
	return IOASID_SIM_STALE;
}

/**
 * sim_translate() - where an access of a device goes
 * @x: the access
 *
 * Context: sim->flight and sim->sva_lock are held for reading; what @x->pa says is
 * true until they are dropped.
 */
enum ioasid_sim_status sim_translate(struct sim_xlate *x)
{
	enum ioasid_sim_status status;

	lockdep_assert_held_read(&x->port->sim->flight);
	x->domain = NULL;
	status = x->ats ? ask_device(x) : ask_iommu(x);
	if (!status)
		status = check_memory(x);
	if (status && status != IOASID_SIM_STALE)
		sim_count(x->port->sim, SIM_STAT_FAULTS, 1);
	return status;
}
