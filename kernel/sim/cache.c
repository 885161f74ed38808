// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caches of the model: IOTLB, device TLBs, PASID cache, and what empties them.
 *
 * TLBs are set associative. An entry of any size is in the set that the low bits
 * of its page number select; a lookup looks for each size. What gives way in a
 * full set is pseudo-random.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "sim.h"

int sim_tlb_init(struct sim_tlb *tlb, u32 sets, u32 ways, u32 seed)
{
	spin_lock_init(&tlb->lock);
	tlb->sets = sets;
	tlb->ways = ways;
	tlb->random = seed ?: 1;	/* 0 would stay 0 */
	tlb->entries = kvcalloc(sets * ways, sizeof(*tlb->entries),
				GFP_KERNEL_ACCOUNT);
	return tlb->entries ? 0 : -ENOMEM;
}

void sim_tlb_exit(struct sim_tlb *tlb)
{
	kvfree(tlb->entries);
}

/* xorshift: 32 bits, the same sequence for the same seed everywhere */
static u32 tlb_random(struct sim_tlb *tlb)
{
	tlb->random ^= tlb->random << 13;
	tlb->random ^= tlb->random >> 17;
	tlb->random ^= tlb->random << 5;
	return tlb->random;
}

static struct sim_tlb_entry *tlb_set(struct sim_tlb *tlb, u64 va,
				     unsigned int size_lg2)
{
	u32 set = (va >> size_lg2) & (tlb->sets - 1);

	return &tlb->entries[set * tlb->ways];
}

static bool entry_serves(const struct sim_tlb_entry *e,
			 const struct sim_key *key)
{
	u32 want = key->access & ~IOASID_PERM_PRIV;

	return e->pasid == key->pasid &&
	       (key->domain == SIM_NO_DOMAIN || e->domain == key->domain) &&
	       e->priv == !!(key->access & IOASID_PERM_PRIV) &&
	       (e->perm & want) == want;
}

static struct sim_tlb_entry *find_sized(struct sim_tlb *tlb,
					const struct sim_key *key, u8 size_lg2)
{
	struct sim_tlb_entry *e = tlb_set(tlb, key->va, size_lg2);
	u32 way;

	for (way = 0; way < tlb->ways; way++, e++)
		if (e->valid && e->size_lg2 == size_lg2 &&
		    e->va == (key->va & ~((1ULL << size_lg2) - 1)) &&
		    entry_serves(e, key))
			return e;
	return NULL;
}

/**
 * sim_tlb_find() - look an address up
 * @tlb: the TLB
 * @key: what to look for
 * @found: a copy of the entry
 *
 * An entry that does not permit the access is no hit: whoever extends permissions
 * need not invalidate, so the table is asked again.
 */
bool sim_tlb_find(struct sim_tlb *tlb, const struct sim_key *key,
		  struct sim_tlb_entry *found)
{
	static const u8 sizes[] = { SIM_LG2_4K, SIM_LG2_2M, SIM_LG2_1G };
	struct sim_tlb_entry *e = NULL;
	unsigned int i;

	spin_lock(&tlb->lock);
	for (i = 0; !e && i < ARRAY_SIZE(sizes); i++)
		e = find_sized(tlb, key, sizes[i]);
	if (e)
		*found = *e;
	spin_unlock(&tlb->lock);
	return e;
}

static bool same_place(const struct sim_tlb_entry *a,
		       const struct sim_tlb_entry *b)
{
	return a->valid && a->va == b->va && a->domain == b->domain &&
	       a->pasid == b->pasid && a->size_lg2 == b->size_lg2 &&
	       a->priv == b->priv;
}

/**
 * sim_tlb_insert() - keep a translation
 * @tlb: the TLB
 * @entry: the translation
 *
 * Return: whether another one had to give way.
 */
bool sim_tlb_insert(struct sim_tlb *tlb, const struct sim_tlb_entry *entry)
{
	struct sim_tlb_entry *set, *victim = NULL;
	bool evicted = false;
	u32 way;

	spin_lock(&tlb->lock);
	set = tlb_set(tlb, entry->va, entry->size_lg2);
	for (way = 0; way < tlb->ways && !victim; way++)
		if (same_place(&set[way], entry))
			victim = &set[way];
	for (way = 0; way < tlb->ways && !victim; way++)
		if (!set[way].valid)
			victim = &set[way];
	if (!victim) {
		victim = &set[tlb_random(tlb) % tlb->ways];
		evicted = true;
	}
	*victim = *entry;
	victim->valid = true;
	spin_unlock(&tlb->lock);
	return evicted;
}

static bool in_scope(const struct sim_scope *scope, u32 pasid)
{
	return !scope->by_pasid || pasid == scope->pasid ||
	       (scope->with_default && pasid == SIM_NO_PASID);
}

/*
 * Entries of a domain that intersect a range, and all of domains nested on it:
 * what their tables lie in may have changed.
 */
static void tlb_forget(struct sim_tlb *tlb, const struct sim_scope *scope)
{
	u32 i;

	spin_lock(&tlb->lock);
	for (i = 0; i < tlb->sets * tlb->ways; i++) {
		struct sim_tlb_entry *e = &tlb->entries[i];
		u64 e_last = e->va + ((1ULL << e->size_lg2) - 1);

		if (e->domain == scope->domain ?
		    e->va <= scope->last && e_last >= scope->first &&
		    in_scope(scope, e->pasid) : e->paging == scope->domain)
			e->valid = false;
	}
	spin_unlock(&tlb->lock);
}

static void tlb_forget_pasids(struct sim_tlb *tlb, u32 first, u32 last)
{
	u32 i;

	spin_lock(&tlb->lock);
	for (i = 0; i < tlb->sets * tlb->ways; i++)
		if (tlb->entries[i].pasid >= first &&
		    tlb->entries[i].pasid <= last)
			tlb->entries[i].valid = false;
	spin_unlock(&tlb->lock);
}

static struct sim_pasid_entry *pasid_slot(struct sim_port *port, u32 pasid)
{
	return &port->sim->pasid_cache[hash_32(pasid ^ port->index << 20,
					       ilog2(SIM_PASID_SLOTS))];
}

/*
 * Number of the domain that was found behind a PASID, or SIM_NO_DOMAIN; @stage1 is
 * the user's page table there.
 */
u32 sim_pasid_find(struct sim_port *port, u32 pasid, struct sim_stage1 *stage1)
{
	struct sim_pasid_entry *e = pasid_slot(port, pasid);
	u32 domain = SIM_NO_DOMAIN;

	spin_lock(&port->sim->pasid_lock);
	if (e->port == port->index && e->pasid == pasid) {
		domain = e->domain;
		*stage1 = e->stage1;
	}
	spin_unlock(&port->sim->pasid_lock);
	return domain;
}

void sim_pasid_insert(struct sim_port *port, u32 pasid, u32 domain,
		      const struct sim_stage1 *stage1)
{
	struct sim_pasid_entry *e = pasid_slot(port, pasid);

	spin_lock(&port->sim->pasid_lock);
	*e = (struct sim_pasid_entry) {
		.port = port->index,
		.pasid = pasid,
		.domain = domain,
		.stage1 = *stage1,
	};
	spin_unlock(&port->sim->pasid_lock);
}

/* PASIDs of a domain's PASID table, behind all ports. */
static void forget_ptable(struct sim_instance *sim, const struct sim_scope *scope)
{
	struct sim_pasid_entry *e = sim->pasid_cache;

	spin_lock(&sim->pasid_lock);
	for (; e < sim->pasid_cache + SIM_PASID_SLOTS; e++)
		if (e->domain == scope->domain && in_scope(scope, e->pasid))
			e->domain = SIM_NO_DOMAIN;
	spin_unlock(&sim->pasid_lock);
}

/**
 * sim_invalidate_scope() - make caches forget what a request is about
 * @sim: the instance
 * @scope: the request
 *
 * Context: sim->flight is held for writing, so nobody puts back what he read
 * from the table before.
 */
void sim_invalidate_scope(struct sim_instance *sim, const struct sim_scope *scope)
{
	u32 i;

	lockdep_assert_held_write(&sim->flight);
	sim_count(sim, SIM_STAT_INVALIDATIONS, 1);
	if ((scope->caches & IOASID_CACHE_PASID) &&
	    !(sim->inject & IOASID_SIM_INJECT_LOSE_PASID))
		forget_ptable(sim, scope);
	if ((scope->caches & IOASID_CACHE_IOTLB) &&
	    !(sim->inject & IOASID_SIM_INJECT_LOSE_IOTLB))
		tlb_forget(&sim->tlb, scope);
	if (!(scope->caches & IOASID_CACHE_DEVTLB) ||
	    !(sim->args.caps & IOASID_SIM_CAP_ATS) ||
	    (sim->inject & IOASID_SIM_INJECT_LOSE_DEVTLB))
		return;
	for (i = 0; i < sim->nr_ports; i++)
		tlb_forget(&sim->ports[i].tlb, scope);
}

/**
 * sim_invalidate() - make caches forget a range of a domain
 * @d: the domain
 * @first: first address
 * @last: last address
 *
 * Context: as above.
 */
void sim_invalidate(struct sim_domain *d, u64 first, u64 last)
{
	struct sim_scope scope = {
		.domain = d->id,
		.first = first,
		.last = last,
		.caches = IOASID_CACHE_IOTLB | IOASID_CACHE_DEVTLB,
	};

	sim_invalidate_scope(d->sim, &scope);
}

static void forget_pasids(struct sim_port *port, u32 first, u32 last)
{
	struct sim_instance *sim = port->sim;
	struct sim_pasid_entry *e = sim->pasid_cache;

	spin_lock(&sim->pasid_lock);
	for (; e < sim->pasid_cache + SIM_PASID_SLOTS; e++)
		if (e->port == port->index && e->pasid >= first &&
		    e->pasid <= last)
			e->domain = SIM_NO_DOMAIN;
	spin_unlock(&sim->pasid_lock);
}

/**
 * sim_forget_port() - a device, or a PASID of it, gets another domain
 * @port: where
 * @pasid: or SIM_NO_PASID
 *
 * The IOTLB is not concerned: its entries belong to domains, not to devices.
 * Context: as above.
 */
void sim_forget_port(struct sim_port *port, u32 pasid)
{
	struct sim_instance *sim = port->sim;

	lockdep_assert_held_write(&sim->flight);
	sim_count(sim, SIM_STAT_INVALIDATIONS, 1);
	if (pasid != SIM_NO_PASID &&
	    !(sim->inject & IOASID_SIM_INJECT_LOSE_PASID))
		forget_pasids(port, pasid, pasid);
	if ((sim->args.caps & IOASID_SIM_CAP_ATS) &&
	    !(sim->inject & IOASID_SIM_INJECT_LOSE_DEVTLB))
		tlb_forget_pasids(&port->tlb, pasid, pasid);
}

/**
 * sim_forget_pasids() - a device gets, or loses, a user's PASID table
 * @port: where
 *
 * That concerns all of its PASIDs, and DMA without.
 * Context: as above.
 */
void sim_forget_pasids(struct sim_port *port)
{
	struct sim_instance *sim = port->sim;

	lockdep_assert_held_write(&sim->flight);
	sim_count(sim, SIM_STAT_INVALIDATIONS, 1);
	if (!(sim->inject & IOASID_SIM_INJECT_LOSE_PASID))
		forget_pasids(port, 0, SIM_NO_PASID);
	if ((sim->args.caps & IOASID_SIM_CAP_ATS) &&
	    !(sim->inject & IOASID_SIM_INJECT_LOSE_DEVTLB))
		tlb_forget_pasids(&port->tlb, 0, SIM_NO_PASID);
}
