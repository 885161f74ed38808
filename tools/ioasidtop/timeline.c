// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "term.h"
#include "timeline.h"

#define NS_PER_S  1000000000ULL
#define MINUTE_NS (60 * NS_PER_S)

/* A recording is not drawn more often, and does not stand still for longer. */
#define FRAME_MIN_NS 20000000ULL
#define FRAME_MAX_NS (5 * NS_PER_S)

int timeline__open(struct timeline *timeline, const struct options *options,
		   struct sources *sources, struct view *view, struct snapshot **snap)
{
	*timeline = (struct timeline){
		.sources = sources,
		.view = view,
		.speed = options->speed,
		.held = options->at_set,
	};
	*snap = NULL;
	if (sources->replay) {
		timeline->at = sources->replay_at;
		return replay__get(sources->replay, timeline->at, snap);
	}
	if (!options->history_mib)
		return 0;
	timeline->history = history__new((size_t)options->history_mib << 20, HISTORY_NS);
	return timeline->history ? 0 : -ENOMEM;
}

void timeline__close(struct timeline *timeline)
{
	history__free(timeline->history);
}

static size_t first(const struct timeline *timeline)
{
	return timeline->history ? history__first(timeline->history) : 0;
}

static size_t end(const struct timeline *timeline)
{
	if (timeline->sources->replay)
		return replay__nr(timeline->sources->replay);
	return timeline->history ? history__end(timeline->history) : 0;
}

static __u64 time_of(const struct timeline *timeline, size_t at)
{
	if (timeline->sources->replay)
		return replay__realtime_ns(timeline->sources->replay, at);
	return history__ts_ns(timeline->history, at);
}

static int get(const struct timeline *timeline, struct snapshot **snap)
{
	if (timeline->sources->replay)
		return replay__get(timeline->sources->replay, timeline->at, snap);
	return history__get(timeline->history, timeline->at, snap);
}

/* What happened while the memory for it was too small cannot be shown later: no error. */
static int tick_live(struct timeline *timeline, struct snapshot **snap)
{
	int err = sources__read(timeline->sources, snap);

	if (err)
		return err;
	sources__tell(timeline->sources, timeline->view);
	timeline->newest_ns = (*snap)->ts_ns;
	if (timeline->history)
		history__add(timeline->history, *snap);
	if (timeline->held) {
		snapshot__free(*snap);
		*snap = NULL;
	}
	return 0;
}

static __u64 gap_ns(const struct timeline *timeline)
{
	__u64 gap;

	if (timeline->at + 1 >= end(timeline))
		return FRAME_MAX_NS;
	gap = time_of(timeline, timeline->at + 1) - time_of(timeline, timeline->at);
	return gap / timeline->speed;
}

static bool is_last(const struct timeline *timeline)
{
	return timeline->at + 1 >= end(timeline);
}

static int tick_replay(struct timeline *timeline, struct snapshot **snap)
{
	__u64 passed = 0;

	if (timeline->held || is_last(timeline)) {
		timeline->held = true;
		return 0;
	}
	do {
		passed += gap_ns(timeline);
		timeline->at++;
	} while (passed < FRAME_MIN_NS && timeline->at + 1 < end(timeline));
	timeline->held = is_last(timeline);
	return get(timeline, snap);
}

int timeline__tick(struct timeline *timeline, struct snapshot **snap)
{
	*snap = NULL;
	return timeline->sources->replay ? tick_replay(timeline, snap) : tick_live(timeline, snap);
}

__u64 timeline__interval_ns(const struct timeline *timeline)
{
	__u64 gap;

	if (!timeline->sources->replay)
		return timeline->sources->pace.now_ns;
	gap = gap_ns(timeline);
	return gap < FRAME_MIN_NS ? FRAME_MIN_NS : gap > FRAME_MAX_NS ? FRAME_MAX_NS : gap;
}

/* The newest of what goes on is now again. */
static int go_to(struct timeline *timeline, size_t at, struct snapshot **snap)
{
	if (first(timeline) == end(timeline))
		return 0;
	if (at < first(timeline))
		at = first(timeline);
	if (at >= end(timeline))
		at = end(timeline) - 1;
	timeline->at = at;
	timeline->held = timeline->sources->replay || at + 1 < end(timeline);
	return get(timeline, snap);
}

/* So many intervals, from what is shown. */
static int step(struct timeline *timeline, int by, struct snapshot **snap)
{
	size_t at = timeline->held || timeline->sources->replay ? timeline->at : end(timeline) - 1;

	if (first(timeline) == end(timeline))
		return 0;
	if (by < 0 && at <= first(timeline))
		return go_to(timeline, first(timeline), snap);
	return go_to(timeline, at + by, snap);
}

/* The one that was shown at a time, or the first. */
static size_t at_time(const struct timeline *timeline, __u64 ns)
{
	size_t low = first(timeline), high = end(timeline);

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (time_of(timeline, middle) <= ns)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int go_to_time(struct timeline *timeline, __u64 ns, struct snapshot **snap)
{
	if (first(timeline) == end(timeline))
		return 0;
	return go_to(timeline, at_time(timeline, ns), snap);
}

static int skip(struct timeline *timeline, bool back, struct snapshot **snap)
{
	size_t at = timeline->held || timeline->sources->replay ? timeline->at : end(timeline) - 1;
	__u64 now;

	if (first(timeline) == end(timeline))
		return 0;
	if (at < first(timeline))
		at = first(timeline);
	now = time_of(timeline, at);
	if (back)
		return go_to_time(timeline, now > MINUTE_NS ? now - MINUTE_NS : 0, snap);
	return go_to_time(timeline, now + MINUTE_NS, snap);
}

static int hold(struct timeline *timeline, struct snapshot **snap)
{
	timeline->held = !timeline->held;
	if (timeline->sources->replay) {
		/* Again, after its end. */
		if (timeline->held || !is_last(timeline))
			return 0;
		timeline->at = 0;
		return get(timeline, snap);
	}
	if (first(timeline) == end(timeline))
		return 0;
	timeline->at = end(timeline) - 1;
	return timeline->held ? 0 : get(timeline, snap);
}

/* "90", "1:30" or "1:02:03" in seconds; -1: nonsense. */
static double parse_time(const char *text)
{
	double seconds = 0, part;
	char *rest;

	for (int i = 0; i < 3; i++) {
		part = strtod(text, &rest);
		if (rest == text || !(part >= 0 && part < 1e9))
			return -1;
		seconds = 60 * seconds + part;
		if (!*rest)
			return seconds;
		if (*rest != ':')
			return -1;
		text = rest + 1;
	}
	return -1;
}

/* From the start of a recording; else so long ago. */
static int jump(struct timeline *timeline, struct snapshot **snap)
{
	const char *text = timeline->view->jump;
	double seconds = parse_time(text + (*text == '-'));
	__u64 ns = seconds * NS_PER_S, newest = timeline->newest_ns;

	if (seconds < 0)
		return 0;
	if (timeline->sources->replay)
		return go_to_time(timeline, time_of(timeline, 0) + ns, snap);
	return go_to_time(timeline, newest > ns ? newest - ns : 0, snap);
}

static int edit_jump(struct timeline *timeline, int key, struct snapshot **snap)
{
	struct view *view = timeline->view;
	size_t len = strlen(view->jump);

	if (key == '\r' || key == '\n') {
		view->jumping = false;
		return jump(timeline, snap);
	}
	if (key == 27)
		view->jumping = false;
	else if (key == KEYS_ERASE && len)
		view->jump[len - 1] = '\0';
	else if (key > ' ' && key <= '~' && len + 1 < sizeof(view->jump))
		memcpy(view->jump + len, (char[]){ key, '\0' }, 2);
	return 0;
}

static void set_speed(struct timeline *timeline, double factor)
{
	timeline->speed *= factor;
	if (timeline->speed < SPEED_MIN)
		timeline->speed = SPEED_MIN;
	if (timeline->speed > SPEED_MAX)
		timeline->speed = SPEED_MAX;
}

bool timeline__key(struct timeline *timeline, int key, struct snapshot **snap, int *err)
{
	*snap = NULL;
	*err = 0;
	if (timeline->view->jumping) {
		*err = edit_jump(timeline, key, snap);
		return true;
	}
	switch (key) {
	case ' ':
		*err = hold(timeline, snap);
		return true;
	case '[':
	case ']':
		*err = step(timeline, key == '[' ? -1 : 1, snap);
		return true;
	case '{':
	case '}':
		*err = skip(timeline, key == '{', snap);
		return true;
	case 'j':
		timeline->view->jumping = true;
		timeline->view->jump[0] = '\0';
		return true;
	case '+':
	case '-':
		/* An interval of a recording is as long as it is. */
		if (timeline->sources->replay)
			set_speed(timeline, key == '+' ? 2 : 0.5);
		return timeline->sources->replay;
	default:
		return false;
	}
}

static int put_duration(char *text, size_t size, __u64 ns)
{
	unsigned long long s = ns / NS_PER_S;

	if (s >= 3600)
		return snprintf(text, size, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
	return snprintf(text, size, "%02llu:%02llu", s / 60, s % 60);
}

static void tell_replay(const struct timeline *timeline)
{
	char at[24], all[24];
	__u64 start = time_of(timeline, 0);

	put_duration(at, sizeof(at), time_of(timeline, timeline->at) - start);
	put_duration(all, sizeof(all), time_of(timeline, end(timeline) - 1) - start);
	snprintf(timeline->view->clock, sizeof(timeline->view->clock), "%s %s/%s x%.4g",
		 is_last(timeline) ? "END" :
		 timeline->held	   ? "PAUSED" :
				     "REPLAY",
		 at, all, timeline->speed);
}

void timeline__tell(const struct timeline *timeline, const struct snapshot *shown)
{
	struct view *view = timeline->view;
	__u64 age = shown && timeline->newest_ns > shown->ts_ns ?
			    timeline->newest_ns - shown->ts_ns :
			    0;
	char text[24];

	view->frozen = timeline->held;
	view->interval = (double)timeline->sources->pace.now_ns / NS_PER_S;
	view->clock[0] = '\0';
	if (timeline->sources->replay) {
		tell_replay(timeline);
	} else if (timeline->held) {
		put_duration(text, sizeof(text), age);
		snprintf(view->clock, sizeof(view->clock), "FROZEN -%s", text);
	}
}
