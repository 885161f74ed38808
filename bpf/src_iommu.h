/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's own tracepoints of all IOMMUs as a source of events, whoever uses them.
 * They say neither whose domain it is nor how long it took: a context is the process that
 * ran when it happened, 0 none. Include after the file that handles events.
 */
#define SPACE	1
#define NO_DEV	0xffffffffU

/* "call" is a statement about ctx. */
#define WATCH_TRACEPOINT(name, call)					\
SEC("raw_tp/" #name)							\
int on_iommu_##name(struct bpf_raw_tracepoint_args *ctx)		\
{									\
	__u32 process = bpf_get_current_pid_tgid() >> 32;		\
									\
	if (CAN_GUARD) {						\
		bpf_preempt_disable();					\
		call;							\
		bpf_preempt_enable();					\
	} else {							\
		call;							\
	}								\
	return 0;							\
}

/* iova, paddr, size: what was mapped, contiguous on both sides */
WATCH_TRACEPOINT(map, EMIT(ctx, map, process, SPACE, ctx->args[0], ctx->args[2], 0, 0, 0, 1))

/* iova, size, unmapped_size */
WATCH_TRACEPOINT(unmap, EMIT(ctx, unmap, process, SPACE, ctx->args[0], ctx->args[1],
			     ctx->args[2]))

/* dev */
WATCH_TRACEPOINT(attach_device_to_domain, EMIT(ctx, attach, process, SPACE, NO_DEV))

/* dev, iova, flags */
WATCH_TRACEPOINT(io_page_fault, EMIT(ctx, fault_report, process, SPACE, NO_DEV, 0, 0,
				     ctx->args[1], ctx->args[2], 0, 1, 2 /* unrecoverable */))

/*
 * Requests to VT-d's invalidation queue: those that are about IOTLBs, by domain or by
 * PASID. Of selected pages, address and number are in the second word.
 */
enum { QI_IOTLB = 2, QI_PASID_IOTLB = 6 };
enum { QI_IOTLB_PAGES = 3 };		/* granularity of the former, bits 4 and 5 */

static __always_inline void invalidation(void *ctx, __u32 process, __u64 first, __u64 second)
{
	__u32 type = first & 0xf;
	bool pages;

	if (type != QI_IOTLB && type != QI_PASID_IOTLB)
		return;
	/* The latter has 2 for all pages of a PASID, 3 for some. */
	pages = (first >> 4 & 3) == QI_IOTLB_PAGES;
	EMIT(ctx, iotlb_inv, process, SPACE, pages ? second & ~0xfffULL : 0,
	     pages ? 4096ULL << (second & 0x3f) : 0, 1);
}

/* iommu, qw0, qw1, qw2, qw3 */
WATCH_TRACEPOINT(qi_submit, invalidation(ctx, process, ctx->args[1], ctx->args[2]))

#ifdef WATCH_ENDS
/* Threads end, too: a process ends with its first one. */
static __always_inline void process_end(void *ctx, __u32 process)
{
	if (process == (__u32)bpf_get_current_pid_tgid())
		EMIT(ctx, free, process, SPACE);
}

WATCH_TRACEPOINT(sched_process_exit, process_end(ctx, process))
#endif
