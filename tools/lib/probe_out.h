/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TOOLS_PROBE_OUT_H
#define TOOLS_PROBE_OUT_H

#include <stdio.h>
#include "probe.h"

/*
 * What --probe prints of a tool that cannot do without BPF; obstacle: why that does not
 * work, or NULL; times: only sources that have them are of use. 0 or a negative errno.
 */
int probe__print(FILE *out, const char *tool, const struct probe *probe, const char *obstacle,
		 bool times, bool json);

#endif
