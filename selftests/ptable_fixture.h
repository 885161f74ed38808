/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of user-managed PASID tables share: two simulated devices, memory
 * with tables in it on a parent space, and means to see which page DMA reaches.
 */
#ifndef IOASID_SELFTESTS_PTABLE_FIXTURE_H
#define IOASID_SELFTESTS_PTABLE_FIXTURE_H

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "pasid_build.h"

#define PAGES		128UL
#define DATA		16UL		/* pages of data, the rest is for tables */
#define GPA		0x40000000ULL
#define GVA		0x2000ULL
#define GUEST_RW	(TABLE_R | TABLE_W)
#define NONE		UINT32_MAX	/* no PASID */
#define GCR3		IOASID_FORMAT_AMD_GCR3
#define CD		IOASID_FORMAT_ARM_CD

static const uint32_t pasid_formats[] = { GCR3, CD };

struct machine {
	int ctl, sim, fd, parent;
	int dev[2];
	uint8_t *sram[2];
	uint8_t *mem;			/* PAGES, mapped at GPA */
	unsigned int next;		/* page for tables */
	struct table_builder lender;	/* of pages, for the PASID table */
	struct pasid_builder p;
	int space;			/* with the table */
};

static inline uint64_t gpa(unsigned int page)
{
	return GPA + page * PAGE;
}

static inline __u64 machine_alloc(struct table_builder *b)
{
	struct machine *m = b->data;

	return m->next < PAGES ? gpa(m->next++) : 0;
}

static inline __u64 *machine_at(struct table_builder *b, __u64 addr)
{
	struct machine *m = b->data;

	ASSERT_TRUE(addr >= GPA && addr < gpa(PAGES));
	return (__u64 *)(m->mem + (addr - GPA));
}

#define CAPS	(IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_ATS)

/* Devices that are bound, and attached to the parent. */
static inline void machine_start(struct machine *m, uint32_t caps, uint32_t group_size)
{
	m->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (m->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	m->sim = sim_create(m->ctl, .caps = caps, .nr_devices = 2, .group_size = group_size,
			    .pasid_bits = caps & IOASID_SIM_CAP_PASID ? 20 : 0);
	m->fd = test_open();
	m->parent = test_alloc(m->fd);
	m->mem = memory(PAGES * PAGE);
	m->next = DATA;
	test_map(m->fd, m->parent, m->mem, GPA, PAGES * PAGE);
	for (int i = 0; i < 2; i++) {
		m->dev[i] = sim_open(m->sim, i);
		test_bind(m->dev[i], m->fd, SIM_COOKIE + i);
		test_attach(m->dev[i], m->parent);
		m->sram[i] = sim_sram(m->dev[i]);
	}
	m->lender = (struct table_builder) {
		.alloc = machine_alloc, .at = machine_at, .data = m,
	};
}

static inline void machine_stop(struct machine *m)
{
	for (int i = 0; i < 2; i++) {
		munmap(m->sram[i], IOASID_SIM_SRAM);
		close(m->dev[i]);
	}
	close(m->fd);
	close(m->ctl);
	munmap(m->mem, PAGES * PAGE);
	EXPECT_EQ(0, locked_pages());
}

/* An empty PASID table. */
static inline void machine_table(struct machine *m, uint32_t format, uint32_t bits, uint64_t flags)
{
	m->p = (struct pasid_builder) {
		.format = format, .bits = bits, .flags = flags, .b = &m->lender,
	};
	ASSERT_EQ(0, pasid_start(&m->p));
}

/* A page table for a PASID that maps GVA to page @page. */
static inline struct table_builder pages_for(struct machine *m, unsigned int page)
{
	struct table_builder b = m->lender;

	b.format = pasid_page_format(&m->p);
	b.width = pasid_page_width(&m->p);
	ASSERT_EQ(0, table_start(&b));
	ASSERT_EQ(0, table_map(&b, GVA, gpa(page), PAGE, GUEST_RW));
	return b;
}

static inline struct table_builder give_pasid(struct machine *m, uint32_t pasid,
					      unsigned int page)
{
	struct table_builder b = pages_for(m, page);

	ASSERT_EQ(0, pasid_set(&m->p, pasid, pasid_entry_of(&m->p, &b)));
	return b;
}

static inline int do_alloc_ptable(struct machine *m)
{
	struct ioasid_alloc arg = {
		.argsz = sizeof(arg), .kind = IOASID_KIND_USER, .parent = m->parent,
		.format = m->p.format, .table = pasid_table_of(&m->p),
	};

	return ioctl(m->fd, IOASID_ALLOC, &arg);
}

static inline int do_bind_ptable(struct machine *m, int space)
{
	struct ioasid_bind_table arg = {
		.argsz = sizeof(arg), .ioasid = space, .format = m->p.format,
		.table = pasid_table_of(&m->p),
	};

	return ioctl(m->fd, IOASID_BIND_PASID_TABLE, &arg);
}

#define do_unbind_ptable(m, space) do_table((m)->fd, IOASID_UNBIND_PASID_TABLE, space, 0, 0, 0)

/* A table with PASIDs 1 and 2 on pages 1 and 2 and entry 0 on page 0; dev[0] is on it. */
static inline void machine_delegate(struct machine *m, uint32_t format, uint64_t flags)
{
	machine_table(m, format, format == CD ? PASID_LINEAR_BITS : 9, flags);
	for (uint32_t pasid = 0; pasid < 3; pasid++)
		give_pasid(m, pasid, pasid);
	m->space = do_alloc_ptable(m);
	ASSERT_LT(0, m->space);
	test_attach(m->dev[0], m->space);
}

/* caches 0: the default; pasid NONE: all; size 0: everything */
static inline int do_forget_range(struct machine *m, uint32_t caches, uint32_t pasid,
				  uint64_t iova, uint64_t size)
{
	struct ioasid_invalidate request = {
		.caches = caches,
		.flags = (pasid == NONE ? 0 : IOASID_INVALIDATE_PASID) |
			 (size ? IOASID_INVALIDATE_RANGE : 0),
		.pasid = pasid == NONE ? 0 : pasid,
		.iova = iova,
		.size = size,
	};
	uint32_t nr = 1;

	return do_invalidations(m->fd, m->space, &request, &nr);
}

#define do_forget(m, caches, pasid)	do_forget_range(m, caches, pasid, 0, 0)
#define forget(m, caches, pasid)	ASSERT_EQ(0, do_forget(m, caches, pasid))
#define ALL_CACHES	(IOASID_CACHE_IOTLB | IOASID_CACHE_DEVTLB | IOASID_CACHE_PASID)

/* Each page of data has a content of its own. */
static inline void mark(struct machine *m)
{
	for (unsigned int i = 0; i < DATA; i++)
		fill(m->mem + i * PAGE, PAGE, 100 + i);
}

static inline struct ioasid_sim_request page_request(uint32_t op, uint64_t iova, uint32_t pasid,
						     uint32_t flags)
{
	return (struct ioasid_sim_request) {
		.op = op, .iova = iova, .len = PAGE,
		.flags = flags | (pasid == NONE ? 0 : IOASID_SIM_REQ_PASID),
		.pasid = pasid == NONE ? 0 : pasid,
	};
}

/* Which page of data a device reads at an IOVA; or PAGES and a status. */
static inline unsigned long reads_flags(struct machine *m, int i, uint32_t pasid, uint64_t iova,
					uint32_t flags)
{
	struct ioasid_sim_request req = page_request(IOASID_SIM_OP_READ, iova, pasid, flags);
	uint32_t status;

	mark(m);
	status = sim_request(m->dev[i], &req);
	if (status)
		return PAGES + status;
	for (unsigned int page = 0; page < DATA; page++)
		if (mismatch(m->sram[i], PAGE, 100 + page) == PAGE)
			return page;
	return ~0UL;
}

#define reads(m, pasid)		reads_flags(m, 0, pasid, GVA, 0)
#define reads_ats(m, pasid)	reads_flags(m, 0, pasid, GVA, IOASID_SIM_REQ_ATS)
#define STATUS(status)		(PAGES + IOASID_SIM_##status)

/* What a device writes arrives in one page and in no other. */
static inline bool writes(struct machine *m, uint32_t pasid, unsigned int page)
{
	struct ioasid_sim_request req = page_request(IOASID_SIM_OP_WRITE, GVA, pasid, 0);

	mark(m);
	fill(m->sram[0], PAGE, 7);
	if (sim_request(m->dev[0], &req))
		return false;
	for (unsigned int i = 0; i < DATA; i++)
		if (mismatch(m->mem + i * PAGE, PAGE, i == page ? 7 : 100 + i) != PAGE)
			return false;
	return true;
}

#endif /* IOASID_SELFTESTS_PTABLE_FIXTURE_H */
