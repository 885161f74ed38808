// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts successful maps by process and stack of calls.
 *
 * Walking stacks costs about as much as a map, so that it is done only while somebody
 * looks: user space sets a flag. Programs may interrupt each other where tracepoints are
 * preemptible (7.x), hence atomic additions.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "stacks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set while somebody looks. */
bool counting;

/* Maps that found no room. */
__u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, IOASID_MAX_STACKS);
	__type(key, struct ioasid_stack_key);
	__type(value, struct ioasid_stack_count);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, IOASID_MAX_TRACES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, IOASID_STACK_FRAMES * sizeof(__u64));
} traces SEC(".maps");

static __always_inline struct ioasid_stack_count *count_of(const struct ioasid_stack_key *key)
{
	struct ioasid_stack_count *count = bpf_map_lookup_elem(&counts, key), new = { 0 };

	if (count)
		return count;
	bpf_get_current_comm(new.comm, sizeof(new.comm));
	/* Another CPU may be first: then this fails and the lookup succeeds. */
	bpf_map_update_elem(&counts, key, &new, BPF_NOEXIST);
	return bpf_map_lookup_elem(&counts, key);
}

/* ctx, ioasid, iova, size, vaddr, flags, result, ... */
SEC("raw_tp/ioasid_map")
int on_map(struct bpf_raw_tracepoint_args *ctx)
{
	struct ioasid_stack_key key = { 0 };
	struct ioasid_stack_count *count;

	if (!counting || (int)(__u32)ctx->args[6] < 0)
		return 0;
	key.pid = bpf_get_current_pid_tgid() >> 32;
	/* Two stacks with the same hash: the first one keeps the place, the maps count. */
	key.kernel = bpf_get_stackid(ctx, &traces, 0);
	key.user = bpf_get_stackid(ctx, &traces, BPF_F_USER_STACK);
	if (key.kernel < 0)
		key.kernel = -1;
	if (key.user < 0)
		key.user = -1;
	count = count_of(&key);
	if (!count) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	__sync_fetch_and_add(&count->bytes, ctx->args[3]);
	__sync_fetch_and_add(&count->maps, 1);
	return 0;
}
