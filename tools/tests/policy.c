// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * BPF policies: what they are told, what their answers do, in which order they are
 * asked, who is let in. Changes under load are in policy_load.c.
 */
#include "harness.h"
#include "policy_util.h"
#include "unchanged.h"
#include "vfio_util.h"
#include "policy_bad.skel.h"
#include "policy_fault.skel.h"

FIXTURE(policy) {
	struct state before;
	int ctl, fd, id;
	uint8_t *mem;
	struct policy p[4];
};

FIXTURE_SETUP(policy)
{
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	if (access(POLICIES, R_OK))
		SKIP("this kernel has no BTF of modules, or no BPF JIT");
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->mem = memory(64 * PAGE);
}

FIXTURE_TEARDOWN(policy)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(self->p); i++)
		unload_policy(&self->p[i]);
	close(self->fd);
	close(self->ctl);
}

#define try_map(self, iova)							\
	do_map((self)->fd, (self)->id, (uintptr_t)(self)->mem, iova, PAGE, RW)
#define maps(self, iova) do {							\
	EXPECT_EQ(0, try_map(self, iova));					\
	EXPECT_EQ((int64_t)PAGE, do_unmap((self)->fd, (self)->id, iova, PAGE));	\
} while (0)
#define refused(err, self, iova) do {						\
	remember(&(self)->before);						\
	EXPECT_ERRNO(err, try_map(self, iova));					\
	check_unchanged(&(self)->before, __LINE__, #iova, "ioasid-map-errors-%d", (self)->id); \
} while (0)

TEST_F(policy, map_args, "a policy is told what is to be mapped, before it is")
{
	struct policy *p = &self->p[0];
	struct ioasid_map_query *seen;

	attach_policy(p);
	seen = &p->skel->bss->last_map;
	test_map_flags(self->fd, self->id, self->mem + PAGE, AT, 3 * PAGE, IOASID_MAP_READ);
	EXPECT_EQ(1, p->skel->bss->maps);
	EXPECT_EQ(fdinfo_get(self->fd, "ioasid-ctx"), seen->ctx);
	EXPECT_EQ((uint32_t)self->id, seen->ioasid);
	EXPECT_EQ(AT, seen->iova);
	EXPECT_EQ(3 * PAGE, seen->size);
	EXPECT_EQ((uintptr_t)self->mem + PAGE, seen->vaddr);
	EXPECT_EQ(IOASID_MAP_READ, seen->prot);
	EXPECT_EQ(IOASID_KIND_KERNEL, seen->kind);
	EXPECT_EQ(0, seen->depth);
	/* What makes no sense is refused without it. */
	EXPECT_ERRNO(EINVAL, try_map(self, AT + 1));
	EXPECT_EQ(1, p->skel->bss->maps);
	/* A child's addresses are its parent's. */
	self->id = test_create_nesting(self->fd, self->id);
	if (do_map(self->fd, self->id, AT, 0, PAGE, IOASID_MAP_READ)) {
		/* A user-managed table has no mappings. */
		EXPECT_EQ(1, p->skel->bss->maps);
	} else {
		EXPECT_EQ(2, p->skel->bss->maps);
		EXPECT_EQ(AT, seen->vaddr);
		EXPECT_EQ(1, seen->depth);
	}
}

/* Devices have all addresses of the process there, without a map. */
TEST_F(policy, process, "a policy is asked about a whole process before it is shared")
{
	struct policy *p = &self->p[0];
	struct ioasid_map_query *seen;
	uint32_t flags[] = { 0, IOASID_ALLOC_SVA_PINNED };

	attach_policy(p);
	seen = &p->skel->bss->last_map;
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		p->skel->bss->map_answer = -EACCES;
		remember(&self->before);
		EXPECT_ERRNO(EACCES, do_alloc_kind(self->fd, IOASID_KIND_SVA, IOASID_NONE,
						   flags[i], 0));
		check_unchanged(&self->before, __LINE__, "ALLOC", "%s", "");
		EXPECT_EQ(2 * i + 1, p->skel->bss->maps);
		EXPECT_EQ(0, seen->ioasid);
		EXPECT_EQ(0, seen->iova);
		EXPECT_LT((uintptr_t)self->mem, seen->size);
		EXPECT_EQ(IOASID_KIND_SVA, seen->kind);
		EXPECT_EQ(RW, seen->prot);
		p->skel->bss->map_answer = 0;
		EXPECT_LT(0, do_alloc_kind(self->fd, IOASID_KIND_SVA, IOASID_NONE, flags[i], 0));
	}
}

TEST_F(policy, map_refused, "what it refuses is not mapped, and its error comes out")
{
	struct policy *p = &self->p[0];

	attach_policy(p);
	p->skel->bss->first = AT;
	p->skel->data->last = AT + 16 * PAGE;
	for (int err = 1; err <= 133; err++) {
		p->skel->bss->map_answer = -err;
		EXPECT_ERRNO(err, try_map(self, AT));
	}
	EXPECT_EQ(133, policy_count("policy=both", "refusals"));
	p->skel->bss->map_answer = -EACCES;
	refused(EACCES, self, AT);
	maps(self, AT + 32 * PAGE);
	p->skel->bss->map_answer = 0;
	maps(self, AT);
	EXPECT_EQ(134, policy_count("policy=both", "refusals"));
	EXPECT_EQ(136, policy_count("policy=both", "maps"));
	p->skel->bss->map_answer = -EACCES;
	detach_policy(p);
	maps(self, AT);
	EXPECT_EQ(136, p->skel->bss->maps);
}

TEST_F(policy, map_nonsense, "nonsense refuses with EPERM, and is counted")
{
	static const int nonsense[] = { 1, 4096, INT_MAX, -134, -512, -516, -530, -4095, INT_MIN };
	struct policy *p = &self->p[0];

	attach_policy(p);
	for (unsigned int i = 0; i < ARRAY_SIZE(nonsense); i++) {
		p->skel->bss->map_answer = nonsense[i];
		refused(EPERM, self, AT);
		EXPECT_EQ(i + 1, policy_count("policy=both", "map-nonsense"));
	}
	EXPECT_EQ(0, policy_count("policy=both", "refusals"));
}

TEST_F(policy, fault_args, "a policy is told who asks for what", .timeout = 60)
{
	struct policy *p = &self->p[0];
	struct ioasid_fault_query *seen;
	struct asker a;

	attach_policy(p, .kind = "faults_only");
	seen = &p->skel->bss->last_fault;
	a = asker_new(self->ctl, self->fd, SIM_COOKIE + 7);
	p->skel->bss->fault_answer = IOASID_VERDICT_INVALID;
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT,
		  sim_write(a.dev, AT, 3 * PAGE, 0, .flags = WAITS));
	EXPECT_EQ(1, p->skel->bss->faults);
	EXPECT_EQ(fdinfo_get(self->fd, "ioasid-ctx"), seen->ctx);
	EXPECT_EQ((uint32_t)a.id, seen->ioasid);
	EXPECT_EQ(SIM_COOKIE + 7, seen->cookie);
	EXPECT_EQ(AT, seen->addr);
	EXPECT_EQ(3, seen->pages);
	EXPECT_TRUE(seen->perm & IOASID_FAULT_PERM_WRITE);
	EXPECT_EQ(IOASID_KIND_KERNEL, seen->kind);
	EXPECT_EQ(~0U, seen->pasid);
	EXPECT_EQ(0, seen->to_kernel);
	EXPECT_TRUE(seen->time_ns);
	asker_end(&a);
}

/* The device asks; nobody but the policy answers. */
static void decides(struct fixture_policy *self, struct asker *a, int verdict, const char *count)
{
	uint64_t invalid = fdinfo_get_n(self->fd, "ioasid-fault-invalid", a->id);
	uint64_t before = policy_count("policy=both", count);

	self->p[0].skel->bss->fault_answer = verdict;
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(a->dev, AT, 8, 0, .flags = WAITS));
	EXPECT_FALSE(told(a->queue, 0));
	EXPECT_EQ(before + 1, policy_count("policy=both", count));
	EXPECT_EQ(invalid + 1, fdinfo_get_n(self->fd, "ioasid-fault-invalid", a->id));
}

/* The queue is told, and answers. */
static void delivers(struct fixture_policy *self, struct asker *a, int verdict, const char *count)
{
	uint64_t before = policy_count("policy=both", count);
	struct async async;

	self->p[0].skel->bss->fault_answer = verdict;
	async_start(&async, a->dev, .op = IOASID_SIM_OP_READ, .iova = AT, .len = 8, .flags = WAITS);
	answer_one(a->queue, IOASID_FAULT_INVALID);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&async));
	EXPECT_EQ(before + 1, policy_count("policy=both", count));
}

TEST_F(policy, verdicts, "each verdict on faults of a space with a queue, and nonsense",
       .timeout = 60)
{
	struct policy *p = &self->p[0];
	struct asker a;

	attach_policy(p);
	a = asker_new(self->ctl, self->fd, SIM_COOKIE);
	decides(self, &a, IOASID_VERDICT_INVALID, "invalid");
	decides(self, &a, IOASID_VERDICT_DROP, "drop");
	delivers(self, &a, IOASID_VERDICT_NONE, "none");
	delivers(self, &a, IOASID_VERDICT_DELIVER, "deliver");
	/* The kernel has nothing to bring here. */
	delivers(self, &a, IOASID_VERDICT_RESOLVE, "fault-nonsense");
	delivers(self, &a, 6, "fault-nonsense");
	delivers(self, &a, -1, "fault-nonsense");
	delivers(self, &a, INT_MIN, "fault-nonsense");
	/* It may try again, as often as it does. */
	p->skel->bss->fault_answer = IOASID_VERDICT_SUCCESS;
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(a.dev, AT, 8, 0, .flags = WAITS));
	EXPECT_EQ(16, policy_count("policy=both", "success"));
	EXPECT_EQ(16, fdinfo_get_n(self->fd, "ioasid-fault-answers", a.id));
	EXPECT_EQ(24, p->skel->bss->faults);
	EXPECT_EQ(24, fdinfo_get_n(self->fd, "ioasid-faults", a.id));
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-fault-pending", a.id));
	EXPECT_FALSE(told(a.queue, 0));
	asker_end(&a);
}

TEST_F(policy, mirror, "verdicts where the kernel brings the pages", .timeout = 60)
{
	struct policy *p = &self->p[0];
	struct asker a;

	attach_policy(p);
	a = asker_mirror(self->ctl, self->fd, SIM_COOKIE);
	test_map(self->fd, a.id, self->mem, AT, 16 * PAGE);
	p->skel->bss->fault_answer = IOASID_VERDICT_INVALID;
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(a.dev, AT, 8, 0, .flags = WAITS));
	EXPECT_EQ(1, p->skel->bss->last_fault.to_kernel);
	EXPECT_EQ(IOASID_KIND_MIRROR, p->skel->bss->last_fault.kind);
	p->skel->bss->fault_answer = IOASID_VERDICT_RESOLVE;
	EXPECT_EQ(IOASID_SIM_OK, sim_read(a.dev, AT, 8, 0, .flags = WAITS));
	p->skel->bss->fault_answer = IOASID_VERDICT_DELIVER;
	EXPECT_EQ(IOASID_SIM_OK, sim_read(a.dev, AT + PAGE, 8, 0, .flags = WAITS));
	p->skel->bss->fault_answer = 77;
	EXPECT_EQ(IOASID_SIM_OK, sim_read(a.dev, AT + 2 * PAGE, 8, 0, .flags = WAITS));
	EXPECT_EQ(1, policy_count("policy=both", "resolve"));
	EXPECT_EQ(1, policy_count("policy=both", "deliver"));
	EXPECT_EQ(1, policy_count("policy=both", "fault-nonsense"));
	asker_end(&a);
}

static void counts_are(struct fixture_policy *self, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t expected[] = { a, b, c };

	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(expected[i], self->p[i].skel->bss->maps);
		self->p[i].skel->bss->maps = 0;
	}
}

TEST_F(policy, order, "the lowest priority is asked first, then the oldest; a refusal ends it")
{
	struct policy *p = self->p;

	attach_policy(&p[0], .name = "c", .priority = 5);
	attach_policy(&p[1], .name = "a", .priority = -5);
	attach_policy(&p[2], .name = "b", .priority = 5);
	maps(self, AT);
	counts_are(self, 1, 1, 1);
	for (int i = 0; i < 3; i++)
		p[i].skel->bss->map_answer = -(i + 1);
	/* 1: -5; 0: 5, first; 2: 5, second */
	refused(2, self, AT);
	counts_are(self, 0, 1, 0);
	p[1].skel->bss->map_answer = 0;
	refused(1, self, AT);
	counts_are(self, 1, 1, 0);
	p[0].skel->bss->map_answer = 0;
	refused(3, self, AT);
	counts_are(self, 1, 1, 1);
	/* Who comes back is the youngest. */
	p[0].skel->bss->map_answer = -1;
	detach_policy(&p[0]);
	ASSERT_EQ(0, do_attach_policy(&p[0]));
	refused(3, self, AT);
	counts_are(self, 0, 1, 1);
}

TEST_F(policy, fault_order, "the first verdict on a fault is it", .timeout = 60)
{
	struct policy *p = self->p;
	struct asker a;

	attach_policy(&p[0], .name = "first", .priority = -1);
	attach_policy(&p[1], .name = "second");
	a = asker_new(self->ctl, self->fd, SIM_COOKIE);
	p[1].skel->bss->fault_answer = IOASID_VERDICT_DROP;
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(a.dev, AT, 8, 0, .flags = WAITS));
	EXPECT_EQ(1, policy_count("policy=first", "none"));
	EXPECT_EQ(1, policy_count("policy=second", "drop"));
	/* Nonsense leaves it to the next one. */
	p[0].skel->bss->fault_answer = 1000;
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(a.dev, AT, 8, 0, .flags = WAITS));
	EXPECT_EQ(1, policy_count("policy=first", "fault-nonsense"));
	EXPECT_EQ(2, policy_count("policy=second", "drop"));
	p[0].skel->bss->fault_answer = IOASID_VERDICT_INVALID;
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(a.dev, AT, 8, 0, .flags = WAITS));
	EXPECT_EQ(2, p[1].skel->bss->faults);
	asker_end(&a);
}

TEST_F(policy, context, "a policy for one context is asked about that one only")
{
	uint32_t ctx = fdinfo_get(self->fd, "ioasid-ctx");
	int other = test_open(), id = test_alloc(other);
	struct policy *p = self->p;

	attach_policy(&p[0], .ctx = ctx);
	p[0].skel->bss->map_answer = -EPERM;
	refused(EPERM, self, AT);
	test_map(other, id, self->mem, AT, PAGE);
	EXPECT_EQ(1, p[0].skel->bss->maps);
	/* One that is not there is a mistake. */
	close(other);
	load_policy(&p[1], .ctx = ctx + 1000);
	EXPECT_ERRNO(ENOENT, do_attach_policy(&p[1]));
	EXPECT_EQ(-ENOENT, bpf_link__update_map(p[0].link, p[1].map));
	refused(EPERM, self, AT);
	EXPECT_EQ(2, p[0].skel->bss->maps);
}

TEST_F(policy, replace, "a replacement takes the place, and its counts go on")
{
	struct policy *p = self->p;

	attach_policy(&p[0], .name = "old", .priority = 1);
	attach_policy(&p[1], .name = "between", .priority = 2);
	load_policy(&p[2], .name = "new", .priority = 3);
	for (int i = 0; i < 3; i++)
		p[i].skel->bss->map_answer = -(i + 1);
	refused(1, self, AT);
	EXPECT_EQ(1, policy_count("policy=old", "refusals"));
	ASSERT_EQ(0, bpf_link__update_map(p[0].link, p[2].map));
	/* By its own priority */
	refused(2, self, AT);
	p[1].skel->bss->map_answer = 0;
	refused(3, self, AT);
	EXPECT_EQ(1, p[0].skel->bss->maps);
	EXPECT_EQ(1, p[2].skel->bss->maps);
	EXPECT_EQ(~0ULL, policy_count("policy=old", "refusals"));
	EXPECT_EQ(2, policy_count("policy=new", "refusals"));
	EXPECT_EQ(1, policy_count("policy=new", "updates"));
	/* What is attached cannot be attached twice. */
	EXPECT_EQ(-EBUSY, bpf_link__update_map(p[1].link, p[2].map));
	EXPECT_FALSE(bpf_map__attach_struct_ops(p[2].map));
	EXPECT_EQ(EBUSY, errno);
	refused(3, self, AT);
	/* And the old one is free. */
	ASSERT_EQ(0, bpf_link__update_map(p[1].link, p[0].map));
	refused(1, self, AT);
}

/* libbpf gives the kernel a policy when it is attached. */
#define test_err_shape(err, p, ...) do {					\
	load_policy(p, __VA_ARGS__);						\
	EXPECT_ERRNO(err, do_attach_policy(p));					\
	unload_policy(p);							\
} while (0)

TEST_F(policy, shape, "policies without programs, names or sense are refused")
{
	struct policy *p = &self->p[0];

	test_err_shape(EINVAL, p, .kind = "nothing");
	test_err_shape(EINVAL, p, .name = "");
	test_err_shape(EINVAL, p, .name = "a b");
	test_err_shape(EINVAL, p, .name = "a\n");
	test_err_shape(EINVAL, p, .name = "sixteen-bytes-16");
	test_err_shape(EOPNOTSUPP, p, .flags = 1);
	attach_policy(p, .name = "fifteen.bytes_A");
}

TEST_F(policy, too_many, "there is a limit, and room again after a detach", .timeout = 120)
{
	struct policy p[65];

	for (int i = 0; i < 64; i++)
		attach_policy(&p[i], .kind = "maps_only");
	load_policy(&p[64]);
	EXPECT_ERRNO(ENOSPC, do_attach_policy(&p[64]));
	maps(self, AT);
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(1, p[i].skel->bss->maps);
	detach_policy(&p[10]);
	EXPECT_EQ(0, do_attach_policy(&p[64]));
	for (int i = 0; i < 65; i++)
		unload_policy(&p[i]);
}

/* 0: it was let in. */
static int load_bad(const char *name)
{
	struct policy_bad_bpf *skel = policy_bad_bpf__open();
	int rc;

	ASSERT_TRUE(skel);
	only_map(skel->obj, name);
	bpf_program__set_autoload(skel->progs.sleepable_fmodret, !strcmp(name, "fmodret"));
	bpf_log[0] = 0;
	libbpf_set_print(quiet);
	rc = policy_bad_bpf__load(skel);
	policy_bad_bpf__destroy(skel);
	return rc;
}

TEST_F(policy, verifier, "programs that could do harm are not let in", .timeout = 60)
{
	static const struct {
		const char *name;
		const char *why;
	} bad[] = {
		{ "sleepable", "attach to unsupported member map_check" },
		{ "sleeps", "bpf_copy_from_user" },
		{ "loops", "infinite loop detected" },
		{ "address", "invalid mem access 'scalar'" },
		{ "beyond", "access beyond struct ioasid_map_query" },
		{ "writes", "only read is supported" },
		{ "context", "invalid bpf_context access" },
		{ "unchecked", "invalid mem access 'map_value_or_null'" },
		{ "keeps", "bpf_spin_lock" },
		{ "fmodret", "is not sleepable" },
	};

	if (load_bad("good"))
		diag("%s", bpf_log);
	EXPECT_FALSE(strstr(bpf_log, "failed"));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_TRUE(load_bad(bad[i].name));
		if (!strstr(bpf_log, bad[i].why)) {
			diag("%s: expected: %s", bad[i].name, bad[i].why);
			diag("%s", log_end());
			EXPECT_TRUE(false);
		}
	}
}

TEST_F(policy, fmodret, "fmod_ret programs are asked before policies, and refuse")
{
	struct policy_test_bpf *skel = policy_test_bpf__open();
	uint64_t refusals = policy_count("fmod-ret", "refusals");
	uint64_t nonsense = policy_count("fmod-ret", "map-nonsense");
	struct bpf_link *link;

	ASSERT_TRUE(skel);
	only_map(skel->obj, "");
	bpf_program__set_autoload(skel->progs.test_map, false);
	bpf_program__set_autoload(skel->progs.test_fault, false);
	ASSERT_EQ(0, policy_test_bpf__load(skel));
	attach_policy(&self->p[0]);
	link = bpf_program__attach(skel->progs.test_fmodret);
	ASSERT_TRUE(link);
	maps(self, AT);
	EXPECT_EQ(1, skel->bss->checks);
	EXPECT_EQ(1, self->p[0].skel->bss->maps);
	skel->bss->first = AT + PAGE;
	skel->bss->fmodret_answer = -EACCES;
	refused(EACCES, self, AT + PAGE);
	maps(self, AT);
	EXPECT_EQ(2, self->p[0].skel->bss->maps);
	EXPECT_EQ(refusals + 1, policy_count("fmod-ret", "refusals"));
	skel->bss->fmodret_answer = 1;
	refused(EPERM, self, AT + PAGE);
	skel->bss->fmodret_answer = -512;
	refused(EPERM, self, AT + PAGE);
	EXPECT_EQ(nonsense + 2, policy_count("fmod-ret", "map-nonsense"));
	bpf_link__destroy(link);
	maps(self, AT + PAGE);
	policy_test_bpf__destroy(skel);
}

TEST_F(policy, vfio, "maps of VFIO containers are asked about, too", .timeout = 60)
{
	struct policy *p = &self->p[0];
	struct vfio_edu dev = { .fd = -1, .group = -1 };
	int container;

	if (!is_shim())
		SKIP("ioasid_vfio is not loaded");
	attach_policy(p);
	container = container_with(&dev, 0, VFIO_TYPE1v2_IOMMU);
	p->skel->bss->map_answer = -EACCES;
	EXPECT_ERRNO(EACCES, t1_map(container, self->mem, AT, PAGE));
	EXPECT_EQ(AT, p->skel->bss->last_map.iova);
	EXPECT_EQ(1, p->skel->bss->last_map.door);
	EXPECT_NE(fdinfo_get(self->fd, "ioasid-ctx"), p->skel->bss->last_map.ctx);
	p->skel->bss->map_answer = 0;
	EXPECT_EQ(0, t1_map(container, self->mem, AT, PAGE));
	EXPECT_EQ((int64_t)PAGE, t1_unmap(container, AT, PAGE));
	vfio_edu_close(&dev);
	close(container);
	EXPECT_EQ(0, try_map(self, AT));
	EXPECT_EQ(0, p->skel->bss->last_map.door);
}

/* The policy that comes with the tools. A token takes an hour. */
TEST_F(policy, limiter, "the fault policy: a budget for each device, the kernel brings the pages",
       .timeout = 60)
{
	struct policy_fault_bpf *skel = policy_fault_bpf__open();
	struct asker a[2], queued;
	struct bpf_link *link;

	ASSERT_TRUE(skel);
	skel->rodata->interval_ns = 3600 * 1000000000ULL;
	skel->rodata->burst = 3;
	skel->rodata->ask_user = 0;
	ASSERT_EQ(0, policy_fault_bpf__load(skel));
	link = bpf_map__attach_struct_ops(skel->maps.fault);
	ASSERT_TRUE(link);
	queued = asker_new(self->ctl, self->fd, SIM_COOKIE + 2);
	for (int i = 0; i < 2; i++) {
		a[i] = asker_mirror(self->ctl, self->fd, SIM_COOKIE + i);
		test_map(self->fd, a[i].id, self->mem, AT, 16 * PAGE);
	}
	for (int page = 0; page < 6; page++)
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(page < 3 ? IOASID_SIM_OK : IOASID_SIM_FAULT_NOT_PRESENT,
				  sim_read(a[i].dev, AT + page * PAGE, 8, 0, .flags = WAITS));
	EXPECT_EQ(6, policy_count("policy=fault", "resolve"));
	EXPECT_EQ(6, policy_count("policy=fault", "invalid"));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(queued.dev, AT, 8, 0, .flags = WAITS));
	EXPECT_FALSE(told(queued.queue, 0));
	EXPECT_EQ(7, policy_count("policy=fault", "invalid"));
	for (int i = 0; i < 2; i++)
		asker_end(&a[i]);
	asker_end(&queued);
	bpf_link__destroy(link);
	policy_fault_bpf__destroy(skel);
}

HARNESS_MAIN
