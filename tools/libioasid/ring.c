// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The submission ring of a simulated device. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "libioasid.h"

static int set_up(int dev, struct ioasid_sim_ring *args, struct ioasid_sim_queue *queue)
{
	char *mem;

	args->argsz = sizeof(*args);
	if (ioctl(dev, IOASID_SIM_RING, args))
		return -errno;
	mem = mmap(NULL, args->size, PROT_READ | PROT_WRITE, MAP_SHARED, dev, (off_t)args->offset);
	if (mem == MAP_FAILED)
		return -errno;
	*queue = (struct ioasid_sim_queue){
		.dev = dev,
		.sq_entries = args->sq_entries,
		.cq_entries = args->cq_entries,
		.head = (void *)mem,
		.descs = (void *)(mem + args->sq_offset),
		.comps = (void *)(mem + args->cq_offset),
		.size = args->size,
	};
	return 0;
}

int ioasid_sim_ring(int dev, uint32_t sq_entries, uint32_t cq_entries, uint32_t workers,
		    int eventfd, struct ioasid_sim_queue *queue)
{
	struct ioasid_sim_ring args = {
		.sq_entries = sq_entries, .cq_entries = cq_entries, .workers = workers,
	};
	int saved = errno, rc;

	if (eventfd >= 0) {
		args.flags = IOASID_SIM_RING_EVENTFD;
		args.eventfd = eventfd;
	}
	rc = set_up(dev, &args, queue);
	errno = saved;
	return rc;
}

void ioasid_sim_ring_unmap(struct ioasid_sim_queue *queue)
{
	int saved = errno;

	munmap(queue->head, queue->size);
	errno = saved;
}

int ioasid_sim_doorbell(const struct ioasid_sim_queue *queue)
{
	int saved = errno, rc = 0;

	if (ioctl(queue->dev, IOASID_SIM_DOORBELL))
		rc = -errno;
	errno = saved;
	return rc;
}

/* An index of ours has moved: whoever has fallen asleep before that is woken. */
static int moved(const struct ioasid_sim_queue *queue)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&queue->head->flags, __ATOMIC_RELAXED) & IOASID_SIM_RING_SLEEPS))
		return 0;
	return ioasid_sim_doorbell(queue);
}

int ioasid_sim_submit(struct ioasid_sim_queue *queue, const struct ioasid_sim_descriptor *descs,
		      uint32_t nr)
{
	uint32_t tail = queue->head->sq_tail, i;
	uint32_t used = tail - __atomic_load_n(&queue->head->sq_head, __ATOMIC_ACQUIRE);
	int rc;

	if (nr > queue->sq_entries - used)
		nr = queue->sq_entries - used;
	for (i = 0; i < nr; i++)
		queue->descs[(tail + i) & (queue->sq_entries - 1)] = descs[i];
	__atomic_store_n(&queue->head->sq_tail, tail + nr, __ATOMIC_RELEASE);
	rc = moved(queue);
	return rc ? rc : (int)nr;
}

int ioasid_sim_reap(struct ioasid_sim_queue *queue, struct ioasid_sim_completion *comps,
		    uint32_t nr)
{
	uint32_t head = queue->head->cq_head, i;
	uint32_t there = __atomic_load_n(&queue->head->cq_tail, __ATOMIC_ACQUIRE) - head;
	int rc;

	if (nr > there)
		nr = there;
	for (i = 0; i < nr; i++)
		comps[i] = queue->comps[(head + i) & (queue->cq_entries - 1)];
	__atomic_store_n(&queue->head->cq_head, head + nr, __ATOMIC_RELEASE);
	rc = nr ? moved(queue) : 0;
	return rc ? rc : (int)nr;
}

int ioasid_sim_wait(const struct ioasid_sim_queue *queue, int timeout)
{
	struct pollfd pfd = { .fd = queue->dev, .events = POLLIN };
	int saved = errno, rc = poll(&pfd, 1, timeout);

	if (rc < 0)
		rc = -errno;
	else if (rc && !(pfd.revents & POLLIN))
		rc = -ENODEV;
	errno = saved;
	return rc;
}
