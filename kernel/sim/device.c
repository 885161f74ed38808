// SPDX-License-Identifier: GPL-2.0-only
/* The devices: a driver for them, and their files. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "sim.h"

/* What a user left in the memory is not for the next one to see. */
static int sim_enable(struct ioasid_devfd *devfd)
{
	struct sim_device *dev = container_of(devfd, struct sim_device, devfd);

	memset(dev->sram, 0, IOASID_SIM_SRAM);
	WRITE_ONCE(dev->live, true);
	return 0;
}

/* Requests under way end with the page they are at. */
static void sim_disable(struct ioasid_devfd *devfd)
{
	struct sim_device *dev = container_of(devfd, struct sim_device, devfd);

	WRITE_ONCE(dev->live, false);
	sim_pages_wake(dev->port);
	sim_load_stop(dev);
	sim_ring_stop(dev);
}

static const struct ioasid_devfd_ops sim_devfd_ops = {
	.enable = sim_enable,
	.disable = sim_disable,
};

static int sim_open(struct inode *inode, struct file *file)
{
	struct sim_device *dev = container_of(inode->i_cdev, struct sim_device,
					      node.cdev);
	int rc = ioasid_devfd_open(&dev->devfd);

	if (!rc)
		file->private_data = dev;
	return rc;
}

static int sim_release(struct inode *inode, struct file *file)
{
	struct sim_device *dev = file->private_data;

	ioasid_devfd_release(&dev->devfd);
	return 0;
}

static bool is_shared(unsigned int cmd)
{
	return cmd == VFIO_BIND_IOASID_FD || cmd == VFIO_UNBIND_IOASID_FD ||
	       cmd == VFIO_ATTACH_IOASID || cmd == VFIO_DETACH_IOASID;
}

static long sim_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sim_device *dev = file->private_data;
	void __user *uargs = (void __user *)arg;
	long rc;

	if (is_shared(cmd)) {
		/* It waits for requests, which may wait for pages. */
		sim_pages_hush(dev->port, 1);
		rc = ioasid_devfd_ioctl(&dev->devfd, cmd, arg);
		sim_pages_hush(dev->port, -1);
		return rc;
	}
	rc = ioasid_devfd_enter(&dev->devfd);
	if (rc)
		return rc;
	switch (cmd) {
	case IOASID_SIM_DMA:
		rc = sim_cmd_dma(dev, uargs);
		break;
	case IOASID_SIM_START:
		rc = sim_cmd_start(dev, uargs);
		break;
	case IOASID_SIM_STOP:
		rc = sim_cmd_stop(dev, uargs);
		break;
	case IOASID_SIM_RING:
		rc = sim_cmd_ring(dev, uargs);
		break;
	case IOASID_SIM_DOORBELL:
		rc = sim_cmd_doorbell(dev);
		break;
	default:
		rc = -ENOTTY;
	}
	ioasid_devfd_exit(&dev->devfd);
	return rc;
}

/*
 * Mappings outlive unbind: it is ordinary memory that belongs to the file's user,
 * and they keep the file, thus no other user can come.
 */
static int sim_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct sim_device *dev = file->private_data;

	if (!READ_ONCE(dev->live))
		return READ_ONCE(dev->devfd.gone) ? -ENODEV : -EINVAL;
	if (vma->vm_pgoff >= SIM_RING_OFFSET >> PAGE_SHIFT)
		return sim_ring_mmap(dev, vma);
	return remap_vmalloc_range(vma, dev->sram, vma->vm_pgoff);
}

static __poll_t sim_poll(struct file *file, struct poll_table_struct *wait)
{
	return sim_ring_poll(file->private_data, file, wait);
}

static void sim_show_fdinfo(struct seq_file *m, struct file *file)
{
	sim_ring_show(file->private_data, m);
}

static const struct file_operations sim_fops = {
	.owner = THIS_MODULE,
	.open = sim_open,
	.release = sim_release,
	.unlocked_ioctl = sim_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = sim_mmap,
	.poll = sim_poll,
	.show_fdinfo = sim_show_fdinfo,
};

static void sim_device_release(struct ioasid_devnode *node)
{
	struct sim_device *dev = container_of(node, struct sim_device, node);

	vfree(dev->sram);
	mutex_destroy(&dev->load_lock);
	mutex_destroy(&dev->ring_lock);
	sim_instance_put(dev->port->sim);
	kfree(dev);
}

static void init_devfd(struct sim_device *dev, struct device *parent)
{
	u32 flags = dev->port->sim->args.flags & IOASID_SIM_GLOBAL_PASIDS ?
		    IOASID_SUBDEVICE_GLOBAL_PASIDS : 0;

	if (dev->sub)
		ioasid_devfd_init_sub(&dev->devfd, parent, &dev->node.dev,
				      flags, &sim_devfd_ops);
	else
		ioasid_devfd_init(&dev->devfd, parent, &sim_devfd_ops);
}

static struct sim_device *add_node(struct device *parent, const char *name,
				   bool sub)
{
	struct sim_port *port = sim_dev_port(parent);
	struct sim_device *dev;
	int rc;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	kref_get(&port->sim->kref);
	dev->port = port;
	dev->sub = sub;
	mutex_init(&dev->load_lock);
	mutex_init(&dev->ring_lock);
	init_waitqueue_head(&dev->ring_events);
	init_devfd(dev, parent);
	ioasid_devnode_init(&dev->node, parent, sim_device_release);
	dev->sram = vmalloc_user(IOASID_SIM_SRAM);
	rc = dev->sram ? ioasid_devnode_add(&dev->node, name, &sim_fops) :
			 -ENOMEM;
	if (rc) {
		put_device(&dev->node.dev);
		return ERR_PTR(rc);
	}
	return dev;
}

static void del_node(struct sim_device *dev)
{
	ioasid_devnode_del(&dev->node);
	/* Long requests need not be waited for. */
	WRITE_ONCE(dev->live, false);
	sim_pages_wake(dev->port);
	ioasid_devfd_revoke(&dev->devfd);
	put_device(&dev->node.dev);
}

static struct platform_driver sim_driver;

/* What the driver has of a device: its node, and those of its sub-devices. */
struct sim_nodes {
	u32 nr;
	struct sim_device *dev[];
};

static void del_nodes(struct sim_nodes *nodes)
{
	while (nodes->nr)
		del_node(nodes->dev[--nodes->nr]);
	kfree(nodes);
}

static int add_nodes(struct sim_nodes *nodes, struct device *parent, u32 nr)
{
	struct sim_device *dev;
	char name[32];

	while (nodes->nr < nr) {
		if (nodes->nr)
			snprintf(name, sizeof(name), "%s.%u", dev_name(parent),
				 nodes->nr - 1);
		else
			strscpy(name, dev_name(parent));
		dev = add_node(parent, name, nodes->nr);
		if (IS_ERR(dev))
			return PTR_ERR(dev);
		nodes->dev[nodes->nr++] = dev;
	}
	return 0;
}

static int sim_probe(struct platform_device *pdev)
{
	struct sim_port *port = sim_dev_port(&pdev->dev);
	struct sim_nodes *nodes;
	u32 nr;
	int rc;

	if (!port)
		return -ENODEV;
	nr = 1 + port->sim->args.nr_subdevices;
	nodes = kzalloc(struct_size(nodes, dev, nr), GFP_KERNEL_ACCOUNT);
	if (!nodes)
		return -ENOMEM;
	rc = add_nodes(nodes, &pdev->dev, nr);
	if (rc) {
		del_nodes(nodes);
		return rc;
	}
	platform_set_drvdata(pdev, nodes);
	return 0;
}

/**
 * sim_whole_device() - the device behind a struct device, not a part of it
 * @parent: any device
 *
 * Context: @parent is locked (device_lock()), and stays what it is until it is
 * unlocked.
 * Return: NULL when it is not one of ours, or not there yet, or not any more.
 */
struct sim_device *sim_whole_device(struct device *parent)
{
	struct sim_nodes *nodes;

	if (!parent->driver || parent->driver != &sim_driver.driver)
		return NULL;
	nodes = dev_get_drvdata(parent);
	return nodes ? nodes->dev[0] : NULL;
}

static void sim_remove(struct platform_device *pdev)
{
	del_nodes(platform_get_drvdata(pdev));
}

static struct platform_driver sim_driver = {
	.driver = {
		.name = SIM_DRIVER,
	},
	.probe = sim_probe,
	.remove = sim_remove,
	/* or the group would belong to the DMA API, and bind fail with EPERM */
	.driver_managed_dma = true,
};

int sim_driver_register(void)
{
	return platform_driver_register(&sim_driver);
}

void sim_driver_unregister(void)
{
	platform_driver_unregister(&sim_driver);
}
