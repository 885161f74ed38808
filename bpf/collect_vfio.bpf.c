// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define WATCH_SOURCE
#include "collect.bpf.c"
#include "src_vfio.h"
