// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "faults.h"

static void add_times(struct ioasid_fault_times *now, const struct ioasid_fault_times *cpu)
{
	if (!cpu->sum_ns)
		return;
	now->sum_ns += cpu->sum_ns;
	if (cpu->max_ns > now->max_ns)
		now->max_ns = cpu->max_ns;
	for (int i = 0; i < HIST_SLOTS; i++)
		now->hist[i] += cpu->hist[i];
}

void fault_stat__add(struct ioasid_fault_stat *now, const struct ioasid_fault_stat *cpu)
{
	now->groups += cpu->groups;
	now->pages += cpu->pages;
	now->unrecoverable += cpu->unrecoverable;
	now->delivered += cpu->delivered;
	for (int i = 0; i < IOASID_NR_OUTCOMES; i++)
		now->answers[i] += cpu->answers[i];
	add_times(&now->queue, &cpu->queue);
	add_times(&now->service, &cpu->service);
	add_times(&now->total, &cpu->total);
}

static void subtract_times(struct ioasid_fault_times *delta, const struct ioasid_fault_times *now,
			   const struct ioasid_fault_times *last)
{
	delta->sum_ns = now->sum_ns - last->sum_ns;
	delta->max_ns = now->max_ns;
	for (int i = 0; i < HIST_SLOTS; i++)
		delta->hist[i] = now->hist[i] - last->hist[i];
}

void fault_stat__subtract(struct ioasid_fault_stat *delta, const struct ioasid_fault_stat *now,
			  const struct ioasid_fault_stat *last)
{
	delta->groups = now->groups - last->groups;
	delta->pages = now->pages - last->pages;
	delta->unrecoverable = now->unrecoverable - last->unrecoverable;
	delta->delivered = now->delivered - last->delivered;
	for (int i = 0; i < IOASID_NR_OUTCOMES; i++)
		delta->answers[i] = now->answers[i] - last->answers[i];
	subtract_times(&delta->queue, &now->queue, &last->queue);
	subtract_times(&delta->service, &now->service, &last->service);
	subtract_times(&delta->total, &now->total, &last->total);
}

bool fault_stat__same(const struct ioasid_fault_stat *a, const struct ioasid_fault_stat *b)
{
	for (int i = 0; i < IOASID_NR_OUTCOMES; i++)
		if (a->answers[i] != b->answers[i])
			return false;
	return a->groups == b->groups && a->unrecoverable == b->unrecoverable &&
	       a->delivered == b->delivered;
}
