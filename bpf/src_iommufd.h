/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * iommufd as a source of events: the functions of its commands, which are called through
 * a table, so that they exist in every build. An open /dev/iommu is a context, an IOAS is
 * a space of it. Include after the file that handles events.
 */
#include <stddef.h>
#include <linux/iommufd.h>

#define ATTR	__attribute__((preserve_access_index))

/* As far as we look. */
struct iommufd_ucmd {
	struct iommufd_ctx *ictx;
	void *cmd;		/* the kernel's copy of the user's struct */
} ATTR;

struct iommufd_object {
	__u32 id;
} ATTR;

struct file {
	void *private_data;
} ATTR;

static __always_inline void read_map(struct watch_op *op, const struct iommufd_ucmd *ucmd)
{
	struct iommu_ioas_map map;

	if (bpf_probe_read_kernel(&map, sizeof(map), ucmd->cmd))
		return;
	op->space = map.ioas_id;
	op->iova = map.iova;
	op->size = map.length;
	op->vaddr = map.user_va;
	op->flags = map.flags;
	op->known = 1;
}

static __always_inline void read_unmap(struct watch_op *op, const struct iommufd_ucmd *ucmd)
{
	struct iommu_ioas_unmap unmap;

	if (bpf_probe_read_kernel(&unmap, sizeof(unmap), ucmd->cmd))
		return;
	op->space = unmap.ioas_id;
	op->iova = unmap.iova;
	/* As in our driver, 0 is all of it. */
	op->size = unmap.length == ~0ULL ? 0 : unmap.length;
	op->known = 1;
}

static __always_inline void begin_map(void *ctx, const struct iommufd_ucmd *ucmd, __u32 by)
{
	struct watch_op op = { .object = (__u64)ucmd };

	if (!op_is_new(op.object, by))
		return;
	read_map(&op, ucmd);
	EMIT(ctx, map_begin, number_of((__u64)ucmd->ictx), op.space, op.iova, op.size);
	op_start(&op, by);
}

/* The kernel chooses the address when it is not fixed: it is known at the end. */
static __always_inline void end_map(void *ctx, const struct iommufd_ucmd *ucmd, int result,
				    __u32 by)
{
	struct watch_op op;
	__u64 ns;

	if (!op_end(&op, (__u64)ucmd, by))
		return;
	ns = op_time(&op);
	read_map(&op, ucmd);
	EMIT(ctx, map, number_of((__u64)ucmd->ictx), op.space, op.iova, op.size, op.vaddr,
	     op.flags, (__u32)result, 0, ns);
}

static __always_inline void begin_unmap(void *ctx, const struct iommufd_ucmd *ucmd, __u32 by)
{
	struct watch_op op = { .object = (__u64)ucmd };

	if (!op_is_new(op.object, by))
		return;
	read_unmap(&op, ucmd);
	EMIT(ctx, unmap_begin, number_of((__u64)ucmd->ictx), op.space, op.iova, op.size);
	op_start(&op, by);
}

/* How much it was is what the kernel has written into its copy. */
static __always_inline void end_unmap(void *ctx, const struct iommufd_ucmd *ucmd, int result,
				      __u32 by)
{
	struct watch_op op, after = { 0 };
	__u64 ns;

	if (!op_end(&op, (__u64)ucmd, by))
		return;
	ns = op_time(&op);
	read_unmap(&after, ucmd);
	if (!op.known)
		op.iova = after.iova;
	EMIT(ctx, unmap, number_of((__u64)ucmd->ictx), after.space, op.iova, op.size,
	     result ? 0 : after.size, 0, (__u32)result, ns);
}

#define BEGIN_MAP(by)	begin_map(ctx, ucmd, by)
WATCH_OFTEN("fentry/iommufd:iommufd_ioas_map", enter_map, BEGIN_MAP, struct iommufd_ucmd *ucmd)

#define END_MAP(by)	end_map(ctx, ucmd, result, by)
WATCH_OFTEN("fexit/iommufd:iommufd_ioas_map", exit_map, END_MAP,
	    struct iommufd_ucmd *ucmd, int result)

#define BEGIN_UNMAP(by)	begin_unmap(ctx, ucmd, by)
WATCH_OFTEN("fentry/iommufd:iommufd_ioas_unmap", enter_unmap, BEGIN_UNMAP,
	    struct iommufd_ucmd *ucmd)

#define END_UNMAP(by)	end_unmap(ctx, ucmd, result, by)
WATCH_OFTEN("fexit/iommufd:iommufd_ioas_unmap", exit_unmap, END_UNMAP,
	    struct iommufd_ucmd *ucmd, int result)

static __always_inline void end_alloc(void *ctx, const struct iommufd_ucmd *ucmd, int result)
{
	struct iommu_ioas_alloc alloc;

	if (result || bpf_probe_read_kernel(&alloc, sizeof(alloc), ucmd->cmd))
		return;
	EMIT(ctx, alloc, number_of((__u64)ucmd->ictx), alloc.out_ioas_id);
}

#define END_ALLOC(by)	end_alloc(ctx, ucmd, result)
WATCH_ONCE("fexit/iommufd:iommufd_ioas_alloc_ioctl", exit_alloc, END_ALLOC,
	   struct iommufd_ucmd *ucmd, int result)

/*
 * An IOAS does not know whose it is. It goes with the command that destroys it, or when
 * /dev/iommu is closed: what its thread is doing tells.
 */
static __always_inline void begin_end(const struct iommufd_ctx *ictx)
{
	struct watch_op op = { .object = (__u64)ictx };

	op_start(&op, ONLY);
}

static __always_inline void end_space(void *ctx, const struct iommufd_object *object)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct watch_op *op = bpf_map_lookup_elem(&ops, &thread);

	if (op)
		EMIT(ctx, free, number_of(op->object), object->id);
}

#define BEGIN_DESTROY(by)	begin_end(ucmd->ictx)
WATCH_ONCE("fentry/iommufd:iommufd_destroy", enter_destroy, BEGIN_DESTROY,
	   struct iommufd_ucmd *ucmd)

#define BEGIN_RELEASE(by)	begin_end(filp->private_data)
WATCH_ONCE("fentry/iommufd:iommufd_fops_release", enter_release, BEGIN_RELEASE,
	   void *inode, struct file *filp)

#define END_SPACE(by)	end_space(ctx, object)
WATCH_ONCE("fentry/iommufd:iommufd_ioas_destroy", enter_ioas_destroy, END_SPACE,
	   struct iommufd_object *object)

static __always_inline void end_end(bool closed)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct watch_op *op = bpf_map_lookup_elem(&ops, &thread);

	if (op && closed)
		forget_number(op->object);
	if (op)
		bpf_map_delete_elem(&ops, &thread);
}

#define END_DESTROY(by)	end_end(false)
WATCH_ONCE("fexit/iommufd:iommufd_destroy", exit_destroy, END_DESTROY,
	   struct iommufd_ucmd *ucmd, int result)

#define END_RELEASE(by)	end_end(true)
WATCH_ONCE("fexit/iommufd:iommufd_fops_release", exit_release, END_RELEASE,
	   void *inode, struct file *filp, int result)
