/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/ioasid_testperf: the least that a mapping can cost, and a machine that
 * holds still while it is measured. Part of ioasidperf, never of the driver.
 */
#ifndef IOASID_TESTPERF_H
#define IOASID_TESTPERF_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TESTPERF_NODE		"/dev/ioasid_testperf"
#define TESTPERF_MAX_PAGES	65536

/* The PCI function whose IOMMU is used; it must have no driver. Once for an open file. */
struct testperf_device {
	char name[32];
};

/* One mapping, made and undone; what each phase took, by the processor's counter. */
struct testperf_round {
	__u64 vaddr;
	__u64 iova;
	__u64 size;
	__u64 pin, map, unmap, unpin;
	__u64 runs;		/* calls of iommu_map() */
};

#define TESTPERF_DEVICE	_IOW('p', 1, struct testperf_device)
#define TESTPERF_ROUND	_IOWR('p', 2, struct testperf_round)
/*
 * Argument 1: no timer interrupt from now on, 0: again. Only on one processor. Who
 * sleeps in between sleeps for ever.
 */
#define TESTPERF_QUIET	_IO('p', 3)

#endif
