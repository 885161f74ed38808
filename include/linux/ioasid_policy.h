/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What BPF programs see of the driver: policies (struct_ops type ioasid_policy) and
 * the check of mappings that fmod_ret programs can attach to. docs/bpf.md says how
 * they are used; bpf/policy.h declares the same for BPF programs.
 *
 * These structures are a contract: members are only ever added, at the end, and BPF
 * programs read them with CO-RE.
 */
#ifndef __LINUX_IOASID_POLICY_H
#define __LINUX_IOASID_POLICY_H

#include <linux/types.h>

#define IOASID_POLICY_NAME_LEN	16

/**
 * struct ioasid_map_query - somebody wants to map memory
 * @ctx: number of the context
 * @ioasid: the space; 0: one of kind SVA that is being allocated, which has no number
 *	yet: the addresses are all of the process
 * @iova: first address that devices would use
 * @size: bytes; iova + size - 1 does not overflow, both are whole pages
 * @vaddr: address in the process; in a child of another space: in the parent
 * @prot: IOASID_MAP_*
 * @kind: IOASID_KIND_* of the space
 * @door: enum ioasid_door: /dev/ioasid, or a VFIO container
 * @depth: parents above the space
 */
struct ioasid_map_query {
	u32 ctx;
	u32 ioasid;
	u64 iova;
	u64 size;
	u64 vaddr;
	u32 prot;
	u32 kind;
	u32 door;
	u32 depth;
};

/**
 * struct ioasid_fault_query - a device waits for pages
 * @ctx: number of the context
 * @ioasid: the space
 * @cookie: of the device
 * @addr: lowest address of the group
 * @time_ns: when the IOMMU reported it, CLOCK_MONOTONIC
 * @rid: of the device, as in tracepoints
 * @pasid: as its user knows it, or all ones
 * @perm: IOASID_FAULT_PERM_* of the last request
 * @group: the device's number for it
 * @pages: that are asked for
 * @kind: IOASID_KIND_* of the space
 * @to_kernel: 1: the kernel brings pages by default; 0: a queue of user space is told
 */
struct ioasid_fault_query {
	u32 ctx;
	u32 ioasid;
	u64 cookie;
	u64 addr;
	u64 time_ns;
	u32 rid;
	u32 pasid;
	u32 perm;
	u32 group;
	u32 pages;
	u32 kind;
	u32 to_kernel;
};

/**
 * enum ioasid_verdict - what is to become of a group of page requests
 * @IOASID_VERDICT_NONE: no opinion: the next policy is asked
 * @IOASID_VERDICT_DELIVER: to whoever serves the space; no other policy is asked
 * @IOASID_VERDICT_RESOLVE: by the kernel; in a space that follows a process only
 * @IOASID_VERDICT_SUCCESS: the device is told to try again
 * @IOASID_VERDICT_INVALID: the device is told that there is nothing
 * @IOASID_VERDICT_DROP: the same, and the group appears in counters only, in no
 *	tracepoint
 * @IOASID_NR_VERDICTS: and everything from here on is none
 */
enum ioasid_verdict {
	IOASID_VERDICT_NONE	= 0,
	IOASID_VERDICT_DELIVER	= 1,
	IOASID_VERDICT_RESOLVE	= 2,
	IOASID_VERDICT_SUCCESS	= 3,
	IOASID_VERDICT_INVALID	= 4,
	IOASID_VERDICT_DROP	= 5,
	IOASID_NR_VERDICTS	= 6,
};

/**
 * struct ioasid_policy - a policy, made of BPF programs
 * @flags: 0
 * @ctx: context it is for; 0: all
 * @priority: the lowest is asked first; among equals the one attached first
 * @name: letters, digits and any of "._-", at least one
 * @map_check: may this be mapped? 0: yes, as far as this policy is concerned;
 *	-1 to -IOASID_POLICY_MAX_ERRNO: no, and this is what the caller gets; all else
 *	is nonsense, counted, and means -EPERM. Called in the process that maps, no
 *	lock held, before anything is pinned or charged.
 * @fault_verdict: an enum ioasid_verdict; all else is nonsense, counted, and means
 *	IOASID_VERDICT_NONE. Called in the IOMMU's thread.
 *
 * Both callbacks are optional, one is needed. Neither may sleep.
 */
struct ioasid_policy {
	u32 flags;
	u32 ctx;
	s32 priority;
	char name[IOASID_POLICY_NAME_LEN];
	int (*map_check)(const struct ioasid_map_query *query);
	int (*fault_verdict)(const struct ioasid_fault_query *query);
};

/* The last error that user space has a name for: EHWPOISON */
#define IOASID_POLICY_MAX_ERRNO	133

int ioasid_map_check(const struct ioasid_map_query *query);

#endif /* __LINUX_IOASID_POLICY_H */
