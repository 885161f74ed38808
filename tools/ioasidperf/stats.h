/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What can be said about two sets of measurements, without a guess about their
 * distribution. All arrays of samples are sorted, ascending, unless said otherwise.
 */
#ifndef IOASIDPERF_STATS_H
#define IOASIDPERF_STATS_H

#include <stdbool.h>
#include <stddef.h>

struct interval {
	double low, high;
	bool known;		/* false: too few samples for this confidence */
};

void stats__sort(double *samples, size_t n);
/* The mean of the two in the middle, when there are two. */
double stats__median(const double *sorted, size_t n);
/*
 * Of the median, from order statistics: holds for any distribution. Its confidence is
 * at least this, by the binomial distribution.
 */
struct interval stats__median_interval(const double *sorted, size_t n, double confidence);

/*
 * Mann-Whitney: the probability of ranks at least as far apart if both came from the
 * same distribution, two-sided. Exact for up to 30 samples a side without ties, with
 * ties and beyond by the normal distribution, corrected for ties and continuity.
 */
double stats__mann_whitney(const double *a, size_t n, const double *b, size_t m);

/* Holm's correction for testing many: p values are replaced by adjusted ones. Unsorted. */
void stats__holm(double *p, size_t n);

/* Of median(b) / median(a), by resampling; the same seed, the same result. */
struct interval stats__ratio_interval(const double *a, size_t n, const double *b, size_t m,
				      double confidence, unsigned int seed);

/*
 * Two heaps of samples instead of one: with a fifth of the samples on each side, a gap
 * wider than the spread of all, four times that of the tighter heap, and 1 %.
 */
bool stats__bimodal(const double *sorted, size_t n);
/* The median distance from the median. */
double stats__mad(const double *sorted, size_t n);

#endif
