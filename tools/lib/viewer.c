// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "version.h"
#include "viewer.h"

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
		snprintf(why, size, "%s is not for you: join its group, see 'ls -l %s'", path,
			 path);
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

/* How much has to be there before there is something to take. */
static size_t needed(const struct viewer *viewer)
{
	struct wire_head head;

	if (!viewer->greeted)
		return sizeof(viewer->hello);
	if (viewer->size < sizeof(head))
		return sizeof(head);
	memcpy(&head, viewer->data, sizeof(head));
	return head.bytes > WIRE_FRAME_MAX ? 0 : sizeof(head) + head.bytes;
}

/* Never beyond what comes next: then poll() tells whether there is more. */
static int fill(struct viewer *viewer, size_t need)
{
	char *grown;
	ssize_t n;

	if (viewer->room < need) {
		grown = realloc(viewer->data, need);
		if (!grown)
			return -ENOMEM;
		viewer->data = grown;
		viewer->room = need;
	}
	n = recv(viewer->fd, viewer->data + viewer->size, need - viewer->size, MSG_DONTWAIT);
	if (!n)
		return -EPIPE;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	viewer->size += n;
	return 0;
}

static int take_greeting(struct viewer *viewer, char *why, size_t size)
{
	struct wire_hello *hello = &viewer->hello;

	memcpy(hello, viewer->data, sizeof(*hello));
	viewer->size = 0;
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
	return 0;
}

static int take_snapshot(struct viewer *viewer, struct snapshot **snap)
{
	struct wire_head head;
	int err;

	memcpy(&head, viewer->data, sizeof(head));
	err = wire__unpack(&head, viewer->data + sizeof(head), snap);
	if (err)
		return err;
	viewer->status = head.status;
	viewer->size = 0;
	return 0;
}

/* One greeting or one snapshot at most, and -EAGAIN when that is not there yet. */
static int step(struct viewer *viewer, struct snapshot **snap, char *why, size_t size)
{
	size_t need;
	int err;

	snprintf(why, size, "the collector has ended");
	while ((need = needed(viewer)) > viewer->size) {
		err = fill(viewer, need);
		if (err)
			return err == -EWOULDBLOCK ? -EAGAIN : err;
	}
	if (!viewer->greeted)
		return take_greeting(viewer, why, size);
	err = need ? take_snapshot(viewer, snap) : -EBADMSG;
	if (err == -EBADMSG)
		snprintf(why, size, "what the collector sends is damaged");
	else if (err)
		snprintf(why, size, "out of memory");
	return err;
}

int viewer__read(struct viewer *viewer, struct snapshot **snap, char *why, size_t size)
{
	int err = 0;

	*snap = NULL;
	while (!err && !*snap)
		err = step(viewer, snap, why, size);
	return err == -EAGAIN ? 0 : err;
}

static int wait_for(struct viewer *viewer, struct snapshot **snap, bool greeting, char *why,
		    size_t size)
{
	struct pollfd fd = { .fd = viewer->fd, .events = POLLIN };
	int err = 0;

	*snap = NULL;
	while (!*snap && !(greeting && viewer->greeted)) {
		err = step(viewer, snap, why, size);
		if (err == -EAGAIN)
			poll(&fd, 1, -1);
		else if (err)
			return err;
	}
	return 0;
}

int viewer__greet(struct viewer *viewer, char *why, size_t size)
{
	struct snapshot *none;

	return wait_for(viewer, &none, true, why, size);
}

int viewer__wait(struct viewer *viewer, struct snapshot **snap, char *why, size_t size)
{
	return wait_for(viewer, snap, false, why, size);
}
