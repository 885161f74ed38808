/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A run of model.c: its random numbers, what was done last, what is expected of a
 * command, and the end when something else happens.
 */
#ifndef IOASID_SELFTESTS_MODEL_RUN_H
#define IOASID_SELFTESTS_MODEL_RUN_H

#include "model_ref.h"

#define TRACE_LINES	40
#define TRACE_LEN	200

/**
 * struct run - a seed being run
 * @seed: decides everything
 * @random: state of the generator
 * @op: number of the operation
 * @ctl: /dev/ioasid-sim
 * @fd: /dev/ioasid
 * @refused: commands that failed, as they should
 * @moved: pieces of DMA that moved something: in kernel-managed spaces, through
 *         tables that the kernel follows, through tables that an IOMMU walks
 * @stale: of which by what a cache kept, as it may
 * @dirty: pages that were reported as written
 * @hot: pages that DMA went to
 * @verbose: IOASID_MODEL_VERBOSE: tell all operations
 */
static struct run {
	uint64_t seed, random;
	unsigned long op;
	int ctl, fd;
	int64_t base_pins;
	uint64_t base_locked;
	unsigned long refused, moved[3], stale, dirty;
	int hot[8], nr_hot;
	char trace[TRACE_LINES][TRACE_LEN];
	unsigned long lines;
	bool verbose;
} run;

/* splitmix64 */
static inline uint64_t random_next(void)
{
	uint64_t z = run.random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* 0..n-1 */
static inline int pick(int n)
{
	return random_next() % n;
}

static inline bool chance(int percent)
{
	return pick(100) < percent;
}

static inline __attribute__((format(printf, 1, 2))) void trace(const char *fmt, ...)
{
	char *line = run.trace[run.lines++ % TRACE_LINES];
	int len = snprintf(line, TRACE_LEN, "%lu: ", run.op);
	va_list args;

	va_start(args, fmt);
	vsnprintf(line + len, TRACE_LEN - len, fmt, args);
	va_end(args);
}

static inline void trace_more(const char *text)
{
	char *line = run.trace[(run.lines - 1) % TRACE_LINES];

	snprintf(line + strlen(line), TRACE_LEN - strlen(line), " -> %s", text);
	if (run.verbose)
		diag("  %s", line);
}

static inline int id_at(int space)
{
	return space == NOWHERE ? 0 : world.spaces[space].id;
}

/* What the reference believes. */
static inline void describe_world(void)
{
	for_each_space(s)
		diag("  space %d: %s parent %d width %u flags %u table %d%s, %llu pages mapped%s%s",
		     s->id, s->kind == IOASID_KIND_USER ? "user" : "kernel", id_at(s->parent),
		     s->width, s->flags, s->table, s->two_step ? " two-step" : "",
		     (unsigned long long)nr_mapped(s), s->shadowed ? " (followed)" : "",
		     s->tracking ? ", tracked" : "");
	for_each_device(d) {
		char text[128] = "";

		for (int i = 0; i < d->depth; i++)
			sprintf(text + strlen(text), " %d", id_at(d->stack[i]));
		for (int i = 0; i < MODEL_PASIDS; i++)
			if (d->pasids[i] != NOWHERE)
				sprintf(text + strlen(text), " %u:%d", pasid_numbers[i],
					id_at(d->pasids[i]));
		diag("  device %d.%u:%s", d->instance, d->index, d->bound ? text : " not bound");
	}
}

/* The world and the reference differ: says everything there is to say. */
static inline __attribute__((noreturn, format(printf, 1, 2))) void diverged(const char *fmt, ...)
{
	unsigned long line = run.lines > TRACE_LINES ? run.lines - TRACE_LINES : 0;
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag("the reference:");
	describe_world();
	diag("the last operations:");
	for (; line < run.lines; line++)
		diag("  %s", run.trace[line % TRACE_LINES]);
	diag("diverged from the reference at operation %lu of seed 0x%" PRIx64 ":", run.op,
	     run.seed);
	diag("  %s", text);
	diag("again: IOASID_MODEL_SEED=0x%" PRIx64 " IOASID_MODEL_OPS=%lu "
	     "build/selftests/model fresh", run.seed, run.op + 1);
	harness_fail(true);
	abort();
}

/*
 * What a command may say. Where several things are wrong at once, the interface
 * does not promise which of them is told.
 */
struct expected {
	int nr;
	int errors[12];
};

static inline void expect_error(struct expected *e, bool wrong, int error)
{
	if (wrong)
		e->errors[e->nr++] = error;
}

static inline void describe_expected(const struct expected *e, char *text, size_t size)
{
	size_t len = 0;

	if (!e->nr)
		snprintf(text, size, "success");
	for (int i = 0; i < e->nr && len < size; i++)
		len += snprintf(text + len, size - len, "%s%s", i ? " or " : "",
				harness_errno_name(e->errors[i]));
}

/* What the command whose trace line was written last returned; did it succeed? */
static inline bool outcome(const struct expected *e, int64_t rc)
{
	int error = errno;
	char text[256];

	trace_more(rc < 0 ? harness_errno_name(error) : "ok");
	describe_expected(e, text, sizeof(text));
	if (rc >= 0 && e->nr)
		diverged("expected %s, got success (%lld)", text, (long long)rc);
	for (int i = 0; rc < 0 && i < e->nr; i++) {
		if (e->errors[i] == error) {
			run.refused++;
			return false;
		}
	}
	if (rc < 0)
		diverged("expected %s, got %s", text, harness_errno_name(error));
	return true;
}

/*
 * Choices
 */

/* A space that exists; now and then one that does not: NULL */
static inline struct space *pick_space(bool maybe_none)
{
	struct space *s;
	int nr = 0, nth;

	for_each_space(s2)
		nr++;
	if (!nr || (maybe_none && chance(1)))
		return NULL;
	nth = pick(nr);
	for (s = world.spaces; ; s++)
		if (s->id && !nth--)
			return s;
}

/* One that is such, if there is any; mostly. */
static inline struct space *pick_such(bool (*such)(const struct space *s))
{
	struct space *found[MODEL_SPACES];
	int nr = 0;

	for_each_space(s)
		if (such(s))
			found[nr++] = s;
	return nr && chance(92) ? found[pick(nr)] : pick_space(true);
}

static inline bool is_kernel(const struct space *s)
{
	return s->kind == IOASID_KIND_KERNEL;
}

static inline bool is_user(const struct space *s)
{
	return s->kind == IOASID_KIND_USER;
}

/* Tables can lie in it. */
static inline bool has_tables(const struct space *s)
{
	for (int page = 0; page < TAB_PAGES; page++)
		if (is_kernel(s) && !ref_lookup(s, page).reason)
			return true;
	return false;
}

static inline int id_of(const struct space *s)
{
	return s ? s->id : 4000 + pick(90);
}

static inline struct space *free_space(void)
{
	for (struct space *s = world.spaces; s < world.spaces + MODEL_SPACES; s++)
		if (!s->id)
			return s;
	return NULL;
}

/* 1, or a few, or many */
static inline int pick_length(int max)
{
	int n = chance(25) ? 1 : chance(50) ? 1 + pick(8) : 1 + pick(max);

	return n < max ? n : max;
}

/* A start for @nr pages in the part of the world where data are. */
static inline int pick_page(int nr)
{
	int page;

	/* Not too far from each other, or they would hardly ever meet. */
	if (chance(45))
		page = run.hot[pick(ARRAY_SIZE(run.hot))] - pick(nr < 4 ? nr : 4);
	else if (chance(40))
		page = 448 + pick(128);
	else
		page = pick(DATA_PAGES);
	if (page < 0)
		page = 0;
	if (page + nr > DATA_PAGES)
		page = DATA_PAGES - nr;
	return TAB_PAGES + page;
}

#endif /* IOASID_SELFTESTS_MODEL_RUN_H */
