/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of faults share: simulated devices that ask for pages, guest tables
 * with nothing in them, a queue and somebody who takes groups from it.
 */
#ifndef IOASID_SELFTESTS_S6_FIXTURE_H
#define IOASID_SELFTESTS_S6_FIXTURE_H

#include <libioasid.h>

#include "ptable_fixture.h"
#include "sim_async.h"

#define WAITS		(IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI)
#define PRI_CAPS	(CAPS | IOASID_SIM_CAP_PRI)
#define PASID		(IOASID_SIM_REQ_PASID)

struct guest {
	struct machine m;
	struct ioasid_fault_queue *queue;
	struct ioasid_sim_stats stats;	/* at the beginning */
	bool followed;			/* by the kernel: the IOMMU cannot walk tables */
};

/* A guest's page table, empty at first, and the space that it is the table of. */
struct guest_space {
	int id;
	struct table_builder b;
};

#define guest_start_with(g, nesting, ...) do {					\
	struct ioasid_fault_queue_alloc __args = { __VA_ARGS__ };		\
										\
	do_guest_start(g, nesting, &__args);					\
} while (0)
#define guest_start(g, nesting)	do_guest_start(g, nesting, NULL)

/* A slow machine is no reason for a timeout. */
static const struct ioasid_fault_queue_alloc patient = { .timeout_ms = 600000 };

static inline void do_guest_start(struct guest *g, bool nesting,
				  const struct ioasid_fault_queue_alloc *args)
{
	machine_start(&g->m, nesting ? PRI_CAPS : PRI_CAPS & ~IOASID_SIM_CAP_NESTING, 1);
	g->followed = !nesting;
	g->stats = sim_stats(g->m.ctl, g->m.sim);
	mark(&g->m);
	ASSERT_EQ(0, ioasid_fault_queue_open(g->m.fd, args ?: &patient, &g->queue));
}

/* Everything that was asked for was answered, once, and no DMA went astray. */
static inline void guest_stop(struct guest *g)
{
	struct ioasid_sim_stats now = sim_since(g->m.ctl, g->m.sim, &g->stats);

	EXPECT_EQ(0, now.page_unexpected);
	EXPECT_EQ(0, now.page_overflows);
	EXPECT_EQ(0, now.page_failure);
	EXPECT_EQ(0, now.stale);
	ioasid_fault_queue_close(g->queue);
	machine_stop(&g->m);
}

/* Both ways to have a guest's table: an IOMMU walks it, the kernel follows it. */
#define for_each_way(g)								\
	for (int __way = 1; __way >= 0 && (do_guest_start(g, __way, NULL), true); \
	     guest_stop(g), __way--)

static inline struct table_builder empty_table(struct guest *g, uint32_t format)
{
	struct table_builder b = g->m.lender;

	b.format = format;
	b.width = format == IOASID_FORMAT_X86_64_5LEVEL ? 57 :
		  format == IOASID_FORMAT_RISCV_SV39 ? 39 : 48;
	ASSERT_EQ(0, table_start(&b));
	return b;
}

static inline struct guest_space guest_alloc_format(struct guest *g, uint32_t format)
{
	struct guest_space s = { .b = empty_table(g, format) };
	struct ioasid_alloc args = {
		.flags = IOASID_ALLOC_PAGE_REQUESTS, .kind = IOASID_KIND_USER,
		.parent = g->m.parent, .format = format, .table = table_of(&s.b),
	};

	s.id = ioasid_alloc_faults(g->m.fd, &args, g->queue);
	ASSERT_LT(0, s.id);
	return s;
}

#define guest_alloc(g)	guest_alloc_format(g, IOASID_FORMAT_X86_64_4LEVEL)

/* v1's spelling of the same */
static inline struct guest_space guest_bind(struct guest *g)
{
	struct guest_space s = {
		.id = test_create_nesting(g->m.fd, g->m.parent),
		.b = empty_table(g, IOASID_FORMAT_X86_64_4LEVEL),
	};
	struct ioasid_bind_table args = {
		.flags = IOASID_BIND_PAGE_REQUESTS, .ioasid = s.id, .format = s.b.format,
		.table = table_of(&s.b),
	};

	ASSERT_EQ(0, ioasid_bind_faults(g->m.fd, &args, g->queue));
	return s;
}

/* An entry appears, or says something else, and whoever has to know is told. */
static inline void repair(struct guest *g, struct guest_space *s, uint64_t iova,
			  unsigned int page, uint32_t perm)
{
	__u64 *slot = table_slot(&s->b, iova, 1);

	if (slot)
		table_store(slot, table_leaf(s->b.format, 1, gpa(page), perm));
	else
		ASSERT_EQ(0, table_map(&s->b, iova, gpa(page), PAGE, perm));
	test_invalidate(g->m.fd, s->id, iova, PAGE);
}

/* Groups */

struct group {
	int n;
	struct ioasid_fault page[16];
};

/* No more time than this for what must come. */
#define PATIENCE_MS	20000

static inline int do_wait_group(struct ioasid_fault_queue *queue, struct group *group,
				int timeout_ms)
{
	struct pollfd pfd = { .fd = ioasid_fault_queue_fd(queue), .events = POLLIN };
	const struct ioasid_fault *faults;

	group->n = ioasid_fault_queue_next(queue, &faults);
	if (!group->n && poll(&pfd, 1, timeout_ms) > 0)
		group->n = ioasid_fault_queue_next(queue, &faults);
	if (group->n > 0 && group->n <= ARRAY_SIZE(group->page))
		memcpy(group->page, faults, group->n * sizeof(*faults));
	ioasid_fault_queue_consume(queue);
	return group->n;
}

static inline struct group wait_group(struct guest *g)
{
	struct group group;

	ASSERT_LT(0, do_wait_group(g->queue, &group, PATIENCE_MS));
	ASSERT_GE(ARRAY_SIZE(group.page), group.n);
	return group;
}

static inline bool no_group(struct guest *g)
{
	struct group group;

	return !do_wait_group(g->queue, &group, 50);
}

#define answer(g, group, code)							\
	ASSERT_EQ(0, ioasid_fault_respond((g)->queue, (group)->page, IOASID_FAULT_##code))

/* A group of so many pages from addr on, which the device wants to access like that. */
static inline void check_group(const struct group *group, int n, uint64_t addr, uint32_t perm,
			       uint64_t cookie, int space, uint32_t pasid)
{
	EXPECT_EQ(n, group->n);
	for (int i = 0; i < group->n; i++) {
		const struct ioasid_fault *fault = &group->page[i];
		uint32_t flags = (i == group->n - 1 ? IOASID_FAULT_LAST : 0) |
				 (pasid == NONE ? 0 : IOASID_FAULT_PASID);

		EXPECT_EQ(IOASID_FAULT_PAGE_REQUEST, fault->type);
		EXPECT_EQ(flags, fault->flags);
		EXPECT_EQ(addr + i * PAGE, fault->addr);
		EXPECT_EQ(perm, fault->perm);
		EXPECT_EQ(cookie, fault->cookie);
		EXPECT_EQ((uint32_t)space, fault->ioasid);
		EXPECT_EQ(pasid == NONE ? 0 : pasid, fault->pasid);
		EXPECT_EQ(group->page[0].seq + i, fault->seq);
		EXPECT_EQ(group->page[0].id, fault->id);
		EXPECT_EQ(group->page[0].group, fault->group);
		EXPECT_NE(0, fault->id);
		EXPECT_EQ(0, fault->__reserved);
	}
}

#define FAULT_R		IOASID_FAULT_PERM_READ
#define FAULT_W		IOASID_FAULT_PERM_WRITE

/* Requests that may have to wait */
#define dma_flags(_pasid)							\
	.flags = WAITS | ((_pasid) == NONE ? 0 : PASID), .pasid = (_pasid) == NONE ? 0 : (_pasid)
#define start_read(a, g, i, iova_, len_, pasid_)				\
	async_start(a, (g)->m.dev[i], .op = IOASID_SIM_OP_READ, .iova = iova_, .len = len_,	\
		    dma_flags(pasid_))
#define start_write(a, g, i, iova_, len_, pasid_)				\
	async_start(a, (g)->m.dev[i], .op = IOASID_SIM_OP_WRITE, .iova = iova_, .len = len_,	\
		    dma_flags(pasid_))

/* What the device has read, page by page: that page of data. */
#define EXPECT_SRAM(g, i, at, page)						\
	EXPECT_EQ(PAGE, mismatch((g)->m.sram[i] + (at), PAGE, 100 + (page)))
#define EXPECT_DATA(g, page, seed)						\
	EXPECT_EQ(PAGE, mismatch((g)->m.mem + (page) * PAGE, PAGE, seed))

/* Counters of a space */
#define space_count(g, key, id)	fdinfo_get_n((g)->m.fd, "ioasid-" key, id)

/* Of the groups that were reported each has had one end. */
static inline void check_counts(struct guest *g, int id, uint64_t success, uint64_t invalid,
				uint64_t timeouts, uint64_t cancels)
{
	EXPECT_EQ(success, space_count(g, "fault-answers", id));
	EXPECT_EQ(invalid, space_count(g, "fault-invalid", id));
	EXPECT_EQ(timeouts, space_count(g, "fault-timeouts", id));
	EXPECT_EQ(cancels, space_count(g, "fault-cancels", id));
	EXPECT_EQ(0, space_count(g, "fault-overflows", id));
	EXPECT_EQ(0, space_count(g, "fault-pending", id));
	EXPECT_EQ(success + invalid + timeouts + cancels, space_count(g, "faults", id));
}

#endif /* IOASID_SELFTESTS_S6_FIXTURE_H */
