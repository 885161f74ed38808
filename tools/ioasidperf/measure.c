// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "perf.h"

/* Where things are mapped: aligned to all that an IOMMU has pages for. */
#define IOVA		0x40000000ULL
#define WARM_UP		4

const struct workload workloads[] = {
	{ "4k", "4 KiB, one page", BACKING_PAGES, PAGE },
	{ "64k", "64 KiB, scattered 4 KiB pages", BACKING_SCATTERED, 64 << 10 },
	{ "2m", "2 MiB, scattered 4 KiB pages", BACKING_SCATTERED, 2 * MIB },
	{ "2m-thp", "2 MiB, one transparent huge page", BACKING_THP, 2 * MIB },
	{ "64m", "64 MiB, 4 KiB pages", BACKING_PAGES, 64 * MIB },
	{ "64m-thp", "64 MiB, transparent huge pages", BACKING_THP, 64 * MIB },
	{ "64m-memfd", "64 MiB, huge pages of a memfd", BACKING_HUGETLB, 64 * MIB },
	{ "4k-reg", "4 KiB, registered before", BACKING_PAGES, PAGE, true },
	{ "2m-reg", "2 MiB, scattered 4 KiB pages, registered before", BACKING_SCATTERED, 2 * MIB,
	  true },
	{ "64m-thp-reg", "64 MiB, transparent huge pages, registered before", BACKING_THP, 64 * MIB,
	  true },
};

const unsigned int nr_workloads = sizeof(workloads) / sizeof(workloads[0]);

const struct workload *workload__find(const char *name, size_t len)
{
	for (unsigned int i = 0; i < nr_workloads; i++)
		if (strlen(workloads[i].name) == len && !strncmp(workloads[i].name, name, len))
			return &workloads[i];
	return NULL;
}

const char *phase__name(enum phase phase)
{
	static const char *const names[NR_PHASES] = { "map", "unmap", "pin", "unpin" };

	return names[phase];
}

/* Numbers of the windows, in the order in which functions.so sees them. */
static int next_window;

struct measure {
	struct door *door;
	const struct clock *clock;
	const struct memory *memory;
	bool mark;		/* this round */
};

static int timed(const struct measure *m, enum phase which, uint64_t *took)
{
	int (*op)(struct door *door, const struct memory *memory, uint64_t iova) =
		which == PHASE_MAP ? m->door->ops->map : m->door->ops->unmap;
	uint64_t start;
	int rc;

	clock__quiet(m->clock, true);
	if (m->mark)
		clock__mark_begin();
	start = clock__now(m->clock);
	rc = op(m->door, m->memory, IOVA);
	*took = clock__now(m->clock) - start;
	if (m->mark)
		clock__mark_end();
	clock__quiet(m->clock, false);
	return rc;
}

static int one_round(const struct measure *m, struct round *round)
{
	int rc;

	if (m->door->ops->round) {
		clock__quiet(m->clock, true);
		rc = m->door->ops->round(m->door, m->memory, IOVA, round);
		clock__quiet(m->clock, false);
		return rc;
	}
	rc = timed(m, PHASE_MAP, &round->took[PHASE_MAP]);
	return rc ? rc : timed(m, PHASE_UNMAP, &round->took[PHASE_UNMAP]);
}

static struct result *result_for(struct results *results, const struct measure *m,
				 const struct workload *workload, enum phase phase,
				 unsigned int samples)
{
	struct result *r = results__add(results);

	snprintf(r->workload, sizeof(r->workload), "%s", workload->name);
	snprintf(r->door, sizeof(r->door), "%s", m->door->ops->name);
	snprintf(r->phase, sizeof(r->phase), "%s", phase__name(phase));
	snprintf(r->unit, sizeof(r->unit), "%s", clock__unit(m->clock));
	r->runs = m->memory->runs;
	r->window = -1;
	r->n = samples;
	r->samples = calloc(samples, sizeof(*r->samples));
	if (!r->samples)
		abort();
	return r;
}

static unsigned int default_samples(const struct workload *workload, const struct clock *clock)
{
	if (!clock->instructions)
		return workload->size > 2 * MIB ? 24 : 60;
	return workload->size > 2 * MIB ? 7 : 31;
}

static int run_rounds(struct measure *m, struct round *rounds, unsigned int n)
{
	struct round round;
	int rc = 0;

	for (unsigned int i = 0; !rc && i < WARM_UP; i++)
		rc = one_round(m, &round);
	for (unsigned int i = 0; !rc && i < n; i++)
		rc = one_round(m, &rounds[i]);
	return rc;
}

/* One more round, counted function by function. */
static int run_window(struct measure *m, int *first)
{
	struct round round;
	int rc;

	m->mark = true;
	rc = one_round(m, &round);
	m->mark = false;
	*first = next_window;
	next_window += 2;
	return rc;
}

static int run_measure(struct measure *m, const struct workload *workload,
		       const struct run_options *options, struct results *results)
{
	unsigned int n = options->samples ? options->samples :
		default_samples(workload, m->clock);
	struct round *rounds = calloc(n, sizeof(*rounds));
	int window = -1, rc;

	if (!rounds)
		return -ENOMEM;
	rc = run_rounds(m, rounds, n);
	if (!rc && options->mark && !m->door->ops->round)
		rc = run_window(m, &window);
	for (int phase = 0; !rc && phase < NR_PHASES; phase++) {
		struct result *r;

		if (!(m->door->ops->phases & 1U << phase))
			continue;
		r = result_for(results, m, workload, phase, n);
		r->window = window < 0 ? -1 : window + phase;
		for (unsigned int i = 0; i < n; i++)
			r->samples[i] = rounds[i].took[phase];
	}
	free(rounds);
	return rc;
}

int measure__workload(struct door *door, const struct workload *workload,
		      const struct clock *clock, const struct run_options *options,
		      struct results *results)
{
	struct memory memory;
	struct measure m = { .door = door, .clock = clock, .memory = &memory };
	int rc;

	if (workload->enrolled && !door->ops->enroll)
		return 0;
	rc = memory__make(&memory, workload->backing, workload->size);
	if (rc)
		return rc;
	if (workload->enrolled)
		rc = door->ops->enroll(door, &memory);
	if (!rc)
		rc = run_measure(&m, workload, options, results);
	if (!rc && workload->enrolled)
		rc = door->ops->discharge(door, &memory);
	if (rc)
		fprintf(stderr, "ioasidperf: %s through %s: %s\n", workload->name,
			door->ops->name, strerror(-rc));
	memory__free(&memory);
	return rc;
}
