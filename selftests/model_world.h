/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What there is in the reference of model.c. A space is an array with an element
 * for each page of a small world of addresses; nothing here looks like the driver's
 * trees and domains.
 *
 * The world: MODEL_PAGES addresses, the same for all spaces. The first ones are
 * where tables lie and are only ever mapped to that memory. The others lie across
 * 1 GiB, so that tables need two branches and an IOMMU with 30 bits has half of
 * them.
 */
#ifndef IOASID_SELFTESTS_MODEL_WORLD_H
#define IOASID_SELFTESTS_MODEL_WORLD_H

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "ring_util.h"
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
	uint16_t to;			/* page of the parent's addresses */
	uint16_t mem;
	uint8_t prot;
};

struct counts {
	uint64_t maps, map_errors, map_bytes, unmaps, unmap_errors, unmap_bytes;
};

/* Did a device write to it? MAYBE: see model_dirty.h */
enum dirty { CLEAN, DIRTY, MAYBE };

/**
 * struct space - an address space
 * @id: its IOASID, 0: this one does not exist
 * @parent: index of the parent, NOWHERE
 * @two_step: by CREATE_NESTING
 * @table: of a user-managed one: which table
 * @shadowed: @pages are what the kernel took from the table
 * @pages: of a user-managed one only if @shadowed
 * @tracking: what devices write to is recorded, in @dirty: enum dirty
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
	bool tracking;
	int table;
	struct counts counts;
	struct page pages[MODEL_PAGES];
	struct cached cached[MODEL_PAGES][MODEL_CACHED];
	uint8_t nr_cached[MODEL_PAGES];
	uint8_t dirty[MODEL_PAGES];
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
	struct ioasid_sim_queue ring;	/* since the first DMA that went there */
	int stack[MODEL_DEPTH + 1];
	int depth;
	int pasids[MODEL_PASIDS];	/* which space, NOWHERE */
};

struct region {
	int start, pages;		/* 0 pages: none */
	bool writable;
};

/* @page, @pages: what was changed last */
struct table {
	struct table_builder builder;
	bool used[MODEL_TABLE_PAGES];
	int nr;
	int page, pages;
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

#endif /* IOASID_SELFTESTS_MODEL_WORLD_H */
