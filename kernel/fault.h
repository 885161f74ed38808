/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O page faults on their way from the IOMMU core to whoever answers them.
 *
 *	IOMMU driver, IOMMU core        ioasid                      who answers
 *	iommu_report_device_fault() -> ioasid_fault_handler() -> struct ioasid_faults
 *	ops->page_response()        <- ioasid_fault_answer()  <- queue or mirror
 *
 * The core knows DMA by the handle it was attached with, which leads to a struct
 * ioasid_attachment. Groups of page requests that wait for an answer are a struct
 * ioasid_pending each, in the struct ioasid_faults of a queue of user space or of a
 * space that the kernel serves. Whoever takes one off the list answers it.
 *
 * The core calls the handler in the IOMMU's own thread, and a detach waits for that
 * thread: the handler takes no lock that anybody holds over attach or detach. After a
 * detach nothing new comes, and ioasid_faults_cancel() answers what is left.
 *
 * Locks: faults->lock (sleeping) is held from looking a group up until it has been
 * answered, so that nobody who holds it finds a group that another one is answering;
 * inside of it faults->list_lock, the only one that the handler takes. Both are
 * innermost: whoever detaches holds ctx->lock and space->lock.
 */
#ifndef __IOASID_FAULT_H
#define __IOASID_FAULT_H

#include <linux/hashtable.h>
#include <linux/ioasid_fault.h>

#include "ioasid_private.h"

/**
 * struct ioasid_pending - a group of page requests without an answer
 * @entry: in faults->pending, in order of arrival
 * @at_entry: in at->pending
 * @hash: in faults->ids
 * @at: which DMA; stays until ioasid_faults_cancel()
 * @idev: the device that asked; as long as @at
 * @group: the core's; ours since iopf_group_dequeue()
 * @id: of the group; no other one in the same @faults ever has it
 * @pasid: as the user knows it, or IOASID_NO_PASID
 * @npages: pages that are asked for
 * @addr: the first of them
 * @reported_ns: when the core told us
 * @delivered_ns: when it had been handed on
 */
struct ioasid_pending {
	struct list_head entry;
	struct list_head at_entry;
	struct hlist_node hash;
	struct ioasid_attachment *at;
	struct ioasid_device *idev;
	struct iopf_group *group;
	u64 id;
	u32 pasid;
	u32 npages;
	u64 addr;
	u64 reported_ns;
	u64 delivered_ns;
};

/**
 * struct ioasid_faults - groups that wait for an answer
 * @lock: see above
 * @list_lock: of what follows
 * @pending: struct ioasid_pending, oldest first
 * @ids: the same by @id
 * @last_id: number given last
 * @nr: how many
 * @limit: of them
 * @space_limit: of one space
 * @device_limit: of one device
 * @closed: there will be no more answers
 */
struct ioasid_faults {
	struct mutex lock;		/* see above */
	spinlock_t list_lock;		/* see above */
	struct list_head pending;
	DECLARE_HASHTABLE(ids, 8);
	u64 last_id;
	u32 nr;
	u32 limit;
	u32 space_limit;
	u32 device_limit;
	bool closed;
};

void ioasid_faults_init(struct ioasid_faults *f);
void ioasid_faults_exit(struct ioasid_faults *f);
struct ioasid_pending *ioasid_pending_new(struct ioasid_attachment *at,
					  struct iopf_group *group);
int ioasid_fault_enter(struct ioasid_faults *f, struct ioasid_pending *p);
void ioasid_fault_refuse(struct ioasid_pending *p, u32 to, int result);
u64 ioasid_fault_take(struct ioasid_faults *f, struct ioasid_attachment *at,
		      struct iopf_group *group);
struct ioasid_pending *ioasid_fault_find(struct ioasid_faults *f, u64 id);
void ioasid_fault_answer(struct ioasid_faults *f, struct ioasid_pending *p,
			 enum iommu_page_response_code code, u32 why);
void ioasid_faults_cancel(struct ioasid_faults *f, struct ioasid_attachment *at,
			  u32 why);
int ioasid_fault_handler(struct iopf_group *group);

/* Queues of user space, see fault_queue.c */
void ioasid_queue_fault(struct ioasid_attachment *at, struct iopf_group *group);
void ioasid_queue_unrecoverable(struct ioasid_queue *queue,
				struct ioasid_fault *record);
struct ioasid_faults *ioasid_queue_faults(struct ioasid_queue *queue);

/* Spaces that the kernel serves, see mirror_fault.c */
static inline bool
ioasid_space_faults_to_kernel(const struct ioasid_space *space)
{
	return space->mirror && space->asks;
}

void ioasid_mirror_fault(struct ioasid_attachment *at, struct iopf_group *group);
struct ioasid_faults *ioasid_mirror_faults(struct ioasid_space *space);

#endif /* __IOASID_FAULT_H */
