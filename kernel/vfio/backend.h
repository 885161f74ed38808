/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VFIO asks of a container backend. VFIO keeps this interface to itself
 * (drivers/vfio/vfio.h), so it is declared here once more, with names of our
 * own. It is the same in all supported kernels; selftests/vfio-layout.sh
 * compares it with the BTF of the running vfio.ko.
 */
#ifndef __IOASID_VFIO_BACKEND_H
#define __IOASID_VFIO_BACKEND_H

#include <linux/types.h>

struct iommu_domain;
struct iommu_group;
struct module;
struct page;
struct vfio_device;
struct vfio_iommu_driver_ops;

/* enum vfio_group_type */
enum ioasid_vfio_group_type {
	IOASID_VFIO_GROUP_IOMMU,	/* behind an IOMMU */
	IOASID_VFIO_GROUP_EMULATED,	/* mediated: pins pages, does no DMA */
	IOASID_VFIO_GROUP_NONE,		/* unprotected; never given to us */
};

/* struct vfio_iommu_driver_ops */
struct ioasid_vfio_backend_ops {
	char *name;
	struct module *owner;
	void *(*open)(unsigned long arg);
	void (*release)(void *iommu_data);
	long (*ioctl)(void *iommu_data, unsigned int cmd, unsigned long arg);
	int (*attach_group)(void *iommu_data, struct iommu_group *group,
			    enum ioasid_vfio_group_type type);
	void (*detach_group)(void *iommu_data, struct iommu_group *group);
	int (*pin_pages)(void *iommu_data, struct iommu_group *group,
			 dma_addr_t iova, int npage, int prot,
			 struct page **pages);
	void (*unpin_pages)(void *iommu_data, dma_addr_t iova, int npage);
	void (*register_device)(void *iommu_data, struct vfio_device *vdev);
	void (*unregister_device)(void *iommu_data, struct vfio_device *vdev);
	int (*dma_rw)(void *iommu_data, dma_addr_t iova, void *data,
		      size_t count, bool write);
	struct iommu_domain *(*group_iommu_domain)(void *iommu_data,
						   struct iommu_group *group);
};

int vfio_register_iommu_driver(const struct vfio_iommu_driver_ops *ops);
void vfio_unregister_iommu_driver(const struct vfio_iommu_driver_ops *ops);

#endif /* __IOASID_VFIO_BACKEND_H */
