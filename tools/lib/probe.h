/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this machine and this process can do, and what to do about the rest. */
#ifndef TOOLS_PROBE_H
#define TOOLS_PROBE_H

#include "counters.h"

struct probe {
	char kernel[65];
	bool driver;		/* loaded */
	bool driver_btf;
	bool kernel_btf;
	bool cap_bpf;		/* or CAP_SYS_ADMIN, which includes it */
	bool cap_perfmon;
	bool cap_sys_admin;
	bool debugfs;		/* its file of counters can be read */
	enum counter_source source;
};

void probe__run(struct probe *probe);

/* One sentence: why BPF cannot be used, or NULL when it should work. */
const char *probe__bpf_obstacle(const struct probe *probe);

/* The same for the driver's counters. */
const char *probe__counters_obstacle(const struct probe *probe);

/*
 * Gives up all capabilities and the way to get them back; with keep_ptrace,
 * those stay that let us read other users' /proc/PID/fdinfo. 0 or -errno.
 */
int caps__drop(bool keep_ptrace);

#endif
