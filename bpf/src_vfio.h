/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stock VFIO type1 as a source of events: the functions of its operations' table, which
 * the kernel calls through pointers, so that they exist in every build. A container is a
 * context with one space. Include after the file that handles events.
 */
#include <stddef.h>
#include <linux/vfio.h>
#include <bpf/bpf_tracing.h>

#define SPACE	1	/* number of a container's only one */
#define NO_DEV	0xffffffffU

/* Both commands begin like this; an unmap has no vaddr. */
static __always_inline void read_command(struct watch_begun *op, unsigned int cmd,
					 unsigned long arg)
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

static __always_inline int is_watched(unsigned int cmd)
{
	return cmd == VFIO_IOMMU_MAP_DMA || cmd == VFIO_IOMMU_UNMAP_DMA;
}

SEC("fentry/vfio_iommu_type1_ioctl")
int BPF_PROG(enter_ioctl, void *iommu, unsigned int cmd, unsigned long arg)
{
	struct watch_begun op = { .object = (__u64)iommu };
	__u32 nr;

	if (!is_watched(cmd))
		return 0;
	read_command(&op, cmd, arg);
	nr = number_of(op.object);
	if (cmd == VFIO_IOMMU_MAP_DMA)
		EMIT(ctx, map_begin, nr, SPACE, op.iova, op.size);
	else
		EMIT(ctx, unmap_begin, nr, SPACE, op.iova, op.size);
	op.ts_ns = bpf_ktime_get_ns();
	op_begin(&op);
	return 0;
}

/* The command's struct may not have been in memory before the kernel read it. */
static __always_inline void end_map(void *ctx, struct watch_begun *op, unsigned long arg,
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
static __always_inline void end_unmap(void *ctx, struct watch_begun *op, unsigned long arg,
				      long result, __u64 ns)
{
	struct watch_begun after = { 0 };

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

SEC("fexit/vfio_iommu_type1_ioctl")
int BPF_PROG(exit_ioctl, void *iommu, unsigned int cmd, unsigned long arg, long result)
{
	struct watch_begun op;
	__u64 ns;

	if (!is_watched(cmd))
		return 0;
	op_end(&op, (__u64)iommu);
	ns = op_time(&op);
	op.object = (__u64)iommu;
	if (cmd == VFIO_IOMMU_MAP_DMA)
		end_map(ctx, &op, arg, result, ns);
	else
		end_unmap(ctx, &op, arg, result, ns);
	return 0;
}

SEC("fexit/vfio_iommu_type1_open")
int BPF_PROG(exit_open, unsigned long type, void *iommu)
{
	/* An address that was in use before: its release was not seen. */
	forget_number((__u64)iommu);
	if ((__u64)iommu < (__u64)-4095)
		EMIT(ctx, alloc, number_of((__u64)iommu), SPACE);
	return 0;
}

SEC("fexit/vfio_iommu_type1_release")
int BPF_PROG(exit_release, void *iommu)
{
	__u32 nr = forget_number((__u64)iommu);

	if (nr)
		EMIT(ctx, free, nr, SPACE);
	return 0;
}

SEC("fentry/vfio_iommu_type1_attach_group")
int BPF_PROG(enter_attach, void *iommu, void *group)
{
	struct watch_begun op = { .object = (__u64)group, .ts_ns = bpf_ktime_get_ns() };

	op_begin(&op);
	return 0;
}

SEC("fexit/vfio_iommu_type1_attach_group")
int BPF_PROG(exit_attach, void *iommu, void *group, int type, int result)
{
	struct watch_begun op;

	op_end(&op, (__u64)group);
	EMIT(ctx, attach, number_of((__u64)iommu), SPACE, NO_DEV, 0, 0, (__u32)result,
	     op_time(&op));
	return 0;
}

SEC("fentry/vfio_iommu_type1_detach_group")
int BPF_PROG(enter_detach, void *iommu, void *group)
{
	struct watch_begun op = { .object = (__u64)group, .ts_ns = bpf_ktime_get_ns() };

	op_begin(&op);
	return 0;
}

SEC("fexit/vfio_iommu_type1_detach_group")
int BPF_PROG(exit_detach, void *iommu, void *group)
{
	struct watch_begun op;

	op_end(&op, (__u64)group);
	EMIT(ctx, detach, number_of((__u64)iommu), SPACE, NO_DEV, 0, 0, op_time(&op));
	return 0;
}
