/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IOASIDSNOOP_H
#define IOASIDSNOOP_H

#include <stdio.h>
#include "event.h"
#include "event_out.h"
#include "exit_status.h"
#include "symbols.h"
#include "watch.h"

struct options {
	bool json;
	bool strict;
	bool verbose;
	bool probe;
	enum watch watch;	/* or WATCH_AUTO; then the one that was taken */
	bool kernel_stacks, user_stacks;
	bool events_given;	/* then all of them must be there */
	__u32 events;		/* 1 << enum ioasid_snoop_id */
	struct ioasid_snoop_filter filter;
	enum event_clock clock;
	__u64 count;		/* 0: until stopped */
	__u64 duration_ns;	/* 0: until stopped */
	unsigned int memory;	/* MiB */
};

#define MEMORY_MIN	1
#define MEMORY_MAX	1024
#define MEMORY_DEFAULT	16

/* Ends the program with EXIT_USAGE when they are wrong. */
void options__parse(struct options *options, int argc, char **argv);

/* ---- events from the kernel ---- */

struct feed;

/* Called for each event; false: no more. stacks: NULL without. */
typedef bool (*feed_fn)(void *arg, const struct ioasid_snoop_event *event,
			const struct ioasid_snoop_stack_event *stacks);

/*
 * Loads and attaches; events come from feed__listen() on. On failure a negative errno,
 * and why becomes one sentence; else why says what is missing, or is empty.
 */
int feed__open(struct feed **feed, const struct options *options, feed_fn fn, void *arg, char *why,
	       size_t size);
void feed__close(struct feed *feed);
void feed__listen(struct feed *feed);

/* Readable when there are events. */
int feed__fd(const struct feed *feed);

/* Up to a bounded number: how many it were; less than 0: fn wants no more, or an error. */
int feed__take(struct feed *feed);

/* Nothing is reported from then on; what is in the ring stays. */
void feed__detach(struct feed *feed);

/* Programs that the kernel skipped because they ran on that CPU already. */
__u64 feed__missed(struct feed *feed);

/*
 * Fills counts[CPU]. After feed__detach(), what matched and has neither been taken nor
 * lost is still on its way. 0 or a negative errno.
 */
int feed__counts(struct feed *feed, struct ioasid_snoop_count *counts, int cpus);
int feed__cpus(const struct feed *feed);
__u64 feed__ring_bytes(const struct feed *feed);

/* Which events are attached. */
__u32 feed__events(const struct feed *feed);

#endif
