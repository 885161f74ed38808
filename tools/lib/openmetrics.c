// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "openmetrics.h"
#include "version.h"

#define NS_PER_S 1000000000ULL

struct writer {
	FILE *out;
	const struct snapshot *snap;
	const struct openmetrics_options *options;
	struct sum all;
	bool spaces; /* in this part of the text */
	const char *prefix;
};

enum family_type { COUNTER, GAUGE, HISTOGRAM, INFO };

/* Fits when out has twice the room of the text. */
static size_t escape(char *out, const char *text)
{
	char *at = out;

	for (; *text; text++) {
		if (*text == '\n' || *text == '\\' || *text == '"')
			*at++ = '\\';
		*at++ = *text == '\n' ? 'n' : *text;
	}
	*at = '\0';
	return at - out;
}

/* In 0.0.4 a counter is called as its sample is, and there are neither infos nor units. */
static void put_family(const struct writer *writer, const char *name, enum family_type type,
		       const char *unit, const char *help)
{
	static const char *const types[] = { "counter", "gauge", "histogram", "info" };
	static const char *const old_types[] = { "counter", "gauge", "histogram", "gauge" };
	static const char *const suffixes[] = { "_total", "", "", "_info" };
	bool old = writer->options->prometheus;
	char full[128];

	snprintf(full, sizeof(full), "ioasid_%s%s%s%s%s", writer->prefix, name, unit ? "_" : "",
		 unit ? unit : "", old ? suffixes[type] : "");
	fprintf(writer->out, "# TYPE %s %s\n", full, (old ? old_types : types)[type]);
	if (unit && !old)
		fprintf(writer->out, "# UNIT %s %s\n", full, unit);
	fprintf(writer->out, "# HELP %s %s\n", full, help);
}

/* Labels that a sample has in any case; "" for none. Ends with a comma if not empty. */
struct labels {
	char text[2 * COMM_LEN + 128];
};

static const struct labels no_labels;
static const struct labels other_labels = { "ctx=\"other\"," };

static void label_space(struct labels *labels, const struct space_sum *space)
{
	char *text = labels->text;

	text += sprintf(text, "ctx=\"%u\",ioasid=\"%u\",", space->ctx, space->ioasid);
	if (space->pid)
		text += sprintf(text, "pid=\"%llu\",", space->pid);
	if (!*space->comm)
		return;
	text += sprintf(text, "comm=\"");
	text += escape(text, space->comm);
	strcpy(text, "\",");
}

/* A sample up to its value: name, unit and suffix, then labels and one more of its own. */
static void put_sample(const struct writer *writer, const char *name, const char *unit,
		       const char *suffix, const struct labels *labels, const char *more)
{
	fprintf(writer->out, "ioasid_%s%s%s%s%s", writer->prefix, name, unit ? "_" : "",
		unit ? unit : "", suffix);
	if (*labels->text && !*more)
		fprintf(writer->out, "{%.*s}", (int)strlen(labels->text) - 1, labels->text);
	else if (*labels->text || *more)
		fprintf(writer->out, "{%s%s}", labels->text, more);
	fputc(' ', writer->out);
}

/* Without a loss: 64 bits of nanoseconds are more than a double has. */
static void put_seconds(FILE *out, __u64 ns)
{
	fprintf(out, "%llu.%09llu\n", ns / NS_PER_S, ns % NS_PER_S);
}

static const char *unit_of(enum metric_id id)
{
	switch (metrics[id].unit) {
	case UNIT_BYTES:
		return "bytes";
	case UNIT_NS:
		return "seconds";
	default:
		return NULL;
	}
}

/* The key without the unit, which follows in any case. */
static const char *name_of(enum metric_id id, char *name, size_t size)
{
	static const char *const units[] = { "_bytes", "_ns" };
	size_t len = strlen(metrics[id].key), n;

	snprintf(name, size, "%s", metrics[id].key);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		n = strlen(units[i]);
		if (unit_of(id) && len > n && !strcmp(name + len - n, units[i]))
			name[len - n] = '\0';
	}
	return name;
}

static void put_count(const struct writer *writer, enum metric_id id, const struct sum *sum,
		      const struct labels *labels)
{
	char name[64];

	if (!sum->known[id])
		return;
	put_sample(writer, name_of(id, name, sizeof(name)), unit_of(id), "_total", labels, "");
	fprintf(writer->out, "%llu\n", sum->count[id]);
}

static void put_counter(const struct writer *writer, enum metric_id id)
{
	const struct totals *totals = writer->options->totals;
	struct labels labels;
	char name[64];

	if (!writer->all.known[id])
		return;
	put_family(writer, name_of(id, name, sizeof(name)), COUNTER, unit_of(id), metrics[id].help);
	if (!writer->spaces) {
		put_count(writer, id, &writer->all, &no_labels);
		return;
	}
	for (size_t i = 0; i < totals->nr; i++) {
		label_space(&labels, &totals->spaces[i]);
		put_count(writer, id, &totals->spaces[i].sum, &labels);
	}
	put_count(writer, id, &totals->other, &other_labels);
}

static void put_value(const struct writer *writer, enum metric_id id, __u64 value,
		      const struct labels *labels)
{
	char name[64];

	put_sample(writer, name_of(id, name, sizeof(name)), unit_of(id), "", labels, "");
	if (metrics[id].unit == UNIT_NS)
		put_seconds(writer->out, value);
	else
		fprintf(writer->out, "%llu\n", value);
}

/* Of rows that found no room: the sum, or what is oldest. */
static void add_gauge(struct value *value, enum metric_id id, const struct value *more)
{
	if (!more->known)
		return;
	if (metrics[id].unit == UNIT_NS)
		value->count = more->count > value->count ? more->count : value->count;
	else
		value->count += more->count;
	value->known = true;
}

static void put_gauge_of_spaces(const struct writer *writer, enum metric_id id)
{
	const struct snapshot *snap = writer->snap;
	struct value other = { 0 };

	for (size_t i = 0; i < snap->nr_rows; i++) {
		const struct row *row = &snap->rows[i];
		const struct space_sum *space = totals__find(writer->options->totals, snap, row);
		struct labels labels;

		if (!space) {
			add_gauge(&other, id, &row->v[id]);
			continue;
		}
		if (!row->v[id].known)
			continue;
		label_space(&labels, space);
		put_value(writer, id, row->v[id].count, &labels);
	}
	if (other.known)
		put_value(writer, id, other.count, &other_labels);
}

static void put_gauge(const struct writer *writer, enum metric_id id)
{
	const struct value *total = &writer->snap->total.v[id];
	char name[64];

	if (!total->known)
		return;
	put_family(writer, name_of(id, name, sizeof(name)), GAUGE, unit_of(id), metrics[id].help);
	if (writer->spaces)
		put_gauge_of_spaces(writer, id);
	else
		put_value(writer, id, total->count, &no_labels);
}

static void put_buckets(const struct writer *writer, enum timing t, const struct sum *sum,
			const struct labels *labels)
{
	__u64 seen = 0;
	char le[40];

	if (!sum->timed[t])
		return;
	for (int part = 0; part < TOTALS_BOUNDS; part++) {
		seen += sum->parts[t][part];
		snprintf(le, sizeof(le), "le=\"%.12g\"", (double)totals__bound(part) / NS_PER_S);
		put_sample(writer, timings[t].name, "seconds", "_bucket", labels, le);
		fprintf(writer->out, "%llu\n", seen);
	}
	seen += sum->parts[t][TOTALS_BOUNDS];
	put_sample(writer, timings[t].name, "seconds", "_bucket", labels, "le=\"+Inf\"");
	fprintf(writer->out, "%llu\n", seen);
	put_sample(writer, timings[t].name, "seconds", "_sum", labels, "");
	put_seconds(writer->out, sum->sum_ns[t]);
	put_sample(writer, timings[t].name, "seconds", "_count", labels, "");
	fprintf(writer->out, "%llu\n", seen);
}

static void put_histogram(const struct writer *writer, enum timing t)
{
	const struct totals *totals = writer->options->totals;
	struct labels labels;

	if (!writer->all.timed[t])
		return;
	put_family(writer, timings[t].name, HISTOGRAM, "seconds", timings[t].help);
	if (!writer->spaces || !writer->options->space_histograms) {
		put_buckets(writer, t, &writer->all, &no_labels);
		return;
	}
	for (size_t i = 0; i < totals->nr; i++) {
		label_space(&labels, &totals->spaces[i]);
		put_buckets(writer, t, &totals->spaces[i].sum, &labels);
	}
	put_buckets(writer, t, &totals->other, &other_labels);
}

static void put_number(const struct writer *writer, const char *name, enum family_type type,
		       __u64 value, const char *help)
{
	put_family(writer, name, type, NULL, help);
	put_sample(writer, name, NULL, type == COUNTER ? "_total" : "", &no_labels, "");
	fprintf(writer->out, "%llu\n", value);
}

static void put_info(const struct writer *writer)
{
	const struct snapshot *snap = writer->snap;
	char kernel[2 * 128];

	escape(kernel, "");
	if (writer->options->kernel && strlen(writer->options->kernel) < sizeof(kernel) / 2)
		escape(kernel, writer->options->kernel);
	put_family(writer, "tool", INFO, NULL, "what these numbers come from");
	fprintf(writer->out,
		"ioasid_tool_info{version=\"%s\",kernel=\"%s\",mode=\"%s\",source=\"%s\"} 1\n",
		IOASID_TOOLS_VERSION, kernel, snap->bpf ? "raw_tp" : "counters",
		counter_source__name(snap->source));
}

static void put_lost(const struct writer *writer)
{
	const struct lost *lost = &writer->snap->lost;
	const struct {
		const char *reason;
		__u64 count;
	} reasons[] = {
		{ "reason=\"missed\"", lost->missed },
		{ "reason=\"unattributed\"", lost->unattributed },
		{ "reason=\"late\"", lost->late },
	};

	if (!lost->known)
		return;
	put_family(writer, "lost_operations", COUNTER, NULL,
		   "operations without a record: skipped by the kernel, without room for their space, or late");
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		put_sample(writer, "lost_operations", NULL, "_total", &no_labels,
			   reasons[i].reason);
		fprintf(writer->out, "%llu\n", reasons[i].count);
	}
}

static void put_bytes_gauge(const struct writer *writer, const char *name, __u64 value,
			    const char *help)
{
	put_family(writer, name, GAUGE, "bytes", help);
	put_sample(writer, name, "bytes", "", &no_labels, "");
	fprintf(writer->out, "%llu\n", value);
}

static void put_seconds_counter(const struct writer *writer, const char *name, __u64 ns,
				const char *help)
{
	put_family(writer, name, COUNTER, "seconds", help);
	put_sample(writer, name, "seconds", "_total", &no_labels, "");
	put_seconds(writer->out, ns);
}

/* What looking costs. */
static void put_self(const struct writer *writer)
{
	const struct self *self = &writer->snap->self;
	const struct totals *totals = writer->options->totals;

	if (self->known) {
		put_seconds_counter(writer, "tool_cpu", totals->cpu_ns, "processor time of the tool");
		put_bytes_gauge(writer, "tool_memory", self->rss_bytes, "memory of the tool");
		put_bytes_gauge(writer, "tool_maps", self->map_bytes, "memory of its BPF maps, at most");
	}
	if (self->bpf_known) {
		put_seconds_counter(writer, "tool_bpf", totals->bpf_ns,
				    "time spent in its BPF programs");
		put_number(writer, "tool_bpf_runs", COUNTER, totals->bpf_runs,
			   "how often these ran");
	}
}

static void put_whole(const struct writer *writer)
{
	const struct snapshot *snap = writer->snap;

	put_info(writer);
	put_number(writer, "contexts", GAUGE, snap->nr_ctxs, "open contexts");
	put_number(writer, "spaces", GAUGE, snap->nr_spaces, "address spaces in them");
	put_number(writer, "complete", GAUGE, snap->complete,
		   "1 when the counters of all contexts could be read");
	put_number(writer, "readings", COUNTER, snap->seq, "intervals that were read");
	put_lost(writer);
	put_self(writer);
}

static void put_metrics(const struct writer *writer)
{
	for (int id = 0; id < NR_METRICS; id++) {
		if (metric__kind(id) == METRIC_IS_COUNT)
			put_counter(writer, id);
		else if (metric__kind(id) == METRIC_IS_GAUGE)
			put_gauge(writer, id);
	}
	for (int t = 0; t < NR_TIMINGS; t++)
		if (!*writer->prefix || writer->options->space_histograms)
			put_histogram(writer, t);
}

int openmetrics__write(FILE *out, const struct snapshot *snap,
		       const struct openmetrics_options *options)
{
	struct writer writer = {
		.out = out,
		.snap = snap,
		.options = options,
		.spaces = options->spaces && !options->apart,
		.prefix = "",
	};

	totals__sum(options->totals, &writer.all);
	put_whole(&writer);
	put_metrics(&writer);
	if (options->spaces && options->apart) {
		writer.spaces = true;
		writer.prefix = "space_";
		put_metrics(&writer);
	}
	if (!options->prometheus)
		fputs("# EOF\n", out);
	return ferror(out) || fflush(out) ? -EIO : 0;
}
