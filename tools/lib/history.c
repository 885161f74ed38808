// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "frame.h"
#include "history.h"

struct entry {
	__u64 ts_ns;
	struct bytes bytes;
	__u32 raw_len;
};

struct history {
	struct entry *entries; /* those of numbers first to first + nr */
	size_t first, nr, room;
	size_t max_bytes, bytes;
	__u64 max_ns;
	struct frame_schema schema;
};

struct history *history__new(size_t max_bytes, __u64 max_ns)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return NULL;
	history->max_bytes = max_bytes;
	history->max_ns = max_ns;
	frame_schema__own(&history->schema);
	return history;
}

void history__free(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->nr; i++)
		bytes__free(&history->entries[i].bytes);
	free(history->entries);
	free(history);
}

static size_t cost(const struct entry *entry)
{
	return entry->bytes.room + sizeof(*entry);
}

static void forget(struct history *history, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		history->bytes -= cost(&history->entries[i]);
		bytes__free(&history->entries[i].bytes);
	}
	history->first += nr;
	history->nr -= nr;
	memmove(history->entries, history->entries + nr, history->nr * sizeof(*history->entries));
}

static void forget_old(struct history *history, __u64 now, size_t needed)
{
	size_t bytes = history->bytes, nr = 0;

	while (nr < history->nr && (bytes + needed > history->max_bytes ||
				    now - history->entries[nr].ts_ns > history->max_ns))
		bytes -= cost(&history->entries[nr++]);
	if (nr)
		forget(history, nr);
}

static int make_room(struct history *history)
{
	size_t room = history->room ? 2 * history->room : 64;
	struct entry *entries;

	if (history->nr < history->room)
		return 0;
	entries = reallocarray(history->entries, room, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	history->entries = entries;
	history->room = room;
	return 0;
}

/* No more memory than there are bytes: most are far smaller than the room they were made in. */
static int encode(struct entry *entry, const struct snapshot *snap)
{
	int err = frame__encode(snap, &entry->bytes, &entry->raw_len);
	unsigned char *fitting;

	if (err)
		return err;
	fitting = realloc(entry->bytes.data, entry->bytes.len);
	if (fitting) {
		entry->bytes.data = fitting;
		entry->bytes.room = entry->bytes.len;
	}
	return 0;
}

int history__add(struct history *history, const struct snapshot *snap)
{
	struct entry entry = { .ts_ns = snap->ts_ns };
	int err = encode(&entry, snap);

	if (!err && cost(&entry) > history->max_bytes)
		err = -E2BIG;
	if (!err) {
		forget_old(history, snap->ts_ns, cost(&entry));
		err = make_room(history);
	}
	if (err) {
		bytes__free(&entry.bytes);
		return err;
	}
	history->entries[history->nr++] = entry;
	history->bytes += cost(&entry);
	return 0;
}

size_t history__first(const struct history *history)
{
	return history->first;
}

size_t history__end(const struct history *history)
{
	return history->first + history->nr;
}

__u64 history__ts_ns(const struct history *history, size_t at)
{
	return history->entries[at - history->first].ts_ns;
}

int history__get(const struct history *history, size_t at, struct snapshot **snap)
{
	const struct entry *entry = &history->entries[at - history->first];

	return frame__decode(entry->bytes.data, entry->bytes.len, entry->raw_len, &history->schema,
			     snap);
}

size_t history__bytes(const struct history *history)
{
	return history->bytes;
}
