/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for tables of table_build.h on the host, walked by kernel/table/: an
 * array of pages that appears at some address, a count of what the walker does
 * there, and means to get in its way.
 */
#ifndef IOASID_SELFTESTS_TABLE_MEM_H
#define IOASID_SELFTESTS_TABLE_MEM_H

#include "harness.h"
#include <linux/ioasid_table.h>

#include "table_build.h"

#define TABLE_MEM_PAGES	8192

_Static_assert(TABLE_R == IOASID_PERM_READ && TABLE_W == IOASID_PERM_WRITE &&
	       TABLE_X == IOASID_PERM_EXEC && TABLE_PRIV == IOASID_PERM_PRIV,
	       "permissions of builder and walker differ");

#define TABLE_RWX	(TABLE_R | TABLE_W | TABLE_X)

/**
 * struct table_mem - memory and what happens to it
 * @base: where it appears in the parent's space
 * @used: pages given out
 * @free: pages taken back
 * @reads: calls of read()
 * @updates: calls of update()
 * @refuse: an address that cannot be read, if @refuse_error
 * @update_error: what update() says, if not 0
 * @lose: so many updates are lost, before each of which @loses is called
 */
struct table_mem {
	__u64 base;
	__u64 *words;
	unsigned int used, nr_free;
	unsigned int free[TABLE_MEM_PAGES];
	unsigned int reads, updates;
	__u64 refuse;
	int refuse_error, update_error;
	unsigned int lose;
	void (*loses)(struct table_mem *mem, __u64 *entry);
	struct table_builder b;
};

static inline __u64 *table_mem_at(struct table_mem *mem, __u64 addr)
{
	if (addr < mem->base || addr - mem->base >= TABLE_MEM_PAGES * 4096ULL)
		return NULL;
	return mem->words + (addr - mem->base) / 8;
}

static inline int table_mem_read(void *data, __u64 addr, __u64 *entry)
{
	struct table_mem *mem = data;
	__u64 *word = table_mem_at(mem, addr);

	mem->reads++;
	if (addr % 8 || addr >> 52)
		FAIL("read() of 0x%llx", addr);
	if (mem->refuse_error && addr == mem->refuse)
		return mem->refuse_error;
	if (!word)
		return -EFAULT;
	*entry = *word;
	return 0;
}

static inline int table_mem_update(void *data, __u64 addr, __u64 old, __u64 new)
{
	struct table_mem *mem = data;
	__u64 *word = table_mem_at(mem, addr);

	mem->updates++;
	if (mem->update_error)
		return mem->update_error;
	if (!word)
		return -EFAULT;
	if (mem->lose) {
		mem->lose--;
		if (mem->loses)
			mem->loses(mem, word);
		return -EAGAIN;
	}
	if (*word != old)
		return -EAGAIN;
	*word = new;
	return 0;
}

static const struct ioasid_walk_ops table_mem_ops = {
	.read = table_mem_read,
	.update = table_mem_update,
};

static const struct ioasid_walk_ops table_mem_read_ops = {
	.read = table_mem_read,
};

static inline __u64 table_mem_alloc(struct table_builder *b)
{
	struct table_mem *mem = b->data;
	unsigned int page;

	if (mem->nr_free)
		page = mem->free[--mem->nr_free];
	else if (mem->used < TABLE_MEM_PAGES)
		page = mem->used++;
	else
		return 0;
	memset(mem->words + page * 512, 0, 4096);
	return mem->base + page * 4096ULL;
}

static inline void table_mem_release(struct table_builder *b, __u64 addr)
{
	struct table_mem *mem = b->data;

	mem->free[mem->nr_free++] = (addr - mem->base) / 4096;
}

static inline __u64 *table_mem_builder_at(struct table_builder *b, __u64 addr)
{
	__u64 *word = table_mem_at(b->data, addr);

	if (!word)
		FAIL("the builder lost its table at 0x%llx", addr);
	return word;
}

/* An empty table of @format at an address that all formats can express. */
static inline struct table_mem *table_mem_new(__u32 format, __u32 width)
{
	struct table_mem *mem = calloc(1, sizeof(*mem));

	mem->base = 0x812345600000;
	mem->words = mmap(NULL, TABLE_MEM_PAGES * 4096UL, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	mem->b = (struct table_builder) {
		.format = format,
		.width = width,
		.alloc = table_mem_alloc,
		.at = table_mem_builder_at,
		.release = table_mem_release,
		.data = mem,
	};
	table_start(&mem->b);
	return mem;
}

static inline void table_mem_free(struct table_mem *mem)
{
	munmap(mem->words, TABLE_MEM_PAGES * 4096UL);
	free(mem);
}

/* Walks with counters at 0; @updates: accessed and dirty bits are set. */
static inline struct ioasid_walk table_mem_walk(struct table_mem *mem, __u64 iova,
						__u32 access, bool updates)
{
	struct ioasid_table table = table_of(&mem->b);
	struct ioasid_walk walk;
	int reason;

	memset(&walk, 0xa5, sizeof(walk));
	walk.iova = iova;
	walk.access = access;
	mem->reads = 0;
	mem->updates = 0;
	reason = ioasid_table_walk(mem->b.format, &table,
				   updates ? &table_mem_ops : &table_mem_read_ops, mem, &walk);
	ASSERT_EQ(reason, walk.reason);
	return walk;
}

/* What the tests know of the formats. */
struct table_case {
	const char *name;
	__u32 format;
	__u32 width;
	bool sign_extended;
};

static const struct table_case table_cases[] = {
	{ "x86-64 4-level", IOASID_FORMAT_X86_64_4LEVEL, 48, true },
	{ "x86-64 5-level", IOASID_FORMAT_X86_64_5LEVEL, 57, true },
	{ "Arm 48 bits", IOASID_FORMAT_ARM_LPAE_4K, 48, false },
	{ "Arm 42 bits", IOASID_FORMAT_ARM_LPAE_4K, 42, false },
	{ "Arm 40 bits", IOASID_FORMAT_ARM_LPAE_4K, 40, false },
	{ "Arm 39 bits", IOASID_FORMAT_ARM_LPAE_4K, 39, false },
	{ "Arm 31 bits", IOASID_FORMAT_ARM_LPAE_4K, 31, false },
	{ "Arm 30 bits", IOASID_FORMAT_ARM_LPAE_4K, 30, false },
	{ "Arm 25 bits", IOASID_FORMAT_ARM_LPAE_4K, 25, false },
	{ "Sv39", IOASID_FORMAT_RISCV_SV39, 39, true },
	{ "Sv48", IOASID_FORMAT_RISCV_SV48, 48, true },
};

#define for_each_table_case(c)							\
	for (const struct table_case *(c) = table_cases;			\
	     (c) < table_cases + sizeof(table_cases) / sizeof(table_cases[0]); (c)++)

/* xorshift64* */
static inline __u64 table_random(__u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* Printed by each test that uses it; IOASID_TEST_SEED repeats a run. */
static inline __u64 table_seed(void)
{
	const char *given = getenv("IOASID_TEST_SEED");
	struct timespec now;
	__u64 seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = given ? strtoull(given, NULL, 0) : now.tv_sec * 1000000007ULL ^ now.tv_nsec;
	seed = seed ?: 1;
	diag("IOASID_TEST_SEED=0x%llx", seed);
	return seed;
}

#endif /* IOASID_SELFTESTS_TABLE_MEM_H */
