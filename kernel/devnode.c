// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nodes of devices, /dev/ioasid-devices/NAME: one class and one range of
 * numbers for all doors with a file descriptor per device.
 */
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/ioasid.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioasid_private.h"

static dev_t ioasid_devt;
static DEFINE_IDA(ioasid_minors);

static char *ioasid_devnode_path(const struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0600;
	return kasprintf(GFP_KERNEL, "ioasid-devices/%s", dev_name(dev));
}

static const struct class ioasid_devnode_class = {
	.name = "ioasid_device",
	.devnode = ioasid_devnode_path,
};

static void ioasid_devnode_free(struct device *dev)
{
	struct ioasid_devnode *node =
		container_of(dev, struct ioasid_devnode, dev);

	if (dev->devt)
		ida_free(&ioasid_minors, MINOR(dev->devt));
	node->release(node);
}

/**
 * ioasid_devnode_init() - before anything else
 * @node: part of the door's own object
 * @parent: the device behind it
 * @release: gives the door's object up; called when the last reference to
 *           @node->dev is dropped, also when it was never added
 */
void ioasid_devnode_init(struct ioasid_devnode *node, struct device *parent,
			 void (*release)(struct ioasid_devnode *node))
{
	device_initialize(&node->dev);
	node->dev.parent = parent;
	node->dev.class = &ioasid_devnode_class;
	node->dev.release = ioasid_devnode_free;
	node->release = release;
}
EXPORT_SYMBOL_GPL(ioasid_devnode_init);

/**
 * ioasid_devnode_add() - make the node appear
 * @node: the node
 * @name: its name
 * @fops: file operations of the door, whose open() finds @node through
 *        inode->i_cdev; every open file holds a reference
 *
 * Return: 0 or an error.
 */
int ioasid_devnode_add(struct ioasid_devnode *node, const char *name,
		       const struct file_operations *fops)
{
	int minor, rc;

	minor = ida_alloc_max(&ioasid_minors, MINORMASK, GFP_KERNEL);
	if (minor < 0)
		return minor;
	node->dev.devt = MKDEV(MAJOR(ioasid_devt), minor);
	rc = dev_set_name(&node->dev, "%s", name);
	if (rc)
		return rc;
	cdev_init(&node->cdev, fops);
	node->cdev.owner = fops->owner;
	return cdev_device_add(&node->cdev, &node->dev);
}
EXPORT_SYMBOL_GPL(ioasid_devnode_add);

/**
 * ioasid_devnode_del() - make it vanish
 * @node: the node; files that are open stay open
 */
void ioasid_devnode_del(struct ioasid_devnode *node)
{
	cdev_device_del(&node->cdev, &node->dev);
}
EXPORT_SYMBOL_GPL(ioasid_devnode_del);

/**
 * ioasid_copy_args() - a command's structure from user memory
 * @args: where to
 * @size: of the structure as the door knows it
 * @uargs: where from; argsz first, unknown tail zero
 *
 * Return: 0, -EINVAL when it is shorter, -E2BIG when the tail says something.
 */
int ioasid_copy_args(void *args, size_t size, const void __user *uargs)
{
	u32 argsz;

	if (get_user(argsz, (const u32 __user *)uargs))
		return -EFAULT;
	if (argsz < size)
		return -EINVAL;
	if (argsz > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(args, size, uargs, argsz);
}
EXPORT_SYMBOL_GPL(ioasid_copy_args);

int __init ioasid_devnodes_init(void)
{
	int rc;

	rc = alloc_chrdev_region(&ioasid_devt, 0, MINORMASK + 1,
				 "ioasid_device");
	if (rc)
		return rc;
	rc = class_register(&ioasid_devnode_class);
	if (rc)
		unregister_chrdev_region(ioasid_devt, MINORMASK + 1);
	return rc;
}

void ioasid_devnodes_exit(void)
{
	class_unregister(&ioasid_devnode_class);
	unregister_chrdev_region(ioasid_devt, MINORMASK + 1);
	ida_destroy(&ioasid_minors);
}
