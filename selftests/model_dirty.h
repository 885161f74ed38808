/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty tracking in model.c. Some roots record what devices write to; the reference
 * keeps the set of pages, bit for bit.
 *
 * The one thing it does not know: where an IOMMU may have gone by a table or by what
 * it cached of it before, and both lead to the same memory by two addresses of the
 * root. Either may be dirty then.
 */
#ifndef IOASID_SELFTESTS_MODEL_DIRTY_H
#define IOASID_SELFTESTS_MODEL_DIRTY_H

#include "model_run.h"
#include "model_device.h"
#include "dirty_util.h"

/* From below the tables to behind the data, in bits; and a guard on either side. */
#define DIRTY_FIRST	(TAB_IOVA - 16 * PAGE)
#define DIRTY_PAGES	((DATA_IOVA - DIRTY_FIRST) / PAGE + DATA_PAGES + 16)
#define DIRTY_WORDS	(DIRTY_PAGES / 64 + 2)

static inline bool has_dirty(const struct space *s)
{
	return s->flags & IOASID_ALLOC_DIRTY_TRACKING;
}

static inline bool is_tracked(const struct space *s)
{
	return s->tracking;
}

static inline void forget_dirty(struct space *s, int first, int last)
{
	memset(&s->dirty[first], CLEAN, last - first + 1);
}

/* Of tracking alone; ENOENT and what other commands say as well are the caller's. */
static inline void expect_tracks(struct expected *e, const struct space *s)
{
	expect_error(e, !has_dirty(s), EOPNOTSUPP);
	expect_error(e, is_partial(s), EDEADLK);
}

static inline void do_op_set_dirty(struct space *s, uint32_t flags)
{
	bool on = flags & IOASID_DIRTY_TRACKING_ON;
	struct expected e = {};
	int id = id_of(s);

	trace("SET_DIRTY_TRACKING %d flags %#x", id, flags);
	expect_error(&e, flags & ~IOASID_DIRTY_TRACKING_ON, EOPNOTSUPP);
	expect_error(&e, !s, ENOENT);
	if (s)
		expect_tracks(&e, s);
	if (!outcome(&e, do_set_dirty(run.fd, id, flags)))
		return;
	/* On already: what is dirty stays so. */
	if (s->tracking != on)
		forget_dirty(s, 0, MODEL_PAGES - 1);
	s->tracking = on;
}

static inline void op_set_dirty(void)
{
	struct space *s = chance(90) ? pick_such(has_dirty) : pick_space(true);
	uint32_t flags = chance(3) ? 1U << (1 + pick(31)) : 0;
	bool on = chance(s && s->tracking ? 70 : 95);

	do_op_set_dirty(s, flags | (on ? IOASID_DIRTY_TRACKING_ON : 0));
}

/**
 * struct question - of GET_DIRTY_BITMAP
 * @bitmap: in a buffer, or where nothing can be written
 * @writable: which of both
 */
struct question {
	struct ioasid_get_dirty_bitmap arg;
	uint64_t *bitmap;
	bool writable;
};

static uint64_t dirty_buffer[DIRTY_WORDS + 600], dirty_before[DIRTY_WORDS + 600];

static inline uint64_t pick_dirty_iova(void)
{
	int page = pick_page(1);

	switch (pick(6)) {
	case 0:
		return DIRTY_FIRST;
	case 1:
		return iova_of(pick(TAB_PAGES));
	case 2:
		return DATA_IOVA - pick(16) * PAGE;
	default:
		return iova_of(page);
	}
}

/* A range with mappings and holes; at times none that can be right. */
static inline void pick_range(struct ioasid_get_dirty_bitmap *arg)
{
	const uint64_t end = DIRTY_FIRST + DIRTY_PAGES * PAGE;
	uint64_t unit = PAGE << (chance(50) ? 0 : pick(5)), nr;

	arg->page_size = unit;
	arg->iova = pick_dirty_iova() & -unit;
	nr = (end - arg->iova) / unit;
	if (chance(75)) {
		uint64_t most = chance(50) ? 70 : DATA_PAGES;

		nr = 1 + pick(nr < most ? nr : most);
	}
	arg->size = nr * unit;
	switch (pick(60)) {
	case 0:
		arg->iova += 8 << pick(8);
		break;
	case 1:
		arg->size += 1 + pick(4095);
		break;
	case 2:
		arg->size = 0;
		break;
	case 3:
		arg->page_size = chance(50) ? PAGE / 2 : 3 * PAGE;
		break;
	case 4:
		arg->iova = -unit;
		arg->size = 2 * unit;
		break;
	case 5:
		arg->__reserved = 1;
		break;
	case 6:
		arg->flags |= 1U << (1 + pick(31));
	}
}

static inline struct question pick_question(int id)
{
	struct question q = { .writable = chance(95) };

	q.arg.argsz = sizeof(q.arg);
	q.arg.ioasid = id;
	q.arg.flags = chance(40) ? IOASID_DIRTY_NO_CLEAR : 0;
	pick_range(&q.arg);
	/* Anywhere in a page; none is cleared of the bits that are there. */
	q.bitmap = dirty_buffer + 1 + pick(512);
	for (size_t i = 0; i < ARRAY_SIZE(dirty_buffer); i++)
		dirty_buffer[i] = chance(3) ? random_next() : 0;
	memcpy(dirty_before, dirty_buffer, sizeof(dirty_buffer));
	q.arg.bitmap = (uintptr_t)q.bitmap;
	if (!q.writable)
		q.arg.bitmap = (uintptr_t)world.mem + (MEM_RW + pick(MEM_RO + MEM_HOLE)) * PAGE;
	if (chance(2))
		q.arg.bitmap += 4;
	return q;
}

/* The pages of the world in the range: @last < @first: none */
static inline void pages_asked(const struct question *q, int *first, int *last)
{
	*first = page_from(q->arg.iova);
	*last = page_from(q->arg.iova + q->arg.size) - 1;
}

static inline bool any_mapped(const struct space *s, const struct question *q)
{
	int first, last;

	pages_asked(q, &first, &last);
	for (int i = first; i <= last; i++)
		if (s->pages[i].map)
			return true;
	return false;
}

static inline bool question_is_wrong(const struct ioasid_get_dirty_bitmap *arg)
{
	return arg->__reserved || arg->page_size < PAGE || arg->page_size & (arg->page_size - 1) ||
	       !arg->size || (arg->iova | arg->size) & (arg->page_size - 1) || arg->bitmap % 8 ||
	       arg->iova + arg->size - 1 < arg->iova;
}

static inline void set_bit_of(uint64_t *bitmap, const struct question *q, int page)
{
	uint64_t bit = (iova_of(page) - q->arg.iova) / q->arg.page_size;

	bitmap[bit / 64] |= 1ULL << bit % 64;
}

/* All of the buffer, also where nothing was to be written. */
static inline void check_bitmap(struct space *s, const struct question *q)
{
	static uint64_t least[ARRAY_SIZE(dirty_buffer)], most[ARRAY_SIZE(dirty_buffer)];
	size_t at = q->bitmap - dirty_buffer;
	int first, last;

	memcpy(least, dirty_before, sizeof(least));
	memcpy(most, dirty_before, sizeof(most));
	pages_asked(q, &first, &last);
	for (int i = first; i <= last; i++) {
		if (s->dirty[i] == DIRTY)
			set_bit_of(least + at, q, i);
		if (s->dirty[i] != CLEAN)
			set_bit_of(most + at, q, i);
		run.dirty += s->dirty[i] == DIRTY;
		if (!(q->arg.flags & IOASID_DIRTY_NO_CLEAR))
			s->dirty[i] = CLEAN;
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirty_buffer); i++)
		if (least[i] & ~dirty_buffer[i] || dirty_buffer[i] & ~most[i])
			diverged("word %zd of the bitmap is %#" PRIx64 ", expected %#" PRIx64
				 ", or at most %#" PRIx64, (ssize_t)(i - at), dirty_buffer[i],
				 least[i], most[i]);
}

static inline void op_get_dirty(void)
{
	struct space *s = chance(85) ? pick_such(is_tracked) : pick_space(true);
	struct question q = pick_question(id_of(s));
	struct expected e = {};

	trace("GET_DIRTY_BITMAP %u flags %#x iova %#llx size %#llx unit %#llx at %#llx",
	      q.arg.ioasid, q.arg.flags, (unsigned long long)q.arg.iova,
	      (unsigned long long)q.arg.size, (unsigned long long)q.arg.page_size,
	      (unsigned long long)q.arg.bitmap);
	expect_error(&e, q.arg.flags & ~IOASID_DIRTY_NO_CLEAR, EOPNOTSUPP);
	expect_error(&e, question_is_wrong(&q.arg), EINVAL);
	expect_error(&e, !s, ENOENT);
	if (s) {
		expect_tracks(&e, s);
		expect_error(&e, has_dirty(s) && !s->tracking, EINVAL);
		if (!e.nr)
			expect_error(&e, !q.writable && any_mapped(s, &q), EFAULT);
	}
	if (outcome(&e, ioctl(run.fd, IOASID_GET_DIRTY_BITMAP, &q.arg)))
		check_bitmap(s, &q);
	else if (memcmp(dirty_buffer, dirty_before, sizeof(dirty_buffer)))
		diverged("a refused command wrote to the bitmap");
}

/*
 * What DMA does to it
 */

/* Whose pages are written: the root's, NULL when it does not record that. */
static inline struct space *recorder(struct space *s)
{
	while (s && s->parent != NOWHERE)
		s = parent_of(s);
	return s && s->tracking ? s : NULL;
}

/* IOMMUs that walk a table write to it: accessed and dirty bits. */
static uint8_t tables_before[MODEL_TABLE_PAGES * PAGE];

static inline uint8_t *table_pages_of(const struct space *s)
{
	return world.mem + (MEM_TAB + s->table * MODEL_TABLE_PAGES) * PAGE;
}

static inline void note_tables(const struct space *s)
{
	if (s && is_user(s))
		memcpy(tables_before, table_pages_of(s), sizeof(tables_before));
}

static inline void dirty_tables(const struct space *s, struct space *root)
{
	if (!is_user(s))
		return;
	for (int i = 0; i < MODEL_TABLE_PAGES; i++)
		if (memcmp(tables_before + i * PAGE, table_pages_of(s) + i * PAGE, PAGE))
			root->dirty[s->table * MODEL_TABLE_PAGES + i] = DIRTY;
}

#endif /* IOASID_SELFTESTS_MODEL_DIRTY_H */
