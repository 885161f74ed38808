/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernel/table/ needs of the kernel when it is compiled for a test on the
 * host; the other files here likewise.
 */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;

#endif
