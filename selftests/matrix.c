// SPDX-License-Identifier: GPL-2.0-only
/*
 * The error matrix of the RFC and its review (E1 to E37), as far as
 * kernel-managed spaces and real devices go. The other tests look at the same
 * refusals from other sides; this one is the list.
 */
#include <sys/wait.h>

#include "ioasid_util.h"

#define TOP_PAGE	(UINT64_MAX - PAGE + 1)
#define MSI		0xfee00000ULL

FIXTURE(ctx) {
	int fd;
	int id;
	char *mem;
};

FIXTURE_SETUP(ctx)
{
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->mem = memory(16 * PAGE);
}

FIXTURE_TEARDOWN(ctx)
{
	close(self->fd);
	EXPECT_EQ(0, locked_pages());
}

/* Two devices of groups of their own, the first bound and attached. */
FIXTURE(devices) {
	int fd;
	int id;
	char *mem;
	struct edu_device dev[2];
};

FIXTURE_SETUP(devices)
{
	self->mem = memory(16 * PAGE);
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	edu_device_open(&self->dev[0], 0);
	edu_device_open(&self->dev[1], 1);
	test_bind(self->dev[0].fd, self->fd, 10);
	edu_device_start(&self->dev[0]);
	test_attach(self->dev[0].fd, self->id);
	test_map(self->fd, self->id, self->mem, 0x100000, 16 * PAGE);
}

FIXTURE_TEARDOWN(devices)
{
	edu_device_close(&self->dev[0]);
	edu_device_close(&self->dev[1]);
	close(self->fd);
	EXPECT_EQ(0, locked_pages());
}

/* The attached device still works: its last page takes what it had in the first. */
static void check_dma(struct edu *edu, char *mem, unsigned int seed)
{
	fill(mem, PAGE, seed);
	memset(mem + 15 * PAGE, 0, PAGE);
	ASSERT_EQ(0, edu_to_device(edu, 0x100000, 0, PAGE));
	ASSERT_EQ(0, edu_from_device(edu, 0x100000 + 15 * PAGE, 0, PAGE));
	EXPECT_EQ(PAGE, mismatch(mem + 15 * PAGE, PAGE, seed));
}

/* Two functions of one group. */
FIXTURE(group) {
	int fd;
	int id;
	char *mem;
	struct edu_device dev[2];
};

FIXTURE_SETUP(group)
{
	if (!edu_name(3) || pci_group(edu_name(2)) != pci_group(edu_name(3)))
		SKIP("no group of two edu devices");
	self->mem = memory(16 * PAGE);
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	edu_device_open(&self->dev[0], 2);
	edu_device_open(&self->dev[1], 3);
}

FIXTURE_TEARDOWN(group)
{
	edu_device_close(&self->dev[0]);
	edu_device_close(&self->dev[1]);
	close(self->fd);
}

TEST_F(ctx, e1, "E1 what depends on a device is ENODEV without one, MAP is allowed")
{
	test_err_info(ENODEV, self->fd, self->id);
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	test_err_info(ENODEV, self->fd, self->id);
	test_unmap(self->fd, self->id, 0, PAGE);
}

TEST_F(devices, e2, "E2 GET_INFO before the first and after the last attach is ENODEV")
{
	struct ioasid_info info;

	test_err_info(ENODEV, self->fd, test_alloc(self->fd));
	test_info(self->fd, self->id, &info, sizeof(info));
	EXPECT_EQ(1, info.nr_devices);
	test_detach(self->dev[0].fd, self->id);
	test_err_info(ENODEV, self->fd, self->id);
}

TEST_F(devices, e3, "E3 ATTACH before BIND is EINVAL")
{
	test_err_attach(EINVAL, self->dev[1].fd, self->id);
	test_err_detach(EINVAL, self->dev[1].fd, self->id);
	test_err_unbind(EINVAL, self->dev[1].fd);
	check_dma(&self->dev[0].edu, self->mem, 3);
}

TEST_F(devices, e4, "E4 BIND of a bound device, to this or another context, is EBUSY")
{
	int other = test_open();

	test_err_bind(EBUSY, self->dev[0].fd, other, 10);
	test_err_bind(EBUSY, self->dev[0].fd, self->fd, 11);
	check_dma(&self->dev[0].edu, self->mem, 4);
	test_unbind(self->dev[0].fd);
	test_bind(self->dev[0].fd, other, 10);
	close(other);
}

TEST_F(devices, e5, "E5 ATTACH to a space of another context is ENOENT")
{
	int other = test_open(), id;

	do
		id = test_alloc(other);
	while (id <= self->id);
	test_bind(self->dev[1].fd, self->fd, 11);
	test_err_attach(ENOENT, self->dev[1].fd, id);
	test_err_attach(ENOENT, self->dev[1].fd, IOASID_NONE);
	close(other);
}

TEST_F(devices, e6, "E6 ATTACH of a device whose IOMMU does not fit the space is EINVAL")
{
	int wide = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, IOASID_NONE, 0, 64);
	int msi = test_alloc(self->fd), top = test_alloc(self->fd);

	ASSERT_LT(0, wide);
	test_map(self->fd, msi, self->mem, MSI, PAGE);
	test_map(self->fd, top, self->mem, TOP_PAGE, PAGE);
	test_bind(self->dev[1].fd, self->fd, 11);
	test_err_attach(EINVAL, self->dev[1].fd, wide);
	test_err_attach(EINVAL, self->dev[1].fd, msi);
	test_err_attach(EINVAL, self->dev[1].fd, top);
	check_dma(&self->dev[0].edu, self->mem, 6);
	test_attach(self->dev[1].fd, self->id);
}

static void check_missing(struct fixture_group *self, const char *name)
{
	char buf[4096];
	struct ioasid_info *info = (void *)buf;
	struct ioasid_cap_missing_devices *cap;

	test_info(self->fd, self->id, info, sizeof(buf));
	EXPECT_TRUE(info->flags & IOASID_INFO_PARTIAL);
	cap = find_cap(info, info->cap_offset, IOASID_CAP_MISSING_DEVICES);
	ASSERT_TRUE(cap);
	ASSERT_EQ(1, cap->nr_devices);
	EXPECT_STREQ(name, cap->devices[0].name);
	EXPECT_EQ(pci_group(name), cap->devices[0].group);
}

TEST_F(group, e8, "E8 a group attached in part: EDEADLK, and GET_INFO says who is missing")
{
	struct ioasid_info info;

	test_map(self->fd, self->id, self->mem, 0x100000, 16 * PAGE);
	test_bind(self->dev[0].fd, self->fd, 0);
	test_bind(self->dev[1].fd, self->fd, 1);
	test_attach(self->dev[0].fd, self->id);
	check_missing(self, self->dev[1].name);
	test_err_map(EDEADLK, self->fd, self->id, self->mem, 0, PAGE);
	test_err_unmap(EDEADLK, self->fd, self->id, 0x100000, 16 * PAGE);
	test_err_free(EBUSY, self->fd, self->id);

	test_attach(self->dev[1].fd, self->id);
	test_info(self->fd, self->id, &info, sizeof(info));
	EXPECT_FALSE(info.flags & IOASID_INFO_PARTIAL);
	EXPECT_EQ(2, info.nr_devices);
	edu_device_start(&self->dev[0]);
	edu_device_start(&self->dev[1]);
	if (iommu_passes_bridge()) {
		check_dma(&self->dev[0].edu, self->mem, 8);
		check_dma(&self->dev[1].edu, self->mem, 9);
	}

	test_detach(self->dev[0].fd, self->id);
	check_missing(self, self->dev[0].name);
	test_err_map(EDEADLK, self->fd, self->id, self->mem, 0, PAGE);
	test_detach(self->dev[1].fd, self->id);
	test_unmap(self->fd, self->id, 0x100000, 16 * PAGE);
}

TEST_F(group, e9, "E9 BIND where another member's driver does DMA is EPERM")
{
	char name[PCI_NAME_LEN];

	strcpy(name, self->dev[1].name);
	edu_device_close(&self->dev[1]);
	if (system("modprobe -q uio_pci_generic"))
		SKIP("no uio_pci_generic");
	if (pci_rebind(name, "uio_pci_generic"))
		FAIL("%s cannot be bound to uio_pci_generic", name);
	EXPECT_ERRNO(EPERM, do_bind(self->dev[0].fd, self->fd, 0));
	EXPECT_EQ(0, fdinfo_get(self->fd, "ioasid-devices"));
	EXPECT_EQ(0, pci_rebind(name, IOASID_PCI_DRIVER));
	test_bind(self->dev[0].fd, self->fd, 0);
}

TEST_F(group, e10, "E10 a group split over two contexts is EBUSY")
{
	int other = test_open();

	test_bind(self->dev[0].fd, self->fd, 0);
	test_err_bind(EBUSY, self->dev[1].fd, other, 1);
	test_bind(self->dev[1].fd, self->fd, 1);
	test_unbind(self->dev[0].fd);
	test_err_bind(EBUSY, self->dev[0].fd, other, 0);
	test_unbind(self->dev[1].fd);
	test_bind(self->dev[0].fd, other, 0);
	close(other);
}

TEST_F(group, e10_spaces, "E10 a group split over two spaces is EBUSY")
{
	int other = test_alloc(self->fd);

	test_bind(self->dev[0].fd, self->fd, 0);
	test_bind(self->dev[1].fd, self->fd, 1);
	test_attach(self->dev[0].fd, self->id);
	test_err_attach(EBUSY, self->dev[1].fd, other);
	test_attach(self->dev[1].fd, self->id);
}

TEST_F(ctx, e11, "E11 MAP overlapping an existing mapping is EEXIST")
{
	test_map(self->fd, self->id, self->mem, 4 * PAGE, 4 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, 4 * PAGE, 4 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, 3 * PAGE, 2 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, 7 * PAGE, 2 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, 5 * PAGE, PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, 0, 16 * PAGE);
}

/* The list that GET_INFO gives is what MAP goes by. */
static void check_ranges(struct fixture_devices *self, struct ioasid_cap_iova_ranges *cap)
{
	for (uint32_t i = 0; i < cap->nr_ranges; i++) {
		struct ioasid_iova_range *r = &cap->ranges[i];
		uint64_t last_page = r->last - PAGE + 1;

		diag("permitted: 0x%llx-0x%llx", (unsigned long long)r->start,
		     (unsigned long long)r->last);
		ASSERT_LE(r->start, r->last);
		if (i)
			ASSERT_LT(cap->ranges[i - 1].last + 1, r->start);
		test_map(self->fd, self->id, self->mem, r->start, PAGE);
		test_unmap(self->fd, self->id, r->start, PAGE);
		test_map(self->fd, self->id, self->mem, last_page, PAGE);
		test_unmap(self->fd, self->id, last_page, PAGE);
		if (r->last == UINT64_MAX)
			continue;
		test_err_map(EINVAL, self->fd, self->id, self->mem, r->last + 1, PAGE);
		test_err_map(EINVAL, self->fd, self->id, self->mem, last_page, 2 * PAGE);
	}
}

TEST_F(devices, e12, "E12 MAP outside the permitted ranges or misaligned is EINVAL")
{
	char buf[4096];
	struct ioasid_info *info = (void *)buf;
	struct ioasid_cap_iova_ranges *cap;

	test_info(self->fd, self->id, info, sizeof(buf));
	EXPECT_EQ(0, info->flags & IOASID_INFO_PARTIAL);
	EXPECT_TRUE(info->flags & IOASID_INFO_MAP_DMA);
	EXPECT_TRUE(info->pgsize_bitmap & PAGE);
	cap = find_cap(info, info->cap_offset, IOASID_CAP_IOVA_RANGES);
	ASSERT_TRUE(cap);
	ASSERT_LE(2, cap->nr_ranges);	/* below and above the MSI window */
	check_ranges(self, cap);
	test_err_map(EINVAL, self->fd, self->id, self->mem, MSI, PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, MSI - PAGE, 2 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, MSI + 0xff000, 2 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, TOP_PAGE, PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, 0x10, PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem, 0, 0x10);
	test_err_map(EINVAL, self->fd, self->id, self->mem + 8, 0, PAGE);
}

TEST_F(devices, info_sizes, "GET_INFO and DEVICE_GET_INFO tell the size they need",
       .timeout = 20)
{
	char buf[4096];
	struct ioasid_info *info = (void *)buf;
	struct ioasid_device_info *dev = (void *)buf;
	uint32_t need;

	test_info(self->fd, self->id, info, sizeof(*info));
	need = info->argsz;
	EXPECT_LT(sizeof(*info), need);
	EXPECT_EQ(0, info->cap_offset);
	test_info(self->fd, self->id, info, need - 1);
	EXPECT_EQ(need, info->argsz);
	EXPECT_EQ(0, info->cap_offset);
	test_info(self->fd, self->id, info, need);
	EXPECT_EQ(need, info->argsz);
	EXPECT_EQ(sizeof(*info), info->cap_offset);
	EXPECT_EQ(IOASID_KIND_KERNEL, info->kind);
	EXPECT_EQ(self->id, info->ioasid);

	test_device_info(self->fd, 10, dev, sizeof(*dev));
	need = dev->argsz;
	EXPECT_LT(sizeof(*dev), need);
	EXPECT_EQ(0, dev->cap_offset);
	test_device_info(self->fd, 10, dev, need);
	EXPECT_EQ(sizeof(*dev), dev->cap_offset);
	EXPECT_EQ(10, dev->cookie);
	EXPECT_EQ(pci_group(self->dev[0].name), dev->group);
	EXPECT_TRUE(dev->pgsize_bitmap & PAGE);
	EXPECT_TRUE(dev->flags & IOASID_DEV_INFO_CACHE_COHERENT);
	EXPECT_TRUE(find_cap(dev, dev->cap_offset, IOASID_CAP_IOVA_RANGES));
}

TEST_F(ctx, e13, "E13 MAP of memory outside the registered list is EINVAL")
{
	test_register(self->fd, self->mem, 4 * PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem + 4 * PAGE, 0, PAGE);
	test_err_map(EINVAL, self->fd, self->id, self->mem + 3 * PAGE, 0, 2 * PAGE);
	test_map(self->fd, self->id, self->mem + 3 * PAGE, 0, PAGE);
}

TEST_F(devices, e14, "E14 UNMAP that cuts a mapping is EINVAL, of nothing ENOENT")
{
	test_err_unmap(EINVAL, self->fd, self->id, 0x100000, 8 * PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, 0x108000, 8 * PAGE);
	test_err_unmap(EINVAL, self->fd, self->id, 0xff000, 4 * PAGE);
	test_err_unmap(ENOENT, self->fd, self->id, 0x200000, PAGE);
	check_dma(&self->dev[0].edu, self->mem, 14);
	test_unmap_some(16 * PAGE, self->fd, self->id, 0, 0x200000);
	test_err_unmap(ENOENT, self->fd, self->id, 0, 0x200000);
}

TEST_F(devices, e16, "E16 INVALIDATE_CACHE on a kernel-managed space is EOPNOTSUPP")
{
	test_err_invalidate(EOPNOTSUPP, self->fd, self->id, 0, 0);
	test_err_invalidate(EOPNOTSUPP, self->fd, self->id, 0x100000, PAGE);
}

TEST_F(devices, e17, "E17 a user-managed table without a parent is EINVAL")
{
	test_err_alloc_kind(EINVAL, self->fd, IOASID_KIND_USER, IOASID_NONE, 0, 0);
	test_err_table(EINVAL, self->fd, IOASID_BIND_PGTABLE, self->id);
	test_err_table(EINVAL, self->fd, IOASID_BIND_PASID_TABLE, self->id);
}

TEST_F(devices, e18, "E18 nesting on a space that cannot be a parent is EOPNOTSUPP")
{
	int user = do_alloc_user(self->fd, self->id, IOASID_FORMAT_X86_64_4LEVEL, 48, 0x100000);

	ASSERT_LT(0, user);
	test_err_create_nesting(EOPNOTSUPP, self->fd, user);
	test_err_alloc_kind(EOPNOTSUPP, self->fd, IOASID_KIND_KERNEL, user, 0, 0);
	ASSERT_ERRNO(EOPNOTSUPP, do_alloc_user(self->fd, user, IOASID_FORMAT_X86_64_4LEVEL, 48,
					       0x100000));
	test_free(self->fd, user);
}

TEST_F(ctx, e19, "E19 a parent of another context is ENOENT")
{
	int other = test_open(), id;

	do
		id = test_alloc(other);
	while (id <= self->id);
	test_err_create_nesting(ENOENT, self->fd, id);
	test_err_alloc_kind(ENOENT, self->fd, IOASID_KIND_KERNEL, id, 0, 0);
	close(other);
}

TEST_F(ctx, e20, "E20 a format or address width that cannot be is EINVAL")
{
	struct ioasid_alloc arg = {
		.argsz = sizeof(arg), .kind = IOASID_KIND_KERNEL, .format = 77,
	};

	EXPECT_ERRNO(EINVAL, ioctl(self->fd, IOASID_ALLOC, &arg));
	test_err_alloc_kind(EINVAL, self->fd, IOASID_KIND_KERNEL, IOASID_NONE, 0, 65);
	test_err_alloc_kind(EINVAL, self->fd, IOASID_KIND_KERNEL, IOASID_NONE, 0, 3);
}

TEST_F(devices, e21, "E21 FREE with a device attached is EBUSY")
{
	test_err_free(EBUSY, self->fd, self->id);
	check_dma(&self->dev[0].edu, self->mem, 21);
	test_detach(self->dev[0].fd, self->id);
	test_free(self->fd, self->id);
}

TEST_F(devices, e23, "E23 a second ATTACH of the same device is EBUSY")
{
	test_err_attach(EBUSY, self->dev[0].fd, self->id);
	test_err_attach(EBUSY, self->dev[0].fd, test_alloc(self->fd));
	check_dma(&self->dev[0].edu, self->mem, 23);
}

/* The other half, an IOMMU that cannot, is in snoop.c. */
TEST_F(devices, e28, "E28 an enforce-snoop space takes a device whose IOMMU can")
{
	int id = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, 0, IOASID_ALLOC_ENFORCE_SNOOP, 0);
	struct ioasid_device_info dev;
	struct ioasid_info info;

	if (!iommu_enforces_snoop())
		SKIP("this IOMMU cannot");
	ASSERT_LT(0, id);
	test_bind(self->dev[1].fd, self->fd, 11);
	test_device_info(self->fd, 11, &dev, sizeof(dev));
	EXPECT_TRUE(dev.flags & IOASID_DEV_INFO_ENFORCE_SNOOP);
	test_attach(self->dev[1].fd, id);
	test_info(self->fd, id, &info, sizeof(info));
	EXPECT_TRUE(info.flags & IOASID_INFO_ENFORCED_SNOOP);
}

TEST_F(devices, e33, "E33 bound devices keep what they use when /dev/ioasid is closed")
{
	int64_t pins = machine_pins();

	ASSERT_EQ(0, close(self->fd));
	check_dma(&self->dev[0].edu, self->mem, 33);
	EXPECT_EQ(pins, machine_pins());
	test_detach(self->dev[0].fd, self->id);
	test_attach(self->dev[0].fd, self->id);
	check_dma(&self->dev[0].edu, self->mem, 34);
	edu_device_close(&self->dev[0]);
	EXPECT_TRUE(machine_pins_become(pins - 16));
	self->fd = open("/dev/null", O_RDONLY);
}

TEST_F(devices, e34, "E34 access to a device before BIND is EINVAL, mmap too")
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int dev = self->dev[1].fd;
	char byte;

	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_ERRNO(EINVAL, ioctl(dev, VFIO_DEVICE_RESET));
	EXPECT_ERRNO(EINVAL, pread(dev, &byte, 1, 7ULL << 40));
	EXPECT_ERRNO(EINVAL, pwrite(dev, &byte, 1, 7ULL << 40));
	EXPECT_TRUE(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, 0) == MAP_FAILED);
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(ctx, e35, "E35 RLIMIT_MEMLOCK exceeded at MAP and REGISTER: ENOMEM, nothing pinned")
{
	int64_t pins = machine_pins();

	limit_locked(8);
	test_err_map(ENOMEM, self->fd, self->id, self->mem, 0, 9 * PAGE);
	test_err_register(ENOMEM, self->fd, self->mem, 9 * PAGE);
	EXPECT_EQ(0, locked_pages());
	EXPECT_TRUE(machine_pins_become(pins));
	test_map(self->fd, self->id, self->mem, 0, 8 * PAGE);
}

TEST_F(ctx, e36, "E36 a structure with an unknown tail that is not zero is E2BIG")
{
	struct {
		struct ioasid_free arg;
		uint64_t tail;
	} big = { .arg = { .argsz = sizeof(big), .ioasid = self->id }, .tail = 1ULL << 63 };

	EXPECT_ERRNO(E2BIG, ioctl(self->fd, IOASID_FREE, &big));
	big.tail = 0;
	EXPECT_EQ(0, ioctl(self->fd, IOASID_FREE, &big));
}

/* Everything there is, in a process that then goes. */
static void use_all(int64_t pins)
{
	int fd = test_open(), id = test_alloc(fd);
	char *mem = memory(32 * PAGE);
	struct edu_device dev[2];

	for (int i = 0; i < 2; i++) {
		edu_device_open(&dev[i], i);
		test_bind(dev[i].fd, fd, i);
		edu_device_start(&dev[i]);
		/* An edu cannot be reset: what the last user started still runs. */
		ASSERT_EQ(0, edu_wait(&dev[i].edu, EDU_TIMEOUT_MS));
		test_attach(dev[i].fd, id);
	}
	test_map(fd, id, mem, 0x100000, 16 * PAGE);
	test_register(fd, mem + 16 * PAGE, 16 * PAGE);
	test_map(fd, id, mem + 16 * PAGE, 0x200000, 16 * PAGE);
	check_dma(&dev[0].edu, mem, 37);
	EXPECT_EQ(pins + 32, machine_pins());
	/* Its DMA may be under way when the process ends. */
	edu_start(&dev[1].edu, 0x100000, 0, PAGE, EDU_CMD_TO_RAM);
}

TEST(e37, "E37 exit with everything attached: blocked, released, pins and charge returned")
{
	int64_t pins = machine_pins();
	struct edu_device dev;
	int status, fd;
	pid_t pid;

	for (int killed = 0; killed < 2; killed++) {
		pid = fork();
		if (!pid) {
			use_all(pins);
			if (killed)
				raise(SIGKILL);
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		if (!killed)
			ASSERT_EQ(0, status);
		EXPECT_TRUE(machine_pins_become(pins));
	}
	fd = test_open();
	edu_device_open(&dev, 0);
	test_bind(dev.fd, fd, 1);
	close(dev.fd);
	EXPECT_EQ(0, pci_rebind(edu_name(0), ""));	/* nobody's any more */
}

/* E7, E15, E22-E28 (nesting, PASIDs) and E6 with IOMMUs that differ are in sim_matrix.c. */
HARNESS_MAIN
