// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_HISTORY: what was done to a space is remembered in order, with who did it; what
 * was refused is not; memory is bounded; and secrets of others stay secret.
 */
#include <linux/capability.h>
#include <sys/prctl.h>

#include "space_fixture.h"
#include "sim_util.h"
#include "mirror_util.h"

#define RW	(IOASID_MAP_READ | IOASID_MAP_WRITE)
#define PARAMS	"/sys/module/ioasid/parameters/"

static int do_history(int fd, uint32_t ctx, uint32_t id, uint64_t seq,
		      struct ioasid_history_entry *entries, uint32_t nr,
		      struct ioasid_get_history *arg)
{
	*arg = (struct ioasid_get_history){
		.argsz = sizeof(*arg), .ioasid = id, .ctx = ctx, .seq = seq, .nr = nr,
		.entries = (uintptr_t)entries,
	};
	return ioctl(fd, IOASID_GET_HISTORY, arg);
}

static int do_stack(int fd, uint32_t id, uint32_t stack, struct ioasid_history_stack *out)
{
	struct ioasid_get_history_stack arg = {
		.argsz = sizeof(arg), .ioasid = id, .id = stack, .stack = (uintptr_t)out,
	};

	return ioctl(fd, IOASID_GET_HISTORY_STACK, &arg);
}

/* All there is, up to @nr; returns how many. */
static uint32_t history(int fd, uint32_t id, struct ioasid_history_entry *entries, uint32_t nr)
{
	struct ioasid_get_history arg;

	memset(entries, 0x5a, nr * sizeof(*entries));
	ASSERT_TRUE(!do_history(fd, 0, id, 0, entries, nr, &arg));
	ASSERT_EQ(0, arg.more);
	return arg.nr;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void expect_range(const struct ioasid_history_entry *e, unsigned int op, uint64_t iova,
			 uint64_t size, unsigned int prot, unsigned int info)
{
	EXPECT_EQ(op, e->op);
	EXPECT_EQ(iova, e->iova);
	EXPECT_EQ(size, e->size);
	EXPECT_EQ(prot, e->prot);
	EXPECT_EQ(info, e->info);
}

TEST_F(space, order, "operations are there in order, with time and process")
{
	uint64_t before = now_ns(), between, after, last = before;
	struct ioasid_history_entry e[8];

	test_map(self->fd, self->id, self->mem, GPA, 2 * PAGE);
	test_map_flags(self->fd, self->id, self->mem, 0, PAGE, IOASID_MAP_READ);
	between = now_ns();
	test_unmap(self->fd, self->id, GPA, 2 * PAGE);
	after = now_ns();
	ASSERT_EQ(3, history(self->fd, self->id, e, 8));
	expect_range(&e[0], IOASID_HISTORY_MAP, GPA, 2 * PAGE, RW, 0);
	expect_range(&e[1], IOASID_HISTORY_MAP, 0, PAGE, IOASID_MAP_READ, 0);
	expect_range(&e[2], IOASID_HISTORY_UNMAP, GPA, 2 * PAGE, RW, 1);
	for (int i = 0; i < 3; i++) {
		EXPECT_LE(last, e[i].time_ns);
		last = e[i].time_ns;
		EXPECT_EQ(getpid(), e[i].pid);
		EXPECT_EQ(gettid(), e[i].tid);
		EXPECT_TRUE(!strncmp((char *)e[i].comm, program_invocation_short_name, 15));
	}
	EXPECT_LE(e[1].time_ns, between);
	EXPECT_LE(between, e[2].time_ns);
	EXPECT_EQ(0, e[0].done_ns);
	EXPECT_LE(e[2].time_ns + e[2].done_ns, after);
}

TEST_F(space, joins, "what is unmapped at once and meets is one range, what does not is several")
{
	struct ioasid_history_entry e[16];

	for (uint64_t i = 0; i < 6; i++)
		if (i != 3)
			test_map_flags(self->fd, self->id, self->mem, GPA + i * PAGE, PAGE,
				       i == 5 ? IOASID_MAP_READ : RW);
	ASSERT_LT(0, do_unmap_all(self->fd, self->id));
	ASSERT_EQ(8, history(self->fd, self->id, e, 16));
	expect_range(&e[5], IOASID_HISTORY_UNMAP, GPA, 3 * PAGE, RW, 3);
	expect_range(&e[6], IOASID_HISTORY_UNMAP, GPA + 4 * PAGE, PAGE, RW, 1);
	expect_range(&e[7], IOASID_HISTORY_UNMAP, GPA + 5 * PAGE, PAGE, IOASID_MAP_READ, 1);
	for (int i = 5; i < 8; i++) {
		EXPECT_EQ(e[5].time_ns, e[i].time_ns);
		EXPECT_EQ(e[5].stack, e[i].stack);
		EXPECT_NE(IOASID_HISTORY_NOT_DONE, e[i].done_ns);
	}
}

TEST_F(space, failures, "what is refused is not in it")
{
	struct ioasid_history_entry e[8];

	test_map(self->fd, self->id, self->mem, GPA, PAGE);
	ASSERT_ERRNO(EEXIST, do_map(self->fd, self->id, (uintptr_t)self->mem, GPA, PAGE, RW));
	ASSERT_ERRNO(EFAULT, do_map(self->fd, self->id, PAGE, GPA + PAGE, PAGE, RW));
	ASSERT_ERRNO(ENOENT, do_unmap(self->fd, self->id, 0, PAGE));
	EXPECT_EQ(1, history(self->fd, self->id, e, 8));
}

#define MANY	3000UL

TEST_F(space, bounded, "the last ones are kept, and how many are not is told", .timeout = 60)
{
	static struct ioasid_history_entry e[IOASID_MAX_GET_HISTORY];
	struct ioasid_get_history arg;
	uint64_t seq;

	for (unsigned long i = 0; i < MANY / 2; i++) {
		test_map(self->fd, self->id, self->mem, GPA + i * PAGE, PAGE);
		test_unmap(self->fd, self->id, GPA + i * PAGE, PAGE);
	}
	ASSERT_TRUE(!do_history(self->fd, 0, self->id, 0, e, IOASID_MAX_GET_HISTORY, &arg));
	EXPECT_EQ(1024, arg.nr);
	EXPECT_EQ(MANY - 1023, arg.first);
	EXPECT_EQ(MANY + 1, arg.seq);
	for (unsigned long i = 0; i < 1024; i++) {
		seq = arg.first + i;
		EXPECT_EQ(seq % 2 ? IOASID_HISTORY_MAP : IOASID_HISTORY_UNMAP, e[i].op);
		EXPECT_EQ(GPA + (seq - 1) / 2 * PAGE, e[i].iova);
	}
	/* In pieces, and from the middle */
	ASSERT_TRUE(!do_history(self->fd, 0, self->id, MANY - 10, e, 7, &arg));
	EXPECT_EQ(7, arg.nr);
	EXPECT_EQ(1, arg.more);
	EXPECT_EQ(MANY - 10, arg.first);
	ASSERT_TRUE(!do_history(self->fd, 0, self->id, arg.seq, e, 7, &arg));
	EXPECT_EQ(4, arg.nr);
	EXPECT_EQ(0, arg.more);
	ASSERT_TRUE(!do_history(self->fd, 0, self->id, arg.seq, e, 7, &arg));
	EXPECT_EQ(0, arg.nr);
	ASSERT_ERRNO(EINVAL, do_history(self->fd, 0, self->id, arg.seq + 1, e, 7, &arg));
}

TEST_F(space, arguments, "what cannot be asked is refused")
{
	struct ioasid_history_entry e[2];
	struct ioasid_get_history arg;

	test_map(self->fd, self->id, self->mem, GPA, PAGE);
	ASSERT_ERRNO(EINVAL, do_history(self->fd, 0, self->id, 0, e, 0, &arg));
	ASSERT_ERRNO(EINVAL, do_history(self->fd, 0, self->id, 0, e, IOASID_MAX_GET_HISTORY + 1,
					&arg));
	ASSERT_ERRNO(ENOENT, do_history(self->fd, 0, self->id + 1, 0, e, 1, &arg));
	ASSERT_ERRNO(ENOENT, do_history(self->fd, 1 << 30, self->id, 0, e, 1, &arg));
	ASSERT_ERRNO(EFAULT, do_history(self->fd, 0, self->id, 0, (void *)PAGE, 1, &arg));
	arg.flags = 1;
	ASSERT_ERRNO(EOPNOTSUPP, ioctl(self->fd, IOASID_GET_HISTORY, &arg));
}

static void set_param(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), PARAMS "%s", name);
	ASSERT_TRUE(!write_text(path, value));
}

FIXTURE(parameters)
{
	int fd, id;
	char *mem;
};

FIXTURE_SETUP(parameters)
{
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->mem = memory(PAGE);
	set_param("history_sample", "1");
}

FIXTURE_TEARDOWN(parameters)
{
	set_param("history", "1024");
	set_param("history_stacks", "256");
	set_param("history_sample", "8");
	close(self->fd);
}

/* A call chain that can be recognized in a stack. */
static __attribute__((noinline)) void map_here(int fd, int id, void *mem, void **caller)
{
	*caller = __builtin_return_address(0);
	test_map(fd, id, mem, GPA, PAGE);
}

static bool has_word(const struct ioasid_history_stack *stack, const void *word)
{
	for (uint32_t i = 0; i < stack->nr; i++)
		if (stack->words[i] == (uintptr_t)word)
			return true;
	return false;
}

TEST_F(parameters, stacks, "an operation's stack is what the process had")
{
	struct ioasid_history_stack stack = {};
	struct ioasid_history_entry e[2];
	void *caller;
	char here;

	map_here(self->fd, self->id, self->mem, &caller);
	test_unmap(self->fd, self->id, GPA, PAGE);
	ASSERT_EQ(2, history(self->fd, self->id, e, 2));
	ASSERT_NE(0, e[0].stack);
	EXPECT_EQ(e[0].stack + 1, e[1].stack);
	ASSERT_TRUE(!do_stack(self->fd, self->id, e[0].stack, &stack));
	EXPECT_EQ(IOASID_STACK_WORDS, stack.nr);
	EXPECT_LT((uintptr_t)&here - MIB, stack.sp);
	EXPECT_LT(stack.sp, (uintptr_t)&here);
	EXPECT_TRUE(has_word(&stack, caller));
	ASSERT_ERRNO(ENOENT, do_stack(self->fd, self->id, e[1].stack + 1, &stack));
	ASSERT_ERRNO(ENOENT, do_stack(self->fd, self->id, 0, &stack));
	ASSERT_ERRNO(ENOENT, do_stack(self->fd, self->id + 1, e[0].stack, &stack));
	ASSERT_ERRNO(EFAULT, do_stack(self->fd, self->id, e[0].stack, (void *)PAGE));
}

static long raw_ioctl(int fd, unsigned long cmd, void *arg, uint64_t sp)
{
	long rc;

	asm volatile("mov %%rsp, %%r12\n\tmov %[sp], %%rsp\n\tsyscall\n\tmov %%r12, %%rsp"
		     : "=a"(rc)
		     : "a"(SYS_ioctl), "D"(fd), "S"(cmd), "d"(arg), [sp] "r"(sp)
		     : "rcx", "r11", "r12", "memory");
	return rc;
}

TEST_F(parameters, odd_stacks, "a stack pointer that leads nowhere is no harm")
{
	static const uint64_t nowhere[] = {
		0, 8, 0x7ffffffff000, 0x800000000000, 0xffffffff81000000, 0xfffffffffffffff8,
	};
	struct ioasid_history_stack stack;
	struct ioasid_history_entry e[16];
	char *page = self->mem;

	for (unsigned int i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		struct ioasid_map_dma arg = {
			.argsz = sizeof(arg), .flags = RW, .ioasid = self->id,
			.iova = GPA + i * PAGE, .vaddr = (uintptr_t)page, .size = PAGE,
		};

		ASSERT_EQ(0, raw_ioctl(self->fd, IOASID_MAP_DMA, &arg, nowhere[i]));
	}
	ASSERT_EQ(6, history(self->fd, self->id, e, 16));
	for (unsigned int i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		memset(&stack, 0x5a, sizeof(stack));
		ASSERT_TRUE(!do_stack(self->fd, self->id, e[i].stack, &stack));
		EXPECT_EQ(0, stack.nr);
		EXPECT_EQ(nowhere[i], stack.sp);
		for (int w = 0; w < IOASID_STACK_WORDS; w++)
			EXPECT_EQ(0, stack.words[w]);
	}
}

TEST_F(parameters, near_the_end, "of a stack that ends soon there is what can be read")
{
	char *two = memory(2 * PAGE);
	struct ioasid_history_stack stack;
	struct ioasid_history_entry e[2];
	struct ioasid_map_dma arg = {
		.argsz = sizeof(arg), .flags = RW, .ioasid = self->id, .iova = GPA,
		.vaddr = (uintptr_t)self->mem, .size = PAGE,
	};

	ASSERT_TRUE(!munmap(two + PAGE, PAGE));
	memset(two, 0x77, PAGE);
	ASSERT_EQ(0, raw_ioctl(self->fd, IOASID_MAP_DMA, &arg, (uintptr_t)two + PAGE - 200));
	ASSERT_EQ(1, history(self->fd, self->id, e, 2));
	ASSERT_TRUE(!do_stack(self->fd, self->id, e[0].stack, &stack));
	EXPECT_EQ(25, stack.nr);
	EXPECT_EQ(0x7777777777777777UL, stack.words[24]);
	EXPECT_EQ(0, stack.words[25]);
}

static void drop_caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	ASSERT_TRUE(!syscall(SYS_capset, &header, data));
}

TEST_F(parameters, secrets,
       "stacks are for the administrator, histories for those who have the file")
{
	int other = test_open(), other_id = test_alloc(other);
	uint32_t ctx = fdinfo_get(other, "ioasid-ctx");
	struct ioasid_history_stack stack;
	struct ioasid_history_entry e[2];
	struct ioasid_get_history arg;

	test_map(self->fd, self->id, self->mem, GPA, PAGE);
	test_map(other, other_id, self->mem, GPA + PAGE, PAGE);
	ASSERT_TRUE(!do_history(self->fd, ctx, other_id, 0, e, 2, &arg));
	EXPECT_EQ(1, arg.nr);
	EXPECT_EQ(GPA + PAGE, e[0].iova);
	drop_caps();
	ASSERT_ERRNO(EPERM, do_history(self->fd, ctx, other_id, 0, e, 2, &arg));
	ASSERT_EQ(1, history(self->fd, self->id, e, 2));
	ASSERT_ERRNO(EPERM, do_stack(self->fd, self->id, e[0].stack, &stack));
}

TEST_F(parameters, parameters, "how much is kept can be chosen, for spaces that are made then")
{
	struct ioasid_history_entry e[IOASID_MAX_GET_HISTORY];
	struct ioasid_get_history arg;
	int few, none;

	set_param("history", "3");
	few = test_alloc(self->fd);
	set_param("history", "0");
	none = test_alloc(self->fd);
	set_param("history_sample", "3");
	for (int i = 0; i < 7; i++) {
		test_map(self->fd, few, self->mem, GPA + i * PAGE, PAGE);
		test_map(self->fd, none, self->mem, GPA + i * PAGE, PAGE);
		test_map(self->fd, self->id, self->mem, GPA + i * PAGE, PAGE);
	}
	ASSERT_TRUE(!do_history(self->fd, 0, few, 0, e, 16, &arg));
	EXPECT_EQ(4, arg.nr);
	EXPECT_EQ(4, arg.first);
	ASSERT_ERRNO(EOPNOTSUPP, do_history(self->fd, 0, none, 0, e, 16, &arg));
	ASSERT_EQ(7, history(self->fd, self->id, e, 16));
	for (int i = 0; i < 7; i++)
		EXPECT_EQ(i % 3 == 2, !!e[i].stack);
}

TEST_F(parameters, reused, "nothing of an older stack is in a new one")
{
	struct ioasid_history_stack stack;
	struct ioasid_map_dma arg = {
		.argsz = sizeof(arg), .flags = RW, .iova = GPA, .vaddr = (uintptr_t)self->mem,
		.size = PAGE,
	};

	set_param("history_stacks", "1");
	arg.ioasid = test_alloc(self->fd);
	test_map(self->fd, arg.ioasid, self->mem, 0, PAGE);
	ASSERT_TRUE(!do_stack(self->fd, arg.ioasid, 1, &stack));
	EXPECT_EQ(IOASID_STACK_WORDS, stack.nr);
	ASSERT_EQ(0, raw_ioctl(self->fd, IOASID_MAP_DMA, &arg, 0));
	ASSERT_ERRNO(ENOENT, do_stack(self->fd, arg.ioasid, 1, &stack));
	ASSERT_TRUE(!do_stack(self->fd, arg.ioasid, 2, &stack));
	EXPECT_EQ(0, stack.nr);
	for (int w = 0; w < IOASID_STACK_WORDS; w++)
		EXPECT_EQ(0, stack.words[w]);
}

TEST(attached, "attach, detach, and who else did something")
{
	struct ioasid_history_entry e[8];
	int ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC), fd, dev, id, status;
	uint32_t sim;

	if (ctl < 0)
		SKIP("ioasid_sim is not loaded");
	fd = test_open();
	id = test_alloc(fd);
	sim = sim_create(ctl, .nr_devices = 1, .caps = IOASID_SIM_CAP_PASID, .pasid_bits = 20);
	dev = sim_open(sim, 0);
	test_bind(dev, fd, SIM_COOKIE);
	test_attach(dev, id);
	ASSERT_TRUE(!do_attach_pasid(dev, id, 7));
	if (!fork()) {
		prctl(PR_SET_NAME, "a\033[31mchild");
		_exit(!!do_unmap(fd, id, 0, PAGE) == 0);
	}
	ASSERT_TRUE(wait(&status) > 0);
	ASSERT_TRUE(!do_detach_pasid(dev, id, 7));
	test_detach(dev, id);
	ASSERT_EQ(4, history(fd, id, e, 8));
	expect_range(&e[0], IOASID_HISTORY_ATTACH, 0xffffffff, 0, 0, 0xffffffff);
	expect_range(&e[1], IOASID_HISTORY_ATTACH, 7, 0, 0, 0xffffffff);
	expect_range(&e[2], IOASID_HISTORY_DETACH, 7, 0, 0, 0xffffffff);
	expect_range(&e[3], IOASID_HISTORY_DETACH, 0xffffffff, 0, 0, 0xffffffff);
	close(dev);
	close(fd);
	close(ctl);
}

HARNESS_MAIN
