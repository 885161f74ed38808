/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ioasid-collect is: the one who reads, for all who look. */
#ifndef TOOLS_COLLECTOR_H
#define TOOLS_COLLECTOR_H

#include "gather.h"
#include "publish.h"

/*
 * Until SIGTERM or SIGINT or, when nobody can connect any more, until the last viewer is
 * gone. SIGHUP lets go of the driver for a while. 0 or -errno; messages begin with name.
 */
int collector__run(const char *name, const struct gather_options *options,
		   struct publisher *publisher, __u64 interval_ns, bool alone);

#endif
