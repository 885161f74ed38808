// SPDX-License-Identifier: GPL-2.0-only
/*
 * What doors with one file descriptor per device have in common: the four
 * commands VFIO_BIND_IOASID_FD .. VFIO_DETACH_IOASID and the states behind
 * them.
 *
 *	closed -> open -> bound -> open -> closed
 *	             any of them -> gone
 *
 * devfd->lock is held for writing while the state changes and for reading while
 * the device is used (ioasid_devfd_enter()). It is taken before mmap_lock,
 * because users copy from and to user memory under it; so a fault or mmap
 * handler must not take it, and needs a lock of its own that enable() and
 * disable() take.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/ioasid.h>
#include <linux/uaccess.h>

/**
 * ioasid_devfd_init() - before the file can be opened
 * @devfd: part of the door's own object
 * @dev: the device behind it, which need not outlive ioasid_devfd_revoke()
 * @ops: how the door makes it usable
 */
void ioasid_devfd_init(struct ioasid_devfd *devfd, struct device *dev,
		       const struct ioasid_devfd_ops *ops)
{
	devfd->dev = dev;
	devfd->sub = NULL;
	devfd->ops = ops;
	init_rwsem(&devfd->lock);
	devfd->idev = NULL;
	devfd->open = false;
	devfd->gone = false;
}
EXPORT_SYMBOL_GPL(ioasid_devfd_init);

/**
 * ioasid_devfd_init_sub() - the same for the file of a sub-device
 * @devfd: part of the door's own object
 * @dev: the physical device
 * @sub: the sub-device, which outlives @devfd
 * @flags: IOASID_SUBDEVICE_*
 * @ops: how the door makes it usable
 */
void ioasid_devfd_init_sub(struct ioasid_devfd *devfd, struct device *dev,
			   struct device *sub, u32 flags,
			   const struct ioasid_devfd_ops *ops)
{
	ioasid_devfd_init(devfd, dev, ops);
	devfd->sub = sub;
	devfd->sub_flags = flags;
}
EXPORT_SYMBOL_GPL(ioasid_devfd_init_sub);

/**
 * ioasid_devfd_open() - for the door's open()
 * @devfd: the device
 *
 * One file at a time, so that the state of the file is that of the device. The
 * file may be shared as usual by dup(), fork() and SCM_RIGHTS.
 *
 * Return: 0, -EBUSY when it is open already, -ENODEV when the device is gone.
 */
int ioasid_devfd_open(struct ioasid_devfd *devfd)
{
	int rc = 0;

	down_write(&devfd->lock);
	if (devfd->gone)
		rc = -ENODEV;
	else if (devfd->open)
		rc = -EBUSY;
	else
		devfd->open = true;
	up_write(&devfd->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_devfd_open);

/* The door makes the device quiet first: DMA it still does would hit others. */
static void ioasid_devfd_unbind(struct ioasid_devfd *devfd)
{
	lockdep_assert_held_write(&devfd->lock);

	if (!devfd->idev)
		return;
	devfd->ops->disable(devfd);
	ioasid_device_unbind(devfd->idev);
	devfd->idev = NULL;
}

/**
 * ioasid_devfd_release() - for the door's release()
 * @devfd: the device
 */
void ioasid_devfd_release(struct ioasid_devfd *devfd)
{
	down_write(&devfd->lock);
	ioasid_devfd_unbind(devfd);
	devfd->open = false;
	up_write(&devfd->lock);
}
EXPORT_SYMBOL_GPL(ioasid_devfd_release);

/**
 * ioasid_devfd_revoke() - the device goes away
 * @devfd: the device
 *
 * When it returns, the device is unbound and nobody is inside
 * ioasid_devfd_enter(); whatever is tried on a file that is still open gets
 * ENODEV.
 */
void ioasid_devfd_revoke(struct ioasid_devfd *devfd)
{
	down_write(&devfd->lock);
	devfd->gone = true;
	ioasid_devfd_unbind(devfd);
	up_write(&devfd->lock);
}
EXPORT_SYMBOL_GPL(ioasid_devfd_revoke);

/* What is not bound says why. */
static int ioasid_devfd_bound(struct ioasid_devfd *devfd)
{
	lockdep_assert_held(&devfd->lock);

	if (devfd->idev)
		return 0;
	return devfd->gone ? -ENODEV : -EINVAL;
}

/**
 * ioasid_devfd_enter() - use a bound device
 * @devfd: the device
 *
 * Return: 0, and the device stays bound until ioasid_devfd_exit(); -EINVAL when
 * it is not bound, -ENODEV when it is gone.
 */
int ioasid_devfd_enter(struct ioasid_devfd *devfd)
{
	int rc;

	down_read(&devfd->lock);
	rc = ioasid_devfd_bound(devfd);
	if (rc)
		up_read(&devfd->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(ioasid_devfd_enter);

/**
 * ioasid_devfd_exit() - the end of what ioasid_devfd_enter() began
 * @devfd: the device
 */
void ioasid_devfd_exit(struct ioasid_devfd *devfd)
{
	up_read(&devfd->lock);
}
EXPORT_SYMBOL_GPL(ioasid_devfd_exit);

/* Any of the commands' structures: argsz first, unknown tail zero. */
static int ioasid_devfd_copy(void *cmd, size_t size, const void __user *uarg)
{
	u32 argsz;

	if (get_user(argsz, (const u32 __user *)uarg))
		return -EFAULT;
	if (argsz < size)
		return -EINVAL;
	if (argsz > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(cmd, size, uarg, argsz);
}

static int ioasid_devfd_bind_ctx(struct ioasid_devfd *devfd,
				 struct ioasid_ctx *ctx, u64 cookie)
{
	struct ioasid_device *idev;
	int rc;

	lockdep_assert_held_write(&devfd->lock);

	if (devfd->gone)
		return -ENODEV;
	if (devfd->idev)
		return -EBUSY;
	if (devfd->sub)
		idev = ioasid_subdevice_bind(ctx, devfd->dev, devfd->sub,
					     cookie, devfd->sub_flags);
	else
		idev = ioasid_device_bind(ctx, devfd->dev, cookie);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = devfd->ops->enable(devfd);
	if (rc) {
		ioasid_device_unbind(idev);
		return rc;
	}
	devfd->idev = idev;
	return 0;
}

static int ioasid_devfd_cmd_bind(struct ioasid_devfd *devfd,
				 const void __user *uarg)
{
	struct vfio_bind_ioasid_fd cmd;
	struct ioasid_ctx *ctx;
	int rc;

	rc = ioasid_devfd_copy(&cmd, sizeof(cmd), uarg);
	if (rc)
		return rc;
	if (cmd.flags)
		return -EOPNOTSUPP;
	if (cmd.__reserved)
		return -EINVAL;
	ctx = ioasid_ctx_fdget(cmd.ioasid_fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	down_write(&devfd->lock);
	rc = ioasid_devfd_bind_ctx(devfd, ctx, cmd.cookie);
	up_write(&devfd->lock);
	/* A bound device has its own reference. */
	ioasid_ctx_put(ctx);
	return rc;
}

static int ioasid_devfd_cmd_unbind(struct ioasid_devfd *devfd)
{
	int rc;

	down_write(&devfd->lock);
	rc = ioasid_devfd_bound(devfd);
	if (!rc)
		ioasid_devfd_unbind(devfd);
	up_write(&devfd->lock);
	return rc;
}

/* The number that the kernel chose goes back to the user, or is undone. */
static int ioasid_devfd_attach_any(struct ioasid_devfd *devfd,
				   struct vfio_attach_ioasid *cmd,
				   void __user *uarg)
{
	int rc = ioasid_device_attach_any(devfd->idev, cmd->ioasid,
					  &cmd->user_pasid);

	if (rc || !copy_to_user(uarg, cmd, sizeof(*cmd)))
		return rc;
	ioasid_device_detach(devfd->idev, cmd->ioasid, cmd->user_pasid);
	return -EFAULT;
}

static int ioasid_devfd_cmd_attach(struct ioasid_devfd *devfd,
				   void __user *uarg, bool attach)
{
	const u32 by_pasid = IOASID_ATTACH_USER_PASID |
			     IOASID_ATTACH_KERNEL_PASID;
	struct vfio_attach_ioasid cmd;
	u32 pasid = IOASID_NO_PASID;
	bool any;
	int rc;

	rc = ioasid_devfd_copy(&cmd, sizeof(cmd), uarg);
	if (rc)
		return rc;
	if (cmd.flags & ~by_pasid)
		return -EOPNOTSUPP;
	if (cmd.flags == by_pasid)
		return -EINVAL;
	any = attach && (cmd.flags & IOASID_ATTACH_KERNEL_PASID);
	if (cmd.flags && !any)
		pasid = cmd.user_pasid;
	else if (cmd.user_pasid)
		return -EINVAL;
	if (cmd.flags && !any && pasid == IOASID_NO_PASID)
		return -EINVAL;
	down_write(&devfd->lock);
	rc = ioasid_devfd_bound(devfd);
	if (!rc && any)
		rc = ioasid_devfd_attach_any(devfd, &cmd, uarg);
	else if (!rc && attach)
		rc = ioasid_device_attach(devfd->idev, cmd.ioasid, pasid);
	else if (!rc)
		rc = ioasid_device_detach(devfd->idev, cmd.ioasid, pasid);
	up_write(&devfd->lock);
	return rc;
}

/**
 * ioasid_devfd_ioctl() - the commands that all doors share
 * @devfd: the device
 * @cmd: as given to ioctl()
 * @arg: as given to ioctl()
 *
 * Return: the command's result, or -ENOIOCTLCMD when it is none of the four;
 * the door then handles it between ioasid_devfd_enter() and _exit().
 */
long ioasid_devfd_ioctl(struct ioasid_devfd *devfd, unsigned int cmd,
			unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_BIND_IOASID_FD:
		return ioasid_devfd_cmd_bind(devfd, uarg);
	case VFIO_UNBIND_IOASID_FD:
		return ioasid_devfd_cmd_unbind(devfd);
	case VFIO_ATTACH_IOASID:
		return ioasid_devfd_cmd_attach(devfd, uarg, true);
	case VFIO_DETACH_IOASID:
		return ioasid_devfd_cmd_attach(devfd, uarg, false);
	default:
		return -ENOIOCTLCMD;
	}
}
EXPORT_SYMBOL_GPL(ioasid_devfd_ioctl);
