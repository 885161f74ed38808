/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which moment the screen shows: now, one that is past, or one of a recording. */
#ifndef IOASIDTOP_TIMELINE_H
#define IOASIDTOP_TIMELINE_H

#include "ioasidtop.h"

struct timeline {
	struct sources *sources;
	struct view *view;
	struct history *history; /* NULL: none, or a recording */
	bool held; /* time does not go on, on the screen */
	size_t at; /* what is shown, while held or in a recording */
	__u64 newest_ns; /* when we looked last */
	double speed;
};

/* *snap is what to show at once, or NULL. 0 or a negative errno, as below. */
int timeline__open(struct timeline *timeline, const struct options *options,
		   struct sources *sources, struct view *view, struct snapshot **snap);
void timeline__close(struct timeline *timeline);

/* An interval has passed. *snap: what to show now, NULL: what is shown. */
int timeline__tick(struct timeline *timeline, struct snapshot **snap);

/* True when it was a key for us; then *snap and *err are as above. */
bool timeline__key(struct timeline *timeline, int key, struct snapshot **snap, int *err);

/* Until the next tick. */
__u64 timeline__interval_ns(const struct timeline *timeline);

/* What the header says of it: shown is what is on the screen, or NULL. */
void timeline__tell(const struct timeline *timeline, const struct snapshot *shown);

#endif
