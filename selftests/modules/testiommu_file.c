// SPDX-License-Identifier: GPL-2.0-only
/*
 * An in-kernel user of the IOMMU API, on command: domains with fault handlers,
 * PASIDs, dirty tracking. For tests of IOMMU drivers only.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "testiommu.h"
#include "testiommu_compat.h"

static long op_device(struct ti_file *file, const struct testiommu_op *op)
{
	char name[32];
	long n;

	if (file->dev)
		return -EBUSY;
	n = strncpy_from_user(name, u64_to_user_ptr(op->addr), sizeof(name));
	if (n < 0 || n == sizeof(name))
		return n < 0 ? n : -ENAMETOOLONG;
	file->dev = bus_find_device_by_name(&platform_bus_type, NULL, name);
	if (!file->dev)
		return -ENODEV;
	file->group = iommu_group_get(file->dev);
	if (file->group)
		return 0;
	put_device(file->dev);
	file->dev = NULL;
	return -ENODEV;
}

static long do_op(struct ti_file *file, unsigned int cmd,
		  const struct testiommu_op *op)
{
	if (cmd == TESTIOMMU_DEVICE)
		return op_device(file, op);
	if (!file->dev)
		return -ENODEV;
	switch (cmd) {
	case TESTIOMMU_ALLOC:
		return ti_op_alloc(file, op);
	case TESTIOMMU_FREE:
		return ti_op_free(file, op);
	case TESTIOMMU_MAP:
		return ti_op_map(file, op);
	case TESTIOMMU_UNMAP:
		return ti_op_unmap(file, op);
	case TESTIOMMU_ATTACH:
		return ti_op_attach(file, op);
	case TESTIOMMU_DETACH:
		return ti_op_detach(file, op);
	case TESTIOMMU_REPLACE:
		return ti_op_replace(file, op);
	case TESTIOMMU_FEATURE:
		return ti_set_feature(file->dev, op->value);
	case TESTIOMMU_TRACK:
		return ti_op_track(file, op);
	case TESTIOMMU_DIRTY:
		return ti_op_dirty(file, op);
	case TESTIOMMU_PHYS:
		return ti_op_phys(file, op);
	case TESTIOMMU_DMA:
		return ti_op_dma(file, op);
	case TESTIOMMU_SVA_BIND:
		return ti_op_sva_bind(file);
	case TESTIOMMU_SVA_UNBIND:
		return ti_op_sva_unbind(file);
	default:
		return -ENOTTY;
	}
}

static long ti_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct ti_file *file = filp->private_data;
	void __user *uarg = (void __user *)arg;
	struct testiommu_op op;
	long rc;

	if (cmd == TESTIOMMU_FAULT)
		return ti_op_fault(file, uarg);
	if (copy_from_user(&op, uarg, sizeof(op)))
		return -EFAULT;
	/* While somebody detaches, faults are still answered. */
	if (cmd == TESTIOMMU_RESPOND)
		return ti_op_respond(file, &op);
	if (cmd == TESTIOMMU_MODE)
		return ti_op_mode(file, &op);
	mutex_lock(&file->lock);
	rc = do_op(file, cmd, &op);
	mutex_unlock(&file->lock);
	return rc;
}

static int ti_open(struct inode *inode, struct file *filp)
{
	struct ti_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	INIT_LIST_HEAD(&file->attaches);
	spin_lock_init(&file->fault_lock);
	INIT_LIST_HEAD(&file->fresh);
	INIT_LIST_HEAD(&file->seen);
	init_waitqueue_head(&file->wait);
	filp->private_data = file;
	return 0;
}

static int ti_release(struct inode *inode, struct file *filp)
{
	const struct testiommu_op pass = { .value = TESTIOMMU_PASS };
	struct ti_file *file = filp->private_data;
	int nr;

	ti_op_mode(file, &pass);
	ti_op_sva_unbind(file);
	ti_detach_all(file);
	/* Parents were there before what is nested on them. */
	for (nr = TESTIOMMU_DOMAINS - 1; nr >= 0; nr--)
		if (file->domains[nr])
			ti_drop_domain(file, nr);
	iommu_group_put(file->group);
	put_device(file->dev);
	mutex_destroy(&file->lock);
	kfree(file);
	return 0;
}

static const struct file_operations ti_fops = {
	.owner = THIS_MODULE,
	.open = ti_open,
	.release = ti_release,
	.unlocked_ioctl = ti_ioctl,
};

static struct miscdevice ti_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ioasid-testiommu",
	.mode = 0600,
	.fops = &ti_fops,
};
module_misc_device(ti_misc);

TI_IMPORT_NS;

MODULE_DESCRIPTION("An in-kernel user of the IOMMU API, for tests of ioasid");
MODULE_AUTHOR("The ioasid authors");
MODULE_LICENSE("GPL");
