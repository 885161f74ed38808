// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An allow-list: memory may be mapped where one of the ranges has room for all of it,
 * with no more permissions than the range has. Everything else is refused.
 *
 * The ranges are those of the map, from the first on; user space says how many, before
 * it is loaded. To change them, replace the policy: then no mapping sees half of a
 * change.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "policy.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EPERM 1

const volatile __u32 nr_ranges;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IOASID_MAX_ALLOW_RANGES);
	__type(key, __u32);
	__type(value, struct ioasid_allow_range);
} ranges SEC(".maps");

SEC("struct_ops/map_check")
int BPF_PROG(allow_check, const struct ioasid_map_query *query)
{
	__u64 first = query->iova, last = first + query->size - 1;

	for (__u32 i = 0; i < IOASID_MAX_ALLOW_RANGES; i++) {
		const struct ioasid_allow_range *range;
		__u32 key = i;

		if (i >= nr_ranges)
			break;
		range = bpf_map_lookup_elem(&ranges, &key);
		if (range && first >= range->first && last <= range->last &&
		    !(query->prot & ~range->prot))
			return 0;
	}
	return -EPERM;
}

SEC(".struct_ops.link")
struct ioasid_policy allow = {
	.name = "allow",
	.map_check = (void *)allow_check,
};
