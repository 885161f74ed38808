// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that ask the driver, and some that must not be let in. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "kfuncs.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EPERM	1
#define ENOSPC	28
#define MAX_LISTED 16

/* Set by the test */
__u32 ctx, ioasid;
__u64 iova, first, last, limit;

/* What was found */
int rc;
__u32 nr_ctxs, nr_spaces, nr_mappings, nr_devices, seen_ctx, newest;
struct ioasid_device_desc devices[MAX_LISTED];
struct ioasid_mapping_info found;
struct ioasid_mapping_info listed[MAX_LISTED];
struct ioasid_ctx_info info;
struct ioasid_space_counts counts;

SEC("syscall")
int look_up(void *unused)
{
	struct ioasid_space *space = ioasid_bpf_space_acquire(ctx, ioasid);

	if (!space) {
		rc = -1;
		return 0;
	}
	rc = ioasid_bpf_lookup(space, iova, &found);
	ioasid_bpf_space_release(space);
	return 0;
}

SEC("syscall")
int who(void *unused)
{
	struct ioasid_ctx *c = ioasid_bpf_ctx_acquire(ctx);

	if (!c) {
		rc = -1;
		return 0;
	}
	rc = ioasid_bpf_ctx_info(c, &info);
	ioasid_bpf_ctx_release(c);
	return 0;
}

SEC("syscall")
int walk(void *unused)
{
	struct ioasid_mapping_info *m;
	__u32 *id;

	nr_ctxs = 0;
	nr_spaces = 0;
	nr_mappings = 0;
	bpf_for_each(ioasid_ctx, id) {
		nr_ctxs++;
		newest = *id;
		if (*id == ctx)
			seen_ctx = *id;
	}
	bpf_for_each(ioasid_space, id, ctx)
		nr_spaces++;
	bpf_for_each(ioasid_mapping, m, ctx, ioasid, first, last) {
		__u32 i = nr_mappings++;

		if (i < MAX_LISTED) {
			listed[i].iova = m->iova;
			listed[i].size = m->size;
			listed[i].target = m->target;
			listed[i].prot = m->prot;
			listed[i].flags = m->flags;
		}
	}
	return 0;
}

SEC("syscall")
int list_devices(void *unused)
{
	struct ioasid_device_desc *d;

	nr_devices = 0;
	bpf_for_each(ioasid_device, d, ctx) {
		__u32 i = nr_devices++;

		if (i < MAX_LISTED)
			bpf_probe_read_kernel(&devices[i], sizeof(devices[i]), d);
	}
	return 0;
}

SEC("syscall")
int count(void *unused)
{
	rc = ioasid_bpf_space_counts(ctx, ioasid, &counts);
	return 0;
}

/* A policy with a memory of its own: no space may map more than so much. */
SEC("struct_ops/map_check")
int BPF_PROG(quota_check, const struct ioasid_map_query *query)
{
	struct ioasid_space_counts now;

	if (ioasid_bpf_space_counts(query->ctx, query->ioasid, &now))
		return -EPERM;
	return now.mapped + query->size > limit ? -ENOSPC : 0;
}

SEC(".struct_ops.link")
struct ioasid_policy quota = {
	.name = "quota",
	.map_check = (void *)quota_check,
};

SEC("fentry/ioasid_map_check")
int BPF_PROG(traced, const struct ioasid_map_query *query)
{
	rc = ioasid_bpf_space_counts(query->ctx, query->ioasid, &counts);
	return 0;
}

/* Not to be let in */

SEC("syscall")
int leaks(void *unused)
{
	struct ioasid_space *space = ioasid_bpf_space_acquire(ctx, ioasid);

	return space ? 1 : 0;
}

SEC("syscall")
int unchecked(void *unused)
{
	struct ioasid_space *space = ioasid_bpf_space_acquire(ctx, ioasid);

	ioasid_bpf_space_release(space);
	return 0;
}

SEC("syscall")
int twice(void *unused)
{
	struct ioasid_space *space = ioasid_bpf_space_acquire(ctx, ioasid);

	if (!space)
		return 0;
	ioasid_bpf_space_release(space);
	ioasid_bpf_space_release(space);
	return 0;
}

SEC("syscall")
int after(void *unused)
{
	struct ioasid_space *space = ioasid_bpf_space_acquire(ctx, ioasid);

	if (!space)
		return 0;
	ioasid_bpf_space_release(space);
	return ioasid_bpf_lookup(space, iova, &found);
}

SEC("syscall")
int wrong_type(void *unused)
{
	struct ioasid_ctx *c = ioasid_bpf_ctx_acquire(ctx);

	if (!c)
		return 0;
	ioasid_bpf_lookup((struct ioasid_space *)c, iova, &found);
	ioasid_bpf_ctx_release(c);
	return 0;
}

SEC("syscall")
int no_destroy(void *unused)
{
	struct bpf_iter_ioasid_ctx it;

	bpf_iter_ioasid_ctx_new(&it);
	return bpf_iter_ioasid_ctx_next(&it) ? 1 : 0;
}

SEC("syscall")
int short_buffer(void *unused)
{
	__u64 small[2] = {};

	return ioasid_bpf_space_counts(ctx, ioasid, (struct ioasid_space_counts *)small);
}

SEC("fentry/ioasid_map_check")
int BPF_PROG(sleeps_in_fentry, const struct ioasid_map_query *query)
{
	struct ioasid_space *space = ioasid_bpf_space_acquire(query->ctx, query->ioasid);

	if (space)
		ioasid_bpf_space_release(space);
	return 0;
}

SEC("struct_ops/map_check")
int BPF_PROG(sleeps_in_policy, const struct ioasid_map_query *query)
{
	struct ioasid_space *space = ioasid_bpf_space_acquire(query->ctx, query->ioasid);

	if (space)
		ioasid_bpf_space_release(space);
	return 0;
}

SEC(".struct_ops.link")
struct ioasid_policy sleeper = {
	.name = "sleeper",
	.map_check = (void *)sleeps_in_policy,
};
