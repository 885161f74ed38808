// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A comparison as one file for a browser: no script, nothing from elsewhere. Each cell
 * has a plot of all samples, before above after, with the medians and their intervals.
 */
#include <math.h>

#include "perf.h"

#define WIDTH	420
#define HEIGHT	56
#define MARGIN	8

static const char style[] =
	"body{font:14px/1.4 sans-serif;margin:2em;color:#222;background:#fff}"
	"table{border-collapse:collapse}th,td{padding:.25em .7em;text-align:right;"
	"border-bottom:1px solid #ddd}th:first-child,td:first-child,.l{text-align:left}"
	".pass{color:#555}.improved{color:#176f2c;font-weight:bold}"
	".regressed{color:#b3261e;font-weight:bold}.inconclusive{color:#8a5a00}"
	"svg{display:block}.a{fill:#3b6ea8}.b{fill:#c8641b}"
	"@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}"
	"th,td{border-color:#444}.pass{color:#aaa}.improved{color:#6fcf7f}"
	".regressed{color:#ff8a80}.inconclusive{color:#e0b050}.a{fill:#7db0ea}.b{fill:#f0995a}}";

static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else
			fputc(*text, out);
	}
}

struct scale {
	double min, max;
};

static double x_of(const struct scale *s, double value)
{
	return MARGIN + (value - s->min) / (s->max - s->min) * (WIDTH - 2 * MARGIN);
}

static struct scale scale_of(const struct cell *x)
{
	struct scale s = { INFINITY, -INFINITY };

	for (unsigned int i = 0; i < x->old->n; i++) {
		s.min = fmin(s.min, x->old->samples[i]);
		s.max = fmax(s.max, x->old->samples[i]);
	}
	for (unsigned int i = 0; i < x->new->n; i++) {
		s.min = fmin(s.min, x->new->samples[i]);
		s.max = fmax(s.max, x->new->samples[i]);
	}
	/* a hundredth of the value at least, or nothing would look like much */
	if (s.max - s.min < s.max / 100) {
		double middle = (s.max + s.min) / 2, half = fmax(s.max / 200, 1);

		s = (struct scale){ middle - half, middle + half };
	}
	return s;
}

static void plot_samples(FILE *out, const struct scale *s, const struct result *r, int y,
			 const char *class)
{
	for (unsigned int i = 0; i < r->n; i++)
		fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%d\" r=\"2.5\" opacity=\".45\"/>",
			class, x_of(s, r->samples[i]), y + (int)(i % 5) - 2);
}

static void plot_median(FILE *out, const struct scale *s, double low, double median, double high,
			int y, const char *class)
{
	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"2\"/>"
		"<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"2\" height=\"12\"/>",
		class, x_of(s, low), y + 7, fmax(x_of(s, high) - x_of(s, low), 1), class,
		x_of(s, median) - 1, y + 2);
}

static void plot(FILE *out, const struct cell *x)
{
	struct scale s = scale_of(x);

	fprintf(out, "<svg width=\"%d\" height=\"%d\" role=\"img\"><title>%s %s %s: %.0f to %.0f %s"
		"</title>", WIDTH, HEIGHT, x->old->workload, x->old->door, x->old->phase, s.min,
		s.max, x->old->unit);
	plot_samples(out, &s, x->old, 12, "a");
	plot_median(out, &s, x->before.low, x->before.median, x->before.high, 12, "a");
	plot_samples(out, &s, x->new, 38, "b");
	plot_median(out, &s, x->after.low, x->after.median, x->after.high, 38, "b");
	fputs("</svg>", out);
}

static void print_run(FILE *out, const char *what, const char *class, const struct results *r)
{
	fprintf(out, "<p><svg width=\"12\" height=\"12\" style=\"display:inline\"><circle "
		"class=\"%s\" cx=\"6\" cy=\"6\" r=\"5\"/></svg> %s: ", class, what);
	print_escaped(out, *r->label ? r->label : r->utc);
	fputs(", kernel ", out);
	print_escaped(out, r->release);
	fputs(", ", out);
	print_escaped(out, r->model);
	fprintf(out, ", %u processor%s</p>\n", r->cpus, r->cpus == 1 ? "" : "s");
}

static void print_cell(FILE *out, const struct cell *x)
{
	fprintf(out, "<tr><td>%s</td><td class=\"l\">%s</td><td class=\"l\">%s</td><td>%.0f</td>"
		"<td>%.0f</td><td>%+.2f %%</td><td>%+.2f &hellip; %+.2f %%</td>", x->old->workload,
		x->old->door, x->old->phase, x->before.median, x->after.median,
		100 * (x->ratio - 1), 100 * (x->low - 1), 100 * (x->high - 1));
	if (x->exact)
		fputs("<td>exact</td>", out);
	else
		fprintf(out, "<td>%.2g</td>", x->p);
	fprintf(out, "<td class=\"l %s\" title=\"%s\">%s</td><td class=\"l\">",
		verdict__name(x->verdict), x->why, verdict__name(x->verdict));
	plot(out, x);
	fputs("</td></tr>\n", out);
}

int comparison__html(const struct comparison *c, FILE *out)
{
	fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<title>ioasidperf: %u regressed</title><style>%s</style></head><body>\n"
		"<h1>ioasidperf</h1>\n", c->verdicts[VERDICT_REGRESSED], style);
	print_run(out, "before", "a", c->old);
	print_run(out, "after", "b", c->new);
	fprintf(out, "<p>%u pass, %u improved, <b>%u regressed</b>, %u inconclusive. Threshold "
		"%.3g %%, intervals of %.4g %%, alpha %.3g after Holm's correction. "
		"Not compared: %u only before, %u only after.</p>\n",
		c->verdicts[VERDICT_PASS], c->verdicts[VERDICT_IMPROVED],
		c->verdicts[VERDICT_REGRESSED], c->verdicts[VERDICT_INCONCLUSIVE],
		100 * c->options->threshold, 100 * c->options->confidence, c->options->alpha,
		c->only_old, c->only_new);
	fprintf(out, "<table><tr><th>workload</th><th class=\"l\">door</th><th class=\"l\">phase</th>"
		"<th>before</th><th>after</th><th>change</th><th>interval</th><th>p</th>"
		"<th class=\"l\">verdict</th><th class=\"l\">samples, %s</th></tr>\n",
		c->n ? c->cells[0].old->unit : "");
	for (unsigned int i = 0; i < c->n; i++)
		print_cell(out, &c->cells[i]);
	fputs("</table></body></html>\n", out);
	return ferror(out) ? -1 : 0;
}
