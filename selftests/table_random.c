// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random mappings of every format, written by table_build.h and read by the
 * walker, against a model that is nothing but an array of pages.
 */
#include "table_mem.h"

#define OPERATIONS	20000
#define PROBES		24
#define WINDOW		(2ULL << 30)	/* bytes of a window at most */
#define MAX_WINDOWS	4
/* In a page of the model, besides TABLE_* of which COLD means "not accessed": */
#define CLEAN		(1 << 5)	/* writable, not dirty */
#define PRESENT		(1 << 8)

/* IOVAs that the test looks at, with a page of the model for each of theirs. */
struct window {
	__u64 start, pages;
	__u64 *page;
};

struct run {
	const struct table_case *c;
	struct table_mem *mem;
	struct window windows[MAX_WINDOWS];
	int nr_windows;
	__u64 seed, state;
	int operation;
	__u64 seen[IOASID_WALK_RETRY + 1];
	__u64 walks, reads;
};

static __u64 rnd(struct run *r, __u64 below)
{
	return table_random(&r->state) % below;
}

#define DIVERGED(r, fmt, ...) \
	FAIL("%s, seed 0x%llx, operation %d: " fmt, (r)->c->name, (r)->seed, \
	     (r)->operation, ##__VA_ARGS__)

/* ---- the model ---- */

static void add_window(struct run *r, __u64 start, __u64 size)
{
	struct window *w = &r->windows[r->nr_windows++];

	*w = (struct window) { .start = start, .pages = size / 4096 };
	w->page = mmap(NULL, w->pages * 8, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* Both ends of every half of the space, and something in between. */
static void add_windows(struct run *r)
{
	__u64 space = 1ULL << r->c->width, half = space / 2;

	if (space <= WINDOW) {
		add_window(r, 0, space);
		return;
	}
	add_window(r, 0, WINDOW);
	if (!r->c->sign_extended) {
		add_window(r, half - WINDOW / 2, WINDOW);
		add_window(r, space - WINDOW, WINDOW);
		return;
	}
	add_window(r, half - WINDOW, WINDOW);
	add_window(r, -half, WINDOW);
	add_window(r, -WINDOW, WINDOW);
}

static const __u64 *model_page(const struct run *r, __u64 iova)
{
	for (int i = 0; i < r->nr_windows; i++) {
		const struct window *w = &r->windows[i];

		if ((iova - w->start) / 4096 < w->pages)
			return &w->page[(iova - w->start) / 4096];
	}
	return NULL;
}

/* By the definitions of the formats, of what table_leaf() writes. */
static __u8 model_perm(const struct run *r, __u64 page, bool priv, bool updates)
{
	enum table_family family = table_family(r->c->format);
	__u8 perm = page & TABLE_RWX;

	if (family == TABLE_ARM && page & CLEAN && !updates)
		perm &= ~TABLE_W;
	if (page & TABLE_PRIV)
		return perm | TABLE_PRIV;
	return priv && family != TABLE_X86 ? perm & ~TABLE_X : perm;
}

static int model_reason(const struct run *r, __u64 page, __u32 access, bool updates)
{
	enum table_family family = table_family(r->c->format);
	__u8 perm = model_perm(r, page, access & TABLE_PRIV, updates);
	__u32 wanted = access & TABLE_RWX;

	if (!wanted)
		return IOASID_WALK_OK;
	if (family == TABLE_ARM && page & TABLE_COLD && !updates)
		return IOASID_WALK_ACCESS_FLAG;
	if (wanted & ~perm || perm & TABLE_PRIV & ~access)
		return IOASID_WALK_PERMISSION;
	if (family == TABLE_RISCV && !updates &&
	    (page & TABLE_COLD || (page & CLEAN && access & TABLE_W)))
		return IOASID_WALK_ACCESS_FLAG;
	return IOASID_WALK_OK;
}

/* The access has been made: to all of the leaf, which has one bit of each kind. */
static void model_touch(const struct run *r, const struct ioasid_walk *walk)
{
	__u64 size = 1ULL << walk->size_lg2;
	__u64 *page = (__u64 *)model_page(r, walk->iova & -size);
	__u64 gone = 0;

	if (walk->access & TABLE_RWX)
		gone |= TABLE_COLD;
	if (walk->access & TABLE_W)
		gone |= CLEAN;
	if (!(*page & gone))
		return;
	for (__u64 i = 0; i < size / 4096; i++)
		page[i] &= ~gone;
}

/* ---- comparing ---- */

/* All of the leaf must translate alike. */
static void check_leaf(struct run *r, const struct ioasid_walk *walk, __u64 page)
{
	__u64 size = 1ULL << walk->size_lg2, start = walk->iova & -size;
	const __u64 *first = model_page(r, start), *last = model_page(r, start + size - 1);
	__u64 offset = walk->iova - start;

	if (!(ioasid_table_format(r->c->format)->pgsize_bitmap & size))
		DIVERGED(r, "a leaf of 2^%u bytes at 0x%llx", walk->size_lg2, walk->iova);
	if (!first || !last || *first != page - (offset & -4096) ||
	    *last != *first + size - 4096)
		DIVERGED(r, "the leaf of 2^%u bytes at 0x%llx covers something else",
			 walk->size_lg2, walk->iova);
}

static void check_hit(struct run *r, const struct ioasid_walk *walk, __u64 page, bool updates)
{
	__u8 perm = model_perm(r, page, walk->access & TABLE_PRIV, updates);

	if (walk->reason != model_reason(r, page, walk->access, updates))
		DIVERGED(r, "0x%llx, access %x of %x: reason %u", walk->iova, walk->access,
			 perm, walk->reason);
	if (walk->addr != ((page & -4096) | (walk->iova & 4095)))
		DIVERGED(r, "0x%llx is 0x%llx instead of page 0x%llx", walk->iova, walk->addr,
			 page);
	if (walk->perm != perm)
		DIVERGED(r, "0x%llx, access %x: allows %x instead of %x", walk->iova,
			 walk->access, walk->perm, perm);
	check_leaf(r, walk, page);
	if (updates && !walk->reason)
		model_touch(r, walk);
	r->seen[walk->reason]++;
}

static void check_iova(struct run *r, __u64 iova)
{
	const __u64 *page = model_page(r, iova);
	struct ioasid_walk walk;
	bool updates = rnd(r, 2);

	if (!page)
		return;
	walk = table_mem_walk(r->mem, iova, rnd(r, 16), updates);
	r->walks++;
	r->reads += r->mem->reads;
	if (r->mem->reads != walk.nr_steps || walk.nr_steps > table_levels(&r->mem->b))
		DIVERGED(r, "%u reads, %u steps", r->mem->reads, walk.nr_steps);
	if (*page & PRESENT) {
		check_hit(r, &walk, *page, updates);
		return;
	}
	if (walk.reason != IOASID_WALK_NOT_PRESENT || walk.addr || walk.perm)
		DIVERGED(r, "hole 0x%llx: reason %u, 0x%llx", iova, walk.reason, walk.addr);
	r->seen[walk.reason]++;
}

/* One bit wrong above the width: not an address of this table. */
static void check_outside(struct run *r, __u64 iova)
{
	int lowest = r->c->width - r->c->sign_extended;
	__u64 wrong = iova ^ 1ULL << (lowest + rnd(r, 64 - lowest));
	struct ioasid_walk walk = table_mem_walk(r->mem, wrong, TABLE_R, true);

	if (walk.reason != IOASID_WALK_ADDRESS || r->mem->reads)
		DIVERGED(r, "0x%llx is too wide: reason %u", wrong, walk.reason);
}

/* ---- operations ---- */

struct range {
	struct window *w;
	__u64 first, pages;
};

static __u64 random_pages(struct run *r)
{
	__u64 class = rnd(r, 100);

	if (class < 60)
		return 1 + rnd(r, 64);
	if (class < 85)
		return 1 + rnd(r, 1024);
	if (class < 97)
		return 512 * (1 + rnd(r, 32));
	return 1 << 18;
}

static struct range random_range(struct run *r)
{
	struct window *w = &r->windows[rnd(r, r->nr_windows)];
	struct range range = { .w = w, .pages = random_pages(r) };

	if (range.pages > w->pages)
		range.pages = w->pages;
	range.first = rnd(r, w->pages - range.pages + 1);
	if (range.pages % 512 == 0 && rnd(r, 4))
		range.first = range.first / 512 * 512;
	if (range.pages == 1 << 18 && rnd(r, 4))
		range.first = range.first >> 18 << 18;
	return range;
}

/* In most cases aligned with the IOVA, so that large leaves are possible. */
static __u64 random_addr(struct run *r, __u64 iova)
{
	int bits = table_family(r->c->format) == TABLE_ARM ? 47 : 51;
	__u64 addr = table_random(&r->state) >> (64 - bits) & -4096;
	__u64 same = (4096ULL << 9 * rnd(r, 3)) - 1;

	return (addr & ~same) | (iova & same);
}

static void unmap(struct run *r, const struct range *range)
{
	__u64 iova = range->w->start + range->first * 4096;
	int err = table_unmap(&r->mem->b, iova, range->pages * 4096);

	if (err)
		DIVERGED(r, "the builder cannot unmap: %d", err);
	memset(range->w->page + range->first, 0, range->pages * 8);
}

static void map(struct run *r, const struct range *range)
{
	__u64 iova = range->w->start + range->first * 4096;
	__u64 addr = random_addr(r, iova);
	__u32 perm = TABLE_R | rnd(r, 16);
	int err;

	if (rnd(r, 2))
		perm |= TABLE_COLD;
	err = table_map(&r->mem->b, iova, addr, range->pages * 4096, perm);
	if (err)
		DIVERGED(r, "the builder cannot map: %d", err);
	if (perm & TABLE_COLD && perm & TABLE_W)
		perm |= CLEAN;
	for (__u64 i = 0; i < range->pages; i++)
		range->w->page[range->first + i] = (addr + i * 4096) | perm | PRESENT;
}

static void operate(struct run *r)
{
	struct range range = random_range(r);
	__u64 start = range.w->start + range.first * 4096, size = range.pages * 4096;

	unmap(r, &range);
	if (rnd(r, 3))
		map(r, &range);
	check_iova(r, start);
	check_iova(r, start - 1);
	check_iova(r, start + size - 1);
	check_iova(r, start + size);
	check_outside(r, start);
	for (int i = 0; i < PROBES; i++) {
		struct window *w = &r->windows[rnd(r, r->nr_windows)];

		check_iova(r, start + rnd(r, size));
		check_iova(r, w->start + rnd(r, w->pages * 4096));
	}
}

static void run_case(const struct table_case *c, __u64 seed)
{
	struct run r = { .c = c, .seed = seed, .state = seed };

	r.mem = table_mem_new(c->format, c->width);
	add_windows(&r);
	for (r.operation = 0; r.operation < OPERATIONS; r.operation++)
		operate(&r);
	diag("%s: %llu hits, %llu refused, %llu without access flag, %llu holes, %.2f reads per walk",
	     c->name, r.seen[IOASID_WALK_OK], r.seen[IOASID_WALK_PERMISSION],
	     r.seen[IOASID_WALK_ACCESS_FLAG], r.seen[IOASID_WALK_NOT_PRESENT],
	     (double)r.reads / r.walks);
	ASSERT_LE(OPERATIONS, r.seen[IOASID_WALK_OK]);
	ASSERT_LE(OPERATIONS, r.seen[IOASID_WALK_PERMISSION]);
	ASSERT_LE(OPERATIONS, r.seen[IOASID_WALK_NOT_PRESENT]);
	if (table_family(c->format) != TABLE_X86)
		ASSERT_LE(OPERATIONS, r.seen[IOASID_WALK_ACCESS_FLAG]);
}

#define RANDOM_TEST(id, index)							\
	TEST(id, "random mappings translate as the model says: " #id, .timeout = 120) \
	{									\
		run_case(&table_cases[index], table_seed());			\
	}

RANDOM_TEST(x86_4level, 0)
RANDOM_TEST(x86_5level, 1)
RANDOM_TEST(arm_48, 2)
RANDOM_TEST(arm_42, 3)
RANDOM_TEST(arm_40, 4)
RANDOM_TEST(arm_39, 5)
RANDOM_TEST(arm_31, 6)
RANDOM_TEST(arm_30, 7)
RANDOM_TEST(arm_25, 8)
RANDOM_TEST(riscv_sv39, 9)
RANDOM_TEST(riscv_sv48, 10)

HARNESS_MAIN
