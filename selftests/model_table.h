/* SPDX-License-Identifier: GPL-2.0-only */
/* Operations of model.c on user-managed tables. */
#ifndef IOASID_SELFTESTS_MODEL_TABLE_H
#define IOASID_SELFTESTS_MODEL_TABLE_H

#include "model_space.h"
#include "model_device.h"

/*
 * Tables and their memory
 */
static inline __u64 *table_memory(__u64 addr)
{
	return (__u64 *)(world.mem + MEM_TAB * PAGE) + (addr - TAB_IOVA) / 8;
}

static inline __u64 table_page_alloc(struct table_builder *b)
{
	struct table *t = b->data;
	int page = 0;

	while (page < MODEL_TABLE_PAGES && t->used[page])
		page++;
	if (page == MODEL_TABLE_PAGES)
		return 0;
	t->used[page] = true;
	page += t->nr * MODEL_TABLE_PAGES;
	memset(table_memory(iova_of(page)), 0, PAGE);
	return iova_of(page);
}

/* No cache of the simulator holds anything but leaves, so it may be used again. */
static inline void table_page_release(struct table_builder *b, __u64 addr)
{
	struct table *t = b->data;

	t->used[page_at(addr) - t->nr * MODEL_TABLE_PAGES] = false;
}

static inline __u64 *table_page_at(struct table_builder *b, __u64 addr)
{
	struct table *t = b->data;
	int page = page_at(addr);

	if (page == NOWHERE || page / MODEL_TABLE_PAGES != t->nr)
		diverged("table %d has an entry that leads to %#llx", t->nr,
			 (unsigned long long)addr);
	return table_memory(addr);
}

static inline void tables_start(void)
{
	static const struct { uint32_t format, widths[3]; } formats[MODEL_TABLES] = {
		{ IOASID_FORMAT_X86_64_4LEVEL, { 48, 48, 48 } },
		{ IOASID_FORMAT_X86_64_5LEVEL, { 57, 57, 57 } },
		{ IOASID_FORMAT_ARM_LPAE_4K, { 48, 42, 39 } },
		{ IOASID_FORMAT_RISCV_SV39, { 39, 39, 39 } },
		{ IOASID_FORMAT_RISCV_SV48, { 48, 48, 48 } },
	};

	for (int i = 0; i < MODEL_TABLES; i++) {
		struct table *t = &world.tables[i];

		memset(t, 0, sizeof(*t));
		t->nr = i;
		t->builder = (struct table_builder) {
			.format = formats[i].format, .width = formats[i].widths[pick(3)],
			.alloc = table_page_alloc, .at = table_page_at,
			.release = table_page_release, .data = t,
		};
		ASSERT_EQ(0, table_start(&t->builder));
	}
}

/*
 * Spaces with tables
 */
static inline void expect_root(struct expected *e, const struct space *parent, int table)
{
	struct hit hit = ref_lookup(parent, page_at(world.tables[table].builder.root));

	expect_error(e, hit.reason || !(hit.prot & IOASID_MAP_READ), EINVAL);
}

static inline void op_alloc_user(void)
{
	struct space *parent = pick_such(has_tables), *s;
	int table = pick(MODEL_TABLES), parent_id = id_of(parent), id;
	const struct table_builder *b = &world.tables[table].builder;
	uint32_t width = chance(95) ? b->width : b->width - 1;
	struct expected e = {};

	/* Arm has all widths: nobody can tell that this one is wrong. */
	if (no_room() || (width != b->width && table_family(b->format) == TABLE_ARM))
		return;
	if (chance(3)) {
		parent = NULL;
		parent_id = 0;
	}
	trace("ALLOC user parent %d table %d width %u", parent_id, table, width);
	if (parent_id)
		expect_parent(&e, parent, IOASID_KIND_USER);
	else
		expect_error(&e, true, EINVAL);
	expect_error(&e, width != b->width, EINVAL);
	if (parent)
		expect_root(&e, parent, table);
	id = do_alloc_user(run.fd, parent_id, b->format, width, b->root);
	if (!outcome(&e, id))
		return;
	s = add_space(id, parent, IOASID_KIND_USER);
	s->table = table;
}

/* Created for a table, and the parent has some. */
static inline bool wants_table(const struct space *s)
{
	return s->two_step && is_kernel(s) && !nr_mapped(s) && !nr_children(s) &&
	       has_tables(parent_of(s));
}

static inline void op_bind_table(void)
{
	struct space *s = pick_such(wants_table);
	int table = pick(MODEL_TABLES), id;
	const struct table_builder *b = &world.tables[table].builder;
	struct expected e = {};

	id = id_of(s);
	trace("BIND_PGTABLE %d table %d", id, table);
	expect_error(&e, !s, ENOENT);
	expect_error(&e, s && s->parent == NOWHERE, EINVAL);
	if (s && s->parent != NOWHERE) {
		expect_error(&e, !s->two_step, EOPNOTSUPP);
		expect_error(&e, is_partial(s), EDEADLK);
		expect_error(&e, s->kind == IOASID_KIND_USER || nr_mapped(s) || nr_children(s),
			     EBUSY);
		expect_root(&e, parent_of(s), table);
		for_each_device(d)
			if (attachments(d, s) && instance_of(d)->args.formats >> b->format & 1)
				expect_error(&e, lacks_snoop(d, parent_of(s)) ||
					     !domain_fits(d, parent_of(s)), EINVAL);
	}
	if (!outcome(&e, do_table(run.fd, IOASID_BIND_PGTABLE, id, b->format, b->width, b->root)))
		return;
	s->kind = IOASID_KIND_USER;
	s->table = table;
	settle_spaces();
}

static inline void op_unbind_table(void)
{
	struct space *s = pick_space(true);
	struct expected e = {};
	int id;

	for (int try = 0; try < 12 && s && !(s->two_step && s->kind == IOASID_KIND_USER); try++)
		s = pick_space(true);
	if (s && s->kind == IOASID_KIND_USER && chance(50))
		return;
	id = id_of(s);
	trace("UNBIND_PGTABLE %d", id);
	expect_error(&e, !s, ENOENT);
	if (s) {
		expect_error(&e, s->parent == NOWHERE, EINVAL);
		expect_error(&e, s->parent != NOWHERE && !s->two_step, EOPNOTSUPP);
		expect_error(&e, s->kind != IOASID_KIND_USER, ENOENT);
		expect_error(&e, is_partial(s), EDEADLK);
	}
	if (!outcome(&e, do_table(run.fd, IOASID_UNBIND_PGTABLE, id, 0, 0, 0)))
		return;
	s->kind = IOASID_KIND_KERNEL;
	s->table = NOWHERE;
	ref_drop_shadow(s);
	forget_all_cached(s);
}

/*
 * What its owner writes into a table
 */
static inline bool is_used(const struct space *s)
{
	return is_user(s) && nr_attached(s);
}

static inline struct table *pick_table(void)
{
	struct space *s = pick_such(is_used);

	if (s && s->kind == IOASID_KIND_USER && chance(95))
		return &world.tables[s->table];
	return &world.tables[pick(MODEL_TABLES)];
}

static inline uint32_t pick_perm(void)
{
	return (chance(70) ? TABLE_R | TABLE_W : TABLE_R) | (chance(5) ? TABLE_PRIV : 0) |
	       (chance(25) ? TABLE_COLD : 0);
}

/* Half of the time where a parent has something. */
static inline int pick_leaf_target(int nr)
{
	struct space *s = pick_such(is_used);
	int to = pick_page(nr);

	if (s && s->parent != NOWHERE && chance(80))
		to = pick_target(parent_of(s), nr);
	return to;
}

/* Often one that ends with a page that DMA went to: ends are where mistakes are. */
static inline int pick_edit(int nr)
{
	int page = TAB_PAGES + run.hot[pick(ARRAY_SIZE(run.hot))] - nr + 1;

	return page >= TAB_PAGES && chance(40) ? page : pick_page(nr);
}

static inline void op_edit_map(void)
{
	struct table *t = pick_table();
	int nr = pick_length(chance(50) ? 4 : 100), page = pick_edit(nr), to = pick_leaf_target(nr);
	uint32_t perm = pick_perm();

	if (!one_piece(to, nr))
		return;
	if (chance(4)) {	/* a large leaf */
		nr = DATA_PAGES / 2;
		page = TAB_PAGES + pick(2) * nr;
		to = TAB_PAGES + pick(2) * nr;
	}
	t->page = page;
	t->pages = nr;
	trace("table %d maps page %d +%d to page %d perm %#x", t->nr, page, nr, to, perm);
	table_unmap(&t->builder, iova_of(page), nr * PAGE);
	table_map(&t->builder, iova_of(page), iova_of(to), nr * PAGE, perm);
}

static inline void op_edit_unmap(void)
{
	struct table *t = pick_table();
	int nr = pick_length(64), page = pick_edit(nr);

	t->page = page;
	t->pages = nr;
	trace("table %d unmaps page %d +%d", t->nr, page, nr);
	table_unmap(&t->builder, iova_of(page), nr * PAGE);
}

/*
 * INVALIDATE_CACHE
 */
static inline void pick_scope(struct ioasid_invalidate *req)
{
	const struct device *d = pick_bound();

	if (chance(15)) {
		req->flags |= IOASID_INVALIDATE_DEVICE;
		req->cookie = d->cookie;
	}
	if (chance(15)) {
		req->flags |= IOASID_INVALIDATE_PASID;
		req->pasid = pasid_numbers[pick(MODEL_PASIDS)];
	}
}

static inline struct ioasid_invalidate pick_invalidation(const struct space *s)
{
	struct ioasid_invalidate req = { .caches = chance(50) ? 0 : 3 };
	int nr = pick_length(64);

	if (chance(70)) {
		req.flags |= IOASID_INVALIDATE_RANGE;
		req.iova = iova_of(pick_page(nr)) + (chance(20) ? pick(PAGE) : 0);
		req.size = nr * PAGE - (chance(20) ? pick(PAGE) : 0);
		if (chance(5))
			req.size = UINT64_MAX - req.iova;
	}
	/* What a guest does: exactly what it has changed. */
	if (req.size && s && is_user(s) && world.tables[s->table].pages && chance(50)) {
		req.iova = iova_of(world.tables[s->table].page);
		req.size = world.tables[s->table].pages * PAGE;
	}
	if (chance(20))
		req.flags |= IOASID_INVALIDATE_LEAF;
	pick_scope(&req);
	if (chance(2))
		req.flags |= 1 << 7;
	if (chance(2))
		req.__reserved = 1;
	if (chance(1))
		req.caches = IOASID_CACHE_PASID;
	return req;
}

/* The sources of a device that a request is about. */
static inline uint64_t wanted_sources(const struct device *d, const struct space *s,
				      const struct ioasid_invalidate *req)
{
	uint64_t sources = 0;

	if (req->flags & IOASID_INVALIDATE_DEVICE && d->cookie != req->cookie)
		return 0;
	if (!(req->flags & IOASID_INVALIDATE_PASID) && in_stack(d, index_of(s)))
		sources |= source_bit(d, NOWHERE);
	for (int i = 0; i < MODEL_PASIDS; i++)
		if (d->pasids[i] == index_of(s) &&
		    (!(req->flags & IOASID_INVALIDATE_PASID) || pasid_numbers[i] == req->pasid))
			sources |= source_bit(d, i);
	return sources;
}

static inline void expect_invalidation(struct expected *e, const struct space *s,
				       const struct ioasid_invalidate *req)
{
	uint64_t sources = 0;

	for_each_device(d)
		sources |= d->bound ? wanted_sources(d, s, req) : 0;
	expect_error(e, req->flags & 1 << 7 || req->caches & IOASID_CACHE_PASID, EOPNOTSUPP);
	expect_error(e, req->__reserved, EINVAL);
	expect_error(e, req->flags & (IOASID_INVALIDATE_DEVICE | IOASID_INVALIDATE_PASID) &&
		     !sources, EINVAL);
}

/* What the request promises: the named see nothing of before any more. */
static inline void apply_invalidation(struct space *s, const struct ioasid_invalidate *req)
{
	uint64_t last_iova = req->iova + req->size - 1, sources = 0;
	int first = 0, last = MODEL_PAGES - 1;
	bool soft = false;

	if (req->flags & IOASID_INVALIDATE_RANGE) {
		first = page_from(req->iova & ~(PAGE - 1));
		if (last_iova < iova_of(last))
			last = page_from((last_iova & ~(PAGE - 1)) + 1) - 1;
	}
	if (first > last)
		return;
	for_each_device(d) {
		uint64_t wanted = d->bound ? wanted_sources(d, s, req) : 0;

		sources |= wanted;
		soft |= wanted && has_domain(d, s);
	}
	if (!(req->flags & (IOASID_INVALIDATE_DEVICE | IOASID_INVALIDATE_PASID)))
		sources = ALL_SOURCES;
	forget_cached(s, first, last, sources);
	if (soft && s->shadowed)
		ref_follow(s, first, last);
}

static inline void op_invalidate(void)
{
	struct space *s = pick_such(is_used);
	struct ioasid_invalidate reqs[4];
	uint32_t nr = chance(70) ? 1 : 1 + pick(4), done = nr;
	struct expected e = {};
	int id = id_of(s);
	uint32_t good = 0;
	int rc;

	for (uint32_t i = 0; i < nr; i++)
		reqs[i] = pick_invalidation(s);
	trace("INVALIDATE %d, %u of: flags %u iova %#llx size %#llx device %#llx pasid %u", id, nr,
	      reqs[0].flags, (unsigned long long)reqs[0].iova,
	      (unsigned long long)reqs[0].size, (unsigned long long)reqs[0].cookie, reqs[0].pasid);
	expect_error(&e, !s, ENOENT);
	expect_error(&e, s && s->kind != IOASID_KIND_USER, EOPNOTSUPP);
	if (!e.nr && is_partial(s)) {
		expect_error(&e, true, EDEADLK);
	} else {
		for (; !e.nr && good < nr; good += !e.nr)
			expect_invalidation(&e, s, &reqs[good]);
	}
	rc = do_invalidations(run.fd, id, reqs, &done);
	outcome(&e, rc);
	/* Of a space that takes none it is not said. */
	if (s && s->kind == IOASID_KIND_USER && done != good)
		diverged("%u requests were carried out, expected %u", done, good);
	for (uint32_t i = 0; i < good; i++)
		apply_invalidation(s, &reqs[i]);
}

#endif /* IOASID_SELFTESTS_MODEL_TABLE_H */
