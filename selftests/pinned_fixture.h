/* SPDX-License-Identifier: GPL-2.0-only */
/* Kind SVA with all memory pinned, on a simulated device that cannot ask for pages. */
#ifndef IOASID_SELFTESTS_PINNED_FIXTURE_H
#define IOASID_SELFTESTS_PINNED_FIXTURE_H

#include <malloc.h>

#include "pinned_util.h"
#include "unchanged.h"

#define PAGES 64UL

/* How a device is attached. */
enum way { BY_DEFAULT, BY_USER, BY_KERNEL, NR_WAYS };

FIXTURE(pinned)
{
	int ctl, fd, dev, space;
	uint32_t id, pasid;
	enum way way;
	uint8_t *sram;
	uint8_t *mem; /* PAGES */
	int64_t pins;
	struct state before;
};

static inline void attach(struct fixture_pinned *self, enum way way)
{
	self->way = way;
	if (way == BY_KERNEL)
		ASSERT_TRUE(!do_attach_any(self->dev, self->space, &self->pasid));
	else if (way == BY_USER)
		ASSERT_TRUE(!do_attach_pasid(self->dev, self->space, self->pasid = MINE));
	else
		test_attach(self->dev, self->space);
}

static inline void detach(struct fixture_pinned *self)
{
	if (self->way == BY_DEFAULT)
		test_detach(self->dev, self->space);
	else
		ASSERT_TRUE(!do_detach_pasid(self->dev, self->space, self->pasid));
}

FIXTURE_SETUP(pinned)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	/* What malloc() returns is not returned to the kernel meanwhile. */
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
	self->pins = machine_pins();
	self->id = sim_create(self->ctl, .nr_devices = 2, .caps = PINNED_CAPS, .pasid_bits = 20);
	self->fd = test_open();
	self->dev = sim_open(self->id, 0);
	test_bind(self->dev, self->fd, SIM_COOKIE);
	self->sram = sim_sram(self->dev);
	self->mem = fresh(PAGES * PAGE);
}

FIXTURE_TEARDOWN(pinned)
{
	EXPECT_EQ(0, sim_stats(self->ctl, self->id).stale);
	/* A mapping keeps the device. */
	munmap(self->sram, IOASID_SIM_SRAM);
	close(self->dev);
	close(self->fd);
	EXPECT_EQ(0, locked_pages());
	EXPECT_TRUE(machine_pins_become(self->pins));
	close(self->ctl);
}

static inline uint32_t dma(struct fixture_pinned *self, uint32_t op, const void *at)
{
	struct ioasid_sim_request req = {
		.op = op,
		.flags = IOASID_SIM_REQ_ATS,
		.iova = (uintptr_t)at,
		.len = PAGE,
	};

	if (self->way != BY_DEFAULT) {
		req.flags |= IOASID_SIM_REQ_PASID;
		req.pasid = self->pasid;
	}
	return sim_request(self->dev, &req);
}

#define reads(self, at) dma(self, IOASID_SIM_OP_READ, at)

static inline uint32_t puts_page(struct fixture_pinned *self, const void *at, unsigned int seed)
{
	fill(self->sram, PAGE, seed);
	return dma(self, IOASID_SIM_OP_WRITE, at);
}

/* What the device reads is what the CPU sees there. */
static inline bool same(struct fixture_pinned *self, const void *at)
{
	memset(self->sram, 0x5a, PAGE);
	return !reads(self, at) && !memcmp(self->sram, at, PAGE);
}

static inline bool cpu_sees(const void *mem, unsigned int seed)
{
	return mismatch(mem, PAGE, seed) == PAGE;
}

static inline bool sees(struct fixture_pinned *self, const void *at, unsigned int seed)
{
	memset(self->sram, 0x5a, PAGE);
	return !reads(self, at) && cpu_sees(self->sram, seed);
}

/* Within some seconds. */
#define COMES(cond) ({								\
	bool __is = false;							\
										\
	for (int __try = 0; __try < 2000 && !(__is = (cond)); __try++)		\
		usleep(2500);							\
	__is;									\
})

static inline bool engine_is(struct fixture_pinned *self, const char *engine)
{
	char *text = fdinfo_text(self->fd), line[64];
	bool is;

	snprintf(line, sizeof(line), "ioasid-engine-%u:\t%s\n", self->space, engine);
	is = strstr(text, line);
	free(text);
	return is;
}

#define value(self, key) space_value((self)->fd, key, (self)->space)

#endif /* IOASID_SELFTESTS_PINNED_FIXTURE_H */
