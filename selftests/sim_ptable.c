// SPDX-License-Identifier: GPL-2.0-only
/*
 * User-managed PASID tables on simulated devices: scenario S7 of the RFC and the
 * delegated variant of S5, in both formats and both spellings, with bytes compared;
 * what caches keep, and what invalidations reach.
 */
#include <pthread.h>

#include "ptable_fixture.h"

FIXTURE(ptable) {
	struct machine m;
};

FIXTURE_SETUP(ptable)
{
	machine_start(&self->m, CAPS, 1);
}

FIXTURE_TEARDOWN(ptable)
{
	EXPECT_EQ(0, sim_stats(self->m.ctl, self->m.sim).stale);
	machine_stop(&self->m);
}

/* Each format on a machine of its own. */
#define for_each_format(m, f)							\
	for (const uint32_t *(f) = pasid_formats; (f) < pasid_formats + 2 &&	\
	     (machine_start(m, CAPS, 1), true); machine_stop(m), (f)++)

TEST(s7, "S7 a child is created, attached, and given a PASID table; unbind undoes it")
{
	struct machine m;

	for_each_format(&m, f) {
		struct table_builder one;
		int child = test_create_nesting(m.fd, m.parent);

		test_attach(m.dev[0], child);
		EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads(&m, NONE));
		machine_table(&m, *f, PASID_LINEAR_BITS, 0);
		one = give_pasid(&m, 1, 1);
		give_pasid(&m, 0, 3);
		m.space = child;
		ASSERT_EQ(0, do_bind_ptable(&m, child));
		EXPECT_EQ(3, reads(&m, NONE));
		EXPECT_EQ(1, reads(&m, 1));
		EXPECT_TRUE(writes(&m, 1, 1));
		EXPECT_TRUE(writes(&m, NONE, 3));
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 2));
		/* New entries, in either table, work without a call (step 4 is dropped). */
		give_pasid(&m, 2, 2);
		EXPECT_EQ(2, reads(&m, 2));
		EXPECT_TRUE(writes(&m, 2, 2));
		ASSERT_EQ(0, table_map(&one, GVA + PAGE, gpa(4), PAGE, TABLE_R));
		EXPECT_EQ(4, reads_flags(&m, 0, 1, GVA + PAGE, 0));
		EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_flags(&m, 0, 2, GVA + PAGE, 0));
		EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION,
			  sim_write(m.dev[0], GVA + PAGE, 8, 0, .flags = IOASID_SIM_REQ_PASID,
				    .pasid = 1));
		/* The other device is where it was. */
		EXPECT_EQ(5, reads_flags(&m, 1, NONE, gpa(5), 0));
		EXPECT_EQ(STATUS(FAULT_PASID), reads_flags(&m, 1, 1, GVA, 0));
		EXPECT_EQ(0, fdinfo_get_n(m.fd, "ioasid-mappings", child));

		ASSERT_EQ(0, do_unbind_ptable(&m, child));
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 1));
		EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads(&m, NONE));
		ASSERT_EQ(0, do_map(m.fd, child, gpa(6), GVA, PAGE, RW));
		EXPECT_EQ(6, reads(&m, NONE));
		test_unmap(m.fd, child, GVA, PAGE);
		/* PASIDs are handed out one by one again. */
		ASSERT_EQ(0, do_attach_pasid(m.dev[0], m.parent, 1));
		EXPECT_EQ(7, reads_flags(&m, 0, 1, gpa(7), 0));
		ASSERT_EQ(0, do_detach_pasid(m.dev[0], m.parent, 1));
		test_detach(m.dev[0], child);
		EXPECT_EQ(8, reads_flags(&m, 0, NONE, gpa(8), 0));
		EXPECT_EQ(0, sim_stats(m.ctl, m.sim).stale);
	}
}

TEST(s5_delegated, "S5 (v2) one ALLOC and one ATTACH hand all PASIDs over")
{
	struct machine m;

	for_each_format(&m, f) {
		struct ioasid_info info;

		machine_delegate(&m, *f, 0);
		EXPECT_EQ(0, reads(&m, NONE));
		for (uint32_t pasid = 1; pasid < 3; pasid++) {
			EXPECT_EQ(pasid, reads(&m, pasid));
			EXPECT_TRUE(writes(&m, pasid, pasid));
		}
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 3));
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 1 << m.p.bits));
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, (1 << 20) - 1));
		test_info(m.fd, m.space, &info, sizeof(info));
		EXPECT_EQ(IOASID_KIND_USER, info.kind);
		EXPECT_EQ(IOASID_INFO_PASID_TABLE, info.flags);
		EXPECT_EQ(m.p.bits, info.addr_width);
		EXPECT_EQ(1, info.nr_devices);
		/* A second device: its own PASIDs, the same table. */
		test_attach(m.dev[1], m.space);
		EXPECT_EQ(2, reads_flags(&m, 1, 2, GVA, 0));
		test_detach(m.dev[1], m.space);
		EXPECT_EQ(STATUS(FAULT_PASID), reads_flags(&m, 1, 2, GVA, 0));
		EXPECT_EQ(2, reads(&m, 2));
		test_err_free(EBUSY, m.fd, m.space);
		test_err_free(EBUSY, m.fd, m.parent);
		test_detach(m.dev[0], m.space);
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 1));
		EXPECT_EQ(9, reads_flags(&m, 0, NONE, gpa(9), 0));
		test_free(m.fd, m.space);
		EXPECT_EQ(0, sim_stats(m.ctl, m.sim).stale);
	}
}

TEST(defaults, "DMA without PASID: entry 0, the parent, or nothing, as the table says")
{
	struct machine m;

	for_each_format(&m, f) {
		machine_delegate(&m, *f, 0);
		EXPECT_EQ(0, reads(&m, NONE));
		EXPECT_EQ(0, reads_ats(&m, NONE));
		/* Arm: substream 0 is not available then. */
		EXPECT_EQ(*f == CD ? STATUS(FAULT_PASID) : 0, reads(&m, 0));
		test_detach(m.dev[0], m.space);
		test_free(m.fd, m.space);

		machine_delegate(&m, *f, IOASID_TABLE_BYPASS);
		EXPECT_EQ(9, reads_flags(&m, 0, NONE, gpa(9), 0));
		EXPECT_EQ(9, reads_flags(&m, 0, NONE, gpa(9), IOASID_SIM_REQ_ATS));
		EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads(&m, NONE));
		EXPECT_EQ(0, reads(&m, 0));
		EXPECT_EQ(1, reads(&m, 1));
		test_unmap(m.fd, m.parent, GPA, PAGES * PAGE);
		EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_flags(&m, 0, NONE, gpa(9), 0));
		EXPECT_EQ(STATUS(FAULT_NOT_PRESENT),
			  reads_flags(&m, 0, NONE, gpa(9), IOASID_SIM_REQ_ATS));
		test_map(m.fd, m.parent, m.mem, GPA, PAGES * PAGE);
		test_detach(m.dev[0], m.space);
		test_free(m.fd, m.space);
		if (*f == GCR3)
			continue;

		machine_delegate(&m, *f, IOASID_TABLE_BLOCK);
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, NONE));
		EXPECT_EQ(STATUS(FAULT_PASID), reads_flags(&m, 0, NONE, gpa(9), 0));
		EXPECT_EQ(0, reads(&m, 0));
		test_detach(m.dev[0], m.space);
		test_free(m.fd, m.space);
	}
}

TEST(levels, "AMD: tables of one, two and three levels, page tables of four and five")
{
	static const struct { uint32_t bits, pasid; uint64_t flags; } cases[] = {
		{ 1, 1, 0 }, { 9, 511, IOASID_TABLE_5LEVEL }, { 18, 0x3ffff, 0 },
		{ 20, 0xfffff, IOASID_TABLE_5LEVEL },
	};
	struct machine m;

	machine_start(&m, CAPS, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		machine_table(&m, GCR3, cases[i].bits, cases[i].flags);
		give_pasid(&m, cases[i].pasid, 1 + i);
		m.space = do_alloc_ptable(&m);
		ASSERT_LT(0, m.space);
		test_attach(m.dev[0], m.space);
		EXPECT_EQ(1 + i, reads(&m, cases[i].pasid));
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, cases[i].pasid ^ 1));
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, cases[i].pasid ^ 1 << 19));
		test_detach(m.dev[0], m.space);
		test_free(m.fd, m.space);
	}
	machine_stop(&m);
}

TEST(long_table, "Arm: of 2^20 descriptors only those that are used need memory")
{
	const uint64_t root = 0x100000000ULL, last = root + 0xfffffULL * 64;
	struct pasid_words entry;
	struct table_builder b;
	struct machine m;
	__u64 *slot;

	machine_start(&m, CAPS, 1);
	machine_table(&m, CD, PASID_LINEAR_BITS, 0);
	b = pages_for(&m, 5);
	m.p.bits = 20;
	m.p.root = root;
	test_map(m.fd, m.parent, m.mem + 100 * PAGE, root, PAGE);
	test_map(m.fd, m.parent, m.mem + 101 * PAGE, last & -PAGE, PAGE);
	m.space = do_alloc_ptable(&m);
	ASSERT_LT(0, m.space);
	test_attach(m.dev[0], m.space);
	EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 0xfffff));
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(&m, 0x80000));
	entry = pasid_entry_of(&m.p, &b);
	slot = (__u64 *)(m.mem + 101 * PAGE + (last & (PAGE - 1)));
	slot[1] = entry.word[1];
	table_store(slot, entry.word[0]);
	EXPECT_EQ(5, reads(&m, 0xfffff));
	machine_stop(&m);
}

/* WALK */

static int do_walk_pasid(struct machine *m, int space, uint32_t pasid, uint64_t iova,
			 struct ioasid_step *steps, struct ioasid_walk_iova *arg)
{
	*arg = (struct ioasid_walk_iova){
		.argsz = sizeof(*arg), .ioasid = space, .iova = iova,
		.flags = pasid == NONE ? 0 : IOASID_WALK_PASID,
		.pasid = pasid == NONE ? 0 : pasid,
		.nr = IOASID_MAX_STEPS, .steps = (uintptr_t)steps,
	};
	return ioctl(m->fd, IOASID_WALK, arg);
}

/* The first step with depth 0 that is no entry of the PASID table. */
static unsigned int pasid_steps(const struct ioasid_step *steps, uint32_t nr,
				const struct ioasid_step **rest)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < nr; i++) {
		*rest = &steps[i];
		if (steps[i].depth)
			continue;
		if (!(steps[i].flags & IOASID_STEP_PASID))
			break;
		n++;
	}
	return n;
}

TEST(walk, "WALK tells the entries of the PASID table before those of the page table")
{
	struct ioasid_step steps[IOASID_MAX_STEPS];
	const struct ioasid_step *rest;
	struct ioasid_walk_iova walk;
	struct machine m;

	for_each_format(&m, f) {
		uint64_t root;

		machine_delegate(&m, *f, 0);
		root = give_pasid(&m, 2, 2).root;
		ASSERT_EQ(0, do_walk_pasid(&m, m.space, 2, GVA + 8, steps, &walk));
		EXPECT_EQ(IOASID_WALK_OK, walk.reason);
		EXPECT_EQ(RW, walk.perm);
		EXPECT_EQ(pasid_page_format(&m.p), walk.format);
		ASSERT_EQ(1, pasid_steps(steps, walk.nr, &rest));
		EXPECT_EQ(IOASID_STEP_ENTRY, steps[0].kind);
		EXPECT_EQ(1, steps[0].level);
		EXPECT_EQ(m.p.root + 2 * (*f == CD ? 64 : 8), steps[0].addr);
		EXPECT_EQ(*pasid_slot(&m.p, 2), steps[0].value);
		EXPECT_EQ(root, steps[0].output);
		/* Where the entry lies: a mapping of the parent, and memory. */
		EXPECT_EQ(1, steps[1].depth);
		EXPECT_EQ(IOASID_STEP_MEMORY, steps[2].kind);
		EXPECT_EQ(&steps[3], rest);
		EXPECT_EQ(4, rest->level);
		EXPECT_EQ(root / PAGE, rest->addr / PAGE);
		EXPECT_EQ(IOASID_STEP_MEMORY, steps[walk.nr - 1].kind);
		EXPECT_EQ(gpa(2) + 8, steps[walk.nr - 2].iova);
		/* It is what the device does; and leaves no trace. */
		EXPECT_EQ(2, reads(&m, 2));

		ASSERT_EQ(0, do_walk_pasid(&m, m.space, NONE, GVA, steps, &walk));
		EXPECT_EQ(IOASID_WALK_OK, walk.reason);
		EXPECT_EQ(m.p.root, steps[0].addr);
		ASSERT_EQ(0, do_walk_pasid(&m, m.space, 3, GVA, steps, &walk));
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT, steps[0].reason);
		EXPECT_EQ(*f, walk.format);
		EXPECT_EQ(0, walk.perm);
		ASSERT_EQ(0, do_walk_pasid(&m, m.space, 1 << m.p.bits, GVA, steps, &walk));
		EXPECT_EQ(IOASID_WALK_NO_PASID, walk.reason);
		EXPECT_EQ(1, walk.nr);
		EXPECT_EQ(IOASID_WALK_NO_PASID, steps[0].reason);
		ASSERT_EQ(0, do_walk_pasid(&m, m.space, 1, GVA + PAGE, steps, &walk));
		EXPECT_EQ(IOASID_WALK_NOT_PRESENT, walk.reason);
		EXPECT_EQ(0, steps[0].reason);
		EXPECT_ERRNO(EOPNOTSUPP, do_walk_pasid(&m, m.parent, 1, GVA, steps, &walk));

		m.p.flags = IOASID_TABLE_BYPASS;
		m.space = do_alloc_ptable(&m);
		ASSERT_EQ(0, do_walk_pasid(&m, m.space, NONE, gpa(3), steps, &walk));
		EXPECT_EQ(IOASID_WALK_OK, walk.reason);
		EXPECT_EQ(IOASID_STEP_MAPPING, steps[0].kind);
		EXPECT_EQ(2, walk.nr);
	}
}

TEST(deep_walk, "the longest walk fits: 3 and 5 levels on 7 parents")
{
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct ioasid_walk_iova walk;
	struct machine m;

	machine_start(&m, CAPS, 1);
	for (int depth = 1; depth < 7; depth++) {
		int child = do_alloc_kind(m.fd, IOASID_KIND_KERNEL, m.parent, 0, 0);

		ASSERT_LT(0, child);
		ASSERT_EQ(0, do_map(m.fd, child, GPA, GPA, PAGES * PAGE, RW));
		m.parent = child;
	}
	machine_table(&m, GCR3, 20, IOASID_TABLE_5LEVEL);
	give_pasid(&m, 0x51234, 3);
	m.space = do_alloc_ptable(&m);
	ASSERT_LT(0, m.space);
	ASSERT_EQ(0, do_walk_pasid(&m, m.space, 0x51234, GVA, steps, &walk));
	EXPECT_EQ(IOASID_WALK_OK, walk.reason);
	/* 8 entries and the page, each through 7 mappings to memory. */
	EXPECT_EQ(8 + 9 * 8, walk.nr);
	machine_stop(&m);
}

/* Caches */

TEST(stale_until_told, "a PASID's entry that is gone works on until the PASID cache is told")
{
	struct machine m;

	for_each_format(&m, f) {
		struct table_builder other;

		machine_delegate(&m, *f, 0);
		EXPECT_EQ(1, reads(&m, 1));
		EXPECT_EQ(2, reads(&m, 2));
		ASSERT_EQ(0, pasid_clear(&m.p, 1));
		ASSERT_EQ(0, pasid_clear(&m.p, 2));
		EXPECT_EQ(1, reads(&m, 1));
		/* Not by other caches, nor for another PASID. */
		forget(&m, 0, NONE);
		EXPECT_EQ(1, reads(&m, 1));
		forget(&m, IOASID_CACHE_PASID, 3);
		EXPECT_EQ(1, reads(&m, 1));
		forget(&m, IOASID_CACHE_PASID, 2);
		EXPECT_EQ(1, reads(&m, 1));
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 2));
		forget(&m, IOASID_CACHE_PASID, NONE);
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 1));

		/* Another page table: the IOTLB has the old one's leaf. */
		give_pasid(&m, 1, 4);
		EXPECT_EQ(1, reads(&m, 1));
		forget(&m, IOASID_CACHE_IOTLB, 2);
		EXPECT_EQ(1, reads(&m, 1));
		forget(&m, IOASID_CACHE_IOTLB, 1);
		EXPECT_EQ(4, reads(&m, 1));
		other = pages_for(&m, 5);
		ASSERT_EQ(0, pasid_set(&m.p, 1, pasid_entry_of(&m.p, &other)));
		forget(&m, IOASID_CACHE_IOTLB, 1);
		EXPECT_EQ(4, reads(&m, 1));
		forget(&m, ALL_CACHES, 1);
		EXPECT_EQ(5, reads(&m, 1));

		/* Entry 0 is that of DMA without PASID as well. */
		EXPECT_EQ(0, reads(&m, NONE));
		EXPECT_EQ(0, reads_ats(&m, NONE));
		give_pasid(&m, 0, 6);
		EXPECT_EQ(0, reads(&m, NONE));
		forget(&m, ALL_CACHES, 1);
		EXPECT_EQ(0, reads(&m, NONE));
		EXPECT_EQ(0, reads_ats(&m, NONE));
		forget(&m, ALL_CACHES, 0);
		EXPECT_EQ(6, reads(&m, NONE));
		EXPECT_EQ(6, reads_ats(&m, NONE));
	}
}

TEST_F(ptable, scope, "an invalidation of one PASID, range or cache leaves the others")
{
	struct machine *m = &self->m;
	struct ioasid_sim_stats stats;
	struct table_builder b[3];

	machine_delegate(m, GCR3, 0);
	for (uint32_t pasid = 1; pasid < 3; pasid++) {
		b[pasid] = give_pasid(m, pasid, pasid);
		ASSERT_EQ(0, table_map(&b[pasid], GVA + PAGE, gpa(pasid + 4), PAGE, TABLE_R));
	}
	for (uint32_t pasid = 1; pasid < 3; pasid++) {
		EXPECT_EQ(pasid, reads(m, pasid));
		EXPECT_EQ(pasid, reads_ats(m, pasid));
		EXPECT_EQ(pasid + 4, reads_flags(m, 0, pasid, GVA + PAGE, 0));
	}
	/* PASID 1: the lookup misses, PASID 2 hits. */
	forget(m, IOASID_CACHE_IOTLB, 1);
	stats = sim_stats(m->ctl, m->sim);
	EXPECT_EQ(2, reads(m, 2));
	EXPECT_EQ(1, sim_since(m->ctl, m->sim, &stats).hits);
	EXPECT_EQ(1, reads(m, 1));
	EXPECT_EQ(1, sim_since(m->ctl, m->sim, &stats).misses);
	/* The device's own TLB was not named. */
	EXPECT_EQ(1, reads_ats(m, 1));
	EXPECT_EQ(1, sim_since(m->ctl, m->sim, &stats).dev_hits);
	forget(m, IOASID_CACHE_DEVTLB, 1);
	stats = sim_stats(m->ctl, m->sim);
	EXPECT_EQ(2, reads_ats(m, 2));
	EXPECT_EQ(1, sim_since(m->ctl, m->sim, &stats).dev_hits);
	EXPECT_EQ(1, reads_ats(m, 1));
	EXPECT_EQ(0, sim_since(m->ctl, m->sim, &stats).dev_hits);
	/* One page of it. */
	ASSERT_EQ(0, do_forget_range(m, IOASID_CACHE_IOTLB, 2, GVA, PAGE));
	stats = sim_stats(m->ctl, m->sim);
	EXPECT_EQ(6, reads_flags(m, 0, 2, GVA + PAGE, 0));
	EXPECT_EQ(1, sim_since(m->ctl, m->sim, &stats).hits);
	EXPECT_EQ(2, reads(m, 2));
	EXPECT_EQ(1, sim_since(m->ctl, m->sim, &stats).misses);
	/* Without a PASID: of all. */
	ASSERT_EQ(0, do_forget_range(m, 0, NONE, GVA, PAGE));
	stats = sim_stats(m->ctl, m->sim);
	for (uint32_t pasid = 1; pasid < 3; pasid++)
		EXPECT_EQ(pasid, reads(m, pasid));
	EXPECT_EQ(2, sim_since(m->ctl, m->sim, &stats).misses);
}

TEST(lost, "lost invalidations of each cache show, and reach nobody's memory")
{
	struct machine m;

	for_each_format(&m, f) {
		uint32_t seen = sim_stats(m.ctl, m.sim).stale;

		machine_delegate(&m, *f, 0);
		EXPECT_EQ(1, reads(&m, 1));
		EXPECT_EQ(2, reads_ats(&m, 2));
		ASSERT_EQ(0, do_sim_inject(m.ctl, m.sim, IOASID_SIM_INJECT_LOSE_PASID, 0));
		ASSERT_EQ(0, pasid_clear(&m.p, 1));
		forget(&m, ALL_CACHES, NONE);
		EXPECT_EQ(1, reads(&m, 1));
		ASSERT_EQ(0, do_sim_inject(m.ctl, m.sim, 0, 0));
		forget(&m, IOASID_CACHE_PASID, 1);
		EXPECT_EQ(STATUS(FAULT_PASID), reads(&m, 1));

		EXPECT_EQ(2, reads_ats(&m, 2));
		ASSERT_EQ(0, do_sim_inject(m.ctl, m.sim, IOASID_SIM_INJECT_LOSE_DEVTLB, 0));
		give_pasid(&m, 2, 8);
		forget(&m, ALL_CACHES, 2);
		EXPECT_EQ(8, reads(&m, 2));
		EXPECT_EQ(2, reads_ats(&m, 2));

		/* The PASID cache outlives the table, and then leads nowhere. */
		ASSERT_EQ(0, do_sim_inject(m.ctl, m.sim, IOASID_SIM_INJECT_LOSE_PASID, 0));
		EXPECT_EQ(seen, sim_stats(m.ctl, m.sim).stale);
		test_detach(m.dev[0], m.space);
		EXPECT_EQ(STATUS(STALE), reads(&m, 2));
		EXPECT_EQ(seen + 1, sim_stats(m.ctl, m.sim).stale);
	}
}

HARNESS_MAIN
