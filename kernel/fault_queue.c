// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues of faults: a file with a ring of records for one consumer in user space,
 * and his answers (include/uapi/linux/ioasid_fault.h).
 *
 * The kernel believes nothing that is in the ring: it keeps the head itself, takes
 * the tail for what it says only if it can be true, and never reads a record for its
 * own sake. Who writes to the ring harms his own records.
 *
 * Spaces hold a queue, and so does its file. When the file is closed all that waits is
 * answered; spaces keep the empty shell, and their faults are refused at once.
 */
#include <linux/anon_inodes.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <trace/events/ioasid.h>

#include "compat.h"
#include "fault.h"

#define MIN_ENTRIES	8
#define MAX_ENTRIES	65536
#define MAX_WAITING	65536
#define MAX_TIMEOUT_MS	600000

/**
 * struct ioasid_queue - faults for one consumer
 * @kref: held by the file and by spaces
 * @ctx: number of the context whose spaces may use it
 * @faults: groups without an answer
 * @entries: records in the ring
 * @pages: of the ring
 * @nr_pages: how many
 * @ring: the first of them, seen by the kernel
 * @records: what follows it
 * @head: records written, under faults.list_lock
 * @seq: of the next record, there as well
 * @dropped: records that were not written, there as well
 * @wait: for records
 * @event: raised with them, or NULL
 * @timeout_ns: for an answer
 * @timer: looks for those that had none in time
 * @read_lock: one reader at a time
 */
struct ioasid_queue {
	struct kref kref;
	u32 ctx;
	struct ioasid_faults faults;
	u32 entries;
	struct page **pages;
	unsigned int nr_pages;
	struct ioasid_fault_ring *ring;
	struct ioasid_fault *records;
	u32 head;
	u64 seq;
	u64 dropped;
	wait_queue_head_t wait;
	struct eventfd_ctx *event;
	u64 timeout_ns;
	struct delayed_work timer;
	struct mutex read_lock;		/* one reader at a time */
};

struct ioasid_faults *ioasid_queue_faults(struct ioasid_queue *queue)
{
	return &queue->faults;
}

/* The ring */

static void ring_free(struct ioasid_queue *queue)
{
	unsigned int i;

	if (queue->ring)
		vunmap(queue->ring);
	for (i = 0; i < queue->nr_pages; i++)
		__free_page(queue->pages[i]);
	kvfree(queue->pages);
}

static int ring_alloc(struct ioasid_queue *queue)
{
	size_t size = queue->entries * sizeof(struct ioasid_fault);
	unsigned int nr = 1 + DIV_ROUND_UP(size, PAGE_SIZE);

	queue->pages = kvcalloc(nr, sizeof(*queue->pages), GFP_KERNEL_ACCOUNT);
	if (!queue->pages)
		return -ENOMEM;
	while (queue->nr_pages < nr) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

		if (!page)
			return -ENOMEM;
		queue->pages[queue->nr_pages++] = page;
	}
	queue->ring = vmap(queue->pages, nr, VM_MAP, PAGE_KERNEL);
	if (!queue->ring)
		return -ENOMEM;
	queue->records = (void *)queue->ring + PAGE_SIZE;
	queue->ring->entries = queue->entries;
	queue->ring->record_size = sizeof(struct ioasid_fault);
	queue->ring->record_offset = PAGE_SIZE;
	return 0;
}

/* What the consumer has not read yet; more than fits: nonsense, thus full. */
static u32 ring_used(const struct ioasid_queue *queue)
{
	/* Pairs with the consumer's release: he has read what is overwritten. */
	u32 tail = smp_load_acquire(&queue->ring->tail);
	u32 used = READ_ONCE(queue->head) - tail;

	return min(used, queue->entries);
}

static bool ring_has_room(const struct ioasid_queue *queue, u32 nr)
{
	lockdep_assert_held(&queue->faults.list_lock);
	return nr <= queue->entries - ring_used(queue);
}

/* The @ahead-th record from the head on; seen when the head is moved. */
static struct ioasid_fault *ring_record(struct ioasid_queue *queue, u32 ahead)
{
	return &queue->records[(queue->head + ahead) & (queue->entries - 1)];
}

static void ring_commit(struct ioasid_queue *queue, u32 nr)
{
	u32 head = queue->head + nr;

	queue->seq += nr;
	/* Pairs with read_some(). */
	smp_store_release(&queue->head, head);
	/* Pairs with the consumer's acquire: the records are there. */
	smp_store_release(&queue->ring->head, head);
}

static void ring_drop(struct ioasid_queue *queue, u32 nr)
{
	queue->seq += nr;
	queue->dropped += nr;
	WRITE_ONCE(queue->ring->dropped, queue->dropped);
}

static void ring_wake(struct ioasid_queue *queue)
{
	if (queue->event)
		eventfd_signal(queue->event);
	wake_up_poll(&queue->wait, EPOLLIN);
}

/* From the IOMMU */

static void fill_record(struct ioasid_fault *record,
			const struct ioasid_pending *p,
			const struct iommu_fault_page_request *prm, u64 seq)
{
	*record = (struct ioasid_fault) {
		.seq = seq,
		.time_ns = p->reported_ns,
		.id = p->id,
		.cookie = p->idev->cookie,
		.addr = prm->addr,
		.ioasid = p->at->space->id,
		.group = prm->grpid,
		.type = IOASID_FAULT_PAGE_REQUEST,
		.perm = prm->perm,
	};
	if (p->pasid != IOASID_NO_PASID) {
		record->pasid = p->pasid;
		record->flags |= IOASID_FAULT_PASID;
	}
}

/* The core's list has the pages in the order in which the device asked for them. */
static void fill_group(struct ioasid_queue *queue,
		       const struct ioasid_pending *p)
{
	struct iopf_fault *fault;
	u32 n = 0;

	list_for_each_entry(fault, &p->group->faults, list) {
		fill_record(ring_record(queue, n), p, &fault->fault.prm,
			    queue->seq + n);
		n++;
	}
	ring_record(queue, n - 1)->flags |= IOASID_FAULT_LAST;
	ring_commit(queue, n);
}

static int deliver(struct ioasid_queue *queue, struct ioasid_pending *p)
{
	int rc;

	lockdep_assert_held(&queue->faults.list_lock);
	if (!ring_has_room(queue, p->npages))
		rc = queue->faults.closed ? -EPIPE : -ENOSPC;
	else
		rc = ioasid_fault_enter(&queue->faults, p);
	if (rc) {
		ring_drop(queue, p->npages);
		return rc;
	}
	p->delivered_ns = ktime_get_ns();
	fill_group(queue, p);
	return 0;
}

static void trace_delivery(const struct ioasid_pending *p)
{
	struct ioasid_space *space = p->at->space;

	ioasid_trace(fault_deliver, space->ctx->id, space->id,
		     ioasid_device_rid(p->group->fault_param->dev), p->pasid,
		     p->addr, p->group->last_fault.fault.prm.grpid, p->npages,
		     IOASID_FAULT_TO_USER, 0,
		     atomic_read(&space->fault_stats.pending),
		     p->delivered_ns - p->reported_ns, p->idev->cookie);
}

/**
 * ioasid_queue_fault - a group for a consumer in user space
 * @at: what its handle leads to
 * @group: ours: iopf_group_dequeue() has been called
 *
 * Context: that of ioasid_fault_handler().
 */
void ioasid_queue_fault(struct ioasid_attachment *at, struct iopf_group *group)
{
	struct ioasid_queue *queue = at->domain->queue;
	struct ioasid_pending *p = ioasid_pending_new(at, group);
	unsigned long flags;
	int rc;

	if (!p)
		return;
	spin_lock_irqsave(&queue->faults.list_lock, flags);
	rc = deliver(queue, p);
	/* Once the lock is dropped, it may be answered, and gone. */
	if (!rc)
		trace_delivery(p);
	spin_unlock_irqrestore(&queue->faults.list_lock, flags);
	if (rc) {
		ioasid_fault_refuse(p, IOASID_FAULT_TO_USER, rc);
		return;
	}
	ring_wake(queue);
	/* If it is pending already, it is so for an older group. */
	queue_delayed_work(system_dfl_wq, &queue->timer,
			   nsecs_to_jiffies(queue->timeout_ns) + 1);
}

/**
 * ioasid_queue_unrecoverable - a fault that nobody can do anything about
 * @queue: where it is to be told
 * @record: all but its number
 *
 * Context: any.
 */
void ioasid_queue_unrecoverable(struct ioasid_queue *queue,
				struct ioasid_fault *record)
{
	unsigned long flags;
	bool told;

	spin_lock_irqsave(&queue->faults.list_lock, flags);
	told = !queue->faults.closed && ring_has_room(queue, 1);
	if (told) {
		record->seq = queue->seq;
		*ring_record(queue, 0) = *record;
		ring_commit(queue, 1);
	} else {
		ring_drop(queue, 1);
	}
	spin_unlock_irqrestore(&queue->faults.list_lock, flags);
	if (told)
		ring_wake(queue);
}

/* Timeouts */

/* The oldest one is the first whose time is over: all have the same. */
static struct ioasid_pending *first_late(struct ioasid_queue *queue, u64 now,
					 u64 *left)
{
	struct ioasid_faults *f = &queue->faults;
	struct ioasid_pending *p;
	unsigned long flags;

	spin_lock_irqsave(&f->list_lock, flags);
	p = list_first_entry_or_null(&f->pending, struct ioasid_pending, entry);
	*left = 0;
	if (p && p->delivered_ns + queue->timeout_ns > now) {
		*left = p->delivered_ns + queue->timeout_ns - now;
		p = NULL;
	}
	spin_unlock_irqrestore(&f->list_lock, flags);
	return p;
}

static void look_for_late(struct work_struct *work)
{
	struct ioasid_queue *queue = container_of(to_delayed_work(work),
						  struct ioasid_queue, timer);
	struct ioasid_faults *f = &queue->faults;
	u64 left, now = ktime_get_ns();
	struct ioasid_pending *p;

	mutex_lock(&f->lock);
	while ((p = first_late(queue, now, &left)))
		ioasid_fault_answer(f, p, IOMMU_PAGE_RESP_INVALID,
				    IOASID_FAULT_WHY_TIMEOUT);
	mutex_unlock(&f->lock);
	/* A new group may have come, and set it for its own time, which is later. */
	if (left)
		mod_delayed_work(system_dfl_wq, &queue->timer,
				 nsecs_to_jiffies(left) + 1);
}

/* Answers */

static int check_response(const struct ioasid_pending *p,
			  const struct ioasid_fault_response *response)
{
	if (response->code != IOASID_FAULT_SUCCESS &&
	    response->code != IOASID_FAULT_INVALID)
		return -EINVAL;
	if (!p || p->idev->cookie != response->cookie ||
	    p->at->space->id != response->ioasid)
		return -EINVAL;
	return 0;
}

static int respond_one(struct ioasid_queue *queue,
		       const struct ioasid_fault_response *response)
{
	struct ioasid_faults *f = &queue->faults;
	struct ioasid_pending *p;
	int rc;

	mutex_lock(&f->lock);
	p = ioasid_fault_find(f, response->id);
	rc = check_response(p, response);
	if (!rc)
		ioasid_fault_answer(f, p,
				    response->code == IOASID_FAULT_SUCCESS ?
				    IOMMU_PAGE_RESP_SUCCESS :
				    IOMMU_PAGE_RESP_INVALID,
				    IOASID_FAULT_WHY_USER);
	mutex_unlock(&f->lock);
	return rc;
}

static int respond_all(struct ioasid_queue *queue,
		       struct ioasid_fault_respond *cmd)
{
	struct ioasid_fault_response __user *uresponses =
		u64_to_user_ptr(cmd->responses);
	struct ioasid_fault_response response;
	u32 nr = cmd->nr;
	int rc = 0;

	for (cmd->nr = 0; cmd->nr < nr; cmd->nr++) {
		if (copy_from_user(&response, &uresponses[cmd->nr],
				   sizeof(response)))
			return -EFAULT;
		rc = respond_one(queue, &response);
		if (rc)
			break;
		cond_resched();
	}
	return rc;
}

static int respond(struct ioasid_queue *queue, void __user *ubuf)
{
	struct ioasid_fault_respond __user *ucmd = ubuf;
	struct ioasid_fault_respond cmd;
	int rc;

	rc = ioasid_copy_args(&cmd, sizeof(cmd), ubuf);
	if (rc)
		return rc;
	if (cmd.flags)
		return -EOPNOTSUPP;
	if (cmd.__reserved || !cmd.nr || cmd.nr > IOASID_MAX_FAULT_RESPONSES)
		return -EINVAL;
	/* Afterwards it is too late to find that the result cannot be told. */
	if (put_user(cmd.nr, &ucmd->nr))
		return -EFAULT;
	rc = respond_all(queue, &cmd);
	if (put_user(cmd.nr, &ucmd->nr))
		return rc ?: -EFAULT;
	return rc;
}

static long queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != IOASID_FAULT_RESPOND)
		return -ENOTTY;
	return respond(file->private_data, (void __user *)arg);
}

/* Reading */

/*
 * Records from the tail on that make whole groups and fit. What is in the ring may
 * have been overwritten by its consumer: then he gets that.
 */
static u32 whole_groups(const struct ioasid_queue *queue, u32 tail, u32 used,
			u32 max)
{
	u32 i, whole = 0;

	for (i = 0; i < min(used, max); i++) {
		const struct ioasid_fault *record =
			&queue->records[(tail + i) & (queue->entries - 1)];

		if (READ_ONCE(record->type) != IOASID_FAULT_PAGE_REQUEST ||
		    READ_ONCE(record->flags) & IOASID_FAULT_LAST)
			whole = i + 1;
	}
	return whole;
}

static ssize_t copy_records(struct ioasid_queue *queue, char __user *buf,
			    u32 tail, u32 nr)
{
	const size_t size = sizeof(struct ioasid_fault);
	u32 at = tail & (queue->entries - 1);
	u32 n = min(nr, queue->entries - at);

	if (copy_to_user(buf, &queue->records[at], n * size) ||
	    copy_to_user(buf + n * size, queue->records, (nr - n) * size))
		return -EFAULT;
	/* Pairs with ring_used(): they have been copied. */
	smp_store_release(&queue->ring->tail, tail + nr);
	return nr * size;
}

static ssize_t read_some(struct ioasid_queue *queue, char __user *buf, u32 max)
{
	u32 tail, used, nr;
	ssize_t rc;

	if (mutex_lock_interruptible(&queue->read_lock))
		return -ERESTARTSYS;
	tail = READ_ONCE(queue->ring->tail);
	/* Pairs with ring_commit(). */
	used = smp_load_acquire(&queue->head) - tail;
	/* The tail is the consumer's: he has lost his place. */
	if (used > queue->entries) {
		rc = -EIO;
		goto out_unlock;
	}
	nr = whole_groups(queue, tail, used, max);
	if (nr)
		rc = copy_records(queue, buf, tail, nr);
	else
		rc = used ? 0 : -EAGAIN;
out_unlock:
	mutex_unlock(&queue->read_lock);
	return rc;
}

static ssize_t queue_read(struct file *file, char __user *buf, size_t count,
			  loff_t *pos)
{
	struct ioasid_queue *queue = file->private_data;
	size_t max = count / sizeof(struct ioasid_fault);
	ssize_t rc;

	if (*pos || count % sizeof(struct ioasid_fault))
		return -ESPIPE;
	if (!count)
		return 0;
	for (;;) {
		rc = read_some(queue, buf, min_t(size_t, max, MAX_ENTRIES));
		if (rc != -EAGAIN || (file->f_flags & O_NONBLOCK))
			return rc;
		rc = wait_event_interruptible(queue->wait, ring_used(queue));
		if (rc)
			return rc;
	}
}

static __poll_t queue_poll(struct file *file, struct poll_table_struct *table)
{
	struct ioasid_queue *queue = file->private_data;

	poll_wait(file, &queue->wait, table);
	return ring_used(queue) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int queue_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ioasid_queue *queue = file->private_data;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff ||
	    vma_pages(vma) > queue->nr_pages)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	return vm_map_pages(vma, queue->pages, queue->nr_pages);
}

static void queue_show_fdinfo(struct seq_file *s, struct file *file)
{
	struct ioasid_queue *queue = file->private_data;
	struct ioasid_faults *f = &queue->faults;
	unsigned long flags;
	u32 head, used, pending;
	u64 seq, dropped;

	spin_lock_irqsave(&f->list_lock, flags);
	head = queue->head;
	used = ring_used(queue);
	pending = f->nr;
	seq = queue->seq;
	dropped = queue->dropped;
	spin_unlock_irqrestore(&f->list_lock, flags);
	seq_printf(s, "ioasid-queue-entries:\t%u\n", queue->entries);
	seq_printf(s, "ioasid-queue-head:\t%u\n", head);
	seq_printf(s, "ioasid-queue-unread:\t%u\n", used);
	seq_printf(s, "ioasid-queue-records:\t%llu\n", seq);
	seq_printf(s, "ioasid-queue-dropped:\t%llu\n", dropped);
	seq_printf(s, "ioasid-queue-pending:\t%u\n", pending);
	seq_printf(s, "ioasid-queue-limit:\t%u\n", f->limit);
	seq_printf(s, "ioasid-queue-space-limit:\t%u\n", f->space_limit);
	seq_printf(s, "ioasid-queue-device-limit:\t%u\n", f->device_limit);
	seq_printf(s, "ioasid-queue-timeout:\t%llu ns\n", queue->timeout_ns);
}

/* Life */

static void queue_release(struct kref *kref)
{
	struct ioasid_queue *queue = container_of(kref, struct ioasid_queue,
						  kref);

	cancel_delayed_work_sync(&queue->timer);
	ioasid_faults_exit(&queue->faults);
	mutex_destroy(&queue->read_lock);
	if (queue->event)
		eventfd_ctx_put(queue->event);
	ring_free(queue);
	kfree(queue);
}

void ioasid_queue_get(struct ioasid_queue *queue)
{
	kref_get(&queue->kref);
}

/**
 * ioasid_queue_put - drop a reference
 * @queue: or NULL
 *
 * Context: may sleep; the timer does not wait for locks that callers hold.
 */
void ioasid_queue_put(struct ioasid_queue *queue)
{
	if (queue)
		kref_put(&queue->kref, queue_release);
}

static int queue_close(struct inode *inode, struct file *file)
{
	struct ioasid_queue *queue = file->private_data;
	struct ioasid_faults *f = &queue->faults;
	unsigned long flags;

	spin_lock_irqsave(&f->list_lock, flags);
	f->closed = true;
	spin_unlock_irqrestore(&f->list_lock, flags);
	ioasid_faults_cancel(f, NULL, IOASID_FAULT_WHY_CLOSE);
	ioasid_queue_put(queue);
	return 0;
}

static const struct file_operations queue_fops = {
	.owner = THIS_MODULE,
	.release = queue_close,
	.read = queue_read,
	.poll = queue_poll,
	.mmap = queue_mmap,
	.unlocked_ioctl = queue_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = queue_show_fdinfo,
	.llseek = noop_llseek,
};

/**
 * ioasid_queue_fdget - the queue behind a file descriptor
 * @ctx: whose spaces are to use it
 * @fd: of the calling process
 *
 * Returns a reference, to be dropped with ioasid_queue_put(); -EBADF when there is no
 * such descriptor, -EINVAL when it is something else or of another context.
 */
struct ioasid_queue *ioasid_queue_fdget(struct ioasid_ctx *ctx, int fd)
{
	struct ioasid_queue *queue = ERR_PTR(-EINVAL);
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &queue_fops) {
		struct ioasid_queue *q = file->private_data;

		if (q->ctx == ctx->id) {
			kref_get(&q->kref);
			queue = q;
		}
	}
	fput(file);
	return queue;
}

static int set_options(struct ioasid_queue *queue,
		       const struct ioasid_fault_queue_alloc *cmd)
{
	struct ioasid_faults *f = &queue->faults;

	queue->entries = cmd->entries;
	f->limit = cmd->queue_limit ?: 4096;
	f->space_limit = cmd->space_limit ?: 1024;
	f->device_limit = cmd->device_limit ?: 512;
	queue->timeout_ns = (cmd->timeout_ms ?: 10000) * (u64)NSEC_PER_MSEC;
	if (!(cmd->flags & IOASID_FAULT_QUEUE_EVENTFD))
		return 0;
	queue->event = eventfd_ctx_fdget(cmd->eventfd);
	if (IS_ERR(queue->event)) {
		int rc = PTR_ERR(queue->event);

		queue->event = NULL;
		return rc;
	}
	return 0;
}

static struct ioasid_queue *queue_new(struct ioasid_ctx *ctx,
				      const struct ioasid_fault_queue_alloc *cmd)
{
	struct ioasid_queue *queue = kzalloc(sizeof(*queue),
					     GFP_KERNEL_ACCOUNT);
	int rc;

	if (!queue)
		return ERR_PTR(-ENOMEM);
	kref_init(&queue->kref);
	queue->ctx = ctx->id;
	ioasid_faults_init(&queue->faults);
	init_waitqueue_head(&queue->wait);
	mutex_init(&queue->read_lock);
	INIT_DELAYED_WORK(&queue->timer, look_for_late);
	rc = set_options(queue, cmd);
	if (!rc)
		rc = ring_alloc(queue);
	if (rc) {
		ioasid_queue_put(queue);
		return ERR_PTR(rc);
	}
	return queue;
}

static int check_options(const struct ioasid_fault_queue_alloc *cmd)
{
	if (cmd->flags & ~IOASID_FAULT_QUEUE_EVENTFD)
		return -EOPNOTSUPP;
	if (cmd->entries < MIN_ENTRIES || cmd->entries > MAX_ENTRIES ||
	    !is_power_of_2(cmd->entries))
		return -EINVAL;
	if (cmd->queue_limit > MAX_WAITING || cmd->space_limit > MAX_WAITING ||
	    cmd->device_limit > MAX_WAITING || cmd->timeout_ms > MAX_TIMEOUT_MS)
		return -EINVAL;
	if (!(cmd->flags & IOASID_FAULT_QUEUE_EVENTFD) && cmd->eventfd)
		return -EINVAL;
	return 0;
}

int ioasid_cmd_fault_queue_alloc(struct ioasid_ucmd *ucmd)
{
	struct ioasid_fault_queue_alloc *cmd = ucmd->cmd;
	struct ioasid_queue *queue;
	int rc = check_options(cmd);

	if (rc)
		return rc;
	queue = queue_new(ucmd->ctx, cmd);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	rc = anon_inode_getfd("[ioasid-faults]", &queue_fops, queue,
			      O_RDWR | O_CLOEXEC);
	if (rc < 0)
		ioasid_queue_put(queue);
	return rc;
}
