// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "counters.h"
#include "snapshot.h"

/* Processes move rarely: between two looks at one there are so many ns. */
#define KEEP_NS	 5000000000ULL
#define MAX_PATH 1024
#define SHORT_ID 12

struct known {
	struct process process;
	__u64 read_ns;
	bool used; /* in this step */
};

struct processes {
	int proc; /* -1: nothing is known */
	struct known *at; /* ordered by number */
	size_t nr, room;
};

struct processes *processes__new(const char *proc)
{
	struct processes *processes = calloc(1, sizeof(*processes));

	if (!processes)
		return NULL;
	processes->proc = proc ? open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	return processes;
}

void processes__free(struct processes *processes)
{
	if (!processes)
		return;
	for (size_t i = 0; i < processes->nr; i++)
		free(processes->at[i].process.cgroup);
	if (processes->proc >= 0)
		close(processes->proc);
	free(processes->at);
	free(processes);
}

/* ---- containers ---- */

/* Scopes are escaped as systemd does it: "\x2d" is "-". */
static void unescape(char *text)
{
	unsigned int c;
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &c) == 1 && c) {
			*out++ = c;
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

static bool is_id(const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");

	return len >= 32 && !text[len];
}

static bool starts(const char *text, const char *with, const char **rest)
{
	size_t len = strlen(with);

	if (strncmp(text, with, len))
		return false;
	*rest = text + len;
	return true;
}

static void cut_suffix(char *part)
{
	static const char *const suffixes[] = { ".scope", ".service", ".slice" };
	size_t len = strlen(part), suffix;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		suffix = strlen(suffixes[i]);
		if (len > suffix && !strcmp(part + len - suffix, suffixes[i])) {
			part[len - suffix] = '\0';
			return;
		}
	}
}

/* One directory of the path, and the one above it. */
static bool name_part(char *part, const char *above, char *out, size_t size)
{
	static const struct {
		const char *prefix, *by;
		bool id;
	} known[] = {
		{ "docker-", "docker", true },	  { "cri-containerd-", "containerd", true },
		{ "crio-", "crio", true },	  { "libpod-", "podman", true },
		{ "lxc.payload.", "lxc", false }, { "systemd-nspawn@", "nspawn", false },
	};
	const char *rest;

	cut_suffix(part);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!starts(part, known[i].prefix, &rest) || (known[i].id && !is_id(rest)))
			continue;
		snprintf(out, size, "%s:%.*s", known[i].by, known[i].id ? SHORT_ID : (int)size,
			 rest);
		return true;
	}
	if (starts(part, "machine-qemu-", &rest) && isdigit(*rest)) {
		rest += strspn(rest, "0123456789");
		snprintf(out, size, "qemu:%s", rest + (*rest == '-'));
		return true;
	}
	if (starts(part, "machine-", &rest)) {
		snprintf(out, size, "machine:%s", rest);
		return true;
	}
	if (!is_id(part) && strcmp(above, "lxc"))
		return false;
	snprintf(out, size, "%s:%.*s",
		 !strcmp(above, "docker") ? "docker" :
		 !strcmp(above, "lxc")	  ? "lxc" :
					    "id",
		 is_id(part) ? SHORT_ID : (int)size, part);
	return true;
}

/* The innermost container counts: its directory is the last one that has such a name. */
void container__name(const char *cgroup, char *out, size_t size)
{
	char path[MAX_PATH], raw[CONTAINER_LEN], above[64] = "", *rest = path, *part;

	*out = '\0';
	snprintf(path, sizeof(path), "%s", cgroup);
	while ((part = strsep(&rest, "/"))) {
		if (!*part)
			continue;
		unescape(part);
		if (name_part(part, above, raw, sizeof(raw)))
			neutralise(out, size, raw, strlen(raw));
		snprintf(above, sizeof(above), "%s", part);
	}
}

/* ---- /proc ---- */

/*
 * "0::/path" of the unified hierarchy, else "4:memory:/path", else any. Paths may have
 * any character but a newline.
 */
static char *find_path(char *text)
{
	char *line, *path, *best = NULL;
	int rank, best_rank = 0;

	while ((line = strsep(&text, "\n"))) {
		path = strchr(line, ':');
		path = path ? strchr(path + 1, ':') : NULL;
		if (!path)
			continue;
		rank = !strncmp(line, "0::", 3) && path[2] ? 3 : strstr(line, ":memory:") ? 2 : 1;
		if (rank > best_rank) {
			best = path + 1;
			best_rank = rank;
		}
	}
	return best;
}

static void read_cgroup(struct processes *processes, struct process *process)
{
	char path[32], *text, *found;
	size_t len;

	free(process->cgroup);
	process->cgroup = NULL;
	process->container[0] = '\0';
	snprintf(path, sizeof(path), "%u/cgroup", process->pid);
	if (read_text(processes->proc, path, &text))
		return;
	found = find_path(text);
	len = found ? strnlen(found, MAX_PATH) : 0;
	process->cgroup = found ? malloc(4 * len + 1) : NULL;
	if (process->cgroup) {
		container__name(found, process->container, sizeof(process->container));
		neutralise(process->cgroup, 4 * len + 1, found, len);
	}
	free(text);
}

/* "NSpid:\t4711\t12\t1": one for each namespace, from ours to its own. */
static void read_nspid(struct processes *processes, struct process *process)
{
	char path[32], *text, *line, *last;

	process->nspid = 0;
	snprintf(path, sizeof(path), "%u/status", process->pid);
	if (read_text(processes->proc, path, &text))
		return;
	line = strstr(text, "\nNSpid:");
	if (line) {
		line++;
		line[strcspn(line, "\n")] = '\0';
		last = strrchr(line, '\t');
		process->nspid = last ? strtoul(last + 1, NULL, 10) : 0;
	}
	free(text);
}

/* Where it is, or would be. */
static size_t place_of(const struct processes *processes, __u32 pid)
{
	size_t first = 0, last = processes->nr;

	while (first < last) {
		size_t middle = (first + last) / 2;

		if (processes->at[middle].process.pid < pid)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

static struct known *get(struct processes *processes, __u32 pid)
{
	size_t at = place_of(processes, pid), room;
	struct known *grown;

	if (at < processes->nr && processes->at[at].process.pid == pid)
		return &processes->at[at];
	if (processes->nr == processes->room) {
		room = processes->room ? 2 * processes->room : 16;
		grown = reallocarray(processes->at, room, sizeof(*grown));
		if (!grown)
			return NULL;
		processes->at = grown;
		processes->room = room;
	}
	memmove(&processes->at[at + 1], &processes->at[at],
		(processes->nr - at) * sizeof(*processes->at));
	processes->nr++;
	processes->at[at] = (struct known){ .process.pid = pid };
	return &processes->at[at];
}

static void look_at(struct processes *processes, struct known *known, __u64 now)
{
	known->used = true;
	if (known->read_ns && now - known->read_ns < KEEP_NS)
		return;
	known->read_ns = now ? now : 1;
	read_cgroup(processes, &known->process);
	read_nspid(processes, &known->process);
}

static void forget_unused(struct processes *processes)
{
	size_t kept = 0;

	for (size_t i = 0; i < processes->nr; i++) {
		if (processes->at[i].used)
			processes->at[kept++] = processes->at[i];
		else
			free(processes->at[i].process.cgroup);
	}
	processes->nr = kept;
}

static int copy_all(const struct processes *processes, struct snapshot *snap)
{
	if (!processes->nr)
		return 0;
	snap->processes = calloc(processes->nr, sizeof(*snap->processes));
	if (!snap->processes)
		return -ENOMEM;
	for (; snap->nr_processes < processes->nr; snap->nr_processes++) {
		const struct process *from = &processes->at[snap->nr_processes].process;
		struct process *to = &snap->processes[snap->nr_processes];

		*to = *from;
		to->cgroup = from->cgroup ? strdup(from->cgroup) : NULL;
	}
	return 0;
}

int processes__fill(struct processes *processes, struct snapshot *snap)
{
	struct known *known;

	if (processes->proc < 0)
		return 0;
	for (size_t i = 0; i < processes->nr; i++)
		processes->at[i].used = false;
	for (size_t i = 0; i < snap->nr_rows; i++) {
		if (!snap->rows[i].v[METRIC_PID].known)
			continue;
		known = get(processes, snap->rows[i].v[METRIC_PID].count);
		if (!known)
			return -ENOMEM;
		look_at(processes, known, snap->ts_ns);
	}
	forget_unused(processes);
	return copy_all(processes, snap);
}

const struct process *snapshot__process(const struct snapshot *snap, __u64 pid)
{
	size_t first = 0, last = snap->nr_processes;

	while (first < last) {
		size_t middle = (first + last) / 2;

		if (snap->processes[middle].pid < pid)
			first = middle + 1;
		else
			last = middle;
	}
	return first < snap->nr_processes && snap->processes[first].pid == pid ?
		       &snap->processes[first] :
		       NULL;
}
