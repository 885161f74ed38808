/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stock VFIO type1 as a source of events: the functions of its operations' table, which
 * the kernel calls through pointers, so that they exist in every build. A container is a
 * context with one space. Include after the file that handles events.
 */
#include <stddef.h>
#include <linux/vfio.h>

#define SPACE	1	/* number of a container's only one */
#define NO_DEV	0xffffffffU

/* An unmap has no vaddr. */
static __always_inline void read_command(struct watch_op *op, unsigned int cmd, unsigned long arg)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_iommu_type1_dma_map map;

	if (cmd == VFIO_IOMMU_MAP_DMA) {
		if (bpf_probe_read_user(&map, sizeof(map), (void *)arg))
			return;
		op->iova = map.iova;
		op->size = map.size;
		op->vaddr = map.vaddr;
		op->flags = map.flags;
	} else {
		if (bpf_probe_read_user(&unmap, offsetof(struct vfio_iommu_type1_dma_unmap, data),
					(void *)arg))
			return;
		op->iova = unmap.iova;
		op->size = unmap.size;
		op->flags = unmap.flags;
	}
	op->known = 1;
}

static __always_inline bool is_watched(unsigned int cmd)
{
	return cmd == VFIO_IOMMU_MAP_DMA || cmd == VFIO_IOMMU_UNMAP_DMA;
}

static __always_inline void begin_ioctl(void *ctx, __u64 iommu, unsigned int cmd,
					unsigned long arg, __u32 by)
{
	struct watch_op op = { .object = iommu };

	if (!is_watched(cmd) || !op_is_new(iommu, by))
		return;
	read_command(&op, cmd, arg);
	if (cmd == VFIO_IOMMU_MAP_DMA)
		EMIT(ctx, map_begin, number_of(iommu), SPACE, op.iova, op.size);
	else
		EMIT(ctx, unmap_begin, number_of(iommu), SPACE, op.iova, op.size);
	op_start(&op, by);
}

/* The command's struct may not have been in memory before the kernel read it. */
static __always_inline void end_map(void *ctx, struct watch_op *op, unsigned long arg,
				    long result, __u64 ns)
{
	if (!op->known)
		read_command(op, VFIO_IOMMU_MAP_DMA, arg);
	if (!op->known && !result)
		count_unread();
	EMIT(ctx, map, number_of(op->object), SPACE, op->iova, op->size, op->vaddr, op->flags,
	     (__u32)result, 0, ns);
}

/* How much it was is what the kernel has written into the struct. */
static __always_inline void end_unmap(void *ctx, struct watch_op *op, unsigned long arg,
				      long result, __u64 ns)
{
	struct watch_op after = { 0 };

	if (!result) {
		read_command(&after, VFIO_IOMMU_UNMAP_DMA, arg);
		if (!after.known)
			count_unread();
		if (!op->known)
			op->iova = after.iova;
	}
	EMIT(ctx, unmap, number_of(op->object), SPACE, op->iova, op->size, after.size, 0,
	     (__u32)result, ns);
}

static __always_inline void end_ioctl(void *ctx, __u64 iommu, unsigned int cmd, unsigned long arg,
				      long result, __u32 by)
{
	struct watch_op op;
	__u64 ns;

	if (!is_watched(cmd) || !op_end(&op, iommu, by))
		return;
	ns = op_time(&op);
	if (cmd == VFIO_IOMMU_MAP_DMA)
		end_map(ctx, &op, arg, result, ns);
	else
		end_unmap(ctx, &op, arg, result, ns);
}

#define BEGIN_IOCTL(by)	begin_ioctl(ctx, (__u64)iommu, cmd, arg, by)
WATCH_OFTEN("fentry/vfio_iommu_type1:vfio_iommu_type1_ioctl", enter_ioctl, BEGIN_IOCTL,
	    void *iommu, unsigned int cmd, unsigned long arg)

#define END_IOCTL(by)	end_ioctl(ctx, (__u64)iommu, cmd, arg, result, by)
WATCH_OFTEN("fexit/vfio_iommu_type1:vfio_iommu_type1_ioctl", exit_ioctl, END_IOCTL,
	    void *iommu, unsigned int cmd, unsigned long arg, long result)

/* A container's life. An address that was in use before: its release was not seen. */
static __always_inline void end_open(void *ctx, __u64 iommu, __u32 by)
{
	struct watch_op op;

	if (iommu >= (__u64)-4095 || !op_end(&op, iommu, by))
		return;
	forget_number(iommu);
	EMIT(ctx, alloc, number_of(iommu), SPACE);
}

static __always_inline void end_release(void *ctx, __u64 iommu, __u32 by)
{
	struct watch_op op;
	__u32 nr;

	if (!op_end(&op, iommu, by))
		return;
	nr = forget_number(iommu);
	if (nr)
		EMIT(ctx, free, nr, SPACE);
}

#define END_OPEN(by)	end_open(ctx, (__u64)iommu, by)
WATCH_ONCE("fexit/vfio_iommu_type1:vfio_iommu_type1_open", exit_open, END_OPEN,
	   unsigned long type, void *iommu)

#define END_RELEASE(by)	end_release(ctx, (__u64)iommu, by)
WATCH_ONCE("fexit/vfio_iommu_type1:vfio_iommu_type1_release", exit_release, END_RELEASE,
	   void *iommu)

/* Of groups, with any number of devices in each. */
static __always_inline void begin_group(__u64 group, __u32 by)
{
	struct watch_op op = { .object = group };

	if (op_is_new(group, by))
		op_start(&op, by);
}

static __always_inline void end_attach(void *ctx, __u64 iommu, __u64 group, int result, __u32 by)
{
	struct watch_op op;

	if (op_end(&op, group, by))
		EMIT(ctx, attach, number_of(iommu), SPACE, NO_DEV, 0, 0, (__u32)result,
		     op_time(&op));
}

static __always_inline void end_detach(void *ctx, __u64 iommu, __u64 group, __u32 by)
{
	struct watch_op op;

	if (op_end(&op, group, by))
		EMIT(ctx, detach, number_of(iommu), SPACE, NO_DEV, 0, 0, op_time(&op));
}

#define BEGIN_GROUP(by)	begin_group((__u64)group, by)
WATCH_ONCE("fentry/vfio_iommu_type1:vfio_iommu_type1_attach_group", enter_attach, BEGIN_GROUP,
	   void *iommu, void *group)
WATCH_ONCE("fentry/vfio_iommu_type1:vfio_iommu_type1_detach_group", enter_detach, BEGIN_GROUP,
	   void *iommu, void *group)

#define END_ATTACH(by)	end_attach(ctx, (__u64)iommu, (__u64)group, result, by)
WATCH_ONCE("fexit/vfio_iommu_type1:vfio_iommu_type1_attach_group", exit_attach, END_ATTACH,
	   void *iommu, void *group, int type, int result)

#define END_DETACH(by)	end_detach(ctx, (__u64)iommu, (__u64)group, by)
WATCH_ONCE("fexit/vfio_iommu_type1:vfio_iommu_type1_detach_group", exit_detach, END_DETACH,
	   void *iommu, void *group)
