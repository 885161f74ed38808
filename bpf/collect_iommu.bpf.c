// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define WATCH_SOURCE
#define WATCH_ENDS	/* of processes: their rows go */
#include "collect.bpf.c"
#include "src_iommu.h"
