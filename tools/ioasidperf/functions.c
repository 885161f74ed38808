// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From how often each piece of the kernel's code was executed to what each function cost.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"

#define USER	"user space"

struct symbol {
	uint64_t address;
	char *name;
};

struct symbols {
	struct symbol *list;
	size_t n, room;
};

static void add_symbol(struct symbols *symbols, uint64_t address, char *name, const char *module)
{
	struct symbol *s;

	if (symbols->n == symbols->room) {
		symbols->room = symbols->room ? 2 * symbols->room : 1 << 16;
		symbols->list = reallocarray(symbols->list, symbols->room, sizeof(*symbols->list));
		if (!symbols->list)
			abort();
	}
	/* What the compiler made of a function is still that function. */
	name[strcspn(name, ".")] = 0;
	s = &symbols->list[symbols->n++];
	s->address = address;
	if (asprintf(&s->name, "%s%s%s", module, *module ? ":" : "", name) < 0)
		abort();
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int read_symbols(struct symbols *symbols, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[1024], name[512], module[128], type;
	uint64_t address;

	if (!file) {
		fprintf(stderr, "ioasidperf: %s: %m\n", path);
		return -1;
	}
	while (fgets(line, sizeof(line), file)) {
		*module = 0;
		if (sscanf(line, "%" SCNx64 " %c %511s [%127[^]]]", &address, &type, name,
			   module) < 3 || !strchr("tTwW", type) || !strncmp(name, "__pfx_", 6))
			continue;
		if (address && *name != '.')
			add_symbol(symbols, address, name, module);
	}
	fclose(file);
	if (!symbols->n) {
		fprintf(stderr, "ioasidperf: %s: no addresses of functions\n", path);
		return -1;
	}
	qsort(symbols->list, symbols->n, sizeof(*symbols->list), by_address);
	return 0;
}

/* The last symbol at or below an address. */
static const char *symbol_at(const struct symbols *symbols, uint64_t address)
{
	size_t lo = 0, hi = symbols->n;

	if (!address)
		return USER;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (symbols->list[mid].address <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return "?";
	/* of several names of the same place always the same */
	for (lo--; lo && symbols->list[lo - 1].address == symbols->list[lo].address; lo--)
		;
	return symbols->list[lo].name;
}

static void add_count(struct result *r, const char *name, uint64_t count)
{
	struct function *f;

	for (unsigned int i = 0; i < r->nr_functions; i++) {
		if (strcmp(r->functions[i].name, name))
			continue;
		r->functions[i].count += count;
		return;
	}
	r->functions = reallocarray(r->functions, r->nr_functions + 1, sizeof(*r->functions));
	if (!r->functions)
		abort();
	f = &r->functions[r->nr_functions++];
	f->count = count;
	f->name = strdup(name);
	if (!f->name)
		abort();
}

static struct result *result_of_window(struct results *results, int window)
{
	for (unsigned int i = 0; i < results->n; i++)
		if (results->list[i].window == window)
			return &results->list[i];
	return NULL;
}

static int by_count(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int read_counts(struct results *results, const struct symbols *symbols, const char *path)
{
	FILE *file = fopen(path, "re");
	struct result *r = NULL;
	uint64_t address, count;
	char line[128];
	int window;

	if (!file) {
		fprintf(stderr, "ioasidperf: %s: %m\n", path);
		return -1;
	}
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "window %d", &window) == 1)
			r = result_of_window(results, window);
		else if (r && sscanf(line, "%" SCNx64 " %" SCNu64, &address, &count) == 2)
			add_count(r, symbol_at(symbols, address), count);
	}
	fclose(file);
	return 0;
}

int functions__attribute(struct results *results, const char *counts, const char *symbols)
{
	struct symbols table = {};
	int rc = read_symbols(&table, symbols);

	if (!rc)
		rc = read_counts(results, &table, counts);
	for (size_t i = 0; i < table.n; i++)
		free(table.list[i].name);
	free(table.list);
	for (unsigned int i = 0; !rc && i < results->n; i++) {
		struct result *r = &results->list[i];

		if (r->window >= 0 && !r->nr_functions) {
			fprintf(stderr, "ioasidperf: %s: nothing of window %d\n", counts,
				r->window);
			rc = -1;
		}
		if (r->nr_functions)
			qsort(r->functions, r->nr_functions, sizeof(*r->functions), by_count);
	}
	return rc;
}

/* Each result as an object of its own: a file in which changes can be seen. */
static int print_lines(struct results *results)
{
	struct results one = *results;
	int rc = 0;

	one.n = 1;
	for (unsigned int i = 0; !rc && i < results->n; i++) {
		struct result *r = &results->list[i];

		one.list = r;
		r->samples[0] = result__cost(r);
		r->n = 1;
		r->window = -1;
		rc = results__print(&one, stdout);
	}
	return rc;
}

int cmd_attribute(int argc, char **argv)
{
	struct results results;
	int rc;

	if (argc != 4) {
		fprintf(stderr, "usage: ioasidperf attribute RESULTS COUNTS SYMBOLS\n");
		return EXIT_USAGE;
	}
	rc = results__read(&results, argv[1]);
	if (!rc)
		rc = functions__attribute(&results, argv[2], argv[3]);
	if (!rc)
		rc = print_lines(&results);
	results__free(&results);
	return rc ? EXIT_FAILED : EXIT_OK;
}
