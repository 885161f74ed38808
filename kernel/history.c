// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was done to a space: the last operations, and from where they were called, for
 * those who have to explain a fault afterwards. Always on, hence cheap: no names are
 * looked up and no stacks unwound here, what is needed for that is copied.
 *
 * Memory grows with use up to a limit, and is charged to who uses it. Without memory
 * the ring stays as it is and forgets earlier. Nothing ever fails for it.
 *
 * All of it is under space->lock, which orders operations on the same addresses: so
 * the order of entries is the order of effects.
 */
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioasid_private.h"

/* Of the first allocation */
#define FIRST_BYTES	4096

#define MAX_ENTRIES	65536U
#define MAX_STACKS	4096U

static unsigned int history = 1024;
module_param(history, uint, 0644);
MODULE_PARM_DESC(history, "Operations that are kept of each new address space, 0 to 65536, 64 bytes each (1024)");

static unsigned int history_stacks = 256;
module_param(history_stacks, uint, 0644);
MODULE_PARM_DESC(history_stacks, "Stacks that are kept of each new address space, 0 to 4096, 288 bytes each (256)");

/* Stacks are most of what it costs: who has faults to explain wants all of them. */
static unsigned int history_sample = 8;
module_param(history_sample, uint, 0644);
MODULE_PARM_DESC(history_sample, "Of one in so many operations the stack is kept, 0: of none (8)");

/* Rings */

static void ring_init(struct ioasid_ring *ring, u32 size, u32 limit)
{
	ring->size = size;
	ring->limit = limit ? roundup_pow_of_two(limit) : 0;
	ring->first = 1;
	ring->next = 1;
}

/* Twice as large; without memory it stays as it is. */
static void ring_grow(struct ioasid_ring *ring)
{
	struct ioasid_ring old = *ring;
	u64 n;

	ring->room = old.room ? 2 * old.room :
		     min(rounddown_pow_of_two(FIRST_BYTES / old.size), old.limit);
	ring->at = kvmalloc_array(ring->room, ring->size,
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!ring->at) {
		*ring = old;
		return;
	}
	/* Without memory some may have been forgotten before: they have no place. */
	ring->first = ioasid_ring_first(&old);
	for (n = ring->first; n < old.next; n++)
		memcpy(ioasid_ring_at(ring, n), ioasid_ring_at(&old, n), ring->size);
	kvfree(old.at);
}

/* The place of the next thing; NULL: there is none. */
static void *ring_push(struct ioasid_ring *ring)
{
	if (ring->next > ring->room && ring->room < ring->limit)
		ring_grow(ring);
	return ring->room ? ioasid_ring_at(ring, ring->next++) : NULL;
}

/* Life */

void ioasid_history_init(struct ioasid_history *h)
{
	ring_init(&h->entries, sizeof(struct ioasid_history_entry),
		  min(READ_ONCE(history), MAX_ENTRIES));
	ring_init(&h->stacks, sizeof(struct ioasid_history_stack),
		  h->entries.limit ? min(READ_ONCE(history_stacks), MAX_STACKS) : 0);
}

void ioasid_history_free(struct ioasid_history *h)
{
	kvfree(h->entries.at);
	kvfree(h->stacks.at);
}

/* Entering */

/* As many words as can be read without waiting. */
static u32 copy_words(u64 *words, u64 sp)
{
	const u64 __user *from = u64_to_user_ptr(sp);
	u32 nr = 0;

	if (!user_read_access_begin(from, IOASID_STACK_WORDS * sizeof(*from)))
		return 0;
	pagefault_disable();
	for (; nr < IOASID_STACK_WORDS; nr++)
		unsafe_get_user(words[nr], from + nr, out);
out:
	pagefault_enable();
	user_read_access_end();
	return nr;
}

static u64 base_pointer(const struct pt_regs *regs)
{
#ifdef CONFIG_X86_64
	return regs->bp;
#else
	return 0;
#endif
}

/* The calling process's; 0: none is kept. Waits for nothing, user space included. */
static u32 add_stack(struct ioasid_history *h)
{
	struct pt_regs *regs = task_pt_regs(current);
	unsigned int sample = READ_ONCE(history_sample);
	struct ioasid_history_stack *stack;

	if (!h->stacks.limit || !sample || ++h->calls < sample)
		return 0;
	if (!current->mm || current->flags & (PF_KTHREAD | PF_USER_WORKER) ||
	    !user_mode(regs))
		return 0;
	stack = ring_push(&h->stacks);
	if (!stack)
		return 0;
	h->calls = 0;
	stack->ip = instruction_pointer(regs);
	stack->sp = user_stack_pointer(regs);
	stack->bp = base_pointer(regs);
	stack->__reserved = 0;
	stack->nr = copy_words(stack->words, stack->sp);
	return h->stacks.next - 1;
}

static void add_entry(struct ioasid_history *h,
		      const struct ioasid_history_what *what, u32 stack)
{
	struct ioasid_history_entry *entry = ring_push(&h->entries);

	if (!entry)
		return;
	entry->time_ns = what->time_ns;
	entry->iova = what->iova;
	entry->size = what->size;
	entry->done_ns = min_t(u64, what->flush_ns, IOASID_HISTORY_NOT_DONE);
	entry->stack = stack;
	entry->pid = current->tgid;
	entry->tid = current->pid;
	entry->op = what->op;
	entry->prot = what->prot;
	entry->info = what->info;
	memcpy(entry->comm, current->comm, sizeof(entry->comm));
}

/**
 * ioasid_history_add - enter an operation
 * @space: the space, its lock held
 * @what: the operation
 *
 * Context: may sleep for memory.
 */
void ioasid_history_add(struct ioasid_space *space,
			const struct ioasid_history_what *what)
{
	struct ioasid_history *h = &space->history;

	lockdep_assert_held(space->lock);
	if (h->entries.limit)
		add_entry(h, what, add_stack(h));
}

/**
 * ioasid_history_device - enter an attach or a detach
 * @space: the space, its lock held
 * @op: IOASID_HISTORY_ATTACH, IOASID_HISTORY_DETACH
 * @rid: of the device
 * @pasid: which DMA, or IOASID_NO_PASID
 */
void ioasid_history_device(struct ioasid_space *space, u16 op, u32 rid,
			   u32 pasid)
{
	const struct ioasid_history_what what = {
		.op = op,
		.info = rid,
		.iova = pasid,
		.time_ns = ktime_get_ns(),
	};

	ioasid_history_add(space, &what);
}

/**
 * ioasid_history_table - enter that a user's table is used, or not any more
 * @space: the space, its lock held
 * @op: IOASID_HISTORY_BIND_TABLE, IOASID_HISTORY_UNBIND_TABLE
 * @format: enum ioasid_format
 * @addr: of the table
 */
void ioasid_history_table(struct ioasid_space *space, u16 op, u32 format,
			  u64 addr)
{
	const struct ioasid_history_what what = {
		.op = op,
		.info = format,
		.iova = addr,
		.time_ns = ktime_get_ns(),
	};

	ioasid_history_add(space, &what);
}

/**
 * ioasid_history_map - enter a mapping that devices can use now
 * @space: the space, its lock held
 * @m: the mapping
 */
void ioasid_history_map(struct ioasid_space *space,
			const struct ioasid_mapping *m)
{
	const struct ioasid_history_what what = {
		.op = IOASID_HISTORY_MAP,
		.prot = m->prot,
		.iova = m->node.start,
		.size = ioasid_mapping_size(m),
		.time_ns = ktime_get_ns(),
	};

	ioasid_history_add(space, &what);
}

/* Ranges that meet, and may be used alike, are one. */
static bool joins(struct ioasid_history_what *what,
		  const struct ioasid_mapping *m)
{
	if (!what->size || what->iova + what->size != m->node.start ||
	    what->prot != m->prot)
		return false;
	what->size += ioasid_mapping_size(m);
	what->info++;
	return true;
}

/**
 * ioasid_history_unmap - enter mappings that are about to go
 * @space: the space, its lock held
 * @maps: the mappings, in order
 *
 * Returns the number of the first entry, for ioasid_history_flushed().
 */
u64 ioasid_history_unmap(struct ioasid_space *space,
			 const struct list_head *maps)
{
	struct ioasid_history_what what = {
		.op = IOASID_HISTORY_UNMAP,
		.flush_ns = IOASID_HISTORY_NOT_DONE,
	};
	struct ioasid_history *h = &space->history;
	const struct ioasid_mapping *m;
	u32 stack;
	u64 first;

	lockdep_assert_held(space->lock);
	if (!h->entries.limit)
		return 0;
	what.time_ns = ktime_get_ns();
	first = h->entries.next;
	stack = add_stack(h);
	list_for_each_entry(m, maps, entry) {
		if (joins(&what, m))
			continue;
		if (what.size)
			add_entry(h, &what, stack);
		what.prot = m->prot;
		what.iova = m->node.start;
		what.size = ioasid_mapping_size(m);
		what.info = 1;
		cond_resched();
	}
	add_entry(h, &what, stack);
	return first;
}

/**
 * ioasid_history_flushed - nothing of them is in an IOTLB any more
 * @space: the space, its lock held since ioasid_history_unmap()
 * @first: what that returned
 */
void ioasid_history_flushed(struct ioasid_space *space, u64 first)
{
	struct ioasid_history *h = &space->history;
	struct ioasid_history_entry *entry;
	u64 now;

	lockdep_assert_held(space->lock);
	if (!first)
		return;
	now = ktime_get_ns();
	for (first = max(first, ioasid_ring_first(&h->entries)); first < h->entries.next;
	     first++) {
		entry = ioasid_ring_at(&h->entries, first);
		if (entry->op == IOASID_HISTORY_UNMAP)
			entry->done_ns = min_t(u64, now - entry->time_ns,
					       IOASID_HISTORY_NOT_DONE);
	}
}
