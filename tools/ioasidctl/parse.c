// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names as people write them. */
#include <string.h>
#include "ioasidctl.h"

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
