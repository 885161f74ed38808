/* SPDX-License-Identifier: GPL-2.0-only */
/* Operations of model.c on spaces and their mappings, and on registered memory. */
#ifndef IOASID_SELFTESTS_MODEL_SPACE_H
#define IOASID_SELFTESTS_MODEL_SPACE_H

#include "model_run.h"
#include "model_dirty.h"

/*
 * Spaces
 */
static inline bool no_room(void)
{
	return !free_space();
}

static inline struct space *add_space(int id, struct space *parent, uint32_t kind)
{
	struct space *s = free_space();

	memset(s, 0, sizeof(*s));
	s->id = id;
	s->parent = parent ? index_of(parent) : NOWHERE;
	s->depth = parent ? parent->depth + 1 : 0;
	s->kind = kind;
	/* Children inherit the promise. */
	s->flags = parent ? parent->flags & IOASID_ALLOC_ENFORCE_SNOOP : 0;
	s->table = NOWHERE;
	return s;
}

static inline void expect_parent(struct expected *e, const struct space *parent, uint32_t kind)
{
	expect_error(e, !parent, ENOENT);
	if (!parent)
		return;
	expect_error(e, parent->kind == IOASID_KIND_USER, EOPNOTSUPP);
	expect_error(e, parent->depth + 1 >= MODEL_DEPTH, ENOSPC);
	/* What is written through a domain of the child's would be nobody's. */
	expect_error(e, has_dirty(parent) && kind != IOASID_KIND_USER, EOPNOTSUPP);
}

#define UNKNOWN_FLAG	(1U << 31)

static inline void do_op_alloc(struct space *parent, bool child)
{
	static const uint32_t widths[] = { 0, 0, 0, 0, 48, 40, NARROW_WIDTH, 64, 12, 65 };
	uint32_t width = widths[pick(ARRAY_SIZE(widths))];
	uint32_t flags = chance(10) ? IOASID_ALLOC_ENFORCE_SNOOP :
			 chance(2) ? UNKNOWN_FLAG : 0;
	bool dirty = chance(child ? 3 : 30);
	int parent_id = child ? id_of(parent) : 0, id;
	struct expected e = {};
	struct space *s;

	flags |= dirty ? IOASID_ALLOC_DIRTY_TRACKING : 0;
	trace("ALLOC kernel parent %d width %u flags %u", parent_id, width, flags);
	if (child)
		expect_parent(&e, parent, IOASID_KIND_KERNEL);
	expect_error(&e, flags & UNKNOWN_FLAG || (child && dirty), EOPNOTSUPP);
	expect_error(&e, width == 12 || width == 65, EINVAL);
	id = do_alloc_kind(run.fd, IOASID_KIND_KERNEL, parent_id, flags, width);
	if (!outcome(&e, id))
		return;
	s = add_space(id, child ? parent : NULL, IOASID_KIND_KERNEL);
	s->flags |= flags;
	s->width = width;
	if (dirty && chance(80))
		do_op_set_dirty(s, IOASID_DIRTY_TRACKING_ON);
}

static inline void op_alloc(void)
{
	struct space *parent = pick_such(is_kernel);

	if (no_room())
		return;
	do_op_alloc(parent, chance(parent && parent->depth < 3 ? 50 : 10));
}

static inline void op_create_nesting(void)
{
	struct space *parent = pick_such(chance(60) ? has_tables : is_kernel);
	struct expected e = {};
	int parent_id = id_of(parent), id;

	if (no_room())
		return;
	trace("CREATE_NESTING parent %d", parent_id);
	expect_parent(&e, parent, IOASID_KIND_KERNEL);
	id = do_create_nesting(run.fd, parent_id);
	if (outcome(&e, id))
		add_space(id, parent, IOASID_KIND_KERNEL)->two_step = true;
}

static inline void op_free(void)
{
	struct space *s = pick_space(true);
	struct expected e = {};
	int id = id_of(s);

	/* Those with something in them shall live for a while. */
	if (s && nr_mapped(s) && chance(50))
		return;
	trace("FREE %d", id);
	expect_error(&e, !s, ENOENT);
	if (s)
		expect_error(&e, nr_attached(s) || nr_children(s), EBUSY);
	if (outcome(&e, do_free(run.fd, id)))
		s->id = 0;
}

/*
 * MAP
 */

/* A registration that all of a range lies in; 0: none */
static inline int region_around(int mem, int nr)
{
	for (int i = 0; i < MODEL_REGIONS; i++) {
		const struct region *r = &world.regions[i];

		if (r->pages && mem >= r->start && mem + nr <= r->start + r->pages)
			return i + 1;
	}
	return 0;
}

/* Is there memory, and may it be written? */
static inline bool can_pin(int mem, int nr, bool write)
{
	for (; nr--; mem++) {
		bool hole = mem >= MEM_RW + MEM_RO && mem < MEM_TAB;

		if (mem >= MEM_PAGES || hole || (write && mem >= MEM_RW && mem < MEM_TAB))
			return false;
	}
	return true;
}

static inline void expect_memory(struct expected *e, int mem, int nr, uint32_t prot)
{
	int region = region_around(mem, nr);
	bool write = prot & IOASID_MAP_WRITE;

	if (nr_registered()) {
		expect_error(e, !region, EINVAL);
		expect_error(e, region && write && !world.regions[region - 1].writable, EFAULT);
	} else {
		expect_error(e, !can_pin(mem, nr, write), EFAULT);
	}
}

static inline void expect_target(struct expected *e, const struct space *parent, int to, int nr,
				 uint32_t prot)
{
	bool missing = false, refused = false;
	struct hit hit;

	for (int i = 0; i < nr; i++) {
		hit = ref_lookup(parent, to + i);
		missing |= !!hit.reason;
		refused |= !hit.reason && prot & ~hit.prot;
	}
	expect_error(e, missing, ENOENT);
	expect_error(e, !missing && refused, EFAULT);
}

static inline void expect_range(struct expected *e, const struct space *s, int page, int nr)
{
	bool taken = false, permitted = true;

	for (int i = page; i < page + nr; i++) {
		taken |= !!s->pages[i].map;
		permitted &= is_permitted(s, i);
	}
	expect_error(e, taken, EEXIST);
	expect_error(e, !permitted, EINVAL);
}

static inline void set_pages(struct space *s, int page, int to, int nr, uint32_t prot, int region)
{
	world.last_map++;
	for (int i = 0; i < nr; i++)
		s->pages[page + i] = (struct page) { world.last_map, to + i, prot, region };
	s->counts.maps++;
	s->counts.map_bytes += nr * PAGE;
}

/* An IOMMU that runs out of memory for its table: then nothing may have happened. */
static inline int map_failing(int id, uint64_t vaddr, int page, int nr, uint32_t prot)
{
	const struct device *d = &world.devices[pick(MODEL_DEVICES)];
	uint32_t instance = world.instances[d->instance].id;
	int rc, error;

	ASSERT_TRUE(!do_sim_inject(run.ctl, instance, 0, chance(70) ? 1 : 1 + pick(4)));
	rc = do_map(run.fd, id, vaddr, iova_of(page), nr * PAGE, prot);
	error = errno;
	ASSERT_TRUE(!do_sim_inject(run.ctl, instance, 0, 0));
	errno = error;
	return rc;
}

/* @to: page of memory or of the parent's addresses */
static inline void do_op_map(struct space *s, int page, int to, int nr, uint32_t prot)
{
	const struct space *parent = s ? parent_of(s) : NULL;
	uint64_t vaddr = (uintptr_t)world.mem + to * PAGE;
	struct expected e = {};
	int id = id_of(s), rc;
	bool failing = chance(25);

	if (parent)
		vaddr = iova_of(to);
	trace("MAP %d page %d +%d to %s %d prot %u%s", id, page, nr, parent ? "page" : "memory",
	      to, prot, failing ? ", no memory" : "");
	expect_error(&e, !s, ENOENT);
	expect_error(&e, !prot, EINVAL);
	expect_error(&e, prot & ~RW, EOPNOTSUPP);
	if (s) {
		expect_error(&e, s->kind == IOASID_KIND_USER, EOPNOTSUPP);
		expect_error(&e, is_partial(s), EDEADLK);
		if (parent)
			expect_target(&e, parent, to, nr, prot);
		else
			expect_memory(&e, to, nr, prot);
		expect_range(&e, s, page, nr);
	}
	rc = failing ? map_failing(id, vaddr, page, nr, prot) :
		       do_map(run.fd, id, vaddr, iova_of(page), nr * PAGE, prot);
	expect_error(&e, failing && rc && errno == ENOMEM, ENOMEM);
	if (outcome(&e, rc))
		set_pages(s, page, to, nr, prot, parent ? 0 : region_around(to, nr));
	else if (s && !(prot & ~(RW | IOASID_MAP_NO_REQUESTS)))
		s->counts.map_errors++;
}

/* A range of the parent that is mapped, most of the time. */
static inline int pick_target(const struct space *parent, int nr)
{
	int first = pick_page(nr), to = first;

	while (ref_lookup(parent, to).reason && one_piece(to + 1, nr))
		to++;
	return ref_lookup(parent, to).reason ? first : to;
}

/* How many pages from one on a child could map. */
static inline int mapped_run(const struct space *parent, int to, int max, uint32_t prot)
{
	int nr = 0;

	while (nr < max && one_piece(to, nr + 1)) {
		struct hit hit = ref_lookup(parent, to + nr);

		if (hit.reason || prot & ~hit.prot)
			break;
		nr++;
	}
	return nr;
}

static inline uint32_t pick_prot(void)
{
	return chance(70) ? RW : chance(80) ? IOASID_MAP_READ : chance(80) ? IOASID_MAP_WRITE :
	       pick(8);
}

static inline void op_map(void)
{
	struct space *s = pick_such(is_kernel);
	int nr = pick_length(200), page, to, run_length;
	uint32_t prot = pick_prot();

	if (s && s->parent != NOWHERE) {
		to = pick_target(parent_of(s), nr);
		run_length = mapped_run(parent_of(s), to, nr, prot);
		if (run_length && chance(85))
			nr = run_length;
	} else if (chance(90)) {
		if (nr > MEM_RW)
			nr = MEM_RW;
		to = pick(MEM_RW - nr + 1);
	} else {
		to = pick(MEM_TAB);
	}
	page = pick_page(nr);
	for (int try = 0; try < 20 && s && s->pages[page].map && chance(70); try++)
		page = pick_page(nr);
	/* Right behind another one. */
	while (s && s->pages[page].map && chance(98) && one_piece(page + 1, nr))
		page++;
	for (int i = 1; s && i < nr; i++)
		if (s->pages[page + i].map && chance(90))
			nr = i;
	do_op_map(s, page, to, nr, prot);
}

static inline bool wants_tables(const struct space *s)
{
	return is_kernel(s) && !has_tables(s) && (s->parent == NOWHERE || has_tables(parent_of(s)));
}

/* The addresses where tables are: only ever to their memory, but not always all. */
static inline void op_map_tables(void)
{
	struct space *s = pick_such(chance(70) ? wants_tables : is_kernel);
	int page = pick(MODEL_TABLES) * MODEL_TABLE_PAGES, nr = MODEL_TABLE_PAGES;
	uint32_t prot = chance(85) ? RW : IOASID_MAP_READ;

	if (chance(60)) {
		page = 0;
		nr = TAB_PAGES;
	}
	if (chance(15)) {
		page += pick(MODEL_TABLE_PAGES);
		nr = 1 + pick(4);
	}
	if (!one_piece(page, nr))
		nr = TAB_PAGES - page;
	do_op_map(s, page, s && s->parent != NOWHERE ? page : MEM_TAB + page, nr, prot);
}

/* What can never be right, whatever the state. */
static inline void op_map_bad(void)
{
	struct space *s = pick_such(is_kernel);
	uint64_t vaddr = (uintptr_t)world.mem, iova = iova_of(pick_page(1)), size = PAGE;
	struct expected e = {};

	if (!s)
		return;
	switch (pick(6)) {
	case 0:
		vaddr += 8 << pick(8);
		break;
	case 1:
		iova += 1 << pick(12);
		break;
	case 2:
		size = pick(4095) + 1;
		break;
	case 3:
		size = 0;
		break;
	case 4:
		iova = UINT64_MAX - PAGE + 1;
		size = 2 * PAGE;
		break;
	default:
		vaddr = UINT64_MAX - PAGE + 1;
		size = 2 * PAGE;
	}
	trace("MAP %d vaddr %#" PRIx64 " iova %#" PRIx64 " size %#" PRIx64, s->id, vaddr, iova,
	      size);
	expect_error(&e, true, EINVAL);
	expect_error(&e, s->kind == IOASID_KIND_USER, EOPNOTSUPP);
	expect_error(&e, is_partial(s), EDEADLK);
	outcome(&e, do_map(run.fd, s->id, vaddr, iova, size, RW));
	s->counts.map_errors++;
}

/*
 * UNMAP
 */

/* Whose IOMMUs will be told: all that loses something flushes what is nested on it. */
static inline void note_hits(const struct space *s, bool *hits)
{
	for (int i = 0; i < MODEL_PAGES; i++)
		hits[i] = !ref_lookup(s, i).reason;
}

static inline bool lost_hits(const struct space *s, const bool *hits)
{
	for (int i = 0; i < MODEL_PAGES; i++)
		if (hits[i] && ref_lookup(s, i).reason)
			return true;
	return false;
}

static inline bool has_cached(const struct space *s)
{
	for (int i = 0; i < MODEL_PAGES; i++)
		if (s->nr_cached[i])
			return true;
	return false;
}

static inline uint64_t clear_pages(struct space *s, int first, int last)
{
	static bool hits[MODEL_SPACES][MODEL_PAGES];
	uint64_t size = 0;

	for_each_space(user)
		if (user->kind == IOASID_KIND_USER && has_cached(user))
			note_hits(parent_of(user), hits[index_of(user)]);
	for (int i = first; i <= last; i++) {
		size += s->pages[i].map ? PAGE : 0;
		s->pages[i] = (struct page) {};
	}
	forget_dirty(s, first, last);
	for_each_space(user)
		if (user->kind == IOASID_KIND_USER && has_cached(user) &&
		    lost_hits(parent_of(user), hits[index_of(user)]))
			forget_all_cached(user);
	if (size) {
		s->counts.unmaps++;
		s->counts.unmap_bytes += size;
	}
	return size;
}

static inline bool cuts(const struct space *s, int first, int last)
{
	return (first > 0 && s->pages[first].map &&
		s->pages[first - 1].map == s->pages[first].map) ||
	       (last + 1 < MODEL_PAGES && s->pages[last].map &&
		s->pages[last + 1].map == s->pages[last].map);
}

static inline void check_unmapped(uint64_t expected, int64_t size)
{
	if ((int64_t)expected != size)
		diverged("%lld bytes were unmapped, expected %lld", (long long)size,
			 (long long)expected);
}

/* Any addresses, of the world or around it. */
static inline void do_op_unmap(struct space *s, uint64_t iova, uint64_t size)
{
	int first = page_from(iova), last = page_from(iova + size) - 1, id = id_of(s);
	struct expected e = {};
	int64_t unmapped;
	bool any = false;

	trace("UNMAP %d %#" PRIx64 " size %#" PRIx64 " (pages %d..%d)", id, iova, size, first,
	      last);
	expect_error(&e, !s, ENOENT);
	expect_error(&e, !size || (iova | size) % PAGE || iova + size - 1 < iova, EINVAL);
	if (s) {
		for (int i = first; i <= last; i++)
			any |= !!s->pages[i].map;
		expect_error(&e, s->kind == IOASID_KIND_USER, EOPNOTSUPP);
		expect_error(&e, is_partial(s), EDEADLK);
		expect_error(&e, !any, ENOENT);
		expect_error(&e, any && cuts(s, first, last), EINVAL);
	}
	unmapped = do_unmap(run.fd, id, iova, size);
	if (outcome(&e, unmapped))
		check_unmapped(clear_pages(s, first, last), unmapped);
	else if (s)
		s->counts.unmap_errors++;
}

/* From the start of a mapping to the end of one. */
static inline void op_unmap_whole(void)
{
	struct space *s = pick_such(is_kernel);
	int first = chance(5) ? pick(TAB_PAGES) : pick_page(1), last;

	for (int try = 0; try < 20 && s && !s->pages[first].map; try++)
		first = pick_page(1);
	last = first;
	while (s && first > 0 && s->pages[first].map &&
	       s->pages[first - 1].map == s->pages[first].map)
		first--;
	if (chance(25))
		last += pick(64);
	if (!one_piece(first, last - first + 1))
		last = MODEL_PAGES - 1;
	while (s && last + 1 < MODEL_PAGES && s->pages[last].map &&
	       s->pages[last + 1].map == s->pages[last].map)
		last++;
	do_op_unmap(s, iova_of(first), iova_of(last) + PAGE - iova_of(first));
}

static inline void op_unmap_any(void)
{
	struct space *s = pick_such(is_kernel);
	int nr = pick_length(64);
	uint64_t iova = iova_of(pick_page(nr)), size = nr * PAGE;

	switch (pick(12)) {
	case 0:
		iova = pick(3) * TAB_IOVA / 2;
		size = (1 + pick(4)) * (TAB_IOVA / 2);
		break;
	case 1:
		size = random_next();
		break;
	case 2:
		iova += 8 * pick(512);
		break;
	}
	do_op_unmap(s, iova, size);
}

static inline void op_unmap_all(void)
{
	struct space *s = pick_such(is_kernel);
	bool bad = chance(10);
	struct expected e = {};
	int id = id_of(s);
	int64_t unmapped;

	trace("UNMAP %d everything%s", id, bad ? ", and a size" : "");
	expect_error(&e, !s, ENOENT);
	expect_error(&e, bad, EINVAL);
	if (s) {
		expect_error(&e, s->kind == IOASID_KIND_USER, EOPNOTSUPP);
		expect_error(&e, is_partial(s), EDEADLK);
	}
	unmapped = do_unmap_flags(run.fd, id, 0, bad ? PAGE : 0, IOASID_UNMAP_ALL);
	if (outcome(&e, unmapped))
		check_unmapped(clear_pages(s, 0, MODEL_PAGES - 1), unmapped);
	else if (s && !bad)
		s->counts.unmap_errors++;
}

/*
 * Registered memory
 */
static inline bool region_used(int region)
{
	for_each_space(s)
		for (int i = 0; i < MODEL_PAGES; i++)
			if (s->parent == NOWHERE && s->pages[i].map && s->pages[i].region == region)
				return true;
	return false;
}

static inline void op_register(void)
{
	int start = pick(MEM_PAGES), nr = 1 + pick(64), slot = 0;
	struct expected e = {};
	bool overlap = false;

	if (chance(40)) {
		start = 0;
		nr = MEM_RW;
	} else if (chance(40)) {
		start = MEM_TAB;
		nr = TAB_PAGES;
	}
	if (start + nr > MEM_PAGES)
		nr = MEM_PAGES - start;
	for (int i = 0; i < MODEL_REGIONS; i++) {
		const struct region *r = &world.regions[i];

		overlap |= r->pages && start < r->start + r->pages && r->start < start + nr;
	}
	while (slot < MODEL_REGIONS && world.regions[slot].pages)
		slot++;
	if (slot == MODEL_REGIONS)
		return;
	trace("REGISTER memory %d +%d", start, nr);
	expect_error(&e, overlap, EEXIST);
	expect_error(&e, !overlap && !can_pin(start, nr, false), EFAULT);
	if (outcome(&e, do_register(run.fd, world.mem + start * PAGE, nr * PAGE)))
		world.regions[slot] = (struct region) { start, nr, can_pin(start, nr, true) };
}

static inline void op_unregister(void)
{
	int slot = pick(MODEL_REGIONS);
	struct region *r = &world.regions[slot];
	struct expected e = {};
	struct region bad = *r;

	if (!r->pages)
		return;
	if (chance(10))
		bad.start++;
	else if (chance(10))
		bad.pages++;
	trace("UNREGISTER memory %d +%d", bad.start, bad.pages);
	expect_error(&e, bad.start != r->start || bad.pages != r->pages, ENOENT);
	expect_error(&e, !e.nr && region_used(slot + 1), EBUSY);
	if (outcome(&e, do_unregister(run.fd, world.mem + bad.start * PAGE, bad.pages * PAGE)))
		r->pages = 0;
}

#endif /* IOASID_SELFTESTS_MODEL_SPACE_H */
