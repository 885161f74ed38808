// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The commands: arguments in, -errno or a value out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "command.h"
#include "libioasid.h"

#define IOASID_NODE	"/dev/ioasid"
#define DEVICE_DIR	"/dev/ioasid-devices/"

static int open_node(const char *path)
{
	int saved = errno, fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd;
}

int ioasid_open(void)
{
	return open_node(IOASID_NODE);
}

int ioasid_extension(int fd, enum ioasid_extension extension)
{
	return command(fd, IOASID_CHECK_EXTENSION, (void *)(unsigned long)extension);
}

int ioasid_device_open(const char *name)
{
	char path[sizeof(DEVICE_DIR) + 64];
	int fd = -ENOENT;

	if (strchr(name, '/') || strlen(name) >= 64)
		return -EINVAL;
	snprintf(path, sizeof(path), DEVICE_DIR "%s", name);
	/* Nodes of new devices come when devtmpfs has made them. */
	for (int tries = 0; tries < 20 && fd == -ENOENT; tries++) {
		if (tries)
			usleep(10000);
		fd = open_node(path);
	}
	return fd;
}

int ioasid_bind(int dev, int fd, uint64_t cookie)
{
	struct vfio_bind_ioasid_fd arg = {
		.argsz = sizeof(arg), .ioasid_fd = fd, .cookie = cookie,
	};

	return command(dev, VFIO_BIND_IOASID_FD, &arg);
}

int ioasid_unbind(int dev)
{
	return command(dev, VFIO_UNBIND_IOASID_FD, NULL);
}

static int attach_command(int dev, unsigned int cmd, uint32_t flags, uint32_t ioasid,
			  uint32_t pasid)
{
	struct vfio_attach_ioasid arg = {
		.argsz = sizeof(arg), .flags = flags, .ioasid = ioasid, .user_pasid = pasid,
	};

	return command(dev, cmd, &arg);
}

int ioasid_attach(int dev, uint32_t ioasid)
{
	return attach_command(dev, VFIO_ATTACH_IOASID, 0, ioasid, 0);
}

int ioasid_detach(int dev, uint32_t ioasid)
{
	return attach_command(dev, VFIO_DETACH_IOASID, 0, ioasid, 0);
}

int ioasid_attach_pasid(int dev, uint32_t ioasid, uint32_t pasid)
{
	return attach_command(dev, VFIO_ATTACH_IOASID, IOASID_ATTACH_USER_PASID, ioasid, pasid);
}

int ioasid_detach_pasid(int dev, uint32_t ioasid, uint32_t pasid)
{
	return attach_command(dev, VFIO_DETACH_IOASID, IOASID_ATTACH_USER_PASID, ioasid, pasid);
}

static int alloc_kernel(int fd, uint32_t parent, uint32_t addr_width, uint32_t flags)
{
	struct ioasid_alloc arg = {
		.argsz = sizeof(arg), .flags = flags, .kind = IOASID_KIND_KERNEL,
		.parent = parent, .addr_width = addr_width,
	};

	return command(fd, IOASID_ALLOC, &arg);
}

int ioasid_alloc(int fd, uint32_t addr_width, uint32_t flags)
{
	return alloc_kernel(fd, IOASID_NONE, addr_width, flags);
}

/* Without a parent it would be something else. */
int ioasid_alloc_child(int fd, uint32_t parent, uint32_t addr_width, uint32_t flags)
{
	return parent ? alloc_kernel(fd, parent, addr_width, flags) : -ENOENT;
}

int ioasid_alloc_pasid_table(int fd, uint32_t parent, uint32_t format, uint32_t pasid_bits,
			     uint64_t table, uint64_t flags)
{
	struct ioasid_alloc arg = {
		.argsz = sizeof(arg), .kind = IOASID_KIND_USER, .parent = parent,
		.format = format,
		.table = { .flags = flags, .addr = table, .addr_width = pasid_bits },
	};

	return command(fd, IOASID_ALLOC, &arg);
}

int ioasid_alloc_user(int fd, uint32_t parent, uint32_t format, uint32_t addr_width,
		      uint64_t table)
{
	return ioasid_alloc_pasid_table(fd, parent, format, addr_width, table, 0);
}

int ioasid_create_nesting(int fd, uint32_t parent)
{
	struct ioasid_create_nesting arg = { .argsz = sizeof(arg), .parent = parent };

	return command(fd, IOASID_CREATE_NESTING, &arg);
}

static int table_command(int fd, unsigned int cmd, uint32_t ioasid, uint32_t format,
			 const struct ioasid_table *table)
{
	struct ioasid_bind_table arg = {
		.argsz = sizeof(arg), .ioasid = ioasid, .format = format, .table = *table,
	};

	return command(fd, cmd, &arg);
}

int ioasid_bind_table(int fd, uint32_t ioasid, uint32_t format, uint32_t addr_width,
		      uint64_t table)
{
	return table_command(fd, IOASID_BIND_PGTABLE, ioasid, format, &(struct ioasid_table){
			     .addr = table, .addr_width = addr_width });
}

int ioasid_unbind_table(int fd, uint32_t ioasid)
{
	return table_command(fd, IOASID_UNBIND_PGTABLE, ioasid, 0, &(struct ioasid_table){ 0 });
}

int ioasid_bind_pasid_table(int fd, uint32_t ioasid, uint32_t format, uint32_t pasid_bits,
			    uint64_t table, uint64_t flags)
{
	return table_command(fd, IOASID_BIND_PASID_TABLE, ioasid, format, &(struct ioasid_table){
			     .flags = flags, .addr = table, .addr_width = pasid_bits });
}

int ioasid_unbind_pasid_table(int fd, uint32_t ioasid)
{
	return table_command(fd, IOASID_UNBIND_PASID_TABLE, ioasid, 0,
			     &(struct ioasid_table){ 0 });
}

int ioasid_free(int fd, uint32_t ioasid)
{
	struct ioasid_free arg = { .argsz = sizeof(arg), .ioasid = ioasid };

	return command(fd, IOASID_FREE, &arg);
}

static int memory_command(int fd, unsigned int cmd, const void *mem, size_t size)
{
	struct ioasid_memory arg = {
		.argsz = sizeof(arg), .vaddr = (uintptr_t)mem, .size = size,
	};

	return command(fd, cmd, &arg);
}

int ioasid_register(int fd, const void *mem, size_t size)
{
	return memory_command(fd, IOASID_REGISTER_MEMORY, mem, size);
}

int ioasid_unregister(int fd, const void *mem, size_t size)
{
	return memory_command(fd, IOASID_UNREGISTER_MEMORY, mem, size);
}

int ioasid_map_parent(int fd, uint32_t ioasid, uint64_t iova, uint64_t target, uint64_t size,
		      uint32_t prot)
{
	struct ioasid_map_dma arg = {
		.argsz = sizeof(arg), .flags = prot, .ioasid = ioasid, .vaddr = target,
		.iova = iova, .size = size,
	};

	return command(fd, IOASID_MAP_DMA, &arg);
}

int ioasid_map(int fd, uint32_t ioasid, uint64_t iova, const void *mem, uint64_t size,
	       uint32_t prot)
{
	return ioasid_map_parent(fd, ioasid, iova, (uintptr_t)mem, size, prot);
}

static int64_t unmap(int fd, struct ioasid_unmap_dma *arg)
{
	int rc;

	arg->argsz = sizeof(*arg);
	rc = command(fd, IOASID_UNMAP_DMA, arg);
	return rc < 0 ? rc : (int64_t)arg->size;
}

int64_t ioasid_unmap(int fd, uint32_t ioasid, uint64_t iova, uint64_t size)
{
	struct ioasid_unmap_dma arg = { .ioasid = ioasid, .iova = iova, .size = size };

	return unmap(fd, &arg);
}

int64_t ioasid_unmap_all(int fd, uint32_t ioasid)
{
	struct ioasid_unmap_dma arg = { .flags = IOASID_UNMAP_ALL, .ioasid = ioasid };

	return unmap(fd, &arg);
}

int ioasid_set_dirty_tracking(int fd, uint32_t ioasid, bool on)
{
	struct ioasid_set_dirty_tracking arg = {
		.argsz = sizeof(arg), .flags = on ? IOASID_DIRTY_TRACKING_ON : 0, .ioasid = ioasid,
	};

	return command(fd, IOASID_SET_DIRTY_TRACKING, &arg);
}

int ioasid_get_dirty_bitmap(int fd, uint32_t ioasid, uint64_t iova, uint64_t size,
			    uint64_t page_size, uint64_t *bitmap, uint32_t flags)
{
	struct ioasid_get_dirty_bitmap arg = {
		.argsz = sizeof(arg), .flags = flags, .ioasid = ioasid, .iova = iova,
		.size = size, .page_size = page_size, .bitmap = (uintptr_t)bitmap,
	};

	return command(fd, IOASID_GET_DIRTY_BITMAP, &arg);
}

int ioasid_prefetch(int fd, uint32_t ioasid, uint64_t iova, uint64_t size, uint32_t flags,
		    uint64_t *bytes)
{
	struct ioasid_prefetch arg = {
		.argsz = sizeof(arg), .flags = flags, .ioasid = ioasid, .iova = iova,
		.size = size,
	};
	int rc = command(fd, IOASID_PREFETCH, &arg);

	*bytes = arg.bytes;
	return rc;
}

int ioasid_invalidate_list(int fd, uint32_t ioasid, const struct ioasid_invalidate *requests,
			   uint32_t *nr)
{
	struct ioasid_invalidate_cache arg = {
		.argsz = sizeof(arg), .ioasid = ioasid, .nr = *nr,
		.requests = (uintptr_t)requests,
	};
	int rc = command(fd, IOASID_INVALIDATE_CACHE, &arg);

	/* Refused before it began, the kernel has not written how many. */
	*nr = rc < 0 && arg.nr == *nr ? 0 : arg.nr;
	return rc;
}

int ioasid_invalidate_range(int fd, uint32_t ioasid, uint64_t iova, uint64_t size)
{
	struct ioasid_invalidate request = {
		.flags = size ? IOASID_INVALIDATE_RANGE : 0, .iova = iova, .size = size,
	};
	uint32_t nr = 1;

	return ioasid_invalidate_list(fd, ioasid, &request, &nr);
}

void ioasid_mappings_start(struct ioasid_mappings *it, int fd, uint32_t ctx, uint32_t ioasid,
			   uint64_t first, uint64_t last)
{
	it->fd = fd;
	it->ctx = ctx;
	it->ioasid = ioasid;
	it->nr = it->at = 0;
	it->more = 1;
	it->next = first;
	it->last = last;
}

static int fetch_mappings(struct ioasid_mappings *it)
{
	struct ioasid_get_mappings arg = {
		.argsz = sizeof(arg), .ioasid = it->ioasid, .ctx = it->ctx, .iova = it->next,
		.nr = sizeof(it->infos) / sizeof(it->infos[0]),
		.mappings = (uintptr_t)it->infos,
	};
	int rc = command(it->fd, IOASID_GET_MAPPINGS, &arg);

	if (rc < 0)
		return rc;
	it->nr = arg.nr;
	it->at = 0;
	it->more = arg.more;
	it->next = arg.iova;
	return 0;
}

int ioasid_mappings_next(struct ioasid_mappings *it, struct ioasid_mapping_info *info)
{
	int rc;

	if (it->at == it->nr) {
		if (!it->more || it->next > it->last)
			return 0;
		rc = fetch_mappings(it);
		if (rc < 0)
			return rc;
	}
	if (it->at == it->nr || it->infos[it->at].iova > it->last) {
		it->more = 0;
		it->nr = it->at;
		return 0;
	}
	*info = it->infos[it->at++];
	return 1;
}

void ioasid_history_start(struct ioasid_history *it, int fd, uint32_t ctx, uint32_t ioasid,
			  uint64_t seq)
{
	it->fd = fd;
	it->ctx = ctx;
	it->ioasid = ioasid;
	it->nr = it->at = 0;
	it->seq = seq;
	it->lost = 0;
}

static int fetch_history(struct ioasid_history *it)
{
	struct ioasid_get_history arg = {
		.argsz = sizeof(arg), .ioasid = it->ioasid, .ctx = it->ctx, .seq = it->seq,
		.nr = sizeof(it->entries) / sizeof(it->entries[0]),
		.entries = (uintptr_t)it->entries,
	};
	int rc = command(it->fd, IOASID_GET_HISTORY, &arg);

	if (rc < 0)
		return rc;
	it->lost += arg.first - (it->seq ? it->seq : 1);
	it->seq = arg.first;
	it->nr = arg.nr;
	it->at = 0;
	return 0;
}

int ioasid_history_next(struct ioasid_history *it, struct ioasid_history_entry *entry)
{
	int rc;

	if (it->at == it->nr) {
		rc = fetch_history(it);
		if (rc < 0 || !it->nr)
			return rc;
	}
	it->seq++;
	*entry = it->entries[it->at++];
	return 1;
}

int ioasid_history_stack(int fd, uint32_t ctx, uint32_t ioasid, uint32_t id,
			 struct ioasid_history_stack *stack)
{
	struct ioasid_get_history_stack arg = {
		.argsz = sizeof(arg), .ioasid = ioasid, .ctx = ctx, .id = id,
		.stack = (uintptr_t)stack,
	};
	int rc = command(fd, IOASID_GET_HISTORY_STACK, &arg);

	return rc < 0 ? rc : 0;
}

static int walk_command(int fd, struct ioasid_walk_iova arg, struct ioasid_walk_steps *walk)
{
	int rc;

	arg.argsz = sizeof(arg);
	arg.nr = IOASID_MAX_STEPS;
	arg.steps = (uintptr_t)walk->steps;
	rc = command(fd, IOASID_WALK, &arg);

	if (rc < 0)
		return rc;
	walk->reason = arg.reason;
	walk->perm = arg.perm;
	walk->state = arg.state;
	walk->format = arg.format;
	walk->nr = arg.nr < IOASID_MAX_STEPS ? arg.nr : IOASID_MAX_STEPS;
	return 0;
}

int ioasid_walk(int fd, uint32_t ctx, uint32_t ioasid, uint64_t iova,
		struct ioasid_walk_steps *walk)
{
	return walk_command(fd, (struct ioasid_walk_iova){
			    .ioasid = ioasid, .ctx = ctx, .iova = iova }, walk);
}

int ioasid_walk_pasid(int fd, uint32_t ctx, uint32_t ioasid, uint32_t pasid, uint64_t iova,
		      struct ioasid_walk_steps *walk)
{
	return walk_command(fd, (struct ioasid_walk_iova){
			    .flags = IOASID_WALK_PASID, .ioasid = ioasid, .ctx = ctx,
			    .iova = iova, .pasid = pasid }, walk);
}
