// SPDX-License-Identifier: GPL-2.0-only
/*
 * The identity domain: IOVAs are addresses of memory, all of it. What passes such a
 * domain must come from the kernel. So requests of a device's user do not, wherever
 * the device is attached, by whomever: sim_identity_translate() is the only way
 * there, and only ioasid_sim_kernel_dma() gets past it, for other modules.
 *
 * Nothing is cached, as there is nothing to look for.
 */
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/ioasid_sim_kernel.h>

#include "sim.h"

/**
 * sim_identity_translate() - where an access goes whose device is not translated
 * @x: the access
 */
enum ioasid_sim_status sim_identity_translate(struct sim_xlate *x)
{
	if (!x->kernel)
		return IOASID_SIM_BLOCKED;
	if (!sim_touchable(x->va))
		return IOASID_SIM_FAULT_ADDRESS;
	x->pa = x->va;
	return IOASID_SIM_OK;
}

static int kernel_dma(struct device *parent, struct ioasid_sim_request *req,
		      void *bounce)
{
	struct sim_device *dev;
	int rc;

	guard(device)(parent);
	dev = sim_whole_device(parent);
	if (!dev)
		return -ENODEV;
	/* Like a user, and instead of one. */
	rc = ioasid_devfd_open(&dev->devfd);
	if (rc)
		return rc;
	sim_execute_kernel(dev, req, bounce);
	ioasid_devfd_release(&dev->devfd);
	return 0;
}

/**
 * ioasid_sim_kernel_dma() - a simulated device does DMA for the kernel
 * @dev: the device, as its bus has it; nobody has its file open
 * @req: what it does; @status and @result are filled in
 *
 * Through whatever domain it is attached to. The memory of the device is what this
 * left there, until a user opens it and finds zeroes. It does not wait for pages.
 *
 * Context: may sleep; @dev is not locked.
 * Return: 0 when it was carried out, whatever became of it; EBUSY when it has a user,
 * ENODEV when it is not a simulated device.
 */
int ioasid_sim_kernel_dma(struct device *dev, struct ioasid_sim_request *req)
{
	void *bounce = (void *)__get_free_page(GFP_KERNEL);
	int rc;

	if (!bounce)
		return -ENOMEM;
	rc = kernel_dma(dev, req, bounce);
	free_page((unsigned long)bounce);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_sim_kernel_dma);
