/* SPDX-License-Identifier: GPL-2.0-only */
/* Instances of ioasid_sim and their devices. Include ioasid_util.h first. */
#ifndef IOASID_SELFTESTS_SIM_UTIL_H
#define IOASID_SELFTESTS_SIM_UTIL_H

#include <linux/ioasid_sim.h>

#define SIM_NODE	"/dev/ioasid-sim"
#define SIM_COOKIE	0x51000000ULL

/*
 * Instances
 */
static inline int do_sim_create(int ctl, struct ioasid_sim_create *args)
{
	args->argsz = sizeof(*args);
	return ioctl(ctl, IOASID_SIM_CREATE, args) ? -1 : (int)args->id;
}

/* sim_create(ctl, .nr_devices = 2, ...): the number of a new instance */
#define sim_create(ctl, ...) ({							\
	struct ioasid_sim_create __args = { __VA_ARGS__ };			\
	int __id = do_sim_create(ctl, &__args);					\
										\
	ASSERT_TRUE(__id >= 0);							\
	__id;									\
})

#define test_err_sim_create(err, ctl, ...) do {					\
	struct ioasid_sim_create __args = { __VA_ARGS__ };			\
										\
	ASSERT_ERRNO(err, do_sim_create(ctl, &__args));				\
} while (0)

static inline int do_sim_destroy(int ctl, unsigned long id)
{
	return ioctl(ctl, IOASID_SIM_DESTROY, id);
}

static inline int do_sim_inject(int ctl, uint32_t id, uint32_t flags, uint32_t fail_nth)
{
	struct ioasid_sim_inject args = {
		.argsz = sizeof(args), .flags = flags, .id = id, .fail_nth = fail_nth,
	};

	return ioctl(ctl, IOASID_SIM_INJECT, &args);
}

static inline struct ioasid_sim_stats sim_stats(int ctl, uint32_t id)
{
	struct ioasid_sim_stats stats = { .argsz = sizeof(stats), .id = id };

	ASSERT_TRUE(!ioctl(ctl, IOASID_SIM_GET_STATS, &stats));
	return stats;
}

/* How far the counters have moved since *before, which becomes what they are now. */
static inline struct ioasid_sim_stats sim_since(int ctl, uint32_t id,
						struct ioasid_sim_stats *before)
{
	struct ioasid_sim_stats now = sim_stats(ctl, id), moved = now;
	__u64 *to = &moved.hits, *from = &before->hits;

	while (to <= &moved.page_retries)
		*to++ -= *from++;
	*before = now;
	return moved;
}

/* *nr: in: room, out: how many there are */
static inline int do_get_pasids(int ctl, uint32_t id, uint32_t device, uint32_t *pasids,
				uint32_t *nr)
{
	struct ioasid_sim_pasids args = {
		.argsz = sizeof(args), .id = id, .device = device, .nr = *nr,
		.pasids = (uintptr_t)pasids,
	};
	int rc = ioctl(ctl, IOASID_SIM_GET_PASIDS, &args);

	*nr = args.nr;
	return rc;
}

/*
 * Devices
 */
#define SIM_WHOLE	(~0U)	/* instead of the number of a sub-device */

static inline int do_sim_open_sub(uint32_t id, uint32_t index, uint32_t sub)
{
	char path[64];
	int fd, len;

	len = snprintf(path, sizeof(path), IOASID_DEVICE_DIR "/sim%u.%u", id, index);
	if (sub != SIM_WHOLE)
		snprintf(path + len, sizeof(path) - len, ".%u", sub);
	for (int try = 0; try < 1000; try++) {	/* devtmpfs makes nodes in its own time */
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			break;
		usleep(10000);
	}
	return fd;
}

static inline int do_sim_open(uint32_t id, uint32_t index)
{
	return do_sim_open_sub(id, index, SIM_WHOLE);
}

#define sim_open_sub(id, index, sub) ({						\
	int __fd = do_sim_open_sub(id, index, sub);				\
										\
	ASSERT_TRUE(__fd >= 0);							\
	__fd;									\
})
#define sim_open(id, index) sim_open_sub(id, index, SIM_WHOLE)

static inline void *sim_sram(int dev)
{
	void *sram = mmap(NULL, IOASID_SIM_SRAM, PROT_READ | PROT_WRITE, MAP_SHARED, dev, 0);

	ASSERT_TRUE(sram != MAP_FAILED);
	return sram;
}

/*
 * DMA
 */
static inline int do_sim_dma(int dev, struct ioasid_sim_request *requests, uint32_t nr)
{
	struct ioasid_sim_dma args = {
		.argsz = sizeof(args), .nr = nr, .requests = (uintptr_t)requests,
	};

	return ioctl(dev, IOASID_SIM_DMA, &args) ? -1 : (int)args.nr;
}

#define by_pasid(_pasid)	.flags = IOASID_SIM_REQ_PASID, .pasid = _pasid

/* The request's status; the ioctl itself must succeed. */
static inline uint32_t sim_request(int dev, struct ioasid_sim_request *request)
{
	request->status = ~0U;
	ASSERT_EQ(1, do_sim_dma(dev, request, 1));
	return request->status;
}

/* sim_do(dev, .op = ..., .iova = ..., ...): the status of one request */
#define sim_do(dev, ...) ({							\
	struct ioasid_sim_request __req = { __VA_ARGS__ };			\
										\
	sim_request(dev, &__req);						\
})
#define sim_read(dev, _iova, _len, _at, ...)					\
	sim_do(dev, .op = IOASID_SIM_OP_READ, .iova = _iova, .len = _len, .arg = _at, __VA_ARGS__)
#define sim_write(dev, _iova, _len, _at, ...)					\
	sim_do(dev, .op = IOASID_SIM_OP_WRITE, .iova = _iova, .len = _len, .arg = _at, __VA_ARGS__)
#define sim_copy(dev, _from, _to, _len, ...)					\
	sim_do(dev, .op = IOASID_SIM_OP_COPY, .iova = _from, .len = _len, .arg = _to, __VA_ARGS__)

static inline int do_sim_start(int dev, uint32_t threads, struct ioasid_sim_request *requests,
			       uint32_t nr, uint64_t seed)
{
	struct ioasid_sim_load args = {
		.argsz = sizeof(args), .threads = threads, .nr = nr,
		.requests = (uintptr_t)requests, .seed = seed,
	};

	return ioctl(dev, IOASID_SIM_START, &args);
}

static inline int do_sim_stop(int dev, struct ioasid_sim_load_result *result)
{
	memset(result, 0, sizeof(*result));
	result->argsz = sizeof(*result);
	return ioctl(dev, IOASID_SIM_STOP, result);
}

#endif /* IOASID_SELFTESTS_SIM_UTIL_H */
