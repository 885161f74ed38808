// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Doors side by side: what each operation costs, and how many times the floor and the peer. */
#include <string.h>

#include "perf.h"

static const char *const peers[] = { "type1", "iommufd", NULL };

/* The sum over phases of a door, 0 when something is missing. */
static double cost(const struct results *results, const char *workload, const char *door,
		   const char *first, const char *second)
{
	const struct result *a = results__find(results, workload, door, first);
	const struct result *b = second ? results__find(results, workload, door, second) : NULL;

	if (!a || (second && !b))
		return 0;
	return result__cost(a) + (b ? result__cost(b) : 0);
}

static double better_peer(const struct results *results, const char *workload,
			  const char *phase)
{
	double best = 0;

	for (int i = 0; peers[i]; i++) {
		double one = cost(results, workload, peers[i], phase, NULL);

		if (one && (!best || one < best))
			best = one;
	}
	return best;
}

static void print_number(FILE *out, double number, int width)
{
	if (number)
		fprintf(out, " %*.0f |", width, number);
	else
		fprintf(out, " %*s |", width, "-");
}

static void print_ratio(FILE *out, double a, double b)
{
	if (a && b)
		fprintf(out, " %6.2f |", a / b);
	else
		fprintf(out, " %6s |", "-");
}

static void print_row(const struct results *results, FILE *out, const struct workload *w,
		      bool map)
{
	const char *phase = map ? "map" : "unmap";
	double ours = cost(results, w->name, "ioasid", phase, NULL);
	double shim = cost(results, w->name, "shim", phase, NULL);
	double floor = cost(results, w->name, "floor", map ? "pin" : "unmap",
			    map ? "map" : "unpin");
	const struct result *any = results__find(results, w->name, "ioasid", phase);

	if (!any)
		any = results__find(results, w->name, "floor", phase);
	fprintf(out, "| %-12s %-5s | %5lu |", w->name, phase, any ? any->runs : 0);
	print_number(out, ours, 9);
	print_number(out, shim, 9);
	print_number(out, cost(results, w->name, "type1", phase, NULL), 9);
	print_number(out, cost(results, w->name, "iommufd", phase, NULL), 9);
	print_number(out, cost(results, w->name, "floor", map ? "pin" : "unmap", NULL), 9);
	print_number(out, cost(results, w->name, "floor", map ? "map" : "unpin", NULL), 9);
	print_ratio(out, ours, floor);
	print_ratio(out, ours, better_peer(results, w->name, phase));
	fputc('\n', out);
}

static bool has(const struct results *results, const char *workload)
{
	for (unsigned int i = 0; i < results->n; i++)
		if (!strcmp(results->list[i].workload, workload))
			return true;
	return false;
}

int table__print(const struct results *results, FILE *out)
{
	fprintf(out, "%s, %s, %u processor%s: %s for one operation\n", results->release,
		results->model, results->cpus, results->cpus == 1 ? "" : "s",
		results->n ? results->list[0].unit : "nothing");
	fputs("|                    |       |           |           |           |           | floor:    | floor:    | ioasid | ioasid |\n"
	      "|                    |  runs |    ioasid |      shim |     type1 |   iommufd | pin/unmap | map/unpin | /floor | /peer  |\n"
	      "|--------------------|------:|----------:|----------:|----------:|----------:|----------:|----------:|-------:|-------:|\n",
	      out);
	for (unsigned int i = 0; i < nr_workloads; i++) {
		if (!has(results, workloads[i].name))
			continue;
		print_row(results, out, &workloads[i], true);
		print_row(results, out, &workloads[i], false);
	}
	return ferror(out) ? -1 : 0;
}
