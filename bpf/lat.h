/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What bpf/lat.bpf.c and ioasidlat share. A series is the durations of one operation
 * or of one phase of it. As in stats.h everything is cumulative, and buckets have 32
 * bits, which readers subtract modulo 2^32.
 */
#ifndef IOASID_BPF_LAT_H
#define IOASID_BPF_LAT_H

#include <linux/types.h>
#include "hist.h"

/*
 * X(series, name of the operation, name of the phase or NULL). The phases of an
 * operation follow it. What they are, says include/trace/events/ioasid.h.
 */
#define LAT_SERIES(X)							\
	X(MAP,			"map",		NULL)			\
	X(MAP_LOCK,		"map",		"lock")			\
	X(MAP_PIN,		"map",		"pin")			\
	X(MAP_INSTALL,		"map",		"install")		\
	X(UNMAP,		"unmap",	NULL)			\
	X(UNMAP_LOCK,		"unmap",	"lock")			\
	X(UNMAP_REMOVE,		"unmap",	"remove")		\
	X(UNMAP_FLUSH,		"unmap",	"flush")		\
	X(UNMAP_UNPIN,		"unmap",	"unpin")		\
	X(INV,			"inv",		NULL)			\
	X(USER_INV,		"user-inv",	NULL)			\
	X(USER_INV_HW,		"user-inv",	"hw")			\
	X(USER_INV_SHADOW,	"user-inv",	"shadow")		\
	X(INV_CMD,		"inv-cmd",	NULL)			\
	X(INV_CMD_LOCK,		"inv-cmd",	"lock")			\
	X(SHADOW,		"shadow",	NULL)			\
	X(SHADOW_REMOVE,	"shadow",	"remove")		\
	X(SHADOW_WALK,		"shadow",	"walk")			\
	X(FAULT,		"fault",	NULL)			\
	X(FAULT_QUEUE,		"fault",	"queue")		\
	X(FAULT_SERVICE,	"fault",	"service")		\
	X(FAULT_RESPOND,	"fault",	"respond")		\
	X(ATTACH,		"attach",	NULL)			\
	X(DETACH,		"detach",	NULL)			\
	X(BIND_TABLE,		"bind-table",	NULL)			\
	X(BIND_TABLE_LOCK,	"bind-table",	"lock")			\
	X(UNBIND_TABLE,		"unbind-table",	NULL)			\
	X(UNBIND_TABLE_LOCK,	"unbind-table",	"lock")			\
	X(REGISTER,		"register",	NULL)			\
	X(UNREGISTER,		"unregister",	NULL)			\
	X(DIRTY_SET,		"dirty-set",	NULL)			\
	X(DIRTY_READ,		"dirty-read",	NULL)

#define X(series, op, phase) LAT_##series,
enum lat_series { LAT_SERIES(X) NR_LAT_SERIES };
#undef X

/* What values are kept apart by; space user's choice. */
#define LAT_BY_PHASE	(1 << 0)
#define LAT_BY_SPACE	(1 << 1)
#define LAT_BY_DEVICE	(1 << 2)
#define LAT_BY_PROCESS	(1 << 3)
#define LAT_BY_RESULT	(1 << 4)

#define LAT_OK		(1 << 0)
#define LAT_FAILED	(1 << 1)

/* "Not a PCI device", as in the tracepoints. */
#define LAT_NO_DEV	0xffffffffU

/* Set before the programs are loaded, and constant to them. */
struct lat_config {
	__u64 ops;		/* bits of the series of whole operations */
	__u64 min_ns;		/* shorter operations do not count */
	__u64 cookie;		/* of the device, 0: any */
	__u64 pidns_dev;	/* of the pid namespace that tgid is of */
	__u64 pidns_ino;
	__u32 tgid;		/* 0: all processes */
	__u32 dev;		/* LAT_NO_DEV: any */
	__u32 ctx;
	__u32 ioasid;
	__u32 any_ctx;
	__u32 any_ioasid;
	__u32 results;		/* LAT_OK, LAT_FAILED */
	__u32 by;		/* LAT_BY_* */
};

/* What is not kept apart is 0, dev LAT_NO_DEV. */
struct lat_key {
	__u64 cookie;		/* the user's label of the device */
	__u32 dev;
	__u32 ctx;
	__u32 ioasid;
	__u32 tgid;
	__u32 failed;
	__u32 series;
};

/*
 * As seen by one CPU. There is no counter beside the buckets, which could differ from
 * them in the middle of an operation.
 */
struct lat_stat {
	__u64 untimed;		/* the event was switched on during the operation */
	__u64 sum_ns;
	__u64 max_ns;
	char comm[16];		/* with LAT_BY_PROCESS */
	__u32 hist[HIST_SLOTS];
};

_Static_assert(sizeof(struct lat_stat) == 2024, "memory of the map is documented");

#endif
