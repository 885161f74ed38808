/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events as lines for people and as JSON objects. */
#ifndef TOOLS_EVENT_OUT_H
#define TOOLS_EVENT_OUT_H

#include <stdio.h>
#include "event.h"
#include "symbols.h"

_Static_assert(SNOOP_DEPTH == STACK_DEPTH, "stacks are shown whole");

#define SNOOP_SCHEMA	"ioasidsnoop/1"

enum event_clock { CLOCK_WALL, CLOCK_MONO, CLOCK_DELTA };

/* How events are shown. */
struct event_out {
	FILE *file;
	bool json;
	enum event_clock clock;
	__s64 wall_ns;		/* CLOCK_REALTIME - CLOCK_MONOTONIC */
	__u64 last_ns;		/* when the last one was, 0: none yet */
	__u64 seq;		/* how many there were */
	const char *watch;		/* name of the source */
	__u32 unknown[NR_SNOOP_EVENTS];	/* bits of arguments that the source does not know */
};

/* Of a session. */
struct event_totals {
	__u64 events;		/* shown */
	__u64 lost;		/* the ring was full */
	__u64 missed;		/* programs skipped by the kernel */
	__u64 left;		/* matched, but after the end was reached */
	double seconds;
	const char *end;	/* why it ended */
};

struct snoop_start {
	__u32 events;		/* attached */
	__u64 ring_bytes;
	const char *notice;	/* what is missing, or NULL */
};

/* Each writes one line (stacks: several, for people); 0 or a negative errno. */
int event_out__start(struct event_out *out, const struct snoop_start *start);
int event_out__event(struct event_out *out, const struct ioasid_snoop_event *event,
		     const struct stacks *stacks);
int event_out__lost(struct event_out *out, __u32 cpu, __u64 lost);
int event_out__end(struct event_out *out, const struct event_totals *totals);

/* JSON, in a file of its own. */
int event_json__start(struct event_out *out, const struct snoop_start *start);
int event_json__event(struct event_out *out, const struct ioasid_snoop_event *event,
		      const struct stacks *stacks);
int event_json__lost(struct event_out *out, __u32 cpu, __u64 lost);
int event_json__end(struct event_out *out, const struct event_totals *totals);

#endif
