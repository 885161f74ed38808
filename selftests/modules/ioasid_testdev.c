// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VFIO device without DMA of its own, as mediated devices are: what it does to
 * a container's memory goes through vfio_pin_pages() and vfio_dma_rw(), on
 * command. For tests only.
 */
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "ioasid_testdev.h"

#define NR_DEVICES	2

struct testdev {
	struct vfio_device vdev;
	struct mutex lock;	/* all below; held across calls to VFIO, as drivers do */
	struct list_head pins;
	bool stubborn;
	unsigned int notified;
	u64 last_write;
};

/* Pages that one TESTDEV_PIN pinned. */
struct pin {
	struct list_head entry;
	u64 iova;
	unsigned int npages;
	struct page *pages[];
};

static struct testdev *to_testdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct testdev, vdev);
}

static void pin_drop(struct testdev *dev, struct pin *pin)
{
	vfio_unpin_pages(&dev->vdev, pin->iova, pin->npages);
	list_del(&pin->entry);
	kvfree(pin);
}

static int testdev_open(struct vfio_device *vdev)
{
	struct testdev *dev = to_testdev(vdev);

	dev->stubborn = false;
	dev->notified = 0;
	dev->last_write = 0;
	return 0;
}

static void testdev_close(struct vfio_device *vdev)
{
	struct testdev *dev = to_testdev(vdev);
	struct pin *pin, *next;

	mutex_lock(&dev->lock);
	list_for_each_entry_safe(pin, next, &dev->pins, entry)
		pin_drop(dev, pin);
	mutex_unlock(&dev->lock);
}

static void testdev_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct testdev *dev = to_testdev(vdev);
	struct pin *pin, *next;
	u64 word = ~0ULL;

	mutex_lock(&dev->lock);
	dev->notified++;
	if (dev->last_write)
		vfio_dma_rw(vdev, dev->last_write, &word, sizeof(word), true);
	dev->last_write = 0;
	list_for_each_entry_safe(pin, next, &dev->pins, entry) {
		u64 last = pin->iova + (u64)pin->npages * PAGE_SIZE - 1;

		if (!dev->stubborn && pin->iova <= iova + length - 1 &&
		    last >= iova)
			pin_drop(dev, pin);
	}
	mutex_unlock(&dev->lock);
}

static int to_iommu_prot(u32 prot)
{
	return (prot & TESTDEV_READ ? IOMMU_READ : 0) |
	       (prot & TESTDEV_WRITE ? IOMMU_WRITE : 0);
}

static int do_pin(struct testdev *dev, const struct testdev_op *op)
{
	struct pin *pin;
	int rc;

	if (op->npages > 4 * VFIO_PIN_PAGES_MAX_ENTRIES)
		return -E2BIG;
	pin = kvzalloc(struct_size(pin, pages, op->npages), GFP_KERNEL_ACCOUNT);
	if (!pin)
		return -ENOMEM;
	pin->iova = op->iova;
	pin->npages = op->npages;
	rc = vfio_pin_pages(&dev->vdev, op->iova, op->npages,
			    to_iommu_prot(op->prot), pin->pages);
	if (rc > 0)
		list_add_tail(&pin->entry, &dev->pins);
	else
		kvfree(pin);
	return rc;
}

static int do_unpin(struct testdev *dev, const struct testdev_op *op)
{
	struct pin *pin;

	list_for_each_entry(pin, &dev->pins, entry) {
		if (pin->iova == op->iova && pin->npages == op->npages) {
			pin_drop(dev, pin);
			return 0;
		}
	}
	return -ENOENT;
}

static int do_unpin_raw(struct testdev *dev, const struct testdev_op *op)
{
	if (!op->npages || op->npages > VFIO_PIN_PAGES_MAX_ENTRIES)
		return -EINVAL;
	vfio_unpin_pages(&dev->vdev, op->iova, op->npages);
	return 0;
}

static struct page *pinned_page(struct testdev *dev, u64 iova)
{
	struct pin *pin;

	list_for_each_entry(pin, &dev->pins, entry)
		if (iova >= pin->iova &&
		    iova - pin->iova < (u64)pin->npages * PAGE_SIZE)
			return pin->pages[(iova - pin->iova) >> PAGE_SHIFT];
	return NULL;
}

static int touch(struct testdev *dev, u64 iova, void *buf, size_t size,
		 bool write)
{
	while (size) {
		struct page *page = pinned_page(dev, iova);
		size_t off = offset_in_page(iova);
		size_t n = min(size, PAGE_SIZE - off);

		if (!page)
			return -ENOENT;
		if (write)
			memcpy_to_page(page, off, buf, n);
		else
			memcpy_from_page(buf, page, off, n);
		iova += n;
		buf += n;
		size -= n;
	}
	return 0;
}

static int do_copy(struct testdev *dev, const struct testdev_op *op, bool pinned)
{
	void __user *data = u64_to_user_ptr(op->data);
	bool write = op->prot & TESTDEV_WRITE;
	void *buf;
	int rc = 0;

	if (op->size > TESTDEV_RW_MAX)
		return -E2BIG;
	buf = kvzalloc(op->size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (write && copy_from_user(buf, data, op->size))
		rc = -EFAULT;
	if (!rc)
		rc = pinned ? touch(dev, op->iova, buf, op->size, write) :
			      vfio_dma_rw(&dev->vdev, op->iova, buf, op->size,
					  write);
	if (!rc && !write && copy_to_user(data, buf, op->size))
		rc = -EFAULT;
	kvfree(buf);
	return rc;
}

static long do_op(struct testdev *dev, unsigned int cmd,
		  const struct testdev_op *op)
{
	switch (cmd) {
	case TESTDEV_PIN:
		return do_pin(dev, op);
	case TESTDEV_UNPIN:
		return do_unpin(dev, op);
	case TESTDEV_UNPIN_RAW:
		return do_unpin_raw(dev, op);
	case TESTDEV_TOUCH:
		return do_copy(dev, op, true);
	case TESTDEV_DMA_RW:
		return do_copy(dev, op, false);
	case TESTDEV_LAST_WRITE:
		dev->last_write = op->iova;
		return 0;
	default:
		return -ENOTTY;
	}
}

static long testdev_ioctl(struct vfio_device *vdev, unsigned int cmd,
			  unsigned long arg)
{
	struct testdev *dev = to_testdev(vdev);
	struct testdev_op op;
	long rc = 0;

	if (_IOC_SIZE(cmd) == sizeof(op) &&
	    copy_from_user(&op, (void __user *)arg, sizeof(op)))
		return -EFAULT;

	mutex_lock(&dev->lock);
	if (cmd == TESTDEV_STUBBORN)
		dev->stubborn = arg;
	else if (cmd == TESTDEV_NOTIFIED)
		rc = dev->notified;
	else if (_IOC_SIZE(cmd) == sizeof(op))
		rc = do_op(dev, cmd, &op);
	else
		rc = -ENOTTY;
	mutex_unlock(&dev->lock);
	return rc;
}

static int testdev_init_dev(struct vfio_device *vdev)
{
	struct testdev *dev = to_testdev(vdev);

	mutex_init(&dev->lock);
	INIT_LIST_HEAD(&dev->pins);
	return 0;
}

static void testdev_release_dev(struct vfio_device *vdev)
{
	mutex_destroy(&to_testdev(vdev)->lock);
}

static const struct vfio_device_ops testdev_ops = {
	.name = "ioasid-testdev",
	.init = testdev_init_dev,
	.release = testdev_release_dev,
	.open_device = testdev_open,
	.close_device = testdev_close,
	.ioctl = testdev_ioctl,
	/* NULL on kernels without iommufd, required on others */
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
	.dma_unmap = testdev_dma_unmap,
};

static int testdev_probe(struct platform_device *pdev)
{
	struct testdev *dev;
	int rc;

	dev = vfio_alloc_device(testdev, vdev, &pdev->dev, &testdev_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	rc = vfio_register_emulated_iommu_dev(&dev->vdev);
	if (rc)
		vfio_put_device(&dev->vdev);
	else
		platform_set_drvdata(pdev, dev);
	return rc;
}

static void testdev_remove(struct platform_device *pdev)
{
	struct testdev *dev = platform_get_drvdata(pdev);

	vfio_unregister_group_dev(&dev->vdev);
	vfio_put_device(&dev->vdev);
}

static struct platform_driver testdev_driver = {
	.driver.name = "ioasid_testdev",
	.probe = testdev_probe,
	.remove = testdev_remove,
};

static struct platform_device *devices[NR_DEVICES];

static void unregister_devices(int n)
{
	while (n--)
		platform_device_unregister(devices[n]);
}

static int __init testdev_init(void)
{
	int i, rc;

	for (i = 0; i < NR_DEVICES; i++) {
		devices[i] = platform_device_register_simple("ioasid_testdev",
							     i, NULL, 0);
		if (IS_ERR(devices[i])) {
			rc = PTR_ERR(devices[i]);
			goto err;
		}
	}
	rc = platform_driver_register(&testdev_driver);
	if (!rc)
		return 0;
err:
	unregister_devices(i);
	return rc;
}
module_init(testdev_init);

static void __exit testdev_exit(void)
{
	platform_driver_unregister(&testdev_driver);
	unregister_devices(NR_DEVICES);
}
module_exit(testdev_exit);

MODULE_DESCRIPTION("VFIO devices without an IOMMU, for tests of ioasid");
MODULE_AUTHOR("The ioasid authors");
MODULE_LICENSE("GPL");
