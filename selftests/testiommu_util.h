/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device of ioasid_sim in the hands of the kernel: bound to an ioasid fd, so that
 * it may do DMA, and attached by ioasid_testiommu, which uses the kernel's IOMMU
 * API. Include sim_fixture.h first.
 */
#ifndef IOASID_SELFTESTS_TESTIOMMU_UTIL_H
#define IOASID_SELFTESTS_TESTIOMMU_UTIL_H

#include <linux/iommufd.h>

#include "modules/ioasid_testiommu.h"
#include "sim_async.h"

/* IOASID_NESTED_TYPE of the kernel's <linux/ioasid_table.h>; and a format is added */
#define NESTED_TYPE	0x10000
/* enum iommu_page_response_code, in the same way */
#define RESP_SUCCESS	0
#define RESP_INVALID	1
#define RESP_FAILURE	2

struct api {
	uint32_t id;
	int dev;
	int fd;			/* of ioasid_testiommu */
	uint8_t *sram;
};

#define ti_call(api, cmd, ...) ({						\
	struct testiommu_op __op = { __VA_ARGS__ };				\
										\
	ioctl((api)->fd, cmd, &__op);						\
})
#define ti_ok(api, cmd, ...)	ASSERT_LE(0, ti_call(api, cmd, __VA_ARGS__))

static inline void api_start(struct fixture_sim *self, struct api *api)
{
	char name[32];

	snprintf(name, sizeof(name), "sim%u.0", api->id);
	api->dev = sim_open(api->id, 0);
	test_bind(api->dev, self->fd, SIM_COOKIE);
	api->sram = sim_sram(api->dev);
	api->fd = open(TESTIOMMU_NODE, O_RDWR | O_CLOEXEC);
	ASSERT_TRUE(api->fd >= 0);
	ti_ok(api, TESTIOMMU_DEVICE, .addr = (uintptr_t)name);
}

/* api(self, .caps = ...): the device of a new instance */
#define api(self, ...) ({							\
	struct api __api = { .id = sim_create((self)->ctl, .nr_devices = 1,	\
					      ##__VA_ARGS__) };			\
										\
	api_start((self), &__api);						\
	__api;									\
})

/* Detached before it is unbound, which the other order of closing would not do. */
static inline void api_end(struct api *api)
{
	close(api->fd);
	munmap(api->sram, IOASID_SIM_SRAM);
	close(api->dev);
}

static inline int ti_alloc(struct api *api, uint32_t flags, uint64_t hwpt_flags)
{
	int domain = ti_call(api, TESTIOMMU_ALLOC, .flags = flags, .value = hwpt_flags);

	ASSERT_LE(0, domain);
	return domain;
}

#define ti_map(api, _domain, _mem, _iova, _size)				\
	ti_ok(api, TESTIOMMU_MAP, .domain = _domain, .flags = TESTIOMMU_WRITE,	\
	      .addr = (uintptr_t)(_mem), .iova = _iova, .size = _size)

static inline int do_asking(struct api *api, bool on)
{
	return ti_call(api, TESTIOMMU_FEATURE, .value = on);
}

/* Page requests on, where the kernel does not do that by itself. */
static inline void ti_asking(struct api *api)
{
	int rc = do_asking(api, true);

	if (rc)
		ASSERT_EQ(EOPNOTSUPP, errno);
}

static inline struct testiommu_fault ti_fault(struct api *api)
{
	struct testiommu_fault fault;

	ASSERT_TRUE(!ioctl(api->fd, TESTIOMMU_FAULT, &fault));
	return fault;
}

#define ti_respond(api, _fault, _code)						\
	ti_call(api, TESTIOMMU_RESPOND, .value = (_fault)->cookie, .type = _code)

static inline uint64_t sim_counter(const struct ioasid_sim_stats *stats, size_t at)
{
	return *(const __u64 *)((const char *)stats + at);
}

/* Waits until a counter has moved by n; what it waits for must happen. */
static inline void do_sim_wait(int ctl, uint32_t id, const struct ioasid_sim_stats *before,
			       size_t at, uint64_t n)
{
	struct ioasid_sim_stats now = sim_stats(ctl, id);
	int tries;

	for (tries = 2000; tries && sim_counter(&now, at) - sim_counter(before, at) < n; tries--) {
		usleep(10000);
		now = sim_stats(ctl, id);
	}
	ASSERT_LT(0, tries);
}

#define sim_wait_stat(ctl, id, before, member, n)				\
	do_sim_wait(ctl, id, before, offsetof(struct ioasid_sim_stats, member), n)

#endif /* IOASID_SELFTESTS_TESTIOMMU_UTIL_H */
