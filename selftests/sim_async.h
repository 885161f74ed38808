/* SPDX-License-Identifier: GPL-2.0-only */
/* DMA of simulated devices in threads: who waits for a page holds up nobody else. */
#ifndef IOASID_SELFTESTS_SIM_ASYNC_H
#define IOASID_SELFTESTS_SIM_ASYNC_H

#include <pthread.h>

#include "sim_util.h"

/* A request that is carried out by a thread of its own. */
struct async {
	pthread_t thread;
	int dev;
	struct ioasid_sim_request req;
};

static inline void *async_thread(void *data)
{
	struct async *a = data;

	sim_request(a->dev, &a->req);
	return NULL;
}

static inline void async_begin(struct async *a)
{
	ASSERT_TRUE(!pthread_create(&a->thread, NULL, async_thread, a));
}

/* async_start(&a, dev, .op = ..., ...) */
#define async_start(a, _dev, ...) do {						\
	*(a) = (struct async) { .dev = _dev, .req = { __VA_ARGS__ } };		\
	async_begin(a);								\
} while (0)

static inline uint32_t async_end(struct async *a)
{
	ASSERT_TRUE(!pthread_join(a->thread, NULL));
	return a->req.status;
}

/* After a while: it is (still) waiting. */
static inline bool async_waits(struct async *a)
{
	usleep(20000);
	return pthread_tryjoin_np(a->thread, NULL) == EBUSY;
}

#endif /* IOASID_SELFTESTS_SIM_ASYNC_H */
