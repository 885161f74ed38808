/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TOOLS_NUMBERS_H
#define TOOLS_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * "0x10", "12", "4K", "2M", "1G" and sums and differences of them, such as 1M+4K.
 * False: it is none, or does not fit 64 bits.
 */
bool parse_number(const char *text, uint64_t *number);

/* "A-B", both inclusive, or "A+SIZE" */
bool parse_range(const char *text, uint64_t *first, uint64_t *last);

#endif
