/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What /dev/ioasid-testiommu takes: an in-kernel user of the IOMMU API on command,
 * for one device, with domains of its own. Arguments are structs testiommu_op;
 * results are 0, a number, or -1 with errno. Closing the file undoes everything.
 *
 * The device must be somebody's already (bound to an ioasid fd), or what is attached
 * here collides with the kernel's own use of it. It must stay so until all PASIDs
 * and handles are detached here.
 */
#ifndef IOASID_TESTIOMMU_H
#define IOASID_TESTIOMMU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TESTIOMMU_NODE		"/dev/ioasid-testiommu"
#define TESTIOMMU_DOMAINS	8
#define TESTIOMMU_NO_PASID	0

struct testiommu_op {
	__u32 domain;
	__u32 pasid;		/* or TESTIOMMU_NO_PASID */
	__u32 flags;
#define TESTIOMMU_FAULTABLE	(1 << 0)	/* ALLOC: has a fault handler */
#define TESTIOMMU_NESTED	(1 << 1)	/* ALLOC: on the domain @domain */
#define TESTIOMMU_SVA		(1 << 2)	/* ALLOC: the caller's address space */
#define TESTIOMMU_IDENTITY	(1 << 3)	/* ALLOC: the driver's only one; alone */
#define TESTIOMMU_WRITE		(1 << 0)	/* MAP */
#define TESTIOMMU_NO_HANDLE	(1 << 0)	/* ATTACH: the core can report nothing */
#define TESTIOMMU_KEEP		(1 << 0)	/* DIRTY: do not clear */
#define TESTIOMMU_NOWHERE	(1 << 0)	/* DMA: to an address without memory */
	__u32 type;		/* ALLOC: of the data at addr */
	__u64 value;		/* see below */
	__u64 iova;
	__u64 addr;		/* user memory */
	__u64 size;
};

#define TESTIOMMU_PAGES	16

struct testiommu_fault {
	__u32 domain;
	__u32 pasid;
	__u32 group;
	__u32 cookie;
	__u32 nr;
	__u32 perm;		/* IOMMU_FAULT_PERM_* of the first page */
#define TESTIOMMU_PERM_READ	(1 << 0)
#define TESTIOMMU_PERM_WRITE	(1 << 1)
#define TESTIOMMU_PERM_EXEC	(1 << 2)
#define TESTIOMMU_PERM_PRIV	(1 << 3)
	__u64 addr[TESTIOMMU_PAGES];
};

/* The name of the platform device is at addr; once, before anything else. */
#define TESTIOMMU_DEVICE	_IOW('J', 0, struct testiommu_op)
/*
 * value: IOMMU_HWPT_ALLOC_*. A nested domain's data: type, addr, size. With SVA only
 * where SVA_BIND is EOPNOTSUPP whatever the driver can do. Returns a number.
 */
#define TESTIOMMU_ALLOC		_IOW('J', 1, struct testiommu_op)
/* A domain that is nowhere attached any more. */
#define TESTIOMMU_FREE		_IOW('J', 2, struct testiommu_op)
/* Pins size bytes at addr and maps them. */
#define TESTIOMMU_MAP		_IOW('J', 3, struct testiommu_op)
/* Undoes one MAP, by its iova. */
#define TESTIOMMU_UNMAP		_IOW('J', 4, struct testiommu_op)
#define TESTIOMMU_ATTACH	_IOW('J', 5, struct testiommu_op)
/* Whatever domain is attached to the device or PASID. */
#define TESTIOMMU_DETACH	_IOW('J', 6, struct testiommu_op)
/* What is attached without PASID gives way to @domain, without a gap. */
#define TESTIOMMU_REPLACE	_IOW('J', 7, struct testiommu_op)
/* value: page requests of the device on or off; EOPNOTSUPP: not for users to say */
#define TESTIOMMU_FEATURE	_IOW('J', 8, struct testiommu_op)
/* Waits for the next group of faults; ENODATA: there will be none (MODE). */
#define TESTIOMMU_FAULT		_IOR('J', 9, struct testiommu_fault)
/* value: the cookie; type: enum iommu_page_response_code. ENOENT: detached since */
#define TESTIOMMU_RESPOND	_IOW('J', 10, struct testiommu_op)
/* value: what the handler does with faults */
#define TESTIOMMU_MODE		_IOW('J', 11, struct testiommu_op)
#define TESTIOMMU_PASS		0	/* hand over to TESTIOMMU_FAULT */
#define TESTIOMMU_HOLD		1	/* wait for another mode */
#define TESTIOMMU_REFUSE	2	/* fail */
#define TESTIOMMU_END		3	/* PASS, but those who wait for one need not */
/* value: dirty tracking on or off */
#define TESTIOMMU_TRACK		_IOW('J', 12, struct testiommu_op)
/* A bit for each 4 KiB from iova on goes to addr, whole words; how many are set. */
#define TESTIOMMU_DIRTY		_IOW('J', 13, struct testiommu_op)
/* The address that iova leads to, or 0, goes to addr. */
#define TESTIOMMU_PHYS		_IOW('J', 14, struct testiommu_op)

/* The caller's address space for the device; its PASID. One at a time. */
#define TESTIOMMU_SVA_BIND	_IOW('J', 15, struct testiommu_op)
#define TESTIOMMU_SVA_UNBIND	_IOW('J', 16, struct testiommu_op)

/*
 * The device does DMA for the kernel, at addresses of memory of this module, which no
 * one else has: a buffer of TESTIOMMU_BUFFER bytes. What it holds is exchanged with
 * the bytes at addr: before and after it. type: enum ioasid_sim_op, iova: where in the
 * buffer, size: how much of it; value: @arg of the request; of a COPY where in the
 * buffer, too. Returns the request's status. EBUSY: the device's file is open.
 */
#define TESTIOMMU_DMA		_IOW('J', 17, struct testiommu_op)
#define TESTIOMMU_BUFFER	16384

#endif /* IOASID_TESTIOMMU_H */
