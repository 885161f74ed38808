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

/*
 * 1 or 0; both are less than 2^63. The empty statement hides from the compiler what this
 * is: BPF has no comparison that is not a branch.
 */
static inline __u64 hist_more(__u64 v, __u64 than)
{
	__u64 difference = than - v;

	asm("" : "+r"(difference));
	return difference >> 63;
}

/*
 * Position of the highest bit of what is less than 2^63. The BPF instruction set has no
 * such operation. With branches the verifier would follow each of 64 ways through here,
 * in each program.
 */
static inline __u32 hist_log2(__u64 v)
{
	__u64 r, s;

	r = hist_more(v, 0xffffffffULL) << 5;
	v >>= r;
	s = hist_more(v, 0xffffULL) << 4;
	v >>= s;
	r |= s;
	s = hist_more(v, 0xffULL) << 3;
	v >>= s;
	r |= s;
	s = hist_more(v, 0xfULL) << 2;
	v >>= s;
	r |= s;
	s = hist_more(v, 0x3ULL) << 1;
	v >>= s;
	r |= s;
	return r | v >> 1;
}

/* As if there were buckets for all. The first two octaves are as one of single values. */
static inline __u32 hist_unbounded(__u64 v)
{
	__u32 shift;

	v = (v | v >> 63 << 62) & ~0ULL >> 1;	/* what is too long for us stays so */
	shift = hist_log2(v | HIST_SUB) - HIST_SUB_BITS;
	return shift * HIST_SUB + (v >> shift);
}

static inline __u32 hist_index(__u64 v)
{
	__u32 i = hist_unbounded(v);

	return i < HIST_SLOTS ? i : HIST_SLOTS - 1;
}

#ifdef __bpf__
/*
 * Not static: verified once, and of what it returns the verifier does not search where it
 * comes from. With preemption disabled, as programs for other sources run (watch.h), kernels
 * before 6.15 do not let such functions be called.
 */
#ifdef WATCH_SOURCE
static
#endif
__attribute__((noinline)) __u32 hist_slot(__u64 v)
{
	return hist_unbounded(v);
}

/* The empty statement keeps the test where the verifier needs it. */
#define hist_add(hist, v) do {							\
	__u32 __i = hist_slot(v);						\
										\
	asm volatile("" : "+r"(__i));						\
	if (__i < HIST_SLOTS)							\
		(hist)[__i]++;							\
	else									\
		(hist)[HIST_SLOTS - 1]++;					\
} while (0)
#endif

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
