// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Each cell over many runs, and where it changed for good. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"

struct history {
	const char *cell;
	char **files;
	unsigned int nr_files;
	struct results *runs;
	double *costs;		/* of one cell, run by run; NAN where it is missing */
};

static const struct argp_option option_table[] = {
	{ "cell", 'c', "WORKLOAD:DOOR:PHASE", 0, "only this one", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct history *h = state->input;

	switch (key) {
	case 'c':
		h->cell = arg;
		break;
	case ARGP_KEY_ARGS:
		h->files = state->argv + state->next;
		h->nr_files = state->argc - state->next;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which files?");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	option_table, parse, "FILE...", "Results of several runs, oldest first, cell by cell.",
	NULL, NULL, NULL
};

static bool wanted(const struct history *h, const struct result *r)
{
	char name[64];

	snprintf(name, sizeof(name), "%s:%s:%s", r->workload, r->door, r->phase);
	return !h->cell || !strcmp(h->cell, name);
}

/* A line of blocks, the lowest cost at the bottom. */
static void draw(const struct history *h, double min, double max)
{
	static const char blocks[] = "▁▂▃▄▅▆▇█";	/* three bytes each */

	for (unsigned int i = 0; i < h->nr_files; i++) {
		double at = max > min ? (h->costs[i] - min) / (max - min) : 0;

		if (isnan(h->costs[i]))
			putchar(' ');
		else
			printf("%.3s", blocks + 3 * (int)(at * 7.999));
	}
}

static void show_cell(struct history *h, const struct result *r)
{
	double min = INFINITY, max = -INFINITY, first = NAN, last = NAN;

	for (unsigned int i = 0; i < h->nr_files; i++) {
		const struct result *one = results__find(&h->runs[i], r->workload, r->door,
							 r->phase);

		h->costs[i] = one && !strcmp(one->unit, r->unit) ? result__cost(one) : NAN;
		if (isnan(h->costs[i]))
			continue;
		min = fmin(min, h->costs[i]);
		max = fmax(max, h->costs[i]);
		last = h->costs[i];
		if (isnan(first))
			first = last;
	}
	printf("%-12s %-8s %-6s %12.0f -> %12.0f %+8.2f%%  ", r->workload, r->door, r->phase,
	       first, last, 100 * (last / first - 1));
	draw(h, min, max);
	printf("  %.0f..%.0f %s\n", min, max, r->unit);
}

static bool seen_before(const struct history *h, unsigned int run, const struct result *r)
{
	for (unsigned int i = 0; i < run; i++)
		if (results__find(&h->runs[i], r->workload, r->door, r->phase))
			return true;
	return false;
}

static unsigned int show(struct history *h)
{
	unsigned int shown = 0;

	for (unsigned int run = 0; run < h->nr_files; run++) {
		for (unsigned int i = 0; i < h->runs[run].n; i++) {
			const struct result *r = &h->runs[run].list[i];

			if (!wanted(h, r) || seen_before(h, run, r))
				continue;
			show_cell(h, r);
			shown++;
		}
	}
	return shown;
}

int cmd_history(int argc, char **argv)
{
	struct history h = {};
	int status = EXIT_OK;

	argp_parse(&argp, argc, argv, 0, NULL, &h);
	h.runs = calloc(h.nr_files, sizeof(*h.runs));
	h.costs = calloc(h.nr_files, sizeof(*h.costs));
	if (!h.runs || !h.costs)
		abort();
	for (unsigned int i = 0; status == EXIT_OK && i < h.nr_files; i++)
		if (results__read(&h.runs[i], h.files[i]))
			status = EXIT_UNSUPPORTED;
	if (status == EXIT_OK && !show(&h)) {
		fprintf(stderr, "ioasidperf: no such cell\n");
		status = EXIT_UNSUPPORTED;
	}
	for (unsigned int i = 0; i < h.nr_files; i++)
		results__free(&h.runs[i]);
	free(h.runs);
	free(h.costs);
	return status;
}
