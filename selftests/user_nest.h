/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated device in a kernel-managed space, in whose memory lies a page table of
 * user space: x86-64 with four levels, for the first 2 MiB. Include ioasid_util.h first.
 */
#ifndef IOASID_SELFTESTS_USER_NEST_H
#define IOASID_SELFTESTS_USER_NEST_H

#include "sim_util.h"

#define USER_FORMAT	IOASID_FORMAT_X86_64_4LEVEL
#define USER_WIDTH	48
#define USER_TABLE	0x10000UL	/* its top level, in the parent */
#define USER_MEMORY	MIB

struct user_nest {
	int ctl, sim, fd, dev;
	int parent;
	char *mem;			/* USER_MEMORY, from address 0 of the parent */
};

/* Page number "page" of the table: nothing, or the parent's address. */
static inline void user_nest_set(struct user_nest *n, unsigned int page, uint64_t address)
{
	uint64_t *leaves = (uint64_t *)(n->mem + USER_TABLE + 3 * PAGE);

	__atomic_store_n(&leaves[page], address ? address | 0x67 : 0, __ATOMIC_RELEASE);
}

static inline void user_nest_start(struct user_nest *n, uint32_t caps)
{
	n->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (n->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	n->sim = sim_create(n->ctl, .nr_devices = 1, .caps = caps | IOASID_SIM_CAP_PASID,
			    .pasid_bits = 8);
	n->fd = test_open();
	n->dev = sim_open(n->sim, 0);
	n->mem = memory(USER_MEMORY);
	for (int level = 0; level < 3; level++)
		*(uint64_t *)(n->mem + USER_TABLE + level * PAGE) =
			(USER_TABLE + (level + 1) * PAGE) | 0x67;
	n->parent = test_alloc(n->fd);
	test_map(n->fd, n->parent, n->mem, 0, USER_MEMORY);
	test_bind(n->dev, n->fd, SIM_COOKIE);
	test_attach(n->dev, n->parent);
}

static inline int user_nest_alloc(struct user_nest *n)
{
	int id = do_alloc_user(n->fd, n->parent, USER_FORMAT, USER_WIDTH, USER_TABLE);

	ASSERT_LT(0, id);
	return id;
}

static inline void user_nest_stop(struct user_nest *n)
{
	close(n->dev);
	close(n->fd);
	close(n->ctl);
}

#endif /* IOASID_SELFTESTS_USER_NEST_H */
