/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/ioasid: I/O address spaces for user space.
 *
 * The command set is that of the "/dev/ioasid uAPI proposal" (LKML, 2021-05-27,
 * called "v1" below) completed with what its review added (2021-07-09, "v2").
 *
 * One open of /dev/ioasid is a context. A context holds I/O address spaces,
 * named by small positive numbers (IOASIDs) that mean nothing in any other
 * context, and the devices that were bound to it through their own file
 * descriptors (VFIO_BIND_IOASID_FD and its companions at the end).
 *
 * Conventions of all commands
 * ---------------------------
 * - The argument is a pointer to a structure that starts with @argsz, the size
 *   of the structure as user space knows it, and @flags. A structure larger
 *   than the kernel's is accepted when the unknown tail is zero.
 * - Sizes and addresses are in bytes, "last" is inclusive.
 * - A command that fails changed nothing.
 *
 * Errors with one meaning everywhere:
 *   ENOTTY      no such command
 *   E2BIG       @argsz covers non-zero fields that this kernel does not know
 *   EINVAL      @argsz too small, reserved field not zero, a value that can
 *               never be right (misaligned, wrapped, outside permitted ranges)
 *   EOPNOTSUPP  an unknown flag; a kind or command which exists, but not for
 *               this space, this device or this kernel
 *   ENOENT      no such IOASID, device or mapping in this context
 *   EEXIST      the range or label is taken
 *   EBUSY       in use: attached devices, live mappings, another owner
 *   ENODEV      needs an attached device and there is none
 *   EDEADLK     an IOMMU group is attached only in part; IOASID_GET_INFO says
 *               who is missing
 *   ENOMEM      no memory, or RLIMIT_MEMLOCK exceeded
 *   ENOSPC      a limit of the context or the space is reached
 *   EFAULT      user memory could not be read, written or pinned
 *   EPERM       the device or its group may not be handed to user space; what is
 *               asked about belongs to others
 */
#ifndef _UAPI_LINUX_IOASID_H
#define _UAPI_LINUX_IOASID_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define IOASID_TYPE	(';')
#define IOASID_BASE	0xC0

/* Version of this interface; grows when something is added. */
#define IOASID_API_VERSION	1

/* No address space. Valid IOASIDs are 1..0x7fffffff. */
#define IOASID_NONE	0

/*
 * IOASID_CHECK_EXTENSION - _IO(IOASID_TYPE, IOASID_BASE + 0)
 *
 * The argument is the number of an extension, by value. Returns 1 (or a
 * positive value the extension defines) when it is there, 0 when it is not.
 */
#define IOASID_CHECK_EXTENSION	_IO(IOASID_TYPE, IOASID_BASE + 0)

enum ioasid_extension {
	IOASID_EXT_API_VERSION		= 0,	/* returns IOASID_API_VERSION */
	IOASID_EXT_MAP_TYPE1V2		= 1,	/* map/unmap with type1v2 semantics */
	IOASID_EXT_REGISTER_MEMORY	= 2,	/* memory preregistration */
	IOASID_EXT_UNMAP_ALL		= 3,
	IOASID_EXT_MULTIDEV_GROUP	= 4,	/* groups of several devices */
	IOASID_EXT_ENFORCE_SNOOP	= 5,	/* IOASID_ALLOC_ENFORCE_SNOOP */
	IOASID_EXT_NESTING		= 6,	/* CREATE_NESTING, parent at ALLOC */
	IOASID_EXT_USER_PAGE_TABLE	= 7,
	IOASID_EXT_USER_PASID_TABLE	= 8,
	IOASID_EXT_FAULT_QUEUE		= 9,
	IOASID_EXT_DIRTY_TRACKING	= 10,
	IOASID_EXT_SVA			= 11,
	IOASID_EXT_MIRROR		= 12,
	IOASID_EXT_HISTORY		= 13,	/* GET_HISTORY */
};

/**
 * struct ioasid_memory - ioctl(IOASID_REGISTER_MEMORY, IOASID_UNREGISTER_MEMORY)
 * @argsz: sizeof(struct ioasid_memory)
 * @flags: 0
 * @vaddr: start of the caller's memory, page aligned
 * @size: its length, a multiple of the page size
 *
 * Registering pins the memory for the device's use and charges it to the
 * caller's RLIMIT_MEMLOCK, once, however many spaces map it later. From the
 * first registration on, IOASID_MAP_DMA accepts only memory inside one
 * registered range of the calling process (EINVAL otherwise), and neither pins
 * nor charges it again. Ranges of one process do not overlap (EEXIST).
 *
 * Memory is pinned for writing if all of it is writable, else for reading.
 *
 * Unregistering takes exactly what was registered (ENOENT otherwise) and is
 * refused with EBUSY while a mapping uses it.
 */
struct ioasid_memory {
	__u32	argsz;
	__u32	flags;
	__u64	vaddr;
	__u64	size;
};

#define IOASID_REGISTER_MEMORY		_IO(IOASID_TYPE, IOASID_BASE + 1)
#define IOASID_UNREGISTER_MEMORY	_IO(IOASID_TYPE, IOASID_BASE + 2)

/* Who owns the I/O page table of a space; each kind has its own commands. */
enum ioasid_kind {
	IOASID_KIND_KERNEL	= 1,	/* kernel-managed: MAP_DMA, UNMAP_DMA */
	IOASID_KIND_SVA		= 2,	/* a process's CPU page table */
	IOASID_KIND_MIRROR	= 3,	/* follows CPU mappings on demand */
	IOASID_KIND_USER	= 4,	/* user-managed, nested on a parent */
};

/*
 * Formats of user-managed tables; all have 64-bit little-endian entries. Page tables
 * are below 16. From there on are PASID tables, whose entries lead to page tables of
 * those formats: a space that has one stands for all PASIDs of its devices.
 */
enum ioasid_format {
	IOASID_FORMAT_NONE		= 0,
	IOASID_FORMAT_X86_64_4LEVEL	= 1,	/* VT-d first stage, AMD v2; 48 bits */
	IOASID_FORMAT_X86_64_5LEVEL	= 2,	/* the same with 57 bits */
	IOASID_FORMAT_ARM_LPAE_4K	= 3,	/* VMSAv8-64 stage 1, TTBR0, 4K granule */
	IOASID_FORMAT_RISCV_SV39	= 4,
	IOASID_FORMAT_RISCV_SV48	= 5,
	/*
	 * AMD-Vi, GCR3 table. One level for 1..9 PASID bits, two for 10..18, three
	 * for more; leads to x86-64 page tables.
	 */
	IOASID_FORMAT_AMD_GCR3		= 16,
	/*
	 * SMMUv3, linear table of context descriptors, aligned to its size; leads to
	 * Arm LPAE 4K page tables by TTB0 (TTB1 must be off: EPD1).
	 */
	IOASID_FORMAT_ARM_CD		= 17,
};

/**
 * struct ioasid_table - where a user-managed table is
 * @flags: IOASID_TABLE_*, of a PASID table only
 * @addr: of its top level, in the parent's space
 * @addr_width: IOVA bits it translates; of a PASID table: PASID bits, it has
 *              entries for PASIDs below 1 << @addr_width
 * @__reserved: 0
 *
 * DMA without PASID uses the first entry of a PASID table (AMD: GIOV 1; Arm: S1DSS
 * 0b10, and then no DMA with PASID 0 does), unless flags say otherwise.
 *
 * Laid out as struct iommu_hwpt_vtd_s1: IOMMU drivers that know this format read
 * it from user memory themselves, after ioasid has, and judge what they read.
 */
struct ioasid_table {
	__u64	flags;
#define IOASID_TABLE_BYPASS	(1 << 0)	/* DMA without PASID has addresses of the parent
						 * (AMD: GIOV 0; Arm: S1DSS 0b01)
						 */
#define IOASID_TABLE_BLOCK	(1 << 1)	/* it is refused (Arm: S1DSS 0b00) */
#define IOASID_TABLE_5LEVEL	(1 << 2)	/* AMD: page tables have 5 levels, not 4 */
	__u64	addr;
	__u32	addr_width;
	__u32	__reserved;
};

/**
 * struct ioasid_alloc - ioctl(IOASID_ALLOC)
 * @argsz: sizeof(struct ioasid_alloc)
 * @flags: IOASID_ALLOC_*
 * @kind: enum ioasid_kind
 * @parent: the space that translates the output of this one, or IOASID_NONE
 * @format: enum ioasid_format of a user-managed table; 0 for the others
 * @addr_width: highest IOVA width in bits that the user needs, 0 for any;
 *              mappings above it are refused. 0 for a user-managed table
 * @table: the user-managed table; zeroes for the others
 * @fault_queue: with IOASID_ALLOC_FAULT_QUEUE a file of IOASID_FAULT_QUEUE_ALLOC,
 *               of the same context (EBADF, EINVAL); 0 without
 * @__reserved: 0
 *
 * Returns the new IOASID. A kernel-managed space takes mappings at once; they
 * are pinned and charged when they are made and installed for each device that
 * attaches later.
 *
 * A kernel-managed space with a parent maps addresses of the parent: @vaddr of
 * IOASID_MAP_DMA is one. Nothing is pinned or charged for it a second time, and
 * what the parent maps or unmaps there later appears or vanishes for the
 * devices of the child as well.
 *
 * A space with a PASID table stands for all PASIDs of its devices. It is attached
 * without a PASID where the IOMMU walks the table (IOASID_FORMAT_HW), and nowhere
 * else: the kernel follows page tables in software, but no PASID tables.
 *
 * Errors: EOPNOTSUPP for a kind or format that this kernel does not have, EINVAL
 * for a user-managed table without a parent, ENOSPC when the context is full or
 * spaces are nested too deep.
 */
struct ioasid_alloc {
	__u32	argsz;
	__u32	flags;
	/* Devices may attach only where the IOMMU can force their DMA to be coherent
	 * with the CPU caches. So it is for all children, with the flag or without.
	 */
#define IOASID_ALLOC_ENFORCE_SNOOP	(1 << 0)
	/* Faults are reported to @fault_queue. */
#define IOASID_ALLOC_FAULT_QUEUE	(1 << 1)
	/* Among them page requests, which the device waits for: only devices may attach
	 * that ask for pages (EOPNOTSUPP). Kinds KERNEL and USER: with a queue only
	 * (EINVAL). Kinds SVA and MIRROR always are so, and the kernel answers.
	 */
#define IOASID_ALLOC_PAGE_REQUESTS	(1 << 2)
	/* Devices may attach only where the IOMMU records which pages were written, and
	 * mappings are made of its smallest pages: see IOASID_SET_DIRTY_TRACKING. Kind
	 * KERNEL without parent; its children are of kind USER, for devices whose IOMMU
	 * walks such tables (else EOPNOTSUPP).
	 */
#define IOASID_ALLOC_DIRTY_TRACKING	(1 << 3)
	/* Kind SVA for devices that cannot wait: all memory that the process can read is
	 * pinned, for writing where it can write, and charged to its RLIMIT_MEMLOCK
	 * (ENOMEM). What cannot be pinned is left out. What the process takes away,
	 * devices lose at once; what is there instead they get soon afterwards. New
	 * memory is given by IOASID_MAP_DMA. Not with IOASID_ALLOC_PAGE_REQUESTS (EINVAL).
	 */
#define IOASID_ALLOC_SVA_PINNED		(1 << 4)
	__u32	kind;
	__u32	parent;
	__u32	format;
	__u32	addr_width;
	struct ioasid_table table;
	__s32	fault_queue;
	__u32	__reserved;
};

#define IOASID_ALLOC	_IO(IOASID_TYPE, IOASID_BASE + 3)

/**
 * struct ioasid_free - ioctl(IOASID_FREE)
 * @argsz: sizeof(struct ioasid_free)
 * @flags: 0
 * @ioasid: the space to free, with all its mappings
 * @__reserved: 0
 *
 * EBUSY while devices are attached or other spaces are nested on it.
 */
struct ioasid_free {
	__u32	argsz;
	__u32	flags;
	__u32	ioasid;
	__u32	__reserved;
};

#define IOASID_FREE	_IO(IOASID_TYPE, IOASID_BASE + 4)

/*
 * Capabilities follow an info structure as a chain, as in VFIO: @cap_offset of
 * the structure is where the first starts, @next where the following one does,
 * counted from the start of the structure, 0 ends the chain.
 */
struct ioasid_cap_header {
	__u16	id;
	__u16	version;
	__u32	next;
};

/* The IOVAs that may be mapped, ascending, none touching another. */
#define IOASID_CAP_IOVA_RANGES	1

struct ioasid_iova_range {
	__u64	start;
	__u64	last;
};

struct ioasid_cap_iova_ranges {
	struct ioasid_cap_header header;
	__u32	nr_ranges;
	__u32	__reserved;
	struct ioasid_iova_range ranges[];
};

/*
 * Members of attached IOMMU groups that are not attached themselves; while
 * there are any, commands on the space fail with EDEADLK.
 */
#define IOASID_CAP_MISSING_DEVICES	2
#define IOASID_DEV_NAME_LEN	32

struct ioasid_missing_device {
	__u32	group;			/* number of the IOMMU group */
	__u32	__reserved;
	char	name[IOASID_DEV_NAME_LEN];	/* such as 0000:00:02.0 */
};

struct ioasid_cap_missing_devices {
	struct ioasid_cap_header header;
	__u32	nr_devices;
	__u32	__reserved;
	struct ioasid_missing_device devices[];
};

/**
 * struct ioasid_info - ioctl(IOASID_GET_INFO)
 * @argsz: in: size of the buffer; out: size needed for everything
 * @flags: out: IOASID_INFO_*
 * @ioasid: the space asked about
 * @kind: out: enum ioasid_kind
 * @pgsize_bitmap: out: page sizes that all attached IOMMUs support
 * @addr_width: out: IOVA width in bits
 * @nr_devices: out: attached devices
 * @nr_children: out: spaces nested on this one
 * @cap_offset: out: first capability, 0 when there is none or when the buffer
 *              was too small for the chain (repeat with the returned @argsz)
 *
 * ENODEV before the first attach: what is permitted depends on the IOMMU.
 */
struct ioasid_info {
	__u32	argsz;
	__u32	flags;
#define IOASID_INFO_MAP_DMA		(1 << 0)	/* takes MAP/UNMAP_DMA */
#define IOASID_INFO_PARTIAL		(1 << 1)	/* a group is incomplete */
#define IOASID_INFO_ENFORCED_SNOOP	(1 << 2)	/* all DMA is coherent */
#define IOASID_INFO_PASID_TABLE		(1 << 3)	/* stands for all PASIDs; then
							 * @addr_width is in PASID bits
							 */
	__u32	ioasid;
	__u32	kind;
	__u64	pgsize_bitmap;
	__u32	addr_width;
	__u32	nr_devices;
	__u32	nr_children;
	__u32	cap_offset;
};

#define IOASID_GET_INFO	_IO(IOASID_TYPE, IOASID_BASE + 5)

/**
 * struct ioasid_map_dma - ioctl(IOASID_MAP_DMA)
 * @argsz: sizeof(struct ioasid_map_dma)
 * @flags: IOASID_MAP_READ, IOASID_MAP_WRITE or both, as the device sees it;
 *         IOASID_MAP_NO_REQUESTS
 * @ioasid: a space of kind KERNEL or MIRROR, or of kind SVA with
 *          IOASID_ALLOC_SVA_PINNED
 * @__reserved: 0
 * @vaddr: the caller's memory (or a mapped device BAR), page aligned
 * @iova: where devices shall see it, page aligned
 * @size: bytes, a multiple of the page size
 *
 * Maps with VFIO type1v2 semantics: all or nothing, pinned, charged to the
 * caller's RLIMIT_MEMLOCK. EEXIST when any of the range is mapped already,
 * EINVAL outside the permitted IOVA ranges.
 *
 * In a space of kind MIRROR it makes a slot instead: a range of addresses of the
 * process that allocated the space (EPERM for others), whatever is or will be
 * there. Nothing is pinned or charged. Devices get a page when they ask for it, as
 * if the process touched it, or by IOASID_PREFETCH, and lose it when the process
 * does. Several slots may show the same addresses.
 *
 * In a space with IOASID_ALLOC_SVA_PINNED it adds memory that the process has mapped
 * since: @vaddr is @iova, IOASID_MAP_READ is in @flags (EINVAL), only the process that
 * allocated the space may (EPERM). EEXIST when any of it is there, EFAULT when any of it
 * cannot be pinned like that. As long as the process cannot write there, devices
 * cannot, whatever @flags say.
 */
struct ioasid_map_dma {
	__u32	argsz;
	__u32	flags;
#define IOASID_MAP_READ		(1 << 0)
#define IOASID_MAP_WRITE	(1 << 1)
	/* Kind MIRROR: page requests in the slot are refused. Only IOASID_PREFETCH
	 * brings pages.
	 */
#define IOASID_MAP_NO_REQUESTS	(1 << 2)
	__u32	ioasid;
	__u32	__reserved;
	__u64	vaddr;
	__u64	iova;
	__u64	size;
};

#define IOASID_MAP_DMA	_IO(IOASID_TYPE, IOASID_BASE + 6)

/**
 * struct ioasid_unmap_dma - ioctl(IOASID_UNMAP_DMA)
 * @argsz: sizeof(struct ioasid_unmap_dma)
 * @flags: IOASID_UNMAP_ALL: everything; @iova and @size must be 0
 * @ioasid: a space that takes IOASID_MAP_DMA
 * @__reserved: 0
 * @iova: start of the range
 * @size: in: its length; out: bytes that were unmapped
 *
 * A range may cover several mappings and holes, but no mapping in part
 * (EINVAL). ENOENT when the range holds no mapping; unmapping everything from
 * an empty space succeeds. When it returns, no device
 * reaches the memory any more and it is unpinned.
 *
 * With IOASID_ALLOC_SVA_PINNED pages are unmapped one by one, however they came.
 */
struct ioasid_unmap_dma {
	__u32	argsz;
	__u32	flags;
#define IOASID_UNMAP_ALL	(1 << 0)
	__u32	ioasid;
	__u32	__reserved;
	__u64	iova;
	__u64	size;
};

#define IOASID_UNMAP_DMA	_IO(IOASID_TYPE, IOASID_BASE + 7)

/**
 * struct ioasid_create_nesting - ioctl(IOASID_CREATE_NESTING)
 * @argsz: sizeof(struct ioasid_create_nesting)
 * @flags: 0
 * @parent: the space that translates the child's output
 * @__reserved: 0
 *
 * Returns the child's IOASID. EOPNOTSUPP when the parent cannot nest.
 */
struct ioasid_create_nesting {
	__u32	argsz;
	__u32	flags;
	__u32	parent;
	__u32	__reserved;
};

#define IOASID_CREATE_NESTING	_IO(IOASID_TYPE, IOASID_BASE + 8)

/**
 * struct ioasid_bind_table - ioctl(IOASID_BIND_PGTABLE, IOASID_BIND_PASID_TABLE,
 *                                  IOASID_UNBIND_PGTABLE, IOASID_UNBIND_PASID_TABLE)
 * @argsz: sizeof(struct ioasid_bind_table)
 * @flags: IOASID_BIND_* (0 at unbind), as the flags of the same name at ALLOC
 * @ioasid: a space created by IOASID_CREATE_NESTING
 * @format: enum ioasid_format (0 at unbind)
 * @table: the table (zeroes at unbind)
 * @fault_queue: as at ALLOC (0 at unbind)
 * @__reserved: 0
 *
 * A child that has neither mappings nor a table becomes user-managed by
 * IOASID_BIND_PGTABLE, and is as created again after IOASID_UNBIND_PGTABLE:
 * v1's two-step spelling of IOASID_ALLOC with IOASID_KIND_USER.
 *
 * IOASID_BIND_PASID_TABLE and IOASID_UNBIND_PASID_TABLE do the same with PASID
 * tables. What the table's entries lead to is not bound: the IOMMU finds it.
 *
 * EINVAL on a space that is not a child, EOPNOTSUPP on a child that IOASID_ALLOC
 * made, EBUSY when it has mappings or a table already, EOPNOTSUPP for a format
 * that its devices' IOMMUs do not have (or that is for the other command), ENOENT
 * when there is no such table to unbind. A PASID table also needs devices with
 * PASIDs, alone in their groups (EOPNOTSUPP), of which none is attached anywhere by
 * a PASID (EBUSY).
 */
struct ioasid_bind_table {
	__u32	argsz;
	__u32	flags;
#define IOASID_BIND_FAULT_QUEUE		(1 << 1)
#define IOASID_BIND_PAGE_REQUESTS	(1 << 2)
	__u32	ioasid;
	__u32	format;
	struct ioasid_table table;
	__s32	fault_queue;
	__u32	__reserved;
};

#define IOASID_BIND_PGTABLE		_IO(IOASID_TYPE, IOASID_BASE + 9)
#define IOASID_UNBIND_PGTABLE		_IO(IOASID_TYPE, IOASID_BASE + 10)
#define IOASID_BIND_PASID_TABLE		_IO(IOASID_TYPE, IOASID_BASE + 11)
#define IOASID_UNBIND_PASID_TABLE	_IO(IOASID_TYPE, IOASID_BASE + 12)

/**
 * struct ioasid_invalidate - one request of IOASID_INVALIDATE_CACHE
 * @caches: IOASID_CACHE_*; 0 means IOTLB and device TLB
 * @flags: IOASID_INVALIDATE_*
 * @cookie: with IOASID_INVALIDATE_DEVICE: the only device concerned
 * @pasid: with IOASID_INVALIDATE_PASID: the only PASID concerned, as the user
 *         knows it; of a PASID table: one that it has an entry for. 0 concerns
 *         DMA without PASID, too, where that uses the entry
 * @__reserved: 0
 * @iova: with IOASID_INVALIDATE_RANGE: start of the range
 * @size: and its length; both may have any alignment
 *
 * Without IOASID_INVALIDATE_RANGE everything of the space is invalidated.
 *
 * IOASID_CACHE_PASID is for spaces with a PASID table (EOPNOTSUPP) and goes without
 * a range (EINVAL). An entry that was valid may be used until then; what the page
 * table behind it said stays in the IOTLB and the device TLBs until these are
 * invalidated as well.
 */
struct ioasid_invalidate {
	__u32	caches;
#define IOASID_CACHE_IOTLB	(1 << 0)
#define IOASID_CACHE_DEVTLB	(1 << 1)
#define IOASID_CACHE_PASID	(1 << 2)	/* of a PASID table */
	__u32	flags;
#define IOASID_INVALIDATE_RANGE		(1 << 0)
#define IOASID_INVALIDATE_LEAF		(1 << 1)	/* only last-level entries changed */
#define IOASID_INVALIDATE_DEVICE	(1 << 2)
#define IOASID_INVALIDATE_PASID		(1 << 3)
	__u64	cookie;
	__u32	pasid;
	__u32	__reserved;
	__u64	iova;
	__u64	size;
};

/**
 * struct ioasid_invalidate_cache - ioctl(IOASID_INVALIDATE_CACHE)
 * @argsz: sizeof(struct ioasid_invalidate_cache)
 * @flags: 0
 * @ioasid: a space with a user-managed table
 * @nr: in: number of requests, 1..IOASID_MAX_INVALIDATIONS; out: how many were carried out
 * @requests: address of an array of struct ioasid_invalidate
 *
 * When it returns, no device concerned uses what its caches held before.
 * Requests are carried out in their order; after an error, also, @nr says how
 * many were.
 *
 * EOPNOTSUPP on a kernel-managed space, whose caches the kernel looks after,
 * EINVAL for a request that names no device or PASID of the space.
 */
#define IOASID_MAX_INVALIDATIONS	4096

struct ioasid_invalidate_cache {
	__u32	argsz;
	__u32	flags;
	__u32	ioasid;
	__u32	nr;
	__u64	requests;
};

#define IOASID_INVALIDATE_CACHE	_IO(IOASID_TYPE, IOASID_BASE + 13)

/* Numbers 14 and 15: fault queues, see linux/ioasid_fault.h */

/**
 * struct ioasid_set_dirty_tracking - ioctl(IOASID_SET_DIRTY_TRACKING)
 * @argsz: sizeof(struct ioasid_set_dirty_tracking)
 * @flags: IOASID_DIRTY_TRACKING_ON, or 0: off
 * @ioasid: a space of IOASID_ALLOC_DIRTY_TRACKING (EOPNOTSUPP)
 * @__reserved: 0
 *
 * When tracking begins no page is dirty. Switching on what is on (or off what is
 * off) changes nothing. Devices that attach later are tracked as well.
 */
struct ioasid_set_dirty_tracking {
	__u32	argsz;
	__u32	flags;
#define IOASID_DIRTY_TRACKING_ON	(1 << 0)
	__u32	ioasid;
	__u32	__reserved;
};

#define IOASID_SET_DIRTY_TRACKING	_IO(IOASID_TYPE, IOASID_BASE + 16)

/**
 * struct ioasid_get_dirty_bitmap - ioctl(IOASID_GET_DIRTY_BITMAP)
 * @argsz: sizeof(struct ioasid_get_dirty_bitmap)
 * @flags: IOASID_DIRTY_NO_CLEAR: report, and go on as if nobody had asked
 * @ioasid: a space whose dirty tracking is on (EINVAL)
 * @__reserved: 0
 * @iova: start of the range, aligned to @page_size
 * @size: its length, a multiple of @page_size
 * @page_size: bytes that one bit stands for: a power of two, at least 4096
 * @bitmap: address of the bitmap, an aligned array of __u64: bit n % 64 of word
 *          n / 64 is page n of the range; the last word may be longer than needed.
 *          Up to 2^31 bits
 *
 * Bits of pages that a device wrote to since tracking began, or since they were
 * reported last, are set; none is cleared in the bitmap: whoever wants to know of
 * this call only passes zeroes. What was not written is not reported, but as part of
 * an IOMMU's page that was: a mapping made by IOASID_MAP_DMA is recorded in pages
 * of 4096 bytes where the IOMMU has these.
 *
 * A write that was complete when the call began is in the bitmap of this call or of
 * one before. One that is under way is in this one or in the next. Ask before
 * IOASID_UNMAP_DMA: what was written to a mapping is forgotten with it. That a
 * device was detached forgets nothing.
 *
 * EFAULT when the bitmap cannot be written, EINTR when the caller is being killed:
 * pages that the bitmap has then are reported as above, no others.
 */
struct ioasid_get_dirty_bitmap {
	__u32	argsz;
	__u32	flags;
#define IOASID_DIRTY_NO_CLEAR	(1 << 0)
	__u32	ioasid;
	__u32	__reserved;
	__u64	iova;
	__u64	size;
	__u64	page_size;
	__u64	bitmap;
};

#define IOASID_GET_DIRTY_BITMAP	_IO(IOASID_TYPE, IOASID_BASE + 17)

/*
 * Formats of user-managed tables that spaces of the device can have. PASID tables are
 * listed only where the IOMMU walks them.
 */
#define IOASID_CAP_FORMATS	3

struct ioasid_format_info {
	__u32	format;			/* enum ioasid_format */
	__u32	flags;
#define IOASID_FORMAT_HW	(1 << 0)	/* the IOMMU walks it */
#define IOASID_FORMAT_SW	(1 << 1)	/* shadowed by the kernel, which follows it
						 * at IOASID_INVALIDATE_CACHE
						 */
#define IOASID_FORMAT_PASIDS	(1 << 2)	/* a PASID table: widths are PASID bits, page
						 * sizes those of what it leads to
						 */
	__u64	pgsize_bitmap;
	__u32	width_min;
	__u32	width_max;
};

struct ioasid_cap_formats {
	struct ioasid_cap_header header;
	__u32	nr_formats;
	__u32	__reserved;
	struct ioasid_format_info formats[];
};

/**
 * struct ioasid_device_info - ioctl(IOASID_DEVICE_GET_INFO)
 * @argsz: in: size of the buffer; out: size needed for everything
 * @flags: out: IOASID_DEV_INFO_*
 * @cookie: the label the device was bound with
 * @pgsize_bitmap: out: page sizes of its IOMMU
 * @addr_width: out: IOVA width in bits
 * @group: out: number of its IOMMU group
 * @max_pasids: out: its PASIDs are below this; 0: it has none
 * @cap_offset: out: as in struct ioasid_info
 *
 * Valid from bind on, before any space exists (v2), so that a format common to
 * several devices can be chosen.
 *
 * IOASID_DEV_INFO_PASID_VIRT marks a sub-device: a part of a function that shares
 * its RID with others. The kernel chooses the PASIDs that go over the wire, out of
 * @max_pasids - 1 for all parts together, and one for the default space as well.
 * With IOASID_DEV_INFO_PASID_GLOBAL they come from a pool of the whole machine, as
 * CPU instructions that submit work need it (v2's PASID_CPU_VIRT).
 */
struct ioasid_device_info {
	__u32	argsz;
	__u32	flags;
#define IOASID_DEV_INFO_ENFORCE_SNOOP	(1 << 0)	/* IOMMU can enforce it */
#define IOASID_DEV_INFO_CACHE_COHERENT	(1 << 1)	/* DMA may be coherent */
#define IOASID_DEV_INFO_PASID		(1 << 2)	/* v2's flag PASID: takes user PASIDs */
#define IOASID_DEV_INFO_PASID_VIRT	(1 << 3)	/* and puts others on the wire */
#define IOASID_DEV_INFO_PASID_GLOBAL	(1 << 4)	/* of each PASID the same, as all such
							 * devices of the context do
							 */
#define IOASID_DEV_INFO_PAGE_REQUESTS	(1 << 5)	/* asks for pages that are not there */
#define IOASID_DEV_INFO_DIRTY_TRACKING	(1 << 6)	/* IOMMU records what is written */
	__u64	cookie;
	__u64	pgsize_bitmap;
	__u32	addr_width;
	__u32	group;
	__u32	max_pasids;
	__u32	cap_offset;
};

#define IOASID_DEVICE_GET_INFO	_IO(IOASID_TYPE, IOASID_BASE + 18)

/*
 * Looking at spaces, for people and tools. Both commands change nothing, work on
 * spaces of every kind, attached or not, and take @ctx: 0, or the number of a
 * context as in fdinfo and tracepoints. That of another context needs CAP_SYS_ADMIN
 * in the initial user namespace (EPERM); ENOENT when there is none.
 */

/**
 * struct ioasid_mapping_info - one mapping of a space
 * @iova: first address
 * @size: bytes
 * @target: with IOASID_MAPPING_PARENT: the address in the parent; with
 *          IOASID_MAPPING_VADDR: the virtual address of the process that mapped
 *          it, which is known of registered memory and of slots only; else 0
 * @prot: IOASID_MAP_READ, IOASID_MAP_WRITE
 * @flags: IOASID_MAPPING_*
 */
struct ioasid_mapping_info {
	__u64	iova;
	__u64	size;
	__u64	target;
	__u32	prot;
	__u32	flags;
#define IOASID_MAPPING_PARENT		(1 << 0)
#define IOASID_MAPPING_VADDR		(1 << 1)	/* for that process, or CAP_SYS_ADMIN */
#define IOASID_MAPPING_REGISTERED	(1 << 2)	/* lies in registered memory */
#define IOASID_MAPPING_MMIO		(1 << 3)	/* device memory is among it */
#define IOASID_MAPPING_SHADOW		(1 << 4)	/* taken from a user-managed table */
#define IOASID_MAPPING_ONDEMAND		(1 << 5)	/* slot: pages come when asked for */
#define IOASID_MAPPING_NO_REQUESTS	(1 << 6)	/* but not by devices */
};

/**
 * struct ioasid_get_mappings - ioctl(IOASID_GET_MAPPINGS)
 * @argsz: sizeof(struct ioasid_get_mappings)
 * @flags: 0
 * @ioasid: the space
 * @ctx: its context, see above
 * @iova: in: where to start, inside a mapping that is the first one; out: where to
 *        go on
 * @nr: in: room for so many, 1..IOASID_MAX_GET_MAPPINGS; out: how many there are
 *      in @mappings
 * @more: out: 1 when there are others from @iova on, else 0
 * @mappings: address of an array of struct ioasid_mapping_info
 *
 * Mappings come in ascending order. Those of one call are of one moment, between
 * two calls the space may change. A user-managed space has mappings where the kernel
 * follows its table for an IOMMU that cannot walk it, and none where an IOMMU does.
 */
#define IOASID_MAX_GET_MAPPINGS	4096

struct ioasid_get_mappings {
	__u32	argsz;
	__u32	flags;
	__u32	ioasid;
	__u32	ctx;
	__u64	iova;
	__u32	nr;
	__u32	more;
	__u64	mappings;
};

#define IOASID_GET_MAPPINGS	_IO(IOASID_TYPE, IOASID_BASE + 19)

/* Where and why a translation ended. */
enum ioasid_walk_reason {
	IOASID_WALK_OK = 0,
	IOASID_WALK_ADDRESS,		/* too wide or not canonical */
	IOASID_WALK_NOT_PRESENT,	/* in the table; no such mapping */
	IOASID_WALK_PERMISSION,
	IOASID_WALK_RESERVED_BITS,	/* or a combination the format forbids, or an
					 * address beyond 52 bits
					 */
	IOASID_WALK_TABLE,		/* the parent has no memory at an entry's address */
	IOASID_WALK_ACCESS_FLAG,	/* clear, and nobody sets it */
	IOASID_WALK_RETRY,		/* the table was changing all the time */
	IOASID_WALK_NO_PASID,		/* the PASID table has no entry for such DMA */
};

enum ioasid_step_kind {
	IOASID_STEP_ENTRY	= 1,	/* an entry of a user-managed table */
	IOASID_STEP_MAPPING	= 2,	/* a mapping of a kernel-managed space */
	IOASID_STEP_MEMORY	= 3,	/* the page that it all leads to */
};

/**
 * struct ioasid_step - one step of a walk
 * @kind: enum ioasid_step_kind
 * @ioasid: the space that the step is in; of MEMORY the root
 * @depth: 0, or 1: the step translates the address of the last ENTRY before it
 * @level: of an ENTRY; 1: that of the smallest pages
 * @reason: enum ioasid_walk_reason, why the walk ended here, or IOASID_WALK_OK
 * @flags: IOASID_STEP_*
 * @prot: IOASID_MAP_*: of the MAPPING
 * @__reserved: 0
 * @iova: the address that is translated here, as @ioasid sees it
 * @addr: of an ENTRY: its address in the parent; of a MAPPING: its first IOVA
 * @value: of an ENTRY: its content; of a MAPPING: its size
 * @output: address in the parent: of the next table, or what @iova translates to;
 *          of a MAPPING in a root 0; of MEMORY the physical address with
 *          CAP_SYS_ADMIN in the initial user namespace, else 0
 */
struct ioasid_step {
	__u32	kind;
	__u32	ioasid;
	__u32	depth;
	__u32	level;
	__u32	reason;
	__u32	flags;
#define IOASID_STEP_LEAF	(1 << 0)	/* ENTRY: it maps, instead of pointing on */
#define IOASID_STEP_MMIO	(1 << 1)	/* MEMORY: of a device */
#define IOASID_STEP_PASID	(1 << 2)	/* ENTRY: of a PASID table; @value is its first
						 * word, @output of the last one the page table
						 */
	__u32	prot;
	__u32	__reserved;
	__u64	iova;
	__u64	addr;
	__u64	value;
	__u64	output;
};

/**
 * struct ioasid_walk_iova - ioctl(IOASID_WALK)
 * @argsz: sizeof(struct ioasid_walk_iova)
 * @flags: IOASID_WALK_PASID: of DMA with @pasid; for a space with a PASID table only
 *         (EOPNOTSUPP), where it is of DMA without PASID otherwise
 * @ioasid: the space
 * @ctx: its context, see above
 * @iova: the address to translate
 * @nr: in: room for so many steps, up to IOASID_MAX_STEPS; out: how many there
 *      are, of which the first ones are in @steps
 * @reason: out: enum ioasid_walk_reason: why it ended, IOASID_WALK_OK at memory
 * @perm: out: IOASID_MAP_* that all levels allow to DMA (which is not privileged)
 * @state: out: IOASID_WALK_STATE_*
 * @format: out: enum ioasid_format of the first space's table; 0 without one. Of a
 *          PASID table that of the page table it led to, if it did
 * @pasid: with that flag the PASID, else 0
 * @steps: address of an array of struct ioasid_step
 *
 * Translates as an IOMMU would, with tables as they are now and without leaving
 * accessed bits, and tells each step on the way from the space down to memory.
 *
 * EPERM when a user-managed table lies in the memory of another process and the
 * caller lacks CAP_SYS_ADMIN.
 */
#define IOASID_MAX_STEPS	96

struct ioasid_walk_iova {
	__u32	argsz;
	__u32	flags;
#define IOASID_WALK_PASID	(1 << 0)
	__u32	ioasid;
	__u32	ctx;
	__u64	iova;
	__u32	nr;
	__u32	reason;
	__u32	perm;
	__u32	state;
#define IOASID_WALK_STATE_SHADOWED	(1 << 0)	/* DMA uses what the kernel copied from
							 * the table at the last
							 * IOASID_INVALIDATE_CACHE
							 */
#define IOASID_WALK_STATE_STALE		(1 << 1)	/* which is something else here */
	__u32	format;
	__u32	pasid;
	__u64	steps;
};

#define IOASID_WALK	_IO(IOASID_TYPE, IOASID_BASE + 20)

/**
 * struct ioasid_prefetch - ioctl(IOASID_PREFETCH)
 * @argsz: sizeof(struct ioasid_prefetch)
 * @flags: IOASID_PREFETCH_WRITE: for writing, else for reading;
 *         IOASID_PREFETCH_DROP: the other way round
 * @ioasid: a space of kind MIRROR, or of kind SVA (not with
 *          IOASID_ALLOC_SVA_PINNED) (EOPNOTSUPP)
 * @__reserved: 0
 * @iova: start of the range, page aligned
 * @size: its length, a multiple of the page size
 * @bytes: out: how much from @iova on is there; with DROP: how much was taken away
 *
 * Gives attached devices the pages of a range before they ask for them (ENODEV
 * without any), as if the process touched them. It is no promise: what the process, or
 * the kernel for want of memory, does with a page afterwards, devices follow.
 *
 * ENOENT when a part of the range is in no slot: then nothing was done. EFAULT when
 * the process could not have touched an address like this, EINTR when the process
 * is killed; what was done before stays, and @bytes tells. EPERM for another process
 * than that which allocated the space.
 *
 * DROP takes pages away, also for others than that process, without a change for
 * the process itself: devices that want them have to ask again. Where IOMMU and CPU
 * have larger pages, they go as a whole.
 *
 * Devices whose process's own page table the IOMMU uses (see
 * IOASID_ATTACH_KERNEL_PASID) have nothing to fetch.
 */
struct ioasid_prefetch {
	__u32	argsz;
	__u32	flags;
#define IOASID_PREFETCH_WRITE	(1 << 0)
#define IOASID_PREFETCH_DROP	(1 << 1)
	__u32	ioasid;
	__u32	__reserved;
	__u64	iova;
	__u64	size;
	__u64	bytes;
};

#define IOASID_PREFETCH	_IO(IOASID_TYPE, IOASID_BASE + 21)

/*
 * What was done to a space, so that a fault can be explained afterwards: who mapped
 * an address, who took it away, and when. The kernel keeps the last operations of
 * each space that were successful, always, in memory that is bounded (parameters
 * history, history_stacks and history_sample of the module ioasid).
 */
enum ioasid_history_op {
	IOASID_HISTORY_MAP		= 1,
	IOASID_HISTORY_UNMAP		= 2,	/* of a range that was mapped; ranges that
						 * meet and went together are one
						 */
	IOASID_HISTORY_INVALIDATE	= 3,	/* INVALIDATE_CACHE; all: size 0 */
	IOASID_HISTORY_BIND_TABLE	= 4,	/* a page table or PASID table */
	IOASID_HISTORY_UNBIND_TABLE	= 5,
	IOASID_HISTORY_ATTACH		= 6,
	IOASID_HISTORY_DETACH		= 7,
};

/**
 * struct ioasid_history_entry - one operation
 * @time_ns: CLOCK_MONOTONIC. MAP, ATTACH: devices have been able to use it since;
 *           UNMAP: before the first page was taken away
 * @iova: first address; BIND_TABLE, UNBIND_TABLE: that of the table, in the parent;
 *        ATTACH, DETACH: PASID, 0xffffffff for DMA without
 * @size: bytes
 * @done_ns: UNMAP, INVALIDATE: how long after @time_ns the IOTLBs had been flushed:
 *           from then on no device could use it; IOASID_HISTORY_NOT_DONE: not yet,
 *           or after more than 4 s
 * @stack: who called, for IOASID_GET_HISTORY_STACK; 0: not recorded
 * @pid: of the calling process, 0: none, or the caller is in a pid namespace and may
 *       not know
 * @tid: of its thread
 * @op: enum ioasid_history_op
 * @prot: MAP, UNMAP: IOASID_MAP_*
 * @info: ATTACH, DETACH: PCI segment << 16 | bus << 8 | devfn, or 0xffffffff;
 *        UNMAP: how many mappings; BIND_TABLE, UNBIND_TABLE: enum ioasid_format;
 *        else 0
 * @comm: its name, not always ended by a zero, and chosen by the process: escape it
 */
struct ioasid_history_entry {
	__u64	time_ns;
	__u64	iova;
	__u64	size;
	__u32	done_ns;
#define IOASID_HISTORY_NOT_DONE	0xffffffffU
	__u32	stack;
	__u32	pid;
	__u32	tid;
	__u16	op;
	__u16	prot;
	__u32	info;
	__u8	comm[16];
};

/**
 * struct ioasid_get_history - ioctl(IOASID_GET_HISTORY)
 * @argsz: sizeof(struct ioasid_get_history)
 * @flags: 0
 * @ioasid: the space
 * @ctx: its context, as for IOASID_GET_MAPPINGS
 * @seq: in: number of the first operation that is wanted, 0: the oldest there is;
 *       out: number of the one behind the last one, to go on
 * @first: out: number of the first one in @entries; when it is larger than @seq was,
 *         those between are forgotten
 * @nr: in: room for so many, 1..IOASID_MAX_GET_HISTORY; out: how many there are in
 *      @entries
 * @more: out: 1 when there are others from @seq on, else 0
 * @entries: address of an array of struct ioasid_history_entry
 *
 * Operations of a space are numbered in the order of their effect, from 1.
 * EOPNOTSUPP when none are kept of this space.
 */
#define IOASID_MAX_GET_HISTORY	4096

struct ioasid_get_history {
	__u32	argsz;
	__u32	flags;
	__u32	ioasid;
	__u32	ctx;
	__u64	seq;
	__u64	first;
	__u32	nr;
	__u32	more;
	__u64	entries;
};

#define IOASID_GET_HISTORY	_IO(IOASID_TYPE, IOASID_BASE + 22)

#define IOASID_STACK_WORDS	32

/**
 * struct ioasid_history_stack - from where an operation was called
 * @ip: registers of the process at the system call
 * @sp: as well
 * @bp: as well; 0 where it is no frame pointer by convention
 * @nr: of @words
 * @__reserved: 0
 * @words: memory from @sp on: enough to get from the C library to who called it, by
 *         the tables for unwinding in the ELF files
 */
struct ioasid_history_stack {
	__u64	ip;
	__u64	sp;
	__u64	bp;
	__u32	nr;
	__u32	__reserved;
	__u64	words[IOASID_STACK_WORDS];
};

/**
 * struct ioasid_get_history_stack - ioctl(IOASID_GET_HISTORY_STACK)
 * @argsz: sizeof(struct ioasid_get_history_stack)
 * @flags: 0
 * @ioasid: the space
 * @ctx: its context, as for IOASID_GET_MAPPINGS
 * @id: @stack of an operation
 * @__reserved: 0
 * @stack: address of a struct ioasid_history_stack
 *
 * Needs CAP_PERFMON or CAP_SYS_ADMIN in the initial user namespace, also for one's own
 * spaces (EPERM): others may have used them, and it tells where code and secrets are.
 * ENOENT when the stack is forgotten.
 */
struct ioasid_get_history_stack {
	__u32	argsz;
	__u32	flags;
	__u32	ioasid;
	__u32	ctx;
	__u32	id;
	__u32	__reserved;
	__u64	stack;
};

#define IOASID_GET_HISTORY_STACK	_IO(IOASID_TYPE, IOASID_BASE + 23)

/*
 * Commands on a device's own file descriptor (/dev/ioasid-devices/NAME). The
 * numbers are the RFC's, in VFIO's range: VFIO_TYPE ';', VFIO_BASE 100.
 */

/**
 * struct vfio_bind_ioasid_fd - ioctl(VFIO_BIND_IOASID_FD)
 * @argsz: sizeof(struct vfio_bind_ioasid_fd)
 * @flags: 0
 * @ioasid_fd: an open /dev/ioasid
 * @__reserved: 0
 * @cookie: label of the device, unique in the context (EEXIST)
 *
 * Takes DMA ownership of the device's group: from here on all its DMA is
 * blocked until it is attached, and no other user can take it. EBUSY when the
 * device is bound already or another member of its group is bound to another
 * context, EPERM when another driver owns the group or the platform cannot
 * isolate the device (interrupt remapping).
 *
 * Sub-devices of one function may be bound to several contexts, and only while
 * the function itself is not bound (EBUSY, also the other way round). EOPNOTSUPP
 * when the function has no PASIDs or shares its group with others.
 */
struct vfio_bind_ioasid_fd {
	__u32	argsz;
	__u32	flags;
	__s32	ioasid_fd;
	__u32	__reserved;
	__u64	cookie;
};

#define VFIO_BIND_IOASID_FD	_IO(';', 100 + 22)

/*
 * VFIO_UNBIND_IOASID_FD - _IO(';', 100 + 23)
 *
 * No argument. Stops and resets the device, detaches it and gives it up; close
 * does the same. Mapped device memory is taken away: touching it raises SIGBUS
 * until the next bind. EINVAL when the device is not bound.
 *
 * Before bind everything else on the file is refused with EINVAL as well, and
 * once the device itself is gone, everything with ENODEV.
 */
#define VFIO_UNBIND_IOASID_FD	_IO(';', 100 + 23)

/**
 * struct vfio_attach_ioasid - ioctl(VFIO_ATTACH_IOASID, VFIO_DETACH_IOASID)
 * @argsz: sizeof(struct vfio_attach_ioasid)
 * @flags: IOASID_ATTACH_USER_PASID or IOASID_ATTACH_KERNEL_PASID: only DMA that
 *         carries a PASID, which the user or the kernel chooses
 * @ioasid: a space of the context the device is bound to (ENOENT)
 * @user_pasid: the PASID, as the user knows it; 0 without flag; with
 *              IOASID_ATTACH_KERNEL_PASID out: what the kernel chose (in: 0), to be
 *              named at detach
 *
 * Without the flag the space is the device's default one: DMA without PASID
 * uses it. Each PASID of a device is in one space, a space may be that of many
 * devices and PASIDs.
 *
 * A space with a PASID table is attached without the flag and takes all DMA of the
 * device: its PASIDs are then the user's to hand out, in the table.
 *
 * EINVAL before bind, when the device's IOMMU does not fit the space, for a
 * PASID that is too wide, and for any PASID while a PASID table has them all or of
 * a space with such a table; EBUSY when the device (with the flag: that PASID of
 * it) is attached already or its group is attached elsewhere, and for a PASID
 * table while a PASID is attached anywhere; EOPNOTSUPP for a PASID, or a PASID
 * table, of a device that has no PASIDs or shares its group with others, for a
 * PASID table that the IOMMU does not walk, and for a space with dirty tracking
 * when the IOMMU has none. Detaching what is not attached is
 * ENOENT.
 *
 * With IOASID_ATTACH_KERNEL_PASID a space of kind SVA is, where the kernel can do it,
 * the process's own page table (fdinfo: ioasid-engine); then the PASID is that of the
 * process, the same for all devices, and EBUSY says that the device has it already,
 * in another space. Otherwise the highest PASID is taken that the device does not use;
 * ENOSPC when there is none.
 *
 * A child is attached where its parent is: EINVAL unless the device is attached
 * to the parent already, by default or by a PASID (v1). Attaching the child by
 * default then takes the parent's place, and detaching it brings the parent
 * back.
 *
 * All this holds for sub-devices, too; each of their attachments takes a PASID of
 * the function, ENOSPC when there are no more. EBUSY with
 * IOASID_DEV_INFO_PASID_GLOBAL also when another part of the same function has
 * @user_pasid in this context: it would be the same PASID of one RID.
 */
struct vfio_attach_ioasid {
	__u32	argsz;
	__u32	flags;
#define IOASID_ATTACH_USER_PASID	(1 << 0)
#define IOASID_ATTACH_KERNEL_PASID	(1 << 1)
	__u32	ioasid;
	__u32	user_pasid;
};

#define VFIO_ATTACH_IOASID	_IO(';', 100 + 24)
#define VFIO_DETACH_IOASID	_IO(';', 100 + 25)

#endif /* _UAPI_LINUX_IOASID_H */
