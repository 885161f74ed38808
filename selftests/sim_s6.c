// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios S5 and S6 of the RFC with DMA of simulated devices: a guest's tables, what
 * is absent in them is asked for, reported, repaired and answered, with bytes compared.
 * Tables are walked by the IOMMU or followed by the kernel; attached by default, by
 * PASID, or a PASID table as a whole.
 */
#include <sys/wait.h>

#include "s6_fixture.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* One fault from end to end, of a device on a space, with and without PASID. */
static void fault_once(struct guest *g, struct guest_space *s, int i, uint32_t pasid,
		       uint64_t iova, unsigned int page)
{
	uint64_t before = now_ns();
	struct group group;
	struct async a;

	start_read(&a, g, i, iova + 100, 200, pasid);
	group = wait_group(g);
	check_group(&group, 1, iova, FAULT_R, SIM_COOKIE + i, s->id, pasid);
	EXPECT_LT(before, group.page[0].time_ns);
	EXPECT_GT(now_ns(), group.page[0].time_ns);
	EXPECT_EQ(1, space_count(g, "fault-pending", s->id));
	repair(g, s, iova, page, GUEST_RW);
	EXPECT_TRUE(async_waits(&a));
	answer(g, &group, SUCCESS);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(0, memcmp(g->m.sram[i], g->m.mem + page * PAGE + 100, 200));

	/* And what it writes arrives, in that page and in no other. */
	fill(g->m.sram[i], PAGE, 7);
	EXPECT_EQ(IOASID_SIM_OK, sim_write(g->m.dev[i], iova, PAGE, 0, dma_flags(pasid)));
	for (unsigned int n = 0; n < DATA; n++)
		EXPECT_DATA(g, n, n == page ? 7 : 100 + n);
	mark(&g->m);
}

TEST(s6, "S6 a fault is reported, delivered and answered, in both spellings", .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		for (int v1 = 0; v1 < 2; v1++) {
			struct guest_space s = v1 ? guest_bind(&g) : guest_alloc(&g);

			test_attach(g.m.dev[0], s.id);
			fault_once(&g, &s, 0, NONE, GVA, 3);
			fault_once(&g, &s, 0, NONE, 0x7ffffffff000, 4);
			EXPECT_TRUE(no_group(&g));
			check_counts(&g, s.id, 2, 0, 0, 0);
			test_detach(g.m.dev[0], s.id);
			test_free(g.m.fd, s.id);
		}
	}
}

TEST(s6_formats, "S6 with tables of every format", .timeout = 120)
{
	struct guest g;

	for_each_way(&g) {
		for (uint32_t f = IOASID_FORMAT_X86_64_4LEVEL; f <= IOASID_FORMAT_RISCV_SV48; f++) {
			struct guest_space s = guest_alloc_format(&g, f);

			test_attach(g.m.dev[0], s.id);
			fault_once(&g, &s, 0, NONE, 0x1234567000, 1);
			test_detach(g.m.dev[0], s.id);
			test_free(g.m.fd, s.id);
		}
	}
}

TEST(s5, "S5 guest SVA: a PASID of a device is in the guest's process, the rest where it was",
     .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		struct guest_space giova = guest_alloc(&g), gva = guest_bind(&g);

		/* dev1 of the RFC is on gpa, its dev2 on giova. */
		test_attach(g.m.dev[1], giova.id);
		ASSERT_EQ(0, do_attach_pasid(g.m.dev[0], gva.id, 9));
		EXPECT_ERRNO(EBUSY, do_attach_pasid(g.m.dev[0], gva.id, 9));
		EXPECT_ERRNO(EBUSY, do_attach_pasid(g.m.dev[0], giova.id, 9));
		fault_once(&g, &gva, 0, 9, GVA, 5);
		fault_once(&g, &giova, 1, NONE, GVA, 6);
		check_counts(&g, gva.id, 1, 0, 0, 0);
		check_counts(&g, giova.id, 1, 0, 0, 0);
		/* Without PASID the first one still has guest-physical addresses, and no faults. */
		EXPECT_EQ(7, reads_flags(&g.m, 0, NONE, gpa(7), WAITS));
		EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_flags(&g.m, 0, NONE, GVA, WAITS));
		EXPECT_EQ(STATUS(FAULT_PASID), reads_flags(&g.m, 0, 10, GVA, WAITS));
		EXPECT_EQ(STATUS(FAULT_PASID), reads_flags(&g.m, 1, 9, GVA, WAITS));
		EXPECT_TRUE(no_group(&g));
		ASSERT_EQ(0, do_detach_pasid(g.m.dev[0], gva.id, 9));
		EXPECT_EQ(STATUS(FAULT_PASID), reads_flags(&g.m, 0, 9, GVA, WAITS));
		EXPECT_EQ(6, reads_flags(&g.m, 1, NONE, GVA, WAITS));
	}
}

/* An entry of the PASID table whose page table has nothing. */
static struct table_builder give_empty(struct machine *m, uint32_t pasid)
{
	struct table_builder b = m->lender;

	b.format = pasid_page_format(&m->p);
	b.width = pasid_page_width(&m->p);
	ASSERT_EQ(0, table_start(&b));
	ASSERT_EQ(0, pasid_set(&m->p, pasid, pasid_entry_of(&m->p, &b)));
	return b;
}

static int alloc_delegated(struct guest *g, bool bind)
{
	struct machine *m = &g->m;
	struct ioasid_alloc alloc = {
		.flags = IOASID_ALLOC_PAGE_REQUESTS, .kind = IOASID_KIND_USER,
		.parent = m->parent, .format = m->p.format, .table = pasid_table_of(&m->p),
	};
	struct ioasid_bind_table args = {
		.flags = IOASID_BIND_PAGE_REQUESTS, .format = m->p.format,
		.table = pasid_table_of(&m->p),
	};

	if (!bind)
		return ioasid_alloc_faults(m->fd, &alloc, g->queue);
	args.ioasid = test_create_nesting(m->fd, m->parent);
	ASSERT_EQ(0, ioasid_bind_faults(m->fd, &args, g->queue));
	return args.ioasid;
}

static void delegated(struct guest *g, uint32_t format, bool bind)
{
	struct machine *m = &g->m;
	struct guest_space s[3] = {};
	struct async a[3];
	struct group group[3];

	machine_table(m, format, format == CD ? PASID_LINEAR_BITS : 9, 0);
	for (uint32_t pasid = 0; pasid < 3; pasid++)
		s[pasid].b = give_empty(m, pasid);
	m->space = alloc_delegated(g, bind);
	ASSERT_LT(0, m->space);
	test_attach(m->dev[0], m->space);
	for (int i = 0; i < 3; i++) {
		/* Entry 0 is that of DMA without PASID. */
		start_read(&a[i], g, 0, GVA + i * PAGE, PAGE, i ? i : NONE);
		group[i] = wait_group(g);
		check_group(&group[i], 1, GVA + i * PAGE, FAULT_R, SIM_COOKIE, m->space,
			    i ? i : NONE);
		s[i].id = m->space;
	}
	EXPECT_EQ(3, space_count(g, "fault-pending", m->space));
	/* In another order, and each goes on with its own answer. */
	for (int i = 2; i >= 0; i--) {
		EXPECT_TRUE(async_waits(&a[i]));
		if (i == 1) {
			answer(g, &group[i], INVALID);
			EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&a[i]));
			continue;
		}
		repair(g, &s[i], GVA + i * PAGE, 8 + i, GUEST_RW);
		answer(g, &group[i], SUCCESS);
		EXPECT_EQ(IOASID_SIM_OK, async_end(&a[i]));
		EXPECT_SRAM(g, 0, 0, 8 + i);
	}
	/* A PASID without an entry is no page that could come. */
	EXPECT_EQ(STATUS(FAULT_PASID), reads_flags(m, 0, 3, GVA, WAITS));
	EXPECT_TRUE(no_group(g));
	check_counts(g, m->space, 2, 1, 0, 0);
	test_detach(m->dev[0], m->space);
	test_free(m->fd, m->space);
}

TEST(s5_delegated, "S5 (v2) faults of a delegated PASID table name the guest's PASID",
     .timeout = 60)
{
	for (int bind = 0; bind < 2; bind++) {
		for (int i = 0; i < ARRAY_SIZE(pasid_formats); i++) {
			struct guest g;

			guest_start(&g, true);
			delegated(&g, pasid_formats[i], bind);
			guest_stop(&g);
		}
	}
}

TEST(one_resumes, "of several devices that wait exactly the one that is answered goes on",
     .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		struct guest_space s = guest_alloc(&g);
		/* Two devices, and a PASID of each, on one space, after the same page. */
		static const struct { int dev; uint32_t pasid; } who[] = {
			{ 0, NONE }, { 1, NONE }, { 0, 5 }, { 1, 6 },
		};
		static const int order[] = { 2, 1, 3, 0 };
		struct group group[4];
		struct async a[4];

		for (int i = 0; i < 4; i++) {
			if (who[i].pasid == NONE)
				test_attach(g.m.dev[i], s.id);
			else
				ASSERT_EQ(0, do_attach_pasid(g.m.dev[who[i].dev], s.id,
							     who[i].pasid));
		}
		for (int i = 0; i < 4; i++) {
			start_read(&a[i], &g, who[i].dev, GVA, 8, who[i].pasid);
			group[i] = wait_group(&g);
			check_group(&group[i], 1, GVA, FAULT_R, SIM_COOKIE + who[i].dev, s.id,
				    who[i].pasid);
		}
		repair(&g, &s, GVA, 2, GUEST_RW);
		for (int i = 0; i < 4; i++) {
			answer(&g, &group[order[i]], SUCCESS);
			EXPECT_EQ(IOASID_SIM_OK, async_end(&a[order[i]]));
			for (int j = i + 1; j < 4; j++)
				EXPECT_TRUE(async_waits(&a[order[j]]));
			EXPECT_EQ(3 - i, space_count(&g, "fault-pending", s.id));
		}
		check_counts(&g, s.id, 4, 0, 0, 0);
	}
}

TEST(permission, "a write to what is read-only is asked for, and refused or permitted",
     .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		struct guest_space s = guest_alloc(&g);
		struct group group;
		struct async a;

		test_attach(g.m.dev[0], s.id);
		repair(&g, &s, GVA, 1, TABLE_R);
		EXPECT_EQ(1, reads_flags(&g.m, 0, NONE, GVA, WAITS));
		fill(g.m.sram[0], PAGE, 7);
		start_write(&a, &g, 0, GVA, PAGE, NONE);
		group = wait_group(&g);
		check_group(&group, 1, GVA, FAULT_W, SIM_COOKIE, s.id, NONE);
		answer(&g, &group, INVALID);
		EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, async_end(&a));
		EXPECT_DATA(&g, 1, 101);
		/* Another page is there instead: copy on write. */
		start_write(&a, &g, 0, GVA, PAGE, NONE);
		group = wait_group(&g);
		repair(&g, &s, GVA, 2, GUEST_RW);
		answer(&g, &group, SUCCESS);
		EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
		EXPECT_DATA(&g, 1, 101);
		EXPECT_DATA(&g, 2, 7);
		/* Both at once, of an atomic operation. */
		repair(&g, &s, GVA, 2, TABLE_R);
		async_start(&a, g.m.dev[0], .op = IOASID_SIM_OP_ADD, .iova = GVA, .len = 8,
			    .arg = 1, .flags = WAITS);
		group = wait_group(&g);
		EXPECT_EQ(FAULT_R | FAULT_W, group.page[0].perm);
		repair(&g, &s, GVA, 2, GUEST_RW);
		answer(&g, &group, SUCCESS);
		EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
		EXPECT_EQ(a.req.result + 1, *(uint64_t *)(g.m.mem + 2 * PAGE));
		check_counts(&g, s.id, 2, 1, 0, 0);
	}
}

TEST(groups, "pages of a group come together, in order, and are answered as one", .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		struct guest_space s = guest_alloc(&g);
		uint32_t pasid = 0xabcd;
		struct group group;
		struct async a;

		ASSERT_EQ(0, do_attach_pasid(g.m.dev[0], s.id, pasid));
		/* 15 pages are wanted, of which the 11th is there: 8, 2 and 4 */
		repair(&g, &s, GVA + 10 * PAGE, 10, GUEST_RW);
		start_read(&a, &g, 0, GVA, 15 * PAGE, pasid);
		for (int at = 0; at < 15; at += group.n + (at + group.n == 10)) {
			int n = at < 8 ? 8 : at == 8 ? 2 : 4;

			group = wait_group(&g);
			check_group(&group, n, GVA + at * PAGE, FAULT_R, SIM_COOKIE, s.id, pasid);
			for (int i = group.n - 1; i >= 0; i--)
				repair(&g, &s, GVA + (at + i) * PAGE, at + i, GUEST_RW);
			EXPECT_TRUE(async_waits(&a));
			answer(&g, &group, SUCCESS);
		}
		EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
		for (int i = 0; i < 15; i++)
			EXPECT_SRAM(&g, 0, i * PAGE, i);
		EXPECT_EQ(14, space_count(&g, "fault-pages", s.id));
		check_counts(&g, s.id, 3, 0, 0, 0);
	}
}

TEST(again, "who says success without having repaired is asked again", .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		struct guest_space s = guest_alloc(&g);
		struct group group;
		struct async a;

		test_attach(g.m.dev[1], s.id);
		start_read(&a, &g, 1, GVA, 8, NONE);
		for (int try = 0; try < 4; try++) {
			group = wait_group(&g);
			if (try == 3)
				repair(&g, &s, GVA, 1, TABLE_R);
			answer(&g, &group, SUCCESS);
		}
		EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
		check_counts(&g, s.id, 4, 0, 0, 0);
	}
}

/* Answers that fit no group are refused, and whoever waits goes on waiting. */
static void wrong_answers(struct guest *g, struct async *a, const struct ioasid_fault *right)
{
	struct ioasid_fault_response list[2];
	struct ioasid_fault fault = *right;
	uint32_t nr = 2;

#define WRONG(field, value) do {						\
	fault = *right;								\
	fault.field = value;							\
	EXPECT_EQ(-EINVAL, ioasid_fault_respond(g->queue, &fault, IOASID_FAULT_SUCCESS)); \
} while (0)
	WRONG(id, right->id + 1);
	WRONG(id, 0);
	WRONG(id, ~0ULL);
	WRONG(cookie, right->cookie ^ 1);
	WRONG(ioasid, right->ioasid + 1);
	WRONG(ioasid, g->m.parent);
	EXPECT_EQ(-EINVAL, ioasid_fault_respond(g->queue, right, 2));
	list[0] = (struct ioasid_fault_response) { .id = right->id + 1, .ioasid = right->ioasid,
						   .cookie = right->cookie };
	list[1] = list[0];
	list[1].id = right->id;
	EXPECT_EQ(-EINVAL, ioasid_fault_respond_list(g->queue, list, &nr));
	EXPECT_EQ(0, nr);
	EXPECT_TRUE(async_waits(a));
}

TEST(wrong, "E29, E30: who answers what nobody asked, or twice, answers nothing", .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		struct guest_space s = guest_alloc(&g);
		struct ioasid_fault_response list[3];
		struct group group, other;
		struct async a, b;
		uint32_t nr = 3;

		test_attach(g.m.dev[0], s.id);
		test_attach(g.m.dev[1], s.id);
		start_read(&a, &g, 0, GVA, 8, NONE);
		group = wait_group(&g);
		wrong_answers(&g, &a, group.page);
		start_read(&b, &g, 1, GVA, 8, NONE);
		other = wait_group(&g);
		repair(&g, &s, GVA, 1, TABLE_R);
		/* Two answers to one group: the third of the list is not reached. */
		for (int i = 0; i < 3; i++)
			list[i] = (struct ioasid_fault_response) {
				.id = i < 2 ? group.page[0].id : other.page[0].id,
				.cookie = SIM_COOKIE + (i == 2), .ioasid = s.id,
			};
		EXPECT_EQ(-EINVAL, ioasid_fault_respond_list(g.queue, list, &nr));
		EXPECT_EQ(1, nr);
		EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
		EXPECT_TRUE(async_waits(&b));
		EXPECT_EQ(-EINVAL, ioasid_fault_respond(g.queue, group.page,
							IOASID_FAULT_INVALID));
		answer(&g, &other, SUCCESS);
		EXPECT_EQ(IOASID_SIM_OK, async_end(&b));
		EXPECT_EQ(-EINVAL, ioasid_fault_respond(g.queue, other.page,
							IOASID_FAULT_SUCCESS));
		check_counts(&g, s.id, 2, 0, 0, 0);
	}
}

/* A load waits for pages like anybody, but commands on the device do not end its wait. */
static struct group load_waits(struct guest *g, int i, uint32_t pasid)
{
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_READ, .iova = GVA, .len = 8, dma_flags(pasid),
	};

	ASSERT_EQ(0, do_sim_start(g->m.dev[i], 1, &req, 1, 0));
	return wait_group(g);
}

static struct ioasid_sim_load_result load_stop(struct guest *g, int i)
{
	struct ioasid_sim_load_result result;

	ASSERT_EQ(0, do_sim_stop(g->m.dev[i], &result));
	return result;
}

TEST(detach, "E31: a device that waits is detached, and its space freed", .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		struct guest_space s = guest_alloc(&g);
		struct group group[2], other;
		struct async b;
		uint64_t unexpected;

		test_attach(g.m.dev[0], s.id);
		test_attach(g.m.dev[1], s.id);
		ASSERT_EQ(0, do_attach_pasid(g.m.dev[0], s.id, 3));
		start_read(&b, &g, 1, GVA, 8, NONE);
		other = wait_group(&g);
		group[0] = load_waits(&g, 0, NONE);
		test_detach(g.m.dev[0], s.id);
		EXPECT_LE(1, load_stop(&g, 0).status[IOASID_SIM_ABORTED]);
		group[1] = load_waits(&g, 0, 3);
		ASSERT_EQ(0, do_detach_pasid(g.m.dev[0], s.id, 3));
		EXPECT_LE(1, load_stop(&g, 0).status[IOASID_SIM_ABORTED]);
		/* The kernel has answered for us, and nobody waited any more. */
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(-EINVAL, ioasid_fault_respond(g.queue, group[i].page,
								IOASID_FAULT_SUCCESS));
		EXPECT_EQ(2, space_count(&g, "fault-cancels", s.id));
		unexpected = sim_since(g.m.ctl, g.m.sim, &g.stats).page_unexpected;
		EXPECT_EQ(2, unexpected);
		/* The other device is not concerned. */
		EXPECT_TRUE(async_waits(&b));
		repair(&g, &s, GVA, 1, TABLE_R);
		answer(&g, &other, SUCCESS);
		EXPECT_EQ(IOASID_SIM_OK, async_end(&b));
		check_counts(&g, s.id, 1, 0, 0, 2);
		test_detach(g.m.dev[1], s.id);
		test_free(g.m.fd, s.id);
	}
}

TEST(closed, "E31: a queue that is closed answers for itself, and at once from then on",
     .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		struct guest_space s = guest_alloc(&g);
		struct async a;

		test_attach(g.m.dev[0], s.id);
		start_read(&a, &g, 0, GVA, 8, NONE);
		wait_group(&g);
		ioasid_fault_queue_close(g.queue);
		g.queue = NULL;
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&a));
		EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads_flags(&g.m, 0, NONE, GVA, WAITS));
		check_counts(&g, s.id, 0, 0, 0, 2);
		/* The space works on, for what is present. */
		repair(&g, &s, GVA, 4, GUEST_RW);
		EXPECT_EQ(4, reads_flags(&g.m, 0, NONE, GVA, WAITS));
	}
}

TEST(timeout, "what nobody answers in time is answered", .timeout = 60)
{
	for (int nesting = 0; nesting < 2; nesting++) {
		struct guest_space s;
		struct group group;
		struct guest g;
		struct async a;

		guest_start_with(&g, nesting, .timeout_ms = 200);
		s = guest_alloc(&g);
		test_attach(g.m.dev[0], s.id);
		start_read(&a, &g, 0, GVA, 8, NONE);
		group = wait_group(&g);
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&a));
		EXPECT_EQ(-EINVAL, ioasid_fault_respond(g.queue, group.page,
							IOASID_FAULT_SUCCESS));
		check_counts(&g, s.id, 0, 0, 1, 0);
		fault_once(&g, &s, 0, NONE, GVA, 2);
		check_counts(&g, s.id, 1, 0, 1, 0);
		guest_stop(&g);
	}
}

/* Kernel-managed spaces can have faults, too: memory is mapped when it is asked for. */
TEST(on_demand, "a kernel-managed space is filled page by page, as the device asks")
{
	struct ioasid_alloc args = {
		.flags = IOASID_ALLOC_PAGE_REQUESTS, .kind = IOASID_KIND_KERNEL,
	};
	struct group group;
	struct guest g;
	struct async a;

	guest_start(&g, true);
	test_detach(g.m.dev[0], g.m.parent);
	g.m.space = ioasid_alloc_faults(g.m.fd, &args, g.queue);
	ASSERT_LT(0, g.m.space);
	test_attach(g.m.dev[0], g.m.space);
	start_read(&a, &g, 0, GVA, 3 * PAGE, NONE);
	group = wait_group(&g);
	check_group(&group, 3, GVA, FAULT_R, SIM_COOKIE, g.m.space, NONE);
	test_map(g.m.fd, g.m.space, g.m.mem + 4 * PAGE, GVA, 3 * PAGE);
	answer(&g, &group, SUCCESS);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	for (int i = 0; i < 3; i++)
		EXPECT_SRAM(&g, 0, i * PAGE, 4 + i);
	check_counts(&g, g.m.space, 1, 0, 0, 0);
	guest_stop(&g);
}

/* The parent has no page requests: what it lacks is no fault that anybody could repair. */
TEST(stage2, "what the parent lacks is not asked for")
{
	struct guest_space s;
	struct guest g;

	guest_start(&g, true);
	s = guest_alloc(&g);
	test_attach(g.m.dev[0], s.id);
	ASSERT_EQ(0, table_map(&s.b, GVA, gpa(PAGES), PAGE, GUEST_RW));
	EXPECT_EQ(STATUS(FAULT_STAGE2), reads_flags(&g.m, 0, NONE, GVA, WAITS));
	EXPECT_EQ(0, space_count(&g, "faults", s.id));
	guest_stop(&g);
}

/* Accesses that fail without a question are records as well, for which nobody waits. */
static void unrecoverable(struct guest *g, struct guest_space *s)
{
	struct ioasid_fault fault;
	struct group group;

	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(g->m.dev[0], GVA + 5, 8, 0));
	group = wait_group(g);
	fault = group.page[0];
	EXPECT_EQ(1, group.n);
	EXPECT_EQ(IOASID_FAULT_UNRECOVERABLE, fault.type);
	EXPECT_EQ(0, fault.id);
	EXPECT_EQ(GVA + 5, fault.addr);
	EXPECT_EQ((uint32_t)s->id, fault.ioasid);
	EXPECT_EQ(FAULT_R, fault.perm);
	EXPECT_EQ(0, fault.flags & (IOASID_FAULT_PASID | IOASID_FAULT_NO_DEVICE));
	EXPECT_EQ(SIM_COOKIE, fault.cookie);
	EXPECT_EQ(-EINVAL, ioasid_fault_respond(g->queue, &fault, IOASID_FAULT_SUCCESS));
	EXPECT_EQ(1, space_count(g, "faults-unrecoverable", s->id));
	EXPECT_EQ(0, space_count(g, "faults", s->id));
	EXPECT_TRUE(no_group(g));
}

TEST(failed, "an access that has failed is reported, with or without page requests",
     .timeout = 60)
{
	struct guest g;

	for_each_way(&g) {
		for (int asks = 0; asks < 2; asks++) {
			struct guest_space s = {
				.b = empty_table(&g, IOASID_FORMAT_X86_64_4LEVEL),
			};
			struct ioasid_alloc args = {
				.flags = asks ? IOASID_ALLOC_PAGE_REQUESTS : 0,
				.kind = IOASID_KIND_USER, .parent = g.m.parent,
				.format = s.b.format, .table = table_of(&s.b),
			};

			s.id = ioasid_alloc_faults(g.m.fd, &args, g.queue);
			ASSERT_LT(0, s.id);
			test_attach(g.m.dev[0], s.id);
			unrecoverable(&g, &s);
			if (!asks) {
				/* Nobody may ask here. */
				EXPECT_EQ(STATUS(FAULT_NOT_PRESENT),
					  reads_flags(&g.m, 0, NONE, GVA, WAITS));
				EXPECT_EQ(0, sim_since(g.m.ctl, g.m.sim, &g.stats).page_requests);
			}
			test_detach(g.m.dev[0], s.id);
			test_free(g.m.fd, s.id);
		}
	}
}

/* E37 */

/* A guest whose devices wait in every way there is; says so, and then does nothing. */
static void child_waits(int ready, bool nesting)
{
	struct guest_space s, t;
	struct guest g;
	struct async a;

	guest_start(&g, nesting);
	s = guest_alloc(&g);
	t = guest_alloc(&g);
	test_attach(g.m.dev[0], s.id);
	ASSERT_EQ(0, do_attach_pasid(g.m.dev[0], t.id, 5));
	test_attach(g.m.dev[1], t.id);
	start_read(&a, &g, 1, GVA, 8 * PAGE, NONE);
	wait_group(&g);
	load_waits(&g, 0, 5);
	start_read(&a, &g, 0, GVA, PAGE, NONE);
	wait_group(&g);
	ASSERT_EQ(sizeof(g.m.sim), write(ready, &g.m.sim, sizeof(g.m.sim)));
	for (;;)
		pause();
}

static bool no_contexts(void)
{
	char text[4096];

	return !read_text(IOASID_DEBUGFS, text, sizeof(text));
}

TEST(e37, "E37: a process that is killed while its devices wait leaves nothing", .timeout = 120)
{
	for (int nesting = 0; nesting < 2; nesting++) {
		int64_t pins = machine_pins();
		int ready[2], sim, status;
		pid_t child;

		ASSERT_EQ(0, pipe(ready));
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			child_waits(ready[1], nesting);
		close(ready[1]);
		ASSERT_EQ(sizeof(sim), read(ready[0], &sim, sizeof(sim)));
		ASSERT_LT(pins, machine_pins());
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_TRUE(machine_pins_become(pins));
		EXPECT_TRUE(no_contexts());
		close(ready[0]);
	}
}

/* The same where the IOMMU stays: the next user of the device finds it as new. */
TEST(next_user, "E37: and the next user of the device has none of its faults", .timeout = 60)
{
	struct guest_space s;
	struct group group;
	struct guest g;
	struct async a;
	int fd;

	guest_start(&g, true);
	s = guest_alloc(&g);
	test_attach(g.m.dev[0], s.id);
	load_waits(&g, 0, NONE);
	/* Stops the load, detaches: the answer finds nobody. */
	test_unbind(g.m.dev[0]);
	check_counts(&g, s.id, 0, 0, 0, 1);
	g.stats = sim_stats(g.m.ctl, g.m.sim);
	fd = test_open();
	test_bind(g.m.dev[0], fd, SIM_COOKIE);
	EXPECT_EQ(IOASID_SIM_BLOCKED, sim_read(g.m.dev[0], GVA, 8, 0, .flags = WAITS));
	test_unbind(g.m.dev[0]);
	close(fd);
	test_bind(g.m.dev[0], g.m.fd, SIM_COOKIE);
	test_attach(g.m.dev[0], g.m.parent);
	test_attach(g.m.dev[0], s.id);
	start_read(&a, &g, 0, GVA, 8, NONE);
	group = wait_group(&g);
	repair(&g, &s, GVA, 1, TABLE_R);
	answer(&g, &group, SUCCESS);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	check_counts(&g, s.id, 1, 0, 0, 1);
	guest_stop(&g);
}

HARNESS_MAIN
