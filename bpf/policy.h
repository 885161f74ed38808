/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The driver's types for policies, as BPF programs declare them; docs/bpf.md explains
 * them. Members that a driver does not have can be told by
 * bpf_core_field_exists(query->member).
 */
#ifndef IOASID_BPF_POLICY_H
#define IOASID_BPF_POLICY_H

#include <linux/types.h>

#ifdef __bpf__
#define IOASID_CO_RE __attribute__((preserve_access_index))
#else
#define IOASID_CO_RE
#endif

struct ioasid_map_query {
	__u32 ctx;
	__u32 ioasid;
	__u64 iova;
	__u64 size;
	__u64 vaddr;
	__u32 prot;
	__u32 kind;
	__u32 door;
	__u32 depth;
} IOASID_CO_RE;

struct ioasid_fault_query {
	__u32 ctx;
	__u32 ioasid;
	__u64 cookie;
	__u64 addr;
	__u64 time_ns;
	__u32 rid;
	__u32 pasid;
	__u32 perm;
	__u32 group;
	__u32 pages;
	__u32 kind;
	__u32 to_kernel;
} IOASID_CO_RE;

enum ioasid_verdict {
	IOASID_VERDICT_NONE,
	IOASID_VERDICT_DELIVER,
	IOASID_VERDICT_RESOLVE,
	IOASID_VERDICT_SUCCESS,
	IOASID_VERDICT_INVALID,
	IOASID_VERDICT_DROP,
};

struct ioasid_policy {
	__u32 flags;
	__u32 ctx;
	__s32 priority;
	char name[16];
	int (*map_check)(const struct ioasid_map_query *query);
	int (*fault_verdict)(const struct ioasid_fault_query *query);
};

/* What the allow-list's map holds. */
struct ioasid_allow_range {
	__u64 first;
	__u64 last;
	__u32 prot; /* IOASID_MAP_* that are allowed there */
	__u32 __reserved;
};

#define IOASID_MAX_ALLOW_RANGES 256

#endif
