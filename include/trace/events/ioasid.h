/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoint contract of ioasid.
 *
 * Every argument is a scalar and there are at most twelve, so that a raw_tp
 * program needs neither BTF nor NULL tests. Arguments of an event are never
 * reordered or removed; new ones are added at the end.
 *
 * ctx     number of the context (one open of /dev/ioasid, one VFIO container),
 *         never reused while the module is loaded
 * ioasid  number of the address space in its context, 0 when there is none
 * dev     PCI: segment << 16 | bus << 8 | devfn; 0xffffffff: not a PCI device
 * pasid   0xffffffff: traffic without PASID
 * result  0 or a negative errno
 * *_ns    durations in ns measured by the driver, only while the event is on;
 *         all of an operation's are 0 when the event was switched on during it
 *
 * The process is that of the caller (pid, comm, cgroup of the event itself).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ioasid

#if !defined(_TRACE_IOASID_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOASID_H

#include <linux/tracepoint.h>

#define IOASID_TRACE_NO_DEV	0xffffffffU
#define IOASID_TRACE_NO_PASID	0xffffffffU

/* An operation that may hang starts: its end is the event without _begin. */
DECLARE_EVENT_CLASS(ioasid_range_begin,
	TP_PROTO(u32 ctx, u32 ioasid, u64 iova, u64 size),
	TP_ARGS(ctx, ioasid, iova, size),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u64, iova)
		__field(u64, size)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->iova = iova;
		__entry->size = size;
	),
	TP_printk("ctx=%u ioasid=%u iova=0x%llx size=0x%llx",
		  __entry->ctx, __entry->ioasid, __entry->iova, __entry->size)
);

DEFINE_EVENT(ioasid_range_begin, ioasid_map_begin,
	TP_PROTO(u32 ctx, u32 ioasid, u64 iova, u64 size),
	TP_ARGS(ctx, ioasid, iova, size));

DEFINE_EVENT(ioasid_range_begin, ioasid_unmap_begin,
	TP_PROTO(u32 ctx, u32 ioasid, u64 iova, u64 size),
	TP_ARGS(ctx, ioasid, iova, size));

/*
 * A mapping was made or refused.
 * runs: physically contiguous pieces; flags: IOASID_MAP_*
 * lat_ns is the whole operation, of which: lock_ns waiting for the space,
 * pin_ns charging and pinning, install_ns writing the I/O page tables.
 */
TRACE_EVENT(ioasid_map,
	TP_PROTO(u32 ctx, u32 ioasid, u64 iova, u64 size, u64 vaddr, u32 flags,
		 int result, u32 runs, u64 lat_ns, u64 lock_ns, u64 pin_ns,
		 u64 install_ns),
	TP_ARGS(ctx, ioasid, iova, size, vaddr, flags, result, runs, lat_ns,
		lock_ns, pin_ns, install_ns),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u64, iova)
		__field(u64, size)
		__field(u64, vaddr)
		__field(u32, flags)
		__field(int, result)
		__field(u32, runs)
		__field(u64, lat_ns)
		__field(u64, lock_ns)
		__field(u64, pin_ns)
		__field(u64, install_ns)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->iova = iova;
		__entry->size = size;
		__entry->vaddr = vaddr;
		__entry->flags = flags;
		__entry->result = result;
		__entry->runs = runs;
		__entry->lat_ns = lat_ns;
		__entry->lock_ns = lock_ns;
		__entry->pin_ns = pin_ns;
		__entry->install_ns = install_ns;
	),
	TP_printk("ctx=%u ioasid=%u iova=0x%llx size=0x%llx vaddr=0x%llx flags=0x%x result=%d runs=%u lat_ns=%llu lock_ns=%llu pin_ns=%llu install_ns=%llu",
		  __entry->ctx, __entry->ioasid, __entry->iova, __entry->size,
		  __entry->vaddr, __entry->flags, __entry->result,
		  __entry->runs, __entry->lat_ns, __entry->lock_ns,
		  __entry->pin_ns, __entry->install_ns)
);

/*
 * A range was unmapped or refused.
 * size: bytes asked for (0: everything); unmapped: bytes removed;
 * maps: mappings removed. lat_ns is the whole operation, of which: lock_ns
 * waiting for the space, remove_ns clearing the I/O page tables, flush_ns
 * waiting for the IOTLB, unpin_ns unpinning and uncharging.
 */
TRACE_EVENT(ioasid_unmap,
	TP_PROTO(u32 ctx, u32 ioasid, u64 iova, u64 size, u64 unmapped,
		 u32 maps, int result, u64 lat_ns, u64 lock_ns, u64 remove_ns,
		 u64 flush_ns, u64 unpin_ns),
	TP_ARGS(ctx, ioasid, iova, size, unmapped, maps, result, lat_ns,
		lock_ns, remove_ns, flush_ns, unpin_ns),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u64, iova)
		__field(u64, size)
		__field(u64, unmapped)
		__field(u32, maps)
		__field(int, result)
		__field(u64, lat_ns)
		__field(u64, lock_ns)
		__field(u64, remove_ns)
		__field(u64, flush_ns)
		__field(u64, unpin_ns)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->iova = iova;
		__entry->size = size;
		__entry->unmapped = unmapped;
		__entry->maps = maps;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
		__entry->lock_ns = lock_ns;
		__entry->remove_ns = remove_ns;
		__entry->flush_ns = flush_ns;
		__entry->unpin_ns = unpin_ns;
	),
	TP_printk("ctx=%u ioasid=%u iova=0x%llx size=0x%llx unmapped=0x%llx maps=%u result=%d lat_ns=%llu lock_ns=%llu remove_ns=%llu flush_ns=%llu unpin_ns=%llu",
		  __entry->ctx, __entry->ioasid, __entry->iova, __entry->size,
		  __entry->unmapped, __entry->maps, __entry->result,
		  __entry->lat_ns, __entry->lock_ns, __entry->remove_ns,
		  __entry->flush_ns, __entry->unpin_ns)
);

/*
 * The IOTLBs of a space were made to forget a range; on return no device uses
 * the old translation. size: 0 for everything; domains: those that were flushed;
 * user: 1 when INVALIDATE_CACHE asked for it, 0: the driver's own, because of an
 * UNMAP in this space or in one that it is nested on. An UNMAP that shows in
 * children, too, is an event for each space, with the addresses of that space.
 */
TRACE_EVENT(ioasid_iotlb_inv,
	TP_PROTO(u32 ctx, u32 ioasid, u64 iova, u64 size, u32 domains,
		 int result, u64 lat_ns, u32 user),
	TP_ARGS(ctx, ioasid, iova, size, domains, result, lat_ns, user),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u64, iova)
		__field(u64, size)
		__field(u32, domains)
		__field(int, result)
		__field(u64, lat_ns)
		__field(u32, user)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->iova = iova;
		__entry->size = size;
		__entry->domains = domains;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
		__entry->user = user;
	),
	TP_printk("ctx=%u ioasid=%u iova=0x%llx size=0x%llx domains=%u result=%d lat_ns=%llu user=%u",
		  __entry->ctx, __entry->ioasid, __entry->iova, __entry->size,
		  __entry->domains, __entry->result, __entry->lat_ns,
		  __entry->user)
);

/*
 * INVALIDATE_CACHE was carried out as far as it went. nr: requests asked for;
 * done: those that were carried out. lat_ns is the whole command, of which
 * lock_ns waiting for others of the context.
 */
TRACE_EVENT(ioasid_invalidate_cache,
	TP_PROTO(u32 ctx, u32 ioasid, u32 nr, u32 done, int result, u64 lat_ns,
		 u64 lock_ns),
	TP_ARGS(ctx, ioasid, nr, done, result, lat_ns, lock_ns),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, nr)
		__field(u32, done)
		__field(int, result)
		__field(u64, lat_ns)
		__field(u64, lock_ns)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->nr = nr;
		__entry->done = done;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
		__entry->lock_ns = lock_ns;
	),
	TP_printk("ctx=%u ioasid=%u nr=%u done=%u result=%d lat_ns=%llu lock_ns=%llu",
		  __entry->ctx, __entry->ioasid, __entry->nr, __entry->done,
		  __entry->result, __entry->lat_ns, __entry->lock_ns)
);

/*
 * One request of INVALIDATE_CACHE was carried out or refused.
 * scope: IOASID_INVALIDATE_*, and IOASID_CACHE_* << 16; pasid: the user's;
 * size: 0 for everything; domains: those concerned. lat_ns is the whole request,
 * of which: hw_ns IOMMUs that walk the table, until they had forgotten, shadow_ns
 * the kernel following it for the others (see ioasid_shadow).
 */
TRACE_EVENT(ioasid_invalidate,
	TP_PROTO(u32 ctx, u32 ioasid, u32 scope, u64 cookie, u32 pasid,
		 u64 iova, u64 size, u32 domains, int result, u64 lat_ns,
		 u64 hw_ns, u64 shadow_ns),
	TP_ARGS(ctx, ioasid, scope, cookie, pasid, iova, size, domains, result,
		lat_ns, hw_ns, shadow_ns),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, scope)
		__field(u64, cookie)
		__field(u32, pasid)
		__field(u64, iova)
		__field(u64, size)
		__field(u32, domains)
		__field(int, result)
		__field(u64, lat_ns)
		__field(u64, hw_ns)
		__field(u64, shadow_ns)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->scope = scope;
		__entry->cookie = cookie;
		__entry->pasid = pasid;
		__entry->iova = iova;
		__entry->size = size;
		__entry->domains = domains;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
		__entry->hw_ns = hw_ns;
		__entry->shadow_ns = shadow_ns;
	),
	TP_printk("ctx=%u ioasid=%u scope=0x%x cookie=0x%llx pasid=0x%x iova=0x%llx size=0x%llx domains=%u result=%d lat_ns=%llu hw_ns=%llu shadow_ns=%llu",
		  __entry->ctx, __entry->ioasid, __entry->scope,
		  __entry->cookie, __entry->pasid, __entry->iova,
		  __entry->size, __entry->domains, __entry->result,
		  __entry->lat_ns, __entry->hw_ns, __entry->shadow_ns)
);

/*
 * The kernel followed a range of a user-managed table, for IOMMUs that do not
 * walk it themselves. size: 0 for everything; walks: through the table; removed,
 * added: mappings. lat_ns is the whole of it, of which: remove_ns taking out what
 * the table said before, until no device used it, walk_ns reading the table and
 * entering what it says now.
 */
TRACE_EVENT(ioasid_shadow,
	TP_PROTO(u32 ctx, u32 ioasid, u64 iova, u64 size, u64 walks,
		 u32 removed, u32 added, int result, u64 lat_ns, u64 remove_ns,
		 u64 walk_ns),
	TP_ARGS(ctx, ioasid, iova, size, walks, removed, added, result, lat_ns,
		remove_ns, walk_ns),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u64, iova)
		__field(u64, size)
		__field(u64, walks)
		__field(u32, removed)
		__field(u32, added)
		__field(int, result)
		__field(u64, lat_ns)
		__field(u64, remove_ns)
		__field(u64, walk_ns)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->iova = iova;
		__entry->size = size;
		__entry->walks = walks;
		__entry->removed = removed;
		__entry->added = added;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
		__entry->remove_ns = remove_ns;
		__entry->walk_ns = walk_ns;
	),
	TP_printk("ctx=%u ioasid=%u iova=0x%llx size=0x%llx walks=%llu removed=%u added=%u result=%d lat_ns=%llu remove_ns=%llu walk_ns=%llu",
		  __entry->ctx, __entry->ioasid, __entry->iova, __entry->size,
		  __entry->walks, __entry->removed, __entry->added,
		  __entry->result, __entry->lat_ns, __entry->remove_ns,
		  __entry->walk_ns)
);

/*
 * An address space was made (result 0) or refused, by ALLOC or CREATE_NESTING.
 * kind: enum ioasid_kind; depth: spaces above it, 0 when it was refused; format:
 * enum ioasid_format; addr_width: as asked for; table: of a user-managed table,
 * its address in the parent; two_step: by CREATE_NESTING
 */
TRACE_EVENT(ioasid_alloc,
	TP_PROTO(u32 ctx, u32 ioasid, u32 kind, u32 parent, u32 flags,
		 int result, u32 depth, u32 format, u32 addr_width, u64 table,
		 u32 two_step),
	TP_ARGS(ctx, ioasid, kind, parent, flags, result, depth, format,
		addr_width, table, two_step),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, kind)
		__field(u32, parent)
		__field(u32, flags)
		__field(int, result)
		__field(u32, depth)
		__field(u32, format)
		__field(u32, addr_width)
		__field(u64, table)
		__field(u32, two_step)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->kind = kind;
		__entry->parent = parent;
		__entry->flags = flags;
		__entry->result = result;
		__entry->depth = depth;
		__entry->format = format;
		__entry->addr_width = addr_width;
		__entry->table = table;
		__entry->two_step = two_step;
	),
	TP_printk("ctx=%u ioasid=%u kind=%u parent=%u flags=0x%x result=%d depth=%u format=%u addr_width=%u table=0x%llx two_step=%u",
		  __entry->ctx, __entry->ioasid, __entry->kind,
		  __entry->parent, __entry->flags, __entry->result,
		  __entry->depth, __entry->format, __entry->addr_width,
		  __entry->table, __entry->two_step)
);

/*
 * An address space was freed or refused to be; maps: mappings it still held.
 * Spaces that go with their context are reported as well.
 */
TRACE_EVENT(ioasid_free,
	TP_PROTO(u32 ctx, u32 ioasid, u64 maps, int result),
	TP_ARGS(ctx, ioasid, maps, result),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u64, maps)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->maps = maps;
		__entry->result = result;
	),
	TP_printk("ctx=%u ioasid=%u maps=%llu result=%d", __entry->ctx,
		  __entry->ioasid, __entry->maps, __entry->result)
);

/*
 * A user-managed table was bound to a space of CREATE_NESTING or refused, or
 * taken from it again. format: enum ioasid_format; addr_width, table: as given,
 * the table's address in the parent; domains: IOMMUs that walk the table, of
 * those with attached devices, the others have the kernel follow it
 * (ioasid_shadow). lat_ns is the whole operation, of which lock_ns waiting for
 * the context and the space.
 */
DECLARE_EVENT_CLASS(ioasid_table,
	TP_PROTO(u32 ctx, u32 ioasid, u32 parent, u32 format, u32 addr_width,
		 u64 table, u32 domains, int result, u64 lat_ns, u64 lock_ns),
	TP_ARGS(ctx, ioasid, parent, format, addr_width, table, domains, result,
		lat_ns, lock_ns),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, parent)
		__field(u32, format)
		__field(u32, addr_width)
		__field(u64, table)
		__field(u32, domains)
		__field(int, result)
		__field(u64, lat_ns)
		__field(u64, lock_ns)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->parent = parent;
		__entry->format = format;
		__entry->addr_width = addr_width;
		__entry->table = table;
		__entry->domains = domains;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
		__entry->lock_ns = lock_ns;
	),
	TP_printk("ctx=%u ioasid=%u parent=%u format=%u addr_width=%u table=0x%llx domains=%u result=%d lat_ns=%llu lock_ns=%llu",
		  __entry->ctx, __entry->ioasid, __entry->parent,
		  __entry->format, __entry->addr_width, __entry->table,
		  __entry->domains, __entry->result, __entry->lat_ns,
		  __entry->lock_ns)
);

DEFINE_EVENT(ioasid_table, ioasid_bind_table,
	TP_PROTO(u32 ctx, u32 ioasid, u32 parent, u32 format, u32 addr_width,
		 u64 table, u32 domains, int result, u64 lat_ns, u64 lock_ns),
	TP_ARGS(ctx, ioasid, parent, format, addr_width, table, domains, result,
		lat_ns, lock_ns));

DEFINE_EVENT(ioasid_table, ioasid_unbind_table,
	TP_PROTO(u32 ctx, u32 ioasid, u32 parent, u32 format, u32 addr_width,
		 u64 table, u32 domains, int result, u64 lat_ns, u64 lock_ns),
	TP_ARGS(ctx, ioasid, parent, format, addr_width, table, domains, result,
		lat_ns, lock_ns));

/* Memory was registered or unregistered; lat_ns: the whole operation. */
DECLARE_EVENT_CLASS(ioasid_memory,
	TP_PROTO(u32 ctx, u64 vaddr, u64 size, int result, u64 lat_ns),
	TP_ARGS(ctx, vaddr, size, result, lat_ns),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u64, vaddr)
		__field(u64, size)
		__field(int, result)
		__field(u64, lat_ns)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->vaddr = vaddr;
		__entry->size = size;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
	),
	TP_printk("ctx=%u vaddr=0x%llx size=0x%llx result=%d lat_ns=%llu",
		  __entry->ctx, __entry->vaddr, __entry->size,
		  __entry->result, __entry->lat_ns)
);

DEFINE_EVENT(ioasid_memory, ioasid_register,
	TP_PROTO(u32 ctx, u64 vaddr, u64 size, int result, u64 lat_ns),
	TP_ARGS(ctx, vaddr, size, result, lat_ns));

DEFINE_EVENT(ioasid_memory, ioasid_unregister,
	TP_PROTO(u32 ctx, u64 vaddr, u64 size, int result, u64 lat_ns),
	TP_ARGS(ctx, vaddr, size, result, lat_ns));

/* A device was bound to a context or released from it. */
DECLARE_EVENT_CLASS(ioasid_device,
	TP_PROTO(u32 ctx, u32 dev, u64 cookie, u32 group, int result),
	TP_ARGS(ctx, dev, cookie, group, result),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, dev)
		__field(u64, cookie)
		__field(u32, group)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->dev = dev;
		__entry->cookie = cookie;
		__entry->group = group;
		__entry->result = result;
	),
	TP_printk("ctx=%u dev=0x%x cookie=0x%llx group=%u result=%d",
		  __entry->ctx, __entry->dev, __entry->cookie, __entry->group,
		  __entry->result)
);

DEFINE_EVENT(ioasid_device, ioasid_bind,
	TP_PROTO(u32 ctx, u32 dev, u64 cookie, u32 group, int result),
	TP_ARGS(ctx, dev, cookie, group, result));

DEFINE_EVENT(ioasid_device, ioasid_unbind,
	TP_PROTO(u32 ctx, u32 dev, u64 cookie, u32 group, int result),
	TP_ARGS(ctx, dev, cookie, group, result));

TRACE_EVENT(ioasid_attach_begin,
	TP_PROTO(u32 ctx, u32 ioasid, u32 dev, u32 pasid),
	TP_ARGS(ctx, ioasid, dev, pasid),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, dev)
		__field(u32, pasid)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->dev = dev;
		__entry->pasid = pasid;
	),
	TP_printk("ctx=%u ioasid=%u dev=0x%x pasid=0x%x", __entry->ctx,
		  __entry->ioasid, __entry->dev, __entry->pasid)
);

/*
 * A device (or, through VFIO, a group: dev is its first device) was attached
 * to a space or refused. pasid: as the user knows it; maps: mappings that had to
 * be replayed into a new domain; cookie: the device's label, as at ioasid_bind, 0
 * through VFIO.
 */
TRACE_EVENT(ioasid_attach,
	TP_PROTO(u32 ctx, u32 ioasid, u32 dev, u32 pasid, u64 maps,
		 int result, u64 lat_ns, u64 cookie),
	TP_ARGS(ctx, ioasid, dev, pasid, maps, result, lat_ns, cookie),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, dev)
		__field(u32, pasid)
		__field(u64, maps)
		__field(int, result)
		__field(u64, lat_ns)
		__field(u64, cookie)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->dev = dev;
		__entry->pasid = pasid;
		__entry->maps = maps;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
		__entry->cookie = cookie;
	),
	TP_printk("ctx=%u ioasid=%u dev=0x%x pasid=0x%x maps=%llu result=%d lat_ns=%llu cookie=0x%llx",
		  __entry->ctx, __entry->ioasid, __entry->dev, __entry->pasid,
		  __entry->maps, __entry->result, __entry->lat_ns,
		  __entry->cookie)
);

TRACE_EVENT(ioasid_detach,
	TP_PROTO(u32 ctx, u32 ioasid, u32 dev, u32 pasid, int result,
		 u64 lat_ns, u64 cookie),
	TP_ARGS(ctx, ioasid, dev, pasid, result, lat_ns, cookie),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, dev)
		__field(u32, pasid)
		__field(int, result)
		__field(u64, lat_ns)
		__field(u64, cookie)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->dev = dev;
		__entry->pasid = pasid;
		__entry->result = result;
		__entry->lat_ns = lat_ns;
		__entry->cookie = cookie;
	),
	TP_printk("ctx=%u ioasid=%u dev=0x%x pasid=0x%x result=%d lat_ns=%llu cookie=0x%llx",
		  __entry->ctx, __entry->ioasid, __entry->dev, __entry->pasid,
		  __entry->result, __entry->lat_ns, __entry->cookie)
);

/*
 * A device faulted. type: enum ioasid_fault_type; a page request: of a group of
 * @pages, whose first one is addr; perm: IOASID_FAULT_PERM_*; group: the device's own
 * number for it. The process is none: it comes from the IOMMU.
 */
TRACE_EVENT(ioasid_fault_report,
	TP_PROTO(u32 ctx, u32 ioasid, u32 dev, u32 pasid, u64 cookie, u64 addr,
		 u32 perm, u32 group, u32 pages, u32 type),
	TP_ARGS(ctx, ioasid, dev, pasid, cookie, addr, perm, group, pages, type),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, dev)
		__field(u32, pasid)
		__field(u64, cookie)
		__field(u64, addr)
		__field(u32, perm)
		__field(u32, group)
		__field(u32, pages)
		__field(u32, type)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->dev = dev;
		__entry->pasid = pasid;
		__entry->cookie = cookie;
		__entry->addr = addr;
		__entry->perm = perm;
		__entry->group = group;
		__entry->pages = pages;
		__entry->type = type;
	),
	TP_printk("ctx=%u ioasid=%u dev=0x%x pasid=0x%x cookie=0x%llx addr=0x%llx perm=0x%x group=%u pages=%u type=%u",
		  __entry->ctx, __entry->ioasid, __entry->dev, __entry->pasid,
		  __entry->cookie, __entry->addr, __entry->perm, __entry->group,
		  __entry->pages, __entry->type)
);

/*
 * A group of page requests went to who is to answer it. to: enum ioasid_fault_to;
 * result: 0, -ENOSPC (no room in the ring, or beyond a limit), -EPIPE (the queue is
 * closed); depth: unanswered groups of the space. queue_ns: since fault_report, until
 * it was in the ring, or until the kernel began to work on it.
 */
TRACE_EVENT(ioasid_fault_deliver,
	TP_PROTO(u32 ctx, u32 ioasid, u32 dev, u32 pasid, u64 addr, u32 group,
		 u32 pages, u32 to, int result, u32 depth, u64 queue_ns,
		 u64 cookie),
	TP_ARGS(ctx, ioasid, dev, pasid, addr, group, pages, to, result, depth,
		queue_ns, cookie),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, dev)
		__field(u32, pasid)
		__field(u64, addr)
		__field(u32, group)
		__field(u32, pages)
		__field(u32, to)
		__field(int, result)
		__field(u32, depth)
		__field(u64, queue_ns)
		__field(u64, cookie)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->dev = dev;
		__entry->pasid = pasid;
		__entry->addr = addr;
		__entry->group = group;
		__entry->pages = pages;
		__entry->to = to;
		__entry->result = result;
		__entry->depth = depth;
		__entry->queue_ns = queue_ns;
		__entry->cookie = cookie;
	),
	TP_printk("ctx=%u ioasid=%u dev=0x%x pasid=0x%x addr=0x%llx group=%u pages=%u to=%u result=%d depth=%u queue_ns=%llu cookie=0x%llx",
		  __entry->ctx, __entry->ioasid, __entry->dev, __entry->pasid,
		  __entry->addr, __entry->group, __entry->pages, __entry->to,
		  __entry->result, __entry->depth, __entry->queue_ns, __entry->cookie)
);

/*
 * A group was answered. code: enum ioasid_fault_code; why: enum ioasid_fault_why.
 * service_ns: from its delivery until the answer was known (0: it was not delivered);
 * respond_ns: telling the IOMMU; total_ns: since fault_report.
 */
TRACE_EVENT(ioasid_fault_respond,
	TP_PROTO(u32 ctx, u32 ioasid, u32 dev, u32 pasid, u64 addr, u32 group,
		 u32 code, u32 why, u64 service_ns, u64 respond_ns, u64 total_ns, u64 cookie),
	TP_ARGS(ctx, ioasid, dev, pasid, addr, group, code, why, service_ns,
		 respond_ns, total_ns, cookie),
	TP_STRUCT__entry(
		__field(u32, ctx)
		__field(u32, ioasid)
		__field(u32, dev)
		__field(u32, pasid)
		__field(u64, addr)
		__field(u32, group)
		__field(u32, code)
		__field(u32, why)
		__field(u64, service_ns)
		__field(u64, respond_ns)
		__field(u64, total_ns)
		__field(u64, cookie)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->ioasid = ioasid;
		__entry->dev = dev;
		__entry->pasid = pasid;
		__entry->addr = addr;
		__entry->group = group;
		__entry->code = code;
		__entry->why = why;
		__entry->service_ns = service_ns;
		__entry->respond_ns = respond_ns;
		__entry->total_ns = total_ns;
		__entry->cookie = cookie;
	),
	TP_printk("ctx=%u ioasid=%u dev=0x%x pasid=0x%x addr=0x%llx group=%u code=%u why=%u service_ns=%llu respond_ns=%llu total_ns=%llu cookie=0x%llx",
		  __entry->ctx, __entry->ioasid, __entry->dev, __entry->pasid,
		  __entry->addr, __entry->group, __entry->code, __entry->why,
		  __entry->service_ns, __entry->respond_ns, __entry->total_ns, __entry->cookie)
);

#endif /* _TRACE_IOASID_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
