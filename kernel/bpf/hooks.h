/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the driver asks BPF programs, see <linux/ioasid_policy.h>. On kernels
 * without BTF of modules or without a BPF JIT nobody is asked.
 */
#ifndef __IOASID_BPF_HOOKS_H
#define __IOASID_BPF_HOOKS_H

#include <linux/ioasid_policy.h>
#include <linux/jump_label.h>

struct dentry;
struct ioasid_pending;
struct ioasid_space;

#ifdef IOASID_BPF
DECLARE_STATIC_KEY_FALSE(ioasid_fault_policies);

int ioasid_hook_map(struct ioasid_space *space, u64 iova, u64 vaddr, u64 size,
		    u32 prot);
enum ioasid_verdict ioasid_policies_fault(const struct ioasid_pending *p);
void ioasid_policies_init(void);
void ioasid_policies_show_in(struct dentry *dir);

/* Nothing but the static key is run while no policy has an opinion on faults. */
static inline enum ioasid_verdict
ioasid_hook_fault(const struct ioasid_pending *p)
{
	if (static_branch_unlikely(&ioasid_fault_policies))
		return ioasid_policies_fault(p);
	return IOASID_VERDICT_NONE;
}
#else
static inline int ioasid_hook_map(struct ioasid_space *space, u64 iova,
				  u64 vaddr, u64 size, u32 prot)
{
	return 0;
}

static inline enum ioasid_verdict
ioasid_hook_fault(const struct ioasid_pending *p)
{
	return IOASID_VERDICT_NONE;
}

static inline void ioasid_policies_init(void)
{
}

static inline void ioasid_policies_show_in(struct dentry *dir)
{
}
#endif

#endif /* __IOASID_BPF_HOOKS_H */
