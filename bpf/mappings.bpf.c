// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists the first mappings of an address space: user space runs it. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "kfuncs.h"
#include "mappings.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set by user space */
__u32 ctx, ioasid;
__u64 first;

/* What was found */
bool supported, found, more;
__u32 nr;
struct ioasid_mapping_info listed[IOASID_MAX_LISTED];

SEC("syscall")
int list_mappings(void *unused)
{
	struct ioasid_space *space;
	struct ioasid_mapping_info *m;

	nr = 0;
	more = found = false;
	supported = bpf_ksym_exists(bpf_iter_ioasid_mapping_new) &&
		    bpf_ksym_exists(bpf_iter_ioasid_mapping_next) &&
		    bpf_ksym_exists(bpf_iter_ioasid_mapping_destroy) &&
		    bpf_ksym_exists(ioasid_bpf_space_acquire) &&
		    bpf_ksym_exists(ioasid_bpf_space_release);
	if (!supported)
		return 0;
	space = ioasid_bpf_space_acquire(ctx, ioasid);
	if (!space)
		return 0;
	ioasid_bpf_space_release(space);
	found = true;
	bpf_for_each(ioasid_mapping, m, ctx, ioasid, first, ~0ULL) {
		__u32 i = nr;

		if (i >= IOASID_MAX_LISTED) {
			more = true;
			break;
		}
		listed[i].iova = m->iova;
		listed[i].size = m->size;
		listed[i].target = m->target;
		listed[i].prot = m->prot;
		listed[i].flags = m->flags;
		nr = i + 1;
	}
	return 0;
}
