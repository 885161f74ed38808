// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters for people and tools: fdinfo of /dev/ioasid for everybody who may
 * see the process, all contexts in debugfs for root. docs/fdinfo.md explains
 * each key.
 */
#include <linux/debugfs.h>
#include <linux/pid_namespace.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "bpf/hooks.h"
#include "ioasid_private.h"

#define STATS_ABI	1

static u64 instance;
static struct dentry *debug_dir;

/* Names come from user space and go to terminals. */
static void show_escaped(struct seq_file *s, const char *str)
{
	for (; *str; str++) {
		unsigned char c = *str;

		if (c < ' ' || c > '~' || c == '\\')
			seq_printf(s, "\\x%02x", c);
		else
			seq_putc(s, c);
	}
}

struct names {
	struct seq_file *s;
	bool more;
};

static void show_name(struct names *names, const char *name)
{
	seq_printf(names->s, "%s%s", names->more ? " " : "", name);
	names->more = true;
}

static int show_device(struct device *dev, void *arg)
{
	show_name(arg, dev_name(dev));
	return 0;
}

/* Context: ctx->lock is held */
static void show_attached(struct seq_file *s, struct ioasid_space *space)
{
	struct names names = { .s = s };
	struct ioasid_member *member;
	struct ioasid_group *grp;
	struct ioasid_pasid *p;

	seq_printf(s, "ioasid-attached-%u:\t", space->id);
	list_for_each_entry(grp, &space->groups, entry) {
		if (grp->whole)
			iommu_group_for_each_dev(grp->group, &names,
						 show_device);
		list_for_each_entry(member, &grp->members, entry)
			show_device(member->idev->dev, &names);
	}
	list_for_each_entry(p, &space->pasids, entry) {
		show_name(&names, ioasid_device_name(p->idev));
		if (p->pasid != IOASID_NO_PASID)
			seq_printf(s, "/%u", p->pasid);
	}
	seq_putc(s, '\n');
}

static const char *kind_name(u32 kind)
{
	switch (kind) {
	case IOASID_KIND_USER:
		return "user";
	case IOASID_KIND_MIRROR:
		return "mirror";
	case IOASID_KIND_SVA:
		return "sva";
	default:
		return "kernel";
	}
}

/*
 * Read without the space's lock, so that nobody waits for a large mapping to
 * see how it gets on: each value is right, two may be of different moments.
 */
static void show_space(struct seq_file *s, struct ioasid_space *space)
{
	const struct ioasid_stats *st = &space->stats;
	u32 id = space->id;

	seq_printf(s, "ioasid-kind-%u:\t%s\n", id, kind_name(space->kind));
	seq_printf(s, "ioasid-parent-%u:\t%u\n", id,
		   space->parent ? space->parent->id : IOASID_NONE);
	seq_printf(s, "ioasid-depth-%u:\t%u\n", id, space->depth);
	seq_printf(s, "ioasid-children-%u:\t%u\n", id,
		   READ_ONCE(space->nr_children));
	seq_printf(s, "ioasid-format-%u:\t%u\n", id,
		   READ_ONCE(space->format));
	show_attached(s, space);
	seq_printf(s, "ioasid-domains-%u:\t%u\n", id,
		   READ_ONCE(space->nr_domains));
	seq_printf(s, "ioasid-nested-%u:\t%u\n", id,
		   ioasid_nested_domains(space));
	seq_printf(s, "ioasid-mappings-%u:\t%u\n", id,
		   READ_ONCE(space->nr_maps));
	seq_printf(s, "ioasid-mapped-%u:\t%llu B\n", id, READ_ONCE(st->mapped));
	seq_printf(s, "ioasid-pinned-%u:\t%llu B\n", id, READ_ONCE(st->pinned));
	ioasid_mirror_show(s, space);
	seq_printf(s, "ioasid-maps-%u:\t%llu\n", id, READ_ONCE(st->maps));
	seq_printf(s, "ioasid-map-errors-%u:\t%lld\n", id,
		   atomic64_read(&st->map_errors));
	seq_printf(s, "ioasid-map-bytes-%u:\t%llu B\n", id,
		   READ_ONCE(st->map_bytes));
	seq_printf(s, "ioasid-unmaps-%u:\t%llu\n", id, READ_ONCE(st->unmaps));
	seq_printf(s, "ioasid-unmap-errors-%u:\t%lld\n", id,
		   atomic64_read(&st->unmap_errors));
	seq_printf(s, "ioasid-unmap-bytes-%u:\t%llu B\n", id,
		   READ_ONCE(st->unmap_bytes));
	seq_printf(s, "ioasid-invalidations-%u:\t%llu\n", id,
		   READ_ONCE(st->invalidations));
	seq_printf(s, "ioasid-user-invalidations-%u:\t%llu\n", id,
		   READ_ONCE(st->user_invalidations));
	seq_printf(s, "ioasid-user-invalidation-errors-%u:\t%llu\n", id,
		   READ_ONCE(st->user_inval_errors));
	seq_printf(s, "ioasid-dirty-tracking-%u:\t%d\n", id,
		   READ_ONCE(space->tracking));
	seq_printf(s, "ioasid-shadow-syncs-%u:\t%llu\n", id,
		   READ_ONCE(st->shadow_syncs));
	seq_printf(s, "ioasid-shadow-walks-%u:\t%llu\n", id,
		   READ_ONCE(st->shadow_walks));
	ioasid_faults_show(s, space);
}

static void show_header(struct seq_file *s, struct ioasid_ctx *ctx)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	seq_printf(s, "ioasid-abi:\t%u\n", STATS_ABI);
	seq_printf(s, "ioasid-instance:\t%llu\n", instance);
	seq_printf(s, "ioasid-ctx:\t%u\n", ctx->id);
	seq_printf(s, "ioasid-door:\t%s\n",
		   ctx->door == IOASID_DOOR_VFIO ? "vfio" : "dev");
	seq_printf(s, "ioasid-pid:\t%d\n", pid_nr_ns(ctx->pid, ns));
	seq_puts(s, "ioasid-comm:\t");
	show_escaped(s, ctx->comm);
	seq_printf(s, "\nioasid-cgroup:\t%llu\n", ctx->cgroup);
}

static u32 count_spaces(struct ioasid_ctx *ctx)
{
	struct ioasid_space *space;
	unsigned long id;
	u32 nr = 0;

	xa_for_each(&ctx->spaces, id, space)
		nr++;
	return nr;
}

static int count_one(struct device *dev, void *arg)
{
	++*(u32 *)arg;
	return 0;
}

/* Bound ones; a VFIO container binds none but attaches whole groups. */
static u32 count_devices(struct ioasid_ctx *ctx)
{
	struct ioasid_group *grp;
	struct ioasid_space *space;
	unsigned long id;
	u32 nr = list_count_nodes(&ctx->devices);

	xa_for_each(&ctx->spaces, id, space)
		list_for_each_entry(grp, &space->groups, entry)
			if (grp->whole)
				iommu_group_for_each_dev(grp->group, &nr,
							 count_one);
	return nr;
}

/**
 * ioasid_ctx_show - all there is to know about a context
 * @s: where
 * @ctx: the context
 */
void ioasid_ctx_show(struct seq_file *s, struct ioasid_ctx *ctx)
{
	struct ioasid_space *space;
	unsigned long id;

	show_header(s, ctx);
	if (mutex_lock_killable(&ctx->lock))
		return;
	seq_printf(s, "ioasid-devices:\t%u\n", count_devices(ctx));
	seq_printf(s, "ioasid-regions:\t%u\n", ctx->nr_regions);
	seq_printf(s, "ioasid-registered:\t%llu B\n", ctx->registered);
	seq_printf(s, "ioasid-spaces:\t%u\n", count_spaces(ctx));
	xa_for_each(&ctx->spaces, id, space)
		show_space(s, space);
	mutex_unlock(&ctx->lock);
}

static int contexts_show(struct seq_file *s, void *unused)
{
	struct ioasid_ctx *ctx;

	if (mutex_lock_killable(&ioasid_contexts_lock))
		return -EINTR;
	list_for_each_entry(ctx, &ioasid_contexts, entry) {
		ioasid_ctx_show(s, ctx);
		seq_putc(s, '\n');
	}
	mutex_unlock(&ioasid_contexts_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(contexts);

void ioasid_stats_init(void)
{
	instance = ktime_get_boottime_ns();
	debug_dir = debugfs_create_dir("ioasid", NULL);
	debugfs_create_file("contexts", 0400, debug_dir, NULL, &contexts_fops);
	ioasid_policies_show_in(debug_dir);
}

void ioasid_stats_exit(void)
{
	debugfs_remove(debug_dir);
}
