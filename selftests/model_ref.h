/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference of model.c: what address spaces contain and where DMA goes, said
 * as simply as possible. A space is an array with an element for each page of a
 * small world of addresses; nothing here looks like the driver's trees and domains.
 *
 * The world: MODEL_PAGES addresses, the same for all spaces. The first ones are
 * where tables lie and are only ever mapped to that memory. The others lie across
 * 1 GiB, so that tables need two branches and an IOMMU with 30 bits has half of
 * them.
 */
#ifndef IOASID_SELFTESTS_MODEL_REF_H
#define IOASID_SELFTESTS_MODEL_REF_H

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "table_build.h"

#define MODEL_TABLES		5	/* one for each format */
#define MODEL_TABLE_PAGES	16
#define TAB_PAGES		(MODEL_TABLES * MODEL_TABLE_PAGES)
#define DATA_PAGES		1024
#define MODEL_PAGES		(TAB_PAGES + DATA_PAGES)
#define TAB_IOVA		0x20000000ULL
#define DATA_IOVA		0x3fe00000ULL
#define NARROW_WIDTH		30

/* Memory: MEM_RW pages, then MEM_RO, a hole of MEM_HOLE, and the tables' pages. */
#define MEM_RW		224
#define MEM_RO		16
#define MEM_HOLE	16
#define MEM_TAB		(MEM_RW + MEM_RO + MEM_HOLE)
#define MEM_PAGES	(MEM_TAB + TAB_PAGES)

#define MODEL_SPACES	12
#define MODEL_INSTANCES	5
#define MODEL_DEVICES	8
#define MODEL_PASIDS	3
#define MODEL_REGIONS	6
#define MODEL_CACHED	6
#define MODEL_DEPTH	8
#define NOWHERE		(-1)

/**
 * struct page - an address of a space
 * @map: number of the mapping that it belongs to, 0: none
 * @to: a root's: page of memory; a child's: page of the parent's addresses
 * @prot: IOASID_MAP_*
 * @region: number of the registration it uses, 0: none
 */
struct page {
	uint32_t map;
	uint16_t to;
	uint8_t prot;
	uint8_t region;
};

/* What caches may hold for a page of a table that an IOMMU walks, and whose. */
struct cached {
	uint64_t sources;
	uint16_t mem;
	uint8_t prot;
};

struct counts {
	uint64_t maps, map_errors, map_bytes, unmaps, unmap_errors, unmap_bytes;
};

/**
 * struct space - an address space
 * @id: its IOASID, 0: this one does not exist
 * @parent: index of the parent, NOWHERE
 * @two_step: by CREATE_NESTING
 * @table: of a user-managed one: which table
 * @shadowed: @pages are what the kernel took from the table
 * @pages: of a user-managed one only if @shadowed
 */
struct space {
	int id;
	int parent;
	int depth;
	uint32_t kind;
	uint32_t flags;
	uint32_t width;
	bool two_step;
	bool shadowed;
	int table;
	struct counts counts;
	struct page pages[MODEL_PAGES];
	struct cached cached[MODEL_PAGES][MODEL_CACHED];
	uint8_t nr_cached[MODEL_PAGES];
};

struct instance {
	struct ioasid_sim_create args;
	uint32_t id;
};

/* @stack: where it is attached by default, the topmost last */
struct device {
	int instance;
	uint32_t index;
	int fd;
	bool bound;
	uint64_t cookie;
	uint8_t *sram;
	int stack[MODEL_DEPTH + 1];
	int depth;
	int pasids[MODEL_PASIDS];	/* which space, NOWHERE */
};

struct region {
	int start, pages;		/* 0 pages: none */
	bool writable;
};

struct table {
	struct table_builder builder;
	bool used[MODEL_TABLE_PAGES];
	int nr;
};

static struct {
	uint8_t *mem;			/* the memory, MEM_PAGES */
	uint8_t *content;		/* and what ought to be in it */
	struct space spaces[MODEL_SPACES];
	struct instance instances[MODEL_INSTANCES];
	struct device devices[MODEL_DEVICES];
	struct region regions[MODEL_REGIONS];
	struct table tables[MODEL_TABLES];
	uint32_t last_map;
} world;

static const uint32_t pasid_numbers[MODEL_PASIDS] = { 1, 77, 255 };

/*
 * Addresses
 */
static inline uint64_t iova_of(int page)
{
	return page < TAB_PAGES ? TAB_IOVA + page * PAGE : DATA_IOVA + (page - TAB_PAGES) * PAGE;
}

/* The first page of the world at or above an address; MODEL_PAGES: none */
static inline int page_from(uint64_t iova)
{
	if (iova <= TAB_IOVA)
		return 0;
	iova += PAGE - 1;
	if (iova < TAB_IOVA + TAB_PAGES * PAGE)
		return (iova - TAB_IOVA) / PAGE;
	if (iova <= DATA_IOVA)
		return TAB_PAGES;
	if (iova < DATA_IOVA + DATA_PAGES * PAGE)
		return TAB_PAGES + (iova - DATA_IOVA) / PAGE;
	return MODEL_PAGES;
}

static inline int page_at(uint64_t iova)
{
	int page = page_from(iova & ~(PAGE - 1));

	return page < MODEL_PAGES && iova_of(page) == (iova & ~(PAGE - 1)) ? page : NOWHERE;
}

/* Do pages @page..+@nr lie next to each other? */
static inline bool one_piece(int page, int nr)
{
	return page >= 0 && page + nr <= MODEL_PAGES &&
	       (page >= TAB_PAGES || page + nr <= TAB_PAGES);
}

static inline struct space *parent_of(const struct space *s)
{
	return s->parent == NOWHERE ? NULL : &world.spaces[s->parent];
}

static inline int index_of(const struct space *s)
{
	return s - world.spaces;
}

static inline int nr_children(const struct space *s)
{
	int nr = 0;

	for (int i = 0; i < MODEL_SPACES; i++)
		nr += world.spaces[i].id && world.spaces[i].parent == index_of(s);
	return nr;
}

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

/* Is a paging domain of the device's IOMMU behind the space? */
static inline bool has_domain(const struct device *d, const struct space *s)
{
	if (!attachments(d, s) || is_hard(d, s))
		return false;
	for (int i = 0; i < MODEL_PASIDS; i++)
		if (d->pasids[i] == index_of(s))
			return true;
	return group_complete(d, index_of(s));
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

static inline void remember_cached(struct space *s, int page, int mem, uint32_t prot)
{
	int nr = s->nr_cached[page];

	for (int i = 0; i < nr; i++) {
		if (s->cached[page][i].mem == mem) {
			s->cached[page][i].sources = ALL_SOURCES;
			s->cached[page][i].prot |= prot;
			return;
		}
	}
	s->cached[page][nr] = (struct cached) { ALL_SOURCES, mem, prot };
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
