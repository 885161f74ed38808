// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counted instructions against those of a baseline: exact figures, so that a tolerance
 * is for small changes one accepts, not for noise.
 */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"

struct check {
	double tolerance;	/* of the baseline's cost */
	const char *files[2];
	int nr_files;
	bool quiet, partial;
	/* what came out */
	unsigned int same, grown, shrunk, missing;
};

/* What a compiler's other choice of an instruction may do to the smallest cell. */
#define LEAST		16

static const struct argp_option option_table[] = {
	{ "tolerance", 't', "PERCENT", 0, "how much an operation may grow (1)", 0 },
	{ "quiet", 'q', NULL, 0, "only what changed", 0 },
	{ "partial", 'p', NULL, 0, "not all of the baseline was measured again", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct check *check = state->input;
	char *end;

	switch (key) {
	case 't':
		check->tolerance = strtod(arg, &end) / 100;
		if (end == arg || *end || !(check->tolerance >= 0 && check->tolerance <= 1))
			argp_error(state, "the tolerance must be from 0 to 100, not '%s'", arg);
		break;
	case 'q':
		check->quiet = true;
		break;
	case 'p':
		check->partial = true;
		break;
	case ARGP_KEY_ARG:
		if (check->nr_files == 2)
			argp_error(state, "too many arguments");
		check->files[check->nr_files++] = arg;
		break;
	case ARGP_KEY_END:
		if (check->nr_files < 2)
			argp_error(state, "BASELINE and RESULTS are needed");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	option_table, parse, "BASELINE RESULTS",
	"Compares counted instructions with a baseline, and says which functions grew.\v"
	"Exit status: 0 nothing grew, 1 something did, 2 usage, 3 files of no use, 4 no "
	"statement: the baseline is another kernel's.", NULL, NULL, NULL
};

struct change {
	const char *name;
	int64_t delta;
	uint64_t before, after;
};

static int by_delta(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->delta != y->delta)
		return x->delta > y->delta ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* All functions of either, those that grew most first. */
static unsigned int changes_of(const struct result *old, const struct result *new,
			       struct change *changes)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < new->nr_functions; i++) {
		const struct function *f = &new->functions[i];
		uint64_t before = result__function(old, f->name);

		changes[n++] = (struct change){ f->name, f->count - before, before, f->count };
	}
	for (unsigned int i = 0; i < old->nr_functions; i++) {
		const struct function *f = &old->functions[i];

		if (!result__function(new, f->name))
			changes[n++] = (struct change){ f->name, -(int64_t)f->count, f->count, 0 };
	}
	qsort(changes, n, sizeof(*changes), by_delta);
	return n;
}

/* Those that make up a tenth of the growth, or of what was saved. */
static void explain(const struct result *old, const struct result *new, double delta)
{
	unsigned int room = old->nr_functions + new->nr_functions, n, i;
	struct change *changes = calloc(room + 1, sizeof(*changes));

	if (!changes)
		abort();
	n = changes_of(old, new, changes);
	for (i = 0; i < n; i++) {
		const struct change *c = &changes[i];

		double part = c->delta / delta;

		if (part < 0.1)
			continue;
		printf("        %+8lld  %s: %llu -> %llu\n", (long long)c->delta, c->name,
		       (unsigned long long)c->before, (unsigned long long)c->after);
	}
	if (!room)
		puts("        functions were not counted");
	free(changes);
}

static void check_one(struct check *check, const struct result *old, const struct result *new)
{
	double before = result__cost(old), after = result__cost(new), delta = after - before;
	double allowed = fmax(before * check->tolerance, LEAST);
	const char *verdict = "same";

	if (delta > allowed) {
		verdict = "GROWN";
		check->grown++;
	} else if (delta < -allowed) {
		verdict = "less";
		check->shrunk++;
	} else {
		check->same++;
		if (delta)
			verdict = "about";
	}
	if (check->quiet && fabs(delta) <= allowed)
		return;
	printf("%-6s %-12s %-8s %-6s %10.0f -> %10.0f  %+.2f %%\n", verdict, new->workload,
	       new->door, new->phase, before, after, before ? 100 * delta / before : 0);
	if (fabs(delta) > allowed)
		explain(old, new, delta);
}

static void check_all(struct check *check, const struct results *old, const struct results *new)
{
	for (unsigned int i = 0; i < old->n; i++) {
		const struct result *o = &old->list[i];
		const struct result *n = results__find(new, o->workload, o->door, o->phase);

		if (n && !strcmp(n->unit, o->unit)) {
			check_one(check, o, n);
			continue;
		}
		if (check->partial)
			continue;
		printf("%-6s %-12s %-8s %-6s\n", "GONE", o->workload, o->door, o->phase);
		check->missing++;
	}
}

static int conclude(const struct check *check, const struct results *old,
		    const struct results *new)
{
	printf("%u the same, %u grown, %u less, %u not measured\n", check->same, check->grown,
	       check->shrunk, check->missing);
	if (strcmp(old->release, new->release)) {
		printf("inconclusive: the baseline is of kernel %s, this is %s: make a new one\n",
		       old->release, new->release);
		return EXIT_INCOMPLETE;
	}
	if (check->grown || check->missing || !(check->same + check->shrunk))
		return EXIT_FAILED;
	if (check->shrunk)
		puts("less is good: the baseline should be made again");
	return EXIT_OK;
}

int cmd_check(int argc, char **argv)
{
	struct check check = { .tolerance = 0.01 };
	struct results old = {}, new = {};
	int status = EXIT_UNSUPPORTED;

	argp_parse(&argp, argc, argv, 0, NULL, &check);
	if (!results__read(&old, check.files[0]) && !results__read(&new, check.files[1])) {
		check_all(&check, &old, &new);
		status = conclude(&check, &old, &new);
	}
	results__free(&old);
	results__free(&new);
	return status;
}
