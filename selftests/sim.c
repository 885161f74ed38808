// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software IOMMU: instances, what their IOMMUs can and cannot do, and the
 * RFC's scenarios on their devices, with real bytes.
 */
#include "sim_fixture.h"

#define S_VADDR		0x40000000UL
#define S_SIZE		(8 * MIB)

/* Instances */

TEST_F(sim, create_arguments, "CREATE refuses what cannot be")
{
	const struct ioasid_sim_create good = { .argsz = sizeof(good), .nr_devices = 1 };
	struct ioasid_sim_create bad;

#define BAD(_err, _member, _value) do {						\
	bad = good;								\
	bad._member = _value;							\
	EXPECT_ERRNO(_err, ioctl(self->ctl, IOASID_SIM_CREATE, &bad));		\
} while (0)
	BAD(EINVAL, argsz, sizeof(good) - 1);
	BAD(E2BIG, argsz, 2 * PAGE);
	BAD(EOPNOTSUPP, flags, 1U << 31);
	BAD(EINVAL, flags, IOASID_SIM_GLOBAL_PASIDS);
	BAD(EINVAL, nr_subdevices, 1);
	BAD(EOPNOTSUPP, caps, 1U << 31);
	BAD(EINVAL, addr_width, 29);
	BAD(EINVAL, addr_width, 58);
	BAD(EINVAL, pgsize_bitmap, MIB * 2);
	BAD(EINVAL, pgsize_bitmap, PAGE | 1UL << 39);
	BAD(EOPNOTSUPP, formats, 1);
	BAD(EINVAL, formats, 1 << IOASID_FORMAT_X86_64_4LEVEL);
	BAD(EINVAL, pasid_bits, 8);
	BAD(EINVAL, caps, IOASID_SIM_CAP_PASID);
	BAD(EINVAL, nr_devices, 0);
	BAD(EINVAL, nr_devices, IOASID_SIM_MAX_DEVICES + 1);
	BAD(EINVAL, group_size, 2);
	BAD(EINVAL, iotlb_sets, 3);
	BAD(EINVAL, iotlb_sets, 8192);
	BAD(EINVAL, iotlb_ways, 17);
	BAD(EINVAL, nr_resv, IOASID_SIM_MAX_RESV + 1);
	BAD(EINVAL, prq_entries, 128);
	BAD(EINVAL, __reserved, 1);
	BAD(EINVAL, caps, IOASID_SIM_CAP_PRI);
	BAD(EINVAL, resv[0].last, PAGE - 1);	/* beyond nr_resv */
	EXPECT_ERRNO(EFAULT, ioctl(self->ctl, IOASID_SIM_CREATE, NULL));
	EXPECT_ERRNO(ENOENT, do_sim_destroy(self->ctl, 0));
	EXPECT_ERRNO(ENOENT, do_sim_inject(self->ctl, 0, 0, 0));
	EXPECT_ERRNO(EOPNOTSUPP, do_sim_inject(self->ctl, 0, 1 << 3, 0));
	EXPECT_ERRNO(ENOTTY, ioctl(self->ctl, IOASID_SIM_DMA, NULL));
#undef BAD
}

TEST_F(sim, instances, "instances come and go, and go with their file", .timeout = 90)
{
	int other = open(SIM_NODE, O_RDWR | O_CLOEXEC), dev;
	uint32_t mine = sim_create(self->ctl, .nr_devices = 3);
	uint32_t theirs = sim_create(other, .nr_devices = 1);
	uint32_t kept = sim_create(other, .nr_devices = 1, .flags = IOASID_SIM_PERSIST);

	EXPECT_NE(mine, theirs);
	EXPECT_EQ(3, sim_stats(self->ctl, mine).nr_devices);
	dev = sim_open(theirs, 0);
	close(other);
	EXPECT_ERRNO(ENODEV, do_bind(dev, self->fd, SIM_COOKIE));
	EXPECT_ERRNO(ENOENT, do_sim_destroy(self->ctl, theirs));
	ASSERT_TRUE(!do_sim_destroy(self->ctl, kept));
	ASSERT_TRUE(!do_sim_destroy(self->ctl, mine));
	EXPECT_ERRNO(ENOENT, do_sim_destroy(self->ctl, mine));
	close(dev);
}

TEST_F(sim, full, "there is an end to instances", .timeout = 120)
{
	struct ioasid_sim_create args = { .nr_devices = 1 };
	int nr = 0;

	while (do_sim_create(self->ctl, &args) >= 0)
		nr++;
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_LE(8, nr);
	diag("%d instances", nr);
}

TEST_F(sim, unprivileged, "only CAP_SYS_ADMIN makes instances")
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};
	uint32_t id = sim_create(self->ctl, .nr_devices = 1), nr = 0;

	EXPECT_EQ(0, do_get_pasids(self->ctl, id, 0, NULL, &nr));
	ASSERT_TRUE(!syscall(SYS_capset, &header, data));
	EXPECT_ERRNO(EPERM, do_get_pasids(self->ctl, id, 0, NULL, &nr));
	test_err_sim_create(EPERM, self->ctl, .nr_devices = 1);
	EXPECT_ERRNO(EPERM, do_sim_destroy(self->ctl, id));
	EXPECT_ERRNO(EPERM, do_sim_inject(self->ctl, id, 0, 0));
	EXPECT_EQ(1, sim_stats(self->ctl, id).nr_devices);
}

/* The RFC's scenarios, with less memory */

static uint8_t *scenario_memory(void)
{
	void *mem = mmap((void *)S_VADDR, S_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ASSERT_EQ((void *)S_VADDR, mem);
	fill(mem, 4 * PAGE, 1);
	fill((uint8_t *)mem + S_SIZE - PAGE, PAGE, 9);
	return mem;
}

TEST_F(sim, scenario_1, "S1: one space, two devices, the second sees what was mapped before")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 2);
	int dev1 = sim_open(id, 0), dev2 = sim_open(id, 1);
	uint8_t *mem = scenario_memory();
	int gpa = test_alloc(self->fd);

	test_err_attach(EINVAL, dev1, gpa);
	test_bind(dev1, self->fd, SIM_COOKIE);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(dev1, 0, 8, 0));
	test_attach(dev1, gpa);
	test_map(self->fd, gpa, mem, 0, S_SIZE);
	EXPECT_EQ(IOASID_SIM_OK, sim_copy(dev1, S_SIZE - PAGE, 5 * PAGE, PAGE));
	EXPECT_EQ(PAGE, mismatch(mem + 5 * PAGE, PAGE, 9));

	test_bind(dev2, self->fd, SIM_COOKIE + 1);
	test_attach(dev2, gpa);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev2, 0, 4 * PAGE, 0));
	EXPECT_EQ(4 * PAGE, mismatch(sim_sram(dev2), 4 * PAGE, 1));
	EXPECT_EQ(IOASID_SIM_OK, sim_write(dev2, 6 * PAGE, 2 * PAGE, 0));
	EXPECT_EQ(2 * PAGE, mismatch(mem + 6 * PAGE, 2 * PAGE, 1));

	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(dev1, S_SIZE, 8, 0));
	test_err_unmap(EINVAL, self->fd, gpa, 0, S_SIZE / 2);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev1, 0, 8, 0));
	test_unmap(self->fd, gpa, 0, S_SIZE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(dev1, 0, 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(dev2, 0, 8, 0));
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
}

TEST_F(sim, scenario_2, "S2: two spaces over registered memory, charged once")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 2);
	int dev1 = sim_open(id, 0), dev2 = sim_open(id, 1);
	uint64_t locked = locked_pages();
	uint8_t *mem = scenario_memory();
	int64_t pins = machine_pins();
	int gpa, giova;

	test_bind(dev1, self->fd, SIM_COOKIE);
	test_bind(dev2, self->fd, SIM_COOKIE + 1);
	test_register(self->fd, mem, S_SIZE);
	gpa = test_alloc(self->fd);
	giova = test_alloc(self->fd);
	test_attach(dev1, gpa);
	test_attach(dev2, gpa);
	test_map(self->fd, gpa, mem, 0, S_SIZE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev2, PAGE, PAGE, 0));
	test_detach(dev2, gpa);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(dev2, PAGE, PAGE, 0));
	test_attach(dev2, giova);
	test_map(self->fd, giova, mem + PAGE, 2 * PAGE, PAGE);
	EXPECT_EQ(locked + S_SIZE / PAGE, locked_pages());

	/* dev2's 0x2000 is dev1's 0x1000, and its 0x1000 is nothing. */
	memset(mem + PAGE, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_copy(dev1, S_SIZE - PAGE, PAGE, PAGE));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev2, 2 * PAGE, PAGE, 0));
	EXPECT_EQ(PAGE, mismatch(sim_sram(dev2), PAGE, 9));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(dev2, PAGE, PAGE, 0));
	test_unmap_all(S_SIZE, self->fd, gpa);
	test_unmap_all(PAGE, self->fd, giova);
	test_unregister(self->fd, mem, S_SIZE);
	EXPECT_EQ(locked, locked_pages());
	EXPECT_TRUE(machine_pins_become(pins));
	EXPECT_EQ(0, sim_stats(self->ctl, id).stale);
}

/* The DMA engine */

TEST_F(sim, operations, "every operation moves the bytes it should")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_COMPARE, .iova = 0x1000, .len = 3 * PAGE,
	};
	uint64_t *word = (uint64_t *)(self->mem + 5 * PAGE);

	test_map(self->fd, one.space, self->mem, 0x1000, SIM_PAGES * PAGE);
	/* Over a page boundary, at odd addresses. */
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 0x1000 + 4090, 4100, 7));
	EXPECT_EQ(0, memcmp(one.sram + 7, self->mem + 4090, 4100));
	fill(one.sram, 3 * PAGE, 5);
	EXPECT_EQ(IOASID_SIM_OK, sim_write(one.dev, 0x1000, 3 * PAGE, 0));
	EXPECT_EQ(3 * PAGE, mismatch(self->mem, 3 * PAGE, 5));
	EXPECT_EQ(IOASID_SIM_OK, sim_request(one.dev, &req));
	EXPECT_EQ(3 * PAGE, req.result);
	self->mem[2 * PAGE + 17] ^= 1;
	EXPECT_EQ(IOASID_SIM_OK, sim_request(one.dev, &req));
	EXPECT_EQ(2 * PAGE + 17, req.result);
	EXPECT_EQ(IOASID_SIM_OK, sim_copy(one.dev, 0x1000 + 3, 0x1000 + 9 * PAGE - 5, PAGE));
	EXPECT_EQ(0, memcmp(self->mem + 3, self->mem + 9 * PAGE - 5, PAGE));
	EXPECT_EQ(IOASID_SIM_OK, sim_do(one.dev, .op = IOASID_SIM_OP_FILL, .arg = 0x1a5,
					.iova = 0x1000 + 100, .len = PAGE));
	EXPECT_EQ(0xa5, self->mem[100]);
	EXPECT_EQ(0xa5, self->mem[100 + PAGE - 1]);

	*word = 40;
	req = (struct ioasid_sim_request) {
		.op = IOASID_SIM_OP_ADD, .iova = 0x1000 + 5 * PAGE, .len = 8, .arg = 2,
	};
	EXPECT_EQ(IOASID_SIM_OK, sim_request(one.dev, &req));
	EXPECT_EQ(40, req.result);
	EXPECT_EQ(42, *word);
	req.op = IOASID_SIM_OP_CAS;
	req.arg = 41;
	req.arg2 = 7;
	EXPECT_EQ(IOASID_SIM_OK, sim_request(one.dev, &req));
	EXPECT_EQ(42, *word);
	req.arg = 42;
	EXPECT_EQ(IOASID_SIM_OK, sim_request(one.dev, &req));
	EXPECT_EQ(42, req.result);
	EXPECT_EQ(7, *word);
}

TEST_F(sim, bad_requests, "requests that make no sense are not carried out")
{
	struct sim_one one = sim_one(self);
	struct ioasid_sim_request req = {};

	test_map(self->fd, one.space, self->mem, 0, SIM_PAGES * PAGE);
#define BAD(...) EXPECT_EQ(IOASID_SIM_BAD_REQUEST, sim_do(one.dev, __VA_ARGS__))
	BAD(.op = 0, .len = 8);
	BAD(.op = 8, .len = 8);
	BAD(.op = IOASID_SIM_OP_READ);
	BAD(.op = IOASID_SIM_OP_FILL, .len = IOASID_SIM_SRAM + 1);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .arg = IOASID_SIM_SRAM - 7);
	BAD(.op = IOASID_SIM_OP_WRITE, .len = 8, .arg = UINT64_MAX);
	BAD(.op = IOASID_SIM_OP_ADD, .len = 4);
	BAD(.op = IOASID_SIM_OP_ADD, .len = 8, .iova = 4);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .flags = 1 << 4);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .flags = IOASID_SIM_REQ_PASID);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .flags = IOASID_SIM_REQ_ATS);
	BAD(.op = IOASID_SIM_OP_READ, .len = 8, .pasid = 1);
	BAD(.op = IOASID_SIM_OP_WRITE, .len = 8, .flags = IOASID_SIM_REQ_EXEC);
#undef BAD
	EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS, sim_read(one.dev, UINT64_MAX - 3, 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS, sim_read(one.dev, 1ULL << 48, 8, 0));
	EXPECT_ERRNO(EINVAL, do_sim_dma(one.dev, &req, 0));
	EXPECT_ERRNO(EINVAL, do_sim_dma(one.dev, &req, 1025));
	EXPECT_ERRNO(EFAULT, do_sim_dma(one.dev, NULL, 1));
	EXPECT_EQ(SIM_PAGES * PAGE, mismatch(self->mem, SIM_PAGES * PAGE, 1));
}

TEST_F(sim, permissions, "DMA that is not permitted moves nothing and says why")
{
	struct sim_one one = sim_one(self);
	uint32_t id2 = sim_create(self->ctl, .nr_devices = 1);
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_WRITE, .iova = 15 * PAGE, .len = 2 * PAGE,
	};
	int other = sim_open(id2, 0), space = test_alloc(self->fd);

	test_bind(other, self->fd, SIM_COOKIE + 1);
	test_attach(other, space);
	test_map_flags(self->fd, one.space, self->mem, 0, PAGE, IOASID_MAP_READ);
	test_map_flags(self->fd, one.space, self->mem + PAGE, PAGE, PAGE, IOASID_MAP_WRITE);
	test_map(self->fd, one.space, self->mem + 15 * PAGE, 15 * PAGE, PAGE);
	test_map(self->fd, space, self->mem + 32 * PAGE, 32 * PAGE, PAGE);

	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_write(one.dev, 0, PAGE, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, 0, PAGE, PAGE));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_write(one.dev, 0, PAGE, 0));
	memset(one.sram, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_read(one.dev, PAGE, PAGE, 0));
	EXPECT_EQ(0, one.sram[0]);
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION,
		  sim_do(one.dev, .op = IOASID_SIM_OP_ADD, .iova = PAGE, .len = 8, .arg = 1));
	/* What another space maps is nothing here. */
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_write(one.dev, 32 * PAGE, 8, 0));
	EXPECT_EQ(SIM_PAGES * PAGE, mismatch(self->mem, SIM_PAGES * PAGE, 1));
	/* What came before the fault has moved, and the fault has an address. */
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_request(one.dev, &req));
	EXPECT_EQ(16 * PAGE, req.result);
	EXPECT_EQ(0, memcmp(self->mem + 15 * PAGE, one.sram, PAGE));
	EXPECT_EQ(6, sim_stats(self->ctl, one.id).faults);
}

TEST_F(sim, large_pages, "leaves of all sizes, and walks of as many levels as needed")
{
	uint32_t widths[] = { 30, 39, 48, 57 };
	uint8_t *mem = mmap((void *)0x80000000UL, 4 * MIB, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	madvise(mem, 4 * MIB, MADV_HUGEPAGE);
	memset(mem, 3, 4 * MIB);
	for (int i = 0; i < ARRAY_SIZE(widths); i++) {
		struct sim_one one = { .id = sim_create(self->ctl, .nr_devices = 1,
							.addr_width = widths[i]) };
		uint64_t top = (1ULL << widths[i]) - 4 * MIB;
		struct ioasid_sim_stats before, after;

		sim_one_attach(self, &one);
		test_map(self->fd, one.space, mem, top, 4 * MIB);
		before = sim_stats(self->ctl, one.id);
		EXPECT_EQ(IOASID_SIM_OK, sim_read(one.dev, top + 3 * MIB, 8, 0));
		after = sim_stats(self->ctl, one.id);
		EXPECT_EQ(1, after.walks - before.walks);
		/* One level more for each width, one less for a large page. */
		EXPECT_TRUE(after.reads - before.reads == 2 + i ||
			    after.reads - before.reads == 1 + i);
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(one.dev, top - 8, 8, 0));
		test_unmap(self->fd, one.space, top, 4 * MIB);
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(one.dev, top, 8, 0));
		munmap(one.sram, IOASID_SIM_SRAM);
		close(one.dev);
	}
}

/* IOMMUs that differ */

TEST_F(sim, group, "a group of two is complete before commands work (E8, S10)")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 2, .group_size = 2);
	int dev1 = sim_open(id, 0), dev2 = sim_open(id, 1);
	int space = test_alloc(self->fd), other = test_alloc(self->fd);
	int fd2 = test_open();

	test_bind(dev1, self->fd, SIM_COOKIE);
	test_err_bind(EBUSY, dev2, fd2, SIM_COOKIE);
	test_bind(dev2, self->fd, SIM_COOKIE + 1);
	test_attach(dev1, space);
	test_err_map(EDEADLK, self->fd, space, self->mem, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(dev1, 0, 8, 0));
	test_err_attach(EBUSY, dev2, other);
	test_attach(dev2, space);
	test_map(self->fd, space, self->mem, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev1, 0, 8, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev2, 0, 8, 0));
	test_detach(dev1, space);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(dev2, 0, 8, 0));
	close(fd2);
}

TEST_F(sim, incompatible, "IOMMUs that differ in width: mappings above one refuse it (E6)")
{
	uint32_t wide = sim_create(self->ctl, .nr_devices = 1);
	uint32_t narrow = sim_create(self->ctl, .nr_devices = 1, .addr_width = 32);
	int dev1 = sim_open(wide, 0), dev2 = sim_open(narrow, 0);
	int space = test_alloc(self->fd);

	test_bind(dev1, self->fd, SIM_COOKIE);
	test_bind(dev2, self->fd, SIM_COOKIE + 1);
	test_attach(dev1, space);
	test_map(self->fd, space, self->mem, 1ULL << 32, PAGE);
	test_map(self->fd, space, self->mem + PAGE, PAGE, PAGE);
	test_err_attach(EINVAL, dev2, space);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev1, 1ULL << 32, PAGE, 0));
	test_unmap(self->fd, space, 1ULL << 32, PAGE);
	test_attach(dev2, space);
	test_err_map(EINVAL, self->fd, space, self->mem, 1ULL << 32, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev1, PAGE, PAGE, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev2, PAGE, PAGE, 0));
	EXPECT_EQ(0, memcmp(sim_sram(dev2), self->mem + PAGE, PAGE));
	/* An unmap reaches both domains. */
	test_unmap(self->fd, space, PAGE, PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(dev1, PAGE, 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(dev2, PAGE, 8, 0));
}

TEST_F(sim, reserved, "reserved regions are not mapped, and refuse who has mapped them")
{
	uint32_t plain = sim_create(self->ctl, .nr_devices = 1);
	uint32_t resv = sim_create(self->ctl, .nr_devices = 1, .nr_resv = 2, .resv = {
		{ .start = 0x10000, .last = 0x1ffff, .type = IOASID_SIM_RESV_RESERVED },
		{ .start = 0xfee00000, .last = 0xfeefffff, .type = IOASID_SIM_RESV_MSI },
	});
	int dev1 = sim_open(plain, 0), dev2 = sim_open(resv, 0);
	int space = test_alloc(self->fd);

	test_bind(dev1, self->fd, SIM_COOKIE);
	test_bind(dev2, self->fd, SIM_COOKIE + 1);
	test_attach(dev1, space);
	test_map(self->fd, space, self->mem, 0x1f000, PAGE);
	test_err_attach(EINVAL, dev2, space);
	test_unmap(self->fd, space, 0x1f000, PAGE);
	test_attach(dev2, space);
	test_err_map(EINVAL, self->fd, space, self->mem, 0x1f000, 2 * PAGE);
	test_err_map(EINVAL, self->fd, space, self->mem, 0xfee00000, PAGE);
	test_map(self->fd, space, self->mem, 0x20000, PAGE);
	test_map(self->fd, space, self->mem, 0xf000, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev2, 0xf000, PAGE, 0));
}

TEST_F(sim, refused_devices, "devices that cannot be had: firmware, coherency, interrupts")
{
	uint32_t direct = sim_create(self->ctl, .nr_devices = 1, .nr_resv = 1, .resv = {
		{ .start = 0x10000, .last = 0x1ffff, .type = IOASID_SIM_RESV_DIRECT },
	});
	uint32_t bypass = sim_create(self->ctl, .nr_devices = 1,
				     .caps = IOASID_SIM_CAP_NON_COHERENT);
	uint32_t forge = sim_create(self->ctl, .nr_devices = 1,
				    .caps = IOASID_SIM_CAP_NO_MSI_REMAP);
	uint32_t good = sim_create(self->ctl, .nr_devices = 1);
	const char *param = "/sys/module/ioasid/parameters/allow_unsafe_interrupts";
	int dev = sim_open(forge, 0);
	char text[8];

	test_err_bind(EPERM, sim_open(direct, 0), self->fd, SIM_COOKIE);
	test_err_bind(EPERM, sim_open(bypass, 0), self->fd, SIM_COOKIE);
	ASSERT_TRUE(read_text(param, text, sizeof(text)) > 0);
	write_text(param, "0");
	EXPECT_ERRNO(EPERM, do_bind(dev, self->fd, SIM_COOKIE));
	EXPECT_TRUE(!do_bind(sim_open(good, 0), self->fd, SIM_COOKIE + 1));
	write_text(param, "1");
	EXPECT_TRUE(!do_bind(dev, self->fd, SIM_COOKIE));
	write_text(param, text);
}

TEST_F(sim, enforce_snoop, "a space that enforces snooping takes only IOMMUs that can (E28)")
{
	uint32_t can = sim_create(self->ctl, .nr_devices = 1,
				  .caps = IOASID_SIM_CAP_ENFORCE_SNOOP);
	uint32_t cannot = sim_create(self->ctl, .nr_devices = 1);
	int dev1 = sim_open(can, 0), dev2 = sim_open(cannot, 0);
	struct ioasid_info info;
	int space, child;

	test_bind(dev1, self->fd, SIM_COOKIE);
	test_bind(dev2, self->fd, SIM_COOKIE + 1);
	space = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, IOASID_NONE,
			      IOASID_ALLOC_ENFORCE_SNOOP, 0);
	ASSERT_LT(0, space);
	test_err_attach(EINVAL, dev2, space);
	test_attach(dev1, space);
	test_info(self->fd, space, &info, sizeof(info));
	EXPECT_TRUE(info.flags & IOASID_INFO_ENFORCED_SNOOP);
	test_map(self->fd, space, self->mem, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev1, 0, PAGE, 0));
	/* A child's devices reach the same memory. */
	child = do_alloc_kind(self->fd, IOASID_KIND_KERNEL, space, 0, 0);
	ASSERT_LT(0, child);
	test_err_attach(EINVAL, dev2, child);
	test_detach(dev1, space);
	test_attach(dev1, child);
	/* A space that does not ask for it takes both. */
	space = test_alloc(self->fd);
	test_attach(dev2, space);
	test_map(self->fd, space, self->mem, 0, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(dev2, 0, PAGE, 0));
	test_info(self->fd, space, &info, sizeof(info));
	EXPECT_FALSE(info.flags & IOASID_INFO_ENFORCED_SNOOP);
}

/* The file of a device */

TEST_F(sim, device_file, "a device's file: one user, states, memory that is his alone")
{
	uint32_t id = sim_create(self->ctl, .nr_devices = 1);
	struct ioasid_sim_load_result result;
	int dev = sim_open(id, 0), space = test_alloc(self->fd);
	struct ioasid_sim_request req = { .op = IOASID_SIM_OP_READ, .len = 8 };
	uint8_t *sram;

	EXPECT_ERRNO(EBUSY, do_sim_open(id, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, 0));
	EXPECT_ERRNO(EINVAL, do_sim_dma(dev, &req, 1));
	EXPECT_ERRNO(EINVAL, do_sim_start(dev, 1, &req, 1, 0));
	test_bind(dev, self->fd, SIM_COOKIE);
	test_err_bind(EBUSY, dev, self->fd, SIM_COOKIE + 1);
	EXPECT_ERRNO(ENOTTY, ioctl(dev, IOASID_SIM_CREATE, &req));
	EXPECT_ERRNO(EINVAL, do_sim_stop(dev, &result));
	EXPECT_ERRNO(EINVAL, do_sim_start(dev, 0, &req, 1, 0));
	EXPECT_ERRNO(EINVAL, do_sim_start(dev, 17, &req, 1, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * IOASID_SIM_SRAM, PROT_READ, MAP_SHARED, dev, 0));
	sram = sim_sram(dev);
	memset(sram, 0x77, IOASID_SIM_SRAM);
	test_unbind(dev);
	EXPECT_EQ(0x77, sram[0]);
	test_bind(dev, self->fd, SIM_COOKIE);
	EXPECT_EQ(0, sram[0]);
	EXPECT_EQ(0, sram[IOASID_SIM_SRAM - 1]);
	test_attach(dev, space);
	ASSERT_TRUE(!do_sim_destroy(self->ctl, id));
	EXPECT_ERRNO(ENODEV, do_sim_dma(dev, &req, 1));
	EXPECT_ERRNO(ENODEV, do_unbind(dev));
	EXPECT_ERRNO(ENODEV, do_attach(dev, space));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, 0));
	sram[1] = 1;
	test_free(self->fd, space);
	close(dev);
}

HARNESS_MAIN
