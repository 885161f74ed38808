// SPDX-License-Identifier: GPL-2.0-only
/*
 * User-managed PASID tables that are wrong, hostile or not wanted: what is refused
 * changes nothing, and what a table says reaches nothing that the parent does not have.
 */
#include <pthread.h>

#include "ptable_fixture.h"
#include "unchanged.h"

FIXTURE(ptable) {
	struct machine m;
	struct state before;
};

FIXTURE_SETUP(ptable)
{
	machine_start(&self->m, CAPS, 1);
}

FIXTURE_TEARDOWN(ptable)
{
	EXPECT_EQ(0, sim_stats(self->m.ctl, self->m.sim).stale);
	machine_stop(&self->m);
	free(self->before.contexts);
}

#define INVALIDATION_REFUSED(err, call)						\
	REFUSED_KEY(err, call, "ioasid-user-invalidation-errors-%d", m->space)

/* Both spellings say the same. */
static void refused_table(struct fixture_ptable *self, int err, int child)
{
	REFUSED(err, do_alloc_ptable(&self->m));
	REFUSED(err, do_bind_ptable(&self->m, child));
}

TEST_F(ptable, refused, "tables that cannot be are refused in both spellings")
{
	struct machine *m = &self->m;
	int child = test_create_nesting(m->fd, m->parent);
	struct pasid_builder good;

	for (unsigned int i = 0; i < ARRAY_SIZE(pasid_formats); i++) {
		machine_table(m, pasid_formats[i], PASID_LINEAR_BITS, 0);
		good = m->p;
		m->p.bits = 0;
		refused_table(self, EINVAL, child);
		m->p.bits = 21;
		refused_table(self, EINVAL, child);
		m->p = good;
		m->p.root += 64;
		refused_table(self, EINVAL, child);
		m->p.root = gpa(PAGES);			/* not in the parent */
		refused_table(self, EINVAL, child);
		m->p.root = 1ULL << 52;
		refused_table(self, EINVAL, child);
		m->p = good;
		m->p.flags = IOASID_TABLE_BYPASS | IOASID_TABLE_BLOCK;
		refused_table(self, good.format == CD ? EINVAL : EOPNOTSUPP, child);
		m->p.flags = good.format == CD ? IOASID_TABLE_5LEVEL : IOASID_TABLE_BLOCK;
		refused_table(self, EOPNOTSUPP, child);
		m->p.flags = 1ULL << 40;
		refused_table(self, EOPNOTSUPP, child);
		m->p = good;
		m->p.format = 99;
		refused_table(self, EOPNOTSUPP, child);
		m->p = good;
		REFUSED(EINVAL, do_bind_ptable(m, m->parent));
		REFUSED(ENOENT, do_bind_ptable(m, 4000));
		/* Each kind of table has its own commands. */
		REFUSED(EOPNOTSUPP, do_table(m->fd, IOASID_BIND_PGTABLE, child, good.format,
					     good.bits, good.root));
		m->p.format = IOASID_FORMAT_X86_64_4LEVEL;
		m->p.bits = 48;
		REFUSED(EOPNOTSUPP, do_bind_ptable(m, child));
		m->p = good;
		REFUSED(ENOENT, do_unbind_ptable(m, child));
		ASSERT_EQ(0, do_bind_ptable(m, child));
		REFUSED(EBUSY, do_bind_ptable(m, child));
		REFUSED(ENOENT, do_table(m->fd, IOASID_UNBIND_PGTABLE, child, 0, 0, 0));
		ASSERT_EQ(0, do_unbind_ptable(m, child));
	}
}

TEST_F(ptable, commands, "what a space with a PASID table does not take")
{
	struct machine *m = &self->m;

	machine_delegate(m, CD, 0);
	REFUSED(EOPNOTSUPP, do_create_nesting(m->fd, m->space));
	test_err_map(EOPNOTSUPP, m->fd, m->space, m->mem, 0, PAGE);
	test_err_unmap(EOPNOTSUPP, m->fd, m->space, 0, PAGE);
	REFUSED(EOPNOTSUPP, do_unbind_ptable(m, m->space));
	EXPECT_EQ(1, reads(m, 1));
}

TEST_F(ptable, invalidations, "requests about PASIDs, caches and devices that are not there")
{
	struct machine *m = &self->m;
	struct ioasid_invalidate req = {
		.flags = IOASID_INVALIDATE_DEVICE, .cookie = SIM_COOKIE + 1,
	};
	uint32_t nr = 1;
	int plain;

	machine_delegate(m, CD, 0);
	EXPECT_EQ(1, reads(m, 1));
	INVALIDATION_REFUSED(EINVAL, do_forget(m, 0, 1 << m->p.bits));
	INVALIDATION_REFUSED(EINVAL, do_forget(m, ALL_CACHES, 1U << 31));
	INVALIDATION_REFUSED(EINVAL, do_forget_range(m, IOASID_CACHE_PASID, 1, GVA, PAGE));
	INVALIDATION_REFUSED(EINVAL, do_forget_range(m, ALL_CACHES, NONE, GVA, PAGE));
	INVALIDATION_REFUSED(EOPNOTSUPP, do_forget(m, 1 << 3, NONE));
	INVALIDATION_REFUSED(EINVAL, do_invalidations(m->fd, m->space, &req, &nr));
	EXPECT_EQ(0, nr);
	req.cookie = SIM_COOKIE;
	req.caches = IOASID_CACHE_PASID;
	nr = 1;
	ASSERT_EQ(0, pasid_clear(&m->p, 1));
	EXPECT_EQ(1, reads(m, 1));
	ASSERT_EQ(0, do_invalidations(m->fd, m->space, &req, &nr));
	EXPECT_EQ(STATUS(FAULT_PASID), reads(m, 1));
	/* Nobody attached, nothing cached: nothing to do. */
	test_detach(m->dev[0], m->space);
	forget(m, ALL_CACHES, 1);
	/* A page table has no PASID cache. */
	plain = do_alloc_user(m->fd, m->parent, IOASID_FORMAT_ARM_LPAE_4K, 48, gpa(DATA));
	ASSERT_LT(0, plain);
	m->space = plain;
	INVALIDATION_REFUSED(EOPNOTSUPP, do_forget(m, IOASID_CACHE_PASID, NONE));
}

TEST_F(ptable, one_side, "E24 PASIDs are handed out by the table or one by one, not both")
{
	struct machine *m = &self->m;
	int child, other = test_alloc(m->fd);

	machine_delegate(m, GCR3, 0);
	REFUSED(EINVAL, do_attach_pasid(m->dev[0], other, 5));
	REFUSED(EINVAL, do_attach_pasid(m->dev[0], m->space, 5));
	REFUSED(EINVAL, do_attach_pasid(m->dev[1], m->space, 5));
	EXPECT_EQ(1, reads(m, 1));
	/* And the other way round. */
	ASSERT_EQ(0, do_attach_pasid(m->dev[1], m->parent, 5));
	REFUSED(EBUSY, do_attach(m->dev[1], m->space));
	EXPECT_EQ(3, reads_flags(m, 1, 5, gpa(3), 0));
	child = test_create_nesting(m->fd, m->parent);
	test_attach(m->dev[1], child);
	REFUSED(EBUSY, do_bind_ptable(m, child));
	ASSERT_EQ(0, do_detach_pasid(m->dev[1], m->parent, 5));
	ASSERT_EQ(0, do_attach_pasid(m->dev[1], child, 6));
	REFUSED(EBUSY, do_bind_ptable(m, child));
	ASSERT_EQ(0, do_detach_pasid(m->dev[1], child, 6));
	ASSERT_EQ(0, do_bind_ptable(m, child));
	EXPECT_EQ(1, reads_flags(m, 1, 1, GVA, 0));
}

/* Devices that cannot have the table; nothing stays behind. */
static void cannot_have(uint32_t caps, int group_size)
{
	struct fixture_ptable f = { }, *self = &f;
	struct machine *m = &self->m;
	struct {
		struct ioasid_device_info info;
		uint8_t room[4096];
	} reply = { };
	struct ioasid_cap_formats *cap;
	int child;

	machine_start(m, caps, group_size);
	machine_table(m, GCR3, 9, 0);
	give_pasid(m, 1, 1);
	m->space = do_alloc_ptable(m);
	ASSERT_LT(0, m->space);
	child = test_create_nesting(m->fd, m->parent);
	test_attach(m->dev[0], child);
	if (group_size == 2)
		test_attach(m->dev[1], child);
	REFUSED(EOPNOTSUPP, do_bind_ptable(m, child));
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads(m, NONE));
	for (int i = 0; i < group_size; i++)
		test_detach(m->dev[i], child);
	EXPECT_EQ(2, reads_flags(m, 0, NONE, gpa(2), 0));
	REFUSED(EOPNOTSUPP, do_attach(m->dev[0], m->space));
	EXPECT_EQ(2, reads_flags(m, 0, NONE, gpa(2), 0));
	ASSERT_TRUE(!do_device_info(m->fd, SIM_COOKIE, &reply.info, sizeof(reply)));
	cap = find_cap(&reply, reply.info.cap_offset, IOASID_CAP_FORMATS);
	ASSERT_TRUE(cap);
	EXPECT_EQ(5, cap->nr_formats);
	machine_stop(m);
	free(self->before.contexts);
}

TEST(cannot, "an IOMMU or a device that cannot have PASID tables refuses them")
{
	cannot_have(IOASID_SIM_CAP_PASID, 1);
	cannot_have(IOASID_SIM_CAP_NESTING, 1);
	cannot_have(CAPS, 2);
}

TEST_F(ptable, listed, "formats, widths and page sizes are told for each device")
{
	struct machine *m = &self->m;
	struct {
		struct ioasid_device_info info;
		uint8_t room[4096];
	} reply = { };
	struct ioasid_cap_formats *cap;

	ASSERT_TRUE(!do_device_info(m->fd, SIM_COOKIE, &reply.info, sizeof(reply)));
	cap = find_cap(&reply, reply.info.cap_offset, IOASID_CAP_FORMATS);
	ASSERT_TRUE(cap);
	ASSERT_EQ(7, cap->nr_formats);
	for (unsigned int i = 5; i < 7; i++) {
		EXPECT_EQ(pasid_formats[i - 5], cap->formats[i].format);
		EXPECT_EQ(IOASID_FORMAT_HW | IOASID_FORMAT_PASIDS, cap->formats[i].flags);
		EXPECT_EQ(1, cap->formats[i].width_min);
		EXPECT_EQ(20, cap->formats[i].width_max);
		EXPECT_EQ(0x40201000ULL, cap->formats[i].pgsize_bitmap);
	}
	test_err_sim_create(EINVAL, m->ctl, .nr_devices = 1, .caps = IOASID_SIM_CAP_NESTING,
			    .formats = 1 << GCR3);
	test_err_sim_create(EOPNOTSUPP, m->ctl, .nr_devices = 1, .caps = CAPS, .pasid_bits = 8,
			    .formats = 1 << (CD + 1));
}

/* Hostile tables */

TEST_F(ptable, outside, "entries that point outside of the parent, or say what they may not")
{
	struct machine *m = &self->m;
	struct table_builder b;
	struct pasid_words e;
	__u64 *upper;

	machine_table(m, GCR3, 18, 0);
	for (uint32_t pasid = 1; pasid < 8; pasid++)
		b = give_pasid(m, pasid, 1);
	e = pasid_entry_of(&m->p, &b);
	pasid_slot(&m->p, 1)[0] = gpa(PAGES) | 1;		/* page table not there */
	pasid_slot(&m->p, 2)[0] = e.word[0] | 0x10;		/* reserved */
	pasid_slot(&m->p, 3)[0] = e.word[0] | 1ULL << 62;
	pasid_slot(&m->p, 4)[0] = 0x000ffffffffff001ULL;	/* as far out as can be */
	pasid_slot(&m->p, 5)[0] = m->p.root | 1;		/* the table itself */
	upper = machine_at(m->p.b, m->p.root);
	upper[1] = gpa(PAGES) | 1;				/* no second level there */
	upper[2] = 0x000ffffffffff001ULL;
	m->space = do_alloc_ptable(m);
	ASSERT_LT(0, m->space);
	test_attach(m->dev[0], m->space);
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 1));
	EXPECT_EQ(STATUS(FAULT_PASID), reads(m, 2));
	EXPECT_EQ(STATUS(FAULT_PASID), reads(m, 3));
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 4));
	EXPECT_LT(PAGES, reads(m, 5));
	EXPECT_EQ(1, reads(m, 6));
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 1 << 9));
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 2 << 9));
	test_detach(m->dev[0], m->space);

	machine_delegate(m, CD, 0);
	pasid_slot(&m->p, 1)[1] = gpa(PAGES);
	pasid_slot(&m->p, 2)[0] |= 1ULL << 36;
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 1));
	EXPECT_EQ(STATUS(FAULT_PASID), reads(m, 2));
	EXPECT_EQ(0, reads(m, NONE));
	/* HA 0: nobody sets accessed flags, and a clear one faults. */
	pasid_slot(&m->p, 2)[0] &= ~(1ULL << 36 | 3ULL << 42);
	EXPECT_EQ(2, reads(m, 2));
	b = pages_for(m, 3);
	*table_slot(&b, GVA, 1) &= ~(1ULL << 10);
	e = pasid_entry_of(&m->p, &b);
	e.word[0] &= ~(3ULL << 42);
	ASSERT_EQ(0, pasid_set(&m->p, 4, e));
	EXPECT_EQ(STATUS(FAULT_NOT_PRESENT), reads(m, 4));
	EXPECT_EQ(0, *table_slot(&b, GVA, 1) & 1ULL << 10);
}

TEST_F(ptable, unmapped, "the parent takes the tables, then the data away, and brings them back")
{
	struct machine *m = &self->m;

	machine_delegate(m, CD, 0);
	EXPECT_EQ(1, reads(m, 1));
	EXPECT_EQ(1, reads_ats(m, 1));
	test_unmap(m->fd, m->parent, GPA, PAGES * PAGE);
	/* The entry of PASID 1 is cached, but it leads through the parent. */
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 1));
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads_ats(m, 1));
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 2));
	test_map(m->fd, m->parent, m->mem, GPA, DATA * PAGE);
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 1));
	/* Write-only memory is none for tables. */
	test_map_flags(m->fd, m->parent, m->mem + DATA * PAGE, gpa(DATA),
		       (PAGES - DATA) * PAGE, IOASID_MAP_WRITE);
	EXPECT_EQ(STATUS(FAULT_STAGE2_WALK), reads(m, 2));
	test_unmap(m->fd, m->parent, gpa(DATA), (PAGES - DATA) * PAGE);
	test_map(m->fd, m->parent, m->mem + DATA * PAGE, gpa(DATA), (PAGES - DATA) * PAGE);
	EXPECT_EQ(1, reads(m, 1));
	EXPECT_EQ(2, reads(m, 2));
	/* Without the table no other one can be had at its place. */
	test_detach(m->dev[0], m->space);
	test_unmap(m->fd, m->parent, gpa(DATA), (PAGES - DATA) * PAGE);
	REFUSED(EINVAL, do_alloc_ptable(m));
}

/* Rewrites the tables while the devices use them. */
static void *scribble(void *data)
{
	struct machine *m = data;
	__u64 *tables = (__u64 *)(m->mem + DATA * PAGE);
	unsigned int random = 1, words = (m->next - DATA) * 512;

	for (int i = 0; i < 300000; i++) {
		__u64 *entry = tables + random % words;

		random = random * 1103515245 + 12345;
		if (*entry || !(random >> 16 & 63))
			table_store(entry, *entry ^ 1ULL << (random >> 8 & 63));
	}
	return NULL;
}

TEST(hostile, "tables that change all the time harm nobody", .timeout = 120)
{
	for (unsigned int f = 0; f < ARRAY_SIZE(pasid_formats); f++) {
		struct ioasid_sim_request reqs[16];
		struct ioasid_sim_load_result result;
		uint8_t *bystander = memory(DATA * PAGE);
		struct machine m;
		pthread_t thread;

		fill(bystander, DATA * PAGE, 8);
		machine_start(&m, CAPS, 1);
		machine_delegate(&m, pasid_formats[f], 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(reqs); i++)
			reqs[i] = page_request(i % 2 ? IOASID_SIM_OP_FILL : IOASID_SIM_OP_READ,
					       GVA, i % 5 ? i % 5 - 1 : NONE,
					       i & 4 ? IOASID_SIM_REQ_ATS : 0);
		ASSERT_TRUE(!do_sim_start(m.dev[0], 2, reqs, ARRAY_SIZE(reqs), 1));
		ASSERT_TRUE(!pthread_create(&thread, NULL, scribble, &m));
		for (int i = 0; i < 50; i++) {
			forget(&m, ALL_CACHES, i % 2 ? NONE : i % 5);
			usleep(1000);
		}
		pthread_join(thread, NULL);
		ASSERT_TRUE(!do_sim_stop(m.dev[0], &result));
		EXPECT_LT(0, result.done);
		EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
		EXPECT_EQ(DATA * PAGE, mismatch(bystander, DATA * PAGE, 8));
		diag("%llu requests, %llu of them fine", (unsigned long long)result.done,
		     (unsigned long long)result.status[IOASID_SIM_OK]);
		machine_stop(&m);
		munmap(bystander, DATA * PAGE);
	}
}

/* The parent's memory comes and goes, the table is bound and unbound, under DMA. */
TEST(busy, "bind, unbind and unmap under DMA leave nothing stale", .timeout = 120)
{
	struct ioasid_sim_request reqs[8];
	struct ioasid_sim_load_result result;
	struct machine m;
	int child;

	machine_start(&m, CAPS, 1);
	machine_table(&m, CD, PASID_LINEAR_BITS, 0);
	for (uint32_t pasid = 0; pasid < 4; pasid++)
		give_pasid(&m, pasid, pasid);
	child = test_create_nesting(m.fd, m.parent);
	test_attach(m.dev[0], child);
	for (unsigned int i = 0; i < ARRAY_SIZE(reqs); i++)
		reqs[i] = page_request(IOASID_SIM_OP_READ, GVA, i % 4 ? i % 4 : NONE,
				       i & 4 ? IOASID_SIM_REQ_ATS : 0);
	ASSERT_TRUE(!do_sim_start(m.dev[0], 2, reqs, ARRAY_SIZE(reqs), 1));
	ASSERT_EQ(0, do_bind_ptable(&m, child));
	/* Bytes are moved from now on, however slow the machine is. */
	for (int i = 0; i < 2000 && !sim_stats(m.ctl, m.sim).bytes; i++)
		usleep(10000);
	for (int i = 0; i < 100; i++) {
		usleep(500);
		test_unmap(m.fd, m.parent, GPA, PAGES * PAGE);
		test_map(m.fd, m.parent, m.mem, GPA, PAGES * PAGE);
		usleep(500);
		ASSERT_EQ(0, do_unbind_ptable(&m, child));
		ASSERT_EQ(0, do_bind_ptable(&m, child));
	}
	ASSERT_TRUE(!do_sim_stop(m.dev[0], &result));
	EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
	EXPECT_LT(0, result.status[IOASID_SIM_OK]);
	machine_stop(&m);
}

TEST(death, "a process that dies on its PASID table under DMA leaves nothing behind")
{
	int64_t pins = machine_pins();
	int status, ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct ioasid_sim_request req = page_request(IOASID_SIM_OP_FILL, GVA, 1, 0);
		struct machine m;

		machine_start(&m, CAPS, 1);
		machine_delegate(&m, GCR3, 0);
		ASSERT_EQ(1, reads(&m, 1));
		ASSERT_TRUE(!do_sim_start(m.dev[0], 2, &req, 1, 1));
		ASSERT_EQ(1, write(ready[1], "", 1));
		pause();
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_LT(pins, machine_pins());
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_TRUE(machine_pins_become(pins));
}

HARNESS_MAIN
