/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The viewer's end of the wire: needs no privilege but to connect. */
#ifndef TOOLS_VIEWER_H
#define TOOLS_VIEWER_H

#include "wire.h"

#define COLLECT_SOCKET	"/run/ioasid/collect.sock"

struct viewer {
	int fd;			/* for poll() */
	bool greeted;
	struct wire_hello hello;	/* once it has greeted */
	struct wire_status status;	/* of the last snapshot */
	char *data;		/* never more than what comes next */
	size_t size, room;
};

/* Connects. -errno, and why becomes one sentence. */
int viewer__connect(struct viewer *viewer, const char *path, char *why, size_t size);

/* A connection that is there already. */
void viewer__attach(struct viewer *viewer, int fd);
void viewer__close(struct viewer *viewer);

/*
 * Never waits. *snap is NULL when the next snapshot is not there yet. -errno when the
 * connection is of no use any more, and why becomes one sentence.
 */
int viewer__read(struct viewer *viewer, struct snapshot **snap, char *why, size_t size);

/* Waits for the greeting, or for the next snapshot. */
int viewer__greet(struct viewer *viewer, char *why, size_t size);
int viewer__wait(struct viewer *viewer, struct snapshot **snap, char *why, size_t size);

#endif
