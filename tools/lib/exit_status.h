/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Exit status of all tools, as in their manual pages. */
#ifndef TOOLS_EXIT_STATUS_H
#define TOOLS_EXIT_STATUS_H

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNSUPPORTED = 3,
	EXIT_INCOMPLETE = 4,
};

#endif
