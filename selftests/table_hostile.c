// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables made to harm the walker: noise, entries that are never twice the same,
 * pointers in circles. Whatever they say, it reads only what the last entry or
 * the table's owner named, ends in time, writes nothing but accessed and dirty
 * bits, and allows only what every entry that it used allows.
 */
#include "table_mem.h"

#define WALKS	1000000
#define PAGES	16	/* small, so that pointers meet */

/*
 * One walk as seen from outside. After a read the next one must be where that
 * entry points; after a lost update it must be of the same entry again.
 */
struct watch {
	const struct table_case *c;
	struct table_builder b;		/* for what it knows of formats */
	__u64 seed, state;
	__u64 n;			/* of the walk */
	__u64 iova;
	__u32 access;
	bool moving;			/* each read gives another entry */
	__u64 words[PAGES * 512];

	__u64 addr[IOASID_TABLE_LEVELS + 2], entry[IOASID_TABLE_LEVELS + 2];	/* by level */
	int level;			/* of the next read */
	int touch;			/* of the next update, or below */
	bool leaf;			/* the last read found one */
	__u64 reads, updates, lost;
};

#define HARMED(w, fmt, ...) \
	FAIL("%s, seed 0x%llx, walk %llu: " fmt, (w)->c->name, (w)->seed, (w)->n, ##__VA_ARGS__)

static __u64 rnd(struct watch *w)
{
	return table_random(&w->state);
}

static __u64 base(const struct watch *w)
{
	return w->b.root & -4096;
}

/* From noise to what could be an entry, so that walks end at all levels. */
static __u64 noise(struct watch *w)
{
	__u64 r = rnd(w), addr = base(w) + (r >> 8 & (PAGES - 1)) * 4096;
	__u32 perm = TABLE_R | (r >> 16 & 0x1f);

	switch (r & 7) {
	case 0:
		return rnd(w);
	case 1:
		return ~0ULL;
	case 2:
		return table_pointer(w->c->format, addr) ^ 1ULL << (rnd(w) & 63);
	case 3:
		return table_leaf(w->c->format, 1 + (r >> 24) % 3, addr & -(1ULL << 21), perm);
	case 4:
		return table_leaf(w->c->format, 1, addr, perm);
	case 5:
		return table_leaf(w->c->format, 1, addr, perm) ^ 1ULL << (rnd(w) & 63);
	default:
		return table_pointer(w->c->format, addr);
	}
}

static int hostile_read(void *data, __u64 addr, __u64 *entry)
{
	struct watch *w = data;
	int level = w->level;

	w->reads++;
	if (!level || addr != w->addr[level])
		HARMED(w, "read of 0x%llx at level %d", addr, level);
	if (rnd(w) % 64 == 0 || (addr - base(w)) / 4096 >= PAGES) {
		w->level = 0;
		return -EFAULT;
	}
	*entry = w->moving ? noise(w) : w->words[(addr - base(w)) / 8];
	w->entry[level] = *entry;
	w->leaf = level == 1 || table_is_leaf(w->c->format, level, *entry);
	w->level = level - 1;
	w->addr[level - 1] = table_entry_addr(w->c->format, *entry) +
			     (level > 1 ? table_index(&w->b, level - 1, w->iova) * 8 : 0);
	return 0;
}

/* What a walk may change of an entry. */
static bool may_become(const struct watch *w, int level, __u64 old, __u64 new)
{
	bool leaf = level == w->level + 1, dirty = leaf && w->access & TABLE_W;

	switch (table_family(w->c->format)) {
	case TABLE_X86:		/* A and, written to, D */
		return new == (old | (dirty ? 0x60 : 0x20));
	case TABLE_ARM:		/* AF and, written to, read-only with DBM */
		if (dirty && old >> 51 & 1)
			return new == ((old & ~0x80ULL) | 0x400);
		return leaf && new == (old | 0x400);
	default:		/* A and, written to, D */
		return leaf && new == (old | (dirty ? 0xc0 : 0x40));
	}
}

static int hostile_update(void *data, __u64 addr, __u64 old, __u64 new)
{
	struct watch *w = data;
	int level = w->touch;

	w->updates++;
	/*
	 * From the top to the leaf, and not twice. In a table that points to itself one
	 * entry is used at several levels.
	 */
	while (level > w->level && (addr != w->addr[level] || old != w->entry[level] ||
				    !may_become(w, level, old, new)))
		level--;
	if (!w->leaf || level <= w->level || !(w->access & TABLE_RWX) || old == new)
		HARMED(w, "access %x makes 0x%llx of 0x%llx at 0x%llx", w->access, new, old, addr);
	w->touch = level - 1;
	if (rnd(w) % 64 == 0)
		return -EFAULT;
	if (rnd(w) % 4 == 0 || (!w->moving && w->words[(addr - base(w)) / 8] != old)) {
		w->lost++;
		w->level = w->touch = level;
		return -EAGAIN;
	}
	if (!w->moving)
		w->words[(addr - base(w)) / 8] = new;
	w->entry[level] = new;
	return 0;
}

/* Necessary for an access, by a glance at the entries from the leaf up. */
static bool may_access(const struct watch *w)
{
	int leaf = w->level + 1;
	__u64 entry = w->entry[leaf];
	bool priv = w->access & TABLE_PRIV;

	if (!w->leaf || !(entry & 1))
		return false;
	switch (table_family(w->c->format)) {
	case TABLE_X86:
		for (int level = leaf; level <= table_levels(&w->b); level++) {
			entry = w->entry[level];
			if (!(entry & 1) || (w->access & TABLE_W && !(entry & 2)) ||
			    (w->access & TABLE_X && entry >> 63) ||
			    (w->access & TABLE_RWX && !priv && !(entry & 4)))
				return false;
		}
		return true;
	case TABLE_ARM:
		return !(w->access & TABLE_W && entry & 0x80) &&
		       !(w->access & TABLE_X && entry >> (priv ? 53 : 54) & 1) &&
		       !(w->access & (TABLE_R | TABLE_W) && !priv && !(entry & 0x40)) &&
		       !(w->access & TABLE_RWX && !(entry & 0x400));
	default:
		return !(w->access & TABLE_RWX & ~(entry >> 1 & 7)) &&
		       !(w->access & TABLE_RWX && !priv && !(entry & 0x10)) &&
		       !(w->access & TABLE_RWX && !(entry & 0x40)) &&
		       !(w->access & TABLE_W && !(entry & 0x80));
	}
}

static void check_result(struct watch *w, const struct ioasid_walk *walk)
{
	int levels = table_levels(&w->b);

	if (w->reads > levels * (1 + IOASID_TABLE_RETRIES) || w->lost > 1 + IOASID_TABLE_RETRIES)
		HARMED(w, "%llu reads, %llu lost updates", w->reads, w->lost);
	if (walk->nr_steps > levels || walk->addr >> 52)
		HARMED(w, "%u steps to 0x%llx", walk->nr_steps, walk->addr);
	if (walk->reason == IOASID_WALK_PERMISSION && w->updates != w->lost && !w->lost)
		HARMED(w, "a refused access has left traces");
	if (walk->reason == IOASID_WALK_OK && !may_access(w))
		HARMED(w, "access %x through 0x%llx", w->access, w->entry[w->level + 1]);
	for (int i = 0; i < walk->nr_steps; i++) {
		const struct ioasid_walk_step *step = &walk->steps[i];

		if (step->addr != w->addr[levels - i] || step->entry != w->entry[levels - i] ||
		    step->level != levels - i)
			HARMED(w, "step %d is 0x%llx at 0x%llx", i, step->entry, step->addr);
	}
}

static __u64 random_iova(struct watch *w)
{
	__u64 iova = rnd(w) & ((1ULL << w->c->width) - 1);

	if (w->c->sign_extended && iova >> (w->c->width - 1))
		iova |= -1ULL << w->c->width;
	return iova;
}

static int hostile_walk(struct watch *w)
{
	static const struct ioasid_walk_ops ops = { hostile_read, hostile_update };
	struct ioasid_table table = table_of(&w->b);
	struct ioasid_walk walk = { };

	w->iova = walk.iova = random_iova(w);
	w->access = walk.access = rnd(w) & 0xf;
	w->reads = w->updates = w->lost = 0;
	w->leaf = false;
	w->level = w->touch = table_levels(&w->b);
	w->addr[w->level] = table.addr + table_index(&w->b, w->level, w->iova) * 8;
	ioasid_table_walk(w->c->format, &table, &ops, w, &walk);
	check_result(w, &walk);
	return walk.reason;
}

static void hostile_case(const struct table_case *c, bool moving, __u64 seed)
{
	struct watch *w = calloc(1, sizeof(*w));
	__u64 seen[IOASID_WALK_RETRY + 1] = { }, reads = 0, most = 0;

	w->c = c;
	w->b = (struct table_builder) { .format = c->format, .width = c->width,
					.root = 0x7ff123400000 };
	w->seed = seed;
	w->state = seed + (c - table_cases);
	w->moving = moving;
	for (w->n = 0; w->n < WALKS; w->n++) {
		for (int i = 0; !(w->n % 4096) && i < PAGES * 512; i++)
			w->words[i] = noise(w);
		seen[hostile_walk(w)]++;
		reads += w->reads;
		most = w->reads > most ? w->reads : most;
	}
	diag("%s: ok %llu, hole %llu, permission %llu, reserved %llu, table %llu, retry %llu; reads %.2f, at most %llu",
	     c->name, seen[IOASID_WALK_OK], seen[IOASID_WALK_NOT_PRESENT],
	     seen[IOASID_WALK_PERMISSION], seen[IOASID_WALK_RESERVED_BITS],
	     seen[IOASID_WALK_TABLE], seen[IOASID_WALK_RETRY], (double)reads / WALKS, most);
	for (int i = IOASID_WALK_OK; i <= IOASID_WALK_TABLE; i++) {
		if (i != IOASID_WALK_ADDRESS)
			EXPECT_LT(0, seen[i]);
	}
	free(w);
}

TEST(noise_stays, "a million walks through noise, for each format", .timeout = 120)
{
	__u64 seed = table_seed();

	for_each_table_case(c)
		hostile_case(c, false, seed);
}

TEST(noise_moves, "a million walks through entries that change at each look", .timeout = 120)
{
	__u64 seed = table_seed();

	for_each_table_case(c)
		hostile_case(c, true, seed);
}

HARNESS_MAIN
