// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From two runs to verdicts. A cell has regressed when the change is no accident (the
 * p value, adjusted for the number of cells) and matters (the interval of the ratio lies
 * wholly beyond the threshold); it passes when the interval ends before the threshold.
 * Everything else is inconclusive, and said to be.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"
#include "stats.h"

#define SEED	1

const char *verdict__name(enum verdict verdict)
{
	static const char *const names[] = { "pass", "improved", "regressed", "inconclusive" };

	return names[verdict];
}

static double *sorted_copy(const struct result *r)
{
	double *copy = malloc((r->n + 1) * sizeof(*copy));

	if (!copy)
		abort();
	memcpy(copy, r->samples, r->n * sizeof(*copy));
	stats__sort(copy, r->n);
	return copy;
}

static void decide(struct cell *cell, enum verdict verdict, const char *why)
{
	cell->verdict = verdict;
	cell->why = why;
}

static void measure_cell(struct cell *cell, const struct compare_options *options)
{
	struct interval i;

	cell->a = sorted_copy(cell->old);
	cell->b = sorted_copy(cell->new);
	i = stats__median_interval(cell->a, cell->old->n, options->confidence);
	cell->before.median = stats__median(cell->a, cell->old->n);
	cell->before.low = i.low;
	cell->before.high = i.high;
	cell->before.known = i.known;
	i = stats__median_interval(cell->b, cell->new->n, options->confidence);
	cell->after.median = stats__median(cell->b, cell->new->n);
	cell->after.low = i.low;
	cell->after.high = i.high;
	cell->after.known = i.known;
	cell->ratio = cell->after.median / cell->before.median;
	i = stats__ratio_interval(cell->a, cell->old->n, cell->b, cell->new->n,
				  options->confidence, SEED);
	cell->low = i.low;
	cell->high = i.high;
	cell->p = stats__mann_whitney(cell->a, cell->old->n, cell->b, cell->new->n);
}

/* Counted instructions need no statistics: the least is the same in every run. */
static void measure_exact(struct cell *cell)
{
	cell->exact = true;
	cell->before.median = result__cost(cell->old);
	cell->after.median = result__cost(cell->new);
	cell->before.low = cell->before.high = cell->before.median;
	cell->after.low = cell->after.high = cell->after.median;
	cell->before.known = cell->after.known = true;
	cell->ratio = cell->after.median / cell->before.median;
	cell->low = cell->high = cell->ratio;
	cell->p = cell->ratio == 1;
}

static void judge(struct cell *cell, const struct compare_options *options)
{
	double up = 1 + options->threshold, down = 1 - options->threshold;

	if (cell->old->runs != cell->new->runs) {
		decide(cell, VERDICT_INCONCLUSIVE, "memory was laid out differently");
	} else if (!cell->before.known || !cell->after.known) {
		decide(cell, VERDICT_INCONCLUSIVE, "too few samples");
	} else if (!cell->exact && (stats__bimodal(cell->a, cell->old->n) ||
				    stats__bimodal(cell->b, cell->new->n))) {
		decide(cell, VERDICT_INCONCLUSIVE, "samples in two heaps");
	} else if (cell->low > up && cell->p < options->alpha) {
		decide(cell, VERDICT_REGRESSED, "all of the interval is beyond the threshold");
	} else if (cell->high < down && cell->p < options->alpha) {
		decide(cell, VERDICT_IMPROVED, "all of the interval is below the threshold");
	} else if (cell->high <= up) {
		decide(cell, VERDICT_PASS, "the interval ends before the threshold");
	} else {
		decide(cell, VERDICT_INCONCLUSIVE, "the interval has the threshold in it");
	}
}

static void adjust(struct comparison *c)
{
	double *p = calloc(c->n ? c->n : 1, sizeof(*p));
	unsigned int n = 0;

	if (!p)
		abort();
	for (unsigned int i = 0; i < c->n; i++)
		if (!c->cells[i].exact)
			p[n++] = c->cells[i].p;
	stats__holm(p, n);
	n = 0;
	for (unsigned int i = 0; i < c->n; i++)
		if (!c->cells[i].exact)
			c->cells[i].p = p[n++];
	free(p);
}

static const struct result *counterpart(const struct results *results, const struct result *r)
{
	const struct result *found = results__find(results, r->workload, r->door, r->phase);

	return found && !strcmp(found->unit, r->unit) ? found : NULL;
}

static unsigned int missing_in(const struct results *results, const struct results *of)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < of->n; i++)
		n += !counterpart(results, &of->list[i]);
	return n;
}

void comparison__make(struct comparison *c, const struct results *old, const struct results *new,
		      const struct compare_options *options)
{
	memset(c, 0, sizeof(*c));
	c->old = old;
	c->new = new;
	c->options = options;
	c->cells = calloc(old->n ? old->n : 1, sizeof(*c->cells));
	if (!c->cells)
		abort();
	for (unsigned int i = 0; i < old->n; i++) {
		struct cell *cell = &c->cells[c->n];

		cell->old = &old->list[i];
		cell->new = counterpart(new, cell->old);
		if (!cell->new)
			continue;
		if (strcmp(cell->old->unit, "instructions"))
			measure_cell(cell, options);
		else
			measure_exact(cell);
		c->n++;
	}
	c->only_old = missing_in(new, old);
	c->only_new = missing_in(old, new);
	adjust(c);
	for (unsigned int i = 0; i < c->n; i++) {
		judge(&c->cells[i], options);
		c->verdicts[c->cells[i].verdict]++;
	}
}

void comparison__free(struct comparison *c)
{
	for (unsigned int i = 0; i < c->n; i++) {
		free(c->cells[i].a);
		free(c->cells[i].b);
	}
	free(c->cells);
	memset(c, 0, sizeof(*c));
}

int comparison__text(const struct comparison *c, FILE *out)
{
	fprintf(out, "%-12s %-8s %-6s %12s %12s %8s  %-17s %-8s %5s  verdict\n", "workload",
		"door", "phase", "before", "after", "change", "interval", "p", "n");
	for (unsigned int i = 0; i < c->n; i++) {
		const struct cell *x = &c->cells[i];

		fprintf(out, "%-12s %-8s %-6s %12.0f %12.0f %+7.2f%%  %+7.2f..%+7.2f%% ",
			x->old->workload, x->old->door, x->old->phase, x->before.median,
			x->after.median, 100 * (x->ratio - 1), 100 * (x->low - 1),
			100 * (x->high - 1));
		if (x->exact)
			fprintf(out, "%-8s ", "exact");
		else
			fprintf(out, "%-8.2g ", x->p);
		fprintf(out, "%2u+%-2u  %s", x->old->n, x->new->n, verdict__name(x->verdict));
		if (x->verdict == VERDICT_INCONCLUSIVE)
			fprintf(out, ": %s", x->why);
		fputc('\n', out);
	}
	fprintf(out, "%u pass, %u improved, %u regressed, %u inconclusive",
		c->verdicts[VERDICT_PASS], c->verdicts[VERDICT_IMPROVED],
		c->verdicts[VERDICT_REGRESSED], c->verdicts[VERDICT_INCONCLUSIVE]);
	if (c->only_old || c->only_new)
		fprintf(out, "; not compared: %u only in OLD, %u only in NEW", c->only_old,
			c->only_new);
	fputc('\n', out);
	return ferror(out) ? -1 : 0;
}
