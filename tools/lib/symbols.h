/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks: addresses to names. Who uses this is linked with libdw. */
#ifndef TOOLS_SYMBOLS_H
#define TOOLS_SYMBOLS_H

#include <stdbool.h>
#include <linux/types.h>

#define STACK_DEPTH 64 /* frames */

struct frame {
	__u64 address;
	__u64 offset; /* in the symbol, or in the module without one */
	const char *symbol; /* may be NULL, as may this: */
	const char *module;
};

struct stack {
	const char *whose; /* "kernel" or "user" */
	struct frame frames[STACK_DEPTH];
	int nr; /* negative: an errno; without frames nothing is printed */
	bool more; /* there may be more frames */
};

struct stacks {
	struct stack kernel, user;
};

/* Whose addresses they are. Numbers of processes are used again, hence the rest. */
struct process_at {
	__u32 pid;
	char comm[16];
	__u64 ts_ns; /* CLOCK_MONOTONIC */
};

struct symbols;

/* Before privileges are given up; kernel: its names, too. NULL: no memory. */
struct symbols *symbols__new(bool kernel);

/*
 * Reads the kernel's names, which takes some 0.1 s, unless that has been done. When it is
 * left to the first stack, short-lived processes may be gone before we look at them.
 */
void symbols__load(struct symbols *symbols);
void symbols__free(struct symbols *symbols);

/*
 * Make a stack out of addresses, size bytes of them (negative: an errno); what it points
 * to is valid until the next call.
 */
void symbols__kernel(struct symbols *symbols, struct stack *stack, const __u64 *addresses,
		     int size);
void symbols__user(struct symbols *symbols, const struct process_at *process, struct stack *stack,
		   const __u64 *addresses, int size);

/* ---- user space, through libdwfl ---- */

struct users;

struct users *users__new(void);
void users__free(struct users *users);

/* What is at this address of this process. */
void users__find(struct users *users, const struct process_at *at, struct frame *frame);

#endif
