/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels; nothing else looks at LINUX_VERSION_CODE. Each
 * part appears when the header it is about was included before this one.
 */
#ifndef __IOASID_COMPAT_H
#define __IOASID_COMPAT_H

#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <uapi/linux/iommufd.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
static inline struct iommu_domain *ioasid_paging_domain_alloc(struct device *dev)
{
	return iommu_paging_domain_alloc_flags(dev, 0);
}

static inline struct iommu_domain *compat_nest_parent_alloc(struct device *dev)
{
	return iommu_paging_domain_alloc_flags(dev, IOMMU_HWPT_ALLOC_NEST_PARENT);
}

static inline struct iommu_domain *
compat_nested_alloc(struct device *dev, struct iommu_domain *parent,
		    const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	struct iommu_domain *domain;

	if (!ops->domain_alloc_nested)
		return ERR_PTR(-EOPNOTSUPP);
	domain = ops->domain_alloc_nested(dev, parent, 0, data);
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}

/* NULL when the driver says nothing; the caller frees it. */
static inline void *compat_hw_info(struct device *dev, u32 *type)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	enum iommu_hw_info_type in_out = IOMMU_HW_INFO_TYPE_DEFAULT;
	void *info = NULL;
	u32 len;

	if (ops->hw_info)
		info = ops->hw_info(dev, &len, &in_out);
	*type = in_out;
	return IS_ERR(info) ? NULL : info;
}
#else
/*
 * What iommu_paging_domain_alloc() returns for VT-d knows its page sizes and
 * its aperture only after the first attach; user domains know them at once.
 */
static inline struct iommu_domain *ioasid_paging_domain_alloc(struct device *dev)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	struct iommu_domain *domain;

	if (!ops->domain_alloc_user)
		return iommu_paging_domain_alloc(dev);
	domain = ops->domain_alloc_user(dev, 0, NULL, NULL);
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}

static inline struct iommu_domain *
compat_domain_alloc_user(struct device *dev, u32 flags,
			 struct iommu_domain *parent,
			 const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	struct iommu_domain *domain;

	if (!ops->domain_alloc_user)
		return ERR_PTR(-EOPNOTSUPP);
	domain = ops->domain_alloc_user(dev, flags, parent, data);
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}

static inline struct iommu_domain *compat_nest_parent_alloc(struct device *dev)
{
	return compat_domain_alloc_user(dev, IOMMU_HWPT_ALLOC_NEST_PARENT,
					NULL, NULL);
}

static inline struct iommu_domain *
compat_nested_alloc(struct device *dev, struct iommu_domain *parent,
		    const struct iommu_user_data *data)
{
	return compat_domain_alloc_user(dev, 0, parent, data);
}

static inline void *compat_hw_info(struct device *dev, u32 *type)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	void *info = NULL;
	u32 len;

	*type = IOMMU_HW_INFO_TYPE_NONE;
	if (ops->hw_info)
		info = ops->hw_info(dev, &len, type);
	return IS_ERR(info) ? NULL : info;
}
#endif

/*
 * Not in public headers: attaching a group with a handle by which the core names the
 * DMA whose page requests it reports.
 */
int iommu_attach_group_handle(struct iommu_domain *domain,
			      struct iommu_group *group,
			      struct iommu_attach_handle *handle);
void iommu_detach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define COMPAT_IMPORT_NS(ns)	MODULE_IMPORT_NS(#ns)
#else
#define COMPAT_IMPORT_NS(ns)	MODULE_IMPORT_NS(ns)
#endif

/*
 * Older kernels are told that a device shall ask for pages; newer ones find it out
 * when a domain with a handler is attached.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define COMPAT_ASKS_BY_DOMAIN	1
static inline int compat_iopf_enable(struct device *dev)
{
	return 0;
}

static inline void compat_iopf_disable(struct device *dev)
{
}
#else
#define COMPAT_ASKS_BY_DOMAIN	0
static inline int compat_iopf_enable(struct device *dev)
{
	return iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}

static inline void compat_iopf_disable(struct device *dev)
{
	iommu_dev_disable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}
#endif

/* For pci/: vfio_pci_core */
#ifdef VFIO_PCI_CORE_H

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
/* VFIO calls it without asking whether it is there. */
#define COMPAT_VFIO_PCI_MATCH_TOKEN					\
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#else
#define COMPAT_VFIO_PCI_MATCH_TOKEN
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)

/* The ioctl was moved from the drivers to VFIO's core, which is not asked here. */
static inline long
compat_vfio_pci_get_region_info(struct vfio_device *vdev, unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info __user *uarg = (void __user *)arg;
	struct vfio_region_info info = {};
	struct vfio_info_cap caps = {};
	long rc;

	if (copy_from_user(&info, uarg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	rc = vfio_pci_ioctl_get_region_info(vdev, &info, &caps);
	if (rc)
		goto out_free;
	if (caps.size) {
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		if (info.argsz < sizeof(info) + caps.size) {
			info.argsz = sizeof(info) + caps.size;
			info.cap_offset = 0;
		} else {
			vfio_info_cap_shift(&caps, sizeof(info));
			if (copy_to_user(uarg + 1, caps.buf, caps.size)) {
				rc = -EFAULT;
				goto out_free;
			}
			info.cap_offset = sizeof(info);
		}
	}
	if (copy_to_user(uarg, &info, minsz))
		rc = -EFAULT;
out_free:
	kfree(caps.buf);
	return rc;
}

#define COMPAT_VFIO_PCI_OPS						\
	COMPAT_VFIO_PCI_MATCH_TOKEN					\
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
#else
static inline long
compat_vfio_pci_get_region_info(struct vfio_device *vdev, unsigned long arg)
{
	return vfio_pci_core_ioctl(vdev, VFIO_DEVICE_GET_REGION_INFO, arg);
}

#define COMPAT_VFIO_PCI_OPS COMPAT_VFIO_PCI_MATCH_TOKEN
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
static inline void
compat_vfio_pci_setup_barmaps(struct vfio_pci_core_device *core)
{
}
#else
/*
 * Newer kernels do it when the function is enabled. Older ones do it at first
 * use and without a lock, so that of two users one gets EBUSY.
 */
static inline void
compat_vfio_pci_setup_barmaps(struct vfio_pci_core_device *core)
{
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (pci_resource_len(core->pdev, bar))
			vfio_pci_core_setup_barmap(core, bar);
}
#endif

#endif /* VFIO_PCI_CORE_H */

/* For vfio/: what the kernel's own type1 says to ranges that wrap around */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define COMPAT_VFIO_EWRAP	EOVERFLOW
#else
#define COMPAT_VFIO_EWRAP	EINVAL
#endif

/*
 * For sim/iommu.c, an IOMMU driver. It defines its operations in the way of newer
 * kernels, but for attaching, where it does not need the old domain.
 */
#ifdef __IOASID_SIM_H

static int sim_attach_dev(struct iommu_domain *domain, struct device *dev);
static int sim_block_dev(struct iommu_domain *domain, struct device *dev);
static int sim_block_dev_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid, struct iommu_domain *old);
static struct iommu_domain *sim_alloc_paging(struct device *dev, u32 flags,
					     const struct iommu_user_data *data);
static struct iommu_domain *
sim_alloc_nested(struct device *dev, struct iommu_domain *parent, u32 flags,
		 const struct iommu_user_data *data);

/* IOMMU_HWPT_ALLOC_PASID, which older headers do not have */
#define COMPAT_IOMMU_HWPT_ALLOC_PASID	(1 << 3)

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define COMPAT_HW_INFO_TYPE	enum iommu_hw_info_type
#else
#define COMPAT_HW_INFO_TYPE	u32
#endif

static inline bool compat_asks_by_domain(void)
{
	return COMPAT_ASKS_BY_DOMAIN;
}

#if COMPAT_ASKS_BY_DOMAIN
#define COMPAT_IOMMU_FEATURE_OPS
#else
static int compat_sim_enable_feat(struct device *dev,
				  enum iommu_dev_features feat)
{
	struct sim_port *port = dev_iommu_priv_get(dev);

	if (feat != IOMMU_DEV_FEAT_IOPF)
		return -ENODEV;
	return port->asking.users ? -EBUSY : sim_asking_get(port);
}

static int compat_sim_disable_feat(struct device *dev,
				   enum iommu_dev_features feat)
{
	struct sim_port *port = dev_iommu_priv_get(dev);

	if (feat != IOMMU_DEV_FEAT_IOPF || !port->asking.users)
		return -EINVAL;
	sim_asking_put(port);
	return 0;
}

#define COMPAT_IOMMU_FEATURE_OPS					\
	.dev_enable_feat = compat_sim_enable_feat,			\
	.dev_disable_feat = compat_sim_disable_feat,
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
static int compat_sim_attach_dev(struct iommu_domain *domain,
				 struct device *dev, struct iommu_domain *old)
{
	return sim_attach_dev(domain, dev);
}

static int compat_sim_block_dev(struct iommu_domain *domain,
				struct device *dev, struct iommu_domain *old)
{
	return sim_block_dev(domain, dev);
}
#else
#define compat_sim_attach_dev	sim_attach_dev
#define compat_sim_block_dev	sim_block_dev
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define COMPAT_IOMMU_OPS						\
	.domain_alloc_paging_flags = sim_alloc_paging,			\
	.domain_alloc_nested = sim_alloc_nested,			\
	COMPAT_IOMMU_FEATURE_OPS
#define COMPAT_IOMMU_BLOCKED_OPS					\
	.set_dev_pasid = sim_block_dev_pasid,
#else
/* One operation for both kinds, and PASIDs are removed, not blocked. */
static struct iommu_domain *
compat_sim_alloc_user(struct device *dev, u32 flags,
		      struct iommu_domain *parent,
		      const struct iommu_user_data *data)
{
	if (parent)
		return sim_alloc_nested(dev, parent, flags, data);
	return sim_alloc_paging(dev, flags, data);
}

static void compat_sim_remove_dev_pasid(struct device *dev, ioasid_t pasid,
					struct iommu_domain *domain)
{
	sim_block_dev_pasid(NULL, dev, pasid, domain);
}

#define COMPAT_IOMMU_OPS						\
	.domain_alloc_user = compat_sim_alloc_user,			\
	.remove_dev_pasid = compat_sim_remove_dev_pasid,		\
	COMPAT_IOMMU_FEATURE_OPS
#define COMPAT_IOMMU_BLOCKED_OPS
#endif

#endif /* __IOASID_SIM_H */

#endif /* __IOASID_COMPAT_H */
