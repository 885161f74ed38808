// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Results in memory and as one JSON object; all samples are kept. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <yyjson.h>

#include "perf.h"
#include "version.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

struct result *results__add(struct results *results)
{
	if (results->n == results->room) {
		results->room = results->room ? 2 * results->room : 32;
		results->list = reallocarray(results->list, results->room, sizeof(*results->list));
		if (!results->list)
			abort();
	}
	memset(&results->list[results->n], 0, sizeof(*results->list));
	return &results->list[results->n++];
}

static void free_result(struct result *r)
{
	for (unsigned int i = 0; i < r->nr_functions; i++)
		free(r->functions[i].name);
	free(r->functions);
	free(r->samples);
}

void results__free(struct results *results)
{
	for (unsigned int i = 0; i < results->n; i++)
		free_result(&results->list[i]);
	free(results->list);
	memset(results, 0, sizeof(*results));
}

const struct result *results__find(const struct results *results, const char *workload,
				   const char *door, const char *phase)
{
	for (unsigned int i = 0; i < results->n; i++) {
		const struct result *r = &results->list[i];

		if (!strcmp(r->workload, workload) && !strcmp(r->door, door) &&
		    !strcmp(r->phase, phase))
			return r;
	}
	return NULL;
}

uint64_t result__function(const struct result *result, const char *name)
{
	for (unsigned int i = 0; i < result->nr_functions; i++)
		if (!strcmp(result->functions[i].name, name))
			return result->functions[i].count;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double result__median(const struct result *result)
{
	double *sorted = malloc((result->n + 1) * sizeof(*sorted)), median;

	if (!sorted)
		abort();
	memcpy(sorted, result->samples, result->n * sizeof(*sorted));
	qsort(sorted, result->n, sizeof(*sorted), compare);
	median = result->n ? sorted[(result->n - 1) / 2] : 0;
	free(sorted);
	return median;
}

double result__cost(const struct result *result)
{
	double least = result->n ? result->samples[0] : 0;

	if (strcmp(result->unit, "instructions"))
		return result__median(result);
	for (unsigned int i = 1; i < result->n; i++)
		if (result->samples[i] < least)
			least = result->samples[i];
	return least;
}

static void first_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");

	*text = 0;
	if (!file)
		return;
	if (!fgets(text, size, file))
		*text = 0;
	text[strcspn(text, "\n")] = 0;
	fclose(file);
}

static void processor(char *text, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	*text = 0;
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", 10) || !strchr(line, ':'))
			continue;
		snprintf(text, size, "%s", strchr(line, ':') + 2);
		text[strcspn(text, "\n")] = 0;
		break;
	}
	fclose(file);
}

void results__machine(struct results *results)
{
	struct utsname name;
	time_t now = time(NULL);
	struct tm tm;

	if (!uname(&name)) {
		snprintf(results->release, sizeof(results->release), "%s", name.release);
		snprintf(results->machine, sizeof(results->machine), "%.31s", name.machine);
	}
	processor(results->model, sizeof(results->model));
	first_line("/sys/module/ioasid/srcversion", results->srcversion,
		   sizeof(results->srcversion));
	results->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (gmtime_r(&now, &tm))
		strftime(results->utc, sizeof(results->utc), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static val_t *samples_of(doc_t *doc, const struct result *r)
{
	val_t *array = yyjson_mut_arr(doc);

	for (unsigned int i = 0; i < r->n; i++)
		yyjson_mut_arr_add_uint(doc, array, (uint64_t)r->samples[i]);
	return array;
}

static val_t *functions_of(doc_t *doc, const struct result *r)
{
	val_t *obj = yyjson_mut_obj(doc);

	for (unsigned int i = 0; i < r->nr_functions; i++)
		yyjson_mut_obj_add_uint(doc, obj, r->functions[i].name, r->functions[i].count);
	return obj;
}

static val_t *result_of(doc_t *doc, const struct result *r)
{
	val_t *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, obj, "workload", r->workload);
	yyjson_mut_obj_add_str(doc, obj, "door", r->door);
	yyjson_mut_obj_add_str(doc, obj, "phase", r->phase);
	yyjson_mut_obj_add_str(doc, obj, "unit", r->unit);
	yyjson_mut_obj_add_bool(doc, obj, "lower_is_better", true);
	yyjson_mut_obj_add_uint(doc, obj, "runs", r->runs);
	if (r->window >= 0)
		yyjson_mut_obj_add_int(doc, obj, "window", r->window);
	yyjson_mut_obj_add_uint(doc, obj, "n", r->n);
	yyjson_mut_obj_add_uint(doc, obj, "cost", (uint64_t)result__cost(r));
	yyjson_mut_obj_add_uint(doc, obj, "median", (uint64_t)result__median(r));
	yyjson_mut_obj_add_val(doc, obj, "samples", samples_of(doc, r));
	if (r->nr_functions)
		yyjson_mut_obj_add_val(doc, obj, "functions", functions_of(doc, r));
	return obj;
}

static val_t *machine_of(doc_t *doc, const struct results *results)
{
	val_t *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, obj, "release", results->release);
	yyjson_mut_obj_add_str(doc, obj, "machine", results->machine);
	yyjson_mut_obj_add_str(doc, obj, "processor", results->model);
	yyjson_mut_obj_add_uint(doc, obj, "cpus", results->cpus);
	yyjson_mut_obj_add_str(doc, obj, "ioasid_srcversion", results->srcversion);
	return obj;
}

int results__print(const struct results *results, FILE *out)
{
	doc_t *doc = yyjson_mut_doc_new(NULL);
	val_t *root = yyjson_mut_obj(doc), *array = yyjson_mut_arr(doc);
	char *text;
	size_t len;
	int rc = 0;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "schema", PERF_SCHEMA);
	yyjson_mut_obj_add_str(doc, root, "version", IOASID_TOOLS_VERSION);
	yyjson_mut_obj_add_str(doc, root, "utc", results->utc);
	if (*results->label)
		yyjson_mut_obj_add_str(doc, root, "label", results->label);
	yyjson_mut_obj_add_val(doc, root, "machine", machine_of(doc, results));
	for (unsigned int i = 0; i < results->n; i++)
		yyjson_mut_arr_add_val(array, result_of(doc, &results->list[i]));
	yyjson_mut_obj_add_val(doc, root, "results", array);
	text = yyjson_mut_write(doc, 0, &len);
	yyjson_mut_doc_free(doc);
	if (!text || fwrite(text, 1, len, out) != len || fputc('\n', out) == EOF || fflush(out)) {
		fprintf(stderr, "ioasidperf: the output cannot be written\n");
		rc = -1;
	}
	free(text);
	return rc;
}

/* Files come from anywhere: nothing in them shall tell a terminal what to do. */
static void disarm(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void take_text(yyjson_val *obj, const char *key, char *text, size_t size)
{
	const char *value = yyjson_get_str(yyjson_obj_get(obj, key));

	snprintf(text, size, "%s", value ? value : "");
	disarm(text);
}

/* What reports in HTML and XML print as it is. False: this is no name of ours. */
static bool take_name(yyjson_val *obj, const char *key, char *text, size_t size)
{
	take_text(obj, key, text, size);
	for (const char *at = text; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
			return false;
	return *text;
}

static int take_samples(yyjson_val *array, struct result *r)
{
	size_t i, max;
	yyjson_val *value;

	r->n = yyjson_arr_size(array);
	r->samples = calloc(r->n + 1, sizeof(*r->samples));
	if (!r->samples)
		abort();
	yyjson_arr_foreach(array, i, max, value) {
		if (!yyjson_is_num(value))
			return -1;
		r->samples[i] = yyjson_get_num(value);
	}
	return r->n ? 0 : -1;
}

static void take_functions(yyjson_val *obj, struct result *r)
{
	yyjson_val *key, *value;
	size_t i, max;

	r->functions = calloc(yyjson_obj_size(obj) + 1, sizeof(*r->functions));
	if (!r->functions)
		abort();
	yyjson_obj_foreach(obj, i, max, key, value) {
		struct function *f = &r->functions[r->nr_functions++];

		f->name = strdup(yyjson_get_str(key));
		f->count = yyjson_get_uint(value);
		if (!f->name)
			abort();
		disarm(f->name);
	}
}

/* What several runs found out about a cell becomes one. */
static void join(struct results *results)
{
	struct result *last = &results->list[results->n - 1];

	for (struct result *r = results->list; r < last; r++) {
		if (strcmp(r->workload, last->workload) || strcmp(r->door, last->door) ||
		    strcmp(r->phase, last->phase) || strcmp(r->unit, last->unit) ||
		    r->runs != last->runs)
			continue;
		r->samples = reallocarray(r->samples, r->n + last->n, sizeof(*r->samples));
		if (!r->samples)
			abort();
		memcpy(r->samples + r->n, last->samples, last->n * sizeof(*r->samples));
		r->n += last->n;
		free_result(last);
		results->n--;
		return;
	}
}

static int take_result(yyjson_val *obj, struct results *results)
{
	struct result *r = results__add(results);
	yyjson_val *window = yyjson_obj_get(obj, "window");

	r->runs = yyjson_get_uint(yyjson_obj_get(obj, "runs"));
	r->window = window ? yyjson_get_int(window) : -1;
	if (!take_name(obj, "workload", r->workload, sizeof(r->workload)) ||
	    !take_name(obj, "door", r->door, sizeof(r->door)) ||
	    !take_name(obj, "phase", r->phase, sizeof(r->phase)) ||
	    !take_name(obj, "unit", r->unit, sizeof(r->unit)))
		return -1;
	take_functions(yyjson_obj_get(obj, "functions"), r);
	if (take_samples(yyjson_obj_get(obj, "samples"), r))
		return -1;
	join(results);
	return 0;
}

static void take_machine(yyjson_val *root, struct results *results)
{
	yyjson_val *machine = yyjson_obj_get(root, "machine");

	take_text(root, "utc", results->utc, sizeof(results->utc));
	take_text(root, "label", results->label, sizeof(results->label));
	take_text(machine, "release", results->release, sizeof(results->release));
	take_text(machine, "machine", results->machine, sizeof(results->machine));
	take_text(machine, "processor", results->model, sizeof(results->model));
	take_text(machine, "ioasid_srcversion", results->srcversion, sizeof(results->srcversion));
	results->cpus = yyjson_get_uint(yyjson_obj_get(machine, "cpus"));
}

bool results__same_machine(const struct results *a, const struct results *b)
{
	return !strcmp(a->release, b->release) && !strcmp(a->model, b->model) &&
	       a->cpus == b->cpus;
}

static int take_root(yyjson_val *root, struct results *results)
{
	const char *schema = yyjson_get_str(yyjson_obj_get(root, "schema"));
	struct results first = *results;
	yyjson_val *value;
	size_t i, max;

	if (!schema || strcmp(schema, PERF_SCHEMA))
		return -1;
	take_machine(root, results);
	if (first.n && !results__same_machine(&first, results))
		return -1;
	yyjson_arr_foreach(yyjson_obj_get(root, "results"), i, max, value)
		if (take_result(value, results))
			return -1;
	return results->n ? 0 : -1;
}

/* One object a line, all of the same machine: what several runs measured adds up. */
int results__read(struct results *results, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int rc = 0;

	memset(results, 0, sizeof(*results));
	if (!file) {
		fprintf(stderr, "ioasidperf: %s: %m\n", path);
		return -1;
	}
	while (!rc && (len = getline(&line, &room, file)) > 0) {
		yyjson_doc *doc = yyjson_read(line, len, 0);

		rc = doc ? take_root(yyjson_doc_get_root(doc), results) : -1;
		yyjson_doc_free(doc);
	}
	free(line);
	if (file != stdin)
		fclose(file);
	if (rc || !results->n) {
		fprintf(stderr, "ioasidperf: %s: not results of ioasidperf (%s) from one machine\n",
			path, PERF_SCHEMA);
		rc = -1;
	}
	return rc;
}
