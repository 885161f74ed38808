/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions for BPF programs; bpf/kfuncs.h declares the same for them. */
#ifndef __IOASID_BPF_KFUNCS_H
#define __IOASID_BPF_KFUNCS_H

#include <linux/types.h>

struct ioasid_ctx;
struct ioasid_mapping_info;
struct ioasid_space;

struct ioasid_ctx_info {
	u32 id;
	u32 door;		/* enum ioasid_door */
	u32 pid;		/* of who opened it, in the first pid namespace */
	u32 spaces;		/* a hint: it may change at any time */
	u64 cgroup;
};

struct ioasid_space_counts {
	u64 maps;
	u64 map_bytes;
	u64 unmaps;
	u64 mapped;		/* bytes, now */
	u64 pinned;		/* bytes, now */
	u64 faults;		/* groups */
	u32 mappings;		/* now */
	u32 faults_pending;	/* groups without an answer, now */
	u32 kind;
	u32 depth;
};

struct ioasid_device_desc {
	u64 cookie;		/* what its user calls it */
	u32 rid;		/* as tracepoints show it */
	u32 ioasid;		/* innermost space it is attached to, without PASIDs; 0: none */
	u32 pasids;		/* how many of them are attached, now */
	u32 faults_pending;	/* groups without an answer, now */
	u32 flags;		/* IOASID_DEVICE_SUBDEVICE */
	u32 __reserved;
	char name[32];		/* of the kernel's device, cut off if longer */
};

/* Part of a function, by the PASID it uses */
#define IOASID_DEVICE_SUBDEVICE	BIT(0)

/* Their words are opaque to programs. */
struct bpf_iter_ioasid_ctx {
	u64 __opaque[1];
} __aligned(8);

struct bpf_iter_ioasid_space {
	u64 __opaque[2];
} __aligned(8);

struct bpf_iter_ioasid_mapping {
	u64 __opaque[8];
} __aligned(8);

struct bpf_iter_ioasid_device {
	u64 __opaque[11];
} __aligned(8);

int ioasid_bpf_space_counts(u32 ctx, u32 ioasid,
			    struct ioasid_space_counts *counts);
struct ioasid_ctx *ioasid_bpf_ctx_acquire(u32 id);
void ioasid_bpf_ctx_release(struct ioasid_ctx *ctx);
int ioasid_bpf_ctx_info(struct ioasid_ctx *ctx, struct ioasid_ctx_info *info);
struct ioasid_space *ioasid_bpf_space_acquire(u32 ctx, u32 ioasid);
void ioasid_bpf_space_release(struct ioasid_space *space);
int ioasid_bpf_lookup(struct ioasid_space *space, u64 iova,
		      struct ioasid_mapping_info *info);
int bpf_iter_ioasid_ctx_new(struct bpf_iter_ioasid_ctx *it);
u32 *bpf_iter_ioasid_ctx_next(struct bpf_iter_ioasid_ctx *it);
void bpf_iter_ioasid_ctx_destroy(struct bpf_iter_ioasid_ctx *it);
int bpf_iter_ioasid_space_new(struct bpf_iter_ioasid_space *it, u32 ctx);
u32 *bpf_iter_ioasid_space_next(struct bpf_iter_ioasid_space *it);
void bpf_iter_ioasid_space_destroy(struct bpf_iter_ioasid_space *it);
int bpf_iter_ioasid_mapping_new(struct bpf_iter_ioasid_mapping *it, u32 ctx,
				u32 ioasid, u64 first, u64 last);
struct ioasid_mapping_info *
bpf_iter_ioasid_mapping_next(struct bpf_iter_ioasid_mapping *it);
void bpf_iter_ioasid_mapping_destroy(struct bpf_iter_ioasid_mapping *it);
int bpf_iter_ioasid_device_new(struct bpf_iter_ioasid_device *it, u32 ctx);
struct ioasid_device_desc *
bpf_iter_ioasid_device_next(struct bpf_iter_ioasid_device *it);
void bpf_iter_ioasid_device_destroy(struct bpf_iter_ioasid_device *it);

#endif /* __IOASID_BPF_KFUNCS_H */
