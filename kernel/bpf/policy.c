// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies of BPF programs that are attached, and how they are asked.
 *
 * Readers see one of two sets, under rcu_read_lock(). A change is made in the other
 * one, which then takes its place; afterwards the change waits for readers: when an
 * attach, a replacement or a detach has returned, nobody is asked in the old way any
 * more, and at no time did anybody see neither the old nor the new policy, or both.
 */
#include <linux/debugfs.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>

#include "ops.h"

#define MAX_POLICIES	64

DEFINE_STATIC_KEY_FALSE(ioasid_map_policies);
DEFINE_STATIC_KEY_FALSE(ioasid_fault_policies);

/**
 * struct policy_counts - what a policy was asked and said
 * @maps: mappings it was asked about
 * @refusals: mappings it refused, not for nonsense
 * @map_nonsense: answers that are no errors; they refuse as well
 * @faults: groups it was asked about
 * @verdicts: what it said, by enum ioasid_verdict
 * @fault_nonsense: what is no verdict
 */
struct policy_counts {
	u64 maps;
	u64 refusals;
	u64 map_nonsense;
	u64 faults;
	u64 verdicts[IOASID_NR_VERDICTS];
	u64 fault_nonsense;
};

#define NR_COUNTS	(sizeof(struct policy_counts) / sizeof(u64))

/**
 * struct policy - one that is attached, from attach to detach
 * @ops: the programs; changes with a replacement
 * @link: or NULL: attached by an update of its map
 * @number: grows with each attach
 * @updates: how often it was replaced
 * @counts: since it was attached, replacements included
 */
struct policy {
	const struct ioasid_policy *ops;
	struct bpf_link *link;
	u64 number;
	u64 updates;
	struct policy_counts __percpu *counts;
};

/**
 * struct policy_set - whom to ask, in order
 * @nr: how many
 * @slots: @ops is what @policy has, or had before it was replaced
 */
struct policy_set {
	unsigned int nr;
	struct {
		const struct ioasid_policy *ops;
		struct policy *policy;
	} slots[MAX_POLICIES];
};

static struct policy_set sets[2];
static struct policy_set __rcu *current_set = RCU_INITIALIZER(&sets[0]);

/* Of changes, and of what follows */
static DEFINE_MUTEX(policies_lock);
static u64 last_number;
static struct policy_counts past;	/* of those that were detached */

/* Asking */

static bool is_for(const struct ioasid_policy *ops, u32 ctx)
{
	return !ops->ctx || ops->ctx == ctx;
}

/**
 * ioasid_errno_of - what a check of a mapping means
 * @rc: what a program returned
 *
 * Errors that mean something inside the kernel only would not come out as they went
 * in: a restarted system call could go on forever.
 */
int ioasid_errno_of(int rc)
{
	return rc <= 0 && rc >= -IOASID_POLICY_MAX_ERRNO ? rc : -EPERM;
}

/**
 * ioasid_policies_map - ask about a mapping
 * @query: the mapping
 *
 * The first refusal is it.
 */
int ioasid_policies_map(const struct ioasid_map_query *query)
{
	const struct policy_set *set;
	unsigned int i;
	int rc = 0;

	rcu_read_lock();
	set = rcu_dereference(current_set);
	for (i = 0; i < set->nr && !rc; i++) {
		const struct ioasid_policy *ops = set->slots[i].ops;
		struct policy_counts __percpu *counts =
			set->slots[i].policy->counts;
		int said;

		if (!ops->map_check || !is_for(ops, query->ctx))
			continue;
		said = ops->map_check(query);
		rc = ioasid_errno_of(said);
		this_cpu_inc(counts->maps);
		if (rc != said)
			this_cpu_inc(counts->map_nonsense);
		else if (rc)
			this_cpu_inc(counts->refusals);
	}
	rcu_read_unlock();
	return rc;
}

static bool is_verdict(unsigned int said, const struct ioasid_fault_query *query)
{
	return said < IOASID_NR_VERDICTS &&
	       (said != IOASID_VERDICT_RESOLVE || query->to_kernel);
}

static enum ioasid_verdict ask_all(const struct ioasid_fault_query *query)
{
	enum ioasid_verdict verdict = IOASID_VERDICT_NONE;
	const struct policy_set *set;
	unsigned int i, said;

	rcu_read_lock();
	set = rcu_dereference(current_set);
	for (i = 0; i < set->nr && verdict == IOASID_VERDICT_NONE; i++) {
		const struct ioasid_policy *ops = set->slots[i].ops;
		struct policy_counts __percpu *counts =
			set->slots[i].policy->counts;

		if (!ops->fault_verdict || !is_for(ops, query->ctx))
			continue;
		said = ops->fault_verdict(query);
		this_cpu_inc(counts->faults);
		if (is_verdict(said, query)) {
			verdict = said;
			this_cpu_inc(counts->verdicts[verdict]);
		} else {
			this_cpu_inc(counts->fault_nonsense);
		}
	}
	rcu_read_unlock();
	return verdict;
}

/**
 * ioasid_policies_fault - ask about a group of page requests
 * @p: the group
 *
 * Context: that of ioasid_fault_handler().
 */
enum ioasid_verdict ioasid_policies_fault(const struct ioasid_pending *p)
{
	const struct ioasid_space *space = p->at->space;
	const struct iommu_fault_page_request *prm =
		&p->group->last_fault.fault.prm;
	struct ioasid_fault_query query = {
		.ctx = space->ctx->id,
		.ioasid = space->id,
		.cookie = p->idev->cookie,
		.addr = p->addr,
		.time_ns = p->reported_ns,
		.rid = ioasid_device_rid(p->group->fault_param->dev),
		.pasid = p->pasid,
		.perm = prm->perm,
		.group = prm->grpid,
		.pages = p->npages,
		.kind = space->kind,
		.to_kernel = ioasid_space_faults_to_kernel(space),
	};

	return ask_all(&query);
}

/* Changes */

static struct policy_set *set_now(void)
{
	return rcu_dereference_protected(current_set,
					 lockdep_is_held(&policies_lock));
}

static struct policy *find(const struct ioasid_policy *ops,
			   const struct bpf_link *link)
{
	const struct policy_set *set = set_now();
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (set->slots[i].policy->link == link &&
		    set->slots[i].ops == ops)
			return set->slots[i].policy;
	return NULL;
}

static bool is_attached(const struct ioasid_policy *ops)
{
	const struct policy_set *set = set_now();
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (set->slots[i].ops == ops)
			return true;
	return false;
}

static bool goes_before(const struct policy *a, const struct policy *b)
{
	return a->ops->priority != b->ops->priority ?
		       a->ops->priority < b->ops->priority :
		       a->number < b->number;
}

static void insert(struct policy_set *set, struct policy *policy)
{
	unsigned int i = set->nr++;

	for (; i && goes_before(policy, set->slots[i - 1].policy); i--)
		set->slots[i] = set->slots[i - 1];
	set->slots[i].ops = policy->ops;
	set->slots[i].policy = policy;
}

static void set_key(struct static_key_false *key, bool on)
{
	if (on)
		static_branch_enable(key);
	else
		static_branch_disable(key);
}

/* Without @without, with @with; either may be NULL. */
static void change(struct policy *without, struct policy *with)
{
	const struct policy_set *old = set_now();
	struct policy_set *new = &sets[old == &sets[0]];
	bool maps = false, faults = false;
	unsigned int i;

	new->nr = 0;
	for (i = 0; i < old->nr; i++)
		if (old->slots[i].policy != without)
			insert(new, old->slots[i].policy);
	if (with)
		insert(new, with);
	for (i = 0; i < new->nr; i++) {
		maps |= !!new->slots[i].ops->map_check;
		faults |= !!new->slots[i].ops->fault_verdict;
	}
	rcu_assign_pointer(current_set, new);
	set_key(&ioasid_map_policies, maps);
	set_key(&ioasid_fault_policies, faults);
	synchronize_rcu();
}

/* It may end at any time: then the policy is asked no more. */
static int check_ctx(u32 id)
{
	struct ioasid_ctx *ctx;

	rcu_read_lock();
	ctx = id ? ioasid_ctx_find_rcu(id) : NULL;
	rcu_read_unlock();
	return !id || ctx ? 0 : -ENOENT;
}

static struct policy *policy_new(const struct ioasid_policy *ops,
				 struct bpf_link *link)
{
	struct policy *policy = kzalloc(sizeof(*policy), GFP_KERNEL);

	if (!policy)
		return NULL;
	policy->counts = alloc_percpu(struct policy_counts);
	if (!policy->counts) {
		kfree(policy);
		return NULL;
	}
	policy->ops = ops;
	policy->link = link;
	return policy;
}

static void policy_free(struct policy *policy)
{
	free_percpu(policy->counts);
	kfree(policy);
}

/**
 * ioasid_policy_attach - ask from now on
 * @ops: whom
 * @link: of user space; NULL: there is none
 *
 * Returns -ENOENT: there is no such context, -EBUSY: it is attached already,
 * -ENOSPC: too many are.
 */
int ioasid_policy_attach(const struct ioasid_policy *ops, struct bpf_link *link)
{
	struct policy *policy;
	int rc = check_ctx(ops->ctx);

	if (rc)
		return rc;
	policy = policy_new(ops, link);
	if (!policy)
		return -ENOMEM;
	mutex_lock(&policies_lock);
	if (is_attached(ops)) {
		rc = -EBUSY;
	} else if (set_now()->nr == MAX_POLICIES) {
		rc = -ENOSPC;
	} else {
		policy->number = ++last_number;
		change(NULL, policy);
	}
	mutex_unlock(&policies_lock);
	if (rc)
		policy_free(policy);
	return rc;
}

static void add_counts(struct policy_counts *sum, const struct policy *policy)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		const u64 *from = (const u64 *)per_cpu_ptr(policy->counts, cpu);

		for (i = 0; i < NR_COUNTS; i++)
			((u64 *)sum)[i] += READ_ONCE(from[i]);
	}
}

/**
 * ioasid_policy_detach - do not ask any more
 * @ops: whom
 * @link: as it was attached with
 */
void ioasid_policy_detach(const struct ioasid_policy *ops,
			  const struct bpf_link *link)
{
	struct policy *policy;

	mutex_lock(&policies_lock);
	policy = find(ops, link);
	if (!WARN_ON(!policy)) {
		change(policy, NULL);
		add_counts(&past, policy);
		policy_free(policy);
	}
	mutex_unlock(&policies_lock);
}

/**
 * ioasid_policy_replace - ask somebody else
 * @ops: whom
 * @old: instead of whom
 * @link: as the old one was attached with
 *
 * It takes its place in the order by its own priority and the old one's time.
 * Errors as for ioasid_policy_attach().
 */
int ioasid_policy_replace(const struct ioasid_policy *ops,
			  const struct ioasid_policy *old,
			  const struct bpf_link *link)
{
	struct policy *policy;
	int rc = check_ctx(ops->ctx);

	if (rc)
		return rc;
	mutex_lock(&policies_lock);
	policy = find(old, link);
	if (WARN_ON(!policy)) {
		rc = -ENOENT;
	} else if (is_attached(ops)) {
		rc = -EBUSY;
	} else {
		policy->ops = ops;
		policy->updates++;
		change(policy, policy);
	}
	mutex_unlock(&policies_lock);
	return rc;
}

/* For people, and tools */

static void show_counts(struct seq_file *s, const struct policy_counts *counts)
{
	const u64 *v = counts->verdicts;

	seq_printf(s, " maps=%llu refusals=%llu map-nonsense=%llu faults=%llu",
		   counts->maps, counts->refusals, counts->map_nonsense,
		   counts->faults);
	seq_printf(s, " none=%llu deliver=%llu resolve=%llu success=%llu invalid=%llu drop=%llu fault-nonsense=%llu\n",
		   v[IOASID_VERDICT_NONE], v[IOASID_VERDICT_DELIVER],
		   v[IOASID_VERDICT_RESOLVE], v[IOASID_VERDICT_SUCCESS],
		   v[IOASID_VERDICT_INVALID], v[IOASID_VERDICT_DROP],
		   counts->fault_nonsense);
}

static int policies_show(struct seq_file *s, void *unused)
{
	const struct policy_set *set;
	struct policy_counts sum;
	unsigned int i;

	if (mutex_lock_killable(&policies_lock))
		return -EINTR;
	sum = past;
	set = set_now();
	for (i = 0; i < set->nr; i++) {
		const struct policy *policy = set->slots[i].policy;
		struct policy_counts counts = {};

		add_counts(&counts, policy);
		add_counts(&sum, policy);
		seq_printf(s, "policy=%s link=%u ctx=%u priority=%d number=%llu updates=%llu",
			   policy->ops->name,
			   policy->link ? READ_ONCE(policy->link->id) : 0,
			   policy->ops->ctx, policy->ops->priority,
			   policy->number, policy->updates);
		show_counts(s, &counts);
	}
	seq_printf(s, "total attached=%llu", last_number);
	show_counts(s, &sum);
	ioasid_map_check_show(s);
	mutex_unlock(&policies_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(policies);

void ioasid_policies_show_in(struct dentry *dir)
{
	debugfs_create_file("policies", 0400, dir, NULL, &policies_fops);
}
