/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Giving up what a daemon does not need any more, for good. */
#ifndef TOOLS_CONFINE_H
#define TOOLS_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Becomes the user when we are root (and no user was taken on before), keeps of the
 * capabilities only those that a collector needs, or none, and lets no program that is
 * started gain any. -errno, and why becomes one sentence.
 */
int confine(const char *user, bool collector, char *why, size_t size);

#endif
