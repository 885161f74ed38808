// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a mapping costs at least when it is made page by page: pin, and one
 * iommu_map() for each contiguous run; one iommu_unmap(), and unpin each run.
 * No bookkeeping, no lock, no limit: not safe, and for measurements only.
 *
 * Besides, it keeps the timer interrupt and the chances of the allocator away from
 * a machine that counts instructions, so that two runs count the same.
 */
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/apic.h>
#include <asm/msr.h>

#include "ioasid_testperf.h"

#define GUP	(FOLL_LONGTERM | FOLL_WRITE)
#define PROT	(IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)

struct testperf {
	struct mutex lock;	/* all below */
	struct pci_dev *pdev;
	struct iommu_group *group;
	struct iommu_domain *domain;
	struct page **list;
	bool quiet;
};

/* The local timer's entry before it was masked; one file at a time has done that. */
static u32 timer_entry;
static atomic_t quiet_files = ATOMIC_INIT(0);

static unsigned long run_length(struct page **list, unsigned long n)
{
	unsigned long i;

	for (i = 1; i < n && list[i] == list[0] + i; i++)
		;
	return i;
}

static void unpin(struct page **list, unsigned long n)
{
	unsigned long i, len;

	for (i = 0; i < n; i += len) {
		len = run_length(list + i, n - i);
		unpin_user_page_range_dirty_lock(list[i], len, true);
	}
}

static int map(struct testperf *t, struct testperf_round *r, unsigned long n)
{
	unsigned long i, len;
	int rc;

	for (i = 0; i < n; i += len) {
		len = run_length(t->list + i, n - i);
		rc = iommu_map(t->domain, r->iova + i * PAGE_SIZE,
			       page_to_phys(t->list[i]), len * PAGE_SIZE, PROT,
			       GFP_KERNEL);
		if (rc) {
			iommu_unmap(t->domain, r->iova, i * PAGE_SIZE);
			return rc;
		}
		r->runs++;
	}
	return 0;
}

static long run_round(struct testperf *t, struct testperf_round *r)
{
	unsigned long n = r->size / PAGE_SIZE;
	u64 start, pinned, mapped, unmapped;
	long done;
	int rc;

	if (!t->domain || !n || n > TESTPERF_MAX_PAGES ||
	    !IS_ALIGNED(r->vaddr | r->iova | r->size, PAGE_SIZE))
		return -EINVAL;
	r->runs = 0;
	start = rdtsc();
	done = pin_user_pages_fast(r->vaddr, n, GUP, t->list);
	pinned = rdtsc();
	if (done != n) {
		if (done > 0)
			unpin(t->list, done);
		return done < 0 ? done : -EFAULT;
	}
	rc = map(t, r, n);
	mapped = rdtsc();
	if (!rc)
		iommu_unmap(t->domain, r->iova, r->size);
	unmapped = rdtsc();
	unpin(t->list, n);
	r->unpin = rdtsc() - unmapped;
	r->unmap = unmapped - mapped;
	r->map = mapped - pinned;
	r->pin = pinned - start;
	return rc;
}

static void drop_device(struct testperf *t)
{
	if (t->domain) {
		iommu_detach_group(t->domain, t->group);
		iommu_domain_free(t->domain);
	}
	if (t->group) {
		iommu_group_release_dma_owner(t->group);
		iommu_group_put(t->group);
	}
	pci_dev_put(t->pdev);
	t->domain = NULL;
	t->group = NULL;
	t->pdev = NULL;
}

static struct pci_dev *find_device(const char *name)
{
	struct device *dev = bus_find_device_by_name(&pci_bus_type, NULL, name);

	return dev ? to_pci_dev(dev) : NULL;
}

static int own_group(struct testperf *t)
{
	struct iommu_group *group = iommu_group_get(&t->pdev->dev);
	int rc;

	if (!group)
		return -ENODEV;
	rc = iommu_group_claim_dma_owner(group, t);
	if (rc) {
		iommu_group_put(group);
		return rc;
	}
	t->group = group;
	return 0;
}

static int attach(struct testperf *t)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(&t->pdev->dev);
	int rc;

	if (IS_ERR(domain))
		return PTR_ERR(domain);
	rc = iommu_attach_group(domain, t->group);
	if (rc)
		iommu_domain_free(domain);
	else
		t->domain = domain;
	return rc;
}

static int set_device(struct testperf *t, const char *name)
{
	int rc;

	if (t->pdev)
		return -EBUSY;
	t->pdev = find_device(name);
	if (!t->pdev)
		return -ENODEV;
	rc = own_group(t);
	if (!rc)
		rc = attach(t);
	if (rc)
		drop_device(t);
	return rc;
}

/* By the registers in memory, so that nothing else is needed of the kernel. */
static u32 apic_get(u32 reg)
{
	return native_apic_mem_read(reg);
}

static void apic_set(u32 reg, u32 value)
{
	native_apic_mem_write(reg, value);
}

static bool apic_in_memory(void)
{
	u64 base = native_read_msr(MSR_IA32_APICBASE);

	return (base & MSR_IA32_APICBASE_ENABLE) && !(base & X2APIC_ENABLE);
}

/*
 * The allocator takes an instruction more for an object that does not begin in the
 * first page of its slab, and which one comes next is chance. After this it is one
 * that does: tried are as many as it takes, and the one found is given back last.
 */
static void arrange_slab(size_t size, gfp_t gfp)
{
	void *tried[32], *found = NULL;
	unsigned int n = 0;

	while (!found && n < ARRAY_SIZE(tried)) {
		void *object = kmalloc(size, gfp);

		if (!object)
			break;
		if (PageTail(virt_to_page(object)))
			tried[n++] = object;
		else
			found = object;
	}
	while (n)
		kfree(tried[--n]);
	kfree(found);
}

static void arrange_slabs(void)
{
	size_t size;

	for (size = 512; size <= KMALLOC_MAX_CACHE_SIZE; size *= 2) {
		arrange_slab(size, GFP_KERNEL);
		arrange_slab(size, GFP_KERNEL_ACCOUNT);
	}
}

/* What became due meanwhile is made due at once. */
static void end_quiet(struct testperf *t)
{
	t->quiet = false;
	apic_set(APIC_LVTT, timer_entry);
	apic_set(APIC_TMICT, 64);
	atomic_set(&quiet_files, 0);
}

static int set_quiet(struct testperf *t, bool on)
{
	if (num_online_cpus() != 1 || !apic_in_memory())
		return -EOPNOTSUPP;
	if (on == t->quiet)
		return 0;
	if (!on) {
		end_quiet(t);
		return 0;
	}
	if (atomic_cmpxchg(&quiet_files, 0, 1))
		return -EBUSY;
	timer_entry = apic_get(APIC_LVTT);
	if ((timer_entry & APIC_LVT_TIMER_TSCDEADLINE) ||
	    (timer_entry & APIC_LVT_MASKED)) {
		atomic_set(&quiet_files, 0);
		return -EOPNOTSUPP;
	}
	arrange_slabs();
	apic_set(APIC_LVTT, timer_entry | APIC_LVT_MASKED);
	t->quiet = true;
	return 0;
}

static long do_round(struct testperf *t, void __user *arg)
{
	struct testperf_round round;
	long rc;

	if (copy_from_user(&round, arg, sizeof(round)))
		return -EFAULT;
	rc = run_round(t, &round);
	if (!rc && copy_to_user(arg, &round, sizeof(round)))
		rc = -EFAULT;
	return rc;
}

static long do_device(struct testperf *t, void __user *arg)
{
	struct testperf_device device;

	if (copy_from_user(&device, arg, sizeof(device)))
		return -EFAULT;
	device.name[sizeof(device.name) - 1] = 0;
	return set_device(t, device.name);
}

static long testperf_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	struct testperf *t = file->private_data;
	long rc;

	mutex_lock(&t->lock);
	switch (cmd) {
	case TESTPERF_DEVICE:
		rc = do_device(t, (void __user *)arg);
		break;
	case TESTPERF_ROUND:
		rc = do_round(t, (void __user *)arg);
		break;
	case TESTPERF_QUIET:
		rc = set_quiet(t, arg);
		break;
	default:
		rc = -ENOTTY;
	}
	mutex_unlock(&t->lock);
	return rc;
}

static int testperf_open(struct inode *inode, struct file *file)
{
	struct testperf *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	t->list = kvmalloc_array(TESTPERF_MAX_PAGES, sizeof(*t->list),
				 GFP_KERNEL);
	if (!t->list) {
		kfree(t);
		return -ENOMEM;
	}
	mutex_init(&t->lock);
	file->private_data = t;
	return 0;
}

static int testperf_release(struct inode *inode, struct file *file)
{
	struct testperf *t = file->private_data;

	if (t->quiet)
		end_quiet(t);
	drop_device(t);
	mutex_destroy(&t->lock);
	kvfree(t->list);
	kfree(t);
	return 0;
}

static const struct file_operations testperf_fops = {
	.owner = THIS_MODULE,
	.open = testperf_open,
	.release = testperf_release,
	.unlocked_ioctl = testperf_ioctl,
};

static struct miscdevice testperf_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ioasid_testperf",
	.fops = &testperf_fops,
};
module_misc_device(testperf_misc);

MODULE_DESCRIPTION("The least a mapping can cost, for measurements of ioasid");
MODULE_AUTHOR("The ioasid authors");
MODULE_LICENSE("GPL");
