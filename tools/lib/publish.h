/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The collector's end of the wire: each frame goes to all viewers, none of whom can hold
 * up another or the collector. One that does not read loses its connection, never a
 * frame in between, so that what a viewer got is without gaps.
 */
#ifndef TOOLS_PUBLISH_H
#define TOOLS_PUBLISH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define PUBLISH_VIEWERS		32
#define PUBLISH_VIEWERS_OF_USER	8
/* What may wait for one viewer. */
#define PUBLISH_FRAMES		64
#define PUBLISH_BYTES		(64U << 20)

struct publisher;

/* listener may be -1; it becomes the publisher's. NULL without memory. */
struct publisher *publisher__new(int listener, __u64 interval_ns);
void publisher__free(struct publisher *publisher);

/* Takes a viewer that is connected already; fd becomes the publisher's. 0 or -errno. */
int publisher__add(struct publisher *publisher, int fd);

/* Takes the frame over. 0 or -ENOMEM. */
int publisher__send(struct publisher *publisher, void *frame, size_t size);

/* For poll(): at most PUBLISH_VIEWERS + 1 of them; and what to do afterwards. */
int publisher__fds(const struct publisher *publisher, struct pollfd *fds);
void publisher__run(struct publisher *publisher);

int publisher__nr(const struct publisher *publisher);

/*
 * A listening socket at a path: mode 0660 with that group, or 0600 with none (-1). When a
 * collector listens there already: -EADDRINUSE. What a dead one left is replaced.
 */
int publisher__listen(const char *path, long group);

#endif
