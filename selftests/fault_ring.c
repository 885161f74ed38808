// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's side of a fault queue's ring, without a kernel: this program writes
 * what the kernel would, and what it would not.
 */
#include <pthread.h>

#include "harness.h"

/* Its structure is nobody's business but its own, and ours. */
#include "../tools/libioasid/fault.c"

#define ENTRIES	16U
#define OFFSET	128U

FIXTURE(ring) {
	struct ioasid_fault_queue queue;
	uint32_t head;			/* the kernel's own */
};

static void ring_make(struct fixture_ring *self, uint32_t record_size, uint32_t start)
{
	struct ioasid_fault_queue *q = &self->queue;

	free(q->ring);
	free(q->joined);
	*q = (struct ioasid_fault_queue) {
		.fd = -1, .entries = ENTRIES, .record_size = record_size,
		.record_offset = OFFSET, .next = start,
	};
	q->ring = calloc(1, OFFSET + ENTRIES * record_size);
	q->joined = calloc(ENTRIES, sizeof(*q->joined));
	ASSERT_TRUE(q->ring && q->joined);
	q->ring->head = q->ring->tail = self->head = start;
}

FIXTURE_SETUP(ring)
{
	ring_make(self, sizeof(struct ioasid_fault), 0);
}

FIXTURE_TEARDOWN(ring)
{
	free(self->queue.ring);
	free(self->queue.joined);
}

static struct ioasid_fault *put(struct fixture_ring *self, uint32_t n)
{
	return (struct ioasid_fault *)record(&self->queue, n);
}

/* A group of n pages, as the kernel writes it: addr and seq count up. */
static void write_group(struct fixture_ring *self, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		*put(self, self->head + i) = (struct ioasid_fault) {
			.seq = self->head + i, .id = self->head + 1,
			.addr = (self->head + i) * 4096ULL,
			.type = IOASID_FAULT_PAGE_REQUEST,
			.flags = i == n - 1 ? IOASID_FAULT_LAST : 0,
		};
	self->head += n;
	__atomic_store_n(&self->queue.ring->head, self->head, __ATOMIC_RELEASE);
}

/* The next group has n pages, from record number first on. */
static const struct ioasid_fault *expect_group(struct fixture_ring *self, int n, uint32_t first)
{
	const struct ioasid_fault *faults = NULL;

	ASSERT_EQ(n, ioasid_fault_queue_next(&self->queue, &faults));
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(first + i, faults[i].seq);
		EXPECT_EQ((first + i) * 4096ULL, faults[i].addr);
	}
	return faults;
}

static void expect_empty(struct fixture_ring *self)
{
	const struct ioasid_fault *faults;

	EXPECT_EQ(0, ioasid_fault_queue_next(&self->queue, &faults));
}

TEST_F(ring, in_place, "groups come whole, from the ring itself; the room is given back when said")
{
	expect_empty(self);
	write_group(self, 1);
	write_group(self, 3);
	EXPECT_EQ(record(&self->queue, 0), expect_group(self, 1, 0));
	EXPECT_EQ(record(&self->queue, 1), expect_group(self, 3, 1));
	expect_empty(self);
	EXPECT_EQ(0, self->queue.ring->tail);
	ioasid_fault_queue_consume(&self->queue);
	EXPECT_EQ(4, self->queue.ring->tail);
	/* What is not a page request is no part of a group. */
	write_group(self, 1);
	put(self, 4)->type = IOASID_FAULT_UNRECOVERABLE;
	put(self, 4)->flags = 0;
	write_group(self, 2);
	expect_group(self, 1, 4);
	expect_group(self, 2, 5);
}

TEST_F(ring, wraps, "a group that goes over the ring's end is in one piece, and full is full")
{
	write_group(self, 14);
	expect_group(self, 14, 0);
	ioasid_fault_queue_consume(&self->queue);
	write_group(self, 1);
	write_group(self, 5);
	write_group(self, 10);
	expect_group(self, 1, 14);
	EXPECT_EQ(self->queue.joined, expect_group(self, 5, 15));
	expect_group(self, 10, 20);
	expect_empty(self);
	ioasid_fault_queue_consume(&self->queue);
	EXPECT_EQ(30, self->queue.ring->tail);
	write_group(self, 16);
	expect_group(self, 16, 30);
}

TEST_F(ring, modulo, "numbers of records go on after 2^32")
{
	ring_make(self, sizeof(struct ioasid_fault), UINT32_MAX - 2);
	write_group(self, 8);
	write_group(self, 8);
	expect_group(self, 8, UINT32_MAX - 2);
	ioasid_fault_queue_consume(&self->queue);
	EXPECT_EQ(5, self->queue.ring->tail);
	expect_group(self, 8, 5);
	expect_empty(self);
}

TEST_F(ring, longer, "records of a later kernel may be longer")
{
	ring_make(self, sizeof(struct ioasid_fault) + 32, 0);
	write_group(self, 1);
	write_group(self, 4);
	expect_group(self, 1, 0);
	expect_group(self, 4, 1);
	ioasid_fault_queue_consume(&self->queue);
	EXPECT_EQ(5, self->queue.ring->tail);
}

TEST_F(ring, nonsense, "what the kernel cannot have written is an error, and nothing is read")
{
	const struct ioasid_fault *faults = NULL;

	write_group(self, 3);
	put(self, 2)->flags = 0;
	EXPECT_EQ(-EPROTO, ioasid_fault_queue_next(&self->queue, &faults));
	put(self, 2)->flags = IOASID_FAULT_LAST;
	for (uint32_t beyond = ENTRIES + 1; beyond; beyond <<= 1) {
		self->queue.ring->head = beyond;
		EXPECT_EQ(-EPROTO, ioasid_fault_queue_next(&self->queue, &faults));
	}
	EXPECT_EQ(NULL, faults);
	self->queue.ring->head = 3;
	expect_group(self, 3, 0);
}

/* A kernel and a consumer at the same time */

#define GROUPS	300000

static void *kernel_thread(void *data)
{
	struct fixture_ring *self = data;
	unsigned int random = 1;

	for (int i = 0; i < GROUPS; i++) {
		uint32_t n = 1 + random % 7;

		random = random * 1103515245 + 12345;
		while (self->head + n - __atomic_load_n(&self->queue.ring->tail, __ATOMIC_ACQUIRE) >
		       ENTRIES)
			sched_yield();
		write_group(self, n);
	}
	return NULL;
}

TEST_F(ring, race, "every record arrives as it was written, while the kernel goes on writing",
       .timeout = 120)
{
	const struct ioasid_fault *faults;
	uint32_t seen = 0;
	pthread_t thread;
	int n;

	ASSERT_TRUE(!pthread_create(&thread, NULL, kernel_thread, self));
	for (int groups = 0; groups < GROUPS; groups++) {
		while (!(n = ioasid_fault_queue_next(&self->queue, &faults)))
			sched_yield();
		ASSERT_LT(0, n);
		for (int i = 0; i < n; i++) {
			ASSERT_EQ(seen + i, faults[i].seq);
			ASSERT_EQ(seen + 1, faults[i].id);
			ASSERT_EQ(i == n - 1, !!(faults[i].flags & IOASID_FAULT_LAST));
		}
		seen += n;
		/* Sometimes several at once. */
		if (groups % 3)
			ioasid_fault_queue_consume(&self->queue);
		else if (groups == GROUPS - 1 || self->queue.next - self->queue.ring->tail > 8)
			ioasid_fault_queue_consume(&self->queue);
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(self->head, seen);
	expect_empty(self);
}

HARNESS_MAIN
