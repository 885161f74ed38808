// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What BPF programs can ask the driver, whether it is true, and what they must not do. */
#include "policy_util.h"

#include "kfuncs.h"
#include "policy_kfunc.skel.h"

FIXTURE(kfunc) {
	int fd, id;
	uint32_t ctx;
	uint8_t *mem;
	struct policy_kfunc_bpf *skel;
};

/* The object with these programs, and nothing else of it. */
static int load_programs(struct policy_kfunc_bpf **skel, const char *const *names)
{
	struct bpf_program *prog;

	bpf_log[0] = 0;
	libbpf_set_print(quiet);
	*skel = policy_kfunc_bpf__open();
	ASSERT_TRUE(*skel);
	only_map((*skel)->obj, names[0]);
	bpf_object__for_each_program(prog, (*skel)->obj) {
		bool wanted = false;

		if (bpf_program__type(prog) == BPF_PROG_TYPE_STRUCT_OPS)
			continue;
		for (int i = 0; names[i]; i++)
			wanted |= !strcmp(bpf_program__name(prog), names[i]);
		ASSERT_EQ(0, bpf_program__set_autoload(prog, wanted));
	}
	return policy_kfunc_bpf__load(*skel);
}

static struct policy_kfunc_bpf *must_load(const char *const *names)
{
	struct policy_kfunc_bpf *skel;

	if (load_programs(&skel, names)) {
		diag("%s", bpf_log);
		ASSERT_TRUE(false);
	}
	return skel;
}

static void run(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	ASSERT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(prog), &opts));
}

FIXTURE_SETUP(kfunc)
{
	static const char *const programs[] = { "look_up", "who", "walk", "count", "list_devices",
						 NULL };

	if (access(POLICIES, R_OK))
		SKIP("this kernel has no BTF of modules, or no BPF JIT");
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->ctx = fdinfo_get(self->fd, "ioasid-ctx");
	self->mem = memory(64 * PAGE);
	self->skel = must_load(programs);
	self->skel->bss->ctx = self->ctx;
	self->skel->bss->ioasid = self->id;
	self->skel->bss->last = ~0ULL;
}

FIXTURE_TEARDOWN(kfunc)
{
	policy_kfunc_bpf__destroy(self->skel);
	close(self->fd);
}

static int look_up(struct fixture_kfunc *self, uint64_t iova)
{
	self->skel->bss->iova = iova;
	run(self->skel->progs.look_up);
	return self->skel->bss->rc;
}

TEST_F(kfunc, address, "an address leads to its mapping")
{
	struct ioasid_mapping_info *found = &self->skel->bss->found;

	test_map_flags(self->fd, self->id, self->mem, AT, 3 * PAGE, IOASID_MAP_READ);
	test_register(self->fd, self->mem + 16 * PAGE, 16 * PAGE);
	test_map(self->fd, self->id, self->mem + 20 * PAGE, -PAGE, PAGE);
	EXPECT_EQ(0, look_up(self, AT + 2 * PAGE + 5));
	EXPECT_EQ(AT, found->iova);
	EXPECT_EQ(3 * PAGE, found->size);
	EXPECT_EQ(IOASID_MAP_READ, found->prot);
	EXPECT_EQ(0, look_up(self, ~0ULL));
	EXPECT_EQ(-PAGE, found->iova);
	EXPECT_EQ((uintptr_t)self->mem + 20 * PAGE, found->target);
	EXPECT_EQ(IOASID_MAPPING_REGISTERED | IOASID_MAPPING_VADDR, found->flags);
	EXPECT_EQ(-ENOENT, look_up(self, AT + 3 * PAGE));
	EXPECT_EQ(-ENOENT, look_up(self, AT - 1));
	self->skel->bss->ioasid = self->id + 1;
	EXPECT_EQ(-1, look_up(self, AT));
	self->skel->bss->ctx = self->ctx + 1000;
	EXPECT_EQ(-1, look_up(self, AT));
}

TEST_F(kfunc, who, "a context is whose it is")
{
	const struct ioasid_ctx_info *info = &self->skel->bss->info;

	test_alloc(self->fd);
	run(self->skel->progs.who);
	EXPECT_EQ(0, self->skel->bss->rc);
	EXPECT_EQ(self->ctx, info->id);
	EXPECT_EQ(2, info->spaces);
	EXPECT_EQ((uint32_t)getpid(), info->pid);
	EXPECT_EQ(fdinfo_get(self->fd, "ioasid-cgroup"), info->cgroup);
	self->skel->bss->ctx = 0;
	run(self->skel->progs.who);
	EXPECT_EQ(-1, self->skel->bss->rc);
}

TEST_F(kfunc, walk, "iterators list all there is, in order, within a range")
{
	int other[3];

	run(self->skel->progs.walk);
	EXPECT_EQ(1, self->skel->bss->nr_ctxs);
	EXPECT_EQ(1, self->skel->bss->nr_spaces);
	EXPECT_EQ(0, self->skel->bss->nr_mappings);
	for (int i = 0; i < 3; i++) {
		other[i] = test_open();
		test_alloc(self->fd);
	}
	for (int i = 9; i >= 0; i--)
		test_map(self->fd, self->id, self->mem, i * 4 * PAGE, 2 * PAGE);
	test_map(self->fd, self->id, self->mem, -PAGE, PAGE);
	run(self->skel->progs.walk);
	EXPECT_EQ(4, self->skel->bss->nr_ctxs);
	EXPECT_EQ(self->ctx, self->skel->bss->seen_ctx);
	EXPECT_EQ(4, self->skel->bss->nr_spaces);
	ASSERT_EQ(11, self->skel->bss->nr_mappings);
	for (unsigned int i = 0; i < 11; i++)
		EXPECT_EQ(i < 10 ? i * 4 * PAGE : -PAGE, self->skel->bss->listed[i].iova);
	/* The one that holds the first address, and the one that begins at the last */
	self->skel->bss->first = 5 * PAGE;
	self->skel->bss->last = 12 * PAGE;
	run(self->skel->progs.walk);
	ASSERT_EQ(3, self->skel->bss->nr_mappings);
	EXPECT_EQ(4 * PAGE, self->skel->bss->listed[0].iova);
	EXPECT_EQ(12 * PAGE, self->skel->bss->listed[2].iova);
	self->skel->bss->first = self->skel->bss->last + 1;
	run(self->skel->progs.walk);
	EXPECT_EQ(0, self->skel->bss->nr_mappings);
	self->skel->bss->ctx = self->ctx + 1000;
	run(self->skel->progs.walk);
	EXPECT_EQ(0, self->skel->bss->nr_spaces);
	for (int i = 0; i < 3; i++)
		close(other[i]);
}

/* Of the one at a place in the list, which must be so long. */
static struct ioasid_device_desc device_desc(struct fixture_kfunc *self, unsigned int nr,
					     unsigned int i)
{
	run(self->skel->progs.list_devices);
	ASSERT_EQ(nr, self->skel->bss->nr_devices);
	return self->skel->bss->devices[i];
}

TEST_F(kfunc, devices, "the devices of a context, what they are called and where they are")
{
	int ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC), dev[3], inner;
	static const uint64_t cookies[] = { 30, ~0ULL, 10 };
	struct ioasid_device_desc desc;
	char name[32];
	uint32_t sim;

	ASSERT_LE(0, ctl);
	device_desc(self, 0, 0);
	sim = sim_create(ctl, .nr_devices = 3, .caps = IOASID_SIM_CAP_PASID, .pasid_bits = 8);
	for (int i = 0; i < 3; i++) {
		dev[i] = sim_open(sim, i);
		test_bind(dev[i], self->fd, cookies[i]);
	}
	desc = device_desc(self, 3, 0);
	snprintf(name, sizeof(name), "sim%u.2", sim);
	EXPECT_EQ(10, desc.cookie);
	EXPECT_STREQ(name, desc.name);
	EXPECT_EQ(0, desc.ioasid | desc.pasids | desc.faults_pending | desc.flags);
	EXPECT_EQ(30, device_desc(self, 3, 1).cookie);
	EXPECT_EQ(~0ULL, device_desc(self, 3, 2).cookie);

	inner = test_alloc(self->fd);
	test_attach(dev[0], self->id);
	ASSERT_EQ(0, do_attach_pasid(dev[0], inner, 5));
	ASSERT_EQ(0, do_attach_pasid(dev[0], inner, 6));
	desc = device_desc(self, 3, 1);
	EXPECT_EQ(self->id, desc.ioasid);
	EXPECT_EQ(2, desc.pasids);
	test_detach(dev[0], self->id);
	EXPECT_EQ(0, device_desc(self, 3, 1).ioasid);
	for (int i = 0; i < 3; i++)
		close(dev[i]);
	device_desc(self, 0, 0);
	self->skel->bss->ctx = self->ctx + 1000;
	device_desc(self, 0, 0);
	close(ctl);
}

TEST_F(kfunc, counts, "counts are those of fdinfo")
{
	const struct ioasid_space_counts *counts = &self->skel->bss->counts;

	for (int i = 0; i < 5; i++)
		test_map(self->fd, self->id, self->mem, i * 4 * PAGE, 2 * PAGE);
	test_unmap(self->fd, self->id, 0, 2 * PAGE);
	run(self->skel->progs.count);
	EXPECT_EQ(0, self->skel->bss->rc);
	EXPECT_EQ(5, counts->maps);
	EXPECT_EQ(1, counts->unmaps);
	EXPECT_EQ(4, counts->mappings);
	EXPECT_EQ(8 * PAGE, counts->mapped);
	EXPECT_EQ(fdinfo_get_n(self->fd, "ioasid-pinned", self->id), counts->pinned);
	EXPECT_EQ(IOASID_KIND_KERNEL, counts->kind);
	test_free(self->fd, self->id);
	run(self->skel->progs.count);
	EXPECT_EQ(-ENOENT, self->skel->bss->rc);
}

TEST_F(kfunc, quota, "a policy and an fentry program can ask for counts")
{
	static const char *const names[] = { "quota", "traced", NULL };
	struct policy_kfunc_bpf *skel = must_load(names);
	struct bpf_link *quota, *traced;

	skel->bss->limit = 6 * PAGE;
	quota = bpf_map__attach_struct_ops(skel->maps.quota);
	ASSERT_TRUE(quota);
	traced = bpf_program__attach(skel->progs.traced);
	ASSERT_TRUE(traced);
	for (int i = 0; i < 3; i++)
		test_map(self->fd, self->id, self->mem, i * 4 * PAGE, 2 * PAGE);
	test_err_map(ENOSPC, self->fd, self->id, self->mem, AT, PAGE);
	test_unmap(self->fd, self->id, 0, 2 * PAGE);
	test_map(self->fd, self->id, self->mem, AT, 2 * PAGE);
	/* It was there before this one was mapped. */
	EXPECT_EQ(0, skel->bss->rc);
	EXPECT_EQ(4 * PAGE, skel->bss->counts.mapped);
	bpf_link__destroy(traced);
	bpf_link__destroy(quota);
	policy_kfunc_bpf__destroy(skel);
}

TEST_F(kfunc, misuse, "programs that misuse them are not let in")
{
	static const struct {
		const char *name;
		const char *why;
		const char *newer;	/* words of 7.x, if it has others */
	} bad[] = {
		{ "leaks", "Unreleased reference" },
		{ "unchecked", "rusted arg", "Add a NULL check" },
		{ "twice", "pointer type STRUCT ioasid_space must point to scalar",
		  "Pass the resource-owning pointer" },
		{ "after", "pointer type STRUCT ioasid_space must point to scalar",
		  "resource release invalidated this pointer" },
		{ "wrong_type", "expected pointer to STRUCT ioasid_space" },
		{ "no_destroy", "Unreleased reference" },
		{ "short_buffer", " stack R3 off=-16 size=64" },
		{ "sleeps_in_fentry", "is not allowed" },
		{ "sleeper", "is not allowed" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *const names[] = { bad[i].name, NULL };
		struct policy_kfunc_bpf *skel;

		EXPECT_TRUE(load_programs(&skel, names));
		policy_kfunc_bpf__destroy(skel);
		if (!strstr(bpf_log, bad[i].why) &&
		    !(bad[i].newer && strstr(bpf_log, bad[i].newer))) {
			diag("%s: expected: %s", bad[i].name, bad[i].why);
			diag("%s", log_end());
			EXPECT_TRUE(false);
		}
	}
}

/* Contexts and spaces come and go while programs look at them. */
static void *churn(void *arg)
{
	bool *stop = arg;
	void *mem = memory(4 * PAGE);
	int ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	uint32_t sim = sim_create(ctl, .nr_devices = 1);
	int dev = sim_open(sim, 0);

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		int fd = test_open(), id = test_alloc(fd), other = test_alloc(fd);

		test_map(fd, id, mem, AT, 4 * PAGE);
		test_map(fd, other, mem, AT, PAGE);
		test_bind(dev, fd, 1);
		test_attach(dev, id);
		test_free(fd, other);
		test_unbind(dev);
		close(fd);
	}
	close(dev);
	close(ctl);
	return NULL;
}

TEST_F(kfunc, race, "programs look while contexts and spaces come and go", .timeout = 120)
{
	struct policy_kfunc_bpf__bss *bss = self->skel->bss;
	uint64_t found = 0, seen = 0, rounds = 0;
	pthread_t threads[2];
	bool stop = false;
	time_t end = time(NULL) + 10;
	int64_t pins = machine_pins();

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, churn, &stop));
	for (; time(NULL) < end; rounds++) {
		/* The newest, if it is still there */
		bss->ctx = bss->newest;
		bss->ioasid = 1 + rounds % 2;
		run(self->skel->progs.walk);
		EXPECT_LE(1, bss->nr_ctxs);
		run(self->skel->progs.count);
		found += !bss->rc;
		found += !look_up(self, AT);
		run(self->skel->progs.who);
		run(self->skel->progs.list_devices);
		seen += bss->nr_devices;
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	diag("%llu rounds, %llu found, %llu devices", (unsigned long long)rounds,
	     (unsigned long long)found, (unsigned long long)seen);
	EXPECT_LT(0, found);
	EXPECT_LT(0, seen);
	EXPECT_TRUE(machine_pins_become(pins));
}

HARNESS_MAIN
