/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * I/O page faults (RFC v1 5.6, v2 4.6): a queue of records which the kernel writes
 * and one consumer reads, and the answers.
 *
 * A queue is a file. Spaces are given one when they get their table
 * (IOASID_ALLOC_FAULT_QUEUE, IOASID_BIND_FAULT_QUEUE); many may share one. Records
 * come by mmap(2) of the ring, or by read(2), not both at once. poll(2) says POLLIN
 * while there are any; an eventfd, if one was given, is raised with each group.
 *
 * Page requests come in groups: the device asks for several pages at once, waits, and
 * gets one answer for them all. The records of a group follow each other in the
 * queue, the last one has IOASID_FAULT_LAST; a group is there as a whole or not at
 * all. What nobody answers in time, the kernel answers with IOASID_FAULT_INVALID:
 * when there is no room in the ring, when too many are unanswered, after the
 * timeout, when the device is detached and when the queue is closed, be it because
 * its process dies. Each is counted, and no device waits for ever.
 */
#ifndef _UAPI_LINUX_IOASID_FAULT_H
#define _UAPI_LINUX_IOASID_FAULT_H

#include <linux/ioasid.h>

/**
 * struct ioasid_fault_queue_alloc - ioctl(IOASID_FAULT_QUEUE_ALLOC)
 * @argsz: sizeof(struct ioasid_fault_queue_alloc)
 * @flags: IOASID_FAULT_QUEUE_EVENTFD
 * @entries: records in the ring, a power of two, 8..65536
 * @eventfd: with that flag an eventfd, else 0
 * @queue_limit: groups of the queue that may wait for an answer, up to 65536;
 *               0: 4096
 * @space_limit: of one space; 0: 1024
 * @device_limit: of one device; 0: 512
 * @timeout_ms: time for an answer in ms, up to 600000; 0: 10000
 *
 * Returns a file descriptor (close-on-exec). A limit beyond which a group comes means
 * that it is answered with IOASID_FAULT_INVALID at once and not reported.
 */
struct ioasid_fault_queue_alloc {
	__u32	argsz;
	__u32	flags;
#define IOASID_FAULT_QUEUE_EVENTFD	(1 << 0)
	__u32	entries;
	__s32	eventfd;
	__u32	queue_limit;
	__u32	space_limit;
	__u32	device_limit;
	__u32	timeout_ms;
};

#define IOASID_FAULT_QUEUE_ALLOC	_IO(IOASID_TYPE, IOASID_BASE + 14)

enum ioasid_fault_type {
	IOASID_FAULT_PAGE_REQUEST	= 1,	/* the device waits for an answer */
	IOASID_FAULT_UNRECOVERABLE	= 2,	/* the access has failed */
};

/**
 * struct ioasid_fault - one record of a queue
 * @seq: of records of this queue, from 0: records that were dropped have numbers, too
 * @time_ns: when the kernel was told, CLOCK_MONOTONIC
 * @id: of a page request: its group, for the answer; never used again in this queue.
 *      0 in others
 * @cookie: label of the device
 * @addr: IOVA; of a page request that of the page
 * @ioasid: the space
 * @pasid: with IOASID_FAULT_PASID: as the user knows it
 * @group: of a page request: the device's own number of the group (PRG index)
 * @type: enum ioasid_fault_type
 * @flags: IOASID_FAULT_*
 * @perm: IOASID_FAULT_PERM_*: what the device wanted to do
 * @__reserved: 0
 */
struct ioasid_fault {
	__u64	seq;
	__u64	time_ns;
	__u64	id;
	__u64	cookie;
	__u64	addr;
	__u32	ioasid;
	__u32	pasid;
	__u32	group;
	__u16	type;
	__u16	flags;
#define IOASID_FAULT_LAST		(1 << 0)	/* of a group */
#define IOASID_FAULT_PASID		(1 << 1)	/* @pasid is valid */
#define IOASID_FAULT_NO_DEVICE		(1 << 2)	/* @cookie is not: several are possible */
	__u32	perm;
#define IOASID_FAULT_PERM_READ		(1 << 0)
#define IOASID_FAULT_PERM_WRITE		(1 << 1)
#define IOASID_FAULT_PERM_EXEC		(1 << 2)
#define IOASID_FAULT_PERM_PRIV		(1 << 3)
	__u32	__reserved;
};

/**
 * struct ioasid_fault_ring - first page of the ring
 * @head: records written, modulo 2^32; by the kernel
 * @entries: as asked for
 * @record_size: bytes from one record to the next
 * @record_offset: bytes from here to the first
 * @dropped: records that found no room, or were beyond a limit; by the kernel
 * @tail: records read, modulo 2^32; by the consumer
 *
 * mmap(2) shared, from offset 0 on, at most record_offset + entries * record_size
 * bytes. Record n is at record_offset + n % entries * record_size. The consumer reads
 * @head with acquire semantics, then records @tail to @head - 1, then writes @tail
 * with release semantics; the kernel does the reverse. A @tail which cannot be right
 * is taken for a full ring, until it is.
 */
struct ioasid_fault_ring {
	__u32	head;
	__u32	entries;
	__u32	record_size;
	__u32	record_offset;
	__u64	dropped;
	__u8	__reserved[40];
	__u32	tail;
};

enum ioasid_fault_code {
	IOASID_FAULT_SUCCESS	= 0,	/* the device may try again */
	IOASID_FAULT_INVALID	= 1,	/* its access fails */
};

/**
 * struct ioasid_fault_response - answer to a group
 * @id: of the records
 * @cookie: theirs as well
 * @ioasid: and this; no group that differs from them is answered
 * @code: enum ioasid_fault_code
 */
struct ioasid_fault_response {
	__u64	id;
	__u64	cookie;
	__u32	ioasid;
	__u32	code;
};

/**
 * struct ioasid_fault_respond - ioctl(IOASID_FAULT_RESPOND), of the queue's file
 * @argsz: sizeof(struct ioasid_fault_respond)
 * @flags: 0
 * @nr: in: number of answers, 1..IOASID_MAX_FAULT_RESPONSES; out: how many were given
 * @__reserved: 0
 * @responses: address of an array of struct ioasid_fault_response
 *
 * In their order; the first one that is refused ends it, and @nr says how many were
 * given before. EINVAL for a group that is not there or was answered already, by
 * whomever, for a cookie or a space that is not the group's, and for another code.
 */
#define IOASID_MAX_FAULT_RESPONSES	4096

struct ioasid_fault_respond {
	__u32	argsz;
	__u32	flags;
	__u32	nr;
	__u32	__reserved;
	__u64	responses;
};

#define IOASID_FAULT_RESPOND	_IO(IOASID_TYPE, IOASID_BASE + 15)

/* What tracepoints say: who is to answer a page request, */
enum ioasid_fault_to {
	IOASID_FAULT_TO_USER	= 1,	/* a queue of user space */
	IOASID_FAULT_TO_KERNEL	= 2,	/* kinds MIRROR and SVA */
};

/* and who did, and why. */
enum ioasid_fault_why {
	IOASID_FAULT_WHY_USER		= 1,
	IOASID_FAULT_WHY_KERNEL		= 2,
	IOASID_FAULT_WHY_OVERFLOW	= 3,	/* no room in the ring, or beyond a limit */
	IOASID_FAULT_WHY_TIMEOUT	= 4,
	IOASID_FAULT_WHY_DETACH		= 5,
	IOASID_FAULT_WHY_CLOSE		= 6,	/* of the queue */
	IOASID_FAULT_WHY_POLICY		= 7,	/* of BPF programs, docs/bpf.md */
};

#endif /* _UAPI_LINUX_IOASID_FAULT_H */
