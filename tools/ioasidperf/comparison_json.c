// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A comparison for programs: JSON, and JUnit's XML for those who run builds. */
#include <math.h>
#include <stdlib.h>
#include <yyjson.h>

#include "perf.h"

#define COMPARISON_SCHEMA	"ioasidperf-comparison/1"

static void add_real(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, double value)
{
	if (isfinite(value))
		yyjson_mut_obj_add_real(doc, obj, key, value);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

static yyjson_mut_val *cell_of(yyjson_mut_doc *doc, const struct cell *x)
{
	yyjson_mut_val *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, obj, "workload", x->old->workload);
	yyjson_mut_obj_add_str(doc, obj, "door", x->old->door);
	yyjson_mut_obj_add_str(doc, obj, "phase", x->old->phase);
	yyjson_mut_obj_add_str(doc, obj, "unit", x->old->unit);
	yyjson_mut_obj_add_str(doc, obj, "verdict", verdict__name(x->verdict));
	yyjson_mut_obj_add_str(doc, obj, "why", x->why);
	yyjson_mut_obj_add_bool(doc, obj, "exact", x->exact);
	add_real(doc, obj, "before", x->before.median);
	add_real(doc, obj, "before_low", x->before.low);
	add_real(doc, obj, "before_high", x->before.high);
	add_real(doc, obj, "after", x->after.median);
	add_real(doc, obj, "after_low", x->after.low);
	add_real(doc, obj, "after_high", x->after.high);
	add_real(doc, obj, "ratio", x->ratio);
	add_real(doc, obj, "ratio_low", x->low);
	add_real(doc, obj, "ratio_high", x->high);
	if (x->exact)
		yyjson_mut_obj_add_null(doc, obj, "p");
	else
		add_real(doc, obj, "p", x->p);
	yyjson_mut_obj_add_uint(doc, obj, "n_before", x->old->n);
	yyjson_mut_obj_add_uint(doc, obj, "n_after", x->new->n);
	return obj;
}

int comparison__json(const struct comparison *c, FILE *out)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *array = yyjson_mut_arr(doc);
	char *text;
	int rc;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "schema", COMPARISON_SCHEMA);
	yyjson_mut_obj_add_real(doc, root, "threshold", c->options->threshold);
	yyjson_mut_obj_add_real(doc, root, "alpha", c->options->alpha);
	yyjson_mut_obj_add_real(doc, root, "confidence", c->options->confidence);
	for (int i = 0; i <= VERDICT_INCONCLUSIVE; i++)
		yyjson_mut_obj_add_uint(doc, root, verdict__name(i), c->verdicts[i]);
	yyjson_mut_obj_add_uint(doc, root, "only_old", c->only_old);
	yyjson_mut_obj_add_uint(doc, root, "only_new", c->only_new);
	for (unsigned int i = 0; i < c->n; i++)
		yyjson_mut_arr_add_val(array, cell_of(doc, &c->cells[i]));
	yyjson_mut_obj_add_val(doc, root, "cells", array);
	text = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	rc = !text || fprintf(out, "%s\n", text) < 0 || fflush(out) ? -1 : 0;
	free(text);
	return rc;
}

/* Names have nothing that XML would mind: results.c lets no others in. */
int comparison__junit(const struct comparison *c, FILE *out)
{
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuite name=\"ioasidperf\" tests=\"%u\" failures=\"%u\" skipped=\"%u\">\n",
		c->n, c->verdicts[VERDICT_REGRESSED], c->verdicts[VERDICT_INCONCLUSIVE]);
	for (unsigned int i = 0; i < c->n; i++) {
		const struct cell *x = &c->cells[i];

		fprintf(out, "  <testcase classname=\"ioasidperf.%s\" name=\"%s %s\">",
			x->old->door, x->old->workload, x->old->phase);
		if (x->verdict == VERDICT_REGRESSED)
			fprintf(out, "<failure message=\"%.0f to %.0f %s, %+.2f %%\"/>",
				x->before.median, x->after.median, x->old->unit,
				100 * (x->ratio - 1));
		if (x->verdict == VERDICT_INCONCLUSIVE)
			fprintf(out, "<skipped message=\"%s\"/>", x->why);
		fputs("</testcase>\n", out);
	}
	fputs("</testsuite>\n", out);
	return ferror(out) ? -1 : 0;
}
