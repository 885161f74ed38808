// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"

#define EXACT_MAX	30
#define RESAMPLES	2000

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats__sort(double *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), compare);
}

static double *allocate(size_t n)
{
	double *array = calloc(n ? n : 1, sizeof(*array));

	if (!array)
		abort();
	return array;
}

double stats__median(const double *sorted, size_t n)
{
	if (!n)
		return NAN;
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* P(X = k) for n throws of a fair coin. */
static double binomial(size_t n, size_t k)
{
	return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * M_LN2);
}

/*
 * The median lies below the k-th smallest sample only when fewer than k samples lie
 * below the median, which is a matter of coins. The largest k that leaves at most half
 * of the allowed error on each side.
 */
struct interval stats__median_interval(const double *sorted, size_t n, double confidence)
{
	double tail = 0, allowed = (1 - confidence) / 2;
	size_t k = 0;

	while (k < (n + 1) / 2 && tail + binomial(n, k) <= allowed)
		tail += binomial(n, k++);
	if (!k)
		return (struct interval){ n ? sorted[0] : NAN, n ? sorted[n - 1] : NAN, false };
	return (struct interval){ sorted[k - 1], sorted[n - k], true };
}

/* How often the rank sum makes U, for samples of n and m: by adding the largest of all. */
static double *count_u(size_t n, size_t m)
{
	size_t width = n * m + 1;
	/* ways[i][u] for the j first of b, j going up */
	double *ways = allocate((n + 1) * width);

	for (size_t i = 0; i <= n; i++)
		ways[i * width] = 1;
	for (size_t j = 1; j <= m; j++)
		for (size_t i = 1; i <= n; i++)
			for (size_t u = i * j + 1; u-- > 0;)
				ways[i * width + u] = (u >= j ? ways[(i - 1) * width + u - j] : 0) +
						      (u <= i * (j - 1) ? ways[i * width + u] : 0);
	return ways;
}

static double exact_p(size_t n, size_t m, double u)
{
	size_t width = n * m + 1;
	double *ways = count_u(n, m), all = 0, tail = 0;
	double less = fmin(u, (double)n * m - u);

	for (size_t i = 0; i < width; i++) {
		all += ways[n * width + i];
		if (i <= less)
			tail += ways[n * width + i];
	}
	free(ways);
	return fmin(1, 2 * tail / all);
}

struct ranks {
	double u;		/* of b over a; ties count half */
	double ties;		/* sum of t^3 - t */
};

static struct ranks rank(const double *a, size_t n, const double *b, size_t m)
{
	struct ranks r = {};
	size_t i = 0, j = 0;

	while (i < n || j < m) {
		double value = j >= m || (i < n && a[i] <= b[j]) ? a[i] : b[j];
		size_t in_a = 0, in_b = 0, t;

		for (; i < n && a[i] == value; i++)
			in_a++;
		for (; j < m && b[j] == value; j++)
			in_b++;
		r.u += in_b * ((i - in_a) + in_a / 2.0);
		t = in_a + in_b;
		r.ties += (double)t * t * t - t;
	}
	return r;
}

double stats__mann_whitney(const double *a, size_t n, const double *b, size_t m)
{
	struct ranks r = rank(a, n, b, m);
	double all = n + m, mean = n * m / 2.0, variance, z;

	if (!n || !m)
		return 1;
	if (!r.ties && n <= EXACT_MAX && m <= EXACT_MAX)
		return exact_p(n, m, r.u);
	variance = n * m / 12.0 * (all + 1 - r.ties / (all * (all - 1)));
	if (variance <= 0)
		return 1;
	z = fmax(0, fabs(r.u - mean) - 0.5) / sqrt(variance);
	return erfc(z / M_SQRT2);
}

struct indexed {
	double p;
	size_t at;
};

void stats__holm(double *p, size_t n)
{
	struct indexed *order = calloc(n ? n : 1, sizeof(*order));
	double worst = 0;

	if (!order)
		abort();
	for (size_t i = 0; i < n; i++)
		order[i] = (struct indexed){ p[i], i };
	qsort(order, n, sizeof(*order), compare);	/* p comes first in it */
	for (size_t i = 0; i < n; i++) {
		worst = fmax(worst, fmin(1, order[i].p * (n - i)));
		p[order[i].at] = worst;
	}
	free(order);
}

/* xorshift: the same everywhere. */
static size_t draw(uint64_t *state, size_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n;
}

static double resampled_median(const double *samples, size_t n, double *room, uint64_t *state)
{
	for (size_t i = 0; i < n; i++)
		room[i] = samples[draw(state, n)];
	stats__sort(room, n);
	return stats__median(room, n);
}

struct interval stats__ratio_interval(const double *a, size_t n, const double *b, size_t m,
				      double confidence, unsigned int seed)
{
	double *room = allocate(n > m ? n : m), *ratios = allocate(RESAMPLES);
	size_t cut = (1 - confidence) / 2 * RESAMPLES;
	uint64_t state = 0x9e3779b97f4a7c15ULL ^ seed;
	struct interval interval = { NAN, NAN, n >= 6 && m >= 6 };

	for (size_t i = 0; n && m && i < RESAMPLES; i++) {
		double below = resampled_median(a, n, room, &state);

		ratios[i] = resampled_median(b, m, room, &state) / below;
	}
	stats__sort(ratios, RESAMPLES);
	interval.low = ratios[cut];
	interval.high = ratios[RESAMPLES - 1 - cut];
	free(ratios);
	free(room);
	return interval;
}

double stats__mad(const double *sorted, size_t n)
{
	double *distance = allocate(n), median = stats__median(sorted, n), mad;

	for (size_t i = 0; i < n; i++)
		distance[i] = fabs(sorted[i] - median);
	stats__sort(distance, n);
	mad = stats__median(distance, n);
	free(distance);
	return mad;
}

bool stats__bimodal(const double *sorted, size_t n)
{
	double mad = stats__mad(sorted, n);
	size_t fifth = (n + 4) / 5;

	if (n < 10)
		return false;
	for (size_t i = fifth; i + fifth <= n; i++) {
		double gap = sorted[i] - sorted[i - 1];

		/* Within each heap things are close together, seen from the gap. */
		if (gap > 4 * fmin(stats__mad(sorted, i), stats__mad(sorted + i, n - i)) &&
		    gap > mad && gap > 0.01 * stats__median(sorted, n))
			return true;
	}
	return false;
}
