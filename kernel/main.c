// SPDX-License-Identifier: GPL-2.0-only
/* /dev/ioasid: the file, its commands, the module. */
#include <linux/file.h>
#include <linux/ioasid_fault.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include <trace/events/ioasid.h>

#include "bpf/hooks.h"
#include "compat.h"
#include "ioasid_private.h"

/*
 * One function per command. Order of checks in all of them: flags, reserved
 * fields, values, lookup, work.
 */

static int cmd_register_memory(struct ioasid_ucmd *ucmd)
{
	struct ioasid_memory *cmd = ucmd->cmd;

	if (cmd->flags)
		return -EOPNOTSUPP;
	return ioasid_memory_register(ucmd->ctx, cmd->vaddr, cmd->size);
}

static int cmd_unregister_memory(struct ioasid_ucmd *ucmd)
{
	struct ioasid_memory *cmd = ucmd->cmd;

	if (cmd->flags)
		return -EOPNOTSUPP;
	return ioasid_memory_unregister(ucmd->ctx, cmd->vaddr, cmd->size);
}

static int cmd_alloc(struct ioasid_ucmd *ucmd)
{
	struct ioasid_alloc *cmd = ucmd->cmd;
	struct ioasid_space *space;
	int rc;

	space = ioasid_space_create(ucmd->ctx, cmd, IOASID_MAX_MAPPINGS,
				    false);
	if (IS_ERR(space))
		return PTR_ERR(space);
	rc = space->id;
	ioasid_space_put(space);
	return rc;
}

static int cmd_free(struct ioasid_ucmd *ucmd)
{
	struct ioasid_free *cmd = ucmd->cmd;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	return ioasid_space_destroy(ucmd->ctx, cmd->ioasid);
}

static int cmd_map_dma(struct ioasid_ucmd *ucmd)
{
	struct ioasid_map_dma *cmd = ucmd->cmd;
	struct ioasid_space *space;
	int rc;

	if (cmd->flags & ~(IOASID_MAP_READ | IOASID_MAP_WRITE |
			   IOASID_MAP_NO_REQUESTS))
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	space = ioasid_space_get(ucmd->ctx, cmd->ioasid);
	if (!space)
		return -ENOENT;
	rc = ioasid_space_map(space, cmd->iova, cmd->vaddr, cmd->size,
			      cmd->flags);
	ioasid_space_put(space);
	return rc;
}

static int cmd_unmap_dma(struct ioasid_ucmd *ucmd)
{
	struct ioasid_unmap_dma *cmd = ucmd->cmd;
	struct ioasid_unmap_dma __user *ubuf = ucmd->ubuf;
	bool all = cmd->flags & IOASID_UNMAP_ALL;
	struct ioasid_space *space;
	u64 unmapped;
	int rc;

	if (cmd->flags & ~IOASID_UNMAP_ALL)
		return -EOPNOTSUPP;
	if (cmd->__reserved || (all && (cmd->iova || cmd->size)))
		return -EINVAL;
	/* Afterwards it is too late to find that the result cannot be told. */
	if (put_user(cmd->size, &ubuf->size))
		return -EFAULT;
	space = ioasid_space_get(ucmd->ctx, cmd->ioasid);
	if (!space)
		return -ENOENT;
	rc = ioasid_space_unmap(space, cmd->iova, cmd->size,
				all ? IOASID_UNMAP_EVERYTHING :
				      IOASID_UNMAP_NOT_EMPTY, &unmapped);
	ioasid_space_put(space);
	return rc ?: put_user(unmapped, &ubuf->size);
}

static int check_extension(unsigned long extension)
{
	switch (extension) {
	case IOASID_EXT_API_VERSION:
		return IOASID_API_VERSION;
	case IOASID_EXT_MAP_TYPE1V2:
	case IOASID_EXT_REGISTER_MEMORY:
	case IOASID_EXT_UNMAP_ALL:
	case IOASID_EXT_MULTIDEV_GROUP:
	case IOASID_EXT_ENFORCE_SNOOP:
	case IOASID_EXT_NESTING:
	case IOASID_EXT_USER_PAGE_TABLE:
	case IOASID_EXT_USER_PASID_TABLE:
	case IOASID_EXT_SVA:
	case IOASID_EXT_MIRROR:
	case IOASID_EXT_FAULT_QUEUE:
	case IOASID_EXT_DIRTY_TRACKING:
	case IOASID_EXT_HISTORY:
		return 1;
	default:
		return 0;
	}
}

/**
 * struct ioasid_command - how to call a command
 * @nr: ioctl number
 * @size: of the structure as this kernel knows it
 * @min_size: that user space must at least give
 * @info: argsz is the size of a buffer for the reply, which may be larger
 * @fn: what to call with the copied structure
 */
struct ioasid_command {
	unsigned int nr;
	unsigned int size;
	unsigned int min_size;
	bool info;
	int (*fn)(struct ioasid_ucmd *ucmd);
};

union ioasid_args {
	struct ioasid_memory memory;
	struct ioasid_alloc alloc;
	struct ioasid_free free;
	struct ioasid_info info;
	struct ioasid_map_dma map;
	struct ioasid_unmap_dma unmap;
	struct ioasid_create_nesting nesting;
	struct ioasid_bind_table table;
	struct ioasid_invalidate_cache invalidate;
	struct ioasid_device_info device;
	struct ioasid_get_mappings mappings;
	struct ioasid_walk_iova walk;
	struct ioasid_prefetch prefetch;
	struct ioasid_get_history history;
	struct ioasid_get_history_stack stack;
	struct ioasid_fault_queue_alloc fault_queue;
	struct ioasid_set_dirty_tracking set_dirty;
	struct ioasid_get_dirty_bitmap get_dirty;
};

#define COMMAND(_nr, _struct, _last, _fn)				\
	[_IOC_NR(_nr) - IOASID_BASE] = {				\
		.nr = _nr,						\
		.size = sizeof(struct _struct),				\
		.min_size = offsetofend(struct _struct, _last),		\
		.fn = _fn,						\
	}
#define INFO_COMMAND(_nr, _struct, _last, _fn)				\
	[_IOC_NR(_nr) - IOASID_BASE] = {				\
		.nr = _nr,						\
		.size = sizeof(struct _struct),				\
		.min_size = offsetofend(struct _struct, _last),		\
		.info = true,						\
		.fn = _fn,						\
	}

static const struct ioasid_command commands[] = {
	COMMAND(IOASID_REGISTER_MEMORY, ioasid_memory, size,
		cmd_register_memory),
	COMMAND(IOASID_UNREGISTER_MEMORY, ioasid_memory, size,
		cmd_unregister_memory),
	COMMAND(IOASID_ALLOC, ioasid_alloc, __reserved, cmd_alloc),
	COMMAND(IOASID_FREE, ioasid_free, __reserved, cmd_free),
	INFO_COMMAND(IOASID_GET_INFO, ioasid_info, cap_offset,
		     ioasid_cmd_get_info),
	COMMAND(IOASID_MAP_DMA, ioasid_map_dma, size, cmd_map_dma),
	COMMAND(IOASID_UNMAP_DMA, ioasid_unmap_dma, size, cmd_unmap_dma),
	COMMAND(IOASID_CREATE_NESTING, ioasid_create_nesting, __reserved,
		ioasid_cmd_create_nesting),
	COMMAND(IOASID_BIND_PGTABLE, ioasid_bind_table, __reserved,
		ioasid_cmd_bind_pgtable),
	COMMAND(IOASID_UNBIND_PGTABLE, ioasid_bind_table, __reserved,
		ioasid_cmd_unbind_pgtable),
	COMMAND(IOASID_BIND_PASID_TABLE, ioasid_bind_table, __reserved,
		ioasid_cmd_bind_pasid_table),
	COMMAND(IOASID_UNBIND_PASID_TABLE, ioasid_bind_table, __reserved,
		ioasid_cmd_unbind_pasid_table),
	COMMAND(IOASID_INVALIDATE_CACHE, ioasid_invalidate_cache, requests,
		ioasid_cmd_invalidate_cache),
	COMMAND(IOASID_FAULT_QUEUE_ALLOC, ioasid_fault_queue_alloc, timeout_ms,
		ioasid_cmd_fault_queue_alloc),
	COMMAND(IOASID_SET_DIRTY_TRACKING, ioasid_set_dirty_tracking,
		__reserved, ioasid_cmd_set_dirty_tracking),
	COMMAND(IOASID_GET_DIRTY_BITMAP, ioasid_get_dirty_bitmap, bitmap,
		ioasid_cmd_get_dirty_bitmap),
	INFO_COMMAND(IOASID_DEVICE_GET_INFO, ioasid_device_info, cap_offset,
		     ioasid_cmd_device_get_info),
	COMMAND(IOASID_GET_MAPPINGS, ioasid_get_mappings, mappings,
		ioasid_cmd_get_mappings),
	COMMAND(IOASID_WALK, ioasid_walk_iova, steps, ioasid_cmd_walk),
	COMMAND(IOASID_PREFETCH, ioasid_prefetch, bytes, ioasid_cmd_prefetch),
	COMMAND(IOASID_GET_HISTORY, ioasid_get_history, entries,
		ioasid_cmd_get_history),
	COMMAND(IOASID_GET_HISTORY_STACK, ioasid_get_history_stack, stack,
		ioasid_cmd_get_history_stack),
};

static int run_command(struct ioasid_ctx *ctx, const struct ioasid_command *c,
		       void __user *ubuf)
{
	union ioasid_args args;
	struct ioasid_ucmd ucmd = { .ctx = ctx, .ubuf = ubuf, .cmd = &args };
	u32 argsz;
	int rc;

	if (get_user(argsz, (u32 __user *)ubuf))
		return -EFAULT;
	if (argsz < c->min_size)
		return -EINVAL;
	ucmd.argsz = argsz;
	if (c->info)
		argsz = min(argsz, c->size);
	if (argsz > PAGE_SIZE)
		return -E2BIG;
	rc = copy_struct_from_user(&args, c->size, ubuf, argsz);
	return rc ?: c->fn(&ucmd);
}

static long ioasid_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	unsigned int index = _IOC_NR(cmd) - IOASID_BASE;

	if (cmd == IOASID_CHECK_EXTENSION)
		return check_extension(arg);
	if (index >= ARRAY_SIZE(commands) || commands[index].nr != cmd)
		return -ENOTTY;
	return run_command(file->private_data, &commands[index],
			   (void __user *)arg);
}

static int ioasid_open(struct inode *inode, struct file *file)
{
	struct ioasid_ctx *ctx = ioasid_ctx_alloc(IOASID_DOOR_DEV);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	file->private_data = ctx;
	return 0;
}

/* Bound devices keep the context, and with it all their DMA may reach (E33). */
static int ioasid_release(struct inode *inode, struct file *file)
{
	ioasid_ctx_put(file->private_data);
	return 0;
}

static void ioasid_show_fdinfo(struct seq_file *s, struct file *file)
{
	ioasid_ctx_show(s, file->private_data);
}

static const struct file_operations ioasid_fops = {
	.owner = THIS_MODULE,
	.open = ioasid_open,
	.release = ioasid_release,
	.unlocked_ioctl = ioasid_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = ioasid_show_fdinfo,
};

/**
 * ioasid_ctx_fdget - the context behind a file descriptor
 * @fd: of the calling process
 *
 * Returns a reference, to be dropped with ioasid_ctx_put(); -EBADF when there
 * is no such descriptor, -EINVAL when it is something else.
 */
struct ioasid_ctx *ioasid_ctx_fdget(int fd)
{
	struct file *file = fget(fd);
	struct ioasid_ctx *ctx = ERR_PTR(-EINVAL);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &ioasid_fops) {
		ctx = file->private_data;
		kref_get(&ctx->kref);
	}
	fput(file);
	return ctx;
}
EXPORT_SYMBOL_GPL(ioasid_ctx_fdget);

static struct miscdevice ioasid_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ioasid",
	.nodename = "ioasid",
	.mode = 0660,
	.fops = &ioasid_fops,
};

static int __init ioasid_init(void)
{
	int rc;

	rc = ioasid_devnodes_init();
	if (rc)
		return rc;
	rc = ioasid_mirror_init();
	if (rc) {
		ioasid_devnodes_exit();
		return rc;
	}
	ioasid_stats_init();
	ioasid_policies_init();
	rc = misc_register(&ioasid_misc);
	if (rc) {
		ioasid_stats_exit();
		ioasid_mirror_exit();
		ioasid_devnodes_exit();
	}
	return rc;
}
module_init(ioasid_init);

static void __exit ioasid_exit(void)
{
	misc_deregister(&ioasid_misc);
	ioasid_stats_exit();
	ioasid_mirror_exit();
	ioasid_devnodes_exit();
}
module_exit(ioasid_exit);

/* Attaching with handles */
COMPAT_IMPORT_NS(IOMMUFD_INTERNAL);

MODULE_DESCRIPTION("I/O address spaces for user space");
MODULE_AUTHOR("The ioasid developers");
MODULE_LICENSE("GPL");
