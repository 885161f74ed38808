/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TOOLS_VERSION_H
#define TOOLS_VERSION_H

#define IOASID_TOOLS_VERSION	"0.1.0"

#endif
