/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The driver's events: what they are called, what their arguments are and mean. */
#ifndef TOOLS_EVENT_H
#define TOOLS_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include "../../bpf/snoop.h"

/* What an argument is; those of the tracepoints are all in include/trace/events/ioasid.h. */
enum arg_type {
	ARG_NONE,	/* the event has no more */
	ARG_CTX,
	ARG_IOASID,
	ARG_RESULT,	/* 0 or a negative errno */
	ARG_COUNT,
	ARG_NUMBER,	/* a label, nothing to be counted */
	ARG_ADDRESS,
	ARG_BYTES,
	ARG_EXTENT,	/* bytes, 0 for everything */
	ARG_FLAGS,
	ARG_NS,
	ARG_DEVICE,	/* PCI, or none */
	ARG_PASID,	/* or none */
	ARG_KIND,
	ARG_FORMAT,
	ARG_FAULT_TYPE,
	ARG_FAULT_CODE,
	ARG_FAULT_TO,
	ARG_FAULT_WHY,
};

struct arg_info {
	const char *name;	/* as in the tracepoint */
	enum arg_type type;
};

struct event_info {
	const char *name;
	bool begin;		/* an operation starts: shown on demand only */
	const char *time;	/* the argument that is the event's duration, or NULL */
	struct arg_info args[SNOOP_MAX_ARGS];
};

extern const struct event_info event_infos[NR_SNOOP_EVENTS];

/* All but those with begin; those of page faults. Bits are 1 << enum ioasid_snoop_id. */
__u32 events__default(void);
__u32 events__faults(void);

/*
 * A list, separated by commas, of names and of the groups "all", "begin", "devices",
 * "dirty", "faults", "invalidations", "mappings", "memory", "spaces" and "tables". False:
 * no such name.
 */
bool events__parse(const char *list, __u32 *events);

/* How many arguments; where one of this type or name is, or -1. */
int event__nr_args(const struct event_info *info);
int event__find(const struct event_info *info, enum arg_type type);
int event__find_name(const struct event_info *info, const char *name);

/* 0 when it is not known. */
__u64 event__duration(const struct ioasid_snoop_event *event);

/* The word for a value of a type that has words, else NULL. */
const char *arg__word(enum arg_type type, __u64 value);

/* "0000:00:10.0"; false: not a PCI device. */
#define DEVICE_NAME_LEN	16
bool device__name(char *out, size_t size, __u32 dev);

/* "0000:00:10.0" or "00:10.0". */
bool device__parse(const char *text, __u32 *dev);

/* "10ms", "2.5us", "1s"; a number alone is ns. */
bool duration__parse(const char *text, __u64 *ns);

/* "FIRST-LAST", "FIRST+SIZE" or one address; as in C, sizes also with K, M, G, T. */
bool range__parse(const char *text, __u64 *first, __u64 *last);

#endif
