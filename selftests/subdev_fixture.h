/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of sub-devices share: two parts of a simulated device, a space for each. */
#ifndef IOASID_SELFTESTS_SUBDEV_FIXTURE_H
#define IOASID_SELFTESTS_SUBDEV_FIXTURE_H

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"

#define PAGES		16UL		/* of each space */
#define SUBS		2
#define CAPS		(IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_ATS)
#define ATS		IOASID_SIM_REQ_ATS
#define MAX_PASIDS	64

/* Two parts of one device, bound, and a space for each; nothing is attached. */
FIXTURE(sub) {
	int ctl, sim, fd;
	int dev[SUBS], space[SUBS];
	uint8_t *mem[SUBS], *sram[SUBS];	/* mem[i] is mapped at 0 in space[i] */
};

static inline int open_ctl(void)
{
	int ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);

	if (ctl < 0)
		SKIP("ioasid_sim is not loaded");
	return ctl;
}

static inline int bound(struct fixture_sub *self, int sim, int device, int part, uint64_t cookie)
{
	int dev = sim_open_sub(sim, device, part);

	test_bind(dev, self->fd, cookie);
	return dev;
}

static inline void start(struct fixture_sub *self, uint32_t pasid_bits, uint32_t flags)
{
	self->ctl = open_ctl();
	self->sim = sim_create(self->ctl, .caps = CAPS, .pasid_bits = pasid_bits, .flags = flags,
			       .nr_devices = 2, .nr_subdevices = SUBS);
	self->fd = test_open();
	for (int i = 0; i < SUBS; i++) {
		self->dev[i] = bound(self, self->sim, 0, i, SIM_COOKIE + i);
		self->sram[i] = sim_sram(self->dev[i]);
		self->space[i] = test_alloc(self->fd);
		self->mem[i] = memory(PAGES * PAGE);
		fill(self->mem[i], PAGES * PAGE, 10 + i);
		test_map(self->fd, self->space[i], self->mem[i], 0, PAGES * PAGE);
	}
}

FIXTURE_SETUP(sub)
{
	start(self, 8, 0);
}

static inline void stop(struct fixture_sub *self)
{
	EXPECT_EQ(0, sim_stats(self->ctl, self->sim).stale);
	for (int i = 0; i < SUBS; i++)
		close(self->dev[i]);
	close(self->fd);
	close(self->ctl);
	EXPECT_EQ(0, locked_pages());
}

FIXTURE_TEARDOWN(sub)
{
	stop(self);
}

/* PASIDs on the wire */

struct wire {
	uint32_t nr;
	uint32_t pasids[MAX_PASIDS];
};

static inline struct wire wire_of(struct fixture_sub *self, uint32_t device)
{
	struct wire wire = { .nr = MAX_PASIDS };

	ASSERT_EQ(0, do_get_pasids(self->ctl, self->sim, device, wire.pasids, &wire.nr));
	ASSERT_LE(wire.nr, MAX_PASIDS);
	return wire;
}

static inline bool on_wire(const struct wire *wire, uint32_t pasid)
{
	for (uint32_t i = 0; i < wire->nr; i++)
		if (wire->pasids[i] == pasid)
			return true;
	return false;
}

/* The only PASID that is in the device's table now and was not there before. */
static inline uint32_t new_on_wire(struct fixture_sub *self, uint32_t device,
				   const struct wire *before)
{
	struct wire now = wire_of(self, device);
	uint32_t i = 0;

	ASSERT_EQ(before->nr + 1, now.nr);
	while (on_wire(before, now.pasids[i]))
		i++;
	return now.pasids[i];
}

/* Attaches, and tells the PASID that this took on the wire. */
#define attached(self, device, attach) ({					\
	struct wire __before = wire_of(self, device);				\
										\
	ASSERT_EQ(0, attach);							\
	new_on_wire(self, device, &__before);					\
})

/* What refuses must leave the tables and all counters alone. */
#define REFUSED(err, call) do {							\
	struct wire __before = wire_of(self, 0), __now;				\
	char *__text = contexts_text(), *__after;				\
										\
	EXPECT_ERRNO(err, call);						\
	__now = wire_of(self, 0);						\
	EXPECT_EQ(0, memcmp(&__before, &__now, sizeof(__now)));			\
	__after = contexts_text();						\
	EXPECT_STREQ(__text, __after);						\
	free(__text);								\
	free(__after);								\
} while (0)

/* Which space's memory a part reads at 0, -1 for none; it must be the whole range. */
#define reads(self, part, ...) ({						\
	memset((self)->sram[part], 0, PAGES * PAGE);				\
	sim_read((self)->dev[part], 0, PAGES * PAGE, 0, __VA_ARGS__) ? -1 :	\
		whose((self)->sram[part]);					\
})

static inline int whose(const uint8_t *sram)
{
	for (int i = 0; i < SUBS; i++)
		if (mismatch(sram, PAGES * PAGE, 10 + i) == PAGES * PAGE)
			return i;
	return -1;
}

/* A part writes: it arrives in that space's memory and nowhere else. */
#define writes(self, part, space, ...) ({					\
	fill((self)->sram[part], PAGES * PAGE, 99);				\
	!sim_write((self)->dev[part], 0, PAGES * PAGE, 0, __VA_ARGS__) &&	\
		only_written(self, space);					\
})

static inline bool only_written(struct fixture_sub *self, int space)
{
	bool ok = true;

	for (int i = 0; i < SUBS; i++) {
		ok &= mismatch(self->mem[i], PAGES * PAGE, i == space ? 99 : 10 + i) ==
		      PAGES * PAGE;
		fill(self->mem[i], PAGES * PAGE, 10 + i);
	}
	return ok;
}

#endif /* IOASID_SELFTESTS_SUBDEV_FIXTURE_H */
