// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text of /metrics: about the exporter itself, then what openmetrics.h makes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "exporter.h"
#include "self.h"
#include "ticker.h"

#define NS_PER_S	1000000000ULL

int state__add(struct state *state, struct snapshot *snap, const struct wire_status *status)
{
	int err = totals__add(state->totals, snap);

	snapshot__free(state->snap);
	state->snap = snap;
	state->status = *status;
	state->snap_ns = now_ns();
	return err;
}

/* As in openmetrics.c: a counter of the old format has the name of its sample. */
static void put_family(FILE *out, bool old, const char *name, bool counter, const char *unit,
		       const char *help)
{
	const char *suffix = counter && old ? "_total" : "";

	fprintf(out, "# TYPE %s%s %s\n", name, suffix, counter ? "counter" : "gauge");
	if (*unit && !old)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s%s %s\n", name, suffix, help);
}

static void put_seconds(FILE *out, __u64 ns)
{
	fprintf(out, "%llu.%09llu\n", ns / NS_PER_S, ns % NS_PER_S);
}

static void put_number(FILE *out, bool old, const char *name, bool counter, __u64 value,
		       const char *help)
{
	put_family(out, old, name, counter, "", help);
	fprintf(out, "%s%s %llu\n", name, counter ? "_total" : "", value);
}

static void put_time(FILE *out, bool old, const char *name, __u64 ns, const char *help)
{
	put_family(out, old, name, false, "seconds", help);
	fprintf(out, "%s ", name);
	put_seconds(out, ns);
}

/* Of this process: that of the collector is the tool of openmetrics.h. */
static void put_server(FILE *out, bool old)
{
	static const char cpu[] = "ioasid_exporter_cpu_seconds";
	struct self_watch watch = { .started = true };
	struct snapshot snap = { 0 };

	self__fill(&watch, &snap, 0, 0, 0);
	put_family(out, old, cpu, true, "seconds",
		   "processor time of the exporter's process that answers");
	fprintf(out, "%s_total ", cpu);
	put_seconds(out, snap.self.cpu_ns);
	put_number(out, old, "ioasid_exporter_memory_bytes", false, snap.self.rss_bytes,
		   "memory of this process");
}

/* Names of processes have been neutralised: backslashes are left, and quotes. */
static void put_process(FILE *out, const char *name, const struct limit *limit, __u64 value)
{
	fprintf(out, "%s{pid=\"%llu\",comm=\"", name, limit->pid);
	for (const char *at = limit->comm; *at; at++) {
		if (*at == '\\' || *at == '"')
			fputc('\\', out);
		fputc(*at, out);
	}
	fprintf(out, "\"} %llu\n", value);
}

static void put_limits(FILE *out, bool old, const struct state *state)
{
	static const char locked[] = "ioasid_process_locked_bytes";
	static const char limit[] = "ioasid_process_locked_limit_bytes";
	static struct limit limits[OPENMETRICS_SPACES_MAX];
	size_t nr = limits__read(state->snap, limits, state->options->max_spaces);

	put_family(out, old, locked, false, "bytes",
		   "memory locked by processes with contexts, pinned memory is charged there");
	for (size_t i = 0; i < nr; i++)
		put_process(out, locked, &limits[i], limits[i].locked);
	put_family(out, old, limit, false, "bytes",
		   "how much they may lock (RLIMIT_MEMLOCK), where that counts");
	for (size_t i = 0; i < nr; i++)
		if (limits[i].bounded)
			put_process(out, limit, &limits[i], limits[i].max);
	put_family(out, old, "ioasid_memory_bytes", false, "bytes", "memory of this machine");
	fprintf(out, "ioasid_memory_bytes %llu\n",
		(__u64)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
}

static void put_own(FILE *out, bool old, const struct state *state)
{
	bool up = state->connected && state->snap && state->status.up;

	put_number(out, old, "ioasid_up", false, up, "1 when the ioasid driver is loaded");
	put_number(out, old, "ioasid_exporter_collector_up", false, state->connected,
		   "1 when there is a collector");
	put_number(out, old, "ioasid_exporter_bpf", false,
		   state->connected && state->snap && state->snap->bpf,
		   "1 when BPF programs count and time operations");
	put_number(out, old, "ioasid_exporter_scrapes", true, state->scrapes,
		   "scrapes before this one");
	put_time(out, old, "ioasid_exporter_scrape_duration_seconds", state->scrape_ns,
		 "how long making the text took the last time");
	put_number(out, old, "ioasid_exporter_cut_connections", true, state->cut,
		   "connections that were closed because they took too long");
	put_server(out, old);
	if (!state->snap)
		return;
	put_time(out, old, "ioasid_exporter_reading_duration_seconds", state->status.read_ns,
		 "how long the last reading of the driver and of BPF took");
	put_time(out, old, "ioasid_exporter_reading_age_seconds", now_ns() - state->snap_ns,
		 "how old what follows is");
}

static int put_all(FILE *out, bool old, const struct state *state)
{
	struct openmetrics_options options = {
		.totals = state->totals,
		.prometheus = old,
		.spaces = state->options->max_spaces,
		.apart = true,
		.space_histograms = state->options->space_histograms,
	};

	put_own(out, old, state);
	if (state->snap)
		put_limits(out, old, state);
	if (state->snap)
		return openmetrics__write(out, state->snap, &options);
	if (!old)
		fputs("# EOF\n", out);
	return ferror(out) ? -ENOMEM : 0;
}

int state__metrics(struct state *state, bool prometheus, char **text, size_t *size)
{
	__u64 start = now_ns();
	FILE *out = open_memstream(text, size);
	int err;

	if (!out)
		return -ENOMEM;
	err = put_all(out, prometheus, state);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (err) {
		free(*text);
		return err;
	}
	state->scrapes++;
	state->scrape_ns = now_ns() - start;
	return 0;
}
