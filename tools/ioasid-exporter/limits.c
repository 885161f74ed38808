// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How much memory the processes that opened contexts have locked (pinned memory is
 * charged there), and how much they may: from files that everybody may read.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "exporter.h"

#define CAP_IPC_LOCK_BIT	14

/* The rest of the line that starts with key, or NULL. */
static const char *find_line(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? at + strlen(key) : NULL;
}

static bool read_of(__u64 pid, const char *name, char **text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%llu/%s", pid, name);
	return !read_text(AT_FDCWD, path, text);
}

/* Who has CAP_IPC_LOCK may lock without a limit. */
static bool read_status(struct limit *limit)
{
	const char *line;
	char *text;
	bool bound;

	if (!read_of(limit->pid, "status", &text))
		return false;
	line = find_line(text, "\nVmLck:");
	limit->locked = line ? strtoull(line, NULL, 10) * 1024 : 0;
	limit->known = line;
	line = find_line(text, "\nCapEff:");
	bound = line && !(strtoull(line, NULL, 16) >> CAP_IPC_LOCK_BIT & 1);
	free(text);
	return bound;
}

static void read_limit(struct limit *limit)
{
	const char *line;
	char *text, *end;

	if (!read_status(limit) || !read_of(limit->pid, "limits", &text))
		return;
	line = find_line(text, "\nMax locked memory");
	if (line) {
		limit->max = strtoull(line, &end, 10);
		limit->bounded = end != line;	/* else it says "unlimited" */
	}
	free(text);
}

static bool is_known(const struct limit *limits, size_t nr, __u64 pid)
{
	for (size_t i = 0; i < nr; i++)
		if (limits[i].pid == pid)
			return true;
	return false;
}

size_t limits__read(const struct snapshot *snap, struct limit *limits, size_t max)
{
	size_t nr = 0;

	for (size_t i = 0; nr < max && i < snap->nr_rows; i++) {
		const struct row *row = &snap->rows[i];
		const struct value *pid = &row->v[METRIC_PID];

		if ((row->state != ROW_SPACE && row->state != ROW_CTX) || !pid->known ||
		    is_known(limits, nr, pid->count))
			continue;
		limits[nr] = (struct limit){ .pid = pid->count, .comm = row->comm };
		read_limit(&limits[nr]);
		nr += limits[nr].known;
	}
	return nr;
}
