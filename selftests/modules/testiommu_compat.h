/* SPDX-License-Identifier: GPL-2.0-only */
/* ioasid_testiommu: what its kernels do not offer to modules in the same way. */
#ifndef TESTIOMMU_COMPAT_H
#define TESTIOMMU_COMPAT_H

#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/version.h>
#include <uapi/linux/iommufd.h>

/* Of drivers/iommu/iommu-priv.h, which modules do not get. */
int iommu_attach_group_handle(struct iommu_domain *domain,
			      struct iommu_group *group,
			      struct iommu_attach_handle *handle);
void iommu_detach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group);
int iommu_replace_group_handle(struct iommu_group *group,
			       struct iommu_domain *new_domain,
			       struct iommu_attach_handle *handle);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define TI_IMPORT_NS	MODULE_IMPORT_NS("IOMMUFD_INTERNAL")

static inline struct iommu_domain *ti_alloc_paging(struct device *dev, u32 flags)
{
	return iommu_paging_domain_alloc_flags(dev, flags);
}

static inline struct iommu_domain *
ti_alloc_nested(struct device *dev, struct iommu_domain *parent,
		const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;

	return ops->domain_alloc_nested(dev, parent, 0, data);
}

static inline struct iommu_domain *ti_alloc_sva(struct device *dev)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline int ti_set_feature(struct device *dev, bool on)
{
	return -EOPNOTSUPP;
}
#else
#define TI_IMPORT_NS	MODULE_IMPORT_NS(IOMMUFD_INTERNAL)

static inline struct iommu_domain *ti_alloc_paging(struct device *dev, u32 flags)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;

	return ops->domain_alloc_user(dev, flags, NULL, NULL);
}

static inline struct iommu_domain *
ti_alloc_nested(struct device *dev, struct iommu_domain *parent,
		const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;

	return ops->domain_alloc_user(dev, 0, parent, data);
}

/* What iommu_sva_bind_device() does, but on this architecture no longer. */
static inline struct iommu_domain *ti_alloc_sva(struct device *dev)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	struct iommu_domain *domain;

	domain = ops->domain_alloc_sva(dev, current->mm);
	if (!IS_ERR(domain)) {
		mmgrab(current->mm);
		domain->mm = current->mm;
		domain->type = IOMMU_DOMAIN_SVA;
	}
	return domain;
}

static inline int ti_set_feature(struct device *dev, bool on)
{
	return on ? iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_IOPF) :
		    iommu_dev_disable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}
#endif

#endif /* TESTIOMMU_COMPAT_H */
