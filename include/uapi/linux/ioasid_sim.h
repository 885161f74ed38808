/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The software IOMMU of ioasid_sim and the devices behind it.
 *
 * /dev/ioasid-sim makes and removes instances: an IOMMU of its own with devices
 * of its own, visible to the kernel as any other (/sys/class/iommu,
 * /sys/kernel/iommu_groups). Each device has a node
 * /dev/ioasid-devices/simN.M (instance N, device M) which takes the four
 * commands of <linux/ioasid.h> and, once bound, those at the end of this file.
 * So has each sub-device: simN.M.S is part S of device M.
 *
 * The conventions and errors are those of <linux/ioasid.h>.
 */
#ifndef _UAPI_LINUX_IOASID_SIM_H
#define _UAPI_LINUX_IOASID_SIM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOASID_SIM_TYPE	(';')
#define IOASID_SIM_BASE	0xE0

/* What an instance can do. */
#define IOASID_SIM_CAP_NESTING		(1 << 0)	/* two-stage translation */
#define IOASID_SIM_CAP_PASID		(1 << 1)
#define IOASID_SIM_CAP_ATS		(1 << 2)	/* devices cache translations */
#define IOASID_SIM_CAP_PRI		(1 << 3)	/* devices request pages; needs ATS */
#define IOASID_SIM_CAP_ENFORCE_SNOOP	(1 << 4)
#define IOASID_SIM_CAP_NON_COHERENT	(1 << 5)	/* DMA bypasses CPU caches */
#define IOASID_SIM_CAP_DIRTY		(1 << 6)	/* of kernel-managed tables */
#define IOASID_SIM_CAP_NO_MSI_REMAP	(1 << 7)	/* devices can forge interrupts */

#define IOASID_SIM_MAX_DEVICES	64
#define IOASID_SIM_MAX_RESV	4
#define IOASID_SIM_MAX_SUBDEVICES	16

/* Reserved IOVAs of all devices of an instance. */
struct ioasid_sim_resv {
	__u64	start;
	__u64	last;
	__u32	type;
#define IOASID_SIM_RESV_RESERVED	0
#define IOASID_SIM_RESV_MSI		1
#define IOASID_SIM_RESV_DIRECT		2	/* firmware still uses it */
	__u32	__reserved;
};

/**
 * struct ioasid_sim_create - ioctl(IOASID_SIM_CREATE) on /dev/ioasid-sim
 * @argsz: sizeof(struct ioasid_sim_create)
 * @flags: IOASID_SIM_PERSIST: the instance outlives this file; otherwise it is
 *         removed when the file is closed, whatever its devices do;
 *         IOASID_SIM_GLOBAL_PASIDS: sub-devices have PASIDs of the global pool
 * @caps: IOASID_SIM_CAP_*
 * @addr_width: IOVA bits of kernel-managed tables, 30..57; 0: 48
 * @pgsize_bitmap: leaf sizes of kernel-managed tables, out of 4K, 2M, 1G;
 *                 0: all three
 * @formats: user-managed tables its devices can walk, a bit for each
 *           (1 << enum ioasid_format); 0 with IOASID_SIM_CAP_NESTING: all that
 *           it can have. PASID tables need IOASID_SIM_CAP_PASID
 * @pasid_bits: width of PASIDs, 1..20; 0 without IOASID_SIM_CAP_PASID
 * @nr_devices: 1..IOASID_SIM_MAX_DEVICES
 * @group_size: devices of one IOMMU group; 0: 1
 * @iotlb_sets: sets of the IOTLB, a power of two up to 4096; 0: 64
 * @iotlb_ways: entries of a set, 1..16; 0: 4
 * @nr_resv: entries of @resv
 * @seed: of the IOTLB's pseudo-random replacement
 * @nr_subdevices: parts of each device that can be had instead of it, up to
 *                 IOASID_SIM_MAX_SUBDEVICES; 0 without IOASID_SIM_CAP_PASID
 * @id: out: number of the instance
 * @resv: reserved regions
 * @prq_entries: room in the page request queue, 8..4096; 0: 128, and without
 *               IOASID_SIM_CAP_PRI nothing else
 * @__reserved: 0
 *
 * Return: 0; EPERM without CAP_SYS_ADMIN, ENOSPC when there are too many.
 */
struct ioasid_sim_create {
	__u32	argsz;
	__u32	flags;
#define IOASID_SIM_PERSIST	(1 << 0)
#define IOASID_SIM_GLOBAL_PASIDS	(1 << 1)
	__u32	caps;
	__u32	addr_width;
	__u64	pgsize_bitmap;
	__u32	formats;
	__u32	pasid_bits;
	__u32	nr_devices;
	__u32	group_size;
	__u32	iotlb_sets;
	__u32	iotlb_ways;
	__u32	nr_resv;
	__u32	seed;
	__u32	nr_subdevices;
	__u32	id;
	struct ioasid_sim_resv resv[IOASID_SIM_MAX_RESV];
	__u32	prq_entries;
	__u32	__reserved;
};

#define IOASID_SIM_CREATE	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 0)

/* By value: the number of the instance. Its devices are gone for their users. */
#define IOASID_SIM_DESTROY	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 1)

/**
 * struct ioasid_sim_stats - ioctl(IOASID_SIM_GET_STATS) on /dev/ioasid-sim
 * @argsz: sizeof(struct ioasid_sim_stats)
 * @flags: 0
 * @id: the instance
 * @nr_devices: out: its devices
 * @hits: out: translations the IOTLB had
 * @misses: out: translations it had not
 * @walks: out: page table walks
 * @reads: out: table entries read by walks
 * @dev_hits: out: translations the devices' own TLBs had
 * @invalidations: out: invalidation commands
 * @evictions: out: IOTLB entries replaced by others
 * @faults: out: translations refused
 * @stale: out: accesses through a translation to memory which the kernel-managed
 *         table behind it does not map any more; none of them was carried out
 * @requests: out: DMA requests completed
 * @bytes: out: bytes moved
 * @page_requests: out: pages that devices asked for
 * @page_overflows: out: groups of these for which there was no room, so that the
 *                  IOMMU itself answered: invalid
 * @page_success: out: answers of software to groups: the page is there
 * @page_invalid: out: there is no such page
 * @page_failure: out: something went wrong
 * @page_unexpected: out: answers that no device waited for, or not any more
 * @page_retries: out: accesses tried again after a success
 *
 * @argsz may end with @bytes.
 */
struct ioasid_sim_stats {
	__u32	argsz;
	__u32	flags;
	__u32	id;
	__u32	nr_devices;
	__u64	hits;
	__u64	misses;
	__u64	walks;
	__u64	reads;
	__u64	dev_hits;
	__u64	invalidations;
	__u64	evictions;
	__u64	faults;
	__u64	stale;
	__u64	requests;
	__u64	bytes;
	__u64	page_requests;
	__u64	page_overflows;
	__u64	page_success;
	__u64	page_invalid;
	__u64	page_failure;
	__u64	page_unexpected;
	__u64	page_retries;
};

#define IOASID_SIM_GET_STATS	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 2)

/**
 * struct ioasid_sim_inject - ioctl(IOASID_SIM_INJECT) on /dev/ioasid-sim
 * @argsz: sizeof(struct ioasid_sim_inject)
 * @flags: IOASID_SIM_INJECT_*, what is wrong with the instance from now on
 * @id: the instance
 * @fail_nth: the nth allocation of a table page fails, once; 0: none does
 *
 * An IOMMU which loses invalidations shows what they are for.
 */
struct ioasid_sim_inject {
	__u32	argsz;
	__u32	flags;
#define IOASID_SIM_INJECT_LOSE_IOTLB	(1 << 0)	/* IOTLB invalidations do nothing */
#define IOASID_SIM_INJECT_LOSE_DEVTLB	(1 << 1)	/* device TLB invalidations do nothing */
#define IOASID_SIM_INJECT_LOSE_PASID	(1 << 2)	/* PASID cache invalidations do nothing */
#define IOASID_SIM_INJECT_LOSE_RESPONSE	(1 << 8)	/* answers to page requests do nothing */
#define IOASID_SIM_INJECT_REPEAT_RESPONSE (1 << 9)	/* each comes again, with the next one */
#define IOASID_SIM_INJECT_PRQ_OVERFLOW	(1 << 10)	/* page requests find no room */
	__u32	id;
	__u32	fail_nth;
};

#define IOASID_SIM_INJECT	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 3)

/**
 * struct ioasid_sim_pasids - ioctl(IOASID_SIM_GET_PASIDS) on /dev/ioasid-sim
 * @argsz: sizeof(struct ioasid_sim_pasids)
 * @flags: 0
 * @id: the instance
 * @device: which of its devices
 * @nr: in: room for so many, up to IOASID_SIM_MAX_PASIDS; out: how many there are
 * @__reserved: 0
 * @pasids: address of an array of __u32
 *
 * The PASIDs that the IOMMU has a table for, as they are on the wire, ascending;
 * the first ones, if there are more than there is room for. EPERM without
 * CAP_SYS_ADMIN: users of sub-devices are not told.
 */
#define IOASID_SIM_MAX_PASIDS	4096

struct ioasid_sim_pasids {
	__u32	argsz;
	__u32	flags;
	__u32	id;
	__u32	device;
	__u32	nr;
	__u32	__reserved;
	__u64	pasids;
};

#define IOASID_SIM_GET_PASIDS	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 16)

/*
 * On the node of a device, once it is bound.
 *
 * A device has memory of its own, IOASID_SIM_SRAM bytes, which user space maps
 * at offset 0 of the node; READ moves bytes into it, WRITE out of it.
 */
#define IOASID_SIM_SRAM		(256 * 1024)

enum ioasid_sim_op {
	IOASID_SIM_OP_READ	= 1,	/* @iova -> device memory at @arg */
	IOASID_SIM_OP_WRITE	= 2,	/* device memory at @arg -> @iova */
	IOASID_SIM_OP_COPY	= 3,	/* @iova -> IOVA @arg */
	IOASID_SIM_OP_FILL	= 4,	/* low byte of @arg -> @iova */
	IOASID_SIM_OP_COMPARE	= 5,	/* @iova with device memory at @arg; @result:
					 * offset of the first difference, or @len
					 */
	IOASID_SIM_OP_ADD	= 6,	/* atomic 64-bit: @iova += @arg, @result: before */
	IOASID_SIM_OP_CAS	= 7,	/* atomic 64-bit: if @iova is @arg, then @arg2;
					 * @result: before
					 */
};

/* Why a DMA request did not complete. */
enum ioasid_sim_status {
	IOASID_SIM_OK			= 0,
	IOASID_SIM_BAD_REQUEST		= 1,	/* operation, length or flags */
	IOASID_SIM_BLOCKED		= 2,	/* attached to no address space */
	IOASID_SIM_FAULT_PASID		= 3,	/* no such PASID; no entry of it in a user's
						 * table, or one that cannot be used
						 */
	IOASID_SIM_FAULT_NOT_PRESENT	= 4,	/* in the (first-stage) table */
	IOASID_SIM_FAULT_PERMISSION	= 5,
	IOASID_SIM_FAULT_RESERVED_BITS	= 6,
	IOASID_SIM_FAULT_ADDRESS	= 7,	/* too wide, not canonical */
	IOASID_SIM_FAULT_STAGE2		= 8,	/* output of the first stage */
	IOASID_SIM_FAULT_STAGE2_WALK	= 9,	/* an address of a first-stage or PASID table */
	IOASID_SIM_STALE		= 10,	/* see struct ioasid_sim_stats */
	IOASID_SIM_ABORTED		= 11,	/* the device was unbound or reset, or
						 * stopped waiting for a page
						 */
};

/**
 * struct ioasid_sim_request - one DMA request
 * @op: enum ioasid_sim_op
 * @flags: IOASID_SIM_REQ_*
 * @pasid: with IOASID_SIM_REQ_PASID; of a sub-device as its user attached it
 * @status: out: enum ioasid_sim_status
 * @iova: address
 * @len: bytes, at most IOASID_SIM_SRAM; 8 for atomics, whose @iova is aligned
 * @arg: see enum ioasid_sim_op
 * @arg2: see enum ioasid_sim_op
 * @result: out: see enum ioasid_sim_op; after a fault the address that faulted
 *
 * A request that faults in the middle has moved what came before.
 *
 * With IOASID_SIM_REQ_PRI, and IOASID_SIM_REQ_ATS, a device whose page requests are
 * on asks for what is not present, or not permitted, where the domain has a fault
 * handler: up to 8 pages in a row as one group. It waits for the answer, and tries
 * again when it is success, up to 16 times for a page; otherwise the fault is the
 * status. The wait ends with IOASID_SIM_ABORTED when the domain is taken away, the
 * load is stopped, or, for IOASID_SIM_DMA, when the thread is killed or somebody
 * uses one of the four commands of <linux/ioasid.h> on the device.
 */
struct ioasid_sim_request {
	__u32	op;
	__u32	flags;
#define IOASID_SIM_REQ_PASID	(1 << 0)
#define IOASID_SIM_REQ_ATS	(1 << 1)	/* translate first, use the device's TLB */
#define IOASID_SIM_REQ_PRIV	(1 << 2)	/* privileged */
#define IOASID_SIM_REQ_EXEC	(1 << 3)	/* READ is an instruction fetch */
#define IOASID_SIM_REQ_PRI	(1 << 4)	/* ask for pages; see below */
	__u32	pasid;
	__u32	status;
	__u64	iova;
	__u64	len;
	__u64	arg;
	__u64	arg2;
	__u64	result;
};

/**
 * struct ioasid_sim_dma - ioctl(IOASID_SIM_DMA) on a device
 * @argsz: sizeof(struct ioasid_sim_dma)
 * @flags: 0
 * @nr: in: number of requests, 1..1024; out: how many were carried out
 * @__reserved: 0
 * @requests: address of an array of struct ioasid_sim_request
 *
 * Carries requests out in their order, in the caller's thread; @status and
 * @result of each are written back. Threads may do so side by side.
 */
struct ioasid_sim_dma {
	__u32	argsz;
	__u32	flags;
	__u32	nr;
	__u32	__reserved;
	__u64	requests;
};

#define IOASID_SIM_DMA	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 4)

/**
 * struct ioasid_sim_load - ioctl(IOASID_SIM_START) on a device
 * @argsz: sizeof(struct ioasid_sim_load)
 * @flags: 0
 * @threads: kernel threads that do it, 1..16
 * @nr: number of requests, 1..1024
 * @requests: address of an array of struct ioasid_sim_request
 * @seed: of the order, which is pseudo-random; 0: as given
 *
 * The device goes on carrying the requests out, over and over, until
 * IOASID_SIM_STOP, unbind or close. EBUSY when it is running already.
 */
struct ioasid_sim_load {
	__u32	argsz;
	__u32	flags;
	__u32	threads;
	__u32	nr;
	__u64	requests;
	__u64	seed;
};

#define IOASID_SIM_START	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 5)

/**
 * struct ioasid_sim_load_result - ioctl(IOASID_SIM_STOP) on a device
 * @argsz: sizeof(struct ioasid_sim_load_result)
 * @flags: 0
 * @done: out: requests carried out
 * @status: out: how many of them ended with which status
 *
 * EINVAL when nothing is running.
 */
struct ioasid_sim_load_result {
	__u32	argsz;
	__u32	flags;
	__u64	done;
	__u64	status[16];
};

#define IOASID_SIM_STOP	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 6)

/*
 * Submission and completion ring, as accelerators have them. Both are in memory
 * that user space maps from the device's file; what the user leaves there is
 * believed by nobody: a descriptor is copied once before it is looked at, and
 * of the indices that are his the driver makes nothing but comparisons.
 *
 *	 .-- struct ioasid_sim_ring_head
 *	 |   @sq_offset: @sq_entries of struct ioasid_sim_descriptor
 *	 |   @cq_offset: @cq_entries of struct ioasid_sim_completion
 *
 * Indices count up for ever and wrap around at 2^32; entry i of a ring is at i
 * modulo its size. To submit: write descriptors, move sq_tail (release), then, a
 * full barrier later, look at @flags: with IOASID_SIM_RING_SLEEPS somebody who
 * could work on it sleeps, and IOASID_SIM_DOORBELL wakes him. What is behind
 * sq_head can be written again. To reap: read cq_tail (acquire), completions,
 * then move cq_head (release); and look at @flags in the same way, for workers
 * stop while there is no room for completions of what they would begin. A tail
 * more than the ring's size ahead, or a head that is, stops them too, until it
 * is right again and the doorbell rings.
 */
#define IOASID_SIM_RING_MAX_SQ		4096
#define IOASID_SIM_RING_MAX_CQ		8192
#define IOASID_SIM_RING_MAX_WORKERS	16

struct ioasid_sim_ring_head {
	__u32	sq_head;	/* the driver's: descriptors copied */
	__u32	cq_tail;	/* the driver's: completions written */
	__u32	flags;		/* the driver's: */
#define IOASID_SIM_RING_SLEEPS	(1 << 0)
	__u32	__reserved[13];
	__u32	sq_tail;	/* the user's: descriptors written */
	__u32	cq_head;	/* the user's: completions read */
	__u32	__reserved2[14];
};

/**
 * struct ioasid_sim_descriptor - a request
 * @op: enum ioasid_sim_op
 * @flags: IOASID_SIM_REQ_*, and IOASID_SIM_DESC_FENCE: it begins when everything
 *         before it is complete, and what is behind it begins when it is
 * @pasid: as in struct ioasid_sim_request
 * @__reserved: 0
 * @iova: as there
 * @len: as there
 * @arg: as there
 * @arg2: as there
 * @user_data: handed back with the completion
 * @__reserved2: 0
 *
 * Without fences requests are carried out side by side, in no order.
 */
struct ioasid_sim_descriptor {
	__u32	op;
	__u32	flags;
#define IOASID_SIM_DESC_FENCE	(1U << 31)
	__u32	pasid;
	__u32	__reserved;
	__u64	iova;
	__u64	len;
	__u64	arg;
	__u64	arg2;
	__u64	user_data;
	__u64	__reserved2;
};

/**
 * struct ioasid_sim_completion - what became of a request
 * @user_data: of the descriptor
 * @status: enum ioasid_sim_status
 * @worker: who did it, from 0 on
 * @result: see enum ioasid_sim_op; after a fault the address that faulted
 * @bytes: moved, or compared, whole pieces of up to a page; also before a fault
 * @ns: how long it took, in nanoseconds
 */
struct ioasid_sim_completion {
	__u64	user_data;
	__u32	status;
	__u32	worker;
	__u64	result;
	__u64	bytes;
	__u64	ns;
};

/**
 * struct ioasid_sim_ring - ioctl(IOASID_SIM_RING) on a device
 * @argsz: sizeof(struct ioasid_sim_ring)
 * @flags: IOASID_SIM_RING_EVENTFD: @eventfd is one, which is told of completions
 * @sq_entries: a power of two, up to IOASID_SIM_RING_MAX_SQ
 * @cq_entries: a power of two, up to IOASID_SIM_RING_MAX_CQ
 * @workers: kernel threads that carry requests out, 1..IOASID_SIM_RING_MAX_WORKERS
 * @eventfd: without the flag 0
 * @offset: out: where in the file the ring is, for a shared mapping
 * @size: out: how large it is
 * @sq_offset: out: in the mapping
 * @cq_offset: out: in the mapping
 *
 * One for each device, until unbind or close; EBUSY when there is one. Data of READ,
 * WRITE and COMPARE is in the device's memory, as with IOASID_SIM_DMA. poll() says
 * POLLIN while there are completions, POLLOUT while there is room for descriptors,
 * and POLLHUP when there is no ring.
 *
 * Unbind, close and destroy end requests that are under way (IOASID_SIM_ABORTED)
 * and forget the others; no completion is written after them.
 */
struct ioasid_sim_ring {
	__u32	argsz;
	__u32	flags;
#define IOASID_SIM_RING_EVENTFD	(1 << 0)
	__u32	sq_entries;
	__u32	cq_entries;
	__u32	workers;
	__s32	eventfd;
	__u64	offset;
	__u64	size;
	__u32	sq_offset;
	__u32	cq_offset;
};

#define IOASID_SIM_RING	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 7)

/* No argument. It is no error to ring it for nothing; EINVAL when there is no ring. */
#define IOASID_SIM_DOORBELL	_IO(IOASID_SIM_TYPE, IOASID_SIM_BASE + 8)

#endif /* _UAPI_LINUX_IOASID_SIM_H */
