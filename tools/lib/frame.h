/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A snapshot as bytes, compressed: what a recording consists of (docs/recording.md),
 * and what is remembered for scrolling back.
 */
#ifndef TOOLS_FRAME_H
#define TOOLS_FRAME_H

#include "bytes.h"
#include "snapshot.h"

/* Of what is in one frame: a file that says more is refused. */
#define FRAME_MAX_BYTES	  (64U << 20)
#define FRAME_MAX_ROWS	  65536
#define FRAME_MAX_METRICS 1024
#define FRAME_MAX_TIMINGS 64

/* The numbers of metrics and timings in a file, which may be another version's. */
struct frame_schema {
	struct {
		int id; /* ours, or -1 */
		bool rate;
	} metrics[FRAME_MAX_METRICS];
	int nr_metrics;
	int timings[FRAME_MAX_TIMINGS]; /* ours, or -1 */
	int nr_timings;
};

/* That of frames that this program makes. */
void frame_schema__own(struct frame_schema *schema);

/* Adds a frame to bytes, says how long it was before. 0 or -ENOMEM. */
int frame__encode(const struct snapshot *snap, struct bytes *bytes, __u32 *raw_len);

/* 0, -ENOMEM, or -EBADMSG when it is none. */
int frame__decode(const void *data, size_t len, __u32 raw_len, const struct frame_schema *schema,
		  struct snapshot **snap);

#endif
