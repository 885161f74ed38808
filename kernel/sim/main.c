// SPDX-License-Identifier: GPL-2.0-only
/* /dev/ioasid-sim: instances on demand; the module. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "sim.h"

static DEFINE_MUTEX(sim_instances_lock);
static DEFINE_XARRAY_ALLOC(sim_instances);

#define SIM_CAPS							\
	(IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_ATS | \
	 IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_ENFORCE_SNOOP |		\
	 IOASID_SIM_CAP_NON_COHERENT | IOASID_SIM_CAP_DIRTY |		\
	 IOASID_SIM_CAP_NO_MSI_REMAP)

#define SIM_FORMATS	GENMASK(IOASID_FORMAT_RISCV_SV48, IOASID_FORMAT_X86_64_4LEVEL)
#define SIM_PASID_FORMATS	GENMASK(IOASID_FORMAT_ARM_CD, IOASID_FORMAT_AMD_GCR3)

/* Values a test left open */
static void fill_defaults(struct ioasid_sim_create *args)
{
	args->addr_width = args->addr_width ?: 48;
	args->pgsize_bitmap = args->pgsize_bitmap ?: SIM_PGSIZES;
	args->group_size = args->group_size ?: 1;
	args->iotlb_sets = args->iotlb_sets ?: 64;
	args->iotlb_ways = args->iotlb_ways ?: 4;
	if ((args->caps & IOASID_SIM_CAP_NESTING) && !args->formats)
		args->formats = SIM_FORMATS |
				(args->caps & IOASID_SIM_CAP_PASID ?
				 SIM_PASID_FORMATS : 0);
	if ((args->caps & IOASID_SIM_CAP_PRI) && !args->prq_entries)
		args->prq_entries = 128;
}

static int check_support(const struct ioasid_sim_create *args)
{
	if ((args->flags & ~(IOASID_SIM_PERSIST | IOASID_SIM_GLOBAL_PASIDS)) ||
	    (args->caps & ~SIM_CAPS) ||
	    (args->formats & ~(SIM_FORMATS | SIM_PASID_FORMATS)))
		return -EOPNOTSUPP;
	return 0;
}

static bool check_shape(const struct ioasid_sim_create *args)
{
	bool pasids = args->caps & IOASID_SIM_CAP_PASID;

	return in_range(args->addr_width, 30, 57 - 30 + 1) &&
	       !(args->pgsize_bitmap & ~(u64)SIM_PGSIZES) &&
	       /* The core maps in CPU pages. */
	       (args->pgsize_bitmap & PAGE_SIZE) &&
	       (!args->formats || (args->caps & IOASID_SIM_CAP_NESTING)) &&
	       (!(args->formats & SIM_PASID_FORMATS) || pasids) &&
	       (pasids ? in_range(args->pasid_bits, 1, 20) : !args->pasid_bits) &&
	       (pasids || !args->nr_subdevices) &&
	       (args->nr_subdevices || !(args->flags & IOASID_SIM_GLOBAL_PASIDS));
}

/* Pages are asked for by those who translate first. */
static bool check_prq(const struct ioasid_sim_create *args)
{
	if (!(args->caps & IOASID_SIM_CAP_PRI))
		return !args->prq_entries;
	return (args->caps & IOASID_SIM_CAP_ATS) &&
	       in_range(args->prq_entries, 8, 4096 - 8 + 1);
}

static bool check_sizes(const struct ioasid_sim_create *args)
{
	return !args->__reserved && in_range(args->nr_devices, 1, IOASID_SIM_MAX_DEVICES) &&
	       args->group_size <= args->nr_devices &&
	       args->nr_subdevices <= IOASID_SIM_MAX_SUBDEVICES &&
	       is_power_of_2(args->iotlb_sets) && args->iotlb_sets <= 4096 &&
	       args->iotlb_ways <= 16 && args->nr_resv <= IOASID_SIM_MAX_RESV;
}

static bool check_resv(const struct ioasid_sim_create *args)
{
	u32 i;

	for (i = 0; i < args->nr_resv; i++) {
		const struct ioasid_sim_resv *resv = &args->resv[i];

		if (resv->__reserved || resv->type > IOASID_SIM_RESV_DIRECT ||
		    !PAGE_ALIGNED(resv->start) || !PAGE_ALIGNED(resv->last + 1) ||
		    resv->start >= resv->last)
			return false;
	}
	return !memchr_inv(&args->resv[i], 0, sizeof(args->resv) -
					      i * sizeof(args->resv[0]));
}

static int check_create(struct ioasid_sim_create *args)
{
	int rc = check_support(args);

	if (rc)
		return rc;
	fill_defaults(args);
	if (!check_shape(args) || !check_prq(args) || !check_sizes(args) || !check_resv(args))
		return -EINVAL;
	return 0;
}

static struct sim_instance *add_instance(const struct ioasid_sim_create *args,
					 const struct file *owner)
{
	struct sim_instance *sim;
	u32 id;
	int rc;

	lockdep_assert_held(&sim_instances_lock);
	rc = xa_alloc(&sim_instances, &id, NULL,
		      XA_LIMIT(0, SIM_MAX_INSTANCES - 1), GFP_KERNEL_ACCOUNT);
	if (rc)
		return ERR_PTR(rc == -EBUSY ? -ENOSPC : rc);
	sim = sim_instance_create(args, owner, id);
	if (IS_ERR(sim))
		xa_erase(&sim_instances, id);
	else
		xa_store(&sim_instances, id, sim, GFP_KERNEL_ACCOUNT);
	return sim;
}

static void remove_instance(struct sim_instance *sim)
{
	lockdep_assert_held(&sim_instances_lock);
	xa_erase(&sim_instances, sim->id);
	sim_instance_destroy(sim);
}

static int cmd_create(struct file *file, void __user *uargs)
{
	struct ioasid_sim_create __user *ucreate = uargs;
	struct ioasid_sim_create args;
	struct sim_instance *sim;
	int rc;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	rc = ioasid_copy_args(&args, sizeof(args), uargs);
	if (!rc)
		rc = check_create(&args);
	if (rc)
		return rc;
	mutex_lock(&sim_instances_lock);
	sim = add_instance(&args, args.flags & IOASID_SIM_PERSIST ? NULL : file);
	if (IS_ERR(sim))
		rc = PTR_ERR(sim);
	else
		rc = put_user(sim->id, &ucreate->id);
	if (rc && !IS_ERR(sim))
		remove_instance(sim);
	mutex_unlock(&sim_instances_lock);
	return rc;
}

static int cmd_destroy(unsigned long id)
{
	struct sim_instance *sim;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&sim_instances_lock);
	sim = xa_load(&sim_instances, id);
	if (sim)
		remove_instance(sim);
	mutex_unlock(&sim_instances_lock);
	return sim ? 0 : -ENOENT;
}

static void read_stats(const struct sim_instance *sim,
		       struct ioasid_sim_stats *stats)
{
	const atomic64_t *from = sim->stats;

	stats->nr_devices = sim->nr_ports;
	stats->hits = atomic64_read(&from[SIM_STAT_HITS]);
	stats->misses = atomic64_read(&from[SIM_STAT_MISSES]);
	stats->walks = atomic64_read(&from[SIM_STAT_WALKS]);
	stats->reads = atomic64_read(&from[SIM_STAT_READS]);
	stats->dev_hits = atomic64_read(&from[SIM_STAT_DEV_HITS]);
	stats->invalidations = atomic64_read(&from[SIM_STAT_INVALIDATIONS]);
	stats->evictions = atomic64_read(&from[SIM_STAT_EVICTIONS]);
	stats->faults = atomic64_read(&from[SIM_STAT_FAULTS]);
	stats->stale = atomic64_read(&from[SIM_STAT_STALE]);
	stats->requests = atomic64_read(&from[SIM_STAT_REQUESTS]);
	stats->bytes = atomic64_read(&from[SIM_STAT_BYTES]);
	stats->page_requests = atomic64_read(&from[SIM_STAT_PAGE_REQUESTS]);
	stats->page_overflows = atomic64_read(&from[SIM_STAT_PAGE_OVERFLOWS]);
	stats->page_success = atomic64_read(&from[SIM_STAT_PAGE_SUCCESS]);
	stats->page_invalid = atomic64_read(&from[SIM_STAT_PAGE_INVALID]);
	stats->page_failure = atomic64_read(&from[SIM_STAT_PAGE_FAILURE]);
	stats->page_unexpected = atomic64_read(&from[SIM_STAT_PAGE_UNEXPECTED]);
	stats->page_retries = atomic64_read(&from[SIM_STAT_PAGE_RETRIES]);
}

/* The structure has grown: programs may know less of it. */
static int copy_stats(struct ioasid_sim_stats *stats, const void __user *uargs,
		      size_t *size)
{
	u32 argsz;

	if (get_user(argsz, (const u32 __user *)uargs))
		return -EFAULT;
	if (argsz < offsetofend(struct ioasid_sim_stats, bytes))
		return -EINVAL;
	if (argsz > PAGE_SIZE)
		return -E2BIG;
	*size = min(argsz, sizeof(*stats));
	return copy_struct_from_user(stats, sizeof(*stats), uargs, argsz);
}

static int cmd_get_stats(void __user *uargs)
{
	struct ioasid_sim_stats stats;
	struct sim_instance *sim;
	size_t size;
	int rc;

	rc = copy_stats(&stats, uargs, &size);
	if (rc)
		return rc;
	if (stats.flags)
		return -EOPNOTSUPP;
	mutex_lock(&sim_instances_lock);
	sim = xa_load(&sim_instances, stats.id);
	if (sim)
		read_stats(sim, &stats);
	mutex_unlock(&sim_instances_lock);
	if (!sim)
		return -ENOENT;
	return copy_to_user(uargs, &stats, size) ? -EFAULT : 0;
}

static int cmd_inject(void __user *uargs)
{
	const u32 known = IOASID_SIM_INJECT_LOSE_IOTLB |
			  IOASID_SIM_INJECT_LOSE_DEVTLB |
			  IOASID_SIM_INJECT_LOSE_PASID |
			  IOASID_SIM_INJECT_LOSE_RESPONSE |
			  IOASID_SIM_INJECT_REPEAT_RESPONSE |
			  IOASID_SIM_INJECT_PRQ_OVERFLOW;
	struct ioasid_sim_inject args;
	struct sim_instance *sim;
	int rc;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	rc = ioasid_copy_args(&args, sizeof(args), uargs);
	if (rc)
		return rc;
	if (args.flags & ~known)
		return -EOPNOTSUPP;
	if (args.fail_nth > INT_MAX)
		return -EINVAL;
	mutex_lock(&sim_instances_lock);
	sim = xa_load(&sim_instances, args.id);
	if (sim) {
		down_write(&sim->flight);
		sim->inject = args.flags;
		up_write(&sim->flight);
		atomic_set(&sim->fail_nth, args.fail_nth);
	}
	mutex_unlock(&sim_instances_lock);
	return sim ? 0 : -ENOENT;
}

/* How many there are, and the first of them; or an error. */
static int list_pasids(u32 id, u32 device, u32 *pasids, u32 max)
{
	struct sim_instance *sim;
	int rc = -ENOENT;

	mutex_lock(&sim_instances_lock);
	sim = xa_load(&sim_instances, id);
	if (sim && device < sim->nr_ports)
		rc = sim_port_pasids(&sim->ports[device], pasids, max);
	mutex_unlock(&sim_instances_lock);
	return rc;
}

static int cmd_get_pasids(void __user *uargs)
{
	struct ioasid_sim_pasids __user *upasids = uargs;
	struct ioasid_sim_pasids args;
	u32 *pasids;
	int rc;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	rc = ioasid_copy_args(&args, sizeof(args), uargs);
	if (rc)
		return rc;
	if (args.flags)
		return -EOPNOTSUPP;
	if (args.__reserved || args.nr > IOASID_SIM_MAX_PASIDS)
		return -EINVAL;
	pasids = kvcalloc(args.nr, sizeof(*pasids), GFP_KERNEL_ACCOUNT);
	if (!pasids)
		return -ENOMEM;
	rc = list_pasids(args.id, args.device, pasids, args.nr);
	if (rc >= 0 && copy_to_user(u64_to_user_ptr(args.pasids), pasids,
				    min_t(u32, rc, args.nr) * sizeof(*pasids)))
		rc = -EFAULT;
	kvfree(pasids);
	return rc < 0 ? rc : put_user(rc, &upasids->nr);
}

static long sim_control_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	void __user *uargs = (void __user *)arg;

	switch (cmd) {
	case IOASID_SIM_CREATE:
		return cmd_create(file, uargs);
	case IOASID_SIM_DESTROY:
		return cmd_destroy(arg);
	case IOASID_SIM_GET_STATS:
		return cmd_get_stats(uargs);
	case IOASID_SIM_INJECT:
		return cmd_inject(uargs);
	case IOASID_SIM_GET_PASIDS:
		return cmd_get_pasids(uargs);
	default:
		return -ENOTTY;
	}
}

static int sim_control_release(struct inode *inode, struct file *file)
{
	struct sim_instance *sim;
	unsigned long id;

	mutex_lock(&sim_instances_lock);
	xa_for_each(&sim_instances, id, sim)
		if (sim->owner == file)
			remove_instance(sim);
	mutex_unlock(&sim_instances_lock);
	return 0;
}

static const struct file_operations sim_control_fops = {
	.owner = THIS_MODULE,
	.release = sim_control_release,
	.unlocked_ioctl = sim_control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice sim_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ioasid-sim",
	.nodename = "ioasid-sim",
	.mode = 0600,
	.fops = &sim_control_fops,
};

static int __init sim_init(void)
{
	int rc;

	rc = sim_driver_register();
	if (rc)
		return rc;
	rc = misc_register(&sim_misc);
	if (rc)
		sim_driver_unregister();
	return rc;
}
module_init(sim_init);

static void __exit sim_exit(void)
{
	misc_deregister(&sim_misc);
	sim_driver_unregister();
	xa_destroy(&sim_instances);
}
module_exit(sim_exit);

MODULE_DESCRIPTION("A software IOMMU with devices, for tests of ioasid");
MODULE_LICENSE("GPL");
