/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * OpenMetrics 1.0, or the text format 0.0.4 of Prometheus, of the same metrics. Names
 * are those of the metric table with "ioasid_" before them and the base unit behind:
 *
 *	counters	what happened since the tool started: ioasid_maps_total,
 *			ioasid_map_bytes_total
 *	gauges		what is true now: ioasid_mapped_bytes
 *	histograms	ioasid_map_latency_seconds, with bounds as in totals.h
 *
 * What is not known has no sample.
 */
#ifndef TOOLS_OPENMETRICS_H
#define TOOLS_OPENMETRICS_H

#include <stdio.h>
#include "totals.h"

#define OPENMETRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PROMETHEUS_CONTENT_TYPE	 "text/plain; version=0.0.4; charset=utf-8"

/* How many spaces have rows of their own, unless the user says otherwise. */
#define OPENMETRICS_SPACES     100
#define OPENMETRICS_SPACES_MAX 1000

struct openmetrics_options {
	const struct totals *totals; /* to which snap was added last */
	const char *kernel; /* its release, for ioasid_tool_info */
	bool prometheus; /* 0.0.4: for "promtool check metrics", old scrapers */
	bool spaces; /* by space: as many rows as totals has room for, and "other" */
	bool space_histograms; /* those too, 28 buckets each and space */
	/*
	 * Spaces as ioasid_space_..., besides the sums over all as ioasid_...: then rates of
	 * the sums are right, while what a space did moves to "other" when it is gone.
	 */
	bool apart;
};

/* 0, or -EIO when the stream fails, -ENOMEM. */
int openmetrics__write(FILE *out, const struct snapshot *snap,
		       const struct openmetrics_options *options);

#endif
