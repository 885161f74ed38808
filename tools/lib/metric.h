/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one table of everything that is shown about a space: names, units and
 * meaning. Screen, text and JSON are made from it.
 */
#ifndef TOOLS_METRIC_H
#define TOOLS_METRIC_H

#include <stdbool.h>
#include <linux/types.h>

enum unit { UNIT_NONE, UNIT_COUNT, UNIT_BYTES, UNIT_NS, UNIT_RATE };

/*
 * X(id, JSON key, unit, description). Without "total", counts are those of the
 * interval; percentiles are midpoints of buckets, within 3.125 %.
 */
#define OP_METRICS(X, OP, op, ops)							\
	X(OP##_COUNT, ops, UNIT_COUNT, "successful " op " operations")			\
	X(OP##_RATE, op "_per_s", UNIT_RATE, "the same per second")			\
	X(OP##_ERRORS, op "_errors", UNIT_COUNT, "refused or failed " op " operations")		\
	X(OP##_BYTES, op "_bytes", UNIT_BYTES, "bytes covered by " op " operations")	\
	X(OP##_SAMPLES, op "_samples", UNIT_COUNT, "operations seen by BPF")		\
	X(OP##_MEAN, op "_mean_ns", UNIT_NS, "mean latency")				\
	X(OP##_P50, op "_p50_ns", UNIT_NS, "median latency")				\
	X(OP##_P90, op "_p90_ns", UNIT_NS, "90th percentile")				\
	X(OP##_P99, op "_p99_ns", UNIT_NS, "99th percentile")				\
	X(OP##_P999, op "_p999_ns", UNIT_NS, "99.9th percentile")			\
	X(OP##_MAX, op "_max_ns", UNIT_NS, "longest, upper end of its bucket")

#define RARE_OP_METRICS(X, OP, op)							\
	X(OP##_COUNT, op "_samples", UNIT_COUNT, "successful " op " operations")	\
	X(OP##_ERRORS, op "_errors", UNIT_COUNT, "refused or failed " op " operations")		\
	X(OP##_MAX, op "_max_ns", UNIT_NS, "longest, upper end of its bucket")

#define FAULT_TIME_METRICS(X, T, key, what)						\
	X(FAULT_##T##_SAMPLES, "fault_" key "_samples", UNIT_COUNT, "groups seen by BPF")	\
	X(FAULT_##T##_MEAN, "fault_" key "_mean_ns", UNIT_NS, "mean of " what)		\
	X(FAULT_##T##_P50, "fault_" key "_p50_ns", UNIT_NS, "median")			\
	X(FAULT_##T##_P90, "fault_" key "_p90_ns", UNIT_NS, "90th percentile")		\
	X(FAULT_##T##_P99, "fault_" key "_p99_ns", UNIT_NS, "99th percentile")		\
	X(FAULT_##T##_P999, "fault_" key "_p999_ns", UNIT_NS, "99.9th percentile")	\
	X(FAULT_##T##_MAX, "fault_" key "_max_ns", UNIT_NS, "longest, upper end of its bucket")

/* Those of spaces, and of devices as sources of faults. */
#define FAULT_METRICS(X)								\
	X(FAULT_COUNT, "faults", UNIT_COUNT, "groups of page requests reported")	\
	X(FAULT_RATE, "faults_per_s", UNIT_RATE, "the same per second")			\
	X(FAULT_PAGES, "fault_pages", UNIT_COUNT, "pages that page requests asked for")		\
	X(FAULT_PAGE_RATE, "fault_pages_per_s", UNIT_RATE, "the same per second")	\
	X(FAULT_UNRECOVERABLE, "faults_unrecoverable", UNIT_COUNT,			\
	  "faults that nobody could answer")						\
	X(FAULT_SUCCESS, "fault_successes", UNIT_COUNT, "groups answered: try again")	\
	X(FAULT_SUCCESS_RATE, "fault_successes_per_s", UNIT_RATE, "the same per second") \
	X(FAULT_INVALID, "fault_invalid", UNIT_COUNT,					\
	  "groups that whoever handles them refused")					\
	X(FAULT_INVALID_RATE, "fault_invalid_per_s", UNIT_RATE, "the same per second")	\
	X(FAULT_OVERFLOWS, "fault_overflows", UNIT_COUNT,				\
	  "groups beyond a limit, or without room in the ring")				\
	X(FAULT_TIMEOUTS, "fault_timeouts", UNIT_COUNT, "groups not answered in time")	\
	X(FAULT_CANCELS, "fault_cancels", UNIT_COUNT,					\
	  "groups ended by detach or close")						\
	X(FAULT_OVERFLOWS_SEEN, "fault_overflows_seen", UNIT_COUNT,			\
	  "overflows since the start")							\
	X(FAULT_TIMEOUTS_SEEN, "fault_timeouts_seen", UNIT_COUNT,			\
	  "timeouts since the start")							\
	X(FAULT_CANCELS_SEEN, "fault_cancels_seen", UNIT_COUNT,				\
	  "cancelled groups since the start")						\
	X(FAULT_UNRECOVERABLE_SEEN, "faults_unrecoverable_seen", UNIT_COUNT,		\
	  "faults since the start that nobody could answer")				\
	X(FAULT_PENDING, "fault_pending", UNIT_COUNT, "groups not yet answered")	\
	X(FAULT_OLDEST, "fault_oldest_ns", UNIT_NS, "age of the oldest group not yet answered")	\
	FAULT_TIME_METRICS(X, QUEUE, "queue", "the time from report to handler")	\
	FAULT_TIME_METRICS(X, SERVICE, "service", "the time from there to the answer")	\
	FAULT_TIME_METRICS(X, WAIT, "wait", "the time from report to answer, whatever it was") \
	X(FAULTS_TOTAL, "faults_total", UNIT_COUNT, "groups since the space was made")	\
	X(FAULT_OVERFLOWS_TOTAL, "fault_overflows_total", UNIT_COUNT, "overflows since then") \
	X(FAULT_TIMEOUTS_TOTAL, "fault_timeouts_total", UNIT_COUNT, "timeouts since then") \
	X(FAULT_CANCELS_TOTAL, "fault_cancels_total", UNIT_COUNT, "cancelled groups since then")

#define METRICS(X)									\
	X(PID, "pid", UNIT_NONE, "process that opened the context")			\
	X(CTX, "ctx", UNIT_NONE, "number of the context")				\
	X(IOASID, "ioasid", UNIT_NONE, "number of the space in its context")		\
	X(PARENT, "parent", UNIT_NONE, "number of the space it is nested on")		\
	X(FORMAT, "format", UNIT_NONE, "enum ioasid_format of a user-managed table")	\
	X(CGROUP, "cgroup", UNIT_NONE, "cgroup v2 id of the opener")			\
	X(DEVICES, "devices", UNIT_COUNT, "attached (context: bound) devices")		\
	X(DOMAINS, "domains", UNIT_COUNT, "IOMMU domains behind the space")		\
	X(NESTED, "nested_domains", UNIT_COUNT,						\
	  "domains whose IOMMU walks the user-managed table")				\
	X(MAPPINGS, "mappings", UNIT_COUNT, "live mappings")				\
	X(MAPPED, "mapped_bytes", UNIT_BYTES, "bytes covered by live mappings")			\
	X(PINNED, "pinned_bytes", UNIT_BYTES, "bytes pinned by mappings (context: registered)")	\
	X(REGISTERED, "registered_bytes", UNIT_BYTES, "memory the context registered")	\
	X(MAPS_TOTAL, "maps_total", UNIT_COUNT, "maps since the space was made")	\
	X(UNMAPS_TOTAL, "unmaps_total", UNIT_COUNT, "unmaps since then")		\
	X(MAP_ERRORS_TOTAL, "map_errors_total", UNIT_COUNT, "failed maps since then")	\
	X(UNMAP_ERRORS_TOTAL, "unmap_errors_total", UNIT_COUNT,				\
	  "failed unmaps since then")							\
	X(USER_INVS_TOTAL, "user_invs_total", UNIT_COUNT,				\
	  "requests of INVALIDATE_CACHE since then")					\
	X(USER_INV_ERRORS_TOTAL, "user_inv_errors_total", UNIT_COUNT,			\
	  "failed ones since then")							\
	X(SHADOW_SYNCS_TOTAL, "shadow_syncs_total", UNIT_COUNT,				\
	  "times the kernel followed a user-managed table")				\
	OP_METRICS(X, MAP, "map", "maps")						\
	OP_METRICS(X, UNMAP, "unmap", "unmaps")						\
	OP_METRICS(X, INV, "inv", "invs")						\
	OP_METRICS(X, USER_INV, "user_inv", "user_invs")				\
	RARE_OP_METRICS(X, ATTACH, "attach")						\
	RARE_OP_METRICS(X, DETACH, "detach")						\
	RARE_OP_METRICS(X, REGISTER, "register")					\
	RARE_OP_METRICS(X, UNREGISTER, "unregister")					\
	X(ERROR_RATE, "errors_per_s", UNIT_RATE, "failed operations of any kind")	\
	X(LOST, "lost", UNIT_COUNT,							\
	  "maps and unmaps that the driver counted and BPF missed, since the start")	\
	FAULT_METRICS(X)

enum metric_id {
#define X(id, key, unit, help) METRIC_##id,
	METRICS(X)
#undef X
	NR_METRICS,
};

struct metric {
	const char *key;
	enum unit unit;
	const char *help;
};

/* What a metric is when time goes on: see metric__kind(). */
enum metric_kind {
	METRIC_IS_NAME,		/* a number that identifies, of which there is no sum */
	METRIC_IS_COUNT,	/* of the interval */
	METRIC_IS_GAUGE,	/* what is true now */
	METRIC_IS_SINCE,	/* a count since the space was made or the tool started */
	METRIC_IS_DERIVED,	/* from the others, or from a histogram */
};

extern const struct metric metrics[NR_METRICS];

/* Rates are fractional, all else is whole. */
struct value {
	bool known;
	union {
		__u64 count;
		double rate;
	};
};

enum metric_kind metric__kind(enum metric_id id);
double value__number(const struct value *value, enum metric_id id);

#endif
