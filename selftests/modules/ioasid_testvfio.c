// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every simulated device is a VFIO device as well, with real DMA behind an IOMMU,
 * as functions of a PCI device are: its group can be put into a container, and it
 * does DMA on command. For tests only.
 *
 * The driver of simulated devices keeps its own door, but owns no DMA while nobody
 * is there.
 */
#include <linux/device.h>
#include <linux/ioasid_sim_kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "ioasid_testvfio.h"

struct testvfio {
	struct vfio_device vdev;
	struct list_head entry;
};

static LIST_HEAD(devices);
static DEFINE_MUTEX(devices_lock);

static int testvfio_open(struct vfio_device *vdev)
{
	return 0;
}

/* Nothing here keeps the simulator, whose devices come and go. */
static int sim_dma(struct device *dev, struct ioasid_sim_request *req)
{
	int (*dma)(struct device *dev, struct ioasid_sim_request *req);
	int rc;

	dma = symbol_get(ioasid_sim_kernel_dma);
	if (!dma)
		return -ENODEV;
	rc = dma(dev, req);
	symbol_put(ioasid_sim_kernel_dma);
	return rc;
}

static long testvfio_ioctl(struct vfio_device *vdev, unsigned int cmd,
			   unsigned long arg)
{
	void __user *ureq = (void __user *)arg;
	struct ioasid_sim_request req;
	int rc;

	if (cmd != TESTVFIO_DMA)
		return -ENOTTY;
	if (copy_from_user(&req, ureq, sizeof(req)))
		return -EFAULT;
	rc = sim_dma(vdev->dev, &req);
	if (rc)
		return rc;
	return copy_to_user(ureq, &req, sizeof(req)) ? -EFAULT : 0;
}

static const struct vfio_device_ops testvfio_ops = {
	.name = "ioasid-testvfio",
	.open_device = testvfio_open,
	.ioctl = testvfio_ioctl,
	/* NULL on kernels without iommufd, required on others */
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
};

static bool is_sim(const struct device *dev)
{
	return dev->driver && !strcmp(dev->driver->name, "ioasid_sim");
}

static void add_device(struct device *dev)
{
	struct testvfio *t;
	int rc;

	t = vfio_alloc_device(testvfio, vdev, dev, &testvfio_ops);
	rc = PTR_ERR_OR_ZERO(t);
	if (!rc) {
		rc = vfio_register_group_dev(&t->vdev);
		if (rc)
			vfio_put_device(&t->vdev);
	}
	if (rc) {
		dev_warn(dev, "ioasid_testvfio: %d\n", rc);
		return;
	}
	mutex_lock(&devices_lock);
	list_add_tail(&t->entry, &devices);
	mutex_unlock(&devices_lock);
}

/* Any of all if @dev is NULL */
static struct testvfio *take_device(const struct device *dev)
{
	struct testvfio *t;

	guard(mutex)(&devices_lock);
	list_for_each_entry(t, &devices, entry) {
		if (!dev || t->vdev.dev == dev) {
			list_del(&t->entry);
			return t;
		}
	}
	return NULL;
}

/* Waits until nobody has it open. */
static void remove_device(struct testvfio *t)
{
	vfio_unregister_group_dev(&t->vdev);
	vfio_put_device(&t->vdev);
}

static int bus_changed(struct notifier_block *nb, unsigned long action,
		       void *data)
{
	struct device *dev = data;
	struct testvfio *t;

	if (action == BUS_NOTIFY_BOUND_DRIVER && is_sim(dev))
		add_device(dev);
	/* Before its lock is held, for which requests under way may wait. */
	if (action == BUS_NOTIFY_DEL_DEVICE) {
		t = take_device(dev);
		if (t)
			remove_device(t);
	}
	return NOTIFY_DONE;
}

static struct notifier_block bus_notifier = {
	.notifier_call = bus_changed,
};

/* Devices that are there already are nobody's business. */
static int __init testvfio_init(void)
{
	return bus_register_notifier(&platform_bus_type, &bus_notifier);
}
module_init(testvfio_init);

static void __exit testvfio_exit(void)
{
	struct testvfio *t;

	bus_unregister_notifier(&platform_bus_type, &bus_notifier);
	while ((t = take_device(NULL)))
		remove_device(t);
}
module_exit(testvfio_exit);

MODULE_DESCRIPTION("Simulated devices as VFIO devices, for tests of ioasid");
MODULE_AUTHOR("The ioasid authors");
MODULE_LICENSE("GPL");
