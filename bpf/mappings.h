/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What bpf/mappings.bpf.c and the tools share. */
#ifndef IOASID_BPF_MAPPINGS_H
#define IOASID_BPF_MAPPINGS_H

/* As many are listed at once. */
#define IOASID_MAX_LISTED	256

#endif
