/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IOASIDLAT_H
#define IOASIDLAT_H

#include "exit_status.h"
#include "lat.h"
#include "watch.h"

#define JSON_LAT_SCHEMA	"ioasidlat/1"

struct options {
	__u64 interval_ns;	/* 0: only at the end */
	__u64 duration_ns;	/* 0: until stopped */
	unsigned long count;	/* of intervals, 0: until stopped */
	struct lat_config config;
	__u64 ops;		/* bits of the series of whole operations */
	bool all_ops;		/* none were asked for */
	bool by;		/* it was given */
	bool histogram;
	bool heatmap;
	bool json;
	bool strict;
	bool verbose;
	bool probe;
	enum watch watch;	/* or WATCH_AUTO; then the one that was taken */
	const char *hlog;	/* file */
	unsigned int memory;	/* MiB */
	int width;
};

/* Ends the program with EXIT_USAGE when they are wrong. */
void options__parse(struct options *options, int argc, char **argv);

/* One line: of the interval, or of all the time. 0 or a negative errno. */
int json__latencies(const struct lat *lat, const struct options *options, bool total,
		    const char *notice);

#endif
