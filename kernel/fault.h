/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __IOASID_FAULT_H
#define __IOASID_FAULT_H
#include "ioasid_private.h"
enum why { WHY_USER = 1, WHY_KERNEL, WHY_OVERFLOW, WHY_TIMEOUT, WHY_DETACH, WHY_CLOSE };
struct ioasid_pending {
	struct list_head entry;
	struct ioasid_attachment *at;
	struct iopf_group *group;
	u64 id;
};
int ioasid_fault_handler(struct iopf_group *group);
void ioasid_faults_init(struct ioasid_faults *f, u32 limit);
struct ioasid_pending *ioasid_fault_take(struct ioasid_faults *f, struct ioasid_attachment *at, struct iopf_group *group);
void ioasid_fault_answer(struct ioasid_faults *f, struct ioasid_pending *p, enum iommu_page_response_code code, enum why);
void ioasid_faults_cancel(struct ioasid_faults *f, struct ioasid_attachment *at, enum why);
struct ioasid_pending *ioasid_fault_find(struct ioasid_faults *f, u64 id);
int ioasid_mirror_fault(struct ioasid_attachment *at, struct iopf_group *group);
struct ioasid_faults *ioasid_mirror_faults(struct ioasid_mirror *mirror);
#endif
