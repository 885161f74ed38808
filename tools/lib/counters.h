/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The driver's own counters (docs/fdinfo.md): parsed from its debugfs file or
 * from /proc/PID/fdinfo. They need no BPF and never lose anything.
 */
#ifndef TOOLS_COUNTERS_H
#define TOOLS_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define IOASID_CONTEXTS_FILE	"/sys/kernel/debug/ioasid/contexts"

/* Of what drivers do not have that know nothing of page faults. */
#define COUNTER_ABSENT	(~0ULL)

/* Page faults; each may be absent. */
struct counter_faults {
	__u64 groups;
	__u64 pages;
	__u64 unrecoverable;
	__u64 answers;		/* success */
	__u64 invalid;
	__u64 overflows;
	__u64 timeouts;
	__u64 cancels;
	/* gauges */
	__u64 pending;
	__u64 oldest;		/* ns that the oldest of them is waiting */
};

/* Strings live in the set they came with. */
struct counter_space {
	__u32 ioasid;
	const char *kind;
	const char *attached;	/* names separated by blanks */
	__u64 parent;		/* 0: none */
	__u64 format;		/* of a user-managed table, 0: none */
	/* gauges */
	__u64 domains;
	__u64 nested;		/* those whose IOMMU walks such a table */
	__u64 mappings;
	__u64 mapped;
	__u64 pinned;
	/* counters */
	__u64 maps;
	__u64 map_errors;
	__u64 map_bytes;
	__u64 unmaps;
	__u64 unmap_errors;
	__u64 unmap_bytes;
	__u64 invalidations;
	__u64 user_invs;	/* requests of INVALIDATE_CACHE */
	__u64 user_inv_errors;
	__u64 shadow_syncs;
	struct counter_faults faults;
};

struct counter_ctx {
	__u64 abi;
	__u64 instance;
	__u64 ctx;
	const char *door;
	__u64 pid;
	const char *comm;
	__u64 cgroup;
	__u64 devices;
	__u64 regions;
	__u64 registered;
	struct counter_space *spaces;
	size_t nr_spaces;
};

/* One reading. complete: no context can be missing. */
struct counter_set {
	struct counter_ctx *ctxs;
	size_t nr_ctxs;
	bool complete;
	unsigned int bad_lines;
	char **texts;
	size_t nr_texts;
};

/*
 * Adds the contexts of a text in fdinfo format, separated by empty lines; the
 * set takes the text over, whatever the result. A context that the set has
 * already (a duplicated descriptor) is left out. 0 or a negative errno.
 */
int counters__add_text(struct counter_set *set, char *text);
void counters__clear(struct counter_set *set);

/* Where counters come from. */
enum counter_source {
	COUNTERS_NONE,		/* the driver is not loaded */
	COUNTERS_DEBUGFS,	/* all contexts */
	COUNTERS_FDINFO,	/* those of processes whose fdinfo we may read */
	COUNTERS_FILE,		/* a recording */
};

const char *counter_source__name(enum counter_source source);

/*
 * Reads all contexts from the best source there is into an empty set; file, if
 * not NULL, is read instead. 0 or a negative errno.
 */
int counters__read(struct counter_set *set, const char *file, enum counter_source *source);

/* The whole of a file without a known size, for the caller to free. */
int read_text(int dirfd, const char *path, char **text);

#endif
