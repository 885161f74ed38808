// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers, ranges and names as people write them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ioasidctl.h"

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

#define NR_FORMATS	(IOASID_FORMAT_ARM_CD + 1)

uint32_t find_format(const char *name)
{
	for (uint32_t format = 1; format < NR_FORMATS; format++)
		if (strcmp(name, "?") && !strcmp(name, ioasid_format_name(format)))
			return format;
	return IOASID_FORMAT_NONE;
}

void format_names(char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (uint32_t format = 1; format < NR_FORMATS && len < size; format++) {
		/* Numbers between page tables and PASID tables have no name. */
		if (*ioasid_format_name(format) == '?')
			continue;
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
				ioasid_format_name(format));
	}
}

const char *prot_text(uint32_t prot)
{
	static const char *const texts[] = { "--", "r-", "-w", "rw" };

	return texts[prot & (IOASID_MAP_READ | IOASID_MAP_WRITE)];
}

const char *size_text(uint64_t size, char buf[24])
{
	const char *units = "KMGT";
	int unit = -1;

	while (unit < 3 && size && !(size & 1023)) {
		size >>= 10;
		unit++;
	}
	if (unit < 0)
		snprintf(buf, 24, "%llu", (unsigned long long)size);
	else
		snprintf(buf, 24, "%llu%c", (unsigned long long)size, units[unit]);
	return buf;
}
