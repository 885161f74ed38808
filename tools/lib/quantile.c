// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "quantile.h"

static void widen(__u64 *wide, const __u32 *hist)
{
	for (int i = 0; i < HIST_SLOTS; i++)
		wide[i] = hist[i];
}

__u64 hist__total(const __u32 *hist)
{
	__u64 wide[HIST_SLOTS];

	widen(wide, hist);
	return hist64__total(wide);
}

bool hist__quantile(const __u32 *hist, double q, __u64 *value)
{
	__u64 wide[HIST_SLOTS];

	widen(wide, hist);
	return hist64__quantile(wide, q, value);
}

bool hist__max(const __u32 *hist, __u64 known_max, __u64 *value)
{
	__u64 wide[HIST_SLOTS];

	widen(wide, hist);
	return hist64__max(wide, known_max, value);
}

__u64 hist64__total(const __u64 *hist)
{
	__u64 total = 0;

	for (int i = 0; i < HIST_SLOTS; i++)
		total += hist[i];
	return total;
}

__u64 hist__midpoint(__u32 index)
{
	__u64 lower = hist_lower(index);

	return lower + (hist_upper(index) - lower) / 2;
}

bool hist64__quantile(const __u64 *hist, double q, __u64 *value)
{
	__u64 total = hist64__total(hist), seen = 0, rank;

	if (!total)
		return false;
	rank = (__u64)(q * (double)total);
	if ((double)rank < q * (double)total || !rank)
		rank++;
	if (rank > total)
		rank = total;
	for (int i = 0; i < HIST_SLOTS; i++) {
		seen += hist[i];
		if (seen >= rank) {
			*value = hist__midpoint(i);
			return true;
		}
	}
	return false;
}

bool hist64__max(const __u64 *hist, __u64 known_max, __u64 *value)
{
	for (int i = HIST_SLOTS - 1; i >= 0; i--) {
		if (!hist[i])
			continue;
		*value = hist_upper(i);
		/* The last bucket has no upper end, and the maximum may lie in this one. */
		if (i == HIST_SLOTS - 1 || (known_max >= hist_lower(i) && known_max < *value))
			*value = known_max;
		return true;
	}
	return false;
}
