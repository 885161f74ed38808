// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policies that do as a test says, and count what they were asked. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "policy.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* What to answer; maps only within these addresses, all else is allowed. */
int map_answer;
int fault_answer;
int fmodret_answer;
__u64 first, last = ~0ULL;

__u64 maps, faults, checks;
struct ioasid_map_query last_map;
struct ioasid_fault_query last_fault;

static __always_inline int is_in(const struct ioasid_map_query *query)
{
	return query->iova >= first && query->iova <= last;
}

SEC("struct_ops/map_check")
int BPF_PROG(test_map, const struct ioasid_map_query *query)
{
	__sync_fetch_and_add(&maps, 1);
	last_map.ctx = query->ctx;
	last_map.ioasid = query->ioasid;
	last_map.iova = query->iova;
	last_map.size = query->size;
	last_map.vaddr = query->vaddr;
	last_map.prot = query->prot;
	last_map.kind = query->kind;
	last_map.door = query->door;
	last_map.depth = query->depth;
	return is_in(query) ? map_answer : 0;
}

SEC("struct_ops/fault_verdict")
int BPF_PROG(test_fault, const struct ioasid_fault_query *query)
{
	__sync_fetch_and_add(&faults, 1);
	last_fault.ctx = query->ctx;
	last_fault.ioasid = query->ioasid;
	last_fault.cookie = query->cookie;
	last_fault.addr = query->addr;
	last_fault.time_ns = query->time_ns;
	last_fault.rid = query->rid;
	last_fault.pasid = query->pasid;
	last_fault.perm = query->perm;
	last_fault.pages = query->pages;
	last_fault.kind = query->kind;
	last_fault.to_kernel = query->to_kernel;
	return fault_answer;
}

SEC("fmod_ret/ioasid_map_check")
int BPF_PROG(test_fmodret, const struct ioasid_map_query *query)
{
	__sync_fetch_and_add(&checks, 1);
	return is_in(query) ? fmodret_answer : 0;
}

SEC(".struct_ops.link")
struct ioasid_policy both = {
	.name = "both",
	.map_check = (void *)test_map,
	.fault_verdict = (void *)test_fault,
};

SEC(".struct_ops.link")
struct ioasid_policy maps_only = {
	.name = "maps-only",
	.map_check = (void *)test_map,
};

SEC(".struct_ops.link")
struct ioasid_policy faults_only = {
	.name = "faults-only",
	.fault_verdict = (void *)test_fault,
};

SEC(".struct_ops.link")
struct ioasid_policy nothing = {
	.name = "nothing",
};
