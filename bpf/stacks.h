/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What bpf/stacks.bpf.c and the tools share: maps counted by the code that asked for them. */
#ifndef IOASID_BPF_STACKS_H
#define IOASID_BPF_STACKS_H

#include <linux/types.h>

#define IOASID_STACK_FRAMES	64
#define IOASID_MAX_STACKS	2048	/* processes times stacks */
#define IOASID_MAX_TRACES	4096	/* different stacks of calls */

struct ioasid_stack_key {
	__u32 pid;
	__s32 kernel, user;	/* in the map of traces; negative: not known */
};

struct ioasid_stack_count {
	__u64 maps;		/* successful ones */
	__u64 bytes;
	char comm[16];
};

#endif
