// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "arg.h"

double arg__number(struct argp_state *state, const char *what, const char *text, double min,
		   double max)
{
	double number;
	char *end;

	errno = 0;
	number = strtod(text, &end);
	if (errno || end == text || *end || !(number >= min && number <= max))
		argp_error(state, "%s must be from %g to %g, not '%s'", what, min, max, text);
	return number;
}

unsigned long arg__whole(struct argp_state *state, const char *what, const char *text,
			 unsigned long min, unsigned long max)
{
	double number = arg__number(state, what, text, min, max);

	if (number != floor(number))
		argp_error(state, "%s must be a whole number, not '%s'", what, text);
	return number;
}
