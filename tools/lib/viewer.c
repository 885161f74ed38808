// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "version.h"
#include "viewer.h"

#define READ_SIZE	65536

void viewer__attach(struct viewer *viewer, int fd)
{
	*viewer = (struct viewer){ .fd = fd };
}

int viewer__connect(struct viewer *viewer, const char *path, char *why, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	viewer__attach(viewer, -1);
	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(why, size, "the path of the collector's socket is too long");
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		viewer__attach(viewer, fd);
		return 0;
	}
	err = -errno;
	close(fd);
	if (err == -EACCES)
		snprintf(why, size, "%s is not for you: join its group, see 'ls -l %s'", path, path);
	else if (err == -ENOENT || err == -ECONNREFUSED)
		snprintf(why, size, "no collector listens at %s: start ioasid-collect", path);
	else
		snprintf(why, size, "%s: %s", path, strerror(-err));
	return err;
}

void viewer__close(struct viewer *viewer)
{
	if (viewer->fd >= 0)
		close(viewer->fd);
	free(viewer->data);
	viewer__attach(viewer, -1);
}

static int fill(struct viewer *viewer)
{
	char *grown;
	ssize_t n;

	if (viewer->room - viewer->size < READ_SIZE) {
		grown = realloc(viewer->data, viewer->size + READ_SIZE);
		if (!grown)
			return -ENOMEM;
		viewer->data = grown;
		viewer->room = viewer->size + READ_SIZE;
	}
	n = recv(viewer->fd, viewer->data + viewer->size, READ_SIZE, MSG_DONTWAIT);
	if (!n)
		return -EPIPE;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	viewer->size += n;
	return 0;
}

static void consume(struct viewer *viewer, size_t size)
{
	viewer->size -= size;
	memmove(viewer->data, viewer->data + size, viewer->size);
}

static int greet(struct viewer *viewer, char *why, size_t size)
{
	struct wire_hello *hello = &viewer->hello;

	memcpy(hello, viewer->data, sizeof(*hello));
	hello->version[sizeof(hello->version) - 1] = '\0';
	hello->kernel[sizeof(hello->kernel) - 1] = '\0';
	if (hello->magic != WIRE_MAGIC) {
		snprintf(why, size, "what listens there is no ioasid-collect");
		return -EPROTO;
	}
	if (hello->layout != wire__layout()) {
		snprintf(why, size,
			 "the collector is another build (%.31s) than this viewer (%s): install both from one, and restart ioasid-collect",
			 hello->version, IOASID_TOOLS_VERSION);
		return -EPROTO;
	}
	viewer->greeted = true;
	consume(viewer, sizeof(*hello));
	return 0;
}

/* 1: there is one, or a part of what it needs was taken; 0: more has to come. */
static int take(struct viewer *viewer, struct snapshot **snap, char *why, size_t size)
{
	struct wire_frame head;
	int err;

	if (!viewer->greeted) {
		if (viewer->size < sizeof(viewer->hello))
			return 0;
		err = greet(viewer, why, size);
		return err ? err : 1;
	}
	if (viewer->size < sizeof(head))
		return 0;
	memcpy(&head, viewer->data, sizeof(head));
	if (head.bytes > WIRE_FRAME_MAX)
		return -EPROTO;
	if (viewer->size < sizeof(head) + head.bytes)
		return 0;
	err = wire__unpack(viewer->data + sizeof(head), head.bytes, snap, &viewer->status);
	if (err)
		return err;
	consume(viewer, sizeof(head) + head.bytes);
	return 1;
}

int viewer__read(struct viewer *viewer, struct snapshot **snap, char *why, size_t size)
{
	int err;

	*snap = NULL;
	snprintf(why, size, "the collector has ended");
	do {
		err = take(viewer, snap, why, size);
		if (!err) {
			err = fill(viewer);
			if (err == -EAGAIN || err == -EWOULDBLOCK)
				return 0;
			err = err ? err : 1;
		}
	} while (err > 0 && !*snap);
	if (err > 0)
		return 0;
	if (err == -EPROTO && viewer->greeted)
		snprintf(why, size, "what the collector sends is damaged");
	else if (err == -ENOMEM)
		snprintf(why, size, "out of memory");
	return err;
}
