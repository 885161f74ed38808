// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioasid_testiommu: a driver of a simulated device, as far as it does DMA. Whatever
 * user space asks for, addresses are those of memory allocated here, or of none.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/ioasid_sim.h>
#include <linux/ioasid_sim_kernel.h>

#include "testiommu.h"

/* Beyond what any machine has, and below what an entry could say. */
#define NOWHERE		(1ULL << 51)

static bool in_buffer(u64 at, u64 size)
{
	return size <= TESTIOMMU_BUFFER && at <= TESTIOMMU_BUFFER - size;
}

/* The simulator need not be there for everything else here. */
static int kernel_dma(struct device *dev, struct ioasid_sim_request *req)
{
	int (*dma)(struct device *dev, struct ioasid_sim_request *req);
	int rc;

	dma = symbol_get(ioasid_sim_kernel_dma);
	if (!dma)
		return -EOPNOTSUPP;
	rc = dma(dev, req);
	symbol_put(ioasid_sim_kernel_dma);
	return rc;
}

static long dma_and_back(struct ti_file *file, const struct testiommu_op *op,
			 struct ioasid_sim_request *req, void *buffer)
{
	void __user *user = u64_to_user_ptr(op->addr);
	int rc;

	if (copy_from_user(buffer, user, TESTIOMMU_BUFFER))
		return -EFAULT;
	rc = kernel_dma(file->dev, req);
	if (rc)
		return rc;
	return copy_to_user(user, buffer, TESTIOMMU_BUFFER) ? -EFAULT :
							      req->status;
}

long ti_op_dma(struct ti_file *file, const struct testiommu_op *op)
{
	struct ioasid_sim_request req = {
		.op = op->type,
		.len = op->size,
		.arg = op->value,
	};
	void *buffer;
	long rc;

	if (!in_buffer(op->iova, op->size) ||
	    (op->type == IOASID_SIM_OP_COPY && !in_buffer(op->value, op->size)))
		return -EINVAL;
	buffer = alloc_pages_exact(TESTIOMMU_BUFFER, GFP_KERNEL | __GFP_ZERO);
	if (!buffer)
		return -ENOMEM;
	req.iova = op->flags & TESTIOMMU_NOWHERE ? NOWHERE :
		   virt_to_phys(buffer) + op->iova;
	if (op->type == IOASID_SIM_OP_COPY)
		req.arg += virt_to_phys(buffer);
	rc = dma_and_back(file, op, &req, buffer);
	free_pages_exact(buffer, TESTIOMMU_BUFFER);
	return rc;
}
