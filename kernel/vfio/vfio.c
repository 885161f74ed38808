// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO container backend: programs that use /dev/vfio/vfio with
 * VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU get an ioasid context and space in
 * place of vfio_iommu_type1, and notice nothing but what docs/vfio.md says.
 *
 * VFIO asks its backends, the one registered last first, whether they serve the
 * type that the program wants, and takes the first that does and whose
 * attach_group() succeeds for all groups. So type1 is loaded before us, and
 * remains what serves the groups that we refuse. When it is loaded once more we
 * register once more.
 */
#include <linux/iommu.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "container.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Serve devices whose interrupts are not isolated (no interrupt remapping)");

static unsigned int dma_entry_limit = U16_MAX;
module_param(dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit, "Mappings per container (65535)");

static bool dirty_tracking;
module_param(dirty_tracking, bool, 0644);
MODULE_PARM_DESC(dirty_tracking,
		 "Containers have their IOMMU record which pages devices write to, if that of their first group can; costs them large pages (off)");

/* A group that is attached to a container. */
struct attached_group {
	struct list_head entry;
	struct iommu_group *group;
	enum ioasid_vfio_group_type type;
};

/*
 * VFIO calls ioctl() without a lock while another thread may take the last
 * group out of the container and so release it. It is therefore given a number
 * for a pointer, and each call looks up whether the container still exists.
 */
static DEFINE_XARRAY_FLAGS(containers, XA_FLAGS_ALLOC1);
static u32 next_handle;

/**
 * ioasid_vfio_get() - the container of a call
 * @handle: what VFIO was given by open()
 *
 * Returns: the container, to be given back by ioasid_vfio_put(), or NULL.
 */
struct ioasid_vfio *ioasid_vfio_get(void *handle)
{
	struct ioasid_vfio *c;

	guard(rcu)();
	c = xa_load(&containers, (unsigned long)handle);
	return c && refcount_inc_not_zero(&c->users) ? c : NULL;
}

/**
 * ioasid_vfio_put() - end of a call
 * @c: from ioasid_vfio_get()
 */
void ioasid_vfio_put(struct ioasid_vfio *c)
{
	if (refcount_dec_and_test(&c->users))
		complete(&c->idle);
}

/* Mediated devices let go of their pages before a mapping goes. */
static void unmap_devices(void *data, u64 iova, u64 size)
{
	struct ioasid_vfio *c = data;
	struct vfio_device *vdev;

	guard(mutex)(&c->device_lock);
	list_for_each_entry(vdev, &c->devices, iommu_entry)
		vdev->ops->dma_unmap(vdev, iova, size);
}

static const struct ioasid_access_ops access_ops = {
	.unmap = unmap_devices,
};

static int container_init_space(struct ioasid_vfio *c)
{
	int rc;

	c->ctx = ioasid_ctx_alloc(IOASID_DOOR_VFIO);
	if (IS_ERR(c->ctx))
		return PTR_ERR(c->ctx);
	c->space = ioasid_space_alloc(c->ctx, 0, dma_entry_limit);
	if (IS_ERR(c->space)) {
		rc = PTR_ERR(c->space);
		goto err_ctx;
	}
	c->access = ioasid_access_create(c->space, &access_ops, c);
	if (IS_ERR(c->access)) {
		rc = PTR_ERR(c->access);
		goto err_space;
	}
	return 0;

err_space:
	ioasid_space_free(c->space);
err_ctx:
	ioasid_ctx_put(c->ctx);
	return rc;
}

static void container_release_space(struct ioasid_vfio *c)
{
	ioasid_access_destroy(c->access);
	ioasid_space_free(c->space);
	ioasid_ctx_put(c->ctx);
}

static struct ioasid_vfio *container_alloc(bool v2)
{
	struct ioasid_vfio *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (!c)
		return NULL;
	c->v2 = v2;
	refcount_set(&c->users, 1);
	init_completion(&c->idle);
	mutex_init(&c->groups_lock);
	INIT_LIST_HEAD(&c->groups);
	mutex_init(&c->device_lock);
	INIT_LIST_HEAD(&c->devices);
	init_rwsem(&c->maps_lock);
	mutex_init(&c->pages_lock);
	xa_init(&c->dirty);
	return c;
}

static void container_free(struct ioasid_vfio *c)
{
	xa_destroy(&c->dirty);
	kfree_rcu(c, rcu);
}

static void *ioasid_vfio_open(unsigned long arg)
{
	struct ioasid_vfio *c;
	int rc;

	if (arg != VFIO_TYPE1_IOMMU && arg != VFIO_TYPE1v2_IOMMU)
		return ERR_PTR(-EINVAL);
	c = container_alloc(arg == VFIO_TYPE1v2_IOMMU);
	if (!c)
		return ERR_PTR(-ENOMEM);
	rc = container_init_space(c);
	if (rc)
		goto err_free;
	/* Cyclic, so that a late call does not meet the next container. */
	rc = xa_alloc_cyclic(&containers, &c->handle, c, XA_LIMIT(1, INT_MAX),
			     &next_handle, GFP_KERNEL_ACCOUNT);
	if (rc < 0)
		goto err_space;
	return (void *)(unsigned long)c->handle;

err_space:
	container_release_space(c);
err_free:
	container_free(c);
	return ERR_PTR(rc);
}

static void ioasid_vfio_release(void *handle)
{
	struct ioasid_vfio *c = xa_erase(&containers, (unsigned long)handle);

	if (WARN_ON(!c))
		return;
	ioasid_vfio_put(c);
	wait_for_completion(&c->idle);
	WARN_ON(!list_empty(&c->groups) || !list_empty(&c->devices));
	container_release_space(c);
	container_free(c);
}

static struct attached_group *find_group(struct ioasid_vfio *c,
					 struct iommu_group *group)
{
	struct attached_group *g;

	lockdep_assert_held(&c->groups_lock);
	list_for_each_entry(g, &c->groups, entry)
		if (g->group == group)
			return g;
	return NULL;
}

/**
 * ioasid_vfio_has_iommu() - is there a device that does DMA by itself
 * @c: the container
 *
 * Returns: false when all groups belong to mediated devices.
 */
bool ioasid_vfio_has_iommu(struct ioasid_vfio *c)
{
	guard(mutex)(&c->groups_lock);
	return c->nr_iommu_groups;
}

/* Decides what kind of container it is as long as groups are attached. */
static int attach_first(struct ioasid_vfio *c, struct iommu_group *group)
{
	bool records = READ_ONCE(dirty_tracking) &&
		       ioasid_group_dirty_capable(group);
	u32 flags = records ? IOASID_FIRST_DIRTY : 0;
	int rc;

	if (records && c->tracking)
		flags |= IOASID_FIRST_TRACKED;
	rc = ioasid_space_attach_first(c->space, group, flags);
	if (!rc)
		c->records = records;
	return rc;
}

static int attach_another(struct ioasid_vfio *c, struct iommu_group *group)
{
	if (c->records && !ioasid_group_dirty_capable(group)) {
		pr_warn_ratelimited("ioasid_vfio: group %d: no place in a container whose IOMMUs record writes, as its own does not; it needs another container, or the parameter dirty_tracking to be off\n",
				    iommu_group_id(group));
		return -EINVAL;
	}
	return ioasid_space_attach_group(c->space, group);
}

static int attach_iommu_group(struct ioasid_vfio *c, struct iommu_group *group)
{
	int rc;

	if (!allow_unsafe_interrupts && !iommu_group_has_isolated_msi(group)) {
		pr_warn("ioasid_vfio: group %d: interrupts are not isolated; see the parameter allow_unsafe_interrupts\n",
			iommu_group_id(group));
		return -EPERM;
	}
	rc = c->nr_iommu_groups ? attach_another(c, group) :
				  attach_first(c, group);
	if (rc)
		return rc;
	c->nr_iommu_groups++;
	if (!c->records)
		c->all_dirty = true;
	return 0;
}

static int container_attach_group(struct ioasid_vfio *c,
				  struct iommu_group *group,
				  enum ioasid_vfio_group_type type)
{
	struct attached_group *g;
	int rc = 0;

	guard(mutex)(&c->groups_lock);
	if (type == IOASID_VFIO_GROUP_NONE || find_group(c, group))
		return -EINVAL;
	g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	if (!g)
		return -ENOMEM;
	g->group = group;
	g->type = type;
	if (type == IOASID_VFIO_GROUP_IOMMU)
		rc = attach_iommu_group(c, group);
	if (rc)
		kfree(g);
	else
		list_add_tail(&g->entry, &c->groups);
	return rc;
}

static int ioasid_vfio_attach_group(void *handle, struct iommu_group *group,
				    enum ioasid_vfio_group_type type)
{
	struct ioasid_vfio *c = ioasid_vfio_get(handle);
	int rc;

	if (!c)
		return -EINVAL;
	rc = down_write_killable(&c->maps_lock);
	if (!rc) {
		rc = container_attach_group(c, group, type);
		up_write(&c->maps_lock);
	}
	ioasid_vfio_put(c);
	return rc;
}

static void container_detach_group(struct ioasid_vfio *c,
				   struct iommu_group *group)
{
	struct attached_group *g;

	guard(mutex)(&c->groups_lock);
	g = find_group(c, group);
	if (WARN_ON(!g))
		return;
	list_del(&g->entry);
	if (g->type == IOASID_VFIO_GROUP_IOMMU) {
		ioasid_space_detach_group(c->space, group);
		c->nr_iommu_groups--;
	}
	kfree(g);
}

static void ioasid_vfio_detach_group(void *handle, struct iommu_group *group)
{
	struct ioasid_vfio *c = ioasid_vfio_get(handle);

	if (!c)
		return;
	container_detach_group(c, group);
	ioasid_vfio_put(c);
}

static struct iommu_domain *
ioasid_vfio_group_domain(void *handle, struct iommu_group *group)
{
	struct ioasid_vfio *c = ioasid_vfio_get(handle);
	struct iommu_domain *domain;

	if (!c)
		return ERR_PTR(-EINVAL);
	domain = ioasid_space_group_domain(c->space, group);
	ioasid_vfio_put(c);
	return domain ?: ERR_PTR(-ENODEV);
}

static void device_add_remove(void *handle, struct vfio_device *vdev, bool add)
{
	struct ioasid_vfio *c;

	/* One that cannot be told to unpin never pins: nothing to know about it. */
	if (!vdev->ops->dma_unmap)
		return;
	c = ioasid_vfio_get(handle);
	if (!c)
		return;
	scoped_guard(mutex, &c->device_lock) {
		if (add)
			list_add_tail(&vdev->iommu_entry, &c->devices);
		else
			list_del(&vdev->iommu_entry);
		WRITE_ONCE(c->nr_devices, c->nr_devices + (add ? 1 : -1));
	}
	ioasid_vfio_put(c);
}

static void ioasid_vfio_register_device(void *handle, struct vfio_device *vdev)
{
	device_add_remove(handle, vdev, true);
}

static void ioasid_vfio_unregister_device(void *handle,
					  struct vfio_device *vdev)
{
	device_add_remove(handle, vdev, false);
}

static const struct ioasid_vfio_backend_ops backend_ops = {
	.name = "ioasid-vfio",
	.owner = THIS_MODULE,
	.open = ioasid_vfio_open,
	.release = ioasid_vfio_release,
	.ioctl = ioasid_vfio_ioctl,
	.attach_group = ioasid_vfio_attach_group,
	.detach_group = ioasid_vfio_detach_group,
	.pin_pages = ioasid_vfio_pin_pages,
	.unpin_pages = ioasid_vfio_unpin_pages,
	.register_device = ioasid_vfio_register_device,
	.unregister_device = ioasid_vfio_unregister_device,
	.dma_rw = ioasid_vfio_dma_rw,
	.group_iommu_domain = ioasid_vfio_group_domain,
};

/* 13 pointers in every supported kernel, see backend.h. */
static_assert(sizeof(backend_ops) == 13 * sizeof(void *));

/*
 * VFIO tells registrations apart by the address of their operations, and a
 * container keeps a pointer to the one it was opened by. So each registration
 * is a copy, and stays until we are unloaded.
 */
struct registration {
	struct list_head entry;
	struct ioasid_vfio_backend_ops ops;
};

static LIST_HEAD(registrations);
static DEFINE_MUTEX(registrations_lock);

static const struct vfio_iommu_driver_ops *to_vfio_ops(struct registration *r)
{
	return (const void *)&r->ops;
}

/* From now on we are asked first. */
static int register_backend(void)
{
	struct registration *r = kzalloc(sizeof(*r), GFP_KERNEL);
	int rc;

	if (!r)
		return -ENOMEM;
	r->ops = backend_ops;
	rc = vfio_register_iommu_driver(to_vfio_ops(r));
	if (rc) {
		kfree(r);
		return rc;
	}
	guard(mutex)(&registrations_lock);
	list_add(&r->entry, &registrations);
	return 0;
}

static void unregister_backend(void)
{
	struct registration *r, *next;

	list_for_each_entry_safe(r, next, &registrations, entry) {
		vfio_unregister_iommu_driver(to_vfio_ops(r));
		kfree(r);
	}
}

static int module_changed(struct notifier_block *nb, unsigned long state,
			  void *data)
{
	struct module *module = data;

	if (state == MODULE_STATE_LIVE &&
	    !strcmp(module->name, "vfio_iommu_type1") && register_backend())
		pr_warn("ioasid_vfio: no memory to come before vfio_iommu_type1, which serves new containers now\n");
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_changed,
};

static int __init ioasid_vfio_init(void)
{
	int rc;

	/* Its absence is no problem. */
	request_module("vfio_iommu_type1");
	rc = register_module_notifier(&module_notifier);
	if (rc)
		return rc;
	rc = register_backend();
	if (rc) {
		unregister_module_notifier(&module_notifier);
		unregister_backend();
	}
	return rc;
}
module_init(ioasid_vfio_init);

static void __exit ioasid_vfio_exit(void)
{
	unregister_module_notifier(&module_notifier);
	unregister_backend();
	WARN_ON(!xa_empty(&containers));
}
module_exit(ioasid_vfio_exit);

MODULE_SOFTDEP("pre: vfio_iommu_type1");
MODULE_DESCRIPTION("VFIO container backend on ioasid");
MODULE_AUTHOR("The ioasid authors");
MODULE_LICENSE("GPL");
