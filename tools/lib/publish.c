// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "publish.h"
#include "wire.h"

/* One frame, for all viewers who have not had it yet. */
struct parcel {
	char *data;
	size_t size;
	unsigned int users;
};

struct peer {
	int fd;			/* -1: free */
	uid_t uid;
	struct parcel *queue[PUBLISH_FRAMES];
	unsigned int nr;
	size_t bytes;		/* in the queue */
	size_t sent;		/* of the first */
};

struct publisher {
	int listener;
	__u64 interval_ns;
	struct peer peers[PUBLISH_VIEWERS];
};

struct publisher *publisher__new(int listener, __u64 interval_ns)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));

	if (!publisher)
		return NULL;
	publisher->listener = listener;
	publisher->interval_ns = interval_ns;
	for (int i = 0; i < PUBLISH_VIEWERS; i++)
		publisher->peers[i].fd = -1;
	return publisher;
}

static void parcel_put(struct parcel *parcel)
{
	if (--parcel->users)
		return;
	free(parcel->data);
	free(parcel);
}

static void peer_close(struct peer *peer)
{
	for (unsigned int i = 0; i < peer->nr; i++)
		parcel_put(peer->queue[i]);
	close(peer->fd);
	*peer = (struct peer){ .fd = -1 };
}

void publisher__free(struct publisher *publisher)
{
	if (!publisher)
		return;
	for (int i = 0; i < PUBLISH_VIEWERS; i++)
		if (publisher->peers[i].fd >= 0)
			peer_close(&publisher->peers[i]);
	if (publisher->listener >= 0)
		close(publisher->listener);
	free(publisher);
}

static void peer_shift(struct peer *peer)
{
	peer->bytes -= peer->queue[0]->size;
	peer->sent = 0;
	parcel_put(peer->queue[0]);
	peer->nr--;
	memmove(&peer->queue[0], &peer->queue[1], peer->nr * sizeof(peer->queue[0]));
}

/* As much as there is room for. */
static void peer_write(struct peer *peer)
{
	while (peer->nr) {
		const struct parcel *parcel = peer->queue[0];
		ssize_t n = send(peer->fd, parcel->data + peer->sent, parcel->size - peer->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			peer_close(peer);
			return;
		}
		peer->sent += n;
		if (peer->sent == parcel->size)
			peer_shift(peer);
	}
}

static bool peer_queue(struct peer *peer, struct parcel *parcel)
{
	/* The first may be large: nobody could ever have it otherwise. */
	if (peer->nr == PUBLISH_FRAMES ||
	    (peer->nr && peer->bytes + parcel->size > PUBLISH_BYTES))
		return false;
	peer->queue[peer->nr++] = parcel;
	peer->bytes += parcel->size;
	parcel->users++;
	return true;
}

static int nr_of_user(const struct publisher *publisher, uid_t uid)
{
	int nr = 0;

	for (int i = 0; i < PUBLISH_VIEWERS; i++)
		nr += publisher->peers[i].fd >= 0 && publisher->peers[i].uid == uid;
	return nr;
}

static struct peer *free_peer(struct publisher *publisher, uid_t uid)
{
	if (nr_of_user(publisher, uid) >= PUBLISH_VIEWERS_OF_USER)
		return NULL;
	for (int i = 0; i < PUBLISH_VIEWERS; i++)
		if (publisher->peers[i].fd < 0)
			return &publisher->peers[i];
	return NULL;
}

static struct parcel *parcel_new(void *data, size_t size)
{
	struct parcel *parcel = malloc(sizeof(*parcel));

	if (parcel)
		*parcel = (struct parcel){ .data = data, .size = size, .users = 1 };
	else
		free(data);
	return parcel;
}

static int greet(struct publisher *publisher, struct peer *peer)
{
	struct wire_hello *hello = malloc(sizeof(*hello));
	struct parcel *parcel;

	if (!hello)
		return -ENOMEM;
	wire__hello(hello, publisher->interval_ns);
	parcel = parcel_new(hello, sizeof(*hello));
	if (!parcel)
		return -ENOMEM;
	peer_queue(peer, parcel);
	parcel_put(parcel);
	peer_write(peer);
	return 0;
}

int publisher__add(struct publisher *publisher, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct peer *peer;
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
		err = -errno;
		close(fd);
		return err;
	}
	peer = free_peer(publisher, cred.uid);
	if (!peer) {
		close(fd);
		return -EUSERS;
	}
	peer->fd = fd;
	peer->uid = cred.uid;
	err = greet(publisher, peer);
	if (err)
		peer_close(peer);
	return err;
}

int publisher__send(struct publisher *publisher, void *frame, size_t size)
{
	struct parcel *parcel = parcel_new(frame, size);

	if (!parcel)
		return -ENOMEM;
	for (int i = 0; i < PUBLISH_VIEWERS; i++) {
		struct peer *peer = &publisher->peers[i];

		if (peer->fd < 0)
			continue;
		if (peer_queue(peer, parcel))
			peer_write(peer);
		else
			peer_close(peer);
	}
	parcel_put(parcel);
	return 0;
}

int publisher__fds(const struct publisher *publisher, struct pollfd *fds)
{
	int nr = 0;

	if (publisher->listener >= 0)
		fds[nr++] = (struct pollfd){ .fd = publisher->listener, .events = POLLIN };
	for (int i = 0; i < PUBLISH_VIEWERS; i++) {
		const struct peer *peer = &publisher->peers[i];

		/* POLLIN tells of the end of the connection. */
		if (peer->fd >= 0)
			fds[nr++] = (struct pollfd){
				.fd = peer->fd, .events = POLLIN | (peer->nr ? POLLOUT : 0),
			};
	}
	return nr;
}

/* Viewers say nothing: whoever does is not one. */
static bool peer_is_gone(const struct peer *peer)
{
	char byte;

	return recv(peer->fd, &byte, 1, MSG_DONTWAIT) >= 0 ||
	       (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void publisher__run(struct publisher *publisher)
{
	int fd;

	for (int i = 0; i < PUBLISH_VIEWERS; i++) {
		struct peer *peer = &publisher->peers[i];

		if (peer->fd >= 0 && peer_is_gone(peer))
			peer_close(peer);
		else if (peer->fd >= 0)
			peer_write(peer);
	}
	if (publisher->listener < 0)
		return;
	fd = accept4(publisher->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		publisher__add(publisher, fd);
}

int publisher__nr(const struct publisher *publisher)
{
	int nr = 0;

	for (int i = 0; i < PUBLISH_VIEWERS; i++)
		nr += publisher->peers[i].fd >= 0;
	return nr;
}

/* 0: nobody is there. */
static int remove_dead(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN)
		err = -EADDRINUSE;
	else if (errno != ENOENT && errno != ECONNREFUSED)
		err = -errno;
	close(fd);
	if (err || lstat(address->sun_path, &st))
		return err;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	return unlink(address->sun_path) ? -errno : 0;
}

int publisher__listen(const char *path, long group)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	err = remove_dead(&address);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);	/* nobody else before it has its group */
	err = bind(fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (!err && group >= 0 && (chown(path, -1, group) || chmod(path, 0660)))
		err = -errno;
	if (!err && listen(fd, PUBLISH_VIEWERS))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}
