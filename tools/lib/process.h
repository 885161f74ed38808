/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What /proc says about the processes of a snapshot: cgroup, container, pid namespace. */
#ifndef TOOLS_PROCESS_H
#define TOOLS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* A name is cut behind so many characters. */
#define CONTAINER_LEN 32

struct process {
	__u32 pid; /* as we see it */
	__u32 nspid; /* as it sees itself; 0: not known */
	char *cgroup; /* neutralised; NULL: not known */
	char container[CONTAINER_LEN]; /* "docker:0123456789ab", or empty */
};

struct snapshot;
struct processes;

/* proc: "/proc", or where files like those have been put; NULL: nothing is known. */
struct processes *processes__new(const char *proc);
void processes__free(struct processes *processes);

/* Fills the processes of the snapshot, ordered by number. 0 or -ENOMEM. */
int processes__fill(struct processes *processes, struct snapshot *snap);

/* NULL: nothing is known of it. */
const struct process *snapshot__process(const struct snapshot *snap, __u64 pid);

/* Who made a cgroup, as far as its path tells: "docker:0123456789ab", or "". */
void container__name(const char *cgroup, char *out, size_t size);

#endif
