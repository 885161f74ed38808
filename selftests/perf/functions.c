// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plug-in of QEMU that counts the guest's instructions by place: how many were
 * executed in every 16 bytes of kernel code between two marks of ioasidperf, which
 * are instructions that do nothing (tools/ioasidperf/clock.h). Functions begin at
 * multiples of 16 bytes, so that who knows the symbols knows the functions.
 *
 *	-plugin functions.so,out=FILE
 *
 * writes, for each window, "window N" and lines "ADDRESS COUNT", instructions outside
 * of the kernel under address 0.
 *
 * QEMU's header is in no package of Debian's, so what is needed of its interface is
 * declared here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT		__attribute__((visibility("default")))
#define KERNEL		(1ULL << 63)
#define BLOCK_SHIFT	4
#define MAX_BLOCKS	(1U << 20)
#define BUCKETS		(1U << 20)

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
struct qemu_info;

typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

enum qemu_plugin_cb_flags { NO_REGS };
enum qemu_plugin_op { INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *data),
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
							 enum qemu_plugin_op op,
							 qemu_plugin_u64 entry, uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t nr);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *data, size_t size);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv);

extern int qemu_plugin_version;
EXPORT int qemu_plugin_version = 4;

static const uint8_t mark[] = { 0x0f, 0x1f, 0x84, 0x00 };
static const uint8_t mark_tail[] = { 0xa5, 0x10, 0x10 };

struct block {
	uint64_t address;
	uint64_t at_begin;
	uint32_t next;		/* in its bucket, 0: none */
};

/* Block 0 is all that is not the kernel's. */
static struct block blocks[MAX_BLOCKS];
static uint32_t buckets[BUCKETS];
static uint32_t nr_blocks = 1;
static struct qemu_plugin_scoreboard *score;
static FILE *out;
static unsigned int windows;

static qemu_plugin_u64 counter(uint32_t index)
{
	return (qemu_plugin_u64){ score, index * sizeof(uint64_t) };
}

static uint32_t block_of(uint64_t vaddr)
{
	uint64_t address = vaddr >> BLOCK_SHIFT << BLOCK_SHIFT;
	uint32_t *bucket, index;

	if (!(vaddr & KERNEL))
		return 0;
	bucket = &buckets[(address >> BLOCK_SHIFT) * 0x9e3779b97f4a7c15ULL >> 44];
	for (index = *bucket; index; index = blocks[index].next)
		if (blocks[index].address == address)
			return index;
	if (nr_blocks == MAX_BLOCKS) {
		fprintf(stderr, "functions.so: too much code\n");
		abort();
	}
	index = nr_blocks++;
	blocks[index].address = address;
	blocks[index].next = *bucket;
	*bucket = index;
	return index;
}

static void begin(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	for (uint32_t i = 0; i < nr_blocks; i++)
		blocks[i].at_begin = qemu_plugin_u64_sum(counter(i));
}

static void end(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	fprintf(out, "window %u\n", windows++);
	for (uint32_t i = 0; i < nr_blocks; i++) {
		uint64_t n = qemu_plugin_u64_sum(counter(i)) - blocks[i].at_begin;

		if (n)
			fprintf(out, "%llx %llu\n", (unsigned long long)blocks[i].address,
				(unsigned long long)n);
		blocks[i].at_begin += n;
	}
	fflush(out);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	uint8_t bytes[16];

	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t vaddr = qemu_plugin_insn_vaddr(insn);

		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD_U64,
								    counter(block_of(vaddr)), 1);
		if (vaddr & KERNEL || qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) != 8 ||
		    memcmp(bytes, mark, sizeof(mark)) ||
		    memcmp(bytes + 5, mark_tail, sizeof(mark_tail)))
			continue;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, bytes[4] == 1 ? begin : end, NO_REGS,
						       NULL);
	}
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "we");
	if (!out) {
		fprintf(stderr, "functions.so: out=FILE is missing, or cannot be written\n");
		return -1;
	}
	score = qemu_plugin_scoreboard_new(MAX_BLOCKS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
