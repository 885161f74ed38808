// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI functions as /dev/ioasid sees them: one node per function,
 * /dev/ioasid-devices/0000:00:02.0, whose file takes the commands of
 * kernel/devfd.c and, once bound, VFIO's ordinary device ioctls.
 *
 * Everything about PCI is done by vfio_pci_core. The function is registered with
 * VFIO as well, because that is what vfio_pci_core needs (runtime PM, the set of
 * functions reset together) and because it makes its group viable for owners of
 * the other members; but VFIO hands out no fd for it. Who owns the DMA is decided
 * by the IOMMU group's owner: a VFIO container that has the group makes our bind
 * fail, and the other way round.
 */
#include <linux/fs.h>
#include <linux/ioasid.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/uaccess.h>
#include <linux/vfio_pci_core.h>

#include "compat.h"

/**
 * struct ioasid_pci_device - a PCI function
 * @core: VFIO's part, which holds the memory; first, as vfio_alloc_device() asks
 * @node: in /dev/ioasid-devices; holds @core
 * @devfd: state of the file
 * @mapping: held while a mapping is made; taken inside mmap_lock, outside of the
 *           lock of a VMA
 * @bars: held while a fault is handled; inside of that lock
 * @bars_live: BARs may be mapped and accessed through mappings; changes under
 *             both locks
 * @bar_ops: what vfio_pci_core_mmap() gave the mappings
 */
struct ioasid_pci_device {
	struct vfio_pci_core_device core;
	struct ioasid_devnode node;
	struct ioasid_devfd devfd;
	struct mutex mapping;		/* see above */
	struct rw_semaphore bars;
	bool bars_live;
	const struct vm_operations_struct *bar_ops;
};

/* Mappings of BARs */

/*
 * vfio_pci_core expects that a function is not disabled while it is mapped: its
 * fault handler reads the copy of the config space, which is gone then. Unbind
 * takes mappings away and these handlers keep them away until the next bind.
 */
static vm_fault_t ioasid_pci_bar_fault_order(struct vm_fault *vmf,
					     unsigned int order)
{
	struct ioasid_pci_device *p = container_of(vmf->vma->vm_private_data,
						   struct ioasid_pci_device,
						   core);
	vm_fault_t ret = VM_FAULT_SIGBUS;

	down_read(&p->bars);
	if (p->bars_live) {
		if (!order)
			ret = p->bar_ops->fault(vmf);
		else if (p->bar_ops->huge_fault)
			ret = p->bar_ops->huge_fault(vmf, order);
		else
			ret = VM_FAULT_FALLBACK;
	}
	up_read(&p->bars);
	return ret;
}

static vm_fault_t ioasid_pci_bar_fault(struct vm_fault *vmf)
{
	return ioasid_pci_bar_fault_order(vmf, 0);
}

static const struct vm_operations_struct ioasid_pci_bar_ops = {
	.fault = ioasid_pci_bar_fault,
	.huge_fault = ioasid_pci_bar_fault_order,
};

static int ioasid_pci_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ioasid_pci_device *p = file->private_data;
	int rc = -EINVAL;

	mutex_lock(&p->mapping);
	if (p->bars_live)
		rc = vfio_pci_core_mmap(&p->core.vdev, vma);
	if (!rc) {
		/* the same for every mapping */
		WRITE_ONCE(p->bar_ops, vma->vm_ops);
		vma->vm_ops = &ioasid_pci_bar_ops;
	}
	mutex_unlock(&p->mapping);
	return rc;
}

static void ioasid_pci_allow_bars(struct ioasid_pci_device *p)
{
	mutex_lock(&p->mapping);
	down_write(&p->bars);
	p->bars_live = true;
	up_write(&p->bars);
	mutex_unlock(&p->mapping);
}

static void ioasid_pci_revoke_bars(struct ioasid_pci_device *p)
{
	mutex_lock(&p->mapping);
	down_write(&p->bars);
	p->bars_live = false;
	unmap_mapping_range(p->core.vdev.inode->i_mapping, 0, 0, true);
	up_write(&p->bars);
	mutex_unlock(&p->mapping);
}

/* Bind and unbind */

/*
 * open_count tells vfio_pci_core that this function is in use when it considers
 * resetting a whole bus. VFIO itself never opens the function, see
 * ioasid_pci_vfio_ops.
 */
static int ioasid_pci_enable(struct ioasid_devfd *devfd)
{
	struct ioasid_pci_device *p =
		container_of(devfd, struct ioasid_pci_device, devfd);
	struct vfio_device *vdev = &p->core.vdev;
	int rc;

	/* A PF in user space asks for a token, which these fds cannot give. */
	if (p->core.sriov_pf_core_dev)
		return -EACCES;

	mutex_lock(&vdev->dev_set->lock);
	rc = vfio_pci_core_enable(&p->core);
	if (!rc) {
		vfio_pci_core_finish_enable(&p->core);
		vdev->open_count++;
	}
	mutex_unlock(&vdev->dev_set->lock);
	if (rc)
		return rc;
	compat_vfio_pci_setup_barmaps(&p->core);
	ioasid_pci_allow_bars(p);
	return 0;
}

static void ioasid_pci_disable(struct ioasid_devfd *devfd)
{
	struct ioasid_pci_device *p =
		container_of(devfd, struct ioasid_pci_device, devfd);
	struct vfio_device *vdev = &p->core.vdev;

	ioasid_pci_revoke_bars(p);
	mutex_lock(&vdev->dev_set->lock);
	/* Bus master off, interrupts off, reset, config space as found. */
	vfio_pci_core_close_device(vdev);
	vdev->open_count--;
	mutex_unlock(&vdev->dev_set->lock);
}

static const struct ioasid_devfd_ops ioasid_pci_devfd_ops = {
	.enable = ioasid_pci_enable,
	.disable = ioasid_pci_disable,
};

/* The file */

static int ioasid_pci_open(struct inode *inode, struct file *file)
{
	struct ioasid_pci_device *p =
		container_of(inode->i_cdev, struct ioasid_pci_device, node.cdev);
	int rc;

	rc = ioasid_devfd_open(&p->devfd);
	if (rc)
		return rc;
	file->private_data = p;
	/* Where vfio_pci_core looks for mappings to take away. */
	file->f_mapping = p->core.vdev.inode->i_mapping;
	return 0;
}

static int ioasid_pci_release(struct inode *inode, struct file *file)
{
	struct ioasid_pci_device *p = file->private_data;

	ioasid_devfd_release(&p->devfd);
	return 0;
}

static ssize_t ioasid_pci_read(struct file *file, char __user *buf,
			       size_t count, loff_t *ppos)
{
	struct ioasid_pci_device *p = file->private_data;
	ssize_t ret;

	ret = ioasid_devfd_enter(&p->devfd);
	if (ret)
		return ret;
	ret = vfio_pci_core_read(&p->core.vdev, buf, count, ppos);
	ioasid_devfd_exit(&p->devfd);
	return ret;
}

static ssize_t ioasid_pci_write(struct file *file, const char __user *buf,
				size_t count, loff_t *ppos)
{
	struct ioasid_pci_device *p = file->private_data;
	ssize_t ret;

	ret = ioasid_devfd_enter(&p->devfd);
	if (ret)
		return ret;
	ret = vfio_pci_core_write(&p->core.vdev, buf, count, ppos);
	ioasid_devfd_exit(&p->devfd);
	return ret;
}

/*
 * Of VFIO's features those about low power: tokens and dma-bufs of BARs are
 * matters between VFIO and owners of VFIO's own fds.
 */
static long ioasid_pci_feature(struct ioasid_pci_device *p,
			       struct vfio_device_feature __user *uarg)
{
	const u32 methods = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_GET;
	size_t minsz = offsetofend(struct vfio_device_feature, flags);
	struct vfio_device_feature arg;

	if (copy_from_user(&arg, uarg, minsz))
		return -EFAULT;
	if (arg.argsz < minsz)
		return -EINVAL;
	if (arg.flags & ~(VFIO_DEVICE_FEATURE_MASK | methods |
			  VFIO_DEVICE_FEATURE_PROBE))
		return -EINVAL;
	if (!(arg.flags & VFIO_DEVICE_FEATURE_PROBE) &&
	    (arg.flags & methods) == methods)
		return -EINVAL;

	switch (arg.flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		return vfio_pci_core_ioctl_feature(&p->core.vdev, arg.flags,
						   uarg->data,
						   arg.argsz - minsz);
	default:
		return -ENOTTY;
	}
}

static long ioasid_pci_vfio_ioctl(struct ioasid_pci_device *p,
				  unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
	case VFIO_DEVICE_PCI_HOT_RESET:
		/*
		 * vfio_pci_core would take the other functions of the bus for
		 * ours when VFIO group fds say so, and there are none here.
		 */
		return -EOPNOTSUPP;
	case VFIO_DEVICE_FEATURE:
		return ioasid_pci_feature(p, (void __user *)arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return compat_vfio_pci_get_region_info(&p->core.vdev, arg);
	default:
		return vfio_pci_core_ioctl(&p->core.vdev, cmd, arg);
	}
}

static long ioasid_pci_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	struct ioasid_pci_device *p = file->private_data;
	struct device *dev;
	long rc;

	rc = ioasid_devfd_ioctl(&p->devfd, cmd, arg);
	if (rc != -ENOIOCTLCMD)
		return rc;
	rc = ioasid_devfd_enter(&p->devfd);
	if (rc)
		return rc;
	/* The function may sleep since VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY. */
	dev = &p->core.pdev->dev;
	if (pm_runtime_resume_and_get(dev)) {
		rc = -EIO;
	} else {
		rc = ioasid_pci_vfio_ioctl(p, cmd, arg);
		pm_runtime_put(dev);
	}
	ioasid_devfd_exit(&p->devfd);
	return rc;
}

static const struct file_operations ioasid_pci_fops = {
	.owner = THIS_MODULE,
	.open = ioasid_pci_open,
	.release = ioasid_pci_release,
	.read = ioasid_pci_read,
	.write = ioasid_pci_write,
	.unlocked_ioctl = ioasid_pci_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = ioasid_pci_mmap,
};

/* VFIO's view */

/* For VFIO_GROUP_GET_DEVICE_FD: no name is ours. */
static int ioasid_pci_vfio_match(struct vfio_device *vdev, char *buf)
{
	return 0;
}

/* For VFIO's own per-device nodes, where the kernel has them. */
static int ioasid_pci_vfio_open(struct vfio_device *vdev)
{
	return -EBUSY;
}

static const struct vfio_device_ops ioasid_pci_vfio_ops = {
	.name = "ioasid-pci",
	.init = vfio_pci_core_init_dev,
	.release = vfio_pci_core_release_dev,
	.open_device = ioasid_pci_vfio_open,
	.match = ioasid_pci_vfio_match,
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
	COMPAT_VFIO_PCI_OPS
};

/* The node */

static void ioasid_pci_node_release(struct ioasid_devnode *node)
{
	struct ioasid_pci_device *p =
		container_of(node, struct ioasid_pci_device, node);

	vfio_put_device(&p->core.vdev);
}

/* The PCI driver */

static int ioasid_pci_probe(struct pci_dev *pdev,
			    const struct pci_device_id *id)
{
	struct ioasid_pci_device *p;
	int rc;

	p = vfio_alloc_device(ioasid_pci_device, core.vdev, &pdev->dev,
			      &ioasid_pci_vfio_ops);
	if (IS_ERR(p))
		return PTR_ERR(p);
	mutex_init(&p->mapping);
	init_rwsem(&p->bars);
	ioasid_devfd_init(&p->devfd, &pdev->dev, &ioasid_pci_devfd_ops);
	ioasid_devnode_init(&p->node, &pdev->dev, ioasid_pci_node_release);

	dev_set_drvdata(&pdev->dev, &p->core);
	rc = vfio_pci_core_register_device(&p->core);
	if (rc)
		goto out_put;
	rc = ioasid_devnode_add(&p->node, pci_name(pdev), &ioasid_pci_fops);
	if (rc)
		goto out_unregister;
	return 0;

out_unregister:
	vfio_pci_core_unregister_device(&p->core);
out_put:
	put_device(&p->node.dev);
	return rc;
}

/*
 * vfio_pci_core resets a function when it is closed, but gives up when somebody
 * holds the device lock, as the driver core does while it calls remove(). Bus
 * mastering is off since then; what is left is done before the next driver comes.
 */
static void ioasid_pci_late_reset(struct ioasid_pci_device *p)
{
	struct pci_dev *pdev = p->core.pdev;

	device_lock_assert(&pdev->dev);

	if (!p->core.reset_works || !p->core.needs_reset ||
	    pm_runtime_resume_and_get(&pdev->dev))
		return;
	pci_cfg_access_lock(pdev);
	pci_save_state(pdev);
	if (!__pci_reset_function_locked(pdev))
		p->core.needs_reset = false;
	pci_restore_state(pdev);
	pci_cfg_access_unlock(pdev);
	pm_runtime_put(&pdev->dev);
}

/*
 * Does not wait for the file to be closed. Whoever has it open loses the device
 * at once and keeps an empty shell, which holds the module.
 */
static void ioasid_pci_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);
	struct ioasid_pci_device *p =
		container_of(core, struct ioasid_pci_device, core);

	ioasid_devnode_del(&p->node);
	/* Only where somebody asked to be told: it complains otherwise. */
	if (rcu_access_pointer(core->req_trigger))
		vfio_pci_core_request(&core->vdev, 0);
	ioasid_devfd_revoke(&p->devfd);
	ioasid_pci_late_reset(p);
	vfio_pci_core_unregister_device(core);
	put_device(&p->node.dev);
}

/*
 * Only for functions whose driver_override names this driver. There is no
 * MODULE_DEVICE_TABLE on purpose: a vfio_pci: alias would offer the module to
 * tools which look for variants of vfio-pci.
 */
static const struct pci_device_id ioasid_pci_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

static struct pci_driver ioasid_pci_driver = {
	.name = "ioasid_pci",
	.id_table = ioasid_pci_ids,
	.probe = ioasid_pci_probe,
	.remove = ioasid_pci_remove,
	.err_handler = &vfio_pci_core_err_handlers,
	/* or the group would belong to the DMA API, and bind fail with EPERM */
	.driver_managed_dma = true,
};

module_pci_driver(ioasid_pci_driver);

MODULE_DESCRIPTION("PCI functions for /dev/ioasid");
MODULE_LICENSE("GPL");
