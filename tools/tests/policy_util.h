/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Test programs as policies: loaded, attached, asked for what they counted. */
#ifndef TOOLS_TESTS_POLICY_UTIL_H
#define TOOLS_TESTS_POLICY_UTIL_H

#include <linux/ioasid_fault.h>

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "mirror_util.h"
#include "sim_async.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "policy.h"
#include "policy_test.skel.h"

#define POLICIES	"/sys/kernel/debug/ioasid/policies"
#define ASKS_CAPS	(IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_PASID)
#define WAITS		(IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI)
#define AT		0x100000UL

/* libbpf's words, for tests that want them: of the last object that was loaded. */
static char bpf_log[1 << 16];

static inline int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	size_t used = strlen(bpf_log);

	if (level != LIBBPF_DEBUG)
		vsnprintf(bpf_log + used, sizeof(bpf_log) - used, fmt, args);
	return 0;
}

static inline const char *log_end(void)
{
	size_t len = strlen(bpf_log);

	return bpf_log + (len > 600 ? len - 600 : 0);
}

/* A policy of a test, and how it is attached. */
struct policy {
	struct policy_test_bpf *skel;
	struct bpf_map *map;
	struct bpf_link *link;
};

struct policy_args {
	const char *kind;	/* a variable of policy_test.bpf.c; default: both */
	const char *name;
	uint32_t ctx, flags;
	int priority;
};

static inline void only_map(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			ASSERT_EQ(0, bpf_map__set_autocreate(map,
							     !strcmp(bpf_map__name(map), name)));
	}
}

/* -1 and errno when it cannot be loaded. */
static inline int do_load_policy(struct policy *p, const struct policy_args *args)
{
	const char *kind = args->kind ?: "both";
	struct ioasid_policy *ops;
	size_t size;
	int rc;

	memset(p, 0, sizeof(*p));
	bpf_log[0] = 0;
	libbpf_set_print(quiet);
	p->skel = policy_test_bpf__open();
	ASSERT_TRUE(p->skel);
	only_map(p->skel->obj, kind);
	p->map = bpf_object__find_map_by_name(p->skel->obj, kind);
	ASSERT_TRUE(p->map);
	bpf_program__set_autoload(p->skel->progs.test_fmodret, false);
	ops = bpf_map__initial_value(p->map, &size);
	ASSERT_TRUE(ops);
	ASSERT_LE(sizeof(*ops), size);
	ops->flags = args->flags;
	ops->ctx = args->ctx;
	ops->priority = args->priority;
	if (args->name)
		memcpy(ops->name, args->name, strlen(args->name) < sizeof(ops->name) ?
						      strlen(args->name) + 1 :
						      sizeof(ops->name));
	rc = policy_test_bpf__load(p->skel);
	if (rc) {
		policy_test_bpf__destroy(p->skel);
		p->skel = NULL;
		errno = -rc;
	}
	return rc ? -1 : 0;
}

static inline int do_attach_policy(struct policy *p)
{
	p->link = bpf_map__attach_struct_ops(p->map);
	return p->link ? 0 : -1;
}

static inline void detach_policy(struct policy *p)
{
	ASSERT_EQ(0, bpf_link__destroy(p->link));
	p->link = NULL;
}

static inline void unload_policy(struct policy *p)
{
	if (p->link)
		detach_policy(p);
	policy_test_bpf__destroy(p->skel);
	p->skel = NULL;
}

/* load_policy(&p, .priority = 3, ...) */
#define load_policy(p, ...) do {						\
	struct policy_args __args = { __VA_ARGS__ };				\
										\
	if (do_load_policy(p, &__args)) {					\
		diag("%s", bpf_log);						\
		ASSERT_EQ(0, errno);						\
	}									\
} while (0)
#define attach_policy(p, ...) do {						\
	load_policy(p, __VA_ARGS__);						\
	ASSERT_TRUE(!do_attach_policy(p));					\
} while (0)

/* A number of the line that begins so, in the list of policies; ~0: there is none. */
static inline uint64_t policy_count(const char *line, const char *key)
{
	static char text[1 << 16];
	char *at, *end, word[64];

	ASSERT_TRUE(read_text(POLICIES, text, sizeof(text)) > 0);
	for (at = text; at && strncmp(at, line, strlen(line)); at = at ? at + 1 : NULL)
		at = strchr(at, '\n');
	if (!at)
		return ~0ULL;
	end = strchrnul(at, '\n');
	*end = 0;
	snprintf(word, sizeof(word), " %s=", key);
	at = strstr(at, word);
	return at ? strtoull(at + strlen(word), NULL, 10) : ~0ULL;
}

/* A device that asks for pages, in a space with a queue, or one that follows us. */
struct asker {
	uint32_t sim;
	int dev, queue, id;
};

static inline int do_queue_space(int fd, int queue)
{
	struct ioasid_alloc args = {
		.argsz = sizeof(args), .kind = IOASID_KIND_KERNEL, .fault_queue = queue,
		.flags = IOASID_ALLOC_FAULT_QUEUE | IOASID_ALLOC_PAGE_REQUESTS,
	};

	return ioctl(fd, IOASID_ALLOC, &args);
}

static inline struct asker asker_new(int ctl, int fd, uint64_t cookie)
{
	struct ioasid_fault_queue_alloc args = { .argsz = sizeof(args), .entries = 64 };
	struct asker a = {
		.sim = sim_create(ctl, .nr_devices = 1, .caps = ASKS_CAPS, .pasid_bits = 8),
		.queue = ioctl(fd, IOASID_FAULT_QUEUE_ALLOC, &args),
	};

	ASSERT_LE(0, a.queue);
	a.dev = sim_open(a.sim, 0);
	test_bind(a.dev, fd, cookie);
	a.id = do_queue_space(fd, a.queue);
	ASSERT_LT(0, a.id);
	test_attach(a.dev, a.id);
	return a;
}

/* Of a process's own addresses */
static inline struct asker asker_mirror(int ctl, int fd, uint64_t cookie)
{
	struct asker a = {
		.sim = sim_create(ctl, .nr_devices = 1, .caps = ASKS_CAPS, .pasid_bits = 8),
		.queue = -1,
	};

	a.dev = sim_open(a.sim, 0);
	test_bind(a.dev, fd, cookie);
	a.id = do_alloc_kind(fd, IOASID_KIND_MIRROR, IOASID_NONE, 0, 0);
	ASSERT_LT(0, a.id);
	test_attach(a.dev, a.id);
	return a;
}

static inline void asker_end(struct asker *a)
{
	close(a->dev);
	if (a->queue >= 0)
		close(a->queue);
}

static inline bool told(int queue, int ms)
{
	struct pollfd pfd = { .fd = queue, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1;
}

/* Reads one record and answers it. */
static inline void answer_one(int queue, uint32_t code)
{
	struct ioasid_fault fault = {};
	struct ioasid_fault_response response;
	struct ioasid_fault_respond args = {
		.argsz = sizeof(args), .nr = 1, .responses = (uintptr_t)&response,
	};

	ASSERT_TRUE(told(queue, 20000));
	ASSERT_EQ(sizeof(fault), read(queue, &fault, sizeof(fault)));
	response = (struct ioasid_fault_response){
		.id = fault.id, .cookie = fault.cookie, .ioasid = fault.ioasid, .code = code,
	};
	ASSERT_EQ(0, ioctl(queue, IOASID_FAULT_RESPOND, &args));
}

#endif /* TOOLS_TESTS_POLICY_UTIL_H */
