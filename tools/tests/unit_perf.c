// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What ioasidperf says about samples: against counting by hand, and by how often it is
 * right about distributions that are known.
 */
#include <math.h>
#include <string.h>

#include "harness.h"
#include "../ioasidperf/stats.c"

FIXTURE(stats) { int unused; };
FIXTURE_SETUP(stats) { self->unused = 0; }
FIXTURE_TEARDOWN(stats) { (void)self; }

static bool near(double a, double b)
{
	return fabs(a - b) <= 0.000000001 * fmax(1, fabs(b));
}

/* (0, 1), of a generator of its own */
static double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((*state >> 11) + 0.5) / (1ULL << 53);
}

/* Skewed, as times are: a floor, and a tail above it. */
static void draw_times(double *samples, size_t n, double factor, uint64_t *state)
{
	for (size_t i = 0; i < n; i++)
		samples[i] = factor * (1000 - 20 * log(uniform(state)));
	stats__sort(samples, n);
}

TEST_F(stats, median, "the median, the distance from it")
{
	const double odd[] = { 1, 2, 7 }, even[] = { 1, 2, 4, 100 };

	EXPECT_TRUE(stats__median(odd, 3) == 2);
	EXPECT_TRUE(stats__median(even, 4) == 3);
	EXPECT_TRUE(isnan(stats__median(odd, 0)));
	EXPECT_TRUE(stats__mad(odd, 3) == 1);
	EXPECT_TRUE(stats__mad(even, 4) == 1.5);
}

/*
 * By the table that textbooks have: of 10 samples the 2nd and the 9th, of 20 the 6th and
 * the 15th, of 6 the first and the last; five are too few.
 */
TEST_F(stats, interval, "which samples bound the median")
{
	double samples[20];
	struct interval i;

	for (int k = 0; k < 20; k++)
		samples[k] = k + 1;
	i = stats__median_interval(samples, 10, 0.95);
	EXPECT_TRUE(i.known && i.low == 2 && i.high == 9);
	i = stats__median_interval(samples, 20, 0.95);
	EXPECT_TRUE(i.known && i.low == 6 && i.high == 15);
	i = stats__median_interval(samples, 6, 0.95);
	EXPECT_TRUE(i.known && i.low == 1 && i.high == 6);
	i = stats__median_interval(samples, 5, 0.95);
	EXPECT_TRUE(!i.known);
}

/* The true median of 1000 - 20 log(u) is 1000 + 20 log(2). */
TEST_F(stats, coverage, "the interval has the true median in it as often as it says")
{
	const double truth = 1000 + 20 * M_LN2;
	double samples[24];
	uint64_t state = 1;
	int inside = 0;

	for (int i = 0; i < 4000; i++) {
		struct interval in;

		draw_times(samples, 24, 1, &state);
		in = stats__median_interval(samples, 24, 0.95);
		inside += in.low <= truth && truth <= in.high;
	}
	EXPECT_LE(4000 * 94 / 100, inside);
	EXPECT_LE(inside, 4000 * 995 / 1000);
}

/* All ways in which n of n + m ranks can be a's, counted one by one. */
static double counted_p(unsigned int n, unsigned int m, double u)
{
	unsigned long all = 0, extreme = 0;
	double middle = n * m / 2.0;

	for (unsigned long set = 0; set < 1UL << (n + m); set++) {
		unsigned int below = 0;
		double other = 0;

		if (__builtin_popcountl(set) != n)
			continue;
		for (unsigned int i = 0; i < n + m; i++) {
			if (set >> i & 1)
				below++;
			else
				other += below;
		}
		all++;
		extreme += fabs(other - middle) >= fabs(u - middle);
	}
	return (double)extreme / all;
}

TEST_F(stats, exact, "Mann-Whitney, against counting all orders")
{
	uint64_t state = 7;

	for (unsigned int n = 2; n <= 7; n++) {
		for (unsigned int m = 2; m <= 7; m++) {
			double a[7], b[7], u = 0;

			draw_times(a, n, 1, &state);
			draw_times(b, m, 1.01, &state);
			for (unsigned int i = 0; i < n; i++)
				for (unsigned int j = 0; j < m; j++)
					u += b[j] > a[i];
			EXPECT_TRUE(near(counted_p(n, m, u), stats__mann_whitney(a, n, b, m)));
			EXPECT_TRUE(near(stats__mann_whitney(a, n, b, m),
					 stats__mann_whitney(b, m, a, n)));
		}
	}
}

TEST_F(stats, ties, "equal samples are no evidence, and large numbers of them no trouble")
{
	double a[200], b[200];

	for (int i = 0; i < 200; i++)
		a[i] = b[i] = 5;
	EXPECT_TRUE(stats__mann_whitney(a, 200, b, 200) == 1);
	for (int i = 0; i < 200; i++)
		b[i] = 5 + (i >= 100);
	EXPECT_TRUE(stats__mann_whitney(a, 200, b, 200) < 0.000000001);
	EXPECT_TRUE(stats__mann_whitney(a, 0, b, 3) == 1);
}

/* Beyond what is computed exactly the approximation has to be close to that. */
TEST_F(stats, normal, "the normal approximation joins the exact values")
{
	uint64_t state = 3;
	double a[31], b[31];

	for (int i = 0; i < 50; i++) {
		draw_times(a, 31, 1, &state);
		draw_times(b, 31, 1.004, &state);
		EXPECT_TRUE(fabs(exact_p(31, 31, rank(a, 31, b, 31).u) -
				 stats__mann_whitney(a, 31, b, 31)) < 0.005);
	}
}

TEST_F(stats, holm, "Holm's correction")
{
	double p[] = { 0.01, 0.04, 0.03, 0.005 }, one[] = { 0.3 };

	stats__holm(p, 4);
	EXPECT_TRUE(near(p[3], 0.02) && near(p[0], 0.03) && near(p[2], 0.06) && near(p[1], 0.06));
	stats__holm(one, 1);
	EXPECT_TRUE(near(one[0], 0.3));
}

TEST_F(stats, ratio, "the ratio's interval: repeatable, and around the truth")
{
	double a[30], b[30];
	uint64_t state = 11;
	int inside = 0;

	for (int i = 0; i < 100; i++) {
		struct interval in, again;

		draw_times(a, 30, 1, &state);
		draw_times(b, 30, 1.1, &state);
		in = stats__ratio_interval(a, 30, b, 30, 0.95, 1);
		again = stats__ratio_interval(a, 30, b, 30, 0.95, 1);
		EXPECT_TRUE(in.low == again.low && in.high == again.high);
		inside += in.low <= 1.1 && 1.1 <= in.high;
	}
	EXPECT_LE(88, inside);
}

TEST_F(stats, bimodal, "two heaps are seen, one with a tail is not")
{
	double samples[40];
	uint64_t state = 5;
	int seen = 0;

	for (int i = 0; i < 100; i++) {
		draw_times(samples, 40, 1, &state);
		seen += stats__bimodal(samples, 40);
		for (int k = 0; k < 15; k++)
			samples[k] += 500;
		stats__sort(samples, 40);
		EXPECT_TRUE(stats__bimodal(samples, 40));
	}
	EXPECT_LE(seen, 2);
}

HARNESS_MAIN
