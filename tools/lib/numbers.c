// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers and ranges as people write them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include "numbers.h"

static unsigned int unit_shift(char unit)
{
	switch (unit) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return 0;
	}
}

/* One term; *text moves behind it. */
static bool parse_term(const char **text, uint64_t *number)
{
	unsigned int shift;
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*number = strtoull(*text, &end, **text == '0' && (*text)[1] == 'x' ? 16 : 10);
	if (errno || end == *text)
		return false;
	shift = unit_shift(*end);
	if (shift && *number >> (64 - shift))
		return false;
	*number <<= shift;
	*text = end + (shift != 0);
	return true;
}

bool parse_number(const char *text, uint64_t *number)
{
	uint64_t term;
	char sign;

	if (!parse_term(&text, number))
		return false;
	while (*text == '+' || *text == '-') {
		sign = *text++;
		if (!parse_term(&text, &term))
			return false;
		if (sign == '+' ? *number + term < term : term > *number)
			return false;
		*number += sign == '+' ? term : -term;
	}
	return !*text;
}

bool parse_range(const char *text, uint64_t *first, uint64_t *last)
{
	uint64_t second;
	char sign;

	if (!parse_term(&text, first))
		return false;
	if (!*text) {
		*last = *first;
		return true;
	}
	sign = *text++;
	if ((sign != '-' && sign != '+') || !parse_term(&text, &second) || *text)
		return false;
	if (sign == '-') {
		*last = second;
		return second >= *first;
	}
	*last = *first + second - 1;
	return second && *last >= *first;
}
