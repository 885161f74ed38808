/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whom the live tools watch: our driver, or what is there without it. */
#ifndef TOOLS_WATCH_H
#define TOOLS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct probe;

enum watch {
	WATCH_IOASID,
	WATCH_VFIO,	/* stock type1 */
	WATCH_IOMMUFD,
	WATCH_IOMMU,	/* the kernel's tracepoints of all IOMMUs */
	NR_WATCHES,
	WATCH_AUTO = NR_WATCHES,
};

/* "ioasid", ...; the parser also knows "auto". False: no such source. */
const char *watch__name(enum watch watch);
const char *watch__describe(enum watch watch);	/* for a sentence */
bool watch__parse(const char *name, enum watch *watch);

/* What it cannot be asked for is unknown, not 0. Bits of enum ioasid_op. */
__u32 watch__ops(enum watch watch);
bool watch__has_times(enum watch watch);
bool watch__is_traced(enum watch watch);	/* functions, not tracepoints */

/* Events of enum ioasid_snoop_id, as bits; of one of them, which arguments it can tell. */
__u32 watch__events(enum watch watch);
__u32 watch__known_args(enum watch watch, int event);

/* The first that is there, in the order above; when none is, WATCH_IOASID. */
enum watch watch__choose(enum watch wanted, const struct probe *probe);

/*
 * Why this source cannot be watched here, as one sentence that says what to do; false:
 * nothing is known to be in the way.
 */
bool watch__obstacle(enum watch watch, const struct probe *probe, char *why, size_t size);

/* After the loading of its programs failed. */
void watch__explain(enum watch watch, const struct probe *probe, int err, char *why, size_t size);

struct bpf_object_skeleton;

/* A skeleton of whichever source. */
struct watch_skel {
	void *memory;
	struct bpf_object_skeleton *skeleton;
	__u64 lost;	/* as last told */
};

/* To be called with one of the generated types: the pointer is what it returned. */
#define watch_skel__set(skel, type, opened)				\
do {									\
	type *opened_ = (opened);					\
									\
	(skel)->memory = opened_;					\
	(skel)->skeleton = opened_ ? opened_->skeleton : NULL;		\
} while (0)

/*
 * Before the programs are loaded: functions of what is built in are the kernel's, not a
 * module's.
 */
void watch_skel__prepare(const struct watch_skel *skel, enum watch watch);

/* A tracepoint that not all machines have, as those of an IOMMU's vendor. */
struct bpf_program;
bool watch_skel__may_lack(const struct bpf_program *prog);

void watch_skel__close(struct watch_skel *skel);

struct bpf_map;
struct bpf_map *watch_skel__map(const struct watch_skel *skel, const char *name);

/*
 * What its programs could not read, and what the kernel skipped of them without another
 * program that did their work, since they were attached.
 */
__u64 watch_skel__lost(struct watch_skel *skel);

#endif
