/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioasid_testiommu: what its parts know of each other.
 *
 *	testiommu_file.c	the file, and which device it is for
 *	testiommu_domains.c	domains, what they map, dirty tracking
 *	testiommu_attach.c	where domains are attached, processes
 *	testiommu_faults.c	page requests
 *	testiommu_identity.c	DMA of the kernel's own
 */
#ifndef TESTIOMMU_H
#define TESTIOMMU_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "ioasid_testiommu.h"

struct ti_domain {
	struct iommu_domain *domain;
	struct list_head maps;
	unsigned int users;
};

/* An ATTACH */
struct ti_attach {
	struct iommu_attach_handle handle;
	struct list_head entry;
	struct ti_file *file;
	u32 domain;
	u32 pasid;
	bool no_handle;
};

struct ti_file {
	struct mutex lock;		/* all but faults; never taken by the handler */
	struct device *dev;
	struct iommu_group *group;
	struct ti_domain *domains[TESTIOMMU_DOMAINS];
	struct list_head attaches;
	struct iommu_sva *sva;

	spinlock_t fault_lock;		/* below */
	struct list_head fresh;		/* groups nobody has seen, */
	struct list_head seen;		/* and those that wait for RESPOND */
	u32 cookie;
	u32 mode;
	wait_queue_head_t wait;
};

/* Domains */
struct ti_domain *ti_find_domain(struct ti_file *file, u32 nr);
void ti_drop_domain(struct ti_file *file, u32 nr);
long ti_op_alloc(struct ti_file *file, const struct testiommu_op *op);
long ti_op_free(struct ti_file *file, const struct testiommu_op *op);
long ti_op_map(struct ti_file *file, const struct testiommu_op *op);
long ti_op_unmap(struct ti_file *file, const struct testiommu_op *op);
long ti_op_phys(struct ti_file *file, const struct testiommu_op *op);
long ti_op_track(struct ti_file *file, const struct testiommu_op *op);
long ti_op_dirty(struct ti_file *file, const struct testiommu_op *op);

/* Attaching */
void ti_detach_all(struct ti_file *file);
long ti_op_attach(struct ti_file *file, const struct testiommu_op *op);
long ti_op_detach(struct ti_file *file, const struct testiommu_op *op);
long ti_op_replace(struct ti_file *file, const struct testiommu_op *op);
long ti_op_sva_bind(struct ti_file *file);
long ti_op_sva_unbind(struct ti_file *file);

/* Faults */
int ti_handle(struct iopf_group *group);
void ti_drop_groups(struct ti_file *file, struct ti_attach *at);
long ti_op_fault(struct ti_file *file, struct testiommu_fault __user *ufault);
long ti_op_respond(struct ti_file *file, const struct testiommu_op *op);
long ti_op_mode(struct ti_file *file, const struct testiommu_op *op);

/* DMA of the kernel's own */
long ti_op_dma(struct ti_file *file, const struct testiommu_op *op);

#endif /* TESTIOMMU_H */
