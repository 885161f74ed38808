// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Errors as sentences. What an error means is written down in <linux/ioasid.h>: one
 * line here for each error that a command has for reasons of its own, and one for
 * each that means the same everywhere.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "libioasid.h"

struct sentence {
	unsigned int cmd;	/* 0: all */
	int err;
	const char *object;	/* what it is about when nobody says */
	const char *text;	/* behind the object */
};

#define TABLE(err, text)					\
	{ IOASID_ALLOC, err, "the space", text },		\
	{ IOASID_BIND_PGTABLE, err, "the space", text },	\
	{ IOASID_BIND_PASID_TABLE, err, "the space", text }

static const struct sentence sentences[] = {
	{ IOASID_CMD_OPEN, ENOENT, "/dev/ioasid",
	  "is not there: load the driver (modprobe ioasid)" },
	{ IOASID_CMD_OPEN, ENXIO, "/dev/ioasid", "has no driver: load it (modprobe ioasid)" },
	{ IOASID_CMD_OPEN, EACCES, "/dev/ioasid",
	  "is closed to you: become root, or let root give you access to the node" },
	{ IOASID_CMD_OPEN_DEVICE, ENOENT, "the device",
	  "has no node in /dev/ioasid-devices: hand the function over to ioasid_pci "
	  "(docs/pci.md) or create a simulated one (ioasidctl sim create)" },
	{ IOASID_CMD_OPEN_DEVICE, EACCES, "the device",
	  "is closed to you: become root, or let root change the owner of its node in "
	  "/dev/ioasid-devices" },
	{ IOASID_CMD_OPEN_DEVICE, EBUSY, "the device", "is open already: only one file at a time" },
	{ IOASID_CMD_OPEN_DEVICE, ENODEV, "the device", "is going away" },
	{ IOASID_CMD_OPEN_SIM, ENOENT, "/dev/ioasid-sim",
	  "is not there: load the simulator (modprobe ioasid_sim)" },
	{ IOASID_CMD_OPEN_SIM, EACCES, "/dev/ioasid-sim", "is for root only" },

	{ IOASID_REGISTER_MEMORY, EEXIST, "the memory",
	  "is registered already, at least in part: unregister that first" },
	{ IOASID_REGISTER_MEMORY, EINVAL, "the memory",
	  "must start at a page, be whole pages long and not be empty" },
	{ IOASID_REGISTER_MEMORY, EFAULT, "the memory",
	  "cannot be pinned: all of it must be mapped and readable" },
	{ IOASID_REGISTER_MEMORY, ENOSPC, "the context",
	  "has as many registered ranges as fit: register fewer, larger ones" },
	{ IOASID_UNREGISTER_MEMORY, ENOENT, "the memory",
	  "is not registered like that: give exactly what was registered" },
	{ IOASID_UNREGISTER_MEMORY, EBUSY, "the memory", "is mapped: unmap it first" },

	{ IOASID_ALLOC, ENOENT, "the parent", "does not exist in this context" },
	{ IOASID_ALLOC, ENOSPC, "the space",
	  "does not fit: the context has as many spaces as it can, or they are nested too "
	  "deep; free some" },
	TABLE(EINVAL,
	      "cannot have such a table: it needs a parent which maps the table's first page for "
	      "reading, a width of the format, and an aligned address; page requests need a "
	      "fault queue, which must be of the same context"),
	TABLE(EOPNOTSUPP,
	      "cannot be of this kind or format here: IOASID_DEVICE_GET_INFO lists the formats of "
	      "a device, and tables are bound to children of IOASID_CREATE_NESTING only"),
	{ IOASID_FREE, EBUSY, "the space",
	  "is in use: detach its devices and free the spaces nested on it first" },
	{ IOASID_CREATE_NESTING, ENOENT, "the parent", "does not exist in this context" },
	{ IOASID_CREATE_NESTING, EOPNOTSUPP, "the parent",
	  "cannot nest: its table is user-managed, or it is for dirty tracking" },
	{ IOASID_CREATE_NESTING, ENOSPC, "the child",
	  "does not fit: spaces are nested too deep, or the context has as many as it can" },
	{ IOASID_BIND_PGTABLE, EBUSY, "the space",
	  "has mappings, children or a table already: remove them first" },
	{ IOASID_UNBIND_PGTABLE, ENOENT, "the space", "has no table to unbind" },
	{ IOASID_UNBIND_PGTABLE, EOPNOTSUPP, "the space",
	  "was allocated with its table: free it instead" },
	{ IOASID_BIND_PASID_TABLE, EBUSY, "the space",
	  "has mappings, children or a table already, or a device with a PASID attached: remove "
	  "them first" },
	{ IOASID_UNBIND_PASID_TABLE, ENOENT, "the space", "has no PASID table to unbind" },
	{ IOASID_UNBIND_PASID_TABLE, EOPNOTSUPP, "the space",
	  "was allocated with its table: free it instead" },

	{ IOASID_GET_INFO, ENODEV, "the space",
	  "has no device yet: attach one, what is permitted depends on its IOMMU" },
	{ IOASID_DEVICE_GET_INFO, ENOENT, "the device",
	  "is unknown here: no device was bound with this cookie" },
	{ IOASID_MAP_DMA, EEXIST, "the space",
	  "has a mapping in this range already: unmap it first, or choose another IOVA" },
	{ IOASID_MAP_DMA, EINVAL, "the space",
	  "takes whole, aligned pages inside its permitted ranges (IOASID_GET_INFO), for "
	  "reading, writing or both; and only registered memory, once any is" },
	{ IOASID_MAP_DMA, ENOENT, "the space", "does not exist, or its parent maps nothing there" },
	{ IOASID_MAP_DMA, EFAULT, "the space",
	  "got memory that cannot be pinned like that: it must be mapped and, to be written, "
	  "writable; of a parent's range, the parent must allow it" },
	{ IOASID_MAP_DMA, ENOMEM, "the space",
	  "got more memory than may be pinned: raise RLIMIT_MEMLOCK (ulimit -l)" },
	{ IOASID_REGISTER_MEMORY, ENOMEM, "the memory",
	  "is more than may be pinned: raise RLIMIT_MEMLOCK (ulimit -l)" },
	{ IOASID_MAP_DMA, ENOSPC, "the space", "has as many mappings as fit: map larger ranges" },
	{ IOASID_MAP_DMA, EOPNOTSUPP, "the space",
	  "has a user-managed table: change that, and invalidate" },
	{ IOASID_UNMAP_DMA, ENOENT, "the space",
	  "does not exist, or has nothing mapped in this range" },
	{ IOASID_UNMAP_DMA, EINVAL, "the space",
	  "takes whole pages here, and a range that cuts no mapping in two" },
	{ IOASID_UNMAP_DMA, EOPNOTSUPP, "the space",
	  "has a user-managed table: change that, and invalidate" },
	{ IOASID_UNMAP_DMA, EBUSY, "the space", "has memory there that a driver holds" },
	{ IOASID_INVALIDATE_CACHE, EOPNOTSUPP, "the space",
	  "has no user-managed table: the kernel invalidates by itself; or no PASID table" },
	{ IOASID_INVALIDATE_CACHE, EINVAL, "the request",
	  "names a device or PASID that is not attached or not in the table, an empty range, or "
	  "a range of the PASID cache" },
	{ IOASID_INVALIDATE_CACHE, ENOSPC, "the table",
	  "has more mappings than the kernel can follow" },
	{ IOASID_FAULT_QUEUE_ALLOC, EINVAL, "a fault queue",
	  "cannot be like this: entries are a power of two from 8 to 65536, limits up to 65536, "
	  "the timeout up to 600000 ms; an eventfd needs its flag" },
	{ IOASID_FAULT_QUEUE_ALLOC, EBADF, "the eventfd", "is no open file" },
	{ IOASID_FAULT_QUEUE_ALLOC, EPROTO, "the fault queue",
	  "has a ring that this library does not understand: use a driver and a library of one "
	  "version" },
	{ IOASID_FAULT_RESPOND, EINVAL, "the answer",
	  "fits no group that is waiting: it was answered already (timeout, detach), or cookie, "
	  "space or code are not right" },
	{ IOASID_FAULT_RESPOND, EPROTO, "the fault queue",
	  "holds what the kernel cannot have written: somebody wrote over its ring; close it" },
	{ IOASID_FAULT_RESPOND, ENOTTY, "the file", "is no fault queue" },
	TABLE(EBADF, "cannot have this fault queue: it is no open file"),

	{ IOASID_SET_DIRTY_TRACKING, EOPNOTSUPP, "the space",
	  "was not allocated for dirty tracking (IOASID_ALLOC_DIRTY_TRACKING)" },
	{ IOASID_GET_DIRTY_BITMAP, EOPNOTSUPP, "the space",
	  "was not allocated for dirty tracking (IOASID_ALLOC_DIRTY_TRACKING)" },
	{ IOASID_GET_DIRTY_BITMAP, EINVAL, "the space",
	  "must be tracked, and the range whole pages of the size given, a power of two from 4096 "
	  "on; up to 2^31 bits in aligned words" },
	{ IOASID_GET_DIRTY_BITMAP, EFAULT, "the bitmap",
	  "cannot be written: what it says is right, the rest can be asked for again" },
	{ IOASID_PREFETCH, EOPNOTSUPP, "the space",
	  "follows no process: its kind must be MIRROR or SVA, not pinned" },
	{ IOASID_PREFETCH, ENODEV, "the space", "has no device that could use the pages" },
	{ IOASID_PREFETCH, ENOENT, "the space",
	  "does not exist, or has no slot in all of the range" },
	{ IOASID_PREFETCH, EPERM, "the memory",
	  "is another process's: the one that made the space must ask" },
	{ IOASID_PREFETCH, EFAULT, "the memory", "is not there, or not for writing" },
	{ IOASID_GET_MAPPINGS, EPERM, "the context", "is somebody else's: become root" },
	{ IOASID_GET_HISTORY, EPERM, "the context", "is somebody else's: become root" },
	{ IOASID_GET_HISTORY, EOPNOTSUPP, "the space",
	  "has no history: the driver was told to keep none (its parameter history)" },
	{ IOASID_GET_HISTORY_STACK, EPERM, "the stack",
	  "tells where code and secrets are: become root, or get CAP_PERFMON" },
	{ IOASID_GET_HISTORY_STACK, ENOENT, "the stack",
	  "is forgotten, or the space does not exist" },
	{ IOASID_WALK, EPERM, "the space", "or its table is somebody else's: become root" },
	{ IOASID_WALK, EOPNOTSUPP, "the space", "has no PASID table: leave the PASID away" },

	{ VFIO_BIND_IOASID_FD, EBUSY, "the device",
	  "is bound already, or another member of its IOMMU group is bound to another context" },
	{ VFIO_BIND_IOASID_FD, EEXIST, "the cookie",
	  "is the label of another device of this context: choose another" },
	{ VFIO_BIND_IOASID_FD, EPERM, "the device",
	  "cannot be handed over: another driver owns a member of its IOMMU group, or "
	  "interrupts cannot be isolated (dmesg tells)" },
	{ VFIO_BIND_IOASID_FD, EACCES, "the device",
	  "is a virtual function of a device that user space drives" },
	{ VFIO_BIND_IOASID_FD, EBADF, "the context", "is no open file" },
	{ VFIO_UNBIND_IOASID_FD, EINVAL, "the device", "is not bound" },
	{ VFIO_ATTACH_IOASID, ENOENT, "the space",
	  "does not exist in the context that the device is bound to" },
	{ VFIO_ATTACH_IOASID, EBUSY, "the device",
	  "(or this PASID of it) is attached already, or its IOMMU group is attached "
	  "elsewhere: detach it first" },
	{ VFIO_ATTACH_IOASID, EINVAL, "the device",
	  "must be bound, fit the space (width, reserved regions, snooping), be in the parent "
	  "of a nested space, and have so wide a PASID" },
	{ VFIO_ATTACH_IOASID, EOPNOTSUPP, "the device",
	  "has no PASIDs, or shares its IOMMU group, or cannot use a table of this format, or "
	  "does not ask for pages, or has an IOMMU that does not record writes, where the space "
	  "wants it" },
	{ VFIO_ATTACH_IOASID, ENOSPC, "the table", "has more mappings than the kernel can follow" },
	{ VFIO_DETACH_IOASID, ENOENT, "the device", "is not attached there" },
	{ VFIO_DETACH_IOASID, EBUSY, "the device",
	  "is in a space nested on this one: detach it from there first" },
	{ VFIO_DETACH_IOASID, EINVAL, "the device", "is not bound" },

	{ IOASID_SIM_CREATE, EPERM, "a simulated IOMMU", "needs CAP_SYS_ADMIN: become root" },
	{ IOASID_SIM_CREATE, ENOSPC, "a simulated IOMMU",
	  "does not fit: there are as many as can be; destroy one (ioasidctl sim list)" },
	{ IOASID_SIM_CREATE, EOPNOTSUPP, "a simulated IOMMU",
	  "cannot have all of these capabilities and formats in this version" },
	{ IOASID_SIM_CREATE, EINVAL, "a simulated IOMMU",
	  "cannot be like this: see libioasid(3) for widths, sizes and numbers; formats need "
	  "nesting, PASID bits need pasid" },
	{ IOASID_SIM_DESTROY, ENOENT, "the instance",
	  "does not exist: ioasidctl sim list shows those that do" },
	{ IOASID_SIM_DESTROY, EPERM, "the instance", "can be destroyed by root only" },
	{ IOASID_SIM_GET_STATS, ENOENT, "the instance",
	  "does not exist: ioasidctl sim list shows those that do" },
	{ IOASID_SIM_INJECT, ENOENT, "the instance",
	  "does not exist: ioasidctl sim list shows those that do" },
	{ IOASID_SIM_INJECT, EPERM, "the instance", "can be changed by root only" },
	{ IOASID_SIM_DMA, EINVAL, "the device",
	  "must be bound first; up to 1024 requests at once" },
	{ IOASID_SIM_DMA, ENOTTY, "the device", "is not a simulated one" },
	{ IOASID_SIM_START, EBUSY, "the device", "is running already: stop it first" },
	{ IOASID_SIM_STOP, EINVAL, "the device", "is not running" },
	{ IOASID_SIM_RING, EBUSY, "the device", "has a ring already: unbind it first" },
	{ IOASID_SIM_RING, EINVAL, "the ring",
	  "must have sizes that are powers of two and 1 to 16 workers, and its device be bound" },
	{ IOASID_SIM_DOORBELL, EINVAL, "the device", "has no ring" },

	{ 0, ENOTTY, "the driver",
	  "does not know this command: use a driver and a library of one version" },
	{ 0, E2BIG, "the driver", "is older than the program and does not know all it asks for" },
	{ 0, EINVAL, "an argument",
	  "can never be right: misaligned, wrapped, out of range, or not for this object" },
	{ 0, EOPNOTSUPP, "this", "is not there for this object or on this kernel" },
	{ 0, ENOENT, "the object", "does not exist in this context" },
	{ 0, EEXIST, "the object", "is there already" },
	{ 0, EBUSY, "the object", "is in use" },
	{ 0, ENODEV, "the device", "is gone, or there is none attached" },
	{ 0, EDEADLK, "the space",
	  "has only a part of an IOMMU group: attach the devices that IOASID_GET_INFO names, too" },
	{ 0, ENOMEM, "the kernel",
	  "has no memory for it, or RLIMIT_MEMLOCK is too small (ulimit -l)" },
	{ 0, ENOSPC, "the object", "has reached a limit" },
	{ 0, EFAULT, "memory", "could not be read, written or pinned" },
	{ 0, EPERM, "this", "is not yours: it needs more privilege" },
	{ 0, EBADF, "the file", "is not open" },
	{ 0, EINTR, "the command", "was interrupted by a signal" },
};

static const struct sentence *find(unsigned int cmd, int err)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (sentences[i].cmd == cmd && sentences[i].err == err)
			return &sentences[i];
	return NULL;
}

char *ioasid_strerror(unsigned int cmd, int err, const char *object, char *buf, size_t size)
{
	const struct sentence *sentence;

	if (err < 0)
		err = -err;
	sentence = find(cmd, err);
	if (!sentence)
		sentence = find(0, err);
	if (!sentence)
		snprintf(buf, size, "%s: %s", object ? object : ioasid_command_name(cmd),
			 strerrordesc_np(err) ? strerrordesc_np(err) : "unknown error");
	else
		snprintf(buf, size, "%s %s", object ? object : sentence->object,
			 sentence->text);
	return buf;
}
