/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one histogram of the project: log-linear, 16 buckets per octave.
 *
 * Values below 16 have a bucket each. From there on an octave [2^e, 2^(e+1)) is
 * cut into 16 equal buckets, so that a bucket is at most 1/16 = 6.25 % of its
 * lower bound wide and its midpoint is at most 3.125 % away from any value in
 * it. 496 buckets reach to 2^34 ns (17.2 s); what is longer is counted in the
 * last one. Histograms merge by addition: over CPUs, spaces, time, machines.
 *
 * Compiled for BPF, for the tools and for the unit test alike.
 */
#ifndef IOASID_BPF_HIST_H
#define IOASID_BPF_HIST_H

#include <linux/types.h>

#define HIST_SUB_BITS	4
#define HIST_SUB	(1 << HIST_SUB_BITS)
#define HIST_MAX_EXP	33
#define HIST_SLOTS	((HIST_MAX_EXP - HIST_SUB_BITS + 2) * HIST_SUB)

/* Position of the highest bit. The BPF instruction set has no such operation. */
static inline __u32 hist_log2(__u64 v)
{
	__u32 r, s;

	r = (v > 0xffffffffULL) << 5;
	v >>= r;
	s = (v > 0xffff) << 4;
	v >>= s;
	r |= s;
	s = (v > 0xff) << 3;
	v >>= s;
	r |= s;
	s = (v > 0xf) << 2;
	v >>= s;
	r |= s;
	s = (v > 0x3) << 1;
	v >>= s;
	r |= s;
	return r | (__u32)(v >> 1);
}

static inline __u32 hist_index(__u64 v)
{
	__u32 e;

	if (v < HIST_SUB)
		return v;
	if (v >> (HIST_MAX_EXP + 1))
		return HIST_SLOTS - 1;
	e = hist_log2(v);
	return (e - HIST_SUB_BITS + 1) * HIST_SUB +
	       ((v >> (e - HIST_SUB_BITS)) & (HIST_SUB - 1));
}

/* The smallest and the largest value that hist_index() puts into a bucket. */
static inline __u64 hist_lower(__u32 index)
{
	if (index < HIST_SUB)
		return index;
	return (__u64)(HIST_SUB + index % HIST_SUB) << (index / HIST_SUB - 1);
}

static inline __u64 hist_upper(__u32 index)
{
	return hist_lower(index + 1) - 1;
}

#endif
