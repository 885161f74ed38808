/* SPDX-License-Identifier: GPL-2.0-only */
/* What was done to a space: see history.c. */
#ifndef __IOASID_HISTORY_H
#define __IOASID_HISTORY_H

#include <linux/ioasid.h>
#include <linux/ktime.h>

struct ioasid_mapping;
struct ioasid_space;
struct ioasid_ucmd;

/**
 * struct ioasid_ring - the last of many things that are numbered from 1
 * @at: thing n is at n % @room
 * @size: of a thing
 * @limit: most of them, a power of two; 0: none is kept
 * @room: a power of two, or 0: grows with use
 * @first: nothing before this one was there when it grew last
 * @next: number of the next one
 */
struct ioasid_ring {
	void *at;
	u32 size;
	u32 limit;
	u32 room;
	u64 first;
	u64 next;
};

/**
 * struct ioasid_history - the last operations on a space, under its lock
 * @entries: struct ioasid_history_entry
 * @stacks: struct ioasid_history_stack
 * @calls: operations since the last one whose stack was taken
 */
struct ioasid_history {
	struct ioasid_ring entries;
	struct ioasid_ring stacks;
	u32 calls;
};

static inline void *ioasid_ring_at(const struct ioasid_ring *ring, u64 n)
{
	return ring->at + (n & (ring->room - 1)) * ring->size;
}

/* Number of the oldest thing there is; @next: there is none. */
static inline u64 ioasid_ring_first(const struct ioasid_ring *ring)
{
	u64 first = ring->next > ring->room ? ring->next - ring->room : 1;

	return max(first, ring->first);
}

/* NULL: it is forgotten, or never was. */
static inline void *ioasid_ring_find(const struct ioasid_ring *ring, u64 n)
{
	return n >= ioasid_ring_first(ring) && n < ring->next ?
		       ioasid_ring_at(ring, n) : NULL;
}

void ioasid_history_init(struct ioasid_history *h);
void ioasid_history_free(struct ioasid_history *h);

/**
 * struct ioasid_history_what - an operation
 * @op: IOASID_HISTORY_*
 * @prot: as in struct ioasid_history_entry, like the others
 * @info: as well
 * @iova: as well
 * @size: as well
 * @time_ns: as well
 * @flush_ns: as @done_ns, or 0
 */
struct ioasid_history_what {
	u16 op;
	u16 prot;
	u32 info;
	u64 iova;
	u64 size;
	u64 time_ns;
	u64 flush_ns;
};

void ioasid_history_add(struct ioasid_space *space,
			const struct ioasid_history_what *what);
void ioasid_history_device(struct ioasid_space *space, u16 op, u32 rid,
			   u32 pasid);
void ioasid_history_table(struct ioasid_space *space, u16 op, u32 format,
			  u64 addr);
void ioasid_history_map(struct ioasid_space *space,
			const struct ioasid_mapping *m);
u64 ioasid_history_unmap(struct ioasid_space *space,
			 const struct list_head *maps);
void ioasid_history_flushed(struct ioasid_space *space, u64 first);

int ioasid_cmd_get_history(struct ioasid_ucmd *ucmd);
int ioasid_cmd_get_history_stack(struct ioasid_ucmd *ucmd);

#endif /* __IOASID_HISTORY_H */
