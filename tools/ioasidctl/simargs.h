/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a simulated IOMMU shall be like, for "sim create" and for scripts. */
#ifndef IOASIDCTL_SIMARGS_H
#define IOASIDCTL_SIMARGS_H

#include <stdbool.h>
#include "libioasid.h"

/*
 * Pairs of a name, with the prefix "--" or "", and a value; --name=value, too, with the
 * prefix. False: why says what is wrong.
 */
bool simargs__parse(struct ioasid_sim_create *args, int argc, char **argv, const char *prefix,
		    char *why, size_t size);

#endif
