// SPDX-License-Identifier: GPL-2.0-only
/*
 * The identity domain of the software IOMMU: what the kernel can do with it, and that
 * a user of a device cannot do anything with it.
 */
#include "sim_fixture.h"
#include "ring_util.h"
#include "testiommu_util.h"

/* A device that nobody has opened */
static struct api closed_api(struct fixture_sim *self, const struct ioasid_sim_create *args)
{
	struct ioasid_sim_create create = *args;
	struct api api = { .dev = -1 };
	int id = do_sim_create(self->ctl, &create);
	char name[32];

	ASSERT_LE(0, id);
	api.id = id;
	snprintf(name, sizeof(name), "sim%u.0", id);
	api.fd = open(TESTIOMMU_NODE, O_RDWR | O_CLOEXEC);
	ASSERT_TRUE(api.fd >= 0);
	ti_ok(&api, TESTIOMMU_DEVICE, .addr = (uintptr_t)name);
	return api;
}

#define closed_api(self, ...)							\
	closed_api(self, &(struct ioasid_sim_create) { .nr_devices = 1, ##__VA_ARGS__ })

/* The status of what the device does for the kernel */
#define kernel_dma(api, _buffer, _op, ...)					\
	ti_call(api, TESTIOMMU_DMA, .addr = (uintptr_t)(_buffer), .type = _op, __VA_ARGS__)

static int identity(struct api *api)
{
	return ti_alloc(api, TESTIOMMU_IDENTITY, 0);
}

/* Every operation; the buffer has SIM_PAGES of pattern 1 before. */
static void check_operations(struct api *api, uint8_t *buffer)
{
	uint64_t *word = (uint64_t *)(buffer + PAGE), before;

	EXPECT_EQ(IOASID_SIM_OK, kernel_dma(api, buffer, IOASID_SIM_OP_READ, .iova = 100,
					    .size = 5000, .value = 7));
	EXPECT_EQ(TESTIOMMU_BUFFER, mismatch(buffer, TESTIOMMU_BUFFER, 1));
	EXPECT_EQ(IOASID_SIM_OK, kernel_dma(api, buffer, IOASID_SIM_OP_WRITE, .iova = 8000,
					    .size = 5000, .value = 7));
	EXPECT_EQ(0, memcmp(buffer + 100, buffer + 8000, 5000));
	EXPECT_EQ(8000, mismatch(buffer, 8000, 1));
	for (size_t i = 13000; i < TESTIOMMU_BUFFER; i++)
		ASSERT_EQ(pattern(i, 1), buffer[i]);
	EXPECT_EQ(IOASID_SIM_OK, kernel_dma(api, buffer, IOASID_SIM_OP_COPY, .size = 4000,
					    .value = 12000));
	EXPECT_EQ(0, memcmp(buffer, buffer + 12000, 4000));
	before = *word;
	EXPECT_EQ(IOASID_SIM_OK, kernel_dma(api, buffer, IOASID_SIM_OP_ADD, .iova = PAGE,
					    .size = 8, .value = 3));
	EXPECT_EQ(before + 3, *word);
	EXPECT_EQ(IOASID_SIM_OK, kernel_dma(api, buffer, IOASID_SIM_OP_FILL,
					    .size = TESTIOMMU_BUFFER, .value = 0x5a));
	for (size_t i = 0; i < TESTIOMMU_BUFFER; i++)
		ASSERT_EQ(0x5a, buffer[i]);
}

TEST_F(sim, kernel, "without translation a device reaches the memory of the kernel")
{
	struct api api = closed_api(self, .caps = IOASID_SIM_CAP_PASID, .pasid_bits = 4);
	uint8_t *buffer = memory(TESTIOMMU_BUFFER);
	struct ioasid_sim_stats before;
	int domain;

	fill(buffer, TESTIOMMU_BUFFER, 1);
	EXPECT_EQ(IOASID_SIM_BLOCKED, kernel_dma(&api, buffer, IOASID_SIM_OP_FILL, .size = 8));
	domain = identity(&api);
	EXPECT_ERRNO(EINVAL, ti_call(&api, TESTIOMMU_MAP, .domain = domain, .size = PAGE,
				     .addr = (uintptr_t)buffer));
	EXPECT_EQ(IOASID_SIM_BLOCKED, kernel_dma(&api, buffer, IOASID_SIM_OP_FILL, .size = 8));
	EXPECT_EQ(TESTIOMMU_BUFFER, mismatch(buffer, TESTIOMMU_BUFFER, 1));
	/* No PASID is without translation. */
	EXPECT_ERRNO(EOPNOTSUPP, ti_call(&api, TESTIOMMU_ATTACH, .domain = domain, .pasid = 3));
	ti_ok(&api, TESTIOMMU_ATTACH, .domain = domain, .flags = TESTIOMMU_NO_HANDLE);
	before = sim_stats(self->ctl, api.id);
	check_operations(&api, buffer);
	EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS,
		  kernel_dma(&api, buffer, IOASID_SIM_OP_READ, .size = 8,
			     .flags = TESTIOMMU_NOWHERE));
	EXPECT_ERRNO(EINVAL, kernel_dma(&api, buffer, IOASID_SIM_OP_READ, .size = 8,
					.iova = TESTIOMMU_BUFFER - 7));
	EXPECT_ERRNO(EINVAL, kernel_dma(&api, buffer, IOASID_SIM_OP_COPY, .size = 8,
					.value = TESTIOMMU_BUFFER - 7));
	/* Nobody was asked for anything. */
	before = sim_since(self->ctl, api.id, &before);
	EXPECT_EQ(0, before.walks + before.hits + before.misses + before.dev_hits);
	EXPECT_EQ(6, before.requests);
	ti_ok(&api, TESTIOMMU_DETACH);
	EXPECT_EQ(IOASID_SIM_BLOCKED, kernel_dma(&api, buffer, IOASID_SIM_OP_FILL, .size = 8));
	EXPECT_EQ(0x5a, buffer[0]);
	close(api.fd);
}

TEST_F(sim, firmware, "what firmware uses is not translated from the beginning")
{
	struct api api = closed_api(self, .nr_resv = 1, .resv = {
		{ .start = 0x10000, .last = 0x1ffff, .type = IOASID_SIM_RESV_DIRECT },
	});
	uint8_t *buffer = memory(TESTIOMMU_BUFFER);
	int dev;

	fill(buffer, TESTIOMMU_BUFFER, 1);
	check_operations(&api, buffer);
	/* It can be opened, but not be had. */
	dev = sim_open(api.id, 0);
	EXPECT_ERRNO(EBUSY, kernel_dma(&api, buffer, IOASID_SIM_OP_FILL, .size = 8));
	test_err_bind(EPERM, dev, self->fd, SIM_COOKIE);
	EXPECT_ERRNO(EINVAL, do_sim_dma(dev, &(struct ioasid_sim_request){}, 1));
	close(dev);
	close(api.fd);
}

TEST_F(sim, no_user, "a device without translation is nobody's")
{
	struct api api = closed_api(self);
	uint8_t *buffer = memory(TESTIOMMU_BUFFER);
	char path[64], link[PATH_MAX], type[PATH_MAX + 32];
	ssize_t n;
	int dev;

	ti_ok(&api, TESTIOMMU_ATTACH, .domain = identity(&api), .flags = TESTIOMMU_NO_HANDLE);
	EXPECT_EQ(IOASID_SIM_OK, kernel_dma(&api, buffer, IOASID_SIM_OP_FILL, .size = 8,
					    .value = 1));
	dev = sim_open(api.id, 0);
	test_err_bind(EBUSY, dev, self->fd, SIM_COOKIE);
	EXPECT_ERRNO(EBUSY, kernel_dma(&api, buffer, IOASID_SIM_OP_FILL, .size = 8));
	ti_ok(&api, TESTIOMMU_DETACH);
	test_bind(dev, self->fd, SIM_COOKIE);
	/* What the kernel had in the device is gone. */
	EXPECT_EQ(0, ((uint8_t *)sim_sram(dev))[0]);
	test_unbind(dev);
	/* Nor can it be made the default. */
	snprintf(path, sizeof(path), "/sys/bus/platform/devices/sim%u.0/iommu_group", api.id);
	n = readlink(path, link, sizeof(link) - 1);
	ASSERT_LT(0, n);
	link[n] = 0;
	snprintf(type, sizeof(type), "/sys/kernel/iommu_groups/%s/type", strrchr(link, '/') + 1);
	EXPECT_ERRNO(EINVAL, write_text(type, "identity"));
	ASSERT_TRUE(read_text(type, link, sizeof(link)) > 0);
	EXPECT_STREQ("blocked\n", link);
	close(api.fd);
	close(dev);
}

struct phys {
	uint8_t *mem;
	uint64_t addr;
};

/* A page of ours, and where it is in memory, which only root's module tells. */
static struct phys phys_page(struct api *api)
{
	struct phys phys = { .mem = memory(PAGE) };
	int domain = ti_alloc(api, 0, 0);

	fill(phys.mem, PAGE, 3);
	ti_map(api, domain, phys.mem, 0x5000, PAGE);
	ti_ok(api, TESTIOMMU_PHYS, .domain = domain, .iova = 0x5000,
	      .addr = (uintptr_t)&phys.addr);
	ASSERT_NE(0, phys.addr);
	return phys;
}

TEST_F(sim, user, "no request of a user reaches memory without translation", .timeout = 60)
{
	const uint32_t ats = IOASID_SIM_REQ_ATS;
	struct api api = api(self, .caps = IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PASID,
			     .pasid_bits = 4);
	struct phys phys = phys_page(&api);
	struct ioasid_sim_request reqs[] = {
		{ .op = IOASID_SIM_OP_FILL, .iova = phys.addr, .len = 8 },
		{ .op = IOASID_SIM_OP_FILL, .iova = phys.addr, .len = 8, .flags = ats },
	};
	struct ioasid_sim_load_result result;
	struct ioasid_sim_queue queue;
	int before = ti_alloc(&api, 0, 0);

	/* Caches know the address from another domain, where it leads to the same. */
	ti_ok(&api, TESTIOMMU_ATTACH, .domain = before, .flags = TESTIOMMU_NO_HANDLE);
	ti_map(&api, before, phys.mem, phys.addr, PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(api.dev, phys.addr, 8, 0, .flags = ats));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(api.dev, phys.addr, 8, 0));
	EXPECT_EQ(0, memcmp(api.sram, phys.mem, 8));
	memset(api.sram, 0, PAGE);
	ti_ok(&api, TESTIOMMU_DETACH);

	ti_ok(&api, TESTIOMMU_ATTACH, .domain = identity(&api), .flags = TESTIOMMU_NO_HANDLE);
	for (uint32_t op = IOASID_SIM_OP_READ; op <= IOASID_SIM_OP_CAS; op++) {
		for (uint32_t flags = 0; flags <= ats; flags += ats) {
			EXPECT_EQ(IOASID_SIM_BLOCKED,
				  sim_do(api.dev, .op = op, .iova = phys.addr, .len = 8,
					 .arg = op == IOASID_SIM_OP_COPY ? phys.addr : 8,
					 .flags = flags));
			EXPECT_EQ(IOASID_SIM_BLOCKED,
				  sim_do(api.dev, .op = op, .iova = phys.addr, .len = 8,
					 .flags = flags | IOASID_SIM_REQ_PRIV));
		}
	}
	EXPECT_EQ(IOASID_SIM_FAULT_PASID,
		  sim_read(api.dev, phys.addr, 8, 0, .flags = IOASID_SIM_REQ_PASID));
	ASSERT_TRUE(!do_sim_start(api.dev, 2, reqs, 2, 3));
	queue = ring_start(api.dev, 8, 8, 2);
	for (int i = 0; i < 50; i++)
		EXPECT_EQ(IOASID_SIM_BLOCKED,
			  ring_do(&queue, .op = IOASID_SIM_OP_FILL, .iova = phys.addr, .len = 8,
				  .flags = i & 1 ? ats : 0).status);
	ASSERT_TRUE(!do_sim_stop(api.dev, &result));
	EXPECT_LT(0, result.done);
	EXPECT_EQ(result.done, result.status[IOASID_SIM_BLOCKED]);
	EXPECT_ERRNO(EBUSY, kernel_dma(&api, memory(TESTIOMMU_BUFFER), IOASID_SIM_OP_FILL,
				       .size = 8));
	EXPECT_EQ(PAGE, mismatch(phys.mem, PAGE, 3));
	for (size_t i = 0; i < PAGE; i++)
		ASSERT_EQ(0, api.sram[i]);
	ioasid_sim_ring_unmap(&queue);
	api_end(&api);
}

TEST_F(sim, afterwards, "what was reached without translation is not remembered")
{
	struct api api = closed_api(self, .caps = IOASID_SIM_CAP_ATS);
	uint8_t *buffer = memory(TESTIOMMU_BUFFER);
	struct sim_one one = { .id = api.id };
	struct phys phys = phys_page(&api);

	ti_ok(&api, TESTIOMMU_ATTACH, .domain = identity(&api), .flags = TESTIOMMU_NO_HANDLE);
	EXPECT_EQ(IOASID_SIM_OK, kernel_dma(&api, buffer, IOASID_SIM_OP_READ, .size = PAGE));
	ti_ok(&api, TESTIOMMU_DETACH);
	sim_one_attach(self, &one);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(one.dev, phys.addr, 8, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT,
		  sim_read(one.dev, phys.addr, 8, 0, .flags = IOASID_SIM_REQ_ATS));
	EXPECT_EQ(0, sim_stats(self->ctl, one.id).hits);
	close(api.fd);
	close(one.dev);
}

TEST_F(sim, destroyed, "a device may go while it is not translated")
{
	struct api api = api(self);
	uint8_t *buffer = memory(TESTIOMMU_BUFFER);

	ti_ok(&api, TESTIOMMU_ATTACH, .domain = identity(&api), .flags = TESTIOMMU_NO_HANDLE);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(api.dev, 0, 8, 0));
	ASSERT_TRUE(!do_sim_destroy(self->ctl, api.id));
	EXPECT_ERRNO(ENODEV, kernel_dma(&api, buffer, IOASID_SIM_OP_FILL, .size = 8));
	api_end(&api);
}

HARNESS_MAIN
