/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of ioasid_sim share: its control file, and a context. */
#ifndef IOASID_SELFTESTS_SIM_FIXTURE_H
#define IOASID_SELFTESTS_SIM_FIXTURE_H

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"

#define SIM_PAGES	64UL

FIXTURE(sim) {
	int ctl;
	int fd;
	uint8_t *mem;		/* SIM_PAGES, with pattern 1 */
};

FIXTURE_SETUP(sim)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	self->fd = test_open();
	self->mem = memory(SIM_PAGES * PAGE);
	fill(self->mem, SIM_PAGES * PAGE, 1);
}

FIXTURE_TEARDOWN(sim)
{
	close(self->fd);
	close(self->ctl);
}

/* The device of a new instance, bound and attached to a new space. */
struct sim_one {
	uint32_t id;
	int dev;
	int space;
	uint8_t *sram;
};

static inline void sim_one_attach(struct fixture_sim *self, struct sim_one *one)
{
	one->dev = sim_open(one->id, 0);
	test_bind(one->dev, self->fd, SIM_COOKIE);
	one->sram = sim_sram(one->dev);
	one->space = test_alloc(self->fd);
	test_attach(one->dev, one->space);
}

#define sim_one(self, ...) ({							\
	struct sim_one __one = { .id = sim_create((self)->ctl, .nr_devices = 1,	\
						       ##__VA_ARGS__) };	\
										\
	sim_one_attach((self), &__one);						\
	__one;									\
})

#endif /* IOASID_SELFTESTS_SIM_FIXTURE_H */
