/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A machine that was never there, with something to see in every view. */
#ifndef TESTS_VIEWS_FIXTURE_H
#define TESTS_VIEWS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "trail.h"
#include "view.h"

#define FIXTURE_DATA	"tools/tests/data/"
#define FIXTURE_STEPS	12
#define FIXTURE_SECOND	1000000000ULL

struct fixture {
	struct model *model;
	struct processes *processes;
	struct stat_sample samples[8];
	struct sample_set set;
	struct fault_sample faults[2];
	struct fault_set fault_set;
	struct trail trail;
	int step;
};

static inline void fixture__check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fixture: %s\n", what);
	abort();
}

/* The same numbers each time, mostly near the middle, some far to the right. */
static inline __u64 fixture__time(__u64 i, __u64 middle)
{
	__u64 r = (i * 2654435761U) % 1000;

	if (r < 5)
		return middle * (100 + r * 400);
	return middle + middle * (r % 100) * (r % 100) / 20000;
}

static inline void fixture__operations(struct fixture *f, size_t at, __u32 ctx, __u32 ioasid,
				       enum ioasid_op op, __u64 nr, __u64 middle)
{
	struct ioasid_stat *sum = &f->samples[at].sum;

	f->samples[at].key = (struct ioasid_stat_key){ .ctx = ctx, .ioasid = ioasid, .op = op };
	for (__u64 i = 0; i < nr; i++) {
		__u64 ns = fixture__time(sum->count + i, middle);

		sum->hist[hist_index(ns)]++;
		sum->sum_ns += ns;
		if (ns > sum->max_ns)
			sum->max_ns = ns;
	}
	sum->count += nr;
	sum->bytes += nr * 16384;
	sum->errors += nr / 1000;
}

static inline void fixture__faults(struct fixture *f, size_t at, __u32 devfn, __u64 nr,
				   __u64 middle)
{
	struct ioasid_fault_stat *sum = &f->faults[at].sum;

	f->faults[at].key = (struct ioasid_fault_key){
		.cookie = 0x1000 + devfn, .ctx = 3, .ioasid = 3, .dev = devfn
	};
	for (__u64 i = 0; i < nr; i++) {
		__u64 ns = fixture__time(sum->groups + i, middle);

		sum->service.hist[hist_index(ns)]++;
		sum->service.sum_ns += ns;
		if (ns > sum->service.max_ns)
			sum->service.max_ns = ns;
	}
	sum->groups += nr;
	sum->pages += 2 * nr;
	sum->delivered += nr;
	sum->answers[IOASID_OUTCOME_SUCCESS] += nr - nr / 10;
	sum->answers[IOASID_OUTCOME_INVALID] += nr / 10;
}

/* What has happened up to a step. */
static inline void fixture__load(struct fixture *f)
{
	int busy = 1 + f->step % 4;

	fixture__operations(f, 0, 3, 1, IOASID_OP_MAP, 500 * busy, 1800);
	fixture__operations(f, 1, 3, 1, IOASID_OP_UNMAP, 480 * busy, 2600);
	fixture__operations(f, 2, 3, 1, IOASID_OP_INV, 470 * busy, 900);
	fixture__operations(f, 3, 3, 3, IOASID_OP_USER_INV, 200 * busy, 5000);
	fixture__operations(f, 4, 8, 1, IOASID_OP_MAP, 90, 40000);
	fixture__operations(f, 5, 8, 1, IOASID_OP_UNMAP, 80, 70000);
	fixture__operations(f, 6, 9, 3, IOASID_OP_MAP, 3, 1000000);
	fixture__faults(f, 0, 0x98, 50, 30000);		/* 00:13.0 */
	fixture__faults(f, 1, 0x88, 20, 200000);	/* 00:11.0 */
}

static inline struct snapshot *fixture__step(struct fixture *f)
{
	struct counter_set counters = { 0 };
	struct reading reading = {
		.ts_ns = (f->step + 1) * FIXTURE_SECOND, .counters = &counters,
		.samples = &f->set, .faults = &f->fault_set,
	};
	struct snapshot *snap;

	if (f->step)
		fixture__load(f);
	fixture__check(!counters__read(&counters, f->step ? FIXTURE_DATA "counters-tree-2" :
							    FIXTURE_DATA "counters-tree-1",
				       &reading.source), "counters");
	fixture__check(!model__step(f->model, &reading, &snap), "step");
	counters__clear(&counters);
	f->step++;
	if (!snap)
		return NULL;
	fixture__check(!processes__fill(f->processes, snap), "processes");
	trail__add(&f->trail, snap);
	return snap;
}

static inline void fixture__stack(struct map_stack *stack, __u32 pid, const char *comm,
				  __u64 count, const char *user, const char *kernel)
{
	stack->pid = pid;
	neutralise(stack->comm, sizeof(stack->comm), comm, strlen(comm));
	stack->count = count;
	stack->bytes = count * 4096;
	stack->total = count * FIXTURE_STEPS;
	stack->user = user ? strdup(user) : NULL;
	stack->kernel = kernel ? strdup(kernel) : NULL;
}

static inline void fixture__details(struct snapshot *snap)
{
	static const char kernel[] = "ioasid_space_map+0x416 (ioasid)\n__x64_sys_ioctl+0x97\n";
	struct space_mappings *mappings = &snap->mappings;

	snap->stacks = (struct map_stacks){ .counted = true, .nr = 3, .nr_more = 7,
					    .count_more = 12, .total_more = 144 };
	snap->stacks.at = calloc(3, sizeof(*snap->stacks.at));
	mappings->at = calloc(MAX_SPACE_MAPPINGS, sizeof(*mappings->at));
	fixture__check(snap->stacks.at && mappings->at, "memory");
	fixture__stack(&snap->stacks.at[0], 4711, "qemu-system-x86", 1200,
		       "ioctl+0x3b (libc.so.6)\nvfio_dma_map+0x8c (qemu-system-x86_64)\n"
		       "memory_region_add+0x1f2 (qemu-system-x86_64)\n", kernel);
	fixture__stack(&snap->stacks.at[1], 812, "dpdk-testpmd", 90, NULL, kernel);
	fixture__stack(&snap->stacks.at[2], 900, "evil\033[31m\n", 3, "0x55d0c0de\n", kernel);
	mappings->known = mappings->more = true;
	mappings->ctx = 3;
	mappings->ioasid = 1;
	for (; mappings->nr < MAX_SPACE_MAPPINGS; mappings->nr++)
		mappings->at[mappings->nr] = (struct ioasid_mapping_info){
			.iova = 0xfee00000 + mappings->nr * 0x200000,
			.size = 0x1000ULL << mappings->nr % 10,
			.target = 0x7f0000000000 + mappings->nr * 0x200000,
			.prot = IOASID_MAP_READ | (mappings->nr % 3 ? IOASID_MAP_WRITE : 0),
			.flags = IOASID_MAPPING_VADDR |
				 (mappings->nr % 4 ? 0 : IOASID_MAPPING_REGISTERED),
		};
}

static inline struct snapshot *fixture__make(struct fixture *f)
{
	struct snapshot *snap = NULL;

	*f = (struct fixture){
		.model = model__new(), .processes = processes__new(FIXTURE_DATA "proc"),
	};
	fixture__check(f->model && f->processes, "memory");
	f->set = (struct sample_set){ .samples = f->samples, .nr = 7, .lost.known = true };
	f->fault_set = (struct fault_set){ .samples = f->faults, .nr = 2 };
	for (int i = 0; i <= FIXTURE_STEPS; i++) {
		snapshot__free(snap);
		snap = fixture__step(f);
	}
	fixture__details(snap);
	return snap;
}

static inline void fixture__end(struct fixture *f, struct snapshot *snap)
{
	snapshot__free(snap);
	trail__clear(&f->trail);
	model__free(f->model);
	processes__free(f->processes);
}

#endif
