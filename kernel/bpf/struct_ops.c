// SPDX-License-Identifier: GPL-2.0-only
/*
 * The struct_ops type ioasid_policy: what the verifier and bpf(2) need to know.
 *
 * The BPF core holds a reference to this module from the time a map of this type is
 * made, so that it cannot be unloaded while a policy is loaded, attached or not.
 */
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/ctype.h>
#include <linux/module.h>

#include "ops.h"

static int policy_init(struct btf *btf)
{
	return 0;
}

static bool policy_is_valid_access(int off, int size, enum bpf_access_type type,
				   const struct bpf_prog *prog,
				   struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

/* What the arguments point to can only be read: there is no btf_struct_access. */
static const struct bpf_verifier_ops policy_verifier_ops = {
	.get_func_proto = bpf_base_func_proto,
	.is_valid_access = policy_is_valid_access,
};

static int policy_check_member(const struct btf_type *t,
			       const struct btf_member *member,
			       const struct bpf_prog *prog)
{
	/* Faults come in threads that must not wait. */
	return prog->sleepable ? -EINVAL : 0;
}

static bool is_name(const char *name)
{
	const char *c;

	for (c = name; c < name + IOASID_POLICY_NAME_LEN && *c; c++)
		if (!isalnum(*c) && !strchr("._-", *c))
			return false;
	return c != name && c < name + IOASID_POLICY_NAME_LEN;
}

/* 1: it has been copied, 0: the core does. */
static int policy_init_member(const struct btf_type *t,
			      const struct btf_member *member, void *kdata,
			      const void *udata)
{
	const struct ioasid_policy *from = udata;
	struct ioasid_policy *to = kdata;

	switch (__btf_member_bit_offset(t, member) / 8) {
	case offsetof(struct ioasid_policy, flags):
		return from->flags ? -EOPNOTSUPP : 1;
	case offsetof(struct ioasid_policy, ctx):
		to->ctx = from->ctx;
		return 1;
	case offsetof(struct ioasid_policy, priority):
		to->priority = from->priority;
		return 1;
	case offsetof(struct ioasid_policy, name):
		if (!is_name(from->name))
			return -EINVAL;
		memcpy(to->name, from->name, sizeof(to->name));
		return 1;
	default:
		return 0;
	}
}

static int policy_validate(void *kdata)
{
	const struct ioasid_policy *ops = kdata;

	return ops->map_check || ops->fault_verdict ? 0 : -EINVAL;
}

static int policy_reg(void *kdata, struct bpf_link *link)
{
	return ioasid_policy_attach(kdata, link);
}

static void policy_unreg(void *kdata, struct bpf_link *link)
{
	ioasid_policy_detach(kdata, link);
}

static int policy_update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return ioasid_policy_replace(kdata, old_kdata, link);
}

/* Their types are what programs are called as. */
static int map_check_stub(const struct ioasid_map_query *query)
{
	return 0;
}

static int fault_verdict_stub(const struct ioasid_fault_query *query)
{
	return IOASID_VERDICT_NONE;
}

static struct ioasid_policy stubs = {
	.map_check = map_check_stub,
	.fault_verdict = fault_verdict_stub,
};

static struct bpf_struct_ops policy_ops = {
	.verifier_ops = &policy_verifier_ops,
	.init = policy_init,
	.check_member = policy_check_member,
	.init_member = policy_init_member,
	.validate = policy_validate,
	.reg = policy_reg,
	.unreg = policy_unreg,
	.update = policy_update,
	.cfi_stubs = &stubs,
	.name = "ioasid_policy",
	.owner = THIS_MODULE,
};

/* Programs that change what a function returns */

static atomic64_t refusals, nonsense;

__bpf_hook_start();

/**
 * ioasid_map_check - may this be mapped?
 * @query: what
 *
 * Called before anything is pinned or charged, and before policies are asked. A
 * fmod_ret program returns what the caller is to get: 0, or a negative errno; all
 * else is counted, and means -EPERM. Programs must not sleep.
 */
__weak noinline int ioasid_map_check(const struct ioasid_map_query *query)
{
	return 0;
}

__bpf_hook_end();

BTF_SET8_START(fmodret_ids)
BTF_ID_FLAGS(func, ioasid_map_check)
BTF_SET8_END(fmodret_ids)

static const struct btf_kfunc_id_set fmodret_set = {
	.owner = THIS_MODULE,
	.set = &fmodret_ids,
};

static int ask_fmodret(const struct ioasid_map_query *query)
{
	int said, rc;

	/*
	 * A program of this type is skipped on a CPU where it is running already:
	 * what was refused would be allowed. It is never preempted here.
	 */
	preempt_disable_notrace();
	said = ioasid_map_check(query);
	preempt_enable_notrace();
	rc = ioasid_errno_of(said);
	if (rc != said)
		atomic64_inc(&nonsense);
	else if (rc)
		atomic64_inc(&refusals);
	return rc;
}

void ioasid_map_check_show(struct seq_file *s)
{
	seq_printf(s, "fmod-ret refusals=%lld map-nonsense=%lld\n",
		   atomic64_read(&refusals), atomic64_read(&nonsense));
}

/**
 * ioasid_hook_map - may this be mapped?
 * @space: where
 * @iova: for devices
 * @vaddr: in the process, or in the parent
 * @size: bytes
 * @prot: IOASID_MAP_*
 *
 * Context: no locks. The values make sense.
 */
int ioasid_hook_map(struct ioasid_space *space, u64 iova, u64 vaddr, u64 size,
		    u32 prot)
{
	struct ioasid_map_query query = {
		.ctx = space->ctx->id,
		.ioasid = space->id,
		.iova = iova,
		.size = size,
		.vaddr = vaddr,
		.prot = prot,
		.kind = space->kind,
		.door = space->ctx->door,
		.depth = space->depth,
	};
	int rc = ask_fmodret(&query);

	if (!rc && static_branch_unlikely(&ioasid_map_policies))
		rc = ioasid_policies_map(&query);
	return rc;
}

/**
 * ioasid_policies_init - let policies be attached
 *
 * A kernel whose BTF does not fit this module's has no hooks, and all else.
 */
void ioasid_policies_init(void)
{
	int rc;

	rc = register_bpf_struct_ops(&policy_ops, ioasid_policy);
	if (!rc)
		rc = register_btf_fmodret_id_set(&fmodret_set);
	if (!rc)
		rc = ioasid_kfuncs_init();
	if (rc)
		pr_warn("ioasid: no BPF programs can be attached: error %d\n", rc);
}
