// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fault queues: the ring is read where it is. What counts is kept here, in memory of
 * our own: the ring is shared, and what somebody writes over it must not lead us
 * anywhere.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "command.h"
#include "libioasid.h"

#define DEFAULT_ENTRIES 256

struct ioasid_fault_queue {
	int fd;
	struct ioasid_fault_ring *ring;
	size_t size;
	uint32_t entries;
	uint32_t record_size;
	uint32_t record_offset;
	uint32_t next; /* record that nobody was given yet, modulo 2^32 */
	struct ioasid_fault *joined; /* a group that is in two pieces: the ring ends in it */
};

/* Its first page says how large it is. */
static int map_ring(struct ioasid_fault_queue *queue)
{
	size_t page = sysconf(_SC_PAGESIZE);
	const struct ioasid_fault_ring *head;

	head = mmap(NULL, page, PROT_READ, MAP_SHARED, queue->fd, 0);
	if (head == MAP_FAILED)
		return -errno;
	queue->entries = head->entries;
	queue->record_size = head->record_size;
	queue->record_offset = head->record_offset;
	munmap((void *)head, page);
	/* A later kernel may have longer records, none has shorter ones. */
	if (!queue->entries || queue->entries & (queue->entries - 1) ||
	    queue->record_size < sizeof(struct ioasid_fault) ||
	    queue->record_offset < sizeof(struct ioasid_fault_ring))
		return -EPROTO;
	queue->size = queue->record_offset + (size_t)queue->entries * queue->record_size;
	queue->ring = mmap(NULL, queue->size, PROT_READ | PROT_WRITE, MAP_SHARED, queue->fd, 0);
	if (queue->ring == MAP_FAILED) {
		queue->ring = NULL;
		return -errno;
	}
	queue->next = queue->ring->tail;
	queue->joined = calloc(queue->entries, sizeof(*queue->joined));
	return queue->joined ? 0 : -ENOMEM;
}

int ioasid_fault_queue_open(int fd, const struct ioasid_fault_queue_alloc *args,
			    struct ioasid_fault_queue **queue)
{
	struct ioasid_fault_queue *new = calloc(1, sizeof(*new));
	struct ioasid_fault_queue_alloc arg = { 0 };
	int rc, saved = errno;

	if (!new)
		return -ENOMEM;
	if (args)
		arg = *args;
	arg.argsz = sizeof(arg);
	if (!arg.entries)
		arg.entries = DEFAULT_ENTRIES;
	rc = new->fd = command(fd, IOASID_FAULT_QUEUE_ALLOC, &arg);
	if (rc >= 0)
		rc = map_ring(new);
	if (rc)
		ioasid_fault_queue_close(new);
	else
		*queue = new;
	errno = saved;
	return rc;
}

void ioasid_fault_queue_close(struct ioasid_fault_queue *queue)
{
	int saved = errno;

	if (!queue)
		return;
	if (queue->ring)
		munmap(queue->ring, queue->size);
	if (queue->fd >= 0)
		close(queue->fd);
	free(queue->joined);
	free(queue);
	errno = saved;
}

int ioasid_fault_queue_fd(const struct ioasid_fault_queue *queue)
{
	return queue->fd;
}

uint64_t ioasid_fault_queue_dropped(const struct ioasid_fault_queue *queue)
{
	return __atomic_load_n(&queue->ring->dropped, __ATOMIC_RELAXED);
}

/* Record n, counted modulo 2^32 as head and tail are. */
static const struct ioasid_fault *record(const struct ioasid_fault_queue *queue, uint32_t n)
{
	const char *first = (const char *)queue->ring + queue->record_offset;

	return (const void *)(first + (size_t)(n & (queue->entries - 1)) * queue->record_size);
}

static bool ends_group(const struct ioasid_fault *fault)
{
	return fault->type != IOASID_FAULT_PAGE_REQUEST || fault->flags & IOASID_FAULT_LAST;
}

static const struct ioasid_fault *in_one_piece(struct ioasid_fault_queue *queue, uint32_t n)
{
	uint32_t at = queue->next & (queue->entries - 1);

	if (n == 1 ||
	    (at + n <= queue->entries && queue->record_size == sizeof(struct ioasid_fault)))
		return record(queue, queue->next);
	for (uint32_t i = 0; i < n; i++)
		queue->joined[i] = *record(queue, queue->next + i);
	return queue->joined;
}

int ioasid_fault_queue_next(struct ioasid_fault_queue *queue, const struct ioasid_fault **faults)
{
	/* Records are read after the head that says they are there. */
	uint32_t head = __atomic_load_n(&queue->ring->head, __ATOMIC_ACQUIRE);
	uint32_t there = head - queue->next, n = 0;

	if (!there)
		return 0;
	if (there > queue->entries)
		return -EPROTO;
	/* The kernel writes a group as a whole, or not at all. */
	while (n < there && !ends_group(record(queue, queue->next + n)))
		n++;
	if (n++ == there)
		return -EPROTO;
	*faults = in_one_piece(queue, n);
	queue->next += n;
	return n;
}

void ioasid_fault_queue_consume(struct ioasid_fault_queue *queue)
{
	/* The kernel may write over them from here on: we have read all there was. */
	__atomic_store_n(&queue->ring->tail, queue->next, __ATOMIC_RELEASE);
}

int ioasid_fault_respond_list(struct ioasid_fault_queue *queue,
			      const struct ioasid_fault_response *responses, uint32_t *nr)
{
	struct ioasid_fault_respond arg = {
		.argsz = sizeof(arg),
		.nr = *nr,
		.responses = (uintptr_t)responses,
	};
	int rc = command(queue->fd, IOASID_FAULT_RESPOND, &arg);

	/* Refused before it began, the kernel has not written how many. */
	*nr = rc < 0 && arg.nr == *nr ? 0 : arg.nr;
	return rc;
}

int ioasid_fault_respond(struct ioasid_fault_queue *queue, const struct ioasid_fault *fault,
			 enum ioasid_fault_code code)
{
	struct ioasid_fault_response response = {
		.id = fault->id,
		.cookie = fault->cookie,
		.ioasid = fault->ioasid,
		.code = code,
	};
	uint32_t nr = 1;

	return ioasid_fault_respond_list(queue, &response, &nr);
}

int ioasid_alloc_faults(int fd, const struct ioasid_alloc *args,
			const struct ioasid_fault_queue *queue)
{
	struct ioasid_alloc arg = *args;

	arg.argsz = sizeof(arg);
	if (queue) {
		arg.flags |= IOASID_ALLOC_FAULT_QUEUE;
		arg.fault_queue = queue->fd;
	}
	return command(fd, IOASID_ALLOC, &arg);
}

int ioasid_bind_faults(int fd, const struct ioasid_bind_table *args,
		       const struct ioasid_fault_queue *queue)
{
	struct ioasid_bind_table arg = *args;
	/* From there on formats are those of PASID tables. */
	bool pasids = arg.format >= IOASID_FORMAT_AMD_GCR3;

	arg.argsz = sizeof(arg);
	if (queue) {
		arg.flags |= IOASID_BIND_FAULT_QUEUE;
		arg.fault_queue = queue->fd;
	}
	return command(fd, pasids ? IOASID_BIND_PASID_TABLE : IOASID_BIND_PGTABLE, &arg);
}
