/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Functions of the driver that BPF programs can call, as they declare them; docs/bpf.md
 * says which programs may. bpf_ksym_exists(function) tells whether this driver has it.
 */
#ifndef IOASID_BPF_KFUNCS_H
#define IOASID_BPF_KFUNCS_H

#include <linux/types.h>
#include "policy.h"

struct ioasid_space_counts {
	__u64 maps;
	__u64 map_bytes;
	__u64 unmaps;
	__u64 mapped;
	__u64 pinned;
	__u64 faults;
	__u32 mappings;
	__u32 faults_pending;
	__u32 kind;
	__u32 depth;
};

struct ioasid_ctx_info {
	__u32 id;
	__u32 door;
	__u32 pid;
	__u32 spaces;
	__u64 cgroup;
};

/* As <linux/ioasid.h> has it, with the flags' names */
#ifndef IOASID_MAPPING_PARENT
struct ioasid_mapping_info {
	__u64 iova;
	__u64 size;
	__u64 target;
	__u32 prot;
	__u32 flags;
};
#endif

struct ioasid_device_desc {
	__u64 cookie;		/* what its user calls it */
	__u32 rid;		/* as tracepoints show it */
	__u32 ioasid;		/* innermost space it is attached to, without PASIDs; 0: none */
	__u32 pasids;		/* how many of them are attached, now */
	__u32 faults_pending;	/* groups without an answer, now */
	__u32 flags;		/* IOASID_DEVICE_SUBDEVICE */
	__u32 __reserved;
	char name[32];
};

#define IOASID_DEVICE_SUBDEVICE	(1U << 0)	/* part of a function, by the PASID it uses */

#ifdef __bpf__
/* Only to hand on. With a mere declaration libbpf finds no function. */
struct ioasid_ctx {};
struct ioasid_space {};

struct bpf_iter_ioasid_ctx {
	__u64 __opaque[1];
} __attribute__((aligned(8)));

struct bpf_iter_ioasid_space {
	__u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_iter_ioasid_mapping {
	__u64 __opaque[8];
} __attribute__((aligned(8)));

struct bpf_iter_ioasid_device {
	__u64 __opaque[11];
} __attribute__((aligned(8)));

#define IOASID_KFUNC __attribute__((weak)) __attribute__((section(".ksyms")))

/* Any program of type tracing, struct_ops or syscall */
extern int ioasid_bpf_space_counts(__u32 ctx, __u32 ioasid,
				   struct ioasid_space_counts *counts) IOASID_KFUNC;

/* Programs of type syscall only */
extern struct ioasid_ctx *ioasid_bpf_ctx_acquire(__u32 id) IOASID_KFUNC;
extern void ioasid_bpf_ctx_release(struct ioasid_ctx *ctx) IOASID_KFUNC;
extern int ioasid_bpf_ctx_info(struct ioasid_ctx *ctx, struct ioasid_ctx_info *info) IOASID_KFUNC;
extern struct ioasid_space *ioasid_bpf_space_acquire(__u32 ctx, __u32 ioasid) IOASID_KFUNC;
extern void ioasid_bpf_space_release(struct ioasid_space *space) IOASID_KFUNC;
extern int ioasid_bpf_lookup(struct ioasid_space *space, __u64 iova,
			     struct ioasid_mapping_info *info) IOASID_KFUNC;

extern int bpf_iter_ioasid_ctx_new(struct bpf_iter_ioasid_ctx *it) IOASID_KFUNC;
extern __u32 *bpf_iter_ioasid_ctx_next(struct bpf_iter_ioasid_ctx *it) IOASID_KFUNC;
extern void bpf_iter_ioasid_ctx_destroy(struct bpf_iter_ioasid_ctx *it) IOASID_KFUNC;
extern int bpf_iter_ioasid_space_new(struct bpf_iter_ioasid_space *it, __u32 ctx) IOASID_KFUNC;
extern __u32 *bpf_iter_ioasid_space_next(struct bpf_iter_ioasid_space *it) IOASID_KFUNC;
extern void bpf_iter_ioasid_space_destroy(struct bpf_iter_ioasid_space *it) IOASID_KFUNC;
extern int bpf_iter_ioasid_mapping_new(struct bpf_iter_ioasid_mapping *it, __u32 ctx, __u32 ioasid,
				       __u64 first, __u64 last) IOASID_KFUNC;
extern struct ioasid_mapping_info *
bpf_iter_ioasid_mapping_next(struct bpf_iter_ioasid_mapping *it) IOASID_KFUNC;
extern void bpf_iter_ioasid_mapping_destroy(struct bpf_iter_ioasid_mapping *it) IOASID_KFUNC;
extern int bpf_iter_ioasid_device_new(struct bpf_iter_ioasid_device *it, __u32 ctx) IOASID_KFUNC;
extern struct ioasid_device_desc *
bpf_iter_ioasid_device_next(struct bpf_iter_ioasid_device *it) IOASID_KFUNC;
extern void bpf_iter_ioasid_device_destroy(struct bpf_iter_ioasid_device *it) IOASID_KFUNC;
#endif

#endif
