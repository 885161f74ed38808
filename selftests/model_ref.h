/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference of model.c: what address spaces contain and where DMA goes, said
 * as simply as possible.
 */
#ifndef IOASID_SELFTESTS_MODEL_REF_H
#define IOASID_SELFTESTS_MODEL_REF_H

#include "model_world.h"

/*
 * Kernel-managed spaces, and what the kernel took from tables
 */

/* Where an address leads through all levels. @reason: enum ioasid_walk_reason */
struct hit {
	int reason;
	int mem;
	uint32_t prot;
};

static inline struct hit ref_lookup(const struct space *s, int page)
{
	struct hit hit = { .prot = RW };

	for (; ; s = parent_of(s)) {
		const struct page *p = &s->pages[page];

		if (!p->map)
			return (struct hit) { .reason = IOASID_WALK_NOT_PRESENT };
		hit.prot &= p->prot;
		if (!hit.prot)
			return (struct hit) { .reason = IOASID_WALK_PERMISSION };
		if (!parent_of(s)) {
			hit.mem = p->to;
			return hit;
		}
		page = p->to;
	}
}

/*
 * User-managed tables. The reference reads the table where its owner wrote it, and
 * knows only such entries as table_build.h makes.
 */

/**
 * struct leaf - what a table says about a page
 * @reason: enum ioasid_walk_reason
 * @to: page of the parent's addresses
 * @pages: size
 * @prot: of an IOMMU that sets accessed and dirty bits
 * @soft_prot: of somebody who does not
 * @read_marks: pages of the parent's addresses where a read sets a bit
 * @write_marks: the same for a write
 */
struct leaf {
	int reason;
	int to;
	int pages;
	uint32_t prot, soft_prot;
	uint64_t read_marks[2], write_marks[2];
};

static inline void add_mark(uint64_t *marks, int page)
{
	marks[page / 64] |= 1ULL << page % 64;
}

static inline void ref_leaf(const struct table_builder *b, uint64_t entry, int page,
			    struct leaf *leaf)
{
	bool w, user, cold, clean;

	switch (table_family(b->format)) {
	case TABLE_X86:
		w = entry & 0x2;
		user = entry & 0x4;
		cold = !(entry & 0x20);
		clean = !(entry & 0x40);
		leaf->soft_prot = IOASID_MAP_READ | (w ? IOASID_MAP_WRITE : 0);
		break;
	case TABLE_ARM:
		w = entry >> 51 & 1 || !(entry & 0x80);
		user = entry & 0x40;
		cold = !(entry & 0x400);
		clean = entry & 0x80;
		leaf->soft_prot = IOASID_MAP_READ | (clean ? 0 : IOASID_MAP_WRITE);
		break;
	default:
		w = entry & 0x4;
		user = entry & 0x10;
		cold = !(entry & 0x40);
		clean = !(entry & 0x80);
		leaf->soft_prot = IOASID_MAP_READ | (w ? IOASID_MAP_WRITE : 0);
	}
	leaf->prot = IOASID_MAP_READ | (w ? IOASID_MAP_WRITE : 0);
	if (!user)
		leaf->prot = leaf->soft_prot = 0;
	if (cold)
		add_mark(leaf->read_marks, page);
	if (cold || clean)
		add_mark(leaf->write_marks, page);
}

static inline struct leaf ref_walk(const struct space *s, int page)
{
	struct table_builder *b = &world.tables[s->table].builder;
	uint64_t iova = iova_of(page), at = b->root, entry, addr;
	struct leaf leaf = {};

	for (int level = table_levels(b); ; level--) {
		int in = page_at(at);
		struct hit hit = ref_lookup(parent_of(s), in);

		if (hit.reason || !(hit.prot & IOASID_MAP_READ)) {
			leaf.reason = IOASID_WALK_TABLE;
			return leaf;
		}
		entry = b->at(b, at)[table_index(b, level, iova)];
		if (!entry) {
			leaf.reason = IOASID_WALK_NOT_PRESENT;
			return leaf;
		}
		addr = table_entry_addr(b->format, entry);
		if (table_is_leaf(b->format, level, entry)) {
			leaf.to = page_at(addr | (iova & (table_span(level) - 1)));
			leaf.pages = table_span(level) / PAGE;
			ref_leaf(b, entry, in, &leaf);
			return leaf;
		}
		/* Accessed bits of pointers: only here. */
		if (table_family(b->format) == TABLE_X86 && !(entry & 0x20)) {
			add_mark(leaf.read_marks, in);
			add_mark(leaf.write_marks, in);
		}
		at = addr;
	}
}

/*
 * Devices
 */
static inline struct instance *instance_of(const struct device *d)
{
	return &world.instances[d->instance];
}

static inline bool same_group(const struct device *a, const struct device *b)
{
	uint32_t size = instance_of(a)->args.group_size ?: 1;

	return a->instance == b->instance && a->index / size == b->index / size;
}

static inline bool in_stack(const struct device *d, int space)
{
	for (int i = 0; i < d->depth; i++)
		if (d->stack[i] == space)
			return true;
	return false;
}

#define for_each_device(d)							\
	for (struct device *(d) = world.devices; (d) < world.devices + MODEL_DEVICES; (d)++)
#define for_each_space(s)							\
	for (struct space *(s) = world.spaces; (s) < world.spaces + MODEL_SPACES; (s)++) \
		if ((s)->id)

static inline bool group_complete(const struct device *d, int space)
{
	for_each_device(other)
		if (same_group(d, other) && !in_stack(other, space))
			return false;
	return true;
}

static inline bool is_partial(const struct space *s)
{
	for_each_device(d)
		if (in_stack(d, index_of(s)) && !group_complete(d, index_of(s)))
			return true;
	return false;
}

/* Where DMA without PASID goes: the topmost space that all of the group are in. */
static inline int default_space(const struct device *d)
{
	for (int i = d->depth - 1; i >= 0; i--)
		if (group_complete(d, d->stack[i]))
			return d->stack[i];
	return NOWHERE;
}

/* Attachments of a device to a space, by default or by PASIDs. */
static inline int attachments(const struct device *d, const struct space *s)
{
	int nr = in_stack(d, index_of(s));

	for (int i = 0; i < MODEL_PASIDS; i++)
		nr += d->pasids[i] == index_of(s);
	return nr;
}

static inline int nr_attached(const struct space *s)
{
	int nr = 0;

	for_each_device(d)
		nr += attachments(d, s);
	return nr;
}

static inline uint32_t format_of(const struct space *s)
{
	return world.tables[s->table].builder.format;
}

/* Does the device's IOMMU walk the space's table? */
static inline bool is_hard(const struct device *d, const struct space *s)
{
	return s->kind == IOASID_KIND_USER &&
	       instance_of(d)->args.formats >> format_of(s) & 1;
}

/* Bits of @cached.sources: a device's by default, and of each PASID. */
static inline uint64_t source_bit(const struct device *d, int pasid)
{
	return 1ULL << ((d - world.devices) * (MODEL_PASIDS + 1) + pasid + 1);
}

#define ALL_SOURCES	((1ULL << MODEL_DEVICES * (MODEL_PASIDS + 1)) - 1)

static inline uint64_t sources_of(const struct device *d)
{
	return ((1ULL << (MODEL_PASIDS + 1)) - 1) << (d - world.devices) * (MODEL_PASIDS + 1);
}

/*
 * What may be mapped
 */
static inline bool reserved_in(const struct device *d, int page)
{
	const struct ioasid_sim_create *args = &instance_of(d)->args;

	for (uint32_t i = 0; i < args->nr_resv; i++)
		if (iova_of(page) + PAGE - 1 >= args->resv[i].start &&
		    iova_of(page) <= args->resv[i].last)
			return true;
	return false;
}

static inline bool fits_width(uint32_t width, int page)
{
	return !width || width >= 64 || !(iova_of(page) >> width);
}

/* Does DMA of the device use the space, or could it? */
static inline bool is_installed(const struct device *d, const struct space *s)
{
	int space = index_of(s);

	return attachments(d, s) > in_stack(d, space) ||
	       (in_stack(d, space) && group_complete(d, space));
}

/* Is a paging domain of the device's IOMMU behind the space? */
static inline bool has_domain(const struct device *d, const struct space *s)
{
	return is_installed(d, s) && !is_hard(d, s);
}

static inline bool device_permits(const struct device *d, const struct space *s, int page)
{
	if (has_domain(d, s) && !fits_width(instance_of(d)->args.addr_width, page))
		return false;
	return !attachments(d, s) || !reserved_in(d, page);
}

static inline bool is_permitted(const struct space *s, int page)
{
	if (!fits_width(s->width, page))
		return false;
	for_each_device(d)
		if (!device_permits(d, s, page))
			return false;
	return true;
}

/*
 * Changes
 */
static inline void forget_cached(struct space *s, int first, int last, uint64_t sources)
{
	for (int page = first; page <= last; page++) {
		int left = 0;

		for (int i = 0; i < s->nr_cached[page]; i++) {
			struct cached c = s->cached[page][i];

			c.sources &= ~sources;
			if (c.sources)
				s->cached[page][left++] = c;
		}
		s->nr_cached[page] = left;
	}
}

static inline void forget_all_cached(struct space *s)
{
	memset(s->nr_cached, 0, sizeof(s->nr_cached));
}

static inline void remember_cached(struct space *s, int page, int to, int mem, uint32_t prot)
{
	int nr = s->nr_cached[page];

	for (int i = 0; i < nr; i++) {
		if (s->cached[page][i].mem == mem && s->cached[page][i].to == to) {
			s->cached[page][i].sources = ALL_SOURCES;
			s->cached[page][i].prot |= prot;
			return;
		}
	}
	s->cached[page][nr] = (struct cached) { ALL_SOURCES, to, mem, prot };
	s->nr_cached[page]++;
}

/* A leaf is followed as a whole, or not at all. */
static inline bool leaf_permitted(const struct space *s, const struct leaf *leaf, int page)
{
	page -= (page - TAB_PAGES) % leaf->pages;
	for (int i = 0; i < leaf->pages; i++)
		if (!is_permitted(s, page + i))
			return false;
	return true;
}

/* Reads the table into @pages; what follows each other is one mapping. */
static inline void ref_scan(struct space *s, int first, int last)
{
	memset(&s->pages[first], 0, (last - first + 1) * sizeof(s->pages[0]));
	for (int page = first; page <= last; page++) {
		struct page *p = &s->pages[page];
		struct leaf leaf = ref_walk(s, page);

		if (leaf.reason || !leaf.soft_prot || !leaf_permitted(s, &leaf, page))
			continue;
		p->to = leaf.to;
		p->prot = leaf.soft_prot;
		if (page > first && p[-1].map && one_piece(page - 1, 2) &&
		    p[-1].to + 1 == p->to && p[-1].prot == p->prot)
			p->map = p[-1].map;
		else
			p->map = ++world.last_map;
	}
}

/* Follows the table in a range: mappings that are cut by its ends as a whole. */
static inline void ref_follow(struct space *s, int first, int last)
{
	int start = first, end = last;

	while (start > 0 && s->pages[first].map && s->pages[start - 1].map == s->pages[first].map)
		start--;
	while (end + 1 < MODEL_PAGES && s->pages[last].map &&
	       s->pages[end + 1].map == s->pages[last].map)
		end++;
	ref_scan(s, start, end);
}

static inline void ref_drop_shadow(struct space *s)
{
	memset(s->pages, 0, sizeof(s->pages));
	s->shadowed = false;
}

/* Whatever may have changed in who is attached: is somebody there who needs it? */
static inline void ref_update_shadow(struct space *s)
{
	bool needed = false;

	for_each_device(d)
		needed |= has_domain(d, s);
	if (s->kind != IOASID_KIND_USER || !needed)
		needed = false;
	if (s->shadowed && !needed)
		ref_drop_shadow(s);
	if (!s->shadowed && needed) {
		s->shadowed = true;
		ref_scan(s, 0, MODEL_PAGES - 1);
	}
}

/* Caches of domains that are gone hold nothing. */
static inline void ref_forget_gone(struct space *s)
{
	for (int i = 0; i < MODEL_INSTANCES; i++) {
		uint64_t sources = 0;
		int left = 0;

		for_each_device(d) {
			if (d->instance != i)
				continue;
			left += attachments(d, s);
			sources |= sources_of(d);
		}
		if (!left)
			forget_cached(s, 0, MODEL_PAGES - 1, sources);
	}
}

static inline uint64_t nr_mapped(const struct space *s)
{
	uint64_t nr = 0;

	for (int i = 0; i < MODEL_PAGES; i++)
		nr += !!s->pages[i].map;
	return nr;
}

static inline uint64_t nr_mappings(const struct space *s)
{
	uint64_t nr = 0;

	for (int i = 0; i < MODEL_PAGES; i++)
		nr += s->pages[i].map && (!i || s->pages[i].map != s->pages[i - 1].map);
	return nr;
}

/* Pages pinned by mappings themselves. */
static inline uint64_t nr_pinned(const struct space *s)
{
	uint64_t nr = 0;

	if (s->parent != NOWHERE)
		return 0;
	for (int i = 0; i < MODEL_PAGES; i++)
		nr += s->pages[i].map && !s->pages[i].region;
	return nr;
}

static inline uint64_t nr_registered(void)
{
	uint64_t nr = 0;

	for (int i = 0; i < MODEL_REGIONS; i++)
		nr += world.regions[i].pages;
	return nr;
}

static inline uint64_t all_pinned(void)
{
	uint64_t nr = nr_registered();

	for_each_space(s)
		nr += nr_pinned(s);
	return nr;
}

#endif /* IOASID_SELFTESTS_MODEL_REF_H */
