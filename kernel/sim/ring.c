// SPDX-License-Identifier: GPL-2.0-only
/*
 * The submission ring of a device: what user space puts into shared memory is
 * carried out by worker threads.
 *
 *	user               shared memory           workers
 *	descriptors  ->  sq_head .. sq_tail  ->  fetch(), ring_take(), sim_execute()
 *	completions  <-  cq_head .. cq_tail  <-  ring_complete()
 *
 * Nothing that lies in the shared memory is trusted twice, or with more than a
 * comparison: all that counts is kept here as well, and only written there. A
 * descriptor is copied to @next, where it waits until it may begin.
 *
 * A request begins only when there is room for its completion, which others cannot
 * take: so completions are never lost, and never waited for by somebody who has one.
 *
 * The doorbell is an ioctl, since a write to memory wakes nobody: workers would have
 * to look all the time, each on a CPU of its own. It is needed only while one of
 * them sleeps (IOASID_SIM_RING_SLEEPS), so not by those who keep them busy.
 */
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "sim.h"

static_assert(sizeof(struct ioasid_sim_ring_head) == 128);
static_assert(sizeof(struct ioasid_sim_descriptor) == 64);
static_assert(sizeof(struct ioasid_sim_completion) == 40);

struct sim_worker {
	struct sim_ring *ring;
	struct task_struct *task;
	void *bounce;
};

/**
 * struct sim_ring - a ring and its workers
 * @dev: the device
 * @args: how it was made
 * @size: of the shared memory
 * @head: shared memory; the next two are in it, and nothing of it is read but the
 *        user's indices and descriptors
 * @descs: submissions
 * @comps: completions
 * @eventfd: is told of completions, or NULL
 * @work: workers that have nothing to do
 * @lock: all below
 * @next: copy of the descriptor that begins next
 * @has_next: there is one
 * @fenced: the request that is running wants to be alone
 * @stopped: nothing begins any more
 * @starved: there was no room for the completion of @next
 * @bad_tail: @head->sq_tail made no sense
 * @sq_head: descriptors copied
 * @cq_tail: completions written
 * @running: requests that have begun and have no completion yet
 * @asleep: workers
 * @taken: requests that have begun
 * @completed: requests that have ended
 * @failed: not with IOASID_SIM_OK
 * @doorbells: that were rung
 * @stalls: how often there was no room for completions
 * @bad_tails: how often @head->sq_tail made no sense
 * @workers: as many as @args says
 */
struct sim_ring {
	struct sim_device *dev;
	struct ioasid_sim_ring args;
	size_t size;
	struct ioasid_sim_ring_head *head;
	struct ioasid_sim_descriptor *descs;
	struct ioasid_sim_completion *comps;
	struct eventfd_ctx *eventfd;
	wait_queue_head_t work;

	spinlock_t lock;		/* see above */
	struct ioasid_sim_descriptor next;
	bool has_next;
	bool fenced;
	bool stopped;
	bool starved;
	bool bad_tail;
	u32 sq_head;
	u32 cq_tail;
	u32 running;
	u32 asleep;
	u64 taken;
	u64 completed;
	u64 failed;
	u64 doorbells;
	u64 stalls;
	u64 bad_tails;

	struct sim_worker workers[];
};

/* Submissions */

/* A descriptor is read here, and never again. */
static bool fetch(struct sim_ring *ring)
{
	u32 waiting;
	bool bad;

	lockdep_assert_held(&ring->lock);
	/* Pairs with the user's release, after the descriptors. */
	waiting = smp_load_acquire(&ring->head->sq_tail) - ring->sq_head;
	bad = waiting > ring->args.sq_entries;
	if (bad && !ring->bad_tail)
		ring->bad_tails++;
	ring->bad_tail = bad;
	if (bad || !waiting)
		return false;
	ring->next = ring->descs[ring->sq_head & (ring->args.sq_entries - 1)];
	/* The compiler may not think that it could as well look there again. */
	barrier();
	ring->has_next = true;
	/* The user may write there from now on. */
	smp_store_release(&ring->head->sq_head, ++ring->sq_head);
	return true;
}

/* Completions that the user has not read, as far as he is to be believed. */
static u32 unread(struct sim_ring *ring)
{
	/* Pairs with his release, after he has read them. */
	return ring->cq_tail - smp_load_acquire(&ring->head->cq_head);
}

/* A head beyond the tail leaves no room either. */
static bool has_room(struct sim_ring *ring)
{
	u32 used = unread(ring);
	bool room = used <= ring->args.cq_entries &&
		    ring->running < ring->args.cq_entries - used;

	if (!room && !ring->starved)
		ring->stalls++;
	ring->starved = !room;
	return room;
}

static bool is_fence(const struct ioasid_sim_descriptor *desc)
{
	return desc->flags & IOASID_SIM_DESC_FENCE;
}

/* There is a request, and it may begin. */
static bool ring_ready(struct sim_ring *ring)
{
	if (ring->stopped || (!ring->has_next && !fetch(ring)))
		return false;
	if (ring->fenced || (is_fence(&ring->next) && ring->running))
		return false;
	return has_room(ring);
}

static bool ring_has_work(struct sim_ring *ring)
{
	bool ready;

	spin_lock(&ring->lock);
	ready = ring_ready(ring);
	spin_unlock(&ring->lock);
	return ready;
}

static bool ring_take(struct sim_ring *ring, struct ioasid_sim_descriptor *desc)
{
	bool ready, more = false;

	spin_lock(&ring->lock);
	ready = ring_ready(ring);
	if (ready) {
		*desc = ring->next;
		ring->has_next = false;
		ring->fenced = is_fence(desc);
		ring->running++;
		ring->taken++;
		more = ring_ready(ring);
	}
	spin_unlock(&ring->lock);
	/* One wakes the next, as long as there is something for it to do. */
	if (more)
		wake_up(&ring->work);
	return ready;
}

/* Completions */

static void ring_complete(struct sim_ring *ring,
			  const struct ioasid_sim_completion *comp)
{
	u32 mask = ring->args.cq_entries - 1;

	spin_lock(&ring->lock);
	ring->comps[ring->cq_tail & mask] = *comp;
	/* Pairs with the user's acquire, before he reads it. */
	smp_store_release(&ring->head->cq_tail, ++ring->cq_tail);
	ring->running--;
	ring->fenced = false;
	ring->completed++;
	if (comp->status)
		ring->failed++;
	spin_unlock(&ring->lock);
	wake_up_interruptible_all(&ring->dev->ring_events);
	if (ring->eventfd)
		eventfd_signal(ring->eventfd);
}

/* Workers */

static void carry_out(struct sim_worker *w, const struct ioasid_sim_descriptor *desc)
{
	struct ioasid_sim_request req = {
		.op = desc->op,
		.flags = desc->flags & ~IOASID_SIM_DESC_FENCE,
		.pasid = desc->pasid,
		.iova = desc->iova,
		.len = desc->len,
		.arg = desc->arg,
		.arg2 = desc->arg2,
	};
	struct ioasid_sim_completion comp = {
		.user_data = desc->user_data,
		.status = IOASID_SIM_BAD_REQUEST,
		.worker = w - w->ring->workers,
	};
	u64 start = ktime_get_ns();

	if (!desc->__reserved && !desc->__reserved2) {
		comp.bytes = sim_execute(w->ring->dev, &req, w->bounce);
		comp.status = req.status;
		comp.result = req.result;
	}
	comp.ns = ktime_get_ns() - start;
	ring_complete(w->ring, &comp);
}

static void count_asleep(struct sim_ring *ring, int change)
{
	spin_lock(&ring->lock);
	ring->asleep += change;
	WRITE_ONCE(ring->head->flags, ring->asleep ? IOASID_SIM_RING_SLEEPS : 0);
	spin_unlock(&ring->lock);
}

/*
 * Who falls asleep says so and then looks once more; who submits does it the other
 * way round. (The barrier in between is where the task's state is set.)
 */
static void ring_sleep(struct sim_ring *ring)
{
	count_asleep(ring, 1);
	wait_event_idle_exclusive(ring->work,
				  kthread_should_stop() || ring_has_work(ring));
	count_asleep(ring, -1);
}

static int ring_worker(void *data)
{
	struct sim_worker *w = data;
	struct ioasid_sim_descriptor desc;

	while (!kthread_should_stop()) {
		if (ring_take(w->ring, &desc))
			carry_out(w, &desc);
		else
			ring_sleep(w->ring);
		cond_resched();
	}
	return 0;
}

/* Making and unmaking */

static void ring_free(struct sim_ring *ring)
{
	u32 i;

	for (i = 0; i < ring->args.workers; i++)
		free_page((unsigned long)ring->workers[i].bounce);
	if (ring->eventfd)
		eventfd_ctx_put(ring->eventfd);
	/* Pages that are mapped stay with those who map them. */
	vfree(ring->head);
	kfree(ring);
}

static void ring_halt(struct sim_ring *ring)
{
	u32 i;

	spin_lock(&ring->lock);
	ring->stopped = true;
	spin_unlock(&ring->lock);
	for (i = 0; i < ring->args.workers; i++)
		if (ring->workers[i].task)
			kthread_stop(ring->workers[i].task);
}

static int ring_share(struct sim_ring *ring)
{
	void *mem = __vmalloc(ring->size, GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!mem)
		return -ENOMEM;
	ring->head = mem;
	ring->descs = mem + ring->args.sq_offset;
	ring->comps = mem + ring->args.cq_offset;
	return 0;
}

static int ring_events(struct sim_ring *ring)
{
	struct eventfd_ctx *eventfd;

	if (!(ring->args.flags & IOASID_SIM_RING_EVENTFD))
		return 0;
	eventfd = eventfd_ctx_fdget(ring->args.eventfd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	ring->eventfd = eventfd;
	return 0;
}

static int ring_hire(struct sim_ring *ring)
{
	struct sim_worker *w;
	u32 i;

	for (i = 0; i < ring->args.workers; i++) {
		w = &ring->workers[i];
		w->ring = ring;
		w->bounce = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
		if (!w->bounce)
			return -ENOMEM;
	}
	for (i = 0; i < ring->args.workers; i++) {
		struct task_struct *task;

		w = &ring->workers[i];
		task = kthread_create(ring_worker, w, "%s/r%u",
				      dev_name(&ring->dev->node.dev), i);
		if (IS_ERR(task))
			return PTR_ERR(task);
		w->task = task;
	}
	return 0;
}

static struct sim_ring *ring_alloc(struct sim_device *dev,
				   const struct ioasid_sim_ring *args)
{
	struct sim_ring *ring;
	int rc;

	ring = kzalloc(struct_size(ring, workers, args->workers),
		       GFP_KERNEL_ACCOUNT);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	ring->dev = dev;
	ring->args = *args;
	ring->size = args->size;
	spin_lock_init(&ring->lock);
	init_waitqueue_head(&ring->work);
	rc = ring_share(ring);
	if (!rc)
		rc = ring_events(ring);
	if (!rc)
		rc = ring_hire(ring);
	if (rc) {
		ring_halt(ring);
		ring_free(ring);
		return ERR_PTR(rc);
	}
	return ring;
}

/* Workers begin when the ring is the device's. */
static int ring_install(struct sim_device *dev, struct sim_ring *ring)
{
	u32 i;

	mutex_lock(&dev->ring_lock);
	if (dev->ring) {
		mutex_unlock(&dev->ring_lock);
		return -EBUSY;
	}
	dev->ring = ring;
	mutex_unlock(&dev->ring_lock);
	for (i = 0; i < ring->args.workers; i++)
		wake_up_process(ring->workers[i].task);
	return 0;
}

static bool size_fits(u32 entries, u32 max)
{
	return is_power_of_2(entries) && entries <= max;
}

static int check_ring(const struct ioasid_sim_ring *args)
{
	if (args->flags & ~IOASID_SIM_RING_EVENTFD)
		return -EOPNOTSUPP;
	if (!size_fits(args->sq_entries, IOASID_SIM_RING_MAX_SQ) ||
	    !size_fits(args->cq_entries, IOASID_SIM_RING_MAX_CQ) ||
	    !args->workers || args->workers > IOASID_SIM_RING_MAX_WORKERS)
		return -EINVAL;
	return !args->flags && args->eventfd ? -EINVAL : 0;
}

static void lay_out(struct ioasid_sim_ring *args)
{
	args->offset = SIM_RING_OFFSET;
	args->sq_offset = sizeof(struct ioasid_sim_ring_head);
	args->cq_offset = args->sq_offset +
			  args->sq_entries * sizeof(struct ioasid_sim_descriptor);
	args->size = PAGE_ALIGN(args->cq_offset + args->cq_entries *
				sizeof(struct ioasid_sim_completion));
}

static bool has_ring(struct sim_device *dev)
{
	bool has;

	mutex_lock(&dev->ring_lock);
	has = dev->ring;
	mutex_unlock(&dev->ring_lock);
	return has;
}

int sim_cmd_ring(struct sim_device *dev, void __user *uargs)
{
	struct ioasid_sim_ring args;
	struct sim_ring *ring;
	int rc;

	rc = ioasid_copy_args(&args, sizeof(args), uargs);
	if (!rc)
		rc = check_ring(&args);
	if (rc)
		return rc;
	if (has_ring(dev))
		return -EBUSY;
	lay_out(&args);
	ring = ring_alloc(dev, &args);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	/* First, because a ring that is there cannot be taken back. */
	rc = copy_to_user(uargs, &args, sizeof(args)) ? -EFAULT :
							ring_install(dev, ring);
	if (rc) {
		ring_halt(ring);
		ring_free(ring);
	}
	return rc;
}

/**
 * sim_ring_stop() - the device is no longer its user's
 * @dev: the device, whose requests have been told not to go on
 *
 * Context: nobody makes a ring meanwhile: devfd->lock is held for writing.
 */
void sim_ring_stop(struct sim_device *dev)
{
	struct sim_ring *ring;

	mutex_lock(&dev->ring_lock);
	ring = dev->ring;
	dev->ring = NULL;
	mutex_unlock(&dev->ring_lock);
	if (!ring)
		return;
	ring_halt(ring);
	ring_free(ring);
	wake_up_interruptible_all(&dev->ring_events);
}

/* Use */

/* Context: the device stays bound, thus the ring there. */
int sim_cmd_doorbell(struct sim_device *dev)
{
	struct sim_ring *ring;

	mutex_lock(&dev->ring_lock);
	ring = dev->ring;
	mutex_unlock(&dev->ring_lock);
	if (!ring)
		return -EINVAL;
	spin_lock(&ring->lock);
	ring->doorbells++;
	spin_unlock(&ring->lock);
	wake_up(&ring->work);
	return 0;
}

static int insert_pages(struct vm_area_struct *vma, void *mem)
{
	unsigned long addr;
	int rc = 0;

	for (addr = vma->vm_start; !rc && addr < vma->vm_end;
	     addr += PAGE_SIZE, mem += PAGE_SIZE)
		rc = vm_insert_page(vma, addr, vmalloc_to_page(mem));
	return rc;
}

/* Mappings outlive the ring: it is memory that nobody looks at any more. */
int sim_ring_mmap(struct sim_device *dev, struct vm_area_struct *vma)
{
	size_t offset = (vma->vm_pgoff << PAGE_SHIFT) - SIM_RING_OFFSET;
	size_t size = vma->vm_end - vma->vm_start;
	int rc = -EINVAL;

	/* In a private one, what is written would not arrive. */
	if (!(vma->vm_flags & VM_SHARED))
		return rc;
	mutex_lock(&dev->ring_lock);
	if (dev->ring && offset < dev->ring->size &&
	    size <= dev->ring->size - offset) {
		vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
		rc = insert_pages(vma, (void *)dev->ring->head + offset);
	}
	mutex_unlock(&dev->ring_lock);
	return rc;
}

static __poll_t ring_state(struct sim_ring *ring)
{
	__poll_t state = 0;
	u32 waiting;

	spin_lock(&ring->lock);
	if (unread(ring))
		state |= EPOLLIN | EPOLLRDNORM;
	waiting = READ_ONCE(ring->head->sq_tail) - ring->sq_head;
	if (waiting < ring->args.sq_entries)
		state |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock(&ring->lock);
	return state;
}

__poll_t sim_ring_poll(struct sim_device *dev, struct file *file,
		       struct poll_table_struct *wait)
{
	__poll_t state;

	poll_wait(file, &dev->ring_events, wait);
	mutex_lock(&dev->ring_lock);
	state = dev->ring ? ring_state(dev->ring) : EPOLLHUP;
	mutex_unlock(&dev->ring_lock);
	return state;
}

static void show(struct seq_file *m, const char *key, u64 value)
{
	seq_printf(m, "ioasid-sim-ring-%s:\t%llu\n", key, value);
}

static void show_ring(struct sim_ring *ring, struct seq_file *m)
{
	spin_lock(&ring->lock);
	show(m, "sq-entries", ring->args.sq_entries);
	show(m, "cq-entries", ring->args.cq_entries);
	show(m, "workers", ring->args.workers);
	show(m, "asleep", ring->asleep);
	show(m, "running", ring->running);
	show(m, "taken", ring->taken);
	show(m, "completed", ring->completed);
	show(m, "failed", ring->failed);
	show(m, "unread", unread(ring));
	show(m, "doorbells", ring->doorbells);
	show(m, "stalls", ring->stalls);
	show(m, "bad-tails", ring->bad_tails);
	spin_unlock(&ring->lock);
}

/* For fdinfo of the device's file */
void sim_ring_show(struct sim_device *dev, struct seq_file *m)
{
	mutex_lock(&dev->ring_lock);
	if (dev->ring)
		show_ring(dev->ring, m);
	mutex_unlock(&dev->ring_lock);
}
