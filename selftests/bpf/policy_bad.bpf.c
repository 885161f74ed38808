// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policies that must not be let in, each for one reason, and one that has none. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "policy.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define BAD(_name, _prog)			\
	SEC(".struct_ops.link")			\
	struct ioasid_policy _name = {		\
		.name = #_name,			\
		.map_check = (void *)_prog,	\
	}

SEC("struct_ops/map_check")
int BPF_PROG(good_prog, const struct ioasid_map_query *query)
{
	return query->size > 1ULL << 40 ? -1 : 0;
}

BAD(good, good_prog);

/* It may sleep, says its type. */
SEC("struct_ops.s/map_check")
int BPF_PROG(sleepable_prog, const struct ioasid_map_query *query)
{
	return query->size > 1ULL << 40 ? -1 : 0;
}

BAD(sleepable, sleepable_prog);

/* It may not, and does. */
SEC("struct_ops/map_check")
int BPF_PROG(sleeps_prog, const struct ioasid_map_query *query)
{
	char byte;

	return bpf_copy_from_user(&byte, 1, (void *)query->vaddr) ? -1 : 0;
}

BAD(sleeps, sleeps_prog);

SEC("struct_ops/map_check")
int BPF_PROG(loops_prog, const struct ioasid_map_query *query)
{
	__u64 size = query->size;

	while (size)
		asm volatile("" : "+r"(size));
	return 0;
}

BAD(loops, loops_prog);

SEC("struct_ops/map_check")
int BPF_PROG(address_prog, const struct ioasid_map_query *query)
{
	return *(volatile int *)query->vaddr;
}

BAD(address, address_prog);

SEC("struct_ops/map_check")
int BPF_PROG(beyond_prog, const struct ioasid_map_query *query)
{
	const char *bytes = (const char *)query;
	int value;

	asm volatile("%0 = *(u32 *)(%1 + 4096)" : "=r"(value) : "r"(bytes));
	return value;
}

BAD(beyond, beyond_prog);

SEC("struct_ops/map_check")
int BPF_PROG(writes_prog, const struct ioasid_map_query *query)
{
	((struct ioasid_map_query *)query)->size = 0;
	return 0;
}

BAD(writes, writes_prog);

SEC("struct_ops/map_check")
int context_prog(__u64 *ctx)
{
	ctx[0] = 0;
	return 0;
}

BAD(context, context_prog);

/* A map's value that may not be there */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} seen SEC(".maps");

SEC("struct_ops/map_check")
int BPF_PROG(unchecked_prog, const struct ioasid_map_query *query)
{
	__u64 key = query->iova;

	return *(__u64 *)bpf_map_lookup_elem(&seen, &key);
}

BAD(unchecked, unchecked_prog);

/* One that waits for itself */
struct locked {
	struct bpf_spin_lock lock;
	__u64 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} locks SEC(".maps");

SEC("struct_ops/map_check")
int BPF_PROG(keeps_prog, const struct ioasid_map_query *query)
{
	__u32 key = 0;
	struct locked *locked = bpf_map_lookup_elem(&locks, &key);

	if (!locked)
		return 0;
	bpf_spin_lock(&locked->lock);
	return query->prot ? 0 : -1;
}

BAD(keeps, keeps_prog);

/* And fmod_ret programs that could wait for user space */
SEC("fmod_ret.s/ioasid_map_check")
int BPF_PROG(sleepable_fmodret, const struct ioasid_map_query *query)
{
	return 0;
}
