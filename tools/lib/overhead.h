/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this process costs. */
#ifndef TOOLS_OVERHEAD_H
#define TOOLS_OVERHEAD_H

#include <linux/types.h>

__u64 own_cpu_ns(void);
__u64 own_rss_bytes(void);	/* 0: not known */

#endif
