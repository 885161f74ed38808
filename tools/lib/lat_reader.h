/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loading, attaching and reading bpf/lat.bpf.c. */
#ifndef TOOLS_LAT_READER_H
#define TOOLS_LAT_READER_H

#include "lat.h"
#include "watch.h"

struct lat_reader;

/*
 * Attaches what the operations (bits of the series of whole ones) need. Those that the
 * source does not know are removed from ops, if there are others. On failure a
 * negative errno, and why becomes one sentence. The pid namespace is filled in here.
 */
int lat_reader__open(struct lat_reader **reader, enum watch watch, struct lat_config *config,
		     __u64 *ops, unsigned int memory_mib, bool verbose, char *why, size_t size);
void lat_reader__close(struct lat_reader *reader);

/* All that was measured until now, as an interval of lat. 0 or a negative errno. */
int lat_reader__read(struct lat_reader *reader, struct lat *lat);

/* Detaches. What is read afterwards is complete and does not change any more. */
void lat_reader__stop(struct lat_reader *reader);

#endif
