/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ioasid_testdev takes on its VFIO device fd. Arguments are structs
 * testdev_op; results are 0, a number, or -1 with errno.
 */
#ifndef IOASID_TESTDEV_H
#define IOASID_TESTDEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TESTDEV_READ	1
#define TESTDEV_WRITE	2
#define TESTDEV_RW_MAX	65536

struct testdev_op {
	__u64 iova;
	__u64 data;	/* user memory of size bytes */
	__u32 size;
	__u32 npages;
	__u32 prot;	/* TESTDEV_READ, TESTDEV_WRITE */
	__u32 reserved;
};

/* Pins npages from iova on with vfio_pin_pages(); returns how many. */
#define TESTDEV_PIN		_IOW('T', 0, struct testdev_op)
/* Undoes one PIN with the same iova and npages; ENOENT. */
#define TESTDEV_UNPIN		_IOW('T', 1, struct testdev_op)
/* Passes iova and npages to vfio_unpin_pages() whatever was pinned. */
#define TESTDEV_UNPIN_RAW	_IOW('T', 2, struct testdev_op)
/* Copies to (prot WRITE) or from pinned pages, by the pages that PIN gave. */
#define TESTDEV_TOUCH		_IOW('T', 3, struct testdev_op)
/* The same with vfio_dma_rw(). */
#define TESTDEV_DMA_RW		_IOW('T', 4, struct testdev_op)
/* By value: 1 keeps its pages when told to unpin, 0 (default) lets go. */
#define TESTDEV_STUBBORN	_IO('T', 5)
/* The iova it writes 8 bytes to, with vfio_dma_rw(), when it is told to unpin next. */
#define TESTDEV_LAST_WRITE	_IOW('T', 7, struct testdev_op)
/* How often it was told to unpin, since it was opened. */
#define TESTDEV_NOTIFIED	_IO('T', 6)

#endif /* IOASID_TESTDEV_H */
