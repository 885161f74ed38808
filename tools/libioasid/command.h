/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How commands are given inside of the library. */
#ifndef LIBIOASID_COMMAND_H
#define LIBIOASID_COMMAND_H

#include <errno.h>
#include <sys/ioctl.h>

/* The result, or -errno: errno belongs to the caller. */
static inline int command(int fd, unsigned int cmd, void *arg)
{
	int saved = errno, rc = ioctl(fd, cmd, arg);

	if (rc < 0)
		rc = -errno;
	errno = saved;
	return rc;
}

#endif /* LIBIOASID_COMMAND_H */
