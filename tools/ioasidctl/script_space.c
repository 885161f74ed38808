// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands of scripts: contexts, devices, spaces, mappings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "script.h"

/* The command that is tried, and on what, for the sentence when it fails. */
#define TRY(script, cmd, ...) do {						\
	(script)->ioctl = cmd;							\
	snprintf((script)->object, sizeof((script)->object), __VA_ARGS__);	\
} while (0)

static struct value *arg(const struct call *call, int i)
{
	return &call->args[i].var->value;
}

static uint64_t number(const struct call *call, int i)
{
	return call->args[i].number;
}

static int object(struct value *result, enum type type, int fd, uint64_t nr)
{
	if (fd < 0)
		return fd;
	result->type = type;
	result->fd = fd;
	result->number = nr;
	return 0;
}

/* A space that was made in a context, or the error. */
static int space(struct value *result, int ctx_fd, int ioasid)
{
	if (ioasid < 0)
		return ioasid;
	result->ctx_fd = ctx_fd;
	return object(result, TYPE_SPACE, ctx_fd, ioasid);
}

COMMAND_FUNCTION(open)
{
	(void)call;
	TRY(script, IOASID_CMD_OPEN, "/dev/ioasid");
	return object(result, TYPE_CTX, ioasid_open(), 0);
}

COMMAND_FUNCTION(device)
{
	const char *name = call->args[0].text;

	TRY(script, IOASID_CMD_OPEN_DEVICE, "%s", name);
	snprintf(result->name, sizeof(result->name), "%s", name);
	return object(result, TYPE_DEVICE, ioasid_device_open(name), 0);
}

COMMAND_FUNCTION(bind)
{
	struct value *dev = arg(call, 0);
	static uint64_t next_cookie = 1;
	int rc;

	(void)result;
	dev->number = call->options[0].given ? call->options[0].number : next_cookie++;
	TRY(script, VFIO_BIND_IOASID_FD, "%s", dev->name);
	rc = ioasid_bind(dev->fd, arg(call, 1)->fd, dev->number);
	if (!rc)
		dev->ctx_fd = arg(call, 1)->fd;
	return rc;
}

COMMAND_FUNCTION(unbind)
{
	struct value *dev = arg(call, 0);

	(void)result;
	TRY(script, VFIO_UNBIND_IOASID_FD, "%s", dev->name);
	return ioasid_unbind(dev->fd);
}

COMMAND_FUNCTION(attach)
{
	struct value *dev = arg(call, 0);
	uint32_t ioasid = arg(call, 1)->number;

	(void)result;
	TRY(script, VFIO_ATTACH_IOASID, "%s", dev->name);
	return call->options[0].given ?
	       ioasid_attach_pasid(dev->fd, ioasid, call->options[0].number) :
	       ioasid_attach(dev->fd, ioasid);
}

COMMAND_FUNCTION(detach)
{
	struct value *dev = arg(call, 0);
	uint32_t ioasid = arg(call, 1)->number;

	(void)result;
	TRY(script, VFIO_DETACH_IOASID, "%s", dev->name);
	return call->options[0].given ?
	       ioasid_detach_pasid(dev->fd, ioasid, call->options[0].number) :
	       ioasid_detach(dev->fd, ioasid);
}

static uint32_t alloc_flags(const struct call *call)
{
	return (call->options[1].given ? IOASID_ALLOC_ENFORCE_SNOOP : 0) |
	       (call->options[2].given ? IOASID_ALLOC_DIRTY_TRACKING : 0);
}

COMMAND_FUNCTION(alloc)
{
	int fd = arg(call, 0)->fd;

	script->ioctl = IOASID_ALLOC;
	return space(result, fd, ioasid_alloc(fd, call->options[0].number, alloc_flags(call)));
}

COMMAND_FUNCTION(nest)
{
	struct value *parent = arg(call, 0);

	script->ioctl = IOASID_ALLOC;
	return space(result, parent->fd,
		     ioasid_alloc_child(parent->fd, parent->number, call->options[0].number,
					alloc_flags(call)));
}

COMMAND_FUNCTION(create_nesting)
{
	struct value *parent = arg(call, 0);

	script->ioctl = IOASID_CREATE_NESTING;
	return space(result, parent->fd, ioasid_create_nesting(parent->fd, parent->number));
}

static uint32_t table_width(const struct call *call, uint32_t format)
{
	if (call->options[0].given)
		return call->options[0].number;
	if (format == IOASID_FORMAT_X86_64_5LEVEL)
		return 57;
	return format == IOASID_FORMAT_RISCV_SV39 ? 39 : 48;
}

COMMAND_FUNCTION(table)
{
	uint32_t format = find_format(call->args[1].text);
	struct value *parent = arg(call, 0);

	script->ioctl = IOASID_ALLOC;
	return space(result, parent->fd,
		     ioasid_alloc_user(parent->fd, parent->number, format,
				       table_width(call, format), number(call, 2)));
}

COMMAND_FUNCTION(bind_table)
{
	uint32_t format = find_format(call->args[1].text);
	struct value *child = arg(call, 0);

	(void)result;
	TRY(script, IOASID_BIND_PGTABLE, "space %llu", (unsigned long long)child->number);
	return ioasid_bind_table(child->fd, child->number, format, table_width(call, format),
				 number(call, 2));
}

COMMAND_FUNCTION(unbind_table)
{
	struct value *child = arg(call, 0);

	(void)result;
	TRY(script, IOASID_UNBIND_PGTABLE, "space %llu", (unsigned long long)child->number);
	return ioasid_unbind_table(child->fd, child->number);
}

static uint64_t pasid_flags(const struct call *call)
{
	return (call->options[1].given ? IOASID_TABLE_BYPASS : 0) |
	       (call->options[2].given ? IOASID_TABLE_BLOCK : 0) |
	       (call->options[3].given ? IOASID_TABLE_5LEVEL : 0);
}

/* One page of AMD's, of Arm's as many descriptors as a page holds. */
static uint32_t pasid_bits(const struct call *call, uint32_t format)
{
	if (call->options[0].given)
		return call->options[0].number;
	return format == IOASID_FORMAT_ARM_CD ? 6 : 9;
}

COMMAND_FUNCTION(pasid_table)
{
	uint32_t format = find_format(call->args[1].text);
	struct value *parent = arg(call, 0);

	script->ioctl = IOASID_ALLOC;
	return space(result, parent->fd,
		     ioasid_alloc_pasid_table(parent->fd, parent->number, format,
					      pasid_bits(call, format), number(call, 2),
					      pasid_flags(call)));
}

COMMAND_FUNCTION(bind_pasid_table)
{
	uint32_t format = find_format(call->args[1].text);
	struct value *child = arg(call, 0);

	(void)result;
	TRY(script, IOASID_BIND_PASID_TABLE, "space %llu", (unsigned long long)child->number);
	return ioasid_bind_pasid_table(child->fd, child->number, format,
				       pasid_bits(call, format), number(call, 2),
				       pasid_flags(call));
}

COMMAND_FUNCTION(unbind_pasid_table)
{
	struct value *child = arg(call, 0);

	(void)result;
	TRY(script, IOASID_UNBIND_PASID_TABLE, "space %llu", (unsigned long long)child->number);
	return ioasid_unbind_pasid_table(child->fd, child->number);
}

COMMAND_FUNCTION(free)
{
	struct value *as = arg(call, 0);

	(void)result;
	TRY(script, IOASID_FREE, "space %llu", (unsigned long long)as->number);
	return ioasid_free(as->fd, as->number);
}

COMMAND_FUNCTION(register)
{
	struct value *mem = arg(call, 1);

	(void)result;
	script->ioctl = IOASID_REGISTER_MEMORY;
	return ioasid_register(arg(call, 0)->fd, mem->mem, mem->size);
}

COMMAND_FUNCTION(unregister)
{
	struct value *mem = arg(call, 1);

	(void)result;
	script->ioctl = IOASID_UNREGISTER_MEMORY;
	return ioasid_unregister(arg(call, 0)->fd, mem->mem, mem->size);
}

COMMAND_FUNCTION(map)
{
	struct value *as = arg(call, 0);

	(void)result;
	TRY(script, IOASID_MAP_DMA, "space %llu", (unsigned long long)as->number);
	return ioasid_map_parent(as->fd, as->number, number(call, 2), number(call, 1),
				 number(call, 3), find_prot(call->args[4].text));
}

static int unmapped(struct value *result, int64_t bytes)
{
	if (bytes < 0)
		return bytes;
	result->type = TYPE_NUMBER;
	result->number = bytes;
	return 0;
}

COMMAND_FUNCTION(unmap)
{
	struct value *as = arg(call, 0);

	TRY(script, IOASID_UNMAP_DMA, "space %llu", (unsigned long long)as->number);
	return unmapped(result, ioasid_unmap(as->fd, as->number, number(call, 1),
					     number(call, 2)));
}

COMMAND_FUNCTION(unmap_all)
{
	struct value *as = arg(call, 0);

	TRY(script, IOASID_UNMAP_DMA, "space %llu", (unsigned long long)as->number);
	return unmapped(result, ioasid_unmap_all(as->fd, as->number));
}

COMMAND_FUNCTION(invalidate)
{
	struct ioasid_invalidate request = {
		.caches = IOASID_CACHE_IOTLB | IOASID_CACHE_DEVTLB |
			  (call->options[1].given ? IOASID_CACHE_PASID : 0),
		.flags = (number(call, 2) ? IOASID_INVALIDATE_RANGE : 0) |
			 (call->options[0].given ? IOASID_INVALIDATE_PASID : 0),
		.pasid = call->options[0].given ? call->options[0].number : 0,
		.iova = number(call, 1),
		.size = number(call, 2),
	};
	struct value *as = arg(call, 0);
	uint32_t nr = 1;

	(void)result;
	TRY(script, IOASID_INVALIDATE_CACHE, "space %llu", (unsigned long long)as->number);
	return ioasid_invalidate_list(as->fd, as->number, &request, &nr);
}

static int track(struct script *script, const struct call *call, bool on)
{
	struct value *as = arg(call, 0);

	TRY(script, IOASID_SET_DIRTY_TRACKING, "space %llu", (unsigned long long)as->number);
	return ioasid_set_dirty_tracking(as->fd, as->number, on);
}

COMMAND_FUNCTION(dirty_on)
{
	(void)result;
	return track(script, call, true);
}

COMMAND_FUNCTION(dirty_off)
{
	(void)result;
	return track(script, call, false);
}

/* How many pages of 4K are dirty; they are clean then, unless they shall be kept. */
COMMAND_FUNCTION(dirty)
{
	uint64_t words = number(call, 2) / 4096 / 64 + 1, *bitmap;
	struct value *as = arg(call, 0);
	int rc;

	TRY(script, IOASID_GET_DIRTY_BITMAP, "space %llu", (unsigned long long)as->number);
	if (number(call, 2) >> 43)
		return -EINVAL;
	bitmap = calloc(words, sizeof(*bitmap));
	if (!bitmap)
		return -ENOMEM;
	rc = ioasid_get_dirty_bitmap(as->fd, as->number, number(call, 1), number(call, 2), 4096,
				     bitmap, call->options[0].given ? IOASID_DIRTY_NO_CLEAR : 0);
	result->type = TYPE_NUMBER;
	for (uint64_t i = 0; !rc && i < words; i++)
		result->number += __builtin_popcountll(bitmap[i]);
	free(bitmap);
	return rc;
}

COMMAND_FUNCTION(close)
{
	struct value *value = arg(call, 0);

	(void)result;
	if (value->type != TYPE_CTX && value->type != TYPE_DEVICE && value->type != TYPE_SIM) {
		snprintf(script->message, sizeof(script->message),
			 "$%s is %s, which cannot be closed", call->args[0].var->name,
			 type_name(value->type));
		return -EINVAL;
	}
	close(value->fd);
	value->type = TYPE_NONE;
	return 0;
}

COMMAND_FUNCTION(number)
{
	(void)script;
	result->type = TYPE_NUMBER;
	result->number = number(call, 0);
	return 0;
}
