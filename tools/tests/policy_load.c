// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Policies are attached, replaced and removed a thousand times while threads map and
 * devices ask for pages. No answer may be lost or wrong:
 *
 * - a guard that is replaced all the time refuses its addresses always, with one of two
 *   errors; after a replacement has returned, with the new one;
 * - a guest that comes and goes refuses its addresses as soon as the attach has
 *   returned, and no more once the detach has;
 * - page requests are refused by either of two policies, and never reach the queue;
 * - all that was refused is what the driver counted, to the unit.
 */
#include "policy_util.h"

#define CYCLES		400
#define GUARDED		(AT)
#define VISITED		(AT + 0x1000000)
#define FREE		(AT + 0x2000000)
#define NR_MAPPERS	2

FIXTURE(load) {
	int ctl, fd, id;
	uint8_t *mem;
	struct asker asker;
	struct policy guard[2], faults[2], guest;
	pthread_t threads[NR_MAPPERS + 1];
	int mappers;
	bool stop, alone;
	/* by all threads */
	uint64_t refused, maps, groups;
};

FIXTURE_SETUP(load)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	if (access(POLICIES, R_OK))
		SKIP("this kernel has no BTF of modules, or no BPF JIT");
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->mem = memory(64 * PAGE);
	self->asker = asker_new(self->ctl, self->fd, SIM_COOKIE);
}

FIXTURE_TEARDOWN(load)
{
	asker_end(&self->asker);
	close(self->fd);
	close(self->ctl);
}

#define count(what)	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED)
#define stopped(self)	__atomic_load_n(&(self)->stop, __ATOMIC_RELAXED)

/* 0, or the error; what was mapped is unmapped. */
static int try_map(struct fixture_load *self, uint64_t iova)
{
	count(&self->maps);
	if (do_map(self->fd, self->id, (uintptr_t)self->mem, iova, PAGE, RW)) {
		int err = errno;

		if (err == EPERM || err == EACCES || err == EBUSY)
			count(&self->refused);
		return err;
	}
	EXPECT_EQ((int64_t)PAGE, do_unmap(self->fd, self->id, iova, PAGE));
	return 0;
}

static void *mapper(void *arg)
{
	struct fixture_load *self = arg;
	/* The first part is the main thread's. */
	uint64_t at = (count(&self->mappers) + 1) * 0x100000;

	for (uint64_t n = 0; !stopped(self); n++) {
		uint64_t where = at + n % 64 * PAGE;
		int err = self->alone ? EPERM : try_map(self, GUARDED + where);

		if (err != EPERM && err != EACCES) {
			diag("guarded: error %d", err);
			EXPECT_TRUE(false);
		}
		EXPECT_EQ(0, try_map(self, FREE + where));
		err = try_map(self, VISITED + where);
		EXPECT_TRUE(!err || err == EBUSY);
	}
	return NULL;
}

static void *asking(void *arg)
{
	struct fixture_load *self = arg;

	while (!stopped(self)) {
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT,
			  sim_read(self->asker.dev, AT, 8, 0, .flags = WAITS));
		count(&self->groups);
	}
	return NULL;
}

static void start(struct fixture_load *self)
{
	for (int i = 0; i < NR_MAPPERS; i++)
		ASSERT_EQ(0, pthread_create(&self->threads[i], NULL, mapper, self));
	if (!self->alone)
		ASSERT_EQ(0, pthread_create(&self->threads[NR_MAPPERS], NULL, asking, self));
}

static void stop(struct fixture_load *self)
{
	__atomic_store_n(&self->stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < NR_MAPPERS + !self->alone; i++)
		ASSERT_EQ(0, pthread_join(self->threads[i], NULL));
}

static void load_guard(struct policy *p, const char *name, int answer, int priority)
{
	load_policy(p, .kind = "maps_only", .name = name, .priority = priority);
	p->skel->bss->map_answer = -answer;
	p->skel->bss->first = GUARDED;
	p->skel->data->last = VISITED - 1;
}

static void load_guest(struct policy *p)
{
	load_policy(p, .kind = "maps_only", .name = "guest", .priority = 1);
	p->skel->bss->map_answer = -EBUSY;
	p->skel->bss->first = VISITED;
	p->skel->data->last = FREE - 1;
}

static void load_faults(struct policy *p, int verdict)
{
	load_policy(p, .kind = "faults_only", .name = "faults");
	p->skel->bss->fault_answer = verdict;
}

static uint64_t asked_faults(const struct policy *p)
{
	return __atomic_load_n(&p->skel->bss->faults, __ATOMIC_SEQ_CST);
}

struct totals {
	uint64_t attached, refusals, nonsense, faults, decided;
};

static struct totals totals(void)
{
	return (struct totals){
		policy_count("total", "attached"), policy_count("total", "refusals"),
		policy_count("total", "map-nonsense"), policy_count("total", "faults"),
		policy_count("total", "invalid") + policy_count("total", "drop"),
	};
}

/* Exactly what all threads saw */
static void check_totals(struct fixture_load *self, const struct totals *before)
{
	struct totals now = totals();

	EXPECT_EQ(self->refused, now.refusals - before->refusals);
	EXPECT_EQ(before->nonsense, now.nonsense);
	EXPECT_EQ(self->groups, now.faults - before->faults);
	EXPECT_EQ(self->groups, now.decided - before->decided);
	EXPECT_EQ(self->groups, fdinfo_get_n(self->fd, "ioasid-fault-invalid", self->asker.id));
	EXPECT_EQ(self->groups, fdinfo_get_n(self->fd, "ioasid-faults", self->asker.id));
	EXPECT_FALSE(told(self->asker.queue, 0));
	diag("%llu maps, %llu of them refused, %llu groups refused, %llu attaches",
	     (unsigned long long)self->maps, (unsigned long long)self->refused,
	     (unsigned long long)self->groups,
	     (unsigned long long)(now.attached - before->attached));
}

TEST_F(load, swap, "policies attached, replaced and removed 1600 times under load", .timeout = 900)
{
	static const int errors[] = { EPERM, EACCES };
	struct totals before = totals();
	uint64_t asked;

	load_guard(&self->guard[0], "guard", EPERM, -3);
	load_guard(&self->guard[1], "guard", EACCES, 3);
	load_faults(&self->faults[0], IOASID_VERDICT_INVALID);
	load_faults(&self->faults[1], IOASID_VERDICT_DROP);
	load_guest(&self->guest);
	ASSERT_EQ(0, do_attach_policy(&self->guard[0]));
	ASSERT_EQ(0, do_attach_policy(&self->faults[0]));
	start(self);
	for (int i = 1; i <= CYCLES; i++) {
		int new = i % 2;

		if (!(i % 20)) {
			unload_policy(&self->guest);
			load_guest(&self->guest);
		}
		ASSERT_EQ(0, do_attach_policy(&self->guest));
		EXPECT_EQ(EBUSY, try_map(self, VISITED));
		ASSERT_EQ(0, bpf_link__update_map(self->guard[0].link, self->guard[new].map));
		EXPECT_EQ(errors[new], try_map(self, GUARDED));
		ASSERT_EQ(0, bpf_link__update_map(self->faults[0].link, self->faults[new].map));
		/* From here on only the new one is asked. */
		asked = asked_faults(&self->faults[!new]);
		detach_policy(&self->guest);
		EXPECT_EQ(0, try_map(self, VISITED));
		EXPECT_EQ(asked, asked_faults(&self->faults[!new]));
	}
	stop(self);
	unload_policy(&self->guard[0]);
	unload_policy(&self->guard[1]);
	unload_policy(&self->faults[0]);
	unload_policy(&self->faults[1]);
	unload_policy(&self->guest);
	check_totals(self, &before);
}

/* Nothing else is attached: each time the driver begins to ask, and ends it. */
TEST_F(load, alone, "a single policy attached and removed 300 times under load", .timeout = 600)
{
	struct totals before = totals();

	self->alone = true;
	load_guest(&self->guest);
	start(self);
	for (int i = 0; i < 300; i++) {
		ASSERT_EQ(0, do_attach_policy(&self->guest));
		EXPECT_EQ(EBUSY, try_map(self, VISITED));
		detach_policy(&self->guest);
		EXPECT_EQ(0, try_map(self, VISITED));
	}
	stop(self);
	unload_policy(&self->guest);
	check_totals(self, &before);
}

HARNESS_MAIN
